//! From a notification to the last write: 10 Regions × 5 accounts, with 50 ms per AWS call, in real time.
//!
//! Printed beside a baseline of the same run, one Region of the function's own account, which can't take less than the
//! calls that follow from each other. The aim is 1.5 s. `cargo bench -p fan-out-amis --bench places`.

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use fan_out_amis::{Function, Settings};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const LATENCY: Duration = Duration::from_millis(50);
/// How long Parameter Store takes to validate an AMI.
const VALIDATION: Duration = Duration::from_secs(1);
const AIM: Duration = Duration::from_millis(1500);
const RUNS: u32 = 5;
const OWN: &str = "123456789012";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let one = measure(1, 1).await;
    let all = measure(10, 5).await;
    println!("1 Region x 1 account: {}", one.in_words());
    println!("10 Regions x 5 accounts: {}", all.in_words());
    println!("ratio of the medians: {:.2} for 50 times the places", all.median().div_duration_f64(one.median()));
    println!("aim {} ms: {}", AIM.as_millis(), if all.slowest() < AIM { "met by every run" } else { "missed" });
}

/// From the event to the answer of the last PutParameter, and to the end.
struct Measured {
    writes: Vec<Duration>,
    ends: Vec<Duration>,
    calls: usize,
    assumed: usize,
}

impl Measured {
    fn median(&self) -> Duration {
        let mut writes = self.writes.clone();
        writes.sort();
        writes[writes.len() / 2]
    }

    fn slowest(&self) -> Duration {
        self.writes.iter().copied().max().unwrap_or_default()
    }

    fn in_words(&self) -> String {
        let Self { writes, ends, calls, assumed } = self;
        format!(
            "last write after {} ms cold, {} ms median, {} ms at most; announced and done after {} ms at most; {} calls in \
             all, {assumed} of them AssumeRole, in {} invocations",
            writes[0].as_millis(),
            self.median().as_millis(),
            self.slowest().as_millis(),
            ends.iter().copied().max().unwrap_or_default().as_millis(),
            calls,
            writes.len(),
        )
    }
}

/// One warm process takes several notifications, the first one with nothing assumed yet.
async fn measure(regions: usize, accounts: usize) -> Measured {
    let wire = Wire::new(regions, accounts);
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(OWN, "s", None, None, "bench")))
        .retry_config(RetryConfig::standard())
        .http_client(wire.clone())
        .build();
    let settings = [
        ("PUBLISHED_IMAGES_TOPIC_ARN", "arn:aws:sns:eu-west-1:123456789012:published"),
        ("TARGET_ROLE_NAME", "goldsmith-publish"),
        ("CHANNELS", r#"{"dev": {"promote": "auto"}}"#),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
    let function = Function::new(&config, Settings::from_environment(settings).expect("good settings"));
    let mut measured = Measured { writes: Vec::new(), ends: Vec::new(), calls: 0, assumed: 0 };
    for build in 1..=RUNS {
        let started = now();
        let answer = function.handle(notification(build)).await.expect("everything is there");
        assert!(answer.complete, "{}", answer.summary);
        let state = wire.0.lock().expect("nobody panics");
        let written = state.written.expect("something was written");
        measured.writes.push(written.duration_since(started));
        measured.ends.push(now().duration_since(started));
        let versions = state.parameters.values().map(Vec::len).sum::<usize>();
        assert_eq!(versions, regions * accounts * build as usize, "{}", answer.summary);
        (measured.calls, measured.assumed) = (state.calls, state.assumed);
    }
    measured
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures the machine's time")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "a deadline is in the machine's time")]
fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970")
}

fn arn(build: u32) -> String {
    format!("arn:aws:imagebuilder:eu-west-1:{OWN}:image/web/1.0.0/{build}")
}

fn notification(build: u32) -> LambdaEvent<Value> {
    let message = json!({"arn": arn(build), "state": {"status": "AVAILABLE"}}).to_string();
    let sns = json!({"MessageId": "m", "Timestamp": "2026-01-01T00:00:00.000Z", "Message": message});
    let mut context = Context::default();
    context.invoked_function_arn = format!("arn:aws:lambda:eu-west-1:{OWN}:function:fan-out-amis");
    let end = since_1970() + Duration::from_secs(60);
    context.deadline = u64::try_from(end.as_millis()).expect("before the year 500,000,000");
    LambdaEvent::new(json!({"Records": [{"Sns": sns}]}), context)
}

/// As much of AWS as a notification needs. Every call takes its time, and any number may be under way.
#[derive(Debug, Clone)]
struct Wire(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    places: Vec<(String, String)>,
    /// By account and Region.
    parameters: BTreeMap<(String, String), Vec<Version>>,
    written: Option<Instant>,
    calls: usize,
    assumed: usize,
}

#[derive(Debug)]
struct Version {
    value: Value,
    description: Value,
    labels: Vec<Value>,
    visible: Instant,
}

impl Wire {
    fn new(regions: usize, accounts: usize) -> Self {
        let region = |n: usize| if n == 0 { "eu-west-1".to_owned() } else { format!("us-east-{n}") };
        let account = |n: usize| if n == 0 { OWN.to_owned() } else { format!("11112222333{n}") };
        let places = (0..regions).flat_map(|r| (0..accounts).map(move |a| (account(a), region(r)))).collect();
        let (parameters, written) = (BTreeMap::new(), None);
        Self(Arc::new(Mutex::new(State { places, parameters, written, calls: 0, assumed: 0 })))
    }
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
            tokio::time::sleep(LATENCY).await;
            let (status, body) = wire.0.lock().expect("nobody panics").answer(&request);
            Ok(HttpResponse::new(status.try_into().expect("a status"), body.into()))
        })
    }
}

