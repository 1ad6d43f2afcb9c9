use super::*;
use crate::error::chain;
use aws_config::{BehaviorVersion, Region};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use futures_util::future::join_all;

const OTHER: &str = "111122223333";
const FORBIDDEN: &str = "444455556666";

/// STS, and Image Builder that answers everything with a refusal. Notes who was asked, and in whose name.
#[derive(Debug, Clone, Default)]
struct Wire {
    asked: Arc<Mutex<Vec<String>>>,
    /// How long assumed credentials last, in seconds from now.
    lasts: u64,
}

impl Wire {
    fn answer(&self, request: &HttpRequest) -> (u16, String) {
        let host = request.uri().split('/').nth(2).unwrap_or_default();
        let signed = request.headers().get("authorization").unwrap_or_default();
        let key = signed.split(['=', '/']).nth(1).unwrap_or_default();
        let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
        self.asked.lock().unwrap().push(format!("{key} {host} {body}"));
        if !host.starts_with("sts.") {
            return (403, r#"{"message": "no"}"#.to_owned());
        }
        if body.contains(FORBIDDEN) {
            let error = "<Code>AccessDenied</Code><Message>not you</Message>";
            return (403, format!("<ErrorResponse><Error>{error}</Error></ErrorResponse>"));
        }
        #[expect(clippy::disallowed_methods, reason = "credentials end by the machine's time")]
        let end = SystemTime::now() + Duration::from_secs(self.lasts);
        let end = aws_sdk_sts::primitives::DateTime::from(end);
        let end = end.fmt(aws_sdk_sts::primitives::DateTimeFormat::DateTime).unwrap();
        let key =
            "<AccessKeyId>ASIAOTHER</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>";
        let made = format!("<Credentials>{key}<Expiration>{end}</Expiration></Credentials>");
        (200, format!("<AssumeRoleResponse><AssumeRoleResult>{made}</AssumeRoleResult></AssumeRoleResponse>"))
    }

    fn asked(&self, host: &str) -> Vec<String> {
        self.asked.lock().unwrap().iter().filter(|asked| asked.contains(host)).cloned().collect()
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (status, body) = self.answer(&request);
        HttpConnectorFuture::new(async move {
            // Everybody gets turns while this one waits.
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
            Ok(HttpResponse::new(status.try_into().unwrap(), body.into()))
        })
    }
}

impl HttpClient for Wire {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

fn accounts(wire: &Wire, external_id: Option<&str>) -> Arc<Accounts> {
    let role = TargetRole {
        name: "images".to_owned(),
        external_id: external_id.map(str::to_owned),
        session_name: "fan-out-amis".to_owned(),
    };
    with(wire, Some(role))
}

fn with(wire: &Wire, role: Option<TargetRole>) -> Arc<Accounts> {
    let own = Credentials::new("AKIAOWN", "s", None, None, "test");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(own))
        .http_client(wire.clone())
        .build();
    Accounts::new(&config, &"arn:aws:lambda:eu-west-1:123456789012:function:f".parse().unwrap(), role)
}

/// A call in an account and Region.
async fn call(everywhere: &Everywhere<aws_sdk_imagebuilder::Client>, account: &str, region: &str) {
    let client = everywhere.at(account, region).await.unwrap();
    client.list_images().send().await.unwrap_err();
}

#[tokio::test]
async fn a_role_is_assumed_once_for_all_regions_and_kept() {
    let wire = Wire { lasts: 3600, ..Wire::default() };
    let everywhere = Everywhere::new(&accounts(&wire, Some("secret")), aws_sdk_imagebuilder::Client::new);
    for _ in 0..2 {
        join_all(["eu-west-1", "us-east-1", "us-west-2"].map(|region| call(&everywhere, OTHER, region))).await;
    }
    call(&everywhere, "123456789012", "us-east-1").await;
    let assumed = wire.asked("sts.");
    let [assumed] = &assumed[..] else { panic!("{assumed:?}") };
    assert_eq!(
        assumed,
        "AKIAOWN sts.eu-west-1.amazonaws.com Action=AssumeRole&Version=2011-06-15\
         &RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fimages&RoleSessionName=fan-out-amis&ExternalId=secret"
    );
    let there = wire.asked("imagebuilder.");
    assert_eq!(there.iter().filter(|asked| asked.starts_with("ASIAOTHER ")).count(), 6);
    assert!(there.last().unwrap().starts_with("AKIAOWN imagebuilder.us-east-1."), "{there:?}");
}

#[tokio::test]
async fn credentials_that_end_soon_are_renewed() {
    let wire = Wire { lasts: 200, ..Wire::default() };
    let accounts = accounts(&wire, None);
    accounts.reach(OTHER).await.unwrap();
    accounts.reach(OTHER).await.unwrap();
    let assumed = wire.asked("sts.");
    assert_eq!(assumed.len(), 2);
    assert!(!assumed[0].contains("ExternalId"));
}

#[tokio::test]
async fn a_refusal_is_everybodys_who_waited_and_asked_for_again_later() {
    let wire = Wire { lasts: 3600, ..Wire::default() };
    let accounts = accounts(&wire, None);
    for error in join_all((0..5).map(|_| accounts.reach(FORBIDDEN))).await {
        let error = error.unwrap_err();
        assert!(!error.is_retryable());
        assert_eq!(
            chain(&error),
            "account 444455556666 is out of reach: AssumeRole of arn:aws:iam::444455556666:role/images: AccessDenied: \
             not you"
        );
    }
    assert_eq!(wire.asked("sts.").len(), 1);
    accounts.reach(FORBIDDEN).await.unwrap_err();
    assert_eq!(wire.asked("sts.").len(), 2);
}

#[tokio::test]
async fn without_a_role_other_accounts_are_out_of_reach() {
    let wire = Wire::default();
    let accounts = with(&wire, None);
    accounts.reach(accounts.own()).await.unwrap();
    let error = accounts.reach(OTHER).await.unwrap_err();
    assert!(chain(&error).contains("account 111122223333 is out of reach: TargetRoleName is empty"), "{error}");
    assert!(wire.asked("").is_empty());
}
