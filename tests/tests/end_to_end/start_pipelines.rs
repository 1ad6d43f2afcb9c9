//! What starts a pipeline, in which order, and what doesn't.

use crate::harness::{
    self, OFF, build, build_notifications, call, deployed, deployed_with, goldsmith_local, invocations, own_stack,
    settle, text,
};
use chrono::TimeDelta;
use goldsmith_local::driver::Local;
use goldsmith_local::faults::Rules;
use goldsmith_local::journal::{Entry, Kind};
use goldsmith_local::world::DEFAULT_REGION;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The builds that were started, as the timeline calls them.
fn builds(entries: &[Entry]) -> Vec<&str> {
    entries.iter().filter(|entry| entry.kind == Kind::BuildStarted).map(|entry| entry.subject.as_str()).collect()
}

async fn days(local: &Local, days: i64) -> Vec<Entry> {
    let until = local.world().now + TimeDelta::days(days);
    let mut seen = Vec::new();
    local.run_until(until, &mut |entry| seen.push(entry.clone())).await;
    seen
}

/// What the last invocation answered about its cause.
fn last_run(local: &Local) -> Value {
    let record = invocations(local, "start-pipelines").pop().unwrap();
    assert_eq!(record.ending.function_error, None, "{}", record.ending.payload);
    serde_json::from_str::<Value>(&record.ending.payload).unwrap()["runs"][0].clone()
}

fn publish(local: &Local, topic: &str, message: &str) {
    call(&mut local.world(), "sns", DEFAULT_REGION, "Publish", json!({"TopicArn": topic, "Message": message}));
}

#[tokio::test]
async fn a_new_base_image_reaches_the_grandchild_in_order_each_pipeline_once() {
    let running = deployed_with(1, &[own_stack("family.yaml")], &[], &[]).await;
    let local = &running.local;
    let first = days(local, 1).await;
    assert_eq!(builds(&first), ["base 1.0.0/1", "windows 1.0.0/1", "web 1.0.0/1", "worker 1.0.0/1", "shop 1.0.0/1"]);
    let entries = days(local, 20).await;
    let released = |name: &str| {
        let of = |entry: &Entry| entry.kind == Kind::Released && entry.subject.starts_with(name);
        entries.iter().filter(|entry| of(entry)).count()
    };
    let mut place = entries.iter().position(|entry| entry.subject.starts_with("amazon-linux-2023-x86 ")).unwrap();
    for (kind, subject) in [
        (Kind::ScheduleFired, "goldsmith-sweep"),
        (Kind::BuildStarted, "base 1.0.0/2"),
        (Kind::Notification, "base 1.0.0/2"),
        (Kind::BuildStarted, "web 1.0.0/2"),
        (Kind::BuildStarted, "worker 1.0.0/2"),
        (Kind::Notification, "web 1.0.0/2"),
        (Kind::BuildStarted, "shop 1.0.0/2"),
    ] {
        let next = entries[place..].iter().position(|entry| entry.kind == kind && entry.subject == subject);
        place += next.unwrap_or_else(|| panic!("{kind:?} {subject} is missing or out of order"));
    }
    let linux = released("amazon-linux-2023-x86 ");
    for (family, times) in [
        ("base", linux),
        ("web", linux),
        ("worker", linux),
        ("shop", linux),
        ("windows", released("windows-server-2022")),
    ] {
        let started = builds(&entries).iter().filter(|build| build.starts_with(&format!("{family} "))).count();
        assert_eq!(started, times, "{family}: {:?}", builds(&entries));
    }
    running.local.shut_down().await;
}

#[tokio::test]
async fn notifications_that_come_several_times_start_nothing_twice() {
    let running = deployed(2, &[own_stack("family.yaml")]).await;
    let local = &running.local;
    let rules = json!({"rules": [{"fault": "repeated", "copies": 3, "match": {"service": "sns"}}]}).to_string();
    local.world().faults.set(Rules::parse(rules.as_bytes()).unwrap());
    let (base, entries) = build(local, "base").await;
    assert_eq!(builds(&entries), ["base 1.0.0/1", "web 1.0.0/1", "worker 1.0.0/1"]);
    assert!(invocations(local, "start-pipelines").len() > 2, "the notification was repeated");
    // Again while they build, and again when all is done.
    let topic = build_notifications(local);
    let message = json!({"arn": base, "state": {"status": "AVAILABLE"}}).to_string();
    publish(local, &topic, &message);
    assert_eq!(builds(&settle(local).await), Vec::<&str>::new());
    assert!(last_run(local)["steps"].to_string().contains("hasn't ended"), "{}", last_run(local));
    assert_eq!(builds(&days(local, 1).await), ["shop 1.0.0/1"]);
    publish(local, &topic, &message);
    assert_eq!(builds(&settle(local).await), Vec::<&str>::new());
    assert!(last_run(local)["steps"].to_string().contains("nothing changed since"), "{}", last_run(local));
    running.local.shut_down().await;
}

