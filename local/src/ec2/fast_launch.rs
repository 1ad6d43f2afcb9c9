//! Fast launch: snapshots of Windows AMIs that have been through their first start.

use super::Event;
use crate::clock::Time;
use crate::world::{self, World};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How a Windows AMI is launched faster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FastLaunch {
    /// The AMI.
    pub image_id: String,
    /// Who asked for it, 12 digits.
    pub owner: String,
    /// `enabling`, `enabled`, `disabling`.
    pub state: String,
    /// Why it came to this state.
    pub reason: String,
    /// Since when it has its state.
    pub since: Time,
    /// How many instances are launched at a time to make snapshots.
    pub max_parallel_launches: u32,
    /// How many snapshots are kept in stock.
    pub snapshot_target: u32,
    /// `launchTemplateId` or `launchTemplateName`, and `version`.
    pub launch_template: Option<Value>,
}

/// What is asked for when fast launch is enabled.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) max_parallel_launches: Option<u32>,
    pub(super) snapshot_target: Option<u32>,
    pub(super) launch_template: Option<Value>,
}

/// Fast launch of an AMI is enabled, or disabled. Nothing comes of it for AMIs other than Windows'.
pub(super) fn on_fast_launch(world: &mut World, account: &str, region: &str, image_id: &str, asked: Option<Asked>) {
    if super::visible(world, account, region, image_id).is_some_and(|image| image.windows) {
        match asked {
            Some(asked) => enable(world, account, region, image_id, asked),
            None => disable(world, region, image_id),
        }
    }
}

/// EC2 begins to make snapshots, which takes its time.
pub(super) fn enable(world: &mut World, account: &str, region: &str, image_id: &str, asked: Asked) {
    let setting = FastLaunch {
        image_id: image_id.to_owned(),
        owner: account.to_owned(),
        state: "enabling".to_owned(),
        reason: "Client.UserInitiated".to_owned(),
        since: world.now,
        max_parallel_launches: asked.max_parallel_launches.unwrap_or(6),
        snapshot_target: asked.snapshot_target.unwrap_or(5),
        launch_template: asked.launch_template,
    };
    world.ec2.fast_launches.insert(region, image_id, setting);
    settle_later(world, region, image_id, (600_000, 3_600_000));
}

/// EC2 begins to take the snapshots away.
pub(super) fn disable(world: &mut World, region: &str, image_id: &str) {
    let now = world.now;
    let Some(setting) = world.ec2.fast_launches.get_mut(region, image_id) else { return };
    setting.state = "disabling".to_owned();
    setting.reason = "Client.UserInitiated".to_owned();
    setting.since = now;
    settle_later(world, region, image_id, (30_000, 120_000));
}

/// Posts the end of a transition after a span drawn between two bounds, in milliseconds.
fn settle_later(world: &mut World, region: &str, image_id: &str, (low, high): (i64, i64)) {
    let since = world.now;
    let due = since + world.span_millis(&["fast launch", region, image_id, &since.to_rfc3339()], low, high);
    let settled = Event::FastLaunchSettled { region: region.to_owned(), image_id: image_id.to_owned(), since };
    world.post(due, world::Event::Ec2(settled));
}

/// A transition is over, unless another began meanwhile.
pub(super) fn on_settled(world: &mut World, region: &str, image_id: &str, since: Time) {
    let now = world.now;
    let setting = world.ec2.fast_launches.get_mut(region, image_id).filter(|setting| setting.since == since);
    match setting {
        Some(setting) if setting.state == "enabling" => {
            setting.state = "enabled".to_owned();
            setting.reason = "Client.UserInitiated - Lifecycle state changed to enabled".to_owned();
            setting.since = now;
        }
        Some(_) => {
            world.ec2.fast_launches.remove(region, image_id);
        }
        None => {}
    }
}
