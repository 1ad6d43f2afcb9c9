//! Images whose AMIs are copied to another account, or shared with one.

use super::{APPLY, ami_in, invoke, pass, reasons_of, run, statuses_of};
use crate::harness::{build, call, call_in, deploy, deployed_with, own_stack, root};
use chrono::TimeDelta;
use goldsmith_local::driver::{Local, Running};
use goldsmith_local::world::{DEFAULT_ACCOUNT, DEFAULT_REGION};
use serde_json::json;

/// Holds copies of `app`.
const COPIES: &str = "111122223333";

/// `lent` is shared with it.
const BORROWER: &str = "444455556666";

async fn accounts(seed: u64, more: &[(&str, &str)]) -> Running {
    let mut parameters: Vec<_> =
        APPLY.into_iter().filter(|(name, _)| !more.iter().any(|(own, _)| own == name)).collect();
    parameters.extend([("TargetRoleName", "goldsmith-publish"), ("LastLaunchedDays", "2")]);
    parameters.extend(more);
    deployed_with(seed, &[own_stack("retirement-accounts.yaml")], &parameters, &[]).await
}

async fn add_role(local: &Local, account: &str) {
    let parameters = [("AutomationAccountId", DEFAULT_ACCOUNT), ("LifecycleRole", "create")];
    deploy(local, account, "target-account", &root().join("target-account.yaml"), &parameters).await;
}

#[tokio::test]
async fn copies_in_another_account_keep_an_image_until_they_are_proven_unused_there() {
    let running = accounts(21, &[]).await;
    let local = &running.local;
    for _ in 0..3 {
        build(local, "app").await;
    }
    pass(local, TimeDelta::days(2)).await;
    // There is no role there.
    let answer = run(local, json!({})).await;
    let why = reasons_of(&answer, "app", "1").join("; ");
    assert!(why.contains("missing") && why.contains(&format!("account {COPIES} is out of reach")), "{why}");
    assert_eq!(statuses_of(local, "app"), ["1 AVAILABLE", "2 AVAILABLE", "3 AVAILABLE"]);

    add_role(local, COPIES).await;
    let copy = ami_in(local, "app", "1", COPIES);
    let launch = json!({"ImageId": copy, "MinCount": "1", "MaxCount": "1"});
    let launched = call_in(&mut local.world(), COPIES, DEFAULT_REGION, "ec2", "RunInstances", launch).unwrap();
    let instance = launched["instancesSet"][0]["instanceId"].as_str().unwrap().to_owned();
    pass(local, TimeDelta::minutes(10)).await;
    let answer = run(local, json!({})).await;
    let why = reasons_of(&answer, "app", "1").join("; ");
    assert!(why.contains("in-use") && why.contains(&format!(":{COPIES}:instance/{instance}")), "{why}");
    assert_eq!(statuses_of(local, "app")[0], "1 AVAILABLE");

    let end = json!({"InstanceId": [instance]});
    call_in(&mut local.world(), COPIES, DEFAULT_REGION, "ec2", "TerminateInstances", end).unwrap();
    pass(local, TimeDelta::hours(30)).await;
    let answer = run(local, json!({})).await;
    let why = reasons_of(&answer, "app", "1").join("; ");
    assert!(why.contains("launched"), "it was launched lately: {why}");
    let state = |id: &str| {
        let world = local.world();
        goldsmith_local::ec2::image(&world, DEFAULT_REGION, id).map(|it| it.state.clone())
    };
    let own = ami_in(local, "app", "1", DEFAULT_ACCOUNT);
    let mut seen = Vec::new();
    for _ in 0..4 {
        pass(local, TimeDelta::hours(25)).await;
        run(local, json!({})).await;
        let status = statuses_of(local, "app").into_iter().find(|it| it.starts_with("1 "));
        seen.push((status.unwrap_or_else(|| "1 DELETED".to_owned()), state(&own), state(&copy)));
    }
    let (available, disabled) = (Some("available".to_owned()), Some("disabled".to_owned()));
    let expected = [
        ("1 DEPRECATED".to_owned(), available.clone(), available),
        ("1 DISABLED".to_owned(), disabled.clone(), disabled),
        ("1 DELETED".to_owned(), None, None),
        ("1 DELETED".to_owned(), None, None),
    ];
    assert_eq!(seen, expected);
    local.shut_down().await;
}

