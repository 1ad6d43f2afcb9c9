//! What an execution does, image by image: on the record at once, in EC2 by what is posted.

use super::action::Action;
use super::execution::{Order, Outcome, Part, Status, Task, post};
use super::{Event, fate};
use crate::clock::{Time, epoch_seconds};
use crate::ec2;
use crate::faults::{Hindered, Retired, hindered};
use crate::imagebuilder::build::subject;
use crate::imagebuilder::phases;
use crate::journal;
use crate::world::{self, World};
use fate::Fate;
use serde_json::json;

/// An image's turn has come, or behind the last one the execution's end.
pub(super) fn on_step(world: &mut World, id: &str, place: usize) {
    let Some(execution) = world.imagebuilder.lifecycle.executions.get(id) else { return };
    if execution.status != Status::InProgress {
        return;
    }
    let Some(task) = execution.tasks.get(place) else { return finish(world, id) };
    let (order, task) = (execution.orders[task.order].clone(), task.clone());
    let (now, last) = (world.now, place + 1 == execution.tasks.len());
    let task = outputs(world, &order, task);
    let scheduled = order.at.filter(|at| *at > now && failure(&task).is_none());
    let task = if scheduled.is_some() { task } else { record(world, &order, task) };
    if let (Some(at), Some(image)) = (scheduled, world.imagebuilder.get_mut(&task.image_arn)) {
        image.document.insert("deprecationTime", json!(epoch_seconds(at)));
    }
    let Some(execution) = world.imagebuilder.lifecycle.executions.get_mut(id) else { return };
    execution.tasks[place] = task;
    match scheduled {
        Some(at) => {
            execution.status = Status::Pending;
            post(world, at, Event::Scheduled { execution_id: id.to_owned() });
        }
        None if last => finish(world, id),
        None => {
            let key = ["lifecycle step", id, &place.to_string()];
            let at = now + world.span_millis(&key, 200, 800);
            post(world, at, Event::Step { execution_id: id.to_owned(), place: place + 1 });
        }
    }
}

/// The time of a scheduled deprecation has come.
pub(super) fn on_scheduled(world: &mut World, id: &str) {
    let Some(execution) = world.imagebuilder.lifecycle.executions.get(id) else { return };
    if execution.status != Status::Pending {
        return;
    }
    let tasks: Vec<_> =
        execution.tasks.iter().map(|task| (execution.orders[task.order].clone(), task.clone())).collect();
    let tasks = tasks.into_iter().map(|(order, task)| record(world, &order, task)).collect();
    if let Some(execution) = world.imagebuilder.lifecycle.executions.get_mut(id) {
        execution.tasks = tasks;
    }
    finish(world, id);
}

fn finish(world: &mut World, id: &str) {
    let now = world.now;
    if let Some(execution) = world.imagebuilder.lifecycle.executions.get_mut(id) {
        execution.finish(now);
    }
}

/// Does to an image's outputs what is ordered. An image that can't change leaves them alone.
fn outputs(world: &mut World, order: &Order, mut task: Task) -> Task {
    if let Some(reason) = refused(world, order, &task) {
        for part in &mut task.parts {
            part.outcome = Outcome::Skipped(reason.clone());
        }
        return task;
    }
    for part in &mut task.parts {
        // A container image is known by its image alone: nobody else can take it away.
        part.outcome = if part.uris.is_empty() { ami(world, order, part, &task.image_arn) } else { Outcome::Success };
    }
    task
}

/// Why an image can't change as ordered now, if its state says so.
fn refused(world: &World, order: &Order, task: &Task) -> Option<String> {
    let image = world.imagebuilder.get(&task.image_arn)?;
    let (from, to) = (image.status(), order.action.status());
    (from != to && !phases::allowed(from, to)).then(|| format!("The image is {from}."))
}

