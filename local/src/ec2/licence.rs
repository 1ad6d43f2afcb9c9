//! License configurations of AMIs.

use crate::world::World;

/// An AMI is associated with license configurations, beside those that it has.
pub(super) fn on_licences(world: &mut World, region: &str, image_id: &str, arns: Vec<String>) {
    if super::image(world, region, image_id).is_none() {
        return;
    }
    let mut held = world.ec2.licences.get(region, image_id).cloned().unwrap_or_default();
    held.extend(arns.into_iter().filter(|arn| !arn.is_empty()));
    held.sort();
    held.dedup();
    world.ec2.licences.insert(region, image_id, held);
}

/// The license configurations that an AMI is associated with, sorted.
pub fn licences<'a>(world: &'a World, region: &str, image_id: &str) -> &'a [String] {
    world.ec2.licences.get(region, image_id).map(Vec::as_slice).unwrap_or_default()
}
