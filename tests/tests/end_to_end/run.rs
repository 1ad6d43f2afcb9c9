//! `goldsmith-local run`: the main job, two simulated weeks.

use crate::harness::{goldsmith_local, text};
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Output;

async fn run(seed: &str, file: &std::path::Path) -> (Output, Value) {
    let output = goldsmith_local(&["run", "--seed", seed, "--json", file.to_str().unwrap()]).await;
    let document = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    (output, document)
}

/// The timeline without what is measured.
fn unmeasured(output: &Output) -> String {
    let lines = text(&output.stdout);
    let without = lines.lines().map(|line| match line.rsplit_once(", ") {
        Some((kept, measured)) if measured.ends_with(" ms)") => kept,
        _ => line,
    });
    without.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn two_weeks_publish_the_newest_build_of_each_family() {
    let folder = tempfile::tempdir().unwrap();
    let (output, document) = run("1", &folder.path().join("run.json")).await;
    let printed = text(&output.stdout);
    assert!(output.status.success(), "{printed}\n{}", text(&output.stderr));
    assert!(
        printed.contains("What is published agrees with the newest AVAILABLE build of each of 6 families."),
        "{printed}"
    );

    // The truth, from the events: the last build of each family that became AVAILABLE.
    let mut newest: BTreeMap<String, String> = BTreeMap::new();
    for event in document["events"].as_array().unwrap() {
        if event["kind"] == "imageState" && event["detail"].as_str().unwrap().starts_with("AVAILABLE") {
            let (family, build) = event["subject"].as_str().unwrap().split_once(' ').unwrap();
            newest.insert(family.to_owned(), build.to_owned());
        }
    }
    assert_eq!(
        newest.keys().collect::<Vec<_>>(),
        ["base-linux", "base-windows", "job-runner", "shop", "web", "worker"]
    );
    let published = document["published"].as_array().unwrap();
    for (family, build) in newest.iter().filter(|(family, _)| *family != "job-runner") {
        let rows: Vec<_> = published.iter().filter(|row| row["family"] == family.as_str()).collect();
        let regions: Vec<_> = rows.iter().map(|row| row["region"].as_str().unwrap()).collect();
        assert_eq!(regions, ["eu-west-1", "us-east-1"], "{family}");
        assert!(rows.iter().all(|row| row["build"] == build.as_str()), "{family} {build} {rows:?}");
        assert_ne!(rows[0]["ami"], rows[1]["ami"], "each Region has an AMI of its own");
    }
    let runner: Vec<_> = published.iter().filter(|row| row["family"] == "job-runner").collect();
    assert!(runner.len() == 1 && runner[0]["build"] == newest["job-runner"].as_str(), "{runner:?}");
    assert!(
        runner[0]["ami"].as_str().unwrap().contains(".dkr.ecr.us-east-1."),
        "a container image has a URI: {runner:?}"
    );

    // The examples' channels: one follows at once, the other one when a build has stood for three days.
    assert!(published.iter().all(|row| row["channels"]["dev"] == row["build"]), "{published:?}");
    assert!(published.iter().all(|row| row["channels"]["prod"].is_string()), "{published:?}");
    assert!(printed.contains("CHANNELS") && printed.contains(" labelled prod"), "{printed}");
}

#[tokio::test]
async fn every_step_of_a_build_is_a_line_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (output, _) = run("1", &folder.path().join("run.json")).await;
    let printed = text(&output.stdout);
    let mut lines = printed.lines();
    for step in [
        ["schedule ", " base-linux "],
        ["build ", " base-linux 1.0.0/2 "],
        ["AVAILABLE ", " base-linux 1.0.0/2 "],
        ["notification ", " base-linux 1.0.0/2 "],
        ["build ", " web 1.0.0/2 "],
        ["invoked ", "base-linux 1.0.0/2 became AVAILABLE: started web, worker"],
        ["BUILDING ", " web 1.0.0/2 "],
        ["TESTING ", " web 1.0.0/2 "],
        ["DISTRIBUTING ", " web 1.0.0/2 "],
        ["AVAILABLE ", " web 1.0.0/2 "],
        ["notification ", " web 1.0.0/2 "],
        ["invoked ", "web 1.0.0/2"],
        ["written ", " /golden-images/web "],
        ["written ", " /golden-images/web "],
        ["published ", " web 1.0.0/2 "],
        ["build ", " shop 1.0.0/1 "],
        // What Amazon releases reaches the grandchild, each pipeline once its parent is there.
        ["released ", " amazon-linux-2023-x86 2026.3.12/1 "],
        ["build ", " base-linux 1.0.0/4 "],
        ["invoked ", "all pipelines, if they changed: started base-linux"],
        ["AVAILABLE ", " base-linux 1.0.0/4 "],
        ["build ", " web 1.0.0/4 "],
        ["build ", " worker 1.0.0/4 "],
        ["AVAILABLE ", " web 1.0.0/4 "],
        ["build ", " shop 1.0.0/3 "],
        ["AVAILABLE ", " shop 1.0.0/3 "],
    ] {
        assert!(
            lines.any(|line| step.iter().all(|part| line.contains(part))),
            "{step:?} is missing or out of order in\n{printed}"
        );
    }
    assert!(printed.lines().any(|line| line.contains(" AWS calls, ") && line.ends_with(" ms)")), "{printed}");
    assert!(!printed.contains('\u{1b}'), "no colour where it isn't a terminal");
}

