//! The rules as JSON, checked member by member: see [`super`] for their form.

use crate::clock::Time;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Rules in their order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Rules(pub(super) Vec<Rule>);

/// One rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Rule {
    /// As it was given.
    pub(super) document: Value,
    /// The members of `match`.
    pub(super) on: BTreeMap<String, String>,
    pub(super) times: Option<u64>,
    pub(super) after: Option<u64>,
    pub(super) probability: Option<f64>,
    pub(super) from: Option<Time>,
    pub(super) until: Option<Time>,
    pub(super) fault: Fault,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Fault {
    Throttle {
        code: Option<String>,
    },
    Error {
        code: Option<String>,
        status: Option<u16>,
        message: Option<String>,
    },
    Latency {
        milliseconds: i64,
    },
    Unreachable,
    ListImagesLag {
        seconds: i64,
    },
    /// What a lag does to one call; no rule says it.
    Hidden {
        image: String,
    },
    Lost,
    Repeated {
        copies: i64,
    },
    Delayed {
        seconds: i64,
    },
    Reordered {
        seconds: i64,
    },
    FailBuild {
        status: String,
        reason: String,
        region: Option<String>,
        component: Option<String>,
    },
    FailLifecycle {
        skipped: bool,
        reason: String,
    },
    Finding {
        severity: String,
        seconds: i64,
    },
}

const OF_CALLS: &[&str] = &["service", "operation", "region", "account", "function", "resource"];
const OF_LISTINGS: &[&str] = &["region", "account", "name"];
const OF_NOTIFICATIONS: &[&str] = &["service", "topic", "detailType", "region", "account"];
const OF_BUILDS: &[&str] = &["name", "recipe", "pipeline", "region", "account"];
const OF_LIFECYCLE: &[&str] = &["ami", "name", "action", "region", "account"];

/// Each fault with what it matches by and the members of its own.
const FAULTS: [(&str, &[&str], &[&str]); 12] = [
    ("throttle", OF_CALLS, &["code"]),
    ("error", OF_CALLS, &["code", "status", "message"]),
    ("latency", OF_CALLS, &["milliseconds"]),
    ("unreachable", OF_CALLS, &[]),
    ("list-images-lag", OF_LISTINGS, &["seconds"]),
    ("lost", OF_NOTIFICATIONS, &[]),
    ("repeated", OF_NOTIFICATIONS, &["copies"]),
    ("delayed", OF_NOTIFICATIONS, &["seconds"]),
    ("reordered", OF_NOTIFICATIONS, &["seconds"]),
    ("fail-build", OF_BUILDS, &["status", "reason", "region", "component"]),
    ("fail-lifecycle", OF_LIFECYCLE, &["outcome", "reason"]),
    ("finding", OF_BUILDS, &["severity", "seconds"]),
];

/// How often and when: members of every rule.
const WHEN: [&str; 5] = ["times", "after", "probability", "from", "until"];

/// The statuses at whose end a build can fail.
const STATUSES: [&str; 4] = ["BUILDING", "TESTING", "DISTRIBUTING", "INTEGRATING"];

/// The severities that a finding can be given.
const SEVERITIES: [&str; 5] = ["INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"];

/// A day, in seconds: the longest delay.
const DAY: i64 = 24 * 60 * 60;

/// How much later than its image's scan a finding can be there at most, in days.
const LATEST_FINDING: i64 = 365;

impl Fault {
    pub(super) fn is_of_calls(&self) -> bool {
        matches!(self, Self::Throttle { .. } | Self::Error { .. } | Self::Latency { .. } | Self::Unreachable)
    }

    pub(super) fn is_of_notifications(&self) -> bool {
        matches!(self, Self::Lost | Self::Repeated { .. } | Self::Delayed { .. } | Self::Reordered { .. })
    }

    /// What happened, for the journal.
    pub(super) fn in_words(&self, service: &str) -> String {
        match self {
            Self::Throttle { code } => {
                format!("throttled: {}", super::words::throttled(service, code.as_deref()).code)
            }
            Self::Error { code, status, .. } => {
                let error = super::words::refused(service, code.as_deref(), *status, None);
                format!("refused: {} {}", error.status, error.code)
            }
            Self::Latency { milliseconds } => format!("answered {milliseconds} ms later"),
            Self::Unreachable => "unreachable: the connection was dropped".to_owned(),
            Self::ListImagesLag { seconds } => format!("lags {seconds} s"),
            Self::Hidden { image } => format!("doesn't show {image} yet"),
            Self::Lost => "lost".to_owned(),
            Self::Repeated { copies } => format!("repeated: {copies} more"),
            Self::Delayed { seconds } => format!("{seconds} s late"),
            Self::Reordered { seconds } => format!("reordered: every other one {seconds} s late"),
            Self::FailLifecycle { skipped: true, reason } => format!("skipped: {reason}"),
            Self::FailLifecycle { skipped: false, reason } => format!("failed: {reason}"),
            Self::FailBuild { status, reason, .. } => format!("will fail in {status}: {reason}"),
            Self::Finding { severity, seconds } => format!("one more {severity} finding {seconds} s after the scan"),
        }
    }
}

