//! The calls that write. Each action is a few of them, in an order in which it can stop anywhere and be taken up again.

use crate::observe::{Ec2Place, Observer};
use crate::plan::{self, Action, At, Decision, Made, Shares};
use crate::settings::Settings;
use aws_sdk_imagebuilder::types::{
    ResourceState, ResourceStateUpdateIncludeResources as IncludeResources, ResourceStatus,
};
use chrono::{DateTime, SecondsFormat, Utc};
use lambda_runtime::tracing::info;
use shared::ec2::LaunchPermission;
use shared::error::chain;
use shared::image::{Ami, Status};
use shared::inventory::{CallError, Calls};
use shared::plan::Outcome;
use shared::token::client_token;
use std::collections::{BTreeMap, HashMap};

/// The clients that write, and what they may do.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    pub(crate) imagebuilder: &'a aws_sdk_imagebuilder::Client,
    pub(crate) observer: &'a Observer<'a>,
    pub(crate) calls: &'a Calls,
    pub(crate) settings: &'a Settings,
    pub(crate) now: DateTime<Utc>,
}

/// Why an action ended without being done.
enum Stop {
    /// There is nothing to do any more, and why.
    Needless(String),
    /// It was tried in vain.
    Failed(String, bool),
}

impl From<CallError> for Stop {
    fn from(error: CallError) -> Self {
        match error.code() {
            // Another execution of the image hasn't ended: a later run looks again.
            Some("ResourceInUseException") => Self::Needless(chain(&error)),
            _ if matches!(error, CallError::Late { .. }) => Self::Needless(chain(&error)),
            _ => Self::Failed(chain(&error), error.is_retryable()),
        }
    }
}

