//! Notifications and the sweep.

use super::fixtures::*;
use crate::event::Cause;
use crate::plan::{
    Action, AmiState, Content, DataType, Facts, Known, NotOwed, Parameter, Place, Plan, Reason, Trouble, content, owed,
    places, plan, to_verify,
};
use shared::image::{Container, Kind, Status};
use shared::plan::Outcome;
use shared::published::{ANNOUNCED, HOLD, Published};

const HOME: &str = "us-east-1";

fn notified(n: u32) -> Cause {
    Cause::Build(build(n))
}

fn sweep() -> Cause {
    Cause::Sweep(vec![])
}

/// The first step of a plan for one place, with its build.
fn one(facts: &Facts) -> (String, Option<u32>, String) {
    let plan = plan(facts, &settings(&[]));
    let step = plan.steps.first().unwrap_or_else(|| panic!("{plan:?}"));
    let (action, target) = match &step.action {
        Action::Write(target) => ("write", target),
        Action::Keep(target) => ("keep", target),
        Action::Label(target) => ("label", target),
        other => panic!("{other:?}"),
    };
    (action.to_owned(), target.build.as_ref().map(n), step.reason.to_string())
}

#[test]
fn the_newest_build_stands_last() {
    let older = |n: u32| format!("older than the published {}", build(n));
    let newer = |n: u32| format!("newer than the published {}", build(n));
    let buried = |n: u32| format!("the newest build has to stand last, not {}", build(n));
    for (asked, builds, action, written, reason) in [
        (4, vec![], "write", 4, "no build of the family is published here".to_owned()),
        (4, vec![3], "write", 4, newer(3)),
        (4, vec![1, 3, 2], "write", 4, newer(2)),
        (4, vec![4], "keep", 4, "already published as version 1".to_owned()),
        (4, vec![4, 3, 4], "keep", 4, "already published as version 3".to_owned()),
        (4, vec![4, 5], "keep", 4, older(5)),
        (4, vec![4, 3], "write", 4, buried(3)),
        (4, vec![5, 4], "write", 5, buried(4)),
    ] {
        let images = [image(asked, &[HOME]), image(5, &[HOME])];
        let facts = facts(notified(asked), &images, &[(HOME, history(HOME, &builds))]);
        assert_eq!(one(&facts), (action.to_owned(), Some(written), reason), "{asked} after {builds:?}");
    }
}

#[test]
fn what_is_not_available_is_not_written_and_nothing_older_takes_its_place() {
    let mut gone = image(5, &[HOME]);
    gone.status = Status::Deprecated;
    let by_hand = [history(HOME, &[4, 5]), vec![hand_made(3, None)]].concat();
    for (history, expected) in [
        (history(HOME, &[4, 5]), ("keep", 4, format!("older than the published {}", build(5)))),
        (history(HOME, &[5, 3]), ("write", 4, format!("newer than the published {}", build(3)))),
        (by_hand, ("keep", 4, format!("{} is DEPRECATED", build(5)))),
    ] {
        let facts = facts(sweep(), &[image(4, &[HOME]), gone.clone()], &[(HOME, history)]);
        let (action, written, reason) = expected;
        assert_eq!(one(&facts), (action.to_owned(), Some(written), reason));
    }
}

#[test]
fn what_somebody_changed_by_hand_is_put_right_unless_it_says_manual() {
    let own = build(4).to_string();
    for (last, action, reason) in [
        (hand_made(2, None), "write", "somebody else wrote version 2"),
        (hand_made(2, Some("a manually chosen AMI")), "write", "somebody else wrote version 2"),
        (
            hand_made(2, Some("Manual: pinned for the audit")),
            "keep",
            "somebody wrote version 2 and says in its description: manual",
        ),
        // What an update leaves out of the description stays as it was.
        (hand_made(2, Some(&own)), "write", "version 2 was changed: it doesn't hold what its build made"),
        (
            hand_made(2, Some("arn:aws:imagebuilder:eu-west-1:123456789012:image/web/9.0.0/1")),
            "keep",
            "arn:aws:imagebuilder:eu-west-1:123456789012:image/web/9.0.0/1 of the same name stands here",
        ),
    ] {
        let history = [history(HOME, &[4]), vec![last]].concat();
        for cause in [sweep(), notified(4)] {
            let facts = facts(cause, &[image(4, &[HOME])], &[(HOME, history.clone())]);
            assert_eq!(one(&facts), (action.to_owned(), Some(4), reason.to_owned()));
        }
    }
}

#[test]
fn a_parameter_that_is_held_is_left_and_put_right_if_it_was_overrun() {
    let label = |mut versions: Vec<Published>, held: usize| {
        versions[held].labels.insert(HOLD.to_owned());
        versions
    };
    let held = |n: u32, version: i64| format!("held at {} by the label hold on version {version}", build(n));
    let images = [image(2, &[HOME]), image(5, &[HOME])];
    for (builds, at, expected) in [
        (vec![3, 2], 1, ("keep", 5, held(2, 2))),
        (vec![2, 3, 2], 0, ("keep", 5, held(2, 1))),
        (vec![3, 2, 5], 1, ("write", 2, format!("held at {}, and something else stands last", build(2)))),
    ] {
        let facts = facts(notified(5), &images, &[(HOME, label(history(HOME, &builds), at))]);
        let (action, written, reason) = expected;
        assert_eq!(one(&facts), (action.to_owned(), Some(written), reason), "{builds:?}");
    }
}

