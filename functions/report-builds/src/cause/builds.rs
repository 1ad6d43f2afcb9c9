//! What is wrong with builds: failed, cancelled, findings, steps that wait.
//!
//! A pipeline is judged by its newest build that ended, as Image Builder lists them now. So an event that comes late
//! or twice finds the same.

use super::{About, Concerned, Judged, Kind, Severity, Verdict};
use crate::facts::{
    Build, ComponentFailure, Facts, Failure, FindingSeverity, Known, Pipeline, RegionFailure, Summary, newest,
};
use crate::settings::Settings;
use crate::transient::{self, Passing, Retry};
use shared::arn::VersionedArn;
use shared::image::Status;

/// Where a build failed.
#[derive(Debug, Clone, PartialEq)]
pub enum Point<'a> {
    /// A component did.
    Component(&'a ComponentFailure),
    /// It couldn't be brought to these Regions and accounts.
    Distribution(Vec<&'a RegionFailure>),
    /// There was no capacity for its instance.
    Capacity,
    /// A step, or all of it, took too long.
    TimeOut(Option<&'a str>),
    /// A step of a workflow failed by itself.
    Step(&'a str),
    /// Something else, in this phase.
    Phase(&'a Status),
    /// Image Builder doesn't say.
    Unknown,
}

pub(super) fn of_pipeline<'a>(facts: &'a Facts, pipeline: &'a Pipeline, settings: &Settings) -> Vec<Judged<'a>> {
    let Some(builds) = pipeline.builds.get() else { return Vec::new() };
    let mut judged = Vec::new();
    if let Some(last) = newest(builds, Summary::has_ended) {
        let good = newest(builds, |build| build.is_good() && build.age() < last.age());
        let good = good.or_else(|| newest(builds, Summary::is_good));
        judged.extend(ended(facts, last, good, Concerned::pipeline(pipeline), settings));
    }
    let scanned = |build: &Summary| findings_of(facts, build).is_some() && may_be_used(&build.status);
    if let Some(build) = newest(builds, scanned) {
        judged.extend(findings(facts, build, Concerned::pipeline(pipeline), settings));
    }
    judged.extend(builds.iter().filter_map(|build| waiting(facts, build, Some(pipeline))));
    judged
}

/// A build that no pipeline made is judged by itself.
pub(super) fn of_loose<'a>(facts: &'a Facts, build: &'a Summary, settings: &Settings) -> Vec<Judged<'a>> {
    let Some(detail) = facts.build(&build.arn) else { return Vec::new() };
    let mut judged = Vec::new();
    if build.has_ended() {
        judged.extend(ended(facts, build, None, Concerned::image(build, detail, None), settings));
    }
    if may_be_used(&build.status) {
        judged.extend(findings(facts, build, Concerned::image(build, detail, None), settings));
    }
    judged.extend(waiting(facts, build, None));
    judged
}

fn may_be_used(status: &Status) -> bool {
    !matches!(status, Status::Failed | Status::Cancelled | Status::Deleted)
}

/// Whether the newest build that ended failed or was cancelled.
fn ended<'a>(
    facts: &'a Facts,
    last: &'a Summary,
    good: Option<&'a Summary>,
    concerned: Concerned<'a>,
    settings: &Settings,
) -> Vec<Judged<'a>> {
    let fine = || Verdict::Fine { mark: last.created, by: Some(last) };
    let (failed, cancelled) = match (&last.status, facts.build(&last.arn)) {
        // Without the details, the cause can't be told.
        (Status::Failed | Status::Cancelled, None) => (None, None),
        (Status::Failed, Some(detail)) => {
            let good = good.and_then(|good| Some((good, facts.build(&good.arn)?)));
            (Some(failed(facts, last, detail, good, settings)), Some(fine()))
        }
        (Status::Cancelled, Some(detail)) => {
            let about = About::Cancelled { build: last, detail };
            (None, Some(Verdict::wrong(&["cancelled"], last.created, last.created, Severity::Info, about)))
        }
        _ => (Some(fine()), Some(fine())),
    };
    let verdicts = [(Kind::BuildFailed, failed), (Kind::BuildCancelled, cancelled)];
    let judged = verdicts.into_iter().filter_map(|(kind, verdict)| Some((kind, verdict?)));
    judged.map(|(kind, verdict)| Judged { kind, concerned: concerned.clone(), verdict }).collect()
}

fn failed<'a>(
    facts: &Facts,
    build: &'a Summary,
    detail: &'a Build,
    good: Option<(&'a Summary, &'a Build)>,
    settings: &Settings,
) -> Verdict<'a> {
    let point = Point::of(detail);
    let retry = match transient::retry(detail, settings) {
        Retry::Now { attempt, .. } if facts.retry_refused.contains_key(&build.arn.to_string()) => {
            Retry::No { tried: attempt - 1 }
        }
        retry => retry,
    };
    let retried = matches!(retry, Retry::Now { .. } | Retry::Asked { .. });
    // That it failed for good is another thing to tell than that it is tried again.
    let mut key = vec![if retried { "retried" } else { "failed" }.to_owned()];
    key.extend(point.key());
    let key: Vec<&str> = key.iter().map(String::as_str).collect();
    let severity = if retried { Severity::Warning } else { Severity::Error };
    let about = About::Failed { build, detail, point, good, retry };
    Verdict::wrong(&key, build.created, build.created, severity, about)
}

