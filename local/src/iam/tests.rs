use super::*;
use crate::draw::Seed;
use crate::wire::Caller;
use serde_json::json;

const ACCOUNT: &str = "123456789012";

fn world(statements: Value) -> World {
    let mut world = World::new(Seed(1), "2026-01-01T00:00:00Z".parse().unwrap());
    let policies = json!([{"PolicyName": "own", "PolicyDocument": {"Statement": statements}}]);
    let arn = format!("arn:aws:iam::{ACCOUNT}:role/function");
    let managed = ["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole", "arn:aws:iam::aws:policy/Other"];
    world.stacks.add_role(ACCOUNT, "function", json!({"Arn": arn, "Policies": policies, "ManagedPolicyArns": managed}));
    world
}

fn context(role: &str) -> Context {
    let principal = Principal::Role { name: role.to_owned(), session: "s".to_owned() };
    let caller = Caller { account: ACCOUNT.to_owned(), principal, invocation: None };
    Context { caller, region: "us-east-1".to_owned(), request_id: "r".to_owned() }
}

fn ask(world: &mut World, call: &str, input: &Value) -> Result<(), (u16, String, String)> {
    let (service, operation) = call.split_once(':').unwrap();
    let answer = authorise(world, &context("function"), service, operation, input);
    answer.map_err(|error| (error.status, error.code, error.message))
}

#[test]
fn a_call_needs_its_actions_on_its_resources() {
    let image = "arn:aws:imagebuilder:us-east-1:123456789012:image/web/1.0.0/1";
    let topic = "arn:aws:sns:us-east-1:123456789012:t";
    let parameter = |name: &str| json!({"Name": name});
    let aws_image = json!({"Name": "/g/web", "DataType": "aws:ec2:image", "Value": "ami-1"});
    let role = "arn:aws:iam::123456789012:role/life";
    let update = json!({"resourceArn": image, "executionRole": role});
    let step = json!({"stepExecutionId": "step-1", "imageBuildVersionArn": image});
    let of_builder = "arn:aws:imagebuilder:us-east-1:123456789012:";
    let bus = "arn:aws:events:us-east-1:123456789012:event-bus/default";
    let ours = json!({"Entries": [{"Source": "goldsmith", "DetailType": "Image Published", "Detail": "{}"}]});
    let theirs = json!({"Entries": [{"Source": "other", "DetailType": "Image Published", "Detail": "{}"}]});
    let grant = |action: &str, on: &str| json!([{"Effect": "Allow", "Action": action, "Resource": on}]);
    let only_ours = json!([{"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus,
        "Condition": {"StringEquals": {"events:source": "goldsmith"}}}]);
    let passes = |service: &str| {
        json!([{"Effect": "Allow", "Action": "imagebuilder:StartResourceStateUpdate", "Resource": format!("{of_builder}image/*")},
            {"Effect": "Allow", "Action": "iam:PassRole", "Resource": role,
            "Condition": {"StringEquals": {"iam:PassedToService": service}}}])
    };
    let both = json!([{"Effect": "Allow", "Action": "ssm:PutParameter", "Resource": "arn:aws:ssm:*:123456789012:parameter/g/*"},
        {"Effect": "Allow", "Action": "ec2:DescribeImages", "Resource": "*"}]);
    for (statements, call, input, expected) in [
        (grant("imagebuilder:GetImage", image), "imagebuilder:GetImage", json!({"imageBuildVersionArn": image}), None),
        (grant("imagebuilder:GetImage", "*"), "imagebuilder:ListImages", json!({}), Some("AccessDeniedException")),
        (grant("imagebuilder:List*", "*"), "imagebuilder:ListImages", json!({}), None),
        (
            grant("imagebuilder:ListImageBuildVersions", &format!("{of_builder}image/web/*")),
            "imagebuilder:ListImageBuildVersions",
            json!({"imageVersionArn": format!("{of_builder}image/web/1.0.0")}),
            None,
        ),
        (
            grant("imagebuilder:SendWorkflowStepAction", image),
            "imagebuilder:SendWorkflowStepAction",
            step,
            Some("AccessDeniedException"),
        ),
        (passes("imagebuilder.amazonaws.com"), "imagebuilder:StartResourceStateUpdate", update.clone(), None),
        (passes("ec2.amazonaws.com"), "imagebuilder:StartResourceStateUpdate", update, Some("AccessDeniedException")),
        (both, "ssm:PutParameter", aws_image.clone(), None),
        (grant("ssm:*", "*"), "ssm:PutParameter", aws_image, Some("AccessDeniedException")),
        (
            grant("ssm:GetParameter", "arn:aws:ssm:us-east-1:123456789012:parameter/g/*"),
            "ssm:GetParameter",
            parameter("/g/web:prod"),
            None,
        ),
        (
            grant("ssm:GetParameter", "arn:aws:ssm:us-east-1::parameter/aws/service/*"),
            "ssm:GetParameter",
            parameter("/aws/service/ami"),
            None,
        ),
        (
            grant("ssm:GetParameter", "arn:aws:ssm:us-east-1:123456789012:parameter/g/*"),
            "ssm:GetParameter",
            parameter("/other"),
            Some("AccessDeniedException"),
        ),
        (grant("sns:Publish", topic), "sns:Publish", json!({"TopicArn": topic}), None),
        (grant("sns:Publish", topic), "sns:Publish", json!({"TopicArn": "arn:x"}), Some("AuthorizationError")),
        (only_ours.clone(), "events:PutEvents", ours, None),
        (only_ours, "events:PutEvents", theirs, Some("AccessDeniedException")),
        (grant("ec2:DescribeImages", "*"), "ec2:DescribeImages", json!({}), None),
        (grant("ssm:*", "*"), "ec2:DescribeImages", json!({}), Some("UnauthorizedOperation")),
        (grant("ssm:*", "*"), "sts:GetCallerIdentity", json!({}), None),
        (grant("ssm:*", "*"), "sts:AssumeRole", json!({"RoleArn": role}), Some("AccessDenied")),
    ] {
        let refused = ask(&mut world(statements.clone()), call, &input).err().map(|(_, code, _)| code);
        assert_eq!(refused.as_deref(), expected, "{call} {input} with {statements}");
    }
}

