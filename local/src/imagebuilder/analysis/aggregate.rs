//! ListImageScanFindingAggregations.

use super::findings::{IMAGE, PIPELINE, VULNERABILITY, filter_name, key, scanned};
use super::{SeverityCounts, finding, severity_counts};
use crate::model::Listing;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// ListImageScanFindingAggregations: of the account, or with a filter of each image, pipeline or vulnerability that
/// its values name; without values, of each that has findings. What was never scanned has no entry.
pub(in super::super) fn list_image_scan_finding_aggregations<'a>(
    world: &'a World,
    context: &Context,
    input: &Value,
    _after: Option<&str>,
) -> Result<Listing<'a>, ApiError> {
    let Some(filter) = input.get("filter") else {
        let mut counts = SeverityCounts::default();
        scanned(world, context, None).for_each(|image| counts += severity_counts(world, image));
        let account = context.account().to_owned();
        return Ok(listing("accountId", std::iter::once((account.clone(), (account, counts)))));
    };
    let name = filter_name(filter, "filter", &[IMAGE, PIPELINE, VULNERABILITY])?;
    let values = filter["values"].as_array().map(|values| values.iter().filter_map(Value::as_str).collect::<Vec<_>>());
    let is_wanted = |key: &str| values.as_ref().is_none_or(|values| values.contains(&key));
    match (name, &values) {
        (IMAGE, None) => {
            let images = scanned(world, context, None);
            Ok(listing(IMAGE, images.map(|image| (key(image), (image.arn.clone(), severity_counts(world, image))))))
        }
        (IMAGE, Some(values)) => {
            let images = values.iter().flat_map(|arn| scanned(world, context, Some(arn)));
            let counts = images.map(|image| (image.arn.clone(), severity_counts(world, image)));
            Ok(sorted(IMAGE, counts.collect()))
        }
        (PIPELINE, _) => {
            let mut all: BTreeMap<String, SeverityCounts> = BTreeMap::new();
            for image in scanned(world, context, None) {
                if let Some(pipeline) = image.text("sourcePipelineArn").filter(|arn| is_wanted(arn)) {
                    *all.entry(pipeline.to_owned()).or_default() += severity_counts(world, image);
                }
            }
            Ok(sorted(PIPELINE, all))
        }
        _ => {
            let mut all: BTreeMap<String, SeverityCounts> = BTreeMap::new();
            for finding in scanned(world, context, None).flat_map(|image| finding::of(world, image)) {
                let id = finding.vulnerability_id();
                if is_wanted(&id) {
                    all.entry(id).or_default().add(finding.severity());
                }
            }
            Ok(sorted(VULNERABILITY, all))
        }
    }
}

fn sorted<'a>(kind: &'static str, counts: BTreeMap<String, SeverityCounts>) -> Listing<'a> {
    listing(kind, counts.into_iter().map(|(name, counts)| (name.clone(), (name, counts))))
}

/// An entry for each thing that has counts. `kind` is what the things are, as `aggregationType` says it.
fn listing<'a>(
    kind: &'static str,
    counts: impl Iterator<Item = (String, (String, SeverityCounts))> + 'a,
) -> Listing<'a> {
    let member = match kind {
        IMAGE => "imageAggregation",
        PIPELINE => "imagePipelineAggregation",
        VULNERABILITY => "vulnerabilityIdAggregation",
        _ => "accountAggregation",
    };
    let entry = move |(key, (name, counts)): (String, (String, SeverityCounts))| {
        (key, json!({member: {kind: name, "severityCounts": counts.to_value()}}))
    };
    Listing::ascending(counts.map(entry)).with("aggregationType", kind)
}
