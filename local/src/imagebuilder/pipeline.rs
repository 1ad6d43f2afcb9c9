//! Pipelines.

use super::configuration::replace;
use super::lookup::{Identity, draft, exists, find, keep, one_of, own, resolve, text};
use super::store::Kind;
use super::{analysis, build, workflow};
use crate::clock::iso_millis;
use crate::model::{bad_value, error};
use crate::schedule::Expression;
use crate::wire::{ApiError, Context};
use crate::world::World;
use chrono_tz::Tz;
use serde_json::{Map, Value, json};
use shared::arn::VersionedArn;
use std::collections::BTreeMap;

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
    // One that is made with its name later has no builds yet.
    world.imagebuilder.pipelines.entry(arn.to_owned()).or_default().last_build = None;
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
    check_workflows(world, context, input)?;
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

/// How many workflows of a type a pipeline may have, by the type's segment in ARNs.
const WORKFLOWS: [(&str, usize); 2] = [("build", 1), ("test", 10)];

/// How many workflows of tests may run at once: those of a parallel group.
const PARALLEL: usize = 5;

/// Workflows are there, and not too many; Amazon's are taken at their latest version only.
pub(super) fn check_workflows(world: &World, context: &Context, input: &Value) -> Result<(), ApiError> {
    let workflows = input.get("workflows").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, workflow) in workflows.iter().enumerate() {
        let arn = text(workflow, "workflowArn");
        let parameter = format!("workflows[{index}].workflowArn");
        let Ok(reference) = arn.parse::<VersionedArn>() else {
            return Err(bad_value(&parameter, "Wildcards may only stand at a version's end."));
        };
        let kind = WORKFLOWS.iter().map(|(kind, _)| *kind).find(|kind| reference.name.starts_with(&format!("{kind}/")));
        let kind = kind.unwrap_or("distribution");
        if reference.arn.account == "aws" && !arn.ends_with("/x.x.x") {
            let details = format!("AWS managed workflows must have latest version 'x.x.x' for '{arn}'");
            return Err(bad_value("workflows", details));
        }
        if workflow::of(world, context.account(), &context.region, arn).is_none() {
            return Err(bad_value(&parameter, format!("The resource '{arn}' does not exist.")));
        }
        *counts.entry(kind).or_default() += 1;
        if let Some(group) = workflow.get("parallelGroup").and_then(Value::as_str) {
            if kind != "test" {
                let details = "Only workflows of tests run in parallel.";
                return Err(bad_value(&format!("workflows[{index}].parallelGroup"), details));
            }
            let together = workflows.iter().filter(|other| text(other, "parallelGroup") == group).count();
            if together > PARALLEL {
                let details = format!("A parallel group may have {PARALLEL} workflows; '{group}' has {together}.");
                return Err(bad_value(&format!("workflows[{index}].parallelGroup"), details));
            }
        }
    }
    let many = WORKFLOWS.iter().find(|(kind, most)| counts.get(kind).is_some_and(|count| count > most));
    match many {
        Some((kind, most)) => Err(bad_value("workflows", format!("A pipeline may have {most} {kind} workflow(s)."))),
        None => Ok(()),
    }
}

