//! Publishes the AMI IDs of an image build where instances can be launched.
//!
//! A notification names a build; Image Builder is asked about it. If it is AVAILABLE, the parameter of its family gets a
//! new version in every output Region, and once all of them are validated, one message announces the build. What is
//! published moves to newer builds only, and running twice changes nothing the second time.

pub mod announcement;
pub mod apply;
pub mod event;
pub mod legacy;
pub mod observe;
pub mod plan;
mod settings;

pub use settings::{Channels, Rule, Settings, ShareTargets};

use apply::Counts;
use aws_config::SdkConfig;
use event::{BadEvent, Cause, Hint, Stray};
use lambda_runtime::tracing::{error, info, warn};
use lambda_runtime::{Diagnostic, LambdaEvent};
use legacy::{Action, Plan, Reason, Step};
use observe::ObserveError;
use serde::Serialize;
use serde_json::Value;
use shared::arn::{Arn, BadArn, ImageBuildArn};
use shared::clients::Regional;
use shared::error::chain;
use shared::plan::Outcome;
use shared::telemetry::count;
use std::fmt;

/// The function, ready for invocations.
#[derive(Debug)]
pub struct Function {
    clients: Clients,
    settings: Settings,
}

/// The services that it calls, per Region.
#[derive(Debug)]
pub(crate) struct Clients {
    pub(crate) imagebuilder: Regional<aws_sdk_imagebuilder::Client>,
    pub(crate) sns: Regional<aws_sdk_sns::Client>,
    pub(crate) ssm: Regional<aws_sdk_ssm::Client>,
}

/// The answer of an invocation: what was planned, and what became of it.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// One per message of the event.
    pub notifications: Vec<Answered>,
}

/// What a message led to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answered {
    /// The SNS message ID; null for an event by hand.
    pub message_id: Option<String>,
    /// The plan with its outcomes, or why there is none.
    #[serde(flatten)]
    pub result: Handled,
}

/// A plan that was carried out, or the reason why a message was ignored.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Handled {
    /// The message isn't Image Builder's.
    Ignored {
        /// What it is instead.
        reason: String,
    },
    /// It names a build.
    Plan(Box<Plan>),
}

