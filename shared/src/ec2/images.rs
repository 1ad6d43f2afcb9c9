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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ec2::read::answer;

    #[test]
    fn images_are_asked_for() {
        let request = DescribeImages {
            image_ids: vec!["ami-0abcdef1234567890".into()],
            owners: vec!["self".into(), "123456789012".into()],
            filters: vec![
                Filter::new("state", ["available", "disabled"]),
                Filter::new("tag:Ec2ImageBuilderArn", ["arn:aws:imagebuilder:*"]),
            ],
            include_deprecated: true,
            include_disabled: true,
            max_results: Some(1000),
        };
        let body = form(&request, Some("next")).body("DescribeImages", "2016-11-15");
        insta::assert_snapshot!(body.replace('&', "\n&"), @r#"
        Action=DescribeImages
        &Version=2016-11-15
        &ImageId.1=ami-0abcdef1234567890
        &Owner.1=self
        &Owner.2=123456789012
        &Filter.1.Name=state
        &Filter.1.Value.1=available
        &Filter.1.Value.2=disabled
        &Filter.2.Name=tag%3AEc2ImageBuilderArn
        &Filter.2.Value.1=arn%3Aaws%3Aimagebuilder%3A%2A
        &IncludeDeprecated=true
        &IncludeDisabled=true
        &MaxResults=1000
        &NextToken=next
        "#);
        let nothing = form(&DescribeImages::default(), None).body("DescribeImages", "2016-11-15");
        assert_eq!(nothing, "Action=DescribeImages&Version=2016-11-15");
    }

    #[test]
    fn images_are_read() {
        let body = r#"<?xml version="1.0" encoding="UTF-8"?>
<DescribeImagesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
   <requestId>59dbff89-35bd-4eac-99ed-be587EXAMPLE</requestId>
   <imagesSet>
      <item>
         <imageId>ami-1a2b3c4d5e6f7g8h9</imageId>
         <imageLocation>123456789012/web 1.0.0</imageLocation>
         <imageState>available</imageState>
         <imageOwnerId>123456789012</imageOwnerId>
         <creationDate>2026-03-02T09:27:28.000Z</creationDate>
         <isPublic>false</isPublic>
         <architecture>x86_64</architecture>
         <imageType>machine</imageType>
         <name>web 1.0.0</name>
         <description>R&amp;D</description>
         <rootDeviceType>ebs</rootDeviceType>
         <rootDeviceName>/dev/xvda</rootDeviceName>
         <blockDeviceMapping>
            <item>
               <deviceName>/dev/xvda</deviceName>
               <ebs>
                  <snapshotId>snap-1234567890abcdef0</snapshotId>
                  <volumeSize>15</volumeSize>
                  <deleteOnTermination>false</deleteOnTermination>
                  <volumeType>standard</volumeType>
               </ebs>
            </item>
            <item>
               <deviceName>/dev/sdb</deviceName>
               <virtualName>ephemeral0</virtualName>
            </item>
         </blockDeviceMapping>
         <deprecationTime>2026-06-01T00:00:00.000Z</deprecationTime>
         <lastLaunchedTime>2026-04-01T10:11:12Z</lastLaunchedTime>
         <deregistrationProtection>disabled</deregistrationProtection>
         <sourceImageId>ami-0abcdef1234567890</sourceImageId>
         <sourceImageRegion>us-west-2</sourceImageRegion>
         <tagSet>
            <item><key>Name</key><value/></item>
            <item><key>CreatedBy</key><value>EC2 Image Builder</value></item>
         </tagSet>
      </item>
      <item>
         <imageId>ami-0ff8a91507f77f867</imageId>
         <imageState>disabled</imageState>
         <imageOwnerId>111122223333</imageOwnerId>
         <isPublic>true</isPublic>
      </item>
   </imagesSet>
   <nextToken>further</nextToken>
</DescribeImagesResponse>"#;
        let page = Page::from(answer::<Listing<Image>>("DescribeImages", body).unwrap());
        assert_eq!(page.items[0].snapshot_ids().collect::<Vec<_>>(), ["snap-1234567890abcdef0"]);
        insta::assert_debug_snapshot!(page);
    }

    #[test]
    fn half_an_answer_is_none() {
        let whole = "<DescribeImagesResponse><imagesSet><item><imageId>ami-1</imageId><imageState>available</imageState>\
            <imageOwnerId>1</imageOwnerId></item></imagesSet></DescribeImagesResponse>";
        let read = |body: &str| answer::<Listing<Image>>("DescribeImages", body);
        assert!(read(whole).is_ok());
        for end in 0..whole.len() {
            assert!(read(&whole[..end]).is_err(), "{}", &whole[..end]);
        }
        let broken = whole.replace("</item>", "");
        let unnamed = whole.replace("<imageId>ami-1</imageId>", "");
        let late = whole.replace("<imageState>", "<creationDate>yesterday</creationDate><imageState>");
        for body in [&broken, &unnamed, &late, "<html><body>Welcome</body></html>", "{}", "<DescribeImages/>"] {
            assert!(read(body).is_err(), "{body}");
        }
    }
}
