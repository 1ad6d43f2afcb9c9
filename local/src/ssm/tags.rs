//! Tags of parameters.

use super::store::Parameter;
use super::{Call, invalid};
use crate::wire::ApiError;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How many tags a resource can have.
const MOST_TAGS: usize = 50;

pub(super) fn add_tags_to_resource(call: Call<'_>) -> Result<Value, ApiError> {
    let tags = of_input(call.input)?;
    let parameter = tagged(call)?;
    let new = tags.keys().filter(|name| !parameter.tags.contains_key(*name)).count();
    if parameter.tags.len() + new > MOST_TAGS {
        return Err(too_many());
    }
    parameter.tags.extend(tags);
    Ok(json!({}))
}

pub(super) fn remove_tags_from_resource(call: Call<'_>) -> Result<Value, ApiError> {
    let names: Vec<String> = call.texts("TagKeys").into_iter().map(str::to_owned).collect();
    let parameter = tagged(call)?;
    parameter.tags.retain(|name, _| !names.contains(name));
    Ok(json!({}))
}

pub(super) fn list_tags_for_resource(call: Call<'_>) -> Result<Value, ApiError> {
    let tags = &tagged(call)?.tags;
    let list: Vec<_> = tags.iter().map(|(name, value)| json!({"Key": name, "Value": value})).collect();
    Ok(json!({"TagList": list}))
}

/// `Tags` of an input.
pub(super) fn of_input(input: &Value) -> Result<BTreeMap<String, String>, ApiError> {
    let given = input.get("Tags").and_then(Value::as_array).into_iter().flatten();
    let tags: BTreeMap<String, String> = given
        .map(|tag| match (tag.get("Key").and_then(Value::as_str), tag.get("Value").and_then(Value::as_str)) {
            (Some(key), Some(value)) if (1..=128).contains(&key.chars().count()) && value.chars().count() <= 256 => {
                Ok((key.to_owned(), value.to_owned()))
            }
            _ => Err(invalid("A tag needs a Key of 1 to 128 characters and a Value of at most 256.")),
        })
        .collect::<Result<_, _>>()?;
    if tags.len() > MOST_TAGS { Err(too_many()) } else { Ok(tags) }
}

fn too_many() -> ApiError {
    ApiError::bad("TooManyTagsError", "The Targets parameter includes too many tags.")
}

fn tagged<'a>(call: Call<'a>) -> Result<&'a mut Parameter, ApiError> {
    let (kind, id) = (call.required("ResourceType")?, call.required("ResourceId")?);
    if kind != "Parameter" {
        return Err(ApiError::bad(
            "InvalidResourceType",
            format!("{kind} is not a resource type that the local Parameter Store supports"),
        ));
    }
    let key = call.key(id);
    let missing = ApiError::bad(
        "InvalidResourceId",
        format!("The resource ID {id:?} is not valid. Verify the ID and try again."),
    );
    call.world.ssm.parameters.get_mut(&key).filter(|parameter| !parameter.versions.is_empty()).ok_or(missing)
}
