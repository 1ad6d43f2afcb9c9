//! What has to be known to tell what is wrong: read from AWS, never from an event.
//!
//! Only what an event asks for is read: whatever is [`Known::Unasked`] is neither wrong nor right, so nothing is said
//! about it and nothing counts as recovered.

mod build;
mod published;

pub use build::{
    Build, ComponentFailure, DistributionFailure, Execution, Failure, Finding, FindingSeverity, Logs, NewerParent,
    Package, RegionFailure, Scan, StepRun, WaitingStep,
};
pub use published::{AmiState, Family, Holds, Place};

use chrono::{DateTime, TimeDelta, Utc};
use shared::arn::{Arn, ImageBuildArn};
use shared::image::Status;
use std::collections::BTreeMap;

/// A resource's tags.
pub type Tags = BTreeMap<String, String>;

/// Everything that was read for one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The event's own time.
    pub now: DateTime<Utc>,
    /// This function, as it was invoked: its partition, Region and account are those of its pipelines.
    pub function: Arn,
    /// The pipelines in question.
    pub pipelines: Vec<Pipeline>,
    /// The builds in question that no pipeline made.
    pub loose: Vec<Summary>,
    /// What is known about builds, by their ARN: all that [`Facts::wanted`] names, and those that an event named.
    pub builds: BTreeMap<String, Known<Build>>,
    /// The families in question.
    pub families: Vec<Family>,
    /// The dead-letter queues of the functions.
    pub queues: Known<Vec<Queue>>,
    /// Why RetryImage was refused, by the build's ARN: then the plan that asked for it doesn't hold, and a new one with
    /// this fact says so to people instead.
    pub retry_refused: BTreeMap<String, String>,
    /// Why the tag that keeps a build from channels was refused, by the build's ARN, in the same way.
    pub block_refused: BTreeMap<String, String>,
}

/// Something that AWS was asked for, or not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Known<T> {
    /// The answer.
    Is(T),
    /// No answer, and why: nothing follows from it.
    Unread(String),
    /// The event doesn't ask for it.
    #[default]
    Unasked,
}

/// A pipeline: ListImagePipelines or GetImagePipeline, and ListImagePipelineImages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// Its ARN.
    pub arn: String,
    /// Its name, as its owner wrote it.
    pub name: String,
    /// The family that it builds: the name of its recipe, as it stands in ARNs.
    pub family: String,
    /// The ARN of this recipe.
    pub recipe: String,
    /// Whether its status is ENABLED.
    pub enabled: bool,
    /// When it is due, if it has a schedule.
    pub schedule: Option<Schedule>,
    /// How many scheduled builds failed one after the other.
    pub consecutive_failures: u32,
    /// When it was made.
    pub created: Option<DateTime<Utc>>,
    /// `dateUpdated`.
    pub updated: Option<DateTime<Utc>>,
    /// When it ran last.
    pub last_run: Option<DateTime<Utc>>,
    /// When its schedule starts it next, as Image Builder says.
    pub next_run: Option<DateTime<Utc>>,
    /// Its tags, where its reports are remembered.
    pub tags: Tags,
    /// Its builds, in any order.
    pub builds: Known<Vec<Summary>>,
    /// What its recipe refers to: the parent first, then the components. Asked for by the sweep.
    pub references: Known<Vec<Reference>>,
}

/// A pipeline's schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// `cron(…)` or `rate(…)`.
    pub expression: String,
    /// An IANA time zone.
    pub timezone: Option<String>,
    /// Whether it builds whatever changed: the condition EXPRESSION_MATCH_ONLY.
    pub always: bool,
    /// After how many failed scheduled builds in a row Image Builder disables it; 5 unless the pipeline says so.
    pub failure_count: Option<u32>,
}

/// What a recipe refers to, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// As the recipe has it: an ARN, wildcards allowed, an AMI ID, or `ssm:` with a parameter.
    pub reference: String,
    /// Whether it is the parent or a component.
    pub role: Role,
    /// What it stands for now.
    pub state: ReferenceState,
}

/// What a recipe uses something for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "Image Builder's own words")]
pub enum Role {
    Parent,
    Component,
}

