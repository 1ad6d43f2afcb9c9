//! A family over half a year: builds are published, used and let go, and every day's plan is carried out.

use super::fixtures::*;
use super::*;
use chrono::TimeDelta;
use proptest::prelude::*;
use shared::age::Age;
use std::collections::BTreeSet;

/// How long a simulation lasts, in days.
const DAYS: i64 = 180;

/// A build that comes, and what happens to it.
#[derive(Debug, Clone)]
struct Drawn {
    /// So many days after the build before.
    pause: i64,
    /// It is in use from the day on, for so many days.
    used: (i64, i64),
    /// Its facts can't be read from the day on, for so many days.
    unread: (i64, i64),
    /// Whether the AMI is shared.
    shared: bool,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let spell = |longest: i64| (0..DAYS, prop_oneof![3 => Just(0), 1 => 1..longest]);
    (1..25_i64, spell(60), spell(20), any::<bool>()).prop_map(|(pause, used, unread, shared)| Drawn {
        pause,
        used,
        unread,
        shared,
    })
}

fn policy() -> impl Strategy<Value = [u16; 4]> {
    [1..5_u16, 1..30_u16, 1..30_u16, 1..30_u16]
}

#[derive(Debug)]
struct World {
    web: FamilyFacts,
    drawn: Vec<Drawn>,
    settings: Settings,
    start: DateTime<Utc>,
    /// By number: the day on which a build was published, and those on which it was deprecated and disabled last.
    days: Vec<[Option<i64>; 3]>,
    deleted: BTreeMap<usize, i64>,
}

fn lies_in(day: i64, (from, days): (i64, i64)) -> bool {
    (from..from + days).contains(&day)
}

impl World {
    fn new(drawn: Vec<Drawn>, [keep, deprecate, disable, delete]: [u16; 4]) -> Self {
        let mut settings = settings();
        settings.policy = crate::policy::Policy {
            never: false,
            keep: keep.into(),
            deprecate_after: Age::days(deprecate),
            disable_after: Age::days(disable),
            delete_after: Age::days(delete),
        };
        let mut web = family("web");
        web.builds.clear();
        web.amis.clear();
        web.history().clear();
        let days = vec![[None; 3]; drawn.len()];
        Self { web, drawn, settings, start: now(), days, deleted: BTreeMap::new() }
    }

    fn time(&self, day: i64) -> DateTime<Utc> {
        self.start + TimeDelta::days(day)
    }

    /// What happens on a day before the function runs.
    fn dawn(&mut self, day: i64) {
        let mut born = 0;
        for (index, drawn) in self.drawn.clone().into_iter().enumerate() {
            let number = index as u32 + 1;
            born += drawn.pause;
            if born == day {
                let build = Build { created: Known::Is(self.time(day)), ..build("web", number) };
                let version = published(number.into(), &build, self.time(day));
                self.web.history().push(version);
                self.web.builds.push(build);
                let mut facts = unused("available");
                if drawn.shared {
                    facts.shares = Known::Is(Shares { accounts: [OTHER.to_owned()].into(), ..Shares::default() });
                }
                self.web.amis.insert(ami("web", number), facts);
                self.days[index][0] = Some(day);
            }
            if !self.web.amis.contains_key(&ami("web", number)) {
                continue;
            }
            let yesterday = self.time(day - 1);
            let facts = self.web.ami(number);
            facts.usage = Usage::Read { at: yesterday, by: BTreeMap::new() };
            let instance = Reference { kind: "ec2:Instance".to_owned(), arn: "instance/i-1".to_owned() };
            facts.references = if lies_in(day, drawn.unread) {
                References::Unread("RequestLimitExceeded".to_owned())
            } else if lies_in(day, drawn.used) {
                References::Some(vec![instance])
            } else {
                References::None(BTreeSet::from([at("us-east-1")]))
            };
        }
    }

    fn plan(&self, day: i64) -> Plan {
        plan(&facts(vec![self.web.clone()]), &self.settings, self.time(day), None)
    }

