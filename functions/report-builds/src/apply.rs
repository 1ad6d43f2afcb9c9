//! The calls that write, one after the other in the plan's order: a report is published before it is remembered.

use crate::clients::{Clients, queue_url};
use crate::event::Answer;
use crate::facts::{Facts, Known};
use crate::message::Message;
use crate::plan::{self, Action, Made, Plan, Remember, Step};
use crate::settings::Settings;
use aws_sdk_imagebuilder::types::WorkflowStepActionType;
use aws_sdk_sns::types::MessageAttributeValue;
use lambda_runtime::tracing::{info, warn};
use shared::arn::{Arn, ImageBuildArn};
use shared::error::chain;
use shared::inventory::{CallError, Calls};
use shared::plan::Outcome;

/// Everything that writing needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writer<'a> {
    pub(crate) clients: &'a Clients,
    pub(crate) calls: &'a Calls,
    pub(crate) settings: &'a Settings,
}

/// Made nothing that has a name.
const NOTHING: Made = Made { message_id: None, unremembered: None };

impl Writer<'_> {
    /// Carries out the safe actions, plans anew if one of them didn't turn out as its reports say, and carries out the
    /// rest. The facts take in what happened.
    pub(crate) async fn apply_all(self, facts: &mut Facts, plan: &mut Plan) {
        let (mut safe, rest): (Vec<Step>, Vec<Step>) = std::mem::take(&mut plan.steps)
            .into_iter()
            .partition(|step| matches!(step.action, Action::Block { .. } | Action::Retry { .. }));
        plan.steps = rest;
        let mut surprised = false;
        for step in &mut safe {
            let done = self.carry_out(&step.action).await;
            // A build that is tried again is, whether or not the tag could be written.
            let retried = matches!(&done, Err(error) if error.operation() != "RetryImage");
            step.outcome = outcome(done);
            surprised |= take_in(facts, step, retried);
        }
        if surprised {
            *plan = plan::plan(facts, self.settings);
            // What was tried once isn't tried again here.
            plan.steps.retain(|step| !matches!(step.action, Action::Block { .. } | Action::Retry { .. }));
        }
        self.apply(plan).await;
        safe.append(&mut plan.steps);
        plan.steps = safe;
    }

    /// Carries out every step that is planned.
    pub(crate) async fn apply(self, plan: &mut Plan) {
        for step in &mut plan.steps {
            if step.outcome == Outcome::Planned {
                step.outcome = outcome(self.carry_out(&step.action).await);
            }
        }
    }

    async fn carry_out(self, action: &Action) -> Result<Made, CallError> {
        match action {
            Action::Report { message, remember, .. } => self.report(message, remember).await,
            Action::Count { remember, .. } | Action::Block { remember } => {
                self.remember(remember).await.map(|()| NOTHING)
            }
            Action::Retry { image, client_token, remember, .. } => self.retry(image, client_token, remember).await,
            Action::Answer { answer, image, step, comment, client_token } => {
                self.answer(*answer, image, step, comment.clone(), client_token).await
            }
        }
    }

    /// sns:Publish, then the tag. Where that is refused for good, trying again would only send the same once more.
    async fn report(self, message: &Message, remember: &Remember) -> Result<Made, CallError> {
        let topic = &self.settings.topic;
        let client = self.clients.sns.in_region(&topic.region);
        let topic = topic.to_string();
        let (body, structure) = message.published();
        let call = async || {
            let mut call = client.publish().topic_arn(&topic).subject(&message.subject).message(&body);
            call = call.set_message_structure(structure.map(str::to_owned));
            for (name, value) in &message.attributes {
                let value = MessageAttributeValue::builder().data_type("String").string_value(value);
                let value = value.build().expect("the one required member, the data type, is set");
                call = call.message_attributes(*name, value);
            }
            call.send().await
        };
        let message_id = self.calls.make("Publish", &topic, call).await?.message_id;
        info!(subject = message.subject, message_id, "reported");
        match self.remember(remember).await {
            Ok(()) => Ok(Made { message_id, unremembered: None }),
            Err(error) if error.is_retryable() => Err(error),
            Err(error) => {
                let error = chain(&error);
                warn!(resource = remember.resource, error, "reported, but not remembered: it will be reported again");
                Ok(Made { message_id, unremembered: Some(error) })
            }
        }
    }

    /// imagebuilder:RetryImage, then the tag.
    async fn retry(self, image: &ImageBuildArn, client_token: &str, remember: &Remember) -> Result<Made, CallError> {
        let (client, arn) = (&self.clients.imagebuilder, image.to_string());
        let call = async || client.retry_image().image_build_version_arn(&arn).client_token(client_token).send().await;
        self.calls.make("RetryImage", &arn, call).await?;
        info!(image = arn, "tried again");
        self.remember(remember).await?;
        Ok(NOTHING)
    }

    /// imagebuilder:SendWorkflowStepAction
    async fn answer(
        self,
        answer: Answer,
        image: &ImageBuildArn,
        step: &str,
        comment: Option<String>,
        client_token: &str,
    ) -> Result<Made, CallError> {
        let (client, arn) = (&self.clients.imagebuilder, image.to_string());
        let action = match answer {
            Answer::Resume => WorkflowStepActionType::Resume,
            Answer::Stop => WorkflowStepActionType::Stop,
        };
        let call = async || {
            let call = client.send_workflow_step_action().image_build_version_arn(&arn).step_execution_id(step);
            let call = call.action(action.clone()).set_reason(comment.clone()).client_token(client_token);
            call.send().await
        };
        self.calls.make("SendWorkflowStepAction", step, call).await?;
        info!(image = arn, step, action = action.as_str(), "answered");
        Ok(NOTHING)
    }

    /// Writes a tag, or removes it: of a queue by SQS, of anything else by Image Builder.
    async fn remember(self, remember: &Remember) -> Result<(), CallError> {
        let Remember { resource, tag, value } = remember;
        if let Some(queue) = resource.parse::<Arn>().ok().filter(|arn| arn.service == "sqs") {
            return self.remember_on_queue(&queue, tag, value.as_deref()).await;
        }
        let client = &self.clients.imagebuilder;
        match value {
            Some(value) => {
                let call = async || client.tag_resource().resource_arn(resource).tags(tag, value).send().await;
                self.calls.make("TagResource", resource, call).await.map(drop)
            }
            None => {
                let call = async || client.untag_resource().resource_arn(resource).tag_keys(tag).send().await;
                self.calls.make("UntagResource", resource, call).await.map(drop)
            }
        }
    }

    /// sqs:TagQueue or UntagQueue
    async fn remember_on_queue(self, queue: &Arn, tag: &str, value: Option<&str>) -> Result<(), CallError> {
        let client = self.clients.sqs.in_region(&queue.region);
        let (url, resource) = (queue_url(self.clients, self.calls, queue).await?, queue.to_string());
        match value {
            Some(value) => {
                let call = async || client.tag_queue().queue_url(&url).tags(tag, value).send().await;
                self.calls.make("TagQueue", &resource, call).await.map(drop)
            }
            None => {
                let call = async || client.untag_queue().queue_url(&url).tag_keys(tag).send().await;
                self.calls.make("UntagQueue", &resource, call).await.map(drop)
            }
        }
    }
}

