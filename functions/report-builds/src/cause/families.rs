//! What is wrong with a family: too old, or not published as it should be.

use super::{About, Concerned, Judged, Kind, Severity, Verdict};
use crate::facts::{AmiState, Facts, Family, Holds, Known, Place, SETTLED, Summary, newest};
use crate::settings::{Settings, stale_after};
use chrono::TimeDelta;

pub(super) fn judge<'a>(facts: &'a Facts, family: &'a Family, settings: &Settings) -> Vec<Judged<'a>> {
    let Some(concerned) = concerned(facts, family) else { return Vec::new() };
    let places = family.published.get();
    let verdicts = [
        (Kind::FamilyStale, stale(facts, family, &concerned, settings)),
        (Kind::AmiGone, places.and_then(|places| gone(facts, places))),
        (Kind::ParameterRefused, places.and_then(|places| refused(facts, places))),
        (Kind::PublishedDiffers, places.and_then(|places| differs(facts, family, places))),
    ];
    let judged = verdicts.into_iter().filter_map(|(kind, verdict)| Some((kind, verdict?)));
    judged.map(|(kind, verdict)| Judged { kind, concerned: concerned.clone(), verdict }).collect()
}

/// The pipeline remembers it, or the newest build of a family that no pipeline makes.
fn concerned<'a>(facts: &'a Facts, family: &'a Family) -> Option<Concerned<'a>> {
    if let Some(pipeline) = family.pipeline.as_deref().and_then(|arn| facts.pipeline(arn)) {
        return Some(Concerned { family: Some(&family.name), ..Concerned::pipeline(pipeline) });
    }
    let build = newest(family.builds.get()?, Summary::has_ended)?;
    Some(Concerned::image(build, facts.build(&build.arn)?, None))
}

fn stale<'a>(
    facts: &'a Facts,
    family: &'a Family,
    concerned: &Concerned<'a>,
    settings: &Settings,
) -> Option<Verdict<'a>> {
    family.builds.get()?;
    let newest = family.newest_available();
    let tag = concerned.pipeline.and_then(|pipeline| pipeline.tags.get(shared::tags::STALE_AFTER));
    let limit: TimeDelta = tag.and_then(|tag| stale_after(tag)).unwrap_or(settings.stale_after)?;
    // A family without any build is as old as its pipeline.
    let born = newest.map(|build| build.created).or(concerned.pipeline.and_then(|pipeline| pipeline.created))?;
    let since = born + limit;
    Some(if facts.now < since {
        Verdict::Fine { mark: facts.now, by: newest }
    } else {
        let key = newest.map(|build| build.arn.to_string()).unwrap_or_default();
        Verdict::lasting(facts, since, &["stale", &key], Severity::Warning, About::Stale { newest, limit })
    })
}

fn holds(place: &Place) -> Option<&Holds> {
    place.holds.get()?.as_ref()
}

/// Published AMIs that nobody can launch. Places that couldn't be read may hide one.
fn gone<'a>(facts: &'a Facts, places: &'a [Place]) -> Option<Verdict<'a>> {
    let state = |place: &Place| holds(place).map(|holds| holds.ami.clone());
    let is_gone = |place: &&Place| matches!(state(place), Some(Known::Is(AmiState::Disabled | AmiState::Gone)));
    let wrong: Vec<&Place> = places.iter().filter(is_gone).collect();
    if wrong.is_empty() {
        let known = |place: &Place| match &place.holds {
            Known::Is(None) => true,
            Known::Is(Some(holds)) => matches!(holds.ami, Known::Is(_)),
            Known::Unread(_) | Known::Unasked => false,
        };
        return places.iter().all(known).then_some(Verdict::Fine { mark: facts.now, by: None });
    }
    let builds = wrong.iter().filter_map(|place| holds(place)?.build.as_ref());
    let build = builds.map(ToString::to_string).max().unwrap_or_default();
    let about = About::Gone { places: wrong };
    Some(Verdict::lasting(facts, facts.now, &["gone", &build], Severity::Critical, about))
}

fn stands(place: &Place) -> bool {
    match (&place.wanted, holds(place)) {
        (Some((_, ami)), Some(holds)) => holds.value == ami.id,
        _ => false,
    }
}

/// Only the event tells of a refusal. That it still matters, the parameter tells.
fn refused<'a>(facts: &'a Facts, places: &'a [Place]) -> Option<Verdict<'a>> {
    let wrong: Vec<&Place> = places.iter().filter(|place| place.refusal.is_some() && !stands(place)).collect();
    if wrong.is_empty() {
        let stand = places.iter().all(|place| place.wanted.is_none() || stands(place));
        return stand.then_some(Verdict::Fine { mark: facts.now, by: None });
    }
    let wanted = wrong.iter().filter_map(|place| place.wanted.as_ref());
    let wanted = wanted.map(|(build, _)| build.to_string()).max().unwrap_or_default();
    let about = About::Refused { places: wrong };
    Some(Verdict::lasting(facts, facts.now, &["refused", &wanted], Severity::Error, about))
}

/// Places that hold something else than they should, for longer than publishing takes. What somebody holds back on
/// purpose is right.
fn differs<'a>(facts: &'a Facts, family: &'a Family, places: &'a [Place]) -> Option<Verdict<'a>> {
    let builds = family.builds.get()?;
    let settled = |place: &Place| {
        let wanted = place.wanted.as_ref().map(|(build, _)| build);
        let begun = builds.iter().find(|build| Some(&build.arn) == wanted).map(|build| build.created);
        begun.is_none_or(|begun| begun + SETTLED <= facts.now)
    };
    let held = |place: &Place| holds(place).is_some_and(|holds| holds.held);
    let is_wrong = |place: &&Place| {
        place.holds.get().is_some() && place.wanted.is_some() && !stands(place) && !held(place) && settled(place)
    };
    let wrong: Vec<&Place> = places.iter().filter(is_wrong).collect();
    if wrong.is_empty() {
        let right = |place: &Place| place.wanted.is_none() || stands(place) || held(place);
        return places.iter().all(right).then_some(Verdict::Fine { mark: facts.now, by: None });
    }
    let wanted = wrong.iter().filter_map(|place| place.wanted.as_ref());
    let wanted = wanted.map(|(build, _)| build.to_string()).max().unwrap_or_default();
    let about = About::Differs { places: wrong };
    Some(Verdict::lasting(facts, facts.now, &["differs", &wanted], Severity::Error, about))
}
