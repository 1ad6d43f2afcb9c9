//! The command line of `goldsmith-local`.

mod invoke;
mod run;
mod serve;

use crate::clock::Time;
use crate::draw::Seed;
use crate::driver::{Local, Pace, Running};
use crate::faults::Rules;
use crate::journal::{Entry, Kind};
use crate::lambda::package;
use crate::s3;
use crate::stack::{self, Deployment, Template};
use crate::timeline;
use crate::world::{DEFAULT_ACCOUNT, DEFAULT_REGION, World};
use anyhow::Context as _;
use chrono::{TimeZone, Utc};
use clap::{Args, Parser, Subcommand};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The stack's name on the local AWS when it is deployed from `--template`; the examples import its exports.
const STACK_NAME: &str = "goldsmith";

/// The stack that runs when none is named.
const EXAMPLE: &str = "examples/golden-images.yaml";

/// The channels of the examples, unless the command line says otherwise: one that follows at once, one three days later.
const EXAMPLE_CHANNELS: &str = r#"{"dev": {"promote": "auto"}, "prod": {"promote": "auto", "soak": "P3D"}}"#;

/// AWS on a laptop: EC2 Image Builder with what an automation of golden images needs around it (SNS,
/// Parameter Store, EC2 images, EventBridge, STS, Lambda). Deploys CloudFormation and SAM templates,
/// builds and runs their real Rust functions, and lets days of builds pass in seconds.
///
/// No account, no network beyond loopback, no Docker. The same seed gives the same run.
#[derive(Debug, Parser)]
#[command(name = "goldsmith-local", version, max_term_width = 100, after_help = "Without a command: `run`.")]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run some simulated days: a live timeline, then what is published and whether that is right.
    ///
    /// Ends with status 1 if what is published differs from the newest AVAILABLE build of a family.
    Run(run::Options),
    /// Stay up for any SDK, CLI or Terraform, with AWS_ENDPOINT_URL set to what is printed.
    ///
    /// Any access key is accepted; one of 12 digits is taken as the account ID. Ctrl-C ends it and the
    /// functions' processes.
    Serve(serve::Options),
    /// Send one event to one function on a local AWS that has the stacks deployed; print answer and log.
    ///
    /// The answer goes to standard output, the log and the timeline to standard error.
    /// Ends with status 1 if the function fails.
    Invoke(invoke::Options),
}

/// What is deployed.
#[derive(Debug, Args)]
struct Stacks {
    /// A CloudFormation file with AWS::ImageBuilder::* resources. Repeat it for several: they are deployed
    /// in this order, and exports of one are imports of the next. The file's stem is the stack's name. With
    /// @ACCOUNT behind it, it is deployed in that account: target-account.yaml@111122223333.
    #[arg(long = "stack", value_name = "FILE[@ACCOUNT]", value_parser = stack_file)]
    stacks: Vec<StackFile>,
    /// The SAM template whose functions run. It is deployed first, as the stack `goldsmith`.
    #[arg(long, value_name = "FILE", default_value = "template.yaml")]
    template: PathBuf,
    /// Deploy nothing: an account with nothing in it.
    #[arg(long, conflicts_with_all = ["stacks", "template", "parameters"])]
    empty: bool,
    /// A value for a template parameter, in every stack that has it; STACK.KEY=VALUE for one stack only.
    /// A parameter with neither default nor value gets a made-up value, and a warning says which.
    #[arg(long = "parameter", value_name = "KEY=VALUE", value_parser = key_value)]
    parameters: Vec<(String, String)>,
    /// The Region that the stacks are deployed in.
    #[arg(long, value_name = "REGION", default_value = DEFAULT_REGION)]
    region: String,
    /// A folder whose files are the objects of S3 that calls name: s3://bucket/key is DIR/bucket/key. Without
    /// it, no object is read.
    #[arg(long, value_name = "DIR")]
    s3: Option<PathBuf>,
}

