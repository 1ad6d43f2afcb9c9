//! What is found in an image: its packages and their vulnerabilities.

use super::calls::unsupported;
use crate::model::Listing;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::Value;

/// ListImagePackages.
pub(super) fn list_image_packages<'a>(
    _world: &'a World,
    _context: &Context,
    _input: &Value,
    _after: Option<&str>,
) -> Result<Listing<'a>, ApiError> {
    Err(unsupported("ListImagePackages is not supported by the local Image Builder"))
}

/// ListImageScanFindings.
pub(super) fn list_image_scan_findings<'a>(
    _world: &'a World,
    _context: &Context,
    _input: &Value,
    _after: Option<&str>,
) -> Result<Listing<'a>, ApiError> {
    Err(unsupported("ListImageScanFindings is not supported by the local Image Builder"))
}

/// ListImageScanFindingAggregations.
pub(super) fn list_image_scan_finding_aggregations<'a>(
    _world: &'a World,
    _context: &Context,
    _input: &Value,
    _after: Option<&str>,
) -> Result<Listing<'a>, ApiError> {
    Err(unsupported("ListImageScanFindingAggregations is not supported by the local Image Builder"))
}
