//! Who uses an AMI: DescribeImageReferences for the own account, image usage reports for others.

use super::form::Form;
use super::read::{Listing, Nothing, Page, items, tags, time};
use super::{Client, Filter};
use crate::error::AwsError;
use aws_sdk_imagebuilder::primitives::DateTime;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Which references to describe: all of the account's resources in the Region that name one of the AMIs, of all
/// types that EC2 knows of: instances, launch templates, parameters, Image Builder's recipes.
///
/// Templates are searched for the ID itself: one that names its AMI by a parameter (`resolve:ssm:…`) isn't a
/// reference, the parameter is.
#[derive(Debug, Clone, Default)]
pub struct DescribeImageReferences {
    /// 1 to 10 AMIs, anyone's.
    pub image_ids: Vec<String>,
    /// The states of instances that count, such as `running`. Empty: all, terminated ones among them.
    pub instance_states: Vec<String>,
    /// How many of the newest versions of a launch template are searched. AWS takes 10 unless told.
    pub version_depth: Option<u16>,
    /// The most references of one page, at least 5.
    pub max_results: Option<u16>,
}

/// A resource that names an AMI.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageReference {
    /// The AMI.
    pub image_id: String,
    /// `ec2:Instance`, `ec2:LaunchTemplate`, `ssm:Parameter`, `imagebuilder:ImageRecipe`,
    /// `imagebuilder:ContainerRecipe`, or what AWS adds.
    pub resource_type: String,
    /// The resource.
    pub arn: String,
}

/// A report to make of how an AMI of one's own is used by other accounts: how many of their instances and launch
/// templates name it.
#[derive(Debug, Clone, Default)]
pub struct CreateImageUsageReport {
    /// The AMI.
    pub image_id: String,
    /// How many of the newest versions of a launch template are searched. AWS takes 20 unless told.
    pub version_depth: Option<u16>,
    /// Whose use is counted, at most 200 accounts; everyone's if there is none.
    pub account_ids: Vec<String>,
    /// The same token makes the same report.
    pub client_token: Option<String>,
    /// The report's tags.
    pub tags: BTreeMap<String, String>,
}

/// Which reports, or entries of them, to describe.
#[derive(Debug, Clone, Default)]
pub struct DescribeImageUsageReports {
    /// Of these AMIs, at most 200.
    pub image_ids: Vec<String>,
    /// These reports, at most 200.
    pub report_ids: Vec<String>,
    /// Of reports `creation-time` and `state`; of entries `account-id`, `creation-time` and `resource-type`.
    pub filters: Vec<Filter>,
    /// The most items of one page.
    pub max_results: Option<u16>,
}

/// A report of how an AMI is used. It is kept for 30 days.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageUsageReport {
    /// `amiur-` and 17 hex digits.
    pub report_id: String,
    /// The AMI.
    pub image_id: String,
    /// `pending`, `available` or `error`. Only an `available` one proves anything.
    pub state: String,
    /// Why it is in its state.
    pub state_reason: Option<String>,
    /// When it was asked for: it tells of that time at best.
    #[serde(default, deserialize_with = "time")]
    pub creation_time: Option<DateTime>,
    /// When it goes.
    #[serde(default, deserialize_with = "time")]
    pub expiration_time: Option<DateTime>,
    /// Whose use it counts; everyone's if there is none.
    #[serde(rename = "accountIdSet", default, deserialize_with = "items")]
    pub account_ids: Vec<String>,
    /// What it counts.
    #[serde(rename = "resourceTypeSet", default, deserialize_with = "items")]
    pub resource_types: Vec<ImageUsageResourceType>,
    /// Its tags.
    #[serde(rename = "tagSet", default, deserialize_with = "tags")]
    pub tags: BTreeMap<String, String>,
}

/// What a report counts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageUsageResourceType {
    /// `ec2:Instance` or `ec2:LaunchTemplate`.
    pub resource_type: String,
    /// How it was asked for, such as the `version-depth` of launch templates.
    #[serde(rename = "resourceTypeOptionSet", default, deserialize_with = "items")]
    pub options: Vec<ImageUsageResourceTypeOption>,
}

