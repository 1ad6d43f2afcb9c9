//! Rules, schedules and their targets at work.

use super::fire::{Sending, sendings};
use super::targets::Shape;
use super::*;
use crate::draw::Seed;
use crate::journal::Kind;
use crate::wire::Caller;
use crate::world::{DEFAULT_ACCOUNT, DEFAULT_REGION};
use chrono::TimeDelta;

const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:news";
const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:tell";
const PIPELINE: &str = "arn:aws:imagebuilder:us-east-1:123456789012:image-pipeline/web";

fn time(text: &str) -> Time {
    text.parse().unwrap()
}

fn world() -> World {
    World::new(Seed(1), time("2026-01-01T00:00:00Z"))
}

fn ask(world: &mut World, operation: &str, input: Value) -> Result<Value, ApiError> {
    let caller = Caller { account: DEFAULT_ACCOUNT.into(), principal: crate::wire::Principal::Root, invocation: None };
    call(world, &Context { caller, region: DEFAULT_REGION.into(), request_id: "r".into() }, operation, input)
}

fn code(result: Result<Value, ApiError>) -> String {
    result.unwrap_err().code
}

/// A rule on images that become available, with targets as they are given.
fn with_rule(targets: Value) -> World {
    let mut world = world();
    let pattern = json!({"source": ["aws.imagebuilder"], "detail": {"state": {"status": ["AVAILABLE"]}}});
    ask(&mut world, "PutRule", json!({"Name": "ready", "EventPattern": pattern.to_string()})).unwrap();
    let put = ask(&mut world, "PutTargets", json!({"Rule": "ready", "Targets": targets})).unwrap();
    assert_eq!(put["FailedEntryCount"], 0);
    world
}

fn state_change(status: &str) -> Event {
    Event {
        source: "aws.imagebuilder".into(),
        detail_type: "EC2 Image Builder Image State Change".into(),
        account: DEFAULT_ACCOUNT.into(),
        region: DEFAULT_REGION.into(),
        resources: vec!["arn:aws:imagebuilder:us-east-1:123456789012:image/web/1.0.0/1".into()],
        detail: json!({"previous-state": {"status": "DISTRIBUTING"}, "state": {"status": status}}),
        time: time("2026-01-01T00:00:00.250Z"),
    }
}

fn said(world: &World, kind: Kind) -> Vec<(&str, &str)> {
    let entries = world.journal.entries().iter().filter(|entry| entry.kind == kind);
    entries.map(|entry| (entry.subject.as_str(), entry.detail.as_str())).collect()
}

/// How many events a handler posts.
fn posts(world: &mut World, handle: impl FnOnce(&mut World)) -> u64 {
    let before = world.posted();
    handle(world);
    world.posted() - before
}

#[test]
fn an_event_reaches_the_targets_of_the_rules_it_matches() {
    let mut world = with_rule(json!([{"Id": "1", "Arn": TOPIC}, {"Id": "2", "Arn": PIPELINE, "RoleArn": "r"}]));
    assert_eq!(posts(&mut world, |world| on_emit(world, &state_change("AVAILABLE"), "id")), 2);
    let resource =
        "EC2 Image Builder Image State Change: arn:aws:imagebuilder:us-east-1:123456789012:image/web/1.0.0/1";
    assert_eq!(said(&world, Kind::RuleMatched), [("ready", resource)]);

    assert_eq!(posts(&mut world, |world| on_emit(world, &state_change("FAILED"), "id")), 0);
    let elsewhere = Event { region: "eu-west-1".into(), ..state_change("AVAILABLE") };
    assert_eq!(posts(&mut world, |world| on_emit(world, &elsewhere, "id")), 0);
    let another = Event { account: "111122223333".into(), ..state_change("AVAILABLE") };
    assert_eq!(posts(&mut world, |world| on_emit(world, &another, "id")), 0);
    ask(&mut world, "DisableRule", json!({"Name": "ready"})).unwrap();
    assert_eq!(posts(&mut world, |world| on_emit(world, &state_change("AVAILABLE"), "id")), 0);
    ask(&mut world, "EnableRule", json!({"Name": "ready"})).unwrap();
    assert_eq!(posts(&mut world, |world| on_emit(world, &state_change("AVAILABLE"), "id")), 2);
    assert_eq!(said(&world, Kind::RuleMatched).len(), 2);
}

