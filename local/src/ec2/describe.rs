//! DescribeImages.

use super::filter::filters;
use super::{AMAZON_ACCOUNT, Call, Image, check_id, no_image, protection, visible};
use crate::clock::iso_millis;
use crate::ec2::Tags;
use crate::wire::ApiError;
use crate::world::World;
use serde_json::{Value, json};

const FILTERS: [&str; 23] = [
    "architecture",
    "block-device-mapping.device-name",
    "block-device-mapping.encrypted",
    "block-device-mapping.snapshot-id",
    "creation-date",
    "description",
    "ena-support",
    "hypervisor",
    "image-id",
    "image-type",
    "is-public",
    "name",
    "owner-alias",
    "owner-id",
    "platform",
    "root-device-name",
    "root-device-type",
    "source-image-id",
    "source-image-region",
    "state",
    "tag-key",
    "tag:",
    "virtualization-type",
];

pub(super) fn describe_images(call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&[
        "ExecutableBy",
        "ImageId",
        "Owner",
        "IncludeDeprecated",
        "IncludeDisabled",
        "MaxResults",
        "NextToken",
        "Filter",
    ])?;
    let filters = filters(&call, &FILTERS)?;
    let (account, region) = (call.context.account(), &call.context.region);
    let ids = call.texts("ImageId");
    if !ids.is_empty() && call.text("MaxResults").is_some() {
        return Err(ApiError::bad(
            "InvalidParameterCombination",
            "The parameter MaxResults cannot be used with the parameter ImageId",
        ));
    }
    ids.iter().try_for_each(|id| check_id(id))?;
    let unknown: Vec<&str> =
        ids.iter().copied().filter(|id| visible(call.world, account, region, id).is_none()).collect();
    if !unknown.is_empty() {
        return Err(no_image(&unknown));
    }
    let (owners, users) = (call.texts("Owner"), call.texts("ExecutableBy"));
    let owned = |image: &Image| {
        owners.is_empty()
            || owners.iter().any(|owner| match *owner {
                "self" => image.owner == account,
                "amazon" => image.owner == AMAZON_ACCOUNT,
                owner => image.owner == owner,
            })
    };
    let executable = |image: &Image| {
        users.is_empty()
            || users.iter().any(|user| match *user {
                "all" => image.is_public(),
                "self" => image.launch_permissions.contains(&("UserId".to_owned(), account.to_owned())),
                user => image.launch_permissions.contains(&("UserId".to_owned(), user.to_owned())),
            })
    };
    let (disabled, deprecated, now) = (call.flag("IncludeDisabled"), call.flag("IncludeDeprecated"), call.world.now);
    // Others than the owner have to ask for deprecated AMIs.
    let listed = |image: &Image| {
        let is_deprecated = || image.deprecated_from().is_some_and(|at| at <= now);
        (disabled || image.state != "disabled")
            && (deprecated || image.owner == account || !ids.is_empty() || !is_deprecated())
    };
    let after = call.text("NextToken").unwrap_or_default();
    let found = super::images_behind(call.world, region, after).filter(|image| {
        (ids.is_empty() || ids.contains(&image.id.as_str()))
            && image.seen_by(account)
            && listed(image)
            && owned(image)
            && executable(image)
            && filters.iter().all(|filter| filter.takes(&image.tags, |name| fields(image, name)))
    });
    let (images, next) = call.page(found.map(|image| (image.id.as_str(), shown(call.world, image, account))))?;
    Ok(json!({"imagesSet": images, "nextToken": next}))
}

pub(super) fn root_device(image: &Image) -> &str {
    let usual = if image.windows { "/dev/sda1" } else { "/dev/xvda" };
    if image.snapshots.contains_key(usual) {
        return usual;
    }
    image.snapshots.keys().next().map_or(usual, String::as_str)
}

