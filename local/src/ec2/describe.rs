//! DescribeImages and DescribeRegions.

use super::{AMAZON_ACCOUNT, Image, check_id, flag, list, not_found, visible};
use crate::clock::iso_millis;
use crate::pattern::wildcard;
use crate::wire::{ApiError, Context};
use crate::world::{REGIONS, World};
use serde_json::{Map, Value, json};

pub(super) fn describe_images(world: &World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let account = context.account();
    let ids = list(input, "ImageId");
    ids.iter().try_for_each(|id| check_id(id))?;
    let unknown: Vec<&str> =
        ids.iter().copied().filter(|id| visible(world, account, &context.region, id).is_none()).collect();
    if !unknown.is_empty() {
        return Err(not_found(&unknown));
    }
    let filters: Vec<Filter<'_>> =
        input.get("Filter").and_then(Value::as_array).into_iter().flatten().map(Filter::read).collect();
    if let Some(unknown) = filters.iter().find(|filter| !filter.is_known()) {
        return Err(ApiError::bad("InvalidParameterValue", format!("The filter '{}' is invalid", unknown.name)));
    }
    let (owners, executable_by) = (list(input, "Owner"), list(input, "ExecutableBy"));
    let images: Vec<&Image> = world
        .ec2
        .images
        .values()
        .filter(|image| image.region == context.region && (image.owner == account || image.is_shared_with(account)))
        .filter(|image| ids.is_empty() || ids.contains(&image.id.as_str()))
        .filter(|image| owners.is_empty() || owners.iter().any(|owner| owned(image, owner, account)))
        .filter(|image| executable_by.is_empty() || executable_by.iter().any(|who| executable(image, who, account)))
        .filter(|image| image.state != "disabled" || flag(input, "IncludeDisabled"))
        .filter(|image| filters.iter().all(|filter| filter.passes(image)))
        .collect();
    page(&images, &ids, input)
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html>: 5 to 1000 a page, not with IDs.
fn page(images: &[&Image], ids: &[&str], input: &Value) -> Result<Value, ApiError> {
    let start: usize = match input.get("NextToken").and_then(Value::as_str) {
        Some(token) => token
            .strip_prefix("images-")
            .and_then(|token| token.parse().ok())
            .ok_or_else(|| ApiError::bad("InvalidNextToken", "NextToken: expected the token of an earlier answer"))?,
        None => 0,
    };
    let size: Option<usize> = match input.get("MaxResults").and_then(Value::as_str) {
        Some(_) if !ids.is_empty() => {
            let message = "The parameter maxResults cannot be used with the parameter imageIds";
            return Err(ApiError::bad("InvalidParameterCombination", message));
        }
        Some(text) => Some(text.parse().ok().filter(|size| (5..=1000).contains(size)).ok_or_else(|| {
            ApiError::bad("InvalidParameterValue", format!("MaxResults: expected 5 to 1000, not {text}"))
        })?),
        None => None,
    };
    let end = size.map_or(images.len(), |size| start.saturating_add(size)).min(images.len());
    let shown: Vec<Value> =
        images.get(start.min(end)..end).unwrap_or_default().iter().map(|image| wire(image)).collect();
    let mut answer = Map::from_iter([("imagesSet".to_owned(), Value::Array(shown))]);
    if end < images.len() {
        answer.insert("nextToken".to_owned(), json!(format!("images-{end}")));
    }
    Ok(Value::Object(answer))
}

fn owned(image: &Image, owner: &str, account: &str) -> bool {
    match owner {
        "self" => image.owner == account,
        "amazon" => image.owner == AMAZON_ACCOUNT,
        id => image.owner == id,
    }
}

fn executable(image: &Image, who: &str, account: &str) -> bool {
    let permitted = |kind: &str, value: &str| image.launch_permissions.iter().any(|(k, v)| k == kind && v == value);
    match who {
        "self" => permitted("UserId", account),
        "all" => permitted("Group", "all"),
        id => permitted("UserId", id),
    }
}

struct Filter<'a> {
    name: &'a str,
    values: Vec<&'a str>,
}

