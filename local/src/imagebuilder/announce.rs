//! What Image Builder tells others of a build: events on the default bus, a message to the topic.

use super::store::Resource;
use super::{execution, notification};
use crate::journal::Kind;
use crate::world::{Event, World};
use crate::{events, lambda, sns};
use serde_json::{Map, Value, json};

/// An event about a resource, and what it names beside it, on the default bus of the Region that it belongs to.
fn emit(world: &mut World, resource: &Resource, beside: &[String], (detail_type, detail): (&str, Value)) {
    let event = events::Event {
        source: "aws.imagebuilder".to_owned(),
        detail_type: detail_type.to_owned(),
        account: resource.owner.clone(),
        region: resource.region.clone(),
        resources: [std::slice::from_ref(&resource.arn), beside].concat(),
        detail,
        time: world.now,
    };
    world.post(world.now, Event::Emit(event));
}

/// The event's type and detail for a change of a build's status. PENDING and CREATING aren't announced.
fn change(from: &str, to: &str) -> Option<(&'static str, Value)> {
    let detail = json!({"previous-state": {"status": from}, "state": {"status": to}});
    (!matches!(to, "PENDING" | "CREATING")).then_some(("EC2 Image Builder Image State Change", detail))
}

/// The same for a pipeline that was disabled. The number is a string.
fn auto_disabled(failures: u64) -> (&'static str, Value) {
    let detail = json!({"consecutive-failures": failures.to_string()});
    ("EC2 Image Builder Image Pipeline Automatically Disabled", detail)
}

/// A build's status changed.
pub(crate) fn status_changed(world: &mut World, image: &Resource, from: &str) {
    if let Some(event) = change(from, image.status()) {
        emit(world, image, &[], event);
    }
}

/// A pipeline was disabled after failures in a row.
pub(crate) fn disabled(world: &mut World, pipeline: &Resource, failures: u64) {
    emit(world, pipeline, &[], auto_disabled(failures));
}

/// A build's scan found vulnerabilities on its test instance. `counts`: how many, by severity.
pub(crate) fn cve_detected(world: &mut World, image: &Resource, instance_id: &str, counts: Value) {
    let detail = json!({"resource-id": instance_id, "finding-severity-counts": counts});
    let pipeline: Vec<_> = image.text("sourcePipelineArn").map(str::to_owned).into_iter().collect();
    emit(world, image, &pipeline, ("EC2 Image Builder CVE Detected", detail));
}

/// A step of a workflow that waits for an action.
pub(crate) struct StepWaiting {
    /// The workflow's build.
    pub(crate) workflow_arn: String,
    /// `wf-…`
    pub(crate) workflow_execution_id: String,
    /// `step-…`
    pub(crate) step_execution_id: String,
    /// As in the workflow's document.
    pub(crate) step_name: String,
    /// The topic that the step's inputs name.
    pub(crate) topic_arn: Option<String>,
    /// The function that the step's inputs name.
    pub(crate) function_name: Option<String>,
    /// What the step's inputs have for them.
    pub(crate) payload: Value,
}

/// A step waits for an action: an event, a message to the step's topic, an invocation of its function.
pub(crate) fn step_waiting(world: &mut World, image: &Resource, step: &StepWaiting) {
    let detail = json!({
        "workflow-execution-id": step.workflow_execution_id,
        "workflow-step-execution-id": step.step_execution_id,
        "workflow-step-name": step.step_name,
    });
    let beside = std::slice::from_ref(&step.workflow_arn);
    emit(world, image, beside, ("EC2 Image Builder Workflow Step Waiting", detail));
    let mut told = json!({
        "imageBuildVersionArn": image.arn,
        "workflowBuildVersionArn": step.workflow_arn,
        "workflowExecutionId": step.workflow_execution_id,
        "stepExecutionId": step.step_execution_id,
        "stepName": step.step_name,
    });
    if !step.payload.is_null() {
        told["payload"] = step.payload.clone();
    }
    if let Some(topic_arn) = step.topic_arn.clone() {
        let message = sns::Message {
            topic_arn,
            body: told.to_string(),
            subject: None,
            attributes: Map::new(),
            message_id: world.seed.uuid(&["step waiting", &step.step_execution_id]),
        };
        world.post(world.now, Event::Publish(message));
    }
    if let Some(name) = &step.function_name {
        let Resource { region, owner, .. } = image;
        let arn = format!("arn:aws:lambda:{region}:{owner}:function:{name}");
        if world.lambda.functions.contains_key(&arn) {
            lambda::accept(world, &arn, told.to_string(), "event");
        } else {
            let warning = format!("the step {} names the function {name}, which doesn't exist", step.step_name);
            world.record(Kind::Warning, image.segment.as_str(), Some(region), warning);
        }
    }
}

/// The message about a build that is AVAILABLE or FAILED, for the topic of its infrastructure configuration,
/// if it has one.
fn message(world: &World, image: &Resource) -> Option<sns::Message> {
    let build = world.imagebuilder.builds.get(&image.arn)?;
    matches!(image.status(), "AVAILABLE" | "FAILED").then_some(())?;
    Some(sns::Message {
        topic_arn: build.topic_arn.clone()?,
        body: notification::text(world, image, &build.account)?,
        subject: None,
        attributes: Map::new(),
        message_id: world.seed.uuid(&["notification", &image.arn, image.status(), &attempt(world, image)]),
    })
}

/// What tells the messages about a build that was retried from the ones before.
fn attempt(world: &World, image: &Resource) -> String {
    execution::attempt(world, &image.arn).to_string()
}

/// Sends the message about a build that has ended, if there is one to send; it arrives some seconds later.
pub(crate) fn ended(world: &mut World, image: &Resource, subject: &str) {
    let Some(message) = message(world, image) else { return };
    let at = world.now
        + world.span_millis(&["notification", &image.arn, image.status(), &attempt(world, image)], 2_000, 9_000);
    let topic = message.topic_arn.rsplit(':').next().unwrap_or_default();
    let detail = format!("{} to topic {topic}", image.status());
    world.record(Kind::Notification, subject, Some(&image.region), detail);
    world.post(at, Event::Publish(message));
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;

    #[test]
    fn changes_are_announced_from_building_on() {
        assert_eq!(change("PENDING", "CREATING"), None);
        let (detail_type, detail) = change("TESTING", "AVAILABLE").unwrap();
        assert_eq!(detail_type, "EC2 Image Builder Image State Change");
        assert_eq!(detail, json!({"previous-state": {"status": "TESTING"}, "state": {"status": "AVAILABLE"}}));
        assert_eq!(auto_disabled(5).1, json!({"consecutive-failures": "5"}));
    }

    #[test]
    fn the_message_has_neither_subject_nor_attributes_and_there_is_none_without_topic_or_for_cancelled_builds() {
        let mut world = world();
        put_web(&mut world);
        let pipeline = put_pipeline(&mut world, "web", json!({}));
        let arn = start_pipeline(&mut world, &pipeline);
        run(&mut world);
        let mut image = world.imagebuilder.get(&arn).unwrap().clone();
        let sent = message(&world, &image).unwrap();
        assert_eq!((sent.topic_arn.as_str(), sent.subject, sent.attributes.len()), (TOPIC, None, 0));
        image.document.insert("state", json!({"status": "CANCELLED"}));
        assert!(message(&world, &image).is_none());
        image.document.insert("state", json!({"status": "AVAILABLE"}));
        world.imagebuilder.builds.get_mut(&arn).unwrap().topic_arn = None;
        assert!(message(&world, &image).is_none());
    }
}
