//! The proof that an AMI isn't used: what speaks against it, and what is missing.

use super::facts::{AmiFacts, At, Build, Execution, Known, References, Registered, Shares, Usage};
use super::reason::Reason;
use crate::settings::Settings;
use chrono::{DateTime, TimeDelta, Utc};
use shared::image::{Ami, Status};
use shared::tags;
use std::collections::BTreeMap;

/// The tag that Image Builder gives each AMI that it makes: without it its lifecycle role may not touch one,
/// <https://docs.aws.amazon.com/imagebuilder/latest/userguide/security-iam-awsmanpol.html>.
const MADE: (&str, &str) = ("CreatedBy", "EC2 Image Builder");

/// A report of use that is older is stale. It is held against the event's time, the one of the schedule: what one day's
/// run asked for was made after that day's time, so the next day's run finds it younger than a day.
const FRESH: TimeDelta = TimeDelta::days(1);

/// Against what an AMI is held.
pub(super) struct Expected<'a> {
    /// What the image's record says.
    pub(super) build: &'a Build,
    /// Whether this function began to deprecate and to disable the image: it may have got to some AMIs only.
    pub(super) began: [bool; 2],
    /// Launch permissions from before it was disabled.
    pub(super) remembered: &'a BTreeMap<At, Shares>,
    /// Whether it has to be known now who else uses it: its step is near.
    pub(super) is_near: bool,
    pub(super) settings: &'a Settings,
    pub(super) now: DateTime<Utc>,
}

/// What speaks against taking an AMI a step further. Empty is the proof.
#[derive(Debug, Default)]
pub(super) struct Objections {
    pub(super) reasons: Vec<Reason>,
    /// Whether a new report of its use is needed.
    pub(super) ask: bool,
    /// Whether there is one that serves, for at most a day.
    pub(super) fresh: bool,
}

impl Expected<'_> {
    pub(super) fn objections(&self, ami: &Ami, facts: Option<&AmiFacts>) -> Objections {
        let mut found = Objections::default();
        let Some(facts) = facts else {
            found.reasons.push(missing(ami, "EC2 wasn't asked"));
            return found;
        };
        match &facts.registered {
            Known::Unread(why) => found.reasons.push(missing(ami, why)),
            Known::Is(None) if self.may_be_gone(ami) => return found,
            Known::Is(None) => found.reasons.push(Reason::AmiGone(ami.id.clone())),
            Known::Is(Some(registered)) => self.of_registered(ami, registered, &mut found.reasons),
        }
        self.of_references(ami, &facts.references, &mut found.reasons);
        if self.is_near {
            self.of_shares(ami, facts, &mut found);
        }
        found
    }

    /// What failed may have no AMIs any more, and what is half deleted neither.
    fn may_be_gone(&self, ami: &Ami) -> bool {
        let failed = matches!(self.build.status, Status::Failed | Status::Cancelled);
        let deleted = |execution: &Execution| {
            let of_ami = execution.resources.iter().filter(|it| it.id == ami.id);
            of_ami.into_iter().any(|it| it.action.as_deref() == Some("DELETE") && it.status == "SUCCESS")
        };
        failed || self.build.execution.get().and_then(Option::as_ref).is_some_and(deleted)
    }

    fn of_registered(&self, ami: &Ami, registered: &Registered, reasons: &mut Vec<Reason>) {
        if registered.tags.contains_key(tags::KEEP_IMAGE) {
            reasons.push(Reason::KeepTag(Some(ami.id.clone())));
        }
        let days = self.settings.last_launched_days;
        let lately = self.now - TimeDelta::days(days.into());
        if let Some(at) = registered.last_launched.filter(|at| *at >= lately) {
            reasons.push(Reason::Launched { ami: ami.id.clone(), at, days });
        }
        let (key, value) = MADE;
        if registered.tags.get(key).is_none_or(|it| it != value) {
            reasons.push(Reason::Outside(ami.id.clone()));
        }
        if registered.protected {
            reasons.push(Reason::Protected(ami.id.clone()));
        }
        if let Some(about) = self.disagreement(registered) {
            reasons.push(Reason::Disagree { ami: ami.id.clone(), about });
        }
    }

    fn disagreement(&self, registered: &Registered) -> Option<String> {
        let Registered { state, deprecation_time, .. } = registered;
        let status = &self.build.status;
        let [deprecating, disabling] = self.began;
        let made_by = registered.tags.get("Ec2ImageBuilderArn").filter(|arn| **arn != self.build.arn.to_string());
        if let Some(other) = made_by {
            return Some(format!("its tag Ec2ImageBuilderArn is {other}"));
        }
        let fits = match status {
            Status::Disabled => state == "disabled",
            Status::Deprecated => state == "available" || (disabling && state == "disabled"),
            _ => state == "available",
        };
        let is_deprecated = deprecation_time.is_some_and(|at| at <= self.now);
        match status {
            _ if !fits => Some(format!("the image is {status}, the AMI {state}")),
            Status::Available if is_deprecated && !deprecating => {
                Some(format!("the image is {status}, the AMI deprecated"))
            }
            Status::Deprecated if deprecation_time.is_none() => {
                Some(format!("the image is {status}, the AMI isn't deprecated"))
            }
            _ => None,
        }
    }

    fn of_references(&self, ami: &Ami, references: &References, reasons: &mut Vec<Reason>) {
        match references {
            References::Some(by) if !by.is_empty() => {
                reasons.extend(by.iter().map(|it| Reason::InUse { ami: ami.id.clone(), by: it.arn.clone() }));
            }
            References::None(read) if read.contains(&At::of(ami)) => {}
            References::None(_) | References::Some(_) => {
                reasons.push(missing(ami, &format!("what refers to it in {}", At::of(ami))));
            }
            References::Unread(why) => reasons.push(missing(ami, why)),
        }
    }

    fn of_shares(&self, ami: &Ami, facts: &AmiFacts, found: &mut Objections) {
        let shares = match &facts.shares {
            Known::Is(shares) => shares,
            Known::Unread(why) => return found.reasons.push(missing(ami, why)),
        };
        if shares.public {
            return found.reasons.push(Reason::Public(ami.id.clone()));
        }
        let was_shared = self.remembered.get(&At::of(ami)).is_some_and(|shares| !shares.is_empty());
        if shares.is_empty() && !was_shared {
            return;
        }
        let none = |what: &str| Reason::NoUsageReport { ami: ami.id.clone(), found: what.to_owned() };
        let objection = match &facts.usage {
            Usage::Read { at, .. } if self.now - *at > FRESH => {
                found.ask = true;
                Some(none(&format!("the report of {} is older than a day", at.format("%F %R"))))
            }
            Usage::Read { .. } => {
                found.fresh = true;
                None
            }
            Usage::Pending => Some(none("the report is being made")),
            Usage::Absent => {
                found.ask = true;
                Some(none("there is no report"))
            }
            Usage::Failed(why) => {
                found.ask = true;
                Some(none(&format!("the report failed: {why}")))
            }
            Usage::Unread(why) => Some(missing(ami, why)),
        };
        if let Usage::Read { by, .. } = &facts.usage {
            let others = by.iter().filter(|(_, count)| **count > 0);
            let used = others.map(|(account, _)| Reason::UsedBy { ami: ami.id.clone(), account: account.clone() });
            found.reasons.extend(used);
        }
        found.reasons.extend(objection);
    }
}

fn missing(ami: &Ami, why: &str) -> Reason {
    Reason::Missing(format!("{} in {}: {why}", ami.id, At::of(ami)))
}
