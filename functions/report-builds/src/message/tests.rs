//! Every kind of report as it goes out.

use crate::facts::*;
use crate::fixtures::*;
use crate::message::Message;
use crate::plan::{Action, plan};
use crate::remember::{Case, Memory};
use crate::settings::ChatFormat;
use chrono::TimeDelta;
use shared::image::Status;

/// The one report that the facts lead to.
fn report(facts: &Facts) -> Message {
    let plan = plan(facts, &settings());
    let reports = plan.steps.into_iter().filter_map(|step| match step.action {
        Action::Report { message, .. } => Some(*message),
        _ => None,
    });
    let mut reports: Vec<_> = reports.collect();
    assert_eq!(reports.len(), 1, "{:#?}", reports.iter().map(|it| &it.subject).collect::<Vec<_>>());
    reports.remove(0)
}

/// Subject, attributes, text and chat JSON, as a snapshot of that name.
fn shown(name: &str, facts: &Facts) {
    let message = report(facts);
    assert!(message.subject.len() < 100 && message.subject.is_ascii());
    assert!(message.text.contains("\nWhat to do\n  1. "), "it ends with its next step");
    let attributes: Vec<_> = message.attributes.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert!(message.attributes.iter().all(|(_, value)| !value.is_empty()));
    let chat = serde_json::to_string_pretty(message.chat.as_ref().unwrap()).unwrap();
    let shown = format!("{}\n[{}]\n\n{}\n{chat}", message.subject, attributes.join(", "), message.text);
    insta::assert_snapshot!(name, shown);
}

#[test]
fn a_component_failed_while_building() {
    let mut facts = failed(
        Some(component_failure(Status::Building, "build", "InstallAgent")),
        "SSM execution 'c183a4a5-e29b-4074-8385-96d1f2a4b526' failed with status = 'Failed' in state = 'BUILDING'",
    );
    facts.detail(4).inputs = inputs("2026.11.16/1", "1.4.0/2");
    let message = "Component install-agent failed";
    facts.detail(4).executions =
        Known::Is(vec![execution("BUILD", "ApplyBuildComponents", "ExecuteComponents", message)]);
    shown("failed_component_build", &facts);
}

#[test]
fn a_component_failed_while_testing() {
    let mut facts = failed(Some(component_failure(Status::Testing, "test", "PortIsOpen")), "");
    facts.detail(4).build_type = Some("USER_INITIATED".to_owned());
    shown("failed_component_test", &facts);
}

#[test]
fn whoever_began_a_build_is_named_as_far_as_anybody_knows() {
    let said = |change: fn(&mut Build)| {
        let mut facts = facts(&[Status::Available, Status::Cancelled]);
        change(facts.detail(2));
        let text = report(&facts).text;
        let line = text.lines().find_map(|line| line.strip_prefix("Started by:").map(|by| by.trim().to_owned()));
        line.unwrap_or_default()
    };
    assert_eq!(said(|_| {}), "the pipeline's schedule");
    let by_hand = said(|build| build.build_type = Some("USER_INITIATED".to_owned()));
    assert!(by_hand.starts_with("somebody by hand, or a program other than Goldsmith"), "{by_hand}");
    let by_goldsmith = said(|build| {
        build.build_type = Some("USER_INITIATED".to_owned());
        build.tags.insert(shared::tags::STARTED_FOR.to_owned(), "parent base 1.0.0/4".to_owned());
    });
    assert_eq!(by_goldsmith, "Goldsmith's start-pipelines, for parent base 1.0.0/4");
    assert_eq!(said(|build| build.build_type = Some("IMPORT".to_owned())), "an import");
    assert_eq!(said(|build| build.build_type = None), "");
}

#[test]
fn details_that_could_not_be_read_are_told_and_nothing_is_tried_again() {
    let regions = vec![region("us-east-1", None, "FAILED", Some(THROTTLED))];
    let mut facts = failed(Some(distribution_failure(regions)), "");
    facts.detail(4).executions = Known::Unread("ListWorkflowExecutions: AccessDeniedException".to_owned());
    shown("failed_details_unread", &facts);
}

#[test]
fn distribution_failed_for_good() {
    let denied = "Not authorized to perform sts:AssumeRole on \
                  arn:aws:iam::111122223333:role/EC2ImageBuilderDistributionCrossAccountRole";
    let mut template = region("eu-central-1", None, "FAILED", Some("The specified launch template doesn't exist."));
    template.step = Some("UPDATE_LAUNCH_TEMPLATES".to_owned());
    let regions = vec![
        region("eu-central-1", Some("111122223333"), "FAILED", Some(denied)),
        template,
        region("us-east-1", None, "CANCELLED", None),
    ];
    shown("failed_distribution", &failed(Some(distribution_failure(regions)), "Distribution failed."));
}

