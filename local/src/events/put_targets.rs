//! PutTargets and RemoveTargets.

use super::Rule;
use super::api::rule_mut;
use super::fire::warn_unreached;
use super::members::{Members, invalid, too_many};
use super::path::Path;
use super::targets::{Destination, Shape, Target};
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Targets that a rule can have.
const MOST_TARGETS: usize = 5;

/// PutTargets: adds targets, or replaces those of the same ID. An ARN that isn't one fails its entry alone.
pub(super) fn put_targets(world: &mut World, context: &Context, input: Members<'_>) -> Result<Value, ApiError> {
    let rule = rule_mut(world, context, input, "Rule")?;
    let (mut targets, mut failed) = (Vec::new(), Vec::new());
    for document in input.list("Targets", 1, 100)? {
        let (target, destination) = read_target(document)?;
        match destination {
            Some(destination) => targets.push((target, destination)),
            None => failed.push(json!({
                "TargetId": target.id,
                "ErrorCode": "ValidationException",
                "ErrorMessage": format!("Parameter {} is not valid. Reason: Provided Arn is not in correct format.", target.arn),
            })),
        }
    }
    let mut unreached = Vec::new();
    let kept = rule.targets.iter().filter(|old| !targets.iter().any(|(new, _)| new.id == old.id)).count();
    if kept + targets.len() > MOST_TARGETS {
        return Err(too_many());
    }
    for (target, destination) in targets {
        if destination == Destination::Elsewhere && !rule.targets.iter().any(|old| old.arn == target.arn) {
            unreached.push(target.arn.clone());
        }
        put(rule, target);
    }
    let (name, region) = (rule.name.clone(), rule.region.clone());
    for arn in unreached {
        warn_unreached(world, &name, &region, &arn);
    }
    Ok(json!({"FailedEntryCount": failed.len(), "FailedEntries": failed}))
}

fn put(rule: &mut Rule, target: Target) {
    match rule.targets.iter_mut().find(|old| old.id == target.id) {
        Some(old) => *old = target,
        None => rule.targets.push(target),
    }
}

/// RemoveTargets: an ID that the rule lacks fails its entry alone.
pub(super) fn remove_targets(world: &mut World, context: &Context, input: Members<'_>) -> Result<Value, ApiError> {
    let rule = rule_mut(world, context, input, "Rule")?;
    let mut failed = Vec::new();
    for id in input.texts("Ids", 1, 100)? {
        let before = rule.targets.len();
        rule.targets.retain(|target| target.id != id);
        if rule.targets.len() == before {
            failed.push(json!({
                "TargetId": id,
                "ErrorCode": "ResourceNotFoundException",
                "ErrorMessage": format!("Rule '{}' does not have a target with the Id '{id}'.", rule.name),
            }));
        }
    }
    Ok(json!({"FailedEntryCount": failed.len(), "FailedEntries": failed}))
}

/// A target, and what its ARN names: `None` if it isn't an ARN.
fn read_target(document: &Value) -> Result<(Target, Option<Destination>), ApiError> {
    let members = Members(document);
    let id = members.name("Id")?;
    let arn = members.required("Arn")?;
    let destination = Destination::of(arn);
    // EventBridge acts on a pipeline as a role of its own; functions and topics let it in by their policies.
    if destination == Some(Destination::Pipeline) && members.text("RoleArn")?.is_none() {
        return Err(invalid(format!("RoleArn is required for target {arn}.")));
    }
    let target =
        Target { id: id.to_owned(), arn: arn.to_owned(), shape: shape(id, members)?, document: document.clone() };
    Ok((target, destination))
}

fn shape(id: &str, members: Members<'_>) -> Result<Shape, ApiError> {
    let input = members.short("Input", 8192)?;
    let path = members.short("InputPath", 256)?;
    let transformer = members.structure("InputTransformer")?;
    match (input, path, transformer) {
        (None, None, None) => Ok(Shape::Whole),
        (Some(input), None, None) => match serde_json::from_str::<IgnoredAny>(input) {
            Ok(_) => Ok(Shape::Constant(input.to_owned())),
            Err(error) => Err(invalid(format!("JSON syntax error in input for target {id} : [{error}]."))),
        },
        (None, Some(path), None) => Ok(Shape::Part(read_path(id, path)?)),
        (None, None, Some(transformer)) => {
            let paths = transformer.map("InputPathsMap")?;
            if paths.len() > 100 {
                return Err(too_many());
            }
            let mut read = BTreeMap::new();
            for (name, path) in paths {
                let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
                if name.is_empty() || !name.bytes().all(fits) || name.to_ascii_uppercase().starts_with("AWS") {
                    return Err(invalid(format!("Invalid InputPathsMap key {name} for target {id}.")));
                }
                read.insert(name.to_owned(), read_path(id, path)?);
            }
            transformer.required("InputTemplate")?;
            let template = transformer.short("InputTemplate", 8192)?.unwrap_or_default();
            Shape::template(id, read, template).map_err(invalid)
        }
        _ => {
            Err(invalid(format!("Only one of Input, InputPath, or InputTransformer must be provided for target {id}.")))
        }
    }
}

fn read_path(id: &str, path: &str) -> Result<Path, ApiError> {
    Path::parse(path).ok_or_else(|| invalid(format!("Invalid InputPath for target {id} : [{path} isn't a JSON path].")))
}
