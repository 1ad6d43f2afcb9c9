//! Parameter Store.
//!
//! A value of data type `aws:ec2:image` isn't there when PutParameter answers: it is validated some seconds
//! later, and until then, or for good if it is refused, readers get the former version.

mod label;
mod put;
mod read;
mod search;
mod store;
mod tags;
mod validate;

pub use put::{Put, refusal};
pub(crate) use read::value;
pub use store::{Published, Store, published};

use crate::events;
use crate::wire::{ApiError, Context};
use crate::world::{self, World};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Key, Version};

/// What Parameter Store causes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Event {
    /// The validation of an `aws:ec2:image` value ends.
    Validate {
        /// The Region.
        region: String,
        /// 12 digits.
        account: String,
        /// The parameter.
        name: String,
        /// The version that PutParameter answered.
        version: i64,
        /// The invocation that wrote it.
        invocation: Option<String>,
    },
    /// Image Builder puts an AMI's ID.
    Put(Put),
}

/// One API call; input and answer are the bodies of awsJson.
///
/// # Errors
/// As Parameter Store answers.
pub fn call(world: &mut World, context: &Context, operation: &str, input: Value) -> Result<Value, ApiError> {
    let call = Call { world, context, input: &input };
    match operation {
        "PutParameter" => put::put_parameter(call),
        "GetParameter" => read::get_parameter(call),
        "GetParameters" => read::get_parameters(call),
        "GetParameterHistory" => read::get_parameter_history(call),
        "GetParametersByPath" => search::get_parameters_by_path(call),
        "DescribeParameters" => search::describe_parameters(call),
        "LabelParameterVersion" => label::label_parameter_version(call),
        "UnlabelParameterVersion" => label::unlabel_parameter_version(call),
        "DeleteParameter" => put::delete_parameter(call),
        "DeleteParameters" => put::delete_parameters(call),
        "AddTagsToResource" => tags::add_tags_to_resource(call),
        "RemoveTagsFromResource" => tags::remove_tags_from_resource(call),
        "ListTagsForResource" => tags::list_tags_for_resource(call),
        _ => Err(ApiError::bad(
            "UnknownOperationException",
            format!("{operation} is not supported by the local Parameter Store"),
        )),
    }
}

/// Handles what Parameter Store posted.
pub fn on(world: &mut World, event: Event) {
    match event {
        Event::Validate { region, account, name, version, invocation } => {
            validate::on_validate(world, &Key { region, account, name }, version, invocation.as_deref());
        }
        Event::Put(put) => put::on_put(world, &put),
    }
}

/// One call with what surrounds it.
struct Call<'a> {
    world: &'a mut World,
    context: &'a Context,
    input: &'a Value,
}

impl Call<'_> {
    /// Refuses members that the local Parameter Store would otherwise pass over.
    fn only(&self, members: &[&str]) -> Result<(), ApiError> {
        match self
            .input
            .as_object()
            .into_iter()
            .flatten()
            .find(|(name, value)| !value.is_null() && !members.contains(&name.as_str()))
        {
            Some((name, _)) => Err(invalid(format!("{name} is not supported by the local Parameter Store"))),
            None => Ok(()),
        }
    }

    fn text(&self, member: &str) -> Option<&str> {
        self.input.get(member).and_then(Value::as_str)
    }

    fn required(&self, member: &str) -> Result<&str, ApiError> {
        self.text(member).filter(|text| !text.is_empty()).ok_or_else(|| {
            let camel = member[..1].to_lowercase() + &member[1..];
            invalid(format!("1 validation error detected: Value null at '{camel}' failed to satisfy constraint: Member must not be null"))
        })
    }

    fn flag(&self, member: &str) -> bool {
        self.input.get(member).and_then(Value::as_bool).unwrap_or(false)
    }

    fn texts(&self, member: &str) -> Vec<&str> {
        self.input.get(member).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// `MaxResults` within its bounds; its upper bound if it isn't given.
    fn max_results(&self, most: usize) -> Result<usize, ApiError> {
        match self.input.get("MaxResults").filter(|value| !value.is_null()) {
            None => Ok(most),
            Some(value) => value
                .as_u64()
                .and_then(|count| usize::try_from(count).ok())
                .filter(|count| (1..=most).contains(count))
                .ok_or_else(|| {
                    invalid(format!("1 validation error detected: Value '{value}' at 'maxResults' failed to satisfy constraint: Member must be between 1 and {most}"))
                }),
        }
    }

    /// The key of a parameter of the caller by its name, or by its ARN.
    fn key(&self, name: &str) -> Key {
        key(self.world, self.context.account(), &self.context.region, name)
    }
}

/// The parameter that a name or ARN means.
fn key(world: &World, account: &str, region: &str, name: &str) -> Key {
    let prefix = format!("arn:aws:ssm:{region}:{account}:parameter");
    let name = match name.strip_prefix(&prefix) {
        // The slash of a plain name isn't part of it; a path keeps its own.
        Some(path) if path.trim_start_matches('/').contains('/') => path.to_owned(),
        Some(path) => path.trim_start_matches('/').to_owned(),
        None => name.to_owned(),
    };
    let found = |name: &str| Key { region: region.to_owned(), account: account.to_owned(), name: name.to_owned() };
    let slashed = found(&format!("/{name}"));
    // `/name` and `name` have the same ARN; whichever exists is meant.
    if world.ssm.parameters.contains_key(&slashed) && !name.starts_with('/') {
        return slashed;
    }
    found(&name)
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::bad("ValidationException", message)
}

fn not_found() -> ApiError {
    // AWS leaves the message out.
    ApiError::bad("ParameterNotFound", "")
}

/// Posts a `Parameter Store Change` for a version.
fn emit_change(world: &mut World, key: &Key, version: &Version, operation: &str) {
    let mut detail = json!({"operation": operation, "name": key.name, "type": version.kind});
    if let Some(description) = &version.description {
        detail["description"] = json!(description);
    }
    emit(world, key, detail);
}

fn emit(world: &mut World, key: &Key, detail: Value) {
    let time = world.time_of_call();
    let event = events::Event {
        source: "aws.ssm".to_owned(),
        detail_type: "Parameter Store Change".to_owned(),
        account: key.account.clone(),
        region: key.region.clone(),
        resources: vec![key.arn()],
        detail,
        time,
    };
    world.post(time, world::Event::Emit(event));
}

#[cfg(test)]
mod tests;