#[test]
fn distribution_failed_for_a_reason_that_passes() {
    let regions =
        vec![region("us-east-1", None, "FAILED", Some(THROTTLED)), region("ap-south-1", None, "TIMED_OUT", None)];
    shown("failed_distribution_retried", &failed(Some(distribution_failure(regions)), ""));
}

#[test]
fn no_capacity() {
    let message = "We currently do not have sufficient m7i.large capacity in the Availability Zone you requested \
                   (eu-west-1b). (Service: Ec2, Status Code: 500, Error Code: InsufficientInstanceCapacity)";
    let mut facts = failed(Some(failure(Status::Building, "LaunchBuildInstance")), "");
    facts.detail(4).executions = Known::Is(vec![execution("BUILD", "LaunchBuildInstance", "LaunchInstance", message)]);
    shown("failed_capacity", &facts);
}

#[test]
fn a_workflow_timed_out() {
    let reason = "SSM execution '9ace18ad-a601-4163-a66a-9a4a634e5294' failed with status = 'TimedOut' in state = \
                  'BUILDING' and failure message = 'Step timed out while step is Poll action status for completion.'";
    shown("failed_time_out", &failed(Some(failure(Status::Building, "ApplyBuildComponents")), reason));
}

#[test]
fn a_workflow_step_failed() {
    let reason = "Workflow Execution ID: 'wf-0d4fc061-ae57-4c30-8f41-529dbe607182' failed with reason: Workflow step \
                  'LaunchBuildInstance' failed in state = 'BUILDING'. Value (web-server-profile) for parameter \
                  iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name";
    shown("failed_step", &failed(Some(failure(Status::Building, "LaunchBuildInstance")), reason));
}

#[test]
fn image_builder_gives_only_a_reason_and_no_pipeline_made_it() {
    let mut facts = failed(None, "An internal error has occurred.");
    let pipeline = facts.pipelines.remove(0);
    facts.loose = pipeline.builds.get().unwrap()[3..].to_vec();
    facts.detail(4).logs.s3 = None;
    shown("failed_without_context", &facts);
}

#[test]
fn a_build_was_cancelled() {
    shown("cancelled", &facts(&[Status::Available, Status::Cancelled]));
}

#[test]
fn a_build_succeeds_after_some_failed() {
    let mut facts = facts(&[Status::Available, Status::Failed, Status::Failed, Status::Available]);
    let mut memory = Memory::default();
    for build in [2, 3] {
        let mark = summary(build, Status::Failed).created;
        let case = Case::Wrong { key: "0123abcd", mark, since: mark };
        memory = memory.after(&case, mark + TimeDelta::minutes(33), TimeDelta::days(7)).0;
    }
    facts.pipelines[0].tags.insert("goldsmith:report-build-failed".to_owned(), memory.to_string());
    shown("recovered", &facts);
}

#[test]
fn the_same_again_after_a_week() {
    let mut facts = failed(Some(component_failure(Status::Building, "build", "InstallAgent")), "");
    let mut memory = Memory::default();
    let first = plan(&facts, &settings());
    let Action::Report { remember, .. } = &first.steps[0].action else { panic!("{first:?}") };
    let key = remember.value.as_ref().unwrap()[1..9].to_owned();
    for day in (1..=9).rev() {
        let mark = summary(4, Status::Failed).created - TimeDelta::days(day);
        memory = memory.after(&Case::Wrong { key: &key, mark, since: mark }, mark, TimeDelta::days(30)).0;
    }
    facts.pipelines[0].tags.insert("goldsmith:report-build-failed".to_owned(), memory.to_string());
    shown("failed_again", &facts);
}

#[test]
fn findings_some_of_which_the_newest_parent_fixes() {
    shown("cve_detected", &scanned(newer_parent()));
}

#[test]
fn findings_without_a_newer_parent() {
    let mut facts = scanned(Known::Is(None));
    let Known::Is(scan) = &mut facts.detail(4).scan else { panic!() };
    scan.findings.retain(|finding| finding.id == "CVE-2026-1999");
    shown("cve_without_fix", &facts);
}

#[test]
fn a_step_waits() {
    let mut facts = facts(&[Status::Available, Status::Testing]);
    facts.detail(2).waiting = Known::Is(vec![waiting_step(STEP, "WaitForApproval")]);
    shown("step_waiting", &facts);
    let other = "step-2f61e283-c079-4e52-a163-74bfd0829304";
    facts.detail(2).waiting =
        Known::Is(vec![waiting_step(STEP, "WaitForSecurity"), waiting_step(other, "WaitForOwner")]);
    shown("steps_waiting", &facts);
}

