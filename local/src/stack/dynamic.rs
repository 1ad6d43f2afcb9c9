//! Dynamic references: `{{resolve:ssm:name}}` in a resource's strings.

use crate::dispatch;
use crate::imagebuilder::catalogue;
use crate::journal::Kind;
use crate::wire::Context;
use crate::world::World;
use serde_json::{Value, json};

const START: &str = "{{resolve:";

/// Puts in place of every dynamic reference what it stands for. Says why one can't be resolved.
pub(super) fn resolve(world: &mut World, context: &Context, value: &mut Value) -> Result<(), String> {
    match value {
        Value::String(text) if text.contains(START) => {
            *text = resolved(world, context, text)?;
            Ok(())
        }
        Value::Array(items) => items.iter_mut().try_for_each(|item| resolve(world, context, item)),
        Value::Object(object) => object.values_mut().try_for_each(|value| resolve(world, context, value)),
        _ => Ok(()),
    }
}

fn resolved(world: &mut World, context: &Context, text: &str) -> Result<String, String> {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(START) {
        result.push_str(before);
        let (reference, after) =
            after.split_once("}}").ok_or_else(|| format!("the dynamic reference in {text:?} isn't closed by }}}}"))?;
        let value = match reference.split_once(':') {
            Some(("ssm" | "ssm-secure", name)) => parameter(world, context, name)?,
            Some(("secretsmanager", secret)) => {
                let detail = format!("the secret {secret} isn't known locally: a value was made up for it");
                world.record(Kind::Warning, secret, Some(&context.region), detail);
                world.seed.hex(&["secret", secret], 32)
            }
            _ => {
                return Err(format!(
                    "the dynamic reference {reference:?} isn't known: expected ssm, ssm-secure or secretsmanager"
                ));
            }
        };
        result.push_str(&value);
        rest = after;
    }
    Ok(result + rest)
}

fn parameter(world: &mut World, context: &Context, name: &str) -> Result<String, String> {
    if let Some((value, _)) = catalogue::public_parameter(world, &context.region, name) {
        return Ok(value);
    }
    let answer = dispatch::call(world, context, "ssm", "GetParameter", json!({"Name": name, "WithDecryption": true}))
        .map_err(|error| format!("{{{{resolve:ssm:{name}}}}}: {error}"))?;
    Ok(answer["Parameter"]["Value"].as_str().unwrap_or_default().to_owned())
}
