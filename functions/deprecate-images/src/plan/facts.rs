//! What has to be known to decide, as it was read: nothing here is concluded yet. Whatever is missing keeps an image.

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use shared::arn::ImageBuildArn;
use shared::image::{Ami, Kind, Status};
use shared::published::Published;
use std::collections::{BTreeMap, BTreeSet};

/// All that is known, for accounts that fit in memory as a whole. Others are planned family by family: see
/// [`crate::plan::Account`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// What is known of the account.
    pub account: AccountFacts,
    /// Its families, in any order.
    pub families: Vec<FamilyFacts>,
}

/// What has to be known of the account for each of its families.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountFacts {
    /// The parent of each pipeline's recipe, image and container recipes alike, DISABLED pipelines too: they can be
    /// started all the same.
    pub parents: Vec<LiveParent>,
    /// What couldn't be read and concerns every family, such as the pipelines. It keeps every image.
    pub missing: Vec<String>,
}

/// The parent that a pipeline's recipe names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveParent {
    /// The pipeline's ARN.
    pub pipeline: String,
    /// What its recipe's `parentImage` is; of `ssm:…` the AMI that the parameter holds now.
    pub parent: Parent,
}

/// What an image is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parent {
    /// Exactly this build.
    Build(ImageBuildArn),
    /// This AMI, whether it is one of Image Builder's or not.
    Ami(String),
    /// An image by its ARN without a build, or with wildcards: of a pipeline what it selects now, of a build whatever
    /// it selected then.
    Selects(String),
    /// Nothing that is an own image: Amazon's, Marketplace's, a container's base, a virtual machine's disks.
    Outside(String),
    /// It couldn't be read, and why. Any image may be it.
    Unknown(String),
}

/// What has to be known of a family: all versions and builds that share a name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FamilyFacts {
    /// Its name, as it stands in ARNs.
    pub family: String,
    /// The pipelines that build it, those that share its recipe's name in whatever version.
    pub pipelines: Vec<Pipeline>,
    /// Every build that Image Builder lists, of whatever status, in any order.
    pub builds: Vec<Build>,
    /// What is published under the family's parameter, for every Region and account in which a build has an AMI.
    pub places: Vec<Place>,
    /// Of the AMIs of [`crate::plan::candidates`]: what EC2 says about them. What isn't here wasn't read.
    pub amis: BTreeMap<Ami, AmiFacts>,
    /// What couldn't be read and concerns every build of the family. It keeps all of them, and images of other families
    /// too: a build that isn't listed may be made of any of them.
    pub missing: Vec<String>,
}

/// A pipeline that builds the family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// Its name.
    pub name: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// A build as Image Builder knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// Which.
    pub arn: ImageBuildArn,
    /// AMI or container.
    pub kind: Kind,
    /// How far it came, or where it is on its way out.
    pub status: Status,
    /// When it was created.
    pub created: Known<DateTime<Utc>>,
    /// Its tags.
    pub tags: Known<BTreeMap<String, String>>,
    /// What it is made of.
    pub parent: Parent,
    /// Its AMIs by the record, at most one per Region and account.
    pub amis: Known<Vec<Ami>>,
    /// Its container images, by URI.
    pub containers: Vec<String>,
    /// The lifecycle execution of this image that was started last, if there ever was one. Read for candidates only;
    /// [`Known::Unread`] for others does no harm.
    pub execution: Known<Option<Execution>>,
}

/// A lifecycle execution: what Image Builder did with the image's resources, or does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Execution {
    /// `lce-…`
    pub id: String,
    /// In Image Builder's words: IN_PROGRESS, PENDING, CANCELLING, CANCELLED, FAILED, SUCCESS.
    pub status: String,
    /// Why it failed, or whatever else the service says.
    pub reason: Option<String>,
    /// When it was started.
    pub started: Option<DateTime<Utc>>,
    /// What became of each resource.
    pub resources: Vec<ExecutionResource>,
}

/// What became of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExecutionResource {
    /// The AMI, or the image's ARN.
    pub id: String,
    /// Its Region.
    pub region: Option<String>,
    /// In Image Builder's words: AVAILABLE, DELETE, DEPRECATE, DISABLE.
    pub action: Option<String>,
    /// In Image Builder's words: FAILED, IN_PROGRESS, SKIPPED, SUCCESS.
    pub status: String,
    /// Why it failed or was skipped.
    pub reason: Option<String>,
}

