//! Pipelines: what they keep, when they build, when they are disabled; and tags, which all resources have.

use crate::fixtures::{DOCUMENT, built, component, infrastructure, pipeline, recipe, start};
use crate::harness::{Bench, arn, code, on_both};
use aws_sdk_imagebuilder::error::ProvideErrorMetadata;
use aws_sdk_imagebuilder::operation::update_image_pipeline::builders::UpdateImagePipelineFluentBuilder;
use aws_sdk_imagebuilder::types::builders::ScheduleBuilder;
use aws_sdk_imagebuilder::types::{
    AmiDistributionConfiguration, AutoDisablePolicy, BuildType, ContainerRepositoryService, ContainerType,
    Distribution, EcrConfiguration, Filter, Image, ImagePipeline, ImageScanningConfiguration, ImageStatus,
    ImageTestsConfiguration, OnWorkflowFailure, PipelineExecutionStartCondition, PipelineLoggingConfiguration,
    PipelineStatus, Platform, Schedule, TargetContainerRepository, WorkflowConfiguration, WorkflowType,
};
use chrono::TimeDelta;
use goldsmith_local::journal::Kind;
use goldsmith_local::world::DEFAULT_REGION;
use serde_json::json;

/// Each hour.
const HOURLY: &str = "cron(0 * * * ? *)";

fn schedule(expression: &str) -> ScheduleBuilder {
    Schedule::builder().schedule_expression(expression)
}

fn always(expression: &str) -> ScheduleBuilder {
    schedule(expression).pipeline_execution_start_condition(PipelineExecutionStartCondition::ExpressionMatchOnly)
}

async fn read(bench: &Bench, pipeline: &str) -> ImagePipeline {
    let get = bench.builder.get_image_pipeline().image_pipeline_arn(pipeline);
    get.send().await.unwrap().image_pipeline.unwrap()
}

/// An update of the pipeline `web` that leaves out all that can be left out.
fn update(bench: &Bench) -> UpdateImagePipelineFluentBuilder {
    let update = bench.builder.update_image_pipeline().image_pipeline_arn(arn("image-pipeline/web"));
    let update = update.image_recipe_arn(arn("image-recipe/web/1.0.0"));
    update.infrastructure_configuration_arn(arn("infrastructure-configuration/builders"))
}

/// A pipeline's images, newest first.
async fn images(bench: &Bench, pipeline: &str) -> Vec<Image> {
    let listed = bench.builder.list_image_pipeline_images().image_pipeline_arn(pipeline).send().await.unwrap();
    let mut images = Vec::new();
    for summary in listed.image_summary_list() {
        let get = bench.builder.get_image().image_build_version_arn(summary.arn().unwrap());
        images.push(get.send().await.unwrap().image.unwrap());
    }
    images
}

fn managed_workflow() -> WorkflowConfiguration {
    let arn = format!("arn:aws:imagebuilder:{DEFAULT_REGION}:aws:workflow/build/build-image/x.x.x");
    WorkflowConfiguration::builder().workflow_arn(arn).on_failure(OnWorkflowFailure::Abort).build().unwrap()
}

