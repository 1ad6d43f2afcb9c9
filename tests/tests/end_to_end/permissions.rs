//! What the functions declare of their roles is what they really need: all that is called is declared, and all that is
//! declared is called, but for what says why it isn't. And a role that lacks one permission fails.

use crate::harness::{
    self, OFF, build, call, call_in, deploy, deployed_from, deployed_with, now, own_stack, root, settle, start,
};
use chrono::TimeDelta;
use goldsmith_local::driver::Local;
use goldsmith_local::faults::Rules;
use goldsmith_local::iam::{self, Used};
use goldsmith_local::lambda::Ending;
use goldsmith_local::world::{DEFAULT_ACCOUNT, DEFAULT_REGION};
use serde_json::{Value, json};
use shared::permissions::Permission;
use std::collections::{BTreeMap, BTreeSet};

const FUNCTIONS: [(&str, &[Permission]); 4] = [
    ("StartPipelines", &start_pipelines::permissions::PERMISSIONS),
    ("FanOutAmis", &fan_out_amis::permissions::PERMISSIONS),
    ("DeprecateImages", &deprecate_images::permissions::PERMISSIONS),
    ("ReportBuilds", &report_builds::permissions::PERMISSIONS),
];

/// The accounts in which `target-account.yaml` is deployed, and its role.
const OTHERS: [&str; 2] = ["111122223333", "444455556666"];
const ROLE: &str = "goldsmith-publish";

/// An AMI as launch templates name it.
const FROM_AWS: &str = "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";

/// Actions on resources, as they are declared or as policies have them.
type Pairs = BTreeSet<(String, String)>;

/// What was needed of the role of each function, and of the role in other accounts under its own name.
#[derive(Debug, Default)]
struct Needed(BTreeMap<String, Pairs>);

impl Needed {
    fn add(&mut self, local: &Local) {
        for by in iam::used(&local.world()) {
            let function = FUNCTIONS.iter().find(|(name, _)| by.role.starts_with(&format!("goldsmith-{name}Role-")));
            let role = function.map_or(by.role.as_str(), |(name, _)| name);
            // The same role in every account.
            let pair = |used: Used| (used.permission.action, used.resource.replace(&by.account, "${AWS::AccountId}"));
            self.0.entry(role.to_owned()).or_default().extend(by.permissions.into_iter().map(pair));
        }
    }
}

/// Whether a policy's resource, as it was resolved, is one that is declared.
fn is(declared: &str, resolved: &str) -> bool {
    let mut declared = declared.to_owned();
    for (name, value) in [
        ("AWS::Partition", "aws"),
        ("AWS::Region", DEFAULT_REGION),
        ("AWS::StackName", "goldsmith"),
        ("ParameterPrefix", "/golden-images"),
        ("ParentParameterPrefix", "/golden-images/"),
        ("TargetRoleName", ROLE),
    ] {
        declared = declared.replace(&format!("${{{name}}}"), value);
    }
    match declared.as_str() {
        "${EventBusArn}" => resolved == "arn:aws:events:us-east-1:${AWS::AccountId}:event-bus/by-arn",
        _ if declared.ends_with(":event-bus/${EventBusName}") => resolved.ends_with(":event-bus/default"),
        // What CloudFormation named.
        _ if declared.starts_with("${") => {
            let logical = declared.trim_start_matches("${").split(['.', '}']).next().unwrap().to_owned();
            resolved.contains(&format!("goldsmith-{logical}-"))
        }
        _ => declared == resolved,
    }
}

/// What is declared of a role, and for each whether it can be needed here.
fn declared(role: &str) -> Vec<(&'static str, &'static str, bool)> {
    let all = FUNCTIONS.iter().flat_map(|(name, all)| all.iter().map(move |one| (*name, one)));
    let of_role = all.filter(|(name, one)| if role == ROLE { one.elsewhere } else { *name == role });
    let pairs = of_role.flat_map(|(_, one)| {
        one.actions.iter().flat_map(move |action| one.on.iter().map(move |on| (*action, *on, one.unseen.is_none())))
    });
    pairs.collect()
}

/// A function, invoked at the world's time.
async fn invoke(local: &Local, function: &str, mut event: Value) -> Ending {
    if event.get("time").is_none() && function != "fan-out-amis" {
        event["time"] = now(local);
    }
    harness::invoke(local, function, &event).await
}

/// The same, which has to succeed, and what follows from it.
async fn done(local: &Local, function: &str, event: Value) -> String {
    let ending = invoke(local, function, event.clone()).await;
    assert_eq!(ending.function_error, None, "{function} {event}: {}", ending.payload);
    pass(local, TimeDelta::minutes(5)).await;
    ending.payload
}

