//! Old images on their way out: what is retired, what stays, and what a run leaves behind that is cut off anywhere.

mod accounts;
mod executions;

use crate::harness::{self, build, call, deployed_with, going_on, goldsmith_local, kept, now, own_stack, text};
use chrono::{SecondsFormat, TimeDelta};
use goldsmith_local::driver::{Local, Running};
use goldsmith_local::faults::Rules;
use goldsmith_local::journal::Kind;
use goldsmith_local::lambda::Ending;
use goldsmith_local::world::{DEFAULT_REGION, World};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio::sync::OnceCell;

const APPLY: [(&str, &str); 6] = [
    ("Mode", "apply"),
    ("MaxPerRun", "10"),
    ("MaxPercent", "100"),
    ("RetirementState", "DISABLED"),
    ("SweepState", "DISABLED"),
    ("PublishSweepState", "DISABLED"),
];

async fn pass(local: &Local, time: TimeDelta) {
    let until = local.world().now + time;
    local.run_until(until, &mut |_| {}).await;
}

/// Invokes the function at the world's time.
async fn invoke(local: &Local, mut event: Value) -> Ending {
    event["time"] = now(local);
    harness::invoke(local, "deprecate-images", &event).await
}

/// A run, and all that Image Builder makes of it.
async fn run(local: &Local, event: Value) -> Value {
    let ending = invoke(local, event).await;
    assert_eq!(ending.function_error, None, "{}", ending.payload);
    pass(local, TimeDelta::minutes(5)).await;
    serde_json::from_str(&ending.payload).unwrap()
}

fn faults(world: &mut World, rules: &Value) {
    world.faults.set(Rules::parse(json!({"rules": rules}).to_string().as_bytes()).unwrap());
}

/// Each build's number with its status.
fn statuses(local: &Local) -> Vec<String> {
    statuses_of(local, "app")
}

fn statuses_of(local: &Local, family: &str) -> Vec<String> {
    let world = local.world();
    let images = world.imagebuilder.all().filter(|it| it.arn.contains(&format!(":123456789012:image/{family}/")));
    images.map(|it| format!("{} {}", it.arn.rsplit('/').next().unwrap(), it.status())).collect()
}

/// Everything that retirement changes, times aside.
fn state(local: &Local) -> String {
    let world = local.world();
    let images = world.imagebuilder.all().filter(|it| it.arn.contains(":123456789012:image/app/"));
    let mut lines: Vec<String> =
        images.map(|it| format!("{} {} {}", it.arn, it.status(), it.document["tags"])).collect();
    let own = world.ec2.images.values().filter(|it| it.owner == "123456789012");
    lines.extend(own.map(|it| {
        let deprecated = it.deprecation_time.is_some();
        format!("{} {} {} {deprecated} {:?} {:?}", it.region, it.id, it.state, it.launch_permissions, it.tags)
    }));
    lines.sort();
    lines.join("\n")
}

/// The actions that an answer tells of, other than to keep, by build number.
fn actions(answer: &Value) -> BTreeSet<String> {
    let decisions = answer["plan"]["decisions"].as_array().unwrap().iter();
    let acting = decisions.filter(|it| it["action"] != "keep");
    acting.map(|it| format!("{} {}", number(it), it["action"].as_str().unwrap())).collect()
}

fn number(decision: &Value) -> &str {
    decision["image"].as_str().unwrap().rsplit('/').next().unwrap()
}

/// The names of the reasons for a build.
fn reasons(answer: &Value, build: &str) -> Vec<String> {
    reasons_of(answer, "app", build)
}

fn reasons_of(answer: &Value, family: &str, build: &str) -> Vec<String> {
    let decisions = answer["plan"]["decisions"].as_array().unwrap();
    let image = format!(":image/{family}/1.0.0/{build}");
    let decision = decisions.iter().find(|it| it["image"].as_str().unwrap().ends_with(&image)).unwrap();
    let reasons = decision["reason"].as_array().unwrap().iter();
    reasons
        .map(|reason| format!("{}: {}", reason["name"].as_str().unwrap(), reason["says"].as_str().unwrap()))
        .collect()
}

