//! What went wrong and is put right: places out of reach, lost notifications, parameters changed by hand.

use super::*;
use crate::harness::{build, invocations, start};

#[tokio::test]
async fn a_region_or_an_account_out_of_reach_heals_by_the_sweep() {
    for (seed, unreachable) in [(61, json!({"region": "eu-west-1"})), (62, json!({"account": "444455556666"}))] {
        let running = three_accounts(seed, &[]).await;
        let local = &running.local;
        set_faults(local, json!([{"fault": "unreachable", "match": unreachable}]));
        let (arn, _) = build(local, "web").await;
        let out =
            |(region, account): (&str, &str)| unreachable["region"] == region || unreachable["account"] == account;
        for place in places() {
            assert_eq!(newest(local, place, "web").is_empty(), out(place), "{place:?}");
        }
        assert_eq!(announcements(local), (0, 0));
        let record = invocations(local, "fan-out-amis").pop().unwrap();
        let (told, name) = (&record.ending.payload, unreachable.as_object().unwrap().values().next().unwrap());
        assert!(record.ending.function_error.is_some() && told.contains(name.as_str().unwrap()), "{told}");

        let told = undone(local, sweep(local)).await;
        assert!(told.contains(name.as_str().unwrap()), "{told}");
        set_faults(local, json!([]));
        done(local, sweep(local)).await;
        assert!(stands_everywhere(local, None, &arn));
        assert_eq!(announcements(local), (1, 1));
        running.local.shut_down().await;
    }
}

#[tokio::test]
async fn the_scheduled_sweep_publishes_what_a_lost_notification_left_out() {
    let running = three_accounts(63, &[("PublishSweepSchedule", "rate(1 hour)")]).await;
    let local = &running.local;
    set_faults(local, json!([{"fault": "lost", "match": {"service": "sns"}}]));
    let (arn, _) = build(local, "web").await;
    set_faults(local, json!([]));
    hours(local, 2).await;
    settle(local).await;
    assert!(stands_everywhere(local, None, &arn), "{:?}", invocations(local, "fan-out-amis").pop());
    assert_eq!(announcements(local), (1, 1));
    running.local.shut_down().await;
}

/// Somebody writes the parameter of `web` in a place.
async fn write_by_hand(local: &Local, (region, account): (&str, &str), value: &str, description: Option<&str>) {
    let mut input = json!({
        "Name": "/golden-images/web", "Value": value, "Overwrite": true, "DataType": "aws:ec2:image", "Type": "String",
    });
    if let Some(text) = description {
        input["Description"] = json!(text);
    }
    call_in(&mut local.world(), account, region, "ssm", "PutParameter", input).unwrap();
    settle(local).await;
}

#[tokio::test]
async fn a_parameter_that_was_changed_by_hand_is_repaired_and_reported_and_a_manual_one_is_left() {
    let running = three_accounts(64, &[]).await;
    let local = &running.local;
    let (first, _) = build(local, "web").await;
    let (second, _) = build(local, "web").await;
    let (changed, manual) = ((REGIONS[1], OTHERS[0]), (DEFAULT_REGION, OTHERS[1]));
    let old = |place| ami(local, &first, place);
    write_by_hand(local, changed, &old(changed), Some("rolled back by Jo")).await;
    write_by_hand(local, manual, &old(manual), Some("manual")).await;
    // A description that still names a build doesn't make another value right.
    let disguised = (DEFAULT_REGION, DEFAULT_ACCOUNT);
    write_by_hand(local, disguised, &old(disguised), None).await;

    let told = done(local, sweep(local)).await;
    for place in places() {
        let version = history(local, place, "web").pop().unwrap();
        if place == manual {
            assert_eq!((version.value, version.build.as_str()), (old(manual), "manual"));
        } else {
            assert_eq!(
                (version.value, version.build.as_str()),
                (ami(local, &second, place), second.as_str()),
                "{place:?}"
            );
        }
    }
    assert!(told.contains("somebody else wrote version 3"), "{told}");
    assert!(told.contains("manual"), "{told}");
    let before: Vec<_> = places().map(|place| history(local, place, "web")).collect();
    done(local, sweep(local)).await;
    assert_eq!(places().map(|place| history(local, place, "web")).collect::<Vec<_>>(), before, "once is enough");
    running.local.shut_down().await;
}

#[tokio::test]
async fn an_ami_that_is_not_available_where_it_belongs_is_told_and_neither_written_nor_announced() {
    let running = three_accounts(65, &[]).await;
    let local = &running.local;
    set_faults(
        local,
        json!([{"fault": "delayed", "seconds": 600, "match": {"service": "sns", "topic": "*BuildNotifications*"}}]),
    );
    let arn = start(local, "web");
    while !local.world().imagebuilder.has_ended(&arn) {
        let due = local.world().next_due().unwrap();
        local.run_until(due, &mut |_| {}).await;
    }
    let gone = (REGIONS[1], OTHERS[0]);
    let image = ami(local, &arn, gone);
    let until = local.world().now + TimeDelta::seconds(300);
    local.run_until(until, &mut |_| {}).await;
    call_in(&mut local.world(), gone.1, gone.0, "ec2", "DeregisterImage", json!({"ImageId": image})).unwrap();
    settle(local).await;
    for place in places() {
        assert_eq!(newest(local, place, "web").is_empty(), place == gone, "{place:?}");
    }
    assert_eq!(announcements(local), (0, 0));
    let record = invocations(local, "fan-out-amis").pop().unwrap();
    let told = &record.ending.payload;
    assert!(record.ending.function_error.is_some() && told.contains(&image), "{told}");
    running.local.shut_down().await;
}