#[test]
fn a_target_gets_the_real_envelope() {
    let world = with_rule(json!([{"Id": "1", "Arn": FUNCTION}]));
    let rule = world.events.rules.values().next().unwrap();
    let input = "{\"version\":\"0\",\"id\":\"e\",\"detail-type\":\"EC2 Image Builder Image State Change\",\
        \"source\":\"aws.imagebuilder\",\"account\":\"123456789012\",\"time\":\"2026-01-01T00:00:00Z\",\
        \"region\":\"us-east-1\",\"resources\":[\"arn:aws:imagebuilder:us-east-1:123456789012:image/web/1.0.0/1\"],\
        \"detail\":{\"previous-state\":{\"status\":\"DISTRIBUTING\"},\"state\":{\"status\":\"AVAILABLE\"}}}";
    assert_eq!(
        sendings(rule, &state_change("AVAILABLE").document("e"), world.now),
        [Sending { arn: FUNCTION.into(), input: Ok(input.into()) }]
    );
}

#[test]
fn inputs_are_shaped_as_asked() {
    let event = state_change("AVAILABLE").document("e");
    let bare = "{\"version\":\"0\",\"id\":\"e\",\"detail-type\":\"EC2 Image Builder Image State Change\",\
        \"source\":\"aws.imagebuilder\",\"account\":\"123456789012\",\"time\":\"2026-01-01T00:00:00Z\",\
        \"region\":\"us-east-1\",\"resources\":[\"arn:aws:imagebuilder:us-east-1:123456789012:image/web/1.0.0/1\"]}";
    let transformed = |template: &str| {
        let paths = json!({"status": "$.detail.state.status", "state": "$.detail.state", "none": "$.detail.x",
            "image": "$.resources[0]"});
        json!({"InputTransformer": {"InputPathsMap": paths, "InputTemplate": template}})
    };
    let table = [
        (json!({"Input": "{\"a\": 1}"}), "{\"a\": 1}".to_owned()),
        (json!({"InputPath": "$.detail.state"}), "{\"status\":\"AVAILABLE\"}".into()),
        (
            transformed("{\"s\": <status>, \"t\": \"is <status>!\"}"),
            "{\"s\": \"AVAILABLE\", \"t\": \"is AVAILABLE!\"}".into(),
        ),
        (transformed("{\"s\": <state>}"), "{\"s\": {\"status\":\"AVAILABLE\"}}".into()),
        (
            transformed("\"<status>\"\n\"of <image>\""),
            "\"AVAILABLE\"\n\"of arn:aws:imagebuilder:us-east-1:123456789012:image/web/1.0.0/1\"".into(),
        ),
        (transformed("{\"n\": \"<none>\", \"m\": <none>}"), "{\"n\": \"\", \"m\": \"\"}".into()),
        (transformed("\"say \\\"<status>\\\" < 3\""), "\"say \\\"AVAILABLE\\\" < 3\"".into()),
        (
            transformed("[<aws.events.rule-arn>, \"<aws.events.rule-name>\"]"),
            "[\"arn:aws:events:us-east-1:123456789012:rule/ready\", \"ready\"]".into(),
        ),
        (transformed("{\"at\": <aws.events.event.ingestion-time>}"), "{\"at\": \"2026-01-01T00:00:00Z\"}".into()),
        (transformed("{\"e\": <aws.events.event.json>}"), format!("{{\"e\": {event}}}")),
        (transformed("{\"e\": <aws.events.event>}"), format!("{{\"e\": {bare}}}")),
    ];
    for (mut target, expected) in table {
        target["Id"] = json!("1");
        target["Arn"] = json!(FUNCTION);
        let world = with_rule(json!([target]));
        let rule = world.events.rules.values().next().unwrap();
        let sent = sendings(rule, &event, world.now).remove(0).input;
        assert_eq!(sent, Ok(expected), "{target}");
    }
}

