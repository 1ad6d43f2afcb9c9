//! What the tests stand on: the built binaries, a local AWS with the stacks deployed, the command.

use chrono::SecondsFormat;
use goldsmith_local::draw::Seed;
use goldsmith_local::driver::{Local, Pace, Running};
use goldsmith_local::journal::{Entry, Kind};
use goldsmith_local::lambda::{self, Ending, Invocation, InvocationRecord, SYNCHRONOUS, package};
use goldsmith_local::stack::{self, Deployment, Summary};
use goldsmith_local::wire::{ApiError, Caller, Context, Principal};
use goldsmith_local::world::{DEFAULT_ACCOUNT, DEFAULT_REGION, World};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tokio::sync::OnceCell;

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// No schedule of the functions' stack runs.
pub(crate) const OFF: [(&str, &str); 4] = [
    ("SweepState", "DISABLED"),
    ("PublishSweepState", "DISABLED"),
    ("RetirementState", "DISABLED"),
    ("ReportState", "DISABLED"),
];

static BUILT: OnceCell<BTreeMap<PathBuf, PathBuf>> = OnceCell::const_new();

/// The executables of the functions and of the command, by the folder that they are built from.
pub(crate) async fn executables() -> &'static BTreeMap<PathBuf, PathBuf> {
    let functions = ["deprecate-images", "fan-out-amis", "report-builds", "start-pipelines"];
    let mut codes = vec![root().join("local")];
    codes.extend(functions.map(|function| root().join("functions").join(function)));
    BUILT.get_or_init(|| async move { package::executables(&codes).await.unwrap() }).await
}

