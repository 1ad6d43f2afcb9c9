//! What is wrong with a pipeline itself: disabled, not run though due, made of what is withdrawn.

use super::{About, Concerned, Judged, Kind, Severity, Verdict};
use crate::facts::{Facts, LATE, Pipeline, Reference, ReferenceState};

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

fn not_run<'a>(facts: &'a Facts, pipeline: &'a Pipeline) -> Option<Verdict<'a>> {
    let due = pipeline.next_run.filter(|_| pipeline.enabled && pipeline.schedule.is_some())?;
    let ran = pipeline.builds.get()?.iter().any(|build| build.created >= due)
        || pipeline.last_run.is_some_and(|last| last >= due);
    Some(if ran || facts.now < due + LATE {
        Verdict::Fine { mark: facts.now, by: None }
    } else {
        Verdict::lasting(facts, due, &["not run"], Severity::Warning, About::NotRun { due })
    })
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