#[tokio::test]
async fn a_pipeline_comes_back_and_an_update_replaces_all() {
    on_both(async |bench| {
        let recipe = recipe(bench, "web", "1.0.0", &component(bench, "agent", "1.0.0").await).await;
        let infrastructure = infrastructure(bench, "builders").await;
        let home = Distribution::builder().region(DEFAULT_REGION).license_configuration_arns(format!(
            "arn:aws:license-manager:{DEFAULT_REGION}:123456789012:license-configuration:lic-{}",
            "0".repeat(32)
        ));
        let create = bench.builder.create_distribution_configuration().name("out");
        let distribution = create.distributions(home.build().unwrap()).send().await.unwrap();
        let distribution = distribution.distribution_configuration_arn.unwrap();
        let weekly = always("cron(30 6 ? * MON *)")
            .timezone("Europe/Berlin")
            .auto_disable_policy(AutoDisablePolicy::builder().failure_count(3).build().unwrap())
            .build();
        let tests = ImageTestsConfiguration::builder().image_tests_enabled(false).timeout_minutes(60).build();
        let ecr = EcrConfiguration::builder().repository_name("scans").container_tags("web").build();
        let scanning =
            ImageScanningConfiguration::builder().image_scanning_enabled(true).ecr_configuration(ecr).build();
        let logs = PipelineLoggingConfiguration::builder();
        let logs = logs.image_log_group_name("/mine/images").pipeline_log_group_name("/mine/pipelines").build();
        let create = bench.builder.create_image_pipeline().name("Web").description("Serves");
        let made = create
            .image_recipe_arn(&recipe)
            .infrastructure_configuration_arn(&infrastructure)
            .distribution_configuration_arn(&distribution)
            .image_tests_configuration(tests.clone())
            .enhanced_image_metadata_enabled(false)
            .schedule(weekly.clone())
            .status(PipelineStatus::Disabled)
            .image_scanning_configuration(scanning.clone())
            .workflows(managed_workflow())
            .execution_role("builder")
            .logging_configuration(logs.clone())
            .image_tags("from", "pipeline")
            .tags("team", "edge")
            .send()
            .await
            .unwrap();
        let made = made.image_pipeline_arn.unwrap();
        assert_eq!(made, arn("image-pipeline/web"));
        let found = read(bench, &made).await;
        assert_eq!((found.name(), found.description()), (Some("Web"), Some("Serves")));
        assert_eq!((found.platform(), found.status()), (Some(&Platform::Linux), Some(&PipelineStatus::Disabled)));
        assert_eq!((found.image_recipe_arn(), found.container_recipe_arn()), (Some(recipe.as_str()), None));
        assert_eq!(found.infrastructure_configuration_arn(), Some(infrastructure.as_str()));
        assert_eq!(found.distribution_configuration_arn(), Some(distribution.as_str()));
        assert_eq!((found.image_tests_configuration(), found.schedule()), (Some(&tests), Some(&weekly)));
        assert_eq!(found.enhanced_image_metadata_enabled(), Some(false));
        assert_eq!(found.image_scanning_configuration(), Some(&scanning));
        assert_eq!((found.workflows(), found.execution_role()), (&[managed_workflow()][..], Some("builder")));
        assert_eq!(found.logging_configuration(), Some(&logs));
        assert_eq!(
            (&found.image_tags().unwrap()["from"], &found.tags().unwrap()["team"]),
            (&"pipeline".into(), &"edge".into())
        );
        assert_eq!((found.consecutive_failures(), found.date_next_run(), found.date_last_run()), (Some(0), None, None));

        bench.pass(TimeDelta::hours(1)).await;
        let updated = update(bench).send().await.unwrap();
        assert_eq!(updated.image_pipeline_arn(), Some(made.as_str()));
        let defaults = ImageTestsConfiguration::builder().image_tests_enabled(true).timeout_minutes(720).build();
        let expected = ImagePipeline::builder()
            .arn(&made)
            .name("Web")
            .platform(Platform::Linux)
            .enhanced_image_metadata_enabled(true)
            .image_recipe_arn(&recipe)
            .infrastructure_configuration_arn(&infrastructure)
            .image_tests_configuration(defaults)
            .status(PipelineStatus::Enabled)
            .date_created("2026-03-02T00:00:00.000Z")
            .date_updated("2026-03-02T01:00:00.000Z")
            .tags("team", "edge")
            .consecutive_failures(0)
            .build();
        assert_eq!(read(bench, &made).await, expected);

        update(bench).schedule(schedule("rate(1 day)").build()).send().await.unwrap();
        let found = read(bench, &made).await;
        let given = found.schedule().unwrap();
        let condition = PipelineExecutionStartCondition::ExpressionMatchAndDependencyUpdatesAvailable;
        assert_eq!((given.timezone(), given.pipeline_execution_start_condition()), (Some("UTC"), Some(&condition)));
        assert_eq!(found.date_next_run(), Some("2026-03-03T01:00:00.000Z"));
    })
    .await;
}

