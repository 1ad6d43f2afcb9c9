//! What is read of documents, and what is refused.

use super::*;

/// A document with what it says as its steps, at line 3.
fn with_steps(steps: &str) -> String {
    format!("schemaVersion: 1.0\nsteps:\n{steps}")
}

/// A document with one step that waits, and has this on top.
fn waiting(more: &str) -> String {
    with_steps(&format!("  - name: Wait\n    action: WaitForAction\n{more}"))
}

/// A document with one step that has this condition.
fn when(condition: &str) -> String {
    waiting(&format!("    if: {condition}"))
}

#[test]
fn everything_in_a_document_is_read() {
    let text = "name: sample
description: All there is
schemaVersion: 1.0
parameters:
  - name: approve
    type: boolean
    default: true
    description: Whether someone looks at it
  - {name: count, type: integer, default: 5}
  - {name: names, type: stringList, default: [a, 7]}
  - name: plain
steps:
  - name: Launch-1
    action: LaunchInstance
    description: Starts it
    rollbackEnabled: false
    inputs: {waitFor: ssmAgent, healthCheck: RUNNING}
  - name: Approve
    action: WaitForAction
    onFailure: Continue
    timeoutSeconds: 604800
    if:
      - and:
          - booleanEquals: true
            value: $.parameters.approve
          - not:
              - numberLessThan: '5'
                value: $.parameters.count
    inputs:
      payload: |
        {\"image\": \"{{ $.stepOutputs.Launch-1.instanceId }}\"}
  - name: Stop
    action: TerminateInstance
    rollbackEnabled: $.parameters.approve
    inputs: {instanceId.$: $.stepOutputs.Launch-1.instanceId, waitForTermination: true}
outputs:
  - name: Instance
    value: $.stepOutputs.Launch-1.instanceId
";
    let document = read("TEST", text).unwrap();
    assert_eq!(
        document.parameters,
        [
            json!({
                "name": "approve", "type": "boolean", "defaultValue": ["true"],
                "description": "Whether someone looks at it",
            }),
            json!({"name": "count", "type": "integer", "defaultValue": ["5"]}),
            json!({"name": "names", "type": "stringList", "defaultValue": ["a", "7"]}),
            json!({"name": "plain", "type": "string"}),
        ]
    );
    let [launch, approve, stop] = &document.steps[..] else { panic!("three steps") };
    assert_eq!((launch.name.as_str(), launch.action.as_str()), ("Launch-1", "LaunchInstance"));
    assert_eq!((launch.description.as_deref(), launch.rolls_back), (Some("Starts it"), false));
    assert_eq!((launch.continues, launch.timeout_seconds, &launch.condition), (false, None, &None));
    assert_eq!(Value::Object(launch.inputs.clone()), json!({"waitFor": "ssmAgent", "healthCheck": "RUNNING"}));
    assert_eq!((approve.continues, approve.timeout_seconds, approve.rolls_back), (true, Some(604_800), true));
    let condition = json!({"and": [
        {"booleanEquals": true, "value": "$.parameters.approve"},
        {"not": {"numberLessThan": "5", "value": "$.parameters.count"}},
    ]});
    assert_eq!(approve.condition, Some(condition));
    let stopping = json!({"instanceId.$": "$.stepOutputs.Launch-1.instanceId", "waitForTermination": true});
    assert_eq!(Value::Object(stop.inputs.clone()), stopping);
    assert_eq!(document.outputs["Instance"], "$.stepOutputs.Launch-1.instanceId");
}

#[test]
fn json_is_a_document_too() {
    let text = json!({"schemaVersion": 1, "steps": [{"name": "Wait", "action": "WaitForAction"}]}).to_string();
    assert_eq!(read("BUILD", &text).unwrap().steps[0].name, "Wait");
}

#[test]
fn faults_are_named_with_their_line() {
    let sixteen: String = (0..16).map(|n| format!("  - {{name: Wait{n}, action: WaitForAction}}\n")).collect();
    let launched = |rest: &str| {
        with_steps(&format!("  - {{name: Launch, action: LaunchInstance, inputs: {{waitFor: ssmAgent}}}}\n{rest}"))
    };
    let parameters = |list: &str| format!("{}parameters:\n{list}", waiting(""));
    let outputs = |list: &str| format!("{}outputs:\n{list}", waiting(""));
    let eleven = "{booleanEquals: true, value: true}, ".repeat(11);
    let deep = "{and: [{or: [{and: [{not: {booleanEquals: true, value: true}}]}]}]}";
    for (text, expected) in [
        // The whole.
        ("schemaVersion: 1.0\nsteps: [}".to_owned(), "Line 2: "),
        (String::new(), "Line 1: the document is empty."),
        ("- a".to_owned(), "Line 1: The document must be a mapping."),
        ("steps: []".to_owned(), "Line 1: The document has no schemaVersion."),
        ("schemaVersion: 2.0\nsteps: []".to_owned(), "Line 1: The schemaVersion must be 1.0."),
        ("schemaVersion: 1.0\nphases: []".to_owned(), "Line 2: The document has no member \"phases\""),
        ("schemaVersion: 1.0\nschemaVersion: 1.0".to_owned(), "Line 2: The member \"schemaVersion\" occurs twice."),
        ("schemaVersion: 1.0\nname: [a]".to_owned(), "Line 2: name must be a text."),
        ("schemaVersion: 1.0".to_owned(), "Line 1: The document has no steps."),
        ("schemaVersion: 1.0\nsteps: []".to_owned(), "Line 2: A document has 1 to 15 steps."),
        (with_steps(&sixteen), "Line 3: A document has 1 to 15 steps."),
        // Parameters and outputs.
        (parameters("  - type: string"), "Line 6: A parameter has no name."),
        (parameters("  - {name: a, type: String}"), "Line 6: The type \"String\" is none of string, integer"),
        (parameters("  - {name: a, type: integer, default: 1.5}"), "Line 6: The default of the parameter \"a\" is no"),
        (parameters("  - {name: a, type: boolean, default: yes}"), "Line 6: The default of the parameter \"a\" is no"),
        (parameters("  - {name: a, type: stringList, default: b}"), "Line 6: The default of the parameter \"a\" is no"),
        (parameters("  - {name: a, default: [b]}"), "Line 6: The default of the parameter \"a\" is no string."),
        (parameters("  - name: a\n  - name: a"), "Line 7: The parameter \"a\" occurs twice."),
        (outputs("  - name: a"), "Line 6: The output \"a\" has no value."),
        (outputs("  - {name: a, value: x}\n  - {name: a, value: y}"), "Line 7: The output \"a\" occurs twice."),
        (outputs("  - {name: a, value: $.stepOutputs.Later.x}"), "Line 6: The reference '$.stepOutputs.Later.x' names"),
        // Steps.
        (with_steps("  - action: WaitForAction"), "Line 3: A step has no name."),
        (with_steps("  - {name: 1st, action: WaitForAction}"), "Line 3: The name \"1st\" of a step isn't a letter"),
        (with_steps("  - {name: a b, action: WaitForAction}"), "Line 3: The name \"a b\" of a step isn't a letter"),
        (with_steps("  - {name: W, action: WaitForAction}"), "Line 3: The name \"W\" of a step isn't a letter"),
        (with_steps("  - name: Wait"), "Line 3: The step \"Wait\" has no action."),
        (
            with_steps("  - {name: Run, action: RunBash}"),
            "Line 3: The step \"Run\" has the unknown action \"RunBash\".",
        ),
        (launched("  - {name: Launch, action: WaitForAction}"), "Line 4: The step \"Launch\" occurs twice."),
        (
            with_steps("  - {name: Scan, action: CollectImageScanFindings, inputs: {instanceId: i-1}}"),
            "Line 3: The step \"Scan\" has the action CollectImageScanFindings, which a BUILD workflow can't have.",
        ),
        (waiting("    onFailure: Retry"), "Line 3: The step \"Wait\" has the onFailure \"Retry\": Abort and Continue"),
        (waiting("    rollbackEnabled: maybe"), "Line 3: The step \"Wait\" has a rollbackEnabled that is neither"),
        (waiting("    timeoutSeconds: 0"), "Line 3: The step \"Wait\" has a timeoutSeconds outside of 1 to 604800"),
        (waiting("    timeoutSeconds: 604801"), "Line 3: The step \"Wait\" has a timeoutSeconds outside of 1 to"),
        (waiting("    timeoutSeconds: soon"), "Line 3: The step \"Wait\" has a timeoutSeconds outside of 1 to"),
        (waiting("    description: ''"), "Line 3: The step \"Wait\" has a description that isn't 1 to 1024"),
        (waiting("    timeoutInSeconds: 5"), "Line 5: A step has no member \"timeoutInSeconds\""),
        // Inputs.
        (
            with_steps("  - {name: Launch, action: LaunchInstance}"),
            "Line 3: LaunchInstance needs the input \"waitFor\".",
        ),
        (waiting("    inputs: []"), "Line 5: inputs must be a mapping."),
        (waiting("    inputs: {topic: x}"), "Line 5: WaitForAction has no input \"topic\"."),
        (waiting("    inputs: {payload: '{'}"), "Line 5: payload must be JSON of 16 KiB at most."),
        (
            waiting("    inputs: {payload: '1', payload.$: $.workflowOutputs.x}"),
            "Line 5: The input \"payload\" occurs twice.",
        ),
        (waiting("    inputs: {snsTopicArn.$: [x]}"), "Line 5: The input \"snsTopicArn.$\" must be a reference."),
        (
            with_steps("  - {name: Launch, action: LaunchInstance, inputs: {waitFor: cloudInit}}"),
            "Line 3: waitFor must be one of ssmAgent.",
        ),
        (
            launched(
                "  - {name: Stop, action: TerminateInstance, inputs: {instanceId.$: $.stepOutputs.Lunch.instanceId}}",
            ),
            "Line 4: The reference '$.stepOutputs.Lunch.instanceId' names none of:",
        ),
        (
            launched("  - {name: Stop, action: TerminateInstance, inputs: {instanceId.$: $.stepOutputs.Launch}}"),
            "Line 4: The reference '$.stepOutputs.Launch' names none of:",
        ),
        (
            launched("  - {name: Stop, action: TerminateInstance, inputs: {instanceId.$: $.parameters.id}}"),
            "Line 4: The reference '$.parameters.id' names none of:",
        ),
        // Conditions.
        (when("{booleanEquals: true}"), "Line 5: The condition booleanEquals has no value."),
        (when("{value: true}"), "Line 5: The condition has no operator."),
        (when("{booleanEquals: 1, value: true}"), "Line 5: booleanEquals compares no such value."),
        (when("{numberEquals: 1, value: one}"), "Line 5: numberEquals compares no such value."),
        (when("{stringLike: a, value: b}"), "Line 5: \"stringLike\" is none of and, or, not, booleanEquals"),
        (when("{and: [{booleanEquals: true, value: true}], or: []}"), "Line 5: The condition and has no member \"or\""),
        (
            when("[{booleanEquals: true, value: true}, {booleanEquals: true, value: true}]"),
            "Line 5: One condition alone",
        ),
        (when("{and: []}"), "Line 5: and joins 1 to 10 conditions."),
        (when(&format!("{{or: [{eleven}]}}")), "Line 5: or joins 1 to 10 conditions."),
        (when(deep), "Line 5: Conditions nest in four levels at most."),
        (
            when("{booleanEquals: true, value: $.parameters.no}"),
            "Line 5: The reference '$.parameters.no' names none of:",
        ),
    ] {
        let fault = read("BUILD", &text).unwrap_err();
        assert!(fault.starts_with(expected), "{fault}\n{text}");
    }
}

#[test]
fn a_workflow_distributes_amis_or_containers() {
    let text = with_steps(
        "  - {name: Container, action: DistributeContainerImage, inputs: {instanceId.$: $.workflowOutputs.InstanceId}}\n  \
           - {name: Image, action: DistributeImage}",
    );
    let fault = read("DISTRIBUTION", &text).unwrap_err();
    assert_eq!(fault, "Line 4: DistributeContainerImage and DistributeImage can't be in one workflow.");
    let regions = |item: &str| {
        with_steps(&format!("  - {{name: Image, action: DistributeImage, inputs: {{distributions: [{item}]}}}}"))
    };
    assert!(read("DISTRIBUTION", &regions("{region: eu-west-1, name: web}")).is_ok());
    let fault = read("DISTRIBUTION", &regions("{name: web}")).unwrap_err();
    assert_eq!(fault, "Line 3: Every item of distributions needs a region.");
}
