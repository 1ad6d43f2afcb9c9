//! DescribeImageAttribute and ModifyImageAttribute: who may launch an AMI, and its description.

use super::describe::block_devices;
use super::{Call, Image, invalid_value, missing, protection, retire};
use crate::clock::iso_millis;
use crate::wire::ApiError;
use serde_json::{Value, json};

/// Members of a launch permission as requests and answers spell them.
const PERMISSIONS: [(&str, &str); 4] = [
    ("UserId", "userId"),
    ("Group", "group"),
    ("OrganizationArn", "organizationArn"),
    ("OrganizationalUnitArn", "organizationalUnitArn"),
];

pub(super) fn describe_image_attribute(mut call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["ImageId", "Attribute"])?;
    let attribute = call.required("Attribute")?;
    let id = call.own_image()?.id.clone();
    let image = call.image(&id)?;
    let (name, value) = match attribute {
        "launchPermission" => ("launchPermission", permissions(image)),
        "description" => ("description", json!({"value": image.description})),
        "blockDeviceMapping" => ("blockDeviceMapping", json!(block_devices(image))),
        "productCodes" => ("productCodes", json!([])),
        "lastLaunchedTime" => ("lastLaunchedTime", json!({"value": image.last_launched.map(iso_millis)})),
        "deregistrationProtection" => {
            let value = protection::shown(call.world, &call.context.region, &id);
            ("deregistrationProtection", json!({"value": value}))
        }
        _ => return Err(unsupported(attribute)),
    };
    Ok(json!({"imageId": image.id, name: value}))
}

fn permissions(image: &Image) -> Value {
    let wire = |kind: &str| PERMISSIONS.iter().find(|(name, _)| *name == kind).map(|(_, wire)| *wire);
    let listed = image.launch_permissions.iter();
    listed.filter_map(|(kind, value)| Some(json!({wire(kind)?: value}))).collect()
}

fn unsupported(attribute: &str) -> ApiError {
    ApiError::bad("UnsupportedOperation", format!("The attribute {attribute} is not supported by the local EC2."))
}

pub(super) fn modify_image_attribute(mut call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&[
        "ImageId",
        "Attribute",
        "Description",
        "LaunchPermission",
        "OperationType",
        "UserGroup",
        "UserId",
        "Value",
        "OrganizationArn",
        "OrganizationalUnitArn",
    ])?;
    let attribute = match call.text("Attribute") {
        Some(attribute) => attribute,
        None if call.input.get("LaunchPermission").is_some() => "launchPermission",
        None if call.input.get("Description").is_some() => "description",
        None => return Err(missing("Attribute")),
    };
    match attribute {
        "description" => {
            let value = call.input.pointer("/Description/Value").and_then(Value::as_str).or(call.text("Value"));
            let description = value.ok_or_else(|| missing("Description"))?.to_owned();
            let image = call.own_image()?;
            image.description = Some(description).filter(|text| !text.is_empty());
            let id = image.id.clone();
            call.record(&id, "description changed".to_owned());
        }
        "launchPermission" => {
            let (added, removed) = asked(&call)?;
            let image = call.own_image()?;
            if image.state != "available" && !added.is_empty() {
                return Err(retire::unavailable(&image.id));
            }
            image.launch_permissions.retain(|permission| !removed.contains(permission));
            for permission in &added {
                if !image.launch_permissions.contains(permission) {
                    image.launch_permissions.push(permission.clone());
                }
            }
            let id = image.id.clone();
            let said = |verb: &str, permissions: &[(String, String)]| {
                let values: Vec<&str> = permissions.iter().map(|(_, value)| value.as_str()).collect();
                (!values.is_empty()).then(|| format!("{verb} {}", values.join(", ")))
            };
            let parts: Vec<String> = [said("launch granted to", &added), said("launch revoked from", &removed)]
                .into_iter()
                .flatten()
                .collect();
            call.record(&id, parts.join("; "));
        }
        _ => return Err(unsupported(attribute)),
    }
    Ok(json!({"return": true}))
}

type Permissions = Vec<(String, String)>;

/// What is to be added and removed, from either of the two forms of the request.
fn asked(call: &Call<'_>) -> Result<(Permissions, Permissions), ApiError> {
    let listed = |verb: &str| -> Permissions {
        let items = call.input.pointer(&format!("/LaunchPermission/{verb}")).and_then(Value::as_array);
        let member = |item: &Value, kind: &str| Some((kind.to_owned(), item.get(kind)?.as_str()?.to_owned()));
        items
            .into_iter()
            .flatten()
            .flat_map(|item| PERMISSIONS.iter().filter_map(move |(kind, _)| member(item, kind)))
            .collect()
    };
    let (mut added, mut removed) = (listed("Add"), listed("Remove"));
    let flat = [
        ("UserId", "UserId"),
        ("UserGroup", "Group"),
        ("OrganizationArn", "OrganizationArn"),
        ("OrganizationalUnitArn", "OrganizationalUnitArn"),
    ];
    let flat: Permissions = flat
        .iter()
        .flat_map(|(parameter, kind)| {
            call.texts(parameter).into_iter().map(|value| ((*kind).to_owned(), value.to_owned()))
        })
        .collect();
    match call.text("OperationType") {
        Some("add") => added.extend(flat),
        Some("remove") => removed.extend(flat),
        Some(other) => {
            return Err(invalid_value(format!("Value ( {other} ) for parameter operationType is invalid.")));
        }
        None if flat.is_empty() => {}
        None => return Err(missing("OperationType")),
    }
    if added.is_empty() && removed.is_empty() {
        return Err(ApiError::bad("InvalidParameterCombination", "No attributes specified."));
    }
    added.iter().chain(&removed).try_for_each(check)?;
    Ok((added, removed))
}

fn check((kind, value): &(String, String)) -> Result<(), ApiError> {
    let valid = match kind.as_str() {
        "UserId" => value.len() == 12 && value.bytes().all(|byte| byte.is_ascii_digit()),
        "Group" => value == "all",
        "OrganizationArn" => value.starts_with("arn:") && value.contains(":organization/"),
        _ => value.starts_with("arn:") && value.contains(":ou/"),
    };
    if valid {
        return Ok(());
    }
    let word = if kind == "UserId" { "user id" } else { "launch permission" };
    Err(ApiError::bad(
        "InvalidAMIAttributeItemValue",
        format!("Invalid attribute item value \"{value}\" for {word} item type."),
    ))
}
