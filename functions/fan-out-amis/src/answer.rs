//! What an invocation answers, logs and counts.

use crate::event::{BadEvent, Cause, Command, Wanted};
use crate::observe::ObserveError;
use crate::plan::{Action, Family, Plan, Reason, Shown, Step, Trouble};
use lambda_runtime::Diagnostic;
use lambda_runtime::tracing::{debug, info, warn};
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
    /// Whether everything that was to be done is done, everywhere. If not, the same event again does the rest.
    pub complete: bool,
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
    /// Whether nothing was to be changed.
    pub dry_run: bool,
    /// How many AWS calls it took.
    pub calls: usize,
    /// The plans with their outcomes, or what else came of it.
    #[serde(flatten)]
    pub result: Handled,
}

/// What came of a message, a schedule or a command.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Handled {
    /// The message isn't Image Builder's.
    Ignored {
        /// What it is instead.
        reason: String,
    },
    /// What is published.
    Shown {
        /// Place by place.
        shown: Box<Shown>,
    },
    /// Something was to be done, or might have been.
    Plans(Plans),
}

/// What was done, family by family.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plans {
    /// The plans with their outcomes. The sweep leaves out families of which everything stands as it has to.
    pub families: Vec<Plan>,
    /// How many families it left out.
    #[serde(skip_serializing_if = "is_zero")]
    pub unchanged: usize,
    /// The families that it didn't come to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_reached: Vec<NotReached>,
    /// How many steps ended how.
    pub outcomes: Tally,
}

/// A family about which nothing could be decided.
#[derive(Debug, Serialize)]
pub struct NotReached {
    /// Its name.
    pub family: String,
    /// Why.
    pub error: String,
}

/// How many places ended how, over all families.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// Carry a build that they didn't carry before.
    pub published: usize,
    /// Of those: because somebody had changed the parameter by hand.
    pub repaired: usize,
    /// Channels that were moved.
    pub promoted: usize,
    /// Parameters and channels that were rolled back.
    pub rolled_back: usize,
    /// Parameters and channels that were released.
    pub released: usize,
    /// Builds that were announced.
    pub announced: usize,
    /// Places whose parameter couldn't be read.
    pub unreachable: usize,
    /// What couldn't be done, unreachable places included.
    pub failed: usize,
}

