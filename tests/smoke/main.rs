//! The whole way once: deploy, build, hear that it is published, check it, remove everything.
//!
//! On the local AWS it runs with the other tests. In a real account it runs when `GOLDSMITH_SMOKE=1` says so:
//!
//! ```sh
//! sam build --parameter-overrides Architecture=x86_64
//! GOLDSMITH_SMOKE=1 AWS_REGION=us-east-1 cargo test -p end-to-end --test smoke -- --nocapture
//! ```
//!
//! It takes one to two hours and costs less than 1 USD: some builds on t3.medium (each runs two instances for about half
//! an hour), their snapshots in two Regions for as long as the test runs, and some hundred invocations and messages.
//! Credentials come from the environment or a profile, and have to suffice for `sam deploy` of a stack with IAM roles.
//! `GOLDSMITH_SMOKE_SECOND_REGION` (default eu-west-1) is the other Region. An account with images of the examples'
//! names, or with parameters below `/goldsmith-smoke`, is refused before anything is made.

mod local;
mod real;
mod scenario;

#[tokio::test]
async fn a_build_is_published_and_everything_removed_on_the_local_aws() {
    local::run().await.unwrap();
}

#[tokio::test]
async fn a_build_is_published_and_everything_removed_in_a_real_account() {
    match std::env::var("GOLDSMITH_SMOKE").as_deref() {
        Ok("1") => real::run().await.unwrap(),
        _ => println!("not run: it needs GOLDSMITH_SMOKE=1 and credentials of an AWS account, and costs money"),
    }
}
