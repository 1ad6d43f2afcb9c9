//! What an image is: one build of a family, and the AMIs that came of it.

use crate::arn::{BadArn, ImageBuildArn};
use aws_sdk_imagebuilder::types;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A build as Image Builder knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Which build.
    pub arn: ImageBuildArn,
    /// AMI or container.
    pub kind: Kind,
    /// How far it came.
    pub status: Status,
    /// Why it failed, or whatever else the service says about the status.
    pub reason: Option<String>,
    /// `Linux`, `Windows`, `macOS`.
    pub platform: Option<String>,
    /// The pipeline that built it; none for CreateImage.
    pub pipeline_arn: Option<String>,
    /// At most one per Region and account, ordered by both. A build that failed may have some, too.
    pub amis: Vec<Ami>,
    /// At most one per Region, ordered by it: the repositories are the build's own account's.
    pub containers: Vec<Container>,
    /// By Region: who may launch instances from the AMI of the build's own account there, as the build's distribution
    /// configuration says. Only GetImage tells.
    pub permissions: BTreeMap<String, Permission>,
    /// The build's tags.
    pub tags: BTreeMap<String, String>,
    /// How far the scan for vulnerabilities came, in Image Builder's words: `COMPLETED`, … Only GetImage tells.
    pub scan: Option<String>,
}

/// A container image of a build.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Container {
    /// The Region of the repository.
    pub region: String,
    /// The image's URIs, one per tag, in Image Builder's order.
    pub uris: Vec<String>,
}

/// Who may launch instances from an AMI beside its owner: a distribution's `launchPermission`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permission {
    /// Accounts, 12 digits each.
    pub accounts: BTreeSet<String>,
    /// Whether everybody may.
    pub public: bool,
    /// Organizations and organizational units, by ARN. Which accounts belong to them can't be told from here.
    pub organizations: BTreeSet<String>,
}

/// An AMI of a build.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Ami {
    /// The Region where instances can be launched from it.
    pub region: String,
    /// The account, 12 digits.
    pub account: String,
    /// `ami-…`.
    #[serde(rename = "ami")]
    pub id: String,
}

/// What a build makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// AMIs.
    Ami,
    /// A container image.
    Docker,
    /// What this program doesn't know, in Image Builder's words.
    Other(String),
}

/// How far a build came.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "Image Builder's own words")]
pub enum Status {
    Pending,
    Creating,
    Building,
    Testing,
    Distributing,
    Integrating,
    Available,
    Cancelled,
    Failed,
    Deprecated,
    Deleted,
    Disabled,
    /// What this program doesn't know, in Image Builder's words.
    Other(String),
}

