//! Image recipes and container recipes.

mod components;
mod devices;
pub(super) mod parameters;
mod reference;

use super::component::bad_version;
use super::lookup::{Identity, deletable, draft, exists, find, keep, needed, one_of, resolve, text};
use super::naming;
use super::store::{Kind, latest};
use crate::model::{bad_value, error};
use crate::s3;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use shared::arn::VersionedArn;
use shared::version::{Version, VersionPattern};
use std::collections::BTreeMap;

/// What is known of recipes beside what their Get operations answer.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Store {
    /// By the container recipe's ARN: the operating system's version that its images shall have.
    os_versions: BTreeMap<String, String>,
}

impl Store {
    /// The operating system's version that a container recipe gives its images, if it does.
    pub(super) fn os_version(&self, recipe_arn: &str) -> Option<&str> {
        self.os_versions.get(recipe_arn).map(String::as_str)
    }
}

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
    devices::check(input.get("blockDeviceMappings"), "blockDeviceMappings")?;
    let platform = reference::platform_of_image(world, context, text(input, "parentImage"))?;
    components::check(world, context, input, platform.as_deref())?;
    let platform = platform.unwrap_or_else(|| reference::guessed(text(input, "parentImage")));
    let extra = [("type", json!("AMI")), ("platform", platform.into())];
    create(world, context, input, &IMAGE, extra).map(|(_, answer)| answer)
}

/// CreateContainerRecipe.
pub(super) fn create_container_recipe(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    one_of(input, ["dockerfileTemplateData", "dockerfileTemplateUri"], "InvalidRequestException")?;
    let parent = text(input, "parentImage");
    let given = input.get("platformOverride").and_then(Value::as_str);
    if given == Some("macOS") {
        return Err(bad_value("platformOverride", "Container recipes are for Linux and Windows."));
    }
    if given.is_none() && parent.starts_with("public.ecr.aws/") {
        let details = "You must specify a platform override when using ECR Public Repositories as your parent image.";
        return Err(bad_value("parentImage", details));
    }
    check_instance(input)?;
    let derived = reference::platform_of_container(world, context, parent)?;
    let platform = given.map(str::to_owned).or(derived);
    components::check(world, context, input, platform.as_deref())?;
    let platform = platform.unwrap_or_else(|| reference::guessed(parent));
    let extra = [("encrypted", json!(true)), ("platform", platform.into())];
    let (arn, answer) = create(world, context, input, &CONTAINER, extra)?;
    if let Some(os_version) = input.get("imageOsVersionOverride").and_then(Value::as_str) {
        world.imagebuilder.recipes.os_versions.insert(arn, os_version.to_owned());
    }
    Ok(answer)
}

/// The instance that a container is built on has an AMI, by its ID or by a parameter.
fn check_instance(input: &Value) -> Result<(), ApiError> {
    let Some(instance) = input.get("instanceConfiguration") else { return Ok(()) };
    let image = instance.get("image").and_then(Value::as_str);
    if image.is_some_and(|image| !reference::is_ami(image) && !image.starts_with("ssm:")) {
        let details = "Expected the ID of an AMI, or ssm: and the name or ARN of a parameter.";
        return Err(bad_value("instanceConfiguration.image", details));
    }
    devices::check(instance.get("blockDeviceMappings"), "instanceConfiguration.blockDeviceMappings")
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

/// Keeps a new recipe; the answer is its ARN, and what the caller gets.
fn create(
    world: &mut World,
    context: &Context,
    input: &Value,
    form: &Form,
    extra: [(&str, Value); 2],
) -> Result<(String, Value), ApiError> {
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
    let answer = json!({form.arn: arn, "latestVersionReferences": naming::latest_references(&base, version)});
    Ok((arn, answer))
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
    world.imagebuilder.recipes.os_versions.remove(arn);
    Ok(json!({form.arn: arn}))
}
