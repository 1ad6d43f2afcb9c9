//! The build state machine: what the end of each status brings.

use super::execution::{self, Phase};
use super::failure::{self, Failure};
use super::phases::{self, Size};
use super::store::Resource;
use super::{analysis, announce, arrival, due, outputs};
use crate::clock::Time;
use crate::world::{Event, World};
use crate::{faults, journal};
use serde_json::{Value, json};

pub use super::due::{on_pipeline_due, reschedule};

/// `web 1.0.0/3`: how the timeline names a build.
pub(crate) fn subject(image: &Resource) -> String {
    format!("{} {}", image.text("name").unwrap_or(&image.segment), image.text("version").unwrap_or_default())
}

/// A status has begun: its end is posted, unless workflows run in it that wait for an action.
pub(crate) fn post_end(world: &mut World, image_arn: &str, status: &str) {
    let Some(image) = world.imagebuilder.get(image_arn) else { return };
    let lasts = phases::lasts(world.seed, image_arn, status, Size::of(&image.document));
    let until = match Phase::of_status(status) {
        Some(phase) => execution::begin(world, image_arn, phase),
        None => Some(world.now + lasts),
    };
    ends(world, image_arn, until);
}

/// A status of a build ends then; at `None` that isn't known yet.
fn ends(world: &mut World, image_arn: &str, until: Option<Time>) {
    analysis::follow(world, image_arn);
    let Some(build) = world.imagebuilder.builds.get_mut(image_arn) else { return };
    build.until = until;
    if let Some(at) = until {
        world.post(at, Event::ImageBuilder(super::Event::BuildStep { image_arn: image_arn.to_owned() }));
    }
}

/// A step that the build waited for has its action.
pub(crate) fn go_on(world: &mut World, image_arn: &str) {
    let until = execution::go_on(world, image_arn);
    ends(world, image_arn, until);
}

/// The status of a build ends: the next one begins, or the build ends.
pub fn on_step(world: &mut World, image_arn: &str) {
    let Some(from) = world.imagebuilder.get(image_arn).map(|image| image.status().to_owned()) else { return };
    let now = world.now;
    let Some(build) = world.imagebuilder.builds.get_mut(image_arn) else { return };
    // What was posted for another end than the one that is due is void.
    if build.until.is_none_or(|until| now < until) {
        return;
    }
    let Some(next) = build.ahead.first().cloned() else { return };
    build.until = None;
    if next == "CANCELLED" {
        execution::cancelled(world, image_arn, &from);
    } else if let Some(failure) = outcome(world, image_arn, &from, &next) {
        return enter(world, image_arn, &from, "FAILED", Some(&failure));
    }
    if let Some(build) = world.imagebuilder.builds.get_mut(image_arn) {
        build.ahead.remove(0);
    }
    enter(world, image_arn, &from, &next, None);
}

/// What a status leaves behind comes to be at its end; or why the build fails there.
fn outcome(world: &mut World, image_arn: &str, status: &str, next: &str) -> Option<Failure> {
    if let Some(failure) = failure_of(world, image_arn, status) {
        return Some(failure);
    }
    match (status, next) {
        ("DISTRIBUTING", _) => outputs::deliver(world, image_arn),
        (_, "AVAILABLE") => arrival::deliver(world, image_arn),
        _ => {}
    }
    failure_of(world, image_arn, status)
}

/// Why a build fails at the end of a status, if it does.
fn failure_of(world: &mut World, image_arn: &str, status: &str) -> Option<Failure> {
    let build = world.imagebuilder.builds.get_mut(image_arn)?;
    if let Some(mut failure) = build.failure.take_if(|failure| failure.status == status) {
        execution::blame(world, image_arn, &mut failure);
        return Some(*failure);
    }
    execution::failure(world, image_arn, status).or_else(|| analysis::refusal(world, image_arn, status))
}

/// A build that failed or was cancelled goes on in a status.
pub(crate) fn retry(world: &mut World, image_arn: &str, status: &str) {
    let Some(image) = world.imagebuilder.get(image_arn).cloned() else { return };
    let from = image.status().to_owned();
    let statuses: Vec<String> = phases::ahead(true).into_iter().skip_while(|ahead| ahead != status).collect();
    let failure = foretold_again(world, &image, &statuses);
    let Some(build) = world.imagebuilder.builds.get_mut(image_arn) else { return };
    build.failure = failure.map(Box::new);
    build.ahead = statuses.into_iter().skip(1).collect();
    enter(world, image_arn, &from, status, None);
}

