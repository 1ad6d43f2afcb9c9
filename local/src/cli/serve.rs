//! `goldsmith-local serve`.

use super::{Drawn, Stacks, interrupted, show};
use crate::driver::Pace;
use crate::server;
use clap::Args;
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
    let running = tokio::select! {
        running = options.stacks.start(&options.seed, pace, options.port, show) => running?,
        () = &mut interrupted => return Ok(ExitCode::SUCCESS),
    };
    anstream::println!("listening on {}", running.local.url());
    tokio::select! {
        () = running.local.clone().live(show) => {}
        () = &mut interrupted => {}
    }
    running.local.shut_down().await;
    Ok(ExitCode::SUCCESS)
}
