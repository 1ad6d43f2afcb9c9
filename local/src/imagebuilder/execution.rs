//! Executions of workflows and their steps by builds.

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

/// GetWorkflowExecution.
pub(super) fn get_workflow_execution(
    _world: &mut World,
    _context: &Context,
    _input: &Value,
) -> Result<Value, ApiError> {
    Err(unsupported("GetWorkflowExecution is not supported by the local Image Builder"))
}

/// GetWorkflowStepExecution.
pub(super) fn get_workflow_step_execution(
    _world: &mut World,
    _context: &Context,
    _input: &Value,
) -> Result<Value, ApiError> {
    Err(unsupported("GetWorkflowStepExecution is not supported by the local Image Builder"))
}

/// SendWorkflowStepAction.
pub(super) fn send_workflow_step_action(
    _world: &mut World,
    _context: &Context,
    _input: &Value,
) -> Result<Value, ApiError> {
    Err(unsupported("SendWorkflowStepAction is not supported by the local Image Builder"))
}

/// RetryImage.
pub(super) fn retry_image(_world: &mut World, _context: &Context, _input: &Value) -> Result<Value, ApiError> {
    Err(unsupported("RetryImage is not supported by the local Image Builder"))
}

/// ListWorkflowExecutions.
pub(super) fn list_workflow_executions<'a>(
    _world: &'a World,
    _context: &Context,
    _input: &Value,
    _after: Option<&str>,
) -> Result<Listing<'a>, ApiError> {
    Err(unsupported("ListWorkflowExecutions is not supported by the local Image Builder"))
}

/// ListWorkflowStepExecutions.
pub(super) fn list_workflow_step_executions<'a>(
    _world: &'a World,
    _context: &Context,
    _input: &Value,
    _after: Option<&str>,
) -> Result<Listing<'a>, ApiError> {
    Err(unsupported("ListWorkflowStepExecutions is not supported by the local Image Builder"))
}

/// ListWaitingWorkflowSteps.
pub(super) fn list_waiting_workflow_steps<'a>(
    _world: &'a World,
    _context: &Context,
    _input: &Value,
    _after: Option<&str>,
) -> Result<Listing<'a>, ApiError> {
    Err(unsupported("ListWaitingWorkflowSteps is not supported by the local Image Builder"))
}
