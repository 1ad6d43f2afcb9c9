//! What holds whatever the pipelines are and whatever happens to notifications. That no pipeline ever has two builds in
//! flight, that a limit is kept and that nothing is started which has to be left alone is held by every start.

use super::worlds::{Event, events, pipelines, world};
use super::*;
use proptest::prelude::*;

/// Everything that has to have a build has one on what its recipe stands for.
fn assert_settled(world: &World) {
    for (pipeline, inputs) in world.buildable() {
        assert_eq!(world.last(pipeline), Some(&inputs), "{pipeline} isn't on the newest parents");
    }
}

/// Sweeps, each with the notifications that it causes, until one starts nothing.
fn settle(world: &mut World, how: Post) {
    while world.invoke(Cause::sweep(), 1) > 0 {
        world.run_its_course(how);
    }
}

/// A settled world in which something changed, and what has to be started for it: whatever would now, or at the end,
/// be made of something else, or has no AVAILABLE build any more.
fn changed(world: &mut World, events: &[Event]) {
    settle(world, Post::Reliable);
    world.starts.clear();
    for (round, event) in events.iter().enumerate() {
        world.happen(*event, round);
    }
}

/// Fails with the entries that differ alone.
fn assert_same<T: PartialEq + std::fmt::Debug>(found: &BTreeMap<String, T>, expected: &BTreeMap<String, T>) {
    let differ = |key: &&String| found.get(*key) != expected.get(*key);
    let keys: BTreeSet<&String> = found.keys().chain(expected.keys()).filter(differ).collect();
    let entries: Vec<_> = keys.iter().map(|key| (key, found.get(*key), expected.get(*key))).collect();
    assert!(entries.is_empty(), "found and expected differ: {entries:#?}");
}

fn assert_one_start_each(before: &World, after: &World) {
    let moved = after.buildable().into_iter().filter(|(pipeline, inputs)| before.last(pipeline) != Some(inputs));
    let expected: BTreeMap<String, usize> = moved.map(|(pipeline, _)| (pipeline.to_owned(), 1)).collect();
    assert_same(&after.starts, &expected);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_first_sweep_builds_each_pipeline_once(drawn in pipelines(), seed in any::<u64>()) {
        let mut world = world(&drawn, seed);
        world.invoke(Cause::sweep(), 1);
        world.run_its_course(Post::Reliable);
        assert_settled(&world);
        let expected: BTreeMap<String, usize> = world.buildable().into_iter().map(|(it, _)| (it.to_owned(), 1)).collect();
        assert_same(&world.starts, &expected);
        assert_eq!(world.invoke(Cause::sweep(), 1), 0, "a second sweep has nothing to do");
    }

    #[test]
    fn what_changed_is_built_once_and_nothing_else(drawn in pipelines(), events in events(), seed in any::<u64>()) {
        let mut world = world(&drawn, seed);
        changed(&mut world, &events);
        let before = world.clone();
        world.invoke(Cause::sweep(), 1);
        world.run_its_course(Post::Reliable);
        assert_settled(&world);
        assert_one_start_each(&before, &world);
        assert_eq!(world.invoke(Cause::sweep(), 1), 0, "a second sweep has nothing to do");
    }

    #[test]
    fn hints_suffice_for_base_images(drawn in pipelines(), events in events(), seed in any::<u64>()) {
        let mut world = world(&drawn, seed);
        let events: Vec<Event> = events.into_iter().filter(|event| event.hint().is_some()).collect();
        changed(&mut world, &events);
        let before = world.clone();
        world.post.extend(events.iter().filter_map(|event| event.hint()));
        world.run_its_course(Post::Reliable);
        assert_settled(&world);
        assert_one_start_each(&before, &world);
    }

    #[test]
    fn one_sweep_heals_what_notifications_left_undone(drawn in pipelines(), events in events(), seed in any::<u64>()) {
        let mut world = world(&drawn, seed);
        changed(&mut world, &events);
        let mut other = world.clone();
        world.invoke(Cause::sweep(), 1);
        world.run_its_course(Post::Reliable);

        other.random = Random(seed.rotate_left(32) | 1);
        other.post.extend(events.iter().filter_map(|event| event.hint()));
        other.post.push(Cause::sweep());
        other.run_its_course(Post::Unreliable);
        other.invoke(Cause::sweep(), 1);
        other.run_its_course(Post::Reliable);
        assert_same(&other.end_state(), &world.end_state());
        assert_settled(&other);
    }

    #[test]
    fn sweeps_alone_come_to_the_same_end(drawn in pipelines(), events in events(), seed in any::<u64>()) {
        let mut world = world(&drawn, seed);
        changed(&mut world, &events);
        let mut other = world.clone();
        world.invoke(Cause::sweep(), 1);
        world.run_its_course(Post::Reliable);
        settle(&mut other, Post::Lost);
        assert_same(&other.end_state(), &world.end_state());
    }

    #[test]
    fn a_limit_delays_and_changes_nothing_else(
        drawn in pipelines(), events in events(), seed in any::<u64>(), limit in 1..6_usize
    ) {
        let mut world = world(&drawn, seed);
        changed(&mut world, &events);
        let mut other = world.clone();
        world.invoke(Cause::sweep(), 1);
        world.run_its_course(Post::Reliable);
        other.limit = limit;
        settle(&mut other, Post::Reliable);
        assert_same(&other.end_state(), &world.end_state());
    }
}
