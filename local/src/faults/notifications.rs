//! Faults of notifications: SNS's deliveries and EventBridge's events, on the last stretch of their way.

use super::decide::Subject;
use super::document::Fault;
use super::strike;
use crate::world::{Event, World};
use crate::{events, sns};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// What comes later than it should, or once more.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Late {
    /// A notification of SNS.
    Delivery(sns::Delivery),
    /// An event of EventBridge.
    Event {
        /// The event.
        event: events::Event,
        /// Its ID, which a repetition shares.
        id: String,
    },
}

/// When something arrives: now or not, and how much later, once or several times.
#[derive(Debug, Default, PartialEq, Eq)]
struct Passage {
    now: bool,
    later: Vec<TimeDelta>,
}

/// A notification of SNS is at its subscription.
pub(crate) fn deliver(world: &mut World, delivery: sns::Delivery) {
    let topic = delivery.message.topic_arn.clone();
    let mut parts = topic.split(':').skip(3);
    let (region, account, name) = (parts.next(), parts.next(), parts.next());
    let values = vec![
        ("service", vec!["sns"]),
        ("topic", [Some(topic.as_str()), name].into_iter().flatten().collect()),
        ("region", region.into_iter().collect()),
        ("account", account.into_iter().collect()),
    ];
    let key = format!("{} {}", delivery.subscription_arn, delivery.message.message_id);
    let subject = Subject { values, key, title: name.unwrap_or(&topic).to_owned(), invocation: None };
    pass(world, &subject, Late::Delivery(delivery));
}

/// An event of EventBridge is at its bus.
pub(crate) fn emit(world: &mut World, event: events::Event) {
    let id = event.id(world.seed);
    let (detail_type, region, account) = (event.detail_type.clone(), event.region.clone(), event.account.clone());
    let values = vec![
        ("service", vec!["events"]),
        ("detailType", vec![detail_type.as_str()]),
        ("region", vec![region.as_str()]),
        ("account", vec![account.as_str()]),
    ];
    let subject = Subject { values, key: id.clone(), title: detail_type.clone(), invocation: None };
    pass(world, &subject, Late::Event { event, id });
}

/// It arrives.
pub(crate) fn arrive(world: &mut World, late: Late) {
    match late {
        Late::Delivery(delivery) => sns::on_deliver(world, delivery),
        Late::Event { event, id } => events::on_emit(world, &event, &id),
    }
}

fn pass(world: &mut World, subject: &Subject<'_>, what: Late) {
    let struck = strike(world, subject, Fault::is_of_notifications).pop();
    let passage = passage(struck.as_ref().map(|(fault, before)| (fault, *before)));
    for delay in passage.later {
        world.post(world.now + delay, Event::Late(what.clone()));
    }
    if passage.now {
        arrive(world, what);
    }
}

/// What a fault that struck `before` times makes of a notification's way.
fn passage(struck: Option<(&Fault, u64)>) -> Passage {
    let later = |seconds: &i64| vec![TimeDelta::seconds(*seconds)];
    match struck {
        Some((Fault::Lost, _)) => Passage::default(),
        Some((Fault::Repeated { copies }, _)) => {
            Passage { now: true, later: (1..=*copies).map(TimeDelta::seconds).collect() }
        }
        Some((Fault::Delayed { seconds }, _)) => Passage { now: false, later: later(seconds) },
        Some((Fault::Reordered { seconds }, before)) if before % 2 == 0 => {
            Passage { now: false, later: later(seconds) }
        }
        _ => Passage { now: true, later: Vec::new() },
    }
}
