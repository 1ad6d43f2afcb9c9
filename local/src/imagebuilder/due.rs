//! Pipelines' schedules: when one comes due, whether it builds, and what its builds do to it.

use super::phases;
use super::start::{self, Order, pick_recipe};
use super::store::{LastBuild, Resource};
use super::{announce, resolve};
use crate::clock::{Time, iso_millis};
use crate::journal;
use crate::wire::ApiError;
use crate::world::{Event, World};
use serde_json::{Value, json};

/// After so many failed scheduled builds in a row a pipeline is disabled, unless its schedule says otherwise.
const FAILURE_COUNT: u64 = 5;

/// Posts when a pipeline's schedule comes due next, and voids what was posted before. To be called
/// whenever a pipeline is made, updated or deleted.
pub fn reschedule(world: &mut World, pipeline_arn: &str) {
    world.imagebuilder.pipelines.entry(pipeline_arn.to_owned()).or_default().generation += 1;
    post_next(world, pipeline_arn);
}

fn post_next(world: &mut World, pipeline_arn: &str) {
    let generation = world.imagebuilder.pipelines.get(pipeline_arn).map_or(0, |state| state.generation);
    let now = world.now;
    let Some(pipeline) = world.imagebuilder.get_mut(pipeline_arn) else { return };
    let next = next_run(pipeline, now);
    match next {
        Ok(Some(at)) => pipeline.document.insert("dateNextRun", iso_millis(at).into()),
        Ok(None) | Err(_) => drop(pipeline.document.remove("dateNextRun")),
    }
    let (name, region) = (name(pipeline), pipeline.region.clone());
    match next {
        Ok(Some(at)) => {
            let pipeline_arn = pipeline_arn.to_owned();
            world.post(at, Event::ImageBuilder(super::Event::PipelineDue { pipeline_arn, generation }));
        }
        Ok(None) => {}
        Err(problem) => world.record(journal::Kind::Warning, name, Some(&region), problem),
    }
}

/// When an enabled pipeline's schedule comes due next; none without a schedule.
fn next_run(pipeline: &Resource, now: Time) -> Result<Option<Time>, String> {
    let schedule = pipeline.document.get("schedule").unwrap_or(&Value::Null);
    let Some(text) = schedule["scheduleExpression"].as_str() else { return Ok(None) };
    if pipeline.text("status") != Some("ENABLED") {
        return Ok(None);
    }
    // A rate counts from the last time that the pipeline was written.
    let updated = pipeline.text("dateUpdated").and_then(|text| text.parse().ok());
    crate::schedule::next(text, schedule["timezone"].as_str(), now, updated.unwrap_or(pipeline.created))
}

fn name(pipeline: &Resource) -> String {
    pipeline.text("name").unwrap_or(&pipeline.segment).to_owned()
}

/// A pipeline's schedule came due. What was posted for an older generation of it is void.
pub fn on_pipeline_due(world: &mut World, pipeline_arn: &str, generation: u64) {
    let current = world.imagebuilder.pipelines.get(pipeline_arn).map(|state| state.generation);
    let Some(pipeline) = world.imagebuilder.get(pipeline_arn).filter(|_| current == Some(generation)).cloned() else {
        return;
    };
    let schedule = pipeline.document.get("schedule").unwrap_or(&Value::Null);
    let expression = schedule["scheduleExpression"].as_str().unwrap_or_default();
    let always = schedule["pipelineExecutionStartCondition"] == "EXPRESSION_MATCH_ONLY";
    let (subject, region) = (name(&pipeline), pipeline.region.as_str());
    if always || has_news(world, &pipeline) {
        world.record(journal::Kind::ScheduleFired, subject.as_str(), Some(region), expression);
        if let Err(error) = start_unasked(world, &pipeline) {
            world.record(journal::Kind::Warning, subject, Some(region), error.to_string());
        }
    } else {
        let detail = format!("{expression}: no newer parent or component");
        world.record(journal::Kind::ScheduleFired, subject, Some(region), detail);
    }
    post_next(world, pipeline_arn);
}

