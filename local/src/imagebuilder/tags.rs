//! Tags, of resources of every kind.

use super::lookup::{missing, text};
use super::sharing;
use super::store::Resource;
use crate::model;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::{Map, Value, json};

/// The most tags that a resource may have.
const LIMIT: usize = 50;

/// ListTagsForResource.
pub(super) fn list(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let arn = text(input, "resourceArn");
    let found =
        world.imagebuilder.get(arn).filter(|found| visible(world, found, context)).ok_or_else(|| missing(arn))?;
    Ok(json!({"tags": found.document.get("tags")}))
}

/// TagResource: adds, and replaces what has the same key.
pub(super) fn tag(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let tags = tags_of(world, context, text(input, "resourceArn"))?;
    let mut changed = tags.clone();
    for (key, value) in input.get("tags").and_then(Value::as_object).into_iter().flatten() {
        changed.insert(key.clone(), value.clone());
    }
    if changed.len() > LIMIT {
        let message = format!("The resource would have more than {LIMIT} tags.");
        return Err(model::error("InvalidParameterException", message));
    }
    *tags = changed;
    Ok(json!({}))
}

/// UntagResource: keys that the resource lacks don't matter.
pub(super) fn untag(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let tags = tags_of(world, context, text(input, "resourceArn"))?;
    for key in input.get("tagKeys").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        tags.remove(key);
    }
    Ok(json!({}))
}

fn visible(world: &World, resource: &Resource, context: &Context) -> bool {
    resource.region == context.region && sharing::sees(&world.imagebuilder, context.account(), resource)
}

fn tags_of<'a>(world: &'a mut World, context: &Context, arn: &str) -> Result<&'a mut Map<String, Value>, ApiError> {
    let found = world.imagebuilder.get(arn).filter(|found| visible(world, found, context));
    let owner = &found.ok_or_else(|| missing(arn))?.owner;
    if owner != context.account() {
        return Err(model::error("InvalidParameterException", format!("The resource '{arn}' belongs to {owner}.")));
    }
    let found = world.imagebuilder.get_mut(arn).ok_or_else(|| missing(arn))?;
    let tags = found.document.get_mut("tags").and_then(Value::as_object_mut);
    Ok(tags.expect("every document has tags"))
}
