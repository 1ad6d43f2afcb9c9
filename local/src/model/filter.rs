//! The filters of listings, as data: which names an operation takes, and which member of an item each looks at.

use super::bad_value;
use crate::wire::ApiError;
use serde_json::Value;

/// The names are exact and case-sensitive. All but two are the item's member of the same name.
const FILTERS: &[(&str, &[&str])] = &[
    (
        "ListComponents",
        &["description", "name", "platform", "productCodes", "status", "supportedOsVersion", "type", "version"],
    ),
    ("ListContainerRecipes", &["containerType", "name", "parentImage", "platform"]),
    ("ListDistributionConfigurations", &["name"]),
    ("ListImageBuildVersions", &["name", "osVersion", "platform", "type", "version"]),
    ("ListImagePipelineImages", &["name", "version"]),
    (
        "ListImagePipelines",
        &[
            "description",
            "distributionConfigurationArn",
            "imageRecipeArn",
            "infrastructureConfigurationArn",
            "name",
            "status",
        ],
    ),
    ("ListImageRecipes", &["name", "parentImage", "platform"]),
    ("ListImages", &["name", "osVersion", "platform", "type", "version"]),
    ("ListInfrastructureConfigurations", &["name"]),
    ("ListLifecyclePolicies", &["name", "resourceType", "status"]),
    ("ListWorkflows", &["name", "version", "description", "type"]),
];

/// The filters of a request: every one has to fit with one of its values.
#[derive(Default)]
pub(crate) struct Filters<'a>(Vec<(&'a str, Vec<&'a str>)>);

impl<'a> Filters<'a> {
    /// Reads them off a request. Operations whose filters have another form are left to their handlers.
    ///
    /// # Errors
    /// `InvalidParameterValueException` for a filter that the operation doesn't have,
    /// `InvalidParameterCombinationException` for `version` in a listing by name.
    pub(crate) fn of(name: &str, input: &'a Value) -> Result<Self, ApiError> {
        let allowed = FILTERS.iter().find(|(operation, _)| *operation == name).map(|(_, allowed)| *allowed);
        let given = input.get("filters").and_then(Value::as_array);
        let (Some(allowed), Some(given)) = (allowed, given) else { return Ok(Self::default()) };
        let mut filters = Vec::new();
        for (index, filter) in given.iter().enumerate() {
            let filter_name = filter.get("name").and_then(Value::as_str).unwrap_or_default();
            if !allowed.contains(&filter_name) {
                let expected = format!("{name} filters by {}.", allowed.join(", "));
                return Err(bad_value(&format!("filters[{index}].name"), expected));
            }
            if filter_name == "version" && input.get("byName") == Some(&Value::Bool(true)) {
                let message = "A listing by name can't be filtered by version.";
                return Err(super::error("InvalidParameterCombinationException", message));
            }
            let values = filter.get("values").and_then(Value::as_array).into_iter().flatten();
            filters.push((filter_name, values.filter_map(Value::as_str).collect()));
        }
        Ok(Self(filters))
    }

    /// Whether an item passes.
    pub(crate) fn pass(&self, item: &Value) -> bool {
        let passes = |name: &str, values: &[&str]| {
            texts(item, name).iter().any(|text| values.iter().any(|value| fits(name, value, text)))
        };
        self.0.iter().all(|(name, values)| passes(name, values))
    }
}

/// The texts that a filter looks at.
fn texts<'a>(item: &'a Value, filter: &str) -> Vec<&'a str> {
    let list = |member: &str| item.get(member).and_then(Value::as_array).into_iter().flatten();
    match filter {
        "supportedOsVersion" => list("supportedOsVersions").filter_map(Value::as_str).collect(),
        "productCodes" => list("productCodes").filter_map(|code| code.get("productCodeId")?.as_str()).collect(),
        // A build's version is `1.0.0/1`.
        "version" => {
            let version = item.get("version").and_then(Value::as_str);
            version
                .into_iter()
                .flat_map(|text| [Some(text), text.split_once('/').map(|(version, _)| version)])
                .flatten()
                .collect()
        }
        member => item.get(member).and_then(Value::as_str).into_iter().collect(),
    }
}

/// Wildcards are for names only, and only as `web*` or `*web*`.
fn fits(filter: &str, value: &str, text: &str) -> bool {
    match value.strip_suffix('*').filter(|_| filter == "name") {
        Some(stem) => match stem.strip_prefix('*') {
            Some(inner) => text.contains(inner),
            None => text.starts_with(stem),
        },
        None => value == text,
    }
}

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;
    use serde_json::json;

    fn kept(name: &str, value: &str) -> Vec<String> {
        let items = [
            json!({"name": "web", "version": "1.0.0", "platform": "Linux"}),
            json!({"name": "web-server", "version": "1.0.1/2", "platform": "Windows"}),
            json!({"name": "my web", "version": "1.0.0"}),
        ];
        let input = json!({"filters": [{"name": name, "values": [value]}]});
        let filters = Filters::of("ListImages", &input).unwrap();
        items.iter().filter(|item| filters.pass(item)).map(|it| it["name"].as_str().unwrap().into()).collect()
    }

    #[test]
    fn only_names_have_wildcards() {
        assert_eq!(kept("name", "web"), ["web"]);
        assert_eq!(kept("name", "web*"), ["web", "web-server"]);
        assert_eq!(kept("name", "*web*"), ["web", "web-server", "my web"]);
        assert!(kept("name", "*web").is_empty());
        assert!(kept("platform", "Lin*").is_empty());
        assert_eq!(kept("version", "1.0.1"), ["web-server"]);
    }

    #[test]
    fn what_an_operation_does_not_have_is_refused() {
        let refused = |input: Value| Filters::of("ListImages", &input).err().unwrap().code;
        assert_eq!(refused(json!({"filters": [{"name": "state", "values": ["x"]}]})), "InvalidParameterValueException");
        assert_eq!(
            refused(json!({"byName": true, "filters": [{"name": "version", "values": ["1.0.0"]}]})),
            "InvalidParameterCombinationException"
        );
    }

    #[test]
    fn every_listing_with_plain_filters_is_in_the_table() {
        for (name, operation) in schema::operations() {
            let plain = schema::shape(&operation.input)
                .members
                .get("filters")
                .is_some_and(|member| member.shape == "FilterList");
            assert_eq!(plain, FILTERS.iter().any(|(listed, _)| *listed == name), "{name}");
        }
    }
}
