//! The command `goldsmith-local`.
fn main() {}
