//! What commands lead to. Each works in every place by itself, and for all places towards the same build, so that what was
//! left half-done is finished by repeating it.

use super::action::{Action, ChannelTarget, Plan, Step};
use super::channels::{self, channel_target};
use super::decide::{Intent, decide, intent};
use super::facts::{Facts, Known, Parameter, Trouble};
use super::goal::{By, Goal, Images, View, blocked};
use super::place::{Place, content};
use super::publish::{failed, keep, planned, stuck, target};
use super::reason::Reason;
use crate::event::{Command, Wanted};
use crate::settings::Settings;
use shared::arn::ImageBuildArn;
use shared::image::{Image, Status};
use shared::plan::Outcome;
use shared::published::{HOLD, Published, channel_hold, previous};
use std::collections::BTreeSet;

pub(super) fn plan(facts: &Facts, settings: &Settings, command: &Command) -> Plan {
    let refuse = |reason| Plan::nothing(facts, reason);
    let build = match build(facts, command) {
        Ok(build) => build,
        Err(reason) => return refuse(reason),
    };
    if let Some(reason) = build.and_then(|build| refusal(facts, command, build)) {
        return refuse(reason);
    }
    let steps = facts.parameters.iter().map(|(place, parameter)| match parameter {
        Parameter::Read(history) => step(facts, settings, command, build, place, history),
        Parameter::Unread(trouble) => unread(facts, settings, command, build, place, Reason::Unread, trouble),
    });
    let steps = steps.collect();
    let image = build.cloned().or_else(|| Plan::nothing(facts, Reason::NoBuild).image);
    Plan { family: facts.family.name.clone(), image, reason: None, steps }
}

/// The build that a command is about, if it is about one.
///
/// # Errors
/// There is none such.
pub(super) fn build<'a>(facts: &'a Facts, command: &Command) -> Result<Option<&'a ImageBuildArn>, Reason> {
    match command {
        Command::Promote { to, .. } => wanted(facts, to).map(Some),
        Command::Rollback { channel: Some(channel), .. } => channel_before(facts, channel).map(Some),
        Command::Rollback { channel: None, to: Some(to), .. } => wanted(facts, to).map(Some),
        Command::Rollback { channel: None, to: None, .. } => before(facts).map(Some),
        Command::Release { .. } | Command::Show { .. } => Ok(None),
    }
}

/// Versions of ours in all places.
fn ours(facts: &Facts) -> impl Iterator<Item = (&ImageBuildArn, &Published)> {
    let versions = facts.parameters.keys().flat_map(|place| facts.history(place));
    let named = versions.filter_map(|published| Some((published.build.as_ref()?, published)));
    named.filter(|(build, _)| facts.family.includes(build))
}

fn wanted<'a>(facts: &'a Facts, wanted: &Wanted) -> Result<&'a ImageBuildArn, Reason> {
    let published = ours(facts).map(|(build, _)| build);
    let (build, told) = match wanted {
        Wanted::Latest => {
            let last = facts.parameters.keys().filter_map(|place| {
                let mut builds = facts.history(place).iter().rev().filter_map(|published| published.build.as_ref());
                builds.find(|build| facts.family.includes(build))
            });
            (last.max(), "a build".to_owned())
        }
        Wanted::Version(version) => {
            (published.filter(|build| build.version == *version).max(), format!("version {version}"))
        }
        Wanted::Build(version, number) => {
            let mut published = published;
            let build = published.find(|build| build.order() == (*version, *number));
            (build, format!("build {version}/{number}"))
        }
        Wanted::Arn(arn) => {
            let mut published = published;
            (published.find(|build| *build == arn), arn.to_string())
        }
    };
    build.ok_or_else(|| Reason::NotPublished(format!("{told} of {}", facts.family.name)))
}

/// What a rollback goes to: the build that places are held at, if it isn't the newest, for then somebody rolled back and
/// perhaps not everywhere; else the one that was published before the newest.
fn before(facts: &Facts) -> Result<&ImageBuildArn, Reason> {
    let newest = ours(facts).map(|(build, _)| build).max().ok_or(Reason::NothingBefore)?;
    let older = || ours(facts).filter(|(build, _)| *build < newest);
    let held = older().filter(|(_, published)| published.has(HOLD)).map(|(build, _)| build).min();
    held.or_else(|| older().map(|(build, _)| build).max()).ok_or(Reason::NothingBefore)
}

/// What a channel's rollback goes to: the build where it is held already in some place; else the one where it was before,
/// which in places that the last promotion didn't reach is where it still is.
fn channel_before<'a>(facts: &'a Facts, channel: &str) -> Result<&'a ImageBuildArn, Reason> {
    let on = |label: String| -> BTreeSet<&ImageBuildArn> {
        ours(facts).filter(|(_, published)| published.has(&label)).map(|(build, _)| build).collect()
    };
    let one = |builds: BTreeSet<&'a ImageBuildArn>| match builds.iter().copied().collect::<Vec<_>>()[..] {
        [] => Err(Reason::NothingBefore),
        [build] => Ok(build),
        _ => Err(Reason::Ambiguous(builds.into_iter().cloned().collect())),
    };
    let held = on(channel_hold(channel));
    if !held.is_empty() {
        return one(held);
    }
    let mut before = on(previous(channel));
    if before.len() > 1 {
        let fits = |build: &&ImageBuildArn| {
            facts.parameters.keys().all(|place| {
                let mut labelled = facts
                    .history(place)
                    .iter()
                    .filter(|published| published.has(channel) || published.has(&previous(channel)));
                let any = facts.history(place).iter().any(|published| published.has(channel));
                !any || labelled.any(|published| published.build.as_ref() == Some(*build))
            })
        };
        let agreed: BTreeSet<_> = before.iter().copied().filter(fits).collect();
        if !agreed.is_empty() {
            before = agreed;
        }
    }
    one(before)
}

