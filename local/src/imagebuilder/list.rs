//! Listings of components, recipes, configurations and pipelines.

use super::lookup::text;
use super::naming;
use super::sharing::{listed, lists};
use super::store::{Kind, Resource};
use crate::model::Listing;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::Value;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// A listing of resources as what a summary's shape has of their documents.
fn summaries<'a>(resources: impl Iterator<Item = &'a Resource> + 'a, shape: &'static str) -> Listing<'a> {
    Listing::oldest_first(resources.map(move |resource| (resource.made, resource.document.summary(shape))))
}

/// ListImagePipelines.
pub(super) fn pipelines<'a>(
    world: &'a World,
    context: &Context,
    input: &Value,
    _after: Option<&str>,
) -> Result<Listing<'a>, ApiError> {
    Ok(summaries(listed(&world.imagebuilder, context, input, Kind::Pipeline), "ImagePipeline"))
}

/// ListImageRecipes.
pub(super) fn image_recipes<'a>(
    world: &'a World,
    context: &Context,
    input: &Value,
    _after: Option<&str>,
) -> Result<Listing<'a>, ApiError> {
    Ok(summaries(listed(&world.imagebuilder, context, input, Kind::ImageRecipe), "ImageRecipeSummary"))
}

/// ListContainerRecipes.
pub(super) fn container_recipes<'a>(
    world: &'a World,
    context: &Context,
    input: &Value,
    _after: Option<&str>,
) -> Result<Listing<'a>, ApiError> {
    let found = listed(&world.imagebuilder, context, input, Kind::ContainerRecipe).map(|recipe| {
        let mut summary = recipe.document.summary("ContainerRecipeSummary");
        if let Some(image) = recipe.document["instanceConfiguration"].get("image") {
            summary["instanceImage"] = image.clone();
        }
        (recipe.made, summary)
    });
    Ok(Listing::oldest_first(found))
}

/// ListInfrastructureConfigurations.
pub(super) fn infrastructure_configurations<'a>(
    world: &'a World,
    context: &Context,
    input: &Value,
    _after: Option<&str>,
) -> Result<Listing<'a>, ApiError> {
    let found = listed(&world.imagebuilder, context, input, Kind::InfrastructureConfiguration);
    Ok(summaries(found, "InfrastructureConfigurationSummary"))
}

/// ListDistributionConfigurations.
pub(super) fn distribution_configurations<'a>(
    world: &'a World,
    context: &Context,
    input: &Value,
    _after: Option<&str>,
) -> Result<Listing<'a>, ApiError> {
    let found = listed(&world.imagebuilder, context, input, Kind::DistributionConfiguration).map(|configuration| {
        let mut summary = configuration.document.summary("DistributionConfigurationSummary");
        let distributions = configuration.document["distributions"].as_array().into_iter().flatten();
        summary["regions"] = distributions.filter_map(|it| it.get("region").cloned()).collect();
        (configuration.made, summary)
    });
    Ok(Listing::oldest_first(found))
}

/// ListComponents: one entry a version, with what its newest build says; by name, one a name.
pub(super) fn components<'a>(
    world: &'a World,
    context: &Context,
    input: &Value,
    _after: Option<&str>,
) -> Result<Listing<'a>, ApiError> {
    let by_name = input.get("byName") == Some(&Value::Bool(true));
    let mut newest: BTreeMap<String, &Resource> = BTreeMap::new();
    for component in listed(&world.imagebuilder, context, input, Kind::Component) {
        let base = naming::arn(Kind::Component, &component.region, &component.owner, &component.segment);
        let version = component.version.filter(|_| !by_name);
        let entry =
            newest.entry(version.map_or(base.clone(), |version| format!("{base}/{version}"))).or_insert(component);
        if (entry.version, entry.build) < (component.version, component.build) {
            *entry = component;
        }
    }
    let entry = move |(arn, component): (String, &Resource)| {
        let mut entry = component.document.summary("ComponentVersion");
        entry["arn"] = arn.as_str().into();
        if !component.status().is_empty() {
            entry["status"] = component.status().into();
        }
        if let (Value::Object(members), true) = (&mut entry, by_name) {
            members.remove("version");
        }
        (arn, entry)
    };
    Ok(Listing::ascending(newest.into_iter().map(entry)))
}

/// ListComponentBuildVersions: the builds of one version, or of all of the caller's; newest first. An ARN
/// that names nothing gives an empty list.
pub(super) fn component_build_versions<'a>(
    world: &'a World,
    context: &Context,
    input: &Value,
    _after: Option<&str>,
) -> Result<Listing<'a>, ApiError> {
    let store = &world.imagebuilder;
    let mut found: Vec<_> = match text(input, "componentVersionArn") {
        "" => store.owned(Kind::Component, &context.region, context.account()).collect(),
        arn => {
            let visible = |it: &&Resource| it.region == context.region && lists(store, context.account(), it);
            store.starting_with(&format!("{arn}/"), None).filter(visible).collect()
        }
    };
    found.sort_by_key(|component| Reverse(component.made));
    Ok(Listing::newest_first(found.into_iter().map(|it| (it.made, it.document.summary("ComponentSummary")))))
}
