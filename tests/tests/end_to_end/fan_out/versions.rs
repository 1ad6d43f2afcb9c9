//! Parameter Store's rule of a hundred versions, the oldest of which can't go while a label lies on it.

use super::*;
use crate::harness::{build, invocations};

#[tokio::test]
async fn a_channel_on_the_oldest_version_keeps_its_build_when_the_hundred_are_full() {
    let running = three_accounts(81, &[]).await;
    let local = &running.local;
    let (first, _) = build(local, "web").await;
    done(local, json!({"promote": {"family": "web", "channel": "prod", "build": "1.0.0/1"}})).await;
    let (second, _) = build(local, "web").await;
    // As if there had been many more writes: in two places there are nearly a hundred versions now.
    let full = [(DEFAULT_REGION, DEFAULT_ACCOUNT), (REGIONS[1], OTHERS[0])];
    for place in full {
        for _ in 2..97 {
            let input = json!({
                "Name": "/golden-images/web", "Value": ami(local, &second, place), "Overwrite": true,
                "DataType": "aws:ec2:image", "Description": second,
            });
            call_in(&mut local.world(), place.1, place.0, "ssm", "PutParameter", input).unwrap();
        }
    }
    settle(local).await;
    for place in full {
        let versions = history(local, place, "web");
        assert!(versions.len() == 97 && versions[0].labels.contains(&"prod".to_owned()), "{place:?}");
    }
    for _ in 0..6 {
        let (newest, _) = build(local, "web").await;
        assert!(stands_everywhere(local, None, &newest), "{:?}", invocations(local, "fan-out-amis").pop());
        assert!(stands_everywhere(local, Some("prod"), &first));
    }
    assert!(full.into_iter().all(|place| history(local, place, "web").len() == 100));
    for place in full {
        let resolved = call_in(
            &mut local.world(),
            place.1,
            place.0,
            "ssm",
            "GetParameter",
            json!({"Name": "/golden-images/web:prod"}),
        );
        assert_eq!(resolved.unwrap()["Parameter"]["Value"], json!(ami(local, &first, place)), "{place:?}");
    }
    assert_eq!(announcements(local).0, 8);
    running.local.shut_down().await;
}
