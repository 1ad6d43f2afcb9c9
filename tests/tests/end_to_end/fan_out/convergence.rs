//! Writers side by side: the function's own code in process, several of it on one parameter, each AWS call held until a
//! schedule lets it go. Whatever the order, and whoever dies after whichever call, the newest build ends up newest.

use super::*;
use crate::harness::call;
use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ssm::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use fan_out_amis::{Function, Settings};
use goldsmith_local::draw::Seed;
use goldsmith_local::driver::Pace;
use goldsmith_local::sdk::InProcess;
use goldsmith_local::world::World;
use lambda_runtime::{Context, LambdaEvent};
use proptest::prelude::*;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{OnceCell, oneshot};
use tokio::task::{JoinHandle, LocalSet};

const PIPELINE: &str = "image-pipeline/web";
const PLACE: (&str, &str) = (DEFAULT_REGION, DEFAULT_ACCOUNT);

/// How many builds of the family there are.
const BUILDS: u32 = 4;

/// So often in a row time passes while a call could go.
const MOST_IDLE: usize = 8;

/// Scenarios that run beside each other.
const LANES: usize = 6;

/// More calls than this of one writer are a loop: it makes some dozens.
const MOST_CALLS: usize = 250;

fn build_arn(number: u32) -> String {
    format!("arn:aws:imagebuilder:{DEFAULT_REGION}:{DEFAULT_ACCOUNT}:image/web/1.0.0/{number}")
}

/// A world with AVAILABLE builds of `web`, of which nothing is published, as JSON.
async fn built() -> &'static [u8] {
    static BUILT: OnceCell<Vec<u8>> = OnceCell::const_new();
    BUILT.get_or_init(build_world).await
}

async fn build_world() -> Vec<u8> {
    let start = "2026-03-02T00:00:00Z".parse().unwrap();
    let running = Running::start(Seed(11), Pace::Simulated { start }, 0).await.unwrap();
    {
        let mut world = running.local.world();
        let mut make = |operation: &str, mut input: Value| {
            input["clientToken"] = json!(world.fresh_uuid("test"));
            call(&mut world, "imagebuilder", DEFAULT_REGION, operation, input)
        };
        let parent = "arn:aws:imagebuilder:us-east-1:aws:image/amazon-linux-2023-x86/x.x.x";
        let component = "arn:aws:imagebuilder:us-east-1:aws:component/update-linux/x.x.x";
        let recipe = json!({"name": "web", "semanticVersion": "1.0.0", "parentImage": parent,
            "components": [{"componentArn": component}]});
        let recipe = make("CreateImageRecipe", recipe)["imageRecipeArn"].clone();
        let infrastructure = json!({"name": "web", "instanceProfileName": "build"});
        let infrastructure = make("CreateInfrastructureConfiguration", infrastructure);
        let infrastructure = infrastructure["infrastructureConfigurationArn"].clone();
        let pipeline = json!({"name": "web", "imageRecipeArn": recipe,
            "infrastructureConfigurationArn": infrastructure});
        make("CreateImagePipeline", pipeline);
        call(&mut world, "sns", DEFAULT_REGION, "CreateTopic", json!({"Name": "published"}));
    }
    for _ in 0..BUILDS {
        let arn = crate::harness::start(&running.local, PIPELINE.rsplit('/').next().unwrap());
        while !running.local.world().imagebuilder.has_ended(&arn) {
            let due = running.local.world().next_due().unwrap();
            running.local.run_until(due, &mut |_| {}).await;
        }
    }
    settle(&running.local).await;
    let world = serde_json::to_vec(&*running.local.world()).unwrap();
    running.local.shut_down().await;
    world
}

/// What becomes of a held call.
enum Verdict {
    Go,
    /// It is made, but its caller dies before it hears of the answer.
    GoUnheard,
}

/// A call that waits.
struct Held {
    writer: usize,
    operation: String,
    verdict: oneshot::Sender<Verdict>,
}

/// Where the calls of all writers wait.
#[derive(Default)]
struct Gate {
    held: Mutex<Vec<Held>>,
    /// By writer: the calls that were let go.
    made: Mutex<std::collections::BTreeMap<usize, usize>>,
}