/// A template, and the account that it is deployed in.
#[derive(Debug, Clone, PartialEq, Eq)]
struct StackFile {
    file: PathBuf,
    account: String,
}

fn stack_file(text: &str) -> Result<StackFile, String> {
    let (file, account) = match text.rsplit_once('@') {
        Some((file, account)) if !Path::new(text).exists() => (file, account),
        _ => (text, DEFAULT_ACCOUNT),
    };
    if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("expected an account ID of 12 digits behind the last @, not {account:?}"));
    }
    Ok(StackFile { file: file.into(), account: account.to_owned() })
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// A seed, and what shall go wrong.
#[derive(Debug, Args)]
struct Drawn {
    /// What everything that looks random is drawn from: durations, IDs, releases, findings.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// A JSON file with rules of faults: throttled, failing and late calls, a Region that can't be reached, lost
    /// and repeated notifications, builds that fail.
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
}

impl Drawn {
    fn faults(&self) -> anyhow::Result<Option<Rules>> {
        let Some(file) = &self.faults else { return Ok(None) };
        let rules = Rules::parse(read_file(file)?.as_bytes());
        rules.map(Some).map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))
    }
}

impl Cli {
    /// Carries the command out.
    ///
    /// # Errors
    /// What kept it from being carried out, for a person.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            None => Box::pin(Cli::parse_from(["goldsmith-local", "run"]).run()).await,
            Some(Command::Run(options)) => interruptible(run::run(options)).await,
            Some(Command::Serve(options)) => serve::serve(options).await,
            Some(Command::Invoke(options)) => interruptible(invoke::invoke(options)).await,
        }
    }
}

/// The status by which shells tell that a command was interrupted.
const INTERRUPTED: u8 = 130;

/// Ends a command on Ctrl-C. What it started, the functions' processes and builds, ends with it.
async fn interruptible(command: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let interrupted = interrupted()?;
    tokio::select! {
        done = command => done,
        () = interrupted => Ok(ExitCode::from(INTERRUPTED)),
    }
}

/// Comes with Ctrl-C, or with the signal by which other programs ask for an end.
fn interrupted() -> anyhow::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    let mut terminate =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).context("a handler of SIGTERM")?;
    #[cfg(unix)]
    let mut interrupt =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt()).context("a handler of SIGINT")?;
    Ok(async move {
        #[cfg(unix)]
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    })
}

/// Where simulated time begins: a Monday.
fn simulated_start() -> Time {
    Utc.with_ymd_and_hms(2026, 3, 2, 0, 0, 0).single().expect("a date that exists")
}

/// Prints one line of the timeline; colours only where they are wanted.
fn show(entry: &Entry) {
    anstream::println!("{}", timeline::line(entry));
}

/// The same on standard error, where standard output is for something else.
fn show_aside(entry: &Entry) {
    anstream::eprintln!("{}", timeline::line(entry));
}

/// A stack to deploy.
struct Stack {
    name: String,
    account: String,
    template: Template,
}

impl Stacks {
    /// The stacks in the order of deployment. Without `--stack`, the examples are deployed if they are there.
    fn read(&self) -> anyhow::Result<Vec<Stack>> {
        if self.empty {
            return Ok(Vec::new());
        }
        let own = |file: &Path| StackFile { file: file.to_owned(), account: DEFAULT_ACCOUNT.to_owned() };
        let examples = self.stacks.is_empty().then(|| own(Path::new(EXAMPLE))).filter(|stack| stack.file.exists());
        let mut files = vec![(STACK_NAME.to_owned(), own(&self.template))];
        for stack in self.stacks.iter().chain(&examples) {
            let stem = stack.file.file_stem().with_context(|| format!("{}: expected a file", stack.file.display()))?;
            files.push((stem.to_string_lossy().into_owned(), stack.clone()));
        }
        let read = |(name, StackFile { file, account })| Ok(Stack { name, account, template: stack::read(&file)? });
        files.into_iter().map(read).collect()
    }

