//! The operations by what they do, called as a client or a stack calls them.

use super::{call, catalogue};
use crate::clock::Time;
use crate::draw::Seed;
use crate::journal;
use crate::model;
use crate::wire::{ApiError, Caller, Context};
use crate::world::World;
use chrono::{NaiveDate, TimeDelta};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const BASE: &str = "arn:aws:imagebuilder:us-east-1:123456789012";
const LINUX: &str = "arn:aws:imagebuilder:us-east-1:aws:image/amazon-linux-2023-x86/x.x.x";
const DOCUMENT: &str = "name: n\nschemaVersion: 1.0\nphases: [{name: build, steps: [{name: s, action: ExecuteBash, inputs: {commands: [date]}}]}]";

struct Client {
    world: World,
    context: Context,
}

impl Client {
    fn new() -> Self {
        let now = NaiveDate::from_ymd_opt(2026, 3, 2).unwrap().and_hms_opt(6, 0, 0).unwrap().and_utc();
        let caller = Caller::service("123456789012", "test");
        let context = Context { caller, region: "us-east-1".to_owned(), request_id: "r".to_owned() };
        Self { world: World::new(Seed(1), now), context }
    }

    /// Every answer also passes the check that nothing leaves which the model doesn't know.
    fn call(&mut self, operation: &str, input: Value) -> Result<Value, ApiError> {
        let answer = call(&mut self.world, &self.context, operation, input);
        model::encode(operation, "r", answer.clone());
        answer
    }

    fn ok(&mut self, operation: &str, input: Value) -> Value {
        self.call(operation, input).unwrap_or_else(|error| panic!("{operation}: {error}"))
    }

    fn code(&mut self, operation: &str, input: Value) -> String {
        self.call(operation, input).expect_err(operation).code
    }

    fn component(&mut self, name: &str, data: &str) -> Result<Value, ApiError> {
        let input = json!({"name": name, "semanticVersion": "1.0.0", "platform": "Linux", "data": data});
        self.call("CreateComponent", input)
    }

    fn recipe(&mut self, name: &str, version: &str) -> Result<Value, ApiError> {
        self.call("CreateImageRecipe", json!({"name": name, "semanticVersion": version, "parentImage": LINUX}))
    }

    fn infrastructure(&mut self, name: &str) -> Result<Value, ApiError> {
        self.call("CreateInfrastructureConfiguration", json!({"name": name, "instanceProfileName": "builder"}))
    }

    fn pipeline(&mut self) {
        self.recipe("Web", "1.0.0").unwrap();
        self.infrastructure("Web").unwrap();
        self.ok(
            "CreateDistributionConfiguration",
            json!({"name": "Web", "distributions": [
                {"region": "us-east-1", "amiDistributionConfiguration": {}},
                {"region": "eu-west-1", "amiDistributionConfiguration": {}},
            ]}),
        );
        self.ok(
            "CreateImagePipeline",
            json!({
                "name": "Web",
                "imageRecipeArn": format!("{BASE}:image-recipe/web/x.x.x"),
                "infrastructureConfigurationArn": format!("{BASE}:infrastructure-configuration/web"),
                "distributionConfigurationArn": format!("{BASE}:distribution-configuration/web"),
            }),
        );
    }
}

#[test]
fn a_repeated_call_gets_the_first_answer() {
    let mut client = Client::new();
    let input = json!({"name": "a-name", "instanceProfileName": "p", "clientToken": "t"});
    let first = client.ok("CreateInfrastructureConfiguration", input.clone());
    assert_eq!(first["clientToken"], "t");
    assert_eq!(client.ok("CreateInfrastructureConfiguration", input), first);
    let other = json!({"name": "a-name", "instanceProfileName": "q", "clientToken": "t"});
    assert_eq!(client.code("CreateInfrastructureConfiguration", other), "IdempotentParameterMismatchException");
    // Without a token every call is a new one.
    assert_eq!(client.infrastructure("a-name").unwrap_err().code, "ResourceAlreadyExistsException");
}

