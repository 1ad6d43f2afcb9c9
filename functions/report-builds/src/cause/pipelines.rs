//! What is wrong with a pipeline itself: disabled, not run though due, made of what is withdrawn.

use super::{About, Concerned, Judged, Kind, Severity, Verdict};
use crate::facts::{EARLY, Facts, LATE, Pipeline, Reference, ReferenceState, Schedule};
use chrono::{DateTime, Utc};
use shared::schedule::next;

/// After how many failed builds in a row Image Builder disables a pipeline that doesn't say,
/// <https://docs.aws.amazon.com/imagebuilder/latest/APIReference/API_AutoDisablePolicy.html>.
const FAILURES: u32 = 5;

pub(super) fn judge<'a>(facts: &'a Facts, pipeline: &'a Pipeline) -> Vec<Judged<'a>> {
    let verdicts = [
        (Kind::PipelineDisabled, disabled(facts, pipeline)),
        (Kind::PipelineNotRun, not_run(facts, pipeline)),
        (Kind::InputsWithdrawn, withdrawn(facts, pipeline)),
    ];
    let judged = verdicts.into_iter().filter_map(|(kind, verdict)| Some((kind, verdict?)));
    judged.map(|(kind, verdict)| Judged { kind, concerned: Concerned::pipeline(pipeline), verdict }).collect()
}

/// A pipeline that a person disabled is nobody's trouble, but no recovery either.
fn disabled<'a>(facts: &'a Facts, pipeline: &'a Pipeline) -> Option<Verdict<'a>> {
    if pipeline.enabled {
        return Some(Verdict::Fine { mark: facts.now, by: None });
    }
    let limit = pipeline.schedule.as_ref()?.failure_count.unwrap_or(FAILURES);
    let since = pipeline.last_run.unwrap_or(facts.now);
    (pipeline.consecutive_failures >= limit)
        .then(|| Verdict::lasting(facts, since, &["disabled"], Severity::Error, About::Disabled))
}

/// Nothing is said while a build runs: whether the next one waits for it, nobody tells.
fn not_run<'a>(facts: &'a Facts, pipeline: &'a Pipeline) -> Option<Verdict<'a>> {
    let schedule = pipeline.schedule.as_ref().filter(|_| pipeline.enabled)?;
    let builds = pipeline.builds.get()?;
    if builds.iter().any(|build| build.status.is_in_flight()) {
        return None;
    }
    let runs = builds.iter().map(|build| build.created).chain(pipeline.last_run);
    let last = runs.max();
    let due = due(pipeline, schedule, last)?;
    let ran = last.is_some_and(|last| last >= due);
    Some(if ran || facts.now < due + LATE {
        Verdict::Fine { mark: facts.now, by: None }
    } else {
        Verdict::lasting(facts, due, &["not run"], Severity::Warning, About::NotRun { due })
    })
}

/// When a pipeline had to run first since it ran or was changed. One that builds only what changed may have had no
/// reason to: of that one only Image Builder's own next time is due.
fn due(pipeline: &Pipeline, schedule: &Schedule, last: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    let made = pipeline.updated.max(pipeline.created);
    match (schedule.always, made) {
        (true, Some(made)) => {
            // A run may be dated a little earlier than its time.
            let since = last.map_or(made, |last| made.max(last + EARLY));
            next(&schedule.expression, schedule.timezone.as_deref(), since, made).ok().flatten()
        }
        _ => pipeline.next_run,
    }
}

fn withdrawn<'a>(facts: &'a Facts, pipeline: &'a Pipeline) -> Option<Verdict<'a>> {
    let all = pipeline.references.get()?;
    let mut references: Vec<&Reference> = all.iter().filter(|reference| reference.state.is_withdrawn()).collect();
    references.sort_by_key(|reference| (reference.role, &reference.reference));
    if references.is_empty() {
        let read = all.iter().all(|reference| reference.state == ReferenceState::Usable);
        return read.then_some(Verdict::Fine { mark: facts.now, by: None });
    }
    let gone = references.iter().any(|reference| matches!(reference.state, ReferenceState::Gone(_)));
    let severity = if gone { Severity::Error } else { Severity::Warning };
    let mut key = vec![if gone { "gone" } else { "deprecated" }];
    key.extend(references.iter().map(|reference| reference.reference.as_str()));
    Some(Verdict::lasting(facts, facts.now, &key, severity, About::Withdrawn { references }))
}

impl ReferenceState {
    fn is_withdrawn(&self) -> bool {
        matches!(self, Self::Deprecated(_) | Self::Gone(_))
    }
}