/// A Region of an account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct At {
    /// The Region.
    pub region: String,
    /// The account, 12 digits.
    pub account: String,
}

/// The family's parameter somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Where.
    pub at: At,
    /// Its versions, oldest first; none if there is no such parameter.
    pub history: Known<Vec<Published>>,
}

/// What EC2 says about an AMI, asked in its own Region with its owner's credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmiFacts {
    /// DescribeImages, disabled and deprecated ones included; nothing if there is none, or it is deregistered.
    pub registered: Known<Option<Registered>>,
    /// DescribeImageReferences.
    pub references: References,
    /// Who else may launch it, by its launch permissions.
    pub shares: Known<Shares>,
    /// The newest report of its use in other accounts. Needed only if it is or was shared.
    pub usage: Usage,
}

/// A registered AMI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// In EC2's words: available, disabled, pending, …
    pub state: String,
    /// When it is or was deprecated.
    pub deprecation_time: Option<DateTime<Utc>>,
    /// When it was launched last, up to 24 hours late; none if it never was.
    pub last_launched: Option<DateTime<Utc>>,
    /// Whether it is protected against deregistration, or still is for the protection's cooldown.
    pub protected: bool,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// What it stands on.
    pub snapshots: Vec<Snapshot>,
}

/// A snapshot of an AMI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// `snap-…`
    pub id: String,
    /// The size of the volume in GiB: the snapshot is at most as large.
    pub gib: u64,
}

/// What refers to an AMI, in its owner's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum References {
    /// Nothing, in any of these places. Its own has to be among them.
    None(BTreeSet<At>),
    /// At least these, instances that are terminated left out.
    Some(Vec<Reference>),
    /// It couldn't be read, or not in whole, and why.
    Unread(String),
}

/// What refers to an AMI.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// In EC2's words, such as `ec2:Instance`.
    pub kind: String,
    /// Its ARN.
    pub arn: String,
}

/// Who else may launch an AMI.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Shares {
    /// Accounts, 12 digits each.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub accounts: BTreeSet<String>,
    /// ARNs of organizations and organizational units.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub organizations: BTreeSet<String>,
    /// Everybody.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub public: bool,
}

/// The newest report of an AMI's use in other accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Usage {
    /// There is none.
    Absent,
    /// It is being made.
    Pending,
    /// It couldn't be made, and why.
    Failed(String),
    /// It was made at that time, for all resource types and every account.
    Read {
        /// When it was created.
        at: DateTime<Utc>,
        /// How many resources use the AMI, by account. Zero counts as unused.
        by: BTreeMap<String, u64>,
    },
    /// It couldn't be read, and why.
    Unread(String),
}

/// What is known of something that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known<T> {
    /// It is so.
    Is(T),
    /// It couldn't be read, and why.
    Unread(String),
}

impl<T> Known<T> {
    /// What is known, if it is.
    pub fn get(&self) -> Option<&T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Unread(_) => None,
        }
    }
}

impl At {
    /// Where an AMI is.
    pub fn of(ami: &Ami) -> Self {
        Self { region: ami.region.clone(), account: ami.account.clone() }
    }
}

impl Shares {
    /// Whether nobody else may launch it.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.organizations.is_empty() && !self.public
    }
}

impl Execution {
    /// Whether it hasn't ended. A status that this program doesn't know may be one on the way.
    pub fn is_under_way(&self) -> bool {
        !matches!(self.status.as_str(), "SUCCESS" | "FAILED" | "CANCELLED")
    }

    /// Whether it didn't do all that it should.
    pub fn is_odd(&self) -> bool {
        matches!(self.status.as_str(), "FAILED" | "CANCELLED") || self.resources.iter().any(ExecutionResource::is_odd)
    }
}

impl ExecutionResource {
    /// Whether nothing was done with it.
    pub fn is_odd(&self) -> bool {
        matches!(self.status.as_str(), "FAILED" | "SKIPPED")
    }
}

/// As people write it.
pub(crate) fn shown<T: std::fmt::Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}
