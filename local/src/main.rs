//! The command `goldsmith-local`.

use clap::Parser;
use goldsmith_local::cli::Cli;
use std::process::ExitCode;

/// Answers are made of many small pieces, which this allocator is quicker at than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let run =
        tokio::runtime::Runtime::new().map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(cli.run()));
    run.unwrap_or_else(|error| {
        anstream::eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
