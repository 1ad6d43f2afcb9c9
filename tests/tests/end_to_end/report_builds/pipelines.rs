//! Pipelines that stand still, and recipes whose inputs are withdrawn.

use super::*;
use crate::harness::deployed;

fn pipeline(local: &Local, name: &str) -> Value {
    let arn = format!("arn:aws:imagebuilder:{DEFAULT_REGION}:123456789012:image-pipeline/{name}");
    let input = json!({"imagePipelineArn": arn});
    call(&mut local.world(), "imagebuilder", DEFAULT_REGION, "GetImagePipeline", input)["imagePipeline"].clone()
}

fn of<'a>(told: &'a [String], words: &str) -> Vec<&'a String> {
    told.iter().filter(|subject| subject.contains(words)).collect()
}

#[tokio::test]
async fn a_pipeline_that_failed_five_times_is_told_once_to_be_disabled() {
    for seed in [741, 742] {
        let running = deployed(seed, &[own_stack("nightly.yaml")]).await;
        let local = &running.local;
        noise(local, seed, &[]);
        hours(local, 7 * 24).await;
        let nightly = pipeline(local, "nightly");
        assert_eq!((nightly["status"].as_str(), nightly["consecutiveFailures"].as_i64()), (Some("DISABLED"), Some(5)));
        sweep(local).await;
        let told = reports(local);
        assert_eq!(told.len(), 2, "that it fails, and that it was disabled: {told:?}");
        assert_eq!(of(&told, "disabled").len(), 1, "{told:?}");
        // Somebody enables it again.
        let mut input = json!({"clientToken": "enable", "status": "ENABLED", "imagePipelineArn": nightly["arn"]});
        for member in ["imageRecipeArn", "infrastructureConfigurationArn", "distributionConfigurationArn", "schedule"] {
            input[member] = nightly[member].clone();
        }
        call(&mut local.world(), "imagebuilder", DEFAULT_REGION, "UpdateImagePipeline", input);
        sweep(local).await;
        sweep(local).await;
        let told = reports(local);
        assert_eq!(of(&told, "enabled again").len(), 1, "{told:?}");
        assert_eq!(told.len(), 3, "{told:?}");
        assert_untroubled(local);
        running.local.shut_down().await;
    }
}

#[tokio::test]
async fn a_parent_without_an_available_build_is_told_once_until_there_is_one() {
    let running = deployed(743, &[own_stack("family.yaml")]).await;
    let local = &running.local;
    sweep(local).await;
    sweep(local).await;
    let told = reports(local);
    let withdrawn = of(&told, "can't be used");
    assert_eq!((withdrawn.len(), told.len()), (3, 3), "web and worker lack base, shop lacks web: {told:?}");
    assert!(messages(local)[0]["text"].as_str().unwrap().contains("no build of it is AVAILABLE"));
    built(local, "base").await;
    // What start-pipelines begins thereupon takes hours.
    hours(local, 12).await;
    sweep(local).await;
    let told = reports(local);
    assert_eq!(of(&told, "uses nothing withdrawn any more").len(), 3, "{told:?}");
    assert_untroubled(local);
    running.local.shut_down().await;
}
