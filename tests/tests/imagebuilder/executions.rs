//! Executions of workflows by builds, steps that wait, and builds that are retried.

use crate::fixtures::{built, component, infrastructure, pipeline, recipe, start};
use crate::harness::{Bench, arn, code, on_both};
use aws_sdk_imagebuilder::types::{
    ImageStatus, Platform, WorkflowConfiguration, WorkflowExecutionStatus, WorkflowStepActionType,
    WorkflowStepExecutionStatus, WorkflowType,
};
use chrono::TimeDelta;

const UNKNOWN: &str = "00000000-0000-4000-8000-000000000000";

/// A build workflow that waits for somebody after its launch.
pub(crate) const WAITS: &str = "schemaVersion: 1.0
steps:
  - name: Launch
    action: LaunchInstance
    inputs:
      waitFor: ssmAgent
  - name: Approve
    action: WaitForAction
    description: Somebody has a look
    timeoutSeconds: 36000
";

/// Starts a build with this build workflow; the answer is the image's ARN.
pub(crate) async fn with_workflow(bench: &Bench, name: &str, document: &str) -> String {
    let create = bench.builder.create_workflow().name(name).semantic_version("1.0.0").r#type(WorkflowType::Build);
    let workflow = create.data(document).send().await.unwrap().workflow_build_version_arn.unwrap();
    let component = component(bench, &format!("{name}-agent"), "1.0.0").await;
    let recipe = recipe(bench, name, "1.0.0", &component).await;
    let infrastructure = infrastructure(bench, name).await;
    let workflow = WorkflowConfiguration::builder().workflow_arn(workflow).build().unwrap();
    let create = bench.builder.create_image().image_recipe_arn(recipe).workflows(workflow).execution_role("builder");
    let started = create.infrastructure_configuration_arn(infrastructure).send().await.unwrap();
    started.image_build_version_arn.unwrap()
}

/// A build that fails in a phase of its component's document; the answer is the image's ARN.
pub(crate) async fn failing(bench: &Bench, phase: &str) -> String {
    let document = format!(
        "schemaVersion: 1.0\nphases:\n  - name: {phase}\n    steps:\n      - name: Probe\n        \
         action: ExecuteBash\n        inputs:\n          commands:\n            - exit 3\n"
    );
    let name = format!("fails-in-{phase}");
    let create = bench.builder.create_component().name(&name).semantic_version("1.0.0");
    let made = create.platform(Platform::Linux).data(document).send().await.unwrap();
    let recipe = recipe(bench, &name, "1.0.0", &made.component_build_version_arn.unwrap()).await;
    let infrastructure = infrastructure(bench, &name).await;
    let create = bench.builder.create_image().image_recipe_arn(recipe);
    let started = create.infrastructure_configuration_arn(infrastructure).send().await.unwrap();
    let image = started.image_build_version_arn.unwrap();
    bench.ended(&image).await;
    image
}

async fn status(bench: &Bench, image: &str) -> ImageStatus {
    let answer = bench.builder.get_image().image_build_version_arn(image).send().await.unwrap();
    answer.image.unwrap().state.unwrap().status.unwrap()
}

