//! The account as a whole: what depends on other families, and the circuit breaker.

use super::facts::{AccountFacts, FamilyFacts, Parent};
use super::family::{Judge, Judged};
use super::parents::Needed;
use super::reason::{Reason, Weight};
use super::{Action, Counts, Decision, FollowUp, Odd, Plan, Trip};
use crate::settings::Settings;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use shared::image::Status;
use shared::plan::Outcome;
use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;
use std::fmt::Write;

/// So many images that a person should look at are named.
const ODD: usize = 50;

/// So many executions that didn't do all that they should are named.
const FOLLOW_UPS: usize = 200;

/// An account that is planned family by family. What a family needs is forgotten once it is added; only images that are
/// on their way out are held until the end, since an image of a later family may turn out to be made of them.
#[derive(Debug)]
pub struct Account<'a> {
    facts: &'a AccountFacts,
    settings: &'a Settings,
    now: DateTime<Utc>,
    open: Vec<Open>,
    needed: Needed,
    plan: Plan,
    /// By family: how many images there are whose share is limited.
    sizes: BTreeMap<String, usize>,
}

/// A decision that an image of another family can change.
#[derive(Debug)]
struct Open {
    decision: Decision,
    /// None if it is no own image.
    parent: Option<Parent>,
    restore: Option<Box<Action>>,
}

impl<'a> Account<'a> {
    /// `now` is the event's time.
    pub fn new(facts: &'a AccountFacts, settings: &'a Settings, now: DateTime<Utc>) -> Self {
        let plan = Plan {
            time: now,
            decisions: Vec::new(),
            counts: Counts::default(),
            skipped: BTreeMap::new(),
            unreached: Vec::new(),
            follow_ups: Vec::new(),
            odd: Vec::new(),
            digest: None,
            held_back: Vec::new(),
        };
        let (open, needed, sizes) = (Vec::new(), Needed::default(), BTreeMap::new());
        Self { facts, settings, now, open, needed, plan, sizes }
    }

    /// Decides on a family with the facts of its candidates. Answers the decisions that are final: images that stay as
    /// they are. The others are those of [`Self::finish`].
    pub fn add(&mut self, facts: &FamilyFacts) -> Vec<Decision> {
        let judge = Judge::new(self.facts, facts, self.settings, self.now);
        let skipped = judge.skipped();
        if !skipped.is_empty() {
            self.plan.skipped.insert(facts.family.clone(), skipped);
        }
        self.note_missing(facts);
        self.plan.counts.families += 1;
        let mut settled = Vec::new();
        for build in &facts.builds {
            let Judged { decision, holds_parent, restore, open } = judge.judge(build);
            self.plan.counts.images += 1;
            if !build.status.is_in_flight() && build.status != Status::Deleted {
                *self.sizes.entry(facts.family.clone()).or_default() += 1;
            }
            if let Some(execution) = build.execution.get().into_iter().flatten().find(|it| it.is_odd()) {
                self.plan.counts.follow_ups += 1;
                if self.plan.follow_ups.len() < FOLLOW_UPS {
                    self.plan.follow_ups.push(FollowUp { image: build.arn.clone(), execution: execution.clone() });
                }
            }
            if let Some(weight) = holds_parent {
                self.needed.add(&build.arn, &build.parent, weight);
            }
            let odd = decision.step.reason.iter().find(|reason| reason.is_odd());
            if let Some(reason) = odd {
                self.plan.counts.odd += 1;
                if self.plan.odd.len() < ODD {
                    self.plan.odd.push(Odd { image: build.arn.clone(), reason: reason.clone() });
                }
            }
            if open {
                let parent = Some(&build.parent).filter(|it| !matches!(it, Parent::Outside(_))).cloned();
                self.open.push(Open { decision, parent, restore: restore.map(Box::new) });
            } else {
                self.plan.counts.add(&decision);
                settled.push(decision);
            }
        }
        settled
    }

    /// Takes note of a family that isn't got to in time. Its builds and what they are made of have to be known all the
    /// same: whatever it is made of is kept.
    pub fn leave(&mut self, facts: &FamilyFacts) {
        for build in facts.builds.iter().filter(|build| build.status != Status::Deleted) {
            self.needed.add(&build.arn, &build.parent, Weight::Holds);
        }
        self.note_missing(facts);
        self.plan.unreached.push(facts.family.clone());
    }

    /// Takes note of a family whose builds couldn't be listed. What they are made of isn't known: nothing goes further.
    pub fn unread(&mut self, family: &str, why: &str) {
        self.any_parent(family, why);
        self.plan.unreached.push(family.to_owned());
    }

    /// Whatever isn't listed of a family may be made of any image.
    fn note_missing(&mut self, facts: &FamilyFacts) {
        if let Some(why) = facts.missing.first() {
            self.any_parent(&facts.family, why);
        }
    }

    fn any_parent(&mut self, family: &str, why: &str) {
        self.needed.unknown(format!("what the images of {family} are made of: {why}"));
    }

