//! What is wrong with a template before anything is made: all of it, not just the first.

use super::error::Fault;
use super::evaluate::{CONDITION_FUNCTIONS, VALUE_FUNCTIONS, unknown_function};
use super::order::{depends_on, references};
use super::template::Template;
use super::tree::{Entry, Kind, Node};
use super::{parameters, types};
use std::collections::BTreeSet;

const ATTRIBUTES_OF_RESOURCES: [&str; 11] = [
    "Condition",
    "CreationPolicy",
    "DeletionPolicy",
    "DependsOn",
    "IgnoreGlobals",
    "Metadata",
    "Properties",
    "Type",
    "UpdatePolicy",
    "UpdateReplacePolicy",
    "Version",
];

const PSEUDO_PARAMETERS: [&str; 8] = [
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
];

/// All faults that show without knowing any value.
pub(super) fn check(template: &Template) -> Vec<Fault> {
    let mut faults = Vec::new();
    transforms(template, &mut faults);
    faults.extend(template.section("Parameters").iter().filter_map(|entry| parameters::kind(entry).err()));
    for entry in template.section("Resources") {
        resource(template, entry, &mut faults);
    }
    for entry in template.section("Outputs") {
        match entry.value.get("Value") {
            Some(node) => value(template, node, &mut faults),
            None => faults.push(Fault::new(entry.line, format!("the output {} has no Value", entry.key))),
        }
        entry.value.get("Condition").iter().for_each(|node| condition_name(template, node, &mut faults));
    }
    for entry in template.section("Conditions") {
        condition(template, &entry.value, &mut vec![&entry.key], &mut faults);
    }
    faults
}

fn transforms(template: &Template, faults: &mut Vec<Fault>) {
    let Some(node) = template.root.get("Transform") else { return };
    for item in node.as_list().unwrap_or(std::slice::from_ref(node)) {
        let name = item.as_text().or_else(|| item.get_text("Name")).unwrap_or_default();
        if !["AWS::Serverless-2016-10-31", "AWS::LanguageExtensions"].contains(&name) {
            let message = format!("the transform {name:?} isn't supported: expected AWS::Serverless-2016-10-31");
            faults.push(Fault::new(item.line, message));
        }
    }
}

fn resource(template: &Template, entry: &Entry, faults: &mut Vec<Fault>) {
    let logical = &entry.key;
    if logical.starts_with("Fn::") {
        faults.push(Fault::new(entry.line, unknown_function(logical, &[])));
        return;
    }
    for attribute in entry.value.entries() {
        if !ATTRIBUTES_OF_RESOURCES.contains(&attribute.key.as_str()) {
            let expected = ATTRIBUTES_OF_RESOURCES.join(", ");
            let message = format!("{logical}: a resource has no {:?}: expected one of {expected}", attribute.key);
            faults.push(Fault::new(attribute.line, message));
        }
    }
    match entry.value.get("Type").map(|node| (node.line, node.as_text().unwrap_or_default())) {
        None => faults.push(Fault::new(entry.line, format!("{logical} has no Type"))),
        Some((line, kind)) => {
            if let Err(why) = types::known(kind) {
                faults.push(Fault::new(line, format!("{logical}: {why}")));
            }
        }
    }
    for one in depends_on(&entry.value) {
        if template.resource(&one.name).is_none() {
            let message = format!("{logical} depends on {:?}, which isn't a resource of this template", one.name);
            faults.push(Fault::new(one.line, message));
        }
    }
    entry.value.get("Condition").iter().for_each(|node| condition_name(template, node, faults));
    entry.value.get("Properties").iter().for_each(|node| value(template, node, faults));
}

/// Functions, and the names and attributes that they refer to.
fn value(template: &Template, node: &Node, faults: &mut Vec<Fault>) {
    functions(template, node, faults);
    for reference in references(node) {
        let (line, name) = (reference.line, &reference.name);
        let resource = template.resource(name);
        let parameter = template.section("Parameters").iter().any(|entry| entry.key == *name);
        match (resource, &reference.attribute) {
            (Some(entry), Some(attribute)) => {
                let kind = entry.value.get_text("Type").unwrap_or_default();
                if types::is_custom(kind) {
                    faults.push(Fault::new(line, answered(name, kind)));
                } else if types::known(kind).is_ok() && !types::has_attribute(kind, attribute) {
                    let message = format!("{name} is of type {kind}, which has no attribute {attribute:?} here");
                    faults.push(Fault::new(line, message));
                }
            }
            (Some(entry), None) if entry.value.get_text("Type").is_some_and(types::is_custom) => {
                faults.push(Fault::new(line, answered(name, entry.value.get_text("Type").unwrap_or_default())));
            }
            (None, Some(attribute)) => {
                faults
                    .push(Fault::new(line, format!("{name}.{attribute}: {name:?} isn't a resource of this template")));
            }
            (None, None) if !parameter && !PSEUDO_PARAMETERS.contains(&name.as_str()) => {
                faults
                    .push(Fault::new(line, format!("{name:?} is neither a parameter nor a resource of this template")));
            }
            _ => {}
        }
    }
}

/// A custom resource is let be until someone wants to know what it is.
fn answered(name: &str, kind: &str) -> String {
    format!(
        "{name} is a custom resource ({kind}), whose function isn't called here: what Ref and Fn::GetAtt give of it isn't known"
    )
}

