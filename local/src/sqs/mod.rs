//! SQS, as far as dead-letter queues need it: which queues there are, how many messages wait in each, and their tags.

use crate::clock::Time;
use crate::wire::{ApiError, Context};
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
    /// What came until then is gone.
    #[serde(default)]
    purged: Option<Time>,
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
    world.sqs.queues.insert(arn.to_owned(), Queue { made: world.now, attributes, tags, purged: None });
}

/// One API call.
///
/// # Errors
/// As SQS answers; `NotImplementedException` for what isn't about the state of queues.
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
            let now = world.now;
            queue(world, context, input)?.purged = Some(now);
            Ok(json!({}))
        }
        _ => {
            let message = format!("{operation} is not supported by the local SQS.");
            Err(ApiError::new(501, "NotImplementedException", message))
        }
    }
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
    let waiting =
        world.lambda.dead_letters.iter().filter(|letter| letter.target_arn == arn && !expired(world, queue, letter.at));
    let mut attributes = queue.attributes.clone();
    let seconds = queue.made.timestamp().to_string();
    attributes.extend(
        [
            ("ApproximateNumberOfMessages", waiting.count().to_string()),
            // Nothing is received here.
            ("ApproximateNumberOfMessagesNotVisible", "0".to_owned()),
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
    if queue.purged.is_some_and(|purged| at <= purged) {
        return true;
    }
    let kept = queue.attributes.get("MessageRetentionPeriod").and_then(|seconds| seconds.parse::<i64>().ok());
    kept.is_some_and(|seconds| (world.now - at).num_seconds() > seconds)
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
mod tests {
    use super::*;
    use crate::draw::Seed;
    use crate::lambda::DeadLetter;
    use crate::wire::Caller;
    use chrono::TimeDelta;

    const ARN: &str = "arn:aws:sqs:us-east-1:123456789012:dead";

    fn ask(world: &mut World, operation: &str, input: Value) -> Result<Value, String> {
        let caller = Caller::service("123456789012", "test");
        let context = Context { caller, region: "us-east-1".to_owned(), request_id: "r".to_owned() };
        call(world, &context, operation, &input).map_err(|error| error.code)
    }

    #[test]
    fn dead_letters_are_counted_while_they_are_kept() {
        let mut world = World::new(Seed(1), "2026-01-01T00:00:00Z".parse().unwrap());
        make(
            &mut world,
            ARN,
            [("MessageRetentionPeriod".to_owned(), "1209600".to_owned())].into_iter(),
            BTreeMap::new(),
        );
        let url = ask(&mut world, "GetQueueUrl", json!({"QueueName": "dead"})).unwrap()["QueueUrl"].clone();
        assert_eq!(url, "https://sqs.us-east-1.amazonaws.com/123456789012/dead");
        assert_eq!(
            ask(&mut world, "ListQueues", json!({"QueueNamePrefix": "de"})).unwrap(),
            json!({"QueueUrls": [url]})
        );
        assert_eq!(ask(&mut world, "ListQueues", json!({"QueueNamePrefix": "x"})).unwrap(), json!({}));
        let (body, attributes) = ("{}".to_owned(), BTreeMap::new());
        for target_arn in [ARN.to_owned(), format!("{ARN}-other")] {
            let letter = DeadLetter { at: world.now, target_arn, body: body.clone(), attributes: attributes.clone() };
            world.lambda.dead_letters.push(letter);
        }
        let depth = |world: &mut World| {
            let input = json!({"QueueUrl": url, "AttributeNames": ["ApproximateNumberOfMessages", "QueueArn"]});
            ask(world, "GetQueueAttributes", input).unwrap()["Attributes"].clone()
        };
        assert_eq!(depth(&mut world), json!({"ApproximateNumberOfMessages": "1", "QueueArn": ARN}));
        world.now += TimeDelta::days(15);
        assert_eq!(depth(&mut world)["ApproximateNumberOfMessages"], "0");
    }

    #[test]
    fn a_queue_has_tags_and_is_purged() {
        let mut world = World::new(Seed(1), "2026-01-01T00:00:00Z".parse().unwrap());
        make(&mut world, ARN, std::iter::empty(), BTreeMap::from([("team".to_owned(), "platform".to_owned())]));
        let url = "https://sqs.us-east-1.amazonaws.com/123456789012/dead";
        let on = |mut input: Value| {
            input["QueueUrl"] = url.into();
            input
        };
        ask(&mut world, "TagQueue", on(json!({"Tags": {"told": "yes"}}))).unwrap();
        let listed = ask(&mut world, "ListQueueTags", on(json!({}))).unwrap();
        assert_eq!(listed, json!({"Tags": {"team": "platform", "told": "yes"}}));
        let long = on(json!({"Tags": {"told": "x".repeat(257)}}));
        assert_eq!(ask(&mut world, "TagQueue", long), Err("InvalidParameterValue".to_owned()));
        ask(&mut world, "UntagQueue", on(json!({"TagKeys": ["team", "told"]}))).unwrap();
        assert_eq!(ask(&mut world, "ListQueueTags", on(json!({}))).unwrap(), json!({}));
        let letter =
            |at| DeadLetter { at, target_arn: ARN.to_owned(), body: String::new(), attributes: BTreeMap::new() };
        let first = letter(world.now);
        world.lambda.dead_letters.push(first);
        ask(&mut world, "PurgeQueue", on(json!({}))).unwrap();
        world.now += TimeDelta::seconds(1);
        let depth = |world: &mut World| {
            let input = on(json!({"AttributeNames": ["ApproximateNumberOfMessages"]}));
            ask(world, "GetQueueAttributes", input).unwrap()["Attributes"]["ApproximateNumberOfMessages"].clone()
        };
        assert_eq!(depth(&mut world), "0");
        let second = letter(world.now);
        world.lambda.dead_letters.push(second);
        assert_eq!(depth(&mut world), "1");
    }

    #[test]
    fn what_is_not_there_is_said() {
        let mut world = World::new(Seed(1), "2026-01-01T00:00:00Z".parse().unwrap());
        for (operation, input, code) in [
            ("GetQueueUrl", json!({"QueueName": "none"}), "com.amazonaws.sqs#QueueDoesNotExist"),
            ("GetQueueUrl", json!({}), "MissingParameter"),
            (
                "GetQueueAttributes",
                json!({"QueueUrl": "https://sqs.us-east-1.amazonaws.com/1/none"}),
                "com.amazonaws.sqs#QueueDoesNotExist",
            ),
            ("SendMessage", json!({}), "NotImplementedException"),
            ("ListQueues", json!({"MaxResults": 1}), "NotImplementedException"),
        ] {
            assert_eq!(ask(&mut world, operation, input), Err(code.to_owned()), "{operation}");
        }
    }
}
