//! The slice of EC2 that images need: AMIs with their snapshots, permissions and attributes.

mod attribute;
mod describe;
mod filter;
mod make;
mod region;
mod retire;
mod tags;

use crate::clock::Time;
use crate::journal::Kind;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// EC2's XML name space.
pub const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

/// What EC2 knows.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Store {
    /// AMIs by (Region, ID).
    #[serde(with = "crate::pairs")]
    pub images: BTreeMap<(String, String), Image>,
    /// The AMIs that calls with a client token made: (account, Region, token) → ID.
    #[serde(with = "crate::pairs")]
    tokens: BTreeMap<(String, String, String), String>,
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
        /// Whether its snapshots are deleted too.
        snapshots: bool,
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
pub fn on(world: &mut World, event: Event) {
    match event {
        Event::Register(image) => make::on_register(world, *image),
        Event::Settle { region, image_id } => make::on_settle(world, &region, &image_id),
        Event::Deprecate { region, image_id, at } => retire::on_deprecate(world, &region, &image_id, at),
        Event::Disable { region, image_id } => retire::on_disable(world, &region, &image_id),
        Event::Enable { region, image_id } => retire::on_enable(world, &region, &image_id),
        Event::Deregister { region, image_id, snapshots } => {
            retire::on_deregister(world, &region, &image_id, snapshots)
        }
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
        "DeregisterImage" => make::deregister_image,
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

    /// Records a change of an AMI by this call.
    fn record(&mut self, image_id: &str, detail: String) {
        let invocation = self.context.caller.invocation.as_deref();
        self.world.record_for(invocation, Kind::ImageChanged, image_id, Some(&self.context.region), detail);
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
    let digits = id.strip_prefix("ami-").unwrap_or_default();
    if [8, 17].contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(());
    }
    Err(ApiError::bad("InvalidAMIID.Malformed", format!("Invalid id: \"{id}\" (expecting \"ami-...\")")))
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
