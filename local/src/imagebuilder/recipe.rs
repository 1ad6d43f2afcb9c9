//! Image recipes and container recipes.

use super::calls::unsupported;
use super::component::bad_version;
use super::lookup::{Identity, deletable, draft, exists, find, keep, needed, one_of, resolve, text};
use super::store::{Kind, latest};
use super::{catalogue, component, marketplace, naming};
use crate::ec2;
use crate::model::{bad_value, error};
use crate::s3;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::{Map, Value, json};
use shared::arn::VersionedArn;
use shared::version::{Version, VersionPattern};
use std::collections::BTreeSet;

/// How the two kinds differ on the wire.
struct Form {
    kind: Kind,
    shape: &'static str,
    member: &'static str,
    arn: &'static str,
}

const IMAGE: Form =
    Form { kind: Kind::ImageRecipe, shape: "ImageRecipe", member: "imageRecipe", arn: "imageRecipeArn" };

const CONTAINER: Form = Form {
    kind: Kind::ContainerRecipe,
    shape: "ContainerRecipe",
    member: "containerRecipe",
    arn: "containerRecipeArn",
};

/// CreateImageRecipe.
pub(super) fn create_image_recipe(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let platform = platform_of_parent(world, context, text(input, "parentImage"))?;
    let extra = [("type", json!("AMI")), ("platform", platform.into())];
    create(world, context, input, &IMAGE, extra)
}

/// CreateContainerRecipe.
pub(super) fn create_container_recipe(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    one_of(input, ["dockerfileTemplateData", "dockerfileTemplateUri"], "InvalidRequestException")?;
    let derived = platform_of_parent(world, context, text(input, "parentImage"))?;
    let platform = input.get("platformOverride").and_then(Value::as_str).unwrap_or(&derived);
    if platform == "macOS" {
        return Err(bad_value("platformOverride", "Container recipes are for Linux and Windows."));
    }
    let extra = [("encrypted", json!(true)), ("platform", platform.into())];
    create(world, context, input, &CONTAINER, extra)
}

/// GetImageRecipe: a wildcard gives the newest version.
pub(super) fn get_image_recipe(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    get(world, context, input, &IMAGE)
}

/// GetContainerRecipe: a wildcard gives the newest version.
pub(super) fn get_container_recipe(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    get(world, context, input, &CONTAINER)
}

/// DeleteImageRecipe: refused while a pipeline's reference comes out at it.
pub(super) fn delete_image_recipe(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    delete(world, context, input, &IMAGE)
}

/// DeleteContainerRecipe: refused while a pipeline's reference comes out at it.
pub(super) fn delete_container_recipe(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    delete(world, context, input, &CONTAINER)
}

fn create(
    world: &mut World,
    context: &Context,
    input: &Value,
    form: &Form,
    extra: [(&str, Value); 2],
) -> Result<Value, ApiError> {
    check_components(world, context, input)?;
    let segment = naming::segment(text(input, "name"));
    let version = next_version(world, context, form.kind, &segment, text(input, "semanticVersion"))?;
    let base = naming::arn(form.kind, &context.region, context.account(), &segment);
    let identity = Identity { kind: form.kind, segment, version: Some(version), build: None };
    let arn = identity.arn(context);
    if world.imagebuilder.get(&arn).is_some() {
        return Err(exists(form.shape, &arn));
    }
    let mut document = draft(world, form.shape, input);
    if let Some(uri) = input.get("dockerfileTemplateUri").and_then(Value::as_str) {
        let subject = format!("container recipe {}", identity.segment);
        let template = s3::document(world, &context.region, &subject, "dockerfileTemplateUri", uri)?;
        document.extend(template.map(|template| ("dockerfileTemplateData".to_owned(), template.into())));
    }
    document.insert("version".to_owned(), version.to_string().into());
    document.insert("owner".to_owned(), context.account().into());
    document.extend(extra.map(|(member, value)| (member.to_owned(), value)));
    keep(world, context, identity, document);
    Ok(json!({form.arn: arn, "latestVersionReferences": naming::latest_references(&base, version)}))
}

/// The version to make. A wildcard takes the first that is free after the highest that it matches: for
/// `1.0.x` that is 1.0.0, then 1.0.1.
fn next_version(
    world: &World,
    context: &Context,
    kind: Kind,
    segment: &str,
    wanted: &str,
) -> Result<Version, ApiError> {
    let pattern: VersionPattern = wanted.parse().map_err(|_| bad_version(wanted))?;
    if let Some(version) = pattern.exact() {
        return Ok(version);
    }
    let store = &world.imagebuilder;
    match latest(store, kind, &context.region, context.account(), segment, &pattern, |_| true).and_then(|it| it.version)
    {
        Some(Version { major, minor, patch }) => {
            let next = Version { major, minor, patch: patch + 1 };
            // Above the highest node there is no version left.
            next.to_string().parse().map_err(|_| bad_version(wanted))
        }
        None => {
            let first = if wanted.starts_with('x') { "1.0.0".to_owned() } else { wanted.replace('x', "0") };
            first.parse().map_err(|_| bad_version(wanted))
        }
    }
}

