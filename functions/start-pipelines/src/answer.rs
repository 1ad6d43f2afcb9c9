//! What an invocation answers, logs and counts.

use crate::event::BadEvent;
use crate::observe::{Idle, ObserveError};
use crate::plan::{Action, BaseImage, Cause, Mode, Plan, Reason, Select, Step};
use lambda_runtime::Diagnostic;
use lambda_runtime::tracing::{debug, info};
use serde::Serialize;
use shared::arn::BadArn;
use shared::error::{chain, diagnostic};
use shared::plan::Outcome;
use shared::telemetry::count;
use std::fmt;

/// The answer of an invocation.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// All of it in one line.
    pub summary: String,
    /// One per message of the event.
    pub runs: Vec<Run>,
}

/// What a message, a schedule or a command led to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// The SNS message ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// What it was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Whether nothing was to be started.
    pub dry_run: bool,
    /// How many AWS calls it took.
    pub calls: usize,
    /// The plan with its outcomes, or why there is none.
    #[serde(flatten)]
    pub result: Handled,
}

/// A plan that was carried out, or the reason why there is none.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Handled {
    /// There is nothing that could be concerned.
    Ignored {
        /// Why.
        reason: String,
    },
    /// Pipeline by pipeline.
    Plan {
        /// The plan.
        #[serde(flatten)]
        plan: Box<Plan>,
        /// How many of its steps ended how.
        outcomes: Tally,
    },
}

/// How many pipelines ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Started.
    pub started: usize,
    /// Left alone.
    pub skipped: usize,
    /// Of those left alone: because something couldn't be read, or not in time.
    pub unread: usize,
    /// Couldn't be started.
    pub failed: usize,
}

