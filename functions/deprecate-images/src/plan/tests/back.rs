//! The way back, and what a step that was broken off leaves behind.

use super::*;

fn share_tags(shares: &[(At, Shares)]) -> BTreeMap<String, String> {
    shares::encode(&shares.iter().cloned().collect(), 2).unwrap()
}

fn with_other() -> Shares {
    Shares { accounts: [OTHER.to_owned()].into(), ..Shares::default() }
}

/// Build 1 was disabled so many days ago while it was shared.
fn disabled_and_shared(days: i64) -> FamilyFacts {
    let mut web = family("web").disabled(1, days);
    for (key, value) in share_tags(&[(at("us-east-1"), with_other())]) {
        web.tag(1, &key, &value);
    }
    web
}

#[test]
fn a_claim_brings_back_what_was_deprecated_or_disabled() {
    let instance = Reference { kind: "ec2:Instance".to_owned(), arn: "arn:aws:ec2:…:instance/i-1".to_owned() };
    let claims: [(&str, Change); 7] = [
        ("in-use", &|web| web.ami(1).references = References::Some(vec![instance.clone()])),
        ("launched", &|web| web.registered(1).last_launched = Some(day(-1))),
        ("channel", &|web| label(web, 1, "prod")),
        ("keep-image", &|web| web.tag(1, tags::KEEP_IMAGE, "")),
        ("newest", &|web| drop(web.pipelines[0].tags.insert(tags::KEEP.to_owned(), "6".to_owned()))),
        ("younger", &|web| drop(web.pipelines[0].tags.insert(tags::DEPRECATE_AFTER.to_owned(), "200d".to_owned()))),
        ("never", &|web| drop(web.pipelines[0].tags.insert(tags::RETIRE.to_owned(), "never".to_owned()))),
    ];
    for (name, change) in claims {
        for mut web in [
            family("web").deprecated(1, 5),
            family("web").deprecated(1, 40),
            disabled_and_shared(5),
            disabled_and_shared(70),
        ] {
            change(&mut web);
            let from = web.build(1).status.clone();
            let marks: Vec<String> =
                web.build(1).tags.get().unwrap().keys().filter(|it| *it != tags::KEEP_IMAGE).cloned().collect();
            let shares = if from == Status::Disabled { vec![(ami("web", 1), with_other())] } else { Vec::new() };
            let plan = plan(&facts(vec![web]), &settings(), now(), None);
            assert_eq!(plan.short("web/1.0.1/1"), ("restore", name));
            assert_eq!(plan.of("web/1.0.1/1").step.action, Action::Restore { from, shares, untag: marks });
        }
    }
}

#[test]
fn what_is_only_missing_brings_nothing_back() {
    for web in [family("web").deprecated(1, 40), family("web").disabled(1, 70)] {
        let changes: [Change; 5] = [
            &|web| web.ami(1).references = References::Unread("AccessDenied".to_owned()),
            &|web| web.places[0].history = Known::Unread("AccessDenied".to_owned()),
            &|web| web.registered(1).protected = true,
            &|web| web.history().clear(),
            &|web| web.ami(1).registered = Known::Is(None),
        ];
        for change in changes {
            let mut web = web.clone();
            change(&mut web);
            let plan = plan(&facts(vec![web]), &settings(), now(), None);
            assert_eq!(plan.of("web/1.0.1/1").step.action, Action::Keep);
        }
    }
}

#[test]
fn publishing_history_that_is_lost_brings_nothing_back() {
    let mut web = family("web").deprecated(1, 10);
    // A hundred versions later, the oldest is of yesterday.
    web.history().drain(..5);
    web.history()[0].modified = Some(aws_sdk_imagebuilder::primitives::DateTime::from_secs(day(-1).timestamp()));
    let plan = plan(&facts(vec![web]), &settings(), now(), None);
    assert_eq!(plan.short("web/1.0.1/1"), ("keep", "younger"));
}

#[test]
fn launch_permissions_are_kept_before_disabling() {
    let mut web = family("web").deprecated(1, 30);
    share(&mut web, 1);
    web.ami(1).usage = usage(0, 0);
    web.tag(1, "goldsmith:shares-1", "02 us-east-1/123456789012");
    web.tag(1, "goldsmith:shares-2", "444455556666");
    let plan = plan(&facts(vec![web]), &settings(), now(), None);
    let mut expected = share_tags(&[(at("us-east-1"), with_other())]);
    expected.insert(tags::DISABLED_AT.to_owned(), "2026-11-21T03:30:00Z".to_owned());
    let untag = vec!["goldsmith:shares-2".to_owned()];
    assert_eq!(plan.of("web/1.0.1/1").step.action, Action::Disable { tags: expected, untag });
}

#[test]
fn permissions_that_do_not_fit_into_tags_keep_an_image_from_being_disabled() {
    let mut web = family("web").deprecated(1, 30);
    let accounts = (0..1000).map(|number| format!("{number:012}")).collect();
    web.ami(1).shares = Known::Is(Shares { accounts, ..Shares::default() });
    web.ami(1).usage = usage(0, 0);
    let plan = plan(&facts(vec![web]), &settings(), now(), None);
    assert_eq!(plan.short("web/1.0.1/1"), ("keep", "too-many-shares"));
}

