//! Resource policies: which other accounts see a component, an image or a recipe.

use super::calls::unsupported;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Store {}

/// PutComponentPolicy.
pub(super) fn put_component_policy(_world: &mut World, _context: &Context, _input: &Value) -> Result<Value, ApiError> {
    Err(unsupported("PutComponentPolicy is not supported by the local Image Builder"))
}

/// GetComponentPolicy.
pub(super) fn get_component_policy(_world: &mut World, _context: &Context, _input: &Value) -> Result<Value, ApiError> {
    Err(unsupported("GetComponentPolicy is not supported by the local Image Builder"))
}

/// PutImagePolicy.
pub(super) fn put_image_policy(_world: &mut World, _context: &Context, _input: &Value) -> Result<Value, ApiError> {
    Err(unsupported("PutImagePolicy is not supported by the local Image Builder"))
}

/// GetImagePolicy.
pub(super) fn get_image_policy(_world: &mut World, _context: &Context, _input: &Value) -> Result<Value, ApiError> {
    Err(unsupported("GetImagePolicy is not supported by the local Image Builder"))
}

/// PutImageRecipePolicy.
pub(super) fn put_image_recipe_policy(
    _world: &mut World,
    _context: &Context,
    _input: &Value,
) -> Result<Value, ApiError> {
    Err(unsupported("PutImageRecipePolicy is not supported by the local Image Builder"))
}

/// GetImageRecipePolicy.
pub(super) fn get_image_recipe_policy(
    _world: &mut World,
    _context: &Context,
    _input: &Value,
) -> Result<Value, ApiError> {
    Err(unsupported("GetImageRecipePolicy is not supported by the local Image Builder"))
}

/// PutContainerRecipePolicy.
pub(super) fn put_container_recipe_policy(
    _world: &mut World,
    _context: &Context,
    _input: &Value,
) -> Result<Value, ApiError> {
    Err(unsupported("PutContainerRecipePolicy is not supported by the local Image Builder"))
}

/// GetContainerRecipePolicy.
pub(super) fn get_container_recipe_policy(
    _world: &mut World,
    _context: &Context,
    _input: &Value,
) -> Result<Value, ApiError> {
    Err(unsupported("GetContainerRecipePolicy is not supported by the local Image Builder"))
}
