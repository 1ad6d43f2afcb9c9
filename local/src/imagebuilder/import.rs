//! ImportComponent: a shell script becomes a component's document.

use super::component;
use super::lookup::text;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::{Value, json};

/// ImportComponent. The document that comes of the script has one step, in the phase of the component's type;
/// AWS doesn't document its form.
pub(super) fn import_component(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let (version, script) = (component::version(input)?, component::content(world, context, input)?);
    let kind = text(input, "type");
    let data = script.map(|script| document(text(input, "name"), kind, text(input, "platform"), &script));
    let (arn, _) = component::build(world, context, input, version, data, kind, Vec::new())?;
    Ok(json!({"componentBuildVersionArn": arn}))
}

/// The document around a script. A text in JSON is one in YAML, whatever the script holds.
fn document(name: &str, kind: &str, platform: &str, script: &str) -> String {
    let phase = if kind == "TEST" { "test" } else { "build" };
    let action = if platform == "Windows" { "ExecutePowerShell" } else { "ExecuteBash" };
    let (name, script) = (json!(name), json!(script));
    format!(
        "name: {name}\nschemaVersion: 1.0\nphases:\n  - name: {phase}\n    steps:\n      - name: RunScript\n        \
         action: {action}\n        inputs:\n          commands:\n            - {script}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::super::document::{self, Node};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_script_makes_a_document_that_holds_it(
            script in "[ -~\\t\\r\\n\u{e9}\u{2028}\u{1f600}]{1,200}", test in any::<bool>(), windows in any::<bool>(),
        ) {
            let (kind, platform) = (if test { "TEST" } else { "BUILD" }, if windows { "Windows" } else { "Linux" });
            let text = super::document("A name", kind, platform, &script);
            let read = document::read(&text).map_err(TestCaseError::fail)?;
            prop_assert_eq!(read.kind(), kind);
            let tree = document::tree(&text).map_err(TestCaseError::fail)?;
            let step = &tree.list("phases")[0].list("steps")[0];
            let commands = step.get("inputs").map(|inputs| inputs.list("commands")).unwrap_or_default();
            prop_assert_eq!(commands[0].text(), Some(script.as_str()));
            let action = if windows { "ExecutePowerShell" } else { "ExecuteBash" };
            prop_assert_eq!(step.get("action").and_then(Node::text), Some(action));
        }
    }
}
