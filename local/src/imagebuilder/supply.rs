//! How Amazon's managed images and components are kept: the documents, and the AMIs behind them.

use super::managed::{self, Managed};
use super::naming::{self, segment};
use super::store::{Kind, Resource};
use crate::clock::{Time, iso_millis};
use crate::ec2;
use crate::world::World;
use chrono::{DateTime, TimeDelta};
use serde_json::{Map, Value, json};
use shared::version::Version;

/// The owner of managed resources in ARNs.
pub(super) const AMAZON: &str = "aws";

/// How many releases of an image are there at any name's beginning.
const RELEASES: i64 = 3;

/// Managed components with the highest patch of version 1.0: lower ones are there too, for people name them.
/// Those whose name has a `test` are tests; those that end in `windows` are for Windows.
pub(super) const COMPONENTS: &[(&str, u32)] = &[
    ("amazon-cloudwatch-agent-linux", 1),
    ("amazon-cloudwatch-agent-windows", 1),
    ("amazon-corretto-8-headless", 0),
    ("amazon-corretto-8-jdk", 0),
    ("amazon-corretto-8-jre", 0),
    ("amazon-corretto-11", 0),
    ("amazon-corretto-11-headless", 0),
    ("amazon-corretto-11-windows", 0),
    ("amazon-corretto-17-headless", 0),
    ("amazon-corretto-17-jdk", 0),
    ("amazon-corretto-17-jre", 0),
    ("amazon-corretto-21-headless", 0),
    ("amazon-corretto-21-jdk", 0),
    ("amazon-corretto-21-jre", 0),
    ("aws-cli-version-2-linux", 4),
    ("aws-cli-version-2-windows", 0),
    ("chocolatey", 0),
    ("docker-ce-centos", 0),
    ("docker-ce-linux", 0),
    ("docker-ce-ubuntu", 0),
    ("dotnet-core-runtime-linux", 0),
    ("dotnet-core-runtime-windows", 0),
    ("dotnet-core-sdk-linux", 0),
    ("dotnet-core-sdk-windows", 0),
    ("dotnet-runtime-linux", 0),
    ("dotnet-sdk-linux", 0),
    ("ebs-volume-usage-test-linux", 0),
    ("ebs-volume-usage-test-windows", 0),
    ("eni-attachment-test-linux", 0),
    ("eni-attachment-test-windows", 0),
    ("go-linux", 0),
    ("go-windows", 0),
    ("hello-world-linux", 0),
    ("hello-world-windows", 0),
    ("inspector-test-linux", 0),
    ("inspector-test-windows", 0),
    ("mate-de-linux", 0),
    ("php-7-4-linux", 0),
    ("php-8-2-linux", 0),
    ("powershell-linux", 0),
    ("powershell-windows", 0),
    ("python-3-linux", 2),
    ("python-3-windows", 2),
    ("reboot-linux", 1),
    ("reboot-test-linux", 0),
    ("reboot-test-windows", 0),
    ("reboot-windows", 1),
    ("scap-compliance-checker-linux", 0),
    ("scap-compliance-checker-windows", 0),
    ("simple-boot-test-linux", 0),
    ("simple-boot-test-windows", 0),
    ("stig-build-linux", 5),
    ("stig-build-linux-high", 0),
    ("stig-build-linux-low", 0),
    ("stig-build-linux-medium", 0),
    ("stig-build-windows", 5),
    ("stig-build-windows-high", 0),
    ("stig-build-windows-low", 0),
    ("stig-build-windows-medium", 0),
    ("update-linux", 2),
    ("update-linux-kernel-5", 0),
    ("update-linux-kernel-mainline", 0),
    ("update-windows", 2),
    ("yum-repository-test-linux", 0),
];

/// Managed components that are deprecated, and what Amazon recommends instead.
const DEPRECATED: &[(&str, &str)] = &[
    ("stig-build-linux-high", "stig-build-linux"),
    ("stig-build-linux-low", "stig-build-linux"),
    ("stig-build-linux-medium", "stig-build-linux"),
    ("stig-build-windows-high", "stig-build-windows"),
    ("stig-build-windows-low", "stig-build-windows"),
    ("stig-build-windows-medium", "stig-build-windows"),
];

/// When what has no release of its own was made.
pub(super) fn long_ago() -> Time {
    DateTime::UNIX_EPOCH + TimeDelta::days(50 * 365)
}

/// Keeps the releases that an image has by now and answers their AMIs, which are EC2's to keep.
pub(super) fn make_releases(world: &mut World, managed: &Managed, region: &str) -> Vec<ec2::Image> {
    let newest = managed.newest(world.seed, world.now);
    let mut amis = Vec::new();
    for n in newest - RELEASES + 1..=newest {
        let released = managed.release(world.seed, n);
        amis.extend(make_image(world, managed, region, managed::version(released), 1, released));
    }
    amis
}

