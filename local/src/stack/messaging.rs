//! SNS's topics and subscriptions, and Parameter Store's parameters.

use super::error::{Refusal, only};
use super::evaluate::{Made, text};
use crate::wire::Context;
use crate::world::World;
use crate::{dispatch, sqs};
use serde_json::{Map, Value, json};

/// Calls an API; its refusal is the resource's.
pub(super) fn call(
    world: &mut World,
    context: &Context,
    service: &str,
    operation: &str,
    input: Value,
) -> Result<Value, Vec<Refusal>> {
    dispatch::call(world, context, service, operation, input)
        .map_err(|error| vec![Refusal::new(format!("{operation}: {error}"))])
}

const TOPIC: [&str; 13] = [
    "ArchivePolicy",
    "ContentBasedDeduplication",
    "DataProtectionPolicy",
    "DeliveryStatusLogging",
    "DisplayName",
    "FifoThroughputScope",
    "FifoTopic",
    "KmsMasterKeyId",
    "SignatureVersion",
    "Subscription",
    "Tags",
    "TopicName",
    "TracingConfig",
];

/// Makes a topic and the subscriptions that stand in it.
pub(super) fn topic(world: &mut World, context: &Context, made: &Made, properties: &Value) -> Result<(), Vec<Refusal>> {
    only(properties, &TOPIC)?;
    let mut attributes = Map::new();
    for name in ["ContentBasedDeduplication", "DisplayName", "FifoTopic", "KmsMasterKeyId", "SignatureVersion"] {
        if let Some(value) = properties.get(name).and_then(text) {
            attributes.insert(name.to_owned(), json!(value));
        }
    }
    let mut input = json!({"Name": made.attributes.get("TopicName"), "Attributes": attributes});
    if let Some(tags) = properties.get("Tags") {
        input["Tags"] = tags.clone();
    }
    call(world, context, "sns", "CreateTopic", input)?;
    for one in properties.get("Subscription").and_then(Value::as_array).into_iter().flatten() {
        let mut one = one.clone();
        one["TopicArn"] = made.reference.clone();
        subscription(world, context, &one)?;
    }
    Ok(())
}

/// Keeps a queue; it takes nothing but dead letters.
pub(super) fn queue(world: &mut World, made: &Made, properties: &Value) {
    let arn = made.attributes.get("Arn").and_then(text).unwrap_or_default();
    let given = properties
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| !["QueueName", "Tags"].contains(&name.as_str()));
    let given: Vec<(String, String)> = given.filter_map(|(name, value)| Some((name.clone(), text(value)?))).collect();
    let tags = properties.get("Tags").and_then(Value::as_array).into_iter().flatten();
    let tags = tags.filter_map(|tag| Some((text(tag.get("Key")?)?, text(tag.get("Value")?)?))).collect();
    sqs::make(world, &arn, given.into_iter(), tags);
}

const SUBSCRIPTION: [&str; 10] = [
    "DeliveryPolicy",
    "Endpoint",
    "FilterPolicy",
    "FilterPolicyScope",
    "Protocol",
    "RawMessageDelivery",
    "RedrivePolicy",
    "Region",
    "ReplayPolicy",
    "TopicArn",
];

/// Subscribes an endpoint. Answers the subscription's ARN, `None` when the endpoint is a function that can't run here.
pub(super) fn subscription(
    world: &mut World,
    context: &Context,
    properties: &Value,
) -> Result<Option<Value>, Vec<Refusal>> {
    only(properties, &SUBSCRIPTION)?;
    let member = |name: &str| properties.get(name).and_then(text).unwrap_or_default();
    let (protocol, endpoint, topic) = (member("Protocol"), member("Endpoint"), member("TopicArn"));
    if world.stacks.absent_functions.contains(&endpoint) {
        return Ok(None);
    }
    let mut attributes = Map::new();
    for name in ["DeliveryPolicy", "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy"] {
        match properties.get(name) {
            Some(value @ Value::Object(_)) => attributes.insert(name.to_owned(), json!(value.to_string())),
            Some(value) => attributes.insert(name.to_owned(), json!(text(value))),
            None => None,
        };
    }
    // A topic of another Region is subscribed there.
    let region = topic.split(':').nth(3).unwrap_or(&context.region).to_owned();
    let context = Context { region, ..context.clone() };
    let input = json!({
        "TopicArn": topic, "Protocol": protocol, "Endpoint": endpoint,
        "Attributes": attributes, "ReturnSubscriptionArn": "true",
    });
    Ok(call(world, &context, "sns", "Subscribe", input)?.get("SubscriptionArn").cloned())
}

const PARAMETER: [&str; 9] =
    ["AllowedPattern", "DataType", "Description", "Name", "Policies", "Tags", "Tier", "Type", "Value"];

/// Writes a parameter.
pub(super) fn parameter(
    world: &mut World,
    context: &Context,
    made: &Made,
    properties: &Value,
) -> Result<(), Vec<Refusal>> {
    only(properties, &PARAMETER)?;
    let mut input =
        Map::from_iter([("Name".to_owned(), made.reference.clone()), ("Overwrite".to_owned(), json!(false))]);
    for name in ["AllowedPattern", "DataType", "Description", "Policies", "Tier", "Type", "Value"] {
        if let Some(value) = properties.get(name).and_then(text) {
            input.insert(name.to_owned(), json!(value));
        }
    }
    if let Some(tags) = properties.get("Tags").and_then(Value::as_object) {
        let tags = tags.iter().map(|(key, value)| json!({"Key": key, "Value": text(value)}));
        input.insert("Tags".to_owned(), tags.collect());
    }
    call(world, context, "ssm", "PutParameter", Value::Object(input)).map(|_| ())
}