/// The HTTP client of one writer.
#[derive(Clone)]
struct Gated {
    writer: usize,
    gate: Arc<Gate>,
    inner: InProcess,
}

impl std::fmt::Debug for Gated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Gated").field(&self.writer).finish()
    }
}

impl HttpClient for Gated {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Gated {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { writer, gate, inner } = self.clone();
        HttpConnectorFuture::new(async move {
            let (verdict, told) = oneshot::channel();
            let target = request.headers().get("x-amz-target").unwrap_or(request.uri()).to_owned();
            gate.held.lock().unwrap().push(Held { writer, operation: target, verdict });
            let verdict = told.await;
            *gate.made.lock().unwrap().entry(writer).or_default() += 1;
            let answer = inner.call(request).await;
            if matches!(verdict, Ok(Verdict::Go)) {
                return answer;
            }
            std::future::pending().await
        })
    }
}

/// One run: who writes, in which order their calls are let go, who dies when.
#[derive(Debug, Clone)]
struct Scenario {
    /// What each writer hears: a build's number, or 0 for the sweep.
    writers: Vec<u32>,
    /// What happens next, over and over: among those that wait, which call goes, or that time passes.
    order: Vec<u8>,
    /// Which writer dies after how many of its calls.
    death: Option<(usize, usize)>,
}

fn scenarios() -> impl Strategy<Value = Scenario> {
    let writers = prop::collection::vec(0..=BUILDS, 2..=4);
    let order = prop::collection::vec(any::<u8>(), 1..=64);
    (writers, order, prop::option::of((0..4_usize, 1..14_usize))).prop_map(|(writers, order, death)| {
        let death = death.map(|(who, after)| (who % writers.len(), after));
        Scenario { writers, order, death }
    })
}

/// A local AWS with the builds.
async fn course() -> Running {
    let world: World = serde_json::from_slice(built().await).unwrap();
    let start = world.now;
    Running::go_on(world, Pace::Simulated { start }, 0).await.unwrap()
}

/// A local AWS with writers at its gate.
struct Race {
    local: Arc<Local>,
    gate: Arc<Gate>,
}

impl Race {
    /// Nothing is published when it begins.
    fn on(running: &Running) -> Self {
        let local = running.local.clone();
        let (region, account) = PLACE;
        let name = json!({"Name": "/golden-images/web"});
        // There is none at first.
        let _ = call_in(&mut local.world(), account, region, "ssm", "DeleteParameter", name);
        Self { local, gate: Arc::default() }
    }

    fn local(&self) -> &Arc<Local> {
        &self.local
    }

    /// A fresh process of the function, with an event.
    fn write(&self, writer: usize, event: Value) -> JoinHandle<Result<Value, String>> {
        let client = Gated { writer, gate: self.gate.clone(), inner: InProcess::new(self.local().clone()) };
        let credentials = Credentials::new(DEFAULT_ACCOUNT, "secret", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(DEFAULT_REGION))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(RetryConfig::disabled())
            .http_client(client)
            .build();
        let topic = format!("arn:aws:sns:{DEFAULT_REGION}:{DEFAULT_ACCOUNT}:published");
        let settings = [("PUBLISHED_IMAGES_TOPIC_ARN".to_owned(), topic)].into_iter().collect();
        let function = Function::new(&config, Settings::from_environment(settings).unwrap());
        let mut context = Context::default();
        // Far away: nothing here is about time that runs out.
        context.deadline = 4_000_000_000_000;
        context.invoked_function_arn =
            format!("arn:aws:lambda:{DEFAULT_REGION}:{DEFAULT_ACCOUNT}:function:fan-out-amis");
        tokio::task::spawn_local(async move {
            let answer = function.handle(LambdaEvent::new(event, context)).await;
            let answer = serde_json::to_value(answer.map_err(|failed| format!("{failed:?}"))?).unwrap();
            if answer["complete"] == true { Ok(answer) } else { Err(answer.to_string()) }
        })
    }

    fn event(&self, build: u32) -> Value {
        match build {
            0 => json!({"sweep": {}, "time": self.local().world().now.to_rfc3339()}),
            build => json!({"arn": build_arn(build)}),
        }
    }

