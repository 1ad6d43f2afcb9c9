//! Facts of real form for tests: a pipeline `web-server-nightly` of the family `web-server`, with two good builds.

use crate::facts::*;
use crate::settings::{ChatFormat, Settings};
use chrono::{DateTime, TimeDelta, Utc};
use shared::arn::ImageBuildArn;
use shared::image::{Ami, Status};
use shared::inputs::Inputs;
use std::collections::BTreeMap;

pub(crate) const PIPELINE: &str = "arn:aws:imagebuilder:eu-west-1:123456789012:image-pipeline/web-server-nightly";
pub(crate) const EXECUTION: &str = "wf-0d4fc061-ae57-4c30-8f41-529dbe607182";
pub(crate) const STEP: &str = "step-1e50d172-bf68-4d41-9052-63aecf718293";

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(crate) fn now() -> DateTime<Utc> {
    at("2026-11-20T04:31:07Z")
}

pub(crate) fn settings() -> Settings {
    let settings = crate::settings::tests::read(&[("CHAT_FORMAT", "amazon-q"), ("REPEAT_AFTER", "7d")]).unwrap();
    assert_eq!(settings.chat, ChatFormat::AmazonQ);
    settings
}

pub(crate) fn arn(rest: &str) -> String {
    format!("arn:aws:imagebuilder:eu-west-1:123456789012:{rest}")
}

pub(crate) fn build_arn(build: u32) -> ImageBuildArn {
    arn(&format!("image/web-server/2.0.1/{build}")).parse().unwrap()
}

/// Builds are a day apart: build 4 of 2026-11-20, 3:58.
pub(crate) fn summary(build: u32, status: Status) -> Summary {
    let created = at("2026-11-16T03:58:02Z") + TimeDelta::days(i64::from(build));
    Summary { arn: build_arn(build), status, created }
}

pub(crate) fn inputs(parent: &str, agent: &str) -> Inputs {
    Inputs {
        recipe: arn("image-recipe/web-server/2.0.1"),
        parent: format!("arn:aws:imagebuilder:eu-west-1:aws:image/amazon-linux-2023-x86/{parent}"),
        components: vec![
            arn(&format!("component/install-agent/{agent}")),
            "arn:aws:imagebuilder:eu-west-1:aws:component/update-linux/1.0.2/1".to_owned(),
        ],
    }
}

pub(crate) fn detail(build: u32) -> Build {
    Build {
        platform: Some("Linux".to_owned()),
        build_type: Some("SCHEDULED".to_owned()),
        reason: None,
        failure: None,
        inputs: inputs("2026.10.12/1", "1.3.0/1"),
        logs: Logs {
            group: "/aws/imagebuilder/web-server".to_owned(),
            stream: format!("2.0.1/{build}"),
            s3: Some(("build-logs-123456789012".to_owned(), "web-server".to_owned())),
        },
        tags: Tags::new(),
        executions: Known::Unasked,
        waiting: Known::Unasked,
        scan: Known::Unasked,
    }
}

pub(crate) fn pipeline(builds: Vec<Summary>) -> Pipeline {
    Pipeline {
        arn: PIPELINE.to_owned(),
        name: "web-server-nightly".to_owned(),
        family: "web-server".to_owned(),
        recipe: arn("image-recipe/web-server/2.0.1"),
        enabled: true,
        schedule: Some(Schedule {
            expression: "cron(55 3 * * ? *)".to_owned(),
            timezone: Some("Europe/Berlin".to_owned()),
            always: false,
            failure_count: None,
        }),
        consecutive_failures: 0,
        created: Some(at("2026-01-05T09:00:00Z")),
        updated: None,
        last_run: None,
        next_run: None,
        tags: BTreeMap::from([("team".to_owned(), "platform".to_owned())]),
        builds: Known::Is(builds),
        references: Known::Unasked,
    }
}

