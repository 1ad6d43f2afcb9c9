//! A policy's rules: read from its document, and checked before it is kept.

use super::action::{Action, Include};
use super::exclusion::{Exclusions, Unit};
use super::refusal;
use crate::wire::ApiError;
use serde::Deserialize;
use serde_json::Value;
use shared::version::VersionPattern;
use std::collections::BTreeMap;

/// One of `policyDetails`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rule {
    /// What is done.
    pub(super) action: RuleAction,
    /// To which images.
    pub(super) filter: Filter,
    /// Except for which.
    #[serde(default)]
    pub(super) exclusion_rules: RuleExclusions,
}

/// What a rule does.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RuleAction {
    /// The action; never that which restores.
    #[serde(rename = "type")]
    pub(super) action: Action,
    /// On what besides the record.
    #[serde(default)]
    pub(super) include_resources: Include,
}

/// Which images a rule is for.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Filter {
    /// By what.
    #[serde(rename = "type")]
    pub(super) kind: FilterKind,
    /// The age, or how many are kept.
    pub(super) value: u32,
    /// The age's unit.
    pub(super) unit: Option<Unit>,
    /// How many are kept whatever their age.
    pub(super) retain_at_least: Option<u32>,
}

/// By what a rule chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum FilterKind {
    /// Those that are older.
    Age,
    /// Those beyond the newest.
    Count,
}

/// What a rule leaves alone.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RuleExclusions {
    /// Images with any of these tags.
    pub(super) tag_map: BTreeMap<String, String>,
    /// AMIs.
    pub(super) amis: Option<Exclusions>,
}

/// `resourceSelection`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Selection {
    /// Images of these recipes.
    pub(super) recipes: Vec<Recipe>,
    /// Images with any of these tags.
    pub(super) tag_map: BTreeMap<String, String>,
}

/// Recipes by name and version.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Recipe {
    /// The recipes' name.
    pub(super) name: String,
    /// A version, or a pattern of versions.
    pub(super) semantic_version: String,
}

/// The rules of a policy.
pub(super) fn rules(policy: &Value) -> Result<Vec<Rule>, ApiError> {
    Vec::deserialize(&policy["policyDetails"]).map_err(|error| refusal("policyDetails", error))
}

/// What a policy is about.
pub(super) fn selection(policy: &Value) -> Result<Selection, ApiError> {
    Selection::deserialize(&policy["resourceSelection"]).map_err(|error| refusal("resourceSelection", error))
}

/// A member of a rule, whether the rule breaks what is said, for a policy of container images or not.
type Check = (&'static str, fn(&Rule, bool) -> bool, &'static str);

const CHECKS: &[Check] = &[
    (
        "action.type",
        |it, container| container && it.action.action != Action::Delete,
        "The resource type CONTAINER_IMAGE has DELETE only.",
    ),
    (
        "action.includeResources",
        |it, _| it.action.action != Action::Delete && (it.include().snapshots || it.include().containers),
        "DEPRECATE and DISABLE include amis only.",
    ),
    (
        "action.includeResources.snapshots",
        |it, _| it.include().snapshots && !it.include().amis,
        "Snapshots can be included only together with amis.",
    ),
    (
        "action.includeResources",
        |it, container| container && (it.include().amis || it.include().snapshots),
        "The resource type CONTAINER_IMAGE includes containers only.",
    ),
    (
        "action.includeResources.containers",
        |it, container| !container && it.include().containers,
        "The resource type AMI_IMAGE has no containers.",
    ),
    (
        "filter.type",
        |it, _| it.filter.kind == FilterKind::Count && it.action.action != Action::Delete,
        "COUNT is for the action DELETE only.",
    ),
    (
        "filter.unit",
        |it, _| it.filter.kind == FilterKind::Age && it.filter.unit.is_none(),
        "It is required for the filter AGE.",
    ),
    (
        "filter.unit",
        |it, _| it.filter.kind == FilterKind::Count && it.filter.unit.is_some(),
        "The filter COUNT has no unit.",
    ),
    (
        "filter.retainAtLeast",
        |it, _| {
            let deletes_by_age = it.filter.kind == FilterKind::Age && it.action.action == Action::Delete;
            it.filter.retain_at_least.is_some() && !deletes_by_age
        },
        "It is for the action DELETE with the filter AGE only.",
    ),
    (
        "exclusionRules.amis",
        |it, container| container && it.exclusion_rules.amis.is_some(),
        "The resource type CONTAINER_IMAGE has no AMIs.",
    ),
];

impl Rule {
    /// On what besides the record.
    pub(super) fn include(&self) -> Include {
        self.action.include_resources
    }
}

