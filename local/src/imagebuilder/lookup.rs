//! How handlers find, keep and refuse resources.

use super::store::{Kind, Resource, Store, latest};
use super::{naming, sharing};
use crate::clock::iso_millis;
use crate::model;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::{Map, Value};
use shared::arn::VersionedArn;
use shared::version::Version;

/// The newest resource that an ARN names, wildcards and missing builds included, of those that the caller may see,
/// in its Region.
pub(super) fn resolve<'a>(store: &'a Store, context: &Context, kind: Kind, arn: &str) -> Option<&'a Resource> {
    let sees = |resource: &Resource| sharing::sees(store, context.account(), resource);
    let found = match arn.parse::<VersionedArn>() {
        Ok(VersionedArn { arn: parts, kind: segment, name, version, build }) if segment == kind.segment() => {
            let wanted = |resource: &Resource| (build.is_none() || resource.build == build) && sees(resource);
            latest(store, kind, &parts.region, &parts.account, &name, &version, wanted)
        }
        _ => store.get(arn),
    };
    found.filter(|resource| resource.kind == kind && resource.region == context.region && sees(resource))
}

/// [`resolve`], or 404.
pub(super) fn find<'a>(store: &'a Store, context: &Context, kind: Kind, arn: &str) -> Result<&'a Resource, ApiError> {
    resolve(store, context, kind, arn).ok_or_else(|| missing(arn))
}

/// The caller's own resource of exactly this ARN, to change or delete.
pub(super) fn own<'a>(store: &'a Store, context: &Context, kind: Kind, arn: &str) -> Result<&'a Resource, ApiError> {
    let found = find(store, context, kind, arn)?;
    if found.owner != context.account() {
        return Err(model::error("ForbiddenException", format!("The resource '{arn}' belongs to {}.", found.owner)));
    }
    if found.arn == arn { Ok(found) } else { Err(missing(arn)) }
}

/// The caller's own resource of exactly this ARN, to delete: no other account may depend on it.
pub(super) fn deletable<'a>(
    store: &'a Store,
    context: &Context,
    kind: Kind,
    arn: &str,
) -> Result<&'a Resource, ApiError> {
    let found = own(store, context, kind, arn)?;
    if sharing::is_shared(store, found) { Err(needed(arn)) } else { Ok(found) }
}

/// 404, which the service gives without modelling it for most operations.
pub(super) fn missing(arn: &str) -> ApiError {
    model::error("ResourceNotFoundException", format!("The resource '{arn}' does not exist."))
}

/// The refusal to delete what something else needs.
pub(super) fn needed(arn: &str) -> ApiError {
    let message = format!("Resource dependency error: The resource ARN '{arn}' has other resources depended on it.");
    model::error("ResourceDependencyException", message)
}

/// The refusal to make a resource again. `what` is its type's name, such as `ImageRecipe`.
pub(super) fn exists(what: &str, arn: &str) -> ApiError {
    let message = format!("The following resource '{what}' already exists: '{arn}'.");
    model::error("ResourceAlreadyExistsException", message)
}

/// The check of an exclusive choice between two members.
pub(super) fn one_of(input: &Value, members: [&str; 2], code: &str) -> Result<(), ApiError> {
    match members.map(|member| input.get(member).is_some()) {
        [true, false] | [false, true] => Ok(()),
        _ => Err(model::error(code, format!("Exactly one of {} and {} is required.", members[0], members[1]))),
    }
}

/// A member that is a string; an absent one is empty, which the model allows for none that is required.
pub(super) fn text<'a>(input: &'a Value, member: &str) -> &'a str {
    input.get(member).and_then(Value::as_str).unwrap_or_default()
}

/// A new document: what the input and the resource's shape have in common, made now.
pub(super) fn draft(world: &World, shape: &str, input: &Value) -> Map<String, Value> {
    let Value::Object(mut document) = model::projected(shape, input) else { return Map::new() };
    document.entry("tags").or_insert_with(|| Map::new().into());
    document.insert("dateCreated".to_owned(), iso_millis(world.now).into());
    document
}

/// What a new resource is called: everything but its document.
pub(super) struct Identity {
    /// What it is.
    pub(super) kind: Kind,
    /// As it stands in ARNs.
    pub(super) segment: String,
    /// For versioned kinds.
    pub(super) version: Option<Version>,
    /// For components.
    pub(super) build: Option<u32>,
}

impl Identity {
    /// Of a resource without versions.
    pub(super) fn plain(kind: Kind, name: &str) -> Self {
        Self { kind, segment: naming::segment(name), version: None, build: None }
    }

    /// The ARN in a Region and account.
    pub(super) fn arn(&self, context: &Context) -> String {
        let mut arn = naming::arn(self.kind, &context.region, context.account(), &self.segment);
        if let Some(version) = self.version {
            arn = format!("{arn}/{version}");
        }
        match self.build {
            Some(build) => format!("{arn}/{build}"),
            None => arn,
        }
    }
}

/// Keeps a new resource of the caller and answers its ARN.
pub(super) fn keep(
    world: &mut World,
    context: &Context,
    identity: Identity,
    mut document: Map<String, Value>,
) -> String {
    let arn = identity.arn(context);
    document.insert("arn".to_owned(), arn.clone().into());
    let Identity { kind, segment, version, build } = identity;
    world.imagebuilder.put(Resource {
        kind,
        arn: arn.clone(),
        region: context.region.clone(),
        owner: context.account().to_owned(),
        segment,
        version,
        build,
        made: 0,
        created: world.now,
        document: document.into(),
    });
    arn
}
