//! Executions of workflows and their steps by builds.
//!
//! Of a build is kept when each run of workflows began, what was answered in it and what fails in it: the executions
//! and their steps are played from that whenever somebody asks.

mod condition;
mod ids;
mod operations;
mod plan;
mod play;
mod retry;
mod run;
mod seen;
mod setting;
#[cfg(test)]
mod tests;
mod view;
mod waiting;

pub(super) use operations::{
    get_workflow_execution, get_workflow_step_execution, list_waiting_workflow_steps, list_workflow_executions,
    list_workflow_step_executions, send_workflow_step_action,
};
pub(super) use plan::{Phase, distribution, plan};
pub(super) use play::Run;
pub(super) use retry::{attempt, retry_image};
pub(super) use run::{begin, blame, cancel, cancelled, enlist, failure, first_execution, forget, go_on};
pub(super) use seen::{Seen, began_now, seen};

use super::workflow::document::Document;
use crate::clock::Time;
use crate::world::World;
use plan::Plan;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Store {
    /// The image ARNs by what stands for them in the IDs of their executions.
    images: BTreeMap<u64, String>,
    /// The plans of builds, by number; many builds have the same.
    plans: BTreeMap<u64, Plan>,
    /// The documents of all planned workflows, by the ARN of their build: they outlive the workflow.
    documents: BTreeMap<String, Document>,
    /// The steps that wait for an action now, by their execution's ID.
    waiting: BTreeMap<String, Waiting>,
}

/// A step that waits for an action.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Waiting {
    image_arn: String,
    since: Time,
}

/// What waits on the queue.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Event {
    /// A step begins to wait for an action.
    Waits {
        /// The image build version.
        image_arn: String,
        /// The step's execution.
        step_execution_id: String,
    },
    /// No action came in time.
    TimesOut {
        /// The step's execution.
        step_execution_id: String,
    },
}

/// Handles what was posted.
pub fn on(world: &mut World, event: Event) {
    match event {
        Event::Waits { image_arn, step_execution_id } => waiting::begins(world, &image_arn, &step_execution_id),
        Event::TimesOut { step_execution_id } => waiting::times_out(world, &step_execution_id),
    }
}
