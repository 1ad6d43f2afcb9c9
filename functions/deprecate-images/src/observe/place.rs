//! One place, an account's Region: what EC2 says there about AMIs.

use super::pinned::Users;
use super::read::Reader;
use crate::plan::{At, Reference};
use aws_sdk_imagebuilder::primitives::DateTime;
use shared::ec2::{
    self, CreateImageUsageReport, DescribeImageReferences, DescribeImageUsageReports, DescribeImages, Filter,
    ImageUsageReport, LaunchPermission, Page,
};
use shared::error::{AwsError, Failure, chain};
use shared::inventory::{CallError, Calls, each};
use std::collections::BTreeMap;

/// The most AMIs that DescribeImageReferences takes.
pub(crate) const REFERENCES_AT_ONCE: usize = 10;

/// The most values that a filter takes, and the most AMIs and reports that are named at once.
const FILTER_VALUES: usize = 200;

/// The states in which an instance uses its AMI. A terminated one is described for an hour still.
const STATES: [&str; 5] = ["pending", "running", "shutting-down", "stopping", "stopped"];

/// What the newest report of an AMI's use by other accounts says.
#[derive(Debug)]
pub(crate) struct Report {
    /// `pending`, `available` or `error`.
    pub(crate) state: String,
    /// When it was asked for.
    pub(crate) created: Option<DateTime>,
    /// How many resources use the AMI, by account.
    pub(crate) by: BTreeMap<String, u64>,
    /// Why it is in its state.
    pub(crate) reason: Option<String>,
}

/// An account's Region.
#[derive(Debug, Clone)]
pub(crate) struct Place<'a> {
    pub(super) reader: Reader<'a>,
    pub(super) ec2: ec2::Client,
    pub(super) at: At,
}

impl<'a> Place<'a> {
    /// With a client that can be used.
    ///
    /// # Errors
    /// Why the account is out of reach, in words.
    pub(crate) async fn at(reader: Reader<'a>, at: &At) -> Result<Self, String> {
        let ec2 = reader.ec2.at(&at.account, &at.region).await.map_err(|error| chain(&error))?;
        Ok(Self { reader, ec2, at: at.clone() })
    }

    /// All items of a listing, or an error.
    pub(super) async fn all<Item>(
        &self,
        operation: &'static str,
        page: impl AsyncFn(Option<String>) -> Result<Page<Item>, AwsError>,
    ) -> Result<Vec<Item>, CallError> {
        let name = self.at.to_string();
        let (mut items, mut token) = (Vec::new(), None);
        loop {
            let mut read = self.reader.calls.ask(operation, &name, async || page(token.clone()).await).await?;
            items.append(&mut read.items);
            // A service that answers the token that it was given would never come to an end.
            if read.next.is_none() {
                return Ok(items);
            }
            if read.next == token {
                let failure = Failure::Unanswered("the same page token came twice".into());
                return Err(AwsError { operation, resource: name, failure }.into());
            }
            token = read.next;
        }
    }

    /// ec2:DescribeImages: those of the AMIs that are there, whatever their state, by ID. Named by a filter, one that is
    /// gone is left out rather than an error.
    pub(crate) async fn images(&self, ids: &[String]) -> Result<BTreeMap<String, ec2::Image>, CallError> {
        let pages = each(ids.chunks(FILTER_VALUES), async |ids| {
            let request = DescribeImages {
                owners: vec!["self".to_owned()],
                filters: vec![Filter::new("image-id", ids)],
                include_deprecated: true,
                include_disabled: true,
                ..DescribeImages::default()
            };
            let page = async |next: Option<String>| self.ec2.describe_images(&request, next.as_deref()).await;
            self.all("DescribeImages", page).await
        });
        let pages = pages.await.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(pages.into_iter().flatten().map(|image| (image.image_id.clone(), image)).collect())
    }

