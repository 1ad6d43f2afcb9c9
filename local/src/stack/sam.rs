//! What SAM leaves implied in a function is spelled out in the tree: Globals, and the role.

use super::error::Fault;
use super::tree::{Entry, Kind, Node};

const FUNCTION: &str = "AWS::Serverless::Function";

/// The member of an implied role that holds SAM's `Policies` as they stand (see [`super::iam`]).
pub(super) const SAM_POLICIES: &str = "SamPolicies";

/// The template with every function's properties whole, and a role for each function that names none.
pub(super) fn spell_out(mut root: Node) -> Result<Node, Fault> {
    let globals = root.get("Globals").and_then(|globals| globals.get("Function")).cloned();
    let mut roles = Vec::new();
    let Kind::Map(sections) = &mut root.kind else { return Ok(root) };
    let Some(resources) = sections.iter_mut().find(|entry| entry.key == "Resources") else { return Ok(root) };
    let Kind::Map(resources) = &mut resources.value.kind else { return Ok(root) };
    for entry in resources.iter_mut().filter(|entry| entry.value.get_text("Type") == Some(FUNCTION)) {
        let line = entry.line;
        let own = entry.value.get("Properties").cloned().unwrap_or_else(|| Node { line, kind: Kind::Map(Vec::new()) });
        let mut properties = match &globals {
            Some(globals) => merged(globals, &own),
            None => own,
        };
        if properties.get("Role").is_none() {
            let logical = format!("{}Role", entry.key);
            roles.push(implied_role(&logical, line, &entry.value, &properties));
            let names = vec![Node::text(line, logical), Node::text(line, "Arn")];
            properties.put("Role", Node::map(line, [("Fn::GetAtt", Node::list(line, names))]));
        }
        entry.value.put("Properties", properties);
    }
    for role in roles {
        if let Some(there) = resources.iter().find(|entry| entry.key == role.key) {
            let message = format!(
                "{} is the name of a function's implied role: rename it, or give the function a Role",
                role.key
            );
            return Err(Fault::new(there.line, message));
        }
        resources.push(role);
    }
    Ok(root)
}

/// Maps are merged, lists joined with the global items first, anything else is the function's own.
fn merged(global: &Node, own: &Node) -> Node {
    match (&global.kind, &own.kind) {
        (Kind::Map(_), Kind::Map(entries)) if global.call().is_none() && own.call().is_none() => {
            let mut result = global.clone();
            for entry in entries {
                let value =
                    result.get(&entry.key).map_or_else(|| entry.value.clone(), |there| merged(there, &entry.value));
                result.put(&entry.key, value);
            }
            Node { line: own.line, kind: result.kind }
        }
        (Kind::List(globals), Kind::List(items)) => {
            Node::list(own.line, globals.iter().chain(items).cloned().collect())
        }
        _ => own.clone(),
    }
}

fn implied_role(logical: &str, line: usize, function: &Node, properties: &Node) -> Entry {
    let statement = Node::map(
        line,
        [
            ("Action", Node::list(line, vec![Node::text(line, "sts:AssumeRole")])),
            ("Effect", Node::text(line, "Allow")),
            ("Principal", Node::map(line, [("Service", Node::text(line, "lambda.amazonaws.com"))])),
        ],
    );
    let trust = Node::map(
        line,
        [("Version", Node::text(line, "2012-10-17")), ("Statement", Node::list(line, vec![statement]))],
    );
    let mut role = vec![
        ("AssumeRolePolicyDocument", properties.get("AssumeRolePolicyDocument").cloned().unwrap_or(trust)),
        ("ManagedPolicyArns", Node::list(line, vec![Node::text(line, "AWSLambdaBasicExecutionRole")])),
    ];
    for (from, to) in [("Policies", SAM_POLICIES), ("PermissionsBoundary", "PermissionsBoundary"), ("RolePath", "Path")]
    {
        role.extend(properties.get(from).map(|node| (to, node.clone())));
    }
    let mut entries = vec![("Type", Node::text(line, "AWS::IAM::Role")), ("Properties", Node::map(line, role))];
    entries.extend(function.get("Condition").map(|node| ("Condition", node.clone())));
    Entry { key: logical.to_owned(), line, value: Node::map(line, entries) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::tree::parse;
    use serde_json::json;

    #[test]
    fn globals_are_merged_and_a_role_is_implied() {
        let text = "
Globals: {Function: {Timeout: 30, Environment: {Variables: {A: 1, B: 1}}, Layers: [x]}}
Resources:
  F:
    Type: AWS::Serverless::Function
    Condition: C
    Properties: {Timeout: 5, Environment: {Variables: {B: 2}}, Layers: [y], Policies: [P]}
  G: {Type: AWS::Serverless::Function, Properties: {Role: r}}
";
        let root = spell_out(parse(text).unwrap()).unwrap().literal();
        assert_eq!(
            root["Resources"]["F"]["Properties"],
            json!({"Timeout": 5, "Environment": {"Variables": {"A": 1, "B": 2}}, "Layers": ["x", "y"],
                "Policies": ["P"], "Role": {"Fn::GetAtt": ["FRole", "Arn"]}})
        );
        assert_eq!(root["Resources"]["FRole"]["Condition"], json!("C"));
        assert_eq!(root["Resources"]["FRole"]["Properties"]["SamPolicies"], json!(["P"]));
        assert_eq!(root["Resources"]["G"]["Properties"]["Timeout"], json!(30));
        assert!(root["Resources"].get("GRole").is_none());
    }

    #[test]
    fn the_name_of_an_implied_role_can_not_be_taken() {
        let text = "Resources:\n  FRole: {Type: AWS::IAM::Role}\n  F: {Type: AWS::Serverless::Function}\n";
        assert_eq!(spell_out(parse(text).unwrap()).unwrap_err().line, 2);
    }
}
