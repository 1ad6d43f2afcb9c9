//! What the model says of a value: checked on the way in, and on the way out.
//!
//! Which code the service gives for which check isn't documented. Here: what has the wrong form (a required
//! member is missing, a type is wrong) is `InvalidRequestException`; a value out of its bounds is
//! `InvalidParameterValueException`. Two imports, which don't have the former, answer `ClientException`. The tag
//! operations, whose only code for either is `InvalidParameterException`, answer that.

use super::schema::{Kind, Operation, Shape, operation, shape};
use crate::wire::ApiError;
use serde_json::Value;

/// Checks an operation's input: required members, types, patterns, enums, lengths and ranges. Members that
/// the model doesn't know are passed over, and null counts as absent.
///
/// # Errors
/// The first fault found, with the member's path and what was expected.
pub fn validate(name: &str, input: &Value) -> Result<(), ApiError> {
    let Some(operation) = operation(name) else {
        return Err(super::error("ResourceNotFoundException", format!("There is no operation {name:?}.")));
    };
    check(&operation.input, input, "", Way::In).map_err(|fault| fault.into_error(operation))
}

/// Holds an operation's answer to its output's shape: what is required is there, everything is of its type, in
/// its bounds and known. `requestId` is added later.
///
/// # Errors
/// The first fault found: the member's path and what was expected.
pub(crate) fn conforms(name: &str, answer: &Value) -> Result<(), String> {
    let Some(operation) = operation(name) else { return Err(format!("there is no operation {name:?}")) };
    check(&operation.output, answer, "", Way::Out).map_err(|fault| format!("'{}': {}", fault.path, fault.expected))
}

/// Which way a value goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// From a client: what the model doesn't know is passed over.
    In,
    /// To a client: what the model doesn't know is a fault, and an empty list or map is none, for the service
    /// answers those whatever the shape's least length.
    Out,
}

struct Fault {
    path: String,
    expected: String,
    form: bool,
}

impl Fault {
    fn into_error(self, operation: &Operation) -> ApiError {
        let Self { path, expected, form } = self;
        let own = "InvalidParameterException";
        let models = |wanted: &str| operation.errors.iter().any(|code| code == wanted);
        let code = match form {
            _ if models(own) => own,
            true if models("InvalidRequestException") => "InvalidRequestException",
            true => "ClientException",
            false => "InvalidParameterValueException",
        };
        super::error(code, format!("The value supplied for parameter '{path}' is not valid. {expected}"))
    }
}

