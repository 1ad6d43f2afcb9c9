//! Executions and their steps as the API shows them at a moment.

use super::super::workflow::document::{Document, Step};
use super::ids;
use super::plan::{Phase, Planned};
use super::play::{Ending, Played, Rollback, StepPlayed};
use super::retry;
use super::run::{place, played};
use super::setting::Setting;
use crate::clock::{Time, iso_millis};
use crate::world::World;
use serde_json::{Map, Value, json};

/// A step may take so long by the model of the API; what may take longer isn't said.
const MAX_TIMEOUT: u32 = 43_200;

/// How long a step may take unless its document says otherwise, in seconds.
fn timeout(action: &str) -> Option<u32> {
    match action {
        "WaitForAction" => None,
        "ExecuteComponents" | "CreateImage" => Some(MAX_TIMEOUT),
        _ => Some(3_600),
    }
}

/// The executions of a run of a build, in the order of its workflows.
pub(super) fn executions(world: &World, image_arn: &str, run: usize) -> Vec<Map<String, Value>> {
    let Some((setting, phase)) = of_run(world, image_arn, run) else { return Vec::new() };
    let Some((all, _)) = played(world, image_arn, run) else { return Vec::new() };
    let clock = Clock { now: world.now, cut: setting.build.runs.get(run).and_then(|run| run.cut) };
    let again = retry::was_retried(&setting.build.runs, run);
    let view = |(index, (execution, (planned, document))): (usize, (&Played, (&Planned, &Document)))| {
        let mut view = Map::new();
        let mut set = |member: &str, value: Value| view.insert(member.to_owned(), value);
        set("workflowBuildVersionArn", planned.arn.as_str().into());
        set("workflowExecutionId", ids::id(world.seed, image_arn, place(run, index, None)).into());
        set("type", phase.workflow_type().into());
        let status = clock.execution(execution);
        set("status", status.into());
        if let Some(message) = message(execution, status, document) {
            set("message", message.into());
        }
        let count = |wanted: &str| execution.steps.iter().filter(|step| clock.step(step).status == wanted).count();
        set("totalStepCount", execution.steps.len().into());
        set("totalStepsSucceeded", count("COMPLETED").into());
        set("totalStepsFailed", count("FAILED").into());
        set("totalStepsSkipped", count("SKIPPED").into());
        if let Some(began) = execution.began.filter(|began| clock.reached(*began)) {
            set("startTime", iso_millis(began).into());
        }
        let ended = if status == "CANCELLED" { clock.cut } else { execution.ended.filter(|at| clock.reached(*at)) };
        if let Some(ended) = ended {
            set("endTime", iso_millis(ended).into());
        }
        if let Some(group) = &planned.group {
            set("parallelGroup", group.as_str().into());
        }
        set("retried", again.into());
        view
    };
    all.iter().zip(setting.workflows(phase)).enumerate().map(view).collect()
}

fn of_run<'a>(world: &'a World, image_arn: &str, run: usize) -> Option<(Setting<'a>, Phase)> {
    let setting = Setting::of(world, image_arn)?;
    let phase = setting.build.runs.get(run)?.phase;
    Some((setting, phase))
}

fn message(execution: &Played, status: &str, document: &super::super::workflow::document::Document) -> Option<String> {
    if !matches!(status, "FAILED" | "ROLLBACK_IN_PROGRESS" | "ROLLBACK_COMPLETED") {
        return None;
    }
    let step = execution.failed_step?;
    let why = execution.steps.get(step)?.message.as_deref().unwrap_or_default();
    let text = format!("The step '{}' failed. {why}", document.steps.get(step)?.name);
    Some(text.chars().take(500).collect())
}