#[tokio::test]
async fn a_pipeline_that_makes_no_sense_is_refused() {
    on_both(async |bench| {
        let made = pipeline(bench).await;
        let (value, request) = ("InvalidParameterValueException", "InvalidRequestException");
        let create = |name: &str| {
            let create = bench.builder.create_image_pipeline().name(name);
            create.infrastructure_configuration_arn(arn("infrastructure-configuration/builders"))
        };
        let valid = |name: &str| create(name).image_recipe_arn(arn("image-recipe/web/1.0.0"));
        assert_eq!(code(create("new").send().await), request);
        let both = valid("new").container_recipe_arn(arn("container-recipe/web/1.0.0"));
        assert_eq!(code(both.send().await), request);
        assert_eq!(code(create("new").image_recipe_arn(arn("image-recipe/none/1.0.0")).send().await), value);
        let unknown = valid("new").infrastructure_configuration_arn(arn("infrastructure-configuration/none"));
        assert_eq!(code(unknown.send().await), value);
        let unknown = valid("new").distribution_configuration_arn(arn("distribution-configuration/none"));
        assert_eq!(code(unknown.send().await), value);
        let again = valid("WEB").send().await.unwrap_err();
        let message = format!("The following resource 'ImagePipeline' already exists: '{made}'.");
        assert_eq!((again.code(), again.message()), (Some("ResourceAlreadyExistsException"), Some(message.as_str())));
        assert_eq!(code(valid("new").workflows(managed_workflow()).send().await), request);
        let old = managed_workflow().workflow_arn().replace("x.x.x", "1.0.1/1");
        let old = WorkflowConfiguration::builder().workflow_arn(old).build().unwrap();
        let refused = valid("new").workflows(old).execution_role("builder").send().await.unwrap_err();
        assert!(refused.message().unwrap().contains("AWS managed workflows must have latest version 'x.x.x'"));
        for (group, allowed) in [("/mine", false), ("/aws/imagebuilder/web", true)] {
            let logs = PipelineLoggingConfiguration::builder().pipeline_log_group_name(group).build();
            let outcome = code(valid("new").logging_configuration(logs).dry_run(true).send().await);
            assert_eq!(outcome, if allowed { "DryRunOperationException" } else { request }, "{group}");
        }
        for expression in ["cron(0 0 * * SUN *)", "cron(0 0)", "rate(5 fortnights)", "at(2026-05-01T00:00:00)"] {
            let refused = valid("new").schedule(schedule(expression).build()).send().await.unwrap_err();
            assert_eq!(refused.code(), Some(value), "{expression}");
            let expected = "The value supplied for parameter 'schedule.scheduleExpression' is not valid. Invalid \
                            schedule expression. Details: ";
            assert!(refused.message().unwrap().starts_with(expected), "{refused:?}");
        }
        let zone = schedule(HOURLY).timezone("Europe/Atlantis").build();
        assert_eq!(code(valid("new").schedule(zone).send().await), value);
        for count in [0, 11] {
            let policy = AutoDisablePolicy::builder().failure_count(count).build().unwrap();
            let refused = valid("new").schedule(schedule(HOURLY).auto_disable_policy(policy).build()).send().await;
            assert_eq!(code(refused), value, "{count}");
        }
        for minutes in [59, 1441] {
            let tests = ImageTestsConfiguration::builder().timeout_minutes(minutes).build();
            assert_eq!(code(valid("new").image_tests_configuration(tests).send().await), value, "{minutes}");
        }

        let target =
            TargetContainerRepository::builder().service(ContainerRepositoryService::Ecr).repository_name("box");
        let create = bench.builder.create_container_recipe().name("box").semantic_version("1.0.0");
        let create = create.container_type(ContainerType::Docker).parent_image("amazonlinux:2023");
        let boxed = create.target_repository(target.build().unwrap()).dockerfile_template_data("FROM x");
        let boxed = boxed.send().await.unwrap().container_recipe_arn.unwrap();
        let other = update(bench).set_image_recipe_arn(None).container_recipe_arn(boxed);
        assert_eq!(code(other.send().await), request, "a pipeline keeps to its kind of recipe");
        let missing = update(bench).image_pipeline_arn(arn("image-pipeline/none"));
        assert_eq!(code(missing.send().await), "ResourceNotFoundException");
        let missing = bench.builder.start_image_pipeline_execution().image_pipeline_arn(arn("image-pipeline/none"));
        assert_eq!(code(missing.send().await), "ResourceNotFoundException");
    })
    .await;
}

