//! Policies: what statements say about a request, decided from documents alone.
//!
//! Rules: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html>.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Something in a policy that can't be decided here, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Undecided(pub(crate) String);

/// What condition keys are for a request, by their names in lower case. A key without values is one that the request
/// is known to lack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Keys(BTreeMap<String, BTreeSet<String>>);

impl Keys {
    /// Says that a key has a value, besides those that it has already.
    pub(crate) fn with<'a>(mut self, key: &str, values: impl IntoIterator<Item = &'a str>) -> Self {
        self.0.entry(key.to_ascii_lowercase()).or_default().extend(values.into_iter().map(str::to_owned));
        self
    }

    /// A resource's or request's tags stand under names of their own; one that isn't there is lacking, not unknown.
    fn get(&self, key: &str) -> Option<Vec<&str>> {
        let key = key.to_ascii_lowercase();
        match self.0.get(&key) {
            Some(values) => Some(values.iter().map(String::as_str).collect()),
            None => {
                let (family, _) = key.split_once('/')?;
                self.0.contains_key(&format!("{family}/")).then(Vec::new)
            }
        }
    }
}

/// What a request is about, as far as resources go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Resource {
    /// This one, by its ARN.
    Of(String),
    /// The action knows no resources: only a statement about `*` covers it.
    Everything,
    /// Which ones isn't known here: a statement that names the action suffices.
    Any,
}

/// Whether any statement of a document that allows an action says so for a request, or any that denies.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// The statements that allow it.
    pub(crate) allowed: Vec<Allowed>,
    /// Whether a statement denies it.
    pub(crate) denied: bool,
}

/// A statement that allows what was asked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Allowed {
    /// Its place in the document.
    pub(crate) place: usize,
    /// The action as it has it.
    pub(crate) action: String,
    /// The resources as it has them, as far as they were needed.
    pub(crate) resources: Vec<String>,
}

/// What a document says about an action on a resource.
///
/// # Errors
/// What a statement about the action says beyond what is known here.
pub(crate) fn said(document: &Value, action: &str, resource: &Resource, keys: &Keys) -> Result<Said, Undecided> {
    let mut said = Said::default();
    for (place, statement) in items(&document["Statement"]).enumerate() {
        let Some(named) = action_of(statement, action) else { continue };
        let resources = covering(statement, resource);
        if resources.is_empty() || !hold(&statement["Condition"], keys)? {
            continue;
        }
        match statement["Effect"].as_str() {
            Some("Allow") => {
                let resources = resources.into_iter().map(str::to_owned).collect();
                said.allowed.push(Allowed { place, action: named.to_owned(), resources });
            }
            Some("Deny") => said.denied = true,
            _ => return Err(Undecided("Effect: expected Allow or Deny".to_owned())),
        }
    }
    Ok(said)
}

/// The action as a statement has it, if that is about it.
pub(crate) fn action_of<'a>(statement: &'a Value, action: &str) -> Option<&'a str> {
    let action = action.to_ascii_lowercase();
    let fits = |pattern: &&str| glob(&pattern.to_ascii_lowercase(), &action);
    match statement.get("NotAction") {
        Some(others) => (!texts(others).any(|pattern| fits(&pattern))).then_some("NotAction"),
        None => texts(&statement["Action"]).find(fits),
    }
}

/// The resources as a statement has them, as far as they cover one.
fn covering<'a>(statement: &'a Value, resource: &Resource) -> Vec<&'a str> {
    let fits = |pattern: &&str| match resource {
        Resource::Of(arn) => glob(pattern, arn),
        Resource::Everything => glob(pattern, "*"),
        Resource::Any => true,
    };
    match statement.get("NotResource") {
        Some(others) if *resource != Resource::Any && texts(others).any(|pattern| fits(&pattern)) => Vec::new(),
        Some(_) => vec!["NotResource"],
        None => texts(&statement["Resource"]).filter(fits).collect(),
    }
}

