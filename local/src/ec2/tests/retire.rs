//! The end of AMIs.

use super::*;

fn own(world: &mut World, fields: &[(&str, &str)]) -> String {
    done(world, "DescribeImages", &[&[("Owner.1", "self")], fields].concat())
}

#[test]
fn a_deprecation_is_rounded_bounded_and_cancelled() {
    let mut world = world();
    let at = |at| [("ImageId", OWN), ("DeprecateAt", at)];
    let table = [
        ("2026-03-01T10:00:29Z", "2026-03-01T10:00:00.000Z"),
        ("2026-03-01T10:00:30Z", "2026-03-01T10:01:00.000Z"),
        ("2036-01-01T00:00:00.000Z", "2036-01-01T00:00:00.000Z"),
    ];
    for (asked, kept) in table {
        done(&mut world, "EnableImageDeprecation", &at(asked));
        assert_eq!(all(&own(&mut world, &[]), "deprecationTime"), [kept]);
    }
    for asked in ["2025-12-31T00:00:00Z", "2036-01-04T00:00:00Z", "soon"] {
        assert_eq!(refused(&mut world, "EnableImageDeprecation", &at(asked)), "InvalidParameterValue", "{asked}");
    }
    done(&mut world, "DisableImageDeprecation", &[("ImageId", OWN)]);
    assert_eq!(all(&own(&mut world, &[]), "deprecationTime"), Vec::<String>::new());
    assert_eq!(refused(&mut world, "EnableImageDeprecation", &[("ImageId", OWN)]), "MissingParameter");
    let shared = [("ImageId", SHARED), ("DeprecateAt", "2026-03-01T10:00:00Z")];
    assert_eq!(refused(&mut world, "EnableImageDeprecation", &shared), "AuthFailure");
}

#[test]
fn a_public_image_is_deprecated_after_two_years_at_the_latest() {
    let mut world = world();
    let all_users = [("ImageId", OWN), ("LaunchPermission.Add.1.Group", "all")];
    done(&mut world, "ModifyImageAttribute", &all_users);
    assert_eq!(all(&own(&mut world, &[]), "deprecationTime"), ["2028-01-01T00:00:00.000Z"]);
    let later = [("ImageId", OWN), ("DeprecateAt", "2028-02-01T00:00:00Z")];
    assert_eq!(refused(&mut world, "EnableImageDeprecation", &later), "InvalidParameterValue");
    assert_eq!(refused(&mut world, "DisableImageDeprecation", &[("ImageId", OWN)]), "InvalidParameterValue");
}

#[test]
fn others_see_deprecated_images_only_when_they_ask() {
    let mut world = world();
    let at = "2026-01-03T00:00:00Z".parse().ok();
    for id in [OWN, SHARED] {
        let event = Event::Deprecate { region: "us-east-1".into(), image_id: id.into(), at };
        on(&mut world, event);
    }
    let seen = |world: &mut World, fields: &[(&str, &str)]| {
        let web = [("Filter.1.Name", "name"), ("Filter.1.Value.1", "web*")];
        all(&done(world, "DescribeImages", &[fields, &web].concat()), "imageId")
    };
    assert_eq!(seen(&mut world, &[]), [OWN, SHARED]);
    pass(&mut world, TimeDelta::days(2));
    assert_eq!(seen(&mut world, &[]), [OWN], "the owner's own are shown");
    assert_eq!(seen(&mut world, &[("IncludeDeprecated", "true")]), [OWN, SHARED]);
    assert_eq!(seen(&mut world, &[("ImageId.1", SHARED)]), [SHARED]);
}

#[test]
fn a_disabled_image_is_hidden_unshared_and_comes_back_alone() {
    let mut world = world();
    done(&mut world, "ModifyImageAttribute", &[("ImageId", OWN), ("LaunchPermission.Add.1.UserId", "111122223333")]);
    done(&mut world, "DisableImage", &[("ImageId", OWN)]);
    assert!(visible(&world, "111122223333", "us-east-1", OWN).is_none());
    assert_eq!(all(&own(&mut world, &[]), "imageId"), Vec::<String>::new());
    assert_eq!(all(&own(&mut world, &[("IncludeDisabled", "true")]), "imageState"), ["disabled"]);
    let share = [("ImageId", OWN), ("LaunchPermission.Add.1.UserId", "111122223333")];
    assert_eq!(refused(&mut world, "ModifyImageAttribute", &share), "InvalidAMIID.Unavailable");
    let run = [("ImageId", OWN), ("MinCount", "1"), ("MaxCount", "1")];
    assert_eq!(refused(&mut world, "RunInstances", &run), "InvalidAMIID.Unavailable");
    done(&mut world, "EnableImage", &[("ImageId", OWN)]);
    assert_eq!(all(&own(&mut world, &[]), "imageState"), ["available"]);
    assert!(visible(&world, "111122223333", "us-east-1", OWN).is_none());
    assert_eq!(refused(&mut world, "DisableImage", &[("ImageId", SHARED)]), "AuthFailure");
    assert_eq!(refused(&mut world, "EnableImage", &[("ImageId", HIDDEN)]), "InvalidAMIID.NotFound");
}

#[test]
fn protection_holds_a_day_longer_with_a_cooldown() {
    for (with_cooldown, word, at_once) in
        [("true", "enabled-with-cooldown", false), ("false", "enabled-without-cooldown", true)]
    {
        let mut world = world();
        let by_id = ("ImageId", OWN);
        done(&mut world, "EnableImageDeregistrationProtection", &[by_id, ("WithCooldown", with_cooldown)]);
        let attribute = [by_id, ("Attribute", "deregistrationProtection")];
        let body = done(&mut world, "DescribeImageAttribute", &attribute);
        assert_eq!(all(&body, "value"), [word]);
        assert_eq!(all(&own(&mut world, &[]), "deregistrationProtection"), [word]);
        assert_eq!(refused(&mut world, "DeregisterImage", &[by_id]), "OperationNotPermitted");
        on(&mut world, Event::Deregister { region: "us-east-1".into(), image_id: OWN.into(), snapshots: true });
        assert!(super::super::image(&world, "us-east-1", OWN).is_some());
        done(&mut world, "DisableImageDeregistrationProtection", &[by_id]);
        assert_eq!(protected(&world, "us-east-1", OWN), !at_once);
        if !at_once {
            assert_eq!(refused(&mut world, "DeregisterImage", &[by_id]), "OperationNotPermitted");
            pass(&mut world, TimeDelta::hours(24));
        }
        done(&mut world, "DeregisterImage", &[by_id]);
    }
}

#[test]
fn organizations_share_with_every_local_account() {
    let table = [
        ("LaunchPermission.Add.1.OrganizationArn", "arn:aws:organizations::123456789012:organization/o-a"),
        ("LaunchPermission.Add.1.OrganizationalUnitArn", "arn:aws:organizations::123456789012:ou/o-a/ou-1"),
    ];
    for permission in table {
        let mut world = world();
        done(&mut world, "ModifyImageAttribute", &[("ImageId", OWN), permission]);
        assert!(visible(&world, "111122223333", "us-east-1", OWN).is_some());
    }
}
