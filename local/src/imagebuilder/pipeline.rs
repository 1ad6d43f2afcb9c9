//! Pipelines.

use super::configuration::replace;
use super::lookup::{Identity, draft, exists, find, keep, one_of, own, resolve, text};
use super::store::Kind;
use super::{analysis, build};
use crate::clock::iso_millis;
use crate::model::{bad_value, error};
use crate::schedule::Expression;
use crate::wire::{ApiError, Context};
use crate::world::World;
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

/// CreateImagePipeline.
pub(super) fn create(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let identity = Identity::plain(Kind::Pipeline, text(input, "name"));
    let arn = identity.arn(context);
    if world.imagebuilder.get(&arn).is_some() {
        return Err(exists("ImagePipeline", &arn));
    }
    let document = checked(world, context, input)?;
    keep(world, context, identity, document);
    build::reschedule(world, &arn);
    Ok(json!({"imagePipelineArn": arn}))
}

/// GetImagePipeline.
pub(super) fn get(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let found = find(&world.imagebuilder, context, Kind::Pipeline, text(input, "imagePipelineArn"))?;
    Ok(json!({"imagePipeline": found.document}))
}

/// UpdateImagePipeline: what is left out is gone or takes its default, so that a pipeline without `schedule`
/// loses it and one without `status` is enabled. The count of failures starts anew.
pub(super) fn update(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let arn = text(input, "imagePipelineArn");
    let before = own(&world.imagebuilder, context, Kind::Pipeline, arn)?;
    let had_container = before.document.contains_key("containerRecipeArn");
    if had_container != input.get("containerRecipeArn").is_some() {
        return Err(error("InvalidRequestException", "A pipeline can't change between image and container recipes."));
    }
    let document = checked(world, context, input)?;
    let kept = ["arn", "name", "dateCreated", "tags", "dateLastRun", "lastRunStatus"];
    replace(world, context, Kind::Pipeline, arn, document, &kept)?;
    build::reschedule(world, arn);
    Ok(json!({"imagePipelineArn": arn}))
}

/// DeleteImagePipeline: at any time; a build that runs goes on.
pub(super) fn delete(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let arn = text(input, "imagePipelineArn");
    own(&world.imagebuilder, context, Kind::Pipeline, arn)?;
    world.imagebuilder.remove(arn);
    build::reschedule(world, arn);
    Ok(json!({"imagePipelineArn": arn}))
}

/// The document of a pipeline with these parameters, defaults included.
fn checked(world: &World, context: &Context, input: &Value) -> Result<Map<String, Value>, ApiError> {
    one_of(input, ["imageRecipeArn", "containerRecipeArn"], "InvalidRequestException")?;
    let mut document = draft(world, "ImagePipeline", input);
    for (member, kind) in [
        ("imageRecipeArn", Kind::ImageRecipe),
        ("containerRecipeArn", Kind::ContainerRecipe),
        ("infrastructureConfigurationArn", Kind::InfrastructureConfiguration),
        ("distributionConfigurationArn", Kind::DistributionConfiguration),
    ] {
        let Some(arn) = input.get(member).and_then(Value::as_str) else { continue };
        let found = resolve(&world.imagebuilder, context, kind, arn)
            .ok_or_else(|| bad_value(member, format!("The resource '{arn}' does not exist.")))?;
        if let Some(platform) = found.document.get("platform") {
            document.insert("platform".to_owned(), platform.clone());
        }
    }
    check_role(input)?;
    analysis::check(input)?;
    if let Some(schedule) = document.get_mut("schedule").and_then(Value::as_object_mut) {
        check_schedule(schedule)?;
    }
    let tests = document.entry("imageTestsConfiguration").or_insert_with(|| json!({}));
    if let Value::Object(tests) = tests {
        tests.entry("imageTestsEnabled").or_insert(json!(true));
        tests.entry("timeoutMinutes").or_insert(json!(720));
    }
    document.entry("enhancedImageMetadataEnabled").or_insert(json!(true));
    document.entry("status").or_insert(json!("ENABLED"));
    document.insert("consecutiveFailures".to_owned(), json!(0));
    document.insert("dateUpdated".to_owned(), iso_millis(world.now).into());
    Ok(document)
}

/// Own workflows and own log groups run under a role of the caller's.
pub(super) fn check_role(input: &Value) -> Result<(), ApiError> {
    if input.get("executionRole").is_some() {
        return Ok(());
    }
    if input.get("workflows").is_some() {
        return Err(error("InvalidRequestException", "workflows requires executionRole."));
    }
    for member in ["imageLogGroupName", "pipelineLogGroupName", "logGroupName"] {
        let group = input.get("loggingConfiguration").and_then(|logging| logging.get(member)?.as_str());
        if group.is_some_and(|group| !group.starts_with("/aws/imagebuilder/")) {
            let message =
                format!("loggingConfiguration.{member} outside of /aws/imagebuilder/ requires executionRole.");
            return Err(error("InvalidRequestException", message));
        }
    }
    Ok(())
}

fn check_schedule(schedule: &mut Map<String, Value>) -> Result<(), ApiError> {
    if let Some(expression) = schedule.get("scheduleExpression").and_then(Value::as_str) {
        Expression::parse(expression).map_err(|reason| {
            let details = format!("Invalid schedule expression. Details: {reason}");
            bad_value("schedule.scheduleExpression", details)
        })?;
        schedule
            .entry("pipelineExecutionStartCondition")
            .or_insert(json!("EXPRESSION_MATCH_AND_DEPENDENCY_UPDATES_AVAILABLE"));
    }
    let zone = schedule.entry("timezone").or_insert(json!("UTC"));
    let zone = zone.as_str().unwrap_or_default();
    match zone.parse::<Tz>() {
        Ok(_) => Ok(()),
        Err(_) => Err(bad_value("schedule.timezone", format!("'{zone}' is no IANA time zone."))),
    }
}
