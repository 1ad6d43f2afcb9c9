//! A world that changes, and events about it that come twice, late and in any order.

use super::*;
use crate::facts::*;
use crate::fixtures::*;
use crate::plan::plan;
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// `RepeatAfter`, in minutes.
const PERIOD: i64 = 800;

/// Between two changes of the world: two are within a period, three aren't.
const PACE: i64 = 300;

/// By how much events of one change differ in time.
const JITTER: i64 = 90;

/// What changes at once.
#[derive(Debug, Clone)]
struct Change {
    /// What became of the newest build: 0 and 1 good, 2 to 4 one of three components, 5 cancelled, 6 throttled.
    build: u8,
    /// Which findings it has.
    findings: u8,
    disabled: bool,
    gone: bool,
    letters: bool,
}

/// Events about a change: when in the world's time they happened, and what they ask to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Event {
    time: DateTime<Utc>,
    about: About,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    Build,
    Pipeline,
    Ami,
    Sweep,
}

fn time(change: usize, jitter: i64) -> DateTime<Utc> {
    at("2026-11-17T00:00:00Z") + TimeDelta::minutes(i64::try_from(change).unwrap() * PACE + jitter)
}

/// The truth after some changes, as far as an event asks for it.
fn truth(changes: &[Change], event: Event) -> Facts {
    let mut facts = facts(&[]);
    facts.now = event.time;
    let mut builds = Vec::new();
    for (number, change) in (0..).zip(changes) {
        let build = number + 1;
        let status = match change.build {
            0 | 1 => Status::Available,
            5 => Status::Cancelled,
            _ => Status::Failed,
        };
        let created = time(number as usize, 0);
        builds.push(Summary { created, ..summary(build, status) });
        let mut detail = detail(build);
        detail.failure = match change.build {
            step @ 2..=4 => Some(component_failure(Status::Building, "build", &format!("Step{step}"))),
            6 => Some(distribution_failure(vec![region("us-east-1", None, "FAILED", Some(THROTTLED))])),
            _ => None,
        };
        detail.executions = Known::Is(Vec::new());
        let found = (0..change.findings)
            .map(|n| finding(&format!("CVE-2026-{n}"), FindingSeverity::Critical, vec![package("openssl", "1", None)]));
        detail.scan = Known::Is(Scan { findings: found.collect(), newer_parent: Known::Unasked });
        facts.builds.insert(build_arn(build).to_string(), Known::Is(detail));
    }
    let Some(last) = changes.last() else { return facts };
    let whole = event.about == About::Sweep;
    let pipeline = &mut facts.pipelines[0];
    pipeline.enabled = !last.disabled;
    pipeline.last_run = builds.last().map(|build| build.created);
    pipeline.consecutive_failures = if last.disabled { 5 } else { 0 };
    pipeline.builds = if whole || event.about == About::Build { Known::Is(builds.clone()) } else { Known::Unasked };
    if whole || event.about == About::Ami {
        let mut place = place("eu-west-1", "123456789012");
        place.wanted = None;
        place.held().ami = Known::Is(if last.gone { AmiState::Gone } else { AmiState::Available });
        facts.families = vec![Family {
            name: "web-server".to_owned(),
            pipeline: Some(PIPELINE.to_owned()),
            builds: Known::Is(builds),
            published: Known::Is(vec![place]),
        }];
    }
    if whole {
        let arn = "arn:aws:sqs:eu-west-1:123456789012:dead".to_owned();
        facts.queues = Known::Is(vec![Queue { arn, depth: u64::from(last.letters), tags: Tags::new() }]);
    }
    facts
}

/// The tags that the function wrote, by resource.
type Written = BTreeMap<String, Tags>;

/// What was said: to whom, of what, whether it is over, and when.
type Said = (String, Kind, String, bool, DateTime<Utc>);

fn deliver(changes: &[Change], event: Event, settings: &Settings, written: &mut Written) -> Vec<Said> {
    let mut facts = truth(changes, event);
    let tags = |arn: &str| written.get(arn).cloned().unwrap_or_default();
    facts.pipelines[0].tags = tags(PIPELINE);
    for (arn, build) in &mut facts.builds {
        if let Known::Is(build) = build {
            build.tags = tags(arn);
        }
    }
    if let Known::Is(queues) = &mut facts.queues {
        queues.iter_mut().for_each(|queue| queue.tags = tags(&queue.arn));
    }
    let now = facts.latest();
    let causes: BTreeMap<(String, Kind), String> = judge(&facts, settings)
        .into_iter()
        .filter_map(|judged| match judged.verdict {
            Verdict::Wrong(cause) => Some(((judged.concerned.holder, judged.kind), cause.key)),
            Verdict::Fine { .. } => None,
        })
        .collect();
    let mut said = Vec::new();
    for step in plan(&facts, settings).steps {
        if let Action::Report { kind, remember, .. } = &step.action {
            let over = matches!(step.reason, Reason::Over(_));
            let cause = causes.get(&(remember.resource.clone(), *kind));
            assert_eq!(over, cause.is_none(), "what is over isn't there, and what is told is");
            said.push((remember.resource.clone(), *kind, cause.cloned().unwrap_or_default(), over, now));
        }
        let (Action::Report { remember, .. }
        | Action::Count { remember, .. }
        | Action::Retry { remember, .. }
        | Action::Block { remember }) = step.action
        else {
            continue;
        };
        let tags = written.entry(remember.resource).or_default();
        match remember.value {
            Some(value) => {
                assert!(value.len() <= 256);
                tags.insert(remember.tag, value)
            }
            None => tags.remove(&remember.tag),
        };
        assert!(tags.len() <= 12);
    }
    said
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = (0u8..7, 0u8..3, any::<bool>(), any::<bool>(), any::<bool>());
    let change = change.prop_map(|(build, findings, disabled, gone, letters)| Change {
        build,
        findings,
        disabled,
        gone,
        letters,
    });
    prop::collection::vec(change, 1..9)
}