/// An invocation that has to be tried again. The runtime logs it by its `Debug` form, which is one readable line.
#[derive(thiserror::Error)]
pub enum Failed {
    /// The event can't be followed.
    #[error(transparent)]
    Event(#[from] BadEvent),
    /// Which account the function belongs to isn't known.
    #[error("the invoked function's ARN can't be read")]
    Function(#[source] BadArn),
    /// What is to be decided on couldn't be read.
    #[error("the facts about the image couldn't be read")]
    Observe(#[source] Box<ObserveError>),
    /// Some actions failed; the others were carried out.
    #[error("{}", failures(.0))]
    Apply(Box<Plans>),
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Answer {
    pub(crate) fn of(runs: Vec<Run>) -> Self {
        let summary = runs.iter().map(Run::in_words).collect::<Vec<_>>().join("; ");
        let complete = runs.iter().all(|run| !run.result.is_incomplete());
        Self { summary, complete, runs }
    }
}

impl Run {
    /// Of a message that is no reason to look anywhere.
    pub(crate) fn ignored(message_id: Option<String>, reason: String) -> Self {
        Self { message_id, cause: None, dry_run: false, calls: 0, result: Handled::Ignored { reason } }
    }

    fn in_words(&self) -> String {
        let cause = self.cause.as_deref().unwrap_or("a message of somebody else");
        let would = if self.dry_run { " (dry run)" } else { "" };
        match &self.result {
            Handled::Ignored { reason } => format!("{cause}: {reason}"),
            Handled::Shown { .. } => cause.to_owned(),
            Handled::Plans(plans) => format!("{cause}{would}: {}", plans.in_words(self.dry_run)),
        }
    }
}

impl Handled {
    /// Whether something that was to be done isn't.
    fn is_incomplete(&self) -> bool {
        match self {
            Self::Ignored { .. } => false,
            Self::Shown { shown } => shown.places.iter().any(|place| place.error.is_some()),
            Self::Plans(plans) => plans.has_failures() || plans.families.iter().any(is_refused),
        }
    }
}

/// Whether a command can't be followed. That a notification's build isn't to be published is no refusal.
fn is_refused(plan: &Plan) -> bool {
    use Reason::{Foreign, Gone, NotAvailable, NothingMade};
    plan.reason.as_ref().is_some_and(|why| !matches!(why, Foreign | Gone | NotAvailable(..) | NothingMade(_)))
}

impl Plans {
    pub(crate) fn of(families: Vec<Plan>) -> Self {
        Self { outcomes: Tally::of(&families), families, unchanged: 0, not_reached: Vec::new() }
    }

    /// Of the sweep: what stands as it has to isn't repeated, for an answer has its limits.
    pub(crate) fn of_sweep(families: Vec<Result<Plan, (Family, Trouble)>>) -> Self {
        let (mut plans, mut not_reached, mut unchanged) = (Vec::new(), Vec::new(), 0);
        for family in families {
            match family {
                Ok(plan) if plan.steps.iter().all(|step| matches!(step.outcome, Outcome::Skipped { .. })) => {
                    unchanged += 1;
                }
                Ok(plan) => plans.push(plan),
                Err((family, trouble)) => not_reached.push(NotReached { family: family.name, error: trouble.error }),
            }
        }
        Self { unchanged, not_reached, ..Self::of(plans) }
    }

    pub(crate) fn has_failures(&self) -> bool {
        self.outcomes.failed > 0 || !self.not_reached.is_empty()
    }

    /// Logs and counts what became of the plans.
    pub(crate) fn report(&self, cause: &str, dry_run: bool, calls: usize) {
        for NotReached { family, error } in &self.not_reached {
            warn!(family, error, "not reached");
        }
        for plan in &self.families {
            let family = Some(plan.family.as_str());
            for step in &plan.steps {
                let (subject, reason) = (subject(&step.action), &step.reason);
                match &step.outcome {
                    Outcome::Failed { error, .. } => warn!(family, subject, %reason, error, "failed"),
                    Outcome::Skipped { .. } => debug!(family, subject, %reason, "nothing to do"),
                    Outcome::Done(_) => info!(family, subject, %reason, "done"),
                    Outcome::Planned => info!(family, subject, %reason, "planned"),
                }
            }
            if dry_run {
                continue;
            }
            let tally = Tally::of(std::slice::from_ref(plan));
            count("PlacesPublished", tally.published, family);
            count("ParametersRepaired", tally.repaired, family);
            count("ChannelsPromoted", tally.promoted, family);
            count("RolledBack", tally.rolled_back, family);
            count("PlacesUnreachable", tally.unreachable, family);
            count("StepsFailed", tally.failed, family);
        }
        if !dry_run {
            count("FamiliesNotReached", self.not_reached.len(), None);
        }
        info!(cause, dry_run, calls, outcomes = ?self.outcomes, "done");
    }

    fn in_words(&self, dry_run: bool) -> String {
        let Tally { published, repaired, promoted, rolled_back, released, announced, failed, .. } = self.outcomes;
        let mut words = Vec::new();
        let mut say = |n: usize, what: &dyn Fn(usize) -> String| {
            if n > 0 {
                words.push(what(n));
            }
        };
        let places = |n| if n == 1 { "1 place".to_owned() } else { format!("{n} places") };
        say(published, &|n| format!("published in {}", places(n)));
        say(repaired, &|n| format!("repaired in {}", places(n)));
        say(promoted, &|n| format!("promoted in {}", places(n)));
        say(rolled_back, &|n| format!("rolled back in {}", places(n)));
        say(released, &|n| format!("released in {}", places(n)));
        say(announced, &|_| "announced".to_owned());
        say(failed, &|n| format!("{n} failed"));
        say(self.not_reached.len(), &|n| format!("{n} not reached"));
        if dry_run {
            let steps = self.families.iter().flat_map(|plan| &plan.steps);
            let planned = steps.filter(|step| step.outcome == Outcome::Planned).count();
            say(planned, &|n| format!("{n} steps planned"));
        }
        match (&self.families[..], words.is_empty()) {
            (_, false) => words.join(", "),
            ([plan], true) => plan
                .reason
                .as_ref()
                .or_else(|| Some(&plan.steps.first()?.reason))
                .map_or_else(nothing, ToString::to_string),
            (_, true) => nothing(),
        }
    }
}

fn nothing() -> String {
    "nothing to do".to_owned()
}

impl Tally {
    fn of(plans: &[Plan]) -> Self {
        let mut tally = Self::default();
        for step in plans.iter().flat_map(|plan| &plan.steps) {
            let one = match (&step.outcome, &step.action) {
                (Outcome::Failed { .. }, _) => {
                    tally.unreachable += usize::from(step.reason == Reason::Unread);
                    &mut tally.failed
                }
                (Outcome::Done(_), Action::Write(_)) => {
                    let repaired = matches!(step.reason, Reason::ByHand(_) | Reason::Changed(_));
                    tally.repaired += usize::from(repaired);
                    &mut tally.published
                }
                (Outcome::Done(_), Action::Promote(_)) => &mut tally.promoted,
                (Outcome::Done(_), Action::Hold(_) | Action::HoldChannel(_)) => &mut tally.rolled_back,
                (Outcome::Done(_), Action::Release(_) | Action::ReleaseChannel(_)) => &mut tally.released,
                (Outcome::Done(_), Action::Announce { .. }) => &mut tally.announced,
                (Outcome::Done(_), Action::Label(_) | Action::Renew(_) | Action::Keep(_) | Action::KeepChannel(_))
                | (Outcome::Planned | Outcome::Skipped { .. }, _) => continue,
            };
            *one += 1;
        }
        tally
    }
}

/// What a step is about, for people.
fn subject(action: &Action) -> String {
    match action {
        Action::Promote(target)
        | Action::HoldChannel(target)
        | Action::ReleaseChannel(target)
        | Action::KeepChannel(target) => format!("{} in {}", target.channel, target.place),
        other => other.place().map_or_else(|| "announcement".to_owned(), ToString::to_string),
    }
}

/// Every step of every family in one line.
fn failures(plans: &Plans) -> String {
    let line = |step: &Step| {
        let outcome = match &step.outcome {
            Outcome::Planned => "not tried".to_owned(),
            Outcome::Done(_) => "done".to_owned(),
            Outcome::Skipped { because } => {
                format!("skipped ({})", because.clone().unwrap_or_else(|| step.reason.to_string()))
            }
            Outcome::Failed { error, .. } => format!("failed ({error})"),
        };
        format!("{}: {outcome}", subject(&step.action))
    };
    let steps: Vec<_> = plans.families.iter().flat_map(|plan| &plan.steps).collect();
    let about = plans.families.iter().map(|plan| match &plan.image {
        Some(image) => image.to_string(),
        None => plan.family.clone(),
    });
    let about = about.collect::<Vec<_>>().join(", ");
    let lines = steps.iter().map(|step| line(step)).collect::<Vec<_>>().join("; ");
    format!("{} of {} actions failed for {about}: {lines}", plans.outcomes.failed, steps.len())
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Build(build) => write!(f, "{} {}/{} became AVAILABLE", build.family, build.version, build.build),
            Self::Sweep(patterns) if patterns.is_empty() => f.write_str("all families"),
            Self::Sweep(patterns) => write!(f, "the families {}", patterns.join(", ")),
            Self::Command(command) => command.fmt(f),
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of =
            |channel: &Option<String>| channel.as_ref().map(|channel| format!(" {channel} of")).unwrap_or_default();
        match self {
            Self::Promote { family, channel, to } => write!(f, "promote {channel} of {family} to {to}"),
            Self::Rollback { family, channel, to } => {
                write!(f, "roll back{} {family}", of(channel))?;
                to.iter().try_for_each(|to| write!(f, " to {to}"))
            }
            Self::Release { family, channel } => write!(f, "release{} {family}", of(channel)),
            Self::Show { family } => write!(f, "show {family}"),
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("latest"),
            Self::Version(version) => version.fmt(f),
            Self::Build(version, build) => write!(f, "{version}/{build}"),
            Self::Arn(arn) => write!(f, "{}/{}", arn.version, arn.build),
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
            Failed::Apply(plans) => {
                let mut steps = plans.families.iter().flat_map(|plan| &plan.steps);
                steps.any(|step| matches!(step.outcome, Outcome::Failed { retryable: true, .. }))
            }
        };
        diagnostic(&failed, retryable)
    }
}

#[cfg(test)]
mod tests;
