//! What is done for AMIs once they are there: licences, launch templates, parameters, fast launch, export.

use super::reach::distributions;
use super::strings;
use crate::clock::Time;
use crate::imagebuilder::store::Resource;
use crate::world::{Event, World};
use crate::{ec2, ssm};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One thing to do in a Region and account.
pub(super) struct Step {
    pub(super) region: String,
    /// The account in which it is done.
    pub(super) account: String,
    /// `imageConfigurationStep`.
    pub(super) name: &'static str,
    /// What it is done to: tells the steps of a name apart.
    pub(super) subject: String,
    /// What is done; or why it can't be.
    pub(super) work: Result<Work, String>,
}

/// What a step does.
pub(super) enum Work {
    /// Another service's part.
    Post(Box<Event>),
    /// A disk image is written to S3.
    Export(Export),
}

/// A disk image that was exported to S3. The local AWS has no S3: the object is on record, without content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Export {
    /// The Region of the AMI and the bucket.
    pub region: String,
    /// The AMI.
    pub image_id: String,
    /// The bucket.
    pub bucket: String,
    /// The object's key: the prefix, the export task's ID, and the format as its suffix.
    pub key: String,
    /// `VMDK`, `RAW` or `VHD`.
    pub format: String,
    /// The role that writes the object.
    pub role_name: String,
    /// When it was written.
    pub at: Time,
}

/// One Region of a distribution with its AMIs.
struct Place<'a> {
    world: &'a World,
    image: &'a Resource,
    region: &'a str,
    distribution: &'a Value,
    first: &'a ec2::Image,
    amis: Vec<&'a ec2::Image>,
}

/// Everything that follows an image's AMIs, in the order of the Regions and of the model's steps. A Region that
/// has no AMI has no steps.
pub(super) fn steps(world: &World, image: &Resource, amis: &[ec2::Image]) -> Vec<Step> {
    let mut steps = Vec::new();
    for distribution in &distributions(image) {
        let region = distribution["region"].as_str().unwrap_or(&image.region);
        let amis: Vec<_> = amis.iter().filter(|ami| ami.region == region).collect();
        if let Some(first) = amis.first().copied() {
            let place = Place { world, image, region, distribution, first, amis };
            steps.extend(place.licences());
            steps.extend(place.launch_templates());
            steps.extend(place.parameters());
            steps.extend(place.fast_launches());
            steps.extend(place.export());
        }
    }
    steps
}

