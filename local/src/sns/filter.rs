//! Filter policies: which messages a subscription gets.

use super::{Message, invalid_because};
use crate::pattern::Pattern;
use crate::wire::ApiError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A checked filter policy with what it looks at.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Filter {
    Attributes(Pattern),
    Body(Pattern),
}

impl Filter {
    /// The filter that `FilterPolicy` and `FilterPolicyScope` make; an empty policy takes everything.
    pub(super) fn of(attributes: &BTreeMap<String, String>) -> Result<Option<Self>, ApiError> {
        let scope = attributes.get("FilterPolicyScope").map_or("MessageAttributes", String::as_str);
        if !["MessageAttributes", "MessageBody"].contains(&scope) {
            return Err(invalid_because(
                "Attributes",
                &format!(
                    "FilterPolicyScope: Invalid value [{scope}]. Please use either MessageBody or MessageAttributes"
                ),
            ));
        }
        let Some(policy) = attributes.get("FilterPolicy").filter(|policy| !policy.is_empty()) else { return Ok(None) };
        let bad = |reason: String| invalid_because("Attributes", &format!("FilterPolicy: {reason}"));
        let policy: Value = serde_json::from_str(policy).map_err(|_| bad("failed to parse JSON.".to_owned()))?;
        match policy.as_object() {
            Some(fields) if fields.is_empty() => Ok(None),
            _ if scope == "MessageBody" => {
                Pattern::parse(&policy).map(|pattern| Some(Self::Body(pattern))).map_err(bad)
            }
            _ => Pattern::parse_flat(&policy).map(|pattern| Some(Self::Attributes(pattern))).map_err(bad),
        }
    }

    pub(super) fn takes(&self, message: &Message) -> bool {
        match self {
            Self::Attributes(pattern) => pattern.matches(&attribute_values(&message.attributes)),
            // A body that isn't a JSON object passes no filter on bodies.
            Self::Body(pattern) => serde_json::from_str::<Value>(&message.body)
                .is_ok_and(|body| body.is_object() && pattern.matches(&body)),
        }
    }
}

/// Attributes by the types that they declare; binary ones can't be filtered on.
fn attribute_values(attributes: &Map<String, Value>) -> Value {
    let value = |attribute: &Value| {
        let text = attribute.get("Value")?.as_str()?;
        let kind = attribute.get("Type")?.as_str()?;
        match kind {
            "String.Array" => serde_json::from_str(text).ok(),
            _ if kind.starts_with("Number") => serde_json::from_str(text).ok(),
            _ if kind.starts_with("Binary") => None,
            _ => Some(Value::String(text.to_owned())),
        }
    };
    attributes.iter().filter_map(|(name, attribute)| Some((name.clone(), value(attribute)?))).collect()
}
