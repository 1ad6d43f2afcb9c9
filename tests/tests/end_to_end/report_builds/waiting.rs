//! Steps of workflows that wait for a person.

use super::*;

/// A build that waits for approval, and the step's ID as the report names it.
async fn waiting(seed: u64) -> (Running, String, String) {
    let running = world(seed, &[]).await;
    let local = &running.local;
    noise(local, seed, &[]);
    let arn = start(local, "approved");
    hours(local, 5).await;
    assert_eq!(status(local, &arn), "TESTING");
    let text = text(local);
    assert!(text.contains("Two people look at the image"), "{text}");
    let (_, rest) = text.split_once("step-").unwrap();
    let id: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    // The command stands in the report, ready to be given.
    assert!(text.contains("\"resume\"") && text.contains("\"stop\""), "{text}");
    (running, arn, format!("step-{id}"))
}

#[tokio::test]
async fn a_step_that_waits_is_told_once_and_resumed_by_command() {
    let (running, arn, step) = waiting(731).await;
    let local = &running.local;
    let resume = json!({"resume": {"image": arn, "step": step, "reason": "looks good"}});
    let dry = done(local, json!({"dryRun": true, "resume": {"image": arn, "step": step}})).await;
    assert_eq!(dry["runs"][0]["steps"][0]["outcome"], "planned");
    assert_eq!(calls(local, "SendWorkflowStepAction"), 0);
    let answer = done(local, resume.clone()).await;
    assert_eq!(answer["runs"][0]["outcomes"]["answered"], 1, "{answer}");
    // Twice is once.
    let again = done(local, resume).await;
    assert_eq!(again["runs"][0]["outcomes"]["skipped"], 1, "{again}");
    rest(local, &arn).await;
    assert_eq!(status(local, &arn), "AVAILABLE");
    sweep(local).await;
    assert_eq!(reports(local).len(), 1, "who answered knows: {:?}", reports(local));
    assert_untroubled(local);
    running.local.shut_down().await;
}

#[tokio::test]
async fn a_step_that_is_stopped_by_command_fails_its_build() {
    let (running, arn, step) = waiting(732).await;
    let local = &running.local;
    let other = json!({"stop": {"image": arn, "step": "step-00000000-0000-0000-0000-000000000000"}});
    let answer = done(local, other).await;
    assert_eq!(answer["runs"][0]["outcomes"]["skipped"], 1, "{answer}");
    done(local, json!({"stop": {"image": arn, "step": step, "reason": "no"}})).await;
    rest(local, &arn).await;
    assert_eq!(status(local, &arn), "FAILED");
    assert_eq!(reports(local).len(), 2, "{:?}", reports(local));
    running.local.shut_down().await;
}

#[tokio::test]
async fn a_command_that_is_wrong_is_refused_with_one_clear_error() {
    let running = world(733, &[]).await;
    let ending = invoke(&running.local, json!({"resume": {"image": "web", "step": "step-1"}})).await;
    assert!(ending.function_error.is_some() && ending.payload.contains("resume.image"), "{}", ending.payload);
    running.local.shut_down().await;
}