#[tokio::test]
async fn pipelines_are_listed_by_what_they_are_made_of_and_deleted_at_any_time() {
    on_both(async |bench| {
        let web = pipeline(bench).await;
        let spare = infrastructure(bench, "spare").await;
        let create = bench.builder.create_image_pipeline().name("web admin").description("Spare");
        let create = create.image_recipe_arn(arn("image-recipe/web/x.x.x")).status(PipelineStatus::Disabled);
        create.infrastructure_configuration_arn(&spare).send().await.unwrap();
        for (name, value, expected) in [
            ("name", "web*", vec!["web", "web admin"]),
            ("name", "web", vec!["web"]),
            ("status", "DISABLED", vec!["web admin"]),
            ("description", "Spare", vec!["web admin"]),
            ("imageRecipeArn", &arn("image-recipe/web/1.0.0"), vec!["web"]),
            ("infrastructureConfigurationArn", &spare, vec!["web admin"]),
            ("distributionConfigurationArn", &arn("distribution-configuration/x"), vec![]),
        ] {
            let filter = Filter::builder().name(name).values(value).build();
            let listed = bench.builder.list_image_pipelines().filters(filter).send().await.unwrap();
            let names: Vec<_> = listed.image_pipeline_list().iter().map(|it| it.name().unwrap()).collect();
            assert_eq!(names, expected, "{name} {value}");
        }
        let unknown = Filter::builder().name("platform").values("Linux").build();
        let refused = bench.builder.list_image_pipelines().filters(unknown).send().await;
        assert_eq!(code(refused), "InvalidParameterValueException");
        let page = bench.builder.list_image_pipelines().max_results(1).send().await.unwrap();
        let rest = bench.builder.list_image_pipelines().set_next_token(page.next_token.clone()).send().await.unwrap();
        assert_eq!(rest.image_pipeline_list()[0].name(), Some("web admin"));

        let running = start(bench, &web).await;
        let gone = bench.builder.delete_image_pipeline().image_pipeline_arn(&web).send().await.unwrap();
        assert_eq!(gone.image_pipeline_arn(), Some(web.as_str()));
        bench.ended(&running).await;
        let image = bench.builder.get_image().image_build_version_arn(&running).send().await.unwrap().image.unwrap();
        assert_eq!(image.state().unwrap().status(), Some(&ImageStatus::Available));
        assert_eq!(
            code(bench.builder.get_image_pipeline().image_pipeline_arn(&web).send().await),
            "ResourceNotFoundException"
        );
        assert_eq!(
            code(bench.builder.delete_image_pipeline().image_pipeline_arn(&web).send().await),
            "ResourceNotFoundException"
        );
    })
    .await;
}

