//! What a build leaves behind, by Region and account: AMIs with what is done for them, or container images.

mod ami;
mod container;
mod failure;
mod follow_up;
mod name;
mod reach;
#[cfg(test)]
mod tests;

pub(super) use ami::{Base, Draft, default_name, drawn, id as ami_id, own_tags};
pub use follow_up::Export;

use super::failure::Failure;
use super::store::Resource;
use crate::ec2;
use crate::journal::Kind;
use crate::world::{Event, World};
use follow_up::{Step, Work};
use reach::Target;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What is kept of outputs beside the images' documents.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Store {
    /// By image ARN: the disk images that were exported to S3.
    pub exports: BTreeMap<String, Vec<Export>>,
}

/// An image's distribution as it would go now.
struct Distribution {
    /// What can be reached, in the order of the configuration.
    reached: Vec<Target>,
    /// What can't, and why.
    unreached: Vec<(Target, String)>,
    amis: Vec<ec2::Image>,
    steps: Vec<Step>,
}

impl Distribution {
    fn of(world: &World, image: &Resource) -> Self {
        let (mut reached, mut unreached) = (Vec::new(), Vec::new());
        let container = image.text("type") == Some("DOCKER");
        let base = if container { Ok(None) } else { Base::of(world, image).map(Some) };
        for target in reach::targets(image) {
            match reach::problem(&target).or_else(|| base.as_ref().err().cloned()) {
                Some(problem) => unreached.push((target, problem)),
                None => reached.push(target),
            }
        }
        let base = base.ok().flatten();
        let amis: Vec<_> = base
            .iter()
            .flat_map(|base| reached.iter().map(|target| ami::of_target(world, image, base, target)))
            .collect();
        let steps = if container { Vec::new() } else { follow_up::steps(world, image, &amis) };
        Self { reached, unreached, amis, steps }
    }
}

/// DISTRIBUTING ends: what can be delivered is, and what can't fails the build, which keeps the rest. A build
/// that fails here for another reason delivers nothing.
pub(crate) fn deliver(world: &mut World, image_arn: &str) {
    let Some(image) = world.imagebuilder.get(image_arn).cloned() else { return };
    let ends = |failure: &Failure| failure.status == image.status();
    if world.imagebuilder.builds.get(image_arn).is_none_or(|build| build.failure.as_deref().is_some_and(ends)) {
        return;
    }
    let distribution = Distribution::of(world, &image);
    let failure = failure::of(world, &image, &distribution);
    let resources = if image.text("type") == Some("DOCKER") {
        json!({"amis": [], "containers": container::images(&image, &distribution.reached)})
    } else {
        json!({"amis": listing(&distribution.amis)})
    };
    register(world, distribution.amis);
    if !failure.as_ref().is_some_and(ends) {
        for step in distribution.steps {
            follow_up(world, &image, step);
        }
    }
    if let (Some(build), Some(failure)) = (world.imagebuilder.builds.get_mut(image_arn), failure) {
        build.failure = Some(Box::new(failure));
    }
    if let Some(image) = world.imagebuilder.get_mut(image_arn) {
        image.document.insert("outputResources", resources);
    }
}

/// Makes the AMIs that aren't there yet; those of an earlier try are.
pub(super) fn register(world: &mut World, amis: Vec<ec2::Image>) {
    for ami in amis {
        if !world.ec2.images.contains_key(&(ami.region.clone(), ami.id.clone())) {
            world.post(world.now, Event::Ec2(ec2::Event::Register(Box::new(ami))));
        }
    }
}

/// Does a step of what follows the AMIs, seconds after them.
fn follow_up(world: &mut World, image: &Resource, step: Step) {
    let Step { region, account, name, subject, work } = step;
    match work {
        Ok(Work::Post(event)) => {
            let key = ["follow up", image.arn.as_str(), &region, &account, name, &subject];
            let at = world.now + world.span_millis(&key, 1_000, 8_000);
            world.post(at, *event);
        }
        Ok(Work::Export(export)) => {
            let exports = world.imagebuilder.outputs.exports.entry(image.arn.clone()).or_default();
            if exports.iter().any(|known| known.key == export.key) {
                return;
            }
            let detail = format!("{} exported to s3://{}/{}", export.image_id, export.bucket, export.key);
            exports.push(export);
            world.record(Kind::Exported, super::build::subject(image), Some(&region), detail);
        }
        // The failure of the build says why.
        Err(_) => {}
    }
}

/// `outputResources.amis` of these AMIs.
pub(crate) fn listing(amis: &[ec2::Image]) -> Value {
    let entry = |ami: &ec2::Image| {
        let mut entry = json!({"region": ami.region, "image": ami.id, "name": ami.name});
        if let Some(description) = &ami.description {
            entry["description"] = description.as_str().into();
        }
        entry["accountId"] = ami.owner.as_str().into();
        entry
    };
    amis.iter().map(entry).collect()
}

/// The strings of a list; none of what is no list.
fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
