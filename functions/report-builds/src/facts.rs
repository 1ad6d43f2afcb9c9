//! What has to be known to tell what is wrong: read from AWS, never from an event.
//!
//! Only what an event asks for is read: whatever is [`Known::Unasked`] is neither wrong nor right, so nothing is said
//! about it and nothing counts as recovered.

use chrono::{DateTime, TimeDelta, Utc};
use shared::arn::{Arn, ImageBuildArn};
use shared::image::{Ami, Status};
use shared::inputs::Inputs;
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
    /// Whether its status is ENABLED.
    pub enabled: bool,
    /// When it is due, if it has a schedule.
    pub schedule: Option<Schedule>,
    /// How many scheduled builds failed one after the other.
    pub consecutive_failures: u32,
    /// When it was made.
    pub created: Option<DateTime<Utc>>,
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

/// A build: GetImage, and what hangs on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// `Linux`, `Windows`, `macOS`.
    pub platform: Option<String>,
    /// `buildType`: USER_INITIATED, SCHEDULED, IMPORT or IMPORT_ISO.
    pub build_type: Option<String>,
    /// `state.reason`.
    pub reason: Option<String>,
    /// `state.failureContext`, which only a FAILED build has.
    pub failure: Option<Failure>,
    /// What it was made of.
    pub inputs: Inputs,
    /// Where its log is.
    pub logs: Logs,
    /// Its tags, where its own reports are remembered.
    pub tags: Tags,
    /// ListWorkflowExecutions, in any order. Asked for a build that failed.
    pub executions: Known<Vec<Execution>>,
    /// ListWaitingWorkflowSteps, those of this build.
    pub waiting: Known<Vec<WaitingStep>>,
    /// Its findings, if its scan is over.
    pub scan: Known<Scan>,
}

/// `failureContext`: where a build failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// `imageStatus`: the phase at whose end it failed.
    pub phase: Status,
    /// `workflowExecutionId`.
    pub execution: Option<String>,
    /// `workflowArn`.
    pub workflow: Option<String>,
    /// `stepExecutionId`.
    pub step_execution: Option<String>,
    /// `failedStep`.
    pub step: Option<String>,
    /// `componentFailure`.
    pub component: Option<ComponentFailure>,
    /// `distributionFailure`.
    pub distribution: Option<DistributionFailure>,
}

/// `componentFailure`: which component failed, and where in its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentFailure {
    /// The component's build version.
    pub component: String,
    /// `build`, `validate` or `test`.
    pub phase: Option<String>,
    /// The step of the document.
    pub step: Option<String>,
    /// `ExecuteBash`, …
    pub action: Option<String>,
    /// What the step said.
    pub message: Option<String>,
}

/// `distributionFailure`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DistributionFailure {
    /// What Image Builder says of all of it.
    pub message: Option<String>,
    /// Where it failed.
    pub regions: Vec<RegionFailure>,
}

/// One Region and account that a build couldn't be distributed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionFailure {
    /// The Region.
    pub region: String,
    /// The account, if it isn't the build's own.
    pub account: Option<String>,
    /// FAILED, CANCELLED or TIMED_OUT.
    pub status: String,
    /// `imageConfigurationStep`, such as UPDATE_LAUNCH_TEMPLATES.
    pub step: Option<String>,
    /// What the service said.
    pub message: Option<String>,
}

/// A workflow execution of a build, with its steps that failed: ListWorkflowExecutions, ListWorkflowStepExecutions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// `wf-…`.
    pub id: String,
    /// `workflowBuildVersionArn`.
    pub workflow: String,
    /// BUILD, TEST or DISTRIBUTION.
    pub kind: String,
    /// FAILED, COMPLETED, …
    pub status: String,
    /// What it says.
    pub message: Option<String>,
    /// Whether the build was tried again after it.
    pub retried: bool,
    /// When it began.
    pub started: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended: Option<DateTime<Utc>>,
    /// Its steps, at least those that FAILED.
    pub steps: Vec<StepRun>,
}

/// A step of a workflow execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRun {
    /// `step-…`.
    pub id: String,
    /// The step's name in the workflow.
    pub name: String,
    /// `ExecuteComponents`, `LaunchInstance`, …
    pub action: Option<String>,
    /// FAILED, COMPLETED, …
    pub status: String,
    /// What it says.
    pub message: Option<String>,
    /// Which attempt it was, from 1.
    pub attempt: Option<u32>,
    /// How many it has.
    pub max_attempts: Option<u32>,
}

/// Where a build's log is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logs {
    /// The CloudWatch Logs group: `loggingConfiguration.logGroupName`, or `/aws/imagebuilder/` and the image's name.
    pub group: String,
    /// The stream: the image's version and build, `1.0.0/3`.
    pub stream: String,
    /// The bucket and prefix of the infrastructure configuration's `logging.s3Logs`.
    pub s3: Option<(String, String)>,
}

