//! Builds that run workflows, on a world of their own.

use super::super::fixtures::*;
use super::*;
use crate::journal;
use chrono::TimeDelta;
use serde_json::{Value, json};

fn call(world: &mut World, operation: &str, mut input: Value) -> Value {
    if operation.starts_with("Create") || operation.starts_with("Send") || operation == "RetryImage" {
        input["clientToken"] = world.fresh_uuid("test").into();
    }
    super::super::call(world, &context(), operation, input).unwrap()
}

fn code(world: &mut World, operation: &str, input: Value) -> String {
    super::super::call(world, &context(), operation, input).unwrap_err().code
}

/// Makes a workflow of these steps; the answer is its configuration.
fn workflow(world: &mut World, kind: &str, name: &str, steps: &str) -> Value {
    let data = format!("schemaVersion: 1.0\nsteps:\n{steps}");
    let input = json!({"name": name, "semanticVersion": "1.0.0", "type": kind, "data": data});
    json!({"workflowArn": call(world, "CreateWorkflow", input)["workflowBuildVersionArn"]})
}

const LAUNCH: &str = "  - name: Launch\n    action: LaunchInstance\n    inputs: {waitFor: ssmAgent}\n";
const COMPONENTS: &str =
    "  - name: Test\n    action: ExecuteComponents\n    inputs: {instanceId.$: $.stepOutputs.Launch.instanceId}\n";

/// Starts a build with these workflows.
fn start(world: &mut World, workflows: &[Value]) -> String {
    let more = json!({"workflows": workflows, "executionRole": "builder"});
    let pipeline = put_pipeline(world, "web", if workflows.is_empty() { json!({}) } else { more });
    start_pipeline(world, &pipeline)
}

fn until(world: &mut World, image: &str, status: &str) {
    while world.imagebuilder.get(image).unwrap().status() != status {
        let limit = world.now + TimeDelta::days(8);
        world.step(limit).unwrap_or_else(|| panic!("never {status}"));
    }
}

fn executions(world: &mut World, image: &str) -> Vec<Value> {
    let answer = call(world, "ListWorkflowExecutions", json!({"imageBuildVersionArn": image}));
    answer["workflowExecutions"].as_array().unwrap().clone()
}

fn steps(world: &mut World, execution: &Value) -> Vec<Value> {
    let input = json!({"workflowExecutionId": execution["workflowExecutionId"]});
    call(world, "ListWorkflowStepExecutions", input)["steps"].as_array().unwrap().clone()
}

/// `name status` of each step, with the status of its rollback behind it, if there is one.
fn statuses(world: &mut World, execution: &Value) -> Vec<String> {
    let text = |step: &Value| {
        let rollback = step["rollbackStatus"].as_str().map(|status| format!(" {status}")).unwrap_or_default();
        format!("{} {}{rollback}", step["name"].as_str().unwrap(), step["status"].as_str().unwrap())
    };
    steps(world, execution).iter().map(text).collect()
}

fn time(value: &Value) -> Time {
    value.as_str().unwrap().parse().unwrap()
}

fn state(world: &World, image: &str) -> Value {
    world.imagebuilder.get(image).unwrap().document["state"].clone()
}

#[test]
fn a_build_runs_the_managed_workflows_one_after_another() {
    let mut world = world();
    put_web(&mut world);
    let image = start(&mut world, &[]);
    until(&mut world, &image, "AVAILABLE");
    let all = executions(&mut world, &image);
    let summary: Vec<_> = all.iter().map(|it| (it["type"].as_str().unwrap(), it["status"].as_str().unwrap())).collect();
    assert_eq!(summary, [("BUILD", "COMPLETED"), ("TEST", "COMPLETED"), ("DISTRIBUTION", "COMPLETED")]);
    let build = &all[0];
    assert_eq!(
        [&build["totalStepCount"], &build["totalStepsSucceeded"], &build["totalStepsSkipped"], &build["retried"]],
        [&json!(7), &json!(6), &json!(1), &json!(false)]
    );
    let steps = steps(&mut world, build);
    assert_eq!((&steps[4]["name"], &steps[4]["status"]), (&json!("RunSysPrepScript"), &json!("SKIPPED")));
    assert!(steps[4].get("startTime").is_none() && steps[4].get("outputs").is_none());
    let run: Vec<_> = steps.iter().filter(|step| step["status"] == "COMPLETED").collect();
    for pair in run.windows(2) {
        assert_eq!(pair[0]["endTime"], pair[1]["startTime"]);
    }
    assert_eq!((&run[0]["startTime"], &run[5]["endTime"]), (&build["startTime"], &build["endTime"]));
    let outputs: Value = serde_json::from_str(run[0]["outputs"].as_str().unwrap()).unwrap();
    let inputs: Value = serde_json::from_str(run[1]["inputs"].as_str().unwrap()).unwrap();
    assert!(outputs["instanceId"].as_str().unwrap().starts_with("i-"));
    assert_eq!(inputs, outputs);
    // The statuses are as long as the workflows, and the AMI is the one that comes out.
    let changes: Vec<_> =
        world.journal.entries().iter().filter(|it| it.kind == journal::Kind::ImageState).map(|it| it.at).collect();
    assert_eq!(time(&build["startTime"]), changes[1]);
    let gap = changes[2] - time(&build["endTime"]);
    assert!((TimeDelta::zero()..TimeDelta::milliseconds(1)).contains(&gap), "{gap}");
    let ami: Value = serde_json::from_str(run[4]["outputs"].as_str().unwrap()).unwrap();
    let document = &world.imagebuilder.get(&image).unwrap().document;
    assert_eq!(ami["imageId"], document["outputResources"]["amis"][0]["image"]);
}