/// What a rule says of a build that is tried again.
fn foretold_again(world: &mut World, image: &Resource, statuses: &[String]) -> Option<Failure> {
    let recipe = image.document.get("imageRecipe").and_then(|recipe| recipe["arn"].as_str()).unwrap_or_default();
    let statuses: Vec<&str> = statuses.iter().map(String::as_str).collect();
    let build = faults::Build {
        arn: &image.arn,
        name: image.text("name").unwrap_or(&image.segment),
        recipe,
        pipeline: image.text("sourcePipelineArn"),
        region: &image.region,
        account: &image.owner,
        tested: statuses.contains(&"TESTING"),
    };
    faults::foretold_again(world, &build, &statuses)
}

fn enter(world: &mut World, image_arn: &str, from: &str, to: &str, failure: Option<&Failure>) {
    debug_assert!(phases::allowed(from, to), "a build doesn't come from {from} to {to}");
    let Some(image) = world.imagebuilder.get_mut(image_arn) else { return };
    let state = failure.map_or_else(|| json!({"status": to}), |failure| Value::Object(failure::state(failure)));
    image.document.insert("state", state);
    let image = image.clone();
    let subject = subject(&image);
    let detail = failure.map_or_else(|| to.to_owned(), |failure| format!("{to}: {}", failure.summary));
    world.record(journal::Kind::ImageState, subject.as_str(), Some(&image.region), detail);
    announce::status_changed(world, &image, from);
    if phases::in_progress(to) {
        post_end(world, image_arn, to);
    } else {
        if let Some(build) = world.imagebuilder.builds.get_mut(image_arn) {
            build.ahead = Vec::new();
            build.runs.shrink_to_fit();
        }
        analysis::abandon(world, image_arn);
        announce::ended(world, &image, &subject);
    }
    due::build_changed(world, image_arn);
    if !phases::in_progress(to) {
        world.imagebuilder.rest(image_arn);
    }
}

