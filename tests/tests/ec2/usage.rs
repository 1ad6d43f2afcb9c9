//! Who uses an AMI.

use crate::harness::{Bench, on_both};
use crate::{ami, client, ec2, instance, template};
use chrono::TimeDelta;
use goldsmith_local::dispatch;
use goldsmith_local::wire::{Caller, Context, Principal};
use goldsmith_local::world::DEFAULT_REGION;
use serde_json::{Value, json};
use shared::ec2::{
    self, CreateImageUsageReport, DescribeImageReferences, DescribeImageUsageReports, ImageReference, LaunchPermission,
};
use std::collections::BTreeMap;

fn of(id: &str) -> DescribeImageReferences {
    DescribeImageReferences { image_ids: vec![id.into()], ..DescribeImageReferences::default() }
}

async fn types(bench: &Bench, request: &DescribeImageReferences) -> Vec<String> {
    let client = client(bench, 1);
    let all = ec2::all(async |next| client.describe_image_references(request, next.as_deref()).await).await.unwrap();
    all.into_iter().map(|reference: ImageReference| reference.resource_type).collect()
}

#[tokio::test]
async fn references_of_every_type_are_found() {
    on_both(async |bench| {
        let id = ami(bench, "web").await;
        assert_eq!(types(bench, &of(&id)).await, Vec::<String>::new());
        let instance = instance(bench, &id).await;
        template(bench, "web", &[&id]);
        template(bench, "by-parameter", &["resolve:ssm:/golden/web"]);
        bench.call("ssm", DEFAULT_REGION, "PutParameter", json!({"Name": "/golden/web", "Value": id, "Type": "String"}));
        let component = "arn:aws:imagebuilder:us-east-1:aws:component/update-linux/x.x.x";
        let recipe = json!({
            "name": "child", "semanticVersion": "1.0.0", "parentImage": id, "clientToken": "1",
            "components": [{"componentArn": component}],
        });
        bench.call("imagebuilder", DEFAULT_REGION, "CreateImageRecipe", recipe);
        let container = json!({
            "name": "box", "semanticVersion": "1.0.0", "containerType": "DOCKER", "parentImage": "amazonlinux:latest",
            "targetRepository": {"service": "ECR", "repositoryName": "box"}, "clientToken": "2",
            "components": [{"componentArn": component}], "instanceConfiguration": {"image": id},
            "dockerfileTemplateData":
                "FROM {{{ imagebuilder:parentImage }}}\n{{{ imagebuilder:environments }}}\n{{{ imagebuilder:components }}}",
        });
        bench.call("imagebuilder", DEFAULT_REGION, "CreateContainerRecipe", container);
        // A template that names its AMI by a parameter isn't a reference: the parameter is.
        let every = [
            "ec2:Instance",
            "ec2:LaunchTemplate",
            "imagebuilder:ContainerRecipe",
            "imagebuilder:ImageRecipe",
            "ssm:Parameter",
        ];
        let mut found = types(bench, &of(&id)).await;
        found.sort();
        assert_eq!(found, every);
        ec2(bench, "TerminateInstances", json!({"InstanceId": [instance]}));
        bench.pass(TimeDelta::minutes(10)).await;
        assert!(types(bench, &of(&id)).await.contains(&"ec2:Instance".to_owned()));
        let living = ["pending", "running", "shutting-down", "stopping", "stopped"].map(str::to_owned);
        let living = DescribeImageReferences { instance_states: living.into(), ..of(&id) };
        let mut found = types(bench, &living).await;
        found.sort();
        assert_eq!(found, every[1..]);
    })
    .await;
}

#[tokio::test]
async fn references_reach_as_deep_as_asked_and_come_in_pages() {
    on_both(async |bench| {
        let (old, new) = (ami(bench, "old").await, ami(bench, "new").await);
        let names: Vec<String> = (0..7).map(|number| format!("web-{number}")).collect();
        for name in &names {
            let versions: Vec<&str> =
                std::iter::once(old.as_str()).chain(std::iter::repeat_n(new.as_str(), 12)).collect();
            template(bench, name, &versions);
        }
        let both = |version_depth, max_results| DescribeImageReferences {
            image_ids: vec![old.clone(), new.clone()],
            version_depth,
            max_results,
            ..DescribeImageReferences::default()
        };
        assert_eq!(types(bench, &both(None, None)).await.len(), 7);
        assert_eq!(types(bench, &both(Some(12), None)).await.len(), 7);
        assert_eq!(types(bench, &both(Some(13), None)).await.len(), 14);
        let client = client(bench, 1);
        let request = both(Some(100), Some(5));
        let first = client.describe_image_references(&request, None).await.unwrap();
        assert_eq!((first.items.len(), first.next.is_some()), (5, true));
        assert_eq!(types(bench, &request).await.len(), 14);
        let eleven = DescribeImageReferences { image_ids: vec![old.clone(); 11], ..DescribeImageReferences::default() };
        let error = client.describe_image_references(&eleven, None).await.unwrap_err();
        assert_eq!(error.code(), Some("InvalidParameterValue"));
        let none = client.describe_image_references(&DescribeImageReferences::default(), None).await.unwrap_err();
        assert_eq!(none.code(), Some("MissingParameter"));
    })
    .await;
}

