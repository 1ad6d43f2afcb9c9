//! Single things read from AWS, in the words of the plan.

use crate::inputs::Inputs;
use crate::plan::{Build, Known, Pipeline, Recipe, Resolved};
use aws_sdk_imagebuilder::primitives::{DateTime, DateTimeFormat};
use aws_sdk_imagebuilder::types::{self, ComponentConfiguration, Ownership, PipelineStatus};
use shared::arn::{ImageBuildArn, VersionedArn};
use shared::error::chain;
use shared::image::Status;
use shared::inventory::{CallError, Calls};
use shared::resolve::{Resolver, StandsFor, is_gone};
use std::collections::BTreeMap;

/// The most that a page of a listing holds.
const PAGE: i32 = 25;

/// The services, and the calls that may be made of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) imagebuilder: &'a aws_sdk_imagebuilder::Client,
    pub(crate) ssm: &'a aws_sdk_ssm::Client,
    pub(crate) calls: &'a Calls,
    /// The Region of both.
    pub(crate) region: &'a str,
    /// The account that calls.
    pub(crate) account: &'a str,
}

/// A build as a listing has it.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) build: Build,
    /// RFC 3339.
    created: String,
    /// Its AMIs in the Region.
    pub(super) amis: Vec<String>,
}

/// What is known of something that the service didn't answer.
pub(super) fn known<T>(error: CallError) -> Known<T> {
    if is_gone(&error) { Known::Gone(chain(&error)) } else { Known::Unread(chain(&error)) }
}

