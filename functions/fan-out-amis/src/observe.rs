//! What is read, and in which order: no more than the cause asks for.
//!
//! For a notification, its build. For the sweep, the list of all images, and of each family the newest AVAILABLE build.
//! For a command, all builds of its family, so that places count that the newest one doesn't reach. Then the parameters
//! of all places side by side, and what [`crate::plan`] asks for after having seen them.

mod images;
mod places;

pub(crate) use images::look;
pub(crate) use places::history;

use crate::clients::Clients;
use crate::event::{Cause, Command};
use crate::plan::{self, AmiState, Facts, Family, Known, Parameter, Place, Trouble};
use crate::settings::Settings;
use aws_sdk_ssm::primitives::DateTime;
use shared::arn::{Arn, ImageBuildArn};
use shared::image::{BadImage, Image, Status};
use shared::inventory::{CallError, Calls, each};
use shared::pattern::fits;
use shared::version::Version;
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;

/// Everything that reading needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) clients: &'a Clients,
    pub(crate) calls: &'a Calls,
    pub(crate) settings: &'a Settings,
}

/// What an invocation is about couldn't be read.
#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    /// A call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// Image Builder's answer makes no sense.
    #[error("{operation} of {arn}")]
    Image {
        /// The operation as AWS calls it.
        operation: &'static str,
        /// What was asked for.
        arn: String,
        /// What is wrong with it.
        source: BadImage,
    },
}

impl ObserveError {
    /// Whether trying again later can help.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Call(error) if error.is_retryable())
    }
}

/// A family, and the builds that the cause is about.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) family: Family,
    /// When its builds began to be read whole.
    pub(crate) since: Instant,
    images: BTreeMap<ImageBuildArn, Known>,
    /// Other AVAILABLE builds, as listings tell of them.
    others: Vec<Image>,
}

/// A family of the sweep: its versions, not read any further yet.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) family: Family,
    versions: BTreeSet<Version>,
}

/// The families of the sweep whose names are as one of the patterns says; all without patterns.
///
/// # Errors
/// That the images couldn't be listed.
pub(crate) async fn families(reader: Reader<'_>, own: &Arn, patterns: &[String]) -> Result<Vec<Listed>, ObserveError> {
    let listed = images::listed(reader, own).await?;
    let asked = |name: &str| patterns.is_empty() || patterns.iter().any(|pattern| fits(pattern, name));
    let families = listed.into_iter().filter(|(family, _)| asked(&family.name));
    Ok(families.map(|(family, versions)| Listed { family, versions }).collect())
}

/// The build of a notification.
///
/// # Errors
/// That it couldn't be read.
pub(crate) async fn build(reader: Reader<'_>, arn: &ImageBuildArn) -> Result<Subject, ObserveError> {
    let since = Instant::now();
    let images = BTreeMap::from([read(reader, arn).await?]);
    Ok(Subject { family: Family::of(arn), since, images, others: Vec::new() })
}

/// The newest AVAILABLE build of a family of the sweep.
///
/// # Errors
/// That the family's builds couldn't be listed.
pub(crate) async fn newest(reader: Reader<'_>, listed: Listed) -> Result<Subject, ObserveError> {
    let Listed { family, versions } = listed;
    let mut newest = None;
    for version in versions.into_iter().rev() {
        let builds = images::builds(reader, &family, version).await?.into_iter();
        newest = builds.filter(is_available).max_by(|one, other| one.arn.cmp(&other.arn));
        if newest.is_some() {
            break;
        }
    }
    subject(reader, family, newest.into_iter().collect()).await
}

