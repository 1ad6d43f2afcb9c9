//! `goldsmith-local run`.

use super::{Drawn, Stacks, show, simulated_start};
use crate::clock::{Time, iso_millis};
use crate::driver::Pace;
use crate::iam::{self, Unused};
use crate::lambda::InvocationRecord;
use crate::report::{self, Report};
use crate::retired::{self, Row};
use crate::world::World;
use anyhow::Context as _;
use chrono::TimeDelta;
use clap::Args;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

/// Options of `run`.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    stacks: Stacks,
    /// How many simulated days to run after the stacks are deployed.
    #[arg(long, value_name = "N", default_value_t = 14, value_parser = clap::value_parser!(u16).range(1..=366))]
    days: u16,
    // Without faults, a run of the examples has those of examples/faults.json.
    #[command(flatten)]
    seed: Drawn,
    /// Write the whole run to a file as one JSON document: events, AWS calls, invocations with event and answer, what is published.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

pub(super) async fn run(options: Options) -> anyhow::Result<ExitCode> {
    let pace = Pace::Simulated { start: simulated_start() };
    let drawn = options.seed.of_examples(&options.stacks);
    let running = options.stacks.start(&drawn, pace, 0, None, show).await?;
    let local = &running.local;
    let end = local.world().now + TimeDelta::days(options.days.into());
    local.run_until(end, &mut show).await;
    local.settle(&mut show).await;
    local.shut_down().await;

    let world = local.world();
    let report = report::report(&world);
    anstream::println!();
    for line in report::table(&report.published) {
        anstream::println!("{line}");
    }
    let retired = retired::rows(&world);
    if !retired.is_empty() {
        anstream::println!();
        retired::table(&retired).iter().for_each(|line| anstream::println!("{line}"));
    }
    anstream::println!("\n{}", report.verdict());
    for disagreement in &report.disagreements {
        anstream::println!("  {disagreement}");
    }
    print_unused(&iam::unused(&world));
    if let Some(file) = &options.json {
        let document = document(&world, &options, end, &report, &retired);
        let text = serde_json::to_string_pretty(&document).context("the run as JSON")?;
        std::fs::write(file, text)
            .with_context(|| format!("{}: expected a file that can be written", file.display()))?;
    }
    Ok(if report.disagreements.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The permissions that this run didn't need, a role after the other.
fn print_unused(unused: &[Unused]) {
    if unused.is_empty() {
        return;
    }
    anstream::println!("\nGranted and never used in this run:");
    for Unused { account, role, permissions } in unused {
        anstream::println!("  {role} in {account}");
        let mut statements: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for permission in permissions {
            statements.entry(&permission.statement).or_default().push(&permission.action);
        }
        for (statement, actions) in statements {
            anstream::println!("    {statement}: {}", actions.join(", "));
        }
    }
}

/// The whole run.
fn document(world: &World, options: &Options, end: Time, report: &Report, retired: &[Row]) -> Value {
    // Calls made side by side were recorded as they arrived.
    let mut calls: Vec<_> = world.journal.calls().iter().collect();
    calls.sort_by(|a, b| (a.at, &a.service, &a.region, &a.operation).cmp(&(b.at, &b.service, &b.region, &b.operation)));
    json!({
        "seed": options.seed.seed,
        "days": options.days,
        "start": iso_millis(simulated_start()),
        "end": iso_millis(end),
        "events": world.journal.entries(),
        "calls": calls,
        "invocations": world.lambda.invocations.iter().map(invocation).collect::<Vec<_>>(),
        "deadLetters": world.lambda.dead_letters,
        "published": report.published,
        "disagreements": report.disagreements,
        "usedPermissions": iam::used(world),
        "unusedPermissions": iam::unused(world),
        "images": retired,
    })
}

/// An invocation with its event and answer as JSON rather than as text.
fn invocation(record: &InvocationRecord) -> Value {
    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_else(|_| Value::String(text.to_owned()));
    json!({
        "at": record.at,
        "requestId": record.invocation.request_id,
        "function": record.invocation.function_arn,
        "source": record.invocation.source,
        "attempt": record.invocation.attempt,
        "event": parsed(&record.invocation.payload),
        "answer": parsed(&record.ending.payload),
        "functionError": record.ending.function_error,
        "log": record.ending.log.lines().collect::<Vec<_>>(),
        "calls": record.calls,
        "millis": record.ending.millis,
        "initMillis": record.ending.init_millis,
        "maxMemoryMb": record.ending.max_memory_mb,
    })
}