#[test]
fn an_input_that_cannot_be_made_is_told() {
    let mut world = with_rule(json!([
        {"Id": "1", "Arn": TOPIC, "InputPath": "$.detail.nothing"},
        {"Id": "2", "Arn": FUNCTION,
            "InputTransformer": {"InputPathsMap": {"d": "$.detail"}, "InputTemplate": "{\"d\": \"<d>\"}"}},
    ]));
    assert_eq!(posts(&mut world, |world| on_emit(world, &state_change("AVAILABLE"), "id")), 0);
    let said = said(&world, Kind::Warning);
    assert_eq!(said[0], ("ready", format!("{TOPIC} wasn't reached: its InputPath finds nothing").as_str()));
    assert!(said[1].1.starts_with(&format!("{FUNCTION} wasn't reached: its input isn't JSON")), "{said:?}");
}

#[test]
fn texts_are_escaped_within_quotes() {
    let world = with_rule(json!([{"Id": "1", "Arn": TOPIC}]));
    let rule = world.events.rules.values().next().unwrap();
    let paths = BTreeMap::from([("r".to_owned(), path::Path::parse("$.reason").unwrap())]);
    let shape = Shape::template("1", paths, "{\"r\": \"<r>\"}").unwrap();
    let input = shape.apply(&json!({"reason": "a \"b\"\n"}), rule, world.now).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&input).unwrap(), json!({"r": "a \"b\"\n"}));
}

#[test]
fn targets_are_checked() {
    let mut world = with_rule(json!([{"Id": "1", "Arn": TOPIC}]));
    let mut put = |targets: Value| ask(&mut world, "PutTargets", json!({"Rule": "ready", "Targets": targets}));
    let table = [
        (json!({"Input": "{"}), "JSON syntax error in input for target 2"),
        (json!({"Input": "1", "InputPath": "$"}), "Only one of Input, InputPath, or InputTransformer"),
        (json!({"InputPath": "detail"}), "Invalid InputPath for target 2"),
        (json!({"InputTransformer": {"InputTemplate": "{\"a\": <b>}"}}), "contains invalid placeholder b."),
        (json!({"InputTransformer": {"InputTemplate": "plain text"}}), "Invalid InputTemplate for target 2"),
        (json!({"InputTransformer": {"InputTemplate": "{<aws.events.rule-name>: 1}"}}), "Invalid InputTemplate"),
        (json!({"InputTransformer": {}}), "Value null at 'inputTemplate'"),
        (json!({"Arn": PIPELINE}), "RoleArn is required for target"),
    ];
    for (mut target, reason) in table {
        target["Id"] = json!("2");
        if target["Arn"].is_null() {
            target["Arn"] = json!(FUNCTION);
        }
        let error = put(json!([target])).unwrap_err();
        assert_eq!(error.code, "ValidationException");
        assert!(error.message.contains(reason), "{target}: {error}");
    }
    let answer = put(json!([{"Id": "2", "Arn": "news"}, {"Id": "3", "Arn": TOPIC}])).unwrap();
    assert_eq!(answer["FailedEntryCount"], 1);
    assert_eq!(answer["FailedEntries"][0]["TargetId"], "2");
    let many: Vec<_> = (3..8).map(|id| json!({"Id": id.to_string(), "Arn": TOPIC})).collect();
    assert_eq!(code(put(json!(many))), "LimitExceededException");
    assert!(put(json!(many[..4])).is_ok());
}

#[test]
fn what_is_not_reached_is_said_once() {
    let queue = "arn:aws:sqs:us-east-1:123456789012:q";
    let mut world = with_rule(json!([{"Id": "1", "Arn": queue}]));
    ask(&mut world, "PutTargets", json!({"Rule": "ready", "Targets": [{"Id": "1", "Arn": queue}]})).unwrap();
    assert_eq!(posts(&mut world, |world| on_emit(world, &state_change("AVAILABLE"), "id")), 0);
    assert_eq!(said(&world, Kind::Warning), [("ready", format!("{queue} is not delivered locally").as_str())]);
}

