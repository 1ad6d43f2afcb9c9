//! Tells people what is wrong with an image, why, since when, and what to do: in one message, once.
//!
//! An event says where to look. What is wrong is read from Image Builder, EC2 and Parameter Store, never from the
//! message; what was said before stands in tags of the pipeline or the image.

pub mod cause;
pub mod event;
pub mod facts;
pub mod fixed;
pub mod message;
pub mod plan;
pub mod remember;
mod settings;
pub mod transient;

pub use settings::{ChatFormat, Settings};

#[cfg(test)]
mod fixtures;