#[test]
fn a_dry_run_leaves_nothing_behind() {
    let mut client = Client::new();
    let before = (format!("{:?}", client.world.imagebuilder), client.world.next_due());
    let parent = "arn:aws:imagebuilder:us-east-1:aws:image/debian-12-x86/x.x.x";
    let mut input = json!({
        "name": "web", "semanticVersion": "1.0.0", "parentImage": parent, "clientToken": "t", "dryRun": true,
    });
    let error = client.call("CreateImageRecipe", input.clone()).unwrap_err();
    assert_eq!((error.code.as_str(), error.status), ("DryRunOperationException", 412));
    assert_eq!((format!("{:?}", client.world.imagebuilder), client.world.next_due()), before);
    assert!(client.world.journal.entries().is_empty());
    // What would have failed says why, and the token is still free.
    input["semanticVersion"] = "1.x.0".into();
    assert_eq!(client.code("CreateImageRecipe", input.clone()), "InvalidVersionNumberException");
    input["semanticVersion"] = "1.0.0".into();
    input["dryRun"] = false.into();
    client.ok("CreateImageRecipe", input);
    assert_eq!(client.world.journal.entries().len(), 1);
}

#[test]
fn a_document_in_s3_is_not_read_and_that_is_said() {
    let mut client = Client::new();
    let input = json!({"name": "abc", "semanticVersion": "1.0.0", "platform": "Linux", "uri": "s3://bucket/key"});
    let arn = client.ok("CreateComponent", input.clone())["componentBuildVersionArn"].clone();
    let component = client.ok("GetComponent", json!({"componentBuildVersionArn": arn}))["component"].clone();
    assert_eq!((&component["type"], component.get("data")), (&json!("BUILD"), None));
    let warnings = client.world.journal.entries().iter().filter(|entry| entry.kind == crate::journal::Kind::Warning);
    let warnings: Vec<_> = warnings.map(|entry| (entry.subject.as_str(), entry.detail.as_str())).collect();
    assert_eq!(
        warnings,
        [(
            "component abc",
            "its document s3://bucket/key isn't read locally without --s3 DIR, where DIR holds BUCKET/KEY"
        )]
    );
    let again = client.ok("CreateComponent", input);
    assert_eq!(again["componentBuildVersionArn"], format!("{BASE}:component/abc/1.0.0/2"));
}

#[test]
fn changed_content_makes_the_next_build_of_a_component() {
    let mut client = Client::new();
    let first = client.component("My_Agent", DOCUMENT).unwrap();
    assert_eq!(first["componentBuildVersionArn"], format!("{BASE}:component/my-agent/1.0.0/1"));
    assert_eq!(first["latestVersionReferences"]["latestMinorVersionArn"], format!("{BASE}:component/my-agent/1.0.x"));
    assert_eq!(client.component("My_Agent", DOCUMENT).unwrap_err().code, "ResourceAlreadyExistsException");
    let test = DOCUMENT.replace("build", "test");
    let second = client.component("My_Agent", &test).unwrap();
    assert_eq!(second["componentBuildVersionArn"], format!("{BASE}:component/my-agent/1.0.0/2"));
    for (reference, build) in [("x.x.x", "2"), ("1.0.0", "2"), ("1.0.0/1", "1")] {
        let arn = format!("{BASE}:component/my-agent/{reference}");
        let got = client.ok("GetComponent", json!({"componentBuildVersionArn": arn}));
        assert_eq!(got["component"]["arn"], format!("{BASE}:component/my-agent/1.0.0/{build}"), "{reference}");
        assert_eq!(got["component"]["name"], "My_Agent");
        assert_eq!(got["component"]["type"], if build == "1" { "BUILD" } else { "TEST" });
    }
    let listed = client.ok("ListComponents", json!({}));
    assert_eq!(listed["componentVersionList"].as_array().unwrap().len(), 1);
    assert_eq!(listed["componentVersionList"][0]["arn"], format!("{BASE}:component/my-agent/1.0.0"));
    let version = json!({"componentVersionArn": format!("{BASE}:component/my-agent/1.0.0")});
    let builds = client.ok("ListComponentBuildVersions", version);
    let arns: Vec<_> = builds["componentSummaryList"].as_array().unwrap().iter().map(|it| &it["arn"]).collect();
    assert_eq!(arns, [&second["componentBuildVersionArn"], &first["componentBuildVersionArn"]]);
    let unknown = json!({"componentVersionArn": format!("{BASE}:component/nothing/1.0.0")});
    assert_eq!(client.ok("ListComponentBuildVersions", unknown)["componentSummaryList"], json!([]));
    assert_eq!(client.component("broken", "phases: [").unwrap_err().code, "InvalidParameterValueException");
}