fn ami(local: &Local, build: &str, region: &str) -> String {
    let world = local.world();
    let arn = format!("arn:aws:imagebuilder:us-east-1:123456789012:image/app/1.0.0/{build}");
    let image = world.imagebuilder.all().find(|it| it.arn == arn).unwrap();
    let amis = image.document["outputResources"]["amis"].as_array().unwrap().clone();
    amis.iter().find(|ami| ami["region"] == region).unwrap()["image"].as_str().unwrap().to_owned()
}

/// Five builds, one a day, of which the first is disabled and the second deprecated, and one day more: the first is to
/// be deleted, the second disabled, the third deprecated. The fourth was published before, the fifth is.
async fn due() -> &'static str {
    static DUE: OnceCell<String> = OnceCell::const_new();
    let make = async || {
        let running = deployed_with(1, &[own_stack("retirement.yaml")], &APPLY, &[]).await;
        let local = &running.local;
        for _ in 0..5 {
            build(local, "app").await;
            pass(local, TimeDelta::hours(26)).await;
            if statuses(local).len() < 5 {
                run(local, json!({})).await;
            }
        }
        assert_eq!(statuses(local), ["1 DISABLED", "2 DEPRECATED", "3 AVAILABLE", "4 AVAILABLE", "5 AVAILABLE"]);
        let world = kept(local);
        local.shut_down().await;
        world
    };
    DUE.get_or_init(make).await
}

/// The AMI of a build in an account, where it has one there.
fn ami_in(local: &Local, family: &str, build: &str, account: &str) -> String {
    let world = local.world();
    let arn = format!("arn:aws:imagebuilder:us-east-1:123456789012:image/{family}/1.0.0/{build}");
    let image = world.imagebuilder.all().find(|it| it.arn == arn).unwrap();
    let amis = image.document["outputResources"]["amis"].as_array().unwrap().clone();
    amis.iter().find(|ami| ami["accountId"] == account).unwrap()["image"].as_str().unwrap().to_owned()
}

async fn world_of_due() -> Running {
    going_on(due().await).await
}

#[tokio::test]
async fn images_leave_step_by_step_with_all_that_hangs_on_them() {
    let running = world_of_due().await;
    let local = &running.local;
    let (ireland, virginia) = (ami(local, "1", "eu-west-1"), ami(local, "1", "us-east-1"));
    let snapshots = |world: &World| -> Vec<String> {
        let images = [("eu-west-1", &ireland), ("us-east-1", &virginia)];
        let images = images.into_iter().filter_map(|(region, id)| goldsmith_local::ec2::image(world, region, id));
        images.flat_map(|image| image.snapshots.values().map(|it| it.id.clone())).collect()
    };
    let of_first = snapshots(&local.world());
    assert_eq!(of_first.len(), 2);

    let answer = run(local, json!({})).await;
    assert_eq!(actions(&answer), ["1 delete", "2 disable", "3 deprecate"].map(str::to_owned).into());
    assert_eq!(statuses(local), ["2 DISABLED", "3 DEPRECATED", "4 AVAILABLE", "5 AVAILABLE"]);
    {
        let world = local.world();
        for (region, id) in [("eu-west-1", &ireland), ("us-east-1", &virginia)] {
            assert!(goldsmith_local::ec2::image(&world, region, id).is_none(), "{id} is deregistered");
            assert!(of_first.iter().all(|it| goldsmith_local::ec2::snapshot(&world, region, it).is_none()));
        }
    }
    assert_eq!(actions(&run(local, json!({})).await), BTreeSet::new(), "once");
    for _ in 0..2 {
        pass(local, TimeDelta::days(1)).await;
        run(local, json!({})).await;
    }
    assert_eq!(statuses(local), ["4 AVAILABLE", "5 AVAILABLE"], "the published one and the one before stay");
    local.shut_down().await;
}

