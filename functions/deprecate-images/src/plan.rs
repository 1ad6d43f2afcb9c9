//! What becomes of each image and why, decided from facts alone: no I/O, no clock.
//!
//! An account is read family by family. For each of them [`candidates`] says of which AMIs EC2 has to be asked, then
//! [`Account::add`] decides; [`Account::finish`] settles what depends on other families, and lets the circuit breaker
//! have its say. [`recheck`] asks once more, right before an image is disabled or deleted. [`plan`] is all of it for an
//! account that fits in memory.

mod account;
mod facts;
mod family;
mod parents;
mod proof;
mod published;
mod reason;
mod recheck;
mod record;
pub mod shares;
pub mod turns;

pub use account::Account;
pub use facts::{
    AccountFacts, AmiFacts, At, Build, Execution, ExecutionResource, Facts, FamilyFacts, Known, LiveParent, Parent,
    Pipeline, Place, Reference, References, Registered, Shares, Snapshot, Usage,
};
pub use family::{Candidate, candidates};
pub use reason::{Reason, Since};
pub use recheck::{Fresh, recheck};

use crate::settings::Settings;
use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::arn::ImageBuildArn;
use shared::image::{Ami, Status};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// What is to be done in an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The event's time.
    pub time: DateTime<Utc>,
    /// One per image, family by family, newest first. [`Account::finish`] leaves those out that [`Account::add`]
    /// answered already.
    pub decisions: Vec<Decision>,
    /// How many of what.
    pub counts: Counts,
    /// Families that were skipped as a whole, and why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub skipped: BTreeMap<String, Vec<String>>,
    /// Families that weren't got to: they are first in a later run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreached: Vec<String>,
    /// Executions of earlier runs that failed or skipped resources: the first 200 of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub follow_ups: Vec<FollowUp>,
    /// Images that a person should look at: the first 50 of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub odd: Vec<Odd>,
    /// Stands for exactly the images that are to be disabled and deleted, with their AMIs: 64 hexadecimal digits. None
    /// if there are no such images. It is the same at any time and in any order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Why none of these images is disabled or deleted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub held_back: Vec<Trip>,
}

/// What becomes of one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// The image.
    pub image: ImageBuildArn,
    /// What is done, the reasons for it, what matters most first, and what became of it.
    #[serde(flatten)]
    pub step: Step,
    /// What comes next if nothing changes, and not before when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
    /// AMIs of which a new usage report has to be asked for, so that a later run can decide.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ask: Vec<Ami>,
    /// What it was decided on.
    pub facts: Evidence,
}

/// One action with its reasons and outcome.
pub type Step = shared::plan::Step<Action, Vec<Reason>, Made>;

/// Something to do with an image. Each can be repeated, and taken up again where it stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "camelCase")]
pub enum Action {
    /// Leave it as it is.
    Keep,
    /// First write the tags on the image, then let Image Builder deprecate it and its AMIs.
    Deprecate {
        /// Tags to write.
        tags: BTreeMap<String, String>,
    },
    /// First write the tags, which hold the launch permissions that EC2 forgets, then let Image Builder disable the
    /// image and its AMIs.
    Disable {
        /// Tags to write.
        tags: BTreeMap<String, String>,
        /// Tags to remove first: more of them than are needed now.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        untag: Vec<String>,
    },
    /// Let Image Builder delete the AMIs, their snapshots, the containers and the record.
    Delete,
    /// Let Image Builder make the image and its AMIs AVAILABLE unless they are, then put the launch permissions back,
    /// then remove the tags: in this order, so that a later run can finish it.
    Restore {
        /// What the record says now.
        #[serde(serialize_with = "facts::shown")]
        from: Status,
        /// Launch permissions to add, where any are.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        shares: Vec<(Ami, Shares)>,
        /// Tags to remove.
        untag: Vec<String>,
    },
}

/// What an action brought forth.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Made {
    /// The lifecycle execution, if Image Builder does it by and by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifecycle_execution_id: Option<String>,
}

/// A step to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Next {
    /// Which.
    pub step: Stage,
    /// Not before.
    pub at: DateTime<Utc>,
}

/// The steps on the way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the actions' names")]
pub enum Stage {
    Deprecate,
    Disable,
    Delete,
}

