//! The intrinsic functions: a located tree becomes plain JSON. Pure.
//!
//! Source: "Intrinsic function reference" of the CloudFormation user guide.

use super::error::Fault;
use super::order::{Reference, get_att, named};
use super::template::Template;
use super::tree::{Kind, Node};
use base64::Engine;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// The functions that give a value.
pub(super) const VALUE_FUNCTIONS: [&str; 14] = [
    "Ref",
    "Fn::Base64",
    "Fn::Cidr",
    "Fn::FindInMap",
    "Fn::GetAtt",
    "Fn::GetAZs",
    "Fn::If",
    "Fn::ImportValue",
    "Fn::Join",
    "Fn::Length",
    "Fn::Select",
    "Fn::Split",
    "Fn::Sub",
    "Fn::ToJsonString",
];

/// The functions that give a truth value, in Conditions and Rules.
pub(super) const CONDITION_FUNCTIONS: [&str; 6] =
    ["Condition", "Fn::And", "Fn::Contains", "Fn::Equals", "Fn::Not", "Fn::Or"];

/// A resource that was made, as the rest of the template sees it.
#[derive(Debug, Clone, Default)]
pub(super) struct Made {
    /// What Ref gives.
    pub(super) reference: Value,
    /// What GetAtt gives.
    pub(super) attributes: BTreeMap<String, Value>,
}

/// What names stand for.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) template: &'a Template,
    /// Parameters and pseudo parameters.
    pub(super) values: &'a BTreeMap<String, Value>,
    pub(super) resources: &'a BTreeMap<String, Made>,
    pub(super) exports: &'a BTreeMap<String, Value>,
}

