//! Housekeeping among a parameter's versions, of which Parameter Store keeps 100: with each new one the oldest is dropped,
//! unless a label keeps it, and then the new one is refused,
//! <https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-versions.html>.
//!
//! So before a version is written when there are nearly 100, the oldest ones lose their labels. Those that only say what
//! is known anyway are taken off. Those that somebody relies on, a channel for one, move to a newer version of the same
//! build; if there is none, that build is written again, and then the newest one again after it. For the moments between
//! the two the parameter's newest version holds the older build: Parameter Store knows no other way.

use super::decide::{Intent, label, put};
use super::goal::View;
use super::reason::Reason;
use shared::published::{ANNOUNCED, MOST_LABELS, MOST_VERSIONS, Published, build_label, is_build_label};
use std::collections::BTreeSet;

/// How many of the oldest versions have to be without labels when one is written: so many writers may write at once.
const MARGIN: usize = 5;

/// The versions that are soon dropped.
fn oldest<'a>(view: &View<'a>) -> &'a [Published] {
    let soon = view.history.len() >= MOST_VERSIONS - MARGIN;
    &view.history[..if soon { MARGIN } else { 0 }]
}

/// What has to be done before a version can be written, if there is something.
pub(super) fn make(view: View<'_>) -> Option<Intent> {
    oldest(&view).iter().find_map(|published| clear(view, published))
}

/// The builds that have to be written again before a version can be written, or can't be.
pub(super) fn renewals(view: View<'_>) -> Vec<Intent> {
    let all = oldest(&view).iter().filter_map(|published| clear(view, published));
    all.filter(|intent| matches!(intent, Intent::Put { .. } | Intent::Look { .. } | Intent::Stuck(_))).collect()
}

/// What takes the labels off a version, if it has any.
fn clear(view: View<'_>, dropped: &Published) -> Option<Intent> {
    let labels: Vec<String> = dropped.labels.iter().cloned().collect();
    if labels.is_empty() {
        return None;
    }
    let reason = Reason::Dropped { version: dropped.version, labels: labels.clone() };
    let build = view.build_of(dropped);
    let newer = build.and_then(|build| view.version_of(build)).filter(|newer| !is_dropped(&view, newer));
    if let Some(newer) = newer {
        return Some(label(view, newer, labels, reason));
    }
    if labels.iter().all(|label| is_bookkeeping(label)) {
        return Some(Intent::Unlabel { version: dropped.version, labels, reason });
    }
    let full = Intent::Stuck(Reason::Full { version: dropped.version, labels });
    Some(match build.map(|build| put(view, build, reason)) {
        None | Some(Intent::Stuck(_)) => full,
        Some(intent) => intent,
    })
}

/// Writes the build of a version that is soon dropped again before a label goes there: at once, for whatever else is
/// written before would take its place.
pub(super) fn renew(view: View<'_>, target: &Published) -> Option<Intent> {
    let build = view.build_of(target).filter(|_| is_dropped(&view, target))?;
    let labels = target.labels.iter().cloned().collect();
    let renewed = put(view, build, Reason::Dropped { version: target.version, labels });
    let first = oldest(&view).first().filter(|first| first.version != target.version);
    let blocks = first.and_then(|first| clear(view, first));
    match (&renewed, blocks) {
        (Intent::Put { .. }, Some(blocks @ (Intent::Label { .. } | Intent::Unlabel { .. }))) => Some(blocks),
        _ => Some(renewed),
    }
}

/// The label that a build's newest version lacks, newest builds first. Not for versions that are soon dropped.
pub(super) fn missing_label(view: View<'_>) -> Option<Intent> {
    let mut seen = BTreeSet::new();
    let newest_versions = view.ours().rev().filter(|(build, _)| seen.insert(*build));
    let mut lacking = newest_versions.filter(|(build, published)| {
        !published.has(&build_label(build)) && published.labels.len() < MOST_LABELS && !is_dropped(&view, published)
    });
    let (build, Published { version, .. }) = lacking.next()?;
    let reason = Reason::Unlabelled(*version);
    Some(Intent::Label { version: *version, labels: vec![build_label(build)], reason })
}

/// Whether a version is soon dropped.
pub(super) fn is_dropped(view: &View<'_>, published: &Published) -> bool {
    oldest(view).iter().any(|oldest| oldest.version == published.version)
}

/// Whether nobody relies on a label: what it says is in the history anyway, or is about the newest build only.
pub(super) fn is_bookkeeping(label: &str) -> bool {
    label == ANNOUNCED || is_build_label(label)
}
