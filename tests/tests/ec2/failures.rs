//! What goes wrong on the way.

use crate::client;
use crate::harness::{Bench, on_both};
use goldsmith_local::faults::Rules;
use goldsmith_local::journal::Kind;
use serde_json::{Value, json};
use shared::ec2::{Client, DescribeAutoScalingGroups, DescribeImages};
use shared::error::{AwsError, Failure, chain};

fn ask_for(bench: &Bench, rule: Value) {
    let rules = Rules::parse(json!({"rules": [rule]}).to_string().as_bytes()).unwrap();
    bench.local.world().faults.set(rules);
}

/// How it goes to describe images with so many attempts, and how many of them a fault struck.
async fn describe(bench: &Bench, attempts: u32) -> (Result<(), AwsError>, usize) {
    of(bench, async || client(bench, attempts).describe_images(&DescribeImages::default(), None).await.map(drop)).await
}

async fn of(bench: &Bench, call: impl AsyncFn() -> Result<(), AwsError>) -> (Result<(), AwsError>, usize) {
    let before = bench.journal(Kind::Fault).len();
    let result = call().await;
    (result, bench.journal(Kind::Fault).len() - before)
}

#[tokio::test]
async fn throttled_calls_are_tried_again() {
    on_both(async |bench| {
        for code in ["RequestLimitExceeded", "Throttling", "EC2ThrottledException", "RequestThrottled"] {
            ask_for(bench, json!({"fault": "throttle", "code": code, "times": 2, "match": {"service": "ec2"}}));
            let (result, struck) = describe(bench, 3).await;
            assert!(result.is_ok() && struck == 2, "{code}: {result:?} after {struck}");
        }
        ask_for(bench, json!({"fault": "throttle", "match": {"operation": "DescribeImages"}}));
        let (result, struck) = describe(bench, 3).await;
        let error = result.unwrap_err();
        assert_eq!((error.code(), struck), (Some("RequestLimitExceeded"), 3));
        assert!(error.is_throttled() && error.is_retryable());
        ask_for(bench, json!({"fault": "throttle", "times": 1, "match": {"service": "autoscaling"}}));
        let groups = async |client: &Client| {
            client.describe_auto_scaling_groups(&DescribeAutoScalingGroups::default(), None).await.map(drop)
        };
        let (result, struck) = of(bench, async || groups(&client(bench, 2)).await).await;
        assert!(result.is_ok() && struck == 1, "{result:?} after {struck}");
        ask_for(bench, json!({"fault": "throttle", "match": {"service": "autoscaling"}}));
        let error = groups(&client(bench, 1)).await.unwrap_err();
        assert!(error.code() == Some("Throttling") && error.is_throttled());
    })
    .await;
}

#[tokio::test]
async fn the_services_own_faults_are_tried_again() {
    on_both(async |bench| {
        for status in [500, 503] {
            ask_for(bench, json!({"fault": "error", "status": status, "times": 1}));
            let (result, struck) = describe(bench, 2).await;
            assert!(result.is_ok() && struck == 1, "{status}: {result:?} after {struck}");
        }
        ask_for(bench, json!({"fault": "error", "status": 503}));
        let error = describe(bench, 2).await.0.unwrap_err();
        assert!(error.code() == Some("Unavailable") && error.is_retryable() && !error.is_throttled());
    })
    .await;
}

#[tokio::test]
async fn a_denied_call_keeps_its_code_and_is_not_tried_again() {
    on_both(async |bench| {
        let message = "You are not authorized to perform this operation.";
        for (rule, code) in [
            (json!({"fault": "error", "status": 403, "message": message}), "UnauthorizedOperation"),
            (json!({"fault": "error", "status": 403, "code": "AccessDenied", "message": message}), "AccessDenied"),
        ] {
            ask_for(bench, rule);
            let (result, struck) = describe(bench, 5).await;
            let error = result.unwrap_err();
            assert_eq!((error.code(), struck), (Some(code), 1));
            assert!(matches!(error.failure, Failure::Answered { status: 403, .. }), "{error:?}");
            assert!(!error.is_retryable());
            assert_eq!(error.to_string(), format!("DescribeImages of images in us-east-1: {code}: {message}"));
        }
    })
    .await;
}

#[tokio::test]
async fn a_region_out_of_reach_gives_no_answer() {
    on_both(async |bench| {
        ask_for(bench, json!({"fault": "unreachable", "times": 1, "match": {"region": "us-east-1"}}));
        let (result, struck) = describe(bench, 2).await;
        assert!(result.is_ok() && struck == 1, "{result:?} after {struck}");
        ask_for(bench, json!({"fault": "unreachable", "match": {"region": "us-east-1"}}));
        let error = describe(bench, 2).await.0.unwrap_err();
        assert!(error.code().is_none() && error.is_retryable(), "{error:?}");
        assert!(chain(&error).starts_with("DescribeImages of images in us-east-1: no answer: "), "{}", chain(&error));
    })
    .await;
}

#[tokio::test]
async fn a_client_without_credentials_does_not_ask() {
    on_both(async |bench| {
        let mut config = bench.config.clone().into_builder();
        config.set_credentials_provider(None);
        let error = Client::new(&config.build()).describe_images(&DescribeImages::default(), None).await.unwrap_err();
        assert!(matches!(error.failure, Failure::Unasked(_)) && !error.is_retryable(), "{error:?}");
    })
    .await;
}
