//! The start of a build: its number, what it is made of, and the document that it has from then on.

use super::lookup::missing;
use super::phases;
use super::store::{BuildState, Kind, Resource};
use super::{analysis, build, catalogue, due, execution, failure, resolve};
use crate::clock::iso_millis;
use crate::faults;
use crate::journal;
use crate::wire::ApiError;
use crate::world::World;
use serde_json::{Map, Value, json};

/// A build to start.
pub(crate) struct Order<'a> {
    /// What CreateImage was given or a pipeline holds, which have their members' names in common.
    pub(crate) plan: &'a Map<String, Value>,
    /// The pipeline, if one starts it.
    pub(crate) pipeline: Option<&'a str>,
    /// `SCHEDULED` or `USER_INITIATED`.
    pub(crate) build_type: &'static str,
    /// The image's tags.
    pub(crate) tags: Value,
}

/// Makes sure that the managed images and components exist that a recipe names.
pub(crate) fn ensure_managed(world: &mut World, region: &str, recipe: &Map<String, Value>) {
    for reference in resolve::references(recipe) {
        catalogue::ensure_reference(world, region, reference);
    }
}

/// The recipe that a CreateImage request or a pipeline names.
pub(crate) fn pick_recipe<'a>(
    world: &'a World,
    account: &str,
    region: &str,
    plan: &Map<String, Value>,
) -> Result<&'a Resource, ApiError> {
    let member = |name: &str| plan.get(name).and_then(Value::as_str);
    let (kind, arn) = match member("containerRecipeArn") {
        Some(arn) => (Kind::ContainerRecipe, arn),
        None => (Kind::ImageRecipe, member("imageRecipeArn").unwrap_or_default()),
    };
    resolve::recipe(world, account, region, arn, kind).ok_or_else(|| missing(arn))
}

