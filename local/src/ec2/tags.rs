//! Tags of AMIs.

use super::{list, not_found};
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The tags of `TagSpecification` for one resource type.
pub(super) fn specified(input: &Value, resource_type: &str) -> BTreeMap<String, String> {
    let specifications = input.get("TagSpecification").and_then(Value::as_array).into_iter().flatten();
    specifications
        .filter(|specification| specification.get("ResourceType").and_then(Value::as_str) == Some(resource_type))
        .flat_map(pairs)
        .filter_map(|(key, value)| Some((key, value?)))
        .collect()
}

fn pairs(holder: &Value) -> Vec<(String, Option<String>)> {
    let tags = holder.get("Tag").and_then(Value::as_array).into_iter().flatten();
    tags.filter_map(|tag| {
        let key = tag.get("Key")?.as_str()?.to_owned();
        Some((key, tag.get("Value").and_then(Value::as_str).map(str::to_owned)))
    })
    .collect()
}

pub(super) fn create_tags(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let tags = pairs(input);
    if let Some((key, _)) = tags.iter().find(|(key, _)| key.starts_with("aws:")) {
        let message = format!("Tag keys starting with 'aws:' are reserved for internal use: {key}");
        return Err(ApiError::bad("InvalidParameterValue", message));
    }
    for id in own_ids(world, context, input)? {
        let Some(image) = world.ec2.images.get_mut(&(context.region.clone(), id)) else { continue };
        image.tags.extend(tags.iter().map(|(key, value)| (key.clone(), value.clone().unwrap_or_default())));
    }
    Ok(json!({"return": true}))
}

/// Without a value the key goes whatever its value; with one only if that is what it holds; without tags all go.
pub(super) fn delete_tags(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let tags = pairs(input);
    for id in own_ids(world, context, input)? {
        let Some(image) = world.ec2.images.get_mut(&(context.region.clone(), id)) else { continue };
        image.tags.retain(|key, held| {
            let named =
                tags.iter().any(|(name, value)| name == key && value.as_ref().is_none_or(|value| value == held));
            !(named || tags.is_empty())
        });
    }
    Ok(json!({"return": true}))
}

/// The resources of a request: all have to be the caller's own AMIs, or nothing is changed.
fn own_ids(world: &World, context: &Context, input: &Value) -> Result<Vec<String>, ApiError> {
    let ids = list(input, "ResourceId");
    for id in &ids {
        if !id.starts_with("ami-") {
            return Err(ApiError::bad(
                "InvalidID",
                format!("The ID '{id}' is not valid: the local EC2 tags AMIs only"),
            ));
        }
        let image = world.ec2.images.get(&(context.region.clone(), (*id).to_owned()));
        if image.is_none_or(|image| image.owner != context.account()) {
            return Err(not_found(&[id]));
        }
    }
    Ok(ids.into_iter().map(str::to_owned).collect())
}

pub(super) fn describe_tags(world: &World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let mut wanted: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for filter in input.get("Filter").and_then(Value::as_array).into_iter().flatten() {
        let name = filter.get("Name").and_then(Value::as_str).unwrap_or_default();
        if !["key", "value", "resource-id", "resource-type"].contains(&name) {
            return Err(ApiError::bad("InvalidParameterValue", format!("The filter '{name}' is invalid")));
        }
        wanted.insert(name, list(filter, "Value"));
    }
    let passes = |name: &str, held: &str| wanted.get(name).is_none_or(|values| values.contains(&held));
    let own =
        world.ec2.images.values().filter(|image| image.region == context.region && image.owner == context.account());
    let shown: Vec<Value> = own
        .flat_map(|image| image.tags.iter().map(move |(key, value)| (image, key, value)))
        .filter(|(image, key, value)| {
            passes("key", key)
                && passes("value", value)
                && passes("resource-id", &image.id)
                && passes("resource-type", "image")
        })
        .map(|(image, key, value)| json!({"resourceId": image.id, "resourceType": "image", "key": key, "value": value}))
        .collect();
    Ok(json!({"tagSet": shown}))
}
