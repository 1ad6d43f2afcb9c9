//! The message to the topic of published images: its form is a contract with whoever subscribes.

use serde::Serialize;
use shared::arn::ImageBuildArn;
use shared::image::Image;
use shared::version::Version;

/// A build stands published everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Announcement {
    /// The image's name as it stands in ARNs.
    pub family: String,
    /// The recipe's version.
    pub version: Version,
    /// The build number.
    pub build: u32,
    /// The build.
    pub image_arn: ImageBuildArn,
    /// The pipeline that built it; null for CreateImage.
    pub pipeline_arn: Option<String>,
    /// `Linux`, `Windows`, `macOS`.
    pub platform: Option<String>,
    /// Where it stands, by Region.
    pub amis: Vec<Place>,
    /// The build that stood there before.
    pub previous_build: Option<ImageBuildArn>,
}

/// A version of a parameter that holds an AMI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// The Region of the AMI and of the parameter.
    pub region: String,
    /// The account of both.
    pub account_id: String,
    /// The AMI.
    pub ami: String,
    /// The parameter's name.
    pub parameter: String,
    /// The version.
    pub parameter_version: i64,
}

impl Announcement {
    /// Of a build and the places where it stands.
    pub fn new(image: &Image, amis: Vec<Place>, previous_build: Option<ImageBuildArn>) -> Self {
        Self {
            family: image.arn.family.clone(),
            version: image.arn.version,
            build: image.arn.build,
            image_arn: image.arn.clone(),
            pipeline_arn: image.pipeline_arn.clone(),
            platform: image.platform.clone(),
            amis,
            previous_build,
        }
    }

    /// The message's String attributes, for filter policies. What isn't known is left out: SNS takes no empty value.
    pub fn attributes(&self) -> Vec<(&'static str, String)> {
        let mut attributes = vec![("family", self.family.clone()), ("version", self.version.to_string())];
        attributes.extend(self.platform.clone().map(|platform| ("platform", platform)));
        attributes.push(("type", "AMI".to_owned()));
        attributes
    }
}
