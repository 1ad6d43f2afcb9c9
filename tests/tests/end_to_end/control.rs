//! `/_local/…`, `--state` and `--faults`: look into the local AWS, empty it, keep it, make things go wrong.

use crate::harness::{command, text};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_imagebuilder::error::ProvideErrorMetadata;
use aws_sdk_ssm::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_ssm::types::ParameterType;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

/// A template without resources of note: what is tested here needs no stack.
const EMPTY: &str = "Resources:\n  Topic:\n    Type: AWS::SNS::Topic\n    Properties: {TopicName: kept}\n";

struct Serving {
    child: Child,
    url: String,
    lines: std::sync::mpsc::Receiver<String>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Serving {
    async fn start(folder: &Path, arguments: &[&str]) -> Self {
        let template = folder.join("empty.yaml");
        std::fs::write(&template, EMPTY).unwrap();
        let mut command = command().await;
        command.args(["serve", "--port", "0", "--template"]).arg(&template).arg("--stack").arg(&template);
        command.args(arguments).stdout(Stdio::piped());
        tokio::task::spawn_blocking(move || {
            let mut child = command.spawn().unwrap();
            let (sender, lines) = std::sync::mpsc::channel();
            let output = BufReader::new(child.stdout.take().unwrap());
            std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
            let url = lines.iter().find_map(|line| line.strip_prefix("listening on ").map(str::to_owned)).unwrap();
            Self { child, url, lines }
        })
        .await
        .unwrap()
    }

    /// Ends it as a service manager does, and waits.
    async fn terminate(mut self) {
        let pid = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let status = tokio::task::spawn_blocking(move || self.child.wait().unwrap()).await.unwrap();
        assert!(status.success());
    }

    async fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let address = self.url.strip_prefix("http://").unwrap().to_owned();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: local\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap())
        })
        .await
        .unwrap()
    }

    fn config(&self) -> SdkConfig {
        let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", "secret", None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(shared::clients::http_client())
            .endpoint_url(&self.url)
            .build()
    }

    async fn put(&self, name: &str) {
        let parameters = aws_sdk_ssm::Client::new(&self.config());
        let put = parameters.put_parameter().name(name).value("1").r#type(ParameterType::String);
        put.send().await.unwrap();
    }

    async fn has(&self, name: &str) -> bool {
        let parameters = aws_sdk_ssm::Client::new(&self.config());
        parameters.get_parameter().name(name).send().await.is_ok()
    }
}

fn deployed(state: &Value) -> Vec<&String> {
    state["world"]["stacks"]["deployed"].as_object().unwrap().keys().collect()
}

fn now(state: &Value) -> &str {
    state["world"]["now"].as_str().unwrap()
}

#[tokio::test]
async fn the_state_is_shown_and_emptied() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), &[]).await;
    serving.put("/mine").await;
    let (status, state) = serving.ask("GET", "/_local/state", "").await;
    assert_eq!((status, &state["format"]), (200, &json!(2)));
    assert_eq!(deployed(&state), ["us-east-1/empty", "us-east-1/goldsmith"]);
    assert!(state["world"]["ssm"].to_string().contains("/mine"));
    let (status, answer) = serving.ask("POST", "/_local/reset", "").await;
    assert_eq!((status, &answer["stacks"]), (200, &json!(["us-east-1/empty", "us-east-1/goldsmith"])));
    assert!(answer["message"].as_str().unwrap().contains("deployed stacks"), "{answer}");
    assert!(!serving.has("/mine").await);
    let (_, emptied) = serving.ask("GET", "/_local/state", "").await;
    assert!(deployed(&emptied).is_empty() && now(&emptied) >= now(&state));
    assert!(emptied["world"]["imagebuilder"].to_string().contains("amazon-linux-2023-x86"), "the catalogue is there");
    for (method, path, expected) in [
        ("GET", "/_local/nothing", 404),
        ("GET", "/_local", 404),
        ("GET", "/_local/reset", 405),
        ("POST", "/_local/state", 405),
    ] {
        assert_eq!(serving.ask(method, path, "").await.0, expected, "{method} {path}");
    }
}

