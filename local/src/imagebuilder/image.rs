//! Images: the operations that start, read, cancel and delete builds.

use super::build::{self, Order};
use super::store::{Kind, Resource};
use super::{filters, phases, resolve};
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::{Map, Value, json};
use shared::arn::VersionedArn;
use std::collections::BTreeMap;

/// The error for a resource that isn't there, or not for this caller.
pub(crate) fn no_such(arn: &str) -> ApiError {
    ApiError::new(404, "ResourceNotFoundException", format!("The resource with ARN '{arn}' does not exist."))
}

fn invalid(parameter: &str, why: &str) -> ApiError {
    let message = format!("The value supplied for parameter '{parameter}' is not valid. {why}");
    ApiError::bad("InvalidParameterValueException", message)
}

fn text<'a>(input: &'a Value, member: &str) -> &'a str {
    input[member].as_str().unwrap_or_default()
}

/// The recipe that a CreateImage request or a pipeline names.
pub(crate) fn pick_recipe<'a>(
    world: &'a World,
    account: &str,
    plan: &Map<String, Value>,
) -> Result<&'a Resource, ApiError> {
    let member = |name: &str| plan.get(name).and_then(Value::as_str);
    let (kind, arn) = match (member("imageRecipeArn"), member("containerRecipeArn")) {
        (Some(arn), None) => (Kind::ImageRecipe, arn),
        (None, Some(arn)) => (Kind::ContainerRecipe, arn),
        _ => {
            let message = "Exactly one of 'imageRecipeArn' and 'containerRecipeArn' must be specified.";
            return Err(ApiError::bad("InvalidParameterCombinationException", message));
        }
    };
    resolve::recipe(world, account, arn, kind).ok_or_else(|| no_such(arn))
}

/// CreateImage.
pub(crate) fn create_image(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let empty = Map::new();
    let order = Order {
        plan: input.as_object().unwrap_or(&empty),
        pipeline: None,
        build_type: "USER_INITIATED",
        tags: tags(input),
    };
    let arn = build::start(world, context.account(), &context.region, order)?;
    Ok(json!({
        "clientToken": input["clientToken"],
        "latestVersionReferences": references(&arn),
        "imageBuildVersionArn": arn,
    }))
}

/// StartImagePipelineExecution. A disabled pipeline builds too: only its schedule rests.
pub(crate) fn start_image_pipeline_execution(
    world: &mut World,
    context: &Context,
    input: &Value,
) -> Result<Value, ApiError> {
    let arn = text(input, "imagePipelineArn");
    let found = world.imagebuilder.get(arn);
    let pipeline = found.filter(|it| it.owner == context.account() && it.kind == Kind::Pipeline).cloned();
    let pipeline = pipeline.ok_or_else(|| no_such(arn))?;
    let order =
        Order { plan: &pipeline.document, pipeline: Some(arn), build_type: "USER_INITIATED", tags: tags(input) };
    let image = build::start(world, context.account(), &context.region, order)?;
    Ok(json!({"clientToken": input["clientToken"], "imageBuildVersionArn": image}))
}

fn tags(input: &Value) -> Value {
    if input["tags"].is_object() { input["tags"].clone() } else { json!({}) }
}

/// The ARNs by which a version's family, major and minor version are referred to.
fn references(arn: &str) -> Value {
    let Ok(VersionedArn { arn, kind, name, version, .. }) = arn.parse::<VersionedArn>() else { return Value::Null };
    let Some(version) = version.exact() else { return Value::Null };
    let (major, minor) = (version.major, version.minor);
    let of = |pattern: String| {
        format!("arn:{}:imagebuilder:{}:{}:{kind}/{name}/{pattern}", arn.partition, arn.region, arn.account)
    };
    json!({
        "latestVersionArn": of("x.x.x".to_owned()),
        "latestMajorVersionArn": of(format!("{major}.x.x")),
        "latestMinorVersionArn": of(format!("{major}.{minor}.x")),
        "latestPatchVersionArn": of(version.to_string()),
    })
}

/// GetImage: the build that the ARN names; for a version or wildcard, the newest build that is AVAILABLE.
pub(crate) fn get_image(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let arn = text(input, "imageBuildVersionArn");
    let image = resolve::image(world, context.account(), arn).ok_or_else(|| no_such(arn))?;
    Ok(json!({"image": image.document, "latestVersionReferences": references(&image.arn)}))
}

/// A build of the caller's by its full ARN.
fn own_build<'a>(world: &'a World, context: &Context, arn: &str) -> Result<&'a Resource, ApiError> {
    let found = world.imagebuilder.get(arn);
    found.filter(|it| it.kind == Kind::Image && it.owner == context.account()).ok_or_else(|| no_such(arn))
}

/// CancelImageCreation: the build is CANCELLED later, unless it has ended.
pub(crate) fn cancel_image_creation(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let arn = text(input, "imageBuildVersionArn");
    let image = own_build(world, context, arn)?;
    let status = image.status();
    if !phases::in_progress(status) {
        return Err(invalid("imageBuildVersionArn", &format!("The image is in the state {status}.")));
    }
    build::cancel(world, arn);
    Ok(json!({"clientToken": input["clientToken"], "imageBuildVersionArn": arn}))
}

/// DeleteImage: the record alone; AMIs, snapshots and container images stay.
pub(crate) fn delete_image(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let arn = text(input, "imageBuildVersionArn");
    let image = own_build(world, context, arn)?;
    if phases::in_progress(image.status()) || is_parent(world, image) {
        return Err(ApiError::bad(
            "ResourceDependencyException",
            format!("Resource dependency error: The resource ARN '{arn}' has other resources depended on it."),
        ));
    }
    world.imagebuilder.resources.remove(arn);
    world.imagebuilder.builds.remove(arn);
    Ok(json!({"imageBuildVersionArn": arn}))
}