/// A build under way shall stop: it is CANCELLED some seconds later, and keeps what it has made.
pub(crate) fn cancel(world: &mut World, image_arn: &str) {
    execution::cancel(world, image_arn);
    let at = world.now + world.span_millis(&["cancel", image_arn], 2_000, 20_000);
    if let Some(build) = world.imagebuilder.builds.get_mut(image_arn) {
        build.ahead = vec!["CANCELLED".to_owned()];
        build.failure = None;
        ends(world, image_arn, Some(at));
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::members::Members;
    use super::*;

    /// The statuses of a build by hand, after PENDING, as the journal has them, and the image's document.
    fn statuses(world: &mut World, pipeline: &str) -> (Vec<String>, Members) {
        let image = start_pipeline(world, pipeline);
        run(world);
        let states = world.journal.entries().iter().filter(|entry| entry.kind == journal::Kind::ImageState);
        let states = states.map(|entry| entry.detail.clone()).collect();
        (states, world.imagebuilder.get(&image).unwrap().document.clone())
    }

    #[test]
    fn a_build_passes_its_statuses_and_leaves_an_image() {
        let mut world = world();
        put_web(&mut world);
        let pipeline = put_pipeline(&mut world, "web", json!({"loggingConfiguration": {"imageLogGroupName": "/l"}}));
        let start = world.now;
        let image = start_pipeline(&mut world, &pipeline);
        let pending = world.imagebuilder.get(&image).unwrap();
        assert_eq!((pending.status(), &pending.document["outputResources"]), ("PENDING", &json!({"amis": []})));
        run(&mut world);
        let states: Vec<_> =
            world.journal.entries().iter().filter(|entry| entry.kind == journal::Kind::ImageState).collect();
        let details: Vec<_> = states.iter().map(|entry| entry.detail.as_str()).collect();
        assert_eq!(details, ["CREATING", "BUILDING", "TESTING", "DISTRIBUTING", "INTEGRATING", "AVAILABLE"]);
        let took = (states[5].at - start).num_minutes();
        assert!((14..40).contains(&took), "{took} minutes");

        let document = &world.imagebuilder.get(&image).unwrap().document;
        assert_eq!(document["version"], "1.0.0/1");
        assert_eq!(document["osVersion"], "Amazon Linux 2023");
        assert_eq!(document["imageRecipe"]["parentImage"], arn("image/base/2026.2.1/1"));
        let component = &document["imageRecipe"]["components"][0];
        assert_eq!(component["componentArn"], arn("component/agent/1.0.0/1"));
        assert_eq!(component["parameters"][0]["name"], "level");
        assert_eq!(document["tags"], json!({"from": "request"}));
        assert_eq!(document["sourcePipelineArn"], pipeline);
        assert_eq!(document["loggingConfiguration"], json!({"logGroupName": "/l"}));
        assert_eq!(document["outputResources"]["amis"].as_array().unwrap().len(), 3);
        let pipeline = &world.imagebuilder.get(&pipeline).unwrap().document;
        assert_eq!((&pipeline["lastRunStatus"], &pipeline["consecutiveFailures"]), (&json!("AVAILABLE"), &json!(0)));
        assert_eq!(pipeline["dateLastRun"], document["dateCreated"]);
    }

    #[test]
    fn without_tests_there_is_no_testing_and_a_failing_test_is_not_run() {
        let mut world = world();
        put_web(&mut world);
        put_failing_component(&mut world, "broken", "test");
        use_component(&mut world, "broken");
        let pipeline =
            put_pipeline(&mut world, "web", json!({"imageTestsConfiguration": {"imageTestsEnabled": false}}));
        let (states, _) = statuses(&mut world, &pipeline);
        assert_eq!(states, ["CREATING", "BUILDING", "DISTRIBUTING", "INTEGRATING", "AVAILABLE"]);
    }

    #[test]
    fn a_component_that_exits_fails_the_build_at_the_end_of_its_phase() {
        for (phase, status, passed) in [
            ("build", "BUILDING", &["CREATING", "BUILDING"][..]),
            ("validate", "BUILDING", &["CREATING", "BUILDING"]),
            ("test", "TESTING", &["CREATING", "BUILDING", "TESTING"]),
        ] {
            let mut world = world();
            put_web(&mut world);
            put_failing_component(&mut world, "broken", phase);
            use_component(&mut world, "broken");
            let pipeline = put_pipeline(&mut world, "web", json!({}));
            let (states, document) = statuses(&mut world, &pipeline);
            let failed = format!("FAILED: component broken/1.0.0/1, phase {phase}, step Install: exit status 1");
            assert_eq!(states, [passed, &[failed.as_str()]].concat());
            let state = &document["state"];
            assert_eq!((&state["status"], &state["failureContext"]["imageStatus"]), (&json!("FAILED"), &json!(status)));
            assert!(state["reason"].as_str().unwrap().contains(&format!("in state = '{status}'")));
            let component = &state["failureContext"]["componentFailure"];
            assert_eq!(component["componentArn"], arn("component/broken/1.0.0/1"));
            assert_eq!(component["action"], "ExecuteBash");
            assert_eq!(document["outputResources"], json!({"amis": []}));
        }
    }

    #[test]
    fn a_parent_that_does_not_resolve_fails_the_build_and_not_the_call() {
        let mut world = world();
        put_web(&mut world);
        let parent = arn("image/base/2026.2.1/1");
        world.imagebuilder.get_mut(&parent).unwrap().document.insert("state", json!({"status": "DEPRECATED"}));
        let pipeline = put_pipeline(&mut world, "web", json!({}));
        let (states, document) = statuses(&mut world, &pipeline);
        assert_eq!(states.len(), 2);
        assert!(document["state"]["reason"].as_str().unwrap().contains("image/base/x.x.x"), "{document:?}");
    }

    #[test]
    fn a_cancelled_build_stops_later_and_makes_nothing() {
        let mut world = world();
        put_web(&mut world);
        let pipeline = put_pipeline(&mut world, "web", json!({}));
        let image = start_pipeline(&mut world, &pipeline);
        while world.imagebuilder.get(&image).unwrap().status() != "DISTRIBUTING" {
            let limit = world.now + chrono::TimeDelta::hours(1);
            world.step(limit).unwrap();
        }
        cancel(&mut world, &image);
        assert_eq!(world.imagebuilder.get(&image).unwrap().status(), "DISTRIBUTING");
        run(&mut world);
        let ended = world.imagebuilder.get(&image).unwrap();
        assert_eq!((ended.status(), &ended.document["outputResources"]), ("CANCELLED", &json!({"amis": []})));
        assert!(world.journal.entries().iter().all(|entry| entry.kind != journal::Kind::Notification));
    }
}
