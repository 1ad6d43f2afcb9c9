//! EC2, over its real form encoding.

mod fast_launch;
mod instance;
mod references;
mod retire;
mod snapshots;
mod template;

use super::*;
use crate::dispatch;
use crate::draw::Seed;
use crate::wire::Request;
use chrono::TimeDelta;

const OWN: &str = "ami-00000000000000001";
const SNAPSHOT: &str = "snap-00000000000000001";
const SHARED: &str = "ami-00000000000000002";
const PUBLIC: &str = "ami-00000000000000003";
const HIDDEN: &str = "ami-00000000000000004";

fn image(id: &str, owner: &str, name: &str, permissions: &[(&str, &str)]) -> Image {
    Image {
        id: id.to_owned(),
        region: "us-east-1".to_owned(),
        owner: owner.to_owned(),
        name: name.to_owned(),
        description: None,
        windows: false,
        architecture: "x86_64".to_owned(),
        state: "available".to_owned(),
        created: "2026-01-01T00:00:00Z".parse().unwrap(),
        tags: FromIterator::from_iter([("Name".to_owned(), name.to_owned())]),
        snapshots: FromIterator::from_iter([(
            "/dev/xvda".to_owned(),
            Snapshot { id: id.replace("ami", "snap"), size: 8, encrypted: false },
        )]),
        source: None,
        launch_permissions: permissions.iter().map(|(kind, value)| ((*kind).to_owned(), (*value).to_owned())).collect(),
        deprecation_time: None,
        last_launched: None,
        deregistration_protection: false,
    }
}

fn world() -> World {
    let mut world = World::new(Seed(7), "2026-01-02T00:00:00Z".parse().unwrap());
    world.ec2.images.clear();
    for image in [
        image(OWN, "123456789012", "web 1", &[]),
        image(SHARED, "111122223333", "web 2", &[("UserId", "123456789012")]),
        image(PUBLIC, AMAZON_ACCOUNT, "al2023-ami", &[("Group", "all")]),
        image(HIDDEN, "111122223333", "web 3", &[]),
    ] {
        on(&mut world, Event::Register(Box::new(image)));
    }
    world
}

/// One form over the wire, signed with an access key for a Region: the status and the XML.
fn ask_as(world: &mut World, key: &str, region: &str, fields: &[(&str, &str)]) -> (u16, String) {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        form.append_pair(name, value);
    }
    let credential = format!(
        "AWS4-HMAC-SHA256 Credential={key}/20260101/{region}/ec2/aws4_request, SignedHeaders=host, Signature=0"
    );
    let request = Request {
        method: "POST".into(),
        path: "/".into(),
        query: String::new(),
        headers: vec![("authorization".into(), credential)],
        body: form.finish().into(),
    };
    let response = dispatch::answer(world, &request, false).response.unwrap();
    (response.status, String::from_utf8(response.body.to_vec()).unwrap())
}

/// By the default account.
fn ask_in(world: &mut World, region: &str, fields: &[(&str, &str)]) -> (u16, String) {
    ask_as(world, "AKID", region, fields)
}

/// An access key of an account: a role's there.
fn key_of(world: &mut World, account: &str) -> String {
    let caller = crate::wire::Caller::service("123456789012", "test");
    let context = Context { caller, region: "us-east-1".into(), request_id: "r".into() };
    world.stacks.add_open_role(account, "there");
    let role = serde_json::json!({"RoleArn": format!("arn:aws:iam::{account}:role/there"), "RoleSessionName": "me"});
    let assumed = dispatch::call(world, &context, "sts", "AssumeRole", role).unwrap();
    assumed["Credentials"]["AccessKeyId"].as_str().unwrap().to_owned()
}

/// A call of the default account in us-east-1 that has to succeed.
fn done(world: &mut World, action: &str, fields: &[(&str, &str)]) -> String {
    let (status, body) = ask(world, &[&[("Action", action)], fields].concat());
    assert_eq!(status, 200, "{action} {fields:?}: {body}");
    body
}

/// A call that has to fail: the action, its fields, the error's code.
type Refused<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);

