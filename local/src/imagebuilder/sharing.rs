//! Who sees what: the one place that says whether an account may read, list or use a resource.

use super::naming;
use super::store::{Kind, Resource, Store};
use crate::wire::Context;
use serde_json::Value;

/// The owners in ARNs whose resources every account sees, as listings call them.
const PUBLIC: [(&str, &str); 3] =
    [("Amazon", "aws"), ("AWSMarketplace", "aws-marketplace"), ("ThirdParty", "third-party")];

/// Whether a resource belongs to no account.
fn is_public(resource: &Resource) -> bool {
    PUBLIC.iter().any(|(_, owner)| *owner == resource.owner)
}

/// Whether an account may read a resource, and so use it in its recipes and builds: its own, everybody's, and what
/// a resource policy lets it read.
pub(crate) fn sees(store: &Store, account: &str, resource: &Resource) -> bool {
    resource.owner == account || is_public(resource) || store.policies.lets_get(account, &resource.arn)
}

/// Whether a resource is in an account's listings.
pub(super) fn lists(store: &Store, account: &str, resource: &Resource) -> bool {
    resource.owner == account || is_public(resource) || store.policies.lets_list(account, &resource.arn)
}

/// Whether other accounts depend on a resource, which may not be deleted then.
pub(super) fn is_shared(store: &Store, resource: &Resource) -> bool {
    store.policies.lets_others(&resource.owner, &resource.arn)
}

/// Whose resources a listing is about, by the input's `owner`, which is the caller unless told. `None` for those
/// that others share with the caller.
pub(super) fn owner<'a>(context: &'a Context, input: &Value) -> Option<&'a str> {
    match input.get("owner").and_then(Value::as_str) {
        None | Some("Self") => Some(context.account()),
        Some(name) => PUBLIC.iter().find(|(public, _)| *public == name).map(|(_, owner)| *owner),
    }
}

/// What others share with the caller in its Region, by ARN.
fn shared<'a>(store: &'a Store, context: &Context, kind: Kind) -> Vec<&'a Resource> {
    let shared = store.policies.shared_with(context.account()).filter_map(|arn| store.get(arn));
    let here = |it: &&Resource| it.kind == kind && it.region == context.region && it.owner != context.account();
    shared.filter(here).collect()
}

/// The resources of a kind in the caller's Region that a listing is about, oldest first.
pub(super) fn listed<'a>(
    store: &'a Store,
    context: &Context,
    input: &Value,
    kind: Kind,
) -> Box<dyn Iterator<Item = &'a Resource> + 'a> {
    match owner(context, input) {
        Some(owner) => Box::new(store.owned(kind, &context.region, owner)),
        None => {
            let mut found = shared(store, context, kind);
            found.sort_by_key(|resource| resource.made);
            Box::new(found.into_iter())
        }
    }
}

/// The same by ARN, those behind `after` alone if it is given.
pub(super) fn listed_by_arn<'a>(
    store: &'a Store,
    context: &Context,
    input: &Value,
    kind: Kind,
    after: Option<&str>,
) -> Box<dyn Iterator<Item = &'a Resource> + 'a> {
    match owner(context, input) {
        Some(owner) => Box::new(store.starting_with(&naming::arn(kind, &context.region, owner, ""), after)),
        None => {
            let after = after.unwrap_or_default().to_owned();
            Box::new(shared(store, context, kind).into_iter().filter(move |it| it.arn > after))
        }
    }
}

/// An owner as answers name it.
pub(super) fn owner_name(owner: &str) -> &str {
    PUBLIC.iter().find(|(_, public)| *public == owner).map_or(owner, |(name, _)| name)
}