/// All AVAILABLE builds of a command's family.
///
/// # Errors
/// That the family's builds couldn't be listed.
pub(crate) async fn family(reader: Reader<'_>, own: &Arn, command: &Command) -> Result<Subject, ObserveError> {
    let name = match command {
        Command::Promote { family, .. }
        | Command::Rollback { family, .. }
        | Command::Release { family, .. }
        | Command::Show { family } => family.clone(),
    };
    let Arn { partition, region, account, .. } = own.clone();
    let family = Family { partition, region, account, name };
    let versions = images::listed(reader, own).await?.remove(&family).unwrap_or_default();
    let builds = each(versions, async |version| images::builds(reader, &family, version).await).await;
    let builds = builds.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().filter(is_available);
    let builds = builds.collect();
    subject(reader, family, builds).await
}

fn is_available(image: &Image) -> bool {
    image.status == Status::Available
}

/// Reads the newest of some builds whole.
async fn subject(reader: Reader<'_>, family: Family, others: Vec<Image>) -> Result<Subject, ObserveError> {
    let since = Instant::now();
    let newest = others.iter().map(|image| &image.arn).max().cloned();
    let images = match newest {
        Some(newest) => BTreeMap::from([read(reader, &newest).await?]),
        None => BTreeMap::new(),
    };
    Ok(Subject { family, since, images, others })
}

async fn read(reader: Reader<'_>, arn: &ImageBuildArn) -> Result<(ImageBuildArn, Known), ObserveError> {
    let known = look(reader, arn).await?.map_or(Known::Gone, |image| Known::Is(Box::new(image)));
    Ok((arn.clone(), known))
}

/// What has to be known to decide about a family. What couldn't be read is noted in it.
pub(crate) async fn facts(reader: Reader<'_>, cause: &Cause, now: Option<DateTime>, subject: Subject) -> Facts {
    let Subject { family, images, others, .. } = subject;
    let whole = images.values().filter_map(|known| match known {
        Known::Is(image) => Some(&**image),
        Known::Gone | Known::Unread(_) => None,
    });
    // Of a build that isn't AVAILABLE nothing is published, so nothing has to be known about its places.
    let places = plan::places(whole.filter(|image| is_available(image)).chain(&others), &reader.settings.share_targets);
    let parameter = reader.settings.parameter(&family.name);
    let parameters = each(places, async |place| match history(reader, &place, &parameter).await {
        Ok(versions) => (place, Parameter::Read(versions)),
        Err(trouble) => (place, Parameter::Unread(trouble)),
    });
    let parameters = parameters.await.into_iter().collect();
    let (amis, findings) = (BTreeMap::new(), BTreeMap::new());
    let mut facts = Facts { cause: cause.clone(), now, family, images, parameters, amis, findings };
    let wanted = plan::wanted(&facts, reader.settings);
    let wanted = each(wanted, async |arn| {
        let unread = |error| (arn.clone(), Known::Unread(Trouble::from(error)));
        read(reader, &arn).await.unwrap_or_else(unread)
    });
    let wanted = wanted.await;
    facts.images.extend(wanted);
    let findings = each(plan::to_scan(&facts, reader.settings), async |arn| {
        let scan = match facts.images.get(&arn) {
            Some(Known::Is(image)) => image.scan.clone(),
            _ => None,
        };
        let findings = images::findings(reader, &arn, scan.as_deref()).await;
        (arn, findings)
    });
    let findings = findings.await;
    facts.findings.extend(findings);
    facts
}

/// Asks EC2 about the AMIs that are to be announced. It comes after they were written, for nothing else depends on it, and
/// one that isn't available yet may be then.
pub(crate) async fn verify(reader: Reader<'_>, facts: &mut Facts) {
    let amis = each(plan::to_verify(facts, reader.settings), async |(place, ami): (Place, String)| {
        let state = places::ami_state(reader, &place, &ami).await.unwrap_or_else(AmiState::Unread);
        ((place, ami), state)
    });
    let amis = amis.await;
    facts.amis.extend(amis);
}

impl From<ObserveError> for Trouble {
    fn from(error: ObserveError) -> Self {
        Self { error: shared::error::chain(&error), retryable: error.is_retryable() }
    }
}
