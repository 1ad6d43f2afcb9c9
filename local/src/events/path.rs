//! The part of JSONPath that EventBridge takes: dot notation, array indices, wildcards.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A path into an event, such as `$.detail.state.status` or `$.resources[0]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Path(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Step {
    Field(String),
    Index(usize),
    All,
}

impl Path {
    /// Reads a path; `None` if it isn't one that EventBridge takes.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut rest = text.strip_prefix('$')?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let step;
            if let Some(inside) = rest.strip_prefix('[') {
                let (index, behind) = inside.split_once(']')?;
                step = if index == "*" { Step::All } else { Step::Index(index.parse().ok()?) };
                rest = behind;
            } else {
                let field = rest.strip_prefix('.')?;
                let (name, behind) = field.split_at(field.find(['.', '[']).unwrap_or(field.len()));
                let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'/');
                step = match name {
                    "*" => Step::All,
                    _ if !name.is_empty() && name.bytes().all(fits) => Step::Field(name.to_owned()),
                    _ => return None,
                };
                rest = behind;
            }
            steps.push(step);
        }
        Some(Self(steps))
    }

    /// What the path finds: a list if it has a wildcard.
    pub(super) fn find(&self, event: &Value) -> Option<Value> {
        let mut found = vec![event];
        for step in &self.0 {
            found = match step {
                Step::Field(name) => found.into_iter().filter_map(|value| value.get(name)).collect(),
                Step::Index(index) => found.into_iter().filter_map(|value| value.get(index)).collect(),
                Step::All => found.into_iter().flat_map(children).collect(),
            };
        }
        match &found[..] {
            [] => None,
            _ if self.0.contains(&Step::All) => Some(found.into_iter().cloned().collect()),
            [value, ..] => Some((*value).clone()),
        }
    }
}

fn children(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(elements) => elements.iter().collect(),
        Value::Object(fields) => fields.values().collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_find_what_they_name() {
        let event = json!({"resources": ["a", "b"], "detail": {"key-1": {"x": 1}, "list": [{"n": 1}, {"n": 2}]}});
        let table = [
            ("$", Some(event.clone())),
            ("$.resources", Some(json!(["a", "b"]))),
            ("$.resources[1]", Some(json!("b"))),
            ("$.resources[2]", None),
            ("$.detail.key-1.x", Some(json!(1))),
            ("$.detail.list[*].n", Some(json!([1, 2]))),
            ("$.detail.key-1.*", Some(json!([1]))),
            ("$.detail.nothing", None),
        ];
        for (path, found) in table {
            assert_eq!(Path::parse(path).unwrap().find(&event), found, "{path}");
        }
        for bad in ["", "detail", "$detail", "$.", "$..x", "$.a[", "$.a[x]", "$.a b", "$['detail']", "$.a[?(@.b)]"] {
            assert_eq!(Path::parse(bad), None, "{bad}");
        }
    }
}