impl Writer<'_> {
    /// Carries out what is planned, what brings images back first. Each action ends on its own.
    pub(crate) async fn apply(&self, decisions: &mut [Decision]) {
        let order = |action: &Action| match action {
            Action::Restore { .. } => 0,
            Action::Deprecate { .. } => 1,
            Action::Disable { .. } => 2,
            Action::Delete => 3,
            Action::Keep => 4,
        };
        let mut planned: Vec<&mut Decision> = decisions.iter_mut().filter(|it| is_planned(it)).collect();
        planned.sort_by_key(|decision| order(&decision.step.action));
        let work = async |decision: &mut Decision| {
            let outcome = match self.carry_out(decision).await {
                Ok(made) => Outcome::Done(made),
                Err(Stop::Needless(because)) => Outcome::skipped(because),
                Err(Stop::Failed(error, retryable)) => Outcome::Failed { error, retryable },
            };
            let (image, action) = (decision.image.to_string(), decision.step.action.name());
            info!(image, action, outcome = ?outcome, "applied");
            decision.step.outcome = outcome;
        };
        use futures_util::stream::{self, StreamExt};
        stream::iter(planned).for_each_concurrent(self.settings.max_at_once, work).await;
    }

    async fn carry_out(&self, decision: &Decision) -> Result<Made, Stop> {
        let arn = decision.image.to_string();
        match &decision.step.action {
            Action::Keep => Ok(Made::default()),
            Action::Deprecate { tags } => {
                self.tag(&arn, tags).await?;
                self.update(&arn, ResourceStatus::Deprecated, tags.values().next(), false).await
            }
            Action::Disable { tags, untag } => {
                self.look_again(decision).await?;
                self.untag(&arn, untag).await?;
                self.tag(&arn, tags).await?;
                self.update(&arn, ResourceStatus::Disabled, tags.get(shared::tags::DISABLED_AT), false).await
            }
            Action::Delete => {
                let container = self.look_again(decision).await?;
                self.update(&arn, ResourceStatus::Deleted, Some(&self.stamp()), container).await
            }
            Action::Restore { from, shares, untag } => self.restore(&arn, from, shares, untag).await,
        }
    }

    /// Whether nothing has come to use an image since it was planned. Answers whether it is a container.
    async fn look_again(&self, decision: &Decision) -> Result<bool, Stop> {
        let fresh = self.observer.fresh(decision).await.map_err(Stop::Needless)?;
        let container = fresh.build.kind == shared::image::Kind::Docker;
        plan::recheck(decision, fresh, self.settings, self.now).map_err(|reasons| {
            let reasons = reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            Stop::Needless(format!("looked at again: {reasons}"))
        })?;
        Ok(container)
    }

    /// Back to AVAILABLE first. That takes Image Builder a while, and an AMI can be shared once it is enabled: the first
    /// run that finds the image AVAILABLE puts the shares back and removes the tags.
    async fn restore(
        &self,
        arn: &str,
        from: &Status,
        shares: &[(Ami, Shares)],
        untag: &[String],
    ) -> Result<Made, Stop> {
        if *from != Status::Available {
            return self.update(arn, ResourceStatus::Available, Some(&self.stamp()), false).await;
        }
        for (ami, shares) in shares.iter().filter(|(_, shares)| !shares.is_empty()) {
            self.share(ami, shares).await?;
        }
        self.untag(arn, untag).await?;
        Ok(Made::default())
    }

    /// The time of the run, by which its calls are told from those of another run: what ended in vain is tried anew.
    fn stamp(&self) -> String {
        self.now.to_rfc3339_opts(SecondsFormat::Secs, true)
    }

    /// imagebuilder:StartResourceStateUpdate. The same cause makes the same token, so that a repeated call is the same.
    async fn update(
        &self,
        arn: &str,
        status: ResourceStatus,
        cause: Option<&String>,
        container: bool,
    ) -> Result<Made, Stop> {
        let deletes = status == ResourceStatus::Deleted;
        let include = if container {
            IncludeResources::builder().containers(true).build()
        } else {
            IncludeResources::builder().amis(true).set_snapshots(deletes.then_some(true)).build()
        };
        let token = client_token(&[arn, status.as_str(), cause.map_or("", String::as_str)]);
        let call = async || {
            let call = self.imagebuilder.start_resource_state_update().resource_arn(arn);
            let call = call.state(ResourceState::builder().status(status.clone()).build());
            let call = call.execution_role(self.settings.execution_role.to_string());
            call.include_resources(include.clone()).client_token(&token).send().await
        };
        let answer = self.calls.make("StartResourceStateUpdate", arn, call).await?;
        Ok(Made { lifecycle_execution_id: answer.lifecycle_execution_id })
    }

    /// imagebuilder:TagResource
    async fn tag(&self, arn: &str, tags: &BTreeMap<String, String>) -> Result<(), Stop> {
        let tags: HashMap<_, _> = tags.clone().into_iter().collect();
        let call =
            async || self.imagebuilder.tag_resource().resource_arn(arn).set_tags(Some(tags.clone())).send().await;
        self.calls.make("TagResource", arn, call).await?;
        Ok(())
    }

    /// imagebuilder:UntagResource
    async fn untag(&self, arn: &str, keys: &[String]) -> Result<(), Stop> {
        if keys.is_empty() {
            return Ok(());
        }
        let call = async || {
            let call = self.imagebuilder.untag_resource().resource_arn(arn);
            call.set_tag_keys(Some(keys.to_vec())).send().await
        };
        self.calls.make("UntagResource", arn, call).await?;
        Ok(())
    }

    /// ec2:ModifyImageAttribute, where the AMI is.
    async fn share(&self, ami: &Ami, shares: &Shares) -> Result<(), Stop> {
        let accounts = shares.accounts.iter().cloned().map(LaunchPermission::UserId);
        let organizations = shares.organizations.iter().cloned().map(|arn| {
            if arn.contains(":ou/") {
                LaunchPermission::OrganizationalUnitArn(arn)
            } else {
                LaunchPermission::OrganizationArn(arn)
            }
        });
        let permissions: Vec<_> = accounts.chain(organizations).collect();
        let place = self.place(&At::of(ami)).await?;
        Ok(place.share(self.calls, &ami.id, &permissions).await?)
    }

    async fn place(&self, at: &At) -> Result<Ec2Place<'_>, Stop> {
        self.observer.place(at).await.map_err(|why| Stop::Failed(why, true))
    }

    /// Asks for reports of the use of AMIs in other accounts, for a later run to read. Answers what failed.
    pub(crate) async fn ask(&self, amis: &[Ami]) -> Vec<String> {
        let day = self.now.format("%F").to_string();
        let asked = shared::inventory::each(amis, async |ami| {
            let place = self.observer.place(&At::of(ami)).await?;
            let token = client_token(&["usage report", &ami.id, &day]);
            let asked = place.ask_for_report(self.calls, &ami.id, self.settings.launch_template_depth, token).await;
            asked.map_err(|error| chain(&error))
        });
        asked.await.into_iter().filter_map(Result::err).collect()
    }
}

/// Whether there is something to do.
fn is_planned(decision: &Decision) -> bool {
    decision.step.action != Action::Keep && decision.step.outcome == Outcome::Planned
}
