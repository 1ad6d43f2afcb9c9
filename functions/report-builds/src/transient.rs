//! Which failures pass by themselves: the one table by which a build is tried again.

use crate::facts::{Build, Failure, Known, RegionFailure};
use crate::settings::Settings;
use shared::image::Status;
use shared::tags;

/// A reason that passes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passing {
    /// Too many calls at once.
    Throttling,
    /// No room for an instance, or for another copy at the same time.
    Capacity,
    /// It took too long.
    TimeOut,
}

/// Words by which AWS says so, in lower case; the first that stands in a text counts.
const TABLE: &[(&str, Passing)] = &[
    ("rate exceeded", Passing::Throttling),
    ("throttl", Passing::Throttling),
    ("requestlimitexceeded", Passing::Throttling),
    ("request limit exceeded", Passing::Throttling),
    ("callratelimitexceeded", Passing::Throttling),
    ("toomanyrequests", Passing::Throttling),
    ("too many requests", Passing::Throttling),
    ("insufficientinstancecapacity", Passing::Capacity),
    ("insufficienthostcapacity", Passing::Capacity),
    ("insufficientcapacity", Passing::Capacity),
    ("insufficient capacity", Passing::Capacity),
    ("do not have sufficient", Passing::Capacity),
    ("copies in progress", Passing::Capacity),
    ("timedout", Passing::TimeOut),
    ("timed_out", Passing::TimeOut),
    ("timed out", Passing::TimeOut),
    ("timeout", Passing::TimeOut),
    ("time-out", Passing::TimeOut),
];

/// What is done about a failure that passes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Nothing: it doesn't pass by itself, or it was tried often enough.
    No {
        /// How often it was tried again.
        tried: u32,
    },
    /// It is to be tried again.
    Now {
        /// Which attempt that is, from 1.
        attempt: u32,
        /// Why that can help.
        passing: Passing,
    },
    /// It was asked for already.
    Asked {
        /// Which attempt that is, from 1.
        attempt: u32,
        /// Why that can help.
        passing: Passing,
    },
}

/// Whether a text names a reason that passes.
pub fn named_in(text: &str) -> Option<Passing> {
    let text = text.to_ascii_lowercase();
    TABLE.iter().find(|(words, _)| text.contains(words)).map(|(_, passing)| *passing)
}

/// Why a build's failure passes by itself: one in test or distribution, where RetryImage goes on, and not one of a
/// component. Every Region that failed has to have such a reason; one that was cancelled because of the others has none
/// of its own.
pub fn passing(build: &Build) -> Option<Passing> {
    let failure = build.failure.as_ref()?;
    let late = matches!(failure.phase, Status::Testing | Status::Distributing | Status::Integrating);
    // RetryImage takes AMIs only.
    if !late || failure.component.is_some() || build.inputs.recipe.contains(":container-recipe/") {
        return None;
    }
    let regions = failure.distribution.iter().flat_map(|distribution| &distribution.regions);
    let mut of_regions = regions.filter(|region| region.status != "CANCELLED").map(of_region).peekable();
    if of_regions.peek().is_some() {
        return of_regions.reduce(|one, other| one.and(other))?;
    }
    named_in(text(build, failure)?)
}

fn of_region(region: &RegionFailure) -> Option<Passing> {
    let timed_out = (region.status == "TIMED_OUT").then_some(Passing::TimeOut);
    timed_out.or_else(|| named_in(region.message.as_deref()?))
}

/// What says most exactly why a build failed that no component made fail: the distribution, the step, the workflow
/// execution, or the build itself.
pub(crate) fn text<'a>(build: &'a Build, failure: &'a Failure) -> Option<&'a str> {
    let distribution = failure.distribution.as_ref().and_then(|distribution| distribution.message.as_deref());
    let step = build.failed_step().and_then(|step| step.message.as_deref());
    let execution = build.failed_execution().and_then(|execution| execution.message.as_deref());
    let texts = [distribution, step, execution, build.reason.as_deref()];
    texts.into_iter().flatten().find(|text| !text.is_empty())
}

/// What is done about a failed build. Each failure is one of a workflow execution, which the image's tag names with the
/// number of the attempt that it caused; so a repeated event doesn't cause a second one. Image Builder marks the
/// executions after which a build was tried again: these count as well, so that a tag that couldn't be written doesn't
/// lead to more attempts than allowed. Whoever can't read the executions doesn't try again.
pub fn retry(build: &Build, settings: &Settings) -> Retry {
    let (noted, last) = build.tags.get(tags::RETRIED).and_then(|value| read(value)).unwrap_or((0, ""));
    let Known::Is(executions) = &build.executions else { return Retry::No { tried: noted } };
    let marked = executions.iter().filter(|execution| execution.retried && execution.status == "FAILED").count();
    let tried = noted.max(u32::try_from(marked).unwrap_or(u32::MAX));
    let (Some(passing), Some(failure)) = (passing(build), &build.failure) else { return Retry::No { tried } };
    let execution = failure.execution.as_deref().unwrap_or_default();
    let retried = || build.failed_execution().is_some_and(|execution| execution.retried);
    if tried > 0 && !execution.is_empty() && (execution == last || retried()) {
        Retry::Asked { attempt: tried, passing }
    } else if tried < settings.max_retries && (tried == 0 || !execution.is_empty()) {
        Retry::Now { attempt: tried + 1, passing }
    } else {
        Retry::No { tried }
    }
}

/// The value of the tag [`tags::RETRIED`]: the number of the attempt, and the workflow execution that caused it.
pub fn written(attempt: u32, build: &Build) -> String {
    let execution = build.failure.as_ref().and_then(|failure| failure.execution.as_deref()).unwrap_or_default();
    format!("{attempt} {execution}").trim_end().to_owned()
}

fn read(value: &str) -> Option<(u32, &str)> {
    let (attempt, execution) = value.split_once(' ').unwrap_or((value, ""));
    Some((attempt.parse().ok()?, execution))
}

impl Passing {
    /// In a sentence: "the reason … passes".
    pub fn words(self) -> &'static str {
        match self {
            Self::Throttling => "too many calls at once",
            Self::Capacity => "no capacity at that moment",
            Self::TimeOut => "a time-out",
        }
    }
}

#[cfg(test)]
mod tests;
