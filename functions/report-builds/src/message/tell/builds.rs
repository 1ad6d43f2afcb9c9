//! A build that was cancelled, and steps of a build that wait.

use super::super::Telling;
use super::super::content::Content;
use super::super::words::{counted, image, short, span, time};
use super::started_by;
use crate::facts::{Build, Summary, WaitingStep};
use chrono::TimeDelta;
use serde_json::json;

/// How many steps that wait are told one by one.
const MOST: usize = 10;

pub(super) fn cancelled(telling: &Telling<'_>, build: &Summary, detail: &Build) -> Content {
    let name = image(&build.arn);
    let summary = format!("The build of {name} was cancelled before it ended. AMIs that it had made by then stay.");
    let mut content = telling.of_build(build, format!("{name} was cancelled"), summary);
    content.facts.extend(started_by(detail).map(|by| ("Started by", by)));
    content.section("Why", detail.reason.iter().cloned().collect());
    content.next = vec![
        "If you don't know who cancelled it: look for CancelImageCreation in CloudTrail's event history.".to_owned(),
        format!("If the image is still wanted:\n{}", telling.start()),
    ];
    content
}

pub(super) fn waiting(telling: &Telling<'_>, build: &Summary, steps: &[WaitingStep]) -> Content {
    let name = image(&build.arn);
    let what = match steps {
        [one] => format!("step {}", one.name),
        many => counted(many.len(), "step"),
    };
    let mut content = telling.of_build(
        build,
        format!("{name} waits for an answer: {what}"),
        format!(
            "The build of {name} doesn't go on until somebody says so: {what} of its workflow {}.",
            if steps.len() == 1 { "waits" } else { "wait" }
        ),
    );
    let shown = &steps[..steps.len().min(MOST)];
    for step in shown {
        let mut lines = vec![format!("Workflow: {}", short(&step.workflow))];
        lines.extend(step.description.iter().map(|description| format!("Description: {description}")));
        lines.push(format!("Step execution: {}", step.id));
        lines.extend(step.since.map(|since| format!("Waits since: {}", time(since))));
        if let (Some(since), Some(seconds)) = (step.since, step.timeout_seconds) {
            let limit = TimeDelta::seconds(i64::from(seconds));
            lines.push(format!("Gives up at: {}, after {}; then the build fails", time(since + limit), span(limit)));
        }
        content.section(format!("Step {}", step.name), lines);
    }
    content.next.push("Look at the image, and decide whether it is to become a golden image.".to_owned());
    for step in shown {
        let of = if steps.len() == 1 { String::new() } else { format!(" at {}", step.name) };
        let after = of.replace(" at ", " after ");
        content.next.push(format!("To go on{after}:\n{}", invoke(telling, "resume", build, step)));
        content.next.push(format!("To end the build{of}:\n{}", invoke(telling, "stop", build, step)));
    }
    if steps.len() > shown.len() {
        content.next.push(format!(
            "{} more wait:\naws imagebuilder list-waiting-workflow-steps --region {}",
            steps.len() - shown.len(),
            telling.facts.function.region
        ));
    }
    content
}

/// The exact line that answers a step, through this function.
fn invoke(telling: &Telling<'_>, command: &str, build: &Summary, step: &WaitingStep) -> String {
    let function = &telling.facts.function;
    let payload = json!({command: {"image": build.arn.to_string(), "step": step.id}});
    format!(
        "aws lambda invoke --region {} --function-name {} --cli-binary-format raw-in-base64-out --payload '{payload}' \
         /dev/stdout",
        function.region,
        function.resource.trim_start_matches("function:"),
    )
}
