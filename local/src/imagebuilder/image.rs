//! Images: the operations that start, read, list, cancel and delete builds.

use super::lookup::{deletable, missing, needed, one_of, own, text};
use super::start::{self, Order};
use super::store::{Kind, Resource};
use super::{analysis, build, execution, naming, phases, pipeline, resolve, sharing};
use crate::faults;
use crate::model::{Listing, bad_value};
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::{Map, Value, json};
use std::cmp::Reverse;

/// CreateImage.
pub(crate) fn create_image(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    one_of(input, ["imageRecipeArn", "containerRecipeArn"], "InvalidRequestException")?;
    pipeline::check_role(input)?;
    analysis::check(input)?;
    let empty = Map::new();
    let order = Order {
        plan: input.as_object().unwrap_or(&empty),
        pipeline: None,
        build_type: "USER_INITIATED",
        tags: tags(input),
    };
    let arn = start::start(world, context.account(), &context.region, order)?;
    let references = world.imagebuilder.get(&arn).map(references);
    Ok(json!({"latestVersionReferences": references, "imageBuildVersionArn": arn}))
}

/// StartImagePipelineExecution. A disabled pipeline builds too: only its schedule rests.
pub(crate) fn start_image_pipeline_execution(
    world: &mut World,
    context: &Context,
    input: &Value,
) -> Result<Value, ApiError> {
    let arn = text(input, "imagePipelineArn");
    let pipeline = own(&world.imagebuilder, context, Kind::Pipeline, arn)?.clone();
    let order = Order {
        plan: &pipeline.document.to_map(),
        pipeline: Some(arn),
        build_type: "USER_INITIATED",
        tags: tags(input),
    };
    let image = start::start(world, context.account(), &context.region, order)?;
    Ok(json!({"imageBuildVersionArn": image}))
}

fn tags(input: &Value) -> Value {
    if input["tags"].is_object() { input["tags"].clone() } else { json!({}) }
}

/// The ARNs by which the newest of an image's family, major and minor version are referred to.
fn references(image: &Resource) -> Value {
    let base = naming::arn(Kind::Image, &image.region, &image.owner, &image.segment);
    image.version.map_or(Value::Null, |version| naming::latest_references(&base, version))
}

/// GetImage: the build that the ARN names; for a version or wildcard, the newest build that is AVAILABLE.
pub(crate) fn get_image(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let arn = text(input, "imageBuildVersionArn");
    let image = resolve::image(world, context.account(), &context.region, arn).ok_or_else(|| missing(arn))?;
    let answer = [("image", image.document.to_value()), ("latestVersionReferences", references(image))];
    Ok(answer.into_iter().map(|(member, value)| (member.to_owned(), value)).collect())
}

/// CancelImageCreation: the build is CANCELLED later, unless it has ended.
pub(crate) fn cancel_image_creation(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let arn = text(input, "imageBuildVersionArn");
    let image = own(&world.imagebuilder, context, Kind::Image, arn)?;
    let status = image.status();
    if !phases::in_progress(status) {
        return Err(bad_value("imageBuildVersionArn", format!("The image is in the state {status}.")));
    }
    build::cancel(world, arn);
    Ok(json!({"imageBuildVersionArn": arn}))
}

/// DeleteImage: the record alone; AMIs, snapshots and container images stay.
pub(crate) fn delete_image(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let arn = text(input, "imageBuildVersionArn");
    let image = deletable(&world.imagebuilder, context, Kind::Image, arn)?;
    if phases::in_progress(image.status()) || is_parent(world, image) {
        return Err(needed(arn));
    }
    world.imagebuilder.remove(arn);
    execution::forget(world, arn);
    world.imagebuilder.arrivals.origins.remove(arn);
    world.imagebuilder.outputs.exports.remove(arn);
    Ok(json!({"imageBuildVersionArn": arn}))
}

