//! Filters of Describe operations: `Filter.1.Name=…&Filter.1.Value.1=…`, values with `*` and `?`.

use super::{Call, invalid_value};
use crate::ec2::Tags;
use crate::pattern::wildcard;
use crate::wire::ApiError;
use serde_json::Value;

/// One filter: a field and the values of which one has to fit.
pub(super) struct Filter<'a> {
    name: &'a str,
    values: Vec<&'a str>,
}

/// The filters of a call, of which the operation takes these names, and `tag:…` if `tag:` is among them.
pub(super) fn filters<'a>(call: &Call<'a>, names: &[&str]) -> Result<Vec<Filter<'a>>, ApiError> {
    let parse = |filter: &'a Value| {
        let name = filter.get("Name").and_then(Value::as_str).unwrap_or_default();
        let known = if name.starts_with("tag:") { "tag:" } else { name };
        if !names.contains(&known) {
            return Err(invalid_value(format!("The filter '{name}' is invalid")));
        }
        let values = filter.get("Value").and_then(Value::as_array).into_iter().flatten();
        Ok(Filter { name, values: values.filter_map(Value::as_str).collect() })
    };
    call.items("Filter").iter().map(parse).collect()
}

impl Filter<'_> {
    /// Whether a thing passes: `field` tells what it holds under a name, `tags` are its tags.
    pub(super) fn takes(&self, tags: &Tags, field: impl Fn(&str) -> Vec<String>) -> bool {
        let held = match self.name.strip_prefix("tag:") {
            Some(key) => tags.get(key).cloned().into_iter().collect(),
            None if self.name == "tag-key" => tags.keys().cloned().collect(),
            None => field(self.name),
        };
        self.values.iter().any(|pattern| held.iter().any(|text| wildcard(pattern, text, Some('?'))))
    }
}
