//! Fast launch: snapshots of Windows AMIs that have been through their first start.

use super::filter::filters;
use super::{Call, Event, invalid_value, missing, retire, template};
use crate::clock::{Time, iso_millis};
use crate::ec2::Tags;
use crate::wire::ApiError;
use crate::world::{self, World};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

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
            Some(asked) => {
                let launch_template = asked.launch_template.map(renamed);
                enable(world, account, region, image_id, Asked { launch_template, ..asked });
            }
            None => disable(world, region, image_id),
        }
    }
}

/// Image Builder's name for the version of a launch template isn't EC2's.
fn renamed(mut template: Value) -> Value {
    if let Some(version) = template.as_object_mut().and_then(|members| members.remove("launchTemplateVersion")) {
        template["version"] = version;
    }
    template
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

pub(super) fn enable_fast_launch(mut call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["ImageId", "ResourceType", "SnapshotConfiguration", "LaunchTemplate", "MaxParallelLaunches"])?;
    let id = call.required("ImageId")?;
    let image = call.image(id)?;
    if !image.windows {
        return Err(ApiError::bad("InvalidParameter", format!("Fast launch is for Windows AMIs: {id} isn't one.")));
    }
    if image.state != "available" {
        return Err(retire::unavailable(id));
    }
    if call.text("ResourceType").is_some_and(|kind| kind != "snapshot") {
        return Err(invalid_value("The only value for parameter resourceType is snapshot."));
    }
    let number = |text: Option<&str>, least: u32, name: &str| {
        let parse = |text: &str| {
            let number = text.parse().ok().filter(|number| *number >= least);
            number.ok_or_else(|| invalid_value(format!("The parameter {name} must be an integer from {least} on.")))
        };
        text.map(parse).transpose()
    };
    let target = call.input.pointer("/SnapshotConfiguration/TargetResourceCount").and_then(Value::as_str);
    let asked = Asked {
        max_parallel_launches: number(call.text("MaxParallelLaunches"), 6, "MaxParallelLaunches")?,
        snapshot_target: number(target, 1, "SnapshotConfiguration.TargetResourceCount")?,
        launch_template: launch_template(&call)?,
    };
    let (account, region) = (call.context.account().to_owned(), call.context.region.clone());
    enable(call.world, &account, &region, id, asked);
    call.record(id, "fast launch enabled".to_owned());
    own(&call, id).map(shown)
}

/// The launch template that the request names, as it is answered.
fn launch_template(call: &Call<'_>) -> Result<Option<Value>, ApiError> {
    let Some(asked) = call.input.get("LaunchTemplate") else { return Ok(None) };
    let text = |member: &str| asked.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
    let template = template::by_either(call, text("LaunchTemplateId"), text("LaunchTemplateName"))?;
    let wanted = text("Version").ok_or_else(|| missing("LaunchTemplate.Version"))?;
    template.version(wanted).ok_or_else(|| template::no_version(template, wanted))?;
    let named = json!({"launchTemplateId": template.id, "launchTemplateName": template.name, "version": wanted});
    Ok(Some(named))
}

pub(super) fn disable_fast_launch(mut call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["ImageId", "Force"])?;
    let id = call.required("ImageId")?;
    call.image(id)?;
    own(&call, id)?;
    let region = call.context.region.clone();
    disable(call.world, &region, id);
    call.record(id, "fast launch disabled".to_owned());
    own(&call, id).map(shown)
}

/// The caller's setting for an AMI.
fn own<'a>(call: &'a Call<'_>, id: &str) -> Result<&'a FastLaunch, ApiError> {
    let setting = call.world.ec2.fast_launches.get(&call.context.region, id);
    let own = setting.filter(|setting| setting.owner == call.context.account());
    own.ok_or_else(|| ApiError::bad("InvalidRequest", format!("Fast launch isn't enabled for the image '{id}'.")))
}

pub(super) fn describe_fast_launch_images(call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["ImageId", "Filter", "MaxResults", "NextToken"])?;
    let filters = filters(&call, &["owner-id", "resource-type", "state"])?;
    let ids = call.texts("ImageId");
    ids.iter().try_for_each(|id| super::check_id(id))?;
    let after = call.text("NextToken").unwrap_or_default();
    let found = call.world.ec2.fast_launches.behind(&call.context.region, after).filter(|(id, setting)| {
        let field = |name: &str| {
            vec![match name {
                "owner-id" => setting.owner.clone(),
                "resource-type" => "snapshot".to_owned(),
                _ => setting.state.clone(),
            }]
        };
        setting.owner == call.context.account()
            && (ids.is_empty() || ids.contains(id))
            && filters.iter().all(|filter| filter.takes(&Tags::new(), field))
    });
    let (page, next) = call.page(found.map(|(id, setting)| (id, shown(setting))))?;
    Ok(json!({"fastLaunchImageSet": page, "nextToken": next}))
}

fn shown(setting: &FastLaunch) -> Value {
    json!({
        "imageId": setting.image_id,
        "resourceType": "snapshot",
        "snapshotConfiguration": {"targetResourceCount": setting.snapshot_target},
        "launchTemplate": setting.launch_template,
        "maxParallelLaunches": setting.max_parallel_launches,
        "ownerId": setting.owner,
        "state": setting.state,
        "stateTransitionReason": setting.reason,
        "stateTransitionTime": iso_millis(setting.since),
    })
}
