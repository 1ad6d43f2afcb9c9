//! Component documents: YAML, read as far as Image Builder itself reads them.
//!
//! The rules are those of the user guide's "Use the AWSTOE component document framework". Keys that it doesn't
//! name are passed over.

mod step;
mod variables;

pub(super) use super::yaml::{Node, read as tree};

use serde_json::Value;

/// What a component's document says.
#[derive(Debug, PartialEq)]
pub(super) struct Document {
    /// The phases' names, in their order.
    phases: Vec<String>,
    /// The parameters, as GetComponent answers them.
    pub(super) parameters: Vec<Value>,
}

/// The phases of which a document needs one.
const PHASES: [&str; 3] = ["build", "validate", "test"];

/// The phases that run in the test stage.
const TESTS: [&str; 2] = ["test", "container-host-test"];

impl Document {
    /// A document that isn't at hand, taken for one that builds.
    pub(super) fn unread() -> Self {
        Self { phases: vec!["build".to_owned()], parameters: Vec::new() }
    }

    /// `TEST` for a document that has phases of the test stage only, else `BUILD`.
    pub(super) fn kind(&self) -> &'static str {
        if self.phases.iter().all(|phase| TESTS.contains(&phase.as_str())) { "TEST" } else { "BUILD" }
    }
}

