//! IAM: what a role's policies allow its sessions to do.
//!
//! Every call of a session of a role that a stack has made is held against that role's policies: what they don't allow
//! is answered as AWS answers it. Sessions of other roles, accounts' roots and services aren't held to anything.

mod asked;
mod managed;
pub(crate) mod policy;

use crate::journal::Kind;
use crate::wire::{ApiError, Context, Principal};
use crate::world::World;
use asked::Asked;
use policy::{Allowed, Resource, Undecided, said};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What was asked of the roles' policies so far.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Store {
    /// By `ACCOUNT/ROLE`: the permissions that a call needed, and for which resources.
    used: BTreeMap<String, BTreeSet<Used>>,
    /// `ACCOUNT/ROLE POLICY`: what was warned of.
    warned: BTreeSet<String>,
}

/// An action as a statement of a role's policy allows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Permission {
    /// The name of an inline policy, or the ARN of a managed one.
    pub policy: String,
    /// The statement's `Sid`, or its place from 0.
    pub statement: String,
    /// Such as `ssm:GetParameter` or `ssm:Get*`.
    pub action: String,
}

/// A permission that a call needed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Used {
    /// What allowed it.
    #[serde(flatten)]
    pub permission: Permission,
    /// The statement's resource that covered the call's: `*`, or an ARN with wildcards.
    pub resource: String,
}

/// A role and what its calls needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UsedBy {
    /// 12 digits.
    pub account: String,
    /// Its name.
    pub role: String,
    /// Each once.
    pub permissions: Vec<Used>,
}

/// A role and what it needn't be allowed, as far as this run goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unused {
    /// 12 digits.
    pub account: String,
    /// Its name.
    pub role: String,
    /// What it was allowed and never did.
    pub permissions: Vec<Permission>,
}

/// A role's policies: by the name or ARN of each, its document.
fn policies<'a>(world: &'a World, role: &'a Value) -> (Vec<(&'a str, Value)>, Vec<&'a str>) {
    let inline = role["Policies"].as_array().into_iter().flatten();
    let inline =
        inline.filter_map(|policy| Some((policy.get("PolicyName")?.as_str()?, policy.get("PolicyDocument")?.clone())));
    let mut known: Vec<(&str, Value)> = inline.collect();
    let mut unknown = Vec::new();
    for arn in policy::texts(&role["ManagedPolicyArns"]) {
        match world.stacks.policies.get(arn).cloned().or_else(|| managed::document(arn)) {
            Some(document) => known.push((arn, document)),
            None => unknown.push(arn),
        }
    }
    (known, unknown)
}

/// Whether the caller may make a call. What the world remembers of it is which permissions it needed.
///
/// # Errors
/// The service's own answer to what isn't allowed; `NotImplementedException` for a policy that can't be decided on.
pub(crate) fn authorise(
    world: &mut World,
    context: &Context,
    service: &str,
    operation: &str,
    input: &Value,
) -> Result<(), ApiError> {
    let Principal::Role { name, .. } = &context.caller.principal else { return Ok(()) };
    let account = context.account().to_owned();
    let Some(role) = world.stacks.role(&account, name) else { return Ok(()) };
    let arn = role["Arn"].as_str().unwrap_or_default().to_owned();
    let (documents, unknown) = policies(world, role);
    let boundary = role.get("PermissionsBoundary").and_then(Value::as_str);
    let boundary =
        boundary.map(|arn| (arn, world.stacks.policies.get(arn).cloned().or_else(|| managed::document(arn))));
    let mut needed = BTreeSet::new();
    let mut refused = None;
    for Asked { action, resource, keys } in asked::asked(world, context, service, operation, input) {
        let keys = keys
            .with("aws:PrincipalArn", [arn.as_str()])
            .with("aws:PrincipalAccount", [account.as_str()])
            .with("aws:PrincipalTag/", []);
        let undecided = |name: &str, Undecided(why): Undecided| {
            ApiError::new(501, "NotImplementedException", format!("The policy {name} of the role {arn}: {why}"))
        };
        let (mut allowed, mut denied) = (false, false);
        for (name, document) in &documents {
            let said = said(document, &action, &resource, &keys).map_err(|why| undecided(name, why))?;
            denied |= said.denied;
            allowed |= !said.allowed.is_empty();
            for Allowed { place, action, resources } in said.allowed {
                let permission = permission(name, document, place, action);
                needed.extend(resources.into_iter().map(|resource| Used { permission: permission.clone(), resource }));
            }
        }
        if let Some((name, document)) = &boundary {
            let within = match document {
                Some(document) => said(document, &action, &resource, &keys).map_err(|why| undecided(name, why))?,
                None => return Err(undecided(name, Undecided("the permissions boundary isn't known here".to_owned()))),
            };
            denied |= within.denied;
            allowed &= !within.allowed.is_empty();
        }
        if denied || !allowed {
            refused = Some((action, resource, denied));
            break;
        }
    }
    let unknown: Vec<String> = unknown.into_iter().map(str::to_owned).collect();
    let key = format!("{account}/{name}");
    let Some((action, resource, denied)) = refused else {
        world.iam.used.entry(key).or_default().extend(needed);
        return Ok(());
    };
    for policy in unknown {
        if world.iam.warned.insert(format!("{key} {policy}")) {
            let detail = format!("{policy} isn't known locally: it allows nothing");
            world.record_for(context.caller.invocation.as_deref(), Kind::Warning, name.as_str(), None, detail);
        }
    }
    Err(refusal(context, service, &action, &resource, denied))
}

