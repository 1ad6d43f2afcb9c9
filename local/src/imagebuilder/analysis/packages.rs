//! ListImagePackages.

use super::super::execution::{self, Phase};
use super::super::lookup;
use super::super::lookup::{missing, text};
use super::super::store::{Kind, Resource};
use super::system::System;
use super::{lineage, sources};
use crate::model::Listing;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::json;
use std::collections::BTreeMap;

/// The packages of an image, by name, with their versions.
pub(super) fn of(world: &World, image: &Resource) -> BTreeMap<String, String> {
    let (system, lineage) = (System::of(image), lineage::of(world, image));
    let mut packages = BTreeMap::new();
    for source in sources::of(system, &lineage.components) {
        let revision = source.revision(world.seed, lineage.level);
        for name in source.packages(system, revision) {
            packages.insert(name, source.version(system, revision));
        }
    }
    packages
}

/// ListImagePackages, by name: what the build's inventory found. There is none before the inventory was taken,
/// without `enhancedImageMetadataEnabled`, of container images, and of images that weren't built.
pub(in super::super) fn list_image_packages<'a>(
    world: &'a World,
    context: &Context,
    input: &serde_json::Value,
    _after: Option<&str>,
) -> Result<Listing<'a>, ApiError> {
    let arn = text(input, "imageBuildVersionArn");
    let image = lookup::find(&world.imagebuilder, context, Kind::Image, arn)?;
    if image.status() == "DELETED" {
        return Err(missing(arn));
    }
    let inventory = execution::seen(world, arn, Phase::Build, "CollectImageMetadata");
    let taken = inventory.is_some_and(|step| step.failure.is_none() && step.ended <= world.now);
    if !taken || image.document["enhancedImageMetadataEnabled"] == false {
        return Ok(Listing::none());
    }
    let entry = |(name, version): (String, String)| {
        let package = json!({"packageName": name, "packageVersion": version});
        (name, package)
    };
    Ok(Listing::ascending(of(world, image).into_iter().map(entry)))
}