#[tokio::test]
async fn a_plan_alone_changes_nothing_and_is_told() {
    let running = world_of_due().await;
    let local = &running.local;
    let before = state(local);
    let answer = run(local, json!({"dryRun": true})).await;
    assert_eq!(actions(&answer), ["1 delete", "2 disable", "3 deprecate"].map(str::to_owned).into());
    assert_eq!(answer["onlyPlanned"], "it was a dry run");
    let written = ["StartResourceStateUpdate", "TagResource", "UntagResource", "ModifyImageAttribute", "PutParameter"];
    let by_function = |call: &Value| call["caller"].to_string().contains("DeprecateImages");
    {
        let world = local.world();
        let last = world.journal.calls().iter().rev().map(|call| serde_json::to_value(call).unwrap());
        let of_run: Vec<Value> = last.take(answer["calls"].as_u64().unwrap() as usize).collect();
        assert!(of_run.iter().all(|call| by_function(call) && !written.contains(&call["operation"].as_str().unwrap())));
    }
    assert_eq!(state(local), before);
    let summaries = |world: &World| {
        let sent = world.journal.entries().iter().filter(|it| it.kind == Kind::MessagePublished);
        sent.filter(|it| it.detail == "Image retirement, planned: deprecate 1, disable 1, delete 1").count()
    };
    assert_eq!(summaries(&local.world()), 1, "a summary goes to the topic");
    let log = invoke(local, json!({"dryRun": true})).await.log;
    let decided = log.lines().filter(|line| line.contains("\"planned\"") && line.contains("\"decisions\""));
    assert!(decided.count() >= 2, "what stays and what goes is in the log: {log}");
    local.shut_down().await;
}

#[tokio::test]
async fn the_mode_plan_reports_and_changes_nothing() {
    let parameters = APPLY.map(|(name, value)| if name == "Mode" { (name, "plan") } else { (name, value) });
    let running = deployed_with(2, &[own_stack("retirement.yaml")], &parameters, &[]).await;
    let local = &running.local;
    for _ in 0..3 {
        build(local, "app").await;
    }
    pass(local, TimeDelta::days(3)).await;
    let answer = run(local, json!({})).await;
    assert_eq!(actions(&answer), ["1 deprecate".to_owned()].into());
    assert_eq!(statuses(local), ["1 AVAILABLE", "2 AVAILABLE", "3 AVAILABLE"]);
    {
        let world = local.world();
        let entries = world.journal.entries().iter();
        let reports = entries.filter(|it| it.kind == Kind::MessagePublished && it.subject.contains("BuildReports"));
        let said: Vec<_> = reports.map(|entry| entry.detail.as_str()).collect();
        assert_eq!(said, ["Image retirement, planned: deprecate 1"]);
    }
    local.shut_down().await;
}

#[tokio::test]
async fn the_circuit_breaker_holds_back_until_exactly_that_plan_is_approved() {
    let parameters = APPLY.map(|(name, value)| if name == "MaxPerRun" { (name, "1") } else { (name, value) });
    let running = deployed_with(3, &[own_stack("retirement.yaml")], &parameters, &[]).await;
    let local = &running.local;
    for _ in 0..4 {
        build(local, "app").await;
    }
    for _ in 0..2 {
        pass(local, TimeDelta::hours(30)).await;
        run(local, json!({})).await;
    }
    // Both were deprecated at once, so both are to be disabled at once.
    assert_eq!(statuses(local), ["1 DEPRECATED", "2 DEPRECATED", "3 AVAILABLE", "4 AVAILABLE"]);
    pass(local, TimeDelta::hours(30)).await;
    let answer = run(local, json!({})).await;
    assert_eq!(answer["plan"]["heldBack"][0]["limit"], "run", "{answer}");
    assert_eq!(statuses(local), ["1 DEPRECATED", "2 DEPRECATED", "3 AVAILABLE", "4 AVAILABLE"]);
    let digest = answer["plan"]["digest"].as_str().unwrap().to_owned();
    run(local, json!({"approve": "0".repeat(64)})).await;
    assert_eq!(statuses(local), ["1 DEPRECATED", "2 DEPRECATED", "3 AVAILABLE", "4 AVAILABLE"]);
    run(local, json!({"approve": digest})).await;
    assert_eq!(statuses(local), ["1 DISABLED", "2 DISABLED", "3 AVAILABLE", "4 AVAILABLE"]);
    {
        let world = local.world();
        let alerts = world.journal.entries().iter().filter(|it| it.detail.contains("held back by the circuit breaker"));
        assert!(alerts.count() >= 2, "an alert says so each time");
    }
    local.shut_down().await;
}

