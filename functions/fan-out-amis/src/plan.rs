//! What is to be done about a family, decided from facts alone: no I/O, no clock.
//!
//! What has to be read follows from what was read before, so the facts are gathered in this order:
//! 1. The builds that the cause is about: GetImage for the build of a notification; for the sweep and commands the list
//!    of the family's builds, and GetImage for the newest AVAILABLE one.
//! 2. The parameters' histories in all [`places`] of those builds: for commands of all AVAILABLE ones, so that Regions
//!    count that the newest one doesn't reach.
//! 3. GetImage for each build that `wanted(&Facts, &Settings) -> BTreeSet<ImageBuildArn>` names.
//! 4. DescribeImages for what `to_verify(&Facts, &Settings) -> BTreeSet<(Place, String)>` names, and the findings of
//!    `to_scan(&Facts, &Settings) -> BTreeSet<ImageBuildArn>`.
//! 5. `plan(&Facts, &Settings) -> Plan`, or `show(&Facts, &Settings) -> Shown` for the command.
//!
//! A step that isn't `Keep…` or `Announce` is carried out by `Writer::new(&Facts, &Settings, &Action) -> Writer`, then
//! `next(Option<Answer>) -> Next` from `None` on until it is done; steps of one place one after the other, each place
//! beside the others. `Writer::into_history(self) -> Vec<Published>` goes back into the facts for the place's next step,
//! and then `owed(&Facts, &Settings) -> Result<Owed, Reason>` says whether the announcement goes out, and what it says.

mod action;
mod facts;
mod place;
mod reason;
mod writer;

pub use action::{Action, ChannelTarget, Made, Plan, Step, Target};
pub use facts::{AmiState, Facts, Findings, Known, Parameter, Severity, Trouble};
pub use place::{Content, DataType, Family, Place, content, places};
pub use reason::Reason;
pub use writer::{Answer, Call, Next, Refusal};
