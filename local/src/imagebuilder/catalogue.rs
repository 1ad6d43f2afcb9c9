//! Amazon's managed images and components: what exists, and new versions as time goes by.

use super::Event;
use super::managed::{self, Managed};
use super::marketplace;
use super::naming::{self, segment};
use super::store::{Kind, Resource, latest};
use super::supply::{AMAZON, COMPONENTS, long_ago, make_component, make_image, make_releases};
use crate::ec2;
use crate::journal;
use crate::world::{self, REGIONS, World};
use shared::arn::VersionedArn;
use shared::version::{Version, VersionPattern};
use std::collections::{BTreeMap, BTreeSet};

/// Makes what Amazon had released by the world's time, and posts the next release.
pub fn begin(world: &mut World) {
    for managed in managed::all() {
        for region in REGIONS {
            for ami in make_releases(world, &managed, region) {
                world.ec2.images.insert((ami.region.clone(), ami.id.clone()), Box::new(ami));
            }
        }
    }
    for (name, patches) in COMPONENTS {
        for region in REGIONS {
            (0..=*patches)
                .for_each(|patch| make_component(world, region, name, Version { major: 1, minor: 0, patch }, 1));
        }
    }
    for region in REGIONS {
        marketplace::begin(world, region);
    }
    post_next(world);
}

/// A release is due.
pub fn on_release(world: &mut World) {
    if world.imagebuilder.next_release.is_none_or(|due| due > world.now) {
        // Posted before a name was made whose next release came first.
        return;
    }
    for (segment, mut regions) in names(world) {
        let managed = known(&segment);
        let released = managed.release(world.seed, managed.newest(world.seed, world.now));
        let version = managed::version(released);
        let arn = |region: &String| format!("{}/{version}/1", naming::arn(Kind::Image, region, AMAZON, &segment));
        regions.retain(|region| world.imagebuilder.get(&arn(region)).is_none());
        if regions.is_empty() {
            continue;
        }
        for region in &regions {
            let ami = make_image(world, &managed, region, version, 1, released);
            register(world, ami);
        }
        // The many that nobody builds on would drown the rest.
        if is_parent(world, &segment) {
            let detail = format!("Amazon released a new version in {} Regions", regions.len());
            world.record(journal::Kind::Released, format!("{segment} {version}/1"), None, detail);
        }
    }
    post_next(world);
}

fn is_parent(world: &World, segment: &str) -> bool {
    let named = format!(":image/{segment}/");
    let store = &world.imagebuilder;
    let of_kind = |kind| store.regions(kind).flat_map(move |region| store.of_kind(kind, region, None));
    let mut recipes = of_kind(Kind::ImageRecipe).chain(of_kind(Kind::ContainerRecipe));
    recipes.any(|recipe| recipe.text("parentImage").is_some_and(|parent| parent.contains(&named)))
}

/// Makes sure that a managed name exists in a Region, which the catalogue may lack: then it is made and a warning recorded.
/// `kind` is `image` or `component`.
pub fn ensure(world: &mut World, kind: &str, region: &str, segment: &str) {
    let resource_kind = if kind == "component" { Kind::Component } else { Kind::Image };
    let any = naming::arn(resource_kind, region, AMAZON, segment) + "/";
    if world.imagebuilder.starting_with(&any, None).next().is_some() {
        return;
    }
    let in_catalogue = match resource_kind {
        Kind::Component => COMPONENTS.iter().any(|(name, _)| *name == segment),
        _ => managed::all().iter().any(|managed| naming::segment(&managed.name) == segment),
    };
    if !in_catalogue {
        let detail = format!("the local catalogue doesn't have Amazon's {kind} of this name: it was made on first use");
        warn(world, segment, &detail);
    }
    match resource_kind {
        Kind::Component => {
            let patches = COMPONENTS.iter().find(|(name, _)| *name == segment).map_or(0, |(_, patches)| *patches);
            (0..=patches)
                .for_each(|patch| make_component(world, region, segment, Version { major: 1, minor: 0, patch }, 1));
        }
        _ => {
            let amis = make_releases(world, &known(segment), region);
            register(world, amis);
            post_next(world);
        }
    }
}