#[test]
fn rules_are_kept_listed_and_deleted() {
    let mut world = with_rule(json!([{"Id": "1", "Arn": TOPIC}]));
    let put = |world: &mut World, input: Value| ask(world, "PutRule", input);
    assert_eq!(code(put(&mut world, json!({"Name": "x"}))), "ValidationException");
    assert_eq!(
        code(put(&mut world, json!({"Name": "x y", "ScheduleExpression": "rate(1 day)"}))),
        "ValidationException"
    );
    let at = json!({"Name": "x", "ScheduleExpression": "at(2026-01-02T00:00:00)"});
    assert_eq!(code(put(&mut world, at)), "ValidationException");
    let pattern = json!({"Name": "x", "EventPattern": "{\"source\": \"aws.ec2\"}"});
    assert_eq!(code(put(&mut world, pattern)), "InvalidEventPatternException");
    let bus = json!({"Name": "x", "EventBusName": "own", "ScheduleExpression": "rate(1 day)"});
    assert_eq!(code(put(&mut world, bus)), "ResourceNotFoundException");
    let tags = json!([{"Key": "k", "Value": "v"}]);
    let daily = json!({"Name": "daily", "ScheduleExpression": "rate(1 day)", "Description": "d", "Tags": tags});
    let arn = put(&mut world, daily).unwrap()["RuleArn"].clone();
    assert_eq!(
        ask(&mut world, "DescribeRule", json!({"Name": "daily"})).unwrap(),
        json!({"Name": "daily", "Arn": arn, "State": "ENABLED", "Description": "d",
            "ScheduleExpression": "rate(1 day)", "EventBusName": "default", "CreatedBy": "123456789012"})
    );
    assert_eq!(ask(&mut world, "ListTagsForResource", json!({"ResourceARN": arn})).unwrap()["Tags"], tags);

    let first = ask(&mut world, "ListRules", json!({"Limit": 1})).unwrap();
    assert_eq!(first["Rules"][0]["Name"], "daily");
    let second = ask(&mut world, "ListRules", json!({"Limit": 1, "NextToken": first["NextToken"]})).unwrap();
    assert_eq!((&second["Rules"][0]["Name"], second.get("NextToken")), (&json!("ready"), None));
    let names = ask(&mut world, "ListRuleNamesByTarget", json!({"TargetArn": TOPIC})).unwrap();
    assert_eq!(names, json!({"RuleNames": ["ready"]}));

    // An update keeps the targets, without which alone a rule can be deleted.
    put(&mut world, json!({"Name": "ready", "ScheduleExpression": "rate(1 day)"})).unwrap();
    let targets = ask(&mut world, "ListTargetsByRule", json!({"Rule": "ready"})).unwrap();
    assert_eq!(targets, json!({"Targets": [{"Id": "1", "Arn": TOPIC}]}));
    assert_eq!(code(ask(&mut world, "DeleteRule", json!({"Name": "ready"}))), "ValidationException");
    let removed = ask(&mut world, "RemoveTargets", json!({"Rule": "ready", "Ids": ["1", "2"]})).unwrap();
    assert_eq!((&removed["FailedEntryCount"], &removed["FailedEntries"][0]["TargetId"]), (&json!(1), &json!("2")));
    ask(&mut world, "DeleteRule", json!({"Name": "ready"})).unwrap();
    assert_eq!(code(ask(&mut world, "DescribeRule", json!({"Name": "ready"}))), "ResourceNotFoundException");
    assert_eq!(code(ask(&mut world, "PutPermission", json!({}))), "UnknownOperationException");
}

