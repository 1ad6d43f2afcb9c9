//! What becomes of what the function asks for.

use super::*;

impl Simulation {
    /// Carries a plan out, as far as its breath goes.
    pub(super) fn apply(
        &self,
        mut world: World,
        planned: &Planned,
        faults: &[Fault],
        breath: &mut Breath,
    ) -> (World, Checked) {
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
    pub(super) fn fate(&self, image: usize, to: Status) -> (Time, Fate) {
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

    pub(super) fn carry_out(
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
}
