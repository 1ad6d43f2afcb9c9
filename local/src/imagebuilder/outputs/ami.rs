//! What an AMI of a build is like: its name, tags, devices and permissions.

use super::name::Values;
use super::reach::Target;
use super::strings;
use crate::draw::Seed;
use crate::ec2;
use crate::ec2::Tags;
use crate::imagebuilder::arrival::Origin;
use crate::imagebuilder::resolve;
use crate::imagebuilder::store::Resource;
use crate::world::World;
use serde_json::Value;
use std::collections::BTreeMap;

/// What the AMIs of an image are made of.
pub(in crate::imagebuilder) struct Base {
    /// Device → GiB and whether it is encrypted.
    devices: BTreeMap<String, (u32, bool)>,
    architecture: String,
    /// The AMI that they are copies of: Region and ID.
    source: Option<(String, String)>,
    description: Option<String>,
}

impl Base {
    /// The AMI that is distributed, or the recipe and its parent.
    ///
    /// # Errors
    /// The AMI that is distributed is gone.
    pub(super) fn of(world: &World, image: &Resource) -> Result<Self, String> {
        match world.imagebuilder.arrivals.origins.get(&image.arn) {
            Some(Origin::Ami { region, image_id }) => {
                let source = world.ec2.images.get(&(region.clone(), image_id.clone()));
                let source = source.ok_or_else(|| format!("The image id '[{image_id}]' does not exist"))?;
                Ok(Self::copy(source))
            }
            _ => Ok(Self::of_recipe(world, image)),
        }
    }

    fn copy(source: &ec2::Image) -> Self {
        Self {
            devices: devices_of(source),
            architecture: source.architecture.clone(),
            source: Some((source.region.clone(), source.id.clone())),
            description: source.description.clone(),
        }
    }

    fn of_recipe(world: &World, image: &Resource) -> Self {
        let recipe = image.document.get("imageRecipe").unwrap_or(&Value::Null);
        let parent = parent_ami(world, recipe, &image.region);
        Self {
            devices: devices(recipe, parent, image.text("platform") == Some("Windows")),
            architecture: architecture(recipe, parent),
            source: None,
            description: recipe["description"].as_str().map(str::to_owned),
        }
    }

    /// Of an image that no recipe makes: one disk.
    pub(in crate::imagebuilder) fn imported(image: &Resource, description: Option<&str>) -> Self {
        Self {
            devices: devices(&Value::Null, None, image.text("platform") == Some("Windows")),
            architecture: "x86_64".to_owned(),
            source: None,
            description: description.map(str::to_owned),
        }
    }
}

/// What tells an AMI from another one of the same base.
pub(in crate::imagebuilder) struct Draft<'a> {
    /// What its ID and its snapshots' are drawn for.
    pub(in crate::imagebuilder) key: &'a str,
    pub(in crate::imagebuilder) region: &'a str,
    pub(in crate::imagebuilder) owner: &'a str,
    pub(in crate::imagebuilder) name: String,
    pub(in crate::imagebuilder) description: Option<String>,
    pub(in crate::imagebuilder) tags: Tags,
    pub(in crate::imagebuilder) launch_permissions: Vec<(String, String)>,
    /// Whether its snapshots are encrypted whatever the base's are.
    pub(in crate::imagebuilder) encrypted: bool,
}

/// The ID of the AMI that is drawn for a key, a build's ARN, in a Region and account.
pub(in crate::imagebuilder) fn id(seed: Seed, key: &str, region: &str, owner: &str) -> String {
    format!("ami-{}", seed.hex(&["ami", key, region, owner], 17))
}

/// The AMI of a base and a draft; its IDs are drawn.
pub(in crate::imagebuilder) fn drawn(world: &World, image: &Resource, base: &Base, draft: Draft<'_>) -> ec2::Image {
    let Draft { key, region, owner, name, description, tags, launch_permissions, encrypted } = draft;
    let seed = world.seed;
    let snapshot = |(device, (size, was)): (&String, &(u32, bool))| {
        let id = format!("snap-{}", seed.hex(&["snapshot", key, region, owner, device], 17));
        (device.clone(), ec2::Snapshot { id, size: *size, encrypted: encrypted || *was })
    };
    ec2::Image {
        id: id(seed, key, region, owner),
        region: region.to_owned(),
        owner: owner.to_owned(),
        name,
        description: description.or_else(|| base.description.clone()),
        windows: image.text("platform") == Some("Windows"),
        architecture: base.architecture.clone(),
        state: "available".to_owned(),
        created: world.now,
        tags,
        snapshots: base.devices.iter().map(snapshot).collect(),
        source: base.source.clone(),
        launch_permissions,
        deprecation_time: None,
        last_launched: None,
        deregistration_protection: false,
    }
}

/// The tags that Image Builder gives every AMI that it makes.
pub(in crate::imagebuilder) fn own_tags(image: &Resource) -> Tags {
    Tags::from_iter([
        ("CreatedBy".to_owned(), "EC2 Image Builder".to_owned()),
        ("Ec2ImageBuilderArn".to_owned(), image.arn.clone()),
    ])
}

