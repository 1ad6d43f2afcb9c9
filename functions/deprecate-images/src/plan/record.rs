//! What an image's record, its tags and what is published say: which step is before it, when, and what speaks against
//! that.

use super::facts::{At, Build, Known, Shares};
use super::family::Judge;
use super::published::{self, Superseded};
use super::reason::{Reason, Since};
use super::{Next, Stage, parents, shares};
use chrono::{DateTime, TimeDelta, Utc};
use shared::age::Age;
use shared::image::{Kind, Status};
use shared::tags;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// What an image's record says, EC2 aside.
pub(super) struct Record {
    /// The step before it, if it has one.
    pub(super) stage: Option<Stage>,
    /// When that may be taken.
    pub(super) due: Option<(Age, Since)>,
    /// What speaks against it.
    pub(super) reasons: Vec<Reason>,
    /// Whether this function deprecated or disabled it.
    pub(super) retiring: bool,
    /// Whether tags of an earlier step are left, though it is AVAILABLE.
    pub(super) leftover: bool,
    pub(super) superseded: Option<DateTime<Utc>>,
    pub(super) deprecated: Option<DateTime<Utc>>,
    pub(super) disabled: Option<DateTime<Utc>>,
    pub(super) remembered: Result<BTreeMap<At, Shares>, shares::BadShares>,
}

impl Record {
    /// Whether EC2 has to be asked: a step is before it and nothing speaks against that yet, or it is on its way out.
    pub(super) fn is_candidate(&self) -> bool {
        self.retiring || self.leftover || (self.reasons.is_empty() && self.due.is_some())
    }

    /// Whether it was disabled before: its launch permissions may have to be put back.
    pub(super) fn was_disabled(&self) -> bool {
        self.disabled.is_some() || self.remembered.as_ref().is_ok_and(|shares| !shares.is_empty())
    }

    /// Whether its step comes within a day, by when a report of its use elsewhere can be made. What only waits is looked
    /// at for who claims it, and no closer.
    pub(super) fn is_near(&self, now: DateTime<Utc>) -> bool {
        !self.retiring || self.next().is_none_or(|next| next.at - now <= TimeDelta::days(1))
    }

    /// Why its step is taken, or why not yet.
    pub(super) fn due(&self, over: bool) -> Option<Reason> {
        let (after, since) = self.due.clone()?;
        Some(if over { Reason::Due { after, since } } else { Reason::Younger { after, since } })
    }

    /// The step before it, and when.
    pub(super) fn next(&self) -> Option<Next> {
        let (after, since) = self.due.as_ref()?;
        Some(Next { step: self.stage?, at: since.time() + span(*after) })
    }
}

/// Why an image that is on its way out without a mark of this function stays.
fn by_whom(build: &Build) -> Reason {
    match &build.tags {
        Known::Is(_) => Reason::ByOthers(build.status.to_string()),
        Known::Unread(why) => Reason::Missing(format!("its tags: {why}")),
    }
}

