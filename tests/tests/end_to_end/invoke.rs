//! `goldsmith-local invoke`: one event, one function.

use crate::harness::{goldsmith_local, text};
use serde_json::{Value, json};
use std::path::PathBuf;

fn event(folder: &tempfile::TempDir, event: &Value) -> PathBuf {
    let file = folder.path().join("event.json");
    std::fs::write(&file, event.to_string()).unwrap();
    file
}

#[tokio::test]
async fn an_event_by_hand_gets_an_answer_and_a_log() {
    let folder = tempfile::tempdir().unwrap();
    // The examples build a first base image as they are deployed, and its notification publishes it.
    let arn = "arn:aws:imagebuilder:us-east-1:123456789012:image/base-linux/1.0.0/1";
    let file = event(&folder, &json!({ "arn": arn }));
    let output = goldsmith_local(&["invoke", "fan-out-amis", file.to_str().unwrap()]).await;
    let printed = text(&output.stdout);
    assert!(output.status.success(), "{printed}\n{}", text(&output.stderr));
    let answer: Value = serde_json::from_str(&printed).unwrap();
    let family = &answer["runs"][0]["families"][0];
    assert_eq!((&family["family"], &family["image"]), (&json!("base-linux"), &json!(arn)), "{answer}");
    let steps = family["steps"].as_array().unwrap();
    assert!(steps.iter().all(|step| step["outcome"] == "skipped"), "published already: {answer}");
    assert!(text(&output.stderr).contains("REPORT RequestId: "), "{}", text(&output.stderr));
}

#[tokio::test]
async fn a_function_that_is_not_there_is_named_with_those_that_are() {
    let folder = tempfile::tempdir().unwrap();
    let file = event(&folder, &json!({}));
    let output = goldsmith_local(&["invoke", "no-such-function", file.to_str().unwrap()]).await;
    assert!(!output.status.success());
    let error = text(&output.stderr);
    assert!(error.contains("no-such-function") && error.contains("goldsmith-fan-out-amis"), "{error}");
}

#[tokio::test]
async fn an_event_that_is_not_json_is_refused_with_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("event.json");
    std::fs::write(&file, "no").unwrap();
    let output = goldsmith_local(&["invoke", "fan-out-amis", file.to_str().unwrap()]).await;
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("event.json: expected an event in JSON"), "{}", text(&output.stderr));
}
