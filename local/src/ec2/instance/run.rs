//! RunInstances.

use super::describe::reservation_of;
use super::{Instance, move_to};
use crate::ec2::Tags;
use crate::ec2::describe::root_device;
use crate::ec2::{Call, Event, Image, check_id, invalid_value, missing, no_image, retire, tags, template, visible};
use crate::journal::Kind;
use crate::wire::{ApiError, Caller, Context, Principal};
use crate::world::{self, World};
use chrono::TimeDelta;
use serde_json::{Map, Value, json};

/// How much later a launch is seen in the AMI's last launched time.
const SEEN_AFTER: TimeDelta = TimeDelta::hours(24);

/// What a template of the request says of an instance: its data, and the tags that tell of it.
fn template_data(call: &Call<'_>) -> Result<(Value, Tags), ApiError> {
    let Some(asked) = call.input.get("LaunchTemplate") else { return Ok((json!({}), Tags::new())) };
    let text = |member: &str| asked.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
    let template = template::by_either(call, text("LaunchTemplateId"), text("LaunchTemplateName"))?;
    let wanted = text("Version").unwrap_or("$Default");
    let version = template.version(wanted).ok_or_else(|| template::no_version(template, wanted))?;
    let tags = Tags::from_iter([
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

pub(in crate::ec2) fn run_instances(mut call: Call<'_>) -> Result<Value, ApiError> {
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
    let asked = setting("ImageId", "/imageId").ok_or_else(|| missing("ImageId"))?;
    let image_id = template::image_of(call.world, &account, &region, &asked)?;
    check_id(&image_id)?;
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

/// A schedule's time to launch has come. Scheduler tells nobody what failed: the journal does.
pub(in crate::ec2) fn on_run(world: &mut World, account: String, region: String, input: &Value) {
    let request_id = world.fresh_uuid("request");
    let context =
        Context { caller: Caller { account, principal: Principal::Root, invocation: None }, region, request_id };
    // Numbers and flags are texts in the query protocol.
    let members = input.as_object().into_iter().flatten();
    let text = |(name, value): (&String, &Value)| match value {
        Value::Number(_) | Value::Bool(_) => (name.clone(), value.to_string().into()),
        _ => (name.clone(), value.clone()),
    };
    let texts: Map<String, Value> = members.map(text).collect();
    if let Err(error) = crate::ec2::call(world, &context, "RunInstances", texts.into()) {
        world.record(
            Kind::Warning,
            "RunInstances",
            Some(&context.region),
            format!("{}: {}", error.code, error.message),
        );
    }
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