#[test]
fn a_disabling_that_was_broken_off_is_taken_up_without_forgetting_permissions() {
    let mut web = family("web").deprecated(1, 30);
    web.tag(1, tags::DISABLED_AT, &day(-1).to_rfc3339());
    for (key, value) in share_tags(&[(at("us-east-1"), with_other())]) {
        web.tag(1, &key, &value);
    }
    // EC2 has disabled the AMI and dropped its permissions, Image Builder's record doesn't say so.
    web.registered(1).state = "disabled".to_owned();
    web.ami(1).usage = usage(0, 0);
    let plan = plan(&facts(vec![web]), &settings(), now(), None);
    let Action::Disable { tags, untag } = &plan.of("web/1.0.1/1").step.action else { panic!("{plan:?}") };
    assert_eq!(shares::decode(tags).unwrap(), [(at("us-east-1"), with_other())].into());
    assert!(untag.is_empty());
}

#[test]
fn a_way_back_that_was_broken_off_is_finished() {
    let mut web = disabled_and_shared(5);
    web.build(1).status = Status::Available;
    web.registered(1).state = "available".to_owned();
    let plan = plan(&facts(vec![web.clone()]), &settings(), now(), None);
    assert_eq!(plan.short("web/1.0.1/1"), ("restore", "unfinished"));
    let Action::Restore { from: Status::Available, shares, untag } = &plan.of("web/1.0.1/1").step.action else {
        panic!("{plan:?}")
    };
    assert_eq!(*shares, [(ami("web", 1), with_other())]);
    assert_eq!(*untag, [tags::DEPRECATED_AT, tags::DISABLED_AT, "goldsmith:shares-1"]);
}

#[test]
fn a_deprecation_that_was_broken_off_is_repeated_or_forgotten() {
    let mut web = family("web").deprecated(1, 5);
    web.build(1).status = Status::Available;
    let repeated = plan(&facts(vec![web.clone()]), &settings(), now(), None);
    assert_eq!(repeated.short("web/1.0.1/1"), ("deprecate", "due"));
    label(&mut web, 1, "prod");
    let forgotten = plan(&facts(vec![web]), &settings(), now(), None);
    let untag = vec![tags::DEPRECATED_AT.to_owned()];
    let restore = Action::Restore { from: Status::Available, shares: Vec::new(), untag };
    assert_eq!(forgotten.of("web/1.0.1/1").step.action, restore);
}

#[test]
fn a_deletion_that_was_broken_off_is_taken_up() {
    let mut web = family("web").disabled(1, 70);
    web.ami(1).registered = Known::Is(None);
    web.ami(1).shares = Known::Unread("InvalidAMIID.NotFound".to_owned());
    let deleted = |status: &str| ExecutionResource {
        id: "ami-web-1".to_owned(),
        region: None,
        action: Some("DELETE".to_owned()),
        status: status.to_owned(),
        reason: None,
    };
    for (status, expected) in [("SUCCESS", "delete"), ("FAILED", "keep")] {
        web.build(1).execution = Known::Is(Some(Execution {
            id: "lce-1".to_owned(),
            status: "FAILED".to_owned(),
            reason: None,
            started: None,
            resources: vec![deleted(status)],
        }));
        let plan = plan(&facts(vec![web.clone()]), &settings(), now(), None);
        assert_eq!(plan.short("web/1.0.1/1").0, expected, "{status}");
    }
}

#[test]
fn tags_of_permissions_that_somebody_changed_keep_everything_as_it_is() {
    let mut web = disabled_and_shared(70);
    web.tag(1, "goldsmith:shares-1", "02 us-east-1/123456789012 111122223333");
    let kept = plan(&facts(vec![web.clone()]), &settings(), now(), None);
    assert_eq!(kept.short("web/1.0.1/1"), ("keep", "missing"));
    web.tag(1, tags::KEEP_IMAGE, "");
    let back = plan(&facts(vec![web]), &settings(), now(), None);
    let Action::Restore { shares, untag, .. } = &back.of("web/1.0.1/1").step.action else { panic!("{back:?}") };
    assert!(shares.is_empty() && !untag.contains(&"goldsmith:shares-1".to_owned()), "they are left for people");
}

#[test]
fn reports_are_asked_for_a_day_before_they_are_needed() {
    for (days, asks, name) in [(28, false, "younger"), (29, true, "younger"), (30, true, "no-usage-report")] {
        let mut web = family("web").deprecated(1, days);
        share(&mut web, 1);
        let plan = plan(&facts(vec![web]), &settings(), now(), None);
        let decision = plan.of("web/1.0.1/1");
        assert_eq!((decision.ask.len() == 1, plan.short("web/1.0.1/1")), (asks, ("keep", name)), "{days}");
    }
    let plan = plan(&facts(vec![disabled_and_shared(60)]), &settings(), now(), None);
    assert_eq!(plan.short("web/1.0.1/1"), ("keep", "no-usage-report"), "it was shared");
}

