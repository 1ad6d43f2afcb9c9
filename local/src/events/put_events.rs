//! PutEvents: events of one's own on a bus.

use super::members::{Members, invalid};
use super::{Event, bus, fire};
use crate::clock::Time;
use crate::journal::Kind;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::{Value, json};

/// Bytes that all entries of a call can have together.
const MOST_BYTES: usize = 256 * 1024;

/// PutEvents: each entry is answered by itself, in order.
pub(super) fn put_events(world: &mut World, context: &Context, input: Members<'_>) -> Result<Value, ApiError> {
    let entries = input.list("Entries", 1, 10)?;
    if entries.iter().map(size).sum::<usize>() > MOST_BYTES {
        return Err(invalid("Total size of the entries in the request is over the limit."));
    }
    let (mut answers, mut failed) = (Vec::new(), 0);
    for entry in entries {
        match read(world, context, Members(entry)) {
            Ok((bus, event)) => {
                let id = world.fresh_uuid("event");
                let detail = match event.resources.first() {
                    Some(resource) => format!("{} from {}: {resource}", event.detail_type, event.source),
                    None => format!("{} from {}", event.detail_type, event.source),
                };
                let invocation = context.caller.invocation.as_deref();
                world.record_for(invocation, Kind::EventPut, bus.as_str(), Some(&event.region), detail);
                fire::arrive(world, &bus, &event, &id);
                answers.push(json!({"EventId": id}));
            }
            Err(error) => {
                failed += 1;
                answers.push(json!({"ErrorCode": error.code, "ErrorMessage": error.message}));
            }
        }
    }
    Ok(json!({"FailedEntryCount": failed, "Entries": answers}))
}

/// The size of an entry as EventBridge counts it: 14 bytes for a time, and the text of the rest.
fn size(entry: &Value) -> usize {
    let text = |name: &str| entry[name].as_str().map_or(0, str::len);
    let resources = entry["Resources"].as_array().into_iter().flatten();
    let time = if entry["Time"].is_null() { 0 } else { 14 };
    let resources: usize = resources.filter_map(Value::as_str).map(str::len).sum();
    time + text("Source") + text("DetailType") + text("Detail") + resources
}

/// An entry as an event, with the bus that it is for.
fn read(world: &World, context: &Context, entry: Members<'_>) -> Result<(String, Event), ApiError> {
    let argument = |name: &str| {
        let text = entry.text(name)?.filter(|text| !text.is_empty());
        text.ok_or_else(|| {
            let message = format!("Parameter {name} is not valid. Reason: {name} is a required argument.");
            ApiError::bad("InvalidArgument", message)
        })
    };
    let (source, detail_type, detail) = (argument("Source")?, argument("DetailType")?, argument("Detail")?);
    if source.starts_with("aws.") {
        return Err(ApiError::bad("NotAuthorizedForSourceException", "Not authorized for the source."));
    }
    let bus = bus::of_input(world, context, entry)?;
    let detail: Value = serde_json::from_str(detail)
        .ok()
        .filter(Value::is_object)
        .ok_or_else(|| ApiError::bad("MalformedDetail", "Detail is malformed."))?;
    let time = match &entry.0["Time"] {
        Value::Null => world.time_of_call(),
        time => time
            .as_f64()
            .and_then(|seconds| Time::from_timestamp_millis((seconds * 1000.0).round() as i64))
            .ok_or_else(|| ApiError::bad("InvalidArgument", "Parameter Time is not valid."))?,
    };
    let resources = match entry.0["Resources"] {
        Value::Null => Vec::new(),
        _ => entry.texts("Resources", 0, usize::MAX)?,
    };
    let event = Event {
        source: source.to_owned(),
        detail_type: detail_type.to_owned(),
        account: context.account().to_owned(),
        region: context.region.clone(),
        resources: resources.into_iter().map(str::to_owned).collect(),
        detail,
        time,
    };
    Ok((bus, event))
}