    /// Lets all tasks go on until none can without a call being let go.
    async fn quiet(&self) {
        let mut before = usize::MAX;
        for _ in 0..50 {
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
            let held = self.gate.held.lock().unwrap().len();
            if held == before {
                return;
            }
            before = held;
        }
    }

    /// Simulated time goes on; what is due by then happens.
    async fn pass(&self, span: TimeDelta) {
        let until = self.local().world().now + span;
        self.local().run_until(until, &mut |_| {}).await;
    }

    /// Lets a held call go: the n-th of those that wait, by writer.
    fn release(&self, nth: usize, verdict: Verdict) -> (usize, String) {
        let mut held = self.gate.held.lock().unwrap();
        held.sort_by_key(|held| held.writer);
        let Held { writer, operation, verdict: tell } = held.remove(nth);
        // A caller that died waits for nothing.
        let _ = tell.send(verdict);
        (writer, operation)
    }

    fn made(&self, writer: usize) -> usize {
        self.gate.made.lock().unwrap().get(&writer).copied().unwrap_or_default()
    }

    /// Lets the calls of these writers go as the order says, until all have ended; who has to die, dies.
    async fn run(
        &self,
        mut writers: Vec<(usize, JoinHandle<Result<Value, String>>)>,
        scenario: &Scenario,
    ) -> Vec<String> {
        let mut order = scenario.order.iter().copied().cycle();
        let (mut errors, mut idle) = (Vec::new(), 0);
        while !writers.is_empty() {
            self.quiet().await;
            let mut live = Vec::new();
            for (writer, task) in writers {
                if !task.is_finished() {
                    live.push((writer, task));
                } else if let Err(error) = task.await.unwrap() {
                    errors.push(error);
                }
            }
            writers = live;
            let waiting = self.gate.held.lock().unwrap().len();
            if waiting == 0 {
                // All that live pause: time passes, here and there.
                self.pass(TimeDelta::seconds(1)).await;
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            }
            let choice = usize::from(order.next().unwrap()) % (waiting + 1);
            if choice == waiting && idle < MOST_IDLE {
                idle += 1;
                self.pass(TimeDelta::milliseconds(700)).await;
                continue;
            }
            let choice = choice.min(waiting - 1);
            idle = 0;
            let writer = {
                let mut held = self.gate.held.lock().unwrap();
                held.sort_by_key(|held| held.writer);
                held[choice].writer
            };
            let dies = scenario.death.is_some_and(|(who, after)| who == writer && self.made(writer) + 1 == after);
            self.release(choice, if dies { Verdict::GoUnheard } else { Verdict::Go });
            self.pass(TimeDelta::milliseconds(20)).await;
            if dies {
                self.quiet().await;
                let place = writers.iter().position(|(one, _)| *one == writer).unwrap();
                let (_, task) = writers.remove(place);
                task.abort();
                let _ = task.await;
                self.gate.held.lock().unwrap().retain(|held| held.writer != writer);
            }
            assert!(self.made(writer) < MOST_CALLS, "writer {writer} is in a loop: {scenario:?}");
        }
        errors
    }
}

/// Runs a scenario and says what is wrong with its end, if anything is.
async fn outcome(running: &Running, scenario: &Scenario) -> Result<(), String> {
    let race = Race::on(running);
    let told_before = calls(race.local(), "Publish");
    let writers: Vec<_> =
        scenario.writers.iter().enumerate().map(|(nth, build)| (nth, race.write(nth, race.event(*build)))).collect();
    let mut errors = race.run(writers, scenario).await;
    // Whoever died or failed is tried again, as Lambda does, alone and in peace.
    let dead = scenario.death.map(|(writer, _)| writer).filter(|writer| *writer < scenario.writers.len());
    let again: Vec<usize> =
        if errors.is_empty() { dead.into_iter().collect() } else { (0..scenario.writers.len()).collect() };
    let peaceful = Scenario { order: vec![0], death: None, writers: Vec::new() };
    for writer in again {
        let number = 100 + writer;
        let task = race.write(number, race.event(scenario.writers[writer]));
        errors = race.run(vec![(number, task)], &peaceful).await;
        if !errors.is_empty() {
            return Err(format!("a repeat of writer {writer} failed: {errors:?}"));
        }
    }
    settle(race.local()).await;
    let heard = scenario.writers.iter().map(|build| if *build == 0 { BUILDS } else { *build });
    let expected = build_arn(heard.max().unwrap());
    let versions = history(race.local(), PLACE, "web");
    let last = versions.last().map(|version| version.build.clone()).unwrap_or_default();
    let label = expected.rsplit_once("/1.0.0/").map(|(_, build)| format!("v1.0.0-{build}")).unwrap();
    let told = calls(race.local(), "Publish") - told_before;
    let on = versions.iter().rfind(|version| version.labels.contains(&label)).map(|version| version.number);
    match () {
        () if last != expected => Err(format!("{last} is newest instead of {expected}: {versions:?}")),
        () if versions.len() > 3 * scenario.writers.len() + 3 => Err(format!("too many versions: {versions:?}")),
        () if on.is_none() => Err(format!("no version carries {label}: {versions:?}")),
        () if told == 0 => Err(format!("{expected} was never announced: {versions:?}")),
        () => Ok(()),
    }
}

