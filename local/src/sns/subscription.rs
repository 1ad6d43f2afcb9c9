//! Subscriptions and their attributes.

use super::filter::Filter;
use super::{Call, invalid, invalid_because, texts};
use crate::journal::Kind;
use crate::wire::ApiError;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::arn::Arn;
use std::collections::BTreeMap;

/// A subscription.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Subscription {
    pub(super) topic_arn: String,
    /// 12 digits.
    pub(super) owner: String,
    /// `lambda` or `sqs`; `email`, `email-json`, `http` and `https` exist, but nothing is delivered to them.
    pub(super) protocol: String,
    pub(super) endpoint: String,
    /// What was set, under SNS's names.
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) filter: Option<Filter>,
}

impl Subscription {
    /// Whether somebody would have to confirm it first, which nobody does here.
    pub(super) fn is_pending(&self) -> bool {
        !["lambda", "sqs"].contains(&self.protocol.as_str())
    }

    fn listed(&self, arn: &str) -> Value {
        json!({
            "SubscriptionArn": if self.is_pending() { "PendingConfirmation" } else { arn },
            "Owner": self.owner,
            "Protocol": self.protocol,
            "Endpoint": self.endpoint,
            "TopicArn": self.topic_arn,
        })
    }
}

pub(super) fn subscribe(call: Call<'_>) -> Result<Value, ApiError> {
    let topic_arn = call.topic_arn("TopicArn")?;
    let protocol = call.required("Protocol")?.to_owned();
    let endpoint = call.required("Endpoint")?.to_owned();
    check_endpoint(&protocol, &endpoint)?;
    let attributes = texts(call.input, "Attributes");
    for (name, value) in &attributes {
        check_attribute(&protocol, name, value)?;
    }
    let filter = Filter::of(&attributes)?;
    let existing = call.world.sns.subscriptions.iter().find(|(_, subscription)| {
        (&subscription.topic_arn, &subscription.protocol, &subscription.endpoint) == (&topic_arn, &protocol, &endpoint)
    });
    let (arn, pending) = match existing {
        Some((_, former)) if !attributes.is_empty() && former.attributes != attributes => {
            return Err(invalid_because("Attributes", "Subscription already exists with different attributes"));
        }
        Some((arn, former)) => (arn.clone(), former.is_pending()),
        None => {
            let id = call.world.fresh_uuid(&format!("subscription {topic_arn} {protocol} {endpoint}"));
            let arn = format!("{topic_arn}:{id}");
            if protocol != "lambda" {
                let detail = format!("messages for {protocol} {endpoint} are not delivered locally");
                call.world.record(Kind::Warning, topic_name(&topic_arn), Some(&call.context.region), detail);
            }
            let owner = call.context.account().to_owned();
            let made = Subscription { topic_arn, owner, protocol, endpoint, attributes, filter };
            let pending = made.is_pending();
            call.world.sns.subscriptions.insert(arn.clone(), made);
            (arn, pending)
        }
    };
    let shown =
        if pending && call.text("ReturnSubscriptionArn") != Some("true") { "pending confirmation" } else { &arn };
    Ok(json!({"SubscriptionArn": shown}))
}

/// The last part of a topic's ARN.
pub(super) fn topic_name(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or(arn)
}

fn check_endpoint(protocol: &str, endpoint: &str) -> Result<(), ApiError> {
    let arn_of = |service: &str| endpoint.parse::<Arn>().is_ok_and(|arn| arn.service == service);
    match protocol {
        "lambda" if !arn_of("lambda") || !endpoint.contains(":function:") => Err(invalid("Lambda endpoint ARN")),
        "sqs" if !arn_of("sqs") => Err(invalid("SQS endpoint ARN")),
        "email" | "email-json" if !endpoint.contains('@') => Err(invalid("Email address")),
        "http" if !endpoint.starts_with("http://") => {
            Err(invalid_because("Endpoint", "Endpoint must match the specified protocol"))
        }
        "https" if !endpoint.starts_with("https://") => {
            Err(invalid_because("Endpoint", "Endpoint must match the specified protocol"))
        }
        "lambda" | "sqs" | "email" | "email-json" | "http" | "https" => Ok(()),
        "sms" | "application" | "firehose" => {
            Err(invalid_because("Protocol", &format!("{protocol} is not supported by the local SNS")))
        }
        _ => Err(invalid_because("Amazon SNS does not support this protocol string:", protocol)),
    }
}