/// A call of the default account in us-east-1 that has to fail: the error's code.
fn refused(world: &mut World, action: &str, fields: &[(&str, &str)]) -> String {
    let (status, body) = ask(world, &[&[("Action", action)], fields].concat());
    assert!(status >= 400, "{action} {fields:?}: {body}");
    all(&body, "Code").remove(0)
}

/// The answer without what surrounds it.
fn inner(body: &str) -> &str {
    body.split_once("</requestId>").unwrap().1.rsplit_once("</").unwrap().0
}

fn pass(world: &mut World, span: TimeDelta) {
    let until = world.now + span;
    while world.step(until).is_some() {}
}

fn ask(world: &mut World, fields: &[(&str, &str)]) -> (u16, String) {
    ask_in(world, "us-east-1", fields)
}

fn all(xml: &str, tag: &str) -> Vec<String> {
    let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
    xml.split(&open).skip(1).map(|rest| rest.split(&close).next().unwrap().to_owned()).collect()
}

#[test]
fn one_sees_ones_own_shared_and_public_images() {
    type Row<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);
    let table: [Row<'_>; 15] = [
        (&[], &[OWN, SHARED, PUBLIC]),
        (&[("Owner.1", "self")], &[OWN]),
        (&[("Owner.1", "amazon")], &[PUBLIC]),
        (&[("Owner.1", "111122223333"), ("Owner.2", "self")], &[OWN, SHARED]),
        (&[("ExecutableBy.1", "self")], &[SHARED]),
        (&[("ExecutableBy.1", "all")], &[PUBLIC]),
        (&[("ImageId.1", SHARED)], &[SHARED]),
        (&[("Filter.1.Name", "name"), ("Filter.1.Value.1", "web*")], &[OWN, SHARED]),
        (
            &[
                ("Filter.1.Name", "name"),
                ("Filter.1.Value.1", "web ?"),
                ("Filter.2.Name", "owner-id"),
                ("Filter.2.Value.1", "111122223333"),
            ],
            &[SHARED],
        ),
        (&[("Filter.1.Name", "tag:Name"), ("Filter.1.Value.1", "web 1"), ("Filter.1.Value.2", "none")], &[OWN]),
        (&[("Filter.1.Name", "state"), ("Filter.1.Value.1", "pending")], &[]),
        (&[("Filter.1.Name", "is-public"), ("Filter.1.Value.1", "true")], &[PUBLIC]),
        (&[("Filter.1.Name", "architecture"), ("Filter.1.Value.1", "arm64")], &[]),
        (&[("Filter.1.Name", "image-id"), ("Filter.1.Value.1", OWN)], &[OWN]),
        (&[("MaxResults", "1"), ("NextToken", OWN)], &[SHARED]),
    ];
    for (fields, expected) in table {
        let fields = [&[("Action", "DescribeImages")], fields].concat();
        let (status, body) = ask(&mut world(), &fields);
        assert_eq!(
            (status, all(&body, "imageId")),
            (200, expected.iter().map(|id| (*id).to_owned()).collect()),
            "{fields:?}"
        );
    }
    let (_, first) = ask(&mut world(), &[("Action", "DescribeImages"), ("MaxResults", "2")]);
    assert_eq!(all(&first, "nextToken"), [SHARED]);
}

#[test]
fn an_image_looks_as_ec2_shows_it() {
    let (_, body) = ask(&mut world(), &[("Action", "DescribeImages"), ("ImageId.1", OWN)]);
    let set = &all(&body, "imagesSet")[0];
    insta::assert_snapshot!(set, @"<item><imageId>ami-00000000000000001</imageId><imageLocation>123456789012/web 1</imageLocation><imageState>available</imageState><imageOwnerId>123456789012</imageOwnerId><creationDate>2026-01-01T00:00:00.000Z</creationDate><isPublic>false</isPublic><architecture>x86_64</architecture><imageType>machine</imageType><platformDetails>Linux/UNIX</platformDetails><usageOperation>RunInstances</usageOperation><name>web 1</name><rootDeviceType>ebs</rootDeviceType><rootDeviceName>/dev/xvda</rootDeviceName><blockDeviceMapping><item><deviceName>/dev/xvda</deviceName><ebs><snapshotId>snap-00000000000000001</snapshotId><volumeSize>8</volumeSize><deleteOnTermination>true</deleteOnTermination><volumeType>gp3</volumeType><encrypted>false</encrypted></ebs></item></blockDeviceMapping><virtualizationType>hvm</virtualizationType><hypervisor>xen</hypervisor><enaSupport>true</enaSupport><deregistrationProtection>disabled</deregistrationProtection><tagSet><item><key>Name</key><value>web 1</value></item></tagSet></item>");
}

