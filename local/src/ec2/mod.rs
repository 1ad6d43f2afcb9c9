//! The slice of EC2 that images need: AMIs with their snapshots, permissions and attributes.

mod attribute;
mod describe;
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
use crate::journal::Kind;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::Bound;

pub use fast_launch::FastLaunch;
pub use instance::Instance;
pub use licence::licences;
pub use protection::protected;
pub use snapshots::StoredSnapshot;
pub(crate) use template::asked as asked_of_template;
pub use template::{LaunchTemplate, TemplateVersion};
pub use usage::UsageReport;

use regional::Regional;

/// EC2's XML name space.
pub const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

/// What EC2 knows.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Store {
    /// AMIs by (Region, ID).
    #[serde(with = "crate::pairs")]
    pub images: BTreeMap<(String, String), Image>,
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
    pub tags: BTreeMap<String, String>,
    /// Device name → snapshot.
    pub snapshots: BTreeMap<String, Snapshot>,
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

/// The owner of the local AWS's Amazon images.
pub const AMAZON_ACCOUNT: &str = "111111111111";

/// What other services cause in EC2.
#[derive(Debug, Clone, Serialize, Deserialize)]
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
    /// An AMI counts as deprecated from a time on, or no more.
    Deprecate {
        /// The Region.
        region: String,
        /// The AMI.
        image_id: String,
        /// `None` cancels it.
        at: Option<Time>,
    },
    /// An AMI gets a tag, or loses it.
    Tag {
        /// The Region.
        region: String,
        /// The AMI.
        image_id: String,
        /// The tag's key.
        key: String,
        /// `None` takes the tag away.
        value: Option<String>,
    },
    /// An AMI is disabled: nobody can launch it, and it is shared with nobody.
    Disable {
        /// The Region.
        region: String,
        /// The AMI.
        image_id: String,
    },
    /// A disabled AMI is available again; its shares don't come back.
    Enable {
        /// The Region.
        region: String,
        /// The AMI.
        image_id: String,
    },
    /// An AMI is deregistered.
    Deregister {
        /// The Region.
        region: String,
        /// The AMI.
        image_id: String,
        /// Whether its snapshots are deleted too, as far as no other AMI needs them.
        snapshots: bool,
    },
    /// A launch template gets a new version, which differs from its default version in the AMI.
    LaunchTemplateVersion {
        /// The template's owner.
        account: String,
        /// The Region.
        region: String,
        /// `lt-` and 17 hex digits.
        launch_template_id: String,
        /// The AMI, of the same Region.
        image_id: String,
        /// Whether the new version becomes the default one.
        set_default: bool,
        /// At most 255 characters.
        description: String,
    },
    /// Fast launch of a Windows AMI is enabled or disabled.
    FastLaunch {
        /// Who asks for it: the AMI's owner, or one whom it is shared with.
        account: String,
        /// The Region.
        region: String,
        /// The AMI.
        image_id: String,
        /// Whether it is enabled.
        enabled: bool,
        /// How many instances are launched at a time to make snapshots.
        max_parallel_launches: Option<u32>,
        /// How many snapshots are kept in stock.
        snapshot_target: Option<u32>,
        /// `launchTemplateId` or `launchTemplateName`, and `launchTemplateVersion`.
        launch_template: Option<Value>,
    },
    /// A change of fast launch is over.
    FastLaunchSettled {
        /// The Region.
        region: String,
        /// The AMI.
        image_id: String,
        /// When the change began.
        since: Time,
    },
    /// An instance comes to its next state.
    InstanceMoved {
        /// The Region.
        region: String,
        /// The instance.
        instance_id: String,
        /// When the state before began: another one means that it went elsewhere meanwhile.
        since: Time,
    },
    /// A launch is seen in the AMI's last launched time.
    LaunchSeen {
        /// The Region.
        region: String,
        /// The AMI.
        image_id: String,
        /// When the launch was.
        at: Time,
    },
    /// A usage report is done.
    UsageReported {
        /// The Region.
        region: String,
        /// The report.
        report_id: String,
    },
    /// A usage report's days are over.
    UsageExpired {
        /// The Region.
        region: String,
        /// The report.
        report_id: String,
    },
    /// An AMI is associated with license configurations, beside those that it has.
    Licences {
        /// The Region.
        region: String,
        /// The AMI.
        image_id: String,
        /// The license configurations.
        arns: Vec<String>,
    },
}