/// An invocation that has to be tried again. The runtime logs it by its `Debug` form, which is one readable line.
#[derive(thiserror::Error)]
pub enum Failed {
    /// The event can't be followed.
    #[error(transparent)]
    Event(#[from] BadEvent),
    /// Which account and Region the function belongs to isn't known.
    #[error("the invoked function's ARN can't be read")]
    Function(#[source] BadArn),
    /// What has to be known about all pipelines couldn't be read.
    #[error("the facts about the pipelines couldn't be read")]
    Observe(#[source] Box<ObserveError>),
    /// Some pipelines couldn't be started; the others were.
    #[error("{}", in_words(.0))]
    Apply(Box<Handled>),
}

impl Answer {
    pub(crate) fn of(runs: Vec<Run>) -> Self {
        let summary = runs.iter().map(Run::in_words).collect::<Vec<_>>().join("; ");
        Self { summary, runs }
    }
}

impl Run {
    fn in_words(&self) -> String {
        let cause = self.cause.as_deref().unwrap_or("a message of somebody else");
        let plan = match &self.result {
            Handled::Ignored { reason } => return format!("{cause}: {reason}"),
            Handled::Plan { plan, .. } => plan,
        };
        let names = plan.steps.iter().filter_map(|step| match (&step.action, &step.outcome) {
            (Action::Start { target, .. }, Outcome::Done(_) | Outcome::Planned) => Some(target.name.as_str()),
            _ => None,
        });
        let names: Vec<_> = names.collect();
        match (names.is_empty(), self.dry_run) {
            (true, _) => format!("{cause}: nothing to start"),
            (false, true) => format!("{cause}: would start {}", names.join(", ")),
            (false, false) => format!("{cause}: started {}", names.join(", ")),
        }
    }

    /// Of a message that is no reason to look anywhere.
    pub(crate) fn ignored(message_id: Option<String>, reason: String) -> Self {
        Self { message_id, cause: None, dry_run: false, calls: 0, result: Handled::Ignored { reason } }
    }
}

impl Handled {
    pub(crate) fn of(plan: Plan) -> Self {
        let outcomes = Tally::of(&plan);
        Self::Plan { plan: Box::new(plan), outcomes }
    }

    pub(crate) fn has_failures(&self) -> bool {
        matches!(self, Self::Plan { outcomes, .. } if outcomes.failed > 0)
    }

    /// Logs and counts what became of a plan.
    pub(crate) fn report(&self, cause: &str, dry_run: bool, calls: usize) {
        let Self::Plan { plan, outcomes } = self else { return };
        let Tally { started, skipped, unread, failed } = *outcomes;
        for step in &plan.steps {
            if let (Action::Leave { target }, Outcome::Skipped { .. }) = (&step.action, &step.outcome) {
                debug!(pipeline = target.pipeline, reason = %step.reason, "not started");
            }
        }
        let planned = plan.counts.starts;
        info!(cause, dry_run, calls, planned, started, skipped, unread, failed, "done");
        if !dry_run {
            count("BuildsStarted", started, None);
            count("PipelinesSkipped", skipped, None);
            count("PipelinesUnread", unread, None);
            count("StartsFailed", failed, None);
        }
    }
}

impl Tally {
    fn of(plan: &Plan) -> Self {
        let mut tally = Self::default();
        for step in &plan.steps {
            match &step.outcome {
                Outcome::Planned => {}
                Outcome::Done(_) => tally.started += 1,
                Outcome::Failed { .. } => tally.failed += 1,
                Outcome::Skipped { .. } => {
                    tally.skipped += 1;
                    tally.unread += usize::from(matches!(step.reason, Reason::Unread { .. }));
                }
            }
        }
        tally
    }
}

impl From<Idle> for Handled {
    fn from(idle: Idle) -> Self {
        Self::Ignored { reason: idle.to_string() }
    }
}

/// Which pipelines couldn't be started and which were, in one line.
fn in_words(handled: &Handled) -> String {
    let Handled::Plan { plan, outcomes } = handled else { return String::new() };
    let line = |step: &Step| match (&step.action, &step.outcome) {
        (Action::Start { target, .. }, Outcome::Failed { error, .. }) => Some(format!("{}: {error}", target.name)),
        (Action::Start { target, .. }, Outcome::Done(made)) => Some(format!("{}: started {}", target.name, made.image)),
        _ => None,
    };
    let lines: Vec<_> = plan.steps.iter().filter_map(line).collect();
    format!("{} of {} starts failed: {}", outcomes.failed, plan.counts.starts, lines.join("; "))
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Build(build) => write!(f, "{} {}/{} became AVAILABLE", build.family, build.version, build.build),
            Self::BaseImage(BaseImage::AmazonLinux2) => f.write_str("Amazon Linux 2 was updated"),
            Self::BaseImage(BaseImage::AmazonLinux2023) => f.write_str("Amazon Linux 2023 was updated"),
            Self::BaseImage(BaseImage::Windows) => f.write_str("Windows was updated"),
            Self::BaseImage(BaseImage::EcsOptimized) => f.write_str("the ECS-optimized AMIs were updated"),
            Self::BaseImage(BaseImage::Parameter(name)) => write!(f, "the parameter {name} changed"),
            Self::Schedule { select, mode } => {
                let which = if *select == Select::default() { "all pipelines" } else { "the selected pipelines" };
                let whether = match mode {
                    Mode::IfChanged => "if they changed",
                    Mode::Always => "whatever changed",
                };
                write!(f, "{which}, {whether}")
            }
        }
    }
}

impl From<ObserveError> for Failed {
    fn from(error: ObserveError) -> Self {
        Self::Observe(Box::new(error))
    }
}

impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&chain(self))
    }
}

impl From<Failed> for Diagnostic {
    fn from(failed: Failed) -> Self {
        let retryable = match &failed {
            Failed::Event(_) | Failed::Function(_) => false,
            Failed::Observe(error) => error.is_retryable(),
            Failed::Apply(handled) => matches!(&**handled, Handled::Plan { plan, .. }
                if plan.steps.iter().any(|step| matches!(step.outcome, Outcome::Failed { retryable: true, .. }))),
        };
        diagnostic(&failed, retryable)
    }
}
