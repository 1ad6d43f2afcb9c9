//! What a run of workflows comes to: a pure function of the run's beginning and of what was answered in it.

use super::super::failure::ComponentFault;
use super::super::workflow::document::{Document, Step};
use super::condition::Scope;
use super::plan::{Phase, Planned, stages};
use super::setting::Setting;
use crate::clock::Time;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How long a step waits for an action, unless it says otherwise, and how long at most.
const WAITS: [TimeDelta; 2] = [TimeDelta::days(3), TimeDelta::days(7)];

/// One run of a phase's workflows by a build. A retried build has two of a phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Run {
    /// Which phase.
    pub(super) phase: Phase,
    /// When it began.
    pub(super) began: Time,
    /// When it was cancelled, if it was.
    pub(super) cut: Option<Time>,
    /// What fails in it.
    pub(super) fault: Option<Box<Fault>>,
    /// What became of the steps that waited.
    pub(super) answers: Vec<Answer>,
}

/// What fails in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Fault {
    /// A component, and with it every step that runs the components.
    Component(ComponentFault),
    /// What was given: every step that does what the phase is for, or the last one, for this reason.
    Given(String),
    /// The last step, for a reason that shows at its end.
    AtEnd(String),
}

/// What became of a step that waited.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Answer {
    pub(super) workflow: u8,
    pub(super) step: u16,
    pub(super) at: Time,
    pub(super) action: Action,
    pub(super) reason: Option<String>,
}

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Action {
    Resume,
    Stop,
    TimeOut,
}

/// What a step's execution comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// It isn't known yet.
    Open,
    Skipped,
    Completed,
    Failed,
}

/// A step's execution from its beginning to its end.
#[derive(Debug, Clone)]
pub(super) struct StepPlayed {
    pub(super) ending: Ending,
    /// From when on it is known that it is skipped.
    pub(super) decided: Option<Time>,
    pub(super) began: Option<Time>,
    pub(super) ended: Option<Time>,
    pub(super) message: Option<String>,
    pub(super) inputs: Map<String, Value>,
    pub(super) outputs: Map<String, Value>,
    /// Until when it waits for an action that hasn't come.
    pub(super) waits: Option<Time>,
    /// How what it did is taken back after a failure.
    pub(super) rollback: Option<Rollback>,
}

/// How what a step did is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rollback {
    /// From a time to another.
    Runs(Time, Time),
    /// It isn't: the infrastructure configuration keeps instances of failed builds.
    Skipped(Time),
}

/// A workflow's execution.
#[derive(Debug, Clone)]
pub(super) struct Played {
    pub(super) began: Option<Time>,
    /// When it stopped for a failed step.
    pub(super) failed: Option<Time>,
    pub(super) ended: Option<Time>,
    /// The step for which it failed.
    pub(super) failed_step: Option<usize>,
    pub(super) steps: Vec<StepPlayed>,
}

impl Played {
    /// One that is never begun, or not yet.
    fn idle(document: &Document, decided: Option<Time>) -> Self {
        let ending = if decided.is_some() { Ending::Skipped } else { Ending::Open };
        let steps = document.steps.iter().map(|_| StepPlayed::idle(ending, decided)).collect();
        Self { began: None, failed: None, ended: decided, failed_step: None, steps }
    }
}

impl StepPlayed {
    fn idle(ending: Ending, decided: Option<Time>) -> Self {
        Self {
            ending,
            decided,
            began: None,
            ended: None,
            message: None,
            inputs: Map::new(),
            outputs: Map::new(),
            waits: None,
            rollback: None,
        }
    }
}

/// What a run has come to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    /// Steps wait for an action.
    Waits,
    /// It ends at a time; with the workflow and the step that fail the build, if they do.
    Ends(Time, Option<(usize, usize)>),
}

