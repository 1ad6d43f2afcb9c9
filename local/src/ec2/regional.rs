//! What EC2 keeps by Region and ID.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Bound;

/// Things of a kind: Region → ID → thing. IDs are the keys of listings.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Regional<T>(BTreeMap<String, BTreeMap<String, T>>);

impl<T> Default for Regional<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Regional<T> {
    /// A thing of a Region.
    pub fn get(&self, region: &str, id: &str) -> Option<&T> {
        self.0.get(region)?.get(id)
    }

    pub(super) fn get_mut(&mut self, region: &str, id: &str) -> Option<&mut T> {
        self.0.get_mut(region)?.get_mut(id)
    }

    /// The things of a Region, by ID.
    pub fn of(&self, region: &str) -> impl Iterator<Item = &T> {
        self.0.get(region).into_iter().flat_map(BTreeMap::values)
    }

    /// The things of a Region with their IDs, those behind `after` alone.
    pub(super) fn behind<'a>(
        &'a self,
        region: &str,
        after: &str,
    ) -> impl Iterator<Item = (&'a str, &'a T)> + use<'a, T> {
        let from = (Bound::Excluded(after), Bound::Unbounded);
        let things = self.0.get(region).map(|things| things.range::<str, _>(from));
        things.into_iter().flatten().map(|(id, thing)| (id.as_str(), thing))
    }

    pub(super) fn insert(&mut self, region: &str, id: &str, thing: T) {
        self.0.entry(region.to_owned()).or_default().insert(id.to_owned(), thing);
    }

    pub(super) fn remove(&mut self, region: &str, id: &str) -> Option<T> {
        self.0.get_mut(region)?.remove(id)
    }
}
