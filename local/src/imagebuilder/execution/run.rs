//! The runs of a build's workflows: how one begins, goes on and ends.

use super::super::failure::{self, Failure};
use super::super::phases::{self, Size};
use super::Event;
use super::ids::{self, Place};
use super::plan::Phase;
use super::play::{Fault, Outcome, Played, Run, play};
use super::setting::Setting;
use crate::clock::Time;
use crate::world::{self, World};
use serde_json::{Map, Value};

/// A run of a build, played as far as it is known.
pub(super) fn played(world: &World, image_arn: &str, index: usize) -> Option<(Vec<Played>, Outcome)> {
    let mut setting = Setting::of(world, image_arn)?;
    let run = setting.build.runs.get(index)?;
    for phase in [Phase::Build, Phase::Test].into_iter().filter(|phase| *phase < run.phase) {
        if let Some(earlier) = setting.build.runs[..index].iter().rposition(|earlier| earlier.phase == phase) {
            let (executions, _) = played(world, image_arn, earlier)?;
            setting.add_outputs(phase, &executions);
        }
    }
    let total = phases::lasts(world.seed, image_arn, run.phase.status(), Size::of(&setting.image.document));
    Some(play(&setting, run, total))
}

/// The index of the last run of a build, if there was one.
fn last(world: &World, image_arn: &str) -> Option<usize> {
    world.imagebuilder.builds.get(image_arn)?.runs.len().checked_sub(1)
}

/// Lets a build's executions be found by their IDs.
pub(crate) fn enlist(world: &mut World, image_arn: &str) {
    let mark = ids::mark(world.seed, image_arn);
    world.imagebuilder.executions.images.insert(mark, image_arn.to_owned());
}

/// Forgets the executions of a build that is deleted.
pub(crate) fn forget(world: &mut World, image_arn: &str) {
    let mark = ids::mark(world.seed, image_arn);
    world.imagebuilder.executions.images.remove(&mark);
    world.imagebuilder.builds.remove(image_arn);
}

/// A build enters a status in which workflows run. When the status ends, as far as that is known.
pub(crate) fn begin(world: &mut World, image_arn: &str, phase: Phase) -> Option<Time> {
    let image = world.imagebuilder.get(image_arn)?;
    let given = world.imagebuilder.builds.get(image_arn).and_then(|build| build.failure.as_deref());
    let fault = match given.filter(|failure| failure.status == phase.status()) {
        Some(failure) => Some(Fault::Given(message(failure))),
        None => failure::foretold(world, image, phase).map(Fault::Component),
    };
    let fault = fault.map(Box::new);
    let began = world.now;
    let build = world.imagebuilder.builds.get_mut(image_arn)?;
    build.runs.push(Run { phase, began, cut: None, fault, answers: Vec::new() });
    go_on(world, image_arn)
}

/// When the status of a build ends, as far as that is known; what waits before is posted.
pub(crate) fn go_on(world: &mut World, image_arn: &str) -> Option<Time> {
    let index = last(world, image_arn)?;
    let (executions, outcome) = played(world, image_arn, index)?;
    if let Outcome::Ends(at, _) = outcome {
        return Some(at);
    }
    for (place, began) in waiting(&executions, index) {
        let step_execution_id = ids::id(world.seed, image_arn, place);
        if !world.imagebuilder.executions.waiting.contains_key(&step_execution_id) {
            let event = Event::Waits { image_arn: image_arn.to_owned(), step_execution_id };
            world.post(began, world::Event::ImageBuilder(super::super::Event::Execution(event)));
        }
    }
    None
}

/// The steps that wait for an action, or will, and since when.
fn waiting(executions: &[Played], run: usize) -> impl Iterator<Item = (Place, Time)> {
    executions.iter().enumerate().flat_map(move |(workflow, played)| {
        let waits = move |(number, step): (usize, &super::play::StepPlayed)| {
            step.waits.and(step.began).map(|began| (place(run, workflow, Some(number)), began))
        };
        played.steps.iter().enumerate().filter_map(waits)
    })
}