/// What an AMI holds under the name of a filter.
fn fields(image: &Image, name: &str) -> Vec<String> {
    let snapshots = |field: fn((&String, &super::Snapshot)) -> String| image.snapshots.iter().map(field).collect();
    let one = |text: &str| vec![text.to_owned()];
    match name {
        "architecture" => one(&image.architecture),
        "block-device-mapping.device-name" => snapshots(|(device, _)| device.clone()),
        "block-device-mapping.encrypted" => snapshots(|(_, snapshot)| snapshot.encrypted.to_string()),
        "block-device-mapping.snapshot-id" => snapshots(|(_, snapshot)| snapshot.id.clone()),
        "creation-date" => vec![iso_millis(image.created)],
        "description" => image.description.iter().cloned().collect(),
        "ena-support" => one("true"),
        "hypervisor" => one("xen"),
        "image-id" => one(&image.id),
        "image-type" => one("machine"),
        "is-public" => vec![image.is_public().to_string()],
        "name" => one(&image.name),
        "owner-alias" if image.owner == AMAZON_ACCOUNT => one("amazon"),
        "owner-id" => one(&image.owner),
        "platform" if image.windows => one("windows"),
        "root-device-name" => one(root_device(image)),
        "root-device-type" => one("ebs"),
        "source-image-id" => image.source.iter().map(|(_, id)| id.clone()).collect(),
        "source-image-region" => image.source.iter().map(|(region, _)| region.clone()).collect(),
        "state" => one(&image.state),
        "virtualization-type" => one("hvm"),
        _ => Vec::new(),
    }
}

/// An AMI as its members look to an account.
fn shown(world: &World, image: &Image, account: &str) -> Value {
    let amazon = image.owner == AMAZON_ACCOUNT;
    let prefix = if amazon { "amazon" } else { &image.owner };
    let mut shown = json!({
        "imageId": image.id,
        "imageLocation": format!("{prefix}/{}", image.name),
        "imageState": image.state,
        "imageOwnerId": image.owner,
        "creationDate": iso_millis(image.created),
        "isPublic": image.is_public(),
        "architecture": image.architecture,
        "imageType": "machine",
        "platformDetails": if image.windows { "Windows" } else { "Linux/UNIX" },
        "usageOperation": if image.windows { "RunInstances:0002" } else { "RunInstances" },
        "name": image.name,
        "rootDeviceType": "ebs",
        "rootDeviceName": root_device(image),
        "blockDeviceMapping": block_devices(image),
        "virtualizationType": "hvm",
        "hypervisor": "xen",
        "enaSupport": true,
        "deregistrationProtection": protection::shown(world, &image.region, &image.id),
    });
    let optional = [
        ("platform", image.windows.then(|| "windows".to_owned())),
        ("imageOwnerAlias", amazon.then(|| "amazon".to_owned())),
        ("description", image.description.clone()),
        ("deprecationTime", image.deprecated_from().map(iso_millis)),
        ("lastLaunchedTime", image.last_launched.filter(|_| image.owner == account).map(iso_millis)),
        ("sourceImageRegion", image.source.as_ref().map(|(region, _)| region.clone())),
        ("sourceImageId", image.source.as_ref().map(|(_, id)| id.clone())),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            shown[name] = json!(value);
        }
    }
    // Tags are the owner's own.
    if image.owner == account && !image.tags.is_empty() {
        shown["tagSet"] = tag_set(&image.tags);
    }
    shown
}

pub(super) fn block_devices(image: &Image) -> Vec<Value> {
    let device = |(device, snapshot): (&String, &super::Snapshot)| {
        json!({
            "deviceName": device,
            "ebs": {
                "snapshotId": snapshot.id,
                "volumeSize": snapshot.size,
                "deleteOnTermination": true,
                "volumeType": "gp3",
                "encrypted": snapshot.encrypted,
            },
        })
    };
    image.snapshots.iter().map(device).collect()
}

pub(super) fn tag_set(tags: &Tags) -> Value {
    tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}
