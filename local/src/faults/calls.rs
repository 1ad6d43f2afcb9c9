//! Faults of calls and of what ListImages shows.

use super::decide::{self, Subject};
use super::document::Fault;
use super::{strike, words, write_down};
use crate::imagebuilder::store::{Kind, Resource};
use crate::wire::{ApiError, Context, Principal};
use crate::world::World;
use chrono::TimeDelta;
use serde_json::Value;

/// What becomes of a call.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// How much later it is answered.
    pub(crate) latency: TimeDelta,
    /// Why it isn't handled, if it isn't.
    pub(crate) fate: Option<Fate>,
}

/// Why a call isn't handled.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is answered so.
    Refused(ApiError),
    /// Its connection is dropped.
    Unreachable,
}

/// The faults that strike a call which has arrived.
pub(crate) fn of_call(world: &mut World, context: &Context, service: &str, operation: &str, input: &Value) -> Verdict {
    if world.faults.rules.0.is_empty() {
        return Verdict::default();
    }
    if (service, operation) == ("imagebuilder", "ListImages") {
        write_lag_down(world, context);
    }
    let caller = &context.caller;
    let mut values = vec![
        ("service", vec![service]),
        ("operation", vec![operation]),
        ("region", vec![context.region.as_str()]),
        ("account", vec![caller.account.as_str()]),
        ("resource", texts(input)),
    ];
    // A session that takes part in an invocation has its function's name, or was assumed by it.
    if let (Some(_), Principal::Role { session, .. }) = (&caller.invocation, &caller.principal) {
        values.push(("function", vec![session]));
    }
    let subject = Subject {
        values,
        key: format!("{service} {operation} {} {} {input}", context.region, caller.arn()),
        title: format!("{service} {operation}"),
        invocation: caller.invocation.as_deref(),
    };
    let mut verdict = Verdict::default();
    for (fault, _) in strike(world, &subject, Fault::is_of_calls) {
        match fault {
            Fault::Latency { milliseconds } => verdict.latency += TimeDelta::milliseconds(milliseconds),
            Fault::Throttle { code } => {
                verdict.fate = Some(Fate::Refused(words::throttled(service, code.as_deref())));
            }
            Fault::Error { code, status, message } => {
                let error = words::refused(service, code.as_deref(), status, message.as_deref());
                verdict.fate = Some(Fate::Refused(error));
            }
            _ => verdict.fate = Some(Fate::Unreachable),
        }
    }
    verdict
}

/// All texts of an input.
fn texts(input: &Value) -> Vec<&str> {
    match input {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// Whether ListImages lacks an image still.
pub(crate) fn hides(world: &World, image: &Resource) -> bool {
    (0..world.faults.rules.0.len()).any(|place| hidden_by(world, place, image))
}

fn hidden_by(world: &World, place: usize, image: &Resource) -> bool {
    let rule = &world.faults.rules.0[place];
    let (Fault::ListImagesLag { seconds }, now) = (&rule.fault, world.time_of_call()) else { return false };
    let subject = Subject {
        values: vec![
            ("region", vec![image.region.as_str()]),
            ("account", vec![image.owner.as_str()]),
            ("name", vec![image.segment.as_str(), image.text("name").unwrap_or_default()]),
        ],
        key: image.arn.clone(),
        title: String::new(),
        invocation: None,
    };
    now < image.created + TimeDelta::seconds(*seconds)
        && decide::fits(rule, now, &subject)
        && decide::strikes(rule, place, 0, world.seed, &subject.key, 0)
}

/// Writes down for each rule that it keeps a ListImages from showing one of the caller's images.
fn write_lag_down(world: &mut World, context: &Context) {
    for place in 0..world.faults.rules.0.len() {
        let Fault::ListImagesLag { seconds } = world.faults.rules.0[place].fault else { continue };
        let since = world.time_of_call() - TimeDelta::seconds(seconds);
        let images = world.imagebuilder.owned(Kind::Image, &context.region, context.account()).rev();
        let hidden = images.take_while(|image| image.created > since).find(|image| hidden_by(world, place, image));
        let Some(image) = hidden.map(|image| image.arn.clone()) else { continue };
        let subject = Subject {
            values: vec![("service", vec!["imagebuilder"]), ("region", vec![context.region.as_str()])],
            key: String::new(),
            title: "imagebuilder ListImages".to_owned(),
            invocation: context.caller.invocation.as_deref(),
        };
        let fault = Fault::Hidden { image };
        write_down(world, place, &subject, &fault);
    }
}