#[test]
fn a_wildcard_takes_the_next_version() {
    let mut client = Client::new();
    let mut made = |version: &str| match client.recipe("web", version) {
        Ok(answer) => answer["imageRecipeArn"].as_str().unwrap().rsplit_once('/').unwrap().1.to_owned(),
        Err(error) => error.code,
    };
    for (version, expected) in [
        ("1.0.x", "1.0.0"),
        ("1.0.x", "1.0.1"),
        ("1.0.1", "ResourceAlreadyExistsException"),
        ("1.2.0", "1.2.0"),
        ("1.0.x", "1.0.2"),
        ("1.x.x", "1.2.1"),
        ("3.x.x", "3.0.0"),
        ("x.x.x", "3.0.1"),
        ("x.0.0", "InvalidVersionNumberException"),
        ("1.0.1073741824", "InvalidVersionNumberException"),
        ("5.0.1073741823", "5.0.1073741823"),
        ("5.0.x", "InvalidVersionNumberException"),
    ] {
        assert_eq!(made(version), expected, "{version}");
    }
}

#[test]
fn references_of_a_recipe_are_checked() {
    let mut client = Client::new();
    client.component("agent", DOCUMENT).unwrap();
    client.recipe("base", "1.0.0").unwrap();
    let component = |arn: String| json!([{"componentArn": arn}]);
    let agent = format!("{BASE}:component/agent");
    let windows = "arn:aws:imagebuilder:us-east-1:aws:image/windows-server-2022-english-full-base-x86/x.x.x";
    let twice = json!([{"componentArn": format!("{agent}/1.0.0")}, {"componentArn": format!("{agent}/x.x.x")}]);
    for (number, (parent, components, expected)) in [
        (LINUX.to_owned(), component(format!("{agent}/1.0.0/1")), "Linux"),
        (windows.to_owned(), component(format!("{agent}/2.x.x")), "Windows"),
        (format!("{BASE}:image/base/x.x.x"), component(format!("{agent}/x.x.x")), "Linux"),
        (format!("{BASE}:image/base/1.0.0"), component(format!("{agent}/x.x.x")), "Linux"),
        (
            "ssm:/aws/service/ami-windows-latest/Windows_Server-2022-English-Full-Base".to_owned(),
            json!(null),
            "Windows",
        ),
        ("ami-0123456789abcdef0".to_owned(), json!(null), "Linux"),
        (LINUX.to_owned(), component(format!("{agent}/1.0.0/2")), "InvalidParameterValueException"),
        (LINUX.to_owned(), component(format!("{agent}/2.0.0")), "InvalidParameterValueException"),
        (LINUX.to_owned(), component(format!("{agent}/x.0.x")), "InvalidParameterValueException"),
        (LINUX.to_owned(), twice, "InvalidParameterValueException"),
        (format!("{BASE}:image/base/1.0.0/1"), json!(null), "InvalidParameterValueException"),
        (format!("{BASE}:image/base/2.0.0"), json!(null), "InvalidParameterValueException"),
        (LINUX.replace("us-east-1", "eu-west-1"), json!(null), "InvalidParameterValueException"),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("recipe {number}");
        let input = json!({"name": name, "semanticVersion": "1.0.0", "parentImage": parent, "components": components});
        let outcome = match client.call("CreateImageRecipe", input) {
            Ok(made) => client.ok("GetImageRecipe", json!({"imageRecipeArn": made["imageRecipeArn"]}))["imageRecipe"]["platform"]
                .as_str()
                .unwrap()
                .to_owned(),
            Err(error) => error.code,
        };
        assert_eq!(outcome, expected, "{parent}");
    }
}

