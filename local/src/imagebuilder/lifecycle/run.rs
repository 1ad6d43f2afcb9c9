//! A policy's daily run: when it is, and the facts that it decides by.

use super::Event;
use super::execution::{self, Draft, Order, Task};
use super::rules::{self, Rule, Selection};
use super::select::{Candidate, decide};
use crate::clock::{Time, epoch_seconds};
use crate::imagebuilder::naming;
use crate::imagebuilder::store::{Kind, Resource};
use crate::journal;
use crate::world::World;
use chrono::{Days, NaiveTime, TimeDelta};
use serde_json::json;
use shared::version::VersionPattern;
use std::collections::BTreeMap;

/// Posts a policy's next run, and voids what was posted before. To be called whenever a policy is made, updated or
/// deleted.
pub(super) fn reschedule(world: &mut World, policy_arn: &str) {
    let generation = world.imagebuilder.lifecycle.generations.entry(policy_arn.to_owned()).or_default();
    *generation += 1;
    let generation = *generation;
    post_next(world, policy_arn, generation);
}

fn post_next(world: &mut World, policy_arn: &str, generation: u64) {
    let enabled = world.imagebuilder.get(policy_arn).is_some_and(|policy| policy.text("status") == Some("ENABLED"));
    if enabled {
        let at = next_run(world, policy_arn);
        execution::post(world, at, Event::PolicyDue { policy_arn: policy_arn.to_owned(), generation });
    }
}

/// The service chooses the time of day: here it is drawn for the policy.
fn next_run(world: &World, policy_arn: &str) -> Time {
    let of_day = world.seed.span(&["lifecycle policy", policy_arn], TimeDelta::zero(), TimeDelta::seconds(86_399));
    let today = world.now.date_naive().and_time(NaiveTime::MIN).and_utc() + of_day;
    if today > world.now { today } else { today + Days::new(1) }
}

/// A policy's time of day has come. While an execution of it goes on, none begins.
pub(super) fn on_due(world: &mut World, policy_arn: &str, generation: u64) {
    if world.imagebuilder.lifecycle.generations.get(policy_arn) != Some(&generation) {
        return;
    }
    post_next(world, policy_arn, generation);
    if execution::running(world, policy_arn).is_some() {
        return;
    }
    let now = world.now;
    let Some(policy) = world.imagebuilder.get_mut(policy_arn) else { return };
    policy.document.insert("dateLastRun", json!(epoch_seconds(now)));
    let policy = policy.clone();
    let (tasks, rules) = match tasks(world, &policy) {
        Ok(decided) => decided,
        Err(error) => return world.record(journal::Kind::Warning, policy_arn, Some(&policy.region), error.to_string()),
    };
    if !tasks.is_empty() {
        let name = policy.text("name").unwrap_or(&policy.segment);
        let detail = format!("lifecycle policy: {} images", tasks.len());
        world.record(journal::Kind::ScheduleFired, name, Some(&policy.region), detail);
    }
    let draft = Draft {
        region: policy.region.clone(),
        account: policy.owner.clone(),
        policy_arn: Some(policy_arn.to_owned()),
        orders: rules.into_iter().map(order).collect(),
        tasks,
    };
    execution::begin(world, policy_arn, draft);
}

fn order(rule: Rule) -> Order {
    let exclusions = rule.exclusion_rules.amis.unwrap_or_default();
    Order { action: rule.action.action, include: rule.action.include_resources, exclusions, at: None }
}

/// What a run of a policy does now.
fn tasks(world: &World, policy: &Resource) -> Result<(Vec<Task>, Vec<Rule>), crate::wire::ApiError> {
    let document = policy.document.to_value();
    let (rules, selection) = (rules::rules(&document)?, rules::selection(&document)?);
    let container = document["resourceType"] == "CONTAINER_IMAGE";
    let images = selected(world, policy, &selection);
    let images = images.into_iter().filter(|image| (image.text("type") == Some("DOCKER")) == container);
    let candidates: Vec<_> = images
        .map(|image| Candidate {
            arn: &image.arn,
            recipe: (&image.segment, image.version),
            status: image.status(),
            made: (image.created, image.made),
            tags: &image.document["tags"],
            busy: execution::running(world, &image.arn).is_some(),
        })
        .collect();
    let orders: Vec<_> = rules.iter().cloned().map(order).collect();
    let tasks = decide(&rules, &candidates, world.now).into_iter().filter_map(|decision| {
        let image = world.imagebuilder.get(&decision.arn)?;
        Some(Task::new(image, &orders[decision.rule], decision.rule, Some(decision.reason)))
    });
    Ok((tasks.collect(), rules))
}

/// The images that a policy is about: those of its recipes, or those with any of its tags.
fn selected<'a>(world: &'a World, policy: &Resource, selection: &Selection) -> Vec<&'a Resource> {
    let store = &world.imagebuilder;
    if selection.recipes.is_empty() {
        let images = store.owned(Kind::Image, &policy.region, &policy.owner);
        let has = |image: &&Resource| {
            selection.tag_map.iter().any(|(key, value)| image.document["tags"][key] == value.as_str())
        };
        return images.filter(has).collect();
    }
    // An image that two entries select is there once.
    let mut found = BTreeMap::new();
    for recipe in &selection.recipes {
        let Ok(pattern) = recipe.semantic_version.parse::<VersionPattern>() else { continue };
        let segment = naming::segment(&recipe.name);
        let prefix = format!("{}/", naming::arn(Kind::Image, &policy.region, &policy.owner, &segment));
        let fits = |image: &&Resource| {
            let made_of = ["imageRecipe", "containerRecipe"].iter().any(|recipe| image.document.contains_key(recipe));
            made_of && image.version.is_some_and(|version| pattern.matches(version))
        };
        found.extend(store.starting_with(&prefix, None).filter(fits).map(|image| (image.arn.as_str(), image)));
    }
    found.into_values().collect()
}
