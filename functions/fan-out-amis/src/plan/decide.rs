//! What is to be done next about one parameter, judged by its history alone: whoever comes to the same history, decides
//! the same, so that writers who don't know of each other converge.

use super::goal::{By, Goal, Stock, View, blocked};
use super::place::Content;
use super::reason::Reason;
use super::room;
use shared::arn::ImageBuildArn;
use shared::published::{ANNOUNCED, HOLD, MOST_LABELS, Published, build_label, channel_hold, previous};
use std::collections::BTreeSet;

/// The next thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Intent {
    /// Write a version.
    Put { build: ImageBuildArn, content: Content, reason: Reason },
    /// Put labels on a version.
    Label { version: i64, labels: Vec<String>, reason: Reason },
    /// Take labels off a version.
    Unlabel { version: i64, labels: Vec<String>, reason: Reason },
    /// Ask Image Builder about a build that would have to be written, for this reason.
    Look { build: ImageBuildArn, reason: Reason },
    /// Nothing: it is as it has to be, as this version.
    Reached { version: i64, reason: Reason },
    /// Nothing: something stands against it.
    Left(Reason),
    /// It can't be brought about.
    Stuck(Reason),
}

/// What is to be done next.
pub(super) fn decide(view: View<'_>, goal: &Goal) -> Intent {
    let main = intent(view, goal);
    match &main {
        Intent::Put { reason: Reason::Dropped { .. }, .. } => main,
        // Only a new version takes the place of an old one.
        Intent::Put { .. } => room::make(view).unwrap_or(main),
        Intent::Reached { .. } | Intent::Left(_) if goal.keeps_labels() => room::missing_label(view).unwrap_or(main),
        _ => main,
    }
}

/// What is to be done, housekeeping aside.
pub(super) fn intent(view: View<'_>, goal: &Goal) -> Intent {
    match goal {
        Goal::Publish { candidate, respect_manual } => publish(view, candidate.as_ref(), *respect_manual),
        Goal::MakeRoom => room::make(view).unwrap_or(Intent::Left(Reason::Room)),
        Goal::Hold(build) => hold(view, build),
        Goal::Release { candidate } => match view.labelled(HOLD) {
            Some(held) => unlabel(held, HOLD.to_owned(), Reason::Released),
            None => publish(view, candidate.as_ref(), false),
        },
        Goal::Promote { channel, build, by } => promote(view, channel, build, *by),
        Goal::HoldChannel { channel, build } => hold_channel(view, channel, build),
        Goal::ReleaseChannel { channel } => match view.labelled(&channel_hold(channel)) {
            Some(held) => unlabel(held, channel_hold(channel), Reason::Released),
            None => Intent::Left(Reason::NotHeld),
        },
        Goal::Remember(build) => match view.version_of(build) {
            Some(published) if published.has(ANNOUNCED) => {
                Intent::Reached { version: published.version, reason: Reason::Announced }
            }
            Some(published) => label(view, published, vec![ANNOUNCED.to_owned()], Reason::Announced),
            None => Intent::Stuck(Reason::NotCarried(build.clone())),
        },
    }
}

impl Goal {
    /// Whether whoever brings it about also puts the labels right that say which version holds which build.
    fn keeps_labels(&self) -> bool {
        matches!(self, Self::Publish { .. } | Self::Hold(_) | Self::Release { .. })
    }
}

/// Of all AVAILABLE builds of the family, those that are published here and the candidate, the newest has to stand last.
fn publish(view: View<'_>, candidate: Option<&ImageBuildArn>, respect_manual: bool) -> Intent {
    if let Some(held) = view.labelled(HOLD) {
        return keep_held(view, held);
    }
    let last = view.history.last();
    if let Some(last) = last.filter(|last| respect_manual && is_manual(last)) {
        return Intent::Left(Reason::Manual(last.version));
    }
    let stood = view.stood();
    let builds: BTreeSet<&ImageBuildArn> = view.ours().map(|(build, _)| build).chain(candidate).collect();
    for build in builds.into_iter().rev() {
        let reason = match stood {
            None => last.map_or(Reason::First, |last| Reason::ByHand(last.version)),
            Some((stood, version)) if stood == build => return stands(view, build, version, candidate),
            Some((stood, _)) if view.version_of(build).is_some() => Reason::Buried(stood.clone()),
            Some((stood, _)) => Reason::Newer(stood.clone()),
        };
        match view.stock(build) {
            Stock::Ready(content) => return Intent::Put { build: build.clone(), content, reason },
            Stock::Unknown => return Intent::Look { build: build.clone(), reason },
            // What stood here before stays, and nothing older takes its place.
            Stock::NotHere | Stock::NotAvailable(_) => {}
        }
    }
    Intent::Left(Reason::NoBuild)
}

