//! How a distribution that can't be done fails its build.

use super::Distribution;
use crate::imagebuilder::failure::Failure;
use crate::imagebuilder::store::Resource;
use crate::world::World;
use serde_json::{Value, json};

/// The most failures that `regionFailures` holds.
const MOST: usize = 256;

/// One thing that can't be done in a Region and account.
struct Problem<'a> {
    region: &'a str,
    account: &'a str,
    /// `imageConfigurationStep`, for what follows the AMI.
    step: Option<&'a str>,
    message: &'a str,
}

/// Why a distribution fails its build, if it does: at the end of DISTRIBUTING for a Region that can't be reached,
/// at the end of INTEGRATING for what is done after the AMIs.
pub(super) fn of(world: &World, image: &Resource, distribution: &Distribution) -> Option<Failure> {
    let unreached = distribution.unreached.iter().map(|(target, message)| Problem {
        region: &target.region,
        account: &target.account,
        step: None,
        message,
    });
    let undone = distribution.steps.iter().filter_map(|step| {
        let message = step.work.as_ref().err()?;
        Some(Problem { region: &step.region, account: &step.account, step: Some(step.name), message })
    });
    let mut status = "DISTRIBUTING";
    let mut problems: Vec<_> = unreached.collect();
    if problems.is_empty() {
        status = "INTEGRATING";
        problems.extend(undone);
    }
    let first = problems.first()?;
    let summary = format!("{}: {}", first.region, first.message);
    let job = world.seed.uuid(&["execution", "distribution", &image.arn]);
    let told: Vec<_> = problems.iter().enumerate().map(|(index, it)| sentence(index + 1, image, it)).collect();
    let message = format!("Not all distribution jobs are completed. {}", told.join(" "));
    let reason =
        format!("Distribution failed with JobId '{job}', status = 'Failed' for ARN '{}'. '{message}'", image.arn);
    let failures: Vec<_> = problems.iter().take(MOST).map(region_failure).collect();
    let failure = json!({"errorMessage": message, "regionFailures": failures});
    let context = json!({"imageStatus": status, "distributionFailure": failure});
    Some(Failure { status: status.to_owned(), reason, context, summary })
}

/// The form that is seen of the service when a copy is refused.
fn sentence(number: usize, image: &Resource, problem: &Problem<'_>) -> String {
    let Problem { region, account, message, .. } = problem;
    format!(
        "{number}) EC2 Client Error: '{message}' when distributing the image from the source account (ID: {}) to the \
         destination account (ID: {account}) in Region {region}.",
        image.owner
    )
}

fn region_failure(problem: &Problem<'_>) -> Value {
    let mut failure = json!({
        "region": problem.region,
        "status": "FAILED",
        "errorMessage": problem.message,
        "targetAccountId": problem.account,
    });
    if let Some(step) = problem.step {
        failure["imageConfigurationStep"] = step.into();
    }
    failure
}
