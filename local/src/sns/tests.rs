//! SNS, over its real form encoding.

use super::*;
use crate::clock::Time;
use crate::dispatch;
use crate::draw::Seed;
use crate::journal::Kind;
use crate::wire::Request;
use crate::world::{Event, Step};
use chrono::TimeDelta;
use serde_json::json;

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:fan-out";

fn world() -> World {
    World::new(Seed(7), "2026-01-01T00:00:00Z".parse::<Time>().unwrap())
}

/// One form over the wire: the status and the XML.
fn ask(world: &mut World, fields: &[(&str, &str)]) -> (u16, String) {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        form.append_pair(name, value);
    }
    let credential =
        "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/sns/aws4_request, SignedHeaders=host, Signature=0";
    let request = Request {
        method: "POST".into(),
        path: "/".into(),
        query: String::new(),
        headers: vec![("authorization".into(), credential.into())],
        body: form.finish().into(),
    };
    let response = dispatch::answer(world, &request, false).response.unwrap();
    (response.status, String::from_utf8(response.body.to_vec()).unwrap())
}

fn between(text: &str, from: &str, to: &str) -> String {
    text.split_once(from).unwrap().1.split_once(to).unwrap().0.to_owned()
}

fn topic(world: &mut World, name: &str) -> String {
    let (status, body) = ask(world, &[("Action", "CreateTopic"), ("Name", name)]);
    assert_eq!(status, 200, "{body}");
    between(&body, "<TopicArn>", "</TopicArn>")
}

fn subscribe(world: &mut World, topic: &str, attributes: &[(&str, &str)]) -> (u16, String) {
    let mut fields = vec![
        ("Action".to_owned(), "Subscribe"),
        ("TopicArn".to_owned(), topic),
        ("Protocol".to_owned(), "lambda"),
        ("Endpoint".to_owned(), FUNCTION),
    ];
    for (n, (name, value)) in attributes.iter().enumerate() {
        fields.push((format!("Attributes.entry.{}.key", n + 1), name));
        fields.push((format!("Attributes.entry.{}.value", n + 1), value));
    }
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    ask(world, &fields)
}

/// Handles what is due and returns how many deliveries were posted.
fn deliveries(world: &mut World, message: Message) -> usize {
    let before = world.posted();
    on_publish(world, message);
    usize::try_from(world.posted() - before).unwrap()
}

fn message(topic_arn: &str, body: &str, attributes: Value) -> Message {
    Message {
        topic_arn: topic_arn.to_owned(),
        body: body.to_owned(),
        subject: None,
        attributes: attributes.as_object().unwrap().clone(),
        message_id: "m".to_owned(),
    }
}

#[test]
fn attributes_of_a_form_pass_the_filter_and_reach_the_function() {
    let mut world = world();
    let topic = topic(&mut world, "published");
    let policy = r#"{"family": ["web"], "build": [{"numeric": [">", 3]}]}"#;
    let (status, body) = subscribe(&mut world, &topic, &[("FilterPolicy", policy)]);
    assert_eq!(status, 200, "{body}");
    let fields = [
        ("Action", "Publish"),
        ("TopicArn", &topic),
        ("Message", "{\"a\":1}"),
        ("MessageAttributes.entry.1.Name", "family"),
        ("MessageAttributes.entry.1.Value.DataType", "String"),
        ("MessageAttributes.entry.1.Value.StringValue", "web"),
        ("MessageAttributes.entry.2.Name", "build"),
        ("MessageAttributes.entry.2.Value.DataType", "Number"),
        ("MessageAttributes.entry.2.Value.StringValue", "4"),
    ];
    let (status, body) = ask(&mut world, &fields);
    assert_eq!(status, 200, "{body}");
    let message_id = between(&body, "<MessageId>", "</MessageId>");
    let entry = world.journal.entries().last().unwrap();
    assert_eq!(
        (entry.kind, entry.subject.as_str(), entry.detail.as_str()),
        (Kind::MessagePublished, "published", "{\"a\":1}")
    );
    assert!(matches!(world.step(world.now), Some(Step::Handled)), "the message reaches its topic");
    let due = world.next_due().expect("a delivery is on its way");
    assert!(due > world.now);
    let subscription_arn = world.sns.subscriptions.keys().next().unwrap().clone();
    let attributes = json!({"family": {"Type": "String", "Value": "web"}, "build": {"Type": "Number", "Value": "4"}});
    let mut message = message(&topic, "{\"a\":1}", attributes.clone());
    message.message_id = message_id;
    let event = deliver::lambda_event(&world, &Delivery { subscription_arn: subscription_arn.clone(), message });
    let record = &event["Records"][0];
    assert_eq!(record["EventSource"], "aws:sns");
    assert_eq!(record["EventSubscriptionArn"], subscription_arn);
    assert_eq!(
        (&record["Sns"]["Subject"], &record["Sns"]["Timestamp"]),
        (&Value::Null, &json!("2026-01-01T00:00:00.000Z"))
    );
    assert_eq!(record["Sns"]["MessageAttributes"], attributes);
}