async fn pass(local: &Local, time: TimeDelta) {
    let until = local.world().now + time;
    local.run_until(until, &mut |_| {}).await;
}

fn faults(local: &Local, rules: &Value) {
    local.world().faults.set(Rules::parse(json!({"rules": rules}).to_string().as_bytes()).unwrap());
}

/// Publishing, channels, roll back, and everything under way in other accounts.
async fn publishing(local: &Local) {
    faults(local, &json!([{"fault": "finding", "severity": "HIGH", "match": {"pipeline": "web"}}]));
    build(local, "web").await;
    build(local, "lent").await;
    build(local, "web").await;
    faults(local, &json!([]));
    pass(local, TimeDelta::hours(2)).await;
    done(local, "fan-out-amis", json!({"sweep": {}, "time": local.world().now.to_rfc3339()})).await;
    done(local, "fan-out-amis", json!({"rollback": {"family": "web"}})).await;
    done(local, "fan-out-amis", json!({"release": {"family": "web"}})).await;
}

/// A build that waits for a person, who lets it go on.
async fn approval(local: &Local) {
    let image = start(local, "approved");
    pass(local, TimeDelta::hours(5)).await;
    done(local, "report-builds", json!({})).await;
    let steps = call(&mut local.world(), "imagebuilder", DEFAULT_REGION, "ListWaitingWorkflowSteps", json!({}));
    let step = steps["steps"][0]["stepExecutionId"].clone();
    done(local, "report-builds", json!({"resume": {"image": image, "step": step}})).await;
    settle(local).await;
}

/// Dead letters that are told of and forgotten, and AMIs that somebody disables, here and elsewhere.
async fn trouble(local: &Local) {
    let (account, region) = (OTHERS[0], "eu-west-1");
    let held = |account: &str| {
        let name = json!({"Name": "/golden-images/web"});
        let held = call_in(&mut local.world(), account, region, "ssm", "GetParameter", name).unwrap();
        held["Parameter"]["Value"].clone()
    };
    for account in [DEFAULT_ACCOUNT, account] {
        let ami = held(account);
        let one = json!({"ImageId": ami});
        call_in(&mut local.world(), account, region, "ec2", "DisableImage", one.clone()).unwrap();
        let event = json!({
            "source": "aws.ec2", "detail-type": "EC2 AMI State Change", "account": account, "region": region,
            "id": "e", "resources": [], "detail": {"ImageId": ami, "State": "disabled"},
        });
        done(local, "report-builds", event).await;
        call_in(&mut local.world(), account, region, "ec2", "EnableImage", one).unwrap();
        done(local, "report-builds", json!({})).await;
    }
    let queues = call(&mut local.world(), "sqs", DEFAULT_REGION, "ListQueues", json!({}));
    let mut urls = queues["QueueUrls"].as_array().unwrap().iter().map(|url| url.as_str().unwrap());
    let url = urls.find(|url| url.contains("DeadLetters")).unwrap();
    // Nothing is published, and the function gives up.
    faults(local, &json!([{"fault": "error", "status": 403, "match": {"operation": "PutParameter"}}]));
    build(local, "lent").await;
    faults(local, &json!([]));
    done(local, "report-builds", json!({})).await;
    call(&mut local.world(), "sqs", DEFAULT_REGION, "PurgeQueue", json!({"QueueUrl": url}));
    done(local, "report-builds", json!({})).await;
    // A build that fails by its own fault, and the next one that doesn't.
    faults(local, &json!([{"fault": "fail-build", "status": "BUILDING", "times": 1, "match": {"pipeline": "lent"}}]));
    build(local, "lent").await;
    faults(local, &json!([]));
    build(local, "lent").await;
    // What is over is forgotten after a while.
    for _ in 0..3 {
        pass(local, TimeDelta::hours(2)).await;
        done(local, "report-builds", json!({})).await;
    }
}

