//! Launch templates and their versions.

use super::form::Form;
use super::read::{Listing, Page, tags, time};
use super::{Client, Filter};
use crate::error::AwsError;
use aws_sdk_imagebuilder::primitives::DateTime;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Which launch templates to describe; all of the account's in the Region unless narrowed.
#[derive(Debug, Clone, Default)]
pub struct DescribeLaunchTemplates {
    /// By ID.
    pub launch_template_ids: Vec<String>,
    /// By name.
    pub launch_template_names: Vec<String>,
    /// By `create-time`, `launch-template-name` or tags.
    pub filters: Vec<Filter>,
    /// The most templates of one page: 1 to 200.
    pub max_results: Option<u16>,
}

/// A launch template.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LaunchTemplate {
    /// `lt-` and 17 hex digits.
    pub launch_template_id: String,
    /// Its name.
    pub launch_template_name: String,
    /// What `$Default` means.
    pub default_version_number: u64,
    /// What `$Latest` means.
    pub latest_version_number: u64,
    /// When it was made.
    #[serde(default, deserialize_with = "time")]
    pub create_time: Option<DateTime>,
    /// Its tags.
    #[serde(rename = "tagSet", default, deserialize_with = "tags")]
    pub tags: BTreeMap<String, String>,
}

/// Which versions to describe: of one template, named by its ID or its name; with neither, of all templates, for
/// which `versions` has to say `$Default`, `$Latest` or both.
#[derive(Debug, Clone, Default)]
pub struct DescribeLaunchTemplateVersions {
    /// The template's ID.
    pub launch_template_id: Option<String>,
    /// The template's name.
    pub launch_template_name: Option<String>,
    /// Numbers, `$Default`, `$Latest`; all of them if there is none. At most 200.
    pub versions: Vec<String>,
    /// Those after this one. Not with `versions`.
    pub min_version: Option<u64>,
    /// Those up to this one. Not with `versions`.
    pub max_version: Option<u64>,
    /// Puts the AMI in the place of a parameter's name (`resolve:ssm:…`).
    pub resolve_alias: bool,
    /// By what versions say, such as `image-id`.
    pub filters: Vec<Filter>,
    /// The most versions of one page: 1 to 200.
    pub max_results: Option<u16>,
}

/// A version of a launch template.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LaunchTemplateVersion {
    /// The template's ID.
    pub launch_template_id: String,
    /// The template's name.
    pub launch_template_name: String,
    /// From 1.
    pub version_number: u64,
    /// Whether it is what `$Default` means.
    #[serde(default)]
    pub default_version: bool,
    /// When it was made.
    #[serde(default, deserialize_with = "time")]
    pub create_time: Option<DateTime>,
    /// What it says of instances.
    pub launch_template_data: LaunchTemplateData,
}

/// What a version says of instances.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LaunchTemplateData {
    /// The AMI's ID, or unless resolved `resolve:ssm:` and a parameter; none if whoever launches names it.
    pub image_id: Option<String>,
}

impl Client {
    /// Launch templates, a page at a time.
    ///
    /// # Errors
    /// As [`AwsError`] says.
    pub async fn describe_launch_templates(
        &self,
        request: &DescribeLaunchTemplates,
        next: Option<&str>,
    ) -> Result<Page<LaunchTemplate>, AwsError> {
        let listing: Listing<LaunchTemplate> =
            self.ec2.call("DescribeLaunchTemplates", "launch templates", templates(request, next)).await?;
        Ok(listing.into())
    }

    /// Versions of launch templates, a page at a time.
    ///
    /// # Errors
    /// As [`AwsError`] says.
    pub async fn describe_launch_template_versions(
        &self,
        request: &DescribeLaunchTemplateVersions,
        next: Option<&str>,
    ) -> Result<Page<LaunchTemplateVersion>, AwsError> {
        let named = request.launch_template_id.as_deref().or(request.launch_template_name.as_deref());
        let about = named.unwrap_or("launch templates").to_owned();
        let listing: Listing<LaunchTemplateVersion> =
            self.ec2.call("DescribeLaunchTemplateVersions", about, versions(request, next)).await?;
        Ok(listing.into())
    }
}

fn templates(request: &DescribeLaunchTemplates, next: Option<&str>) -> Form {
    Form::default()
        .list("LaunchTemplateId", &request.launch_template_ids)
        .list("LaunchTemplateName", &request.launch_template_names)
        .each("Filter", &request.filters, Filter::add)
        .maybe("MaxResults", request.max_results)
        .maybe("NextToken", next)
}

