//! Tests of what an invocation leaves behind in the world, and the functions that other tests use.

use super::*;
use crate::draw::Seed;
use crate::journal::CallRecord;
use crate::wire::{Caller, Principal};
use crate::world::Step;
use chrono::TimeDelta;

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:dead-letters";

pub(super) fn arn(name: &str) -> String {
    format!("arn:aws:lambda:us-east-1:123456789012:function:{name}")
}

pub(super) fn function(name: &str) -> Function {
    Function {
        name: name.to_owned(),
        arn: arn(name),
        region: "us-east-1".to_owned(),
        account: "123456789012".to_owned(),
        role: format!("{name}-role"),
        code: PathBuf::from("functions").join(name),
        environment: BTreeMap::new(),
        timeout: 30,
        memory: 128,
        dead_letter_arn: None,
        maximum_retries: 2,
        maximum_event_age: 21600,
        reserved_concurrency: None,
        log_format: "JSON".to_owned(),
        log_level: None,
    }
}

pub(super) fn invocation(name: &str) -> Invocation {
    Invocation {
        request_id: "00000000-0000-4000-8000-000000000001".to_owned(),
        function_arn: arn(name),
        payload: r#"{"n":1}"#.to_owned(),
        source: "sns".to_owned(),
        attempt: 0,
        accepted_at: Time::UNIX_EPOCH,
    }
}

pub(super) fn world_with(functions: &[Function]) -> World {
    let mut world = World::new(Seed(1), Time::UNIX_EPOCH);
    for function in functions {
        world.lambda.functions.insert(function.arn.clone(), function.clone());
    }
    world
}

fn answered(payload: &str) -> Ending {
    Ending {
        payload: payload.to_owned(),
        function_error: None,
        log: String::new(),
        millis: 12.5,
        init_millis: None,
        max_memory_mb: None,
    }
}

fn failed() -> Ending {
    Ending::refused("Unhandled", "Broken", "it broke")
}

/// The invocation that is due next; time moves to it.
fn due(world: &mut World) -> Option<Invocation> {
    let limit = world.now + TimeDelta::hours(7);
    loop {
        match world.step(limit)? {
            Step::Invoke(invocation) => return Some(invocation),
            Step::Handled => {}
        }
    }
}

fn kinds(world: &World) -> Vec<Kind> {
    world.journal.entries().iter().map(|entry| entry.kind).collect()
}

/// As the host does once an invocation that was handed out has ended.
fn finished(world: &mut World, invocation: Invocation, started: Time, ending: Ending) {
    world.in_flight.insert(invocation.request_id.clone(), invocation.clone());
    super::finished(world, invocation, started, ending);
}

#[test]
fn an_accepted_event_is_due_at_once() {
    let mut world = world_with(&[function("f")]);
    accept(&mut world, &arn("f"), "{}".to_owned(), "sns");
    accept(&mut world, &arn("f"), "{}".to_owned(), "sns");
    let (first, second) = (due(&mut world).unwrap(), due(&mut world).unwrap());
    assert_ne!(first.request_id, second.request_id);
    assert_eq!((first.source.as_str(), first.attempt, first.accepted_at), ("sns", 0, Time::UNIX_EPOCH));
}

