//! What becomes of an asynchronous invocation that failed.

use super::{DeadLetter, Function, Invocation};
use crate::clock::{Time, iso_seconds};
use crate::journal::Kind;
use crate::world::{Event, World};
use crate::{sns, sqs};
use chrono::TimeDelta;
use serde_json::json;
use std::collections::BTreeMap;

/// What happens next to an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// It is tried again after a pause, as the function's failure number so many.
    Retry { pause: TimeDelta, attempt: u32 },
    /// It goes to the dead-letter queue, or is dropped for want of one.
    GiveUp(Reason),
}

/// Why an event isn't tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    RetriesExhausted,
    EventAgeExceeded,
    ConcurrencyIsZero,
}

impl Reason {
    fn words(self) -> &'static str {
        match self {
            Self::RetriesExhausted => "no retries left",
            Self::EventAgeExceeded => "the event is too old for another try",
            Self::ConcurrencyIsZero => "the function's reserved concurrency is 0",
        }
    }
}

/// Lambda's rules: a function's failure is tried again after one minute, then after two; a throttled event
/// after a pause that grows from one second to five minutes, at no cost in retries; nothing is tried
/// beyond its maximum age. <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>.
/// With a reserved concurrency of 0, events go to the dead-letter queue at once
/// (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html>).
fn next(function: &Function, invocation: &Invocation, throttled: bool, now: Time) -> Next {
    let age = now - invocation.accepted_at;
    let attempt = invocation.attempt;
    let (pause, attempt) = match (throttled, function.reserved_concurrency) {
        (true, Some(0)) => return Next::GiveUp(Reason::ConcurrencyIsZero),
        // Waiting as long as it has waited already doubles the pause each time.
        (true, _) => (age.clamp(TimeDelta::seconds(1), TimeDelta::minutes(5)), attempt),
        (false, _) if attempt >= function.maximum_retries => return Next::GiveUp(Reason::RetriesExhausted),
        (false, _) => (TimeDelta::minutes(i64::from(attempt) + 1), attempt + 1),
    };
    if age + pause > TimeDelta::seconds(i64::from(function.maximum_event_age)) {
        return Next::GiveUp(Reason::EventAgeExceeded);
    }
    Next::Retry { pause, attempt }
}

/// Carries the decision out. `error` is the type and message of the failure.
pub(super) fn follow_up(
    world: &mut World,
    function: &Function,
    invocation: Invocation,
    throttled: bool,
    error: (String, String),
) {
    let (kind, message) = error;
    match next(function, &invocation, throttled, world.now) {
        Next::Retry { pause, attempt } => {
            let at = world.now + pause;
            let detail = format!("{kind}; tried again at {}", iso_seconds(at));
            world.record(Kind::Retried, &function.name, Some(&function.region), detail);
            world.post(at, Event::Invoke(Invocation { attempt, ..invocation }));
        }
        Next::GiveUp(reason) => give_up(world, function, &invocation, reason, throttled, message),
    }
}

fn give_up(
    world: &mut World,
    function: &Function,
    invocation: &Invocation,
    reason: Reason,
    throttled: bool,
    message: String,
) {
    let fate = function.dead_letter_arn.as_ref().map_or("dropped".to_owned(), |arn| format!("sent to {arn}"));
    let detail = format!("{}: {fate}", reason.words());
    world.record(Kind::DeadLettered, &function.name, Some(&function.region), detail);
    let Some(target_arn) = function.dead_letter_arn.clone() else { return };
    let attributes = BTreeMap::from([
        ("RequestID".to_owned(), invocation.request_id.clone()),
        // The HTTP status: the invocation as such went well when the function failed.
        ("ErrorCode".to_owned(), if throttled { "429" } else { "200" }.to_owned()),
        ("ErrorMessage".to_owned(), first_kilobyte(message)),
    ]);
    let of = |name: &str, value: &str| {
        let kind = if name == "ErrorCode" { "Number" } else { "String" };
        (name.to_owned(), json!({"Type": kind, "Value": value}))
    };
    let named = attributes.iter().map(|(name, value)| of(name, value)).collect();
    if target_arn.split(':').nth(2) == Some("sns") {
        let message = sns::Message {
            topic_arn: target_arn.clone(),
            body: invocation.payload.clone(),
            subject: None,
            attributes: named,
            message_id: world.fresh_uuid("message"),
        };
        world.post(world.now, Event::Publish(message));
    } else {
        // A queue that isn't there loses the letter, as on AWS.
        sqs::deliver(world, &target_arn, invocation.payload.clone(), &named);
    }
    let letter = DeadLetter { at: world.now, target_arn, body: invocation.payload.clone(), attributes };
    world.lambda.dead_letters.push(letter);
    world.journal.trim(&mut world.lambda.dead_letters);
}

