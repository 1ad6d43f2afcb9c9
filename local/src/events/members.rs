//! Reads the members of an input, with the errors of EventBridge.

use crate::wire::ApiError;
use serde_json::Value;
use std::collections::BTreeMap;

/// `ValidationException`.
pub(super) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::bad("ValidationException", message)
}

/// `LimitExceededException`, which EventBridge words alike for every quota.
pub(super) fn too_many() -> ApiError {
    ApiError::bad("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
}

/// Whether a text is a name of 1 to 64 characters.
pub(super) fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

/// An input structure.
#[derive(Clone, Copy)]
pub(super) struct Members<'a>(pub(super) &'a Value);

impl<'a> Members<'a> {
    fn get(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A string, if given.
    pub(super) fn text(self, name: &str) -> Result<Option<&'a str>, ApiError> {
        self.get(name).map(|value| value.as_str().ok_or_else(|| unreadable(name, "a string"))).transpose()
    }

    /// A string that has to be given.
    pub(super) fn required(self, name: &str) -> Result<&'a str, ApiError> {
        self.text(name)?.ok_or_else(|| missing(name))
    }

    /// A string of at most `most` characters, if given.
    pub(super) fn short(self, name: &str, most: usize) -> Result<Option<&'a str>, ApiError> {
        let text = self.text(name)?;
        match text {
            Some(text) if text.chars().count() > most => {
                Err(unfit(&format!("'{text}'"), name, &format!("Member must have length less than or equal to {most}")))
            }
            _ => Ok(text),
        }
    }

    /// A name that has to be given.
    pub(super) fn name(self, name: &str) -> Result<&'a str, ApiError> {
        let text = self.required(name)?;
        if is_name(text) {
            return Ok(text);
        }
        let constraint = match text.len() {
            0 => "Member must have length greater than or equal to 1",
            1..=64 => "Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+",
            _ => "Member must have length less than or equal to 64",
        };
        Err(unfit(&format!("'{text}'"), name, constraint))
    }

    /// A list of `low` to `high` elements that has to be given.
    pub(super) fn list(self, name: &str, low: usize, high: usize) -> Result<&'a [Value], ApiError> {
        let value = self.get(name).ok_or_else(|| missing(name))?;
        let list = value.as_array().ok_or_else(|| unreadable(name, "a list"))?;
        let constraint = match list.len() {
            count if count < low => format!("Member must have length greater than or equal to {low}"),
            count if count > high => format!("Member must have length less than or equal to {high}"),
            _ => return Ok(list),
        };
        Err(unfit(&format!("'{value}'"), name, &constraint))
    }

    /// A list of strings that has to be given.
    pub(super) fn texts(self, name: &str, low: usize, high: usize) -> Result<Vec<&'a str>, ApiError> {
        let list = self.list(name, low, high)?;
        list.iter().map(|value| value.as_str().ok_or_else(|| unreadable(name, "a list of strings"))).collect()
    }

    /// A structure, if given.
    pub(super) fn structure(self, name: &str) -> Result<Option<Members<'a>>, ApiError> {
        match self.get(name) {
            Some(value) if !value.is_object() => Err(unreadable(name, "a structure")),
            value => Ok(value.map(Members)),
        }
    }

    /// A map of strings; empty if it isn't given.
    pub(super) fn map(self, name: &str) -> Result<BTreeMap<&'a str, &'a str>, ApiError> {
        let Some(value) = self.get(name) else { return Ok(BTreeMap::new()) };
        let entries = value.as_object().ok_or_else(|| unreadable(name, "a map"))?;
        entries
            .iter()
            .map(|(key, value)| Ok((key.as_str(), value.as_str().ok_or_else(|| unreadable(name, "a map of strings"))?)))
            .collect()
    }

    /// `Tags`, if given: a list of `{Key, Value}`.
    pub(super) fn tags(self) -> Result<BTreeMap<String, String>, ApiError> {
        if self.get("Tags").is_none() {
            return Ok(BTreeMap::new());
        }
        let tags = self.list("Tags", 0, 50)?.iter().map(|tag| {
            let tag = Members(tag);
            Ok((tag.required("Key")?.to_owned(), tag.required("Value")?.to_owned()))
        });
        tags.collect()
    }

    /// The page of `items`, each with its unique key and in the order of keys, that `Limit` and `NextToken`
    /// ask for, and the token of the next. A token is the last key of its page.
    pub(super) fn page<T>(
        self,
        items: impl Iterator<Item = (String, T)>,
    ) -> Result<(Vec<T>, Option<String>), ApiError> {
        let limit = match self.get("Limit") {
            None => 100,
            Some(value) => value
                .as_u64()
                .and_then(|limit| usize::try_from(limit).ok())
                .filter(|limit| (1..=100).contains(limit))
                .ok_or_else(|| {
                    unfit(&format!("'{value}'"), "Limit", "Member must have value between 1 and 100, inclusive")
                })?,
        };
        let after = self.text("NextToken")?.unwrap_or_default().to_owned();
        let mut rest = items.filter(|(key, _)| *key > after).peekable();
        let (mut page, mut last) = (Vec::new(), None);
        while page.len() < limit
            && let Some((key, item)) = rest.next()
        {
            page.push(item);
            last = Some(key);
        }
        Ok((page, last.filter(|_| rest.peek().is_some())))
    }
}

/// The member as validation errors name it: its first letter is small.
fn unfit(value: &str, name: &str, constraint: &str) -> ApiError {
    let (first, rest) = name.split_at(1);
    let at = first.to_ascii_lowercase();
    invalid(format!(
        "1 validation error detected: Value {value} at '{at}{rest}' failed to satisfy constraint: {constraint}"
    ))
}

fn missing(name: &str) -> ApiError {
    unfit("null", name, "Member must not be null")
}

fn unreadable(name: &str, expected: &str) -> ApiError {
    ApiError::bad("SerializationException", format!("{name} must be {expected}"))
}
