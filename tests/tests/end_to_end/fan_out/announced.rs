//! Who hears of a published build: the topic and the event bus, once.

use super::*;
use crate::harness::{build, build_notifications, call};

#[tokio::test]
async fn a_build_is_announced_once_however_often_its_notification_comes() {
    let running = three_accounts(31, &[]).await;
    let local = &running.local;
    set_faults(
        local,
        json!([{"fault": "repeated", "copies": 3, "match": {"service": "sns", "topic": "*BuildNotifications*"}}]),
    );
    let (arn, _) = build(local, "web").await;
    set_faults(local, json!([]));
    let message = json!({"arn": arn, "state": {"status": "AVAILABLE"}}).to_string();
    let topic = build_notifications(local);
    call(&mut local.world(), "sns", DEFAULT_REGION, "Publish", json!({"TopicArn": topic, "Message": message}));
    settle(local).await;
    done(local, sweep(local)).await;
    assert_eq!(announcements(local), (1, 1));
    assert!(places().all(|place| history(local, place, "web").len() == 1));
    running.local.shut_down().await;
}

#[tokio::test]
async fn an_event_tells_the_bus_of_the_setting_what_is_published_where() {
    let stacks = [own_stack("image-bus.yaml"), own_stack("one-image.yaml"), own_stack("container.yaml")];
    let parameters = [&OFF[..], &[("EventBusName", "images")]].concat();
    let running = deployed_with(32, &stacks, &parameters, &[]).await;
    let local = &running.local;
    let (arn, _) = build(local, "one").await;
    build(local, "runner").await;
    {
        let world = local.world();
        let of =
            |kind: Kind| world.journal.entries().iter().filter(move |entry| entry.kind == kind).collect::<Vec<_>>();
        let put: Vec<_> =
            of(Kind::EventPut).iter().map(|entry| (entry.subject.as_str(), entry.detail.clone())).collect();
        assert_eq!(put.len(), 2, "{put:?}");
        assert!(
            put.iter().all(|(bus, detail)| *bus == "images" && detail.starts_with("Image Published from goldsmith"))
        );
        assert!(put[0].1.ends_with(&arn), "{put:?}");
        let matched: Vec<_> = of(Kind::RuleMatched).iter().map(|entry| entry.subject.clone()).collect();
        assert_eq!(
            matched.iter().filter(|rule| *rule == "on-published").count(),
            1,
            "only that of the family it asks for: {matched:?}"
        );
    }
    running.local.shut_down().await;
}

#[tokio::test]
async fn a_bus_that_is_not_there_is_told_and_what_is_published_stays() {
    let parameters = [&OFF[..], &[("EventBusName", "nowhere")]].concat();
    let running = deployed_with(33, &[own_stack("one-image.yaml")], &parameters, &[]).await;
    let local = &running.local;
    let (arn, _) = build(local, "one").await;
    assert_eq!(newest(local, (DEFAULT_REGION, DEFAULT_ACCOUNT), "one"), arn);
    let record = crate::harness::invocations(local, "fan-out-amis").pop().unwrap();
    let told = &record.ending.payload;
    assert!(record.ending.function_error.is_some() && told.contains("nowhere"), "{told}");
    running.local.shut_down().await;
}
