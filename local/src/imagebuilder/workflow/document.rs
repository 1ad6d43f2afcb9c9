//! Workflow documents: YAML, what a build does step by step.
//!
//! Source: "Create a YAML workflow document" of the EC2 Image Builder user guide.

use super::super::yaml::{self, Node};
use super::{action, condition};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

const MOST_STEPS: usize = 15;

/// What a workflow's document says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Document {
    /// The parameters that it takes, as GetWorkflow answers them: `name`, `type`, `defaultValue`, `description`.
    pub(crate) parameters: Vec<Value>,
    /// In their order; one at least.
    pub(crate) steps: Vec<Step>,
    /// What later workflows of a build read as `$.workflowOutputs.NAME`: the values, references as they stand.
    pub(crate) outputs: BTreeMap<String, String>,
}

/// A step of a workflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Step {
    /// Unique in the document.
    pub(crate) name: String,
    /// `LaunchInstance`, `ExecuteComponents`, `WaitForAction`, …
    pub(crate) action: String,
    /// Free text, 1024 characters at most.
    pub(crate) description: Option<String>,
    /// Whether the workflow goes on after this step failed.
    pub(crate) continues: bool,
    /// How long it may take; `None` for the action's own limit.
    pub(crate) timeout_seconds: Option<u32>,
    /// The condition, if the step has one: `{"stringEquals": "x", "value": "$.…"}`, `{"and": […]}`, `{"or": […]}`,
    /// `{"not": {…}}`. Lists of one that only wrap a condition are taken away; references as they stand.
    pub(crate) condition: Option<Value>,
    /// What the action is given; references such as `$.stepOutputs.…` as they stand, mostly under `NAME.$`.
    pub(crate) inputs: Map<String, Value>,
    /// Whether what it did is taken back when the workflow fails: `rollbackEnabled`, of which a reference counts as true.
    pub(crate) rolls_back: bool,
}

/// What references of a document may name.
#[derive(Debug, Default)]
pub(super) struct Scope {
    parameters: BTreeSet<String>,
    /// The steps so far.
    steps: BTreeSet<String>,
}

/// Reads the document of a workflow of a kind: `BUILD`, `TEST` or `DISTRIBUTION`.
///
/// # Errors
/// What is wrong with it and in which line, in words.
pub(crate) fn read(kind: &str, text: &str) -> Result<Document, String> {
    let root = yaml::read(text)?;
    let members = ["name", "description", "schemaVersion", "parameters", "steps", "outputs"];
    known(&root, "The document", &members)?;
    for member in ["name", "description"] {
        text_of(&root, member)?;
    }
    let version = root.get("schemaVersion").ok_or_else(|| root.fault("The document has no schemaVersion."))?;
    if version.text().and_then(|text| text.parse().ok()) != Some(1.0) {
        return Err(version.fault("The schemaVersion must be 1.0."));
    }
    let mut scope = Scope::default();
    let mut parameters = Vec::new();
    for declared in listed(&root, "parameters")? {
        let parameter = parameter(declared)?;
        unique(declared, "parameter", &mut scope.parameters, declared.name("A parameter")?)?;
        parameters.push(parameter);
    }
    let steps = steps(kind, &root, &mut scope)?;
    let mut outputs = BTreeMap::new();
    for output in listed(&root, "outputs")? {
        known(output, "An output", &["name", "value"])?;
        let name = output.name("An output")?;
        let value = text_of(output, "value")?
            .ok_or_else(|| output.fault(&format!("The output {name:?} has no value.")))?
            .to_owned();
        scope.check(output)?;
        if outputs.insert(name.to_owned(), value).is_some() {
            return Err(output.fault(&format!("The output {name:?} occurs twice.")));
        }
    }
    Ok(Document { parameters, steps, outputs })
}

fn parameter(declared: &Node) -> Result<Value, String> {
    known(declared, "A parameter", &["name", "type", "default", "description"])?;
    let name = declared.name("A parameter")?;
    if name.len() > 128 {
        return Err(declared.fault("A parameter's name has 128 characters at most."));
    }
    let kind = text_of(declared, "type")?.unwrap_or("string");
    if !["string", "integer", "boolean", "stringList"].contains(&kind) {
        let message = format!("The type {kind:?} is none of string, integer, boolean, stringList.");
        return Err(declared.fault(&message));
    }
    let mut parameter = json!({"name": name, "type": kind});
    if let Some(default) = declared.get("default") {
        let bad = || default.fault(&format!("The default of the parameter {name:?} is no {kind}."));
        let values = match default.items("") {
            Ok(items) if kind == "stringList" => items.iter().map(Node::text).collect::<Option<Vec<_>>>(),
            Ok(_) => None,
            Err(_) => default.text().filter(|text| fits(kind, text)).map(|text| vec![text]),
        };
        parameter["defaultValue"] = values.ok_or_else(bad)?.into();
    }
    if let Some(description) = text_of(declared, "description")? {
        parameter["description"] = description.into();
    }
    Ok(parameter)
}

/// Whether a text is a value of a parameter's type.
fn fits(kind: &str, text: &str) -> bool {
    match kind {
        "string" => true,
        "integer" => text.parse::<i64>().is_ok(),
        "boolean" => ["true", "false"].contains(&text),
        _ => false,
    }
}