impl Rules {
    /// Reads a document `{"rules": […]}`. What the local AWS answers beside the rules, `struck`, is passed over.
    ///
    /// # Errors
    /// The first fault found: the member and what was expected.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let document: Value = serde_json::from_slice(text)
            .map_err(|error| format!("the faults aren't JSON: {error}; expected {{\"rules\": […]}}"))?;
        let members = document.as_object().ok_or("expected an object {\"rules\": […]}")?;
        known(members, "", &["rules", "struck"])?;
        let rules = members.get("rules").and_then(Value::as_array).ok_or("rules: expected a list of rules")?;
        rules
            .iter()
            .enumerate()
            .map(|(place, rule)| parse(rule, &format!("rules[{place}]")))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

fn parse(rule: &Value, path: &str) -> Result<Rule, String> {
    let members = rule.as_object().ok_or_else(|| format!("{path}: expected an object with a fault"))?;
    let of = Members { members, path };
    let names = || FAULTS.map(|(name, ..)| name).join(", ");
    let kind = of.text("fault")?.ok_or_else(|| format!("{path}.fault: expected one of {}", names()))?;
    let (name, matched, own) = FAULTS
        .iter()
        .find(|(name, ..)| *name == kind)
        .ok_or_else(|| format!("{path}.fault: {kind:?} is none; expected one of {}", names()))?;
    let allowed: Vec<&str> = ["fault", "match"].iter().chain(&WHEN).chain(*own).copied().collect();
    known(members, path, &allowed)?;
    let on = matching(members, path, name, matched)?;
    let fault = fault(&of, name, &on)?;
    let times = of.number("times", 1, i64::MAX)?;
    if times.is_some() && matches!(fault, Fault::ListImagesLag { .. } | Fault::Finding { .. }) {
        return Err(format!("{path}.times: {name} lasts; expected from or until"));
    }
    let after = of.number("after", 1, i64::MAX)?;
    if after.is_some() && matches!(fault, Fault::ListImagesLag { .. } | Fault::Finding { .. }) {
        return Err(format!("{path}.after: {name} lasts; expected from or until"));
    }
    let (from, until) = (of.time("from")?, of.time("until")?);
    if let (Some(from), Some(until)) = (from, until)
        && from >= until
    {
        return Err(format!("{path}.until: expected a time after from"));
    }
    let probability = match members.get("probability") {
        None => None,
        Some(value) => Some(
            value
                .as_f64()
                .filter(|value| *value > 0.0 && *value <= 1.0)
                .ok_or_else(|| format!("{path}.probability: expected a number above 0, at most 1"))?,
        ),
    };
    let (times, after) = (times.map(i64::cast_unsigned), after.map(i64::cast_unsigned));
    Ok(Rule { document: rule.clone(), on, times, after, probability, from, until, fault })
}

fn known(members: &Map<String, Value>, path: &str, allowed: &[&str]) -> Result<(), String> {
    match members.keys().find(|name| !allowed.contains(&name.as_str())) {
        Some(name) => {
            let dot = if path.is_empty() { "" } else { "." };
            Err(format!("{path}{dot}{name}: there is no such member; expected {}", allowed.join(", ")))
        }
        None => Ok(()),
    }
}

fn matching(
    members: &Map<String, Value>,
    path: &str,
    fault: &str,
    allowed: &[&str],
) -> Result<BTreeMap<String, String>, String> {
    let Some(given) = members.get("match") else { return Ok(BTreeMap::new()) };
    let given = given.as_object().ok_or_else(|| format!("{path}.match: expected an object"))?;
    let mut on = BTreeMap::new();
    for (name, value) in given {
        if !allowed.contains(&name.as_str()) {
            return Err(format!("{path}.match.{name}: {fault} matches by {}", allowed.join(", ")));
        }
        let text = value.as_str().filter(|text| !text.is_empty());
        let text = text.ok_or_else(|| format!("{path}.match.{name}: expected a text, in which * stands for any"))?;
        on.insert(name.clone(), text.to_owned());
    }
    let service = on.get("service").map(String::as_str);
    if allowed == OF_NOTIFICATIONS && service.is_some_and(|service| !["sns", "events"].contains(&service)) {
        return Err(format!("{path}.match.service: expected sns or events"));
    }
    for (member, only) in [("topic", "sns"), ("detailType", "events")] {
        if on.contains_key(member) && service.is_some_and(|service| service != only) {
            return Err(format!("{path}.match.{member}: expected it with the service {only} alone"));
        }
    }
    if on.contains_key("topic") && on.contains_key("detailType") {
        return Err(format!("{path}.match.detailType: expected either this or a topic"));
    }
    Ok(on)
}

fn fault(of: &Members<'_>, name: &str, on: &BTreeMap<String, String>) -> Result<Fault, String> {
    let path = of.path;
    let required = |member: &str, expected: &str| format!("{path}.{member}: expected {expected}");
    Ok(match name {
        "throttle" => Fault::Throttle { code: of.code()? },
        "error" => {
            let (code, status) = (of.code()?, of.number("status", 400, 599)?);
            if code.is_none() && status.is_none() {
                return Err(required("code", "a code, or a status from 400 to 599"));
            }
            let status = status.and_then(|status| u16::try_from(status).ok());
            Fault::Error { code, status, message: of.text("message")?.map(str::to_owned) }
        }
        "latency" => {
            let milliseconds = of.number("milliseconds", 1, DAY * 1000)?;
            let expected = "a whole number from 1 to 86400000";
            Fault::Latency { milliseconds: milliseconds.ok_or_else(|| required("milliseconds", expected))? }
        }
        "unreachable" if on.contains_key("region") || on.contains_key("account") => Fault::Unreachable,
        "unreachable" => return Err(required("match.region", "the Region or the account that can't be reached")),
        "list-images-lag" => {
            let seconds = of.number("seconds", 1, 120)?;
            Fault::ListImagesLag {
                seconds: seconds.ok_or_else(|| required("seconds", "a whole number from 1 to 120"))?,
            }
        }
        "lost" => Fault::Lost,
        "repeated" => Fault::Repeated { copies: of.number("copies", 1, 10)?.unwrap_or(1) },
        "delayed" => {
            let seconds = of.number("seconds", 1, DAY)?;
            Fault::Delayed { seconds: seconds.ok_or_else(|| required("seconds", "a whole number from 1 to 86400"))? }
        }
        "finding" => {
            let severity = of.text("severity")?.filter(|severity| SEVERITIES.contains(severity));
            let severity =
                severity.ok_or_else(|| required("severity", &format!("one of {}", SEVERITIES.join(", "))))?;
            let seconds = of.number("seconds", 0, LATEST_FINDING * DAY)?.unwrap_or(0);
            Fault::Finding { severity: severity.to_owned(), seconds }
        }
        "reordered" => Fault::Reordered { seconds: of.number("seconds", 1, DAY)?.unwrap_or(60) },
        "fail-lifecycle" => {
            let outcome = of.text("outcome")?.unwrap_or("FAILED");
            if !["FAILED", "SKIPPED"].contains(&outcome) {
                return Err(required("outcome", "FAILED or SKIPPED"));
            }
            Fault::FailLifecycle { skipped: outcome == "SKIPPED", reason: reason(of)? }
        }
        _ => {
            let status = of.text("status")?.filter(|status| STATUSES.contains(status));
            let status = status.ok_or_else(|| required("status", &format!("one of {}", STATUSES.join(", "))))?;
            let region = of.text("region")?.map(str::to_owned);
            if region.is_some() && status != "DISTRIBUTING" {
                return Err(required("region", "none: only DISTRIBUTING fails in a Region"));
            }
            let component = of.text("component")?.map(str::to_owned);
            if component.is_some() && !["BUILDING", "TESTING"].contains(&status) {
                return Err(required("component", "none: components run in BUILDING and TESTING"));
            }
            Fault::FailBuild { status: status.to_owned(), reason: reason(of)?, region, component }
        }
    })
}

fn reason(of: &Members<'_>) -> Result<String, String> {
    Ok(of.text("reason")?.unwrap_or("A fault that was asked for.").to_owned())
}

/// The members of a rule, by type.
struct Members<'a> {
    members: &'a Map<String, Value>,
    path: &'a str,
}

