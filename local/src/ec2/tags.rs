//! Tags of AMIs, snapshots, instances, launch templates and usage reports.

use super::filter::filters;
use super::{Call, StoredSnapshot, invalid_value, missing};
use crate::ec2::Tags;
use crate::wire::ApiError;
use crate::world::World;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// How many tags a resource can have.
const MOST_TAGS: usize = 50;

/// Image Builder tags an AMI, or takes a tag away.
pub(super) fn on_tag(world: &mut World, region: &str, image_id: &str, key: String, value: Option<String>) {
    let Some(image) = world.ec2.images.get_mut(&(region.to_owned(), image_id.to_owned())) else { return };
    match value {
        Some(value) => drop(image.tags.insert(key, value)),
        None => drop(image.tags.remove(&key)),
    }
}

pub(super) fn create_tags(mut call: Call<'_>) -> Result<Value, ApiError> {
    let tags = of_list(call.input.get("Tag"))?;
    if tags.is_empty() {
        return Err(missing("Tag"));
    }
    let ids = own_ids(&call)?;
    for id in &ids {
        let held = of(call.world, &call.context.region, id).map(|(_, held)| held.into_owned()).unwrap_or_default();
        let all: BTreeSet<&String> = held.keys().chain(tags.keys()).collect();
        if all.len() > MOST_TAGS {
            return Err(ApiError::bad(
                "TagLimitExceeded",
                "The maximum number of tags for this resource has been reached.",
            ));
        }
    }
    for id in ids {
        if let Some(held) = of_mut(call.world, &call.context.region, id) {
            held.extend(tags.clone());
        }
        let listed: Vec<String> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
        call.record(id, format!("tagged {}", listed.join(", ")));
    }
    Ok(json!({"return": true}))
}

pub(super) fn delete_tags(mut call: Call<'_>) -> Result<Value, ApiError> {
    let asked: Vec<(&str, Option<&str>)> = call
        .items("Tag")
        .iter()
        .filter_map(|tag| Some((tag.get("Key")?.as_str()?, tag.get("Value").and_then(Value::as_str))))
        .collect();
    for id in own_ids(&call)? {
        if let Some(held) = of_mut(call.world, &call.context.region, id) {
            // Without any tag in the request, all go but AWS's; a value, if given, has to be the tag's.
            held.retain(|key, value| {
                key.starts_with("aws:")
                    || !asked.is_empty()
                        && !asked
                            .iter()
                            .any(|(name, wanted)| name == key && wanted.is_none_or(|wanted| wanted == value))
            });
        }
        call.record(id, "tags removed".to_owned());
    }
    Ok(json!({"return": true}))
}

/// What can have tags: the prefix of the ID, the resource type, and the codes for an ID of another form or of nothing.
const KINDS: [(&str, &str, &str, &str); 5] = [
    ("ami", "image", "InvalidAMIID.Malformed", "InvalidAMIID.NotFound"),
    ("amiur", "image-usage-report", "InvalidImageUsageReportId.Malformed", "InvalidImageUsageReportId.NotFound"),
    ("i", "instance", "InvalidInstanceID.Malformed", "InvalidInstanceID.NotFound"),
    ("lt", "launch-template", "InvalidLaunchTemplateId.Malformed", "InvalidLaunchTemplateId.NotFound"),
    ("snap", "snapshot", "InvalidSnapshotID.Malformed", "InvalidSnapshot.NotFound"),
];

fn prefix(id: &str) -> &str {
    id.split_once('-').map_or(id, |(prefix, _)| prefix)
}

/// The owner and the tags of a resource.
fn of<'a>(world: &'a World, region: &str, id: &str) -> Option<(&'a str, Cow<'a, Tags>)> {
    let ec2 = &world.ec2;
    match prefix(id) {
        "ami" => super::image(world, region, id).map(|found| (found.owner.as_str(), Cow::Borrowed(&found.tags))),
        "amiur" => ec2.usage_reports.get(region, id).map(|found| (found.owner.as_str(), Cow::Borrowed(&found.tags))),
        "i" => ec2.instances.get(region, id).map(|found| (found.owner.as_str(), Cow::Borrowed(&found.tags))),
        "lt" => ec2.templates.get(region, id).map(|found| (found.owner.as_str(), Cow::Borrowed(&found.tags))),
        "snap" => ec2.snapshots.get(region, id).map(|found| (found.owner.as_str(), found.tags())),
        _ => None,
    }
}

fn of_mut<'a>(world: &'a mut World, region: &str, id: &str) -> Option<&'a mut Tags> {
    let ec2 = &mut world.ec2;
    match prefix(id) {
        "ami" => ec2.images.get_mut(&(region.to_owned(), id.to_owned())).map(|found| &mut found.tags),
        "amiur" => ec2.usage_reports.get_mut(region, id).map(|found| &mut found.tags),
        "i" => ec2.instances.get_mut(region, id).map(|found| &mut found.tags),
        "lt" => ec2.templates.get_mut(region, id).map(|found| &mut found.tags),
        "snap" => ec2.snapshots.get_mut(region, id).map(StoredSnapshot::tags_mut),
        _ => None,
    }
}

