//! Snapshots as resources of their own: they come with AMIs, and stay when those are deregistered.

use super::describe::tag_set;
use super::filter::filters;
use super::{AMAZON_ACCOUNT, Call, Image};
use crate::clock::{Time, iso_millis};
use crate::ec2::Tags;
use crate::wire::ApiError;
use crate::world::World;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::borrow::Cow;

/// A snapshot by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredSnapshot {
    /// `snap-` and 17 hex digits.
    pub id: String,
    /// The Region.
    pub region: String,
    /// 12 digits.
    pub owner: String,
    /// GiB.
    pub size: u32,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// When it was begun.
    pub started: Time,
    /// What it was made for, as EC2 says it.
    pub description: Box<str>,
    /// Whether it is a copy of another snapshot: it then comes from no volume.
    pub copied: bool,
    /// How many AMIs use it.
    pub users: u32,
    /// The build that Image Builder made it for, until somebody changes its tags: they are of it alone so far.
    pub(super) builder_arn: Option<Box<str>>,
    pub(super) own_tags: Tags,
}

impl StoredSnapshot {
    /// Tags.
    pub fn tags(&self) -> Cow<'_, Tags> {
        match &self.builder_arn {
            Some(arn) => Cow::Owned(marks(arn)),
            None => Cow::Borrowed(&self.own_tags),
        }
    }

    /// The tags, to change them.
    pub(super) fn tags_mut(&mut self) -> &mut Tags {
        if let Some(arn) = self.builder_arn.take() {
            self.own_tags = marks(&arn);
        }
        &mut self.own_tags
    }
}

/// The tags that Image Builder gives to snapshots of a build.
fn marks(arn: &str) -> Tags {
    Tags::from_iter([
        ("CreatedBy".to_owned(), "EC2 Image Builder".to_owned()),
        ("Ec2ImageBuilderArn".to_owned(), arn.to_owned()),
    ])
}

/// The snapshots of a new AMI: kept if they weren't there before. Amazon's stay Amazon's.
pub(super) fn keep(world: &mut World, image: &Image, description: &str, tags: &Tags) {
    keep_as(world, image, description, tags, None);
}

/// The snapshots of an AMI that Image Builder made: marked as the AMI is; what the configuration says is for the
/// AMI alone.
pub(super) fn keep_built(world: &mut World, image: &Image) {
    let builder_arn = image.tags.get("Ec2ImageBuilderArn").map(String::as_str);
    let description = format!("Created by CreateImage for {}", image.id);
    keep_as(world, image, &description, &Tags::new(), builder_arn);
}

fn keep_as(world: &mut World, image: &Image, description: &str, tags: &Tags, builder_arn: Option<&str>) {
    if image.owner == AMAZON_ACCOUNT {
        return;
    }
    for snapshot in image.snapshots.values() {
        if let Some(known) = world.ec2.snapshots.get_mut(&image.region, &snapshot.id) {
            known.users += 1;
            continue;
        }
        let stored = StoredSnapshot {
            id: snapshot.id.clone(),
            region: image.region.clone(),
            owner: image.owner.clone(),
            size: snapshot.size,
            encrypted: snapshot.encrypted,
            started: image.created,
            description: description.into(),
            copied: image.source.is_some(),
            users: 1,
            builder_arn: builder_arn.map(Into::into),
            own_tags: tags.clone(),
        };
        world.ec2.snapshots.insert(&image.region, &snapshot.id, stored);
    }
}

/// An AMI that is gone no longer uses its snapshots.
pub(super) fn release(world: &mut World, image: &Image) {
    for snapshot in image.snapshots.values() {
        if let Some(stored) = world.ec2.snapshots.get_mut(&image.region, &snapshot.id) {
            stored.users = stored.users.saturating_sub(1);
        }
    }
}

/// Deletes the snapshots of an AMI that is gone: each with how it went, `success` or `skipped`.
pub(super) fn delete_of(world: &mut World, image: &Image) -> Vec<(String, &'static str)> {
    let delete = |snapshot: &super::Snapshot| {
        let used = super::snapshot(world, &image.region, &snapshot.id).is_some_and(|stored| stored.users > 0);
        if !used {
            world.ec2.snapshots.remove(&image.region, &snapshot.id);
        }
        (snapshot.id.clone(), if used { "skipped" } else { "success" })
    };
    image.snapshots.values().map(delete).collect()
}

