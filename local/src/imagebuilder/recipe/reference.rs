//! What recipes refer to: parents and components.

use super::super::calls::unsupported;
use super::super::lookup::resolve;
use super::super::store::{Kind, Resource, latest};
use super::super::{catalogue, marketplace, resolve as materials};
use crate::ec2;
use crate::model::bad_value;
use crate::wire::{ApiError, Context};
use crate::world::World;
use shared::arn::VersionedArn;

/// A reference to an image or a component: made if it is Amazon's, there if it is exact.
pub(super) fn check(
    world: &mut World,
    context: &Context,
    parameter: &str,
    arn: &str,
    kind: Kind,
) -> Result<VersionedArn, ApiError> {
    let expected = "Expected an ARN with a version, whose wildcards stand at its end.";
    let reference: VersionedArn = arn.parse().map_err(|_| bad_value(parameter, expected))?;
    let VersionedArn { arn: parts, name, version, build, .. } = &reference;
    if parts.region != context.region {
        return Err(bad_value(parameter, format!("The resource must be in {}.", context.region)));
    }
    catalogue::ensure_reference(world, &context.region, arn);
    let store = &world.imagebuilder;
    // A wildcard is resolved when a build starts. So is an image's version, whose first build may be to come.
    let to_come = || {
        let recipes = [Kind::ImageRecipe, Kind::ContainerRecipe];
        kind == Kind::Image
            && build.is_none()
            && recipes
                .iter()
                .any(|kind| latest(store, *kind, &parts.region, &parts.account, name, version, |_| true).is_some())
    };
    if version.exact().is_some() && resolve(store, context, kind, arn).is_none() && !to_come() {
        return Err(bad_value(parameter, format!("The resource '{arn}' does not exist.")));
    }
    Ok(reference)
}

/// Whether a text has the form of an AMI's ID.
pub(super) fn is_ami(text: &str) -> bool {
    let digits = text.strip_prefix("ami-").unwrap_or_default();
    matches!(digits.len(), 8 | 17) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The platform of an image recipe's parent: an image's ARN, an AMI's ID, or `ssm:` and a parameter. None if it
/// can't be known before a build.
pub(super) fn platform_of_image(
    world: &mut World,
    context: &Context,
    parent: &str,
) -> Result<Option<String>, ApiError> {
    if parent.starts_with("arn:") {
        return platform_of_arn(world, context, parent, "AMI");
    }
    if let Some(image) = marketplace::image_of(&world.imagebuilder, &context.region, parent) {
        return Ok(image.text("platform").map(str::to_owned));
    }
    if parent.starts_with("prod-") {
        return Err(unsupported(format!("{parent}: the local AWS Marketplace has no such image product.")));
    }
    let image_id = match parent.strip_prefix("ssm:") {
        Some("") => return Err(bad_value("parentImage", "Expected a parameter's name or ARN after ssm:.")),
        Some(name) => materials::parameter(world, context.account(), &context.region, name),
        None if is_ami(parent) => Some(parent.to_owned()),
        None => {
            let details = "Expected the ARN of an image, the ID of an AMI, or ssm: and the name or ARN of a parameter.";
            return Err(bad_value("parentImage", details));
        }
    };
    let image = image_id.and_then(|id| ec2::visible(world, context.account(), &context.region, &id));
    Ok(image.map(|image| if image.windows { "Windows" } else { "Linux" }.to_owned()))
}

/// The platform of a container recipe's parent, which is an image's ARN or a container image's name.
pub(super) fn platform_of_container(
    world: &mut World,
    context: &Context,
    parent: &str,
) -> Result<Option<String>, ApiError> {
    if parent.starts_with("arn:") { platform_of_arn(world, context, parent, "DOCKER") } else { Ok(None) }
}

/// `output`: what builds on the parent makes, `AMI` or `DOCKER`, which the parent has to be too.
fn platform_of_arn(
    world: &mut World,
    context: &Context,
    parent: &str,
    output: &str,
) -> Result<Option<String>, ApiError> {
    let reference = check(world, context, "parentImage", parent, Kind::Image)?;
    if reference.kind != "image" {
        return Err(bad_value("parentImage", "Expected the ARN of an image."));
    }
    let VersionedArn { arn: parts, name, version, .. } = &reference;
    let found = |kind| latest(&world.imagebuilder, kind, &parts.region, &parts.account, name, version, |_| true);
    let Some(found) = [Kind::Image, Kind::ImageRecipe, Kind::ContainerRecipe].into_iter().find_map(found) else {
        return Ok(None);
    };
    // What the catalogue says of Amazon's container images is a guess.
    if found.owner != "aws" && makes(found) != output {
        let details = format!("The image is of type {}; expected one of type {output}.", makes(found));
        return Err(bad_value("parentImage", details));
    }
    Ok(found.text("platform").map(str::to_owned))
}

fn makes(found: &Resource) -> &str {
    if found.kind == Kind::ContainerRecipe { "DOCKER" } else { found.text("type").unwrap_or("AMI") }
}

/// The platform that a parent seems to have by its name.
pub(super) fn guessed(parent: &str) -> String {
    let parent = parent.to_lowercase();
    let named = [("windows", "Windows"), ("macos", "macOS")].into_iter().find(|(name, _)| parent.contains(name));
    named.map_or("Linux", |(_, platform)| platform).to_owned()
}
