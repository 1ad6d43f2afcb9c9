//! Runs of the function, one after the other, held against the oracle at each moment.

use super::accounts::{Account, END, Trouble};
use super::events::Event;
use super::oracle::{Missing, Oracle, Stage, Verdict, Why};
use super::sight::{Call, Fault, Sight, ami_id, time};
use super::world::*;
use deprecate_images::plan::{self, AccountFacts, Action, Decision, Lineage, Plan, Reason, recheck, turns};
use deprecate_images::policy::Policy as Defaults;
use deprecate_images::{Mode, Settings};
use shared::age::Age;
use std::collections::{BTreeMap, BTreeSet};

/// What went wrong, as text.
pub(crate) type Checked<T = ()> = Result<T, String>;

pub(crate) struct Simulation {
    account: Account,
    settings: Settings,
    fates: Vec<u16>,
    /// By image: since which run nothing has been against its way out.
    clear: BTreeMap<usize, Time>,
    /// How often what happened.
    pub(crate) tally: BTreeMap<String, usize>,
    /// What happened, for people.
    pub(crate) story: Vec<String>,
    pub(crate) tells: bool,
    /// Whether something happened since the plan was made.
    changed: bool,
    /// Whether everything that is asked for succeeds at once; reports aren't asked for.
    at_once: bool,
}

/// A plan, and what it was made from.
#[derive(Clone)]
struct Planned {
    plan: Plan,
    /// Families that the run got to.
    reached: BTreeSet<usize>,
}

/// How far a run gets before it is cut off.
struct Breath(usize);

/// The run was cut off.
struct Cut;

impl Breath {
    /// One more call that changes something.
    fn spend(&mut self) -> Result<(), Cut> {
        self.0 = self.0.checked_sub(1).ok_or(Cut)?;
        Ok(())
    }
}

fn settings(account: &Account) -> Settings {
    let age = |time: Time| -> Age { format!("{}h", time / HOUR).parse().unwrap() };
    let Policy { keep, deprecate, disable, delete, failed } = account.rules.defaults;
    Settings {
        mode: Mode::Apply,
        policy: Defaults {
            never: false,
            keep,
            deprecate_after: age(deprecate),
            disable_after: age(disable),
            delete_after: age(delete),
        },
        failed_after: age(failed),
        last_launched_days: u16::try_from(account.rules.last_launched / DAY).unwrap(),
        max_per_run: account.limits.run,
        max_percent: account.limits.percent,
        max_at_once: 5,
        launch_template_depth: u16::try_from(account.world.depth).unwrap(),
        parameter_prefix: "/golden-images".to_owned(),
        share_targets: Default::default(),
        reports: "arn:aws:sns:us-east-1:123456789012:reports".parse().unwrap(),
        execution_role: "arn:aws:iam::123456789012:role/lifecycle".parse().unwrap(),
        target_role: None,
    }
}

impl Simulation {
    pub(crate) fn new(account: Account, fates: Vec<u16>) -> Self {
        let settings = settings(&account);
        Self {
            account,
            settings,
            fates,
            clear: BTreeMap::new(),
            tally: BTreeMap::new(),
            story: Vec::new(),
            tells: false,
            changed: false,
            at_once: false,
        }
    }

    /// All runs. Before the one with this number is carried out, it is cut off after each of its calls and repeated.
    pub(crate) fn run(&mut self, cut: usize) -> Checked {
        let mut events = std::mem::take(&mut self.account.events).into_iter().peekable();
        let mut now = 0;
        let mut number = 0;
        while now < END {
            let mut late = Vec::new();
            while let Some(event) = events.next_if(|event| event.at <= now) {
                if event.late {
                    late.push(event);
                } else {
                    self.account.world.pass(event.at);
                    self.happen(event);
                }
            }
            self.account.world.pass(now);
            let planned = self.check(number == cut)?;
            self.changed = false;
            if number == cut {
                self.lineage_changes_nothing()?;
                self.cut_off(&planned)?;
            }
            self.changed = !late.is_empty();
            for event in late {
                self.happen(event);
            }
            let world = self.account.world.clone();
            let faults = self.faults(true);
            let (world, done) = self.apply(world, &planned, &faults, &mut Breath(usize::MAX));
            done?;
            self.account.world = world;
            self.shares_are_back(&planned)?;
            now += self.account.period;
            number += 1;
        }
        Ok(())
    }