/// Runs `goldsmith-local` in the repository's root to its end.
pub(crate) async fn goldsmith_local(arguments: &[&str]) -> Output {
    let mut command = command().await;
    command.args(arguments);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// The command, not yet started.
pub(crate) async fn command() -> Command {
    let mut command = Command::new(&executables().await[&root().join("local")]);
    command.current_dir(root());
    command
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A local AWS in simulated time with the functions' stack and others deployed. The schedules are off: what happens is
/// what a test makes happen.
pub(crate) async fn deployed(seed: u64, stacks: &[PathBuf]) -> Running {
    deployed_with(seed, stacks, &OFF, &[]).await
}

/// The same with parameters of the functions' stack, and topics that are there before it.
pub(crate) async fn deployed_with(
    seed: u64,
    stacks: &[PathBuf],
    parameters: &[(&str, &str)],
    topics: &[&str],
) -> Running {
    deployed_from(&root().join("template.yaml"), seed, stacks, parameters, topics).await
}

/// The same with another template in the place of the functions' own.
pub(crate) async fn deployed_from(
    template: &Path,
    seed: u64,
    stacks: &[PathBuf],
    parameters: &[(&str, &str)],
    topics: &[&str],
) -> Running {
    let start = "2026-03-02T00:00:00Z".parse().unwrap();
    let running = Running::start(Seed(seed), Pace::Simulated { start }, 0).await.unwrap();
    with_executables(&running).await;
    for topic in topics {
        let input = serde_json::json!({"Name": topic});
        call(&mut running.local.world(), "sns", DEFAULT_REGION, "CreateTopic", input);
    }
    deploy(&running.local, DEFAULT_ACCOUNT, "goldsmith", template, parameters).await;
    for stack in stacks {
        deploy(&running.local, DEFAULT_ACCOUNT, stack.file_stem().unwrap().to_str().unwrap(), stack, &[]).await;
    }
    running
}

/// Goes on with a world that [`kept`] wrote down.
pub(crate) async fn going_on(world: &str) -> Running {
    let start = "2026-03-02T00:00:00Z".parse().unwrap();
    let world = serde_json::from_str(world).unwrap();
    let running = Running::go_on(world, Pace::Simulated { start }, 0).await.unwrap();
    with_executables(&running).await;
    running
}

/// A world, to go on with as often as a test wants.
pub(crate) fn kept(local: &Local) -> String {
    serde_json::to_string(&*local.world()).unwrap()
}

async fn with_executables(running: &Running) {
    for (code, executable) in executables().await {
        running.local.set_executable(code.clone(), executable.clone());
    }
}

/// Deploys a stack in an account.
pub(crate) async fn deploy(
    local: &Local,
    account: &str,
    name: &str,
    file: &Path,
    parameters: &[(&str, &str)],
) -> Summary {
    let template = stack::read(file).unwrap();
    let parameters = parameters.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let deployment = Deployment::new(template, name, parameters, account, DEFAULT_REGION).unwrap();
    local.deploy(deployment, &mut |_| {}).await.unwrap()
}

/// The topic of the build notifications: its name holds a suffix, as CloudFormation makes one up.
pub(crate) fn build_notifications(local: &Local) -> String {
    let answer = call(&mut local.world(), "sns", DEFAULT_REGION, "ListTopics", serde_json::json!({}));
    let mut topics = answer["Topics"].as_array().unwrap().iter().map(|topic| topic["TopicArn"].as_str().unwrap());
    topics.find(|arn| arn.contains(":goldsmith-BuildNotifications-")).unwrap().to_owned()
}

/// The invocations of one of the stack's functions.
pub(crate) fn invocations(local: &Local, function: &str) -> Vec<InvocationRecord> {
    let world = local.world();
    let of = |record: &&InvocationRecord| record.invocation.function_arn.ends_with(&format!(":goldsmith-{function}"));
    world.lambda.invocations.iter().filter(of).cloned().collect()
}

/// Invokes one of the stack's functions and waits for its end.
pub(crate) async fn invoke(local: &Local, function: &str, event: &Value) -> Ending {
    let invocation = {
        let mut world = local.world();
        Invocation {
            request_id: world.fresh_uuid("test"),
            function_arn: lambda::find(&world, function).unwrap(),
            payload: event.to_string(),
            source: SYNCHRONOUS.to_owned(),
            attempt: 0,
            accepted_at: world.now,
        }
    };
    local.invoke(invocation).await
}

/// The world's time, as schedules give it.
pub(crate) fn now(local: &Local) -> Value {
    local.world().now.to_rfc3339_opts(SecondsFormat::Secs, true).into()
}

/// A stack of the tests' own.
pub(crate) fn own_stack(name: &str) -> PathBuf {
    root().join("tests/stacks").join(name)
}

/// Lets simulated time pass until everything that was caused has happened, and returns the entries.
pub(crate) async fn settle(local: &Local) -> Vec<Entry> {
    let mut seen = Vec::new();
    local.settle(&mut |entry| seen.push(entry.clone())).await;
    seen
}

/// Runs a pipeline to the end of its build, and what follows from it.
pub(crate) async fn build(local: &Local, pipeline: &str) -> (String, Vec<Entry>) {
    let image_arn = start(local, pipeline);
    let mut seen = Vec::new();
    while !local.world().imagebuilder.has_ended(&image_arn) {
        let due = local.world().next_due().unwrap();
        local.run_until(due, &mut |entry| seen.push(entry.clone())).await;
    }
    seen.extend(settle(local).await);
    (image_arn, seen)
}

/// Starts a pipeline.
pub(crate) fn start(local: &Local, pipeline: &str) -> String {
    let arn = format!("arn:aws:imagebuilder:{DEFAULT_REGION}:{DEFAULT_ACCOUNT}:image-pipeline/{pipeline}");
    let mut world = local.world();
    let token = world.fresh_uuid("test");
    let input = serde_json::json!({"imagePipelineArn": arn, "clientToken": token});
    let answer = call(&mut world, "imagebuilder", DEFAULT_REGION, "StartImagePipelineExecution", input);
    answer["imageBuildVersionArn"].as_str().unwrap().to_owned()
}

/// One API call as the account's root.
pub(crate) fn call(world: &mut World, service: &str, region: &str, operation: &str, input: Value) -> Value {
    call_in(world, DEFAULT_ACCOUNT, region, service, operation, input).unwrap()
}

/// One API call as an account's root.
pub(crate) fn call_in(
    world: &mut World,
    account: &str,
    region: &str,
    service: &str,
    operation: &str,
    input: Value,
) -> Result<Value, ApiError> {
    let caller = Caller { account: account.to_owned(), principal: Principal::Root, invocation: None };
    let context = Context { caller, region: region.to_owned(), request_id: world.fresh_uuid("request") };
    goldsmith_local::dispatch::call(world, &context, service, operation, input)
}

/// The parameters of a family as (Region, value, version, description).
pub(crate) fn published(local: &Local, family: &str) -> Vec<(String, String, i64, String)> {
    let world = local.world();
    goldsmith_local::ssm::published(&world)
        .into_iter()
        .filter(|parameter| parameter.name == format!("/golden-images/{family}"))
        .map(|parameter| {
            (parameter.region, parameter.value, parameter.version, parameter.description.unwrap_or_default())
        })
        .collect()
}

/// How many entries of a kind there are.
pub(crate) fn count(entries: &[Entry], kind: Kind) -> usize {
    entries.iter().filter(|entry| entry.kind == kind).count()
}
