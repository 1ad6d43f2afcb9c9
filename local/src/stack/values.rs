//! What the names of a template stand for before any resource is made: parameters and pseudo parameters.

use super::error::Fault;
use super::evaluate::text;
use super::parameters::{self, Source, typed};
use super::template::Template;
use crate::dispatch;
use crate::imagebuilder::catalogue;
use crate::journal::Kind;
use crate::wire::Context;
use crate::world::World;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What names stand for.
pub(super) struct Values {
    pub(super) by_name: BTreeMap<String, Value>,
    /// The parameters whose values nobody gave.
    pub(super) made_up: BTreeSet<String>,
}

/// The values by name. A value that had to be made up is named in a warning.
pub(super) fn values(
    world: &mut World,
    context: &Context,
    template: &Template,
    stack_name: &str,
    given: &BTreeMap<String, String>,
) -> Result<Values, Vec<Fault>> {
    let mut made_up = BTreeSet::new();
    let mut values = BTreeMap::new();
    let parameters = parameters::parameters(template, given, world.seed)?;
    let id = world.seed.uuid(&["stack", stack_name]);
    let id = format!("arn:aws:cloudformation:{}:{}:stack/{}/{id}", context.region, context.account(), stack_name);
    for (name, value) in [
        ("AWS::AccountId", json!(context.account())),
        ("AWS::NotificationARNs", json!([])),
        ("AWS::Partition", json!("aws")),
        ("AWS::Region", json!(context.region)),
        ("AWS::StackId", json!(id)),
        ("AWS::StackName", json!(stack_name)),
        ("AWS::URLSuffix", json!("amazonaws.com")),
    ] {
        values.insert(name.to_owned(), value);
    }
    let mut faults = Vec::new();
    for parameter in parameters {
        let (value, lacking) = match parameter.value {
            Source::Known(value) => (value, parameter.made_up.then(|| "has no value".to_owned())),
            Source::Stored { name, kind, otherwise } => {
                match (stored(world, context, stack_name, &name, &kind), otherwise) {
                    (Ok(value), _) => (value, None),
                    (Err(_), Some(text)) => {
                        (typed(&kind, &text), Some(format!("is {name}, which Parameter Store doesn't have")))
                    }
                    (Err(why), None) => {
                        faults.push(Fault::new(parameter.line, format!("the parameter {}: {why}", parameter.name)));
                        continue;
                    }
                }
            }
        };
        if let Some(lacking) = lacking {
            let shown = text(&value).unwrap_or_else(|| value.to_string());
            let (file, line, name) = (template.file.display(), parameter.line, &parameter.name);
            let detail = format!("{file}:{line}: the parameter {name} {lacking}: {shown} was made up for it");
            world.record(Kind::Warning, stack_name, Some(&context.region), detail);
            made_up.insert(parameter.name.clone());
        }
        values.insert(parameter.name, value);
    }
    if faults.is_empty() { Ok(Values { by_name: values, made_up }) } else { Err(faults) }
}

/// What Parameter Store holds. A public parameter that the local catalogue lacks gets a made-up value.
fn stored(world: &mut World, context: &Context, stack_name: &str, name: &str, kind: &str) -> Result<Value, String> {
    if let Some((value, _)) = catalogue::public_parameter(world, &context.region, name) {
        return Ok(typed(kind, &value));
    }
    match dispatch::call(world, context, "ssm", "GetParameter", json!({"Name": name, "WithDecryption": false})) {
        Ok(answer) => Ok(typed(kind, answer["Parameter"]["Value"].as_str().unwrap_or_default())),
        Err(_) if name.starts_with("/aws/service/") => {
            let made = match kind {
                "AWS::EC2::Image::Id" => format!("ami-{}", world.seed.hex(&["public parameter", name], 17)),
                _ => name.rsplit('/').next().unwrap_or_default().to_owned(),
            };
            let detail = format!("the public parameter {name} isn't known locally: {made} was made up for it");
            world.record(Kind::Warning, stack_name, Some(&context.region), detail);
            Ok(typed(kind, &made))
        }
        Err(error) => Err(format!("{name} can't be read from Parameter Store: {error}")),
    }
}
