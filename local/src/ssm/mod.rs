//! Parameter Store.

use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::Value;

/// What Parameter Store knows.
#[derive(Debug, Default)]
pub struct Store {}

/// What Parameter Store causes.
#[derive(Debug, Clone)]
pub enum Event {}

/// One API call; input and answer are the bodies of awsJson.
///
/// # Errors
/// As Parameter Store answers.
pub fn call(_world: &mut World, _context: &Context, operation: &str, _input: Value) -> Result<Value, ApiError> {
    Err(ApiError::bad(
        "UnknownOperationException",
        format!("{operation} is not supported by the local Parameter Store"),
    ))
}

/// The newest value of a parameter of an account in a Region.
pub fn value(_world: &World, _account: &str, _region: &str, _name: &str) -> Option<String> {
    None
}

/// Handles what Parameter Store posted.
pub fn on(_world: &mut World, event: Event) {
    match event {}
}