/// Refuses a policy that the model allows and the service doesn't.
pub(super) fn check(policy: &Value) -> Result<(), ApiError> {
    let (rules, selection) = (rules(policy)?, selection(policy)?);
    let container = policy["resourceType"] == "CONTAINER_IMAGE";
    for (place, rule) in rules.iter().enumerate() {
        if let Some((member, _, says)) = CHECKS.iter().find(|(_, breaks, _)| breaks(rule, container)) {
            return Err(refusal(&format!("policyDetails[{place}].{member}"), says));
        }
        if rules[..place].iter().any(|other| other.action.action == rule.action.action) {
            return Err(refusal(&format!("policyDetails[{place}].action.type"), "Each action can have one rule only."));
        }
    }
    if selection.recipes.is_empty() == selection.tag_map.is_empty() {
        return Err(refusal("resourceSelection", "Exactly one of recipes and tagMap is required."));
    }
    for (place, recipe) in selection.recipes.iter().enumerate() {
        if let Err(error) = recipe.semantic_version.parse::<VersionPattern>() {
            return Err(refusal(&format!("resourceSelection.recipes[{place}].semanticVersion"), error));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn policy(resource_type: &str, details: Value) -> Value {
        let selection = json!({"recipes": [{"name": "web", "semanticVersion": "1.x.x"}]});
        json!({"resourceType": resource_type, "policyDetails": details, "resourceSelection": selection})
    }

    fn rule(action: &str, include: Value, filter: Value) -> Value {
        json!({"action": {"type": action, "includeResources": include}, "filter": filter})
    }

    #[test]
    fn each_rule_of_the_service_names_its_member() {
        let age = || json!({"type": "AGE", "value": 6, "unit": "MONTHS"});
        let count = || json!({"type": "COUNT", "value": 3});
        let retain = || json!({"type": "AGE", "value": 6, "unit": "DAYS", "retainAtLeast": 2});
        let ami =
            |action: &str, include: Value, filter: Value| policy("AMI_IMAGE", json!([rule(action, include, filter)]));
        let container = |action: &str, include: Value, filter: Value| {
            policy("CONTAINER_IMAGE", json!([rule(action, include, filter)]))
        };
        let all = json!([
            rule("DELETE", json!({"amis": true, "snapshots": true}), retain()),
            rule("DEPRECATE", json!({"amis": true}), age()),
            rule("DISABLE", json!({}), age()),
        ]);
        let mut excluding = rule("DELETE", json!({"containers": true}), count());
        excluding["exclusionRules"] = json!({"amis": {"isPublic": true}});
        for (policy, expected) in [
            (policy("AMI_IMAGE", all), None),
            (ami("DELETE", json!({}), count()), None),
            (container("DELETE", json!({"containers": true}), count()), None),
            (container("DISABLE", json!({}), age()), Some("action.type")),
            (container("DELETE", json!({"amis": true}), count()), Some("action.includeResources")),
            (ami("DELETE", json!({"containers": true}), count()), Some("includeResources.containers")),
            (ami("DELETE", json!({"snapshots": true}), count()), Some("includeResources.snapshots")),
            (ami("DISABLE", json!({"amis": true, "snapshots": true}), age()), Some("action.includeResources")),
            (ami("DEPRECATE", json!({}), count()), Some("filter.type")),
            (ami("DELETE", json!({}), json!({"type": "AGE", "value": 1})), Some("filter.unit")),
            (ami("DELETE", json!({}), json!({"type": "COUNT", "value": 1, "unit": "DAYS"})), Some("filter.unit")),
            (ami("DISABLE", json!({}), retain()), Some("filter.retainAtLeast")),
            (
                ami("DELETE", json!({}), json!({"type": "COUNT", "value": 1, "retainAtLeast": 1})),
                Some("filter.retainAtLeast"),
            ),
            (policy("CONTAINER_IMAGE", json!([excluding])), Some("exclusionRules.amis")),
            (
                policy("AMI_IMAGE", json!([rule("DELETE", json!({}), age()), rule("DELETE", json!({}), count())])),
                Some("policyDetails[1].action.type"),
            ),
        ] {
            match (check(&policy), expected) {
                (Ok(()), None) => {}
                (Err(error), Some(member)) => {
                    assert_eq!(error.code, "InvalidRequestException");
                    assert!(error.message.contains(&format!("{member}'")), "{policy}: {error}");
                }
                (found, expected) => panic!("{policy}: {found:?}, not {expected:?}"),
            }
        }
    }

    #[test]
    fn a_policy_selects_by_recipes_or_by_tags() {
        let recipe = |version: &str| json!([{"name": "web", "semanticVersion": version}]);
        for (selection, expected) in [
            (json!({"recipes": recipe("1.2.x")}), None),
            (json!({"tagMap": {"team": "edge"}}), None),
            (json!({}), Some("resourceSelection'")),
            (json!({"recipes": recipe("1.0.0"), "tagMap": {"team": "edge"}}), Some("resourceSelection'")),
            (json!({"recipes": recipe("x.1.0")}), Some("recipes[0].semanticVersion'")),
        ] {
            let mut policy =
                policy("AMI_IMAGE", json!([rule("DELETE", json!({}), json!({"type": "COUNT", "value": 1}))]));
            policy["resourceSelection"] = selection.clone();
            let found = check(&policy);
            match expected {
                None => assert_eq!(found, Ok(()), "{selection}"),
                Some(part) => assert!(found.is_err_and(|error| error.message.contains(part)), "{selection}"),
            }
        }
    }
}