    fn happen(&mut self, event: Event) {
        self.story.push(format!("{}: {event:?}", day(event.at)));
        event.happen(&mut self.account.world);
    }

    fn tell(&mut self, planned: &Planned, faults: &[Fault]) {
        self.story.push(format!("{}: run, without {faults:?}", day(self.account.world.now)));
        self.story.extend(told(&planned.plan));
    }

    fn faults(&self, late: bool) -> Vec<Fault> {
        let now = self.account.world.now;
        let active = |it: &&Trouble| (it.from..it.until).contains(&now) && (late || !it.late);
        self.account.troubles.iter().filter(active).map(|it| it.fault).collect()
    }

    /// What the function plans, seen like this.
    fn plan(&self, sight: Sight<'_>, approve: Option<&str>) -> Planned {
        self.plan_with(sight, &sight.account(), approve)
    }

    /// What is made of what, known beforehand, saves memory and changes nothing.
    fn lineage_changes_nothing(&self) -> Checked {
        let faults = self.faults(false);
        let sight = Sight { world: &self.account.world, faults: &faults };
        let mut facts = sight.account();
        let mut lineage = Lineage::default();
        for family in 0..sight.world.families.len() {
            sight.listed(family).for_each(|image| lineage.add(&sight.build(image, false).parent));
        }
        facts.lineage = Some(lineage);
        let (with, without) = (self.plan_with(sight, &facts, None), self.plan(sight, None));
        if actions(&with.plan) != actions(&without.plan) {
            return Err(format!("{}: what is known beforehand changes what is done", day(sight.world.now)));
        }
        Ok(())
    }

    fn plan_with(&self, sight: Sight<'_>, facts: &AccountFacts, approve: Option<&str>) -> Planned {
        let world = sight.world;
        let now = time(world.now);
        let mut account = plan::Account::new(facts, &self.settings, now);
        let names = world.families.iter().map(|family| family.name.clone()).collect();
        let most = if self.account.limits.families == 0 { usize::MAX } else { self.account.limits.families };
        let (mut decisions, mut reached) = (Vec::new(), BTreeSet::new());
        for (place, name) in turns::order(names, now, None).into_iter().enumerate() {
            let index = world.families.iter().position(|family| family.name == name).unwrap();
            let mut family = sight.family(index);
            if place >= most {
                account.leave(&family);
                continue;
            }
            let candidates = plan::candidates(facts, &family, &self.settings, now);
            let candidates = candidates.into_iter().map(|it| (it.build.arn.clone(), it.is_near)).collect();
            sight.look_closely(index, &candidates, &mut family);
            decisions.extend(account.add(&family));
            reached.insert(index);
        }
        let mut plan = account.finish(approve);
        plan.decisions.extend(decisions);
        Planned { plan, reached }
    }

    /// Plans, and holds the plan against the oracle.
    fn check(&mut self, wrong_digest: bool) -> Checked<Planned> {
        let world = self.account.world.clone();
        let faults = self.faults(false);
        let sight = Sight { world: &world, faults: &faults };
        let mut planned = self.plan(sight, None);
        if self.tells {
            self.tell(&planned, &faults);
        }
        let decided = decided(&planned.plan, sight);
        self.check_breaker(&planned.plan, &world, sight)?;
        let verdicts = self.verdicts(sight, &planned, &decided);
        for (image, verdict) in verdicts.iter().enumerate() {
            let it = &world.images[image];
            if it.status == Status::Deleted || !sight.listed(it.family).any(|listed| listed == image) {
                continue;
            }
            let name = world.image_name(image);
            let say = |what: &str| {
                let decision = decided.get(&image);
                format!("{}: {name}: {what}\noracle: {verdict:?}\ndecision: {decision:#?}", day(world.now))
            };
            let reached = planned.reached.contains(&it.family);
            let Some(decision) = decided.get(&image) else {
                if reached && !planned.plan.skipped.contains_key(&world.families[it.family].name) {
                    return Err(say("not decided on, and no reason why"));
                }
                continue;
            };
            if decision.step.reason.is_empty() {
                return Err(say("no reason"));
            }
            self.compare(sight, image, verdict, decision).map_err(|what| say(&what))?;
        }
        self.check_progress(sight, &planned, &verdicts)?;
        self.count(&world, &planned, &verdicts);
        if !planned.plan.held_back.is_empty() {
            if wrong_digest && self.plan(sight, Some(&"0".repeat(64))).plan.held_back.is_empty() {
                return Err(format!("{}: a wrong digest lets the plan through", day(world.now)));
            }
            if self.account.limits.approved {
                let digest = planned.plan.digest.clone().ok_or("a plan that is held back has no digest")?;
                let approved = self.plan(sight, Some(&digest));
                if !approved.plan.held_back.is_empty() {
                    return Err(format!("{}: approved and held back: {:?}", day(world.now), approved.plan.held_back));
                }
                planned = approved;
            }
        }
        Ok(planned)
    }

