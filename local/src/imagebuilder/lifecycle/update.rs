//! StartResourceStateUpdate.

use super::action::{Action, Include};
use super::exclusion::Exclusions;
use super::execution::{self, Draft, Order, Task};
use super::matrix::{self, Asked};
use super::{refusal, step};
use crate::clock::Time;
use crate::imagebuilder::lookup::{own, text};
use crate::imagebuilder::store::Kind;
use crate::model;
use crate::wire::{ApiError, Context, Principal};
use crate::world::World;
use chrono::DateTime;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use shared::arn::Arn;

/// StartResourceStateUpdate: at once if nothing but the record changes and no time is given, else by an execution.
pub(in crate::imagebuilder) fn start_resource_state_update(
    world: &mut World,
    context: &Context,
    input: &Value,
) -> Result<Value, ApiError> {
    let arn = text(input, "resourceArn");
    let image = own(&world.imagebuilder, context, Kind::Image, arn)?;
    let status = input["state"]["status"].as_str().ok_or_else(|| refusal("state.status", "It is required."))?;
    let action = Action::to_status(status).ok_or_else(|| refusal("state.status", "It isn't known."))?;
    role(world, context, input)?;
    let include: Option<Include> = member(input, "includeResources")?;
    let exclusions: Option<Exclusions> = member(&input["exclusionRules"], "amis")?;
    let at = input.get("updateAt").map(time).transpose()?;
    let asked = Asked {
        container: image.text("type") == Some("DOCKER"),
        from: image.status(),
        action,
        role: input.get("executionRole").is_some(),
        include,
        at,
        exclusions: exclusions.is_some(),
        now: world.now,
    };
    if let Some((member, rule)) = matrix::broken(&asked) {
        return Err(refusal(member, format!("{rule} The image is {}.", asked.from)));
    }
    if let Some(running) = execution::running(world, arn) {
        let message = format!("The lifecycle execution '{}' of the resource '{arn}' is still running.", running.id);
        return Err(model::error("ResourceInUseException", message));
    }
    let include = include.unwrap_or_default();
    if !include.any() && at.is_none() {
        step::change_record(world, arn, action, world.now);
        return Ok(json!({"resourceArn": arn}));
    }
    let order = Order { action, include, exclusions: exclusions.unwrap_or_default(), at };
    let task = Task::new(image, &order, 0, None);
    let draft = Draft {
        region: context.region.clone(),
        account: context.account().to_owned(),
        policy_arn: None,
        orders: vec![order],
        tasks: vec![task],
    };
    let id = execution::begin(world, arn, draft);
    Ok(json!({"resourceArn": arn, "lifecycleExecutionId": id}))
}

/// A role can be passed on within its account alone. What roles there are is known of stacks: a function of one has
/// to pass a role that Image Builder may assume.
fn role(world: &World, context: &Context, input: &Value) -> Result<(), ApiError> {
    let Some(role) = input["executionRole"].as_str() else { return Ok(()) };
    let name = match role.parse::<Arn>() {
        Ok(arn) if arn.account != context.account() => {
            return Err(refusal("executionRole", format!("{role} is a role of another account.")));
        }
        Ok(arn) => arn.resource.rsplit('/').next().unwrap_or_default().to_owned(),
        Err(_) => role.to_owned(),
    };
    let known = |name: &str| world.stacks.role(context.account(), name);
    let of_stack = matches!(&context.caller.principal, Principal::Role { name, .. } if known(name).is_some());
    let assumed =
        |role: &Value| role["AssumeRolePolicyDocument"].to_string().contains("\"imagebuilder.amazonaws.com\"");
    match known(&name) {
        Some(role) if assumed(role) => Ok(()),
        None if !of_stack => Ok(()),
        _ => Err(refusal("executionRole", format!("EC2 Image Builder can't assume the role {role}."))),
    }
}

fn member<T: DeserializeOwned>(input: &Value, name: &str) -> Result<Option<T>, ApiError> {
    let value = input.get(name).cloned();
    value.map(serde_json::from_value).transpose().map_err(|error| refusal(name, error))
}

/// Epoch seconds, with a fraction.
fn time(value: &Value) -> Result<Time, ApiError> {
    let millis = value.as_f64().map(|seconds| (seconds * 1000.0) as i64);
    millis.and_then(DateTime::from_timestamp_millis).ok_or_else(|| refusal("updateAt", "It isn't a time."))
}
