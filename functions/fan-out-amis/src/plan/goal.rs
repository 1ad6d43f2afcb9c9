//! What a writer is to bring about at a place, and what it knows there.

use super::facts::{Facts, Known};
use super::place::{Content, Family, Place, content};
use crate::settings::{Settings, ShareTargets};
use shared::arn::ImageBuildArn;
use shared::image::{Image, Status};
use shared::published::Published;
use shared::tags;
use std::collections::BTreeMap;

/// What is to be brought about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Goal {
    /// The newest AVAILABLE build stands last, or the one that is held.
    Publish {
        /// The build that this is about, which may be newer than all that are published.
        candidate: Option<ImageBuildArn>,
        /// Whether what somebody wrote by hand stays if the description says `manual`.
        respect_manual: bool,
    },
    /// What a label keeps on one of the oldest versions is on newer ones.
    MakeRoom,
    /// This build stands last and is held.
    Hold(ImageBuildArn),
    /// Nothing is held, and the newest AVAILABLE build stands last.
    Release {
        /// As of [`Goal::Publish`].
        candidate: Option<ImageBuildArn>,
    },
    /// The channel is on this build.
    Promote {
        /// The channel.
        channel: String,
        /// The build.
        build: ImageBuildArn,
        /// Who wants it.
        by: By,
    },
    /// The channel is on this build and held.
    HoldChannel {
        /// The channel.
        channel: String,
        /// The build.
        build: ImageBuildArn,
    },
    /// The channel isn't held.
    ReleaseChannel {
        /// The channel.
        channel: String,
    },
    /// It is remembered that this build was announced.
    Remember(ImageBuildArn),
}

/// Who moves a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// A command: it may go backwards, and ends the channel's hold.
    Hand,
    /// A rule that follows each new build at once.
    AtOnce,
    /// A rule that waits.
    Soak,
}

/// Builds as Image Builder knows them: those of the facts, and those that were looked at since.
#[derive(Debug, Clone)]
pub(super) struct Images<'a> {
    pub(super) read: &'a BTreeMap<ImageBuildArn, Known>,
    pub(super) looked: BTreeMap<ImageBuildArn, Known>,
}

/// One parameter, and what is known about the builds that belong into it.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) family: &'a Family,
    pub(super) place: &'a Place,
    pub(super) share: &'a ShareTargets,
    pub(super) images: &'a Images<'a>,
    /// The versions, oldest first.
    pub(super) history: &'a [Published],
}

/// What there is of a build for a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stock {
    /// It is AVAILABLE, and this belongs into the parameter.
    Ready(Content),
    /// It isn't known yet.
    Unknown,
    /// It is AVAILABLE, and made nothing for this place.
    NotHere,
    /// It isn't AVAILABLE; none if Image Builder doesn't know it.
    NotAvailable(Option<Status>),
}

impl<'a> Images<'a> {
    pub(super) fn of(facts: &'a Facts) -> Self {
        Self { read: &facts.images, looked: BTreeMap::new() }
    }

    /// A build; `None` if it isn't known yet, `None` inside if there is none.
    pub(super) fn get(&self, build: &ImageBuildArn) -> Option<Option<&Image>> {
        match self.looked.get(build).or_else(|| self.read.get(build))? {
            Known::Is(image) => Some(Some(image)),
            Known::Gone => Some(None),
            Known::Unread(_) => None,
        }
    }
}

impl<'a> View<'a> {
    pub(super) fn new(
        facts: &'a Facts,
        settings: &'a Settings,
        images: &'a Images<'a>,
        place: &'a Place,
        history: &'a [Published],
    ) -> Self {
        Self { family: &facts.family, place, share: &settings.share_targets, images, history }
    }

    /// The build that a version holds, if it is one of the family. What else stands there was written by somebody else.
    pub(super) fn build_of(&self, published: &'a Published) -> Option<&'a ImageBuildArn> {
        published.build.as_ref().filter(|build| self.family.includes(build))
    }

    /// The versions that hold builds of the family, oldest first.
    pub(super) fn ours(&self) -> impl DoubleEndedIterator<Item = (&'a ImageBuildArn, &'a Published)> {
        let view = *self;
        self.history.iter().filter_map(move |published| Some((view.build_of(published)?, published)))
    }

    /// The version of ours that was written last, whatever somebody else wrote since.
    pub(super) fn stood(&self) -> Option<(&'a ImageBuildArn, &'a Published)> {
        self.ours().next_back()
    }

    /// The newest version that holds a build.
    pub(super) fn version_of(&self, build: &ImageBuildArn) -> Option<&'a Published> {
        self.ours().rev().find(|(other, _)| *other == build).map(|(_, published)| published)
    }

    /// The version that carries a label.
    pub(super) fn labelled(&self, label: &str) -> Option<&'a Published> {
        self.history.iter().find(|published| published.has(label))
    }

    /// What there is of a build to be written here.
    pub(super) fn stock(&self, build: &ImageBuildArn) -> Stock {
        match self.images.get(build) {
            None => Stock::Unknown,
            Some(None) => Stock::NotAvailable(None),
            Some(Some(image)) if image.status != Status::Available => Stock::NotAvailable(Some(image.status.clone())),
            Some(Some(image)) => content(image, self.place, self.share).map_or(Stock::NotHere, Stock::Ready),
        }
    }

    /// Whether a version holds what its build made for this place, as far as that is known.
    pub(super) fn is_unchanged(&self, build: &ImageBuildArn, published: &Published) -> bool {
        let made = self.images.get(build).flatten().and_then(|image| content(image, self.place, self.share));
        made.is_none_or(|made| made.value == published.value)
    }
}

/// Why no channel may be promoted to a build, if a tag says so.
pub(super) fn blocked(image: &Image) -> Option<&str> {
    image.tags.get(tags::BLOCKED).map(String::as_str)
}