fn outcome(done: Result<Made, CallError>) -> Outcome<Made> {
    match done {
        Ok(made) => Outcome::Done(made),
        Err(error) => Outcome::Failed { error: chain(&error), retryable: error.is_retryable() },
    }
}

/// What a safe action changed, for the facts; whether the reports that were planned with it don't hold any more.
/// `retried`: the build is tried again all the same, only the tag couldn't be written.
fn take_in(facts: &mut Facts, step: &mut Step, retried: bool) -> bool {
    let (Action::Block { remember } | Action::Retry { remember, .. }) = &step.action else { return false };
    let resource = remember.resource.clone();
    let (is_retry, build) = (matches!(step.action, Action::Retry { .. }), facts.builds.get_mut(&resource));
    match (&step.outcome, build) {
        (Outcome::Done(_), Some(Known::Is(build))) => {
            build.tags.extend(remember.value.clone().map(|value| (remember.tag.clone(), value)));
            false
        }
        // The reports say that it is tried again, and it is. That the tag is missing stands in the outcome.
        (Outcome::Failed { .. }, _) if is_retry && retried => false,
        (Outcome::Failed { error, retryable: false }, _) if is_retry => {
            warn!(image = resource, error, "can't be tried again");
            facts.retry_refused.insert(resource, error.clone());
            // People are told that it failed, so nothing is left to be done.
            step.outcome = Outcome::skipped(error.clone());
            true
        }
        (Outcome::Failed { error, retryable: false }, _) => {
            warn!(image = resource, error, "can't be kept from channels");
            facts.block_refused.insert(resource, error.clone());
            true
        }
        // Whether it is tried again, or kept from channels, isn't known, so nothing is said about it.
        (Outcome::Failed { error, retryable: true }, Some(build)) => {
            *build = Known::Unread(error.clone());
            true
        }
        _ => false,
    }
}
