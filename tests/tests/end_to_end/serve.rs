//! `goldsmith-local serve`: the local AWS for any SDK.

use crate::harness::{command, text};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_imagebuilder::types::{ImageStatus, Ownership};
use aws_sdk_ssm::config::{Credentials, SharedCredentialsProvider};
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;

struct Serving {
    child: Child,
    url: String,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn serve(arguments: &[&str]) -> Serving {
    let mut command = command().await;
    command.args(["serve", "--port", "0"]).args(arguments).stdout(Stdio::piped());
    tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = lines.find_map(|line| line.unwrap().strip_prefix("listening on ").map(str::to_owned)).unwrap();
        // Somebody has to read on, or the timeline fills the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Serving { child, url }
    })
    .await
    .unwrap()
}

fn config(url: &str, access_key: &str, region: &str) -> SdkConfig {
    let credentials = Credentials::new(access_key, "secret", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(url)
        .region(Region::new(region.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(shared::clients::http_client())
        .build()
}

#[tokio::test]
async fn an_sdk_sees_builds_go_by() {
    let serving = serve(&["--speed", "6000"]).await;
    let config = config(&serving.url, "AKIAIOSFODNN7EXAMPLE", "us-east-1");
    let builder = aws_sdk_imagebuilder::Client::new(&config);
    // One that nothing else starts at this time.
    let pipeline = "arn:aws:imagebuilder:us-east-1:123456789012:image-pipeline/base-windows";
    let started = builder.start_image_pipeline_execution().image_pipeline_arn(pipeline).send().await.unwrap();
    let arn = started.image_build_version_arn().unwrap();
    let image = loop {
        let answer = builder.get_image().image_build_version_arn(arn).send().await.unwrap();
        let image = answer.image.unwrap();
        match image.state().unwrap().status().unwrap() {
            ImageStatus::Available => break image,
            ImageStatus::Failed | ImageStatus::Cancelled => panic!("{image:?}"),
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    let amis = image.output_resources().unwrap().amis();
    assert_eq!(amis.len(), 2);
    let here = amis.iter().find(|ami| ami.region() == Some("us-east-1")).unwrap();

    let parameters = aws_sdk_ssm::Client::new(&config);
    loop {
        let answer = parameters.get_parameter().name("/golden-images/base-windows").send().await;
        match answer {
            Ok(answer) => {
                let parameter = answer.parameter.unwrap();
                assert_eq!((parameter.value(), parameter.data_type()), (here.image(), Some("aws:ec2:image")));
                break;
            }
            Err(error) => assert!(error.into_service_error().is_parameter_not_found()),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn an_access_key_of_12_digits_is_the_account() {
    let serving = serve(&[]).await;
    let config = config(&serving.url, "111122223333", "eu-west-1");
    let topics = aws_sdk_sns::Client::new(&config);
    let topic = topics.create_topic().name("mine").send().await.unwrap();
    assert_eq!(topic.topic_arn(), Some("arn:aws:sns:eu-west-1:111122223333:mine"));
    let builder = aws_sdk_imagebuilder::Client::new(&config);
    assert!(builder.list_image_pipelines().send().await.unwrap().image_pipeline_list().is_empty());
    let managed = builder.list_images().owner(Ownership::Amazon).send().await.unwrap();
    assert!(!managed.image_version_list().is_empty());
}

#[tokio::test]
async fn it_ends_on_request_with_its_children() {
    let mut serving = serve(&["--speed", "6000"]).await;
    let pid = serving.child.id();
    let children = move || {
        let listed = std::process::Command::new("pgrep").args(["-P", &pid.to_string()]).output().unwrap();
        text(&listed.stdout).split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    // The base image of the examples was built while they were deployed: its notification starts a process.
    while children().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let before = children();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid.to_string()]).status().unwrap().success());
    let status = tokio::task::spawn_blocking(move || serving.child.wait().unwrap()).await.unwrap();
    assert!(status.success());
    for child in before {
        let alive = std::process::Command::new("kill").args(["-0", &child]).stderr(Stdio::null()).status().unwrap();
        assert!(!alive.success(), "child {child} is still there");
    }
}
