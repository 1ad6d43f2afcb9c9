//! DescribeImageAttribute and ModifyImageAttribute.

use super::{Image, list, own, required};
use crate::journal::Kind;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::{Map, Value, json};

/// The kinds of launch permissions: as members of a permission, of the older flat form, and on the wire's answer.
const KINDS: [(&str, &str, &str); 4] = [
    ("UserId", "UserId", "userId"),
    ("Group", "UserGroup", "group"),
    ("OrganizationArn", "OrganizationArn", "organizationArn"),
    ("OrganizationalUnitArn", "OrganizationalUnitArn", "organizationalUnitArn"),
];

pub(super) fn describe_image_attribute(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let attribute = required(input, "Attribute")?.to_owned();
    let image = own(world, context, input)?;
    let value = match attribute.as_str() {
        "launchPermission" => {
            ("launchPermission", json!(image.launch_permissions.iter().map(permission).collect::<Vec<_>>()))
        }
        "description" => ("description", json!({"value": image.description})),
        "blockDeviceMapping" => ("blockDeviceMapping", super::describe::wire(image)["blockDeviceMapping"].clone()),
        "lastLaunchedTime" => ("lastLaunchedTime", json!({})),
        other => {
            let message = format!(
                "Attribute: expected launchPermission, description, blockDeviceMapping or lastLaunchedTime, not {other} (the local EC2 knows no others)"
            );
            return Err(ApiError::bad("InvalidParameterValue", message));
        }
    };
    Ok(json!({"imageId": image.id, value.0: value.1}))
}

fn permission((kind, value): &(String, String)) -> Value {
    let name = KINDS.iter().find(|(known, _, _)| known == kind).map_or(kind.as_str(), |(_, _, wire)| wire);
    json!({name: value})
}

pub(super) fn modify_image_attribute(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let change = Change::read(input)?;
    let image = own(world, context, input)?;
    let (id, detail) = (image.id.clone(), change.apply(image));
    world.record_for(context.caller.invocation.as_deref(), Kind::ImageChanged, id, Some(&context.region), detail);
    Ok(json!({"return": true}))
}

enum Change {
    Description(String),
    Permissions { add: Vec<(String, String)>, remove: Vec<(String, String)> },
}

impl Change {
    /// The structured form (`LaunchPermission.Add.1.UserId`), and the flat one (`OperationType`, `UserId.1`).
    fn read(input: &Value) -> Result<Self, ApiError> {
        if let Some(text) =
            input.get("Description").and_then(|description| description.get("Value")).and_then(Value::as_str)
        {
            return Ok(Self::Description(text.to_owned()));
        }
        let (mut add, mut remove) = (Vec::new(), Vec::new());
        if let Some(permission) = input.get("LaunchPermission") {
            add = structured(permission, "Add");
            remove = structured(permission, "Remove");
        }
        let flat: Vec<_> = KINDS
            .iter()
            .flat_map(|(kind, member, _)| {
                list(input, member).into_iter().map(|value| ((*kind).to_owned(), value.to_owned()))
            })
            .collect();
        match input.get("OperationType").and_then(Value::as_str) {
            Some("add") => add.extend(flat),
            Some("remove") => remove.extend(flat),
            _ => {}
        }
        if add.is_empty() && remove.is_empty() {
            let message = "No attributes specified: expected Description or LaunchPermission";
            return Err(ApiError::bad("InvalidParameterCombination", message));
        }
        let account = |(kind, value): &&(String, String)| {
            kind == "UserId" && !(value.len() == 12 && value.bytes().all(|byte| byte.is_ascii_digit()))
        };
        if let Some((_, value)) = add.iter().find(account) {
            return Err(ApiError::bad(
                "InvalidAMIAttributeItemValue",
                format!("Invalid attribute item value \"{value}\" for userId item type."),
            ));
        }
        Ok(Self::Permissions { add, remove })
    }

    fn apply(self, image: &mut Image) -> String {
        match self {
            Self::Description(text) => {
                image.description = Some(text);
                "description changed".to_owned()
            }
            Self::Permissions { add, remove } => {
                image.launch_permissions.retain(|held| !remove.contains(held));
                let new: Vec<_> =
                    add.iter().filter(|wanted| !image.launch_permissions.contains(wanted)).cloned().collect();
                image.launch_permissions.extend(new);
                let names =
                    |of: &[(String, String)]| of.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", ");
                match (add.is_empty(), remove.is_empty()) {
                    (false, true) => format!("shared with {}", names(&add)),
                    (true, false) => format!("no longer shared with {}", names(&remove)),
                    _ => format!("shared with {}, no longer with {}", names(&add), names(&remove)),
                }
            }
        }
    }
}

fn structured(permission: &Value, member: &str) -> Vec<(String, String)> {
    let items = permission.get(member).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_object).flat_map(pairs).collect()
}

fn pairs(item: &Map<String, Value>) -> Vec<(String, String)> {
    item.iter().filter_map(|(kind, value)| Some((kind.clone(), value.as_str()?.to_owned()))).collect()
}
