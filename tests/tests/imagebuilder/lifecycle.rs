//! Lifecycle policies, executions and state updates.

use crate::fixtures::{built, pipeline};
use crate::harness::{Bench, arn, code, on_both};
use aws_sdk_imagebuilder::error::ProvideErrorMetadata;
use aws_sdk_imagebuilder::primitives::DateTime;
use aws_sdk_imagebuilder::types::{
    Filter, ImageStatus, LifecycleExecution, LifecycleExecutionResource, LifecycleExecutionResourceActionName,
    LifecycleExecutionResourceStatus, LifecycleExecutionStatus, LifecyclePolicyDetail, LifecyclePolicyDetailAction,
    LifecyclePolicyDetailActionIncludeResources, LifecyclePolicyDetailActionType, LifecyclePolicyDetailExclusionRules,
    LifecyclePolicyDetailExclusionRulesAmis, LifecyclePolicyDetailFilter, LifecyclePolicyDetailFilterType,
    LifecyclePolicyResourceSelection, LifecyclePolicyResourceSelectionRecipe, LifecyclePolicyResourceType,
    LifecyclePolicyStatus, LifecyclePolicyTimeUnit, ResourceState, ResourceStateUpdateExclusionRules,
    ResourceStateUpdateIncludeResources, ResourceStatus,
};
use chrono::TimeDelta;
use serde_json::{Value, json};

const REGION: &str = "us-east-1";
const ROLE: &str = "arn:aws:iam::123456789012:role/lifecycle";

fn state(status: ResourceStatus) -> ResourceState {
    ResourceState::builder().status(status).build()
}

fn resources(amis: bool, snapshots: bool) -> ResourceStateUpdateIncludeResources {
    ResourceStateUpdateIncludeResources::builder().amis(amis).snapshots(snapshots).build()
}

/// A state update with AMIs; the answer is its execution.
async fn update(bench: &Bench, image: &str, status: ResourceStatus) -> String {
    let snapshots = status == ResourceStatus::Deleted;
    let start = bench.builder.start_resource_state_update().resource_arn(image).state(state(status));
    let started = start.execution_role(ROLE).include_resources(resources(true, snapshots)).send().await.unwrap();
    assert_eq!(started.resource_arn(), Some(image));
    started.lifecycle_execution_id.unwrap()
}

async fn execution(bench: &Bench, id: &str) -> LifecycleExecution {
    let answer = bench.builder.get_lifecycle_execution().lifecycle_execution_id(id).send().await.unwrap();
    answer.lifecycle_execution.unwrap()
}

async fn execution_status(bench: &Bench, id: &str) -> LifecycleExecutionStatus {
    execution(bench, id).await.state.unwrap().status.unwrap()
}

async fn acted_on(bench: &Bench, id: &str, parent: Option<&str>) -> Vec<LifecycleExecutionResource> {
    let list = bench.builder.list_lifecycle_execution_resources().lifecycle_execution_id(id);
    list.set_parent_resource_id(parent.map(str::to_owned)).send().await.unwrap().resources.unwrap()
}

/// The status of an image; `None` when its record is gone.
async fn image_status(bench: &Bench, image: &str) -> Option<ImageStatus> {
    match bench.builder.get_image().image_build_version_arn(image).send().await {
        Ok(answer) => answer.image.unwrap().state.unwrap().status,
        Err(error) => {
            assert_eq!(error.code(), Some("ResourceNotFoundException"));
            None
        }
    }
}

/// The AMI of an image in its own Region.
async fn ami(bench: &Bench, image: &str) -> String {
    let answer = bench.builder.get_image().image_build_version_arn(image).send().await.unwrap();
    let outputs = answer.image.unwrap().output_resources.unwrap();
    outputs.amis()[0].image().unwrap().to_owned()
}

/// What EC2 says of an AMI; null for one that is gone.
fn described(bench: &Bench, ami: &str) -> Value {
    let filter = json!([{"Name": "image-id", "Value": [ami]}]);
    let input = json!({"Filter": filter, "IncludeDisabled": "true", "IncludeDeprecated": "true"});
    bench.call("ec2", REGION, "DescribeImages", input)["imagesSet"][0].clone()
}

