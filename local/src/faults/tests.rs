use super::*;
use crate::draw::Seed;
use crate::events;
use crate::wire::{Caller, Context, Principal};
use crate::world::{DEFAULT_ACCOUNT, Event};
use chrono::TimeDelta;

fn world(rules: Value) -> World {
    let mut world = World::new(Seed(5), "2026-03-02T00:00:00Z".parse().unwrap());
    world.faults.set(Rules::parse(json!({"rules": rules}).to_string().as_bytes()).unwrap());
    world
}

fn context(region: &str) -> Context {
    let principal = Principal::Role { name: "role".into(), session: "goldsmith-FanOut-1".into() };
    let caller = Caller { account: DEFAULT_ACCOUNT.into(), principal, invocation: Some("i".into()) };
    Context { caller, region: region.into(), request_id: "r".into() }
}

fn call(world: &mut World, service: &str, operation: &str, region: &str, input: Value) -> String {
    let verdict = of_call(world, &context(region), service, operation, &input);
    let fate = match verdict.fate {
        None => "passes".to_owned(),
        Some(Fate::Unreachable) => "unreachable".to_owned(),
        Some(Fate::Refused(error)) => format!("{} {}", error.status, error.code),
    };
    if verdict.latency.is_zero() { fate } else { format!("{fate} after {} ms", verdict.latency.num_milliseconds()) }
}

fn lines(world: &World) -> Vec<String> {
    let entries = world.journal.entries().iter().filter(|entry| entry.kind == Kind::Fault);
    entries.map(|entry| format!("{}: {}", entry.subject, entry.detail)).collect()
}

#[test]
fn the_first_rule_that_fits_strikes_as_often_as_it_says() {
    let mut world = world(json!([
        {"fault": "latency", "milliseconds": 40, "match": {"operation": "Get*"}},
        {"fault": "throttle", "times": 2, "match": {"service": "imagebuilder", "operation": "GetImage"}},
        {"fault": "error", "status": 503, "match": {"service": "ssm", "resource": "/golden/"}},
        {"fault": "unreachable", "match": {"region": "eu-west-1"}},
        {"fault": "throttle", "code": "CallRateLimitExceededException", "match": {"function": "*FanOut*", "operation": "CreateImage"}},
    ]));
    let (here, there) = ("us-east-1", "eu-west-1");
    for (service, operation, region, input, expected) in [
        ("imagebuilder", "GetImage", here, json!({}), "429 TooManyRequestsException after 40 ms"),
        ("imagebuilder", "GetImage", there, json!({}), "429 TooManyRequestsException after 40 ms"),
        ("imagebuilder", "GetImage", here, json!({}), "passes after 40 ms"),
        ("imagebuilder", "GetImage", there, json!({}), "unreachable after 40 ms"),
        ("imagebuilder", "CreateImage", here, json!({}), "429 CallRateLimitExceededException"),
        ("ssm", "PutParameter", here, json!({"Name": "/golden/web"}), "503 ServiceUnavailable"),
        ("ssm", "PutParameter", here, json!({"Name": "/other/golden/"}), "passes"),
        ("sns", "Publish", here, json!({}), "passes"),
    ] {
        assert_eq!(call(&mut world, service, operation, region, input.clone()), expected, "{operation} {input}");
    }
    assert_eq!(world.faults.document()["struck"], json!([4, 2, 1, 1, 1]));
    assert_eq!(
        lines(&world)[..2],
        [
            "imagebuilder GetImage: answered 40 ms later (rule 1)",
            "imagebuilder GetImage: throttled: TooManyRequestsException (rule 2)",
        ]
    );
    assert_eq!(world.faults.begun_anew().document()["struck"], json!([0, 0, 0, 0, 0]));
}

#[test]
fn an_account_can_be_out_of_reach() {
    let mut world = world(json!([{"fault": "unreachable", "match": {"account": "111122223333"}}]));
    assert_eq!(call(&mut world, "ssm", "GetParameter", "us-east-1", json!({})), "passes");
    let mut there = context("us-east-1");
    there.caller.account = "111122223333".to_owned();
    let verdict = of_call(&mut world, &there, "ssm", "GetParameter", &json!({}));
    assert_eq!(verdict.fate, Some(Fate::Unreachable));
}

#[test]
fn a_rule_holds_in_its_time_only() {
    let mut world = world(json!([
        {"fault": "throttle", "from": "2026-03-02T01:00:00Z", "until": "2026-03-02T02:00:00Z"},
    ]));
    let mut seen = Vec::new();
    for minutes in [59, 1, 59, 1] {
        world.now += TimeDelta::minutes(minutes);
        seen.push(call(&mut world, "ssm", "GetParameter", "us-east-1", json!({})) == "passes");
    }
    assert_eq!(seen, [true, false, false, true]);
}

