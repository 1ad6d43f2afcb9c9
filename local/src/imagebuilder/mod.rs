//! EC2 Image Builder: the store, the handlers by resource kind, the build state machine.
//!
//! Semantics only: names, types, patterns, pages and idempotency are the model engine's ([`crate::model`]).

mod analysis;
mod announce;
pub mod arrival;
pub mod build;
mod calls;
pub mod catalogue;
mod component;
mod configuration;
mod document;
mod due;
pub mod execution;
pub mod failure;
#[cfg(test)]
mod fixtures;
pub mod image;
mod import;
pub mod lifecycle;
mod list;
mod lookup;
mod managed;
mod marketplace;
pub mod members;
pub mod naming;
mod notification;
pub mod outputs;
mod phases;
mod pipeline;
pub mod policy;
mod recipe;
mod resolve;
mod resources;
mod start;
pub mod store;
mod supply;
mod tags;
#[cfg(test)]
mod tests;
pub mod tokens;
mod workflow;
mod yaml;

pub use calls::call;
pub use store::Store;

use crate::journal::Kind;
use crate::wire::{Caller, Context};
use crate::world::World;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::arn::Arn;

/// What Image Builder causes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Event {
    /// The state of a build ends: the next one begins.
    BuildStep {
        /// The image build version.
        image_arn: String,
    },
    /// A pipeline's schedule comes due.
    PipelineDue {
        /// The pipeline.
        pipeline_arn: String,
        /// The value of the pipeline's schedule generation when this was posted: an update makes older ones void.
        generation: u64,
    },
    /// Amazon releases new versions of managed images.
    ManagedRelease,
    /// EventBridge starts a pipeline that is a rule's or schedule's target.
    StartPipeline {
        /// The pipeline.
        pipeline_arn: String,
    },
    /// The scan of a build's test instance goes on.
    Scan {
        /// The image build version.
        image_arn: String,
    },
    /// A workflow's execution goes on.
    Execution(execution::Event),
    /// A lifecycle execution goes on, or a policy is due.
    Lifecycle(lifecycle::Event),
}

/// Fills a new world: the managed catalogue.
pub fn begin(world: &mut World) {
    catalogue::begin(world);
}

/// Handles what Image Builder posted.
pub fn on(world: &mut World, event: Event) {
    match event {
        Event::BuildStep { image_arn } => build::on_step(world, &image_arn),
        Event::PipelineDue { pipeline_arn, generation } => build::on_pipeline_due(world, &pipeline_arn, generation),
        Event::ManagedRelease => catalogue::on_release(world),
        Event::StartPipeline { pipeline_arn } => start_pipeline(world, &pipeline_arn),
        Event::Scan { image_arn } => analysis::on_progress(world, &image_arn),
        Event::Execution(event) => execution::on(world, event),
        Event::Lifecycle(event) => lifecycle::on(world, event),
    }
}

/// Starts a pipeline for EventBridge, which tells nobody when that fails: the journal does.
fn start_pipeline(world: &mut World, pipeline_arn: &str) {
    let (account, region) = match pipeline_arn.parse::<Arn>() {
        Ok(arn) => (arn.account, arn.region),
        Err(error) => return world.record(Kind::Warning, pipeline_arn, None, error.to_string()),
    };
    let context = Context {
        caller: Caller::service(&account, "events.amazonaws.com"),
        region,
        request_id: world.fresh_uuid("request"),
    };
    let input = json!({"imagePipelineArn": pipeline_arn, "clientToken": world.fresh_uuid("client token")});
    if let Err(error) = call(world, &context, "StartImagePipelineExecution", input) {
        let detail = format!("EventBridge couldn't start it: {error}");
        world.record(Kind::Warning, pipeline_arn, Some(&context.region), detail);
    }
}
