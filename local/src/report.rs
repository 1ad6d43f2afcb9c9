//! What is published at the end of a run, and whether it agrees with the truth.

use crate::ec2;
use crate::imagebuilder::store::{Kind, Resource};
use crate::ssm;
use crate::world::World;
use serde::Serialize;
use serde_json::Value;
use shared::arn::ImageBuildArn;
use std::collections::BTreeMap;

/// One published AMI, or container image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Published {
    /// The family.
    pub family: String,
    /// `1.0.0/3`
    pub build: String,
    /// Where instances can launch it.
    pub region: String,
    /// The account that the parameter is in.
    pub account: String,
    /// The parameter's value.
    pub ami: String,
    /// The parameter's name.
    pub parameter: String,
    /// The parameter's newest version.
    pub parameter_version: i64,
    /// The channels, each with the build that it is on: `1.0.0/2`.
    pub channels: BTreeMap<String, String>,
}

/// What is published, and every way in which that differs from the truth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// By family, then Region.
    pub published: Vec<Published>,
    /// How many families have an AVAILABLE build with AMIs or container images.
    pub families: usize,
    /// Empty when what is published agrees with the newest AVAILABLE build of each family.
    pub disagreements: Vec<String>,
}

/// Reads the published state and the truth from the world, which is not asked through any API.
pub fn report(world: &World) -> Report {
    let mut published: Vec<Published> = ssm::published(world)
        .into_iter()
        .filter_map(|parameter| {
            let build: ImageBuildArn = parameter.description.as_deref()?.parse().ok()?;
            Some(Published {
                build: format!("{}/{}", build.version, build.build),
                family: build.family,
                region: parameter.region,
                account: parameter.account,
                ami: parameter.value,
                parameter: parameter.name,
                parameter_version: parameter.version,
                channels: channels(&parameter.labelled),
            })
        })
        .collect();
    published.sort();
    let newest = newest_available(world);
    let mut disagreements: Vec<String> =
        newest.iter().flat_map(|(arn, image)| missing(world, arn, image, &published)).collect();
    disagreements.extend(published.iter().filter_map(|row| false_row(world, row, &newest)));
    Report { published, families: newest.len(), disagreements }
}

/// The labels by which Goldsmith's channels are known, without those that it keeps for itself.
fn channels(labelled: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let own = |label: &str| {
        let says_build = label.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        says_build || ["announced", "hold"].contains(&label) || label.ends_with("-previous") || label.ends_with("-hold")
    };
    let on_build = labelled.iter().filter(|(label, _)| !own(label)).filter_map(|(label, description)| {
        let build: ImageBuildArn = description.parse().ok()?;
        Some((label.clone(), format!("{}/{}", build.version, build.build)))
    });
    on_build.collect()
}

/// The newest AVAILABLE build of each family that made something, in all accounts and Regions.
fn newest_available(world: &World) -> Vec<(ImageBuildArn, &Resource)> {
    let mut newest: BTreeMap<(String, String, String), (ImageBuildArn, &Resource)> = BTreeMap::new();
    for image in world.imagebuilder.all().filter(|resource| resource.kind == Kind::Image) {
        let Ok(arn) = image.arn.parse::<ImageBuildArn>() else { continue };
        if !image.is_of_an_account() || image.status() != "AVAILABLE" || made(image, &arn.account).is_empty() {
            continue;
        }
        let family = (arn.account.clone(), arn.region.clone(), arn.family.clone());
        let newer = newest.get(&family).is_none_or(|(other, _)| other.order() < arn.order());
        if newer {
            newest.insert(family, (arn, image));
        }
    }
    newest.into_values().collect()
}

