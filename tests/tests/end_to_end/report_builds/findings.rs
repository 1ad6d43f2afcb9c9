//! Findings of scans.

use super::*;
use crate::harness::{call_in, published};

/// Every scanned build has one critical finding more.
fn critical() -> Value {
    json!({"fault": "finding", "severity": "CRITICAL", "match": {"pipeline": "scanned"}})
}

#[tokio::test]
async fn a_critical_finding_is_told_once_and_keeps_the_build_from_channels() {
    for seed in [721, 722] {
        let channels = r#"{"prod": {"promote": "auto"}}"#;
        let running = world(seed, &[("Channels", channels)]).await;
        let local = &running.local;
        noise(local, seed, &[critical()]);
        let arn = built(local, "scanned").await;
        sweep(local).await;
        assert_eq!(status(local, &arn), "AVAILABLE");
        assert_eq!(reports(local).len(), 1, "{:?}", reports(local));
        let text = text(local);
        assert!(text.contains("critical") && text.contains("goldsmith:findings-accepted"), "{text}");
        let tags = image(local, &arn)["tags"].clone();
        assert!(tags["goldsmith:blocked"].as_str().unwrap().starts_with("findings: 1 critical"), "{tags}");
        assert!(!published(local, "scanned").is_empty(), "who asks for the newest gets it");
        let prod = json!({"Name": "/golden-images/scanned:prod"});
        let prod = call_in(&mut local.world(), "123456789012", DEFAULT_REGION, "ssm", "GetParameter", prod);
        assert!(prod.is_err(), "and the channel stays where it is: {prod:?}");
        running.local.shut_down().await;
    }
}

#[tokio::test]
async fn findings_that_somebody_accepted_block_nothing() {
    let running = world(723, &[("BlockSeverity", "none"), ("ReportSeverity", "none")]).await;
    let local = &running.local;
    noise(local, 723, &[critical()]);
    let arn = built(local, "scanned").await;
    sweep(local).await;
    assert_eq!(reports(local), [""; 0]);
    assert!(image(local, &arn)["tags"].get("goldsmith:blocked").is_none());
    running.local.shut_down().await;
}