impl<'a> Point<'a> {
    fn of(detail: &'a Build) -> Self {
        let Some(failure) = &detail.failure else { return Self::Unknown };
        if let Some(component) = &failure.component {
            return Self::Component(component);
        }
        if let Some(distribution) = &failure.distribution {
            return Self::Distribution(distribution.regions.iter().collect());
        }
        Self::of_step(detail, failure)
    }

    fn of_step(detail: &'a Build, failure: &'a Failure) -> Self {
        let step = failure.step.as_deref();
        match transient::text(detail, failure).and_then(transient::named_in) {
            Some(Passing::Capacity) => Self::Capacity,
            Some(Passing::TimeOut) => Self::TimeOut(step),
            Some(Passing::Throttling) | None => step.map_or(Self::Phase(&failure.phase), Self::Step),
        }
    }

    /// What stays the same when the same thing fails again: no versions, IDs or texts.
    fn key(&self) -> Vec<String> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        match self {
            Self::Component(ComponentFailure { component, phase, step, .. }) => {
                let name = component.parse::<VersionedArn>().map_or_else(|_| component.clone(), |arn| arn.name);
                vec!["component".to_owned(), name, text(phase), text(step)]
            }
            Self::Distribution(regions) => {
                let own = regions.iter().filter(|region| region.status != "CANCELLED");
                let mut places: Vec<_> =
                    own.map(|region| format!("{} {}", region.region, text(&region.account))).collect();
                places.sort();
                places.insert(0, "distribution".to_owned());
                places
            }
            Self::Capacity => vec!["capacity".to_owned()],
            Self::TimeOut(step) => vec!["time-out".to_owned(), step.unwrap_or_default().to_owned()],
            Self::Step(step) => vec!["step".to_owned(), (*step).to_owned()],
            Self::Phase(phase) => vec!["phase".to_owned(), phase.to_string()],
            Self::Unknown => vec!["unknown".to_owned()],
        }
    }
}

/// The worst of a build's findings, if its scan is known.
fn findings_of(facts: &Facts, build: &Summary) -> Option<Option<FindingSeverity>> {
    let scan = facts.build(&build.arn)?.scan.get()?;
    Some(scan.findings.iter().map(|finding| finding.severity).max())
}

fn findings<'a>(
    facts: &'a Facts,
    build: &'a Summary,
    concerned: Concerned<'a>,
    settings: &Settings,
) -> Option<Judged<'a>> {
    let at_least = settings.report_severity?;
    let detail = facts.build(&build.arn)?;
    let scan = detail.scan.get()?;
    let told: Vec<_> = scan.findings.iter().filter(|finding| finding.severity >= at_least).collect();
    let verdict = match told.iter().map(|finding| finding.severity).max() {
        None => Verdict::Fine { mark: build.created, by: Some(build) },
        Some(worst) => {
            let mut key: Vec<&str> = told.iter().map(|finding| finding.id.as_str()).collect();
            key.sort_unstable();
            key.dedup();
            // That it isn't kept from channels is another thing to tell.
            let refused = facts.block_refused.contains_key(&build.arn.to_string());
            key.extend(refused.then_some("not blocked"));
            let severity = match worst {
                FindingSeverity::Critical => Severity::Critical,
                FindingSeverity::High => Severity::Error,
                _ => Severity::Warning,
            };
            let accepted = detail.tags.contains_key(shared::tags::ACCEPTED);
            let above = settings.block_severity.is_some_and(|limit| worst >= limit);
            let blocked = detail.tags.contains_key(shared::tags::BLOCKED) || (above && !accepted && !refused);
            let about = About::Findings { build, detail, at_least, blocked };
            Verdict::wrong(&key, build.created, build.created, severity, about)
        }
    };
    Some(Judged { kind: Kind::CveDetected, concerned, verdict })
}

/// Whether steps of a build wait. The image itself remembers it: its siblings may wait, too.
fn waiting<'a>(facts: &'a Facts, build: &'a Summary, pipeline: Option<&'a Pipeline>) -> Option<Judged<'a>> {
    let detail = facts.build(&build.arn)?;
    let steps = match &detail.waiting {
        Known::Is(steps) if build.status.is_in_flight() => steps.as_slice(),
        Known::Is(_) => &[],
        Known::Unread(_) | Known::Unasked if build.status.is_in_flight() => return None,
        Known::Unread(_) | Known::Unasked => &[],
    };
    let verdict = if steps.is_empty() {
        Verdict::Fine { mark: facts.now, by: None }
    } else {
        let mut key: Vec<&str> = steps.iter().map(|step| step.id.as_str()).collect();
        key.sort_unstable();
        let since = steps.iter().filter_map(|step| step.since).min().unwrap_or(build.created);
        Verdict::wrong(&key, since, since, Severity::Warning, About::Waiting { build, steps })
    };
    Some(Judged { kind: Kind::StepWaiting, concerned: Concerned::image(build, detail, pipeline), verdict })
}
