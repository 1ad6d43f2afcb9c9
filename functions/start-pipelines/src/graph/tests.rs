use super::*;
use crate::plan::fixtures::*;
use crate::plan::{Cause, Known};
use proptest::prelude::*;

use Tie::{Behind, Next, No};

/// What the pipeline `base`, whose recipe has version 1.2.0, is to a recipe.
#[derive(Debug, PartialEq, Eq)]
enum Tie {
    /// Its next build will be the parent.
    Next,
    /// It is one of the parents, and its next build won't be the one, for a later version stands.
    Behind,
    /// Nothing.
    No,
}

/// Every form of a parent: what it stands for now, what `base` is to it, and whether the build `base/1.2.0/3` is the
/// parent now.
fn forms() -> Vec<(String, Option<String>, Tie, bool)> {
    let third = arn("image/base/1.2.0/3");
    let elsewhere = |from: &str, to: &str, what: &str| arn(what).replace(from, to);
    let own = |rest: &str| arn(&format!("image/base/{rest}"));
    vec![
        (own("1.2.0"), Some(third.clone()), Next, true),
        (own("1.2.x"), Some(third.clone()), Next, true),
        (own("1.x.x"), Some(third.clone()), Next, true),
        (own("x.x.x"), Some(third.clone()), Next, true),
        // Nothing is AVAILABLE yet.
        (own("1.2.x"), None, Next, false),
        // An older one stands, of the same or an earlier version.
        (own("1.2.x"), Some(own("1.2.0/2")), Next, false),
        (own("x.x.x"), Some(own("1.1.9/7")), Next, false),
        // A later version stands, and 1.2.0 never takes its place.
        (own("x.x.x"), Some(own("2.0.0/1")), Behind, false),
        (own("1.x.x"), Some(own("1.10.0/1")), Behind, false),
        (own("1.1.0"), Some(own("1.1.0/1")), No, false),
        (own("1.3.x"), None, No, false),
        (own("2.x.x"), None, No, false),
        // One build stays.
        (own("1.2.0/3"), Some(third.clone()), No, true),
        (own("1.2.0/2"), Some(own("1.2.0/2")), No, false),
        (own("1.2.0/4"), None, No, false),
        (arn("image/base-two/x.x.x"), Some(arn("image/base-two/1.2.0/3")), No, false),
        (arn("component/base/x.x.x"), Some(arn("component/base/1.2.0/3")), No, false),
        // Another account's, another Region's, another partition's, Amazon's.
        (elsewhere(ACCOUNT, "111122223333", "image/base/x.x.x"), None, No, false),
        (elsewhere("us-east-1", "eu-west-1", "image/base/x.x.x"), None, No, false),
        (elsewhere("arn:aws:", "arn:aws-cn:", "image/base/x.x.x"), None, No, false),
        (amazons("image/base/x.x.x"), Some(amazons("image/base/1.2.0/3")), No, false),
        // Parameters, by name and by ARN, that hold an AMI of the family, an older one, a newer version's, others'.
        ("ssm:/golden-images/base".to_owned(), Some("ami-3".to_owned()), Next, true),
        (
            format!("ssm:arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/golden-images/base"),
            Some("ami-3".to_owned()),
            Next,
            true,
        ),
        ("ssm:base".to_owned(), Some("ami-2".to_owned()), Next, false),
        ("ssm:/golden-images/base".to_owned(), Some("ami-9".to_owned()), Behind, false),
        ("ssm:/golden-images/other".to_owned(), Some("ami-other".to_owned()), No, false),
        (
            "ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64".to_owned(),
            Some("ami-0".to_owned()),
            No,
            false,
        ),
        ("ssm:/golden-images/base".to_owned(), None, No, false),
        // One AMI stays.
        ("ami-3".to_owned(), None, No, true),
        ("ami-2".to_owned(), None, No, false),
        ("ami-0".to_owned(), None, No, false),
        // A registry's image, a product of AWS Marketplace.
        ("amazonlinux:2023".to_owned(), None, No, false),
        (format!("{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/base:latest"), None, No, false),
        ("prod-abcdefghijklm".to_owned(), None, No, false),
    ]
}

