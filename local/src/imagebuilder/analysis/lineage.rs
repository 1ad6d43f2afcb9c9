//! What an image has from its parents and its components.

use super::super::resolve;
use super::super::store::{Kind, Resource};
use super::sources::level;
use crate::world::World;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::arn::VersionedArn;

/// What decides which packages an image has, its operating system aside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lineage {
    /// How many fortnights' releases its packages have seen.
    pub(super) level: u64,
    /// Whether it is for arm64.
    pub(super) arm: bool,
    /// The names of the components that went into it and its parents.
    pub(super) components: Vec<String>,
}

/// The lineage of an image.
pub(super) fn of(world: &World, image: &Resource) -> Lineage {
    let recipe = image.document.get("imageRecipe").or_else(|| image.document.get("containerRecipe"));
    let Some(recipe) = recipe else { return root(image) };
    let mut lineage = parent(world, &image.region, recipe["parentImage"].as_str().unwrap_or_default());
    for component in recipe["components"].as_array().into_iter().flatten() {
        let Some(name) = component["componentArn"].as_str().and_then(name_of) else { continue };
        if name.starts_with("update-") {
            lineage.level = lineage.level.max(level(image.created));
        }
        lineage.components.push(name);
    }
    lineage
}

/// Of an image that no recipe made: as old as it is.
fn root(image: &Resource) -> Lineage {
    Lineage { level: level(image.created), arm: image.segment.contains("arm64"), components: Vec::new() }
}

/// What a parent brings along.
fn parent(world: &World, region: &str, parent: &str) -> Lineage {
    amazons(parent)
        .or_else(|| world.imagebuilder.analysis.parents.get(&key(region, parent)).cloned())
        .unwrap_or_else(|| looked_up(world, region, parent))
}

/// What a parent that is no image of Amazon's brings along is kept: it may be gone when somebody asks.
pub(super) fn keep(world: &mut World, region: &str, parent: &str) {
    let key = key(region, parent);
    if amazons(parent).is_none() && !world.imagebuilder.analysis.parents.contains_key(&key) {
        let lineage = looked_up(world, region, parent);
        world.imagebuilder.analysis.parents.insert(key, lineage);
    }
}

fn key(region: &str, parent: &str) -> String {
    format!("{region} {parent}")
}

/// Of an image of Amazon's: its version is the day of its release.
fn amazons(parent: &str) -> Option<Lineage> {
    let named: VersionedArn = parent.parse().ok()?;
    let version = named.version.exact().filter(|_| named.arn.account == "aws")?;
    let day = chrono::NaiveDate::from_ymd_opt(i32::try_from(version.major).ok()?, version.minor, version.patch)?;
    let level = level(day.and_time(chrono::NaiveTime::MIN).and_utc());
    Some(Lineage { level, arm: named.name.contains("arm64"), components: Vec::new() })
}

fn looked_up(world: &World, region: &str, parent: &str) -> Lineage {
    if let Some(image) = world.imagebuilder.get(parent) {
        return of(world, image);
    }
    let Some(ami) = world.ec2.images.get(&(region.to_owned(), parent.to_owned())) else {
        // Nobody knows how old it is: up to two years, as of the first build on it, the same for all who build on it.
        let behind = world.seed.draw(&["age of", parent]) % 52;
        return Lineage { level: level(world.now).saturating_sub(behind), ..Lineage::default() };
    };
    let images = world.imagebuilder.of_kind(Kind::Image, region, None);
    match images.into_iter().find(|image| resolve::ami_in(image, region).any(|made| made == parent)) {
        Some(image) => of(world, image),
        None => Lineage { level: level(ami.created), arm: ami.architecture == "arm64", components: Vec::new() },
    }
}

/// The name in a component's ARN.
fn name_of(arn: &str) -> Option<String> {
    Some(arn.parse::<VersionedArn>().ok()?.name)
}

/// The parent that an image's document names.
pub(super) fn parent_of(document: &serde_json::Map<String, Value>) -> Option<&str> {
    document.get("imageRecipe").or_else(|| document.get("containerRecipe"))?["parentImage"].as_str()
}
