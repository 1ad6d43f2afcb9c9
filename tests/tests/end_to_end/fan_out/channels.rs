//! Channels: moved by commands, at once, or after a soak.

use super::*;
use crate::harness::build;

const HOURLY: (&str, &str) = ("PublishSweepSchedule", "rate(1 hour)");

/// Channels of all kinds, and a sweep every hour.
async fn with_rules(seed: u64) -> Running {
    let rules = json!({
        "dev": {"promote": "auto"},
        "staging": {"promote": "auto", "soak": "PT24H", "maxSeverity": "HIGH"},
        "prod": {"promote": "manual"},
    });
    three_accounts(seed, &[("Channels", &rules.to_string()), HOURLY]).await
}

/// How many findings of a build keep it from `staging`: critical ones, and those that nobody has looked into.
fn severe(local: &Local, build: &str) -> usize {
    let (mut severe, mut next) = (0, Value::Null);
    loop {
        let mut input = json!({"filters": [{"name": "imageBuildVersionArn", "values": [build]}]});
        if next.is_string() {
            input["nextToken"] = next;
        }
        let (world, operation) = (&mut local.world(), "ListImageScanFindings");
        let answer = call_in(world, DEFAULT_ACCOUNT, DEFAULT_REGION, "imagebuilder", operation, input).unwrap();
        let found = answer["findings"].as_array().unwrap();
        severe += found.iter().filter(|one| one["severity"] == "CRITICAL" || one["severity"] == "UNTRIAGED").count();
        next = answer["nextToken"].clone();
        if next.is_null() {
            return severe;
        }
    }
}

#[tokio::test]
async fn an_auto_channel_is_promoted_at_once_and_a_soaked_one_after_its_time() {
    let running = with_rules(101).await;
    let local = &running.local;
    let (first, _) = build(local, "web").await;
    assert_eq!(severe(local, &first), 0, "or the seed has to be another one");
    assert!(stands_everywhere(local, Some("dev"), &first));
    hours(local, 22).await;
    assert!(places().all(|place| labelled(local, place, "web", "staging").is_none()), "it soaks still");
    hours(local, 4).await;
    assert!(stands_everywhere(local, Some("staging"), &first));
    assert!(places().all(|place| labelled(local, place, "web", "prod").is_none()), "prod is moved by people");
    assert_eq!(announcements(local), (1, 1), "a promotion is no new build");

    let (second, _) = build(local, "web").await;
    assert!(stands_everywhere(local, Some("dev"), &second) && stands_everywhere(local, Some("staging"), &first));
    hours(local, 26).await;
    assert!(stands_everywhere(local, Some("staging"), &second));
    assert!(stands_everywhere(local, Some("staging-previous"), &first));
    running.local.shut_down().await;
}

#[tokio::test]
async fn a_build_is_not_promoted_after_its_soak_when_a_newer_one_came() {
    let running = with_rules(102).await;
    let local = &running.local;
    let (first, _) = build(local, "web").await;
    hours(local, 12).await;
    let (second, _) = build(local, "web").await;
    hours(local, 16).await;
    assert!(places().all(|place| labelled(local, place, "web", "staging").is_none()), "{first}'s day is over");
    hours(local, 10).await;
    assert!(stands_everywhere(local, Some("staging"), &second));
    running.local.shut_down().await;
}

#[tokio::test]
async fn a_finding_above_the_severity_keeps_a_build_from_the_channel_as_long_as_it_is_there() {
    let running = with_rules(104).await;
    let local = &running.local;
    // It comes in the twentieth hour of the soak.
    let finding =
        json!({"fault": "finding", "severity": "CRITICAL", "seconds": 20 * 3600, "match": {"pipeline": "web"}});
    set_faults(local, json!([finding]));
    let (arn, _) = build(local, "web").await;
    assert_eq!(severe(local, &arn), 0, "or the seed has to be another one");
    hours(local, 30).await;
    assert_eq!(severe(local, &arn), 1);
    assert!(places().all(|place| labelled(local, place, "web", "staging").is_none()));
    assert!(stands_everywhere(local, Some("dev"), &arn), "dev asks for no findings");
    set_faults(local, json!([]));
    hours(local, 2).await;
    assert!(stands_everywhere(local, Some("staging"), &arn));
    running.local.shut_down().await;
}

