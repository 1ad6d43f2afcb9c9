//! How a build can fail: a component's document that says so, or materials that don't resolve.
//!
//! Commands aren't run locally. A command that is `exit N` with N ≠ 0, and nothing else, makes its build fail.

use super::document::{self, Node};
use super::execution::Phase;
use super::store::Resource;
use crate::draw::Seed;
use crate::world::World;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Why a build fails.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The status at whose end it fails.
    pub status: String,
    /// `state.reason`, in the service's words.
    pub reason: String,
    /// `state.failureContext`.
    pub context: Value,
    /// The same in one short line, for the timeline.
    pub summary: String,
}

/// A component that fails, and where in its document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ComponentFault {
    component: String,
    phase: String,
    step: String,
    action: String,
    exit_code: u32,
}

impl ComponentFault {
    /// What the service says of it.
    pub(super) fn message(&self) -> String {
        format!("failed to run commands: exit status {}", self.exit_code)
    }
}

/// The materials of the build don't resolve: it fails before an instance is launched.
pub(crate) fn unresolved(problems: &[String]) -> Failure {
    let reason = problems.join(" ");
    Failure {
        status: "CREATING".to_owned(),
        context: json!({"imageStatus": "CREATING"}),
        summary: reason.clone(),
        reason,
    }
}

/// The first failure that the documents of an image's components foretell: in the phases `build` and `validate`
/// when they are built, in the phase `test` when they are tested.
pub(super) fn foretold(world: &World, image: &Resource, phase: Phase) -> Option<ComponentFault> {
    let phases: &[&str] = match phase {
        Phase::Build => &["build", "validate"],
        Phase::Test => &["test"],
        Phase::Distribution => return None,
    };
    let recipe = image.document.get("imageRecipe").or_else(|| image.document.get("containerRecipe"))?;
    recipe["components"].as_array()?.iter().find_map(|component| {
        let arn = component["componentArn"].as_str()?;
        failing_step(arn, &document::tree(world.imagebuilder.get(arn)?.text("data")?).ok()?, phases)
    })
}

fn failing_step(component: &str, document: &Node, phases: &[&str]) -> Option<ComponentFault> {
    let text = |node: &Node, key: &str| node.get(key).and_then(Node::text).unwrap_or_default().to_owned();
    for phase in document.list("phases") {
        let name = text(phase, "name");
        if !phases.contains(&name.as_str()) {
            continue;
        }
        for step in phase.list("steps").iter().filter(|step| text(step, "onFailure") != "Ignore") {
            let commands = step.get("inputs").map_or(&[][..], |inputs| inputs.list("commands"));
            if let Some(exit_code) = commands.iter().find_map(|command| exit_code(command.text()?)) {
                return Some(ComponentFault {
                    component: component.to_owned(),
                    phase: name,
                    step: text(step, "name"),
                    action: text(step, "action"),
                    exit_code,
                });
            }
        }
    }
    None
}

/// The code of a command that is `exit N`, other than 0.
fn exit_code(command: &str) -> Option<u32> {
    let code = command.trim().strip_prefix("exit ")?.trim().parse().ok()?;
    (code != 0).then_some(code)
}

/// A step of a workflow fails because a component does. `place`: the context's members that name the step.
pub(super) fn of_component(
    seed: Seed,
    image_arn: &str,
    status: &str,
    fault: &ComponentFault,
    place: Map<String, Value>,
) -> Failure {
    let id = |what: &str| seed.uuid(&["build failure", what, image_arn]);
    let code = fault.exit_code;
    let (execution, command) = (id("execution"), id("command"));
    let output = "\n----------ERROR-------\nfailed to run commands: exit status ";
    let payload = json!([{
        "Status": "Failed", "ResponseCode": code, "Output": format!("{output}{code}"), "CommandId": command,
    }]);
    let reason = format!(
        "SSM execution '{execution}' failed with status = 'Failed' in state = '{status}' and failure message = \
         'Step fails when it is verifying the command has completed. Command {command} returns unexpected invocation \
         result: \n{{Status=[Failed], ResponseCode=[{code}], Output=[{output}{code}], OutputPayload={payload}, \
         CommandId=[{command}]}}. Please refer to Automation Service Troubleshooting Guide for more diagnosis details.'"
    );
    let ComponentFault { component, phase, step, action, .. } = fault;
    let component_failure = json!({
        "componentArn": component,
        "phaseName": phase,
        "stepName": step,
        "action": action,
        "errorMessage": fault.message(),
    });
    let name = component.rsplit_once(":component/").map_or(component.as_str(), |(_, name)| name);
    let summary = format!("component {name}, phase {phase}, step {step}: exit status {code}");
    let mut context = context(status, place);
    context["componentFailure"] = component_failure;
    Failure { status: status.to_owned(), reason, context, summary }
}

