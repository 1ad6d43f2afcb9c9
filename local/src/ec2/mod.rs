//! The slice of EC2 that images need: AMIs with their snapshots, permissions and attributes.

use crate::clock::Time;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::Value;
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
    let shared = image
        .launch_permissions
        .iter()
        .any(|(kind, value)| (kind == "UserId" && value == account) || (kind == "Group" && value == "all"));
    (image.owner == account || shared).then_some(image)
}

/// Handles what was posted for EC2.
pub fn on(_world: &mut World, _event: Event) {}

/// One API call; input and answer in the names of the wire (see [`crate::wire::query`]).
///
/// # Errors
/// As EC2 answers.
pub fn call(_world: &mut World, _context: &Context, operation: &str, _input: Value) -> Result<Value, ApiError> {
    Err(ApiError::bad("InvalidAction", format!("The action {operation} is not supported by the local EC2.")))
}
