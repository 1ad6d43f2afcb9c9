//! Amazon's managed images and components: what exists, and new versions as time goes by.

use crate::world::World;

/// Makes what Amazon had released by the world's time, and posts the next release.
pub fn begin(_world: &mut World) {}

/// A release is due.
pub fn on_release(_world: &mut World) {}

/// Makes sure that a managed name exists in a Region, which the catalogue may lack: then it is made and a warning recorded.
/// `kind` is `image` or `component`.
pub fn ensure(_world: &mut World, _kind: &str, _region: &str, _segment: &str) {}

/// The value of a public parameter such as `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64`
/// at this time, with a version that goes up with every release.
pub fn public_parameter(_world: &World, _region: &str, _name: &str) -> Option<(String, i64)> {
    None
}
