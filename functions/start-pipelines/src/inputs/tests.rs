use super::*;
use crate::plan::fixtures::*;
use crate::plan::{Cause, Resolved};

fn inputs(recipe: &str, parent: &str, components: &[&str]) -> Inputs {
    let components = components.iter().map(|component| (*component).to_owned()).collect();
    Inputs { recipe: arn(recipe), parent: parent.to_owned(), components }
}

const RECIPE: &str = "image-recipe/web/1.0.0";

fn component(rest: &str) -> String {
    arn(&format!("component/{rest}"))
}

#[test]
fn a_recipe_stands_for_what_its_references_stand_for() {
    let (base, agent) = (arn("image/base/x.x.x"), component("agent/1.x.x"));
    let mut facts = facts(Cause::sweep());
    let recipe = recipe(RECIPE, &base, &[&agent]);
    let unread =
        |reference: &str, why: &str| Err(Missing::Unread { reference: reference.to_owned(), why: why.to_owned() });
    assert_eq!(super::now(&facts, &recipe), unread(&base, "it wasn't asked for"));
    facts.resolve(&base, &arn("image/base/1.0.0/4"));
    facts.resolved.insert(agent.clone(), Known::Unread("throttled".to_owned()));
    assert_eq!(super::now(&facts, &recipe), unread(&agent, "throttled"));
    facts.resolved.insert(agent.clone(), Known::Gone("it is DISABLED".to_owned()));
    let gone = Missing::Gone { reference: agent.clone(), why: "it is DISABLED".to_owned() };
    assert_eq!(super::now(&facts, &recipe), Err(gone));
    let to = component("agent/1.4.0/2");
    facts.resolved.insert(agent, Known::Is(Resolved { to: to.clone(), deprecated: true }));
    let now = super::now(&facts, &recipe).unwrap();
    assert_eq!(now, inputs(RECIPE, &arn("image/base/1.0.0/4"), &[&to]));
    for parent in ["ami-1", "amazonlinux:2023"] {
        assert_eq!(super::now(&facts, &Recipe { parent: parent.to_owned(), ..recipe.clone() }).unwrap().parent, parent);
    }
}

#[test]
fn what_changed_is_named() {
    let recipe = recipe(RECIPE, &arn("image/base/x.x.x"), &[&component("a/x.x.x"), &component("b/x.x.x")]);
    let (base, newer) = (arn("image/base/1.0.0/1"), arn("image/base/1.0.0/2"));
    let (a, b, a2, c) =
        (component("a/1.0.0/1"), component("b/1.0.0/1"), component("a/1.1.0/1"), component("c/1.0.0/1"));
    let then = inputs(RECIPE, &base, &[&a, &b]);
    for (now, expected) in [
        (then.clone(), "[]"),
        (inputs(RECIPE, &newer, &[&a, &b]), "the parent became image/base/1.0.0/2"),
        (inputs(RECIPE, &base, &[&a2, &b]), "a component became component/a/1.1.0/1"),
        (
            inputs(RECIPE, &newer, &[&a2, &b]),
            "the parent became image/base/1.0.0/2, a component became component/a/1.1.0/1",
        ),
        (inputs("image-recipe/web/1.1.0", &base, &[&a, &b]), "the recipe became image-recipe/web/1.1.0"),
        (
            inputs("image-recipe/web/1.1.0", &base, &[&b]),
            "the recipe became image-recipe/web/1.1.0, the component component/a/1.0.0/1 was left out",
        ),
        (inputs(RECIPE, &base, &[&a, &b, &c]), "a component became component/c/1.0.0/1"),
        (inputs(RECIPE, &base, &[&b, &a]), "the components' order changed"),
    ] {
        let text = match since(&now, &then, &recipe) {
            Difference::None => "[]".to_owned(),
            Difference::Changes(changes) => changes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            Difference::Unknown(reference) => panic!("{reference}"),
        };
        assert_eq!(text.replace(&arn(""), ""), expected);
    }
}

#[test]
fn a_parent_that_was_deprecated_makes_an_older_one_a_change() {
    let recipe = recipe(RECIPE, &arn("image/base/x.x.x"), &[]);
    let [newer, older] = [2, 1].map(|build| inputs(RECIPE, &arn(&format!("image/base/1.0.0/{build}")), &[]));
    assert_eq!(since(&older, &newer, &recipe), Difference::Changes(vec![Change::Parent { now: older.parent.clone() }]));
}

#[test]
fn a_document_that_has_only_the_reference_tells_nothing() {
    let (base, agent) = (arn("image/base/x.x.x"), component("agent/1.0.0"));
    let now = inputs(RECIPE, &arn("image/base/1.0.0/1"), &[&component("agent/1.0.0/1")]);
    let recipe = recipe(RECIPE, &base, &[&agent]);
    for (then, reference) in [
        (Inputs { parent: base.clone(), ..now.clone() }, &base),
        (Inputs { components: vec![agent.clone()], ..now.clone() }, &agent),
    ] {
        assert_eq!(since(&now, &then, &recipe), Difference::Unknown(reference.clone()));
        // Another recipe is a change whatever it stands for.
        let then = Inputs { recipe: arn("image-recipe/web/0.9.0"), ..then };
        assert!(matches!(since(&now, &then, &recipe), Difference::Changes(_)));
    }
}

#[test]
fn a_parent_outside_image_builder_changes_with_the_recipe_alone() {
    let now = inputs(RECIPE, "prod-abcdefghijklm", &[]);
    let recipe = recipe(RECIPE, "prod-abcdefghijklm", &[]);
    let then = Inputs { parent: "ami-1".to_owned(), ..now.clone() };
    assert_eq!(since(&now, &then, &recipe), Difference::None);
}

#[test]
fn managed_resources_go_by_two_owners() {
    let number = |text: &str, account: &str| text.replace(":aws:image/", &format!(":{account}:image/"));
    let managed = amazons("image/amazon-linux-2023-x86/2026.1.5/1");
    for (other, expected) in [
        (managed.clone(), true),
        (number(&managed, "627945338248"), true),
        (number(&managed, ACCOUNT), false),
        (number(&managed, "627945338248").replace("/1", "/2"), false),
        (number(&managed, "627945338248").replace("us-east-1", "eu-west-1"), false),
        ("ami-1".to_owned(), false),
    ] {
        assert_eq!((same(&managed, &other, ACCOUNT), same(&other, &managed, ACCOUNT)), (expected, expected), "{other}");
    }
    let numbers = [number(&managed, "627945338248"), number(&managed, "111122223333")];
    assert!(!same(&numbers[0], &numbers[1], ACCOUNT), "two accounts' images of the same name");
    assert!(same("ami-1", "ami-1", ACCOUNT) && !same("ami-1", "ami-2", ACCOUNT));
}