#[test]
fn nothing_is_deleted_that_something_needs() {
    let mut client = Client::new();
    client.component("agent", DOCUMENT).unwrap();
    let agent = format!("{BASE}:component/agent");
    client.ok(
        "CreateContainerRecipe",
        json!({
            "name": "box", "containerType": "DOCKER", "semanticVersion": "1.0.0", "parentImage": "amazonlinux:latest",
            "components": [{"componentArn": format!("{agent}/x.x.x")}], "dockerfileTemplateData": "FROM x",
            "targetRepository": {"service": "ECR", "repositoryName": "box"},
        }),
    );
    client.pipeline();
    let steps = [
        ("DeleteComponent", "componentBuildVersionArn", "component/agent/1.0.0/1", Some("DeleteContainerRecipe")),
        ("DeleteImageRecipe", "imageRecipeArn", "image-recipe/web/1.0.0", Some("DeleteImagePipeline")),
        (
            "DeleteInfrastructureConfiguration",
            "infrastructureConfigurationArn",
            "infrastructure-configuration/web",
            None,
        ),
        ("DeleteDistributionConfiguration", "distributionConfigurationArn", "distribution-configuration/web", None),
    ];
    for (operation, member, arn, _) in steps {
        let arn = format!("{BASE}:{arn}");
        let error = client.call(operation, json!({member: arn})).unwrap_err();
        let message =
            format!("Resource dependency error: The resource ARN '{arn}' has other resources depended on it.");
        assert_eq!((error.code.as_str(), error.message), ("ResourceDependencyException", message));
    }
    client.ok("DeleteImagePipeline", json!({"imagePipelineArn": format!("{BASE}:image-pipeline/web")}));
    client.ok("DeleteContainerRecipe", json!({"containerRecipeArn": format!("{BASE}:container-recipe/box/1.0.0")}));
    for (operation, member, arn, _) in steps {
        let input = json!({member: format!("{BASE}:{arn}")});
        client.ok(operation, input.clone());
        assert_eq!(client.code(operation, input), "ResourceNotFoundException", "{operation}");
    }
    let managed = "arn:aws:imagebuilder:us-east-1:aws:component/update-linux/1.0.0/1";
    assert_eq!(client.code("DeleteComponent", json!({"componentBuildVersionArn": managed})), "ForbiddenException");
}

#[test]
fn a_pipeline_has_its_defaults_and_an_update_replaces_all() {
    let mut client = Client::new();
    client.pipeline();
    let get = json!({"imagePipelineArn": format!("{BASE}:image-pipeline/web")});
    let pipeline = client.ok("GetImagePipeline", get.clone())["imagePipeline"].clone();
    assert_eq!(
        pipeline,
        json!({
            "name": "Web",
            "imageRecipeArn": format!("{BASE}:image-recipe/web/x.x.x"),
            "infrastructureConfigurationArn": format!("{BASE}:infrastructure-configuration/web"),
            "distributionConfigurationArn": format!("{BASE}:distribution-configuration/web"),
            "tags": {},
            "dateCreated": "2026-03-02T06:00:00.000Z",
            "platform": "Linux",
            "imageTestsConfiguration": {"imageTestsEnabled": true, "timeoutMinutes": 720},
            "enhancedImageMetadataEnabled": true,
            "status": "ENABLED",
            "consecutiveFailures": 0,
            "dateUpdated": "2026-03-02T06:00:00.000Z",
            "arn": format!("{BASE}:image-pipeline/web"),
        })
    );
    client.world.now += TimeDelta::hours(1);
    let mut update = json!({
        "imagePipelineArn": format!("{BASE}:image-pipeline/web"),
        "imageRecipeArn": format!("{BASE}:image-recipe/web/1.0.0"),
        "infrastructureConfigurationArn": format!("{BASE}:infrastructure-configuration/web"),
        "status": "DISABLED",
    });
    client.ok("UpdateImagePipeline", update.clone());
    let updated = client.ok("GetImagePipeline", get.clone())["imagePipeline"].clone();
    assert_eq!(updated.get("distributionConfigurationArn"), None);
    assert_eq!((&updated["status"], &updated["name"]), (&json!("DISABLED"), &json!("Web")));
    assert_eq!(
        (&updated["dateCreated"], &updated["dateUpdated"]),
        (&json!("2026-03-02T06:00:00.000Z"), &json!("2026-03-02T07:00:00.000Z"))
    );
    update.as_object_mut().unwrap().remove("status");
    client.ok("UpdateImagePipeline", update.clone());
    assert_eq!(client.ok("GetImagePipeline", get)["imagePipeline"]["status"], "ENABLED");
}

