//! EventBridge: rules on the default bus and on buses of one's own, schedules of rules and of EventBridge Scheduler.
//!
//! Only functions, topics and Image Builder's pipelines are reached; a target of
//! another kind is kept and named in a warning.

mod api;
mod bus;
mod fire;
mod members;
mod path;
mod put_events;
mod put_targets;
mod scheduler;
mod targets;
#[cfg(test)]
mod tests;

pub use scheduler::{Schedule, put_schedule};

use crate::clock::{Time, iso_seconds};
use crate::draw::Seed;
use crate::pattern::Pattern;
use crate::schedule::Expression;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use targets::Target;

/// What EventBridge knows.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Store {
    /// Buses beside the default ones, by ARN.
    buses: BTreeMap<String, bus::Bus>,
    /// By ARN.
    rules: BTreeMap<String, Rule>,
    /// Scheduler's, by ARN.
    schedules: BTreeMap<String, scheduler::Kept>,
    /// The last generation given to a rule or schedule.
    generation: u64,
}

impl Store {
    /// A number that no rule or schedule had before: ticks that carry an older one are void.
    fn next_generation(&mut self) -> u64 {
        self.generation += 1;
        self.generation
    }
}

/// A rule on a bus.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Rule {
    name: String,
    /// `default`, or the name of a bus of one's own.
    bus: String,
    /// `arn:aws:events:region:account:rule/name`, with `bus/` before the name on another bus than the default one
    arn: String,
    account: String,
    region: String,
    description: Option<String>,
    role_arn: Option<String>,
    /// `ENABLED`, `ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS` or `DISABLED`.
    state: String,
    /// As it was given, and read.
    pattern: Option<(String, Pattern)>,
    /// As it was given, and read.
    schedule: Option<(String, Expression)>,
    /// When the schedule was set: rates count from here.
    anchor: Time,
    generation: u64,
    /// In the order in which they were added.
    targets: Vec<Target>,
    tags: BTreeMap<String, String>,
}

impl Rule {
    fn is_enabled(&self) -> bool {
        self.state != "DISABLED"
    }
}

/// An event on its way to the default bus of an account and Region.
#[derive(Debug, Clone, Serialize, Deserialize)]
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

impl Event {
    /// Drawn from what the event says: events of several Regions come in any order.
    pub(crate) fn id(&self, seed: Seed) -> String {
        seed.uuid(&["event", &self.document("").to_string()])
    }

    /// The event as rules and targets see it.
    fn document(&self, id: &str) -> Value {
        json!({
            "version": "0",
            "id": id,
            "detail-type": self.detail_type,
            "source": self.source,
            "account": self.account,
            "time": iso_seconds(self.time),
            "region": self.region,
            "resources": self.resources,
            "detail": self.detail,
        })
    }
}

/// A rule's or schedule's time has come.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tick {
    /// The rule's or schedule's ARN.
    pub arn: String,
    /// The generation of the rule or schedule when this was posted: an update makes older ones void.
    pub generation: u64,
    /// The time that the expression names; a flexible window makes the tick itself later.
    pub scheduled: Time,
}

/// One API call of EventBridge; input and answer are the bodies of awsJson.
///
/// # Errors
/// As EventBridge answers; `UnknownOperationException` for what isn't supported here.
pub fn call(world: &mut World, context: &Context, operation: &str, input: Value) -> Result<Value, ApiError> {
    api::call(world, context, operation, &input)
}

/// An event reached its bus, under an ID that a repetition has too: the targets of every rule that matches are due now.
pub fn on_emit(world: &mut World, event: &Event, id: &str) {
    fire::arrive(world, bus::DEFAULT, event, id);
}

/// A rule's or schedule's time has come: its target is due now, and the next time is posted.
pub fn on_tick(world: &mut World, tick: Tick) {
    if world.events.rules.contains_key(&tick.arn) {
        fire::on_rule_tick(world, &tick);
    } else {
        scheduler::on_tick(world, &tick);
    }
}
