//! Tags of AMIs.

use super::filter::filters;
use super::{Call, invalid_value, missing};
use crate::wire::ApiError;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How many tags a resource can have.
const MOST_TAGS: usize = 50;

pub(super) fn create_tags(mut call: Call<'_>) -> Result<Value, ApiError> {
    let tags = of_list(call.input.get("Tag"))?;
    if tags.is_empty() {
        return Err(missing("Tag"));
    }
    let ids = own_ids(&call)?;
    for id in &ids {
        let held = &call.image(id)?.tags;
        if held.keys().chain(tags.keys()).collect::<std::collections::BTreeSet<_>>().len() > MOST_TAGS {
            return Err(ApiError::bad(
                "TagLimitExceeded",
                "The maximum number of tags for this resource has been reached.",
            ));
        }
    }
    for id in ids {
        if let Some(image) = call.world.ec2.images.get_mut(&(call.context.region.clone(), id.to_owned())) {
            image.tags.extend(tags.clone());
        }
        let listed: Vec<String> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
        call.record(id, format!("tagged {}", listed.join(", ")));
    }
    Ok(json!({"return": true}))
}

pub(super) fn delete_tags(mut call: Call<'_>) -> Result<Value, ApiError> {
    let asked: Vec<(&str, Option<&str>)> = call
        .items("Tag")
        .iter()
        .filter_map(|tag| Some((tag.get("Key")?.as_str()?, tag.get("Value").and_then(Value::as_str))))
        .collect();
    for id in own_ids(&call)? {
        if let Some(image) = call.world.ec2.images.get_mut(&(call.context.region.clone(), id.to_owned())) {
            // Without any tag in the request, all go; a value, if given, has to be the tag's.
            image.tags.retain(|key, value| {
                !asked.is_empty()
                    && !asked.iter().any(|(name, wanted)| name == key && wanted.is_none_or(|wanted| wanted == value))
            });
        }
        call.record(id, "tags removed".to_owned());
    }
    Ok(json!({"return": true}))
}

/// The resources of the request, which have to be AMIs that the caller owns.
fn own_ids<'a>(call: &Call<'a>) -> Result<Vec<&'a str>, ApiError> {
    let ids = call.texts("ResourceId");
    if ids.is_empty() {
        return Err(missing("ResourceId"));
    }
    for id in &ids {
        if !id.starts_with("ami-") {
            return Err(ApiError::bad(
                "InvalidID",
                format!("The ID '{id}' is not valid: the local EC2 tags AMIs only"),
            ));
        }
        if call.image(id)?.owner != call.context.account() {
            return Err(ApiError::new(
                403,
                "UnauthorizedOperation",
                "You are not authorized to perform this operation.",
            ));
        }
    }
    Ok(ids)
}

pub(super) fn describe_tags(call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["Filter", "MaxResults", "NextToken"])?;
    let filters = filters(&call, &["key", "value", "resource-id", "resource-type", "tag:"])?;
    let own = |image: &&super::Image| image.owner == call.context.account() && image.region == call.context.region;
    let images = call.world.ec2.images.values().filter(own);
    let mut tags: Vec<(String, Value)> = Vec::new();
    for image in images {
        for (key, value) in &image.tags {
            let field = |name: &str| {
                vec![match name {
                    "key" => key.clone(),
                    "value" => value.clone(),
                    "resource-id" => image.id.clone(),
                    _ => "image".to_owned(),
                }]
            };
            let this = BTreeMap::from([(key.clone(), value.clone())]);
            if filters.iter().all(|filter| filter.takes(&this, field)) {
                let shown = json!({"resourceId": image.id, "resourceType": "image", "key": key, "value": value});
                tags.push((format!("{} {key}", image.id), shown));
            }
        }
    }
    let (page, next) = call.page(tags.iter().map(|(place, tag)| (place.as_str(), tag.clone())))?;
    Ok(json!({"tagSet": page, "nextToken": next}))
}

/// The tags that a `TagSpecification` gives to the image; those for its snapshots have no place here.
pub(super) fn of_specification(call: &Call<'_>) -> Result<BTreeMap<String, String>, ApiError> {
    let mut tags = BTreeMap::new();
    for specification in call.items("TagSpecification") {
        match specification.get("ResourceType").and_then(Value::as_str) {
            Some("image") => tags.extend(of_list(specification.get("Tag"))?),
            Some("snapshot") => {}
            other => {
                let other = other.unwrap_or_default();
                return Err(invalid_value(format!(
                    "'{other}' is not a valid taggable resource type for this operation."
                )));
            }
        }
    }
    Ok(tags)
}

fn of_list(list: Option<&Value>) -> Result<BTreeMap<String, String>, ApiError> {
    let mut tags = BTreeMap::new();
    for tag in list.and_then(Value::as_array).into_iter().flatten() {
        let text = |member: &str| tag.get(member).and_then(Value::as_str).unwrap_or_default();
        let (key, value) = (text("Key"), text("Value"));
        if !(1..=128).contains(&key.chars().count()) || value.chars().count() > 256 {
            return Err(invalid_value("Tag keys have 1 to 128 characters, tag values at most 256."));
        }
        if key.to_lowercase().starts_with("aws:") {
            return Err(invalid_value("Tag keys starting with 'aws:' are reserved for internal use"));
        }
        tags.insert(key.to_owned(), value.to_owned());
    }
    Ok(tags)
}
