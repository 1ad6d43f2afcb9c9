//! Workflows and their executions.

use crate::fixtures::{component, infrastructure, recipe};
use crate::harness::{Bench, arn, code, on_both};
use aws_sdk_imagebuilder::error::ProvideErrorMetadata;
use aws_sdk_imagebuilder::types::{Filter, Ownership, WorkflowConfiguration, WorkflowType};
use goldsmith_local::{journal, s3};

/// A workflow's document with one step, which waits, and a parameter.
const WAITING: &str = "schemaVersion: 1.0
parameters:
  - name: topic
    type: string
    default: builds
steps:
  - name: Approve
    action: WaitForAction
";

const AMAZON: &str = "arn:aws:imagebuilder:us-east-1:aws:workflow";

/// Makes a build of a test workflow; the answer is its ARN.
async fn workflow(bench: &Bench, name: &str, version: &str, data: &str) -> String {
    let create = bench.builder.create_workflow().name(name).semantic_version(version);
    let made = create.r#type(WorkflowType::Test).data(data).send().await.unwrap();
    made.workflow_build_version_arn.unwrap()
}

/// The ARN that GetWorkflow gives for another one.
async fn newest(bench: &Bench, arn: &str) -> String {
    let answer = bench.builder.get_workflow().workflow_build_version_arn(arn).send().await.unwrap();
    answer.workflow.unwrap().arn.unwrap()
}

fn filter(name: &str, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build()
}

