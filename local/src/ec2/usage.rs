//! Image usage reports: how many resources of other accounts use an AMI.

use super::describe::tag_set;
use super::filter::{Filter, filters};
use super::{Call, Event, invalid_value, missing, references, tags};
use crate::clock::{Time, iso_millis};
use crate::ec2::Tags;
use crate::wire::ApiError;
use crate::world::{self, World};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The types of resources that are counted.
const TYPES: [&str; 2] = ["ec2:Instance", "ec2:LaunchTemplate"];

/// How many of the newest versions of a launch template are looked at.
const DEPTH: usize = 20;

/// How long a report is kept.
const KEPT: TimeDelta = TimeDelta::days(30);

/// How many accounts a report can name.
const MOST_ACCOUNTS: usize = 200;

/// A report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageReport {
    /// `amiur-` and 17 hex digits.
    pub id: String,
    /// Who asked for it: the AMI's owner.
    pub owner: String,
    /// The AMI.
    pub image_id: String,
    /// What is counted: resource type, and for launch templates how many of the newest versions.
    pub types: Vec<(String, usize)>,
    /// Whose use is counted; everyone's if there is none.
    pub accounts: Vec<String>,
    /// Whether it is done.
    pub available: bool,
    /// When it was asked for.
    pub created: Time,
    /// Account, resource type and number.
    pub entries: Vec<(String, String, u64)>,
    /// Tags.
    pub tags: Tags,
}

pub(super) fn create_image_usage_report(mut call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["ImageId", "ResourceType", "AccountId", "ClientToken", "TagSpecification"])?;
    let asked = references::asked(&call, &TYPES, DEPTH)?;
    if asked.is_empty() {
        return Err(missing("ResourceType"));
    }
    if asked.iter().any(|one| !one.states.is_empty()) {
        return Err(invalid_value("The option state-name of the resource type ec2:Instance is invalid."));
    }
    let accounts: Vec<String> = call.texts("AccountId").into_iter().map(str::to_owned).collect();
    if accounts.len() > MOST_ACCOUNTS {
        return Err(invalid_value(format!("The request can name at most {MOST_ACCOUNTS} accounts.")));
    }
    let digits = |account: &&String| account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(account) = accounts.iter().find(digits) {
        return Err(invalid_value(format!("Value ({account}) for parameter accountId is invalid.")));
    }
    let tags = tags::of_specification(&call, "image-usage-report", &["image-usage-report"])?;
    let image_id = call.own_image()?.id.clone();
    if let Some(id) = call.made_before("CreateImageUsageReport") {
        return Ok(json!({"reportId": id}));
    }
    let report = UsageReport {
        id: call.fresh_id("amiur", &image_id),
        owner: call.context.account().to_owned(),
        image_id,
        types: asked.into_iter().map(|one| (one.resource_type, one.depth)).collect(),
        accounts,
        available: false,
        created: call.world.now,
        entries: Vec::new(),
        tags,
    };
    call.remember("CreateImageUsageReport", &report.id);
    call.record(&report.image_id, format!("usage report {} begun", report.id));
    let (region, report_id) = (call.context.region.clone(), report.id.clone());
    let span = call.world.span_millis(&["usage report", &report_id], 60_000, 900_000);
    let (now, expires) = (call.world.now, report.created + KEPT);
    call.world.ec2.usage_reports.insert(&region, &report_id, report);
    let reported = Event::UsageReported { region: region.clone(), report_id: report_id.clone() };
    call.world.post(now + span, world::Event::Ec2(reported));
    call.world.post(expires, world::Event::Ec2(Event::UsageExpired { region, report_id: report_id.clone() }));
    Ok(json!({"reportId": report_id}))
}

/// A report is done: it counts what there is now.
pub(super) fn on_reported(world: &mut World, region: &str, report_id: &str) {
    let Some(report) = world.ec2.usage_reports.get(region, report_id).cloned() else { return };
    let instances = world.ec2.instances.of(region).map(|instance| &instance.owner);
    let templates = world.ec2.templates.of(region).map(|template| &template.owner);
    let users: BTreeSet<String> = instances
        .chain(templates)
        .filter(|user| **user != report.owner && (report.accounts.is_empty() || report.accounts.contains(user)))
        .cloned()
        .collect();
    let mut entries = Vec::new();
    for user in users {
        for (resource_type, depth) in &report.types {
            let asked = references::Asked { resource_type: resource_type.clone(), states: Vec::new(), depth: *depth };
            let count = references::of_type(world, &user, region, &report.image_id, &asked).len() as u64;
            if count > 0 {
                entries.push((user.clone(), resource_type.clone(), count));
            }
        }
    }
    if let Some(report) = world.ec2.usage_reports.get_mut(region, report_id) {
        report.entries = entries;
        report.available = true;
    }
}

