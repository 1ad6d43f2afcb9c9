//! Answers in XML. An answer that is cut short or isn't that of the operation is an error, never a shorter list.

use aws_sdk_imagebuilder::primitives::{DateTime, DateTimeFormat};
use aws_smithy_types::error::metadata::ErrorMetadata;
use quick_xml::DeError;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

/// Some of the items of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<Item> {
    /// The items, in the service's order.
    pub items: Vec<Item>,
    /// What to ask for the next page with; none after the last one.
    pub next: Option<String>,
}

/// The answer of an operation.
pub(super) fn answer<Answer: DeserializeOwned>(operation: &str, body: &str) -> Result<Answer, DeError> {
    let expected = format!("{operation}Response");
    // quick-xml reads a structure from whatever element is the root.
    let root = body.split('<').find(|tag| !tag.trim().is_empty() && !tag.starts_with(['?', '!'])).unwrap_or_default();
    if root.strip_prefix(&expected).is_none_or(|rest| !rest.starts_with([' ', '>', '/'])) {
        let found: String = root.chars().take(40).collect();
        return Err(DeError::custom(format!("expected {expected}, found {found:?}")));
    }
    quick_xml::de::from_str(body)
}

/// Code and message of a refusal: EC2 lists its errors, other services answer with one.
pub(super) fn refusal(body: &str) -> ErrorMetadata {
    #[derive(Deserialize)]
    struct Refusal {
        #[serde(rename = "Errors", default)]
        listed: Option<Listed>,
        #[serde(rename = "Error", default)]
        single: Option<Single>,
    }
    #[derive(Deserialize)]
    struct Listed {
        #[serde(rename = "Error")]
        errors: Vec<Single>,
    }
    #[derive(Deserialize)]
    struct Single {
        #[serde(rename = "Code")]
        code: Option<String>,
        #[serde(rename = "Message")]
        message: Option<String>,
    }
    let refusal = quick_xml::de::from_str::<Refusal>(body).ok();
    let first = refusal.and_then(|refusal| refusal.single.or_else(|| refusal.listed?.errors.into_iter().next()));
    match first {
        Some(Single { code: Some(code), message }) => {
            ErrorMetadata::builder().code(code).message(message.unwrap_or_default()).build()
        }
        _ => ErrorMetadata::builder().build(),
    }
}

/// The elements of a list: EC2 calls them `item`, other services `member`.
#[derive(Debug, Deserialize)]
pub(super) struct Items<Item> {
    #[serde(rename = "item", alias = "member", default = "Vec::new")]
    items: Vec<Item>,
}

impl<Item> Default for Items<Item> {
    fn default() -> Self {
        Self { items: Vec::new() }
    }
}

/// The elements of a list, of a member with `#[serde(default, deserialize_with = "items")]`.
pub(super) fn items<'de, D, Item>(deserializer: D) -> Result<Vec<Item>, D::Error>
where
    D: Deserializer<'de>,
    Item: Deserialize<'de>,
{
    Items::deserialize(deserializer).map(|list| list.items)
}

/// Tags, by key.
pub(super) fn tags<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    #[derive(Deserialize)]
    struct Tag {
        #[serde(alias = "Key")]
        key: String,
        #[serde(alias = "Value", default)]
        value: String,
    }
    Ok(items(deserializer)?.into_iter().map(|Tag { key, value }| (key, value)).collect())
}

/// A time stamp in RFC 3339; none of an empty element.
pub(super) fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    DateTime::from_str(&text, DateTimeFormat::DateTime)
        .map(Some)
        .map_err(|_| D::Error::custom(format!("{text:?} isn't a time: expected one like 2026-03-02T00:00:00.000Z")))
}

/// An answer that says nothing but that it is done.
#[derive(Debug, Deserialize)]
pub(super) struct Nothing {}

/// The page of any of EC2's listings; an absent list is an empty one.
#[derive(Debug, Deserialize)]
#[serde(bound = "Item: Deserialize<'de>")]
pub(super) struct Listing<Item> {
    #[serde(
        default,
        alias = "imagesSet",
        alias = "imageReferenceSet",
        alias = "imageUsageReportSet",
        alias = "imageUsageReportEntrySet",
        alias = "launchTemplates",
        alias = "launchTemplateVersionSet",
        alias = "snapshotSet",
        alias = "AutoScalingGroups",
        alias = "LaunchConfigurations"
    )]
    items: Items<Item>,
    #[serde(rename = "nextToken", alias = "NextToken", default)]
    next: Option<String>,
}

impl<Item> From<Listing<Item>> for Page<Item> {
    fn from(listing: Listing<Item>) -> Self {
        // Some operations end with an empty token.
        Self { items: listing.items.items, next: listing.next.filter(|token| !token.is_empty()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_both_protocols_are_read() {
        let of = |body: &str| {
            let refusal = refusal(body);
            (refusal.code().map(str::to_owned), refusal.message().map(str::to_owned))
        };
        let told = |code: &str, message: &str| (Some(code.to_owned()), Some(message.to_owned()));
        let ec2 = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error>\
            <Code>InvalidAMIID.NotFound</Code><Message>The image id '[ami-1]' does not exist</Message></Error></Errors>\
            <RequestID>ea966190-f9aa-478e-9ede-example</RequestID></Response>";
        assert_eq!(of(ec2), told("InvalidAMIID.NotFound", "The image id '[ami-1]' does not exist"));
        let auto_scaling = "<ErrorResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\"><Error>\
            <Type>Sender</Type><Code>ValidationError</Code><Message>a &lt; b</Message></Error>\
            <RequestId>1</RequestId></ErrorResponse>";
        assert_eq!(of(auto_scaling), told("ValidationError", "a < b"));
        for unreadable in
            ["", "<html>", "<Response><Errors/></Response>", "<Response><Errors><Error/></Errors></Response>"]
        {
            assert_eq!(of(unreadable), (None, None), "{unreadable}");
        }
    }
}
