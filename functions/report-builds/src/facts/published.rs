//! A family, and where it is published.

use super::{Known, Summary, newest};
use shared::arn::ImageBuildArn;
use shared::image::{Ami, Status};

/// All versions and builds that share an image name, and where they are published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// The name as it stands in ARNs.
    pub name: String,
    /// The ARN of the pipeline that builds it, which remembers its reports; it is in [`super::Facts::pipelines`].
    pub pipeline: Option<String>,
    /// Its builds, in any order.
    pub builds: Known<Vec<Summary>>,
    /// Every Region and account where it is or should be published.
    pub published: Known<Vec<Place>>,
}

/// A parameter that should hold a family's AMI in one Region and account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The Region.
    pub region: String,
    /// The account.
    pub account: String,
    /// The parameter's name.
    pub parameter: String,
    /// The AMI of the family's newest AVAILABLE build that has one here, and that build.
    pub wanted: Option<(ImageBuildArn, Ami)>,
    /// What the parameter's newest version holds; none if there is no such parameter.
    pub holds: Known<Option<Holds>>,
    /// Parameter Store's refusal of the AMI, from the event that caused this run: nothing else tells of it.
    pub refusal: Option<String>,
}

/// The newest version of a parameter, and the AMI that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holds {
    /// Its number.
    pub version: i64,
    /// Its value.
    pub value: String,
    /// The build that its description names.
    pub build: Option<ImageBuildArn>,
    /// Whether it bears the label `hold`: somebody set the parameter back and wants it to stay so.
    pub held: bool,
    /// DescribeImages of the value, disabled ones included.
    pub ami: Known<AmiState>,
}

/// What became of an AMI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AmiState {
    /// It can be launched.
    Available,
    /// It can't be launched until it is enabled again.
    Disabled,
    /// There is no such AMI any more, or not for this account.
    Gone,
    /// Something else, in EC2's words.
    Other(String),
}

impl Family {
    /// The newest build that is AVAILABLE now.
    pub fn newest_available(&self) -> Option<&Summary> {
        newest(self.builds.get()?, |build| build.status == Status::Available)
    }
}