#[tokio::test]
async fn what_cannot_be_read_keeps_every_image() {
    let due = due().await;
    let gone = ["1 DISABLED", "2 DEPRECATED"];
    for (service, operation) in [
        ("imagebuilder", "ListImageBuildVersions"),
        ("imagebuilder", "ListImagePipelines"),
        ("imagebuilder", "ListImageRecipes"),
        ("imagebuilder", "ListContainerRecipes"),
        ("imagebuilder", "ListLifecycleExecutions"),
        ("ssm", "GetParameterHistory"),
        ("ec2", "DescribeImages"),
        ("ec2", "DescribeImageReferences"),
        ("ec2", "DescribeImageAttribute"),
        ("ec2", "DescribeLaunchTemplateVersions"),
        ("autoscaling", "DescribeAutoScalingGroups"),
        ("autoscaling", "DescribeLaunchConfigurations"),
    ] {
        let running = going_on(due).await;
        let local = &running.local;
        let rule = json!([{"fault": "error", "status": 403, "match": {"service": service, "operation": operation}}]);
        faults(&mut local.world(), &rule);
        let answer = run(local, json!({})).await;
        // EC2 has taken the launch permissions of a disabled AMI away: those needn't be asked for.
        let kept = if operation == "DescribeImageAttribute" { ["2 DEPRECATED", "3 AVAILABLE"] } else { gone };
        assert_eq!(statuses(local)[..2], kept, "{operation}");
        let told = answer["plan"].to_string();
        let unread = operation == "ListImageBuildVersions" && told.contains("unreached");
        assert!(told.contains(operation) || unread, "{operation} is named: {told}");
        local.shut_down().await;
    }
    let running = going_on(due).await;
    let local = &running.local;
    let rule = json!([{"fault": "error", "status": 503, "match": {"service": "ec2", "region": "eu-west-1"}}]);
    faults(&mut local.world(), &rule);
    run(local, json!({})).await;
    assert_eq!(statuses(local)[..2], gone, "a Region that is out of order");
    local.shut_down().await;
}

#[tokio::test]
async fn use_that_begins_after_the_plan_is_seen_right_before_the_step() {
    let running = world_of_due().await;
    let local = &running.local;
    // The first look finds nothing; the second one, right before the step, can't look.
    let rule = json!([{"fault": "error", "status": 403, "after": 2,
        "match": {"service": "ec2", "operation": "DescribeImageReferences"}}]);
    faults(&mut local.world(), &rule);
    let answer = run(local, json!({})).await;
    assert_eq!(statuses(local)[..2], ["1 DISABLED", "2 DEPRECATED"]);
    let outcomes = answer["plan"].to_string();
    assert!(outcomes.contains("looked at again: ") && outcomes.contains("DescribeImageReferences"), "{outcomes}");
    local.shut_down().await;
}

#[tokio::test]
async fn a_run_that_ends_after_any_call_is_taken_up_again() {
    let due = due().await;
    let (calls, expected) = {
        let running = going_on(due).await;
        let answer = run(&running.local, json!({})).await;
        let expected = (statuses(&running.local), state(&running.local));
        running.local.shut_down().await;
        (answer["calls"].as_u64().unwrap(), expected)
    };
    assert!(calls > 30, "{calls}");
    for after in 1..=calls {
        let running = going_on(due).await;
        let local = &running.local;
        let time = local.world().now;
        let rule = json!([{"fault": "error", "code": "EndedException", "status": 400, "after": after,
            "match": {"function": "goldsmith-deprecate-images"}}]);
        faults(&mut local.world(), &rule);
        let time = time.to_rfc3339_opts(SecondsFormat::Secs, true);
        invoke(local, json!({})).await;
        pass(local, TimeDelta::minutes(5)).await;
        faults(&mut local.world(), &json!([]));
        // As Lambda does: the same event again.
        for _ in 0..2 {
            again(local, &time).await;
        }
        assert_eq!((statuses(local), state(local)), expected, "after {after} calls");
        local.shut_down().await;
    }
}

/// A run of an event that happened at a time.
async fn again(local: &Local, time: &str) {
    let ending = harness::invoke(local, "deprecate-images", &json!({ "time": time })).await;
    assert_eq!(ending.function_error, None, "{}", ending.payload);
    pass(local, TimeDelta::minutes(5)).await;
}

