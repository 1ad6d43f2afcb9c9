//! Families that are too old, or not published as they should be.

use super::*;
use crate::harness::{call_in, published};

/// The AMI that the parameter of a family holds in a Region.
fn held(local: &Local, family: &str, region: &str) -> String {
    published(local, family).into_iter().find(|row| row.0 == region).unwrap().1
}

fn deregister(local: &Local, region: &str, ami: &str) {
    call(&mut local.world(), "ec2", region, "DeregisterImage", json!({"ImageId": ami}));
}

fn of_family<'a>(told: &'a [String], words: &str) -> Vec<&'a String> {
    told.iter().filter(|subject| subject.contains("web") && subject.contains(words)).collect()
}

#[tokio::test]
async fn a_family_without_a_new_build_is_told_once_to_be_stale_and_recovers() {
    let running = world(751, &[("RepeatAfter", "30d")]).await;
    let local = &running.local;
    noise(local, 751, &[]);
    built(local, "web").await;
    hours(local, 44 * 24).await;
    sweep(local).await;
    assert!(of_family(&reports(local), "stale").is_empty(), "{:?}", reports(local));
    hours(local, 2 * 24).await;
    sweep(local).await;
    sweep(local).await;
    hours(local, 24).await;
    sweep(local).await;
    assert_eq!(of_family(&reports(local), "stale").len(), 1, "{:?}", reports(local));
    built(local, "web").await;
    sweep(local).await;
    sweep(local).await;
    assert_eq!(of_family(&reports(local), "there is a new build").len(), 1, "{:?}", reports(local));
    assert_untroubled(local);
    running.local.shut_down().await;
}

#[tokio::test]
async fn the_schedule_looks_at_everything() {
    let running = world(752, &[("ReportState", "ENABLED"), ("StaleAfter", "3d")]).await;
    let local = &running.local;
    built(local, "web").await;
    hours(local, 5 * 24).await;
    let swept = invocations(local, "report-builds");
    assert_eq!(swept.iter().filter(|record| record.invocation.source == "schedule").count(), 5);
    assert_eq!(of_family(&reports(local), "web is stale").len(), 1, "{:?}", reports(local));
    assert_untroubled(local);
    running.local.shut_down().await;
}

#[tokio::test]
async fn an_ami_that_somebody_deregistered_is_told_once_and_its_successor_recovers_it() {
    for seed in [753, 754] {
        let running = world(seed, &[]).await;
        let local = &running.local;
        noise(local, seed, &[]);
        built(local, "web").await;
        let old = held(local, "web", DEFAULT_REGION);
        built(local, "web").await;
        // Of one that isn't published any more nobody hears.
        deregister(local, DEFAULT_REGION, &old);
        settle(local).await;
        assert_eq!(reports(local), [""; 0]);
        let ami = held(local, "web", DEFAULT_REGION);
        deregister(local, DEFAULT_REGION, &ami);
        settle(local).await;
        let text = text(local);
        assert!(text.contains(&ami) && text.contains("deregistered"), "{text}");
        sweep(local).await;
        assert_eq!(reports(local).len(), 1, "{:?}", reports(local));
        built(local, "web").await;
        sweep(local).await;
        sweep(local).await;
        assert_eq!(reports(local).len(), 2, "{:?}", reports(local));
        assert!(reports(local)[1].contains("can be launched again"), "{:?}", reports(local));
        assert_untroubled(local);
        running.local.shut_down().await;
    }
}

#[tokio::test]
async fn an_ami_that_somebody_disabled_is_told_once_and_again_when_it_can_be_launched() {
    let running = world(757, &[]).await;
    let local = &running.local;
    noise(local, 757, &[]);
    built(local, "web").await;
    let ami = held(local, "web", DEFAULT_REGION);
    call(&mut local.world(), "ec2", DEFAULT_REGION, "DisableImage", json!({"ImageId": ami}));
    settle(local).await;
    let text = text(local);
    assert!(text.contains(&ami) && text.contains("aws ec2 enable-image"), "{text}");
    sweep(local).await;
    assert_eq!(reports(local).len(), 1, "{:?}", reports(local));
    call(&mut local.world(), "ec2", DEFAULT_REGION, "EnableImage", json!({"ImageId": ami}));
    settle(local).await;
    sweep(local).await;
    sweep(local).await;
    assert_eq!(reports(local).len(), 2, "{:?}", reports(local));
    assert_untroubled(local);
    running.local.shut_down().await;
}

