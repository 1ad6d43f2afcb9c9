//! Long histories: Parameter Store keeps 100 versions, and what labels promise is kept all the same.

use super::fixtures::*;
use super::store::Store;
use crate::event::{Cause, Command, Wanted};
use crate::plan::{Action, Facts, Known, Next, Plan, Reason, Writer, plan, wanted};
use crate::settings::Settings;
use proptest::prelude::*;
use shared::image::Status;
use shared::plan::Outcome;
use shared::published::{HOLD, is_build_label};
use std::collections::BTreeMap;

#[derive(Debug, Clone)]
enum Job {
    Publish,
    Promote(usize, prop::sample::Index),
    RollbackChannel(usize),
    Rollback,
    Release,
}

const CHANNELS: [&str; 3] = ["dev", "staging", "prod"];

fn job() -> impl Strategy<Value = Job> {
    prop_oneof![
        20 => Just(Job::Publish),
        2 => (0..3usize, any::<prop::sample::Index>()).prop_map(|(channel, build)| Job::Promote(channel, build)),
        1 => (0..3usize).prop_map(Job::RollbackChannel),
        1 => Just(Job::Rollback),
        2 => Just(Job::Release),
    ]
}

fn facts_of(cause: Cause, store: &Store, settings: &Settings) -> Facts {
    let read: Vec<_> = match &cause {
        Cause::Build(build) => store.images.get(build).cloned().into_iter().collect(),
        Cause::Sweep(_) | Cause::Command(_) => store.images.values().next_back().cloned().into_iter().collect(),
    };
    let mut facts = facts(cause, &read, &[("us-east-1", store.versions.clone())]);
    for build in wanted(&facts, settings) {
        let known = store.images.get(&build).map_or(Known::Gone, |image| Known::Is(Box::new(image.clone())));
        facts.images.insert(build, known);
    }
    facts
}

fn carry_out(cause: Cause, store: &mut Store, settings: &Settings) -> (Plan, Vec<String>) {
    let facts = facts_of(cause, store, settings);
    let plan = plan(&facts, settings);
    let mut failures = Vec::new();
    let mut history = facts.history(&place("us-east-1")).to_vec();
    for step in &plan.steps {
        failures.extend(match &step.outcome {
            Outcome::Failed { error, .. } => Some(error.clone()),
            _ => None,
        });
        let Some(mut writer) = Writer::new(&facts, settings, &step.action, history.clone()) else { continue };
        let mut answer = None;
        loop {
            match writer.next(answer) {
                Next::Call(call) => answer = Some(store.answer(&call)),
                Next::Done(Outcome::Failed { error, .. }) => {
                    failures.push(error);
                    break;
                }
                Next::Done(_) => break,
            }
        }
        history = writer.into_history();
    }
    (plan, failures)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_promise_is_lost_and_no_version_refused(jobs in prop::collection::vec(job(), 250..400)) {
        let settings = settings(&[]);
        let mut store = Store::default();
        // By channel, the build that it has to be on.
        let mut promised: BTreeMap<&str, u32> = BTreeMap::new();
        let (mut newest, mut held) = (0, None);
        for job in jobs {
            let family = "web".to_owned();
            let published: Vec<u32> = store.versions.iter().filter_map(|it| it.build.as_ref().map(n)).collect();
            let cause = match &job {
                Job::Publish => {
                    newest += 1;
                    store.images.insert(build(newest), image(newest, &["us-east-1"]));
                    Cause::Build(build(newest))
                }
                Job::Promote(..) | Job::RollbackChannel(_) | Job::Rollback if published.is_empty() => continue,
                Job::Promote(channel, which) => {
                    let wanted = published[which.index(published.len())];
                    promised.insert(CHANNELS[*channel], wanted);
                    let to = Wanted::Arn(build(wanted));
                    Cause::Command(Command::Promote { family, channel: CHANNELS[*channel].to_owned(), to })
                }
                Job::RollbackChannel(channel) => {
                    let channel = CHANNELS[*channel].to_owned();
                    Cause::Command(Command::Rollback { family, channel: Some(channel), to: None })
                }
                Job::Rollback => Cause::Command(Command::Rollback { family, channel: None, to: None }),
                Job::Release => Cause::Command(Command::Release { family, channel: None }),
            };
            let (plan, failures) = carry_out(cause, &mut store, &settings);
            prop_assert!(failures.is_empty(), "{:?}: {:?} {}", job, failures, store.in_words());
            match (&job, &plan.reason, &plan.image) {
                (Job::RollbackChannel(channel), None, Some(to)) => drop(promised.insert(CHANNELS[*channel], n(to))),
                (Job::Rollback, None, Some(to)) => held = Some(n(to)),
                (Job::Release, ..) => held = None,
                _ => {}
            }
            prop_assert!(store.versions.len() <= 100);
            for (channel, build) in &promised {
                prop_assert_eq!(store.on(channel).map(n), Some(*build), "{:?}: {} {}", job, channel, store.in_words());
            }
            prop_assert_eq!(store.on(HOLD).map(n), held, "{:?}: {}", job, store.in_words());
            let published = !store.versions.is_empty();
            let last = held.unwrap_or(if held.is_none() { newest } else { 0 });
            prop_assert_eq!(store.last().map(n), Some(last).filter(|_| published), "{:?}: {}", job, store.in_words());
        }
    }
}

