//! Workflows: their documents, versions and builds, those that Amazon manages included.

mod document;

use super::calls::unsupported;
use crate::model::Listing;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::Value;

/// CreateWorkflow.
pub(super) fn create_workflow(_world: &mut World, _context: &Context, _input: &Value) -> Result<Value, ApiError> {
    Err(unsupported("CreateWorkflow is not supported by the local Image Builder"))
}

/// DeleteWorkflow.
pub(super) fn delete_workflow(_world: &mut World, _context: &Context, _input: &Value) -> Result<Value, ApiError> {
    Err(unsupported("DeleteWorkflow is not supported by the local Image Builder"))
}

/// GetWorkflow.
pub(super) fn get_workflow(_world: &mut World, _context: &Context, _input: &Value) -> Result<Value, ApiError> {
    Err(unsupported("GetWorkflow is not supported by the local Image Builder"))
}

/// ListWorkflows.
pub(super) fn list_workflows<'a>(
    _world: &'a World,
    _context: &Context,
    _input: &Value,
    _after: Option<&str>,
) -> Result<Listing<'a>, ApiError> {
    Err(unsupported("ListWorkflows is not supported by the local Image Builder"))
}

/// ListWorkflowBuildVersions.
pub(super) fn list_workflow_build_versions<'a>(
    _world: &'a World,
    _context: &Context,
    _input: &Value,
    _after: Option<&str>,
) -> Result<Listing<'a>, ApiError> {
    Err(unsupported("ListWorkflowBuildVersions is not supported by the local Image Builder"))
}
