//! Snapshots as resources of their own: they come with AMIs, and stay when those are deregistered.

use super::Image;
use crate::clock::Time;
use crate::world::World;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    pub description: String,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// The snapshots of a new AMI, as far as they weren't there before.
pub(super) fn keep(world: &mut World, image: &Image, description: &str, tags: &BTreeMap<String, String>) {
    for snapshot in image.snapshots.values() {
        if world.ec2.snapshots.get(&image.region, &snapshot.id).is_none() {
            let stored = StoredSnapshot {
                id: snapshot.id.clone(),
                region: image.region.clone(),
                owner: image.owner.clone(),
                size: snapshot.size,
                encrypted: snapshot.encrypted,
                started: image.created,
                description: description.to_owned(),
                tags: tags.clone(),
            };
            world.ec2.snapshots.insert(&image.region, &snapshot.id, stored);
        }
    }
}

/// An AMI of the Region that uses a snapshot.
pub(super) fn user<'a>(world: &'a World, region: &str, snapshot_id: &str) -> Option<&'a Image> {
    super::images_of(world, region).find(|image| image.snapshots.values().any(|snapshot| snapshot.id == snapshot_id))
}

/// Deletes the snapshots of an AMI that is deregistered: each with how it went, `success` or `skipped`.
pub(super) fn delete_of(world: &mut World, image: &Image) -> Vec<(String, &'static str)> {
    let delete = |snapshot: &super::Snapshot| {
        let used = user(world, &image.region, &snapshot.id).is_some();
        if !used {
            world.ec2.snapshots.remove(&image.region, &snapshot.id);
        }
        (snapshot.id.clone(), if used { "skipped" } else { "success" })
    };
    image.snapshots.values().map(delete).collect()
}
