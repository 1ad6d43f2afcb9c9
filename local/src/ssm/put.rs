//! Writing and deleting parameters.

use super::store::{Key, Parameter, Version};
use super::{Call, Event, emit_change, invalid, not_found, tags};
use crate::journal::Kind;
use crate::wire::{ApiError, Caller, Context};
use crate::world::{self, World};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How many versions a parameter keeps.
const MOST_VERSIONS: usize = 100;

/// What Image Builder puts of its own accord: the ID of an AMI, in a parameter that may exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Put {
    /// The Region.
    pub region: String,
    /// 12 digits.
    pub account: String,
    /// The parameter.
    pub name: String,
    /// The AMI.
    pub value: String,
    /// `text` or `aws:ec2:image`.
    pub data_type: String,
}

/// Why a parameter couldn't be put now, if it couldn't.
pub fn refusal(world: &World, put: &Put) -> Option<ApiError> {
    let key = super::key(world, &put.account, &put.region, &put.name);
    check_name(&key.name).err().or_else(|| {
        let mut parameter = world.ssm.parameters.get(&key)?.clone();
        let former = parameter.current().cloned();
        kind(Some("String"), former.as_ref()).err().or_else(|| make_room(&key, &mut parameter).err())
    })
}

/// Image Builder's PutParameter, which answers nobody: the journal says why it fails, if it does.
pub(super) fn on_put(world: &mut World, put: &Put) {
    let Put { region, account, name, value, data_type } = put;
    let context = Context {
        caller: Caller::service(account, "imagebuilder.amazonaws.com"),
        region: region.clone(),
        request_id: world.fresh_uuid("request"),
    };
    let input = json!({"Name": name, "Value": value, "Type": "String", "DataType": data_type, "Overwrite": true});
    if let Err(error) = super::call(world, &context, "PutParameter", input) {
        world.record(Kind::Warning, name, Some(region), format!("Image Builder couldn't put it: {error}"));
    }
}

pub(super) fn put_parameter(call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&[
        "Name",
        "Description",
        "Value",
        "Type",
        "KeyId",
        "Overwrite",
        "AllowedPattern",
        "Tags",
        "Tier",
        "DataType",
    ])?;
    let name = call.required("Name")?;
    check_name(name)?;
    let value = call.required("Value")?.to_owned();
    let overwrite = call.flag("Overwrite");
    let tags = tags::of_input(call.input)?;
    if overwrite && !tags.is_empty() {
        return Err(invalid(
            "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please \
             remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or \
             RemoveTagsFromResource.",
        ));
    }
    let key = call.key(name);
    let at = call.world.time_of_call();
    let former = call.world.ssm.parameters.get(&key).and_then(|parameter| parameter.readable(at).next_back()).cloned();
    if former.is_some() && !overwrite {
        return Err(ApiError::bad(
            "ParameterAlreadyExists",
            "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
        ));
    }
    let kind = kind(call.text("Type"), former.as_ref())?;
    let data_type = data_type(&call, &kind)?;
    let tier = tier(call.text("Tier"), &value, former.as_ref())?;
    let allowed_pattern = call.text("AllowedPattern").filter(|pattern| !pattern.is_empty()).map(str::to_owned);
    check_allowed_pattern(allowed_pattern.as_deref(), &value)?;
    let description = call.text("Description").map(str::to_owned);
    if description.as_ref().is_some_and(|text| text.chars().count() > 1024) {
        return Err(invalid(
            "1 validation error detected: Value at 'description' failed to satisfy constraint: Member must have length less than or equal to 1024",
        ));
    }
    let key_id = match (kind.as_str(), call.text("KeyId")) {
        ("SecureString", key_id) => Some(key_id.unwrap_or("alias/aws/ssm").to_owned()),
        (_, Some(_)) => return Err(invalid("KeyId is required for SecureString type parameter only.")),
        (_, None) => None,
    };
    let modified_by = call.context.caller.arn();

    let parameter = call.world.ssm.parameters.entry(key.clone()).or_default();
    make_room(&key, parameter)?;
    parameter.handed_out += 1;
    parameter.tags.extend(tags);
    let number = parameter.handed_out;
    let version = Version {
        number,
        value,
        kind,
        data_type,
        tier: tier.clone(),
        // What an update leaves out stays as it was.
        description: description.or_else(|| former.as_ref()?.description.clone()),
        allowed_pattern,
        key_id,
        modified: at,
        since: at,
        modified_by,
        labels: Vec::new(),
    };
    let written = format!("v{number} = {}", if version.kind == "SecureString" { "(secure)" } else { &version.value });
    let Key { region, account, name } = key.clone();
    if version.data_type == "aws:ec2:image" {
        let drawn = ["ssm validation", &region, &account, &name, &number.to_string()];
        let due = at + call.world.span_millis(&drawn, 1_000, 5_000);
        if let Some(parameter) = call.world.ssm.parameters.get_mut(&key) {
            parameter.pending.push((due, version));
        }
        let invocation = call.context.caller.invocation.clone();
        let event = Event::Validate { region, account, name, version: number, invocation };
        call.world.post(due, world::Event::Ssm(event));
    } else {
        let operation = if former.is_some() { "Update" } else { "Create" };
        emit_change(call.world, &key, &version, operation);
        if let Some(parameter) = call.world.ssm.parameters.get_mut(&key) {
            parameter.insert(version);
        }
    }
    let invocation = call.context.caller.invocation.as_deref();
    call.world.record_for(invocation, Kind::ParameterWritten, &key.name, Some(&key.region), written);
    Ok(json!({"Version": number, "Tier": tier}))
}

