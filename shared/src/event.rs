//! What the functions' events have in common: members, each read with one clear error, and a topic's messages.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// A member of an event that can't be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadMember {
    /// A member that no such event has.
    #[error("the event's member {field} isn't known: expected {expected}")]
    Unknown {
        /// Its path.
        field: String,
        /// Those that are.
        expected: &'static str,
    },
    /// A member that is missing, or with a value that can't be.
    #[error("the event's member {field} isn't as it has to be: {problem}")]
    Value {
        /// Its path.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// A message of an SNS topic, as Lambda passes it on.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Sns {
    /// Its ID.
    pub message_id: Option<String>,
    /// Its topic; empty if an event by hand names none.
    #[serde(default)]
    pub topic_arn: String,
    /// When it was published, RFC 3339.
    pub timestamp: Option<String>,
    /// Its text.
    pub message: String,
}

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "Sns")]
    sns: Sns,
}

impl BadMember {
    /// Of a member that isn't there.
    pub fn missing(path: &str, name: &str) -> Self {
        Self::Value { field: format!("{path}{name}"), problem: "it is missing".to_owned() }
    }
}

/// The messages in an event's member `Records`.
///
/// # Errors
/// That they aren't those of a topic.
pub fn messages(records: &Value) -> Result<Vec<Sns>, BadMember> {
    let records: Vec<Record> = read(records, "Records")?;
    Ok(records.into_iter().map(|record| record.sns).collect())
}

/// Follows the messages of an event one after the other, in its order: each is tried, whatever became of those before it.
///
/// # Errors
/// The first failure; the others are logged.
#[cfg(feature = "aws")]
pub async fn each_in_turn<Hint, Run, Failed: std::error::Error + 'static>(
    hints: Vec<Hint>,
    follow: impl AsyncFn(Hint) -> Result<Run, Failed>,
) -> Result<Vec<Run>, Failed> {
    let (mut runs, mut failure) = (Vec::new(), None);
    for hint in hints {
        match follow(hint).await {
            Ok(run) => runs.push(run),
            Err(failed) if failure.is_none() => failure = Some(failed),
            Err(failed) => {
                let error = crate::error::chain(&failed);
                lambda_runtime::tracing::error!(error, "another message failed as well");
            }
        }
    }
    failure.map_or(Ok(runs), Err)
}

/// Refuses members other than these. `path` stands in front of a member's name: `resume.`, or nothing.
///
/// # Errors
/// The first other member.
pub fn known(
    members: &Map<String, Value>,
    path: &str,
    names: &[&str],
    expected: &'static str,
) -> Result<(), BadMember> {
    match members.keys().find(|name| !names.contains(&name.as_str())) {
        Some(name) => Err(BadMember::Unknown { field: format!("{path}{name}"), expected }),
        None => Ok(()),
    }
}

/// A member that has to be there.
///
/// # Errors
/// That it isn't, or is of another kind.
pub fn required<T: DeserializeOwned>(members: &Map<String, Value>, path: &str, name: &str) -> Result<T, BadMember> {
    member(members, path, name)?.ok_or_else(|| BadMember::missing(path, name))
}

/// A member that may be absent or null.
///
/// # Errors
/// That it is of another kind.
pub fn member<T: DeserializeOwned>(
    members: &Map<String, Value>,
    path: &str,
    name: &str,
) -> Result<Option<T>, BadMember> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => read(value, &format!("{path}{name}")).map(Some),
    }
}

fn read<T: DeserializeOwned>(value: &Value, field: &str) -> Result<T, BadMember> {
    T::deserialize(value).map_err(|error| BadMember::Value { field: field.to_owned(), problem: error.to_string() })
}

/// What kind of JSON a value is, in words: "a list".
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(all(test, feature = "aws"))]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, thiserror::Error)]
    #[error("{0} failed")]
    struct Failed(u32);

    #[tokio::test]
    async fn every_message_is_tried_and_the_first_failure_counts() {
        let tried = std::sync::Mutex::new(Vec::new());
        let follow = async |hint: u32| {
            tried.lock().unwrap().push(hint);
            if hint > 1 { Err(Failed(hint)) } else { Ok(hint) }
        };
        assert_eq!(each_in_turn(vec![1, 3, 0, 2], follow).await, Err(Failed(3)));
        assert_eq!(*tried.lock().unwrap(), [1, 3, 0, 2]);
        assert_eq!(each_in_turn(vec![1, 0], follow).await, Ok(vec![1, 0]));
    }

    #[test]
    fn messages_of_a_topic_are_read_and_anything_else_is_named() {
        let records =
            serde_json::json!([{"Sns": {"MessageId": "m", "Timestamp": "t", "Message": "hello", "Type": "x"}}]);
        let read = messages(&records).unwrap();
        assert_eq!((read[0].message.as_str(), read[0].topic_arn.as_str()), ("hello", ""));
        assert!(messages(&serde_json::json!([{"s3": {}}])).unwrap_err().to_string().contains("member Records"));
    }
}