#[tokio::test]
async fn a_state_file_is_kept_over_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.json");
    let arguments = ["--seed", "9", "--speed", "6000", "--state", file.to_str().unwrap()];
    let serving = Serving::start(folder.path(), &arguments).await;
    serving.put("/mine").await;
    // Written by itself, without an end.
    while !std::fs::read_to_string(&file).unwrap().contains("/mine") {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    serving.put("/last").await;
    let (_, before) = serving.ask("GET", "/_local/state", "").await;
    serving.terminate().await;
    assert!(std::fs::read_to_string(&file).unwrap().contains("/last"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "no other file is left behind");

    let again = Serving::start(folder.path(), &["--state", file.to_str().unwrap()]).await;
    assert!(again.has("/mine").await && again.has("/last").await);
    let (_, after) = again.ask("GET", "/_local/state", "").await;
    assert!(now(&after) >= now(&before), "{} {}", now(&after), now(&before));
    assert_eq!((deployed(&after), &after["world"]["seed"]), (deployed(&before), &json!(9)));
    let seen: Vec<String> = again.lines.try_iter().collect();
    assert!(!seen.iter().any(|line| line.contains("deployed")), "{seen:?}");
    again.terminate().await;

    let whole = std::fs::read_to_string(&file).unwrap();
    let damaged = &whole[..whole.len() / 2];
    std::fs::write(&file, damaged).unwrap();
    let template = folder.path().join("empty.yaml");
    let mut command = command().await;
    command.args(["serve", "--port", "0", "--state"]).arg(&file).arg("--template").arg(template);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let error = text(&output.stderr);
    assert!(!output.status.success() && error.contains("state.json") && error.contains("damaged"), "{error}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), damaged);
}

#[tokio::test]
async fn faults_strike_as_their_rules_say() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("faults.json");
    let rules = json!({"rules": [
        {"fault": "throttle", "times": 2, "match": {"service": "imagebuilder", "operation": "GetImagePipeline"}},
    ]});
    std::fs::write(&file, rules.to_string()).unwrap();
    let serving = Serving::start(folder.path(), &["--faults", file.to_str().unwrap()]).await;
    let builder = aws_sdk_imagebuilder::Client::new(&serving.config());
    let missing = "arn:aws:imagebuilder:us-east-1:123456789012:image-pipeline/none";
    // The SDK tries again by itself.
    let error = builder.get_image_pipeline().image_pipeline_arn(missing).send().await.unwrap_err();
    assert_eq!(error.code(), Some("ResourceNotFoundException"));
    let (_, shown) = serving.ask("GET", "/_local/faults", "").await;
    assert_eq!(shown, json!({"rules": rules["rules"], "struck": [2]}));

    let unreachable = json!({"rules": [{"fault": "unreachable", "match": {"region": "us-east-1"}}]});
    assert_eq!(serving.ask("PUT", "/_local/faults", &unreachable.to_string()).await.0, 200);
    let error = builder.get_image_pipeline().image_pipeline_arn(missing).send().await.unwrap_err();
    assert!(matches!(error, aws_sdk_imagebuilder::error::SdkError::DispatchFailure(_)), "{error:?}");

    let late = json!({"rules": [{"fault": "latency", "milliseconds": 300}]});
    serving.ask("PUT", "/_local/faults", &late.to_string()).await;
    let begun = tokio::time::Instant::now();
    assert!(!serving.has("/none").await);
    assert!(begun.elapsed() >= Duration::from_millis(300));

    let (status, refused) = serving.ask("PUT", "/_local/faults", r#"{"rules": [{"fault": "lost", "times": 0}]}"#).await;
    assert_eq!((status, &refused["message"]), (400, &json!("rules[0].times: expected a whole number from 1")));
    let (_, gone) = serving.ask("DELETE", "/_local/faults", "").await;
    assert_eq!(gone, json!({"rules": [], "struck": []}));

    std::fs::write(&file, r#"{"rules": [{"fault": "slow"}]}"#).unwrap();
    let output = crate::harness::goldsmith_local(&["run", "--days", "1", "--faults", file.to_str().unwrap()]).await;
    let error = text(&output.stderr);
    assert!(!output.status.success() && error.contains("faults.json: rules[0].fault: \"slow\" is none"), "{error}");
}
