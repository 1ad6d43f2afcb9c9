//! What steps refer to, and whether a step's condition holds.

use serde_json::{Map, Value, json};

/// What references in a workflow's document stand for: `$.imagebuilder.…`, `$.parameters.…` and
/// `$.stepOutputs.STEP.…`.
#[derive(Debug, Clone)]
pub(super) struct Scope(Value);

impl Scope {
    /// Before the first step.
    pub(super) fn new(imagebuilder: Map<String, Value>, parameters: Map<String, Value>) -> Self {
        Self(json!({"imagebuilder": imagebuilder, "parameters": parameters, "stepOutputs": {}}))
    }

    /// What a step has put out, for those after it.
    pub(super) fn put_out(&mut self, step: &str, outputs: &Map<String, Value>) {
        self.0["stepOutputs"][step] = Value::Object(outputs.clone());
    }

    fn find(&self, reference: &str) -> Option<&Value> {
        reference.strip_prefix("$.")?.split('.').try_fold(&self.0, |value, part| value.get(part))
    }

    /// Inputs with what their references stand for: `"instanceId.$": "$.stepOutputs.Launch.instanceId"` becomes
    /// `"instanceId"`; one that refers to nothing is left out.
    pub(super) fn resolve(&self, inputs: &Map<String, Value>) -> Map<String, Value> {
        let member = |(name, value): (&String, &Value)| match (name.strip_suffix(".$"), value) {
            (Some(name), Value::String(reference)) => Some((name.to_owned(), self.find(reference)?.clone())),
            _ => Some((name.clone(), self.resolve_in(value))),
        };
        inputs.iter().filter_map(member).collect()
    }

    fn resolve_in(&self, value: &Value) -> Value {
        match value {
            Value::Object(members) => Value::Object(self.resolve(members)),
            Value::Array(items) => items.iter().map(|item| self.resolve_in(item)).collect(),
            other => other.clone(),
        }
    }

    /// Whether a condition holds. One that compares what isn't there doesn't.
    pub(super) fn holds(&self, condition: &Value) -> bool {
        let Some(members) = condition.as_object() else { return false };
        let all = |list: &Value| list.as_array().is_some_and(|list| list.iter().all(|each| self.holds(each)));
        let any = |list: &Value| match list {
            Value::Array(list) => list.iter().any(|each| self.holds(each)),
            one => self.holds(one),
        };
        let value = match members.get("value") {
            Some(Value::String(text)) if text.starts_with("$.") => self.find(text),
            other => other,
        };
        members.iter().filter(|(operator, _)| *operator != "value").all(|(operator, operand)| match operator.as_str() {
            "and" => all(operand),
            "or" => any(operand),
            "not" => !any(operand),
            _ => value.is_some_and(|value| compare(operator, value, operand)),
        })
    }
}

fn compare(operator: &str, value: &Value, operand: &Value) -> bool {
    let numbers = || Some((number(value)?, number(operand)?));
    let texts = || Some((text(value), text(operand)));
    match operator {
        "stringEquals" => text(value) == text(operand),
        "stringIsEmpty" => text(value).is_empty() == (operand != &Value::Bool(false)),
        "stringStartsWith" => texts().is_some_and(|(value, start)| value.starts_with(&start)),
        "stringEndsWith" => texts().is_some_and(|(value, end)| value.ends_with(&end)),
        "stringContains" => texts().is_some_and(|(value, part)| value.contains(&part)),
        "booleanEquals" => text(value) == text(operand),
        "numberEquals" => numbers().is_some_and(|(value, other)| value == other),
        "numberLessThan" => numbers().is_some_and(|(value, other)| value < other),
        "numberLessThanEquals" => numbers().is_some_and(|(value, other)| value <= other),
        "numberGreaterThan" => numbers().is_some_and(|(value, other)| value > other),
        "numberGreaterThanEquals" => numbers().is_some_and(|(value, other)| value >= other),
        _ => false,
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> Scope {
        let object = |value: Value| value.as_object().unwrap().clone();
        let imagebuilder = object(json!({"imageType": "AMI", "collectImageMetadata": true, "imageBuildNumber": 3}));
        let mut scope = Scope::new(imagebuilder, object(json!({"wait": false, "names": ["a", "b"]})));
        scope.put_out("Launch", &object(json!({"instanceId": "i-1"})));
        scope
    }

    #[test]
    fn references_become_what_they_stand_for() {
        let inputs = json!({
            "instanceId.$": "$.stepOutputs.Launch.instanceId", "waitFor": "ssmAgent", "gone.$": "$.stepOutputs.No.x",
            "nested": [{"names.$": "$.parameters.names"}],
        });
        let resolved = scope().resolve(inputs.as_object().unwrap());
        let expected = json!({"instanceId": "i-1", "waitFor": "ssmAgent", "nested": [{"names": ["a", "b"]}]});
        assert_eq!(Value::Object(resolved), expected);
    }

    #[test]
    fn conditions_hold_or_not() {
        let ami = json!({"stringEquals": "AMI", "value": "$.imagebuilder.imageType"});
        let docker = json!({"stringEquals": "DOCKER", "value": "$.imagebuilder.imageType"});
        for (condition, holds) in [
            (ami.clone(), true),
            (docker.clone(), false),
            (json!({"not": docker}), true),
            (json!({"not": [docker, ami]}), false),
            (json!({"and": [ami, {"booleanEquals": true, "value": "$.imagebuilder.collectImageMetadata"}]}), true),
            (json!({"and": [ami, docker]}), false),
            (json!({"or": [docker, ami]}), true),
            (json!({"booleanEquals": true, "value": "$.parameters.wait"}), false),
            (json!({"booleanEquals": false, "value": "$.parameters.wait"}), true),
            (json!({"numberGreaterThan": 2, "value": "$.imagebuilder.imageBuildNumber"}), true),
            (json!({"numberLessThanEquals": 2, "value": "$.imagebuilder.imageBuildNumber"}), false),
            (json!({"stringIsEmpty": false, "value": "$.stepOutputs.Launch.instanceId"}), true),
            (json!({"stringIsEmpty": true, "value": "$.stepOutputs.Launch.instanceId"}), false),
            (json!({"stringEquals": "i-1", "value": "$.stepOutputs.Gone.instanceId"}), false),
            (json!({"soundsLike": "i-1", "value": "i-1"}), false),
        ] {
            assert_eq!(scope().holds(&condition), holds, "{condition}");
        }
    }
}
