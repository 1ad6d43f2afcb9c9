//! What plans have in common: an action, the reason for it, and what became of it. They serialise into a function's answer.

use serde::Serialize;

/// One action of a plan: `{"action": …, "reason": "…", "outcome": "…", …}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step<Action, Reason, Made> {
    /// What is to be done, and to what.
    #[serde(flatten)]
    pub action: Action,
    /// Why, as text.
    pub reason: Reason,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome<Made>,
}

/// What became of an action; `Made` is what it brought forth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "camelCase")]
pub enum Outcome<Made> {
    /// Not tried yet, or not to be tried in a dry run.
    Planned,
    /// Done.
    Done(Made),
    /// There was nothing to do: the plan says so, or it turned out while others were carried out.
    Skipped {
        /// What turned out, if the plan didn't know.
        #[serde(skip_serializing_if = "Option::is_none")]
        because: Option<String>,
    },
    /// Tried in vain.
    Failed {
        /// The error with its causes.
        error: String,
        /// Whether trying again later can help.
        retryable: bool,
    },
}

impl<Made> Outcome<Made> {
    /// Nothing to do, as planned.
    pub const SKIPPED: Self = Self::Skipped { because: None };

    /// Nothing to do, for a reason that turned out on the way.
    pub fn skipped(because: impl Into<String>) -> Self {
        Self::Skipped { because: Some(because.into()) }
    }

    /// Whether it was tried in vain.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Failed { .. })
    }
}
