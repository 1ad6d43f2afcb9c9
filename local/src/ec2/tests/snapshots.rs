//! Snapshots by themselves.

use super::*;

#[test]
fn a_snapshot_stays_when_its_image_goes_and_can_be_deleted_then() {
    let mut world = world();
    let body = done(&mut world, "DescribeSnapshots", &[("Owner.1", "self")]);
    insta::assert_snapshot!(inner(&body), @"<snapshotSet><item><snapshotId>snap-00000000000000001</snapshotId><volumeId>vol-468ff0c1b8f942efc</volumeId><status>completed</status><startTime>2026-01-01T00:00:00.000Z</startTime><progress>100%</progress><ownerId>123456789012</ownerId><volumeSize>8</volumeSize><description>Created by CreateImage for ami-00000000000000001</description><encrypted>false</encrypted><storageTier>standard</storageTier><fullSnapshotSizeInBytes>3779067904</fullSnapshotSizeInBytes></item></snapshotSet>");
    assert_eq!(refused(&mut world, "DeleteSnapshot", &[("SnapshotId", SNAPSHOT)]), "InvalidSnapshot.InUse");
    done(&mut world, "DeregisterImage", &[("ImageId", OWN)]);
    assert!(snapshot(&world, "us-east-1", SNAPSHOT).is_some());
    done(&mut world, "DeleteSnapshot", &[("SnapshotId", SNAPSHOT)]);
    assert_eq!(refused(&mut world, "DescribeSnapshots", &[("SnapshotId.1", SNAPSHOT)]), "InvalidSnapshot.NotFound");
    assert_eq!(refused(&mut world, "DeleteSnapshot", &[("SnapshotId", SNAPSHOT)]), "InvalidSnapshot.NotFound");
}

#[test]
fn a_snapshot_that_two_images_use_goes_with_the_second() {
    let mut world = world();
    let body = done(
        &mut world,
        "RegisterImage",
        &[
            ("Name", "twin"),
            ("RootDeviceName", "/dev/xvda"),
            ("BlockDeviceMapping.1.DeviceName", "/dev/xvda"),
            ("BlockDeviceMapping.1.Ebs.SnapshotId", SNAPSHOT),
        ],
    );
    let twin = all(&body, "imageId").remove(0);
    let deregister = |world: &mut World, id: &str| {
        let body = done(world, "DeregisterImage", &[("ImageId", id), ("DeleteAssociatedSnapshots", "true")]);
        inner(&body).to_owned()
    };
    insta::assert_snapshot!(deregister(&mut world, OWN), @"<return>true</return><deleteSnapshotResultSet><item><snapshotId>snap-00000000000000001</snapshotId><returnCode>skipped</returnCode></item></deleteSnapshotResultSet>");
    insta::assert_snapshot!(deregister(&mut world, &twin), @"<return>true</return><deleteSnapshotResultSet><item><snapshotId>snap-00000000000000001</snapshotId><returnCode>success</returnCode></item></deleteSnapshotResultSet>");
    assert!(snapshot(&world, "us-east-1", SNAPSHOT).is_none());
}

#[test]
fn what_image_builder_deregisters_keeps_or_takes_its_snapshots() {
    for (snapshots, stays) in [(false, true), (true, false)] {
        let mut world = world();
        let event = Event::Deregister { region: "us-east-1".into(), image_id: OWN.into(), snapshots };
        on(&mut world, event);
        assert!(super::super::image(&world, "us-east-1", OWN).is_none());
        assert_eq!(snapshot(&world, "us-east-1", SNAPSHOT).is_some(), stays);
    }
}

#[test]
fn image_builder_marks_its_snapshots_and_a_copy_gets_what_the_call_says() {
    let mut world = world();
    let mut built = image("ami-00000000000000005", "123456789012", "built", &[]);
    built.tags.insert("CreatedBy".into(), "EC2 Image Builder".into());
    built.tags.insert("Ec2ImageBuilderArn".into(), "arn:built".into());
    on(&mut world, Event::Register(Box::new(built)));
    let marked = "snap-00000000000000005";
    let keys = |world: &World| -> Vec<String> {
        snapshot(world, "us-east-1", marked).unwrap().tags().keys().cloned().collect()
    };
    assert_eq!(keys(&world), ["CreatedBy", "Ec2ImageBuilderArn"]);
    let tag = [("ResourceId.1", marked), ("Tag.1.Key", "CreatedBy")];
    done(&mut world, "DeleteTags", &tag);
    assert_eq!(keys(&world), ["Ec2ImageBuilderArn"]);
    done(
        &mut world,
        "CopyImage",
        &[
            ("SourceRegion", "us-east-1"),
            ("SourceImageId", OWN),
            ("Name", "copy"),
            ("TagSpecification.1.ResourceType", "snapshot"),
            ("TagSpecification.1.Tag.1.Key", "team"),
            ("TagSpecification.1.Tag.1.Value", "web"),
        ],
    );
    let body = done(&mut world, "DescribeSnapshots", &[("Filter.1.Name", "tag:team"), ("Filter.1.Value.1", "web")]);
    assert_eq!(all(&body, "volumeId"), ["vol-ffffffff"]);
    assert!(all(&body, "description")[0].contains(OWN), "{body}");
    done(
        &mut world,
        "CreateTags",
        &[("ResourceId.1", SNAPSHOT), ("ResourceId.2", OWN), ("Tag.1.Key", "stage"), ("Tag.1.Value", "prod")],
    );
    let body = done(&mut world, "DescribeTags", &[("Filter.1.Name", "key"), ("Filter.1.Value.1", "stage")]);
    assert_eq!(all(&body, "resourceType"), ["image", "snapshot"]);
}

#[test]
fn snapshots_are_listed_by_page_and_by_owner() {
    let mut world = world();
    on(&mut world, Event::Register(Box::new(image("ami-00000000000000005", "123456789012", "other", &[]))));
    let ids = |world: &mut World, fields: &[(&str, &str)]| all(&done(world, "DescribeSnapshots", fields), "snapshotId");
    let second = "snap-00000000000000005";
    assert_eq!(ids(&mut world, &[]), [SNAPSHOT, second]);
    assert_eq!(ids(&mut world, &[("SnapshotId.1", second)]), [second]);
    assert_eq!(ids(&mut world, &[("Owner.1", "amazon")]), Vec::<String>::new());
    assert_eq!(ids(&mut world, &[("Filter.1.Name", "volume-size"), ("Filter.1.Value.1", "9")]), Vec::<String>::new());
    let first = done(&mut world, "DescribeSnapshots", &[("MaxResults", "1")]);
    assert_eq!((all(&first, "snapshotId"), all(&first, "nextToken")), (vec![SNAPSHOT.into()], vec![SNAPSHOT.into()]));
    assert_eq!(ids(&mut world, &[("MaxResults", "1"), ("NextToken", SNAPSHOT)]), [second]);
    let table: [(&[(&str, &str)], &str); 4] = [
        (&[("SnapshotId.1", "snap-x")], "InvalidSnapshotID.Malformed"),
        (&[("SnapshotId.1", "snap-00000000000000002")], "InvalidSnapshot.NotFound"),
        (&[("SnapshotId.1", second), ("MaxResults", "5")], "InvalidParameterCombination"),
        (&[("RestorableBy.1", "all")], "UnsupportedOperation"),
    ];
    for (fields, code) in table {
        assert_eq!(refused(&mut world, "DescribeSnapshots", fields), code, "{fields:?}");
    }
}