#[test]
fn what_is_invalid_is_refused() {
    let table: [(&[(&str, &str)], &str); 15] = [
        (&[("Action", "DescribeImages"), ("ImageId.1", HIDDEN)], "InvalidAMIID.NotFound"),
        (&[("Action", "DescribeImages"), ("ImageId.1", "ami-x")], "InvalidAMIID.Malformed"),
        (
            &[("Action", "DescribeImages"), ("Filter.1.Name", "colour"), ("Filter.1.Value.1", "x")],
            "InvalidParameterValue",
        ),
        (&[("Action", "DescribeImages"), ("DryRun", "true")], "DryRunOperation"),
        (
            &[("Action", "DescribeImageAttribute"), ("ImageId", SHARED), ("Attribute", "launchPermission")],
            "AuthFailure",
        ),
        (&[("Action", "ModifyImageAttribute"), ("ImageId", OWN)], "MissingParameter"),
        (
            &[("Action", "ModifyImageAttribute"), ("ImageId", OWN), ("LaunchPermission.Add.1.UserId", "me")],
            "InvalidAMIAttributeItemValue",
        ),
        (&[("Action", "ModifyImageAttribute"), ("ImageId", OWN), ("Attribute", "uefiData")], "UnsupportedOperation"),
        (
            &[("Action", "CopyImage"), ("SourceRegion", "eu-west-1"), ("SourceImageId", OWN), ("Name", "copy")],
            "InvalidAMIID.NotFound",
        ),
        (
            &[("Action", "CopyImage"), ("SourceRegion", "us-east-1"), ("SourceImageId", OWN), ("Name", "web 1")],
            "InvalidAMIName.Duplicate",
        ),
        (
            &[("Action", "CopyImage"), ("SourceRegion", "us-east-1"), ("SourceImageId", OWN), ("Name", "x")],
            "InvalidAMIName.Malformed",
        ),
        (
            &[("Action", "CreateTags"), ("ResourceId.1", "i-1"), ("Tag.1.Key", "a"), ("Tag.1.Value", "b")],
            "InvalidInstanceID.Malformed",
        ),
        (&[("Action", "CreateTags"), ("ResourceId.1", "vpc-1"), ("Tag.1.Key", "a"), ("Tag.1.Value", "b")], "InvalidID"),
        (&[("Action", "CreateVpc")], "InvalidAction"),
        (
            &[
                ("Action", "RegisterImage"),
                ("Name", "mine"),
                ("RootDeviceName", "/dev/xvda"),
                ("BlockDeviceMapping.1.DeviceName", "/dev/xvda"),
                ("BlockDeviceMapping.1.Ebs.SnapshotId", "snap-0123456789abcdef0"),
            ],
            "InvalidSnapshot.NotFound",
        ),
    ];
    for (fields, code) in table {
        let (status, body) = ask(&mut world(), fields);
        assert!(status >= 400 && body.contains(&format!("<Code>{code}</Code>")), "{fields:?}: {status} {body}");
    }
}

#[test]
fn launch_permissions_come_and_go_in_both_forms() {
    let mut world = world();
    let modify = |world: &mut World, fields: &[(&str, &str)]| {
        let fields = [&[("Action", "ModifyImageAttribute"), ("ImageId", OWN)], fields].concat();
        let (status, body) = ask(world, &fields);
        assert_eq!(status, 200, "{body}");
    };
    let organization = "arn:aws:organizations::123456789012:organization/o-example";
    modify(
        &mut world,
        &[("LaunchPermission.Add.1.UserId", "111122223333"), ("LaunchPermission.Add.2.OrganizationArn", organization)],
    );
    modify(&mut world, &[("Attribute", "launchPermission"), ("OperationType", "add"), ("UserGroup.1", "all")]);
    modify(&mut world, &[("LaunchPermission.Remove.1.Group", "all")]);
    let (_, body) =
        ask(&mut world, &[("Action", "DescribeImageAttribute"), ("ImageId", OWN), ("Attribute", "launchPermission")]);
    assert_eq!(
        all(&body, "launchPermission"),
        [format!(
            "<item><userId>111122223333</userId></item><item><organizationArn>{organization}</organizationArn></item>"
        )]
    );
    assert!(visible(&world, "111122223333", "us-east-1", OWN).is_some());
}