impl State {
    fn answer(&mut self, request: &HttpRequest) -> (u16, String) {
        self.calls += 1;
        // Signed with the account as access key: Credential=KEY/20260101/eu-west-1/ssm/aws4_request
        let signed = request.headers().get("authorization").unwrap_or_default();
        let scope: Vec<&str> = signed.split(['=', '/', ',']).collect();
        let [_, account, _, region, ..] = scope[..] else { unreachable!("unsigned: {signed}") };
        let body = request.body().bytes().unwrap_or_default();
        if let Some(target) = request.headers().get("x-amz-target") {
            let input: Value = serde_json::from_slice(body).expect("JSON");
            let operation = target.rsplit('.').next().unwrap_or_default();
            return self.json(operation, &input, (account.to_owned(), region.to_owned()));
        }
        let form: BTreeMap<String, String> = form_urlencoded::parse(body).into_owned().collect();
        match form.get("Action").map(String::as_str) {
            None => (200, self.image(request.uri())),
            Some("AssumeRole") => {
                self.assumed += 1;
                (200, session(&form["RoleArn"]))
            }
            Some("DescribeImages") => {
                let id = &form["ImageId.1"];
                let image = format!("<imageId>{id}</imageId><imageState>available</imageState>");
                let image = format!("<item>{image}<imageOwnerId>{account}</imageOwnerId></item>");
                (200, format!("<DescribeImagesResponse><imagesSet>{image}</imagesSet></DescribeImagesResponse>"))
            }
            Some("Publish") => {
                let result = "<PublishResult><MessageId>m</MessageId></PublishResult>";
                (200, format!("<PublishResponse>{result}</PublishResponse>"))
            }
            Some(other) => unreachable!("{other} isn't needed"),
        }
    }

    /// Of the build that the query of GetImage names, whatever it is.
    fn image(&self, uri: &str) -> String {
        let query = uri.split_once('?').expect("GetImage").1;
        let (_, arn) = form_urlencoded::parse(query.as_bytes()).next().expect("imageBuildVersionArn");
        let build = arn.rsplit('/').next().unwrap_or_default();
        let amis = self.places.iter().enumerate();
        let amis = amis.map(|(n, (account, region))| {
            json!({"region": region, "accountId": account, "image": format!("ami-{n:08x}{build:0>9}")})
        });
        let amis: Vec<_> = amis.collect();
        let image = json!({
            "arn": arn, "type": "AMI", "name": "web", "version": "1.0.0", "platform": "Linux",
            "state": {"status": "AVAILABLE"}, "outputResources": {"amis": amis},
        });
        json!({"requestId": "r", "image": image}).to_string()
    }

    fn json(&mut self, operation: &str, input: &Value, place: (String, String)) -> (u16, String) {
        if operation == "PutEvents" {
            return (200, json!({"FailedEntryCount": 0, "Entries": [{"EventId": "e"}]}).to_string());
        }
        let versions = self.parameters.entry(place).or_default();
        let answer = match operation {
            "GetParameterHistory" => {
                let there = versions.iter().zip(1..).filter(|(version, _)| version.visible <= now());
                let there = there.map(|(Version { value, description, labels, .. }, number)| {
                    json!({"Name": input["Name"], "Type": "String", "DataType": "aws:ec2:image", "Value": value,
                        "Description": description, "Labels": labels, "Version": number, "LastModifiedDate": 1.0})
                });
                let there: Vec<_> = there.collect();
                if there.is_empty() {
                    return (400, json!({"__type": "ParameterNotFound"}).to_string());
                }
                json!({ "Parameters": there })
            }
            "PutParameter" => {
                let (value, description) = (input["Value"].clone(), input["Description"].clone());
                versions.push(Version { value, description, labels: Vec::new(), visible: now() + VALIDATION });
                self.written = Some(now());
                json!({"Version": versions.len(), "Tier": "Standard"})
            }
            "LabelParameterVersion" => {
                let labels = input["Labels"].as_array().expect("labels");
                for version in &mut *versions {
                    version.labels.retain(|label| !labels.contains(label));
                }
                let number = input["ParameterVersion"].as_u64().expect("a version");
                versions[usize::try_from(number).expect("few versions") - 1].labels.extend(labels.clone());
                json!({"InvalidLabels": [], "ParameterVersion": number})
            }
            other => unreachable!("{other} isn't needed"),
        };
        (200, answer.to_string())
    }
}

/// Credentials whose access key is the account of the role.
fn session(role: &str) -> String {
    let account = role.split(':').nth(4).unwrap_or_default();
    let key = format!("<AccessKeyId>{account}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>");
    let rest = "<SessionToken>t</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration>";
    let made = format!("<AssumeRoleResult><Credentials>{key}{rest}</Credentials></AssumeRoleResult>");
    format!("<AssumeRoleResponse>{made}</AssumeRoleResponse>")
}
