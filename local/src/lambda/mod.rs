//! Lambda: the functions, what an asynchronous invocation goes through, and the host that runs the real binaries.

pub mod api;
mod host;
mod log;
pub mod package;
mod process;
mod retry;
mod runtime_api;
mod slot;

pub use host::Host;

use crate::clock::Time;
use crate::journal::{Cost, Entry, Kind, image_named};
use crate::world::{Event, World};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What Lambda knows.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Store {
    /// By function ARN.
    pub functions: BTreeMap<String, Function>,
    /// Every invocation that ended, in order.
    pub invocations: Vec<InvocationRecord>,
    /// What ended in a dead-letter queue, in order: the queue's or topic's ARN and the message.
    pub dead_letters: Vec<DeadLetter>,
}

/// A function as its template describes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Invocation {
    /// The Lambda request ID; the same for every retry.
    pub request_id: String,
    /// The function.
    pub function_arn: String,
    /// The event, JSON text.
    pub payload: String,
    /// Who caused it: `sns`, `schedule`, `rule`, `event` (the Invoke API's asynchronous form), `invoke`
    /// (somebody waits for the answer, so it isn't retried).
    pub source: String,
    /// 0 for the first attempt.
    pub attempt: u32,
    /// When the event was accepted.
    pub accepted_at: Time,
}

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ending {
    /// The answer, JSON text; for a function error, Lambda's error document.
    pub payload: String,
    /// `Unhandled` when the function failed, timed out or died; [`THROTTLED`] when it never ran.
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
#[derive(Debug, Clone, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Serialize, Deserialize)]
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

/// The source of an invocation whose caller waits for the answer: it is never retried.
pub const SYNCHRONOUS: &str = "invoke";

/// [`Ending::function_error`] of an invocation that found no room within the function's concurrency: it never ran.
pub const THROTTLED: &str = "TooManyRequestsException";

impl Ending {
    /// An invocation that ended before any process took it up.
    pub(crate) fn refused(function_error: &str, error_type: &str, message: &str) -> Self {
        Self {
            payload: document(error_type, message),
            function_error: Some(function_error.to_owned()),
            log: String::new(),
            millis: 0.0,
            init_millis: None,
            max_memory_mb: None,
        }
    }

    /// `errorType` and `errorMessage` of an error document; of another, the whole of it as the message.
    fn error(&self) -> (String, String) {
        let document: Value = serde_json::from_str(&self.payload).unwrap_or_default();
        let member = |name: &str| document[name].as_str().map(str::to_owned);
        let kind = member("errorType").or_else(|| self.function_error.clone()).unwrap_or_default();
        (kind, member("errorMessage").unwrap_or_else(|| self.payload.clone()))
    }
}

/// Lambda's error document.
pub(crate) fn document(error_type: &str, message: &str) -> String {
    json!({"errorType": error_type, "errorMessage": message}).to_string()
}

/// Accepts an event for asynchronous invocation, due now: what SNS, EventBridge and `InvocationType: Event` do.
pub fn accept(world: &mut World, function_arn: &str, payload: String, source: &str) {
    let request_id = world.fresh_uuid("invocation");
    accept_as(world, request_id, function_arn, payload, source);
}

fn accept_as(world: &mut World, request_id: String, function_arn: &str, payload: String, source: &str) {
    let invocation = Invocation {
        request_id,
        function_arn: function_arn.to_owned(),
        payload,
        source: source.to_owned(),
        attempt: 0,
        accepted_at: world.now,
    };
    world.post(world.now, Event::Invoke(invocation));
}

/// An invocation in flight ended: it is recorded, and an asynchronous one that failed is retried or dead-lettered.
/// Nothing comes of one whose world was emptied meanwhile.
pub fn finished(world: &mut World, invocation: Invocation, started: Time, ending: Ending) {
    if world.in_flight.remove(&invocation.request_id).is_none() {
        return;
    }
    world.revision += 1;
    world.journal.release_others();
    let function = world.lambda.functions.get(&invocation.function_arn).cloned();
    let name = function.as_ref().map_or(invocation.function_arn.as_str(), |function| function.name.as_str()).to_owned();
    if ending.function_error.as_deref() != Some(THROTTLED) {
        let calls = world.journal.take_calls_of(&invocation.request_id);
        let entry = Entry {
            at: world.now,
            kind: Kind::Invoked,
            subject: name,
            region: function.as_ref().map(|function| function.region.clone()),
            detail: summary(&ending),
            invocation: Some(invocation.request_id.clone()),
            cost: Some(Cost { calls, millis: ending.millis }),
        };
        world.journal.record(entry, false);
        let record = InvocationRecord { at: started, invocation: invocation.clone(), ending: ending.clone(), calls };
        world.lambda.invocations.push(record);
        world.journal.trim(&mut world.lambda.invocations);
    }
    world.running.remove(&invocation.request_id);
    world.journal.release(&invocation.request_id, world.now);
    if let Some(function) = function
        && invocation.source != SYNCHRONOUS
        && let Some(function_error) = &ending.function_error
    {
        retry::follow_up(world, &function, invocation, function_error == THROTTLED, ending.error());
    }
}

/// The function that somebody means: by name, ARN, the package that it is built from, or its logical ID.
/// The ARN; `None` also if that names several.
pub fn find(world: &World, wanted: &str) -> Option<String> {
    let functions = || world.lambda.functions.values();
    if let Some(function) = functions().find(|function| function.name == wanted || function.arn == wanted) {
        return Some(function.arn.clone());
    }
    let package = |function: &Function| function.code.file_name().is_some_and(|name| name == wanted);
    let logical = |function: &Function| function.name.split('-').any(|part| part == wanted);
    let only = |means: &dyn Fn(&Function) -> bool| {
        let mut found = functions().filter(|function| means(function));
        found.next().filter(|_| found.next().is_none()).map(|function| function.arn.clone())
    };
    only(&package).or_else(|| only(&logical))
}

/// What the journal says of an ending, on one line: the answer's own summary if it has one, the image that it is about,
/// or what went wrong.
fn summary(ending: &Ending) -> String {
    const WIDTH: usize = 160;
    let text = match &ending.function_error {
        Some(_) => {
            let (kind, message) = ending.error();
            format!("{kind}: {message}")
        }
        None => {
            let own = serde_json::from_str::<Value>(&ending.payload).ok();
            let own = own.and_then(|answer| Some(answer.get("summary")?.as_str()?.to_owned()));
            own.or_else(|| image_named(&ending.payload)).unwrap_or_else(|| ending.payload.clone())
        }
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= WIDTH {
        return line;
    }
    line.chars().take(WIDTH - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests;
