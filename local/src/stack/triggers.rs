//! What starts functions by itself: event buses with their rules, and schedules.

use super::error::{Refusal, only};
use super::evaluate::text;
use super::messaging::call;
use crate::clock::Time;
use crate::events::{self, Schedule};
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

/// Makes a bus; `properties` are those of `AWS::Events::EventBus`.
pub(super) fn bus(world: &mut World, context: &Context, name: &str, properties: &Value) -> Result<(), Vec<Refusal>> {
    only(properties, &["Description", "Name", "Policy", "Tags"])?;
    let mut input = json!({"Name": name});
    for member in ["Description", "Tags"] {
        if let Some(value) = properties.get(member) {
            input[member] = value.clone();
        }
    }
    call(world, context, "events", "CreateEventBus", input)?;
    Ok(())
}

/// Makes a rule with its targets; `properties` are those of `AWS::Events::Rule`.
pub(super) fn rule(world: &mut World, context: &Context, name: &str, properties: &Value) -> Result<(), Vec<Refusal>> {
    only(properties, &RULE)?;
    let mut input = Map::from_iter([("Name".to_owned(), json!(name))]);
    for member in ["Description", "EventBusName", "RoleArn", "ScheduleExpression", "State"] {
        if let Some(value) = properties.get(member) {
            input.insert(member.to_owned(), value.clone());
        }
    }
    if let Some(tags) = properties.get("Tags").filter(|tags| tags.is_array()) {
        input.insert("Tags".to_owned(), tags.clone());
    }
    if let Some(pattern) = properties.get("EventPattern") {
        input.insert("EventPattern".to_owned(), json!(json_text(pattern)));
    }
    call(world, context, "events", "PutRule", Value::Object(input))?;
    let mut targets = properties.get("Targets").and_then(Value::as_array).cloned().unwrap_or_default();
    targets.retain(|target| is_here(world, target));
    if targets.is_empty() {
        return Ok(());
    }
    let mut input = json!({"Rule": name, "Targets": targets});
    if let Some(bus) = properties.get("EventBusName") {
        input["EventBusName"] = bus.clone();
    }
    let answer = call(world, context, "events", "PutTargets", input)?;
    match answer["FailedEntries"].as_array().map(Vec::as_slice) {
        None | Some([]) => Ok(()),
        Some(failed) => Err(failed
            .iter()
            .map(|entry| {
                Refusal::of("Targets", format!("PutTargets: {}", entry["ErrorMessage"].as_str().unwrap_or_default()))
            })
            .collect()),
    }
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
    let target = &properties["Target"];
    if !is_here(world, target) {
        return Ok(());
    }
    let member = |name: &str| properties.get(name).and_then(text);
    let window = &properties["FlexibleTimeWindow"];
    let schedule = Schedule {
        account: context.account().to_owned(),
        region: context.region.clone(),
        group: member("GroupName").unwrap_or_else(|| "default".to_owned()),
        name: name.to_owned(),
        expression: member("ScheduleExpression").unwrap_or_default(),
        timezone: member("ScheduleExpressionTimezone"),
        window_minutes: (window["Mode"] == "FLEXIBLE")
            .then(|| window.get("MaximumWindowInMinutes").and_then(text)?.parse().ok())
            .flatten(),
        enabled: member("State").as_deref() != Some("DISABLED"),
        start: moment(properties, "StartDate")?,
        end: moment(properties, "EndDate")?,
        target_arn: target.get("Arn").and_then(text).unwrap_or_default(),
        input: target.get("Input").map(json_text),
    };
    events::put_schedule(world, schedule).map_err(|error| vec![Refusal::new(format!("CreateSchedule: {error}"))])
}

fn moment(properties: &Value, name: &str) -> Result<Option<Time>, Vec<Refusal>> {
    let Some(given) = properties.get(name).and_then(text) else { return Ok(None) };
    match given.parse() {
        Ok(time) => Ok(Some(time)),
        Err(_) => {
            Err(vec![Refusal::of(name, format!("{name} must be a time such as 2026-01-01T00:00:00Z, not {given:?}"))])
        }
    }
}

/// Whether a target is anything but a function that can't run here, which was named when its turn came. What else
/// isn't reached is EventBridge's to say.
fn is_here(world: &World, target: &Value) -> bool {
    target["Arn"].as_str().is_none_or(|arn| !world.stacks.absent_functions.contains(arn))
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
