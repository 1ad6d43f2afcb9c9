//! The values of a template's parameters: given, by default, or made up where a value is missing.

use super::error::Fault;
use super::template::Template;
use super::tree::{Entry, Node};
use crate::draw::Seed;
use fancy_regex::Regex;
use serde_json::Value;
use std::collections::BTreeMap;

const LOOK_UP: &str = "AWS::SSM::Parameter::Value<";

/// Values that are tried for a parameter whose AllowedPattern its made-up value doesn't match.
const SAMPLES: [&str; 17] = [
    "1.0.0",
    "1.0.x",
    "1",
    "111122223333",
    "o-exampleorg1",
    "ou-abcd-12345678",
    "10.0.0.0/16",
    "someone@example.com",
    "s3://example-bucket/example.tar.gz",
    "s3://example-bucket/example.zip",
    "https://example.com/",
    "arn:aws:iam::123456789012:role/example",
    "rate(1 day)",
    "/example/parameter",
    "example",
    "Example",
    "t3.medium",
];

/// A parameter with a value, before Parameter Store was asked for it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) value: Source,
    /// Whether there was neither a given value nor a default.
    pub(super) made_up: bool,
}

/// Where a parameter's value comes from.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Source {
    /// It is known.
    Known(Value),
    /// It is what a parameter in Parameter Store holds: its name, and the type of what it holds. A default names a
    /// parameter of its author's account: `otherwise` stands for it where there is none.
    Stored { name: String, kind: String, otherwise: Option<String> },
}