/// An option of what a report counts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageUsageResourceTypeOption {
    /// `version-depth`
    pub option_name: String,
    /// Its values: of a depth, one number.
    #[serde(rename = "optionValueSet", default, deserialize_with = "items")]
    pub option_values: Vec<String>,
}

impl ImageUsageReport {
    /// Whether it counts all that a report can count: instances and launch templates of every account, of each template
    /// at least so many versions. Anybody in the account can have made one that doesn't.
    pub fn is_whole(&self, depth: u16) -> bool {
        let of = |name: &str| self.resource_types.iter().find(|it| it.resource_type == name);
        let versions = |it: &ImageUsageResourceType| {
            let option = it.options.iter().find(|option| option.option_name == "version-depth");
            // AWS takes this many unless told.
            option.map_or(Some(20), |option| option.option_values.first()?.parse::<u16>().ok())
        };
        let deep = of("ec2:LaunchTemplate").and_then(versions).is_some_and(|versions| versions >= depth);
        self.account_ids.is_empty() && of("ec2:Instance").is_some() && deep
    }
}

/// How many resources of a type of an account name an AMI.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageUsageReportEntry {
    /// The report that it stands in.
    pub report_id: String,
    /// The AMI.
    pub image_id: String,
    /// The account that uses it.
    pub account_id: String,
    /// `ec2:Instance` or `ec2:LaunchTemplate`.
    pub resource_type: String,
    /// How many.
    pub usage_count: u64,
    /// When the report was asked for.
    #[serde(default, deserialize_with = "time")]
    pub report_creation_time: Option<DateTime>,
}

impl Client {
    /// The account's own resources in the Region that name AMIs, a page at a time. Whoever asks needs to be allowed
    /// to read each of them too, with `aws:CalledVia` `ec2-images.amazonaws.com`.
    ///
    /// # Errors
    /// As [`AwsError`] says.
    pub async fn describe_image_references(
        &self,
        request: &DescribeImageReferences,
        next: Option<&str>,
    ) -> Result<Page<ImageReference>, AwsError> {
        let about = request.image_ids.join(", ");
        let listing: Listing<ImageReference> =
            self.ec2.call("DescribeImageReferences", about, references(request, next)).await?;
        Ok(listing.into())
    }

    /// Asks for a report and answers with its ID; it is there some minutes to hours later.
    ///
    /// # Errors
    /// As [`AwsError`] says.
    pub async fn create_image_usage_report(&self, request: &CreateImageUsageReport) -> Result<String, AwsError> {
        #[derive(Debug, Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Created {
            report_id: String,
        }
        let created: Created = self.ec2.call("CreateImageUsageReport", &request.image_id, report(request)).await?;
        Ok(created.report_id)
    }

    /// The account's reports in the Region, a page at a time.
    ///
    /// # Errors
    /// As [`AwsError`] says.
    pub async fn describe_image_usage_reports(
        &self,
        request: &DescribeImageUsageReports,
        next: Option<&str>,
    ) -> Result<Page<ImageUsageReport>, AwsError> {
        let listing: Listing<ImageUsageReport> =
            self.ec2.call("DescribeImageUsageReports", about(request), reports(request, next)).await?;
        Ok(listing.into())
    }

    /// What stands in reports, a page at a time. A report without entries is one of no use.
    ///
    /// # Errors
    /// As [`AwsError`] says.
    pub async fn describe_image_usage_report_entries(
        &self,
        request: &DescribeImageUsageReports,
        next: Option<&str>,
    ) -> Result<Page<ImageUsageReportEntry>, AwsError> {
        let listing: Listing<ImageUsageReportEntry> =
            self.ec2.call("DescribeImageUsageReportEntries", about(request), reports(request, next)).await?;
        Ok(listing.into())
    }

    /// Deletes a report.
    ///
    /// # Errors
    /// As [`AwsError`] says.
    pub async fn delete_image_usage_report(&self, report_id: &str) -> Result<(), AwsError> {
        let form = Form::default().with("ReportId", report_id);
        let Nothing {} = self.ec2.call("DeleteImageUsageReport", report_id, form).await?;
        Ok(())
    }
}