#[tokio::test]
async fn a_message_about_a_base_image_starts_only_what_is_based_on_it() {
    const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:amazon-linux-2023-ami-updates";
    let parameters = [&OFF[..], &[("AmazonLinux2023TopicArn", TOPIC)]].concat();
    let topics = ["amazon-linux-2023-ami-updates"];
    let running = deployed_with(3, &[own_stack("family.yaml")], &parameters, &topics).await;
    let local = &running.local;
    let message = json!({"v1": {"ReleaseVersion": "2023.1", "ImageVersion": "2023.1", "ReleaseNotes": "", "Regions": {
        "us-east-1": [{"Name": "al2023-ami", "ImageId": "ami-0123456789abcdef0"}]}}})
    .to_string();
    publish(local, TOPIC, &message);
    assert_eq!(builds(&settle(local).await), ["base 1.0.0/1"], "neither its children yet nor Windows");
    assert_eq!(builds(&days(local, 1).await), ["web 1.0.0/1", "worker 1.0.0/1", "shop 1.0.0/1"]);
    publish(local, TOPIC, "New AMIs are available, in plain English.");
    assert_eq!(builds(&settle(local).await), Vec::<&str>::new(), "a hint alone changes nothing");
    let run = last_run(local);
    assert_eq!((run["steps"].as_array().unwrap().len(), &run["steps"][0]["name"]), (1, &json!("base")), "{run}");
    running.local.shut_down().await;
}

#[tokio::test]
async fn a_parameter_that_names_a_parent_starts_its_children_when_it_is_written() {
    let running = deployed(4, &[own_stack("family.yaml")]).await;
    let local = &running.local;
    build(local, "base").await;
    {
        let mut world = local.world();
        let mut create = |operation: &str, mut input: Value| {
            input["clientToken"] = world.fresh_uuid("test").into();
            call(&mut world, "imagebuilder", DEFAULT_REGION, operation, input)
        };
        let component = "arn:aws:imagebuilder:us-east-1:123456789012:component/nothing-much/1.0.0/1";
        let recipe = create(
            "CreateImageRecipe",
            json!({"name": "from-parameter", "semanticVersion": "1.0.0", "parentImage": "ssm:/golden-images/base",
                "components": [{"componentArn": component}]}),
        );
        let infrastructure = "arn:aws:imagebuilder:us-east-1:123456789012:infrastructure-configuration/family";
        create(
            "CreateImagePipeline",
            json!({"name": "from-parameter", "imageRecipeArn": recipe["imageRecipeArn"],
                "infrastructureConfigurationArn": infrastructure}),
        );
    }
    days(local, 1).await;
    let (_, entries) = build(local, "base").await;
    let started: BTreeSet<&str> = builds(&entries).into_iter().collect();
    assert!(started.contains("from-parameter 1.0.0/1"), "{started:?}");
    let written = entries.iter().position(|entry| entry.subject == "/golden-images/base").unwrap();
    let followed = entries.iter().position(|entry| entry.subject == "from-parameter 1.0.0/1").unwrap();
    assert!(written < followed, "the parameter is read when it is written");
    assert_eq!(builds(&days(local, 1).await), ["shop 1.0.0/2"], "once");
    running.local.shut_down().await;
}

#[tokio::test]
async fn a_command_by_hand_plans_without_starting_and_names_what_is_wrong_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("event.json");
    let invoke = async |event: Value| {
        std::fs::write(&file, event.to_string()).unwrap();
        goldsmith_local(&["invoke", "start-pipelines", file.to_str().unwrap()]).await
    };
    let output = invoke(json!({"select": {"names": ["base-*"]}, "mode": "always", "dryRun": true})).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    let answer: Value = serde_json::from_str(&text(&output.stdout)).unwrap();
    let run = &answer["runs"][0];
    let steps = run["steps"].as_array().unwrap();
    let planned: Vec<_> = steps.iter().map(|step| (step["name"].as_str().unwrap(), &step["outcome"])).collect();
    assert_eq!(planned, [("base-linux", &json!("planned")), ("base-windows", &json!("planned"))], "{answer}");
    assert_eq!((&run["dryRun"], &run["outcomes"]["started"]), (&json!(true), &json!(0)));
    assert!(!text(&output.stderr).contains("pipeline base-"), "nothing was started: {}", text(&output.stderr));

    let output = invoke(json!({"mode": "sometimes"})).await;
    assert!(!output.status.success());
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(said.contains("the event's member mode isn't as it has to be"), "{said}");
}