    /// The values for a stack's parameters: those without a stack's name are for all that have such a parameter.
    fn parameters_of(&self, stack: &str, template: &Template) -> BTreeMap<String, String> {
        let unqualified = self.parameters.iter().filter(|(key, _)| template.has_parameter(key)).cloned();
        let prefix = format!("{stack}.");
        let own = self
            .parameters
            .iter()
            .filter_map(|(key, value)| Some((key.strip_prefix(&prefix)?.to_owned(), value.clone())));
        let has_channels = self.stacks.is_empty() && stack == STACK_NAME && template.has_parameter("Channels");
        let example = has_channels.then(|| ("Channels".to_owned(), EXAMPLE_CHANNELS.to_owned()));
        example.into_iter().chain(unqualified).chain(own).collect()
    }

    /// Builds the functions, starts a local AWS and deploys the stacks onto it. One that is deployed already in the
    /// world that goes on, by its name in the Region, stays as it is.
    async fn start(
        &self,
        drawn: &Drawn,
        pace: Pace,
        port: u16,
        kept: Option<World>,
        mut watch: impl FnMut(&Entry),
    ) -> anyhow::Result<Running> {
        let faults = drawn.faults()?;
        let stacks = self.read()?;
        let unqualified = self.parameters.iter().map(|(key, _)| key).filter(|key| !key.contains('.'));
        for key in unqualified {
            if !stacks.iter().any(|stack| stack.template.has_parameter(key)) {
                anyhow::bail!("--parameter {key}: expected a parameter that one of the stacks has");
            }
        }
        if let Some(folder) = self.s3.as_ref().filter(|folder| !folder.is_dir()) {
            anyhow::bail!("--s3 {}: expected a folder", folder.display());
        }
        let mut codes: Vec<PathBuf> = stacks.iter().flat_map(|stack| stack.template.code_uris()).collect();
        let known = kept.iter().flat_map(|world| world.lambda.functions.values()).map(|function| function.code.clone());
        codes.extend(known.filter(|code| code.exists()));
        codes.sort();
        codes.dedup();
        let executables = package::executables(&codes).await?;
        let running = match kept {
            Some(world) => Running::go_on(world, pace, port).await?,
            None => Running::start(Seed(drawn.seed), pace, port).await?,
        };
        if let Some(folder) = &self.s3 {
            running.local.world().s3 = s3::Store::of(folder.clone());
        }
        if let Some(faults) = faults {
            running.local.world().faults.set(faults);
        }
        for (code, executable) in executables {
            running.local.set_executable(code, executable);
        }
        for stack in stacks {
            let name = stack.name.clone();
            let deployed = self.deploy(&running.local, stack, &mut watch).await;
            if let Err(error) = deployed {
                running.local.shut_down().await;
                return Err(error.context(format!("stack {name}")));
            }
        }
        Ok(running)
    }

    async fn deploy(&self, local: &Local, stack: Stack, watch: &mut impl FnMut(&Entry)) -> anyhow::Result<()> {
        let Stack { name, account, template } = stack;
        let parameters = self.parameters_of(&name, &template);
        let deployment = Deployment::new(template, &name, parameters, account, &self.region)?;
        {
            let mut world = local.world();
            if let Some(before) = world.stacks.deployed.get(&deployment.key()) {
                if *before != deployment.fingerprint() {
                    let detail = "its template or parameters differ from those that it was deployed with: it stays \
                                  as it is; a new state, or POST /_local/reset and a restart, deploys it anew";
                    world.record(Kind::Warning, name.as_str(), Some(&self.region), detail);
                }
                return Ok(());
            }
        }
        local.deploy(deployment, watch).await?;
        Ok(())
    }
}

/// Reads a file for a command, naming it if that fails.
fn read_file(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("{}: expected a readable file", file.display()))
}