impl Place<'_> {
    fn step(&self, name: &'static str, account: &str, subject: &str, work: Result<Work, String>) -> Step {
        let (region, account, subject) = (self.region.to_owned(), account.to_owned(), subject.to_owned());
        Step { region, account, name, subject, work }
    }

    /// The entries of a list of the distribution.
    fn entries(&self, member: &str) -> impl Iterator<Item = &Value> {
        self.distribution[member].as_array().into_iter().flatten()
    }

    /// The account that an entry names, or the image's own.
    fn account<'a>(&'a self, entry: &'a Value, member: &str) -> &'a str {
        entry[member].as_str().unwrap_or(&self.image.owner)
    }

    /// The Region's AMI that belongs to an account.
    fn ami_of(&self, account: &str) -> Result<&ec2::Image, String> {
        let found = self.amis.iter().find(|ami| ami.owner == account).copied();
        found.ok_or_else(|| format!("The account {account} isn't a target account of the Region {}", self.region))
    }

    /// The same, or the Region's first: an account may launch what is shared with it.
    fn ami_for(&self, account: &str) -> &ec2::Image {
        self.ami_of(account).unwrap_or(self.first)
    }

    fn licences(&self) -> Vec<Step> {
        let arns = strings(&self.distribution["licenseConfigurationArns"]);
        if arns.is_empty() {
            return Vec::new();
        }
        let of = |ami: &&ec2::Image| {
            let event =
                ec2::Event::Licences { region: ami.region.clone(), image_id: ami.id.clone(), arns: arns.clone() };
            self.step("ASSOCIATE_LICENSES", &ami.owner, &ami.id, post(Event::Ec2(event)))
        };
        self.amis.iter().map(of).collect()
    }

    /// A template that the account doesn't have in the Region, in EC2's words. It is named by ID or name.
    fn template_problem(&self, account: &str, id: &str) -> Option<String> {
        ec2::launch_template(self.world, account, self.region, id)
            .is_none()
            .then(|| format!("The specified launch template, with template ID {id}, does not exist."))
    }

    /// A template that has a version with the AMI got it when the distribution was tried before.
    fn launch_templates(&self) -> Vec<Step> {
        let of = |entry: &Value| {
            let account = self.account(entry, "accountId");
            let id = entry["launchTemplateId"].as_str().unwrap_or_default();
            let image_id = &self.ami_for(account).id;
            let template = ec2::launch_template(self.world, account, self.region, id);
            if template.is_some_and(|it| it.versions.iter().any(|version| version.data["imageId"] == **image_id)) {
                return None;
            }
            let version = || ec2::Event::LaunchTemplateVersion {
                account: account.to_owned(),
                region: self.region.to_owned(),
                launch_template_id: id.to_owned(),
                image_id: image_id.clone(),
                set_default: entry["setDefaultVersion"] == true,
                description: format!("EC2 Image Builder {}", self.image.arn),
            };
            let work = self.template_problem(account, id).map_or_else(|| post(Event::Ec2(version())), Err);
            Some(self.step("UPDATE_LAUNCH_TEMPLATES", account, id, work))
        };
        self.entries("launchTemplateConfigurations").filter_map(of).collect()
    }

    fn parameters(&self) -> Vec<Step> {
        let of = |entry: &Value| {
            let account = self.account(entry, "amiAccountId");
            let name = entry["parameterName"].as_str().unwrap_or_default();
            let work = self.ami_of(account).and_then(|ami| {
                let put = ssm::Put {
                    region: self.region.to_owned(),
                    account: account.to_owned(),
                    name: name.to_owned(),
                    value: ami.id.clone(),
                    data_type: entry["dataType"].as_str().unwrap_or("text").to_owned(),
                };
                match ssm::refusal(self.world, &put) {
                    None => post(Event::Ssm(ssm::Event::Put(put))),
                    Some(error) => Err(error.message),
                }
            });
            self.step("PUT_SSM_PARAMETERS", account, name, work)
        };
        self.entries("ssmParameterConfigurations").map(of).collect()
    }

    fn fast_launches(&self) -> Vec<Step> {
        let number = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
        let of = |entry: &Value| {
            let account = self.account(entry, "accountId");
            let template = &entry["launchTemplate"];
            let named =
                [&template["launchTemplateId"], &template["launchTemplateName"]].into_iter().find_map(Value::as_str);
            let problem = || match named {
                _ if !self.first.windows => Some("EC2 Fast Launch is supported for Windows AMIs only.".to_owned()),
                Some(name) => self.template_problem(account, name),
                None => None,
            };
            let work = self.ami_of(account).and_then(|ami| match problem() {
                Some(problem) => Err(problem),
                None => post(Event::Ec2(ec2::Event::FastLaunch {
                    account: account.to_owned(),
                    region: self.region.to_owned(),
                    image_id: ami.id.clone(),
                    enabled: entry["enabled"] == true,
                    max_parallel_launches: number(&entry["maxParallelLaunches"]),
                    snapshot_target: number(&entry["snapshotConfiguration"]["targetResourceCount"]),
                    launch_template: Some(template.clone()).filter(Value::is_object),
                })),
            });
            self.step("UPDATE_FAST_LAUNCH_CONFIGURATIONS", account, account, work)
        };
        self.entries("fastLaunchConfigurations").map(of).collect()
    }

    /// What EC2 doesn't export: <https://docs.aws.amazon.com/vm-import/latest/userguide/vmexport_image.html>
    fn export(&self) -> Option<Step> {
        let entry = &self.distribution["s3ExportConfiguration"];
        let (bucket, format) = (entry["s3Bucket"].as_str()?, entry["diskImageFormat"].as_str()?);
        let ami = self.ami_for(&self.image.owner);
        let work = if ami.snapshots.values().any(|snapshot| snapshot.encrypted) {
            Err(format!("The image {} has encrypted snapshots, which can't be exported.", ami.id))
        } else {
            let task = self.world.seed.hex(&["export", &self.image.arn, &ami.region, &ami.id], 17);
            let prefix = entry["s3Prefix"].as_str().map(|prefix| format!("{}/", prefix.trim_end_matches('/')));
            Ok(Work::Export(Export {
                region: self.region.to_owned(),
                image_id: ami.id.clone(),
                bucket: bucket.to_owned(),
                key: format!("{}export-ami-{task}.{}", prefix.unwrap_or_default(), format.to_lowercase()),
                format: format.to_owned(),
                role_name: entry["roleName"].as_str().unwrap_or_default().to_owned(),
                at: self.world.now,
            }))
        };
        Some(self.step("EXPORT_AMI", &ami.owner, &ami.id, work))
    }
}

fn post(event: Event) -> Result<Work, String> {
    Ok(Work::Post(Box::new(event)))
}
