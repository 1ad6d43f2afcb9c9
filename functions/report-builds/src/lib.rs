//! Tells people what is wrong with an image, why, since when, and what to do: in one message, once.
//!
//! An event says where to look. What is wrong is read from Image Builder, EC2 and Parameter Store, never from the
//! message; what was said before stands in tags of the pipeline or the image.

pub mod event;
pub mod facts;
mod settings;

pub use settings::{ChatFormat, Settings};