/// Whether all conditions of a statement hold.
///
/// # Errors
/// An operator or key that isn't known here.
pub(crate) fn hold(conditions: &Value, keys: &Keys) -> Result<bool, Undecided> {
    for (operator, wanted) in conditions.as_object().into_iter().flatten() {
        for (key, values) in wanted.as_object().into_iter().flatten() {
            if !holds(operator, key, values, keys)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Whether a condition holds. One about a key that the request lacks doesn't, but for those that say `Not`.
fn holds(operator: &str, key: &str, values: &Value, keys: &Keys) -> Result<bool, Undecided> {
    let Some(actual) = keys.get(key) else {
        return Err(Undecided(format!("the condition key {key} isn't supported here")));
    };
    let (set, operator) = match operator.split_once(':') {
        Some((set, operator)) => (set, operator),
        None => ("", operator),
    };
    let (operator, if_exists) = match operator.strip_suffix("IfExists") {
        Some(operator) => (operator, true),
        None => (operator, false),
    };
    if operator == "Null" {
        let null = texts_of(values).any(|value| value.eq_ignore_ascii_case("true"));
        return Ok(actual.is_empty() == null);
    }
    let unsupported = || Undecided(format!("the condition operator {operator} isn't supported here"));
    let (negated, fits): (bool, fn(&str, &str) -> bool) = match operator {
        "StringEquals" => (false, |pattern, text| pattern == text),
        "StringNotEquals" => (true, |pattern, text| pattern == text),
        "StringEqualsIgnoreCase" | "Bool" => (false, |pattern, text| pattern.eq_ignore_ascii_case(text)),
        "StringNotEqualsIgnoreCase" => (true, |pattern, text| pattern.eq_ignore_ascii_case(text)),
        "StringLike" | "ArnEquals" | "ArnLike" => (false, glob),
        "StringNotLike" | "ArnNotEquals" | "ArnNotLike" => (true, glob),
        _ => return Err(unsupported()),
    };
    let wanted: Vec<String> = texts_of(values).collect();
    let one = |text: &&str| wanted.iter().any(|pattern| fits(pattern, text)) != negated;
    match set {
        // An empty set has no element that doesn't fit, and none that does.
        "ForAllValues" => Ok(actual.iter().all(one)),
        "ForAnyValue" => Ok(actual.iter().any(one)),
        "" if actual.is_empty() => Ok(if_exists || negated),
        "" => Ok(actual.iter().all(one)),
        _ => Err(Undecided(format!("the condition operator {set}:{operator} isn't supported here"))),
    }
}

/// The elements of a list, or the one that stands for a list of one.
pub(crate) fn items(value: &Value) -> impl Iterator<Item = &Value> {
    let list = value.as_array().map(Vec::as_slice);
    list.unwrap_or_else(|| if value.is_null() { &[] } else { std::slice::from_ref(value) }).iter()
}

/// The elements that are text.
pub(crate) fn texts(value: &Value) -> impl Iterator<Item = &str> {
    items(value).filter_map(Value::as_str)
}

/// A condition's values: `true` and `"true"` are the same.
fn texts_of(value: &Value) -> impl Iterator<Item = String> {
    items(value).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// Whether a text fits a pattern, in which `*` stands for any text and `?` for any character.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut place) = (0, 0);
    // Where the last `*` stands, and how much of the text it has taken.
    let mut star: Option<(usize, usize)> = None;
    while place < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, place));
                at += 1;
            }
            Some(letter) if *letter == b'?' || *letter == text[place] => {
                at += 1;
                place += 1;
            }
            _ => match star {
                Some((back, taken)) => {
                    star = Some((back, taken + 1));
                    at = back + 1;
                    place = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|letter| *letter == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn ask(statements: Value, action: &str, resource: &Resource) -> Result<bool, Undecided> {
        let keys = Keys::default()
            .with("aws:RequestedRegion", ["us-east-1"])
            .with("sts:ExternalId", [])
            .with("aws:TagKeys", ["a", "b"])
            .with("aws:ResourceTag/", [])
            .with("aws:ResourceTag/team", ["shop"]);
        let said = said(&json!({"Statement": statements}), action, resource, &keys)?;
        Ok(!said.allowed.is_empty() && !said.denied)
    }

    #[test]
    fn actions_and_resources_are_patterns() {
        let image = Resource::Of("arn:aws:imagebuilder:us-east-1:123456789012:image/web/1.0.0/1".to_owned());
        let images = "arn:aws:imagebuilder:*:123456789012:image/*";
        let all = Resource::Everything;
        for (action, on, asked, resource, expected) in [
            (json!("imagebuilder:GetImage"), json!(images), "imagebuilder:GetImage", &image, true),
            (json!("imagebuilder:getimage"), json!(images), "imagebuilder:GetImage", &image, true),
            (json!(["imagebuilder:Get*"]), json!([images]), "imagebuilder:GetImage", &image, true),
            (json!("imagebuilder:Get?mage"), json!("*"), "imagebuilder:GetImage", &image, true),
            (json!("imagebuilder:GetImages"), json!("*"), "imagebuilder:GetImage", &image, false),
            (json!("*"), json!("arn:aws:imagebuilder:*:*:component/*"), "imagebuilder:GetImage", &image, false),
            (json!("imagebuilder:ListImages"), json!("*"), "imagebuilder:ListImages", &all, true),
            (json!("imagebuilder:ListImages"), json!(images), "imagebuilder:ListImages", &all, false),
            (json!("imagebuilder:ListImages"), json!(images), "imagebuilder:ListImages", &Resource::Any, true),
        ] {
            let statement = json!({"Effect": "Allow", "Action": action, "Resource": on});
            assert_eq!(ask(statement.clone(), asked, resource), Ok(expected), "{statement} {asked}");
        }
    }

    #[test]
    fn what_is_left_out_and_what_is_denied() {
        let queue = Resource::Of("arn:aws:sqs:us-east-1:123456789012:q".to_owned());
        let allow = json!({"Effect": "Allow", "NotAction": "iam:*", "NotResource": "arn:aws:sqs:*:*:other"});
        assert_eq!(ask(allow.clone(), "sqs:SendMessage", &queue), Ok(true));
        assert_eq!(ask(allow.clone(), "iam:PassRole", &queue), Ok(false));
        let deny = json!({"Effect": "Deny", "Action": "sqs:*", "Resource": "*"});
        assert_eq!(ask(json!([allow, deny]), "sqs:SendMessage", &queue), Ok(false));
    }

    #[test]
    fn conditions_hold_or_not_or_are_not_known() {
        for (condition, expected) in [
            (json!({"StringEquals": {"aws:RequestedRegion": ["eu-west-1", "us-east-1"]}}), Ok(true)),
            (json!({"StringEquals": {"AWS:requestedregion": "eu-west-1"}}), Ok(false)),
            (json!({"StringLike": {"aws:RequestedRegion": "us-*"}}), Ok(true)),
            (json!({"StringNotLike": {"aws:RequestedRegion": "us-*"}}), Ok(false)),
            (json!({"StringEquals": {"sts:ExternalId": "x"}}), Ok(false)),
            (json!({"StringEqualsIfExists": {"sts:ExternalId": "x"}}), Ok(true)),
            (json!({"StringNotEquals": {"sts:ExternalId": "x"}}), Ok(true)),
            (json!({"Null": {"sts:ExternalId": "true"}}), Ok(true)),
            (json!({"Null": {"aws:RequestedRegion": true}}), Ok(false)),
            (json!({"StringEquals": {"aws:ResourceTag/team": "shop"}}), Ok(true)),
            (json!({"StringEquals": {"aws:ResourceTag/other": "shop"}}), Ok(false)),
            (json!({"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b", "c"]}}), Ok(true)),
            (json!({"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}}), Ok(false)),
            (json!({"ForAnyValue:StringEquals": {"aws:TagKeys": ["a"]}}), Ok(true)),
            (json!({"StringEquals": {"aws:RequestedRegion": "us-east-1", "aws:ResourceTag/team": "x"}}), Ok(false)),
            (
                json!({"StringEquals": {"aws:SourceIp": "x"}}),
                Err("the condition key aws:SourceIp isn't supported here"),
            ),
            (
                json!({"DateLessThan": {"aws:RequestedRegion": "x"}}),
                Err("the condition operator DateLessThan isn't supported here"),
            ),
        ] {
            let statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition});
            let asked = ask(statement, "ssm:GetParameter", &Resource::Everything);
            assert_eq!(asked, expected.map_err(|text: &str| Undecided(text.to_owned())), "{condition}");
        }
    }

    proptest! {
        #[test]
        fn a_pattern_fits_what_it_was_made_from(text in "[a-c:/*]{0,12}", cuts in proptest::collection::vec((0_usize..13, 0_usize..4), 0..3)) {
            let mut pattern: Vec<char> = text.chars().collect();
            for (at, len) in cuts {
                let at = at.min(pattern.len());
                let end = (at + len).min(pattern.len());
                pattern.splice(at..end, ['*']);
            }
            let pattern: String = pattern.into_iter().collect();
            prop_assert!(glob(&pattern, &text), "{pattern} {text}");
            let longer = format!("{}d", text);
            prop_assert_eq!(glob(&pattern, &longer), pattern.ends_with('*'));
        }
    }
}
