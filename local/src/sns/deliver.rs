//! From a topic to its subscriptions, and from there to functions.

use super::subscription::topic_name;
use super::{Delivery, Message};
use crate::clock::iso_millis;
use crate::journal::Kind;
use crate::world::{Event, World};
use crate::{lambda, sqs};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// A message arrived at its topic: it goes on to every subscription whose filter policy it passes.
pub fn on_publish(world: &mut World, message: Message) {
    if !super::topic_exists(world, &message.topic_arn) {
        let region = message.topic_arn.split(':').nth(3).map(str::to_owned);
        let detail = "a message was lost: the topic does not exist";
        world.record(Kind::Warning, topic_name(&message.topic_arn), region.as_deref(), detail);
        return;
    }
    let takers: Vec<String> = world
        .sns
        .subscriptions
        .iter()
        .filter(|(_, subscription)| subscription.topic_arn == message.topic_arn && !subscription.is_pending())
        .filter(|(_, subscription)| subscription.filter.as_ref().is_none_or(|filter| filter.takes(&message)))
        .map(|(arn, _)| arn.clone())
        .collect();
    for subscription_arn in takers {
        let delay = world.span_millis(&["delivery", &message.message_id, &subscription_arn], 10, 150);
        let delivery = Delivery { subscription_arn, message: message.clone() };
        world.post(world.now + delay, Event::Deliver(delivery));
    }
}

/// A notification arrived at its subscription: the function is due, or it waits in the queue.
pub fn on_deliver(world: &mut World, delivery: Delivery) {
    // It may have been deleted while the message was on its way.
    let Some(subscription) = world.sns.subscriptions.get(&delivery.subscription_arn) else { return };
    let (endpoint, is_queue) = (subscription.endpoint.clone(), subscription.protocol == "sqs");
    let is_raw = subscription.attributes.get("RawMessageDelivery").is_some_and(|raw| raw == "true");
    if !is_queue {
        let event = lambda_event(world, &delivery);
        lambda::accept(world, &endpoint, event.to_string(), "sns");
        return;
    }
    let none = Map::new();
    let (body, attributes) = match is_raw {
        true => (delivery.message.body.clone(), &delivery.message.attributes),
        false => (queue_body(world, &delivery).to_string(), &none),
    };
    if !sqs::deliver(world, &endpoint, body, attributes) {
        let region = endpoint.split(':').nth(3);
        let name = topic_name(&delivery.message.topic_arn);
        world.record(Kind::Warning, name, region, format!("a message was lost: the queue {endpoint} does not exist"));
    }
}

/// What stands in a queue: <https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html>. It is what a function
/// gets, with two names spelled otherwise, and without what is empty.
fn queue_body(world: &World, delivery: &Delivery) -> Value {
    let mut event = lambda_event(world, delivery);
    let Value::Object(body) = event["Records"][0]["Sns"].take() else { return Value::Null };
    let spelled = |name: String| match name.as_str() {
        "SigningCertUrl" => "SigningCertURL".to_owned(),
        "UnsubscribeUrl" => "UnsubscribeURL".to_owned(),
        _ => name,
    };
    let is_empty = |value: &Value| value.is_null() || value.as_object().is_some_and(Map::is_empty);
    let body = body.into_iter().filter(|(_, value)| !is_empty(value)).map(|(name, value)| (spelled(name), value));
    Value::Object(body.collect())
}

/// The event that a function gets: <https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html>
pub(super) fn lambda_event(world: &World, delivery: &Delivery) -> Value {
    let Delivery { subscription_arn, message } = delivery;
    let region = message.topic_arn.split(':').nth(3).unwrap_or_default();
    let version = world.sns.topics.get(&message.topic_arn).and_then(|topic| topic.attributes.get("SignatureVersion"));
    let signature = world.seed.hex(&["signature", &message.message_id], 32);
    json!({
        "Records": [{
            "EventSource": "aws:sns",
            "EventVersion": "1.0",
            "EventSubscriptionArn": subscription_arn,
            "Sns": {
                "Type": "Notification",
                "MessageId": message.message_id,
                "TopicArn": message.topic_arn,
                "Subject": message.subject,
                "Message": message.body,
                "Timestamp": iso_millis(world.now),
                "SignatureVersion": version.map_or("1", String::as_str),
                "Signature": STANDARD.encode(signature),
                "SigningCertUrl": format!("https://sns.{region}.amazonaws.com/SimpleNotificationService-local.pem"),
                "UnsubscribeUrl": format!(
                    "https://sns.{region}.amazonaws.com/?Action=Unsubscribe&SubscriptionArn={subscription_arn}"
                ),
                "MessageAttributes": message.attributes,
            },
        }],
    })
}
