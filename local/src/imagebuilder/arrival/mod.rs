//! Images that no recipe makes: imported ones, and those that track how an existing AMI is distributed.

mod disk;
mod distribute;
mod vm;

pub(super) use disk::import_disk_image;
pub(super) use distribute::distribute_image;
pub(super) use vm::import_vm_image;

use super::lookup::text;
use super::outputs::{self, Base, Draft};
use super::store::{BuildState, Kind, Resource};
use super::{execution, start};
use super::{naming, outputs::drawn};
use crate::clock::iso_millis;
use crate::ec2;
use crate::model::bad_value;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use shared::version::Version;
use std::collections::BTreeMap;

/// Where such images come from.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Store {
    /// By image ARN.
    pub origins: BTreeMap<String, Origin>,
}

/// What an image is made of that no recipe makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Origin {
    /// An AMI that is distributed.
    Ami {
        /// The Region.
        region: String,
        /// The AMI.
        image_id: String,
    },
    /// The task by which EC2 imports a virtual machine.
    Machine {
        /// `import-ami-` and 8 or 17 hex digits.
        task_id: String,
        /// Free text.
        description: Option<String>,
    },
    /// An installation disk in S3.
    Disk {
        /// `s3://bucket/key.iso`
        uri: String,
        /// Free text.
        description: Option<String>,
        /// How the AMI is registered: the request's `registerImageOptions`.
        register_image_options: Option<Value>,
        /// Which edition is installed: the request's `windowsConfiguration`.
        windows_configuration: Option<Value>,
    },
}

/// An image to make.
struct Arrival {
    name: String,
    version: Version,
    /// The statuses after PENDING.
    ahead: &'static [&'static str],
    origin: Origin,
    /// What the image's document has beside name, version, state, tags and dates.
    document: Map<String, Value>,
    topic_arn: Option<String>,
    /// What the timeline says of it.
    detail: String,
}

/// Makes the image and sets it off; the answer is its ARN.
fn begin(world: &mut World, context: &Context, input: &Value, arrival: Arrival) -> String {
    let Arrival { name, version, ahead, origin, mut document, topic_arn, detail } = arrival;
    let (region, account) = (context.region.clone(), context.account().to_owned());
    let segment = naming::segment(&name);
    let number = start::next_build(world, &region, &account, &segment, &version.to_string());
    let arn = format!("{}/{version}/{number}", naming::arn(Kind::Image, &region, &account, &segment));
    let mut set = |member: &str, value: Value| document.insert(member.to_owned(), value);
    set("arn", arn.as_str().into());
    set("type", "AMI".into());
    set("name", name.into());
    set("version", format!("{version}/{number}").into());
    set("state", json!({"status": "PENDING"}));
    set("dateCreated", iso_millis(world.now).into());
    set("outputResources", json!({"amis": []}));
    set("tags", if input["tags"].is_object() { input["tags"].clone() } else { json!({}) });
    for member in ["executionRole", "loggingConfiguration"] {
        if let Some(value) = input.get(member) {
            set(member, value.clone());
        }
    }
    world.imagebuilder.arrivals.origins.insert(arn.clone(), origin);
    let plan = if ahead.contains(&"DISTRIBUTING") { execution::distribution(world, &region) } else { 0 };
    let ahead = ahead.iter().map(|status| (*status).to_owned()).collect();
    let build = BuildState { ahead, account: account.clone(), topic_arn, plan, ..BuildState::default() };
    let image = Resource {
        kind: Kind::Image,
        arn: arn.clone(),
        region,
        owner: account,
        segment,
        version: Some(version),
        build: Some(number),
        made: 0,
        created: world.now,
        document: document.into(),
    };
    start::set_off(world, image, build, detail);
    arn
}

/// An import ends: its AMI comes to be. Nothing, for an image that isn't imported.
pub(super) fn deliver(world: &mut World, image_arn: &str) {
    let Some(image) = world.imagebuilder.get(image_arn) else { return };
    let ami = match world.imagebuilder.arrivals.origins.get(image_arn) {
        Some(Origin::Machine { task_id, description }) => machine(world, image, task_id, description.as_deref()),
        Some(Origin::Disk { description, .. }) => disk(world, image, description.as_deref()),
        Some(Origin::Ami { .. }) | None => return,
    };
    let resources = json!({"amis": outputs::listing(std::slice::from_ref(&ami))});
    outputs::register(world, vec![ami]);
    if let Some(image) = world.imagebuilder.get_mut(image_arn) {
        image.document.insert("outputResources", resources);
    }
}

/// The AMI of a virtual machine is EC2's: it bears the task's name, and a task makes one, however often Image
/// Builder is told of it.
fn machine(world: &World, image: &Resource, task_id: &str, description: Option<&str>) -> ec2::Image {
    let draft = Draft {
        key: task_id,
        region: &image.region,
        owner: &image.owner,
        name: task_id.to_owned(),
        description: None,
        tags: Default::default(),
        launch_permissions: Vec::new(),
        encrypted: false,
    };
    drawn(world, image, &Base::imported(image, description), draft)
}

fn disk(world: &World, image: &Resource, description: Option<&str>) -> ec2::Image {
    let draft = Draft {
        key: &image.arn,
        region: &image.region,
        owner: &image.owner,
        name: outputs::default_name(world, image),
        description: None,
        tags: outputs::own_tags(image),
        launch_permissions: Vec::new(),
        encrypted: false,
    };
    drawn(world, image, &Base::imported(image, description), draft)
}

/// The version that a request asks for.
fn version(input: &Value) -> Result<Version, ApiError> {
    let text = text(input, "semanticVersion");
    text.parse().map_err(|error| bad_value("semanticVersion", format!("{error}.")))
}

/// A request's text, if it has it.
fn given(input: &Value, member: &str) -> Option<String> {
    input.get(member).and_then(Value::as_str).map(str::to_owned)
}