fn first_kilobyte(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(1024));
    text
}

#[cfg(test)]
mod tests {
    use super::super::tests::{function, invocation};
    use super::*;
    use proptest::prelude::*;

    const MINUTE: TimeDelta = TimeDelta::minutes(1);

    #[test]
    fn retries_follow_lambdas_table() {
        use Reason::*;
        let retry = |pause, attempt| Next::Retry { pause, attempt };
        // (attempt, maximum retries, reserved concurrency, throttled, age in seconds, maximum age) → next
        for (attempt, retries, reserved, throttled, age, maximum_age, expected) in [
            (0, 2, None, false, 0, 21600, retry(MINUTE, 1)),
            (1, 2, None, false, 60, 21600, retry(MINUTE * 2, 2)),
            (2, 2, None, false, 180, 21600, Next::GiveUp(RetriesExhausted)),
            (0, 0, None, false, 0, 21600, Next::GiveUp(RetriesExhausted)),
            (0, 1, None, false, 0, 21600, retry(MINUTE, 1)),
            (1, 1, None, false, 60, 21600, Next::GiveUp(RetriesExhausted)),
            (0, 2, None, false, 0, 60, retry(MINUTE, 1)),
            (0, 2, None, false, 1, 60, Next::GiveUp(EventAgeExceeded)),
            (1, 2, None, false, 60, 179, Next::GiveUp(EventAgeExceeded)),
            (0, 2, Some(1), true, 0, 21600, retry(TimeDelta::seconds(1), 0)),
            (0, 0, Some(1), true, 8, 21600, retry(TimeDelta::seconds(8), 0)),
            (1, 2, Some(5), true, 4000, 21600, retry(MINUTE * 5, 1)),
            (0, 2, Some(1), true, 21500, 21600, Next::GiveUp(EventAgeExceeded)),
            (0, 2, Some(0), true, 0, 21600, Next::GiveUp(ConcurrencyIsZero)),
        ] {
            let mut function = function("f");
            function.maximum_retries = retries;
            function.maximum_event_age = maximum_age;
            function.reserved_concurrency = reserved;
            let invocation = Invocation { attempt, ..invocation("f") };
            let now = invocation.accepted_at + TimeDelta::seconds(age);
            let got = next(&function, &invocation, throttled, now);
            assert_eq!(got, expected, "attempt {attempt} of {retries}, {age} s of {maximum_age} s, {reserved:?}");
        }
    }

    proptest! {
        #[test]
        fn every_event_comes_to_an_end_within_its_age(
            retries in 0u32..=2, maximum_age in 60u32..=21600, throttles in proptest::collection::vec(any::<bool>(), 0..400),
        ) {
            let mut function = function("f");
            function.maximum_retries = retries;
            function.maximum_event_age = maximum_age;
            function.reserved_concurrency = Some(1);
            let mut invocation = invocation("f");
            let mut now = invocation.accepted_at;
            let mut failures = 0;
            for throttled in throttles.into_iter().chain(std::iter::repeat(false)) {
                failures += u32::from(!throttled);
                match next(&function, &invocation, throttled, now) {
                    Next::Retry { pause, attempt } => {
                        now += pause;
                        invocation.attempt = attempt;
                    }
                    Next::GiveUp(_) => break,
                }
            }
            prop_assert!(failures <= retries + 1);
            prop_assert!(now - invocation.accepted_at <= TimeDelta::seconds(i64::from(maximum_age)));
        }
    }

    #[test]
    fn an_error_message_is_cut_between_characters() {
        assert_eq!(first_kilobyte("ä".repeat(600)).len(), 1024);
        assert_eq!(first_kilobyte(format!("a{}", "ä".repeat(600))).len(), 1023);
        assert_eq!(first_kilobyte("short".to_owned()), "short");
    }
}
