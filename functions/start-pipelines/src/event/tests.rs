use super::*;
use serde_json::json;

const ARN: &str = "arn:aws:imagebuilder:us-east-1:123456789012:image/base/1.0.0/3";
const TIME: &str = "2026-03-02T01:27:51.000Z";

fn sns(topic: &str, message: &str) -> Value {
    json!({"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": {
        "Type": "Notification", "MessageId": "m-1", "TopicArn": topic, "Subject": null, "Message": message,
        "Timestamp": TIME, "MessageAttributes": {},
    }})
}

fn one(event: &Value) -> Hint {
    let mut hints = hints(event).unwrap();
    assert_eq!(hints.len(), 1, "{event}");
    hints.remove(0).unwrap()
}

#[test]
fn messages_are_told_by_their_topic_and_else_have_to_be_image_builders() {
    let amazon = |name: &str| format!("arn:aws:sns:us-east-1:137112412989:{name}");
    let linux = json!({"v1": {"ReleaseVersion": "2.0", "ImageVersion": "2.0", "ReleaseNotes": "", "Regions": {
        "us-east-1": [{"Name": "amzn2-ami-hvm", "ImageId": "ami-0123456789abcdef0"}]}}})
    .to_string();
    let ecs = json!({"ECSAgent": {"ReleaseVersion": "1.16.1"}, "ECSAmis": [{"Regions": {
        "us-east-1": {"Name": "amzn-ami", "ImageId": "ami-13401669"}}}]})
    .to_string();
    let build = json!({"arn": ARN, "state": {"status": "AVAILABLE"}}).to_string();
    let base = Cause::BaseImage;
    for (topic, message, cause) in [
        (amazon("amazon-linux-2-ami-updates"), linux.as_str(), base(BaseImage::AmazonLinux2)),
        (amazon("amazon-linux-2023-ami-updates"), &linux, base(BaseImage::AmazonLinux2023)),
        (amazon("amazon-linux-2023-ami-updates"), "not as it was", base(BaseImage::AmazonLinux2023)),
        (
            "arn:aws:sns:us-east-1:801119661308:ec2-windows-ami-update".to_owned(),
            "New AMIs dated 2018.01.05 are now available.",
            base(BaseImage::Windows),
        ),
        (
            "arn:aws-us-gov:sns:us-gov-west-1:077303321853:ec2-windows-ami-update".to_owned(),
            "New AMIs",
            base(BaseImage::Windows),
        ),
        (
            "arn:aws:sns:us-east-1:801119661308:ec2-windows-ami-private".to_owned(),
            "Made private.",
            base(BaseImage::Windows),
        ),
        (
            "arn:aws:sns:eu-west-1:177427601217:ecs-optimized-amazon-ami-update".to_owned(),
            &ecs,
            base(BaseImage::EcsOptimized),
        ),
        ("arn:aws:sns:us-east-1:123456789012:builds".to_owned(), &build, Cause::Build(ARN.parse().unwrap())),
    ] {
        let hint = one(&json!({"Records": [sns(&topic, message)]}));
        assert_eq!(hint.cause, cause, "{topic}");
        assert_eq!((hint.message_id.as_deref(), hint.time.as_deref()), (Some("m-1"), Some(TIME)));
        assert!(!hint.dry_run);
    }
}

#[test]
fn several_messages_of_one_event_are_all_taken_and_strays_named() {
    let own = "arn:aws:sns:us-east-1:123456789012:builds";
    let linux = "arn:aws:sns:us-east-1:137112412989:amazon-linux-2-ami-updates";
    let build = json!({"arn": ARN}).to_string();
    let event = json!({"Records": [sns(own, &build), sns(own, "hello"), sns(linux, "hello")]});
    let hints = hints(&event).unwrap();
    let [Ok(first), Err(stray), Ok(last)] = &hints[..] else { panic!("{hints:?}") };
    assert_eq!(first.cause, Cause::Build(ARN.parse().unwrap()));
    assert_eq!(stray.message_id.as_deref(), Some("m-1"));
    assert_eq!(last.cause, Cause::BaseImage(BaseImage::AmazonLinux2));
}