#[test]
fn a_pipeline_was_disabled() {
    let mut facts = facts(&[Status::Available]);
    let pipeline = &mut facts.pipelines[0];
    (pipeline.enabled, pipeline.consecutive_failures) = (false, 5);
    pipeline.last_run = Some(at("2026-11-20T03:58:02Z"));
    shown("pipeline_disabled", &facts);
}

#[test]
fn a_pipeline_did_not_run() {
    let mut facts = facts(&[Status::Available]);
    facts.pipelines[0].next_run = Some(at("2026-11-19T02:55:00Z"));
    facts.pipelines[0].last_run = Some(at("2026-11-18T02:55:21Z"));
    shown("pipeline_not_run", &facts);
}

#[test]
fn a_recipe_uses_what_is_withdrawn() {
    let reference = |rest: &str, role, state| Reference { reference: arn(rest), role, state };
    let mut facts = facts(&[Status::Available]);
    let deprecated = ReferenceState::Deprecated("use install-agent 2.x".to_owned());
    let agent = reference("component/install-agent/1.x.x", Role::Component, deprecated);
    let usable = reference("component/harden/1.0.0", Role::Component, ReferenceState::Usable);
    facts.pipelines[0].references = Known::Is(vec![usable, agent.clone()]);
    shown("inputs_deprecated", &facts);
    let none = ReferenceState::Gone("no build of it is AVAILABLE".to_owned());
    let base = reference("image/base/x.x.x", Role::Parent, none);
    facts.pipelines[0].references = Known::Is(vec![agent, base]);
    shown("inputs_gone", &facts);
}

#[test]
fn a_family_is_stale() {
    let mut of_age = facts(&[Status::Available]);
    of_age.family(Known::Unasked);
    of_age.now = at("2027-01-09T06:00:00Z");
    shown("family_stale", &of_age);
    let mut empty = facts(&[]);
    empty.family(Known::Unasked);
    empty.pipelines[0].enabled = false;
    shown("family_without_build", &empty);
}

#[test]
fn a_published_ami_is_gone() {
    shown("ami_deregistered", &published(|places| places[1].held().ami = Known::Is(AmiState::Gone)));
    shown("ami_disabled", &published(|places| places[0].held().ami = Known::Is(AmiState::Disabled)));
}

#[test]
fn a_parameter_was_refused() {
    let facts = published(|places| {
        places[1].refusal = Some("Unable to Describe Resource".to_owned());
        *places[1].held() = Holds {
            version: 2,
            value: "ami-0eucentral12".to_owned(),
            build: Some(build_arn(2)),
            ..places[1].held().clone()
        };
    });
    // The same place differs from the truth, too, but not yet for so long that this is told.
    let fresh = Facts { now: at("2026-11-19T05:20:42Z"), ..facts };
    shown("parameter_refused", &fresh);
}

#[test]
fn published_parameters_differ() {
    let facts = published(|places| {
        places[0].holds = Known::Is(None);
        *places[1].held() = Holds {
            version: 2,
            value: "ami-0eucentral12".to_owned(),
            build: Some(build_arn(2)),
            ..places[1].held().clone()
        };
    });
    shown("published_differs", &Facts { now: at("2026-11-21T06:00:00Z"), ..facts });
}

#[test]
fn dead_letters() {
    let mut facts = facts(&[]);
    facts.pipelines.clear();
    let arn = "arn:aws:sqs:eu-west-1:123456789012:goldsmith-FanOutAmisDeadLetters-1A2B3C".to_owned();
    facts.queues = Known::Is(vec![Queue { arn, depth: 3, tags: Tags::new() }]);
    shown("dead_letters", &facts);
}

#[test]
fn chat_is_published_beside_the_text_and_only_if_wanted() {
    let facts = facts(&[Status::Cancelled]);
    let (body, structure) = report(&facts).published();
    assert_eq!(structure, Some("json"));
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    let chat: serde_json::Value = serde_json::from_str(body["https"].as_str().unwrap()).unwrap();
    assert_eq!((chat["version"].as_str(), chat["source"].as_str()), (Some("1.0"), Some("custom")));
    assert_eq!(body["default"].as_str().unwrap(), report(&facts).text);
    let plain = crate::Settings { chat: ChatFormat::None, ..settings() };
    let plan = plan(&facts, &plain);
    let Action::Report { message, .. } = &plan.steps[0].action else { panic!("{plan:?}") };
    assert_eq!(message.published(), (message.text.clone(), None));
}

#[test]
fn links_and_commands_are_of_the_partition_and_region() {
    let mut facts = failed(Some(failure(Status::Building, "LaunchBuildInstance")), "no such profile");
    facts.function = "arn:aws-cn:lambda:cn-north-1:123456789012:function:report-builds".parse().unwrap();
    let text = report(&facts).text;
    assert!(text.contains("https://cn-north-1.console.amazonaws.cn/imagebuilder/"), "{text}");
    assert!(text.contains("--region cn-north-1"), "{text}");
}

