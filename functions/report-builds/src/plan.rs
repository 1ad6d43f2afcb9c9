//! Which reports are sent and which counted, and which safe things are done, decided from facts alone: no I/O, no
//! clock.

use crate::cause::{About, Judged, Kind, Severity, Verdict, judge};
use crate::event::Answer;
use crate::facts::{Build, Facts, Finding, FindingSeverity, Known};
use crate::message::{Message, Telling};
use crate::remember::{Case, Memory, Tell, Times};
use crate::settings::{STALE_AFTER, Settings, stale_after};
use crate::transient::{self, Passing, Retry};
use serde::Serialize;
use shared::arn::ImageBuildArn;
use shared::image::Status;
use shared::plan::Outcome;
use shared::tags;
use shared::token::client_token;
use std::collections::BTreeMap;
use std::fmt;

/// The most tags that a resource can have, those of AWS's own (`aws:…`) not counted.
const MOST_TAGS: usize = 50;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// In this order: safe actions first, then reports, then what is only counted.
    pub steps: Vec<Step>,
    /// What is wrong with settings that people wrote into tags, one line each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

/// One action with its reason and outcome.
pub type Step = shared::plan::Step<Action, Reason, Made>;

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "camelCase")]
pub enum Action {
    /// sns:Publish the message, then remember it by the tag. In this order, and whether or not there is room for the tag:
    /// better twice than never.
    Report {
        /// What it is about.
        kind: Kind,
        /// How bad it is.
        severity: Severity,
        /// What is published.
        message: Box<Message>,
        /// What remembers it.
        remember: Remember,
    },
    /// Remember that there is nothing new to say.
    Count {
        /// What it is about.
        kind: Kind,
        /// What remembers it.
        remember: Remember,
    },
    /// imagebuilder:RetryImage, then TagResource.
    #[serde(rename_all = "camelCase")]
    Retry {
        /// The build.
        image: ImageBuildArn,
        /// Which attempt it is, from 1.
        attempt: u32,
        /// The same for the same failure.
        client_token: String,
        /// Remembers the attempt.
        remember: Remember,
    },
    /// imagebuilder:TagResource, so that the build is promoted to no channel.
    Block {
        /// The tag and its value.
        remember: Remember,
    },
    /// imagebuilder:SendWorkflowStepAction.
    #[serde(rename_all = "camelCase")]
    Answer {
        /// Which way.
        answer: Answer,
        /// The build.
        image: ImageBuildArn,
        /// The step execution.
        step: String,
        /// Why, as the person says.
        #[serde(skip_serializing_if = "Option::is_none")]
        comment: Option<String>,
        /// The same for the same step and answer.
        client_token: String,
    },
}

/// A tag to write, or to remove.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remember {
    /// The ARN of the pipeline, image or queue.
    pub resource: String,
    /// The tag's key.
    pub tag: String,
    /// Its value, at most 256 characters; none to remove the tag.
    pub value: Option<String>,
}

/// What an action brought forth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Made {
    /// The ID of the message that was published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Why a report that was published can't be remembered: the next event sends it again, which is better than never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unremembered: Option<String>,
}

/// Why something is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Nobody was told yet, or not for long enough.
    Trouble(Times),
    /// It is over, and people were told of it.
    Over(Times),
    /// It was told; this is counted.
    Told,
    /// The failure passes by itself.
    Passing(Passing),
    /// The findings, in words.
    Findings(String),
    /// A person asked for it.
    Asked,
    /// A person asked for it, but the step doesn't wait.
    NotWaiting,
    /// A person asked for it, but whether the step waits couldn't be read.
    Unread(String),
}

/// What is to be done. Steps are carried out in their order. When a [`Action::Retry`] or [`Action::Block`] fails, the
/// reports that follow don't hold: plan again with [`Facts::retry_refused`] or [`Facts::block_refused`].
pub fn plan(facts: &Facts, settings: &Settings) -> Plan {
    let facts = &Facts { now: facts.latest(), ..facts.clone() };
    let judged = judge(facts, settings);
    let mut steps = blocks(facts, settings);
    steps.extend(judged.iter().filter_map(retry));
    // A tag that a safe action adds takes room, too.
    let mut room = Room::new(&steps);
    let (mut reports, mut counts) = (Vec::new(), Vec::new());
    for judged in &judged {
        match tell(facts, settings, judged, &mut room) {
            Some(step) if matches!(step.action, Action::Report { .. }) => reports.push(step),
            Some(step) => counts.push(step),
            None => {}
        }
    }
    // What is worst comes first; a stable sort keeps the facts' order.
    reports.sort_by_key(|step| match &step.action {
        Action::Report { severity, .. } => std::cmp::Reverse(*severity),
        _ => std::cmp::Reverse(Severity::Info),
    });
    steps.extend(reports);
    steps.extend(counts);
    Plan { steps, problems: problems(facts) }
}

