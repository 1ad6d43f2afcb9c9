//! Workflow documents: YAML, what a build does step by step.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a workflow's document says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Document {
    /// The parameters that it takes, as GetWorkflow answers them: `name`, `type`, `defaultValue`, `description`.
    pub(crate) parameters: Vec<Value>,
    /// In their order; one at least.
    pub(crate) steps: Vec<Step>,
}

/// A step of a workflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Step {
    /// Unique in the document.
    pub(crate) name: String,
    /// `LaunchInstance`, `ExecuteComponents`, `WaitForAction`, …
    pub(crate) action: String,
    /// Free text.
    pub(crate) description: Option<String>,
    /// Whether the workflow goes on after this step failed.
    pub(crate) continues: bool,
    /// How long it may take; `None` for the action's own limit.
    pub(crate) timeout_seconds: Option<u32>,
    /// The condition as it stands, if the step has one: `{"stringEquals": "x", "value": "$.…"}`, `and`, `or`, `not`, …
    pub(crate) condition: Option<Value>,
    /// What the action is given; references such as `$.stepOutputs.…` as they stand.
    pub(crate) inputs: Map<String, Value>,
    /// Whether it is run when the workflow failed or was cancelled.
    pub(crate) rolls_back: bool,
}
