//! Executions: the record of what lifecycle actions were or are carried out.

use super::Event;
use super::action::{Action, Include};
use super::exclusion::Exclusions;
use crate::clock::Time;
use crate::imagebuilder;
use crate::imagebuilder::store::Resource;
use crate::world::{self, World};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How far an execution is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Status {
    /// It waits, for the time of a scheduled deprecation.
    Pending,
    /// It goes on.
    InProgress,
    /// It was asked to stop, and will.
    Cancelling,
    /// It has stopped; what it did stays done.
    Cancelled,
    /// It is over, and something failed.
    Failed,
    /// It is over.
    Success,
}

impl Status {
    /// As the API spells it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::InProgress => "IN_PROGRESS",
            Self::Cancelling => "CANCELLING",
            Self::Cancelled => "CANCELLED",
            Self::Failed => "FAILED",
            Self::Success => "SUCCESS",
        }
    }

    /// Whether it is over.
    pub(super) fn is_over(self) -> bool {
        matches!(self, Self::Cancelled | Self::Failed | Self::Success)
    }
}

/// What became of an image, AMI, snapshot or container image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Outcome {
    /// It isn't known yet.
    InProgress,
    /// It is what it shall be.
    Success,
    /// It was left alone: why.
    Skipped(String),
    /// It couldn't be done: why.
    Failed(String),
}

/// What shall be done to images.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Order {
    /// The action.
    pub(super) action: Action,
    /// On what besides the record.
    pub(super) include: Include,
    /// Except for these AMIs.
    pub(super) exclusions: Exclusions,
    /// When, if not at once.
    pub(super) at: Option<Time>,
}

/// One image of an execution.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Task {
    /// The image build version.
    pub(super) image_arn: String,
    /// The place of its order among the execution's.
    pub(super) order: usize,
    /// Why a policy chose it.
    pub(super) reason: Option<String>,
    /// What became of it.
    pub(super) outcome: Outcome,
    /// When its turn was.
    pub(super) ended: Option<Time>,
    /// Its AMIs or container images, as far as they are included.
    pub(super) parts: Vec<Part>,
}

/// An AMI, or a Region's container images.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Part {
    /// The AMI, or the repository.
    pub(super) id: String,
    /// Where it is.
    pub(super) region: String,
    /// Whose it is.
    pub(super) account: String,
    /// For container images.
    pub(super) uris: Vec<String>,
    /// What became of it.
    pub(super) outcome: Outcome,
    /// The AMI's snapshots, if they are included.
    pub(super) snapshots: Vec<(String, Outcome)>,
}

impl Task {
    /// For an image, with the outputs that it has now.
    pub(super) fn new(image: &Resource, order: &Order, place: usize, reason: Option<String>) -> Self {
        let outputs = &image.document["outputResources"];
        let list = |included: bool, member: &str| {
            outputs[member].as_array().filter(|_| included).into_iter().flatten().map(|output| Part::new(image, output))
        };
        let parts = list(order.include.amis, "amis").chain(list(order.include.containers, "containers")).collect();
        Self { image_arn: image.arn.clone(), order: place, reason, outcome: Outcome::InProgress, ended: None, parts }
    }
}

impl Part {
    fn new(image: &Resource, output: &Value) -> Self {
        let uris: Vec<String> =
            output["imageUris"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        let repository = uris.first().and_then(|uri| uri.rsplit_once(':')).map(|(repository, _)| repository);
        Self {
            id: output["image"].as_str().or(repository).unwrap_or_default().to_owned(),
            region: output["region"].as_str().unwrap_or(&image.region).to_owned(),
            account: output["accountId"].as_str().unwrap_or(&image.owner).to_owned(),
            uris,
            outcome: Outcome::InProgress,
            snapshots: Vec::new(),
        }
    }
}

/// An execution.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Execution {
    /// `lce-` and a UUID.
    pub(super) id: String,
    /// Counts up as executions begin.
    pub(super) made: u64,
    /// Where it was begun.
    pub(super) region: String,
    /// Whose it is.
    pub(super) account: String,
    /// The policy that runs; none for a state update.
    pub(super) policy_arn: Option<String>,
    /// How far it is.
    pub(super) status: Status,
    /// Why it failed.
    pub(super) reason: Option<String>,
    /// When it began.
    pub(super) started: Time,
    /// When it was over.
    pub(super) ended: Option<Time>,
    /// What is done.
    pub(super) orders: Vec<Order>,
    /// To which images.
    pub(super) tasks: Vec<Task>,
}

