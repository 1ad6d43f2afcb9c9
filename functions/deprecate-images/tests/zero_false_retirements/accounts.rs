//! Random accounts and what happens in them, drawn as numbers: zero is always the plainest choice, so that what shrinks
//! becomes plain.

use super::events::{self, Event};
use super::oracle::Rules;
use super::sight::{CALLS, Fault};
use super::world::*;
use proptest::array::{uniform6, uniform8, uniform12};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// An account as it is drawn.
#[derive(Debug, Clone)]
pub(crate) struct Drawn {
    pub(crate) settings: [u16; 12],
    families: Vec<[u16; 12]>,
    images: Vec<[u16; 12]>,
    events: Vec<[u16; 8]>,
    faults: Vec<[u16; 6]>,
    /// What becomes of what the function asks for.
    pub(crate) fates: Vec<u16>,
}

/// Numbers to choose by, zeros when there are no more.
#[derive(Debug, Clone)]
pub(crate) struct Tape<'a> {
    numbers: &'a [u16],
}

/// A stretch of runs in which a call fails.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trouble {
    pub(crate) from: Time,
    pub(crate) until: Time,
    pub(crate) fault: Fault,
    /// Only when an image is looked at for the last time.
    pub(crate) late: bool,
}

/// An account, and what will happen in it.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) world: World,
    pub(crate) rules: Rules,
    pub(crate) limits: Limits,
    pub(crate) period: Time,
    /// In order of their times.
    pub(crate) events: Vec<Event>,
    pub(crate) troubles: Vec<Trouble>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) run: usize,
    pub(crate) percent: usize,
    /// Whether somebody approves what the circuit breaker held back.
    pub(crate) approved: bool,
    /// How many families a run gets through; zero is all.
    pub(crate) families: usize,
}

/// The simulation goes on for so long.
pub(crate) const END: Time = 24 * DAY;

impl<'a> Tape<'a> {
    pub(crate) fn new(numbers: &'a [u16]) -> Self {
        Self { numbers }
    }

    fn next(&mut self) -> u16 {
        let Some((first, rest)) = self.numbers.split_first() else { return 0 };
        self.numbers = rest;
        *first
    }

    /// From 0 on, below a limit.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::from(self.next()) % limit.max(1)
    }

    /// In so many of a hundred cases.
    pub(crate) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) >= 100 - percent
    }

    /// The first is the plainest.
    pub(crate) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

pub(crate) fn drawn() -> impl Strategy<Value = Drawn> {
    let any = || any::<u16>();
    let lists = (
        vec(uniform12(any()), 1..4),
        vec(uniform12(any()), 1..13),
        vec(uniform8(any()), 0..24),
        prop_oneof![1 => vec(uniform6(any()), 0..1), 1 => vec(uniform6(any()), 1..9)],
        vec(any(), 0..24),
    );
    (uniform12(any()), lists).prop_map(|(settings, (families, images, events, faults, fates))| Drawn {
        settings,
        families,
        images,
        events,
        faults,
        fates,
    })
}

const NAMES: [&str; 3] = ["base", "web", "worker"];
const VERSIONS: [[u32; 3]; 4] = [[1, 0, 0], [1, 0, 1], [1, 1, 0], [2, 0, 0]];