#[tokio::test]
async fn a_scheduled_build_has_the_pipelines_image_tags_and_one_by_hand_the_requests() {
    on_both(async |bench| {
        let web = pipeline(bench).await;
        let berlin = always("cron(30 6 * * ? *)").timezone("Europe/Berlin").build();
        update(bench).schedule(berlin).image_tags("from", "pipeline").send().await.unwrap();
        assert_eq!(read(bench, &web).await.date_next_run(), Some("2026-03-02T05:30:00.000Z"));
        bench.pass(TimeDelta::hours(8)).await;
        let started = bench.builder.start_image_pipeline_execution().image_pipeline_arn(&web).tags("from", "request");
        let by_hand = started.client_token("once").send().await.unwrap();
        assert_eq!(by_hand.client_token(), Some("once"));
        let again = bench.builder.start_image_pipeline_execution().image_pipeline_arn(&web).tags("from", "request");
        let again = again.client_token("once").send().await.unwrap();
        assert_eq!(again.image_build_version_arn, by_hand.image_build_version_arn);
        bench.ended(by_hand.image_build_version_arn().unwrap()).await;

        let [manual, scheduled] = &images(bench, &web).await[..] else { panic!("two builds") };
        assert_eq!(scheduled.date_created(), Some("2026-03-02T05:30:00.000Z"));
        assert_eq!(
            (scheduled.build_type(), manual.build_type()),
            (Some(&BuildType::Scheduled), Some(&BuildType::UserInitiated))
        );
        assert_eq!(
            (&scheduled.tags().unwrap()["from"], &manual.tags().unwrap()["from"]),
            (&"pipeline".into(), &"request".into())
        );
        let now = read(bench, &web).await;
        assert_eq!(
            (now.date_last_run(), now.last_run_status()),
            (manual.date_created(), Some(&ImageStatus::Available))
        );
        assert_eq!(now.date_next_run(), Some("2026-03-03T05:30:00.000Z"));

        update(bench).schedule(always(HOURLY).build()).status(PipelineStatus::Disabled).send().await.unwrap();
        bench.pass(TimeDelta::days(1)).await;
        assert_eq!((images(bench, &web).await.len(), read(bench, &web).await.date_next_run()), (2, None));
        built(bench, &web).await;
        assert_eq!(images(bench, &web).await.len(), 3, "a disabled pipeline builds by hand");
    })
    .await;
}

#[tokio::test]
async fn with_the_condition_a_schedule_builds_when_something_it_is_made_of_is_new() {
    on_both(async |bench| {
        component(bench, "agent", "1.0.0").await;
        recipe(bench, "web", "1.0.0", &arn("component/agent/1.x.x")).await;
        infrastructure(bench, "builders").await;
        let create = bench.builder.create_image_pipeline().name("web").image_recipe_arn(arn("image-recipe/web/1.0.0"));
        let create = create.infrastructure_configuration_arn(arn("infrastructure-configuration/builders"));
        let made = create.schedule(schedule(HOURLY).build()).send().await.unwrap();
        let web = made.image_pipeline_arn.unwrap();
        let after = async |hours: i64| {
            bench.pass(TimeDelta::hours(hours)).await;
            images(bench, &web).await.len()
        };
        assert_eq!([after(1).await, after(5).await], [1, 1], "it never built, then there is nothing new");
        component(bench, "other", "1.0.0").await;
        component(bench, "agent", "2.0.0").await;
        assert_eq!(after(2).await, 1, "1.x.x doesn't select 2.0.0");
        component(bench, "agent", "1.1.0").await;
        assert_eq!(after(2).await, 2);
        // Amazon releases a new version of the parent within weeks.
        assert!(after(24 * 20).await > 2);
    })
    .await;
}

