//! What is found in an image: its packages and their vulnerabilities.
//!
//! None of it is kept: packages follow from what the image is made of, and findings from the packages. All
//! vulnerabilities are invented, with IDs of the year 2099.

mod aggregate;
mod catalogue;
mod finding;
mod findings;
mod lineage;
mod packages;
mod scan;
mod sources;
mod system;
#[cfg(test)]
mod tests;

pub(super) use aggregate::list_image_scan_finding_aggregations;
pub(super) use findings::list_image_scan_findings;
pub(super) use packages::list_image_packages;
pub(super) use scan::{abandon, begin, check, follow, is_collected, on_progress, refusal};

use super::store::Resource;
use crate::world::World;
use lineage::Lineage;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ops::AddAssign;

/// What is kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Store {
    /// What a build's parent brings along, by Region and parent: parents may be deleted before their children.
    /// Amazon's images aren't here, for their ARNs say it.
    parents: BTreeMap<String, Lineage>,
}

/// How many findings there are, in all and of those severities that the service counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SeverityCounts {
    /// Of every severity.
    pub(crate) all: u64,
    /// `CRITICAL`
    pub(crate) critical: u64,
    /// `HIGH`
    pub(crate) high: u64,
    /// `MEDIUM`
    pub(crate) medium: u64,
}

impl SeverityCounts {
    fn add(&mut self, severity: &str) {
        self.all += 1;
        match severity {
            "CRITICAL" => self.critical += 1,
            "HIGH" => self.high += 1,
            "MEDIUM" => self.medium += 1,
            _ => {}
        }
    }

    /// As the API and the event have them.
    fn to_value(self) -> Value {
        json!({"all": self.all, "critical": self.critical, "high": self.high, "medium": self.medium})
    }
}

impl AddAssign for SeverityCounts {
    fn add_assign(&mut self, other: Self) {
        self.all += other.all;
        self.critical += other.critical;
        self.high += other.high;
        self.medium += other.medium;
    }
}

/// The findings of an image's scan, counted; none without a scan that is completed.
pub(crate) fn severity_counts(world: &World, image: &Resource) -> SeverityCounts {
    let mut counts = SeverityCounts::default();
    if scan::is_completed(image) {
        finding::of(world, image).iter().for_each(|finding| counts.add(finding.severity()));
    }
    counts
}
