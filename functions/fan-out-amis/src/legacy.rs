//! What is to be done about a build, decided from facts alone: no I/O, no clock.

use crate::announcement::{Announcement, Place};
use crate::settings::Settings;
use serde::{Serialize, Serializer};
use shared::arn::ImageBuildArn;
use shared::image::{Ami, Image, Kind, Status};
use shared::plan::Outcome;
use std::collections::BTreeMap;
use std::fmt;

/// The label of the version whose build was announced last, in the announcement's own Region.
pub const ANNOUNCED: &str = "announced";

/// What has to be known to decide.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The build, as Image Builder knows it now.
    pub image: Image,
    /// By Region, for the build's own account: the parameter's versions, oldest first.
    pub histories: BTreeMap<String, Vec<Published>>,
    /// By Region: why its parameter couldn't be read. Such a Region fails, and the others are worked on.
    pub unread: BTreeMap<String, Unread>,
}

/// A parameter that couldn't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The error with its causes.
    pub error: String,
    /// Whether trying again later can help.
    pub retryable: bool,
}

/// One version of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The version, from 1.
    pub version: i64,
    /// The build that the description names; none for what somebody else wrote.
    pub build: Option<ImageBuildArn>,
    /// The AMI.
    pub ami: String,
    /// Whether the version is labelled [`ANNOUNCED`].
    pub announced: bool,
}

/// What is to be done about one build.
#[derive(Debug, Serialize)]
pub struct Plan {
    /// The build.
    pub image: ImageBuildArn,
    /// Why there is nothing to do at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// What is to be done, Region by Region, the announcement last.
    pub steps: Vec<Step>,
}

/// One action with its reason and outcome.
pub type Step = shared::plan::Step<Action, Reason, Made>;

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "camelCase")]
pub enum Action {
    /// Write a version of the parameter in a Region.
    Write(Target),
    /// Leave the parameter of a Region as it is.
    Keep(Target),
    /// Tell the topic.
    Announce {
        /// The topic's ARN.
        topic: String,
    },
}

/// A parameter and what belongs into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Target {
    /// The Region and account of the parameter, and the AMI.
    #[serde(flatten)]
    pub place: Ami,
    /// The parameter's name.
    pub parameter: String,
    /// The build that the AMI is of: the one that was asked for, or a newer one that has to stand last again.
    pub build: ImageBuildArn,
}

/// What an action brought forth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Made {
    /// A version of a parameter, validated.
    #[serde(rename_all = "camelCase")]
    Version {
        /// Its number.
        parameter_version: i64,
    },
    /// A message.
    #[serde(rename_all = "camelCase")]
    Message {
        /// Its ID.
        message_id: String,
    },
}

/// Why something is done or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The build belongs to another account or partition than the function.
    Foreign,
    /// Image Builder doesn't know the build.
    Gone,
    /// The build isn't AVAILABLE, with the service's own reason.
    NotAvailable(Status, Option<String>),
    /// The build isn't made of AMIs.
    NoAmis(Kind),
    /// No build of the family is published here.
    First,
    /// A build that is older is published here.
    Newer(ImageBuildArn),
    /// An older build was written after the newest one.
    Buried(ImageBuildArn),
    /// The build stands published here, as this version.
    Published(i64),
    /// A newer build is published here.
    Older(ImageBuildArn),
    /// The AMI belongs to another account.
    OtherAccount(String),
    /// What is published here couldn't be read.
    Unread,
    /// Every Region carries the build, or will, and it wasn't announced.
    Unannounced,
}

/// How one Region stands to a build.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// A version has to be written.
    Write {
        /// The build that has to stand last.
        build: &'a ImageBuildArn,
        /// Its AMI.
        ami: &'a str,
        /// Why.
        reason: Reason,
    },
    /// The build stands last, as this version.
    Stands(i64),
    /// A newer build stands last.
    Older(&'a ImageBuildArn),
}

/// The versions that hold a build of the family, oldest first. Others were written by somebody else and don't count.
fn of_family<'a>(
    build: &'a ImageBuildArn,
    history: &'a [Published],
) -> impl DoubleEndedIterator<Item = (&'a ImageBuildArn, &'a Published)> {
    let named = history.iter().filter_map(|published| Some((published.build.as_ref()?, published)));
    named.filter(|(other, _)| build.same_family(other))
}

/// Decides for one Region: of all builds of the family, the newest has to stand last, this one included.
pub fn decide<'a>(build: &'a ImageBuildArn, ami: &'a str, history: &'a [Published]) -> Verdict<'a> {
    let newest = of_family(build, history).max_by_key(|(other, published)| (other.order(), published.version));
    let last = of_family(build, history).next_back();
    let (Some((newest, of_newest)), Some((last, of_last))) = (newest, last) else {
        return Verdict::Write { build, ami, reason: Reason::First };
    };
    if newest.order() < build.order() {
        Verdict::Write { build, ami, reason: Reason::Newer(newest.clone()) }
    } else if newest != last {
        Verdict::Write { build: newest, ami: &of_newest.ami, reason: Reason::Buried(last.clone()) }
    } else if newest == build {
        Verdict::Stands(of_last.version)
    } else {
        Verdict::Older(newest)
    }
}

/// Whether there is nothing to do about a build whatever is published, and why.
pub fn idle(image: &Image) -> Option<Reason> {
    if image.kind != Kind::Ami {
        Some(Reason::NoAmis(image.kind.clone()))
    } else if image.status != Status::Available {
        Some(Reason::NotAvailable(image.status.clone(), image.reason.clone()))
    } else {
        None
    }
}

