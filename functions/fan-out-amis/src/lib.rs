//! Publishes the AMI IDs of image builds where instances can be launched.
//!
//! A notification names a build; Image Builder is asked about it. If it is AVAILABLE, the parameter of its family gets a
//! new version in every Region and account of its distribution, and once all of them are validated, the build is
//! announced. What is published moves to newer builds only, unless a person says otherwise; the sweep does what was left
//! out, and running twice changes nothing the second time.

pub mod announcement;
pub mod answer;
mod apply;
mod clients;
pub mod event;
pub mod observe;
pub mod permissions;
pub mod plan;
mod settings;

pub use settings::{Channels, Rule, Settings, ShareTargets};

use answer::{Answer, Failed, Handled, Plans, Run};
use aws_config::SdkConfig;
use aws_sdk_ssm::primitives::DateTime;
use clients::{AT_ONCE, Clients};
use event::{Cause, Command, Hint, Stray};
use futures_util::{StreamExt, stream};
use lambda_runtime::tracing::warn;
use lambda_runtime::{Context, LambdaEvent};
use observe::{Listed, Reader, Subject};
use plan::{Family, Plan, Reason, Trouble};
use serde_json::Value;
use shared::arn::Arn;
use shared::error::chain;
use shared::event::each_in_turn;
use shared::inventory::{Calls, share_of};
use shared::telemetry::count;
use std::sync::OnceLock;

/// Families that the sweep works on at once: so many histories are in memory.
const FAMILIES_AT_ONCE: usize = 8;

/// The function, ready for invocations.
#[derive(Debug)]
pub struct Function {
    config: SdkConfig,
    settings: Settings,
    /// Made by the first invocation, which says what account the function is in.
    clients: OnceLock<Clients>,
}

/// What an invocation has to go by.
#[derive(Debug, Clone, Copy)]
struct Work<'a> {
    reader: Reader<'a>,
    /// Writes have a little more time than reads, so that what is planned can be carried out.
    writer: Reader<'a>,
    cause: &'a Cause,
    now: Option<DateTime>,
    dry_run: bool,
}

impl Function {
    /// Nothing is called yet.
    pub fn new(config: &SdkConfig, settings: Settings) -> Self {
        Self { config: config.clone(), settings, clients: OnceLock::new() }
    }

    /// One invocation. A message that isn't Image Builder's, names a build of another account or one that doesn't exist
    /// is acknowledged, for trying again can't help. For a notification, a fact that couldn't be read or an action that
    /// failed is an error, for Lambda to try again; the sweep comes again by itself, and a command's answer says what
    /// failed to whoever gave it.
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
        let Hint { cause, time: now, message_id, dry_run } = match hint {
            Ok(hint) => hint,
            Err(Stray { message_id, why }) => {
                let reason = chain(&why);
                count("NotificationsIgnored", 1, None);
                warn!(message_id, reason, "message ignored");
                return Ok(Run::ignored(message_id, reason));
            }
        };
        let clients = self.clients.get_or_init(|| Clients::new(&self.config, &self.settings, function));
        let reads = Calls::new(AT_ONCE, share_of(context.deadline, 3, 4));
        let writes = Calls::new(AT_ONCE, share_of(context.deadline, 9, 10));
        let reader = Reader { clients, calls: &reads, settings: &self.settings };
        let writer = Reader { calls: &writes, ..reader };
        let work = Work { reader, writer, cause: &cause, now, dry_run };
        let result = match &cause {
            Cause::Build(build) if (&build.account, &build.partition) != (&function.account, &function.partition) => {
                count("NotificationsIgnored", 1, None);
                let (family, image) = (build.family.clone(), Some(build.clone()));
                let plan = Plan { family, image, reason: Some(Reason::Foreign), steps: Vec::new() };
                Handled::Plans(Plans::of(vec![plan]))
            }
            Cause::Build(build) => {
                let subject = observe::build(reader, build).await?;
                Handled::Plans(Plans::of(vec![work.publish(subject).await]))
            }
            Cause::Sweep(patterns) => {
                let mut families = observe::families(reader, function, patterns).await?;
                // Which family comes first changes from sweep to sweep: if the time doesn't suffice, none is always last.
                let first = now.map_or(0, |now| now.secs() / 3600).rem_euclid(families.len().max(1) as i64);
                families.rotate_left(usize::try_from(first).unwrap_or(0));
                let families = stream::iter(families).map(|listed| work.sweep(listed));
                Handled::Plans(Plans::of_sweep(families.buffered(FAMILIES_AT_ONCE).collect().await))
            }
            Cause::Command(command) => {
                let subject = observe::family(reader, function, command).await?;
                match command {
                    Command::Show { .. } => {
                        let facts = observe::facts(reader, &cause, now, subject).await;
                        Handled::Shown { shown: Box::new(plan::show(&facts, &self.settings)) }
                    }
                    Command::Promote { .. } | Command::Rollback { .. } | Command::Release { .. } => {
                        Handled::Plans(Plans::of(vec![work.publish(subject).await]))
                    }
                }
            }
        };
        let (told, calls) = (cause.to_string(), reads.made() + writes.made());
        match result {
            Handled::Plans(plans) => {
                plans.report(&told, dry_run, calls);
                if matches!(cause, Cause::Build(_)) && plans.has_failures() {
                    return Err(Failed::Apply(Box::new(plans)));
                }
                Ok(Run { message_id, cause: Some(told), dry_run, calls, result: Handled::Plans(plans) })
            }
            result => Ok(Run { message_id, cause: Some(told), dry_run, calls, result }),
        }
    }
}

impl Work<'_> {
    /// Decides about a family and does it.
    async fn publish(self, subject: Subject) -> Plan {
        let settings = self.reader.settings;
        let since = subject.since;
        let mut facts = observe::facts(self.reader, self.cause, self.now, subject).await;
        let mut plan = plan::plan(&facts, settings);
        if !self.dry_run {
            let counts = apply::apply(self.writer, since, &mut facts, &mut plan).await;
            count("ParametersWritten", counts.written, Some(&plan.family));
            count("MessagesPublished", counts.announced, Some(&plan.family));
        }
        plan
    }

    /// A family of the sweep; on its own, so that one that can't be read doesn't stop the others.
    async fn sweep(self, listed: Listed) -> Result<Plan, (Family, Trouble)> {
        let family = listed.family.clone();
        match observe::newest(self.reader, listed).await {
            Ok(subject) => Ok(self.publish(subject).await),
            Err(error) => Err((family, Trouble::from(error))),
        }
    }
}
