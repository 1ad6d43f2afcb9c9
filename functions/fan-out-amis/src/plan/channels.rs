//! The channels that follow new builds by rules.

use super::action::{Action, ChannelTarget, Step};
use super::decide::{Intent, intent};
use super::facts::{Facts, Findings, Severity};
use super::goal::{By, Goal, Images, View, blocked};
use super::place::Place;
use super::reason::Reason;
use crate::event::Cause;
use crate::settings::{Rule, Settings};
use shared::arn::ImageBuildArn;
use shared::image::Image;
use shared::plan::Outcome;
use shared::published::{HOLD, Published, channel_hold};
use std::collections::{BTreeMap, BTreeSet};

/// What the rules do, on the histories as they will be once the newest build is published.
pub(super) fn follow(
    facts: &Facts,
    settings: &Settings,
    images: &Images<'_>,
    image: &Image,
    histories: &BTreeMap<Place, Vec<Published>>,
) -> Vec<(Place, Step)> {
    let mut steps = Vec::new();
    for (channel, rule, by) in rules(facts, settings) {
        let verdict = verdict(facts, image, histories, channel, rule);
        for (place, history) in histories {
            let view = View::new(facts, settings, images, place, history);
            let target = |build: Option<&ImageBuildArn>| channel_target(facts, settings, place, channel, build);
            let own = || target(Some(&image.arn));
            let stands_last = history.last().is_some_and(|last| view.build_of(last) == Some(&image.arn));
            if let Some(half) = half_held(view, channel) {
                let action = Action::HoldChannel(target(Some(half)));
                steps.push((
                    place.clone(),
                    Step { action, reason: half_reason(view, channel), outcome: Outcome::Planned },
                ));
                continue;
            }
            if !stands_last {
                continue;
            }
            let goal = Goal::Promote { channel: channel.to_owned(), build: image.arn.clone(), by };
            let step = match (intent(view, &goal), &verdict) {
                (Intent::Reached { .. }, _) => continue,
                (Intent::Left(reason), _) => keep(own(), reason),
                (Intent::Stuck(reason), _) => stuck(own(), reason),
                (_, Err(reason)) => keep(own(), reason.clone()),
                (_, Ok(reason)) => {
                    Step { action: Action::Promote(own()), reason: reason.clone(), outcome: Outcome::Planned }
                }
            };
            steps.push((place.clone(), step));
        }
    }
    steps
}

/// The builds whose findings decide on a promotion.
pub(super) fn to_scan(facts: &Facts, settings: &Settings, image: &Image) -> BTreeSet<ImageBuildArn> {
    let histories = histories(facts);
    let mut asked = rules(facts, settings).filter(|(channel, rule, _)| {
        let everywhere = histories.values().all(|history| {
            history.iter().any(|published| published.has(channel) && published.build.as_ref() == Some(&image.arn))
        });
        let asks = matches!(rule, Rule::Soaked { max_severity: Some(_), .. });
        asks && !everywhere
            && image.scan.as_deref() == Some(SCANNED)
            && matches!(verdict(facts, image, &histories, channel, rule), Err(Reason::NoFindings(_)))
    });
    asked.next().map(|_| image.arn.clone()).into_iter().collect()
}

/// Image Builder's word for a scan whose findings are complete.
const SCANNED: &str = "COMPLETED";

/// The rules that the cause carries out: a notification those that follow at once, the sweep all of them.
fn rules<'a>(facts: &Facts, settings: &'a Settings) -> impl Iterator<Item = (&'a str, &'a Rule, By)> {
    let sweeps = matches!(facts.cause, Cause::Sweep(_));
    settings.channels.rules().filter_map(move |(channel, rule)| match rule {
        Rule::AtOnce => Some((channel, rule, By::AtOnce)),
        Rule::Soaked { .. } if sweeps => Some((channel, rule, By::Soak)),
        Rule::Soaked { .. } | Rule::Manual => None,
    })
}

fn histories(facts: &Facts) -> BTreeMap<Place, Vec<Published>> {
    facts.parameters.keys().map(|place| (place.clone(), facts.history(place).to_vec())).collect()
}