/// The resources of the request, which have to be the caller's own.
fn own_ids<'a>(call: &Call<'a>) -> Result<Vec<&'a str>, ApiError> {
    let ids = call.texts("ResourceId");
    if ids.is_empty() {
        return Err(missing("ResourceId"));
    }
    for id in &ids {
        let Some((prefix, _, malformed, not_found)) = KINDS.iter().find(|(kind, ..)| *kind == prefix(id)) else {
            return Err(ApiError::bad("InvalidID", format!("The ID '{id}' is not valid")));
        };
        Call::check_ids(&[id], prefix, malformed)?;
        let missing = || ApiError::bad(*not_found, format!("The ID '{id}' does not exist"));
        let (owner, _) = of(call.world, &call.context.region, id).ok_or_else(missing)?;
        if owner != call.context.account() {
            let hidden = *prefix != "ami" || call.image(id).is_err();
            return Err(if hidden {
                missing()
            } else {
                ApiError::new(403, "UnauthorizedOperation", "You are not authorized to perform this operation.")
            });
        }
    }
    Ok(ids)
}

pub(super) fn describe_tags(call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["Filter", "MaxResults", "NextToken"])?;
    let filters = filters(&call, &["key", "value", "resource-id", "resource-type", "tag:"])?;
    let mut tags: Vec<(String, Value)> = Vec::new();
    for (id, held) in all_own(&call) {
        let kind = KINDS.iter().find(|(kind, ..)| *kind == prefix(id)).map_or("", |(_, kind, ..)| kind);
        for (key, value) in held.iter() {
            let field = |name: &str| {
                vec![match name {
                    "key" => key.clone(),
                    "value" => value.clone(),
                    "resource-id" => id.to_owned(),
                    _ => kind.to_owned(),
                }]
            };
            let this = Tags::from_iter([(key.clone(), value.clone())]);
            if filters.iter().all(|filter| filter.takes(&this, field)) {
                let shown = json!({"resourceId": id, "resourceType": kind, "key": key, "value": value});
                tags.push((format!("{id} {key}"), shown));
            }
        }
    }
    tags.sort_by(|one, other| one.0.cmp(&other.0));
    let (page, next) = call.page(tags.iter().map(|(place, tag)| (place.as_str(), tag.clone())))?;
    Ok(json!({"tagSet": page, "nextToken": next}))
}

/// The caller's resources of the Region with their tags.
fn all_own<'a>(call: &'a Call<'_>) -> Vec<(&'a str, Cow<'a, Tags>)> {
    let (ec2, region) = (&call.world.ec2, &call.context.region);
    let images =
        super::images_of(call.world, region).map(|found| (&found.id, &found.owner, Cow::Borrowed(&found.tags)));
    let reports = ec2.usage_reports.of(region).map(|found| (&found.id, &found.owner, Cow::Borrowed(&found.tags)));
    let instances = ec2.instances.of(region).map(|found| (&found.id, &found.owner, Cow::Borrowed(&found.tags)));
    let templates = ec2.templates.of(region).map(|found| (&found.id, &found.owner, Cow::Borrowed(&found.tags)));
    let snapshots = ec2.snapshots.of(region).map(|found| (&found.id, &found.owner, found.tags()));
    let all = images.chain(reports).chain(instances).chain(templates).chain(snapshots);
    let own = all.filter(|(_, owner, _)| *owner == call.context.account());
    own.map(|(id, _, tags)| (id.as_str(), tags)).collect()
}

/// The tags that a `TagSpecification` gives to resources of a type; the operation takes those of `allowed` types.
pub(super) fn of_specification(call: &Call<'_>, wanted: &str, allowed: &[&str]) -> Result<Tags, ApiError> {
    let mut tags = Tags::new();
    for specification in call.items("TagSpecification") {
        match specification.get("ResourceType").and_then(Value::as_str).unwrap_or_default() {
            kind if kind == wanted => tags.extend(of_list(specification.get("Tag"))?),
            kind if allowed.contains(&kind) => {}
            other => {
                return Err(invalid_value(format!(
                    "'{other}' is not a valid taggable resource type for this operation."
                )));
            }
        }
    }
    Ok(tags)
}

fn of_list(list: Option<&Value>) -> Result<Tags, ApiError> {
    let mut tags = Tags::new();
    for tag in list.and_then(Value::as_array).into_iter().flatten() {
        let text = |member: &str| tag.get(member).and_then(Value::as_str).unwrap_or_default();
        let (key, value) = (text("Key"), text("Value"));
        if !(1..=128).contains(&key.chars().count()) || value.chars().count() > 256 {
            return Err(invalid_value("Tag keys have 1 to 128 characters, tag values at most 256."));
        }
        if key.to_lowercase().starts_with("aws:") {
            return Err(invalid_value("Tag keys starting with 'aws:' are reserved for internal use"));
        }
        tags.insert(key.to_owned(), value.to_owned());
    }
    Ok(tags)
}