impl Drawn {
    pub(crate) fn account(&self) -> Account {
        let mut tape = Tape::new(&self.settings);
        let days = |count: usize| Time::try_from(count).unwrap() * DAY;
        let defaults = Policy {
            keep: 1 + tape.below(3) / 2 * tape.below(3),
            deprecate: days(1 + tape.below(4)),
            disable: days(1 + tape.below(3)),
            delete: days(1 + tape.below(4)),
            failed: days(1 + tape.below(5)),
        };
        let last_launched = days(1 + tape.below(3));
        let approved = !tape.percent(30);
        let limits = Limits {
            run: [50, 1, 2][tape.one(&[0, 0, 0, 1, 2])],
            percent: tape.one(&[100, 100, 25, 50, 10]),
            approved,
            families: tape.one(&[0, 0, 0, 0, 1]),
        };
        let period = tape.one(&[DAY, DAY, 12 * HOUR, 6 * HOUR]);
        let lag = tape.one(&[DAY, 0, 5 * HOUR]);
        let mut world = World {
            now: -40 * DAY,
            depth: tape.one(&[100, 100, 10, 2]),
            lag,
            families: vec![],
            pipelines: vec![],
            images: vec![],
            amis: vec![],
            instances: vec![],
            templates: vec![],
            groups: vec![],
            parameters: vec![],
            reports: vec![],
        };
        for (index, numbers) in self.families.iter().enumerate() {
            family(&mut world, index, &mut Tape::new(numbers));
        }
        self.first_images(&mut world);
        let mut events: Vec<Event> = self.events.iter().map(|numbers| events::event(&mut Tape::new(numbers))).collect();
        events.sort_by_key(|event| event.at);
        let troubles = self.faults.iter().map(|numbers| trouble(&mut Tape::new(numbers), period)).collect();
        Account { world, rules: Rules { defaults, last_launched }, limits, period, events, troubles }
    }

    /// Builds up to the beginning, evenly over the last weeks.
    fn first_images(&self, world: &mut World) {
        let count = Time::try_from(self.images.len()).unwrap();
        for (index, numbers) in (0..).zip(&self.images) {
            let mut tape = Tape::new(numbers);
            world.now = -(count - index) * (2 * DAY + 5 * HOUR);
            let pipeline = tape.below(world.pipelines.len());
            let image = events::build(world, pipeline, &mut tape);
            let made = &mut world.images[image];
            // Since long: somebody else's deprecated and disabled images.
            let by_others = tape.below(30);
            if made.status == Status::Available && by_others >= 24 {
                made.status = if by_others < 27 { Status::Deprecated } else { Status::Disabled };
                let (status, at) = (made.status, made.created);
                for ami in made.amis.clone() {
                    world.amis[ami].deprecated = Some(at);
                    world.amis[ami].disabled = status == Status::Disabled;
                }
            }
        }
        world.now = -12 * HOUR;
    }
}

/// A family with its pipelines: those of later families are made of earlier ones' images, if of any.
fn family(world: &mut World, index: usize, tape: &mut Tape<'_>) {
    let container = tape.percent(8);
    world.families.push(Family { name: NAMES[index].to_owned(), places: BTreeMap::new(), container });
    for number in 0..1 + tape.below(5) / 3 {
        let version = VERSIONS[tape.below(VERSIONS.len())];
        let parent = match (tape.percent(10), index) {
            // Each build on the one before it.
            (true, _) => Parent::Pattern(index, tape.below(4), version),
            (false, 0) => Parent::Managed,
            (false, _) => parent(world, tape.below(index), tape),
        };
        let mut tags = BTreeMap::new();
        if tape.percent(20) {
            let (tag, value) = events::pipeline_tag(tape);
            tags.insert(tag.to_owned(), value.to_owned());
        }
        world.pipelines.push(Pipeline {
            name: format!("{}-{number}", NAMES[index]),
            family: index,
            version,
            parent,
            enabled: !tape.percent(10),
            deleted: false,
            tags,
        });
    }
}

/// What a recipe may name of a family. Builds and AMIs are named by events only: there are none yet.
fn parent(world: &World, family: usize, tape: &mut Tape<'_>) -> Parent {
    let version = VERSIONS[tape.below(VERSIONS.len())];
    match tape.below(4) {
        0 | 1 => Parent::Managed,
        2 if !world.families[family].container => Parent::Parameter(family),
        _ => Parent::Pattern(family, tape.below(4), version),
    }
}

fn trouble(tape: &mut Tape<'_>, period: Time) -> Trouble {
    let call = tape.one(&CALLS);
    let from = Time::try_from(tape.below(12)).unwrap() * DAY;
    let lasts = Time::try_from(1 + tape.below(8)).unwrap() * period;
    let subject = tape.below(1000);
    Trouble { from, until: from + lasts, fault: Fault { call, subject }, late: tape.percent(25) }
}
