//! SQS, as far as dead letters and subscriptions of topics need it: queues, their tags, and how messages that services
//! put there are received.

mod message;

pub(crate) use message::{deliver, has_message, waits_until};

use crate::clock::Time;
use crate::wire::{ApiError, Context, Request};
use crate::world::World;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The queues that stacks have made.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Store {
    /// By ARN.
    queues: BTreeMap<String, Queue>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Queue {
    made: Time,
    /// Such as `MessageRetentionPeriod`: those that AWS fills in included.
    attributes: BTreeMap<String, String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    /// In the order in which they came.
    #[serde(default)]
    messages: Vec<message::Message>,
}

impl Queue {
    /// An attribute that is a number of seconds.
    fn seconds(&self, attribute: &str) -> i64 {
        self.attributes.get(attribute).and_then(|seconds| seconds.parse().ok()).unwrap_or_default()
    }
}

/// The most tags that a queue can have.
const MOST_TAGS: usize = 50;

/// What a queue has that nothing says otherwise of:
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>.
const DEFAULTS: [(&str, &str); 6] = [
    ("DelaySeconds", "0"),
    ("MaximumMessageSize", "1048576"),
    ("MessageRetentionPeriod", "345600"),
    ("ReceiveMessageWaitTimeSeconds", "0"),
    ("SqsManagedSseEnabled", "true"),
    ("VisibilityTimeout", "30"),
];

/// Keeps a queue with the attributes that were given; they aren't checked.
pub(crate) fn make(
    world: &mut World,
    arn: &str,
    given: impl Iterator<Item = (String, String)>,
    tags: BTreeMap<String, String>,
) {
    let defaults = DEFAULTS.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let attributes = defaults.into_iter().chain(given).collect();
    world.sqs.queues.insert(arn.to_owned(), Queue { made: world.now, attributes, tags, messages: Vec::new() });
}

/// One API call.
///
/// # Errors
/// As SQS answers; `NotImplementedException` for what isn't here.
pub fn call(world: &mut World, context: &Context, operation: &str, input: &Value) -> Result<Value, ApiError> {
    match operation {
        "ListQueues" => list_queues(world, context, input),
        "GetQueueUrl" => {
            let name = required(input, "QueueName")?;
            let owner = input.get("QueueOwnerAWSAccountId").and_then(Value::as_str).unwrap_or(context.account());
            let arn = format!("arn:aws:sqs:{}:{owner}:{name}", context.region);
            world.sqs.queues.get(&arn).ok_or_else(gone)?;
            Ok(json!({"QueueUrl": url(&arn)}))
        }
        "GetQueueAttributes" => get_queue_attributes(world, context, input),
        "ListQueueTags" => {
            let tags = &queue(world, context, input)?.tags;
            Ok(if tags.is_empty() { json!({}) } else { json!({"Tags": tags}) })
        }
        "TagQueue" => tag_queue(world, context, input),
        "UntagQueue" => {
            let keys = input.get("TagKeys").and_then(Value::as_array).ok_or_else(|| missing("TagKeys"))?;
            let tags = &mut queue(world, context, input)?.tags;
            tags.retain(|key, _| !keys.iter().any(|removed| removed == key));
            Ok(json!({}))
        }
        "PurgeQueue" => {
            queue(world, context, input)?.messages.clear();
            Ok(json!({}))
        }
        "CreateQueue" => create_queue(world, context, input),
        "DeleteQueue" => {
            let arn = arn(context, input)?;
            world.sqs.queues.remove(&arn).map(|_| json!({})).ok_or_else(gone)
        }
        "ReceiveMessage" => message::receive(world, context, input),
        "DeleteMessage" => message::delete(world, context, input),
        _ => {
            let message = format!("{operation} is not supported by the local SQS.");
            Err(ApiError::new(501, "NotImplementedException", message))
        }
    }
}

/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html>: the same queue again is
/// no error.
fn create_queue(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let name = required(input, "QueueName")?;
    let legal = name.len() <= 80 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if !legal {
        let message = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length";
        return Err(ApiError::bad("InvalidParameterValue", message));
    }
    let texts = |member: &str| {
        let texts = input.get(member).and_then(Value::as_object).into_iter().flatten();
        texts.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect::<BTreeMap<_, _>>()
    };
    let given = texts("Attributes");
    if given.contains_key("FifoQueue") {
        return Err(ApiError::new(501, "NotImplementedException", "FIFO queues are not supported by the local SQS."));
    }
    let arn = format!("arn:aws:sqs:{}:{}:{name}", context.region, context.account());
    match world.sqs.queues.get(&arn) {
        None => make(world, &arn, given.into_iter(), texts("tags")),
        Some(queue) => {
            if let Some((differs, _)) = given.iter().find(|(name, value)| queue.attributes.get(*name) != Some(value)) {
                let message =
                    format!("A queue already exists with the same name and a different value for attribute {differs}");
                return Err(ApiError::bad("QueueNameExists", message));
            }
        }
    }
    Ok(json!({"QueueUrl": url(&arn)}))
}

fn list_queues(world: &World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    if let Some(member) = ["MaxResults", "NextToken"].iter().find(|member| input.get(**member).is_some()) {
        let message = format!("{member} is not supported by the local SQS: all queues are on one page.");
        return Err(ApiError::new(501, "NotImplementedException", message));
    }
    let own = format!("arn:aws:sqs:{}:{}:", context.region, context.account());
    let prefix = format!("{own}{}", input.get("QueueNamePrefix").and_then(Value::as_str).unwrap_or_default());
    let urls: Vec<String> =
        world.sqs.queues.keys().filter(|arn| arn.starts_with(&prefix)).map(|arn| url(arn)).collect();
    Ok(if urls.is_empty() { json!({}) } else { json!({"QueueUrls": urls}) })
}

/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_TagQueue.html>
fn tag_queue(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let given = input.get("Tags").and_then(Value::as_object).ok_or_else(|| missing("Tags"))?;
    let mut tags = queue(world, context, input)?.tags.clone();
    for (key, value) in given {
        let value = value.as_str().unwrap_or_default();
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            let message = format!("The tag {key} isn't valid: keys have 1 to 128 characters, values at most 256.");
            return Err(ApiError::bad("InvalidParameterValue", message));
        }
        tags.insert(key.clone(), value.to_owned());
    }
    if tags.len() > MOST_TAGS {
        return Err(ApiError::bad("InvalidParameterValue", format!("A queue has at most {MOST_TAGS} tags.")));
    }
    queue(world, context, input)?.tags = tags;
    Ok(json!({}))
}

