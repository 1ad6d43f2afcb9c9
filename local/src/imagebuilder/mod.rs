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
pub mod recipe;
mod resolve;
mod resources;
mod sharing;
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
use crate::world::World;
use serde::{Deserialize, Serialize};

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
    let pipeline = world.imagebuilder.get(pipeline_arn).filter(|it| it.kind == store::Kind::Pipeline).cloned();
    let started = match &pipeline {
        Some(pipeline) => due::start_unasked(world, pipeline),
        None => Err(lookup::missing(pipeline_arn)),
    };
    if let Err(error) = started {
        let region = pipeline_arn.split(':').nth(3);
        world.record(Kind::Warning, pipeline_arn, region, format!("EventBridge couldn't start it: {error}"));
    }
}
