//! Tells people what is wrong with an image, why, since when, and what to do: in one message, once.
//!
//! An event says where to look. What is wrong is read from Image Builder, EC2 and Parameter Store, never from the
//! message; what was said before stands in tags of the pipeline or the image.

pub mod answer;
mod apply;
pub mod cause;
mod clients;
pub mod event;
pub mod facts;
pub mod fixed;
pub mod message;
mod observe;
pub mod permissions;
pub mod plan;
pub mod remember;
mod settings;
pub mod transient;

pub use observe::Trouble;
pub use settings::{ChatFormat, Settings};

use answer::{Answer, Failed, Handled, Run};
use apply::Writer;
use aws_config::SdkConfig;
use chrono::{DateTime, Utc};
use clients::{AT_ONCE, Clients};
use event::{Hint, Stray, Subject};
use facts::Known;
use lambda_runtime::tracing::{info, warn};
use lambda_runtime::{Context, LambdaEvent};
use observe::{Observed, Reader};
use plan::Plan;
use serde_json::Value;
use shared::arn::Arn;
use shared::error::chain;
use shared::event::each_in_turn;
use shared::inventory::{Calls, share_of};
use shared::telemetry::{count, level};
use std::sync::OnceLock;

/// The function, ready for invocations.
#[derive(Debug)]
pub struct Function {
    config: SdkConfig,
    settings: Settings,
    /// Made by the first invocation, which says what account the function is in.
    clients: OnceLock<Clients>,
}

impl Function {
    /// Nothing is called yet.
    pub fn new(config: &SdkConfig, settings: Settings) -> Self {
        Self { config: config.clone(), settings, clients: OnceLock::new() }
    }

    /// One invocation. A message that isn't Image Builder's, and an event about what isn't there or elsewhere, is
    /// acknowledged, for trying again can't help. If something couldn't be read that may hide what has to be told, or an
    /// action failed, the invocation fails after everything else was done, for Lambda to try again: what was told
    /// is remembered.
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
        let Hint { subject, time, id, dry_run } = match hint {
            Ok(hint) => hint,
            Err(Stray { id, why }) => {
                let reason = chain(&why);
                count("NotificationsIgnored", 1, None);
                warn!(id, reason, "message ignored");
                return Ok(Run::ignored(id, None, reason));
            }
        };
        let cause = subject.to_string();
        let clients = self.clients.get_or_init(|| Clients::new(&self.config, &self.settings, function));
        // Three quarters of the time are for reading, so that what is planned can be carried out.
        let (reads, writes) = (
            Calls::new(AT_ONCE, share_of(context.deadline, 3, 4)),
            Calls::new(AT_ONCE, share_of(context.deadline, 9, 10)),
        );
        let reader = Reader { clients, calls: &reads, settings: &self.settings, function };
        let writer = Writer { clients, calls: &writes, settings: &self.settings };
        let (plan, unread) = match &subject {
            Subject::Answer { answer, image, step, reason } => {
                let waiting = match observe::waiting(reader, Some(image)).await {
                    Ok(mut waiting) => Known::Is(waiting.remove(&image.to_string()).unwrap_or_default()),
                    Err(error) => Known::Unread(chain(&error)),
                };
                let mut plan = plan::answer(*answer, image, step, reason.as_deref(), &waiting);
                if !dry_run {
                    writer.apply(&mut plan).await;
                }
                (plan, Vec::new())
            }
            _ => match observe::observe(reader, &subject, time.unwrap_or(DateTime::<Utc>::UNIX_EPOCH)).await {
                Ok(Ok(observed)) => {
                    if matches!(subject, Subject::Sweep) && !dry_run {
                        level("StaleFamilies", plan::stale_families(&observed.facts, &self.settings));
                    }
                    self.report(writer, observed, dry_run).await
                }
                Ok(Err(idle)) => {
                    info!(cause, reason = %idle, "nothing to tell");
                    return Ok(Run::ignored(id, Some(cause), idle.to_string()));
                }
                Err(trouble) => return Err(Failed::Observe(trouble)),
            },
        };
        let handled = Handled::of(plan, unread);
        let calls = reads.made() + writes.made();
        handled.report(&cause, dry_run, calls);
        if handled.has_to_be_tried_again() {
            return Err(Failed::Apply(Box::new(handled)));
        }
        Ok(Run { id, cause: Some(cause), dry_run, calls, result: handled })
    }

    /// Decides what is said and done, and says and does it.
    async fn report(&self, writer: Writer<'_>, observed: Observed, dry_run: bool) -> (Plan, Vec<Trouble>) {
        let Observed { mut facts, unread } = observed;
        let mut plan = plan::plan(&facts, &self.settings);
        if !dry_run {
            writer.apply_all(&mut facts, &mut plan).await;
        }
        (plan, unread)
    }
}

#[cfg(test)]
mod fixtures;
