//! RetryImage: a build that failed in its tests or its distribution goes on there.

use super::super::lookup::{own, text};
use super::super::store::Kind;
use super::super::{build, phases};
use super::plan::Phase;
use super::play::Run;
use crate::model::error;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::{Value, json};

/// Whether a run of a build was run again later.
pub(super) fn was_retried(runs: &[Run], run: usize) -> bool {
    runs.get(run).is_some_and(|this| runs.iter().skip(run + 1).any(|later| later.phase <= this.phase))
}

/// How many times a build was retried.
pub(crate) fn attempt(world: &World, image_arn: &str) -> usize {
    let runs = world.imagebuilder.builds.get(image_arn).map(|build| build.runs.as_slice()).unwrap_or_default();
    runs.windows(2).filter(|pair| pair[1].phase <= pair[0].phase).count()
}

/// RetryImage: the same build version goes on at the tests or the distribution in which it failed or was cancelled.
pub(crate) fn retry_image(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let arn = text(input, "imageBuildVersionArn");
    let image = own(&world.imagebuilder, context, Kind::Image, arn)?;
    let refuse =
        |why: &str| Err(error("InvalidRequestException", format!("The image '{arn}' can't be retried: {why}")));
    let status = image.status();
    if phases::in_progress(status) {
        let message = format!("The image '{arn}' is in the state {status}.");
        return Err(error("ResourceInUseException", message));
    }
    if !matches!(status, "FAILED" | "CANCELLED") {
        return refuse(&format!("it is in the state {status}, not FAILED or CANCELLED."));
    }
    if image.text("type") != Some("AMI") {
        return refuse("only images of the type AMI can be.");
    }
    let last = world.imagebuilder.builds.get(arn).and_then(|build| build.runs.last());
    match last.map(|run| run.phase) {
        Some(phase @ (Phase::Test | Phase::Distribution)) => build::retry(world, arn, phase.status()),
        Some(Phase::Build) => return refuse(&format!("it is {status} since BUILDING; start a new build.")),
        None => return refuse(&format!("it is {status} before its tests and its distribution; start a new build.")),
    }
    Ok(json!({"imageBuildVersionArn": arn}))
}
