//! What other subjects see of a build's steps.

use super::plan::Phase;
use super::play::Ending;
use super::run::played;
use super::setting::Setting;
use crate::clock::Time;
use crate::world::World;
use chrono::TimeDelta;

/// A step that was begun, and is known to end.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// When it began, or will.
    pub(crate) began: Time,
    /// When it ended, or will.
    pub(crate) ended: Time,
    /// What it said, if it failed, or will.
    pub(crate) failure: Option<String>,
    /// Whether it failed for want of time.
    pub(crate) timed_out: bool,
    /// The instance that it worked on.
    pub(crate) instance_id: Option<String>,
}

/// The first step of an action in the last run of a phase.
pub(crate) fn seen(world: &World, image_arn: &str, phase: Phase, action: &str) -> Option<Seen> {
    let setting = Setting::of(world, image_arn)?;
    let index = setting.build.runs.iter().rposition(|run| run.phase == phase)?;
    let cut = setting.build.runs.get(index)?.cut;
    let (executions, _) = played(world, image_arn, index)?;
    let workflows = setting.workflows(phase);
    let steps = executions.iter().zip(&workflows).flat_map(|(played, (_, document))| {
        let steps = played.steps.iter().zip(&document.steps);
        steps.filter(|(played, step)| step.action == action && played.began.is_some())
    });
    let (played, step) = steps.into_iter().next()?;
    let (began, ended) = (played.began?, played.ended?);
    let failed = played.ending == Ending::Failed;
    let limit = step.timeout_seconds.map(|seconds| TimeDelta::seconds(seconds.into()));
    cut.is_none_or(|cut| ended <= cut).then(|| Seen {
        began,
        ended,
        failure: failed.then(|| played.message.clone().unwrap_or_default()),
        timed_out: failed && limit == Some(ended - began),
        instance_id: played.inputs.get("instanceId").and_then(|id| id.as_str()).map(str::to_owned),
    })
}

/// Whether a build's last run begins at this moment.
pub(crate) fn began_now(world: &World, image_arn: &str) -> bool {
    let build = world.imagebuilder.builds.get(image_arn);
    build.and_then(|build| build.runs.last()).is_some_and(|run| run.began == world.now)
}