#[test]
fn parameters_that_changed_are_named() {
    let sample = json!({
        "version": "0", "id": "9547ef2d-3b7e-4057-b6cb-5fdf09ee7c8f", "detail-type": "Parameter Store Change",
        "source": "aws.ssm", "account": "123456789012", "time": "2017-05-22T16:44:48Z", "region": "us-east-1",
        "resources": ["arn:aws:ssm:us-east-1:123456789012:parameter/MyExampleParameter"],
        "detail": {"operation": "Update", "name": "MyExampleParameter", "type": "String"},
    });
    let hint = one(&sample);
    assert_eq!(hint.cause, Cause::BaseImage(BaseImage::Parameter("MyExampleParameter".to_owned())));
    assert_eq!(hint.time.as_deref(), Some("2017-05-22T16:44:48Z"));
}

#[test]
fn schedules_and_commands_have_one_form() {
    let all = Select::default;
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    for (event, select, mode, dry_run, time) in [
        (json!({}), all(), Mode::IfChanged, false, None),
        (json!({"mode": "if-changed", "time": TIME}), all(), Mode::IfChanged, false, Some(TIME)),
        (json!({"select": null, "mode": null, "dryRun": null}), all(), Mode::IfChanged, false, None),
        (
            json!({"select": {"names": ["web-*"]}, "mode": "always", "dryRun": true}),
            Select { names: names(&["web-*"]), ..all() },
            Mode::Always,
            true,
            None,
        ),
        (
            json!({"select": {"tags": {"team": "shop"}, "arns": ["a"]}}),
            Select { tags: [("team".to_owned(), "shop".to_owned())].into(), arns: names(&["a"]), ..all() },
            Mode::IfChanged,
            false,
            None,
        ),
        (
            json!({"version": "0", "detail-type": "Scheduled Event", "source": "aws.scheduler", "time": TIME, "detail": "{}"}),
            all(),
            Mode::IfChanged,
            false,
            Some(TIME),
        ),
        (
            json!({"version": "0", "detail-type": "Scheduled Event", "source": "aws.events", "time": TIME, "detail": {}}),
            all(),
            Mode::IfChanged,
            false,
            Some(TIME),
        ),
    ] {
        let hint = one(&event);
        assert_eq!(hint.cause, Cause::Schedule { select, mode }, "{event}");
        assert_eq!((hint.dry_run, hint.time.as_deref(), hint.message_id), (dry_run, time, None), "{event}");
    }
    assert_eq!(one(&json!({"arn": ARN})).cause, Cause::Build(ARN.parse().unwrap()));
}

#[test]
fn what_is_wrong_is_named_with_its_field() {
    for (event, message) in [
        (json!("text"), "the event is text: expected a JSON object"),
        (json!([]), "the event is a list: expected a JSON object"),
        (json!({"slect": {}}), "the event's member slect isn't known: expected select, mode, dryRun or time"),
        (
            json!({"select": {"name": "web"}}),
            "the event's member select.name isn't known: expected tags, names or arns",
        ),
        (json!({"select": []}), "the event's member select isn't as it has to be: "),
        (json!({"select": {"names": "web-*"}}), "the event's member select.names isn't as it has to be: "),
        (json!({"select": {"tags": {"team": 1}}}), "the event's member select.tags isn't as it has to be: "),
        (json!({"mode": "sometimes"}), "the event's member mode isn't as it has to be: unknown variant `sometimes`"),
        (json!({"dryRun": "yes"}), "the event's member dryRun isn't as it has to be: invalid type: string \"yes\""),
        (json!({"arn": "ami-1"}), "the event's member arn isn't as it has to be: "),
        (json!({"Records": [{"s3": {}}]}), "the event's member Records isn't as it has to be: missing field `Sns`"),
        (
            json!({"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification"}),
            "the event's member detail-type isn't as it has to be: \"EC2 Instance",
        ),
        (
            json!({"source": "aws.ssm", "detail-type": "Parameter Store Change", "detail": {}}),
            "the event's member detail.name isn't as it has to be: it is missing",
        ),
    ] {
        let error = hints(&event).unwrap_err().to_string();
        assert!(error.starts_with(message), "{event}: {error}");
    }
}