pub(super) fn delete_snapshot(mut call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["SnapshotId"])?;
    let id = call.required("SnapshotId")?;
    Call::check_ids(&[id], "snap", "InvalidSnapshotID.Malformed")?;
    let region = call.context.region.clone();
    let own = super::snapshot(call.world, &region, id).filter(|stored| stored.owner == call.context.account());
    if own.ok_or_else(|| no_snapshot(id))?.users > 0 {
        let used = |image: &&Image| image.snapshots.values().any(|snapshot| snapshot.id == id);
        let user = super::images_of(call.world, &region).find(used).map_or("an AMI", |image| &image.id);
        let message = format!("The snapshot {id} is currently in use by {user}");
        return Err(ApiError::bad("InvalidSnapshot.InUse", message));
    }
    call.world.ec2.snapshots.remove(&region, id);
    call.record(id, "snapshot deleted".to_owned());
    Ok(json!({"return": true}))
}

pub(super) fn no_snapshot(id: &str) -> ApiError {
    ApiError::bad("InvalidSnapshot.NotFound", format!("The snapshot '{id}' does not exist."))
}

const FILTERS: [&str; 11] = [
    "description",
    "encrypted",
    "owner-id",
    "progress",
    "snapshot-id",
    "start-time",
    "status",
    "storage-tier",
    "tag-key",
    "tag:",
    "volume-size",
];

pub(super) fn describe_snapshots(call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["SnapshotId", "Owner", "MaxResults", "NextToken", "Filter"])?;
    let filters = filters(&call, &FILTERS)?;
    let (account, region) = (call.context.account(), &call.context.region);
    let (ids, owners) = (call.texts("SnapshotId"), call.texts("Owner"));
    if !ids.is_empty() && call.text("MaxResults").is_some() {
        return Err(ApiError::bad(
            "InvalidParameterCombination",
            "The parameter MaxResults cannot be used with the parameter SnapshotId",
        ));
    }
    Call::check_ids(&ids, "snap", "InvalidSnapshotID.Malformed")?;
    let own = |stored: &StoredSnapshot| stored.owner == account;
    if let Some(id) = ids.iter().find(|id| !call.world.ec2.snapshots.get(region, id).is_some_and(own)) {
        return Err(no_snapshot(id));
    }
    // Snapshots aren't shared here: whoever asks for those of others gets none.
    let asked = owners.is_empty() || owners.iter().any(|owner| *owner == "self" || *owner == account);
    let after = call.text("NextToken").unwrap_or_default();
    let found = call.world.ec2.snapshots.behind(region, after).filter(|(id, stored)| {
        let tags = stored.tags();
        asked
            && own(stored)
            && (ids.is_empty() || ids.contains(id))
            && filters.iter().all(|filter| filter.takes(&tags, |name| vec![field(stored, name)]))
    });
    let seed = call.world.seed;
    let shown = |(id, stored)| {
        let (volume, percent) = (seed.hex(&["volume", id], 17), 20 + seed.draw(&["snapshot", id]) % 61);
        (id, shown(stored, &volume, percent))
    };
    let (snapshots, next) = call.page(found.map(shown))?;
    Ok(json!({"snapshotSet": snapshots, "nextToken": next}))
}

fn field(stored: &StoredSnapshot, name: &str) -> String {
    match name {
        "description" => stored.description.to_string(),
        "encrypted" => stored.encrypted.to_string(),
        "owner-id" => stored.owner.clone(),
        "progress" => "100%".to_owned(),
        "snapshot-id" => stored.id.clone(),
        "start-time" => iso_millis(stored.started),
        "status" => "completed".to_owned(),
        "storage-tier" => "standard".to_owned(),
        _ => stored.size.to_string(),
    }
}

/// `percent` is how much of its volume it holds.
fn shown(stored: &StoredSnapshot, volume: &str, percent: u64) -> Value {
    let held = (u64::from(stored.size) << 30) / 100 * percent;
    let mut shown = json!({
        "snapshotId": stored.id,
        "volumeId": if stored.copied { "vol-ffffffff".to_owned() } else { format!("vol-{volume}") },
        "status": "completed",
        "startTime": iso_millis(stored.started),
        "progress": "100%",
        "ownerId": stored.owner,
        "volumeSize": stored.size,
        "description": stored.description,
        "encrypted": stored.encrypted,
        "storageTier": "standard",
        "fullSnapshotSizeInBytes": held - held % (512 << 10),
    });
    let tags = stored.tags();
    if !tags.is_empty() {
        shown["tagSet"] = tag_set(&tags);
    }
    shown
}
