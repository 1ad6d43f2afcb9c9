//! Faults on demand: what a test of one's own automation wants to go wrong, as a list of rules.
//!
//! ```json
//! {"rules": [
//!   {"fault": "throttle", "match": {"service": "imagebuilder", "operation": "GetImage"}, "times": 2},
//!   {"fault": "error", "status": 503, "match": {"service": "ssm"}, "probability": 0.1},
//!   {"fault": "lost", "match": {"topic": "builds"}, "until": "2026-03-03T00:00:00Z"},
//!   {"fault": "fail-build", "status": "DISTRIBUTING", "region": "eu-west-1", "match": {"pipeline": "web"}}
//! ]}
//! ```
//!
//! **When a rule strikes.** Everything that its `match` names has to fit; without `match` it fits everything of
//! its kind. Values may hold `*` for any text. Beside it:
//! - `times`: so often at most, from 1
//! - `after`: so many that fit are spared first, from 1
//! - `probability`: above 0, at most 1; drawn from the seed for the thing that it is about, so that the same run
//!   has the same faults
//! - `from`, `until`: simulated time in RFC 3339, `until` excluded
//!
//! Of several rules that fit, the first strikes; latencies add up, and let the rules behind them strike too.
//!
//! **Faults of calls**, those that arrive at the endpoint or by an SDK in process (not those of stacks and
//! schedules). They match `service` (the signing name: `imagebuilder`, `ssm`, `sns`, `ec2`, `autoscaling`,
//! `events`, `sts`, `lambda`), `operation`, `region`, `account`, `function` (the name of the function whose invocation calls),
//! `resource` (what any text of the input begins with: an ARN, a parameter's name):
//! - `throttle`: refused for its rate, in the service's own words; `code` says another one, such as
//!   `CallRateLimitExceededException`
//! - `error`: refused; `status` (400 to 599) and `code`, of which one suffices, and `message`
//! - `latency`: answered `milliseconds` later: simulated ones, or the client's own where time is real
//! - `unreachable`: the connection is dropped, and nothing is done; `match.region` or `match.account`, that of the
//!   credentials, is required
//!
//! **A fault of listings**, matched by `region`, `account`, `name` (the image's):
//! - `list-images-lag`: ListImages lacks builds that are younger than `seconds`, 1 to 120. It has no `times`.
//!
//! **Faults of notifications**: deliveries of SNS to a subscription, and events on their way to EventBridge's
//! default bus. They match `service` (`sns` or `events`), `topic` (name or ARN), `detailType`, `region`, `account`:
//! - `lost`: never arrives
//! - `repeated`: arrives, and `copies` (1 to 10, one if absent) of it a second after the other
//! - `delayed`: arrives `seconds` later
//! - `reordered`: every other one that it strikes, from the first on, is held back for `seconds` (60 if absent), so
//!   that what follows within that time overtakes it
//!
//! **A fault of builds**, matched by `name` (the image's), `recipe` and `pipeline` (name or ARN), `region`,
//! `account`:
//! - `fail-build`: fails at the end of `status`, one of BUILDING, TESTING, DISTRIBUTING and INTEGRATING, with
//!   `reason`; with DISTRIBUTING, `region` names the Region that it fails in. A build without tests has no TESTING.
//!
//! **A fault of lifecycle actions**, by StartResourceStateUpdate or a policy, matched by `ami`, `name` (the image's),
//! `action` (`DEPRECATE`, `DISABLE`, `DELETE`, `AVAILABLE`), `region` and `account` (the AMI's):
//! - `fail-lifecycle`: the AMI is left as it is, and FAILED in the execution, or what `outcome` says: FAILED or
//!   SKIPPED; with `reason`
//!
//! **A fault of scans**, matched as those of builds:
//! - `finding`: a build whose scan is completed has one finding more, of `severity` (INFORMATIONAL, LOW, MEDIUM, HIGH
//!   or CRITICAL), from `seconds` after the scan on (0 if absent), as long as the rule holds. It has no `times`, and
//!   no line in the journal.
//!
//! Every other fault that strikes is a line of the journal.

mod builds;
mod calls;
mod decide;
mod document;
mod lifecycle;
mod notifications;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use builds::{Build, findings_of, foretold};
pub(crate) use calls::{Fate, hides, of_call};
pub use document::Rules;
pub(crate) use lifecycle::{Hindered, Retired, hindered};
pub use notifications::Late;
pub(crate) use notifications::{arrive, deliver, emit};

use crate::journal::Kind;
use crate::world::World;
use decide::Subject;
use document::Fault;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The rules with what has come of them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Store {
    rules: Rules,
    /// By place of the rule: how often it struck.
    struck: BTreeMap<usize, u64>,
    /// How often a rule that strikes with a probability met the same thing, and by its place how often one that spares
    /// the first met anything.
    met: BTreeMap<String, u64>,
}

impl Store {
    /// Puts rules in the place of those that there were.
    pub fn set(&mut self, rules: Rules) {
        *self = Self { rules, ..Self::default() };
    }

    /// The same rules as if none had struck.
    pub(crate) fn begun_anew(&self) -> Self {
        Self { rules: self.rules.clone(), ..Self::default() }
    }

    /// The rules as they were given, and beside them how often each struck.
    pub(crate) fn document(&self) -> Value {
        let struck: Vec<u64> = (0..self.rules.0.len()).map(|place| self.struck_by(place)).collect();
        let rules: Vec<&Value> = self.rules.0.iter().map(|rule| &rule.document).collect();
        json!({"rules": rules, "struck": struck})
    }

    fn struck_by(&self, place: usize) -> u64 {
        self.struck.get(&place).copied().unwrap_or_default()
    }
}

/// The faults that strike a thing, in the order of their rules, those alone that `wanted` takes. The first that
/// isn't a latency is the last. Each is written down.
fn strike(world: &mut World, subject: &Subject<'_>, wanted: impl Fn(&Fault) -> bool) -> Vec<(Fault, u64)> {
    let mut struck = Vec::new();
    if world.faults.rules.0.is_empty() {
        return struck;
    }
    for place in 0..world.faults.rules.0.len() {
        let rule = &world.faults.rules.0[place];
        if !wanted(&rule.fault) || !decide::fits(rule, world.time_of_call(), subject) {
            continue;
        }
        let rule = rule.clone();
        if let Some(after) = rule.after {
            let met = world.faults.met.entry(place.to_string()).or_default();
            *met += 1;
            if *met <= after {
                continue;
            }
        }
        let nth = if rule.probability.is_some() {
            let met = world.faults.met.entry(format!("{place} {}", subject.key)).or_default();
            *met += 1;
            *met
        } else {
            0
        };
        let before = world.faults.struck_by(place);
        if !decide::strikes(&rule, place, before, world.seed, &subject.key, nth) {
            continue;
        }
        write_down(world, place, subject, &rule.fault);
        let last = !matches!(rule.fault, Fault::Latency { .. });
        struck.push((rule.fault, before));
        if last {
            break;
        }
    }
    struck
}

/// A rule has struck.
fn write_down(world: &mut World, place: usize, subject: &Subject<'_>, fault: &Fault) {
    *world.faults.struck.entry(place).or_default() += 1;
    let detail = format!("{} (rule {})", fault.in_words(subject.service()), place + 1);
    world.record_for(subject.invocation, Kind::Fault, subject.title.as_str(), subject.one("region"), detail);
}