#[test]
fn a_copy_is_pending_before_it_is_available_and_told_once() {
    let mut world = world();
    let fields = [
        ("Action", "CopyImage"),
        ("SourceRegion", "us-east-1"),
        ("SourceImageId", OWN),
        ("Name", "web 1 copy"),
        ("CopyImageTags", "true"),
        ("ClientToken", "once"),
    ];
    let (_, body) = ask_in(&mut world, "eu-west-1", &fields);
    let id = all(&body, "imageId").remove(0);
    assert_eq!(
        all(&ask_in(&mut world, "eu-west-1", &fields).1, "imageId"),
        std::slice::from_ref(&id),
        "the token makes it once"
    );
    let copy = |world: &World| visible(world, "123456789012", "eu-west-1", &id).cloned().unwrap();
    assert_eq!(copy(&world).state, "pending");
    let until = world.now + TimeDelta::minutes(20);
    while world.step(until).is_some() {}
    let copy = copy(&world);
    assert_eq!((copy.state.as_str(), copy.tags.get("Name").unwrap().as_str()), ("available", "web 1"));
    assert_ne!(copy.snapshots.get("/dev/xvda").unwrap().id, "snap-00000000000000001");
    assert_eq!(copy.source, Some(("us-east-1".to_owned(), OWN.to_owned())));
}

#[test]
fn an_image_is_registered_tagged_and_deregistered() {
    let mut world = world();
    let (_, body) = ask(
        &mut world,
        &[
            ("Action", "RegisterImage"),
            ("Name", "mine"),
            ("Architecture", "arm64"),
            ("RootDeviceName", "/dev/xvda"),
            ("BlockDeviceMapping.1.DeviceName", "/dev/xvda"),
            ("BlockDeviceMapping.1.Ebs.SnapshotId", "snap-00000000000000001"),
            ("TagSpecification.1.ResourceType", "image"),
            ("TagSpecification.1.Tag.1.Key", "team"),
            ("TagSpecification.1.Tag.1.Value", "web"),
        ],
    );
    let id = all(&body, "imageId").remove(0);
    ask(
        &mut world,
        &[("Action", "CreateTags"), ("ResourceId.1", &id), ("Tag.1.Key", "stage"), ("Tag.1.Value", "prod")],
    );
    ask(&mut world, &[("Action", "DeleteTags"), ("ResourceId.1", &id), ("Tag.1.Key", "team")]);
    let (_, tags) =
        ask(&mut world, &[("Action", "DescribeTags"), ("Filter.1.Name", "resource-id"), ("Filter.1.Value.1", &id)]);
    assert_eq!((all(&tags, "key"), all(&tags, "value")), (vec!["stage".to_owned()], vec!["prod".to_owned()]));
    let (_, body) =
        ask(&mut world, &[("Action", "DeregisterImage"), ("ImageId", &id), ("DeleteAssociatedSnapshots", "true")]);
    assert_eq!(
        (all(&body, "snapshotId"), all(&body, "returnCode")),
        (vec![SNAPSHOT.to_owned()], vec!["skipped".to_owned()])
    );
    assert!(visible(&world, "123456789012", "us-east-1", &id).is_none());
}

#[test]
fn regions_are_listed_and_filtered() {
    let (_, body) = ask(
        &mut world(),
        &[("Action", "DescribeRegions"), ("Filter.1.Name", "region-name"), ("Filter.1.Value.1", "us-*")],
    );
    assert_eq!(all(&body, "regionName"), ["us-east-1", "us-east-2", "us-west-1", "us-west-2"]);
}
