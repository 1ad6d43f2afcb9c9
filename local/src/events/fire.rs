//! What rules do when an event matches or their time has come, and how targets are reached.

use super::targets::Destination;
use super::{Event, Rule, Tick};
use crate::clock::Time;
use crate::journal::Kind;
use crate::world::{self, World};
use crate::{imagebuilder, lambda, sns};
use chrono_tz::Tz;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

/// What is to be sent, worked out before anything is sent.
#[derive(Debug, PartialEq)]
pub(super) struct Sending {
    pub(super) arn: String,
    /// The input, or in words why there is none.
    pub(super) input: Result<String, String>,
}

/// An event is on a bus of its account and Region.
pub(super) fn arrive(world: &mut World, bus: &str, event: &Event, id: &str) {
    let document = event.document(id);
    let matching: Vec<String> = world
        .events
        .rules
        .values()
        .filter(|rule| rule.is_enabled() && rule.account == event.account && rule.region == event.region)
        .filter(|rule| rule.bus == bus)
        .filter(|rule| rule.pattern.as_ref().is_some_and(|(_, pattern)| pattern.matches(&document)))
        .map(|rule| rule.arn.clone())
        .collect();
    let detail = match event.resources.first() {
        Some(resource) => format!("{}: {resource}", event.detail_type),
        None => event.detail_type.clone(),
    };
    for arn in matching {
        fire(world, &arn, &document, Kind::RuleMatched, &detail, "rule");
    }
}

/// Voids the ticks of a rule and posts its next one, if it is enabled and has a schedule.
pub(super) fn reschedule(world: &mut World, arn: &str) {
    let generation = world.events.next_generation();
    if let Some(rule) = world.events.rules.get_mut(arn) {
        rule.generation = generation;
    }
    post_next(world, arn, world.now);
}

fn post_next(world: &mut World, arn: &str, after: Time) {
    let Some(rule) = world.events.rules.get(arn).filter(|rule| rule.is_enabled()) else { return };
    let Some((_, expression)) = &rule.schedule else { return };
    if let Some(scheduled) = expression.next_after(after, Tz::UTC, rule.anchor) {
        let tick = Tick { arn: arn.to_owned(), generation: rule.generation, scheduled };
        world.post(scheduled, world::Event::Tick(tick));
    }
}

/// A rule's time has come.
pub(super) fn on_rule_tick(world: &mut World, tick: &Tick) {
    let Some(rule) = world.events.rules.get(&tick.arn).filter(|rule| rule.generation == tick.generation) else {
        return;
    };
    let detail = rule.schedule.as_ref().map_or_else(String::new, |(text, _)| text.clone());
    let event = Event {
        source: "aws.events".to_owned(),
        detail_type: "Scheduled Event".to_owned(),
        account: rule.account.clone(),
        region: rule.region.clone(),
        resources: vec![rule.arn.clone()],
        detail: json!({}),
        time: tick.scheduled,
    };
    post_next(world, &tick.arn, tick.scheduled);
    let document = event.document(&event.id(world.seed));
    fire(world, &tick.arn, &document, Kind::ScheduleFired, &detail, "schedule");
}

fn fire(world: &mut World, arn: &str, document: &Value, kind: Kind, detail: &str, source: &str) {
    let Some(rule) = world.events.rules.get(arn) else { return };
    let (name, region) = (rule.name.clone(), rule.region.clone());
    let sendings = sendings(rule, document, world.now);
    world.record(kind, name.as_str(), Some(&region), detail);
    for sending in sendings {
        send(world, sending, &name, &region, source);
    }
}

/// What a rule sends for an event, in the order of its targets.
pub(super) fn sendings(rule: &Rule, document: &Value, now: Time) -> Vec<Sending> {
    let one =
        |target: &super::Target| Sending { arn: target.arn.clone(), input: target.shape.apply(document, rule, now) };
    rule.targets.iter().map(one).collect()
}

/// Reaches a target of a rule or schedule. A failed one is told in the journal, for EventBridge tells nobody.
pub(super) fn send(world: &mut World, sending: Sending, sender: &str, region: &str, source: &str) {
    let Sending { arn, input } = sending;
    let sent = match (Destination::of(&arn), input) {
        (Some(Destination::Function), Ok(input)) => match serde_json::from_str::<IgnoredAny>(&input) {
            Ok(_) => {
                lambda::accept(world, &arn, input, source);
                Ok(())
            }
            Err(error) => Err(format!("its input isn't JSON: {error}")),
        },
        (Some(Destination::Topic), Ok(body)) => {
            let message = sns::Message {
                topic_arn: arn.clone(),
                body,
                subject: None,
                attributes: Map::new(),
                message_id: world.fresh_uuid("message"),
            };
            world.post(world.now, world::Event::Publish(message));
            Ok(())
        }
        (Some(Destination::Pipeline), _) => {
            let start = imagebuilder::Event::StartPipeline { pipeline_arn: arn.clone() };
            world.post(world.now, world::Event::ImageBuilder(start));
            Ok(())
        }
        (_, Err(reason)) => Err(reason),
        // Said when the target was accepted.
        (Some(Destination::Elsewhere) | None, Ok(_)) => Ok(()),
    };
    if let Err(reason) = sent {
        world.record(Kind::Warning, sender, Some(region), format!("{arn} wasn't reached: {reason}"));
    }
}

/// Says of a target that it is kept but never reached.
pub(super) fn warn_unreached(world: &mut World, sender: &str, region: &str, arn: &str) {
    world.record(Kind::Warning, sender, Some(region), format!("{arn} is not delivered locally"));
}
