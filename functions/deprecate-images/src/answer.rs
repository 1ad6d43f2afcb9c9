//! What an invocation answers and logs.

use crate::event::BadEvent;
use crate::plan::{Action, Decision, Plan};
use lambda_runtime::Diagnostic;
use lambda_runtime::tracing::info;
use serde::Serialize;
use shared::arn::BadArn;
use shared::error::{AwsError, chain};
use shared::inventory::CallError;
use shared::plan::Outcome;
use shared::telemetry::count;
use std::fmt;

/// So many images that stay are kept for the answer. The log has all of them.
const IN_ANSWER: usize = 2000;

/// So many bytes of images stand in an answer, which Lambda limits to 6 MB with all that stands beside them: a longer one
/// fails the invocation.
const ROOM: usize = 3_000_000;

/// So many failures are told in the error of an invocation.
const FAILURES: usize = 20;

/// A line of the log isn't longer than about this many bytes.
const LINE: usize = 100_000;

/// The answer of an invocation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// All of it in one line.
    pub summary: String,
    /// Why nothing was to be changed, if nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only_planned: Option<String>,
    /// How many AWS calls it took.
    pub calls: usize,
    /// Usage reports that were asked for, for a later run to read.
    pub reports_asked: usize,
    /// The family that the next run of the schedule begins with, as this one had no time for it. A run by hand begins
    /// there with `{"retire": {"from": "…"}}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// How many images aren't in the plan below: they are in the log. Those that change come first.
    pub left_out: usize,
    /// The plan with its outcomes.
    pub plan: Plan,
}

/// How many images ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tally {
    done: usize,
    skipped: usize,
    failed: usize,
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
    /// What time it is isn't known.
    #[error(
        "the event names no time, and neither does the invocation's trace: expected {{\"time\": \"2026-01-31T03:30:00Z\"}}"
    )]
    Time,
    /// The images couldn't be listed.
    #[error("the images couldn't be listed")]
    Observe(#[from] CallError),
    /// Some steps failed; the others were taken.
    #[error("{}", in_words(.0))]
    Apply(Box<Answer>),
    /// The report couldn't be sent. What was to be done was done.
    #[error("the report couldn't be sent")]
    Report(#[source] AwsError),
}

/// Writes the decisions of a family to the log, in lines that aren't too long.
pub(crate) fn log(family: &str, decisions: &[Decision]) {
    let mut line = String::new();
    for decision in decisions {
        let Ok(text) = serde_json::to_string(decision) else { continue };
        if !line.is_empty() && line.len() + text.len() > LINE {
            info!(family, decisions = format!("[{line}]"), "planned");
            line.clear();
        }
        if !line.is_empty() {
            line.push(',');
        }
        line.push_str(&text);
    }
    if !line.is_empty() {
        info!(family, decisions = format!("[{line}]"), "planned");
    }
}

impl Answer {
    pub(crate) fn of(plan: Plan, only_planned: Option<String>, calls: usize, reports_asked: usize) -> Self {
        let from = plan.unreached.first().cloned();
        let summary = summary(&plan, only_planned.as_deref());
        Self { summary, only_planned, calls, reports_asked, from, left_out: 0, plan }
    }

    /// With so many of the images as there is room for, of those that stay too.
    pub(crate) fn with_settled(mut self, settled: Vec<Decision>, left_out: usize) -> Self {
        let decisions = &mut self.plan.decisions;
        decisions.extend(settled);
        decisions.sort_by_key(|decision| decision.step.action == Action::Keep);
        let mut room = ROOM;
        let fits = decisions.iter().take_while(|decision| {
            let bytes = serde_json::to_vec(decision).map_or(usize::MAX, |text| text.len());
            let left = room.checked_sub(bytes);
            room = left.unwrap_or_default();
            left.is_some()
        });
        let fits = fits.count();
        self.left_out = left_out + decisions.len() - fits;
        decisions.truncate(fits);
        decisions.sort_by(Decision::by_family);
        self
    }

    /// How many images that stay are worth keeping until the end.
    pub(crate) const SETTLED: usize = IN_ANSWER;

    pub(crate) fn has_failures(&self) -> bool {
        Tally::of(&self.plan).failed > 0
    }

    /// Logs and counts what became of the plan.
    pub(crate) fn report(&self) {
        let Plan { counts, .. } = &self.plan;
        let Tally { done, skipped, failed } = Tally::of(&self.plan);
        let by = |map: &std::collections::BTreeMap<&'static str, usize>| serde_json::to_string(map).unwrap_or_default();
        info!(
            calls = self.calls,
            images = counts.images,
            families = counts.families,
            done,
            skipped,
            failed,
            actions = by(&counts.actions),
            reasons = by(&counts.reasons),
            digest = self.plan.digest,
            held_back = self.plan.held_back.len(),
            unreached = self.plan.unreached.len(),
            "{}",
            self.summary
        );
        if self.only_planned.is_none() {
            let by_action = |name: &str| {
                let steps = self.plan.decisions.iter().filter(|it| it.step.action.name() == name);
                steps.filter(|it| matches!(it.step.outcome, Outcome::Done(_))).count()
            };
            count("ImagesDeprecated", by_action("deprecate"), None);
            count("ImagesDisabled", by_action("disable"), None);
            count("ImagesDeleted", by_action("delete"), None);
            count("ImagesRestored", by_action("restore"), None);
            count("RetirementStepsFailed", failed, None);
        }
        count("RetirementsHeldBack", usize::from(!self.plan.held_back.is_empty()), None);
    }
}

impl Tally {
    fn of(plan: &Plan) -> Self {
        let mut tally = Self::default();
        for decision in plan.decisions.iter().filter(|it| it.step.action != Action::Keep) {
            match &decision.step.outcome {
                Outcome::Planned => {}
                Outcome::Done(_) => tally.done += 1,
                Outcome::Skipped { .. } => tally.skipped += 1,
                Outcome::Failed { .. } => tally.failed += 1,
            }
        }
        tally
    }
}

fn summary(plan: &Plan, only_planned: Option<&str>) -> String {
    let counts = plan.counts.actions.iter().filter(|(name, _)| **name != "keep");
    let counts: Vec<_> = counts.map(|(name, count)| format!("{name} {count}")).collect();
    let what = if counts.is_empty() { "nothing to change".to_owned() } else { counts.join(", ") };
    let images = match plan.counts.images {
        1 => "1 image".to_owned(),
        images => format!("{images} images"),
    };
    match (plan.held_back.is_empty(), only_planned) {
        (false, _) => format!("{images}: {what}; held back by the circuit breaker"),
        (true, Some(why)) => format!("{images}: {what}; nothing was changed: {why}"),
        (true, None) => {
            let Tally { done, skipped, failed } = Tally::of(plan);
            format!("{images}: {what}; {done} done, {skipped} left, {failed} failed")
        }
    }
}

/// Which steps failed, the first of them, in one line.
fn in_words(answer: &Answer) -> String {
    let failed = answer.plan.decisions.iter().filter_map(|decision| match &decision.step.outcome {
        Outcome::Failed { error, .. } => Some(format!("{} {}: {error}", decision.step.action.name(), decision.image)),
        _ => None,
    });
    format!("{}: {}", answer.summary, failed.take(FAILURES).collect::<Vec<_>>().join("; "))
}

impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&chain(self))
    }
}

