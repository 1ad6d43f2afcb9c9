//! What is decided about single images, by table.

use super::fixtures::*;
use super::*;
use shared::image::Kind;
use shared::published::Published;
use shared::tags;
use std::collections::BTreeSet;

mod account;
mod back;

/// A change of a family's facts.
type Change<'a> = &'a dyn Fn(&mut FamilyFacts);

/// What is planned for build 1 of the family, after a change.
fn first(change: impl FnOnce(&mut FamilyFacts)) -> Decision {
    let mut web = family("web");
    change(&mut web);
    plan(&facts(vec![web]), &settings(), now(), None).of("web/1.0.1/1").clone()
}

/// That a change keeps build 1, for a reason of this name among others.
#[track_caller]
fn keeps(name: &str, change: impl FnOnce(&mut FamilyFacts)) {
    let decision = first(change);
    let names: Vec<_> = decision.step.reason.iter().map(Reason::name).collect();
    assert_eq!((decision.step.action.name(), names.contains(&name)), ("keep", true), "{name}: {names:?}");
}

fn usage(days: i64, count: u64) -> Usage {
    Usage::Read { at: day(-days), by: [(OTHER.to_owned(), count)].into() }
}

fn share(facts: &mut FamilyFacts, number: u32) {
    facts.ami(number).shares = Known::Is(Shares { accounts: [OTHER.to_owned()].into(), ..Shares::default() });
}

fn label(facts: &mut FamilyFacts, version: usize, label: &str) {
    facts.history()[version - 1].labels = BTreeSet::from([label.to_owned()]);
}

#[test]
fn superseded_images_are_deprecated_and_the_newest_kept() {
    let plan = plan(&facts(vec![family("web")]), &settings(), now(), None);
    for (image, short) in [
        ("web/1.0.6/1", ("keep", "published")),
        ("web/1.0.5/1", ("keep", "previous")),
        ("web/1.0.4/1", ("keep", "newest")),
        ("web/1.0.3/1", ("deprecate", "due")),
        ("web/1.0.1/1", ("deprecate", "due")),
    ] {
        assert_eq!(plan.short(image), short, "{image}");
    }
    let Decision { step, next, facts, .. } = plan.of("web/1.0.3/1");
    let tags = BTreeMap::from([(tags::DEPRECATED_AT.to_owned(), "2026-11-21T03:30:00Z".to_owned())]);
    assert_eq!(step.action, Action::Deprecate { tags });
    assert_eq!((facts.superseded, *next), (Some(day(-100)), Some(Next { step: Stage::Disable, at: day(30) })));
}

#[test]
fn what_is_published_is_kept() {
    keeps("published", |web| {
        let again = published(7, web.build(1), day(-1));
        web.history().push(again);
    });
    // By the AMI alone, whoever wrote it.
    keeps("published", |web| {
        let again = Published { build: None, ..published(7, web.build(1), day(-1)) };
        web.history().push(again);
    });
    keeps("previous", |web| {
        web.history().swap(0, 4);
        web.history()[0].version = 1;
        web.history()[4].version = 5;
    });
    keeps("channel", |web| label(web, 1, "prod"));
    keeps("channel", |web| label(web, 1, "prod-previous"));
    keeps("channel", |web| label(web, 1, "prod-hold"));
    keeps("channel", |web| label(web, 1, "hold"));
    for no_channel in ["announced", "v1.0.1-1"] {
        assert_eq!(first(|web| label(web, 1, no_channel)).step.action.name(), "deprecate", "{no_channel}");
    }
}

#[test]
fn what_stands_in_another_region_counts_too() {
    let elsewhere = |web: &mut FamilyFacts, history: Vec<Published>| {
        let ireland = Ami { region: "eu-west-1".to_owned(), id: "ami-ireland".to_owned(), ..ami("web", 1) };
        let at = At::of(&ireland);
        web.build(1).amis = Known::Is(vec![ireland.clone(), ami("web", 1)]);
        let references = References::None(BTreeSet::from([at.clone()]));
        web.amis.insert(ireland, AmiFacts { references, ..unused("available") });
        web.places.push(Place { at, history: Known::Is(history) });
    };
    let version = |number: u32, days: i64| published(number.into(), &build("web", number), day(-days));
    let action = |history: Vec<Published>| first(|web| elsewhere(web, history)).step.action;
    assert_eq!(action(vec![]).name(), "deprecate", "the family isn't published there");
    assert_eq!(action(vec![version(1, 130), version(2, 120), version(3, 40)]).name(), "deprecate");
    keeps("younger", |web| elsewhere(web, vec![version(1, 130), version(2, 29)]));
    keeps("published", |web| elsewhere(web, vec![version(1, 130)]));
    keeps("missing", |web| {
        elsewhere(web, vec![]);
        web.places.pop();
    });
}