#[test]
fn who_publishes_to_a_topic_with_a_key_needs_the_key_by_way_of_sns() {
    let key = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555";
    let publish = |statements: &[Value], key: &str| {
        let mut statements = statements.to_vec();
        statements.push(json!({"Effect": "Allow", "Action": "sns:Publish", "Resource": "*"}));
        let mut world = world(json!(statements));
        let owner = Context { caller: Caller::service(ACCOUNT, "cloudformation.amazonaws.com"), ..context("function") };
        let topic = json!({"Name": "t", "Attributes": {"KmsMasterKeyId": key}});
        let made = crate::dispatch::call(&mut world, &owner, "sns", "CreateTopic", topic).unwrap();
        ask(&mut world, "sns:Publish", &json!({"TopicArn": made["TopicArn"]})).err().map(|(_, code, _)| code)
    };
    let uses = |actions: Value, service: &str| {
        let condition = json!({"StringLike": {"kms:ViaService": format!("{service}.us-east-1.amazonaws.com*")}});
        json!({"Effect": "Allow", "Action": actions, "Resource": key, "Condition": condition})
    };
    let both = json!(["kms:Decrypt", "kms:GenerateDataKey"]);
    for (statement, key, expected) in [
        (None, "alias/aws/sns", None),
        (None, key, Some("KMSAccessDenied")),
        (Some(uses(both.clone(), "sns")), key, None),
        (Some(uses(both, "sqs")), key, Some("KMSAccessDenied")),
        (Some(uses(json!("kms:Decrypt"), "sns")), key, Some("KMSAccessDenied")),
    ] {
        let statements: Vec<_> = statement.into_iter().collect();
        assert_eq!(publish(&statements, key).as_deref(), expected, "{statements:?} {key}");
    }
}

