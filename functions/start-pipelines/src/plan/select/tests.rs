use super::*;
use crate::plan::fixtures::*;

#[test]
fn every_given_member_has_to_select() {
    let mut web = pipeline("web-1", "image-recipe/web/1.0.0");
    web.tags = [("team", "blue"), ("env", "prod")].map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    for (select, expected) in [
        (r#"{}"#, true),
        (r#"{"names": ["api", "web-*"]}"#, true),
        (r#"{"names": ["api-*"]}"#, false),
        (r#"{"tags": {"team": "blue"}}"#, true),
        (r#"{"tags": {"team": "blue", "env": "prod"}}"#, true),
        (r#"{"tags": {"team": "blue", "env": "test"}}"#, false),
        (r#"{"tags": {"owner": ""}}"#, false),
        (r#"{"tags": {"team": "blue"}, "names": ["api"]}"#, false),
        (r#"{"arns": ["arn:aws:imagebuilder:us-east-1:123456789012:image-pipeline/web-1"]}"#, true),
        (r#"{"arns": ["arn:aws:imagebuilder:us-east-1:123456789012:image-pipeline/web-2"], "names": ["*"]}"#, false),
    ] {
        let select: Select = serde_json::from_str(select).unwrap();
        assert_eq!(select.includes(&web), expected, "{select:?}");
    }
    for bad in [r#"{"name": ["web"]}"#, r#"{"names": "web"}"#, "[1]"] {
        assert!(serde_json::from_str::<Select>(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_hint_is_about_what_is_based_on_it() {
    use BaseImage::{AmazonLinux2, AmazonLinux2023, EcsOptimized, Windows};
    let parameter = |name: &str| BaseImage::Parameter(name.to_owned());
    let topics = [AmazonLinux2, AmazonLinux2023, Windows, EcsOptimized];
    let public = |name: &str| format!("ssm:/aws/service/{name}");
    for (parent, expected) in [
        (amazons("image/amazon-linux-2-x86/x.x.x"), Some(AmazonLinux2)),
        (amazons("image/amazon-linux-2-arm64/2026.1.5"), Some(AmazonLinux2)),
        (amazons("image/amazon-linux-2023-x86/x.x.x"), Some(AmazonLinux2023)),
        (amazons("image/amazon-linux-2-ecs-optimized-x86/x.x.x"), Some(EcsOptimized)),
        (amazons("image/amazon-linux-2023-ecs-optimized-arm64/x.x.x"), Some(EcsOptimized)),
        (amazons("image/windows-server-2022-english-full-base-x86/x.x.x"), Some(Windows)),
        (amazons("image/ubuntu-server-24-lts-x86/x.x.x"), None),
        (arn("image/amazon-linux-2023-x86/x.x.x"), None),
        (amazons("component/amazon-linux-2-x86/x.x.x"), None),
        (public("ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"), Some(AmazonLinux2023)),
        (public("ami-amazon-linux-latest/al2023-ami-minimal-kernel-6.1-arm64"), Some(AmazonLinux2023)),
        (public("ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2"), Some(AmazonLinux2)),
        (public("ami-windows-latest/Windows_Server-2022-English-Full-Base"), Some(Windows)),
        (public("ecs/optimized-ami/amazon-linux-2023/recommended/image_id"), Some(EcsOptimized)),
        (
            "ssm:arn:aws:ssm:us-east-1::parameter/aws/service/ecs/optimized-ami/amazon-linux-2/recommended/image_id"
                .to_owned(),
            Some(EcsOptimized),
        ),
        (public("canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id"), None),
        ("ssm:/golden-images/base".to_owned(), Some(parameter("/golden-images/base"))),
        (
            format!("ssm:arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/golden-images/base"),
            Some(parameter("/golden-images/base")),
        ),
        ("ssm:base".to_owned(), Some(parameter("base"))),
        ("ssm:/golden-images/base-two".to_owned(), None),
        ("ami-1".to_owned(), None),
        ("amazonlinux:2023".to_owned(), None),
    ] {
        let recipe = recipe("image-recipe/web/1.0.0", &parent, &[]);
        let parameters = ["/golden-images/base", "base", "/golden-images", ""].map(parameter);
        let carriers: Vec<&BaseImage> = topics.iter().chain(&parameters).filter(|hint| hint.carries(&recipe)).collect();
        assert_eq!(carriers, expected.iter().collect::<Vec<_>>(), "{parent}");
    }
}
