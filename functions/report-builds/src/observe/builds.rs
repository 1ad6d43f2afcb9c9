//! One build: GetImage, its workflow executions, the steps that wait, its scan.

use super::lists::{PAGE, time};
use super::{Reader, Trouble, scans};
use crate::facts::{
    Build, ComponentFailure, DistributionFailure, Execution, Failure, Known, Logs, RegionFailure, StepRun, Summary,
    WaitingStep,
};
use aws_sdk_imagebuilder::types;
use shared::arn::ImageBuildArn;
use shared::error::{AwsError, chain};
use shared::image::Status;
use shared::inputs::Inputs;
use shared::inventory::{CallError, each};
use std::collections::BTreeMap;

/// Steps that wait, by their build's ARN.
pub(crate) type Waiting = BTreeMap<String, Vec<WaitingStep>>;

/// imagebuilder:GetImage
pub(super) async fn image(reader: Reader<'_>, arn: &str) -> Result<types::Image, CallError> {
    let client = &reader.clients.imagebuilder;
    let call = async || client.get_image().image_build_version_arn(arn).send().await;
    let image = reader.calls.make("GetImage", arn, call).await?.image;
    image.ok_or_else(|| AwsError::unreadable("GetImage", arn, "the answer lacks the image").into())
}

fn status(image: &types::Image) -> Option<Status> {
    image.state.as_ref()?.status.as_ref().map(|status| Status::from(status.as_str()))
}

/// As a listing would have it.
pub(super) fn summary(image: &types::Image) -> Result<Summary, CallError> {
    let arn = image.arn.as_deref().unwrap_or_default();
    let lacks = || AwsError::unreadable("GetImage", arn, "the answer lacks the status, or dateCreated as a time");
    let created = time(image.date_created.as_deref()).ok_or_else(lacks)?;
    Ok(Summary { arn: arn.parse().map_err(|_| lacks())?, status: status(image).ok_or_else(lacks)?, created })
}

/// Everything about one build. What is refused for good beside the build itself is noted in it.
///
/// # Errors
/// That the build, or what a FAILED one has to be told with, couldn't be read.
pub(super) async fn details(
    reader: Reader<'_>,
    arn: &str,
    waiting: &Known<Waiting>,
) -> Result<(Build, Vec<Trouble>), Trouble> {
    let image = image(reader, arn).await.map_err(|error| Trouble::essential(&error))?;
    let status = status(&image);
    let scan = image.scan_state.as_ref().and_then(|scan| scan.status.as_ref());
    let scanned = scan == Some(&types::ImageScanStatus::Completed);
    let mut build = of(arn, image);
    let mut unread = Vec::new();
    if status == Some(Status::Failed) {
        build.executions = match executions(reader, arn).await {
            Ok(executions) => Known::Is(executions),
            Err(error) if error.is_retryable() => return Err(Trouble::essential(&error)),
            Err(error) => Known::Unread(chain(&error)),
        };
    }
    if status.as_ref().is_some_and(Status::is_in_flight) {
        build.waiting = match waiting {
            Known::Is(all) => Known::Is(all.get(arn).cloned().unwrap_or_default()),
            Known::Unread(why) => Known::Unread(why.clone()),
            Known::Unasked => Known::Unasked,
        };
    }
    // What a build that never came to be was scanned for concerns nobody.
    if scanned && !matches!(status, Some(Status::Failed | Status::Cancelled | Status::Deleted)) {
        build.scan = Trouble::known(scans::read(reader, arn, &build.inputs).await, &mut unread);
    }
    Ok((build, unread))
}

fn of(arn: &str, image: types::Image) -> Build {
    let parsed = arn.parse::<ImageBuildArn>();
    let stream = parsed.as_ref().map(|arn| format!("{}/{}", arn.version, arn.build)).unwrap_or_default();
    let name = image.name.as_deref().unwrap_or_default();
    let group = image.logging_configuration.and_then(|logging| logging.log_group_name);
    let s3 = image.infrastructure_configuration.and_then(|it| it.logging?.s3_logs);
    let s3 = s3.and_then(|logs| Some((logs.s3_bucket_name?, logs.s3_key_prefix.unwrap_or_default())));
    let logs = Logs { group: group.unwrap_or_else(|| format!("/aws/imagebuilder/{name}")), stream, s3 };
    let of_image = image.image_recipe.map(|it| (it.arn, it.parent_image, it.components));
    let recipe = of_image.or_else(|| image.container_recipe.map(|it| (it.arn, it.parent_image, it.components)));
    // An imported image has none.
    let (recipe, parent, components) = recipe.unwrap_or_default();
    let components = components.unwrap_or_default().into_iter().map(|component| component.component_arn);
    let state = image.state;
    Build {
        platform: image.platform.map(|platform| platform.as_str().to_owned()),
        build_type: image.build_type.map(|kind| kind.as_str().to_owned()),
        reason: state.as_ref().and_then(|state| state.reason.clone()),
        failure: state.and_then(|state| state.failure_context).and_then(failure),
        inputs: Inputs {
            recipe: recipe.unwrap_or_default(),
            parent: parent.unwrap_or_default(),
            components: components.collect(),
        },
        logs,
        tags: image.tags.unwrap_or_default().into_iter().collect(),
        executions: Known::Unasked,
        waiting: Known::Unasked,
        scan: Known::Unasked,
    }
}

