mod reasons;

use super::fixtures::*;
use super::*;

const AMAZON: &str = "image/amazon-linux-2023-x86/x.x.x";

fn settings() -> Settings {
    Settings { max_concurrent_builds: 10, max_attempts: 3 }
}

/// base ← web ← leaf, each with one AVAILABLE build of what its recipe stands for now.
fn settled(cause: Cause) -> Facts {
    let mut facts = facts(cause);
    facts.add("base/1.0.0", &amazons(AMAZON));
    facts.add("web/1.0.0", &arn("image/base/x.x.x"));
    facts.add("leaf/1.0.0", &arn("image/web/1.x.x"));
    facts.resolve(&amazons(AMAZON), &amazons("image/amazon-linux-2023-x86/2026.1.5/1"));
    for (name, reference) in [("base", "image/base/x.x.x"), ("web", "image/web/1.x.x"), ("leaf", "image/leaf/x.x.x")] {
        facts.build(name, 1, Status::Available);
        facts.resolve(&arn(reference), &arn(&format!("image/{name}/1.0.0/1")));
    }
    facts
}

fn update_amazon(facts: &mut Facts) {
    facts.resolve(&amazons(AMAZON), &amazons("image/amazon-linux-2023-x86/2026.2.9/1"));
}

fn of<'a>(facts: &'a mut Facts, name: &str) -> &'a mut Pipeline {
    facts.pipelines.iter_mut().find(|pipeline| pipeline.name == name).unwrap()
}

fn target(step: &Step) -> &Target {
    match &step.action {
        Action::Start { target, .. } | Action::Leave { target } => target,
    }
}

/// `name: start | leave, reason`, with short ARNs.
fn lines_of(facts: &Facts) -> Vec<String> {
    let plan = plan(facts, &settings());
    let line = |step: &Step| {
        let what = match (&step.action, &step.outcome) {
            (Action::Start { .. }, Outcome::Planned) => "start",
            (Action::Leave { .. }, Outcome::Skipped { because: None }) => "leave",
            other => panic!("{other:?}"),
        };
        let reason = step.reason.to_string().replace(&arn(""), "").replace(&amazons(""), "");
        format!("{}: {what}, {reason}", target(step).name)
    };
    plan.steps.iter().map(line).collect()
}

fn token_of(facts: &Facts, name: &str) -> Option<String> {
    let plan = plan(facts, &settings());
    plan.steps.into_iter().find_map(|step| match step.action {
        Action::Start { target, client_token } if target.name == name => Some(client_token),
        Action::Start { .. } | Action::Leave { .. } => None,
    })
}

fn always(names: &[&str]) -> Cause {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    Cause::Schedule { select: Select { names, ..Select::default() }, mode: Mode::Always }
}

#[test]
fn what_is_settled_is_left_alone_and_what_changed_starts_at_the_root() {
    let mut facts = settled(Cause::sweep());
    assert_eq!(
        lines_of(&facts),
        [
            "base: leave, nothing changed since image/base/1.0.0/1",
            "web: leave, nothing changed since image/web/1.0.0/1",
            "leaf: leave, nothing changed since image/leaf/1.0.0/1",
        ]
    );
    update_amazon(&mut facts);
    assert_eq!(
        lines_of(&facts),
        [
            "base: start, since its last build the parent became image/amazon-linux-2023-x86/2026.2.9/1",
            "web: leave, it follows the new build of its parent base",
            "leaf: leave, it follows the new build of its parent web",
        ]
    );
}

#[test]
fn a_build_starts_those_whose_parent_it_is_and_nothing_else() {
    let mut facts = settled(Cause::Build(build_arn("base/1.0.0/2")));
    update_amazon(&mut facts);
    assert_eq!(lines_of(&facts), [""; 0], "the build isn't AVAILABLE: nothing stands on it");
    facts.build("base", 2, Status::Available);
    facts.resolve(&arn("image/base/x.x.x"), &arn("image/base/1.0.0/2"));
    assert_eq!(lines_of(&facts), ["web: start, since its last build the parent became image/base/1.0.0/2"]);
    facts.cause = Cause::Build(build_arn("base/1.0.0/1"));
    assert_eq!(lines_of(&facts), [""; 0], "a late notification of a build that was overtaken");
    facts.cause = Cause::Build(build_arn("base/1.0.0/2"));
    facts.build("web", 2, Status::Available);
    assert_eq!(lines_of(&facts), ["web: leave, nothing changed since image/web/1.0.0/2"], "a repeated notification");
}

