//! Component documents: YAML, read as far as Image Builder itself reads them.

pub(super) use super::yaml::{Node, read as tree};

use serde_json::{Value, json};

/// What a component's document says.
#[derive(Debug, PartialEq)]
pub(super) struct Document {
    /// The phases' names, in their order.
    phases: Vec<String>,
    /// The parameters, as GetComponent answers them.
    pub(super) parameters: Vec<Value>,
}

impl Document {
    /// A document that isn't at hand, taken for one that builds.
    pub(super) fn unread() -> Self {
        Self { phases: vec!["build".to_owned()], parameters: Vec::new() }
    }

    /// `TEST` for a document with a phase `test` only, else `BUILD`.
    pub(super) fn kind(&self) -> &'static str {
        if self.phases.iter().all(|phase| phase == "test") { "TEST" } else { "BUILD" }
    }
}

/// Reads a document.
///
/// # Errors
/// What is wrong with it and in which line, in words.
pub(super) fn read(text: &str) -> Result<Document, String> {
    let root = tree(text)?;
    root.mapping("The document")?;
    root.get("schemaVersion").ok_or_else(|| root.fault("The document has no schemaVersion."))?;
    let phases = root.get("phases").ok_or_else(|| root.fault("The document has no phases."))?;
    let items = phases.items("phases")?;
    if items.is_empty() {
        return Err(phases.fault("The document has no phases."));
    }
    let mut names: Vec<String> = Vec::new();
    for phase in items {
        let name = phase.name("A phase")?;
        if !["build", "validate", "test"].contains(&name) {
            return Err(phase.fault(&format!("The phase {name:?} is none of build, validate, test.")));
        }
        if names.iter().any(|known| known == name) {
            return Err(phase.fault(&format!("The phase {name:?} occurs twice.")));
        }
        let steps = phase.get("steps").ok_or_else(|| phase.fault(&format!("The phase {name:?} has no steps.")))?;
        for step in steps.items("steps")? {
            let step_name = step.name("A step")?;
            if step.get("action").and_then(Node::text).is_none() {
                return Err(step.fault(&format!("The step {step_name:?} has no action.")));
            }
        }
        names.push(name.to_owned());
    }
    let mut parameters = Vec::new();
    if let Some(declared) = root.get("parameters") {
        for parameter in declared.items("parameters")? {
            for (name, about) in parameter.mapping("A parameter")? {
                let name = name.text().ok_or_else(|| parameter.fault("A parameter has no name."))?;
                let default = about.get("default").and_then(Node::text).map(|text| json!([text]));
                parameters.push(json!({
                    "name": name,
                    "type": about.get("type").and_then(Node::text).map_or_else(|| "String".to_owned(), capitalised),
                    "defaultValue": default,
                    "description": about.get("description").and_then(Node::text),
                }));
            }
        }
    }
    Ok(Document { phases: names, parameters: parameters.iter().map(without_nulls).collect() })
}

/// Documents spell a type `string`, answers `String`.
fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn without_nulls(value: &Value) -> Value {
    let members = value.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    Value::Object(members.map(|(name, value)| (name.clone(), value.clone())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_phases(phases: &[&str]) -> String {
        let steps = "steps: [{name: s, action: ExecuteBash, inputs: {commands: [\"echo {{ hello }}\"]}}]";
        let phases: String = phases.iter().map(|name| format!("  - name: {name}\n    {steps}\n")).collect();
        format!("name: x\nschemaVersion: 1.0\nphases:\n{phases}")
    }

    #[test]
    fn the_type_follows_from_the_phases() {
        for (phases, expected) in [
            (vec!["build"], "BUILD"),
            (vec!["test"], "TEST"),
            (vec!["validate"], "BUILD"),
            (vec!["build", "validate", "test"], "BUILD"),
        ] {
            assert_eq!(read(&with_phases(&phases)).unwrap().kind(), expected, "{phases:?}");
        }
    }

    #[test]
    fn parameters_are_read() {
        let text = with_phases(&["build"])
            + "parameters:\n  - Level:\n      type: string\n      default: high\n      description: how\n  - Plain: {type: stringList}\n";
        assert_eq!(
            read(&text).unwrap().parameters,
            [
                json!({"name": "Level", "type": "String", "defaultValue": ["high"], "description": "how"}),
                json!({"name": "Plain", "type": "StringList"}),
            ]
        );
    }

    #[test]
    fn faults_are_named_with_their_line() {
        let twice = with_phases(&["build", "build"]);
        for (text, expected) in [
            ("schemaVersion: 1.0\nphases: [}", "Line 2: "),
            ("just text", "Line 1: The document must be a mapping."),
            ("", "Line 1: the document is empty."),
            ("phases: []", "Line 1: The document has no schemaVersion."),
            ("schemaVersion: 1.0\nname: x", "Line 1: The document has no phases."),
            ("schemaVersion: 1.0\nphases:\n  - name: deploy\n    steps: []", "Line 3: The phase \"deploy\" is none of"),
            ("schemaVersion: 1.0\nphases:\n  - name: build", "Line 3: The phase \"build\" has no steps."),
            (
                "schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n      - name: s",
                "Line 5: The step \"s\" has no action.",
            ),
            (&twice, "Line 6: The phase \"build\" occurs twice."),
        ] {
            let fault = read(text).unwrap_err();
            assert!(fault.starts_with(expected), "{fault}");
        }
    }
}
