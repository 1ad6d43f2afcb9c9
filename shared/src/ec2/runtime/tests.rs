//! What is asked over HTTP, and what becomes of the answers.

use crate::ec2::{Client, DescribeAutoScalingGroups, DescribeImages};
use crate::error::{Failure, chain};
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_imagebuilder::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_types::origin::Origin;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// An HTTP client that gives the same answer to everything, and keeps what it was asked.
#[derive(Debug, Clone)]
struct Canned {
    /// None: it never answers.
    answer: Option<(u16, &'static str)>,
    asked: Arc<Mutex<Vec<HttpRequest>>>,
}

impl HttpClient for Canned {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Canned {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.asked.lock().unwrap().push(request);
        match self.answer {
            Some((status, body)) => {
                let response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
                HttpConnectorFuture::ready(Ok(response))
            }
            None => HttpConnectorFuture::new(std::future::pending()),
        }
    }
}

const NONE: &str = "<DescribeImagesResponse><imagesSet/></DescribeImagesResponse>";

fn canned(answer: Option<(u16, &'static str)>) -> Canned {
    Canned { answer, asked: Arc::default() }
}

fn config(http: &Canned) -> aws_types::sdk_config::Builder {
    let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", "secret", Some("token".into()), None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(RetryConfig::standard().with_max_attempts(2).with_initial_backoff(Duration::from_millis(1)))
        .http_client(http.clone())
}

#[tokio::test]
async fn a_request_is_a_signed_form() {
    let http = canned(Some((200, NONE)));
    let client = Client::new(&config(&http).build());
    let request = DescribeImages { owners: vec!["self".into()], ..DescribeImages::default() };
    assert_eq!(client.describe_images(&request, None).await.unwrap().items, []);
    let asked = http.asked.lock().unwrap();
    let [request] = asked.as_slice() else { panic!("{} requests", asked.len()) };
    let header = |name: &str| request.headers().get(name).unwrap_or_default().to_owned();
    assert_eq!((request.method(), request.uri()), ("POST", "https://ec2.eu-west-1.amazonaws.com/"));
    assert_eq!(header("content-type"), "application/x-www-form-urlencoded");
    let body = request.body().bytes().unwrap();
    assert_eq!(body, b"Action=DescribeImages&Version=2016-11-15&Owner.1=self");
    assert_eq!(header("content-length"), body.len().to_string());
    assert!(header("authorization").starts_with("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/"));
    assert!(header("authorization").contains("/eu-west-1/ec2/aws4_request, SignedHeaders="));
    assert_eq!(
        (header("x-amz-security-token").as_str(), header("amz-sdk-request").as_str()),
        ("token", "attempt=1; max=2")
    );
    assert!(header("x-amz-user-agent").contains("api/ec2"), "{}", header("x-amz-user-agent"));
}

#[derive(Debug)]
struct Environment;

impl LoadServiceConfig for Environment {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let own = (key.env(), key.profile(), key.service_id()) == ("AWS_ENDPOINT_URL", "endpoint_url", "EC2");
        own.then(|| "http://localhost:1".to_owned())
    }
}

#[tokio::test]
async fn each_service_is_asked_where_it_answers() {
    type Change = fn(aws_types::sdk_config::Builder) -> aws_types::sdk_config::Builder;
    let table: [(Change, &str, &str); 8] = [
        (|it| it, "https://ec2.eu-west-1.amazonaws.com/", "https://autoscaling.eu-west-1.amazonaws.com/"),
        (
            |it| it.region(Region::new("cn-north-1")),
            "https://ec2.cn-north-1.amazonaws.com.cn/",
            "https://autoscaling.cn-north-1.amazonaws.com.cn/",
        ),
        (
            |it| it.region(Region::new("us-iso-east-1")),
            "https://ec2.us-iso-east-1.c2s.ic.gov/",
            "https://autoscaling.us-iso-east-1.c2s.ic.gov/",
        ),
        (
            |it| it.use_fips(true),
            "https://ec2-fips.eu-west-1.amazonaws.com/",
            "https://autoscaling-fips.eu-west-1.amazonaws.com/",
        ),
        (|it| it.use_dual_stack(true), "https://ec2.eu-west-1.api.aws/", "https://autoscaling.eu-west-1.api.aws/"),
        (|it| it.endpoint_url("http://localhost:2"), "http://localhost:2/", "http://localhost:2/"),
        (
            |it| it.endpoint_url("http://localhost:2").service_config(Environment),
            "http://localhost:1/",
            "http://localhost:2/",
        ),
        // What the program itself says counts before what surrounds it.
        (
            |mut it| {
                it.insert_origin("endpoint_url", Origin::service_config());
                it.endpoint_url("http://localhost:2").service_config(Environment)
            },
            "http://localhost:2/",
            "http://localhost:2/",
        ),
    ];
    for (change, ec2, auto_scaling) in table {
        let http = canned(Some((500, "")));
        let client = Client::new(&change(config(&http)).build());
        client.describe_images(&DescribeImages::default(), None).await.unwrap_err();
        client.describe_auto_scaling_groups(&DescribeAutoScalingGroups::default(), None).await.unwrap_err();
        let asked: Vec<String> = http.asked.lock().unwrap().iter().map(|it| it.uri().to_owned()).collect();
        assert_eq!(asked, [ec2, ec2, auto_scaling, auto_scaling]);
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_no_answer() {
    let describe = async |http: &Canned| {
        Client::new(&config(http).build()).describe_images(&DescribeImages::default(), None).await
    };
    let cut = canned(Some((200, &NONE[..40])));
    let error = describe(&cut).await.unwrap_err();
    assert!(matches!(error.failure, Failure::Unanswered(_)) && error.is_retryable(), "{error:?}");
    // It is asked for again before.
    assert_eq!(cut.asked.lock().unwrap().len(), 2);
    let other = describe(&canned(Some((200, "<html>Please log in</html>")))).await.unwrap_err();
    assert!(
        chain(&other).contains("expected DescribeImagesResponse, found \"html>Please log in\""),
        "{}",
        chain(&other)
    );
    let proxy = describe(&canned(Some((502, "<html>Bad gateway</html>")))).await.unwrap_err();
    assert_eq!(proxy.code(), Some("without code"));
    assert!(proxy.is_retryable());
}

#[tokio::test]
async fn a_call_without_answer_ends_in_time() {
    let http = canned(None);
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_millis(1)).build();
    let client = Client::new(&config(&http).timeout_config(timeouts).build());
    let error = client.describe_images(&DescribeImages::default(), None).await.unwrap_err();
    assert!(matches!(error.failure, Failure::Unanswered(_)) && error.is_retryable(), "{error:?}");
    assert_eq!(http.asked.lock().unwrap().len(), 2);
}
