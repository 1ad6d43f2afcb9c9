//! What a pipeline's recipe refers to, and what became of it.

use super::places::states;
use super::{Reader, Trouble};
use crate::facts::{AmiState, Pipeline, Reference, ReferenceState, Role};
use shared::error::{AwsError, chain};
use shared::inventory::{CallError, each};
use shared::resolve::{StandsFor, is_gone};
use std::collections::BTreeSet;

/// A recipe's parent as it is written there, and its components.
type Parts = (Option<String>, Vec<String>);

/// The parent first, then the components in the recipe's order.
///
/// # Errors
/// That the recipe couldn't be read.
pub(super) async fn of(reader: Reader<'_>, pipeline: &Pipeline) -> Result<Vec<Reference>, CallError> {
    let (parent, components) = recipe(reader, &pipeline.recipe).await?;
    let parent = parent.into_iter().map(|parent| (Role::Parent, parent));
    let all = parent.chain(components.into_iter().map(|component| (Role::Component, component)));
    let read = each(all, async |(role, reference)| {
        let state = state(reader, role, &reference).await;
        Reference { reference, role, state }
    });
    Ok(read.await)
}

/// imagebuilder:GetImageRecipe or GetContainerRecipe
///
/// # Errors
/// What the service answered.
pub(super) async fn recipe(reader: Reader<'_>, arn: &str) -> Result<Parts, CallError> {
    let client = &reader.clients.imagebuilder;
    let parts = if arn.contains(":container-recipe/") {
        let call = async || client.get_container_recipe().container_recipe_arn(arn).send().await;
        let answer = reader.calls.make("GetContainerRecipe", arn, call).await?;
        answer.container_recipe.map(|recipe| (recipe.parent_image, recipe.components))
    } else {
        let call = async || client.get_image_recipe().image_recipe_arn(arn).send().await;
        let answer = reader.calls.make("GetImageRecipe", arn, call).await?;
        answer.image_recipe.map(|recipe| (recipe.parent_image, recipe.components))
    };
    let lacks = || AwsError::unreadable("GetImageRecipe", arn, "the answer lacks the recipe");
    let (parent, components) = parts.ok_or_else(lacks)?;
    Ok((parent, components.unwrap_or_default().into_iter().map(|component| component.component_arn).collect()))
}

async fn state(reader: Reader<'_>, role: Role, reference: &str) -> ReferenceState {
    let resolver = reader.resolver();
    let resolved = match (role, reference.strip_prefix("ssm:")) {
        (Role::Component, _) => resolver.component(reference).await,
        (Role::Parent, Some(parameter)) => return of_parameter(reader, parameter).await,
        (Role::Parent, None) if reference.starts_with("ami-") => return of_ami(reader, reference).await,
        (Role::Parent, None) if reference.contains(":imagebuilder:") => resolver.image(reference).await,
        // A container of a registry, or a product of the Marketplace: nobody here tells what becomes of it.
        (Role::Parent, None) => return ReferenceState::Usable,
    };
    match resolved {
        Ok(StandsFor::Usable { deprecated: None, .. }) => ReferenceState::Usable,
        Ok(StandsFor::Usable { deprecated: Some(why), .. }) => ReferenceState::Deprecated(why),
        Ok(StandsFor::Unusable(why)) => ReferenceState::Gone(why),
        Err(error) if is_gone(&error) && role == Role::Parent => {
            ReferenceState::Gone("no build of it is AVAILABLE".to_owned())
        }
        Err(error) if is_gone(&error) => ReferenceState::Gone("it doesn't exist".to_owned()),
        Err(error) => ReferenceState::Unread(chain(&error)),
    }
}

/// ssm:GetParameter
async fn of_parameter(reader: Reader<'_>, name: &str) -> ReferenceState {
    let client = match reader.clients.ssm.at(&reader.function.account, &reader.function.region).await {
        Ok(client) => client,
        Err(error) => return ReferenceState::Unread(chain(&error)),
    };
    let call = async || client.get_parameter().name(name).send().await;
    match reader.calls.make("GetParameter", name, call).await.map(|answer| answer.parameter.and_then(|it| it.value)) {
        Ok(Some(value)) if value.starts_with("ami-") => of_ami(reader, &value).await,
        Ok(_) => ReferenceState::Gone("its value is no AMI ID".to_owned()),
        Err(error) if is_gone(&error) => ReferenceState::Gone("the parameter doesn't exist".to_owned()),
        Err(error) => ReferenceState::Unread(chain(&error)),
    }
}

async fn of_ami(reader: Reader<'_>, ami: &str) -> ReferenceState {
    let at = (reader.function.region.clone(), reader.function.account.clone());
    match states(reader, &at, BTreeSet::from([ami.to_owned()])).await.map(|mut states| states.remove(ami)) {
        Ok(Some(AmiState::Available)) => ReferenceState::Usable,
        Ok(Some(AmiState::Disabled)) => ReferenceState::Gone(format!("{ami} is disabled")),
        Ok(Some(AmiState::Other(state))) => ReferenceState::Gone(format!("{ami} is {state}")),
        Ok(Some(AmiState::Gone) | None) => ReferenceState::Gone(format!("there is no {ami}, or not for this account")),
        Err(Trouble { error, .. }) => ReferenceState::Unread(error),
    }
}
