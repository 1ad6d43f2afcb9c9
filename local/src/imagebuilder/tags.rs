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
    Ok(json!({"tags": found.document.get("tags").cloned().unwrap_or_else(|| json!({}))}))
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
    if !found.document["tags"].is_object() {
        found.document.insert("tags", json!({}));
    }
    let tags = found.document.get_mut("tags").and_then(Value::as_object_mut);
    Ok(tags.expect("what has no tags was given an empty map"))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::store::Kind;
    use super::*;
    use crate::imagebuilder::call;

    #[test]
    fn resources_of_every_kind_have_tags() {
        let mut world = world();
        let kinds = [
            (Kind::Component, "component/a/1.0.0/1"),
            (Kind::ImageRecipe, "image-recipe/a/1.0.0"),
            (Kind::ContainerRecipe, "container-recipe/a/1.0.0"),
            (Kind::InfrastructureConfiguration, "infrastructure-configuration/a"),
            (Kind::DistributionConfiguration, "distribution-configuration/a"),
            (Kind::Pipeline, "image-pipeline/a"),
            (Kind::Image, "image/a/1.0.0/1"),
            (Kind::Workflow, "workflow/build/a/1.0.0/1"),
            (Kind::LifecyclePolicy, "lifecycle-policy/a"),
        ];
        for (kind, rest) in kinds {
            let arn = arn(rest);
            let created = world.now;
            world.imagebuilder.put(Resource {
                kind,
                arn: arn.clone(),
                region: REGION.into(),
                owner: ACCOUNT.into(),
                segment: "a".into(),
                version: None,
                build: None,
                made: 0,
                created,
                document: Map::new().into(),
            });
            let mut call = |operation: &str, mut input: Value| {
                input["resourceArn"] = arn.as_str().into();
                call(&mut world, &context(), operation, input)
            };
            assert_eq!(call("ListTagsForResource", json!({})).unwrap(), json!({"tags": {}}), "{rest}");
            call("TagResource", json!({"tags": {"a": "1", "b": "2"}})).unwrap();
            call("UntagResource", json!({"tagKeys": ["a"]})).unwrap();
            assert_eq!(call("ListTagsForResource", json!({})).unwrap(), json!({"tags": {"b": "2"}}), "{rest}");
            let of_amazon = call("TagResource", json!({"tags": {"aws:a": "1"}})).unwrap_err();
            assert_eq!(of_amazon.code, "InvalidParameterException", "{rest}");
        }
        let managed = format!("arn:aws:imagebuilder:{REGION}:aws:component/update-linux/1.0.0/1");
        let refused = call(&mut world, &context(), "TagResource", json!({"resourceArn": managed, "tags": {"a": "1"}}));
        assert_eq!(refused.unwrap_err().code, "InvalidParameterException");
    }
}
