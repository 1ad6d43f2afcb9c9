//! Starts Image Builder pipelines when there is a reason to, in the right order, once.
//!
//! A notification, a message about base images, a schedule or a command by hand says where to look; Image Builder is
//! asked what every pipeline was last built of and what its recipe stands for now. Where they differ, the pipeline is
//! started, parents before children, and running twice starts nothing the second time.

pub mod answer;
pub mod apply;
pub mod event;
pub mod graph;
pub mod inputs;
pub mod observe;
pub mod permissions;
pub mod plan;
mod settings;

pub use settings::Settings;

use answer::{Answer, Failed, Handled, Run};
use aws_config::SdkConfig;
use event::{Hint, Stray};
use lambda_runtime::tracing::{info, warn};
use lambda_runtime::{Context, LambdaEvent};
use observe::{Observed, Reader};
use serde_json::Value;
use shared::arn::Arn;
use shared::error::chain;
use shared::event::each_in_turn;
use shared::inventory::{AT_ONCE, Calls, share_of};
use shared::telemetry::count;

/// The function, ready for invocations.
#[derive(Debug)]
pub struct Function {
    imagebuilder: aws_sdk_imagebuilder::Client,
    ssm: aws_sdk_ssm::Client,
    settings: Settings,
}

impl Function {
    /// Makes the clients; nothing is called yet.
    pub fn new(config: &SdkConfig, settings: Settings) -> Self {
        let (imagebuilder, ssm) = (aws_sdk_imagebuilder::Client::new(config), aws_sdk_ssm::Client::new(config));
        Self { imagebuilder, ssm, settings }
    }

    /// One invocation. A topic's message that names no build is acknowledged, for trying again can't help. An event
    /// that can't be followed is an error, and so is an invocation in which the pipelines couldn't be listed or a start
    /// failed, for Lambda to try again. What else couldn't be read keeps pipelines from being started, and is left for
    /// the sweep.
    ///
    /// # Errors
    /// The first failure, after every message was tried.
    pub async fn handle(&self, event: LambdaEvent<Value>) -> Result<Answer, Failed> {
        let LambdaEvent { payload, context } = event;
        let function: Arn = context.invoked_function_arn.parse().map_err(Failed::Function)?;
        let follow = async |hint| Box::pin(self.follow(&function, &context, hint)).await;
        Ok(Answer::of(each_in_turn(event::hints(&payload)?, follow).await?))
    }

    async fn follow(&self, function: &Arn, context: &Context, hint: Result<Hint, Stray>) -> Result<Run, Failed> {
        let Hint { cause, time, message_id, dry_run } = match hint {
            Ok(hint) => hint,
            Err(Stray { message_id, why }) => {
                let reason = chain(&why);
                count("NotificationsIgnored", 1, None);
                warn!(message_id, reason, "message ignored");
                return Ok(Run::ignored(message_id, reason));
            }
        };
        // Three quarters of the time are for reading, so that what is planned can be applied.
        let calls = Calls::new(AT_ONCE, share_of(context.deadline, 3, 4));
        let Self { imagebuilder, ssm, settings } = self;
        let Arn { region, account, .. } = function;
        let reader = Reader { imagebuilder, ssm, calls: &calls, region, account };
        // A command that names no time is as unique as its invocation.
        let now = time.unwrap_or_else(|| context.request_id.clone());
        let told = cause.to_string();
        let mut plan = match observe::observe(&reader, cause, now, settings.max_attempts).await? {
            Observed::Facts(facts) => plan::plan(&facts, settings),
            Observed::Idle(idle) => {
                info!(cause = told, reason = %idle, "nothing to do");
                return Ok(Run { message_id, cause: Some(told), dry_run, calls: calls.made(), result: idle.into() });
            }
        };
        let writes = Calls::new(1, share_of(context.deadline, 9, 10));
        if !dry_run {
            apply::apply(imagebuilder, &writes, &mut plan).await;
        }
        let calls = calls.made() + writes.made();
        let handled = Handled::of(plan);
        handled.report(&told, dry_run, calls);
        if handled.has_failures() {
            Err(Failed::Apply(Box::new(handled)))
        } else {
            Ok(Run { message_id, cause: Some(told), dry_run, calls, result: handled })
        }
    }
}
