//! The build state machine: what starts a build, and what the end of each status brings.

use super::failure::{self, Failure};
use super::image::{no_such, pick_recipe};
use super::phases::{self, Size};
use super::store::{BuildState, Kind, Resource};
use super::{announce, catalogue, due, outputs, resolve};
use crate::clock::iso_millis;
use crate::journal;
use crate::wire::ApiError;
use crate::world::{Event, World};
use crate::{ec2, world};
use serde_json::{Map, Value, json};

pub use super::due::{on_pipeline_due, reschedule};

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
pub(crate) fn ensure_managed(world: &mut World, recipe: &Map<String, Value>) {
    for managed in resolve::managed(recipe) {
        catalogue::ensure(world, &managed.kind, &managed.arn.region, &managed.name);
    }
}

/// Makes the next build version of a recipe's image and sets it off; the answer is its ARN.
///
/// # Errors
/// `ResourceNotFoundException` for a recipe or configuration that doesn't exist. A parent or component that
/// doesn't resolve is no error here: the build fails.
pub(crate) fn start(world: &mut World, account: &str, region: &str, order: Order<'_>) -> Result<String, ApiError> {
    let recipe = pick_recipe(world, account, order.plan)?.clone();
    let infrastructure =
        configuration(world, account, order.plan, "infrastructureConfigurationArn")?.cloned().unwrap_or_default();
    let distribution = configuration(world, account, order.plan, "distributionConfigurationArn")?.cloned();
    ensure_managed(world, &recipe.document);
    let materials = resolve::materials(world, account, region, &recipe.document);

    let version = recipe.version.map(|version| version.to_string()).unwrap_or_default();
    // The builds of a version are counted whichever pipeline makes them, and a deleted one's number stays taken.
    let count = world.count(&format!("build {region} {account} {} {version}", recipe.segment));
    let build = u32::try_from(count).unwrap_or(u32::MAX);
    let arn = format!("arn:aws:imagebuilder:{region}:{account}:image/{}/{version}/{build}", recipe.segment);
    let container = recipe.kind == Kind::ContainerRecipe;

    let tests = tests_configuration(order.plan);
    let tested = tests["imageTestsEnabled"] != false;
    let failure = if materials.problems.is_empty() {
        failure::foretold(world, &arn, region, &materials.components, tested, container)
    } else {
        Some(failure::unresolved(&materials.problems))
    };
    let topic_arn = infrastructure.get("snsTopicArn").and_then(Value::as_str).map(str::to_owned);

    let platform = recipe.text("platform").map(str::to_owned).or_else(|| materials.platform.clone());
    let mut document = Map::new();
    let mut set = |member: &str, value: Value| document.insert(member.to_owned(), value);
    set("arn", arn.as_str().into());
    set("type", if container { "DOCKER" } else { "AMI" }.into());
    set("name", recipe.text("name").unwrap_or(&recipe.segment).into());
    set("version", format!("{version}/{build}").into());
    set("platform", platform.unwrap_or_else(|| "Linux".to_owned()).into());
    set("enhancedImageMetadataEnabled", order.plan.get("enhancedImageMetadataEnabled").cloned().unwrap_or(true.into()));
    if let Some(os_version) = &materials.os_version {
        set("osVersion", os_version.as_str().into());
    }
    set("state", json!({"status": "PENDING"}));
    let recipe_member = if container { "containerRecipe" } else { "imageRecipe" };
    set(recipe_member, made_of(recipe.document.clone(), &materials));
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
    for member in ["executionRole", "workflows", "imageScanningConfiguration"] {
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

    let size = Size::of(&document);
    warn_of(world, &document, &materials, region);
    let ahead = phases::ahead(tested);
    world
        .imagebuilder
        .builds
        .insert(arn.clone(), BuildState { ahead, failure, account: account.to_owned(), topic_arn });
    let resource = Resource {
        kind: Kind::Image,
        arn: arn.clone(),
        region: region.to_owned(),
        owner: account.to_owned(),
        segment: recipe.segment.clone(),
        version: recipe.version,
        build: Some(build),
        made: 0,
        created: world.now,
        document,
    };
    let subject = subject(&resource);
    world.imagebuilder.put(resource);
    let from = order.pipeline.map(|arn| format!("pipeline {}", last_part(arn))).unwrap_or("CreateImage".to_owned());
    let parent = materials.parent.rsplit_once(":image/").map_or(materials.parent.as_str(), |(_, name)| name);
    world.record(journal::Kind::BuildStarted, subject, Some(region), format!("{from}, parent {parent}"));
    due::build_changed(world, &arn);
    post_end(world, &arn, "PENDING", size);
    Ok(arn)
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
fn configuration<'a>(
    world: &'a World,
    account: &str,
    plan: &Map<String, Value>,
    member: &str,
) -> Result<Option<&'a Map<String, Value>>, ApiError> {
    let Some(arn) = plan.get(member).and_then(Value::as_str) else { return Ok(None) };
    let found = world.imagebuilder.get(arn).filter(|resource| resource.owner == account);
    found.map(|resource| Some(&resource.document)).ok_or_else(|| no_such(arn))
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

/// Says once what of a build's configuration the local AWS can't do or doesn't know.
fn warn_of(world: &mut World, image: &Map<String, Value>, materials: &resolve::Materials, region: &str) {
    let name = image.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut warnings = Vec::new();
    let ignored = outputs::without_effect(image);
    if !ignored.is_empty() {
        warnings.push(format!("no effect locally: {}", ignored.join(", ")));
    }
    if let Some(ami) = &materials.unknown_ami {
        warnings.push(format!("the local EC2 doesn't know the parent {ami}: taken as it stands"));
    }
    for warning in warnings {
        if world.count(&format!("warning {region} {name} {warning}")) == 1 {
            world.record(journal::Kind::Warning, name.as_str(), Some(region), warning);
        }
    }
}

/// `web 1.0.0/3`: how the timeline names a build.
pub(crate) fn subject(image: &Resource) -> String {
    format!("{} {}", image.text("name").unwrap_or(&image.segment), image.text("version").unwrap_or_default())
}

fn post_end(world: &mut World, image_arn: &str, status: &str, size: Size) {
    let at = world.now + phases::lasts(world.seed, image_arn, status, size);
    world.post(at, Event::ImageBuilder(super::Event::BuildStep { image_arn: image_arn.to_owned() }));
}

/// The status of a build ends: the next one begins, or the build ends.
pub fn on_step(world: &mut World, image_arn: &str) {
    let Some(from) = world.imagebuilder.get(image_arn).map(|image| image.status().to_owned()) else { return };
    let Some(build) = world.imagebuilder.builds.get_mut(image_arn) else { return };
    // A cancelled build has a step too many: nothing is ahead of it.
    let Some(next) = build.ahead.first().copied() else { return };
    if let Some(failure) = build.failure.take_if(|failure| failure.status == from) {
        build.ahead.clear();
        return enter(world, image_arn, &from, "FAILED", Some(&failure));
    }
    build.ahead.remove(0);
    if from == "DISTRIBUTING" && next == "INTEGRATING" {
        deliver(world, image_arn);
    }
    enter(world, image_arn, &from, next, None);
}

fn enter(world: &mut World, image_arn: &str, from: &str, to: &'static str, failure: Option<&Failure>) {
    let Some(image) = world.imagebuilder.get_mut(image_arn) else { return };
    let state = failure.map_or_else(|| json!({"status": to}), |failure| Value::Object(failure::state(failure)));
    image.document.insert("state".into(), state);
    let image = image.clone();
    let subject = subject(&image);
    let detail = failure.map_or_else(|| to.to_owned(), |failure| format!("{to}: {}", failure.summary));
    world.record(journal::Kind::ImageState, subject.as_str(), Some(&image.region), detail);
    announce::status_changed(world, &image, from);
    if phases::in_progress(to) {
        post_end(world, image_arn, to, Size::of(&image.document));
    } else {
        announce::ended(world, &image, &subject);
    }
    due::build_changed(world, image_arn);
}

/// What was built comes to be: the AMIs are registered in EC2 before the build goes on.
fn deliver(world: &mut World, image_arn: &str) {
    let Some(image) = world.imagebuilder.get(image_arn) else { return };
    let Some(build) = world.imagebuilder.builds.get(image_arn) else { return };
    let (resources, amis) = if image.text("type") == Some("DOCKER") {
        (json!({"amis": [], "containers": outputs::containers(image, &build.account)}), Vec::new())
    } else {
        let amis = outputs::amis(world, image, &build.account);
        (json!({"amis": outputs::listing(&amis)}), amis)
    };
    for ami in amis {
        world.post(world.now, world::Event::Ec2(ec2::Event::Register(Box::new(ami))));
    }
    if let Some(image) = world.imagebuilder.get_mut(image_arn) {
        image.document.insert("outputResources".into(), resources);
    }
}

/// A build under way shall stop: it is CANCELLED some seconds later, and keeps what it has made.
pub(crate) fn cancel(world: &mut World, image_arn: &str) {
    if let Some(build) = world.imagebuilder.builds.get_mut(image_arn) {
        build.ahead = vec!["CANCELLED"];
        build.failure = None;
        let at = world.now + world.span_millis(&["cancel", image_arn], 2_000, 20_000);
        world.post(at, Event::ImageBuilder(super::Event::BuildStep { image_arn: image_arn.to_owned() }));
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;

    /// The statuses of a build by hand, after PENDING, as the journal has them, and the image's document.
    fn statuses(world: &mut World, pipeline: &str) -> (Vec<String>, Map<String, Value>) {
        let image = start_pipeline(world, pipeline);
        run(world);
        let states = world.journal.entries().iter().filter(|entry| entry.kind == journal::Kind::ImageState);
        let states = states.map(|entry| entry.detail.clone()).collect();
        (states, world.imagebuilder.get(&image).unwrap().document.clone())
    }

    #[test]
    fn a_build_passes_its_statuses_and_leaves_an_image() {
        let mut world = world();
        put_web(&mut world);
        let pipeline = put_pipeline(&mut world, "web", json!({"loggingConfiguration": {"imageLogGroupName": "/l"}}));
        let start = world.now;
        let image = start_pipeline(&mut world, &pipeline);
        let pending = world.imagebuilder.get(&image).unwrap();
        assert_eq!((pending.status(), &pending.document["outputResources"]), ("PENDING", &json!({"amis": []})));
        run(&mut world);
        let states: Vec<_> =
            world.journal.entries().iter().filter(|entry| entry.kind == journal::Kind::ImageState).collect();
        let details: Vec<_> = states.iter().map(|entry| entry.detail.as_str()).collect();
        assert_eq!(details, ["CREATING", "BUILDING", "TESTING", "DISTRIBUTING", "INTEGRATING", "AVAILABLE"]);
        let took = (states[5].at - start).num_minutes();
        assert!((14..40).contains(&took), "{took} minutes");

        let document = &world.imagebuilder.get(&image).unwrap().document;
        assert_eq!(document["version"], "1.0.0/1");
        assert_eq!(document["osVersion"], "Amazon Linux 2023");
        assert_eq!(document["imageRecipe"]["parentImage"], arn("image/base/2026.2.1/1"));
        let component = &document["imageRecipe"]["components"][0];
        assert_eq!(component["componentArn"], arn("component/agent/1.0.0/1"));
        assert_eq!(component["parameters"][0]["name"], "level");
        assert_eq!(document["tags"], json!({"from": "request"}));
        assert_eq!(document["sourcePipelineArn"], pipeline);
        assert_eq!(document["loggingConfiguration"], json!({"logGroupName": "/l"}));
        assert_eq!(document["outputResources"]["amis"].as_array().unwrap().len(), 3);
        let pipeline = &world.imagebuilder.get(&pipeline).unwrap().document;
        assert_eq!((&pipeline["lastRunStatus"], &pipeline["consecutiveFailures"]), (&json!("AVAILABLE"), &json!(0)));
        assert_eq!(pipeline["dateLastRun"], document["dateCreated"]);
    }

    #[test]
    fn what_has_no_effect_is_said_once() {
        let mut world = world();
        put_web(&mut world);
        let pipeline = put_pipeline(&mut world, "web", json!({}));
        for _ in 0..3 {
            start_pipeline(&mut world, &pipeline);
        }
        let warnings = world.journal.entries().iter().filter(|entry| entry.kind == journal::Kind::Warning);
        let warnings: Vec<_> = warnings.map(|entry| entry.detail.as_str()).collect();
        assert_eq!(warnings, ["no effect locally: launchTemplateConfigurations"]);
    }

    #[test]
    fn without_tests_there_is_no_testing_and_a_failing_test_is_not_run() {
        let mut world = world();
        put_web(&mut world);
        put_failing_component(&mut world, "broken", "test");
        use_component(&mut world, "broken");
        let pipeline =
            put_pipeline(&mut world, "web", json!({"imageTestsConfiguration": {"imageTestsEnabled": false}}));
        let (states, _) = statuses(&mut world, &pipeline);
        assert_eq!(states, ["CREATING", "BUILDING", "DISTRIBUTING", "INTEGRATING", "AVAILABLE"]);
    }

    #[test]
    fn a_component_that_exits_fails_the_build_at_the_end_of_its_phase() {
        for (phase, status, passed) in [
            ("build", "BUILDING", &["CREATING", "BUILDING"][..]),
            ("validate", "BUILDING", &["CREATING", "BUILDING"]),
            ("test", "TESTING", &["CREATING", "BUILDING", "TESTING"]),
        ] {
            let mut world = world();
            put_web(&mut world);
            put_failing_component(&mut world, "broken", phase);
            use_component(&mut world, "broken");
            let pipeline = put_pipeline(&mut world, "web", json!({}));
            let (states, document) = statuses(&mut world, &pipeline);
            let failed = format!("FAILED: component broken/1.0.0/1, phase {phase}, step Install: exit status 1");
            assert_eq!(states, [passed, &[failed.as_str()]].concat());
            let state = &document["state"];
            assert_eq!((&state["status"], &state["failureContext"]["imageStatus"]), (&json!("FAILED"), &json!(status)));
            assert!(state["reason"].as_str().unwrap().contains(&format!("in state = '{status}'")));
            let component = &state["failureContext"]["componentFailure"];
            assert_eq!(component["componentArn"], arn("component/broken/1.0.0/1"));
            assert_eq!(component["action"], "ExecuteBash");
            assert_eq!(document["outputResources"], json!({"amis": []}));
        }
    }

    #[test]
    fn a_parent_that_does_not_resolve_fails_the_build_and_not_the_call() {
        let mut world = world();
        put_web(&mut world);
        let parent = arn("image/base/2026.2.1/1");
        world.imagebuilder.get_mut(&parent).unwrap().document["state"] = json!({"status": "DEPRECATED"});
        let pipeline = put_pipeline(&mut world, "web", json!({}));
        let (states, document) = statuses(&mut world, &pipeline);
        assert_eq!(states.len(), 2);
        assert!(document["state"]["reason"].as_str().unwrap().contains("image/base/x.x.x"), "{document:?}");
    }

    #[test]
    fn a_recipe_or_configuration_that_does_not_exist_fails_the_call() {
        let mut world = world();
        put_web(&mut world);
        for member in ["imageRecipeArn", "infrastructureConfigurationArn", "distributionConfigurationArn"] {
            let missing = arn("image-recipe/other/1.0.0");
            let pipeline = put_pipeline(&mut world, "web", json!({member: missing}));
            let pipeline = world.imagebuilder.get(&pipeline).unwrap().clone();
            let order =
                Order { plan: &pipeline.document, pipeline: None, build_type: "USER_INITIATED", tags: json!({}) };
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
        world.imagebuilder.resources.remove(&images[2]);
        assert_eq!(start_pipeline(&mut world, &two), arn("image/web-server/1.0.0/4"), "a number isn't used twice");
    }

    #[test]
    fn a_cancelled_build_stops_later_and_makes_nothing() {
        let mut world = world();
        put_web(&mut world);
        let pipeline = put_pipeline(&mut world, "web", json!({}));
        let image = start_pipeline(&mut world, &pipeline);
        while world.imagebuilder.get(&image).unwrap().status() != "DISTRIBUTING" {
            let limit = world.now + chrono::TimeDelta::hours(1);
            world.step(limit).unwrap();
        }
        cancel(&mut world, &image);
        assert_eq!(world.imagebuilder.get(&image).unwrap().status(), "DISTRIBUTING");
        run(&mut world);
        let ended = world.imagebuilder.get(&image).unwrap();
        assert_eq!((ended.status(), &ended.document["outputResources"]), ("CANCELLED", &json!({"amis": []})));
        assert!(world.journal.entries().iter().all(|entry| entry.kind != journal::Kind::Notification));
    }
}
