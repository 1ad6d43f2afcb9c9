//! The real function binaries and the real command, on the local AWS.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod control;
mod deprecate_images;
mod fan_out;
mod faults;
mod harness;
mod invoke;
mod permissions;
mod report_builds;
mod run;
mod sdk;
mod serve;
mod stacks;
mod start_pipelines;
mod template;