impl<'a> Filter<'a> {
    fn read(filter: &'a Value) -> Self {
        Self { name: filter.get("Name").and_then(Value::as_str).unwrap_or_default(), values: list(filter, "Value") }
    }

    fn is_known(&self) -> bool {
        const KNOWN: [&str; 15] = [
            "architecture",
            "block-device-mapping.snapshot-id",
            "creation-date",
            "description",
            "image-id",
            "image-type",
            "is-public",
            "name",
            "owner-alias",
            "owner-id",
            "platform",
            "root-device-type",
            "state",
            "tag-key",
            "virtualization-type",
        ];
        KNOWN.contains(&self.name) || self.name.starts_with("tag:")
    }

    fn passes(&self, image: &Image) -> bool {
        let one = |text: &str| vec![text.to_owned()];
        let held: Vec<String> = match self.name {
            "architecture" => one(&image.architecture),
            "block-device-mapping.snapshot-id" => {
                image.snapshots.values().map(|snapshot| snapshot.id.clone()).collect()
            }
            "creation-date" => one(&iso_millis(image.created)),
            "description" => image.description.iter().cloned().collect(),
            "image-id" => one(&image.id),
            "image-type" => one("machine"),
            "is-public" => one(&image.is_public().to_string()),
            "name" => one(&image.name),
            "owner-alias" if image.owner == AMAZON_ACCOUNT => one("amazon"),
            "owner-id" => one(&image.owner),
            "platform" if image.windows => one("windows"),
            "root-device-type" => one("ebs"),
            "state" => one(&image.state),
            "tag-key" => image.tags.keys().cloned().collect(),
            "virtualization-type" => one("hvm"),
            name => name.strip_prefix("tag:").and_then(|key| image.tags.get(key)).into_iter().cloned().collect(),
        };
        self.values.iter().any(|wanted| held.iter().any(|held| wildcard(wanted, held, Some('?'))))
    }
}

/// An AMI in the names of the wire.
pub(super) fn wire(image: &Image) -> Value {
    let devices: Vec<Value> = image
        .snapshots
        .iter()
        .map(|(device, snapshot)| {
            json!({"deviceName": device, "ebs": {
                "deleteOnTermination": true, "encrypted": snapshot.encrypted, "snapshotId": snapshot.id,
                "volumeSize": snapshot.size, "volumeType": "gp3",
            }})
        })
        .collect();
    let tags: Vec<Value> = image.tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
    json!({
        "imageId": image.id,
        "imageLocation": format!("{}/{}", image.owner, image.name),
        "imageState": image.state,
        "imageOwnerId": image.owner,
        "imageOwnerAlias": (image.owner == AMAZON_ACCOUNT).then_some("amazon"),
        "creationDate": iso_millis(image.created),
        "isPublic": image.is_public(),
        "architecture": image.architecture,
        "imageType": "machine",
        "platform": image.windows.then_some("windows"),
        "platformDetails": if image.windows { "Windows" } else { "Linux/UNIX" },
        "usageOperation": if image.windows { "RunInstances:0002" } else { "RunInstances" },
        "name": image.name,
        "description": image.description,
        "rootDeviceType": "ebs",
        "rootDeviceName": image.snapshots.keys().next(),
        "blockDeviceMapping": devices,
        "virtualizationType": "hvm",
        "hypervisor": "xen",
        "enaSupport": true,
        "sourceImageRegion": image.source.as_ref().map(|(region, _)| region),
        "sourceImageId": image.source.as_ref().map(|(_, id)| id),
        "tagSet": tags,
    })
}

pub(super) fn describe_regions(input: &Value) -> Value {
    let wanted = list(input, "RegionName");
    let shown: Vec<Value> = REGIONS
        .iter()
        .filter(|region| wanted.is_empty() || wanted.contains(region))
        .map(|region| {
            json!({"regionName": region, "regionEndpoint": format!("ec2.{region}.amazonaws.com"), "optInStatus": "opt-in-not-required"})
        })
        .collect();
    json!({"regionInfo": shown})
}
