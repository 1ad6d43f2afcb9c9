//! AMIs: DescribeImages.

use super::form::Form;
use super::read::{Listing, Page, items, tags, time};
use super::{Client, Filter};
use crate::error::AwsError;
use aws_sdk_imagebuilder::primitives::DateTime;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Which AMIs to describe. Every member narrows; none at all means all that the account can launch, of everyone.
#[derive(Debug, Clone, Default)]
pub struct DescribeImages {
    /// By ID. One that isn't there fails the whole call (`InvalidAMIID.NotFound`). Not with `max_results`.
    pub image_ids: Vec<String>,
    /// By owner: account IDs, `self`, `amazon`.
    pub owners: Vec<String>,
    /// By what AMIs are, such as `tag:Name`.
    pub filters: Vec<Filter>,
    /// Others' deprecated AMIs too; one's own are always listed.
    pub include_deprecated: bool,
    /// Disabled AMIs too, which are left out otherwise, even if they are named.
    pub include_disabled: bool,
    /// The most AMIs of one page: 5 to 1,000. AWS advises to page always.
    pub max_results: Option<u16>,
}

/// An AMI.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// `ami-` and 17 hex digits.
    pub image_id: String,
    /// `available`, `disabled`, `pending`, `failed`, `deregistered`, …
    #[serde(rename = "imageState")]
    pub state: String,
    /// The owner's account ID.
    #[serde(rename = "imageOwnerId")]
    pub owner_id: String,
    /// The name, if it has one.
    pub name: Option<String>,
    /// When it was made.
    #[serde(default, deserialize_with = "time")]
    pub creation_date: Option<DateTime>,
    /// From when it counts as deprecated.
    #[serde(default, deserialize_with = "time")]
    pub deprecation_time: Option<DateTime>,
    /// When an instance was last launched from it, told to its owner alone and up to a day late; none if it never
    /// was, or not since AWS began to tell.
    #[serde(default, deserialize_with = "time")]
    pub last_launched_time: Option<DateTime>,
    /// `disabled`, `enabled-with-cooldown`, `enabled-without-cooldown`, or what remains of a cooldown.
    pub deregistration_protection: Option<String>,
    /// Whether everyone may launch it.
    #[serde(default)]
    pub is_public: bool,
    /// The AMI that it is a copy of.
    pub source_image_id: Option<String>,
    /// The Region of the AMI that it is a copy of.
    pub source_image_region: Option<String>,
    /// Its disks.
    #[serde(rename = "blockDeviceMapping", default, deserialize_with = "items")]
    pub block_device_mappings: Vec<BlockDevice>,
    /// Its tags, shown to its owner alone.
    #[serde(rename = "tagSet", default, deserialize_with = "tags")]
    pub tags: BTreeMap<String, String>,
}

impl Image {
    /// The snapshots behind it.
    pub fn snapshot_ids(&self) -> impl Iterator<Item = &str> {
        self.block_device_mappings.iter().filter_map(|device| device.ebs.as_ref()?.snapshot_id.as_deref())
    }
}

/// A disk of an AMI.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockDevice {
    /// Such as `/dev/xvda`.
    pub device_name: Option<String>,
    /// Its volume; none of an instance store.
    pub ebs: Option<Ebs>,
}

/// The volume of a disk.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ebs {
    /// The snapshot that it is made of.
    pub snapshot_id: Option<String>,
    /// In GiB.
    pub volume_size: Option<u32>,
}

impl Client {
    /// AMIs, a page at a time.
    ///
    /// # Errors
    /// As [`AwsError`] says.
    pub async fn describe_images(&self, request: &DescribeImages, next: Option<&str>) -> Result<Page<Image>, AwsError> {
        let about = match request.image_ids.as_slice() {
            [] => "images".to_owned(),
            ids => ids.join(", "),
        };
        let listing: Listing<Image> = self.ec2.call("DescribeImages", about, form(request, next)).await?;
        Ok(listing.into())
    }
}

fn form(request: &DescribeImages, next: Option<&str>) -> Form {
    Form::default()
        .list("ImageId", &request.image_ids)
        .list("Owner", &request.owners)
        .each("Filter", &request.filters, Filter::add)
        .flag("IncludeDeprecated", request.include_deprecated)
        .flag("IncludeDisabled", request.include_disabled)
        .maybe("MaxResults", request.max_results)
        .maybe("NextToken", next)
}