/// Why the channel is promoted, or why not, for all places alike.
fn verdict(
    facts: &Facts,
    image: &Image,
    histories: &BTreeMap<Place, Vec<Published>>,
    channel: &str,
    rule: &Rule,
) -> Result<Reason, Reason> {
    let versions = || histories.values().flatten();
    if let Some(held) = versions().find(|published| published.has(HOLD)) {
        return Err(Reason::Held { version: held.version, build: held.build.clone() });
    }
    if let Some(held) = versions().find(|published| published.has(&channel_hold(channel))) {
        return Err(Reason::ChannelHeld(held.version));
    }
    let builds = versions().filter_map(|published| published.build.as_ref());
    let newest = builds.filter(|build| facts.family.includes(build)).max_by_key(|build| build.order());
    if let Some(newer) = newest.filter(|newest| **newest > image.arn) {
        return Err(Reason::Older(newer.clone()));
    }
    if let Some(why) = blocked(image) {
        return Err(Reason::Blocked(why.to_owned()));
    }
    let Rule::Soaked { soak, max_severity } = rule else { return Ok(Reason::AtOnce) };
    let soak = i64::try_from(soak.as_secs()).unwrap_or(i64::MAX);
    let now = facts.now.ok_or(Reason::NoTime)?.secs();
    let since = histories.keys().filter_map(|place| since(facts, image, place)).min().ok_or(Reason::NoTime)?;
    let published_for = now.saturating_sub(since);
    if published_for < soak {
        return Err(Reason::Soaking { since: published_for, soak });
    }
    if let Some(most) = max_severity {
        let worst = worst(facts, image)?;
        if let Some(worst) = worst.filter(|worst| worst > most) {
            return Err(Reason::Finding(worst));
        }
    }
    Ok(Reason::Soaked(published_for))
}

/// Since when the build stands last in a place without a break, in seconds since 1970: what Parameter Store says of the
/// first of the versions. It must not have been written again by hand in between.
fn since(facts: &Facts, image: &Image, place: &Place) -> Option<i64> {
    let versions = facts.history(place).iter().rev();
    let own = versions.take_while(|published| published.build.as_ref() == Some(&image.arn));
    own.last()?.modified.map(|modified| modified.secs())
}

/// The worst finding of a build that was scanned.
fn worst(facts: &Facts, image: &Image) -> Result<Option<Severity>, Reason> {
    if image.scan.as_deref() != Some(SCANNED) {
        let scan = image.scan.as_deref().map_or("it wasn't scanned".to_owned(), |scan| format!("its scan is {scan}"));
        return Err(Reason::NoFindings(scan));
    }
    match facts.findings.get(&image.arn) {
        Some(Findings::Read(severities)) => Ok(severities.iter().max().copied()),
        Some(Findings::Unread(why)) => Err(Reason::NoFindings(why.clone())),
        None => Err(Reason::NoFindings("they weren't asked for".to_owned())),
    }
}

/// The build that a hold says the channel belongs on, where the channel isn't: a command broke off.
fn half_held<'a>(view: View<'a>, channel: &str) -> Option<&'a ImageBuildArn> {
    let held = view.labelled(&channel_hold(channel)).filter(|held| !held.has(channel))?;
    view.build_of(held)
}

fn half_reason(view: View<'_>, channel: &str) -> Reason {
    Reason::ChannelHeld(view.labelled(&channel_hold(channel)).map_or(0, |held| held.version))
}

pub(super) fn channel_target(
    facts: &Facts,
    settings: &Settings,
    place: &Place,
    channel: &str,
    build: Option<&ImageBuildArn>,
) -> ChannelTarget {
    let parameter = settings.parameter(&facts.family.name);
    ChannelTarget { place: place.clone(), parameter, channel: channel.to_owned(), build: build.cloned() }
}

pub(super) fn keep(target: ChannelTarget, reason: Reason) -> Step {
    Step { action: Action::KeepChannel(target), reason, outcome: Outcome::SKIPPED }
}

pub(super) fn stuck(target: ChannelTarget, reason: Reason) -> Step {
    let outcome = Outcome::Failed { error: reason.to_string(), retryable: false };
    Step { action: Action::KeepChannel(target), reason, outcome }
}