/// What a decision was made on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// What its record says.
    #[serde(serialize_with = "facts::shown")]
    pub status: Status,
    /// When it was created, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<DateTime<Utc>>,
    /// Since when a newer build has been published wherever it has AMIs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub superseded: Option<DateTime<Utc>>,
    /// When it was deprecated by this function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<DateTime<Utc>>,
    /// When it was disabled by this function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled: Option<DateTime<Utc>>,
    /// Its AMIs by the record.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub amis: Vec<AmiEvidence>,
}

/// What a decision was made on, of one AMI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AmiEvidence {
    /// Which.
    #[serde(flatten)]
    pub ami: Ami,
    /// What EC2 says about it, if it was asked: `disabled`, or `none` if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<Cow<'static, str>>,
    /// When it was launched last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_launched: Option<DateTime<Utc>>,
    /// With how many accounts and organizations it is shared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shared: Option<usize>,
    /// How many things refer to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub references: Option<usize>,
    /// Its snapshots.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub snapshots: Vec<Snapshot>,
}

/// How many of what there are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Families that were planned.
    pub families: usize,
    /// Images that were planned.
    pub images: usize,
    /// Images by action.
    pub actions: BTreeMap<&'static str, usize>,
    /// Images by the name of their first reason.
    pub reasons: BTreeMap<&'static str, usize>,
    /// Images that a person should look at.
    pub odd: usize,
    /// Executions of earlier runs that failed or skipped resources.
    pub follow_ups: usize,
    /// At most so many GiB of snapshots go with the images that are deleted: the sizes of their volumes.
    pub freed_gib: u64,
}

/// A limit of the circuit breaker that was passed, or an approval of another plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "limit", rename_all = "camelCase")]
pub enum Trip {
    /// More images than may be disabled or deleted in one run.
    Run {
        /// So many would be.
        images: usize,
        /// So many may be.
        most: usize,
    },
    /// More images of a family than its share.
    Family {
        /// Its name.
        family: String,
        /// So many would be.
        images: usize,
        /// So many may be.
        most: usize,
        /// Of so many.
        of: usize,
    },
    /// More images of the account than its share.
    Account {
        /// So many would be.
        images: usize,
        /// So many may be.
        most: usize,
        /// Of so many.
        of: usize,
    },
    /// Another plan was approved.
    Approval {
        /// That plan's digest.
        approved: String,
    },
}

/// An image that a person should look at: it was changed outside of Image Builder, or can't be retired without help.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Odd {
    /// The image.
    pub image: ImageBuildArn,
    /// Why.
    pub reason: Reason,
}

/// An execution of an earlier run that didn't do all that it should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FollowUp {
    /// The image.
    pub image: ImageBuildArn,
    /// What became of it.
    pub execution: Execution,
}

/// What is to be done in an account that fits in memory. `approve` is the digest of the plan that may pass the circuit
/// breaker.
pub fn plan(facts: &Facts, settings: &Settings, now: DateTime<Utc>, approve: Option<&str>) -> Plan {
    let mut account = Account::new(&facts.account, settings, now);
    let mut settled = Vec::new();
    for family in &facts.families {
        settled.extend(account.add(family));
    }
    let mut plan = account.finish(approve);
    plan.decisions.append(&mut settled);
    plan.decisions.sort_by(Decision::by_family);
    plan
}

impl Action {
    /// Its name: what actions are counted by.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Deprecate { .. } => "deprecate",
            Self::Disable { .. } => "disable",
            Self::Delete => "delete",
            Self::Restore { .. } => "restore",
        }
    }

    /// Whether the circuit breaker counts it.
    pub fn is_limited(&self) -> bool {
        matches!(self, Self::Disable { .. } | Self::Delete)
    }
}

impl fmt::Display for Trip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run { images, most } => {
                write!(f, "{images} images would be disabled or deleted in one run, and at most {most} may be")
            }
            Self::Family { family, images, most, of } => {
                write!(f, "{images} of {of} images of {family} would be disabled or deleted, and at most {most} may be")
            }
            Self::Account { images, most, of } => {
                write!(f, "{images} of {of} images would be disabled or deleted, and at most {most} may be")
            }
            Self::Approval { approved } => write!(f, "another plan was approved: {approved}"),
        }
    }
}

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