    fn verdicts(&self, sight: Sight<'_>, planned: &Planned, decided: &BTreeMap<usize, &Decision>) -> Vec<Verdict> {
        let _ = planned;
        let stays: Vec<bool> = (0..sight.world.images.len())
            .map(|image| match decided.get(&image).map(|decision| &decision.step.action) {
                Some(Action::Deprecate { .. } | Action::Disable { .. } | Action::Delete) => false,
                Some(Action::Restore { .. }) => true,
                Some(Action::Keep) | None => sight.world.images[image].status == Status::Available,
            })
            .collect();
        Oracle { sight, rules: self.account.rules, stays: &stays }.verdicts()
    }

    /// Whether what was decided on an image is what has to be.
    fn compare(&self, sight: Sight<'_>, image: usize, verdict: &Verdict, decision: &Decision) -> Checked {
        let it = &sight.world.images[image];
        let taken = match &decision.step.action {
            Action::Deprecate { .. } => Some(Stage::Deprecate),
            Action::Disable { .. } => Some(Stage::Disable),
            Action::Delete => Some(Stage::Delete),
            Action::Keep | Action::Restore { .. } => None,
        };
        let stage = stage(it.status);
        if taken.is_some() && (taken != stage || !verdict.against.is_empty()) {
            return Err("taken further".to_owned());
        }
        let taken_back = matches!(decision.step.action, Action::Restore { .. });
        if verdict.is_due() && taken.is_none() && !(taken_back && it.status == Status::Available) {
            return Err("due, and not taken further".to_owned());
        }
        let ours = match it.status {
            Status::Deprecated => it.deprecated_by_us.is_some(),
            Status::Disabled => it.disabled_by_us.is_some(),
            _ => false,
        };
        if ours && verdict.has_to_come_back() && !taken_back {
            return Err("claimed, and not taken back".to_owned());
        }
        if let [why] = verdict.against[..]
            && verdict.open.is_none()
        {
            if !decision.step.reason.iter().any(|reason| names(reason, why)) {
                return Err(format!("{why:?} isn't among the reasons"));
            }
            if why == Why::Unknown(Missing::Report) {
                return self.asks(sight, image, decision);
            }
        }
        Ok(())
    }

    /// A report that is all that is missing has to be asked for, unless it is on its way.
    fn asks(&self, sight: Sight<'_>, image: usize, decision: &Decision) -> Checked {
        let world = sight.world;
        for &ami in &world.images[image].amis {
            let it = &world.amis[ami];
            let shared = !it.shares.is_empty() || !it.lost.is_empty();
            let newest = world.reports.iter().rev().find(|report| report.ami == ami);
            let there = newest.is_some_and(|report| {
                report.ready > world.now || (!report.failed && report.created >= world.now - REPORT_AGE)
            });
            let asked = decision.ask.iter().any(|asked| asked.id == ami_id(ami));
            if shared && !there && !sight.lacks_of_ami(Call::Reports, ami) && !asked {
                return Err(format!("no report of {} is asked for", ami_id(ami)));
            }
        }
        Ok(())
    }

