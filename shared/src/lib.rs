//! What the functions have in common: what an image is, how AWS is read, how settings and errors work.
//!
//! Without the feature `aws` only what needs no SDK remains.

#[cfg(feature = "aws")]
pub mod accounts;
pub mod age;
pub mod arn;
#[cfg(feature = "aws")]
pub mod clients;
#[cfg(feature = "ec2")]
pub mod ec2;
#[cfg(feature = "aws")]
pub mod error;
pub mod event;
#[cfg(feature = "aws")]
pub mod image;
pub mod inputs;
#[cfg(feature = "aws")]
pub mod inventory;
pub mod notification;
pub mod pattern;
pub mod permissions;
pub mod plan;
#[cfg(feature = "aws")]
pub mod published;
#[cfg(feature = "aws")]
pub mod resolve;
#[cfg(feature = "schedule")]
pub mod schedule;
pub mod settings;
pub mod share;
pub mod tags;
#[cfg(feature = "aws")]
pub mod telemetry;
#[cfg(feature = "aws")]
pub mod token;
pub mod version;
