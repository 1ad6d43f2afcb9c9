//! Auto Scaling, over its real form encoding.

use crate::dispatch;
use crate::draw::Seed;
use crate::wire::{Caller, Context, Request};
use crate::world::World;
use serde_json::{Value, json};

fn world() -> World {
    let mut world = World::new(Seed(7), "2026-01-02T00:00:00Z".parse().unwrap());
    let caller = Caller::service("123456789012", "test");
    let context = Context { caller, region: "us-east-1".into(), request_id: "r".into() };
    let mut ec2 = |operation: &str, input: Value| {
        dispatch::call(&mut world, &context, "ec2", operation, input).unwrap();
    };
    for name in ["web", "arm"] {
        ec2(
            "CreateLaunchTemplate",
            json!({"LaunchTemplateName": name, "LaunchTemplateData": {"ImageId": "ami-00000000000000001"}}),
        );
    }
    let next = json!({"LaunchTemplateName": "web", "LaunchTemplateData": {"ImageId": "ami-00000000000000002"}});
    ec2("CreateLaunchTemplateVersion", next);
    world
}

fn ask(world: &mut World, operation: &str, fields: &[(&str, &str)]) -> (u16, String) {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("Action", operation).append_pair("Version", "2011-01-01").extend_pairs(fields);
    let credential = "Credential=AKIAEXAMPLE/20260102/us-east-1/autoscaling/aws4_request";
    let request = Request {
        method: "POST".into(),
        path: "/".into(),
        query: String::new(),
        headers: vec![("authorization".into(), format!("AWS4-HMAC-SHA256 {credential}, Signature=x"))],
        body: form.finish().into(),
    };
    let response = dispatch::answer(world, &request, false).response.unwrap();
    (response.status, String::from_utf8(response.body.to_vec()).unwrap())
}

fn done(world: &mut World, operation: &str, fields: &[(&str, &str)]) -> String {
    let (status, body) = ask(world, operation, fields);
    assert_eq!(status, 200, "{operation} {fields:?}: {body}");
    body
}

/// The code and the message of a refusal.
fn refused(world: &mut World, operation: &str, fields: &[(&str, &str)]) -> String {
    let (status, body) = ask(world, operation, fields);
    assert_eq!(status, 400, "{operation} {fields:?}: {body}");
    format!("{}: {}", all(&body, "Code")[0], all(&body, "Message")[0])
}

fn all(body: &str, tag: &str) -> Vec<String> {
    let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
    body.split(&open).skip(1).map(|rest| rest.split(&close).next().unwrap().to_owned()).collect()
}

const SIZES: [(&str, &str); 2] = [("MinSize", "1"), ("MaxSize", "3")];

fn create(world: &mut World, name: &str, source: &[(&str, &str)]) -> String {
    done(world, "CreateAutoScalingGroup", &[&[("AutoScalingGroupName", name)], &SIZES[..], source].concat())
}

const PLAIN: [(&str, &str); 2] = [("LaunchTemplate.LaunchTemplateName", "web"), ("LaunchTemplate.Version", "1")];

