//! Rules of channels, commands, and what is shown.

use super::fixtures::*;
use crate::event::{Cause, Command, Wanted};
use crate::plan::{Action, Facts, Findings, Known, Parameter, Reason, Severity, Trouble, plan, show, to_scan, wanted};
use crate::settings::Settings;
use aws_sdk_ssm::primitives::DateTime;
use shared::image::{Image, Status};
use shared::plan::Outcome;
use shared::published::Published;

const HOME: &str = "us-east-1";
const AWAY: &str = "eu-west-1";

fn soaking() -> Settings {
    settings(&[("CHANNELS", r#"{"prod": {"promote": "auto", "soak": "PT24H", "maxSeverity": "MEDIUM"}}"#)])
}

/// What becomes of `prod` in each place, in words.
fn told(facts: &Facts, settings: &Settings) -> Vec<String> {
    let steps = plan(facts, settings).steps;
    let channels = steps.iter().filter_map(|step| {
        let (action, target) = match &step.action {
            Action::Promote(target) => ("promote", target),
            Action::HoldChannel(target) => ("hold", target),
            Action::ReleaseChannel(target) => ("release", target),
            Action::KeepChannel(target) => ("keep", target),
            _ => return None,
        };
        let failed = if step.outcome.is_failure() { ", failed" } else { "" };
        let build = target.build.as_ref().map_or("-".to_owned(), |build| n(build).to_string());
        Some(format!("{action} {build} in {}: {}{failed}", target.place.region, step.reason))
    });
    channels.collect()
}

/// Build 2 was published in hour 2, after build 1, which is on `prod`; now it is the hour `now`.
fn soaked(now: i64, change: impl FnOnce(&mut Image, &mut Vec<Published>)) -> Facts {
    let mut image = image(2, &[HOME]);
    let mut versions = vec![version(1, 1, &["v1.0.0-2", "prod"]), version(2, 2, &["v1.0.0-3", "announced"])];
    change(&mut image, &mut versions);
    let mut facts = facts(Cause::Sweep(vec![]), &[image], &[(HOME, versions)]);
    facts.now = Some(DateTime::from_secs(now * HOUR));
    facts.findings.insert(build(2), Findings::Read(vec![Severity::Low, Severity::Medium]));
    facts
}

#[test]
fn a_soak_ends_after_its_time_without_bad_findings_and_newer_builds() {
    let settings = soaking();
    let promoted = ["promote 2 in us-east-1: published for 1 d, and no newer build is"];
    assert_eq!(told(&soaked(26, |_, _| {}), &settings), promoted);
    let kept = |facts: Facts| {
        let told = told(&facts, &settings);
        assert_eq!(told.len(), 1, "{told:?}");
        told[0].strip_prefix("keep 2 in us-east-1: ").unwrap_or_else(|| panic!("{told:?}")).to_owned()
    };
    assert_eq!(kept(soaked(25, |_, _| {})), "published for 23 h of 1 d");
    assert_eq!(
        kept(soaked(99, |image, _| drop(image.tags.insert("goldsmith:blocked".to_owned(), "CVE-1".to_owned())))),
        "the build is tagged goldsmith:blocked: CVE-1"
    );
    assert_eq!(kept(soaked(99, |image, _| image.scan = None)), "the build's findings aren't known: it wasn't scanned");
    assert_eq!(
        kept(soaked(99, |image, _| image.scan = Some("FAILED".to_owned()))),
        "the build's findings aren't known: its scan is FAILED"
    );
    for (findings, why) in [
        (Findings::Read(vec![Severity::High, Severity::Low]), "the build has a finding of severity HIGH"),
        (Findings::Read(vec!["UNTRIAGED".into()]), "the build has a finding whose severity isn't known"),
        (Findings::Unread("throttled".to_owned()), "the build's findings aren't known: throttled"),
    ] {
        let mut facts = soaked(99, |_, _| {});
        facts.findings.insert(build(2), findings);
        assert_eq!(kept(facts), why);
    }
    let mut timeless = soaked(99, |_, _| {});
    timeless.now = None;
    assert_eq!(kept(timeless), "for how long the build is published isn't known");
    // Written again after somebody else wrote in between: it counts from then on.
    let again = soaked(27, |_, versions| versions.extend([hand_made(3, None), version(4, 2, &["v1.0.0-3"])]));
    assert_eq!(kept(again), "published for 23 h of 1 d");
    let held = soaked(99, |_, versions| versions[0].labels.extend(["prod-hold".to_owned()]));
    assert_eq!(kept(held), "held on version 1");
    let parameter = soaked(99, |_, versions| versions[1].labels.extend(["hold".to_owned()]));
    assert_eq!(kept(parameter), format!("held at {} by the label hold on version 2", build(2)));
}

#[test]
fn findings_are_asked_for_only_when_they_decide() {
    let asked = |facts: &Facts| !to_scan(facts, &soaking()).is_empty();
    let unread = |mut facts: Facts| {
        facts.findings.clear();
        facts
    };
    assert!(asked(&unread(soaked(26, |_, _| {}))));
    assert!(!asked(&unread(soaked(25, |_, _| {}))), "it still soaks");
    assert!(!asked(&unread(soaked(26, |image, _| image.scan = None))), "there are none");
    let there = soaked(26, |_, versions| {
        versions[0].labels.remove("prod");
        versions[1].labels.insert("prod".to_owned());
    });
    assert!(!asked(&unread(there)), "it is promoted");
}

#[test]
fn channels_that_follow_at_once_go_with_the_write_and_never_back() {
    let settings = settings(&[("CHANNELS", r#"{"prod": {"promote": "auto"}}"#)]);
    let after = |notified: u32, builds: &[u32], on: usize| {
        let mut versions = history(HOME, builds);
        versions[on].labels.insert("prod".to_owned());
        told(&facts(Cause::Build(build(notified)), &[image(notified, &[HOME])], &[(HOME, versions)]), &settings)
    };
    assert_eq!(after(3, &[2], 0), ["promote 3 in us-east-1: the channel follows each new build at once"]);
    assert_eq!(after(3, &[2, 3], 1), Vec::<String>::new());
    assert_eq!(after(2, &[2, 3], 1), Vec::<String>::new());
    let both = facts(
        Cause::Build(build(2)),
        &[image(2, &[HOME, AWAY])],
        &[(HOME, history(HOME, &[1])), (AWAY, history(AWAY, &[3]))],
    );
    let newer = format!("keep 2 in us-east-1: older than the published {}", build(3));
    assert_eq!(told(&both, &settings), [newer]);
}

/// In two places: `home` with build 1 to 3, `away` with what is given.
fn commanded(command: Command, home: &[&[&str]], away: &[&[&str]]) -> Facts {
    let versions = |region: &str, labels: &[&[&str]]| {
        let numbered = labels.iter().zip(1..);
        let versions = numbered.map(|(labels, n)| Published { value: ami(region, n), ..version(n.into(), n, labels) });
        versions.collect::<Vec<_>>()
    };
    let images: Vec<Image> = (1..=3).map(|n| image(n, &[HOME, AWAY])).collect();
    let parameters = [(HOME, versions(HOME, home)), (AWAY, versions(AWAY, away))];
    facts(Cause::Command(command), &images, &parameters)
}

fn promote(to: Wanted) -> Command {
    Command::Promote { family: "web".to_owned(), channel: "prod".to_owned(), to }
}

fn rollback(channel: Option<&str>, to: Option<Wanted>) -> Command {
    Command::Rollback { family: "web".to_owned(), channel: channel.map(str::to_owned), to }
}

#[test]
fn a_promotion_says_where_it_can_not_be() {
    let settings = settings(&[]);
    let labels: &[&[&str]] = &[&["prod"], &[], &[]];
    for (to, n) in [
        (Wanted::Latest, 3),
        (Wanted::Version("1.0.0".parse().unwrap()), 2),
        (Wanted::Build("1.0.0".parse().unwrap(), 2), 1),
        (Wanted::Arn(build(3)), 3),
    ] {
        let facts = commanded(promote(to.clone()), labels, &labels[..2]);
        let (promoted, carried) = (format!("promoted to {}", build(n)), n < 3);
        let away = match carried {
            true if n == 1 => "keep 1 in eu-west-1: already on version 1".to_owned(),
            true => format!("promote {n} in eu-west-1: {promoted}"),
            false => format!("keep 3 in eu-west-1: {} isn't published here, failed", build(3)),
        };
        let home = match n {
            1 => "keep 1 in us-east-1: already on version 1".to_owned(),
            n => format!("promote {n} in us-east-1: {promoted}"),
        };
        assert_eq!(told(&facts, &settings), [away, home], "{to:?}");
    }
    let refused = |change: fn(&mut Facts), to: Wanted| {
        let mut facts = commanded(promote(to), labels, labels);
        change(&mut facts);
        let plan = plan(&facts, &settings);
        assert!(plan.steps.is_empty(), "{plan:?}");
        plan.reason.unwrap().to_string()
    };
    let arn = "arn:aws:imagebuilder:us-east-1:123456789012:image/web/1.0.0/2";
    assert_eq!(
        refused(|_| {}, Wanted::Build("7.0.0".parse().unwrap(), 1)),
        "build 7.0.0/1 of web isn't published anywhere"
    );
    let deprecate: fn(&mut Facts) = |facts| {
        let mut image = image(1, &[HOME]);
        image.status = Status::Deprecated;
        facts.images.insert(build(1), Known::Is(Box::new(image)));
    };
    assert_eq!(refused(deprecate, Wanted::Arn(build(1))), format!("{arn} is DEPRECATED"));
    let block: fn(&mut Facts) = |facts| {
        let mut image = image(1, &[HOME]);
        image.tags.insert("goldsmith:blocked".to_owned(), "it doesn't boot".to_owned());
        facts.images.insert(build(1), Known::Is(Box::new(image)));
    };
    assert_eq!(refused(block, Wanted::Arn(build(1))), "the build is tagged goldsmith:blocked: it doesn't boot");
}

#[test]
fn what_could_not_be_read_fails_where_it_is() {
    let labels: &[&[&str]] = &[&["prod"], &[], &[]];
    let mut facts = commanded(promote(Wanted::Latest), labels, labels);
    let trouble = Trouble { error: "no answer".to_owned(), retryable: true };
    facts.parameters.insert(place(AWAY), Parameter::Unread(trouble.clone()));
    let steps = plan(&facts, &settings(&[])).steps;
    assert_eq!(steps[0].outcome, Outcome::Failed { error: "no answer".to_owned(), retryable: true });
    assert_eq!(steps[1].outcome, Outcome::Planned);
    facts.images.insert(build(3), Known::Unread(trouble));
    let steps = plan(&facts, &settings(&[])).steps;
    assert!(steps.iter().all(|step| step.outcome.is_failure()), "a build that nobody could read is nowhere promoted");
}

#[test]
fn a_channel_goes_back_to_where_it_was_in_all_places() {
    let settings = settings(&[]);
    let back = format!("rolled back to {}, where it was before", build(2));
    let done: &[&[&str]] = &[&[], &["prod-previous"], &["prod"]];
    // The last promotion didn't reach it, so that `prod-previous` tells of the one before.
    let missed: &[&[&str]] = &[&["prod-previous"], &["prod"]];
    let finished: &[&[&str]] = &[&[], &["prod-previous", "prod", "prod-hold"], &[]];
    let (home, away) = (format!("hold 2 in us-east-1: {back}"), format!("hold 2 in eu-west-1: {back}"));
    let rest = "keep 2 in eu-west-1: held on version 2".to_owned();
    for (other, expected) in [(done, &away), (missed, &away), (finished, &rest)] {
        let facts = commanded(rollback(Some("prod"), None), done, other);
        assert_eq!(told(&facts, &settings), [expected.clone(), home.clone()], "{other:?}");
    }
    let refused = |home, away| plan(&commanded(rollback(Some("prod"), None), home, away), &settings).reason;
    assert_eq!(refused(&[&["prod"]], &[&["prod"]]), Some(Reason::NothingBefore));
    let (one, other): (&[&[&str]], &[&[&str]]) =
        (&[&["prod-previous"], &[], &["prod"]], &[&[], &["prod-previous"], &["prod"]]);
    assert_eq!(refused(one, other), Some(Reason::Ambiguous(vec![build(1), build(2)])));
}

#[test]
fn a_rollback_goes_one_build_back_and_repeated_no_further() {
    let target = |home: &[&[&str]], away: &[&[&str]], to| {
        let facts = commanded(rollback(None, to), home, away);
        let plan = plan(&facts, &settings(&[]));
        plan.reason.map_or_else(|| plan.image.as_ref().map(n).ok_or_else(String::new), |reason| Err(reason.to_string()))
    };
    let plain: &[&[&str]] = &[&[], &[], &[]];
    assert_eq!(target(plain, plain, None), Ok(2));
    assert_eq!(target(&[&[], &["hold"], &[]], plain, None), Ok(2), "finishes what another place has");
    assert_eq!(target(&[&["hold"], &[], &[]], &[&[], &["hold"], &[]], None), Ok(1), "the one that went further");
    assert_eq!(target(&[&[], &[], &["hold"]], plain, None), Ok(2), "held at the newest is no rollback");
    assert_eq!(target(plain, plain, Some(Wanted::Build("1.0.0".parse().unwrap(), 2))), Ok(1));
    let nothing = "nothing was published before that could be rolled back to";
    assert_eq!(target(&[&[]], &[&[]], None), Err(nothing.to_owned()));
    let facts = commanded(rollback(None, None), &[&[], &[], &[]], &[&[], &["hold", "v1.0.0-3"]]);
    let steps: Vec<_> =
        plan(&facts, &settings(&[])).steps.into_iter().map(|step| (step.outcome, step.reason)).collect();
    assert!(matches!(steps[0], (Outcome::Planned | Outcome::Skipped { .. }, Reason::Held { version: 2, .. })));
    assert_eq!(steps[1], (Outcome::Planned, Reason::RolledBack(build(2))));
    assert!(wanted(&facts, &settings(&[])).is_empty(), "all is known");
}

#[test]
fn a_release_leaves_what_is_not_held() {
    let release =
        |channel: Option<&str>| Command::Release { family: "web".to_owned(), channel: channel.map(str::to_owned) };
    let settings = settings(&[]);
    let held: &[&[&str]] = &[&[], &["hold", "prod", "prod-hold"], &[]];
    let own: &[&[&str]] = &[&["v1.0.0-2"], &["v1.0.0-3"], &["v1.1.0-1"]];
    let told = told(&commanded(release(Some("prod")), held, own), &settings);
    assert_eq!(told, ["keep - in eu-west-1: not held", "release - in us-east-1: released"]);
    let steps = plan(&commanded(release(None), held, own), &settings).steps;
    let reasons: Vec<_> = steps.iter().map(|step| step.reason.to_string()).collect();
    assert_eq!(reasons, ["already published as version 3", "released"]);
}

#[test]
fn what_is_published_is_shown() {
    let show_it = Command::Show { family: "web".to_owned() };
    let mut facts = commanded(show_it, &[&["prod-previous"], &["prod", "prod-hold", "hold", "v1.0.0-3"]], &[]);
    let trouble = Trouble { error: "no answer".to_owned(), retryable: true };
    facts.parameters.insert(place(AWAY), Parameter::Unread(trouble));
    insta::assert_snapshot!(serde_json::to_string_pretty(&show(&facts, &settings(&[]))).unwrap());
}