/// The AMIs that are published: those of the build's own account.
pub fn own_amis(image: &Image) -> impl Iterator<Item = &Ami> {
    image.amis.iter().filter(|ami| ami.account == image.arn.account)
}

/// What is to be done.
pub fn plan(facts: &Facts, settings: &Settings) -> Plan {
    let image = &facts.image;
    if let Some(reason) = idle(image) {
        return Plan::nothing(image.arn.clone(), reason);
    }
    let mut steps: Vec<Step> = image.amis.iter().map(|ami| region_step(facts, settings, ami)).collect();
    let carries = |step: &Step| match &step.action {
        Action::Write(target) => target.build == image.arn,
        Action::Keep(_) => matches!(step.reason, Reason::Published(_) | Reason::OtherAccount(_)),
        Action::Announce { .. } => false,
    };
    if steps.iter().all(carries) && first_region(image).is_some() && !was_announced(facts) {
        let action = Action::Announce { topic: settings.topic.to_string() };
        steps.push(Step { action, reason: Reason::Unannounced, outcome: Outcome::Planned });
    }
    Plan { image: image.arn.clone(), reason: None, steps }
}

fn region_step(facts: &Facts, settings: &Settings, ami: &Ami) -> Step {
    let own = &facts.image.arn;
    let target = |id: &str, build: &ImageBuildArn| Target {
        place: Ami { id: id.to_owned(), ..ami.clone() },
        parameter: settings.parameter(&own.family),
        build: build.clone(),
    };
    let keep = |reason| Step { action: Action::Keep(target(&ami.id, own)), reason, outcome: Outcome::SKIPPED };
    if ami.account != own.account {
        return keep(Reason::OtherAccount(ami.account.clone()));
    }
    if let Some(Unread { error, retryable }) = facts.unread.get(&ami.region) {
        let outcome = Outcome::Failed { error: error.clone(), retryable: *retryable };
        return Step { outcome, ..keep(Reason::Unread) };
    }
    match decide(own, &ami.id, facts.history(&ami.region)) {
        Verdict::Write { build, ami: id, reason } => {
            Step { action: Action::Write(target(id, build)), reason, outcome: Outcome::Planned }
        }
        Verdict::Stands(version) => keep(Reason::Published(version)),
        Verdict::Older(newest) => keep(Reason::Older(newest.clone())),
    }
}

/// The Region that remembers the announcement: the build's own if it is among the outputs, else the first in order.
fn first_region(image: &Image) -> Option<&str> {
    let own = own_amis(image).find(|ami| ami.region == image.arn.region);
    own.or_else(|| own_amis(image).next()).map(|ami| ami.region.as_str())
}

fn was_announced(facts: &Facts) -> bool {
    let own = &facts.image.arn;
    first_region(&facts.image).is_some_and(|region| {
        of_family(own, facts.history(region)).any(|(build, published)| build == own && published.announced)
    })
}

/// The announcement that is owed: the build stands last everywhere, and it wasn't announced. Also the version
/// that has to be labelled once it is out.
pub fn owed(facts: &Facts, settings: &Settings) -> Option<(Announcement, Place)> {
    let image = &facts.image;
    let own = &image.arn;
    let first = first_region(image).filter(|_| !was_announced(facts))?;
    let places = own_amis(image).map(|ami| match decide(own, &ami.id, facts.history(&ami.region)) {
        Verdict::Stands(parameter_version) => {
            let Ami { region, account, id } = ami.clone();
            let parameter = settings.parameter(&own.family);
            Some(Place { region, account_id: account, ami: id, parameter, parameter_version })
        }
        Verdict::Write { .. } | Verdict::Older(_) => None,
    });
    let places: Vec<Place> = places.collect::<Option<_>>()?;
    let remembers = places.iter().find(|place| place.region == first)?.clone();
    let older = of_family(own, facts.history(first)).map(|(build, _)| build).filter(|b| b.order() < own.order());
    let previous = older.max_by_key(|build| build.order()).cloned();
    Some((Announcement::new(image, places, previous), remembers))
}

impl Facts {
    fn history(&self, region: &str) -> &[Published] {
        self.histories.get(region).map_or(&[], Vec::as_slice)
    }
}

impl Plan {
    /// Nothing to do.
    pub fn nothing(image: ImageBuildArn, reason: Reason) -> Self {
        Self { image, reason: Some(reason), steps: Vec::new() }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str("the image belongs to another account than the function"),
            Self::Gone => f.write_str("Image Builder doesn't know the image"),
            Self::NotAvailable(status, None) => write!(f, "the image is {status}"),
            Self::NotAvailable(status, Some(reason)) => write!(f, "the image is {status}: {reason}"),
            Self::NoAmis(Kind::Docker) => f.write_str("a container image has no AMIs"),
            Self::NoAmis(kind) => write!(f, "an image of type {kind} has no AMIs"),
            Self::First => f.write_str("no build of the family is published here"),
            Self::Newer(older) => write!(f, "newer than the published {older}"),
            Self::Buried(older) => write!(f, "the newest build has to stand last, not {older}"),
            Self::Published(version) => write!(f, "already published as version {version}"),
            Self::Older(newest) => write!(f, "older than the published {newest}"),
            Self::OtherAccount(account) => write!(f, "in account {account}"),
            Self::Unread => f.write_str("what is published here couldn't be read"),
            Self::Unannounced => f.write_str("every Region carries the build, and it wasn't announced yet"),
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests;