    /// The circuit breaker: what is not held back is within the limits, and what is held back isn't.
    fn check_breaker(&self, plan: &Plan, world: &World, sight: Sight<'_>) -> Checked {
        let limited: Vec<&Decision> = plan.decisions.iter().filter(|it| it.step.action.is_limited()).collect();
        // However small a share is, one image may be disabled and one deleted.
        let most = |images: usize, of: &[&&Decision]| {
            let deleted = |it: &&&&Decision| it.step.action == Action::Delete;
            let deletions = of.iter().filter(deleted).count();
            (images * self.account.limits.percent / 100).max(deletions.min(1) + (of.len() - deletions).min(1))
        };
        let (mut all, mut all_but_failed) = (0, 0);
        let (mut over, mut perhaps) = (limited.len() > self.account.limits.run, false);
        for family in 0..world.families.len() {
            let of = |it: &&&Decision| it.image.family == world.families[family].name;
            let taken: Vec<&&Decision> = limited.iter().filter(of).collect();
            let images: Vec<usize> = sight.listed(family).collect();
            let ended = |image: &&usize| {
                !matches!(world.images[**image].status, Status::Failed | Status::Cancelled | Status::Building)
            };
            let but_failed = images.iter().filter(ended).count();
            over |= taken.len() > most(images.len(), &taken);
            perhaps |= taken.len() > most(but_failed, &taken);
            all += images.len();
            all_but_failed += but_failed;
        }
        let taken: Vec<&&Decision> = limited.iter().collect();
        over |= taken.len() > most(all, &taken);
        perhaps |= over || taken.len() > most(all_but_failed, &taken);
        match plan.held_back.is_empty() {
            true if over => Err(format!("{}: {} images pass the circuit breaker", day(world.now), limited.len())),
            false if !perhaps => Err(format!("{}: held back for nothing: {:?}", day(world.now), plan.held_back)),
            _ => Ok(()),
        }
    }

    /// What nothing has been against is gone within the policy's time, with a run for each step and some for what takes
    /// its time.
    fn check_progress(&mut self, sight: Sight<'_>, planned: &Planned, verdicts: &[Verdict]) -> Checked {
        let world = sight.world;
        for (image, verdict) in verdicts.iter().enumerate() {
            let it = &world.images[image];
            let waits = |why: &Why| matches!(why, Why::Younger | Why::UnderWay | Why::Unknown(Missing::Report));
            let is_younger = verdict.against.contains(&Why::Younger);
            let on_its_way = it.status != Status::Available || !is_younger;
            let free = verdict.open.is_none() && verdict.against.iter().all(waits) && on_its_way;
            let let_be = planned.reached.contains(&it.family)
                && (planned.plan.held_back.is_empty() || self.account.limits.approved)
                && self.account.troubles.is_empty();
            if matches!(it.status, Status::Deleted | Status::Building) || !free || !let_be {
                self.clear.remove(&image);
                continue;
            }
            let since = *self.clear.entry(image).or_insert(world.now);
            let policy = Oracle { sight, rules: self.account.rules, stays: &[] }.policy(it.family);
            let super::oracle::Asked::Policy(policy) = policy else { continue };
            // Each step: until the run that finds it due, a report asked for and made, the step itself.
            let run = self.account.period;
            let most = policy.disable + policy.delete + 3 * (run + 2 * run.max(12 * HOUR) + run.max(6 * HOUR));
            if world.now - since > most {
                let name = world.image_name(image);
                return Err(format!("{}: {name}: free since {} and still there", day(world.now), day(since)));
            }
        }
        Ok(())
    }

    fn count(&mut self, world: &World, planned: &Planned, verdicts: &[Verdict]) {
        let mut count = |what: String| *self.tally.entry(what).or_default() += 1;
        for decision in &planned.plan.decisions {
            count(format!("action {}", decision.step.action.name()));
        }
        if !planned.plan.held_back.is_empty() {
            count("run held back".to_owned());
        }
        for (image, verdict) in verdicts.iter().enumerate() {
            match (world.images[image].status, &verdict.against[..]) {
                (Status::Deleted, _) => {}
                (_, [only]) => count(format!("only {only:?}")),
                (_, []) => count(format!("open {:?}", verdict.open)),
                _ => count("several reasons".to_owned()),
            }
        }
    }