fn versions(request: &DescribeLaunchTemplateVersions, next: Option<&str>) -> Form {
    Form::default()
        .maybe("LaunchTemplateId", request.launch_template_id.as_ref())
        .maybe("LaunchTemplateName", request.launch_template_name.as_ref())
        .list("LaunchTemplateVersion", &request.versions)
        .maybe("MinVersion", request.min_version)
        .maybe("MaxVersion", request.max_version)
        .flag("ResolveAlias", request.resolve_alias)
        .each("Filter", &request.filters, Filter::add)
        .maybe("MaxResults", request.max_results)
        .maybe("NextToken", next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ec2::read::answer;

    #[test]
    fn versions_are_asked_for() {
        let request = DescribeLaunchTemplateVersions {
            launch_template_id: Some("lt-068f72b72934aff71".into()),
            versions: vec!["1".into(), "$Default".into()],
            resolve_alias: true,
            filters: vec![Filter::new("image-id", ["ami-0abcdef1234567890", "ami-1234567890abcdef0"])],
            max_results: Some(200),
            ..DescribeLaunchTemplateVersions::default()
        };
        let body = versions(&request, None).body("DescribeLaunchTemplateVersions", "2016-11-15");
        insta::assert_snapshot!(body.replace('&', "\n&"), @r#"
        Action=DescribeLaunchTemplateVersions
        &Version=2016-11-15
        &LaunchTemplateId=lt-068f72b72934aff71
        &LaunchTemplateVersion.1=1
        &LaunchTemplateVersion.2=%24Default
        &ResolveAlias=true
        &Filter.1.Name=image-id
        &Filter.1.Value.1=ami-0abcdef1234567890
        &Filter.1.Value.2=ami-1234567890abcdef0
        &MaxResults=200
        "#);
        let request = DescribeLaunchTemplateVersions {
            launch_template_name: Some("web".into()),
            min_version: Some(3),
            max_version: Some(9),
            ..DescribeLaunchTemplateVersions::default()
        };
        let body = versions(&request, Some("next")).body("DescribeLaunchTemplateVersions", "2016-11-15");
        insta::assert_snapshot!(body.replace('&', "\n&"), @r#"
        Action=DescribeLaunchTemplateVersions
        &Version=2016-11-15
        &LaunchTemplateName=web
        &MinVersion=3
        &MaxVersion=9
        &NextToken=next
        "#);
    }

    #[test]
    fn versions_are_read() {
        let body = r#"<DescribeLaunchTemplateVersionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
    <requestId>65cadec1-b364-4354-8ca8-4176dexample</requestId>
    <launchTemplateVersionSet>
        <item>
            <createTime>2017-10-31T11:38:52.000Z</createTime>
            <createdBy>arn:aws:iam::123456789012:root</createdBy>
            <defaultVersion>false</defaultVersion>
            <launchTemplateData>
                <imageId>ami-8c1be5f6</imageId>
                <instanceType>t2.micro</instanceType>
            </launchTemplateData>
            <launchTemplateId>lt-068f72b72934aff71</launchTemplateId>
            <launchTemplateName>Webservers</launchTemplateName>
            <versionNumber>3</versionNumber>
        </item>
        <item>
            <defaultVersion>true</defaultVersion>
            <launchTemplateData/>
            <launchTemplateId>lt-068f72b72934aff71</launchTemplateId>
            <launchTemplateName>Webservers</launchTemplateName>
            <versionNumber>1</versionNumber>
        </item>
    </launchTemplateVersionSet>
</DescribeLaunchTemplateVersionsResponse>"#;
        let listing: Listing<LaunchTemplateVersion> = answer("DescribeLaunchTemplateVersions", body).unwrap();
        insta::assert_debug_snapshot!(Page::from(listing));
    }

    #[test]
    fn templates_are_read() {
        let request = DescribeLaunchTemplates {
            launch_template_ids: vec!["lt-08730f82f1f67c9f8".into()],
            launch_template_names: vec!["web".into()],
            filters: vec![Filter::new("tag:team", ["a & b"])],
            max_results: Some(1),
        };
        let body = templates(&request, Some("next")).body("DescribeLaunchTemplates", "2016-11-15");
        insta::assert_snapshot!(body.replace('&', "\n&"), @r#"
        Action=DescribeLaunchTemplates
        &Version=2016-11-15
        &LaunchTemplateId.1=lt-08730f82f1f67c9f8
        &LaunchTemplateName.1=web
        &Filter.1.Name=tag%3Ateam
        &Filter.1.Value.1=a%20%26%20b
        &MaxResults=1
        &NextToken=next
        "#);
        let body = r#"<DescribeLaunchTemplatesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
    <requestId>1afa6e44-eb38-4229-8db6-d5eaexample</requestId>
    <launchTemplates>
        <item>
            <createTime>2017-10-31T11:38:52.000Z</createTime>
            <createdBy>arn:aws:iam::123456789012:root</createdBy>
            <defaultVersionNumber>1</defaultVersionNumber>
            <latestVersionNumber>2</latestVersionNumber>
            <launchTemplateId>lt-0a4a7f87b8af8b3a8</launchTemplateId>
            <launchTemplateName>Webservers</launchTemplateName>
            <tagSet><item><key>team</key><value>web &amp; mobile</value></item></tagSet>
        </item>
    </launchTemplates>
</DescribeLaunchTemplatesResponse>"#;
        let listing: Listing<LaunchTemplate> = answer("DescribeLaunchTemplates", body).unwrap();
        insta::assert_debug_snapshot!(Page::from(listing));
    }
}
