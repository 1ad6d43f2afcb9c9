//! A template: its sections, from a file.

use super::error::{Fault, StackError};
use super::tree::{self, Entry, Node};
use super::{function, sam};
use serde_json::Value;
use std::path::{Path, PathBuf};

const SECTIONS: [&str; 11] = [
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Globals",
    "Hooks",
    "Mappings",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    "Rules",
];

/// A template that was read.
#[derive(Debug, Clone)]
pub struct Template {
    pub(super) file: PathBuf,
    /// The absolute folder that relative paths start from.
    pub(super) folder: PathBuf,
    pub(super) root: Node,
}

/// Reads a template. This is the only place of this module that does I/O.
///
/// # Errors
/// When the file can't be read, isn't YAML or JSON, or isn't a template.
pub fn read(file: &Path) -> Result<Template, StackError> {
    let unreadable = |error: std::io::Error| StackError {
        file: file.to_owned(),
        line: None,
        message: format!("the template can't be read: {error}"),
    };
    let text = std::fs::read_to_string(file).map_err(unreadable)?;
    let mut template = Template::parse(file, &text)?;
    template.folder = std::path::absolute(&template.folder).map_err(unreadable)?;
    Ok(template)
}

impl Template {
    /// A template from its text; `file` is what errors name.
    pub(super) fn parse(file: &Path, text: &str) -> Result<Self, StackError> {
        let root = tree::parse(text).and_then(sectioned).and_then(sam::spell_out);
        let folder = match file.parent() {
            Some(folder) if folder != Path::new("") => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        root.map(|root| Self { file: file.to_owned(), folder, root }).map_err(|fault| fault.at(file))
    }

    /// The entries of a section.
    pub(super) fn section(&self, name: &str) -> &[Entry] {
        self.root.get(name).map_or(&[], Node::entries)
    }

    pub(super) fn resource(&self, logical: &str) -> Option<&Entry> {
        self.section("Resources").iter().find(|entry| entry.key == logical)
    }

    /// Whether the template declares a parameter.
    pub fn has_parameter(&self, name: &str) -> bool {
        self.section("Parameters").iter().any(|entry| entry.key == name)
    }

    /// The template as JSON: functions in their long form and not evaluated, what SAM leaves implied spelled out.
    pub fn as_written(&self) -> Value {
        self.root.literal()
    }

    /// The code of all functions that can run here, in the order of the template: what has to be built
    /// before the stack's functions can be invoked.
    pub fn code_uris(&self) -> Vec<PathBuf> {
        let resources = self.section("Resources").iter();
        resources.filter_map(|entry| function::literal_code(&entry.value, &self.folder)).collect()
    }
}

fn sectioned(root: Node) -> Result<Node, Fault> {
    if !root.is_map() {
        return Err(Fault::new(root.line, "a template must be a map with the section Resources"));
    }
    for entry in root.entries() {
        if entry.key != "Transform" && !SECTIONS.contains(&entry.key.as_str()) {
            let message = format!("a template has no section {:?}: expected one of {}", entry.key, SECTIONS.join(", "));
            return Err(Fault::new(entry.line, message));
        }
    }
    match root.get("Resources") {
        Some(resources) if !resources.entries().is_empty() => Ok(root),
        _ => Err(Fault::new(root.line, "a template must have at least one resource in the section Resources")),
    }
}