/// A workflow step that waits for somebody: ListWaitingWorkflowSteps and GetWorkflowStepExecution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingStep {
    /// `stepExecutionId`.
    pub id: String,
    /// `workflowBuildVersionArn`.
    pub workflow: String,
    /// Its name in the workflow.
    pub name: String,
    /// Its description in the workflow.
    pub description: Option<String>,
    /// Since when it waits.
    pub since: Option<DateTime<Utc>>,
    /// After how many seconds it gives up.
    pub timeout_seconds: Option<u32>,
}

/// What a scan found: ListImageScanFindings by `imageBuildVersionArn`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// Every finding, in any order.
    pub findings: Vec<Finding>,
    /// The newest build that the recipe's parent stands for, if it isn't the one that the build was made of.
    pub newer_parent: Known<Option<NewerParent>>,
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// `vulnerabilityId`, such as CVE-2026-1234.
    pub id: String,
    /// How bad it is.
    pub severity: FindingSeverity,
    /// What it is.
    pub title: Option<String>,
    /// Where it is described: `sourceUrl`.
    pub url: Option<String>,
    /// What it is in.
    pub packages: Vec<Package>,
}

/// How bad a finding is, worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "Inspector's own words")]
pub enum FindingSeverity {
    Untriaged,
    Informational,
    Low,
    Medium,
    High,
    Critical,
}

/// A package with a vulnerability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version, with the release if it has one: `3.0.8-1.amzn2023.0.11`.
    pub version: String,
    /// `fixedInVersion`: the first version without it.
    pub fixed_in: Option<String>,
}

/// The newest parent: ListImagePackages and ListImageScanFindings of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewerParent {
    /// Its build version.
    pub arn: String,
    /// The versions of its packages by their names.
    pub packages: Known<BTreeMap<String, String>>,
}

/// All versions and builds that share an image name, and where they are published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// The name as it stands in ARNs.
    pub name: String,
    /// The ARN of the pipeline that made its newest build, which remembers its reports; it is in [`Facts::pipelines`].
    pub pipeline: Option<String>,
    /// Its builds, in any order.
    pub builds: Known<Vec<Summary>>,
    /// Every Region and account where it is or should be published.
    pub published: Known<Vec<Place>>,
}

/// A parameter that should hold a family's AMI in one Region and account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The Region.
    pub region: String,
    /// The account.
    pub account: String,
    /// The parameter's name.
    pub parameter: String,
    /// The AMI of the family's newest AVAILABLE build that has one here, and that build.
    pub wanted: Option<(ImageBuildArn, Ami)>,
    /// What the parameter's newest version holds; none if there is no such parameter.
    pub holds: Known<Option<Holds>>,
    /// Parameter Store's refusal of the AMI, from the event that caused this run: nothing else tells of it.
    pub refusal: Option<String>,
}

/// The newest version of a parameter, and the AMI that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holds {
    /// Its number.
    pub version: i64,
    /// Its value.
    pub value: String,
    /// The build that its description names.
    pub build: Option<ImageBuildArn>,
    /// Whether it bears the label `hold`: somebody set the parameter back and wants it to stay so.
    pub held: bool,
    /// DescribeImages of the value, disabled ones included.
    pub ami: Known<AmiState>,
}

/// What became of an AMI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AmiState {
    /// It can be launched.
    Available,
    /// It can't be launched until it is enabled again.
    Disabled,
    /// There is no such AMI any more, or not for this account.
    Gone,
    /// Something else, in EC2's words.
    Other(String),
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

impl Family {
    /// The newest build that is AVAILABLE now.
    pub fn newest_available(&self) -> Option<&Summary> {
        newest(self.builds.get()?, |build| build.status == Status::Available)
    }
}

/// How long a new build may take to stand published everywhere before that counts as wrong.
pub const SETTLED: TimeDelta = TimeDelta::days(1);

/// How late a schedule may be before that counts as wrong.
pub const LATE: TimeDelta = TimeDelta::hours(1);

impl From<&str> for FindingSeverity {
    fn from(text: &str) -> Self {
        match text.to_ascii_uppercase().as_str() {
            "CRITICAL" => Self::Critical,
            "HIGH" => Self::High,
            "MEDIUM" => Self::Medium,
            "LOW" => Self::Low,
            "INFORMATIONAL" => Self::Informational,
            _ => Self::Untriaged,
        }
    }
}

impl FindingSeverity {
    /// In a sentence.
    pub fn word(self) -> &'static str {
        match self {
            Self::Untriaged => "untriaged",
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}