/// Why a command isn't carried out anywhere. What can't be read fails place by place.
fn refusal(facts: &Facts, command: &Command, build: &ImageBuildArn) -> Option<Reason> {
    let image: &Image = match facts.images.get(build)? {
        Known::Is(image) => image,
        Known::Gone => return Some(Reason::Withdrawn { build: Box::new(build.clone()), status: None }),
        Known::Unread(_) => return None,
    };
    let goes_back = matches!(command, Command::Rollback { channel: Some(_), .. });
    let status = match &image.status {
        Status::Available => None,
        // Instances can be launched from it, and somebody wants it back.
        Status::Deprecated if goes_back => None,
        status => Some(Reason::Withdrawn { build: Box::new(build.clone()), status: Some(status.clone()) }),
    };
    let promotes = matches!(command, Command::Promote { .. });
    status.or_else(|| blocked(image).filter(|_| promotes).map(|why| Reason::Blocked(why.to_owned())))
}

fn step(
    facts: &Facts,
    settings: &Settings,
    command: &Command,
    build: Option<&ImageBuildArn>,
    place: &Place,
    history: &[Published],
) -> Step {
    // A build that couldn't be read may be one that nobody should use.
    if let Some(build) = build {
        let missing = || Trouble { error: "it wasn't asked for".to_owned(), retryable: true };
        let trouble = match facts.images.get(build) {
            Some(Known::Unread(trouble)) => Some(trouble.clone()),
            None => Some(missing()),
            Some(Known::Is(_) | Known::Gone) => None,
        };
        if let Some(trouble) = trouble {
            return unread(facts, settings, command, Some(build), place, Reason::UnreadImage(build.clone()), &trouble);
        }
    }
    let images = Images::of(facts);
    let view = View::new(facts, settings, &images, place, history);
    let candidate = facts.candidate().map(|image| image.arn.clone());
    let (goal, action) = match (subject(facts, settings, command, build, place), command, build) {
        (Subject::Channel(target), Command::Promote { channel, .. }, Some(build)) => {
            let (channel, build) = (channel.clone(), build.clone());
            (Goal::Promote { channel, build, by: By::Hand }, Action::Promote(target))
        }
        (Subject::Channel(target), _, Some(build)) => {
            let (channel, build) = (target.channel.clone(), build.clone());
            (Goal::HoldChannel { channel, build }, Action::HoldChannel(target))
        }
        (Subject::Channel(target), _, None) => {
            (Goal::ReleaseChannel { channel: target.channel.clone() }, Action::ReleaseChannel(target))
        }
        (Subject::Parameter(target), _, Some(build)) => (Goal::Hold(build.clone()), Action::Hold(target)),
        (Subject::Parameter(target), _, None) => (Goal::Release { candidate }, Action::Release(target)),
    };
    let main = intent(view, &goal);
    let reason = match &main {
        Intent::Put { reason, .. }
        | Intent::Label { reason, .. }
        | Intent::Unlabel { reason, .. }
        | Intent::Look { reason, .. }
        | Intent::Reached { reason, .. }
        | Intent::Left(reason)
        | Intent::Stuck(reason) => reason.clone(),
    };
    match (main, decide(view, &goal), action) {
        (Intent::Stuck(reason), _, Action::Hold(target) | Action::Release(target)) => stuck(target, reason),
        (
            Intent::Stuck(reason),
            _,
            Action::Promote(target) | Action::HoldChannel(target) | Action::ReleaseChannel(target),
        ) => channels::stuck(target, reason),
        (
            Intent::Reached { .. } | Intent::Left(_),
            Intent::Label { .. },
            Action::Hold(target) | Action::Release(target),
        ) => planned(Action::Label(target), reason),
        (Intent::Reached { .. } | Intent::Left(_), _, Action::Hold(target) | Action::Release(target)) => {
            keep(target, reason)
        }
        (
            Intent::Reached { .. } | Intent::Left(_),
            _,
            Action::Promote(target) | Action::HoldChannel(target) | Action::ReleaseChannel(target),
        ) => channels::keep(target, reason),
        (_, _, action) => planned(action, reason),
    }
}

enum Subject {
    Parameter(super::action::Target),
    Channel(ChannelTarget),
}

fn subject(
    facts: &Facts,
    settings: &Settings,
    command: &Command,
    build: Option<&ImageBuildArn>,
    place: &Place,
) -> Subject {
    let channel = match command {
        Command::Promote { channel, .. } => Some(channel),
        Command::Rollback { channel, .. } | Command::Release { channel, .. } => channel.as_ref(),
        Command::Show { .. } => None,
    };
    if let Some(channel) = channel {
        return Subject::Channel(channel_target(facts, settings, place, channel, build));
    }
    let image = match build.and_then(|build| facts.images.get(build)) {
        Some(Known::Is(image)) => Some(image.as_ref()),
        _ => facts.candidate().filter(|_| build.is_none()),
    };
    let content = image.and_then(|image| content(image, place, &settings.share_targets));
    let build = build.or(image.map(|image| &image.arn));
    Subject::Parameter(target(facts, settings, place, build, content))
}

fn unread(
    facts: &Facts,
    settings: &Settings,
    command: &Command,
    build: Option<&ImageBuildArn>,
    place: &Place,
    reason: Reason,
    trouble: &Trouble,
) -> Step {
    match subject(facts, settings, command, build, place) {
        Subject::Parameter(target) => failed(target, reason, trouble),
        Subject::Channel(target) => {
            let outcome = Outcome::Failed { error: trouble.error.clone(), retryable: trouble.retryable };
            Step { action: Action::KeepChannel(target), reason, outcome }
        }
    }
}