/// The AMI that a Region and account get.
pub(super) fn of_target(world: &World, image: &Resource, base: &Base, target: &Target) -> ec2::Image {
    let recipe = image.document.get("imageRecipe").unwrap_or(&Value::Null);
    let ami = &target.distribution["amiDistributionConfiguration"];
    let values = Values::of(world, image);
    let mut tags = own_tags(image);
    for source in [&recipe["amiTags"], &ami["amiTags"]] {
        let pairs = source.as_object().into_iter().flatten();
        tags.extend(pairs.map(|(key, value)| (key.clone(), values.render(value.as_str().unwrap_or_default()))));
    }
    let description = ami["description"].as_str().or(base.description.as_deref());
    let draft = Draft {
        key: &image.arn,
        region: &target.region,
        owner: &target.account,
        name: match ami["name"].as_str() {
            Some(template) => values.render(template),
            None => default_name(world, image),
        },
        description: description.map(|text| values.render(text)),
        tags,
        launch_permissions: launch_permissions(&ami["launchPermission"], &target.account),
        encrypted: ami["kmsKeyId"].is_string(),
    };
    drawn(world, image, base, draft)
}

/// The name of an AMI that its distribution doesn't name.
pub(in crate::imagebuilder) fn default_name(world: &World, image: &Resource) -> String {
    format!("{} {}", image.text("name").unwrap_or(&image.segment), Values::of(world, image).stamp)
}

/// Who may launch an AMI beside its owner, who needs no permission.
fn launch_permissions(given: &Value, owner: &str) -> Vec<(String, String)> {
    let kinds = [
        ("UserId", "userIds"),
        ("Group", "userGroups"),
        ("OrganizationArn", "organizationArns"),
        ("OrganizationalUnitArn", "organizationalUnitArns"),
    ];
    let of = |(kind, member): (&str, &str)| {
        let kind = kind.to_owned();
        strings(&given[member]).into_iter().map(move |value| (kind.clone(), value))
    };
    kinds.into_iter().flat_map(of).filter(|(_, value)| value != owner).collect()
}

/// The parent's AMI in the Region of the build, if the local EC2 knows it.
fn parent_ami<'a>(world: &'a World, recipe: &Value, region: &str) -> Option<&'a ec2::Image> {
    let parent = recipe["parentImage"].as_str()?;
    let id = match world.imagebuilder.get(parent) {
        Some(parent) => resolve::ami_in(parent, region).next()?,
        None => parent,
    };
    ec2::image(world, region, id)
}

fn architecture(recipe: &Value, parent: Option<&ec2::Image>) -> String {
    let of_name = || {
        let arm = recipe["parentImage"].as_str().unwrap_or_default().contains("arm64");
        if arm { "arm64" } else { "x86_64" }.to_owned()
    };
    parent.map_or_else(of_name, |ami| ami.architecture.clone())
}

fn devices_of(ami: &ec2::Image) -> BTreeMap<String, (u32, bool)> {
    ami.snapshots.iter().map(|(device, snapshot)| (device.clone(), (snapshot.size, snapshot.encrypted))).collect()
}

/// The parent's devices, changed by the recipe's mappings.
fn devices(recipe: &Value, parent: Option<&ec2::Image>, windows: bool) -> BTreeMap<String, (u32, bool)> {
    let (root, size) = if windows { ("/dev/sda1", 30) } else { ("/dev/xvda", 8) };
    let mut devices = parent.map_or_else(|| BTreeMap::from([(root.to_owned(), (size, false))]), devices_of);
    for mapping in recipe["blockDeviceMappings"].as_array().into_iter().flatten() {
        let Some(device) = mapping["deviceName"].as_str() else { continue };
        if mapping["noDevice"].is_string() {
            devices.remove(device);
        } else if let Some(ebs) = mapping["ebs"].as_object() {
            let slot = devices.entry(device.to_owned()).or_insert((size, false));
            let wanted = ebs.get("volumeSize").and_then(Value::as_u64).and_then(|size| u32::try_from(size).ok());
            slot.0 = wanted.unwrap_or(slot.0);
            slot.1 |= ebs.get("encrypted") == Some(&Value::Bool(true));
        }
    }
    devices
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn mappings_change_the_parents_devices() {
        let sizes = |mappings: Value, windows: bool| devices(&json!({"blockDeviceMappings": mappings}), None, windows);
        assert_eq!(sizes(json!([]), false), BTreeMap::from([("/dev/xvda".into(), (8, false))]));
        assert_eq!(sizes(json!([]), true), BTreeMap::from([("/dev/sda1".into(), (30, false))]));
        let mappings = json!([
            {"deviceName": "/dev/xvda", "ebs": {"volumeSize": 20, "encrypted": true}},
            {"deviceName": "/dev/sdb", "ebs": {}},
            {"deviceName": "/dev/sdc", "virtualName": "ephemeral0"},
        ]);
        assert_eq!(
            sizes(mappings, false),
            BTreeMap::from([("/dev/xvda".into(), (20, true)), ("/dev/sdb".into(), (8, false))])
        );
        assert!(sizes(json!([{"deviceName": "/dev/xvda", "noDevice": ""}]), false).is_empty());
    }

    #[test]
    fn everybody_gets_a_permission_but_the_owner() {
        let organisation = "arn:aws:organizations::123456789012:organization/o-abcdefghij";
        let given = json!({
            "userIds": ["123456789012", "111122223333"], "userGroups": ["all"], "organizationArns": [organisation],
            "organizationalUnitArns": [],
        });
        let permission = |kind: &str, value: &str| (kind.to_owned(), value.to_owned());
        assert_eq!(
            launch_permissions(&given, "123456789012"),
            [
                permission("UserId", "111122223333"),
                permission("Group", "all"),
                permission("OrganizationArn", organisation),
            ]
        );
        assert!(launch_permissions(&Value::Null, "123456789012").is_empty());
    }
}
