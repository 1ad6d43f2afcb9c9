//! The slice of EC2, through its API.

use super::*;
use crate::draw::Seed;
use crate::wire::{Caller, Principal};
use crate::world::DEFAULT_ACCOUNT;

fn world() -> World {
    World::new(Seed(1), "2026-03-02T00:00:00Z".parse().unwrap())
}

fn context(account: &str, region: &str) -> Context {
    let caller = Caller { account: account.to_owned(), principal: Principal::Root, invocation: None };
    Context { caller, region: region.to_owned(), request_id: "r".to_owned() }
}

fn registered(world: &mut World, name: &str) -> String {
    let input = json!({"Name": name, "Architecture": "x86_64",
        "BlockDeviceMapping": [{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": "snap-0123456789abcdef0", "VolumeSize": "8"}}]});
    let answer = call(world, &context(DEFAULT_ACCOUNT, "us-east-1"), "RegisterImage", input).unwrap();
    answer["imageId"].as_str().unwrap().to_owned()
}

fn ids(answer: &Value) -> Vec<&str> {
    answer["imagesSet"].as_array().unwrap().iter().map(|image| image["imageId"].as_str().unwrap()).collect()
}

#[test]
fn a_copy_is_pending_and_then_available_with_an_ami_of_its_own() {
    let mut world = world();
    let source = registered(&mut world, "golden 1");
    let there = context(DEFAULT_ACCOUNT, "eu-west-1");
    let input = json!({"Name": "golden 1", "SourceImageId": source, "SourceRegion": "us-east-1"});
    let copy = call(&mut world, &there, "CopyImage", input).unwrap()["imageId"].as_str().unwrap().to_owned();
    assert_ne!(copy, source);
    let state = |world: &mut World| {
        let answer = call(world, &there, "DescribeImages", json!({"ImageId": [copy]})).unwrap();
        (answer["imagesSet"][0]["imageState"].clone(), answer["imagesSet"][0]["sourceImageId"].clone())
    };
    assert_eq!(state(&mut world), (json!("pending"), json!(source)));
    let later = world.now + chrono::TimeDelta::minutes(5);
    while world.step(later).is_some() {}
    assert_eq!(state(&mut world), (json!("available"), json!(source)));
}

#[test]
fn another_account_sees_what_is_shared_with_it_and_cannot_change_it() {
    let mut world = world();
    let id = registered(&mut world, "golden 1");
    let (owner, other) = (context(DEFAULT_ACCOUNT, "us-east-1"), context("111122223333", "us-east-1"));
    let look = json!({"ImageId": [id]});
    assert_eq!(call(&mut world, &other, "DescribeImages", look.clone()).unwrap_err().code, "InvalidAMIID.NotFound");
    let share = json!({"ImageId": id, "LaunchPermission": {"Add": [{"UserId": "111122223333"}]}});
    call(&mut world, &owner, "ModifyImageAttribute", share).unwrap();
    assert_eq!(ids(&call(&mut world, &other, "DescribeImages", look.clone()).unwrap()), [id.as_str()]);
    let change = json!({"ImageId": id, "Description": {"Value": "mine"}});
    assert_eq!(call(&mut world, &other, "ModifyImageAttribute", change).unwrap_err().code, "AuthFailure");
    let permissions = json!({"ImageId": id, "Attribute": "launchPermission"});
    let permissions = call(&mut world, &owner, "DescribeImageAttribute", permissions).unwrap();
    assert_eq!(permissions["launchPermission"], json!([{"userId": "111122223333"}]));
    let unshare = json!({"ImageId": id, "OperationType": "remove", "UserId": ["111122223333"]});
    call(&mut world, &owner, "ModifyImageAttribute", unshare).unwrap();
    assert_eq!(call(&mut world, &other, "DescribeImages", look).unwrap_err().code, "InvalidAMIID.NotFound");
}

#[test]
fn filters_owners_and_pages_select() {
    let mut world = world();
    let here = context(DEFAULT_ACCOUNT, "us-east-1");
    let all: Vec<String> = (0..7).map(|n| registered(&mut world, &format!("golden {n}"))).collect();
    let tag = json!({"ResourceId": [all[3]], "Tag": [{"Key": "Team", "Value": "platform"}]});
    call(&mut world, &here, "CreateTags", tag).unwrap();
    let mut found = |input: Value| {
        let answer = call(&mut world, &here, "DescribeImages", input).unwrap();
        ids(&answer).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(found(json!({"Owner": ["self"]})).len(), 7);
    assert_eq!(found(json!({"Owner": ["111122223333"]})).len(), 0);
    assert_eq!(
        found(json!({"Owner": ["self"], "Filter": [{"Name": "tag:Team", "Value": ["plat*"]}]})),
        [all[3].clone()]
    );
    assert_eq!(found(json!({"Owner": ["self"], "Filter": [{"Name": "name", "Value": ["golden ?"]}, {"Name": "state", "Value": ["available"]}]})).len(), 0);
    let first = call(&mut world, &here, "DescribeImages", json!({"Owner": ["self"], "MaxResults": "5"})).unwrap();
    let token = first["nextToken"].clone();
    let second =
        call(&mut world, &here, "DescribeImages", json!({"Owner": ["self"], "MaxResults": "5", "NextToken": token}))
            .unwrap();
    let joined: std::collections::BTreeSet<_> = ids(&first).into_iter().chain(ids(&second)).collect();
    assert_eq!((joined.len(), second.get("nextToken")), (7, None));
}

#[test]
fn what_is_wrong_is_refused_in_ec2s_words() {
    let mut world = world();
    let here = context(DEFAULT_ACCOUNT, "us-east-1");
    let id = registered(&mut world, "golden 1");
    for (operation, input, code) in [
        ("DescribeImages", json!({"ImageId": ["ami-xyz"]}), "InvalidAMIID.Malformed"),
        ("DescribeImages", json!({"ImageId": ["ami-00000000000000000"]}), "InvalidAMIID.NotFound"),
        ("DescribeImages", json!({"Filter": [{"Name": "colour", "Value": ["x"]}]}), "InvalidParameterValue"),
        ("DescribeImages", json!({"ImageId": [id], "MaxResults": "10"}), "InvalidParameterCombination"),
        ("RegisterImage", json!({"Name": "golden 1", "BlockDeviceMapping": []}), "InvalidAMIName.Duplicate"),
        ("RegisterImage", json!({"Name": "g"}), "InvalidAMIName.Malformed"),
        ("ModifyImageAttribute", json!({"ImageId": id}), "InvalidParameterCombination"),
        (
            "ModifyImageAttribute",
            json!({"ImageId": id, "LaunchPermission": {"Add": [{"UserId": "me"}]}}),
            "InvalidAMIAttributeItemValue",
        ),
        ("CreateTags", json!({"ResourceId": [id], "Tag": [{"Key": "aws:x", "Value": "y"}]}), "InvalidParameterValue"),
        ("CreateTags", json!({"ResourceId": ["i-1"], "Tag": []}), "InvalidID"),
        ("DeregisterImage", json!({}), "MissingParameter"),
        ("DeregisterImage", json!({"ImageId": id, "DryRun": "true"}), "DryRunOperation"),
        ("RunInstances", json!({}), "InvalidAction"),
    ] {
        assert_eq!(call(&mut world, &here, operation, input.clone()).unwrap_err().code, code, "{operation} {input}");
    }
    call(&mut world, &here, "DeregisterImage", json!({"ImageId": id})).unwrap();
    assert!(visible(&world, DEFAULT_ACCOUNT, "us-east-1", &id).is_none());
}

#[test]
fn tags_come_and_go() {
    let mut world = world();
    let here = context(DEFAULT_ACCOUNT, "us-east-1");
    let id = registered(&mut world, "golden 1");
    let tags = json!([{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}, {"Key": "c", "Value": "3"}]);
    call(&mut world, &here, "CreateTags", json!({"ResourceId": [id], "Tag": tags})).unwrap();
    let delete = json!({"ResourceId": [id], "Tag": [{"Key": "a"}, {"Key": "b", "Value": "other"}]});
    call(&mut world, &here, "DeleteTags", delete).unwrap();
    let left =
        call(&mut world, &here, "DescribeTags", json!({"Filter": [{"Name": "resource-id", "Value": [id]}]})).unwrap();
    let keys: Vec<_> = left["tagSet"].as_array().unwrap().iter().map(|tag| tag["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["b", "c"]);
}
