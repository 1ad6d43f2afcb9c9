//! A recipe's components.

use super::super::component;
use super::super::lookup::{resolve, text};
use super::super::store::Kind;
use super::{parameters, reference};
use crate::model::{bad_value, error};
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::Value;
use std::collections::BTreeSet;

/// The most components that a recipe may have: a quota, which AWS raises on request.
const LIMIT: usize = 20;

/// Components are there, in this Region, each once, for the recipe's platform, and know the parameters that they
/// are given. `platform`: the parent's, if it is known.
pub(super) fn check(
    world: &mut World,
    context: &Context,
    input: &Value,
    platform: Option<&str>,
) -> Result<(), ApiError> {
    let components = input.get("components").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if components.len() > LIMIT {
        let message = format!("A recipe may have {LIMIT} components; this one has {}.", components.len());
        return Err(error("ServiceQuotaExceededException", message));
    }
    let mut seen = BTreeSet::new();
    for (index, configuration) in components.iter().enumerate() {
        let path = format!("components[{index}]");
        let parameter = format!("{path}.componentArn");
        let arn = text(configuration, "componentArn");
        let reference = reference::check(world, context, &parameter, arn, Kind::Component)?;
        if !seen.insert((reference.arn.account.clone(), reference.name.clone())) {
            return Err(bad_value(&parameter, "A component may occur once in a recipe."));
        }
        let Some(found) = resolve(&world.imagebuilder, context, Kind::Component, arn) else { continue };
        // Of a wildcard's components, builds pass over those that are disabled.
        if reference.version.exact().is_some() {
            component::usable(found, &parameter)?;
        }
        let theirs = found.text("platform");
        // The platforms of Amazon's are guessed by their names where the catalogue lacks them.
        if found.owner != "aws" && platform.is_some() && theirs.is_some() && theirs != platform {
            let details = format!(
                "The component is for {}, the parent image has {}.",
                theirs.unwrap_or_default(),
                platform.unwrap_or_default()
            );
            return Err(bad_value(&parameter, details));
        }
        parameters::check(found, configuration, &path)?;
    }
    Ok(())
}
