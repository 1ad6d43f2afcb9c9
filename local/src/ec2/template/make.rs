//! Launch templates come, get versions and go.

use super::super::tags;
use super::{LaunchTemplate, data, describe};
use crate::ec2::{Call, invalid_value, launch_template, missing};
use crate::wire::ApiError;
use serde_json::{Value, json};

/// How many versions can be deleted in one call.
const MOST_DELETED: usize = 200;

pub(in crate::ec2) fn create_launch_template(mut call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["ClientToken", "LaunchTemplateName", "VersionDescription", "LaunchTemplateData", "TagSpecification"])?;
    let name = call.required("LaunchTemplateName")?;
    let data = asked_data(&call)?;
    let description = description(&call)?;
    let tags = tags::of_specification(&call, "launch-template", &["launch-template"])?;
    if let Some(id) = call.made_before("CreateLaunchTemplate")
        && let Some(template) = call.world.ec2.templates.get(&call.context.region, &id)
    {
        return Ok(json!({"launchTemplate": describe::template(template)}));
    }
    if !(3..=128).contains(&name.len()) || !name.chars().all(|c| c.is_ascii_alphanumeric() || "()./_-".contains(c)) {
        return Err(ApiError::bad(
            "InvalidLaunchTemplateName.MalformedException",
            "A launch template name must be between 3 and 128 characters, and may contain letters, numbers, and the \
             following characters: - ( ) . / _.",
        ));
    }
    let (account, region) = (call.context.account().to_owned(), call.context.region.clone());
    if launch_template(call.world, &account, &region, name).is_some() {
        return Err(ApiError::bad(
            "InvalidLaunchTemplateName.AlreadyExistsException",
            "Launch template name already in use.",
        ));
    }
    let by = call.context.caller.arn();
    let mut template = LaunchTemplate {
        id: call.fresh_id("lt", name),
        region: region.clone(),
        owner: account,
        name: name.to_owned(),
        created: call.world.now,
        created_by: by.clone(),
        default_version: 1,
        made: 0,
        versions: Vec::new(),
        tags,
    };
    template.add(call.world.now, &by, description, data);
    let answer = json!({"launchTemplate": describe::template(&template)});
    call.remember("CreateLaunchTemplate", &template.id);
    call.record(&template.id, format!("launch template {name} made"));
    let id = template.id.clone();
    call.world.ec2.templates.insert(&region, &id, template);
    Ok(answer)
}

pub(in crate::ec2) fn create_launch_template_version(mut call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&[
        "ClientToken",
        "LaunchTemplateId",
        "LaunchTemplateName",
        "SourceVersion",
        "VersionDescription",
        "LaunchTemplateData",
        "ResolveAlias",
    ])?;
    let mut data = asked_data(&call)?;
    let description = description(&call)?;
    let template = named(&call)?;
    let (id, token) = (template.id.clone(), format!("CreateLaunchTemplateVersion {}", template.id));
    if let Some(number) = call.made_before(&token)
        && let Some(version) = template.version(&number)
    {
        return Ok(json!({"launchTemplateVersion": describe::version(call.world, template, version, false)?}));
    }
    if let Some(source) = call.text("SourceVersion") {
        let source = template.version(source).ok_or_else(|| no_version(template, source))?;
        // What the request says takes the place of what the source says, member by member.
        let mut merged = source.data.as_object().cloned().unwrap_or_default();
        if let Value::Object(data) = data {
            merged.extend(data);
        }
        data = Value::Object(merged);
    }
    let (now, by) = (call.world.now, call.context.caller.arn());
    let Some(template) = call.world.ec2.templates.get_mut(&call.context.region, &id) else {
        return Err(no_template_id(&id));
    };
    let number = template.add(now, &by, description, data).number;
    call.remember(&token, &number.to_string());
    call.record(&id, format!("version {number} made"));
    let resolved = call.flag("ResolveAlias");
    let template = named(&call)?;
    let version = template.version(&number.to_string()).ok_or_else(|| no_template_id(&id))?;
    Ok(json!({"launchTemplateVersion": describe::version(call.world, template, version, resolved)?}))
}

pub(in crate::ec2) fn modify_launch_template(mut call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["ClientToken", "LaunchTemplateId", "LaunchTemplateName", "SetDefaultVersion"])?;
    let wanted = call.required("SetDefaultVersion")?;
    let template = named(&call)?;
    let number = template.version(wanted).ok_or_else(|| no_version(template, wanted))?.number;
    let id = template.id.clone();
    call.record(&id, format!("version {number} made the default one"));
    let Some(template) = call.world.ec2.templates.get_mut(&call.context.region, &id) else {
        return Err(no_template_id(&id));
    };
    template.default_version = number;
    Ok(json!({"launchTemplate": describe::template(template)}))
}

pub(in crate::ec2) fn delete_launch_template(mut call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["LaunchTemplateId", "LaunchTemplateName"])?;
    let template = named(&call)?.clone();
    call.world.ec2.templates.remove(&template.region, &template.id);
    call.record(&template.id, format!("launch template {} deleted", template.name));
    Ok(json!({"launchTemplate": describe::template(&template)}))
}

