//! The lifecycle execution of an image that was started last, with what became of its resources.

use super::read::Reader;
use super::time;
use crate::plan::{Build, Execution, ExecutionResource, Known};
use aws_sdk_imagebuilder::types;
use chrono::{DateTime, TimeDelta, Utc};
use shared::error::chain;
use shared::image::Status;
use shared::inventory::CallError;
use shared::tags;

/// What became of the resources of an execution that succeeded is read for so long: a run or two hear of those that
/// were skipped.
const NEWS: TimeDelta = TimeDelta::days(8);

/// The most that a page of a listing holds.
const PAGE: i32 = 25;

/// Whether an image may have an execution of which something is to be learnt. Each step writes its tag before it starts
/// one, so an image without tags had none of ours, and one whose last step was long ago, with the next one far, is done
/// with that.
pub(super) fn may_be(build: &Build, now: DateTime<Utc>, is_near: bool) -> bool {
    let Known::Is(own) = &build.tags else { return true };
    let old = |tag: &str| {
        let time = own.get(tag).map(|text| DateTime::parse_from_rfc3339(text));
        time.is_none_or(|time| time.is_ok_and(|time| now - time.to_utc() >= NEWS))
    };
    match build.status {
        Status::Available => own.keys().any(|key| key.starts_with("goldsmith:")),
        Status::Deprecated | Status::Disabled => is_near || !old(tags::DEPRECATED_AT) || !old(tags::DISABLED_AT),
        _ => true,
    }
}

/// The execution that was started last, if there ever was one; with what became of its resources if that is news, or
/// if the next step is near and begins where this one ended.
pub(super) async fn last(
    reader: &Reader<'_>,
    image: &str,
    now: DateTime<Utc>,
    is_near: bool,
) -> Known<Option<Execution>> {
    match read(reader, image, now, is_near).await {
        Ok(execution) => Known::Is(execution),
        Err(error) => Known::Unread(chain(&error)),
    }
}

async fn read(
    reader: &Reader<'_>,
    image: &str,
    now: DateTime<Utc>,
    is_near: bool,
) -> Result<Option<Execution>, CallError> {
    let page = async |token| {
        let call = reader.imagebuilder.list_lifecycle_executions().resource_arn(image).max_results(PAGE);
        let answer = call.set_next_token(token).send().await?;
        Ok((answer.lifecycle_executions, answer.next_token))
    };
    let listed = reader.calls.list("ListLifecycleExecutions", image, page).await?;
    let Some(last) = listed.into_iter().max_by_key(|it| it.start_time) else { return Ok(None) };
    let state = last.state;
    let mut execution = Execution {
        id: last.lifecycle_execution_id.unwrap_or_default(),
        status: state.as_ref().and_then(|it| it.status.as_ref()).map_or("unknown", |it| it.as_str()).to_owned(),
        reason: state.and_then(|it| it.reason),
        started: last.start_time.as_ref().and_then(time),
        resources: Vec::new(),
    };
    let recent = execution.started.is_none_or(|started| now - started < NEWS);
    if !execution.is_under_way() && (execution.status != "SUCCESS" || recent || is_near) {
        execution.resources = resources(reader, &execution.id, image).await?;
    }
    Ok(Some(execution))
}

/// The image's own entry, and those of its AMIs.
async fn resources(reader: &Reader<'_>, id: &str, image: &str) -> Result<Vec<ExecutionResource>, CallError> {
    let of = async |parent: Option<String>| {
        let page = async |token| {
            let call = reader.imagebuilder.list_lifecycle_execution_resources().lifecycle_execution_id(id);
            let call = call.set_parent_resource_id(parent.clone()).max_results(PAGE);
            let answer = call.set_next_token(token).send().await?;
            Ok((answer.resources, answer.next_token))
        };
        reader.calls.list("ListLifecycleExecutionResources", id, page).await
    };
    let (image, outputs) = tokio::join!(of(None), of(Some(image.to_owned())));
    Ok(image?.into_iter().chain(outputs?).map(resource).collect())
}

fn resource(it: types::LifecycleExecutionResource) -> ExecutionResource {
    let state = it.state;
    let action = it.action.and_then(|action| action.name);
    ExecutionResource {
        id: it.resource_id.unwrap_or_default(),
        region: it.region,
        action: action.map(|name| name.as_str().to_owned()),
        status: state.as_ref().and_then(|it| it.status.as_ref()).map_or("unknown", |it| it.as_str()).to_owned(),
        reason: state.and_then(|it| it.reason),
    }
}
