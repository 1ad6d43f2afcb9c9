//! From CloudFormation's properties to an API's input, by the shapes of the service model: `ParentImage` becomes
//! `parentImage`, the keys of a map stay, and `"true"` becomes `true` where the API wants a boolean.

use crate::model::{self, Kind};
use serde_json::{Map, Value};

/// The input of an Image Builder operation from a resource's properties. `renamed` holds the properties that the
/// API calls otherwise. Fails with the paths of the properties that the operation doesn't have.
pub(super) fn input(operation: &str, properties: &Value, renamed: &[(&str, &str)]) -> Result<Value, Vec<String>> {
    let mut unknown = Vec::new();
    let shape = &model::operation(operation).expect("the operations that make resources are in the model").input;
    let value = convert(shape, properties, renamed, "", &mut unknown);
    if unknown.is_empty() { Ok(value) } else { Err(unknown) }
}

fn convert(shape: &str, value: &Value, renamed: &[(&str, &str)], path: &str, unknown: &mut Vec<String>) -> Value {
    let shape = model::shape(shape);
    match (shape.kind, value) {
        (Kind::Structure, Value::Object(object)) => {
            let mut result = Map::new();
            for (key, value) in object {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let alias =
                    renamed.iter().find(|(property, _)| property == key).map(|(_, member)| (*member).to_owned());
                let name = alias.unwrap_or_else(|| lower_first(key));
                // Templates that AWS takes spell `SNSTopicArn`, too.
                let other_case = || shape.members.keys().find(|member| member.eq_ignore_ascii_case(&name)).cloned();
                let name = if shape.members.contains_key(&name) { name } else { other_case().unwrap_or(name) };
                match shape.members.get(&name).filter(|_| name != "clientToken" && name != "dryRun") {
                    Some(member) => {
                        let value = convert(&member.shape, value, renamed, &path, unknown);
                        if !absent(&member.shape, &value) {
                            result.insert(name, value);
                        }
                    }
                    None => unknown.push(path),
                }
            }
            Value::Object(result)
        }
        (Kind::Map, Value::Object(object)) => {
            let inner = shape.value.as_deref().unwrap_or_default();
            object.iter().map(|(key, value)| (key.clone(), convert(inner, value, renamed, path, unknown))).collect()
        }
        (Kind::List, Value::Array(items)) => {
            let inner = shape.member.as_deref().unwrap_or_default();
            items.iter().map(|item| convert(inner, item, renamed, path, unknown)).collect()
        }
        (Kind::String, Value::Number(_) | Value::Bool(_)) => Value::String(value.to_string()),
        (Kind::Boolean, Value::String(text)) => match text.to_ascii_lowercase().as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => value.clone(),
        },
        (Kind::Integer | Kind::Long, Value::String(text)) => {
            text.parse::<i64>().map_or_else(|_| value.clone(), Value::from)
        }
        (Kind::Double, Value::String(text)) => text.parse::<f64>().map_or_else(|_| value.clone(), Value::from),
        _ => value.clone(),
    }
}

/// CloudFormation doesn't send null, nor an empty list or map that the API would refuse.
fn absent(shape: &str, value: &Value) -> bool {
    let least = model::shape(shape).min.unwrap_or(0);
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty() && least > 0,
        Value::Object(object) => object.is_empty() && least > 0,
        _ => false,
    }
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}
