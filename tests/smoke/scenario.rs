//! What is tried, by an account's APIs alone.

use anyhow::{Context as _, bail, ensure};
use aws_config::{Region, SdkConfig};
use aws_sdk_imagebuilder::types::{
    Filter, ImageStatus, LifecycleExecutionStatus, Ownership, ResourceState, ResourceStateUpdateIncludeResources,
    ResourceStatus,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The images of `examples/golden-images.yaml`.
const FAMILIES: [&str; 6] = ["base-linux", "base-windows", "job-runner", "shop", "web", "worker"];

/// The pipeline that is started: no other one follows from it.
const PIPELINE: &str = "shop";

/// Where AMIs are published: nothing else is.
pub(crate) const PREFIX: &str = "/goldsmith-smoke";

/// An account to try it in.
pub(crate) struct Account {
    /// Credentials, and the Region of the stacks.
    pub(crate) config: SdkConfig,
    /// The stacks' own, and the other one that the examples distribute to.
    pub(crate) regions: [String; 2],
    /// Between two looks at what takes its time.
    pub(crate) pause: Duration,
    /// How many looks there are before it is given up. A build takes about half an hour, a child waits for its parent.
    pub(crate) looks: u32,
}

/// What the stacks have that the rest needs.
pub(crate) struct Deployed {
    /// The queue that hears of each build that is published.
    pub(crate) queue_url: String,
    /// The role under which Image Builder deletes AMIs and snapshots.
    pub(crate) execution_role: String,
}

impl Account {
    fn builder(&self) -> aws_sdk_imagebuilder::Client {
        aws_sdk_imagebuilder::Client::new(&self.config)
    }

    fn parameters(&self, region: &str) -> aws_sdk_ssm::Client {
        let config = self.config.clone().into_builder().region(Region::new(region.to_owned())).build();
        aws_sdk_ssm::Client::new(&config)
    }

    /// Refuses an account that has anything that [`Account::remove`] would take away.
    pub(crate) async fn is_free(&self) -> anyhow::Result<()> {
        let builds = self.builds().await?;
        ensure!(
            builds.is_empty(),
            "expected an account without images of the examples' names, not one with {builds:?}"
        );
        for region in &self.regions {
            let names = self.published(region).await?;
            ensure!(names.is_empty(), "expected no parameters below {PREFIX} in {region}, not {names:?}");
        }
        Ok(())
    }

    /// Starts a pipeline, waits until its build is announced, and holds what was announced to what is there.
    pub(crate) async fn publish(&self, deployed: &Deployed) -> anyhow::Result<()> {
        let builder = self.builder();
        let filter = Filter::builder().name("name").values(PIPELINE).build();
        let pipelines = builder.list_image_pipelines().filters(filter).send().await?;
        let pipeline = pipelines.image_pipeline_list().iter().find(|pipeline| pipeline.name() == Some(PIPELINE));
        let pipeline = pipeline.and_then(|pipeline| pipeline.arn()).context("the pipeline of the examples")?;
        let started = builder.start_image_pipeline_execution().image_pipeline_arn(pipeline).send().await?;
        let build = started.image_build_version_arn().context("the build that was started")?;
        println!("started {build}");

        let message = self.announced(&deployed.queue_url, build).await?;
        println!("announced {message}");
        let image = builder.get_image().image_build_version_arn(build).send().await?.image.context("the build")?;
        ensure!(image.state().and_then(|state| state.status()) == Some(&ImageStatus::Available), "{image:?}");
        let outputs = image.output_resources().context("what the build made")?;
        let built: BTreeMap<_, _> = outputs.amis().iter().filter_map(|ami| ami.region().zip(ami.image())).collect();
        let version = image.version().context("the build's version")?.replace('/', "-");

        let announced = message["amis"].as_array().context("the AMIs of the message")?;
        let regions: BTreeSet<_> = announced.iter().filter_map(|ami| ami["region"].as_str()).collect();
        ensure!(regions == self.regions.iter().map(String::as_str).collect(), "announced for {regions:?}");
        for ami in announced {
            let of = |member: &str| ami[member].as_str().with_context(|| format!("{member} of {ami}"));
            let (region, id, name) = (of("region")?, of("ami")?, of("parameter")?);
            ensure!(built.get(region) == Some(&id), "{id} isn't what was built: {built:?}");
            ensure!(name == format!("{PREFIX}/{PIPELINE}"), "{name}");
            for name in [name.to_owned(), format!("{name}:v{version}")] {
                let parameter = self.parameters(region).get_parameter().name(&name).send().await?;
                let parameter = parameter.parameter.context("the parameter")?;
                ensure!(parameter.value() == Some(id), "{name} in {region} is {:?}, not {id}", parameter.value());
                ensure!(parameter.data_type() == Some("aws:ec2:image"), "{parameter:?}");
                ensure!(Some(parameter.version()) == ami["parameterVersion"].as_i64(), "{parameter:?}");
            }
        }
        Ok(())
    }

    /// The message that a build is published.
    async fn announced(&self, queue_url: &str, build: &str) -> anyhow::Result<Value> {
        let queue = aws_sdk_sqs::Client::new(&self.config);
        // Each call waits for 20 seconds, unless a message comes before.
        for _ in 0..self.looks {
            let answer = queue.receive_message().queue_url(queue_url).wait_time_seconds(20).send().await?;
            for message in answer.messages() {
                let body = message.body().context("a body")?;
                let message_of: Value = serde_json::from_str(body).with_context(|| format!("as JSON: {body}"))?;
                let receipt = message.receipt_handle().context("a receipt")?;
                queue.delete_message().queue_url(queue_url).receipt_handle(receipt).send().await?;
                if message_of["imageArn"] == build {
                    return Ok(message_of);
                }
            }
        }
        bail!("{build} was never announced as published");
    }

    /// Takes all builds of the examples away, with their AMIs, snapshots and parameters; their stacks stay.
    pub(crate) async fn remove(&self, deployed: &Deployed) -> anyhow::Result<()> {
        let builder = self.builder();
        let mut executions: BTreeMap<String, String> = BTreeMap::new();
        for look in 0.. {
            let builds = self.builds().await?;
            if builds.is_empty() {
                break;
            }
            ensure!(look < self.looks, "still there: {builds:?}");
            for (arn, status) in builds {
                if let Some(id) = executions.get(&arn) {
                    let execution = builder.get_lifecycle_execution().lifecycle_execution_id(id).send().await?;
                    let state = execution.lifecycle_execution.and_then(|execution| execution.state);
                    let has_failed =
                        state.as_ref().and_then(|state| state.status()) == Some(&LifecycleExecutionStatus::Failed);
                    ensure!(!has_failed, "{arn} can't be deleted: {state:?}");
                    continue;
                }
                match status {
                    ImageStatus::Available | ImageStatus::Deprecated | ImageStatus::Disabled => {
                        println!("deleting {arn}");
                        executions.insert(arn.clone(), self.delete(deployed, &arn).await?);
                    }
                    ImageStatus::Failed | ImageStatus::Cancelled => {
                        builder.delete_image().image_build_version_arn(&arn).send().await?;
                    }
                    // It may have ended meanwhile; the next look tells.
                    _ => drop(builder.cancel_image_creation().image_build_version_arn(&arn).send().await),
                }
            }
            tokio::time::sleep(self.pause).await;
        }
        for region in &self.regions {
            let parameters = self.parameters(region);
            for names in self.published(region).await?.chunks(10) {
                parameters.delete_parameters().set_names(Some(names.to_vec())).send().await?;
            }
        }
        self.is_free().await
    }

    /// Has Image Builder delete a build and what it made. Returns the lifecycle execution's ID.
    async fn delete(&self, deployed: &Deployed, arn: &str) -> anyhow::Result<String> {
        let everything = ResourceStateUpdateIncludeResources::builder();
        let everything = match arn.contains(":image/job-runner/") {
            true => everything.containers(true),
            false => everything.amis(true).snapshots(true),
        };
        let update = self.builder().start_resource_state_update().resource_arn(arn);
        let update = update
            .state(ResourceState::builder().status(ResourceStatus::Deleted).build())
            .execution_role(&deployed.execution_role)
            .include_resources(everything.build());
        let answer = update.send().await.with_context(|| format!("to delete {arn}"))?;
        answer.lifecycle_execution_id.context("the lifecycle execution")
    }

    /// The builds of the examples' images, with their states.
    async fn builds(&self) -> anyhow::Result<Vec<(String, ImageStatus)>> {
        let builder = self.builder();
        let mut builds = Vec::new();
        let named = Filter::builder().name("name").set_values(Some(FAMILIES.map(str::to_owned).to_vec())).build();
        let mut versions =
            builder.list_images().owner(Ownership::SelfValue).filters(named).into_paginator().items().send();
        while let Some(version) = versions.next().await {
            let arn = version?.arn.context("an image version's ARN")?;
            let mut pages = builder.list_image_build_versions().image_version_arn(arn).into_paginator().items().send();
            while let Some(build) = pages.next().await {
                let build = build?;
                let status = build.state.and_then(|state| state.status).context("a build's state")?;
                if status != ImageStatus::Deleted {
                    builds.push((build.arn.context("a build's ARN")?, status));
                }
            }
        }
        Ok(builds)
    }

    /// The names of the parameters below the prefix.
    async fn published(&self, region: &str) -> anyhow::Result<Vec<String>> {
        let parameters = self.parameters(region);
        let mut pages = parameters.get_parameters_by_path().path(PREFIX).recursive(true).into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            names.extend(page?.parameters.into_iter().flatten().filter_map(|parameter| parameter.name));
        }
        Ok(names)
    }
}
