//! The conditions of a workflow's steps.
//!
//! Source: "Use conditional statements in your workflow steps" of the EC2 Image Builder user guide.

use super::super::yaml::Node;
use super::document::known;
use serde_json::{Value, json};

const DEEPEST: usize = 4;

/// How many conditions `and` and `or` may join.
const MOST_JOINED: usize = 10;

const COMPARISONS: [&str; 7] = [
    "booleanEquals",
    "numberEquals",
    "numberGreaterThan",
    "numberGreaterThanEquals",
    "numberLessThan",
    "numberLessThanEquals",
    "stringEquals",
];

/// Reads what is under `if`.
///
/// # Errors
/// What is wrong with it and in which line, in words.
pub(super) fn read(node: &Node) -> Result<Value, String> {
    statement(node, 1)
}

fn statement(node: &Node, level: usize) -> Result<Value, String> {
    if level > DEEPEST {
        return Err(node.fault("Conditions nest in four levels at most."));
    }
    let node = match node.items("") {
        Ok([single]) => single,
        Ok(_) => return Err(node.fault("One condition alone may stand here: and, or join several.")),
        Err(_) => node,
    };
    let entries = node.mapping("A condition")?;
    let operator = entries.iter().find(|(key, _)| key.text() != Some("value"));
    let Some((Some(operator), operand)) = operator.map(|(key, operand)| (key.text(), operand)) else {
        return Err(node.fault("The condition has no operator."));
    };
    match operator {
        "and" | "or" => {
            known(node, &format!("The condition {operator}"), &[operator])?;
            let joined = operand.items(operator)?;
            if joined.is_empty() || joined.len() > MOST_JOINED {
                return Err(operand.fault(&format!("{operator} joins 1 to {MOST_JOINED} conditions.")));
            }
            let joined = joined.iter().map(|child| statement(child, level + 1)).collect::<Result<Value, _>>()?;
            Ok(json!({operator: joined}))
        }
        "not" => {
            known(node, "The condition not", &["not"])?;
            Ok(json!({"not": statement(operand, level + 1)?}))
        }
        _ if COMPARISONS.contains(&operator) => comparison(node, operator, operand),
        _ => {
            let message =
                format!("{operator:?} is none of and, or, not, {}, which conditions have.", COMPARISONS.join(", "));
            Err(node.fault(&message))
        }
    }
}

fn comparison(node: &Node, operator: &str, operand: &Node) -> Result<Value, String> {
    known(node, &format!("The condition {operator}"), &[operator, "value"])?;
    let value = node.get("value").ok_or_else(|| node.fault(&format!("The condition {operator} has no value.")))?;
    for side in [operand, value] {
        let fits = side.text().is_some_and(|text| text.starts_with("$.") || comparable(operator, text));
        if !fits {
            return Err(side.fault(&format!("{operator} compares no such value.")));
        }
    }
    Ok(json!({operator: operand.value(), "value": value.value()}))
}

/// Texts count as the numbers and booleans that they read as.
fn comparable(operator: &str, text: &str) -> bool {
    match operator {
        "booleanEquals" => ["true", "false"].contains(&text.to_lowercase().as_str()),
        "stringEquals" => true,
        _ => text.parse::<f64>().is_ok_and(f64::is_finite),
    }
}