    /// Does what a plan says, and holds it to what has to be so whatever it says.
    fn carry_out(&mut self, plan: &Plan, day: i64) {
        let keep = self.settings.policy.keep;
        let mut newest: Vec<u32> =
            self.web.builds.iter().filter(|it| it.status == Status::Available).map(|it| it.arn.version.patch).collect();
        newest.sort_unstable();
        let newest = newest.split_off(newest.len().saturating_sub(keep));
        for Decision { image, step, .. } in &plan.decisions {
            let number = image.version.patch;
            let index = number as usize - 1;
            let status = self.web.build(number).status.clone();
            if !matches!(step.action, Action::Keep | Action::Restore { .. }) {
                let Drawn { used, unread, .. } = self.drawn[index];
                assert!(
                    !lies_in(day, used) && !lies_in(day, unread),
                    "{image} is used or unknown on day {day}: {step:?}"
                );
                assert!(!newest.contains(&number), "{image} is one of the newest: {step:?}");
            }
            let policy = self.settings.policy;
            let since = |from: Option<i64>, age: Age| {
                assert!(from.is_some_and(|from| (day - from) * 24 >= age.hours()), "{image} is too young on day {day}")
            };
            match &step.action {
                Action::Keep => {}
                Action::Deprecate { tags } => {
                    assert_eq!(status, Status::Available);
                    // Only builds after it can have been published since then.
                    since(self.days.get(index + 1).and_then(|days| days[0]), policy.deprecate_after);
                    self.days[index][1] = Some(day);
                    let time = self.time(day);
                    self.web.registered(number).deprecation_time = Some(time);
                    self.become_(number, Status::Deprecated, tags, &[]);
                }
                Action::Disable { tags, untag } => {
                    assert_eq!(status, Status::Deprecated);
                    since(self.days[index][1], policy.disable_after);
                    self.days[index][2] = Some(day);
                    self.web.registered(number).state = "disabled".to_owned();
                    self.web.ami(number).shares = Known::Is(Shares::default());
                    self.become_(number, Status::Disabled, tags, untag);
                }
                Action::Delete => {
                    assert_eq!(status, Status::Disabled);
                    since(self.days[index][2], policy.delete_after);
                    self.deleted.insert(index, day);
                    self.web.builds.retain(|build| build.arn != *image);
                    self.web.amis.remove(&ami("web", number));
                }
                Action::Restore { shares, untag, .. } => {
                    let registered = self.web.registered(number);
                    registered.state = "available".to_owned();
                    registered.deprecation_time = None;
                    for (_, shares) in shares {
                        self.web.ami(number).shares = Known::Is(shares.clone());
                    }
                    self.become_(number, Status::Available, &BTreeMap::new(), untag);
                }
            }
        }
    }

    fn become_(&mut self, number: u32, status: Status, tags: &BTreeMap<String, String>, untag: &[String]) {
        let build = self.web.build(number);
        build.status = status;
        let Known::Is(all) = &mut build.tags else { panic!("they are known") };
        all.retain(|key, _| !untag.contains(key));
        all.extend(tags.clone());
    }

    /// The days on which something speaks for a build's staying, its age aside.
    fn is_held(&self, index: usize, day: i64) -> bool {
        let Drawn { used, unread, .. } = self.drawn[index];
        lies_in(day, used) || lies_in(day, unread)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn images_go_in_time_and_never_one_that_is_needed(
        drawn in prop::collection::vec(drawn(), 1..20), policy in policy()
    ) {
        let mut world = World::new(drawn, policy);
        for day in 0..DAYS {
            world.dawn(day);
            let plan = world.plan(day);
            world.carry_out(&plan, day);
            let again = world.plan(day);
            let acts = again.decisions.iter().find(|it| it.step.action != Action::Keep);
            prop_assert!(acts.is_none(), "nothing is left to do on day {}: {:?}", day, acts);
            for build in &world.web.builds {
                let shared = world.drawn[build.arn.version.patch as usize - 1].shared;
                if build.status == Status::Available {
                    let shares = world.web.amis[&ami("web", build.arn.version.patch)].shares.get().unwrap();
                    prop_assert_eq!(shares.accounts.len(), usize::from(shared), "its permissions are as they were");
                    prop_assert!(build.tags.get().unwrap().is_empty(), "nothing is left behind");
                }
            }
        }
        // What nothing ever spoke for is gone as soon as the policy has it, one day for each step.
        let [keep, deprecate, disable, delete] = policy.map(i64::from);
        for index in 0..world.drawn.len() {
            // The keep-th newer build makes room; the second newer one takes its place as the previous.
            let successor = |count: usize| world.days.get(index + count).and_then(|days| days[0]);
            let Some(room) = successor((keep as usize).max(2)) else { continue };
            let due = successor(1).unwrap().saturating_add(deprecate).max(room);
            let last = due + disable + delete;
            let held = (0..DAYS).any(|day| world.is_held(index, day));
            if !held && last < DAYS {
                prop_assert_eq!(world.deleted.get(&index), Some(&last), "build {} of {:?}", index + 1, world.days);
            }
        }
    }
}
