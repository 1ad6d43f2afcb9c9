//! `goldsmith-local serve`.

use super::{Drawn, Stacks, interrupted, show};
use crate::driver::{Local, Pace};
use crate::{server, state};
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Options of `serve`.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The port of 127.0.0.1 to listen on; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 4566)]
    port: u16,
    /// How many times as fast as real time runs: at 600, a 25-minute build takes 2.5 seconds.
    #[arg(long, value_name = "N", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    speed: u32,
    /// Keep everything in this file over restarts. A state that is there goes on, with its own seed and from its
    /// own time; stacks that are deployed in it, by name and Region, aren't deployed again.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    #[command(flatten)]
    stacks: Stacks,
    #[command(flatten)]
    seed: Drawn,
}

pub(super) async fn serve(options: Options) -> anyhow::Result<ExitCode> {
    let interrupted = interrupted()?;
    tokio::pin!(interrupted);
    // A port that is taken is known before anything is built; it is listened on after that.
    drop(server::bind(options.port).await?);
    let pace = Pace::Real { speed: options.speed };
    let kept = options.state.as_deref().map(state::load).transpose()?.flatten();
    let running = tokio::select! {
        running = options.stacks.start(&options.seed, pace, options.port, kept, show) => running?,
        () = &mut interrupted => return Ok(ExitCode::SUCCESS),
    };
    let local = &running.local;
    // Once, at once: a file that can't be written is known before anybody relies on it.
    let saved = save(local, options.state.as_deref()).await;
    if saved.is_ok() {
        anstream::println!("listening on {}", local.url());
        tokio::select! {
            () = local.clone().live(show) => {}
            () = keep(local, options.state.as_deref()) => {}
            () = &mut interrupted => {}
        }
    }
    // Before the processes end: the invocations that this cuts off run again after a restart.
    let saved = match saved {
        Ok(()) => save(local, options.state.as_deref()).await,
        refused => refused,
    };
    local.shut_down().await;
    saved.map(|()| ExitCode::SUCCESS)
}

async fn save(local: &Local, file: Option<&Path>) -> anyhow::Result<()> {
    match file {
        Some(file) => state::save(local, file).await.map(drop),
        None => Ok(()),
    }
}

/// Never ends.
async fn keep(local: &Local, file: Option<&Path>) {
    match file {
        Some(file) => state::keep(local, file, |error| anstream::eprintln!("warning: {error:#}")).await,
        None => std::future::pending().await,
    }
}
