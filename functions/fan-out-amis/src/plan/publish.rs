//! What a notification or the sweep leads to: the newest build everywhere, and the channels that follow it.

use super::action::{Action, Plan, Step, Target};
use super::channels;
use super::decide::{Intent, decide, intent};
use super::facts::{Facts, Known, Parameter, Trouble};
use super::goal::{Goal, Images, View};
use super::owed::was_announced;
use super::place::{Content, Place, content, not_shared, places};
use super::reason::Reason;
use super::room;
use crate::event::Cause;
use crate::settings::Settings;
use shared::arn::ImageBuildArn;
use shared::image::{Image, Kind, Status};
use shared::plan::Outcome;
use shared::published::Published;
use std::collections::{BTreeMap, BTreeSet};

/// Whether there is nothing to do about a build whatever is published, and why.
pub fn idle(image: &Image) -> Option<Reason> {
    let made = match image.kind {
        Kind::Ami => true,
        Kind::Docker => image.status != Status::Available || !image.containers.is_empty(),
        Kind::Other(_) => false,
    };
    if !made {
        Some(Reason::NothingMade(image.kind.clone()))
    } else if image.status != Status::Available {
        Some(Reason::NotAvailable(image.status.clone(), image.reason.clone()))
    } else {
        None
    }
}

pub(super) fn plan(facts: &Facts, settings: &Settings) -> Plan {
    let image = match subject(facts) {
        Ok(image) => image,
        Err(reason) => return Plan::nothing(facts, reason),
    };
    let images = Images::of(facts);
    // What the histories will be once the steps are carried out: channels are decided on it.
    let mut predicted: BTreeMap<Place, Vec<Published>> = BTreeMap::new();
    let mut steps: BTreeMap<Place, Vec<Step>> = BTreeMap::new();
    for place in places([image], &settings.share_targets) {
        let of_place = match facts.parameters.get(&place) {
            Some(Parameter::Read(history)) => {
                let mut next = history.clone();
                let steps = place_steps(facts, settings, &images, image, &place, &mut next);
                predicted.insert(place.clone(), next);
                steps
            }
            Some(Parameter::Unread(trouble)) => vec![unread(facts, settings, &place, image, trouble)],
            None => {
                let trouble = Trouble { error: "it wasn't asked for".to_owned(), retryable: true };
                vec![unread(facts, settings, &place, image, &trouble)]
            }
        };
        steps.insert(place, of_place);
    }
    let announces = steps.values().all(|steps| steps.iter().any(|step| carries(step, image)));
    for (place, step) in channels::follow(facts, settings, &images, image, &predicted) {
        steps.entry(place).or_default().push(step);
    }
    for place in not_shared(image, &settings.share_targets) {
        let target = target(facts, settings, &place, Some(&image.arn), None);
        steps.entry(place).or_default().push(keep(target, Reason::NotShared));
    }
    let mut steps: Vec<Step> = steps.into_values().flatten().collect();
    if announces && !was_announced(facts, settings, image) {
        let action = Action::Announce { topic: settings.topic.to_string(), event_bus: settings.event_bus.clone() };
        steps.push(Step { action, reason: Reason::Unannounced, outcome: Outcome::Planned });
    }
    Plan { family: facts.family.name.clone(), image: Some(image.arn.clone()), reason: None, steps }
}

/// The build that it is about.
pub(super) fn subject(facts: &Facts) -> Result<&Image, Reason> {
    match &facts.cause {
        Cause::Build(build) => match facts.images.get(build) {
            Some(Known::Is(image)) => idle(image).map_or(Ok(image.as_ref()), Err),
            Some(Known::Gone) => Err(Reason::Gone),
            Some(Known::Unread(_)) | None => Err(Reason::UnreadImage(build.clone())),
        },
        Cause::Sweep(_) | Cause::Command(_) => {
            let image = facts.candidate().ok_or(Reason::NoBuild)?;
            idle(image).map_or(Ok(image), Err)
        }
    }
}