/// Of a pipeline whose builds have these statuses, the first one first.
pub(crate) fn facts(statuses: &[Status]) -> Facts {
    let builds: Vec<_> = (1..).zip(statuses).map(|(build, status)| summary(build, status.clone())).collect();
    let details = builds.iter().map(|build| (build.arn.to_string(), Known::Is(detail(build.arn.build))));
    Facts {
        now: now(),
        function: "arn:aws:lambda:eu-west-1:123456789012:function:goldsmith-report-builds".parse().unwrap(),
        builds: details.collect(),
        pipelines: vec![pipeline(builds)],
        loose: Vec::new(),
        families: Vec::new(),
        queues: Known::Unasked,
        retry_refused: BTreeMap::new(),
        block_refused: BTreeMap::new(),
    }
}

impl Facts {
    /// A build's details, to change them.
    pub(crate) fn detail(&mut self, build: u32) -> &mut Build {
        match self.builds.get_mut(&build_arn(build).to_string()) {
            Some(Known::Is(detail)) => detail,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn family(&mut self, places: Known<Vec<Place>>) {
        let builds = self.pipelines[0].builds.clone();
        let pipeline = Some(PIPELINE.to_owned());
        self.families = vec![Family { name: "web-server".to_owned(), pipeline, builds, published: places }];
    }
}

/// Three good builds, and a fourth that failed there.
pub(crate) fn failed(failure: Option<Failure>, reason: &str) -> Facts {
    let mut facts = facts(&[Status::Available, Status::Deprecated, Status::Available, Status::Failed]);
    let detail = facts.detail(4);
    detail.reason = Some(reason.to_owned());
    detail.failure = failure;
    detail.executions = Known::Is(Vec::new());
    facts
}

pub(crate) fn failure(phase: Status, step: &str) -> Failure {
    Failure {
        phase,
        execution: Some(EXECUTION.to_owned()),
        workflow: Some("arn:aws:imagebuilder:eu-west-1:aws:workflow/build/build-image/1.0.3/1".to_owned()),
        step_execution: Some(STEP.to_owned()),
        step: Some(step.to_owned()),
        component: None,
        distribution: None,
    }
}

pub(crate) fn component_failure(phase: Status, in_phase: &str, step: &str) -> Failure {
    Failure {
        component: Some(ComponentFailure {
            component: arn("component/install-agent/1.4.0/2"),
            phase: Some(in_phase.to_owned()),
            step: Some(step.to_owned()),
            action: Some("ExecuteBash".to_owned()),
            message: Some(
                "curl: (22) The requested URL returned error: 404\nfailed to run commands: exit status 22".to_owned(),
            ),
        }),
        ..failure(phase, "ApplyBuildComponents")
    }
}

pub(crate) fn region(region: &str, account: Option<&str>, status: &str, message: Option<&str>) -> RegionFailure {
    RegionFailure {
        region: region.to_owned(),
        account: account.map(str::to_owned),
        status: status.to_owned(),
        step: None,
        message: message.map(str::to_owned),
    }
}

pub(crate) fn distribution_failure(regions: Vec<RegionFailure>) -> Failure {
    let message = Some("Distribution to one or more Regions failed.".to_owned());
    Failure {
        workflow: Some("arn:aws:imagebuilder:eu-west-1:aws:workflow/distribution/distribute-image/1.0.0/1".to_owned()),
        distribution: Some(DistributionFailure { message, regions }),
        ..failure(Status::Distributing, "DistributeImage")
    }
}

pub(crate) const THROTTLED: &str = "An error occurred (RequestLimitExceeded) when calling the CopyImage operation: \
                                    Request limit exceeded.";

pub(crate) fn execution(kind: &str, step: &str, action: &str, message: &str) -> Execution {
    let workflow = format!("arn:aws:imagebuilder:eu-west-1:aws:workflow/{}/{kind}-image/1.0.3/1", kind.to_lowercase());
    Execution {
        id: EXECUTION.to_owned(),
        workflow: workflow.to_lowercase(),
        kind: kind.to_owned(),
        status: "FAILED".to_owned(),
        message: None,
        retried: false,
        started: Some(at("2026-11-20T03:58:07Z")),
        ended: Some(at("2026-11-20T04:31:02Z")),
        steps: vec![StepRun {
            id: STEP.to_owned(),
            name: step.to_owned(),
            action: Some(action.to_owned()),
            status: "FAILED".to_owned(),
            message: Some(message.to_owned()),
            attempt: Some(2),
            max_attempts: Some(2),
        }],
    }
}

pub(crate) fn package(name: &str, version: &str, fixed_in: Option<&str>) -> Package {
    Package { name: name.to_owned(), version: version.to_owned(), fixed_in: fixed_in.map(str::to_owned) }
}

pub(crate) fn finding(id: &str, severity: FindingSeverity, packages: Vec<Package>) -> Finding {
    Finding {
        id: id.to_owned(),
        severity,
        title: Some(format!("{id} - {}", packages[0].name)),
        url: Some(format!("https://explore.alas.aws.amazon.com/{id}.html")),
        packages,
    }
}

/// Four builds, the last of them with findings.
pub(crate) fn scanned(newer_parent: Known<Option<NewerParent>>) -> Facts {
    let mut facts = facts(&[Status::Available, Status::Available, Status::Available, Status::Available]);
    let openssl = package("openssl-libs", "3.0.8-1.amzn2023.0.9", Some("3.0.8-1.amzn2023.0.11"));
    let agent = package("golang.org/x/net", "0.17.0", Some("0.23.0"));
    let kernel = package("kernel", "6.1.150-174.273.amzn2023", None);
    let findings = vec![
        finding("CVE-2026-2511", FindingSeverity::Medium, vec![kernel.clone()]),
        finding("CVE-2026-1003", FindingSeverity::High, vec![agent]),
        finding("CVE-2026-0727", FindingSeverity::Critical, vec![openssl]),
        finding("CVE-2026-1999", FindingSeverity::High, vec![kernel]),
    ];
    facts.detail(4).scan = Known::Is(Scan { findings, newer_parent });
    facts
}

pub(crate) fn newer_parent() -> Known<Option<NewerParent>> {
    let packages = [("openssl-libs", "3.0.8-1.amzn2023.0.12"), ("kernel", "6.1.155-176.282.amzn2023")];
    let packages = packages.map(|(name, version)| (name.to_owned(), version.to_owned()));
    Known::Is(Some(NewerParent {
        arn: "arn:aws:imagebuilder:eu-west-1:aws:image/amazon-linux-2023-x86/2026.11.16/1".to_owned(),
        packages: Known::Is(BTreeMap::from(packages)),
    }))
}

pub(crate) fn waiting_step(id: &str, name: &str) -> WaitingStep {
    WaitingStep {
        id: id.to_owned(),
        workflow: arn("workflow/test/approve/1.0.0/1"),
        name: name.to_owned(),
        description: Some("Two people look at the image before it is distributed".to_owned()),
        since: Some(at("2026-11-20T04:12:44Z")),
        timeout_seconds: Some(259_200),
    }
}

/// A place that holds the AMI of build 3, as it should.
pub(crate) fn place(region: &str, account: &str) -> Place {
    let id = format!("ami-0{}3", region.replace('-', ""));
    let ami = Ami { region: region.to_owned(), account: account.to_owned(), id: id.clone() };
    Place {
        region: region.to_owned(),
        account: account.to_owned(),
        parameter: "/golden-images/web-server".to_owned(),
        wanted: Some((build_arn(3), ami)),
        holds: Known::Is(Some(Holds {
            version: 3,
            value: id,
            build: Some(build_arn(3)),
            held: false,
            ami: Known::Is(AmiState::Available),
        })),
        refusal: None,
    }
}

impl Place {
    pub(crate) fn held(&mut self) -> &mut Holds {
        match &mut self.holds {
            Known::Is(Some(holds)) => holds,
            other => panic!("{other:?}"),
        }
    }
}

/// Three good builds, published in two Regions of two accounts.
pub(crate) fn published(change: impl FnOnce(&mut Vec<Place>)) -> Facts {
    let mut facts = facts(&[Status::Deprecated, Status::Available, Status::Available]);
    let mut places = vec![place("eu-west-1", "123456789012"), place("eu-central-1", "111122223333")];
    change(&mut places);
    facts.family(Known::Is(places));
    facts
}
