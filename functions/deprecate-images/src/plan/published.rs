//! How an image stands to what is published: whether a newer build took its place, and whether anything still hands it
//! out.

use super::facts::{At, Build, FamilyFacts, Known, Place};
use super::reason::Reason;
use chrono::{DateTime, Utc};
use shared::image::Ami;
use shared::published::{ANNOUNCED, Published, is_build_label};

/// Whether newer builds took an image's place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Superseded {
    /// Wherever it has an AMI and its family is published, without a break since then.
    Since(DateTime<Utc>),
    /// Not, or that isn't known.
    Not(Vec<Reason>),
}

/// Everything that hands the image out: published now, published before the newest build, labels. Also what couldn't be
/// read of it.
pub(super) fn claims(facts: &FamilyFacts, build: &Build, amis: &[Ami]) -> Vec<Reason> {
    let unread = amis.iter().map(At::of).filter(|at| !facts.places.iter().any(|place| place.at == *at));
    let mut reasons: Vec<Reason> = unread.map(|at| Reason::Missing(format!("what is published in {at}"))).collect();
    for Place { at, history } in &facts.places {
        let history = match history {
            Known::Is(history) => sorted(history),
            Known::Unread(why) => {
                reasons.push(Reason::Missing(format!("what is published in {at}: {why}")));
                continue;
            }
        };
        let ours = |it: &Published| it.build.as_ref() == Some(&build.arn) || amis.iter().any(|ami| ami.id == it.value);
        let Some((newest, before)) = history.split_last() else { continue };
        let previous = before.iter().rev().find(|it| !is_same(it, newest));
        if ours(newest) {
            reasons.push(Reason::Published(at.clone()));
        }
        if previous.is_some_and(|it| ours(it)) {
            reasons.push(Reason::Previous(at.clone()));
        }
        let labels = history.iter().filter(|it| ours(it)).flat_map(|it| &it.labels);
        let channels = labels.filter(|label| is_channel(label));
        reasons.extend(channels.map(|label| Reason::Channel { label: label.clone(), at: at.clone() }));
    }
    reasons
}

/// Whether a newer build has been published in every place where the image has an AMI. Places in which the family never
/// was published don't count, but there has to be another.
pub(super) fn superseded(facts: &FamilyFacts, build: &Build, amis: &[Ami], now: DateTime<Utc>) -> Superseded {
    let mut reasons = Vec::new();
    let mut since = None;
    let mut is_published = false;
    for ami in amis {
        let at = At::of(ami);
        let history = match facts.places.iter().find(|place| place.at == at).map(|place| &place.history) {
            Some(Known::Is(history)) => sorted(history),
            // That it is unread is said among the claims.
            Some(Known::Unread(_)) | None => return Superseded::Not(reasons),
        };
        let is_newer = |it: &&&Published| {
            it.build.as_ref().is_some_and(|other| other.same_family(&build.arn) && other.order() > build.arn.order())
        };
        let Some(newest) = history.last() else { continue };
        // Who went back to an older build in between began anew.
        let newer = history.iter().rev().take_while(is_newer).last();
        match newer {
            Some(first) => since = since.max(Some(written(first, now))),
            None => match &newest.build {
                // That is said among the claims.
                Some(other) if *other == build.arn => is_published = true,
                Some(other) if other.same_family(&build.arn) => reasons.push(Reason::NotSuperseded(at)),
                _ => reasons.push(Reason::Missing(format!("which build is published in {at}"))),
            },
        }
    }
    match since {
        Some(since) if reasons.is_empty() && !is_published => Superseded::Since(since),
        None if reasons.is_empty() && !is_published => Superseded::Not(vec![Reason::Unpublished]),
        _ => Superseded::Not(reasons),
    }
}

fn sorted(history: &[Published]) -> Vec<&Published> {
    let mut history: Vec<&Published> = history.iter().collect();
    history.sort_by_key(|it| it.version);
    history
}

/// Whether two versions hand out the same.
fn is_same(one: &Published, other: &Published) -> bool {
    one.value == other.value || (one.build.is_some() && one.build == other.build)
}

/// Any label but those by which the functions remember: `hold`, too, says that somebody cares for the version.
fn is_channel(label: &str) -> bool {
    label != ANNOUNCED && !is_build_label(label)
}

/// When a version was written; just now if that isn't known.
fn written(published: &Published, now: DateTime<Utc>) -> DateTime<Utc> {
    let at = published.modified.as_ref();
    at.and_then(|at| DateTime::from_timestamp(at.secs(), at.subsec_nanos())).unwrap_or(now)
}
