//! What a resource policy says. Pure.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::arn::Arn;
use std::collections::BTreeSet;

/// Everybody.
const ALL: &str = "*";

/// The accounts that a policy lets do something, `*` for all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Grants {
    get: BTreeSet<String>,
    list: BTreeSet<String>,
}

impl Grants {
    /// Whether an account may read.
    pub(super) fn get(&self, account: &str) -> bool {
        self.get.contains(account) || self.get.contains(ALL)
    }

    /// Whether an account may list.
    pub(super) fn list(&self, account: &str) -> bool {
        self.list.contains(account) || self.list.contains(ALL)
    }

    /// Whether any other account than the owner's may do anything.
    pub(super) fn others(&self, owner: &str) -> bool {
        self.get.union(&self.list).any(|account| account != owner)
    }
}

/// Why a policy isn't taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// AWS refuses it too.
    Wrong(String),
    /// AWS may take it.
    Unsupported(String),
}

fn wrong(reason: impl Into<String>) -> Refusal {
    Refusal::Wrong(reason.into())
}

/// Reads a policy of the resource `arn`, which can allow the two actions `get` and `list`.
pub(super) fn read(text: &str, arn: &str, get: &str, list: &str) -> Result<Grants, Refusal> {
    let policy: Value =
        serde_json::from_str(text).map_err(|error| wrong(format!("The policy is no JSON: {error}.")))?;
    let policy = policy.as_object().ok_or_else(|| wrong("The policy must be a JSON object."))?;
    known(policy, "The policy", &["Version", "Id", "Statement"])?;
    match policy.get("Version").and_then(Value::as_str) {
        Some("2012-10-17" | "2008-10-17") => {}
        _ => return Err(wrong("The policy's Version must be 2012-10-17 or 2008-10-17.")),
    }
    let statements = match policy.get("Statement") {
        Some(Value::Array(statements)) if !statements.is_empty() => statements.as_slice(),
        Some(statement @ Value::Object(_)) => std::slice::from_ref(statement),
        _ => return Err(wrong("The policy must have a Statement.")),
    };
    let mut grants = Grants::default();
    for (index, statement) in statements.iter().enumerate() {
        let what = format!("Statement[{index}]");
        let statement = statement.as_object().ok_or_else(|| wrong(format!("{what} must be an object.")))?;
        let accounts = read_statement(statement, &what, arn)?;
        for action in texts(statement, "Action", &what)? {
            if action.eq_ignore_ascii_case(get) {
                grants.get.extend(accounts.iter().cloned());
            } else if action.eq_ignore_ascii_case(list) {
                grants.list.extend(accounts.iter().cloned());
            } else {
                return Err(wrong(format!("{what} has the action {action:?}: expected {get} or {list}.")));
            }
        }
    }
    Ok(grants)
}

/// Checks all but the actions, and answers the accounts that a statement is for.
fn read_statement(statement: &Map<String, Value>, what: &str, arn: &str) -> Result<BTreeSet<String>, Refusal> {
    if statement.contains_key("Condition") {
        return Err(Refusal::Unsupported(format!("{what}: conditions are not supported by the local Image Builder")));
    }
    known(statement, what, &["Sid", "Effect", "Principal", "Action", "Resource"])?;
    if statement.get("Effect").and_then(Value::as_str) != Some("Allow") {
        return Err(wrong(format!("{what} must have the Effect Allow.")));
    }
    if let Some(other) = texts(statement, "Resource", what)?.into_iter().find(|resource| *resource != arn) {
        return Err(wrong(format!("{what} has the resource {other:?}: expected {arn}.")));
    }
    let principals = match statement.get("Principal") {
        Some(Value::String(all)) if all == ALL => vec![ALL],
        Some(Value::Object(principal)) => {
            known(principal, &format!("{what}.Principal"), &["AWS"])?;
            texts(principal, "AWS", &format!("{what}.Principal"))?
        }
        _ => return Err(wrong(format!("{what} must have a Principal: \"*\", or AWS and accounts."))),
    };
    principals.into_iter().map(|principal| account(principal, what)).collect()
}

/// The account that a principal stands for.
fn account(principal: &str, what: &str) -> Result<String, Refusal> {
    let digits = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    if principal == ALL || digits(principal) {
        return Ok(principal.to_owned());
    }
    match principal.parse::<Arn>() {
        Ok(arn) if arn.service == "iam" && digits(&arn.account) && arn.resource == "root" => Ok(arn.account),
        Ok(arn) if ["iam", "sts", "organizations"].contains(&arn.service.as_str()) => {
            Err(Refusal::Unsupported(format!(
                "{what}: the principal {principal} is not supported by the local Image Builder, which knows accounts"
            )))
        }
        _ => Err(wrong(format!("{what} has the principal {principal:?}: expected an account's ID or ARN."))),
    }
}