/// A failure that names a component by its name is told by the version that the build has, and by the first step of its
/// document that runs in the status. One that the build doesn't have isn't told at all.
pub(super) fn name_component(world: &World, image_arn: &str, failure: &mut Failure) {
    let Some(context) = failure.context.as_object_mut() else { return };
    let Some(told) = context.get("componentFailure") else { return };
    let name = told["componentArn"].as_str().unwrap_or_default().to_owned();
    if name.starts_with("arn:") {
        return;
    }
    let message = told["errorMessage"].clone();
    match step_of(world, image_arn, &name, &failure.status) {
        Some(ComponentFault { component, phase, step, action, .. }) => {
            context.insert(
                "componentFailure".to_owned(),
                json!({
                    "componentArn": component,
                    "phaseName": phase,
                    "stepName": step,
                    "action": action,
                    "errorMessage": message,
                }),
            );
            failure.summary = format!("component {name}, phase {phase}, step {step}: {}", failure.reason);
        }
        None => drop(context.remove("componentFailure")),
    }
}

/// The first step of a component that runs in a status.
fn step_of(world: &World, image_arn: &str, name: &str, status: &str) -> Option<ComponentFault> {
    let phases: &[&str] = if status == "TESTING" { &["test"] } else { &["build", "validate"] };
    let document = &world.imagebuilder.get(image_arn)?.document;
    let recipe = document.get("imageRecipe").or_else(|| document.get("containerRecipe"))?;
    let mut components = recipe["components"].as_array()?.iter().filter_map(|it| it["componentArn"].as_str());
    let component = components.find(|arn| arn.split('/').nth(1) == Some(name))?;
    let tree = document::tree(world.imagebuilder.get(component)?.text("data")?).ok()?;
    let text = |node: &Node, key: &str| node.get(key).and_then(Node::text).unwrap_or_default().to_owned();
    let phase = tree.list("phases").iter().find(|phase| phases.contains(&text(phase, "name").as_str()))?;
    let step = phase.list("steps").first()?;
    Some(ComponentFault {
        component: component.to_owned(),
        phase: text(phase, "name"),
        step: text(step, "name"),
        action: text(step, "action"),
        exit_code: 1,
    })
}

/// A step of a workflow fails by itself. `place`: the context's members that name the step.
pub(super) fn of_step(status: &str, message: &str, place: Map<String, Value>) -> Failure {
    let named = |member: &str| place.get(member).and_then(Value::as_str).unwrap_or_default();
    let (execution, step) = (named("workflowExecutionId"), named("failedStep"));
    let reason = format!(
        "Workflow Execution ID: '{execution}' failed with reason: Workflow step '{step}' failed in state = \
         '{status}'. {message}"
    );
    let summary = format!("workflow step {step}: {message}");
    let reason = reason.chars().take(1024).collect();
    Failure { status: status.to_owned(), reason, context: context(status, place), summary }
}

fn context(status: &str, place: Map<String, Value>) -> Value {
    let mut context = json!({"imageStatus": status});
    if let Value::Object(members) = &mut context {
        members.extend(place);
    }
    context
}

/// The `state` of a failed build.
pub(crate) fn state(failure: &Failure) -> Map<String, Value> {
    let mut state = Map::new();
    state.insert("status".into(), "FAILED".into());
    state.insert("reason".into(), failure.reason.clone().into());
    state.insert("failureContext".into(), failure.context.clone());
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_command_that_is_exit_n_fails() {
        for (command, code) in [
            ("exit 1", Some(1)),
            ("  exit 42\n", Some(42)),
            ("exit 0", None),
            ("exit", None),
            ("echo exit 1", None),
            ("if [ ! -f x ]; then\n  exit 1\nfi", None),
            ("exit 1 || true", None),
        ] {
            assert_eq!(exit_code(command), code, "{command:?}");
        }
    }

    #[test]
    fn a_step_fails_in_the_phase_that_it_stands_in_unless_failure_is_ignored() {
        let document = |more: &str| {
            let text = format!(
                "phases:\n- name: build\n  steps:\n  - {{name: ok, action: ExecuteBash, inputs: {{commands: [ls]}}}}\n\
                 - name: test\n  steps:\n  - {{name: probe, action: ExecuteBash{more}, inputs: {{commands: [exit 3]}}}}\n"
            );
            document::tree(&text).unwrap()
        };
        let failing = failing_step("c", &document(""), &["test"]).unwrap();
        assert_eq!((failing.step.as_str(), failing.action.as_str(), failing.exit_code), ("probe", "ExecuteBash", 3));
        assert_eq!(failing_step("c", &document(""), &["build", "validate"]), None);
        assert_eq!(failing_step("c", &document(", onFailure: Ignore"), &["test"]), None);
        assert!(failing_step("c", &document(", onFailure: Continue"), &["test"]).is_some());
    }
}