/// An execution that is to begin.
pub(super) struct Draft {
    /// Where.
    pub(super) region: String,
    /// Whose.
    pub(super) account: String,
    /// The policy that runs.
    pub(super) policy_arn: Option<String>,
    /// What is done.
    pub(super) orders: Vec<Order>,
    /// To which images.
    pub(super) tasks: Vec<Task>,
}

/// Begins an execution for a policy or an image; the answer is its ID.
pub(super) fn begin(world: &mut World, resource_arn: &str, draft: Draft) -> String {
    let nth = world.imagebuilder.lifecycle.by_resource.get(resource_arn).map_or(0, Vec::len).to_string();
    let id = format!("lce-{}", world.seed.uuid(&["lifecycle execution", resource_arn, &nth]));
    let images: Vec<String> = draft.tasks.iter().map(|task| task.image_arn.clone()).collect();
    for arn in &images {
        if let Some(image) = world.imagebuilder.get_mut(arn) {
            image.document.insert("lifecycleExecutionId", id.as_str().into());
        }
    }
    let store = &mut world.imagebuilder.lifecycle;
    store.made += 1;
    let execution = Execution {
        id: id.clone(),
        made: store.made,
        region: draft.region,
        account: draft.account,
        policy_arn: draft.policy_arn,
        status: Status::InProgress,
        reason: None,
        started: world.now,
        ended: None,
        orders: draft.orders,
        tasks: draft.tasks,
    };
    for arn in images.iter().chain(&execution.policy_arn) {
        store.by_resource.entry(arn.clone()).or_default().push(id.clone());
    }
    store.executions.insert(id.clone(), execution);
    let at = world.now + world.span_millis(&["lifecycle execution begins", &id], 20_000, 70_000);
    post(world, at, Event::Step { execution_id: id.clone(), place: 0 });
    id
}

/// Posts what an execution or a policy waits for.
pub(super) fn post(world: &mut World, at: Time, event: Event) {
    world.post(at, world::Event::ImageBuilder(imagebuilder::Event::Lifecycle(event)));
}

/// The execution of a policy or an image that isn't over, if there is one.
pub(super) fn running<'a>(world: &'a World, resource_arn: &str) -> Option<&'a Execution> {
    let store = &world.imagebuilder.lifecycle;
    let last = store.by_resource.get(resource_arn)?.last()?;
    store.executions.get(last).filter(|execution| !execution.status.is_over())
}

impl Execution {
    /// Its last image had its turn.
    pub(super) fn finish(&mut self, now: Time) {
        let failed = self.tasks.iter().filter(|task| matches!(task.outcome, Outcome::Failed(_))).count();
        self.status = if failed == 0 { Status::Success } else { Status::Failed };
        self.reason = (failed > 0).then(|| format!("{failed} of {} image resources failed.", self.tasks.len()));
        self.ended = Some(now);
    }
}

/// Asks an execution to stop, if it isn't over or asked already.
pub(super) fn cancel(world: &mut World, id: &str) {
    let at = world.now + world.span_millis(&["cancel", id], 2_000, 15_000);
    let Some(execution) = world.imagebuilder.lifecycle.executions.get_mut(id) else { return };
    if execution.status.is_over() || execution.status == Status::Cancelling {
        return;
    }
    execution.status = Status::Cancelling;
    post(world, at, Event::Stopped { execution_id: id.to_owned() });
}

/// An execution that was asked to stop has stopped: what had no turn is skipped, and a deprecation to come doesn't.
pub(super) fn on_stopped(world: &mut World, id: &str) {
    let now = world.now;
    let Some(execution) = world.imagebuilder.lifecycle.executions.get_mut(id) else { return };
    execution.status = Status::Cancelled;
    execution.ended = Some(now);
    let mut stopped = Vec::new();
    for task in execution.tasks.iter_mut().filter(|task| task.outcome == Outcome::InProgress) {
        let reason = "The lifecycle execution was cancelled.";
        task.outcome = Outcome::Skipped(reason.to_owned());
        task.ended = Some(now);
        for part in task.parts.iter_mut().filter(|part| part.outcome == Outcome::InProgress) {
            part.outcome = Outcome::Skipped(reason.to_owned());
        }
        stopped.push((task.image_arn.clone(), execution.orders[task.order].at.is_some()));
    }
    for (arn, scheduled) in stopped {
        if let Some(image) = world.imagebuilder.get_mut(&arn).filter(|image| scheduled && image.status() == "AVAILABLE")
        {
            image.document.remove("deprecationTime");
        }
    }
}
