//! The AWS SDK for Rust against the local AWS in process.

use crate::harness::{build, deployed, own_stack};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_imagebuilder::error::ProvideErrorMetadata;
use aws_sdk_imagebuilder::types::{Filter, ImageStatus, Ownership};
use aws_sdk_ssm::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_ssm::types::ParameterType;
use goldsmith_local::driver::Local;
use goldsmith_local::sdk::InProcess;
use std::collections::BTreeSet;
use std::sync::Arc;

fn config(local: &Arc<Local>) -> SdkConfig {
    let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", "secret", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(InProcess::new(local.clone()))
        .build()
}

#[tokio::test]
async fn a_build_is_read_by_its_arn_and_by_wildcards() {
    let running = deployed(6, &[own_stack("one-image.yaml")]).await;
    let builder = aws_sdk_imagebuilder::Client::new(&config(&running.local));
    let (first, _) = build(&running.local, "one").await;
    let (second, _) = build(&running.local, "one").await;
    let of = |arn: String| {
        let builder = &builder;
        async move { builder.get_image().image_build_version_arn(arn).send().await.unwrap().image.unwrap() }
    };
    assert_eq!(of(first.clone()).await.version(), Some("1.0.0/1"));
    for pattern in ["1.0.0", "1.0.x", "x.x.x"] {
        let image = of(first.replace("1.0.0/1", pattern)).await;
        assert_eq!(image.arn(), Some(second.as_str()), "{pattern}");
        assert_eq!(image.state().unwrap().status(), Some(&ImageStatus::Available));
    }
    let listed =
        builder.list_image_build_versions().image_version_arn(first.replace("/1.0.0/1", "/1.0.0")).send().await;
    let arns: Vec<_> =
        listed.unwrap().image_summary_list().iter().map(|image| image.arn().unwrap().to_owned()).collect();
    assert_eq!(arns, [second.clone(), first]);
    let missing = builder.get_image().image_build_version_arn(second.replace("/2", "/3")).send().await.unwrap_err();
    assert_eq!(missing.code(), Some("ResourceNotFoundException"), "unmodelled on GetImage, and answered all the same");
    running.local.shut_down().await;
}

#[tokio::test]
async fn pages_joined_are_the_whole_list_without_repeats() {
    let running = deployed(7, &[]).await;
    let builder = aws_sdk_imagebuilder::Client::new(&config(&running.local));
    let mut pages = builder.list_images().owner(Ownership::Amazon).max_results(7).into_paginator().send();
    let (mut arns, mut count) = (BTreeSet::new(), 0);
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        assert!(page.image_version_list().len() <= 7);
        count += page.image_version_list().len();
        arns.extend(page.image_version_list().iter().map(|image| image.arn().unwrap().to_owned()));
    }
    assert_eq!(arns.len(), count);
    let windows = Filter::builder().name("platform").values("Windows").build();
    let filtered =
        builder.list_images().owner(Ownership::Amazon).filters(windows).max_results(25).send().await.unwrap();
    let expected: BTreeSet<_> = arns.iter().filter(|arn| arn.contains("/windows-")).cloned().collect();
    let found: BTreeSet<_> =
        filtered.image_version_list().iter().map(|image| image.arn().unwrap().to_owned()).collect();
    assert!(!found.is_empty() && found.is_subset(&expected));
    running.local.shut_down().await;
}

#[tokio::test]
async fn the_same_client_token_starts_one_build() {
    let running = deployed(8, &[own_stack("one-image.yaml")]).await;
    let builder = aws_sdk_imagebuilder::Client::new(&config(&running.local));
    let pipeline = "arn:aws:imagebuilder:us-east-1:123456789012:image-pipeline/one";
    let start = || builder.start_image_pipeline_execution().image_pipeline_arn(pipeline).client_token("cause-1").send();
    let (once, again) = (start().await.unwrap(), start().await.unwrap());
    assert_eq!(once.image_build_version_arn(), again.image_build_version_arn());
    let tagged = builder.start_image_pipeline_execution().image_pipeline_arn(pipeline).client_token("cause-1");
    let mismatch = tagged.tags("a", "b").send().await.unwrap_err();
    assert_eq!(mismatch.code(), Some("IdempotentParameterMismatchException"));
    running.local.shut_down().await;
}

#[tokio::test]
async fn an_ami_that_is_none_never_becomes_a_parameter() {
    let running = deployed(9, &[]).await;
    let parameters = aws_sdk_ssm::Client::new(&config(&running.local));
    let put = parameters.put_parameter().name("/mine").value("ami-0123456789abcdef0").data_type("aws:ec2:image");
    assert_eq!(put.r#type(ParameterType::String).send().await.unwrap().version(), 1);
    crate::harness::settle(&running.local).await;
    let missing = parameters.get_parameter().name("/mine").send().await.unwrap_err();
    assert!(missing.into_service_error().is_parameter_not_found());
    running.local.shut_down().await;
}
