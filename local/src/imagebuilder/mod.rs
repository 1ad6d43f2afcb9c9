//! EC2 Image Builder: the store, the handlers by resource kind, the build state machine.
//!
//! Semantics only: names, types, patterns, pages and idempotency are the model engine's ([`crate::model`]).

mod announce;
pub mod build;
mod calls;
pub mod catalogue;
mod component;
mod configuration;
mod document;
mod due;
pub mod failure;
#[cfg(test)]
mod fixtures;
pub mod image;
mod list;
mod lookup;
mod managed;
pub mod naming;
mod notification;
mod outputs;
mod phases;
mod pipeline;
mod recipe;
mod resolve;
mod start;
pub mod store;
mod supply;
mod tags;
#[cfg(test)]
mod tests;

pub use calls::call;
pub use store::Store;

use crate::world::World;

/// What Image Builder causes.
#[derive(Debug, Clone)]
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
    }
}
