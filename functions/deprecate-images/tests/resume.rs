//! A run that has no time for all families, and the ones after it, on a wire with as many images as one wants.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use chrono::SecondsFormat;
use deprecate_images::{Answer, Function, Settings};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use wire::{OWN, Wire, now};

#[path = "../benches/scale/wire.rs"]
mod wire;

const FAMILIES: usize = 120;

async fn run(wire: &Wire, time: Duration) -> Answer {
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(OWN, "s", None, None, "test")))
        .retry_config(RetryConfig::standard())
        .http_client(wire.clone())
        .build();
    let settings = [
        ("REPORTS_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:reports"),
        ("EXECUTION_ROLE_ARN", "arn:aws:iam::123456789012:role/lifecycle"),
        ("RESUME_PARAMETER", "/goldsmith/retirement"),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
    let function = Function::new(&config, Settings::from_environment(settings).unwrap());
    let mut context = Context::default();
    context.invoked_function_arn = format!("arn:aws:lambda:us-east-1:{OWN}:function:deprecate-images");
    #[expect(clippy::disallowed_methods, reason = "a deadline is in the machine's time")]
    let end = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + time;
    context.deadline = u64::try_from(end.as_millis()).unwrap();
    let event = json!({"time": now().to_rfc3339_opts(SecondsFormat::Secs, true)});
    function.handle(LambdaEvent::new(event, context)).await.unwrap()
}

#[tokio::test]
async fn runs_go_on_where_the_last_one_stopped_until_all_families_had_their_turn() {
    let wire = Wire::new(FAMILIES, Duration::from_millis(10));
    let mut waiting: BTreeSet<String> = (0..FAMILIES).map(|number| format!("family-{number}")).collect();
    let mut runs = 0;
    while !waiting.is_empty() {
        let from = wire.resume.lock().unwrap().clone();
        let answer = run(&wire, Duration::from_secs(3)).await;
        let unreached: BTreeSet<String> = answer.plan.unreached.iter().cloned().collect();
        assert_eq!(answer.plan.counts.families + unreached.len(), FAMILIES, "nothing is forgotten");
        assert!(runs > 0 || !unreached.is_empty(), "one run has no time for all");
        // Whatever family a run gets to, it gets first to the one that the last run named.
        assert!(unreached.len() == FAMILIES || from.is_none_or(|from| !unreached.contains(&from)));
        waiting.retain(|family| unreached.contains(family));
        assert_eq!(wire.resume.lock().unwrap().as_ref(), answer.plan.unreached.first());
        assert_eq!(answer.from.as_ref(), answer.plan.unreached.first());
        runs += 1;
        assert!(runs < 60, "{waiting:?}");
    }
    // With time for all of them, the next run begins with the first again.
    let answer = run(&wire, Duration::from_secs(600)).await;
    assert!(answer.plan.unreached.is_empty() && wire.resume.lock().unwrap().is_none());
    assert_eq!(answer.plan.counts.families, FAMILIES);
}
