//! The slice of EC2 that images need: AMIs with their snapshots, permissions and attributes.

mod attribute;
mod describe;
mod register;
mod tags;

#[cfg(test)]
mod tests;

use crate::clock::Time;
use crate::events;
use crate::wire::{ApiError, Context};
use crate::world::{self, World};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// EC2's XML name space.
pub const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

/// What EC2 knows.
#[derive(Debug, Default)]
pub struct Store {
    /// AMIs by (Region, ID).
    pub images: BTreeMap<(String, String), Image>,
}

/// An AMI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// `ami-` and 17 hex digits.
    pub id: String,
    /// The Region.
    pub region: String,
    /// 12 digits; Amazon's own are [`AMAZON_ACCOUNT`]'s.
    pub owner: String,
    /// 3 to 128 characters.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// Whether it is a Windows image.
    pub windows: bool,
    /// `x86_64`, `arm64`, …
    pub architecture: String,
    /// `pending`, `available`, …
    pub state: String,
    /// When it was made.
    pub created: Time,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Device name → snapshot.
    pub snapshots: BTreeMap<String, Snapshot>,
    /// The AMI that it was copied from: Region and ID.
    pub source: Option<(String, String)>,
    /// Who else may launch it, as the API spells it: `("UserId", "…")`, `("Group", "all")`,
    /// `("OrganizationArn", "…")`, `("OrganizationalUnitArn", "…")`.
    pub launch_permissions: Vec<(String, String)>,
}

/// A snapshot behind an AMI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// `snap-` and 17 hex digits.
    pub id: String,
    /// GiB.
    pub size: u32,
    /// Whether it is encrypted.
    pub encrypted: bool,
}

/// The owner of the local AWS's Amazon images.
pub const AMAZON_ACCOUNT: &str = "137112412989";

/// What other services cause in EC2.
#[derive(Debug, Clone)]
pub enum Event {
    /// An AMI is registered, by Image Builder.
    Register(Box<Image>),
    /// An AMI that CopyImage or RegisterImage left `pending` becomes `available`.
    Settle {
        /// The Region.
        region: String,
        /// The AMI.
        image_id: String,
    },
}

/// The AMI that an account sees in a Region: its own, a public one, or one that is shared with it.
pub fn visible<'a>(world: &'a World, account: &str, region: &str, image_id: &str) -> Option<&'a Image> {
    let image = world.ec2.images.get(&(region.to_owned(), image_id.to_owned()))?;
    (image.owner == account || image.is_shared_with(account)).then_some(image)
}

impl Image {
    /// Whether launch permissions let an account that isn't the owner launch it. Organizations' members
    /// aren't known locally: their permissions count for nobody.
    fn is_shared_with(&self, account: &str) -> bool {
        self.is_public() || self.launch_permissions.iter().any(|(kind, value)| kind == "UserId" && value == account)
    }

    fn is_public(&self) -> bool {
        self.launch_permissions.iter().any(|(kind, value)| kind == "Group" && value == "all")
    }
}

/// One API call; input and answer in the names of the wire (see [`crate::wire::query`]).
///
/// # Errors
/// As EC2 answers.
pub fn call(world: &mut World, context: &Context, operation: &str, input: Value) -> Result<Value, ApiError> {
    if flag(&input, "DryRun") || flag(&input, "dryRun") {
        let message = "Request would have succeeded, but DryRun flag is set.";
        return Err(ApiError::new(412, "DryRunOperation", message));
    }
    match operation {
        "DescribeImages" => describe::describe_images(world, context, &input),
        "DescribeImageAttribute" => attribute::describe_image_attribute(world, context, &input),
        "ModifyImageAttribute" => attribute::modify_image_attribute(world, context, &input),
        "RegisterImage" => register::register_image(world, context, &input),
        "CopyImage" => register::copy_image(world, context, &input),
        "DeregisterImage" => register::deregister_image(world, context, &input),
        "CreateTags" => tags::create_tags(world, context, &input),
        "DeleteTags" => tags::delete_tags(world, context, &input),
        "DescribeTags" => tags::describe_tags(world, context, &input),
        "DescribeRegions" => Ok(describe::describe_regions(&input)),
        _ => Err(ApiError::bad("InvalidAction", format!("The action {operation} is not supported by the local EC2."))),
    }
}

/// Handles what was posted for EC2.
pub fn on(world: &mut World, event: Event) {
    match event {
        Event::Register(image) => {
            let (region, account, id) = (image.region.clone(), image.owner.clone(), image.id.clone());
            world.ec2.images.insert((region.clone(), id.clone()), *image);
            announce(world, &account, &region, &id, "available");
        }
        Event::Settle { region, image_id } => {
            let Some(image) = world.ec2.images.get_mut(&(region.clone(), image_id.clone())) else { return };
            image.state = "available".to_owned();
            let account = image.owner.clone();
            announce(world, &account, &region, &image_id, "available");
        }
    }
}

/// Emits `EC2 AMI State Change`. Amazon's own AMIs are announced to no account.
fn announce(world: &mut World, account: &str, region: &str, image_id: &str, state: &str) {
    if account == AMAZON_ACCOUNT {
        return;
    }
    let request_id = world.fresh_uuid("ami-state");
    let event = events::Event {
        source: "aws.ec2".to_owned(),
        detail_type: "EC2 AMI State Change".to_owned(),
        account: account.to_owned(),
        region: region.to_owned(),
        resources: vec![format!("arn:aws:ec2:{region}::image/{image_id}")],
        detail: json!({"RequestId": request_id, "ImageId": image_id, "State": state, "ErrorMessage": ""}),
        time: world.now,
    };
    world.post(world.now, world::Event::Emit(event));
}

/// The caller's own AMI, to change.
fn own<'a>(world: &'a mut World, context: &Context, input: &Value) -> Result<&'a mut Image, ApiError> {
    let id = required(input, "ImageId")?;
    check_id(id)?;
    let seen = visible(world, context.account(), &context.region, id).is_some();
    match world.ec2.images.get_mut(&(context.region.clone(), id.to_owned())) {
        Some(image) if image.owner == context.account() => Ok(image),
        Some(_) if seen => Err(ApiError::new(403, "AuthFailure", format!("Not authorized for image:{id}"))),
        _ => Err(not_found(&[id])),
    }
}

fn check_id(id: &str) -> Result<(), ApiError> {
    let hex = id.strip_prefix("ami-").unwrap_or_default();
    let well_formed = matches!(hex.len(), 8 | 17) && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    if well_formed {
        Ok(())
    } else {
        Err(ApiError::bad("InvalidAMIID.Malformed", format!("Invalid id: \"{id}\" (expecting \"ami-...\")")))
    }
}

fn not_found(ids: &[&str]) -> ApiError {
    let verb = if ids.len() == 1 { "does not" } else { "do not" };
    ApiError::bad(
        "InvalidAMIID.NotFound",
        format!("The image id{} '[{}]' {verb} exist", if ids.len() == 1 { "" } else { "s" }, ids.join(", ")),
    )
}

fn required<'a>(input: &'a Value, member: &str) -> Result<&'a str, ApiError> {
    input
        .get(member)
        .and_then(Value::as_str)
        .ok_or_else(|| ApiError::bad("MissingParameter", format!("The request must contain the parameter {member}")))
}

fn flag(input: &Value, member: &str) -> bool {
    input.get(member).and_then(Value::as_str) == Some("true")
}

/// The texts of a list member; a single value that came without an index counts as one.
fn list<'a>(input: &'a Value, member: &str) -> Vec<&'a str> {
    match input.get(member) {
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(item)) => vec![item],
        _ => Vec::new(),
    }
}