fn place_steps(
    facts: &Facts,
    settings: &Settings,
    images: &Images<'_>,
    image: &Image,
    place: &Place,
    history: &mut Vec<Published>,
) -> Vec<Step> {
    let now = history.clone();
    let view = View::new(facts, settings, images, place, &now);
    let goal = Goal::Publish { candidate: Some(image.arn.clone()), respect_manual: true };
    let here = |build: &ImageBuildArn, content| target(facts, settings, place, Some(build), content);
    let own = || here(&image.arn, content(image, place, &settings.share_targets));
    match intent(view, &goal) {
        Intent::Put { build, content, reason } => {
            let mut steps = Vec::new();
            for renewal in room::renewals(view) {
                steps.push(match renewal {
                    Intent::Put { build, content, reason } => {
                        planned(Action::Renew(here(&build, Some(content))), reason)
                    }
                    Intent::Look { build, reason } => planned(Action::Renew(here(&build, None)), reason),
                    Intent::Stuck(reason) => return vec![stuck(own(), reason)],
                    _ => continue,
                });
            }
            history.push(next(history, &build, &content));
            steps.push(planned(Action::Write(here(&build, Some(content))), reason));
            steps
        }
        Intent::Look { build, reason } => vec![match facts.images.get(&build) {
            Some(Known::Unread(trouble)) => failed(here(&build, None), Reason::UnreadImage(build), trouble),
            _ => planned(Action::Write(here(&build, None)), reason),
        }],
        Intent::Stuck(reason) => vec![stuck(own(), reason)],
        main => vec![match (decide(view, &goal), main) {
            (Intent::Label { reason: reason @ Reason::Unlabelled(_), .. }, _) => planned(Action::Label(own()), reason),
            (_, Intent::Reached { reason, .. } | Intent::Left(reason)) => keep(own(), reason),
            (_, Intent::Label { reason, .. } | Intent::Unlabel { reason, .. }) => planned(Action::Label(own()), reason),
            (_, Intent::Put { .. } | Intent::Look { .. } | Intent::Stuck(_)) => keep(own(), Reason::Unread),
        }],
    }
}

/// The version that a write makes.
fn next(history: &[Published], build: &ImageBuildArn, content: &Content) -> Published {
    Published {
        version: history.last().map_or(0, |last| last.version) + 1,
        build: Some(build.clone()),
        value: content.value.clone(),
        labels: BTreeSet::new(),
        description: Some(build.to_string()),
        modified: None,
    }
}

/// Whether a place carries the build once the step is carried out.
fn carries(step: &Step, image: &Image) -> bool {
    match &step.action {
        Action::Write(target) => target.build.as_ref() == Some(&image.arn),
        Action::Label(_) => matches!(step.reason, Reason::Unlabelled(_)) && !step.outcome.is_failure(),
        Action::Keep(_) => matches!(step.reason, Reason::Published(_)),
        _ => false,
    }
}

pub(super) fn target(
    facts: &Facts,
    settings: &Settings,
    place: &Place,
    build: Option<&ImageBuildArn>,
    content: Option<Content>,
) -> Target {
    let parameter = settings.parameter(&facts.family.name);
    Target { place: place.clone(), parameter, build: build.cloned(), content }
}

pub(super) fn planned(action: Action, reason: Reason) -> Step {
    Step { action, reason, outcome: Outcome::Planned }
}

pub(super) fn keep(target: Target, reason: Reason) -> Step {
    Step { action: Action::Keep(target), reason, outcome: Outcome::SKIPPED }
}

pub(super) fn stuck(target: Target, reason: Reason) -> Step {
    let outcome = Outcome::Failed { error: reason.to_string(), retryable: false };
    Step { action: Action::Keep(target), reason, outcome }
}

pub(super) fn failed(target: Target, reason: Reason, trouble: &Trouble) -> Step {
    let outcome = Outcome::Failed { error: trouble.error.clone(), retryable: trouble.retryable };
    Step { action: Action::Keep(target), reason, outcome }
}

fn unread(facts: &Facts, settings: &Settings, place: &Place, image: &Image, trouble: &Trouble) -> Step {
    let content = content(image, place, &settings.share_targets);
    failed(target(facts, settings, place, Some(&image.arn), content), Reason::Unread, trouble)
}

impl Plan {
    /// Nothing to do.
    pub fn nothing(facts: &Facts, reason: Reason) -> Self {
        let image = match &facts.cause {
            Cause::Build(build) => Some(build.clone()),
            Cause::Sweep(_) | Cause::Command(_) => facts.candidate().map(|image| image.arn.clone()),
        };
        Self { family: facts.family.name.clone(), image, reason: Some(reason), steps: Vec::new() }
    }
}
