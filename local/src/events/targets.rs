//! What a rule's target is sent: the event as it is, a part of it, a constant, or a template filled from it.

use super::Rule;
use super::path::Path;
use crate::clock::{Time, iso_seconds};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::arn::Arn;
use std::collections::BTreeMap;

/// A target of a rule.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Target {
    /// Unique within its rule.
    pub(super) id: String,
    /// Whom it names.
    pub(super) arn: String,
    /// What it is sent.
    pub(super) shape: Shape,
    /// As it was given, for listings.
    pub(super) document: Value,
}

/// What a target's ARN names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Destination {
    /// A Lambda function.
    Function,
    /// An SNS topic.
    Topic,
    /// An Image Builder pipeline, which takes no input.
    Pipeline,
    /// Something that isn't reached here.
    Elsewhere,
}

impl Destination {
    /// Reads it from an ARN; `None` if it isn't one.
    pub(super) fn of(arn: &str) -> Option<Self> {
        let arn: Arn = arn.parse().ok()?;
        Some(match arn.service.as_str() {
            "lambda" if arn.resource.starts_with("function:") => Self::Function,
            "sns" => Self::Topic,
            "imagebuilder" if arn.resource.starts_with("image-pipeline/") => Self::Pipeline,
            _ => Self::Elsewhere,
        })
    }
}

/// What a target is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Shape {
    /// The whole event.
    Whole,
    /// `Input`: JSON text, the same every time.
    Constant(String),
    /// `InputPath`: a part of the event.
    Part(Path),
    /// `InputTransformer`.
    Template {
        /// `InputPathsMap`: the variables.
        paths: BTreeMap<String, Path>,
        /// `InputTemplate`, cut at its placeholders.
        pieces: Vec<Piece>,
    },
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Piece {
    /// Text that stays.
    Text(String),
    /// `<name>`.
    Placeholder {
        /// A variable's or one of [`PREDEFINED`].
        name: String,
        /// Whether it stands within a JSON string.
        quoted: bool,
    },
}

/// The placeholders that need no variable.
const PREDEFINED: [&str; 5] = [
    "aws.events.rule-arn",
    "aws.events.rule-name",
    "aws.events.event.ingestion-time",
    "aws.events.event",
    "aws.events.event.json",
];

impl Shape {
    /// Reads a template.
    ///
    /// # Errors
    /// What EventBridge says of a template that isn't JSON or has a placeholder without a variable.
    pub(super) fn template(id: &str, paths: BTreeMap<String, Path>, template: &str) -> Result<Self, String> {
        let pieces = cut(template);
        let mut sample = String::new();
        for piece in &pieces {
            match piece {
                Piece::Text(text) => sample.push_str(text),
                Piece::Placeholder { name, .. }
                    if !paths.contains_key(name) && !PREDEFINED.contains(&name.as_str()) =>
                {
                    return Err(format!("InputTemplate for target {id} contains invalid placeholder {name}."));
                }
                Piece::Placeholder { quoted: true, .. } => {}
                Piece::Placeholder { quoted: false, .. } => sample.push_str("null"),
            }
        }
        // Text in several lines is several JSON strings.
        let values: Vec<_> = serde_json::Deserializer::from_str(&sample).into_iter::<IgnoredAny>().collect();
        match values.into_iter().find_map(Result::err) {
            Some(error) => Err(format!("Invalid InputTemplate for target {id} : [{error}].")),
            None if sample.trim().is_empty() => Err(format!("Invalid InputTemplate for target {id} : [it is empty].")),
            None => Ok(Self::Template { paths, pieces }),
        }
    }

    /// The input that an event becomes.
    ///
    /// # Errors
    /// In words, when the event lacks what `InputPath` names.
    pub(super) fn apply(&self, event: &Value, rule: &Rule, now: Time) -> Result<String, String> {
        match self {
            Self::Whole => Ok(event.to_string()),
            Self::Constant(text) => Ok(text.clone()),
            Self::Part(path) => {
                path.find(event).map(|part| part.to_string()).ok_or_else(|| "its InputPath finds nothing".to_owned())
            }
            Self::Template { paths, pieces } => Ok(pieces.iter().fold(String::new(), |text, piece| match piece {
                Piece::Text(piece) => text + piece,
                Piece::Placeholder { name, quoted } => {
                    // A variable whose path finds nothing stays empty.
                    let value = match paths.get(name) {
                        Some(path) => path.find(event).unwrap_or_else(|| Value::from("")),
                        None => predefined(name, event, rule, now),
                    };
                    text + &fill(&value, *quoted)
                }
            })),
        }
    }
}

fn predefined(name: &str, event: &Value, rule: &Rule, now: Time) -> Value {
    match name {
        "aws.events.rule-arn" => rule.arn.as_str().into(),
        "aws.events.rule-name" => rule.name.as_str().into(),
        "aws.events.event.ingestion-time" => iso_seconds(now).into(),
        "aws.events.event" => {
            let mut bare = event.clone();
            if let Some(fields) = bare.as_object_mut() {
                fields.shift_remove("detail");
            }
            bare
        }
        // `aws.events.event.json`: the template was read with these names only.
        _ => event.clone(),
    }
}

/// A value in its place. Within a string only text is escaped: AWS puts objects and lists there as they are,
/// which breaks the JSON around them.
fn fill(value: &Value, quoted: bool) -> String {
    let json = value.to_string();
    match value {
        Value::String(_) if quoted => json[1..json.len() - 1].to_owned(),
        _ => json,
    }
}

/// Cuts a template at its placeholders.
fn cut(template: &str) -> Vec<Piece> {
    let (mut pieces, mut text) = (Vec::new(), String::new());
    let (mut quoted, mut escaped) = (false, false);
    let mut rest = template;
    while let Some(char) = rest.chars().next() {
        if char == '<'
            && let Some(name) = placeholder(rest)
        {
            if !text.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut text)));
            }
            pieces.push(Piece::Placeholder { name: name.to_owned(), quoted });
            rest = &rest[name.len() + 2..];
            continue;
        }
        quoted ^= char == '"' && !escaped;
        escaped = char == '\\' && !escaped;
        text.push(char);
        rest = &rest[char.len_utf8()..];
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    pieces
}

/// The name in `<name>…`.
fn placeholder(text: &str) -> Option<&str> {
    let (name, _) = text.strip_prefix('<')?.split_once('>')?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    (!name.is_empty() && name.bytes().all(fits)).then_some(name)
}
