//! `template.yaml`: whatever is left out of it, the rest stands; and what it watches is there to be watched.

use crate::harness::{self, build, call, deploy, deployed_with, invocations, now, own_stack, root, settle};
use chrono::TimeDelta;
use goldsmith_local::draw::Seed;
use goldsmith_local::driver::{Local, Pace, Running};
use goldsmith_local::faults::Rules;
use goldsmith_local::journal::Kind;
use goldsmith_local::lambda::Ending;
use goldsmith_local::stack::Summary;
use goldsmith_local::world::{DEFAULT_ACCOUNT, DEFAULT_REGION};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Logical IDs, and the names of the functions without that of the stack.
const FUNCTIONS: [(&str, &str); 4] = [
    ("FanOutAmis", "fan-out-amis"),
    ("StartPipelines", "start-pipelines"),
    ("DeprecateImages", "deprecate-images"),
    ("ReportBuilds", "report-builds"),
];

/// The topics of AWS that a stack may hear of.
const TOPICS: [(&str, &str); 4] = [
    ("AmazonLinux2TopicArn", "arn:aws:sns:us-east-1:123456789012:amazon-linux-2"),
    ("AmazonLinux2023TopicArn", "arn:aws:sns:us-east-1:123456789012:amazon-linux-2023"),
    ("WindowsTopicArn", "arn:aws:sns:us-east-1:123456789012:windows"),
    ("EcsOptimizedTopicArn", "arn:aws:sns:us-east-1:123456789012:ecs"),
];

/// The template deployed alone.
async fn stack(parameters: &[(&str, &str)]) -> Summary {
    let start = "2026-03-02T00:00:00Z".parse().unwrap();
    let running = Running::start(Seed(1), Pace::Simulated { start }, 0).await.unwrap();
    for (_, topic) in TOPICS {
        let name = topic.rsplit(':').next().unwrap();
        call(&mut running.local.world(), "sns", DEFAULT_REGION, "CreateTopic", json!({"Name": name}));
    }
    let summary = deploy(&running.local, DEFAULT_ACCOUNT, "goldsmith", &root().join("template.yaml"), parameters).await;
    running.local.shut_down().await;
    summary
}

fn of_type<'a>(summary: &'a Summary, kind: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let of_type = summary.created.iter().filter(move |(_, it)| it == kind);
    of_type.map(|(logical, _)| (logical.as_str(), &summary.properties[logical]))
}

fn names(summary: &Summary, kind: &str, property: &str) -> BTreeSet<String> {
    of_type(summary, kind).map(|(_, properties)| properties[property].as_str().unwrap().to_owned()).collect()
}

/// The widgets of the dashboard.
fn widgets(summary: &Summary) -> Vec<Value> {
    let (_, dashboard) = of_type(summary, "AWS::CloudWatch::Dashboard").next().unwrap();
    let body: Value = serde_json::from_str(dashboard["DashboardBody"].as_str().unwrap()).unwrap();
    body["widgets"].as_array().unwrap().clone()
}

/// The metrics that the dashboard and the alarms name, each with its one dimension: `Goldsmith BuildsStarted
/// FunctionName=goldsmith-start-pipelines`.
fn watched(summary: &Summary) -> BTreeSet<String> {
    let mut watched = BTreeSet::new();
    for widget in widgets(summary) {
        for metric in widget["properties"]["metrics"].as_array().unwrap() {
            let words: Vec<_> = metric.as_array().unwrap().iter().filter_map(Value::as_str).collect();
            assert_eq!(words.len(), 4, "one dimension: {metric}");
            watched.insert(format!("{} {} {}={}", words[0], words[1], words[2], words[3]));
        }
    }
    for (_, alarm) in of_type(summary, "AWS::CloudWatch::Alarm") {
        let word = |member: &str| alarm[member].as_str().unwrap();
        let dimension = &alarm["Dimensions"][0];
        assert!(alarm["Dimensions"].get(1).is_none(), "one dimension: {alarm}");
        let (name, value) = (dimension["Name"].as_str().unwrap(), dimension["Value"].as_str().unwrap());
        watched.insert(format!("{} {} {name}={value}", word("Namespace"), word("MetricName")));
    }
    watched
}