/// Keeps one image and answers its AMI, which is EC2's to keep.
pub(super) fn make_image(
    world: &mut World,
    managed: &Managed,
    region: &str,
    version: Version,
    build: u32,
    created: Time,
) -> Option<ec2::Image> {
    let segment = segment(&managed.name);
    let arn = format!("{}/{version}/{build}", naming::arn(Kind::Image, region, AMAZON, &segment));
    let ami = managed.container.is_none().then(|| ami(world, managed, region, version, build, created));
    let output = match (&ami, managed.container) {
        (Some(ami), _) => json!({"amis": [{
            "region": region,
            "image": ami.id,
            "name": ami.name,
            "accountId": ami.owner,
        }]}),
        (None, uri) => json!({"containers": [{"region": region, "imageUris": [uri]}]}),
    };
    let document = json!({
        "arn": arn,
        "type": if ami.is_some() { "AMI" } else { "DOCKER" },
        "name": managed.name,
        "version": format!("{version}/{build}"),
        "platform": managed.platform,
        "osVersion": managed.os,
        "state": {"status": "AVAILABLE"},
        "dateCreated": iso_millis(created),
        "outputResources": output,
        "imageSource": "AMAZON_MANAGED",
        "tags": {},
    });
    keep(world, Kind::Image, arn, segment, version, build, created, document);
    ami
}

/// The AMI of an image.
pub(super) fn ami(
    world: &World,
    managed: &Managed,
    region: &str,
    version: Version,
    build: u32,
    created: Time,
) -> ec2::Image {
    let key = ["managed", region, &managed.name, &version.to_string(), &build.to_string()];
    let windows = managed.platform == "Windows";
    let device = if managed.name.starts_with("Amazon Linux") { "/dev/xvda" } else { "/dev/sda1" };
    let snapshot = ec2::Snapshot {
        id: format!("snap-{}", world.seed.hex(&[&["snapshot"], key.as_slice()].concat(), 17)),
        size: if windows { 30 } else { 8 },
        encrypted: false,
    };
    ec2::Image {
        id: format!("ami-{}", world.seed.hex(&key, 17)),
        region: region.to_owned(),
        owner: ec2::AMAZON_ACCOUNT.to_owned(),
        name: managed.ami_name(version),
        description: Some(format!("{} {version}", managed.name)),
        windows,
        architecture: managed.architecture.to_owned(),
        state: "available".to_owned(),
        created,
        tags: Default::default(),
        snapshots: FromIterator::from_iter([(device.to_owned(), snapshot)]),
        source: None,
        launch_permissions: vec![("Group".to_owned(), "all".to_owned())],
        deprecation_time: None,
        last_launched: None,
        deregistration_protection: false,
    }
}

/// Keeps one component.
pub(super) fn make_component(world: &mut World, region: &str, name: &str, version: Version, build: u32) {
    let arn = format!("{}/{version}/{build}", naming::arn(Kind::Component, region, AMAZON, name));
    let test = name.contains("test");
    let platform = if name.contains("windows") || name == "chocolatey" { "Windows" } else { "Linux" };
    let state = match DEPRECATED.iter().find(|(deprecated, _)| *deprecated == name) {
        Some((_, instead)) => json!({"status": "DEPRECATED", "reason": format!("Use {instead} instead.")}),
        None => json!({"status": "ACTIVE"}),
    };
    let document = json!({
        "arn": arn,
        "name": name,
        "version": version.to_string(),
        "type": if test { "TEST" } else { "BUILD" },
        "platform": platform,
        "state": state,
        "data": data(name, platform, test),
        "owner": "Amazon",
        "encrypted": true,
        "dateCreated": iso_millis(long_ago()),
        "tags": {},
    });
    keep(world, Kind::Component, arn, name.to_owned(), version, build, long_ago(), document);
}

/// A document in the place of Amazon's: what it does isn't known here.
fn data(name: &str, platform: &str, test: bool) -> String {
    let phase = if test { "test" } else { "build" };
    let action = if platform == "Windows" { "ExecutePowerShell" } else { "ExecuteBash" };
    format!(
        "name: {name}\nschemaVersion: 1.0\nphases:\n  - name: {phase}\n    steps:\n      - name: Run\n        action: \
         {action}\n        inputs:\n          commands:\n            - echo {name}\n"
    )
}

/// Keeps what nobody's account owns; the ARN says whose it is.
#[expect(clippy::too_many_arguments, reason = "they are a resource's fields")]
pub(super) fn keep(
    world: &mut World,
    kind: Kind,
    arn: String,
    segment: String,
    version: Version,
    build: u32,
    created: Time,
    document: Value,
) {
    let document = match document {
        Value::Object(document) => document,
        _ => Map::new(),
    };
    let part = |place| arn.split(':').nth(place).unwrap_or_default().to_owned();
    let (region, owner) = (part(3), part(4));
    world.imagebuilder.put(Resource {
        kind,
        arn,
        region,
        owner,
        segment,
        version: Some(version),
        build: Some(build),
        made: 0,
        created,
        document: document.into(),
    });
}
