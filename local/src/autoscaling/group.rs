//! Groups: from which version of which launch template, or from which launch configuration, they launch.

use super::filter::filters;
use super::{Call, invalid};
use crate::clock::iso_millis;
use crate::ec2;
use crate::wire::ApiError;
use crate::world::World;
use serde_json::{Map, Value, json};

/// What a group can launch from: exactly one of them.
const SOURCES: [&str; 3] = ["LaunchTemplate", "MixedInstancesPolicy", "LaunchConfigurationName"];

/// What is kept as it is given.
const KEPT: [&str; 11] = [
    "AvailabilityZones",
    "CapacityRebalance",
    "DefaultCooldown",
    "DesiredCapacity",
    "HealthCheckGracePeriod",
    "HealthCheckType",
    "MaxInstanceLifetime",
    "MaxSize",
    "MinSize",
    "TerminationPolicies",
    "VPCZoneIdentifier",
];

pub(super) fn create(call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&[&["AutoScalingGroupName", "Tags"], &SOURCES[..], &KEPT[..]].concat())?;
    let name = call.name("AutoScalingGroupName")?;
    let key = call.key(name);
    if call.world.autoscaling.groups.contains_key(&key) {
        let message =
            format!("AutoScalingGroup by this name already exists - A group with the name {name} already exists");
        return Err(ApiError::bad("AlreadyExists", message));
    }
    let (least, most) = (size(&call, "MinSize")?, size(&call, "MaxSize")?);
    let (Some(least), Some(_)) = (least, most) else { return Err(invalid("MinSize and MaxSize are required.")) };
    let source = source(&call)?.ok_or_else(|| invalid(format!("Expected one of {}.", SOURCES.join(", "))))?;
    let (account, region) = (call.context.account(), &call.context.region);
    let uuid = call.world.seed.uuid(&["autoscaling group", account, region, name]);
    let mut group = json!({
        "AutoScalingGroupName": name,
        "AutoScalingGroupARN":
            format!("arn:aws:autoscaling:{region}:{account}:autoScalingGroup:{uuid}:autoScalingGroupName/{name}"),
        "CreatedTime": iso_millis(call.world.now),
        "DefaultCooldown": "300",
        "DesiredCapacity": least.to_string(),
        "HealthCheckType": "EC2",
        "HealthCheckGracePeriod": "0",
        "Instances": [],
        "Tags": tags(&call, name),
    });
    put(&call, &mut group, source)?;
    call.world.autoscaling.groups.insert(key, group);
    Ok(json!({}))
}

pub(super) fn update(call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&[&["AutoScalingGroupName"], &SOURCES[..], &KEPT[..]].concat())?;
    let name = call.name("AutoScalingGroupName")?;
    let key = call.key(name);
    let mut group = call.world.autoscaling.groups.get(&key).cloned().ok_or_else(|| no_group(name))?;
    let source = source(&call)?.unwrap_or_default();
    if !source.is_empty()
        && let Some(group) = group.as_object_mut()
    {
        group.retain(|member, _| !SOURCES.contains(&member.as_str()));
    }
    put(&call, &mut group, source)?;
    call.world.autoscaling.groups.insert(key, group);
    Ok(json!({}))
}

pub(super) fn delete(call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["AutoScalingGroupName", "ForceDelete"])?;
    let name = call.name("AutoScalingGroupName")?;
    let key = call.key(name);
    call.world.autoscaling.groups.remove(&key).ok_or_else(|| no_group(name))?;
    Ok(json!({}))
}

pub(super) fn describe(call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["AutoScalingGroupNames", "Filters", "MaxRecords", "NextToken", "IncludeInstances"])?;
    let (names, filters) = (call.texts("AutoScalingGroupNames"), filters(&call)?);
    let asked = |name: &str, group: &Value| {
        (names.is_empty() || names.contains(&name)) && filters.iter().all(|filter| filter.takes(group))
    };
    let (groups, next) = call.page(&call.world.autoscaling.groups, asked)?;
    Ok(json!({"AutoScalingGroups": groups, "NextToken": next}))
}

