//! The door to the handlers: what the model says of every operation is done here, once.

use super::tokens::{Known, Tokens};
use super::{
    analysis, arrival, catalogue, component, configuration, execution, image, import, lifecycle, list, marketplace,
    pipeline, policy, recipe, tags, workflow,
};
use crate::model::{self, Listing, Operation};
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::Value;

/// What an operation does; its input is validated.
type Handler = fn(&mut World, &Context, &Value) -> Result<Value, ApiError>;

fn handler(operation: &str) -> Option<Handler> {
    Some(match operation {
        "CancelImageCreation" => image::cancel_image_creation,
        "CancelLifecycleExecution" => lifecycle::cancel_lifecycle_execution,
        "CreateComponent" => component::create,
        "CreateContainerRecipe" => recipe::create_container_recipe,
        "CreateDistributionConfiguration" => configuration::create_distribution,
        "CreateImage" => image::create_image,
        "CreateImagePipeline" => pipeline::create,
        "CreateImageRecipe" => recipe::create_image_recipe,
        "CreateInfrastructureConfiguration" => configuration::create_infrastructure,
        "CreateLifecyclePolicy" => lifecycle::create_lifecycle_policy,
        "CreateWorkflow" => workflow::create_workflow,
        "DeleteComponent" => component::delete,
        "DeleteContainerRecipe" => recipe::delete_container_recipe,
        "DeleteDistributionConfiguration" => configuration::delete_distribution,
        "DeleteImage" => image::delete_image,
        "DeleteImagePipeline" => pipeline::delete,
        "DeleteImageRecipe" => recipe::delete_image_recipe,
        "DeleteInfrastructureConfiguration" => configuration::delete_infrastructure,
        "DeleteLifecyclePolicy" => lifecycle::delete_lifecycle_policy,
        "DeleteWorkflow" => workflow::delete_workflow,
        "DistributeImage" => arrival::distribute_image,
        "GetComponent" => component::get,
        "GetComponentPolicy" => policy::get_component_policy,
        "GetContainerRecipe" => recipe::get_container_recipe,
        "GetContainerRecipePolicy" => policy::get_container_recipe_policy,
        "GetDistributionConfiguration" => configuration::get_distribution,
        "GetImage" => image::get_image,
        "GetImagePipeline" => pipeline::get,
        "GetImagePolicy" => policy::get_image_policy,
        "GetImageRecipe" => recipe::get_image_recipe,
        "GetImageRecipePolicy" => policy::get_image_recipe_policy,
        "GetInfrastructureConfiguration" => configuration::get_infrastructure,
        "GetLifecycleExecution" => lifecycle::get_lifecycle_execution,
        "GetLifecyclePolicy" => lifecycle::get_lifecycle_policy,
        "GetMarketplaceResource" => marketplace::get_marketplace_resource,
        "GetWorkflow" => workflow::get_workflow,
        "GetWorkflowExecution" => execution::get_workflow_execution,
        "GetWorkflowStepExecution" => execution::get_workflow_step_execution,
        "ImportComponent" => import::import_component,
        "ImportDiskImage" => arrival::import_disk_image,
        "ImportVmImage" => arrival::import_vm_image,
        "ListTagsForResource" => tags::list,
        "PutComponentPolicy" => policy::put_component_policy,
        "PutContainerRecipePolicy" => policy::put_container_recipe_policy,
        "PutImagePolicy" => policy::put_image_policy,
        "PutImageRecipePolicy" => policy::put_image_recipe_policy,
        "RetryImage" => execution::retry_image,
        "SendWorkflowStepAction" => execution::send_workflow_step_action,
        "StartImagePipelineExecution" => image::start_image_pipeline_execution,
        "StartResourceStateUpdate" => lifecycle::start_resource_state_update,
        "TagResource" => tags::tag,
        "UntagResource" => tags::untag,
        "UpdateDistributionConfiguration" => configuration::update_distribution,
        "UpdateImagePipeline" => pipeline::update,
        "UpdateInfrastructureConfiguration" => configuration::update_infrastructure,
        "UpdateLifecyclePolicy" => lifecycle::update_lifecycle_policy,
        _ => return None,
    })
}

