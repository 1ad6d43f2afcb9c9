//! StartInstances, StopInstances and TerminateInstances.

use super::describe::{own, state};
use super::move_to;
use crate::ec2::{Call, missing};
use crate::wire::ApiError;
use serde_json::{Value, json};

pub(in crate::ec2) fn terminate_instances(call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["InstanceId", "Force", "SkipOsShutdown"])?;
    change(call, "shutting-down", &["pending", "running", "stopping", "stopped"], &["shutting-down", "terminated"])
}

pub(in crate::ec2) fn stop_instances(call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["InstanceId", "Force", "SkipOsShutdown"])?;
    change(call, "stopping", &["pending", "running"], &["stopping", "stopped"])
}

pub(in crate::ec2) fn start_instances(call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["InstanceId"])?;
    change(call, "pending", &["stopped"], &["pending", "running"])
}

/// Moves instances from some states to another; in `there` they already are where they are wanted.
fn change(mut call: Call<'_>, to: &str, from: &[&str], there: &[&str]) -> Result<Value, ApiError> {
    let ids = call.texts("InstanceId");
    if ids.is_empty() {
        return Err(missing("InstanceId"));
    }
    own(&call, &ids)?;
    let region = call.context.region.clone();
    let instances = ids.iter().filter_map(|id| call.world.ec2.instances.get(&region, id));
    let before: Vec<(String, String)> =
        instances.map(|instance| (instance.id.clone(), instance.state.clone())).collect();
    let wrong = |(_, state): &&(String, String)| !from.contains(&state.as_str()) && !there.contains(&state.as_str());
    if let Some((id, state)) = before.iter().find(wrong) {
        return Err(ApiError::bad(
            "IncorrectInstanceState",
            format!("The instance '{id}' is not in a state from which it can be moved to {to}: it is {state}."),
        ));
    }
    let mut changes = Vec::new();
    for (id, previous) in before {
        if from.contains(&previous.as_str()) {
            if to == "pending" {
                let now = call.world.now;
                if let Some(instance) = call.world.ec2.instances.get_mut(&region, &id) {
                    instance.launched = now;
                }
            }
            move_to(call.world, &region, &id, to);
            call.record(&id, format!("{previous} → {to}"));
        }
        let current = call.world.ec2.instances.get(&region, &id).map(|instance| state(&instance.state));
        changes.push(json!({"instanceId": id, "currentState": current, "previousState": state(&previous)}));
    }
    Ok(json!({"instancesSet": changes}))
}
