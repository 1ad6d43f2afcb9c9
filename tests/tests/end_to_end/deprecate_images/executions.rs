//! What Image Builder makes of the steps: executions that fail or leave something out, and what templates name.

use super::{actions, due, faults, pass, reasons, run, statuses, world_of_due};
use crate::harness::{call, going_on};
use chrono::TimeDelta;
use goldsmith_local::world::DEFAULT_REGION;
use serde_json::json;
use std::collections::BTreeSet;

#[tokio::test]
async fn executions_that_fail_or_skip_are_told_and_tried_again() {
    let due = due().await;
    for (action, outcome) in
        [("DELETE", "SKIPPED"), ("DELETE", "FAILED"), ("DISABLE", "FAILED"), ("DEPRECATE", "FAILED")]
    {
        let running = going_on(due).await;
        let local = &running.local;
        let rule = json!([{"fault": "fail-lifecycle", "outcome": outcome, "reason": "not today",
            "match": {"action": action, "region": "eu-west-1"}}]);
        faults(&mut local.world(), &rule);
        let first = run(local, json!({})).await;
        assert_eq!(first["plan"]["followUps"], json!(null), "{first}");
        faults(&mut local.world(), &json!([]));
        let build = match action {
            "DELETE" => "1",
            "DISABLE" => "2",
            _ => "3",
        };
        pass(local, TimeDelta::hours(3)).await;
        let answer = run(local, json!({})).await;
        let follow_ups = answer["plan"]["followUps"].as_array().unwrap();
        let told = follow_ups[0].to_string();
        assert_eq!((follow_ups.len(), &answer["plan"]["counts"]["followUps"]), (1, &json!(1)), "{answer}");
        assert!(told.contains(outcome) && told.contains("not today"), "{told}");
        assert!(follow_ups[0]["image"].as_str().unwrap().ends_with(&format!("/{build}")), "{told}");
        let taken = match action {
            "DELETE" => "delete",
            "DISABLE" => "disable",
            _ => "deprecate",
        };
        assert_eq!(actions(&answer), BTreeSet::from([format!("{build} {taken}")]), "{action} {outcome}: once more");
        assert_eq!(statuses(local), ["2 DISABLED", "3 DEPRECATED", "4 AVAILABLE", "5 AVAILABLE"], "{action} {outcome}");
        local.shut_down().await;
    }
}

#[tokio::test]
async fn what_a_launch_template_names_by_a_parameter_stays() {
    let running = world_of_due().await;
    let local = &running.local;
    let template = |name: &str, image: &str| {
        let input = json!({"LaunchTemplateName": name, "LaunchTemplateData": {"ImageId": image}});
        let made = call(&mut local.world(), "ec2", DEFAULT_REGION, "CreateLaunchTemplate", input);
        made["launchTemplate"]["launchTemplateId"].as_str().unwrap().to_owned()
    };
    // The version of a family's parameter that published the second build, and one that never was.
    let second = template("old", "resolve:ssm:/golden-images/app:2");
    template("gone", "resolve:ssm:/golden-images/app:99");
    template("amazons", "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64");
    let answer = run(local, json!({"dryRun": true})).await;
    assert_eq!(actions(&answer), ["1 delete", "2 restore", "3 deprecate"].map(str::to_owned).into());
    let why = reasons(&answer, "2").join("; ");
    assert!(why.contains("in-use") && why.contains(&second), "{why}");
    // Somebody else's parameter that isn't there may stand for any AMI of the place: told with the template.
    let other = template("others", "resolve:ssm:/elsewhere/app:3");
    let answer = run(local, json!({"dryRun": true})).await;
    let kept = reasons(&answer, "1").join("; ");
    assert!(kept.contains(&other) && kept.contains("resolve:ssm:/elsewhere/app:3"), "{kept}");
    assert_eq!(actions(&answer), BTreeSet::from(["2 restore".to_owned()]));
    local.shut_down().await;
}
