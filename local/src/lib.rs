//! AWS on a laptop: EC2 Image Builder, and the slices of SNS, Parameter Store, EC2, STS, EventBridge
//! and Lambda that an automation of golden images needs around it.
//!
//! Invariants:
//! - A service never calls a service. What one causes is posted on the queue of the [`world`]; what one
//!   needs to know of another it reads from the world by a pure function.
//! - State changes are synchronous and do no I/O, the reading of a document that a call names ([`s3`]) aside.
//!   Only [`server`], [`driver`] and the Lambda host wait.
//! - Nothing in here is random or reads the machine's clock, [`clock`] aside: the same seed gives the same run.
//! - What isn't supported is an explicit error, never Ok.

pub mod autoscaling;
pub mod cli;
pub mod clock;
mod control;
pub mod dispatch;
pub mod draw;
pub mod driver;
pub mod ec2;
pub mod events;
pub mod faults;
pub mod iam;
pub mod imagebuilder;
pub mod journal;
pub mod lambda;
mod latency;
pub mod model;
mod pairs;
pub mod pattern;
pub mod report;
pub mod retired;
pub mod s3;
pub use shared::schedule;
#[cfg(feature = "sdk")]
pub mod sdk;
mod server;
pub mod sns;
pub mod sqs;
pub mod ssm;
pub mod stack;
mod state;
pub mod sts;
pub mod timeline;
pub mod wire;
pub mod world;
