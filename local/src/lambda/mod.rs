//! Lambda: the functions, what an asynchronous invocation goes through, and the host that runs the real binaries.

use crate::clock::Time;
use crate::world::World;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What Lambda knows.
#[derive(Debug, Default)]
pub struct Store {
    /// By function ARN.
    pub functions: BTreeMap<String, Function>,
    /// Every invocation that ended, in order.
    pub invocations: Vec<InvocationRecord>,
    /// What ended in a dead-letter queue, in order: the queue's or topic's ARN and the message.
    pub dead_letters: Vec<DeadLetter>,
}

/// A function as its template describes it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Function {
    /// The name, `stack-LogicalId-…` or as given.
    pub name: String,
    /// `arn:aws:lambda:region:account:function:name`.
    pub arn: String,
    /// The Region.
    pub region: String,
    /// 12 digits.
    pub account: String,
    /// The execution role's name.
    pub role: String,
    /// `CodeUri`: a Cargo package, or a folder that holds a built `bootstrap`.
    pub code: PathBuf,
    /// The environment from the template.
    pub environment: BTreeMap<String, String>,
    /// Seconds until an invocation is cut off.
    pub timeout: u32,
    /// MB, as configured.
    pub memory: u32,
    /// Where asynchronous events go that failed for good: the ARN of a queue or topic.
    pub dead_letter_arn: Option<String>,
    /// Retries of an asynchronous invocation, 0 to 2.
    pub maximum_retries: u32,
    /// Seconds after which an asynchronous event is no longer tried, 60 to 21600.
    pub maximum_event_age: u32,
    /// At most so many at once, if set.
    pub reserved_concurrency: Option<u32>,
    /// `JSON` or `Text`, from `LoggingConfig`.
    pub log_format: String,
    /// `INFO`, …, from `LoggingConfig`.
    pub log_level: Option<String>,
}

/// An event on its way to a function.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Invocation {
    /// The Lambda request ID; the same for every retry.
    pub request_id: String,
    /// The function.
    pub function_arn: String,
    /// The event, JSON text.
    pub payload: String,
    /// Who caused it: `sns`, `schedule`, `rule`, `invoke`.
    pub source: String,
    /// 0 for the first attempt.
    pub attempt: u32,
    /// When the event was accepted.
    pub accepted_at: Time,
}

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ending {
    /// The answer, JSON text; for a function error, Lambda's error document.
    pub payload: String,
    /// `Unhandled` when the function failed, timed out or died.
    pub function_error: Option<String>,
    /// What it printed, and Lambda's START, END and REPORT lines.
    pub log: String,
    /// Measured wall time, milliseconds.
    pub millis: f64,
    /// Measured wall time of a cold start (process start to first `/next`), milliseconds.
    pub init_millis: Option<f64>,
    /// Peak resident memory of the process, MB, where the machine tells.
    pub max_memory_mb: Option<u64>,
}

/// An invocation with its ending.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InvocationRecord {
    /// When it started.
    pub at: Time,
    /// What was asked.
    pub invocation: Invocation,
    /// How it ended.
    pub ending: Ending,
    /// AWS calls it made.
    pub calls: u32,
}

/// A message in a dead-letter queue.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// When.
    pub at: Time,
    /// The queue or topic.
    pub target_arn: String,
    /// The event.
    pub body: String,
    /// `RequestID`, `ErrorCode`, `ErrorMessage`, as Lambda attaches them.
    pub attributes: BTreeMap<String, String>,
}

/// Accepts an event for asynchronous invocation, due now: what SNS, EventBridge and `InvocationType: Event` do.
pub fn accept(_world: &mut World, _function_arn: &str, _payload: String, _source: &str) {}

/// An invocation ended: it is recorded, and an asynchronous one that failed is retried or dead-lettered.
pub fn finished(_world: &mut World, _invocation: Invocation, _started: Time, _ending: Ending) {}
