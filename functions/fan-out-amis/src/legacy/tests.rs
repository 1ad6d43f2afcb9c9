use super::*;
use proptest::prelude::*;
use shared::settings::Environment;

const ACCOUNT: &str = "123456789012";

fn build(n: u32) -> ImageBuildArn {
    format!("arn:aws:imagebuilder:us-east-1:{ACCOUNT}:image/web/1.0.{}/{}", n / 3, n % 3 + 1).parse().unwrap()
}

fn ami(region: &str, n: u32) -> Ami {
    Ami { region: region.to_owned(), account: ACCOUNT.to_owned(), id: format!("ami-{region}-{n}") }
}

fn image(n: u32, regions: &[&str]) -> Image {
    Image {
        arn: build(n),
        kind: Kind::Ami,
        status: Status::Available,
        reason: None,
        platform: Some("Linux".to_owned()),
        pipeline_arn: Some(format!("arn:aws:imagebuilder:us-east-1:{ACCOUNT}:image-pipeline/web")),
        amis: regions.iter().map(|region| ami(region, n)).collect(),
        containers: vec![],
        permissions: BTreeMap::new(),
        tags: BTreeMap::new(),
        scan: None,
    }
}

fn settings() -> Settings {
    let topic = ("PUBLISHED_IMAGES_TOPIC_ARN".to_owned(), format!("arn:aws:sns:us-east-1:{ACCOUNT}:published"));
    Settings::from_environment(Environment::from_iter([topic])).unwrap()
}

fn published(version: i64, n: u32) -> Published {
    Published { version, build: Some(build(n)), ami: format!("ami-{n}"), announced: false }
}

fn history(builds: &[u32]) -> Vec<Published> {
    builds.iter().zip(1..).map(|(n, version)| published(version, *n)).collect()
}

fn facts(image: Image, histories: &[(&str, Vec<Published>)]) -> Facts {
    let histories = histories.iter().map(|(region, history)| ((*region).to_owned(), history.clone()));
    Facts { image, histories: histories.collect(), unread: BTreeMap::new() }
}

#[test]
fn one_region_is_decided_by_the_newest_build_and_the_last() {
    let write = |n, reason| (Some(n), reason);
    for (asked, builds, expected) in [
        (4, vec![], write(4, Reason::First)),
        (4, vec![3], write(4, Reason::Newer(build(3)))),
        (4, vec![1, 3, 2], write(4, Reason::Newer(build(3)))),
        (4, vec![4], (None, Reason::Published(1))),
        (4, vec![4, 3, 4], (None, Reason::Published(3))),
        (4, vec![4, 5], (None, Reason::Older(build(5)))),
        (4, vec![5], (None, Reason::Older(build(5)))),
        (4, vec![4, 3], write(4, Reason::Buried(build(3)))),
        (4, vec![5, 4], write(5, Reason::Buried(build(4)))),
    ] {
        let history = history(&builds);
        let own = build(asked);
        let wanted = format!("ami-{asked}");
        let decided = match decide(&own, &wanted, &history) {
            Verdict::Write { build: written, ami, reason } => {
                let n = (0..9).find(|n| build(*n) == *written).unwrap();
                assert_eq!(ami, format!("ami-{n}"));
                (Some(n), reason)
            }
            Verdict::Stands(version) => (None, Reason::Published(version)),
            Verdict::Older(newest) => (None, Reason::Older(newest.clone())),
        };
        assert_eq!(decided, expected, "{asked} after {builds:?}");
    }
}

#[test]
fn a_region_that_could_not_be_read_fails_and_the_others_are_written() {
    let mut facts = facts(image(4, &["eu-west-1", "us-east-1"]), &[("us-east-1", history(&[3]))]);
    let error = "GetParameterHistory of /golden-images/web in eu-west-1: AccessDeniedException".to_owned();
    facts.unread.insert("eu-west-1".to_owned(), Unread { error: error.clone(), retryable: false });
    let plan = plan(&facts, &settings());
    assert_eq!(plan.steps.len(), 2, "nothing is announced: {plan:#?}");
    assert_eq!(plan.steps[0].reason, Reason::Unread);
    assert_eq!(plan.steps[0].outcome, Outcome::Failed { error, retryable: false });
    assert!(matches!(&plan.steps[1].action, Action::Write(target) if target.place.region == "us-east-1"));
    assert_eq!(owed(&facts, &settings()), None);
}