impl Reader<'_> {
    /// imagebuilder:GetImage of a build, or of the newest AVAILABLE one of a version or wildcard.
    pub(super) async fn image(&self, reference: &str) -> Result<Option<types::Image>, CallError> {
        let call = async || self.imagebuilder.get_image().image_build_version_arn(reference).send().await;
        Ok(self.calls.make("GetImage", reference, call).await?.image)
    }

    /// imagebuilder:ListImagePipelines: all of them, each with whether its last run is under way.
    pub(super) async fn pipelines(&self) -> Result<Vec<(Pipeline, bool)>, CallError> {
        let page = async |token| {
            let call = self.imagebuilder.list_image_pipelines().max_results(PAGE).set_next_token(token);
            let answer = call.send().await?;
            Ok((answer.image_pipeline_list, answer.next_token))
        };
        let listed = self.calls.list("ListImagePipelines", "the account", page).await?;
        let mut pipelines = Vec::new();
        for mut pipeline in listed {
            if lacks(&pipeline) {
                let Some(arn) = pipeline.arn.clone() else { continue };
                // One that was deleted meanwhile is none.
                match self.pipeline(&arn).await {
                    Ok(Some(read)) => pipeline = read,
                    Ok(None) => continue,
                    Err(error) if is_gone(&error) => continue,
                    Err(error) => return Err(error),
                }
            }
            pipelines.extend(pipeline_of(pipeline));
        }
        Ok(pipelines)
    }

    /// imagebuilder:GetImagePipeline
    async fn pipeline(&self, arn: &str) -> Result<Option<types::ImagePipeline>, CallError> {
        let call = async || self.imagebuilder.get_image_pipeline().image_pipeline_arn(arn).send().await;
        Ok(self.calls.make("GetImagePipeline", arn, call).await?.image_pipeline)
    }

    /// imagebuilder:ListImageRecipes and ListContainerRecipes: the parents of the account's recipes, by their ARNs.
    pub(super) async fn parents(&self) -> Result<BTreeMap<String, String>, CallError> {
        let of_images = self.calls.list("ListImageRecipes", "the account", async |token| {
            let call = self.imagebuilder.list_image_recipes().owner(Ownership::SelfValue);
            let answer = call.max_results(PAGE).set_next_token(token).send().await?;
            Ok((answer.image_recipe_summary_list, answer.next_token))
        });
        let of_containers = self.calls.list("ListContainerRecipes", "the account", async |token| {
            let call = self.imagebuilder.list_container_recipes().owner(Ownership::SelfValue);
            let answer = call.max_results(PAGE).set_next_token(token).send().await?;
            Ok((answer.container_recipe_summary_list, answer.next_token))
        });
        let (of_images, of_containers) = tokio::join!(of_images, of_containers);
        let of_images = of_images?.into_iter().map(|recipe| recipe.arn.zip(recipe.parent_image));
        let of_containers = of_containers?.into_iter().map(|recipe| recipe.arn.zip(recipe.parent_image));
        Ok(of_images.chain(of_containers).flatten().collect())
    }

    /// imagebuilder:GetImageRecipe or GetContainerRecipe
    pub(super) async fn recipe(&self, reference: &str) -> Known<Recipe> {
        let read = if reference.contains(":container-recipe/") {
            let call = async || self.imagebuilder.get_container_recipe().container_recipe_arn(reference).send().await;
            let answer = self.calls.make("GetContainerRecipe", reference, call).await;
            answer.map(|answer| answer.container_recipe.and_then(|it| parts(it.arn, it.parent_image, it.components)))
        } else {
            let call = async || self.imagebuilder.get_image_recipe().image_recipe_arn(reference).send().await;
            let answer = self.calls.make("GetImageRecipe", reference, call).await;
            answer.map(|answer| answer.image_recipe.and_then(|it| parts(it.arn, it.parent_image, it.components)))
        };
        match read {
            Ok(Some(Inputs { recipe, parent, components })) => match recipe.parse() {
                Ok(arn) => Known::Is(Recipe { arn, parent, components }),
                Err(error) => Known::Unread(chain(&error)),
            },
            Ok(None) => Known::Unread("Image Builder's answer lacks the recipe's ARN or its parent".to_owned()),
            Err(error) => known(error),
        }
    }

    /// What a recipe's reference stands for now. For a parameter, also when it was last written.
    pub(super) async fn resolve(&self, reference: &str) -> (Known<Resolved>, Option<DateTime>) {
        if let Some(parameter) = reference.strip_prefix("ssm:") {
            return self.parameter(parameter).await.unwrap_or_else(|error| (known(error), None));
        }
        let Reader { imagebuilder, calls, account, .. } = *self;
        let resolver = Resolver { imagebuilder, calls, account };
        let resolved = match reference.parse::<VersionedArn>() {
            Ok(arn) if arn.kind == "component" => resolver.component(reference).await,
            _ => resolver.image(reference).await,
        };
        let resolved = match resolved {
            Ok(StandsFor::Usable { to, deprecated }) => Known::Is(Resolved { to, deprecated: deprecated.is_some() }),
            Ok(StandsFor::Unusable(why)) => Known::Gone(why),
            Err(error) => known(error),
        };
        (resolved, None)
    }

    /// ssm:GetParameter, one by one: a name that may not be read would keep a whole batch from being read.
    async fn parameter(&self, name: &str) -> Result<(Known<Resolved>, Option<DateTime>), CallError> {
        let call = async || self.ssm.get_parameter().name(name).send().await;
        let answer = self.calls.make("GetParameter", name, call).await?;
        let Some(parameter) = answer.parameter else {
            return Ok((Known::Unread("Parameter Store's answer lacks the parameter".to_owned()), None));
        };
        let resolved = match parameter.value {
            Some(to) if to.starts_with("ami-") => Known::Is(Resolved { to, deprecated: false }),
            _ => Known::Gone("its value is no AMI ID".to_owned()),
        };
        Ok((resolved, parameter.last_modified_date))
    }

    /// imagebuilder:ListImagePipelineImages: the builds of a pipeline, the one created last first, down to the last
    /// AVAILABLE one. That listings have the newest first is seen but not promised: where they don't, all is read.
    pub(super) async fn builds(&self, pipeline: &str) -> Result<Vec<Listed>, CallError> {
        let (mut builds, mut token) = (Vec::new(), None);
        loop {
            let call = async || {
                let call = self.imagebuilder.list_image_pipeline_images().image_pipeline_arn(pipeline);
                call.max_results(PAGE).set_next_token(token.clone()).send().await
            };
            let answer = self.calls.make("ListImagePipelineImages", pipeline, call).await?;
            let page = answer.image_summary_list.unwrap_or_default();
            builds.extend(page.into_iter().filter_map(|summary| self.listed(summary)));
            let newest_first = builds.is_sorted_by(|one: &Listed, next| one.created >= next.created);
            let complete = newest_first && builds.iter().any(|listed| listed.build.status == Status::Available);
            if complete || answer.next_token.is_none() || answer.next_token == token {
                break;
            }
            token = answer.next_token;
        }
        builds.sort_by(|one, other| other.created.cmp(&one.created).then(other.order().cmp(&one.order())));
        Ok(builds)
    }

    fn listed(&self, summary: types::ImageSummary) -> Option<Listed> {
        let arn: ImageBuildArn = summary.arn?.parse().ok()?;
        let status = summary.state.and_then(|state| state.status);
        let status = status.map_or_else(|| Status::Other("unknown".to_owned()), |it| Status::from(it.as_str()));
        let amis = summary.output_resources.and_then(|outputs| outputs.amis).unwrap_or_default();
        let amis = amis.into_iter().filter(|ami| ami.region.as_deref() == Some(self.region));
        Some(Listed {
            build: Build { arn, status, inputs: Known::Unread("they weren't asked for".to_owned()) },
            created: summary.date_created.unwrap_or_default(),
            amis: amis.filter_map(|ami| ami.image).collect(),
        })
    }

    /// What a build is made of, and when it was created.
    ///
    /// # Errors
    /// Why that isn't known.
    pub(super) async fn inputs(&self, build: &ImageBuildArn) -> Result<(Inputs, Option<DateTime>), String> {
        let image = self.image(&build.to_string()).await.map_err(|error| chain(&error))?;
        let lacking = || "Image Builder's answer lacks the build's recipe".to_owned();
        let image = image.ok_or_else(lacking)?;
        let of_image = image.image_recipe.and_then(|it| parts(it.arn, it.parent_image, it.components));
        let inputs = of_image
            .or_else(|| image.container_recipe.and_then(|it| parts(it.arn, it.parent_image, it.components)))
            .ok_or_else(lacking)?;
        let created = image.date_created.and_then(|date| DateTime::from_str(&date, DateTimeFormat::DateTime).ok());
        Ok((inputs, created))
    }
}

