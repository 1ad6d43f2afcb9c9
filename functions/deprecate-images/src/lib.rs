//! Retires old images by policy: deprecated, then disabled, then deleted, never one in use, reversible until the last
//! step.
//!
//! A schedule or a command starts a run. It reads the account family by family, of EC2 only what a step needs to be
//! proven harmless; the plan says of every image what is done with it and why. In the mode `apply` the plan is carried
//! out by Image Builder itself, each image looked at once more right before it is disabled or deleted.

mod answer;
mod apply;
pub mod event;
mod observe;
pub mod permissions;
pub mod plan;
pub mod policy;
pub mod report;
mod resume;
mod settings;

pub use answer::{Answer, Failed};
pub use settings::{Mode, Settings};

use apply::Writer;
use aws_config::SdkConfig;
use chrono::{DateTime, Utc};
use event::Command;
use futures_util::stream::{self, StreamExt};
use lambda_runtime::tracing::warn;
use lambda_runtime::{Context, LambdaEvent};
use observe::{Observer, Reader};
use plan::{Account, Action, Decision, FamilyFacts, Plan, turns};
use report::Report;
use resume::Resume;
use serde_json::Value;
use shared::accounts::{Accounts, Everywhere};
use shared::arn::Arn;
use shared::ec2;
use shared::error::{AwsError, chain};
use shared::image::Ami;
use shared::inventory::{AT_ONCE, Calls, share_of};
use std::sync::OnceLock;
use tokio::time::Instant;

/// The function, ready for invocations.
#[derive(Debug)]
pub struct Function {
    config: SdkConfig,
    imagebuilder: aws_sdk_imagebuilder::Client,
    sns: aws_sdk_sns::Client,
    /// Clients in every account, made with the first invocation, which says which account is the own one.
    everywhere: OnceLock<Clients>,
    settings: Settings,
}

#[derive(Debug)]
struct Clients {
    ssm: Everywhere<aws_sdk_ssm::Client>,
    ec2: Everywhere<ec2::Client>,
}

/// What was read of a family.
enum Read {
    /// All of it.
    Whole(FamilyFacts),
    /// Its builds: there was no time for more, or the command isn't about it.
    Builds(FamilyFacts),
    /// Not even those.
    Nothing(String),
}

/// Decisions about images that stay: as many as an answer has room for, and how many more there are.
#[derive(Default)]
struct Settled {
    kept: Vec<Decision>,
    more: usize,
    /// Images that are taken back.
    restored: Vec<Decision>,
    /// AMIs of which a usage report is needed.
    ask: Vec<Ami>,
}

impl Function {
    /// Makes the clients; nothing is called yet.
    pub fn new(config: &SdkConfig, settings: Settings) -> Self {
        Self {
            config: config.clone(),
            imagebuilder: aws_sdk_imagebuilder::Client::new(config),
            sns: aws_sdk_sns::Client::new(config),
            everywhere: OnceLock::new(),
            settings,
        }
    }

    /// One invocation. An event that can't be followed is an error, and so is an invocation in which the images couldn't
    /// be listed or a step failed, for Lambda to try again: every step can be repeated. What else couldn't be read keeps
    /// images, and stands in the plan.
    ///
    /// # Errors
    /// The first failure, after every step was tried.
    pub async fn handle(&self, event: LambdaEvent<Value>) -> Result<Answer, Failed> {
        let LambdaEvent { payload, context } = event;
        let command = Command::read(&payload)?;
        let function: Arn = context.invoked_function_arn.parse().map_err(Failed::Function)?;
        let now = command.time.or_else(|| traced(&context)).ok_or(Failed::Time)?;
        // Two thirds of the time are for reading families as a whole. What the rest are made of has to be known too; then
        // there is time left to act.
        let (reads, writes) = (
            Calls::new(AT_ONCE, share_of(context.deadline, 8, 10)),
            Calls::new(AT_ONCE, share_of(context.deadline, 19, 20)),
        );
        let Clients { ssm, ec2 } = self.everywhere.get_or_init(|| self.clients(&function));
        let Arn { partition, region, account, .. } = &function;
        let imagebuilder = &self.imagebuilder;
        let reader = Reader { imagebuilder, ssm, ec2, calls: &reads, partition, account, region };
        let mut observer = Observer::begin(reader, &self.settings, now).await?;
        // A run of some families, or from one on that somebody names, isn't one of those that follow each other.
        let resume = match &self.settings.resume_parameter {
            Some(parameter) if command.is_whole() => Some(Resume::read(&reader, parameter).await),
            _ => None,
        };
        let from = command.from.as_deref().or(resume.as_ref().and_then(|it| it.from.as_deref()));
        let until = share_of(context.deadline, 2, 3);
        let (mut plan, mut settled) = self.plan(&observer, &command, from, now, until).await;
        plan.decisions.append(&mut settled.restored);
        let only_planned = match (command.dry_run, self.settings.mode) {
            (true, _) => Some("it was a dry run"),
            (false, Mode::Plan) => Some("the stack's Mode is plan"),
            (false, Mode::Apply) => None,
        };
        let mut asked = 0;
        if !command.dry_run {
            if let Some(resume) = &resume {
                resume.keep(&Reader { calls: &writes, ..reader }, plan.unreached.first()).await;
            }
            settled.ask.extend(plan.decisions.iter().flat_map(|decision| decision.ask.iter().cloned()));
            observer.go_on(&writes);
            let (imagebuilder, settings) = (&self.imagebuilder, &self.settings);
            let writer = Writer { imagebuilder, observer: &observer, calls: &writes, settings, now };
            if only_planned.is_none() {
                writer.apply(&mut plan.decisions).await;
            }
            let failed = writer.ask(&settled.ask).await;
            failed.iter().for_each(|error| warn!(error, "a usage report couldn't be asked for"));
            asked = settled.ask.len() - failed.len();
        }
        let sent = self.send(&Report { plan: &plan, only_planned }).await;
        let answer = Answer::of(plan, only_planned.map(str::to_owned), reads.made() + writes.made(), asked);
        answer.report();
        if answer.has_failures() {
            return Err(Failed::Apply(Box::new(answer)));
        }
        sent.map_err(Failed::Report)?;
        Ok(answer.with_settled(settled.kept, settled.more))
    }

