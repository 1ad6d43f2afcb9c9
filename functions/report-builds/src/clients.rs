//! The services that the function calls.

use crate::settings::Settings;
use aws_config::SdkConfig;
use shared::accounts::{Accounts, Everywhere};
use shared::arn::Arn;
use shared::clients::Regional;
use shared::error::AwsError;
use shared::inventory::{CallError, Calls};

/// Calls that are under way at once.
pub(crate) const AT_ONCE: usize = 16;

/// The clients: of Image Builder in the function's own Region, where its pipelines are; of Parameter Store and EC2
/// wherever something is published.
#[derive(Debug)]
pub(crate) struct Clients {
    pub(crate) imagebuilder: aws_sdk_imagebuilder::Client,
    pub(crate) sns: Regional<aws_sdk_sns::Client>,
    pub(crate) sqs: Regional<aws_sdk_sqs::Client>,
    pub(crate) ssm: Everywhere<aws_sdk_ssm::Client>,
    pub(crate) ec2: Everywhere<shared::ec2::Client>,
}

impl Clients {
    /// For the function with this ARN; nothing is called yet.
    pub(crate) fn new(config: &SdkConfig, settings: &Settings, function: &Arn) -> Self {
        let accounts = Accounts::new(config, function, settings.target_role.clone());
        Self {
            imagebuilder: aws_sdk_imagebuilder::Client::new(config),
            sns: Regional::new(config, aws_sdk_sns::Client::new),
            sqs: Regional::new(config, aws_sdk_sqs::Client::new),
            ssm: Everywhere::new(&accounts, aws_sdk_ssm::Client::new),
            ec2: Everywhere::new(&accounts, shared::ec2::Client::new),
        }
    }
}

/// sqs:GetQueueUrl: an ARN doesn't tell the domain.
///
/// # Errors
/// What the service answered.
pub(crate) async fn queue_url(clients: &Clients, calls: &Calls, arn: &Arn) -> Result<String, CallError> {
    let client = clients.sqs.in_region(&arn.region);
    let (name, account) = (&arn.resource, &arn.account);
    let call = async || client.get_queue_url().queue_name(name).queue_owner_aws_account_id(account).send().await;
    let answer = calls.make("GetQueueUrl", &arn.to_string(), call).await?;
    let lacks = || AwsError::unreadable("GetQueueUrl", arn.to_string(), "the answer lacks the URL");
    answer.queue_url.ok_or_else(|| lacks().into())
}