#[test]
fn a_newer_build_has_to_be_published_without_a_break() {
    let history = |web: &mut FamilyFacts, versions: &[(u32, i64)]| {
        let versions = versions
            .iter()
            .zip(1..)
            .map(|((number, days), version)| published(version, &build("web", *number), day(-days)));
        *web.history() = versions.collect();
    };
    // Back to 1.0.1 and forward again 20 days ago.
    keeps("younger", |web| {
        *web.build(2) = web.build(1).clone();
        web.build(1).amis = Known::Is(vec![ami("web", 2)]);
        history(web, &[(2, 120), (3, 110), (6, 100), (4, 20), (5, 10)]);
        let Published { build, .. } = &mut web.history()[2];
        *build = Some(arn("web/1.0.0/1"));
    });
    keeps("not-superseded", |web| {
        history(web, &[(1, 130), (3, 100), (4, 90)]);
        for published in web.history().iter_mut().skip(1) {
            published.build = Some(arn("web/0.9.0/1"));
        }
    });
    keeps("missing", |web| {
        let by_hand =
            Published { build: None, value: "ami-by-hand".to_owned(), ..published(7, &build("web", 6), day(-1)) };
        web.history().push(by_hand);
    });
    keeps("unpublished", |web| web.history().clear());
    keeps("missing", |web| web.places[0].history = Known::Unread("AccessDenied".to_owned()));
}

#[test]
fn the_policy_of_the_pipelines_counts() {
    let tagged = |key: &'static str, value: &'static str| {
        move |web: &mut FamilyFacts| drop(web.pipelines[0].tags.insert(key.to_owned(), value.to_owned()))
    };
    keeps("newest", tagged(tags::KEEP, "6"));
    keeps("younger", tagged(tags::DEPRECATE_AFTER, "200d"));
    keeps("never", tagged(tags::RETIRE, "never"));
    keeps("missing", tagged(tags::KEEP, "all"));
    let mut web = family("web").disabled(1, 70);
    tagged(tags::KEEP, "all")(&mut web);
    let plan = plan(&facts(vec![web]), &settings(), now(), None);
    assert_eq!(
        plan.skipped["web"],
        ["the tag goldsmith:keep=all of web can't be read: expected a number from 1 to 1000"]
    );
    assert!(plan.decisions.iter().all(|decision| decision.step.action == Action::Keep));
}

#[test]
fn tags_keep_images() {
    keeps("keep-image", |web| web.tag(1, tags::KEEP_IMAGE, ""));
    keeps("keep-image", |web| drop(web.registered(1).tags.insert(tags::KEEP_IMAGE.to_owned(), "audit".to_owned())));
    keeps("missing", |web| web.build(1).tags = Known::Unread("AccessDenied".to_owned()));
}

#[test]
fn use_keeps_images() {
    let instance = Reference { kind: "ec2:Instance".to_owned(), arn: "arn:aws:ec2:…:instance/i-1".to_owned() };
    keeps("in-use", |web| web.ami(1).references = References::Some(vec![instance]));
    keeps("missing", |web| web.ami(1).references = References::Unread("RequestLimitExceeded".to_owned()));
    keeps("missing", |web| web.ami(1).references = References::None(BTreeSet::from([at("eu-west-1")])));
    keeps("missing", |web| web.ami(1).references = References::Some(Vec::new()));
    keeps("missing", |web| drop(web.amis.remove(&ami("web", 1))));
    keeps("launched", |web| web.registered(1).last_launched = Some(day(-30)));
    keeps("launched", |web| web.registered(1).last_launched = Some(day(1)));
    let long_ago = first(|web| web.registered(1).last_launched = Some(day(-31)));
    assert_eq!(long_ago.step.action.name(), "deprecate");
}