#[test]
fn an_execution_shows_what_has_happened_so_far() {
    let mut world = world();
    put_web(&mut world);
    let image = start(&mut world, &[]);
    until(&mut world, &image, "BUILDING");
    let build = executions(&mut world, &image)[0].clone();
    let of = json!({"workflowExecutionId": build["workflowExecutionId"]});
    assert_eq!((&build["status"], build.get("endTime")), (&json!("RUNNING"), None));
    assert_eq!(statuses(&mut world, &build)[..2], ["LaunchBuildInstance RUNNING", "ApplyBuildComponents PENDING"]);
    let began = world.now;
    let (mut seen, mut last) = (std::collections::BTreeSet::new(), 0);
    while world.imagebuilder.get(&image).unwrap().status() == "BUILDING" {
        let now = call(&mut world, "GetWorkflowExecution", of.clone());
        let done = now["totalStepsSucceeded"].as_u64().unwrap() + now["totalStepsSkipped"].as_u64().unwrap();
        assert!(done >= last, "a step isn't undone");
        (last, _) = (done, seen.insert(done));
        let limit = world.now + TimeDelta::seconds(5);
        while world.step(limit).is_some() {}
        assert!(world.now - began < TimeDelta::hours(1));
    }
    assert!(seen.len() >= 5, "{seen:?}");
    assert_eq!(call(&mut world, "GetWorkflowExecution", of)["status"], "COMPLETED");
}

#[test]
fn a_failing_component_fails_the_step_that_runs_the_components() {
    for (phase, workflow, failing, statuses_after) in [
        ("build", "build/build-image/1.0.3/1", "ApplyBuildComponents", 5),
        ("test", "test/test-image/1.0.3/1", "ApplyTestComponents", 1),
    ] {
        let mut world = world();
        put_web(&mut world);
        put_failing_component(&mut world, "broken", phase);
        use_component(&mut world, "broken");
        let image = start(&mut world, &[]);
        until(&mut world, &image, "FAILED");
        let all = executions(&mut world, &image);
        let last = all.last().unwrap();
        assert_eq!((&last["status"], &last["totalStepsFailed"]), (&json!("ROLLBACK_COMPLETED"), &json!(1)));
        assert!(last["message"].as_str().unwrap().contains(failing));
        let steps = steps(&mut world, last);
        let failed = steps.iter().position(|step| step["status"] == "FAILED").unwrap();
        assert_eq!(steps[failed]["name"], failing);
        assert_eq!(steps[0]["rollbackStatus"], "COMPLETED", "the instance is terminated");
        assert_eq!(steps[failed + 1..].iter().filter(|step| step["status"] == "SKIPPED").count(), statuses_after);
        let context = &state(&world, &image)["failureContext"];
        assert_eq!(context["failedStep"], failing);
        assert_eq!(context["workflowExecutionId"], last["workflowExecutionId"]);
        assert_eq!(context["stepExecutionId"], steps[failed]["stepExecutionId"]);
        assert_eq!(context["workflowArn"], format!("arn:aws:imagebuilder:{REGION}:aws:workflow/{workflow}"));
        assert_eq!(context["componentFailure"]["errorMessage"], "failed to run commands: exit status 1");
        assert_eq!(steps[failed]["message"], context["componentFailure"]["errorMessage"]);
        assert!(last["endTime"].as_str().unwrap() <= crate::clock::iso_millis(world.now).as_str());
    }
}

