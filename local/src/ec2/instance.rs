//! Instances, as far as the use of AMIs goes: they are launched, stopped and terminated; nothing runs in them.

use super::describe::{root_device, tag_set};
use super::filter::filters;
use super::{Call, Event, Image, invalid_value, no_image, retire, tags, template, visible};
use crate::clock::{Time, iso_millis};
use crate::events;
use crate::wire::ApiError;
use crate::world::{self, World};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How much later a launch is seen in the AMI's last launched time.
const SEEN_AFTER: TimeDelta = TimeDelta::hours(24);

/// How long a terminated instance is still described.
const REMAINS: TimeDelta = TimeDelta::hours(1);

/// The states of instances with their codes.
const STATES: [(&str, u8); 6] =
    [("pending", 0), ("running", 16), ("shutting-down", 32), ("terminated", 48), ("stopping", 64), ("stopped", 80)];

/// An instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// `i-` and 17 hex digits.
    pub id: String,
    /// The Region.
    pub region: String,
    /// 12 digits.
    pub owner: String,
    /// `r-` and 17 hex digits: what was launched by one call.
    pub reservation: String,
    /// Its place among those, from 0.
    pub index: u32,
    /// The AMI that it was launched from.
    pub image_id: String,
    /// Such as `m5.large`.
    pub instance_type: String,
    /// `pending`, `running`, …
    pub state: String,
    /// Since when it has its state.
    pub since: Time,
    /// When it was launched, or last started.
    pub launched: Time,
    /// Of the AMI: `x86_64`, `arm64`, …
    pub architecture: String,
    /// Of the AMI.
    pub windows: bool,
    /// Of the AMI: `/dev/xvda`, …
    pub root_device: String,
    /// The key pair.
    pub key_name: Option<String>,
    /// The subnet.
    pub subnet_id: Option<String>,
    /// The instance profile's ARN.
    pub profile: Option<String>,
    /// The client token of the launch.
    pub client_token: Option<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

impl Instance {
    fn goes_to(&self) -> Option<&'static str> {
        match self.state.as_str() {
            "pending" => Some("running"),
            "stopping" => Some("stopped"),
            "shutting-down" => Some("terminated"),
            _ => None,
        }
    }
}

/// Gives an instance a state, and posts what follows of it.
fn move_to(world: &mut World, region: &str, id: &str, state: &str) {
    let now = world.now;
    let Some(instance) = world.ec2.instances.get_mut(region, id) else { return };
    instance.state = state.to_owned();
    instance.since = now;
    let instance = instance.clone();
    let told = events::Event {
        source: "aws.ec2".to_owned(),
        detail_type: "EC2 Instance State-change Notification".to_owned(),
        account: instance.owner.clone(),
        region: region.to_owned(),
        resources: vec![arn(&instance)],
        detail: json!({"instance-id": id, "state": state}),
        time: now,
    };
    world.post(now, world::Event::Emit(told));
    let due = match state {
        "terminated" => now + REMAINS,
        _ if instance.goes_to().is_some() => {
            now + world.span_millis(&["instance", id, state, &now.to_rfc3339()], 5_000, 40_000)
        }
        _ => return,
    };
    let moved = Event::InstanceMoved { region: region.to_owned(), instance_id: id.to_owned(), since: now };
    world.post(due, world::Event::Ec2(moved));
}

/// An instance comes to the state that follows, if it is still in the one that began at `since`.
pub(super) fn on_moved(world: &mut World, region: &str, id: &str, since: Time) {
    let instance = world.ec2.instances.get(region, id).filter(|instance| instance.since == since);
    match instance.map(|instance| (instance.goes_to(), instance.state == "terminated")) {
        Some((Some(state), _)) => move_to(world, region, id, state),
        Some((None, true)) => {
            world.ec2.instances.remove(region, id);
        }
        _ => {}
    }
}

