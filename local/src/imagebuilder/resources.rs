//! The resources and the orders in which they are found: by ARN, and by age.

use super::members::Common;
use super::store::{Kind, Resource};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

/// All resources, each with a number that counts up as they are made.
#[derive(Debug, Clone, Default)]
pub(super) struct Resources {
    by_number: BTreeMap<u64, Arc<Resource>>,
    by_arn: BTreeMap<String, u64>,
    /// By kind, Region and owner.
    owned: BTreeMap<Kind, BTreeMap<String, BTreeMap<String, BTreeSet<u64>>>>,
    common: Common,
    made: u64,
}

impl Resources {
    /// Keeps a resource, in the place of one with the same ARN. One without a number gets the next.
    pub(super) fn put(&mut self, mut resource: Resource) {
        if resource.made == 0 {
            resource.made = self.made + 1;
        }
        self.made = self.made.max(resource.made);
        self.remove(&resource.arn);
        self.common.share(&mut resource.document);
        let of_region = self.owned.entry(resource.kind).or_default().entry(resource.region.clone()).or_default();
        of_region.entry(resource.owner.clone()).or_default().insert(resource.made);
        self.by_arn.insert(resource.arn.clone(), resource.made);
        self.by_number.insert(resource.made, Arc::new(resource));
    }

    pub(super) fn get(&self, arn: &str) -> Option<&Resource> {
        self.numbered(*self.by_arn.get(arn)?)
    }

    fn numbered(&self, number: u64) -> Option<&Resource> {
        self.by_number.get(&number).map(Arc::as_ref)
    }

    pub(super) fn get_mut(&mut self, arn: &str) -> Option<&mut Resource> {
        self.by_number.get_mut(self.by_arn.get(arn)?).map(Arc::make_mut)
    }

    /// Lets a document have what others have already.
    pub(super) fn rest(&mut self, arn: &str) {
        let resource = self.by_arn.get(arn).and_then(|number| self.by_number.get_mut(number));
        if let Some(resource) = resource {
            self.common.share(&mut Arc::make_mut(resource).document);
        }
    }

    pub(super) fn remove(&mut self, arn: &str) -> Option<Arc<Resource>> {
        let removed = self.by_number.remove(&self.by_arn.remove(arn)?)?;
        let of_region = self.owned.get_mut(&removed.kind).and_then(|regions| regions.get_mut(&removed.region));
        if let Some(numbers) = of_region.and_then(|owners| owners.get_mut(&removed.owner)) {
            numbers.remove(&removed.made);
        }
        Some(removed)
    }

    /// By ARN: those that begin with a prefix and stand behind `after`.
    pub(super) fn starting_with<'a>(
        &'a self,
        prefix: &str,
        after: Option<&str>,
    ) -> impl DoubleEndedIterator<Item = &'a Resource> + use<'a> {
        // No ARN has the character that stands behind all others.
        let end = format!("{prefix}\u{10ffff}");
        let begin = match after {
            Some(after) if after > prefix => Bound::Excluded(after.to_owned()),
            _ => Bound::Included(prefix.to_owned()),
        };
        let range = after.is_none_or(|after| *after < *end).then_some((begin, Bound::Excluded(end)));
        let found = range.into_iter().flat_map(|range| self.by_arn.range(range));
        found.filter_map(|(_, number)| self.numbered(*number))
    }

    /// Those of an owner, oldest first.
    pub(super) fn owned<'a>(
        &'a self,
        kind: Kind,
        region: &str,
        owner: &str,
    ) -> impl DoubleEndedIterator<Item = &'a Resource> + use<'a> {
        let numbers = self.owned.get(&kind).and_then(|regions| regions.get(region)?.get(owner));
        numbers.into_iter().flatten().filter_map(|number| self.numbered(*number))
    }

    /// The Regions that ever had one of a kind.
    pub(super) fn regions(&self, kind: Kind) -> impl Iterator<Item = &str> {
        self.owned.get(&kind).into_iter().flat_map(BTreeMap::keys).map(String::as_str)
    }

    /// Those of all owners, oldest first.
    pub(super) fn of_all_owners(&self, kind: Kind, region: &str) -> Vec<&Resource> {
        let owners = self.owned.get(&kind).and_then(|regions| regions.get(region));
        let numbers: BTreeSet<u64> = owners.into_iter().flat_map(BTreeMap::values).flatten().copied().collect();
        numbers.into_iter().filter_map(|number| self.numbered(number)).collect()
    }
}

/// As a list, oldest first.
impl Serialize for Resources {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.by_number.values())
    }
}

impl<'de> Deserialize<'de> for Resources {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut resources = Self::default();
        for resource in Vec::<Resource>::deserialize(deserializer)? {
            resources.put(resource);
        }
        Ok(resources)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{ACCOUNT, REGION, arn, put_image, world};
    use super::*;

    #[test]
    fn resources_are_found_by_arn_by_prefix_and_by_age() {
        let mut world = world();
        for (name, build) in [("web", 2), ("web-server", 1), ("web", 1)] {
            put_image(&mut world, name, "1.0.0", build, "AVAILABLE");
        }
        let store = &world.imagebuilder;
        let names = |found: Vec<&Resource>| -> Vec<String> { found.iter().map(|it| it.arn.clone()).collect() };
        let [one, two, server] = ["image/web/1.0.0/1", "image/web/1.0.0/2", "image/web-server/1.0.0/1"].map(arn);
        let prefix = arn("image/web/");
        assert_eq!(names(store.starting_with(&prefix, None).collect()), [one.as_str(), &two]);
        assert_eq!(names(store.starting_with(&prefix, Some(&one)).collect()), [two.as_str()]);
        assert!(store.starting_with(&prefix, Some(&arn("image/xyz"))).next().is_none());
        let aged = [two.as_str(), &server, &one];
        assert_eq!(names(store.owned(Kind::Image, REGION, ACCOUNT).collect()), aged);
        let text = serde_json::to_string(&store.resources).unwrap();
        let back: Resources = serde_json::from_str(&text).unwrap();
        assert_eq!(names(back.owned(Kind::Image, REGION, ACCOUNT).collect()), aged);
        world.imagebuilder.remove(&server);
        let store = &world.imagebuilder;
        assert_eq!(names(store.owned(Kind::Image, REGION, ACCOUNT).collect()), [two, one]);
        assert!(store.get(&server).is_none());
    }
}
