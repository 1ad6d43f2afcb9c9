//! DescribeLaunchTemplates and DescribeLaunchTemplateVersions.

use super::super::filter::filters;
use super::{LaunchTemplate, TemplateVersion, make};
use crate::clock::iso_seconds;
use crate::ec2::Tags;
use crate::ec2::{Call, describe::tag_set, missing};
use crate::ssm;
use crate::wire::ApiError;
use crate::world::World;
use serde_json::{Value, json};

pub(in crate::ec2) fn describe_launch_templates(call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["LaunchTemplateId", "LaunchTemplateName", "Filter", "NextToken", "MaxResults"])?;
    let filters = filters(&call, &["create-time", "launch-template-name", "tag:", "tag-key"])?;
    let (ids, names) = (call.texts("LaunchTemplateId"), call.texts("LaunchTemplateName"));
    for id in &ids {
        make::by_either(&call, Some(id), None)?;
    }
    for name in &names {
        make::by_either(&call, None, Some(name))?;
    }
    let after = call.text("NextToken").unwrap_or_default();
    let found = call.world.ec2.templates.behind(&call.context.region, after).filter(|(id, template)| {
        let field = |name: &str| {
            vec![if name == "create-time" { iso_seconds(template.created) } else { template.name.clone() }]
        };
        template.owner == call.context.account()
            && (ids.is_empty() && names.is_empty() || ids.contains(id) || names.contains(&template.name.as_str()))
            && filters.iter().all(|filter| filter.takes(&template.tags, field))
    });
    let (templates, next) = call.page(found.map(|(id, found)| (id, template(found))))?;
    Ok(json!({"launchTemplates": templates, "nextToken": next}))
}

const FILTERS: [&str; 9] = [
    "create-time",
    "ebs-optimized",
    "iam-instance-profile",
    "image-id",
    "instance-type",
    "is-default-version",
    "kernel-id",
    "license-configuration-arn",
    "ram-disk-id",
];

pub(in crate::ec2) fn describe_launch_template_versions(call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&[
        "LaunchTemplateId",
        "LaunchTemplateName",
        "LaunchTemplateVersion",
        "MinVersion",
        "MaxVersion",
        "NextToken",
        "MaxResults",
        "Filter",
        "ResolveAlias",
    ])?;
    let filters = filters(&call, &FILTERS)?;
    let wanted = call.texts("LaunchTemplateVersion");
    let bound = |parameter: &str| {
        let number = |text: &str| text.parse::<u64>().map_err(|_| invalid_version(text));
        call.text(parameter).map(number).transpose()
    };
    let (least, most) = (bound("MinVersion")?, bound("MaxVersion")?);
    if !wanted.is_empty() && (least.is_some() || most.is_some()) {
        return Err(ApiError::bad(
            "InvalidParameterCombination",
            "MinVersion and MaxVersion cannot be used with LaunchTemplateVersion",
        ));
    }
    let everywhere = call.text("LaunchTemplateId").is_none() && call.text("LaunchTemplateName").is_none();
    let templates: Vec<&LaunchTemplate> = if everywhere {
        // Across templates, numbers mean nothing.
        if wanted.is_empty() {
            return Err(missing("LaunchTemplateId"));
        }
        if let Some(number) = wanted.iter().find(|version| !["$Latest", "$Default"].contains(version)) {
            return Err(invalid_version(number));
        }
        let all = call.world.ec2.templates.of(&call.context.region);
        all.filter(|template| template.owner == call.context.account()).collect()
    } else {
        vec![make::named(&call)?]
    };
    let mut found: Vec<(String, &LaunchTemplate, &TemplateVersion)> = Vec::new();
    for template in templates {
        let mut numbers = Vec::new();
        for version in &wanted {
            let version = template.version(version).ok_or_else(|| make::no_version(template, version))?;
            numbers.push(version.number);
        }
        let asked = |version: &&TemplateVersion| {
            let number = version.number;
            let within = least.is_none_or(|least| number >= least) && most.is_none_or(|most| number <= most);
            within && (wanted.is_empty() || numbers.contains(&number))
        };
        // The newest version comes first.
        for version in template.versions.iter().rev().filter(asked) {
            found.push((format!("{}/{:020}", template.id, u64::MAX - version.number), template, version));
        }
    }
    let mut items = Vec::new();
    for (key, template, found) in found {
        let is_default = found.number == template.default_version;
        if filters.iter().all(|filter| filter.takes(&Tags::new(), |name| fields(found, is_default, name))) {
            items.push((key, version(call.world, template, found, call.flag("ResolveAlias"))?));
        }
    }
    let (versions, next) = call.page(items.iter().map(|(key, item)| (key.as_str(), item.clone())))?;
    Ok(json!({"launchTemplateVersionSet": versions, "nextToken": next}))
}

