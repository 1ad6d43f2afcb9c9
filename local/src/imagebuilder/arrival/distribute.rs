//! DistributeImage: an image that tracks how an existing AMI is distributed.

use super::{Arrival, Origin, begin};
use crate::ec2;
use crate::imagebuilder::lookup::{find, missing, text};
use crate::imagebuilder::resolve;
use crate::imagebuilder::store::{Kind, Resource};
use crate::model;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::{Map, Value, json};
use shared::version::Version;

/// The version of an image that tracks an AMI which isn't known as an image's.
const FIRST: Version = Version { major: 1, minor: 0, patch: 0 };

/// DistributeImage: only the phase of distribution. The image has a name of its own, made of the source's: so the
/// newest build of the source stays the one that was built.
pub(in crate::imagebuilder) fn distribute_image(
    world: &mut World,
    context: &Context,
    input: &Value,
) -> Result<Value, ApiError> {
    let configuration = text(input, "distributionConfigurationArn");
    let configuration = find(&world.imagebuilder, context, Kind::DistributionConfiguration, configuration)?;
    let configuration = configuration.document.to_value();
    let reference = text(input, "sourceImage");
    let source = source(world, context, reference)?;
    let plan = Map::from_iter([("parentImage".to_owned(), Value::from(reference))]);
    let materials = resolve::materials(world, context.account(), &context.region, &plan);
    let mut document = Map::new();
    document.insert("platform".to_owned(), materials.platform.unwrap_or_else(|| "Linux".to_owned()).into());
    if let Some(os_version) = materials.os_version {
        document.insert("osVersion".to_owned(), os_version.into());
    }
    document.insert("buildType".to_owned(), "USER_INITIATED".into());
    document.insert("imageSource".to_owned(), "CUSTOM".into());
    document.insert("distributionConfiguration".to_owned(), configuration);
    let Source { image_id, name, version } = source;
    let arrival = Arrival {
        name,
        version,
        ahead: &["DISTRIBUTING", "INTEGRATING", "AVAILABLE"],
        detail: format!("DistributeImage, {image_id}"),
        origin: Origin::Ami { region: context.region.clone(), image_id },
        document,
        topic_arn: None,
    };
    Ok(json!({"imageBuildVersionArn": begin(world, context, input, arrival)}))
}

/// What tells the name of a distribution from its source's.
const SUFFIX: &str = "-distribution";

/// What is distributed.
struct Source {
    /// The AMI, in the Region of the call.
    image_id: String,
    /// Of the image that tracks it.
    name: String,
    version: Version,
}

/// The AMI that a request's `sourceImage` names: an AMI, a parameter that holds one, or an image that is AVAILABLE.
fn source(world: &World, context: &Context, reference: &str) -> Result<Source, ApiError> {
    let (account, region) = (context.account(), context.region.as_str());
    if reference.starts_with("arn:") {
        let image = resolve::image(world, account, region, reference).ok_or_else(|| missing(reference))?;
        return of_image(world, context, image);
    }
    let id = match reference.strip_prefix("ssm:") {
        Some(name) => resolve::parameter(world, account, region, name).ok_or_else(|| missing(reference))?,
        None => reference.to_owned(),
    };
    if !id.starts_with("ami-") {
        return Err(refused(format!("Expected an AMI, not '{id}'.")));
    }
    let ami = usable(world, context, &id)?;
    Ok(Source { name: name_after(&ami.name), image_id: id, version: FIRST })
}

fn of_image(world: &World, context: &Context, image: &Resource) -> Result<Source, ApiError> {
    let (arn, status) = (&image.arn, image.status());
    if status != "AVAILABLE" {
        return Err(refused(format!("The image '{arn}' is in the state {status}, not AVAILABLE.")));
    }
    let seen = |id: &&str| ec2::visible(world, context.account(), &context.region, id).is_some();
    let id = resolve::ami_in(image, &context.region).find(seen);
    let id = id.ok_or_else(|| refused(format!("The image '{arn}' has no AMI in {}.", context.region)))?;
    usable(world, context, id)?;
    let name = image.text("name").unwrap_or(&image.segment);
    Ok(Source { image_id: id.to_owned(), name: name_after(name), version: image.version.unwrap_or(FIRST) })
}

/// The AMI of an ID, if the account can see it and it is available.
fn usable<'a>(world: &'a World, context: &Context, id: &str) -> Result<&'a ec2::Image, ApiError> {
    let ami = ec2::visible(world, context.account(), &context.region, id).ok_or_else(|| missing(id))?;
    match ami.state.as_str() {
        "available" => Ok(ami),
        state => Err(refused(format!("The AMI '{id}' is in the state {state}."))),
    }
}

/// The name of what tracks the distribution of something: what a resource's name can't have are dashes.
fn name_after(source: &str) -> String {
    let fitting = |c: char| if c.is_ascii_alphanumeric() || "-_ ".contains(c) { c } else { '-' };
    let name: String = source.trim().chars().map(fitting).take(128 - SUFFIX.len()).collect();
    name + SUFFIX
}

fn refused(details: String) -> ApiError {
    let message = format!("The value supplied for parameter 'sourceImage' is not valid. {details}");
    model::error("InvalidRequestException", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_of_the_sources() {
        assert_eq!(name_after("Web Server"), "Web Server-distribution");
        assert_eq!(name_after("a/b (c) 2026-03-02T00-12.5Z"), "a-b -c- 2026-03-02T00-12-5Z-distribution");
        assert_eq!(name_after(&"x".repeat(128)).len(), 128);
    }
}