#[test]
fn reports_of_an_image_are_asked_for_together() {
    let mut web = family("web");
    let second = Ami { region: "eu-west-1".to_owned(), ..ami("web", 1) };
    let Known::Is(amis) = &mut web.build(1).amis else { panic!("they are known") };
    amis.insert(0, second.clone());
    share(&mut web, 1);
    web.ami(1).usage = usage(2, 0);
    let mut other = web.ami(1).clone();
    other.references = References::None(BTreeSet::from([At::of(&second)]));
    other.usage = usage(1, 0);
    web.amis.insert(second.clone(), other);
    web.places.push(Place { at: At::of(&second), history: web.places[0].history.clone() });
    let plan = plan(&facts(vec![web]), &settings(), now(), None);
    let asked: BTreeSet<&Ami> = plan.of("web/1.0.1/1").ask.iter().collect();
    assert_eq!(
        asked,
        [&second, &ami("web", 1)].into(),
        "the one that is a day old now is stale when the other is there"
    );
}

#[test]
fn shares_need_a_fresh_report() {
    let with = |usage: Usage| {
        first(|web| {
            share(web, 1);
            web.ami(1).usage = usage;
        })
    };
    for (usage, name, asks) in [
        (Usage::Absent, "no-usage-report", true),
        (Usage::Pending, "no-usage-report", false),
        (Usage::Failed("InternalError".to_owned()), "no-usage-report", true),
        (Usage::Unread("AccessDenied".to_owned()), "missing", false),
        (usage(2, 0), "no-usage-report", true),
        (usage(1, 3), "in-use", false),
        (usage(1, 0), "due", false),
    ] {
        let decision = with(usage.clone());
        assert_eq!(decision.step.reason[0].name(), name, "{usage:?}");
        assert_eq!(decision.ask == [ami("web", 1)], asks, "{usage:?}");
    }
    keeps("missing", |web| web.ami(1).shares = Known::Unread("AccessDenied".to_owned()));
    keeps("public", |web| {
        web.ami(1).shares = Known::Is(Shares { public: true, ..Shares::default() });
        web.ami(1).usage = usage(0, 0);
    });
}

#[test]
fn what_was_changed_outside_is_kept_and_reported() {
    for (name, change) in [
        ("ami-gone", (|web| web.ami(1).registered = Known::Is(None)) as fn(&mut FamilyFacts)),
        ("protected", |web| web.registered(1).protected = true),
        ("outside", |web| web.registered(1).tags.clear()),
        ("outside", |web| drop(web.registered(1).tags.insert("CreatedBy".to_owned(), "somebody".to_owned()))),
        ("disagree", |web| web.registered(1).state = "disabled".to_owned()),
        ("disagree", |web| web.registered(1).deprecation_time = Some(day(-1))),
        ("disagree", |web| drop(web.registered(1).tags.insert("Ec2ImageBuilderArn".to_owned(), "other".to_owned()))),
        ("by-others", |web| web.build(1).status = Status::Deprecated),
        ("by-others", |web| web.build(1).status = Status::Disabled),
    ] {
        keeps(name, change);
        let mut web = family("web");
        change(&mut web);
        let plan = plan(&facts(vec![web]), &settings(), now(), None);
        assert_eq!((plan.odd.len(), plan.counts.odd), (1, 1), "{name}");
        assert_eq!((&plan.odd[0].image, plan.odd[0].reason.name()), (&arn("web/1.0.1/1"), name));
    }
}

#[test]
fn what_is_not_known_keeps_images() {
    keeps("missing", |web| {
        // By whom isn't known.
        web.build(1).status = Status::Deprecated;
        web.build(1).tags = Known::Unread("throttled".to_owned());
    });
    keeps("missing", |web| web.build(1).amis = Known::Unread("two in one Region".to_owned()));
    keeps("missing", |web| web.build(1).amis = Known::Is(Vec::new()));
    keeps("missing", |web| web.build(1).execution = Known::Unread("AccessDenied".to_owned()));
    keeps("missing", |web| web.ami(1).registered = Known::Unread("AuthFailure".to_owned()));
    keeps("missing", |web| web.missing.push("ListImageBuildVersions failed".to_owned()));
    keeps("missing", |web| web.build(1).kind = Kind::Other("DISK".to_owned()));
    keeps("container", |web| web.build(1).kind = Kind::Docker);
    keeps("in-flight", |web| web.build(1).status = Status::Distributing);
    keeps("in-flight", |web| web.build(1).status = Status::Other("NEW".to_owned()));
    keeps("deleted", |web| web.build(1).status = Status::Deleted);
    let mut all = facts(vec![family("web")]);
    all.account.missing.push("ListImagePipelines failed".to_owned());
    assert_eq!(plan(&all, &settings(), now(), None).short("web/1.0.1/1"), ("keep", "missing"));
}