/// Runs scenarios, several beside each other: most of their time is pauses.
fn all_right(scenarios: &[Scenario]) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, async {
        let lanes = scenarios.chunks(scenarios.len().div_ceil(LANES)).map(|lane| {
            let lane = lane.to_vec();
            tokio::task::spawn_local(async move {
                let running = course().await;
                for scenario in lane {
                    outcome(&running, &scenario).await.map_err(|wrong| format!("{wrong}\n{scenario:?}"))?;
                }
                running.local.shut_down().await;
                Ok::<_, String>(())
            })
        });
        for lane in lanes.collect::<Vec<_>>() {
            lane.await.map_err(|error| TestCaseError::fail(error.to_string()))?.map_err(TestCaseError::fail)?;
        }
        Ok(())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, max_shrink_iters: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn writers_in_any_order_leave_the_newest_build_newest_and_a_repeat_finishes_what_a_dead_one_began(
        scenarios in prop::collection::vec(scenarios(), 48)
    ) {
        all_right(&scenarios)?;
    }
}

#[test]
fn a_writer_may_die_after_any_of_its_calls() {
    let alone = (1..16).map(|after| Scenario { writers: vec![3], order: vec![0, 0, 0, 1], death: Some((0, after)) });
    let beside = (1..16).map(|after| Scenario { writers: vec![2, 4], order: vec![0, 1, 2], death: Some((1, after)) });
    all_right(&alone.chain(beside).collect::<Vec<_>>()).unwrap();
}

#[tokio::test]
async fn an_ami_that_parameter_store_refuses_is_told_as_what_it_is_and_the_former_version_stays() {
    LocalSet::new().run_until(refused_by_parameter_store()).await;
}

async fn refused_by_parameter_store() {
    let running = course().await;
    let race = Race::on(&running);
    let peaceful = Scenario { order: vec![0], death: None, writers: Vec::new() };
    let first = race.write(0, race.event(1));
    assert_eq!(race.run(vec![(0, first)], &peaceful).await, Vec::<String>::new());
    let image = ami(race.local(), &build_arn(2), PLACE);
    let second = race.write(1, race.event(2));
    // As soon as the version is written, and before it is validated, somebody deregisters the AMI.
    let mut gone = false;
    let failed = loop {
        race.quiet().await;
        if second.is_finished() {
            break second.await.unwrap().unwrap_err();
        }
        if race.gate.held.lock().unwrap().is_empty() {
            race.pass(TimeDelta::seconds(1)).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        }
        let (_, operation) = race.release(0, Verdict::Go);
        race.quiet().await;
        if operation.ends_with("PutParameter") && !gone {
            gone = true;
            call(&mut race.local().world(), "ec2", DEFAULT_REGION, "DeregisterImage", json!({"ImageId": image}));
        }
        assert!(race.made(1) < MOST_CALLS);
    };
    assert!(gone && failed.contains(&image) && failed.contains("doesn't accept"), "{failed}");
    let versions = history(race.local(), PLACE, "web");
    assert_eq!(versions.iter().map(|version| version.build.clone()).collect::<Vec<_>>(), [build_arn(1)]);
    race.local().shut_down().await;
}
