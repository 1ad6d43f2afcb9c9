//! A build that failed.

use super::super::Telling;
use super::super::content::Content;
use super::super::inputs::side_by_side;
use super::super::words::{columns, counted, cut, first, image, quoted, short, time};
use super::started_by;
use crate::cause::Point;
use crate::facts::{Build, Known, RegionFailure, Summary};
use crate::transient::{self, Retry};

pub(super) fn failed(
    telling: &Telling<'_>,
    build: &Summary,
    detail: &Build,
    point: &Point<'_>,
    good: Option<(&Summary, &Build)>,
    retry: Retry,
) -> Content {
    let name = image(&build.arn);
    let (short_why, why) = where_it_failed(point);
    let outcome = match retry {
        Retry::Now { attempt, passing } | Retry::Asked { attempt, passing } => format!(
            " The reason ({}) passes by itself, so Image Builder was asked to try again (attempt {attempt} of {}).",
            passing.words(),
            telling.settings.max_retries
        ),
        Retry::No { tried: 0 } => String::new(),
        Retry::No { tried } => format!(" It was tried again {}, in vain.", counted(tried as usize, "time")),
    };
    let mut content = telling.of_build(
        build,
        format!("{name} failed: {short_why}"),
        format!("The build of {name} failed: {why}.{outcome}"),
    );
    content.facts.extend(started_by(detail).map(|by| ("Started by", by)));
    let mut why = reason(detail, point);
    let refused = telling.facts.retry_refused.get(&build.arn.to_string());
    why.extend(refused.map(|error| format!("Trying again was refused: {}", cut(error, 300))));
    content.section("Why", why);
    if let Some((good, good_detail)) = good {
        changed(telling, &mut content, (good, good_detail), detail);
    }
    logs(telling, &mut content, detail);
    content.next = match retry {
        Retry::Now { .. } | Retry::Asked { .. } => vec![
            "Nothing for now. If the new attempt succeeds, a message says so; if not, another report comes.".to_owned(),
        ],
        Retry::No { .. } => next(telling, build, point),
    };
    content
}

/// In a few words, and in a clause.
fn where_it_failed(point: &Point<'_>) -> (String, String) {
    match point {
        Point::Component(failure) => {
            let name = short(&failure.component);
            let of = |what: &str, name: &Option<String>| match name {
                Some(name) => format!(", {what} {name}"),
                None => String::new(),
            };
            let place = format!("{}{}", of("phase", &failure.phase), of("step", &failure.step));
            let action = failure.action.as_ref().map(|action| format!(" ({action})")).unwrap_or_default();
            let at = place.trim_start_matches(", ");
            let at = if at.is_empty() { String::new() } else { format!(" in {at}{action}") };
            (format!("component {name}{place}"), format!("component {name} failed{at}"))
        }
        Point::Distribution(regions) => {
            let own: Vec<&RegionFailure> = regions.iter().filter(|it| it.status != "CANCELLED").copied().collect();
            match &own[..] {
                [] => ("distribution".to_owned(), "it couldn't be distributed".to_owned()),
                [one] => {
                    let place = place(one);
                    (format!("distribution to {place}"), format!("it couldn't be distributed to {place}"))
                }
                many => {
                    let places = format!("{} places", many.len());
                    (format!("distribution to {places}"), format!("it couldn't be distributed to {places}"))
                }
            }
        }
        Point::Capacity => {
            ("no capacity for its instance".to_owned(), "EC2 had no capacity for its instance".to_owned())
        }
        Point::TimeOut(Some(step)) => {
            (format!("time-out of step {step}"), format!("step {step} of its workflow took too long"))
        }
        Point::TimeOut(None) => ("time-out".to_owned(), "its workflow took too long".to_owned()),
        Point::Step(step) => (format!("workflow step {step}"), format!("step {step} of its workflow failed")),
        Point::Phase(phase) => (format!("while {phase}"), format!("something went wrong while it was {phase}")),
        Point::Unknown => ("no reason given".to_owned(), "Image Builder gives no place where it failed".to_owned()),
    }
}

fn place(region: &RegionFailure) -> String {
    match &region.account {
        Some(account) => format!("{} of account {account}", region.region),
        None => region.region.clone(),
    }
}

/// What the services and the component said.
fn reason(detail: &Build, point: &Point<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    match point {
        Point::Component(failure) => lines.extend(failure.message.as_deref().map(quoted)),
        Point::Distribution(regions) => {
            let row = |region: &&RegionFailure| {
                let step = region.step.as_ref().map(|step| format!(" in {step}")).unwrap_or_default();
                let said = cut(region.message.as_deref().unwrap_or("no reason given").trim(), 300);
                let account = region.account.clone().unwrap_or_default();
                [region.region.clone(), account, format!("{}{step}", region.status), said]
            };
            let rows: Vec<[String; 4]> = regions.iter().map(row).collect();
            lines.extend(first(columns(&rows), 30));
            if regions.is_empty() {
                let failure = detail.failure.as_ref();
                lines.extend(failure.and_then(|failure| transient::text(detail, failure)).map(quoted));
            }
        }
        _ => {
            let failure = detail.failure.as_ref();
            let said = failure.and_then(|failure| transient::text(detail, failure));
            lines.extend(said.or(detail.reason.as_deref()).map(quoted));
        }
    }
    if lines.is_empty() {
        lines.extend(detail.reason.as_deref().map(quoted));
    }
    lines.extend(failing_step(detail));
    lines.extend(said_by_step(detail, &lines));
    if let Known::Unread(error) = &detail.executions {
        let so = if transient::passing(detail).is_some() { ", so it isn't tried again" } else { "" };
        lines.push(format!("What its workflow did couldn't be read{so}: {}", cut(error, 300)));
    }
    lines
}

