//! Infrastructure and distribution configurations.

mod distribution;
mod infrastructure;

use super::lookup::{Identity, draft, exists, find, keep, needed, own, text};
use super::store::Kind;
use crate::clock::iso_millis;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::{Map, Value, json};

/// How the two kinds differ on the wire.
struct Form {
    kind: Kind,
    shape: &'static str,
    member: &'static str,
    arn: &'static str,
}

const INFRASTRUCTURE: Form = Form {
    kind: Kind::InfrastructureConfiguration,
    shape: "InfrastructureConfiguration",
    member: "infrastructureConfiguration",
    arn: "infrastructureConfigurationArn",
};

const DISTRIBUTION: Form = Form {
    kind: Kind::DistributionConfiguration,
    shape: "DistributionConfiguration",
    member: "distributionConfiguration",
    arn: "distributionConfigurationArn",
};

/// A member that every distribution configuration answers and nothing uses.
const DISTRIBUTION_TIMEOUT_MINUTES: u32 = 720;

/// CreateInfrastructureConfiguration.
pub(super) fn create_infrastructure(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    infrastructure::check(input)?;
    create(world, context, input, &INFRASTRUCTURE)
}

/// CreateDistributionConfiguration.
pub(super) fn create_distribution(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    distribution::check(input)?;
    create(world, context, input, &DISTRIBUTION)
}

/// GetInfrastructureConfiguration.
pub(super) fn get_infrastructure(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    get(world, context, input, &INFRASTRUCTURE)
}

/// GetDistributionConfiguration.
pub(super) fn get_distribution(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    get(world, context, input, &DISTRIBUTION)
}

/// UpdateInfrastructureConfiguration: what is left out is gone or takes its default.
pub(super) fn update_infrastructure(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    infrastructure::check(input)?;
    update(world, context, input, &INFRASTRUCTURE)
}

/// UpdateDistributionConfiguration: what is left out is gone.
pub(super) fn update_distribution(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    distribution::check(input)?;
    update(world, context, input, &DISTRIBUTION)
}

/// DeleteInfrastructureConfiguration: refused while a pipeline has it.
pub(super) fn delete_infrastructure(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    delete(world, context, input, &INFRASTRUCTURE)
}

/// DeleteDistributionConfiguration: refused while a pipeline has it.
pub(super) fn delete_distribution(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    delete(world, context, input, &DISTRIBUTION)
}

fn create(world: &mut World, context: &Context, input: &Value, form: &Form) -> Result<Value, ApiError> {
    let identity = Identity::plain(form.kind, text(input, "name"));
    let arn = identity.arn(context);
    if world.imagebuilder.get(&arn).is_some() {
        return Err(exists(form.shape, &arn));
    }
    let mut document = draft(world, form.shape, input);
    complete(&mut document, form);
    Ok(json!({form.arn: keep(world, context, identity, document)}))
}

fn complete(document: &mut Map<String, Value>, form: &Form) {
    if form.kind == Kind::DistributionConfiguration {
        document.insert("timeoutMinutes".to_owned(), DISTRIBUTION_TIMEOUT_MINUTES.into());
    } else {
        document.entry("terminateInstanceOnFailure").or_insert(Value::Bool(true));
    }
}

fn get(world: &World, context: &Context, input: &Value, form: &Form) -> Result<Value, ApiError> {
    let found = find(&world.imagebuilder, context, form.kind, text(input, form.arn))?;
    Ok(json!({form.member: found.document}))
}

fn update(world: &mut World, context: &Context, input: &Value, form: &Form) -> Result<Value, ApiError> {
    let arn = text(input, form.arn);
    let mut document = draft(world, form.shape, input);
    complete(&mut document, form);
    document.insert("dateUpdated".to_owned(), iso_millis(world.now).into());
    replace(world, context, form.kind, arn, document, &["arn", "name", "dateCreated", "tags"])?;
    Ok(json!({form.arn: arn}))
}

/// Puts a new document in the place of the old one, of which only the members in `kept` stay.
pub(super) fn replace(
    world: &mut World,
    context: &Context,
    kind: Kind,
    arn: &str,
    mut document: Map<String, Value>,
    kept: &[&str],
) -> Result<(), ApiError> {
    own(&world.imagebuilder, context, kind, arn)?;
    if let Some(resource) = world.imagebuilder.get_mut(arn) {
        for member in kept {
            match resource.document.get(member) {
                Some(value) => document.insert((*member).to_owned(), value.clone()),
                None => document.remove(*member),
            };
        }
        resource.document = document.into();
    }
    Ok(())
}

fn delete(world: &mut World, context: &Context, input: &Value, form: &Form) -> Result<Value, ApiError> {
    let arn = text(input, form.arn);
    let store = &world.imagebuilder;
    own(store, context, form.kind, arn)?;
    let pipelines = store.of_kind(Kind::Pipeline, &context.region, Some(context.account()));
    if pipelines.iter().any(|pipeline| pipeline.text(form.arn) == Some(arn)) {
        return Err(needed(arn));
    }
    world.imagebuilder.remove(arn);
    Ok(json!({form.arn: arn}))
}
