//! Why an image is kept, or taken a step further or back: each reason has a name for machines and a sentence for people.

use super::facts::At;
use chrono::{DateTime, Utc};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use shared::age::Age;
use shared::arn::ImageBuildArn;
use shared::image::Status;
use std::fmt;

/// Why something is done with an image, or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// It hasn't ended.
    InFlight(String),
    /// Its record says that it is deleted.
    Deleted,
    /// Its family isn't retired.
    Never,
    /// One of the newest AVAILABLE builds.
    Newest {
        /// So many are kept.
        keep: usize,
    },
    /// An older build is published where it has an AMI.
    NotSuperseded(At),
    /// Nothing is published where it has AMIs.
    Unpublished,
    /// The policy's time hasn't come.
    Younger {
        /// Which of its times.
        after: Age,
        /// What it is counted from.
        since: Since,
    },
    /// Published now.
    Published(At),
    /// Published until the newest build was.
    Previous(At),
    /// Published under a label that is a channel.
    Channel {
        /// The label.
        label: String,
        /// Where.
        at: At,
    },
    /// A pipeline's recipe stands on it.
    ParentOfPipeline(String),
    /// A kept image is made of it.
    ParentOfImage(ImageBuildArn),
    /// Somebody wants it kept: the tag is on the image, or on this AMI.
    KeepTag(Option<String>),
    /// Something refers to the AMI.
    InUse {
        /// The AMI.
        ami: String,
        /// What, in EC2's words.
        by: String,
    },
    /// Another account uses the AMI.
    UsedBy {
        /// The AMI.
        ami: String,
        /// The account.
        account: String,
    },
    /// It was launched lately.
    Launched {
        /// The AMI.
        ami: String,
        /// When.
        at: DateTime<Utc>,
        /// So many days count as lately.
        days: u16,
    },
    /// Everybody may launch the AMI: whether anybody does can't be read.
    Public(String),
    /// The AMI is or was shared, and there is no report of its use elsewhere that is younger than a day.
    NoUsageReport {
        /// The AMI.
        ami: String,
        /// What there is instead.
        found: String,
    },
    /// The AMI of the record isn't there.
    AmiGone(String),
    /// The AMI lacks the tag that Image Builder gives those that it makes.
    Outside(String),
    /// The AMI is protected against deregistration.
    Protected(String),
    /// The record and the AMI disagree.
    Disagree {
        /// The AMI.
        ami: String,
        /// In what.
        about: String,
    },
    /// Whether a container image is in use can't be read; Image Builder deletes it, or leaves it.
    Container,
    /// Somebody else deprecated or disabled it.
    ByOthers(String),
    /// An earlier step hasn't ended.
    UnderWay(String),
    /// More launch permissions than fit in the image's tags: they couldn't be put back.
    TooManyShares,
    /// A fact is missing.
    Missing(String),
    /// Superseded for long enough: the time for a step has come.
    Due {
        /// Which of its times.
        after: Age,
        /// What it was counted from.
        since: Since,
    },
    /// What a step left behind is cleared away.
    Unfinished,
}

/// What a time is counted from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "since", content = "at", rename_all = "camelCase")]
pub enum Since {
    /// A newer build was published.
    Superseded(DateTime<Utc>),
    /// Its deprecation.
    Deprecated(DateTime<Utc>),
    /// It was disabled.
    Disabled(DateTime<Utc>),
    /// It was created, and then failed or was cancelled.
    Created(DateTime<Utc>),
}

/// How a reason weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weight {
    /// The image stays as it is: nothing is taken further, and nothing back.
    Holds,
    /// The image has to be there: it is taken back if it was deprecated or disabled.
    Claims,
}

impl Reason {
    /// Its name: what reasons are counted by.
    pub fn name(&self) -> &'static str {
        match self {
            Self::InFlight(_) => "in-flight",
            Self::Deleted => "deleted",
            Self::Never => "never",
            Self::Newest { .. } => "newest",
            Self::NotSuperseded(_) => "not-superseded",
            Self::Unpublished => "unpublished",
            Self::Younger { .. } => "younger",
            Self::Published(_) => "published",
            Self::Previous(_) => "previous",
            Self::Channel { .. } => "channel",
            Self::ParentOfPipeline(_) => "parent-of-pipeline",
            Self::ParentOfImage(_) => "parent-of-image",
            Self::KeepTag(_) => "keep-image",
            Self::InUse { .. } | Self::UsedBy { .. } => "in-use",
            Self::Launched { .. } => "launched",
            Self::Public(_) => "public",
            Self::NoUsageReport { .. } => "no-usage-report",
            Self::AmiGone(_) => "ami-gone",
            Self::Outside(_) => "outside",
            Self::Protected(_) => "protected",
            Self::Disagree { .. } => "disagree",
            Self::Container => "container",
            Self::ByOthers(_) => "by-others",
            Self::UnderWay(_) => "under-way",
            Self::TooManyShares => "too-many-shares",
            Self::Missing(_) => "missing",
            Self::Due { .. } => "due",
            Self::Unfinished => "unfinished",
        }
    }

    /// Whether the image has to be there for it, or only stays as it is.
    pub(crate) fn weight(&self) -> Weight {
        match self {
            Self::Never
            | Self::Newest { .. }
            | Self::NotSuperseded(_)
            | Self::Younger { since: Since::Superseded(_), .. }
            | Self::Published(_)
            | Self::Previous(_)
            | Self::Channel { .. }
            | Self::ParentOfPipeline(_)
            | Self::ParentOfImage(_)
            | Self::KeepTag(_)
            | Self::InUse { .. }
            | Self::UsedBy { .. }
            | Self::Launched { .. } => Weight::Claims,
            Self::InFlight(_)
            | Self::Deleted
            | Self::Unpublished
            | Self::Younger { .. }
            | Self::Public(_)
            | Self::NoUsageReport { .. }
            | Self::AmiGone(_)
            | Self::Outside(_)
            | Self::Protected(_)
            | Self::Disagree { .. }
            | Self::Container
            | Self::ByOthers(_)
            | Self::UnderWay(_)
            | Self::TooManyShares
            | Self::Missing(_)
            | Self::Due { .. }
            | Self::Unfinished => Weight::Holds,
        }
    }

    /// Whether a person should know: something was changed outside, or can't be finished without one.
    pub fn is_odd(&self) -> bool {
        matches!(
            self,
            Self::AmiGone(_)
                | Self::Outside(_)
                | Self::Protected(_)
                | Self::Disagree { .. }
                | Self::ByOthers(_)
                | Self::TooManyShares
        )
    }
}

