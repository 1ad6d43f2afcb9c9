//! The services that the function calls, in every account and Region.

use crate::plan::{Place, Trouble};
use crate::settings::Settings;
use aws_config::SdkConfig;
use shared::accounts::{AccountError, Accounts, Everywhere};
use shared::arn::Arn;
use shared::clients::Regional;
use shared::error::chain;
use shared::inventory::CallError;

/// Calls that are under way at once: fifty places are read and written in a few rounds.
pub(crate) const AT_ONCE: usize = 32;

/// The clients, with the credentials that they need.
#[derive(Debug)]
pub(crate) struct Clients {
    pub(crate) imagebuilder: Regional<aws_sdk_imagebuilder::Client>,
    pub(crate) sns: Regional<aws_sdk_sns::Client>,
    /// In the function's own Region.
    pub(crate) events: aws_sdk_eventbridge::Client,
    ssm: Everywhere<aws_sdk_ssm::Client>,
    ec2: Everywhere<shared::ec2::Client>,
}

impl Clients {
    /// For the function with this ARN; nothing is called yet.
    pub(crate) fn new(config: &SdkConfig, settings: &Settings, function: &Arn) -> Self {
        let accounts = Accounts::new(config, function, settings.target_role.clone());
        Self {
            imagebuilder: Regional::new(config, aws_sdk_imagebuilder::Client::new),
            sns: Regional::new(config, aws_sdk_sns::Client::new),
            events: aws_sdk_eventbridge::Client::new(config),
            ssm: Everywhere::new(&accounts, aws_sdk_ssm::Client::new),
            ec2: Everywhere::new(&accounts, shared::ec2::Client::new),
        }
    }

    /// Parameter Store in a place.
    pub(crate) async fn ssm(&self, place: &Place) -> Result<aws_sdk_ssm::Client, Trouble> {
        Ok(self.ssm.at(&place.account, &place.region).await?)
    }

    /// EC2 in a place.
    pub(crate) async fn ec2(&self, place: &Place) -> Result<shared::ec2::Client, Trouble> {
        Ok(self.ec2.at(&place.account, &place.region).await?)
    }
}

impl From<AccountError> for Trouble {
    fn from(error: AccountError) -> Self {
        Self { error: chain(&error), retryable: error.is_retryable() }
    }
}

impl From<CallError> for Trouble {
    fn from(error: CallError) -> Self {
        Self { error: chain(&error), retryable: error.is_retryable() }
    }
}