fn functions(template: &Template, node: &Node, faults: &mut Vec<Fault>) {
    match &node.kind {
        Kind::Scalar { .. } => {}
        Kind::List(items) => items.iter().for_each(|item| functions(template, item, faults)),
        Kind::Map(entries) => {
            for entry in entries {
                let function = entry.key.starts_with("Fn::");
                if function && (entries.len() > 1 || !VALUE_FUNCTIONS.contains(&entry.key.as_str())) {
                    let message = match entries.len() {
                        1 => unknown_function(&entry.key, &VALUE_FUNCTIONS),
                        _ => format!("{} must stand alone in its map", entry.key),
                    };
                    faults.push(Fault::new(entry.line, message));
                }
                if entry.key == "Fn::If"
                    && let Some([name, ..]) = entry.value.as_list()
                {
                    condition_name(template, name, faults);
                }
                functions(template, &entry.value, faults);
            }
        }
    }
}

fn condition_name(template: &Template, node: &Node, faults: &mut Vec<Fault>) {
    let name = node.as_text().unwrap_or_default();
    if !template.section("Conditions").iter().any(|entry| entry.key == name) {
        faults.push(Fault::new(node.line, format!("there is no condition {name:?} in the section Conditions")));
    }
}

/// A condition's functions; `within` holds the conditions that led here, for a cycle can't be evaluated.
fn condition<'a>(template: &'a Template, node: &'a Node, within: &mut Vec<&'a str>, faults: &mut Vec<Fault>) {
    let [entry] = node.entries() else {
        faults.push(Fault::new(node.line, "a condition function is expected, such as Fn::Equals"));
        return;
    };
    match (entry.key.as_str(), entry.value.as_text(), entry.value.as_list()) {
        ("Condition", Some(name), _) if within.contains(&name) => {
            faults.push(Fault::new(entry.line, format!("circular condition: {} → {name}", within.join(" → "))));
        }
        ("Condition", Some(name), _) => match template.section("Conditions").iter().find(|other| other.key == name) {
            Some(other) => {
                within.push(name);
                condition(template, &other.value, within, faults);
                within.pop();
            }
            None => condition_name(template, &entry.value, faults),
        },
        ("Fn::And" | "Fn::Or" | "Fn::Not", _, Some(items)) => {
            items.iter().for_each(|item| condition(template, item, within, faults));
        }
        ("Fn::Equals" | "Fn::Contains", _, Some(items)) => {
            let resources: BTreeSet<_> = template.section("Resources").iter().map(|entry| &entry.key).collect();
            for item in items {
                value(template, item, faults);
                for one in references(item).iter().filter(|one| resources.contains(&one.name)) {
                    let message = format!("a condition can't refer to the resource {}", one.name);
                    faults.push(Fault::new(one.line, message));
                }
            }
        }
        (name, ..) => faults.push(Fault::new(entry.line, unknown_function(name, &CONDITION_FUNCTIONS))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn everything_wrong_is_reported_with_its_line() {
        let text = "\
Transform: [AWS::Serverless-2016-10-31, MyMacro]
Conditions:
  A: !Condition B
  B: !Not [!Condition A]
Resources:
  Fn::ForEach::Topics: [Name, [a, b], {'${Name}': {Type: AWS::SNS::Topic}}]
  Unknown: {Type: AWS::Quantum::Computer}
  Custom: {Type: Custom::Thing, Properties: {ServiceToken: !GetAtt Other.Answer}}
  Other: {Type: AWS::CloudFormation::CustomResource, Properties: {ServiceToken: !Sub 'arn:${Custom}'}}
  Nested: {Type: AWS::CloudFormation::Stack}
  Topic:
    Type: AWS::SNS::Topic
    DependsOn: Nowhere
    Condition: C
    Properties:
      TopicName: !Upper a
      DisplayName: !GetAtt Topic2.TopicName
      Tags: !If [D, !Ref Missing, '']
  Topic2: {Type: AWS::SNS::Topic, Propertys: {}}
Outputs:
  Bad: {Value: !GetAtt Topic2.Owner}
Parameters:
  Odd: {Type: Sting}
";
        let template = Template::parse(Path::new("t.yaml"), text).unwrap();
        let mut faults = check(&template);
        faults.sort();
        faults.dedup();
        let lines: Vec<_> = faults.iter().map(|fault| fault.line).collect();
        assert_eq!(lines, [1, 3, 4, 6, 7, 8, 9, 10, 13, 14, 16, 18, 18, 19, 21, 23], "{faults:#?}");
    }

    #[test]
    fn what_is_right_is_not_reported() {
        let text = "\
Parameters: {P: {Type: String}}
Conditions: {A: !Equals [!Ref P, !Ref AWS::Region]}
Resources:
  Topic: {Type: AWS::SNS::Topic, Condition: A, Properties: {TopicName: !Sub '${P}${!X}'}}
  Empty: {Type: 'Custom::EmptyBucket', Version: '1.0', DependsOn: Topic, Properties: {ServiceToken: !Ref Topic}}
  Role: {Type: AWS::IAM::Role, DependsOn: Empty, Properties: {AssumeRolePolicyDocument: {Statement: [{Condition: {Bool: {a: !GetAtt Topic.TopicName}}}]}}}
";
        assert_eq!(check(&Template::parse(Path::new("t.yaml"), text).unwrap()), []);
    }
}
