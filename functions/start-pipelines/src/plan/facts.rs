//! What has to be known to decide, as it was read: nothing here is concluded yet.

use crate::inputs::Inputs;
use serde::Deserialize;
use shared::arn::{ImageBuildArn, VersionedArn};
use shared::image::Status;
use std::collections::BTreeMap;

/// What has to be known to decide. What a map has no key for counts as unread.
#[derive(Debug, Clone)]
pub struct Facts {
    /// What the invocation is about.
    pub cause: Cause,
    /// The event's own time, RFC 3339.
    pub now: String,
    /// Every pipeline of the account in the Region, whatever the cause, in any order.
    pub pipelines: Vec<Pipeline>,
    /// By ARN as pipelines have it, wildcard or not.
    pub recipes: BTreeMap<String, Known<Recipe>>,
    /// By reference as recipes have it: an image or a component by its ARN, wildcard or not, or `ssm:` and a
    /// parameter. AMI IDs and whatever else a parent may be stand for themselves and need no entry.
    pub resolved: BTreeMap<String, Known<Resolved>>,
    /// The builds of the account by the AMIs that they made in the Region, those of the build that caused the
    /// invocation included.
    pub amis: BTreeMap<String, ImageBuildArn>,
    /// By pipeline ARN: its builds, the one created last first, at least down to the last AVAILABLE one.
    pub builds: BTreeMap<String, Known<Vec<Build>>>,
}

/// What the invocation is about. It only says where to look: a pipeline is started for what Image Builder says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// A build became AVAILABLE.
    Build(ImageBuildArn),
    /// Somebody says that a base image was updated.
    BaseImage(BaseImage),
    /// A schedule, the sweep, or a command by hand.
    Schedule {
        /// Which pipelines.
        select: Select,
        /// Whether they have to have a reason of their own.
        mode: Mode,
    },
}

/// Which base image was updated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BaseImage {
    /// The AMIs of Amazon Linux 2.
    AmazonLinux2,
    /// The AMIs of Amazon Linux 2023.
    AmazonLinux2023,
    /// The AMIs of Windows.
    Windows,
    /// The AMIs for Amazon ECS.
    EcsOptimized,
    /// What a parameter holds.
    Parameter(String),
}

/// Which pipelines a schedule is about: those that every given member selects, all of them if none is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Select {
    /// Tags that the pipeline has to have, each with this value.
    pub tags: BTreeMap<String, String>,
    /// Names, one of which has to be the pipeline's. `*` stands for any characters.
    pub names: Vec<String>,
    /// ARNs, one of which has to be the pipeline's.
    pub arns: Vec<String>,
}

/// Whether a schedule's pipelines have to have a reason of their own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Only what would be made of something else than last time is started.
    #[default]
    IfChanged,
    /// The schedule is reason enough.
    Always,
}

/// A pipeline as Image Builder knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// `arn:…:image-pipeline/…`
    pub arn: String,
    /// Its name, as it was given.
    pub name: String,
    /// The image or container recipe's ARN, perhaps with wildcards.
    pub recipe: String,
    /// Whether its status is ENABLED.
    pub enabled: bool,
    /// Scheduled builds that failed in a row.
    pub consecutive_failures: u32,
    /// How many of them disable it; none without a schedule or such a policy.
    pub failure_count: Option<u32>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// An image or container recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// Without wildcards. Its name and version are those of the images that are built from it.
    pub arn: VersionedArn,
    /// `parentImage` as the recipe has it.
    pub parent: String,
    /// `componentArn` of each component as the recipe has it, in the recipe's order.
    pub components: Vec<String>,
}

/// What a reference stands for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The ARN of an image's or component's build version, or an AMI ID.
    pub to: String,
    /// Whether it is deprecated and stands for it all the same.
    pub deprecated: bool,
}

/// A build of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// Which.
    pub arn: ImageBuildArn,
    /// How far it came.
    pub status: Status,
    /// What it is made of, as the build's own document says. Not asked for while it is in flight.
    pub inputs: Known<Inputs>,
}

/// What is known of something that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known<T> {
    /// It is there.
    Is(T),
    /// The service says that there is none that can be used, and perhaps why.
    Gone(String),
    /// It couldn't be read, with the error. What depends on it is left alone.
    Unread(String),
}

impl Cause {
    /// The sweep: everything, if it changed.
    pub fn sweep() -> Self {
        Self::Schedule { select: Select::default(), mode: Mode::IfChanged }
    }
}

impl Build {
    /// Whether it hasn't ended.
    pub fn in_flight(&self) -> bool {
        self.status.is_in_flight()
    }
}

impl Facts {
    pub(crate) fn recipe(&self, pipeline: &Pipeline) -> Option<&Recipe> {
        match self.recipes.get(&pipeline.recipe)? {
            Known::Is(recipe) => Some(recipe),
            Known::Gone(_) | Known::Unread(_) => None,
        }
    }

    /// What a reference stands for, if that is known.
    pub(crate) fn stands_for<'a>(&'a self, reference: &'a str) -> Option<&'a str> {
        match self.resolved.get(reference) {
            Some(Known::Is(resolved)) => Some(&resolved.to),
            Some(Known::Gone(_) | Known::Unread(_)) => None,
            None => reference.starts_with("ami-").then_some(reference),
        }
    }
}
