//! Instances.

use super::*;

fn run(world: &mut World, fields: &[(&str, &str)]) -> String {
    done(world, "RunInstances", &[&[("MinCount", "1"), ("MaxCount", "1")], fields].concat())
}

fn states(world: &mut World, id: &str) -> Vec<String> {
    all(&done(world, "DescribeInstances", &[("InstanceId.1", id)]), "name")
}

#[test]
fn an_instance_looks_as_ec2_shows_it_and_goes_through_its_states() {
    let mut world = world();
    let body = run(&mut world, &[("ImageId", OWN), ("InstanceType", "m5.large"), ("KeyName", "mine")]);
    let (id, reservation) = (all(&body, "instanceId").remove(0), all(&body, "reservationId").remove(0));
    insta::assert_snapshot!(inner(&body).replace(&id, "i-x").replace(&reservation, "r-x"), @"<reservationId>r-x</reservationId><ownerId>123456789012</ownerId><groupSet></groupSet><instancesSet><item><instanceId>i-x</instanceId><imageId>ami-00000000000000001</imageId><instanceState><code>0</code><name>pending</name></instanceState><amiLaunchIndex>0</amiLaunchIndex><instanceType>m5.large</instanceType><launchTime>2026-01-02T00:00:00.000Z</launchTime><monitoring><state>disabled</state></monitoring><architecture>x86_64</architecture><rootDeviceType>ebs</rootDeviceType><rootDeviceName>/dev/xvda</rootDeviceName><virtualizationType>hvm</virtualizationType><hypervisor>xen</hypervisor><enaSupport>true</enaSupport><platformDetails>Linux/UNIX</platformDetails><usageOperation>RunInstances</usageOperation><keyName>mine</keyName></item></instancesSet>");
    let minute = TimeDelta::minutes(1);
    pass(&mut world, minute);
    assert_eq!(states(&mut world, &id), ["running"]);
    let by_id = [("InstanceId.1", id.as_str())];
    let stopping = done(&mut world, "StopInstances", &by_id);
    insta::assert_snapshot!(inner(&stopping).replace(&id, "i-x"), @"<instancesSet><item><instanceId>i-x</instanceId><currentState><code>64</code><name>stopping</name></currentState><previousState><code>16</code><name>running</name></previousState></item></instancesSet>");
    pass(&mut world, minute);
    assert_eq!(states(&mut world, &id), ["stopped"]);
    assert_eq!(all(&done(&mut world, "StartInstances", &by_id), "name"), ["pending", "stopped"]);
    assert_eq!(all(&done(&mut world, "StopInstances", &by_id), "name"), ["stopping", "pending"]);
    assert_eq!(refused(&mut world, "StartInstances", &by_id), "IncorrectInstanceState");
    assert_eq!(all(&done(&mut world, "TerminateInstances", &by_id), "name"), ["shutting-down", "stopping"]);
    assert_eq!(all(&done(&mut world, "TerminateInstances", &by_id), "name"), ["shutting-down", "shutting-down"]);
    pass(&mut world, minute);
    assert_eq!(states(&mut world, &id), ["terminated"]);
    pass(&mut world, TimeDelta::hours(2));
    assert_eq!(refused(&mut world, "DescribeInstances", &by_id), "InvalidInstanceID.NotFound");
}

#[test]
fn a_launch_is_seen_a_day_later() {
    let mut world = world();
    let last = |world: &mut World| {
        let attribute = [("ImageId", OWN), ("Attribute", "lastLaunchedTime")];
        all(&done(world, "DescribeImageAttribute", &attribute), "value")
    };
    run(&mut world, &[("ImageId", OWN)]);
    pass(&mut world, TimeDelta::hours(23));
    assert_eq!(last(&mut world), Vec::<String>::new());
    run(&mut world, &[("ImageId", OWN)]);
    pass(&mut world, TimeDelta::hours(2));
    assert_eq!(last(&mut world), ["2026-01-02T00:00:00.000Z"]);
    pass(&mut world, TimeDelta::hours(24));
    assert_eq!(last(&mut world), ["2026-01-02T23:00:00.000Z"]);
    let body = done(&mut world, "DescribeImages", &[("ImageId.1", OWN)]);
    assert_eq!(all(&body, "lastLaunchedTime"), ["2026-01-02T23:00:00.000Z"]);
}

