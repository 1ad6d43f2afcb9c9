//! Scans: a build's test workflow collects what Amazon Inspector finds on the test instance, or an AMI is scanned
//! on demand and may fail its build.

use super::super::execution::{self, Phase};
use super::super::failure::Failure;
use super::super::store::Resource;
use super::super::{Event, announce, build};
use super::finding;
use super::system::System;
use super::{lineage, severity_counts};
use crate::clock::Time;
use crate::journal;
use crate::model::error;
use crate::wire::ApiError;
use crate::world::{self, World};
use serde_json::{Map, Value, json};

const ACTION: &str = "CollectImageScanFindings";

/// The severities that a condition may allow, and what lies above them, in their order.
const SEVERITIES: [&str; 5] = ["INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"];

/// Whether an `imageScanningConfiguration` asks for a scan of the AMI instead of the test instance.
fn is_on_demand(configuration: &Value) -> bool {
    configuration["imageScanningTypes"][0] == "ON_DEMAND_AMI_CVE"
}

/// Whether an image's findings are collected by its test workflow.
pub(crate) fn is_collected(configuration: &Value) -> bool {
    configuration["imageScanningEnabled"] == true && !is_on_demand(configuration)
}

/// Whether an image has findings to list.
pub(super) fn is_completed(image: &Resource) -> bool {
    image.document["scanState"]["status"] == "COMPLETED" && image.status() != "DELETED"
}

/// The rules that bind the members of an `imageScanningConfiguration` to each other and to the recipe.
///
/// # Errors
/// `InvalidRequestException` for types of scans with a container recipe, or a condition for another scan than that
/// on demand.
pub(crate) fn check(input: &Value) -> Result<(), ApiError> {
    let Some(configuration) = input.get("imageScanningConfiguration") else { return Ok(()) };
    let refuse = |rule: &str| Err(error("InvalidRequestException", format!("imageScanningConfiguration.{rule}")));
    if configuration.get("imageScanningTypes").is_some() && input.get("containerRecipeArn").is_some() {
        return refuse("imageScanningTypes requires an image recipe.");
    }
    if configuration.get("scanResultCondition").is_some() && !is_on_demand(configuration) {
        return refuse("scanResultCondition requires the imageScanningTypes ON_DEMAND_AMI_CVE.");
    }
    Ok(())
}

/// A build begins: what its parent brings along is kept, and its scan is PENDING, if there will be one.
pub(crate) fn begin(world: &mut World, region: &str, document: &mut Map<String, Value>) {
    if let Some(parent) = lineage::parent_of(document) {
        lineage::keep(world, region, parent);
    }
    if document.get("imageScanningConfiguration").is_some_and(is_collected) {
        document.insert("scanState".to_owned(), json!({"status": "PENDING"}));
    }
}

/// A status of a build has begun, or goes on: the scan's changes in it are posted.
pub(crate) fn follow(world: &mut World, image_arn: &str) {
    let Some(image) = world.imagebuilder.get(image_arn) else { return };
    if image.status() != "TESTING" || image.document.get("scanState").is_none() {
        return;
    }
    if !is_under_way(image) && execution::began_now(world, image_arn) {
        // The build is retried.
        set(world, image_arn, "PENDING", None);
    }
    let Some(step) = execution::seen(world, image_arn, Phase::Test, ACTION) else { return };
    for at in [step.began, collecting(&step), step.ended] {
        let image_arn = image_arn.to_owned();
        world.post(at, world::Event::ImageBuilder(Event::Scan { image_arn }));
    }
}

/// From when on a scan's findings are collected.
fn collecting(step: &execution::Seen) -> Time {
    step.began + (step.ended - step.began) * 4 / 5
}

fn is_under_way(image: &Resource) -> bool {
    ["PENDING", "SCANNING", "COLLECTING"].iter().any(|status| image.document["scanState"]["status"] == *status)
}

fn set(world: &mut World, image_arn: &str, status: &str, reason: Option<&str>) {
    let Some(image) = world.imagebuilder.get_mut(image_arn) else { return };
    let mut state = json!({"status": status});
    if let Some(reason) = reason {
        state["reason"] = reason.into();
    }
    image.document.insert("scanState", state);
}

/// A scan goes on: its state is what its step's is.
pub(crate) fn on_progress(world: &mut World, image_arn: &str) {
    let Some(image) = world.imagebuilder.get(image_arn).filter(|image| is_under_way(image)) else { return };
    let Some(step) = execution::seen(world, image_arn, Phase::Test, ACTION) else { return };
    let (now, before) = (world.now, image.document["scanState"]["status"].clone());
    let (status, reason) = match &step.failure {
        _ if now < step.began => ("PENDING", None),
        _ if now < collecting(&step) => ("SCANNING", None),
        _ if now < step.ended => ("COLLECTING", None),
        Some(reason) if step.timed_out => ("TIMED_OUT", Some(reason.as_str())),
        Some(reason) => ("FAILED", Some(reason.as_str())),
        None => ("COMPLETED", None),
    };
    if before == status {
        return;
    }
    set(world, image_arn, status, reason);
    if status == "COMPLETED" {
        completed(world, image_arn, step.instance_id.as_deref().unwrap_or_default());
    }
}

/// A scan's findings are there: if there are any, that is told.
fn completed(world: &mut World, image_arn: &str, instance_id: &str) {
    let Some(image) = world.imagebuilder.get(image_arn).cloned() else { return };
    let counts = severity_counts(world, &image);
    if counts.all > 0 {
        let detail = format!("the scan found {} vulnerabilities, {} of them critical", counts.all, counts.critical);
        world.record(journal::Kind::Warning, build::subject(&image), Some(&image.region), detail);
        announce::cve_detected(world, &image, instance_id, counts.to_value());
    }
}

/// A build has ended: a scan that hasn't, never will.
pub(crate) fn abandon(world: &mut World, image_arn: &str) {
    if world.imagebuilder.get(image_arn).is_some_and(is_under_way) {
        set(world, image_arn, "ABANDONED", Some("The build ended before the scan's findings were collected."));
    }
}

/// Why an image fails its tests by the condition for its scan on demand, if it does.
pub(crate) fn refusal(world: &mut World, image_arn: &str, status: &str) -> Option<Failure> {
    let image = world.imagebuilder.get(image_arn).filter(|_| status == "TESTING")?;
    let configuration = &image.document["imageScanningConfiguration"];
    let condition = &configuration["scanResultCondition"];
    let allowed = place(condition["maximumSeverityLabel"].as_str()?)?;
    if configuration["imageScanningEnabled"] != true || !is_on_demand(configuration) {
        return None;
    }
    let (every, system) = (condition["fixAvailable"] == false, System::of(image));
    let counted = |it: &finding::Finding| every || it.fix_available(system) != "NO";
    let found = finding::of(world, image);
    let above = found.iter().filter(|it| counted(it) && place(it.severity()).is_some_and(|place| place > allowed));
    let ids: Vec<_> = above.map(finding::Finding::vulnerability_id).collect();
    if ids.is_empty() {
        return None;
    }
    let summary = format!("{} findings are more severe than {}", ids.len(), SEVERITIES[allowed]);
    let reason = format!("The scan of the output AMI doesn't meet its condition: {summary}: {}.", ids.join(", "));
    let context = json!({"imageStatus": status});
    let mut failure = Failure { status: status.to_owned(), reason, context, summary };
    execution::blame(world, image_arn, &mut failure);
    Some(failure)
}

fn place(severity: &str) -> Option<usize> {
    SEVERITIES.iter().position(|known| *known == severity)
}
