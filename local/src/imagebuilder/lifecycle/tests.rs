//! Lifecycle in a world: what executions leave on the record and in EC2.

mod policies;

use crate::ec2;
use crate::imagebuilder::fixtures::*;
use crate::journal;
use crate::world::World;
use chrono::TimeDelta;
use serde_json::{Value, json};

/// A plain private AMI of the Region.
pub(super) fn ami(id: &str) -> ec2::Image {
    let mut world = world();
    put_ami(&mut world, id, ACCOUNT, "available");
    ec2::image(&world, REGION, id).unwrap().clone()
}

/// A world with an image `web-server` 1.0.0/1 with three AMIs: in its Region, and in Europe for two accounts.
fn built() -> (World, String) {
    let mut world = world();
    put_web(&mut world);
    let pipeline = put_pipeline(&mut world, "web", json!({}));
    let image = start_pipeline(&mut world, &pipeline);
    run(&mut world);
    (world, image)
}

fn call(world: &mut World, operation: &str, mut input: Value) -> Result<Value, crate::wire::ApiError> {
    if crate::model::operation(operation).unwrap().idempotency_token().is_some() {
        input["clientToken"] = world.fresh_uuid("test").into();
    }
    crate::imagebuilder::call(world, &context(), operation, input)
}

fn ok(world: &mut World, operation: &str, input: Value) -> Value {
    call(world, operation, input).unwrap_or_else(|error| panic!("{operation}: {error}"))
}

/// A state update with resources.
fn update(world: &mut World, image: &str, status: &str, include: Value, more: Value) -> String {
    let mut input = json!({
        "resourceArn": image, "state": {"status": status}, "executionRole": "lifecycle", "includeResources": include,
    });
    for (member, value) in more.as_object().into_iter().flatten() {
        input[member] = value.clone();
    }
    ok(world, "StartResourceStateUpdate", input)["lifecycleExecutionId"].as_str().unwrap().to_owned()
}

fn pass(world: &mut World, span: TimeDelta) {
    let until = world.now + span;
    world.pass(until);
}

fn execution(world: &mut World, id: &str) -> Value {
    ok(world, "GetLifecycleExecution", json!({"lifecycleExecutionId": id}))["lifecycleExecution"].clone()
}

fn resources(world: &mut World, id: &str, parent: Option<&str>) -> Vec<Value> {
    let mut input = json!({"lifecycleExecutionId": id});
    if let Some(parent) = parent {
        input["parentResourceId"] = parent.into();
    }
    ok(world, "ListLifecycleExecutionResources", input)["resources"].as_array().unwrap().clone()
}

fn amis(world: &World, image: &str) -> Vec<(String, String)> {
    let outputs = world.imagebuilder.get(image).unwrap().document["outputResources"]["amis"].clone();
    let text = |ami: &Value, member: &str| ami[member].as_str().unwrap().to_owned();
    outputs.as_array().unwrap().iter().map(|ami| (text(ami, "region"), text(ami, "image"))).collect()
}

fn status(world: &World, image: &str) -> String {
    world.imagebuilder.get(image).map_or("gone", |image| image.status()).to_owned()
}

#[test]
fn amis_in_all_regions_and_accounts_are_deprecated_and_restored() {
    let (mut world, image) = built();
    let amis = amis(&world, &image);
    assert_eq!(amis.len(), 3);
    let id = update(&mut world, &image, "DEPRECATED", json!({"amis": true}), json!({}));
    assert_eq!(execution(&mut world, &id)["state"]["status"], "IN_PROGRESS");
    assert_eq!(world.imagebuilder.get(&image).unwrap().document["lifecycleExecutionId"], id);
    assert_eq!(status(&world, &image), "AVAILABLE");
    pass(&mut world, TimeDelta::minutes(2));
    assert_eq!(status(&world, &image), "DEPRECATED");
    assert!(world.imagebuilder.get(&image).unwrap().document["deprecationTime"].is_number());
    for (region, ami) in &amis {
        let ami = ec2::image(&world, region, ami).unwrap();
        assert!(ami.deprecation_time.is_some_and(|at| at <= world.now), "{ami:?}");
        assert_eq!(ami.tags.get("DeprecatedBy").unwrap(), "EC2 Image Builder");
    }
    let id = update(&mut world, &image, "DISABLED", json!({"amis": true}), json!({}));
    pass(&mut world, TimeDelta::minutes(2));
    assert_eq!(execution(&mut world, &id)["state"]["status"], "SUCCESS");
    for (region, ami) in &amis {
        let ami = ec2::image(&world, region, ami).unwrap();
        assert_eq!((ami.state.as_str(), ami.launch_permissions.len()), ("disabled", 0));
        assert!(!ami.tags.contains_key("DeprecatedBy"));
    }
    update(&mut world, &image, "AVAILABLE", json!({"amis": true}), json!({}));
    pass(&mut world, TimeDelta::minutes(2));
    assert_eq!(status(&world, &image), "AVAILABLE");
    assert!(!world.imagebuilder.get(&image).unwrap().document.contains_key("deprecationTime"));
    for (region, ami) in &amis {
        let ami = ec2::image(&world, region, ami).unwrap();
        assert_eq!((ami.state.as_str(), ami.deprecation_time), ("available", None));
        assert!(ami.launch_permissions.is_empty(), "shares don't come back");
    }
    let listed = ok(&mut world, "ListLifecycleExecutions", json!({"resourceArn": image}));
    assert_eq!(listed["lifecycleExecutions"].as_array().unwrap().len(), 3);
}

