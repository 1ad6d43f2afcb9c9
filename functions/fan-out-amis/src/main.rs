//! The Lambda function `fan-out-amis`.
fn main() {}