    /// Settles what depends on other families. Each family of the account has to be added, left or noted as unread
    /// before. `approve` is the digest of the plan that may pass the circuit breaker.
    pub fn finish(mut self, approve: Option<&str>) -> Plan {
        self.settle();
        self.plan.decisions = self.open.into_iter().map(|open| open.decision).collect();
        self.plan.decisions.sort_unstable_by(Decision::by_family);
        self.plan.digest = digest(&self.plan.decisions);
        self.plan.held_back = trips(&self.plan, &self.sizes, self.settings, approve);
        let held_back = !self.plan.held_back.is_empty();
        for decision in &mut self.plan.decisions {
            // The limits that were passed stand in the plan once: there may be one for each family.
            if decision.step.action.is_limited() && held_back {
                decision.step.outcome = Outcome::skipped("held back by the circuit breaker");
            }
            self.plan.counts.add(decision);
        }
        self.plan
    }

    /// Keeps what kept images are made of, and what that is made of, until nothing changes any more.
    fn settle(&mut self) {
        loop {
            let mut changed = false;
            for Open { decision, parent, restore } in &mut self.open {
                let Some((weight, reason)) = self.needed.reason(decision) else { continue };
                if decision.step.reason.contains(&reason) {
                    continue;
                }
                changed = true;
                let back = restore.take_if(|_| weight == Weight::Claims);
                decision.need(reason, back.map(|back| *back));
                if let Some(parent) = parent {
                    self.needed.add(&decision.image, parent, weight);
                }
            }
            if !changed {
                return;
            }
        }
    }
}

impl Decision {
    /// Family by family, newest first.
    pub(crate) fn by_family(&self, other: &Self) -> Ordering {
        let key = |it: &Self| Reverse(it.image.order());
        self.image.family.cmp(&other.image.family).then_with(|| key(self).cmp(&key(other)))
    }

    /// Keeps it, or takes it back.
    fn need(&mut self, reason: Reason, back: Option<Action>) {
        self.next = None;
        let step = &mut self.step;
        step.reason.retain(|it| !matches!(it, Reason::Due { .. } | Reason::Younger { .. }));
        step.reason.insert(0, reason);
        match back {
            Some(back) => (step.action, step.outcome) = (back, Outcome::Planned),
            None if matches!(step.action, Action::Restore { .. }) => {}
            None => (step.action, step.outcome) = (Action::Keep, Outcome::SKIPPED),
        }
    }
}

impl Counts {
    fn add(&mut self, decision: &Decision) {
        *self.actions.entry(decision.step.action.name()).or_default() += 1;
        if let Some(reason) = decision.step.reason.first() {
            *self.reasons.entry(reason.name()).or_default() += 1;
        }
        if decision.step.action == Action::Delete {
            self.freed_gib += decision.facts.amis.iter().flat_map(|ami| &ami.snapshots).map(|it| it.gib).sum::<u64>();
        }
    }
}

/// What stands for the images that are to be disabled and deleted, with their AMIs.
fn digest(decisions: &[Decision]) -> Option<String> {
    let limited = decisions.iter().filter(|decision| decision.step.action.is_limited());
    let mut lines: Vec<String> = limited
        .map(|Decision { image, step, facts, .. }| {
            let mut amis: Vec<&str> = facts.amis.iter().map(|it| it.ami.id.as_str()).collect();
            amis.sort_unstable();
            format!("{} {image} {}\n", step.action.name(), amis.join(" "))
        })
        .collect();
    lines.sort_unstable();
    let hash = (!lines.is_empty()).then(|| Sha256::digest(lines.concat()))?;
    Some(hash.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("text can always be written to");
        text
    }))
}

/// The limits that are passed. However small a family's share is, one of its images may be disabled and another one
/// deleted: where builds come steadily, both happen on the same day, and a breaker that trips on that is soon ignored.
fn trips(plan: &Plan, sizes: &BTreeMap<String, usize>, settings: &Settings, approve: Option<&str>) -> Vec<Trip> {
    if approve.is_some() && approve == plan.digest.as_deref() {
        return Vec::new();
    }
    let mut by_family: BTreeMap<&str, Steps> = BTreeMap::new();
    let mut all = Steps::default();
    for decision in &plan.decisions {
        let of_family = by_family.entry(&decision.image.family).or_default();
        for steps in [of_family, &mut all] {
            match decision.step.action {
                Action::Disable { .. } => steps.disable += 1,
                Action::Delete => steps.delete += 1,
                _ => {}
            }
        }
    }
    let most = |of: usize, steps: &Steps| (of * settings.max_percent / 100).max(steps.one_of_each());
    let images = all.count();
    if images == 0 {
        return Vec::new();
    }
    let mut trips: Vec<Trip> = approve.map(|it| Trip::Approval { approved: it.to_owned() }).into_iter().collect();
    if images > settings.max_per_run {
        trips.push(Trip::Run { images, most: settings.max_per_run });
    }
    let of: usize = sizes.values().sum();
    if images > most(of, &all) {
        trips.push(Trip::Account { images, most: most(of, &all), of });
    }
    for (family, steps) in by_family {
        let of = sizes.get(family).copied().unwrap_or_default();
        let (images, most) = (steps.count(), most(of, &steps));
        if images > most {
            trips.push(Trip::Family { family: family.to_owned(), images, most, of });
        }
    }
    trips
}

/// How many images are to be taken these steps.
#[derive(Debug, Default)]
struct Steps {
    disable: usize,
    delete: usize,
}

impl Steps {
    fn count(&self) -> usize {
        self.disable + self.delete
    }

    fn one_of_each(&self) -> usize {
        self.disable.min(1) + self.delete.min(1)
    }
}
