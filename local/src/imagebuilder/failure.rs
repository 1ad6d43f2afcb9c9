//! How a build can fail: a component's document that says so, or materials that don't resolve.
//!
//! Commands aren't run locally. A command that is `exit N` with N ≠ 0, and nothing else, makes its build fail.

use super::document::{self, Node};
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

/// A step of a component's document that fails.
#[derive(Debug, PartialEq, Eq)]
struct FailingStep {
    phase: String,
    step: String,
    action: String,
    exit_code: u32,
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

/// The first failure that the components' documents foretell: in the phases `build` and `validate` at the end
/// of BUILDING, in the phase `test` at the end of TESTING when the build is tested.
pub(crate) fn foretold(
    world: &World,
    image_arn: &str,
    region: &str,
    components: &[String],
    tested: bool,
    container: bool,
) -> Option<Failure> {
    let stages: &[(&'static str, &[&str])] = &[("BUILDING", &["build", "validate"]), ("TESTING", &["test"])];
    let stages = if tested { stages } else { &stages[..1] };
    stages.iter().find_map(|(status, phases)| {
        components.iter().find_map(|arn| {
            let document = document::tree(world.imagebuilder.get(arn)?.text("data")?).ok()?;
            let step = failing_step(&document, phases)?;
            Some(of_step(world, image_arn, region, status, arn, &step, container))
        })
    })
}

fn failing_step(document: &Node, phases: &[&str]) -> Option<FailingStep> {
    let text = |node: &Node, key: &str| node.get(key).and_then(Node::text).unwrap_or_default().to_owned();
    for phase in document.list("phases") {
        let name = text(phase, "name");
        if !phases.contains(&name.as_str()) {
            continue;
        }
        for step in phase.list("steps").iter().filter(|step| text(step, "onFailure") != "Ignore") {
            let commands = step.get("inputs").map_or(&[][..], |inputs| inputs.list("commands"));
            if let Some(exit_code) = commands.iter().find_map(|command| exit_code(command.text()?)) {
                return Some(FailingStep {
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

fn of_step(
    world: &World,
    image_arn: &str,
    region: &str,
    status: &'static str,
    component: &str,
    failing: &FailingStep,
    container: bool,
) -> Failure {
    let id = |what: &str| world.seed.uuid(&["build failure", what, image_arn]);
    let code = failing.exit_code;
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
    let kind = if container { "container" } else { "image" };
    let (workflow, step) = match status {
        "TESTING" => (format!("test/test-{kind}"), "ApplyTestComponents"),
        _ => (format!("build/build-{kind}"), "ApplyBuildComponents"),
    };
    let FailingStep { phase, step: component_step, action, .. } = failing;
    let context = json!({
        "imageStatus": status,
        "workflowExecutionId": format!("wf-{}", id("workflow")),
        "workflowArn": format!("arn:aws:imagebuilder:{region}:aws:workflow/{workflow}/1.0.2/1"),
        "stepExecutionId": format!("step-{}", id("step")),
        "failedStep": step,
        "componentFailure": {
            "componentArn": component,
            "phaseName": phase,
            "stepName": component_step,
            "action": action,
            "errorMessage": format!("failed to run commands: exit status {code}"),
        },
    });
    let name = component.rsplit_once(":component/").map_or(component, |(_, name)| name);
    let summary = format!("component {name}, phase {phase}, step {component_step}: exit status {code}");
    Failure { status: status.to_owned(), reason, context, summary }
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
        let failing = failing_step(&document(""), &["test"]).unwrap();
        assert_eq!((failing.step.as_str(), failing.action.as_str(), failing.exit_code), ("probe", "ExecuteBash", 3));
        assert_eq!(failing_step(&document(""), &["build", "validate"]), None);
        assert_eq!(failing_step(&document(", onFailure: Ignore"), &["test"]), None);
        assert!(failing_step(&document(", onFailure: Continue"), &["test"]).is_some());
    }
}