#[test]
fn every_version_says_which_build_it_holds() {
    let facts = facts(notified(2), &[image(2, &[HOME])], &[(HOME, vec![version(1, 2, &[ANNOUNCED])])]);
    assert_eq!(one(&facts), ("label".to_owned(), Some(2), "version 1 lacks the label of its build".to_owned()));
}

#[test]
fn builds_that_have_nothing_to_publish_say_why() {
    let with = |change: fn(&mut shared::image::Image)| {
        let mut image = image(1, &[HOME]);
        change(&mut image);
        let Plan { steps, reason, .. } = plan(&facts(notified(1), &[image], &[]), &settings(&[]));
        assert!(steps.is_empty());
        reason.unwrap().to_string()
    };
    assert_eq!(with(|image| image.status = Status::Building), "the image is BUILDING");
    let failed = with(|image| (image.status, image.reason) = (Status::Failed, Some("no space".to_owned())));
    assert_eq!(failed, "the image is FAILED: no space");
    assert_eq!(with(|image| image.kind = Kind::Docker), "an image of type DOCKER has nothing to publish");
    assert_eq!(with(|image| image.kind = Kind::Other("ISO".to_owned())), "an image of type ISO has nothing to publish");
    let nothing = plan(&facts(sweep(), &[], &[]), &settings(&[]));
    assert_eq!(nothing.reason, Some(Reason::NoBuild));
    let mut unknown = facts(notified(1), &[], &[]);
    unknown.images.insert(build(1), Known::Gone);
    assert_eq!(plan(&unknown, &settings(&[])).reason, Some(Reason::Gone));
}

#[test]
fn places_are_those_of_outputs_and_those_that_it_is_shared_with() {
    let share = (
        "SHARE_TARGETS",
        r#"[{"accounts": ["111122223333", "444455556666"], "regions": ["us-east-1", "eu-west-1"], "families": ["w*"]}]"#,
    );
    let settings = settings(&[share]);
    let image = shared(image(1, &[HOME, "eu-west-1"]), HOME, OTHER);
    let told: Vec<String> = places([&image], &settings.share_targets).iter().map(ToString::to_string).collect();
    let expected =
        ["eu-west-1 of account 123456789012", "us-east-1 of account 111122223333", "us-east-1 of account 123456789012"];
    assert_eq!(told, expected);
    let at = |region: &str, account: &str| {
        let place = Place { region: region.to_owned(), account: account.to_owned() };
        content(&image, &place, &settings.share_targets).map(|content| content.value)
    };
    assert_eq!(at(HOME, OTHER), Some(ami(HOME, 1)));
    assert_eq!((at("eu-west-1", OTHER), at(HOME, "444455556666"), at("sa-east-1", ACCOUNT)), (None, None, None));
    let mut organization = image.clone();
    let permission = organization.permissions.get_mut(HOME).unwrap();
    permission.organizations.insert("arn:aws:organizations::123456789012:organization/o-a1".to_owned());
    assert_eq!(
        places([&organization], &settings.share_targets).len(),
        4,
        "the setting says which accounts belong to it"
    );

    let facts = facts(notified(1), &[image], &[]);
    let reasons: Vec<String> = plan(&facts, &settings).steps.iter().map(|step| step.reason.to_string()).collect();
    let not_shared = "the AMI isn't shared with this account, though ShareTargets names it";
    assert_eq!(reasons.iter().filter(|reason| *reason == not_shared).count(), 3);
}

#[test]
fn container_images_are_published_as_text() {
    let mut image = image(1, &[]);
    image.kind = Kind::Docker;
    let uris = vec!["123456789012.dkr.ecr.us-east-1.amazonaws.com/web:1".to_owned(), "…/web:latest".to_owned()];
    image.containers = vec![Container { region: HOME.to_owned(), uris }];
    let value = "123456789012.dkr.ecr.us-east-1.amazonaws.com/web:1,…/web:latest".to_owned();
    let mut facts = facts(notified(1), &[image], &[(HOME, vec![])]);
    let written = plan(&facts, &settings(&[])).steps.remove(0).action;
    let Action::Write(target) = written else { panic!("{written:?}") };
    assert_eq!(target.content, Some(Content { value: value.clone(), data_type: DataType::Text }));
    let published = Published { value, ..version(1, 1, &["v1.0.0-2"]) };
    facts.parameters.insert(place(HOME), Parameter::Read(vec![published]));
    let announcement = owed(&facts, &settings(&[])).unwrap().announcement;
    assert_eq!(announcement.containers[0].image_uris.len(), 2);
    assert!(announcement.amis.is_empty());
    assert!(announcement.attributes().contains(&("type", "DOCKER".to_owned())));
}

