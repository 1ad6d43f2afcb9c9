//! The validation of `aws:ec2:image` values, which comes after PutParameter has answered:
//! <https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-ec2-aliases.html>

use super::store::{Key, Version};
use super::{emit, emit_change};
use crate::ec2;
use crate::journal::Kind;
use crate::world::World;
use serde_json::json;

/// The validation of a version ends: it becomes readable, or is dropped with an event that says why.
pub(super) fn on_validate(world: &mut World, key: &Key, number: i64, invocation: Option<&str>) {
    let now = world.now;
    let Some(parameter) = world.ssm.parameters.get_mut(key) else { return };
    // Gone if the parameter was deleted meanwhile; not due yet if it was made again since.
    let place = parameter.pending.iter().position(|(due, version)| version.number == number && *due <= now);
    let Some((due, version)) = place.map(|place| parameter.pending.remove(place)) else { return };
    let operation = if parameter.versions.is_empty() { "Create" } else { "Update" };
    match refusal(world, key, &version) {
        None => {
            emit_change(world, key, &version, operation);
            let detail = format!("v{number} = {} is valid", version.value);
            if let Some(parameter) = world.ssm.parameters.get_mut(key) {
                parameter.insert(Version { since: due, ..version });
            }
            world.record_for(invocation, Kind::ParameterValidated, &key.name, Some(&key.region), detail);
        }
        Some(reason) => {
            emit(
                world,
                key,
                json!({
                    "exception": reason,
                    "dataType": version.data_type,
                    "name": key.name,
                    "type": version.kind,
                    "operation": operation,
                }),
            );
            let detail = format!("v{number} = {} is refused: {reason}", version.value);
            world.record_for(invocation, Kind::ParameterValidated, &key.name, Some(&key.region), detail);
        }
    }
}

fn refusal(world: &World, key: &Key, version: &Version) -> Option<&'static str> {
    let image = ec2::visible(world, &key.account, &key.region, &version.value);
    image.is_none_or(|image| image.state != "available").then_some("Unable to Describe Resource")
}