impl<'a> Members<'a> {
    fn text(&self, name: &str) -> Result<Option<&'a str>, String> {
        let Some(value) = self.members.get(name) else { return Ok(None) };
        let text = value.as_str().filter(|text| !text.is_empty() && text.len() <= 1024);
        text.map(Some).ok_or_else(|| format!("{}.{name}: expected a text of 1 to 1024 characters", self.path))
    }

    /// A code goes into a header.
    fn code(&self) -> Result<Option<String>, String> {
        let symbols = |text: &&str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._".contains(&byte));
        match self.text("code")? {
            None => Ok(None),
            Some(code) if symbols(&code) => Ok(Some(code.to_owned())),
            Some(_) => Err(format!("{}.code: expected letters, digits, periods and underscores", self.path)),
        }
    }

    fn number(&self, name: &str, least: i64, most: i64) -> Result<Option<i64>, String> {
        let Some(value) = self.members.get(name) else { return Ok(None) };
        let number = value.as_i64().filter(|number| (least..=most).contains(number));
        let bounds = if most == i64::MAX { format!("from {least}") } else { format!("from {least} to {most}") };
        number.map(Some).ok_or_else(|| format!("{}.{name}: expected a whole number {bounds}", self.path))
    }

    fn time(&self, name: &str) -> Result<Option<Time>, String> {
        let Some(value) = self.members.get(name) else { return Ok(None) };
        let time = value.as_str().and_then(|text| text.parse().ok());
        time.map(Some).ok_or_else(|| format!("{}.{name}: expected a time such as 2026-03-02T00:00:00Z", self.path))
    }
}
