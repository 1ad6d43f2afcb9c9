//! Launch templates.

use crate::harness::on_both;
use crate::{ami, client, ec2, template};
use goldsmith_local::world::DEFAULT_REGION;
use serde_json::json;
use shared::ec2::{self, DescribeLaunchTemplateVersions, DescribeLaunchTemplates, Filter};

#[tokio::test]
async fn templates_are_described_in_pages() {
    on_both(async |bench| {
        let client = client(bench, 1);
        let ids: Vec<String> =
            (0..5).map(|number| template(bench, &format!("web-{number}"), &["ami-00000001"])).collect();
        let request = DescribeLaunchTemplates { max_results: Some(2), ..DescribeLaunchTemplates::default() };
        let all =
            ec2::all(async |next| client.describe_launch_templates(&request, next.as_deref()).await).await.unwrap();
        assert_eq!(all.len(), 5);
        assert!(all.iter().all(|one| (one.default_version_number, one.latest_version_number) == (1, 1)));
        let named = DescribeLaunchTemplates {
            launch_template_names: vec!["web-3".into()],
            ..DescribeLaunchTemplates::default()
        };
        let found = client.describe_launch_templates(&named, None).await.unwrap().items;
        assert_eq!(found.iter().map(|one| &one.launch_template_id).collect::<Vec<_>>(), [&ids[3]]);
        let unknown = DescribeLaunchTemplates {
            launch_template_ids: vec!["lt-0123456789abcdef0".into()],
            ..DescribeLaunchTemplates::default()
        };
        let error = client.describe_launch_templates(&unknown, None).await.unwrap_err();
        assert_eq!(error.code(), Some("InvalidLaunchTemplateId.NotFound"));
    })
    .await;
}

#[tokio::test]
async fn versions_name_their_amis_resolved_or_not() {
    on_both(async |bench| {
        let client = client(bench, 1);
        let id = ami(bench, "web").await;
        let parameter = json!({"Name": "/golden/web", "Value": id, "Type": "String", "DataType": "text"});
        bench.call("ssm", DEFAULT_REGION, "PutParameter", parameter);
        let template_id = template(bench, "web", &[&id, "ami-00000001", "resolve:ssm:/golden/web"]);
        ec2(
            bench,
            "CreateLaunchTemplate",
            json!({"LaunchTemplateName": "bare", "LaunchTemplateData": {"InstanceType": "m5.large"}}),
        );
        let of_web = DescribeLaunchTemplateVersions {
            launch_template_id: Some(template_id),
            max_results: Some(2),
            ..DescribeLaunchTemplateVersions::default()
        };
        let images = async |request: DescribeLaunchTemplateVersions| {
            let pages =
                async |next: Option<String>| client.describe_launch_template_versions(&request, next.as_deref()).await;
            let all = ec2::all(pages).await.unwrap().into_iter();
            all.map(|version| (version.version_number, version.launch_template_data.image_id)).collect::<Vec<_>>()
        };
        let (first, second, third) = (
            (1, Some(id.clone())),
            (2, Some("ami-00000001".to_owned())),
            (3, Some("resolve:ssm:/golden/web".to_owned())),
        );
        assert_eq!(images(of_web.clone()).await, [third.clone(), second.clone(), first.clone()]);
        let resolved = DescribeLaunchTemplateVersions { resolve_alias: true, ..of_web.clone() };
        assert_eq!(images(resolved).await[0], (3, Some(id.clone())));
        let some = DescribeLaunchTemplateVersions { versions: vec!["$Default".into(), "2".into()], ..of_web.clone() };
        assert_eq!(images(some).await, [second.clone(), first.clone()]);
        let ranged = DescribeLaunchTemplateVersions { min_version: Some(2), max_version: Some(2), ..of_web.clone() };
        assert_eq!(images(ranged).await, [second]);
        let filtered =
            DescribeLaunchTemplateVersions { filters: vec![Filter::new("image-id", [&id])], ..of_web.clone() };
        assert_eq!(images(filtered).await, [first]);
        let everywhere = DescribeLaunchTemplateVersions {
            versions: vec!["$Latest".into(), "$Default".into()],
            ..DescribeLaunchTemplateVersions::default()
        };
        let all = client.describe_launch_template_versions(&everywhere, None).await.unwrap().items;
        let mut shown: Vec<_> = all
            .iter()
            .map(|one| (one.launch_template_name.as_str(), one.version_number, one.default_version))
            .collect();
        shown.sort();
        assert_eq!(shown, [("bare", 1, true), ("web", 1, true), ("web", 3, false)]);
        let refused = async |request| {
            let error = client.describe_launch_template_versions(&request, None).await.unwrap_err();
            error.code().map(str::to_owned)
        };
        let unknown = DescribeLaunchTemplateVersions { versions: vec!["9".into()], ..of_web.clone() };
        assert_eq!(refused(unknown).await.as_deref(), Some("InvalidLaunchTemplateId.VersionNotFound"));
        assert_eq!(refused(DescribeLaunchTemplateVersions::default()).await.as_deref(), Some("MissingParameter"));
    })
    .await;
}