fn rule(
    action: LifecyclePolicyDetailActionType,
    filter: LifecyclePolicyDetailFilter,
    include: LifecyclePolicyDetailActionIncludeResources,
) -> LifecyclePolicyDetail {
    let action = LifecyclePolicyDetailAction::builder().r#type(action).include_resources(include).build().unwrap();
    LifecyclePolicyDetail::builder().action(action).filter(filter).build()
}

fn days(days: i32) -> LifecyclePolicyDetailFilter {
    let filter = LifecyclePolicyDetailFilter::builder().r#type(LifecyclePolicyDetailFilterType::Age).value(days);
    filter.unit(LifecyclePolicyTimeUnit::Days).build().unwrap()
}

fn newest(count: i32) -> LifecyclePolicyDetailFilter {
    LifecyclePolicyDetailFilter::builder().r#type(LifecyclePolicyDetailFilterType::Count).value(count).build().unwrap()
}

fn amis(snapshots: bool) -> LifecyclePolicyDetailActionIncludeResources {
    LifecyclePolicyDetailActionIncludeResources::builder().amis(true).snapshots(snapshots).build()
}

/// The images of the recipe `web` 1.x.x.
fn web() -> LifecyclePolicyResourceSelection {
    let recipe = LifecyclePolicyResourceSelectionRecipe::builder().name("web").semantic_version("1.x.x");
    LifecyclePolicyResourceSelection::builder().recipes(recipe.build().unwrap()).build()
}

async fn policy(bench: &Bench, name: &str, rules: Vec<LifecyclePolicyDetail>) -> String {
    let create = bench.builder.create_lifecycle_policy().name(name).execution_role(ROLE).tags("team", "edge");
    let create = create.resource_type(LifecyclePolicyResourceType::AmiImage).set_policy_details(Some(rules));
    create.resource_selection(web()).send().await.unwrap().lifecycle_policy_arn.unwrap()
}

#[tokio::test]
async fn an_image_is_deprecated_disabled_restored_and_deleted_with_its_ami() {
    on_both(async |bench| {
        let pipeline = pipeline(bench).await;
        let image = built(bench, &pipeline).await;
        let id = ami(bench, &image).await;
        let mut executions = Vec::new();
        for (asked, status, ami_state, deprecated) in [
            (ResourceStatus::Deprecated, ImageStatus::Deprecated, "available", true),
            (ResourceStatus::Disabled, ImageStatus::Disabled, "disabled", true),
            (ResourceStatus::Available, ImageStatus::Available, "available", false),
        ] {
            let execution = update(bench, &image, asked).await;
            assert_eq!(execution_status(bench, &execution).await, LifecycleExecutionStatus::InProgress);
            bench.pass(TimeDelta::minutes(2)).await;
            assert_eq!(execution_status(bench, &execution).await, LifecycleExecutionStatus::Success);
            assert_eq!(image_status(bench, &image).await, Some(status));
            let answer = bench.builder.get_image().image_build_version_arn(&image).send().await.unwrap();
            let record = answer.image.unwrap();
            assert_eq!(record.lifecycle_execution_id(), Some(execution.as_str()));
            assert_eq!(record.deprecation_time().is_some(), deprecated);
            let ami = described(bench, &id);
            assert_eq!((ami["imageState"].as_str(), ami["deprecationTime"].is_string()), (Some(ami_state), deprecated));
            executions.push(execution);
        }
        let execution = update(bench, &image, ResourceStatus::Deleted).await;
        bench.pass(TimeDelta::minutes(2)).await;
        assert_eq!((image_status(bench, &image).await, described(bench, &id)), (None, Value::Null));
        executions.push(execution.clone());

        let images = acted_on(bench, &execution, None).await;
        assert_eq!((images.len(), images[0].resource_id()), (1, Some(image.as_str())));
        let gone = acted_on(bench, &execution, Some(&image)).await;
        assert_eq!((gone[0].resource_id(), gone[0].region()), (Some(id.as_str()), Some(REGION)));
        assert_eq!(gone[0].action().unwrap().name(), Some(&LifecycleExecutionResourceActionName::Delete));
        assert_eq!(gone[0].state().unwrap().status(), Some(&LifecycleExecutionResourceStatus::Success));
        assert!(gone[0].snapshots()[0].snapshot_id().unwrap().starts_with("snap-"));
        assert!(gone[0].end_time() > gone[0].start_time());

        let list = bench.builder.list_lifecycle_executions().resource_arn(&image).max_results(2).into_paginator();
        let listed: Vec<_> = list.items().send().collect::<Result<_, _>>().await.unwrap();
        executions.reverse();
        let ids: Vec<_> = listed.iter().map(|it| it.lifecycle_execution_id().unwrap().to_owned()).collect();
        assert_eq!(ids, executions, "newest first");
    })
    .await;
}