/// The steps of an execution, in the order of its document.
pub(super) fn steps(world: &World, image_arn: &str, run: usize, workflow: usize) -> Vec<Map<String, Value>> {
    let Some((setting, phase)) = of_run(world, image_arn, run) else { return Vec::new() };
    let Some((all, _)) = played(world, image_arn, run) else { return Vec::new() };
    let clock = Clock { now: world.now, cut: setting.build.runs.get(run).and_then(|run| run.cut) };
    let workflows = setting.workflows(phase);
    let (Some(execution), Some((_, document))) = (all.get(workflow), workflows.get(workflow)) else {
        return Vec::new();
    };
    let view = |(number, (step, named)): (usize, (&StepPlayed, &Step))| {
        let mut view = Map::new();
        let mut set = |member: &str, value: Value| view.insert(member.to_owned(), value);
        set("stepExecutionId", ids::id(world.seed, image_arn, place(run, workflow, Some(number))).into());
        set("name", named.name.as_str().into());
        if let Some(description) = &named.description {
            set("description", description.chars().take(500).collect::<String>().into());
        }
        set("action", named.action.as_str().into());
        let seen = clock.step(step);
        set("status", seen.status.into());
        if let Some(rollback) = seen.rollback {
            set("rollbackStatus", rollback.into());
        }
        if let Some(message) = step.message.as_ref().filter(|_| matches!(seen.status, "COMPLETED" | "FAILED")) {
            set("message", message.as_str().into());
        }
        if let Some(began) = seen.began {
            set("inputs", json!(step.inputs).to_string().into());
            set("startTime", iso_millis(began).into());
        }
        if matches!(seen.status, "COMPLETED" | "FAILED") {
            set("outputs", json!(step.outputs).to_string().into());
        }
        if let Some(ended) = seen.ended {
            set("endTime", iso_millis(ended).into());
        }
        set("onFailure", if named.continues { "Continue" } else { "Abort" }.into());
        let timeout = named.timeout_seconds.or(timeout(&named.action)).filter(|seconds| *seconds <= MAX_TIMEOUT);
        if let Some(seconds) = timeout {
            set("timeoutSeconds", seconds.into());
        }
        view
    };
    execution.steps.iter().zip(&document.steps).enumerate().map(view).collect()
}

/// When one looks, and when what one looks at was cut off.
#[derive(Clone, Copy)]
struct Clock {
    now: Time,
    cut: Option<Time>,
}

/// A step as it is seen.
struct Seen {
    status: &'static str,
    rollback: Option<&'static str>,
    began: Option<Time>,
    ended: Option<Time>,
}

impl Clock {
    fn reached(self, at: Time) -> bool {
        at <= self.cut.unwrap_or(self.now)
    }

    fn step(self, step: &StepPlayed) -> Seen {
        let began = step.began.filter(|at| self.reached(*at));
        let ended = step.ended.filter(|at| self.reached(*at));
        let rollback = match step.rollback {
            Some(Rollback::Runs(from, to)) if self.reached(from) => {
                Some(if self.reached(to) { "COMPLETED" } else { "RUNNING" })
            }
            Some(Rollback::Skipped(at)) if self.reached(at) => Some("SKIPPED"),
            _ => None,
        };
        let skipped = step.ending == Ending::Skipped && step.decided.is_some_and(|at| self.reached(at));
        let status = match (began, ended) {
            _ if skipped => "SKIPPED",
            (Some(_), Some(_)) if step.ending == Ending::Failed => "FAILED",
            (Some(_), Some(_)) => "COMPLETED",
            _ if self.cut.is_some() => "CANCELLED",
            (Some(_), None) => "RUNNING",
            (None, _) => "PENDING",
        };
        Seen { status, rollback, began, ended: if status == "CANCELLED" { began.and(self.cut) } else { ended } }
    }

    fn execution(self, played: &Played) -> &'static str {
        let began = played.began.is_some_and(|at| self.reached(at));
        let ended = played.ended.is_some_and(|at| self.reached(at));
        let failed = played.failed.is_some_and(|at| self.reached(at));
        let rolls_back = played.steps.iter().any(|step| matches!(step.rollback, Some(Rollback::Runs(..))));
        match (began, ended) {
            (false, true) => "SKIPPED",
            (true, true) if failed && rolls_back => "ROLLBACK_COMPLETED",
            (true, true) if failed => "FAILED",
            (true, true) => "COMPLETED",
            _ if self.cut.is_some() => "CANCELLED",
            (true, false) if failed => "ROLLBACK_IN_PROGRESS",
            (true, false) => "RUNNING",
            (false, false) => "PENDING",
        }
    }
}
