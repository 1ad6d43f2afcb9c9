//! Lifecycle: the end of images, by hand and by policy.

use super::calls::unsupported;
use crate::model::Listing;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Store {}

/// What waits on the queue.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Event {}

/// Handles what was posted.
pub fn on(_world: &mut World, event: Event) {
    match event {}
}

/// CreateLifecyclePolicy.
pub(super) fn create_lifecycle_policy(
    _world: &mut World,
    _context: &Context,
    _input: &Value,
) -> Result<Value, ApiError> {
    Err(unsupported("CreateLifecyclePolicy is not supported by the local Image Builder"))
}

/// DeleteLifecyclePolicy.
pub(super) fn delete_lifecycle_policy(
    _world: &mut World,
    _context: &Context,
    _input: &Value,
) -> Result<Value, ApiError> {
    Err(unsupported("DeleteLifecyclePolicy is not supported by the local Image Builder"))
}

/// GetLifecyclePolicy.
pub(super) fn get_lifecycle_policy(_world: &mut World, _context: &Context, _input: &Value) -> Result<Value, ApiError> {
    Err(unsupported("GetLifecyclePolicy is not supported by the local Image Builder"))
}

/// UpdateLifecyclePolicy.
pub(super) fn update_lifecycle_policy(
    _world: &mut World,
    _context: &Context,
    _input: &Value,
) -> Result<Value, ApiError> {
    Err(unsupported("UpdateLifecyclePolicy is not supported by the local Image Builder"))
}

/// StartResourceStateUpdate.
pub(super) fn start_resource_state_update(
    _world: &mut World,
    _context: &Context,
    _input: &Value,
) -> Result<Value, ApiError> {
    Err(unsupported("StartResourceStateUpdate is not supported by the local Image Builder"))
}

/// CancelLifecycleExecution.
pub(super) fn cancel_lifecycle_execution(
    _world: &mut World,
    _context: &Context,
    _input: &Value,
) -> Result<Value, ApiError> {
    Err(unsupported("CancelLifecycleExecution is not supported by the local Image Builder"))
}

/// GetLifecycleExecution.
pub(super) fn get_lifecycle_execution(
    _world: &mut World,
    _context: &Context,
    _input: &Value,
) -> Result<Value, ApiError> {
    Err(unsupported("GetLifecycleExecution is not supported by the local Image Builder"))
}

/// ListLifecyclePolicies.
pub(super) fn list_lifecycle_policies<'a>(
    _world: &'a World,
    _context: &Context,
    _input: &Value,
    _after: Option<&str>,
) -> Result<Listing<'a>, ApiError> {
    Err(unsupported("ListLifecyclePolicies is not supported by the local Image Builder"))
}

/// ListLifecycleExecutions.
pub(super) fn list_lifecycle_executions<'a>(
    _world: &'a World,
    _context: &Context,
    _input: &Value,
    _after: Option<&str>,
) -> Result<Listing<'a>, ApiError> {
    Err(unsupported("ListLifecycleExecutions is not supported by the local Image Builder"))
}

/// ListLifecycleExecutionResources.
pub(super) fn list_lifecycle_execution_resources<'a>(
    _world: &'a World,
    _context: &Context,
    _input: &Value,
    _after: Option<&str>,
) -> Result<Listing<'a>, ApiError> {
    Err(unsupported("ListLifecycleExecutionResources is not supported by the local Image Builder"))
}