/// Plays a run that may last `total` in all, waits aside. An execution for each of the phase's workflows.
pub(super) fn play(setting: &Setting<'_>, run: &Run, total: TimeDelta) -> (Vec<Played>, Outcome) {
    let workflows = setting.workflows(run.phase);
    if workflows.is_empty() {
        return (Vec::new(), Outcome::Ends(run.began + total, None));
    }
    let planned: Vec<_> = workflows.iter().map(|(planned, _)| *planned).collect();
    let stages = stages(&planned);
    let player = Player { setting, run, workflows: &workflows };
    let weight = |stage: &Vec<usize>| stage.iter().map(|index| player.weight(*index)).max().unwrap_or(0);
    let unit = Unit { total: total.num_milliseconds(), weights: stages.iter().map(weight).sum::<i64>().max(1) };

    let mut all: Vec<_> = workflows.iter().map(|(_, document)| Played::idle(document, None)).collect();
    let (mut at, mut failed) = (run.began, None);
    for stage in &stages {
        if failed.is_some() {
            for index in stage {
                all[*index] = Played::idle(workflows[*index].1, Some(at));
            }
            continue;
        }
        let mut end = Some(at);
        for &index in stage {
            let played = player.execution(index, at, unit);
            end = end.zip(played.ended).map(|(one, other)| one.max(other));
            if let Some(step) = played.failed_step.filter(|_| !planned[index].continues) {
                failed = failed.or(Some((index, step)));
            }
            all[index] = played;
        }
        match end {
            Some(end) => at = end,
            None => return (all, Outcome::Waits),
        }
    }
    if let Some(Fault::AtEnd(reason) | Fault::Given(reason)) = run.fault.as_deref()
        && failed.is_none()
    {
        failed = fail_last(&mut all, at, reason);
    }
    (all, Outcome::Ends(at, failed))
}

/// Makes the last step that was run the one that failed.
fn fail_last(all: &mut [Played], at: Time, reason: &str) -> Option<(usize, usize)> {
    let (index, played) = all.iter_mut().enumerate().rfind(|(_, played)| played.began.is_some())?;
    let (number, step) = played.steps.iter_mut().enumerate().rfind(|(_, step)| step.began.is_some())?;
    step.ending = Ending::Failed;
    step.message = Some(reason.to_owned());
    (played.failed, played.failed_step) = (Some(at), Some(number));
    Some((index, number))
}

/// How long a weight lasts.
#[derive(Clone, Copy)]
struct Unit {
    total: i64,
    weights: i64,
}

impl Unit {
    fn lasts(self, weight: i64) -> TimeDelta {
        let millis = i128::from(self.total) * i128::from(weight) / i128::from(self.weights);
        TimeDelta::milliseconds(i64::try_from(millis).unwrap_or(0))
    }
}

/// What an action takes of its phase's time, beside the others of its workflow.
fn share(action: &str) -> i64 {
    match action {
        "WaitForAction" => 0,
        "ExecuteComponents" => 40,
        "CreateImage" => 30,
        "LaunchInstance" | "CollectImageScanFindings" => 8,
        "CollectImageMetadata" => 3,
        "SanitizeInstance" | "TerminateInstance" => 2,
        _ => 10,
    }
}

/// Whether an action is what its phase is for.
fn is_main(action: &str) -> bool {
    matches!(action, "ExecuteComponents" | "DistributeImage" | "DistributeContainerImage")
}

/// Whether there is something to take back of a step: an instance is terminated, an AMI deregistered.
fn takes_back(step: &Step) -> bool {
    step.rolls_back && matches!(step.action.as_str(), "LaunchInstance" | "CreateImage" | "RegisterImage")
}

/// How a step ends, and with what to say.
type Verdict = (Time, Ending, Option<String>, Map<String, Value>);

struct Player<'a> {
    setting: &'a Setting<'a>,
    run: &'a Run,
    workflows: &'a [(&'a Planned, &'a Document)],
}

