//! Why something is done or not, in words.

use super::facts::Severity;
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
    /// Somebody else wrote the newest version, this one, and wants it to stay.
    Manual(i64),
    /// The newest version holds a build of the same name from elsewhere.
    OtherFamily(ImageBuildArn),
    /// The build stands published here, as this version.
    Published(i64),
    /// This version lacks the label that says which build it holds.
    Unlabelled(i64),
    /// A newer build is published here.
    Older(ImageBuildArn),
    /// The parameter is held.
    Held {
        /// The version that carries the label.
        version: i64,
        /// Its build.
        build: Option<ImageBuildArn>,
    },
    /// The parameter is held at this build, and something else stands last.
    HeldHere(ImageBuildArn),
    /// Somebody rolls back to this build.
    RolledBack(ImageBuildArn),
    /// Somebody ends a hold.
    Released,
    /// There is no hold.
    NotHeld,
    /// The oldest version is dropped with the next one, and carries labels.
    Dropped {
        /// The version.
        version: i64,
        /// Its labels.
        labels: Vec<String>,
    },
    /// No version that is soon dropped carries a label.
    Room,
    /// A version can't be dropped for its labels, and its build can't be written again.
    Full {
        /// The version.
        version: i64,
        /// Its labels.
        labels: Vec<String>,
    },
    /// A version has ten labels already.
    TooManyLabels {
        /// The version.
        version: i64,
        /// Those that it should carry as well.
        labels: Vec<String>,
    },
    /// The build that would have to be written isn't AVAILABLE; without status if Image Builder doesn't know it.
    Withdrawn {
        /// The build.
        build: Box<ImageBuildArn>,
        /// What it is instead.
        status: Option<Status>,
    },
    /// The build made nothing for this place.
    NotMadeHere(ImageBuildArn),
    /// The build isn't published here.
    NotCarried(ImageBuildArn),
    /// The AMI isn't shared with the account, though the setting names it.
    NotShared,
    /// What is published here couldn't be read.
    Unread,
    /// The build couldn't be read.
    UnreadImage(ImageBuildArn),
    /// A channel is moved to this build.
    Promoted(ImageBuildArn),
    /// A channel is moved back to this build.
    ChannelRolledBack(ImageBuildArn),
    /// The channel is on this version, as it has to be.
    OnChannel(i64),
    /// The channel is held, on this version.
    ChannelHeld(i64),
    /// The channel is on a version that somebody wrote by hand.
    ChannelByHand,
    /// The channel is on a newer build.
    Backwards(ImageBuildArn),
    /// The build has a tag that stops promotion, with this value.
    Blocked(String),
    /// The rule of a channel: with each new build at once.
    AtOnce,
    /// The rule of a channel: the build was published so long, in seconds.
    Soaked(i64),
    /// The build was published for so many seconds, and has to be for so many.
    Soaking {
        /// For how long it is published.
        since: i64,
        /// For how long it has to be.
        soak: i64,
    },
    /// The event says no time, or Parameter Store doesn't say when the build was published.
    NoTime,
    /// A finding is worse than the rule allows.
    Finding(Severity),
    /// The findings aren't known, for this reason.
    NoFindings(String),
    /// Nothing published is what the command asks for.
    NotPublished(String),
    /// There is no build to roll back to.
    NothingBefore,
    /// The channel was on different builds before, depending on the place.
    Ambiguous(Vec<ImageBuildArn>),
    /// The build was announced.
    Announced,
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
            Self::Changed(version) => write!(f, "version {version} was changed: it doesn't hold what its build made"),
            Self::Manual(version) => write!(f, "somebody wrote version {version} and says in its description: manual"),
            Self::OtherFamily(build) => write!(f, "{build} of the same name stands here"),
            Self::Published(version) => write!(f, "already published as version {version}"),
            Self::Unlabelled(version) => write!(f, "version {version} lacks the label of its build"),
            Self::Older(newest) => write!(f, "older than the published {newest}"),
            Self::Held { version, build: Some(build) } => {
                write!(f, "held at {build} by the label hold on version {version}")
            }
            Self::Held { version, build: None } => write!(f, "held by the label hold on version {version}"),
            Self::HeldHere(build) => write!(f, "held at {build}, and something else stands last"),
            Self::RolledBack(build) => write!(f, "rolled back to {build}"),
            Self::Released => f.write_str("released"),
            Self::NotHeld => f.write_str("not held"),
            Self::Dropped { version, labels } => {
                write!(f, "version {version} is soon dropped as one of the oldest of 100, with {}", labels.join(", "))
            }
            Self::Room => f.write_str("no version that is soon dropped carries a label"),
            Self::Full { version, labels } => write!(
                f,
                "version {version} is one of the oldest of 100 and can't be dropped for its labels: {}. Its build can't \
                 be published again: move the labels to a newer version",
                labels.join(", ")
            ),
            Self::TooManyLabels { version, labels } => {
                write!(
                    f,
                    "version {version} can't carry {} as well: a version has ten labels at most",
                    labels.join(", ")
                )
            }
            Self::Withdrawn { build, status: Some(status) } => write!(f, "{build} is {status}"),
            Self::Withdrawn { build, status: None } => write!(f, "Image Builder doesn't know {build} any more"),
            Self::NotMadeHere(build) => write!(f, "{build} has no AMI or container image here"),
            Self::NotCarried(build) => write!(f, "{build} isn't published here"),
            Self::NotShared => f.write_str("the AMI isn't shared with this account, though ShareTargets names it"),
            Self::Unread => f.write_str("what is published here couldn't be read"),
            Self::UnreadImage(build) => write!(f, "{build} couldn't be read"),
            Self::Promoted(build) => write!(f, "promoted to {build}"),
            Self::ChannelRolledBack(build) => write!(f, "rolled back to {build}, where it was before"),
            Self::OnChannel(version) => write!(f, "already on version {version}"),
            Self::ChannelHeld(version) => write!(f, "held on version {version}"),
            Self::ChannelByHand => f.write_str("on a version that somebody else wrote"),
            Self::Backwards(newer) => write!(f, "on the newer {newer}"),
            Self::Blocked(why) if why.is_empty() => f.write_str("the build is tagged goldsmith:blocked"),
            Self::Blocked(why) => write!(f, "the build is tagged goldsmith:blocked: {why}"),
            Self::AtOnce => f.write_str("the channel follows each new build at once"),
            Self::Soaked(seconds) => write!(f, "published for {}, and no newer build is", Seconds(*seconds)),
            Self::Soaking { since, soak } => {
                write!(f, "published for {} of {}", Seconds(*since), Seconds(*soak))
            }
            Self::NoTime => f.write_str("for how long the build is published isn't known"),
            Self::Finding(Severity::Untriaged) => f.write_str("the build has a finding whose severity isn't known"),
            Self::Finding(severity) => write!(f, "the build has a finding of severity {severity}"),
            Self::NoFindings(why) => write!(f, "the build's findings aren't known: {why}"),
            Self::NotPublished(wanted) => write!(f, "{wanted} isn't published anywhere"),
            Self::NothingBefore => f.write_str("nothing was published before that could be rolled back to"),
            Self::Ambiguous(builds) => {
                let builds: Vec<_> = builds.iter().map(ToString::to_string).collect();
                write!(
                    f,
                    "the places disagree on where the channel was before ({}): promote it to the one that you want",
                    builds.join(", ")
                )
            }
            Self::Announced => f.write_str("announced"),
            Self::Unannounced => f.write_str("every place carries the build, and it wasn't announced yet"),
        }
    }
}

/// A span of time, such as `1d 2h`.
struct Seconds(i64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.max(0);
        let mut between = "";
        for (unit, seconds) in [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)] {
            let amount = rest / seconds;
            rest %= seconds;
            if amount > 0 || (unit == "s" && between.is_empty()) {
                write!(f, "{between}{amount} {unit}")?;
                between = " ";
            }
        }
        Ok(())
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Informational => "INFORMATIONAL",
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
            Self::Untriaged => "UNTRIAGED",
        })
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
