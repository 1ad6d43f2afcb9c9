//! The client of EC2 and Auto Scaling in `shared` on the local AWS, in process and over TCP.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]
#![expect(clippy::expect_used, reason = "a test that can't go on fails")]

mod failures;
mod groups;
#[path = "../imagebuilder/harness.rs"]
#[allow(dead_code, reason = "Image Builder's tests need more of it")]
mod harness;
mod images;
mod templates;
mod usage;

use aws_config::retry::RetryConfig;
use chrono::TimeDelta;
use goldsmith_local::world::DEFAULT_REGION;
use harness::Bench;
use serde_json::{Value, json};
use shared::ec2::Client;
use std::time::Duration;

/// A client that tries a call so often, without waiting between.
fn client(bench: &Bench, attempts: u32) -> Client {
    let retry = RetryConfig::standard().with_max_attempts(attempts).with_initial_backoff(Duration::from_millis(1));
    Client::new(&bench.config.clone().into_builder().retry_config(retry).build())
}

/// A call of EC2 in its own names, as the account's root.
fn ec2(bench: &Bench, operation: &str, input: Value) -> Value {
    bench.call("ec2", DEFAULT_REGION, operation, input)
}

/// An available AMI of the account's own: a copy of one of Amazon's.
async fn ami(bench: &Bench, name: &str) -> String {
    let of_region = |((region, _), _): &(&(String, String), _)| region == DEFAULT_REGION;
    let source = bench.local.world().ec2.images.iter().find(of_region).unwrap().0.1.clone();
    let input = json!({"Name": name, "SourceImageId": source, "SourceRegion": DEFAULT_REGION});
    let id = ec2(bench, "CopyImage", input)["imageId"].as_str().unwrap().to_owned();
    bench.pass(TimeDelta::hours(1)).await;
    id
}

/// An instance that runs.
async fn instance(bench: &Bench, image_id: &str) -> String {
    let launched = ec2(bench, "RunInstances", json!({"ImageId": image_id, "MinCount": "1", "MaxCount": "1"}));
    bench.pass(TimeDelta::minutes(10)).await;
    launched["instancesSet"][0]["instanceId"].as_str().unwrap().to_owned()
}

/// A launch template whose versions name these AMIs, the first of which is the default one.
fn template(bench: &Bench, name: &str, images: &[&str]) -> String {
    let version = |image: &str| json!({"LaunchTemplateName": name, "LaunchTemplateData": {"ImageId": image}});
    let made = ec2(bench, "CreateLaunchTemplate", version(images[0]));
    for image in &images[1..] {
        ec2(bench, "CreateLaunchTemplateVersion", version(image));
    }
    made["launchTemplate"]["launchTemplateId"].as_str().unwrap().to_owned()
}