#[tokio::test]
async fn every_set_of_functions_is_a_stack_in_which_nothing_of_the_others_is_left() {
    let whole = stack(&TOPICS).await;
    for chosen in 0..1u32 << FUNCTIONS.len() {
        let is_there = |place: usize| chosen & (1 << place) != 0;
        let switches: Vec<_> = (0..FUNCTIONS.len())
            .map(|place| (format!("Deploy{}", FUNCTIONS[place].0), is_there(place).to_string()))
            .collect();
        let given = switches.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let summary = stack(&given.chain(TOPICS).collect::<Vec<_>>()).await;
        let said = serde_json::to_string(&summary.properties).unwrap() + &format!("{:?}", summary.outputs);
        for (place, (logical, name)) in FUNCTIONS.into_iter().enumerate() {
            let resources = |summary: &Summary| {
                let own = summary.created.iter().filter(|(it, _)| it.starts_with(logical));
                own.cloned().collect::<BTreeSet<_>>()
            };
            if is_there(place) {
                assert_eq!(resources(&summary), resources(&whole), "{logical} of {switches:?}");
            } else {
                assert_eq!(resources(&summary), BTreeSet::new(), "{switches:?}");
                let name = format!("goldsmith-{name}");
                assert!(!said.contains(&name), "{switches:?}: {name} in {said}");
            }
        }
        assert_eq!(widgets(&summary).len(), 1 + 3 * chosen.count_ones() as usize);
        // AWS's topics are heard by start-pipelines alone.
        assert_eq!(of_type(&summary, "AWS::SNS::Subscription").count(), if is_there(1) { 4 } else { 0 });
        assert_eq!(of_type(&summary, "AWS::IAM::Role").any(|(it, _)| it == "LifecycleExecution"), is_there(2));
        assert_eq!(of_type(&summary, "AWS::IAM::Role").any(|(it, _)| it == "ScheduleRole"), chosen != 0);
        assert_eq!(summary.outputs.contains_key("BuildReportsTopicArn"), is_there(2) || is_there(3));
        assert_eq!(summary.outputs.contains_key("PublishedImagesTopicArn"), is_there(0));
    }
}

