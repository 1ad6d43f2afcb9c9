//! Image by image: what its record and what is published say, then what EC2 says.

use super::facts::{AccountFacts, AmiFacts, At, Build, Execution, FamilyFacts, Known, References, Shares};
use super::proof::Expected;
use super::reason::{Reason, Weight};
use super::record::{Record, is_mark, is_retiring, span};
use super::{Action, AmiEvidence, Decision, Evidence, Next, Stage, Step, parents, shares};
use crate::policy::{BadTag, Policy};
use crate::settings::Settings;
use chrono::{DateTime, SecondsFormat, Utc};
use shared::arn::ImageBuildArn;
use shared::image::{Ami, Status};
use shared::plan::Outcome;
use shared::tags;
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// A build of which more has to be known than its record.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Which.
    pub build: &'a Build,
    /// Whether everything has to be known. Of the others, whose step is more than a day away, only what may claim them:
    /// neither whom their AMIs are shared with nor reports of their use elsewhere.
    pub is_near: bool,
}

/// The builds of which EC2 has to be asked, and the execution that was started last. Those are the ones with a step
/// before them, due or not, and those on which a step wasn't finished.
pub fn candidates<'a>(
    account: &AccountFacts,
    facts: &'a FamilyFacts,
    settings: &Settings,
    now: DateTime<Utc>,
) -> Vec<Candidate<'a>> {
    let judge = Judge::new(account, facts, settings, now);
    let candidate = |build| {
        let record = judge.record(build);
        record.is_candidate().then(|| Candidate { build, is_near: record.is_near(now) })
    };
    facts.builds.iter().filter_map(candidate).collect()
}

/// What a family's builds are judged by.
pub(super) struct Judge<'a> {
    pub(super) account: &'a AccountFacts,
    pub(super) facts: &'a FamilyFacts,
    pub(super) settings: &'a Settings,
    pub(super) now: DateTime<Utc>,
    pub(super) policy: Result<Policy, Vec<BadTag>>,
    /// The newest AVAILABLE builds, as many as are kept.
    pub(super) newest: BTreeSet<&'a ImageBuildArn>,
    /// The same, those that this function is retiring among them: what a higher number brings back.
    pub(super) newest_of_all: BTreeSet<&'a ImageBuildArn>,
    /// By build: the pipelines whose recipes stand on it.
    pub(super) live: BTreeMap<&'a ImageBuildArn, Vec<&'a str>>,
}

/// A decision, and what may change it once all families are known.
pub(super) struct Judged {
    pub(super) decision: Decision,
    /// How much its parent is needed for it, if it is kept.
    pub(super) holds_parent: Option<Weight>,
    /// What is done instead if something claims it. None if it is no use to claim it.
    pub(super) restore: Option<Action>,
    /// Whether a claim or a hold of other families can change it.
    pub(super) open: bool,
}

impl<'a> Judge<'a> {
    pub(super) fn new(
        account: &'a AccountFacts,
        facts: &'a FamilyFacts,
        settings: &'a Settings,
        now: DateTime<Utc>,
    ) -> Self {
        let policy = Policy::of(&facts.pipelines, &settings.policy);
        let keep = policy.as_ref().map_or(usize::MAX, |policy| policy.keep);
        let newest = |counts: &dyn Fn(&Build) -> bool| {
            let mut builds: Vec<_> = facts.builds.iter().filter(|it| counts(it)).map(|it| &it.arn).collect();
            builds.sort_unstable_by_key(|arn| Reverse(arn.order()));
            builds.into_iter().take(keep).collect()
        };
        let available = |build: &Build| build.status == Status::Available;
        Self {
            account,
            facts,
            settings,
            now,
            newest: newest(&available),
            newest_of_all: newest(&|build| available(build) || is_retiring(build)),
            live: parents::of_pipelines(account, facts),
            policy,
        }
    }

    /// Why the family is skipped as a whole.
    pub(super) fn skipped(&self) -> Vec<String> {
        let tags = self.policy.as_ref().err().into_iter().flatten().map(ToString::to_string);
        tags.chain(self.facts.missing.iter().cloned()).collect()
    }

