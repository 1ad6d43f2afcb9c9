//! Auto Scaling groups.

use crate::harness::on_both;
use crate::{ami, client, template};
use goldsmith_local::world::DEFAULT_REGION;
use serde_json::json;
use shared::ec2::{self, DescribeAutoScalingGroups, Filter};

#[tokio::test]
async fn groups_tell_from_what_they_launch() {
    on_both(async |bench| {
        let client = client(bench, 1);
        let id = ami(bench, "web").await;
        let make = |operation: &str, input| bench.call("autoscaling", DEFAULT_REGION, operation, input);
        let (web, arm) = (template(bench, "web", &[&id, &id, &id]), template(bench, "arm", &[&id]));
        let launches = json!({"LaunchConfigurationName": "old", "ImageId": id, "InstanceType": "m5.large"});
        make("CreateLaunchConfiguration", launches);
        let group = |name: &str, member: &str, source| {
            let tags = json!([{"Key": "team", "Value": name}]);
            json!({"AutoScalingGroupName": name, "MinSize": "0", "MaxSize": "1", "Tags": tags, member: source})
        };
        let pinned = json!({"LaunchTemplateId": web, "Version": "1"});
        make("CreateAutoScalingGroup", group("pinned", "LaunchTemplate", pinned));
        let mixed = json!({"LaunchTemplate": {
            "LaunchTemplateSpecification": {"LaunchTemplateName": "web", "Version": "$Latest"},
            "Overrides": [
                {"InstanceType": "c7g.large", "LaunchTemplateSpecification": {"LaunchTemplateName": "arm"}},
                {"InstanceType": "c7i.large"},
            ],
        }});
        make("CreateAutoScalingGroup", group("mixed", "MixedInstancesPolicy", mixed));
        make("CreateAutoScalingGroup", group("configured", "LaunchConfigurationName", json!("old")));
        let request = DescribeAutoScalingGroups { max_records: Some(2), ..DescribeAutoScalingGroups::default() };
        let pages = async |next: Option<String>| client.describe_auto_scaling_groups(&request, next.as_deref()).await;
        let groups = ec2::all(pages).await.unwrap();
        let launched: Vec<_> = groups
            .iter()
            .map(|group| {
                let of = group
                    .launch_templates()
                    .map(|one| (one.launch_template_id.as_deref().unwrap(), one.version.as_deref().unwrap()));
                (
                    group.auto_scaling_group_name.as_str(),
                    of.collect::<Vec<_>>(),
                    group.launch_configuration_name.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            launched,
            [
                ("configured", vec![], Some("old")),
                ("mixed", vec![(web.as_str(), "$Latest"), (arm.as_str(), "$Default")], None),
                ("pinned", vec![(web.as_str(), "1")], None),
            ]
        );
        let some = DescribeAutoScalingGroups {
            auto_scaling_group_names: vec!["mixed".into(), "pinned".into(), "none".into()],
            filters: vec![Filter::new("tag:team", ["pinned", "other"])],
            max_records: None,
        };
        let found = client.describe_auto_scaling_groups(&some, None).await.unwrap();
        assert_eq!(found.items.iter().map(|one| &one.auto_scaling_group_name).collect::<Vec<_>>(), ["pinned"]);
        let names = ["old".to_owned(), "none".to_owned()];
        let configurations = client.describe_launch_configurations(&names, None).await.unwrap();
        assert_eq!((configurations.items.len(), &configurations.items[0].image_id), (1, &id));
        assert_eq!(client.describe_launch_configurations(&[], None).await.unwrap(), configurations);
        let bad = DescribeAutoScalingGroups { max_records: Some(101), ..DescribeAutoScalingGroups::default() };
        let error = client.describe_auto_scaling_groups(&bad, None).await.unwrap_err();
        assert_eq!(error.code(), Some("ValidationError"));
        assert!(error.to_string().starts_with("DescribeAutoScalingGroups of Auto Scaling groups in us-east-1: "));
    })
    .await;
}