#[test]
fn a_group_is_pinned_to_a_version() {
    let mut world = world();
    let tag = [("Tags.member.1.Key", "team"), ("Tags.member.1.Value", "a")];
    create(&mut world, "web", &[&PLAIN[..], &tag].concat());
    let body = done(&mut world, "DescribeAutoScalingGroups", &[]);
    let shown = all(&body, "LaunchTemplate").remove(0);
    assert!(shown.starts_with("<LaunchTemplateId>lt-"), "{shown}");
    assert!(shown.ends_with("<LaunchTemplateName>web</LaunchTemplateName><Version>1</Version>"), "{shown}");
    assert_eq!((all(&body, "MinSize"), all(&body, "DesiredCapacity")), (vec!["1".to_owned()], vec!["1".to_owned()]));
    let arn = all(&body, "AutoScalingGroupARN").remove(0);
    assert!(arn.starts_with("arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:"), "{arn}");
    assert!(arn.ends_with(":autoScalingGroupName/web"), "{arn}");
    // Without a version it follows the default one.
    let moved = [("AutoScalingGroupName", "web"), ("LaunchTemplate.LaunchTemplateName", "arm")];
    done(&mut world, "UpdateAutoScalingGroup", &moved);
    let body = done(&mut world, "DescribeAutoScalingGroups", &[("AutoScalingGroupNames.member.1", "web")]);
    assert_eq!(all(&body, "Version"), ["$Default"]);
    assert_eq!(all(&body, "LaunchTemplateName"), ["arm"]);
    assert_eq!(all(&body, "Key"), ["team"]);
    done(&mut world, "DeleteAutoScalingGroup", &[("AutoScalingGroupName", "web")]);
    assert_eq!(all(&done(&mut world, "DescribeAutoScalingGroups", &[]), "member").len(), 0);
}

#[test]
fn a_mixed_group_can_have_several_templates() {
    let mut world = world();
    let policy = "MixedInstancesPolicy.LaunchTemplate";
    let main = format!("{policy}.LaunchTemplateSpecification.LaunchTemplateName");
    let latest = format!("{policy}.LaunchTemplateSpecification.Version");
    let kind = format!("{policy}.Overrides.member.1.InstanceType");
    let other = format!("{policy}.Overrides.member.1.LaunchTemplateSpecification.LaunchTemplateName");
    let base = "MixedInstancesPolicy.InstancesDistribution.OnDemandBaseCapacity";
    let fields =
        [(main.as_str(), "web"), (latest.as_str(), "$Latest"), (&kind, "c7g.large"), (&other, "arm"), (base, "0")];
    create(&mut world, "mixed", &fields);
    let body = done(&mut world, "DescribeAutoScalingGroups", &[]);
    assert_eq!(all(&body, "LaunchTemplateName"), ["web", "arm"]);
    assert_eq!(all(&body, "Version"), ["$Latest", "$Default"]);
    assert_eq!(all(&body, "OnDemandBaseCapacity"), ["0"]);
    // A plain template takes the place of the policy.
    done(&mut world, "UpdateAutoScalingGroup", &[&[("AutoScalingGroupName", "mixed")], &PLAIN[..]].concat());
    let body = done(&mut world, "DescribeAutoScalingGroups", &[]);
    assert_eq!((all(&body, "Version"), all(&body, "MixedInstancesPolicy").len()), (vec!["1".to_owned()], 0));
}

#[test]
fn groups_are_listed_in_pages_and_by_tags() {
    let mut world = world();
    for name in ["a", "b", "c"] {
        let tag = [("Tags.member.1.Key", "team"), ("Tags.member.1.Value", name)];
        create(&mut world, name, &[&PLAIN[..], &tag].concat());
    }
    let two = ("MaxRecords", "2");
    let first = done(&mut world, "DescribeAutoScalingGroups", &[two]);
    assert_eq!(all(&first, "AutoScalingGroupName"), ["a", "b"]);
    let next = all(&first, "NextToken").remove(0);
    let last = done(&mut world, "DescribeAutoScalingGroups", &[two, ("NextToken", &next)]);
    assert_eq!((all(&last, "AutoScalingGroupName"), all(&last, "NextToken").len()), (vec!["c".to_owned()], 0));
    let by = |name: &'static str, value: &'static str| {
        [("Filters.member.1.Name", name), ("Filters.member.1.Values.member.1", value)]
    };
    for (filter, expected) in
        [(by("tag:team", "b"), 1), (by("tag:other", "b"), 0), (by("tag-key", "team"), 3), (by("tag-value", "c"), 1)]
    {
        let body = done(&mut world, "DescribeAutoScalingGroups", &filter);
        assert_eq!(all(&body, "AutoScalingGroupName").len(), expected, "{filter:?}");
    }
}