/// The rules of names: <https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html>
fn check_name(name: &str) -> Result<(), ApiError> {
    let lower = name.to_lowercase();
    let bare = lower.trim_start_matches('/');
    if lower.starts_with("/aws") {
        return Err(ApiError::bad("AccessDeniedException", format!("No access to reserved parameter name: {name}.")));
    }
    let symbols = |c: char| c.is_ascii_alphanumeric() || "_.-/".contains(c);
    let is_path = name.contains('/');
    if bare.starts_with("aws") || bare.starts_with("ssm") || !name.chars().all(symbols) {
        return Err(invalid(if is_path {
            "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, it can consist of \
             sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the \
             following 3 symbols .-_"
        } else {
            "Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive). It can be formed as a mix \
             of letters, numbers and the following 3 symbols .-_"
        }));
    }
    if is_path && (!name.starts_with('/') || name.ends_with('/') || name.contains("//")) {
        return Err(invalid("Parameter name must be a fully qualified name."));
    }
    if name.matches('/').count() > 15 {
        return Err(ApiError::bad(
            "HierarchyLevelLimitExceededException",
            "Parameter name hierarchies can have a maximum of 15 levels. Please use a parameter name with fewer levels.",
        ));
    }
    if name.len() > 1011 {
        return Err(invalid("Parameter name can't be longer than 1011 characters."));
    }
    Ok(())
}

fn kind(asked: Option<&str>, former: Option<&Version>) -> Result<String, ApiError> {
    match (asked, former) {
        (None, Some(former)) => Ok(former.kind.clone()),
        (None, None) => Err(invalid("A parameter type is required when you create a parameter.")),
        (Some(kind), Some(former)) if kind != former.kind => Err(ApiError::bad(
            "HierarchyTypeMismatchException",
            format!(
                "The parameter type can't be changed from {} to {kind}. Create a parameter with a new, unique name.",
                former.kind
            ),
        )),
        (Some(kind @ ("String" | "StringList" | "SecureString")), _) => Ok(kind.to_owned()),
        (Some(kind), _) => Err(invalid(format!(
            "1 validation error detected: Value '{kind}' at 'type' failed to satisfy constraint: Member must satisfy \
             enum value set: [SecureString, StringList, String]"
        ))),
    }
}

fn data_type(call: &Call<'_>, kind: &str) -> Result<String, ApiError> {
    match call.text("DataType") {
        None | Some("text") => Ok("text".to_owned()),
        Some("aws:ec2:image") if kind == "String" => Ok("aws:ec2:image".to_owned()),
        Some("aws:ec2:image") => {
            Err(invalid("The data type aws:ec2:image is supported for parameters of type String only."))
        }
        Some(other) => Err(invalid(format!(
            "The following data type is not supported: {other} (Data type names are all lowercase.)"
        ))),
    }
}

