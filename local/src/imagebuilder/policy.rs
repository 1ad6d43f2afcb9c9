//! Resource policies: which other accounts see a component, an image or a recipe.
//!
//! In AWS a policy shows in listings once AWS RAM's PromoteResourceShareCreatedFromPolicy was called; here at once.

mod document;

use super::lookup::{own, text};
use super::store::Kind;
use crate::model::{bad_value, error};
use crate::wire::{ApiError, Context};
use crate::world::World;
use document::Grants;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What is kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Store {
    /// By the resource's ARN.
    policies: BTreeMap<String, Policy>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Policy {
    /// As it was put.
    text: String,
    grants: Grants,
}

impl Store {
    /// Whether a resource's policy lets an account read it.
    pub(super) fn lets_get(&self, account: &str, arn: &str) -> bool {
        self.policies.get(arn).is_some_and(|policy| policy.grants.get(account))
    }

    /// Whether a resource's policy lets an account list it.
    pub(super) fn lets_list(&self, account: &str, arn: &str) -> bool {
        self.policies.get(arn).is_some_and(|policy| policy.grants.list(account))
    }

    /// Whether a resource's policy lets another account than its owner's do anything.
    pub(super) fn lets_others(&self, owner: &str, arn: &str) -> bool {
        self.policies.get(arn).is_some_and(|policy| policy.grants.others(owner))
    }

    /// The ARNs of what policies let an account list, in their order.
    pub(super) fn shared_with(&self, account: &str) -> impl Iterator<Item = &str> {
        let lists = move |(_, policy): &(&String, &Policy)| policy.grants.list(account);
        self.policies.iter().filter(lists).map(|(arn, _)| arn.as_str())
    }

    /// A resource is gone, and its policy with it.
    pub(super) fn forget(&mut self, arn: &str) {
        self.policies.remove(arn);
    }
}

/// What can have a policy: its kind, the member that names it, and the two actions that a policy can allow.
struct Form {
    kind: Kind,
    arn: &'static str,
    get: &'static str,
    list: &'static str,
}

const COMPONENT: Form = Form {
    kind: Kind::Component,
    arn: "componentArn",
    get: "imagebuilder:GetComponent",
    list: "imagebuilder:ListComponents",
};

const IMAGE: Form =
    Form { kind: Kind::Image, arn: "imageArn", get: "imagebuilder:GetImage", list: "imagebuilder:ListImages" };

const IMAGE_RECIPE: Form = Form {
    kind: Kind::ImageRecipe,
    arn: "imageRecipeArn",
    get: "imagebuilder:GetImageRecipe",
    list: "imagebuilder:ListImageRecipes",
};

const CONTAINER_RECIPE: Form = Form {
    kind: Kind::ContainerRecipe,
    arn: "containerRecipeArn",
    get: "imagebuilder:GetContainerRecipe",
    list: "imagebuilder:ListContainerRecipes",
};

/// PutComponentPolicy.
pub(super) fn put_component_policy(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    put(world, context, input, &COMPONENT)
}

/// GetComponentPolicy.
pub(super) fn get_component_policy(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    get(world, context, input, &COMPONENT)
}

/// PutImagePolicy.
pub(super) fn put_image_policy(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    put(world, context, input, &IMAGE)
}

/// GetImagePolicy.
pub(super) fn get_image_policy(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    get(world, context, input, &IMAGE)
}

/// PutImageRecipePolicy.
pub(super) fn put_image_recipe_policy(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    put(world, context, input, &IMAGE_RECIPE)
}

/// GetImageRecipePolicy.
pub(super) fn get_image_recipe_policy(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    get(world, context, input, &IMAGE_RECIPE)
}

/// PutContainerRecipePolicy.
pub(super) fn put_container_recipe_policy(
    world: &mut World,
    context: &Context,
    input: &Value,
) -> Result<Value, ApiError> {
    put(world, context, input, &CONTAINER_RECIPE)
}

/// GetContainerRecipePolicy.
pub(super) fn get_container_recipe_policy(
    world: &mut World,
    context: &Context,
    input: &Value,
) -> Result<Value, ApiError> {
    get(world, context, input, &CONTAINER_RECIPE)
}

/// In the place of the policy that the resource had.
fn put(world: &mut World, context: &Context, input: &Value, form: &Form) -> Result<Value, ApiError> {
    let arn = text(input, form.arn);
    own(&world.imagebuilder, context, form.kind, arn)?;
    let policy = text(input, "policy");
    let grants = document::read(policy, arn, form.get, form.list).map_err(|refusal| match refusal {
        document::Refusal::Wrong(reason) => bad_value("policy", reason),
        document::Refusal::Unsupported(what) => super::calls::unsupported(what),
    })?;
    let policy = Policy { text: policy.to_owned(), grants };
    world.imagebuilder.policies.policies.insert(arn.to_owned(), policy);
    Ok(json!({form.arn: arn}))
}

fn get(world: &mut World, context: &Context, input: &Value, form: &Form) -> Result<Value, ApiError> {
    let arn = text(input, form.arn);
    own(&world.imagebuilder, context, form.kind, arn)?;
    let policy = world.imagebuilder.policies.policies.get(arn);
    let message = || format!("The resource '{arn}' does not have a resource policy.");
    let policy = policy.ok_or_else(|| error("ResourceNotFoundException", message()))?;
    Ok(json!({"policy": policy.text}))
}