#[test]
fn parents_of_every_form() {
    for kind in ["image-recipe", "container-recipe"] {
        for (parent, to, tie, stands) in forms() {
            let build = build_arn("base/1.2.0/3");
            let mut facts = facts(Cause::Build(build.clone()));
            for (ami, image) in [
                ("ami-2", "base/1.2.0/2"),
                ("ami-3", "base/1.2.0/3"),
                ("ami-9", "base/1.3.0/1"),
                ("ami-other", "other/1.2.0/3"),
            ] {
                facts.amis.insert(ami.to_owned(), build_arn(image));
            }
            for (name, resource, parent) in [("base", "base/1.2.0", "ami-0"), ("web", "web/4.0.0", parent.as_str())] {
                let resource = format!("{kind}/{resource}");
                facts.recipes.insert(arn(&resource), Known::Is(recipe(&resource, parent, &[])));
                facts.pipelines.push(pipeline(name, &resource));
            }
            match &to {
                Some(to) => facts.resolve(&parent, to),
                None if parent.starts_with("arn:") => {
                    facts.resolved.insert(parent.clone(), Known::Gone("there is none".to_owned()));
                }
                None => {}
            }
            let expected: &[usize] = if tie == No { &[] } else { &[0] };
            assert_eq!(Graph::new(&facts).parents(1), expected, "{kind} {parent} → {to:?}");
            let [base, recipe] = [0, 1].map(|index| facts.recipe(&facts.pipelines[index]).unwrap());
            let next = Awaited::of(&facts, recipe).is_some_and(|awaited| awaited.includes_next(base));
            assert_eq!(next, tie == Next, "{kind} {parent} → {to:?}");
            assert_eq!(stands_on(&facts, recipe, &build), stands, "{kind} {parent} → {to:?}");
        }
    }
}

#[test]
fn a_build_of_another_account_or_amazons_can_be_the_parent() {
    let shared: ImageBuildArn = arn("image/base/1.0.0/1").replace(ACCOUNT, "111122223333").parse().unwrap();
    let managed: ImageBuildArn = amazons("image/amazon-linux-2023-x86/2026.1.5/1").parse().unwrap();
    // Amazon's notifications name the account behind `aws`.
    let numbered = ImageBuildArn { account: "627945338248".to_owned(), ..managed.clone() };
    let own = ImageBuildArn { account: ACCOUNT.to_owned(), ..managed.clone() };
    for (to, build, stands) in [
        (&shared, &shared, true),
        (&shared, &build_arn("base/1.0.0/1"), false),
        (&managed, &managed, true),
        (&managed, &numbered, true),
        (&managed, &own, false),
    ] {
        let mut facts = facts(Cause::Build(build.clone()));
        facts.add("web/1.0.0", "arn:the-reference");
        facts.resolve("arn:the-reference", &to.to_string());
        let recipe = facts.recipe(&facts.pipelines[0]).unwrap();
        assert_eq!(stands_on(&facts, recipe, build), stands, "{to} {build}");
    }
}

#[test]
fn a_build_that_has_not_ended_is_awaited_if_it_will_be_the_parent() {
    let mut facts = facts(Cause::sweep());
    facts.add("web/1.0.0", &arn("image/base/1.x.x"));
    facts.resolve(&arn("image/base/1.x.x"), &arn("image/base/1.2.0/3"));
    let awaited = Awaited::of(&facts, facts.recipe(&facts.pipelines[0]).unwrap()).unwrap();
    for (image, expected) in [
        ("base/1.2.0/4", true),
        ("base/1.3.0/1", true),
        ("base/1.2.0/3", false),
        ("base/1.2.0/2", false),
        ("base/1.1.0/9", false),
        ("base/2.0.0/1", false),
        ("other/1.2.0/4", false),
    ] {
        assert_eq!(awaited.includes(&build_arn(image)), expected, "{image}");
    }
}