/// Makes sure that a reference to something managed comes out: the name, and a version that the catalogue
/// lacks, for people name exact ones. Anything else than a managed ARN of the Region is left alone.
pub(super) fn ensure_reference(world: &mut World, region: &str, arn: &str) {
    let Ok(reference) = arn.parse::<VersionedArn>() else { return };
    let VersionedArn { arn: parts, kind, name, version, build } = reference;
    let resource_kind = match kind.as_str() {
        "image" => Kind::Image,
        "component" => Kind::Component,
        _ => return,
    };
    if parts.account != AMAZON || parts.region != region {
        return;
    }
    ensure(world, &kind, region, &name);
    let wanted = |resource: &Resource| build.is_none() || resource.build == build;
    if latest(&world.imagebuilder, resource_kind, region, AMAZON, &name, &version, wanted).is_some() {
        return;
    }
    // A date has neither month nor day 0.
    let filler = if resource_kind == Kind::Image { "1" } else { "0" };
    let Ok(missing) = version.to_string().replace('x', filler).parse::<Version>() else { return };
    let build = build.unwrap_or(1);
    // One warning says enough of a name that was made as a whole.
    if !world.imagebuilder.warned.contains(&name) {
        let detail =
            format!("the local catalogue doesn't have this version of Amazon's {kind}: it was made on first use");
        warn(world, &format!("{name} {missing}/{build}"), &detail);
    }
    match resource_kind {
        Kind::Component => make_component(world, region, &name, missing, build),
        _ => {
            let ami = make_image(world, &known(&name), region, missing, build, long_ago());
            register(world, ami);
        }
    }
}

/// The value of a public parameter such as `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64`
/// at this time, with a version that goes up with every release.
pub fn public_parameter(world: &World, region: &str, name: &str) -> Option<(String, i64)> {
    let segment = managed::behind_parameter(name)?;
    let any: VersionPattern = "x.x.x".parse().ok()?;
    let image = latest(&world.imagebuilder, Kind::Image, region, AMAZON, &segment, &any, |image| {
        // Not one that was made because someone named its version.
        image.created != long_ago()
    })?;
    let id = image.document.get("outputResources")?.get("amis")?.get(0)?.get("image")?.as_str()?;
    Some((id.to_owned(), known(&segment).newest(world.seed, image.created)))
}

fn known(name: &str) -> Managed {
    let found = managed::all().into_iter().find(|managed| segment(&managed.name) == name);
    found.unwrap_or_else(|| managed::guessed(name))
}

/// All managed images' names with the Regions that have them.
fn names(world: &World) -> BTreeMap<String, BTreeSet<String>> {
    let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let store = &world.imagebuilder;
    let managed = store.regions(Kind::Image).flat_map(|region| store.owned(Kind::Image, region, AMAZON));
    for resource in managed {
        names.entry(resource.segment.clone()).or_default().insert(resource.region.clone());
    }
    names
}

fn register(world: &mut World, amis: impl IntoIterator<Item = ec2::Image>) {
    for ami in amis {
        world.post(world.now, world::Event::Ec2(ec2::Event::Register(Box::new(ami))));
    }
}

fn post_next(world: &mut World) {
    let next_of = |name: &String| {
        let managed = known(name);
        managed.release(world.seed, managed.newest(world.seed, world.now) + 1)
    };
    let Some(next) = names(world).keys().map(next_of).min() else { return };
    if world.imagebuilder.next_release != Some(next) {
        world.imagebuilder.next_release = Some(next);
        world.post(next, world::Event::ImageBuilder(Event::ManagedRelease));
    }
}

fn warn(world: &mut World, subject: &str, detail: &str) {
    if world.imagebuilder.warned.insert(subject.to_owned()) {
        world.record(journal::Kind::Warning, subject, None, detail);
    }
}