fn steps(kind: &str, root: &Node, scope: &mut Scope) -> Result<Vec<Step>, String> {
    let listed = root.get("steps").ok_or_else(|| root.fault("The document has no steps."))?;
    let nodes = listed.items("steps")?;
    if nodes.is_empty() || nodes.len() > MOST_STEPS {
        return Err(listed.fault(&format!("A document has 1 to {MOST_STEPS} steps.")));
    }
    let mut steps: Vec<Step> = Vec::new();
    for node in nodes {
        let step = step(kind, node, scope)?;
        unique(node, "step", &mut scope.steps, &step.name)?;
        let clash = steps.iter().find(|before| action::excludes(&before.action, &step.action));
        if let Some(before) = clash {
            let message = format!("{} and {} can't be in one workflow.", before.action, step.action);
            return Err(node.fault(&message));
        }
        steps.push(step);
    }
    Ok(steps)
}

fn step(kind: &str, node: &Node, scope: &Scope) -> Result<Step, String> {
    let members = ["name", "action", "description", "onFailure", "rollbackEnabled", "timeoutSeconds", "if", "inputs"];
    known(node, "A step", &members)?;
    let name = node.name("A step")?;
    let rest = name.trim_start_matches(|it: char| it.is_ascii_alphanumeric() || it == '-' || it == '_');
    if !(2..=100).contains(&name.len()) || !name.starts_with(|it: char| it.is_ascii_alphabetic()) || !rest.is_empty() {
        let rule = "a letter, then 1 to 99 letters, digits, dashes and underscores";
        return Err(node.fault(&format!("The name {name:?} of a step isn't {rule}.")));
    }
    let fault = |message: &str| node.fault(&format!("The step {name:?} {message}."));
    let named = text_of(node, "action")?.ok_or_else(|| fault("has no action"))?;
    let action = action::named(named).ok_or_else(|| fault(&format!("has the unknown action {named:?}")))?;
    if !action.stages.contains(&kind) {
        return Err(fault(&format!("has the action {named}, which a {kind} workflow can't have")));
    }
    let continues = match text_of(node, "onFailure")? {
        None | Some("Abort") => false,
        Some("Continue") => true,
        Some(other) => return Err(fault(&format!("has the onFailure {other:?}: Abort and Continue are known"))),
    };
    let rolls_back = match node.get("rollbackEnabled").map(Node::value) {
        None | Some(Value::Bool(true)) => true,
        Some(Value::Bool(false)) => false,
        Some(Value::String(reference)) if reference.starts_with("$.") => true,
        Some(_) => return Err(fault("has a rollbackEnabled that is neither a boolean nor a reference")),
    };
    let timeout_seconds = match node.get("timeoutSeconds").map(Node::value) {
        None => None,
        Some(value) => {
            let seconds = value.as_u64().and_then(|seconds| u32::try_from(seconds).ok());
            let message = format!("has a timeoutSeconds outside of 1 to {}, as {named} has it", action.longest);
            Some(seconds.filter(|seconds| (1..=action.longest).contains(seconds)).ok_or_else(|| fault(&message))?)
        }
    };
    let description = text_of(node, "description")?;
    if description.is_some_and(|text| text.is_empty() || text.chars().count() > 1024) {
        return Err(fault("has a description that isn't 1 to 1024 characters long"));
    }
    let condition = node.get("if").map(condition::read).transpose()?;
    scope.check(node)?;
    Ok(Step {
        name: name.to_owned(),
        action: named.to_owned(),
        description: description.map(str::to_owned),
        continues,
        timeout_seconds,
        condition,
        inputs: action.inputs(node)?,
        rolls_back,
    })
}

impl Scope {
    /// Every text in a node that is a reference names something that is there by then.
    fn check(&self, node: &Node) -> Result<(), String> {
        for scalar in node.scalars() {
            let Some(path) = scalar.text().and_then(|text| text.strip_prefix("$.")) else { continue };
            let mut parts = path.split(['.', '[']);
            let root = parts.next().unwrap_or_default();
            let name = parts.next().filter(|name| !name.is_empty()).unwrap_or_default();
            let there = match root {
                "parameters" => self.parameters.contains(name),
                "stepOutputs" => self.steps.contains(name) && parts.next().is_some(),
                // Those of the build and of the workflows before are known when it runs.
                "imagebuilder" | "workflowOutputs" => !name.is_empty(),
                _ => false,
            };
            if !there {
                let what = "a parameter, an output of an earlier step or of a workflow, or a system variable";
                return Err(scalar.fault(&format!("The reference '$.{path}' names none of: {what}.")));
            }
        }
        Ok(())
    }
}

/// Refuses members of a mapping that don't exist, or occur twice.
pub(super) fn known(node: &Node, what: &str, members: &[&str]) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for (key, _) in node.mapping(what)? {
        let name = key.text().unwrap_or_default();
        if !members.contains(&name) {
            return Err(key.fault(&format!("{what} has no member {name:?}: {} are known.", members.join(", "))));
        }
        if !seen.insert(name) {
            return Err(key.fault(&format!("The member {name:?} occurs twice.")));
        }
    }
    Ok(())
}

fn text_of<'a>(node: &'a Node, member: &str) -> Result<Option<&'a str>, String> {
    let found = node.get(member);
    found.map(|it| it.text().ok_or_else(|| it.fault(&format!("{member} must be a text.")))).transpose()
}

fn listed<'a>(root: &'a Node, member: &str) -> Result<&'a [Node], String> {
    root.get(member).map_or(Ok(&[]), |node| node.items(member))
}

fn unique(node: &Node, what: &str, names: &mut BTreeSet<String>, name: &str) -> Result<(), String> {
    if names.insert(name.to_owned()) { Ok(()) } else { Err(node.fault(&format!("The {what} {name:?} occurs twice."))) }
}

#[cfg(test)]
mod tests;
