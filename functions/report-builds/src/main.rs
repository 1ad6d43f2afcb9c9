//! The Lambda function `report-builds`: what it does stands in the library.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use report_builds::{Function, Settings};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    shared::telemetry::init();
    let settings = shared::settings::of_process("report-builds", Settings::from_environment);
    let function = Function::new(&shared::clients::config().await, settings);
    let function = &function;
    run(service_fn(|event: LambdaEvent<serde_json::Value>| async move { function.handle(event).await })).await
}
