//! Components.

use super::document::{self, Document};
use super::lookup::{Identity, deletable, draft, exists, find, keep, needed, one_of, resolve, text};
use super::naming;
use super::store::{Kind, Resource, latest};
use crate::model::{self, bad_value};
use crate::s3;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::{Value, json};
use shared::version::{Version, VersionPattern};

/// CreateComponent: a new version's first build, or the next build of a version whose content changed.
pub(super) fn create(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let (semantic, data) = (version(input)?, content(world, context, input)?);
    let read = match &data {
        Some(data) => {
            let member = if input.get("uri").is_some() { "uri" } else { "data" };
            document::read(data).map_err(|reason| bad_value(member, reason))?
        }
        None => Document::unread(),
    };
    let kind = read.kind();
    let (arn, base) = build(world, context, input, semantic, data, kind, read.parameters)?;
    Ok(json!({
        "componentBuildVersionArn": arn,
        "latestVersionReferences": naming::latest_references(&base, semantic),
    }))
}

/// The version that a call asks for.
pub(super) fn version(input: &Value) -> Result<Version, ApiError> {
    let wanted = text(input, "semanticVersion");
    let exact = wanted.parse::<VersionPattern>().ok().and_then(|pattern| pattern.exact());
    exact.ok_or_else(|| bad_version(wanted))
}

/// What a call gives a component in `data` or `uri`; `None` for an object that isn't read.
pub(super) fn content(world: &mut World, context: &Context, input: &Value) -> Result<Option<String>, ApiError> {
    one_of(input, ["data", "uri"], "InvalidParameterCombinationException")?;
    match input.get("uri").and_then(Value::as_str) {
        Some(uri) => {
            let subject = format!("component {}", naming::segment(text(input, "name")));
            s3::document(world, &context.region, &subject, "uri", uri)
        }
        None => Ok(Some(text(input, "data").to_owned())),
    }
}

/// Keeps a component's next build; the answer is its ARN, and the ARN without version.
pub(super) fn build(
    world: &mut World,
    context: &Context,
    input: &Value,
    version: Version,
    data: Option<String>,
    kind: &str,
    parameters: Vec<Value>,
) -> Result<(String, String), ApiError> {
    let segment = naming::segment(text(input, "name"));
    let mut component = draft(world, "Component", input);
    component.remove("data");
    if let Some(data) = data {
        component.insert("data".to_owned(), data.into());
    }
    component.insert("version".to_owned(), version.to_string().into());
    component.insert("type".to_owned(), kind.into());
    component.insert("owner".to_owned(), context.account().into());
    component.insert("encrypted".to_owned(), true.into());
    component.insert("state".to_owned(), json!({"status": "ACTIVE"}));
    if !parameters.is_empty() {
        component.insert("parameters".to_owned(), parameters.into());
    }
    let before = newest(world, context, &segment, version);
    if let Some(before) = before.filter(|before| same_content(before, &component)) {
        return Err(exists("Component", &before.arn));
    }
    let build = before.and_then(|before| before.build).unwrap_or_default() + 1;
    let base = naming::arn(Kind::Component, &context.region, context.account(), &segment);
    let identity = Identity { kind: Kind::Component, segment, version: Some(version), build: Some(build) };
    Ok((keep(world, context, identity, component), base))
}

fn newest<'a>(world: &'a World, context: &Context, segment: &str, version: Version) -> Option<&'a Resource> {
    let pattern: VersionPattern = version.to_string().parse().ok()?;
    latest(&world.imagebuilder, Kind::Component, &context.region, context.account(), segment, &pattern, |_| true)
}

/// The refusal of a version whose nodes are too large.
pub(super) fn bad_version(version: &str) -> ApiError {
    model::error("InvalidVersionNumberException", format!("The version number '{version}' is not valid."))
}

/// Whether a build holds what a new one would; of what isn't read, nobody knows.
fn same_content(before: &Resource, component: &serde_json::Map<String, Value>) -> bool {
    component.contains_key("data")
        && ["data", "description", "platform", "supportedOsVersions", "kmsKeyId"]
            .iter()
            .all(|member| before.document.get(member) == component.get(*member))
}

/// The check that recipes and builds may use a component: its owner hasn't disabled it.
pub(super) fn usable(component: &Resource, parameter: &str) -> Result<(), ApiError> {
    match component.status() {
        "DISABLED" => Err(bad_value(parameter, format!("The component '{}' is disabled.", component.arn))),
        _ => Ok(()),
    }
}

/// GetComponent: a wildcard or a version gives its newest build.
pub(super) fn get(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let arn = text(input, "componentBuildVersionArn");
    let found = find(&world.imagebuilder, context, Kind::Component, arn)?;
    let base = naming::arn(Kind::Component, &found.region, &found.owner, &found.segment);
    let references = found.version.map(|version| naming::latest_references(&base, version));
    Ok(json!({"component": found.document, "latestVersionReferences": references}))
}

/// DeleteComponent: refused while it is shared, or a recipe's reference comes out at this build.
pub(super) fn delete(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let arn = text(input, "componentBuildVersionArn");
    let store = &world.imagebuilder;
    deletable(store, context, Kind::Component, arn)?;
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