#[test]
fn conditions_parameters_and_outputs_of_earlier_workflows_decide() {
    let mut world = world();
    put_web(&mut world);
    let data = "schemaVersion: 1.0\nparameters:\n  - {name: ask, type: boolean, default: false}\nsteps:\n\
        \x20 - name: Launch\n    action: LaunchInstance\n    inputs: {waitFor: ssmAgent}\n\
        \x20 - name: Ask\n    action: WaitForAction\n    if: {booleanEquals: true, value: $.parameters.ask}\n\
        \x20 - name: Image\n    action: CreateImage\n    inputs: {instanceId.$: $.stepOutputs.Launch.instanceId}\n\
        outputs:\n  - {name: ImageId, value: $.stepOutputs.Image.imageId}\n";
    let input = json!({"name": "asks", "semanticVersion": "1.0.0", "type": "BUILD", "data": data});
    let arn = call(&mut world, "CreateWorkflow", input)["workflowBuildVersionArn"].clone();
    let test = workflow(
        &mut world,
        "TEST",
        "launches",
        "  - name: Launch\n    action: LaunchInstance\n    \
         inputs: {waitFor: ssmAgent, imageIdOverride.$: $.workflowOutputs.ImageId}\n",
    );
    let image = start(&mut world, &[json!({"workflowArn": arn}), test.clone()]);
    until(&mut world, &image, "AVAILABLE");
    let all = executions(&mut world, &image);
    assert_eq!(statuses(&mut world, &all[0]), ["Launch COMPLETED", "Ask SKIPPED", "Image COMPLETED"]);
    let ami = world.imagebuilder.get(&image).unwrap().document["outputResources"]["amis"][0]["image"].clone();
    let launch = steps(&mut world, &all[1])[0]["inputs"].as_str().unwrap().to_owned();
    let inputs: Value = serde_json::from_str(&launch).unwrap();
    assert_eq!(inputs, json!({"waitFor": "ssmAgent", "imageIdOverride": ami}));

    let asked = json!({"workflowArn": arn, "parameters": [{"name": "ask", "value": ["true"]}]});
    let image = start(&mut world, &[asked, test]);
    until(&mut world, &image, "BUILDING");
    run_for(&mut world, TimeDelta::hours(5));
    let build = executions(&mut world, &image)[0].clone();
    assert_eq!(statuses(&mut world, &build), ["Launch COMPLETED", "Ask RUNNING", "Image PENDING"]);
}

fn run_for(world: &mut World, span: TimeDelta) {
    let limit = world.now + span;
    while world.step(limit).is_some() {}
}

const WAIT: &str =
    "  - name: Approve\n    action: WaitForAction\n    onFailure: ABORT_OR_NOT\n    timeoutSeconds: 7200\n";

/// A build that waits in its build workflow, which has a step behind the wait.
fn waiting_build(on_failure: &str) -> (World, String, Value) {
    let mut world = world();
    put_web(&mut world);
    let steps = format!("{}{LAUNCH}", WAIT.replace("ABORT_OR_NOT", on_failure));
    let workflow = workflow(&mut world, "BUILD", "asks", &steps);
    let image = start(&mut world, &[workflow]);
    until(&mut world, &image, "BUILDING");
    run_for(&mut world, TimeDelta::hours(1));
    let waiting = call(&mut world, "ListWaitingWorkflowSteps", json!({}))["steps"].clone();
    assert_eq!(waiting.as_array().unwrap().len(), 1, "{waiting}");
    (world, image, waiting[0].clone())
}

fn send(world: &mut World, step: &Value, action: &str) {
    let input = json!({
        "stepExecutionId": step["stepExecutionId"], "imageBuildVersionArn": step["imageBuildVersionArn"],
        "action": action, "reason": "seen",
    });
    call(world, "SendWorkflowStepAction", input);
    assert_eq!(call(world, "ListWaitingWorkflowSteps", json!({}))["steps"], json!([]));
}