#[tokio::test]
async fn the_record_alone_changes_at_once_and_without_execution() {
    on_both(async |bench| {
        let pipeline = pipeline(bench).await;
        let image = built(bench, &pipeline).await;
        let start = bench.builder.start_resource_state_update().resource_arn(&image);
        let answer = start.state(state(ResourceStatus::Deprecated)).send().await.unwrap();
        assert_eq!(answer.lifecycle_execution_id(), None);
        assert_eq!(image_status(bench, &image).await, Some(ImageStatus::Deprecated));
        assert!(described(bench, &ami(bench, &image).await).get("deprecationTime").is_none_or(Value::is_null));
        // The newest version of the family that is available has gone with it.
        let newest = bench.builder.get_image().image_build_version_arn(arn("image/web/x.x.x")).send().await;
        assert_eq!(code(newest), "ResourceNotFoundException");
    })
    .await;
}

#[tokio::test]
async fn a_state_update_against_the_rules_is_refused() {
    on_both(async |bench| {
        let pipeline = pipeline(bench).await;
        let image = built(bench, &pipeline).await;
        let start = |status| bench.builder.start_resource_state_update().resource_arn(&image).state(state(status));
        let rules = LifecyclePolicyDetailExclusionRulesAmis::builder().is_public(true).build();
        let rules = ResourceStateUpdateExclusionRules::builder().amis(rules).build();
        let hour_ago = DateTime::from_secs(bench.local.world().now.timestamp() - 3_600);
        for (refused, member) in [
            (start(ResourceStatus::Available), "state.status"),
            (start(ResourceStatus::Deleted), "includeResources"),
            (start(ResourceStatus::Deprecated).execution_role(ROLE), "includeResources"),
            (start(ResourceStatus::Deprecated).include_resources(resources(true, false)), "executionRole"),
            (
                start(ResourceStatus::Disabled).execution_role(ROLE).include_resources(resources(true, true)),
                "includeResources.snapshots",
            ),
            (start(ResourceStatus::Deprecated).update_at(hour_ago), "updateAt"),
            (start(ResourceStatus::Disabled).update_at(DateTime::from_secs(4_000_000_000)), "updateAt"),
            (start(ResourceStatus::Deprecated).exclusion_rules(rules), "exclusionRules"),
        ] {
            let error = refused.send().await.unwrap_err();
            assert_eq!(error.code(), Some("InvalidRequestException"));
            assert!(error.message().unwrap().contains(&format!("'{member}'")), "{error:?}");
        }
        update(bench, &image, ResourceStatus::Disabled).await;
        assert_eq!(code(start(ResourceStatus::Disabled).send().await), "ResourceInUseException");
        let missing = bench.builder.start_resource_state_update().resource_arn(arn("image/web/1.0.0/9"));
        assert_eq!(code(missing.state(state(ResourceStatus::Disabled)).send().await), "ResourceNotFoundException");
    })
    .await;
}

#[tokio::test]
async fn a_scheduled_deprecation_waits_and_can_be_cancelled() {
    on_both(async |bench| {
        let pipeline = pipeline(bench).await;
        let image = built(bench, &pipeline).await;
        let at = bench.local.world().now + TimeDelta::days(2);
        let start = bench.builder.start_resource_state_update().resource_arn(&image);
        let start = start.state(state(ResourceStatus::Deprecated)).update_at(DateTime::from_secs(at.timestamp()));
        let started = start.execution_role(ROLE).include_resources(resources(true, false)).send().await.unwrap();
        let execution = started.lifecycle_execution_id.unwrap();
        bench.pass(TimeDelta::minutes(2)).await;
        assert_eq!(execution_status(bench, &execution).await, LifecycleExecutionStatus::Pending);
        assert_eq!(image_status(bench, &image).await, Some(ImageStatus::Available));
        let id = ami(bench, &image).await;
        assert!(described(bench, &id)["deprecationTime"].is_string());

        let cancel = || bench.builder.cancel_lifecycle_execution().lifecycle_execution_id(&execution);
        assert_eq!(cancel().send().await.unwrap().lifecycle_execution_id(), Some(execution.as_str()));
        assert_eq!(execution_status(bench, &execution).await, LifecycleExecutionStatus::Cancelling);
        bench.pass(TimeDelta::days(3)).await;
        assert_eq!(execution_status(bench, &execution).await, LifecycleExecutionStatus::Cancelled);
        assert_eq!(image_status(bench, &image).await, Some(ImageStatus::Available));
        assert!(described(bench, &id)["deprecationTime"].is_string(), "nothing is undone");
        assert_eq!(code(cancel().send().await), "InvalidRequestException");
    })
    .await;
}

