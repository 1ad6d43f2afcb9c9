//! IAM's resources: what roles allow is kept, resolved, for those who check permissions.

use super::error::Refusal;
use super::evaluate::Made;
use super::sam::SAM_POLICIES;
use super::sam_policies::statements;
use crate::journal::Kind;
use crate::wire::Context;
use crate::world::World;
use serde_json::{Value, json};

/// Keeps a role under its name: its properties, with its ARN and all its inline `Policies`.
pub(super) fn role(
    world: &mut World,
    context: &Context,
    logical: &str,
    made: &Made,
    properties: &Value,
) -> Result<(), Vec<Refusal>> {
    let mut role = properties.clone();
    let sam = role.as_object_mut().and_then(|role| role.remove(SAM_POLICIES));
    role["Arn"] = made.attributes.get("Arn").cloned().unwrap_or_default();
    for member in ["Policies", "ManagedPolicyArns"] {
        if role.get(member).is_none() {
            role[member] = json!([]);
        }
    }
    let given = match sam {
        Some(Value::Array(items)) => items,
        Some(one) => vec![one],
        None => Vec::new(),
    };
    for policy in given {
        add_sam_policy(world, context, logical, &mut role, policy)?;
    }
    for arn in role["ManagedPolicyArns"].as_array_mut().into_iter().flatten() {
        if let Some(name) = arn.as_str().filter(|arn| !arn.starts_with("arn:")) {
            let path = if name.starts_with("AWSLambda") { "service-role/" } else { "" };
            *arn = json!(format!("arn:aws:iam::aws:policy/{path}{name}"));
        }
    }
    world.stacks.add_role(context.account(), made.reference.as_str().unwrap_or_default(), role);
    Ok(())
}

/// SAM's `Policies` hold names and ARNs of managed policies, documents, and policy templates of its own.
fn add_sam_policy(
    world: &mut World,
    context: &Context,
    logical: &str,
    role: &mut Value,
    policy: Value,
) -> Result<(), Vec<Refusal>> {
    let push = |role: &mut Value, member: &str, value: Value| {
        role[member].as_array_mut().into_iter().for_each(|list| list.push(value.clone()));
    };
    let inline = |role: &mut Value, document: Value| {
        let nth = role["Policies"].as_array().map_or(0, Vec::len);
        push(role, "Policies", json!({"PolicyName": format!("{logical}Policy{nth}"), "PolicyDocument": document}));
    };
    if policy.is_string() {
        push(role, "ManagedPolicyArns", policy);
    } else if policy.get("Statement").is_some() {
        inline(role, policy);
    } else if let Some((name, arguments)) =
        policy.as_object().filter(|policy| policy.len() == 1).and_then(|one| one.iter().next())
    {
        match statements(["aws", &context.region, context.account()], name, arguments) {
            Some(statements) => inline(role, json!({"Statement": statements})),
            None => {
                let detail = format!("{logical}: SAM's policy template {name} isn't known: it allows nothing locally");
                world.record(Kind::Warning, logical, None, detail);
            }
        }
    } else {
        let message = "a policy must be a name, an ARN, a document with Statement, or one of SAM's policy templates";
        return Err(vec![Refusal::of("Policies", message)]);
    }
    Ok(())
}

/// Adds an inline or managed policy to the roles that it names, and keeps a managed one under its ARN.
pub(super) fn policy(
    world: &mut World,
    account: &str,
    kind: &str,
    made: &Made,
    properties: &Value,
) -> Result<(), Vec<Refusal>> {
    let document = properties.get("PolicyDocument").cloned();
    let document = document.ok_or_else(|| vec![Refusal::new("the property PolicyDocument is required")])?;
    let arn = made.reference.as_str().unwrap_or_default().to_owned();
    let managed = kind == "AWS::IAM::ManagedPolicy";
    if managed {
        world.stacks.policies.insert(arn.clone(), document.clone());
    }
    let named = properties.get("Roles").and_then(Value::as_array).cloned().unwrap_or_default();
    for name in named.iter().chain(properties.get("RoleName")).filter_map(Value::as_str) {
        // A role of another origin has no entry: nothing here runs under it.
        let Some(role) = world.stacks.roles.get_mut(&format!("{account}/{name}")) else { continue };
        let (member, value) = match managed {
            true => ("ManagedPolicyArns", json!(arn)),
            false => ("Policies", json!({"PolicyName": properties.get("PolicyName"), "PolicyDocument": document})),
        };
        role[member].as_array_mut().into_iter().for_each(|list| list.push(value.clone()));
    }
    Ok(())
}