/// The parameters of a template with the values that were given. All faults at once.
pub(super) fn parameters(
    template: &Template,
    given: &BTreeMap<String, String>,
    seed: Seed,
) -> Result<Vec<Parameter>, Vec<Fault>> {
    let declared = template.section("Parameters");
    let mut faults = Vec::new();
    for name in given.keys().filter(|name| declared.iter().all(|entry| entry.key != **name)) {
        faults.push(Fault::new(1, format!("a value is given for {name:?}, which isn't a parameter of this template")));
    }
    let mut values = Vec::new();
    for entry in declared {
        match parameter(entry, given.get(&entry.key), seed) {
            Ok(parameter) => values.push(parameter),
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { Ok(values) } else { Err(faults) }
}

fn parameter(entry: &Entry, given: Option<&String>, seed: Seed) -> Result<Parameter, Fault> {
    let (name, line, node) = (entry.key.clone(), entry.line, &entry.value);
    let (kind, stored) = self::kind(entry)?;
    let (text, made_up) = match (given, node.get("Default")) {
        (Some(text), _) => (text.clone(), false),
        (None, Some(default)) => {
            let text = default.as_text();
            (text.ok_or_else(|| Fault::new(line, format!("the default of {name} must be a string")))?.to_owned(), false)
        }
        (None, None) => (made_up_value(&name, stored.unwrap_or(kind), node, seed), true),
    };
    // A made-up value keeps to the constraints where it can; a person is told of it anyway.
    if !made_up {
        allowed(&name, kind, node, &text).map_err(|why| Fault::new(line, why))?;
    }
    let value = match stored {
        Some(kind) if !made_up => {
            let otherwise = given.is_none().then(|| made_up_value(&name, kind, node, seed));
            Source::Stored { name: text, kind: kind.to_owned(), otherwise }
        }
        Some(kind) => Source::Known(typed(kind, &text)),
        None => Source::Known(typed(kind, &text)),
    };
    Ok(Parameter { name, line, value, made_up })
}

/// A parameter's type and, if it is a parameter of Parameter Store, the type of what that one holds.
pub(super) fn kind(entry: &Entry) -> Result<(&str, Option<&str>), Fault> {
    let Entry { key: name, line, value, .. } = entry;
    let kind = value.get_text("Type");
    let kind = kind.ok_or_else(|| Fault::new(*line, format!("the parameter {name} has no Type")))?;
    let stored = kind.strip_prefix(LOOK_UP).and_then(|kind| kind.strip_suffix('>'));
    if !is_kind(stored.unwrap_or(kind)) && kind != "AWS::SSM::Parameter::Name" {
        return Err(Fault::new(*line, format!("the parameter {name} has the unknown type {kind:?}")));
    }
    Ok((kind, stored))
}

fn is_kind(kind: &str) -> bool {
    let item = kind.strip_prefix("List<").and_then(|kind| kind.strip_suffix('>')).unwrap_or(kind);
    ["String", "Number", "CommaDelimitedList"].contains(&item)
        || (item.starts_with("AWS::EC2::") || item.starts_with("AWS::Route53::"))
}

fn is_list(kind: &str) -> bool {
    kind == "CommaDelimitedList" || kind.starts_with("List<")
}

/// A text as the value of a type. Numbers stay strings, as CloudFormation has them.
pub(super) fn typed(kind: &str, text: &str) -> Value {
    if is_list(kind) { text.split(',').map(|item| Value::from(item.trim())).collect() } else { Value::from(text) }
}

/// Whether a value keeps to a parameter's constraints; says which one it breaks.
fn allowed(name: &str, kind: &str, node: &Node, text: &str) -> Result<(), String> {
    let explain = |why: String| match node.get_text("ConstraintDescription") {
        Some(description) => format!("the parameter {name} can't be {text:?}: {description}"),
        None => format!("the parameter {name} can't be {text:?}: {why}"),
    };
    let items: Vec<&str> = if is_list(kind) { text.split(',').map(str::trim).collect() } else { vec![text] };
    let bound = |key: &str| node.get_text(key).and_then(|bound| bound.parse::<f64>().ok());
    for item in &items {
        if let Some(values) = node.get("AllowedValues").and_then(Node::as_list) {
            let values: Vec<_> = values.iter().filter_map(Node::as_text).collect();
            if !values.contains(item) {
                return Err(explain(format!("expected one of {}", values.join(", "))));
            }
        }
        if let Some(pattern) = node.get_text("AllowedPattern") {
            // The whole value must match, as in Java's `matches`.
            let regex = Regex::new(&format!("^(?:{pattern})$"))
                .map_err(|error| format!("the AllowedPattern of {name} can't be read: {error}"))?;
            if !regex.is_match(item).unwrap_or(false) {
                return Err(explain(format!("it must match {pattern}")));
            }
        }
        if kind == "Number" || kind == "List<Number>" {
            let number = item.parse::<f64>().map_err(|_| explain("it must be a number".to_owned()))?;
            if bound("MinValue").is_some_and(|least| number < least)
                || bound("MaxValue").is_some_and(|most| number > most)
            {
                return Err(explain("it is outside MinValue and MaxValue".to_owned()));
            }
        }
    }
    let length = text.chars().count() as f64;
    if bound("MinLength").is_some_and(|least| length < least) || bound("MaxLength").is_some_and(|most| length > most) {
        return Err(explain("its length is outside MinLength and MaxLength".to_owned()));
    }
    Ok(())
}

/// A value for a parameter that has none, of its type and, where a common form does, within its constraints.
fn made_up_value(name: &str, kind: &str, node: &Node, seed: Seed) -> String {
    if let Some(first) = node.get("AllowedValues").and_then(Node::as_list).and_then(|values| values.first()?.as_text())
    {
        return first.to_owned();
    }
    let id = |prefix: &str| format!("{prefix}-{}", seed.hex(&["parameter", name], 17));
    let item = kind.strip_prefix("List<").and_then(|kind| kind.strip_suffix('>')).unwrap_or(kind);
    let lower = name.to_lowercase();
    let of_type = match item {
        "AWS::EC2::AvailabilityZone::Name" => "us-east-1a".to_owned(),
        "AWS::EC2::Image::Id" => id("ami"),
        "AWS::EC2::Instance::Id" => id("i"),
        "AWS::EC2::SecurityGroup::Id" => id("sg"),
        "AWS::EC2::Subnet::Id" => id("subnet"),
        "AWS::EC2::VPC::Id" => id("vpc"),
        "AWS::EC2::Volume::Id" => id("vol"),
        "AWS::Route53::HostedZone::Id" => format!("Z{}", seed.hex(&["parameter", name], 16).to_uppercase()),
        "Number" => node.get_text("MinValue").unwrap_or("1").to_owned(),
        // The name says what a plain string holds, often enough.
        _ if lower.contains("subnetid") => id("subnet"),
        _ if lower.contains("vpcid") => id("vpc"),
        _ if lower.contains("securitygroup") => id("sg"),
        _ if lower.contains("amiid") || lower.contains("imageid") => id("ami"),
        _ if lower.ends_with("version") => "1.0.0".to_owned(),
        _ => by_name(&lower).map_or_else(|| dashed(name), str::to_owned),
    };
    let fits = |text: &str| allowed(name, kind, node, text).is_ok();
    let candidates = std::iter::once(of_type.as_str()).chain(SAMPLES);
    candidates.into_iter().find(|text| fits(text)).unwrap_or(&of_type).to_owned()
}

/// What a parameter's name says of its form.
fn by_name(lower: &str) -> Option<&'static str> {
    const FORMS: [(&str, &str); 8] = [
        ("email", "someone@example.com"),
        ("accountid", "111122223333"),
        ("organizationid", "o-exampleorg1"),
        ("region", "us-east-1"),
        ("cidr", "10.0.0.0/16"),
        ("instancetype", "t3.medium"),
        ("rolearn", "arn:aws:iam::123456789012:role/example"),
        ("parentimage", "arn:aws:imagebuilder:us-east-1:aws:image/amazon-linux-2023-x86/x.x.x"),
    ];
    FORMS.iter().find(|(part, _)| lower.contains(part)).map(|(_, form)| *form)
}

/// `LogBucketName` → `log-bucket-name`.
fn dashed(name: &str) -> String {
    let mut result = String::new();
    let mut after_lower = false;
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && after_lower {
            result.push('-');
        }
        after_lower = !letter.is_ascii_uppercase();
        result.push(letter.to_ascii_lowercase());
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::path::Path;

    fn values(text: &str, given: &[(&str, &str)]) -> Result<Vec<Parameter>, Vec<Fault>> {
        let text = format!("Resources: {{A: {{Type: T}}}}\nParameters:\n{text}");
        let template = Template::parse(Path::new("t.yaml"), &text).unwrap();
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        parameters(&template, &given, Seed(1))
    }

    fn value(text: &str, given: &[(&str, &str)]) -> Source {
        values(&format!("  {text}"), given).unwrap().remove(0).value
    }

    #[test]
    fn a_given_value_goes_before_the_default() {
        assert_eq!(value("A: {Type: String, Default: x}", &[("A", "y")]), Source::Known(json!("y")));
        assert_eq!(value("A: {Type: String, Default: x}", &[]), Source::Known(json!("x")));
        assert_eq!(value("A: {Type: Number, Default: 5}", &[]), Source::Known(json!("5")));
        assert_eq!(value("A: {Type: CommaDelimitedList, Default: 'a, b'}", &[]), Source::Known(json!(["a", "b"])));
        let declared = "A: {Type: 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>', Default: /x}";
        let kind = "AWS::EC2::Image::Id".to_owned();
        let Source::Stored { otherwise: Some(otherwise), .. } = value(declared, &[]) else { panic!() };
        assert!(otherwise.starts_with("ami-"));
        let of_the_given = Source::Stored { name: "/y".into(), kind, otherwise: None };
        assert_eq!(value(declared, &[("A", "/y")]), of_the_given);
    }

    #[test]
    fn a_missing_value_is_made_up_of_its_type() {
        for (text, start) in [
            ("A: {Type: 'AWS::EC2::Subnet::Id'}", "subnet-"),
            ("A: {Type: String, AllowedValues: [small, large]}", "small"),
            ("LogBucketName: {Type: String}", "log-bucket-name"),
            ("A: {Type: Number, MinValue: 7}", "7"),
            ("A: {Type: String, AllowedPattern: '^o-[a-z0-9]{10,32}$'}", "o-exampleorg1"),
            ("A: {Type: String, AllowedPattern: '\\d{12}'}", "111122223333"),
            ("SourceAmiId: {Type: String}", "ami-"),
            ("NotificationEmail: {Type: String}", "someone@example.com"),
            ("ShareWithAccountIds: {Type: String}", "111122223333"),
            ("TargetRegion: {Type: String}", "us-east-1"),
            ("ParentImageArn: {Type: String}", "arn:aws:imagebuilder:us-east-1:aws:image/"),
        ] {
            let made = values(&format!("  {text}"), &[]).unwrap().remove(0);
            let Source::Known(Value::String(value)) = &made.value else { panic!("{text}: {made:?}") };
            assert!(value.starts_with(start) && made.made_up, "{text}: {value}");
        }
        let Source::Known(list) = value("A: {Type: 'List<AWS::EC2::SecurityGroup::Id>'}", &[]) else { panic!() };
        assert!(list[0].as_str().unwrap().starts_with("sg-"));
    }

    #[test]
    fn constraints_are_checked_all_at_once() {
        let text = "  A: {Type: String, AllowedValues: [x]}\n  B: {Type: Number, MaxValue: 3, Default: 4}\n  \
                    C: {Type: String, AllowedPattern: '[a-z]+', ConstraintDescription: lower case only, Default: A1}\n  \
                    D: {Type: String, MinLength: 2, Default: a}\n  E: {Type: Strange}\n  F: {Type: Number, Default: a}\n";
        let faults = values(text, &[("A", "y"), ("Z", "1")]).unwrap_err();
        let found: Vec<_> = faults.iter().map(|fault| fault.line).collect();
        assert_eq!(found, [1, 3, 4, 5, 6, 7, 8], "{faults:#?}");
        assert!(faults[3].message.contains("lower case only"));
    }
}
