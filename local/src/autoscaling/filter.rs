//! Filters of DescribeAutoScalingGroups: `tag-key`, `tag-value` and `tag:NAME`, each with the values of which one has to fit.

use super::{Call, invalid};
use crate::wire::ApiError;
use serde_json::Value;

/// One filter.
pub(super) struct Filter<'a> {
    name: &'a str,
    values: Vec<&'a str>,
}

/// The filters of a call.
pub(super) fn filters<'a>(call: &Call<'a>) -> Result<Vec<Filter<'a>>, ApiError> {
    let given = call.input.get("Filters").and_then(Value::as_array).into_iter().flatten();
    given
        .map(|filter| {
            let name = filter.get("Name").and_then(Value::as_str).unwrap_or_default();
            if !(["tag-key", "tag-value"].contains(&name) || name.starts_with("tag:")) {
                return Err(invalid(format!("The filter {name} is invalid: expected tag-key, tag-value or tag:NAME.")));
            }
            let values = filter.get("Values").and_then(Value::as_array).into_iter().flatten();
            Ok(Filter { name, values: values.filter_map(Value::as_str).collect() })
        })
        .collect()
}

impl Filter<'_> {
    /// Whether a group passes.
    pub(super) fn takes(&self, group: &Value) -> bool {
        let tags = group.get("Tags").and_then(Value::as_array).into_iter().flatten();
        let mut held = tags.filter_map(|tag| {
            let text = |member: &str| tag.get(member).and_then(Value::as_str);
            match self.name.strip_prefix("tag:") {
                Some(key) => text("Value").filter(|_| text("Key") == Some(key)),
                None if self.name == "tag-key" => text("Key"),
                None => text("Value"),
            }
        });
        held.any(|text| self.values.contains(&text))
    }
}