/// What a service may say at its worst: much of it, of any kind.
const FLOOD: &str = "<&\u{e4}\u{1f600}\"\\\u{1}\n```";

/// A message that SNS and chat take, whatever it says.
fn fits(facts: &Facts) {
    let message = report(facts);
    let (body, _) = message.published();
    assert!(body.len() < 200 * 1024, "SNS takes 256 KiB: {}", body.len());
    assert!(message.subject.len() < 100 && message.subject.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
    assert!(message.text.chars().all(|c| c == '\n' || !c.is_control()), "{:?}", message.text);
    assert!(message.text.contains("\nWhat to do\n  1. "), "it ends with its next step");
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    let chat: serde_json::Value = serde_json::from_str(body["https"].as_str().unwrap()).unwrap();
    let description = chat["content"]["description"].as_str().unwrap();
    assert!(description.chars().count() < 12_000 && description.matches("```").count().is_multiple_of(2));
    assert!(chat["metadata"]["summary"].as_str().unwrap().chars().count() <= 250);
}

#[test]
fn a_flood_of_words_is_cut() {
    let flood = FLOOD.repeat(800);
    let mut component = component_failure(Status::Building, "build", "InstallAgent");
    let failed_component = component.component.as_mut().unwrap();
    failed_component.message = Some(format!("{flood}the end"));
    failed_component.step = Some(flood.clone());
    let many = (0..200).map(|n| region(&format!("eu-{n}"), None, "FAILED", Some(&flood))).collect();
    for failure in [component, distribution_failure(many)] {
        let mut facts = failed(Some(failure), &flood);
        facts.detail(4).executions = Known::Is(vec![execution("BUILD", &flood, &flood, &flood)]);
        fits(&facts);
        assert!(report(&facts).text.contains("more characters)"), "what is cut is said");
        facts.detail(4).executions = Known::Unread(flood.clone());
        facts.detail(4).inputs.components = (0..500).map(|n| arn(&format!("component/{n}/1.0.0/1"))).collect();
        facts.detail(4).tags.insert(shared::tags::STARTED_FOR.to_owned(), flood.clone());
        facts.detail(4).build_type = Some("USER_INITIATED".to_owned());
        fits(&facts);
    }
}

#[test]
fn a_flood_of_things_is_cut() {
    let mut facts = scanned(newer_parent());
    let flood = FLOOD.repeat(200);
    let Known::Is(scan) = &mut facts.detail(4).scan else { panic!() };
    let packages: Vec<Package> = (0..50).map(|n| package(&format!("{n}{flood}"), &flood, Some(&flood))).collect();
    scan.findings = (0..3000)
        .map(|n| Finding {
            url: Some(format!("https://example.com/{n}")),
            ..finding(&format!("{n}{flood}"), FindingSeverity::High, packages[..n % 3 + 1].to_vec())
        })
        .collect();
    fits(&facts);
    assert!(report(&facts).text.contains("and 2980 more"));

    let mut facts = self::facts(&[Status::Available, Status::Testing]);
    let steps = (0..300).map(|n| WaitingStep {
        description: Some(flood.clone()),
        ..waiting_step(&format!("step-{n}"), &format!("Wait{n}"))
    });
    facts.detail(2).waiting = Known::Is(steps.collect());
    fits(&facts);
    assert!(report(&facts).text.contains("290 more wait"));

    let gone = published(|places| {
        *places = (0..900).map(|n| place(&format!("eu-west-{n}"), "123456789012")).collect();
        places.iter_mut().for_each(|place| place.held().ami = Known::Is(AmiState::Gone));
    });
    fits(&gone);
    assert!(report(&gone).text.contains("and 870 more"));

    let mut facts = self::facts(&[Status::Available]);
    let gone = |n| Reference {
        reference: format!("ami-{n}"),
        role: Role::Component,
        state: ReferenceState::Gone(flood.clone()),
    };
    facts.pipelines[0].references = Known::Is((0..400).map(gone).collect());
    fits(&facts);
}

#[test]
fn names_that_are_not_ascii_stay_in_the_text_and_not_in_the_subject() {
    let mut failure = component_failure(Status::Building, "build", "Gr\u{fc}\u{df}e");
    failure.component.as_mut().unwrap().message = Some("\u{65e5}\u{672c}\u{8a9e} failed".to_owned());
    let message = report(&failed(Some(failure), ""));
    assert_eq!(
        message.subject,
        "[error] web-server 2.0.1/4 failed: component install-agent 1.4.0/2, phase build, step Gr??e"
    );
    assert!(message.text.contains("step Gr\u{fc}\u{df}e") && message.text.contains("\u{65e5}\u{672c}\u{8a9e} failed"));
    assert!(message.chat.unwrap().to_string().contains("Gr\u{fc}\u{df}e"));
}