/// A member that is a text or a list of texts.
fn texts<'a>(object: &'a Map<String, Value>, member: &str, what: &str) -> Result<Vec<&'a str>, Refusal> {
    let found = match object.get(member) {
        Some(Value::String(text)) => Some(vec![text.as_str()]),
        Some(Value::Array(items)) => items.iter().map(Value::as_str).collect::<Option<Vec<_>>>(),
        _ => None,
    };
    let found = found.filter(|texts| !texts.is_empty());
    found.ok_or_else(|| wrong(format!("{what} must have {member}: a string or a list of strings.")))
}

fn known(object: &Map<String, Value>, what: &str, members: &[&str]) -> Result<(), Refusal> {
    match object.keys().find(|name| !members.contains(&name.as_str())) {
        Some(name) => Err(wrong(format!("{what} has the member {name:?}: expected {}.", members.join(", ")))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ARN: &str = "arn:aws:imagebuilder:us-east-1:123456789012:component/agent/1.0.0/1";

    fn statement() -> Value {
        json!({
            "Effect": "Allow", "Principal": {"AWS": ["111122223333"]}, "Resource": [ARN],
            "Action": ["imagebuilder:GetComponent", "imagebuilder:ListComponents"],
        })
    }

    fn read_one(statement: Value) -> Result<Grants, Refusal> {
        let policy = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
        read(&policy, ARN, "imagebuilder:GetComponent", "imagebuilder:ListComponents")
    }

    fn with(member: &str, value: Value) -> Result<Grants, Refusal> {
        let mut statement = statement();
        statement[member] = value;
        read_one(statement)
    }

    #[test]
    fn principals_are_accounts() {
        for (principal, mine, theirs) in [
            (json!({"AWS": "111122223333"}), true, false),
            (json!({"AWS": "arn:aws:iam::111122223333:root"}), true, false),
            (json!({"AWS": ["444455556666", "111122223333"]}), true, true),
            (json!({"AWS": "*"}), true, true),
            (json!("*"), true, true),
            (json!({"AWS": "444455556666"}), false, true),
        ] {
            let grants = with("Principal", principal.clone()).unwrap();
            assert_eq!((grants.get("111122223333"), grants.get("444455556666")), (mine, theirs), "{principal}");
            assert!(grants.others("123456789012"));
        }
        assert!(!with("Principal", json!({"AWS": "123456789012"})).unwrap().others("123456789012"));
    }

    #[test]
    fn each_action_is_granted_by_itself() {
        let grants = with("Action", json!("imagebuilder:GetComponent")).unwrap();
        assert!(grants.get("111122223333") && !grants.list("111122223333"));
        let grants = with("Action", json!(["imagebuilder:listcomponents"])).unwrap();
        assert!(!grants.get("111122223333") && grants.list("111122223333"));
    }

    #[test]
    fn what_is_no_policy_of_the_resource_is_refused() {
        for (member, value, reason) in [
            ("Effect", json!("Deny"), "must have the Effect Allow"),
            ("Effect", json!(null), "must have the Effect Allow"),
            ("Action", json!("imagebuilder:DeleteComponent"), "expected imagebuilder:GetComponent or"),
            ("Action", json!("imagebuilder:*"), "expected imagebuilder:GetComponent or"),
            ("Action", json!("imagebuilder:GetImage"), "expected imagebuilder:GetComponent or"),
            ("Action", json!([]), "must have Action"),
            ("Resource", json!(null), "must have Resource"),
            ("Resource", json!([ARN, "*"]), "has the resource \"*\""),
            ("Principal", json!(null), "must have a Principal"),
            ("Principal", json!("111122223333"), "must have a Principal"),
            ("Principal", json!({"AWS": "me"}), "has the principal \"me\""),
            ("Principal", json!({"Service": "ec2.amazonaws.com"}), "expected AWS"),
            ("NotAction", json!("x"), "has the member \"NotAction\""),
        ] {
            match with(member, value.clone()) {
                Err(Refusal::Wrong(said)) => assert!(said.contains(reason), "{member} {value}: {said}"),
                other => panic!("{member} {value}: {other:?}"),
            }
        }
        let read = |text: &str| read(text, ARN, "g", "l");
        for text in ["", "{", "[]", "{}", r#"{"Version":"2012-10-17"}"#, r#"{"Version":"2012-10-17","Statement":[]}"#] {
            assert!(matches!(read(text), Err(Refusal::Wrong(_))), "{text}");
        }
        let old = json!({"Version": "2020-01-01", "Statement": statement()}).to_string();
        assert_eq!(read(&old), Err(wrong("The policy's Version must be 2012-10-17 or 2008-10-17.")));
    }

    #[test]
    fn what_cannot_be_judged_here_is_told_apart() {
        for (member, value) in [
            ("Condition", json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}})),
            ("Principal", json!({"AWS": "arn:aws:organizations::123456789012:organization/o-abc"})),
            ("Principal", json!({"AWS": "arn:aws:iam::111122223333:role/builder"})),
        ] {
            assert!(matches!(with(member, value.clone()), Err(Refusal::Unsupported(_))), "{member} {value}");
        }
    }
}
