//! Which images a policy's run acts on, and how: decided from facts alone.

use super::action::Action;
use super::rules::{Filter, FilterKind, Rule};
use crate::clock::Time;
use crate::imagebuilder::phases;
use serde_json::Value;
use shared::version::Version;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// An image that a policy is about.
#[derive(Debug, Clone)]
pub(super) struct Candidate<'a> {
    /// The image build version.
    pub(super) arn: &'a str,
    /// The recipe's name as it stands in ARNs, and its version: retention counts for each.
    pub(super) recipe: (&'a str, Option<Version>),
    /// The image's status.
    pub(super) status: &'a str,
    /// When it was made, and after how many others.
    pub(super) made: (Time, u64),
    /// Its tags, an object.
    pub(super) tags: &'a Value,
    /// Whether another execution works on it. It is left alone, and counts as kept.
    pub(super) busy: bool,
}

impl Candidate<'_> {
    fn is_ruined(&self) -> bool {
        matches!(self.status, "FAILED" | "CANCELLED")
    }

    fn has_any(&self, tags: &BTreeMap<String, String>) -> bool {
        tags.iter().any(|(key, value)| self.tags.get(key).and_then(Value::as_str) == Some(value))
    }
}

/// What a run does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decision {
    /// To which image build version.
    pub(super) arn: String,
    /// The place of the rule among the policy's.
    pub(super) rule: usize,
    /// Why.
    pub(super) reason: String,
}