#[test]
fn a_wait_holds_the_build_until_its_answer() {
    for (on_failure, action, ends, first) in [
        ("Abort", Some("RESUME"), "AVAILABLE", "Approve COMPLETED"),
        ("Abort", Some("STOP"), "FAILED", "Approve FAILED"),
        ("Abort", None, "FAILED", "Approve FAILED"),
        ("Continue", Some("STOP"), "AVAILABLE", "Approve FAILED"),
        ("Continue", None, "AVAILABLE", "Approve FAILED"),
    ] {
        let (mut world, image, step) = waiting_build(on_failure);
        assert_eq!((&step["name"], &step["action"]), (&json!("Approve"), &json!("WaitForAction")));
        assert_eq!(world.imagebuilder.get(&image).unwrap().status(), "BUILDING");
        if let Some(action) = action {
            send(&mut world, &step, action);
        }
        until(&mut world, &image, ends);
        let build = executions(&mut world, &image)[0].clone();
        let behind = if ends == "FAILED" { "Launch SKIPPED" } else { "Launch COMPLETED" };
        assert_eq!(statuses(&mut world, &build), [first, behind], "{on_failure} {action:?}");
        let waited = time(&steps(&mut world, &build)[0]["endTime"]) - time(&step["startTime"]);
        match action {
            None => assert_eq!(waited, TimeDelta::hours(2)),
            Some(_) => assert!(waited < TimeDelta::hours(2) && waited > TimeDelta::minutes(50), "{waited}"),
        }
        if ends == "FAILED" {
            let state = state(&world, &image);
            assert_eq!(state["failureContext"]["stepExecutionId"], step["stepExecutionId"]);
            assert!(state["failureContext"].get("componentFailure").is_none());
            assert!(state["reason"].as_str().unwrap().contains("Approve"), "{state}");
        }
        let again = json!({
            "stepExecutionId": step["stepExecutionId"], "imageBuildVersionArn": image, "action": "RESUME",
            "clientToken": "again",
        });
        assert_eq!(code(&mut world, "SendWorkflowStepAction", again), "InvalidRequestException");
    }
}

#[test]
fn a_waiting_build_can_be_cancelled() {
    let (mut world, image, step) = waiting_build("Abort");
    let cancel = json!({"imageBuildVersionArn": image, "clientToken": "t"});
    super::super::call(&mut world, &context(), "CancelImageCreation", cancel).unwrap();
    assert_eq!(call(&mut world, "ListWaitingWorkflowSteps", json!({}))["steps"], json!([]));
    run_for(&mut world, TimeDelta::days(4));
    assert_eq!(world.imagebuilder.get(&image).unwrap().status(), "CANCELLED");
    let build = executions(&mut world, &image)[0].clone();
    assert_eq!(build["status"], "CANCELLED");
    assert!(time(&build["endTime"]) - time(&step["startTime"]) < TimeDelta::hours(2));
    assert_eq!(statuses(&mut world, &build), ["Approve CANCELLED", "Launch CANCELLED"]);
    let retry = json!({"imageBuildVersionArn": image, "clientToken": "r"});
    assert_eq!(code(&mut world, "RetryImage", retry), "InvalidRequestException");
}

#[test]
fn tests_run_side_by_side_and_one_that_may_fail_fails_nothing() {
    for (on_failure, ends) in [("CONTINUE", "AVAILABLE"), ("ABORT", "FAILED")] {
        let mut world = world();
        put_web(&mut world);
        put_failing_component(&mut world, "broken", "test");
        use_component(&mut world, "broken");
        let mut failing = workflow(&mut world, "TEST", "components", &format!("{LAUNCH}{COMPONENTS}"));
        failing["onFailure"] = on_failure.into();
        failing["parallelGroup"] = "one".into();
        let mut beside = workflow(&mut world, "TEST", "beside", LAUNCH);
        beside["parallelGroup"] = "one".into();
        let after = workflow(&mut world, "TEST", "after", &LAUNCH.replace("name: Launch", "name: Other"));
        let image = start(&mut world, &[failing, after, beside]);
        until(&mut world, &image, ends);
        let all = executions(&mut world, &image);
        let tests: Vec<_> = all.iter().filter(|execution| execution["type"] == "TEST").collect();
        let statuses: Vec<_> = tests.iter().map(|execution| execution["status"].as_str().unwrap()).collect();
        let after = if ends == "FAILED" { "SKIPPED" } else { "COMPLETED" };
        assert_eq!(statuses, ["ROLLBACK_COMPLETED", after, "COMPLETED"]);
        assert_eq!(tests[0]["startTime"], tests[2]["startTime"]);
        assert_eq!((&tests[0]["parallelGroup"], tests[1].get("parallelGroup")), (&json!("one"), None));
        if ends == "AVAILABLE" {
            assert!(time(&tests[1]["startTime"]) >= time(&tests[0]["endTime"]));
        }
    }
}

