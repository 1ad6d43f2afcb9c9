//! Components and images of AWS Marketplace.

use super::calls::unsupported;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::Value;

/// GetMarketplaceResource.
pub(super) fn get_marketplace_resource(
    _world: &mut World,
    _context: &Context,
    _input: &Value,
) -> Result<Value, ApiError> {
    Err(unsupported("GetMarketplaceResource is not supported by the local Image Builder"))
}
