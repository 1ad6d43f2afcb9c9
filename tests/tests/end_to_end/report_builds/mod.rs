//! Reports as a whole: what goes wrong in the world, and which messages people get of it.
//!
//! Messages and events come several times and in any order in most of these tests: that changes nothing.

mod failures;
mod families;
mod findings;
mod letters;
mod memory;
mod pipelines;
mod retries;
mod waiting;

use crate::harness::{self, OFF, call, deployed_with, invocations, own_stack, settle, start};
use chrono::TimeDelta;
use goldsmith_local::driver::{Local, Running};
use goldsmith_local::faults::Rules;
use goldsmith_local::journal::Kind;
use goldsmith_local::lambda::Ending;
use goldsmith_local::world::DEFAULT_REGION;
use serde_json::{Value, json};

/// A local AWS with the pipelines of `reports.yaml`. The look at everything happens when a test says so.
async fn world(seed: u64, parameters: &[(&str, &str)]) -> Running {
    deployed_with(seed, &[own_stack("reports.yaml")], &[&OFF, parameters].concat(), &[]).await
}

/// Rules of a test, and in addition every message and every event comes three times, or every other one late: which of
/// them, the seed says.
fn noise(local: &Local, seed: u64, rules: &[Value]) {
    let (repeated, late) = if seed.is_multiple_of(2) { ("sns", "events") } else { ("events", "sns") };
    let noise = [
        json!({"fault": "repeated", "copies": 2, "match": {"service": repeated}}),
        json!({"fault": "reordered", "seconds": 1200, "match": {"service": late}}),
    ];
    faults(local, &[rules, &noise].concat());
}

fn faults(local: &Local, rules: &[Value]) {
    let document = json!({"rules": rules}).to_string();
    local.world().faults.set(Rules::parse(document.as_bytes()).unwrap());
}

/// The subjects of all reports so far.
fn reports(local: &Local) -> Vec<String> {
    let world = local.world();
    let of_topic = world.journal.entries().iter().filter(|entry| entry.kind == Kind::MessagePublished);
    of_topic.filter(|entry| entry.subject.contains("BuildReports")).map(|entry| entry.detail.clone()).collect()
}

/// The messages of all reports so far, as the function answered them.
fn messages(local: &Local) -> Vec<Value> {
    let answers = invocations(local, "report-builds").into_iter();
    let answers = answers.filter_map(|record| serde_json::from_str::<Value>(&record.ending.payload).ok());
    let runs = answers.flat_map(|answer| answer["runs"].as_array().cloned().unwrap_or_default());
    let steps = runs.flat_map(|run| run["steps"].as_array().cloned().unwrap_or_default());
    steps
        .filter(|step| step["action"] == "report" && step["outcome"] == "done")
        .map(|step| step["message"].clone())
        .collect()
}

/// The text of the only report.
fn text(local: &Local) -> String {
    let messages = messages(local);
    assert_eq!(messages.len(), 1, "{:?}", reports(local));
    messages[0]["text"].as_str().unwrap().to_owned()
}

/// How often an operation was called by the function, whatever was answered.
fn calls(local: &Local, operation: &str) -> usize {
    let world = local.world();
    world.journal.calls().iter().filter(|call| call.operation == operation && call.caller.invocation.is_some()).count()
}

/// Starts a pipeline and lets time pass until nothing builds any more and everything that follows was handled.
async fn built(local: &Local, pipeline: &str) -> String {
    let image = start(local, pipeline);
    rest(local, &image).await;
    image
}

/// Lets time pass until a build has ended for good: whoever tries it again does so on the news of its end.
async fn rest(local: &Local, image: &str) {
    loop {
        while !local.world().imagebuilder.has_ended(image) {
            let due = local.world().next_due().unwrap();
            local.run_until(due, &mut |_| {}).await;
        }
        settle(local).await;
        if local.world().imagebuilder.has_ended(image) {
            return;
        }
    }
}

/// Lets simulated hours pass.
async fn hours(local: &Local, hours: i64) {
    let until = local.world().now + TimeDelta::hours(hours);
    local.run_until(until, &mut |_| {}).await;
    settle(local).await;
}

/// The look at everything, now. Its answer.
async fn sweep(local: &Local) -> Value {
    let now = local.world().now.to_rfc3339();
    done(local, json!({"time": now})).await
}

async fn done(local: &Local, event: Value) -> Value {
    let ending = invoke(local, event).await;
    assert!(ending.function_error.is_none(), "{}", ending.payload);
    serde_json::from_str(&ending.payload).unwrap()
}

/// Invokes the function and waits for its end, and for what follows from it.
async fn invoke(local: &Local, event: Value) -> Ending {
    invoke_function(local, "report-builds", event).await
}

async fn invoke_function(local: &Local, function: &str, event: Value) -> Ending {
    let ending = harness::invoke(local, function, &event).await;
    settle(local).await;
    ending
}

/// A document of Image Builder.
fn image(local: &Local, arn: &str) -> Value {
    let input = json!({"imageBuildVersionArn": arn});
    call(&mut local.world(), "imagebuilder", DEFAULT_REGION, "GetImage", input)["image"].clone()
}

fn status(local: &Local, arn: &str) -> String {
    image(local, arn)["state"]["status"].as_str().unwrap().to_owned()
}

/// No invocation of the function failed.
fn assert_untroubled(local: &Local) {
    for record in invocations(local, "report-builds") {
        assert!(record.ending.function_error.is_none(), "{}", record.ending.payload);
    }
}
