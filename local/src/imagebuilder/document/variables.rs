//! The parameters and constants of a component's document.

use super::Node;
use serde_json::{Map, Value, json};

/// The types of parameters, as answers spell them; documents begin them in lower case.
const TYPES: [&str; 4] = ["String", "Integer", "Boolean", "StringList"];

/// The parameters, as GetComponent answers them; the constants are checked, for they share the parameters' names.
///
/// # Errors
/// What is wrong with them and in which line, in words.
pub(super) fn read(root: &Node) -> Result<Vec<Value>, String> {
    let (mut names, mut parameters) = (Vec::new(), Vec::new());
    for (name, about) in declared(root, "constants", "A constant", &mut names)? {
        if about.get("type").and_then(Node::text) != Some("string") {
            return Err(about.fault(&format!("The constant {name:?} must have the type string.")));
        }
        if about.get("value").and_then(Node::text).is_none() {
            return Err(about.fault(&format!("The constant {name:?} has no value.")));
        }
    }
    for (name, about) in declared(root, "parameters", "A parameter", &mut names)? {
        let spelled = about.get("type").and_then(Node::text).map(capitalised);
        let Some(kind) = spelled.filter(|kind| TYPES.contains(&kind.as_str())) else {
            let expected = "string, integer, boolean or stringList";
            return Err(about.fault(&format!("The parameter {name:?} must have the type {expected}.")));
        };
        let mut parameter = Map::from_iter([("name".to_owned(), json!(name)), ("type".to_owned(), kind.into())]);
        if let Some(default) = about.get("default") {
            let values: Vec<&str> = match default.text() {
                Some(text) => vec![text],
                None => default.items("default")?.iter().filter_map(Node::text).collect(),
            };
            parameter.insert("defaultValue".to_owned(), json!(values));
        }
        if let Some(description) = about.get("description").and_then(Node::text) {
            parameter.insert("description".to_owned(), description.into());
        }
        parameters.push(parameter.into());
    }
    Ok(parameters)
}

/// What a section declares: a list of mappings from a name to what it is. `names` takes the names, each once.
fn declared<'a>(
    root: &'a Node,
    section: &str,
    what: &str,
    names: &mut Vec<&'a str>,
) -> Result<Vec<(&'a str, &'a Node)>, String> {
    let mut found = Vec::new();
    let Some(list) = root.get(section) else { return Ok(found) };
    for item in list.items(section)? {
        for (key, about) in item.mapping(what)? {
            let name = key.text().filter(|name| is_name(name)).ok_or_else(|| {
                let rule = "must have a name of 3 to 128 letters, digits, dashes and underscores";
                item.fault(&format!("{what} {rule}."))
            })?;
            if names.contains(&name) {
                return Err(item.fault(&format!("The name {name:?} is declared twice.")));
            }
            about.mapping(&format!("{what} {name:?}"))?;
            names.push(name);
            found.push((name, about));
        }
    }
    Ok(found)
}

fn is_name(text: &str) -> bool {
    (3..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