/// All types, for what is asked of one of them takes the place of its defaults alone.
fn references(request: &DescribeImageReferences, next: Option<&str>) -> Form {
    let states = request.instance_states.iter().map(String::as_str).collect();
    let depth = request.version_depth.map(|depth| depth.to_string());
    let options = [
        ("ec2:Instance", "state-name", states),
        ("ec2:LaunchTemplate", "version-depth", depth.as_deref().into_iter().collect::<Vec<_>>()),
    ];
    Form::default()
        .list("ImageId", &request.image_ids)
        .with("IncludeAllResourceTypes", true)
        .each("ResourceType", options.iter().filter(|(.., values)| !values.is_empty()), resource_type)
        .maybe("MaxResults", request.max_results)
        .maybe("NextToken", next)
}

/// A type of resources with one of its options, or without.
fn resource_type(form: Form, place: &str, (name, option, values): &(&str, &str, Vec<&str>)) -> Form {
    let form = form.with(&format!("{place}.ResourceType"), name);
    match values.as_slice() {
        [] => form,
        values => form
            .with(&format!("{place}.ResourceTypeOption.1.OptionName"), option)
            .list(&format!("{place}.ResourceTypeOption.1.OptionValue"), values),
    }
}

fn report(request: &CreateImageUsageReport) -> Form {
    let depth = request.version_depth.map(|depth| depth.to_string());
    let types = [
        ("ec2:Instance", "", vec![]),
        ("ec2:LaunchTemplate", "version-depth", depth.as_deref().into_iter().collect::<Vec<_>>()),
    ];
    let form = Form::default()
        .with("ImageId", &request.image_id)
        .each("ResourceType", &types, resource_type)
        .list("AccountId", &request.account_ids)
        .maybe("ClientToken", request.client_token.as_ref());
    if request.tags.is_empty() {
        return form;
    }
    form.with("TagSpecification.1.ResourceType", "image-usage-report").each(
        "TagSpecification.1.Tag",
        &request.tags,
        |form, place, (key, value)| form.with(&format!("{place}.Key"), key).with(&format!("{place}.Value"), value),
    )
}

fn reports(request: &DescribeImageUsageReports, next: Option<&str>) -> Form {
    Form::default()
        .list("ImageId", &request.image_ids)
        .list("ReportId", &request.report_ids)
        .each("Filter", &request.filters, Filter::add)
        .maybe("MaxResults", request.max_results)
        .maybe("NextToken", next)
}

