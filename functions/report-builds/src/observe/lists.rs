//! Pipelines, families and builds, as listings have them.

use super::Reader;
use crate::facts::{Known, Pipeline, Schedule, Summary};
use aws_sdk_imagebuilder::types::{self, Ownership, PipelineExecutionStartCondition as StartCondition, PipelineStatus};
use chrono::{DateTime, Utc};
use shared::arn::{ImageBuildArn, VersionedArn};
use shared::error::AwsError;
use shared::image::{Ami, Status};
use shared::inventory::{CallError, each};
use shared::resolve::is_gone;
use std::collections::BTreeMap;

/// The most that a page of a listing holds.
pub(super) const PAGE: i32 = 25;

/// A build in a list, with its AMIs.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub(super) summary: Summary,
    pub(super) amis: Vec<Ami>,
}

/// imagebuilder:ListImagePipelines. What a listing lacks is asked for.
pub(super) async fn pipelines(reader: Reader<'_>) -> Result<Vec<Pipeline>, CallError> {
    let client = &reader.clients.imagebuilder;
    let page = async |token| {
        let answer = client.list_image_pipelines().max_results(PAGE).set_next_token(token).send().await?;
        Ok((answer.image_pipeline_list, answer.next_token))
    };
    let listed = reader.calls.list("ListImagePipelines", "the account", page).await?;
    let read = each(listed, async |listed| match (listed.tags.is_some(), listed.arn.clone()) {
        (false, Some(arn)) => pipeline(reader, &arn).await,
        _ => of(listed).map(Some),
    });
    let read = read.await.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(read.into_iter().flatten().collect())
}

/// imagebuilder:GetImagePipeline; none if there is no such pipeline any more.
pub(super) async fn pipeline(reader: Reader<'_>, arn: &str) -> Result<Option<Pipeline>, CallError> {
    let client = &reader.clients.imagebuilder;
    let call = async || client.get_image_pipeline().image_pipeline_arn(arn).send().await;
    match reader.calls.make("GetImagePipeline", arn, call).await {
        Ok(answer) => answer.image_pipeline.map(of).transpose(),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn of(pipeline: types::ImagePipeline) -> Result<Pipeline, CallError> {
    let arn = pipeline.arn.unwrap_or_default();
    let recipe = pipeline.image_recipe_arn.or(pipeline.container_recipe_arn);
    let family = recipe.as_deref().and_then(|recipe| recipe.parse().ok()).map(|VersionedArn { name, .. }| name);
    let Some(((family, recipe), name)) = family.zip(recipe).zip(pipeline.name) else {
        return Err(AwsError::unreadable("GetImagePipeline", arn, "the answer lacks the recipe or the name").into());
    };
    let schedule = pipeline.schedule.and_then(|schedule| {
        let failure_count = schedule.auto_disable_policy.and_then(|policy| policy.failure_count.try_into().ok());
        let always = schedule.pipeline_execution_start_condition == Some(StartCondition::ExpressionMatchOnly);
        Some(Schedule { expression: schedule.schedule_expression?, timezone: schedule.timezone, always, failure_count })
    });
    Ok(Pipeline {
        arn,
        name,
        family,
        recipe,
        // A status that this program doesn't know isn't ENABLED.
        enabled: pipeline.status == Some(PipelineStatus::Enabled),
        schedule,
        consecutive_failures: pipeline.consecutive_failures.and_then(|it| it.try_into().ok()).unwrap_or_default(),
        created: time(pipeline.date_created.as_deref()),
        updated: time(pipeline.date_updated.as_deref()),
        last_run: time(pipeline.date_last_run.as_deref()),
        next_run: time(pipeline.date_next_run.as_deref()),
        tags: pipeline.tags.unwrap_or_default().into_iter().collect(),
        builds: Known::Unasked,
        references: Known::Unasked,
    })
}

/// imagebuilder:ListImagePipelineImages: every build of a pipeline.
pub(super) async fn of_pipeline(reader: Reader<'_>, pipeline: &str) -> Result<Vec<Summary>, CallError> {
    let client = &reader.clients.imagebuilder;
    let page = async |token| {
        let call = client.list_image_pipeline_images().image_pipeline_arn(pipeline).max_results(PAGE);
        let answer = call.set_next_token(token).send().await?;
        Ok((answer.image_summary_list, answer.next_token))
    };
    let builds = reader.calls.list("ListImagePipelineImages", pipeline, page).await?;
    builds.into_iter().map(|build| Ok(listed("ListImagePipelineImages", pipeline, build)?.summary)).collect()
}

/// imagebuilder:ListImages: the ARNs of the versions of the account's families, by the family's name.
pub(super) async fn versions(reader: Reader<'_>) -> Result<BTreeMap<String, Vec<String>>, CallError> {
    let client = &reader.clients.imagebuilder;
    let page = async |token| {
        let call = client.list_images().owner(Ownership::SelfValue).max_results(PAGE).set_next_token(token);
        let answer = call.send().await?;
        Ok((answer.image_version_list, answer.next_token))
    };
    let listed = reader.calls.list("ListImages", "the account's images", page).await?;
    let mut families: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for arn in listed.into_iter().filter_map(|image| image.arn) {
        if let Ok(VersionedArn { name, .. }) = arn.parse() {
            families.entry(name).or_default().push(arn);
        }
    }
    Ok(families)
}

/// imagebuilder:ListImageBuildVersions: every build of some versions.
pub(super) async fn of_versions(reader: Reader<'_>, versions: &[String]) -> Result<Vec<Listed>, CallError> {
    let client = &reader.clients.imagebuilder;
    let read = each(versions, async |version| {
        let page = async |token| {
            let call = client.list_image_build_versions().image_version_arn(version).max_results(PAGE);
            let answer = call.set_next_token(token).send().await?;
            Ok((answer.image_summary_list, answer.next_token))
        };
        let builds = reader.calls.list("ListImageBuildVersions", version, page).await?;
        builds.into_iter().map(|build| listed("ListImageBuildVersions", version, build)).collect()
    });
    let read: Result<Vec<Vec<Listed>>, CallError> = read.await.into_iter().collect();
    Ok(read?.into_iter().flatten().collect())
}

fn listed(operation: &'static str, resource: &str, build: types::ImageSummary) -> Result<Listed, CallError> {
    let lacks = || AwsError::unreadable(operation, resource, "a build lacks its ARN, its status or its dateCreated");
    let status = build.state.and_then(|state| state.status).ok_or_else(lacks)?;
    let arn: ImageBuildArn = build.arn.and_then(|arn| arn.parse().ok()).ok_or_else(lacks)?;
    let created = time(build.date_created.as_deref()).ok_or_else(lacks)?;
    let amis = build.output_resources.and_then(|outputs| outputs.amis).unwrap_or_default().into_iter();
    let amis = amis.filter_map(|ami| {
        let account = ami.account_id.unwrap_or_else(|| arn.account.clone());
        Some(Ami { region: ami.region?, account, id: ami.image? })
    });
    let amis = amis.collect();
    Ok(Listed { summary: Summary { arn, status: Status::from(status.as_str()), created }, amis })
}

/// Image Builder writes times in RFC 3339.
pub(super) fn time(text: Option<&str>) -> Option<DateTime<Utc>> {
    text?.parse().ok()
}