#[test]
fn a_probability_is_drawn_for_the_call_whatever_else_arrives() {
    let rules = json!([{"fault": "throttle", "probability": 0.3}]);
    let ask = |world: &mut World, name: &str| call(world, "ssm", "GetParameter", "us-east-1", json!({"Name": name}));
    let (mut one, mut other) = (world(rules.clone()), world(rules));
    let alone: Vec<_> = (0..200).map(|_| ask(&mut one, "/a")).collect();
    let beside: Vec<_> = (0..200)
        .map(|_| {
            ask(&mut other, "/b");
            ask(&mut other, "/a")
        })
        .collect();
    assert_eq!(alone, beside);
    let struck = alone.iter().filter(|it| *it != "passes").count();
    assert!((35..=85).contains(&struck), "{struck}");
}

/// The times, in seconds, at which events arrive that were emitted a second apart.
fn arrivals(rule: Value, count: i64) -> Vec<(i64, String)> {
    let mut world = world(json!([rule]));
    let begun = world.now;
    for number in 0..count {
        let event = events::Event {
            source: "aws.imagebuilder".into(),
            detail_type: "EC2 Image Builder Image State Change".into(),
            account: DEFAULT_ACCOUNT.into(),
            region: "us-east-1".into(),
            resources: vec![number.to_string()],
            detail: json!({}),
            time: begun,
        };
        world.post(begun + TimeDelta::seconds(number), Event::Emit(event));
    }
    let rule = json!({"Name": "all", "EventPattern": r#"{"source": ["aws.imagebuilder"]}"#});
    crate::dispatch::call(&mut world, &context("us-east-1"), "events", "PutRule", rule).unwrap();
    while world.step(begun + TimeDelta::minutes(5)).is_some() {}
    let entries = world.journal.entries().iter().filter(|entry| entry.kind == Kind::RuleMatched);
    entries
        .map(|entry| ((entry.at - begun).num_seconds(), entry.detail.rsplit(' ').next().unwrap().to_owned()))
        .collect()
}

#[test]
fn notifications_are_lost_repeated_delayed_and_reordered() {
    let seen = |rule: Value| {
        arrivals(rule, 3).into_iter().map(|(at, which)| format!("{which}@{at}")).collect::<Vec<_>>().join(" ")
    };
    for (rule, expected) in [
        (json!({"fault": "lost", "times": 1}), "1@1 2@2"),
        (json!({"fault": "lost", "match": {"detailType": "*CVE*"}}), "0@0 1@1 2@2"),
        (json!({"fault": "lost", "match": {"service": "sns"}}), "0@0 1@1 2@2"),
        (json!({"fault": "lost", "match": {"topic": "*"}}), "0@0 1@1 2@2"),
        (json!({"fault": "lost", "after": 1}), "0@0"),
        (json!({"fault": "lost", "after": 1, "times": 1}), "0@0 2@2"),
        (json!({"fault": "repeated", "copies": 2, "times": 1}), "0@0 1@1 0@1 2@2 0@2"),
        (json!({"fault": "delayed", "seconds": 10, "times": 1}), "1@1 2@2 0@10"),
        (json!({"fault": "reordered", "seconds": 20}), "1@1 0@20 2@22"),
        (json!({"fault": "throttle"}), "0@0 1@1 2@2"),
    ] {
        assert_eq!(seen(rule.clone()), expected, "{rule}");
    }
}

#[test]
fn a_delivery_of_sns_is_struck_by_its_topic() {
    let mut world = world(json!([{"fault": "lost", "match": {"topic": "builds", "region": "us-east-1"}}]));
    let function = "arn:aws:lambda:us-east-1:123456789012:function:f";
    let mut invoked = Vec::new();
    for topic in ["builds", "others"] {
        let mut ask = |operation: &str, input: Value| {
            crate::dispatch::call(&mut world, &context("us-east-1"), "sns", operation, input).unwrap()
        };
        let arn = ask("CreateTopic", json!({"Name": topic}))["TopicArn"].clone();
        ask("Subscribe", json!({"TopicArn": arn, "Protocol": "lambda", "Endpoint": function}));
        ask("Publish", json!({"TopicArn": arn, "Message": topic}));
        let limit = world.now + TimeDelta::minutes(1);
        while let Some(step) = world.step(limit) {
            if matches!(step, crate::world::Step::Invoke(_)) {
                invoked.push(topic);
            }
        }
    }
    assert_eq!((invoked, lines(&world)), (vec!["others"], vec!["builds: lost (rule 1)".to_owned()]));
}

#[test]
fn a_fault_of_a_rule_names_the_member_and_what_was_expected() {
    for (rules, expected) in [
        (json!(1), "rules: expected a list of rules"),
        (json!([1]), "rules[0]: expected an object with a fault"),
        (
            json!([{}]),
            "rules[0].fault: expected one of throttle, error, latency, unreachable, list-images-lag, lost, repeated, delayed, reordered, fail-build, fail-lifecycle, finding",
        ),
        (
            json!([{"fault": "slow"}]),
            "rules[0].fault: \"slow\" is none; expected one of throttle, error, latency, unreachable, list-images-lag, lost, repeated, delayed, reordered, fail-build, fail-lifecycle, finding",
        ),
        (
            json!([{"fault": "lost"}, {"fault": "lost", "code": "x"}]),
            "rules[1].code: there is no such member; expected fault, match, times, after, probability, from, until",
        ),
        (
            json!([{"fault": "lost", "match": {"operation": "x"}}]),
            "rules[0].match.operation: lost matches by service, topic, detailType, region, account",
        ),
        (json!([{"fault": "lost", "match": {"service": "ssm"}}]), "rules[0].match.service: expected sns or events"),
        (
            json!([{"fault": "lost", "match": {"topic": "x", "detailType": "y"}}]),
            "rules[0].match.detailType: expected either this or a topic",
        ),
        (
            json!([{"fault": "throttle", "match": {"operation": 1}}]),
            "rules[0].match.operation: expected a text, in which * stands for any",
        ),
        (json!([{"fault": "throttle", "match": []}]), "rules[0].match: expected an object"),
        (json!([{"fault": "throttle", "times": 0}]), "rules[0].times: expected a whole number from 1"),
        (json!([{"fault": "throttle", "times": 1.5}]), "rules[0].times: expected a whole number from 1"),
        (
            json!([{"fault": "throttle", "probability": 0}]),
            "rules[0].probability: expected a number above 0, at most 1",
        ),
        (
            json!([{"fault": "throttle", "from": "today"}]),
            "rules[0].from: expected a time such as 2026-03-02T00:00:00Z",
        ),
        (
            json!([{"fault": "throttle", "from": "2026-03-02T00:00:00Z", "until": "2026-03-02T00:00:00Z"}]),
            "rules[0].until: expected a time after from",
        ),
        (
            json!([{"fault": "throttle", "code": "a b"}]),
            "rules[0].code: expected letters, digits, periods and underscores",
        ),
        (json!([{"fault": "error"}]), "rules[0].code: expected a code, or a status from 400 to 599"),
        (json!([{"fault": "error", "status": 200}]), "rules[0].status: expected a whole number from 400 to 599"),
        (json!([{"fault": "latency"}]), "rules[0].milliseconds: expected a whole number from 1 to 86400000"),
        (
            json!([{"fault": "unreachable"}]),
            "rules[0].match.region: expected the Region or the account that can't be reached",
        ),
        (
            json!([{"fault": "list-images-lag", "seconds": 121}]),
            "rules[0].seconds: expected a whole number from 1 to 120",
        ),
        (
            json!([{"fault": "list-images-lag", "seconds": 60, "times": 1}]),
            "rules[0].times: list-images-lag lasts; expected from or until",
        ),
        (
            json!([{"fault": "list-images-lag", "seconds": 60, "after": 1}]),
            "rules[0].after: list-images-lag lasts; expected from or until",
        ),
        (json!([{"fault": "repeated", "copies": 11}]), "rules[0].copies: expected a whole number from 1 to 10"),
        (json!([{"fault": "delayed"}]), "rules[0].seconds: expected a whole number from 1 to 86400"),
        (
            json!([{"fault": "fail-build", "status": "PENDING"}]),
            "rules[0].status: expected one of BUILDING, TESTING, DISTRIBUTING, INTEGRATING",
        ),
        (json!([{"fault": "fail-lifecycle", "outcome": "LOST"}]), "rules[0].outcome: expected FAILED or SKIPPED"),
        (
            json!([{"fault": "fail-build", "status": "DISTRIBUTING", "component": "agent"}]),
            "rules[0].component: expected none: components run in BUILDING and TESTING",
        ),
        (
            json!([{"fault": "fail-build", "status": "TESTING", "region": "eu-west-1"}]),
            "rules[0].region: expected none: only DISTRIBUTING fails in a Region",
        ),
        (
            json!([{"fault": "finding", "severity": "BAD"}]),
            "rules[0].severity: expected one of INFORMATIONAL, LOW, MEDIUM, HIGH, CRITICAL",
        ),
        (
            json!([{"fault": "finding", "severity": "LOW", "times": 1}]),
            "rules[0].times: finding lasts; expected from or until",
        ),
    ] {
        let text = json!({"rules": rules}).to_string();
        assert_eq!(Rules::parse(text.as_bytes()).unwrap_err(), expected, "{text}");
    }
    assert!(Rules::parse(b"{").unwrap_err().starts_with("the faults aren't JSON: "));
    assert_eq!(Rules::parse(br#"{"rule": []}"#).unwrap_err(), "rule: there is no such member; expected rules, struck");
}

#[test]
fn what_is_answered_can_be_put_again() {
    let mut world = world(json!([{"fault": "lost", "match": {"topic": "builds"}}]));
    let document = world.faults.document();
    world.faults.set(Rules::parse(document.to_string().as_bytes()).unwrap());
    assert_eq!(world.faults.document(), document);
}