fn state(report: &UsageReport) -> &'static str {
    if report.available { "available" } else { "pending" }
}

/// The caller's reports that the request names, by ID.
fn found<'a>(call: &'a Call<'_>, filters: &[Filter<'_>]) -> Result<Vec<&'a UsageReport>, ApiError> {
    let (images, reports) = (call.texts("ImageId"), call.texts("ReportId"));
    images.iter().try_for_each(|id| super::check_id(id))?;
    for id in &reports {
        own(call, id)?;
    }
    let fitting = |report: &&UsageReport| {
        let field = |name: &str| match name {
            "state" => vec![state(report).to_owned()],
            "creation-time" => vec![iso_millis(report.created)],
            _ => report.entries.iter().map(|(account, ..)| account.clone()).collect(),
        };
        report.owner == call.context.account()
            && (images.is_empty() || images.contains(&report.image_id.as_str()))
            && (reports.is_empty() || reports.contains(&report.id.as_str()))
            && filters.iter().all(|filter| filter.takes(&report.tags, field))
    };
    Ok(call.world.ec2.usage_reports.of(&call.context.region).filter(fitting).collect())
}

fn own<'a>(call: &'a Call<'_>, id: &str) -> Result<&'a UsageReport, ApiError> {
    Call::check_ids(&[id], "amiur", "InvalidImageUsageReportId.Malformed")?;
    let report = call.world.ec2.usage_reports.get(&call.context.region, id);
    report.filter(|report| report.owner == call.context.account()).ok_or_else(|| {
        ApiError::bad("InvalidImageUsageReportId.NotFound", format!("The image usage report '{id}' does not exist"))
    })
}

pub(super) fn describe_image_usage_reports(call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["ImageId", "ReportId", "NextToken", "Filter", "MaxResults"])?;
    let filters = filters(&call, &["creation-time", "state", "tag:", "tag-key"])?;
    let reports = found(&call, &filters)?;
    let (page, next) = call.page(reports.into_iter().map(|report| (report.id.as_str(), shown(report))))?;
    Ok(json!({"imageUsageReportSet": page, "nextToken": next}))
}

fn shown(report: &UsageReport) -> Value {
    let kind = |(kind, depth): &(String, usize)| match kind.as_str() {
        "ec2:LaunchTemplate" => json!({
            "resourceType": kind,
            "resourceTypeOptionSet": [{"optionName": "version-depth", "optionValueSet": [depth.to_string()]}],
        }),
        _ => json!({"resourceType": kind}),
    };
    let mut shown = json!({
        "imageId": report.image_id,
        "reportId": report.id,
        "resourceTypeSet": report.types.iter().map(kind).collect::<Vec<_>>(),
        "state": state(report),
        "creationTime": iso_millis(report.created),
        "expirationTime": iso_millis(report.created + KEPT),
    });
    if !report.accounts.is_empty() {
        shown["accountIdSet"] = json!(report.accounts);
    }
    if !report.tags.is_empty() {
        shown["tagSet"] = tag_set(&report.tags);
    }
    shown
}

pub(super) fn describe_image_usage_report_entries(call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["ImageId", "ReportId", "NextToken", "Filter", "MaxResults"])?;
    let filters = filters(&call, &["account-id", "creation-time", "resource-type"])?;
    let mut entries = Vec::new();
    for report in found(&call, &[])? {
        for (account, kind, count) in &report.entries {
            let field = |name: &str| match name {
                "account-id" => vec![account.clone()],
                "resource-type" => vec![kind.clone()],
                _ => vec![iso_millis(report.created)],
            };
            if filters.iter().all(|filter| filter.takes(&Tags::new(), field)) {
                let shown = json!({
                    "resourceType": kind,
                    "reportId": report.id,
                    "usageCount": count,
                    "accountId": account,
                    "imageId": report.image_id,
                    "reportCreationTime": iso_millis(report.created),
                });
                entries.push((format!("{} {account} {kind}", report.id), shown));
            }
        }
    }
    let (page, next) = call.page(entries.iter().map(|(key, entry)| (key.as_str(), entry.clone())))?;
    Ok(json!({"imageUsageReportEntrySet": page, "nextToken": next}))
}

pub(super) fn delete_image_usage_report(mut call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["ReportId"])?;
    let id = call.required("ReportId")?;
    let image_id = own(&call, id)?.image_id.clone();
    call.world.ec2.usage_reports.remove(&call.context.region, id);
    call.record(&image_id, format!("usage report {id} deleted"));
    Ok(json!({"return": true}))
}
