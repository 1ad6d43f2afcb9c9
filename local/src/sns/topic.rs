//! Topics, their attributes and tags.

use super::{Call, invalid, invalid_because, text, texts};
use crate::wire::ApiError;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A topic.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Topic {
    /// 12 digits.
    pub(super) owner: String,
    /// What was set, under SNS's names.
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) tags: BTreeMap<String, String>,
}

pub(super) fn create_topic(call: Call<'_>) -> Result<Value, ApiError> {
    let name = call.required("Name")?;
    let symbols = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.ends_with(".fifo") || call.input.pointer("/Attributes/FifoTopic").is_some_and(|value| value == "true") {
        return Err(invalid_because("Attributes", "FIFO topics are not supported by the local SNS"));
    }
    if name.len() > 256 || !name.chars().all(symbols) {
        return Err(invalid("Topic Name"));
    }
    let mut attributes = texts(call.input, "Attributes");
    attributes.remove("FifoTopic");
    for (name, value) in &attributes {
        check_attribute(name, value)?;
    }
    let tags = tags(call.input);
    let owner = call.context.account().to_owned();
    let arn = format!("arn:aws:sns:{}:{owner}:{name}", call.context.region);
    match call.world.sns.topics.get(&arn) {
        // Only what the call gives is compared.
        Some(topic) if attributes.iter().any(|(name, value)| topic.attributes.get(name) != Some(value)) => {
            return Err(invalid_because("Attributes", "Topic already exists with different attributes"));
        }
        Some(topic) if !tags.is_empty() && topic.tags != tags => {
            return Err(invalid_because("Tags", "Topic already exists with different tags"));
        }
        Some(_) => {}
        None => {
            call.world.sns.topics.insert(arn.clone(), Topic { owner, attributes, tags });
        }
    }
    Ok(json!({"TopicArn": arn}))
}

pub(super) fn delete_topic(call: Call<'_>) -> Result<Value, ApiError> {
    let arn = call.required("TopicArn")?;
    // Deleting what isn't there is no error.
    call.world.sns.topics.remove(arn);
    call.world.sns.subscriptions.retain(|_, subscription| subscription.topic_arn != arn);
    Ok(json!({}))
}

pub(super) fn get_topic_attributes(mut call: Call<'_>) -> Result<Value, ApiError> {
    let arn = call.topic_arn("TopicArn")?;
    let subscribed = |pending| {
        let subscriptions = call.world.sns.subscriptions.values();
        subscriptions.filter(|found| found.topic_arn == arn && found.is_pending() == pending).count()
    };
    let (confirmed, pending) = (subscribed(false), subscribed(true));
    let topic = call.topic("TopicArn")?;
    let mut attributes = json!({
        "TopicArn": arn,
        "Owner": topic.owner,
        "DisplayName": "",
        "Policy": default_policy(&arn, &topic.owner),
        "SubscriptionsConfirmed": confirmed.to_string(),
        "SubscriptionsPending": pending.to_string(),
        "SubscriptionsDeleted": "0",
    });
    for (name, value) in &topic.attributes {
        attributes[name] = json!(value);
    }
    Ok(json!({"Attributes": attributes}))
}

fn default_policy(arn: &str, owner: &str) -> String {
    json!({
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [{
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": ["SNS:GetTopicAttributes", "SNS:SetTopicAttributes", "SNS:AddPermission",
                "SNS:RemovePermission", "SNS:DeleteTopic", "SNS:Subscribe", "SNS:ListSubscriptionsByTopic",
                "SNS:Publish"],
            "Resource": arn,
            "Condition": {"StringEquals": {"AWS:SourceOwner": owner}},
        }],
    })
    .to_string()
}

pub(super) fn set_topic_attributes(mut call: Call<'_>) -> Result<Value, ApiError> {
    let name = call.required("AttributeName")?.to_owned();
    let value = call.text("AttributeValue").unwrap_or_default().to_owned();
    check_attribute(&name, &value)?;
    call.topic("TopicArn")?.attributes.insert(name, value);
    Ok(json!({}))
}

fn check_attribute(name: &str, value: &str) -> Result<(), ApiError> {
    let known = ["DisplayName", "Policy", "DeliveryPolicy", "KmsMasterKeyId", "SignatureVersion", "TracingConfig"];
    let feedback = ["SuccessFeedbackRoleArn", "FailureFeedbackRoleArn", "SuccessFeedbackSampleRate"];
    if !known.contains(&name) && !feedback.iter().any(|suffix| name.ends_with(suffix)) {
        return Err(invalid("AttributeName"));
    }
    let is_json = || matches!(serde_json::from_str(value), Ok(Value::Object(_)));
    match name {
        "Policy" | "DeliveryPolicy" if !value.is_empty() && !is_json() => {
            Err(invalid_because(name, "failed to parse JSON."))
        }
        "DisplayName" if value.chars().count() > 100 => Err(invalid("DisplayName")),
        "SignatureVersion" if !["1", "2"].contains(&value) => Err(invalid("SignatureVersion")),
        _ => Ok(()),
    }
}

pub(super) fn list_topics(call: Call<'_>) -> Result<Value, ApiError> {
    let prefix = format!("arn:aws:sns:{}:{}:", call.context.region, call.context.account());
    let topics = call.world.sns.topics.keys().filter(|arn| arn.starts_with(&prefix));
    call.page("Topics", topics.map(|arn| (arn, json!({"TopicArn": arn}))))
}

pub(super) fn tag_resource(call: Call<'_>) -> Result<Value, ApiError> {
    let tags = tags(call.input);
    tagged(call)?.tags.extend(tags);
    Ok(json!({}))
}

pub(super) fn untag_resource(call: Call<'_>) -> Result<Value, ApiError> {
    let keys = call.input.get("TagKeys").and_then(Value::as_array).cloned().unwrap_or_default();
    tagged(call)?.tags.retain(|name, _| !keys.iter().any(|key| key == name));
    Ok(json!({}))
}

pub(super) fn list_tags_for_resource(call: Call<'_>) -> Result<Value, ApiError> {
    let tags: Vec<_> = tagged(call)?.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    Ok(json!({"Tags": tags}))
}

fn tagged(call: Call<'_>) -> Result<&mut Topic, ApiError> {
    let arn = call.required("ResourceArn")?;
    let missing = ApiError::new(404, "ResourceNotFound", "Resource does not exist");
    call.world.sns.topics.get_mut(arn).ok_or(missing)
}

fn tags(input: &Value) -> BTreeMap<String, String> {
    let given = input.get("Tags").and_then(Value::as_array).into_iter().flatten();
    given.filter_map(|tag| Some((text(tag, "Key")?.to_owned(), text(tag, "Value")?.to_owned()))).collect()
}