#[test]
fn a_hint_starts_what_is_based_on_it_if_it_changed() {
    let mut facts = settled(Cause::BaseImage(BaseImage::AmazonLinux2023));
    assert_eq!(lines_of(&facts), ["base: leave, nothing changed since image/base/1.0.0/1"]);
    update_amazon(&mut facts);
    let start = "base: start, since its last build the parent became image/amazon-linux-2023-x86/2026.2.9/1";
    assert_eq!(lines_of(&facts), [start]);
    facts.cause = Cause::BaseImage(BaseImage::AmazonLinux2);
    assert_eq!(lines_of(&facts), [""; 0]);
}

#[test]
fn a_cycle_is_reported_and_what_hangs_below_it_goes_on() {
    let mut facts = settled(Cause::sweep());
    for (name, parent) in [("a/1.0.0", "b"), ("b/1.0.0", "a"), ("child/1.0.0", "a"), ("self/1.0.0", "self")] {
        facts.add(name, &arn(&format!("image/{parent}/x.x.x")));
    }
    for name in ["a", "self"] {
        facts.resolve(&arn(&format!("image/{name}/x.x.x")), &arn(&format!("image/{name}/1.0.0/1")));
    }
    let lines = lines_of(&facts);
    assert_eq!(lines.iter().filter(|line| line.starts_with("a:") || line.starts_with("b:")).count(), 2);
    for line in [
        "a: leave, it is its own ancestor: a → b",
        "self: leave, it is its own ancestor: self",
        "child: start, it has no build that is AVAILABLE",
    ] {
        assert!(lines.iter().any(|other| other == line), "{lines:#?}");
    }
    assert_eq!(plan(&facts, &settings()).cycles, [vec!["a", "b"], vec!["self"]]);
    facts.cause = Cause::Build(build_arn("self/1.0.0/1"));
    assert_eq!(lines_of(&facts), ["self: leave, it is its own ancestor: self"]);
}

#[test]
fn children_wait_for_a_parent_that_is_being_built_or_has_to_be() {
    let mut facts = settled(Cause::sweep());
    facts.build("base", 2, Status::Integrating);
    let lines = lines_of(&facts);
    assert_eq!(
        lines[1..],
        [
            "web: leave, it follows its parent image/base/1.0.0/2, which hasn't ended",
            "leaf: leave, it follows the new build of its parent web",
        ]
    );
    // A parent that is due waits for a place, and its children with it, whatever the cause is about.
    let mut facts = settled(Cause::Build(build_arn("web/1.0.0/1")));
    facts.recipes.insert(
        arn("image-recipe/leaf/1.0.0"),
        Known::Is(recipe("image-recipe/leaf/1.0.0", &arn("image/web/1.x.x"), &["c"])),
    );
    assert_eq!(lines_of(&facts), ["leaf: start, since its last build a component became c"]);
    facts.resolve(&arn("image/base/x.x.x"), &arn("image/base/1.0.0/2"));
    assert_eq!(lines_of(&facts), ["leaf: leave, it follows the new build of its parent web"]);
    of(&mut facts, "web").enabled = false;
    assert_eq!(lines_of(&facts), ["leaf: start, since its last build a component became c"]);
}

#[test]
fn there_is_a_limit_that_counts_what_runs_and_what_may_run() {
    let mut facts = facts(Cause::sweep());
    for name in ["a", "b", "c", "d", "e"] {
        facts.add(&format!("{name}/1.0.0"), "ami-1");
    }
    facts.build("e", 1, Status::Building);
    let starts = |facts: &Facts, limit: usize| {
        let plan = plan(facts, &Settings { max_concurrent_builds: limit, max_attempts: 3 });
        let reasons: Vec<String> = plan.steps.iter().map(|step| step.reason.to_string()).collect();
        assert_eq!(plan.counts.starts, plan.steps.iter().filter(|step| step.outcome == Outcome::Planned).count());
        (plan.counts.starts, plan.counts.in_flight, reasons)
    };
    assert_eq!(starts(&facts, 5).0, 4);
    let (count, in_flight, reasons) = starts(&facts, 3);
    assert_eq!((count, in_flight), (2, 1));
    let left = "3 builds at once are allowed: left for the sweep";
    assert_eq!(reasons[1..4], ["it has no build that is AVAILABLE", left, left]);
    facts.builds.insert(arn("image-pipeline/a"), Known::Unread("throttled".to_owned()));
    let (count, in_flight, _) = starts(&facts, 3);
    assert_eq!((count, in_flight), (1, 2), "what couldn't be read may be building");
    assert_eq!(starts(&facts, 0).0, 0);
}

