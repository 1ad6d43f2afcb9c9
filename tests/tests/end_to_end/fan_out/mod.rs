//! Publishing as a whole: the real function on a local AWS of three accounts and two Regions.

mod accounts;
mod announced;
mod channels;
mod containers;
mod convergence;
mod forged;
mod heals;
mod rollback;
mod versions;

use crate::harness::{self, OFF, call_in, deploy, deployed_with, own_stack, root, settle};
use chrono::TimeDelta;
use goldsmith_local::driver::{Local, Running};
use goldsmith_local::faults::Rules;
use goldsmith_local::journal::{Entry, Kind};
use goldsmith_local::lambda::Ending;
use goldsmith_local::world::{DEFAULT_ACCOUNT, DEFAULT_REGION};
use serde_json::{Value, json};

/// The accounts beside the stack's own.
const OTHERS: [&str; 2] = ["111122223333", "444455556666"];

/// Where `three-accounts.yaml` distributes the family `web` to.
const REGIONS: [&str; 2] = [DEFAULT_REGION, "eu-west-1"];

/// The role that `target-account.yaml` makes.
const ROLE: &str = "goldsmith-publish";

/// All six places of the family `web`, as Region and account.
fn places() -> impl Iterator<Item = (&'static str, &'static str)> {
    REGIONS.into_iter().flat_map(|region| [DEFAULT_ACCOUNT, OTHERS[0], OTHERS[1]].map(|account| (region, account)))
}

/// A local AWS with the stack, the role in the other accounts and the family `web`. The sweeps are off unless a
/// parameter says otherwise.
async fn three_accounts(seed: u64, parameters: &[(&str, &str)]) -> Running {
    let running = lonely(seed, parameters).await;
    for account in OTHERS {
        add_role(&running.local, account, &[]).await;
    }
    running
}

/// The same without the role anywhere.
async fn lonely(seed: u64, parameters: &[(&str, &str)]) -> Running {
    let given = |name: &str| parameters.iter().any(|(given, _)| given.starts_with(name.trim_end_matches("State")));
    let mut all: Vec<_> = OFF.into_iter().filter(|(name, _)| !given(name)).collect();
    // What a scan happens to find blocks nothing here.
    all.extend([("TargetRoleName", ROLE), ("BlockSeverity", "none")]);
    all.extend(parameters);
    deployed_with(seed, &[own_stack("three-accounts.yaml")], &all, &[]).await
}

/// Deploys `target-account.yaml` in an account.
async fn add_role(local: &Local, account: &str, parameters: &[(&str, &str)]) {
    let own = [&[("AutomationAccountId", DEFAULT_ACCOUNT)], parameters].concat();
    deploy(local, account, "target-account", &root().join("target-account.yaml"), &own).await;
}

/// A version of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    number: i64,
    value: String,
    /// The description.
    build: String,
    labels: Vec<String>,
    data_type: String,
}

