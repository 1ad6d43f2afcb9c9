//! What is published, for the command `show`.

use super::facts::{Facts, Parameter};
use super::goal::{Images, View};
use super::place::Place;
use crate::settings::Settings;
use aws_sdk_ssm::primitives::DateTimeFormat;
use serde::Serialize;
use shared::arn::ImageBuildArn;
use shared::published::{HOLD, Published, channel_hold, is_channel_name, previous};
use std::collections::BTreeMap;

/// What is published of a family.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// The family.
    pub family: String,
    /// Place by place.
    pub places: Vec<ShownPlace>,
}

/// What is published in a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownPlace {
    /// The Region and the account.
    #[serde(flatten)]
    pub place: Place,
    /// The parameter.
    pub parameter: String,
    /// Why it couldn't be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The newest version.
    pub latest: Option<ShownVersion>,
    /// The version that holds the parameter, so that notifications and the sweep don't move it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<ShownVersion>,
    /// The channels.
    pub channels: BTreeMap<String, ShownChannel>,
}

/// A version of a parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownVersion {
    /// Its number.
    pub parameter_version: i64,
    /// The build that it holds; null for what somebody else wrote.
    pub build: Option<ImageBuildArn>,
    /// The AMI, or a container's image URIs.
    pub value: String,
    /// When it was written, RFC 3339.
    pub written: Option<String>,
}

/// Where a channel is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownChannel {
    /// The version that it is on.
    #[serde(flatten)]
    pub on: ShownVersion,
    /// The build that it was on before.
    pub previous: Option<ImageBuildArn>,
    /// Whether rules leave it there.
    pub held: bool,
}

/// What is published.
pub fn show(facts: &Facts, settings: &Settings) -> Shown {
    let images = Images::of(facts);
    let places = facts.parameters.iter().map(|(place, parameter)| {
        let view = View::new(facts, settings, &images, place, facts.history(place));
        let labels = view.history.iter().flat_map(|published| published.labels.iter().map(move |it| (it, published)));
        let channels = labels.filter(|(label, _)| is_channel_name(label)).map(|(channel, published)| {
            let before = view.labelled(&previous(channel)).and_then(|published| published.build.clone());
            let held = view.labelled(&channel_hold(channel)).is_some();
            (channel.clone(), ShownChannel { on: version(published), previous: before, held })
        });
        ShownPlace {
            place: place.clone(),
            parameter: settings.parameter(&facts.family.name),
            error: match parameter {
                Parameter::Read(_) => None,
                Parameter::Unread(trouble) => Some(trouble.error.clone()),
            },
            latest: view.history.last().map(version),
            held: view.labelled(HOLD).map(version),
            channels: channels.collect(),
        }
    });
    Shown { family: facts.family.name.clone(), places: places.collect() }
}

fn version(published: &Published) -> ShownVersion {
    let Published { version, build, value, modified, .. } = published.clone();
    let written = modified.and_then(|modified| modified.fmt(DateTimeFormat::DateTime).ok());
    ShownVersion { parameter_version: version, build, value, written }
}