#[test]
fn what_others_wrote_does_not_count() {
    let mut history = history(&[4, 9, 9]);
    history[1].build = None;
    history[2].build = Some("arn:aws:imagebuilder:us-east-1:123456789012:image/worker/9.0.0/1".parse().unwrap());
    assert_eq!(decide(&build(4), "ami-4", &history), Verdict::Stands(1));
}

#[test]
fn builds_that_have_nothing_to_publish_say_why() {
    let with = |change: fn(&mut Image)| {
        let mut image = image(1, &["us-east-1"]);
        change(&mut image);
        let plan = plan(&facts(image, &[]), &settings());
        assert!(plan.steps.is_empty());
        plan.reason.unwrap().to_string()
    };
    assert_eq!(with(|image| image.status = Status::Building), "the image is BUILDING");
    assert_eq!(
        with(|image| (image.status, image.reason) = (Status::Failed, Some("no space".to_owned()))),
        "the image is FAILED: no space"
    );
    assert_eq!(with(|image| image.status = Status::Other("NEW".to_owned())), "the image is NEW");
    assert_eq!(with(|image| image.kind = Kind::Docker), "a container image has no AMIs");
}

#[test]
fn the_plan_of_a_first_build_as_it_is_answered() {
    let mut image = image(0, &["us-east-1"]);
    image.amis.push(Ami { account: "111122223333".to_owned(), ..ami("eu-west-1", 0) });
    let plan = plan(&facts(image, &[]), &settings());
    insta::assert_snapshot!(serde_json::to_string_pretty(&plan).unwrap(), @r#"
    {
      "image": "arn:aws:imagebuilder:us-east-1:123456789012:image/web/1.0.0/1",
      "steps": [
        {
          "action": "write",
          "region": "us-east-1",
          "account": "123456789012",
          "ami": "ami-us-east-1-0",
          "parameter": "/golden-images/web",
          "build": "arn:aws:imagebuilder:us-east-1:123456789012:image/web/1.0.0/1",
          "reason": "no build of the family is published here",
          "outcome": "planned"
        },
        {
          "action": "keep",
          "region": "eu-west-1",
          "account": "111122223333",
          "ami": "ami-eu-west-1-0",
          "parameter": "/golden-images/web",
          "build": "arn:aws:imagebuilder:us-east-1:123456789012:image/web/1.0.0/1",
          "reason": "in account 111122223333",
          "outcome": "skipped"
        },
        {
          "action": "announce",
          "topic": "arn:aws:sns:us-east-1:123456789012:published",
          "reason": "every Region carries the build, and it wasn't announced yet",
          "outcome": "planned"
        }
      ]
    }
    "#);
}

#[test]
fn the_announcement_as_it_is_published() {
    let facts = facts(
        image(4, &["eu-west-1", "us-east-1"]),
        &[("eu-west-1", history(&[4])), ("us-east-1", history(&[1, 3, 2, 4]))],
    );
    let (announcement, remembers) = owed(&facts, &settings()).unwrap();
    assert_eq!((remembers.region.as_str(), remembers.parameter_version), ("us-east-1", 4));
    let attributes = announcement.attributes();
    let attributes: Vec<_> = attributes.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(attributes, [("family", "web"), ("version", "1.0.1"), ("platform", "Linux"), ("type", "AMI")]);
    insta::assert_snapshot!(serde_json::to_string_pretty(&announcement).unwrap(), @r#"
    {
      "family": "web",
      "version": "1.0.1",
      "build": 2,
      "imageArn": "arn:aws:imagebuilder:us-east-1:123456789012:image/web/1.0.1/2",
      "pipelineArn": "arn:aws:imagebuilder:us-east-1:123456789012:image-pipeline/web",
      "platform": "Linux",
      "amis": [
        {
          "region": "eu-west-1",
          "accountId": "123456789012",
          "ami": "ami-eu-west-1-4",
          "parameter": "/golden-images/web",
          "parameterVersion": 1
        },
        {
          "region": "us-east-1",
          "accountId": "123456789012",
          "ami": "ami-us-east-1-4",
          "parameter": "/golden-images/web",
          "parameterVersion": 4
        }
      ],
      "previousBuild": "arn:aws:imagebuilder:us-east-1:123456789012:image/web/1.0.1/1"
    }
    "#);
}

#[test]
fn an_announcement_is_owed_once_and_by_the_newest_build_only() {
    let both = ["eu-west-1", "us-east-1"];
    let announces = |n, europe: Vec<Published>, america: Vec<Published>| {
        let facts = facts(image(n, &both), &[("eu-west-1", europe), ("us-east-1", america)]);
        let planned = plan(&facts, &settings()).steps.iter().any(|step| matches!(step.action, Action::Announce { .. }));
        (planned, owed(&facts, &settings()).is_some())
    };
    let mut labelled = history(&[1, 2]);
    labelled[1].announced = true;
    let mut before = history(&[1]);
    before[0].announced = true;
    assert_eq!(announces(2, vec![], before.clone()), (true, false), "after the writes");
    assert_eq!(announces(2, history(&[2]), before), (true, false), "one Region failed before");
    assert_eq!(announces(2, history(&[2]), history(&[1, 2])), (true, true), "the message was lost");
    assert_eq!(announces(2, history(&[2]), labelled.clone()), (false, false), "it is out");
    assert_eq!(announces(2, vec![], labelled.clone()), (false, false), "a Region that came later is no news");
    assert_eq!(announces(2, history(&[2, 3]), history(&[1, 2])), (false, false), "a newer build is on its way");
    assert_eq!(announces(1, history(&[1]), labelled), (false, false), "an older build");
    let elsewhere =
        facts(image(2, &["eu-west-1", "sa-east-1"]), &[("eu-west-1", history(&[2])), ("sa-east-1", history(&[2]))]);
    assert_eq!(
        owed(&elsewhere, &settings()).unwrap().1.region,
        "eu-west-1",
        "without the build's own Region, the first"
    );
    let mut foreign = image(2, &["us-east-1"]);
    foreign.amis[0].account = "111122223333".to_owned();
    assert!(owed(&facts(foreign, &[]), &settings()).is_none());
}

/// A writer between its calls: it has read the history up to a point, and goes on from there.
struct Writer {
    n: u32,
    seen: usize,
    reads: bool,
    done: bool,
}

impl Writer {
    fn step(&mut self, history: &mut Vec<Published>) {
        if self.reads {
            self.seen = history.len();
        } else {
            let (own, ami) = (build(self.n), format!("ami-{}", self.n));
            match decide(&own, &ami, &history[..self.seen]) {
                Verdict::Write { build, ami, .. } => {
                    let (build, ami) = (Some(build.clone()), ami.to_owned());
                    let version = history.len() as i64 + 1;
                    history.push(Published { version, build, ami, announced: false });
                }
                Verdict::Stands(_) | Verdict::Older(_) => self.done = true,
            }
        }
        self.reads = !self.reads;
    }
}

proptest! {
    #[test]
    fn whatever_the_order_of_notifications_published_builds_never_get_older(order in prop::collection::vec(0u32..9, 1..20)) {
        let mut facts = facts(image(0, &["us-east-1"]), &[("us-east-1", vec![])]);
        let mut announced = Vec::new();
        for n in &order {
            facts.image = image(*n, &["us-east-1"]);
            for step in plan(&facts, &settings()).steps {
                let history = facts.histories.get_mut("us-east-1").unwrap();
                match step.action {
                    Action::Write(target) => {
                        let version = history.len() as i64 + 1;
                        history.push(Published { version, build: Some(target.build), ami: target.place.id, announced: false });
                    }
                    Action::Announce { .. } => {
                        let (_, remembers) = owed(&facts, &settings()).expect("planned, and nobody wrote in between");
                        announced.push(*n);
                        for published in facts.histories.get_mut("us-east-1").unwrap() {
                            published.announced = published.version == remembers.parameter_version;
                        }
                    }
                    Action::Keep(_) => {}
                }
            }
            let again = plan(&facts, &settings());
            prop_assert!(again.steps.iter().all(|step| matches!(step.action, Action::Keep(_))), "{:?}", again);
        }
        let orders: Vec<_> = facts.histories["us-east-1"].iter().map(|p| p.build.as_ref().unwrap().order()).collect();
        prop_assert!(orders.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert!(announced.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert_eq!(announced.last(), order.iter().max());
    }

    #[test]
    fn writers_that_race_converge_on_the_newest_build(
        builds in prop::collection::vec(0u32..9, 1..5),
        turns in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
    ) {
        let mut history = Vec::new();
        let mut writers: Vec<Writer> = builds.iter().map(|n| Writer { n: *n, seen: 0, reads: true, done: false }).collect();
        for turn in turns {
            let writer = turn.get_mut(&mut writers[..]);
            if !writer.done {
                writer.step(&mut history);
            }
        }
        for writer in &mut writers {
            while !writer.done {
                writer.step(&mut history);
            }
        }
        let newest = builds.iter().max().unwrap();
        prop_assert_eq!(history.last().unwrap().build.as_ref(), Some(&build(*newest)));
        prop_assert_eq!(&history.last().unwrap().ami, &format!("ami-{newest}"));
    }
}
