//! Writers that don't know of each other, and are stopped anywhere: however their calls fall among each other, the newest
//! build stands last in the end, or the one that is held.

use super::fixtures::*;
use super::store::Store;
use crate::event::{Cause, Command, Wanted};
use crate::plan::{Action, Call, Facts, Known, Next, Step, Writer, plan, wanted};
use crate::settings::Settings;
use proptest::prelude::*;
use shared::arn::ImageBuildArn;
use shared::plan::Outcome;
use shared::published::{HOLD, build_label, is_build_label};

/// Calls that a writer may need at most.
const MOST_CALLS: usize = 80;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Job {
    Notification(u32),
    Sweep,
    Rollback,
    Release,
    Promote(u32),
    RollbackChannel,
}

/// One invocation between its calls.
struct Process {
    job: Job,
    settings: &'static Settings,
    /// The calls after which it is stopped, once.
    crash: Option<usize>,
    calls: usize,
    state: State,
}

enum State {
    Begins,
    Goes { facts: &'static Facts, steps: Vec<Step>, writer: Box<Writer<'static>>, call: Call },
    Over,
}

impl Process {
    fn new(job: Job, crash: Option<usize>) -> Self {
        Self { job, settings: settings_once(), crash, calls: 0, state: State::Begins }
    }

    /// The next call, or nothing once it is over.
    fn step(&mut self, store: &mut Store) {
        if matches!(self.state, State::Over) {
            return;
        }
        if self.crash == Some(self.calls) {
            (self.crash, self.calls, self.state) = (None, 0, State::Begins);
            // Lambda repeats it a minute later, and validation takes seconds.
            while !store.pending.is_empty() {
                store.validate(0);
            }
            return;
        }
        self.calls += 1;
        assert!(self.calls <= MOST_CALLS, "{:?} doesn't end", self.job);
        let (facts, mut steps, mut writer, next) = match std::mem::replace(&mut self.state, State::Over) {
            State::Begins => {
                let facts = observe(self.job, store);
                // Facts live as long as the writers that borrow them; a test's memory ends with it.
                let facts: &'static Facts = Box::leak(Box::new(facts));
                let mut steps = plan(facts, self.settings).steps;
                steps.reverse();
                let history = facts.history(&place("us-east-1")).to_vec();
                let Some(mut writer) = next_writer(facts, self.settings, &mut steps, history) else { return };
                let next = writer.next(None);
                (facts, steps, writer, next)
            }
            State::Goes { facts, steps, mut writer, call } => {
                let next = writer.next(Some(store.answer(&call)));
                (facts, steps, writer, next)
            }
            State::Over => return,
        };
        let mut next = next;
        loop {
            match next {
                Next::Call(call) => {
                    self.state = State::Goes { facts, steps, writer, call };
                    return;
                }
                Next::Done(outcome) => {
                    let lost = matches!(&outcome, Outcome::Failed { .. });
                    assert!(!lost, "{:?}: {outcome:?} {}", self.job, store.in_words());
                    let history = writer.into_history();
                    let Some(after) = next_writer(facts, self.settings, &mut steps, history) else { return };
                    writer = after;
                    next = writer.next(None);
                }
            }
        }
    }
}

fn next_writer(
    facts: &'static Facts,
    settings: &'static Settings,
    steps: &mut Vec<Step>,
    history: Vec<shared::published::Published>,
) -> Option<Box<Writer<'static>>> {
    while let Some(step) = steps.pop() {
        assert!(!step.outcome.is_failure() || matches!(step.action, Action::KeepChannel(_)), "{step:?}");
        if let Some(writer) = Writer::new(facts, settings, &step.action, history.clone()) {
            return Some(Box::new(writer));
        }
    }
    None
}

fn observe(job: Job, store: &Store) -> Facts {
    let family = "web".to_owned();
    let channel = Some("dev".to_owned());
    let cause = match job {
        Job::Notification(n) => Cause::Build(build(n)),
        Job::Sweep => Cause::Sweep(vec![]),
        Job::Rollback => Cause::Command(Command::Rollback { family, channel: None, to: None }),
        Job::Release => Cause::Command(Command::Release { family, channel: None }),
        Job::RollbackChannel => Cause::Command(Command::Rollback { family, channel, to: None }),
        Job::Promote(n) => {
            let to = Wanted::Arn(build(n));
            Cause::Command(Command::Promote { family, channel: "dev".to_owned(), to })
        }
    };
    let read: Vec<_> = match &cause {
        Cause::Build(build) => store.images.get(build).cloned().into_iter().collect(),
        Cause::Sweep(_) | Cause::Command(_) => store.images.values().next_back().cloned().into_iter().collect(),
    };
    let mut facts = facts(cause, &read, &[("us-east-1", store.versions.clone())]);
    for build in wanted(&facts, settings_once()) {
        let known = store.images.get(&build).map_or(Known::Gone, |image| Known::Is(Box::new(image.clone())));
        facts.images.insert(build, known);
    }
    facts
}

