//! `goldsmith-local run`.

use super::{Drawn, Stacks, show, simulated_start};
use crate::clock::{Time, iso_millis};
use crate::driver::Pace;
use crate::lambda::InvocationRecord;
use crate::report::{self, Report};
use crate::world::World;
use anyhow::Context as _;
use chrono::TimeDelta;
use clap::Args;
use serde_json::{Value, json};
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
    #[command(flatten)]
    seed: Drawn,
    /// Write the whole run to a file as one JSON document: events, AWS calls, invocations with event and answer, what is published.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

pub(super) async fn run(options: Options) -> anyhow::Result<ExitCode> {
    let pace = Pace::Simulated { start: simulated_start() };
    let running = options.stacks.start(&options.seed, pace, 0, None, show).await?;
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
    anstream::println!("\n{}", report.verdict());
    for disagreement in &report.disagreements {
        anstream::println!("  {disagreement}");
    }
    if let Some(file) = &options.json {
        let document = document(&world, &options, end, &report);
        let text = serde_json::to_string_pretty(&document).context("the run as JSON")?;
        std::fs::write(file, text)
            .with_context(|| format!("{}: expected a file that can be written", file.display()))?;
    }
    Ok(if report.disagreements.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The whole run.
fn document(world: &World, options: &Options, end: Time, report: &Report) -> Value {
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