    /// Decides on the whole account, some families at a time.
    async fn plan(
        &self,
        observer: &Observer<'_>,
        command: &Command,
        from: Option<&str>,
        now: DateTime<Utc>,
        until: Instant,
    ) -> (Plan, Settled) {
        let mut account = Account::new(&observer.account, &self.settings, now);
        let mut settled = Settled::default();
        let order = turns::order(observer.families(), from);
        let read = stream::iter(order).map(async |family| {
            let whole = command.includes(&family) && Instant::now() < until;
            let read = match whole {
                true => observer.family(&family).await.map(Read::Whole),
                false => observer.builds(&family).await.map(Read::Builds),
            };
            (family, read.unwrap_or_else(|error| Read::Nothing(chain(&error))))
        });
        let mut read = std::pin::pin!(read.buffered(AT_ONCE));
        while let Some((family, read)) = read.next().await {
            match read {
                Read::Whole(facts) => {
                    let decisions = account.add(&facts);
                    answer::log(&family, &decisions);
                    settled.extend(decisions);
                }
                Read::Builds(facts) => account.leave(&facts),
                Read::Nothing(why) => {
                    warn!(family, why, "the family's images couldn't be listed");
                    account.unread(&family, &why);
                }
            }
        }
        let plan = account.finish(command.approve.as_deref());
        for decisions in plan.decisions.chunk_by(|one, other| one.image.family == other.image.family) {
            answer::log(&decisions[0].image.family, decisions);
        }
        (plan, settled)
    }

    fn clients(&self, function: &Arn) -> Clients {
        let accounts = Accounts::new(&self.config, function, self.settings.target_role.clone());
        Clients {
            ssm: Everywhere::new(&accounts, aws_sdk_ssm::Client::new),
            ec2: Everywhere::new(&accounts, ec2::Client::new),
        }
    }

    /// sns:Publish
    async fn send(&self, report: &Report<'_>) -> Result<(), AwsError> {
        if !report.is_worth_sending() {
            return Ok(());
        }
        let topic = self.settings.reports.to_string();
        let call = self.sns.publish().topic_arn(&topic).subject(report.subject()).message(report.to_string());
        call.send().await.map(drop).map_err(|error| AwsError::new("Publish", &topic, error))
    }
}

impl Settled {
    fn extend(&mut self, decisions: Vec<Decision>) {
        for decision in decisions {
            self.ask.extend(decision.ask.iter().cloned());
            match decision.step.action {
                Action::Keep if self.kept.len() < Answer::SETTLED => self.kept.push(decision),
                Action::Keep => self.more += 1,
                _ => self.restored.push(decision),
            }
        }
    }
}

/// When the invocation was asked for, as its trace says: `Root=1-5759e988-bd862e3fe1be46a994272793` begins with seconds
/// since 1970, <https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-traceids>.
fn traced(context: &Context) -> Option<DateTime<Utc>> {
    let root = context.xray_trace_id.as_ref()?.split(';').find_map(|part| part.trim().strip_prefix("Root=1-"))?;
    let seconds = i64::from_str_radix(root.split('-').next()?, 16).ok()?;
    DateTime::from_timestamp(seconds, 0)
}
