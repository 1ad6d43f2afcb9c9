//! The slice of EC2 that images need: AMIs with their snapshots, permissions and attributes.

mod attribute;
mod call;
mod describe;
mod event;
mod fast_launch;
mod filter;
mod instance;
mod licence;
mod make;
mod protection;
mod references;
mod region;
mod regional;
mod retire;
mod snapshots;
mod tags;
mod template;
mod usage;

use crate::clock::Time;
use crate::wire::{ApiError, Context};
use crate::world::World;
use litemap::LiteMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::Bound;

pub use event::{Event, on};
pub use fast_launch::FastLaunch;
pub use instance::Instance;
pub use licence::licences;
pub use protection::protected;
pub use snapshots::StoredSnapshot;
pub(crate) use template::asked as asked_of_template;
pub use template::{LaunchTemplate, TemplateVersion};
pub use usage::UsageReport;

use call::Call;
use regional::Regional;

/// EC2's XML name space.
pub const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

/// What EC2 knows.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Store {
    /// AMIs by (Region, ID).
    #[serde(with = "crate::pairs")]
    pub images: BTreeMap<(String, String), Box<Image>>,
    /// Snapshots by Region and ID: those of AMIs, and those that outlived theirs.
    pub snapshots: Regional<StoredSnapshot>,
    /// Launch templates by Region and ID.
    pub templates: Regional<LaunchTemplate>,
    /// How Windows AMIs are launched faster, by Region and AMI.
    pub fast_launches: Regional<FastLaunch>,
    /// License configurations that AMIs are associated with, by Region and AMI.
    pub licences: Regional<Vec<String>>,
    /// Instances by Region and ID, ended ones for an hour.
    pub instances: Regional<Instance>,
    /// Reports of other accounts' use of AMIs, by Region and ID.
    pub usage_reports: Regional<UsageReport>,
    /// The deregistration protection with a cooldown, by Region and AMI: once it is disabled, until when it holds.
    cooldowns: Regional<Option<Time>>,
    /// What calls with a client token made: account, Region, operation and token → ID.
    tokens: BTreeMap<String, String>,
}

/// An AMI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    pub tags: Tags,
    /// Device name → snapshot.
    pub snapshots: LiteMap<String, Snapshot>,
    /// The AMI that it was copied from: Region and ID.
    pub source: Option<(String, String)>,
    /// Who else may launch it, as the API spells it: `("UserId", "…")`, `("Group", "all")`,
    /// `("OrganizationArn", "…")`, `("OrganizationalUnitArn", "…")`.
    pub launch_permissions: Vec<(String, String)>,
    /// When it counts as deprecated.
    pub deprecation_time: Option<Time>,
    /// When an instance was last launched from it, as far as is known.
    pub last_launched: Option<Time>,
    /// Whether it can't be deregistered.
    pub deregistration_protection: bool,
}

/// A snapshot behind an AMI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// `snap-` and 17 hex digits.
    pub id: String,
    /// GiB.
    pub size: u32,
    /// Whether it is encrypted.
    pub encrypted: bool,
}

/// Tags of a resource. Most have a few, in which a tree would waste room.
pub type Tags = LiteMap<String, String>;

/// The owner of the local AWS's Amazon images.
pub const AMAZON_ACCOUNT: &str = "111111111111";

/// An AMI of a Region, whoever owns it.
pub fn image<'a>(world: &'a World, region: &str, image_id: &str) -> Option<&'a Image> {
    world.ec2.images.get(&(region.to_owned(), image_id.to_owned())).map(Box::as_ref)
}

/// Takes an AMI away with all that hangs on it but its snapshots.
fn remove_image(world: &mut World, region: &str, image_id: &str) -> Option<Image> {
    let image = world.ec2.images.remove(&(region.to_owned(), image_id.to_owned()))?;
    world.ec2.fast_launches.remove(region, image_id);
    world.ec2.licences.remove(region, image_id);
    world.ec2.cooldowns.remove(region, image_id);
    snapshots::release(world, &image);
    Some(*image)
}

/// All AMIs of a Region, by ID.
fn images_of<'a>(world: &'a World, region: &str) -> impl Iterator<Item = &'a Image> + use<'a> {
    images_behind(world, region, "")
}

/// The AMIs of a Region behind an ID, by ID.
fn images_behind<'a>(world: &'a World, region: &str, after: &str) -> impl Iterator<Item = &'a Image> + use<'a> {
    let from = (Bound::Excluded((region.to_owned(), after.to_owned())), Bound::Unbounded);
    let region = region.to_owned();
    world.ec2.images.range(from).take_while(move |((place, _), _)| *place == region).map(|(_, image)| image.as_ref())
}

/// A snapshot of a Region, whoever owns it.
pub fn snapshot<'a>(world: &'a World, region: &str, snapshot_id: &str) -> Option<&'a StoredSnapshot> {
    world.ec2.snapshots.get(region, snapshot_id)
}

/// An account's launch template in a Region, by its ID or name.
pub fn launch_template<'a>(
    world: &'a World,
    account: &str,
    region: &str,
    id_or_name: &str,
) -> Option<&'a LaunchTemplate> {
    let by_id = world.ec2.templates.get(region, id_or_name);
    let by_name =
        || world.ec2.templates.of(region).find(|template| template.owner == account && template.name == id_or_name);
    by_id.filter(|template| template.owner == account).or_else(by_name)
}

