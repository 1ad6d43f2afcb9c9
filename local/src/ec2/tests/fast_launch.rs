//! Fast launch and license configurations.

use super::*;

const WINDOWS: &str = "ami-00000000000000009";

fn with_windows() -> World {
    let mut world = world();
    let mut windows = image(WINDOWS, "123456789012", "windows", &[("UserId", "111122223333")]);
    windows.windows = true;
    on(&mut world, Event::Register(Box::new(windows)));
    world
}

fn states(world: &mut World) -> Vec<String> {
    all(&done(world, "DescribeFastLaunchImages", &[]), "state")
}

#[test]
fn it_is_enabled_and_disabled_in_its_own_time() {
    let mut world = with_windows();
    let by_id = ("ImageId", WINDOWS);
    let asked = [by_id, ("MaxParallelLaunches", "6"), ("SnapshotConfiguration.TargetResourceCount", "2")];
    let enabling = done(&mut world, "EnableFastLaunch", &asked);
    insta::assert_snapshot!(inner(&enabling), @"<imageId>ami-00000000000000009</imageId><resourceType>snapshot</resourceType><snapshotConfiguration><targetResourceCount>2</targetResourceCount></snapshotConfiguration><maxParallelLaunches>6</maxParallelLaunches><ownerId>123456789012</ownerId><state>enabling</state><stateTransitionReason>Client.UserInitiated</stateTransitionReason><stateTransitionTime>2026-01-02T00:00:00.000Z</stateTransitionTime>");
    pass(&mut world, TimeDelta::hours(2));
    assert_eq!(states(&mut world), ["enabled"]);
    assert_eq!(all(&done(&mut world, "DisableFastLaunch", &[by_id]), "state"), ["disabling"]);
    pass(&mut world, TimeDelta::hours(2));
    assert_eq!(states(&mut world), Vec::<String>::new());
    assert_eq!(refused(&mut world, "DisableFastLaunch", &[by_id]), "InvalidRequest");
}

#[test]
fn what_it_cannot_be_enabled_for_is_refused() {
    let table: [(&[(&str, &str)], &str); 6] = [
        (&[("ImageId", OWN)], "InvalidParameter"),
        (&[("ImageId", HIDDEN)], "InvalidAMIID.NotFound"),
        (&[("ImageId", WINDOWS), ("MaxParallelLaunches", "5")], "InvalidParameterValue"),
        (&[("ImageId", WINDOWS), ("ResourceType", "volume")], "InvalidParameterValue"),
        (
            &[("ImageId", WINDOWS), ("LaunchTemplate.LaunchTemplateName", "no"), ("LaunchTemplate.Version", "1")],
            "InvalidLaunchTemplateName.NotFoundException",
        ),
        (&[("ImageId", WINDOWS), ("Colour", "red")], "UnsupportedOperation"),
    ];
    let mut world = with_windows();
    for (fields, code) in table {
        assert_eq!(refused(&mut world, "EnableFastLaunch", fields), code, "{fields:?}");
    }
}

#[test]
fn a_distribution_enables_it_for_windows_alone() {
    let mut world = with_windows();
    let post = |world: &mut World, image_id: &str, enabled: bool| {
        let event = Event::FastLaunch {
            account: "123456789012".into(),
            region: "us-east-1".into(),
            image_id: image_id.into(),
            enabled,
            max_parallel_launches: Some(7),
            snapshot_target: None,
            launch_template: Some(serde_json::json!({"launchTemplateId": "lt-1", "launchTemplateVersion": "2"})),
        };
        on(world, event);
    };
    post(&mut world, OWN, true);
    assert_eq!(states(&mut world), Vec::<String>::new());
    post(&mut world, WINDOWS, true);
    assert_eq!(states(&mut world), ["enabling"]);
    let shown = done(&mut world, "DescribeFastLaunchImages", &[]);
    assert_eq!((all(&shown, "version"), all(&shown, "maxParallelLaunches")), (vec!["2".into()], vec!["7".into()]));
    // What was disabled meanwhile isn't enabled by the end of the first change.
    pass(&mut world, TimeDelta::minutes(1));
    post(&mut world, WINDOWS, false);
    pass(&mut world, TimeDelta::hours(2));
    assert_eq!(states(&mut world), Vec::<String>::new());
}

#[test]
fn license_configurations_add_up_and_go_with_the_image() {
    let mut world = world();
    for arns in [["b", "a"], ["a", "c"]] {
        let arns = arns.map(str::to_owned).to_vec();
        on(&mut world, Event::Licences { region: "us-east-1".into(), image_id: OWN.into(), arns });
    }
    assert_eq!(licences(&world, "us-east-1", OWN), ["a", "b", "c"]);
    done(&mut world, "DeregisterImage", &[("ImageId", OWN)]);
    assert!(licences(&world, "us-east-1", OWN).is_empty());
}

#[test]
fn the_store_survives_json() {
    let mut world = with_windows();
    done(&mut world, "EnableFastLaunch", &[("ImageId", WINDOWS)]);
    done(&mut world, "EnableImageDeregistrationProtection", &[("ImageId", OWN), ("WithCooldown", "true")]);
    done(&mut world, "RunInstances", &[("ImageId", OWN), ("MinCount", "1"), ("MaxCount", "1"), ("ClientToken", "t")]);
    done(&mut world, "CreateLaunchTemplate", &[("LaunchTemplateName", "web"), ("LaunchTemplateData.ImageId", OWN)]);
    let text = serde_json::to_string(&world.ec2).unwrap();
    let read: Store = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), text);
    assert_eq!(read.images, world.ec2.images);
}
