//! Notifications that aren't what they seem: nothing in a message is believed but which build to look at.

use super::*;
use crate::harness::{build, build_notifications, call, invocations, start};

async fn tell(local: &Local, message: Value) {
    let topic = build_notifications(local);
    let input = json!({"TopicArn": topic, "Message": message.to_string()});
    call(&mut local.world(), "sns", DEFAULT_REGION, "Publish", input);
    settle(local).await;
}

fn puts(local: &Local) -> usize {
    calls(local, "PutParameter")
}

#[tokio::test]
async fn a_build_of_another_account_or_of_nobody_publishes_nothing() {
    let running = three_accounts(41, &[]).await;
    let local = &running.local;
    for build in [
        "111122223333:image/web/1.0.0/1",
        "123456789012:image/web/1.0.0/1",
        "123456789012:image/web/9.9.9/9",
        "123456789012:image/never-built/1.0.0/1",
    ] {
        let arn = format!("arn:aws:imagebuilder:us-east-1:{build}");
        let amis = json!([{"region": "us-east-1", "image": "ami-0123456789abcdef0", "accountId": "123456789012"}]);
        tell(local, json!({"arn": arn, "state": {"status": "AVAILABLE"}, "outputResources": {"amis": amis}})).await;
        let record = invocations(local, "fan-out-amis").pop().unwrap();
        assert_eq!(record.ending.function_error, None, "{arn}: {}", record.ending.payload);
        assert_eq!(puts(local), 0, "{arn}");
    }
    assert_eq!((announcements(local), local.world().lambda.dead_letters.len()), ((0, 0), 0));
    running.local.shut_down().await;
}

#[tokio::test]
async fn an_ami_of_somebody_elses_in_the_body_is_never_published() {
    let running = three_accounts(42, &[]).await;
    let local = &running.local;
    // The real notification is lost: the forged one is the only word of the build.
    set_faults(local, json!([{"fault": "lost", "match": {"service": "sns"}}]));
    let (arn, _) = build(local, "web").await;
    assert_eq!(puts(local), 0);
    set_faults(local, json!([]));
    let theirs = "ami-0123456789abcdef0";
    let amis = places().map(|(region, account)| json!({"region": region, "image": theirs, "accountId": account}));
    let amis: Vec<_> =
        amis.chain([json!({"region": "eu-central-1", "image": theirs, "accountId": "123456789012"})]).collect();
    tell(local, json!({"arn": arn, "state": {"status": "AVAILABLE"}, "outputResources": {"amis": amis}})).await;
    for place in places() {
        assert_eq!(history(local, place, "web")[0].value, ami(local, &arn, place), "{place:?}");
    }
    assert!(history(local, ("eu-central-1", DEFAULT_ACCOUNT), "web").is_empty());
    running.local.shut_down().await;
}

#[tokio::test]
async fn a_build_that_is_not_available_yet_is_not_published() {
    let running = three_accounts(43, &[]).await;
    let local = &running.local;
    let arn = start(local, "web");
    tell(local, json!({"arn": arn, "state": {"status": "AVAILABLE"}})).await;
    assert_eq!(puts(local), 0);
    running.local.shut_down().await;
}