/// No newer build can stand here: the one that does is put right if somebody else changed it.
fn stands(view: View<'_>, build: &ImageBuildArn, version: &Published, candidate: Option<&ImageBuildArn>) -> Intent {
    let last = view.history.last().unwrap_or(version);
    let reason = match last {
        last if last.version == version.version && view.is_unchanged(build, version) => {
            return match candidate.filter(|candidate| *candidate != build) {
                None => Intent::Reached { version: last.version, reason: Reason::Published(last.version) },
                Some(older) if older < build => Intent::Left(Reason::Older(build.clone())),
                // It would stand here if there were something of it to write.
                Some(newer) => match put(view, newer, Reason::Newer(build.clone())) {
                    Intent::Stuck(reason) => Intent::Left(reason),
                    intent => intent,
                },
            };
        }
        last if last.version == version.version => Reason::Changed(last.version),
        Published { build: Some(other), .. } => return Intent::Left(Reason::OtherFamily(other.clone())),
        last => Reason::ByHand(last.version),
    };
    match put(view, build, reason) {
        Intent::Stuck(reason) => Intent::Left(reason),
        intent => intent,
    }
}

/// While the parameter is held, what the label says stands last: a notification that didn't see the label in time is made
/// undone, and so is a rollback that broke off before it moved the label.
fn keep_held(view: View<'_>, held: &Published) -> Intent {
    let left = || Intent::Left(Reason::Held { version: held.version, build: held.build.clone() });
    let (Some(build), Some(last)) = (view.build_of(held), view.history.last()) else { return left() };
    if view.build_of(last) == Some(build) && view.is_unchanged(build, last) {
        return left();
    }
    if is_manual(last) {
        return Intent::Left(Reason::Manual(last.version));
    }
    put(view, build, Reason::HeldHere(build.clone()))
}

/// Each call by itself leaves something that others understand: the label first, where the parameter stands, so that
/// nothing moves it; then the build; then the label onto the build, from when on everybody keeps it there.
fn hold(view: View<'_>, build: &ImageBuildArn) -> Intent {
    let reason = Reason::RolledBack(build.clone());
    let onto = |published: &Published| {
        let own = Some(build_label(build)).filter(|label| !published.has(label));
        label(view, published, std::iter::once(HOLD.to_owned()).chain(own).collect(), reason.clone())
    };
    let is_it = |published: &Published| view.build_of(published) == Some(build) && view.is_unchanged(build, published);
    let last = view.history.last();
    match (view.labelled(HOLD), last) {
        (Some(_), Some(last)) if is_it(last) && last.has(HOLD) => {
            let reason = Reason::Held { version: last.version, build: Some(build.clone()) };
            Intent::Reached { version: last.version, reason }
        }
        (_, Some(last)) if is_it(last) => onto(last),
        (None, Some(last)) => label(view, last, vec![HOLD.to_owned()], reason),
        (Some(held), _) if view.build_of(held) != Some(build) => {
            // Written since, and others were quicker with what the label says.
            let written = view.version_of(build).filter(|written| written.version > held.version);
            written.map_or_else(|| put(view, build, reason.clone()), onto)
        }
        _ => put(view, build, reason),
    }
}

