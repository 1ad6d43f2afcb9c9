use super::*;
use crate::plan::fixtures::*;
use crate::plan::{Execution, ExecutionResource, Known, Made, Reference, References, plan};
use crate::settings::Settings;
use shared::tags;

/// A bit of everything.
fn some_plan(settings: &Settings) -> Plan {
    let mut web = family("web").disabled(1, 70).deprecated(2, 40);
    web.registered(1).snapshots[0].gib = 30;
    let mut base = family("base").deprecated(1, 10).deprecated(2, 12);
    base.ami(1).references = References::Some(vec![Reference {
        kind: "ec2:Instance".to_owned(),
        arn: "arn:aws:ec2:us-east-1:123456789012:instance/i-0123456789abcdef0".to_owned(),
    }]);
    base.registered(3).protected = true;
    base.build(2).execution = Known::Is(Some(Execution {
        id: "lce-401aefc3-a829-46f6-8fc2-91497988a503".to_owned(),
        status: "FAILED".to_owned(),
        reason: Some("1 of 1 resources failed".to_owned()),
        started: None,
        resources: vec![ExecutionResource {
            id: "ami-base-2".to_owned(),
            region: Some("us-east-1".to_owned()),
            action: Some("DEPRECATE".to_owned()),
            status: "FAILED".to_owned(),
            reason: Some("UnauthorizedOperation".to_owned()),
        }],
    }));
    let mut app = family("app");
    app.pipelines[0].tags.insert(tags::KEEP.to_owned(), "many".to_owned());
    plan(&facts(vec![web, base, app]), settings, now(), None)
}

#[test]
fn a_plan_is_told_in_plain_text() {
    let plan = some_plan(&settings());
    let report = Report { plan: &plan, only_planned: Some("the stack's Mode is plan") };
    assert!(report.is_worth_sending());
    insta::assert_snapshot!("planned", format!("{}\n\n{report}", report.subject()));
}

#[test]
fn what_is_held_back_is_said_first() {
    let plan = some_plan(&Settings { max_per_run: 1, ..settings() });
    let report = Report { plan: &plan, only_planned: None };
    insta::assert_snapshot!("held-back", format!("{}\n\n{report}", report.subject()));
}

#[test]
fn what_failed_is_told_with_its_error() {
    let mut plan = some_plan(&settings());
    for (index, decision) in plan.decisions.iter_mut().filter(|it| it.step.action != Action::Keep).enumerate() {
        decision.step.outcome = match index {
            0 => Outcome::Failed { error: "StartResourceStateUpdate: AccessDenied".to_owned(), retryable: false },
            1 => Outcome::skipped("ami-web-2 is in use by instance/i-1"),
            _ => Outcome::Done(Made::default()),
        };
    }
    let report = Report { plan: &plan, only_planned: None };
    insta::assert_snapshot!("carried-out", format!("{}\n\n{report}", report.subject()));
}

#[test]
fn nothing_to_tell_is_not_sent_and_subjects_are_short() {
    let mut web = family("web");
    web.builds.retain(|build| build.arn.version.patch > 3);
    let quiet = plan(&facts(vec![web]), &settings(), now(), None);
    let report = Report { plan: &quiet, only_planned: None };
    assert!(!report.is_worth_sending());
    assert_eq!(report.subject(), "Image retirement: nothing to change");
    let mut plan = some_plan(&settings());
    for count in plan.counts.actions.values_mut() {
        *count = 50_000;
    }
    let subject = Report { plan: &plan, only_planned: Some("") }.subject();
    assert!(subject.len() <= 100 && subject.is_ascii(), "{subject}");
}

#[test]
fn a_plan_is_a_document() {
    let plan = some_plan(&settings());
    insta::assert_snapshot!("plan", serde_json::to_string_pretty(&plan).unwrap());
}
