//! As much of AWS as a plan of any size needs, worked out from each question, so that memory is the function's.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Builds of a family.
pub(crate) const BUILDS: usize = 50;
pub(crate) const OWN: &str = "123456789012";
const REGIONS: [&str; 2] = ["eu-west-1", "us-east-1"];

/// The time of the event.
pub(crate) fn now() -> DateTime<Utc> {
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
pub(crate) struct Wire {
    families: usize,
    latency: Duration,
    /// What the parameter holds in which runs say where they stopped.
    pub(crate) resume: Arc<Mutex<Option<String>>>,
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
    pub(crate) fn new(families: usize, latency: Duration) -> Self {
        Self { families, latency, resume: Arc::default() }
    }

    fn answer(&self, request: &HttpRequest) -> (u16, String) {
        let body = request.body().bytes().unwrap_or_default();
        if let Some(target) = request.headers().get("x-amz-target") {
            let input: Value = serde_json::from_slice(body).expect("JSON");
            if !target.ends_with("History") {
                return self.resume(target, &input);
            }
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

    fn resume(&self, target: &str, input: &Value) -> (u16, String) {
        let mut held = self.resume.lock().expect("nobody panics with it");
        match target.rsplit('.').next() {
            Some("PutParameter") => *held = input["Value"].as_str().map(str::to_owned),
            Some("DeleteParameter") => *held = None,
            _ => match held.as_ref() {
                Some(value) => return (200, json!({"Parameter": {"Value": value}}).to_string()),
                None => return (400, json!({"__type": "ParameterNotFound"}).to_string()),
            },
        }
        (200, "{}".to_owned())
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
            "Publish" => "<PublishResult><MessageId>1</MessageId></PublishResult>".to_owned(),
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
