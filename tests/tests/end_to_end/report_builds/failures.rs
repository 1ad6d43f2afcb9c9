//! Builds that fail, in every phase, and builds that work again.

use super::*;

#[tokio::test]
async fn nothing_is_said_when_nothing_is_wrong() {
    let running = world(701, &[]).await;
    let local = &running.local;
    noise(local, 701, &[]);
    built(local, "web").await;
    sweep(local).await;
    sweep(local).await;
    assert_eq!(reports(local), [""; 0]);
    assert_eq!(invocations(local, "report-builds").len(), 3, "by a message and two sweeps");
    assert_untroubled(local);
    running.local.shut_down().await;
}

#[tokio::test]
async fn a_component_that_fails_is_told_once_with_what_to_do() {
    for (seed, pipeline, words) in [
        (702, "unbuilt", ["install-nothing", "exit status 7", "Install"]),
        (703, "untested", ["port-is-open", "exit status 3", "Ask"]),
    ] {
        let running = world(seed, &[("ChatFormat", "amazon-q")]).await;
        let local = &running.local;
        noise(local, seed, &[]);
        let arn = built(local, pipeline).await;
        assert_eq!(status(local, &arn), "FAILED");
        assert_eq!(reports(local).len(), 1, "{:?}", reports(local));
        let text = text(local);
        for word in words.into_iter().chain(["What to do\n  1. ", "/aws/imagebuilder/", "aws imagebuilder "]) {
            assert!(text.contains(word), "{word} is missing in\n{text}");
        }
        let message = &messages(local)[0];
        assert_eq!(message["chat"]["source"], "custom");
        assert!(message["attributes"].to_string().contains(&format!("\"{pipeline}\"")), "{}", message["attributes"]);
        assert_eq!(calls(local, "RetryImage"), 0, "what a component does wrong it does wrong again");
        // The same again is counted, not told; another day it is told that it happened more often.
        built(local, pipeline).await;
        assert_eq!(reports(local).len(), 1, "{:?}", reports(local));
        hours(local, 8 * 24).await;
        built(local, pipeline).await;
        let told: Vec<Value> = messages(local);
        let last = told.iter().filter_map(|message| message["text"].as_str()).find(|text| text.contains("3 times"));
        assert!(last.is_some(), "{told:?}");
        assert_untroubled(local);
        running.local.shut_down().await;
    }
}

#[tokio::test]
async fn a_build_that_can_not_be_distributed_is_told_with_region_and_reason() {
    for (seed, phase, region) in [(704, "DISTRIBUTING", Some("eu-west-1")), (705, "INTEGRATING", None)] {
        let running = world(seed, &[]).await;
        let local = &running.local;
        let reason = "Not authorized to perform sts:AssumeRole on the distribution role.";
        let mut rule = json!({"fault": "fail-build", "status": phase, "reason": reason, "match": {"pipeline": "web"}});
        if let Some(region) = region {
            rule["region"] = region.into();
        }
        noise(local, seed, &[rule]);
        let arn = built(local, "web").await;
        assert_eq!(status(local, &arn), "FAILED");
        let text = text(local);
        assert!(text.contains("Not authorized to perform") && text.contains(region.unwrap_or(phase)), "{text}");
        assert_eq!(calls(local, "RetryImage"), 0, "that doesn't pass by itself");
        // Somebody puts it right.
        noise(local, seed, &[]);
        built(local, "web").await;
        sweep(local).await;
        assert_eq!(reports(local).len(), 2, "{:?}", reports(local));
        assert!(reports(local)[1].contains("builds work again"), "{:?}", reports(local));
        assert_untroubled(local);
        running.local.shut_down().await;
    }
}

#[tokio::test]
async fn a_cancelled_build_is_told_once() {
    let running = world(706, &[]).await;
    let local = &running.local;
    noise(local, 706, &[]);
    let arn = start(local, "web");
    while status(local, &arn) != "BUILDING" {
        let due = local.world().next_due().unwrap();
        local.run_until(due, &mut |_| {}).await;
    }
    let input = json!({"imageBuildVersionArn": arn, "clientToken": "cancel"});
    call(&mut local.world(), "imagebuilder", DEFAULT_REGION, "CancelImageCreation", input);
    rest(local, &arn).await;
    sweep(local).await;
    assert_eq!(status(local, &arn), "CANCELLED");
    assert!(text(local).contains("cancelled"), "{:?}", reports(local));
    running.local.shut_down().await;
}

