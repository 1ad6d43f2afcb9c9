//! Faults of lifecycle actions: an AMI that can't be acted on.

use super::decide::Subject;
use super::document::Fault;
use super::strike;
use crate::world::World;

/// An AMI that a lifecycle execution is about to act on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retired<'a> {
    /// The AMI.
    pub(crate) ami: &'a str,
    /// The AMI's Region.
    pub(crate) region: &'a str,
    /// The AMI's owner.
    pub(crate) account: &'a str,
    /// The image build version's ARN.
    pub(crate) image: &'a str,
    /// What shall be done: `DISABLE`, …
    pub(crate) action: &'a str,
}

/// What becomes of an AMI in the place of what is ordered, if a rule says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Hindered {
    /// It fails: why.
    Failed(String),
    /// It is left alone: why.
    Skipped(String),
}

/// Whether a lifecycle action doesn't reach an AMI.
pub(crate) fn hindered(world: &mut World, retired: &Retired<'_>) -> Option<Hindered> {
    let name = retired.image.split('/').nth(1).unwrap_or_default();
    let values = vec![
        ("ami", vec![retired.ami]),
        ("name", vec![name]),
        ("action", vec![retired.action]),
        ("region", vec![retired.region]),
        ("account", vec![retired.account]),
    ];
    let title = format!("{} of {}", retired.action, retired.ami);
    let subject = Subject { values, key: title.clone(), title, invocation: None };
    let (fault, _) = strike(world, &subject, |fault| matches!(fault, Fault::FailLifecycle { .. })).pop()?;
    let Fault::FailLifecycle { skipped, reason } = fault else { return None };
    Some(if skipped { Hindered::Skipped(reason) } else { Hindered::Failed(reason) })
}