#[test]
fn a_pipeline_that_makes_no_sense_is_refused() {
    let mut client = Client::new();
    client.pipeline();
    let valid = json!({
        "imagePipelineArn": format!("{BASE}:image-pipeline/web"),
        "imageRecipeArn": format!("{BASE}:image-recipe/web/1.0.0"),
        "infrastructureConfigurationArn": format!("{BASE}:infrastructure-configuration/web"),
    });
    client.ok("UpdateImagePipeline", valid.clone());
    let (request, value) = ("InvalidRequestException", "InvalidParameterValueException");
    let workflow = "arn:aws:imagebuilder:us-east-1:aws:workflow/build/build-image/x.x.x";
    for (change, expected) in [
        (json!({"imageRecipeArn": null}), request),
        (json!({"containerRecipeArn": format!("{BASE}:container-recipe/web/1.0.0")}), request),
        (json!({"imageRecipeArn": null, "containerRecipeArn": format!("{BASE}:container-recipe/web/1.0.0")}), request),
        (json!({"imageRecipeArn": format!("{BASE}:image-recipe/web/2.0.0")}), value),
        (json!({"infrastructureConfigurationArn": format!("{BASE}:infrastructure-configuration/db")}), value),
        (json!({"schedule": {"timezone": "Europe/Nowhere"}}), value),
        (json!({"schedule": {"scheduleExpression": "every day"}}), value),
        (json!({"workflows": [{"workflowArn": workflow}]}), request),
        (json!({"loggingConfiguration": {"imageLogGroupName": "mine"}}), request),
        (json!({"imagePipelineArn": format!("{BASE}:image-pipeline/db")}), "ResourceNotFoundException"),
    ] {
        let mut input = valid.clone();
        input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        assert_eq!(client.code("UpdateImagePipeline", input), expected, "{change}");
    }
}

#[test]
fn a_distribution_names_a_region_once_and_dates_its_amis() {
    let mut client = Client::new();
    let mut outcome = |distributions: Value| {
        let input = json!({"name": "out", "distributions": distributions, "dryRun": true});
        client.code("CreateDistributionConfiguration", input)
    };
    let named = |name: &str| json!([{"region": "us-east-1", "amiDistributionConfiguration": {"name": name}}]);
    assert_eq!(outcome(named("web {{ imagebuilder:buildDate }}")), "DryRunOperationException");
    assert_eq!(outcome(named("web")), "InvalidParameterValueException");
    let bare = json!({"region": "us-east-1", "amiDistributionConfiguration": {}});
    let twice = json!([bare, bare]);
    assert_eq!(outcome(twice), "InvalidParameterCombinationException");
}

