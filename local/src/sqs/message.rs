//! Messages of a queue: how they come, are received and go.

use super::{Queue, expired, gone, required};
use crate::clock::Time;
use crate::wire::{ApiError, Context};
use crate::world::World;
use chrono::TimeDelta;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A message that waits in a queue.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Message {
    id: String,
    body: String,
    /// `{name: {DataType, StringValue}}`
    attributes: Map<String, Value>,
    pub(super) sent: Time,
    /// Nobody receives it before.
    pub(super) visible: Time,
    first_received: Option<Time>,
    received: u32,
}

/// The most messages that one call receives.
const MOST_AT_ONCE: i64 = 10;

/// A message from a service arrives. Returns whether the queue is there.
/// `attributes` are `{name: {Type, Value}}`, as in SNS's messages.
pub(crate) fn deliver(world: &mut World, arn: &str, body: String, attributes: &Map<String, Value>) -> bool {
    let id = world.fresh_uuid("message");
    let (sent, keep) = (world.now, kept(world, arn));
    let Some(queue) = world.sqs.queues.get_mut(arn) else { return false };
    let attributes = attributes.iter().map(|(name, attribute)| {
        (name.clone(), json!({"DataType": attribute["Type"], "StringValue": attribute["Value"]}))
    });
    let attributes = attributes.collect();
    queue.messages.drain(..keep);
    let message = Message { id, body, attributes, sent, visible: sent, first_received: None, received: 0 };
    queue.messages.push(message);
    true
}

/// How many of the oldest messages are past their time.
fn kept(world: &World, arn: &str) -> usize {
    let Some(queue) = world.sqs.queues.get(arn) else { return 0 };
    queue.messages.iter().take_while(|message| expired(world, queue, message.sent)).count()
}

/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html>
pub(super) fn receive(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let most = number(input, "MaxNumberOfMessages", 1, MOST_AT_ONCE)?.unwrap_or(1);
    number(input, "WaitTimeSeconds", 0, 20)?;
    let now = world.now;
    let arn = super::arn(context, input)?;
    let past = kept(world, &arn);
    let queue = world.sqs.queues.get_mut(&arn).ok_or_else(gone)?;
    queue.messages.drain(..past);
    let hidden = match number(input, "VisibilityTimeout", 0, 43_200)? {
        Some(seconds) => seconds,
        None => queue.seconds("VisibilityTimeout"),
    };
    let asked = Asked::of(input);
    let waiting = queue.messages.iter_mut().filter(|message| message.visible <= now);
    let messages: Vec<Value> = waiting
        .take(usize::try_from(most).unwrap_or(1))
        .map(|message| {
            message.received += 1;
            message.first_received.get_or_insert(now);
            message.visible = now + TimeDelta::seconds(hidden);
            asked.shown(message)
        })
        .collect();
    Ok(if messages.is_empty() { json!({}) } else { json!({"Messages": messages}) })
}

/// Until when a call waits, as there is nothing to receive: never later than 20 seconds from now.
pub(crate) fn waits_until(world: &World, context: &Context, input: &Value) -> Option<Time> {
    let queue = world.sqs.queues.get(&super::arn(context, input).ok()?)?;
    let given = input.get("WaitTimeSeconds").and_then(Value::as_i64);
    let seconds = given.unwrap_or_else(|| queue.seconds("ReceiveMessageWaitTimeSeconds")).clamp(0, 20);
    (seconds > 0 && !has_visible(world, queue)).then(|| world.now + TimeDelta::seconds(seconds))
}

/// Whether a receiver would get something.
pub(crate) fn has_message(world: &World, context: &Context, input: &Value) -> bool {
    let arn = super::arn(context, input);
    arn.is_ok_and(|arn| world.sqs.queues.get(&arn).is_none_or(|queue| has_visible(world, queue)))
}

fn has_visible(world: &World, queue: &Queue) -> bool {
    queue.messages.iter().any(|message| message.visible <= world.now && !expired(world, queue, message.sent))
}

/// What of a message is asked for beside its body.
struct Asked<'a> {
    own: Vec<&'a str>,
    system: Vec<&'a str>,
}

impl<'a> Asked<'a> {
    fn of(input: &'a Value) -> Self {
        let names = |member: &str| input.get(member).and_then(Value::as_array).into_iter().flatten();
        let texts = |member: &str| names(member).filter_map(Value::as_str).collect::<Vec<_>>();
        let system = [texts("AttributeNames"), texts("MessageSystemAttributeNames")].concat();
        Self { own: texts("MessageAttributeNames"), system }
    }

    fn shown(&self, message: &Message) -> Value {
        let first = message.first_received.unwrap_or(message.sent);
        let system = [
            ("ApproximateFirstReceiveTimestamp", first.timestamp_millis().to_string()),
            ("ApproximateReceiveCount", message.received.to_string()),
            ("SentTimestamp", message.sent.timestamp_millis().to_string()),
        ];
        let system =
            system.into_iter().filter(|(name, _)| self.system.iter().any(|asked| ["All", name].contains(asked)));
        let system: Map<String, Value> = system.map(|(name, value)| (name.to_owned(), value.into())).collect();
        let takes = |name: &str| {
            self.own.iter().any(|asked| match asked.strip_suffix('*') {
                Some(prefix) => name.starts_with(prefix.trim_end_matches('.')),
                None => *asked == "All" || *asked == name,
            })
        };
        let own: Map<String, Value> = message
            .attributes
            .iter()
            .filter(|(name, _)| takes(name))
            .map(|(name, of)| (name.clone(), of.clone()))
            .collect();
        let digest: String = Md5::digest(&message.body).iter().map(|byte| format!("{byte:02x}")).collect();
        let mut shown = json!({
            "MessageId": message.id,
            "ReceiptHandle": format!("{}#{}", message.id, message.received),
            "MD5OfBody": digest,
            "Body": message.body,
        });
        for (member, of) in [("Attributes", system), ("MessageAttributes", own)] {
            if !of.is_empty() {
                shown[member] = of.into();
            }
        }
        shown
    }
}

/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html>: an older receipt
/// suffices, and a message that is gone already is no error.
pub(super) fn delete(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let handle = required(input, "ReceiptHandle")?;
    let (id, _) = handle.split_once('#').ok_or_else(|| {
        ApiError::bad(
            "ReceiptHandleIsInvalid",
            format!("The input receipt handle \"{handle}\" is not a valid receipt handle."),
        )
    })?;
    super::queue(world, context, input)?.messages.retain(|message| message.id != id);
    Ok(json!({}))
}

fn number(input: &Value, member: &str, least: i64, most: i64) -> Result<Option<i64>, ApiError> {
    let Some(given) = input.get(member).filter(|given| !given.is_null()) else { return Ok(None) };
    let within = given.as_i64().filter(|number| (least..=most).contains(number));
    within.map(Some).ok_or_else(|| {
        let message = format!(
            "Value {given} for parameter {member} is invalid. Reason: Must be between {least} and {most}, if provided."
        );
        ApiError::bad("InvalidParameterValue", message)
    })
}