fn check(name: &str, value: &Value, path: &str, way: Way) -> Result<(), Fault> {
    let described = shape(name);
    let fault = |form, expected: String| Fault { path: path.to_owned(), expected, form };
    let form = |expected: &str| fault(true, format!("Expected {expected}."));
    match described.kind {
        Kind::Structure => {
            let object = value.as_object().ok_or_else(|| form("an object"))?;
            let present = |member: &str| object.get(member).filter(|value| !value.is_null());
            if let Some(missing) = described.required.iter().find(|member| present(member).is_none()) {
                let path = below(path, missing);
                return Err(Fault { path, expected: "It is required.".to_owned(), form: true });
            }
            let known = |member: &String| described.members.contains_key(member);
            if let (Way::Out, Some((unknown, _))) =
                (way, object.iter().find(|(member, value)| !value.is_null() && !known(member)))
            {
                let path = below(path, unknown);
                return Err(Fault { path, expected: format!("{name} has no such member."), form: true });
            }
            for (member, about) in &described.members {
                if let Some(value) = present(member) {
                    check(&about.shape, value, &below(path, member), way)?;
                }
            }
        }
        Kind::Map => {
            let object = value.as_object().ok_or_else(|| form("a map"))?;
            if way == Way::In || !object.is_empty() {
                bounded(described, object.len() as f64, "entries").map_err(|expected| fault(false, expected))?;
            }
            for (key, value) in object {
                let path = below(path, key);
                if let Some(about) = &described.key {
                    check(about, &Value::String(key.clone()), &path, way)?;
                }
                if let Some(about) = &described.value {
                    check(about, value, &path, way)?;
                }
            }
        }
        Kind::List => {
            let items = value.as_array().ok_or_else(|| form("a list"))?;
            if way == Way::In || !items.is_empty() {
                bounded(described, items.len() as f64, "items").map_err(|expected| fault(false, expected))?;
            }
            if let Some(about) = &described.member {
                items
                    .iter()
                    .enumerate()
                    .try_for_each(|(index, item)| check(about, item, &format!("{path}[{index}]"), way))?;
            }
        }
        Kind::String => {
            let text = value.as_str().ok_or_else(|| form("a string"))?;
            if !described.values.is_empty() && !described.values.iter().any(|value| value == text) {
                return Err(fault(false, format!("Expected one of {}.", described.values.join(", "))));
            }
            let length = text.chars().count();
            bounded(described, length as f64, "characters").map_err(|expected| fault(false, expected))?;
            if !described.matches(text) {
                let pattern = described.pattern.as_deref().unwrap_or_default();
                return Err(fault(false, format!("Expected a value that matches {pattern}")));
            }
        }
        Kind::Boolean => {
            value.as_bool().ok_or_else(|| form("true or false"))?;
        }
        Kind::Integer | Kind::Long => {
            let number = value.as_i64().ok_or_else(|| form("a whole number"))?;
            bounded(described, number as f64, "").map_err(|expected| fault(false, expected))?;
        }
        Kind::Double | Kind::Timestamp => {
            let number = value.as_f64().ok_or_else(|| form("a number"))?;
            bounded(described, number, "").map_err(|expected| fault(false, expected))?;
        }
    }
    Ok(())
}

fn bounded(described: &Shape, measure: f64, unit: &str) -> Result<(), String> {
    let short = described.min.is_some_and(|min| measure < min as f64);
    let long = described.max.is_some_and(|max| measure > max as f64);
    if !short && !long {
        return Ok(());
    }
    let bounds = match (described.min, described.max) {
        (Some(min), Some(max)) => format!("{min} to {max}"),
        (Some(min), None) => format!("at least {min}"),
        (None, max) => format!("at most {}", max.unwrap_or_default()),
    };
    Err(format!("Expected {bounds} {unit}").trim_end().to_owned() + ".")
}

fn below(path: &str, member: &str) -> String {
    if path.is_empty() { member.to_owned() } else { format!("{path}.{member}") }
}

/// An operation's input without nulls and without what its model doesn't know.
pub(crate) fn accepted(operation: &Operation, mut input: Value) -> Value {
    reduce(&operation.input, &mut input);
    input
}

/// Takes out of a value what a shape doesn't know, and nulls.
pub(crate) fn reduce(name: &str, value: &mut Value) {
    let described = shape(name);
    match (described.kind, value) {
        (Kind::Structure, Value::Object(object)) => object.retain(|member, value| {
            let known = described.members.get(member).filter(|_| !value.is_null());
            known.inspect(|about| reduce(&about.shape, value)).is_some()
        }),
        (Kind::Map, Value::Object(object)) => object.retain(|_, value| !value.is_null()),
        (Kind::List, Value::Array(items)) => {
            let item = described.member.as_deref().expect("a test finds an item in every list");
            items.retain(|item| !item.is_null());
            items.iter_mut().for_each(|value| reduce(item, value));
        }
        _ => {}
    }
}

