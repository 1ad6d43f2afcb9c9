//! What a recipe's references stand for: the image or the component that a build would be made of now.

use crate::arn::VersionedArn;
use crate::error::AwsError;
use crate::inventory::{CallError, Calls};
use aws_sdk_imagebuilder::types::{self, ComponentStatus, Filter, Ownership};

/// The most that a page of a listing holds.
const PAGE: i32 = 25;

/// Asks Image Builder what references stand for.
#[derive(Debug, Clone, Copy)]
pub struct Resolver<'a> {
    /// In the Region of the recipe.
    pub imagebuilder: &'a aws_sdk_imagebuilder::Client,
    /// The calls that may be made.
    pub calls: &'a Calls,
    /// The account that calls, 12 digits.
    pub account: &'a str,
}

/// What a reference stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StandsFor {
    /// A build can be made of it.
    Usable {
        /// The build version, or the AMI.
        to: String,
        /// Of what is DEPRECATED, why, in its owner's words, perhaps none: builds of it can still be made.
        deprecated: Option<String>,
    },
    /// It is there, and no build can be made of it, for this reason.
    Unusable(String),
}

/// Whether a service says that there is no such thing.
pub fn is_gone(error: &CallError) -> bool {
    let codes = ["ResourceNotFoundException", "ParameterNotFound", "ParameterVersionNotFound"];
    error.code().is_some_and(|code| codes.contains(&code))
}

impl Resolver<'_> {
    /// imagebuilder:GetImage: the build that a parent stands for. One that isn't AVAILABLE fails the build, so it is as
    /// good as gone.
    ///
    /// # Errors
    /// What the service answered: [`is_gone`] tells whether there is no such image.
    pub async fn image(&self, reference: &str) -> Result<StandsFor, CallError> {
        let call = async || self.imagebuilder.get_image().image_build_version_arn(reference).send().await;
        let image = self.calls.make("GetImage", reference, call).await?.image;
        let status = image.as_ref().and_then(|image| image.state.as_ref()?.status.as_ref());
        let arn = image.as_ref().and_then(|image| image.arn.clone());
        match (arn, status) {
            (Some(to), Some(types::ImageStatus::Available)) => Ok(StandsFor::Usable { to, deprecated: None }),
            (Some(to), Some(status)) => Ok(StandsFor::Unusable(format!("{to} is {status}"))),
            _ => {
                Err(AwsError::unreadable("GetImage", reference, "the answer lacks the image's ARN or its status")
                    .into())
            }
        }
    }

    /// imagebuilder:GetComponent. A wildcard selects the latest version, DISABLED or not; a build takes the latest that
    /// isn't.
    ///
    /// # Errors
    /// What the service answered: [`is_gone`] tells whether there is no such component.
    pub async fn component(&self, reference: &str) -> Result<StandsFor, CallError> {
        let mut component = self.component_build(reference).await?;
        let wildcard = reference.parse::<VersionedArn>().ok().filter(|arn| arn.version.exact().is_none());
        if let Some(wanted) = wildcard.filter(|_| is_disabled(&component)) {
            let Some(other) = self.enabled_version(&wanted, component.name.as_deref()).await? else {
                return Ok(StandsFor::Unusable("every version of it is DISABLED".to_owned()));
            };
            component = self.component_build(&other).await?;
        }
        let disabled = is_disabled(&component);
        let Some(to) = component.arn else {
            return Err(AwsError::unreadable("GetComponent", reference, "the answer lacks the component's ARN").into());
        };
        if disabled {
            return Ok(StandsFor::Unusable(format!("{to} is DISABLED")));
        }
        let state = component.state.filter(|state| state.status == Some(ComponentStatus::Deprecated));
        let deprecated = state.map(|state| state.reason.unwrap_or_default());
        Ok(StandsFor::Usable { to, deprecated })
    }

    async fn component_build(&self, reference: &str) -> Result<types::Component, CallError> {
        let call = async || self.imagebuilder.get_component().component_build_version_arn(reference).send().await;
        let component = self.calls.make("GetComponent", reference, call).await?.component;
        component
            .ok_or_else(|| AwsError::unreadable("GetComponent", reference, "the answer lacks the component").into())
    }

    /// imagebuilder:ListComponents: the latest version that a wildcard selects and that isn't DISABLED.
    async fn enabled_version(&self, wanted: &VersionedArn, name: Option<&str>) -> Result<Option<String>, CallError> {
        let owner = match wanted.arn.account.as_str() {
            "aws" => Ownership::Amazon,
            account if account == self.account => Ownership::SelfValue,
            _ => Ownership::Shared,
        };
        let filter = Filter::builder().name("name").values(name.unwrap_or(&wanted.name)).build();
        let page = async |token| {
            let call = self.imagebuilder.list_components().owner(owner.clone()).filters(filter.clone());
            let answer = call.max_results(PAGE).set_next_token(token).send().await?;
            Ok((answer.component_version_list, answer.next_token))
        };
        let listed = self.calls.list("ListComponents", &wanted.name, page).await?;
        let enabled = listed.into_iter().filter(|version| version.status != Some(ComponentStatus::Disabled));
        let fitting = enabled.filter_map(|version| {
            let arn: VersionedArn = version.arn.as_ref()?.parse().ok()?;
            let exact = arn.version.exact().filter(|exact| wanted.version.matches(*exact))?;
            (arn.name == wanted.name && arn.arn.account == wanted.arn.account).then_some((exact, version.arn?))
        });
        Ok(fitting.max().map(|(_, arn)| arn))
    }
}

fn is_disabled(component: &types::Component) -> bool {
    component.state.as_ref().and_then(|state| state.status.as_ref()) == Some(&ComponentStatus::Disabled)
}