#[tokio::test]
async fn every_other_choice_is_a_stack_too() {
    let own = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555";
    let bus = "arn:aws:events:us-east-1:111122223333:event-bus/images";
    let choices: [&[(&str, &str)]; 8] = [
        &[("EncryptionKey", "")],
        &[("EncryptionKey", "create")],
        &[("EncryptionKey", own)],
        &[("ScheduleWindowMinutes", "0"), ("ScheduleTimezone", "Europe/Berlin"), ("ReserveConcurrency", "false")],
        &[("TargetRoleName", "goldsmith-publish"), ("TargetRoleExternalId", "external"), ("EventBusArn", bus)],
        &[("AlarmTopicArn", TOPICS[0].1), ("FanOutAmisQuietHours", "0"), ("ReportState", "DISABLED")],
        &[("StartPipelinesQuietHours", "168"), ("SweepState", "DISABLED"), ("Tracing", "PassThrough")],
        &[("DeprecateImagesQuietHours", "0"), ("PublishSweepState", "DISABLED"), ("RetirementState", "DISABLED")],
    ];
    let mut summaries = Vec::new();
    for choice in choices {
        summaries.push(stack(choice).await);
    }
    let encrypted = |summary: &Summary| -> BTreeSet<String> {
        let topics = of_type(summary, "AWS::SNS::Topic").map(|(_, it)| &it["KmsMasterKeyId"]);
        let queue = of_type(summary, "AWS::SQS::Queue").map(|(_, it)| &it["KmsMasterKeyId"]);
        let logs = of_type(summary, "AWS::Logs::LogGroup").map(|(_, it)| &it["KmsKeyId"]);
        topics.chain(queue).chain(logs).map(|key| key.as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(encrypted(&summaries[0]), ["", "alias/aws/sns"].map(str::to_owned).into());
    assert_eq!(encrypted(&summaries[1]), [summaries[1].outputs["KeyArn"].clone()].into());
    assert_eq!(encrypted(&summaries[2]), [own.to_owned()].into());
    assert!(of_type(&summaries[2], "AWS::KMS::Key").next().is_none());
    for summary in &summaries {
        let (_, queue) = of_type(summary, "AWS::SQS::Queue").next().unwrap();
        assert!(queue.get("KmsMasterKeyId").is_some() ^ queue.get("SqsManagedSseEnabled").is_some(), "{queue}");
    }
    let alarms = |place: usize| names(&summaries[place], "AWS::CloudWatch::Alarm", "AlarmName");
    let quiet = |place: usize| alarms(place).into_iter().filter(|it| it.ends_with("-quiet")).collect::<Vec<_>>();
    assert_eq!(alarms(0).len(), 15);
    assert_eq!(quiet(5), ["goldsmith-deprecate-images-quiet", "goldsmith-start-pipelines-quiet"]);
    assert_eq!(quiet(6).len(), 3);
    assert_eq!(quiet(7), ["goldsmith-report-builds-quiet", "goldsmith-start-pipelines-quiet"]);
    for (logical, alarm) in of_type(&summaries[5], "AWS::CloudWatch::Alarm") {
        assert_eq!(alarm["AlarmActions"], json!([TOPICS[0].1]), "{logical}");
    }
}

#[tokio::test]
async fn functions_may_use_the_key_that_their_topics_are_encrypted_with() {
    let parameters = [&crate::harness::OFF[..], &[("EncryptionKey", "create")]].concat();
    let running = deployed_with(1, &[own_stack("one-image.yaml")], &parameters, &[]).await;
    let local = &running.local;
    let (_, entries) = build(local, "one").await;
    let published = entries.iter().filter(|it| it.kind == Kind::MessagePublished);
    assert_eq!(published.filter(|it| it.subject.contains("one")).count(), 1, "{entries:#?}");
    local.shut_down().await;
}

/// No alarm looks back further than CloudWatch can: a week, or a day at periods of less than an hour.
#[tokio::test]
async fn alarms_look_back_no_further_than_they_can() {
    let hours = ["FanOutAmis", "StartPipelines", "DeprecateImages", "ReportBuilds"].map(|it| format!("{it}QuietHours"));
    let longest: Vec<_> = hours.iter().map(|name| (name.as_str(), "168")).collect();
    for (logical, alarm) in of_type(&stack(&longest).await, "AWS::CloudWatch::Alarm") {
        let number =
            |member: &str| alarm[member].as_str().map_or_else(|| alarm[member].as_i64(), |it| it.parse().ok()).unwrap();
        let most = if number("Period") < 3600 { 86_400 } else { 604_800 };
        assert!(number("Period") * number("EvaluationPeriods") <= most, "{logical}: {alarm}");
    }
}

/// Every principal that a topic or the queue lets in is named, and comes from this account.
#[tokio::test]
async fn topics_and_the_queue_let_in_whom_they_name() {
    let summary = stack(&[("EncryptionKey", "create")]).await;
    let policies = ["AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy"].into_iter();
    let policies: Vec<_> = policies.flat_map(|kind| of_type(&summary, kind)).collect();
    let topics: BTreeSet<_> = policies.iter().filter_map(|(_, it)| it["Topics"][0].as_str()).collect();
    let all = summary.outputs.iter().filter(|(name, _)| name.ends_with("TopicArn"));
    assert_eq!(topics, all.map(|(_, arn)| arn.as_str()).collect(), "each topic has a policy");
    assert_eq!(policies.len(), topics.len() + 1, "and so has the queue");
    for (logical, policy) in policies {
        let statements = policy["PolicyDocument"]["Statement"].as_array().unwrap();
        let (denied, allowed): (Vec<_>, Vec<_>) = statements.iter().partition(|it| it["Effect"] == "Deny");
        assert!(denied.iter().any(|it| it["Condition"]["Bool"]["aws:SecureTransport"] == "false"), "{logical}");
        for statement in allowed {
            assert!(!statement["Principal"].to_string().contains('*'), "{logical}: {statement}");
            assert!(statement["Condition"].to_string().contains(DEFAULT_ACCOUNT), "{logical}: {statement}");
        }
    }
}

async fn pass(local: &Local, time: TimeDelta) {
    let until = local.world().now + time;
    local.run_until(until, &mut |_| {}).await;
    settle(local).await;
}

fn faults(local: &Local, rules: Value) {
    local.world().faults.set(Rules::parse(json!({"rules": rules}).to_string().as_bytes()).unwrap());
}

/// Invokes a function at the world's time.
async fn invoke(local: &Local, function: &str, mut event: Value) -> Ending {
    event["time"] = now(local);
    let ending = harness::invoke(local, function, &event).await;
    settle(local).await;
    ending
}

/// The metrics in the functions' logs, in the words of [`watched`], with all their values.
fn emitted(local: &Local) -> BTreeMap<String, Vec<i64>> {
    let mut emitted: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for (_, function) in FUNCTIONS {
        for record in invocations(local, function) {
            for line in record.ending.log.lines() {
                let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
                for directive in line["_aws"]["CloudWatchMetrics"].as_array().into_iter().flatten() {
                    let namespace = directive["Namespace"].as_str().unwrap();
                    let metrics = directive["Metrics"].as_array().unwrap().iter();
                    for name in metrics.map(|metric| metric["Name"].as_str().unwrap()) {
                        for dimensions in directive["Dimensions"].as_array().unwrap() {
                            let dimensions = dimensions.as_array().unwrap().iter().map(|it| it.as_str().unwrap());
                            let named = dimensions.map(|it| format!(" {it}={}", line[it].as_str().unwrap()));
                            let key = format!("{namespace} {name}{}", named.collect::<String>());
                            emitted.entry(key).or_default().push(line[name].as_i64().unwrap());
                        }
                    }
                }
            }
        }
    }
    emitted
}

/// A run, and one more in which somebody lets through what the circuit breaker held back.
async fn retire_what_is_held_back(local: &Local) {
    let planned = invoke(local, "deprecate-images", json!({})).await;
    let planned: Value = serde_json::from_str(&planned.payload).unwrap();
    if planned["plan"]["heldBack"].as_array().is_some_and(|held| !held.is_empty()) {
        invoke(local, "deprecate-images", json!({"approve": planned["plan"]["digest"]})).await;
    }
    pass(local, TimeDelta::hours(1)).await;
}

const MORE: [(&str, &str); 8] = [
    ("Mode", "apply"),
    ("MaxPerRun", "1"),
    ("MaxPercent", "100"),
    ("Channels", r#"{"dev":{"promote":"auto"}}"#),
    ("RetirementState", "DISABLED"),
    ("SweepState", "DISABLED"),
    ("PublishSweepState", "DISABLED"),
    ("ReportState", "DISABLED"),
];

/// What the dashboard shows and the alarms wait for is what the functions send, to the letter: here all of it happens.
#[tokio::test]
async fn what_is_watched_is_what_the_functions_count() {
    let running = deployed_with(1, &[own_stack("watched.yaml")], &MORE, &[]).await;
    let local = &running.local;
    let failing = |service: &str, operation: &str| json!({"fault": "error", "status": 403, "match": {"service": service, "operation": operation}});
    let put_by_hand = |value: &str| {
        let input = json!({"Name": "/golden-images/app", "Value": value, "Overwrite": true, "DataType": "text"});
        call(&mut local.world(), "ssm", "eu-west-1", "PutParameter", input);
    };
    // Builds with findings; the third is tried again after a throttled distribution.
    faults(local, json!([{"fault": "finding", "severity": "CRITICAL", "match": {"pipeline": "app"}}]));
    build(local, "app").await;
    build(local, "app").await;
    let reason = "EC2 Client Error: 'Request limit exceeded.' when distributing the image (Service: AmazonEC2; \
                  Status Code: 503; Error Code: RequestLimitExceeded)";
    let throttled =
        json!({"fault": "fail-build", "status": "DISTRIBUTING", "region": "eu-west-1", "reason": reason, "times": 1});
    faults(local, json!([throttled]));
    build(local, "app").await;
    pass(local, TimeDelta::hours(2)).await;
    faults(local, json!([]));
    build(local, "app").await;
    // Somebody writes a parameter, and a Region is out of reach.
    put_by_hand("by hand");
    invoke(local, "fan-out-amis", json!({"sweep": {}})).await;
    put_by_hand("again");
    faults(local, json!([{"fault": "unreachable", "match": {"region": "eu-west-1"}}]));
    invoke(local, "fan-out-amis", json!({"sweep": {}})).await;
    // Starts that succeed, that fail, and that wait for what can't be read.
    faults(local, json!([failing("imagebuilder", "StartImagePipelineExecution")]));
    invoke(local, "start-pipelines", json!({"mode": "always"})).await;
    faults(local, json!([failing("imagebuilder", "GetImageRecipe")]));
    invoke(local, "start-pipelines", json!({"mode": "if-changed"})).await;
    faults(local, json!([]));
    invoke(local, "start-pipelines", json!({"mode": "if-changed"})).await;
    invoke(local, "start-pipelines", json!({"mode": "always"})).await;
    pass(local, TimeDelta::hours(2)).await;
    // Day by day images are retired: first a step fails, then two at once are too many.
    faults(local, json!([failing("imagebuilder", "StartResourceStateUpdate")]));
    pass(local, TimeDelta::hours(26)).await;
    invoke(local, "deprecate-images", json!({})).await;
    faults(local, json!([]));
    for _ in 0..2 {
        invoke(local, "deprecate-images", json!({})).await;
        pass(local, TimeDelta::hours(26)).await;
    }
    retire_what_is_held_back(local).await;
    // A disabled image is wanted again.
    let disabled = {
        let world = local.world();
        let mut own = world.imagebuilder.all().filter(|it| it.arn.contains(":123456789012:image/app/"));
        own.find(|it| it.status() == "DISABLED").map(|it| it.arn.clone()).unwrap()
    };
    let input = json!({"resourceArn": disabled, "tags": {"goldsmith:keep-image": "wanted"}});
    call(&mut local.world(), "imagebuilder", DEFAULT_REGION, "TagResource", input);
    for _ in 0..2 {
        retire_what_is_held_back(local).await;
        pass(local, TimeDelta::hours(26)).await;
    }
    // Later, families are stale; and a report can't be sent.
    invoke(local, "report-builds", json!({})).await;
    pass(local, TimeDelta::days(60)).await;
    faults(local, json!([failing("sns", "Publish")]));
    invoke(local, "report-builds", json!({})).await;
    faults(local, json!([]));
    invoke(local, "report-builds", json!({})).await;

    let summary = stack(&[]).await;
    let watched = watched(&summary);
    let emitted = emitted(local);
    let of_goldsmith: Vec<_> = watched.iter().filter(|it| it.starts_with("Goldsmith ")).collect();
    assert!(of_goldsmith.len() > 15, "{of_goldsmith:?}");
    let missing: Vec<_> = of_goldsmith.into_iter().filter(|it| !emitted.contains_key(*it)).collect();
    assert!(missing.is_empty(), "nothing counted {missing:#?} of {emitted:#?}");
    let stale = &emitted["Goldsmith StaleFamilies FunctionName=goldsmith-report-builds"];
    assert_eq!((stale.first(), stale.last()), (Some(&0), Some(&2)), "{stale:?}");
    // The other metrics are AWS's, by names that AWS gives them.
    let elsewhere = watched.iter().filter(|it| !it.starts_with("Goldsmith "));
    let known = ["AWS/Lambda Errors", "AWS/Lambda Throttles", "AWS/Lambda Invocations", "AWS/Lambda Duration"];
    for metric in elsewhere {
        let of_function = known.iter().any(|known| metric.starts_with(&format!("{known} FunctionName=goldsmith-")));
        assert!(of_function || metric.starts_with("AWS/SQS ApproximateNumberOfMessagesVisible QueueName="), "{metric}");
    }
    local.shut_down().await;
}