/// Old builds on their way out, one that somebody wants back, with its shares here and elsewhere.
async fn retirement(local: &Local) {
    let from = json!({"Name": "/goldsmith/goldsmith/retirement-goes-on-at", "Value": "lent", "Type": "String"});
    call(&mut local.world(), "ssm", DEFAULT_REGION, "PutParameter", from);
    // A finding of which is heard when there is a newer parent.
    faults(
        local,
        &json!([{"fault": "finding", "severity": "CRITICAL", "seconds": 10 * 86400, "match": {"pipeline": "web"}}]),
    );
    build(local, "web").await;
    let (all, first) = {
        let world = local.world();
        let first = format!("arn:aws:imagebuilder:{DEFAULT_REGION}:{DEFAULT_ACCOUNT}:image/web/1.0.0/1");
        let image = world.imagebuilder.all().find(|it| it.arn == first).unwrap();
        (image.document["outputResources"]["amis"].as_array().unwrap().clone(), first)
    };
    for ami in &all {
        let (account, region) = (ami["accountId"].as_str().unwrap(), ami["region"].as_str().unwrap());
        let with = if account == OTHERS[1] { OTHERS[0] } else { OTHERS[1] };
        let share = json!({"ImageId": ami["image"], "LaunchPermission": {"Add": [{"UserId": with}]}});
        call_in(&mut local.world(), account, region, "ec2", "ModifyImageAttribute", share).unwrap();
    }
    for _ in 0..6 {
        pass(local, TimeDelta::hours(13)).await;
        done(local, "deprecate-images", json!({})).await;
    }
    let tag = json!({"resourceArn": first, "tags": {"goldsmith:keep-image": "audit"}});
    call(&mut local.world(), "imagebuilder", DEFAULT_REGION, "TagResource", tag);
    for _ in 0..2 {
        pass(local, TimeDelta::hours(1)).await;
        done(local, "deprecate-images", json!({})).await;
    }
    pass(local, TimeDelta::days(12)).await;
    done(local, "report-builds", json!({})).await;
}

/// Pipelines on recipes of another account, which no listing tells.
fn shared_recipes(local: &Local) {
    let mut world = local.world();
    let owner = OTHERS[0];
    let component = json!([{"componentArn": "arn:aws:imagebuilder:us-east-1:aws:component/update-linux/x.x.x"}]);
    let image = json!({"name": "theirs", "semanticVersion": "1.0.0", "components": component, "clientToken": "theirs-1",
        "parentImage": "arn:aws:imagebuilder:us-east-1:aws:image/amazon-linux-2023-x86/x.x.x"});
    let container = json!({"name": "theirs", "semanticVersion": "1.0.0", "components": component,
        "clientToken": "theirs-2", "containerType": "DOCKER", "dockerfileTemplateData": "FROM {{{ imagebuilder:parentImage }}}",
        "targetRepository": {"service": "ECR", "repositoryName": "theirs"},
        "parentImage": "arn:aws:imagebuilder:us-east-1:aws:image/amazon-linux-x86-latest/x.x.x"});
    for (create, recipe, member, kind) in [
        ("CreateImageRecipe", image, "imageRecipeArn", "ImageRecipe"),
        ("CreateContainerRecipe", container, "containerRecipeArn", "ContainerRecipe"),
    ] {
        let mut ask = |account: &str, operation: &str, input: Value| {
            call_in(&mut world, account, DEFAULT_REGION, "imagebuilder", operation, input).unwrap()
        };
        let arn = ask(owner, create, recipe)[member].clone();
        let get = format!("imagebuilder:Get{kind}");
        let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": [arn],
            "Principal": {"AWS": [DEFAULT_ACCOUNT]}, "Action": [get, format!("imagebuilder:List{kind}s")]}]});
        ask(owner, &format!("Put{kind}Policy"), json!({member: arn, "policy": policy.to_string()}));
        let infrastructure =
            format!("arn:aws:imagebuilder:{DEFAULT_REGION}:{DEFAULT_ACCOUNT}:infrastructure-configuration/permissions");
        let pipeline = json!({"name": format!("of-their-{}", kind.to_lowercase()), member: arn,
            "infrastructureConfigurationArn": infrastructure, "clientToken": format!("pipeline-{kind}")});
        ask(DEFAULT_ACCOUNT, "CreateImagePipeline", pipeline);
    }
}

/// Withdraws a component: there is no call that does.
fn withdraw(local: &Local, component: &str) {
    let mut world = local.world();
    let component = world.imagebuilder.get_mut(component).unwrap();
    component.document.insert("state", json!({"status": "DISABLED"}));
}