#[tokio::test]
async fn what_is_not_there_or_of_the_wrong_kind_has_no_executions() {
    on_both(async |bench| {
        let unknown = "lce-00000000-0000-4000-8000-000000000000";
        let get = bench.builder.get_lifecycle_execution().lifecycle_execution_id(unknown).send().await;
        assert_eq!(code(get), "ResourceNotFoundException");
        let get = bench.builder.get_lifecycle_execution().lifecycle_execution_id("lce-1").send().await;
        assert_eq!(code(get), "InvalidParameterValueException");
        let cancel = bench.builder.cancel_lifecycle_execution().lifecycle_execution_id(unknown).send().await;
        assert_eq!(code(cancel), "ResourceNotFoundException");
        let list = bench.builder.list_lifecycle_execution_resources().lifecycle_execution_id(unknown).send().await;
        assert_eq!(code(list), "ResourceNotFoundException");
        let list = bench.builder.list_lifecycle_executions().resource_arn(arn("lifecycle-policy/none")).send().await;
        assert!(list.unwrap().lifecycle_executions().is_empty());
        for other in ["image-recipe/web/1.0.0", "image/web/1.0.0"] {
            let list = bench.builder.list_lifecycle_executions().resource_arn(arn(other)).send().await;
            assert_eq!(code(list), "InvalidRequestException", "{other}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_policy_deprecates_disables_and_deletes_over_days() {
    on_both(async |bench| {
        use LifecyclePolicyDetailActionType::{Delete, Deprecate, Disable};
        let pipeline = pipeline(bench).await;
        let image = built(bench, &pipeline).await;
        let id = ami(bench, &image).await;
        let rules = vec![
            rule(Delete, days(7), amis(true)),
            rule(Deprecate, days(1), amis(false)),
            rule(Disable, days(4), amis(false)),
        ];
        let policy = policy(bench, "retire", rules).await;
        let mut seen = vec![(0, Some(ImageStatus::Available))];
        let mut ami_states = vec![described(bench, &id)["imageState"].clone()];
        for day in 1..=10 {
            bench.pass(TimeDelta::days(1)).await;
            let status = image_status(bench, &image).await;
            if seen.last().unwrap().1 != status {
                seen.push((day, status));
                ami_states.push(described(bench, &id)["imageState"].clone());
            }
        }
        let (passed, statuses): (Vec<_>, Vec<_>) = seen.into_iter().unzip();
        let expected = [ImageStatus::Available, ImageStatus::Deprecated, ImageStatus::Disabled].map(Some);
        assert_eq!(statuses, [&expected[..], &[None]].concat());
        assert_eq!(ami_states, [json!("available"), json!("available"), json!("disabled"), Value::Null]);
        for (day, age) in passed.iter().zip([0, 1, 4, 7]) {
            assert!((age..=age + 1).contains(day), "{passed:?}");
        }

        let list = bench.builder.list_lifecycle_executions().resource_arn(&policy).send().await.unwrap();
        let runs = list.lifecycle_executions();
        assert_eq!(runs.len(), 10, "a run a day");
        let acted = |run: &&LifecycleExecution| run.resources_impacted_summary().unwrap().has_impacted_resources();
        let acted: Vec<_> = runs.iter().filter(acted).collect();
        assert_eq!(acted.len(), 3);
        for run in runs {
            assert_eq!(run.lifecycle_policy_arn(), Some(policy.as_str()));
            assert_eq!(run.state().unwrap().status(), Some(&LifecycleExecutionStatus::Success));
        }
        let deleted = acted_on(bench, acted[0].lifecycle_execution_id().unwrap(), None).await;
        let action = deleted[0].action().unwrap();
        assert_eq!(action.name(), Some(&LifecycleExecutionResourceActionName::Delete));
        assert_eq!(action.reason(), Some("The image is older than 7 days."));
        let of_image = bench.builder.list_lifecycle_executions().resource_arn(&image).send().await.unwrap();
        assert_eq!(of_image.lifecycle_executions().len(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_policy_keeps_the_newest_and_what_its_exclusion_rules_name() {
    on_both(async |bench| {
        let pipeline = pipeline(bench).await;
        let mut images = Vec::new();
        for _ in 0..4 {
            images.push(built(bench, &pipeline).await);
        }
        bench.builder.tag_resource().resource_arn(&images[0]).tags("keep", "yes").send().await.unwrap();
        let marked = ami(bench, &images[1]).await;
        let tag = json!([{"Key": "keep", "Value": "ami"}]);
        bench.call("ec2", REGION, "CreateTags", json!({"ResourceId": [marked], "Tag": tag}));
        let amis_rules = LifecyclePolicyDetailExclusionRulesAmis::builder().tag_map("keep", "ami").build();
        let exclusions = LifecyclePolicyDetailExclusionRules::builder().tag_map("keep", "yes").amis(amis_rules).build();
        let delete = rule(LifecyclePolicyDetailActionType::Delete, newest(1), amis(true));
        let delete = LifecyclePolicyDetail::builder()
            .set_action(delete.action)
            .set_filter(delete.filter)
            .exclusion_rules(exclusions)
            .build();
        policy(bench, "newest", vec![delete]).await;
        bench.pass(TimeDelta::days(1)).await;
        let mut left = Vec::new();
        for image in &images {
            left.push(image_status(bench, image).await.is_some());
        }
        assert_eq!(left, [true, true, false, true], "tagged, its AMI tagged, old, newest");
        let runs = bench.builder.list_lifecycle_executions().resource_arn(&images[1]).send().await.unwrap();
        let id = runs.lifecycle_executions()[0].lifecycle_execution_id().unwrap();
        let skipped = acted_on(bench, id, Some(&images[1])).await;
        let state = skipped[0].state().unwrap();
        assert_eq!(state.status(), Some(&LifecycleExecutionResourceStatus::Skipped));
        assert_eq!(state.reason(), Some("The AMI has the excluded tag keep=ami."));
    })
    .await;
}

#[tokio::test]
async fn a_policy_is_made_read_listed_replaced_and_deleted() {
    on_both(async |bench| {
        let delete = || vec![rule(LifecyclePolicyDetailActionType::Delete, newest(3), amis(true))];
        let made = policy(bench, "Keep Three", delete()).await;
        assert_eq!(made, arn("lifecycle-policy/keep-three"));
        let get = || bench.builder.get_lifecycle_policy().lifecycle_policy_arn(&made).send();
        let found = get().await.unwrap().lifecycle_policy.unwrap();
        assert_eq!((found.name(), found.status()), (Some("Keep Three"), Some(&LifecyclePolicyStatus::Enabled)));
        assert_eq!(found.policy_details()[0].filter().unwrap().value(), 3);
        assert_eq!(found.tags().unwrap()["team"], "edge");
        assert!(found.date_created().is_some() && found.date_updated().is_none() && found.date_last_run().is_none());

        let create = bench.builder.create_lifecycle_policy().name("keep_three").execution_role(ROLE);
        let create = create.resource_type(LifecyclePolicyResourceType::AmiImage).resource_selection(web());
        let create = create.set_policy_details(Some(delete()));
        assert_eq!(code(create.clone().send().await), "ResourceAlreadyExistsException");
        assert_eq!(code(create.name("other").dry_run(true).send().await), "DryRunOperationException");
        assert_eq!(
            bench.builder.list_lifecycle_policies().send().await.unwrap().lifecycle_policy_summary_list().len(),
            1
        );

        let update = || {
            let update = bench.builder.update_lifecycle_policy().lifecycle_policy_arn(&made).execution_role("other");
            update.resource_selection(web()).set_policy_details(Some(delete()))
        };
        let disable = update().resource_type(LifecyclePolicyResourceType::AmiImage).description("rests");
        disable.status(LifecyclePolicyStatus::Disabled).send().await.unwrap();
        bench.pass(TimeDelta::days(2)).await;
        let found = get().await.unwrap().lifecycle_policy.unwrap();
        assert_eq!((found.status(), found.date_last_run()), (Some(&LifecyclePolicyStatus::Disabled), None));
        assert_eq!((found.description(), found.execution_role()), (Some("rests"), Some("other")));
        let listed = async |name: &str, value: &str| {
            let filter = Filter::builder().name(name).values(value).build();
            let list = bench.builder.list_lifecycle_policies().filters(filter).send().await;
            list.map(|list| list.lifecycle_policy_summary_list().len())
        };
        for (name, value, count) in [
            ("name", "Keep*", 1),
            ("name", "keep*", 0),
            ("status", "DISABLED", 1),
            ("status", "ENABLED", 0),
            ("resourceType", "AMI_IMAGE", 1),
            ("resourceType", "CONTAINER_IMAGE", 0),
        ] {
            assert_eq!(listed(name, value).await.unwrap(), count, "{name}={value}");
        }
        assert_eq!(code(listed("executionRole", "other").await), "InvalidParameterValueException");

        update().resource_type(LifecyclePolicyResourceType::AmiImage).send().await.unwrap();
        let found = get().await.unwrap().lifecycle_policy.unwrap();
        assert_eq!((found.status(), found.description()), (Some(&LifecyclePolicyStatus::Enabled), None));
        assert!(found.date_updated().is_some() && found.tags().unwrap().contains_key("team"));
        let retyped = update().resource_type(LifecyclePolicyResourceType::ContainerImage).send().await;
        assert_eq!(code(retyped), "InvalidRequestException");

        let delete = || bench.builder.delete_lifecycle_policy().lifecycle_policy_arn(&made).send();
        assert_eq!(delete().await.unwrap().lifecycle_policy_arn(), Some(made.as_str()));
        assert_eq!(code(get().await), "ResourceNotFoundException");
        assert_eq!(code(delete().await), "ResourceNotFoundException");
        let gone = update().resource_type(LifecyclePolicyResourceType::AmiImage).send().await;
        assert_eq!(code(gone), "ResourceNotFoundException");
    })
    .await;
}

#[tokio::test]
async fn a_policy_against_the_rules_is_refused() {
    on_both(async |bench| {
        use LifecyclePolicyDetailActionType::{Delete, Deprecate, Disable};
        let create = |rules: Vec<LifecyclePolicyDetail>| {
            let create = bench.builder.create_lifecycle_policy().name("refused").execution_role(ROLE);
            let create = create.resource_type(LifecyclePolicyResourceType::AmiImage).resource_selection(web());
            create.set_policy_details(Some(rules))
        };
        let container = LifecyclePolicyResourceType::ContainerImage;
        let both = LifecyclePolicyResourceSelection::builder()
            .set_recipes(Some(web().recipes().to_vec()))
            .tag_map("team", "edge")
            .build();
        for (refused, member) in [
            (create(vec![rule(Deprecate, newest(1), amis(false))]), "policyDetails[0].filter.type"),
            (create(vec![rule(Disable, days(1), amis(true))]), "policyDetails[0].action.includeResources"),
            (
                create(vec![rule(Delete, days(1), amis(true)), rule(Delete, newest(1), amis(true))]),
                "policyDetails[1].action.type",
            ),
            (
                create(vec![rule(Disable, days(1), amis(false))]).resource_type(container),
                "policyDetails[0].action.type",
            ),
            (create(vec![rule(Delete, newest(1), amis(true))]).resource_selection(both), "resourceSelection"),
        ] {
            let error = refused.send().await.unwrap_err();
            assert_eq!(error.code(), Some("InvalidRequestException"));
            assert!(error.message().unwrap().contains(&format!("'{member}'")), "{error:?}");
        }
        let none = create(vec![]).send().await;
        assert_eq!(code(none), "InvalidParameterValueException");
        assert!(
            bench.builder.list_lifecycle_policies().send().await.unwrap().lifecycle_policy_summary_list().is_empty()
        );
    })
    .await;
}
