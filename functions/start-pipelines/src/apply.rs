//! The calls that write.

use crate::plan::{Action, Made, Plan};
use lambda_runtime::tracing::info;
use shared::arn::ImageBuildArn;
use shared::error::chain;
use shared::inventory::Calls;
use shared::plan::Outcome;
use shared::tags;

/// Starts what the plan starts, in its order, one after the other: Image Builder's own calls on one's behalf are
/// throttled where many builds begin at once. Each start ends on its own.
pub(crate) async fn apply(imagebuilder: &aws_sdk_imagebuilder::Client, calls: &Calls, plan: &mut Plan) {
    for step in &mut plan.steps {
        let Action::Start { target, client_token } = &step.action else { continue };
        step.outcome = start(imagebuilder, calls, &target.pipeline, client_token, &step.reason.in_tag()).await;
        if let Outcome::Done(Made { image }) = &step.outcome {
            info!(pipeline = target.pipeline, %image, reason = %step.reason, "started");
        }
    }
}

/// imagebuilder:StartImagePipelineExecution. The same token again is answered with the same build; a tag says what it was
/// started for, since Image Builder only tells that somebody did.
async fn start(
    imagebuilder: &aws_sdk_imagebuilder::Client,
    calls: &Calls,
    pipeline: &str,
    client_token: &str,
    what_for: &str,
) -> Outcome<Made> {
    let call = async || {
        let call = imagebuilder.start_image_pipeline_execution();
        let call = call.image_pipeline_arn(pipeline).client_token(client_token);
        call.tags(tags::STARTED_FOR, what_for).send().await
    };
    let failed = |error, retryable| Outcome::Failed { error, retryable };
    let image = match calls.make("StartImagePipelineExecution", pipeline, call).await {
        Ok(answer) => answer.image_build_version_arn.unwrap_or_default(),
        // Somebody else was first.
        Err(error) if error.code() == Some("ResourceInUseException") => return Outcome::skipped(chain(&error)),
        Err(error) => return failed(chain(&error), error.is_retryable()),
    };
    match image.parse::<ImageBuildArn>() {
        Ok(image) => Outcome::Done(Made { image }),
        Err(error) => failed(format!("StartImagePipelineExecution of {pipeline}: {}", chain(&error)), false),
    }
}