/// How many families have no AVAILABLE build that is new enough, whether or not that is told anew.
pub fn stale_families(facts: &Facts, settings: &Settings) -> usize {
    let facts = &Facts { now: facts.latest(), ..facts.clone() };
    let wrong = |it: &&Judged<'_>| it.kind == Kind::FamilyStale && matches!(it.verdict, Verdict::Wrong(_));
    judge(facts, settings).iter().filter(wrong).count()
}

/// What is done about a person's answer to a waiting step. `waiting`: those of the build.
pub fn answer(
    answer: Answer,
    image: &ImageBuildArn,
    step: &str,
    comment: Option<&str>,
    waiting: &Known<Vec<crate::facts::WaitingStep>>,
) -> Plan {
    let word = match answer {
        Answer::Resume => "resume",
        Answer::Stop => "stop",
    };
    let action = Action::Answer {
        answer,
        image: image.clone(),
        step: step.to_owned(),
        comment: comment.map(str::to_owned),
        client_token: client_token(&["report-builds", word, step]),
    };
    let (reason, outcome) = match waiting {
        Known::Is(steps) if steps.iter().any(|waiting| waiting.id == step) => (Reason::Asked, Outcome::Planned),
        Known::Is(_) | Known::Unasked => (Reason::NotWaiting, Outcome::SKIPPED),
        Known::Unread(why) => {
            let failed = Outcome::Failed { error: why.clone(), retryable: true };
            (Reason::Unread(why.clone()), failed)
        }
    };
    Plan { steps: vec![Step { action, reason, outcome }], problems: Vec::new() }
}

/// How many tags each resource has, counting those to come.
struct Room(BTreeMap<String, usize>);

impl Room {
    fn new(steps: &[Step]) -> Self {
        let mut added = BTreeMap::new();
        for step in steps {
            if let Action::Retry { remember, .. } | Action::Block { remember } = &step.action {
                *added.entry(remember.resource.clone()).or_insert(0) += 1;
            }
        }
        Self(added)
    }

    /// Whether a tag can be written: it is there already, or there is room for another.
    fn takes(&mut self, resource: &str, has: &crate::facts::Tags, tag: &str) -> bool {
        if has.contains_key(tag) {
            return true;
        }
        let added = self.0.entry(resource.to_owned()).or_insert(0);
        let has = has.keys().filter(|key| !key.starts_with("aws:")).count();
        let takes = has + *added < MOST_TAGS;
        *added += usize::from(takes);
        takes
    }
}

fn tell(facts: &Facts, settings: &Settings, judged: &Judged<'_>, room: &mut Room) -> Option<Step> {
    let Judged { kind, concerned, verdict } = judged;
    let tag = kind.tag();
    let written = concerned.tags.get(&tag);
    let memory = written.map(|value| Memory::read(value)).unwrap_or_default();
    let case = match verdict {
        Verdict::Wrong(cause) => Case::Wrong { key: &cause.key, mark: cause.mark, since: cause.since },
        Verdict::Fine { mark, .. } => Case::Fine { mark: *mark },
    };
    let (after, tell) = memory.after(&case, facts.now, settings.repeat_after);
    let value = (!after.is_empty()).then(|| after.to_string());
    let new = value.is_some() && !room.takes(&concerned.holder, concerned.tags, &tag);
    let remember = Remember { resource: concerned.holder.clone(), tag, value };
    let telling = |times| Telling { facts, judged, times, settings, forgetful: new };
    let report = |severity, message, reason| {
        let action = Action::Report { kind: *kind, severity, message: Box::new(message), remember: remember.clone() };
        Some(Step { action, reason, outcome: Outcome::Planned })
    };
    match (tell, verdict) {
        (Tell::Trouble(times), Verdict::Wrong(cause)) => {
            report(cause.severity, telling(times).trouble(cause), Reason::Trouble(times))
        }
        (Tell::Over(times), Verdict::Fine { by, .. }) if kind.recovers() => {
            report(Severity::Info, telling(times).over(*by), Reason::Over(times))
        }
        _ if remember.value.as_ref() == written => None,
        _ => {
            let action = Action::Count { kind: *kind, remember };
            Some(Step { action, reason: Reason::Told, outcome: Outcome::Planned })
        }
    }
}

