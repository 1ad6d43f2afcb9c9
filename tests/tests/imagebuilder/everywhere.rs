//! What holds for every operation, read off the service model and sent as bytes.

use crate::executions::{WAITS, failing, with_workflow};
use crate::fixtures::{component, infrastructure, pipeline, recipe};
use crate::harness::{Bench, arn, on_both};
use crate::model::{operation, operations};
use crate::raw::{Connection, SIGNED, encoded};
use aws_sdk_imagebuilder::primitives::DateTime;
use aws_sdk_imagebuilder::types::{Platform, ResourceState, ResourceStateUpdateIncludeResources, ResourceStatus};
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[tokio::test]
async fn an_empty_input_is_refused_for_its_first_required_member() {
    on_both(async |bench| {
        let mut connection = Connection::open(bench).await;
        for operation in operations() {
            let mut input = json!({});
            if operation.about["uri"].as_str().unwrap().contains("{resourceArn}") {
                input["resourceArn"] = arn("image-pipeline/none").into();
            }
            let answer = operation.send(&mut connection, &input).await;
            match operation.required().first() {
                Some(first) => {
                    assert_eq!(answer.status, 400, "{}: {answer:?}", operation.name);
                    assert!(operation.models(answer.code()), "{}: {answer:?}", operation.name);
                    let expected = format!("'{first}' is not valid. It is required.");
                    assert!(answer.message().contains(&expected), "{}: {answer:?}", operation.name);
                }
                None => assert!(![400, 500].contains(&answer.status), "{}: {answer:?}", operation.name),
            }
        }
    })
    .await;
}

