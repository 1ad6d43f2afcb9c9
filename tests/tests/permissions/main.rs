//! What each role may do: the functions' declarations and the policies of the templates, held against each other in both
//! directions, and the policies against AWS's reference. What is really called is held against both in `end_to_end`.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod actions;
mod document;
mod grants;
mod mutations;
mod principals;

use grants::{Grant, Policies};
use serde_json::Value;
use shared::permissions::{BY_SQS, Permission, allow, encrypt};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A function's ARN.
macro_rules! function {
    ($name:literal) => {
        concat!("arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${AWS::StackName}-", $name)
    };
}

/// The functions by the names of their roles in `template.yaml`, each with what it declares.
const FUNCTIONS: [(&str, &str, &[Permission]); 4] = [
    ("StartPipelinesRole", "start-pipelines", &start_pipelines::permissions::PERMISSIONS),
    ("FanOutAmisRole", "fan-out-amis", &fan_out_amis::permissions::PERMISSIONS),
    ("DeprecateImagesRole", "deprecate-images", &deprecate_images::permissions::PERMISSIONS),
    ("ReportBuildsRole", "report-builds", &report_builds::permissions::PERMISSIONS),
];

/// What EventBridge Scheduler does: nothing of it is code of ours.
const SCHEDULES: [Permission; 3] = [
    allow(
        &["lambda:InvokeFunction"],
        &[
            function!("deprecate-images"),
            function!("fan-out-amis"),
            function!("report-builds"),
            function!("start-pipelines"),
        ],
        "run the functions",
    ),
    allow(&["sqs:SendMessage"], &["${DeadLetters.Arn}"], "keep what could not run"),
    encrypt(&[BY_SQS], "encrypt that"),
];

/// Roles that Image Builder assumes, under AWS's own policy for it.
const ROLES_OF_IMAGE_BUILDER: [&str; 2] = ["LifecycleExecution", "LifecycleAccess"];

const LIFECYCLE_POLICY: &str =
    "arn:${AWS::Partition}:iam::aws:policy/service-role/EC2ImageBuilderLifecycleExecutionPolicy";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A template of the repository as it is written.
fn template(file: &str) -> Value {
    goldsmith_local::stack::read(&root().join(file)).unwrap().as_written()
}

/// The roles of both templates, each with its template.
fn roles() -> Vec<(String, Value)> {
    let mut roles = Vec::new();
    for file in ["template.yaml", "target-account.yaml"] {
        let template = template(file);
        for (name, resource) in template["Resources"].as_object().unwrap() {
            let kind = resource["Type"].as_str().unwrap();
            let apart = ["AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::RolePolicy"];
            assert!(!apart.contains(&kind), "{name}: a policy stands with its role, where it is compared");
            if kind == "AWS::IAM::Role" {
                roles.push((name.clone(), template.clone()));
            }
        }
    }
    roles
}

/// What is declared of a role.
fn declared(role: &str) -> BTreeSet<Grant> {
    if role == "ScheduleRole" {
        return SCHEDULES.iter().flat_map(Grant::declared).collect();
    }
    let all = FUNCTIONS.iter().flat_map(|(of, _, permissions)| permissions.iter().map(move |one| (*of, one)));
    let of_role = all.filter(|(of, one)| if role == "PublishRole" { one.elsewhere } else { *of == role });
    of_role.flat_map(|(_, permission)| Grant::declared(permission)).collect()
}

/// How a role's policies differ from what is declared of it, and what in them can't be compared.
fn differences(role: &str, template: &Value) -> Vec<String> {
    let policies = Policies::of(template, role);
    let granted = policies.granted();
    let mut found = policies.faults;
    found.extend(declared(role).difference(&granted).map(|it| format!("declared and not allowed: {it}")));
    found.extend(granted.difference(&declared(role)).map(|it| format!("allowed and not declared: {it}")));
    found
}

#[test]
fn every_role_allows_what_is_declared_and_no_more() {
    let mut seen = BTreeSet::new();
    for (role, template) in roles() {
        seen.insert(role.clone());
        let found = match ROLES_OF_IMAGE_BUILDER.contains(&role.as_str()) {
            true => {
                let own = Grant::managed(LIFECYCLE_POLICY);
                let granted = Policies::of(&template, &role).granted();
                granted.symmetric_difference(&[own].into()).map(Grant::to_string).collect()
            }
            false => differences(&role, &template),
        };
        assert!(found.is_empty(), "{role}\n{}", found.join("\n"));
    }
    assert!(FUNCTIONS.iter().all(|(role, ..)| seen.contains(*role)) && seen.contains("PublishRole"), "{seen:?}");
}