fn retry(judged: &Judged<'_>) -> Option<Step> {
    let Verdict::Wrong(cause) = &judged.verdict else { return None };
    let About::Failed { build, detail, retry: Retry::Now { attempt, passing }, .. } = &cause.about else { return None };
    let value = transient::written(*attempt, detail);
    let image = build.arn.to_string();
    let action = Action::Retry {
        image: build.arn.clone(),
        attempt: *attempt,
        client_token: client_token(&["report-builds", "retry", &image, &value]),
        remember: Remember { resource: image, tag: tags::RETRIED.to_owned(), value: Some(value) },
    };
    Some(Step { action, reason: Reason::Passing(*passing), outcome: Outcome::Planned })
}

/// Every scanned build that has findings above the limit, unless it is blocked already or somebody accepted them.
fn blocks(facts: &Facts, settings: &Settings) -> Vec<Step> {
    let Some(limit) = settings.block_severity else { return Vec::new() };
    let lists = facts.pipelines.iter().filter_map(|pipeline| pipeline.builds.get());
    let listed: Vec<_> = lists.flatten().chain(&facts.loose).collect();
    let mut steps = Vec::new();
    for (arn, build) in &facts.builds {
        let Some(build) = build.get() else { continue };
        let status = listed.iter().find(|listed| listed.arn.to_string() == *arn).map(|listed| &listed.status);
        let over = status.is_some_and(|it| matches!(it, Status::Failed | Status::Cancelled | Status::Deleted));
        if over || [tags::BLOCKED, tags::ACCEPTED].iter().any(|tag| build.tags.contains_key(*tag)) {
            continue;
        }
        if let Some(findings) = above(build, limit) {
            let value = format!("findings: {findings}");
            let remember = Remember { resource: arn.clone(), tag: tags::BLOCKED.to_owned(), value: Some(value) };
            let action = Action::Block { remember };
            steps.push(Step { action, reason: Reason::Findings(findings), outcome: Outcome::Planned });
        }
    }
    steps
}

/// The findings at or above a limit, in words: `1 critical 3 high`.
fn above(build: &Build, limit: FindingSeverity) -> Option<String> {
    let findings = &build.scan.get()?.findings;
    let of = |severity: FindingSeverity| findings.iter().filter(|Finding { severity: it, .. }| *it == severity).count();
    let all = [FindingSeverity::Critical, FindingSeverity::High, FindingSeverity::Medium, FindingSeverity::Low];
    let words = all.into_iter().filter(|severity| *severity >= limit && of(*severity) > 0);
    let words: Vec<_> = words.map(|severity| format!("{} {}", of(severity), severity.word())).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn problems(facts: &Facts) -> Vec<String> {
    let tagged = facts.pipelines.iter().filter_map(|pipeline| Some((pipeline, pipeline.tags.get(tags::STALE_AFTER)?)));
    let wrong = tagged.filter(|(_, value)| stale_after(value).is_none());
    let line = |(pipeline, value): (&crate::facts::Pipeline, &String)| {
        format!(
            "the tag {} of {} is {value:?}: expected {STALE_AFTER}; the setting counts instead",
            tags::STALE_AFTER,
            pipeline.arn
        )
    };
    wrong.map(line).collect()
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trouble(Times { total: 1, .. }) => f.write_str("nobody was told yet"),
            Self::Trouble(Times { total, untold, .. }) => {
                write!(f, "it occurred {total} times, {untold} of them untold before this one")
            }
            Self::Over(_) => f.write_str("it is over, and people were told of it"),
            Self::Told => f.write_str("people were told"),
            Self::Passing(passing) => write!(f, "the reason passes by itself: {}", passing.words()),
            Self::Findings(findings) => write!(f, "it has findings: {findings}"),
            Self::Asked => f.write_str("somebody asked for it"),
            Self::NotWaiting => f.write_str("the step doesn't wait"),
            Self::Unread(why) => write!(f, "whether the step waits couldn't be read: {why}"),
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
