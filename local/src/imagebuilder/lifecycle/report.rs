//! What is told of executions, and how one is asked to stop.

use super::execution::{Execution, Outcome, Part, Task, cancel};
use super::refusal;
use crate::clock::{Time, epoch_seconds};
use crate::imagebuilder::lookup::{missing, text};
use crate::model::Listing;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::{Map, Value, json};
use shared::arn::ImageBuildArn;

fn find<'a>(world: &'a World, context: &Context, id: &str) -> Result<&'a Execution, ApiError> {
    let found = world.imagebuilder.lifecycle.executions.get(id);
    let own = |it: &&Execution| it.account == context.account() && it.region == context.region;
    found.filter(own).ok_or_else(|| missing(id))
}

/// GetLifecycleExecution.
pub(in crate::imagebuilder) fn get_lifecycle_execution(
    world: &mut World,
    context: &Context,
    input: &Value,
) -> Result<Value, ApiError> {
    let execution = find(world, context, text(input, "lifecycleExecutionId"))?;
    Ok(json!({"lifecycleExecution": execution.document()}))
}

/// CancelLifecycleExecution: it stops some seconds later, and what it did stays done.
pub(in crate::imagebuilder) fn cancel_lifecycle_execution(
    world: &mut World,
    context: &Context,
    input: &Value,
) -> Result<Value, ApiError> {
    let id = text(input, "lifecycleExecutionId");
    let status = find(world, context, id)?.status;
    if status.is_over() {
        let rule = format!("The lifecycle execution has ended: it is {}.", status.name());
        return Err(refusal("lifecycleExecutionId", rule));
    }
    cancel(world, id);
    Ok(json!({"lifecycleExecutionId": id}))
}

/// ListLifecycleExecutions of a policy or an image build version, newest first.
pub(in crate::imagebuilder) fn list_lifecycle_executions<'a>(
    world: &'a World,
    context: &Context,
    input: &Value,
    _after: Option<&str>,
) -> Result<Listing<'a>, ApiError> {
    let arn = text(input, "resourceArn");
    if !arn.contains(":lifecycle-policy/") && arn.parse::<ImageBuildArn>().is_err() {
        return Err(refusal("resourceArn", "It has to be the ARN of a lifecycle policy or an image build version."));
    }
    let store = &world.imagebuilder.lifecycle;
    let (account, region) = (context.account().to_owned(), context.region.clone());
    let found = store.by_resource.get(arn).into_iter().flatten().rev().filter_map(|id| store.executions.get(id));
    let own = found.filter(move |it| it.account == account && it.region == region);
    Ok(Listing::newest_first(own.map(|execution| (execution.made, execution.document()))))
}

/// ListLifecycleExecutionResources: the images, or with `parentResourceId` the outputs of one of them.
pub(in crate::imagebuilder) fn list_lifecycle_execution_resources<'a>(
    world: &'a World,
    context: &Context,
    input: &Value,
    _after: Option<&str>,
) -> Result<Listing<'a>, ApiError> {
    let execution = find(world, context, text(input, "lifecycleExecutionId"))?;
    let numbered = |(place, entry): (usize, Value)| (format!("{place:08}"), entry);
    let listing = match input["parentResourceId"].as_str().map(str::to_owned) {
        None => {
            let images = execution.tasks.iter().map(|task| execution.entry(task, Value::Null));
            Listing::ascending(images.enumerate().map(numbered))
        }
        Some(parent) => {
            let parents = execution.tasks.iter().filter(move |task| task.image_arn == parent);
            let parts = parents.flat_map(|task| task.parts.iter().map(|part| execution.part(task, part)));
            Listing::ascending(parts.enumerate().map(numbered))
        }
    };
    Ok(listing.with("lifecycleExecutionId", execution.id.as_str()).with("lifecycleExecutionState", execution.state()))
}

impl Execution {
    fn state(&self) -> Value {
        with_reason(json!({"status": self.status.name()}), self.reason.as_deref())
    }

    fn document(&self) -> Value {
        let done = |task: &Task| {
            task.outcome == Outcome::Success || task.parts.iter().any(|part| part.outcome == Outcome::Success)
        };
        let mut document = json!({
            "lifecycleExecutionId": self.id,
            "resourcesImpactedSummary": {"hasImpactedResources": self.tasks.iter().any(done)},
            "state": self.state(),
            "startTime": epoch_seconds(self.started),
        });
        if let Some(arn) = &self.policy_arn {
            document["lifecyclePolicyArn"] = arn.as_str().into();
        }
        ending(document, self.ended)
    }

    /// What the listings say of an image, or of one of its outputs.
    fn entry(&self, task: &Task, more: Value) -> Value {
        let action = json!({"name": self.orders[task.order].action.name()});
        let mut entry = json!({
            "accountId": self.account,
            "resourceId": task.image_arn,
            "region": self.region,
            "state": task.outcome.state(),
            "action": with_reason(action, task.reason.as_deref()),
            "startTime": epoch_seconds(self.started),
        });
        for (member, value) in more.as_object().into_iter().flatten() {
            entry[member] = value.clone();
        }
        ending(entry, task.ended)
    }

    fn part(&self, task: &Task, part: &Part) -> Value {
        let mut more = Map::new();
        more.insert("accountId".to_owned(), part.account.as_str().into());
        more.insert("resourceId".to_owned(), part.id.as_str().into());
        more.insert("region".to_owned(), part.region.as_str().into());
        more.insert("state".to_owned(), part.outcome.state());
        if part.uris.is_empty() {
            let snapshots = part.snapshots.iter();
            let snapshots = snapshots.map(|(id, outcome)| json!({"snapshotId": id, "state": outcome.state()}));
            more.insert("snapshots".to_owned(), snapshots.collect());
        } else {
            more.insert("imageUris".to_owned(), part.uris.clone().into());
        }
        self.entry(task, more.into())
    }
}

impl Outcome {
    fn state(&self) -> Value {
        match self {
            Self::InProgress => json!({"status": "IN_PROGRESS"}),
            Self::Success => json!({"status": "SUCCESS"}),
            Self::Skipped(reason) => json!({"status": "SKIPPED", "reason": reason}),
            Self::Failed(reason) => json!({"status": "FAILED", "reason": reason}),
        }
    }
}

fn with_reason(mut value: Value, reason: Option<&str>) -> Value {
    if let Some(reason) = reason {
        value["reason"] = reason.into();
    }
    value
}

fn ending(mut document: Value, ended: Option<Time>) -> Value {
    if let Some(ended) = ended {
        document["endTime"] = epoch_seconds(ended).into();
    }
    document
}
