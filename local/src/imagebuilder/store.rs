//! What Image Builder keeps: every resource as the document that its Get operation answers.

use super::failure::Failure;
use super::members::Members;
use super::resources::Resources;
use super::tokens::Tokens;
use super::{analysis, arrival, execution, lifecycle, outputs, phases, policy, recipe};
use crate::clock::Time;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::version::{Version, VersionPattern};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The kinds of resources, by their segment in ARNs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// `component/name/1.0.0/1`
    Component,
    /// `image-recipe/name/1.0.0`
    ImageRecipe,
    /// `container-recipe/name/1.0.0`
    ContainerRecipe,
    /// `infrastructure-configuration/name`
    InfrastructureConfiguration,
    /// `distribution-configuration/name`
    DistributionConfiguration,
    /// `image-pipeline/name`
    Pipeline,
    /// `image/name/1.0.0/1`
    Image,
    /// `workflow/build/name/1.0.0/1`: its segment has the type before the name, `build/name`.
    Workflow,
    /// `lifecycle-policy/name`
    LifecyclePolicy,
}

impl Kind {
    /// The segment in ARNs.
    pub fn segment(self) -> &'static str {
        match self {
            Self::Component => "component",
            Self::ImageRecipe => "image-recipe",
            Self::ContainerRecipe => "container-recipe",
            Self::InfrastructureConfiguration => "infrastructure-configuration",
            Self::DistributionConfiguration => "distribution-configuration",
            Self::Pipeline => "image-pipeline",
            Self::Image => "image",
            Self::Workflow => "workflow",
            Self::LifecyclePolicy => "lifecycle-policy",
        }
    }
}

/// One resource.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Resource {
    /// What it is.
    pub kind: Kind,
    /// Its full ARN, the build included for components and images. Managed ones have the owner `aws`.
    pub arn: String,
    /// The Region that it lives in.
    pub region: String,
    /// The owner's segment in the ARN: 12 digits, or `aws`.
    pub owner: String,
    /// The name as it stands in ARNs.
    pub segment: String,
    /// For versioned kinds.
    pub version: Option<Version>,
    /// For components and images.
    pub build: Option<u32>,
    /// Counts up as resources are made: the order of listings.
    pub made: u64,
    /// When it was made.
    pub created: Time,
    /// The document that the Get operation answers: `image` of GetImage, `component` of GetComponent, …
    /// Members without value are absent, never null. `tags` is always there.
    pub document: Members,
}

impl Resource {
    /// A member of the document that is a string.
    pub fn text(&self, member: &str) -> Option<&str> {
        self.document.get(member)?.as_str()
    }

    /// Whether an account made it: neither Amazon nor a seller on AWS Marketplace.
    pub fn is_of_an_account(&self) -> bool {
        self.owner.bytes().all(|byte| byte.is_ascii_digit())
    }

    /// For images: the status, such as `AVAILABLE`.
    pub fn status(&self) -> &str {
        self.document.get("state").and_then(|state| state.get("status")).and_then(Value::as_str).unwrap_or_default()
    }
}

/// What else is known of a pipeline than its document.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PipelineState {
    /// Goes up with every change of the schedule: what was posted for an older one is void.
    pub generation: u64,
    /// The newest of its builds.
    pub last_build: Option<LastBuild>,
}

/// A pipeline's newest build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastBuild {
    /// The image build version, which may be deleted since.
    pub arn: String,
    /// The resource's number: builds have higher ones the later they began.
    pub made: u64,
}

/// What else is known of a build than its document.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct BuildState {
    /// The statuses that are still to come, the next one first.
    pub ahead: Vec<String>,
    /// Why it will fail at the end of a status, if it will.
    pub failure: Option<Box<Failure>>,
    /// The account that the build belongs to.
    pub account: String,
    /// Where the notification goes: the topic of the infrastructure configuration, as of the build's start.
    pub topic_arn: Option<String>,
    /// When the current status ends, if that is known.
    pub until: Option<Time>,
    /// The number of the plan: which workflows it runs.
    pub(super) plan: u64,
    /// The runs of its workflows, oldest first.
    pub(super) runs: Vec<execution::Run>,
}

