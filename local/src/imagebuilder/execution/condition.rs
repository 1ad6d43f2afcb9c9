//! What steps refer to, and whether a step's condition holds.

use serde_json::{Map, Value, json};

/// What references in a workflow's document stand for: `$.imagebuilder.…`, `$.parameters.…`,
/// `$.workflowOutputs.…` and `$.stepOutputs.STEP.…`.
#[derive(Debug, Clone)]
pub(super) struct Scope(Value);

impl Scope {
    /// Before the first step.
    pub(super) fn new(
        imagebuilder: Map<String, Value>,
        parameters: Map<String, Value>,
        workflow_outputs: Map<String, Value>,
    ) -> Self {
        Self(json!({
            "imagebuilder": imagebuilder, "parameters": parameters, "workflowOutputs": workflow_outputs,
            "stepOutputs": {},
        }))
    }

    /// What a step has put out, for those after it.
    pub(super) fn put_out(&mut self, step: &str, outputs: &Map<String, Value>) {
        self.0["stepOutputs"][step] = Value::Object(outputs.clone());
    }

    fn find(&self, reference: &str) -> Option<&Value> {
        reference.strip_prefix("$.")?.split('.').try_fold(&self.0, |value, part| value.get(part))
    }

    /// A value, or what it refers to, if that is there.
    pub(super) fn value(&self, value: &Value) -> Option<Value> {
        match value {
            Value::String(text) if text.starts_with("$.") => self.find(text).cloned(),
            other => Some(other.clone()),
        }
    }

    /// Inputs with what their references stand for: `"instanceId.$": "$.stepOutputs.Launch.instanceId"` becomes
    /// `"instanceId"`; one that refers to nothing is left out.
    pub(super) fn resolve(&self, inputs: &Map<String, Value>) -> Map<String, Value> {
        let member = |(name, value): (&String, &Value)| {
            let name = name.strip_suffix(".$").unwrap_or(name);
            Some((name.to_owned(), self.resolve_in(value)?))
        };
        inputs.iter().filter_map(member).collect()
    }

    fn resolve_in(&self, value: &Value) -> Option<Value> {
        match value {
            Value::Object(members) => Some(Value::Object(self.resolve(members))),
            Value::Array(items) => Some(items.iter().filter_map(|item| self.resolve_in(item)).collect()),
            other => self.value(other),
        }
    }

    /// Whether a condition holds. One that compares what isn't there doesn't.
    pub(super) fn holds(&self, condition: &Value) -> bool {
        let value = condition.get("value").and_then(|value| self.value(value));
        let operators = condition.as_object().into_iter().flatten().filter(|(operator, _)| *operator != "value");
        operators.map(|(operator, operand)| (operator.as_str(), operand)).all(|(operator, operand)| match operator {
            "and" => operand.as_array().is_some_and(|list| list.iter().all(|each| self.holds(each))),
            "or" => operand.as_array().is_some_and(|list| list.iter().any(|each| self.holds(each))),
            "not" => !self.holds(operand),
            _ => value.as_ref().zip(self.value(operand)).is_some_and(|(value, other)| compare(operator, value, &other)),
        })
    }
}

fn compare(operator: &str, value: &Value, operand: &Value) -> bool {
    let numbers = number(value).zip(number(operand));
    match operator {
        "stringEquals" => text(value) == text(operand),
        "booleanEquals" => text(value).eq_ignore_ascii_case(&text(operand)),
        "numberEquals" => numbers.is_some_and(|(value, other)| value == other),
        "numberLessThan" => numbers.is_some_and(|(value, other)| value < other),
        "numberLessThanEquals" => numbers.is_some_and(|(value, other)| value <= other),
        "numberGreaterThan" => numbers.is_some_and(|(value, other)| value > other),
        "numberGreaterThanEquals" => numbers.is_some_and(|(value, other)| value >= other),
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
        let mut scope = Scope::new(
            imagebuilder,
            object(json!({"wait": false, "names": ["a", "b"]})),
            object(json!({"ImageId": "ami-1"})),
        );
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
            (json!({"and": [ami, {"booleanEquals": true, "value": "$.imagebuilder.collectImageMetadata"}]}), true),
            (json!({"and": [ami, docker]}), false),
            (json!({"or": [docker, ami]}), true),
            (json!({"booleanEquals": true, "value": "$.parameters.wait"}), false),
            (json!({"booleanEquals": false, "value": "$.parameters.wait"}), true),
            (json!({"numberGreaterThan": 2, "value": "$.imagebuilder.imageBuildNumber"}), true),
            (json!({"numberLessThanEquals": 2, "value": "$.imagebuilder.imageBuildNumber"}), false),
            (json!({"stringEquals": "$.workflowOutputs.ImageId", "value": "ami-1"}), true),
            (json!({"booleanEquals": "True", "value": "$.imagebuilder.collectImageMetadata"}), true),
            (json!({"stringEquals": "i-1", "value": "$.stepOutputs.Gone.instanceId"}), false),
            (json!({"soundsLike": "i-1", "value": "i-1"}), false),
        ] {
            assert_eq!(scope().holds(&condition), holds, "{condition}");
        }
    }
}