#[test]
fn nothing_is_declared_twice() {
    for (_, function, permissions) in FUNCTIONS {
        let mut seen = BTreeMap::new();
        for permission in permissions {
            for grant in Grant::declared(permission) {
                let twice = seen.insert(grant.clone(), permission.to);
                assert_eq!(twice, None, "{function}: {grant} is declared twice");
            }
        }
    }
}

#[test]
fn every_action_is_one_of_aws_and_on_all_resources_only_if_it_knows_none() {
    for (function, permission) in FUNCTIONS.iter().flat_map(|(_, name, all)| all.iter().map(move |one| (name, one))) {
        for action in permission.actions {
            let kinds = actions::kinds(action);
            let kinds = kinds.unwrap_or_else(|| panic!("{function}: {action}: look it up, and add it to the table"));
            // Calls that a service makes to answer one are as wide as what it looks through.
            let through = permission.when.is_some_and(|limit| limit.key == "aws:CalledVia");
            for resource in permission.on {
                let all = *resource == shared::permissions::EVERYTHING;
                assert!(!all || kinds.is_empty() || through, "{function}: {action} knows resources: {kinds:?}");
                assert!(all || actions::fits(action, resource), "{function}: {action} isn't about {resource}");
            }
        }
    }
}

/// What changes something, function by function: who adds a line here has thought of it.
#[test]
fn what_a_function_may_change_is_this_and_nothing_else() {
    let reads = |action: &str| {
        let verb = action.split_once(':').unwrap().1;
        ["Decrypt", "Describe", "GenerateDataKey", "Get", "List"].iter().any(|start| verb.starts_with(start))
    };
    let changes = |permissions: &[Permission]| -> BTreeSet<&str> {
        permissions.iter().flat_map(|one| one.actions.iter().copied()).filter(|action| !reads(action)).collect()
    };
    let expected: [(&str, &[&str]); 4] = [
        ("start-pipelines", &["imagebuilder:StartImagePipelineExecution", "imagebuilder:TagResource"]),
        (
            "fan-out-amis",
            &[
                "events:PutEvents",
                "sns:Publish",
                "ssm:LabelParameterVersion",
                "ssm:PutParameter",
                "ssm:UnlabelParameterVersion",
                "sts:AssumeRole",
            ],
        ),
        (
            "deprecate-images",
            &[
                "ec2:CreateImageUsageReport",
                "ec2:ModifyImageAttribute",
                "iam:PassRole",
                "imagebuilder:StartResourceStateUpdate",
                "imagebuilder:TagResource",
                "imagebuilder:UntagResource",
                "sns:Publish",
                "ssm:DeleteParameter",
                "ssm:PutParameter",
                "sts:AssumeRole",
            ],
        ),
        (
            "report-builds",
            &[
                "imagebuilder:RetryImage",
                "imagebuilder:SendWorkflowStepAction",
                "imagebuilder:TagResource",
                "imagebuilder:UntagResource",
                "sns:Publish",
                "sqs:TagQueue",
                "sqs:UntagQueue",
                "sts:AssumeRole",
            ],
        ),
    ];
    for ((_, function, permissions), (name, actions)) in FUNCTIONS.iter().zip(expected) {
        assert_eq!((*function, changes(permissions)), (name, actions.iter().copied().collect()));
    }
}

/// Condition keys without which a permission would reach further than it is meant to.
#[test]
fn what_reaches_far_is_limited() {
    for (function, permission) in FUNCTIONS.iter().flat_map(|(_, name, all)| all.iter().map(move |one| (name, one))) {
        let limited_by = permission.when.map(|limit| limit.key);
        for (action, key) in [
            ("iam:PassRole", "iam:PassedToService"),
            ("ec2:ModifyImageAttribute", "aws:ResourceTag/CreatedBy"),
            ("events:PutEvents", "events:source"),
        ] {
            let concerned = permission.actions.contains(&action);
            assert!(!concerned || limited_by == Some(key), "{function}: {action} isn't limited by {key}");
        }
        // All that a stack's parameters hold, secrets among it, is never read by a call of the function's own.
        let all_parameters = permission.on.iter().any(|on| on.ends_with(":parameter/*") || *on == "*");
        let reads = permission.actions.iter().any(|action| action.starts_with("ssm:GetParameter"));
        let by_services = limited_by.is_some_and(|key| ["aws:CalledVia", "aws:ViaAWSService"].contains(&key));
        assert!(!(all_parameters && reads) || by_services, "{function}: {permission:?}");
    }
}
