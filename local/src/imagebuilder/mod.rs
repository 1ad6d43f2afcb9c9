//! EC2 Image Builder: the store, the handlers by resource kind, the build state machine.
//!
//! Semantics only: names, types, patterns, pages and idempotency are the model engine's ([`crate::model`]).

mod announce;
pub mod build;
pub mod catalogue;
mod due;
pub mod failure;
#[cfg(test)]
mod fixtures;
pub mod image;
mod notification;
mod outputs;
mod phases;
mod resolve;
mod start;
pub mod store;
mod yaml;

pub use store::Store;

use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::Value;

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

/// One API call; `input` holds all members of the operation's input shape whatever their place on the wire.
///
/// # Errors
/// As Image Builder answers.
pub fn call(world: &mut World, context: &Context, operation: &str, input: Value) -> Result<Value, ApiError> {
    let handler = match operation {
        "CancelImageCreation" => image::cancel_image_creation,
        "CreateImage" => image::create_image,
        "DeleteImage" => image::delete_image,
        "GetImage" => image::get_image,
        "ListImageBuildVersions" => image::list_image_build_versions,
        "ListImagePipelineImages" => image::list_image_pipeline_images,
        "ListImages" => image::list_images,
        "StartImagePipelineExecution" => image::start_image_pipeline_execution,
        _ => {
            let message = format!("{operation} is not supported by the local Image Builder");
            return Err(ApiError::new(501, "NotImplementedException", message));
        }
    };
    handler(world, context, &input)
}

/// Handles what Image Builder posted.
pub fn on(world: &mut World, event: Event) {
    match event {
        Event::BuildStep { image_arn } => build::on_step(world, &image_arn),
        Event::PipelineDue { pipeline_arn, generation } => build::on_pipeline_due(world, &pipeline_arn, generation),
        Event::ManagedRelease => catalogue::on_release(world),
    }
}
