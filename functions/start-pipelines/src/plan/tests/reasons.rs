//! Why a pipeline is left alone, one by one: its base image was updated, and it isn't started all the same.

use super::*;

#[test]
fn what_a_pipeline_is_started_for_fits_a_tag() {
    use crate::inputs::Change;
    let component = |name: &str| Change::Component { now: arn(&format!("component/{name}/1.2.0/3")) };
    let parent = Change::Parent { now: arn("image/base/1.0.0/4") };
    for (reason, expected) in [
        (Reason::First, "its first build"),
        (Reason::Always("2026-11-21T06:00:00Z".to_owned()), "the schedule of 2026-11-21T06:00:00Z"),
        (Reason::Changed(vec![parent.clone()]), "parent base 1.0.0/4"),
        (
            Reason::Changed(vec![Change::Recipe { now: arn("image-recipe/web/1.1.0") }, component("agent")]),
            "recipe web 1.1.0 + component agent 1.2.0/3",
        ),
        (Reason::Changed(vec![Change::Parent { now: "docker.io/a,b;c (d)".to_owned() }]), "parent docker.io/a-b-c -d-"),
        (
            Reason::Changed(vec![Change::Order, Change::Without { then: arn("component/old/1.0.0/1") }]),
            "components in another order + without component old 1.0.0/1",
        ),
    ] {
        assert_eq!(reason.in_tag(), expected);
    }
    let many = Reason::Changed((0..40).map(|n| component(&format!("component-number-{n}"))).collect());
    assert!(many.in_tag().len() <= 256 && many.in_tag().ends_with(" more"), "{}", many.in_tag());
    let long = Reason::Changed(vec![component(&"a".repeat(500)), parent]);
    assert_eq!(long.in_tag(), "2 changes of what it is made of");
}

#[test]
fn every_reason_to_leave_a_pipeline_alone() {
    type Change = fn(&mut Facts);
    let cases: [(Change, &str); 15] = [
        (|facts| of(facts, "base").enabled = false, "it is DISABLED"),
        (
            |facts| {
                let base = of(facts, "base");
                (base.enabled, base.consecutive_failures) = (false, 5);
            },
            "Image Builder disabled it after 5 scheduled builds that failed in a row",
        ),
        (
            |facts| {
                let base = of(facts, "base");
                (base.enabled, base.consecutive_failures, base.failure_count) = (false, 5, None);
            },
            "it is DISABLED",
        ),
        (
            |facts| {
                of(facts, "base").tags.insert(shared::tags::START.to_owned(), "never".to_owned());
            },
            "its tag goldsmith:start is never",
        ),
        (
            |facts| {
                facts.recipes.insert(arn("image-recipe/base/1.0.0"), Known::Gone("it was deleted".to_owned()));
            },
            "its recipe image-recipe/base/1.0.0 can't be used: it was deleted",
        ),
        (
            |facts| {
                facts.recipes.insert(arn("image-recipe/base/1.0.0"), Known::Unread("throttled".to_owned()));
            },
            "its recipe image-recipe/base/1.0.0 couldn't be read: throttled",
        ),
        (
            |facts| {
                facts.recipes.clear();
            },
            "its recipe image-recipe/base/1.0.0 couldn't be read: it wasn't asked for",
        ),
        (
            |facts| {
                facts.resolved.insert(amazons(AMAZON), Known::Gone("it is DISABLED".to_owned()));
            },
            "a build would fail, for image/amazon-linux-2023-x86/x.x.x can't be used: it is DISABLED",
        ),
        (
            |facts| {
                facts.resolved.insert(amazons(AMAZON), Known::Unread("denied".to_owned()));
            },
            "image/amazon-linux-2023-x86/x.x.x couldn't be read: denied",
        ),
        (
            |facts| {
                facts.builds.insert(arn("image-pipeline/base"), Known::Unread("denied".to_owned()));
            },
            "its builds couldn't be read: denied",
        ),
        (
            |facts| {
                facts.builds.clear();
            },
            "its builds couldn't be read: they weren't asked for",
        ),
        (
            |facts| {
                let Some(Known::Is(builds)) = facts.builds.get_mut(&arn("image-pipeline/base")) else { panic!() };
                builds[0].inputs = Known::Unread("throttled".to_owned());
            },
            "what image/base/1.0.0/1 is made of couldn't be read: throttled",
        ),
        (
            |facts| {
                let Some(Known::Is(builds)) = facts.builds.get_mut(&arn("image-pipeline/base")) else { panic!() };
                let Known::Is(inputs) = &mut builds[0].inputs else { panic!() };
                inputs.parent = amazons(AMAZON);
            },
            "what image/amazon-linux-2023-x86/x.x.x stood for in image/base/1.0.0/1 couldn't be read: the build's \
             document doesn't say",
        ),
        (|facts| facts.build("base", 2, Status::Testing), "image/base/1.0.0/2 hasn't ended"),
        (
            |facts| {
                let to = amazons("image/amazon-linux-2023-x86/2026.1.5/1");
                facts.resolved.insert(amazons(AMAZON), Known::Is(Resolved { to, deprecated: true }));
            },
            "nothing changed since image/base/1.0.0/1; the recipe still selects what is deprecated: \
             image/amazon-linux-2023-x86/2026.1.5/1",
        ),
    ];
    for (change, reason) in cases {
        let mut facts = settled(Cause::sweep());
        update_amazon(&mut facts);
        change(&mut facts);
        let line = lines_of(&facts).into_iter().find(|line| line.starts_with("base: ")).unwrap();
        assert_eq!(line, format!("base: leave, {reason}"));
    }
}