fn ami(world: &mut World, order: &Order, part: &mut Part, image: &str) -> Outcome {
    let (ami, region, account) = (part.id.as_str(), part.region.as_str(), part.account.as_str());
    let fault = hindered(world, &Retired { ami, region, account, image, action: order.action.name() });
    let (now, found) = (world.now, ec2::image(world, &part.region, &part.id));
    let at = order.at.unwrap_or(now).max(now);
    let with_snapshots = order.include.snapshots;
    let snapshots = |outcome: &dyn Fn(&str) -> Outcome| -> Vec<(String, Outcome)> {
        let all = found.into_iter().filter(|_| with_snapshots).flat_map(|ami| ami.snapshots.values());
        all.map(|snapshot| (snapshot.id.clone(), outcome(&snapshot.id))).collect()
    };
    let facts = found.map(|ami| fate::Ami { ami, protected: ec2::protected(world, &part.region, &part.id) });
    let fate = match fault {
        Some(Hindered::Failed(reason)) => Fate::Refused(reason),
        Some(Hindered::Skipped(reason)) => Fate::Excluded(reason),
        None => fate::of(order.action, facts, &order.exclusions, now, at),
    };
    match fate {
        Fate::Already => Outcome::Success,
        Fate::Excluded(reason) => {
            part.snapshots = snapshots(&|_| Outcome::Skipped(reason.clone()));
            Outcome::Skipped(reason)
        }
        Fate::Refused(reason) => {
            part.snapshots = snapshots(&|_| Outcome::Skipped("The AMI wasn't deregistered.".to_owned()));
            Outcome::Failed(reason)
        }
        Fate::Act => {
            part.snapshots = snapshots(&|id| match ec2::snapshot(world, &part.region, id) {
                Some(stored) if stored.users > 1 => Outcome::Skipped("Another AMI needs the snapshot.".to_owned()),
                _ => Outcome::Success,
            });
            for event in events(order, part, at) {
                world.post(now, world::Event::Ec2(event));
            }
            Outcome::Success
        }
    }
}

/// What is done to an AMI. A tag says of a deprecated one who did it, until it is restored or disabled.
fn events(order: &Order, part: &Part, at: Time) -> Vec<ec2::Event> {
    let (region, image_id) = (part.region.clone(), part.id.clone());
    let tag = |value: Option<&str>| ec2::Event::Tag {
        region: region.clone(),
        image_id: image_id.clone(),
        key: "DeprecatedBy".to_owned(),
        value: value.map(str::to_owned),
    };
    let deprecate = |at: Option<Time>| ec2::Event::Deprecate { region: region.clone(), image_id: image_id.clone(), at };
    match order.action {
        Action::Deprecate => vec![deprecate(Some(at)), tag(Some("EC2 Image Builder"))],
        Action::Disable => vec![tag(None), ec2::Event::Disable { region, image_id }],
        Action::Delete => vec![ec2::Event::Deregister { region, image_id, snapshots: order.include.snapshots }],
        Action::Available => vec![deprecate(None), tag(None), ec2::Event::Enable { region, image_id }],
    }
}

fn failure(task: &Task) -> Option<&Part> {
    task.parts.iter().find(|part| matches!(part.outcome, Outcome::Failed(_)))
}

/// Does to an image's record what is ordered, as far as what became of its outputs allows it: a failure keeps it,
/// and it isn't deleted while an output is left.
fn record(world: &mut World, order: &Order, mut task: Task) -> Task {
    let left = |part: &&Part| {
        let skipped = |outcome: &Outcome| matches!(outcome, Outcome::Skipped(_));
        skipped(&part.outcome) || part.snapshots.iter().any(|(_, outcome)| skipped(outcome))
    };
    task.ended = Some(world.now);
    task.outcome = if let Some(reason) = refused(world, order, &task) {
        Outcome::Failed(reason)
    } else if let Some(part) = failure(&task) {
        Outcome::Failed(format!("{} in {} failed.", part.id, part.region))
    } else if let Some(part) = task.parts.iter().find(left).filter(|_| order.action == Action::Delete) {
        Outcome::Skipped(format!("{} in {} was skipped: the image is retained.", part.id, part.region))
    } else {
        change_record(world, &task.image_arn, order.action, order.at.unwrap_or(world.now));
        Outcome::Success
    };
    task
}

/// Changes an image's record alone. `at` is when it counts as deprecated.
pub(super) fn change_record(world: &mut World, arn: &str, action: Action, at: Time) {
    let Some(image) = world.imagebuilder.get_mut(arn).filter(|image| image.status() != action.status()) else { return };
    let (subject, region) = (subject(image), image.region.clone());
    image.document.insert("state", json!({"status": action.status()}));
    match action {
        Action::Deprecate => image.document.insert("deprecationTime", json!(epoch_seconds(at))),
        Action::Available => drop(image.document.remove("deprecationTime")),
        Action::Disable | Action::Delete => {}
    }
    if action == Action::Delete {
        world.imagebuilder.remove(arn);
        world.imagebuilder.builds.remove(arn);
    } else {
        world.imagebuilder.rest(arn);
    }
    world.record(journal::Kind::ImageState, subject, Some(&region), action.status());
}
