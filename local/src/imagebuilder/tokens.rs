//! Client tokens: the same call again gets the same answer.

use crate::clock::Time;
use crate::draw::Seed;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};

/// How long an answer is kept. The service doesn't say how long it does.
const KEPT: TimeDelta = TimeDelta::hours(24);

/// The answers of calls with a client token.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Tokens {
    /// By account, Region, operation and token, with a digest of the parameters and the answer's text.
    answers: BTreeMap<String, (String, String)>,
    /// The keys with the time until when they are kept, in order.
    until: VecDeque<(Time, String)>,
}

/// What is known of a token.
#[derive(Debug, PartialEq)]
pub(super) enum Known {
    /// No call had it.
    No,
    /// The same call had it, and was answered this.
    Same(Value),
    /// Another call had it.
    Other,
}

impl Tokens {
    /// The key of a call and the digest of its parameters.
    pub(super) fn key(call: [&str; 4], mut parameters: Value) -> (String, String) {
        parameters.sort_all_objects();
        (call.join("\n"), Seed(0).hex(&[&parameters.to_string()], 32))
    }

    /// Looks a call's token up, and forgets those that are too old.
    pub(super) fn known(&mut self, now: Time, key: &str, digest: &str) -> Known {
        while let Some((_, old)) = self.until.pop_front_if(|(until, _)| *until <= now) {
            self.answers.remove(&old);
        }
        match self.answers.get(key) {
            None => Known::No,
            Some((before, answer)) if before == digest => Known::Same(answer.parse().unwrap_or_default()),
            Some(_) => Known::Other,
        }
    }

    /// Keeps a call's answer.
    pub(super) fn keep(&mut self, now: Time, key: String, digest: String, answer: &Value) {
        self.until.push_back((now + KEPT, key.clone()));
        self.answers.insert(key, (digest, answer.to_string()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_token_is_known_for_a_day() {
        let mut tokens = Tokens::default();
        let now = Time::UNIX_EPOCH;
        let call = |parameters: Value| Tokens::key(["111122223333", "eu-west-1", "CreateImage", "t"], parameters);
        let (key, digest) = call(json!({"a": 1, "b": 2}));
        let answer = json!({"imageBuildVersionArn": "x"});
        assert_eq!(tokens.known(now, &key, &digest), Known::No);
        tokens.keep(now, key.clone(), digest, &answer);
        let (key, digest) = call(json!({"b": 2, "a": 1}));
        assert_eq!(tokens.known(now + TimeDelta::hours(23), &key, &digest), Known::Same(answer));
        assert_eq!(tokens.known(now, &key, &call(json!({"a": 1})).1), Known::Other);
        assert_eq!(tokens.known(now + KEPT, &key, &digest), Known::No);
        assert!(tokens.answers.is_empty() && tokens.until.is_empty());
    }
}
