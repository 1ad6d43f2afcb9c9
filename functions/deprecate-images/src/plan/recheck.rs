//! The last look at an image, right before it is disabled or deleted.

use super::facts::{AccountFacts, AmiFacts, Build, FamilyFacts, Place};
use super::family::Judge;
use super::reason::Reason;
use super::{Action, Decision};
use crate::settings::Settings;
use chrono::{DateTime, Utc};
use shared::image::Ami;
use std::collections::BTreeMap;

/// An image as it is now.
#[derive(Debug, Clone)]
pub struct Fresh {
    /// Its record, its tags and its last execution.
    pub build: Build,
    /// What is published under its family's parameter.
    pub places: Vec<Place>,
    /// What EC2 says about its AMIs.
    pub amis: BTreeMap<Ami, AmiFacts>,
}

/// Whether what was decided still holds.
///
/// # Errors
/// Why the image is kept now.
pub fn recheck(decision: &Decision, fresh: Fresh, settings: &Settings, now: DateTime<Utc>) -> Result<(), Vec<Reason>> {
    let Fresh { build, places, amis } = fresh;
    let changed = |what: &str| Err(vec![Reason::Missing(format!("{what} since it was planned"))]);
    if build.arn != decision.image || build.status != decision.facts.status {
        return changed(&format!("why it became {}", build.status));
    }
    let known: Vec<&Ami> = decision.facts.amis.iter().map(|it| &it.ami).collect();
    if build.amis.get().is_none_or(|amis| amis.iter().ne(known)) {
        return changed("why its AMIs changed");
    }
    let facts =
        FamilyFacts { family: build.arn.family.clone(), builds: vec![build], places, amis, ..FamilyFacts::default() };
    let account = AccountFacts::default();
    let judge = Judge::new(&account, &facts, settings, now);
    let Some(build) = facts.builds.first() else { return Ok(()) };
    let reasons = judge.against(build);
    if !reasons.is_empty() {
        return Err(reasons);
    }
    match &decision.step.action {
        Action::Disable { tags, .. } if judge.shares_differ(build, tags) => changed("why it is shared with others"),
        _ => Ok(()),
    }
}
