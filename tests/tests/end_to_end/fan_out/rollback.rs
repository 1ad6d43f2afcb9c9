//! Roll back and release.

use super::*;
use crate::harness::{build, build_notifications, call};

async fn tell_again(local: &Local, arn: &str) {
    let message = json!({"arn": arn, "state": {"status": "AVAILABLE"}}).to_string();
    let topic = build_notifications(local);
    call(&mut local.world(), "sns", DEFAULT_REGION, "Publish", json!({"TopicArn": topic, "Message": message}));
    settle(local).await;
}

#[tokio::test]
async fn a_rolled_back_parameter_stays_until_it_is_released() {
    let running = three_accounts(71, &[]).await;
    let local = &running.local;
    let (first, _) = build(local, "web").await;
    let (second, _) = build(local, "web").await;
    assert!(stands_everywhere(local, None, &second));

    done(local, json!({"rollback": {"family": "web"}})).await;
    assert!(stands_everywhere(local, None, &first) && stands_everywhere(local, Some("hold"), &first));
    for place in places() {
        let version = history(local, place, "web").pop().unwrap();
        assert_eq!((version.number, version.value), (3, ami(local, &first, place)), "{place:?}");
    }
    // Again: it is done already.
    done(local, json!({"rollback": {"family": "web"}})).await;
    assert!(places().all(|place| history(local, place, "web").len() == 3));

    // Neither a notification, nor the sweep, nor a newer build moves it.
    tell_again(local, &second).await;
    done(local, sweep(local)).await;
    let (third, _) = build(local, "web").await;
    assert!(stands_everywhere(local, None, &first));
    done(local, sweep(local)).await;
    assert!(stands_everywhere(local, None, &first));

    done(local, json!({"release": {"family": "web"}})).await;
    assert!(stands_everywhere(local, None, &third));
    assert!(places().all(|place| labelled(local, place, "web", "hold").is_none()));
    running.local.shut_down().await;
}

#[tokio::test]
async fn a_roll_back_that_did_not_reach_every_place_says_so_and_is_finished_by_saying_it_again() {
    let running = three_accounts(72, &[]).await;
    let local = &running.local;
    let (first, _) = build(local, "web").await;
    let (second, _) = build(local, "web").await;
    set_faults(local, json!([{"fault": "unreachable", "match": {"account": "111122223333", "region": "eu-west-1"}}]));
    let told = undone(local, json!({"rollback": {"family": "web"}})).await;
    assert!(told.contains("eu-west-1") && told.contains("111122223333"), "{told}");
    set_faults(local, json!([]));
    let shown = done(local, json!({"show": {"family": "web"}})).await;
    assert!(shown.contains(&first) && shown.contains(&second), "half done is visible: {shown}");
    done(local, json!({"rollback": {"family": "web"}})).await;
    assert!(stands_everywhere(local, None, &first) && stands_everywhere(local, Some("hold"), &first));
    running.local.shut_down().await;
}

#[tokio::test]
async fn a_channel_goes_back_to_where_it_was_and_rules_leave_it_there_until_it_is_released() {
    let rules = json!({"dev": {"promote": "auto"}}).to_string();
    let running = three_accounts(73, &[("Channels", &rules)]).await;
    let local = &running.local;
    let (first, _) = build(local, "web").await;
    let (second, _) = build(local, "web").await;
    assert!(stands_everywhere(local, Some("dev"), &second));
    done(local, json!({"rollback": {"family": "web", "channel": "dev"}})).await;
    assert!(stands_everywhere(local, Some("dev"), &first));
    assert!(stands_everywhere(local, None, &second), "the parameter's newest version is another matter");
    let (third, _) = build(local, "web").await;
    assert!(stands_everywhere(local, Some("dev"), &first) && stands_everywhere(local, None, &third));
    done(local, json!({"release": {"family": "web", "channel": "dev"}})).await;
    done(local, sweep(local)).await;
    assert!(stands_everywhere(local, Some("dev"), &third));
    running.local.shut_down().await;
}

#[tokio::test]
async fn what_can_not_be_rolled_back_is_told() {
    let running = three_accounts(74, &[]).await;
    let local = &running.local;
    build(local, "web").await;
    for (event, expected) in [
        (json!({"rollback": {"family": "web"}}), "web"),
        (json!({"rollback": {"family": "nothing"}}), "nothing"),
        (json!({"rollback": {"family": "web", "channel": "prod"}}), "prod"),
        (json!({"rollback": {}}), "rollback.family"),
        (json!({"promote": {"family": "web", "channel": "1st", "to": "latest"}}), "promote.channel"),
    ] {
        let before: Vec<_> = places().map(|place| history(local, place, "web")).collect();
        let ending = invoke(local, event.clone()).await;
        let refused = ending.function_error.is_some() || !is_complete(&ending);
        assert!(refused && ending.payload.contains(expected), "{event}: {}", ending.payload);
        assert_eq!(places().map(|place| history(local, place, "web")).collect::<Vec<_>>(), before, "{event}");
    }
    running.local.shut_down().await;
}