#[test]
fn an_execution_that_has_not_ended_is_waited_for() {
    let execution = |status: &str| Execution {
        id: "lce-1".to_owned(),
        status: status.to_owned(),
        reason: None,
        started: None,
        resources: Vec::new(),
    };
    for status in ["IN_PROGRESS", "PENDING", "CANCELLING", "SOMETHING_NEW"] {
        keeps("under-way", |web| web.build(1).execution = Known::Is(Some(execution(status))));
    }
    for (status, follow_ups) in [("SUCCESS", 0), ("FAILED", 1), ("CANCELLED", 1)] {
        let mut web = family("web");
        web.build(1).execution = Known::Is(Some(execution(status)));
        let plan = plan(&facts(vec![web]), &settings(), now(), None);
        assert_eq!((plan.follow_ups.len(), plan.short("web/1.0.1/1").0), (follow_ups, "deprecate"), "{status}");
    }
}

#[test]
fn each_step_waits_for_its_time() {
    for (web, days, expected) in [
        (family("web").deprecated(1, 29), 29, ("keep", "younger")),
        (family("web").deprecated(1, 30), 30, ("disable", "due")),
        (family("web").disabled(1, 59), 59, ("keep", "younger")),
        (family("web").disabled(1, 60), 60, ("delete", "due")),
    ] {
        let plan = plan(&facts(vec![web]), &settings(), now(), None);
        assert_eq!(plan.short("web/1.0.1/1"), expected, "{days}");
    }
    let waiting = plan(&facts(vec![family("web").deprecated(1, 10)]), &settings(), now(), None);
    assert_eq!(waiting.of("web/1.0.1/1").next, Some(Next { step: Stage::Disable, at: day(20) }));
    keeps("missing", |web| {
        *web = family("web").deprecated(1, 40);
        web.tag(1, tags::DEPRECATED_AT, "yesterday");
    });
}

#[test]
fn builds_that_failed_are_deleted_after_their_own_age() {
    for status in [Status::Failed, Status::Cancelled] {
        let failed = |days: i64, change: Change| {
            first(|web| {
                web.build(1).status = status.clone();
                web.build(1).created = Known::Is(day(-days));
                change(web);
            })
        };
        assert_eq!(failed(14, &|_| {}).step.action, Action::Delete);
        let young = failed(13, &|_| {});
        assert_eq!((young.step.action.name(), young.step.reason[0].name()), ("keep", "younger"));
        assert_eq!(young.next, Some(Next { step: Stage::Delete, at: day(1) }));
        // Nothing was made, or nothing is left.
        assert_eq!(failed(20, &|web| web.build(1).amis = Known::Is(Vec::new())).step.action, Action::Delete);
        assert_eq!(failed(20, &|web| web.ami(1).registered = Known::Is(None)).step.action, Action::Delete);
        let kept: [(&str, Change); 5] = [
            ("launched", &|web| web.registered(1).last_launched = Some(day(-3))),
            ("keep-image", &|web| web.tag(1, tags::KEEP_IMAGE, "")),
            ("missing", &|web| web.ami(1).references = References::Unread("AccessDenied".to_owned())),
            ("container", &|web| web.build(1).containers = vec!["repository:1".to_owned()]),
            ("missing", &|web| web.build(1).created = Known::Unread("no date".to_owned())),
        ];
        for (name, change) in kept {
            let decision = failed(20, change);
            assert_eq!((decision.step.action, decision.step.reason[0].name()), (Action::Keep, name));
        }
    }
}

#[test]
fn ec2_is_asked_about_candidates_only() {
    let mut web = family("web").deprecated(2, 5);
    web.tag(1, tags::KEEP_IMAGE, "");
    let names = |web: &FamilyFacts| -> Vec<u32> {
        let found = candidates(&AccountFacts::default(), web, &settings(), now());
        found.into_iter().map(|it| it.build.arn.version.patch).collect()
    };
    assert_eq!(names(&web), [2, 3], "one is kept by its tag, three are the newest");
    web.amis.clear();
    for build in &mut web.builds {
        build.execution = Known::Unread("not asked".to_owned());
    }
    assert_eq!(names(&web), [2, 3], "it doesn't depend on what is asked for");
    web.build(3).status = Status::Failed;
    assert_eq!(names(&web), [2, 3]);
}
