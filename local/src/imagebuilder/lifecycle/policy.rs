//! Lifecycle policies: CreateLifecyclePolicy and the operations on what it makes.

use super::{execution, refusal, rules, run};
use crate::clock::epoch_seconds;
use crate::imagebuilder::configuration::replace;
use crate::imagebuilder::lookup::{Identity, draft, exists, find, keep, own, text};
use crate::imagebuilder::store::Kind;
use crate::model::{Listing, projected};
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::{Map, Value, json};

/// What the input says of a policy, with defaults, checked.
fn document(world: &World, input: &Value) -> Result<Map<String, Value>, ApiError> {
    rules::check(input)?;
    let mut document = draft(world, "LifecyclePolicy", input);
    document.insert("dateCreated".to_owned(), json!(epoch_seconds(world.now)));
    document.entry("status").or_insert_with(|| "ENABLED".into());
    Ok(document)
}

/// CreateLifecyclePolicy. Whether the recipes exist isn't looked at.
pub(in crate::imagebuilder) fn create_lifecycle_policy(
    world: &mut World,
    context: &Context,
    input: &Value,
) -> Result<Value, ApiError> {
    let document = document(world, input)?;
    let identity = Identity::plain(Kind::LifecyclePolicy, text(input, "name"));
    let arn = identity.arn(context);
    if world.imagebuilder.get(&arn).is_some() {
        return Err(exists("LifecyclePolicy", &arn));
    }
    let arn = keep(world, context, identity, document);
    run::reschedule(world, &arn);
    Ok(json!({"lifecyclePolicyArn": arn}))
}

/// GetLifecyclePolicy.
pub(in crate::imagebuilder) fn get_lifecycle_policy(
    world: &mut World,
    context: &Context,
    input: &Value,
) -> Result<Value, ApiError> {
    let found = find(&world.imagebuilder, context, Kind::LifecyclePolicy, text(input, "lifecyclePolicyArn"))?;
    Ok(json!({"lifecyclePolicy": found.document.to_value()}))
}

/// UpdateLifecyclePolicy: what is left out is gone, or takes its default. To disable it cancels what it runs.
pub(in crate::imagebuilder) fn update_lifecycle_policy(
    world: &mut World,
    context: &Context,
    input: &Value,
) -> Result<Value, ApiError> {
    let arn = text(input, "lifecyclePolicyArn");
    let policy = own(&world.imagebuilder, context, Kind::LifecyclePolicy, arn)?;
    if policy.document["resourceType"] != input["resourceType"] {
        return Err(refusal("resourceType", "It can't be changed."));
    }
    let mut document = document(world, input)?;
    document.insert("dateUpdated".to_owned(), json!(epoch_seconds(world.now)));
    let disabled = document["status"] == "DISABLED";
    let kept = ["arn", "name", "dateCreated", "dateLastRun", "tags"];
    replace(world, context, Kind::LifecyclePolicy, arn, document, &kept)?;
    if disabled {
        stop(world, arn);
    }
    run::reschedule(world, arn);
    Ok(json!({"lifecyclePolicyArn": arn}))
}

/// DeleteLifecyclePolicy: it cancels what it runs. Its executions stay listed.
pub(in crate::imagebuilder) fn delete_lifecycle_policy(
    world: &mut World,
    context: &Context,
    input: &Value,
) -> Result<Value, ApiError> {
    let arn = text(input, "lifecyclePolicyArn");
    own(&world.imagebuilder, context, Kind::LifecyclePolicy, arn)?;
    stop(world, arn);
    world.imagebuilder.remove(arn);
    run::reschedule(world, arn);
    Ok(json!({"lifecyclePolicyArn": arn}))
}

fn stop(world: &mut World, arn: &str) {
    if let Some(id) = execution::running(world, arn).map(|execution| execution.id.clone()) {
        execution::cancel(world, &id);
    }
}

/// ListLifecyclePolicies.
pub(in crate::imagebuilder) fn list_lifecycle_policies<'a>(
    world: &'a World,
    context: &Context,
    _input: &Value,
    _after: Option<&str>,
) -> Result<Listing<'a>, ApiError> {
    let found = world.imagebuilder.owned(Kind::LifecyclePolicy, &context.region, context.account());
    let summary = |document: Value| projected("LifecyclePolicySummary", &document);
    Ok(Listing::oldest_first(found.map(move |policy| (policy.made, summary(policy.document.to_value())))))
}