impl Scope<'_> {
    /// The value of a tree; `None` for `AWS::NoValue`, which removes what it stands for.
    pub(super) fn value(&self, node: &Node) -> Result<Option<Value>, Fault> {
        if let Some((function, argument)) = node.call() {
            return self.call(function, argument);
        }
        match &node.kind {
            Kind::Scalar { .. } => Ok(Some(node.literal())),
            Kind::List(items) => Ok(Some(Value::Array(self.items(items)?))),
            Kind::Map(entries) => {
                let mut map = Map::new();
                for entry in entries {
                    if let Some(value) = self.value(&entry.value)? {
                        map.insert(entry.key.clone(), value);
                    }
                }
                Ok(Some(Value::Object(map)))
            }
        }
    }

    /// A value that must be there.
    pub(super) fn present(&self, node: &Node) -> Result<Value, Fault> {
        self.value(node)?.ok_or_else(|| Fault::new(node.line, "AWS::NoValue can't stand here: a value is expected"))
    }

    /// A value that must be a string, or a number or boolean, which are written as one.
    pub(super) fn string(&self, node: &Node) -> Result<String, Fault> {
        text(&self.present(node)?).ok_or_else(|| Fault::new(node.line, "a string is expected here"))
    }

    /// Whether a named condition holds.
    pub(super) fn condition(&self, name: &str, line: usize) -> Result<bool, Fault> {
        let conditions = self.template.section("Conditions");
        match conditions.iter().find(|entry| entry.key == name) {
            Some(entry) => self.holds(&entry.value),
            None => Err(Fault::new(line, format!("there is no condition {name:?} in the section Conditions"))),
        }
    }

    /// Whether a condition function gives true.
    pub(super) fn holds(&self, node: &Node) -> Result<bool, Fault> {
        let [entry] = node.entries() else {
            return Err(Fault::new(node.line, "a condition function is expected, such as Fn::Equals"));
        };
        let (line, argument) = (entry.line, &entry.value);
        let wrong = |expected: &str| Fault::new(line, format!("{} takes {expected}", entry.key));
        match (entry.key.as_str(), argument.as_list()) {
            ("Condition", _) => self.condition(argument.as_text().ok_or_else(|| wrong("a name"))?, line),
            ("Fn::Equals", Some([left, right])) => Ok(same(&self.present(left)?, &self.present(right)?)),
            ("Fn::Equals", _) => Err(wrong("a list of two values")),
            ("Fn::Contains", Some([list, value])) => {
                let value = self.present(value)?;
                match self.present(list)? {
                    Value::Array(items) => Ok(items.iter().any(|item| same(item, &value))),
                    _ => Err(wrong("a list and a value")),
                }
            }
            ("Fn::Contains", _) => Err(wrong("a list and a value")),
            ("Fn::Not", Some([one])) => Ok(!self.holds(one)?),
            ("Fn::Not", _) => Err(wrong("a list of one condition")),
            ("Fn::And" | "Fn::Or", Some(all @ [_, _, ..])) if all.len() <= 10 => {
                let each = all.iter().map(|one| self.holds(one)).collect::<Result<Vec<_>, _>>()?;
                Ok(if entry.key == "Fn::And" { each.iter().all(|holds| *holds) } else { each.contains(&true) })
            }
            ("Fn::And" | "Fn::Or", _) => Err(wrong("a list of 2 to 10 conditions")),
            (other, _) => Err(Fault::new(line, unknown_function(other, &CONDITION_FUNCTIONS))),
        }
    }

    fn items(&self, items: &[Node]) -> Result<Vec<Value>, Fault> {
        let values = items.iter().map(|item| self.value(item)).collect::<Result<Vec<_>, _>>()?;
        Ok(values.into_iter().flatten().collect())
    }

    /// A list, given as one or by a function.
    fn list(&self, node: &Node, function: &str) -> Result<Vec<Value>, Fault> {
        match self.present(node)? {
            Value::Array(items) => Ok(items),
            _ => Err(Fault::new(node.line, format!("{function} takes a list here"))),
        }
    }

    fn call(&self, function: &str, argument: &Node) -> Result<Option<Value>, Fault> {
        let line = argument.line;
        let wrong = |expected: &str| Fault::new(line, format!("{function} takes {expected}"));
        let value = match (function, argument.as_list()) {
            ("Ref", _) => {
                let name = argument.as_text().ok_or_else(|| wrong("a name"))?;
                if name == "AWS::NoValue" {
                    return Ok(None);
                }
                self.look_up(&Reference { line, name: name.to_owned(), attribute: None })?
            }
            ("Fn::GetAtt", Some([name, attribute])) if attribute.as_text().is_none() => {
                // The attribute's name may itself be computed, such as Outputs.${X}.
                let attribute = Some(self.string(attribute)?);
                let name = name.as_text().ok_or_else(|| wrong("a resource and an attribute"))?.to_owned();
                self.look_up(&Reference { line, name, attribute })?
            }
            ("Fn::GetAtt", _) => {
                self.look_up(&get_att(argument).ok_or_else(|| wrong("a resource and an attribute"))?)?
            }
            ("Fn::Sub", Some([text, variables])) => Value::String(self.substitute(text, Some(variables))?),
            ("Fn::Sub", None) => Value::String(self.substitute(argument, None)?),
            ("Fn::Sub", _) => return Err(wrong("a string, or a string and a map of variables")),
            ("Fn::If", Some([condition, yes, no])) => {
                let name = condition.as_text().ok_or_else(|| wrong("a condition's name and two values"))?;
                return self.value(if self.condition(name, condition.line)? { yes } else { no });
            }
            ("Fn::If", _) => return Err(wrong("a condition's name and two values")),
            ("Fn::Join", Some([delimiter, list])) => {
                let delimiter = self.string(delimiter)?;
                let items = self.list(list, function)?;
                let texts: Option<Vec<_>> = items.iter().map(text).collect();
                Value::String(texts.ok_or_else(|| wrong("a delimiter and a list of strings"))?.join(&delimiter))
            }
            ("Fn::Join", _) => return Err(wrong("a delimiter and a list of strings")),
            ("Fn::Split", Some([delimiter, source])) => {
                let (delimiter, source) = (self.string(delimiter)?, self.string(source)?);
                source.split(&delimiter).map(Value::from).collect()
            }
            ("Fn::Split", _) => return Err(wrong("a delimiter and a string")),
            ("Fn::Select", Some([index, list])) => {
                let items = self.list(list, function)?;
                let index = self.string(index)?;
                let item = index.parse().ok().and_then(|index: usize| items.get(index).cloned());
                item.ok_or_else(|| {
                    wrong(&format!("an index within its list, which has {} items: {index}", items.len()))
                })?
            }
            ("Fn::Select", _) => return Err(wrong("an index and a list")),
            ("Fn::FindInMap", Some([map, first, second, rest @ ..])) => {
                self.find_in_map(line, [map, first, second], rest.first().and_then(|rest| rest.get("DefaultValue")))?
            }
            ("Fn::FindInMap", _) => return Err(wrong("a map's name and two keys")),
            ("Fn::ImportValue", _) => {
                let name = self.string(argument)?;
                let value = self.exports.get(&name).cloned();
                value.ok_or_else(|| {
                    Fault::new(
                        line,
                        format!("no export named {name:?}: deploy the stack that exports it before this one"),
                    )
                })?
            }
            ("Fn::Base64", _) => {
                Value::String(base64::engine::general_purpose::STANDARD.encode(self.string(argument)?))
            }
            ("Fn::GetAZs", _) => {
                let region = match self.string(argument)? {
                    region if region.is_empty() => self.values["AWS::Region"].as_str().unwrap_or_default().to_owned(),
                    region => region,
                };
                ["a", "b", "c"].iter().map(|zone| Value::from(format!("{region}{zone}"))).collect()
            }
            ("Fn::Cidr", Some([block, count, bits @ ..])) => {
                let bits = bits.first().map(|bits| self.string(bits)).transpose()?.unwrap_or_else(|| "8".to_owned());
                cidr(&self.string(block)?, &self.string(count)?, &bits).ok_or_else(|| {
                    wrong("an IPv4 block, a count of 1 to 256 and the number of subnet bits that fit it")
                })?
            }
            ("Fn::Cidr", _) => return Err(wrong("an address block, a count and the number of subnet bits")),
            ("Fn::Length", _) => self.list(argument, function)?.len().into(),
            ("Fn::ToJsonString", _) => Value::String(self.present(argument)?.to_string()),
            (other, _) => return Err(Fault::new(line, unknown_function(other, &VALUE_FUNCTIONS))),
        };
        Ok(Some(value))
    }

    fn look_up(&self, reference: &Reference) -> Result<Value, Fault> {
        let Reference { line, name, attribute } = reference;
        let missing = |what: String| Fault::new(*line, what);
        match attribute {
            None => match self.values.get(name).or_else(|| self.resources.get(name).map(|made| &made.reference)) {
                Some(value) => Ok(value.clone()),
                None => Err(missing(self.absent(name))),
            },
            Some(attribute) => {
                let made = self.resources.get(name).ok_or_else(|| missing(self.absent(name)))?;
                let value = made.attributes.get(attribute).cloned();
                value.ok_or_else(|| missing(format!("{name} has no attribute {attribute:?}")))
            }
        }
    }

    fn absent(&self, name: &str) -> String {
        match self.template.resource(name).and_then(|entry| entry.value.get_text("Condition")) {
            Some(condition) => format!("{name} isn't there to refer to: its condition {condition} doesn't hold"),
            None => format!("{name:?} is neither a parameter nor a resource of this template"),
        }
    }

    fn substitute(&self, template: &Node, variables: Option<&Node>) -> Result<String, Fault> {
        let line = template.line;
        let source =
            template.as_text().ok_or_else(|| Fault::new(line, "Fn::Sub takes a string that isn't computed"))?;
        let mut result = String::new();
        let mut rest = source;
        while let Some((before, after)) = rest.split_once("${") {
            result.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                return Err(Fault::new(line, "a ${ of Fn::Sub isn't closed by }"));
            };
            rest = after;
            if let Some(literal) = name.strip_prefix('!') {
                result.push_str(&format!("${{{literal}}}"));
                continue;
            }
            let name = name.trim();
            let value = match variables.and_then(|variables| variables.get(name)) {
                Some(variable) => self.present(variable)?,
                None => self.look_up(&named(line, name))?,
            };
            let text = text(&value)
                .ok_or_else(|| Fault::new(line, format!("${{{name}}} is a list or a map: Fn::Sub takes strings")))?;
            result.push_str(&text);
        }
        result.push_str(rest);
        Ok(result)
    }

    fn find_in_map(&self, line: usize, path: [&Node; 3], default: Option<&Node>) -> Result<Value, Fault> {
        let [map, first, second] = [self.string(path[0])?, self.string(path[1])?, self.string(path[2])?];
        let found = self
            .template
            .root
            .get("Mappings")
            .and_then(|maps| maps.get(&map))
            .and_then(|map| map.get(&first))
            .and_then(|map| map.get(&second));
        match (found, default) {
            (Some(node), _) => Ok(node.literal()),
            (None, Some(default)) => self.present(default),
            (None, None) => Err(Fault::new(line, format!("the mappings have no {map}.{first}.{second}"))),
        }
    }
}