fn about(request: &DescribeImageUsageReports) -> String {
    let named: Vec<&str> = request.report_ids.iter().chain(&request.image_ids).map(String::as_str).collect();
    if named.is_empty() { "image usage reports".to_owned() } else { named.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_of_some_accounts_or_resources_is_not_whole() {
        let depth = |values: &[&str]| ImageUsageResourceTypeOption {
            option_name: "version-depth".to_owned(),
            option_values: values.iter().map(|value| (*value).to_owned()).collect(),
        };
        let kind = |name: &str, options: Vec<_>| ImageUsageResourceType { resource_type: name.to_owned(), options };
        let instances = || kind("ec2:Instance", vec![]);
        let templates = |options| kind("ec2:LaunchTemplate", options);
        let report = |account: Option<&str>, resource_types| ImageUsageReport {
            report_id: "amiur-1".to_owned(),
            image_id: "ami-1".to_owned(),
            state: "available".to_owned(),
            state_reason: None,
            creation_time: None,
            expiration_time: None,
            account_ids: account.into_iter().map(str::to_owned).collect(),
            resource_types,
            tags: BTreeMap::new(),
        };
        for (whole, report) in [
            (true, report(None, vec![instances(), templates(vec![depth(&["100"])])])),
            (true, report(None, vec![templates(vec![depth(&["101"])]), instances()])),
            (false, report(Some("111122223333"), vec![instances(), templates(vec![depth(&["100"])])])),
            (false, report(None, vec![instances(), templates(vec![depth(&["99"])])])),
            (false, report(None, vec![instances(), templates(vec![depth(&[])])])),
            (false, report(None, vec![instances(), templates(vec![depth(&["all"])])])),
            (false, report(None, vec![instances(), templates(vec![])])),
            (false, report(None, vec![instances()])),
            (false, report(None, vec![templates(vec![depth(&["100"])])])),
            (false, report(None, vec![])),
        ] {
            assert_eq!(report.is_whole(100), whole, "{report:?}");
        }
        assert!(report(None, vec![instances(), templates(vec![])]).is_whole(20), "AWS's own depth");
    }
    use crate::ec2::read::answer;

    fn lines(form: Form) -> String {
        form.body("Op", "2016-11-15").replace('&', "\n&")
    }

    #[test]
    fn references_are_asked_for() {
        let mut request = DescribeImageReferences {
            image_ids: vec!["ami-0abcdef1234567890".into(), "ami-1234567890abcdef0".into()],
            instance_states: vec!["running".into(), "stopped".into()],
            version_depth: Some(100),
            max_results: Some(200),
        };
        insta::assert_snapshot!(lines(references(&request, Some("a+b/c="))), @r#"
        Action=Op
        &Version=2016-11-15
        &ImageId.1=ami-0abcdef1234567890
        &ImageId.2=ami-1234567890abcdef0
        &IncludeAllResourceTypes=true
        &ResourceType.1.ResourceType=ec2%3AInstance
        &ResourceType.1.ResourceTypeOption.1.OptionName=state-name
        &ResourceType.1.ResourceTypeOption.1.OptionValue.1=running
        &ResourceType.1.ResourceTypeOption.1.OptionValue.2=stopped
        &ResourceType.2.ResourceType=ec2%3ALaunchTemplate
        &ResourceType.2.ResourceTypeOption.1.OptionName=version-depth
        &ResourceType.2.ResourceTypeOption.1.OptionValue.1=100
        &MaxResults=200
        &NextToken=a%2Bb%2Fc%3D
        "#);
        request.instance_states.clear();
        request.max_results = None;
        insta::assert_snapshot!(lines(references(&request, None)), @r#"
        Action=Op
        &Version=2016-11-15
        &ImageId.1=ami-0abcdef1234567890
        &ImageId.2=ami-1234567890abcdef0
        &IncludeAllResourceTypes=true
        &ResourceType.1.ResourceType=ec2%3ALaunchTemplate
        &ResourceType.1.ResourceTypeOption.1.OptionName=version-depth
        &ResourceType.1.ResourceTypeOption.1.OptionValue.1=100
        "#);
    }

    #[test]
    fn references_are_read() {
        let body = r#"<?xml version="1.0" encoding="UTF-8"?>
<DescribeImageReferencesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
    <requestId>59dbff89-35bd-4eac-99ed-be587EXAMPLE</requestId>
    <imageReferenceSet>
        <item>
            <imageId>ami-0abcdef1234567890</imageId>
            <resourceType>ec2:Instance</resourceType>
            <arn>arn:aws:ec2:us-east-1:123456789012:instance/i-1234567890abcdef0</arn>
        </item>
        <item>
            <imageId>ami-1234567890abcdef0</imageId>
            <resourceType>ec2:LaunchTemplate</resourceType>
            <arn>arn:aws:ec2:us-east-1:123456789012:launch-template/lt-1234567890abcdef0</arn>
        </item>
    </imageReferenceSet>
    <nextToken>next</nextToken>
</DescribeImageReferencesResponse>"#;
        let page: Page<ImageReference> =
            answer::<Listing<ImageReference>>("DescribeImageReferences", body).unwrap().into();
        insta::assert_debug_snapshot!(page);
    }

    #[test]
    fn a_report_is_asked_for() {
        let request = CreateImageUsageReport {
            image_id: "ami-0abcdef1234567890".into(),
            version_depth: Some(100),
            account_ids: vec!["111122223333".into(), "444455556666".into()],
            client_token: Some("token".into()),
            tags: BTreeMap::from([("made by".into(), "deprecate-images".into())]),
        };
        insta::assert_snapshot!(lines(report(&request)), @r#"
        Action=Op
        &Version=2016-11-15
        &ImageId=ami-0abcdef1234567890
        &ResourceType.1.ResourceType=ec2%3AInstance
        &ResourceType.2.ResourceType=ec2%3ALaunchTemplate
        &ResourceType.2.ResourceTypeOption.1.OptionName=version-depth
        &ResourceType.2.ResourceTypeOption.1.OptionValue.1=100
        &AccountId.1=111122223333
        &AccountId.2=444455556666
        &ClientToken=token
        &TagSpecification.1.ResourceType=image-usage-report
        &TagSpecification.1.Tag.1.Key=made%20by
        &TagSpecification.1.Tag.1.Value=deprecate-images
        "#);
        let request = CreateImageUsageReport { image_id: "ami-0abcdef1234567890".into(), ..Default::default() };
        insta::assert_snapshot!(lines(report(&request)), @r#"
        Action=Op
        &Version=2016-11-15
        &ImageId=ami-0abcdef1234567890
        &ResourceType.1.ResourceType=ec2%3AInstance
        &ResourceType.2.ResourceType=ec2%3ALaunchTemplate
        "#);
    }

    #[test]
    fn reports_are_read() {
        let body = r#"<DescribeImageUsageReportsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
    <requestId>59dbff89-35bd-4eac-99ed-be587EXAMPLE</requestId>
    <imageUsageReportSet>
        <item>
            <accountIdSet><item>111122223333</item></accountIdSet>
            <creationTime>2026-03-02T13:10:41.000Z</creationTime>
            <expirationTime>2026-04-01T13:10:41.000Z</expirationTime>
            <imageId>ami-0abcdef1234567890</imageId>
            <reportId>amiur-00b877d192f6b02d0</reportId>
            <resourceTypeSet>
                <item><resourceType>ec2:Instance</resourceType></item>
                <item>
                    <resourceType>ec2:LaunchTemplate</resourceType>
                    <resourceTypeOptionSet>
                        <item>
                            <optionName>version-depth</optionName>
                            <optionValueSet><item>100</item></optionValueSet>
                        </item>
                    </resourceTypeOptionSet>
                </item>
            </resourceTypeSet>
            <state>available</state>
        </item>
    </imageUsageReportSet>
</DescribeImageUsageReportsResponse>"#;
        let listing: Listing<ImageUsageReport> = answer("DescribeImageUsageReports", body).unwrap();
        insta::assert_debug_snapshot!(Page::from(listing));
    }

    #[test]
    fn entries_are_read() {
        let body = r#"<DescribeImageUsageReportEntriesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
    <requestId>59dbff89-35bd-4eac-99ed-be587EXAMPLE</requestId>
    <imageUsageReportEntrySet>
        <item>
            <accountId>111122223333</accountId>
            <imageId>ami-0abcdef1234567890</imageId>
            <reportCreationTime>2026-03-02T13:10:41.000Z</reportCreationTime>
            <reportId>amiur-00b877d192f6b02d0</reportId>
            <resourceType>ec2:Instance</resourceType>
            <usageCount>1214</usageCount>
        </item>
    </imageUsageReportEntrySet>
    <nextToken/>
</DescribeImageUsageReportEntriesResponse>"#;
        let listing: Listing<ImageUsageReportEntry> = answer("DescribeImageUsageReportEntries", body).unwrap();
        insta::assert_debug_snapshot!(Page::from(listing));
    }
}
