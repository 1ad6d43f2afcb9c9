//! A plan for 1,000, 10,000 and 50,000 images: AWS calls, time at 0 and 50 ms a call, peak memory.
//!
//! Each measurement is a process of its own. What the wire answers is worked out from the question, so that memory is the
//! function's. Families of 50 builds, as they are after a while: half of them are on their way out, some are due, some in
//! use. Every tenth family is based on another one, by wildcard. `cargo bench -p deprecate-images` (release profile).

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use deprecate_images::{Function, Settings};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const SIZES: [usize; 3] = [1_000, 10_000, 50_000];
/// Builds of a family.
const BUILDS: usize = 50;
const OWN: &str = "123456789012";
const REGIONS: [&str; 2] = ["eu-west-1", "us-east-1"];
/// In the environment of this program's own child: how many images, and how long a call takes.
const CHILD: &str = "SCALE_OF";
const AIM_MB: f64 = 128.0;

fn main() {
    if let Ok(scale) = std::env::var(CHILD) {
        let (images, millis) = scale.split_once(' ').expect("two numbers");
        return measure(images.parse().expect("a number"), millis.parse().expect("a number"));
    }
    println!(
        "{:>7}  {:>8}  {:>7}  {:>10}  {:>8}  {:>9}",
        "images", "ms/call", "calls", "calls/img", "seconds", "peak MB"
    );
    let mut worst: f64 = 0.0;
    for millis in [0, 50] {
        for images in SIZES {
            let mut child = Command::new(std::env::current_exe().expect("this program's own path"));
            let output = child.env(CHILD, format!("{images} {millis}")).output().expect("the program starts");
            let line = String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or_default().to_owned();
            assert!(output.status.success(), "{line}{}", String::from_utf8_lossy(&output.stderr));
            let numbers: Vec<f64> = line.split(' ').map(|number| number.parse().expect("a number")).collect();
            let [calls, seconds, peak] = numbers[..] else { unreachable!("{line}") };
            worst = worst.max(peak);
            let each = calls / images as f64;
            println!("{images:>7}  {millis:>8}  {calls:>7}  {each:>10.3}  {seconds:>8.1}  {peak:>9.1}");
        }
    }
    println!("aim {AIM_MB} MB: {}", if worst < AIM_MB { "met" } else { "missed" });
}

#[tokio::main(flavor = "current_thread")]
async fn measure(images: usize, millis: u64) {
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(OWN, "s", None, None, "bench")))
        .retry_config(RetryConfig::standard())
        .http_client(Wire { families: images / BUILDS, latency: Duration::from_millis(millis) })
        .build();
    let settings = [
        ("REPORTS_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:reports"),
        ("EXECUTION_ROLE_ARN", "arn:aws:iam::123456789012:role/lifecycle"),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
    let function = Function::new(&config, Settings::from_environment(settings).expect("good settings"));
    let mut context = Context::default();
    context.invoked_function_arn = format!("arn:aws:lambda:us-east-1:{OWN}:function:deprecate-images");
    let end = since_1970() + Duration::from_secs(3600);
    context.deadline = u64::try_from(end.as_millis()).expect("before the year 500,000,000");
    let event = json!({"time": now().to_rfc3339_opts(SecondsFormat::Secs, true), "dryRun": true});
    let started = instant();
    let answer = function.handle(LambdaEvent::new(event, context)).await.expect("everything is there");
    let seconds = instant().duration_since(started).as_secs_f64();
    let counts = &answer.plan.counts;
    assert_eq!(counts.images, images, "{}", answer.summary);
    for action in ["keep", "deprecate", "disable", "delete"] {
        assert!(counts.actions.get(action).is_some_and(|count| *count > 0), "{action}: {}", answer.summary);
    }
    assert!(answer.plan.unreached.is_empty() && answer.plan.skipped.is_empty(), "{}", answer.summary);
    println!("{} {seconds} {}", answer.calls, peak_mb());
}

/// The most memory that this process ever had.
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().unwrap_or_default();
    kib / 1024.0
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures the machine's time")]
fn instant() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "a deadline is in the machine's time")]
fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970")
}

/// The time of the event.
fn now() -> DateTime<Utc> {
    "2026-06-01T03:30:00Z".parse().expect("a time")
}

fn ago(days: usize) -> DateTime<Utc> {
    now() - TimeDelta::days(i64::try_from(days).expect("few days"))
}

fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// As much of AWS as a plan needs: any number of calls may be under way.
#[derive(Debug, Clone)]
struct Wire {
    families: usize,
    latency: Duration,
}