#[test]
fn a_step_that_takes_too_long_fails_and_what_was_done_is_taken_back() {
    let mut world = world();
    put_web(&mut world);
    let launch = format!("{LAUNCH}    rollbackEnabled: true\n");
    let slow = format!("{COMPONENTS}    timeoutSeconds: 1\n");
    let workflow = workflow(&mut world, "BUILD", "slow", &format!("{launch}{slow}"));
    let image = start(&mut world, &[workflow]);
    until(&mut world, &image, "FAILED");
    let build = executions(&mut world, &image)[0].clone();
    assert_eq!(build["status"], "ROLLBACK_COMPLETED");
    assert_eq!(statuses(&mut world, &build), ["Launch COMPLETED COMPLETED", "Test FAILED"]);
    let steps = steps(&mut world, &build);
    assert_eq!(time(&steps[1]["endTime"]) - time(&steps[1]["startTime"]), TimeDelta::seconds(1));
    assert!(time(&build["endTime"]) > time(&steps[1]["endTime"]));
    assert_eq!(state(&world, &image)["failureContext"]["failedStep"], "Test");
}

#[test]
fn the_instance_of_a_failed_build_is_kept_when_asked() {
    let mut world = world();
    put_web(&mut world);
    put_failing_component(&mut world, "broken", "build");
    use_component(&mut world, "broken");
    let infrastructure = world.imagebuilder.get_mut(&arn("infrastructure-configuration/builders")).unwrap();
    infrastructure.document.insert("terminateInstanceOnFailure", false.into());
    let image = start(&mut world, &[]);
    until(&mut world, &image, "FAILED");
    let build = executions(&mut world, &image)[0].clone();
    assert_eq!(build["status"], "FAILED");
    assert_eq!(
        statuses(&mut world, &build)[..2],
        ["LaunchBuildInstance COMPLETED SKIPPED", "ApplyBuildComponents FAILED"]
    );
}

#[test]
fn a_retried_build_goes_on_where_it_stopped() {
    let mut world = world();
    put_web(&mut world);
    put_failing_component(&mut world, "broken", "test");
    use_component(&mut world, "broken");
    let image = start(&mut world, &[]);
    until(&mut world, &image, "FAILED");
    let first = state(&world, &image);
    let seen = world.journal.entries().len();
    assert_eq!(call(&mut world, "RetryImage", json!({"imageBuildVersionArn": image}))["imageBuildVersionArn"], image);
    assert_eq!(state(&world, &image), json!({"status": "TESTING"}));
    let under_way = json!({"imageBuildVersionArn": image, "clientToken": "r"});
    assert_eq!(code(&mut world, "RetryImage", under_way), "ResourceInUseException");
    until(&mut world, &image, "FAILED");
    let again = state(&world, &image);
    assert_eq!(again["failureContext"]["componentFailure"], first["failureContext"]["componentFailure"]);
    assert_ne!(again["failureContext"]["workflowExecutionId"], first["failureContext"]["workflowExecutionId"]);
    let retried: Vec<_> = executions(&mut world, &image).iter().map(|it| it["retried"].clone()).collect();
    assert_eq!(retried, [false, true, false]);
    let sent = world.journal.entries()[seen..].iter().filter(|it| it.kind == journal::Kind::Notification);
    assert_eq!(sent.count(), 1);

    let component = world.imagebuilder.get_mut(&arn("component/broken/1.0.0/1")).unwrap();
    component.document.remove("data");
    call(&mut world, "RetryImage", json!({"imageBuildVersionArn": image}));
    until(&mut world, &image, "AVAILABLE");
    let document = &world.imagebuilder.get(&image).unwrap().document;
    assert_eq!(document["outputResources"]["amis"].as_array().unwrap().len(), 3);
    let refused = json!({"imageBuildVersionArn": image, "clientToken": "a"});
    assert_eq!(code(&mut world, "RetryImage", refused), "InvalidRequestException");
}

