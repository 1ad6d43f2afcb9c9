//! Retires old images by policy: deprecated, then disabled, then deleted, never one in use, reversible until the last
//! step.

pub mod event;
pub mod plan;
pub mod policy;
pub mod report;
mod settings;

pub use settings::{Mode, Settings};
