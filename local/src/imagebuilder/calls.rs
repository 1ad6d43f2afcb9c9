//! The door to the handlers: what the model says of every operation is done here, once.

use super::{catalogue, component, configuration, image, list, pipeline, recipe, tags};
use crate::model::{self, Operation};
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::Value;

/// What an operation does; its input is validated.
type Handler = fn(&mut World, &Context, &Value) -> Result<Value, ApiError>;

fn handler(operation: &str) -> Option<Handler> {
    Some(match operation {
        "CancelImageCreation" => image::cancel_image_creation,
        "CreateComponent" => component::create,
        "CreateContainerRecipe" => recipe::create_container_recipe,
        "CreateDistributionConfiguration" => configuration::create_distribution,
        "CreateImage" => image::create_image,
        "CreateImagePipeline" => pipeline::create,
        "CreateImageRecipe" => recipe::create_image_recipe,
        "CreateInfrastructureConfiguration" => configuration::create_infrastructure,
        "DeleteComponent" => component::delete,
        "DeleteContainerRecipe" => recipe::delete_container_recipe,
        "DeleteDistributionConfiguration" => configuration::delete_distribution,
        "DeleteImage" => image::delete_image,
        "DeleteImagePipeline" => pipeline::delete,
        "DeleteImageRecipe" => recipe::delete_image_recipe,
        "DeleteInfrastructureConfiguration" => configuration::delete_infrastructure,
        "GetComponent" => component::get,
        "GetContainerRecipe" => recipe::get_container_recipe,
        "GetDistributionConfiguration" => configuration::get_distribution,
        "GetImage" => image::get_image,
        "GetImagePipeline" => pipeline::get,
        "GetImageRecipe" => recipe::get_image_recipe,
        "GetInfrastructureConfiguration" => configuration::get_infrastructure,
        "ListComponentBuildVersions" => list::component_build_versions,
        "ListComponents" => list::components,
        "ListContainerRecipes" => list::container_recipes,
        "ListDistributionConfigurations" => list::distribution_configurations,
        "ListImageBuildVersions" => image::list_image_build_versions,
        "ListImagePipelineImages" => image::list_image_pipeline_images,
        "ListImagePipelines" => list::pipelines,
        "ListImageRecipes" => list::image_recipes,
        "ListImages" => image::list_images,
        "ListInfrastructureConfigurations" => list::infrastructure_configurations,
        "ListTagsForResource" => tags::list,
        "StartImagePipelineExecution" => image::start_image_pipeline_execution,
        "TagResource" => tags::tag,
        "UntagResource" => tags::untag,
        "UpdateDistributionConfiguration" => configuration::update_distribution,
        "UpdateImagePipeline" => pipeline::update,
        "UpdateInfrastructureConfiguration" => configuration::update_infrastructure,
        _ => return None,
    })
}

/// One API call; `input` holds all members of the operation's input shape whatever their place on the wire.
///
/// # Errors
/// As Image Builder answers; `NotImplementedException`, 501, for an operation that isn't supported locally.
pub fn call(world: &mut World, context: &Context, name: &str, input: Value) -> Result<Value, ApiError> {
    let (Some(operation), Some(handler)) = (model::operation(name), handler(name)) else {
        return Err(unsupported(format!("{name} is not supported by the local Image Builder")));
    };
    let mut input = model::accepted(operation, input);
    let token = operation.idempotency_token();
    if let (Some(token), Value::Object(members)) = (token, &mut input) {
        members.entry(token).or_insert_with(|| world.fresh_uuid("client token").into());
    }
    model::validate(name, &input)?;
    // To read something of Amazon's is to use it.
    let read = match name {
        "GetComponent" => input.get("componentBuildVersionArn"),
        "GetImage" => input.get("imageBuildVersionArn"),
        _ => None,
    };
    if let Some(arn) = read.and_then(Value::as_str) {
        catalogue::ensure_reference(world, &context.region, arn);
    }
    if input.get("dryRun") == Some(&Value::Bool(true)) {
        return Err(tried(world, context, handler, &input));
    }
    let answer = match token {
        Some(token) => once(world, context, name, operation, handler, token, &input)?,
        None => handler(world, context, &input)?,
    };
    let answer = model::filtered(name, operation, &input, answer)?;
    model::paged(name, operation, &input, answer)
}

/// What the local Image Builder lacks.
pub(super) fn unsupported(message: impl Into<String>) -> ApiError {
    ApiError::new(501, "NotImplementedException", message)
}

/// Runs a call and takes everything back that it did. Always an error: that is how a dry run answers.
fn tried(world: &mut World, context: &Context, handler: Handler, input: &Value) -> ApiError {
    let (store, posted) = (world.imagebuilder.clone(), world.posted());
    let journal = std::mem::take(&mut world.journal);
    let result = handler(world, context, input);
    world.imagebuilder = store;
    world.journal = journal;
    world.retract_from(posted);
    result.err().unwrap_or_else(|| {
        model::error("DryRunOperationException", "The request would have succeeded, but the dryRun flag is set.")
    })
}

/// A token's first call is run and its answer kept; the same call again gets the same answer.
fn once(
    world: &mut World,
    context: &Context,
    name: &str,
    operation: &Operation,
    handler: Handler,
    token: &str,
    input: &Value,
) -> Result<Value, ApiError> {
    let mut parameters = input.clone();
    let removed = parameters.as_object_mut().and_then(|members| members.remove(token));
    parameters.sort_all_objects();
    let parameters = parameters.to_string();
    let value = removed.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
    let key = (context.account().to_owned(), context.region.clone(), name.to_owned(), value.clone());
    match world.imagebuilder.tokens.get(&key) {
        Some((before, answer)) if *before == parameters => return Ok(answer.clone()),
        Some(_) => {
            let message = format!("The client token '{value}' was used before, with other parameters.");
            return Err(model::error("IdempotentParameterMismatchException", message));
        }
        None => {}
    }
    let mut answer = handler(world, context, input)?;
    if let (Value::Object(members), true) = (&mut answer, operation.answers(token)) {
        members.insert(token.to_owned(), value.into());
    }
    world.imagebuilder.tokens.insert(key, (parameters, answer.clone()));
    Ok(answer)
}