/// What a listing has; its input is validated. Filters and pages are the model engine's: the handler may
/// begin behind the key `after`, and needn't.
type Lister = for<'a> fn(&'a World, &Context, &Value, after: Option<&str>) -> Result<Listing<'a>, ApiError>;

fn lister(operation: &str) -> Option<Lister> {
    Some(match operation {
        "ListComponentBuildVersions" => list::component_build_versions,
        "ListComponents" => list::components,
        "ListContainerRecipes" => list::container_recipes,
        "ListDistributionConfigurations" => list::distribution_configurations,
        "ListImageBuildVersions" => image::list_image_build_versions,
        "ListImagePackages" => analysis::list_image_packages,
        "ListImagePipelineImages" => image::list_image_pipeline_images,
        "ListImagePipelines" => list::pipelines,
        "ListImageRecipes" => list::image_recipes,
        "ListImageScanFindingAggregations" => analysis::list_image_scan_finding_aggregations,
        "ListImageScanFindings" => analysis::list_image_scan_findings,
        "ListImages" => image::list_images,
        "ListInfrastructureConfigurations" => list::infrastructure_configurations,
        "ListLifecycleExecutionResources" => lifecycle::list_lifecycle_execution_resources,
        "ListLifecycleExecutions" => lifecycle::list_lifecycle_executions,
        "ListLifecyclePolicies" => lifecycle::list_lifecycle_policies,
        "ListWaitingWorkflowSteps" => execution::list_waiting_workflow_steps,
        "ListWorkflowBuildVersions" => workflow::list_workflow_build_versions,
        "ListWorkflowExecutions" => execution::list_workflow_executions,
        "ListWorkflowStepExecutions" => execution::list_workflow_step_executions,
        "ListWorkflows" => workflow::list_workflows,
        _ => return None,
    })
}

/// One API call; `input` holds all members of the operation's input shape whatever their place on the wire.
///
/// # Errors
/// As Image Builder answers; `NotImplementedException`, 501, for an operation that isn't supported locally.
pub fn call(world: &mut World, context: &Context, name: &str, input: Value) -> Result<Value, ApiError> {
    let Some(operation) = model::operation(name) else {
        return Err(unsupported(format!("{name} is not an operation of Image Builder")));
    };
    let mut input = model::accepted(operation, input);
    let token = operation.idempotency_token();
    if let (Some(token), Value::Object(members)) = (token, &mut input) {
        members.entry(token).or_insert_with(|| world.fresh_uuid("client token").into());
    }
    model::validate(name, &input)?;
    if let Some(lister) = lister(name) {
        let after = model::after(name, &input)?;
        let listing = lister(world, context, &input, after.as_deref())?;
        return checked(name, model::page(name, operation, &input, after.as_deref(), listing)?);
    }
    let Some(handler) = handler(name) else {
        return Err(unsupported(format!("{name} is not supported by the local Image Builder")));
    };
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
    checked(name, answer)
}

/// Holds an answer to the model, in debug builds: what doesn't fit is a fault of the local Image Builder.
fn checked(name: &str, answer: Value) -> Result<Value, ApiError> {
    if cfg!(debug_assertions) {
        model::conforms(name, &answer).map_err(|fault| {
            model::error("ServiceException", format!("{name} answers what its model refuses: {fault}"))
        })?;
    }
    Ok(answer)
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
    let value = removed.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
    let (key, digest) = Tokens::key([context.account(), &context.region, name, &value], parameters);
    match world.imagebuilder.tokens.known(world.now, &key, &digest) {
        Known::Same(answer) => return Ok(answer),
        Known::Other => {
            let message = format!("The client token '{value}' was used before, with other parameters.");
            return Err(model::error("IdempotentParameterMismatchException", message));
        }
        Known::No => {}
    }
    let mut answer = handler(world, context, input)?;
    if let (Value::Object(members), true) = (&mut answer, operation.answers(token)) {
        members.insert(token.to_owned(), value.into());
    }
    world.imagebuilder.tokens.keep(world.now, key, digest, &answer);
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_of_the_model_has_one_handler() {
        for (name, operation) in model::operations() {
            assert_eq!(lister(name).is_some(), operation.pagination.is_some(), "{name}");
            assert_ne!(lister(name).is_some(), handler(name).is_some(), "{name}");
        }
    }
}
