//! How AMIs come: RegisterImage, CopyImage, and what Image Builder registers.

use super::{
    AMAZON_ACCOUNT, Call, Event, Image, Snapshot, check_id, invalid_value, missing, no_image, retire, snapshots, tags,
    visible,
};
use crate::ec2::Tags;
use crate::events;
use crate::wire::ApiError;
use crate::world::{self, World};
use litemap::LiteMap;
use serde_json::{Value, json};

/// An AMI that a build made is there.
pub(super) fn on_register(world: &mut World, mut image: Box<Image>) {
    emit_state(world, &image, &image.state);
    // A list that grew has room to spare, which tens of thousands of images would add up.
    image.tags = std::mem::take(&mut image.tags).into_iter().collect();
    image.snapshots = std::mem::take(&mut image.snapshots).into_iter().collect();
    snapshots::keep_built(world, &image);
    world.ec2.images.insert((image.region.clone(), image.id.clone()), image);
}

/// A pending AMI becomes available, unless it was deregistered meanwhile.
pub(super) fn on_settle(world: &mut World, region: &str, image_id: &str) {
    let key = (region.to_owned(), image_id.to_owned());
    let Some(image) = world.ec2.images.get_mut(&key).filter(|image| image.state == "pending") else { return };
    image.state = "available".to_owned();
    let image = image.clone();
    emit_state(world, &image, "available");
}

/// Posts `EC2 AMI State Change` on the owner's bus.
pub(super) fn emit_state(world: &mut World, image: &Image, state: &str) {
    // Amazon's own bus is nobody's here.
    if image.owner == AMAZON_ACCOUNT {
        return;
    }
    let event = events::Event {
        source: "aws.ec2".to_owned(),
        detail_type: "EC2 AMI State Change".to_owned(),
        account: image.owner.clone(),
        region: image.region.clone(),
        resources: vec![format!("arn:aws:ec2:{}::image/{}", image.region, image.id)],
        detail: json!({
            "RequestId": world.seed.uuid(&["ami state", &image.region, &image.id, state]),
            "ImageId": image.id,
            "State": state,
            "ErrorMessage": "",
        }),
        time: world.now,
    };
    world.post(world.now, world::Event::Emit(event));
}

pub(super) fn register_image(mut call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&[
        "Name",
        "Description",
        "Architecture",
        "RootDeviceName",
        "BlockDeviceMapping",
        "VirtualizationType",
        "EnaSupport",
        "TagSpecification",
    ])?;
    if call.text("VirtualizationType").is_some_and(|kind| kind != "hvm") {
        return Err(ApiError::bad("UnsupportedOperation", "The local EC2 supports the virtualization type hvm only."));
    }
    let name = free_name(&call)?;
    let mut snapshots = LiteMap::new();
    for mapping in call.items("BlockDeviceMapping") {
        let (device, snapshot) = block_device(&call, mapping)?;
        snapshots.insert(device, snapshot);
    }
    let root = call.required("RootDeviceName")?;
    if !snapshots.contains_key(root) {
        return Err(ApiError::bad("InvalidBlockDeviceMapping", "A snapshotId must be specified for the root device."));
    }
    let architecture = call.text("Architecture").unwrap_or("i386");
    if !["i386", "x86_64", "arm64", "x86_64_mac", "arm64_mac"].contains(&architecture) {
        return Err(invalid_value(format!("Value ({architecture}) for parameter architecture is invalid.")));
    }
    let image = Image {
        id: call.fresh_id("ami", &name),
        region: call.context.region.clone(),
        owner: call.context.account().to_owned(),
        name,
        description: call.text("Description").map(str::to_owned),
        windows: false,
        architecture: architecture.to_owned(),
        state: "pending".to_owned(),
        created: call.world.now,
        tags: tags::of_specification(&call, "image", &["image", "snapshot"])?,
        snapshots,
        source: None,
        launch_permissions: Vec::new(),
        deprecation_time: None,
        last_launched: None,
        deregistration_protection: false,
    };
    snapshots::keep(call.world, &image, "", &Tags::new());
    let detail = format!("{} registered", image.name);
    Ok(make(&mut call, image, detail, (1_000, 5_000)))
}

/// A device with its snapshot, which the caller owns.
fn block_device(call: &Call<'_>, mapping: &Value) -> Result<(String, Snapshot), ApiError> {
    let text = |pointer: &str| mapping.pointer(pointer).and_then(Value::as_str);
    let device = text("/DeviceName").ok_or_else(|| missing("BlockDeviceMapping.DeviceName"))?;
    let id = text("/Ebs/SnapshotId").ok_or_else(|| missing("BlockDeviceMapping.Ebs.SnapshotId"))?;
    Call::check_ids(&[id], "snap", "InvalidSnapshotID.Malformed")?;
    let known = super::snapshot(call.world, &call.context.region, id);
    let known =
        known.filter(|known| known.owner == call.context.account()).ok_or_else(|| snapshots::no_snapshot(id))?;
    let size = match text("/Ebs/VolumeSize") {
        Some(size) => size
            .parse()
            .ok()
            .filter(|size| *size >= known.size)
            .ok_or_else(|| invalid_value(format!("Value ({size}) for parameter volumeSize is invalid.")))?,
        None => known.size,
    };
    Ok((device.to_owned(), Snapshot { id: id.to_owned(), size, encrypted: known.encrypted }))
}