/// A scalar as a string.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null => Some(String::new()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

fn same(left: &Value, right: &Value) -> bool {
    match (text(left), text(right)) {
        (Some(left), Some(right)) => left == right,
        _ => left == right,
    }
}

/// What to say of a function that isn't one of those that can stand in its place.
pub(super) fn unknown_function(name: &str, known: &[&str]) -> String {
    match name {
        "Fn::Transform" => "Fn::Transform isn't supported: expand the macro before the template is given".to_owned(),
        _ if name.starts_with("Fn::ForEach") => "Fn::ForEach isn't supported: write its resources out".to_owned(),
        _ if VALUE_FUNCTIONS.contains(&name) || CONDITION_FUNCTIONS.contains(&name) => {
            format!("{name} can't stand here: expected one of {}", known.join(", "))
        }
        _ => format!("{name:?} isn't a known function here: expected one of {}", known.join(", ")),
    }
}

fn cidr(block: &str, count: &str, bits: &str) -> Option<Value> {
    let (address, prefix) = block.split_once('/')?;
    let (address, prefix): (Ipv4Addr, u32) = (address.parse().ok()?, prefix.parse().ok()?);
    let (count, bits): (u32, u32) = (count.parse().ok()?, bits.parse().ok()?);
    let room = 1_u64.checked_shl(32_u32.checked_sub(bits)?.checked_sub(prefix)?)?;
    if !(1..=256).contains(&count) || u64::from(count) > room {
        return None;
    }
    let start = u64::from(address.to_bits()) & !((1_u64 << (32 - prefix)) - 1);
    let blocks = (0..u64::from(count)).map(|n| {
        let address = u32::try_from(start + (n << bits)).map(Ipv4Addr::from_bits).unwrap_or(address);
        Value::from(format!("{address}/{}", 32 - bits))
    });
    Some(blocks.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::path::Path;

    const TEMPLATE: &str = "
Mappings:
  Amis: {us-east-1: {id: ami-1, zones: [a, b]}}
Conditions:
  Yes: !Equals [!Ref Name, web]
  No: !Not [Condition: Yes]
  Both: !And [!Condition Yes, !Condition No]
  Either: !Or [Condition: Yes, !Condition No]
  Listed: !Contains [[a, web], !Ref Name]
Resources:
  Topic: {Type: T}
  Gone: {Type: T, Condition: No}
";

    fn with_scope<T>(run: impl FnOnce(Scope<'_>) -> T) -> T {
        let template = Template::parse(Path::new("t.yaml"), TEMPLATE).unwrap();
        let values = [
            ("AWS::Region", json!("us-east-1")),
            ("Name", json!("web")),
            ("Count", json!(2)),
            ("Prefix", json!("vpc")),
            ("Subnets", json!(["s-1", "s-2"])),
        ];
        let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let attributes = [("TopicName".to_owned(), json!("t")), ("A.B".to_owned(), json!("nested"))].into();
        let resources = [("Topic".to_owned(), Made { reference: json!("arn:t"), attributes })].into();
        let exports = [("vpc-id".to_owned(), json!("vpc-1"))].into();
        run(Scope { template: &template, values: &values, resources: &resources, exports: &exports })
    }

    fn value(text: &str) -> Result<Option<Value>, Fault> {
        with_scope(|scope| scope.value(&super::super::tree::parse(text).unwrap()))
    }

    #[test]
    fn the_functions_give_what_cloudformation_gives() {
        for (text, expected) in [
            ("!Ref Name", json!("web")),
            ("{Ref: Topic}", json!("arn:t")),
            ("!GetAtt Topic.TopicName", json!("t")),
            ("Fn::GetAtt: [Topic, A.B]", json!("nested")),
            ("!Sub '${Name}-${AWS::Region}-${Topic.TopicName}-${!Literal}'", json!("web-us-east-1-t-${Literal}")),
            ("!Sub ['${A}/${Name}', {A: !Ref Count}]", json!("2/web")),
            ("!Join ['-', [a, !Ref Name, 1]]", json!("a-web-1")),
            ("!Join [',', !Ref Subnets]", json!("s-1,s-2")),
            ("!Select [1, !Ref Subnets]", json!("s-2")),
            ("!Select ['0', !Split ['/', 'a/b']]", json!("a")),
            ("!FindInMap [Amis, !Ref 'AWS::Region', id]", json!("ami-1")),
            ("!FindInMap [Amis, us-east-1, zones]", json!(["a", "b"])),
            ("!FindInMap [Amis, us-west-1, id, {DefaultValue: none}]", json!("none")),
            ("!If [Yes, {a: !Ref Name}, b]", json!({"a": "web"})),
            ("!If [Either, 1, 2]", json!(1)),
            ("!If [Both, 1, 2]", json!(2)),
            ("!If [Listed, 1, 2]", json!(1)),
            ("!ImportValue vpc-id", json!("vpc-1")),
            ("Fn::ImportValue: !Sub '${Prefix}-id'", json!("vpc-1")),
            ("!Base64 hello", json!("aGVsbG8=")),
            ("!GetAZs ''", json!(["us-east-1a", "us-east-1b", "us-east-1c"])),
            ("!Cidr [10.0.0.0/16, 2, 8]", json!(["10.0.0.0/24", "10.0.1.0/24"])),
            ("!Select [1, !Cidr [10.0.0.0/24, 3, 5]]", json!("10.0.0.32/27")),
            ("{a: !Ref AWS::NoValue, b: [!Ref AWS::NoValue, 1]}", json!({"b": [1]})),
            ("Fn::ToJsonString: {a: !Ref Count}", json!("{\"a\":2}")),
            ("Fn::Length: !Ref Subnets", json!(2)),
        ] {
            assert_eq!(value(text), Ok(Some(expected)), "{text}");
        }
        assert_eq!(value("!If [No, 1, !Ref AWS::NoValue]"), Ok(None));
    }

    #[test]
    fn what_can_not_be_evaluated_says_why() {
        for (text, why) in [
            ("!Ref Other", "\"Other\" is neither a parameter nor a resource"),
            ("!Ref Gone", "its condition No doesn't hold"),
            ("!GetAtt Topic.Owner", "Topic has no attribute \"Owner\""),
            ("!ImportValue none", "no export named \"none\""),
            ("!Select [2, !Ref Subnets]", "which has 2 items"),
            ("!Sub '${Subnets}'", "is a list or a map"),
            ("!Sub '${Name'", "isn't closed"),
            ("!FindInMap [Amis, a, b]", "the mappings have no Amis.a.b"),
            ("!If [Never, 1, 2]", "no condition \"Never\""),
            ("!Cidr [10.0.0.0/24, 300, 4]", "IPv4 block"),
            ("Fn::Transform: {Name: AWS::Include}", "isn't supported"),
            ("Fn::Upper: a", "isn't a known function"),
        ] {
            let fault = value(text).expect_err(text);
            assert!(fault.message.contains(why), "{text}: {}", fault.message);
        }
    }
}