impl HttpClient for Wire {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let wire = self.clone();
        HttpConnectorFuture::new(async move {
            if !wire.latency.is_zero() {
                tokio::time::sleep(wire.latency).await;
            }
            let (status, body) = wire.answer(&request);
            Ok(HttpResponse::new(status.try_into().expect("a status"), body.into()))
        })
    }
}

impl Wire {
    fn answer(&self, request: &HttpRequest) -> (u16, String) {
        let body = request.body().bytes().unwrap_or_default();
        if request.headers().get("x-amz-target").is_some() {
            let input: Value = serde_json::from_slice(body).expect("JSON");
            let scope: Vec<&str> = request.headers().get("authorization").unwrap_or_default().split('/').collect();
            return self.history(input["Name"].as_str().expect("a name"), scope[2]);
        }
        let path = request.uri().splitn(4, '/').nth(3).unwrap_or_default();
        let (operation, query) = path.split_once('?').unwrap_or((path, ""));
        if !operation.is_empty() {
            let query: BTreeMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
            let input = if body.is_empty() { json!(query) } else { serde_json::from_slice(body).expect("JSON") };
            return (200, self.image_builder(operation, &input).to_string());
        }
        let form: BTreeMap<String, String> = form_urlencoded::parse(body).into_owned().collect();
        (200, self.ec2(&form))
    }

    fn image_builder(&self, operation: &str, input: &Value) -> Value {
        match operation {
            "ListImages" => page(input, self.families, "imageVersionList", |family| json!({"arn": version(family)})),
            "ListImageBuildVersions" => {
                let family = family_of(input["imageVersionArn"].as_str().expect("a version"));
                // Newest first.
                page(input, BUILDS, "imageSummaryList", |place| summary(family, BUILDS - place))
            }
            "ListImagePipelines" => page(input, self.families, "imagePipelineList", |family| {
                json!({"arn": arn(&format!("image-pipeline/family-{family}")), "name": format!("family-{family}"),
                    "imageRecipeArn": recipe(family), "status": "ENABLED", "tags": {}})
            }),
            "ListImageRecipes" => page(
                input,
                self.families,
                "imageRecipeSummaryList",
                |family| json!({"arn": recipe(family), "parentImage": parent(family, "x.x.x")}),
            ),
            "ListContainerRecipes" => json!({"containerRecipeSummaryList": []}),
            "ListLifecycleExecutions" => json!({"lifecycleExecutions": []}),
            "GetImage" => {
                let arn = input["imageBuildVersionArn"].as_str().expect("an image");
                let (family, build) = (family_of(arn), arn.rsplit('/').next().expect("a build"));
                let mut image = summary(family, build.parse().expect("a number"));
                // Made of the parent of its own time.
                image["imageRecipe"] = json!({"parentImage": parent(family, &format!("1.0.0/{build}"))});
                json!({"image": image})
            }
            other => unreachable!("{other} isn't needed"),
        }
    }

    /// Each build was published when it was made; a day apart.
    fn history(&self, name: &str, region: &str) -> (u16, String) {
        let family: usize = name.rsplit('-').next().and_then(|it| it.parse().ok()).expect("a family");
        let versions = (1..=BUILDS).map(|build| {
            let labels: &[&str] = if build == BUILDS { &["announced"] } else { &[] };
            json!({"Name": name, "Type": "String", "DataType": "aws:ec2:image", "Value": ami(family, build, region),
                "Description": format!("{}/{build}", version(family)), "Labels": labels, "Version": build,
                "LastModifiedDate": ago(made_ago(build)).timestamp()})
        });
        let versions: Vec<_> = versions.collect();
        (200, json!({ "Parameters": versions }).to_string())
    }

    fn ec2(&self, form: &BTreeMap<String, String>) -> String {
        let listed = |prefix: &str| {
            form.iter().filter(|(name, _)| name.starts_with(prefix)).map(|(_, id)| id.clone()).collect::<Vec<_>>()
        };
        let action = form["Action"].as_str();
        let answer = match action {
            "DescribeImages" => {
                let images: String = listed("Filter.1.Value.").iter().map(|id| registered(id)).collect();
                format!("<imagesSet>{images}</imagesSet>")
            }
            "DescribeImageReferences" => {
                let used: String = listed("ImageId.")
                    .iter()
                    .filter(|id| build_of(id).is_multiple_of(7))
                    .map(|id| reference(id))
                    .collect();
                format!("<imageReferenceSet>{used}</imageReferenceSet>")
            }
            "DescribeImageAttribute" => "<launchPermission/>".to_owned(),
            "DescribeLaunchTemplateVersions" => "<launchTemplateVersionSet/>".to_owned(),
            "DescribeAutoScalingGroups" => {
                "<DescribeAutoScalingGroupsResult><AutoScalingGroups/></DescribeAutoScalingGroupsResult>".to_owned()
            }
            "DescribeLaunchConfigurations" => {
                "<DescribeLaunchConfigurationsResult><LaunchConfigurations/></DescribeLaunchConfigurationsResult>"
                    .to_owned()
            }
            other => unreachable!("{other} isn't needed"),
        };
        format!("<{action}Response>{answer}</{action}Response>")
    }
}