/// An answer of Image Builder that lacks what every image has.
#[derive(Debug, thiserror::Error)]
pub enum BadImage {
    /// No member that has to be there.
    #[error("Image Builder's answer lacks {0}")]
    Lacks(&'static str),
    /// The image's ARN isn't one of a build.
    #[error("Image Builder answered an image that isn't a build")]
    Arn(#[source] BadArn),
    /// Which of them is to be used can't be told.
    #[error("the build has more than one AMI in {region} of account {account}")]
    Ambiguous {
        /// The Region.
        region: String,
        /// The account.
        account: String,
    },
}

impl TryFrom<types::Image> for Image {
    type Error = BadImage;

    fn try_from(image: types::Image) -> Result<Self, BadImage> {
        let arn: ImageBuildArn = image.arn.ok_or(BadImage::Lacks("the image's ARN"))?.parse().map_err(BadImage::Arn)?;
        let state = image.state.ok_or(BadImage::Lacks("the image's state"))?;
        let (amis, containers) = outputs(image.output_resources, &arn)?;
        let distributions = image.distribution_configuration.and_then(|it| it.distributions).unwrap_or_default();
        Ok(Self {
            arn,
            kind: image.r#type.map_or(Kind::Ami, |kind| Kind::from(kind.as_str())),
            status: Status::from(state.status.ok_or(BadImage::Lacks("the image's status"))?.as_str()),
            reason: state.reason,
            platform: image.platform.map(|platform| platform.as_str().to_owned()),
            pipeline_arn: image.source_pipeline_arn,
            amis,
            containers,
            permissions: distributions.into_iter().filter_map(permission).collect(),
            tags: image.tags.unwrap_or_default().into_iter().collect(),
            scan: image.scan_state.and_then(|scan| scan.status).map(|status| status.as_str().to_owned()),
        })
    }
}

/// What listings tell of a build: neither who may launch it, nor its scan, nor its pipeline.
impl TryFrom<types::ImageSummary> for Image {
    type Error = BadImage;

    fn try_from(image: types::ImageSummary) -> Result<Self, BadImage> {
        let arn: ImageBuildArn = image.arn.ok_or(BadImage::Lacks("the image's ARN"))?.parse().map_err(BadImage::Arn)?;
        let state = image.state.ok_or(BadImage::Lacks("the image's state"))?;
        let (amis, containers) = outputs(image.output_resources, &arn)?;
        Ok(Self {
            arn,
            kind: image.r#type.map_or(Kind::Ami, |kind| Kind::from(kind.as_str())),
            status: Status::from(state.status.ok_or(BadImage::Lacks("the image's status"))?.as_str()),
            reason: state.reason,
            platform: image.platform.map(|platform| platform.as_str().to_owned()),
            pipeline_arn: None,
            amis,
            containers,
            permissions: BTreeMap::new(),
            tags: image.tags.unwrap_or_default().into_iter().collect(),
            scan: None,
        })
    }
}

fn outputs(
    resources: Option<types::OutputResources>,
    arn: &ImageBuildArn,
) -> Result<(Vec<Ami>, Vec<Container>), BadImage> {
    let (amis, containers) = resources.map_or((None, None), |resources| (resources.amis, resources.containers));
    let mut amis = amis
        .unwrap_or_default()
        .into_iter()
        .map(|ami| {
            Ok(Ami {
                region: ami.region.ok_or(BadImage::Lacks("an AMI's Region"))?,
                account: ami.account_id.unwrap_or_else(|| arn.account.clone()),
                id: ami.image.ok_or(BadImage::Lacks("an AMI's ID"))?,
            })
        })
        .collect::<Result<Vec<_>, BadImage>>()?;
    // A set of what is the same throughout; what differs in the ID alone is a contradiction.
    amis = amis.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    if let Some(pair) =
        amis.windows(2).find(|pair| (&pair[0].region, &pair[0].account) == (&pair[1].region, &pair[1].account))
    {
        return Err(BadImage::Ambiguous { region: pair[0].region.clone(), account: pair[0].account.clone() });
    }
    let mut uris: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for container in containers.unwrap_or_default() {
        let of_region = uris.entry(container.region.ok_or(BadImage::Lacks("a container's Region"))?).or_default();
        for uri in container.image_uris.unwrap_or_default() {
            if !of_region.contains(&uri) {
                of_region.push(uri);
            }
        }
    }
    let containers = uris.into_iter().filter(|(_, uris)| !uris.is_empty());
    Ok((amis, containers.map(|(region, uris)| Container { region, uris }).collect()))
}

fn permission(distribution: types::Distribution) -> Option<(String, Permission)> {
    let launch = distribution.ami_distribution_configuration?.launch_permission?;
    let organizations = launch.organization_arns.unwrap_or_default().into_iter();
    let permission = Permission {
        accounts: launch.user_ids.unwrap_or_default().into_iter().collect(),
        public: launch.user_groups.unwrap_or_default().iter().any(|group| group == "all"),
        organizations: organizations.chain(launch.organizational_unit_arns.unwrap_or_default()).collect(),
    };
    Some((distribution.region, permission))
}

impl From<&str> for Kind {
    fn from(text: &str) -> Self {
        match text {
            "AMI" => Self::Ami,
            "DOCKER" => Self::Docker,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ami => "AMI",
            Self::Docker => "DOCKER",
            Self::Other(other) => other,
        })
    }
}

impl Status {
    /// Whether the build hasn't ended. A status that this program doesn't know may be one on the way.
    pub fn is_in_flight(&self) -> bool {
        match self {
            Self::Pending
            | Self::Creating
            | Self::Building
            | Self::Testing
            | Self::Distributing
            | Self::Integrating
            | Self::Other(_) => true,
            Self::Available | Self::Cancelled | Self::Failed | Self::Deprecated | Self::Deleted | Self::Disabled => {
                false
            }
        }
    }
}

impl From<&str> for Status {
    fn from(text: &str) -> Self {
        match text {
            "PENDING" => Self::Pending,
            "CREATING" => Self::Creating,
            "BUILDING" => Self::Building,
            "TESTING" => Self::Testing,
            "DISTRIBUTING" => Self::Distributing,
            "INTEGRATING" => Self::Integrating,
            "AVAILABLE" => Self::Available,
            "CANCELLED" => Self::Cancelled,
            "FAILED" => Self::Failed,
            "DEPRECATED" => Self::Deprecated,
            "DELETED" => Self::Deleted,
            "DISABLED" => Self::Disabled,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "PENDING",
            Self::Creating => "CREATING",
            Self::Building => "BUILDING",
            Self::Testing => "TESTING",
            Self::Distributing => "DISTRIBUTING",
            Self::Integrating => "INTEGRATING",
            Self::Available => "AVAILABLE",
            Self::Cancelled => "CANCELLED",
            Self::Failed => "FAILED",
            Self::Deprecated => "DEPRECATED",
            Self::Deleted => "DELETED",
            Self::Disabled => "DISABLED",
            Self::Other(other) => other,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:imagebuilder:us-east-1:123456789012:image/web/1.0.0/3";

    fn answer(status: &str, amis: &[(&str, &str, &str)]) -> types::Image {
        let amis = amis
            .iter()
            .map(|(region, account, id)| types::Ami::builder().region(*region).account_id(*account).image(*id).build());
        types::Image::builder()
            .arn(ARN)
            .r#type("AMI".into())
            .state(types::ImageState::builder().status(status.into()).build())
            .output_resources(types::OutputResources::builder().set_amis(Some(amis.collect())).build())
            .build()
    }

    #[test]
    fn a_build_is_read_with_its_amis_in_order() {
        let amis = [("us-east-1", "123456789012", "ami-1"), ("eu-west-1", "123456789012", "ami-2")];
        let image = Image::try_from(answer("AVAILABLE", &amis)).unwrap();
        assert_eq!((image.arn.to_string().as_str(), &image.status, &image.kind), (ARN, &Status::Available, &Kind::Ami));
        assert_eq!(image.amis.iter().map(|ami| ami.id.as_str()).collect::<Vec<_>>(), ["ami-2", "ami-1"]);
    }

    #[test]
    fn an_unknown_status_is_kept_and_every_known_one_is_written_as_read() {
        let image = Image::try_from(answer("SOMETHING_NEW", &[])).unwrap();
        assert_eq!(image.status, Status::Other("SOMETHING_NEW".to_owned()));
        for value in types::ImageStatus::values() {
            let status = Status::from(*value);
            assert!(!matches!(status, Status::Other(_)), "{value}");
            assert_eq!(status.to_string(), *value);
        }
    }

    #[test]
    fn two_amis_in_one_place_are_refused() {
        let twice = [("us-east-1", "123456789012", "ami-1"), ("us-east-1", "123456789012", "ami-2")];
        assert!(matches!(Image::try_from(answer("AVAILABLE", &twice)), Err(BadImage::Ambiguous { .. })));
        let same = [twice[0], twice[0], ("us-east-1", "111122223333", "ami-2")];
        assert_eq!(Image::try_from(answer("AVAILABLE", &same)).unwrap().amis.len(), 2);
        assert!(matches!(Image::try_from(types::Image::builder().build()), Err(BadImage::Lacks(_))));
    }

    #[test]
    fn what_is_shared_and_what_containers_there_are_is_read() {
        let launch = types::LaunchPermissionConfiguration::builder()
            .user_ids("111122223333")
            .organizational_unit_arns("arn:aws:organizations::123456789012:ou/o-a1/ou-1");
        let amis = types::AmiDistributionConfiguration::builder().launch_permission(launch.build()).build();
        let distributions = ["us-east-1", "eu-west-1"].map(|region| {
            let amis = (region == "us-east-1").then(|| amis.clone());
            types::Distribution::builder().region(region).set_ami_distribution_configuration(amis).build().unwrap()
        });
        let container = |uri: &str| types::Container::builder().region("us-east-1").image_uris(uri).build();
        let mut answer = answer("AVAILABLE", &[]);
        let configuration = types::DistributionConfiguration::builder().timeout_minutes(60);
        let configuration = configuration.set_distributions(Some(distributions.to_vec())).build();
        answer.distribution_configuration = Some(configuration.unwrap());
        let containers = ["web:1", "web:latest", "web:1"].map(container).to_vec();
        answer.output_resources = Some(types::OutputResources::builder().set_containers(Some(containers)).build());
        let image = Image::try_from(answer).unwrap();
        let uris = vec!["web:1".to_owned(), "web:latest".to_owned()];
        assert_eq!(image.containers, [Container { region: "us-east-1".to_owned(), uris }]);
        let [(region, permission)] = &image.permissions.into_iter().collect::<Vec<_>>()[..] else { panic!() };
        assert_eq!((region.as_str(), permission.public), ("us-east-1", false));
        assert!(permission.accounts.contains("111122223333") && permission.organizations.len() == 1);
    }
}