#[test]
fn the_plan_of_a_first_build_as_it_is_answered() {
    let image = image(0, &["eu-west-1", HOME]);
    let mut facts = facts(notified(0), &[image], &[(HOME, vec![])]);
    let error = "GetParameterHistory of /golden-images/web in eu-west-1: AccessDeniedException".to_owned();
    facts.parameters.insert(place("eu-west-1"), Parameter::Unread(Trouble { error, retryable: false }));
    let settings = settings(&[("CHANNELS", r#"{"dev": {"promote": "auto"}, "prod": {"promote": "manual"}}"#)]);
    insta::assert_snapshot!(serde_json::to_string_pretty(&plan(&facts, &settings)).unwrap());
}

#[test]
fn the_announcement_as_it_is_published() {
    let histories = [("eu-west-1", history("eu-west-1", &[4])), (HOME, history(HOME, &[1, 3, 2, 4]))];
    let facts = facts(notified(4), &[image(4, &["eu-west-1", HOME])], &histories);
    let owed = owed(&facts, &settings(&[])).unwrap();
    assert_eq!(owed.remembers, place(HOME));
    let attributes = owed.announcement.attributes();
    let attributes: Vec<_> = attributes.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(attributes, [("family", "web"), ("version", "1.1.0"), ("platform", "Linux"), ("type", "AMI")]);
    insta::assert_snapshot!(serde_json::to_string_pretty(&owed.announcement).unwrap());
}

#[test]
fn an_announcement_is_owed_once_and_by_the_newest_build_only() {
    let both = ["eu-west-1", HOME];
    let announces = |n: u32, europe: &[u32], america: &[u32], announced: Option<usize>| {
        let mut of_america = history(HOME, america);
        announced.map(|version| of_america[version].labels.insert(ANNOUNCED.to_owned()));
        let parameters = [("eu-west-1", history("eu-west-1", europe)), (HOME, of_america)];
        let facts = facts(notified(n), &[image(n, &both)], &parameters);
        let steps = plan(&facts, &settings(&[])).steps;
        let planned = steps.iter().any(|step| matches!(step.action, Action::Announce { .. }));
        assert_eq!(to_verify(&facts, &settings(&[])).is_empty(), announced.is_some_and(|at| america[at] == n));
        (planned, owed(&facts, &settings(&[])).is_ok())
    };
    assert_eq!(announces(2, &[], &[1], Some(0)), (true, false), "after the writes");
    assert_eq!(announces(2, &[2], &[1], Some(0)), (true, false), "one place failed before");
    assert_eq!(announces(2, &[2], &[1, 2], None), (true, true), "the message was lost");
    assert_eq!(announces(2, &[2], &[1, 2], Some(1)), (false, false), "it is out");
    assert_eq!(announces(2, &[], &[1, 2], Some(1)), (false, false), "a place that came later is no news");
    assert_eq!(announces(2, &[2, 3], &[1, 2], None), (false, false), "a newer build is on its way");
    assert_eq!(announces(1, &[1], &[1, 2], Some(1)), (false, false), "an older build");
}

#[test]
fn nothing_is_announced_that_ec2_does_not_call_available() {
    let states = [
        (Some(AmiState::Is("pending".to_owned())), "it is pending", true),
        (Some(AmiState::Is("disabled".to_owned())), "it is disabled", false),
        (Some(AmiState::Gone), "EC2 doesn't know it there", false),
        (Some(AmiState::Unread(Trouble { error: "throttled".to_owned(), retryable: true })), "throttled", true),
        (None, "it wasn't asked for", true),
    ];
    for (state, why, retryable) in states {
        let mut facts = facts(notified(1), &[image(1, &[HOME])], &[(HOME, history(HOME, &[1]))]);
        facts.amis = state.into_iter().map(|state| ((place(HOME), ami(HOME, 1)), state)).collect();
        let (ami, why) = (ami(HOME, 1), why.to_owned());
        assert_eq!(owed(&facts, &settings(&[])), Err(NotOwed::Unverified { place: place(HOME), ami, why, retryable }));
    }
    let mut changed = history(HOME, &[1]);
    changed[0].value = "ami-somebody's".to_owned();
    let facts = facts(notified(1), &[image(1, &[HOME])], &[(HOME, changed)]);
    assert_eq!(owed(&facts, &settings(&[])), Err(NotOwed::Missing(place(HOME))));
}

#[test]
fn a_place_that_could_not_be_read_fails_and_the_others_are_written() {
    let mut facts = facts(notified(4), &[image(4, &["eu-west-1", HOME])], &[(HOME, history(HOME, &[3]))]);
    let trouble = Trouble { error: "AccessDeniedException".to_owned(), retryable: false };
    facts.parameters.insert(place("eu-west-1"), Parameter::Unread(trouble));
    let steps = plan(&facts, &settings(&[])).steps;
    assert_eq!(steps.len(), 2, "nothing is announced: {steps:#?}");
    let failed = Outcome::Failed { error: "AccessDeniedException".to_owned(), retryable: false };
    assert_eq!((&steps[0].reason, &steps[0].outcome), (&Reason::Unread, &failed));
    assert!(matches!(&steps[1].action, Action::Write(target) if target.place == place(HOME)));
}
