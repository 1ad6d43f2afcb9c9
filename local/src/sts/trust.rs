//! Whether a role's trust policy lets a caller assume it: a pure function of the two.
//!
//! What the caller's own policies allow is another question, and not asked here.

use serde_json::Value;

/// Who asks, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asker<'a> {
    /// 12 digits.
    pub(super) account: &'a str,
    /// The caller's ARN: for a session of a role, that of the session.
    pub(super) arn: &'a str,
    /// What `aws:PrincipalArn` is: for a session of a role, the role's ARN.
    pub(super) principal_arn: &'a str,
    pub(super) session_name: &'a str,
    pub(super) external_id: Option<&'a str>,
}

/// Something in a policy that can't be decided here, in words.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Undecided(pub(super) String);

/// Whether one statement allows it and none denies it.
///
/// # Errors
/// What a statement that is about the caller says beyond what is known here.
pub(super) fn trusts(document: &Value, asker: Asker<'_>) -> Result<bool, Undecided> {
    let mut allowed = false;
    for statement in items(&document["Statement"]) {
        if applies(statement, asker)? {
            match statement["Effect"].as_str() {
                Some("Allow") => allowed = true,
                Some("Deny") => return Ok(false),
                _ => return Err(Undecided("Effect: expected Allow or Deny".to_owned())),
            }
        }
    }
    Ok(allowed)
}