/// Starts a pipeline that nobody asked to start: its schedule or EventBridge does. The image has the tags that
/// the pipeline keeps for it.
///
/// # Errors
/// As [`start::start`].
pub(super) fn start_unasked(world: &mut World, pipeline: &Resource) -> Result<String, ApiError> {
    let order = Order {
        plan: &pipeline.document.to_map(),
        pipeline: Some(&pipeline.arn),
        build_type: "SCHEDULED",
        tags: pipeline.document.get("imageTags").cloned().unwrap_or_else(|| json!({})),
    };
    start::start(world, &pipeline.owner, &pipeline.region, order)
}

/// Whether a build of the pipeline would be made of something else than its last one. One that never built
/// has news, and so has one whose recipe is gone: its build says so.
fn has_news(world: &mut World, pipeline: &Resource) -> bool {
    let Some(last) = last_build(world, pipeline).map(|image| image.document.clone()) else { return true };
    let Ok(recipe) = pick_recipe(world, &pipeline.owner, &pipeline.region, &pipeline.document.to_map()).cloned() else {
        return true;
    };
    start::ensure_managed(world, &pipeline.region, &recipe.document.to_map());
    let now = resolve::materials(world, &pipeline.owner, &pipeline.region, &recipe.document.to_map());
    resolve::has_news(&last.to_map(), &recipe.arn, &now)
}

/// The pipeline's newest build. One that was deleted since is nothing to compare with.
fn last_build<'a>(world: &'a World, pipeline: &Resource) -> Option<&'a Resource> {
    let last = world.imagebuilder.pipelines.get(&pipeline.arn)?.last_build.as_ref()?;
    world.imagebuilder.get(&last.arn)
}

/// Whether a build is the newest of its pipeline, which it becomes when it is newer than the newest so far.
fn is_last(world: &mut World, pipeline_arn: &str, build: LastBuild) -> bool {
    let last = &mut world.imagebuilder.pipelines.entry(pipeline_arn.to_owned()).or_default().last_build;
    if last.as_ref().is_none_or(|last| last.made < build.made) {
        *last = Some(build);
        return true;
    }
    *last == Some(build)
}

