//! The record of a run: what happened, when, to what, and every AWS call with its caller.

use crate::clock::Time;
use crate::wire::Caller;
use serde::{Deserialize, Serialize};
use shared::arn::ImageBuildArn;
use std::collections::BTreeMap;

/// What kind of thing happened. The order is the causal one within an invocation, whose own entries are
/// sorted by it: calls made side by side arrive in any order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// A stack was deployed.
    Deployed,
    /// A managed image got a new version.
    Released,
    /// A pipeline's schedule or an EventBridge schedule came due.
    ScheduleFired,
    /// A build version was made.
    BuildStarted,
    /// An image build changed its state.
    ImageState,
    /// Image Builder sent its notification to a topic.
    Notification,
    /// An event reached the default bus and matched a rule.
    RuleMatched,
    /// A function was invoked.
    Invoked,
    /// An image was registered, copied or changed in EC2 by a caller.
    ImageChanged,
    /// A disk image was exported to S3.
    Exported,
    /// A parameter's version was written.
    ParameterWritten,
    /// Parameter Store refused or confirmed an `aws:ec2:image` value.
    ParameterValidated,
    /// A message was published to a topic by a caller.
    MessagePublished,
    /// A caller put an event on a bus.
    EventPut,
    /// A parameter was labelled or deleted.
    ParameterChanged,
    /// A fault that was asked for struck.
    Fault,
    /// An asynchronous invocation failed and will be tried again.
    Retried,
    /// An event went to a dead-letter queue, or was dropped for want of one.
    DeadLettered,
    /// Something that the person who runs this should know.
    Warning,
}

/// What an invocation cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// AWS calls made.
    pub calls: u32,
    /// Measured wall time of the invocation, in milliseconds.
    pub millis: f64,
}

/// One line of the timeline.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Simulated time.
    pub at: Time,
    /// What happened.
    pub kind: Kind,
    /// To what: `web 1.0.0/3`, a pipeline's name, a parameter, a function.
    pub subject: String,
    /// Where, if it happened in one Region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// In words, what else is worth saying.
    pub detail: String,
    /// The invocation that caused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invocation: Option<String>,
    /// For [`Kind::Invoked`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
}

/// One AWS call.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallRecord {
    /// Simulated time.
    pub at: Time,
    /// Who called.
    pub caller: Caller,
    /// `imagebuilder`, `ssm`, …
    pub service: String,
    /// `GetImage`, …
    pub operation: String,
    /// The Region.
    pub region: String,
    /// The error's code, if it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Everything recorded so far.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Journal {
    entries: Vec<Entry>,
    calls: Vec<CallRecord>,
    /// What running invocations caused. They run anew after a restart.
    #[serde(skip)]
    held: Vec<Entry>,
    shown: usize,
    /// Calls of invocations that haven't ended.
    #[serde(skip)]
    made: BTreeMap<String, u32>,
    #[serde(skip)]
    bound: Option<usize>,
}

impl Journal {
    /// Writes an entry down. One that a running invocation caused, or that happened meanwhile, is held until the
    /// invocation ends.
    pub fn record(&mut self, entry: Entry, held: bool) {
        if held { self.held.push(entry) } else { self.entries.push(entry) }
    }

    /// Writes a call down.
    pub fn record_call(&mut self, call: CallRecord) {
        if let Some(invocation) = &call.caller.invocation {
            *self.made.entry(invocation.clone()).or_default() += 1;
        }
        self.calls.push(call);
        forget(self.bound, &mut self.calls);
    }

    /// From now on keeps the last of everything only, at least so many: what has no end would fill the memory.
    pub(crate) fn bound(&mut self, least: usize) {
        self.bound = Some(least);
    }

    /// One without entries, with the same bound.
    pub(crate) fn emptied(&self) -> Self {
        Self { bound: self.bound, ..Self::default() }
    }

    /// Drops the oldest of a record that is kept beside this one, by the same bound.
    pub(crate) fn trim<T>(&self, record: &mut Vec<T>) {
        forget(self.bound, record);
    }

    /// Releases what an invocation caused, in causal order and, within it, by Region and subject. Calls
    /// made side by side arrive in any order, so their entries all take the time of the invocation's end.
    pub fn release(&mut self, invocation: &str, at: Time) {
        let caused = |entry: &mut Entry| entry.invocation.as_deref() == Some(invocation);
        let released = self.held.extract_if(.., caused).map(|entry| Entry { at, ..entry }).collect();
        self.append(released);
    }

    /// Releases what happened while an invocation ran and wasn't caused by it, in the order of its time.
    pub fn release_others(&mut self) {
        let released = self.held.extract_if(.., |entry| entry.invocation.is_none()).collect();
        self.append(released);
    }

    fn append(&mut self, mut released: Vec<Entry>) {
        released.sort_by(|a, b| (a.at, a.kind, &a.region, &a.subject).cmp(&(b.at, b.kind, &b.region, &b.subject)));
        self.entries.append(&mut released);
    }