/// What a build made, by Region: AMIs and container images' URIs with commas in between. AMIs that were distributed into
/// other accounts aren't among them.
fn made(image: &Resource, account: &str) -> Vec<(String, String)> {
    let text = |value: &Value, member: &str| value[member].as_str().unwrap_or_default().to_owned();
    let outputs = image.document.get("outputResources").unwrap_or(&Value::Null);
    let list = |member: &str| outputs[member].as_array().map_or(&[][..], Vec::as_slice).iter();
    let own = list("amis").filter(|ami| text(ami, "accountId") == account);
    let amis = own.map(|ami| (text(ami, "region"), text(ami, "image")));
    let uris = |container: &Value| {
        let uris = container["imageUris"].as_array().into_iter().flatten().filter_map(Value::as_str);
        uris.collect::<Vec<_>>().join(",")
    };
    amis.chain(list("containers").map(|container| (text(container, "region"), uris(container)))).collect()
}

fn missing(world: &World, arn: &ImageBuildArn, image: &Resource, published: &[Published]) -> Vec<String> {
    let build = format!("{}/{}", arn.version, arn.build);
    let mut found = Vec::new();
    for (region, id) in made(image, &arn.account) {
        let there = published.iter().any(|row| {
            row.family == arn.family
                && row.region == region
                && row.account == arn.account
                && row.ami == id
                && row.build == build
        });
        if !there {
            let hint = silent(world, image).map(|why| format!(" ({why})")).unwrap_or_default();
            found.push(format!(
                "{} {build} is AVAILABLE with {id} in {region}, which isn't published{hint}",
                arn.family
            ));
        }
    }
    found
}

/// Why no function could hear of a build.
fn silent(world: &World, image: &Resource) -> Option<String> {
    let topic = image.document.get("infrastructureConfiguration").and_then(|infra| infra.get("snsTopicArn"));
    let Some(topic) = topic.and_then(Value::as_str) else {
        return Some("its infrastructure configuration has no snsTopicArn".to_owned());
    };
    (!crate::sns::has_function(world, topic)).then(|| format!("no function is subscribed to {topic}"))
}

/// A published row that isn't true: not of the newest build, or an AMI that can't be launched there.
fn false_row(world: &World, row: &Published, newest: &[(ImageBuildArn, &Resource)]) -> Option<String> {
    let launchable = !row.ami.starts_with("ami-") || ec2::visible(world, &row.account, &row.region, &row.ami).is_some();
    let known = newest.iter().any(|(arn, _)| arn.family == row.family);
    match (known, launchable) {
        (true, true) => None,
        (false, _) => Some(format!(
            "{} publishes {} {}, but the family has no AVAILABLE build",
            row.parameter, row.family, row.build
        )),
        (_, false) => Some(format!(
            "{} publishes {}, which account {} can't see in {}",
            row.parameter, row.ami, row.account, row.region
        )),
    }
}

/// The table, as lines: family, version/build, Region, AMI, parameter, and the channels if there are any.
pub fn table(published: &[Published]) -> Vec<String> {
    let header = ["FAMILY", "VERSION/BUILD", "REGION", "AMI", "PARAMETER", "CHANNELS"].map(str::to_owned);
    let rows = published.iter().map(|row| {
        let parameter = format!("{}:{}", row.parameter, row.parameter_version);
        let channels: Vec<_> = row.channels.iter().map(|(channel, build)| format!("{channel}={build}")).collect();
        let (build, region) = (row.build.clone(), row.region.clone());
        [row.family.clone(), build, region, row.ami.clone(), parameter, channels.join(" ")]
    });
    let mut all: Vec<[String; 6]> = std::iter::once(header).chain(rows).collect();
    if published.iter().all(|row| row.channels.is_empty()) {
        all[0][5].clear();
    }
    let width = |column: usize| all.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    let pad = |row: &[String; 6]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    all.iter().map(pad).collect()
}

impl Report {
    /// One line: whether what is published agrees with the newest AVAILABLE builds.
    pub fn verdict(&self) -> String {
        let plural = if self.families == 1 { "family" } else { "families" };
        match self.disagreements.len() {
            0 => format!(
                "What is published agrees with the newest AVAILABLE build of each of {} {plural}.",
                self.families
            ),
            n => format!("What is published DISAGREES with the newest AVAILABLE builds in {n} place(s):"),
        }
    }
}