/// An AMI of a Region, whoever owns it.
pub fn image<'a>(world: &'a World, region: &str, image_id: &str) -> Option<&'a Image> {
    world.ec2.images.get(&(region.to_owned(), image_id.to_owned()))
}

/// Takes an AMI away with all that hangs on it but its snapshots.
fn remove_image(world: &mut World, region: &str, image_id: &str) -> Option<Image> {
    let image = world.ec2.images.remove(&(region.to_owned(), image_id.to_owned()))?;
    world.ec2.fast_launches.remove(region, image_id);
    world.ec2.licences.remove(region, image_id);
    world.ec2.cooldowns.remove(region, image_id);
    snapshots::release(world, &image);
    Some(image)
}

/// All AMIs of a Region, by ID.
fn images_of<'a>(world: &'a World, region: &str) -> impl Iterator<Item = &'a Image> + use<'a> {
    images_behind(world, region, "")
}

/// The AMIs of a Region behind an ID, by ID.
fn images_behind<'a>(world: &'a World, region: &str, after: &str) -> impl Iterator<Item = &'a Image> + use<'a> {
    let from = (Bound::Excluded((region.to_owned(), after.to_owned())), Bound::Unbounded);
    let region = region.to_owned();
    world.ec2.images.range(from).take_while(move |((place, _), _)| *place == region).map(|(_, image)| image)
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

/// Handles what was posted for EC2.
pub fn on(world: &mut World, event: Event) {
    match event {
        Event::Register(image) => make::on_register(world, *image),
        Event::Settle { region, image_id } => make::on_settle(world, &region, &image_id),
        Event::Deprecate { region, image_id, at } => retire::on_deprecate(world, &region, &image_id, at),
        Event::Tag { region, image_id, key, value } => tags::on_tag(world, &region, &image_id, key, value),
        Event::Disable { region, image_id } => retire::on_disable(world, &region, &image_id),
        Event::Enable { region, image_id } => retire::on_enable(world, &region, &image_id),
        Event::Deregister { region, image_id, snapshots } => {
            retire::on_deregister(world, &region, &image_id, snapshots)
        }
        Event::LaunchTemplateVersion { account, region, launch_template_id, image_id, set_default, description } => {
            let asked = template::NewVersion { image_id, set_default, description };
            template::on_version(world, &account, &region, &launch_template_id, asked)
        }
        Event::FastLaunch {
            account,
            region,
            image_id,
            enabled,
            max_parallel_launches,
            snapshot_target,
            launch_template,
        } => {
            let asked = fast_launch::Asked { max_parallel_launches, snapshot_target, launch_template };
            fast_launch::on_fast_launch(world, &account, &region, &image_id, enabled.then_some(asked))
        }
        Event::FastLaunchSettled { region, image_id, since } => {
            fast_launch::on_settled(world, &region, &image_id, since);
        }
        Event::InstanceMoved { region, instance_id, since } => instance::on_moved(world, &region, &instance_id, since),
        Event::LaunchSeen { region, image_id, at } => instance::on_seen(world, &region, &image_id, at),
        Event::UsageReported { region, report_id } => usage::on_reported(world, &region, &report_id),
        Event::UsageExpired { region, report_id } => {
            world.ec2.usage_reports.remove(&region, &report_id);
        }
        Event::Licences { region, image_id, arns } => licence::on_licences(world, &region, &image_id, arns),
    }
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

/// One call with what surrounds it.
struct Call<'a> {
    world: &'a mut World,
    context: &'a Context,
    input: &'a Value,
}

impl<'a> Call<'a> {
    /// Refuses parameters that the local EC2 would otherwise pass over.
    fn only(&self, parameters: &[&str]) -> Result<(), ApiError> {
        let given = self.input.as_object().into_iter().flat_map(|input| input.keys());
        match given.into_iter().find(|name| *name != "DryRun" && !parameters.contains(&name.as_str())) {
            Some(name) => Err(ApiError::bad(
                "UnsupportedOperation",
                format!("The parameter {name} is not supported by the local EC2."),
            )),
            None => Ok(()),
        }
    }

    fn text(&self, parameter: &str) -> Option<&'a str> {
        self.input.get(parameter).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    fn required(&self, parameter: &str) -> Result<&'a str, ApiError> {
        self.text(parameter).ok_or_else(|| missing(parameter))
    }

    fn flag(&self, parameter: &str) -> bool {
        self.text(parameter) == Some("true")
    }

    fn items(&self, parameter: &str) -> &'a [Value] {
        self.input.get(parameter).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    fn texts(&self, parameter: &str) -> Vec<&'a str> {
        self.items(parameter).iter().filter_map(Value::as_str).collect()
    }

    /// An AMI of this Region that the caller sees.
    fn image(&self, id: &str) -> Result<&Image, ApiError> {
        check_id(id)?;
        visible(self.world, self.context.account(), &self.context.region, id).ok_or_else(|| no_image(&[id]))
    }

    /// The caller's own AMI of this Region that the input names.
    fn own_image(&mut self) -> Result<&mut Image, ApiError> {
        let id = self.required("ImageId")?;
        if self.image(id)?.owner != self.context.account() {
            return Err(ApiError::new(403, "AuthFailure", format!("Not authorized for image:{id}")));
        }
        let key = (self.context.region.clone(), id.to_owned());
        self.world.ec2.images.get_mut(&key).ok_or_else(|| no_image(&[id]))
    }

    /// What a call of the same operation with the same client token made.
    fn made_before(&self, operation: &str) -> Option<String> {
        self.world.ec2.tokens.get(&self.token_key(operation)?).cloned()
    }

    /// Keeps what this call made under its client token, if it has one.
    fn remember(&mut self, operation: &str, id: &str) {
        if let Some(key) = self.token_key(operation) {
            self.world.ec2.tokens.insert(key, id.to_owned());
        }
    }

    fn token_key(&self, operation: &str) -> Option<String> {
        let token = self.text("ClientToken")?;
        Some(format!("{} {} {operation} {token}", self.context.account(), self.context.region))
    }

    /// An ID with a prefix for the n-th thing of a name.
    fn fresh_id(&mut self, prefix: &str, name: &str) -> String {
        let key = format!("{prefix} {} {} {name}", self.context.account(), self.context.region);
        let nth = self.world.count(&key).to_string();
        format!("{prefix}-{}", self.world.seed.hex(&[&key, &nth], 17))
    }

    /// Records a change of an AMI by this call.
    fn record(&mut self, image_id: &str, detail: String) {
        let invocation = self.context.caller.invocation.as_deref();
        self.world.record_for(invocation, Kind::ImageChanged, image_id, Some(&self.context.region), detail);
    }

    /// Refuses an ID that hasn't its prefix and 8 or 17 hex digits.
    fn check_ids(ids: &[&str], prefix: &str, code: &str) -> Result<(), ApiError> {
        let malformed = |id: &&&str| {
            let digits = id.strip_prefix(prefix).and_then(|id| id.strip_prefix('-')).unwrap_or_default();
            ![8, 17].contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        match ids.iter().find(malformed) {
            Some(id) => Err(ApiError::bad(code, format!("Invalid id: \"{id}\" (expecting \"{prefix}-...\")"))),
            None => Ok(()),
        }
    }

    /// A page of items in the order of their keys, with the token of the next page.
    fn page<'b>(
        &self,
        items: impl Iterator<Item = (&'b str, Value)>,
    ) -> Result<(Vec<Value>, Option<String>), ApiError> {
        let most = match self.text("MaxResults") {
            None => usize::MAX,
            Some(text) => text.parse().ok().filter(|most| (1..=1000).contains(most)).ok_or_else(|| {
                invalid_value(format!(
                    "Value ( {text} ) for parameter maxResults is invalid. Expecting a value from 1 to 1000."
                ))
            })?,
        };
        let after = self.text("NextToken").unwrap_or_default();
        let mut items = items.filter(|(key, _)| *key > after).peekable();
        let (mut page, mut last) = (Vec::new(), None);
        for (key, item) in items.by_ref().take(most) {
            page.push(item);
            last = Some(key.to_owned());
        }
        Ok((page, last.filter(|_| items.peek().is_some())))
    }
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
