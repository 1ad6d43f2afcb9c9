//! The filters of list operations.

use crate::wire::ApiError;
use serde_json::Value;

/// Keeps the items that pass every filter of the input; a filter is passed by any of its values.
/// Values are matched exactly, in `name` also `web*` and `*web*`.
///
/// # Errors
/// `InvalidParameterValueException` for a filter that the operation lacks.
pub(crate) fn keep(items: Vec<Value>, input: &Value, allowed: &[&str]) -> Result<Vec<Value>, ApiError> {
    let filters = input["filters"].as_array().map(Vec::as_slice).unwrap_or_default();
    for filter in filters {
        let name = filter["name"].as_str().unwrap_or_default();
        if !allowed.contains(&name) {
            return Err(ApiError::bad(
                "InvalidParameterValueException",
                format!("The value supplied for parameter 'filters' is not valid. '{name}' is not a supported filter."),
            ));
        }
    }
    let passes = |item: &Value| {
        filters.iter().all(|filter| {
            let name = filter["name"].as_str().unwrap_or_default();
            let actual = item[name].as_str().unwrap_or_default();
            let mut values = filter["values"].as_array().into_iter().flatten().filter_map(Value::as_str);
            values.any(|wanted| matches(name, wanted, actual))
        })
    };
    Ok(items.into_iter().filter(passes).collect())
}

fn matches(name: &str, wanted: &str, actual: &str) -> bool {
    match name {
        "name" => match (wanted.strip_prefix('*'), wanted.strip_suffix('*')) {
            (Some(rest), Some(_)) => actual.contains(rest.trim_end_matches('*')),
            (None, Some(start)) => actual.starts_with(start),
            _ => actual == wanted,
        },
        // A build's version holds its number: `1.0.0/3`.
        "version" => actual == wanted || actual.split('/').next() == Some(wanted),
        _ => actual == wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn filters_are_anded_their_values_ored_and_names_may_have_wildcards() {
        let items = vec![
            json!({"name": "web base", "version": "1.0.0/1", "platform": "Linux"}),
            json!({"name": "web", "version": "1.1.0/1", "platform": "Windows"}),
            json!({"name": "the web", "version": "1.0.0/2", "platform": "Linux"}),
        ];
        let names = |filters: Value| {
            let kept = keep(items.clone(), &json!({"filters": filters}), &["name", "version", "platform"]).unwrap();
            kept.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names(json!([{"name": "name", "values": ["web*"]}])), ["web base", "web"]);
        assert_eq!(names(json!([{"name": "name", "values": ["*web*"]}])), ["web base", "web", "the web"]);
        assert_eq!(names(json!([{"name": "version", "values": ["1.0.0"]}])), ["web base", "the web"]);
        assert_eq!(
            names(json!([{"name": "version", "values": ["1.0.0"]}, {"name": "name", "values": ["web", "the web"]}])),
            ["the web"]
        );
        let error = keep(items.clone(), &json!({"filters": [{"name": "state", "values": ["x"]}]}), &["name"]);
        assert_eq!(error.unwrap_err().code, "InvalidParameterValueException");
    }
}
