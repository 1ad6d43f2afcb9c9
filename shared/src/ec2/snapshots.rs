//! Snapshots: DescribeSnapshots.

use super::form::Form;
use super::read::{Listing, Page, tags, time};
use super::{Client, Filter};
use crate::error::AwsError;
use aws_sdk_imagebuilder::primitives::DateTime;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Which snapshots to describe; all that the account can see, public ones among them, unless narrowed.
#[derive(Debug, Clone, Default)]
pub struct DescribeSnapshots {
    /// By ID. One that isn't there fails the whole call (`InvalidSnapshot.NotFound`). Not with `max_results`.
    pub snapshot_ids: Vec<String>,
    /// By owner: account IDs, `self`, `amazon`.
    pub owner_ids: Vec<String>,
    /// By what snapshots are, such as `status` or `tag:Name`; `snapshot-id` names some that may be gone.
    pub filters: Vec<Filter>,
    /// The most snapshots of one page: 5 to 1,000.
    pub max_results: Option<u16>,
}

/// A snapshot.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// `snap-` and 17 hex digits.
    pub snapshot_id: String,
    /// The owner's account ID.
    pub owner_id: String,
    /// `pending`, `completed`, `error`, `recoverable` or `recovering`.
    #[serde(rename = "status")]
    pub state: String,
    /// The size of its volume in GiB: the most that it can hold.
    pub volume_size: u64,
    /// What it holds, in bytes. Snapshots share their blocks, so deleting one frees this much at most.
    pub full_snapshot_size_in_bytes: Option<u64>,
    /// `standard` or `archive`.
    pub storage_tier: Option<String>,
    /// When it was begun.
    #[serde(default, deserialize_with = "time")]
    pub start_time: Option<DateTime>,
    /// Its tags.
    #[serde(rename = "tagSet", default, deserialize_with = "tags")]
    pub tags: BTreeMap<String, String>,
}

impl Client {
    /// Snapshots, a page at a time.
    ///
    /// # Errors
    /// As [`AwsError`] says.
    pub async fn describe_snapshots(
        &self,
        request: &DescribeSnapshots,
        next: Option<&str>,
    ) -> Result<Page<Snapshot>, AwsError> {
        let about = match request.snapshot_ids.as_slice() {
            [] => "snapshots".to_owned(),
            ids => ids.join(", "),
        };
        let listing: Listing<Snapshot> = self.ec2.call("DescribeSnapshots", about, form(request, next)).await?;
        Ok(listing.into())
    }
}

fn form(request: &DescribeSnapshots, next: Option<&str>) -> Form {
    Form::default()
        .list("SnapshotId", &request.snapshot_ids)
        .list("Owner", &request.owner_ids)
        .each("Filter", &request.filters, Filter::add)
        .maybe("MaxResults", request.max_results)
        .maybe("NextToken", next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ec2::read::answer;

    #[test]
    fn snapshots_are_asked_for_and_read() {
        let request = DescribeSnapshots {
            snapshot_ids: vec!["snap-1234567890abcdef0".into()],
            owner_ids: vec!["self".into()],
            filters: vec![Filter::new("status", ["completed"])],
            max_results: Some(500),
        };
        let body = form(&request, Some("next")).body("DescribeSnapshots", "2016-11-15");
        insta::assert_snapshot!(body.replace('&', "\n&"), @r#"
        Action=DescribeSnapshots
        &Version=2016-11-15
        &SnapshotId.1=snap-1234567890abcdef0
        &Owner.1=self
        &Filter.1.Name=status
        &Filter.1.Value.1=completed
        &MaxResults=500
        &NextToken=next
        "#);
        let body = r#"<DescribeSnapshotsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
   <requestId>59dbff89-35bd-4eac-99ed-be587EXAMPLE</requestId>
   <snapshotSet>
      <item>
         <snapshotId>snap-1234567890abcdef0</snapshotId>
         <volumeId>vol-1234567890abcdef0</volumeId>
         <status>completed</status>
         <startTime>2026-03-02T13:58:41.123Z</startTime>
         <progress>100%</progress>
         <ownerId>123456789012</ownerId>
         <volumeSize>8</volumeSize>
         <description>Created by CreateImage(i-1) for ami-1</description>
         <fullSnapshotSizeInBytes>1819803648</fullSnapshotSizeInBytes>
         <storageTier>standard</storageTier>
         <tagSet><item><key>CreatedBy</key><value>EC2 Image Builder</value></item></tagSet>
         <encrypted>true</encrypted>
      </item>
   </snapshotSet>
   <nextToken>further</nextToken>
</DescribeSnapshotsResponse>"#;
        let listing: Listing<Snapshot> = answer("DescribeSnapshots", body).unwrap();
        insta::assert_debug_snapshot!(Page::from(listing));
    }
}
