//! Who may use a resource of the stacks: policies of topics, queues, keys and the like, and whom roles trust.

use crate::grants::{items, words};
use crate::root;
use serde_json::{Value, json};

/// Every template of the repository that people deploy.
fn templates() -> Vec<(String, Value)> {
    let examples = std::fs::read_dir(root().join("examples")).unwrap().map(|entry| entry.unwrap().path());
    let examples = examples.filter(|file| file.extension().is_some_and(|it| it == "yaml"));
    let files = [root().join("template.yaml"), root().join("target-account.yaml")].into_iter().chain(examples);
    let read = |file: std::path::PathBuf| {
        let template = goldsmith_local::stack::read(&file).unwrap().as_written();
        (file.file_name().unwrap().to_str().unwrap().to_owned(), template)
    };
    files.map(read).collect()
}

/// Keys that say for whom a service acts, or who somebody is.
const SAYS_WHO: [&str; 8] = [
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalOrgID",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceOrgID",
    "kms:CallerAccount",
    "sns:Endpoint",
];

/// Whether a condition says who: by equality, and not with anybody.
fn says_who(condition: &Value) -> bool {
    let equals = ["StringEquals", "StringLike", "ArnEquals", "ArnLike"];
    let operators = condition.as_object().into_iter().flatten().filter(|(name, _)| equals.contains(&name.as_str()));
    let mut keys = operators.flat_map(|(_, keys)| keys.as_object().into_iter().flatten());
    keys.any(|(key, values)| {
        let known = SAYS_WHO.iter().any(|known| known.eq_ignore_ascii_case(key));
        known && items(values).flat_map(words).all(|value| !value.trim_matches(['*', ':']).is_empty())
    })
}

/// What is wrong with a statement of a resource's policy. Whom a role trusts needn't be limited further: a service
/// assumes only roles that it was passed.
fn faults(statement: &Value, is_trust: bool) -> Vec<String> {
    if statement["Effect"] == "Deny" {
        return Vec::new();
    }
    let mut found = Vec::new();
    let limited = says_who(&statement["Condition"]);
    let principal = &statement["Principal"];
    let members: Vec<(&str, String)> = match principal.as_object() {
        Some(kinds) => {
            let words_of = |values: &Value| items(values).flat_map(words).collect::<Vec<_>>();
            kinds.iter().flat_map(|(kind, values)| words_of(values).into_iter().map(|it| (kind.as_str(), it))).collect()
        }
        None => items(principal).flat_map(words).map(|word| ("AWS", word)).collect(),
    };
    if members.is_empty() {
        found.push("it names no principal".to_owned());
    }
    for (kind, who) in members {
        match kind {
            "AWS" if who == "*" && !limited => found.push("anybody may do it".to_owned()),
            "Service" if !who.ends_with(".amazonaws.com") || who.contains('*') => {
                found.push(format!("{who} isn't the name of a service"));
            }
            "Service" if !limited && !is_trust => found.push(format!("{who} may do it for any account")),
            _ => {}
        }
    }
    let actions: Vec<String> = items(&statement["Action"]).flat_map(words).collect();
    let all_of_a_key = actions == ["kms:*"] && principal["AWS"].to_string().contains(":root");
    if actions.is_empty() || (actions.iter().any(|action| action.contains('*')) && !all_of_a_key) {
        found.push(format!("its actions aren't named: {actions:?}"));
    }
    found
}

/// The policies of a resource of a template, and whether they say whom a role trusts.
fn policies(resource: &Value) -> (Vec<&Value>, bool) {
    let properties = &resource["Properties"];
    let is_trust = properties.get("AssumeRolePolicyDocument").is_some();
    let member = match resource["Type"].as_str().unwrap() {
        "AWS::IAM::Role" => "AssumeRolePolicyDocument",
        "AWS::KMS::Key" => "KeyPolicy",
        "AWS::ECR::Repository" => "RepositoryPolicyText",
        "AWS::Events::EventBusPolicy" => "Statement",
        "AWS::SNS::TopicPolicy"
        | "AWS::SNS::TopicInlinePolicy"
        | "AWS::SQS::QueuePolicy"
        | "AWS::SQS::QueueInlinePolicy"
        | "AWS::S3::BucketPolicy" => "PolicyDocument",
        _ => return (Vec::new(), false),
    };
    let policy = &properties[member];
    (items(policy.get("Statement").unwrap_or(policy)).collect(), is_trust)
}