#[test]
fn wrong_groups_are_refused() {
    let mut world = world();
    create(&mut world, "web", &PLAIN);
    let name = ("AutoScalingGroupName", "new");
    let [min, max] = SIZES;
    let both = ("LaunchTemplate.LaunchTemplateId", "lt-1");
    let create = "CreateAutoScalingGroup";
    type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);
    let table: [Row; 14] = [
        (create, &[("AutoScalingGroupName", "web"), min, max, PLAIN[0]], "AlreadyExists"),
        (create, &[min, max, PLAIN[0]], "1 to 255 characters"),
        (create, &[name, min, PLAIN[0]], "MinSize and MaxSize"),
        (create, &[name, min, max], "Expected one of LaunchTemplate"),
        (create, &[name, min, max, PLAIN[0], ("LaunchConfigurationName", "x")], "Expected exactly one"),
        (create, &[name, min, max, PLAIN[0], both], "either launchTemplateId or"),
        (create, &[name, min, max, ("LaunchTemplate.LaunchTemplateName", "none")], "launch template none does not"),
        (create, &[name, min, max, PLAIN[0], ("LaunchTemplate.Version", "9")], "version 9 of the launch template web"),
        (create, &[name, min, max, ("LaunchConfigurationName", "x")], "Launch configuration name not found"),
        (create, &[name, min, max, PLAIN[0], ("DesiredCapacity", "4")], "must be between the specified min size:1"),
        (create, &[name, min, max, PLAIN[0], ("PlacementGroup", "p")], "PlacementGroup is not supported"),
        ("UpdateAutoScalingGroup", &[name], "AutoScalingGroup new not found"),
        ("DeleteAutoScalingGroup", &[name], "AutoScalingGroup new not found"),
        ("DescribeAutoScalingGroups", &[("MaxRecords", "101")], "from 1 to 100"),
    ];
    for (operation, fields, part) in table {
        let told = refused(&mut world, operation, fields);
        assert!(told.contains(part), "{operation} {fields:?}: {told}");
    }
    assert!(refused(&mut world, "SetDesiredCapacity", &[]).starts_with("InvalidAction"));
    assert_eq!(all(&done(&mut world, "DescribeAutoScalingGroups", &[]), "AutoScalingGroupName"), ["web"]);
}

#[test]
fn a_launch_configuration_names_an_ami() {
    let mut world = world();
    let id = world.ec2.images.iter().find(|((region, _), _)| region == "us-east-1").unwrap().1.id.clone();
    let name = ("LaunchConfigurationName", "old");
    let kind = ("InstanceType", "m5.large");
    let unknown = [name, kind, ("ImageId", "ami-00000000000000009")];
    assert!(refused(&mut world, "CreateLaunchConfiguration", &unknown).contains("AMI cannot be described"));
    assert!(refused(&mut world, "CreateLaunchConfiguration", &[name, ("ImageId", &id)]).contains("InstanceType"));
    done(&mut world, "CreateLaunchConfiguration", &[name, kind, ("ImageId", &id)]);
    assert!(
        refused(&mut world, "CreateLaunchConfiguration", &[name, kind, ("ImageId", &id)]).contains("AlreadyExists")
    );
    create(&mut world, "web", &[name]);
    assert_eq!(all(&done(&mut world, "DescribeAutoScalingGroups", &[]), "LaunchConfigurationName"), ["old"]);
    let named = ("LaunchConfigurationNames.member.1", "old");
    assert_eq!(all(&done(&mut world, "DescribeLaunchConfigurations", &[named]), "ImageId"), [id]);
    assert!(refused(&mut world, "DeleteLaunchConfiguration", &[name]).contains("ResourceInUse"));
    done(&mut world, "DeleteAutoScalingGroup", &[("AutoScalingGroupName", "web")]);
    done(&mut world, "DeleteLaunchConfiguration", &[name]);
    assert!(refused(&mut world, "DeleteLaunchConfiguration", &[name]).contains("not found"));
}