    /// The same end, wherever the run is cut off before it is repeated.
    fn cut_off(&mut self, planned: &Planned) -> Checked {
        let faults = self.faults(false);
        let plain = self.plan(Sight { world: &self.account.world, faults: &faults }, None);
        // An approval is for what was planned as a whole: what is left of it has to be approved anew.
        if !plain.plan.held_back.is_empty() {
            return Ok(());
        }
        // What takes its time, or fails, only has to be asked for once.
        for at_once in [false, true] {
            self.at_once = at_once;
            let whole = self.cut_off_after(planned, &faults, usize::MAX)?.0;
            for calls in 0.. {
                let say = |what: &str| format!("{}: cut off after {calls} calls: {what}", day(whole.now));
                let (world, ended) = self.cut_off_after(planned, &faults, calls).map_err(|what| say(&what))?;
                let (left, right) = (end_state(&whole), end_state(&world));
                if at_once && left != right {
                    let differs: Vec<_> = left.iter().zip(&right).filter(|(left, right)| left != right).collect();
                    return Err(say(&format!("{differs:#?}")));
                }
                if ended {
                    break;
                }
            }
        }
        self.at_once = false;
        Ok(())
    }

    /// The world after a run that was cut off and repeated, and whether it came to its end before.
    fn cut_off_after(&self, planned: &Planned, faults: &[Fault], calls: usize) -> Checked<(World, bool)> {
        let mut breath = Breath(calls);
        let (mut world, done) = self.apply(self.account.world.clone(), planned, faults, &mut breath);
        done?;
        // What was asked for may be there at once: a repeated run sees it, and takes the step behind it.
        for _ in 0..2 {
            let again = self.plan(Sight { world: &world, faults }, None);
            let (next, done) = self.apply(world, &again, faults, &mut Breath(usize::MAX));
            done?;
            world = next;
        }
        Ok((world, breath.0 > 0))
    }

    /// Carries a plan out, as far as its breath goes.
    fn apply(&self, mut world: World, planned: &Planned, faults: &[Fault], breath: &mut Breath) -> (World, Checked) {
        let mut decisions: Vec<&Decision> = planned.plan.decisions.iter().collect();
        decisions.sort_by_key(|decision| match decision.step.action {
            Action::Restore { .. } => 0,
            Action::Deprecate { .. } => 1,
            Action::Disable { .. } => 2,
            Action::Delete | Action::Keep => 3,
        });
        for decision in decisions {
            match self.carry_out(&mut world, planned, decision, faults, breath) {
                Ok(Ok(())) => {}
                Ok(Err(Cut)) => break,
                Err(what) => return (world, Err(what)),
            }
        }
        (world, Ok(()))
    }

    /// What the function asks for ends like this, whenever it asks.
    fn fate(&self, image: usize, to: Status) -> (Time, Fate) {
        let drawn = match self.fates.len() {
            _ if self.at_once => 0,
            0 => 0,
            count => self.fates[(image * 5 + to as usize) % count],
        };
        let takes = [0, 0, HOUR, 5 * HOUR, 0, 30 * HOUR][usize::from(drawn) % 6];
        let fate = match drawn / 6 % 20 {
            18 => Fate::Fails,
            19 => Fate::Skips,
            _ => Fate::Succeeds,
        };
        (takes, fate)
    }