#[test]
fn filters_look_at_attributes_or_at_the_body() {
    let by_attribute = [("FilterPolicy", r#"{"type": ["a", {"prefix": "b"}]}"#)];
    let by_body = [("FilterPolicy", r#"{"state": {"status": ["FAILED"]}}"#), ("FilterPolicyScope", "MessageBody")];
    let typed = |kind: &str, value: &str| json!({"type": {"Type": kind, "Value": value}});
    let table = [
        (&by_attribute[..], "x", typed("String", "a"), 1),
        (&by_attribute[..], "x", typed("String", "bcd"), 1),
        (&by_attribute[..], "x", typed("String.Array", r#"["z", "a"]"#), 1),
        (&by_attribute[..], "x", typed("String", "c"), 0),
        (&by_attribute[..], "x", typed("Binary", "a"), 0),
        (&by_attribute[..], r#"{"type": "a"}"#, json!({}), 0),
        (&by_body[..], r#"{"state": {"status": "FAILED"}}"#, json!({}), 1),
        (&by_body[..], r#"{"state": {"status": "AVAILABLE"}}"#, json!({}), 0),
        (&by_body[..], "no JSON", json!({}), 0),
        (&[][..], "anything", json!({}), 1),
    ];
    for (attributes, body, sent, expected) in table {
        let mut world = world();
        let topic = topic(&mut world, "t");
        subscribe(&mut world, &topic, attributes);
        assert_eq!(
            deliveries(&mut world, message(&topic, body, sent.clone())),
            expected,
            "{attributes:?} {body} {sent}"
        );
    }
}

#[test]
fn what_is_invalid_is_refused() {
    let mut world = world();
    let topic = topic(&mut world, "t");
    let long = "x".repeat(256 * 1024 + 1);
    let missing = format!("{topic}-none");
    let subject = "x".repeat(101);
    type Row<'a> = (&'a [(&'a str, &'a str)], u16, &'a str);
    let table: [Row<'_>; 9] = [
        (&[("Action", "Publish"), ("TopicArn", &missing), ("Message", "m")], 404, "<Code>NotFound</Code>"),
        (&[("Action", "Publish"), ("TopicArn", "topic"), ("Message", "m")], 400, "Invalid parameter: TopicArn"),
        (&[("Action", "Publish"), ("TopicArn", &topic), ("Message", "")], 400, "Empty message"),
        (&[("Action", "Publish"), ("TopicArn", &topic), ("Message", &long)], 400, "Message too long"),
        (&[("Action", "Publish"), ("TopicArn", &topic), ("Message", "m"), ("Subject", &subject)], 400, "Subject"),
        (&[("Action", "Publish"), ("TopicArn", &topic), ("Message", "m"), ("Subject", "a\nb")], 400, "Subject"),
        (&[("Action", "CreateTopic"), ("Name", "a b")], 400, "Topic Name"),
        (&[("Action", "CreateTopic"), ("Name", "a.fifo")], 400, "FIFO"),
        (&[("Action", "AddPermission")], 400, "InvalidAction"),
    ];
    for (fields, status, text) in table {
        let (found, body) = ask(&mut world, fields);
        assert!(found == status && body.contains(text), "{text}: {found} {body}");
    }
    let refused = [
        ([("RawMessageDelivery", "true")], "does not support raw"),
        ([("FilterPolicy", "{")], "failed to parse"),
        ([("FilterPolicy", r#"{"a": {"b": ["x"]}}"#)], "nested"),
        ([("FilterPolicy", r#"{"a": [{"like": 1}]}"#)], "a: unrecognized match type like"),
        ([("FilterPolicyScope", "Subject")], "FilterPolicyScope"),
        ([("Colour", "red")], "AttributeName"),
    ];
    for (attributes, text) in refused {
        let (status, body) = subscribe(&mut world, &topic, &attributes);
        assert!(status == 400 && body.contains(text), "{text}: {status} {body}");
    }
}

#[test]
fn a_topic_and_a_subscription_are_made_once() {
    let mut world = world();
    let arn = topic(&mut world, "t");
    assert_eq!(topic(&mut world, "t"), arn);
    let other = [
        ("Action", "CreateTopic"),
        ("Name", "t"),
        ("Attributes.entry.1.key", "DisplayName"),
        ("Attributes.entry.1.value", "x"),
    ];
    assert!(ask(&mut world, &other).1.contains("different attributes"));
    let (_, first) = subscribe(&mut world, &arn, &[]);
    let (_, second) = subscribe(&mut world, &arn, &[]);
    let of = |body: &str| between(body, "<SubscriptionArn>", "</SubscriptionArn>");
    assert_eq!(of(&first), of(&second));
    let (_, listed) = ask(&mut world, &[("Action", "ListSubscriptionsByTopic"), ("TopicArn", &arn)]);
    assert_eq!(listed.matches("<member>").count(), 1);
    ask(&mut world, &[("Action", "DeleteTopic"), ("TopicArn", &arn)]);
    assert!(world.sns.subscriptions.is_empty() && !topic_exists(&world, &arn));
}

#[test]
fn what_is_not_delivered_is_told_once() {
    let mut world = world();
    let arn = topic(&mut world, "t");
    let fields =
        [("Action", "Subscribe"), ("TopicArn", arn.as_str()), ("Protocol", "email"), ("Endpoint", "a@example.com")];
    let (_, body) = ask(&mut world, &fields);
    ask(&mut world, &fields);
    assert!(body.contains("pending confirmation"));
    let warnings = world.journal.entries().iter().filter(|entry| entry.kind == Kind::Warning);
    assert_eq!(warnings.filter(|entry| entry.detail.contains("not delivered locally")).count(), 1);
    assert_eq!(deliveries(&mut world, message(&arn, "m", json!({}))), 0);
}

#[test]
fn a_message_to_a_missing_topic_is_a_warning() {
    let mut world = world();
    let now = world.now;
    world.post(now, Event::Publish(message("arn:aws:sns:us-east-1:123456789012:none", "m", json!({}))));
    while world.step(now + TimeDelta::seconds(1)).is_some() {}
    let entry = world.journal.entries().last().unwrap();
    assert_eq!((entry.kind, entry.subject.as_str()), (Kind::Warning, "none"));
}

#[test]
fn a_message_per_protocol_gives_functions_theirs() {
    let draft = |message: &str| {
        publish::Draft::of(&json!({"Message": message, "MessageStructure": "json"})).map(|draft| draft.body)
    };
    assert_eq!(draft(r#"{"default": "d", "lambda": "l"}"#).unwrap(), "l");
    assert_eq!(draft(r#"{"default": "d", "email": "e"}"#).unwrap(), "d");
    assert!(draft(r#"{"lambda": "l"}"#).unwrap_err().message.contains("default"));
}