/// Decides for all images, newest first: at most one action each, that of the first rule that is for it in the order
/// deprecate, disable, delete. A build under way waits for a later run.
pub(super) fn decide(rules: &[Rule], candidates: &[Candidate<'_>], now: Time) -> Vec<Decision> {
    let mut newest_first: Vec<_> = candidates.iter().filter(|image| !phases::in_progress(image.status)).collect();
    newest_first.sort_by_key(|image| Reverse(image.made));
    let mut order: Vec<_> = rules.iter().enumerate().collect();
    order.sort_by_key(|(_, rule)| rule.action.action);
    // How many newer ones of the recipe's version there are; ruined ones don't count.
    let mut newer: BTreeMap<_, u32> = BTreeMap::new();
    let mut decisions = Vec::new();
    for image in newest_first {
        let count = newer.entry(image.recipe).or_default();
        let rank = *count;
        *count += u32::from(!image.is_ruined());
        let chosen = || {
            order.iter().find_map(|(place, rule)| {
                let reason = applies(rule, image, rank, now)?;
                Some(Decision { arn: image.arn.to_owned(), rule: *place, reason })
            })
        };
        decisions.extend(Some(image).filter(|image| !image.busy).and_then(|_| chosen()));
    }
    decisions
}

/// Why a rule is for an image, if it is. `rank` is how many newer ones there are.
fn applies(rule: &Rule, image: &Candidate<'_>, rank: u32, now: Time) -> Option<String> {
    let open = match rule.action.action {
        Action::Deprecate => image.status == "AVAILABLE",
        Action::Disable => matches!(image.status, "AVAILABLE" | "DEPRECATED"),
        Action::Delete => phases::allowed(image.status, "DELETED"),
        Action::Available => false,
    };
    if !open || image.has_any(&rule.exclusion_rules.tag_map) {
        return None;
    }
    if image.is_ruined() {
        return Some(format!("The image is {}.", image.status));
    }
    let Filter { kind, value, unit, retain_at_least } = rule.filter;
    match kind {
        FilterKind::Count => (rank >= value).then(|| format!("The image isn't one of the newest {value}.")),
        FilterKind::Age => {
            let unit = unit?;
            let retained = rank < retain_at_least.unwrap_or_default();
            let old = image.made.0 < unit.before(now, value);
            (old && !retained).then(|| format!("The image is older than {}.", unit.spelled(value)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use proptest::prelude::*;
    use proptest::sample::select;
    use serde_json::json;
    use std::collections::BTreeSet;

    fn now() -> Time {
        "2026-06-30T00:00:00Z".parse().unwrap()
    }

    /// An image so many days old; its ARN is its age.
    #[derive(Debug, Clone)]
    struct Fact {
        arn: String,
        version: &'static str,
        status: &'static str,
        age: i64,
        tags: Value,
        busy: bool,
    }

    fn fact(version: &'static str, age: i64, status: &'static str) -> Fact {
        Fact { arn: format!("{version}/{age}"), version, status, age, tags: json!({}), busy: false }
    }

    fn decided(rules: &Value, facts: &[Fact]) -> Vec<(String, Action)> {
        let rules: Vec<Rule> = serde_json::from_value(rules.clone()).unwrap();
        let candidates: Vec<_> = facts
            .iter()
            .map(|fact| Candidate {
                arn: &fact.arn,
                recipe: ("web", Some(fact.version.parse().unwrap())),
                status: fact.status,
                made: (now() - TimeDelta::days(fact.age), u64::MAX - fact.age.unsigned_abs()),
                tags: &fact.tags,
                busy: fact.busy,
            })
            .collect();
        let decisions = decide(&rules, &candidates, now());
        decisions.into_iter().map(|decision| (decision.arn, rules[decision.rule].action.action)).collect()
    }

    fn age(action: &str, days: u32) -> Value {
        json!({"action": {"type": action}, "filter": {"type": "AGE", "value": days, "unit": "DAYS"}})
    }

    fn delete_beyond(count: u32) -> Value {
        json!([{"action": {"type": "DELETE"}, "filter": {"type": "COUNT", "value": count}}])
    }

    #[test]
    fn an_image_goes_one_state_further_a_run() {
        use Action::{Delete, Deprecate, Disable};
        let rules = json!([age("DELETE", 30), age("DISABLE", 20), age("DEPRECATE", 10)]);
        for (status, age, expected) in [
            ("AVAILABLE", 10, None),
            ("AVAILABLE", 11, Some(Deprecate)),
            ("AVAILABLE", 99, Some(Deprecate)),
            ("DEPRECATED", 15, None),
            ("DEPRECATED", 99, Some(Disable)),
            ("DISABLED", 25, None),
            ("DISABLED", 31, Some(Delete)),
            ("FAILED", 1, Some(Delete)),
            ("CANCELLED", 99, Some(Delete)),
            ("BUILDING", 99, None),
            ("PENDING", 99, None),
        ] {
            let found = decided(&rules, &[fact("1.0.0", age, status)]);
            let expected: Vec<_> = expected.into_iter().map(|action| (format!("1.0.0/{age}"), action)).collect();
            assert_eq!(found, expected, "{status}, {age} days");
        }
        let disable_only = json!([age("DISABLE", 20)]);
        assert_eq!(decided(&disable_only, &[fact("1.0.0", 21, "AVAILABLE")]), [("1.0.0/21".to_owned(), Disable)]);
        assert_eq!(decided(&disable_only, &[fact("1.0.0", 21, "FAILED")]), []);
    }

    #[test]
    fn retention_counts_for_each_recipe_version_and_without_the_ruined() {
        let facts = [
            fact("1.0.0", 1, "AVAILABLE"),
            fact("1.0.0", 2, "FAILED"),
            fact("1.0.0", 3, "DEPRECATED"),
            fact("1.0.0", 4, "DISABLED"),
            fact("1.0.0", 5, "AVAILABLE"),
            fact("1.1.0", 6, "AVAILABLE"),
            fact("1.1.0", 7, "BUILDING"),
        ];
        let arns = |rules: &Value, facts: &[Fact]| -> Vec<String> {
            decided(rules, facts).into_iter().map(|(arn, _)| arn).collect()
        };
        assert_eq!(arns(&delete_beyond(2), &facts), ["1.0.0/2", "1.0.0/4", "1.0.0/5"]);
        assert_eq!(arns(&delete_beyond(9), &facts), ["1.0.0/2"]);
        let mut old = age("DELETE", 2);
        old["filter"]["retainAtLeast"] = json!(3);
        assert_eq!(arns(&json!([old]), &facts), ["1.0.0/2", "1.0.0/5"]);
    }

    #[test]
    fn tags_exclude_beyond_retention_only_and_for_their_rule_only() {
        let mut facts = [3, 2, 1].map(|age| fact("1.0.0", age, "AVAILABLE"));
        facts[0].tags = json!({"keep": "yes"});
        facts[2].tags = json!({"keep": "yes"});
        let mut rules = delete_beyond(1);
        rules[0]["exclusionRules"] = json!({"tagMap": {"other": "x", "keep": "yes"}});
        assert_eq!(decided(&rules, &facts), [("1.0.0/2".to_owned(), Action::Delete)]);
        let rules = json!([rules[0], age("DISABLE", 2)]);
        assert_eq!(
            decided(&rules, &facts),
            [("1.0.0/2".to_owned(), Action::Delete), ("1.0.0/3".to_owned(), Action::Disable)]
        );
        facts[1].busy = true;
        assert_eq!(decided(&rules, &facts), [("1.0.0/3".to_owned(), Action::Disable)]);
    }

    fn facts() -> impl Strategy<Value = Vec<Fact>> {
        const STATUSES: &[&str] =
            &["AVAILABLE", "DEPRECATED", "DISABLED", "FAILED", "CANCELLED", "BUILDING", "PENDING"];
        let one = (select(&["1.0.0", "1.1.0"][..]), select(STATUSES), any::<bool>());
        prop::collection::vec(one, 0..25).prop_map(|list| {
            let made = |(age, (version, status, kept)): (usize, (&'static str, &'static str, bool))| {
                let tags = if kept { json!({"keep": "yes"}) } else { json!({}) };
                Fact { tags, ..fact(version, i64::try_from(age).unwrap(), status) }
            };
            list.into_iter().enumerate().map(made).collect()
        })
    }

    proptest! {
        #[test]
        fn a_run_is_safe(facts in facts(), keep in 1u32..5, days in 1u32..20, seed in any::<u64>()) {
            let mut delete = age("DELETE", days);
            delete["filter"]["retainAtLeast"] = json!(keep);
            delete["exclusionRules"] = json!({"tagMap": {"keep": "yes"}});
            for rules in [json!([delete, age("DISABLE", days), age("DEPRECATE", days)]), delete_beyond(keep)] {
                let found = decided(&rules, &facts);
                let distinct: BTreeSet<_> = found.iter().map(|(arn, _)| arn).collect();
                prop_assert_eq!(distinct.len(), found.len(), "one action for an image");
                for version in ["1.0.0", "1.1.0"] {
                    let sound = |it: &&Fact| matches!(it.status, "AVAILABLE" | "DEPRECATED" | "DISABLED");
                    let sound = facts.iter().filter(|it| it.version == version).filter(sound);
                    for newest in sound.take(keep as usize) {
                        prop_assert!(!found.contains(&(newest.arn.clone(), Action::Delete)), "{:?} is retained", newest);
                    }
                }
                for (arn, action) in &found {
                    let fact = facts.iter().find(|fact| fact.arn == *arn).unwrap();
                    prop_assert!(phases::allowed(fact.status, action.status()), "{:?} {:?}", fact, action);
                }
                let mut shuffled = facts.clone();
                shuffled.sort_by_key(|fact| crate::draw::Seed(seed).draw(&[&fact.arn]));
                prop_assert_eq!(decided(&rules, &shuffled), found, "the order of the facts doesn't matter");
            }
        }
    }
}
