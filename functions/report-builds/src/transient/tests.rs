use super::*;
use crate::facts::{Execution, Facts, Known, StepRun};
use crate::fixtures::*;

fn of(facts: &mut Facts) -> Build {
    facts.detail(4).clone()
}

#[test]
fn only_what_passes_by_itself_in_test_or_distribution_is_tried_again() {
    let denied = Some("not authorized to perform sts:AssumeRole");
    let component = |phase, message: &str| {
        let mut failure = component_failure(phase, "test", "Probe");
        failure.component.as_mut().unwrap().message = Some(message.to_owned());
        failure
    };
    let distribution = |regions| distribution_failure(regions);
    for (failure, reason, expected) in [
        (distribution(vec![region("us-east-1", None, "FAILED", Some(THROTTLED))]), "", Some(Passing::Throttling)),
        (distribution(vec![region("us-east-1", None, "TIMED_OUT", None)]), "", Some(Passing::TimeOut)),
        (
            distribution(vec![
                region("us-east-1", None, "FAILED", Some(THROTTLED)),
                region("eu-west-2", None, "CANCELLED", None),
            ]),
            "",
            Some(Passing::Throttling),
        ),
        // One Region that stays as it is spoils it.
        (
            distribution(vec![
                region("us-east-1", None, "FAILED", Some(THROTTLED)),
                region("eu-west-2", None, "FAILED", denied),
            ]),
            "",
            None,
        ),
        (distribution(vec![region("us-east-1", None, "FAILED", None)]), "Rate exceeded", None),
        (distribution(vec![]), "", None),
        (failure(Status::Testing, "LaunchTestInstance"), "InsufficientInstanceCapacity", Some(Passing::Capacity)),
        (
            failure(Status::Testing, "LaunchTestInstance"),
            "status = 'TimedOut' in state = 'TESTING'",
            Some(Passing::TimeOut),
        ),
        (failure(Status::Testing, "LaunchTestInstance"), "Invalid IAM Instance Profile name", None),
        (failure(Status::Integrating, "UpdateTemplates"), "Throttling: Rate exceeded", Some(Passing::Throttling)),
        // A component's own failure never is, whatever it says.
        (component(Status::Testing, "connection timed out"), "Rate exceeded", None),
        // Building isn't where RetryImage goes on.
        (failure(Status::Building, "LaunchBuildInstance"), "Rate exceeded", None),
        (failure(Status::Creating, "LaunchBuildInstance"), "InsufficientInstanceCapacity", None),
    ] {
        let build = of(&mut failed(Some(failure.clone()), reason));
        assert_eq!(passing(&build), expected, "{failure:?} {reason}");
    }
    let mut container = of(&mut failed(Some(failure(Status::Testing, "LaunchTestInstance")), "Rate exceeded"));
    assert_eq!(passing(&container), Some(Passing::Throttling));
    container.inputs.recipe = arn("container-recipe/web/1.0.0");
    assert_eq!(passing(&container), None);
    assert_eq!(passing(&of(&mut failed(None, "Rate exceeded"))), None);
}

#[test]
fn every_row_of_the_table_is_found_and_nothing_ordinary_is() {
    for (words, passing) in TABLE {
        assert_eq!(named_in(&format!("Error: {} here", words.to_uppercase())), Some(*passing), "{words}");
    }
    for text in ["", "exit status 1", "AccessDenied", "The image id 'ami-1' does not exist", "KMS key is disabled"] {
        assert_eq!(named_in(text), None, "{text}");
    }
}