#[test]
fn a_launch_template_says_what_the_call_does_not() {
    let mut world = world();
    done(
        &mut world,
        "CreateLaunchTemplate",
        &[
            ("LaunchTemplateName", "web"),
            ("LaunchTemplateData.ImageId", OWN),
            ("LaunchTemplateData.InstanceType", "m5.large"),
            ("LaunchTemplateData.TagSpecification.1.ResourceType", "instance"),
            ("LaunchTemplateData.TagSpecification.1.Tag.1.Key", "team"),
            ("LaunchTemplateData.TagSpecification.1.Tag.1.Value", "web"),
        ],
    );
    let by_name = ("LaunchTemplate.LaunchTemplateName", "web");
    let body = run(&mut world, &[by_name, ("ImageId", SHARED)]);
    assert_eq!((all(&body, "imageId"), all(&body, "instanceType")), (vec![SHARED.into()], vec!["m5.large".into()]));
    assert_eq!(all(&body, "key"), ["aws:ec2launchtemplate:id", "aws:ec2launchtemplate:version", "team"]);
    let one = [("MinCount", "1"), ("MaxCount", "1")];
    let wrong = [&[by_name, ("LaunchTemplate.Version", "3")], one.as_slice()].concat();
    assert_eq!(refused(&mut world, "RunInstances", &wrong), "InvalidLaunchTemplateId.VersionNotFound");
}

#[test]
fn several_are_launched_together_and_listed_by_reservation() {
    let mut world = world();
    let fields = [("ImageId", OWN), ("MinCount", "1"), ("MaxCount", "3"), ("ClientToken", "once")];
    let body = done(&mut world, "RunInstances", &fields);
    assert_eq!(all(&body, "amiLaunchIndex"), ["0", "1", "2"]);
    assert_eq!(all(&done(&mut world, "RunInstances", &fields), "reservationId"), all(&body, "reservationId"));
    run(&mut world, &[("ImageId", SHARED)]);
    let listed = done(&mut world, "DescribeInstances", &[("Filter.1.Name", "image-id"), ("Filter.1.Value.1", OWN)]);
    assert_eq!(all(&listed, "reservationId"), all(&body, "reservationId"));
    assert_eq!(all(&listed, "instanceId").len(), 3);
    let first = done(&mut world, "DescribeInstances", &[("MaxResults", "1")]);
    let token = all(&first, "nextToken").remove(0);
    let second = done(&mut world, "DescribeInstances", &[("MaxResults", "1"), ("NextToken", &token)]);
    assert_eq!((all(&second, "reservationId").len(), all(&second, "nextToken").len()), (1, 0));
}

#[test]
fn what_cannot_be_launched_is_refused() {
    let one = ("MinCount", "1");
    let most = ("MaxCount", "1");
    let table: [Refused<'_>; 9] = [
        ("RunInstances", &[one, most], "MissingParameter"),
        ("RunInstances", &[("ImageId", OWN), one], "MissingParameter"),
        ("RunInstances", &[("ImageId", OWN), ("MinCount", "2"), most], "InvalidParameterValue"),
        ("RunInstances", &[("ImageId", HIDDEN), one, most], "InvalidAMIID.NotFound"),
        ("RunInstances", &[("ImageId", "ami-x"), one, most], "InvalidAMIID.Malformed"),
        ("RunInstances", &[("ImageId", "resolve:ssm:/no"), one, most], "InvalidParameterValue"),
        ("RunInstances", &[("ImageId", OWN), one, most, ("Monitoring.Enabled", "true")], "UnsupportedOperation"),
        ("TerminateInstances", &[("InstanceId.1", "i-00000000000000000")], "InvalidInstanceID.NotFound"),
        ("StopInstances", &[], "MissingParameter"),
    ];
    for (action, fields, code) in table {
        assert_eq!(refused(&mut world(), action, fields), code, "{action} {fields:?}");
    }
}