#[tokio::test]
async fn what_goes_wrong_is_told_to_people_and_what_passes_by_itself_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let (output, document) = run("1", &folder.path().join("run.json")).await;
    assert!(output.status.success());
    let events = document["events"].as_array().unwrap();
    let told: Vec<&str> = events
        .iter()
        .filter(|event| {
            event["kind"] == "messagePublished" && event["subject"].as_str().unwrap().contains("BuildReports")
        })
        .map(|event| event["detail"].as_str().unwrap())
        .collect();
    let about = |family: &str| told.iter().copied().filter(|subject| subject.contains(family)).collect::<Vec<_>>();
    let worker = about("] worker");
    assert_eq!(worker.len(), 2, "{told:?}");
    assert!(worker[0].contains("component queue-worker") && worker[1].contains("builds work again"), "{told:?}");
    let shop = about("] shop");
    assert_eq!(shop.len(), 2, "{told:?}");
    assert!(shop[0].contains("distribution to eu-west-1") && shop[1].contains("builds work again"), "{told:?}");
    assert!(about("] web")[0].starts_with("[critical] web 1.0.0/2 has 2 critical"), "{told:?}");
    let calls = document["calls"].as_array().unwrap();
    assert_eq!(calls.iter().filter(|call| call["operation"] == "RetryImage").count(), 1);
}

#[tokio::test]
async fn the_same_seed_gives_the_same_run_and_another_seed_another() {
    let folder = tempfile::tempdir().unwrap();
    let (first, one) = run("5", &folder.path().join("1.json")).await;
    let (second, two) = run("5", &folder.path().join("2.json")).await;
    let (other, _) = run("6", &folder.path().join("3.json")).await;
    assert_eq!(unmeasured(&first), unmeasured(&second));
    assert_eq!(one["published"], two["published"]);
    assert_ne!(unmeasured(&first), unmeasured(&other));
}

#[tokio::test]
async fn the_document_holds_every_invocation_with_event_and_answer() {
    let folder = tempfile::tempdir().unwrap();
    let (_, document) = run("1", &folder.path().join("run.json")).await;
    let all = document["invocations"].as_array().unwrap();
    let of = |name: &str| {
        let suffix = format!(":goldsmith-{name}");
        all.iter().filter(move |it| it["function"].as_str().unwrap().ends_with(&suffix)).collect::<Vec<_>>()
    };
    let (invocations, starts, retirements) = (of("fan-out-amis"), of("start-pipelines"), of("deprecate-images"));
    let reports = of("report-builds");
    assert_eq!(invocations.len() + starts.len() + retirements.len() + reports.len(), all.len());
    assert!(reports.iter().all(|it| it["functionError"] == Value::Null && it["answer"]["runs"].is_array()));
    for invocation in retirements {
        assert_eq!(invocation["functionError"], Value::Null, "{invocation}");
        assert_eq!(invocation["answer"]["onlyPlanned"], "the stack's Mode is plan", "{invocation}");
    }
    let heard = |of: &[&Value]| of.iter().filter(|invocation| invocation["source"] == "sns").count();
    assert_eq!(heard(&starts), heard(&invocations), "both hear of the same messages");
    assert!(invocations.iter().any(|it| it["source"] == "schedule"), "the sweep runs");
    assert!(starts.iter().any(|it| it["source"] == "rule") && starts.iter().any(|it| it["source"] == "schedule"));
    for invocation in &starts {
        assert_eq!(invocation["functionError"], Value::Null, "{invocation}");
        assert!(invocation["answer"]["runs"][0]["outcomes"].is_object(), "{invocation}");
    }
    let events = document["events"].as_array().unwrap().iter();
    let notifications = events
        .filter(|event| event["kind"] == "notification" && event["detail"].as_str().unwrap().starts_with("AVAILABLE"));
    assert_eq!(heard(&invocations), notifications.count());
    for invocation in invocations {
        assert_eq!(invocation["functionError"], Value::Null, "{invocation}");
        let heard = invocation["event"]["Records"][0]["EventSource"] == "aws:sns";
        assert!(heard || invocation["event"]["sweep"].is_object(), "{invocation}");
        assert!(invocation["answer"].is_object(), "{invocation}");
        assert!(invocation["calls"].as_u64().unwrap() >= 1);
    }
    let calls = document["calls"].as_array().unwrap();
    for (operation, function) in [("PutParameter", "FanOutAmis"), ("StartImagePipelineExecution", "StartPipelines")] {
        let role = &calls.iter().find(|call| call["operation"] == operation).unwrap()["caller"]["principal"]["role"];
        assert!(role["name"].as_str().unwrap().contains(function), "calls are made under the function's role: {role}");
    }
}