/// The versions of a family's parameter, oldest first; none if it isn't there.
fn history(local: &Local, (region, account): (&str, &str), family: &str) -> Vec<Version> {
    let (mut versions, mut next) = (Vec::new(), Value::Null);
    loop {
        let mut input = json!({"Name": format!("/golden-images/{family}")});
        if next.is_string() {
            input["NextToken"] = next;
        }
        let answer = match call_in(&mut local.world(), account, region, "ssm", "GetParameterHistory", input) {
            Ok(answer) => answer,
            Err(error) => {
                assert_eq!(error.code, "ParameterNotFound");
                return versions;
            }
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        versions.extend(answer["Parameters"].as_array().unwrap().iter().map(|version| Version {
            number: version["Version"].as_i64().unwrap(),
            value: text(&version["Value"]),
            build: text(&version["Description"]),
            labels: version["Labels"].as_array().unwrap().iter().map(text).collect(),
            data_type: text(&version["DataType"]),
        }));
        next = answer["NextToken"].clone();
        if next.is_null() {
            return versions;
        }
    }
}

/// The build that a parameter's newest version holds; empty if there is none.
fn newest(local: &Local, place: (&str, &str), family: &str) -> String {
    history(local, place, family).pop().map(|version| version.build).unwrap_or_default()
}

/// The build that a label lies on.
fn labelled(local: &Local, place: (&str, &str), family: &str, label: &str) -> Option<String> {
    let carries = |version: &Version| version.labels.iter().any(|one| one == label);
    history(local, place, family).into_iter().find(carries).map(|version| version.build)
}

/// Whether in every place of `web` a label, or without one the newest version, is on a build.
fn stands_everywhere(local: &Local, label: Option<&str>, build: &str) -> bool {
    places().all(|place| match label {
        Some(label) => labelled(local, place, "web", label).as_deref() == Some(build),
        None => newest(local, place, "web") == build,
    })
}

/// The AMI of a build in a place, as Image Builder tells it.
fn ami(local: &Local, build: &str, (region, account): (&str, &str)) -> String {
    let input = json!({"imageBuildVersionArn": build});
    let world = &mut local.world();
    let image = call_in(world, DEFAULT_ACCOUNT, DEFAULT_REGION, "imagebuilder", "GetImage", input).unwrap();
    let amis = image["image"]["outputResources"]["amis"].as_array().unwrap();
    let here = amis.iter().find(|ami| ami["region"] == region && ami["accountId"] == account);
    here.unwrap()["image"].as_str().unwrap().to_owned()
}

/// Invokes the function and waits for its end, and for what follows from it.
async fn invoke(local: &Local, event: Value) -> Ending {
    let ending = harness::invoke(local, "fan-out-amis", &event).await;
    settle(local).await;
    ending
}

/// Invokes the function, which has to do everything, and returns its answer.
async fn done(local: &Local, event: Value) -> String {
    let ending = invoke(local, event.clone()).await;
    assert!(ending.function_error.is_none() && is_complete(&ending), "{event}: {}", ending.payload);
    ending.payload
}

/// Invokes the function, which can't do everything and says so in its answer.
async fn undone(local: &Local, event: Value) -> String {
    let ending = invoke(local, event.clone()).await;
    assert!(ending.function_error.is_none() && !is_complete(&ending), "{event}: {}", ending.payload);
    ending.payload
}

fn is_complete(ending: &Ending) -> bool {
    serde_json::from_str::<Value>(&ending.payload).unwrap()["complete"] == true
}

/// The event of a sweep that happens now.
fn sweep(local: &Local) -> Value {
    json!({"sweep": {}, "time": local.world().now.to_rfc3339()})
}

/// Lets simulated hours pass.
async fn hours(local: &Local, hours: i64) -> Vec<Entry> {
    let until = local.world().now + TimeDelta::hours(hours);
    let mut seen = Vec::new();
    local.run_until(until, &mut |entry| seen.push(entry.clone())).await;
    seen
}

fn set_faults(local: &Local, rules: Value) {
    let document = json!({"rules": rules}).to_string();
    local.world().faults.set(Rules::parse(document.as_bytes()).unwrap());
}

/// How many calls of an operation were answered, and how.
fn calls(local: &Local, operation: &str) -> usize {
    local.world().journal.calls().iter().filter(|call| call.operation == operation).count()
}

/// How many messages went to the topic of published images, and how many events to a bus.
fn announcements(local: &Local) -> (usize, usize) {
    let world = local.world();
    let of = |kind: Kind| {
        let entries = world.journal.entries().iter().filter(move |entry| entry.kind == kind);
        // What tests say themselves, no invocation causes; and what is wrong with a build is told to others.
        let told = entries.filter(|entry| entry.invocation.is_some() && !entry.subject.contains("BuildReports"));
        told.count()
    };
    (of(Kind::MessagePublished), of(Kind::EventPut))
}