/// Whether a recipe names this very build as its parent, or its version, of which it is the last build.
fn is_parent(world: &World, image: &Resource) -> bool {
    let version_arn = version_arn(image);
    let images = world.imagebuilder.of_kind(Kind::Image, &image.region, Some(&image.owner));
    let last = images.iter().filter(|other| self::version_arn(other) == version_arn).count() == 1;
    let recipes = [Kind::ImageRecipe, Kind::ContainerRecipe];
    recipes.iter().flat_map(|kind| world.imagebuilder.of_kind(*kind, &image.region, Some(&image.owner))).any(|recipe| {
        let parent = recipe.text("parentImage");
        parent == Some(&image.arn) || (last && parent == Some(version_arn))
    })
}

/// The ARN without the build.
fn version_arn(image: &Resource) -> &str {
    image.arn.rsplit_once('/').map_or(&image.arn, |(version, _)| version)
}

/// The images of an owner in the caller's Region, newest first. Nothing is shared between accounts and nobody
/// sells images locally.
fn owned<'a>(world: &'a World, context: &Context, owner: &str) -> Vec<&'a Resource> {
    let owner = match owner {
        "Self" => context.account(),
        "Amazon" => "aws",
        _ => return Vec::new(),
    };
    let mut images = world.imagebuilder.of_kind(Kind::Image, &context.region, Some(owner));
    images.reverse();
    images
}

/// The members of an image's document that a listing repeats.
fn pick(image: &Resource, members: &[&str]) -> Value {
    let owner = if image.owner == "aws" { "Amazon" } else { &image.owner };
    let member = |name: &str| if name == "owner" { Some(owner.into()) } else { image.document.get(name).cloned() };
    let picked: Map<String, Value> =
        members.iter().filter_map(|name| Some(((*name).to_owned(), member(name)?))).collect();
    Value::Object(picked)
}

fn summary(image: &Resource) -> Value {
    pick(
        image,
        &[
            "arn",
            "name",
            "type",
            "version",
            "platform",
            "osVersion",
            "state",
            "owner",
            "dateCreated",
            "outputResources",
            "tags",
            "buildType",
            "imageSource",
            "deprecationTime",
            "lifecycleExecutionId",
            "loggingConfiguration",
        ],
    )
}

/// ListImages: an entry for each version, or with `byName` for each name.
pub(crate) fn list_images(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let by_name = input["byName"] == true;
    let owner = input["owner"].as_str().unwrap_or("Self");
    let filtered = input["filters"].as_array().into_iter().flatten();
    if by_name && filtered.into_iter().any(|filter| filter["name"] == "version") {
        let message = "The filter 'version' can't be combined with 'byName'.";
        return Err(ApiError::bad("InvalidParameterCombinationException", message));
    }
    // One's own deprecated images are always listed.
    let hide_deprecated = owner == "Amazon" && input["includeDeprecated"] != true;
    let mut entries: BTreeMap<&str, (&Resource, &Resource)> = BTreeMap::new();
    for image in owned(world, context, owner) {
        if hide_deprecated && image.status() == "DEPRECATED" {
            continue;
        }
        let arn = version_arn(image);
        let key = if by_name { arn.rsplit_once('/').map_or(arn, |(name, _)| name) } else { arn };
        // Newest first: the entry speaks of the newest, its date is that of the oldest.
        entries.entry(key).and_modify(|(_, oldest)| *oldest = image).or_insert((image, image));
    }
    let entry = |(arn, (newest, oldest)): (&str, (&Resource, &Resource))| {
        let members = ["name", "type", "platform", "osVersion", "owner", "dateCreated", "buildType", "imageSource"];
        let mut entry = pick(newest, &members);
        entry["arn"] = arn.into();
        if let Some(date) = oldest.text("dateCreated") {
            entry["dateCreated"] = date.into();
        }
        if let Some(version) = newest.version.filter(|_| !by_name) {
            entry["version"] = version.to_string().into();
        }
        entry
    };
    let items = entries.into_iter().map(entry).collect();
    let items = filters::keep(items, input, &["name", "osVersion", "platform", "type", "version"])?;
    Ok(json!({"imageVersionList": items}))
}

/// ListImageBuildVersions: the builds of a version, or all of the account; newest first. A version that
/// doesn't exist has none.
pub(crate) fn list_image_build_versions(
    world: &mut World,
    context: &Context,
    input: &Value,
) -> Result<Value, ApiError> {
    let images = match input["imageVersionArn"].as_str() {
        None => owned(world, context, "Self"),
        Some(arn) => {
            let owner = if arn.contains(":aws:image/") { "Amazon" } else { "Self" };
            let mut images = owned(world, context, owner);
            images.retain(|image| version_arn(image) == arn);
            images
        }
    };
    let items = images.into_iter().map(summary).collect();
    let items = filters::keep(items, input, &["name", "osVersion", "platform", "type", "version"])?;
    Ok(json!({"imageSummaryList": items}))
}

/// ListImagePipelineImages: the builds of a pipeline, newest first; none for a pipeline that doesn't exist.
pub(crate) fn list_image_pipeline_images(
    world: &mut World,
    context: &Context,
    input: &Value,
) -> Result<Value, ApiError> {
    let mut images = owned(world, context, "Self");
    images.retain(|image| image.text("sourcePipelineArn") == input["imagePipelineArn"].as_str());
    let items = filters::keep(images.into_iter().map(summary).collect(), input, &["name", "version"])?;
    Ok(json!({"imageSummaryList": items}))
}