pub(super) fn copy_image(mut call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&[
        "ClientToken",
        "Description",
        "Encrypted",
        "KmsKeyId",
        "Name",
        "SourceImageId",
        "SourceRegion",
        "CopyImageTags",
        "TagSpecification",
    ])?;
    let (account, region) = (call.context.account().to_owned(), call.context.region.clone());
    if let Some(id) = call.made_before("CopyImage") {
        return Ok(json!({"imageId": id}));
    }
    let (source_region, source_id) = (call.required("SourceRegion")?, call.required("SourceImageId")?);
    check_id(source_id)?;
    let source =
        visible(call.world, &account, source_region, source_id).cloned().ok_or_else(|| no_image(&[source_id]))?;
    if source.state != "available" {
        return Err(retire::unavailable(source_id));
    }
    let name = free_name(&call)?;
    let id = call.fresh_id("ami", &name);
    let encrypted = call.flag("Encrypted");
    let copied = |(device, snapshot): (&String, &Snapshot)| {
        let snapshot_id = format!("snap-{}", call.world.seed.hex(&["snapshot", &id, device], 17));
        let encrypted = encrypted || snapshot.encrypted;
        (device.clone(), Snapshot { id: snapshot_id, size: snapshot.size, encrypted })
    };
    let snapshots = source.snapshots.iter().map(copied).collect();
    let mut tags =
        if call.flag("CopyImageTags") && source.owner == account { source.tags.clone() } else { Tags::new() };
    tags.extend(tags::of_specification(&call, "image", &["image", "snapshot"])?);
    let snapshot_tags = tags::of_specification(&call, "snapshot", &["image", "snapshot"])?;
    let description = format!("[Copied {source_id} from {source_region}] {}", source.name);
    let image = Image {
        id: id.clone(),
        region,
        owner: account,
        name,
        description: Some(call.text("Description").map_or(description, str::to_owned)),
        windows: source.windows,
        architecture: source.architecture,
        state: "pending".to_owned(),
        created: call.world.now,
        tags,
        snapshots,
        source: Some((source_region.to_owned(), source_id.to_owned())),
        launch_permissions: Vec::new(),
        deprecation_time: None,
        last_launched: None,
        deregistration_protection: false,
    };
    call.remember("CopyImage", &id);
    let made_for = format!("Copied for DestinationAmi {id} from SourceAmi {source_id}");
    snapshots::keep(call.world, &image, &made_for, &snapshot_tags);
    let detail = format!("{} copied from {source_id} in {source_region}", image.name);
    Ok(make(&mut call, image, detail, (180_000, 900_000)))
}

/// Keeps a pending AMI which settles after a span drawn between two bounds, in milliseconds.
fn make(call: &mut Call<'_>, image: Image, detail: String, (low, high): (i64, i64)) -> Value {
    let (region, image_id) = (image.region.clone(), image.id.clone());
    let due = call.world.now + call.world.span_millis(&["ami settles", &region, &image_id], low, high);
    call.world.ec2.images.insert((region.clone(), image_id.clone()), Box::new(image));
    call.record(&image_id, detail);
    let settle = Event::Settle { region, image_id: image_id.clone() };
    call.world.post(due, world::Event::Ec2(settle));
    json!({"imageId": image_id})
}

/// `Name`, if it is well-formed and none of the account's AMIs in the Region has it.
fn free_name(call: &Call<'_>) -> Result<String, ApiError> {
    let name = call.required("Name")?;
    let symbols = |c: char| c.is_ascii_alphanumeric() || "()[] ./-'@_".contains(c);
    if !(3..=128).contains(&name.len()) || !name.chars().all(symbols) {
        return Err(ApiError::bad(
            "InvalidAMIName.Malformed",
            "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, '(', ')', '.', \
             '-', '/' and '_'",
        ));
    }
    let (account, region) = (call.context.account(), &call.context.region);
    let taken = call
        .world
        .ec2
        .images
        .values()
        .find(|image| image.name == name && image.owner == account && image.region == *region);
    match taken {
        Some(image) => Err(ApiError::bad(
            "InvalidAMIName.Duplicate",
            format!("AMI name {name} is already in use by AMI {}", image.id),
        )),
        None => Ok(name.to_owned()),
    }
}