#[tokio::test]
async fn what_is_declared_is_called_and_what_is_called_is_declared() {
    let mut needed = Needed::default();
    let parameters = [
        &OFF[..],
        &[
            ("TargetRoleName", ROLE),
            ("Mode", "apply"),
            ("MaxPercent", "100"),
            ("KeepImages", "1"),
            ("RepeatAfter", "1h"),
            ("BlockSeverity", "none"),
            ("DeprecateAfter", "1h"),
            ("DisableAfter", "1h"),
            ("Channels", r#"{"staging": {"promote": "auto", "soak": "PT1H", "maxSeverity": "CRITICAL"}}"#),
        ],
    ]
    .concat();
    let stacks = ["three-accounts.yaml", "container.yaml", "permissions.yaml"].map(own_stack);
    let running = deployed_with(901, &stacks, &parameters, &[]).await;
    let local = &running.local;
    for account in OTHERS {
        let own = [("AutomationAccountId", DEFAULT_ACCOUNT), ("LifecycleRole", "create")];
        deploy(local, account, "target-account", &root().join("target-account.yaml"), &own).await;
        let template = json!({"LaunchTemplateName": "theirs", "LaunchTemplateData": {"ImageId": FROM_AWS}});
        call_in(&mut local.world(), account, DEFAULT_REGION, "ec2", "CreateLaunchTemplate", template).unwrap();
    }
    publishing(local).await;
    approval(local).await;
    trouble(local).await;
    shared_recipes(local);
    // Everything is built that has a reason to be, and looked at again when a component is withdrawn.
    done(local, "start-pipelines", json!({"mode": "if-changed"})).await;
    pass(local, TimeDelta::hours(3)).await;
    withdraw(local, "arn:aws:imagebuilder:us-east-1:123456789012:component/tool/1.1.0/1");
    done(local, "start-pipelines", json!({"mode": "if-changed"})).await;
    pass(local, TimeDelta::hours(3)).await;
    // What passes by itself is tried again.
    let failing = json!([{"fault": "fail-build", "status": "DISTRIBUTING", "region": "eu-west-1", "times": 1,
        "reason": "Request limit exceeded. (Service: AmazonEC2; Status Code: 503; Error Code: RequestLimitExceeded)", "match": {"pipeline": "lent"}}]);
    faults(local, &failing);
    build(local, "lent").await;
    faults(local, &json!([]));
    done(local, "report-builds", json!({})).await;
    retirement(local).await;
    needed.add(local);
    running.local.shut_down().await;

    let bus = format!("arn:aws:events:{DEFAULT_REGION}:{DEFAULT_ACCOUNT}:event-bus/by-arn");
    let parameters = [&OFF[..], &[("EventBusArn", bus.as_str())]].concat();
    let running = deployed_with(902, &[own_stack("one-image.yaml")], &parameters, &[]).await;
    call(&mut running.local.world(), "events", DEFAULT_REGION, "CreateEventBus", json!({"Name": "by-arn"}));
    build(&running.local, "one").await;
    needed.add(&running.local);
    running.local.shut_down().await;

    let mut wrong = Vec::new();
    for role in FUNCTIONS.map(|(name, _)| name).into_iter().chain([ROLE]) {
        let (declared, called) = (declared(role), &needed.0[role]);
        for (action, on, seen) in &declared {
            let is_called = called.iter().any(|(called, resolved)| called == action && is(on, resolved));
            match (seen, is_called) {
                (true, false) => wrong.push(format!("{role}: {action} on {on} is declared and never called")),
                (false, true) => wrong.push(format!("{role}: {action} on {on} is called, and said never to be")),
                _ => {}
            }
        }
        for (action, resolved) in called {
            if !declared.iter().any(|(declared, on, _)| declared == action && is(on, resolved)) {
                wrong.push(format!("{role}: {action} on {resolved} is called and not declared"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_template_with_one_permission_less_fails_with_what_was_denied_to_whom() {
    let text = std::fs::read_to_string(root().join("template.yaml")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("template.yaml");
    let code = format!("CodeUri: {}/functions/", root().display());
    let text = text.replace("CodeUri: functions/", &code);
    let (before, function) = text.split_once("  FanOutAmis:\n").unwrap();
    let permission = "                - ssm:PutParameter\n";
    assert!(function.contains(permission));
    std::fs::write(&file, format!("{before}  FanOutAmis:\n{}", function.replacen(permission, "", 1))).unwrap();
    let running = deployed_from(&file, 903, &[own_stack("one-image.yaml")], &OFF, &[]).await;
    let local = &running.local;
    build(local, "one").await;
    let record = crate::harness::invocations(local, "fan-out-amis").pop().unwrap();
    let told = &record.ending.payload;
    assert!(record.ending.function_error.is_some(), "{told}");
    for words in ["AccessDeniedException", "not authorized to perform: ssm:PutParameter", "goldsmith-FanOutAmisRole-"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert!(crate::harness::published(local, "one").is_empty());
    running.local.shut_down().await;
}