/// A build began or changed its status: its pipeline, if it has one, remembers. Failed scheduled builds in a
/// row disable the pipeline; a build that is AVAILABLE ends the row, a failed one by hand leaves it.
pub(crate) fn build_changed(world: &mut World, image_arn: &str) {
    let Some(image) = world.imagebuilder.get(image_arn) else { return };
    let (status, scheduled) = (image.status().to_owned(), image.text("buildType") == Some("SCHEDULED"));
    let created = image.text("dateCreated").unwrap_or_default().to_owned();
    let build = LastBuild { arn: image_arn.to_owned(), made: image.made };
    let Some(pipeline) = image.text("sourcePipelineArn").and_then(|arn| world.imagebuilder.get(arn)) else { return };
    // Of a pipeline that was deleted and made anew, older builds aren't builds.
    if pipeline.made > build.made {
        return;
    }
    let pipeline_arn = pipeline.arn.clone();
    let is_last = is_last(world, &pipeline_arn, build);
    let Some(pipeline) = world.imagebuilder.get_mut(&pipeline_arn) else { return };
    if is_last {
        pipeline.document.insert("dateLastRun", created.into());
        pipeline.document.insert("lastRunStatus", status.as_str().into());
    }
    if phases::in_progress(&status) {
        return;
    }
    let failures = pipeline.document.get("consecutiveFailures").and_then(Value::as_u64).unwrap_or(0);
    let failures = match status.as_str() {
        "AVAILABLE" => 0,
        "FAILED" if scheduled => failures + 1,
        _ => failures,
    };
    pipeline.document.insert("consecutiveFailures", failures.into());
    let schedule = pipeline.document.get("schedule").unwrap_or(&Value::Null);
    let limit = schedule["autoDisablePolicy"]["failureCount"].as_u64().unwrap_or(FAILURE_COUNT);
    if scheduled && failures >= limit && pipeline.text("status") == Some("ENABLED") {
        pipeline.document.insert("status", "DISABLED".into());
        let pipeline = pipeline.clone();
        announce::disabled(world, &pipeline, failures);
        let detail = format!("disabled after {failures} failed scheduled builds in a row");
        world.record(journal::Kind::Warning, name(&pipeline), Some(&pipeline.region), detail);
        reschedule(world, &pipeline_arn);
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::store::Kind;
    use super::*;

    /// Once a year, far from the tests' time.
    const YEARLY: &str = "cron(0 0 1 1 ? *)";

    fn scheduled(world: &mut World, more: Value) -> String {
        put_web(world);
        let mut schedule = json!({"scheduleExpression": YEARLY});
        for (member, value) in more.as_object().into_iter().flatten() {
            schedule[member] = value.clone();
        }
        let pipeline = put_pipeline(world, "web", json!({"schedule": schedule}));
        reschedule(world, &pipeline);
        pipeline
    }

    /// Lets the schedule come due; how many builds there are then, after they have ended.
    fn fire(world: &mut World, pipeline: &str) -> usize {
        let generation = world.imagebuilder.pipelines[pipeline].generation;
        on_pipeline_due(world, pipeline, generation);
        run(world);
        builds(world).len()
    }

    fn builds(world: &World) -> Vec<&Resource> {
        let mut images = world.imagebuilder.of_kind(Kind::Image, REGION, Some(ACCOUNT));
        images.retain(|image| image.segment == "web-server");
        images
    }

    #[test]
    fn with_the_condition_only_news_make_a_build() {
        let mut world = world();
        let pipeline = scheduled(&mut world, json!({}));
        assert_eq!(fire(&mut world, &pipeline), 1, "the first time there is nothing to compare with");
        let first = &builds(&world)[0].document;
        assert_eq!((&first["buildType"], &first["tags"]), (&json!("SCHEDULED"), &json!({"from": "pipeline"})));
        assert_eq!(fire(&mut world, &pipeline), 1);
        put_image(&mut world, "base", "2026.3.1", 1, "BUILDING");
        assert_eq!(fire(&mut world, &pipeline), 1, "a parent that isn't available is no news");
        put_image(&mut world, "base", "2026.3.1", 1, "AVAILABLE");
        assert_eq!(fire(&mut world, &pipeline), 2);
        put_component(&mut world, "agent", "1.0.0", 2, None);
        assert_eq!(fire(&mut world, &pipeline), 3);
        let fired = world.journal.entries().iter().filter(|entry| entry.kind == journal::Kind::ScheduleFired);
        let quiet = format!("{YEARLY}: no newer parent or component");
        let details: Vec<_> = fired.map(|entry| entry.detail.as_str()).collect();
        assert_eq!(details, [YEARLY, &quiet, &quiet, YEARLY, YEARLY]);
    }

    #[test]
    fn without_the_condition_every_time_makes_one() {
        let mut world = world();
        let condition = json!({"pipelineExecutionStartCondition": "EXPRESSION_MATCH_ONLY"});
        let pipeline = scheduled(&mut world, condition);
        assert_eq!([fire(&mut world, &pipeline), fire(&mut world, &pipeline)], [1, 2]);
    }

    #[test]
    fn an_older_generation_is_void() {
        let mut world = world();
        let pipeline = scheduled(&mut world, json!({}));
        let older = world.imagebuilder.pipelines[&pipeline].generation;
        reschedule(&mut world, &pipeline);
        on_pipeline_due(&mut world, &pipeline, older);
        assert!(builds(&world).is_empty());
    }

    fn failing(world: &mut World, more: Value) -> String {
        let mut schedule = json!({"pipelineExecutionStartCondition": "EXPRESSION_MATCH_ONLY"});
        for (member, value) in more.as_object().into_iter().flatten() {
            schedule[member] = value.clone();
        }
        let pipeline = scheduled(world, schedule);
        put_failing_component(world, "broken", "build");
        use_component(world, "broken");
        pipeline
    }

    fn of<'a>(world: &'a World, pipeline: &str, member: &str) -> &'a Value {
        &world.imagebuilder.get(pipeline).unwrap().document[member]
    }

    #[test]
    fn failures_in_a_row_disable_a_pipeline() {
        for (policy, limit) in [(json!({}), 5), (json!({"autoDisablePolicy": {"failureCount": 2}}), 2)] {
            let mut world = world();
            let pipeline = failing(&mut world, policy);
            for nth in 1..limit {
                fire(&mut world, &pipeline);
                assert_eq!(of(&world, &pipeline, "consecutiveFailures"), nth);
                assert_eq!(of(&world, &pipeline, "status"), "ENABLED");
            }
            let generation = world.imagebuilder.pipelines[&pipeline].generation;
            fire(&mut world, &pipeline);
            assert_eq!(of(&world, &pipeline, "status"), "DISABLED");
            assert_eq!(of(&world, &pipeline, "lastRunStatus"), "FAILED");
            assert!(world.imagebuilder.pipelines[&pipeline].generation > generation, "the schedule rests");
            assert!(!world.imagebuilder.get(&pipeline).unwrap().document.contains_key("dateNextRun"));
        }
    }

    #[test]
    fn an_older_build_says_nothing_of_the_last_run() {
        let mut world = world();
        let pipeline = scheduled(&mut world, json!({}));
        let first = start_pipeline(&mut world, &pipeline);
        let second = start_pipeline(&mut world, &pipeline);
        let mut set = |image: &str, status: &str| {
            world.imagebuilder.get_mut(image).unwrap().document.insert("state", json!({"status": status}));
            build_changed(&mut world, image);
            of(&world, &pipeline, "lastRunStatus").clone()
        };
        assert_eq!(set(&first, "FAILED"), "PENDING");
        assert_eq!(set(&second, "AVAILABLE"), "AVAILABLE");
        assert_eq!(set(&first, "TESTING"), "AVAILABLE");
    }

    #[test]
    fn what_a_deleted_pipeline_built_is_nothing_to_one_with_its_name() {
        let mut world = world();
        let pipeline = scheduled(&mut world, json!({}));
        let old = start_pipeline(&mut world, &pipeline);
        super::super::pipeline::delete(&mut world, &context(), &json!({"imagePipelineArn": pipeline})).unwrap();
        put_pipeline(&mut world, "web", json!({"schedule": {"scheduleExpression": YEARLY}}));
        reschedule(&mut world, &pipeline);
        run(&mut world);
        assert_eq!(world.imagebuilder.get(&old).unwrap().status(), "AVAILABLE", "a build that runs goes on");
        assert_eq!(of(&world, &pipeline, "lastRunStatus"), &Value::Null);
        assert_eq!(fire(&mut world, &pipeline), 2, "it never built");
    }

    #[test]
    fn another_value_of_the_parents_parameter_is_news() {
        let mut world = world();
        let pipeline = scheduled(&mut world, json!({}));
        for id in ["ami-00000000000000001", "ami-00000000000000002"] {
            put_ami(&mut world, id, ACCOUNT, "available");
        }
        let set = |world: &mut World, value: &str| {
            let input = json!({"Name": "/base/ami", "Value": value, "Type": "String", "Overwrite": true});
            crate::ssm::call(world, &context(), "PutParameter", input).unwrap();
        };
        let recipe = world.imagebuilder.get_mut(&arn("image-recipe/web-server/1.0.0")).unwrap();
        recipe.document.insert("parentImage", "ssm:/base/ami".into());
        set(&mut world, "ami-00000000000000001");
        assert_eq!([fire(&mut world, &pipeline), fire(&mut world, &pipeline)], [1, 1]);
        set(&mut world, "ami-00000000000000001");
        assert_eq!(fire(&mut world, &pipeline), 1, "a new version with the same value");
        set(&mut world, "ami-00000000000000002");
        assert_eq!(fire(&mut world, &pipeline), 2);
    }

    #[test]
    fn builds_by_hand_never_add_to_the_row_but_a_good_one_ends_it() {
        let mut world = world();
        let pipeline = failing(&mut world, json!({}));
        fire(&mut world, &pipeline);
        start_pipeline(&mut world, &pipeline);
        run(&mut world);
        assert_eq!(of(&world, &pipeline, "consecutiveFailures"), 1);
        use_component(&mut world, "agent");
        start_pipeline(&mut world, &pipeline);
        run(&mut world);
        assert_eq!(of(&world, &pipeline, "consecutiveFailures"), 0);
    }
}
