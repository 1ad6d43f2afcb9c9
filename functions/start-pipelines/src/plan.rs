//! Which pipelines are started and why, decided from facts alone: no I/O, no clock.

mod facts;
mod reason;
mod select;

pub use facts::{BaseImage, Build, Cause, Facts, Known, Mode, Pipeline, Recipe, Resolved, Select};
pub use reason::Reason;

use crate::graph::{Awaited, Graph};
use crate::inputs::{self, Difference, Inputs, Missing};
use crate::settings::Settings;
use serde::Serialize;
use shared::arn::ImageBuildArn;
use shared::image::Status;
use shared::plan::Outcome;
use shared::tags;
use shared::token::client_token;

/// What is to be done about the pipelines that the cause is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// One per pipeline, parents before children.
    pub steps: Vec<Step>,
    /// The names of pipelines that are their own ancestors, each group that hangs together once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cycles: Vec<Vec<String>>,
    /// How many there are.
    pub counts: Counts,
}

/// How many pipelines and builds there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// All pipelines.
    pub pipelines: usize,
    /// Those that the cause is about: one step each.
    pub concerned: usize,
    /// Builds that hadn't ended before this run. A pipeline whose builds couldn't be read counts as one.
    pub in_flight: usize,
    /// Pipelines to start.
    pub starts: usize,
}

/// One action with its reason and outcome.
pub type Step = shared::plan::Step<Action, Reason, Made>;

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "camelCase")]
pub enum Action {
    /// Start the pipeline.
    #[serde(rename_all = "camelCase")]
    Start {
        /// The pipeline.
        #[serde(flatten)]
        target: Target,
        /// The same for the same reason, and another one for each try: at most 36 characters.
        client_token: String,
    },
    /// Leave the pipeline alone.
    Leave {
        /// The pipeline.
        #[serde(flatten)]
        target: Target,
    },
}

/// A pipeline and its place in the graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Target {
    /// The pipeline's ARN.
    pub pipeline: String,
    /// Its name.
    pub name: String,
    /// The names of the pipelines whose builds its recipe selects, one of which is its parent.
    pub parents: Vec<String>,
}

/// What a start brought forth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Made {
    /// The new build.
    pub image: ImageBuildArn,
}

/// What is to become of a pipeline, limits aside.
enum Verdict {
    /// There is a reason to start it now.
    Due { reason: Reason, client_token: String },
    /// It is started once its parent has its new build.
    Follows(Reason),
    /// It is left alone.
    Left(Reason),
}

/// What is to be done.
pub fn plan(facts: &Facts, settings: &Settings) -> Plan {
    let graph = Graph::new(facts);
    let judge = Judge { facts, settings, graph: &graph, in_flight: in_flight(facts).collect() };
    let unknown = facts.pipelines.iter().filter(|pipeline| builds(facts, pipeline).is_err()).count();
    let mut counts =
        Counts { pipelines: facts.pipelines.len(), in_flight: judge.in_flight.len() + unknown, ..Counts::default() };
    let mut free = settings.max_concurrent_builds.saturating_sub(counts.in_flight);
    // Pipelines that have a new build soon: their children wait for it, whatever this run is about.
    let mut coming = vec![false; facts.pipelines.len()];
    let mut steps = Vec::new();
    for &index in graph.order() {
        let pipeline = &facts.pipelines[index];
        let verdict = judge.pipeline(index, &coming);
        coming[index] = !matches!(verdict, Verdict::Left(_));
        if !select::concerns(facts, pipeline) {
            continue;
        }
        let parents = graph.parents(index).iter().map(|parent| facts.pipelines[*parent].name.clone()).collect();
        let target = Target { pipeline: pipeline.arn.clone(), name: pipeline.name.clone(), parents };
        let leave = |target, reason| Step { action: Action::Leave { target }, reason, outcome: Outcome::SKIPPED };
        steps.push(match verdict {
            Verdict::Due { .. } if free == 0 => leave(target, Reason::Limit(settings.max_concurrent_builds)),
            Verdict::Due { reason, client_token } => {
                free -= 1;
                counts.starts += 1;
                Step { action: Action::Start { target, client_token }, reason, outcome: Outcome::Planned }
            }
            Verdict::Follows(reason) | Verdict::Left(reason) => leave(target, reason),
        });
    }
    counts.concerned = steps.len();
    let cycles = graph.cycles().iter().map(|cycle| names(facts, cycle)).collect();
    Plan { steps, cycles, counts }
}

