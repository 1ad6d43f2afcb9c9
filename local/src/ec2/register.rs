//! RegisterImage, CopyImage and DeregisterImage.

use super::tags::specified;
use super::{Event, Image, Snapshot, announce, check_id, flag, not_found, own, required, visible};
use crate::journal::Kind;
use crate::wire::{ApiError, Context};
use crate::world::{self, World};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How long a new AMI stays `pending`, in milliseconds.
const PENDING: (i64, i64) = (20_000, 120_000);

pub(super) fn register_image(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let name = new_name(world, context, input.get("Name").or_else(|| input.get("name")))?;
    let devices = input.get("BlockDeviceMapping").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut snapshots = BTreeMap::new();
    for device in &devices {
        let (Some(device_name), Some(ebs)) = (device.get("DeviceName").and_then(Value::as_str), device.get("Ebs"))
        else {
            continue;
        };
        let id = required(ebs, "SnapshotId")?.to_owned();
        let size = ebs.get("VolumeSize").and_then(Value::as_str).and_then(|size| size.parse().ok()).unwrap_or(8);
        snapshots.insert(device_name.to_owned(), Snapshot { id, size, encrypted: flag(ebs, "Encrypted") });
    }
    if snapshots.is_empty() {
        let message = "BlockDeviceMapping: expected a root device with a SnapshotId: images that are registered from a manifest aren't supported by the local EC2";
        return Err(ApiError::bad("InvalidParameterValue", message));
    }
    let text = |member: &str| input.get(member).and_then(Value::as_str);
    let image = Image {
        id: fresh_id(world, context, &name),
        region: context.region.clone(),
        owner: context.account().to_owned(),
        name,
        description: text("Description").or_else(|| text("description")).map(str::to_owned),
        windows: false,
        architecture: text("Architecture").or_else(|| text("architecture")).unwrap_or("i386").to_owned(),
        state: "pending".to_owned(),
        created: world.now,
        tags: specified(input, "image"),
        snapshots,
        source: None,
        launch_permissions: Vec::new(),
    };
    Ok(appear(world, context, image, "registered"))
}

pub(super) fn copy_image(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let (id, region) = (required(input, "SourceImageId")?, required(input, "SourceRegion")?);
    check_id(id)?;
    let name = new_name(world, context, input.get("Name"))?;
    let source = visible(world, context.account(), region, id).ok_or_else(|| not_found(&[id]))?.clone();
    let mut tags = specified(input, "image");
    if flag(input, "CopyImageTags") {
        for (key, value) in &source.tags {
            tags.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    let encrypted = flag(input, "Encrypted") || flag(input, "encrypted");
    let new_id = fresh_id(world, context, &name);
    let snapshots = source.snapshots.iter().map(|(device, snapshot)| {
        let id = format!("snap-{}", world.seed.hex(&["snapshot", &new_id, device], 17));
        (device.clone(), Snapshot { id, size: snapshot.size, encrypted: encrypted || snapshot.encrypted })
    });
    let image = Image {
        id: new_id.clone(),
        region: context.region.clone(),
        owner: context.account().to_owned(),
        name,
        description: input.get("Description").and_then(Value::as_str).map(str::to_owned),
        state: "pending".to_owned(),
        created: world.now,
        tags,
        snapshots: snapshots.collect(),
        source: Some((region.to_owned(), id.to_owned())),
        launch_permissions: Vec::new(),
        ..source
    };
    Ok(appear(world, context, image, &format!("copied from {id} of {region}")))
}

pub(super) fn deregister_image(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let id = own(world, context, input)?.id.clone();
    world.ec2.images.remove(&(context.region.clone(), id.clone()));
    world.record_for(
        context.caller.invocation.as_deref(),
        Kind::ImageChanged,
        &id,
        Some(&context.region),
        "deregistered",
    );
    announce(world, context.account(), &context.region, &id, "deregistered");
    Ok(json!({"return": true}))
}

/// AMI names are unique within an account and Region.
fn new_name(world: &World, context: &Context, name: Option<&Value>) -> Result<String, ApiError> {
    let name = name.and_then(Value::as_str).unwrap_or_default();
    let legal = |c: char| c.is_ascii_alphanumeric() || "()[]./'@_- ".contains(c);
    if !(3..=128).contains(&name.len()) || !name.chars().all(legal) {
        let message = format!(
            "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, '(', ')', '.', '-', '/' and '_': not {name:?}"
        );
        return Err(ApiError::bad("InvalidAMIName.Malformed", message));
    }
    let taken = world
        .ec2
        .images
        .values()
        .find(|image| image.region == context.region && image.owner == context.account() && image.name == name);
    match taken {
        Some(image) => Err(ApiError::bad(
            "InvalidAMIName.Duplicate",
            format!("AMI name {name} is already in use by AMI {}", image.id),
        )),
        None => Ok(name.to_owned()),
    }
}

fn fresh_id(world: &mut World, context: &Context, name: &str) -> String {
    let key = ["ami", context.account(), context.region.as_str(), name];
    let nth = world.count(&key.join(" ")).to_string();
    format!("ami-{}", world.seed.hex(&[&key[..], &[nth.as_str()]].concat(), 17))
}

fn appear(world: &mut World, context: &Context, image: Image, how: &str) -> Value {
    let id = image.id.clone();
    let until = world.now + world.span_millis(&["pending", &id], PENDING.0, PENDING.1);
    world.ec2.images.insert((context.region.clone(), id.clone()), image);
    world.record_for(context.caller.invocation.as_deref(), Kind::ImageChanged, &id, Some(&context.region), how);
    world.post(until, world::Event::Ec2(Event::Settle { region: context.region.clone(), image_id: id.clone() }));
    json!({"imageId": id})
}