/// The tier that the value gets: standard ones hold 4 KB, advanced ones 8 KB, and there is no way back.
fn tier(asked: Option<&str>, value: &str, former: Option<&Version>) -> Result<String, ApiError> {
    let advanced_before = former.is_some_and(|former| former.tier == "Advanced");
    let (tier, limit) = match asked {
        Some("Standard") if advanced_before => {
            return Err(invalid(
                "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the \
                 advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced \
                 parameter and recreate it as a standard parameter.",
            ));
        }
        Some("Advanced") => ("Advanced", 8192),
        Some("Intelligent-Tiering") if value.len() > 4096 => ("Advanced", 8192),
        Some("Standard" | "Intelligent-Tiering") | None => {
            if advanced_before {
                ("Advanced", 8192)
            } else {
                ("Standard", 4096)
            }
        }
        Some(other) => {
            return Err(invalid(format!(
                "1 validation error detected: Value '{other}' at 'tier' failed to satisfy constraint: Member must \
                 satisfy enum value set: [Advanced, Intelligent-Tiering, Standard]"
            )));
        }
    };
    if value.len() <= limit {
        return Ok(tier.to_owned());
    }
    Err(invalid(if tier == "Standard" {
        "Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger parameter \
         value, upgrade the parameter to use the advanced-parameter tier. For more information, see \
         https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"
    } else {
        "Advanced tier parameters support a maximum parameter value of 8192 characters."
    }))
}

fn check_allowed_pattern(pattern: Option<&str>, value: &str) -> Result<(), ApiError> {
    let Some(pattern) = pattern else { return Ok(()) };
    let expression = fancy_regex::Regex::new(&format!("^(?:{pattern})$")).map_err(|_| {
        ApiError::bad(
            "InvalidAllowedPatternException",
            format!("The allowed pattern {pattern} isn't a valid regular expression."),
        )
    })?;
    if expression.is_match(value).unwrap_or(false) {
        return Ok(());
    }
    Err(ApiError::bad(
        "ParameterPatternMismatchException",
        format!("Parameter value, cannot be validated against allowedPattern: {pattern}"),
    ))
}

/// Drops the oldest version when there are 100, unless a label holds it.
fn make_room(key: &Key, parameter: &mut Parameter) -> Result<(), ApiError> {
    while parameter.versions.len() + parameter.pending.len() >= MOST_VERSIONS {
        let Some(oldest) = parameter.versions.first() else { break };
        if !oldest.labels.is_empty() {
            return Err(ApiError::bad(
                "ParameterMaxVersionLimitExceeded",
                format!(
                    "You attempted to create a new version of {} by calling the PutParameter API with the overwrite \
                     flag. Version {}, the oldest version, can't be deleted because it has a label associated with \
                     it. Move the label to another version of the parameter, and try again.",
                    key.name, oldest.number
                ),
            ));
        }
        parameter.versions.remove(0);
    }
    Ok(())
}

pub(super) fn delete_parameter(mut call: Call<'_>) -> Result<Value, ApiError> {
    let key = call.key(call.required("Name")?);
    if delete(&mut call, &key) { Ok(json!({})) } else { Err(not_found()) }
}

pub(super) fn delete_parameters(mut call: Call<'_>) -> Result<Value, ApiError> {
    let names: Vec<String> = call.texts("Names").into_iter().map(str::to_owned).collect();
    if !(1..=10).contains(&names.len()) {
        return Err(invalid(
            "1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have length between 1 and 10",
        ));
    }
    let (mut deleted, mut unknown) = (Vec::new(), Vec::new());
    for name in names {
        let key = call.key(&name);
        if delete(&mut call, &key) { deleted.push(name) } else { unknown.push(name) }
    }
    Ok(json!({"DeletedParameters": deleted, "InvalidParameters": unknown}))
}

fn delete(call: &mut Call<'_>, key: &Key) -> bool {
    if call.world.ssm.parameters.get(key).is_none_or(|parameter| parameter.versions.is_empty()) {
        return false;
    }
    if let Some(version) = call.world.ssm.parameters.remove(key).and_then(|mut parameter| parameter.versions.pop()) {
        emit_change(call.world, key, &version, "Delete");
    }
    let invocation = call.context.caller.invocation.as_deref();
    call.world.record_for(invocation, Kind::ParameterChanged, &key.name, Some(&key.region), "deleted");
    true
}