    /// The entries released so far, of which a bound keeps the last.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The calls so far, of which a bound keeps the last.
    pub fn calls(&self) -> &[CallRecord] {
        &self.calls
    }

    /// How many calls an invocation made since this was last asked: a retry keeps the ID of the first attempt.
    pub(crate) fn take_calls_of(&mut self, invocation: &str) -> u32 {
        self.made.remove(invocation).unwrap_or_default()
    }

    /// Whether there are entries that weren't taken.
    pub fn has_new(&self) -> bool {
        self.entries.len() > self.shown
    }

    /// The entries that weren't taken before: what a live timeline prints next.
    pub fn take_new(&mut self) -> Vec<Entry> {
        let new = self.entries.get(self.shown..).unwrap_or_default().to_vec();
        forget(self.bound, &mut self.entries);
        self.shown = self.entries.len();
        new
    }
}

/// Drops the oldest once there are twice as many as have to be kept, so that dropping is rare.
fn forget<T>(bound: Option<usize>, record: &mut Vec<T>) {
    if let Some(bound) = bound
        && record.len() >= 2 * bound
    {
        record.drain(..record.len() - bound);
    }
}

/// The first image build that a text names, as the timeline calls it: `web 1.0.0/3`.
pub(crate) fn image_named(text: &str) -> Option<String> {
    let mut words = text.split(|c: char| !(c.is_ascii_alphanumeric() || ":/-_.".contains(c)));
    let arn = words.find_map(|word| word.parse::<ImageBuildArn>().ok())?;
    Some(format!("{} {}/{}", arn.family, arn.version, arn.build))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_found_in_json() {
        let text = r#"{"a":1,"imageArn":"arn:aws:imagebuilder:us-east-1:123456789012:image/web/1.0.0/7","b":[]}"#;
        assert_eq!(image_named(text).as_deref(), Some("web 1.0.0/7"));
        assert_eq!(image_named("arn:aws:imagebuilder:us-east-1:123456789012:image/web/x.x.x"), None);
    }

    #[test]
    fn a_bounded_journal_forgets_only_what_was_shown() {
        let entry = |n: usize| Entry {
            at: Time::UNIX_EPOCH,
            kind: Kind::Warning,
            subject: n.to_string(),
            region: None,
            detail: String::new(),
            invocation: None,
            cost: None,
        };
        let call = CallRecord {
            at: Time::UNIX_EPOCH,
            caller: Caller { invocation: Some("i".into()), ..Caller::service("123456789012", "test") },
            service: "ssm".into(),
            operation: "GetParameter".into(),
            region: "us-east-1".into(),
            error: None,
        };
        let mut journal = Journal::default();
        journal.bound(10);
        let mut shown = Vec::new();
        for n in 0..1000 {
            journal.record(entry(n), false);
            journal.record_call(call.clone());
            if n % 7 == 0 {
                shown.extend(journal.take_new());
            }
            assert!(journal.entries().len() < 20 + 7 && journal.calls().len() < 20);
        }
        shown.extend(journal.take_new());
        assert!(shown.iter().enumerate().all(|(n, entry)| entry.subject == n.to_string()));
        assert_eq!(shown.len(), 1000);
        assert_eq!((journal.take_calls_of("i"), journal.take_calls_of("i")), (1000, 0));
    }

    #[test]
    fn what_an_invocation_caused_follows_its_end_in_causal_order() {
        let entry = |kind, region: &str, invocation: Option<&str>| Entry {
            at: Time::UNIX_EPOCH,
            kind,
            subject: "s".to_owned(),
            region: Some(region.to_owned()),
            detail: String::new(),
            invocation: invocation.map(str::to_owned),
            cost: None,
        };
        let mut journal = Journal::default();
        journal.record(entry(Kind::MessagePublished, "us-east-1", Some("i")), true);
        journal.record(entry(Kind::ParameterWritten, "us-east-1", Some("i")), true);
        journal.record(entry(Kind::ParameterWritten, "eu-west-1", Some("i")), true);
        journal.record(entry(Kind::ImageState, "us-east-1", None), false);
        journal.record(entry(Kind::Invoked, "us-east-1", Some("i")), false);
        let end = Time::UNIX_EPOCH + chrono::TimeDelta::seconds(9);
        journal.release("i", end);
        let seen: Vec<_> = journal.take_new().iter().map(|entry| (entry.kind, entry.region.clone().unwrap())).collect();
        let expected = [
            (Kind::ImageState, "us-east-1"),
            (Kind::Invoked, "us-east-1"),
            (Kind::ParameterWritten, "eu-west-1"),
            (Kind::ParameterWritten, "us-east-1"),
            (Kind::MessagePublished, "us-east-1"),
        ];
        assert_eq!(seen, expected.map(|(kind, region)| (kind, region.to_owned())));
        assert!(journal.entries()[2..].iter().all(|entry| entry.at == end));
        assert!(journal.take_new().is_empty());
    }
}
