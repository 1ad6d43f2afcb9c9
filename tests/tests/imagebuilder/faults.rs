//! Faults on demand, as an SDK meets them.

use crate::fixtures::{built, infrastructure, pipeline};
use crate::harness::{Bench, arn, code, on_both};
use aws_sdk_imagebuilder::error::SdkError;
use aws_sdk_imagebuilder::types::ImageStatus;
use chrono::TimeDelta;
use goldsmith_local::faults::Rules;
use goldsmith_local::journal::Kind;
use serde_json::{Value, json};

fn ask_for(bench: &Bench, rules: Value) {
    let rules = Rules::parse(json!({"rules": rules}).to_string().as_bytes()).unwrap();
    bench.local.world().faults.set(rules);
}

#[tokio::test]
async fn a_call_is_throttled_refused_late_or_lost_on_its_way() {
    on_both(async |bench| {
        let made = infrastructure(bench, "builders").await;
        let get = || bench.builder.get_infrastructure_configuration().infrastructure_configuration_arn(&made).send();
        ask_for(bench, json!([{"fault": "throttle", "code": "CallRateLimitExceededException", "times": 1}]));
        assert_eq!(code(get().await), "CallRateLimitExceededException");
        get().await.unwrap();
        ask_for(bench, json!([{"fault": "error", "status": 503, "message": "down"}]));
        assert_eq!(code(get().await), "ServiceUnavailableException");
        ask_for(bench, json!([{"fault": "unreachable", "match": {"region": "eu-*"}}]));
        get().await.unwrap();
        ask_for(bench, json!([{"fault": "unreachable", "match": {"region": "us-east-1"}}]));
        assert!(matches!(get().await.unwrap_err(), SdkError::DispatchFailure(_)));
        ask_for(bench, json!([{"fault": "latency", "milliseconds": 5000}]));
        let before = bench.local.world().now;
        get().await.unwrap();
        assert_eq!(bench.local.world().now - before, TimeDelta::seconds(5));
        let lines = bench.journal(Kind::Fault);
        assert_eq!(lines.first().unwrap(), "throttled: CallRateLimitExceededException (rule 1)");
        assert_eq!(lines.last().unwrap(), "answered 5000 ms later (rule 1)");
    })
    .await;
}

#[tokio::test]
async fn a_new_image_is_listed_late() {
    on_both(async |bench| {
        let pipeline = pipeline(bench).await;
        ask_for(bench, json!([{"fault": "list-images-lag", "seconds": 120, "match": {"name": "web"}}]));
        let image = crate::fixtures::start(bench, &pipeline).await;
        let listed = async || bench.builder.list_images().send().await.unwrap().image_version_list().len();
        assert_eq!(listed().await, 0);
        bench.builder.get_image().image_build_version_arn(&image).send().await.unwrap();
        bench.pass(TimeDelta::seconds(119)).await;
        assert_eq!(listed().await, 0);
        bench.pass(TimeDelta::seconds(1)).await;
        assert_eq!(listed().await, 1);
        assert_eq!(bench.journal(Kind::Fault).len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_build_fails_where_a_rule_says() {
    on_both(async |bench| {
        let pipeline = pipeline(bench).await;
        ask_for(
            bench,
            json!([
                {"fault": "fail-build", "status": "TESTING", "reason": "not this", "match": {"pipeline": "other"}},
                {"fault": "fail-build", "status": "DISTRIBUTING", "reason": "no room", "region": "eu-west-1", "times": 1,
                 "match": {"pipeline": "web", "recipe": arn("image-recipe/web/1.0.0")}},
            ]),
        );
        let get = async |image: &str| {
            let answer = bench.builder.get_image().image_build_version_arn(image).send().await.unwrap();
            answer.image.unwrap().state.unwrap()
        };
        let failed = get(&built(bench, &pipeline).await).await;
        assert_eq!((failed.status(), failed.reason()), (Some(&ImageStatus::Failed), Some("no room")));
        let context = failed.failure_context().unwrap();
        assert_eq!(context.image_status(), Some(&ImageStatus::Distributing));
        let region = &context.distribution_failure().unwrap().region_failures()[0];
        assert_eq!((region.region(), region.error_message()), (Some("eu-west-1"), Some("no room")));
        assert_eq!(get(&built(bench, &pipeline).await).await.status(), Some(&ImageStatus::Available));
        assert_eq!(bench.journal(Kind::Fault), ["will fail in DISTRIBUTING: no room (rule 2)"]);
    })
    .await;
}
