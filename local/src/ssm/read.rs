//! Reading parameters by name.

use super::store::{Key, Version};
use super::{Call, invalid, key, not_found};
use crate::imagebuilder::catalogue;
use crate::wire::ApiError;
use crate::world::World;
use serde_json::{Value, json};

pub(super) fn get_parameter(call: Call<'_>) -> Result<Value, ApiError> {
    let parameter = find(&call, call.required("Name")?)?;
    Ok(json!({"Parameter": parameter}))
}

pub(super) fn get_parameters(call: Call<'_>) -> Result<Value, ApiError> {
    let names = call.texts("Names");
    if !(1..=10).contains(&names.len()) {
        return Err(invalid(format!(
            "1 validation error detected: Value '[{}]' at 'names' failed to satisfy constraint: Member must have \
             length less than or equal to 10",
            names.join(", ")
        )));
    }
    let (mut found, mut unknown) = (Vec::new(), Vec::new());
    for name in names {
        match find(&call, name) {
            Ok(parameter) => found.push(parameter),
            Err(_) => unknown.push(name),
        }
    }
    Ok(json!({"Parameters": found, "InvalidParameters": unknown}))
}

pub(super) fn get_parameter_history(call: Call<'_>) -> Result<Value, ApiError> {
    let key = call.key(call.required("Name")?);
    let most = call.max_results(50)?;
    let at = call.world.time_of_call();
    let parameter = call.world.ssm.parameters.get(&key).filter(|parameter| parameter.readable(at).next().is_some());
    let parameter = parameter.ok_or_else(not_found)?;
    let after: i64 = match call.text("NextToken") {
        None => 0,
        Some(token) => {
            token.parse().map_err(|_| ApiError::bad("InvalidNextToken", "The specified token isn't valid."))?
        }
    };
    let mut versions = parameter.readable(at).filter(|version| version.number > after).peekable();
    let page: Vec<&Version> = versions.by_ref().take(most).collect();
    let decrypted = call.flag("WithDecryption");
    let mut answer = json!({
        "Parameters": page.iter().map(|version| version.history(&key, decrypted)).collect::<Vec<_>>(),
    });
    if let (Some(last), true) = (page.last(), versions.peek().is_some()) {
        answer["NextToken"] = json!(last.number.to_string());
    }
    Ok(answer)
}

/// A parameter by `name`, `name:version`, `name:label` or its ARN with or without either.
fn find(call: &Call<'_>, text: &str) -> Result<Value, ApiError> {
    let (name, selector) = parts(text);
    let key = call.key(name);
    if key.name.starts_with("/aws/service/") {
        return public(call, &key);
    }
    Ok(version(call.world, &key, selector)?.parameter(&key, selector, call.flag("WithDecryption")))
}

/// The value of a parameter, named as for GetParameter: what `resolve:ssm:` means in EC2.
pub(crate) fn value(world: &World, account: &str, region: &str, text: &str) -> Option<String> {
    let (name, selector) = parts(text);
    let key = key(world, account, region, name);
    if key.name.starts_with("/aws/service/") {
        return catalogue::public_parameter(world, region, &key.name).map(|(value, _)| value);
    }
    version(world, &key, selector).ok().map(|version| version.value.clone())
}

/// A name or ARN, and the version or label behind it.
fn parts(text: &str) -> (&str, Option<&str>) {
    // An ARN has five colons of its own.
    let colons = if text.starts_with("arn:") { 6 } else { 1 };
    match text.match_indices(':').nth(colons - 1) {
        Some((place, _)) => (&text[..place], Some(&text[place + 1..])),
        None => (text, None),
    }
}

/// The version of a parameter that a version number or a label selects, without either the current one.
fn version<'a>(world: &'a World, key: &Key, selector: Option<&str>) -> Result<&'a Version, ApiError> {
    let parameter = world.ssm.parameters.get(key).ok_or_else(not_found)?;
    let at = world.time_of_call();
    let current = parameter.readable(at).next_back().ok_or_else(not_found)?;
    let version = match selector {
        None => Some(current),
        Some(selector) => match selector.parse::<i64>() {
            Ok(number) => parameter.readable(at).find(|version| version.number == number),
            Err(_) => parameter.readable(at).find(|version| version.labels.iter().any(|label| label == selector)),
        },
    };
    version.ok_or_else(|| {
        let selector = selector.unwrap_or_default();
        ApiError::bad(
            "ParameterVersionNotFound",
            format!(
                "Systems Manager could not find version {selector} of {}. Verify the version and try again.",
                key.name
            ),
        )
    })
}

/// A parameter that AWS publishes.
fn public(call: &Call<'_>, key: &Key) -> Result<Value, ApiError> {
    let (value, version) = catalogue::public_parameter(call.world, &key.region, &key.name).ok_or_else(not_found)?;
    Ok(json!({
        "Name": key.name,
        "Type": "String",
        "DataType": if value.starts_with("ami-") { "aws:ec2:image" } else { "text" },
        "Value": value,
        "Version": version,
        "ARN": format!("arn:aws:ssm:{}::parameter{}", key.region, key.name),
    }))
}
