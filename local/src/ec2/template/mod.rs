//! Launch templates and their versions.

mod data;
mod describe;
mod make;

pub(crate) use data::asked;
pub(super) use describe::{describe_launch_template_versions, describe_launch_templates, image_of};
pub(super) use make::{
    by_either, create_launch_template, create_launch_template_version, delete_launch_template,
    delete_launch_template_versions, modify_launch_template, no_version,
};

use crate::clock::Time;
use crate::ec2::Tags;
use crate::world::World;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A launch template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchTemplate {
    /// `lt-` and 17 hex digits.
    pub id: String,
    /// The Region.
    pub region: String,
    /// 12 digits.
    pub owner: String,
    /// 3 to 128 characters, once per account and Region.
    pub name: String,
    /// When it was made.
    pub created: Time,
    /// The maker's ARN.
    pub created_by: String,
    /// The number of the default version.
    pub default_version: u64,
    /// How many versions were ever made: numbers aren't given twice.
    pub made: u64,
    /// Oldest first, the default version always among them.
    pub versions: Vec<TemplateVersion>,
    /// Tags.
    pub tags: Tags,
}

/// A version of a launch template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateVersion {
    /// From 1.
    pub number: u64,
    /// When it was made.
    pub created: Time,
    /// The maker's ARN.
    pub created_by: String,
    /// At most 255 characters.
    pub description: Option<String>,
    /// The instances' settings under the names of the answer (`imageId`, `blockDeviceMappingSet`, …), leaves as text.
    pub data: Value,
}

impl LaunchTemplate {
    /// A version by its number, `$Default` or `$Latest`.
    pub fn version(&self, wanted: &str) -> Option<&TemplateVersion> {
        match wanted {
            "$Latest" => self.versions.last(),
            "$Default" => self.numbered(self.default_version),
            number => self.numbered(number.parse().ok()?),
        }
    }

    fn numbered(&self, number: u64) -> Option<&TemplateVersion> {
        self.versions.iter().find(|version| version.number == number)
    }

    /// A further version.
    pub(super) fn add(&mut self, now: Time, by: &str, description: Option<String>, data: Value) -> &TemplateVersion {
        self.made += 1;
        self.versions.push(TemplateVersion {
            number: self.made,
            created: now,
            created_by: by.to_owned(),
            description: description.filter(|text| !text.is_empty()),
            data,
        });
        &self.versions[self.versions.len() - 1]
    }
}

impl TemplateVersion {
    /// The AMI, or what it is resolved from.
    pub fn image_id(&self) -> Option<&str> {
        self.data.get("imageId")?.as_str()
    }
}

/// What a version that Image Builder makes is.
pub(super) struct NewVersion {
    pub(super) image_id: String,
    pub(super) set_default: bool,
    pub(super) description: String,
}

/// A distribution puts its AMI into a template, in a new version on the ground of the default one.
pub(super) fn on_version(world: &mut World, account: &str, region: &str, id: &str, asked: NewVersion) {
    let now = world.now;
    let template = world.ec2.templates.get_mut(region, id).filter(|template| template.owner == account);
    let Some(template) = template else { return };
    let mut data = template.version("$Default").map_or_else(|| json!({}), |version| version.data.clone());
    data["imageId"] = json!(asked.image_id);
    let by =
        format!("arn:aws:sts::{account}:assumed-role/AWSServiceRoleForImageBuilder/Ec2ImageBuilderIntegrationService");
    let number = template.add(now, &by, Some(asked.description), data).number;
    if asked.set_default {
        template.default_version = number;
    }
}
