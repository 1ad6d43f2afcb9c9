//! The parameters that a recipe gives a component.

use super::super::lookup::text;
use super::super::store::Resource;
use crate::model::{bad_value, error};
use crate::wire::ApiError;
use serde_json::Value;
use std::collections::BTreeSet;

fn items<'a>(holder: &'a Value, member: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    holder.get(member).and_then(Value::as_array).into_iter().flatten()
}

/// The parameters that a component's document defines. None for one whose document isn't known, such as Amazon's.
fn defined(component: &Resource) -> Option<Vec<&Value>> {
    let known = component.document.contains_key("data") || component.document.contains_key("parameters");
    known.then(|| component.document.get("parameters").and_then(Value::as_array).into_iter().flatten().collect())
}

/// Checks what a recipe gives a component: `configuration` has `parameters`, its place is `path`.
///
/// What the component doesn't define is refused in the words that the service was seen to use. What lacks isn't:
/// the service lets the build fail ([`lacking`]).
pub(super) fn check(component: &Resource, configuration: &Value, path: &str) -> Result<(), ApiError> {
    let path = format!("{path}.parameters");
    let mut names = BTreeSet::new();
    if let Some(twice) = items(configuration, "parameters").map(|it| text(it, "name")).find(|name| !names.insert(*name))
    {
        return Err(bad_value(&path, format!("The parameter {twice} occurs more than once.")));
    }
    let Some(defined) = defined(component) else { return Ok(()) };
    let unknown: Vec<_> =
        names.iter().filter(|name| !defined.iter().any(|it| text(it, "name") == **name)).copied().collect();
    if !unknown.is_empty() {
        let list = unknown.join(", ");
        let details = format!("The following parameters are not defined in the provided component: {list}");
        let message = bad_value(&path, details).message;
        return Err(error("InvalidParameterCombinationException", message));
    }
    for (index, given) in items(configuration, "parameters").enumerate() {
        let kind = defined.iter().find(|it| text(it, "name") == text(given, "name")).map(|it| text(it, "type"));
        let values: Vec<_> = items(given, "value").filter_map(Value::as_str).collect();
        if let Some(details) = kind.and_then(|kind| fault(kind, &values)) {
            return Err(bad_value(&format!("{path}[{index}].value"), details));
        }
    }
    Ok(())
}

/// What is wrong with the values of a parameter of a type.
fn fault(kind: &str, values: &[&str]) -> Option<&'static str> {
    match (kind, values) {
        ("StringList", _) => None,
        ("Integer", [value]) => value.parse::<i64>().is_err().then_some("Expected a whole number."),
        ("Boolean", [value]) => (!matches!(*value, "true" | "false")).then_some("Expected true or false."),
        (_, [_]) => None,
        _ => Some("Expected one value."),
    }
}

/// The parameters without default that a recipe's entry for a component doesn't give.
pub(in super::super) fn lacking<'a>(component: &'a Resource, configuration: &Value) -> Vec<&'a str> {
    let given: BTreeSet<_> = items(configuration, "parameters").map(|it| text(it, "name")).collect();
    let needed = defined(component).into_iter().flatten().filter(|it| it.get("defaultValue").is_none());
    needed.map(|it| text(it, "name")).filter(|name| !given.contains(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::fixtures::*;
    use super::*;
    use serde_json::json;

    fn component(parameters: Value) -> Resource {
        let mut world = world();
        put_component(&mut world, "agent", "1.0.0", 1, Some("schemaVersion: 1.0"));
        let component = world.imagebuilder.get_mut(&arn("component/agent/1.0.0/1")).unwrap();
        component.document.insert("parameters", parameters);
        component.clone()
    }

    #[test]
    fn values_have_the_types_that_the_component_says() {
        let component = component(json!([
            {"name": "level", "type": "String", "defaultValue": ["low"]}, {"name": "count", "type": "Integer"},
            {"name": "on", "type": "Boolean"}, {"name": "all", "type": "StringList"},
        ]));
        let given = |name: &str, values: Value| json!({"parameters": [{"name": name, "value": values}]});
        for (name, values, code) in [
            ("level", json!(["high"]), None),
            ("count", json!(["-3"]), None),
            ("on", json!(["true"]), None),
            ("all", json!([]), None),
            ("level", json!(["a", "b"]), Some("InvalidParameterValueException")),
            ("level", json!([]), Some("InvalidParameterValueException")),
            ("count", json!(["three"]), Some("InvalidParameterValueException")),
            ("on", json!(["yes"]), Some("InvalidParameterValueException")),
            ("S3BucketName", json!(["b"]), Some("InvalidParameterCombinationException")),
        ] {
            let outcome = check(&component, &given(name, values.clone()), "components[0]");
            assert_eq!(outcome.err().map(|error| error.code).as_deref(), code, "{name} {values}");
        }
        let error = check(&component, &given("S3BucketName", json!(["b"])), "components[0]").unwrap_err();
        assert_eq!(
            error.message,
            "The value supplied for parameter 'components[0].parameters' is not valid. The following parameters are \
             not defined in the provided component: S3BucketName"
        );
        assert_eq!(lacking(&component, &given("on", json!(["true"]))), ["count", "all"]);
    }

    #[test]
    fn of_a_document_that_is_not_known_nothing_is_refused() {
        let mut component = component(json!([]));
        component.document.remove("parameters");
        component.document.remove("data");
        let given = json!({"parameters": [{"name": "any", "value": ["x"]}]});
        assert!(check(&component, &given, "components[0]").is_ok());
        assert_eq!(lacking(&component, &given), [""; 0]);
    }
}