fn check_attribute(protocol: &str, name: &str, value: &str) -> Result<(), ApiError> {
    match name {
        "FilterPolicy" | "FilterPolicyScope" => Ok(()),
        "RawMessageDelivery" if !["true", "false"].contains(&value) => Err(invalid_because(
            "Attributes",
            &format!("RawMessageDelivery: Invalid value [{value}]. Must be true or false."),
        )),
        "RawMessageDelivery" if value == "true" && !["sqs", "http", "https"].contains(&protocol) => {
            Err(invalid_because(
                "Attributes",
                &format!("RawMessageDelivery: Delivery protocol [{protocol}] does not support raw message delivery."),
            ))
        }
        "RawMessageDelivery" => Ok(()),
        "RedrivePolicy" => {
            let queue = serde_json::from_str::<Value>(value)
                .ok()
                .and_then(|policy| Some(policy.get("deadLetterTargetArn")?.as_str()?.parse::<Arn>().ok()?.service));
            match queue.as_deref() {
                Some("sqs") => Ok(()),
                _ => Err(invalid_because("RedrivePolicy", "deadLetterTargetArn must be the ARN of an SQS queue")),
            }
        }
        "DeliveryPolicy" if ["http", "https"].contains(&protocol) => Ok(()),
        _ => Err(invalid("AttributeName")),
    }
}

pub(super) fn unsubscribe(call: Call<'_>) -> Result<Value, ApiError> {
    let arn = call.required("SubscriptionArn")?;
    if arn.split(':').count() != 7 {
        return Err(invalid_because("SubscriptionArn", "An ARN must have at least 6 elements, not 1"));
    }
    // Deleting what isn't there is no error.
    call.world.sns.subscriptions.remove(arn);
    Ok(json!({}))
}

pub(super) fn get_subscription_attributes(call: Call<'_>) -> Result<Value, ApiError> {
    let arn = call.required("SubscriptionArn")?;
    let subscription = call.world.sns.subscriptions.get(arn).ok_or_else(no_subscription)?;
    let mut attributes = json!({
        "SubscriptionArn": arn,
        "TopicArn": subscription.topic_arn,
        "Owner": subscription.owner,
        "Protocol": subscription.protocol,
        "Endpoint": subscription.endpoint,
        "RawMessageDelivery": "false",
        "PendingConfirmation": subscription.is_pending().to_string(),
        "ConfirmationWasAuthenticated": (!subscription.is_pending()).to_string(),
        "SubscriptionPrincipal": call.context.caller.arn(),
    });
    if subscription.filter.is_some() {
        attributes["FilterPolicyScope"] = json!("MessageAttributes");
    }
    for (name, value) in &subscription.attributes {
        attributes[name] = json!(value);
    }
    Ok(json!({"Attributes": attributes}))
}

pub(super) fn set_subscription_attributes(call: Call<'_>) -> Result<Value, ApiError> {
    let name = call.required("AttributeName")?;
    let value = call.text("AttributeValue").unwrap_or_default();
    let subscription =
        call.world.sns.subscriptions.get_mut(call.required("SubscriptionArn")?).ok_or_else(no_subscription)?;
    check_attribute(&subscription.protocol, name, value)?;
    let mut attributes = subscription.attributes.clone();
    attributes.insert(name.to_owned(), value.to_owned());
    // Policy and scope are checked together, before either is kept.
    subscription.filter = Filter::of(&attributes)?;
    subscription.attributes = attributes;
    Ok(json!({}))
}

fn no_subscription() -> ApiError {
    ApiError::new(404, "NotFound", "Subscription does not exist")
}

pub(super) fn list_subscriptions(call: Call<'_>) -> Result<Value, ApiError> {
    let prefix = format!("arn:aws:sns:{}:{}:", call.context.region, call.context.account());
    let own = call.world.sns.subscriptions.iter().filter(|(arn, _)| arn.starts_with(&prefix));
    call.page("Subscriptions", own.map(|(arn, subscription)| (arn, subscription.listed(arn))))
}

pub(super) fn list_subscriptions_by_topic(call: Call<'_>) -> Result<Value, ApiError> {
    let topic = call.topic_arn("TopicArn")?;
    let own = call.world.sns.subscriptions.iter().filter(|(_, subscription)| subscription.topic_arn == topic);
    call.page("Subscriptions", own.map(|(arn, subscription)| (arn, subscription.listed(arn))))
}