/// A launch is seen in the AMI's last launched time.
pub(super) fn on_seen(world: &mut World, region: &str, image_id: &str, at: Time) {
    if let Some(image) = world.ec2.images.get_mut(&(region.to_owned(), image_id.to_owned())) {
        image.last_launched = image.last_launched.max(Some(at));
    }
}

/// `arn:aws:ec2:us-east-1:123456789012:instance/i-…`
pub(super) fn arn(instance: &Instance) -> String {
    format!("arn:aws:ec2:{}:{}:instance/{}", instance.region, instance.owner, instance.id)
}

/// What a template of the request says of an instance: its data, and the tags that tell of it.
fn template_data(call: &Call<'_>) -> Result<(Value, BTreeMap<String, String>), ApiError> {
    let Some(asked) = call.input.get("LaunchTemplate") else { return Ok((json!({}), BTreeMap::new())) };
    let text = |member: &str| asked.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
    let template = template::by_either(call, text("LaunchTemplateId"), text("LaunchTemplateName"))?;
    let wanted = text("Version").unwrap_or("$Default");
    let version = template.version(wanted).ok_or_else(|| template::no_version(template, wanted))?;
    let tags = BTreeMap::from([
        ("aws:ec2launchtemplate:id".to_owned(), template.id.clone()),
        ("aws:ec2launchtemplate:version".to_owned(), version.number.to_string()),
    ]);
    Ok((version.data.clone(), tags))
}

/// The tags that a template's data gives to instances.
fn template_tags(data: &Value) -> impl Iterator<Item = (String, String)> + '_ {
    let specifications = data.get("tagSpecificationSet").and_then(Value::as_array).into_iter().flatten();
    let own = specifications.filter(|one| one.get("resourceType").and_then(Value::as_str) == Some("instance"));
    own.filter_map(|one| one.get("tagSet")?.as_array()).flatten().filter_map(|tag| {
        let text = |member: &str| tag.get(member).and_then(Value::as_str).map(str::to_owned);
        Some((text("key")?, text("value").unwrap_or_default()))
    })
}

pub(super) fn run_instances(mut call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&[
        "ImageId",
        "InstanceType",
        "MinCount",
        "MaxCount",
        "LaunchTemplate",
        "KeyName",
        "SubnetId",
        "IamInstanceProfile",
        "UserData",
        "TagSpecification",
        "ClientToken",
    ])?;
    if let Some(reservation) = call.made_before("RunInstances") {
        let made = call.world.ec2.instances.of(&call.context.region);
        return Ok(reservation_of(&made.filter(|made| made.reservation == reservation).collect::<Vec<_>>()));
    }
    let (least, most) = (count(&call, "MinCount")?, count(&call, "MaxCount")?);
    if least > most {
        return Err(invalid_value("MinCount must not be greater than MaxCount."));
    }
    let (data, mut tags) = template_data(&call)?;
    let setting = |parameter: &str, pointer: &str| {
        let own = call.text(parameter).map(str::to_owned);
        own.or_else(|| data.pointer(pointer).and_then(Value::as_str).map(str::to_owned))
    };
    let (account, region) = (call.context.account().to_owned(), call.context.region.clone());
    let asked = setting("ImageId", "/imageId")
        .ok_or_else(|| ApiError::bad("MissingParameter", "The request must contain the parameter ImageId"))?;
    let image_id = template::image_of(call.world, &account, &region, &asked)?;
    super::check_id(&image_id)?;
    let image: Image =
        visible(call.world, &account, &region, &image_id).cloned().ok_or_else(|| no_image(&[&image_id]))?;
    if image.state != "available" {
        return Err(retire::unavailable(&image_id));
    }
    let profile = call.input.pointer("/IamInstanceProfile/Arn").and_then(Value::as_str).map(|arn| arn.to_owned());
    let profile_name = call.input.pointer("/IamInstanceProfile/Name").and_then(Value::as_str);
    let of_name = |name: &str| format!("arn:aws:iam::{account}:instance-profile/{name}");
    let profile = profile
        .or(profile_name.map(of_name))
        .or_else(|| data.pointer("/iamInstanceProfile/arn").and_then(Value::as_str).map(str::to_owned))
        .or_else(|| data.pointer("/iamInstanceProfile/name").and_then(Value::as_str).map(of_name));
    tags.extend(template_tags(&data));
    tags.extend(tags::of_specification(&call, "instance", &["instance"])?);
    let (instance_type, key_name) = (setting("InstanceType", "/instanceType"), setting("KeyName", "/keyName"));
    let subnet_id = setting("SubnetId", "/networkInterfaceSet/0/subnetId");
    let reservation = call.fresh_id("r", &image_id);
    let now = call.world.now;
    let mut ids = Vec::new();
    for index in 0..most {
        let instance = Instance {
            id: call.fresh_id("i", &image_id),
            region: region.clone(),
            owner: account.clone(),
            reservation: reservation.clone(),
            index,
            image_id: image_id.clone(),
            instance_type: instance_type.clone().unwrap_or_else(|| "m1.small".to_owned()),
            state: "pending".to_owned(),
            since: now,
            launched: now,
            architecture: image.architecture.clone(),
            windows: image.windows,
            root_device: root_device(&image).to_owned(),
            key_name: key_name.clone(),
            subnet_id: subnet_id.clone(),
            profile: profile.clone(),
            client_token: call.text("ClientToken").map(str::to_owned),
            tags: tags.clone(),
        };
        let id = instance.id.clone();
        call.world.ec2.instances.insert(&region, &id, instance);
        move_to(call.world, &region, &id, "pending");
        call.record(&id, format!("launched from {image_id}"));
        ids.push(id);
    }
    call.remember("RunInstances", &reservation);
    see_later(call.world, &region, &image_id);
    let made: Vec<&Instance> = ids.iter().filter_map(|id| call.world.ec2.instances.get(&region, id)).collect();
    Ok(reservation_of(&made))
}

