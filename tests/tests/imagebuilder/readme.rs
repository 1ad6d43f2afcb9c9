//! What local/README.md says: that it names all operations, and that what it shows in Rust runs.

use crate::model::operations;

const README: &str = include_str!("../../../local/README.md");

#[test]
fn every_operation_is_in_the_table() {
    let table = README.split_once("## All 77 operations").unwrap().1.split("\n## ").next().unwrap();
    let missing: Vec<_> = operations().map(|it| it.name).filter(|name| !table.contains(&format!("`{name}`"))).collect();
    assert_eq!(missing, [""; 0]);
    assert_eq!(operations().count(), 77);
}

/// The lines of the README, to be compiled; it needs a port that is known beforehand to run.
#[rustfmt::skip]
#[expect(dead_code, reason = "compiled only")]
async fn over_the_port() {
    use aws_config::BehaviorVersion;

    let config = aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url("http://127.0.0.1:4566")
        .load()
        .await;
    let builder = aws_sdk_imagebuilder::Client::new(&config);
    drop(builder);
}

/// Its lines are the README's, too.
async fn in_process() -> Result<(), Box<dyn std::error::Error>> {
    use aws_sdk_imagebuilder::config::{BehaviorVersion, Credentials, Region};
    use goldsmith_local::driver::{Pace, Running};
    use goldsmith_local::{draw::Seed, sdk::InProcess};

    let start = "2026-03-02T00:00:00Z".parse()?;
    let running = Running::start(Seed(1), Pace::Simulated { start }, 0).await?;
    let config = aws_sdk_imagebuilder::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("123456789012", "any", None, None, "local"))
        .http_client(InProcess::new(running.local.clone()))
        .build();
    let builder = aws_sdk_imagebuilder::Client::from_conf(config);
    builder.list_images().send().await?;
    // Start a build, then let its time pass:
    let later = start + chrono::TimeDelta::hours(1);
    running.local.run_until(later, &mut |entry| println!("{entry:?}")).await;
    assert_eq!(running.local.world().now, later);
    Ok(())
}

#[tokio::test]
async fn the_rust_that_it_shows_is_what_is_compiled_here() {
    in_process().await.unwrap();
    let here: Vec<_> = include_str!("readme.rs").lines().map(str::trim).collect();
    let shown: Vec<_> = README.split("```rust\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(shown.len(), 2);
    for line in shown.iter().flat_map(|block| block.lines()).map(str::trim) {
        assert!(here.contains(&line), "{line}");
    }
}
