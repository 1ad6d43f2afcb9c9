//! Container images: their URIs are published as the AMIs are, as text.

use super::*;
use crate::harness::{build, deployed};

#[tokio::test]
async fn the_uris_of_a_container_image_are_published_in_each_of_its_regions() {
    let running = deployed(51, &[own_stack("container.yaml")]).await;
    let local = &running.local;
    for number in [1, 2] {
        let (arn, _) = build(local, "runner").await;
        for (region, uris) in [
            ("us-east-1", format!("123456789012.dkr.ecr.us-east-1.amazonaws.com/runner:1.0.0-{number}")),
            (
                "eu-west-1",
                format!(
                    "123456789012.dkr.ecr.eu-west-1.amazonaws.com/runner:1.0.0-{number},\
                     123456789012.dkr.ecr.eu-west-1.amazonaws.com/runner:stable"
                ),
            ),
        ] {
            let version = history(local, (region, DEFAULT_ACCOUNT), "runner").pop().unwrap();
            assert_eq!((version.number, version.value, version.data_type.as_str()), (number, uris, "text"), "{region}");
            assert!(version.build == arn && version.labels.contains(&format!("v1.0.0-{number}")), "{region}");
        }
        assert_eq!(announcements(local).0, usize::try_from(number).unwrap());
    }
    running.local.shut_down().await;
}
