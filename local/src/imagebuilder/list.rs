//! Listings. Each answers everything that it has; filters and pages are the model engine's.

use super::lookup::text;
use super::naming;
use super::store::{Kind, Resource};
use crate::model::projected;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::{Map, Value, json};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The owner that a listing is about: the caller unless told. Nothing is shared and nothing is bought here,
/// so those listings are empty.
pub(super) fn owner<'a>(context: &'a Context, input: &'a Value) -> Option<&'a str> {
    match input.get("owner").and_then(Value::as_str) {
        None | Some("Self") => Some(context.account()),
        Some("Amazon") => Some("aws"),
        Some(_) => None,
    }
}

fn all<'a>(world: &'a World, context: &'a Context, input: &'a Value, kind: Kind) -> Vec<&'a Resource> {
    match owner(context, input) {
        Some(owner) => world.imagebuilder.of_kind(kind, &context.region, Some(owner)),
        None => Vec::new(),
    }
}

fn summaries(resources: &[&Resource], shape: &str, more: impl Fn(&Resource) -> Map<String, Value>) -> Value {
    let summary = |resource: &&Resource| {
        let mut document = resource.document.clone();
        document.extend(more(resource));
        projected(shape, &document.into())
    };
    resources.iter().map(summary).collect()
}

/// ListImagePipelines.
pub(super) fn pipelines(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let found = all(world, context, input, Kind::Pipeline);
    Ok(json!({"imagePipelineList": summaries(&found, "ImagePipeline", |_| Map::new())}))
}

/// ListImageRecipes.
pub(super) fn image_recipes(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let found = all(world, context, input, Kind::ImageRecipe);
    Ok(json!({"imageRecipeSummaryList": summaries(&found, "ImageRecipeSummary", |_| Map::new())}))
}

/// ListContainerRecipes.
pub(super) fn container_recipes(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let found = all(world, context, input, Kind::ContainerRecipe);
    let instance_image = |recipe: &Resource| {
        let image = recipe.document.get("instanceConfiguration").and_then(|instance| instance.get("image"));
        image.map(|image| ("instanceImage".to_owned(), image.clone())).into_iter().collect()
    };
    Ok(json!({"containerRecipeSummaryList": summaries(&found, "ContainerRecipeSummary", instance_image)}))
}

/// ListInfrastructureConfigurations.
pub(super) fn infrastructure_configurations(
    world: &mut World,
    context: &Context,
    input: &Value,
) -> Result<Value, ApiError> {
    let found = all(world, context, input, Kind::InfrastructureConfiguration);
    let list = summaries(&found, "InfrastructureConfigurationSummary", |_| Map::new());
    Ok(json!({"infrastructureConfigurationSummaryList": list}))
}

/// ListDistributionConfigurations.
pub(super) fn distribution_configurations(
    world: &mut World,
    context: &Context,
    input: &Value,
) -> Result<Value, ApiError> {
    let found = all(world, context, input, Kind::DistributionConfiguration);
    let regions = |configuration: &Resource| {
        let distributions = configuration.document.get("distributions").and_then(Value::as_array);
        let regions = distributions.into_iter().flatten().filter_map(|it| it.get("region").cloned()).collect();
        Map::from_iter([("regions".to_owned(), regions)])
    };
    let list = summaries(&found, "DistributionConfigurationSummary", regions);
    Ok(json!({"distributionConfigurationSummaryList": list}))
}

/// ListComponents: one entry a version, with what its newest build says; by name, one a name.
pub(super) fn components(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let by_name = input.get("byName") == Some(&Value::Bool(true));
    let mut newest: BTreeMap<_, &Resource> = BTreeMap::new();
    for component in all(world, context, input, Kind::Component) {
        let key = (component.segment.as_str(), component.version.filter(|_| !by_name));
        let entry = newest.entry(key).or_insert(component);
        if (entry.version, entry.build) < (component.version, component.build) {
            *entry = component;
        }
    }
    let entry = |component: &Resource| {
        let base = naming::arn(Kind::Component, &component.region, &component.owner, &component.segment);
        let arn = component.version.filter(|_| !by_name).map_or(base.clone(), |version| format!("{base}/{version}"));
        let status = component.document.get("state").and_then(|state| state.get("status")).cloned();
        let mut more = Map::from_iter([("arn".to_owned(), arn.into()), ("status".to_owned(), status.into())]);
        if by_name {
            more.insert("version".to_owned(), Value::Null);
        }
        more
    };
    let found: Vec<_> = newest.into_values().collect();
    Ok(json!({"componentVersionList": summaries(&found, "ComponentVersion", entry)}))
}

/// ListComponentBuildVersions: the builds of one version, or of all of the caller's; newest first. An ARN
/// that names nothing gives an empty list.
pub(super) fn component_build_versions(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let version_arn = text(input, "componentVersionArn");
    let mut found = world.imagebuilder.of_kind(Kind::Component, &context.region, None);
    found.retain(|component| match version_arn {
        "" => component.owner == context.account(),
        arn => {
            let visible = component.owner == context.account() || component.owner == "aws";
            visible && component.arn.rsplit_once('/').is_some_and(|(version, _)| version == arn)
        }
    });
    found.sort_by_key(|component| Reverse((component.version, component.build, component.made)));
    Ok(json!({"componentSummaryList": summaries(&found, "ComponentSummary", |_| Map::new())}))
}
