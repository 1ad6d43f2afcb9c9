//! SNS: topics, subscriptions of functions, filter policies, delivery.

mod deliver;
mod filter;
mod publish;
mod subscription;
mod topic;

pub use deliver::{on_deliver, on_publish};

use crate::wire::{ApiError, Context};
use crate::world::World;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use subscription::Subscription;
use topic::Topic;

/// SNS's XML name space.
pub const NAMESPACE: &str = "http://sns.amazonaws.com/doc/2010-03-31/";

/// What SNS knows.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Store {
    /// By ARN.
    topics: BTreeMap<String, Topic>,
    /// By ARN.
    subscriptions: BTreeMap<String, Subscription>,
}

/// A message on its way to a topic.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Message {
    /// The topic.
    pub topic_arn: String,
    /// The body.
    pub body: String,
    /// The subject, which Image Builder's notifications lack.
    pub subject: Option<String>,
    /// `{name: {Type, Value}}`, the form of an SNS event's `MessageAttributes`.
    pub attributes: Map<String, Value>,
    /// The message's ID.
    pub message_id: String,
}

/// A message on its way to one subscription.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Delivery {
    /// The subscription.
    pub subscription_arn: String,
    /// The message.
    pub message: Message,
}

/// Whether any function is subscribed to a topic.
pub fn has_function(world: &World, topic_arn: &str) -> bool {
    let mut subscriptions = world.sns.subscriptions.values();
    subscriptions.any(|subscription| subscription.topic_arn == topic_arn && subscription.protocol == "lambda")
}

/// The ARN of the key that a topic is encrypted with, if it is one of its owner's and not of AWS.
pub(crate) fn key<'a>(world: &'a World, topic_arn: &str) -> Option<&'a str> {
    let key = world.sns.topics.get(topic_arn)?.attributes.get("KmsMasterKeyId")?;
    key.starts_with("arn:").then_some(key.as_str())
}

/// Whether there is such a topic.
pub fn topic_exists(world: &World, arn: &str) -> bool {
    world.sns.topics.contains_key(arn)
}

/// One API call; input and answer in the names of the wire (see [`crate::wire::query`]).
///
/// # Errors
/// As SNS answers.
pub fn call(world: &mut World, context: &Context, operation: &str, input: Value) -> Result<Value, ApiError> {
    let call = Call { world, context, input: &input };
    match operation {
        "CreateTopic" => topic::create_topic(call),
        "DeleteTopic" => topic::delete_topic(call),
        "GetTopicAttributes" => topic::get_topic_attributes(call),
        "SetTopicAttributes" => topic::set_topic_attributes(call),
        "ListTopics" => topic::list_topics(call),
        "TagResource" => topic::tag_resource(call),
        "UntagResource" => topic::untag_resource(call),
        "ListTagsForResource" => topic::list_tags_for_resource(call),
        "Subscribe" => subscription::subscribe(call),
        "Unsubscribe" => subscription::unsubscribe(call),
        "GetSubscriptionAttributes" => subscription::get_subscription_attributes(call),
        "SetSubscriptionAttributes" => subscription::set_subscription_attributes(call),
        "ListSubscriptions" => subscription::list_subscriptions(call),
        "ListSubscriptionsByTopic" => subscription::list_subscriptions_by_topic(call),
        "Publish" => publish::publish(call),
        "PublishBatch" => publish::publish_batch(call),
        _ => Err(ApiError::bad("InvalidAction", format!("The action {operation} is not supported by the local SNS"))),
    }
}

/// One call with what surrounds it.
struct Call<'a> {
    world: &'a mut World,
    context: &'a Context,
    input: &'a Value,
}

impl<'a> Call<'a> {
    fn text(&self, member: &str) -> Option<&'a str> {
        text(self.input, member)
    }

    fn required(&self, member: &str) -> Result<&'a str, ApiError> {
        self.text(member).filter(|text| !text.is_empty()).ok_or_else(|| invalid(member))
    }

    /// The caller's topic that the input names.
    fn topic(&mut self, member: &str) -> Result<&mut Topic, ApiError> {
        let arn = self.topic_arn(member)?;
        self.world.sns.topics.get_mut(&arn).ok_or_else(no_topic)
    }

    /// The ARN of a topic that exists, in this Region.
    fn topic_arn(&self, member: &str) -> Result<String, ApiError> {
        let arn = self.required(member)?;
        let mut parts = arn.split(':').skip(2);
        let here = parts.next() == Some("sns") && parts.next() == Some(self.context.region.as_str());
        if !here || arn.split(':').count() != 6 {
            return Err(invalid(member));
        }
        if topic_exists(self.world, arn) { Ok(arn.to_owned()) } else { Err(no_topic()) }
    }

    /// Items after `NextToken`, at most 100, under a name, with the token of the next page.
    fn page<'b>(&self, name: &str, items: impl Iterator<Item = (&'b String, Value)>) -> Result<Value, ApiError> {
        let after = self.text("NextToken").unwrap_or_default();
        let mut items = items.filter(|(key, _)| key.as_str() > after).peekable();
        let (mut page, mut last) = (Vec::new(), None);
        for (key, item) in items.by_ref().take(100) {
            page.push(item);
            last = Some(key);
        }
        let mut answer = Map::new();
        answer.insert(name.to_owned(), Value::Array(page));
        if let (Some(last), true) = (last, items.peek().is_some()) {
            answer.insert("NextToken".to_owned(), Value::String(last.clone()));
        }
        Ok(Value::Object(answer))
    }
}

fn text<'a>(input: &'a Value, member: &str) -> Option<&'a str> {
    input.get(member).and_then(Value::as_str)
}

/// The string members of a map such as `Attributes`.
fn texts(input: &Value, member: &str) -> BTreeMap<String, String> {
    let entries = input.get(member).and_then(Value::as_object).into_iter().flatten();
    entries.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

fn invalid(parameter: &str) -> ApiError {
    ApiError::bad("InvalidParameter", format!("Invalid parameter: {parameter}"))
}

fn invalid_because(parameter: &str, reason: &str) -> ApiError {
    ApiError::bad("InvalidParameter", format!("Invalid parameter: {parameter} Reason: {reason}"))
}

fn no_topic() -> ApiError {
    ApiError::new(404, "NotFound", "Topic does not exist")
}

#[cfg(test)]
mod tests;
