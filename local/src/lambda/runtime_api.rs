//! Lambda's Runtime API, as a process in an environment speaks it.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use super::slot::{Refusal, Slot, Work};
use crate::clock;
use crate::wire::Response;
use bytes::Bytes;
use serde_json::{Value, json};

/// Answers one request of an environment; `path` is what follows its base. `/next` waits for work, however long.
pub(super) async fn answer(
    slot: &Slot,
    method: &str,
    path: &str,
    headers: &[(String, String)],
    body: Bytes,
) -> Response {
    let Some(path) = path.strip_prefix("/2018-06-01/runtime/") else { return unknown(path) };
    let parts: Vec<&str> = path.split('/').collect();
    match (method, parts.as_slice()) {
        ("GET", ["invocation", "next"]) => match slot.next().await {
            Some(work) => handed(work),
            None => error(410, "Gone", "The execution environment has ended"),
        },
        ("POST", ["invocation", request_id, "response"]) => taken(slot.answered(request_id, body)),
        ("POST", ["invocation", request_id, "error"]) => taken(slot.failed(request_id, described(headers, body))),
        ("POST", ["init", "error"]) => {
            slot.init_failed(described(headers, body));
            taken(Ok(()))
        }
        _ => unknown(path),
    }
}

/// An error without a document is described by its type, which is in a header.
fn described(headers: &[(String, String)], body: Bytes) -> Bytes {
    const TYPE: &str = "lambda-runtime-function-error-type";
    if !body.is_empty() {
        return body;
    }
    let kind = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(TYPE)).map(|(_, value)| value.as_str());
    super::document(kind.unwrap_or("Runtime.Unknown"), "").into()
}

fn handed(work: Work) -> Response {
    let timeout = i64::try_from(work.timeout.as_millis()).unwrap_or(i64::MAX);
    // The deadline is for a process that lives in the machine's time.
    let deadline = clock::machine_now().timestamp_millis().saturating_add(timeout);
    Response {
        status: 200,
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("lambda-runtime-aws-request-id", work.request_id),
            ("lambda-runtime-deadline-ms", deadline.to_string()),
            ("lambda-runtime-invoked-function-arn", work.function_arn),
            ("lambda-runtime-trace-id", work.trace_id),
        ],
        body: work.payload,
    }
}

fn taken(result: Result<(), Refusal>) -> Response {
    match result {
        Ok(()) => document(202, &json!({"status": "OK"})),
        Err(Refusal::NotRunning) => error(400, "InvalidRequestID", "Invalid request ID"),
        Err(Refusal::TooLarge) => error(413, "RequestEntityTooLarge", "Exceeded maximum allowed payload size"),
    }
}

fn unknown(path: &str) -> Response {
    error(404, "NotFound", &format!("The Runtime API has nothing at {path}"))
}

/// An error in the Runtime API's own form.
pub(super) fn error(status: u16, kind: &str, message: &str) -> Response {
    document(status, &json!({"errorMessage": message, "errorType": kind}))
}

fn document(status: u16, body: &Value) -> Response {
    let headers = vec![("content-type", "application/json".to_owned())];
    Response { status, headers, body: body.to_string().into() }
}