#[tokio::test]
async fn failed_scheduled_builds_in_a_row_disable_a_pipeline_with_an_event() {
    on_both(async |bench| {
        let web = pipeline(bench).await;
        let create = bench.builder.create_component().name("agent").semantic_version("1.0.0");
        let failing = DOCUMENT.replace("true", "exit 1");
        create.platform(Platform::Linux).data(failing).send().await.unwrap();
        let broken = recipe(bench, "broken", "1.0.0", &arn("component/agent/1.0.0")).await;
        let pattern = json!({
            "source": ["aws.imagebuilder"], "detail-type": ["EC2 Image Builder Image Pipeline Automatically Disabled"],
            "resources": [web], "detail": {"consecutive-failures": ["2"]},
        });
        let rule = json!({"Name": "disabled", "EventPattern": pattern.to_string()});
        bench.call("events", DEFAULT_REGION, "PutRule", rule);
        let policy = || AutoDisablePolicy::builder().failure_count(2).build().unwrap();
        let hourly = || always(HOURLY).auto_disable_policy(policy()).build();
        let failures = async || read(bench, &web).await.consecutive_failures().unwrap();
        let hour = TimeDelta::hours(1);
        update(bench).image_recipe_arn(&broken).schedule(hourly()).send().await.unwrap();
        bench.pass(TimeDelta::minutes(110)).await;
        assert_eq!(failures().await, 1);
        built(bench, &web).await;
        assert_eq!(failures().await, 1, "a failure by hand leaves the count");
        update(bench).image_recipe_arn(&broken).schedule(hourly()).send().await.unwrap();
        assert_eq!(failures().await, 0, "an update resets it");
        bench.pass(hour).await;
        assert_eq!((failures().await, read(bench, &web).await.status().cloned()), (1, Some(PipelineStatus::Enabled)));
        assert!(bench.journal(Kind::RuleMatched).is_empty());
        bench.pass(hour).await;
        let disabled = read(bench, &web).await;
        assert_eq!((disabled.consecutive_failures(), disabled.status()), (Some(2), Some(&PipelineStatus::Disabled)));
        assert_eq!((disabled.last_run_status(), disabled.date_next_run()), (Some(&ImageStatus::Failed), None));
        assert_eq!(bench.journal(Kind::RuleMatched).len(), 1);
        let count = images(bench, &web).await.len();
        bench.pass(TimeDelta::hours(5)).await;
        assert_eq!(images(bench, &web).await.len(), count);

        // A good build by hand ends the row, though it doesn't enable the pipeline.
        let create = bench.builder.create_component().name("agent").semantic_version("1.0.0");
        create.platform(Platform::Linux).data(DOCUMENT).send().await.unwrap();
        built(bench, &web).await;
        let ended = read(bench, &web).await;
        assert_eq!((ended.consecutive_failures(), ended.status()), (Some(0), Some(&PipelineStatus::Disabled)));
        update(bench).image_recipe_arn(&broken).schedule(hourly()).send().await.unwrap();
        assert_eq!(
            read(bench, &web).await.status(),
            Some(&PipelineStatus::Enabled),
            "an update without status enables"
        );
    })
    .await;
}

#[tokio::test]
async fn without_a_policy_five_failures_disable() {
    on_both(async |bench| {
        let web = pipeline(bench).await;
        let create = bench.builder.create_component().name("agent").semantic_version("1.0.0");
        create.platform(Platform::Linux).data(DOCUMENT.replace("true", "exit 1")).send().await.unwrap();
        let broken = recipe(bench, "broken", "1.0.0", &arn("component/agent/1.0.0")).await;
        update(bench).image_recipe_arn(&broken).schedule(always(HOURLY).build()).send().await.unwrap();
        bench.pass(TimeDelta::minutes(60 * 4 + 55)).await;
        let before = read(bench, &web).await;
        assert_eq!((before.consecutive_failures(), before.status()), (Some(4), Some(&PipelineStatus::Enabled)));
        bench.pass(TimeDelta::hours(1)).await;
        let after = read(bench, &web).await;
        assert_eq!((after.consecutive_failures(), after.status()), (Some(5), Some(&PipelineStatus::Disabled)));
    })
    .await;
}

#[tokio::test]
async fn a_build_that_eventbridge_starts_counts_as_scheduled() {
    on_both(async |bench| {
        let web = pipeline(bench).await;
        update(bench).image_tags("from", "pipeline").send().await.unwrap();
        let rule = json!({"Name": "nightly", "ScheduleExpression": "rate(1 hour)"});
        bench.call("events", DEFAULT_REGION, "PutRule", rule);
        let role = "arn:aws:iam::123456789012:role/events";
        let targets = json!({"Rule": "nightly", "Targets": [{"Id": "web", "Arn": web, "RoleArn": role}]});
        bench.call("events", DEFAULT_REGION, "PutTargets", targets);
        bench.pass(TimeDelta::minutes(70)).await;
        let [image] = &images(bench, &web).await[..] else { panic!("one build") };
        assert_eq!(image.build_type(), Some(&BuildType::Scheduled));
        assert_eq!(image.tags().unwrap()["from"], "pipeline");
    })
    .await;
}

