//! What has to be known to decide about a family, as it was read: nothing here is concluded yet.

use super::place::{Family, Place};
use crate::event::Cause;
use aws_sdk_ssm::primitives::DateTime;
use serde::Deserialize;
use shared::arn::ImageBuildArn;
use shared::image::{Image, Status};
use shared::published::Published;
use std::collections::BTreeMap;

/// What has to be known to decide about one family. What a map has no key for wasn't asked for, and counts as unread.
#[derive(Debug, Clone)]
pub struct Facts {
    /// What the invocation is about.
    pub cause: Cause,
    /// The event's own time; none for a command that names none.
    pub now: Option<DateTime>,
    /// The family.
    pub family: Family,
    /// Builds of the family as Image Builder knows them now, each read whole (GetImage): the build of a notification; for
    /// the sweep and commands the newest AVAILABLE one; and those that [`super::wanted`] names.
    pub images: BTreeMap<ImageBuildArn, Known>,
    /// The parameter's history in each place that [`super::places`] names.
    pub parameters: BTreeMap<Place, Parameter>,
    /// What EC2 says about the AMIs that [`super::to_verify`] names.
    pub amis: BTreeMap<(Place, String), AmiState>,
    /// The scan findings of the builds that [`super::to_scan`] names.
    pub findings: BTreeMap<ImageBuildArn, Findings>,
}

/// A build that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// It is there.
    Is(Box<Image>),
    /// Image Builder doesn't know it.
    Gone,
    /// It couldn't be read. What depends on it isn't done.
    Unread(Trouble),
}

/// A parameter that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parameter {
    /// Its versions, oldest first; none for one that doesn't exist.
    Read(Vec<Published>),
    /// It couldn't be read. The place fails, and the others are worked on.
    Unread(Trouble),
}

/// What EC2 says about an AMI in a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AmiState {
    /// DescribeImages answered this state: `available`, `pending`, `failed`, `disabled`, …
    Is(String),
    /// DescribeImages doesn't know it there.
    Gone,
    /// It couldn't be read.
    Unread(Trouble),
}

/// The scan findings of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Findings {
    /// The severities of all its findings (ListImageScanFindings, or the counts of their aggregation), none for a build
    /// that was scanned and has none.
    Read(Vec<Severity>),
    /// They couldn't be read, or the build wasn't scanned.
    Unread(String),
}

/// How bad a finding is, as Amazon Inspector says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "Amazon Inspector's own words")]
pub enum Severity {
    Informational,
    Low,
    Medium,
    High,
    Critical,
    /// Not known yet, or a word that this program doesn't know: counts as worse than all others.
    #[serde(skip)]
    Untriaged,
}

/// Why something couldn't be read or done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The error with its causes.
    pub error: String,
    /// Whether trying again later can help.
    pub retryable: bool,
}

impl From<&str> for Severity {
    fn from(text: &str) -> Self {
        match text {
            "INFORMATIONAL" => Self::Informational,
            "LOW" => Self::Low,
            "MEDIUM" => Self::Medium,
            "HIGH" => Self::High,
            "CRITICAL" => Self::Critical,
            _ => Self::Untriaged,
        }
    }
}

impl Facts {
    /// The versions of a place's parameter, oldest first; none if they couldn't be read.
    pub fn history(&self, place: &Place) -> &[Published] {
        match self.parameters.get(place) {
            Some(Parameter::Read(versions)) => versions,
            Some(Parameter::Unread(_)) | None => &[],
        }
    }

    /// The build that is to stand last everywhere unless a newer one does: the notification's, or the newest AVAILABLE one
    /// that was read. It is AVAILABLE.
    pub(crate) fn candidate(&self) -> Option<&Image> {
        let read = self.images.values().filter_map(|known| match known {
            Known::Is(image) => Some(image.as_ref()),
            Known::Gone | Known::Unread(_) => None,
        });
        let available = read.filter(|image| image.status == Status::Available && self.family.includes(&image.arn));
        match &self.cause {
            Cause::Build(build) => available.into_iter().find(|image| image.arn == *build),
            Cause::Sweep(_) | Cause::Command(_) => available.max_by_key(|image| image.arn.order()),
        }
    }
}