impl Image {
    /// Whether it is an account's own, public, or shared with the account.
    pub fn seen_by(&self, account: &str) -> bool {
        // Which account belongs to which organization is not known here: each belongs to every one.
        let shared = |(kind, value): &(String, String)| match kind.as_str() {
            "UserId" => value == account,
            "Group" => value == "all",
            _ => true,
        };
        self.owner == account || self.launch_permissions.iter().any(shared)
    }

    /// Whether everyone may launch it.
    pub fn is_public(&self) -> bool {
        self.launch_permissions.iter().any(|(kind, value)| kind == "Group" && value == "all")
    }

    /// When it counts as deprecated: public AMIs do two years after they were made, if not before.
    pub fn deprecated_from(&self) -> Option<Time> {
        let most = self.created + retire::MOST_OF_PUBLIC;
        if self.is_public() {
            Some(self.deprecation_time.map_or(most, |at| at.min(most)))
        } else {
            self.deprecation_time
        }
    }
}

/// The AMI that an account sees in a Region: its own, a public one, or one that is shared with it.
pub fn visible<'a>(world: &'a World, account: &str, region: &str, image_id: &str) -> Option<&'a Image> {
    image(world, region, image_id).filter(|image| image.seen_by(account))
}

/// One API call; input and answer in the names of the wire (see [`crate::wire::query`]).
///
/// # Errors
/// As EC2 answers.
pub fn call(world: &mut World, context: &Context, operation: &str, input: Value) -> Result<Value, ApiError> {
    let call = Call { world, context, input: &input };
    let handler = match operation {
        "DescribeImages" => describe::describe_images,
        "DescribeImageAttribute" => attribute::describe_image_attribute,
        "ModifyImageAttribute" => attribute::modify_image_attribute,
        "RegisterImage" => make::register_image,
        "CopyImage" => make::copy_image,
        "DeregisterImage" => retire::deregister_image,
        "EnableImage" => retire::enable_image,
        "DisableImage" => retire::disable_image,
        "EnableImageDeprecation" => retire::enable_image_deprecation,
        "DisableImageDeprecation" => retire::disable_image_deprecation,
        "EnableImageDeregistrationProtection" => protection::enable,
        "DisableImageDeregistrationProtection" => protection::disable,
        "DescribeImageReferences" => references::describe_image_references,
        "CreateImageUsageReport" => usage::create_image_usage_report,
        "DescribeImageUsageReports" => usage::describe_image_usage_reports,
        "DescribeImageUsageReportEntries" => usage::describe_image_usage_report_entries,
        "DeleteImageUsageReport" => usage::delete_image_usage_report,
        "EnableFastLaunch" => fast_launch::enable_fast_launch,
        "DisableFastLaunch" => fast_launch::disable_fast_launch,
        "DescribeFastLaunchImages" => fast_launch::describe_fast_launch_images,
        "DescribeSnapshots" => snapshots::describe_snapshots,
        "DeleteSnapshot" => snapshots::delete_snapshot,
        "CreateLaunchTemplate" => template::create_launch_template,
        "CreateLaunchTemplateVersion" => template::create_launch_template_version,
        "ModifyLaunchTemplate" => template::modify_launch_template,
        "DescribeLaunchTemplates" => template::describe_launch_templates,
        "DescribeLaunchTemplateVersions" => template::describe_launch_template_versions,
        "DeleteLaunchTemplate" => template::delete_launch_template,
        "DeleteLaunchTemplateVersions" => template::delete_launch_template_versions,
        "RunInstances" => instance::run_instances,
        "DescribeInstances" => instance::describe_instances,
        "TerminateInstances" => instance::terminate_instances,
        "StopInstances" => instance::stop_instances,
        "StartInstances" => instance::start_instances,
        "CreateTags" => tags::create_tags,
        "DeleteTags" => tags::delete_tags,
        "DescribeTags" => tags::describe_tags,
        "DescribeRegions" => region::describe_regions,
        _ => {
            return Err(ApiError::bad(
                "InvalidAction",
                format!("The action {operation} is not supported by the local EC2."),
            ));
        }
    };
    if call.flag("DryRun") {
        return Err(ApiError::new(412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set."));
    }
    handler(call)
}

/// `ami-` and 8 or 17 hex digits.
fn check_id(id: &str) -> Result<(), ApiError> {
    Call::check_ids(&[id], "ami", "InvalidAMIID.Malformed")
}

fn no_image(ids: &[&str]) -> ApiError {
    let listed = ids.join(", ");
    let message = match ids {
        [_] => format!("The image id '[{listed}]' does not exist"),
        _ => format!("The image ids '[{listed}]' do not exist"),
    };
    ApiError::bad("InvalidAMIID.NotFound", message)
}

fn missing(parameter: &str) -> ApiError {
    ApiError::bad("MissingParameter", format!("The request must contain the parameter {parameter}"))
}

fn invalid_value(message: impl Into<String>) -> ApiError {
    ApiError::bad("InvalidParameterValue", message)
}

#[cfg(test)]
mod tests;