/// The next items of a listing, as many as are asked for.
fn page(input: &Value, all: usize, member: &str, item: impl Fn(usize) -> Value) -> Value {
    let most = usize::try_from(input["maxResults"].as_u64().expect("maxResults")).expect("small");
    let from: usize = input["nextToken"].as_str().map_or(0, |token| token.parse().expect("our own token"));
    let to = (from + most).min(all);
    let items: Vec<_> = (from..to).map(item).collect();
    let mut page = json!({ member: items });
    if to < all {
        page["nextToken"] = to.to_string().into();
    }
    page
}

fn arn(resource: &str) -> String {
    format!("arn:aws:imagebuilder:us-east-1:{OWN}:{resource}")
}

fn version(family: usize) -> String {
    arn(&format!("image/family-{family}/1.0.0"))
}

fn recipe(family: usize) -> String {
    arn(&format!("image-recipe/family-{family}/1.0.0"))
}

/// Every tenth family stands on the one before.
fn parent(family: usize, version: &str) -> String {
    if family % 10 == 9 {
        arn(&format!("image/family-{}/{version}", family - 1))
    } else {
        "arn:aws:imagebuilder:us-east-1:aws:image/amazon-linux-2023-x86/x.x.x".to_owned()
    }
}

fn family_of(arn: &str) -> usize {
    arn.split('/').nth(1).and_then(|name| name.rsplit('-').next()?.parse().ok()).expect("a family")
}

/// A build each 31 hours, the newest a day old.
fn made_ago(build: usize) -> usize {
    1 + (BUILDS - build) * 13 / 10
}

/// As it is after a while: half of them are on their way out, of each kind one is due. One failed.
fn summary(family: usize, build: usize) -> Value {
    let disabled = |days: usize| json!({"goldsmith:deprecated-at": text(ago(days + 30)), "goldsmith:disabled-at": text(ago(days))});
    let (status, tags) = match build {
        1..=13 => ("DISABLED", disabled(65 - 4 * build)),
        14..=24 => ("DEPRECATED", json!({"goldsmith:deprecated-at": text(ago(61 - 2 * build))})),
        45 => ("FAILED", json!({})),
        _ => ("AVAILABLE", json!({})),
    };
    let amis: Vec<_> = REGIONS
        .iter()
        .map(|region| json!({"region": region, "accountId": OWN, "image": ami(family, build, region)}))
        .collect();
    json!({"arn": format!("{}/{build}", version(family)), "name": format!("family-{family}"), "type": "AMI",
        "version": "1.0.0", "platform": "Linux", "state": {"status": status}, "owner": OWN,
        "dateCreated": text(ago(made_ago(build))), "outputResources": {"amis": amis}, "tags": tags})
}

/// The family, the build and the Region in an ID.
fn ami(family: usize, build: usize, region: &str) -> String {
    format!("ami-{family:08x}{build:08}{}", usize::from(region == REGIONS[1]))
}

fn build_of(ami: &str) -> usize {
    ami[12..20].parse().expect("an ID of ours")
}

fn registered(id: &str) -> String {
    let build = build_of(id);
    let state = if build <= 13 { "disabled" } else { "available" };
    let deprecated =
        if build <= 24 { format!("<deprecationTime>{}</deprecationTime>", text(ago(10))) } else { String::new() };
    let disk = format!("<ebs><snapshotId>snap-{}</snapshotId><volumeSize>8</volumeSize></ebs>", &id[4..]);
    format!(
        "<item><imageId>{id}</imageId><imageState>{state}</imageState><imageOwnerId>{OWN}</imageOwnerId>{deprecated}\
         <tagSet><item><key>CreatedBy</key><value>EC2 Image Builder</value></item></tagSet>\
         <blockDeviceMapping><item><deviceName>/dev/xvda</deviceName>{disk}</item></blockDeviceMapping></item>"
    )
}

fn reference(id: &str) -> String {
    let arn = format!("arn:aws:ec2:us-east-1:{OWN}:instance/i-{}", &id[4..]);
    format!("<item><imageId>{id}</imageId><resourceType>ec2:Instance</resourceType><arn>{arn}</arn></item>")
}
