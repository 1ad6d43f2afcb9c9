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

/// What a policy is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Policy {
    /// Who may assume a role.
    Trust,
    /// Who may use a key.
    OfKey,
    /// Who may use a topic, a queue or the like.
    OfResource,
}

/// Keys that say for whom a service acts, or who somebody is.
const SAYS_WHO: [&str; 9] = [
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalOrgID",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceOrgID",
    "kms:CallerAccount",
    "kms:EncryptionContext:aws:logs:arn",
    "sns:Endpoint",
];

/// Whether a condition says who: by equality, and not with anybody.
fn says_who(condition: &Value, policy: Policy) -> bool {
    let equals = ["StringEquals", "StringLike", "ArnEquals", "ArnLike"];
    let says = |operator: &String| {
        // A key is used on the way to a topic or a queue, whose own policy says for whom; not every service tells it again.
        let operator = match policy {
            Policy::OfKey => operator.trim_end_matches("IfExists"),
            Policy::OfResource | Policy::Trust => operator,
        };
        equals.contains(&operator)
    };
    let operators = condition.as_object().into_iter().flatten().filter(|(name, _)| says(name));
    let mut keys = operators.flat_map(|(_, keys)| keys.as_object().into_iter().flatten());
    keys.any(|(key, values)| {
        let known = SAYS_WHO.iter().any(|known| known.eq_ignore_ascii_case(key));
        known && items(values).flat_map(words).all(|value| !value.trim_matches(['*', ':']).is_empty())
    })
}

/// What the names of services end with.
const DOMAINS: [&str; 2] = [".amazonaws.com", ".${AWS::URLSuffix}"];

/// What is wrong with a statement of a resource's policy. Whom a role trusts needn't be limited further: a service
/// assumes only roles that it was passed.
fn faults(statement: &Value, policy: Policy) -> Vec<String> {
    if statement["Effect"] == "Deny" {
        return Vec::new();
    }
    let mut found = Vec::new();
    let limited = says_who(&statement["Condition"], policy);
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
            "Service" if who.contains('*') || !DOMAINS.iter().any(|domain| who.ends_with(domain)) => {
                found.push(format!("{who} isn't the name of a service"));
            }
            "Service" if !limited && policy != Policy::Trust => found.push(format!("{who} may do it for any account")),
            _ => {}
        }
    }
    let actions: Vec<String> = items(&statement["Action"]).flat_map(words).collect();
    let all_of_a_key =
        policy == Policy::OfKey && actions == ["kms:*"] && principal["AWS"].to_string().contains(":root");
    if actions.is_empty() || (actions.iter().any(|action| action.ends_with(":*") || action == "*") && !all_of_a_key) {
        found.push(format!("its actions aren't named: {actions:?}"));
    }
    found
}

/// The statements of a resource's own policy.
fn policies(resource: &Value) -> (Vec<&Value>, Policy) {
    let properties = &resource["Properties"];
    let (member, policy) = match resource["Type"].as_str().unwrap() {
        "AWS::IAM::Role" => ("AssumeRolePolicyDocument", Policy::Trust),
        "AWS::KMS::Key" => ("KeyPolicy", Policy::OfKey),
        "AWS::ECR::Repository" => ("RepositoryPolicyText", Policy::OfResource),
        "AWS::Events::EventBusPolicy" => ("Statement", Policy::OfResource),
        "AWS::SNS::TopicPolicy"
        | "AWS::SNS::TopicInlinePolicy"
        | "AWS::SQS::QueuePolicy"
        | "AWS::SQS::QueueInlinePolicy"
        | "AWS::S3::BucketPolicy" => ("PolicyDocument", Policy::OfResource),
        _ => return (Vec::new(), Policy::OfResource),
    };
    let document = &properties[member];
    (items(document.get("Statement").unwrap_or(document)).collect(), policy)
}

#[test]
fn policies_of_resources_name_who_may_what_and_for_whom() {
    let (mut seen, mut found) = (Vec::new(), Vec::new());
    for (file, template) in templates() {
        for (name, resource) in template["Resources"].as_object().unwrap() {
            let (statements, policy) = policies(resource);
            for statement in statements {
                seen.push(resource["Type"].as_str().unwrap().to_owned());
                let within = statement.pointer("/Fn::If/1").unwrap_or(statement);
                found.extend(faults(within, policy).into_iter().map(|why| format!("{file}: {name}: {why}: {within}")));
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
    for kind in ["AWS::IAM::Role", "AWS::KMS::Key", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy"] {
        assert!(seen.iter().any(|seen| seen == kind), "there is no {kind} to look at");
    }
}

#[test]
fn a_policy_for_anybody_is_told() {
    let statement = |principal: Value, action: &str, condition: Value| json!({"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "r", "Condition": condition});
    let (own, none) = (json!({"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}), json!({}));
    let service = json!({"Service": "events.amazonaws.com"});
    for (statement, policy, expected) in [
        (statement(json!("*"), "sns:Publish", none.clone()), Policy::OfResource, vec!["anybody may do it"]),
        (statement(json!({"AWS": "*"}), "sns:Publish", none.clone()), Policy::OfResource, vec!["anybody may do it"]),
        (statement(json!({"AWS": ["*"]}), "sns:Publish", own.clone()), Policy::OfResource, vec![]),
        (
            statement(json!("*"), "sns:Publish", json!({"StringNotEquals": {"aws:SourceAccount": "1"}})),
            Policy::OfResource,
            vec!["anybody may do it"],
        ),
        (
            statement(json!("*"), "sns:Publish", json!({"StringLike": {"aws:PrincipalArn": ["a", "*"]}})),
            Policy::OfResource,
            vec!["anybody may do it"],
        ),
        (
            statement(json!("*"), "sns:Publish", json!({"Bool": {"aws:SecureTransport": true}})),
            Policy::OfResource,
            vec!["anybody may do it"],
        ),
        (
            statement(service.clone(), "sqs:SendMessage", none.clone()),
            Policy::OfResource,
            vec!["events.amazonaws.com may do it for any account"],
        ),
        (statement(service.clone(), "sqs:SendMessage", own.clone()), Policy::OfResource, vec![]),
        (statement(service.clone(), "sts:AssumeRole", none.clone()), Policy::Trust, vec![]),
        (
            statement(service.clone(), "sqs:*", own.clone()),
            Policy::OfResource,
            vec!["its actions aren't named: [\"sqs:*\"]"],
        ),
        (
            statement(json!({"Service": "*"}), "sqs:SendMessage", own.clone()),
            Policy::OfResource,
            vec!["* isn't the name of a service"],
        ),
        (statement(Value::Null, "sqs:SendMessage", own.clone()), Policy::OfResource, vec!["it names no principal"]),
        (json!({"Effect": "Deny", "Principal": "*", "Action": "*", "Condition": none}), Policy::OfResource, vec![]),
        (
            statement(json!({"AWS": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}}), "kms:*", json!({})),
            Policy::OfKey,
            vec![],
        ),
    ] {
        assert_eq!(faults(&statement, policy), expected, "{statement}");
    }
}
