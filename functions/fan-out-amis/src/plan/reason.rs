//! Why something is done or not, in words.

use serde::{Serialize, Serializer};
use shared::arn::ImageBuildArn;
use shared::image::{Kind, Status};
use std::fmt;

/// Why something is done or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The build belongs to another account or partition than the function.
    Foreign,
    /// Image Builder doesn't know the build.
    Gone,
    /// The build isn't AVAILABLE, with the service's own reason.
    NotAvailable(Status, Option<String>),
    /// The build is made of nothing that is published.
    NothingMade(Kind),
    /// No build of the family is AVAILABLE.
    NoBuild,
    /// No build of the family is published here.
    First,
    /// A build that is older is published here.
    Newer(ImageBuildArn),
    /// An older build was written after the newest one.
    Buried(ImageBuildArn),
    /// Somebody else wrote the newest version, this one.
    ByHand(i64),
    /// The newest version, this one, doesn't hold what its build made.
    Changed(i64),
    /// The build stands published here, as this version.
    Published(i64),
    /// The build stands published here, and a label that says which build it is or remembers something is missing.
    Unlabelled(i64),
    /// A newer build is published here.
    Older(ImageBuildArn),
    /// What is published here couldn't be read.
    Unread,
    /// Every place carries the build, or will, and it wasn't announced.
    Unannounced,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str("the image belongs to another account than the function"),
            Self::Gone => f.write_str("Image Builder doesn't know the image"),
            Self::NotAvailable(status, None) => write!(f, "the image is {status}"),
            Self::NotAvailable(status, Some(reason)) => write!(f, "the image is {status}: {reason}"),
            Self::NothingMade(kind) => write!(f, "an image of type {kind} has nothing to publish"),
            Self::NoBuild => f.write_str("no build of the family is AVAILABLE"),
            Self::First => f.write_str("no build of the family is published here"),
            Self::Newer(older) => write!(f, "newer than the published {older}"),
            Self::Buried(older) => write!(f, "the newest build has to stand last, not {older}"),
            Self::ByHand(version) => write!(f, "somebody else wrote version {version}"),
            Self::Changed(version) => write!(f, "version {version} doesn't hold what its build made"),
            Self::Published(version) => write!(f, "already published as version {version}"),
            Self::Unlabelled(version) => write!(f, "published as version {version}, which lacks a label"),
            Self::Older(newest) => write!(f, "older than the published {newest}"),
            Self::Unread => f.write_str("what is published here couldn't be read"),
            Self::Unannounced => f.write_str("every place carries the build, and it wasn't announced yet"),
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
