//! Which state updates may be asked for: every rule of StartResourceStateUpdate in one table.

use super::action::{Action, Include};
use crate::clock::Time;
use crate::imagebuilder::phases;

/// What is asked, and of what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// Whether the image is a container image.
    pub(super) container: bool,
    /// The image's status.
    pub(super) from: &'a str,
    /// What shall be done.
    pub(super) action: Action,
    /// Whether there is a role.
    pub(super) role: bool,
    /// The resources that are included, if any are said to be.
    pub(super) include: Option<Include>,
    /// When, if not now.
    pub(super) at: Option<Time>,
    /// Whether there are exclusion rules.
    pub(super) exclusions: bool,
    /// Simulated time.
    pub(super) now: Time,
}

impl Asked<'_> {
    fn included(&self) -> Include {
        self.include.unwrap_or_default()
    }

    fn deletes(&self) -> bool {
        self.action == Action::Delete
    }
}

/// A member, whether what is asked breaks its rule, and the rule.
type Rule = (&'static str, fn(&Asked<'_>) -> bool, &'static str);

/// The first that is broken is told.
const RULES: &[Rule] = &[
    ("resourceArn", |it| phases::in_progress(it.from), "The image is still being built: its state can't be updated."),
    (
        "state.status",
        |it| matches!(it.from, "FAILED" | "CANCELLED") && !it.deletes(),
        "An image that FAILED or was CANCELLED can be DELETED only.",
    ),
    ("state.status", |it| it.container && !it.deletes(), "A container image can be DELETED only."),
    (
        "state.status",
        |it| !phases::allowed(it.from, it.action.status()),
        "The image can't change from its state to this one.",
    ),
    ("executionRole", |it| it.include.is_some() && !it.role, "It is required together with includeResources."),
    ("includeResources", |it| it.include.is_none() && it.role, "It is required together with executionRole."),
    (
        "includeResources",
        |it| it.deletes() && !it.included().any(),
        "At least one type of resources has to be included to delete an image.",
    ),
    (
        "includeResources.snapshots",
        |it| it.included().snapshots && !it.deletes(),
        "Snapshots can be included only when the state is DELETED.",
    ),
    (
        "includeResources.containers",
        |it| it.included().containers && !it.deletes(),
        "Containers can be included only when the state is DELETED.",
    ),
    (
        "includeResources.snapshots",
        |it| it.included().snapshots && !it.included().amis,
        "Snapshots can be included only together with amis.",
    ),
    (
        "updateAt",
        |it| it.at.is_some() && it.action != Action::Deprecate,
        "It can be given only when the state is DEPRECATED.",
    ),
    ("updateAt", |it| it.at.is_some_and(|at| at <= it.now), "It has to be in the future."),
    (
        "exclusionRules",
        |it| it.exclusions && !it.included().amis,
        "Exclusion rules are for AMIs: includeResources.amis has to be true.",
    ),
];

/// The member and the rule that what is asked breaks, if it breaks one.
pub(super) fn broken(asked: &Asked<'_>) -> Option<(&'static str, &'static str)> {
    RULES.iter().find(|(_, breaks, _)| breaks(asked)).map(|(member, _, rule)| (*member, *rule))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Action::{Available, Delete, Deprecate, Disable};
    use chrono::TimeDelta;

    fn now() -> Time {
        "2026-03-02T00:00:00Z".parse().unwrap()
    }

    fn plain(from: &str, action: Action) -> Asked<'_> {
        let (role, include, at) = (false, None, None);
        Asked { container: false, from, action, role, include, at, exclusions: false, now: now() }
    }

    fn with(from: &str, action: Action, amis: bool, snapshots: bool, containers: bool) -> Asked<'_> {
        Asked { role: true, include: Some(Include { amis, snapshots, containers }), ..plain(from, action) }
    }

    #[test]
    fn each_state_has_its_changes() {
        for (from, expected) in [
            ("AVAILABLE", vec![Deprecate, Disable, Delete]),
            ("DEPRECATED", vec![Available, Disable, Delete]),
            ("DISABLED", vec![Available, Deprecate, Delete]),
            ("FAILED", vec![Delete]),
            ("CANCELLED", vec![Delete]),
            ("PENDING", vec![]),
            ("BUILDING", vec![]),
            ("TESTING", vec![]),
            ("DELETED", vec![]),
        ] {
            let all = [Available, Deprecate, Disable, Delete].into_iter();
            let allowed: Vec<_> =
                all.filter(|action| broken(&with(from, *action, true, false, false)).is_none()).collect();
            assert_eq!(allowed, expected, "{from}");
        }
    }

    #[test]
    fn each_rule_names_its_member() {
        let container = |asked: Asked<'static>| Asked { container: true, ..asked };
        let at = |asked: Asked<'static>, seconds| Asked { at: Some(now() + TimeDelta::seconds(seconds)), ..asked };
        let exclusions = |asked: Asked<'static>| Asked { exclusions: true, ..asked };
        let deprecate = plain("AVAILABLE", Deprecate);
        let delete = with("AVAILABLE", Delete, true, true, false);
        for (asked, expected) in [
            (deprecate, None),
            (delete, None),
            (plain("BUILDING", Delete), Some(("resourceArn", "still being built"))),
            (plain("FAILED", Deprecate), Some(("state.status", "FAILED"))),
            (plain("AVAILABLE", Available), Some(("state.status", "can't change"))),
            (container(deprecate), Some(("state.status", "container image"))),
            (container(with("AVAILABLE", Delete, false, false, true)), None),
            (Asked { role: false, ..delete }, Some(("executionRole", "together with includeResources"))),
            (Asked { role: true, ..deprecate }, Some(("includeResources", "together with executionRole"))),
            (plain("AVAILABLE", Delete), Some(("includeResources", "At least one"))),
            (with("FAILED", Delete, false, false, false), Some(("includeResources", "At least one"))),
            (with("AVAILABLE", Disable, true, true, false), Some(("includeResources.snapshots", "DELETED"))),
            (with("AVAILABLE", Disable, true, false, true), Some(("includeResources.containers", "DELETED"))),
            (with("AVAILABLE", Delete, false, true, false), Some(("includeResources.snapshots", "with amis"))),
            (at(delete, 60), Some(("updateAt", "DEPRECATED"))),
            (at(deprecate, 60), None),
            (at(deprecate, 0), Some(("updateAt", "future"))),
            (at(deprecate, -60), Some(("updateAt", "future"))),
            (exclusions(deprecate), Some(("exclusionRules", "amis"))),
            (exclusions(container(with("AVAILABLE", Delete, false, false, true))), Some(("exclusionRules", "amis"))),
            (exclusions(delete), None),
            (with("AVAILABLE", Deprecate, false, false, false), None),
        ] {
            match (broken(&asked), expected) {
                (None, None) => {}
                (Some((member, rule)), Some((expected, part))) => {
                    assert_eq!(member, expected, "{asked:?}");
                    assert!(rule.contains(part), "{asked:?}: {rule}");
                }
                (found, _) => panic!("{asked:?}: {found:?}"),
            }
        }
    }
}