const ABOUTS: [About; 4] = [About::Build, About::Pipeline, About::Ami, About::Sweep];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the order and number of events, those of earlier changes among them: after each change of the world the
    /// same is said, and never twice.
    #[test]
    fn any_order_and_repetition_says_the_same(
        changes in changes(),
        order in prop::collection::vec((0usize..100, 0usize..4, 0i64..JITTER), 100),
    ) {
        let settings = Settings { repeat_after: TimeDelta::minutes(PERIOD), ..settings() };
        let (mut plain, mut wild) = (Written::new(), Written::new());
        let mut order = order.into_iter().cycle();
        for change in 0..changes.len() {
            let past = &changes[..=change];
            let mut once = BTreeSet::new();
            for about in ABOUTS {
                let said = deliver(past, Event { time: time(change, 0), about }, &settings, &mut plain);
                for (holder, kind, cause, over, _) in said {
                    prop_assert!(once.insert((holder, kind, cause, over)));
                }
            }
            // Every event at least once, some again, and late ones of any change before.
            let mut events: Vec<Event> =
                ABOUTS.iter().map(|about| Event { time: time(change, 1), about: *about }).collect();
            for (place, about, jitter) in order.by_ref().take(12) {
                let event = Event { time: time(place % (change + 1), jitter), about: ABOUTS[about] };
                events.insert(place % (events.len() + 1), event);
            }
            let mut many = BTreeSet::new();
            for event in events {
                for (holder, kind, cause, over, _) in deliver(past, event, &settings, &mut wild) {
                    prop_assert!(many.insert((holder, kind, cause, over)), "said twice: {} {}", kind, over);
                }
            }
            prop_assert_eq!(many, once, "after change {}", change);
        }
    }

    /// Of each cause at most one report in a period, however fast the world changes.
    #[test]
    fn at_most_one_report_per_cause_and_period(
        changes in changes(),
        events in prop::collection::vec((0usize..4, 0i64..JITTER), 40),
    ) {
        let settings = Settings { repeat_after: TimeDelta::minutes(PERIOD), ..settings() };
        let mut written = Written::new();
        let mut last: BTreeMap<(String, Kind, String), DateTime<Utc>> = BTreeMap::new();
        let mut open: BTreeSet<(String, Kind)> = BTreeSet::new();
        for change in 0..changes.len() {
            for (about, jitter) in &events {
                let event = Event { time: time(change, *jitter), about: ABOUTS[*about] };
                for (holder, kind, cause, over, now) in deliver(&changes[..=change], event, &settings, &mut written) {
                    if over {
                        prop_assert!(open.remove(&(holder, kind)), "{} is over that nobody was told of", kind);
                        continue;
                    }
                    open.insert((holder.clone(), kind));
                    let before = last.insert((holder, kind, cause), now);
                    prop_assert!(before.is_none_or(|before| now - before >= settings.repeat_after), "{}", kind);
                }
            }
        }
    }

    /// When tags can't be written now and then, everything is told all the same, though perhaps more than once.
    #[test]
    fn what_can_not_be_remembered_is_told_all_the_same(
        changes in changes(),
        refused in prop::collection::vec(any::<bool>(), 40),
    ) {
        let settings = Settings { repeat_after: TimeDelta::minutes(PERIOD), ..settings() };
        let (mut plain, mut flaky) = (Written::new(), Written::new());
        let mut refused = refused.into_iter().cycle();
        let (mut expected, mut told) = (BTreeSet::new(), BTreeSet::new());
        for change in 0..changes.len() {
            for about in ABOUTS {
                let (past, event) = (&changes[..=change], Event { time: time(change, 0), about });
                let trouble = |said: Vec<Said>| {
                    said.into_iter().filter(|said| !said.3).map(|(holder, kind, cause, ..)| (holder, kind, cause))
                };
                expected.extend(trouble(deliver(past, event, &settings, &mut plain)));
                let before = flaky.clone();
                told.extend(trouble(deliver(past, event, &settings, &mut flaky)));
                if refused.next() == Some(true) {
                    flaky = before;
                }
            }
        }
        prop_assert!(told.is_superset(&expected), "{:?}", expected.difference(&told).collect::<Vec<_>>());
    }
}