/// An invocation that has to be tried again. The runtime logs it by its `Debug` form, which is one readable line.
#[derive(thiserror::Error)]
pub enum Failed {
    /// The event can't be followed.
    #[error(transparent)]
    Event(#[from] BadEvent),
    /// Which account the function belongs to isn't known.
    #[error("the invoked function's ARN can't be read")]
    Function(#[source] BadArn),
    /// What is to be decided on couldn't be read.
    #[error("the facts about the image couldn't be read")]
    Observe(#[from] ObserveError),
    /// Some actions failed; the others were carried out.
    #[error("{} of {} actions failed for {}: {}", failures(.0), .0.steps.len(), .0.image, outcomes(.0))]
    Apply(Box<Plan>),
}

impl Function {
    /// Makes the clients; nothing is called yet.
    pub fn new(config: &SdkConfig, settings: Settings) -> Self {
        let clients = Clients {
            imagebuilder: Regional::new(config, aws_sdk_imagebuilder::Client::new),
            sns: Regional::new(config, aws_sdk_sns::Client::new),
            ssm: Regional::new(config, aws_sdk_ssm::Client::new),
        };
        Self { clients, settings }
    }

    /// One invocation. What isn't a message of Image Builder, names a build of another account or one that doesn't
    /// exist is acknowledged, for trying again can't help; a fact that couldn't be read or an action that failed
    /// is an error, for Lambda to try again.
    ///
    /// # Errors
    /// The first failure, after every message was tried.
    pub async fn handle(&self, event: LambdaEvent<Value>) -> Result<Answer, Failed> {
        let function = event.context.invoked_function_arn.parse().map_err(Failed::Function)?;
        let mut notifications = Vec::new();
        let mut failure = None;
        for hint in event::hints(&event.payload)? {
            let (message_id, result) = match hint {
                Ok(Hint { cause: Cause::Build(image), message_id, .. }) => {
                    (message_id, self.publish(&function, &image).await)
                }
                Ok(Hint { message_id, .. }) => {
                    (message_id, Ok(Handled::Ignored { reason: "only notifications are followed".to_owned() }))
                }
                Err(Stray { message_id, why }) => {
                    count("NotificationsIgnored", 1, None);
                    warn!(message_id, reason = chain(&why), "message ignored");
                    (message_id, Ok(Handled::Ignored { reason: chain(&why) }))
                }
            };
            match result {
                Ok(result) => notifications.push(Answered { message_id, result }),
                Err(failed) if failure.is_none() => failure = Some(failed),
                Err(failed) => error!(message_id, error = chain(&failed), "message failed as well"),
            }
        }
        failure.map_or(Ok(Answer { notifications }), Err)
    }

    async fn publish(&self, function: &Arn, image: &ImageBuildArn) -> Result<Handled, Failed> {
        let nothing = |reason: Reason| {
            info!(image = %image, region = image.region, %reason, "nothing to do");
            Ok(Handled::Plan(Box::new(Plan::nothing(image.clone(), reason))))
        };
        if (&image.account, &image.partition) != (&function.account, &function.partition) {
            count("NotificationsIgnored", 1, None);
            return nothing(Reason::Foreign);
        }
        let Some(mut facts) = observe::observe(&self.clients, &self.settings, image).await? else {
            return nothing(Reason::Gone);
        };
        let mut plan = legacy::plan(&facts, &self.settings);
        if let Some(reason) = plan.reason {
            return nothing(reason);
        }
        let counts = apply::apply(&self.clients, &self.settings, &mut facts, &mut plan).await;
        report(&plan, counts);
        let plan = Box::new(plan);
        if plan.steps.iter().any(|step| step.outcome.is_failure()) {
            Err(Failed::Apply(plan))
        } else {
            Ok(Handled::Plan(plan))
        }
    }
}

/// Logs and counts what became of a plan.
fn report(plan: &Plan, counts: Counts) {
    let family = Some(plan.image.family.as_str());
    count("ParametersWritten", counts.written, family);
    count("MessagesPublished", counts.published, family);
    for step in &plan.steps {
        if let (Action::Keep(target), Outcome::Skipped { .. }) = (&step.action, &step.outcome) {
            let (region, account) = (&target.place.region, &target.place.account);
            info!(image = %plan.image, region, account, reason = %step.reason, "not written");
        }
    }
}

fn failures(plan: &Plan) -> usize {
    plan.steps.iter().filter(|step| step.outcome.is_failure()).count()
}

/// Every step in one line.
fn outcomes(plan: &Plan) -> String {
    let line = |step: &Step| {
        let subject = match &step.action {
            Action::Write(target) | Action::Keep(target) => target.place.region.as_str(),
            Action::Announce { .. } => "announcement",
        };
        let outcome = match &step.outcome {
            Outcome::Planned => "not tried".to_owned(),
            Outcome::Done(_) => "done".to_owned(),
            Outcome::Skipped { because } => {
                format!("skipped ({})", because.clone().unwrap_or_else(|| step.reason.to_string()))
            }
            Outcome::Failed { error, .. } => format!("failed ({error})"),
        };
        format!("{subject}: {outcome}")
    };
    plan.steps.iter().map(line).collect::<Vec<_>>().join("; ")
}

impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&chain(self))
    }
}

impl From<Failed> for Diagnostic {
    fn from(failed: Failed) -> Self {
        let retryable = match &failed {
            Failed::Event(_) | Failed::Function(_) => false,
            Failed::Observe(error) => error.is_retryable(),
            Failed::Apply(plan) => {
                plan.steps.iter().any(|step| matches!(step.outcome, Outcome::Failed { retryable: true, .. }))
            }
        };
        let error_type = if retryable { "Retryable" } else { "Permanent" };
        Self { error_type: error_type.to_owned(), error_message: chain(&failed) }
    }
}