    /// What becomes of a build, other families aside.
    pub(super) fn judge(&self, build: &Build) -> Judged {
        let record = self.record(build);
        let mut reasons = record.reasons.clone();
        let mut ask = Vec::new();
        let mut restore = None;
        if record.is_candidate() {
            let (objections, wanted) = self.objections(build, &record, record.is_near(self.now));
            reasons.extend(objections);
            reasons.sort_by_key(|reason| Reverse(reason.weight()));
            ask = wanted;
            let busy = build.execution.get().is_none_or(|last| last.as_ref().is_some_and(Execution::is_under_way));
            // Whoever doesn't know the AMIs would forget their launch permissions.
            let known = build.amis.get().is_some();
            restore = (!busy && known && self.skipped().is_empty()).then(|| back(build, &record));
        }
        let next = record.next();
        let claimed = reasons.iter().any(|reason| reason.weight() == Weight::Claims);
        let waits = record.retiring && !claimed && next.is_some_and(|next| self.now < next.at);
        if waits {
            // What is missing doesn't matter before its time. A report takes a run to be made.
            reasons.retain(|reason| !matches!(reason, Reason::NoUsageReport { .. }));
            reasons.splice(0..0, record.due(false));
        }
        let (action, next) = match (&restore, next) {
            (Some(restore), _) if record.leftover && record.was_disabled() => {
                reasons.insert(0, Reason::Unfinished);
                (restore.clone(), None)
            }
            (Some(restore), _) if claimed && (record.retiring || record.leftover) => (restore.clone(), None),
            (_, Some(next)) if reasons.is_empty() => match self.advance(build, &record, next.step) {
                Ok((action, then)) => {
                    reasons.extend(record.due(true));
                    (action, then)
                }
                Err(reason) => {
                    reasons.push(reason);
                    (Action::Keep, Some(next))
                }
            },
            _ => {
                let only_younger = reasons.iter().all(|reason| matches!(reason, Reason::Younger { .. }));
                (Action::Keep, next.filter(|_| record.retiring || !claimed || only_younger))
            }
        };
        let keeps = action == Action::Keep;
        let holds_parent = match &build.status {
            Status::Deleted => None,
            status if status.is_in_flight() => Some(Weight::Claims),
            _ if matches!(action, Action::Restore { .. }) => Some(Weight::Claims),
            _ if waits || !keeps => None,
            _ if claimed => Some(Weight::Claims),
            _ => Some(Weight::Holds),
        };
        let outcome = if keeps { Outcome::SKIPPED } else { Outcome::Planned };
        reasons.shrink_to_fit();
        let facts = self.evidence(build, &record);
        let step = Step { action, reason: reasons, outcome };
        let decision = Decision { image: build.arn.clone(), step, next, ask, facts };
        // What only waits is held until the end if something may be made of it.
        let open = !keeps || record.retiring;
        Judged { decision, holds_parent, restore: restore.filter(|_| record.retiring), open }
    }

    /// The step itself, and what comes after it.
    fn advance(&self, build: &Build, record: &Record, stage: Stage) -> Result<(Action, Option<Next>), Reason> {
        let Ok(policy) = &self.policy else { return Err(Reason::Missing("its policy".to_owned())) };
        let stamp = self.now.to_rfc3339_opts(SecondsFormat::Secs, true);
        let then = |step, after| Some(Next { step, at: self.now + span(after) });
        match stage {
            Stage::Deprecate => {
                let tags = BTreeMap::from([(tags::DEPRECATED_AT.to_owned(), stamp)]);
                Ok((Action::Deprecate { tags }, then(Stage::Disable, policy.disable_after)))
            }
            Stage::Disable => {
                let mut tags = self.shares(build, record).ok_or(Reason::TooManyShares)?;
                let others = build.tags.get().into_iter().flatten();
                let untag = others.map(|(key, _)| key.clone());
                let untag = untag.filter(|key| key.starts_with(tags::SHARES) && !tags.contains_key(key)).collect();
                tags.insert(tags::DISABLED_AT.to_owned(), stamp);
                Ok((Action::Disable { tags, untag }, then(Stage::Delete, policy.delete_after)))
            }
            Stage::Delete => Ok((Action::Delete, None)),
        }
    }

    /// The launch permissions of the AMIs as tags: as they are now, or of those that are disabled already, as they were.
    fn shares(&self, build: &Build, record: &Record) -> Option<BTreeMap<String, String>> {
        let mut shares = BTreeMap::new();
        for ami in build.amis.get().into_iter().flatten() {
            let facts = self.facts.amis.get(ami)?;
            let at = At::of(ami);
            let disabled = facts.registered.get().and_then(Option::as_ref).is_some_and(|it| it.state == "disabled");
            let before = if disabled { record.remembered.as_ref().ok()?.get(&at) } else { facts.shares.get() };
            shares.insert(at, before.cloned().unwrap_or_default());
        }
        let others = build.tags.get().into_iter().flatten();
        // The tag that says when it was disabled is to come.
        let others = others.filter(|(key, _)| !key.starts_with(tags::SHARES) && *key != tags::DISABLED_AT).count() + 1;
        shares::encode(&shares, others)
    }