#[test]
fn what_failed_on_the_same_inputs_is_tried_so_often_and_with_another_token_each_time() {
    let mut facts = settled(Cause::sweep());
    update_amazon(&mut facts);
    let mut tokens = vec![token_of(&facts, "base").unwrap()];
    assert_eq!(token_of(&facts, "base").as_ref(), Some(&tokens[0]), "the same cause, the same token");
    for (number, status) in [(2, Status::Failed), (3, Status::Cancelled)] {
        facts.build("base", number, status);
        tokens.push(token_of(&facts, "base").unwrap());
    }
    facts.build("base", 4, Status::Deleted);
    facts.build("base", 5, Status::Failed);
    assert_eq!(
        lines_of(&facts),
        [
            "base: leave, 3 builds in a row on exactly these inputs failed or were cancelled",
            "web: leave, nothing changed since image/web/1.0.0/1",
            "leaf: leave, nothing changed since image/leaf/1.0.0/1",
        ]
    );
    facts.cause = always(&["base"]);
    assert_eq!(token_of(&facts, "base"), None, "always neither");
    facts.cause = Cause::sweep();
    let (older, newer) = ("2026.1.4", "2026.3.1");
    for version in [newer, older] {
        facts.resolve(&amazons(AMAZON), &amazons(&format!("image/amazon-linux-2023-x86/{version}/1")));
        tokens.push(token_of(&facts, "base").expect("something changed"));
    }
    // The way back to what failed before, in a row no longer: another start, not the earlier one's answer.
    facts.build("base", 6, Status::Failed);
    update_amazon(&mut facts);
    tokens.push(token_of(&facts, "base").unwrap());
    facts.build("base", 7, Status::Available);
    facts.resolve(&amazons(AMAZON), &amazons("image/amazon-linux-2023-x86/2026.1.4/1"));
    tokens.push(token_of(&facts, "base").unwrap());
    assert!(tokens.iter().all(|token| token.len() <= 36));
    let count = tokens.len();
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), count);
}

#[test]
fn always_needs_no_change_and_is_one_start_per_time() {
    let mut facts = settled(always(&["base", "leaf"]));
    let line = "start, the schedule of 2026-11-21T07:00:00Z asks for it whatever changed";
    assert_eq!(
        lines_of(&facts),
        [format!("base: {line}"), "leaf: leave, it follows the new build of its parent web".to_owned()]
    );
    facts.cause = always(&["leaf"]);
    assert_eq!(lines_of(&facts), [format!("leaf: {line}")]);
    let first = token_of(&facts, "leaf");
    facts.build("leaf", 2, Status::Failed);
    assert_eq!(token_of(&facts, "leaf"), first, "the same event once more");
    facts.now = "2026-11-22T07:00:00Z".to_owned();
    assert!(token_of(&facts, "leaf").is_some_and(|token| Some(token) != first));
    of(&mut facts, "leaf").enabled = false;
    assert_eq!(lines_of(&facts), ["leaf: leave, it is DISABLED"]);
}

#[test]
fn what_is_needed_is_what_the_cause_is_about_and_all_above_it() {
    let mut facts = settled(Cause::Build(build_arn("web/1.0.0/1")));
    facts.builds.clear();
    let names = ["base", "web", "leaf"].map(|name| arn(&format!("image-pipeline/{name}")));
    assert_eq!(needed(&facts), names);
    facts.cause = Cause::Build(build_arn("base/1.0.0/1"));
    assert_eq!(needed(&facts), names[..2]);
    facts.cause = Cause::BaseImage(BaseImage::Windows);
    assert_eq!(needed(&facts), [""; 0]);
}

#[test]
fn the_plan_as_it_is_answered() {
    let mut facts = settled(Cause::sweep());
    update_amazon(&mut facts);
    facts.pipelines.pop();
    facts.add("loop/1.0.0", &arn("image/loop/x.x.x"));
    insta::assert_snapshot!(serde_json::to_string_pretty(&plan(&facts, &settings())).unwrap(), @r#"
    {
      "steps": [
        {
          "action": "start",
          "pipeline": "arn:aws:imagebuilder:us-east-1:123456789012:image-pipeline/base",
          "name": "base",
          "parents": [],
          "clientToken": "9e5c76b4-b7e6-538e-8066-bc6c14adac3c",
          "reason": "since its last build the parent became arn:aws:imagebuilder:us-east-1:aws:image/amazon-linux-2023-x86/2026.2.9/1",
          "outcome": "planned"
        },
        {
          "action": "leave",
          "pipeline": "arn:aws:imagebuilder:us-east-1:123456789012:image-pipeline/loop",
          "name": "loop",
          "parents": [
            "loop"
          ],
          "reason": "it is its own ancestor: loop",
          "outcome": "skipped"
        },
        {
          "action": "leave",
          "pipeline": "arn:aws:imagebuilder:us-east-1:123456789012:image-pipeline/web",
          "name": "web",
          "parents": [
            "base"
          ],
          "reason": "it follows the new build of its parent base",
          "outcome": "skipped"
        }
      ],
      "cycles": [
        [
          "loop"
        ]
      ],
      "counts": {
        "pipelines": 3,
        "concerned": 3,
        "inFlight": 0,
        "starts": 1
      }
    }
    "#);
}
