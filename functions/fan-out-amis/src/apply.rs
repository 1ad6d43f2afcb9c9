//! The calls that write. Each Region ends on its own: one that fails doesn't stop the others.

use crate::announcement::{Announcement, Place};
use crate::legacy::{ANNOUNCED, Action, Facts, Made, Plan, Published, Step, Target, Verdict, decide, owed};
use crate::observe::{AT_ONCE, history};
use crate::{Clients, Settings};
use aws_sdk_sns::types::MessageAttributeValue;
use aws_sdk_ssm::types::{ParameterTier, ParameterType};
use futures_util::{StreamExt, stream};
use lambda_runtime::tracing::{info, warn};
use shared::error::{AwsError, chain};
use shared::plan::Outcome;
use std::time::Duration;

/// Rounds until the newest build has to stand last. Each one more takes another writer in between.
const ROUNDS: usize = 5;

/// How long Parameter Store may take to validate a value, of which it says only that it takes seconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// An action that failed.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// A call failed.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// A version was made but never appeared: a value of type aws:ec2:image exists once it is validated.
    #[error(
        "version {version} of {parameter} in {region} never appeared: Parameter Store doesn't accept {ami} as an AMI \
         that this account can launch in {region}"
    )]
    Refused {
        /// The Region.
        region: String,
        /// The parameter.
        parameter: String,
        /// The AMI.
        ami: String,
        /// The version that PutParameter answered.
        version: i64,
    },
    /// Others write the same parameter all the time.
    #[error("{parameter} in {region} doesn't settle: others kept writing older builds to it")]
    Unsettled {
        /// The Region.
        region: String,
        /// The parameter.
        parameter: String,
    },
    /// The label wasn't taken.
    #[error("Parameter Store refused the label {ANNOUNCED} for {parameter} in {region}")]
    Label {
        /// The Region.
        region: String,
        /// The parameter.
        parameter: String,
    },
}

impl ApplyError {
    fn outcome(&self) -> Outcome<Made> {
        let retryable = match self {
            Self::Aws(error) => error.is_retryable(),
            Self::Refused { .. } | Self::Unsettled { .. } => true,
            Self::Label { .. } => false,
        };
        Outcome::Failed { error: chain(self), retryable }
    }
}

/// What was done, for the metrics.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Versions of parameters.
    pub written: usize,
    /// Messages.
    pub published: usize,
}

