//! Images that no recipe makes: imported ones, and those that an existing AMI is distributed as.

use super::calls::unsupported;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What waits on the queue.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Event {}

/// Handles what was posted.
pub fn on(_world: &mut World, event: Event) {
    match event {}
}

/// ImportDiskImage.
pub(super) fn import_disk_image(_world: &mut World, _context: &Context, _input: &Value) -> Result<Value, ApiError> {
    Err(unsupported("ImportDiskImage is not supported by the local Image Builder"))
}

/// ImportVmImage.
pub(super) fn import_vm_image(_world: &mut World, _context: &Context, _input: &Value) -> Result<Value, ApiError> {
    Err(unsupported("ImportVmImage is not supported by the local Image Builder"))
}

/// DistributeImage.
pub(super) fn distribute_image(_world: &mut World, _context: &Context, _input: &Value) -> Result<Value, ApiError> {
    Err(unsupported("DistributeImage is not supported by the local Image Builder"))
}
