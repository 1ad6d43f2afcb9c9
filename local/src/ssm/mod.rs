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

/// The current version of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The Region.
    pub region: String,
    /// 12 digits.
    pub account: String,
    /// The parameter.
    pub name: String,
    /// Its value, in clear.
    pub value: String,
    /// Its version.
    pub version: i64,
    /// Its description.
    pub description: Option<String>,
    /// `text` or `aws:ec2:image`.
    pub data_type: String,
    /// The labels of that version.
    pub labels: Vec<String>,
}

/// All parameters that can be read now, by Region, account and name.
pub fn published(_world: &World) -> Vec<Published> {
    Vec::new()
}

/// Handles what Parameter Store posted.
pub fn on(_world: &mut World, event: Event) {
    match event {}
}
