//! Where a family's parameters are, and which build's AMI or container image belongs into which.

use crate::settings::ShareTargets;
use serde::Serialize;
use shared::arn::ImageBuildArn;
use shared::image::{Image, Kind};
use std::collections::BTreeSet;
use std::fmt;

/// A Region of an account: a family has one parameter there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Place {
    /// The Region.
    pub region: String,
    /// The account, 12 digits.
    pub account: String,
}

/// All versions and builds that share an image name, in one Region of one owner.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Family {
    /// `aws`, `aws-cn`, …
    pub partition: String,
    /// The Region where it is built.
    pub region: String,
    /// The owner, 12 digits.
    pub account: String,
    /// The name as it stands in ARNs.
    pub name: String,
}

/// What a version of a parameter holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Content {
    /// The AMI, or a container's image URIs with commas in between.
    pub value: String,
    /// Parameter Store's data type.
    pub data_type: DataType,
}

/// Parameter Store's data types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum DataType {
    /// An AMI, which Parameter Store validates after PutParameter has answered.
    #[serde(rename = "aws:ec2:image")]
    Image,
    /// Any text.
    #[serde(rename = "text")]
    Text,
}

/// Every place where one of the builds belongs: of its AMIs, each account's own; of AMIs that are shared, those of the
/// setting that the launch permission covers; of its container images.
pub fn places<'a>(images: impl IntoIterator<Item = &'a Image>, share: &ShareTargets) -> BTreeSet<Place> {
    images.into_iter().flat_map(|image| of_image(image, share)).collect()
}

fn of_image(image: &Image, share: &ShareTargets) -> BTreeSet<Place> {
    let account = || image.arn.account.clone();
    match image.kind {
        Kind::Docker => {
            let containers = image.containers.iter();
            containers.map(|container| Place { region: container.region.clone(), account: account() }).collect()
        }
        Kind::Ami | Kind::Other(_) => {
            let own = image.amis.iter().map(|ami| Place { region: ami.region.clone(), account: ami.account.clone() });
            let shared = of_setting(image, share).filter(|place| is_shared(image, place));
            own.chain(shared).collect()
        }
    }
}

/// Where the setting has AMIs of the family published that are shared.
fn of_setting(image: &Image, share: &ShareTargets) -> impl Iterator<Item = Place> {
    share.places(&image.arn.family).into_iter().map(|(region, account)| Place { region, account })
}

/// Whether accounts may launch instances from the AMI of the build's own account. An organization's or organizational
/// unit's accounts can't be told from here: there the setting is believed, and Parameter Store's validation, which asks
/// EC2 in that account, has the last word.
fn is_shared(image: &Image, place: &Place) -> bool {
    let has_ami = image.amis.iter().any(|ami| (&ami.region, &ami.account) == (&place.region, &image.arn.account));
    let permission = image.permissions.get(&place.region).filter(|_| has_ami);
    permission.is_some_and(|permission| {
        permission.public || !permission.organizations.is_empty() || permission.accounts.contains(&place.account)
    })
}

/// The places of the setting where the build's account has an AMI that isn't shared with the place's account.
pub(super) fn not_shared(image: &Image, share: &ShareTargets) -> BTreeSet<Place> {
    let own = image.amis.iter().filter(|ami| ami.account == image.arn.account);
    let regions: BTreeSet<&String> = own.map(|ami| &ami.region).collect();
    let named = of_setting(image, share).filter(|place| regions.contains(&place.region));
    named.filter(|place| content(image, place, share).is_none()).collect()
}

/// What a build's parameter holds in a place, as Image Builder says; none where the build has nothing.
pub fn content(image: &Image, place: &Place, share: &ShareTargets) -> Option<Content> {
    if image.kind == Kind::Docker {
        let here = |region: &str| region == place.region && image.arn.account == place.account;
        let container = image.containers.iter().find(|container| here(&container.region))?;
        return Some(Content { value: container.uris.join(","), data_type: DataType::Text });
    }
    let ami = |account: &str| {
        let ami = image.amis.iter().find(|ami| ami.region == place.region && ami.account == account)?;
        Some(Content { value: ami.id.clone(), data_type: DataType::Image })
    };
    let shared = || of_setting(image, share).any(|named| named == *place) && is_shared(image, place);
    ami(&place.account).or_else(|| shared().then(|| ami(&image.arn.account)).flatten())
}

impl Family {
    /// The family of a build.
    pub fn of(build: &ImageBuildArn) -> Self {
        let ImageBuildArn { partition, region, account, family, .. } = build.clone();
        Self { partition, region, account, name: family }
    }

    /// Whether a build is of this family.
    pub fn includes(&self, build: &ImageBuildArn) -> bool {
        (&self.partition, &self.region, &self.account, &self.name)
            == (&build.partition, &build.region, &build.account, &build.family)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of account {}", self.region, self.account)
    }
}
