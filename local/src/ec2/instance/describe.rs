//! DescribeInstances.

use super::Instance;
use crate::clock::iso_millis;
use crate::ec2::Call;
use crate::ec2::describe::tag_set;
use crate::ec2::filter::filters;
use crate::wire::ApiError;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The states of instances with their codes.
const STATES: [(&str, u8); 6] =
    [("pending", 0), ("running", 16), ("shutting-down", 32), ("terminated", 48), ("stopping", 64), ("stopped", 80)];

/// A reservation with its instances, which is one at least.
pub(super) fn reservation_of(instances: &[&Instance]) -> Value {
    let first = instances.first();
    json!({
        "reservationId": first.map(|first| &first.reservation),
        "ownerId": first.map(|first| &first.owner),
        "groupSet": [],
        "instancesSet": instances.iter().map(|instance| shown(instance)).collect::<Vec<_>>(),
    })
}

/// A state as it is answered.
pub(super) fn state(name: &str) -> Value {
    let code = STATES.iter().find(|(state, _)| *state == name).map(|(_, code)| *code);
    json!({"code": code, "name": name})
}

fn shown(instance: &Instance) -> Value {
    let mut shown = json!({
        "instanceId": instance.id,
        "imageId": instance.image_id,
        "instanceState": state(&instance.state),
        "amiLaunchIndex": instance.index,
        "instanceType": instance.instance_type,
        "launchTime": iso_millis(instance.launched),
        "monitoring": {"state": "disabled"},
        "architecture": instance.architecture,
        "rootDeviceType": "ebs",
        "rootDeviceName": instance.root_device,
        "virtualizationType": "hvm",
        "hypervisor": "xen",
        "enaSupport": true,
        "platformDetails": if instance.windows { "Windows" } else { "Linux/UNIX" },
        "usageOperation": if instance.windows { "RunInstances:0002" } else { "RunInstances" },
    });
    let optional = [
        ("platform", instance.windows.then_some("windows")),
        ("keyName", instance.key_name.as_deref()),
        ("subnetId", instance.subnet_id.as_deref()),
        ("clientToken", instance.client_token.as_deref()),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            shown[name] = json!(value);
        }
    }
    if let Some(arn) = &instance.profile {
        shown["iamInstanceProfile"] = json!({"arn": arn});
    }
    if !instance.tags.is_empty() {
        shown["tagSet"] = tag_set(&instance.tags);
    }
    shown
}

const FILTERS: [&str; 14] = [
    "architecture",
    "client-token",
    "image-id",
    "instance-id",
    "instance-state-code",
    "instance-state-name",
    "instance-type",
    "key-name",
    "owner-id",
    "platform",
    "reservation-id",
    "subnet-id",
    "tag-key",
    "tag:",
];

pub(in crate::ec2) fn describe_instances(call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["InstanceId", "Filter", "NextToken", "MaxResults"])?;
    let filters = filters(&call, &FILTERS)?;
    let ids = call.texts("InstanceId");
    own(&call, &ids)?;
    let fitting = |instance: &&Instance| {
        instance.owner == call.context.account()
            && (ids.is_empty() || ids.contains(&instance.id.as_str()))
            && filters.iter().all(|filter| filter.takes(&instance.tags, |name| field(instance, name)))
    };
    let mut reservations: BTreeMap<&str, Vec<&Instance>> = BTreeMap::new();
    for instance in call.world.ec2.instances.of(&call.context.region).filter(fitting) {
        reservations.entry(&instance.reservation).or_default().push(instance);
    }
    let items = reservations.iter_mut().map(|(id, instances)| {
        instances.sort_by_key(|instance| instance.index);
        (*id, reservation_of(instances))
    });
    let (reservations, next) = call.page(items)?;
    Ok(json!({"reservationSet": reservations, "nextToken": next}))
}

fn field(instance: &Instance, name: &str) -> Vec<String> {
    let one = |text: &str| vec![text.to_owned()];
    match name {
        "architecture" => one(&instance.architecture),
        "client-token" => instance.client_token.iter().cloned().collect(),
        "image-id" => one(&instance.image_id),
        "instance-id" => one(&instance.id),
        "instance-state-code" => {
            STATES.iter().filter(|(state, _)| *state == instance.state).map(|(_, code)| code.to_string()).collect()
        }
        "instance-state-name" => one(&instance.state),
        "instance-type" => one(&instance.instance_type),
        "key-name" => instance.key_name.iter().cloned().collect(),
        "owner-id" => one(&instance.owner),
        "platform" if instance.windows => one("windows"),
        "reservation-id" => one(&instance.reservation),
        "subnet-id" => instance.subnet_id.iter().cloned().collect(),
        _ => Vec::new(),
    }
}

/// Refuses IDs that aren't instances of the caller.
pub(super) fn own(call: &Call<'_>, ids: &[&str]) -> Result<(), ApiError> {
    Call::check_ids(ids, "i", "InvalidInstanceID.Malformed")?;
    let known = |id: &str| {
        let instance = call.world.ec2.instances.get(&call.context.region, id);
        instance.is_some_and(|instance| instance.owner == call.context.account())
    };
    let unknown: Vec<&str> = ids.iter().copied().filter(|id| !known(id)).collect();
    match unknown.as_slice() {
        [] => Ok(()),
        [id] => Err(ApiError::bad("InvalidInstanceID.NotFound", format!("The instance ID '{id}' does not exist"))),
        ids => Err(ApiError::bad(
            "InvalidInstanceID.NotFound",
            format!("The instance IDs '{}' do not exist", ids.join(", ")),
        )),
    }
}
