//! The end of AMIs: deprecated, disabled, deregistered.

use super::{Call, Image, invalid_value, make, no_image, protection, snapshots};
use crate::clock::Time;
use crate::wire::ApiError;
use crate::world::World;
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use serde_json::{Value, json};

/// A public AMI can count as good for two years from when it was made.
pub(super) const MOST_OF_PUBLIC: TimeDelta = TimeDelta::days(730);

/// Another AMI for ten years from now.
const MOST: TimeDelta = TimeDelta::days(3653);

fn image<'a>(world: &'a mut World, region: &str, image_id: &str) -> Option<&'a mut Image> {
    world.ec2.images.get_mut(&(region.to_owned(), image_id.to_owned())).map(Box::as_mut)
}

/// An AMI counts as deprecated from a time on, to the minute, or no more.
pub(super) fn on_deprecate(world: &mut World, region: &str, image_id: &str, at: Option<Time>) {
    if let Some(image) = image(world, region, image_id) {
        image.deprecation_time = at.map(to_the_minute);
    }
}

/// An AMI is disabled: nobody can launch it, and it is shared with nobody.
pub(super) fn on_disable(world: &mut World, region: &str, image_id: &str) {
    let Some(image) = image(world, region, image_id).filter(|image| image.state == "available") else { return };
    image.state = "disabled".to_owned();
    image.launch_permissions.clear();
    let image = image.clone();
    make::emit_state(world, &image, "disabled");
}

/// A disabled AMI is available again; its shares don't come back.
pub(super) fn on_enable(world: &mut World, region: &str, image_id: &str) {
    let Some(image) = image(world, region, image_id).filter(|image| image.state == "disabled") else { return };
    image.state = "available".to_owned();
    let image = image.clone();
    make::emit_state(world, &image, "available");
}

/// An AMI is deregistered, its snapshots with it if that is wanted and no other AMI needs them. One that is
/// protected stays.
pub(super) fn on_deregister(world: &mut World, region: &str, image_id: &str, snapshots: bool) {
    if protection::protected(world, region, image_id) {
        return;
    }
    if let Some(image) = super::remove_image(world, region, image_id) {
        make::emit_state(world, &image, "deregistered");
        if snapshots {
            snapshots::delete_of(world, &image);
        }
    }
}

/// EC2 rounds the seconds to the nearest minute.
fn to_the_minute(at: Time) -> Time {
    at.duration_round(TimeDelta::minutes(1)).unwrap_or(at)
}

pub(super) fn deregister_image(mut call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["ImageId", "DeleteAssociatedSnapshots"])?;
    let (region, id) = (call.context.region.clone(), call.own_image()?.id.clone());
    if protection::protected(call.world, &region, &id) {
        return Err(ApiError::bad(
            "OperationNotPermitted",
            format!(
                "The image '{id}' can't be deregistered: its deregistration protection is enabled, or was disabled \
                 less than 24 hours ago with a cooldown."
            ),
        ));
    }
    let image = super::remove_image(call.world, &region, &id).ok_or_else(|| no_image(&[&id]))?;
    make::emit_state(call.world, &image, "deregistered");
    call.record(&id, format!("{} deregistered", image.name));
    let mut answer = json!({"return": true});
    if call.flag("DeleteAssociatedSnapshots") {
        let results = snapshots::delete_of(call.world, &image).into_iter();
        let shown = results.map(|(id, code)| json!({"snapshotId": id, "returnCode": code}));
        answer["deleteSnapshotResultSet"] = shown.collect();
    }
    Ok(answer)
}

pub(super) fn disable_image(mut call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["ImageId"])?;
    let image = call.own_image()?;
    let (region, id) = (image.region.clone(), image.id.clone());
    if !["available", "disabled"].contains(&image.state.as_str()) {
        return Err(unavailable(&id));
    }
    on_disable(call.world, &region, &id);
    call.record(&id, "disabled".to_owned());
    Ok(json!({"return": true}))
}

pub(super) fn enable_image(mut call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["ImageId"])?;
    let image = call.own_image()?;
    let (region, id) = (image.region.clone(), image.id.clone());
    if !["available", "disabled"].contains(&image.state.as_str()) {
        return Err(unavailable(&id));
    }
    on_enable(call.world, &region, &id);
    call.record(&id, "enabled".to_owned());
    Ok(json!({"return": true}))
}

/// The AMI can't be used as it is.
pub(super) fn unavailable(id: &str) -> ApiError {
    ApiError::bad("InvalidAMIID.Unavailable", format!("The image ID '{id}' is not available"))
}

pub(super) fn enable_image_deprecation(mut call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["ImageId", "DeprecateAt"])?;
    let (now, text) = (call.world.now, call.required("DeprecateAt")?);
    let at = DateTime::parse_from_rfc3339(text)
        .map_err(|_| invalid_value(format!("Value ({text}) for parameter DeprecateAt is invalid. Use ISO 8601.")))?;
    let at = to_the_minute(at.with_timezone(&Utc));
    let image = call.own_image()?;
    if at < to_the_minute(now) {
        return Err(invalid_value("The parameter DeprecateAt must not be in the past."));
    }
    if image.is_public() && at > image.created + MOST_OF_PUBLIC {
        return Err(invalid_value(
            "The parameter DeprecateAt of a public AMI must be at most two years after the AMI was made.",
        ));
    }
    if at > now + MOST {
        return Err(invalid_value("The parameter DeprecateAt must be at most ten years from now."));
    }
    image.deprecation_time = Some(at);
    let id = image.id.clone();
    call.record(&id, format!("deprecated from {} on", crate::clock::iso_seconds(at)));
    Ok(json!({"return": true}))
}

pub(super) fn disable_image_deprecation(mut call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["ImageId"])?;
    let image = call.own_image()?;
    if image.is_public() {
        return Err(invalid_value("The deprecation of a public AMI can't be cancelled: make it private first."));
    }
    image.deprecation_time = None;
    let id = image.id.clone();
    call.record(&id, "no longer deprecated".to_owned());
    Ok(json!({"return": true}))
}