/// Puts what is given into a group, whose sizes have to fit each other then.
fn put(call: &Call<'_>, group: &mut Value, source: Map<String, Value>) -> Result<(), ApiError> {
    for (member, value) in source {
        group[member] = value;
    }
    for member in KEPT {
        if let Some(value) = call.input.get(member) {
            group[member] = value.clone();
        }
    }
    let number = |member: &str| -> Result<u32, ApiError> {
        let text = group[member].as_str().unwrap_or_default();
        text.parse().map_err(|_| invalid(format!("{member}: expected a whole number.")))
    };
    let (least, wanted, most) = (number("MinSize")?, number("DesiredCapacity")?, number("MaxSize")?);
    match (least..=most).contains(&wanted) {
        true => Ok(()),
        false => Err(invalid(format!(
            "Desired capacity:{wanted} must be between the specified min size:{least} and max size:{most}"
        ))),
    }
}

fn size(call: &Call<'_>, parameter: &str) -> Result<Option<u32>, ApiError> {
    let number = |text: &str| text.parse().map_err(|_| invalid(format!("{parameter}: expected a whole number.")));
    call.text(parameter).map(number).transpose()
}

/// What the group shall launch from, in the form of the answer, if the call says anything of it.
fn source(call: &Call<'_>) -> Result<Option<Map<String, Value>>, ApiError> {
    let given: Vec<(&str, &Value)> =
        SOURCES.iter().filter_map(|member| Some((*member, call.input.get(*member)?))).collect();
    let (member, value) = match given.as_slice() {
        [] => return Ok(None),
        [one] => *one,
        _ => return Err(invalid(format!("Expected exactly one of {}.", SOURCES.join(", ")))),
    };
    let (world, account, region) = (&*call.world, call.context.account(), call.context.region.as_str());
    let value = match member {
        "LaunchTemplate" => specification(world, account, region, value)?,
        "MixedInstancesPolicy" => mixed(world, account, region, value)?,
        _ => {
            let name = value.as_str().unwrap_or_default();
            if !world.autoscaling.configurations.contains_key(&call.key(name)) {
                return Err(invalid(format!(
                    "Launch configuration name not found - Launch configuration {name} not found"
                )));
            }
            json!(name)
        }
    };
    Ok(Some(Map::from_iter([(member.to_owned(), value)])))
}

/// A version of a launch template: both of its names are shown, whichever was given.
fn specification(world: &World, account: &str, region: &str, asked: &Value) -> Result<Value, ApiError> {
    let text = |member: &str| asked.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
    let named = match (text("LaunchTemplateId"), text("LaunchTemplateName")) {
        (Some(named), None) | (None, Some(named)) => named,
        _ => {
            let message = "Valid requests must contain either launchTemplateId or LaunchTemplateName";
            return Err(invalid(message));
        }
    };
    let unknown = |what: &str| {
        invalid(format!("You must use a valid fully-formed launch template. The specified {what} does not exist."))
    };
    let template = ec2::launch_template(world, account, region, named)
        .ok_or_else(|| unknown(&format!("launch template {named}")))?;
    let version = text("Version").unwrap_or("$Default");
    template.version(version).ok_or_else(|| unknown(&format!("version {version} of the launch template {named}")))?;
    Ok(json!({
        "LaunchTemplateId": template.id,
        "LaunchTemplateName": template.name,
        "Version": version,
    }))
}

fn mixed(world: &World, account: &str, region: &str, policy: &Value) -> Result<Value, ApiError> {
    let mut policy = policy.clone();
    let template = policy.get_mut("LaunchTemplate").and_then(Value::as_object_mut);
    let template = template.ok_or_else(|| invalid("MixedInstancesPolicy.LaunchTemplate is required."))?;
    let asked = template.get("LaunchTemplateSpecification").unwrap_or(&Value::Null);
    let main = specification(world, account, region, asked)?;
    template.insert("LaunchTemplateSpecification".to_owned(), main);
    for one in template.get_mut("Overrides").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(asked) = one.get("LaunchTemplateSpecification") {
            one["LaunchTemplateSpecification"] = specification(world, account, region, asked)?;
        }
    }
    Ok(policy)
}

fn tags(call: &Call<'_>, name: &str) -> Vec<Value> {
    let given = call.input.get("Tags").and_then(Value::as_array).into_iter().flatten();
    let text = |tag: &Value, member: &str| tag.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    given
        .map(|tag| {
            json!({
                "Key": text(tag, "Key"),
                "Value": text(tag, "Value"),
                "PropagateAtLaunch": text(tag, "PropagateAtLaunch") == "true",
                "ResourceId": name,
                "ResourceType": "auto-scaling-group",
            })
        })
        .collect()
}

fn no_group(name: &str) -> ApiError {
    invalid(format!("AutoScalingGroup name not found - AutoScalingGroup {name} not found"))
}