/// Carries a plan out and notes each outcome in it: first the Regions, side by side, then the announcement.
pub(crate) async fn apply(clients: &Clients, settings: &Settings, facts: &mut Facts, plan: &mut Plan) -> Counts {
    let mut counts = Counts::default();
    let known = &*facts;
    let regions = plan.steps.iter_mut().filter_map(|step| match &step.action {
        Action::Write(target) => Some((target.clone(), &mut step.outcome)),
        Action::Keep(_) | Action::Announce { .. } => None,
    });
    let regions: Vec<_> = stream::iter(regions)
        .map(|(target, outcome)| async move {
            let mut region = Writer { clients, target: &target, versions: Vec::new(), written: 0 };
            region.versions = known.histories.get(&target.place.region).cloned().unwrap_or_default();
            *outcome = region.settle(known).await.unwrap_or_else(|error| error.outcome());
            (region.written, region.versions, target.place.region)
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    for (written, versions, region) in regions {
        counts.written += written;
        facts.histories.insert(region, versions);
    }
    let failed = plan.steps.iter().any(|step| step.outcome.is_failure());
    let announce = plan.steps.iter_mut().find(|step| matches!(step.action, Action::Announce { .. }));
    if let Some(step) = announce {
        announce_step(clients, settings, facts, step, failed, &mut counts).await;
    }
    counts
}

async fn announce_step(
    clients: &Clients,
    settings: &Settings,
    facts: &Facts,
    step: &mut Step,
    failed: bool,
    counts: &mut Counts,
) {
    step.outcome = match owed(facts, settings) {
        _ if failed => Outcome::skipped("not every Region carries the build yet"),
        None => Outcome::skipped("a newer build was published meanwhile"),
        Some((announcement, remembers)) => {
            let family = &facts.image.arn.family;
            match publish(clients, settings, &announcement).await {
                Err(error) => error.outcome(),
                Ok(message_id) => {
                    counts.published += 1;
                    info!(image = %facts.image.arn, family, message_id, "announced");
                    match label(clients, &remembers).await {
                        Ok(()) => Outcome::Done(Made::Message { message_id }),
                        Err(error) => error.outcome(),
                    }
                }
            }
        }
    };
}

/// One Region's parameter while it is written.
struct Writer<'a> {
    clients: &'a Clients,
    target: &'a Target,
    versions: Vec<Published>,
    written: usize,
}

impl Writer<'_> {
    /// Writes until the newest build stands last. PutParameter has no compare-and-set: what others wrote in
    /// between shows in the history afterwards, and whoever wrote last sees it and puts it right.
    async fn settle(&mut self, facts: &Facts) -> Result<Outcome<Made>, ApplyError> {
        let Target { place, parameter, build: wanted } = self.target;
        let (region, own) = (&place.region, &facts.image.arn);
        // The target may be a newer build that has to stand last again; what is asked about is the image itself.
        let ami = facts.image.amis.iter().find(|ami| (&ami.region, &ami.account) == (region, &place.account));
        let ami = ami.map_or(place.id.clone(), |ami| ami.id.clone());
        let mut made = None;
        for _ in 0..ROUNDS {
            let (build, ami) = match decide(own, &ami, &self.versions) {
                Verdict::Write { build, ami, .. } => (build.to_string(), ami.to_owned()),
                Verdict::Stands(parameter_version) => return Ok(Outcome::Done(Made::Version { parameter_version })),
                Verdict::Older(newest) => {
                    return Ok(match made {
                        Some(parameter_version) if newest == wanted => {
                            Outcome::Done(Made::Version { parameter_version })
                        }
                        _ => Outcome::skipped(format!("{newest} was published meanwhile, and it is newer")),
                    });
                }
            };
            let before = self.versions.last().map_or(0, |last| last.version);
            let version = self.put(&build, &ami).await?;
            if version != before + 1 {
                warn!(image = build, region, parameter, version, before, "someone else wrote in between");
            }
            self.await_version(version, &ami).await?;
            made = Some(version);
            info!(image = build, region, parameter, version, ami, "written");
        }
        match decide(own, &ami, &self.versions) {
            Verdict::Stands(parameter_version) => Ok(Outcome::Done(Made::Version { parameter_version })),
            _ => Err(ApplyError::Unsettled { region: region.clone(), parameter: parameter.clone() }),
        }
    }

    /// ssm:PutParameter
    async fn put(&mut self, build: &str, ami: &str) -> Result<i64, AwsError> {
        let Target { place, parameter, .. } = self.target;
        let call = self.clients.ssm.in_region(&place.region).put_parameter();
        let call = call.name(parameter).value(ami).description(build).overwrite(true);
        let call = call.r#type(ParameterType::String).data_type("aws:ec2:image").tier(ParameterTier::Standard);
        let answer = call.send().await;
        let answer =
            answer.map_err(|error| AwsError::new("PutParameter", format!("{parameter} in {}", place.region), error))?;
        self.written += 1;
        Ok(answer.version)
    }

    /// Reads the history until it shows a version that was written.
    async fn await_version(&mut self, version: i64, ami: &str) -> Result<(), ApplyError> {
        let Target { place, parameter, .. } = self.target;
        for delay in delays() {
            self.versions = history(self.clients, &place.region, parameter).await?;
            if self.versions.iter().any(|published| published.version == version) {
                return Ok(());
            }
            tokio::time::sleep(delay).await;
        }
        let (region, parameter, ami) = (place.region.clone(), parameter.clone(), ami.to_owned());
        Err(ApplyError::Refused { region, parameter, ami, version })
    }
}

/// Pauses from a tenth of a second to a second, until patience ends.
fn delays() -> impl Iterator<Item = Duration> {
    let mut waited = Duration::ZERO;
    std::iter::successors(Some(Duration::from_millis(100)), |delay| Some((*delay * 3 / 2).min(Duration::from_secs(1))))
        .take_while(move |delay| {
            waited += *delay;
            waited <= PATIENCE
        })
}

/// sns:Publish
async fn publish(clients: &Clients, settings: &Settings, announcement: &Announcement) -> Result<String, ApplyError> {
    let topic = settings.topic.to_string();
    let message = serde_json::to_string(announcement).expect("text and numbers serialise");
    let mut call = clients.sns.in_region(&settings.topic.region).publish().topic_arn(&topic).message(message);
    for (name, value) in announcement.attributes() {
        let value = MessageAttributeValue::builder().data_type("String").string_value(value);
        let value = value.build().expect("the one required member, the data type, is set");
        call = call.message_attributes(name, value);
    }
    let answer = call.send().await.map_err(|error| AwsError::new("Publish", &topic, error))?;
    Ok(answer.message_id.unwrap_or_default())
}

/// ssm:LabelParameterVersion
async fn label(clients: &Clients, place: &Place) -> Result<(), ApplyError> {
    let Place { region, parameter, parameter_version, .. } = place;
    let call = clients.ssm.in_region(region).label_parameter_version();
    let call = call.name(parameter).parameter_version(*parameter_version).labels(ANNOUNCED);
    let mut delays = delays();
    loop {
        let answer = call.clone().send().await;
        match answer.map_err(|error| AwsError::new("LabelParameterVersion", format!("{parameter} in {region}"), error))
        {
            Ok(answer) if answer.invalid_labels().is_empty() => return Ok(()),
            Ok(_) => return Err(ApplyError::Label { region: region.clone(), parameter: parameter.clone() }),
            // Not every host of Parameter Store knows a version as soon as the first one does.
            Err(error) if error.code() == Some("ParameterVersionNotFound") => match delays.next() {
                Some(delay) => tokio::time::sleep(delay).await,
                None => return Err(error.into()),
            },
            Err(error) => return Err(error.into()),
        }
    }
}
