//! Components.

use super::document;
use super::lookup::{Identity, draft, exists, find, keep, needed, one_of, own, resolve, text};
use super::naming;
use super::store::{Kind, Resource, latest};
use crate::journal;
use crate::model::{self, bad_value};
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::{Value, json};
use shared::version::VersionPattern;

/// CreateComponent: a new version's first build, or the next build of a version whose content changed.
pub(super) fn create(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    one_of(input, ["data", "uri"], "InvalidParameterCombinationException")?;
    let semantic_version = text(input, "semanticVersion");
    let (pattern, version) = semantic_version
        .parse::<VersionPattern>()
        .ok()
        .and_then(|pattern| Some((pattern, pattern.exact()?)))
        .ok_or_else(|| bad_version(semantic_version))?;
    let uri = input.get("uri").and_then(Value::as_str);
    let read = match uri {
        Some(_) => document::Document::unread(),
        None => document::read(text(input, "data")).map_err(|reason| bad_value("data", reason))?,
    };
    let segment = naming::segment(text(input, "name"));
    let store = &world.imagebuilder;
    let before = latest(store, Kind::Component, &context.region, context.account(), &segment, &pattern, |_| true);
    if let Some(before) = before.filter(|before| same_content(before, input)) {
        return Err(exists("Component", &before.arn));
    }
    let build = before.and_then(|before| before.build).unwrap_or_default() + 1;
    let mut component = draft(world, "Component", input);
    component.insert("version".to_owned(), version.to_string().into());
    component.insert("type".to_owned(), read.kind().into());
    component.insert("owner".to_owned(), context.account().into());
    component.insert("encrypted".to_owned(), true.into());
    component.insert("state".to_owned(), json!({"status": "ACTIVE"}));
    if !read.parameters.is_empty() {
        component.insert("parameters".to_owned(), read.parameters.into());
    }
    let base = naming::arn(Kind::Component, &context.region, context.account(), &segment);
    if let Some(uri) = uri {
        let detail = format!("its document {uri} isn't read locally, where S3 holds nothing: its steps aren't known");
        world.record(journal::Kind::Warning, format!("component {segment}"), Some(&context.region), detail);
    }
    let identity = Identity { kind: Kind::Component, segment, version: Some(version), build: Some(build) };
    let arn = keep(world, context, identity, component);
    Ok(json!({
        "componentBuildVersionArn": arn,
        "latestVersionReferences": naming::latest_references(&base, version),
    }))
}

/// The refusal of a version whose nodes are too large.
pub(super) fn bad_version(version: &str) -> ApiError {
    model::error("InvalidVersionNumberException", format!("The version number '{version}' is not valid."))
}

/// Whether a build holds what a new one would; of what isn't read, nobody knows.
fn same_content(before: &Resource, input: &Value) -> bool {
    input.get("data").is_some()
        && ["data", "description", "platform", "supportedOsVersions", "kmsKeyId"]
            .iter()
            .all(|member| before.document.get(*member) == input.get(member))
}

/// GetComponent: a wildcard or a version gives its newest build.
pub(super) fn get(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let arn = text(input, "componentBuildVersionArn");
    let found = find(&world.imagebuilder, context, Kind::Component, arn)?;
    let base = naming::arn(Kind::Component, &found.region, &found.owner, &found.segment);
    let references = found.version.map(|version| naming::latest_references(&base, version));
    Ok(json!({"component": found.document, "latestVersionReferences": references}))
}

/// DeleteComponent: refused while a recipe's reference comes out at this build.
pub(super) fn delete(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let arn = text(input, "componentBuildVersionArn");
    let store = &world.imagebuilder;
    own(store, context, Kind::Component, arn)?;
    let recipes = [Kind::ImageRecipe, Kind::ContainerRecipe]
        .into_iter()
        .flat_map(|kind| store.of_kind(kind, &context.region, Some(context.account())));
    let mut references = recipes
        .filter_map(|recipe| recipe.document.get("components")?.as_array())
        .flatten()
        .filter_map(|component| component.get("componentArn")?.as_str());
    if references.any(|reference| resolve(store, context, Kind::Component, reference).is_some_and(|it| it.arn == arn)) {
        return Err(needed(arn));
    }
    world.imagebuilder.remove(arn);
    Ok(json!({"componentBuildVersionArn": arn}))
}