fn failure(context: types::ImageFailureContext) -> Option<Failure> {
    let component = context.component_failure.map(|it| ComponentFailure {
        component: it.component_arn.unwrap_or_default(),
        phase: it.phase_name,
        step: it.step_name,
        action: it.action,
        message: it.error_message,
    });
    let distribution = context.distribution_failure.map(|it| DistributionFailure {
        message: it.error_message,
        regions: it.region_failures.unwrap_or_default().into_iter().map(region).collect(),
    });
    Some(Failure {
        phase: Status::from(context.image_status?.as_str()),
        execution: context.workflow_execution_id,
        workflow: context.workflow_arn,
        step_execution: context.step_execution_id,
        step: context.failed_step,
        component,
        distribution,
    })
}

fn region(it: types::RegionFailure) -> RegionFailure {
    RegionFailure {
        region: it.region.unwrap_or_default(),
        account: it.target_account_id,
        status: it.status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
        step: it.image_configuration_step.map(|step| step.as_str().to_owned()),
        message: it.error_message,
    }
}

/// imagebuilder:ListWorkflowExecutions, and ListWorkflowStepExecutions of those that FAILED.
async fn executions(reader: Reader<'_>, arn: &str) -> Result<Vec<Execution>, CallError> {
    let client = &reader.clients.imagebuilder;
    let page = async |token| {
        let call = client.list_workflow_executions().image_build_version_arn(arn).max_results(PAGE);
        let answer = call.set_next_token(token).send().await?;
        Ok((answer.workflow_executions, answer.next_token))
    };
    let listed = reader.calls.list("ListWorkflowExecutions", arn, page).await?;
    let read = each(listed, async |execution| {
        let id = execution.workflow_execution_id.unwrap_or_default();
        let status = execution.status.map(|status| status.as_str().to_owned()).unwrap_or_default();
        let steps = if status == "FAILED" { failed_steps(reader, &id).await? } else { Vec::new() };
        Ok(Execution {
            id,
            workflow: execution.workflow_build_version_arn.unwrap_or_default(),
            kind: execution.r#type.map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
            status,
            message: execution.message,
            retried: execution.retried.unwrap_or_default(),
            started: time(execution.start_time.as_deref()),
            ended: time(execution.end_time.as_deref()),
            steps,
        })
    });
    read.await.into_iter().collect()
}

async fn failed_steps(reader: Reader<'_>, execution: &str) -> Result<Vec<StepRun>, CallError> {
    let client = &reader.clients.imagebuilder;
    let page = async |token| {
        let call = client.list_workflow_step_executions().workflow_execution_id(execution).max_results(PAGE);
        let answer = call.set_next_token(token).send().await?;
        Ok((answer.steps, answer.next_token))
    };
    let listed = reader.calls.list("ListWorkflowStepExecutions", execution, page).await?;
    let steps = listed.into_iter().map(|step| StepRun {
        id: step.step_execution_id.unwrap_or_default(),
        name: step.name.unwrap_or_default(),
        action: step.action,
        status: step.status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
        message: step.message,
        attempt: step.attempt_number.and_then(|it| it.try_into().ok()),
        max_attempts: step.max_attempts.and_then(|it| it.try_into().ok()),
    });
    Ok(steps.filter(|step| step.status == "FAILED").collect())
}

/// imagebuilder:ListWaitingWorkflowSteps, of one build or of all; GetWorkflowStepExecution of each.
pub(crate) async fn waiting(reader: Reader<'_>, of: Option<&ImageBuildArn>) -> Result<Waiting, CallError> {
    let client = &reader.clients.imagebuilder;
    let page = async |token| {
        let answer = client.list_waiting_workflow_steps().max_results(PAGE).set_next_token(token).send().await?;
        Ok((answer.steps, answer.next_token))
    };
    let mut listed = reader.calls.list("ListWaitingWorkflowSteps", "the account", page).await?;
    let of = of.map(ToString::to_string);
    listed.retain(|step| of.is_none() || step.image_build_version_arn == of);
    let read = each(listed, async |step| -> Result<_, CallError> {
        let id = step.step_execution_id.unwrap_or_default();
        let call = async || client.get_workflow_step_execution().step_execution_id(&id).send().await;
        let whole = reader.calls.make("GetWorkflowStepExecution", &id, call).await?;
        let waiting = WaitingStep {
            workflow: step.workflow_build_version_arn.unwrap_or_default(),
            name: step.name.unwrap_or_default(),
            description: whole.description,
            since: time(step.start_time.as_deref()),
            timeout_seconds: whole.timeout_seconds.and_then(|it| it.try_into().ok()),
            id,
        };
        Ok((step.image_build_version_arn.unwrap_or_default(), waiting))
    });
    let mut waiting = Waiting::new();
    for read in read.await {
        let (image, step) = read?;
        waiting.entry(image).or_default().push(step);
    }
    Ok(waiting)
}
