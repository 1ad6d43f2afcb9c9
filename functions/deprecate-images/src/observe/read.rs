//! Single things read from Image Builder and Parameter Store.

use crate::plan::At;
use aws_sdk_imagebuilder::types::{self, Ownership};
use aws_sdk_ssm::types::ParameterHistory;
use shared::accounts::Everywhere;
use shared::ec2;
use shared::error::chain;
use shared::inventory::{CallError, Calls, each};
use shared::published::Published;
use std::collections::BTreeMap;

/// The most that a page of a listing holds: more is allowed in some accounts only.
const PAGE: i32 = 25;

/// The services, and the calls that may be made of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) imagebuilder: &'a aws_sdk_imagebuilder::Client,
    pub(crate) ssm: &'a Everywhere<aws_sdk_ssm::Client>,
    pub(crate) ec2: &'a Everywhere<ec2::Client>,
    pub(crate) calls: &'a Calls,
    /// `aws`, `aws-cn`, …
    pub(crate) partition: &'a str,
    /// The account that calls, and whose images are retired.
    pub(crate) account: &'a str,
    /// The Region of both.
    pub(crate) region: &'a str,
}

/// Whether the service says that there is no such thing.
pub(crate) fn is_gone(error: &CallError) -> bool {
    let codes = ["ResourceNotFoundException", "ParameterNotFound"];
    error.code().is_some_and(|code| codes.contains(&code))
}

impl Reader<'_> {
    /// imagebuilder:ListImages: the ARNs of the account's own versions.
    pub(crate) async fn versions(&self) -> Result<Vec<String>, CallError> {
        let page = async |token| {
            let call = self.imagebuilder.list_images().owner(Ownership::SelfValue);
            let answer = call.max_results(PAGE).set_next_token(token).send().await?;
            let arns =
                answer.image_version_list.map(|list| list.into_iter().map(|it| it.arn.unwrap_or_default()).collect());
            Ok((arns, answer.next_token))
        };
        self.calls.list("ListImages", "the account", page).await
    }

    /// imagebuilder:ListImageBuildVersions: the builds of some versions.
    pub(crate) async fn builds(&self, versions: &[String]) -> Result<Vec<types::ImageSummary>, CallError> {
        let listed = each(versions, async |version| {
            let page = async |token| {
                let call = self.imagebuilder.list_image_build_versions().image_version_arn(version);
                let answer = call.max_results(PAGE).set_next_token(token).send().await?;
                Ok((answer.image_summary_list, answer.next_token))
            };
            self.calls.list("ListImageBuildVersions", version, page).await
        });
        Ok(listed.await.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// imagebuilder:GetImage
    pub(crate) async fn image(&self, arn: &str) -> Result<Option<types::Image>, CallError> {
        let call = async || self.imagebuilder.get_image().image_build_version_arn(arn).send().await;
        Ok(self.calls.make("GetImage", arn, call).await?.image)
    }

    /// imagebuilder:ListImagePipelines
    pub(crate) async fn pipelines(&self) -> Result<Vec<types::ImagePipeline>, CallError> {
        let page = async |token| {
            let call = self.imagebuilder.list_image_pipelines().max_results(PAGE).set_next_token(token);
            let answer = call.send().await?;
            Ok((answer.image_pipeline_list, answer.next_token))
        };
        self.calls.list("ListImagePipelines", "the account", page).await
    }

    /// imagebuilder:ListImageRecipes and ListContainerRecipes: the parents of the account's recipes, by their ARNs.
    pub(crate) async fn parents(&self) -> Result<BTreeMap<String, Vec<String>>, CallError> {
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
        let mut parents: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for recipe in of_images? {
            if let Some(arn) = recipe.arn {
                parents.entry(arn).or_default().extend(recipe.parent_image);
            }
        }
        for recipe in of_containers? {
            if let Some(arn) = recipe.arn {
                let named = [recipe.parent_image, recipe.instance_image];
                parents.entry(arn).or_default().extend(named.into_iter().flatten());
            }
        }
        Ok(parents)
    }

    /// imagebuilder:GetImagePipeline
    pub(crate) async fn pipeline(&self, arn: &str) -> Result<Option<types::ImagePipeline>, CallError> {
        let call = async || self.imagebuilder.get_image_pipeline().image_pipeline_arn(arn).send().await;
        Ok(self.calls.make("GetImagePipeline", arn, call).await?.image_pipeline)
    }

    /// imagebuilder:GetImageRecipe or GetContainerRecipe: what a recipe names as parents.
    pub(crate) async fn recipe(&self, arn: &str) -> Result<Vec<String>, CallError> {
        if arn.contains(":container-recipe/") {
            let call = async || self.imagebuilder.get_container_recipe().container_recipe_arn(arn).send().await;
            let recipe = self.calls.make("GetContainerRecipe", arn, call).await?.container_recipe;
            Ok(recipe.map(of_container).unwrap_or_default())
        } else {
            let call = async || self.imagebuilder.get_image_recipe().image_recipe_arn(arn).send().await;
            let recipe = self.calls.make("GetImageRecipe", arn, call).await?.image_recipe;
            Ok(recipe.and_then(|recipe| recipe.parent_image).into_iter().collect())
        }
    }

    /// ssm:GetParameterHistory: every version that Parameter Store keeps of a parameter; none of one that isn't there.
    ///
    /// # Errors
    /// What is missing, in words.
    pub(crate) async fn history(&self, at: &At, name: &str) -> Result<Vec<Published>, String> {
        let client = self.ssm.at(&at.account, &at.region).await.map_err(|error| chain(&error))?;
        let page = async |token| {
            let answer = client.get_parameter_history().name(name).set_next_token(token).send().await?;
            Ok((answer.parameters, answer.next_token))
        };
        match self.calls.list("GetParameterHistory", &format!("{name} of {at}"), page).await {
            Ok(versions) => Ok(versions.into_iter().map(published).collect()),
            Err(error) if is_gone(&error) => Ok(Vec::new()),
            Err(error) => Err(chain(&error)),
        }
    }
}

/// The AMI that a container recipe builds on comes last: containers' own parents are never retired.
pub(crate) fn of_container(recipe: types::ContainerRecipe) -> Vec<String> {
    let instance = recipe.instance_configuration.and_then(|instance| instance.image);
    recipe.parent_image.into_iter().chain(instance).collect()
}

fn published(version: ParameterHistory) -> Published {
    Published {
        version: version.version,
        build: version.description.as_deref().and_then(|description| description.parse().ok()),
        value: version.value.unwrap_or_default(),
        labels: version.labels.unwrap_or_default().into_iter().collect(),
        description: version.description,
        modified: version.last_modified_date,
    }
}