#[tokio::test]
async fn what_no_event_tells_the_sweep_finds_in_other_regions_and_accounts() {
    let role = "goldsmith-publish";
    let parameters = [&OFF[..], &[("TargetRoleName", role)]].concat();
    let running = deployed_with(755, &[own_stack("three-accounts.yaml")], &parameters, &[]).await;
    let local = &running.local;
    let own = [("AutomationAccountId", "123456789012")];
    for account in ["111122223333", "444455556666"] {
        crate::harness::deploy(
            local,
            account,
            "target-account",
            &crate::harness::root().join("target-account.yaml"),
            &own,
        )
        .await;
    }
    built(local, "web").await;
    sweep(local).await;
    assert_eq!(reports(local).iter().filter(|subject| subject.contains("AMI")).count(), 0, "{:?}", reports(local));
    let (region, account) = ("eu-west-1", "444455556666");
    let ami = {
        let name = json!({"Name": "/golden-images/web"});
        let held = call_in(&mut local.world(), account, region, "ssm", "GetParameter", name).unwrap();
        held["Parameter"]["Value"].as_str().unwrap().to_owned()
    };
    call_in(&mut local.world(), account, region, "ec2", "DisableImage", json!({"ImageId": ami})).unwrap();
    settle(local).await;
    sweep(local).await;
    sweep(local).await;
    let told = reports(local).into_iter().filter(|subject| subject.contains("AMI")).collect::<Vec<_>>();
    assert_eq!(told.len(), 1, "{told:?}");
    // An event that was forwarded from there finds the same.
    let event = json!({
        "source": "aws.ec2", "detail-type": "EC2 AMI State Change", "account": account, "region": region,
        "time": local.world().now.to_rfc3339(), "id": "e", "resources": [],
        "detail": {"ImageId": ami, "State": "disabled"},
    });
    let answer = done(local, event).await;
    assert!(answer["runs"][0]["outcomes"].is_object(), "the family was found: {answer}");
    assert_eq!(reports(local).iter().filter(|subject| subject.contains("AMI")).count(), 1);
    // Somebody enables it again.
    call_in(&mut local.world(), account, region, "ec2", "EnableImage", json!({"ImageId": ami})).unwrap();
    settle(local).await;
    sweep(local).await;
    assert!(reports(local).last().unwrap().contains("can be launched again"), "{:?}", reports(local));
    assert_untroubled(local);
    running.local.shut_down().await;
}

#[tokio::test]
async fn a_parameter_that_somebody_changed_is_told_once_it_should_have_been_put_right() {
    let running = world(756, &[]).await;
    let local = &running.local;
    built(local, "web").await;
    let first = held(local, "web", DEFAULT_REGION);
    built(local, "web").await;
    let input = json!({"Name": "/golden-images/web", "Value": first, "Type": "String", "Overwrite": true});
    call(&mut local.world(), "ssm", DEFAULT_REGION, "PutParameter", input);
    settle(local).await;
    sweep(local).await;
    assert_eq!(of_family(&reports(local), "").len(), 0, "it may be put right yet: {:?}", reports(local));
    hours(local, 30).await;
    sweep(local).await;
    sweep(local).await;
    let told = reports(local).into_iter().filter(|subject| subject.contains("web")).collect::<Vec<_>>();
    assert_eq!(told.len(), 1, "{told:?}");
    // Whoever rolled back says so by the label, and that is right.
    let input = json!({"Name": "/golden-images/web", "ParameterVersion": 3, "Labels": ["hold"]});
    call(&mut local.world(), "ssm", DEFAULT_REGION, "LabelParameterVersion", input);
    sweep(local).await;
    assert!(reports(local).iter().any(|subject| subject.contains("right AMIs again")), "{:?}", reports(local));
    running.local.shut_down().await;
}
