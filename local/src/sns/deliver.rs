//! From a topic to its subscriptions, and from there to functions.

use super::subscription::topic_name;
use super::{Delivery, Message};
use crate::clock::iso_millis;
use crate::journal::Kind;
use crate::lambda;
use crate::world::{Event, World};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

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
        .filter(|(_, subscription)| subscription.topic_arn == message.topic_arn && subscription.protocol == "lambda")
        .filter(|(_, subscription)| subscription.filter.as_ref().is_none_or(|filter| filter.takes(&message)))
        .map(|(arn, _)| arn.clone())
        .collect();
    for subscription_arn in takers {
        let delay = world.span_millis(&["delivery", &message.message_id, &subscription_arn], 10, 150);
        let delivery = Delivery { subscription_arn, message: message.clone() };
        world.post(world.now + delay, Event::Deliver(delivery));
    }
}

/// A notification arrived at its subscription: the function is due.
pub fn on_deliver(world: &mut World, delivery: Delivery) {
    // It may have been deleted while the message was on its way.
    let Some(subscription) = world.sns.subscriptions.get(&delivery.subscription_arn) else { return };
    let function_arn = subscription.endpoint.clone();
    let event = lambda_event(world, &delivery);
    lambda::accept(world, &function_arn, event.to_string(), "sns");
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
