//! Publish and PublishBatch: what callers send to topics.

use super::subscription::topic_name;
use super::{Call, Message, invalid, invalid_because, text};
use crate::journal::{Kind, image_named};
use crate::wire::ApiError;
use crate::world::Event;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// Bytes of a message, or of all messages of a batch, attributes included.
const MOST_BYTES: usize = 256 * 1024;

pub(super) fn publish(mut call: Call<'_>) -> Result<Value, ApiError> {
    if call.text("PhoneNumber").is_some() {
        return Err(invalid_because("PhoneNumber", "SMS is not supported by the local SNS"));
    }
    let member = if call.text("TopicArn").is_some() { "TopicArn" } else { "TargetArn" };
    let topic_arn = call.topic_arn(member)?;
    let draft = Draft::of(call.input)?;
    if draft.bytes > MOST_BYTES {
        return Err(invalid("Message too long"));
    }
    let message_id = draft.send(&mut call, &topic_arn);
    Ok(json!({"MessageId": message_id}))
}

pub(super) fn publish_batch(mut call: Call<'_>) -> Result<Value, ApiError> {
    let topic_arn = call.topic_arn("TopicArn")?;
    let entries = call.input.get("PublishBatchRequestEntries").and_then(Value::as_array).cloned().unwrap_or_default();
    if entries.is_empty() {
        return Err(ApiError::bad("EmptyBatchRequest", "The batch request doesn't contain any entries."));
    }
    if entries.len() > 10 {
        return Err(ApiError::bad(
            "TooManyEntriesInBatchRequest",
            "The batch request contains more entries than permissible.",
        ));
    }
    let ids: Vec<&str> = entries.iter().map(|entry| text(entry, "Id").unwrap_or_default()).collect();
    if (1..ids.len()).any(|place| ids[..place].contains(&ids[place])) {
        return Err(ApiError::bad(
            "BatchEntryIdsNotDistinct",
            "Two or more batch entries in the request have the same Id.",
        ));
    }
    let drafts: Vec<_> = entries.iter().map(Draft::of).collect();
    if drafts.iter().flatten().map(|draft| draft.bytes).sum::<usize>() > MOST_BYTES {
        return Err(ApiError::bad(
            "BatchRequestTooLong",
            "The length of all the batch messages put together is more than the limit.",
        ));
    }
    let (mut sent, mut failed) = (Vec::new(), Vec::new());
    for (id, draft) in ids.into_iter().zip(drafts) {
        match draft {
            Ok(draft) => sent.push(json!({"Id": id, "MessageId": draft.send(&mut call, &topic_arn)})),
            Err(error) => {
                failed.push(json!({"Id": id, "Code": error.code, "Message": error.message, "SenderFault": true}));
            }
        }
    }
    Ok(json!({"Successful": sent, "Failed": failed}))
}

/// A message before it has an ID.
pub(super) struct Draft {
    pub(super) body: String,
    subject: Option<String>,
    attributes: Map<String, Value>,
    bytes: usize,
}

impl Draft {
    pub(super) fn of(input: &Value) -> Result<Self, ApiError> {
        for member in ["MessageGroupId", "MessageDeduplicationId"] {
            if input.get(member).is_some() {
                let reason = format!("The request includes {member} parameter that is not valid for this topic type");
                return Err(invalid_because(member, &reason));
            }
        }
        let whole =
            text(input, "Message").filter(|message| !message.is_empty()).ok_or_else(|| invalid("Empty message"))?;
        let subject = text(input, "Subject").map(str::to_owned);
        if subject.as_deref().is_some_and(|subject| !is_subject(subject)) {
            return Err(invalid("Subject"));
        }
        let attributes = attributes(input)?;
        let in_attributes: usize = attributes
            .iter()
            .map(|(name, attribute)| {
                let len = |member| text(attribute, member).map_or(0, str::len);
                name.len() + len("Type") + len("Value")
            })
            .sum();
        let body = match text(input, "MessageStructure") {
            None | Some("") => whole.to_owned(),
            Some("json") => for_functions(whole)?,
            Some(_) => return Err(invalid("MessageStructure")),
        };
        Ok(Self { body, subject, attributes, bytes: whole.len() + in_attributes })
    }