#[tokio::test]
async fn a_finding_below_the_severity_and_a_lack_of_a_scan_are_told_apart() {
    let rules = json!({"staging": {"promote": "auto", "soak": "PT2H", "maxSeverity": "CRITICAL"}}).to_string();
    let running = three_accounts(106, &[("Channels", &rules), HOURLY]).await;
    let local = &running.local;
    set_faults(local, json!([{"fault": "finding", "severity": "CRITICAL", "match": {"pipeline": "web"}}]));
    let (arn, _) = build(local, "web").await;
    // `lent` isn't scanned: what isn't known counts as the worst.
    build(local, "lent").await;
    hours(local, 4).await;
    assert!(stands_everywhere(local, Some("staging"), &arn));
    assert_eq!(labelled(local, (DEFAULT_REGION, DEFAULT_ACCOUNT), "lent", "staging"), None);
    running.local.shut_down().await;
}

#[tokio::test]
async fn a_build_with_the_tag_that_blocks_it_is_promoted_by_no_rule() {
    let running = with_rules(95).await;
    let local = &running.local;
    let (first, _) = build(local, "web").await;
    let tags = json!({"resourceArn": first, "tags": {shared::tags::BLOCKED: "fails on large disks"}});
    call_in(&mut local.world(), DEFAULT_ACCOUNT, DEFAULT_REGION, "imagebuilder", "TagResource", tags).unwrap();
    hours(local, 30).await;
    assert!(places().all(|place| labelled(local, place, "web", "staging").is_none()));
    let ending = invoke(local, json!({"promote": {"family": "web", "channel": "prod", "to": "latest"}})).await;
    assert!(ending.payload.contains("fails on large disks"), "{}", ending.payload);
    assert!(places().all(|place| labelled(local, place, "web", "prod").is_none()));
    running.local.shut_down().await;
}

#[tokio::test]
async fn a_manual_channel_is_moved_by_commands_alone() {
    let running = with_rules(96).await;
    let local = &running.local;
    let (first, _) = build(local, "web").await;
    let (second, _) = build(local, "web").await;
    for (to, expected) in [
        (json!({"build": "1.0.0/1"}), &first),
        (json!({"to": "latest"}), &second),
        (json!({"build": first}), &first),
        (json!({"version": "1.0.0"}), &second),
    ] {
        let mut command = json!({"family": "web", "channel": "prod"});
        command.as_object_mut().unwrap().extend(to.as_object().unwrap().clone());
        done(local, json!({"promote": command})).await;
        assert!(stands_everywhere(local, Some("prod"), expected), "{to}");
        hours(local, 2).await;
        assert!(stands_everywhere(local, Some("prod"), expected), "no rule moves it: {to}");
    }
    let shown = done(local, json!({"show": {"family": "web"}})).await;
    for part in ["prod", "dev", "1.0.0/1", OTHERS[0], OTHERS[1], REGIONS[1]] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(places().all(|place| history(local, place, "web").len() == 2), "labels make no versions");
    running.local.shut_down().await;
}