#[tokio::test]
async fn resources_of_every_kind_have_tags() {
    on_both(async |bench| {
        let web = pipeline(bench).await;
        let image = built(bench, &web).await;
        let home = Distribution::builder()
            .region(DEFAULT_REGION)
            .ami_distribution_configuration(AmiDistributionConfiguration::builder().build());
        let create = bench.builder.create_distribution_configuration().name("out");
        create.distributions(home.build().unwrap()).send().await.unwrap();
        let target =
            TargetContainerRepository::builder().service(ContainerRepositoryService::Ecr).repository_name("box");
        let create = bench.builder.create_container_recipe().name("box").semantic_version("1.0.0");
        let create = create.container_type(ContainerType::Docker).parent_image("amazonlinux:2023");
        let create = create.target_repository(target.build().unwrap()).dockerfile_template_data("FROM x");
        create.send().await.unwrap();
        let data = "schemaVersion: 1.0\nsteps:\n  - name: Ask\n    action: WaitForAction\n";
        let create = bench.builder.create_workflow().name("ask").semantic_version("1.0.0").data(data);
        let workflow = create.r#type(WorkflowType::Build).send().await.unwrap().workflow_build_version_arn.unwrap();
        for resource in [
            web,
            image,
            workflow,
            arn("component/agent/1.0.0/1"),
            arn("image-recipe/web/1.0.0"),
            arn("container-recipe/box/1.0.0"),
            arn("infrastructure-configuration/builders"),
            arn("distribution-configuration/out"),
        ] {
            let add = |key: &str, value: &str| bench.builder.tag_resource().resource_arn(&resource).tags(key, value);
            add("a", "1").tags("b", "2").send().await.unwrap();
            add("b", "3").send().await.unwrap();
            bench.builder.untag_resource().resource_arn(&resource).tag_keys("a").tag_keys("z").send().await.unwrap();
            let listed = bench.builder.list_tags_for_resource().resource_arn(&resource).send().await.unwrap();
            let tags: Vec<_> =
                listed.tags().unwrap().iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            assert_eq!(tags, [("b", "3")], "{resource}");
            assert_eq!(code(add("aws:a", "1").send().await), "InvalidParameterException");
            assert_eq!(code(add("long", &"v".repeat(257)).send().await), "InvalidParameterException");
            let many = (0..50).map(|number| (format!("k{number}"), "v".to_owned())).collect();
            let many = bench.builder.tag_resource().resource_arn(&resource).set_tags(Some(many)).send().await;
            assert_eq!(code(many), "InvalidParameterException", "51 tags");
        }
        let read = bench.builder.get_image_recipe().image_recipe_arn(arn("image-recipe/web/1.0.0"));
        assert_eq!(read.send().await.unwrap().image_recipe().unwrap().tags().unwrap()["b"], "3");
        let none = arn("image-pipeline/none");
        let missing = bench.builder.tag_resource().resource_arn(&none).tags("a", "1").send().await;
        assert_eq!(code(missing), "ResourceNotFoundException");
        let missing = bench.builder.untag_resource().resource_arn(&none).tag_keys("a").send().await;
        assert_eq!(code(missing), "ResourceNotFoundException");
        let missing = bench.builder.list_tags_for_resource().resource_arn(&none).send().await;
        assert_eq!(code(missing), "ResourceNotFoundException");
    })
    .await;
}

#[tokio::test]
async fn only_a_pipeline_that_is_there_is_updated() {
    on_both(async |bench| {
        let made = pipeline(bench).await;
        let update = |pipeline: &str| {
            let update = bench.builder.update_image_pipeline().image_pipeline_arn(pipeline).description("new");
            let update = update.image_recipe_arn(arn("image-recipe/web/1.0.0"));
            update.infrastructure_configuration_arn(arn("infrastructure-configuration/builders")).send()
        };
        let answer = update(&made).await.unwrap();
        assert_eq!(answer.image_pipeline_arn(), Some(made.as_str()));
        assert_eq!(read(bench, &made).await.description(), Some("new"));
        assert_eq!(code(update(&arn("image-pipeline/none")).await), "ResourceNotFoundException");
    })
    .await;
}