#[test]
fn a_bus_of_ones_own_has_its_own_rules() {
    let mut world = world();
    let arn = ask(&mut world, "CreateEventBus", json!({"Name": "images", "Description": "d"})).unwrap()["EventBusArn"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(arn, "arn:aws:events:us-east-1:123456789012:event-bus/images");
    for (name, expected) in [
        ("images", "ResourceAlreadyExistsException"),
        ("default", "ResourceAlreadyExistsException"),
        ("a b", "ValidationException"),
    ] {
        assert_eq!(code(ask(&mut world, "CreateEventBus", json!({"Name": name}))), expected, "{name}");
    }
    let listed = ask(&mut world, "ListEventBuses", json!({})).unwrap();
    assert_eq!(
        (&listed["EventBuses"][0]["Name"], &listed["EventBuses"][1]["Name"]),
        (&json!("default"), &json!("images"))
    );
    assert_eq!(ask(&mut world, "DescribeEventBus", json!({"Name": arn})).unwrap()["Description"], "d");

    // The same rule on both buses; each hears of its own events alone.
    let pattern = "{\"source\": [\"mine\"]}";
    ask(&mut world, "PutRule", json!({"Name": "own", "EventPattern": pattern})).unwrap();
    let input = json!({"Name": "own", "EventPattern": pattern, "EventBusName": "images"});
    let rule = ask(&mut world, "PutRule", input).unwrap()["RuleArn"].clone();
    assert_eq!(rule, "arn:aws:events:us-east-1:123456789012:rule/images/own");
    let scheduled = json!({"Name": "s", "ScheduleExpression": "rate(1 day)", "EventBusName": "images"});
    assert_eq!(code(ask(&mut world, "PutRule", scheduled)), "ValidationException");
    for bus in ["default", "images"] {
        let input =
            json!({"Rule": "own", "EventBusName": bus, "Targets": [{"Id": "1", "Arn": format!("{TOPIC}-{bus}")}]});
        assert_eq!(ask(&mut world, "PutTargets", input).unwrap()["FailedEntryCount"], 0);
        let rules = ask(&mut world, "ListRules", json!({"EventBusName": bus})).unwrap();
        assert_eq!(rules["Rules"].as_array().unwrap().len(), 1, "{bus}");
    }
    let entry = |bus: &str| json!({"Source": "mine", "DetailType": "t", "Detail": "{}", "EventBusName": bus});
    let entries = json!([entry("images"), entry(&arn), entry("default"), entry("none")]);
    let answer = ask(&mut world, "PutEvents", json!({"Entries": entries})).unwrap();
    assert_eq!(
        (&answer["FailedEntryCount"], &answer["Entries"][3]["ErrorCode"]),
        (&json!(1), &json!("ResourceNotFoundException"))
    );
    let mut told = Vec::new();
    while let Some(step) = world.step(world.now) {
        drop(step);
        told.push(());
    }
    assert_eq!(told.len(), 3, "each to one topic");
    let put: Vec<_> = said(&world, Kind::EventPut);
    assert_eq!(put, [("images", "t from mine"), ("images", "t from mine"), ("default", "t from mine")]);

    assert_eq!(code(ask(&mut world, "DeleteEventBus", json!({"Name": "images"}))), "ValidationException");
    let ids = json!({"Rule": "own", "EventBusName": "images", "Ids": ["1"]});
    ask(&mut world, "RemoveTargets", ids).unwrap();
    ask(&mut world, "DeleteRule", json!({"Name": "own", "EventBusName": "images"})).unwrap();
    ask(&mut world, "DeleteEventBus", json!({"Name": "images"})).unwrap();
    assert_eq!(code(ask(&mut world, "DescribeEventBus", json!({"Name": "images"}))), "ResourceNotFoundException");
    ask(&mut world, "DescribeRule", json!({"Name": "own"})).unwrap();
}

#[test]
fn put_events_answers_each_entry() {
    let mut world = world();
    let rule = json!({"Name": "own", "EventPattern": "{\"source\": [\"mine\"]}"});
    ask(&mut world, "PutRule", rule).unwrap();
    ask(&mut world, "PutTargets", json!({"Rule": "own", "Targets": [{"Id": "1", "Arn": TOPIC}]})).unwrap();
    let entry = |source: &str, detail: &str| json!({"Source": source, "DetailType": "t", "Detail": detail});
    let mut other_bus = entry("mine", "{}");
    other_bus["EventBusName"] = json!("own");
    let entries = json!([entry("mine", "{}"), entry("aws.ec2", "{}"), entry("mine", "[]"), entry("", "{}"), other_bus]);
    let before = world.posted();
    let answer = ask(&mut world, "PutEvents", json!({"Entries": entries})).unwrap();
    assert_eq!(world.posted() - before, 1);
    assert_eq!(answer["FailedEntryCount"], 4);
    assert!(answer["Entries"][0]["EventId"].is_string());
    let codes: Vec<_> = (1..5).map(|at| answer["Entries"][at]["ErrorCode"].as_str().unwrap()).collect();
    let expected =
        ["NotAuthorizedForSourceException", "MalformedDetail", "InvalidArgument", "ResourceNotFoundException"];
    assert_eq!(codes, expected);
    assert_eq!(said(&world, Kind::RuleMatched), [("own", "t")]);

    let big = format!("{{\"x\": \"{}\"}}", "x".repeat(256 * 1024));
    assert_eq!(code(ask(&mut world, "PutEvents", json!({"Entries": [entry("mine", &big)]}))), "ValidationException");
    assert_eq!(code(ask(&mut world, "PutEvents", json!({"Entries": []}))), "ValidationException");
}

#[test]
fn test_event_pattern_needs_a_whole_event() {
    let mut world = world();
    let event = state_change("AVAILABLE").document("e");
    let mut test = |pattern: &str, event: &Value| {
        let input = json!({"EventPattern": pattern, "Event": event.to_string()});
        ask(&mut world, "TestEventPattern", input)
    };
    assert_eq!(test("{\"source\": [{\"prefix\": \"aws.\"}]}", &event).unwrap(), json!({"Result": true}));
    assert_eq!(test("{\"source\": [\"aws.ec2\"]}", &event).unwrap(), json!({"Result": false}));
    assert_eq!(code(test("{\"source\": [\"aws.ec2\"]}", &json!({"source": "aws.ec2"}))), "ValidationException");
}

/// Lets time pass; the schedules that fired by then.
fn fired_by(world: &mut World, until: &str) -> Vec<(String, String)> {
    let from = world.journal.entries().len();
    world.pass(time(until));
    let entries = world.journal.entries()[from..].iter().filter(|entry| entry.kind == Kind::ScheduleFired);
    entries.map(|entry| (entry.subject.clone(), crate::clock::iso_seconds(entry.at))).collect()
}

fn pairs(name: &str, times: &[&str]) -> Vec<(String, String)> {
    times.iter().map(|time| (name.to_owned(), (*time).to_owned())).collect()
}

#[test]
fn a_rules_schedule_goes_on_until_it_is_changed() {
    let mut world = world();
    let put = |world: &mut World, expression: &str| {
        ask(world, "PutRule", json!({"Name": "tick", "ScheduleExpression": expression})).unwrap();
    };
    put(&mut world, "rate(6 hours)");
    let twice = pairs("tick", &["2026-01-01T06:00:00Z", "2026-01-01T12:00:00Z"]);
    assert_eq!(fired_by(&mut world, "2026-01-01T13:00:00Z"), twice);
    put(&mut world, "cron(0 15 * * ? *)");
    let daily = pairs("tick", &["2026-01-01T15:00:00Z", "2026-01-02T15:00:00Z"]);
    assert_eq!(fired_by(&mut world, "2026-01-03T00:00:00Z"), daily);
    ask(&mut world, "DisableRule", json!({"Name": "tick"})).unwrap();
    assert_eq!(fired_by(&mut world, "2026-01-05T00:00:00Z"), []);
    ask(&mut world, "EnableRule", json!({"Name": "tick"})).unwrap();
    assert_eq!(fired_by(&mut world, "2026-01-06T00:00:00Z"), pairs("tick", &["2026-01-05T15:00:00Z"]));
    ask(&mut world, "DeleteRule", json!({"Name": "tick"})).unwrap();
    assert_eq!(fired_by(&mut world, "2026-01-08T00:00:00Z"), []);
}

fn schedule(expression: &str) -> Schedule {
    Schedule {
        account: DEFAULT_ACCOUNT.into(),
        region: DEFAULT_REGION.into(),
        group: "default".into(),
        name: "nightly".into(),
        expression: expression.into(),
        timezone: None,
        window_minutes: None,
        enabled: true,
        start: None,
        end: None,
        target_arn: TOPIC.into(),
        input: None,
    }
}

#[test]
fn schedules_fire_in_their_zone_between_start_and_end() {
    let day = |text: &str| Some(time(text));
    let table = [
        (
            Schedule { timezone: Some("Europe/Berlin".into()), ..schedule("cron(0 3 * * ? *)") },
            vec!["2026-01-01T02:00:00Z", "2026-01-02T02:00:00Z", "2026-01-03T02:00:00Z"],
        ),
        (schedule("rate(2 days)"), vec!["2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z"]),
        (
            Schedule {
                start: day("2026-01-01T12:00:00Z"),
                end: day("2026-01-03T12:00:00Z"),
                ..schedule("rate(1 day)")
            },
            vec!["2026-01-01T12:00:00Z", "2026-01-02T12:00:00Z"],
        ),
        (
            Schedule { start: day("2026-01-02T00:00:00Z"), ..schedule("cron(0 0 * * ? *)") },
            vec!["2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"],
        ),
        (schedule("at(2026-01-02T08:30:00)"), vec!["2026-01-02T08:30:00Z"]),
        (Schedule { enabled: false, ..schedule("rate(1 day)") }, vec![]),
    ];
    for (schedule, times) in table {
        let mut world = world();
        put_schedule(&mut world, schedule.clone()).unwrap();
        assert_eq!(fired_by(&mut world, "2026-01-03T23:00:00Z"), pairs("nightly", &times), "{schedule:?}");
    }
}

#[test]
fn an_updated_schedule_voids_what_was_posted() {
    let mut world = world();
    put_schedule(&mut world, schedule("at(2026-01-01T06:00:00)")).unwrap();
    put_schedule(&mut world, schedule("at(2026-01-01T07:00:00)")).unwrap();
    assert_eq!(fired_by(&mut world, "2026-01-02T00:00:00Z"), pairs("nightly", &["2026-01-01T07:00:00Z"]));
    put_schedule(&mut world, schedule("at(2026-01-01T08:00:00)")).unwrap();
    assert!(said(&world, Kind::Warning).contains(&("nightly", "at(2026-01-01T08:00:00) never comes due")));
}

#[test]
fn a_flexible_window_delays_within_its_minutes() {
    let mut world = world();
    let flexible = Schedule { window_minutes: Some(30), ..schedule("cron(0 * * * ? *)") };
    put_schedule(&mut world, flexible).unwrap();
    world.pass(time("2026-01-03T00:59:00Z"));
    let entries = world.journal.entries().iter().filter(|entry| entry.kind == Kind::ScheduleFired);
    let late: Vec<i64> = entries.map(|entry| entry.at.timestamp_millis() % 3_600_000).collect();
    assert_eq!(late.len(), 48);
    assert!(late.iter().all(|late| (0..=TimeDelta::minutes(30).num_milliseconds()).contains(late)), "{late:?}");
    assert!(late.iter().any(|late| *late > 0));
}

#[test]
fn schedules_are_checked() {
    let table = [
        Schedule { name: "a b".into(), ..schedule("rate(1 day)") },
        Schedule { timezone: Some("Mars/Olympus".into()), ..schedule("rate(1 day)") },
        Schedule { window_minutes: Some(0), ..schedule("rate(1 day)") },
        Schedule { target_arn: "news".into(), ..schedule("rate(1 day)") },
        Schedule { target_arn: PIPELINE.into(), ..schedule("rate(1 day)") },
        Schedule { target_arn: FUNCTION.into(), input: Some("text".into()), ..schedule("rate(1 day)") },
        Schedule {
            start: Some(time("2026-02-01T00:00:00Z")),
            end: Some(time("2026-01-01T00:00:00Z")),
            ..schedule("rate(1 day)")
        },
        schedule("every day"),
    ];
    for schedule in table {
        let said = format!("{schedule:?}");
        assert_eq!(
            put_schedule(&mut world(), schedule).map_err(|error| error.code),
            Err("ValidationException".into()),
            "{said}"
        );
    }
    assert_eq!(put_schedule(&mut world(), Schedule { input: Some("text".into()), ..schedule("rate(1 day)") }), Ok(()));
}

#[test]
fn a_schedule_sends_its_input_or_schedulers_own_event() {
    let at = time("2026-01-02T03:00:00Z");
    let sent = |schedule: &Schedule| schedule.sending(at, "d32c5adcf5bb8c3e");
    let own = "{\"version\":\"0\",\"id\":\"d32c5adcf5bb8c3e\",\"detail-type\":\"Scheduled Event\",\
        \"source\":\"aws.scheduler\",\"account\":\"123456789012\",\"time\":\"2026-01-02T03:00:00Z\",\
        \"region\":\"us-east-1\",\"resources\":[\"arn:aws:scheduler:us-east-1:123456789012:schedule/default/nightly\"],\
        \"detail\":\"{}\"}";
    assert_eq!(sent(&schedule("rate(1 day)")), Sending { arn: TOPIC.into(), input: Ok(own.into()) });
    let input = "{\"at\": \"<aws.scheduler.scheduled-time>\", \"by\": \"<aws.scheduler.schedule-arn>\", \
        \"run\": \"<aws.scheduler.execution-id>/<aws.scheduler.attempt-number>\"}";
    let filled = "{\"at\": \"2026-01-02T03:00:00Z\", \
        \"by\": \"arn:aws:scheduler:us-east-1:123456789012:schedule/default/nightly\", \"run\": \"d32c5adcf5bb8c3e/1\"}";
    let given = Schedule { input: Some(input.into()), ..schedule("rate(1 day)") };
    assert_eq!(sent(&given), Sending { arn: TOPIC.into(), input: Ok(filled.into()) });

    let universal = Schedule {
        target_arn: "arn:aws:scheduler:::aws-sdk:imagebuilder:startImagePipelineExecution".into(),
        input: Some(json!({"ImagePipelineArn": PIPELINE}).to_string()),
        ..schedule("rate(1 day)")
    };
    assert_eq!(sent(&universal).arn, PIPELINE);
    let mut world = world();
    put_schedule(&mut world, universal).unwrap();
    assert_eq!(said(&world, Kind::Warning), []);
    let before = world.posted();
    assert_eq!(fired_by(&mut world, "2026-01-01T00:00:00Z").len(), 1);
    assert!(world.posted() >= before + 2, "the next tick and the start of the pipeline");
}

#[test]
fn a_schedule_launches_instances_as_its_input_says() {
    let mut world = world();
    let ami = "ami-00000000000000001";
    let image = crate::ec2::Image {
        id: ami.into(),
        region: DEFAULT_REGION.into(),
        owner: DEFAULT_ACCOUNT.into(),
        name: "mine".into(),
        description: None,
        windows: false,
        architecture: "x86_64".into(),
        state: "available".into(),
        created: world.now,
        tags: Default::default(),
        snapshots: Default::default(),
        source: None,
        launch_permissions: Vec::new(),
        deprecation_time: None,
        last_launched: None,
        deregistration_protection: false,
    };
    crate::ec2::on(&mut world, crate::ec2::Event::Register(Box::new(image)));
    let launch = |name: &str, image: &str| Schedule {
        name: name.into(),
        target_arn: "arn:aws:scheduler:::aws-sdk:ec2:runInstances".into(),
        input: Some(json!({"ImageId": image, "MinCount": 2, "MaxCount": 2}).to_string()),
        ..schedule("at(2026-01-02T03:00:00)")
    };
    put_schedule(&mut world, launch("there", ami)).unwrap();
    put_schedule(&mut world, launch("gone", "ami-00000000000000000")).unwrap();
    assert_eq!(said(&world, Kind::Warning), []);
    world.pass(time("2026-01-02T03:01:00Z"));
    assert_eq!(world.ec2.instances.of(DEFAULT_REGION).filter(|it| it.image_id == ami).count(), 2);
    let warnings = said(&world, Kind::Warning);
    assert!(warnings.len() == 1 && warnings[0].1.starts_with("InvalidAMIID.NotFound"), "{warnings:?}");
}
