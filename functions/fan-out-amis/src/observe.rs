//! The calls that read.

use crate::legacy::{ANNOUNCED, Facts, Published, Unread, idle, own_amis};
use crate::{Clients, Settings};
use aws_sdk_ssm::types::ParameterHistory;
use futures_util::{StreamExt, stream};
use shared::arn::ImageBuildArn;
use shared::error::{AwsError, chain};
use shared::image::{BadImage, Image};
use std::collections::BTreeMap;

/// Regions that are worked on at once.
pub(crate) const AT_ONCE: usize = 8;

/// A fact that couldn't be read.
#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    /// A call failed.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// Image Builder's answer makes no sense.
    #[error("GetImage of {arn}")]
    Image {
        /// What was asked for.
        arn: String,
        /// What is wrong with it.
        source: BadImage,
    },
}

impl ObserveError {
    /// Whether trying again later can help.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Aws(error) if error.is_retryable())
    }
}

/// The facts about a build, read where its ARN says that it is; `None` when Image Builder doesn't know it.
/// Parameters are read for a build that is to be published only.
pub(crate) async fn observe(
    clients: &Clients,
    settings: &Settings,
    arn: &ImageBuildArn,
) -> Result<Option<Facts>, ObserveError> {
    let Some(image) = image(clients, arn).await? else { return Ok(None) };
    let regions: Vec<String> = match idle(&image) {
        None => own_amis(&image).map(|ami| ami.region.clone()).collect(),
        Some(_) => Vec::new(),
    };
    let parameter = settings.parameter(&image.arn.family);
    let read: Vec<_> = stream::iter(regions)
        .map(|region| async {
            let history = history(clients, &region, &parameter).await;
            (region, history)
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let mut facts = Facts { image, histories: BTreeMap::new(), unread: BTreeMap::new() };
    for (region, history) in read {
        match history {
            Ok(history) => drop(facts.histories.insert(region, history)),
            Err(error) => {
                let unread = Unread { error: chain(&error), retryable: error.is_retryable() };
                facts.unread.insert(region, unread);
            }
        }
    }
    Ok(Some(facts))
}

/// imagebuilder:GetImage
async fn image(clients: &Clients, arn: &ImageBuildArn) -> Result<Option<Image>, ObserveError> {
    let name = arn.to_string();
    let call = clients.imagebuilder.in_region(&arn.region).get_image().image_build_version_arn(&name);
    let answer = match call.send().await.map_err(|error| AwsError::new("GetImage", &name, error)) {
        Ok(answer) => answer,
        Err(error) if error.code() == Some("ResourceNotFoundException") => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let image = answer.image.ok_or(BadImage::Lacks("the image")).and_then(Image::try_from);
    image.map(Some).map_err(|source| ObserveError::Image { arn: name, source })
}

/// ssm:GetParameterHistory: every version that Parameter Store keeps, oldest first; none for a parameter that
/// doesn't exist.
pub(crate) async fn history(clients: &Clients, region: &str, parameter: &str) -> Result<Vec<Published>, AwsError> {
    let call = clients.ssm.in_region(region).get_parameter_history().name(parameter);
    let mut pages = call.into_paginator().send();
    let mut versions = Vec::new();
    while let Some(page) = pages.next().await {
        let page =
            page.map_err(|error| AwsError::new("GetParameterHistory", format!("{parameter} in {region}"), error));
        match page {
            Ok(page) => versions.extend(page.parameters.unwrap_or_default().into_iter().map(published)),
            Err(error) if error.code() == Some("ParameterNotFound") => return Ok(Vec::new()),
            Err(error) => return Err(error),
        }
    }
    versions.sort_by_key(|published| published.version);
    Ok(versions)
}

fn published(version: ParameterHistory) -> Published {
    Published {
        version: version.version,
        build: version.description.and_then(|description| description.parse().ok()),
        ami: version.value.unwrap_or_default(),
        announced: version.labels.unwrap_or_default().iter().any(|label| label == ANNOUNCED),
    }
}
