//! Resources that many tests need.

use crate::harness::Bench;
use aws_sdk_imagebuilder::types::{ComponentConfiguration, Platform};

/// A component's document that does nothing.
pub(crate) const DOCUMENT: &str = "schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Install
        action: ExecuteBash
        inputs:
          commands:
            - true
";

/// Amazon Linux 2023, the newest.
pub(crate) const AMAZON_LINUX: &str = "arn:aws:imagebuilder:us-east-1:aws:image/amazon-linux-2023-x86/x.x.x";

/// The component `agent`; the answer is the ARN of its build.
pub(crate) async fn component(bench: &Bench, name: &str, version: &str) -> String {
    let create = bench.builder.create_component().name(name).semantic_version(version);
    let made = create.platform(Platform::Linux).data(DOCUMENT).send().await.unwrap();
    made.component_build_version_arn.unwrap()
}

/// An image recipe on Amazon Linux 2023 with a component.
pub(crate) async fn recipe(bench: &Bench, name: &str, version: &str, component: &str) -> String {
    let component = ComponentConfiguration::builder().component_arn(component).build().unwrap();
    let create = bench.builder.create_image_recipe().name(name).semantic_version(version);
    let made = create.parent_image(AMAZON_LINUX).components(component).send().await.unwrap();
    made.image_recipe_arn.unwrap()
}

/// An infrastructure configuration.
pub(crate) async fn infrastructure(bench: &Bench, name: &str) -> String {
    let create = bench.builder.create_infrastructure_configuration().name(name);
    let made = create.instance_profile_name("EC2InstanceProfileForImageBuilder").send().await.unwrap();
    made.infrastructure_configuration_arn.unwrap()
}

/// A pipeline `web` with a component, a recipe and an infrastructure configuration of its own.
pub(crate) async fn pipeline(bench: &Bench) -> String {
    let component = component(bench, "agent", "1.0.0").await;
    let recipe = recipe(bench, "web", "1.0.0", &component).await;
    let infrastructure = infrastructure(bench, "builders").await;
    let create = bench.builder.create_image_pipeline().name("web").image_recipe_arn(recipe);
    let made = create.infrastructure_configuration_arn(infrastructure).send().await.unwrap();
    made.image_pipeline_arn.unwrap()
}

/// Starts a pipeline; the answer is the build's ARN.
pub(crate) async fn start(bench: &Bench, pipeline: &str) -> String {
    let started = bench.builder.start_image_pipeline_execution().image_pipeline_arn(pipeline).send().await.unwrap();
    started.image_build_version_arn.unwrap()
}

/// A pipeline's build, run to its end.
pub(crate) async fn built(bench: &Bench, pipeline: &str) -> String {
    let image = start(bench, pipeline).await;
    bench.ended(&image).await;
    image
}