    fn carry_out(
        &self,
        world: &mut World,
        planned: &Planned,
        decision: &Decision,
        faults: &[Fault],
        breath: &mut Breath,
    ) -> Checked<Result<(), Cut>> {
        let image = find(world, &decision.image).ok_or("a decision on an image that isn't there")?;
        macro_rules! spend {
            () => {
                if breath.spend().is_err() {
                    return Ok(Err(Cut));
                }
            };
        }
        for asked in decision.ask.iter().filter(|_| !self.at_once) {
            let ami = (0..world.amis.len()).find(|&ami| ami_id(ami) == asked.id).unwrap();
            spend!();
            let asked = world.reports.iter().filter(|report| report.ami == ami).count();
            let drawn = self.fates.get((ami + asked) % self.fates.len().max(1)).copied().unwrap_or(0);
            let users = world.users_elsewhere(ami, world.depth);
            let (created, failed) = (world.now, drawn % 50 == 49 && asked % 3 == 0);
            let ready = created + [HOUR, HOUR, 5 * HOUR, 11 * HOUR][usize::from(drawn / 50) % 4];
            world.reports.push(Report { ami, created, ready, failed, users });
        }
        let action = &decision.step.action;
        if action.is_limited()
            && (!planned.plan.held_back.is_empty() || !self.looks_right(world, planned, decision, image, faults)?)
        {
            return Ok(Ok(()));
        }
        let to = match action {
            Action::Keep => return Ok(Ok(())),
            Action::Deprecate { tags } => {
                spend!();
                world.images[image].tags.extend(tags.clone());
                Status::Deprecated
            }
            Action::Disable { tags, untag } => {
                if !untag.is_empty() {
                    spend!();
                    untag.iter().for_each(|tag| _ = world.images[image].tags.remove(tag));
                }
                spend!();
                world.images[image].tags.extend(tags.clone());
                Status::Disabled
            }
            Action::Delete => Status::Deleted,
            Action::Restore { .. } => Status::Available,
        };
        let back = matches!(action, Action::Restore { .. });
        if !back || world.images[image].status != Status::Available {
            spend!();
            if world.images[image].running().is_some() {
                return Err(format!("{}: two state updates of {}", day(world.now), world.image_name(image)));
            }
            let (takes, fate) = self.fate(image, to);
            world.start(image, to, takes, fate);
        } else if let Action::Restore { shares, untag, .. } = action {
            // Only a run that finds the image AVAILABLE can share its AMIs, those that aren't disabled still.
            let mut all = true;
            for (ami, shares) in shares {
                let ami = (0..world.amis.len()).find(|&it| ami_id(it) == ami.id).unwrap();
                all &= !world.amis[ami].disabled;
                if !world.amis[ami].disabled {
                    spend!();
                    let lists = shares.accounts.iter().chain(&shares.organizations).cloned();
                    world.amis[ami].shares.extend(lists);
                }
            }
            if all && !untag.is_empty() {
                spend!();
                untag.iter().for_each(|tag| _ = world.images[image].tags.remove(tag));
            }
        }
        Ok(Ok(()))
    }

    /// The last look, held against the oracle too: whether the image may be disabled or deleted now.
    fn looks_right(
        &self,
        world: &World,
        planned: &Planned,
        decision: &Decision,
        image: usize,
        faults: &[Fault],
    ) -> Checked<bool> {
        let sight = Sight { world, faults };
        let found = recheck(decision, sight.fresh(image), &self.settings, time(world.now));
        let decided = decided(&planned.plan, sight);
        let verdict = &self.verdicts(sight, planned, &decided)[image];
        let say = |what: &str| {
            let found = &found;
            let name = world.image_name(image);
            Err(format!(
                "{}: {name}: {what}\noracle: {verdict:?}\nlast look: {found:#?}\n{decision:#?}",
                day(world.now)
            ))
        };
        match &found {
            Ok(()) if verdict.against.iter().any(|why| why.is_seen_last()) => say("taken further at the last look"),
            // What changed may have made it harmless, too, but not what was planned.
            Err(_) if verdict.is_due() && !self.changed => say("due, and refused at the last look"),
            Err(reasons) if reasons.is_empty() => say("refused at the last look without a reason"),
            found => Ok(found.is_ok()),
        }
    }

    /// What is AVAILABLE again has its shares back, if the run could see and do all.
    fn shares_are_back(&mut self, planned: &Planned) -> Checked {
        let clean = self.faults(true).is_empty();
        let world = &mut self.account.world;
        for image in 0..world.images.len() {
            let it = &world.images[image];
            let decision = planned.plan.decisions.iter().find(|decision| find(world, &decision.image) == Some(image));
            let seen = decision.is_some_and(|decision| decision.facts.status.to_string() == "AVAILABLE");
            let settled = it.status == Status::Available && it.running().is_none();
            let skipped = planned.plan.skipped.contains_key(&world.families[it.family].name);
            if !(clean && seen && settled && planned.reached.contains(&it.family)) || skipped {
                continue;
            }
            let (name, now) = (world.image_name(image), world.now);
            for ami in it.amis.clone() {
                let it = &mut world.amis[ami];
                if !it.disabled && !it.deregistered && !it.lost.is_subset(&it.shares) {
                    let (lost, shares) = (&it.lost, &it.shares);
                    return Err(format!("{}: {name} is back without its shares {lost:?}: {shares:?}", day(now)));
                }
                it.lost.clear();
            }
        }
        Ok(())
    }
}

