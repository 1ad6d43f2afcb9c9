//! What is wrong, each cause once: its kind, how bad it is, and what it is remembered by.

mod builds;
mod families;
mod pipelines;

pub use builds::Point;

use crate::facts::{Build, Facts, FindingSeverity, Pipeline, Place, Queue, Reference, Summary, Tags, WaitingStep};
use crate::settings::Settings;
use crate::transient::Retry;
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::fmt;

/// A kind of trouble. A pipeline, image or queue has at most one cause of each kind at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The pipeline's newest build failed.
    BuildFailed,
    /// The pipeline's newest build was cancelled.
    BuildCancelled,
    /// The newest scanned build has findings.
    CveDetected,
    /// Steps of a build wait for somebody.
    StepWaiting,
    /// Image Builder disabled the pipeline.
    PipelineDisabled,
    /// The schedule came due and nothing ran.
    PipelineNotRun,
    /// The recipe uses what is deprecated, disabled or gone.
    InputsWithdrawn,
    /// The family has no AVAILABLE build that is new enough.
    FamilyStale,
    /// A published AMI can't be launched any more.
    AmiGone,
    /// Parameter Store refused an AMI.
    ParameterRefused,
    /// Parameters don't hold what they should.
    PublishedDiffers,
    /// Invocations were given up.
    DeadLetters,
}

/// How bad it is, worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Something will go wrong if nobody does anything.
    Warning,
    /// No new image until somebody does something.
    Error,
    /// Images in use are concerned.
    Critical,
}

/// One kind of trouble of one pipeline, image or queue, looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged<'a> {
    /// Which kind.
    pub kind: Kind,
    /// What is concerned, and what remembers it.
    pub concerned: Concerned<'a>,
    /// What was found.
    pub verdict: Verdict<'a>,
}

/// What a kind of trouble is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Concerned<'a> {
    /// The ARN of the pipeline, image or queue whose tags remember it.
    pub holder: String,
    /// These tags.
    pub tags: &'a Tags,
    /// The family, if it is about one.
    pub family: Option<&'a str>,
    /// The pipeline, if it is about one.
    pub pipeline: Option<&'a Pipeline>,
}

/// What was found. What couldn't be told isn't judged at all.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict<'a> {
    /// There is trouble.
    Wrong(Box<Cause<'a>>),
    /// There is none.
    Fine {
        /// What shows it: a build's time, or the event's.
        mark: DateTime<Utc>,
        /// The build that shows it, if one does.
        by: Option<&'a Summary>,
    },
}

/// One cause.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause<'a> {
    /// What stands for it: the same for every occurrence of the same cause.
    pub key: String,
    /// Which occurrence it is.
    pub mark: DateTime<Utc>,
    /// Since when it is there.
    pub since: DateTime<Utc>,
    /// How bad it is.
    pub severity: Severity,
    /// What a report tells.
    pub about: About<'a>,
}

/// What a report tells.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "as in the kinds and the facts")]
pub enum About<'a> {
    Failed {
        build: &'a Summary,
        detail: &'a Build,
        point: Point<'a>,
        good: Option<(&'a Summary, &'a Build)>,
        retry: Retry,
    },
    Cancelled {
        build: &'a Summary,
        detail: &'a Build,
    },
    Findings {
        build: &'a Summary,
        detail: &'a Build,
        at_least: FindingSeverity,
        blocked: bool,
    },
    Waiting {
        build: &'a Summary,
        steps: &'a [WaitingStep],
    },
    Disabled,
    NotRun {
        due: DateTime<Utc>,
    },
    Withdrawn {
        references: Vec<&'a Reference>,
    },
    Stale {
        newest: Option<&'a Summary>,
        limit: chrono::TimeDelta,
    },
    Gone {
        places: Vec<&'a Place>,
    },
    Refused {
        places: Vec<&'a Place>,
    },
    Differs {
        places: Vec<&'a Place>,
    },
    DeadLetters {
        queue: &'a Queue,
    },
}

/// Everything that can be told from the facts.
pub fn judge<'a>(facts: &'a Facts, settings: &Settings) -> Vec<Judged<'a>> {
    let mut judged = Vec::new();
    for pipeline in &facts.pipelines {
        judged.extend(builds::of_pipeline(facts, pipeline, settings));
        judged.extend(pipelines::judge(facts, pipeline));
    }
    judged.extend(facts.loose.iter().flat_map(|build| builds::of_loose(facts, build, settings)));
    judged.extend(facts.families.iter().flat_map(|family| families::judge(facts, family, settings)));
    for queue in facts.queues.get().into_iter().flatten() {
        let concerned = Concerned { holder: queue.arn.clone(), tags: &queue.tags, family: None, pipeline: None };
        let verdict = if queue.depth == 0 {
            Verdict::Fine { mark: facts.now, by: None }
        } else {
            Verdict::lasting(facts, facts.now, &["dead letters"], Severity::Error, About::DeadLetters { queue })
        };
        judged.push(Judged { kind: Kind::DeadLetters, concerned, verdict });
    }
    judged
}

impl<'a> Concerned<'a> {
    fn pipeline(pipeline: &'a Pipeline) -> Self {
        Self {
            holder: pipeline.arn.clone(),
            tags: &pipeline.tags,
            family: Some(&pipeline.family),
            pipeline: Some(pipeline),
        }
    }

    fn image(build: &'a Summary, detail: &'a Build, pipeline: Option<&'a Pipeline>) -> Self {
        Self { holder: build.arn.to_string(), tags: &detail.tags, family: Some(&build.arn.family), pipeline }
    }
}

impl<'a> Verdict<'a> {
    fn wrong(key: &[&str], mark: DateTime<Utc>, since: DateTime<Utc>, severity: Severity, about: About<'a>) -> Self {
        Self::Wrong(Box::new(Cause { key: crate::remember::key(key), mark, since, severity, about }))
    }

    /// Of something that lasts: every event that finds it there is an occurrence.
    fn lasting(facts: &Facts, since: DateTime<Utc>, key: &[&str], severity: Severity, about: About<'a>) -> Self {
        Self::wrong(key, facts.now, since, severity, about)
    }
}

impl Kind {
    /// As message attributes and tags have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::BuildFailed => "build-failed",
            Self::BuildCancelled => "build-cancelled",
            Self::CveDetected => "cve-detected",
            Self::StepWaiting => "step-waiting",
            Self::PipelineDisabled => "pipeline-disabled",
            Self::PipelineNotRun => "pipeline-not-run",
            Self::InputsWithdrawn => "inputs-withdrawn",
            Self::FamilyStale => "family-stale",
            Self::AmiGone => "ami-gone",
            Self::ParameterRefused => "parameter-refused",
            Self::PublishedDiffers => "published-differs",
            Self::DeadLetters => "dead-letters",
        }
    }

    /// The tag that remembers it.
    pub fn tag(self) -> String {
        format!("{}{}", shared::tags::REPORT, self.name())
    }

    /// Whether people are told when it is over. Of a cancelled build and an answered step they know.
    pub fn recovers(self) -> bool {
        !matches!(self, Self::BuildCancelled | Self::StepWaiting)
    }
}

impl Severity {
    /// As message attributes have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