impl Listed {
    fn order(&self) -> (shared::version::Version, u32) {
        self.build.arn.order()
    }
}

/// The parts of a recipe, of either kind: its own ARN, the parent, the components.
fn parts(
    recipe: Option<String>,
    parent: Option<String>,
    components: Option<Vec<ComponentConfiguration>>,
) -> Option<Inputs> {
    let components = components.unwrap_or_default().into_iter().map(|component| component.component_arn).collect();
    Some(Inputs { recipe: recipe?, parent: parent?, components })
}

/// Whether a listing left something out that has to be known.
fn lacks(pipeline: &types::ImagePipeline) -> bool {
    let recipe = pipeline.image_recipe_arn.as_ref().or(pipeline.container_recipe_arn.as_ref());
    recipe.is_none() || pipeline.name.is_none() || pipeline.status.is_none() || pipeline.tags.is_none()
}

/// A pipeline in the plan's words, and whether its last run is under way. One with a schedule is disabled after five
/// failures unless it says otherwise, <https://docs.aws.amazon.com/imagebuilder/latest/userguide/cron-expressions.html>.
fn pipeline_of(pipeline: types::ImagePipeline) -> Option<(Pipeline, bool)> {
    let limit = pipeline.schedule.map(|schedule| schedule.auto_disable_policy.map_or(5, |policy| policy.failure_count));
    let last_run = pipeline.last_run_status.as_ref().map(|status| Status::from(status.as_str()));
    let pipeline = Pipeline {
        arn: pipeline.arn?,
        name: pipeline.name?,
        recipe: pipeline.image_recipe_arn.or(pipeline.container_recipe_arn)?,
        // A status that this program doesn't know isn't ENABLED.
        enabled: pipeline.status == Some(PipelineStatus::Enabled),
        consecutive_failures: pipeline.consecutive_failures.and_then(|it| it.try_into().ok()).unwrap_or_default(),
        failure_count: limit.and_then(|limit| limit.try_into().ok()),
        tags: pipeline.tags.unwrap_or_default().into_iter().collect(),
    };
    Some((pipeline, last_run.is_some_and(|status| status.is_in_flight())))
}
