//! The protocol awsJson 1.1 (Parameter Store, EventBridge), and 1.0 (SQS), which differs in the content type alone: `X-Amz-Target` names the operation, JSON both ways.

use super::{ApiError, Request, Response};
use serde_json::{Value, json};

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// The operation and its input. `prefix` is the service's target, such as `AmazonSSM`.
///
/// # Errors
/// `UnknownOperationException` without a target of this service, `SerializationException` for a body that isn't an object.
pub fn decode(request: &Request, prefix: &str) -> Result<(String, Value), ApiError> {
    let operation =
        request.header("x-amz-target").and_then(|target| target.strip_prefix(prefix)?.strip_prefix('.')).ok_or_else(
            || ApiError::bad("UnknownOperationException", format!("x-amz-target: expected {prefix}.<Operation>")),
        )?;
    let input = if request.body.is_empty() { json!({}) } else { object(&request.body)? };
    Ok((operation.to_owned(), input))
}

/// A JSON object from a body.
///
/// # Errors
/// `SerializationException` for anything else.
pub fn object(body: &[u8]) -> Result<Value, ApiError> {
    match serde_json::from_slice(body) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(ApiError::bad("SerializationException", "the body must be a JSON object")),
        Err(error) => Err(ApiError::bad("SerializationException", format!("the body isn't JSON: {error}"))),
    }
}

/// The answer on the wire.
pub fn encode(request_id: &str, result: Result<Value, ApiError>) -> Response {
    let (status, body) = match result {
        Ok(value) => (200, value),
        Err(error) => (error.status, json!({"__type": error.code, "message": error.message})),
    };
    let headers = vec![("content-type", CONTENT_TYPE.to_owned()), ("x-amzn-requestid", request_id.to_owned())];
    Response { status, headers, body: body.to_string().into() }
}
