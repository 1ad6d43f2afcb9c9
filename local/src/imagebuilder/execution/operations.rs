//! The operations on executions and their steps.

use super::super::lookup::{missing, text};
use super::ids::{self, Place};
use super::play::Action;
use super::{view, waiting};
use crate::clock::iso_millis;
use crate::model::{Listing, bad_value, error};
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::{Map, Value, json};

/// An execution, as GetWorkflowExecution and listings show it.
fn execution(world: &World, image_arn: &str, place: Place) -> Option<Map<String, Value>> {
    view::executions(world, image_arn, place.run.into()).into_iter().nth(place.workflow.into())
}

/// The build and the execution that an ID names.
fn find(world: &World, context: &Context, id: &str) -> Option<(String, Place, Map<String, Value>)> {
    let (image, place) = ids::find(world, context, id)?;
    Some((image.arn.clone(), place, execution(world, &image.arn, place)?))
}

/// GetWorkflowExecution.
pub(crate) fn get_workflow_execution(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let id = text(input, "workflowExecutionId");
    let (arn, _, mut execution) = find(world, context, id).ok_or_else(|| missing(id))?;
    execution.remove("retried");
    execution.insert("imageBuildVersionArn".to_owned(), arn.into());
    Ok(execution.into())
}

/// GetWorkflowStepExecution.
pub(crate) fn get_workflow_step_execution(
    world: &mut World,
    context: &Context,
    input: &Value,
) -> Result<Value, ApiError> {
    let id = text(input, "stepExecutionId");
    let found = find(world, context, id).and_then(|(arn, place, execution)| {
        let steps = view::steps(world, &arn, place.run.into(), place.workflow.into());
        let mut step = steps.into_iter().nth(place.step?.into())?;
        for member in ["workflowBuildVersionArn", "workflowExecutionId"] {
            step.insert(member.to_owned(), execution.get(member)?.clone());
        }
        step.insert("imageBuildVersionArn".to_owned(), arn.into());
        Some(step)
    });
    found.map(Value::Object).ok_or_else(|| missing(id))
}

/// ListWorkflowExecutions: those of a build, oldest first; none of one that doesn't exist.
pub(crate) fn list_workflow_executions<'a>(
    world: &'a World,
    context: &Context,
    input: &Value,
    _after: Option<&str>,
) -> Result<Listing<'a>, ApiError> {
    let arn = text(input, "imageBuildVersionArn").to_owned();
    let visible = |account: &str, region: &str| account == context.account() && region == context.region;
    let image = world.imagebuilder.get(&arn).filter(|image| visible(&image.owner, &image.region));
    let runs = image.and_then(|image| world.imagebuilder.builds.get(&image.arn)).map_or(0, |build| build.runs.len());
    let image_arn = arn.clone();
    let executions = (0..runs).flat_map(move |run| view::executions(world, &image_arn, run));
    Ok(Listing::oldest_first((0..).zip(executions.map(Value::Object))).with("imageBuildVersionArn", arn))
}

/// ListWorkflowStepExecutions: those of an execution, in the order of its document; none of one that doesn't exist.
pub(crate) fn list_workflow_step_executions<'a>(
    world: &'a World,
    context: &Context,
    input: &Value,
    _after: Option<&str>,
) -> Result<Listing<'a>, ApiError> {
    let id = text(input, "workflowExecutionId");
    let Some((arn, place, execution)) = find(world, context, id) else {
        return Ok(Listing::none().with("workflowExecutionId", id));
    };
    let steps = view::steps(world, &arn, place.run.into(), place.workflow.into()).into_iter().map(|mut step| {
        // What the listing's shape lacks.
        step.remove("onFailure");
        step.remove("timeoutSeconds");
        Value::Object(step)
    });
    let workflow = execution.get("workflowBuildVersionArn").cloned().unwrap_or_default();
    let listing = Listing::oldest_first((0..).zip(steps)).with("workflowExecutionId", id);
    Ok(listing.with("workflowBuildVersionArn", workflow).with("imageBuildVersionArn", arn))
}

/// ListWaitingWorkflowSteps: the caller's in its Region, longest waiting first.
pub(crate) fn list_waiting_workflow_steps<'a>(
    world: &'a World,
    context: &Context,
    _input: &Value,
    _after: Option<&str>,
) -> Result<Listing<'a>, ApiError> {
    let mut waiting: Vec<_> = world.imagebuilder.executions.waiting.iter().map(|(id, it)| (it.since, id)).collect();
    waiting.sort();
    let context = context.clone();
    let entry = move |(since, id): (crate::clock::Time, &String)| {
        let (image, place) = ids::find(world, &context, id)?;
        let steps = view::steps(world, &image.arn, place.run.into(), place.workflow.into());
        let step = steps.into_iter().nth(place.step?.into())?;
        let execution = execution(world, &image.arn, place)?;
        let entry = json!({
            "stepExecutionId": id,
            "imageBuildVersionArn": image.arn,
            "workflowExecutionId": execution.get("workflowExecutionId"),
            "workflowBuildVersionArn": execution.get("workflowBuildVersionArn"),
            "name": step.get("name"),
            "action": step.get("action"),
            "startTime": iso_millis(since),
        });
        Some((format!("{} {id}", iso_millis(since)), entry))
    };
    Ok(Listing::ascending(waiting.into_iter().filter_map(entry)))
}

/// SendWorkflowStepAction: a waiting step goes on or fails.
pub(crate) fn send_workflow_step_action(
    world: &mut World,
    context: &Context,
    input: &Value,
) -> Result<Value, ApiError> {
    let (id, arn) = (text(input, "stepExecutionId"), text(input, "imageBuildVersionArn"));
    let found = ids::find(world, context, id).filter(|(_, place)| place.step.is_some());
    let (image, place) = found.map(|(image, place)| (image.arn.clone(), place)).ok_or_else(|| missing(id))?;
    if execution(world, &image, place).is_none() {
        return Err(missing(id));
    }
    if image != arn {
        let details = format!("The step '{id}' isn't one of this image's.");
        return Err(bad_value("imageBuildVersionArn", details));
    }
    if !world.imagebuilder.executions.waiting.contains_key(id) {
        return Err(error("InvalidRequestException", format!("The step '{id}' isn't waiting for an action.")));
    }
    let action = if input["action"] == "STOP" { Action::Stop } else { Action::Resume };
    let reason = input["reason"].as_str().map(str::to_owned);
    waiting::answer(world, &image, id, place, action, reason);
    Ok(json!({"stepExecutionId": id, "imageBuildVersionArn": arn}))
}
