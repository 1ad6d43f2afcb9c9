//! A policy that is changed in one place is told with exactly that: every statement of every role, in every such way.

use crate::grants::{Grant, Policies, Statement, items, words};
use crate::{ROLES_OF_IMAGE_BUILDER, actions, declared, differences, roles};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Where a role's statements stand in its template, those within `Fn::If` too.
fn places(template: &Value, role: &str) -> Vec<String> {
    let mut places = Vec::new();
    for member in ["Policies", "SamPolicies"] {
        let policies = format!("/Resources/{role}/Properties/{member}");
        for nth in 0..template.pointer(&policies).map_or(0, |list| list.as_array().unwrap().len()) {
            let mut document = format!("{policies}/{nth}");
            if template.pointer(&format!("{document}/PolicyDocument")).is_some() {
                document.push_str("/PolicyDocument");
            }
            let statements = template.pointer(&format!("{document}/Statement")).unwrap().as_array().unwrap();
            for (nth, statement) in statements.iter().enumerate() {
                let within = if statement.get("Fn::If").is_some() { "/Fn::If/1" } else { "" };
                places.push(format!("{document}/Statement/{nth}{within}"));
            }
        }
    }
    places
}

/// Changes a role's statements one after the other, and holds what is told against what should be.
fn each(change: impl Fn(&str, &Value, &Statement) -> Vec<(Value, BTreeSet<String>)>) -> usize {
    let mut changed = 0;
    for (role, template) in roles().into_iter().filter(|(role, _)| !ROLES_OF_IMAGE_BUILDER.contains(&role.as_str())) {
        let stated = Policies::of(&template, &role).statements;
        let places = places(&template, &role);
        assert_eq!(places.len(), stated.len(), "{role}");
        for (place, stated) in places.iter().zip(&stated) {
            let statement = template.pointer(place).unwrap();
            for (other, expected) in change(&role, statement, stated) {
                let mut template = template.clone();
                *template.pointer_mut(place).unwrap() = other.clone();
                let told = differences(&role, &template);
                assert_eq!(told.into_iter().collect::<BTreeSet<_>>(), expected, "{role}: {statement}\nas {other}");
                changed += 1;
            }
        }
    }
    changed
}

fn with(statement: &Value, member: &str, value: Value) -> Value {
    let mut statement = statement.clone();
    statement[member] = value;
    statement
}

fn grant(of: &Statement, action: &str, on: &str) -> Grant {
    Grant { action: action.to_owned(), on: on.to_owned(), when: of.when.clone(), given: of.given.clone() }
}

fn missing(grant: Grant) -> String {
    format!("declared and not allowed: {grant}")
}

fn surplus(grant: Grant) -> String {
    format!("allowed and not declared: {grant}")
}

#[test]
fn an_action_less_is_told() {
    let changed = each(|_, statement, stated| {
        let less = |action: &String| {
            let left: Vec<&String> = stated.actions.iter().filter(|other| *other != action).collect();
            let about = |on: &&String| actions::fits(action, on);
            let mut told: BTreeSet<String> =
                stated.on.iter().filter(about).map(|on| missing(grant(stated, action, on))).collect();
            let orphans = stated.on.iter().filter(|on| !left.iter().any(|other| actions::fits(other, on)));
            told.extend(orphans.map(|on| format!("no action of {} is about {on}", statement["Sid"])));
            (with(statement, "Action", json!(left)), told)
        };
        stated.actions.iter().map(less).collect()
    });
    assert!(changed > 80, "{changed}");
}

#[test]
fn an_action_more_is_told() {
    let changed = each(|_, statement, stated| {
        let more = ["imagebuilder:DeleteImage", "ec2:DeregisterImage", "ssm:*", "*"];
        let more = more.map(|action| {
            let actions = [&stated.actions[..], &[action.to_owned()]].concat();
            let told = stated.on.iter().map(|on| surplus(grant(stated, action, on))).collect();
            (with(statement, "Action", json!(actions)), told)
        });
        more.into()
    });
    assert!(changed > 150, "{changed}");
}

