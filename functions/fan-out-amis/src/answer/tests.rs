use super::*;
use crate::plan::{ChannelTarget, Made, Place, Target};
use serde_json::{Value, json};

fn build(number: u32) -> shared::arn::ImageBuildArn {
    format!("arn:aws:imagebuilder:us-east-1:123456789012:image/web/1.0.0/{number}").parse().unwrap()
}

fn target(region: &str) -> Target {
    let place = Place { region: region.to_owned(), account: "123456789012".to_owned() };
    Target { place, parameter: "/golden-images/web".to_owned(), build: Some(build(3)), content: None }
}

fn step(action: Action, reason: Reason, outcome: Outcome<Made>) -> Step {
    Step { action, reason, outcome }
}

fn done(version: i64) -> Outcome<Made> {
    Outcome::Done(Made::Version { parameter_version: version })
}

fn unreachable() -> Step {
    let outcome = Outcome::Failed { error: "GetParameterHistory of it: no answer".to_owned(), retryable: true };
    step(Action::Keep(target("eu-west-1")), Reason::Unread, outcome)
}

fn kept() -> Step {
    step(Action::Keep(target("us-east-1")), Reason::Published(7), Outcome::SKIPPED)
}

fn plan(steps: Vec<Step>) -> Plan {
    Plan { family: "web".to_owned(), image: Some(build(3)), reason: None, steps }
}

fn answer(cause: Cause, plans: Plans) -> Value {
    let result = Handled::Plans(plans);
    let run = Run { message_id: None, cause: Some(cause.to_string()), dry_run: false, calls: 9, result };
    serde_json::to_value(Answer::of(vec![run])).unwrap()
}

#[test]
fn what_was_done_where_is_told_in_one_line_and_in_full() {
    let message = Made::Message { message_id: "m-1".to_owned(), event_id: "e-1".to_owned() };
    let announce =
        Action::Announce { topic: "arn:aws:sns:us-east-1:123456789012:t".into(), event_bus: "default".into() };
    let steps = vec![
        step(Action::Write(target("eu-west-1")), Reason::Newer(build(2)), done(4)),
        step(Action::Write(target("us-east-1")), Reason::ByHand(6), done(7)),
        step(announce, Reason::Unannounced, Outcome::Done(message)),
    ];
    insta::assert_json_snapshot!(answer(Cause::Build(build(3)), Plans::of(vec![plan(steps)])));
}

#[test]
fn what_failed_is_counted_and_nothing_is_complete_then() {
    let told = answer(Cause::Build(build(3)), Plans::of(vec![plan(vec![unreachable(), kept()])]));
    assert_eq!(told["summary"], "web 1.0.0/3 became AVAILABLE: 1 failed");
    assert_eq!(told["complete"], false);
    let outcomes = &told["runs"][0]["outcomes"];
    assert_eq!((&outcomes["failed"], &outcomes["unreachable"]), (&json!(1), &json!(1)));
    let failed = Failed::Apply(Box::new(Plans::of(vec![plan(vec![unreachable(), kept()])])));
    assert_eq!(
        failed.to_string(),
        "1 of 2 actions failed for arn:aws:imagebuilder:us-east-1:123456789012:image/web/1.0.0/3: eu-west-1 of account \
         123456789012: failed (GetParameterHistory of it: no answer); us-east-1 of account 123456789012: skipped (already \
         published as version 7)"
    );
    assert_eq!(Diagnostic::from(failed).error_type, "Retryable");
}

#[test]
fn the_sweep_names_what_changed_and_what_it_did_not_come_to() {
    let channel = |name: &str| {
        let Target { place, parameter, build, .. } = target("us-east-1");
        Action::Promote(ChannelTarget { place, parameter, channel: name.to_owned(), build })
    };
    let moved = plan(vec![kept(), step(channel("staging"), Reason::Soaked(86_400), done(7))]);
    let late = Family {
        partition: "aws".to_owned(),
        region: "us-east-1".to_owned(),
        account: "123456789012".to_owned(),
        name: "shop".to_owned(),
    };
    let late = (late, Trouble { error: "the invocation's time was up".to_owned(), retryable: true });
    let plans = Plans::of_sweep(vec![Ok(plan(vec![kept()])), Ok(moved), Err(late)]);
    assert!(plans.has_failures());
    let told = answer(Cause::Sweep(Vec::new()), plans);
    assert_eq!(told["summary"], "all families: promoted in 1 place, 1 not reached");
    assert_eq!((&told["complete"], &told["runs"][0]["unchanged"]), (&json!(false), &json!(1)));
    assert_eq!(told["runs"][0]["families"].as_array().unwrap().len(), 1);
    assert_eq!(told["runs"][0]["notReached"][0]["family"], "shop");
    let told = answer(Cause::Sweep(vec!["web".to_owned()]), Plans::of_sweep(vec![Ok(plan(vec![kept()]))]));
    assert_eq!((&told["summary"], &told["complete"]), (&json!("the families web: nothing to do"), &json!(true)));
}

#[test]
fn a_command_that_cannot_be_followed_is_not_complete_but_an_idle_notification_is() {
    let idle = |reason| Plans::of(vec![Plan { reason: Some(reason), ..plan(Vec::new()) }]);
    let command = Command::Rollback { family: "web".to_owned(), channel: None, to: None };
    let told = answer(Cause::Command(command), idle(Reason::NothingBefore));
    assert_eq!(told["summary"], "roll back web: nothing was published before that could be rolled back to");
    assert_eq!(told["complete"], false);
    let told = answer(Cause::Build(build(3)), idle(Reason::Gone));
    assert_eq!(told["summary"], "web 1.0.0/3 became AVAILABLE: Image Builder doesn't know the image");
    assert_eq!(told["complete"], true);
}

#[test]
fn causes_are_told_as_they_were_given() {
    let channel = Some("prod".to_owned());
    for (command, told) in [
        (
            Command::Promote { family: "web".to_owned(), channel: "prod".to_owned(), to: Wanted::Latest },
            "promote prod of web to latest",
        ),
        (Command::Rollback { family: "web".to_owned(), channel: channel.clone(), to: None }, "roll back prod of web"),
        (
            Command::Rollback { family: "web".to_owned(), channel: None, to: Some(Wanted::Arn(build(2))) },
            "roll back web to 1.0.0/2",
        ),
        (Command::Release { family: "web".to_owned(), channel }, "release prod of web"),
        (Command::Show { family: "web".to_owned() }, "show web"),
    ] {
        assert_eq!(Cause::Command(command).to_string(), told);
    }
}
