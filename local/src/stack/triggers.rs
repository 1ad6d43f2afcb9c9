//! What starts functions by itself: rules on the default event bus, and schedules.

use super::error::{Refusal, only};
use super::evaluate::text;
use super::messaging::call;
use crate::journal::Kind;
use crate::wire::Context;
use crate::world::World;
use serde_json::{Map, Value, json};

const RULE: [&str; 9] = [
    "Description",
    "EventBusName",
    "EventPattern",
    "Name",
    "RoleArn",
    "ScheduleExpression",
    "State",
    "Tags",
    "Targets",
];

/// Makes a rule on the default bus with its targets; `properties` are those of `AWS::Events::Rule`.
pub(super) fn rule(world: &mut World, context: &Context, name: &str, properties: &Value) -> Result<(), Vec<Refusal>> {
    only(properties, &RULE)?;
    let bus = properties.get("EventBusName").and_then(text).unwrap_or_else(|| "default".to_owned());
    if bus != "default" && !bus.ends_with(":event-bus/default") {
        let message = format!("only the default event bus is there locally: the rule {name} is on {bus}");
        return Err(vec![Refusal::of("EventBusName", message)]);
    }
    let mut input = Map::from_iter([("Name".to_owned(), json!(name))]);
    for member in ["Description", "ScheduleExpression", "State"] {
        if let Some(value) = properties.get(member) {
            input.insert(member.to_owned(), value.clone());
        }
    }
    if let Some(pattern) = properties.get("EventPattern") {
        input.insert("EventPattern".to_owned(), json!(json_text(pattern)));
    }
    call(world, context, "events", "PutRule", Value::Object(input))?;
    let all = properties.get("Targets").and_then(Value::as_array).cloned().unwrap_or_default();
    let targets: Vec<_> = all.into_iter().filter(|target| is_here(world, context, name, target)).collect();
    if !targets.is_empty() {
        call(world, context, "events", "PutTargets", json!({"Rule": name, "Targets": targets}))?;
    }
    Ok(())
}

const SCHEDULE: [&str; 11] = [
    "Description",
    "EndDate",
    "FlexibleTimeWindow",
    "GroupName",
    "KmsKeyArn",
    "Name",
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "StartDate",
    "State",
    "Target",
];

/// Makes a schedule; `properties` are those of `AWS::Scheduler::Schedule`.
pub(super) fn schedule(
    world: &mut World,
    context: &Context,
    name: &str,
    properties: &Value,
) -> Result<(), Vec<Refusal>> {
    only(properties, &SCHEDULE)?;
    if !is_here(world, context, name, &properties["Target"]) {
        return Ok(());
    }
    let mut input = properties.clone();
    input["Name"] = json!(name);
    if input.get("FlexibleTimeWindow").is_none() {
        input["FlexibleTimeWindow"] = json!({"Mode": "OFF"});
    }
    call(world, context, "scheduler", "CreateSchedule", input).map(|_| ())
}

/// Whether a target is a function or topic of the local AWS; a warning says so if not.
fn is_here(world: &mut World, context: &Context, name: &str, target: &Value) -> bool {
    let arn = target["Arn"].as_str().unwrap_or_default();
    let service = arn.split(':').nth(2).unwrap_or_default();
    // An absent function was named when its place in the template was reached.
    if world.stacks.absent_functions.contains(arn) {
        return false;
    }
    if ["lambda", "sns"].contains(&service) {
        return true;
    }
    let detail = format!("nothing is delivered to the target {arn:?}: it isn't there locally");
    world.record(Kind::Warning, name, Some(&context.region), detail);
    false
}

/// A document as JSON text, whether it is given as one or as text already.
fn json_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Members of a target that an event source of SAM may name.
const TARGET: [&str; 5] = ["DeadLetterConfig", "Input", "InputPath", "InputTransformer", "RetryPolicy"];

/// Makes what an event source of a SAM function stands for; `name` is the one to take if it gives none.
pub(super) fn event_source(
    world: &mut World,
    context: &Context,
    name: &str,
    function_arn: &str,
    kind: &str,
    event: &Value,
) -> Result<(), Vec<Refusal>> {
    let given = ["Name", "RuleName"].iter().find_map(|member| event.get(member).and_then(text));
    let name = given.unwrap_or_else(|| name.to_owned());
    let mut target = Map::from_iter([("Arn".to_owned(), json!(function_arn))]);
    for member in TARGET {
        if let Some(value) = event.get(member) {
            target.insert(member.to_owned(), value.clone());
        }
    }
    let state = match (event.get("State"), event.get("Enabled").and_then(text).as_deref()) {
        (Some(state), _) => state.clone(),
        (None, Some("false")) => json!("DISABLED"),
        (None, _) => json!("ENABLED"),
    };
    let mut properties = Map::from_iter([("State".to_owned(), state)]);
    let mut take = |from: &str, to: &str| {
        if let Some(value) = event.get(from) {
            properties.insert(to.to_owned(), value.clone());
        }
    };
    take("Description", "Description");
    match kind {
        "Schedule" => take("Schedule", "ScheduleExpression"),
        "EventBridgeRule" | "CloudWatchEvent" => {
            take("Pattern", "EventPattern");
            take("EventBusName", "EventBusName");
        }
        "ScheduleV2" => {
            only(event, &[&SCHEDULE[..], &TARGET, &["RoleArn", "PermissionsBoundary", "OmitName"]].concat())?;
            for member in [
                "EndDate",
                "FlexibleTimeWindow",
                "GroupName",
                "ScheduleExpression",
                "ScheduleExpressionTimezone",
                "StartDate",
            ] {
                take(member, member);
            }
            let role = event.get("RoleArn").cloned();
            target.insert(
                "RoleArn".to_owned(),
                role.unwrap_or_else(|| json!(format!("arn:aws:iam::{}:role/{name}", context.account()))),
            );
            properties.insert("Target".to_owned(), Value::Object(target));
            return schedule(world, context, &name, &Value::Object(properties));
        }
        other => {
            let message = format!(
                "event sources of type {other} aren't supported: expected SNS, Schedule, ScheduleV2, EventBridgeRule or CloudWatchEvent"
            );
            return Err(vec![Refusal::of("Events", message)]);
        }
    }
    let own = [
        "Description",
        "Enabled",
        "EventBusName",
        "Name",
        "Pattern",
        "RuleName",
        "Schedule",
        "State",
        "Target",
        "RoleArn",
    ];
    only(event, &[&own[..], &TARGET].concat())?;
    let id = event.get("Target").and_then(|target| target.get("Id")).and_then(text);
    target.insert("Id".to_owned(), json!(id.unwrap_or_else(|| "LambdaTarget".to_owned())));
    properties.insert("Targets".to_owned(), json!([target]));
    rule(world, context, &name, &Value::Object(properties))
}