#[test]
fn deleted_images_go_with_their_amis_and_snapshots() {
    let (mut world, image) = built();
    let amis = amis(&world, &image);
    let snapshots: Vec<_> = amis
        .iter()
        .flat_map(|(region, id)| {
            let ami = ec2::image(&world, region, id).unwrap();
            ami.snapshots.values().map(|snapshot| (region.clone(), snapshot.id.clone())).collect::<Vec<_>>()
        })
        .collect();
    let id = update(&mut world, &image, "DELETED", json!({"amis": true, "snapshots": true}), json!({}));
    pass(&mut world, TimeDelta::minutes(2));
    assert_eq!(status(&world, &image), "gone");
    assert!(amis.iter().all(|(region, id)| ec2::image(&world, region, id).is_none()));
    assert!(snapshots.iter().all(|(region, id)| ec2::snapshot(&world, region, id).is_none()));
    let found = resources(&mut world, &id, Some(&image));
    assert_eq!(found.len(), 3);
    let accounts: Vec<_> = found.iter().map(|ami| ami["accountId"].as_str().unwrap()).collect();
    assert_eq!(accounts, [ACCOUNT, ACCOUNT, "111122223333"]);
    for ami in &found {
        assert_eq!((&ami["state"]["status"], &ami["action"]["name"]), (&json!("SUCCESS"), &json!("DELETE")));
        assert_eq!(ami["snapshots"][0]["state"]["status"], "SUCCESS");
        assert!(ami["startTime"].is_number() && ami["endTime"].is_number());
    }
    let images = resources(&mut world, &id, None);
    assert_eq!((images.len(), &images[0]["resourceId"]), (1, &json!(image)));
    assert_eq!(resources(&mut world, &id, Some(&arn("image/other/1.0.0/1"))), Vec::<Value>::new());
    assert_eq!(execution(&mut world, &id)["resourcesImpactedSummary"]["hasImpactedResources"], true);
}

#[test]
fn without_snapshots_those_stay() {
    let (mut world, image) = built();
    let (region, ami) = amis(&world, &image).remove(0);
    let snapshot = ec2::image(&world, &region, &ami).unwrap().snapshots.values().next().unwrap().id.clone();
    update(&mut world, &image, "DELETED", json!({"amis": true}), json!({}));
    pass(&mut world, TimeDelta::minutes(2));
    assert!(ec2::image(&world, &region, &ami).is_none() && ec2::snapshot(&world, &region, &snapshot).is_some());
}