    /// ec2:DescribeImageReferences: what names each of at most [`REFERENCES_AT_ONCE`] AMIs.
    pub(crate) async fn references(&self, ids: &[String], depth: u16) -> Result<Users, CallError> {
        let request = DescribeImageReferences {
            image_ids: ids.to_vec(),
            instance_states: STATES.map(str::to_owned).to_vec(),
            version_depth: Some(depth),
            max_results: None,
        };
        let page = async |next: Option<String>| self.ec2.describe_image_references(&request, next.as_deref()).await;
        let mut found = Users::new();
        for reference in self.all("DescribeImageReferences", page).await? {
            let named = Reference { kind: reference.resource_type, arn: reference.arn };
            found.entry(reference.image_id).or_default().insert(named);
        }
        Ok(found)
    }

    /// ec2:DescribeImageAttribute: whom an AMI is shared with.
    pub(crate) async fn shares(&self, id: &str) -> Result<Vec<LaunchPermission>, CallError> {
        let call = async || self.ec2.describe_image_attribute(id).await;
        self.reader.calls.ask("DescribeImageAttribute", id, call).await
    }

    /// ec2:DescribeImageUsageReports and DescribeImageUsageReportEntries: of each AMI the newest report that is done, if it
    /// was asked for since then, or else the newest of all; and what stands in those that are done. Reports of some
    /// accounts or resources only, which somebody else asked for, are left out.
    pub(crate) async fn reports(
        &self,
        ids: &[String],
        since: DateTime,
        depth: u16,
    ) -> Result<BTreeMap<String, Report>, CallError> {
        let pages = each(ids.chunks(FILTER_VALUES), async |ids| {
            let request = DescribeImageUsageReports { image_ids: ids.to_vec(), ..DescribeImageUsageReports::default() };
            let page =
                async |next: Option<String>| self.ec2.describe_image_usage_reports(&request, next.as_deref()).await;
            self.all("DescribeImageUsageReports", page).await
        });
        let reports = pages.await.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten();
        let mut newest: BTreeMap<String, ImageUsageReport> = BTreeMap::new();
        for report in reports.filter(|report| report.is_whole(depth)) {
            let done = |it: &ImageUsageReport| it.state == "available" && it.creation_time >= Some(since);
            let better = |it: &ImageUsageReport| (done(it), it.creation_time);
            let known = newest.get(&report.image_id);
            if known.is_none_or(|known| better(known) < better(&report)) {
                newest.insert(report.image_id.clone(), report);
            }
        }
        let done = newest.values().filter(|report| report.state == "available").map(|report| report.report_id.clone());
        let done: Vec<String> = done.collect();
        let mut entries: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
        for ids in done.chunks(FILTER_VALUES) {
            let request =
                DescribeImageUsageReports { report_ids: ids.to_vec(), ..DescribeImageUsageReports::default() };
            let page = async |next: Option<String>| {
                self.ec2.describe_image_usage_report_entries(&request, next.as_deref()).await
            };
            for entry in self.all("DescribeImageUsageReportEntries", page).await? {
                let by = entries.entry(entry.report_id).or_default();
                *by.entry(entry.account_id).or_default() += entry.usage_count;
            }
        }
        let told = newest.into_iter().map(|(image, report)| {
            let by = entries.remove(&report.report_id).unwrap_or_default();
            let ImageUsageReport { state, state_reason: reason, creation_time: created, .. } = report;
            (image, Report { state, created, by, reason })
        });
        Ok(told.collect())
    }

    /// ec2:CreateImageUsageReport: counts every other account's use.
    pub(crate) async fn ask_for_report(
        &self,
        calls: &Calls,
        id: &str,
        depth: u16,
        token: String,
    ) -> Result<(), CallError> {
        let request = CreateImageUsageReport {
            image_id: id.to_owned(),
            version_depth: Some(depth),
            client_token: Some(token),
            ..CreateImageUsageReport::default()
        };
        let call = async || self.ec2.create_image_usage_report(&request).await;
        calls.ask("CreateImageUsageReport", id, call).await.map(drop)
    }

    /// ec2:ModifyImageAttribute: shares an AMI with some more.
    pub(crate) async fn share(&self, calls: &Calls, id: &str, with: &[LaunchPermission]) -> Result<(), CallError> {
        let call = async || self.ec2.modify_image_attribute(id, with).await;
        calls.ask("ModifyImageAttribute", id, call).await
    }
}