#[test]
fn the_journal_names_an_invocation_before_what_it_caused_with_its_cost() {
    let mut world = world_with(&[function("f")]);
    let invocation = invocation("f");
    crate::latency::begin(&mut world, &invocation.request_id);
    world.record_for(Some(&invocation.request_id), Kind::MessagePublished, "topic", None, "");
    world.record_for(Some(&invocation.request_id), Kind::ParameterWritten, "/p", Some("us-east-1"), "");
    let caller = Caller {
        account: "123456789012".to_owned(),
        principal: Principal::Root,
        invocation: Some(invocation.request_id.clone()),
    };
    world.journal.record_call(CallRecord {
        at: world.now,
        caller,
        service: "ssm".to_owned(),
        operation: "PutParameter".to_owned(),
        region: "us-east-1".to_owned(),
        error: None,
    });
    finished(&mut world, invocation, Time::UNIX_EPOCH, answered(r#"{"published":  2}"#));
    assert_eq!(kinds(&world), [Kind::Invoked, Kind::ParameterWritten, Kind::MessagePublished]);
    let entry = &world.journal.entries()[0];
    assert_eq!((entry.subject.as_str(), entry.detail.as_str()), ("f", r#"{"published": 2}"#));
    assert_eq!(entry.cost, Some(Cost { calls: 1, millis: 12.5 }));
    assert_eq!(world.lambda.invocations[0].calls, 1);
}

#[test]
fn a_failure_is_tried_twice_more_and_then_dead_lettered() {
    let mut function = function("f");
    function.dead_letter_arn = Some(QUEUE.to_owned());
    let mut world = world_with(&[function]);
    accept(&mut world, &arn("f"), r#"{"n":1}"#.to_owned(), "sns");
    let mut seen = Vec::new();
    while let Some(invocation) = due(&mut world) {
        seen.push((invocation.attempt, (world.now - Time::UNIX_EPOCH).num_seconds()));
        let now = world.now;
        finished(&mut world, invocation, now, failed());
    }
    assert_eq!(seen, [(0, 0), (1, 60), (2, 180)]);
    assert_eq!(
        kinds(&world),
        [Kind::Invoked, Kind::Retried, Kind::Invoked, Kind::Retried, Kind::Invoked, Kind::DeadLettered]
    );
    let [letter] = world.lambda.dead_letters.as_slice() else { panic!("{:?}", world.lambda.dead_letters) };
    assert_eq!((letter.target_arn.as_str(), letter.body.as_str()), (QUEUE, r#"{"n":1}"#));
    assert_eq!(letter.attributes["RequestID"], world.lambda.invocations[0].invocation.request_id);
    assert_eq!(
        (letter.attributes["ErrorCode"].as_str(), letter.attributes["ErrorMessage"].as_str()),
        ("200", "it broke")
    );
}

#[test]
fn what_nobody_retries_stays_as_it_is() {
    let mut world = world_with(&[function("f")]);
    finished(&mut world, Invocation { source: SYNCHRONOUS.to_owned(), ..invocation("f") }, Time::UNIX_EPOCH, failed());
    finished(&mut world, invocation("f"), Time::UNIX_EPOCH, answered("null"));
    assert_eq!(kinds(&world), [Kind::Invoked, Kind::Invoked]);
    assert!(due(&mut world).is_none());
}

#[test]
fn without_a_queue_the_event_is_dropped_and_said_to_be() {
    let mut function = function("f");
    function.maximum_retries = 0;
    let mut world = world_with(&[function]);
    finished(&mut world, invocation("f"), Time::UNIX_EPOCH, failed());
    assert_eq!(world.journal.entries()[1].detail, "no retries left: dropped");
    assert!(world.lambda.dead_letters.is_empty());
}

#[test]
fn a_throttled_event_never_ran() {
    let mut function = function("f");
    function.reserved_concurrency = Some(0);
    function.dead_letter_arn = Some("arn:aws:sns:us-east-1:123456789012:dead".to_owned());
    let mut world = world_with(&[function]);
    let throttled = Ending::refused(THROTTLED, THROTTLED, "Rate Exceeded.");
    finished(&mut world, invocation("f"), Time::UNIX_EPOCH, throttled);
    assert_eq!(kinds(&world), [Kind::DeadLettered]);
    assert!(world.lambda.invocations.is_empty());
    assert_eq!(world.lambda.dead_letters[0].attributes["ErrorCode"], "429");
    assert!(world.next_due().is_some_and(|at| at == world.now), "the topic gets its message");
}

#[test]
fn a_long_answer_is_cut_in_the_journal() {
    let ending = answered(&format!("\"{}\"", "ä".repeat(300)));
    assert_eq!(summary(&ending).chars().count(), 160);
    assert_eq!(summary(&failed()), "Broken: it broke");
}

#[test]
fn a_function_is_found_by_what_people_call_it() {
    let mut named = function("goldsmith-FanOutAmis-1A2B");
    named.code = PathBuf::from("functions/fan-out-amis");
    let world = world_with(&[named, function("stack-Other-3C"), function("stack-Another-4D")]);
    for (wanted, expected) in [
        ("goldsmith-FanOutAmis-1A2B", Some("goldsmith-FanOutAmis-1A2B")),
        ("fan-out-amis", Some("goldsmith-FanOutAmis-1A2B")),
        ("FanOutAmis", Some("goldsmith-FanOutAmis-1A2B")),
        ("Other", Some("stack-Other-3C")),
        ("stack", None),
        ("none", None),
    ] {
        assert_eq!(find(&world, wanted), expected.map(arn), "{wanted}");
    }
}
