//! What Image Builder tells others of a build: events on the default bus, a message to the topic.

use super::notification;
use crate::journal::Kind;
use crate::world::{Event, World};
use crate::{events, sns};
use serde_json::{Map, Value, json};

/// The source of all its events.
const SOURCE: &str = "aws.imagebuilder";

/// Emits an event about a resource.
fn emit(world: &mut World, account: &str, region: &str, detail_type: &str, resource: &str, detail: Value) {
    let event = events::Event {
        source: SOURCE.to_owned(),
        detail_type: detail_type.to_owned(),
        account: account.to_owned(),
        region: region.to_owned(),
        resources: vec![resource.to_owned()],
        detail,
        time: world.now,
    };
    world.post(world.now, Event::Emit(event));
}

/// A build's status changed. PENDING and CREATING aren't announced.
pub(crate) fn status_changed(world: &mut World, account: &str, region: &str, image: &str, from: &str, to: &str) {
    if to != "CREATING" {
        let detail = json!({"previous-state": {"status": from}, "state": {"status": to}});
        emit(world, account, region, "EC2 Image Builder Image State Change", image, detail);
    }
}

/// A pipeline was disabled after failures in a row, whose number the event gives as a string.
pub(crate) fn disabled(world: &mut World, account: &str, region: &str, pipeline: &str, failures: u64) {
    let detail = json!({"consecutive-failures": failures.to_string()});
    emit(world, account, region, "EC2 Image Builder Image Pipeline Automatically Disabled", pipeline, detail);
}

/// Sends the message about a build that ended AVAILABLE or FAILED to the topic of its infrastructure
/// configuration, if it has one; it arrives some seconds later.
pub(crate) fn ended(world: &mut World, image_arn: &str, subject: &str) {
    let Some(image) = world.imagebuilder.get(image_arn) else { return };
    let Some(build) = world.imagebuilder.builds.get(image_arn) else { return };
    let (Some(topic_arn), "AVAILABLE" | "FAILED") = (build.topic_arn.clone(), image.status()) else { return };
    let Some(body) = notification::text(world.seed, image, &build.account) else { return };
    let (status, region) = (image.status().to_owned(), image.region.clone());
    let key = ["notification", image_arn, &status];
    let message = sns::Message {
        topic_arn: topic_arn.clone(),
        body,
        subject: None,
        attributes: Map::new(),
        message_id: world.seed.uuid(&key),
    };
    let at = world.now + world.span_millis(&key, 2_000, 9_000);
    world.post(at, Event::Publish(message));
    let topic = topic_arn.rsplit(':').next().unwrap_or_default();
    world.record(Kind::Notification, subject, Some(&region), format!("{status} to topic {topic}"));
}
