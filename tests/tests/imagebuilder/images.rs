//! Images.

use crate::fixtures::{built, component, infrastructure, pipeline, recipe, start};
use crate::harness::{arn, code, on_both};
use aws_sdk_imagebuilder::types::{Filter, ImageStatus, Ownership, WorkflowConfiguration};

#[tokio::test]
async fn an_image_is_read_by_its_build_and_by_its_version() {
    on_both(async |bench| {
        let pipeline = pipeline(bench).await;
        let image = built(bench, &pipeline).await;
        // Behind the newest one that is AVAILABLE, for those that ask for none in particular.
        let under_way = start(bench, &pipeline).await;
        for asked in [&image, &arn("image/web/1.0.0"), &arn("image/web/x.x.x")] {
            let answer = bench.builder.get_image().image_build_version_arn(asked).send().await.unwrap();
            let found = answer.image().unwrap();
            assert_eq!(found.arn(), Some(image.as_str()));
            assert_eq!(found.state().unwrap().status(), Some(&ImageStatus::Available));
            assert_eq!(found.source_pipeline_arn(), Some(pipeline.as_str()));
            let newest = arn("image/web/x.x.x");
            assert_eq!(answer.latest_version_references().unwrap().latest_version_arn(), Some(newest.as_str()));
        }
        let answer = bench.builder.get_image().image_build_version_arn(&under_way).send().await.unwrap();
        assert_eq!(answer.image().unwrap().state().unwrap().status(), Some(&ImageStatus::Pending));
        let missing = bench.builder.get_image().image_build_version_arn(arn("image/web/1.0.0/3")).send().await;
        assert_eq!(code(missing), "ResourceNotFoundException");
        let malformed = bench.builder.get_image().image_build_version_arn("web").send().await;
        assert_eq!(code(malformed), "InvalidParameterValueException");
    })
    .await;
}

#[tokio::test]
async fn an_image_is_made_of_a_recipe_without_a_pipeline() {
    on_both(async |bench| {
        let component = component(bench, "agent", "1.0.0").await;
        let recipe = recipe(bench, "web", "1.0.0", &component).await;
        let infrastructure = infrastructure(bench, "builders").await;
        let create = || bench.builder.create_image().infrastructure_configuration_arn(&infrastructure);
        let made = create().image_recipe_arn(&recipe).tags("team", "edge").send().await.unwrap();
        let image = made.image_build_version_arn.unwrap();
        assert_eq!(image, arn("image/web/1.0.0/1"));
        bench.ended(&image).await;
        let answer = bench.builder.get_image().image_build_version_arn(&image).send().await.unwrap();
        let found = answer.image().unwrap();
        assert_eq!((found.source_pipeline_arn(), found.tags().unwrap()["team"].as_str()), (None, "edge"));
        assert_eq!(found.output_resources().unwrap().amis().len(), 1);

        let neither = create().send().await;
        assert_eq!(code(neither), "InvalidRequestException");
        let missing = create().image_recipe_arn(arn("image-recipe/none/1.0.0")).send().await;
        assert_eq!(code(missing), "ResourceNotFoundException");
        let managed = arn("workflow/build/none/1.0.0/1");
        let workflow = WorkflowConfiguration::builder().workflow_arn(managed).build().unwrap();
        let without_role = create().image_recipe_arn(&recipe).workflows(workflow.clone()).send().await;
        assert_eq!(code(without_role), "InvalidRequestException");
        let unknown = create().image_recipe_arn(&recipe).workflows(workflow).execution_role("builder").send().await;
        assert_eq!(code(unknown), "ResourceNotFoundException");
    })
    .await;
}

#[tokio::test]
async fn a_build_under_way_is_cancelled_and_an_ended_one_is_not() {
    on_both(async |bench| {
        let pipeline = pipeline(bench).await;
        let image = start(bench, &pipeline).await;
        let cancel = || bench.builder.cancel_image_creation().image_build_version_arn(&image);
        let answer = cancel().client_token("one").send().await.unwrap();
        assert_eq!(answer.image_build_version_arn(), Some(image.as_str()));
        let read = || bench.builder.get_image().image_build_version_arn(&image);
        let state = |answer: aws_sdk_imagebuilder::operation::get_image::GetImageOutput| {
            answer.image.unwrap().state.unwrap().status.unwrap()
        };
        assert_eq!(state(read().send().await.unwrap()), ImageStatus::Pending, "it takes some seconds");
        bench.ended(&image).await;
        assert_eq!(state(read().send().await.unwrap()), ImageStatus::Cancelled);
        assert_eq!(code(cancel().client_token("two").send().await), "InvalidParameterValueException");
        let missing = bench.builder.cancel_image_creation().image_build_version_arn(arn("image/none/1.0.0/1"));
        assert_eq!(code(missing.send().await), "ResourceNotFoundException");
    })
    .await;
}