/// Components are there, in this Region and each once.
fn check_components(world: &mut World, context: &Context, input: &Value) -> Result<(), ApiError> {
    let mut seen = BTreeSet::new();
    for (index, component) in input.get("components").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let parameter = format!("components[{index}].componentArn");
        let arn = text(component, "componentArn");
        let reference = check_reference(world, context, &parameter, arn, Kind::Component)?;
        // Of a wildcard's components, builds pass over those that are disabled.
        let exact = reference.version.exact().and_then(|_| resolve(&world.imagebuilder, context, Kind::Component, arn));
        exact.map_or(Ok(()), |found| component::usable(found, &parameter))?;
        if !seen.insert((reference.arn.account, reference.name)) {
            return Err(bad_value(&parameter, "A component may occur once in a recipe."));
        }
    }
    Ok(())
}

/// A reference to an image or a component: made if it is Amazon's, there if it is exact.
fn check_reference(
    world: &mut World,
    context: &Context,
    parameter: &str,
    arn: &str,
    kind: Kind,
) -> Result<VersionedArn, ApiError> {
    let reference: VersionedArn =
        arn.parse().map_err(|_| bad_value(parameter, "Wildcards may only stand at a version's end."))?;
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

/// A recipe's platform is its parent's. What can't be known before a build says so by its name, or is Linux.
fn platform_of_parent(world: &mut World, context: &Context, parent: &str) -> Result<String, ApiError> {
    let by_name = || if parent.to_lowercase().contains("windows") { "Windows" } else { "Linux" }.to_owned();
    if parent.starts_with("arn:") && parent.contains(":imagebuilder:") {
        let reference = check_reference(world, context, "parentImage", parent, Kind::Image)?;
        if reference.kind != "image" {
            return Err(bad_value("parentImage", "Expected the ARN of an image."));
        }
        let VersionedArn { arn: parts, name, version, .. } = &reference;
        let known = [Kind::Image, Kind::ImageRecipe, Kind::ContainerRecipe].into_iter().find_map(|kind| {
            let found = latest(&world.imagebuilder, kind, &parts.region, &parts.account, name, version, |_| true)?;
            found.text("platform").map(str::to_owned)
        });
        return Ok(known.unwrap_or_else(by_name));
    }
    if let Some(image) = marketplace::image_of(&world.imagebuilder, &context.region, parent) {
        return Ok(image.text("platform").map_or_else(by_name, str::to_owned));
    }
    if parent.starts_with("prod-") {
        return Err(unsupported(format!("{parent}: the local AWS Marketplace has no such image product.")));
    }
    let image_id = match parent.strip_prefix("ssm:") {
        Some(parameter) => catalogue::public_parameter(world, &context.region, parameter).map(|(value, _)| value),
        None => Some(parent.to_owned()),
    };
    let image = image_id.and_then(|id| ec2::visible(world, context.account(), &context.region, &id));
    Ok(image.map_or_else(by_name, |image| if image.windows { "Windows" } else { "Linux" }.to_owned()))
}

fn get(world: &World, context: &Context, input: &Value, form: &Form) -> Result<Value, ApiError> {
    let found = find(&world.imagebuilder, context, form.kind, text(input, form.arn))?;
    let base = naming::arn(form.kind, &found.region, &found.owner, &found.segment);
    let mut answer = Map::from_iter([(form.member.to_owned(), found.document.to_value())]);
    if let Some(version) = found.version {
        answer.insert("latestVersionReferences".to_owned(), naming::latest_references(&base, version));
    }
    Ok(answer.into())
}

fn delete(world: &mut World, context: &Context, input: &Value, form: &Form) -> Result<Value, ApiError> {
    let arn = text(input, form.arn);
    if arn.parse::<VersionedArn>().is_ok_and(|reference| reference.version.exact().is_none()) {
        return Err(error("InvalidRequestException", format!("{} must name one version: '{arn}'.", form.arn)));
    }
    let store = &world.imagebuilder;
    deletable(store, context, form.kind, arn)?;
    let pipelines = store.of_kind(Kind::Pipeline, &context.region, Some(context.account()));
    let mut references = pipelines.iter().filter_map(|pipeline| pipeline.text(form.arn));
    if references.any(|reference| resolve(store, context, form.kind, reference).is_some_and(|it| it.arn == arn)) {
        return Err(needed(arn));
    }
    world.imagebuilder.remove(arn);
    Ok(json!({form.arn: arn}))
}
