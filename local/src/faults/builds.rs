//! Faults of builds: decided when a build starts, as its components' are.

use super::decide::Subject;
use super::document::Fault;
use super::strike;
use crate::imagebuilder::failure::Failure;
use crate::world::World;
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

/// How a build that starts will fail, if a rule says so.
pub(crate) fn foretold(world: &mut World, build: &Build<'_>) -> Option<Failure> {
    let mut values = vec![
        ("name", vec![build.name]),
        ("recipe", named(build.recipe)),
        ("region", vec![build.region]),
        ("account", vec![build.account]),
    ];
    if let Some(pipeline) = build.pipeline {
        values.push(("pipeline", named(pipeline)));
    }
    let title = build.arn.rsplit_once(":image/").map_or(build.arn, |(_, name)| name).to_owned();
    let subject = Subject { values, key: build.arn.to_owned(), title, invocation: None };
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
