//! What a run plans and does, held against the oracle.

use super::*;

impl Simulation {
    /// Plans, and holds the plan against the oracle.
    pub(super) fn check(&mut self, wrong_digest: bool) -> Checked<Planned> {
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

    pub(super) fn verdicts(
        &self,
        sight: Sight<'_>,
        planned: &Planned,
        decided: &BTreeMap<usize, &Decision>,
    ) -> Vec<Verdict> {
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
    pub(super) fn compare(&self, sight: Sight<'_>, image: usize, verdict: &Verdict, decision: &Decision) -> Checked {
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
    pub(super) fn asks(&self, sight: Sight<'_>, image: usize, decision: &Decision) -> Checked {
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
    pub(super) fn check_breaker(&self, plan: &Plan, world: &World, sight: Sight<'_>) -> Checked {
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
    pub(super) fn check_progress(&mut self, sight: Sight<'_>, planned: &Planned, verdicts: &[Verdict]) -> Checked {
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
            let (since, was) = self.clear.entry(image).or_insert((world.now, it.status));
            // Somebody made it AVAILABLE again by hand: the policy begins anew.
            if it.status == Status::Available && *was != Status::Available {
                *since = world.now;
            }
            *was = it.status;
            let since = *since;
            let policy = Oracle { sight, rules: self.account.rules, stays: &[] }.policy(it.family);
            let Asked::Policy(policy) = policy else { continue };
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

    pub(super) fn count(&mut self, world: &World, planned: &Planned, verdicts: &[Verdict]) {
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

    /// The last look, held against the oracle too: whether the image may be disabled or deleted now.
    pub(super) fn looks_right(
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
    pub(super) fn shares_are_back(&mut self, planned: &Planned) -> Checked {
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

fn stage(status: Status) -> Option<Stage> {
    match status {
        Status::Available => Some(Stage::Deprecate),
        Status::Deprecated => Some(Stage::Disable),
        Status::Disabled | Status::Failed | Status::Cancelled => Some(Stage::Delete),
        Status::Building | Status::Deleted => None,
    }
}
