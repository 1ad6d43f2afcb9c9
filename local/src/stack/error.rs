//! What is wrong with a template or its deployment.

use std::fmt;
use std::path::{Path, PathBuf};

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackError {
    /// The template.
    pub file: PathBuf,
    /// The line, counted from 1; `None` when the whole file is meant.
    pub line: Option<usize>,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl fmt::Display for StackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file.display(), self.message),
            None => write!(f, "{}: {}", self.file.display(), self.message),
        }
    }
}

impl std::error::Error for StackError {}

/// Everything that is wrong, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct StackErrors(pub Vec<StackError>);

/// Something that is wrong in the template at hand: a line and a sentence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fault {
    pub(super) line: usize,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(line: usize, message: impl Into<String>) -> Self {
        Self { line, message: message.into() }
    }

    pub(super) fn at(self, file: &Path) -> StackError {
        StackError { file: file.to_owned(), line: Some(self.line), message: self.message }
    }
}

/// The faults of one template as errors, in the order of its lines, each once.
pub(super) fn collect(file: &Path, mut faults: Vec<Fault>) -> StackErrors {
    faults.sort();
    faults.dedup();
    StackErrors(faults.into_iter().map(|fault| fault.at(file)).collect())
}

/// Why a resource can't be made: a sentence, and the property that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) property: Option<String>,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { property: None, message: message.into() }
    }

    /// A refusal of a property, by its path.
    pub(super) fn of(property: &str, message: impl Into<String>) -> Self {
        Self { property: Some(property.to_owned()), message: message.into() }
    }

    /// A property that the type doesn't have.
    pub(super) fn unsupported(path: &str) -> Self {
        Self::of(path, format!("Encountered unsupported property {path}"))
    }
}

/// Refuses the properties that a type doesn't have.
pub(super) fn only(properties: &serde_json::Value, known: &[&str]) -> Result<(), Vec<Refusal>> {
    let names = properties.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
    let unknown: Vec<_> = names.filter(|name| !known.contains(name)).map(Refusal::unsupported).collect();
    if unknown.is_empty() { Ok(()) } else { Err(unknown) }
}