/// Which step of which workflow it was, and which of its attempts.
fn failing_step(detail: &Build) -> Option<String> {
    let failure = detail.failure.as_ref()?;
    let (execution, step) = (detail.failed_execution(), detail.failed_step());
    let name = step.map(|step| &step.name).or(failure.step.as_ref())?;
    let workflow = execution.map(|execution| &execution.workflow).or(failure.workflow.as_ref());
    let workflow = workflow.map(|workflow| format!(" of workflow {}", short(workflow))).unwrap_or_default();
    let action = step.and_then(|step| step.action.as_ref()).map(|action| format!(" ({action})")).unwrap_or_default();
    let attempts = match step.and_then(|step| Some((step.attempt?, step.max_attempts?))) {
        Some((attempt, most)) if most > 1 => format!(", attempt {attempt} of {most}"),
        _ => String::new(),
    };
    Some(format!("Workflow step: {name}{action}{workflow}{attempts}"))
}

/// What else there is to say of the failing step, if nothing above says it.
fn said_by_step(detail: &Build, lines: &[String]) -> Option<String> {
    let said = quoted(detail.failed_step()?.message.as_deref().filter(|said| !said.trim().is_empty())?);
    (!lines.iter().any(|line| line.contains(&said))).then(|| format!("It says: {said}"))
}

fn changed(telling: &Telling<'_>, content: &mut Content, good: (&Summary, &Build), detail: &Build) {
    let (build, good) = good;
    let rows = side_by_side(&good.inputs, &detail.inputs, &telling.facts.function.account);
    let heading = format!("Changed since the last good build, {} of {}", image(&build.arn), time(build.created));
    if rows.is_empty() {
        content.section(heading, vec!["Nothing: the same recipe, parent and components.".to_owned()]);
    } else {
        content.section(heading, first(rows, 30));
    }
}

fn logs(telling: &Telling<'_>, content: &mut Content, detail: &Build) {
    let logs = &detail.logs;
    let mut lines = vec![format!("CloudWatch Logs: group {}, stream {}", logs.group, logs.stream)];
    lines.extend(logs.s3.as_ref().map(|(bucket, prefix)| format!("S3: s3://{bucket}/{prefix}")));
    content.section("Log", lines);
    content.link("Log", telling.console().log(&logs.group, &logs.stream));
    if let Some((bucket, prefix)) = &logs.s3 {
        content.link("Log in S3", telling.console().bucket(bucket, prefix));
    }
}

fn next(telling: &Telling<'_>, build: &Summary, point: &Point<'_>) -> Vec<String> {
    let read = "Read the end of the log; it holds what was run and what it said.".to_owned();
    let again = format!("Build again:\n{}", telling.start());
    match point {
        Point::Component(failure) => vec![
            read,
            format!(
                "Correct {}, or go back to the version of the last good build: make a new version of the component, and \
                 of the recipe unless it follows new versions by itself (x.x.x).",
                short(&failure.component)
            ),
            again,
        ],
        Point::Distribution(regions) => {
            let arn = &build.arn;
            let region = &telling.facts.function.region;
            let mut next = vec![
                "Put right what each Region says above: the role EC2ImageBuilderDistributionCrossAccountRole in the \
                 account, the KMS key's policy, a launch template or a quota."
                    .to_owned(),
            ];
            if regions.iter().any(|region| region.status == "CANCELLED") {
                next.push("Regions that are CANCELLED failed only because another one did.".to_owned());
            }
            next.push(format!(
                "Go on with the same image, without building it again:\naws imagebuilder retry-image --region {region} \
                 --image-build-version-arn {arn}"
            ));
            next
        }
        Point::Capacity => vec![
            "Name more instance types in the infrastructure configuration, or a subnet in another Availability Zone."
                .to_owned(),
            again,
        ],
        Point::TimeOut(_) => vec![
            read,
            "If the instance never reported to Systems Manager: check that its subnet reaches the endpoints of SSM and \
             S3, and that its profile has AmazonSSMManagedInstanceCore."
                .to_owned(),
            "If it only needs longer: raise the workflow step's time-out, or the tests' in the pipeline.".to_owned(),
            again,
        ],
        Point::Step(_) | Point::Phase(_) | Point::Unknown => {
            let mend = "Put right what the reason says: often the instance profile, the execution role, the subnet, or a \
                        parent or component that doesn't exist any more.";
            vec![read, mend.to_owned(), again]
        }
    }
}
