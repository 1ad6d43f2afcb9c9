//! The build state machine, and the pipelines' schedules that start it.

use crate::world::World;

/// The state of a build ends: the next one begins, or the build ends.
pub fn on_step(_world: &mut World, _image_arn: &str) {}

/// A pipeline's schedule came due.
pub fn on_pipeline_due(_world: &mut World, _pipeline_arn: &str, _generation: u64) {}

/// Posts when a pipeline's schedule comes due next, and voids what was posted before. To be called
/// whenever a pipeline is made, updated or deleted.
pub fn reschedule(_world: &mut World, _pipeline_arn: &str) {}
