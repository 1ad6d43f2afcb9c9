//! Builds, settings and facts for tests.

use crate::event::Cause;
use crate::plan::{AmiState, Facts, Family, Known, Parameter, Place};
use crate::settings::Settings;
use aws_sdk_ssm::primitives::DateTime;
use shared::arn::ImageBuildArn;
use shared::image::{Ami, Image, Kind, Permission, Status};
use shared::published::Published;
use shared::settings::Environment;
use std::collections::BTreeMap;

pub(super) const ACCOUNT: &str = "123456789012";
pub(super) const OTHER: &str = "111122223333";
pub(super) const HOUR: i64 = 3_600;

pub(super) fn build(n: u32) -> ImageBuildArn {
    format!("arn:aws:imagebuilder:us-east-1:{ACCOUNT}:image/web/1.{}.0/{}", n / 3, n % 3 + 1).parse().unwrap()
}

/// The short name of a build of [`build`].
pub(super) fn n(build: &ImageBuildArn) -> u32 {
    build.version.minor * 3 + build.build - 1
}

pub(super) fn place(region: &str) -> Place {
    Place { region: region.to_owned(), account: ACCOUNT.to_owned() }
}

pub(super) fn ami(region: &str, n: u32) -> String {
    format!("ami-{region}-{n}")
}

pub(super) fn image(n: u32, regions: &[&str]) -> Image {
    let of_region =
        |region: &&str| Ami { region: (*region).to_owned(), account: ACCOUNT.to_owned(), id: ami(region, n) };
    Image {
        arn: build(n),
        kind: Kind::Ami,
        status: Status::Available,
        reason: None,
        platform: Some("Linux".to_owned()),
        pipeline_arn: Some(format!("arn:aws:imagebuilder:us-east-1:{ACCOUNT}:image-pipeline/web")),
        amis: regions.iter().map(of_region).collect(),
        containers: vec![],
        permissions: BTreeMap::new(),
        tags: BTreeMap::new(),
        scan: Some("COMPLETED".to_owned()),
    }
}

/// Shared with an account in a Region.
pub(super) fn shared(mut image: Image, region: &str, account: &str) -> Image {
    let permission = Permission { accounts: [account.to_owned()].into(), ..Permission::default() };
    image.permissions.insert(region.to_owned(), permission);
    image
}

pub(super) fn settings(more: &[(&str, &str)]) -> Settings {
    let topic = ("PUBLISHED_IMAGES_TOPIC_ARN", format!("arn:aws:sns:us-east-1:{ACCOUNT}:published"));
    let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let environment: Environment = more.chain([(topic.0.to_owned(), topic.1)]).collect();
    Settings::from_environment(environment).unwrap()
}

/// One version in `us-east-1`, written in the hour of its number.
pub(super) fn version(version: i64, n: u32, labels: &[&str]) -> Published {
    Published {
        version,
        build: Some(build(n)),
        value: ami("us-east-1", n),
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        description: Some(build(n).to_string()),
        modified: Some(DateTime::from_secs(version * HOUR)),
    }
}

/// Versions from 1 on with the labels of their builds.
pub(super) fn history(region: &str, builds: &[u32]) -> Vec<Published> {
    let mut versions: Vec<Published> = Vec::new();
    for (n, number) in builds.iter().zip(1..) {
        let label = shared::published::build_label(&build(*n));
        for published in &mut versions {
            published.labels.remove(&label);
        }
        versions.push(Published { value: ami(region, *n), ..version(number, *n, &[&label]) });
    }
    versions
}

pub(super) fn hand_made(version: i64, description: Option<&str>) -> Published {
    Published {
        version,
        build: description.and_then(|text| text.parse().ok()),
        value: "ami-somebody's".to_owned(),
        labels: [].into(),
        description: description.map(str::to_owned),
        modified: None,
    }
}

/// Everything that is asked for can be read, and every AMI is available.
pub(super) fn facts(cause: Cause, images: &[Image], parameters: &[(&str, Vec<Published>)]) -> Facts {
    let mut facts = Facts {
        cause,
        now: None,
        family: Family::of(&build(0)),
        images: images.iter().map(|image| (image.arn.clone(), Known::Is(Box::new(image.clone())))).collect(),
        parameters: BTreeMap::new(),
        amis: BTreeMap::new(),
        findings: BTreeMap::new(),
    };
    for (region, history) in parameters {
        facts.parameters.insert(place(region), Parameter::Read(history.clone()));
    }
    for ami in images.iter().flat_map(|image| &image.amis) {
        let place = Place { region: ami.region.clone(), account: ami.account.clone() };
        facts.amis.insert((place, ami.id.clone()), AmiState::Is("available".to_owned()));
    }
    facts
}