#[test]
fn a_distribution_is_looked_at_anew_and_a_build_is_not_retried() {
    let mut world = world();
    put_web(&mut world);
    let image = start(&mut world, &[]);
    world.imagebuilder.builds.get_mut(&image).unwrap().failure = Some(Box::new(super::super::failure::Failure {
        status: "DISTRIBUTING".into(),
        reason: "eu-west-1 is out of reach".into(),
        context: json!({"imageStatus": "DISTRIBUTING"}),
        summary: "out of reach".into(),
    }));
    until(&mut world, &image, "FAILED");
    let context = state(&world, &image)["failureContext"].clone();
    let distribution = executions(&mut world, &image)[2].clone();
    assert_eq!(context["workflowExecutionId"], distribution["workflowExecutionId"]);
    assert_eq!(context["failedStep"], "DistributeImage");
    let expected = ["DistributeImage FAILED", "ModifyImageAttributes SKIPPED", "ApplyImageConfigurations SKIPPED"];
    assert_eq!(statuses(&mut world, &distribution), expected);
    call(&mut world, "RetryImage", json!({"imageBuildVersionArn": image}));
    assert_eq!(world.imagebuilder.get(&image).unwrap().status(), "DISTRIBUTING");
    until(&mut world, &image, "AVAILABLE");

    put_failing_component(&mut world, "broken", "build");
    use_component(&mut world, "broken");
    let image = start(&mut world, &[]);
    until(&mut world, &image, "FAILED");
    let retry = json!({"imageBuildVersionArn": image, "clientToken": "r"});
    assert_eq!(code(&mut world, "RetryImage", retry), "InvalidRequestException");
}

#[test]
fn workflows_that_do_not_exist_or_are_too_many_are_refused() {
    let mut world = world();
    put_web(&mut world);
    let one = workflow(&mut world, "BUILD", "one", LAUNCH);
    let two = workflow(&mut world, "BUILD", "two", LAUNCH);
    let gone = json!({"workflowArn": arn("workflow/build/gone/x.x.x")});
    let role = json!("builder");
    for (workflows, role, refusal) in [
        (json!([one, two]), &role, "InvalidRequestException"),
        (json!([gone]), &role, "ResourceNotFoundException"),
        (json!([one]), &Value::Null, "InvalidRequestException"),
    ] {
        let mut input = json!({
            "imageRecipeArn": arn("image-recipe/web-server/1.0.0"), "workflows": workflows, "clientToken": "t",
            "infrastructureConfigurationArn": arn("infrastructure-configuration/builders"),
        });
        if !role.is_null() {
            input["executionRole"] = role.clone();
        }
        assert_eq!(code(&mut world, "CreateImage", input), refusal, "{workflows}");
    }
    let image = start(&mut world, &[json!({"workflowArn": arn("workflow/build/one/x.x.x")})]);
    let document = &world.imagebuilder.get(&image).unwrap().document;
    assert_eq!(document["workflows"][0]["workflowArn"], arn("workflow/build/one/1.0.0/1"));
}

#[test]
fn a_wait_is_told_on_the_bus_to_its_topic_and_to_its_function() {
    let mut world = world();
    put_web(&mut world);
    let steps = format!(
        "{}    inputs:\n      snsTopicArn: {TOPIC}\n      lambdaFunctionName: approve\n      payload: '{{\"a\": 1}}'\n",
        WAIT.replace("ABORT_OR_NOT", "Abort")
    );
    let workflow = workflow(&mut world, "BUILD", "asks", &steps);
    let image = start(&mut world, std::slice::from_ref(&workflow));
    until(&mut world, &image, "BUILDING");
    let build = executions(&mut world, &image)[0].clone();
    let step = steps_of_wait(&mut world, &build);
    let posted = world.posted();
    let event = Event::Waits { image_arn: image.clone(), step_execution_id: step.clone() };
    on(&mut world, event);
    let queue = std::cell::RefCell::new(Vec::new());
    world.first_due(|event| {
        queue.borrow_mut().push(format!("{event:?}"));
        false
    });
    let told = queue.into_inner();
    let bus = told.iter().find(|event| event.contains("EC2 Image Builder Workflow Step Waiting")).unwrap();
    for part in [&image, workflow["workflowArn"].as_str().unwrap(), &step, "workflow-step-name", "Approve"] {
        assert!(bus.contains(part), "{part} in {bus}");
    }
    let message = told.iter().find(|event| event.starts_with("Publish")).unwrap();
    assert!(message.contains(TOPIC) && message.contains("payload") && message.contains(&step), "{message}");
    let warnings = world.journal.entries().iter().filter(|entry| entry.kind == journal::Kind::Warning);
    assert!(warnings.clone().any(|entry| entry.detail.contains("function approve, which doesn't exist")));
    // What is told twice is told once.
    on(&mut world, Event::Waits { image_arn: image, step_execution_id: step });
    assert_eq!(world.posted(), posted + 3, "an event, a message and the end of the wait");
}

fn steps_of_wait(world: &mut World, build: &Value) -> String {
    steps(world, build)[0]["stepExecutionId"].as_str().unwrap().to_owned()
}