/// Reads a document.
///
/// # Errors
/// What is wrong with it and in which line, in words.
pub(super) fn read(text: &str) -> Result<Document, String> {
    let root = tree(text)?;
    root.mapping("The document")?;
    let schema = root.get("schemaVersion").ok_or_else(|| root.fault("The document has no schemaVersion."))?;
    if !schema.text().is_some_and(|version| ["1.0", "1"].contains(&version)) {
        return Err(schema.fault("The schemaVersion must be 1.0."));
    }
    let phases = root.get("phases").ok_or_else(|| root.fault("The document has no phases."))?;
    let mut names: Vec<String> = Vec::new();
    for phase in phases.items("phases")? {
        let name = phase.name("A phase")?;
        if names.iter().any(|known| known == name) {
            return Err(phase.fault(&format!("The phase {name:?} occurs twice.")));
        }
        let steps = phase.get("steps").ok_or_else(|| phase.fault(&format!("The phase {name:?} has no steps.")))?;
        let steps = steps.items("steps")?;
        if steps.is_empty() {
            return Err(phase.fault(&format!("The phase {name:?} has no steps.")));
        }
        steps.iter().try_for_each(step::check)?;
        names.push(name.to_owned());
    }
    if names.is_empty() {
        return Err(phases.fault("The document has no phases."));
    }
    if !names.iter().any(|name| PHASES.contains(&name.as_str())) {
        return Err(phases.fault(&format!("The document needs one of the phases {}.", PHASES.join(", "))));
    }
    Ok(Document { phases: names, parameters: variables::read(&root)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
    fn the_type_needs_phases_of_the_test_stage_only() {
        assert_eq!(read(&with_phases(&["test", "container-host-test"])).unwrap().kind(), "TEST");
        assert_eq!(read(&with_phases(&["test", "deploy"])).unwrap().kind(), "BUILD");
    }

    #[test]
    fn parameters_are_read() {
        let text = with_phases(&["build"])
            + "parameters:\n  - Level:\n      type: string\n      default: high\n      description: how\n\
               \x20 - Plain: {type: stringList, default: [a, b]}\nconstants:\n  - Source: {type: string, value: x}\n";
        assert_eq!(
            read(&text).unwrap().parameters,
            [
                json!({"name": "Level", "type": "String", "defaultValue": ["high"], "description": "how"}),
                json!({"name": "Plain", "type": "StringList", "defaultValue": ["a", "b"]}),
            ]
        );
    }

    #[test]
    fn variables_have_names_types_and_values() {
        for (section, expected) in [
            ("parameters: [{ab: {type: string}}]", "A parameter must have a name of 3 to 128"),
            ("parameters: [{'a b c': {type: string}}]", "A parameter must have a name of 3 to 128"),
            ("parameters: [{Level: {default: x}}]", "The parameter \"Level\" must have the type string, integer"),
            ("parameters: [{Level: {type: number}}]", "The parameter \"Level\" must have the type string, integer"),
            ("parameters: [{Level: string}]", "A parameter \"Level\" must be a mapping."),
            ("parameters: {Level: {type: string}}", "parameters must be a list."),
            ("parameters: [{Abc: {type: string}}, {Abc: {type: string}}]", "The name \"Abc\" is declared twice."),
            ("constants: [{Abc: {type: string}}]", "The constant \"Abc\" has no value."),
            ("constants: [{Abc: {type: integer, value: 1}}]", "The constant \"Abc\" must have the type string."),
            (
                "constants: [{Abc: {type: string, value: x}}]\nparameters: [{Abc: {type: string}}]",
                "The name \"Abc\" is declared twice.",
            ),
        ] {
            let fault = read(&(with_phases(&["build"]) + section)).unwrap_err();
            assert!(fault.starts_with("Line ") && fault.contains(expected), "{section}: {fault}");
        }
    }

    #[test]
    fn steps_are_held_to_their_form() {
        let step = |more: &str| {
            read(&format!("schemaVersion: 1.0\nphases:\n- name: build\n  steps:\n  - name: s\n    {more}\n"))
        };
        for fine in [
            "action: Reboot",
            "action: UpdateOS\n    timeoutSeconds: -1\n    onFailure: Continue\n    maxAttempts: 3",
            "action: ExecuteBash\n    inputs: {commands: [ls]}\n    loop: {for: {start: 1, end: 9, updateBy: 2}}",
            "action: ExecuteBash\n    inputs: {commands: [ls]}\n    loop: {name: l, forEach: [a, b]}",
            "action: ExecuteBash\n    inputs: {commands: [ls]}\n    loop: {forEach: {list: 'a,b', delimiter: ','}}",
            "action: ExecuteBash\n    inputs: {commands: [ls]}\n    loop: {for: {start: 1, end: '{{ a.b }}', updateBy: 1}}",
        ] {
            assert!(step(fine).is_ok(), "{fine}: {:?}", step(fine));
        }
        for (wrong, expected) in [
            ("action: RunShell\n    inputs: []", "Line 5: The step \"s\" has the action \"RunShell\""),
            ("action: executebash\n    inputs: []", "Line 5: The step \"s\" has the action \"executebash\""),
            ("action: S3Download", "Line 5: The step \"s\" has no inputs, which S3Download requires."),
            ("action: Reboot\n    timeoutSeconds: 0", "Line 7: timeoutSeconds"),
            ("action: Reboot\n    timeoutSeconds: soon", "Line 7: timeoutSeconds"),
            ("action: Reboot\n    maxAttempts: 0", "Line 7: maxAttempts"),
            ("action: Reboot\n    onFailure: abort", "Line 7: onFailure"),
            ("action: Reboot\n    loop: {}", "Line 7: A loop has one of for and forEach."),
            ("action: Reboot\n    loop: {forEach: []}", "Line 7: forEach has no items."),
            ("action: Reboot\n    loop: {forEach: {list: a}}", "Line 7: forEach must be a list"),
            ("action: Reboot\n    loop: {for: {start: 1, end: 2}}", "Line 7: for has no updateBy."),
            ("action: Reboot\n    loop: {for: {start: 1, end: 2, updateBy: 0}}", "Line 7: updateBy"),
        ] {
            let fault = step(wrong).unwrap_err();
            assert!(fault.starts_with(expected), "{fault}");
        }
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
            ("schemaVersion: 2.0\nphases: []", "Line 1: The schemaVersion must be 1.0."),
            ("schemaVersion: 1.0\nphases: []", "Line 2: The document has no phases."),
            (
                "schemaVersion: 1.0\nphases:\n  - name: build\n    steps: []",
                "Line 3: The phase \"build\" has no steps.",
            ),
            (&with_phases(&["deploy"]), "Line 4: The document needs one of the phases build, validate, test."),
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
