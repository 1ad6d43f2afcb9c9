//! SNS: topics, subscriptions of functions, filter policies, delivery.

use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::{Map, Value};

/// SNS's XML name space.
pub const NAMESPACE: &str = "http://sns.amazonaws.com/doc/2010-03-31/";

/// What SNS knows.
#[derive(Debug, Default)]
pub struct Store {}

/// A message on its way to a topic.
#[derive(Debug, Clone)]
pub struct Message {
    /// The topic.
    pub topic_arn: String,
    /// The body.
    pub body: String,
    /// The subject, which Image Builder's notifications lack.
    pub subject: Option<String>,
    /// `{name: {Type, Value}}`, the form of an SNS event's `MessageAttributes`.
    pub attributes: Map<String, Value>,
    /// The message's ID.
    pub message_id: String,
}

/// A message on its way to one subscription.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The subscription.
    pub subscription_arn: String,
    /// The message.
    pub message: Message,
}

/// One API call; input and answer in the names of the wire (see [`crate::wire::query`]).
///
/// # Errors
/// As SNS answers.
pub fn call(_world: &mut World, _context: &Context, operation: &str, _input: Value) -> Result<Value, ApiError> {
    Err(ApiError::bad("InvalidAction", format!("The action {operation} is not supported by the local SNS")))
}

/// A message arrived at its topic: it goes on to every subscription whose filter policy it passes.
pub fn on_publish(_world: &mut World, _message: Message) {}

/// A notification arrived at its subscription.
pub fn on_deliver(_world: &mut World, _delivery: Delivery) {}
