//! What an invocation answers, logs and counts.

use crate::event::{Answer as Word, BadEvent, Subject};
use crate::observe::Trouble;
use crate::plan::{Action, Plan, Step};
use lambda_runtime::Diagnostic;
use lambda_runtime::tracing::{info, warn};
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

/// What a message, an event, a schedule or a command led to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// The SNS message ID, or the event's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What it was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Whether nothing was to be said or done.
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
    /// There is nothing that could be told.
    Ignored {
        /// Why.
        reason: String,
    },
    /// Reports and safe actions.
    Plan {
        /// The plan.
        #[serde(flatten)]
        plan: Box<Plan>,
        /// How many of its steps ended how.
        outcomes: Tally,
        /// What couldn't be read.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        unread: Vec<Trouble>,
    },
}

/// How many steps ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Reports that were published.
    pub reported: usize,
    /// Repeats that were only remembered.
    pub counted: usize,
    /// Builds that were tried again.
    pub retried: usize,
    /// Builds that were kept from channels.
    pub blocked: usize,
    /// Steps of workflows that were answered.
    pub answered: usize,
    /// Left alone.
    pub skipped: usize,
    /// Couldn't be done.
    pub failed: usize,
    /// Of the reports that were published: those that can't be remembered, and will be sent again.
    pub unremembered: usize,
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
    /// What the event is about couldn't be read.
    #[error("what the event is about couldn't be read")]
    Observe(#[source] Trouble),
    /// Some things couldn't be read, said or done; the others were.
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
    /// Of something that is no reason to say anything.
    pub(crate) fn ignored(id: Option<String>, cause: Option<String>, reason: String) -> Self {
        Self { id, cause, dry_run: false, calls: 0, result: Handled::Ignored { reason } }
    }

    fn in_words(&self) -> String {
        let cause = self.cause.as_deref().unwrap_or("a message of somebody else");
        let plan = match &self.result {
            Handled::Ignored { reason } => return format!("{cause}: {reason}"),
            Handled::Plan { plan, .. } => plan,
        };
        let would = if self.dry_run { "would be " } else { "" };
        let told: Vec<String> = plan.steps.iter().filter_map(done).map(|done| format!("{would}{done}")).collect();
        if told.is_empty() { format!("{cause}: nothing to tell") } else { format!("{cause}: {}", told.join(", ")) }
    }
}

/// What a step did, in short; nothing of what was only counted or left alone.
fn done(step: &Step) -> Option<String> {
    if !matches!(step.outcome, Outcome::Done(_) | Outcome::Planned) {
        return None;
    }
    match &step.action {
        Action::Report { message, .. } => Some(format!("reported \"{}\"", message.subject)),
        Action::Count { .. } => None,
        Action::Retry { image, attempt, .. } => {
            Some(format!("retried {} {}/{} (attempt {attempt})", image.family, image.version, image.build))
        }
        Action::Block { remember } => Some(format!("blocked {}", remember.resource)),
        Action::Answer { answer: Word::Resume, step, .. } => Some(format!("resumed {step}")),
        Action::Answer { answer: Word::Stop, step, .. } => Some(format!("stopped {step}")),
    }
}

impl Handled {
    pub(crate) fn of(plan: Plan, unread: Vec<Trouble>) -> Self {
        let outcomes = Tally::of(&plan);
        Self::Plan { plan: Box::new(plan), outcomes, unread }
    }

    /// Whether something that has to be told wasn't.
    pub(crate) fn has_to_be_tried_again(&self) -> bool {
        let Self::Plan { outcomes, unread, .. } = self else { return false };
        outcomes.failed > 0 || unread.iter().any(|trouble| trouble.essential)
    }

    fn is_retryable(&self) -> bool {
        let Self::Plan { plan, unread, .. } = self else { return false };
        unread.iter().any(|trouble| trouble.retryable)
            || plan.steps.iter().any(|step| matches!(step.outcome, Outcome::Failed { retryable: true, .. }))
    }

    /// Logs and counts what became of a plan.
    pub(crate) fn report(&self, cause: &str, dry_run: bool, calls: usize) {
        let Self::Plan { plan, outcomes, unread } = self else { return };
        for problem in &plan.problems {
            warn!(cause, problem, "a setting in a tag isn't as it has to be");
        }
        for trouble in unread {
            warn!(cause, error = trouble.error, "not read");
        }
        let Tally { reported, counted, retried, blocked, answered, skipped, failed, unremembered } = *outcomes;
        let unread = unread.len();
        info!(
            cause,
            dry_run,
            calls,
            reported,
            counted,
            retried,
            blocked,
            answered,
            skipped,
            failed,
            unremembered,
            unread,
            "done"
        );
        if !dry_run {
            count("ReportsSent", reported, None);
            count("RepeatsCounted", counted, None);
            count("BuildsRetried", retried, None);
            count("BuildsBlocked", blocked, None);
            count("ReportsFailed", failed, None);
            count("ReportsUnremembered", unremembered, None);
        }
    }
}

impl Tally {
    fn of(plan: &Plan) -> Self {
        let mut tally = Self::default();
        for step in &plan.steps {
            *match (&step.outcome, &step.action) {
                (Outcome::Planned, _) => continue,
                (Outcome::Skipped { .. }, _) => &mut tally.skipped,
                (Outcome::Failed { .. }, _) => &mut tally.failed,
                (Outcome::Done(_), Action::Report { .. }) => &mut tally.reported,
                (Outcome::Done(_), Action::Count { .. }) => &mut tally.counted,
                (Outcome::Done(_), Action::Retry { .. }) => &mut tally.retried,
                (Outcome::Done(_), Action::Block { .. }) => &mut tally.blocked,
                (Outcome::Done(_), Action::Answer { .. }) => &mut tally.answered,
            } += 1;
            tally.unremembered +=
                usize::from(matches!(&step.outcome, Outcome::Done(made) if made.unremembered.is_some()));
        }
        tally
    }
}

/// What couldn't be read, said or done, in one line.
fn in_words(handled: &Handled) -> String {
    let Handled::Plan { plan, unread, .. } = handled else { return String::new() };
    let failed = plan.steps.iter().filter_map(|step| match &step.outcome {
        Outcome::Failed { error, .. } => Some(error.as_str()),
        _ => None,
    });
    let essential = unread.iter().filter(|trouble| trouble.essential).map(|trouble| trouble.error.as_str());
    let lines: Vec<&str> = failed.chain(essential).collect();
    format!("{} of the reports or of what they stand on failed: {}", lines.len(), lines.join("; "))
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Build(build) => write!(f, "{} {}/{}", build.family, build.version, build.build),
            Self::Pipeline(arn) => write!(f, "the pipeline {}", arn.resource.trim_start_matches("image-pipeline/")),
            Self::Ami { region, account, ami } => write!(f, "{ami} in {region} of account {account}"),
            Self::Parameter { region, account, name, .. } => write!(f, "{name} in {region} of account {account}"),
            Self::Sweep => f.write_str("everything"),
            Self::Answer { answer: Word::Resume, step, .. } => write!(f, "resume {step}"),
            Self::Answer { answer: Word::Stop, step, .. } => write!(f, "stop {step}"),
        }
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
            Failed::Observe(trouble) => trouble.retryable,
            Failed::Apply(handled) => handled.is_retryable(),
        };
        diagnostic(&failed, retryable)
    }
}
