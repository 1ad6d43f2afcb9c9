//! Lifecycle: the end of images, by hand and by policy.
//!
//! What an image or AMI meets is decided by pure functions ([`matrix`], [`select`], [`fate`]); what is decided is
//! carried out step by step ([`step`]), on the record here and in EC2 by what is posted.
//!
//! Source of the rules: the user guide's pages "How lifecycle management rules work for Image Builder image
//! resources" and "How lifecycle policy execution works".

mod action;
mod exclusion;
mod execution;
mod fate;
mod matrix;
mod policy;
mod report;
mod rules;
mod run;
mod select;
mod step;
#[cfg(test)]
mod tests;
mod update;

pub(super) use policy::{
    create_lifecycle_policy, delete_lifecycle_policy, get_lifecycle_policy, list_lifecycle_policies,
    update_lifecycle_policy,
};
pub(super) use report::{
    cancel_lifecycle_execution, get_lifecycle_execution, list_lifecycle_execution_resources, list_lifecycle_executions,
};
pub(super) use update::start_resource_state_update;

use crate::model;
use crate::wire::ApiError;
use crate::world::World;
use execution::Execution;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Store {
    /// By ID.
    executions: BTreeMap<String, Execution>,
    /// By the ARN of the policy or image: the IDs of its executions, oldest first.
    by_resource: BTreeMap<String, Vec<String>>,
    /// By policy ARN: goes up with every change of the policy; what was posted for an older one is void.
    generations: BTreeMap<String, u64>,
    /// Counts up as executions begin.
    made: u64,
}

/// What waits on the queue.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Event {
    /// The next image of an execution is due, or its end.
    Step {
        /// The execution.
        execution_id: String,
        /// The image's place among the execution's.
        place: usize,
    },
    /// An image's scheduled deprecation is due.
    Scheduled {
        /// The execution that waits for it.
        execution_id: String,
    },
    /// An execution that was asked to stop has stopped.
    Stopped {
        /// The execution.
        execution_id: String,
    },
    /// A policy's time of day has come.
    PolicyDue {
        /// The policy.
        policy_arn: String,
        /// The policy's generation when this was posted.
        generation: u64,
    },
}

/// Handles what was posted.
pub fn on(world: &mut World, event: Event) {
    match event {
        Event::Step { execution_id, place } => step::on_step(world, &execution_id, place),
        Event::Scheduled { execution_id } => step::on_scheduled(world, &execution_id),
        Event::Stopped { execution_id } => execution::on_stopped(world, &execution_id),
        Event::PolicyDue { policy_arn, generation } => run::on_due(world, &policy_arn, generation),
    }
}

/// The refusal of what the model allows and the service doesn't.
fn refusal(member: &str, rule: impl std::fmt::Display) -> ApiError {
    let message = format!("The value supplied for parameter '{member}' is not valid. {rule}");
    model::error("InvalidRequestException", message)
}