#[test]
fn a_resource_that_is_wider_is_told() {
    let changed = each(|_, statement, stated| {
        let resources: Vec<Value> = items(&statement["Resource"]).cloned().collect();
        let mut changes = Vec::new();
        for (nth, resource) in resources.iter().enumerate() {
            let was = words(resource);
            let mut wider: BTreeSet<String> = [
                "*".to_owned(),
                was[0].replace("${AWS::AccountId}", "*"),
                was[0].replace("${AWS::Region}", "*"),
                was[0].rsplit_once('/').map_or_else(|| "*".to_owned(), |(start, _)| format!("{start}*")),
                was[0].replace("${AWS::Partition}", "aws"),
            ]
            .into();
            wider.remove(&was[0]);
            for on in wider {
                let mut resources = resources.clone();
                resources[nth] = json!(on);
                let of = |on: &String, tell: fn(Grant) -> String| {
                    let fitting = stated.actions.iter().filter(|action| actions::fits(action, on));
                    fitting.map(|action| tell(grant(stated, action, on))).collect::<Vec<_>>()
                };
                let told = was.iter().flat_map(|on| of(on, missing)).chain(of(&on, surplus)).collect();
                changes.push((with(statement, "Resource", json!(resources)), told));
            }
        }
        changes
    });
    assert!(changed > 100, "{changed}");
}

#[test]
fn a_condition_less_is_told() {
    let changed = each(|role, statement, stated| {
        if statement.get("Condition").is_none() {
            return Vec::new();
        }
        let without = Statement { when: "{}".to_owned(), ..stated.clone() };
        let grants = stated.grants().into_iter().map(missing);
        // Some are granted without the condition anyway.
        let more = without.grants().into_iter().filter(|grant| !declared(role).contains(grant));
        let told = grants.chain(more.map(surplus)).collect();
        vec![(with(statement, "Condition", Value::Null), told)]
    });
    assert!(changed > 5, "{changed}");
}

#[test]
fn what_is_not_a_plain_permission_is_told() {
    each(|_, statement, _| {
        let told = |other: Value| {
            let fault = format!("not a statement that can be compared: {other}");
            (other, BTreeSet::from([fault]))
        };
        vec![told(with(statement, "Effect", json!("Deny"))), told(with(statement, "NotAction", json!("iam:*")))]
    });
    let (role, template) = roles().into_iter().find(|(role, _)| role == "FanOutAmisRole").unwrap();
    for (policy, expected) in [
        (
            json!({"SNSPublishMessagePolicy": {"TopicName": {"Fn::GetAtt": ["BuildReports", "TopicName"]}}}),
            "allowed and not declared: sns:Publish on \
             arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:${BuildReports.TopicName}",
        ),
        (json!("AdministratorAccess"), "allowed and not declared: the managed policy on AdministratorAccess"),
        (
            json!({"Fn::If": ["C", {"Statement": {"Effect": "Allow", "Action": "iam:*", "Resource": "*"}}, {"Ref": "AWS::NoValue"}]}),
            "allowed and not declared: iam:* on * given C",
        ),
        (json!({"NoSuchPolicy": {}}), "not a policy that is known here: {\"NoSuchPolicy\":{}}"),
    ] {
        let mut template = template.clone();
        template["Resources"][&role]["Properties"]["SamPolicies"].as_array_mut().unwrap().push(policy);
        assert_eq!(differences(&role, &template), [expected]);
    }
}

#[test]
fn a_condition_of_the_template_less_is_told() {
    let (role, template) = roles().into_iter().find(|(role, _)| role == "FanOutAmisRole").unwrap();
    let place = places(&template, &role).into_iter().find(|place| place.ends_with("/Fn::If/1")).unwrap();
    let (mut other, statement) = (template.clone(), template.pointer(&place).unwrap());
    *other.pointer_mut(place.trim_end_matches("/Fn::If/1")).unwrap() = statement.clone();
    let grant = "sts:AssumeRole on arn:${AWS::Partition}:iam::*:role/${TargetRoleName}";
    let expected = [
        format!("declared and not allowed: {grant} given HasTargetRole"),
        format!("allowed and not declared: {grant}"),
    ];
    assert_eq!(differences(&role, &other), expected);
}