fn invalid_version(text: &str) -> ApiError {
    crate::ec2::invalid_value(format!("Value ( {text} ) for parameter launchTemplateVersion is invalid."))
}

/// What a version holds under the name of a filter.
fn fields(version: &TemplateVersion, is_default: bool, name: &str) -> Vec<String> {
    let texts = |pointers: &[&str]| -> Vec<String> {
        let found = pointers.iter().filter_map(|pointer| version.data.pointer(pointer)?.as_str());
        found.map(str::to_owned).collect()
    };
    match name {
        "create-time" => vec![iso_seconds(version.created)],
        "ebs-optimized" => texts(&["/ebsOptimized"]),
        "iam-instance-profile" => texts(&["/iamInstanceProfile/arn", "/iamInstanceProfile/name"]),
        "image-id" => texts(&["/imageId"]),
        "instance-type" => texts(&["/instanceType"]),
        "is-default-version" => vec![is_default.to_string()],
        "kernel-id" => texts(&["/kernelId"]),
        "ram-disk-id" => texts(&["/ramDiskId"]),
        _ => {
            let listed = version.data.get("licenseSet").and_then(Value::as_array).into_iter().flatten();
            listed.filter_map(|licence| Some(licence.get("licenseConfigurationArn")?.as_str()?.to_owned())).collect()
        }
    }
}

/// A template as its members look.
pub(in crate::ec2) fn template(template: &LaunchTemplate) -> Value {
    let mut shown = json!({
        "launchTemplateId": template.id,
        "launchTemplateName": template.name,
        "createTime": iso_seconds(template.created),
        "createdBy": template.created_by,
        "defaultVersionNumber": template.default_version,
        "latestVersionNumber": template.version("$Latest").map(|version| version.number),
    });
    if !template.tags.is_empty() {
        shown["tagSet"] = tag_set(&template.tags);
    }
    shown
}

/// A version as its members look: with `resolved`, the AMI in place of the parameter that names it.
///
/// # Errors
/// When there is no such parameter.
pub(in crate::ec2) fn version(
    world: &World,
    template: &LaunchTemplate,
    version: &TemplateVersion,
    resolved: bool,
) -> Result<Value, ApiError> {
    let mut data = version.data.clone();
    if let Some(image) = version.image_id().filter(|_| resolved) {
        data["imageId"] = json!(image_of(world, &template.owner, &template.region, image)?);
    }
    Ok(json!({
        "launchTemplateId": template.id,
        "launchTemplateName": template.name,
        "versionNumber": version.number,
        "versionDescription": version.description,
        "createTime": iso_seconds(version.created),
        "createdBy": version.created_by,
        "defaultVersion": version.number == template.default_version,
        "launchTemplateData": data,
    }))
}

/// The AMI that an image ID means: itself, or what the parameter of `resolve:ssm:` holds, which can be named with
/// a version or a label.
///
/// # Errors
/// When there is no such parameter.
pub(in crate::ec2) fn image_of(world: &World, account: &str, region: &str, image: &str) -> Result<String, ApiError> {
    let Some(parameter) = image.strip_prefix("resolve:ssm:") else { return Ok(image.to_owned()) };
    ssm::value(world, account, region, parameter).ok_or_else(|| {
        crate::ec2::invalid_value(format!("The parameter '{parameter}' of the image ID can't be resolved to an AMI."))
    })
}
