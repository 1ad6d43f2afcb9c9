//! One build: where it failed, what waits in it, and what its scan found.

use super::{Known, Tags};
use chrono::{DateTime, Utc};
use shared::image::Status;
use shared::inputs::Inputs;
use std::collections::BTreeMap;

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

impl Build {
    /// The workflow execution that its failure names.
    pub fn failed_execution(&self) -> Option<&Execution> {
        let named = self.failure.as_ref()?.execution.as_ref()?;
        self.executions.get()?.iter().find(|execution| execution.id == *named)
    }

    /// The step of that execution that its failure names, or the first that failed: a step that was tried several times
    /// failed several times.
    pub fn failed_step(&self) -> Option<&StepRun> {
        let named = self.failure.as_ref()?.step_execution.as_ref();
        let steps = &self.failed_execution()?.steps;
        let this = steps.iter().find(|step| Some(&step.id) == named);
        this.or_else(|| steps.iter().find(|step| step.status == "FAILED"))
    }
}

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
