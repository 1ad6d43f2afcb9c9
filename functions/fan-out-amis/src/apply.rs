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

/// What was done, for the metrics.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Versions of parameters.
    pub written: usize,
    /// Messages.
    pub published: usize,
}

/// Carries a plan out and notes each outcome in it: first the places, side by side, each step by step, then the
/// announcement.
pub(crate) async fn apply(reader: Reader<'_>, facts: &mut Facts, plan: &mut Plan) -> Counts {
    let writing = Writing::new(reader);
    let mut steps: BTreeMap<Place, Vec<(usize, Action)>> = BTreeMap::new();
    for (index, step) in plan.steps.iter().enumerate() {
        if let Some(place) = writes(&step.action).filter(|_| step.outcome == Outcome::Planned) {
            steps.entry(place.clone()).or_default().push((index, step.action.clone()));
        }
    }
    // All at once: a place that waits for its validation is in nobody's way, and calls are bounded by themselves.
    let places = steps.into_iter().map(|(place, steps)| in_place(&writing, of_place(facts, &place), place, steps));
    for Done { place, outcomes, history } in join_all(places).await {
        for (index, outcome) in outcomes {
            plan.steps[index].outcome = outcome;
        }
        facts.parameters.insert(place, Parameter::Read(history));
    }
    let mut counts = Counts { written: writing.written(), published: 0 };
    let announce = plan.steps.iter_mut().find(|step| matches!(step.action, Action::Announce { .. }));
    if let Some(step) = announce.filter(|step| step.outcome == Outcome::Planned) {
        step.outcome = announce::announce(&writing, facts).await;
        counts.published = usize::from(matches!(step.outcome, Outcome::Done(_)));
    }
    counts
}

/// Where a step writes, if it does.
fn writes(action: &Action) -> Option<&Place> {
    match action {
        Action::Write(target) | Action::Label(target) | Action::Hold(target) | Action::Release(target) => {
            Some(&target.place)
        }
        Action::Promote(target) | Action::HoldChannel(target) | Action::ReleaseChannel(target) => Some(&target.place),
        Action::Keep(_) | Action::KeepChannel(_) | Action::Announce { .. } => None,
    }
}

/// The facts that concern one place.
fn of_place(facts: &Facts, place: &Place) -> Facts {
    let Facts { cause, now, family, images, amis, findings, .. } = facts;
    let parameter = facts.parameters.get(place).map(|parameter| (place.clone(), parameter.clone()));
    Facts {
        cause: cause.clone(),
        now: *now,
        family: family.clone(),
        images: images.clone(),
        parameters: parameter.into_iter().collect(),
        amis: amis.iter().filter(|((other, _), _)| other == place).map(|(ami, state)| (ami.clone(), state.clone())).collect(),
        findings: findings.clone(),
    }
}

/// What became of a place.
struct Done {
    place: Place,
    outcomes: Vec<(usize, Outcome<Made>)>,
    history: Vec<Published>,
}

async fn in_place(writing: &Writing<'_>, mut facts: Facts, place: Place, steps: Vec<(usize, Action)>) -> Done {
    let (mut outcomes, mut history) = (Vec::new(), Vec::new());
    for (index, action) in steps {
        let mut writer = Writer::new(&facts, writing.settings(), &action);
        let mut answer = None;
        let outcome = loop {
            match writer.next(answer) {
                Next::Call(call) => answer = Some(writing.make(&facts.family.name, &place, call).await),
                Next::Done(outcome) => break outcome,
            }
        };
        outcomes.push((index, outcome));
        history = writer.into_history();
        facts.parameters.insert(place.clone(), Parameter::Read(history.clone()));
    }
    Done { place, outcomes, history }
}
