//! What depends on other families, and the circuit breaker.

use super::*;

/// Two families, the second made of the first: build N of `web` of build N of `base`, by its AMI.
fn base_and_web() -> Facts {
    let mut web = family("web");
    for build in &mut web.builds {
        build.parent = Parent::Ami(ami("base", build.arn.version.patch).id);
    }
    facts(vec![family("base"), web])
}

#[test]
fn parents_stay_with_their_kept_children_and_go_with_the_others() {
    let all = base_and_web();
    let plan_of = |all: &Facts| plan(all, &settings(), now(), None);
    assert_eq!(plan_of(&all).short("base/1.0.1/1"), ("deprecate", "due"), "its child is deprecated, too");
    for reverse in [false, true] {
        let mut all = all.clone();
        all.families[1].tag(1, tags::KEEP_IMAGE, "");
        if reverse {
            all.families.reverse();
        }
        assert_eq!(plan_of(&all).short("base/1.0.1/1"), ("keep", "parent-of-image"));
        assert_eq!(plan_of(&all).short("base/1.0.2/1"), ("deprecate", "due"));
    }
    let mut back = all.clone();
    back.families[1].tag(1, tags::KEEP_IMAGE, "");
    back.families[0] = family("base").disabled(1, 70);
    assert_eq!(plan_of(&back).short("base/1.0.1/1"), ("restore", "parent-of-image"));
    back.families[1].build(1).tags = Known::Unread("AccessDenied".to_owned());
    assert_eq!(plan_of(&back).short("base/1.0.1/1"), ("keep", "parent-of-image"), "that isn't known for sure");
}

#[test]
fn grandparents_stay_too() {
    let mut all = base_and_web();
    let mut app = family("app");
    app.build(1).parent = Parent::Build(arn("web/1.0.1/1"));
    app.tag(1, tags::KEEP_IMAGE, "");
    all.families.push(app);
    let plan = plan(&all, &settings(), now(), None);
    for family in ["web", "base"] {
        assert_eq!(plan.short(&format!("{family}/1.0.1/1")), ("keep", "parent-of-image"));
        assert_eq!(plan.short(&format!("{family}/1.0.2/1")), ("deprecate", "due"));
    }
}

#[test]
fn parents_that_are_not_known_keep_whatever_they_may_be() {
    for (parent, base, web) in [
        (
            Parent::Selects("arn:aws:imagebuilder:us-east-1:123456789012:image/base/x.x.x".to_owned()),
            "keep",
            "deprecate",
        ),
        (
            Parent::Selects("arn:aws:imagebuilder:us-east-1:123456789012:image/base/2.x.x".to_owned()),
            "deprecate",
            "deprecate",
        ),
        (Parent::Selects("not an ARN".to_owned()), "keep", "keep"),
        (Parent::Unknown("AccessDenied".to_owned()), "keep", "keep"),
        (Parent::Outside("ami-of-somebody".to_owned()), "deprecate", "deprecate"),
    ] {
        let mut all = facts(vec![family("base"), family("web")]);
        all.families[1].build(6).parent = parent.clone();
        let plan = plan(&all, &settings(), now(), None);
        let actions = (plan.short("base/1.0.1/1").0, plan.short("web/1.0.1/1").0);
        assert_eq!(actions, (base, web), "{parent:?}");
    }
}

#[test]
fn what_recipes_of_pipelines_stand_on_is_kept() {
    let with = |parent: Parent, change: Change| {
        let mut all = facts(vec![family("web")]);
        change(&mut all.families[0]);
        all.account.parents.push(LiveParent { pipeline: "app".to_owned(), parent });
        let plan = plan(&all, &settings(), now(), None);
        [1, 2, 3].map(|number| plan.short(&format!("web/1.0.{number}/1")))
    };
    let due = ("deprecate", "due");
    let kept = ("keep", "parent-of-pipeline");
    let selects =
        |version: &str| Parent::Selects(format!("arn:aws:imagebuilder:us-east-1:123456789012:image/web/{version}"));
    assert_eq!(with(Parent::Build(arn("web/1.0.1/1")), &|_| {}), [kept, due, due]);
    assert_eq!(with(Parent::Ami("ami-web-2".to_owned()), &|_| {}), [due, kept, due]);
    assert_eq!(with(selects("1.0.3"), &|_| {}), [due, due, kept]);
    assert_eq!(with(selects("x.x.x"), &|_| {}), [due, due, due], "that is the newest");
    assert_eq!(
        with(selects("1.0.2"), &|web| *web = family("web").deprecated(2, 5)),
        [due, ("restore", "parent-of-pipeline"), due]
    );
    let unknown = ("keep", "missing");
    assert_eq!(with(Parent::Unknown("AccessDenied".to_owned()), &|_| {}), [unknown; 3]);
    assert_eq!(with(selects("1.x.2"), &|_| {}), [unknown; 3]);
}

