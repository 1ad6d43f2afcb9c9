//! Steps that wait for an action: they hold their build until it comes, or until its time is over.

use super::super::{announce, build};
use super::ids::{self, Place};
use super::play::{Action, Answer};
use super::run::{place, played};
use super::setting::Setting;
use super::{Event, Waiting};
use crate::clock::Time;
use crate::journal;
use crate::wire::Context;
use crate::world::{self, World};
use serde_json::json;

/// What is told of a step that begins to wait.
struct Wait {
    until: Time,
    notice: announce::StepWaiting,
}

/// A step begins to wait, unless it was cancelled or answered since that was posted: it is told.
pub(super) fn begins(world: &mut World, image_arn: &str, step_execution_id: &str) {
    if world.imagebuilder.executions.waiting.contains_key(step_execution_id) {
        return;
    }
    let Some(Wait { until, notice }) = find(world, image_arn, step_execution_id) else { return };
    let Some(image) = world.imagebuilder.get(image_arn).cloned() else { return };
    let waiting = Waiting { image_arn: image_arn.to_owned(), since: world.now };
    world.imagebuilder.executions.waiting.insert(step_execution_id.to_owned(), waiting);
    let detail = format!("{} waits at the step {} for SendWorkflowStepAction", image.status(), notice.step_name);
    world.record(journal::Kind::Warning, build::subject(&image), Some(&image.region), detail);
    announce::step_waiting(world, &image, &notice);
    let event = Event::TimesOut { step_execution_id: step_execution_id.to_owned() };
    world.post(until, world::Event::ImageBuilder(super::super::Event::Execution(event)));
}

/// The wait of a step as it now stands, if its build is under way and waits for it.
fn find(world: &World, image_arn: &str, step_execution_id: &str) -> Option<Wait> {
    let setting = Setting::of(world, image_arn)?;
    let index = setting.build.runs.len().checked_sub(1)?;
    let run = setting.build.runs.get(index)?;
    let cancelled = setting.build.ahead.first().is_none_or(|next| next == "CANCELLED");
    if cancelled || setting.image.status() != run.phase.status() {
        return None;
    }
    let (executions, _) = played(world, image_arn, index)?;
    executions.iter().zip(setting.workflows(run.phase)).enumerate().find_map(
        |(workflow, (played, (planned, document)))| {
            let mut steps = played.steps.iter().zip(&document.steps).enumerate();
            steps.find_map(|(number, (step, named))| {
                let until = step.waits?;
                let id = |step| ids::id(world.seed, image_arn, place(index, workflow, step));
                let input = |name: &str| Some(step.inputs.get(name)?.as_str()?.to_owned());
                (id(Some(number)) == step_execution_id).then(|| Wait {
                    until,
                    notice: announce::StepWaiting {
                        workflow_arn: planned.arn.clone(),
                        workflow_execution_id: id(None),
                        step_execution_id: step_execution_id.to_owned(),
                        step_name: named.name.clone(),
                        topic_arn: input("snsTopicArn"),
                        function_name: input("lambdaFunctionName"),
                        payload: step.inputs.get("payload").cloned().unwrap_or_else(|| json!(null)),
                    },
                })
            })
        },
    )
}

/// No action came in time, if none came.
pub(super) fn times_out(world: &mut World, step_execution_id: &str) {
    let Some(waiting) = world.imagebuilder.executions.waiting.get(step_execution_id) else { return };
    let image_arn = waiting.image_arn.clone();
    let Some(image) = world.imagebuilder.get(&image_arn) else { return };
    let context = Context {
        caller: crate::wire::Caller::service(&image.owner, "imagebuilder.amazonaws.com"),
        region: image.region.clone(),
        request_id: String::new(),
    };
    let Some((_, place)) = ids::find(world, &context, step_execution_id) else { return };
    answer(world, &image_arn, step_execution_id, place, Action::TimeOut, None);
}

/// A waiting step's action has come: the build goes on.
pub(super) fn answer(
    world: &mut World,
    image_arn: &str,
    step_execution_id: &str,
    place: Place,
    action: Action,
    reason: Option<String>,
) {
    world.imagebuilder.executions.waiting.remove(step_execution_id);
    let at = world.now;
    let run = world.imagebuilder.builds.get_mut(image_arn).and_then(|build| build.runs.get_mut(usize::from(place.run)));
    let (Some(run), Some(step)) = (run, place.step) else { return };
    run.answers.push(Answer { workflow: place.workflow, step, at, action, reason });
    build::go_on(world, image_arn);
}