/// Everything that Image Builder keeps, of all accounts and Regions.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Store {
    pub(super) resources: Resources,
    /// By pipeline ARN.
    pub pipelines: BTreeMap<String, PipelineState>,
    /// By image ARN: builds in flight, and the ended ones' remains.
    pub builds: BTreeMap<String, Box<BuildState>>,
    /// What is known of recipes beside their documents.
    pub recipes: recipe::Store,
    /// The resource policies.
    pub policies: policy::Store,
    /// Executions of workflows by builds.
    pub executions: execution::Store,
    /// Where the images come from that no recipe makes.
    pub arrivals: arrival::Store,
    /// What builds left behind beside what their documents say.
    pub outputs: outputs::Store,
    /// What images have from their parents.
    pub analysis: analysis::Store,
    /// Executions of lifecycle actions.
    pub lifecycle: lifecycle::Store,
    /// The answers of calls with a client token.
    pub tokens: Tokens,
    /// When the next managed image is released.
    pub next_release: Option<Time>,
    /// The managed names that the catalogue lacked and a warning was given for.
    pub warned: BTreeSet<String>,
}

impl Store {
    /// Keeps a resource, in the place of one with the same ARN.
    pub fn put(&mut self, resource: Resource) {
        self.resources.put(resource);
    }

    /// A resource by its full ARN.
    pub fn get(&self, arn: &str) -> Option<&Resource> {
        self.resources.get(arn)
    }

    /// A resource by its full ARN, to change its document. What it is and where can't be changed.
    pub fn get_mut(&mut self, arn: &str) -> Option<&mut Resource> {
        self.resources.get_mut(arn)
    }

    /// Takes a resource away.
    pub fn remove(&mut self, arn: &str) -> Option<Arc<Resource>> {
        self.policies.forget(arn);
        self.resources.remove(arn)
    }

    /// A resource won't change for long: its document takes as little room as it can.
    pub fn rest(&mut self, arn: &str) {
        self.resources.rest(arn);
    }

    /// Whether a build is over: available, failed, cancelled or gone.
    pub fn has_ended(&self, image_arn: &str) -> bool {
        self.get(image_arn).is_none_or(|image| !phases::in_progress(image.status()))
    }

    /// All resources, by ARN.
    pub fn all(&self) -> impl Iterator<Item = &Resource> {
        self.resources.starting_with("", None)
    }

    /// The resources whose ARNs begin with a prefix, by ARN, those behind `after` alone if it is given. Versions
    /// of a name lie side by side.
    pub fn starting_with<'a>(
        &'a self,
        prefix: &str,
        after: Option<&str>,
    ) -> impl DoubleEndedIterator<Item = &'a Resource> + use<'a> {
        self.resources.starting_with(prefix, after)
    }

    /// The resources of a kind in a Region that an owner made, oldest first. `owner`: 12 digits or `aws`.
    pub fn owned<'a>(
        &'a self,
        kind: Kind,
        region: &str,
        owner: &str,
    ) -> impl DoubleEndedIterator<Item = &'a Resource> + use<'a> {
        self.resources.owned(kind, region, owner)
    }

    /// The Regions that ever had a resource of a kind.
    pub fn regions(&self, kind: Kind) -> impl Iterator<Item = &str> {
        self.resources.regions(kind)
    }

    /// All resources of a kind in a Region, oldest first. `owner`: 12 digits or `aws`; `None` for all owners.
    pub fn of_kind(&self, kind: Kind, region: &str, owner: Option<&str>) -> Vec<&Resource> {
        match owner {
            Some(owner) => self.owned(kind, region, owner).collect(),
            None => self.resources.of_all_owners(kind, region),
        }
    }
}

/// The highest version that a pattern selects, and its highest build, among the resources of a name that pass `filter`.
pub fn latest<'a>(
    store: &'a Store,
    kind: Kind,
    region: &str,
    owner: &str,
    segment: &str,
    pattern: &VersionPattern,
    filter: impl Fn(&Resource) -> bool,
) -> Option<&'a Resource> {
    // What comes behind an exact version narrows the search to its builds.
    let version = pattern.exact().map(|version| version.to_string()).unwrap_or_default();
    let prefix = format!("arn:aws:imagebuilder:{region}:{owner}:{}/{segment}/{version}", kind.segment());
    let named = store.starting_with(&prefix, None);
    named
        .filter(|resource| resource.version.is_some_and(|version| pattern.matches(version)) && filter(resource))
        .max_by_key(|resource| (resource.version, resource.build))
}
