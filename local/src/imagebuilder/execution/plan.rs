//! Which workflows a build runs.

use super::super::lookup::missing;
use super::super::workflow;
use super::super::workflow::document::Document;
use crate::draw::Seed;
use crate::model::error;
use crate::wire::ApiError;
use crate::world::World;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A build has one build workflow, one distribution workflow and so many test workflows at most.
const MAX_TESTS: usize = 10;

/// So many workflows of a parallel group run at once.
const SIDE_BY_SIDE: usize = 5;

/// The part of a build that workflows make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Phase {
    /// `BUILDING`
    Build,
    /// `TESTING`
    Test,
    /// `DISTRIBUTING`
    Distribution,
}

impl Phase {
    /// The phase of a build's status, if workflows run in it.
    pub(crate) fn of_status(status: &str) -> Option<Self> {
        Some(match status {
            "BUILDING" => Self::Build,
            "TESTING" => Self::Test,
            "DISTRIBUTING" => Self::Distribution,
            _ => return None,
        })
    }

    /// The status of a build in this phase.
    pub(crate) fn status(self) -> &'static str {
        match self {
            Self::Build => "BUILDING",
            Self::Test => "TESTING",
            Self::Distribution => "DISTRIBUTING",
        }
    }

    /// The type of its workflows.
    pub(super) fn workflow_type(self) -> &'static str {
        match self {
            Self::Build => "BUILD",
            Self::Test => "TEST",
            Self::Distribution => "DISTRIBUTION",
        }
    }

    /// The type as ARNs of workflows have it.
    fn segment(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Test => "test",
            Self::Distribution => "distribution",
        }
    }

    /// The name of the managed workflow that is run unless told.
    fn managed(self, container: bool) -> &'static str {
        match (self, container) {
            (Self::Build, false) => "build-image",
            (Self::Build, true) => "build-container",
            (Self::Test, false) => "test-image",
            (Self::Test, true) => "test-container",
            (Self::Distribution, false) => "distribute-image",
            (Self::Distribution, true) => "distribute-container",
        }
    }
}

/// A workflow that a build runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Planned {
    /// In which phase.
    pub(super) phase: Phase,
    /// The ARN of its build.
    pub(super) arn: String,
    /// Those of a group run side by side.
    pub(super) group: Option<String>,
    /// Whether the build goes on after it failed: `onFailure` is `CONTINUE`, which is for tests alone.
    pub(super) continues: bool,
    /// What its parameters are given: a list of texts each.
    pub(super) parameters: Map<String, Value>,
}

/// The workflows of a build, in their order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Plan(Vec<Planned>);

impl Plan {
    /// The workflows of a phase.
    pub(super) fn of(&self, phase: Phase) -> Vec<&Planned> {
        self.0.iter().filter(|planned| planned.phase == phase).collect()
    }
}

/// Groups those that run side by side, by their indices: a group stands where its first member does.
pub(super) fn stages(workflows: &[&Planned]) -> Vec<Vec<usize>> {
    let mut stages: Vec<Vec<usize>> = Vec::new();
    for (index, planned) in workflows.iter().enumerate() {
        let group = |stage: &&mut Vec<usize>| {
            let first = stage.first().and_then(|first| workflows.get(*first));
            planned.group.is_some() && stage.len() < SIDE_BY_SIDE && first.is_some_and(|it| it.group == planned.group)
        };
        match stages.iter_mut().find(group) {
            Some(stage) => stage.push(index),
            None => stages.push(vec![index]),
        }
    }
    stages
}

