//! The end of AMIs: deprecated, disabled, deregistered.

use super::{Image, make, snapshots};
use crate::clock::Time;
use crate::world::World;

fn image<'a>(world: &'a mut World, region: &str, image_id: &str) -> Option<&'a mut Image> {
    world.ec2.images.get_mut(&(region.to_owned(), image_id.to_owned()))
}

/// An AMI counts as deprecated from a time on, or no more.
pub(super) fn on_deprecate(world: &mut World, region: &str, image_id: &str, at: Option<Time>) {
    if let Some(image) = image(world, region, image_id) {
        image.deprecation_time = at;
    }
}

/// An AMI is disabled: nobody can launch it, and it is shared with nobody.
pub(super) fn on_disable(world: &mut World, region: &str, image_id: &str) {
    let Some(image) = image(world, region, image_id).filter(|image| image.state == "available") else { return };
    image.state = "disabled".to_owned();
    image.launch_permissions.clear();
    let image = image.clone();
    make::emit_state(world, &image, "disabled");
}

/// A disabled AMI is available again; its shares don't come back.
pub(super) fn on_enable(world: &mut World, region: &str, image_id: &str) {
    let Some(image) = image(world, region, image_id).filter(|image| image.state == "disabled") else { return };
    image.state = "available".to_owned();
    let image = image.clone();
    make::emit_state(world, &image, "available");
}

/// An AMI is deregistered, its snapshots with it if that is wanted and no other AMI needs them.
pub(super) fn on_deregister(world: &mut World, region: &str, image_id: &str, snapshots: bool) {
    if let Some(image) = world.ec2.images.remove(&(region.to_owned(), image_id.to_owned())) {
        make::emit_state(world, &image, "deregistered");
        if snapshots {
            snapshots::delete_of(world, &image);
        }
    }
}