#[tokio::test]
async fn changed_content_is_the_next_build_and_the_same_is_refused() {
    on_both(async |bench| {
        let made = bench.builder.create_workflow().name("My Flow").semantic_version("1.2.0");
        let made = made.r#type(WorkflowType::Test).data(WAITING).description("asks").tags("team", "edge");
        let answer = made.clone().client_token("first").send().await.unwrap();
        let first = arn("workflow/test/my-flow/1.2.0/1");
        assert_eq!(answer.workflow_build_version_arn(), Some(first.as_str()));
        assert_eq!(answer.client_token(), Some("first"));
        let references = answer.latest_version_references().unwrap();
        assert_eq!(references.latest_version_arn().unwrap(), arn("workflow/test/my-flow/x.x.x"));
        assert_eq!(references.latest_minor_version_arn().unwrap(), arn("workflow/test/my-flow/1.2.x"));
        let again = made.clone().client_token("first").send().await.unwrap();
        assert_eq!(again.workflow_build_version_arn(), Some(first.as_str()));
        assert_eq!(code(made.clone().send().await), "ResourceAlreadyExistsException");
        let tried = made.clone().description("asks again").dry_run(true).send().await;
        assert_eq!(code(tried), "DryRunOperationException");
        let changed = made.description("asks again").send().await.unwrap();
        assert_eq!(changed.workflow_build_version_arn.unwrap(), arn("workflow/test/my-flow/1.2.0/2"));
        // Types have names of their own.
        let other = bench.builder.create_workflow().name("my flow").semantic_version("1.2.0");
        let other = other.r#type(WorkflowType::Build).data(WAITING).send().await.unwrap();
        assert_eq!(other.workflow_build_version_arn.unwrap(), arn("workflow/build/my-flow/1.2.0/1"));

        let found = bench.builder.get_workflow().workflow_build_version_arn(&first).send().await.unwrap();
        let found = found.workflow.unwrap();
        assert_eq!((found.name(), found.version()), (Some("My Flow"), Some("1.2.0")));
        assert_eq!((found.owner(), found.data()), (Some("123456789012"), Some(WAITING)));
        assert_eq!((found.r#type(), found.description()), (Some(&WorkflowType::Test), Some("asks")));
        assert_eq!(found.tags().unwrap()["team"], "edge");
        let [parameter] = found.parameters() else { panic!("one parameter") };
        assert_eq!((parameter.name(), parameter.r#type()), ("topic", "string"));
        assert_eq!(parameter.default_value(), ["builds"]);
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_with_a_workflow_is_refused() {
    on_both(async |bench| {
        let make = || bench.builder.create_workflow().name("flow").semantic_version("1.0.0");
        let make = || make().r#type(WorkflowType::Build);
        let scan = "schemaVersion: 1.0\nsteps:\n  - name: Scan\n    action: CollectImageScanFindings\n    \
                    inputs: {instanceId: i-1}\n";
        let refused = make().data(scan).send().await.unwrap_err();
        assert_eq!(refused.code(), Some("InvalidParameterValueException"));
        let said = refused.message().unwrap();
        assert!(said.contains("'data'") && said.contains("Line 3: The step \"Scan\" has the action"), "{said}");
        for (refused, expected) in [
            (make(), "InvalidParameterCombinationException"),
            (make().data(WAITING).uri("s3://bucket/flow.yaml"), "InvalidParameterCombinationException"),
            (make().uri("flow.yaml"), "InvalidParameterValueException"),
            (make().data(WAITING).semantic_version("1.0.x"), "InvalidParameterValueException"),
            (make().data(WAITING).semantic_version("1.0.1073741824"), "InvalidVersionNumberException"),
            (make().data("x".repeat(16_001)), "InvalidParameterValueException"),
        ] {
            assert_eq!(code(refused.send().await), expected);
        }
        let none = bench.builder.list_workflows().send().await.unwrap();
        assert!(none.workflow_version_list().is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_arn_with_wildcards_gives_the_newest_build() {
    on_both(async |bench| {
        let oldest = workflow(bench, "flow", "1.9.0", WAITING).await;
        let newer = workflow(bench, "flow", "1.10.0", WAITING).await;
        let rebuilt = workflow(bench, "flow", "1.9.0", &WAITING.replace("Approve", "Confirm")).await;
        for (asked, expected) in [
            (arn("workflow/test/flow/x.x.x"), &newer),
            (arn("workflow/test/flow/1.x.x"), &newer),
            (arn("workflow/test/flow/1.9.x"), &rebuilt),
            (arn("workflow/test/flow/1.9.0"), &rebuilt),
            (oldest.clone(), &oldest),
        ] {
            assert_eq!(newest(bench, &asked).await, *expected, "{asked}");
        }
        for absent in ["workflow/test/flow/2.x.x", "workflow/build/flow/x.x.x", "workflow/test/flow/1.9.0/3"] {
            let refused = bench.builder.get_workflow().workflow_build_version_arn(arn(absent)).send().await;
            assert_eq!(code(refused), "ResourceNotFoundException", "{absent}");
        }
        let malformed =
            bench.builder.get_workflow().workflow_build_version_arn(arn("workflow/flow/1.9.0")).send().await;
        assert_eq!(code(malformed), "InvalidParameterValueException");
    })
    .await;
}

#[tokio::test]
async fn amazon_has_workflows_in_every_region() {
    on_both(async |bench| {
        let asked = format!("{AMAZON}/build/build-image/x.x.x");
        let answer = bench.builder.get_workflow().workflow_build_version_arn(&asked).send().await.unwrap();
        let references = answer.latest_version_references().unwrap();
        assert_eq!(references.latest_version_arn(), Some(asked.as_str()));
        assert_eq!((references.latest_major_version_arn(), references.latest_patch_version_arn()), (None, None));
        let found = answer.workflow().unwrap();
        assert_eq!(found.owner(), Some("Amazon"));
        assert!(found.data().unwrap().contains("action: CreateImage"));

        let listed = bench.builder.list_workflows().owner(Ownership::Amazon);
        let names = listed.clone().by_name(true).send().await.unwrap();
        let names: Vec<_> = names.workflow_version_list().iter().map(|it| it.name().unwrap()).collect();
        let expected = [
            "build-container",
            "build-image-with-update-ssm-agent",
            "build-image",
            "distribute-container",
            "distribute-image",
            "test-container",
            "test-image",
        ];
        assert_eq!(names, expected);
        let tests = listed.clone().filters(filter("name", "test-image")).send().await.unwrap();
        let tests: Vec<_> = tests.workflow_version_list().iter().map(|it| it.arn().unwrap().to_owned()).collect();
        let expected: Vec<_> = (0..4).map(|patch| format!("{AMAZON}/test/test-image/1.0.{patch}")).collect();
        assert_eq!(tests, expected);
        let builds = bench.builder.list_workflow_build_versions().workflow_version_arn(&tests[1]).send().await.unwrap();
        let [build] = builds.workflow_summary_list() else { panic!("one build") };
        assert_eq!(build.arn().unwrap(), format!("{}/1", tests[1]));
        let elsewhere =
            bench.call("imagebuilder", "eu-west-1", "ListWorkflows", serde_json::json!({"owner": "Amazon"}));
        assert!(elsewhere["workflowVersionList"][0]["arn"].as_str().unwrap().contains(":eu-west-1:aws:workflow/"));

        let build = build.arn().unwrap();
        let refused = bench.builder.delete_workflow().workflow_build_version_arn(build).send().await;
        assert_eq!(code(refused), "ForbiddenException");
    })
    .await;
}

#[tokio::test]
async fn a_document_is_read_from_the_folder_of_s3_objects() {
    on_both(async |bench| {
        let create = async |version: &str, uri: &str| {
            let create = bench.builder.create_workflow().name("flow").semantic_version(version);
            create.r#type(WorkflowType::Test).uri(uri).send().await
        };
        // Without a folder nobody knows what it says: it is made, again and again, and a warning tells.
        create("1.0.0", "s3://bucket/flow.yaml").await.unwrap();
        let again = create("1.0.0", "s3://bucket/flow.yaml").await.unwrap();
        assert_eq!(again.workflow_build_version_arn.unwrap(), arn("workflow/test/flow/1.0.0/2"));
        assert!(bench.journal(journal::Kind::Warning)[0].contains("s3://bucket/flow.yaml isn't read"));

        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("bucket")).unwrap();
        std::fs::write(folder.path().join("bucket/flow.yaml"), WAITING).unwrap();
        std::fs::write(folder.path().join("bucket/wrong.yaml"), WAITING.replace("Approve", "1")).unwrap();
        bench.local.world().s3 = s3::Store::of(folder.path().to_owned());
        let made = create("2.0.0", "s3://bucket/flow.yaml").await.unwrap().workflow_build_version_arn.unwrap();
        let found = bench.builder.get_workflow().workflow_build_version_arn(&made).send().await.unwrap();
        assert_eq!(found.workflow().unwrap().data(), Some(WAITING));
        assert_eq!(code(create("2.0.0", "s3://bucket/flow.yaml").await), "ResourceAlreadyExistsException");
        for (uri, expected) in [
            ("s3://bucket/none.yaml", "does not exist"),
            ("s3://bucket/wrong.yaml", "Line 7: The name \"1\" of a step"),
        ] {
            let refused = create("3.0.0", uri).await.unwrap_err();
            assert_eq!(refused.code(), Some("InvalidParameterValueException"));
            let said = refused.message().unwrap();
            assert!(said.contains("'uri'") && said.contains(expected), "{said}");
        }
    })
    .await;
}

#[tokio::test]
async fn listings_hold_versions_names_and_builds() {
    on_both(async |bench| {
        let one = workflow(bench, "web", "1.0.0", WAITING).await;
        workflow(bench, "web", "1.1.0", WAITING).await;
        let two = workflow(bench, "web", "1.0.0", &WAITING.replace("Approve", "Confirm")).await;
        let other = workflow(bench, "database", "1.0.0", WAITING).await;
        let list = || bench.builder.list_workflows();
        let arns =
            async |list: aws_sdk_imagebuilder::operation::list_workflows::builders::ListWorkflowsFluentBuilder| {
                let pages = list.max_results(1).into_paginator().items().send().try_collect().await.unwrap();
                pages.into_iter().map(|it| it.arn.unwrap()).collect::<Vec<_>>()
            };
        let [database, web, later] =
            ["database/1.0.0", "web/1.0.0", "web/1.1.0"].map(|it| arn(&format!("workflow/test/{it}")));
        assert_eq!(arns(list()).await, [database.clone(), web.clone(), later.clone()]);
        assert_eq!(
            arns(list().owner(Ownership::SelfValue).filters(filter("name", "web"))).await,
            [web.clone(), later.clone()]
        );
        assert_eq!(arns(list().filters(filter("version", "1.0.0"))).await, [database.clone(), web.clone()]);
        assert_eq!(arns(list().filters(filter("type", "TEST"))).await.len(), 3);
        assert!(arns(list().filters(filter("type", "BUILD"))).await.is_empty());
        assert!(arns(list().owner(Ownership::Shared)).await.is_empty());
        let [databases, webs] = ["database", "web"].map(|it| arn(&format!("workflow/test/{it}/x.x.x")));
        assert_eq!(arns(list().by_name(true)).await, [databases, webs]);
        let refused = list().by_name(true).filters(filter("version", "1.0.0")).send().await;
        assert_eq!(code(refused), "InvalidParameterCombinationException");
        let refused = list().filters(filter("status", "ACTIVE")).send().await;
        assert_eq!(code(refused), "InvalidParameterValueException");

        let builds = async |version: Option<&str>| {
            let list =
                bench.builder.list_workflow_build_versions().set_workflow_version_arn(version.map(str::to_owned));
            let pages = list.max_results(1).into_paginator().items().send().try_collect().await.unwrap();
            pages.into_iter().map(|it| it.arn.unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(builds(Some(&web)).await, [two.clone(), one.clone()]);
        assert_eq!(
            builds(Some(&arn("workflow/test/web/x.x.x"))).await,
            [two.clone(), format!("{later}/1"), one.clone()]
        );
        assert_eq!(builds(None).await, [other, two, format!("{later}/1"), one.clone()]);
        assert!(builds(Some(&arn("workflow/build/web/x.x.x"))).await.is_empty());
        let refused = bench.builder.list_workflow_build_versions().workflow_version_arn(&one).send().await;
        assert_eq!(code(refused), "InvalidParameterValueException");
    })
    .await;
}

#[tokio::test]
async fn a_workflow_goes_unless_a_pipeline_needs_it() {
    on_both(async |bench| {
        let first = workflow(bench, "flow", "1.0.0", WAITING).await;
        let newest = workflow(bench, "flow", "1.0.1", WAITING).await;
        let component = component(bench, "agent", "1.0.0").await;
        let recipe = recipe(bench, "web", "1.0.0", &component).await;
        let infrastructure = infrastructure(bench, "builders").await;
        let any = WorkflowConfiguration::builder().workflow_arn(arn("workflow/test/flow/x.x.x")).build().unwrap();
        let pipeline = bench.builder.create_image_pipeline().name("web").image_recipe_arn(recipe).workflows(any);
        let pipeline = pipeline.infrastructure_configuration_arn(infrastructure);
        let pipeline = pipeline.execution_role("arn:aws:iam::123456789012:role/builds").send().await.unwrap();
        let delete = |arn: &str| bench.builder.delete_workflow().workflow_build_version_arn(arn);
        assert_eq!(code(delete(&newest).send().await), "ResourceDependencyException");
        let answer = delete(&first).send().await.unwrap();
        assert_eq!(answer.workflow_build_version_arn(), Some(first.as_str()));
        assert_eq!(code(delete(&first).send().await), "ResourceNotFoundException");
        let pipeline = pipeline.image_pipeline_arn.unwrap();
        bench.builder.delete_image_pipeline().image_pipeline_arn(pipeline).send().await.unwrap();
        delete(&newest).send().await.unwrap();
        assert_eq!(code(delete(&arn("workflow/test/flow/x.x.x")).send().await), "InvalidParameterValueException");
    })
    .await;
}
