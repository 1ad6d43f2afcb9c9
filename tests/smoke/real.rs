//! In a real account: stacks come and go by the SAM CLI.

use crate::scenario::{Account, Deployed, PREFIX};
use anyhow::{Context as _, ensure};
use aws_config::BehaviorVersion;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Command;

/// The functions' stack; those of the examples and of the queue have a suffix.
const STACK: &str = "goldsmith-smoke";

/// # Errors
/// What went wrong. Everything is removed all the same; what couldn't be is named.
pub(crate) async fn run() -> anyhow::Result<()> {
    let config =
        aws_config::defaults(BehaviorVersion::latest()).http_client(shared::clients::http_client()).load().await;
    let region = config.region().context("AWS_REGION: expected the Region of the stacks")?.to_string();
    let second = std::env::var("GOLDSMITH_SMOKE_SECOND_REGION").unwrap_or_else(|_| "eu-west-1".to_owned());
    ensure!(region != second, "GOLDSMITH_SMOKE_SECOND_REGION: expected another Region than {region}");
    // 20 seconds a look: three hours.
    let account =
        Account { config, regions: [region.clone(), second.clone()], pause: Duration::from_secs(20), looks: 540 };
    account.is_free().await?;
    let sam = Sam::new(region)?;
    let tried = scenario(&sam, &account, &second).await;
    let removed = remove(&sam, &account).await;
    match tried {
        Ok(()) => removed,
        Err(error) => {
            if let Err(left) = removed {
                println!("not everything is removed: {left:#}");
            }
            Err(error)
        }
    }
}

async fn scenario(sam: &Sam, account: &Account, second: &str) -> anyhow::Result<()> {
    let prefix = format!("ParameterPrefix={PREFIX}");
    // Nothing but what this test starts, and what follows from it, is to be built.
    let off = ["SweepState=DISABLED", "RetirementState=DISABLED", "Architecture=x86_64"];
    sam.deploy(".aws-sam/build/template.yaml", STACK, &[&[prefix.as_str()], &off[..]].concat()).await?;
    let (of, second) = (format!("GoldsmithStack={STACK}"), format!("SecondRegion={second}"));
    sam.deploy("examples/golden-images.yaml", &images(), &[&of, &second, "ScanImages=false"]).await?;
    sam.deploy("tests/smoke/queue.yaml", &queue(), &[&of]).await?;
    account.publish(&deployed(sam).await?).await
}

/// Images first: the role that deletes them is the stack's.
async fn remove(sam: &Sam, account: &Account) -> anyhow::Result<()> {
    let images_left = match sam.output(STACK, "LifecycleExecutionRoleArn").await {
        Ok(execution_role) => account.remove(&Deployed { queue_url: String::new(), execution_role }).await,
        Err(error) => account.is_free().await.context(error),
    };
    for stack in [queue(), images(), STACK.to_owned()] {
        sam.run(&["delete", "--stack-name", &stack, "--no-prompts", "--region", &sam.region]).await?;
    }
    images_left
}

async fn deployed(sam: &Sam) -> anyhow::Result<Deployed> {
    let queue_url = sam.output(&queue(), "QueueUrl").await?;
    Ok(Deployed { queue_url, execution_role: sam.output(STACK, "LifecycleExecutionRoleArn").await? })
}

fn images() -> String {
    format!("{STACK}-images")
}

fn queue() -> String {
    format!("{STACK}-queue")
}

/// The SAM CLI in the repository's root.
struct Sam {
    root: PathBuf,
    region: String,
}

impl Sam {
    fn new(region: String) -> anyhow::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the repository's root")?.to_owned();
        let built = root.join(".aws-sam/build/template.yaml");
        ensure!(built.is_file(), "{}: expected the built stack; `sam build` makes it", built.display());
        Ok(Self { root, region })
    }

    async fn deploy(&self, template: &str, stack: &str, parameters: &[&str]) -> anyhow::Result<()> {
        let fixed = ["deploy", "--template-file", template, "--stack-name", stack, "--region", &self.region];
        let ways = ["--resolve-s3", "--no-confirm-changeset", "--no-fail-on-empty-changeset", "--capabilities"];
        let may = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "--parameter-overrides"];
        self.run(&[&fixed[..], &ways, &may, parameters].concat()).await.map(drop)
    }

    async fn output(&self, stack: &str, name: &str) -> anyhow::Result<String> {
        let asked = ["list", "stack-outputs", "--stack-name", stack, "--region", &self.region, "--output", "json"];
        let text = self.run(&asked).await?;
        let outputs: Value = serde_json::from_str(&text).with_context(|| format!("outputs of {stack}: {text}"))?;
        let mut outputs = outputs.as_array().into_iter().flatten();
        let value =
            outputs.find(|output| output["OutputKey"] == name).and_then(|output| output["OutputValue"].as_str());
        value.map(str::to_owned).with_context(|| format!("{stack} has no output {name}"))
    }

    /// What it prints on standard output; progress goes to standard error.
    async fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        println!("sam {}", arguments.join(" "));
        let mut command = Command::new("sam");
        command
            .current_dir(&self.root)
            .args(arguments)
            .env("SAM_CLI_TELEMETRY", "0")
            .stderr(std::process::Stdio::inherit());
        let output = command.output().await.context("sam: expected the AWS SAM CLI on the path")?;
        ensure!(output.status.success(), "sam {} failed ({})", arguments.join(" "), output.status);
        String::from_utf8(output.stdout).context("what sam printed")
    }
}