fn promote(view: View<'_>, channel: &str, build: &ImageBuildArn, by: By) -> Intent {
    if by == By::AtOnce {
        // Somebody published a newer build since, and whoever promotes to it may have been overtaken.
        if let Some((newest, _)) = view.stood().filter(|(newest, _)| *newest > build) {
            return overtaken(view, channel, newest);
        }
    }
    let Some(target) = view.version_of(build) else { return Intent::Stuck(Reason::NotCarried(build.clone())) };
    let (is_on, was_on, held) = (view.labelled(channel), previous(channel), view.labelled(&channel_hold(channel)));
    let reached = Intent::Reached { version: target.version, reason: Reason::OnChannel(target.version) };
    if by != By::Hand {
        if let Some(held) = held {
            // The hold lies where the channel belongs: if it isn't there, a command broke off.
            let reason = Reason::ChannelHeld(held.version);
            return match held.has(channel) {
                true => Intent::Left(reason),
                false => label(view, held, vec![channel.to_owned()], reason),
            };
        }
        match is_on.map(|is_on| view.build_of(is_on)) {
            Some(None) => return Intent::Left(Reason::ChannelByHand),
            Some(Some(newer)) if newer > build => return Intent::Left(Reason::Backwards(newer.clone())),
            _ => {}
        }
    }
    let is_there = is_on.is_some_and(|is_on| is_on.version == target.version);
    match (is_on, held) {
        (_, None) if is_there => reached,
        (_, Some(held)) if is_there => unlabel(held, channel_hold(channel), Reason::Released),
        (Some(is_on), _) if view.build_of(is_on) != Some(build) && !is_on.has(&was_on) => {
            label(view, is_on, vec![was_on], Reason::Promoted(build.clone()))
        }
        (_, held) => {
            if let Some(renewed) = room::renew(view, target) {
                return renewed;
            }
            // In one call, so that a hold never lies elsewhere than where the channel belongs.
            let hold = held.map(|_| channel_hold(channel));
            let labels = std::iter::once(channel.to_owned()).chain(hold).collect();
            label(view, target, labels, Reason::Promoted(build.clone()))
        }
    }
}

/// The channel of a rule that follows at once goes to the newest build.
fn overtaken(view: View<'_>, channel: &str, newest: &ImageBuildArn) -> Intent {
    let reason = Reason::Promoted(newest.clone());
    match view.images.get(newest) {
        None => Intent::Look { build: newest.clone(), reason },
        Some(Some(image)) if blocked(image).is_none() => promote(view, channel, newest, By::Soak),
        Some(_) => Intent::Left(Reason::Older(newest.clone())),
    }
}

fn hold_channel(view: View<'_>, channel: &str, build: &ImageBuildArn) -> Intent {
    let holds_it = |published: &&Published| view.build_of(published) == Some(build);
    let (is_on, was_on) = (view.labelled(channel), view.labelled(&previous(channel)));
    let target = is_on.filter(holds_it).or_else(|| was_on.filter(holds_it)).or_else(|| view.version_of(build));
    let lasts = |target: &&Published| !room::is_dropped(&view, target);
    let target = target.filter(lasts).or_else(|| view.version_of(build));
    let Some(target) = target else { return Intent::Stuck(Reason::NotCarried(build.clone())) };
    let hold = channel_hold(channel);
    let lacks: Vec<String> = [hold, channel.to_owned()].into_iter().filter(|label| !target.has(label)).collect();
    if lacks.is_empty() {
        return Intent::Reached { version: target.version, reason: Reason::ChannelHeld(target.version) };
    }
    room::renew(view, target).unwrap_or_else(|| label(view, target, lacks, Reason::ChannelRolledBack(build.clone())))
}

/// Writes a build that has to be AVAILABLE, after a look at it if it isn't known.
pub(super) fn put(view: View<'_>, build: &ImageBuildArn, reason: Reason) -> Intent {
    match view.stock(build) {
        Stock::Ready(content) => Intent::Put { build: build.clone(), content, reason },
        Stock::Unknown => Intent::Look { build: build.clone(), reason },
        Stock::NotHere => Intent::Stuck(Reason::NotMadeHere(build.clone())),
        Stock::NotAvailable(status) => Intent::Stuck(Reason::Withdrawn { build: Box::new(build.clone()), status }),
    }
}

/// Labels a version, which can have ten: the one that says which build it holds gives way.
pub(super) fn label(view: View<'_>, published: &Published, labels: Vec<String>, reason: Reason) -> Intent {
    let version = published.version;
    let after = published.labels.iter().chain(&labels).collect::<BTreeSet<_>>().len();
    if after <= MOST_LABELS {
        return Intent::Label { version, labels, reason };
    }
    let own = view.build_of(published).map(build_label);
    match own.filter(|own| published.has(own) && !labels.contains(own) && after == MOST_LABELS + 1) {
        Some(own) => Intent::Unlabel { version, labels: vec![own], reason },
        None => Intent::Stuck(Reason::TooManyLabels { version, labels }),
    }
}

fn unlabel(published: &Published, label: String, reason: Reason) -> Intent {
    Intent::Unlabel { version: published.version, labels: vec![label], reason }
}

/// Whether somebody who wrote a version by hand wants it to stay.
fn is_manual(published: &Published) -> bool {
    let words = |text: &str| {
        let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
        words.any(|word| word.eq_ignore_ascii_case("manual"))
    };
    published.build.is_none() && published.description.as_deref().is_some_and(words)
}
