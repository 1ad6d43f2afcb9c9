//! Deregistration protection of AMIs.

use super::{Call, image};
use crate::wire::ApiError;
use crate::world::World;
use chrono::TimeDelta;
use serde_json::{Value, json};

/// How long protection with a cooldown holds after it is disabled.
const COOLDOWN: TimeDelta = TimeDelta::hours(24);

/// Whether an AMI can't be deregistered now: it is protected, or in the cooldown after that.
pub fn protected(world: &World, region: &str, image_id: &str) -> bool {
    let cooling =
        || world.ec2.cooldowns.get(region, image_id).is_some_and(|until| until.is_some_and(|at| at > world.now));
    image(world, region, image_id).is_some_and(|image| image.deregistration_protection || cooling())
}

/// The attribute's value.
pub(super) fn shown(world: &World, region: &str, image_id: &str) -> &'static str {
    let on = image(world, region, image_id).is_some_and(|image| image.deregistration_protection);
    match (on, world.ec2.cooldowns.get(region, image_id)) {
        (true, Some(_)) => "enabled-with-cooldown",
        (true, None) => "enabled-without-cooldown",
        (false, _) => "disabled",
    }
}

pub(super) fn enable(mut call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["ImageId", "WithCooldown"])?;
    let with_cooldown = call.flag("WithCooldown");
    let image = call.own_image()?;
    image.deregistration_protection = true;
    let id = image.id.clone();
    let region = call.context.region.clone();
    if with_cooldown {
        call.world.ec2.cooldowns.insert(&region, &id, None);
    } else {
        call.world.ec2.cooldowns.remove(&region, &id);
    }
    call.record(&id, "protected from deregistration".to_owned());
    Ok(json!({"return": "true"}))
}

pub(super) fn disable(mut call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["ImageId"])?;
    let image = call.own_image()?;
    let was_on = std::mem::replace(&mut image.deregistration_protection, false);
    let id = image.id.clone();
    let until = call.world.now + COOLDOWN;
    if was_on && let Some(cooldown) = call.world.ec2.cooldowns.get_mut(&call.context.region, &id) {
        *cooldown = Some(until);
    }
    call.record(&id, "no longer protected from deregistration".to_owned());
    Ok(json!({"return": "true"}))
}