/// Three families with three images each to delete.
fn to_delete() -> Facts {
    let families = ["base", "web", "app"].map(|name| family(name).disabled(1, 70).disabled(2, 70).disabled(3, 70));
    facts(families.to_vec())
}

fn deletions(plan: &Plan) -> usize {
    let planned = plan
        .decisions
        .iter()
        .filter(|it| it.step.action == Action::Delete && it.step.outcome == shared::plan::Outcome::Planned);
    planned.count()
}

#[test]
fn too_many_at_once_are_none_until_that_plan_is_approved() {
    let all = to_delete();
    let digest = plan(&all, &settings(), now(), None).digest.unwrap();
    for (max_per_run, max_percent, trips) in [(9, 50, 0), (8, 50, 1), (9, 49, 4), (1, 1, 5)] {
        let settings = Settings { max_per_run, max_percent, ..settings() };
        let held = plan(&all, &settings, now(), None);
        assert_eq!((held.held_back.len(), deletions(&held)), (trips, if trips == 0 { 9 } else { 0 }), "{held:?}");
        assert_eq!(held.digest.as_ref(), Some(&digest));
        let approved = plan(&all, &settings, now(), Some(&digest));
        assert_eq!((approved.held_back.len(), deletions(&approved)), (0, 9));
        let other = plan(&all, &settings, now(), Some(&"0".repeat(64)));
        assert_eq!((other.held_back.len(), deletions(&other)), (trips + 1, 0), "another plan was approved");
    }
}

#[test]
fn deprecations_and_ways_back_are_not_limited() {
    let mut all = to_delete();
    all.families.push(family("new"));
    all.families[0].tag(1, tags::KEEP_IMAGE, "");
    let plan = plan(&all, &Settings { max_per_run: 1, ..settings() }, now(), None);
    assert!(!plan.held_back.is_empty());
    assert_eq!(plan.of("new/1.0.1/1").step.outcome, shared::plan::Outcome::Planned);
    assert_eq!(plan.of("base/1.0.1/1").step.outcome, shared::plan::Outcome::Planned);
    assert!(matches!(plan.of("web/1.0.1/1").step.outcome, shared::plan::Outcome::Skipped { because: Some(_) }));
}

#[test]
fn one_image_for_each_step_is_never_too_much_for_a_small_family() {
    let settings = Settings { max_percent: 1, ..settings() };
    let held = |web: FamilyFacts| plan(&facts(vec![web]), &settings, now(), None).held_back.len();
    assert_eq!(held(family("web").disabled(1, 70)), 0);
    assert_eq!(held(family("web").disabled(1, 70).deprecated(2, 40)), 0, "steady builds: one deleted, one disabled");
    assert_eq!(held(family("web").disabled(1, 70).disabled(2, 70)), 2, "the family's and the account's");
    assert_eq!(held(family("web").disabled(1, 70).deprecated(2, 40).deprecated(3, 40)), 2);
}

#[test]
fn what_is_held_back_says_so_in_few_words_however_many_limits_were_passed() {
    let families = (0..300).map(|number| family(&format!("web-{number}")).disabled(1, 70).disabled(2, 70));
    let plan = plan(&facts(families.collect()), &Settings { max_percent: 1, ..settings() }, now(), None);
    assert_eq!(plan.held_back.len(), 302, "each family's limit, the account's and the run's");
    let held = plan.decisions.iter().filter(|it| it.step.action.is_limited());
    for decision in held {
        assert_eq!(decision.step.outcome, shared::plan::Outcome::skipped("held back by the circuit breaker"));
    }
    let told = crate::report::Report { plan: &plan, only_planned: None }.to_string();
    assert!(told.len() < 10_000 && told.contains("and so for 282 more families"), "{told}");
}

