//! AMIs, their shares and their snapshots.

use crate::harness::on_both;
use crate::{ami, client, ec2, instance};
use chrono::TimeDelta;
use serde_json::json;
use shared::clients::Regional;
use shared::ec2::{self, Client, DescribeImages, DescribeSnapshots, Filter, LaunchPermission};

fn own() -> DescribeImages {
    DescribeImages { owners: vec!["self".into()], ..DescribeImages::default() }
}

#[tokio::test]
async fn images_are_described_in_pages() {
    on_both(async |bench| {
        let client = client(bench, 1);
        for number in 0..12 {
            ami(bench, &format!("web {number:02}")).await;
        }
        let request = DescribeImages { max_results: Some(5), ..own() };
        let first = client.describe_images(&request, None).await.unwrap();
        assert_eq!((first.items.len(), first.next.is_some()), (5, true));
        let all = ec2::all(async |next| client.describe_images(&request, next.as_deref()).await).await.unwrap();
        let mut names: Vec<_> = all.iter().map(|image| image.name.clone().unwrap()).collect();
        names.sort();
        assert_eq!(names, (0..12).map(|number| format!("web {number:02}")).collect::<Vec<_>>());
        let filters = vec![Filter::new("name", ["web 0?"]), Filter::new("state", ["available"])];
        let some = client.describe_images(&DescribeImages { filters, ..own() }, None).await.unwrap();
        assert_eq!((some.items.len(), some.next), (10, None));
    })
    .await;
}

#[tokio::test]
async fn what_becomes_of_an_image_shows() {
    on_both(async |bench| {
        let client = client(bench, 1);
        let id = ami(bench, "web (1)").await;
        let image = async |include_disabled: bool| {
            let request = DescribeImages { image_ids: vec![id.clone()], include_disabled, ..DescribeImages::default() };
            client.describe_images(&request, None).await.unwrap().items.pop()
        };
        let fresh = image(false).await.unwrap();
        assert_eq!((fresh.state.as_str(), fresh.name.as_deref()), ("available", Some("web (1)")));
        assert!(fresh.creation_date.is_some() && fresh.last_launched_time.is_none() && !fresh.is_public);
        assert_eq!(fresh.deregistration_protection.as_deref(), Some("disabled"));
        ec2(bench, "CreateTags", json!({"ResourceId": [id], "Tag": [{"Key": "goldsmith:keep-image", "Value": ""}]}));
        ec2(bench, "EnableImageDeregistrationProtection", json!({"ImageId": id}));
        ec2(bench, "EnableImageDeprecation", json!({"ImageId": id, "DeprecateAt": "2026-06-01T00:00:00Z"}));
        let launched = bench.local.world().now;
        instance(bench, &id).await;
        // AWS tells of a launch a day late.
        assert_eq!(image(false).await.unwrap().last_launched_time, None);
        bench.pass(TimeDelta::days(1)).await;
        let used = image(false).await.unwrap();
        assert_eq!(used.last_launched_time.unwrap().secs(), launched.timestamp());
        assert_eq!(used.deprecation_time.unwrap().to_string(), "2026-06-01T00:00:00Z");
        assert_eq!(used.deregistration_protection.as_deref(), Some("enabled-without-cooldown"));
        assert_eq!(used.tags["goldsmith:keep-image"], "");
        ec2(bench, "DisableImage", json!({"ImageId": id}));
        assert_eq!(image(false).await, None);
        assert_eq!(image(true).await.unwrap().state, "disabled");
    })
    .await;
}

#[tokio::test]
async fn an_image_that_is_not_there_is_told() {
    on_both(async |bench| {
        let client = client(bench, 1);
        let request = |id: &str| DescribeImages { image_ids: vec![id.into()], ..DescribeImages::default() };
        let error = client.describe_images(&request("ami-0123456789abcdef0"), None).await.unwrap_err();
        assert_eq!(error.code(), Some("InvalidAMIID.NotFound"));
        assert!(!error.is_retryable());
        assert_eq!(
            error.to_string(),
            "DescribeImages of ami-0123456789abcdef0 in us-east-1: InvalidAMIID.NotFound: \
             The image id '[ami-0123456789abcdef0]' does not exist"
        );
        let error = client.describe_images(&request("web"), None).await.unwrap_err();
        assert_eq!(error.code(), Some("InvalidAMIID.Malformed"));
        let regions = Regional::new(&bench.config, Client::new);
        let id = ami(bench, "web").await;
        assert!(regions.in_region("us-east-1").describe_images(&request(&id), None).await.is_ok());
        let error = regions.in_region("eu-west-1").describe_images(&request(&id), None).await.unwrap_err();
        assert!(error.to_string().starts_with(&format!("DescribeImages of {id} in eu-west-1: InvalidAMIID.NotFound")));
    })
    .await;
}