#[tokio::test]
async fn what_could_not_be_read_is_told_when_it_can_be() {
    let running = world(707, &[]).await;
    let local = &running.local;
    // Longer than one invocation tries, which ends as failed, and is tried again.
    let rule = json!({"fault": "error", "status": 503, "times": 8,
        "match": {"service": "imagebuilder", "operation": "ListWorkflowExecutions"}});
    faults(local, &[rule]);
    built(local, "unbuilt").await;
    assert!(invocations(local, "report-builds").iter().any(|record| record.ending.function_error.is_some()));
    assert!(text(local).contains("exit status 7"));
    assert!(local.world().lambda.dead_letters.is_empty());
    running.local.shut_down().await;
}

#[tokio::test]
async fn a_failure_of_any_phase_is_told_once_with_its_phase_and_reason() {
    for (seed, phase) in [(782, "BUILDING"), (783, "TESTING"), (784, "DISTRIBUTING"), (785, "INTEGRATING")] {
        let running = world(seed, &[]).await;
        let local = &running.local;
        let reason = format!("The role build-{seed} isn't allowed to do that.");
        noise(
            local,
            seed,
            &[json!({"fault": "fail-build", "status": phase, "reason": reason, "match": {"pipeline": "web"}})],
        );
        let arn = built(local, "web").await;
        sweep(local).await;
        assert_eq!(status(local, &arn), "FAILED", "{phase}");
        let text = text(local);
        assert!(text.contains(&reason), "{phase}: {text}");
        let context = &image(local, &arn)["state"]["failureContext"];
        assert_eq!(context["imageStatus"], phase, "{context}");
        let point = context["failedStep"].as_str().unwrap_or(phase);
        assert!(text.contains(point), "{phase}: {point} is missing in\n{text}");
        assert_eq!(calls(local, "RetryImage"), 0, "{phase}");
        assert_untroubled(local);
        running.local.shut_down().await;
    }
}

#[tokio::test]
async fn a_build_that_can_not_even_begin_is_told_once() {
    let running = crate::harness::deployed(781, &[own_stack("family.yaml")]).await;
    let local = &running.local;
    noise(local, 781, &[]);
    // Its parent has no build yet.
    let arn = built(local, "web").await;
    assert_eq!(status(local, &arn), "FAILED");
    let text = text(local);
    assert!(text.contains("image/base/"), "{text}");
    assert_untroubled(local);
    running.local.shut_down().await;
}

#[tokio::test]
async fn who_started_a_build_is_told() {
    let running = world(786, &[]).await;
    let local = &running.local;
    let arn = built(local, "unbuilt").await;
    assert_eq!(image(local, &arn)["buildType"], "USER_INITIATED");
    let text = text(local);
    assert!(text.contains("Started by: somebody by hand, or a program other than Goldsmith"), "{text}");
    running.local.shut_down().await;

    let running = world(787, &[]).await;
    let local = &running.local;
    let select = json!({"select": {"names": ["unbuilt"]}, "time": "2026-03-02T00:00:00Z"});
    let ending = invoke_function(local, "start-pipelines", select).await;
    assert!(ending.function_error.is_none(), "{}", ending.payload);
    let answer: Value = serde_json::from_str(&ending.payload).unwrap();
    let started = answer["runs"][0]["steps"].as_array().unwrap().iter().find_map(|step| step["image"].as_str());
    let arn = started.unwrap_or_else(|| panic!("{answer}")).to_owned();
    rest(local, &arn).await;
    assert_eq!(image(local, &arn)["tags"]["goldsmith:started-for"], "its first build");
    let text = self::text(local);
    assert!(text.contains("Started by: Goldsmith's start-pipelines, for its first build"), "{text}");
    running.local.shut_down().await;
}