    /// Posts the message and answers its ID.
    fn send(self, call: &mut Call<'_>, topic_arn: &str) -> String {
        let invocation = call.context.caller.invocation.as_deref();
        // Named by what it says: messages that are published side by side arrive in any order.
        let name = format!("message {} {topic_arn} {}", invocation.unwrap_or_default(), self.body);
        let message_id = call.world.fresh_uuid(&name);
        let topic = topic_name(topic_arn);
        let (subject, detail) = match image_named(&self.body) {
            Some(image) => (image, format!("to topic {topic}")),
            None => (topic.to_owned(), self.subject.clone().unwrap_or_else(|| self.body.chars().take(100).collect())),
        };
        let region = Some(call.context.region.as_str());
        call.world.record_for(invocation, Kind::MessagePublished, subject, region, detail);
        let Self { body, subject, attributes, .. } = self;
        let topic_arn = topic_arn.to_owned();
        let message = Message { topic_arn, body, subject, attributes, message_id: message_id.clone() };
        call.world.post(call.world.time_of_call(), Event::Publish(message));
        message_id
    }
}

/// At most 100 characters of ASCII, no control characters, not a space in front.
fn is_subject(subject: &str) -> bool {
    (1..=100).contains(&subject.len())
        && subject.chars().all(|c| c.is_ascii() && !c.is_ascii_control())
        && !subject.starts_with(' ')
}

/// The message for functions out of one per protocol.
fn for_functions(message: &str) -> Result<String, ApiError> {
    let bad = |reason| invalid_because("Message Structure -", reason);
    let messages: Value = serde_json::from_str(message).map_err(|_| bad("JSON message body failed to parse"))?;
    let default = text(&messages, "default").ok_or_else(|| bad("No default entry in JSON message body"))?;
    Ok(text(&messages, "lambda").unwrap_or(default).to_owned())
}

/// `{name: {DataType, StringValue}}` to `{name: {Type, Value}}`.
fn attributes(input: &Value) -> Result<Map<String, Value>, ApiError> {
    let given = input.get("MessageAttributes").and_then(Value::as_object).into_iter().flatten();
    given.map(|(name, value)| Ok((name.clone(), attribute(name, value)?))).collect()
}

fn attribute(name: &str, value: &Value) -> Result<Value, ApiError> {
    let bad = |reason: &str| ApiError::bad("ParameterValueInvalid", format!("The message attribute '{name}' {reason}"));
    let symbols = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let dots = name.starts_with('.') || name.ends_with('.') || name.contains("..");
    if !(1..=256).contains(&name.len()) || !name.chars().all(symbols) || dots {
        return Err(bad("has an invalid name: it takes letters, numbers, _, - and single periods inside."));
    }
    let kind = text(value, "DataType").unwrap_or_default();
    let content = match kind.split('.').next() {
        Some("String" | "Number") => text(value, "StringValue"),
        Some("Binary") => text(value, "BinaryValue"),
        _ => {
            return Err(bad(
                "has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and \
                 String.",
            ));
        }
    };
    let content = content.filter(|content| !content.is_empty()).ok_or_else(|| {
        bad(&format!("must contain non-empty message attribute value for message attribute type '{kind}'."))
    })?;
    let sound = match kind {
        "String.Array" => matches!(serde_json::from_str(content), Ok(Value::Array(_))),
        _ if kind.starts_with("Number") => content.parse::<f64>().is_ok_and(f64::is_finite),
        _ if kind.starts_with("Binary") => STANDARD.decode(content).is_ok(),
        _ => true,
    };
    if !sound {
        return Err(bad(&format!("has a value that isn't of its message attribute type '{kind}'.")));
    }
    Ok(json!({"Type": kind, "Value": content}))
}