fn applies(statement: &Value, asker: Asker<'_>) -> Result<bool, Undecided> {
    if let Some(member) = ["NotPrincipal", "NotAction"].iter().find(|member| statement.get(**member).is_some()) {
        return Err(Undecided(format!("{member} isn't supported in trust policies")));
    }
    let action = texts(&statement["Action"]).any(|action| glob(&action.to_ascii_lowercase(), "sts:assumerole"));
    if !action || !names(&statement["Principal"], asker) {
        return Ok(false);
    }
    for (operator, keys) in statement["Condition"].as_object().into_iter().flatten() {
        for (key, values) in keys.as_object().into_iter().flatten() {
            if !holds(operator, key, values, asker)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Whether a principal names the caller: by `*`, its account, its role or its very session.
fn names(principal: &Value, asker: Asker<'_>) -> bool {
    let root = format!(":iam::{}:root", asker.account);
    let named = |text: &str| {
        text == "*"
            || text == asker.account
            || text == asker.arn
            || text == asker.principal_arn
            || text.starts_with("arn:") && text.ends_with(&root)
    };
    principal.as_str() == Some("*") || texts(&principal["AWS"]).any(named)
}

/// Whether a condition holds. One about a key that the request lacks doesn't, but for those that say `Not`.
fn holds(operator: &str, key: &str, values: &Value, asker: Asker<'_>) -> Result<bool, Undecided> {
    let actual = match key.to_ascii_lowercase().as_str() {
        "sts:externalid" => asker.external_id,
        "sts:rolesessionname" => Some(asker.session_name),
        "aws:principalarn" => Some(asker.principal_arn),
        "aws:principalaccount" => Some(asker.account),
        _ => return Err(Undecided(format!("the condition key {key} isn't supported in trust policies"))),
    };
    let (operator, if_exists) = match operator.strip_suffix("IfExists") {
        Some(operator) => (operator, true),
        None => (operator, false),
    };
    let (negated, pattern) = match operator {
        "StringEquals" => (false, false),
        "StringNotEquals" => (true, false),
        "StringLike" | "ArnEquals" | "ArnLike" => (false, true),
        "StringNotLike" | "ArnNotEquals" | "ArnNotLike" => (true, true),
        _ => return Err(Undecided(format!("the condition operator {operator} isn't supported in trust policies"))),
    };
    let Some(actual) = actual else { return Ok(if_exists || negated) };
    let fits = texts(values).any(|value| if pattern { glob(value, actual) } else { value == actual });
    Ok(fits != negated)
}

/// The elements of a list, or the one that stands for a list of one.
fn items(value: &Value) -> impl Iterator<Item = &Value> {
    let list = value.as_array().map(Vec::as_slice);
    list.unwrap_or_else(|| if value.is_null() { &[] } else { std::slice::from_ref(value) }).iter()
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    items(value).filter_map(Value::as_str)
}

/// Whether a text fits a pattern, in which `*` stands for any text and `?` for any character.
fn glob(pattern: &str, text: &str) -> bool {
    match pattern.chars().next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = &pattern[1..];
            text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| glob(rest, &text[at..]))
        }
        Some(first) => {
            let mut letters = text.chars();
            let fits = letters.next().is_some_and(|letter| first == '?' || letter == first);
            fits && glob(&pattern[first.len_utf8()..], letters.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ASKER: Asker<'_> = Asker {
        account: "123456789012",
        arn: "arn:aws:sts::123456789012:assumed-role/publisher/fan-out-amis",
        principal_arn: "arn:aws:iam::123456789012:role/publisher",
        session_name: "fan-out-amis",
        external_id: Some("secret-1"),
    };

    fn asked(statements: Value) -> Result<bool, Undecided> {
        trusts(&json!({"Version": "2012-10-17", "Statement": statements}), ASKER)
    }

    fn allow(principal: Value, condition: Value) -> Value {
        json!({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", "Condition": condition})
    }

    #[test]
    fn a_principal_is_an_account_a_role_a_session_or_anybody() {
        for (principal, expected) in [
            (json!("*"), true),
            (json!({"AWS": "*"}), true),
            (json!({"AWS": "123456789012"}), true),
            (json!({"AWS": ["arn:aws:iam::111122223333:root", "arn:aws:iam::123456789012:root"]}), true),
            (json!({"AWS": "arn:aws:iam::123456789012:role/publisher"}), true),
            (json!({"AWS": "arn:aws:sts::123456789012:assumed-role/publisher/fan-out-amis"}), true),
            (json!({"AWS": "arn:aws:sts::123456789012:assumed-role/publisher/other"}), false),
            (json!({"AWS": "arn:aws:iam::123456789012:role/other"}), false),
            (json!({"AWS": "arn:aws:iam::111122223333:root"}), false),
            (json!({"Service": "lambda.amazonaws.com"}), false),
        ] {
            assert_eq!(asked(json!([allow(principal.clone(), json!({}))])), Ok(expected), "{principal}");
        }
    }

    #[test]
    fn conditions_hold_or_not() {
        let us = json!({"AWS": "123456789012"});
        for (condition, expected) in [
            (json!({"StringEquals": {"sts:ExternalId": "secret-1"}}), true),
            (json!({"StringEquals": {"sts:ExternalId": ["a", "secret-1"]}}), true),
            (json!({"StringEquals": {"sts:ExternalId": "secret-2"}}), false),
            (json!({"StringNotEquals": {"sts:ExternalId": "secret-1"}}), false),
            (json!({"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/pub*"}}), true),
            (json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/?"}}), false),
            (json!({"StringLike": {"sts:RoleSessionName": "fan-*", "aws:PrincipalAccount": "1*2"}}), true),
            (json!({"StringEquals": {"sts:ExternalId": "secret-1"}, "ArnEquals": {"aws:PrincipalArn": "no"}}), false),
        ] {
            assert_eq!(asked(json!([allow(us.clone(), condition.clone())])), Ok(expected), "{condition}");
        }
        let without = Asker { external_id: None, ..ASKER };
        for (operator, expected) in [("StringEquals", false), ("StringNotEquals", true), ("StringEqualsIfExists", true)]
        {
            let statement = allow(us.clone(), json!({operator: {"sts:ExternalId": "secret-1"}}));
            assert_eq!(trusts(&json!({"Statement": statement}), without), Ok(expected), "{operator}");
        }
    }

    #[test]
    fn a_denial_wins_and_what_is_unknown_is_said() {
        let all = allow(json!("*"), json!({}));
        let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "sts:*",
            "Condition": {"StringNotEquals": {"sts:ExternalId": "secret-2"}}});
        assert_eq!(asked(json!([all, deny])), Ok(false));
        assert_eq!(asked(json!([])), Ok(false));
        assert_eq!(asked(json!({"Effect": "Allow", "Principal": "*", "Action": "sts:TagSession"})), Ok(false));
        for condition in [json!({"Bool": {"aws:PrincipalArn": "x"}}), json!({"StringEquals": {"aws:SourceIp": "x"}})] {
            assert!(asked(json!([allow(json!("*"), condition.clone())])).is_err(), "{condition}");
            // A statement about others decides nothing.
            assert_eq!(asked(json!([allow(json!({"AWS": "111122223333"}), condition)])), Ok(false));
        }
    }
}