/// The input of a request that is a `ReceiveMessage`.
pub(crate) fn asked_to_receive(request: &Request) -> Option<Value> {
    request.header("x-amz-target").filter(|target| *target == "AmazonSQS.ReceiveMessage")?;
    serde_json::from_slice(&request.body).ok()
}

/// The queue that a call's URL names.
fn queue<'a>(world: &'a mut World, context: &Context, input: &Value) -> Result<&'a mut Queue, ApiError> {
    let arn = arn(context, input)?;
    world.sqs.queues.get_mut(&arn).ok_or_else(gone)
}

fn arn(context: &Context, input: &Value) -> Result<String, ApiError> {
    let mut parts = required(input, "QueueUrl")?.rsplit('/');
    let (name, account) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    Ok(format!("arn:aws:sqs:{}:{account}:{name}", context.region))
}

fn get_queue_attributes(world: &World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let arn = arn(context, input)?;
    let queue = world.sqs.queues.get(&arn).ok_or_else(gone)?;
    let kept = || queue.messages.iter().filter(|message| !expired(world, queue, message.sent));
    let visible = kept().filter(|message| message.visible <= world.now).count();
    let mut attributes = queue.attributes.clone();
    let seconds = queue.made.timestamp().to_string();
    attributes.extend(
        [
            ("ApproximateNumberOfMessages", visible.to_string()),
            ("ApproximateNumberOfMessagesNotVisible", (kept().count() - visible).to_string()),
            ("ApproximateNumberOfMessagesDelayed", "0".to_owned()),
            ("CreatedTimestamp", seconds.clone()),
            ("LastModifiedTimestamp", seconds),
            ("QueueArn", arn.clone()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    let wanted: Vec<&str> =
        input.get("AttributeNames").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    if let Some(unknown) = wanted.iter().find(|name| **name != "All" && !attributes.contains_key(**name)) {
        return Err(ApiError::bad("InvalidAttributeName", format!("Unknown Attribute {unknown}.")));
    }
    let asked = |name: &str| wanted.contains(&"All") || wanted.contains(&name);
    let attributes: Map<String, Value> =
        attributes.into_iter().filter(|(name, _)| asked(name)).map(|(name, value)| (name, json!(value))).collect();
    Ok(if attributes.is_empty() { json!({}) } else { json!({"Attributes": attributes}) })
}

/// Whether a message that came at a time is no longer kept.
fn expired(world: &World, queue: &Queue, at: Time) -> bool {
    (world.now - at).num_seconds() > queue.seconds("MessageRetentionPeriod")
}

fn required<'a>(input: &'a Value, member: &str) -> Result<&'a str, ApiError> {
    let text = input.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
    text.ok_or_else(|| missing(member))
}

fn missing(member: &str) -> ApiError {
    ApiError::bad("MissingParameter", format!("The request must contain the parameter {member}."))
}

fn gone() -> ApiError {
    ApiError::bad("com.amazonaws.sqs#QueueDoesNotExist", "The specified queue does not exist.")
}

/// `https://sqs.REGION.amazonaws.com/ACCOUNT/NAME`
fn url(arn: &str) -> String {
    let mut parts = arn.split(':').skip(3);
    let mut next = || parts.next().unwrap_or_default();
    let (region, account, name) = (next(), next(), next());
    format!("https://sqs.{region}.amazonaws.com/{account}/{name}")
}

#[cfg(test)]
mod tests;