#[tokio::test]
async fn an_image_that_was_shared_comes_back_with_its_shares() {
    let running = deployed_with(4, &[own_stack("retirement.yaml")], &APPLY, &[]).await;
    let local = &running.local;
    for _ in 0..3 {
        build(local, "app").await;
    }
    let shared = ami(local, "1", "eu-west-1");
    let permission = json!({"ImageId": shared, "LaunchPermission": {"Add": [{"UserId": "111122223333"}]}});
    call(&mut local.world(), "ec2", "eu-west-1", "ModifyImageAttribute", permission);
    pass(local, TimeDelta::days(2)).await;

    let answer = run(local, json!({})).await;
    assert_eq!(actions(&answer), BTreeSet::new());
    assert_eq!(answer["reportsAsked"], 1);
    assert!(reasons(&answer, "1").iter().any(|it| it.starts_with("no-usage-report")), "{:?}", reasons(&answer, "1"));
    for status in ["DEPRECATED", "DISABLED"] {
        // Reports are read a run later, and are stale after a day.
        for _ in 0..3 {
            pass(local, TimeDelta::hours(13)).await;
            if statuses(local)[0] != format!("1 {status}") {
                run(local, json!({})).await;
            }
        }
        assert_eq!(statuses(local)[0], format!("1 {status}"));
    }
    let permissions = |local: &Local| {
        let world = local.world();
        goldsmith_local::ec2::image(&world, "eu-west-1", &shared).unwrap().launch_permissions.clone()
    };
    assert_eq!(permissions(local), [], "EC2 takes them away");

    let arn = "arn:aws:imagebuilder:us-east-1:123456789012:image/app/1.0.0/1";
    let tag = json!({"resourceArn": arn, "tags": {"goldsmith:keep-image": "audit"}});
    call(&mut local.world(), "imagebuilder", DEFAULT_REGION, "TagResource", tag);
    let answer = run(local, json!({})).await;
    assert_eq!(actions(&answer), ["1 restore".to_owned()].into());
    assert!(reasons(&answer, "1")[0].starts_with("keep-image"), "{:?}", reasons(&answer, "1"));
    assert_eq!(statuses(local)[0], "1 AVAILABLE");
    let answer = run(local, json!({})).await;
    assert_eq!(actions(&answer), ["1 restore".to_owned()].into());
    assert_eq!(permissions(local), [("UserId".to_owned(), "111122223333".to_owned())]);
    {
        let world = local.world();
        let image = world.imagebuilder.all().find(|it| it.arn == arn).unwrap();
        let tags = image.document["tags"].as_object().unwrap().clone();
        let left: Vec<_> = tags.keys().filter(|key| key.starts_with("goldsmith:")).collect();
        assert_eq!(left, ["goldsmith:keep-image"]);
        let state = goldsmith_local::ec2::image(&world, "eu-west-1", &shared).unwrap();
        assert!(state.state == "available" && state.deprecation_time.is_none());
    }
    assert_eq!(actions(&run(local, json!({})).await), BTreeSet::new());
    local.shut_down().await;
}

