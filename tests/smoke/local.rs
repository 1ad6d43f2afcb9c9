//! On the local AWS, thousands of times as fast.

use crate::scenario::{Account, Deployed, PREFIX};
use anyhow::Context as _;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ssm::config::{Credentials, SharedCredentialsProvider};
use goldsmith_local::draw::Seed;
use goldsmith_local::driver::{Local, Pace, Running};
use goldsmith_local::lambda::package;
use goldsmith_local::stack::{self, Deployment};
use goldsmith_local::world::{DEFAULT_ACCOUNT, DEFAULT_REGION};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// With this template of the functions' stack: what `sam build` has made runs as it would be uploaded.
const TEMPLATE: &str = "GOLDSMITH_SMOKE_TEMPLATE";

/// A build of half an hour takes half a second.
const SPEED: u32 = 3600;

/// # Errors
/// What went wrong.
pub(crate) async fn run() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the repository's root")?;
    let template = root.join(std::env::var_os(TEMPLATE).map_or_else(|| PathBuf::from("template.yaml"), PathBuf::from));
    let functions = stack::read(&template)?;
    let executables = package::executables(&functions.code_uris()).await?;
    let running = Running::start(Seed(1), Pace::Real { speed: SPEED }, 0).await?;
    let local = &running.local;
    for (code, executable) in executables {
        local.set_executable(code, executable);
    }
    let living = tokio::spawn(local.clone().live(|_| {}));
    let tried = scenario(local, functions, root).await;
    living.abort();
    local.shut_down().await;
    tried
}

async fn scenario(local: &Local, functions: stack::Template, root: &Path) -> anyhow::Result<()> {
    let account = account(local);
    account.is_free().await?;
    let parameters = [("ParameterPrefix", PREFIX), ("SweepState", "DISABLED"), ("RetirementState", "DISABLED")];
    let outputs = deploy(local, functions, "goldsmith", &parameters).await?;
    let execution_role = output(&outputs, "LifecycleExecutionRoleArn")?;
    deploy(local, stack::read(&root.join("examples/golden-images.yaml"))?, "golden-images", &[]).await?;
    let outputs = deploy(local, stack::read(&root.join("tests/smoke/queue.yaml"))?, "queue", &[]).await?;
    let deployed = Deployed { queue_url: output(&outputs, "QueueUrl")?, execution_role };
    account.publish(&deployed).await?;
    account.remove(&deployed).await
}

fn output(outputs: &BTreeMap<String, String>, name: &str) -> anyhow::Result<String> {
    outputs.get(name).cloned().with_context(|| format!("the output {name}"))
}

async fn deploy(
    local: &Local,
    template: stack::Template,
    name: &str,
    parameters: &[(&str, &str)],
) -> anyhow::Result<BTreeMap<String, String>> {
    let parameters = parameters.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let deployment = Deployment::new(template, name, parameters, DEFAULT_ACCOUNT, DEFAULT_REGION)?;
    Ok(local.deploy(deployment, &mut |_| {}).await?.outputs)
}

fn account(local: &Local) -> Account {
    let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", "secret", None, None, "smoke");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(local.url())
        .region(Region::new(DEFAULT_REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(shared::clients::http_client())
        .build();
    let regions = [DEFAULT_REGION, "eu-west-1"].map(str::to_owned);
    Account { config, regions, pause: Duration::from_millis(20), looks: 100_000 }
}