impl Since {
    /// When that was.
    pub fn time(&self) -> DateTime<Utc> {
        match self {
            Self::Superseded(at) | Self::Deprecated(at) | Self::Disabled(at) | Self::Created(at) => *at,
        }
    }
}

impl fmt::Display for Since {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Superseded(at) => write!(f, "a newer build was published on {}", at.format("%F")),
            Self::Deprecated(at) => write!(f, "it was deprecated on {}", at.format("%F")),
            Self::Disabled(at) => write!(f, "it was disabled on {}", at.format("%F")),
            Self::Created(at) => write!(f, "it was created on {}", at.format("%F")),
        }
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of account {}", self.region, self.account)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InFlight(status) => write!(f, "it hasn't ended: {status}"),
            Self::Deleted => write!(f, "it is {}", Status::Deleted),
            Self::Never => f.write_str("its family is never retired: goldsmith:retire=never"),
            Self::Newest { keep: 1 } => f.write_str("the newest build that is AVAILABLE"),
            Self::Newest { keep } => write!(f, "one of the newest {keep} builds that are AVAILABLE"),
            Self::NotSuperseded(at) => write!(f, "an older build is published in {at}"),
            Self::Unpublished => f.write_str("no build of its family is published where it has AMIs"),
            Self::Younger { after, since } => write!(f, "{since}: the policy waits {after}"),
            Self::Published(at) => write!(f, "it is published in {at}"),
            Self::Previous(at) => write!(f, "it was published in {at} until the newest build was"),
            Self::Channel { label, at } => write!(f, "the channel {label} is on it in {at}"),
            Self::ParentOfPipeline(pipeline) => write!(f, "the recipe of {pipeline} stands on it"),
            Self::ParentOfImage(image) => write!(f, "{image}, which is kept, is made of it"),
            Self::KeepTag(None) => f.write_str("the image is tagged goldsmith:keep-image"),
            Self::KeepTag(Some(ami)) => write!(f, "{ami} is tagged goldsmith:keep-image"),
            Self::InUse { ami, by } => write!(f, "{ami} is in use by {by}"),
            Self::UsedBy { ami, account } => write!(f, "{ami} is in use in account {account}"),
            Self::Launched { ami, at, days } => {
                write!(f, "{ami} was launched on {}, within {days} days", at.format("%F"))
            }
            Self::Public(ami) => write!(f, "{ami} is public: who uses it can't be read"),
            Self::NoUsageReport { ami, found } => {
                write!(f, "{ami} is or was shared, and its use in other accounts isn't known: {found}")
            }
            Self::AmiGone(ami) => write!(f, "{ami} isn't there, though the image's record has it"),
            Self::Outside(ami) => write!(
                f,
                "{ami} lacks the tag CreatedBy=EC2 Image Builder: it was registered outside of Image Builder, which may \
                 not touch it"
            ),
            Self::Protected(ami) => write!(f, "{ami} is protected against deregistration"),
            Self::Disagree { ami, about } => write!(f, "{ami} isn't as the image's record says: {about}"),
            Self::Container => {
                f.write_str("whether a container image is in use can't be read, and its deletion couldn't be undone")
            }
            Self::ByOthers(status) => write!(f, "it is {status}, and not by this function"),
            Self::UnderWay(execution) => write!(f, "{execution} hasn't ended"),
            Self::TooManyShares => f.write_str(
                "it is shared with more accounts and organizations than fit in its tags: they couldn't be put back",
            ),
            Self::Missing(what) => write!(f, "not known: {what}"),
            Self::Due { after, since } => write!(f, "{since}, and the policy's {after} are over"),
            Self::Unfinished => f.write_str("what an earlier step left behind is cleared away"),
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut reason = serializer.serialize_struct("Reason", 2)?;
        reason.serialize_field("name", self.name())?;
        reason.serialize_field("says", &self.to_string())?;
        reason.end()
    }
}
