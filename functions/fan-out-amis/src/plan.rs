//! What is to be done about a family, decided from facts alone: no I/O, no clock.
//!
//! What has to be read follows from what was read before, so the facts are gathered in this order:
//! 1. The builds that the cause is about: GetImage for the build of a notification; for the sweep and commands the list
//!    of the family's builds, and GetImage for the newest AVAILABLE one.
//! 2. The parameters' histories in all [`places`] of those builds: for commands of all AVAILABLE ones, so that Regions
//!    count that the newest one doesn't reach.
//! 3. GetImage for each build that [`wanted`] names.
//! 4. DescribeImages for what [`to_verify`] names, and the findings of the builds that [`to_scan`] names.
//! 5. [`plan()`], or [`show()`] for the command.
//!
//! A step is carried out by a [`Writer`], call by call: the steps of one place one after the other, each from the history
//! on that the one before left, and each place beside the others. The histories go back into the facts, and then [`owed()`]
//! says whether the announcement goes out, and what it says.

mod action;
mod call;
mod channels;
mod commands;
mod decide;
mod facts;
mod goal;
mod owed;
mod place;
mod publish;
mod reason;
mod room;
mod show;
mod writer;

pub use action::{Action, ChannelTarget, Made, Plan, Step, Target};
pub use call::{Answer, Call, Next, Refusal};
pub use facts::{AmiState, Facts, Findings, Known, Parameter, Severity, Trouble};
pub use owed::{NotOwed, Owed, owed, to_verify};
pub use place::{Content, DataType, Family, Place, content, places};
pub use publish::idle;
pub use reason::Reason;
pub use show::{Shown, ShownChannel, ShownPlace, ShownVersion, show};
pub use writer::Writer;

use crate::event::{Cause, Command};
use crate::settings::Settings;
use decide::{Intent, intent};
use goal::{Goal, Images, View};
use shared::arn::ImageBuildArn;
use std::collections::BTreeSet;

/// What is to be done. For [`Command::Show`] nothing: see [`show`].
pub fn plan(facts: &Facts, settings: &Settings) -> Plan {
    match &facts.cause {
        Cause::Build(_) | Cause::Sweep(_) => publish::plan(facts, settings),
        Cause::Command(command) => commands::plan(facts, settings, command),
    }
}

/// The builds that have to be read (GetImage) once the histories are known: a command's, and those that were published
/// before and would have to be written again. Which more those lead to, a writer asks for itself.
pub fn wanted(facts: &Facts, settings: &Settings) -> BTreeSet<ImageBuildArn> {
    let mut asked: BTreeSet<ImageBuildArn> = BTreeSet::new();
    let candidate = facts.candidate().map(|image| image.arn.clone());
    let goal = match &facts.cause {
        Cause::Build(_) | Cause::Sweep(_) => Some(Goal::Publish { candidate, respect_manual: true }),
        Cause::Command(command) => {
            asked.extend(commands::build(facts, command).ok().flatten().cloned());
            matches!(command, Command::Release { channel: None, .. }).then_some(Goal::Release { candidate })
        }
    };
    let images = Images::of(facts);
    for place in facts.parameters.keys() {
        let view = View::new(facts, settings, &images, place, facts.history(place));
        let next = goal.as_ref().map(|goal| intent(view, goal));
        let renewals = match next {
            Some(Intent::Put { .. }) => room::renewals(view),
            _ => Vec::new(),
        };
        asked.extend(next.into_iter().chain(renewals).filter_map(|intent| match intent {
            Intent::Look { build, .. } => Some(build),
            _ => None,
        }));
    }
    asked.retain(|build| !facts.images.contains_key(build));
    asked
}

/// The builds whose findings decide on a promotion, once the rest is known.
pub fn to_scan(facts: &Facts, settings: &Settings) -> BTreeSet<ImageBuildArn> {
    match &facts.cause {
        Cause::Sweep(_) => {
            publish::subject(facts).map_or_else(|_| BTreeSet::new(), |image| channels::to_scan(facts, settings, image))
        }
        Cause::Build(_) | Cause::Command(_) => BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests;