#[test]
fn who_else_may_use_it_matters_when_its_step_is_near() {
    let mut web = family("web").deprecated(1, 10);
    web.ami(1).shares = Known::Unread("it isn't asked yet".to_owned());
    let near = |web: &FamilyFacts| {
        let found = candidates(&AccountFacts::default(), web, &settings(), now());
        found.into_iter().find(|it| it.build.arn.version.patch == 1).map(|it| it.is_near)
    };
    assert_eq!(near(&web), Some(false));
    let all = plan(&facts(vec![web.clone()]), &settings(), now(), None);
    assert_eq!(all.of("web/1.0.1/1").step.reason.len(), 1, "only that it waits");
    assert_eq!(all.short("web/1.0.1/1"), ("keep", "younger"));
    // Whoever claims it is seen all the same.
    let arn = "arn:aws:ec2:…:instance/i-1".to_owned();
    web.ami(1).references = References::Some(vec![Reference { kind: "ec2:Instance".to_owned(), arn }]);
    assert_eq!(plan(&facts(vec![web]), &settings(), now(), None).short("web/1.0.1/1"), ("restore", "in-use"));
    // And when it is due nothing may be missing, at the last look too: that one knows no tags of pipelines.
    let mut due = family("web").deprecated(1, 30);
    assert_eq!(near(&due), Some(true));
    let decided = plan(&facts(vec![due.clone()]), &settings(), now(), None);
    due.ami(1).shares = Known::Unread("AccessDenied".to_owned());
    let build = due.build(1).clone();
    let fresh = Fresh { build, places: due.places, amis: due.amis };
    let longer = Settings {
        policy: crate::policy::Policy { disable_after: shared::age::Age::days(90), ..settings().policy },
        ..settings()
    };
    let reasons = recheck(decided.of("web/1.0.1/1"), fresh, &longer, now()).unwrap_err();
    assert_eq!(reasons[0].name(), "missing");
}

#[test]
fn the_last_look_sees_what_changed() {
    let web = family("web").disabled(1, 70);
    let plan = plan(&facts(vec![web.clone()]), &settings(), now(), None);
    let fresh = |change: Change| {
        let mut web = web.clone();
        change(&mut web);
        let build = web.build(1).clone();
        recheck(plan.of("web/1.0.1/1"), Fresh { build, places: web.places, amis: web.amis }, &settings(), now())
    };
    assert_eq!(fresh(&|_| {}), Ok(()));
    let instance = Reference { kind: "ec2:Instance".to_owned(), arn: "arn:aws:ec2:…:instance/i-1".to_owned() };
    let changes: [(&str, Change); 8] = [
        ("in-use", &|web| web.ami(1).references = References::Some(vec![instance.clone()])),
        ("missing", &|web| web.ami(1).references = References::Unread("AccessDenied".to_owned())),
        ("channel", &|web| label(web, 1, "prod")),
        ("keep-image", &|web| web.tag(1, tags::KEEP_IMAGE, "")),
        ("missing", &|web| web.build(1).status = Status::Available),
        ("missing", &|web| web.build(1).amis = Known::Is(Vec::new())),
        ("missing", &|web| web.amis.clear()),
        ("disagree", &|web| web.registered(1).state = "available".to_owned()),
    ];
    for (name, change) in changes {
        assert_eq!(fresh(change).unwrap_err()[0].name(), name);
    }
}

#[test]
fn permissions_that_changed_since_they_were_kept_stop_the_disabling() {
    let web = family("web").deprecated(1, 40);
    let plan = plan(&facts(vec![web.clone()]), &settings(), now(), None);
    let look = |shared: bool| {
        let mut web = web.clone();
        if shared {
            share(&mut web, 1);
            web.ami(1).usage = usage(0, 0);
        }
        let build = web.build(1).clone();
        recheck(plan.of("web/1.0.1/1"), Fresh { build, places: web.places, amis: web.amis }, &settings(), now())
    };
    assert!(look(false).is_ok() && look(true).is_err());
}

#[test]
fn launch_permissions_are_not_forgotten_while_the_amis_are_unknown() {
    let mut web = disabled_and_shared(5);
    web.build(1).status = Status::Available;
    let amis = std::mem::replace(&mut web.build(1).amis, Known::Unread("throttled".to_owned()));
    let unread = plan(&facts(vec![web.clone()]), &settings(), now(), None);
    assert_eq!(unread.of("web/1.0.1/1").step.action, Action::Keep);
    web.build(1).amis = amis;
    let read = plan(&facts(vec![web]), &settings(), now(), None);
    let Action::Restore { shares, .. } = &read.of("web/1.0.1/1").step.action else { panic!("it is taken up again") };
    assert_eq!(*shares, [(ami("web", 1), with_other())]);
}
