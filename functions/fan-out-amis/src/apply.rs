//! The calls that write. Each place ends on its own: one that fails doesn't stop the others.

mod announce;
mod call;

use crate::observe::Reader;
use crate::plan::{Action, Facts, Made, Next, Parameter, Place, Plan, Writer};
use call::Writing;
use futures_util::future::join_all;
use shared::plan::Outcome;
use shared::published::Published;
use std::collections::BTreeMap;
use tokio::time::Instant;

/// What was done, for the metrics.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Versions of parameters.
    pub(crate) written: usize,
    /// Messages.
    pub(crate) announced: usize,
}

/// Carries a plan out and notes each outcome in it: first the places, side by side, each step by step, then the
/// announcement. `since` is when the facts began to be read.
pub(crate) async fn apply(reader: Reader<'_>, since: Instant, facts: &mut Facts, plan: &mut Plan) -> Counts {
    let writing = Writing::new(reader, since, facts);
    let mut steps: BTreeMap<Place, Vec<(usize, Action)>> = BTreeMap::new();
    for (index, step) in plan.steps.iter().enumerate() {
        if let Some(place) = step.action.place().filter(|_| step.outcome == Outcome::Planned) {
            steps.entry(place.clone()).or_default().push((index, step.action.clone()));
        }
    }
    // All at once: a place that waits for its validation is in nobody's way, and calls are bounded by themselves.
    let places = steps.into_iter().map(|(place, steps)| in_place(&writing, facts, place, steps));
    for Done { place, outcomes, history } in join_all(places).await {
        for (index, outcome) in outcomes {
            plan.steps[index].outcome = outcome;
        }
        facts.parameters.insert(place, Parameter::Read(history));
    }
    let announce = plan.steps.iter_mut().find(|step| matches!(step.action, Action::Announce { .. }));
    let mut announced = 0;
    if let Some(step) = announce {
        step.outcome = announce::announce(&writing, facts).await;
        announced = usize::from(matches!(step.outcome, Outcome::Done(_)));
    }
    Counts { written: writing.written(), announced }
}

/// What became of a place.
struct Done {
    place: Place,
    outcomes: Vec<(usize, Outcome<Made>)>,
    history: Vec<Published>,
}

async fn in_place(writing: &Writing<'_>, facts: &Facts, place: Place, steps: Vec<(usize, Action)>) -> Done {
    let (mut outcomes, mut history) = (Vec::new(), facts.history(&place).to_vec());
    for (index, action) in steps {
        let Some(mut writer) = Writer::new(facts, writing.reader.settings, &action, history.clone()) else { continue };
        let outcome = run(writing, &facts.family.name, &mut writer).await;
        outcomes.push((index, outcome));
        history = writer.into_history();
    }
    Done { place, outcomes, history }
}

/// Lets a writer make its calls until it is done.
async fn run(writing: &Writing<'_>, family: &str, writer: &mut Writer<'_>) -> Outcome<Made> {
    let mut answer = None;
    loop {
        match writer.next(answer) {
            Next::Call(call) => answer = Some(writing.make(family, writer.place(), call).await),
            Next::Done(outcome) => return outcome,
        }
    }
}

impl Action {
    /// Where it is carried out, or would be; none for what isn't about one place.
    pub(crate) fn place(&self) -> Option<&Place> {
        match self {
            Self::Write(target)
            | Self::Label(target)
            | Self::Renew(target)
            | Self::Keep(target)
            | Self::Hold(target)
            | Self::Release(target) => Some(&target.place),
            Self::Promote(target)
            | Self::HoldChannel(target)
            | Self::ReleaseChannel(target)
            | Self::KeepChannel(target) => Some(&target.place),
            Self::Announce { .. } => None,
        }
    }
}
