//! Pipelines that stand still, and recipes whose inputs are withdrawn.

use super::*;
use crate::harness::{deployed, going_on, kept};
use serde_json::Map;

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

/// Changes a resource's document, wherever the world that was kept has it; in how many places that was.
fn changed(kept: &mut Value, arn: &str, change: &dyn Fn(&mut Map<String, Value>)) -> usize {
    match kept {
        Value::Object(members)
            if members.get("arn").is_some_and(|it| it == arn) && members.contains_key("dateCreated") =>
        {
            change(members);
            1
        }
        Value::Object(members) => members.values_mut().map(|member| changed(member, arn, change)).sum(),
        Value::Array(items) => items.iter_mut().map(|item| changed(item, arn, change)).sum(),
        _ => 0,
    }
}

#[tokio::test]
async fn components_that_their_owners_withdrew_are_told_once_each() {
    let before = world(744, &[]).await;
    let mut kept: Value = serde_json::from_str(&kept(&before.local)).unwrap();
    before.local.shut_down().await;
    for (component, status) in [("install-nothing", "DEPRECATED"), ("port-is-open", "DISABLED")] {
        let arn = format!("arn:aws:imagebuilder:{DEFAULT_REGION}:123456789012:component/{component}/1.0.0/1");
        let state = json!({"status": status, "reason": "use install-agent 2.x"});
        let withdraw = |document: &mut Map<String, Value>| drop(document.insert("state".to_owned(), state.clone()));
        assert_eq!(changed(&mut kept, &arn, &withdraw), 1, "{component}");
    }
    let running = going_on(&kept.to_string()).await;
    let local = &running.local;
    sweep(local).await;
    sweep(local).await;
    let told = reports(local);
    let deprecated = of(&told, "pipeline unbuilt uses install-nothing 1.0.0/1, which is deprecated");
    let disabled = of(&told, "pipeline untested can't be built: port-is-open 1.0.0/1 can't be used");
    assert_eq!((deprecated.len(), disabled.len(), told.len()), (1, 1, 2), "{told:?}");
    assert!(deprecated[0].starts_with("[warning]") && disabled[0].starts_with("[error]"), "{told:?}");
    assert_untroubled(local);
    running.local.shut_down().await;
}

#[tokio::test]
async fn a_pipeline_that_was_due_and_did_not_run_is_told_once() {
    let before = deployed(745, &[own_stack("nightly.yaml")]).await;
    let mut kept: Value = serde_json::from_str(&kept(&before.local)).unwrap();
    before.local.shut_down().await;
    // Without its infrastructure configuration nothing can be started. The next time is set all the same.
    let arn = format!("arn:aws:imagebuilder:{DEFAULT_REGION}:123456789012:image-pipeline/nightly");
    let lacking = |document: &mut Map<String, Value>| {
        let gone = document["infrastructureConfigurationArn"].as_str().unwrap().replace("/nightly", "/gone");
        document.insert("infrastructureConfigurationArn".to_owned(), gone.into());
    };
    assert_eq!(changed(&mut kept, &arn, &lacking), 1);
    let running = going_on(&kept.to_string()).await;
    let local = &running.local;
    noise(local, 745, &[]);
    hours(local, 26).await;
    assert_eq!(pipeline(local, "nightly")["dateNextRun"], "2026-03-03T03:00:00.000Z");
    sweep(local).await;
    sweep(local).await;
    hours(local, 48).await;
    sweep(local).await;
    let told = reports(local);
    assert_eq!(of(&told, "was due at 2026-03-02 03:00 UTC and didn't run").len(), 1, "{told:?}");
    assert_eq!(told.len(), 1, "{told:?}");
    // Somebody puts it right, and it runs.
    let mut input = json!({"clientToken": "mend", "imagePipelineArn": arn});
    let document = pipeline(local, "nightly");
    for member in ["imageRecipeArn", "infrastructureConfigurationArn", "distributionConfigurationArn", "schedule"] {
        input[member] = document[member].clone();
    }
    let right = document["infrastructureConfigurationArn"].as_str().unwrap().replace("/gone", "/nightly");
    input["infrastructureConfigurationArn"] = right.into();
    call(&mut local.world(), "imagebuilder", DEFAULT_REGION, "UpdateImagePipeline", input);
    hours(local, 24).await;
    sweep(local).await;
    sweep(local).await;
    let told = reports(local);
    assert_eq!(of(&told, "no scheduled run is overdue any more").len(), 1, "{told:?}");
    assert_untroubled(local);
    running.local.shut_down().await;
}
