//! Pipelines that stand still, and recipes whose inputs are withdrawn.

use super::*;

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
        let running = world(seed, &[]).await;
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
async fn a_component_that_its_owner_withdraws_is_told_once() {
    let running = world(743, &[]).await;
    let local = &running.local;
    built(local, "web").await;
    sweep(local).await;
    assert_eq!(reports(local), [""; 0]);
    let arn = format!("arn:aws:imagebuilder:{DEFAULT_REGION}:123456789012:component/port-is-open/1.0.0/1");
    call(
        &mut local.world(),
        "imagebuilder",
        DEFAULT_REGION,
        "DeleteComponent",
        json!({"componentBuildVersionArn": arn}),
    );
    sweep(local).await;
    sweep(local).await;
    assert_eq!(reports(local).len(), 1, "{:?}", reports(local));
    assert!(text(local).contains("port-is-open"));
    assert_untroubled(local);
    running.local.shut_down().await;
}