#[tokio::test]
async fn images_are_listed_by_version_and_by_name() {
    on_both(async |bench| {
        let pipeline = pipeline(bench).await;
        let image = built(bench, &pipeline).await;
        let own = bench.builder.list_images().send().await.unwrap();
        let version = &own.image_version_list()[0];
        assert_eq!((own.image_version_list().len(), version.arn()), (1, Some(arn("image/web/1.0.0").as_str())));
        let names = bench.builder.list_images().by_name(true).send().await.unwrap();
        assert_eq!(names.image_version_list()[0].arn(), Some(arn("image/web").as_str()));
        let name = Filter::builder().name("name").values("amazon-linux*").build();
        let managed = bench.builder.list_images().owner(Ownership::Amazon).filters(name).send().await.unwrap();
        assert!(managed.image_version_list().iter().all(|it| it.name().unwrap().to_lowercase().contains("amazon")));
        let unknown = Filter::builder().name("state").values("AVAILABLE").build();
        let refused = bench.builder.list_images().filters(unknown).send().await;
        assert_eq!(code(refused), "InvalidParameterValueException");

        let builds = bench.builder.list_image_build_versions().image_version_arn(arn("image/web/1.0.0"));
        let builds = builds.send().await.unwrap();
        assert_eq!(builds.image_summary_list()[0].arn(), Some(image.as_str()));
        let none = bench.builder.list_image_build_versions().image_version_arn(arn("image/none/1.0.0"));
        assert!(none.send().await.unwrap().image_summary_list().is_empty());
        let wildcard = bench.builder.list_image_build_versions().image_version_arn(arn("image/web/1.x.x"));
        assert_eq!(code(wildcard.send().await), "InvalidParameterValueException");
    })
    .await;
}

#[tokio::test]
async fn a_pipelines_images_are_listed_newest_first() {
    on_both(async |bench| {
        let pipeline = pipeline(bench).await;
        let (one, other) = (built(bench, &pipeline).await, start(bench, &pipeline).await);
        let list = bench.builder.list_image_pipeline_images().image_pipeline_arn(&pipeline).send().await.unwrap();
        let arns: Vec<_> = list.image_summary_list().iter().map(|image| image.arn().unwrap()).collect();
        assert_eq!(arns, [&other, &one]);
        let none = bench.builder.list_image_pipeline_images().image_pipeline_arn(arn("image-pipeline/none"));
        assert!(none.send().await.unwrap().image_summary_list().is_empty());
        let malformed = bench.builder.list_image_pipeline_images().image_pipeline_arn("web").send().await;
        assert_eq!(code(malformed), "InvalidParameterValueException");
    })
    .await;
}

#[tokio::test]
async fn an_image_is_deleted_when_its_build_has_ended_and_nothing_is_made_of_it() {
    on_both(async |bench| {
        let pipeline = pipeline(bench).await;
        let image = start(bench, &pipeline).await;
        let delete = || bench.builder.delete_image().image_build_version_arn(&image);
        assert_eq!(code(delete().send().await), "ResourceDependencyException");
        bench.ended(&image).await;
        let create = bench.builder.create_image_recipe().name("child").semantic_version("1.0.0");
        let child = create.parent_image(&image).send().await.unwrap().image_recipe_arn.unwrap();
        assert_eq!(code(delete().send().await), "ResourceDependencyException");
        bench.builder.delete_image_recipe().image_recipe_arn(child).send().await.unwrap();
        let executions = bench.builder.list_workflow_executions().image_build_version_arn(&image).send().await.unwrap();
        let execution = executions.workflow_executions()[0].workflow_execution_id().unwrap();
        assert_eq!(delete().send().await.unwrap().image_build_version_arn(), Some(image.as_str()));
        assert_eq!(code(delete().send().await), "ResourceNotFoundException");
        let get = bench.builder.get_workflow_execution().workflow_execution_id(execution).send().await;
        assert_eq!(code(get), "ResourceNotFoundException");
    })
    .await;
}
