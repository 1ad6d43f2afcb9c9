//! Runs of the function, one after the other, held against the oracle at each moment.

mod carry_out;
mod checks;
mod cut_off;

use super::accounts::{Account, END, Trouble};
use super::events::Event;
use super::oracle::{Asked, Missing, Oracle, Stage, Verdict, Why};
use super::sight::{Call, Fault, Sight, ami_id, time};
use super::world::*;
use deprecate_images::plan::{self, Action, Decision, Plan, Reason, recheck, turns};
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
    clear: BTreeMap<usize, (Time, Status)>,
    /// How often what happened.
    pub(crate) tally: BTreeMap<String, usize>,
    /// What happened, for people.
    pub(crate) story: Vec<String>,
    pub(crate) tells: bool,
    /// Where the next run begins, as the last one told.
    from: Option<String>,
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
    /// Where the next run goes on.
    from: Option<String>,
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
        resume_parameter: None,
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
            from: None,
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
            self.from = planned.from;
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
        let (world, facts) = (sight.world, &sight.account());
        let now = time(world.now);
        let mut account = plan::Account::new(facts, &self.settings, now);
        let names = world.families.iter().map(|family| family.name.clone()).collect();
        let most = if self.account.limits.families == 0 { usize::MAX } else { self.account.limits.families };
        let (mut decisions, mut reached) = (Vec::new(), BTreeSet::new());
        for (place, name) in turns::order(names, self.from.as_deref()).into_iter().enumerate() {
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
        let from = plan.unreached.first().cloned();
        Planned { plan, reached, from }
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

fn day(now: Time) -> String {
    format!("day {}, {:02} h", now.div_euclid(DAY), now.rem_euclid(DAY) / HOUR)
}