fn permission(policy: &str, document: &Value, place: usize, action: String) -> Permission {
    let statement = policy::items(&document["Statement"]).nth(place);
    let sid = statement.and_then(|statement| statement["Sid"].as_str());
    let statement = sid.map_or_else(|| place.to_string(), str::to_owned);
    Permission { policy: policy.to_owned(), statement, action }
}

/// In the words and the code of the service:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>.
fn refusal(context: &Context, service: &str, action: &str, resource: &Resource, denied: bool) -> ApiError {
    let on = match resource {
        Resource::Of(arn) => format!(" on resource: {arn}"),
        Resource::Everything | Resource::Any => String::new(),
    };
    let because = match denied {
        true => "with an explicit deny in an identity-based policy".to_owned(),
        false => format!("because no identity-based policy allows the {action} action"),
    };
    let text = format!("User: {} is not authorized to perform: {action}{on} {because}", context.caller.arn());
    match service {
        "ec2" => ApiError::new(
            403,
            "UnauthorizedOperation",
            format!("You are not authorized to perform this operation. {text}"),
        ),
        "sns" if action.starts_with("kms:") => ApiError::bad("KMSAccessDenied", text),
        "sns" => ApiError::new(403, "AuthorizationError", text),
        "sts" | "autoscaling" => ApiError::new(403, "AccessDenied", text),
        "ssm" | "events" => ApiError::bad("AccessDeniedException", text),
        _ => ApiError::new(403, "AccessDeniedException", text),
    }
}

/// What the calls of roles needed of the roles' policies, a role after the other.
pub fn used(world: &World) -> Vec<UsedBy> {
    let of_role = |(key, used): (&String, &BTreeSet<Used>)| {
        let (account, role) = key.split_once('/')?;
        let permissions = used.iter().cloned().collect();
        Some(UsedBy { account: account.to_owned(), role: role.to_owned(), permissions })
    };
    world.iam.used.iter().filter_map(of_role).collect()
}

/// What the roles of functions, and those that they have assumed, were allowed by inline policies and never needed.
/// What Lambda itself does with a role isn't seen here and left out: logs, traces and dead letters.
pub fn unused(world: &World) -> Vec<Unused> {
    let functions = world.lambda.functions.values();
    let mut roles: BTreeSet<String> =
        functions.map(|function| format!("{}/{}", function.account, function.role)).collect();
    roles.extend(world.iam.used.keys().cloned());
    let none = BTreeSet::new();
    let of_role = |key: String| {
        let (account, name) = key.split_once('/')?;
        let role = world.stacks.role(account, name)?;
        let used: BTreeSet<&Permission> =
            world.iam.used.get(&key).unwrap_or(&none).iter().map(|used| &used.permission).collect();
        let mut permissions = BTreeSet::new();
        for policy in role["Policies"].as_array().into_iter().flatten() {
            let (Some(name), document) = (policy["PolicyName"].as_str(), &policy["PolicyDocument"]) else { continue };
            for (place, statement) in policy::items(&document["Statement"]).enumerate() {
                if statement["Effect"] == "Allow" {
                    let actions = policy::texts(&statement["Action"]).filter(|action| !is_of_lambda(action));
                    permissions.extend(actions.map(|action| permission(name, document, place, action.to_owned())));
                }
            }
        }
        let permissions: Vec<Permission> = permissions.into_iter().filter(|it| !used.contains(it)).collect();
        (!permissions.is_empty()).then(|| Unused { account: account.to_owned(), role: name.to_owned(), permissions })
    };
    roles.into_iter().filter_map(of_role).collect()
}

fn is_of_lambda(action: &str) -> bool {
    ["logs:", "xray:"].iter().any(|service| action.starts_with(service)) || action == "sqs:SendMessage"
}

#[cfg(test)]
mod tests;