/// The part of a value that a shape knows: unknown members and nulls are left out.
pub(crate) fn projected(name: &str, value: &Value) -> Value {
    let mut value = value.clone();
    reduce(name, &mut value);
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refusal(operation: &str, input: Value) -> String {
        match validate(operation, &input) {
            Ok(()) => "accepted".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    fn pipeline(with: Value) -> Value {
        let mut input = json!({
            "name": "web",
            "infrastructureConfigurationArn": "arn:aws:imagebuilder:us-east-1:123456789012:infrastructure-configuration/web",
            "clientToken": "t",
        });
        let object = input.as_object_mut().unwrap();
        object.extend(with.as_object().unwrap().clone());
        input
    }

    #[test]
    fn every_kind_of_check_names_the_member_and_what_was_expected() {
        let prefix = "The value supplied for parameter";
        let value = "InvalidParameterValueException";
        for (with, expected) in [
            (json!({}), "accepted".to_owned()),
            (json!({"unknown": 1, "description": null}), "accepted".to_owned()),
            (json!({"name": null}), format!("InvalidRequestException: {prefix} 'name' is not valid. It is required.")),
            (json!({"name": 1}), format!("InvalidRequestException: {prefix} 'name' is not valid. Expected a string.")),
            (
                json!({"status": "ON"}),
                format!("{value}: {prefix} 'status' is not valid. Expected one of DISABLED, ENABLED."),
            ),
            (
                json!({"imageTestsConfiguration": {"timeoutMinutes": 59}}),
                format!(
                    "{value}: {prefix} 'imageTestsConfiguration.timeoutMinutes' is not valid. Expected 60 to 1440."
                ),
            ),
            (
                json!({"imageTestsConfiguration": {"timeoutMinutes": 60.5}}),
                format!(
                    "InvalidRequestException: {prefix} 'imageTestsConfiguration.timeoutMinutes' is not valid. Expected a whole number."
                ),
            ),
            (
                json!({"tags": {"aws:x": "1"}}),
                format!(
                    "{value}: {prefix} 'tags.aws:x' is not valid. Expected a value that matches ^(?!aws:)[a-zA-Z0-9\\s_.:/=+\\-@]*$"
                ),
            ),
            (json!({"tags": {}}), format!("{value}: {prefix} 'tags' is not valid. Expected 1 to 50 entries.")),
            (
                json!({"workflows": [{"parallelGroup": "g"}]}),
                format!("InvalidRequestException: {prefix} 'workflows[0].workflowArn' is not valid. It is required."),
            ),
            (
                json!({"description": ""}),
                format!("{value}: {prefix} 'description' is not valid. Expected 1 to 1024 characters."),
            ),
            (
                json!({"schedule": {"timezone": "Europe/Berlin\n"}}),
                format!(
                    "{value}: {prefix} 'schedule.timezone' is not valid. Expected a value that matches [a-zA-Z0-9]{{2,}}(?:\\/[a-zA-Z0-9-_+]+)*"
                ),
            ),
        ] {
            assert_eq!(refusal("CreateImagePipeline", pipeline(with.clone())), expected, "{with}");
        }
    }

    #[test]
    fn tag_operations_answer_the_only_code_that_they_model() {
        assert!(refusal("TagResource", json!({})).starts_with("InvalidParameterException: "));
        assert!(refusal("ListTagsForResource", json!({"resourceArn": "x"})).starts_with("InvalidParameterException: "));
    }

    #[test]
    fn a_projection_keeps_what_the_shape_knows() {
        let value =
            json!({"name": "a", "secret": 1, "filters": [{"name": "n", "values": ["v"], "x": 1}], "byName": null});
        let operation = operation("ListImages").unwrap();
        assert_eq!(accepted(operation, value), json!({"filters": [{"name": "n", "values": ["v"]}]}));
    }

    #[test]
    fn an_answer_outside_of_the_model_is_a_fault_of_ours() {
        for (name, answer, expected) in [
            ("ListImages", json!({"imageVersionList": []}), Ok(())),
            ("GetImage", json!({"image": {"tags": {}, "name": null}}), Ok(())),
            ("ListImages", json!({"imageVersionList": [{"state": "x"}]}), Err("'imageVersionList[0].state'")),
            ("GetImage", json!({"image": {"platform": "BeOS"}}), Err("'image.platform'")),
            ("GetImage", json!({"image": {"deprecationTime": "2026-01-01"}}), Err("'image.deprecationTime'")),
        ] {
            match (conforms(name, &answer), expected) {
                (Ok(()), Ok(())) => {}
                (Err(fault), Err(path)) if fault.starts_with(path) => {}
                (found, _) => panic!("{answer}: {found:?}"),
            }
        }
    }
}
