//! Amazon's managed workflows, the same in every Region.
//!
//! Sources: the step executions in the service's examples, the names in "Use managed workflows for your images" of
//! the EC2 Image Builder user guide.

use super::super::naming;
use super::super::store::Kind;
use super::super::supply::{AMAZON, long_ago};
use super::document::{self, Document};
use crate::clock::iso_millis;
use serde_json::{Value, json};
use shared::arn::VersionedArn;
use shared::version::Version;
use std::sync::LazyLock;

/// Name, kind, the highest patch of version 1.0 (each has one build), the document.
const FAMILIES: [(&str, &str, u32, &str); 7] = [
    ("build-container", "BUILD", 2, include_str!("managed/build-container.yaml")),
    ("build-image", "BUILD", 3, include_str!("managed/build-image.yaml")),
    ("build-image-with-update-ssm-agent", "BUILD", 0, include_str!("managed/build-image-with-update-ssm-agent.yaml")),
    ("distribute-container", "DISTRIBUTION", 0, include_str!("managed/distribute-container.yaml")),
    ("distribute-image", "DISTRIBUTION", 0, include_str!("managed/distribute-image.yaml")),
    ("test-container", "TEST", 2, include_str!("managed/test-container.yaml")),
    ("test-image", "TEST", 3, include_str!("managed/test-image.yaml")),
];

/// One version of a managed workflow.
#[derive(Debug)]
pub(super) struct Managed {
    /// `build/build-image`, as it stands in ARNs.
    pub(super) segment: String,
    /// Its version; its build is 1.
    pub(super) version: Version,
    name: &'static str,
    kind: &'static str,
    data: &'static str,
    /// What the document says.
    pub(super) read: Document,
}

static ALL: LazyLock<Vec<Managed>> = LazyLock::new(|| {
    let versions = |(name, kind, patches, data): (&'static str, &'static str, u32, &'static str)| {
        (0..=patches).map(move |patch| Managed {
            segment: format!("{}/{name}", kind.to_lowercase()),
            version: Version { major: 1, minor: 0, patch },
            name,
            kind,
            data,
            read: document::read(kind, data).expect("a managed workflow's document is right"),
        })
    };
    FAMILIES.into_iter().flat_map(versions).collect()
});

/// All of them, older versions first.
pub(super) fn all() -> &'static [Managed] {
    &ALL
}

/// The newest one that an ARN selects.
pub(super) fn select(wanted: &VersionedArn) -> Option<&'static Managed> {
    let named = all().iter().filter(|managed| managed.segment == wanted.name);
    let built = wanted.build.is_none_or(|build| build == 1);
    named.filter(|managed| built && wanted.version.matches(managed.version)).max_by_key(|managed| managed.version)
}

/// The newest one that AMIs go through when nobody names another. `kind`: `BUILD`, `TEST` or `DISTRIBUTION`.
pub(super) fn default(kind: &str) -> Option<&'static Managed> {
    let name = match kind {
        "BUILD" => "build-image",
        "TEST" => "test-image",
        _ => "distribute-image",
    };
    all().iter().filter(|managed| managed.name == name).max_by_key(|managed| managed.version)
}

impl Managed {
    /// The ARN of its build in a Region.
    pub(super) fn arn(&self, region: &str) -> String {
        format!("{}/{}/1", naming::arn(Kind::Workflow, region, AMAZON, &self.segment), self.version)
    }

    /// What GetWorkflow answers.
    pub(super) fn document(&self, region: &str) -> Value {
        json!({
            "arn": self.arn(region),
            "name": self.name,
            "version": self.version.to_string(),
            "description": self.data.lines().find_map(|line| line.strip_prefix("description: ")),
            "type": self.kind,
            "owner": "Amazon",
            "data": self.data,
            "dateCreated": iso_millis(long_ago()),
            "tags": {},
        })
    }
}
