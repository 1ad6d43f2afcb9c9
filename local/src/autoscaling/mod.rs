//! The slice of EC2 Auto Scaling that images need: groups and launch configurations as records of what they would
//! launch. They launch nothing.

mod configuration;
mod filter;
mod group;
#[cfg(test)]
mod tests;

use crate::wire::{ApiError, Context};
use crate::world::World;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Auto Scaling's XML name space.
pub const NAMESPACE: &str = "http://autoscaling.amazonaws.com/doc/2011-01-01/";

/// What Auto Scaling knows: by account, Region and name, under the names of the answer.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Store {
    #[serde(with = "crate::pairs")]
    groups: BTreeMap<Key, Value>,
    #[serde(with = "crate::pairs")]
    configurations: BTreeMap<Key, Value>,
}

/// Account, Region and name.
type Key = (String, String, String);

/// One call; input and answer in the names of the wire (see [`crate::wire::query`]).
///
/// # Errors
/// As Auto Scaling answers.
pub fn call(world: &mut World, context: &Context, operation: &str, input: Value) -> Result<Value, ApiError> {
    let call = Call { world, context, input: &input };
    match operation {
        "CreateAutoScalingGroup" => group::create(call),
        "UpdateAutoScalingGroup" => group::update(call),
        "DeleteAutoScalingGroup" => group::delete(call),
        "DescribeAutoScalingGroups" => group::describe(call),
        "CreateLaunchConfiguration" => configuration::create(call),
        "DeleteLaunchConfiguration" => configuration::delete(call),
        "DescribeLaunchConfigurations" => configuration::describe(call),
        _ => Err(ApiError::bad(
            "InvalidAction",
            format!("The action {operation} is not supported by the local Auto Scaling."),
        )),
    }
}

/// One call with what surrounds it.
struct Call<'a> {
    world: &'a mut World,
    context: &'a Context,
    input: &'a Value,
}

impl<'a> Call<'a> {
    /// Refuses parameters that the local Auto Scaling would otherwise pass over.
    fn only(&self, parameters: &[&str]) -> Result<(), ApiError> {
        let mut given = self.input.as_object().into_iter().flat_map(Map::keys);
        match given.find(|name| !parameters.contains(&name.as_str())) {
            Some(name) => Err(invalid(format!("The parameter {name} is not supported by the local Auto Scaling."))),
            None => Ok(()),
        }
    }

    fn text(&self, parameter: &str) -> Option<&'a str> {
        self.input.get(parameter).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    fn texts(&self, parameter: &str) -> Vec<&'a str> {
        self.input.get(parameter).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// The name of what the call is about: 1 to 255 characters.
    fn name(&self, parameter: &str) -> Result<&'a str, ApiError> {
        let name = self.text(parameter).filter(|name| name.chars().count() <= 255 && !name.contains(':'));
        name.ok_or_else(|| invalid(format!("{parameter}: expected a name of 1 to 255 characters without a colon.")))
    }

    fn key(&self, name: &str) -> Key {
        (self.context.account().to_owned(), self.context.region.clone(), name.to_owned())
    }

    /// A page of those of the caller's that `takes` takes, in the order of their names.
    fn page(
        &self,
        of: &BTreeMap<Key, Value>,
        takes: impl Fn(&str, &Value) -> bool,
    ) -> Result<(Vec<Value>, Option<String>), ApiError> {
        let most = match self.text("MaxRecords") {
            None => 50,
            Some(text) => text
                .parse()
                .ok()
                .filter(|most| (1..=100).contains(most))
                .ok_or_else(|| invalid("MaxRecords: expected a number from 1 to 100."))?,
        };
        let after = self.text("NextToken").unwrap_or_default();
        let (account, region) = (self.context.account(), &self.context.region);
        let own = of.iter().filter(|((owner, place, _), _)| owner == account && place == region);
        let mut found = own.filter(|((.., name), value)| name.as_str() > after && takes(name, value)).peekable();
        let (mut page, mut last) = (Vec::new(), None);
        for ((.., name), value) in found.by_ref().take(most) {
            page.push(value.clone());
            last = Some(name.clone());
        }
        Ok((page, last.filter(|_| found.peek().is_some())))
    }
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::bad("ValidationError", message)
}
