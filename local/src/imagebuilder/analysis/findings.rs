//! ListImageScanFindings, and which images have findings.

use super::super::store::{Kind, Resource};
use super::finding::{self, Finding};
use super::scan;
use crate::model::{Listing, bad_value, error};
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::Value;
use std::cell::OnceCell;

/// The names of filters that images are chosen by.
pub(super) const IMAGE: &str = "imageBuildVersionArn";
pub(super) const PIPELINE: &str = "imagePipelineArn";
pub(super) const VULNERABILITY: &str = "vulnerabilityId";
const SEVERITY: &str = "severity";

/// The images of the caller whose scan is completed, newest first; of one ARN, if one is given, at most one.
pub(super) fn scanned<'a>(
    world: &'a World,
    context: &Context,
    arn: Option<&str>,
) -> impl Iterator<Item = &'a Resource> + use<'a> {
    let (owner, region) = (context.account().to_owned(), context.region.clone());
    let named = arn.map(|arn| world.imagebuilder.get(arn));
    let all = arn.is_none().then(|| world.imagebuilder.owned(Kind::Image, &region, &owner).rev());
    let own = move |image: &&Resource| image.kind == Kind::Image && image.owner == owner && image.region == region;
    named.flatten().into_iter().filter(own).chain(all.into_iter().flatten()).filter(|image| scan::is_completed(image))
}

/// The place of an image in a listing from the newest to the oldest.
pub(super) fn key(image: &Resource) -> String {
    format!("{:020}", u64::MAX - image.made)
}

/// The name of a filter, if it is one of those that an operation has.
///
/// # Errors
/// `InvalidRequestException` without a name, `InvalidParameterValueException` for another one.
pub(super) fn filter_name<'a>(filter: &'a Value, place: &str, allowed: &[&str]) -> Result<&'a str, ApiError> {
    let name = filter["name"].as_str();
    let name = name.ok_or_else(|| error("InvalidRequestException", format!("{place}.name is required.")))?;
    if allowed.contains(&name) {
        return Ok(name);
    }
    Err(bad_value(&format!("{place}.name"), format!("Expected one of {}.", allowed.join(", "))))
}

/// ListImageScanFindings: of the newest image first. Values that fit nothing give an empty list.
pub(in super::super) fn list_image_scan_findings<'a>(
    world: &'a World,
    context: &Context,
    input: &Value,
    after: Option<&str>,
) -> Result<Listing<'a>, ApiError> {
    let filter = input.get("filters").map(|filters| &filters[0]);
    let chosen = filter.map(|filter| {
        let name = filter_name(filter, "filters[0]", &[IMAGE, PIPELINE, VULNERABILITY, SEVERITY])?;
        let value = filter["values"][0].as_str();
        let value = value.ok_or_else(|| error("InvalidRequestException", "filters[0].values is required."))?;
        Ok((name.to_owned(), value.to_owned()))
    });
    let chosen: Option<(String, String)> = chosen.transpose()?;
    let value_of = |wanted: &str| chosen.as_ref().filter(|(name, _)| name == wanted).map(|(_, value)| value.clone());
    let pipeline = value_of(PIPELINE);
    let images = scanned(world, context, value_of(IMAGE).as_deref());
    let images =
        images.filter(move |image| pipeline.is_none() || image.text("sourcePipelineArn") == pipeline.as_deref());
    let (id, severity) = (value_of(VULNERABILITY), value_of(SEVERITY));
    let wanted = move |finding: &Finding| {
        id.as_ref().is_none_or(|id| finding.vulnerability_id() == *id)
            && severity.as_ref().is_none_or(|severity| finding.severity() == severity)
    };
    // Of the images that earlier pages were about nothing is worked out.
    let from = after.and_then(|after| after.get(..20)).map(str::to_owned);
    let images = images.skip_while(move |image| from.as_ref().is_some_and(|from| key(image) < *from));
    let found = images.flat_map(move |image| {
        let mut found = finding::of(world, image);
        found.retain(&wanted);
        let observed = OnceCell::new();
        found.into_iter().map(move |finding| {
            let observed = *observed.get_or_init(|| finding::observed(world, image));
            (format!("{} {:03}", key(image), finding.place), finding.to_value(world, image, observed))
        })
    });
    Ok(Listing::ascending(found))
}
