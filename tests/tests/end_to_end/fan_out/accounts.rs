//! Other accounts: AMIs that are copied there, AMIs that are only shared, and roles that don't let the function in.

use super::*;
use crate::harness::{build, invocations};

#[tokio::test]
async fn a_build_is_published_in_three_accounts_and_two_regions() {
    let running = three_accounts(21, &[]).await;
    let local = &running.local;
    let (first, _) = build(local, "web").await;
    for place in places() {
        let versions = history(local, place, "web");
        assert_eq!(versions.len(), 1, "{place:?}: {versions:?}");
        let version = &versions[0];
        assert_eq!(
            (version.value.as_str(), version.build.as_str()),
            (ami(local, &first, place).as_str(), first.as_str())
        );
        assert_eq!(version.data_type, "aws:ec2:image");
        assert!(version.labels.contains(&"v1.0.0-1".to_owned()), "{place:?}: {version:?}");
    }
    assert_eq!(announcements(local), (1, 1));

    // In the other accounts everything is done with the role, in sessions named after the function.
    let callers = |local: &Local| {
        let world = local.world();
        let puts = world.journal.calls().iter().filter(|call| call.operation == "PutParameter");
        puts.map(|call| call.caller.arn()).collect::<Vec<_>>()
    };
    for account in OTHERS {
        let session = format!("arn:aws:sts::{account}:assumed-role/{ROLE}/fan-out-amis");
        assert_eq!(callers(local).iter().filter(|caller| **caller == session).count(), 2, "{:?}", callers(local));
    }
    assert_eq!(calls(local, "AssumeRole"), 2);

    let (second, _) = build(local, "web").await;
    assert!(stands_everywhere(local, None, &second));
    assert_eq!(calls(local, "AssumeRole"), 2, "a warm function keeps its credentials");
    running.local.shut_down().await;
}

#[tokio::test]
async fn an_account_without_the_role_fails_alone_and_is_published_by_the_sweep_once_it_has_one() {
    let running = lonely(22, &[]).await;
    let local = &running.local;
    add_role(local, OTHERS[0], &[]).await;
    let (first, _) = build(local, "web").await;
    for place in places() {
        let expected = if place.1 == OTHERS[1] { "" } else { &first };
        assert_eq!(newest(local, place, "web"), expected, "{place:?}");
    }
    assert_eq!(announcements(local), (0, 0), "it doesn't stand everywhere");
    let record = invocations(local, "fan-out-amis").pop().unwrap();
    let told = &record.ending.payload;
    assert!(
        record.ending.function_error.is_some() && told.contains(OTHERS[1]) && told.contains("AccessDenied"),
        "{told}"
    );
    assert!(!told.contains(&format!("{}: failed", OTHERS[0])), "{told}");

    add_role(local, OTHERS[1], &[]).await;
    done(local, sweep(local)).await;
    assert!(stands_everywhere(local, None, &first));
    assert_eq!(announcements(local), (1, 1));
    running.local.shut_down().await;
}

#[tokio::test]
async fn a_role_that_asks_for_an_external_id_lets_in_only_who_has_it() {
    for (own, theirs, enters) in
        [("agreed-1", "agreed-1", true), ("agreed-1", "agreed-2", false), ("", "agreed-1", false)]
    {
        let running = lonely(23, &[("TargetRoleExternalId", own)]).await;
        let local = &running.local;
        for account in OTHERS {
            add_role(local, account, &[("ExternalId", theirs)]).await;
        }
        let (first, _) = build(local, "web").await;
        for place in places() {
            let expected = if enters || place.1 == DEFAULT_ACCOUNT { first.as_str() } else { "" };
            assert_eq!(newest(local, place, "web"), expected, "{own} {theirs} {place:?}");
        }
        running.local.shut_down().await;
    }
}

#[tokio::test]
async fn a_role_that_trusts_another_function_does_not_let_this_one_in() {
    let running = lonely(24, &[]).await;
    let local = &running.local;
    for account in OTHERS {
        add_role(local, account, &[("FunctionRoleName", "goldsmith-StartPipelinesRole-*")]).await;
    }
    build(local, "web").await;
    assert!(places().all(|place| newest(local, place, "web").is_empty() == (place.1 != DEFAULT_ACCOUNT)));
    running.local.shut_down().await;
}

#[tokio::test]
async fn an_ami_that_is_only_shared_is_published_where_the_setting_says_and_it_is_shared() {
    let targets = json!([{"accounts": OTHERS, "regions": REGIONS, "families": ["le*"]}]).to_string();
    let running = three_accounts(25, &[("ShareTargets", &targets)]).await;
    let local = &running.local;
    let (arn, _) = build(local, "lent").await;
    let here = |place| history(local, place, "lent").pop().map(|version| (version.value, version.build));
    let own = (ami(local, &arn, (DEFAULT_REGION, DEFAULT_ACCOUNT)), arn.clone());
    assert_eq!(here((DEFAULT_REGION, DEFAULT_ACCOUNT)), Some(own.clone()));
    assert_eq!(here((DEFAULT_REGION, OTHERS[0])), Some(own), "the very AMI that is shared");
    for place in [(REGIONS[1], OTHERS[0]), (DEFAULT_REGION, OTHERS[1]), (REGIONS[1], OTHERS[1])] {
        assert_eq!(here(place), None, "{place:?}: it isn't shared there");
    }
    assert_eq!(announcements(local), (1, 1));
    running.local.shut_down().await;
}
