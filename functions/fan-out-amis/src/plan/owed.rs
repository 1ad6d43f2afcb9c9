//! Whether a build is to be announced, and what the announcement says.

use super::facts::{AmiState, Facts, Parameter};
use super::goal::{Images, View};
use super::place::{DataType, Place, content, places};
use super::publish::subject;
use crate::announcement::{Announcement, Where};
use crate::settings::Settings;
use shared::arn::ImageBuildArn;
use shared::image::Image;
use shared::published::ANNOUNCED;
use std::collections::BTreeSet;
use std::fmt;

/// An announcement that has to go out. The label that remembers it comes after: if only the message or only the event went
/// out, or neither could be remembered, both go out again with the next run. So each is sent at least once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// What it says.
    pub announcement: Announcement,
    /// The place where it has to be remembered, by [`super::Writer::remember`].
    pub remembers: Place,
}

/// Why nothing is announced now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotOwed {
    /// There is no build to announce, or it was announced.
    Nothing,
    /// A place doesn't carry the build as its newest version.
    Missing(Place),
    /// EC2 doesn't say that the AMI is available where it is published.
    Unverified {
        /// The place.
        place: Place,
        /// The AMI.
        ami: String,
        /// What it says instead, or why it can't be asked.
        why: String,
        /// Whether it may be available later.
        retryable: bool,
    },
}

/// The announcement that is owed: the build stands last in every place, verified, and it wasn't announced.
///
/// # Errors
/// Why there is none.
pub fn owed(facts: &Facts, settings: &Settings) -> Result<Owed, NotOwed> {
    let image = subject(facts).ok().filter(|image| !was_announced(facts, settings, image));
    let image = image.ok_or(NotOwed::Nothing)?;
    let remembers = first(image, settings).ok_or(NotOwed::Nothing)?;
    let images = Images::of(facts);
    let mut stands = Vec::new();
    for place in places([image], &settings.share_targets) {
        let view = View::new(facts, settings, &images, &place, facts.history(&place));
        let content = content(image, &place, &settings.share_targets);
        let last = view.history.last().filter(|last| view.build_of(last) == Some(&image.arn));
        let (Some(content), Some(last)) = (content, last) else { return Err(NotOwed::Missing(place)) };
        if last.value != content.value {
            return Err(NotOwed::Missing(place));
        }
        if content.data_type == DataType::Image {
            available(facts, &place, &content.value)?;
        }
        let parameter = settings.parameter(&facts.family.name);
        let parameter_version = last.version;
        stands.push(Where { place, content, parameter, parameter_version });
    }
    let view = View::new(facts, settings, &images, &remembers, facts.history(&remembers));
    let previous = view.ours().map(|(build, _)| build).filter(|build| **build < image.arn).max().cloned();
    Ok(Owed { announcement: Announcement::new(image, stands, previous), remembers })
}

/// The AMIs that have to be available before the build is announced.
pub fn to_verify(facts: &Facts, settings: &Settings) -> BTreeSet<(Place, String)> {
    let Some(image) = subject(facts).ok().filter(|image| !was_announced(facts, settings, image)) else {
        return BTreeSet::new();
    };
    let places = places([image], &settings.share_targets).into_iter();
    let read = places.filter(|place| matches!(facts.parameters.get(place), Some(Parameter::Read(_))));
    let amis = read.filter_map(|place| {
        let content = content(image, &place, &settings.share_targets)?;
        (content.data_type == DataType::Image).then_some((place, content.value))
    });
    amis.collect()
}

/// The place that remembers the announcement: the build's own if it is among them, else the first one of its account, else
/// the first one.
fn first(image: &Image, settings: &Settings) -> Option<Place> {
    let places = places([image], &settings.share_targets);
    let own = |place: &&Place| place.account == image.arn.account;
    let home = places.iter().filter(own).find(|place| place.region == image.arn.region);
    home.or_else(|| places.iter().find(own)).or_else(|| places.first()).cloned()
}

pub(super) fn was_announced(facts: &Facts, settings: &Settings, image: &Image) -> bool {
    let Some(first) = first(image, settings) else { return true };
    let own = |build: &Option<ImageBuildArn>| build.as_ref() == Some(&image.arn);
    facts.history(&first).iter().any(|published| own(&published.build) && published.has(ANNOUNCED))
}

fn available(facts: &Facts, place: &Place, ami: &str) -> Result<(), NotOwed> {
    let (why, retryable) = match facts.amis.get(&(place.clone(), ami.to_owned())) {
        Some(AmiState::Is(state)) if state == "available" => return Ok(()),
        Some(AmiState::Is(state)) => (format!("it is {state}"), state == "pending"),
        Some(AmiState::Gone) => ("EC2 doesn't know it there".to_owned(), false),
        Some(AmiState::Unread(trouble)) => (trouble.error.clone(), trouble.retryable),
        None => ("it wasn't asked for".to_owned(), true),
    };
    Err(NotOwed::Unverified { place: place.clone(), ami: ami.to_owned(), why, retryable })
}

impl fmt::Display for NotOwed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("there is nothing to announce"),
            Self::Missing(place) => write!(f, "{place} doesn't carry the build as its newest version"),
            Self::Unverified { place, ami, why, .. } => write!(f, "{ami} isn't available in {place}: {why}"),
        }
    }
}
