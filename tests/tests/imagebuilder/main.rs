//! Every operation of Image Builder through the AWS SDK for Rust, in process and over TCP.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]
#![expect(clippy::expect_used, reason = "a test that can't go on fails")]

mod analysis;
mod components;
mod configurations;
mod coverage;
mod distribution;
mod everywhere;
mod executions;
mod faults;
mod fixtures;
mod harness;
mod images;
mod lifecycle;
mod model;
mod pipelines;
mod policies;
mod raw;
mod readme;
mod recipes;
mod workflows;
