//! Tags that can't be written: what was told can't be remembered, and is told all the same.

use super::*;
use crate::harness::call_in;

fn denied(operation: &str) -> Value {
    json!({"fault": "error", "status": 403, "code": "AccessDeniedException",
        "match": {"service": "imagebuilder", "operation": operation, "function": "*report-builds"}})
}

#[tokio::test]
async fn a_report_that_can_not_be_remembered_is_sent_all_the_same() {
    let running = world(771, &[]).await;
    let local = &running.local;
    faults(local, &[denied("TagResource")]);
    built(local, "unbuilt").await;
    // Its notification and its event: each tells, since neither knows of the other.
    let told = reports(local);
    assert!(!told.is_empty() && told.len() <= 2, "{told:?}");
    let answers = invocations(local, "report-builds");
    assert!(answers.iter().any(|record| record.ending.payload.contains("\"unremembered\":\"")), "the answer says so");
    // Nothing is sent once more by trying again what is refused for good.
    assert_untroubled(local);
    assert!(local.world().lambda.dead_letters.is_empty());
    // As soon as it may write again, it is silent again.
    faults(local, &[]);
    sweep(local).await;
    let told = reports(local).len();
    sweep(local).await;
    assert_eq!(reports(local).len(), told);
    running.local.shut_down().await;
}

#[tokio::test]
async fn a_pipeline_without_room_for_a_tag_is_reported_with_what_to_do_about_it() {
    let running = world(772, &[]).await;
    let local = &running.local;
    let arn = format!("arn:aws:imagebuilder:{DEFAULT_REGION}:123456789012:image-pipeline/unbuilt");
    let own = |local: &Local| -> usize {
        let input = json!({"resourceArn": arn});
        let tags = call(&mut local.world(), "imagebuilder", DEFAULT_REGION, "ListTagsForResource", input);
        tags["tags"].as_object().unwrap().len()
    };
    for n in own(local)..50 {
        let input = json!({"resourceArn": arn, "tags": {format!("own-{n}"): ""}});
        call_in(&mut local.world(), "123456789012", DEFAULT_REGION, "imagebuilder", "TagResource", input).unwrap();
    }
    assert_eq!(own(local), 50);
    built(local, "unbuilt").await;
    let told = messages(local);
    assert!(!told.is_empty());
    assert!(told[0]["text"].as_str().unwrap().contains("has 50 tags"), "{}", told[0]["text"]);
    assert_untroubled(local);
    running.local.shut_down().await;
}

#[tokio::test]
async fn retries_that_can_not_be_remembered_are_no_more_than_allowed() {
    let running = world(773, &[("MaxRetries", "2")]).await;
    let local = &running.local;
    let throttled = json!({"fault": "fail-build", "status": "DISTRIBUTING", "region": "eu-west-1",
        "reason": "Request limit exceeded. (Error Code: RequestLimitExceeded)", "match": {"pipeline": "web"}});
    faults(local, &[throttled, denied("TagResource")]);
    let arn = built(local, "web").await;
    assert_eq!(status(local, &arn), "FAILED");
    let accepted = {
        let world = local.world();
        let calls = world.journal.calls();
        calls.iter().filter(|call| call.operation == "RetryImage" && call.error.is_none()).count()
    };
    assert_eq!(accepted, 2);
    let last = messages(local).pop().unwrap();
    assert!(last["text"].as_str().unwrap().contains("It was tried again 2 times, in vain."), "{}", last["text"]);
    running.local.shut_down().await;
}

#[tokio::test]
async fn a_failure_whose_details_can_not_be_read_is_told_and_not_tried_again() {
    let running = world(774, &[]).await;
    let local = &running.local;
    let throttled = json!({"fault": "fail-build", "status": "DISTRIBUTING", "region": "eu-west-1",
        "reason": "Request limit exceeded. (Error Code: RequestLimitExceeded)", "match": {"pipeline": "web"}});
    noise(local, 774, &[throttled, denied("ListWorkflowExecutions")]);
    let arn = built(local, "web").await;
    assert_eq!(status(local, &arn), "FAILED");
    assert_eq!(calls(local, "RetryImage"), 0);
    let text = text(local);
    assert!(text.contains("so it isn't tried again") && text.contains("RequestLimitExceeded"), "{text}");
    assert_untroubled(local);
    running.local.shut_down().await;
}

#[tokio::test]
async fn a_build_that_can_not_be_kept_from_channels_is_told_so() {
    let running = world(775, &[]).await;
    let local = &running.local;
    let finding = json!({"fault": "finding", "severity": "CRITICAL", "match": {"pipeline": "scanned"}});
    let build = json!({"fault": "error", "status": 403, "match": {"service": "imagebuilder", "operation": "TagResource",
        "function": "*report-builds", "resource": "arn:aws:imagebuilder:*:image/*"}});
    noise(local, 775, &[finding, build]);
    let arn = built(local, "scanned").await;
    assert!(image(local, &arn)["tags"].get("goldsmith:blocked").is_none());
    let told = reports(local);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("[critical] scanned 1.0.0/1 has "), "{told:?}");
    // What is refused for good is hidden from nobody.
    let failed = |record: &goldsmith_local::lambda::InvocationRecord| record.ending.payload.contains("TagResource");
    assert!(invocations(local, "report-builds").iter().any(failed));
    running.local.shut_down().await;
}