/// Whether a recipe names this very build as its parent, or its version, of which it is the last build.
fn is_parent(world: &World, image: &Resource) -> bool {
    let version_arn = version_arn(image);
    let last = world.imagebuilder.starting_with(&format!("{version_arn}/"), None).count() == 1;
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

/// An image's entry in a listing: what the listing's shape has of its document, and the owner.
fn entry(image: &Resource, shape: &str) -> Value {
    let mut entry = image.document.summary(shape);
    entry["owner"] = sharing::owner_name(&image.owner).into();
    entry
}

/// Builds, newest first.
fn builds<'a>(images: impl Iterator<Item = &'a Resource> + 'a) -> Listing<'a> {
    Listing::newest_first(images.map(|image| (image.made, entry(image, "ImageSummary"))))
}

/// ListImages: an entry for each version, or with `byName` for each name.
pub(crate) fn list_images<'a>(
    world: &'a World,
    context: &Context,
    input: &Value,
    after: Option<&str>,
) -> Result<Listing<'a>, ApiError> {
    let by_name = input["byName"] == true;
    // One's own deprecated images are always listed.
    let hide_deprecated = input["owner"] == "Amazon" && input["includeDeprecated"] != true;
    // What lies behind the key's own builds.
    let begin = after.map(|after| format!("{after}\u{10ffff}"));
    let found = sharing::listed_by_arn(&world.imagebuilder, context, input, Kind::Image, begin.as_deref());
    let shown = move |image: &&Resource| !hide_deprecated || image.status() != "DEPRECATED";
    let mut images = found.filter(shown).filter(|image| !faults::hides(world, image)).peekable();
    let key = move |image: &Resource| {
        let arn = version_arn(image);
        if by_name { arn.rsplit_once('/').map_or(arn, |(name, _)| name) } else { arn }.to_owned()
    };
    let versions = std::iter::from_fn(move || {
        let first = images.next()?;
        let arn = key(first);
        // The entry speaks of the newest, its date is that of the oldest.
        let (mut newest, mut oldest) = (first, first);
        while let Some(image) = images.next_if(|image| key(image) == arn) {
            newest = if image.made > newest.made { image } else { newest };
            oldest = if image.made < oldest.made { image } else { oldest };
        }
        let mut entry = entry(newest, "ImageVersion");
        entry["arn"] = arn.as_str().into();
        if let Some(date) = oldest.text("dateCreated") {
            entry["dateCreated"] = date.into();
        }
        match (newest.version, &mut entry) {
            (Some(version), entry) if !by_name => entry["version"] = version.to_string().into(),
            (_, Value::Object(entry)) => drop(entry.remove("version")),
            _ => {}
        }
        // As the builds' ARNs are in order: `web-server/` stands before `web/`.
        Some((arn + "/", entry))
    });
    Ok(Listing::ascending(versions))
}

/// ListImageBuildVersions: the builds of a version, or all of the account; newest first. A version that
/// doesn't exist has none.
pub(crate) fn list_image_build_versions<'a>(
    world: &'a World,
    context: &Context,
    input: &Value,
    _after: Option<&str>,
) -> Result<Listing<'a>, ApiError> {
    let Some(arn) = input["imageVersionArn"].as_str() else {
        return Ok(builds(world.imagebuilder.owned(Kind::Image, &context.region, context.account()).rev()));
    };
    let prefix = format!("{arn}/");
    let visible = |image: &&Resource| {
        image.region == context.region && sharing::lists(&world.imagebuilder, context.account(), image)
    };
    let found = world.imagebuilder.starting_with(&prefix, None).filter(visible);
    let mut found: Vec<_> = found.filter(|image| version_arn(image) == arn).collect();
    found.sort_by_key(|image| Reverse(image.made));
    Ok(builds(found.into_iter()))
}