#[test]
fn executions_that_failed_are_counted_and_the_first_of_them_told() {
    let mut families: Vec<_> =
        (0..150).map(|number| family(&format!("web-{number}")).disabled(1, 10).disabled(2, 10)).collect();
    for build in families.iter_mut().flat_map(|family| &mut family.builds).filter(|it| it.status == Status::Disabled) {
        build.execution = Known::Is(Some(Execution {
            id: "lce-1".to_owned(),
            status: "FAILED".to_owned(),
            reason: None,
            started: None,
            resources: Vec::new(),
        }));
    }
    let plan = plan(&facts(families), &settings(), now(), None);
    assert_eq!((plan.counts.follow_ups, plan.follow_ups.len()), (300, 200));
}

#[test]
fn a_digest_stands_for_the_images_alone() {
    let digest = |all: &Facts, hours: i64| plan(all, &settings(), now() + chrono::TimeDelta::hours(hours), None).digest;
    let all = to_delete();
    let first = digest(&all, 0);
    assert_eq!(first.as_ref().map(String::len), Some(64));
    assert_eq!(first, digest(&all, 1), "an hour later");
    let mut reversed = all.clone();
    reversed.families.reverse();
    reversed.families.iter_mut().for_each(|family| family.builds.reverse());
    assert_eq!(first, digest(&reversed, 0), "in another order");
    let mut less = all.clone();
    less.families[0].tag(1, tags::KEEP_IMAGE, "");
    assert_ne!(first, digest(&less, 0), "an image less");
    let mut earlier = all;
    earlier.families[0] = family("base").deprecated(1, 40).disabled(2, 70).disabled(3, 70);
    assert_ne!(first, digest(&earlier, 0), "disabled instead of deleted");
    assert_eq!(digest(&facts(vec![family("web")]), 0), None, "nothing to disable or to delete");
}

#[test]
fn families_that_were_not_got_to_hold_what_they_are_made_of() {
    let all = base_and_web();
    let settings = settings();
    let mut account = Account::new(&all.account, &settings, now());
    account.add(&all.families[0]);
    account.leave(&all.families[1]);
    let plan = account.finish(None);
    assert_eq!(plan.unreached, ["web"]);
    assert!(plan.decisions.iter().all(|decision| decision.step.action == Action::Keep), "{plan:?}");
}

#[test]
fn what_a_kept_image_of_another_family_is_made_of_is_restored() {
    let mut all = base_and_web();
    all.families[0] = family("base").disabled(1, 10).disabled(2, 10);
    all.families[1] = std::mem::take(&mut all.families[1]).deprecated(2, 10);
    all.families[1].tag(1, tags::KEEP_IMAGE, "");
    all.families[1].build(2).parent = Parent::Outside("ami-of-somebody".to_owned());
    let plan = plan(&all, &settings(), now(), None);
    assert_eq!(plan.short("base/1.0.1/1"), ("restore", "parent-of-image"));
}

#[test]
fn family_by_family_comes_to_the_same_as_all_at_once() {
    let mut all = base_and_web();
    all.families[1].tag(1, tags::KEEP_IMAGE, "");
    let settings = settings();
    let mut account = Account::new(&all.account, &settings, now());
    let mut decisions: Vec<Decision> = all.families.iter().flat_map(|family| account.add(family)).collect();
    let rest = account.finish(None);
    decisions.extend(rest.decisions.iter().cloned());
    decisions.sort_by(Decision::by_family);
    let whole = plan(&all, &settings, now(), None);
    assert_eq!(decisions, whole.decisions);
    assert_eq!((rest.counts, rest.digest), (whole.counts, whole.digest));
}

#[test]
fn what_a_family_may_hide_keeps_images_of_the_others() {
    let mut all = base_and_web();
    for web in all.families[1].builds.iter_mut() {
        web.parent = Parent::Outside("arn:aws:imagebuilder:us-east-1:aws:image/amazon-linux-2023-x86/x.x.x".to_owned());
    }
    let plan_of = |all: &Facts| plan(all, &settings(), now(), None);
    assert_eq!(plan_of(&all).short("base/1.0.1/1"), ("deprecate", "due"));
    all.families[1].missing = vec!["GetImage: throttled".to_owned()];
    assert_eq!(plan_of(&all).short("base/1.0.1/1"), ("keep", "missing"), "what isn't listed may be made of it");
}
