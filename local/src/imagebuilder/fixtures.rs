//! Resources for tests, put straight into the store.

use super::store::{Kind, Resource};
use crate::draw::Seed;
use crate::ec2;
use crate::wire::{Caller, Context};
use crate::world::{DEFAULT_ACCOUNT, DEFAULT_REGION, World};
use serde_json::{Value, json};

pub(crate) const ACCOUNT: &str = DEFAULT_ACCOUNT;
pub(crate) const REGION: &str = DEFAULT_REGION;
pub(crate) const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:builds";

pub(crate) fn world() -> World {
    World::new(Seed(7), "2026-03-02T00:12:00.000Z".parse().unwrap())
}

pub(crate) fn arn(rest: &str) -> String {
    format!("arn:aws:imagebuilder:{REGION}:{ACCOUNT}:{rest}")
}

fn put(world: &mut World, kind: Kind, segment: &str, version: Option<&str>, build: Option<u32>, document: Value) {
    let mut rest = format!("{}/{segment}", kind.segment());
    for part in version.map(str::to_owned).into_iter().chain(build.map(|build| build.to_string())) {
        rest = format!("{rest}/{part}");
    }
    let arn = arn(&rest);
    let Value::Object(mut document) = document else { panic!("a document is an object") };
    document.insert("arn".into(), arn.clone().into());
    let created = world.now;
    document.entry("dateCreated").or_insert(crate::clock::iso_millis(created).into());
    document.entry("tags").or_insert(json!({}));
    world.imagebuilder.put(Resource {
        kind,
        arn,
        region: REGION.into(),
        owner: ACCOUNT.into(),
        segment: segment.into(),
        version: version.map(|version| version.parse().unwrap()),
        build,
        made: 0,
        created,
        document: document.into(),
    });
}

pub(crate) fn put_image(world: &mut World, name: &str, version: &str, build: u32, status: &str) {
    let document = json!({
        "type": "AMI", "name": name, "version": format!("{version}/{build}"), "platform": "Linux",
        "osVersion": "Amazon Linux 2023", "state": {"status": status}, "outputResources": {"amis": []},
        "buildType": "USER_INITIATED",
    });
    put(world, Kind::Image, name, Some(version), Some(build), document);
}

pub(crate) fn put_component(world: &mut World, name: &str, version: &str, build: u32, data: Option<&str>) {
    let mut document = json!({"name": name, "version": version, "type": "BUILD", "platform": "Linux"});
    if let Some(data) = data {
        document["data"] = data.into();
    }
    put(world, Kind::Component, name, Some(version), Some(build), document);
}

/// A component whose one step, in the given phase, exits with 1.
pub(crate) fn put_failing_component(world: &mut World, name: &str, phase: &str) {
    let data = format!(
        "name: {name}\nschemaVersion: 1.0\nphases:\n  - name: {phase}\n    steps:\n      - name: Install\n        \
         action: ExecuteBash\n        inputs:\n          commands:\n            - exit 1\n"
    );
    put_component(world, name, "1.0.0", 1, Some(&data));
}

pub(crate) fn put_ami(world: &mut World, id: &str, owner: &str, state: &str) {
    let image = ec2::Image {
        id: id.into(),
        region: REGION.into(),
        owner: owner.into(),
        name: id.into(),
        description: None,
        windows: false,
        architecture: "arm64".into(),
        state: state.into(),
        created: world.now,
        tags: Default::default(),
        snapshots: FromIterator::from_iter([(
            "/dev/sda1".to_owned(),
            ec2::Snapshot { id: "snap-00000000000000001".into(), size: 12, encrypted: false },
        )]),
        source: None,
        launch_permissions: Vec::new(),
        deprecation_time: None,
        last_launched: None,
        deregistration_protection: false,
    };
    world.ec2.images.insert((REGION.to_owned(), id.to_owned()), Box::new(image));
}

/// A recipe `web server` 1.0.0 on `base/x.x.x` with the component `agent/1.0.x`, an infrastructure
/// configuration with a topic, and a distribution to two Regions.
pub(crate) fn put_web(world: &mut World) {
    put_image(world, "base", "2026.2.1", 1, "AVAILABLE");
    put_component(world, "agent", "1.0.0", 1, None);
    let recipe = json!({
        "name": "Web Server", "description": "Serves", "platform": "Linux", "owner": ACCOUNT, "version": "1.0.0",
        "components": [{
            "componentArn": arn("component/agent/1.0.x"), "parameters": [{"name": "level", "value": ["high"]}],
        }],
        "parentImage": arn("image/base/x.x.x"), "workingDirectory": "/tmp", "tags": {"team": "edge"},
    });
    put(world, Kind::ImageRecipe, "web-server", Some("1.0.0"), None, recipe);
    let infrastructure = json!({
        "name": "Builders", "instanceTypes": ["m7g.large"], "instanceProfileName": "builders",
        "terminateInstanceOnFailure": true, "snsTopicArn": TOPIC,
    });
    put(world, Kind::InfrastructureConfiguration, "builders", None, None, infrastructure);
    let distribution = json!({
        "name": "Two", "timeoutMinutes": 720, "distributions": [
            {"region": REGION, "amiDistributionConfiguration": {}},
            {"region": "eu-west-1", "amiDistributionConfiguration": {
                "name": "web {{ imagebuilder:buildDate }}", "description": "For Europe",
                "amiTags": {"Role": "web"}, "launchPermission": {"userIds": ["111122223333"]},
                "targetAccountIds": [ACCOUNT, "111122223333"],
            }},
        ],
    });
    put(world, Kind::DistributionConfiguration, "two", None, None, distribution);
}

/// A pipeline of what [`put_web`] makes, with other members on top.
pub(crate) fn put_pipeline(world: &mut World, name: &str, more: Value) -> String {
    let mut document = json!({
        "name": name, "platform": "Linux", "enhancedImageMetadataEnabled": true, "status": "ENABLED",
        "imageRecipeArn": arn("image-recipe/web-server/1.0.0"),
        "infrastructureConfigurationArn": arn("infrastructure-configuration/builders"),
        "distributionConfigurationArn": arn("distribution-configuration/two"),
        "imageTestsConfiguration": {"imageTestsEnabled": true, "timeoutMinutes": 720},
        "imageTags": {"from": "pipeline"},
    });
    for (member, value) in more.as_object().into_iter().flatten() {
        document[member] = value.clone();
    }
    put(world, Kind::Pipeline, name, None, None, document);
    arn(&format!("image-pipeline/{name}"))
}

/// The web recipe with another component in place of the agent.
pub(crate) fn use_component(world: &mut World, name: &str) {
    let recipe = world.imagebuilder.get_mut(&arn("image-recipe/web-server/1.0.0")).unwrap();
    recipe.document.insert("components", json!([{"componentArn": arn(&format!("component/{name}/x.x.x"))}]));
}

/// Lets time pass until nothing is due within a day.
pub(crate) fn run(world: &mut World) {
    let limit = world.now + chrono::TimeDelta::days(1);
    while world.step(limit).is_some() {}
}

/// Starts a build of a pipeline by hand.
pub(crate) fn start_pipeline(world: &mut World, pipeline: &str) -> String {
    let answer = super::image::start_image_pipeline_execution(
        world,
        &context(),
        &json!({"imagePipelineArn": pipeline, "clientToken": "t", "tags": {"from": "request"}}),
    );
    answer.unwrap()["imageBuildVersionArn"].as_str().unwrap().to_owned()
}

pub(crate) fn context() -> Context {
    Context { caller: Caller::service(ACCOUNT, "test"), region: REGION.into(), request_id: "request".into() }
}
