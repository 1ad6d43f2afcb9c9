//! Facts for tests: a family `web` of six builds in one Region, of which the oldest three have long been superseded.

use super::*;
use crate::policy::Policy;
use chrono::TimeDelta;
use shared::age::Age;
use shared::image::Kind;
use shared::published::Published;
use std::collections::BTreeSet;

pub(crate) const ACCOUNT: &str = "123456789012";
pub(crate) const OTHER: &str = "111122223333";

/// The time of the run.
pub(crate) fn now() -> DateTime<Utc> {
    "2026-11-21T03:30:00Z".parse().unwrap()
}

/// So many days after the run.
pub(crate) fn day(days: i64) -> DateTime<Utc> {
    now() + TimeDelta::days(days)
}

pub(crate) fn settings() -> Settings {
    Settings {
        mode: crate::Mode::Apply,
        policy: Policy {
            never: false,
            keep: 3,
            deprecate_after: Age::days(30),
            disable_after: Age::days(30),
            delete_after: Age::days(60),
        },
        failed_after: Age::days(14),
        last_launched_days: 30,
        max_per_run: 50,
        max_percent: 100,
        max_at_once: 5,
        launch_template_depth: 100,
        parameter_prefix: "/golden-images".to_owned(),
        share_targets: Default::default(),
        resume_parameter: None,
        reports: "arn:aws:sns:us-east-1:123456789012:reports".parse().unwrap(),
        execution_role: "arn:aws:iam::123456789012:role/lifecycle".parse().unwrap(),
        target_role: None,
    }
}

pub(crate) fn arn(image: &str) -> ImageBuildArn {
    format!("arn:aws:imagebuilder:us-east-1:{ACCOUNT}:image/{image}").parse().unwrap()
}

pub(crate) fn at(region: &str) -> At {
    At { region: region.to_owned(), account: ACCOUNT.to_owned() }
}

pub(crate) fn ami(family: &str, number: u32) -> Ami {
    Ami { region: "us-east-1".to_owned(), account: ACCOUNT.to_owned(), id: format!("ami-{family}-{number}") }
}

/// Build 1.0.NUMBER/1 of a family, AVAILABLE.
pub(crate) fn build(family: &str, number: u32) -> Build {
    Build {
        arn: arn(&format!("{family}/1.0.{number}/1")),
        kind: Kind::Ami,
        status: Status::Available,
        created: Known::Is(day(i64::from(number) * 10 - 140)),
        tags: Known::Is(BTreeMap::new()),
        parent: Parent::Outside("arn:aws:imagebuilder:us-east-1:aws:image/amazon-linux-2023-x86/x.x.x".to_owned()),
        amis: Known::Is(vec![ami(family, number)]),
        containers: Vec::new(),
        execution: Known::Is(None),
    }
}

/// An AMI that nothing uses.
pub(crate) fn unused(state: &str) -> AmiFacts {
    AmiFacts {
        registered: Known::Is(Some(Registered {
            state: state.to_owned(),
            deprecation_time: None,
            last_launched: None,
            protected: false,
            tags: BTreeMap::from([("CreatedBy".to_owned(), "EC2 Image Builder".to_owned())]),
            snapshots: vec![Snapshot { id: "snap-1".to_owned(), gib: 8 }],
        })),
        references: References::None(BTreeSet::from([at("us-east-1")])),
        shares: Known::Is(Shares::default()),
        usage: Usage::Absent,
    }
}

pub(crate) fn published(version: i64, build: &Build, when: DateTime<Utc>) -> Published {
    Published {
        version,
        build: Some(build.arn.clone()),
        value: build.amis.get().unwrap()[0].id.clone(),
        labels: BTreeSet::new(),
        description: Some(build.arn.to_string()),
        modified: Some(aws_sdk_imagebuilder::primitives::DateTime::from_secs(when.timestamp())),
    }
}

/// Builds 1 to 6, each published when it was created: 130, 120, 110, 100, 90 and 80 days ago.
pub(crate) fn family(name: &str) -> FamilyFacts {
    let builds: Vec<Build> = (1..=6).map(|number| build(name, number)).collect();
    let history =
        builds.iter().zip(1..).map(|(build, version)| published(version, build, *build.created.get().unwrap()));
    FamilyFacts {
        family: name.to_owned(),
        pipelines: vec![Pipeline { name: name.to_owned(), tags: BTreeMap::new() }],
        places: vec![Place { at: at("us-east-1"), history: Known::Is(history.collect()) }],
        amis: (1..=6).map(|number| (ami(name, number), unused("available"))).collect(),
        builds,
        missing: Vec::new(),
    }
}

pub(crate) fn facts(families: Vec<FamilyFacts>) -> Facts {
    Facts { account: AccountFacts::default(), families }
}

impl FamilyFacts {
    pub(crate) fn build(&mut self, number: u32) -> &mut Build {
        self.builds.iter_mut().find(|build| build.arn.version.patch == number).unwrap()
    }

    pub(crate) fn ami(&mut self, number: u32) -> &mut AmiFacts {
        let ami = ami(&self.family, number);
        self.amis.get_mut(&ami).unwrap()
    }

    pub(crate) fn registered(&mut self, number: u32) -> &mut Registered {
        let Known::Is(Some(registered)) = &mut self.ami(number).registered else { panic!("it is registered") };
        registered
    }

    pub(crate) fn history(&mut self) -> &mut Vec<Published> {
        let Known::Is(history) = &mut self.places[0].history else { panic!("it is known") };
        history
    }

    pub(crate) fn tag(&mut self, number: u32, key: &str, value: &str) {
        let Known::Is(tags) = &mut self.build(number).tags else { panic!("they are known") };
        tags.insert(key.to_owned(), value.to_owned());
    }

    /// Deprecated by the function so many days ago.
    pub(crate) fn deprecated(mut self, number: u32, days: i64) -> Self {
        self.build(number).status = Status::Deprecated;
        self.tag(number, shared::tags::DEPRECATED_AT, &day(-days).to_rfc3339());
        self.registered(number).deprecation_time = Some(day(-days));
        self
    }

    /// Disabled by the function so many days ago, after thirty days of deprecation.
    pub(crate) fn disabled(self, number: u32, days: i64) -> Self {
        let mut it = self.deprecated(number, days + 30);
        it.build(number).status = Status::Disabled;
        it.tag(number, shared::tags::DISABLED_AT, &day(-days).to_rfc3339());
        it.registered(number).state = "disabled".to_owned();
        it
    }
}

impl Plan {
    pub(crate) fn of(&self, image: &str) -> &Decision {
        self.decisions.iter().find(|decision| decision.image == arn(image)).expect("it is planned")
    }

    /// Action and first reason of an image.
    pub(crate) fn short(&self, image: &str) -> (&'static str, &'static str) {
        let step = &self.of(image).step;
        (step.action.name(), step.reason[0].name())
    }
}