    /// What speaks against it as it is, whatever the policy says.
    pub(super) fn against(&self, build: &Build) -> Vec<Reason> {
        let mut record = self.record(build);
        // These depend on the family's other builds and its policy, which were looked at when it was planned.
        let of_family = |reason: &Reason| {
            matches!(
                reason,
                Reason::Newest { .. } | Reason::Younger { .. } | Reason::NotSuperseded(_) | Reason::Unpublished
            )
        };
        record.reasons.retain(|reason| !of_family(reason));
        let (objections, _) = self.objections(build, &record, true);
        record.reasons.into_iter().chain(objections).collect()
    }

    /// Whether the launch permissions aren't those that tags hold.
    pub(super) fn shares_differ(&self, build: &Build, tags: &BTreeMap<String, String>) -> bool {
        let planned = shares::decode(tags).ok();
        let now = self.shares(build, &self.record(build)).and_then(|tags| shares::decode(&tags).ok());
        planned.is_none() || planned != now
    }

    fn evidence(&self, build: &Build, record: &Record) -> Evidence {
        let amis = build.amis.get().map_or(&[][..], Vec::as_slice);
        let amis = amis.iter().map(|ami| AmiEvidence::new(ami, self.facts.amis.get(ami)));
        Evidence {
            status: build.status.clone(),
            created: build.created.get().copied(),
            superseded: record.superseded,
            deprecated: record.deprecated,
            disabled: record.disabled,
            amis: amis.collect(),
        }
    }

    /// What EC2 and the last execution say against it, and of which AMIs a report is needed.
    fn objections(&self, build: &Build, record: &Record, is_near: bool) -> (Vec<Reason>, Vec<Ami>) {
        let mut reasons = Vec::new();
        let (mut ask, mut fresh) = (Vec::new(), Vec::new());
        match &build.execution {
            Known::Unread(why) => reasons.push(Reason::Missing(format!("its last lifecycle execution: {why}"))),
            Known::Is(Some(execution)) if execution.is_under_way() => {
                reasons.push(Reason::UnderWay(execution.id.clone()));
            }
            Known::Is(_) => {}
        }
        let expected = Expected { is_near, ..self.expected(build, record) };
        for ami in build.amis.get().into_iter().flatten() {
            let found = expected.objections(ami, self.facts.amis.get(ami));
            reasons.extend(found.reasons);
            ask.extend(found.ask.then(|| ami.clone()));
            fresh.extend(found.fresh.then(|| ami.clone()));
        }
        // They have to be fresh in one and the same run: asked for in turns, one or the other always is a day old.
        if !ask.is_empty() {
            ask.append(&mut fresh);
        }
        (reasons, ask)
    }

    fn expected<'b>(&'b self, build: &'b Build, record: &'b Record) -> Expected<'b> {
        static NONE: BTreeMap<At, Shares> = BTreeMap::new();
        Expected {
            build,
            began: [record.deprecated, record.disabled].map(|at| at.is_some()),
            remembered: record.remembered.as_ref().unwrap_or(&NONE),
            is_near: true,
            settings: self.settings,
            now: self.now,
        }
    }
}

/// Back to AVAILABLE, with the launch permissions from before.
fn back(build: &Build, record: &Record) -> Action {
    let amis = build.amis.get().into_iter().flatten();
    let remembered = record.remembered.as_ref().ok();
    let shares = amis.filter_map(|ami| Some((ami.clone(), remembered?.get(&At::of(ami))?.clone()))).collect();
    let marks = build.tags.get().into_iter().flatten().map(|(key, _)| key).filter(|key| is_mark(key));
    // What can't be read is left for people.
    let untag = marks.filter(|key| remembered.is_some() || !key.starts_with(tags::SHARES)).cloned().collect();
    Action::Restore { from: build.status.clone(), shares, untag }
}

/// The state of an AMI, without a copy of what most of them are.
fn state(text: &str) -> Cow<'static, str> {
    let usual = ["available", "disabled"].into_iter().find(|usual| *usual == text);
    usual.map_or_else(|| Cow::Owned(text.to_owned()), Cow::Borrowed)
}

impl AmiEvidence {
    fn new(ami: &Ami, facts: Option<&AmiFacts>) -> Self {
        let registered = facts.and_then(|facts| facts.registered.get());
        let there = registered.and_then(Option::as_ref);
        let count = |shares: &Shares| shares.accounts.len() + shares.organizations.len();
        Self {
            ami: ami.clone(),
            state: registered.map(|it| it.as_ref().map_or(Cow::Borrowed("none"), |it| state(&it.state))),
            last_launched: there.and_then(|it| it.last_launched),
            shared: facts.and_then(|facts| facts.shares.get()).map(count),
            references: facts.and_then(|facts| match &facts.references {
                References::None(_) => Some(0),
                References::Some(by) => Some(by.len()),
                References::Unread(_) => None,
            }),
            snapshots: there.map(|it| it.snapshots.clone()).unwrap_or_default(),
        }
    }
}
