//! ImportComponent: a component made of a shell script or a document as it is.

use super::calls::unsupported;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::Value;

/// ImportComponent.
pub(super) fn import_component(_world: &mut World, _context: &Context, _input: &Value) -> Result<Value, ApiError> {
    Err(unsupported("ImportComponent is not supported by the local Image Builder"))
}