impl Judge<'_> {
    /// What the record says.
    pub(super) fn record(&self, build: &Build) -> Record {
        let none = BTreeMap::new();
        let tags = build.tags.get().unwrap_or(&none);
        let (deprecated, disabled) = (time(tags, tags::DEPRECATED_AT), time(tags, tags::DISABLED_AT));
        let mut record = Record {
            stage: None,
            due: None,
            reasons: Vec::new(),
            retiring: is_retiring(build),
            leftover: false,
            superseded: None,
            deprecated: deprecated.clone().and_then(Result::ok),
            disabled: disabled.clone().and_then(Result::ok),
            remembered: shares::decode(tags),
        };
        match &build.status {
            status if status.is_in_flight() => record.reasons.push(Reason::InFlight(status.to_string())),
            Status::Deleted => record.reasons.push(Reason::Deleted),
            Status::Failed | Status::Cancelled => self.of_failed(build, &mut record),
            _ if build.kind == Kind::Docker => record.reasons.push(Reason::Container),
            Status::Deprecated if deprecated.is_none() => record.reasons.push(by_whom(build)),
            Status::Disabled if disabled.is_none() => record.reasons.push(by_whom(build)),
            _ => {
                let time = match build.status {
                    Status::Deprecated => deprecated,
                    Status::Disabled => disabled,
                    _ => None,
                };
                self.of_built(build, time.transpose(), &mut record);
            }
        }
        if record.stage.is_some() {
            let of_stage = std::mem::take(&mut record.reasons);
            self.of_everything(build, tags, &mut record);
            record.reasons.extend(of_stage);
        }
        record.reasons.sort_by_key(|reason| Reverse(reason.weight()));
        record
    }

    fn of_failed(&self, build: &Build, record: &mut Record) {
        record.stage = Some(Stage::Delete);
        if !build.containers.is_empty() {
            record.reasons.push(Reason::Container);
        }
        let after = self.settings.failed_after;
        match &build.created {
            Known::Unread(why) => record.reasons.push(Reason::Missing(format!("when it was created: {why}"))),
            Known::Is(created) => {
                record.due = Some((after, Since::Created(*created)));
                if self.now < *created + span(after) {
                    record.reasons.push(Reason::Younger { after, since: Since::Created(*created) });
                }
            }
        }
    }

    /// An image that is AVAILABLE, or on its way out by this function since `time`.
    fn of_built(&self, build: &Build, time: Result<Option<DateTime<Utc>>, String>, record: &mut Record) {
        let amis = build.amis.get().map_or(&[][..], Vec::as_slice);
        record.stage = Some(match build.status {
            Status::Available => Stage::Deprecate,
            Status::Deprecated => Stage::Disable,
            _ => Stage::Delete,
        });
        record.leftover = build.status == Status::Available
            && build.tags.get().is_some_and(|tags| tags.keys().any(|key| is_mark(key)));
        if amis.is_empty() && build.amis.get().is_some() {
            record.reasons.push(Reason::Missing("which AMIs it has: its record has none".to_owned()));
        }
        if let Err(error) = &record.remembered {
            record.reasons.push(Reason::Missing(error.to_string()));
        }
        let newest = if record.retiring { &self.newest_of_all } else { &self.newest };
        let policy = self.policy.as_ref().ok();
        if let Some(policy) = policy.filter(|_| newest.contains(&build.arn)) {
            record.reasons.push(Reason::Newest { keep: policy.keep });
        }
        match published::superseded(self.facts, build, amis, self.now) {
            Superseded::Not(reasons) => record.reasons.extend(reasons),
            Superseded::Since(since) => {
                record.superseded = Some(since);
                // What was published when it was deprecated may have left the history since then.
                let known = record.deprecated.or(record.disabled).filter(|_| record.retiring);
                if let Some(policy) = policy {
                    let (after, since) = (policy.deprecate_after, known.map_or(since, |at| since.min(at)));
                    if self.now < since + span(after) && known.is_none_or(|at| since < at) {
                        record.reasons.push(Reason::Younger { after, since: Since::Superseded(since) });
                    }
                    if !record.retiring {
                        record.due = Some((after, Since::Superseded(since)));
                    }
                }
            }
        }
        match (time, policy) {
            (Err(problem), _) => record.reasons.push(Reason::Missing(problem)),
            (Ok(Some(at)), Some(policy)) if build.status == Status::Deprecated => {
                record.due = Some((policy.disable_after, Since::Deprecated(at)));
            }
            (Ok(Some(at)), Some(policy)) => record.due = Some((policy.delete_after, Since::Disabled(at))),
            (Ok(_), _) => {}
        }
    }

    /// What holds for whatever could be taken further.
    fn of_everything(&self, build: &Build, tags: &BTreeMap<String, String>, record: &mut Record) {
        let reasons = &mut record.reasons;
        let amis = build.amis.get().map_or(&[][..], Vec::as_slice);
        let mut missing = |what: &str, why: &str| reasons.push(Reason::Missing(format!("{what}: {why}")));
        if let Known::Unread(why) = &build.tags {
            missing("its tags", why);
        }
        if let Known::Unread(why) = &build.amis {
            missing("its AMIs", why);
        }
        if let Kind::Other(kind) = &build.kind {
            missing("how such images are retired", kind);
        }
        reasons.extend(self.account.missing.iter().chain(&self.skipped()).cloned().map(Reason::Missing));
        reasons.extend(parents::unknown(self.account).map(Reason::Missing));
        if self.policy.as_ref().is_ok_and(|policy| policy.never) {
            reasons.push(Reason::Never);
        }
        if tags.contains_key(tags::KEEP_IMAGE) {
            reasons.push(Reason::KeepTag(None));
        }
        reasons.extend(published::claims(self.facts, build, amis));
        let pipelines = self.live.get(&build.arn).into_iter().flatten();
        reasons.extend(pipelines.map(|pipeline| Reason::ParentOfPipeline((*pipeline).to_owned())));
    }
}

/// Whether this function deprecated or disabled it.
pub(super) fn is_retiring(build: &Build) -> bool {
    let has = |tag: &str| build.tags.get().is_some_and(|tags| tags.contains_key(tag));
    match build.status {
        Status::Deprecated => has(tags::DEPRECATED_AT),
        Status::Disabled => has(tags::DISABLED_AT),
        _ => false,
    }
}

/// Whether a tag is one of those that steps leave behind.
pub(super) fn is_mark(key: &str) -> bool {
    key == tags::DEPRECATED_AT || key == tags::DISABLED_AT || key.starts_with(tags::SHARES)
}

/// The time in a tag, if there is such a tag.
fn time(tags: &BTreeMap<String, String>, tag: &str) -> Option<Result<DateTime<Utc>, String>> {
    let value = tags.get(tag)?;
    let time = DateTime::parse_from_rfc3339(value);
    Some(time.map(|time| time.to_utc()).map_err(|_| format!("when it was: its tag {tag} is {value}")))
}

/// A length of time to reckon with.
pub(super) fn span(age: Age) -> TimeDelta {
    TimeDelta::hours(age.hours())
}
