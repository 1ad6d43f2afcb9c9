//! The command `goldsmith-local`.

use clap::Parser;
use goldsmith_local::cli::Cli;
use std::process::ExitCode;

fn main() -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(Cli::parse().run())
}