#[test]
fn policies_of_resources_name_who_may_what_and_for_whom() {
    let (mut seen, mut found) = (Vec::new(), Vec::new());
    for (file, template) in templates() {
        for (name, resource) in template["Resources"].as_object().unwrap() {
            let (statements, is_trust) = policies(resource);
            for statement in statements {
                seen.push(resource["Type"].as_str().unwrap().to_owned());
                let within = statement.pointer("/Fn::If/1").unwrap_or(statement);
                found.extend(faults(within, is_trust).into_iter().map(|why| format!("{file}: {name}: {why}: {within}")));
            }
            // A permission of Lambda is a policy of the function's with one statement.
            if resource["Type"] == "AWS::Lambda::Permission" {
                let properties = &resource["Properties"];
                let source = ["SourceArn", "SourceAccount", "PrincipalOrgID"];
                if !source.iter().any(|member| properties.get(member).is_some()) || properties["Principal"] == "*" {
                    found.push(format!("{file}: {name}: it doesn't say for whom: {properties}"));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    for kind in ["AWS::SNS::TopicPolicy", "AWS::IAM::Role"] {
        assert!(seen.iter().any(|seen| seen == kind), "there is no {kind} to look at");
    }
}

#[test]
fn a_policy_for_anybody_is_told() {
    let statement = |principal: Value, action: &str, condition: Value| {
        json!({"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "r", "Condition": condition})
    };
    let (own, none) = (json!({"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}), json!({}));
    let service = json!({"Service": "events.amazonaws.com"});
    for (statement, is_trust, expected) in [
        (statement(json!("*"), "sns:Publish", none.clone()), false, vec!["anybody may do it"]),
        (statement(json!({"AWS": "*"}), "sns:Publish", none.clone()), false, vec!["anybody may do it"]),
        (statement(json!({"AWS": ["*"]}), "sns:Publish", own.clone()), false, vec![]),
        (
            statement(json!("*"), "sns:Publish", json!({"StringNotEquals": {"aws:SourceAccount": "1"}})),
            false,
            vec!["anybody may do it"],
        ),
        (
            statement(json!("*"), "sns:Publish", json!({"StringLike": {"aws:PrincipalArn": ["a", "*"]}})),
            false,
            vec!["anybody may do it"],
        ),
        (
            statement(json!("*"), "sns:Publish", json!({"Bool": {"aws:SecureTransport": true}})),
            false,
            vec!["anybody may do it"],
        ),
        (
            statement(service.clone(), "sqs:SendMessage", none.clone()),
            false,
            vec!["events.amazonaws.com may do it for any account"],
        ),
        (statement(service.clone(), "sqs:SendMessage", own.clone()), false, vec![]),
        (statement(service.clone(), "sts:AssumeRole", none.clone()), true, vec![]),
        (statement(service.clone(), "sqs:*", own.clone()), false, vec!["its actions aren't named: [\"sqs:*\"]"]),
        (
            statement(json!({"Service": "*"}), "sqs:SendMessage", own.clone()),
            false,
            vec!["* isn't the name of a service"],
        ),
        (statement(Value::Null, "sqs:SendMessage", own.clone()), false, vec!["it names no principal"]),
        (json!({"Effect": "Deny", "Principal": "*", "Action": "*", "Condition": none}), false, vec![]),
        (
            statement(json!({"AWS": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}}), "kms:*", json!({})),
            false,
            vec![],
        ),
    ] {
        assert_eq!(faults(&statement, is_trust), expected, "{statement}");
    }
}