/// Makes the next build version of a recipe's image and sets it off; the answer is its ARN.
///
/// # Errors
/// `ResourceNotFoundException` for a recipe, configuration or workflow that doesn't exist. A parent or component that
/// doesn't resolve is no error here: the build fails.
pub(crate) fn start(world: &mut World, account: &str, region: &str, order: Order<'_>) -> Result<String, ApiError> {
    let recipe = pick_recipe(world, account, region, order.plan)?.clone();
    let infrastructure =
        configuration(world, account, order.plan, "infrastructureConfigurationArn")?.unwrap_or_default();
    let distribution = configuration(world, account, order.plan, "distributionConfigurationArn")?;
    let container = recipe.kind == Kind::ContainerRecipe;
    let (plan, workflows) = execution::plan(world, account, region, order.plan.get("workflows"), container)?;
    let made_from = recipe.document.to_map();
    ensure_managed(world, region, &made_from);
    let materials = resolve::materials(world, account, region, &made_from);

    let version = recipe.version.map(|version| version.to_string()).unwrap_or_default();
    let number = next_build(world, region, account, &recipe.segment, &version);
    let arn = format!("arn:aws:imagebuilder:{region}:{account}:image/{}/{version}/{number}", recipe.segment);

    let tests = tests_configuration(order.plan);
    let tested = tests["imageTestsEnabled"] != false;
    let unresolved = (!materials.problems.is_empty()).then(|| failure::unresolved(&materials.problems));
    let asked_for = faults::Build {
        arn: &arn,
        name: recipe.text("name").unwrap_or(&recipe.segment),
        recipe: &recipe.arn,
        pipeline: order.pipeline,
        region,
        account,
        tested,
    };
    let failure = faults::foretold(world, &asked_for).or(unresolved);
    let topic_arn = infrastructure.get("snsTopicArn").and_then(Value::as_str).map(str::to_owned);

    let platform = recipe.text("platform").map(str::to_owned).or_else(|| materials.platform.clone());
    let mut document = Map::new();
    let mut set = |member: &str, value: Value| document.insert(member.to_owned(), value);
    set("arn", arn.as_str().into());
    set("type", if container { "DOCKER" } else { "AMI" }.into());
    set("name", recipe.text("name").unwrap_or(&recipe.segment).into());
    set("version", format!("{version}/{number}").into());
    set("platform", platform.unwrap_or_else(|| "Linux".to_owned()).into());
    set("enhancedImageMetadataEnabled", order.plan.get("enhancedImageMetadataEnabled").cloned().unwrap_or(true.into()));
    if let Some(os_version) = &materials.os_version {
        set("osVersion", os_version.as_str().into());
    }
    set("state", json!({"status": "PENDING"}));
    let recipe_member = if container { "containerRecipe" } else { "imageRecipe" };
    set(recipe_member, made_of(made_from, &materials));
    if let Some(pipeline) = order.pipeline {
        set("sourcePipelineArn", pipeline.into());
    }
    set("infrastructureConfiguration", Value::Object(infrastructure));
    if let Some(distribution) = distribution {
        set("distributionConfiguration", Value::Object(distribution));
    }
    set("imageTestsConfiguration", tests);
    set("dateCreated", iso_millis(world.now).into());
    set("outputResources", json!({"amis": []}));
    set("tags", order.tags);
    set("buildType", order.build_type.into());
    set("imageSource", "CUSTOM".into());
    if order.plan.contains_key("workflows") {
        set("workflows", workflows);
    }
    for member in ["executionRole", "imageScanningConfiguration"] {
        if let Some(value) = order.plan.get(member) {
            set(member, value.clone());
        }
    }
    if let Some(logging) = order.plan.get("loggingConfiguration") {
        // A pipeline has two log groups, of which this one is its images'.
        let group = [&logging["imageLogGroupName"], &logging["logGroupName"]].into_iter().find(|it| it.is_string());
        if let Some(group) = group {
            set("loggingConfiguration", json!({"logGroupName": group}));
        }
    }

    analysis::begin(world, region, &mut document);
    warn_of(world, &document, &materials, region);
    let build = BuildState {
        ahead: phases::ahead(tested),
        failure: failure.map(Box::new),
        account: account.to_owned(),
        topic_arn,
        plan,
        ..BuildState::default()
    };
    let resource = Resource {
        kind: Kind::Image,
        arn: arn.clone(),
        region: region.to_owned(),
        owner: account.to_owned(),
        segment: recipe.segment.clone(),
        version: recipe.version,
        build: Some(number),
        made: 0,
        created: world.now,
        document: document.into(),
    };
    let from = order.pipeline.map(|arn| format!("pipeline {}", last_part(arn))).unwrap_or("CreateImage".to_owned());
    let parent = materials.parent.rsplit_once(":image/").map_or(materials.parent.as_str(), |(_, name)| name);
    set_off(world, resource, build, format!("{from}, parent {parent}"));
    Ok(arn)
}