#[tokio::test]
async fn the_least_valid_input_passes_the_model() {
    on_both(async |bench| {
        let mut connection = Connection::open(bench).await;
        for operation in operations() {
            let answer = operation.send(&mut connection, &operation.minimal()).await;
            assert_ne!(answer.status, 500, "{}: {answer:?}", operation.name);
            let checked = ["It is required.", "Expected a ", "Expected one of "];
            let refused = answer.status == 400 && checked.iter().any(|words| answer.message().contains(words));
            assert!(!refused, "{}: {answer:?}", operation.name);
            assert_eq!(answer.header("x-amzn-requestid").map(str::len), Some(36), "{}", operation.name);
            if answer.status == 200 {
                let told = answer.json().get("requestId").is_some();
                assert_eq!(told, operation.answers("requestId"), "{}: {answer:?}", operation.name);
            } else {
                assert!(!answer.code().is_empty(), "{}: {answer:?}", operation.name);
                assert_eq!(answer.json().as_object().unwrap().len(), 1, "{}: {answer:?}", operation.name);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn every_text_out_of_its_bounds_is_refused_by_its_path() {
    on_both(async |bench| {
        let mut connection = Connection::open(bench).await;
        let mut count = 0;
        for operation in operations() {
            for bad in operation.bad_inputs() {
                let answer = operation.send(&mut connection, &bad.input).await;
                let what = format!("{} {} {}: {:.300}", operation.name, bad.path, bad.why, format!("{answer:?}"));
                assert_eq!(answer.status, 400, "{what}");
                assert!(answer.message().contains(&format!("'{}'", bad.path)), "{what}");
                count += 1;
            }
        }
        assert!(count > 700, "{count}");
    })
    .await;
}

#[tokio::test]
async fn every_operation_refuses_something() {
    on_both(async |bench| {
        let mut connection = Connection::open(bench).await;
        let mut refused = BTreeSet::new();
        for operation in operations() {
            let mut input = operation.minimal();
            if operation.answers("nextToken") {
                input["nextToken"] = "x".into();
            } else if let Some(bad) = operation.bad_inputs().pop() {
                input = bad.input;
            }
            let answer = operation.send(&mut connection, &input).await;
            assert_eq!(answer.status, 400, "{}: {answer:?}", operation.name);
            assert!(answer.code().ends_with("Exception"), "{}: {answer:?}", operation.name);
            refused.insert(operation.name);
        }
        assert_eq!(refused.len(), 77);
    })
    .await;
}

#[tokio::test]
async fn a_token_that_is_none_is_refused_by_every_listing() {
    on_both(async |bench| {
        let mut connection = Connection::open(bench).await;
        let mut count = 0;
        for operation in operations().filter(|operation| operation.answers("nextToken")) {
            for token in ["x", "2", "bm90aGluZw"] {
                let mut input = operation.minimal();
                input["nextToken"] = token.into();
                let answer = operation.send(&mut connection, &input).await;
                assert_eq!(
                    (answer.status, answer.code()),
                    (400, "InvalidPaginationTokenException"),
                    "{}",
                    operation.name
                );
            }
            count += 1;
        }
        assert_eq!(count, 21);
    })
    .await;
}

#[tokio::test]
async fn a_page_goes_on_where_it_was_whatever_is_made_meanwhile() {
    on_both(async |bench| {
        let mut connection = Connection::open(bench).await;
        for name in ["b", "d", "f"] {
            infrastructure(bench, &name.repeat(3)).await;
            component(bench, &name.repeat(3), "1.0.0").await;
        }
        for (listing, list) in [
            ("ListInfrastructureConfigurations", "infrastructureConfigurationSummaryList"),
            ("ListComponents", "componentVersionList"),
        ] {
            let names = |answer: &Value| -> Vec<String> {
                answer[list].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect()
            };
            let listing = operation(listing);
            let first = listing.send(&mut connection, &json!({"maxResults": 2})).await.json();
            let token = first["nextToken"].as_str().unwrap();
            assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{token}");
            infrastructure(bench, &format!("aaa-{}", listing.name)).await;
            component(bench, &format!("aaa-{}", listing.name), "1.0.0").await;
            let mut seen = names(&first);
            let next = json!({"maxResults": 2, "nextToken": token});
            seen.extend(names(&listing.send(&mut connection, &next).await.json()));
            for name in ["bbb", "ddd", "fff"] {
                assert_eq!(seen.iter().filter(|it| *it == name).count(), 1, "{}: {seen:?}", listing.name);
            }
            let mut other = next.clone();
            other["filters"] = json!([{"name": "name", "values": ["bbb"]}]);
            assert_eq!(listing.send(&mut connection, &other).await.code(), "InvalidPaginationTokenException");
        }
    })
    .await;
}

#[tokio::test]
async fn a_filter_that_a_listing_does_not_have_is_refused() {
    on_both(async |bench| {
        let mut connection = Connection::open(bench).await;
        let mut count = 0;
        for operation in operations().filter(|operation| operation.takes("filters", "FilterList")) {
            for name in ["nothing", "Name", "state"] {
                let mut input = operation.minimal();
                input["filters"] = json!([{"name": name, "values": ["x"]}]);
                let answer = operation.send(&mut connection, &input).await;
                assert_eq!(
                    (answer.status, answer.code()),
                    (400, "InvalidParameterValueException"),
                    "{}",
                    operation.name
                );
                assert!(answer.message().contains("'filters[0].name'"), "{answer:?}");
            }
            count += 1;
        }
        assert_eq!(count, 11);
    })
    .await;
}

/// Calls that succeed, each with a member that can have another value.
async fn valid_calls(bench: &Bench) -> Vec<(&'static str, Value, &'static str, Value)> {
    let mut calls = calls_on_executions(bench).await;
    calls.extend(calls_on_resources(bench).await);
    calls
}

/// Those that import and distribute images, or go on with what is under way.
async fn calls_on_executions(bench: &Bench) -> Vec<(&'static str, Value, &'static str, Value)> {
    let waiting = with_workflow(bench, "waits", WAITS).await;
    let failed = failing(bench, "test").await;
    bench.pass(TimeDelta::hours(2)).await;
    let steps = bench.builder.list_waiting_workflow_steps().send().await.unwrap();
    let step = steps.steps()[0].step_execution_id().unwrap();
    let (vm, role) = ("import-ami-1234567890abcdef0", "arn:aws:iam::123456789012:role/lifecycle");
    let import = bench.builder.import_vm_image().name("machine").semantic_version("1.0.0").platform(Platform::Linux);
    let machine = import.vm_import_task_id(vm).send().await.unwrap().image_arn.unwrap();
    bench.ended(&machine).await;
    let import = bench.builder.import_vm_image().name("legacy").semantic_version("1.0.0").platform(Platform::Linux);
    let legacy = import.vm_import_task_id("import-ami-1234567890abcdef1").send().await.unwrap().image_arn.unwrap();
    bench.ended(&legacy).await;
    let later = bench.local.world().now + TimeDelta::days(300);
    let update = bench.builder.start_resource_state_update().resource_arn(&legacy).execution_role(role);
    let update = update.state(ResourceState::builder().status(ResourceStatus::Deprecated).build());
    let update = update.include_resources(ResourceStateUpdateIncludeResources::builder().amis(true).build());
    let started = update.update_at(DateTime::from_secs(later.timestamp())).send().await.unwrap();
    let mut connection = Connection::open(bench).await;
    let near =
        json!([{"region": "us-east-1", "amiDistributionConfiguration": {"name": "near {{ imagebuilder:buildDate }}"}}]);
    let distribution = operation("CreateDistributionConfiguration");
    let distribution = distribution.send(&mut connection, &json!({"name": "near", "distributions": near})).await.json();
    let infrastructure = infrastructure(bench, "importers").await;
    let detail = json!([{"action": {"type": "DELETE"}, "filter": {"type": "AGE", "value": 6, "unit": "MONTHS"}}]);
    let policy = json!({
        "executionRole": role, "resourceType": "AMI_IMAGE", "policyDetails": detail,
        "resourceSelection": {"recipes": [{"name": "web", "semanticVersion": "1.0.0"}]},
    });
    let mut first = policy.clone();
    first["name"] = "first".into();
    let made = operation("CreateLifecyclePolicy").send(&mut connection, &first).await.json();
    let mut updated = policy;
    updated["lifecyclePolicyArn"] = made["lifecyclePolicyArn"].clone();
    vec![
        (
            "ImportComponent",
            json!({
                "name": "script", "semanticVersion": "1.0.0", "type": "BUILD", "format": "SHELL", "platform": "Linux",
                "data": "#!/bin/sh\ntrue\n",
            }),
            "description",
            json!("x"),
        ),
        (
            "ImportVmImage",
            json!({"name": "own", "semanticVersion": "1.0.0", "platform": "Linux", "vmImportTaskId": vm}),
            "description",
            json!("x"),
        ),
        (
            "ImportDiskImage",
            json!({
                "name": "disk", "semanticVersion": "1.0.0", "platform": "Windows", "osVersion": "Microsoft Windows 11",
                "infrastructureConfigurationArn": infrastructure, "uri": "s3://disks/11.iso",
            }),
            "description",
            json!("x"),
        ),
        (
            "DistributeImage",
            json!({
                "sourceImage": machine, "distributionConfigurationArn": distribution["distributionConfigurationArn"], "executionRole": "distributor",
            }),
            "tags",
            json!({"a": "b"}),
        ),
        (
            "RetryImage",
            json!({"imageBuildVersionArn": failed}),
            "imageBuildVersionArn",
            json!(arn("image/web/1.0.0/9")),
        ),
        (
            "SendWorkflowStepAction",
            json!({"stepExecutionId": step, "imageBuildVersionArn": waiting, "action": "RESUME"}),
            "action",
            json!("STOP"),
        ),
        (
            "StartResourceStateUpdate",
            json!({
                "resourceArn": machine, "state": {"status": "DISABLED"}, "executionRole": role,
                "includeResources": {"amis": true},
            }),
            "state",
            json!({"status": "DEPRECATED"}),
        ),
        (
            "CancelLifecycleExecution",
            json!({"lifecycleExecutionId": started.lifecycle_execution_id}),
            "lifecycleExecutionId",
            json!("lce-00000000-0000-4000-8000-000000000000"),
        ),
        ("UpdateLifecyclePolicy", updated, "description", json!("x")),
    ]
}

/// Those that create and change resources, and start and cancel builds.
async fn calls_on_resources(bench: &Bench) -> Vec<(&'static str, Value, &'static str, Value)> {
    let pipeline = pipeline(bench).await;
    let (agent, builders) = (component(bench, "tool", "1.0.0").await, infrastructure(bench, "shared").await);
    let recipe = recipe(bench, "shared", "1.0.0", &agent).await;
    let parent = crate::fixtures::AMAZON_LINUX;
    let name = json!({"name": "own {{ imagebuilder:buildDate }}"});
    let region = json!([{"region": "us-east-1", "amiDistributionConfiguration": name}]);
    let document = crate::fixtures::DOCUMENT;
    let started = crate::fixtures::start(bench, &pipeline).await;
    let profile = "EC2InstanceProfileForImageBuilder";
    let workflow = "name: w\nschemaVersion: 1.0\nsteps:\n  - name: LaunchBuildInstance\n    action: LaunchInstance\n    \
                    inputs:\n      waitFor: ssmAgent\n";
    let detail = json!([{"action": {"type": "DELETE"}, "filter": {"type": "AGE", "value": 6, "unit": "MONTHS"}}]);
    let selection = json!({"recipes": [{"name": "web", "semanticVersion": "1.0.0"}]});
    vec![
        (
            "CreateComponent",
            json!({"name": "own", "semanticVersion": "1.0.0", "platform": "Linux", "data": document}),
            "description",
            json!("other"),
        ),
        (
            "CreateInfrastructureConfiguration",
            json!({"name": "own", "instanceProfileName": profile}),
            "instanceProfileName",
            json!("other"),
        ),
        ("CreateDistributionConfiguration", json!({"name": "own", "distributions": region}), "description", json!("x")),
        (
            "CreateImageRecipe",
            json!({"name": "own", "semanticVersion": "1.0.0", "parentImage": parent}),
            "semanticVersion",
            json!("1.0.1"),
        ),
        (
            "CreateContainerRecipe",
            json!({
                "name": "own", "semanticVersion": "1.0.0", "containerType": "DOCKER",
                "parentImage": "amazonlinux:latest", "platformOverride": "Linux",
                "components": [{"componentArn": agent}],
                "dockerfileTemplateData": "FROM {{{ imagebuilder:parentImage }}}\n{{{ imagebuilder:environments }}}\n\
                                           {{{ imagebuilder:components }}}\n",
                "targetRepository": {"service": "ECR", "repositoryName": "own"},
            }),
            "semanticVersion",
            json!("1.0.1"),
        ),
        (
            "CreateImagePipeline",
            json!({"name": "own", "imageRecipeArn": recipe, "infrastructureConfigurationArn": builders}),
            "description",
            json!("x"),
        ),
        (
            "CreateWorkflow",
            json!({"name": "own", "semanticVersion": "1.0.0", "type": "BUILD", "data": workflow}),
            "description",
            json!("x"),
        ),
        (
            "CreateLifecyclePolicy",
            json!({
                "name": "own", "executionRole": "arn:aws:iam::123456789012:role/lifecycle",
                "resourceType": "AMI_IMAGE", "policyDetails": detail, "resourceSelection": selection,
            }),
            "description",
            json!("x"),
        ),
        (
            "CreateImage",
            json!({"imageRecipeArn": recipe, "infrastructureConfigurationArn": builders}),
            "enhancedImageMetadataEnabled",
            json!(false),
        ),
        ("StartImagePipelineExecution", json!({"imagePipelineArn": pipeline}), "tags", json!({"a": "b"})),
        (
            "UpdateImagePipeline",
            json!({"imagePipelineArn": pipeline, "imageRecipeArn": recipe, "infrastructureConfigurationArn": builders}),
            "description",
            json!("x"),
        ),
        (
            "UpdateInfrastructureConfiguration",
            json!({"infrastructureConfigurationArn": builders, "instanceProfileName": profile}),
            "description",
            json!("x"),
        ),
        (
            "UpdateDistributionConfiguration",
            json!({
                "distributionConfigurationArn": arn("distribution-configuration/own"), "distributions": region,
            }),
            "description",
            json!("x"),
        ),
        (
            "CancelImageCreation",
            json!({"imageBuildVersionArn": started}),
            "imageBuildVersionArn",
            json!(arn("image/web/1.0.0/9")),
        ),
    ]
}

#[tokio::test]
async fn a_repeated_token_gets_the_first_answer_and_other_parameters_are_refused() {
    on_both(async |bench| {
        let mut connection = Connection::open(bench).await;
        let mut names = BTreeSet::new();
        for (name, input, member, other) in valid_calls(bench).await {
            let operation = operation(name);
            let mut input = input;
            input["clientToken"] = format!("token-{name}").into();
            let first = operation.send(&mut connection, &input).await;
            assert_eq!(first.status, 200, "{name}: {first:?}");
            let without_id = |mut answer: Value| {
                answer.as_object_mut().unwrap().remove("requestId");
                answer
            };
            let again = operation.send(&mut connection, &input).await;
            assert_eq!(without_id(first.json()), without_id(again.json()), "{name}");
            assert_ne!(first.header("x-amzn-requestid"), again.header("x-amzn-requestid"));
            input[member] = other;
            let mismatch = operation.send(&mut connection, &input).await;
            let expected = (400, "IdempotentParameterMismatchException");
            assert_eq!((mismatch.status, mismatch.code()), expected, "{name}: {mismatch:?}");
            names.insert(name);
        }
        let all = operations().filter(|operation| operation.takes("clientToken", "ClientToken"));
        assert_eq!(names, all.map(|operation| operation.name).collect());
    })
    .await;
}

#[tokio::test]
async fn a_dry_run_says_what_would_have_been_and_leaves_nothing() {
    on_both(async |bench| {
        let mut connection = Connection::open(bench).await;
        let mut count = 0;
        for (name, mut input, ..) in valid_calls(bench).await {
            let operation = operation(name);
            if !operation.takes("dryRun", "Boolean") {
                continue;
            }
            input["clientToken"] = "dry".into();
            input["dryRun"] = true.into();
            let seen = || {
                let world = bench.local.world();
                (world.imagebuilder.all().count(), world.next_due())
            };
            let before = seen();
            let dry = operation.send(&mut connection, &input).await;
            assert_eq!((dry.status, dry.code()), (412, "DryRunOperationException"), "{name}: {dry:?}");
            assert_eq!(seen(), before, "{name}");
            input.as_object_mut().unwrap().remove("dryRun");
            let wet = operation.send(&mut connection, &input).await;
            assert_eq!(wet.status, 200, "{name}: a dry run uses no token up: {wet:?}");
            input["clientToken"] = "dry again".into();
            input["dryRun"] = true.into();
            input["name"] = "\u{0}".into();
            let refused = operation.send(&mut connection, &input).await;
            assert_eq!(refused.status, 400, "{name}: {refused:?}");
            count += 1;
        }
        assert_eq!(count, 8);
    })
    .await;
}

#[tokio::test]
async fn what_is_no_operation_or_no_json_is_refused_as_the_protocol_says() {
    on_both(async |bench| {
        let mut connection = Connection::open(bench).await;
        for (method, target, body, status, code) in [
            ("POST", "/GetImage", "{}", 404, "UnknownOperationException"),
            ("GET", "/getimage", "", 404, "UnknownOperationException"),
            ("GET", "/GetImage/", "", 404, "UnknownOperationException"),
            ("GET", "/", "", 404, "UnknownOperationException"),
            ("HEAD", "/GetImage", "", 404, "UnknownOperationException"),
            ("OPTIONS", "/ListImages", "", 404, "UnknownOperationException"),
            ("PATCH", "/tags/x", "{}", 404, "UnknownOperationException"),
            ("POST", "/ListImages", "{", 400, "SerializationException"),
            ("POST", "/ListImages", "[]", 400, "SerializationException"),
            ("POST", "/ListImages", "{\"owner\": \"Self\"} x", 400, "SerializationException"),
            ("POST", "/ListImages", "", 200, ""),
            ("POST", "/ListImages", "{\"unknown\": {\"a\": [1]}, \"owner\": null}", 200, ""),
        ] {
            let answer = connection.ask(method, target, body).await;
            assert_eq!((answer.status, answer.code()), (status, code), "{method} {target} {body}");
            assert_eq!(answer.header("content-type"), Some("application/json"), "{method} {target}");
            assert_eq!(answer.header("x-amzn-requestid").map(str::len), Some(36));
        }
        let nested = format!("{{\"filters\": {}", "[".repeat(100_000));
        assert_eq!(connection.ask("POST", "/ListImages", &nested).await.code(), "SerializationException");

        let form = format!("authorization: {SIGNED}\r\ncontent-type: application/x-www-form-urlencoded\r\n");
        let answer = connection.exchange("POST", "/ListImages", &form, "owner=Self").await;
        assert_eq!((answer.status, answer.code()), (415, "UnsupportedMediaTypeException"));
        for kind in ["application/json; charset=utf-8", "Application/JSON", "application/x-amz-json-1.1"] {
            let head = format!("authorization: {SIGNED}\r\ncontent-type: {kind}\r\n");
            assert_eq!(connection.exchange("POST", "/ListImages", &head, "{}").await.status, 200, "{kind}");
        }
        let unsigned = connection.exchange("POST", "/ListImages", "", "{}").await;
        assert_eq!((unsigned.status, unsigned.code()), (403, "MissingAuthenticationTokenException"));
    })
    .await;
}

#[tokio::test]
async fn arns_and_tags_survive_their_way_through_paths_and_query_strings() {
    on_both(async |bench| {
        let mut connection = Connection::open(bench).await;
        let made = infrastructure(bench, "builders").await;
        let tags = format!("/tags/{}", encoded(&made));
        let body = json!({"tags": {"a": "1", "b c": "ü+%&=", "d/e:f": ""}}).to_string();
        let tagged = connection.ask("POST", &tags, &body).await;
        assert_eq!((tagged.status, tagged.body.as_str()), (200, "{}"));
        let listed = connection.ask("GET", &tags, "").await.json();
        assert_eq!(listed, json!({"tags": {"a": "1", "b c": "ü+%&=", "d/e:f": ""}}));
        let target = format!("{tags}?tagKeys=a&tagKeys=b%20c&tagKeys=none");
        assert_eq!(connection.ask("DELETE", &target, "").await.status, 200);
        assert_eq!(connection.ask("GET", &tags, "").await.json(), json!({"tags": {"d/e:f": ""}}));
        assert_eq!(connection.ask("DELETE", &format!("{tags}?tagKeys=d%2Fe%3Af"), "").await.status, 200);
        assert_eq!(connection.ask("GET", &tags, "").await.json()["tags"], json!({}));
        // Only the colons may stand as they are: a slash would be another path.
        let bare = made.replace('/', "%2F");
        assert_eq!(connection.ask("GET", &format!("/tags/{bare}"), "").await.status, 200);
        assert_eq!(connection.ask("GET", &format!("/tags/{made}"), "").await.code(), "UnknownOperationException");
        let target = format!("/GetInfrastructureConfiguration?infrastructureConfigurationArn={}", encoded(&made));
        let got = connection.ask("GET", &target, "").await.json();
        assert_eq!(got["infrastructureConfiguration"]["arn"], made);
    })
    .await;
}

#[tokio::test]
async fn a_body_may_come_in_chunks_or_be_announced_but_not_be_endless() {
    on_both(async |bench| {
        let mut connection = Connection::open(bench).await;
        let head = format!("POST /ListImages HTTP/1.1\r\nhost: local\r\nauthorization: {SIGNED}\r\n");
        connection
            .send(
                format!("{head}transfer-encoding: chunked\r\n\r\n8\r\n{{\"owner\"\r\n8\r\n:\"Self\"}}\r\n0\r\n\r\n")
                    .as_bytes(),
            )
            .await;
        assert_eq!(connection.read(false).await.json()["imageVersionList"], json!([]));
        // As curl and botocore do with larger bodies.
        connection.send(format!("{head}content-length: 2\r\nexpect: 100-continue\r\n\r\n").as_bytes()).await;
        assert_eq!(connection.read_head().await.0, 100);
        connection.send(b"{}").await;
        assert_eq!(connection.read(false).await.status, 200);
        let most = "a".repeat(10 * 1024 * 1024 - 20);
        let large = connection.ask("POST", "/ListImages", &format!("{{\"x\": \"{most}\"}}")).await;
        assert_eq!(large.status, 200);
        connection.send(format!("{head}content-length: 10485761\r\n\r\n").as_bytes()).await;
        let refused = connection.read(false).await;
        assert_eq!((refused.status, refused.code()), (413, "RequestEntityTooLargeException"));
    })
    .await;
}
