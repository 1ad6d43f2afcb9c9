//! Content filters: EventBridge's event patterns and SNS's filter policies, which share their operators.
//!
//! A pattern is an object whose leaves are lists of conditions: an event matches when every named field holds
//! a value that one of its conditions takes. A list in the event matches when any of its elements does.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};
use std::net::IpAddr;

/// A content filter, checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pattern(Fields);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Fields {
    all: Vec<(String, Rule)>,
    /// `$or`: at least one of these matches too.
    or: Vec<Fields>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Rule {
    Nested(Fields),
    AnyOf(Vec<Condition>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Condition {
    Equals(Value),
    Text(Text),
    Not(Vec<Condition>),
    Numeric(Vec<(Comparison, f64)>),
    Exists(bool),
    Cidr(IpAddr, u8),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Text {
    Prefix(String),
    PrefixIgnoreCase(String),
    Suffix(String),
    SuffixIgnoreCase(String),
    EqualsIgnoreCase(String),
    Wildcard(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Pattern {
    /// Reads an event pattern, or a filter policy on message bodies.
    ///
    /// # Errors
    /// What is wrong and under which key, in one sentence.
    pub fn parse(value: &Value) -> Result<Self, String> {
        let fields = value.as_object().ok_or("a pattern must be a JSON object")?;
        Fields::parse(fields, "", true).map(Self)
    }

    /// Reads a filter policy on message attributes, which has no nested fields.
    ///
    /// # Errors
    /// What is wrong and under which key, in one sentence.
    pub fn parse_flat(value: &Value) -> Result<Self, String> {
        let fields = value.as_object().ok_or("a filter policy must be a JSON object")?;
        Fields::parse(fields, "", false).map(Self)
    }

    /// Whether an event passes.
    pub fn matches(&self, event: &Value) -> bool {
        self.0.matches(event)
    }
}

impl Fields {
    fn parse(object: &Map<String, Value>, path: &str, nested: bool) -> Result<Self, String> {
        if object.is_empty() && !path.is_empty() {
            return Err(format!("{path} must not be an empty object"));
        }
        let mut fields = Self { all: Vec::new(), or: Vec::new() };
        for (key, value) in object {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let rule = match value {
                Value::Array(choices) if key == "$or" => {
                    if choices.len() < 2 {
                        return Err(format!("{path} must list at least two objects"));
                    }
                    for choice in choices {
                        let choice = choice.as_object().ok_or_else(|| format!("{path} must list objects only"))?;
                        fields.or.push(Self::parse(choice, &path, nested)?);
                    }
                    continue;
                }
                Value::Object(object) if nested => Rule::Nested(Self::parse(object, &path, nested)?),
                Value::Object(_) => return Err(format!("{path} must be a list: message attributes can't be nested")),
                Value::Array(conditions) if conditions.is_empty() => {
                    return Err(format!("{path} must not be an empty list"));
                }
                Value::Array(conditions) => Rule::AnyOf(
                    conditions.iter().map(|value| Condition::parse(value, &path)).collect::<Result<_, _>>()?,
                ),
                _ => return Err(format!("{path} must be an object or an array")),
            };
            fields.all.push((key.clone(), rule));
        }
        Ok(fields)
    }

    fn matches(&self, event: &Value) -> bool {
        // The elements of a list are matched each by itself: all fields have to be met by the same one.
        if let Value::Array(elements) = event {
            return elements.iter().any(|element| self.matches(element));
        }
        self.all.iter().all(|(key, rule)| rule.matches(event.get(key)))
            && (self.or.is_empty() || self.or.iter().any(|choice| choice.matches(event)))
    }
}

impl Rule {
    fn matches(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Self::Nested(fields), Some(value)) => fields.matches(value),
            // A field under a missing one is missing too, which `exists: false` asks for.
            (Self::Nested(fields), None) => fields.matches(&Value::Null),
            (Self::AnyOf(conditions), value) => {
                let mut leaves = Vec::new();
                collect_leaves(value, &mut leaves);
                conditions.iter().any(|condition| match condition {
                    Condition::Exists(expected) => *expected != leaves.is_empty(),
                    condition => leaves.iter().any(|leaf| condition.takes(leaf)),
                })
            }
        }
    }
}

fn collect_leaves<'a>(value: Option<&'a Value>, leaves: &mut Vec<&'a Value>) {
    match value {
        Some(Value::Array(elements)) => elements.iter().for_each(|element| collect_leaves(Some(element), leaves)),
        None | Some(Value::Object(_)) => {}
        Some(leaf) => leaves.push(leaf),
    }
}

impl Condition {
    fn parse(value: &Value, path: &str) -> Result<Self, String> {
        let operator = match value {
            Value::Array(_) => return Err(format!("{path} must hold values and match objects only, not lists")),
            Value::Object(operator) => operator,
            value => return Ok(Self::Equals(value.clone())),
        };
        let (name, operand) = match operator.iter().next() {
            Some(only) if operator.len() == 1 => only,
            _ => return Err(format!("{path} holds a match object that doesn't have exactly one operator")),
        };
        let bad = |expected: &str| format!("{path}: {name} expects {expected}");
        match name.as_str() {
            "prefix" | "suffix" | "equals-ignore-case" | "wildcard" => Text::parse(name, operand, path).map(Self::Text),
            "anything-but" => Self::parse_not(operand, path).map(Self::Not),
            "numeric" => {
                parse_numeric(operand).ok_or_else(|| bad("one comparison, or a range with two")).map(Self::Numeric)
            }
            "exists" => operand.as_bool().ok_or_else(|| bad("true or false")).map(Self::Exists),
            "cidr" => {
                let parsed = operand.as_str().and_then(parse_cidr).ok_or_else(|| bad("a block such as 10.0.0.0/24"))?;
                Ok(Self::Cidr(parsed.0, parsed.1))
            }
            _ => Err(format!("{path}: unrecognized match type {name}")),
        }
    }

    fn parse_not(operand: &Value, path: &str) -> Result<Vec<Self>, String> {
        let bad = || {
            format!(
                "{path}: anything-but expects strings, numbers, or one of prefix, suffix, equals-ignore-case, wildcard"
            )
        };
        match operand {
            Value::Object(operator) => match operator.iter().next() {
                Some((name, operand)) if operator.len() == 1 => list(operand)
                    .iter()
                    .map(|operand| Text::parse(name, operand, path).map(Self::Text).map_err(|_| bad()))
                    .collect(),
                _ => Err(bad()),
            },
            operand => {
                let values = list(operand);
                let plain = |value: &Value| value.is_string() || value.is_number();
                if values.is_empty() || !values.iter().all(plain) {
                    return Err(bad());
                }
                Ok(values.iter().cloned().map(Self::Equals).collect())
            }
        }
    }

    fn takes(&self, leaf: &Value) -> bool {
        match self {
            Self::Equals(expected) => match (expected, leaf) {
                (Value::Number(expected), Value::Number(number)) => number_of(expected) == number_of(number),
                (expected, leaf) => expected == leaf,
            },
            Self::Text(text) => leaf.as_str().is_some_and(|leaf| text.takes(leaf)),
            Self::Not(refused) => !refused.iter().any(|refused| refused.takes(leaf)),
            Self::Numeric(comparisons) => leaf.as_number().and_then(number_of).is_some_and(|number| {
                comparisons.iter().all(|(comparison, bound)| match comparison {
                    Comparison::Equal => number == *bound,
                    Comparison::Less => number < *bound,
                    Comparison::LessOrEqual => number <= *bound,
                    Comparison::Greater => number > *bound,
                    Comparison::GreaterOrEqual => number >= *bound,
                })
            }),
            Self::Exists(expected) => *expected,
            Self::Cidr(network, bits) => leaf
                .as_str()
                .and_then(|leaf| leaf.parse().ok())
                .is_some_and(|address: IpAddr| in_network(address, *network, *bits)),
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

fn number_of(number: &Number) -> Option<f64> {
    number.as_f64()
}

impl Text {
    fn parse(name: &str, operand: &Value, path: &str) -> Result<Self, String> {
        let ignoring_case = |operand: &Value| match operand {
            Value::Object(inner) if inner.len() == 1 => Some(inner.get("equals-ignore-case")?.as_str()?.to_lowercase()),
            _ => None,
        };
        let text = operand.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let parsed = match name {
            "prefix" => text.map(Self::Prefix).or_else(|| ignoring_case(operand).map(Self::PrefixIgnoreCase)),
            "suffix" => text.map(Self::Suffix).or_else(|| ignoring_case(operand).map(Self::SuffixIgnoreCase)),
            "equals-ignore-case" => text.map(|text| Self::EqualsIgnoreCase(text.to_lowercase())),
            "wildcard" => text.filter(|text| !text.contains("**")).map(Self::Wildcard),
            _ => None,
        };
        parsed.ok_or_else(|| match name {
            "wildcard" => format!("{path}: wildcard expects a string without consecutive asterisks"),
            _ => format!("{path}: {name} expects a non-empty string"),
        })
    }

    fn takes(&self, leaf: &str) -> bool {
        match self {
            Self::Prefix(prefix) => leaf.starts_with(prefix.as_str()),
            Self::PrefixIgnoreCase(prefix) => leaf.to_lowercase().starts_with(prefix.as_str()),
            Self::Suffix(suffix) => leaf.ends_with(suffix.as_str()),
            Self::SuffixIgnoreCase(suffix) => leaf.to_lowercase().ends_with(suffix.as_str()),
            Self::EqualsIgnoreCase(text) => leaf.to_lowercase() == *text,
            Self::Wildcard(pattern) => wildcard(pattern, leaf, None),
        }
    }
}

/// Whether a text fits a pattern in which `*` stands for any characters and, if given, `one` for exactly one;
/// `\` takes the next character literally.
pub(crate) fn wildcard(pattern: &str, text: &str, one: Option<char>) -> bool {
    enum Token {
        Any,
        One,
        Exactly(char),
    }
    let mut tokens = Vec::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        tokens.push(match character {
            '*' => Token::Any,
            '\\' => Token::Exactly(characters.next().unwrap_or('\\')),
            character if Some(character) == one => Token::One,
            character => Token::Exactly(character),
        });
    }
    let text: Vec<char> = text.chars().collect();
    // reached[i]: the tokens so far can stand for the first i characters.
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for token in tokens {
        let mut next = vec![false; text.len() + 1];
        for at in 0..=text.len() {
            next[at] = match token {
                Token::Any => reached[at] || (at > 0 && next[at - 1]),
                Token::One => at > 0 && reached[at - 1],
                Token::Exactly(character) => at > 0 && reached[at - 1] && text[at - 1] == character,
            };
        }
        reached = next;
    }
    reached[text.len()]
}

fn parse_numeric(operand: &Value) -> Option<Vec<(Comparison, f64)>> {
    let parts = operand.as_array()?;
    let mut comparisons = Vec::new();
    for pair in parts.chunks(2) {
        let [operator, bound] = pair else { return None };
        let comparison = match operator.as_str()? {
            "=" => Comparison::Equal,
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            ">" => Comparison::Greater,
            ">=" => Comparison::GreaterOrEqual,
            _ => return None,
        };
        comparisons.push((comparison, bound.as_f64()?));
    }
    use Comparison::{Greater, GreaterOrEqual, Less, LessOrEqual};
    match comparisons[..] {
        [_] => Some(comparisons),
        [(Greater | GreaterOrEqual, low), (Less | LessOrEqual, high)] if low < high => Some(comparisons),
        _ => None,
    }
}

fn parse_cidr(text: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = text.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let bits: u8 = bits.parse().ok()?;
    (bits <= if address.is_ipv4() { 32 } else { 128 }).then_some((address, bits))
}

fn in_network(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let (address, network, width) = match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            (u128::from(address.to_bits()), u128::from(network.to_bits()), 32)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => (address.to_bits(), network.to_bits(), 128),
        _ => return false,
    };
    let free = width - u32::from(bits);
    address.checked_shr(free).unwrap_or(0) == network.checked_shr(free).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn matches(pattern: Value, event: Value) -> bool {
        Pattern::parse(&pattern).unwrap().matches(&event)
    }

    #[test]
    fn conditions_take_what_they_should() {
        let table = [
            (json!(["a", "b"]), json!("b"), true),
            (json!(["a"]), json!("A"), false),
            (json!(["a"]), json!(["x", "a"]), true),
            (json!([300]), json!(300.0), true),
            (json!([300]), json!("300"), false),
            (json!([null]), Value::Null, true),
            (json!([true]), json!(true), true),
            (json!([{"prefix": "ami-"}]), json!("ami-1"), true),
            (json!([{"prefix": {"equals-ignore-case": "AMI-"}}]), json!("ami-1"), true),
            (json!([{"prefix": "ami-"}]), json!(7), false),
            (json!([{"suffix": ".png"}]), json!("a.png"), true),
            (json!([{"suffix": ".png"}]), json!("a.PNG"), false),
            (json!([{"equals-ignore-case": "Alice"}]), json!("aLICE"), true),
            (json!([{"anything-but": "a"}]), json!("b"), true),
            (json!([{"anything-but": ["a", "b"]}]), json!("b"), false),
            (json!([{"anything-but": ["a"]}]), json!(["a", "b"]), true),
            (json!([{"anything-but": [1, 2]}]), json!(3), true),
            (json!([{"anything-but": {"prefix": "ami-"}}]), json!("ami-1"), false),
            (json!([{"anything-but": {"suffix": ["x", "y"]}}]), json!("by"), false),
            (json!([{"anything-but": {"equals-ignore-case": ["A"]}}]), json!("a"), false),
            (json!([{"anything-but": {"wildcard": "*/lib/*"}}]), json!("a/lib/b"), false),
            (json!([{"numeric": [">", 0, "<=", 5]}]), json!(5), true),
            (json!([{"numeric": [">", 0, "<", 5]}]), json!(5), false),
            (json!([{"numeric": ["=", 3.5]}]), json!(3.5), true),
            (json!([{"numeric": ["=", 3]}]), json!("3"), false),
            (json!([{"exists": true}]), json!(""), true),
            (json!([{"exists": false}]), json!(1), false),
            (json!([{"exists": true}]), json!([]), false),
            (json!([{"wildcard": "a*c*e"}]), json!("abcde"), true),
            (json!([{"wildcard": "a*c"}]), json!("abcd"), false),
            (json!([{"wildcard": "a\\*c"}]), json!("a*c"), true),
            (json!([{"wildcard": "a\\*c"}]), json!("abc"), false),
            (json!([{"cidr": "10.0.0.0/24"}]), json!("10.0.0.255"), true),
            (json!([{"cidr": "10.0.0.0/24"}]), json!("10.0.1.0"), false),
            (json!([{"cidr": "0.0.0.0/0"}]), json!("9.9.9.9"), true),
            (json!([{"cidr": "2001:db8::/32"}]), json!("2001:db8::1"), true),
            (json!([{"cidr": "2001:db8::/32"}]), json!("10.0.0.1"), false),
            (json!(["x", {"prefix": "y"}]), json!("yes"), true),
        ];
        for (conditions, value, expected) in table {
            assert_eq!(matches(json!({"k": conditions}), json!({"k": value})), expected, "{conditions} on {value}");
        }
    }

    #[test]
    fn all_fields_have_to_match_and_missing_ones_do_not() {
        let pattern = json!({"source": ["aws.imagebuilder"], "detail": {"state": {"status": ["AVAILABLE", "FAILED"]}}});
        let event = |source: &str, status: &str| json!({"source": source, "detail": {"state": {"status": status}}});
        assert!(matches(pattern.clone(), event("aws.imagebuilder", "FAILED")));
        assert!(!matches(pattern.clone(), event("aws.ssm", "FAILED")));
        assert!(!matches(pattern.clone(), event("aws.imagebuilder", "BUILDING")));
        assert!(!matches(pattern, json!({"source": "aws.imagebuilder"})));
        assert!(matches(json!({"a": {"b": [{"exists": false}]}}), json!({})));
        assert!(!matches(json!({"a": [{"anything-but": "x"}]}), json!({})));
    }

    #[test]
    fn or_takes_any_of_its_objects() {
        let pattern = json!({"a": [1], "$or": [{"b": [1]}, {"c": [{"exists": true}]}]});
        assert!(matches(pattern.clone(), json!({"a": 1, "b": 1})));
        assert!(matches(pattern.clone(), json!({"a": 1, "c": 9})));
        assert!(!matches(pattern.clone(), json!({"a": 1, "b": 2})));
        assert!(!matches(pattern, json!({"a": 2, "b": 1})));
    }

    #[test]
    fn fields_of_a_list_element_belong_together() {
        let pattern = json!({"rows": {"a": [1], "b": [2]}});
        assert!(matches(pattern.clone(), json!({"rows": [{"a": 1, "b": 1}, {"a": 1, "b": 2}]})));
        assert!(!matches(pattern, json!({"rows": [{"a": 1, "b": 1}, {"a": 2, "b": 2}]})));
    }

    #[test]
    fn an_invalid_pattern_is_refused_with_the_key() {
        let table = [
            (json!([1]), "must be a JSON object"),
            (json!({"detail": {"a": "x"}}), "detail.a must be an object or an array"),
            (json!({"a": []}), "a must not be an empty list"),
            (json!({"a": {}}), "a must not be an empty object"),
            (json!({"a": [[1]]}), "a must hold"),
            (json!({"a": [{"like": "x"}]}), "a: unrecognized match type like"),
            (json!({"a": [{"prefix": 1}]}), "a: prefix"),
            (json!({"a": [{"prefix": "x", "suffix": "y"}]}), "a holds"),
            (json!({"a": [{"numeric": [">", 5, "<", 1]}]}), "a: numeric"),
            (json!({"a": [{"numeric": ["~", 5]}]}), "a: numeric"),
            (json!({"a": [{"exists": "yes"}]}), "a: exists"),
            (json!({"a": [{"cidr": "10.0.0.0/33"}]}), "a: cidr"),
            (json!({"a": [{"wildcard": "a**b"}]}), "a: wildcard"),
            (json!({"a": [{"anything-but": {"numeric": ["=", 1]}}]}), "a: anything-but"),
            (json!({"$or": [{"a": [1]}]}), "$or must list"),
        ];
        for (pattern, reason) in table {
            let error = Pattern::parse(&pattern).unwrap_err();
            assert!(error.contains(reason), "{pattern}: {error}");
        }
        assert!(Pattern::parse_flat(&json!({"a": {"b": ["x"]}})).unwrap_err().contains("nested"));
    }

    proptest! {
        #[test]
        fn a_text_fits_itself_and_any_of_its_gaps(text in "[a-c]{0,12}", from in 0_usize..12, to in 0_usize..12) {
            let (from, to) = (from.min(to).min(text.len()), from.max(to).min(text.len()));
            let pattern = format!("{}*{}", &text[..from], &text[to..]);
            prop_assert!(wildcard(&text, &text, None));
            prop_assert!(wildcard(&pattern, &text, None));
            let longer = format!("{}d", text);
            prop_assert!(!wildcard(&text, &longer, None));
        }
    }
}
