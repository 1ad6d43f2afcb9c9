//! What became of images in a run in which some were retired: where each is at the end, and why it stays.

use crate::imagebuilder::store::{Kind as Resource, Resource as Image};
use crate::journal::Kind;
use crate::world::World;
use serde::Serialize;
use serde_json::Value;
use shared::arn::ImageBuildArn;
use shared::version::Version;
use std::collections::BTreeMap;

/// The function whose last answer says why.
const FUNCTION: &str = "deprecate-images";

/// One image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// The family.
    pub family: String,
    /// `1.0.0/3`
    pub build: String,
    /// `AVAILABLE`, `DEPRECATED`, `DISABLED`, `DELETED`, …
    pub status: String,
    /// Why it is kept, or since when it is gone.
    pub why: String,
}

/// Every image with its end, family by family, oldest first; none if no image was retired.
pub fn rows(world: &World) -> Vec<Row> {
    let (mut ends, mut retired) = (BTreeMap::new(), false);
    for entry in world.journal.entries().iter().filter(|entry| entry.kind == Kind::ImageState) {
        let status = entry.detail.split_whitespace().next().unwrap_or_default();
        retired |= matches!(status, "DEPRECATED" | "DISABLED" | "DELETED");
        if let (Some((family, (version, build))), "DELETED") = (build_of(&entry.subject), status) {
            let why = entry.at.format("on %a %d %b").to_string();
            ends.insert((family, version, build), ("DELETED".to_owned(), why));
        }
    }
    if !retired {
        return Vec::new();
    }
    let reasons = reasons(world);
    for image in world.imagebuilder.all().filter(|it| it.kind == Resource::Image && Image::is_of_an_account(it)) {
        let Ok(arn) = image.arn.parse::<ImageBuildArn>() else { continue };
        let why = reasons.get(&image.arn).cloned().unwrap_or_default();
        ends.insert((arn.family, arn.version, arn.build), (image.status().to_owned(), why));
    }
    let row = |((family, version, build), (status, why)): ((String, Version, u32), (String, String))| Row {
        family,
        build: format!("{version}/{build}"),
        status,
        why,
    };
    ends.into_iter().map(row).collect()
}

/// `app 1.0.0/3`
fn build_of(subject: &str) -> Option<(String, (Version, u32))> {
    let (family, rest) = subject.rsplit_once(' ')?;
    let (version, build) = rest.split_once('/')?;
    Some((family.to_owned(), (version.parse().ok()?, build.parse().ok()?)))
}

/// The first reason for each image in the function's last answer.
fn reasons(world: &World) -> BTreeMap<String, String> {
    let of_function = world.lambda.invocations.iter().rev().filter(|it| it.invocation.function_arn.ends_with(FUNCTION));
    let mut answers = of_function.filter_map(|it| serde_json::from_str::<Value>(&it.ending.payload).ok());
    let decisions = answers.find_map(|answer| answer["plan"]["decisions"].as_array().cloned()).unwrap_or_default();
    let reason = |decision: &Value| {
        let says = decision["reason"][0]["says"].as_str()?;
        Some((decision["image"].as_str()?.to_owned(), says.to_owned()))
    };
    decisions.iter().filter_map(reason).collect()
}

/// The table, as lines: family, version/build, status, reason.
pub fn table(rows: &[Row]) -> Vec<String> {
    let header = ["FAMILY", "VERSION/BUILD", "STATUS", "WHY"].map(str::to_owned);
    let cells = rows.iter().map(|row| [&row.family, &row.build, &row.status, &row.why].map(Clone::clone));
    let all: Vec<[String; 4]> = std::iter::once(header).chain(cells).collect();
    crate::report::aligned(&all)
}
