//! Instances, as far as the use of AMIs goes: they are launched, stopped and terminated; nothing runs in them.

mod change;
mod describe;
mod run;

pub(super) use change::{start_instances, stop_instances, terminate_instances};
pub(super) use describe::describe_instances;
pub(super) use run::{on_run, run_instances};

use super::Event;
use crate::clock::Time;
use crate::ec2::Tags;
use crate::events;
use crate::world::{self, World};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// How long a terminated instance is still described.
const REMAINS: TimeDelta = TimeDelta::hours(1);

/// An instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// `i-` and 17 hex digits.
    pub id: String,
    /// The Region.
    pub region: String,
    /// 12 digits.
    pub owner: String,
    /// `r-` and 17 hex digits: what was launched by one call.
    pub reservation: String,
    /// Its place among those, from 0.
    pub index: u32,
    /// The AMI that it was launched from.
    pub image_id: String,
    /// Such as `m5.large`.
    pub instance_type: String,
    /// `pending`, `running`, …
    pub state: String,
    /// Since when it has its state.
    pub since: Time,
    /// When it was launched, or last started.
    pub launched: Time,
    /// Of the AMI: `x86_64`, `arm64`, …
    pub architecture: String,
    /// Of the AMI.
    pub windows: bool,
    /// Of the AMI: `/dev/xvda`, …
    pub root_device: String,
    /// The key pair.
    pub key_name: Option<String>,
    /// The subnet.
    pub subnet_id: Option<String>,
    /// The instance profile's ARN.
    pub profile: Option<String>,
    /// The client token of the launch.
    pub client_token: Option<String>,
    /// Tags.
    pub tags: Tags,
}

impl Instance {
    fn goes_to(&self) -> Option<&'static str> {
        match self.state.as_str() {
            "pending" => Some("running"),
            "stopping" => Some("stopped"),
            "shutting-down" => Some("terminated"),
            _ => None,
        }
    }
}

/// Gives an instance a state, and posts what follows of it.
fn move_to(world: &mut World, region: &str, id: &str, state: &str) {
    let now = world.now;
    let Some(instance) = world.ec2.instances.get_mut(region, id) else { return };
    instance.state = state.to_owned();
    instance.since = now;
    let instance = instance.clone();
    let told = events::Event {
        source: "aws.ec2".to_owned(),
        detail_type: "EC2 Instance State-change Notification".to_owned(),
        account: instance.owner.clone(),
        region: region.to_owned(),
        resources: vec![arn(&instance)],
        detail: json!({"instance-id": id, "state": state}),
        time: now,
    };
    world.post(now, world::Event::Emit(told));
    let due = match state {
        "terminated" => now + REMAINS,
        _ if instance.goes_to().is_some() => {
            now + world.span_millis(&["instance", id, state, &now.to_rfc3339()], 5_000, 40_000)
        }
        _ => return,
    };
    let moved = Event::InstanceMoved { region: region.to_owned(), instance_id: id.to_owned(), since: now };
    world.post(due, world::Event::Ec2(moved));
}

/// An instance comes to the state that follows, if it is still in the one that began at `since`.
pub(super) fn on_moved(world: &mut World, region: &str, id: &str, since: Time) {
    let instance = world.ec2.instances.get(region, id).filter(|instance| instance.since == since);
    match instance.map(|instance| (instance.goes_to(), instance.state == "terminated")) {
        Some((Some(state), _)) => move_to(world, region, id, state),
        Some((None, true)) => {
            world.ec2.instances.remove(region, id);
        }
        _ => {}
    }
}

/// A launch is seen in the AMI's last launched time.
pub(super) fn on_seen(world: &mut World, region: &str, image_id: &str, at: Time) {
    if let Some(image) = world.ec2.images.get_mut(&(region.to_owned(), image_id.to_owned())) {
        image.last_launched = image.last_launched.max(Some(at));
    }
}

/// `arn:aws:ec2:us-east-1:123456789012:instance/i-…`
pub(super) fn arn(instance: &Instance) -> String {
    format!("arn:aws:ec2:{}:{}:instance/{}", instance.region, instance.owner, instance.id)
}