fn check_schedule(schedule: &mut Map<String, Value>) -> Result<(), ApiError> {
    if let Some(expression) = schedule.get("scheduleExpression").and_then(Value::as_str) {
        let refused = |reason: &str| {
            let details = format!("Invalid schedule expression. Details: {reason}");
            bad_value("schedule.scheduleExpression", details)
        };
        let parsed = Expression::parse(expression).map_err(|reason| refused(&reason))?;
        if parsed.is_one_time() {
            return Err(refused(&format!("{expression:?} is neither cron(…) nor rate(…)")));
        }
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

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::store::Resource;
    use super::*;

    /// The outcome of a pipeline with these workflows: the refusal's message, or nothing.
    fn refused(world: &World, workflows: Value) -> Option<String> {
        let checked = check_workflows(world, &context(), &json!({"workflows": workflows}));
        checked.err().map(|error| error.message)
    }

    #[test]
    fn workflows_exist_and_are_not_too_many() {
        let mut world = world();
        let managed = |kind: &str, version: &str| {
            let arn = format!("arn:aws:imagebuilder:{REGION}:aws:workflow/{kind}/{kind}-image/{version}");
            json!({"workflowArn": arn})
        };
        let mine = |rest: &str| json!({"workflowArn": arn(rest)});
        let created = world.now;
        let data = "schemaVersion: 1.0\nsteps:\n  - name: Wait\n    action: WaitForAction\n";
        let document = Map::from_iter([("type".to_owned(), json!("TEST")), ("data".to_owned(), json!(data))]);
        world.imagebuilder.put(Resource {
            kind: Kind::Workflow,
            arn: arn("workflow/test/mine/1.0.0/2"),
            region: REGION.into(),
            owner: ACCOUNT.into(),
            segment: "test/mine".into(),
            version: Some("1.0.0".parse().unwrap()),
            build: Some(2),
            made: 0,
            created,
            document: document.clone().into(),
        });
        for valid in [
            json!([managed("build", "x.x.x"), managed("test", "x.x.x"), mine("workflow/test/mine/1.0.0/2")]),
            json!([mine("workflow/test/mine/1.0.0"), mine("workflow/test/mine/1.x.x")]),
        ] {
            assert_eq!(refused(&world, valid.clone()), None, "{valid}");
        }
        let grouped = |count: usize| {
            let mut workflow = mine("workflow/test/mine/x.x.x");
            workflow["parallelGroup"] = "group".into();
            Value::from(vec![workflow; count])
        };
        assert_eq!(refused(&world, grouped(5)), None);
        for (workflows, part) in [
            (json!([managed("build", "1.0.1/1")]), "AWS managed workflows must have latest version 'x.x.x'"),
            (json!([mine("workflow/test/mine/1.0.0/3")]), "'workflows[0].workflowArn' is not valid. The resource"),
            (json!([mine("workflow/test/mine/2.x.x")]), "does not exist"),
            (json!([mine("workflow/build/mine/1.0.0/2")]), "does not exist"),
            (json!([mine("workflow/test/mine/x.0.x")]), "Wildcards"),
            (json!([managed("build", "x.x.x"), managed("build", "x.x.x")]), "may have 1 build workflow"),
            (Value::from(vec![managed("test", "x.x.x"); 11]), "may have 10 test workflow"),
            (grouped(6), "A parallel group may have 5 workflows"),
        ] {
            let message = refused(&world, workflows.clone()).unwrap_or_default();
            assert!(message.contains(part), "{workflows}: {message}");
        }
    }

    #[test]
    fn schedules_are_cron_or_rate_in_a_time_zone_that_exists() {
        let outcome = |schedule: Value| {
            let Value::Object(mut schedule) = schedule else { panic!("a schedule is an object") };
            check_schedule(&mut schedule).map(|()| Value::Object(schedule)).map_err(|error| error.message)
        };
        let condition = "EXPRESSION_MATCH_AND_DEPENDENCY_UPDATES_AVAILABLE";
        for expression in ["cron(0 0 ? * SUN *)", "rate(1 day)", "cron(0 9 * * mon)"] {
            assert_eq!(
                outcome(json!({"scheduleExpression": expression})).unwrap(),
                json!({
                    "scheduleExpression": expression, "pipelineExecutionStartCondition": condition, "timezone": "UTC",
                })
            );
        }
        let refusal = "The value supplied for parameter 'schedule.scheduleExpression' is not valid. Invalid schedule \
                       expression. Details: ";
        for expression in ["cron(0 0 * * SUN *)", "rate(1 days)", "rate(0 days)", "at(2026-05-01T00:00:00)", "daily"] {
            let message = outcome(json!({"scheduleExpression": expression})).unwrap_err();
            assert!(message.starts_with(refusal), "{message}");
        }
        let message = outcome(json!({"scheduleExpression": "rate(1 day)", "timezone": "Europe/Atlantis"})).unwrap_err();
        assert!(message.starts_with("The value supplied for parameter 'schedule.timezone' is not valid."), "{message}");
    }
}
