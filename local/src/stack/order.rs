//! In which order resources are made: each after those that it names.

use super::error::Fault;
use super::template::Template;
use super::tree::{Kind, Node};
use std::collections::{BTreeMap, BTreeSet};

/// A name that a value refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) line: usize,
    /// A resource, a parameter or a pseudo parameter.
    pub(super) name: String,
    /// For GetAtt and `${Resource.Attribute}`.
    pub(super) attribute: Option<String>,
}

/// Everything that a value refers to by Ref, GetAtt and Sub.
pub(super) fn references(node: &Node) -> Vec<Reference> {
    let mut found = Vec::new();
    walk(node, &mut found);
    found
}

fn walk(node: &Node, found: &mut Vec<Reference>) {
    match (node.call(), &node.kind) {
        (Some(("Ref", argument)), _) => {
            if let Some(name) = argument.as_text() {
                found.push(Reference { line: argument.line, name: name.to_owned(), attribute: None });
            }
        }
        (Some(("Fn::GetAtt", argument)), _) => match (get_att(argument), argument.as_list()) {
            (Some(reference), _) => found.push(reference),
            // An attribute whose name is computed.
            (None, Some([name, attribute])) => {
                found.extend(name.as_text().map(|name| named(argument.line, name)));
                walk(attribute, found);
            }
            (None, _) => {}
        },
        (Some(("Fn::Sub", argument)), _) => {
            let (text, variables) = match argument.as_list() {
                Some([text, variables]) => (text, Some(variables)),
                _ => (argument, None),
            };
            for name in text.as_text().map(placeholders).unwrap_or_default() {
                if variables.is_none_or(|variables| variables.get(&name).is_none()) {
                    found.push(named(text.line, &name));
                }
            }
            variables.iter().for_each(|variables| walk(variables, found));
        }
        (_, Kind::List(items)) => items.iter().for_each(|item| walk(item, found)),
        (_, Kind::Map(entries)) => entries.iter().for_each(|entry| walk(&entry.value, found)),
        (_, Kind::Scalar { .. }) => {}
    }
}

/// The argument of GetAtt: `[A, B]` or, in the long form, `A.B`.
pub(super) fn get_att(argument: &Node) -> Option<Reference> {
    let line = argument.line;
    if let Some(text) = argument.as_text() {
        let (name, attribute) = text.split_once('.')?;
        return Some(Reference { line, name: name.to_owned(), attribute: Some(attribute.to_owned()) });
    }
    let [name, attribute] = argument.as_list()? else { return None };
    Some(Reference { line, name: name.as_text()?.to_owned(), attribute: Some(attribute.as_text()?.to_owned()) })
}

/// What `${…}` names: `A` or `A.B`.
pub(super) fn named(line: usize, text: &str) -> Reference {
    match text.split_once('.') {
        Some((name, attribute)) => Reference { line, name: name.to_owned(), attribute: Some(attribute.to_owned()) },
        None => Reference { line, name: text.to_owned(), attribute: None },
    }
}

/// The names in `${…}`, without those escaped as `${!…}`.
fn placeholders(text: &str) -> Vec<String> {
    text.split("${")
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| name.trim().to_owned())
        .filter(|name| !name.starts_with('!'))
        .collect()
}

/// The resources that a resource waits for, by DependsOn or by what its properties name.
pub(super) fn dependencies(template: &Template, resource: &Node) -> BTreeSet<String> {
    let named = resource.get("Properties").map(references).unwrap_or_default().into_iter().map(|one| one.name);
    named
        .chain(depends_on(resource).into_iter().map(|one| one.name))
        .filter(|name| template.resource(name).is_some())
        .collect()
}

/// DependsOn: one name or a list.
pub(super) fn depends_on(resource: &Node) -> Vec<Reference> {
    let Some(node) = resource.get("DependsOn") else { return Vec::new() };
    let items = node.as_list().unwrap_or(std::slice::from_ref(node));
    let one = |item: &Node| Some(Reference { line: item.line, name: item.as_text()?.to_owned(), attribute: None });
    items.iter().filter_map(one).collect()
}

/// The resources in an order in which each comes after all that it depends on, otherwise as in the file.
pub(super) fn order(template: &Template) -> Result<Vec<String>, Fault> {
    let resources = template.section("Resources");
    let waits: BTreeMap<&str, BTreeSet<String>> =
        resources.iter().map(|entry| (entry.key.as_str(), dependencies(template, &entry.value))).collect();
    let mut ordered: Vec<String> = Vec::new();
    let mut left: Vec<&str> = resources.iter().map(|entry| entry.key.as_str()).collect();
    while !left.is_empty() {
        let ready = left.iter().position(|name| waits[name].iter().all(|one| ordered.contains(one)));
        match ready {
            Some(place) => ordered.push(left.remove(place).to_owned()),
            None => {
                let cycle = cycle(&waits, &ordered, left[0]);
                let line = template.resource(&cycle[0]).map_or(1, |entry| entry.line);
                let message = format!("circular dependency between resources: {}", cycle.join(" → "));
                return Err(Fault::new(line, message));
            }
        }
    }
    Ok(ordered)
}

/// A cycle, its first name again at the end. Every resource that is left waits for another that is left.
fn cycle(waits: &BTreeMap<&str, BTreeSet<String>>, ordered: &[String], start: &str) -> Vec<String> {
    let mut path = vec![start.to_owned()];
    loop {
        let last = path.last().expect("the path starts with one name").as_str();
        let Some(next) = waits[last].iter().find(|name| !ordered.contains(name)) else { return path };
        if let Some(place) = path.iter().position(|name| name == next) {
            path.push(next.clone());
            return path.split_off(place);
        }
        path.push(next.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn template(text: &str) -> Template {
        Template::parse(Path::new("t.yaml"), text).unwrap()
    }

    #[test]
    fn a_resource_comes_after_all_that_it_names() {
        let template = template(
            "Resources:\n  A: {Type: T, Properties: {X: !Sub '${B.Arn}/${!C}'}}\n  C: {Type: T, DependsOn: [A]}\n  \
             B: {Type: T, Properties: {X: {'Fn::Join': ['', [!GetAtt [D, !Sub '${P}']]]}}}\n  D: {Type: T}\n",
        );
        assert_eq!(order(&template).unwrap(), ["D", "B", "A", "C"]);
    }

    #[test]
    fn a_local_variable_of_sub_is_no_dependency() {
        let template = template(
            "Resources:\n  A: {Type: T, Properties: {X: !Sub ['${B}', {B: 1}]}}\n  B: {Type: T, DependsOn: A}\n",
        );
        assert_eq!(order(&template).unwrap(), ["A", "B"]);
    }

    #[test]
    fn a_cycle_is_named() {
        let template = template(
            "Resources:\n  X: {Type: T, DependsOn: A}\n  A: {Type: T, Properties: {P: !Ref B}}\n  B: {Type: T, Properties: {P: !GetAtt A.Arn}}\n",
        );
        let fault = order(&template).unwrap_err();
        assert_eq!(fault.message, "circular dependency between resources: A → B → A");
        assert_eq!(fault.line, 3);
    }
}