#[tokio::test]
async fn every_call_is_one_that_the_template_allows() {
    let running = deployed_with(5, &[own_stack("family.yaml")], &[], &[]).await;
    let local = &running.local;
    days(local, 1).await;
    {
        let world = local.world();
        let (_, role) = world.stacks.roles.iter().find(|(name, _)| name.contains("StartPipelines")).unwrap();
        let mut allowed = BTreeSet::new();
        for statement in role["Policies"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().unwrap())
        {
            let actions = &statement["Action"];
            for action in actions.as_array().cloned().unwrap_or_else(|| vec![actions.clone()]) {
                let action = action.as_str().unwrap().to_owned();
                assert!(!action.contains('*'), "{action}");
                if action == "imagebuilder:StartImagePipelineExecution" {
                    let pipelines = "arn:aws:imagebuilder:us-east-1:123456789012:image-pipeline/*";
                    assert_eq!(statement["Resource"], pipelines);
                }
                assert!(
                    statement["Resource"] != "*" || action.starts_with("imagebuilder:List"),
                    "{action} on everything"
                );
                allowed.insert(action);
            }
        }
        let made: BTreeSet<String> = world
            .journal
            .calls()
            .iter()
            .filter(|call| serde_json::to_value(call).unwrap()["caller"].to_string().contains("StartPipelines"))
            .map(|call| format!("{}:{}", call.service, call.operation))
            .collect();
        assert!(made.contains("imagebuilder:StartImagePipelineExecution"), "{made:?}");
        assert!(made.is_subset(&allowed), "{:?}", made.difference(&allowed));
    }
    running.local.shut_down().await;
}

/// Invokes the function and waits for its answer.
async fn invoke(local: &Local, event: Value) -> Value {
    let ending = harness::invoke(local, "start-pipelines", &event).await;
    assert_eq!(ending.function_error, None, "{}", ending.payload);
    serde_json::from_str::<Value>(&ending.payload).unwrap()["runs"][0].clone()
}

#[tokio::test]
async fn hundreds_of_pipelines_are_read_with_no_more_calls_than_the_cause_asks_for() {
    let running = deployed(6, &[own_stack("family.yaml")]).await;
    let local = &running.local;
    {
        let mut world = local.world();
        let mut create = |operation: &str, mut input: Value| {
            input["clientToken"] = world.fresh_uuid("test").into();
            call(&mut world, "imagebuilder", DEFAULT_REGION, operation, input)
        };
        let arn = |rest: &str| format!("arn:aws:imagebuilder:us-east-1:{rest}");
        let component = arn("123456789012:component/nothing-much/1.0.0/1");
        for number in 0..2000 {
            let parent = match number < 3 {
                true => arn("123456789012:image/base/x.x.x"),
                false => arn("aws:image/amazon-linux-2-x86/x.x.x"),
            };
            let name = format!("many-{number}");
            let input = json!({"name": name, "semanticVersion": "1.0.0", "parentImage": parent,
                "components": [{"componentArn": component}]});
            let recipe = create("CreateImageRecipe", input);
            if number < 500 {
                let infrastructure = arn("123456789012:infrastructure-configuration/family");
                let input = json!({"name": name, "imageRecipeArn": recipe["imageRecipeArn"],
                    "infrastructureConfigurationArn": infrastructure});
                create("CreateImagePipeline", input);
            }
        }
    }
    build(local, "base").await;
    let answers = invocations(local, "start-pipelines").into_iter();
    let runs = answers.map(|it| serde_json::from_str::<Value>(&it.ending.payload).unwrap()["runs"][0].clone());
    let run = runs.into_iter().find(|run| run["cause"] == "base 1.0.0/1 became AVAILABLE").unwrap();
    let children: Vec<_> = run["steps"].as_array().unwrap().iter().map(|step| step["name"].as_str().unwrap()).collect();
    assert_eq!(children, ["many-0", "many-1", "many-2", "web", "worker"]);
    // Pages of 25: 21 of pipelines, 81 of recipes; then what five pipelines and their parent are made of.
    let calls = run["calls"].as_u64().unwrap();
    assert!(calls <= 21 + 81 + 30, "{calls} calls");

    // What is throttled in between is waited out.
    let rules = json!({"rules": [{"fault": "throttle", "code": "CallRateLimitExceededException", "probability": 0.01,
        "match": {"service": "imagebuilder", "operation": "ListImagePipelineImages"}}]});
    local.world().faults.set(Rules::parse(rules.to_string().as_bytes()).unwrap());
    let run = invoke(local, json!({"dryRun": true})).await;
    assert_eq!((&run["counts"]["pipelines"], &run["outcomes"]["unread"]), (&json!(505), &json!(0)));
    assert_eq!(run["counts"]["starts"], 5, "ten at once, five of them are under way: {}", run["counts"]);
    let calls = run["calls"].as_u64().unwrap();
    assert!(calls <= 21 + 3 * 505 + 50, "{calls} calls");
    running.local.shut_down().await;
}