#[tokio::test]
async fn a_promotion_that_did_not_reach_every_place_is_visible_and_repeating_it_finishes_it() {
    let running = three_accounts(97, &[]).await;
    let local = &running.local;
    let (first, _) = build(local, "web").await;
    done(local, json!({"promote": {"family": "web", "channel": "prod", "to": "latest"}})).await;
    let (second, _) = build(local, "web").await;
    let out = (REGIONS[1], OTHERS[1]);
    set_faults(
        local,
        json!([{"fault": "error", "status": 503,
        "match": {"service": "ssm", "operation": "LabelParameterVersion", "region": out.0, "account": out.1}}]),
    );
    let promote = json!({"promote": {"family": "web", "channel": "prod", "to": "latest"}});
    let told = undone(local, promote.clone()).await;
    assert!(told.contains(out.0) && told.contains(out.1), "{told}");
    for place in places() {
        let expected = if place == out { &first } else { &second };
        assert_eq!(labelled(local, place, "web", "prod").as_ref(), Some(expected), "{place:?}");
    }
    set_faults(local, json!([]));
    done(local, promote.clone()).await;
    assert!(stands_everywhere(local, Some("prod"), &second));
    let before: Vec<_> = places().map(|place| history(local, place, "web")).collect();
    done(local, promote).await;
    assert_eq!(places().map(|place| history(local, place, "web")).collect::<Vec<_>>(), before, "it is done already");
    running.local.shut_down().await;
}

#[tokio::test]
async fn too_many_updates_are_tried_again() {
    let running = three_accounts(98, &[]).await;
    let local = &running.local;
    set_faults(
        local,
        json!([
            {"fault": "throttle", "code": "TooManyUpdates", "times": 2, "match": {"service": "ssm", "operation": "PutParameter"}},
            {"fault": "throttle", "code": "TooManyUpdates", "times": 2,
                "match": {"service": "ssm", "operation": "LabelParameterVersion"}},
        ]),
    );
    let (arn, _) = build(local, "web").await;
    assert!(stands_everywhere(local, None, &arn));
    assert_eq!(announcements(local), (1, 1));
    running.local.shut_down().await;
}

#[tokio::test]
async fn a_launch_template_that_names_a_channel_launches_the_channels_ami() {
    let running = three_accounts(99, &[]).await;
    let local = &running.local;
    let (first, _) = build(local, "web").await;
    done(local, json!({"promote": {"family": "web", "channel": "prod", "to": "latest"}})).await;
    let (second, _) = build(local, "web").await;
    let ec2 = |(region, account): (&str, &str), operation: &str, input: Value| {
        call_in(&mut local.world(), account, region, "ec2", operation, input).unwrap()
    };
    for place in places() {
        for (name, expected) in [("web:prod", &first), ("web", &second), ("web:v1.0.0-2", &second), ("web:1", &first)] {
            let image = format!("resolve:ssm:/golden-images/{name}");
            let template =
                json!({"LaunchTemplateName": name.replace(':', "_"), "LaunchTemplateData": {"ImageId": image}});
            let made = ec2(place, "CreateLaunchTemplate", template)["launchTemplate"]["launchTemplateId"].clone();
            let versions = |resolve: &str| {
                let input = json!({"LaunchTemplateId": made, "ResolveAlias": resolve});
                let answer = ec2(place, "DescribeLaunchTemplateVersions", input);
                answer["launchTemplateVersionSet"][0]["launchTemplateData"]["imageId"].clone()
            };
            let ami = ami(local, expected, place);
            assert_eq!((versions("false"), versions("true")), (json!(image), json!(ami)), "{place:?} {name}");
            let input = json!({"LaunchTemplate": {"LaunchTemplateId": made}, "MinCount": "1", "MaxCount": "1"});
            assert_eq!(ec2(place, "RunInstances", input)["instancesSet"][0]["imageId"], json!(ami), "{place:?} {name}");
        }
    }
    // The channel moves, and what is launched next follows.
    done(local, json!({"promote": {"family": "web", "channel": "prod", "to": "latest"}})).await;
    for place in places() {
        let input = json!({"LaunchTemplate": {"LaunchTemplateName": "web_prod"}, "MinCount": "1", "MaxCount": "1"});
        let launched = ec2(place, "RunInstances", input)["instancesSet"][0]["imageId"].clone();
        assert_eq!(launched, json!(ami(local, &second, place)), "{place:?}");
    }
    running.local.shut_down().await;
}