fn see_later(world: &mut World, region: &str, image_id: &str) {
    let at = world.now;
    let seen = Event::LaunchSeen { region: region.to_owned(), image_id: image_id.to_owned(), at };
    world.post(at + SEEN_AFTER, world::Event::Ec2(seen));
}

fn count(call: &Call<'_>, parameter: &str) -> Result<u32, ApiError> {
    let text = call.required(parameter)?;
    let number = text.parse().ok().filter(|count| (1..=1000).contains(count));
    number.ok_or_else(|| invalid_value(format!("Value ({text}) for parameter {parameter} is invalid.")))
}

/// A reservation with its instances, which is one at least.
fn reservation_of(instances: &[&Instance]) -> Value {
    let first = instances.first();
    json!({
        "reservationId": first.map(|first| &first.reservation),
        "ownerId": first.map(|first| &first.owner),
        "groupSet": [],
        "instancesSet": instances.iter().map(|instance| shown(instance)).collect::<Vec<_>>(),
    })
}

fn state(name: &str) -> Value {
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

pub(super) fn describe_instances(call: Call<'_>) -> Result<Value, ApiError> {
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
fn own(call: &Call<'_>, ids: &[&str]) -> Result<(), ApiError> {
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

pub(super) fn terminate_instances(call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["InstanceId", "Force", "SkipOsShutdown"])?;
    change(call, "shutting-down", &["pending", "running", "stopping", "stopped"], &["shutting-down", "terminated"])
}

pub(super) fn stop_instances(call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["InstanceId", "Force", "SkipOsShutdown"])?;
    change(call, "stopping", &["pending", "running"], &["stopping", "stopped"])
}

pub(super) fn start_instances(call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["InstanceId"])?;
    change(call, "pending", &["stopped"], &["pending", "running"])
}

/// Moves instances from some states to another; in `there` they already are where they are wanted.
fn change(mut call: Call<'_>, to: &str, from: &[&str], there: &[&str]) -> Result<Value, ApiError> {
    let ids = call.texts("InstanceId");
    if ids.is_empty() {
        return Err(super::missing("InstanceId"));
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
