//! The same end, wherever a run is cut off.

use super::*;

impl Simulation {
    /// The same end, wherever the run is cut off before it is repeated.
    pub(super) fn cut_off(&mut self, planned: &Planned) -> Checked {
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
    pub(super) fn cut_off_after(&self, planned: &Planned, faults: &[Fault], calls: usize) -> Checked<(World, bool)> {
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