/// Plans a build: the workflows that its order names, those that Amazon manages for the phases without. Keeps the
/// plan and the documents, and answers under which number, and the configurations with the builds that the named
/// ones stand for.
///
/// # Errors
/// `ResourceNotFoundException` for a workflow that doesn't exist, `InvalidRequestException` for too many.
pub(crate) fn plan(
    world: &mut World,
    account: &str,
    region: &str,
    configurations: Option<&Value>,
    container: bool,
) -> Result<(u64, Value), ApiError> {
    let (mut plan, mut named, mut documents) = (Vec::new(), Vec::new(), Vec::new());
    for configuration in configurations.and_then(Value::as_array).into_iter().flatten() {
        let asked = configuration["workflowArn"].as_str().unwrap_or_default();
        let phases = [Phase::Build, Phase::Test, Phase::Distribution];
        let phase = phases.into_iter().find(|phase| asked.contains(&format!(":workflow/{}/", phase.segment())));
        let (Some(phase), Some((arn, document))) = (phase, workflow::of(world, account, region, asked)) else {
            return Err(missing(asked));
        };
        let mut resolved = configuration.clone();
        resolved["workflowArn"] = arn.as_str().into();
        named.push(resolved);
        let parameters = configuration["parameters"].as_array().into_iter().flatten();
        plan.push(Planned {
            phase,
            group: configuration["parallelGroup"].as_str().map(str::to_owned),
            continues: phase == Phase::Test && configuration["onFailure"] == "CONTINUE",
            parameters: parameters
                .filter_map(|it| Some((it["name"].as_str()?.to_owned(), it["value"].clone())))
                .collect(),
            arn: arn.clone(),
        });
        documents.push((arn, document));
    }
    for phase in [Phase::Build, Phase::Test, Phase::Distribution] {
        let count = plan.iter().filter(|planned| planned.phase == phase).count();
        let limit = if phase == Phase::Test { MAX_TESTS } else { 1 };
        if count > limit {
            let kind = phase.workflow_type();
            let message = format!("workflows has {count} workflows of the type {kind}; {limit} is the most.");
            return Err(error("InvalidRequestException", message));
        }
        if count == 0 {
            let managed = managed(world, region, phase, container);
            plan.extend(managed.iter().map(|(planned, _)| planned.clone()));
            documents.extend(managed.map(|(planned, document)| (planned.arn, document)));
        }
    }
    Ok((keep(world, plan, documents), named.into()))
}

/// Plans an image that is only distributed; the answer is the plan's number.
pub(crate) fn distribution(world: &mut World, region: &str) -> u64 {
    let managed = managed(world, region, Phase::Distribution, false);
    let (plan, documents) =
        managed.map(|(planned, document)| (planned.clone(), (planned.arn, document))).into_iter().unzip();
    keep(world, plan, documents)
}

/// The workflow that Amazon manages for a phase, its newest version.
fn managed(world: &World, region: &str, phase: Phase, container: bool) -> Option<(Planned, Document)> {
    let (kind, name) = (phase.segment(), phase.managed(container));
    let newest = format!("arn:aws:imagebuilder:{region}:aws:workflow/{kind}/{name}/x.x.x");
    let (arn, document) = workflow::of(world, "aws", region, &newest)?;
    Some((Planned { phase, arn, group: None, continues: false, parameters: Map::new() }, document))
}

fn keep(world: &mut World, plan: Vec<Planned>, documents: Vec<(String, Document)>) -> u64 {
    let plan = Plan(plan);
    let number = Seed(0).draw(&[&json!(plan).to_string()]);
    let store = &mut world.imagebuilder.executions;
    store.plans.insert(number, plan);
    store.documents.extend(documents);
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_run_side_by_side_five_at_once() {
        let planned = |group: Option<&str>| Planned {
            phase: Phase::Test,
            arn: String::new(),
            group: group.map(str::to_owned),
            continues: false,
            parameters: Map::new(),
        };
        let stages_of = |groups: &[Option<&str>]| {
            let all: Vec<_> = groups.iter().map(|group| planned(*group)).collect();
            stages(&all.iter().collect::<Vec<_>>())
        };
        assert_eq!(stages_of(&[None, None]), [[0], [1]]);
        assert_eq!(stages_of(&[Some("a"), None, Some("a"), Some("b")]), [vec![0, 2], vec![1], vec![3]]);
        assert_eq!(stages_of(&[Some("a"); 7]), [vec![0, 1, 2, 3, 4], vec![5, 6]]);
    }
}