#[test]
fn each_failed_execution_causes_one_attempt_up_to_the_limit() {
    let mut build =
        of(&mut failed(Some(distribution_failure(vec![region("us-east-1", None, "FAILED", Some(THROTTLED))])), ""));
    let settings = settings();
    let passing = Passing::Throttling;
    assert_eq!(retry(&build, &settings), Retry::Now { attempt: 1, passing });
    assert_eq!(retry(&build, &Settings { max_retries: 0, ..settings.clone() }), Retry::No { tried: 0 });
    build.tags.insert(tags::RETRIED.to_owned(), written(1, &build));
    assert_eq!(build.tags[tags::RETRIED], format!("1 {EXECUTION}"));
    assert_eq!(retry(&build, &settings), Retry::Asked { attempt: 1, passing }, "the event comes twice");
    let next = |build: &mut Build, id: &str| build.failure.as_mut().unwrap().execution = Some(id.to_owned());
    next(&mut build, "wf-2");
    assert_eq!(retry(&build, &settings), Retry::Now { attempt: 2, passing });
    let mut retried = execution("DISTRIBUTION", "DistributeImage", "DistributeImage", THROTTLED);
    (retried.id, retried.retried) = ("wf-2".to_owned(), true);
    let seen = Build { executions: Known::Is(vec![retried]), ..build.clone() };
    assert_eq!(retry(&seen, &settings), Retry::Asked { attempt: 1, passing }, "Image Builder says it was retried");
    build.tags.insert(tags::RETRIED.to_owned(), written(2, &build));
    next(&mut build, "wf-3");
    assert_eq!(retry(&build, &settings), Retry::No { tried: 2 });
    // Without an execution, one failure can't be told from the next: one attempt, no more.
    build.failure.as_mut().unwrap().execution = None;
    build.tags.remove(tags::RETRIED);
    assert_eq!(retry(&build, &settings), Retry::Now { attempt: 1, passing });
    build.tags.insert(tags::RETRIED.to_owned(), written(1, &build));
    assert_eq!(retry(&build, &settings), Retry::No { tried: 1 });
}

#[test]
fn what_is_not_known_is_not_tried_again() {
    let throttled = distribution_failure(vec![region("us-east-1", None, "FAILED", Some(THROTTLED))]);
    let mut build = of(&mut failed(Some(throttled), ""));
    for unknown in [Known::Unread("AccessDeniedException".to_owned()), Known::Unasked] {
        build.executions = unknown;
        assert!(passing(&build).is_some());
        assert_eq!(retry(&build, &settings()), Retry::No { tried: 0 });
    }
}

#[test]
fn attempts_that_no_tag_tells_of_count_as_well() {
    let throttled = distribution_failure(vec![region("us-east-1", None, "FAILED", Some(THROTTLED))]);
    let mut build = of(&mut failed(Some(throttled), ""));
    let (settings, passing) = (settings(), Passing::Throttling);
    let run =
        |id: &str, retried| Execution { id: id.to_owned(), retried, ..execution("DISTRIBUTION", "D", "D", THROTTLED) };
    let mut runs = vec![run("wf-1", true), run(EXECUTION, false)];
    build.executions = Known::Is(runs.clone());
    assert_eq!(retry(&build, &settings), Retry::Now { attempt: 2, passing });
    // Of executions side by side, the one that failed caused the attempt.
    runs.push(Execution { status: "CANCELLED".to_owned(), ..run("wf-0", true) });
    build.executions = Known::Is(runs.clone());
    assert_eq!(retry(&build, &settings), Retry::Now { attempt: 2, passing });
    runs.push(run("wf-2", true));
    build.executions = Known::Is(runs);
    assert_eq!(retry(&build, &settings), Retry::No { tried: 2 });
}

#[test]
fn of_a_step_that_failed_several_times_the_named_attempt_counts() {
    let failure = failure(Status::Testing, "LaunchTestInstance");
    let mut build = of(&mut failed(Some(failure), ""));
    let mut runs = execution("TEST", "LaunchTestInstance", "LaunchInstance", "Rate exceeded");
    let first =
        StepRun { id: "step-1".to_owned(), message: Some("no such profile".to_owned()), ..runs.steps[0].clone() };
    runs.steps.insert(0, first);
    build.executions = Known::Is(vec![runs.clone()]);
    assert_eq!(build.failed_step().map(|step| step.id.as_str()), Some(STEP));
    assert_eq!(passing(&build), Some(Passing::Throttling));
    build.failure.as_mut().unwrap().step_execution = None;
    assert_eq!(build.failed_step().map(|step| step.id.as_str()), Some("step-1"));
    assert_eq!(passing(&build), None);
}