#[tokio::test]
async fn what_is_published_where_it_is_only_shared_stays() {
    let shares = r#"[{"accounts":["444455556666"],"regions":["us-east-1"]}]"#;
    let running = accounts(22, &[("ShareTargets", shares)]).await;
    let local = &running.local;
    add_role(local, BORROWER).await;
    for _ in 0..3 {
        build(local, "lent").await;
    }
    pass(local, TimeDelta::days(2)).await;
    // Somebody there goes back to the first build.
    let value = ami_in(local, "lent", "1", DEFAULT_ACCOUNT);
    let parameter = json!({"Name": "/golden-images/lent", "Value": value, "Type": "String", "Overwrite": true,
        "DataType": "aws:ec2:image"});
    call_in(&mut local.world(), BORROWER, DEFAULT_REGION, "ssm", "PutParameter", parameter).unwrap();
    pass(local, TimeDelta::minutes(5)).await;
    let answer = run(local, json!({})).await;
    let why = reasons_of(&answer, "lent", "1").join("; ");
    assert!(why.contains(&format!("it is published in us-east-1 of account {BORROWER}")), "{why}");
    local.shut_down().await;
}

#[tokio::test]
async fn a_report_that_leaves_something_out_proves_nothing() {
    let running = accounts(23, &[]).await;
    let local = &running.local;
    for _ in 0..3 {
        build(local, "lent").await;
    }
    let id = ami_in(local, "lent", "1", DEFAULT_ACCOUNT);
    let launch = json!({"ImageId": id, "MinCount": "1", "MaxCount": "1"});
    call_in(&mut local.world(), BORROWER, DEFAULT_REGION, "ec2", "RunInstances", launch).unwrap();
    pass(local, TimeDelta::hours(49)).await;
    // Reports that don't count the instance: somebody else's account, launch templates alone.
    for (accounts, kind) in [(json!(["111122223333"]), "ec2:Instance"), (json!([]), "ec2:LaunchTemplate")] {
        let mut report = json!({"ImageId": id, "ResourceType": [{"ResourceType": kind}]});
        if accounts != json!([]) {
            report["AccountId"] = accounts;
        }
        call(&mut local.world(), "ec2", DEFAULT_REGION, "CreateImageUsageReport", report);
        pass(local, TimeDelta::hours(12)).await;
    }
    let answer = run(local, json!({})).await;
    let why = reasons_of(&answer, "lent", "1").join("; ");
    assert!(why.contains("no-usage-report") && why.contains("there is no report"), "{why}");
    pass(local, TimeDelta::hours(20)).await;
    let answer = run(local, json!({})).await;
    let why = reasons_of(&answer, "lent", "1").join("; ");
    assert!(why.contains(&format!("{id} is in use in account {BORROWER}")), "{why}");
    assert_eq!(statuses_of(local, "lent")[0], "1 AVAILABLE");
    local.shut_down().await;
}

#[tokio::test]
async fn a_shared_image_goes_by_the_daily_schedule_alone() {
    let running = accounts(24, &[("RetirementState", "ENABLED")]).await;
    let local = &running.local;
    for _ in 0..3 {
        build(local, "lent").await;
    }
    let mut seen = Vec::new();
    for _ in 0..12 {
        pass(local, TimeDelta::days(1)).await;
        let status = statuses_of(local, "lent").into_iter().find(|it| it.starts_with("1 "));
        seen.push(status.unwrap_or_else(|| "1 DELETED".to_owned()));
    }
    seen.dedup();
    assert_eq!(
        seen,
        ["1 AVAILABLE", "1 DEPRECATED", "1 DISABLED", "1 DELETED"],
        "each day's run reads what the last one asked"
    );
    assert_eq!(statuses_of(local, "lent"), ["2 AVAILABLE", "3 AVAILABLE"]);
    // Without a time of its own in the event a run has the one of its invocation.
    assert_eq!(invoke(local, json!({})).await.function_error, None);
    local.shut_down().await;
}