/// ListImagePipelineImages: the builds of a pipeline, newest first; none for a pipeline that doesn't exist.
pub(crate) fn list_image_pipeline_images<'a>(
    world: &'a World,
    context: &Context,
    input: &Value,
    _after: Option<&str>,
) -> Result<Listing<'a>, ApiError> {
    let pipeline = text(input, "imagePipelineArn").to_owned();
    let images = world.imagebuilder.owned(Kind::Image, &context.region, context.account()).rev();
    Ok(builds(images.filter(move |image| image.text("sourcePipelineArn") == Some(&pipeline))))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;

    fn arns(list: &Value) -> Vec<&str> {
        list.as_array().unwrap().iter().map(|item| item["arn"].as_str().unwrap()).collect()
    }

    fn family() -> World {
        let mut world = world();
        for (version, build, status) in
            [("1.0.0", 1, "AVAILABLE"), ("1.0.0", 2, "AVAILABLE"), ("1.0.0", 3, "FAILED"), ("1.2.0", 1, "DEPRECATED")]
        {
            put_image(&mut world, "web", version, build, status);
        }
        world
    }

    #[test]
    fn get_image_takes_builds_versions_and_wildcards() {
        let mut world = family();
        for (asked, answered) in [
            ("image/web/1.0.0/3", Some("image/web/1.0.0/3")),
            ("image/web/1.0.0", Some("image/web/1.0.0/2")),
            ("image/web/x.x.x", Some("image/web/1.0.0/2")),
            ("image/web/1.2.x", None),
            ("image/web/1.0.0/9", None),
            ("image/other/x.x.x", None),
        ] {
            let answer = get_image(&mut world, &context(), &json!({"imageBuildVersionArn": arn(asked)}));
            match answered {
                Some(answered) => assert_eq!(answer.unwrap()["image"]["arn"], arn(answered), "{asked}"),
                None => assert_eq!(answer.unwrap_err(), missing(&arn(asked))),
            }
        }
        let answer = get_image(&mut world, &context(), &json!({"imageBuildVersionArn": arn("image/web/x.x.x")}));
        let references = &answer.unwrap()["latestVersionReferences"];
        assert_eq!(references["latestMinorVersionArn"], arn("image/web/1.0.x"));
    }

    #[test]
    fn images_are_listed_by_version_and_by_name() {
        let mut world = family();
        let list = |world: &mut World, input: Value| call(world, "ListImages", input)["imageVersionList"].clone();
        let versions = list(&mut world, json!({}));
        assert_eq!(arns(&versions), [arn("image/web/1.0.0"), arn("image/web/1.2.0")]);
        assert_eq!((&versions[0]["version"], &versions[0]["owner"]), (&json!("1.0.0"), &json!(ACCOUNT)));
        assert!(versions[0].get("state").is_none() && versions[0].get("outputResources").is_none());
        assert_eq!(arns(&list(&mut world, json!({"byName": true}))), [arn("image/web")]);
        assert_eq!(list(&mut world, json!({"owner": "Shared"})), json!([]));
    }

    #[test]
    fn amazons_deprecated_images_are_listed_on_request() {
        let mut world = world();
        put_image(&mut world, "amazon", "1.0.0", 1, "DEPRECATED");
        let mut managed = Resource::clone(&world.imagebuilder.remove(&arn("image/amazon/1.0.0/1")).unwrap());
        managed.owner = "aws".into();
        managed.arn = format!("arn:aws:imagebuilder:{REGION}:aws:image/al-of-the-test/1.0.0/1");
        world.imagebuilder.put(managed);
        let listed = |world: &mut World, include: bool| {
            let input = json!({"owner": "Amazon", "includeDeprecated": include});
            let answer = call(world, "ListImages", input);
            answer["imageVersionList"].to_string().contains("al-of-the-test")
        };
        assert!(!listed(&mut world, false));
        assert!(listed(&mut world, true));
    }

    #[test]
    fn builds_are_listed_newest_first_and_an_unknown_version_has_none() {
        let mut world = family();
        let list =
            |world: &mut World, input: Value| call(world, "ListImageBuildVersions", input)["imageSummaryList"].clone();
        let builds = list(&mut world, json!({"imageVersionArn": arn("image/web/1.0.0")}));
        assert_eq!(arns(&builds), [3, 2, 1].map(|build| arn(&format!("image/web/1.0.0/{build}"))));
        assert_eq!((&builds[0]["state"]["status"], &builds[0]["version"]), (&json!("FAILED"), &json!("1.0.0/3")));
        assert_eq!(list(&mut world, json!({})).as_array().unwrap().len(), 4);
        assert_eq!(list(&mut world, json!({"imageVersionArn": arn("image/web/9.0.0")})), json!([]));
    }

    #[test]
    fn a_pipelines_images_are_its_own() {
        let mut world = world();
        put_web(&mut world);
        let (one, two) = (put_pipeline(&mut world, "one", json!({})), put_pipeline(&mut world, "two", json!({})));
        let image = start_pipeline(&mut world, &one);
        start_pipeline(&mut world, &two);
        let answer = call(&mut world, "ListImagePipelineImages", json!({"imagePipelineArn": one}));
        assert_eq!(arns(&answer["imageSummaryList"]), [image]);
    }

    #[test]
    fn what_is_under_way_or_a_parent_cannot_be_deleted() {
        let mut world = world();
        put_web(&mut world);
        let pipeline = put_pipeline(&mut world, "web", json!({}));
        let image = start_pipeline(&mut world, &pipeline);
        let input = json!({"imageBuildVersionArn": image});
        let delete = |world: &mut World| delete_image(world, &context(), &input);
        assert_eq!(delete(&mut world).unwrap_err().code, "ResourceDependencyException");
        run(&mut world);
        let recipe = world.imagebuilder.get_mut(&arn("image-recipe/web-server/1.0.0")).unwrap();
        recipe.document.insert("parentImage", arn("image/web-server/1.0.0").into());
        assert_eq!(delete(&mut world).unwrap_err().code, "ResourceDependencyException");
        let recipe = world.imagebuilder.get_mut(&arn("image-recipe/web-server/1.0.0")).unwrap();
        recipe.document.insert("parentImage", arn("image/base/x.x.x").into());
        assert_eq!(delete(&mut world).unwrap(), json!({"imageBuildVersionArn": image}));
        assert_eq!(delete(&mut world).unwrap_err(), missing(&image));
    }

    #[test]
    fn only_a_build_under_way_can_be_cancelled() {
        let mut world = world();
        put_web(&mut world);
        let pipeline = put_pipeline(&mut world, "web", json!({}));
        let image = start_pipeline(&mut world, &pipeline);
        let input = json!({"imageBuildVersionArn": image, "clientToken": "t"});
        assert!(cancel_image_creation(&mut world, &context(), &input).is_ok());
        run(&mut world);
        assert_eq!(world.imagebuilder.get(&image).unwrap().status(), "CANCELLED");
        let error = cancel_image_creation(&mut world, &context(), &input).unwrap_err();
        assert_eq!((error.status, error.code.as_str()), (400, "InvalidParameterValueException"));
    }

    #[test]
    fn create_image_wants_one_recipe_and_knows_no_pipeline() {
        let mut world = world();
        put_web(&mut world);
        let input = json!({
            "imageRecipeArn": arn("image-recipe/web-server/1.x.x"),
            "infrastructureConfigurationArn": arn("infrastructure-configuration/builders"), "clientToken": "t",
        });
        let image = create_image(&mut world, &context(), &input).unwrap()["imageBuildVersionArn"].clone();
        let document = &world.imagebuilder.get(image.as_str().unwrap()).unwrap().document;
        assert!(!document.contains_key("sourcePipelineArn") && !document.contains_key("distributionConfiguration"));
        run(&mut world);
        let document = &world.imagebuilder.get(image.as_str().unwrap()).unwrap().document;
        assert_eq!(document["outputResources"]["amis"].as_array().unwrap().len(), 1);
        let both = json!({"imageRecipeArn": "a", "containerRecipeArn": "b"});
        let error = create_image(&mut world, &context(), &both).unwrap_err();
        assert_eq!(error.code, "InvalidRequestException");
    }

    /// Through the door, and out through the model, which refuses what isn't in it.
    fn call(world: &mut World, operation: &str, mut input: Value) -> Value {
        input["clientToken"] = world.fresh_uuid("test").into();
        let answer = super::super::call(world, &context(), operation, input);
        let response = crate::model::encode(operation, "request", Ok(answer.unwrap()));
        serde_json::from_slice(&response.body).unwrap()
    }

    #[test]
    fn a_pipeline_on_a_managed_image_builds_by_itself_and_answers_in_the_form_of_the_api() {
        let mut world = world();
        let managed = |rest: &str| format!("arn:aws:imagebuilder:{REGION}:aws:{rest}");
        let recipe = call(
            &mut world,
            "CreateImageRecipe",
            json!({
                "name": "Web Server", "semanticVersion": "1.0.0", "amiTags": {"a": "b"},
                "parentImage": managed("image/amazon-linux-2023-x86/x.x.x"),
                "components": [{"componentArn": managed("component/update-linux/x.x.x")}],
            }),
        );
        let infrastructure = call(
            &mut world,
            "CreateInfrastructureConfiguration",
            json!({"name": "builders", "instanceProfileName": "builders", "snsTopicArn": TOPIC}),
        );
        let pipeline = call(
            &mut world,
            "CreateImagePipeline",
            json!({
                "name": "web", "imageRecipeArn": recipe["imageRecipeArn"],
                "infrastructureConfigurationArn": infrastructure["infrastructureConfigurationArn"],
                "schedule": {"scheduleExpression": "cron(0 1 * * ? *)"},
                "loggingConfiguration": {"imageLogGroupName": "/aws/imagebuilder/web"},
            }),
        );
        let of_pipeline = json!({"imagePipelineArn": pipeline["imagePipelineArn"]});
        let made = call(&mut world, "GetImagePipeline", of_pipeline.clone());
        assert_eq!(made["imagePipeline"]["dateNextRun"], "2026-03-02T01:00:00.000Z");
        world.pass("2026-03-02T01:05:00Z".parse().unwrap());
        let listed = call(&mut world, "ListImagePipelineImages", of_pipeline.clone());
        assert_eq!(listed["imageSummaryList"][0]["state"]["status"], "BUILDING");
        world.pass("2026-03-02T02:00:00Z".parse().unwrap());

        let wildcard = json!({"imageBuildVersionArn": arn("image/web-server/x.x.x")});
        let image = call(&mut world, "GetImage", wildcard)["image"].clone();
        assert_eq!((&image["version"], &image["buildType"]), (&json!("1.0.0/1"), &json!("SCHEDULED")));
        assert_eq!(image["osVersion"], "Amazon Linux 2023");
        assert_eq!(image["loggingConfiguration"], json!({"logGroupName": "/aws/imagebuilder/web"}));
        let parent = image["imageRecipe"]["parentImage"].as_str().unwrap().to_owned();
        assert_eq!(world.imagebuilder.get(&parent).unwrap().owner, "aws");
        let versions = call(&mut world, "ListImages", json!({}));
        assert_eq!(versions["imageVersionList"][0]["arn"], arn("image/web-server/1.0.0"));
        let builds = call(&mut world, "ListImageBuildVersions", json!({}));
        assert_eq!(builds["imageSummaryList"][0]["outputResources"], image["outputResources"]);

        let made = call(&mut world, "GetImagePipeline", of_pipeline)["imagePipeline"].clone();
        assert_eq!((&made["lastRunStatus"], &made["dateLastRun"]), (&json!("AVAILABLE"), &image["dateCreated"]));
        assert_eq!(made["dateNextRun"], "2026-03-03T01:00:00.000Z");
    }

    #[test]
    fn a_container_recipe_builds_a_container() {
        let mut world = world();
        let recipe = call(
            &mut world,
            "CreateContainerRecipe",
            json!({
                "name": "tools", "semanticVersion": "2.1.0", "containerType": "DOCKER", "parentImage": "amazonlinux:2023",
                "platformOverride": "Linux", "dockerfileTemplateData": "FROM {{{ imagebuilder:parentImage }}}",
                "targetRepository": {"service": "ECR", "repositoryName": "tools"},
            }),
        );
        let infrastructure = call(
            &mut world,
            "CreateInfrastructureConfiguration",
            json!({"name": "builders", "instanceProfileName": "builders"}),
        );
        let started = call(
            &mut world,
            "CreateImage",
            json!({
                "containerRecipeArn": recipe["containerRecipeArn"],
                "infrastructureConfigurationArn": infrastructure["infrastructureConfigurationArn"],
            }),
        );
        run(&mut world);
        let input = json!({"imageBuildVersionArn": started["imageBuildVersionArn"]});
        let image = call(&mut world, "GetImage", input)["image"].clone();
        assert_eq!((&image["type"], &image["state"]["status"]), (&json!("DOCKER"), &json!("AVAILABLE")));
        let uri = "123456789012.dkr.ecr.us-east-1.amazonaws.com/tools:2.1.0-1";
        assert_eq!(image["outputResources"]["containers"], json!([{"region": REGION, "imageUris": [uri]}]));
    }

    #[test]
    fn a_failed_build_has_its_context_in_the_form_of_the_api() {
        let mut world = world();
        put_web(&mut world);
        put_failing_component(&mut world, "broken", "build");
        use_component(&mut world, "broken");
        let pipeline = put_pipeline(&mut world, "web", json!({}));
        let image = start_pipeline(&mut world, &pipeline);
        run(&mut world);
        let state = call(&mut world, "GetImage", json!({"imageBuildVersionArn": image}))["image"]["state"].clone();
        assert_eq!(state["failureContext"]["failedStep"], "ApplyBuildComponents");
    }
}