/// The number of the next build of a version. Builds are counted whatever makes them, and a deleted one's number
/// stays taken.
pub(super) fn next_build(world: &mut World, region: &str, account: &str, segment: &str, version: &str) -> u32 {
    let count = world.count(&format!("build {region} {account} {segment} {version}"));
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Keeps a new image and lets its first status run. `detail` is what the timeline says of its start.
pub(super) fn set_off(world: &mut World, image: Resource, build: BuildState, detail: String) {
    let (arn, region, subject) = (image.arn.clone(), image.region.clone(), build::subject(&image));
    world.imagebuilder.builds.insert(arn.clone(), Box::new(build));
    execution::enlist(world, &arn);
    world.imagebuilder.put(image);
    world.record(journal::Kind::BuildStarted, subject, Some(&region), detail);
    due::build_changed(world, &arn);
    build::post_end(world, &arn, "PENDING");
}

fn last_part(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

fn tests_configuration(plan: &Map<String, Value>) -> Value {
    let given = plan.get("imageTestsConfiguration").unwrap_or(&Value::Null);
    let enabled = given["imageTestsEnabled"].as_bool().unwrap_or(true);
    json!({"imageTestsEnabled": enabled, "timeoutMinutes": given["timeoutMinutes"].as_u64().unwrap_or(720)})
}

/// The document of the configuration that a member of the plan names, if it names one.
fn configuration(
    world: &World,
    account: &str,
    plan: &Map<String, Value>,
    member: &str,
) -> Result<Option<Map<String, Value>>, ApiError> {
    let Some(arn) = plan.get(member).and_then(Value::as_str) else { return Ok(None) };
    let found = world.imagebuilder.get(arn).filter(|resource| resource.owner == account);
    found.map(|resource| Some(resource.document.to_map())).ok_or_else(|| missing(arn))
}

/// The recipe's document with what its references stand for in this build.
fn made_of(mut recipe: Map<String, Value>, materials: &resolve::Materials) -> Value {
    recipe.insert("parentImage".into(), materials.parent.as_str().into());
    let components = recipe.get_mut("components").and_then(Value::as_array_mut).into_iter().flatten();
    for (component, arn) in components.zip(&materials.components) {
        component["componentArn"] = arn.as_str().into();
    }
    Value::Object(recipe)
}

/// Says once that a build's parent isn't known.
fn warn_of(world: &mut World, image: &Map<String, Value>, materials: &resolve::Materials, region: &str) {
    let name = image.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some(ami) = &materials.unknown_ami else { return };
    let warning = format!("the local EC2 doesn't know the parent {ami}: taken as it stands");
    if world.count(&format!("warning {region} {name} {warning}")) == 1 {
        world.record(journal::Kind::Warning, name.as_str(), Some(region), warning);
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;

    #[test]
    fn a_parent_that_is_not_known_is_said_once() {
        let mut world = world();
        put_web(&mut world);
        let recipe = world.imagebuilder.get_mut(&arn("image-recipe/web-server/1.0.0")).unwrap();
        recipe.document.insert("parentImage", "ami-0000000000000000f".into());
        let pipeline = put_pipeline(&mut world, "web", json!({}));
        for _ in 0..3 {
            start_pipeline(&mut world, &pipeline);
        }
        let warnings = world.journal.entries().iter().filter(|entry| entry.kind == journal::Kind::Warning);
        let warnings: Vec<_> = warnings.map(|entry| entry.detail.as_str()).collect();
        assert_eq!(warnings, ["the local EC2 doesn't know the parent ami-0000000000000000f: taken as it stands"]);
    }

    #[test]
    fn a_recipe_or_configuration_that_does_not_exist_fails_the_call() {
        let mut world = world();
        put_web(&mut world);
        for member in ["imageRecipeArn", "infrastructureConfigurationArn", "distributionConfigurationArn"] {
            let missing = arn("image-recipe/other/1.0.0");
            let pipeline = put_pipeline(&mut world, "web", json!({member: missing}));
            let pipeline = world.imagebuilder.get(&pipeline).unwrap().clone();
            let order = Order {
                plan: &pipeline.document.to_map(),
                pipeline: None,
                build_type: "USER_INITIATED",
                tags: json!({}),
            };
            let error = start(&mut world, ACCOUNT, REGION, order).unwrap_err();
            assert_eq!((error.status, error.code.as_str()), (404, "ResourceNotFoundException"), "{member}");
        }
    }

    #[test]
    fn builds_are_counted_by_name_and_version_across_pipelines() {
        let mut world = world();
        put_web(&mut world);
        let (one, two) = (put_pipeline(&mut world, "one", json!({})), put_pipeline(&mut world, "two", json!({})));
        let images = [&one, &two, &one].map(|pipeline| start_pipeline(&mut world, pipeline));
        assert_eq!(images, [1, 2, 3].map(|build| arn(&format!("image/web-server/1.0.0/{build}"))));
        run(&mut world);
        world.imagebuilder.remove(&images[2]);
        assert_eq!(start_pipeline(&mut world, &two), arn("image/web-server/1.0.0/4"), "a number isn't used twice");
    }
}