/// What became of something that a recipe refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReferenceState {
    /// A build can be made of it.
    Usable,
    /// A build can still be made of it: GetComponent's `state.status` is DEPRECATED.
    Deprecated(String),
    /// A build can't be made of it: a component that is DISABLED or doesn't exist, a parent with no AVAILABLE build.
    Gone(String),
    /// It couldn't be read.
    Unread(String),
}

/// One build in a list: ListImagePipelineImages, ListImageBuildVersions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Which build.
    pub arn: ImageBuildArn,
    /// How far it came.
    pub status: Status,
    /// `dateCreated`.
    pub created: DateTime<Utc>,
}

/// A dead-letter queue: GetQueueAttributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// Its ARN.
    pub arn: String,
    /// `ApproximateNumberOfMessages`.
    pub depth: u64,
    /// Its tags, where its reports are remembered.
    pub tags: Tags,
}

impl<T> Known<T> {
    /// The answer, if there is one.
    pub fn get(&self) -> Option<&T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Unread(_) | Self::Unasked => None,
        }
    }
}

impl Summary {
    /// Whether it became usable, whatever was done with it later.
    pub fn is_good(&self) -> bool {
        matches!(self.status, Status::Available | Status::Deprecated | Status::Disabled)
    }

    /// Whether it ended, well or not. A deleted one says nothing any more.
    pub fn has_ended(&self) -> bool {
        self.is_good() || matches!(self.status, Status::Failed | Status::Cancelled)
    }

    /// Builds are newer by the time when they were begun; a recipe's version may go back.
    pub fn age(&self) -> (DateTime<Utc>, (shared::version::Version, u32)) {
        (self.created, self.arn.order())
    }
}

/// The newest of some builds that `wanted` says yes to.
pub fn newest(builds: &[Summary], wanted: impl Fn(&Summary) -> bool) -> Option<&Summary> {
    builds.iter().filter(|build| wanted(build)).max_by_key(|build| build.age())
}

impl Facts {
    /// The ARNs of the builds that have to be in [`Facts::builds`] besides those that the event names: of every
    /// pipeline the newest that ended, the newest good one and those in flight. Says so from `pipelines` and `loose`.
    pub fn wanted(&self) -> Vec<&ImageBuildArn> {
        let mut wanted = Vec::new();
        for builds in self.pipelines.iter().filter_map(|pipeline| pipeline.builds.get()) {
            wanted.extend(newest(builds, Summary::has_ended));
            wanted.extend(newest(builds, Summary::is_good));
            wanted.extend(builds.iter().filter(|build| build.status.is_in_flight()));
        }
        wanted.extend(&self.loose);
        let mut arns: Vec<_> = wanted.into_iter().map(|build| &build.arn).collect();
        arns.sort_by_key(|arn| arn.to_string());
        arns.dedup();
        arns
    }

    /// The event's time, or that of the newest build or run, if the event is older than what is known: a late event is judged
    /// as one that comes now.
    pub(crate) fn latest(&self) -> DateTime<Utc> {
        let lists = self.pipelines.iter().map(|pipeline| &pipeline.builds);
        let lists = lists.chain(self.families.iter().map(|family| &family.builds)).filter_map(Known::get);
        let builds = lists.flatten().chain(&self.loose).map(|build| build.created);
        let runs = self.pipelines.iter().filter_map(|pipeline| pipeline.last_run);
        builds.chain(runs).fold(self.now, DateTime::max)
    }

    /// What is known about a build.
    pub fn build(&self, arn: &ImageBuildArn) -> Option<&Build> {
        self.builds.get(&arn.to_string())?.get()
    }

    /// A pipeline by its ARN.
    pub fn pipeline(&self, arn: &str) -> Option<&Pipeline> {
        self.pipelines.iter().find(|pipeline| pipeline.arn == arn)
    }
}

/// How long a new build may take to stand published everywhere before that counts as wrong.
pub const SETTLED: TimeDelta = TimeDelta::days(1);

/// By how much a run may be dated earlier than its schedule has it.
pub const EARLY: TimeDelta = TimeDelta::minutes(5);

/// How late a schedule may be before that counts as wrong.
pub const LATE: TimeDelta = TimeDelta::hours(1);
