//! A local Image Builder and the SDK's client of it, in process and over TCP.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_imagebuilder::Client;
use aws_sdk_imagebuilder::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ssm::config::{Credentials, SharedCredentialsProvider};
use chrono::TimeDelta;
use goldsmith_local::draw::Seed;
use goldsmith_local::driver::{Local, Pace, Running};
use goldsmith_local::sdk::InProcess;
use goldsmith_local::wire::{Caller, Context, Principal};
use goldsmith_local::world::{DEFAULT_ACCOUNT, DEFAULT_REGION};
use goldsmith_local::{dispatch, journal};
use serde_json::Value;
use std::sync::Arc;

/// A local AWS in simulated time that begins 2026-03-02, and a client of its Image Builder.
pub(crate) struct Bench {
    /// The client.
    pub(crate) builder: Client,
    /// The local AWS.
    pub(crate) local: Arc<Local>,
    /// What clients of other services are made of.
    pub(crate) config: SdkConfig,
    _running: Running,
}

/// Runs a test twice, each time on a local AWS of its own: with the SDK in process, and over TCP.
pub(crate) async fn on_both(test: impl AsyncFn(&Bench)) {
    for tcp in [false, true] {
        let bench = Bench::start(tcp).await;
        test(&bench).await;
        bench.local.shut_down().await;
    }
}

impl Bench {
    async fn start(tcp: bool) -> Self {
        let start = "2026-03-02T00:00:00Z".parse().unwrap();
        let running = Running::start(Seed(3), Pace::Simulated { start }, 0).await.unwrap();
        let local = running.local.clone();
        let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", "secret", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(DEFAULT_REGION))
            .credentials_provider(SharedCredentialsProvider::new(credentials));
        let config = match tcp {
            true => config.http_client(shared::clients::http_client()).endpoint_url(local.url()),
            false => config.http_client(InProcess::new(local.clone())),
        };
        let config = config.build();
        Self { builder: Client::new(&config), local, config, _running: running }
    }

    /// Lets simulated time pass.
    pub(crate) async fn pass(&self, span: TimeDelta) {
        let limit = self.local.world().now + span;
        self.local.run_until(limit, &mut |_| {}).await;
    }

    /// Lets simulated time pass, event by event, until a condition holds.
    pub(crate) async fn until(&self, holds: impl Fn(&goldsmith_local::world::World) -> bool) {
        while !holds(&self.local.world()) {
            let due = self.local.world().next_due().expect("something is still due");
            self.local.run_until(due, &mut |_| {}).await;
        }
    }

    /// Lets simulated time pass until a build is over, and what follows from it has happened.
    pub(crate) async fn ended(&self, image_arn: &str) {
        self.until(|world| world.imagebuilder.has_ended(image_arn)).await;
        self.local.settle(&mut |_| {}).await;
    }

    /// One API call of any service as the account's root, in the names of the wire.
    pub(crate) fn call(&self, service: &str, region: &str, operation: &str, input: Value) -> Value {
        let mut world = self.local.world();
        let caller = Caller { account: DEFAULT_ACCOUNT.to_owned(), principal: Principal::Root, invocation: None };
        let context = Context { caller, region: region.to_owned(), request_id: world.fresh_uuid("request") };
        dispatch::call(&mut world, &context, service, operation, input).unwrap()
    }

    /// The details of the journal's entries of a kind, oldest first.
    pub(crate) fn journal(&self, kind: journal::Kind) -> Vec<String> {
        let world = self.local.world();
        world.journal.entries().iter().filter(|entry| entry.kind == kind).map(|entry| entry.detail.clone()).collect()
    }
}

/// The code of a refusal.
pub(crate) fn code<T: std::fmt::Debug, E: ProvideErrorMetadata + std::fmt::Debug>(
    result: Result<T, SdkError<E>>,
) -> String {
    result.unwrap_err().code().unwrap().to_owned()
}

/// The ARN of a resource of the account in its Region.
pub(crate) fn arn(rest: &str) -> String {
    format!("arn:aws:imagebuilder:{DEFAULT_REGION}:{DEFAULT_ACCOUNT}:{rest}")
}