/// The ARNs of the pipelines whose builds' inputs have to be known: those that the cause is about, and those above them.
/// Says so from pipelines, recipes, what is resolved and the AMIs alone.
pub fn needed(facts: &Facts) -> Vec<&str> {
    let concerned = (0..facts.pipelines.len()).filter(|index| select::concerns(facts, &facts.pipelines[*index]));
    let needed = Graph::new(facts).with_ancestors(concerned);
    needed.into_iter().map(|index| facts.pipelines[index].arn.as_str()).collect()
}

fn names(facts: &Facts, pipelines: &[usize]) -> Vec<String> {
    pipelines.iter().map(|index| facts.pipelines[*index].name.clone()).collect()
}

fn in_flight(facts: &Facts) -> impl Iterator<Item = &ImageBuildArn> {
    let builds = facts.pipelines.iter().filter_map(|pipeline| builds(facts, pipeline).ok()).flatten();
    builds.filter(|build| build.in_flight()).map(|build| &build.arn)
}

fn builds<'a>(facts: &'a Facts, pipeline: &Pipeline) -> Result<&'a [Build], Reason> {
    match facts.builds.get(&pipeline.arn) {
        Some(Known::Is(builds)) => Ok(builds),
        Some(Known::Gone(why) | Known::Unread(why)) => Err(unread("its builds", why)),
        None => Err(unread("its builds", "they weren't asked for")),
    }
}

fn unread(what: impl Into<String>, why: &str) -> Reason {
    Reason::Unread { what: what.into(), why: why.to_owned() }
}

struct Judge<'a> {
    facts: &'a Facts,
    settings: &'a Settings,
    graph: &'a Graph,
    in_flight: Vec<&'a ImageBuildArn>,
}