fn stage(status: Status) -> Option<Stage> {
    match status {
        Status::Available => Some(Stage::Deprecate),
        Status::Deprecated => Some(Stage::Disable),
        Status::Disabled | Status::Failed | Status::Cancelled => Some(Stage::Delete),
        Status::Building | Status::Deleted => None,
    }
}

fn decided<'a>(plan: &'a Plan, sight: Sight<'_>) -> BTreeMap<usize, &'a Decision> {
    plan.decisions.iter().map(|decision| (find(sight.world, &decision.image).unwrap(), decision)).collect()
}

fn find(world: &World, arn: &shared::arn::ImageBuildArn) -> Option<usize> {
    let shared::version::Version { major, minor, patch } = arn.version;
    world
        .images
        .iter()
        .position(|it| it.order() == ([major, minor, patch], arn.build) && world.families[it.family].name == arn.family)
}

/// A plan, for people.
fn told(plan: &Plan) -> Vec<String> {
    let mut told = Vec::new();
    for Decision { image, step, next, ask, .. } in &plan.decisions {
        let shown: Vec<String> = step.reason.iter().map(ToString::to_string).collect();
        let (family, version, build) = (&image.family, image.version, image.build);
        let action = step.action.name();
        told.push(format!("    {family}/{version}/{build}: {action} {shown:?} {next:?} asks {}", ask.len()));
    }
    if !plan.held_back.is_empty() {
        told.push(format!("    held back: {:?}", plan.held_back));
    }
    if !plan.skipped.is_empty() {
        told.push(format!("    skipped: {:?}", plan.skipped));
    }
    told
}

fn actions(plan: &Plan) -> BTreeMap<String, &Action> {
    plan.decisions.iter().map(|it| (it.image.to_string(), &it.step.action)).collect()
}

fn day(now: Time) -> String {
    format!("day {}, {:02} h", now.div_euclid(DAY), now.rem_euclid(DAY) / HOUR)
}

/// What has to be the same however often a run was cut off.
fn end_state(world: &World) -> Vec<String> {
    let images = world.images.iter().map(|it| {
        let asked: Vec<_> = it.executions.iter().map(|it| (it.to, it.started)).collect();
        format!("{:?} {:?} {asked:?}", it.status, it.tags)
    });
    let amis =
        world.amis.iter().map(|it| format!("{} {} {:?} {:?}", it.deregistered, it.disabled, it.deprecated, it.shares));
    images.chain(amis).collect()
}

/// Whether a reason says what the oracle says.
fn names(reason: &Reason, why: Why) -> bool {
    match why {
        Why::InUse => matches!(reason, Reason::InUse { .. } | Reason::Published(_)),
        Why::UsedElsewhere => matches!(reason, Reason::UsedBy { .. }),
        Why::Public => matches!(reason, Reason::Public(_)),
        Why::PublishedNow => matches!(reason, Reason::Published(_)),
        Why::PublishedBefore => matches!(reason, Reason::Previous(_)),
        Why::Channel => matches!(reason, Reason::Channel { .. }),
        Why::ParentOfPipeline => matches!(reason, Reason::ParentOfPipeline(_)),
        Why::ParentOfImage => matches!(reason, Reason::ParentOfImage(_) | Reason::ParentOfPipeline(_)),
        Why::KeepTag => matches!(reason, Reason::KeepTag(_)),
        Why::Newest => matches!(reason, Reason::Newest { .. }),
        Why::Younger => {
            matches!(reason, Reason::Younger { .. } | Reason::NotSuperseded(_) | Reason::Unpublished)
        }
        Why::Launched => matches!(reason, Reason::Launched { .. }),
        Why::Outside => {
            matches!(reason, Reason::AmiGone(_) | Reason::Outside(_) | Reason::Protected(_) | Reason::Disagree { .. })
        }
        Why::UnderWay => matches!(reason, Reason::UnderWay(_) | Reason::InFlight(_)),
        Why::Never => matches!(reason, Reason::Never),
        // The family is skipped as a whole, with the reason.
        Why::BadTag => true,
        Why::Unknown(Missing::Report) => matches!(reason, Reason::NoUsageReport { .. } | Reason::Missing(_)),
        Why::Unknown(_) => matches!(reason, Reason::Missing(_) | Reason::NoUsageReport { .. }),
    }
}
