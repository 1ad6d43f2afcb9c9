//! The engine that is driven by the service model as data.

use crate::wire::{ApiError, Request, Response, json};
use serde_json::Value;

/// The operation that a request routes to, and all its input members from path, query string and body, validated.
///
/// # Errors
/// As Image Builder answers what its model doesn't allow.
pub fn decode(_request: &Request) -> Result<(String, Value), ApiError> {
    Err(ApiError::new(404, "ResourceNotFoundException", "no such operation"))
}

/// The answer on the wire.
pub fn encode(_operation: &str, _request_id: &str, result: Result<Value, ApiError>) -> Response {
    json::encode(result)
}
