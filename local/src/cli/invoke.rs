//! `goldsmith-local invoke`.

use super::{Drawn, Stacks, read_file, show_aside, simulated_start};
use crate::driver::Pace;
use crate::lambda::{self, Invocation};
use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::Value;
use std::path::PathBuf;
use std::process::ExitCode;

/// Options of `invoke`.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The function: its name, its logical ID in the template, or the package that it is built from.
    function: String,
    /// A file that holds the event.
    #[arg(value_name = "EVENT.json")]
    event: PathBuf,
    #[command(flatten)]
    stacks: Stacks,
    #[command(flatten)]
    seed: Drawn,
}

pub(super) async fn invoke(options: Options) -> anyhow::Result<ExitCode> {
    let payload = read_file(&options.event)?;
    serde_json::from_str::<Value>(&payload)
        .with_context(|| format!("{}: expected an event in JSON", options.event.display()))?;
    let pace = Pace::Simulated { start: simulated_start() };
    let running = options.stacks.start(&options.seed, pace, 0, None, show_aside).await?;
    let local = &running.local;
    local.settle(&mut show_aside).await;
    let invocation = {
        let mut world = local.world();
        let Some(function_arn) = lambda::find(&world, &options.function) else {
            let known: Vec<_> = world.lambda.functions.values().map(|function| function.name.as_str()).collect();
            bail!("function {:?}: expected one of {}", options.function, known.join(", "));
        };
        Invocation {
            request_id: world.fresh_uuid("invocation"),
            function_arn,
            payload,
            source: "invoke".to_owned(),
            attempt: 0,
            accepted_at: world.now,
        }
    };
    let ending = local.invoke(invocation).await;
    local.settle(&mut show_aside).await;
    local.shut_down().await;
    let answer = serde_json::from_str::<Value>(&ending.payload)
        .and_then(|answer| serde_json::to_string_pretty(&answer))
        .unwrap_or(ending.payload);
    anstream::eprintln!("\n{}", ending.log.trim_end());
    anstream::println!("{answer}");
    Ok(if ending.function_error.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