impl Judge<'_> {
    fn pipeline(&self, index: usize, coming: &[bool]) -> Verdict {
        self.due(index, coming).unwrap_or_else(Verdict::Left)
    }

    /// An error is the reason to leave the pipeline alone.
    fn due(&self, index: usize, coming: &[bool]) -> Result<Verdict, Reason> {
        let Self { facts, graph, .. } = self;
        let pipeline = &facts.pipelines[index];
        self.allowed(index)?;
        let recipe = match facts.recipes.get(&pipeline.recipe) {
            Some(Known::Is(recipe)) => recipe,
            Some(Known::Gone(why)) => {
                return Err(Reason::RecipeGone { recipe: pipeline.recipe.clone(), why: why.clone() });
            }
            Some(Known::Unread(why)) => return Err(unread(format!("its recipe {}", pipeline.recipe), why)),
            None => return Err(unread(format!("its recipe {}", pipeline.recipe), "it wasn't asked for")),
        };
        let builds = builds(facts, pipeline)?;
        if let Some(build) = builds.iter().find(|build| build.in_flight()) {
            return Err(Reason::InFlight(build.arn.to_string()));
        }
        if let Some(awaited) = Awaited::of(facts, recipe) {
            let next = |parent: &&usize| {
                coming[**parent] && facts.recipe(&facts.pipelines[**parent]).is_some_and(|it| awaited.includes_next(it))
            };
            if let Some(parent) = graph.parents(index).iter().find(next) {
                return Ok(Verdict::Follows(Reason::Follows(facts.pipelines[*parent].name.clone())));
            }
            if let Some(build) = self.in_flight.iter().find(|build| awaited.includes(build)) {
                return Ok(Verdict::Follows(Reason::FollowsBuild(build.to_string())));
            }
        }
        let now = inputs::now(facts, recipe).map_err(|missing| match missing {
            Missing::Gone { reference, why } => Reason::Unresolved { reference, why },
            Missing::Unread { reference, why } => unread(reference, &why),
        })?;
        let reason = self.reason(pipeline, recipe, builds, &now)?;
        self.not_exhausted(recipe, builds, &now)?;
        Ok(Verdict::Due { client_token: token(pipeline, builds, &now, &reason), reason })
    }

    /// Whether the pipeline may be started at all.
    fn allowed(&self, index: usize) -> Result<(), Reason> {
        let pipeline = &self.facts.pipelines[index];
        let failures = pipeline.consecutive_failures;
        if pipeline.tags.get(tags::START).is_some_and(|value| value == "never") {
            Err(Reason::Never)
        } else if !pipeline.enabled {
            let by_itself = pipeline.failure_count.is_some_and(|limit| limit > 0 && failures >= limit);
            Err(if by_itself { Reason::AutoDisabled(failures) } else { Reason::Disabled })
        } else if let Some(cycle) = self.graph.cycles().iter().find(|cycle| cycle.contains(&index)) {
            Err(Reason::Cycle(names(self.facts, cycle)))
        } else {
            Ok(())
        }
    }

    /// Why the pipeline is to be started, or why not.
    fn reason(&self, pipeline: &Pipeline, recipe: &Recipe, builds: &[Build], now: &Inputs) -> Result<Reason, Reason> {
        let always = matches!(self.facts.cause, Cause::Schedule { mode: Mode::Always, .. });
        if always && select::concerns(self.facts, pipeline) {
            return Ok(Reason::Always(self.facts.now.clone()));
        }
        let Some(last) = builds.iter().find(|build| build.status == Status::Available) else {
            return Ok(Reason::First);
        };
        match inputs::since(now, inputs_of(last)?, recipe) {
            Difference::Changes(changes) => Ok(Reason::Changed(changes)),
            Difference::None => {
                Err(Reason::Unchanged { build: last.arn.to_string(), deprecated: self.deprecated(recipe) })
            }
            Difference::Unknown(reference) => {
                let what = format!("what {reference} stood for in {}", last.arn);
                Err(unread(what, "the build's document doesn't say"))
            }
        }
    }

    fn deprecated(&self, recipe: &Recipe) -> Vec<String> {
        let references = std::iter::once(&recipe.parent).chain(&recipe.components);
        let resolved = references.filter_map(|reference| match self.facts.resolved.get(reference)? {
            Known::Is(resolved) if resolved.deprecated => Some(resolved.to.clone()),
            Known::Is(_) | Known::Gone(_) | Known::Unread(_) => None,
        });
        resolved.collect()
    }

    /// Counts the builds in vain on exactly these inputs. Deleted ones say nothing any more.
    fn not_exhausted(&self, recipe: &Recipe, builds: &[Build], now: &Inputs) -> Result<(), Reason> {
        let mut attempts = 0;
        for build in builds.iter().filter(|build| build.status != Status::Deleted) {
            let in_vain = matches!(build.status, Status::Failed | Status::Cancelled);
            if !in_vain || inputs::since(now, inputs_of(build)?, recipe) != Difference::None {
                break;
            }
            attempts += 1;
            if attempts >= self.settings.max_attempts {
                return Err(Reason::Exhausted(attempts));
            }
        }
        Ok(())
    }
}

fn inputs_of(build: &Build) -> Result<&Inputs, Reason> {
    match &build.inputs {
        Known::Is(inputs) => Ok(inputs),
        Known::Gone(why) | Known::Unread(why) => Err(unread(format!("what {} is made of", build.arn), why)),
    }
}

/// From what the start is for: the schedule's time, or the inputs, the build that they take the place of and the
/// number of the try. So two events with the same cause start one build, a try after a failure is another start, and
/// so is the way back to inputs that were in use before.
fn token(pipeline: &Pipeline, builds: &[Build], now: &Inputs, reason: &Reason) -> String {
    if let Reason::Always(time) = reason {
        return client_token(&["start-pipelines", &pipeline.arn, "always", time]);
    }
    let last = builds.iter().position(|build| build.status == Status::Available);
    let attempt = (last.unwrap_or(builds.len()) + 1).to_string();
    let last = last.map(|last| builds[last].arn.to_string()).unwrap_or_default();
    let cause = ["start-pipelines", &pipeline.arn, "inputs", &last, &attempt, &now.recipe, &now.parent];
    let components = now.components.iter().map(String::as_str);
    client_token(&cause.into_iter().chain(components).collect::<Vec<_>>())
}

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