impl Player<'_> {
    fn scope(&self, index: usize) -> Scope {
        let (planned, document) = self.workflows[index];
        self.setting.scope(planned, document)
    }

    /// A step's weight, a fifth more or less than its action's share.
    fn step_weight(&self, index: usize, step: &Step) -> i64 {
        let key = ["step", &self.setting.image.arn, self.run.phase.status(), &index.to_string(), &step.name];
        let drawn = i64::try_from(self.setting.seed.draw(&key) % 401).unwrap_or(0);
        share(&step.action) * (800 + drawn)
    }

    /// The weight of a workflow's execution in which all goes well.
    fn weight(&self, index: usize) -> i64 {
        let mut scope = self.scope(index);
        let mut sum = 0;
        for step in &self.workflows[index].1.steps {
            if !step.condition.as_ref().is_none_or(|condition| scope.holds(condition)) {
                continue;
            }
            sum += self.step_weight(index, step);
            scope.put_out(&step.name, &self.setting.outputs(step, &Map::new(), None));
        }
        sum
    }

    fn execution(&self, index: usize, begins: Time, unit: Unit) -> Played {
        let document = self.workflows[index].1;
        let mut scope = self.scope(index);
        let mut steps: Vec<StepPlayed> = Vec::new();
        let (mut at, mut failed_step, mut waits) = (begins, None, false);
        for (number, step) in document.steps.iter().enumerate() {
            if waits {
                steps.push(StepPlayed::idle(Ending::Open, None));
                continue;
            }
            if failed_step.is_some() || !step.condition.as_ref().is_none_or(|condition| scope.holds(condition)) {
                steps.push(StepPlayed::idle(Ending::Skipped, Some(at)));
                continue;
            }
            let mut played = StepPlayed::idle(Ending::Open, None);
            played.began = Some(at);
            played.inputs = scope.resolve(&step.inputs);
            match self.step(index, number, step, at, unit, &played.inputs) {
                Err(until) => {
                    played.waits = Some(until);
                    waits = true;
                }
                Ok((ended, ending, message, outputs)) => {
                    scope.put_out(&step.name, &outputs);
                    (played.ended, played.ending, played.message, played.outputs) =
                        (Some(ended), ending, message, outputs);
                    at = ended;
                    if ending == Ending::Failed && !step.continues {
                        failed_step = Some(number);
                    }
                }
            }
            steps.push(played);
        }
        let failed = failed_step.map(|_| at);
        if failed.is_some() {
            // The last one first.
            for (step, played) in document.steps.iter().zip(&mut steps).rev().filter(|(step, _)| takes_back(step)) {
                if played.ending != Ending::Completed {
                    continue;
                }
                if step.action == "LaunchInstance" && self.setting.keeps_instances() {
                    played.rollback = Some(Rollback::Skipped(at));
                    continue;
                }
                let end = at + unit.lasts(self.step_weight(index, step)) / 4;
                played.rollback = Some(Rollback::Runs(at, end));
                at = end;
            }
        }
        Played { began: Some(begins), failed, ended: (!waits).then_some(at), failed_step, steps }
    }

    /// How a step that begins ends; until when it waits, if it isn't answered yet.
    fn step(
        &self,
        index: usize,
        number: usize,
        step: &Step,
        began: Time,
        unit: Unit,
        inputs: &Map<String, Value>,
    ) -> Result<Verdict, Time> {
        let limit = step.timeout_seconds.map(|seconds| TimeDelta::seconds(seconds.into()));
        if step.action == "WaitForAction" {
            let [unless_told, most] = WAITS;
            let mut answers = self.run.answers.iter();
            let answer = answers.find(|it| usize::from(it.workflow) == index && usize::from(it.step) == number);
            let answer = answer.ok_or(began + limit.unwrap_or(unless_told).min(most))?;
            return Ok(answered(answer, self.setting.outputs(step, inputs, Some(answer))));
        }
        let lasts = unit.lasts(self.step_weight(index, step));
        if let Some(limit) = limit.filter(|limit| *limit < lasts) {
            let message = format!("The step timed out after {} seconds.", limit.num_seconds());
            return Ok((began + limit, Ending::Failed, Some(message), Map::new()));
        }
        let outputs = self.setting.outputs(step, inputs, None);
        Ok(match self.run.fault.as_deref() {
            Some(Fault::Component(fault)) if step.action == "ExecuteComponents" => {
                (began + lasts, Ending::Failed, Some(fault.message()), Map::new())
            }
            Some(Fault::Given(reason)) if is_main(&step.action) => {
                (began + lasts, Ending::Failed, Some(reason.clone()), Map::new())
            }
            _ => (began + lasts, Ending::Completed, None, outputs),
        })
    }
}

fn answered(answer: &Answer, outputs: Map<String, Value>) -> Verdict {
    let because = answer.reason.as_ref().map(|reason| format!(" Reason: {reason}")).unwrap_or_default();
    let (ending, message) = match answer.action {
        Action::Resume => (Ending::Completed, format!("The step was resumed.{because}")),
        Action::Stop => (Ending::Failed, format!("The step was stopped.{because}")),
        Action::TimeOut => (Ending::Failed, "The step timed out: no action came.".to_owned()),
    };
    (answer.at, ending, Some(message.chars().take(500).collect()), outputs)
}
