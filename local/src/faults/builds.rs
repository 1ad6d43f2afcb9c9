//! Faults of builds: decided when a build starts, as its components' are. And of what its scan finds.

use super::decide::{self, Subject};
use super::document::Fault;
use super::strike;
use crate::clock::Time;
use crate::imagebuilder::failure::Failure;
use crate::world::World;
use chrono::TimeDelta;
use serde_json::json;

/// A build that starts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Build<'a> {
    /// The image build version's ARN.
    pub(crate) arn: &'a str,
    /// The image's name.
    pub(crate) name: &'a str,
    /// The recipe's ARN.
    pub(crate) recipe: &'a str,
    /// The pipeline's ARN, if one starts it.
    pub(crate) pipeline: Option<&'a str>,
    /// The Region.
    pub(crate) region: &'a str,
    /// 12 digits.
    pub(crate) account: &'a str,
    /// Whether it passes through TESTING.
    pub(crate) tested: bool,
}

impl<'a> Build<'a> {
    fn subject(&self) -> Subject<'a> {
        let mut values = vec![
            ("name", vec![self.name]),
            ("recipe", named(self.recipe)),
            ("region", vec![self.region]),
            ("account", vec![self.account]),
        ];
        if let Some(pipeline) = self.pipeline {
            values.push(("pipeline", named(pipeline)));
        }
        let title = self.arn.rsplit_once(":image/").map_or(self.arn, |(_, name)| name).to_owned();
        Subject { values, key: self.arn.to_owned(), title, invocation: None }
    }
}

/// The findings that rules add to a build whose scan ended at a time: severity, and when each was there.
pub(crate) fn findings_of(world: &World, build: &Build<'_>, scanned: Time) -> Vec<(String, Time)> {
    if world.faults.rules.0.is_empty() {
        return Vec::new();
    }
    let (subject, now) = (build.subject(), world.time_of_call());
    let added = world.faults.rules.0.iter().enumerate().filter_map(|(place, rule)| {
        let Fault::Finding { severity, seconds } = &rule.fault else { return None };
        let at = scanned + TimeDelta::seconds(*seconds);
        let strikes = decide::fits(rule, now, &subject) && decide::strikes(rule, place, 0, world.seed, &subject.key, 0);
        (at <= now && strikes).then(|| (severity.clone(), at))
    });
    added.collect()
}

/// How a build that starts will fail, if a rule says so.
pub(crate) fn foretold(world: &mut World, build: &Build<'_>) -> Option<Failure> {
    let subject = build.subject();
    let reached =
        |fault: &Fault| matches!(fault, Fault::FailBuild { status, .. } if build.tested || status != "TESTING");
    let (fault, _) = strike(world, &subject, reached).pop()?;
    let Fault::FailBuild { status, reason, region } = fault else { return None };
    let mut context = json!({"imageStatus": status});
    if status == "DISTRIBUTING" {
        let region = region.as_deref().unwrap_or(build.region);
        let failed = json!({
            "region": region, "status": "FAILED", "errorMessage": reason, "targetAccountId": build.account,
        });
        context["distributionFailure"] = json!({"errorMessage": reason, "regionFailures": [failed]});
    }
    Some(Failure { status, summary: reason.clone(), reason, context })
}

/// An ARN, and the name in it.
fn named(arn: &str) -> Vec<&str> {
    let name = arn.split('/').nth(1);
    [Some(arn), name].into_iter().flatten().collect()
}