#[tokio::test]
async fn other_accounts_use_is_reported_later() {
    on_both(async |bench| {
        let client = client(bench, 1);
        let id = ami(bench, "web").await;
        client.modify_image_attribute(&id, &[LaunchPermission::UserId("111122223333".into())]).await.unwrap();
        as_other(bench, "RunInstances", json!({"ImageId": id, "MinCount": "3", "MaxCount": "3"}));
        let data = json!({"LaunchTemplateName": "theirs", "LaunchTemplateData": {"ImageId": id}});
        as_other(bench, "CreateLaunchTemplate", data);
        // Their use is no reference of one's own.
        assert_eq!(types(bench, &of(&id)).await, Vec::<String>::new());
        let asked = CreateImageUsageReport {
            image_id: id.clone(),
            version_depth: Some(100),
            account_ids: Vec::new(),
            client_token: Some("once".into()),
            tags: BTreeMap::from([("made by".into(), "deprecate-images".into())]),
        };
        let report_id = client.create_image_usage_report(&asked).await.unwrap();
        assert_eq!(client.create_image_usage_report(&asked).await.unwrap(), report_id);
        let by_image =
            DescribeImageUsageReports { image_ids: vec![id.clone()], ..DescribeImageUsageReports::default() };
        let by_id = DescribeImageUsageReports { report_ids: vec![report_id.clone()], ..by_image.clone() };
        let pending = client.describe_image_usage_reports(&by_image, None).await.unwrap().items.remove(0);
        assert_eq!((pending.report_id.as_str(), pending.state.as_str()), (report_id.as_str(), "pending"));
        assert_eq!(pending.tags["made by"], "deprecate-images");
        assert_eq!(client.describe_image_usage_report_entries(&by_id, None).await.unwrap().items, []);
        bench.pass(TimeDelta::hours(1)).await;
        let done = client.describe_image_usage_reports(&by_id, None).await.unwrap().items.remove(0);
        assert_eq!((done.state.as_str(), done.creation_time), ("available", pending.creation_time));
        let kinds: Vec<&str> = done.resource_types.iter().map(|kind| kind.resource_type.as_str()).collect();
        assert_eq!(kinds, ["ec2:Instance", "ec2:LaunchTemplate"]);
        let one = DescribeImageUsageReports { max_results: Some(1), ..by_id.clone() };
        let entries = ec2::all(async |next| client.describe_image_usage_report_entries(&one, next.as_deref()).await);
        let entries: Vec<_> = entries
            .await
            .unwrap()
            .into_iter()
            .map(|entry| (entry.account_id, entry.resource_type, entry.usage_count))
            .collect();
        let used = |kind: &str, count| ("111122223333".to_owned(), kind.to_owned(), count);
        assert_eq!(entries, [used("ec2:Instance", 3), used("ec2:LaunchTemplate", 1)]);
        client.delete_image_usage_report(&report_id).await.unwrap();
        let gone = client.delete_image_usage_report(&report_id).await.unwrap_err();
        assert_eq!(gone.code(), Some("InvalidImageUsageReportId.NotFound"));
        let gone = client.describe_image_usage_reports(&by_id, None).await.unwrap_err();
        assert_eq!(gone.code(), Some("InvalidImageUsageReportId.NotFound"));
        let gone = client.describe_image_usage_report_entries(&by_id, None).await.unwrap_err();
        assert_eq!(gone.code(), Some("InvalidImageUsageReportId.NotFound"));
        let others = CreateImageUsageReport { image_id: "ami-0123456789abcdef0".into(), ..asked };
        let error = client.create_image_usage_report(&others).await.unwrap_err();
        assert_eq!(error.code(), Some("InvalidAMIID.NotFound"));
    })
    .await;
}

/// A call of EC2 by another account.
fn as_other(bench: &Bench, operation: &str, input: Value) {
    let mut world = bench.local.world();
    let caller = Caller { account: "111122223333".into(), principal: Principal::Root, invocation: None };
    let context = Context { caller, region: DEFAULT_REGION.into(), request_id: "other".into() };
    dispatch::call(&mut world, &context, "ec2", operation, input).unwrap();
}
