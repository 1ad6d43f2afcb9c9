//! Failures that pass by themselves.

use super::*;

/// What EC2 says of too many copies at once.
const THROTTLED: &str = "EC2 Client Error: 'Request limit exceeded.' when distributing the image (Service: AmazonEC2; \
                         Status Code: 503; Error Code: RequestLimitExceeded)";

fn distribution_fails(times: Option<u64>) -> Value {
    let mut rule = json!({"fault": "fail-build", "status": "DISTRIBUTING", "region": "eu-west-1", "reason": THROTTLED,
        "match": {"pipeline": "web"}});
    if let Some(times) = times {
        rule["times"] = times.into();
    }
    rule
}

#[tokio::test]
async fn a_distribution_that_was_throttled_is_tried_again_and_recovers() {
    for seed in [711, 712] {
        let running = world(seed, &[]).await;
        let local = &running.local;
        noise(local, seed, &[distribution_fails(Some(1))]);
        let arn = built(local, "web").await;
        assert_eq!(status(local, &arn), "AVAILABLE");
        assert_eq!(calls(local, "RetryImage"), 1);
        let told = reports(local);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[1].contains("builds work again"), "{told:?}");
        assert!(messages(local)[0]["text"].as_str().unwrap().contains("Nothing for now."));
        assert_eq!(image(local, &arn)["tags"]["goldsmith:retried"].as_str().unwrap().split(' ').next(), Some("1"));
        sweep(local).await;
        assert_eq!(reports(local).len(), 2, "{:?}", reports(local));
        assert_untroubled(local);
        running.local.shut_down().await;
    }
}

#[tokio::test]
async fn it_is_tried_so_often_and_no_more() {
    for (seed, parameter, retries) in [(713, "2", 2), (714, "0", 0)] {
        let running = world(seed, &[("MaxRetries", parameter)]).await;
        let local = &running.local;
        noise(local, seed, &[distribution_fails(None)]);
        let arn = built(local, "web").await;
        sweep(local).await;
        assert_eq!(status(local, &arn), "FAILED");
        assert_eq!(calls(local, "RetryImage"), retries);
        // That it is tried again, and that it failed for good.
        assert_eq!(reports(local).len(), if retries > 0 { 2 } else { 1 }, "{:?}", reports(local));
        assert_untroubled(local);
        running.local.shut_down().await;
    }
}

#[tokio::test]
async fn a_retry_that_is_refused_is_told_as_a_failure() {
    let running = world(715, &[]).await;
    let local = &running.local;
    let refused = json!({"fault": "error", "status": 403, "match": {"operation": "RetryImage"}});
    noise(local, 715, &[distribution_fails(None), refused]);
    built(local, "web").await;
    let text = text(local);
    assert!(!text.contains("Nothing for now."), "{text}");
    assert_untroubled(local);
    running.local.shut_down().await;
}

#[tokio::test]
async fn a_retry_that_can_not_be_asked_for_yet_is_asked_for_again() {
    let running = world(716, &[]).await;
    let local = &running.local;
    let broken = json!({"fault": "error", "status": 500, "match": {"operation": "RetryImage"}, "times": 7});
    faults(local, &[distribution_fails(Some(1)), broken]);
    let arn = built(local, "web").await;
    assert_eq!(status(local, &arn), "AVAILABLE");
    assert_eq!(reports(local).len(), 2, "{:?}", reports(local));
    assert!(reports(local)[1].contains("builds work again"), "{:?}", reports(local));
    running.local.shut_down().await;
}
