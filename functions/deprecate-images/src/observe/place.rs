//! What uses AMIs in one place, an account's Region, beside what DescribeImageReferences tells: launch templates
//! whatever its depth, Auto Scaling groups and launch configurations.

use super::read::Reader;
use crate::plan::{At, Reference};
use aws_sdk_imagebuilder::primitives::DateTime;
use shared::ec2::{
    self, AutoScalingGroup, CreateImageUsageReport, DescribeAutoScalingGroups, DescribeImageReferences,
    DescribeImageUsageReports, DescribeImages, DescribeLaunchTemplateVersions, Filter, ImageUsageReport,
    LaunchPermission, LaunchTemplateSpecification, Page,
};
use shared::error::{AwsError, Failure, chain};
use shared::inventory::{CallError, Calls, each};
use std::collections::{BTreeMap, BTreeSet};

/// The most AMIs that DescribeImageReferences takes.
pub(crate) const REFERENCES_AT_ONCE: usize = 10;

/// The most values that a filter takes.
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

/// What names each AMI.
pub(crate) type Users = BTreeMap<String, BTreeSet<Reference>>;

/// In the form of EC2's own words for types.
const GROUP: &str = "autoscaling:AutoScalingGroup";

/// A group may name a template that is gone: it can't launch then.
const GONE: [&str; 3] = [
    "InvalidLaunchTemplateId.NotFound",
    "InvalidLaunchTemplateId.VersionNotFound",
    "InvalidLaunchTemplateName.NotFoundException",
];

/// An account's Region.
#[derive(Debug, Clone)]
pub(crate) struct Place<'a> {
    reader: Reader<'a>,
    ec2: ec2::Client,
    at: At,
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

    async fn all<Item>(
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
    /// was asked for since then, or else the newest of all; and what stands in those that are done.
    pub(crate) async fn reports(&self, ids: &[String], since: DateTime) -> Result<BTreeMap<String, Report>, CallError> {
        let request = DescribeImageUsageReports { image_ids: ids.to_vec(), ..DescribeImageUsageReports::default() };
        let page = async |next: Option<String>| self.ec2.describe_image_usage_reports(&request, next.as_deref()).await;
        let mut newest: BTreeMap<String, ImageUsageReport> = BTreeMap::new();
        for report in self.all("DescribeImageUsageReports", page).await? {
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

    /// What names AMIs whatever the depth to which templates are searched: the default and the newest version of each
    /// launch template, the versions that Auto Scaling groups are pinned to, the groups' own overrides, and launch
    /// configurations. Parameters that templates name are resolved.
    pub(crate) async fn pinned(&self) -> Result<Users, CallError> {
        let mut found = Users::new();
        let mut add = |image: &str, kind: &str, arn: String| {
            found.entry(image.to_owned()).or_default().insert(Reference { kind: kind.to_owned(), arn });
        };
        let request = DescribeLaunchTemplateVersions {
            versions: vec!["$Default".to_owned(), "$Latest".to_owned()],
            resolve_alias: true,
            max_results: Some(200),
            ..DescribeLaunchTemplateVersions::default()
        };
        let groups = DescribeAutoScalingGroups { max_records: Some(100), ..DescribeAutoScalingGroups::default() };
        let (versions, groups, configurations) = tokio::join!(
            self.all("DescribeLaunchTemplateVersions", async |next: Option<String>| {
                self.ec2.describe_launch_template_versions(&request, next.as_deref()).await
            }),
            self.all("DescribeAutoScalingGroups", async |next: Option<String>| {
                self.ec2.describe_auto_scaling_groups(&groups, next.as_deref()).await
            }),
            self.all("DescribeLaunchConfigurations", async |next: Option<String>| {
                self.ec2.describe_launch_configurations(&[], next.as_deref()).await
            }),
        );
        for version in versions? {
            if let Some(image) = &version.launch_template_data.image_id {
                let At { region, account } = &self.at;
                let id = version.launch_template_id;
                let arn = format!("arn:{}:ec2:{region}:{account}:launch-template/{id}", self.reader.partition);
                add(image, "ec2:LaunchTemplate", arn);
            }
        }
        for configuration in configurations? {
            add(&configuration.image_id, "autoscaling:LaunchConfiguration", configuration.launch_configuration_name);
        }
        let groups = groups?;
        for group in &groups {
            group.image_ids().for_each(|image| add(image, GROUP, group.arn.clone()));
        }
        let pins = pins(&groups);
        let pins = pins.into_iter().flat_map(|(template, versions)| {
            versions.into_iter().map(move |(number, group)| (template.clone(), number, group))
        });
        let read = each(pins, async |(template, number, group)| (self.pinned_version(template, number).await, group));
        for (read, group) in read.await {
            if let Some(image) = read? {
                add(&image, GROUP, group);
            }
        }
        Ok(found)
    }

    /// The AMI of one version of a launch template; none if the version names none, or is gone.
    async fn pinned_version(
        &self,
        (template, by_id): (String, bool),
        number: String,
    ) -> Result<Option<String>, CallError> {
        let request = DescribeLaunchTemplateVersions {
            launch_template_id: by_id.then(|| template.clone()),
            launch_template_name: (!by_id).then_some(template),
            versions: vec![number],
            resolve_alias: true,
            ..DescribeLaunchTemplateVersions::default()
        };
        let page =
            async |next: Option<String>| self.ec2.describe_launch_template_versions(&request, next.as_deref()).await;
        match self.all("DescribeLaunchTemplateVersions", page).await {
            Ok(versions) => Ok(versions.into_iter().find_map(|version| version.launch_template_data.image_id)),
            Err(error) if error.code().is_some_and(|code| GONE.contains(&code)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Which versions of which templates, by ID or name, groups are pinned to by number, each with one of those groups. From
/// what their instances were launched is no matter: instances are references themselves.
fn pins(groups: &[AutoScalingGroup]) -> BTreeMap<(String, bool), BTreeMap<String, String>> {
    let mut pins: BTreeMap<(String, bool), BTreeMap<String, String>> = BTreeMap::new();
    for group in groups {
        for LaunchTemplateSpecification { launch_template_id: id, launch_template_name: name, version } in
            group.launch_templates()
        {
            let template = id.clone().map(|id| (id, true)).or_else(|| name.clone().map(|name| (name, false)));
            let number = version.clone().filter(|version| version.bytes().all(|byte| byte.is_ascii_digit()));
            if let (Some(template), Some(number)) = (template, number) {
                pins.entry(template).or_default().insert(number, group.arn.clone());
            }
        }
    }
    pins
}