#[test]
fn a_refusal_says_who_may_not_do_what_and_what_is_not_known() {
    let mut world = world(json!([]));
    let input = json!({"Name": "/g/web"});
    insta::assert_debug_snapshot!(ask(&mut world, "ssm:GetParameter", &input).unwrap_err(), @r#"
    (
        400,
        "AccessDeniedException",
        "User: arn:aws:sts::123456789012:assumed-role/function/s is not authorized to perform: ssm:GetParameter on resource: arn:aws:ssm:us-east-1:123456789012:parameter/g/web because no identity-based policy allows the ssm:GetParameter action",
    )
    "#);
    let _ = ask(&mut world, "ssm:GetParameter", &input);
    let warnings: Vec<&str> = world.journal.entries().iter().map(|entry| entry.detail.as_str()).collect();
    assert_eq!(warnings, ["arn:aws:iam::aws:policy/Other isn't known locally: it allows nothing"]);
}

#[test]
fn tags_of_the_resource_decide_where_a_condition_asks_for_them() {
    let tagged = json!([{"Effect": "Allow", "Action": "imagebuilder:GetImage", "Resource": "*",
        "Condition": {"StringEquals": {"aws:ResourceTag/team": "shop"}}}]);
    let mut world = world(tagged);
    let input = json!({"imageBuildVersionArn": "arn:aws:imagebuilder:us-east-1:123456789012:image/web/1.0.0/1"});
    assert_eq!(ask(&mut world, "imagebuilder:GetImage", &input).unwrap_err().1, "AccessDeniedException");
}

#[test]
fn a_policy_that_can_not_be_decided_on_is_an_error_of_its_own() {
    let by_address = json!([{"Effect": "Allow", "Action": "*", "Resource": "*",
        "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}]);
    let (status, code, message) = ask(&mut world(by_address), "ssm:GetParameter", &json!({"Name": "a"})).unwrap_err();
    assert_eq!((status, code.as_str()), (501, "NotImplementedException"));
    assert!(message.contains("own") && message.contains("aws:SourceIp"), "{message}");
}

#[test]
fn a_boundary_allows_nothing_by_itself() {
    let all = json!([{"Effect": "Allow", "Action": "ssm:*", "Resource": "*"}]);
    let mut world = world(all);
    let boundary = "arn:aws:iam::123456789012:policy/boundary";
    let document = json!({"Statement": [{"Effect": "Allow", "Action": ["ssm:Get*", "sns:*"], "Resource": "*"}]});
    world.stacks.policies.insert(boundary.to_owned(), document);
    let mut role = world.stacks.role(ACCOUNT, "function").unwrap().clone();
    role["PermissionsBoundary"] = json!(boundary);
    world.stacks.add_role(ACCOUNT, "function", role);
    assert!(ask(&mut world, "ssm:GetParameter", &json!({"Name": "a"})).is_ok());
    assert!(ask(&mut world, "ssm:PutParameter", &json!({"Name": "a"})).is_err(), "not within the boundary");
    assert!(ask(&mut world, "sns:Publish", &json!({"TopicArn": "arn:t"})).is_err(), "within it, but not granted");
}

#[test]
fn whoever_is_not_a_role_of_a_stack_is_not_held_to_anything() {
    let mut world = world(json!([]));
    let call =
        |world: &mut World, context: &Context| authorise(world, context, "ssm", "GetParameter", &json!({"Name": "a"}));
    assert!(call(&mut world, &context("of-another-origin")).is_ok());
    let root = Caller { account: ACCOUNT.to_owned(), principal: Principal::Root, invocation: None };
    assert!(call(&mut world, &Context { caller: root, ..context("function") }).is_ok());
}

#[test]
fn what_no_call_needed_is_told_by_role_and_statement() {
    let mut world = world(json!([
        {"Sid": "Read", "Effect": "Allow", "Action": ["ssm:GetParameter", "ssm:PutParameter"], "Resource": "*"},
        {"Effect": "Allow", "Action": ["sns:*", "logs:PutLogEvents"], "Resource": "*"},
        {"Effect": "Deny", "Action": "ec2:*", "Resource": "*"},
    ]));
    ask(&mut world, "ssm:GetParameter", &json!({"Name": "a"})).unwrap();
    let [Unused { role, permissions, .. }] = &unused(&world)[..] else { panic!("one role") };
    let permissions: Vec<_> = permissions.iter().map(|it| (it.statement.as_str(), it.action.as_str())).collect();
    assert_eq!((role.as_str(), &permissions[..]), ("function", &[("1", "sns:*"), ("Read", "ssm:PutParameter")][..]));
}