impl From<Failed> for Diagnostic {
    fn from(failed: Failed) -> Self {
        let retryable = match &failed {
            Failed::Event(_) | Failed::Function(_) | Failed::Time => false,
            Failed::Observe(error) => error.is_retryable(),
            Failed::Report(error) => error.is_retryable(),
            Failed::Apply(answer) => {
                let mut steps = answer.plan.decisions.iter().map(|decision| &decision.step.outcome);
                steps.any(|outcome| matches!(outcome, Outcome::Failed { retryable: true, .. }))
            }
        };
        let error_type = if retryable { "Retryable" } else { "Permanent" };
        Self { error_type: error_type.to_owned(), error_message: chain(&failed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::fixtures::*;
    use crate::plan::plan;

    #[test]
    fn an_answer_is_never_too_long_and_tells_first_of_what_changes() {
        // As when a company deploys the function: everything is due at once.
        let families = (0..1500).map(|number| family(&format!("web-{number:04}")).disabled(1, 70).deprecated(2, 40));
        let mut plan = plan(&facts(families.collect()), &settings(), now(), None);
        let stays = |it: &mut Decision| it.step.action == Action::Keep;
        let mut settled: Vec<_> = plan.decisions.extract_if(.., stays).collect();
        settled.truncate(2000);
        let changes = plan.decisions.len();
        let answer = Answer::of(plan, None, 0, 0).with_settled(settled, 7);
        let text = serde_json::to_vec(&answer).unwrap();
        assert!(text.len() < 6_000_000 && text.len() > 2_000_000, "{}", text.len());
        let told = answer.plan.decisions.len();
        let stay = answer.plan.decisions.iter().filter(|it| it.step.action == Action::Keep).count();
        assert!(told < changes + 2000 && (stay == 0 || told - stay == changes), "{stay} of {told}, {changes} change");
        assert_eq!(answer.left_out, 7 + 2000 + changes - told);
        assert_eq!(answer.plan.counts.images, 9000, "what is counted is all of them");
    }
}
