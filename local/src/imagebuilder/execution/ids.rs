//! The IDs of executions and their steps. None is kept: an ID holds, scrambled, which build it belongs to and which
//! of the build's executions and steps it names.

use super::super::store::Resource;
use crate::draw::Seed;
use crate::wire::Context;
use crate::world::World;
use uuid::Uuid;

/// A build's execution, or a step of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The index of the build's run.
    pub(crate) run: u8,
    /// The index of the workflow among those of the run.
    pub(crate) workflow: u8,
    /// The index of the step in the workflow's document; `None` for the execution.
    pub(crate) step: Option<u16>,
}

impl Place {
    fn code(self) -> u64 {
        let step = self.step.map_or(0, |step| u64::from(step) + 1);
        u64::from(self.run) << 24 | u64::from(self.workflow) << 16 | step & 0xffff
    }

    fn of(code: u64) -> Self {
        let [.., run, workflow, high, low] = code.to_be_bytes();
        Self { run, workflow, step: u16::from_be_bytes([high, low]).checked_sub(1) }
    }
}

/// What stands for a build in its executions' IDs: 48 bits.
pub(crate) fn mark(seed: Seed, image_arn: &str) -> u64 {
    seed.draw(&["executions", image_arn]) >> 16
}

/// What an ID's middle hides its two ends with.
fn masks(seed: Seed, middle: u64) -> (u64, u64) {
    let middle = format!("{middle:x}");
    (seed.draw(&["execution's build", &middle]) >> 16, seed.draw(&["execution's place", &middle]) >> 32)
}

/// The UUID of an execution or step of a build.
pub(crate) fn uuid(seed: Seed, image_arn: &str, place: Place) -> String {
    let code = place.code();
    // The 48 bits between, without the six that say that the UUID is one of version 4.
    let middle = seed.draw(&["execution", image_arn, &format!("{code:x}")]) & 0x0fff_3fff_ffff;
    let (head, tail) = masks(seed, middle);
    let bits = u128::from(mark(seed, image_arn) ^ head) << 80 | u128::from(middle) << 32 | u128::from(code ^ tail);
    uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid().to_string()
}

/// The ID of an execution, `wf-…`, or of a step, `step-…`.
pub(crate) fn id(seed: Seed, image_arn: &str, place: Place) -> String {
    let kind = if place.step.is_some() { "step" } else { "wf" };
    format!("{kind}-{}", uuid(seed, image_arn, place))
}

/// The build that an ID belongs to, if the caller owns one in its Region, and what of it the ID names.
pub(super) fn find<'a>(world: &'a World, context: &Context, id: &str) -> Option<(&'a Resource, Place)> {
    let (_, uuid) = id.split_once('-')?;
    let bits = Uuid::parse_str(uuid).ok()?.as_u128();
    let middle = u64::try_from(bits >> 32 & 0x0fff_3fff_ffff).ok()?;
    let (head, tail) = masks(world.seed, middle);
    let mark = u64::try_from(bits >> 80).ok()? ^ head;
    let place = Place::of(u64::try_from(bits & 0xffff_ffff).ok()? ^ tail);
    let image = world.imagebuilder.get(world.imagebuilder.executions.images.get(&mark)?)?;
    let own = image.owner == context.account() && image.region == context.region;
    (own && self::id(world.seed, &image.arn, place) == id.to_ascii_lowercase()).then_some((image, place))
}

#[cfg(test)]
mod tests {
    use super::super::super::fixtures::*;
    use super::*;
    use std::collections::BTreeSet;

    fn world_with(names: &[&str]) -> (World, Vec<String>) {
        let mut world = world();
        let arns = names.iter().map(|name| arn(&format!("image/{name}/1.0.0/1"))).collect();
        for arn in &arns {
            let name = String::clone(arn).split('/').nth(1).unwrap().to_owned();
            put_image(&mut world, &name, "1.0.0", 1, "AVAILABLE");
            let mark = mark(world.seed, arn);
            world.imagebuilder.executions.images.insert(mark, arn.clone());
        }
        (world, arns)
    }

    #[test]
    fn an_id_leads_back_to_what_it_names() {
        let (world, arns) = world_with(&["web", "db", "cache"]);
        for arn in &arns {
            for (run, workflow, step) in [(0, 0, None), (0, 0, Some(0)), (1, 9, Some(14)), (255, 255, Some(60_000))] {
                let place = Place { run, workflow, step };
                let id = id(world.seed, arn, place);
                assert_eq!(Uuid::parse_str(id.split_once('-').unwrap().1).unwrap().get_version_num(), 4);
                let (image, found) = find(&world, &context(), &id).unwrap();
                assert_eq!((image.arn.as_str(), found), (arn.as_str(), place));
            }
        }
    }

    #[test]
    fn other_ids_lead_nowhere_and_none_is_given_twice() {
        let (world, arns) = world_with(&["web"]);
        let arn = &arns[0];
        let runs = (0..4).flat_map(|run| (0..3).map(move |workflow| (run, workflow)));
        let steps = [None, Some(0), Some(1)];
        let places = runs.flat_map(|(run, workflow)| steps.map(|step| Place { run, workflow, step }));
        let distinct: BTreeSet<_> = places.map(|place| id(world.seed, arn, place)).collect();
        assert_eq!(distinct.len(), 36);
        let id = id(world.seed, arn, Place { run: 0, workflow: 0, step: None });
        assert!(find(&world, &context(), &id.replace("wf-", "step-")).is_none());
        let strange = Uuid::from_u128(Uuid::parse_str(&id[3..]).unwrap().as_u128() ^ 1 << 90);
        assert!(find(&world, &context(), &format!("wf-{strange}")).is_none());
        let mut elsewhere = context();
        elsewhere.region = "eu-west-1".into();
        assert!(find(&world, &elsewhere, &id).is_none());
    }
}