fn settings_once() -> &'static Settings {
    static SETTINGS: std::sync::OnceLock<Settings> = std::sync::OnceLock::new();
    SETTINGS.get_or_init(|| settings(&[("CHANNELS", r#"{"dev": {"promote": "auto"}}"#)]))
}

fn job() -> impl Strategy<Value = Job> {
    prop_oneof![
        6 => (0u32..9).prop_map(Job::Notification),
        2 => Just(Job::Sweep),
        2 => Just(Job::Rollback),
        1 => Just(Job::Release),
        1 => (0u32..9).prop_map(Job::Promote),
        1 => Just(Job::RollbackChannel),
    ]
}

fn alone(job: Job, store: &mut Store) {
    let mut process = Process::new(job, None);
    while !matches!(process.state, State::Over) {
        process.step(store);
    }
}

struct End {
    store: Store,
    newest: ImageBuildArn,
}

/// Runs the jobs among each other: each turn is a process to go on, or, one in five, a version to validate.
fn run(before: &[u32], jobs: &[(Job, Option<usize>)], turns: &[prop::sample::Index], is_slow: bool) -> End {
    let mut store = Store { is_slow, ..Store::default() };
    let notified = jobs.iter().filter_map(|(job, _)| match job {
        Job::Notification(n) => Some(*n),
        _ => None,
    });
    for n in before.iter().copied().chain(notified) {
        store.images.insert(build(n), image(n, &["us-east-1"]));
    }
    for n in before {
        store.write(Some(build(*n)), &ami("us-east-1", *n), &build(*n).to_string());
        store.validate(0);
    }
    let mut processes: Vec<Process> = jobs.iter().map(|(job, crash)| Process::new(*job, *crash)).collect();
    for turn in turns {
        let which = turn.index(processes.len() + 1);
        match processes.get_mut(which) {
            Some(process) => process.step(&mut store),
            None if !store.pending.is_empty() => store.validate(turn.index(store.pending.len())),
            None => {}
        }
    }
    // Whoever is left goes on alone.
    for process in &mut processes {
        while !matches!(process.state, State::Over) {
            process.step(&mut store);
        }
    }
    while !store.pending.is_empty() {
        store.validate(0);
    }
    let newest = store.versions.iter().filter_map(|published| published.build.clone()).max();
    End { newest: newest.unwrap_or_else(|| build(0)), store }
}

fn check(jobs: &[(Job, Option<usize>)], End { store, newest }: &End) -> Result<(), TestCaseError> {
    let has = |wanted: fn(&Job) -> bool| jobs.iter().any(|(job, _)| wanted(job));
    let rolls = has(|job| matches!(job, Job::Rollback | Job::Release));
    match store.on(HOLD) {
        Some(held) => {
            prop_assert!(rolls, "held by nobody");
            prop_assert_eq!(store.last(), Some(held), "{}", store.in_words());
        }
        None if has(|job| !matches!(job, Job::Promote(_) | Job::RollbackChannel)) => {
            prop_assert_eq!(store.last(), Some(newest).filter(|_| !store.versions.is_empty()), "{}", store.in_words());
        }
        None => {}
    }
    for published in &store.versions {
        let build = published.build.as_ref().expect("nobody writes by hand");
        prop_assert_eq!(&published.value, &ami("us-east-1", n(build)));
        let own = published.labels.iter().all(|label| !is_build_label(label) || *label == build_label(build));
        prop_assert!(own, "{}", store.in_words());
    }
    let moves_channel = has(|job| matches!(job, Job::Promote(_) | Job::RollbackChannel));
    // Whoever was stopped may have moved the channel over a newer build just before: the sweep moves it again.
    let stopped = jobs.iter().any(|(_, crash)| crash.is_some());
    if !rolls && !moves_channel && !stopped && jobs.iter().any(|(job, _)| *job == Job::Notification(n(newest))) {
        prop_assert_eq!(store.on("dev"), Some(newest), "{}", store.in_words());
    }
    if let Some(held) = store.on("dev-hold") {
        prop_assert_eq!(store.on("dev"), Some(held));
    }
    // Another run puts labels right that a race left out, and nothing else; and the one after it does nothing.
    let mut store = store.clone();
    let last = store.last().cloned();
    alone(Job::Sweep, &mut store);
    if has(|job| !matches!(job, Job::Promote(_) | Job::RollbackChannel)) {
        prop_assert_eq!(store.last(), last.as_ref(), "{}", store.in_words());
    }
    if !rolls && !moves_channel {
        prop_assert_eq!(store.on("dev"), store.last(), "{}", store.in_words());
    }
    let versions = store.versions.clone();
    for build in versions.iter().filter_map(|published| published.build.as_ref()) {
        prop_assert_eq!(store.on(&build_label(build)), Some(build), "{}", store.in_words());
    }
    alone(Job::Sweep, &mut store);
    prop_assert_eq!(&store.versions, &versions);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn writers_converge_whatever_the_order_of_their_calls(
        before in prop::collection::vec(0u32..6, 0..4),
        jobs in prop::collection::vec(job(), 2..5),
        turns in prop::collection::vec(any::<prop::sample::Index>(), 0..120),
        is_slow in any::<bool>(),
    ) {
        let jobs: Vec<_> = jobs.into_iter().map(|job| (job, None)).collect();
        check(&jobs, &run(&before, &jobs, &turns, is_slow))?;
    }

    #[test]
    fn whoever_is_stopped_after_any_call_and_repeated_converges(
        before in prop::collection::vec(0u32..6, 0..4),
        jobs in prop::collection::vec((job(), prop::option::of(0usize..12)), 2..5),
        turns in prop::collection::vec(any::<prop::sample::Index>(), 0..120),
        is_slow in any::<bool>(),
    ) {
        check(&jobs, &run(&before, &jobs, &turns, is_slow))?;
    }
}