#[test]
fn listings_are_filtered_and_paged() {
    let mut client = Client::new();
    for number in 0..30 {
        client.infrastructure(&format!("Config {number}")).unwrap();
    }
    let list = "ListInfrastructureConfigurations";
    let names = |answer: &Value| {
        let items = answer["infrastructureConfigurationSummaryList"].as_array().unwrap();
        items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let first = client.ok(list, json!({}));
    let rest = client.ok(list, json!({"nextToken": first["nextToken"]}));
    let expected: Vec<_> = (0..30).map(|number| format!("Config {number}")).collect();
    assert_eq!([names(&first), names(&rest)].concat(), expected);
    assert_eq!(rest.get("nextToken"), None);
    let filtered = client.ok(list, json!({"filters": [{"name": "name", "values": ["Config 2*"]}]}));
    assert_eq!(names(&filtered).len(), 11);
    let token = json!({"nextToken": first["nextToken"], "filters": [{"name": "name", "values": ["Config 2*"]}]});
    assert_eq!(client.code(list, token), "InvalidPaginationTokenException");
    assert_eq!(client.ok("ListImageRecipes", json!({"owner": "Shared"}))["imageRecipeSummaryList"], json!([]));
}

#[test]
fn components_are_listed_by_owner_and_by_name() {
    let mut client = Client::new();
    let arns = |answer: Value| {
        let items = answer["componentVersionList"].as_array().unwrap();
        items.iter().map(|item| item["arn"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let filters = json!([{"name": "name", "values": ["update-*"]}, {"name": "platform", "values": ["Windows"]}]);
    let base = "arn:aws:imagebuilder:us-east-1:aws:component/update-windows";
    let versions = client.ok("ListComponents", json!({"owner": "Amazon", "filters": filters}));
    assert_eq!(arns(versions), ["1.0.0", "1.0.1", "1.0.2"].map(|version| format!("{base}/{version}")));
    let names = client.ok("ListComponents", json!({"owner": "Amazon", "filters": filters, "byName": true}));
    assert_eq!(arns(names), [base]);
    assert_eq!(arns(client.ok("ListComponents", json!({"filters": filters}))), [""; 0]);
}

#[test]
fn other_accounts_and_regions_see_nothing() {
    let mut client = Client::new();
    client.infrastructure("mine").unwrap();
    let input = json!({"infrastructureConfigurationArn": format!("{BASE}:infrastructure-configuration/mine")});
    client.ok("GetInfrastructureConfiguration", input.clone());
    client.context.region = "eu-west-1".to_owned();
    assert_eq!(client.code("GetInfrastructureConfiguration", input.clone()), "ResourceNotFoundException");
    client.context.region = "us-east-1".to_owned();
    client.context.caller.account = "111122223333".to_owned();
    assert_eq!(client.code("GetInfrastructureConfiguration", input), "ResourceNotFoundException");
}

#[test]
fn tags_are_added_replaced_and_removed() {
    let mut client = Client::new();
    let arn = client.infrastructure("mine").unwrap()["infrastructureConfigurationArn"].clone();
    client.ok("TagResource", json!({"resourceArn": arn, "tags": {"a": "1", "b": "2"}}));
    client.ok("TagResource", json!({"resourceArn": arn, "tags": {"b": "3"}}));
    client.ok("UntagResource", json!({"resourceArn": arn, "tagKeys": ["a", "z"]}));
    assert_eq!(client.ok("ListTagsForResource", json!({"resourceArn": arn})), json!({"tags": {"b": "3"}}));
    let many: serde_json::Map<_, _> = (0..50).map(|n| (format!("k{n}"), json!("v"))).collect();
    assert_eq!(client.code("TagResource", json!({"resourceArn": arn, "tags": many})), "InvalidParameterException");
    let unknown = format!("{BASE}:image-pipeline/none");
    assert_eq!(client.code("ListTagsForResource", json!({"resourceArn": unknown})), "ResourceNotFoundException");
}

/// The managed builds of a name that came after a moment, one per Region.
fn released(world: &World, name: &str, after: Time) -> Vec<String> {
    let segment = format!(":aws:image/{name}/");
    let images = world.imagebuilder.all();
    let new = images.filter(|image| image.arn.contains(&segment) && image.created > after);
    new.map(|image| format!("{} {}", image.created, image.arn)).collect()
}

#[test]
fn the_same_seed_releases_the_same_images_as_time_goes_by() {
    let run = |seed: u64| {
        let start = Client::new().world.now;
        let mut world = World::new(Seed(seed), start);
        let until = start + TimeDelta::days(40);
        while world.step(until).is_some() {}
        let of = |name: &str| released(&world, name, start);
        (of("amazon-linux-2023-x86"), of("windows-server-2025-english-core-base-x86"))
    };
    let (linux, windows) = run(1);
    assert_eq!((&linux, &windows), (&run(1).0, &run(1).1));
    assert_ne!(linux, run(2).0);
    assert!((2..=3).contains(&(linux.len() / 17)) && linux.len() % 17 == 0, "{linux:#?}");
    assert_eq!(windows.iter().filter(|line| line.ends_with("/2026.3.11/1")).count(), 17, "{windows:#?}");
}

#[test]
fn the_journal_tells_of_the_releases_that_somebody_builds_on() {
    let mut client = Client::new();
    client.recipe("Mine", "1.0.0").unwrap();
    let until = client.world.now + TimeDelta::days(16);
    while client.world.step(until).is_some() {}
    let entries = client.world.journal.entries().iter().filter(|entry| entry.kind == journal::Kind::Released);
    let subjects: Vec<_> = entries.map(|entry| entry.subject.clone()).collect();
    assert!(!subjects.is_empty() && subjects.iter().all(|s| s.starts_with("amazon-linux-2023-x86 ")), "{subjects:?}");
}

#[test]
fn public_parameters_follow_the_releases() {
    let mut client = Client::new();
    let name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";
    let (before, version) = catalogue::public_parameter(&client.world, "eu-west-1", name).unwrap();
    let image = &client.world.ec2.images[&("eu-west-1".to_owned(), before.clone())];
    assert_eq!((image.owner.as_str(), image.architecture.as_str()), (crate::ec2::AMAZON_ACCOUNT, "x86_64"));
    assert_ne!(catalogue::public_parameter(&client.world, "us-east-1", name).unwrap().0, before);
    let until = client.world.now + TimeDelta::days(16);
    while client.world.step(until).is_some() {}
    let (after, later) = catalogue::public_parameter(&client.world, "eu-west-1", name).unwrap();
    assert_eq!(later, version + 1);
    assert_ne!(after, before);
    assert_eq!(catalogue::public_parameter(&client.world, "us-east-1", "/golden-images/web"), None);
}

#[test]
fn unknown_managed_names_are_made_once_with_one_warning() {
    let mut client = Client::new();
    let warnings = |client: &Client| {
        let entries = client.world.journal.entries().iter();
        entries
            .filter(|entry| entry.kind == journal::Kind::Warning)
            .map(|entry| entry.subject.clone())
            .collect::<Vec<_>>()
    };
    catalogue::ensure(&mut client.world, "image", "us-east-1", "red-hat-enterprise-linux-9-x86");
    catalogue::ensure(&mut client.world, "image", "eu-west-1", "red-hat-enterprise-linux-9-x86");
    catalogue::ensure(&mut client.world, "image", "us-east-1", "red-hat-enterprise-linux-9-x86");
    // In the catalogue, though not in this Region.
    catalogue::ensure(&mut client.world, "image", "af-south-1", "ubuntu-server-24-lts-x86");
    assert_eq!(warnings(&client), ["red-hat-enterprise-linux-9-x86"]);
    let pinned = "arn:aws:imagebuilder:us-east-1:aws:component/update-linux/1.5.0/1";
    client.ok("GetComponent", json!({"componentBuildVersionArn": pinned}));
    client.ok("GetComponent", json!({"componentBuildVersionArn": pinned}));
    let unknown = pinned.replace("update-linux", "nginx-linux");
    client.ok("GetComponent", json!({"componentBuildVersionArn": unknown}));
    assert_eq!(warnings(&client)[1..], ["update-linux 1.5.0/1", "nginx-linux"]);
    // New names get new versions as the others do.
    let start = client.world.now;
    let until = start + TimeDelta::days(16);
    while client.world.step(until).is_some() {}
    let regions = |name: &str| {
        let new = released(&client.world, name, start);
        new.iter().filter_map(|line| line.split(':').nth(5).map(str::to_owned)).collect::<BTreeSet<_>>().len()
    };
    assert_eq!(regions("red-hat-enterprise-linux-9-x86"), 2);
    assert_eq!(regions("ubuntu-server-24-lts-x86"), 18);
}

#[test]
fn managed_resources_have_the_form_of_the_api() {
    let client = Client::new();
    for resource in client.world.imagebuilder.all().filter(|resource| resource.region == "us-east-1") {
        let shape = if resource.kind == super::store::Kind::Image { "Image" } else { "Component" };
        let document = resource.document.to_value();
        assert_eq!(model::projected(shape, &document), document);
    }
}
