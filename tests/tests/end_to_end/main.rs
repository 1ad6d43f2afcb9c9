//! The real function binaries and the real command, on the local AWS.

mod faults;
mod harness;
mod invoke;
mod run;
mod serve;
mod stacks;
