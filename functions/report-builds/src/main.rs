//! The Lambda function `report-builds`: what it does stands in the library.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use report_builds::{Function, Settings};
use shared::settings::Environment;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    shared::telemetry::init();
    let settings = match Settings::from_environment(Environment::of_process()) {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("report-builds can't start: {error}");
            std::process::exit(1);
        }
    };
    let function = Function::new(&shared::clients::config().await, settings);
    let function = &function;
    run(service_fn(|event: LambdaEvent<serde_json::Value>| async move { function.handle(event).await })).await
}
