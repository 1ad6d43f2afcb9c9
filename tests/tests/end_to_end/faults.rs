//! What goes wrong in the world, and what the function makes of it.

use crate::harness::{build, build_notifications, call, count, deployed, invocations, own_stack, published, settle};
use goldsmith_local::driver::Local;
use goldsmith_local::journal::Kind;
use goldsmith_local::lambda::InvocationRecord;
use goldsmith_local::world::DEFAULT_REGION;
use serde_json::{Value, json};

/// Sends a message to the topic and returns the answers of the invocations that it caused.
async fn publish(local: &Local, message: &str) -> Vec<Value> {
    let before = answers(local).len();
    let topic = build_notifications(local);
    call(&mut local.world(), "sns", DEFAULT_REGION, "Publish", json!({"TopicArn": topic, "Message": message}));
    settle(local).await;
    answers(local).split_off(before)
}

/// What `fan-out-amis` answered; `start-pipelines` hears of the same messages.
fn answers(local: &Local) -> Vec<Value> {
    let parsed = |record: &InvocationRecord| serde_json::from_str(&record.ending.payload).unwrap();
    invocations(local, "fan-out-amis").iter().map(parsed).collect()
}

/// A message as Image Builder sends it, for a build that the filter policy lets through.
fn message(arn: &str) -> String {
    json!({"arn": arn, "state": {"status": "AVAILABLE"}}).to_string()
}

#[tokio::test]
async fn a_repeated_notification_changes_and_announces_nothing() {
    let running = deployed(1, &[own_stack("one-image.yaml")]).await;
    let local = &running.local;
    let (arn, entries) = build(local, "one").await;
    assert_eq!(count(&entries, Kind::ParameterWritten), 2);
    assert_eq!(count(&entries, Kind::MessagePublished), 1);
    let before = published(local, "one");
    assert_eq!(
        before.iter().map(|row| (row.0.as_str(), row.2)).collect::<Vec<_>>(),
        [("eu-west-1", 1), ("us-east-1", 1)]
    );
    assert!(before.iter().all(|row| row.3 == arn));

    let writes =
        |local: &Local| local.world().journal.calls().iter().filter(|call| call.operation == "PutParameter").count();
    let written = writes(local);
    assert_eq!(publish(local, &message(&arn)).await.len(), 1);
    assert_eq!(published(local, "one"), before);
    assert_eq!(writes(local), written);
    assert_eq!(
        count(local.world().journal.entries(), Kind::MessagePublished),
        2,
        "the forged one and the announcement"
    );
    running.local.shut_down().await;
}

#[tokio::test]
async fn a_late_notification_never_puts_an_older_build_over_a_newer_one() {
    let running = deployed(2, &[own_stack("one-image.yaml")]).await;
    let local = &running.local;
    let (first, _) = build(local, "one").await;
    let (second, _) = build(local, "one").await;
    assert!(first.ends_with("/1.0.0/1") && second.ends_with("/1.0.0/2"));
    let answers = publish(local, &message(&first)).await;
    assert_eq!(answers.len(), 1);
    assert!(answers[0].to_string().contains(&second), "the reason names the newer build: {}", answers[0]);
    assert!(published(local, "one").iter().all(|row| row.3 == second && row.2 == 2));
    running.local.shut_down().await;
}

#[tokio::test]
async fn a_failed_build_is_not_published_whatever_a_message_says() {
    let running = deployed(3, &[own_stack("failing.yaml")]).await;
    let local = &running.local;
    let (arn, entries) = build(local, "failing").await;
    assert_eq!(count(&entries, Kind::Notification), 1);
    assert!(invocations(local, "fan-out-amis").is_empty(), "the filter policy keeps FAILED away");
    let answers = publish(local, &message(&arn)).await;
    assert!(answers[0].to_string().contains("FAILED"), "{}", answers[0]);
    assert!(published(local, "failing").is_empty());
    running.local.shut_down().await;
}

#[tokio::test]
async fn what_is_not_image_builders_is_acknowledged_and_not_retried() {
    let running = deployed(4, &[]).await;
    let local = &running.local;
    for message in [
        json!({"state": {"status": "AVAILABLE"}}).to_string(),
        json!({"arn": "arn:aws:ec2:us-east-1::image/ami-1", "state": {"status": "AVAILABLE"}}).to_string(),
        message("arn:aws:imagebuilder:us-east-1:111122223333:image/theirs/1.0.0/1"),
        message("arn:aws:imagebuilder:us-east-1:123456789012:image/never-built/1.0.0/1"),
    ] {
        let answers = publish(local, &message).await;
        assert_eq!(answers.len(), 1, "{message}");
        assert!(
            local.world().lambda.invocations.iter().all(|record| record.ending.function_error.is_none()),
            "{message}"
        );
    }
    assert!(local.world().lambda.dead_letters.is_empty());
    running.local.shut_down().await;
}

#[tokio::test]
async fn a_region_that_fails_does_not_stop_the_others_and_ends_in_the_dead_letter_queue() {
    let running = deployed(5, &[own_stack("one-image.yaml")]).await;
    let local = &running.local;
    let image_arn = crate::harness::start(local, "one");
    while !local.world().imagebuilder.has_ended(&image_arn) {
        let due = local.world().next_due().unwrap();
        local.run_until(due, &mut |_| {}).await;
    }
    // Before the notification arrives, somebody deregisters the AMI of one Region.
    let ireland = {
        let world = local.world();
        let image =
            world.ec2.images.values().find(|image| image.region == "eu-west-1" && image.owner == "123456789012");
        image.unwrap().id.clone()
    };
    call(&mut local.world(), "ec2", "eu-west-1", "DeregisterImage", json!({"ImageId": ireland}));
    let entries = settle(local).await;

    assert_eq!(published(local, "one").iter().map(|row| row.0.as_str()).collect::<Vec<_>>(), ["us-east-1"]);
    assert_eq!(invocations(local, "fan-out-amis").len(), 3, "the event and its two retries");
    let announced = entries.iter().filter(|entry| entry.kind == Kind::MessagePublished);
    let announced = announced.filter(|entry| entry.detail.contains("PublishedImages")).count();
    assert_eq!(announced, 0, "a build is announced once it stands in every Region");
    {
        let world = local.world();
        assert_eq!(world.lambda.dead_letters.len(), 1);
        assert!(world.lambda.dead_letters[0].body.contains(&image_arn));
    }
    for record in &invocations(local, "fan-out-amis") {
        assert!(record.ending.function_error.is_some());
        let payload = &record.ending.payload;
        assert!(payload.contains("eu-west-1") && payload.contains(&ireland), "{payload}");
    }
    running.local.shut_down().await;
}