/// Published 99 times, with labels on the oldest versions.
fn nearly_full(labels: &[(usize, &str)]) -> Store {
    let builds: Vec<u32> = (1..=99).collect();
    let mut store = Store { versions: history("us-east-1", &builds), handed_out: 99, ..Store::default() };
    for n in 1..=100 {
        store.images.insert(build(n), image(n, &["us-east-1"]));
    }
    for (version, label) in labels {
        store.versions[version - 1].labels.insert((*label).to_owned());
    }
    store
}

#[test]
fn labels_that_nobody_relies_on_are_taken_off() {
    let mut store = nearly_full(&[(1, "announced")]);
    let (plan, failures) = carry_out(Cause::Build(build(100)), &mut store, &settings(&[]));
    assert_eq!((plan.steps.len(), failures), (2, vec![]), "the version and the announcement");
    assert!(store.versions[..5].iter().all(|published| published.labels.is_empty()), "{}", store.in_words());
    assert!(store.versions[5..].iter().all(|it| it.labels.iter().filter(|label| is_build_label(label)).count() == 1));
    assert_eq!(store.last(), Some(&build(100)));
}

#[test]
fn the_build_of_a_channel_is_written_again_before_its_version_is_dropped() {
    let mut store = nearly_full(&[(2, "prod"), (4, "prod-previous"), (99, "dev")]);
    let (plan, failures) = carry_out(Cause::Build(build(100)), &mut store, &settings(&[]));
    let told: Vec<String> = plan.steps.iter().map(|step| step.reason.to_string()).collect();
    assert_eq!(
        told[..3],
        [
            "version 2 is soon dropped as one of the oldest of 100, with prod, v1.0.0-3".to_owned(),
            "version 4 is soon dropped as one of the oldest of 100, with prod-previous, v1.1.0-2".to_owned(),
            format!("newer than the published {}", build(99)),
        ]
    );
    assert!(matches!(&plan.steps[0].action, Action::Renew(target) if target.build == Some(build(2))));
    assert_eq!(failures, Vec::<String>::new());
    assert_eq!(store.on("prod"), Some(&build(2)));
    assert_eq!(store.on("prod-previous"), Some(&build(4)));
    assert_eq!((store.on("dev"), store.last()), (Some(&build(99)), Some(&build(100))));
}

#[test]
fn a_build_that_is_no_longer_available_is_not_written_again() {
    let mut store = nearly_full(&[(2, "prod")]);
    store.images.get_mut(&build(2)).unwrap().status = Status::Deprecated;
    let facts = facts_of(Cause::Build(build(100)), &store, &settings(&[]));
    assert!(facts.images.contains_key(&build(2)), "it is asked for");
    let before = store.versions.clone();
    let (plan, failures) = carry_out(Cause::Build(build(100)), &mut store, &settings(&[]));
    let labels = vec!["prod".to_owned(), "v1.0.0-3".to_owned()];
    assert_eq!(plan.steps.iter().map(|step| &step.reason).collect::<Vec<_>>(), [&Reason::Full { version: 2, labels }]);
    assert!(failures[0].starts_with("version 2 is one of the oldest of 100 and can't be dropped for its labels: prod"));
    assert_eq!(store.versions, before);
}

#[test]
fn a_channel_goes_to_a_version_that_is_soon_dropped_only_after_it_is_written_again() {
    let mut store = nearly_full(&[(50, "prod")]);
    let to = Wanted::Arn(build(3));
    let command = Command::Promote { family: "web".to_owned(), channel: "prod".to_owned(), to };
    let (_, failures) = carry_out(Cause::Command(command), &mut store, &settings(&[]));
    assert_eq!(failures, Vec::<String>::new());
    assert_eq!((store.on("prod"), store.on("prod-previous")), (Some(&build(3)), Some(&build(50))));
    assert_eq!(store.last(), Some(&build(99)), "{}", store.in_words());
}
