//! Event buses: the default one of each account and Region, and those of one's own.

use super::members::{Members, invalid, too_many};
use crate::clock::{Time, epoch_seconds};
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The bus that every account has in every Region.
pub(super) const DEFAULT: &str = "default";

/// Buses that an account can have in a Region.
const MOST_BUSES: usize = 100;

/// An event bus of one's own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Bus {
    name: String,
    description: Option<String>,
    created: Time,
    pub(super) tags: BTreeMap<String, String>,
}

fn arn_of(name: &str, context: &Context) -> String {
    format!("arn:aws:events:{}:{}:event-bus/{name}", context.region, context.account())
}

fn missing(bus: &str) -> ApiError {
    ApiError::bad("ResourceNotFoundException", format!("Event bus {bus} does not exist."))
}

/// The name of the bus that a name or an ARN means: one of the caller's in its Region. Buses of others can't be
/// reached here.
///
/// # Errors
/// `ResourceNotFoundException` if there is none.
pub(super) fn named(world: &World, context: &Context, bus: &str) -> Result<String, ApiError> {
    let name = bus.strip_prefix(&arn_of("", context)).unwrap_or(bus);
    let known = name == DEFAULT || world.events.buses.contains_key(&arn_of(name, context));
    if known { Ok(name.to_owned()) } else { Err(missing(bus)) }
}

/// The name of the bus that `EventBusName` means; the default one if it isn't given.
///
/// # Errors
/// `ResourceNotFoundException` if there is none.
pub(super) fn of_input(world: &World, context: &Context, input: Members<'_>) -> Result<String, ApiError> {
    match input.text("EventBusName")? {
        Some(bus) => named(world, context, bus),
        None => Ok(DEFAULT.to_owned()),
    }
}

/// CreateEventBus
pub(super) fn create(world: &mut World, context: &Context, input: Members<'_>) -> Result<Value, ApiError> {
    if let Some(member) = ["EventSourceName", "KmsKeyIdentifier", "DeadLetterConfig", "LogConfig"]
        .into_iter()
        .find(|member| input.0.get(*member).is_some_and(|value| !value.is_null()))
    {
        return Err(invalid(format!("{member} is not supported by the local EventBridge")));
    }
    let name = input.required("Name")?;
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if !(1..=256).contains(&name.len()) || !name.bytes().all(legal) {
        return Err(invalid(format!("EventBus name {name} is not valid: letters, numbers and . _ - are.")));
    }
    let arn = arn_of(name, context);
    if name == DEFAULT || world.events.buses.contains_key(&arn) {
        return Err(ApiError::bad("ResourceAlreadyExistsException", format!("Event bus {name} already exists.")));
    }
    let prefix = arn_of("", context);
    if world.events.buses.keys().filter(|arn| arn.starts_with(&prefix)).count() >= MOST_BUSES {
        return Err(too_many());
    }
    let description = input.short("Description", 512)?.map(str::to_owned);
    let bus = Bus { name: name.to_owned(), description, created: world.now, tags: input.tags()? };
    world.events.buses.insert(arn.clone(), bus);
    Ok(json!({"EventBusArn": arn}))
}

/// DescribeEventBus: the default one if no name is given.
pub(super) fn describe(world: &World, context: &Context, input: Members<'_>) -> Result<Value, ApiError> {
    let name = named(world, context, input.text("Name")?.unwrap_or(DEFAULT))?;
    Ok(Value::Object(document(world, context, &name)))
}

fn document(world: &World, context: &Context, name: &str) -> Map<String, Value> {
    let arn = arn_of(name, context);
    let bus = world.events.buses.get(&arn);
    let mut document = Map::from_iter([("Name".to_owned(), json!(name)), ("Arn".to_owned(), json!(arn))]);
    if let Some(bus) = bus {
        if let Some(description) = &bus.description {
            document.insert("Description".to_owned(), json!(description));
        }
        for member in ["CreationTime", "LastModifiedTime"] {
            document.insert(member.to_owned(), epoch_seconds(bus.created).into());
        }
    }
    document
}

/// ListEventBuses
pub(super) fn list(world: &World, context: &Context, input: Members<'_>) -> Result<Value, ApiError> {
    let prefix = input.text("NamePrefix")?.unwrap_or_default();
    let here = arn_of("", context);
    let own = world.events.buses.iter().filter(|(arn, _)| arn.starts_with(&here)).map(|(_, bus)| bus.name.clone());
    let mut names: Vec<String> =
        own.chain([DEFAULT.to_owned()]).filter(|name: &String| name.starts_with(prefix)).collect();
    names.sort();
    let buses = names.into_iter().map(|name| {
        let bus = Value::Object(document(world, context, &name));
        (name, bus)
    });
    let (page, next) = input.page(buses)?;
    let mut answer = json!({"EventBuses": page});
    if let Some(next) = next {
        answer["NextToken"] = json!(next);
    }
    Ok(answer)
}

/// DeleteEventBus: one that doesn't exist is deleted already; one with rules can't be.
pub(super) fn delete(world: &mut World, context: &Context, input: Members<'_>) -> Result<Value, ApiError> {
    let name = input.required("Name")?;
    if name == DEFAULT {
        return Err(invalid("Cannot delete event bus default."));
    }
    let here = |rule: &&super::Rule| rule.account == context.account() && rule.region == context.region;
    if world.events.rules.values().filter(here).any(|rule| rule.bus == name) {
        return Err(invalid(format!("EventBus {name} can't be deleted since it has rules.")));
    }
    world.events.buses.remove(&arn_of(name, context));
    Ok(json!({}))
}
