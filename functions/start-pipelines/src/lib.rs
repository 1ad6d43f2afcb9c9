//! Starts Image Builder pipelines when there is a reason to, in the right order, once.
//!
//! A notification, a message about base images, a schedule or a command by hand says where to look; Image Builder is
//! asked what every pipeline was last built of and what its recipe stands for now. Where they differ, the pipeline is
//! started, parents before children, and running twice starts nothing the second time.

pub mod graph;
pub mod inputs;
pub mod plan;
mod settings;

pub use settings::Settings;