pub(in crate::ec2) fn delete_launch_template_versions(mut call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["LaunchTemplateId", "LaunchTemplateName", "LaunchTemplateVersion"])?;
    let numbers = call.texts("LaunchTemplateVersion");
    if !(1..=MOST_DELETED).contains(&numbers.len()) {
        return Err(invalid_value(format!("LaunchTemplateVersion must name 1 to {MOST_DELETED} versions.")));
    }
    let template = named(&call)?;
    let (id, name, default) = (template.id.clone(), template.name.clone(), template.default_version);
    let (mut deleted, mut kept) = (Vec::new(), Vec::new());
    for number in numbers {
        let parsed: u64 = number.parse().map_err(|_| {
            invalid_value(format!("Value ( {number} ) for parameter launchTemplateVersion is invalid."))
        })?;
        let mut item = json!({"launchTemplateId": id, "launchTemplateName": name, "versionNumber": parsed});
        let refused = |code: &str, message: String| json!({"code": code, "message": message});
        let versions = |template: &LaunchTemplate| template.versions.iter().any(|version| version.number == parsed);
        let template = call.world.ec2.templates.get_mut(&call.context.region, &id);
        match template.filter(|template| versions(template)) {
            Some(_) if parsed == default => {
                let message = format!("The default version {parsed} of the launch template can't be deleted.");
                item["responseError"] = refused("unexpectedError", message);
                kept.push(item);
            }
            Some(template) => {
                template.versions.retain(|version| version.number != parsed);
                deleted.push(item);
            }
            None => {
                let message = format!("The version {parsed} of the launch template {id} doesn't exist.");
                item["responseError"] = refused("launchTemplateVersionDoesNotExist", message);
                kept.push(item);
            }
        }
    }
    call.record(&id, format!("{} versions deleted", deleted.len()));
    Ok(json!({
        "successfullyDeletedLaunchTemplateVersionSet": deleted,
        "unsuccessfullyDeletedLaunchTemplateVersionSet": kept,
    }))
}

/// The caller's template that `LaunchTemplateId` or `LaunchTemplateName` names.
pub(in crate::ec2) fn named<'a>(call: &'a Call<'_>) -> Result<&'a LaunchTemplate, ApiError> {
    by_either(call, call.text("LaunchTemplateId"), call.text("LaunchTemplateName"))
}

/// The caller's template of an ID or a name.
pub(in crate::ec2) fn by_either<'a>(
    call: &'a Call<'_>,
    id: Option<&str>,
    name: Option<&str>,
) -> Result<&'a LaunchTemplate, ApiError> {
    let find = |text: &str| launch_template(call.world, call.context.account(), &call.context.region, text);
    match (id, name) {
        (Some(_), Some(_)) => Err(ApiError::bad(
            "InvalidParameterCombination",
            "Must specify either the ID or the name of the launch template, but not both.",
        )),
        (None, None) => Err(missing("LaunchTemplateId")),
        (Some(id), None) => {
            check_id(id)?;
            find(id).ok_or_else(|| no_template_id(id))
        }
        (None, Some(name)) => find(name).filter(|template| template.name == name).ok_or_else(no_template_name),
    }
}

pub(in crate::ec2) fn check_id(id: &str) -> Result<(), ApiError> {
    let digits = id.strip_prefix("lt-").unwrap_or_default();
    if digits.len() == 17 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(());
    }
    Err(ApiError::bad("InvalidLaunchTemplateId.Malformed", format!("Invalid id: \"{id}\" (expecting \"lt-...\")")))
}

pub(in crate::ec2) fn no_template_id(id: &str) -> ApiError {
    ApiError::bad(
        "InvalidLaunchTemplateId.NotFound",
        format!("The specified launch template, with template ID {id}, does not exist."),
    )
}

pub(in crate::ec2) fn no_template_name() -> ApiError {
    ApiError::bad(
        "InvalidLaunchTemplateName.NotFoundException",
        "At least one of the launch templates specified in the request does not exist.",
    )
}

pub(in crate::ec2) fn no_version(template: &LaunchTemplate, wanted: &str) -> ApiError {
    ApiError::bad(
        "InvalidLaunchTemplateId.VersionNotFound",
        format!("Could not find the specified version {wanted} for the launch template with ID {}.", template.id),
    )
}

fn asked_data(call: &Call<'_>) -> Result<Value, ApiError> {
    let given = call.input.get("LaunchTemplateData").filter(|data| **data != json!(""));
    data::shown(given.ok_or_else(|| missing("LaunchTemplateData"))?)
}

fn description(call: &Call<'_>) -> Result<Option<String>, ApiError> {
    match call.text("VersionDescription") {
        Some(text) if text.chars().count() > 255 => {
            Err(invalid_value("The version description must have at most 255 characters."))
        }
        text => Ok(text.map(str::to_owned)),
    }
}
