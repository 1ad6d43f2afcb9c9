//! The message to the topic of published images and the event `Image Published`: their form is a contract with whoever
//! subscribes.

use crate::plan::{Content, DataType, Place};
use serde::Serialize;
use shared::arn::ImageBuildArn;
use shared::image::{Image, Kind};
use shared::version::Version;

/// The event's `source`.
pub const SOURCE: &str = "goldsmith";

/// The event's `detail-type`.
pub const DETAIL_TYPE: &str = "Image Published";

/// A build stands published everywhere: the message, and the event's `detail`.
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
    /// Where its AMIs stand, by Region and account.
    pub amis: Vec<PublishedAmi>,
    /// Where its container images stand, by Region. Missing for AMIs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub containers: Vec<PublishedContainer>,
    /// The build that stood there before.
    pub previous_build: Option<ImageBuildArn>,
    #[serde(skip)]
    kind: Kind,
}

/// A version of a parameter that holds an AMI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PublishedAmi {
    /// The Region of the AMI and of the parameter.
    pub region: String,
    /// The account where instances can be launched from it, which has the parameter.
    pub account_id: String,
    /// The AMI.
    pub ami: String,
    /// The parameter's name.
    pub parameter: String,
    /// The version.
    pub parameter_version: i64,
}

/// A version of a parameter that holds a container's image URIs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PublishedContainer {
    /// The Region of the repository and of the parameter.
    pub region: String,
    /// The account of both.
    pub account_id: String,
    /// The image's URIs, one per tag.
    pub image_uris: Vec<String>,
    /// The parameter's name.
    pub parameter: String,
    /// The version.
    pub parameter_version: i64,
}

/// A version of a parameter that holds the build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Where {
    /// The place.
    pub place: Place,
    /// What it holds.
    pub content: Content,
    /// The parameter's name.
    pub parameter: String,
    /// The version.
    pub parameter_version: i64,
}

impl Announcement {
    /// Of a build and the places where it stands.
    pub fn new(image: &Image, stands: Vec<Where>, previous_build: Option<ImageBuildArn>) -> Self {
        let (mut amis, mut containers) = (Vec::new(), Vec::new());
        for Where { place: Place { region, account: account_id }, content, parameter, parameter_version } in stands {
            let Content { value, data_type } = content;
            match data_type {
                DataType::Image => {
                    amis.push(PublishedAmi { region, account_id, ami: value, parameter, parameter_version });
                }
                DataType::Text => {
                    let image_uris = value.split(',').map(str::to_owned).collect();
                    containers.push(PublishedContainer {
                        region,
                        account_id,
                        image_uris,
                        parameter,
                        parameter_version,
                    });
                }
            }
        }
        Self {
            family: image.arn.family.clone(),
            version: image.arn.version,
            build: image.arn.build,
            image_arn: image.arn.clone(),
            pipeline_arn: image.pipeline_arn.clone(),
            platform: image.platform.clone(),
            amis,
            containers,
            previous_build,
            kind: image.kind.clone(),
        }
    }

    /// The message's String attributes, for filter policies. What isn't known is left out: SNS takes no empty value.
    pub fn attributes(&self) -> Vec<(&'static str, String)> {
        let mut attributes = vec![("family", self.family.clone()), ("version", self.version.to_string())];
        attributes.extend(self.platform.clone().map(|platform| ("platform", platform)));
        attributes.push(("type", self.kind.to_string()));
        attributes
    }
}