#[tokio::test]
async fn shares_go_when_an_image_is_disabled_and_are_put_back() {
    on_both(async |bench| {
        let client = client(bench, 1);
        let id = ami(bench, "web").await;
        let shares = async || {
            let mut shares = client.describe_image_attribute(&id).await.unwrap();
            shares.sort();
            shares
        };
        assert_eq!(shares().await, []);
        let wanted = [
            LaunchPermission::UserId("111122223333".into()),
            LaunchPermission::UserId("444455556666".into()),
            LaunchPermission::OrganizationArn("arn:aws:organizations::123456789012:organization/o-1234567890".into()),
        ];
        client.modify_image_attribute(&id, &wanted).await.unwrap();
        let shared = shares().await;
        assert_eq!(shared, wanted);
        ec2(bench, "DisableImage", json!({"ImageId": id}));
        assert_eq!(shares().await, []);
        ec2(bench, "EnableImage", json!({"ImageId": id}));
        assert_eq!(shares().await, []);
        client.modify_image_attribute(&id, &shared).await.unwrap();
        assert_eq!(shares().await, wanted);
        let unknown = "ami-0123456789abcdef0";
        let error = client.describe_image_attribute(unknown).await.unwrap_err();
        assert_eq!(error.code(), Some("InvalidAMIID.NotFound"));
        let error = client.modify_image_attribute(unknown, &wanted).await.unwrap_err();
        assert_eq!(error.code(), Some("InvalidAMIID.NotFound"));
    })
    .await;
}

#[tokio::test]
async fn snapshots_tell_their_sizes() {
    on_both(async |bench| {
        let client = client(bench, 1);
        for number in 0..7 {
            ami(bench, &format!("web {number}")).await;
        }
        let images = client.describe_images(&own(), None).await.unwrap().items;
        let mut wanted: Vec<String> =
            images.iter().flat_map(|image| image.snapshot_ids().map(str::to_owned).collect::<Vec<_>>()).collect();
        wanted.sort();
        let request =
            DescribeSnapshots { owner_ids: vec!["self".into()], max_results: Some(5), ..DescribeSnapshots::default() };
        let all = ec2::all(async |next| client.describe_snapshots(&request, next.as_deref()).await).await.unwrap();
        assert_eq!(
            all.iter().map(|snapshot| &snapshot.snapshot_id).collect::<Vec<_>>(),
            wanted.iter().collect::<Vec<_>>()
        );
        for snapshot in &all {
            let held = snapshot.full_snapshot_size_in_bytes.unwrap();
            assert_eq!((snapshot.volume_size, snapshot.state.as_str()), (8, "completed"));
            assert!(held > 0 && held < 8 << 30, "{held}");
        }
        let named = DescribeSnapshots { snapshot_ids: wanted[..2].to_vec(), ..DescribeSnapshots::default() };
        assert_eq!(client.describe_snapshots(&named, None).await.unwrap().items.len(), 2);
        let gone =
            DescribeSnapshots { snapshot_ids: vec!["snap-0123456789abcdef0".into()], ..DescribeSnapshots::default() };
        assert_eq!(client.describe_snapshots(&gone, None).await.unwrap_err().code(), Some("InvalidSnapshot.NotFound"));
        let filtered = DescribeSnapshots {
            filters: vec![Filter::new("snapshot-id", [&wanted[0], "snap-0123456789abcdef0"])],
            ..DescribeSnapshots::default()
        };
        assert_eq!(client.describe_snapshots(&filtered, None).await.unwrap().items.len(), 1);
    })
    .await;
}