#[test]
fn what_is_excluded_is_skipped_and_keeps_a_deleted_image_but_not_a_deprecated_one() {
    let (mut world, image) = built();
    let amis = amis(&world, &image);
    let rules = json!({"exclusionRules": {"amis": {"regions": ["eu-west-1"]}}});
    let id = update(&mut world, &image, "DEPRECATED", json!({"amis": true}), rules.clone());
    pass(&mut world, TimeDelta::minutes(2));
    assert_eq!(status(&world, &image), "DEPRECATED");
    let states = |found: Vec<Value>| -> Vec<String> {
        found.iter().map(|it| it["state"]["status"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(states(resources(&mut world, &id, Some(&image))), ["SUCCESS", "SKIPPED", "SKIPPED"]);
    assert_eq!(states(resources(&mut world, &id, None)), ["SUCCESS"]);
    assert_eq!(ec2::image(&world, "eu-west-1", &amis[1].1).unwrap().deprecation_time, None);

    let id = update(&mut world, &image, "DELETED", json!({"amis": true, "snapshots": true}), rules);
    pass(&mut world, TimeDelta::minutes(2));
    assert_eq!(status(&world, &image), "DEPRECATED");
    let found = resources(&mut world, &id, Some(&image));
    assert_eq!(found[1]["state"]["reason"], "The AMI is in the excluded Region eu-west-1.");
    assert_eq!(found[1]["snapshots"][0]["state"]["status"], "SKIPPED");
    assert_eq!(states(resources(&mut world, &id, None)), ["SKIPPED"]);
    assert_eq!(execution(&mut world, &id)["state"]["status"], "SUCCESS");
    assert!(ec2::image(&world, REGION, &amis[0].1).is_none() && ec2::image(&world, "eu-west-1", &amis[1].1).is_some());

    // What is gone by now counts as done.
    update(&mut world, &image, "DELETED", json!({"amis": true, "snapshots": true}), json!({}));
    pass(&mut world, TimeDelta::minutes(2));
    assert_eq!(status(&world, &image), "gone");
}

#[test]
fn a_protected_ami_fails_the_execution_and_keeps_the_image() {
    let (mut world, image) = built();
    let (region, ami) = amis(&world, &image).remove(0);
    let key = (region, ami);
    world.ec2.images.get_mut(&key).unwrap().deregistration_protection = true;
    let id = update(&mut world, &image, "DELETED", json!({"amis": true, "snapshots": true}), json!({}));
    pass(&mut world, TimeDelta::minutes(2));
    let ended = execution(&mut world, &id);
    assert_eq!(ended["state"], json!({"status": "FAILED", "reason": "1 of 1 image resources failed."}));
    assert_eq!(status(&world, &image), "AVAILABLE");
    let found = resources(&mut world, &id, Some(&image));
    assert_eq!(found[0]["state"]["status"], "FAILED");
    assert_eq!(found[0]["snapshots"][0]["state"]["status"], "SKIPPED");
    assert!(world.ec2.images.contains_key(&key));
}

#[test]
fn an_ami_can_fail_or_be_skipped_by_a_fault() {
    let (mut world, image) = built();
    let rules = json!({"rules": [
        {"fault": "fail-lifecycle", "reason": "no answer", "times": 1,
         "match": {"name": "web-server", "action": "DISABLE", "region": "eu-west-1"}},
        {"fault": "fail-lifecycle", "outcome": "SKIPPED", "match": {"action": "DELETE", "region": "us-east-1"}},
    ]});
    world.faults.set(crate::faults::Rules::parse(rules.to_string().as_bytes()).unwrap());
    let disable = |world: &mut World| {
        let id = update(world, &image, "DISABLED", json!({"amis": true}), json!({}));
        pass(world, TimeDelta::minutes(10));
        id
    };
    let failed = disable(&mut world);
    assert_eq!(execution(&mut world, &failed)["state"]["status"], "FAILED");
    assert_eq!(status(&world, &image), "AVAILABLE");
    let states: Vec<Value> =
        resources(&mut world, &failed, Some(&image)).iter().map(|ami| ami["state"].clone()).collect();
    assert_eq!(states.iter().filter(|state| state["reason"] == "no answer").count(), 1, "{states:?}");
    assert_eq!(states.iter().filter(|state| state["status"] == "SUCCESS").count(), 2, "{states:?}");
    // Again, it does the rest.
    let again = disable(&mut world);
    assert_eq!(execution(&mut world, &again)["state"]["status"], "SUCCESS");
    for (region, id) in amis(&world, &image) {
        assert_eq!(ec2::image(&world, &region, &id).unwrap().state, "disabled");
    }
    let deleted = update(&mut world, &image, "DELETED", json!({"amis": true, "snapshots": true}), json!({}));
    pass(&mut world, TimeDelta::minutes(10));
    assert_eq!(status(&world, &image), "DISABLED");
    let skipped = resources(&mut world, &deleted, Some(&image));
    let skipped: Vec<&Value> = skipped.iter().filter(|ami| ami["state"]["status"] == "SKIPPED").collect();
    assert_eq!((skipped.len(), &skipped[0]["region"]), (1, &json!("us-east-1")), "{skipped:?}");
    assert_eq!(skipped[0]["snapshots"][0]["state"]["status"], "SKIPPED");
}

#[test]
fn disabled_amis_lose_their_shares_and_do_not_get_them_back() {
    let (mut world, image) = built();
    let (region, id) = amis(&world, &image).remove(0);
    let key = (region.clone(), id.clone());
    world.ec2.images.get_mut(&key).unwrap().launch_permissions = vec![("UserId".into(), "111122223333".into())];
    for (status, state) in [("DISABLED", "disabled"), ("AVAILABLE", "available")] {
        update(&mut world, &image, status, json!({"amis": true}), json!({}));
        pass(&mut world, TimeDelta::minutes(10));
        let ami = ec2::image(&world, &region, &id).unwrap();
        assert_eq!((ami.state.as_str(), ami.launch_permissions.len()), (state, 0));
    }
}

#[test]
fn a_role_has_to_be_one_that_image_builder_may_assume() {
    let (mut world, image) = built();
    let trust =
        |service: &str| json!({"AssumeRolePolicyDocument": {"Statement": [{"Principal": {"Service": service}}]}});
    for (name, service) in [("function", "lambda.amazonaws.com"), ("lifecycle", "imagebuilder.amazonaws.com")] {
        world.stacks.add_role(ACCOUNT, name, trust(service));
    }
    let arn = |account: &str, name: &str| format!("arn:aws:iam::{account}:role/{name}");
    let session = crate::wire::Principal::Role { name: "function".into(), session: "s".into() };
    let mut function = context();
    function.caller.principal = session;
    let root = context();
    for (context, role, refused) in [
        (&root, arn("111122223333", "lifecycle"), Some("another account")),
        (&root, arn(ACCOUNT, "function"), Some("can't assume")),
        (&root, arn(ACCOUNT, "elsewhere"), None),
        (&function, arn(ACCOUNT, "elsewhere"), Some("can't assume")),
        (&function, arn(ACCOUNT, "path/lifecycle"), None),
        (&function, "lifecycle".to_owned(), None),
    ] {
        let input = json!({
            "resourceArn": image, "state": {"status": "DEPRECATED"}, "executionRole": role,
            "includeResources": {"amis": true}, "clientToken": world.fresh_uuid("test"),
        });
        let mut copy: World = serde_json::from_value(serde_json::to_value(&world).unwrap()).unwrap();
        let answer = crate::imagebuilder::call(&mut copy, context, "StartResourceStateUpdate", input);
        match (refused, answer) {
            (None, answer) => assert!(answer.is_ok(), "{role}: {answer:?}"),
            (Some(part), Err(error)) => assert!(error.message.contains(part), "{role}: {error}"),
            (Some(_), Ok(answer)) => panic!("{role}: {answer}"),
        }
    }
}

#[test]
fn a_snapshot_that_another_ami_needs_stays() {
    let (mut world, image) = built();
    let (region, id) = amis(&world, &image).remove(0);
    let mut copy = ec2::image(&world, &region, &id).unwrap().clone();
    let snapshot = copy.snapshots.values().next().unwrap().id.clone();
    copy.id = "ami-00000000000000009".into();
    world.post(world.now, crate::world::Event::Ec2(ec2::Event::Register(Box::new(copy))));
    let id = update(&mut world, &image, "DELETED", json!({"amis": true, "snapshots": true}), json!({}));
    pass(&mut world, TimeDelta::minutes(2));
    let found = resources(&mut world, &id, Some(&image));
    assert_eq!(found[0]["state"]["status"], "SUCCESS");
    assert_eq!(
        found[0]["snapshots"],
        json!([{
            "snapshotId": snapshot, "state": {"status": "SKIPPED", "reason": "Another AMI needs the snapshot."},
        }])
    );
    assert!(ec2::snapshot(&world, &region, &snapshot).is_some());
}

#[test]
fn a_scheduled_deprecation_marks_the_amis_at_once_and_the_image_in_time() {
    let (mut world, image) = built();
    let (region, ami) = amis(&world, &image).remove(0);
    let at = world.now + TimeDelta::days(3);
    let when = json!({"updateAt": at.timestamp()});
    let id = update(&mut world, &image, "DEPRECATED", json!({"amis": true}), when);
    pass(&mut world, TimeDelta::minutes(2));
    let marked = ec2::image(&world, &region, &ami).unwrap().deprecation_time.unwrap();
    assert_eq!(marked.timestamp(), at.timestamp());
    assert_eq!(status(&world, &image), "AVAILABLE");
    assert_eq!(world.imagebuilder.get(&image).unwrap().document["deprecationTime"], json!(at.timestamp() as f64));
    assert_eq!(execution(&mut world, &id)["state"]["status"], "PENDING");
    let input = json!({"resourceArn": image, "state": {"status": "DISABLED"}});
    let error = call(&mut world, "StartResourceStateUpdate", input).unwrap_err();
    assert_eq!(error.code, "ResourceInUseException");
    pass(&mut world, TimeDelta::days(3));
    assert_eq!(status(&world, &image), "DEPRECATED");
    assert_eq!(execution(&mut world, &id)["state"]["status"], "SUCCESS");
}

#[test]
fn a_cancelled_execution_undoes_nothing_and_does_nothing_more() {
    let (mut world, image) = built();
    let (region, ami) = amis(&world, &image).remove(0);
    let at = world.now + TimeDelta::days(3);
    let id = update(&mut world, &image, "DEPRECATED", json!({"amis": true}), json!({"updateAt": at.timestamp()}));
    pass(&mut world, TimeDelta::minutes(2));
    ok(&mut world, "CancelLifecycleExecution", json!({"lifecycleExecutionId": id}));
    assert_eq!(execution(&mut world, &id)["state"]["status"], "CANCELLING");
    pass(&mut world, TimeDelta::minutes(1));
    assert_eq!(execution(&mut world, &id)["state"]["status"], "CANCELLED");
    let error = call(&mut world, "CancelLifecycleExecution", json!({"lifecycleExecutionId": id})).unwrap_err();
    assert_eq!(error.code, "InvalidRequestException");
    pass(&mut world, TimeDelta::days(4));
    assert_eq!(status(&world, &image), "AVAILABLE");
    assert!(!world.imagebuilder.get(&image).unwrap().document.contains_key("deprecationTime"));
    assert!(ec2::image(&world, &region, &ami).unwrap().deprecation_time.is_some());

    let id = update(&mut world, &image, "DISABLED", json!({"amis": true}), json!({}));
    ok(&mut world, "CancelLifecycleExecution", json!({"lifecycleExecutionId": id}));
    pass(&mut world, TimeDelta::minutes(2));
    assert_eq!(status(&world, &image), "AVAILABLE");
    assert_eq!(resources(&mut world, &id, Some(&image))[0]["state"]["status"], "SKIPPED");
}

#[test]
fn the_record_alone_changes_at_once() {
    let (mut world, image) = built();
    for (asked, expected) in [("DEPRECATED", true), ("DISABLED", true), ("AVAILABLE", false)] {
        let input = json!({"resourceArn": image, "state": {"status": asked}});
        assert_eq!(ok(&mut world, "StartResourceStateUpdate", input), json!({"resourceArn": image}));
        let document = &world.imagebuilder.get(&image).unwrap().document;
        assert_eq!((status(&world, &image).as_str(), document.contains_key("deprecationTime")), (asked, expected));
    }
    assert!(
        amis(&world, &image)
            .iter()
            .all(|(region, id)| { ec2::image(&world, region, id).unwrap().deprecation_time.is_none() })
    );
    let entries = world.journal.entries().iter().filter(|entry| entry.kind == journal::Kind::ImageState);
    let details: Vec<_> = entries.map(|entry| entry.detail.as_str()).collect();
    assert_eq!(details[details.len() - 3..], ["DEPRECATED", "DISABLED", "AVAILABLE"]);
}

#[test]
fn what_is_kept_and_posted_can_be_written_down() {
    let (mut world, image) = built();
    update(&mut world, &image, "DISABLED", json!({"amis": true}), json!({}));
    let policy = policies::policy(&mut world, policies::count(1));
    let store = &world.imagebuilder.lifecycle;
    let text = serde_json::to_string(store).unwrap();
    let back: super::Store = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&back).unwrap(), text);
    let event = super::Event::PolicyDue { policy_arn: policy, generation: 1 };
    assert!(serde_json::to_string(&event).unwrap().contains("keep-it"));
}