#[tokio::test]
async fn the_executions_of_a_build_are_listed_and_read() {
    on_both(async |bench| {
        let pipeline = pipeline(bench).await;
        let image = built(bench, &pipeline).await;
        let list = bench.builder.list_workflow_executions().image_build_version_arn(&image).send().await.unwrap();
        assert_eq!(list.image_build_version_arn(), Some(image.as_str()));
        let executions = list.workflow_executions();
        let types: Vec<_> = executions.iter().map(|execution| execution.r#type().unwrap().as_str()).collect();
        assert_eq!(types, ["BUILD", "TEST", "DISTRIBUTION"]);
        for execution in executions {
            let id = execution.workflow_execution_id().unwrap();
            let read = bench.builder.get_workflow_execution().workflow_execution_id(id).send().await.unwrap();
            assert_eq!(read.status(), Some(&WorkflowExecutionStatus::Completed));
            assert_eq!(read.image_build_version_arn(), Some(image.as_str()));
            assert_eq!(read.start_time(), execution.start_time());
            assert_eq!(read.total_steps_failed(), 0);
            let steps = bench.builder.list_workflow_step_executions().workflow_execution_id(id).send().await.unwrap();
            assert_eq!(steps.steps().len(), usize::try_from(read.total_step_count()).unwrap());
            assert_eq!(steps.workflow_build_version_arn(), read.workflow_build_version_arn());
            for step in steps.steps() {
                let id = step.step_execution_id().unwrap();
                let read = bench.builder.get_workflow_step_execution().step_execution_id(id).send().await.unwrap();
                assert_eq!((read.name(), read.status()), (step.name(), step.status()));
                assert_eq!(read.workflow_execution_id(), execution.workflow_execution_id());
                assert!(matches!(read.on_failure(), Some("Abort" | "Continue")));
            }
        }
    })
    .await;
}

#[tokio::test]
async fn executions_are_listed_in_pages() {
    on_both(async |bench| {
        let pipeline = pipeline(bench).await;
        let image = built(bench, &pipeline).await;
        let (mut found, mut token) = (Vec::new(), None);
        loop {
            let list = bench.builder.list_workflow_executions().image_build_version_arn(&image).max_results(2);
            let page = list.set_next_token(token).send().await.unwrap();
            found.extend(page.workflow_executions().iter().map(|it| it.workflow_execution_id().unwrap().to_owned()));
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(found.len(), 3);
        let list = bench.builder.list_workflow_step_executions().workflow_execution_id(&found[0]).next_token("x");
        assert_eq!(code(list.send().await), "InvalidPaginationTokenException");
    })
    .await;
}

#[tokio::test]
async fn unknown_executions_are_missing_and_their_lists_empty() {
    on_both(async |bench| {
        let (wf, step) = (format!("wf-{UNKNOWN}"), format!("step-{UNKNOWN}"));
        let get = bench.builder.get_workflow_execution().workflow_execution_id(&wf);
        assert_eq!(code(get.send().await), "ResourceNotFoundException");
        let get = bench.builder.get_workflow_step_execution().step_execution_id(&step);
        assert_eq!(code(get.send().await), "ResourceNotFoundException");
        let list = bench.builder.list_workflow_executions().image_build_version_arn(arn("image/web/1.0.0/1"));
        assert!(list.send().await.unwrap().workflow_executions().is_empty());
        let list = bench.builder.list_workflow_step_executions().workflow_execution_id(&wf);
        assert!(list.send().await.unwrap().steps().is_empty());
        let malformed = bench.builder.get_workflow_execution().workflow_execution_id("wf-1").send().await;
        assert_eq!(code(malformed), "InvalidParameterValueException");
        let malformed = bench.builder.list_workflow_executions().image_build_version_arn(arn("image/web/x.x.x"));
        assert_eq!(code(malformed.send().await), "InvalidParameterValueException");
    })
    .await;
}

#[tokio::test]
async fn a_step_waits_until_it_is_resumed_or_stopped() {
    on_both(async |bench| {
        let (one, other) = (with_workflow(bench, "resumed", WAITS).await, with_workflow(bench, "stopped", WAITS).await);
        bench.pass(TimeDelta::hours(2)).await;
        let waiting = bench.builder.list_waiting_workflow_steps().send().await.unwrap();
        assert_eq!(waiting.steps().len(), 2);
        for (image, action, ends) in [
            (&one, WorkflowStepActionType::Resume, ImageStatus::Available),
            (&other, WorkflowStepActionType::Stop, ImageStatus::Failed),
        ] {
            assert_eq!(status(bench, image).await, ImageStatus::Building);
            let of_image = |step: &&aws_sdk_imagebuilder::types::WorkflowStepExecution| {
                step.image_build_version_arn() == Some(image.as_str())
            };
            let step = waiting.steps().iter().find(of_image).unwrap();
            assert_eq!((step.name(), step.action()), (Some("Approve"), Some("WaitForAction")));
            let id = step.step_execution_id().unwrap();
            let read = bench.builder.get_workflow_step_execution().step_execution_id(id).send().await.unwrap();
            assert_eq!(read.status(), Some(&WorkflowStepExecutionStatus::Running));
            assert_eq!((read.timeout_seconds(), read.description()), (Some(36_000), Some("Somebody has a look")));
            let send = bench.builder.send_workflow_step_action().step_execution_id(id).image_build_version_arn(image);
            let sent = send.action(action).reason("seen").send().await.unwrap();
            assert_eq!(sent.step_execution_id(), Some(id));
            bench.ended(image).await;
            assert_eq!(status(bench, image).await, ends);
            let read = bench.builder.get_workflow_step_execution().step_execution_id(id).send().await.unwrap();
            assert!(read.message().unwrap().contains("seen"), "{read:?}");
        }
        assert!(bench.builder.list_waiting_workflow_steps().send().await.unwrap().steps().is_empty());
        let answer = bench.builder.get_image().image_build_version_arn(&other).send().await.unwrap();
        let context = answer.image.unwrap().state.unwrap().failure_context.unwrap();
        assert_eq!(context.failed_step(), Some("Approve"));
    })
    .await;
}

#[tokio::test]
async fn an_action_for_a_step_that_does_not_wait_is_refused() {
    on_both(async |bench| {
        let image = with_workflow(bench, "waits", WAITS).await;
        bench.pass(TimeDelta::hours(2)).await;
        let waiting = bench.builder.list_waiting_workflow_steps().send().await.unwrap();
        let id = waiting.steps()[0].step_execution_id().unwrap();
        let executions = bench.builder.list_workflow_executions().image_build_version_arn(&image).send().await.unwrap();
        let build = executions.workflow_executions()[0].workflow_execution_id().unwrap();
        let steps = bench.builder.list_workflow_step_executions().workflow_execution_id(build).send().await.unwrap();
        let launch = steps.steps()[0].step_execution_id().unwrap();
        let unknown = format!("step-{UNKNOWN}");
        let elsewhere = arn("image/other/1.0.0/1");
        for (step, image, refusal) in [
            (unknown.as_str(), &image, "ResourceNotFoundException"),
            (launch, &image, "InvalidRequestException"),
            (id, &elsewhere, "InvalidParameterValueException"),
        ] {
            let send = bench.builder.send_workflow_step_action().step_execution_id(step).image_build_version_arn(image);
            assert_eq!(code(send.action(WorkflowStepActionType::Resume).send().await), refusal, "{step}");
        }
        let cancel = bench.builder.cancel_image_creation().image_build_version_arn(&image).send().await;
        cancel.unwrap();
        bench.ended(&image).await;
        assert_eq!(status(bench, &image).await, ImageStatus::Cancelled);
        let read = bench.builder.get_workflow_step_execution().step_execution_id(id).send().await.unwrap();
        assert_eq!(read.status(), Some(&WorkflowStepExecutionStatus::Cancelled));
        let send = bench.builder.send_workflow_step_action().step_execution_id(id).image_build_version_arn(&image);
        assert_eq!(code(send.action(WorkflowStepActionType::Resume).send().await), "InvalidRequestException");
    })
    .await;
}

#[tokio::test]
async fn a_build_is_retried_at_its_tests_and_not_before() {
    on_both(async |bench| {
        let image = failing(bench, "test").await;
        let failed = bench.builder.get_image().image_build_version_arn(&image).send().await.unwrap();
        let context = failed.image.unwrap().state.unwrap().failure_context.unwrap();
        assert_eq!(context.image_status(), Some(&ImageStatus::Testing));
        assert_eq!(context.failed_step(), Some("ApplyTestComponents"));
        assert_eq!(context.component_failure().unwrap().step_name(), Some("Probe"));
        let retried = bench.builder.retry_image().image_build_version_arn(&image).send().await.unwrap();
        assert_eq!(retried.image_build_version_arn(), Some(image.as_str()));
        assert_eq!(status(bench, &image).await, ImageStatus::Testing);
        let again = bench.builder.retry_image().image_build_version_arn(&image).send().await;
        assert_eq!(code(again), "ResourceInUseException");
        bench.ended(&image).await;
        assert_eq!(status(bench, &image).await, ImageStatus::Failed);
        let list = bench.builder.list_workflow_executions().image_build_version_arn(&image).send().await.unwrap();
        let retried: Vec<_> = list.workflow_executions().iter().map(|it| it.retried().unwrap()).collect();
        assert_eq!(retried, [false, true, false]);

        let unretriable = failing(bench, "build").await;
        let pipeline = pipeline(bench).await;
        let available = built(bench, &pipeline).await;
        for (image, refusal) in [
            (&unretriable, "InvalidRequestException"),
            (&available, "InvalidRequestException"),
            (&arn("image/none/1.0.0/1"), "ResourceNotFoundException"),
        ] {
            let retry = bench.builder.retry_image().image_build_version_arn(image).send().await;
            assert_eq!(code(retry), refusal, "{image}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_pipeline_runs_twice_at_once() {
    on_both(async |bench| {
        let pipeline = pipeline(bench).await;
        let (one, other) = (start(bench, &pipeline).await, start(bench, &pipeline).await);
        assert_ne!(one, other);
        bench.ended(&one).await;
        bench.ended(&other).await;
        for image in [one, other] {
            assert_eq!(status(bench, &image).await, ImageStatus::Available);
        }
    })
    .await;
}