#[test]
fn every_version_of_a_family_may_be_the_parent_and_unknown_recipes_tie_nothing() {
    let mut facts = facts(Cause::sweep());
    facts.add("old/1.0.0", "ami-0");
    facts.add("new/1.0.0", "ami-0");
    facts.add("web/1.0.0", &arn("image/base/x.x.x"));
    for (pipeline, version) in [(0, "1.0.0"), (1, "2.0.0")] {
        let resource = format!("image-recipe/base/{version}");
        facts.recipes.insert(arn(&resource), Known::Is(recipe(&resource, "ami-0", &[])));
        facts.pipelines[pipeline].recipe = arn(&resource);
    }
    // By name: "new" comes before "old".
    assert_eq!(Graph::new(&facts).parents(2), [1, 0]);
    for unknown in [Known::Gone("deleted".to_owned()), Known::Unread("throttled".to_owned())] {
        facts.recipes.insert(arn("image-recipe/base/2.0.0"), unknown);
        assert_eq!(Graph::new(&facts).parents(2), [0]);
    }
}

fn graph(parents: &[&[usize]]) -> Graph {
    let names: Vec<String> = (0..parents.len()).map(|node| format!("{node:03}")).collect();
    Graph::of(
        parents.iter().map(|parents| parents.to_vec()).collect(),
        &names.iter().map(String::as_str).collect::<Vec<_>>(),
    )
}

#[test]
fn order_and_cycles() {
    let none: [Vec<usize>; 0] = [];
    let diamond = graph(&[&[1, 2], &[3], &[3], &[]]);
    assert_eq!((diamond.order(), diamond.cycles()), (&[3, 1, 2, 0][..], &none[..]));
    let own_parent = graph(&[&[0], &[0], &[]]);
    assert_eq!((own_parent.order(), own_parent.cycles()), (&[0, 2, 1][..], &[vec![0]][..]));
    // 1 and 2 stand between two cycles and below one, and are in none.
    let between = graph(&[&[5], &[0], &[1], &[2, 4], &[3], &[0], &[4]]);
    assert_eq!(between.cycles(), [vec![0, 5], vec![3, 4]]);
    assert_eq!(between.order(), [0, 5, 1, 2, 3, 4, 6]);
    assert_eq!(between.with_ancestors([2]), [0, 1, 2, 5]);
}

proptest! {
    #[test]
    fn what_reaches_itself_is_in_a_cycle_and_parents_come_first(
        parents in (1usize..40).prop_flat_map(|count| {
            let some = proptest::collection::btree_set(0..count, 0..3.min(count + 1));
            proptest::collection::vec(some, count)
        })
    ) {
        let parents: Vec<Vec<usize>> = parents.into_iter().map(|parents| parents.into_iter().collect()).collect();
        let graph = graph(&parents.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let reaches = |from: usize, to: usize| {
            let (mut seen, mut open) = (vec![false; parents.len()], parents[from].clone());
            while let Some(node) = open.pop() {
                if !std::mem::replace(&mut seen[node], true) {
                    open.extend(&parents[node]);
                }
            }
            seen[to]
        };
        let in_cycle = |node: usize| graph.cycles().iter().position(|cycle| cycle.contains(&node));
        let place = |node: usize| graph.order().iter().position(|other| *other == node).unwrap();
        for (node, own) in parents.iter().enumerate() {
            prop_assert_eq!(in_cycle(node).is_some(), reaches(node, node), "{}", node);
            for &parent in own {
                prop_assert!(reaches(parent, node) || place(parent) < place(node), "{} before {}", parent, node);
                if reaches(parent, node) {
                    prop_assert_eq!(in_cycle(node), in_cycle(parent));
                }
            }
        }
        let mut all = graph.order().to_vec();
        all.sort_unstable();
        prop_assert_eq!(all, (0..parents.len()).collect::<Vec<_>>());
    }
}