/// A build has few runs, workflows and steps: what doesn't fit isn't there.
pub(super) fn place(run: usize, workflow: usize, step: Option<usize>) -> Place {
    Place {
        run: u8::try_from(run).unwrap_or(u8::MAX),
        workflow: u8::try_from(workflow).unwrap_or(u8::MAX),
        step: step.map(|step| u16::try_from(step).unwrap_or(u16::MAX - 1)),
    }
}

/// Why the status that a build is in fails by its workflows, if it does.
pub(crate) fn failure(world: &World, image_arn: &str, status: &str) -> Option<Failure> {
    let index = last(world, image_arn)?;
    let run = world.imagebuilder.builds.get(image_arn)?.runs.get(index)?;
    let (executions, outcome) = played(world, image_arn, index).filter(|_| run.phase.status() == status)?;
    let Outcome::Ends(_, Some((workflow, step))) = outcome else { return None };
    let place = where_it_failed(world, image_arn, index, (workflow, step))?;
    Some(match run.fault.as_deref() {
        Some(Fault::Component(fault))
            if executions[workflow].steps[step].message.as_ref() == Some(&fault.message()) =>
        {
            failure::of_component(world.seed, image_arn, status, fault, place)
        }
        _ => failure::of_step(status, executions[workflow].steps[step].message.as_deref().unwrap_or_default(), place),
    })
}

/// The members of a failure's context that name the workflow and the step.
fn where_it_failed(world: &World, image_arn: &str, run: usize, at: (usize, usize)) -> Option<Map<String, Value>> {
    let setting = Setting::of(world, image_arn)?;
    let (planned, document) = *setting.workflows(setting.build.runs.get(run)?.phase).get(at.0)?;
    let id = |step| Value::from(ids::id(world.seed, image_arn, place(run, at.0, step)));
    Some(Map::from_iter([
        ("workflowExecutionId".to_owned(), id(None)),
        ("workflowArn".to_owned(), planned.arn.as_str().into()),
        ("stepExecutionId".to_owned(), id(Some(at.1))),
        ("failedStep".to_owned(), document.steps.get(at.1)?.name.as_str().into()),
    ]))
}

/// What a step says of a failure: 500 characters at most.
fn message(failure: &Failure) -> String {
    failure.reason.chars().take(500).collect()
}

/// A build fails at the end of a status for another reason than its workflows': the step that it was
/// foretold for is to blame, or the last one.
pub(crate) fn blame(world: &mut World, image_arn: &str, failure: &mut Failure) {
    failure::name_component(world, image_arn, failure);
    let Some(index) = last(world, image_arn) else { return };
    let Some(build) = world.imagebuilder.builds.get_mut(image_arn) else { return };
    let run = &mut build.runs[index];
    if run.phase.status() != failure.status {
        return;
    }
    if !matches!(run.fault.as_deref(), Some(Fault::Given(_))) {
        run.fault = Some(Box::new(Fault::AtEnd(message(failure))));
    }
    let Some((_, Outcome::Ends(_, Some(at)))) = played(world, image_arn, index) else { return };
    let place = where_it_failed(world, image_arn, index, at).unwrap_or_default();
    let Some(context) = failure.context.as_object_mut() else { return };
    for (member, value) in place {
        context.entry(member).or_insert(value);
    }
}

/// A build is about to be cancelled: nothing of it waits any more.
pub(crate) fn cancel(world: &mut World, image_arn: &str) {
    world.imagebuilder.executions.waiting.retain(|_, waiting| waiting.image_arn != image_arn);
}

/// A build was cancelled in a status: what ran in it was cut off.
pub(crate) fn cancelled(world: &mut World, image_arn: &str, status: &str) {
    let now = world.now;
    if let Some(run) = world.imagebuilder.builds.get_mut(image_arn).and_then(|build| build.runs.last_mut())
        && run.phase.status() == status
    {
        run.cut = Some(now);
    }
}

/// The UUID of the first execution of a phase's last run, if there was one.
pub(crate) fn first_execution(world: &World, image_arn: &str, phase: Phase) -> Option<String> {
    let build = world.imagebuilder.builds.get(image_arn)?;
    let run = build.runs.iter().rposition(|run| run.phase == phase)?;
    Some(ids::uuid(world.seed, image_arn, place(run, 0, None)))
}
