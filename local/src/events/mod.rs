//! EventBridge: rules on the default bus, schedules of rules and of EventBridge Scheduler.

use crate::clock::Time;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::Value;

/// What EventBridge knows.
#[derive(Debug, Default)]
pub struct Store {}

/// An event on its way to the default bus of an account and Region.
#[derive(Debug, Clone)]
pub struct Event {
    /// `aws.imagebuilder`, `aws.ssm`, …
    pub source: String,
    /// Such as `EC2 Image Builder Image State Change`.
    pub detail_type: String,
    /// 12 digits.
    pub account: String,
    /// The bus's Region.
    pub region: String,
    /// ARNs that the event is about.
    pub resources: Vec<String>,
    /// The service's own part.
    pub detail: Value,
    /// When it happened.
    pub time: Time,
}

/// A rule's or schedule's time has come.
#[derive(Debug, Clone)]
pub struct Tick {
    /// The rule's or schedule's ARN.
    pub arn: String,
}

/// One API call of EventBridge; input and answer are the bodies of awsJson.
///
/// # Errors
/// As EventBridge answers.
pub fn call(_world: &mut World, _context: &Context, operation: &str, _input: Value) -> Result<Value, ApiError> {
    Err(ApiError::bad("UnknownOperationException", format!("{operation} is not supported by the local EventBridge")))
}

/// An event reached its bus: the targets of every rule that matches are due now.
pub fn on_emit(_world: &mut World, _event: Event) {}

/// A rule's or schedule's time has come: its target is due now, and the next time is posted.
pub fn on_tick(_world: &mut World, _tick: Tick) {}