#[tokio::test]
async fn every_call_is_one_that_the_template_allows_and_none_touches_amis_by_itself() {
    let running = world_of_due().await;
    let local = &running.local;
    run(local, json!({})).await;
    let world = local.world();
    let (_, role) = world.stacks.roles.iter().find(|(name, _)| name.contains("DeprecateImages")).unwrap();
    let mut allowed = BTreeSet::new();
    let statements = role["Policies"].as_array().unwrap().iter();
    for statement in statements.flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().unwrap()) {
        let actions = &statement["Action"];
        for action in actions.as_array().cloned().unwrap_or_else(|| vec![actions.clone()]) {
            let action = action.as_str().unwrap().to_owned();
            assert!(!action.contains('*'), "{action}");
            if action == "iam:PassRole" {
                assert!(statement["Resource"].as_str().unwrap().contains(":role/goldsmith-LifecycleExecution-"));
                let service = &statement["Condition"]["StringEquals"]["iam:PassedToService"];
                assert_eq!(service, "imagebuilder.amazonaws.com");
            }
            if action == "ec2:ModifyImageAttribute" {
                let tag = &statement["Condition"]["StringEquals"]["aws:ResourceTag/CreatedBy"];
                assert_eq!(tag, "EC2 Image Builder");
            }
            // What services do in the function's name, it can't do itself.
            if !["aws:CalledVia", "aws:ViaAWSService"]
                .iter()
                .any(|key| statement["Condition"].to_string().contains(key))
            {
                allowed.insert(action);
            }
        }
    }
    for forbidden in ["DeregisterImage", "DeleteSnapshot", "DisableImage", "EnableImage", "CreateTags"] {
        assert!(!allowed.contains(&format!("ec2:{forbidden}")), "{forbidden}");
    }
    let (_, execution) = world.stacks.roles.iter().find(|(name, _)| name.contains("LifecycleExecution")).unwrap();
    let managed = "arn:aws:iam::aws:policy/service-role/EC2ImageBuilderLifecycleExecutionPolicy";
    assert_eq!((&execution["ManagedPolicyArns"], &execution["Policies"]), (&json!([managed]), &json!([])));
    let trusted = &execution["AssumeRolePolicyDocument"]["Statement"][0]["Principal"];
    assert_eq!(trusted, &json!({"Service": "imagebuilder.amazonaws.com"}));
    let calls = world.journal.calls().iter();
    let own =
        calls.filter(|call| serde_json::to_value(call).unwrap()["caller"].to_string().contains("DeprecateImages"));
    let made: BTreeSet<String> = own.map(|call| format!("{}:{}", call.service, call.operation)).collect();
    assert!(made.contains("imagebuilder:StartResourceStateUpdate"), "{made:?}");
    assert!(made.is_subset(&allowed), "{:?}", made.difference(&allowed));
}

#[tokio::test]
async fn ninety_days_end_with_a_table_of_what_became_of_each_image() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.json");
    let mut arguments = vec!["run", "--days", "90", "--stack", "examples/retirement.yaml"];
    for parameter in ["Mode=apply", "MaxPercent=50", "SweepState=DISABLED", "PublishSweepState=DISABLED"] {
        arguments.extend(["--parameter", parameter]);
    }
    arguments.extend(["--json", file.to_str().unwrap()]);
    let output = goldsmith_local(&arguments).await;
    let printed = text(&output.stdout);
    assert!(output.status.success(), "{printed}\n{}", text(&output.stderr));
    let document: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let images = document["images"].as_array().unwrap();
    let ends: Vec<_> =
        images.iter().map(|it| (it["build"].as_str().unwrap(), it["status"].as_str().unwrap())).collect();
    assert_eq!(ends.len(), 13, "{ends:?}");
    let of = |build: &str| images.iter().find(|it| it["build"] == build).unwrap();
    for (build, status, why) in [
        ("1.0.0/1", "DELETED", "on "),
        ("1.0.0/2", "AVAILABLE", "is in use by arn:aws:ec2:us-east-1:123456789012:instance/"),
        ("1.0.0/3", "DELETED", "on "),
        ("1.0.0/4", "AVAILABLE", "is in use by arn:aws:ec2:us-east-1:123456789012:instance/"),
        ("1.0.0/13", "AVAILABLE", "it is published in"),
    ] {
        let row = of(build);
        assert_eq!(row["status"], status, "{build}");
        assert!(row["why"].as_str().unwrap().contains(why), "{row}");
        assert!(printed.contains(row["why"].as_str().unwrap()), "the table has it: {printed}");
    }
    let of_second = document["events"].as_array().unwrap().iter().filter(|it| it["subject"] == "app 1.0.0/2");
    let states: Vec<_> = of_second
        .filter(|it| it["kind"] == "imageState")
        .map(|it| it["detail"].as_str().unwrap().split(' ').next().unwrap())
        .collect();
    assert_eq!(states[states.len() - 2..], ["DEPRECATED", "AVAILABLE"], "restored because somebody launched it");
    for status in ["DEPRECATED", "DISABLED", "DELETED"] {
        assert!(printed.lines().any(|line| line.contains(&format!("  {status} "))), "{status}");
    }
}
