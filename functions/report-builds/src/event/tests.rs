use super::*;

const BUILD: &str = "arn:aws:imagebuilder:eu-west-1:123456789012:image/web-server/2.0.1/4";

fn fixture(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn one(event: &Value) -> Hint {
    let mut hints = hints(event).unwrap();
    assert_eq!(hints.len(), 1);
    hints.remove(0).unwrap()
}

fn time(text: &str) -> Option<DateTime<Utc>> {
    Some(text.parse().unwrap())
}

#[test]
fn a_notification_names_a_build_and_bears_the_topics_time() {
    let message = include_str!("fixtures/notification_failed.json");
    let sns = json!({"MessageId": "m-1", "Timestamp": "2026-11-20T04:31:09.123Z", "Message": message, "Subject": null});
    let stray = json!({"MessageId": "m-2", "Timestamp": "2026-11-20T04:31:10.000Z", "Message": "hello"});
    let hints = hints(&json!({"Records": [{"EventSource": "aws:sns", "Sns": sns}, {"Sns": stray}]})).unwrap();
    let [Ok(hint), Err(stray)] = &hints[..] else { panic!("{hints:?}") };
    assert_eq!(hint.subject, Subject::Build(BUILD.parse().unwrap()));
    assert_eq!((hint.time, hint.id.as_deref()), (time("2026-11-20T04:31:09.123Z"), Some("m-1")));
    assert_eq!(stray.id.as_deref(), Some("m-2"));
}

#[test]
fn every_event_of_the_bus_says_where_to_look() {
    let build = Subject::Build(BUILD.parse().unwrap());
    let pipeline = "arn:aws:imagebuilder:eu-west-1:123456789012:image-pipeline/web-server-nightly";
    let elsewhere = || ("eu-central-1".to_owned(), "111122223333".to_owned());
    let ami = Subject::Ami { region: elsewhere().0, account: elsewhere().1, ami: "ami-0fedcba9876543210".to_owned() };
    let parameter = Subject::Parameter {
        region: elsewhere().0,
        account: elsewhere().1,
        name: "/golden-images/web-server".to_owned(),
        refusal: Some("Unable to Describe Resource".to_owned()),
    };
    for (text, subject, at) in [
        (include_str!("fixtures/state_change.json"), build.clone(), "2026-11-20T04:31:07Z"),
        (include_str!("fixtures/cve_detected.json"), build.clone(), "2026-11-20T04:29:11Z"),
        (include_str!("fixtures/step_waiting.json"), build, "2026-11-20T04:12:44Z"),
        (
            include_str!("fixtures/pipeline_disabled.json"),
            Subject::Pipeline(pipeline.parse().unwrap()),
            "2026-11-20T05:02:30Z",
        ),
        (include_str!("fixtures/ami_state.json"), ami, "2026-11-20T09:15:00Z"),
        (include_str!("fixtures/parameter_refused.json"), parameter, "2026-11-20T05:20:42Z"),
    ] {
        let hint = one(&fixture(text));
        assert_eq!((hint.subject, hint.time), (subject, time(at)));
        assert!(hint.id.is_some() && !hint.dry_run);
    }
}

#[test]
fn a_schedule_and_commands() {
    let at = "2026-11-21T06:00:00Z";
    let bare = json!({"detail-type": "Scheduled Event", "time": at, "id": "e", "detail": {}});
    for event in [json!({"time": at}), json!({"time": at, "dryRun": true}), bare] {
        let hint = one(&event);
        assert_eq!((hint.subject, hint.time), (Subject::Sweep, time(at)));
        assert_eq!(hint.dry_run, event.get("dryRun").is_some());
    }
    assert_eq!(one(&json!({"arn": BUILD, "time": at, "semver": 1})).subject, Subject::Build(BUILD.parse().unwrap()));
    let step = "step-1e50d172-bf68-4d41-9052-63aecf718293";
    for (name, answer) in [("resume", Answer::Resume), ("stop", Answer::Stop)] {
        let hint = one(&json!({name: {"image": BUILD, "step": step, "reason": "seen by two"}}));
        let image = BUILD.parse().unwrap();
        let reason = Some("seen by two".to_owned());
        assert_eq!(hint.subject, Subject::Answer { answer, image, step: step.to_owned(), reason });
        assert_eq!(hint.time, None);
    }
}

#[test]
fn what_can_not_be_followed_names_the_member() {
    let at = "2026-11-21T06:00:00Z";
    let step = "step-1e50d172-bf68-4d41-9052-63aecf718293";
    let state = |resources: &[&str]| json!({"detail-type": "EC2 Image Builder Image State Change", "time": at, "resources": resources, "detail": {}});
    let ami = |region: &str| json!({"detail-type": "EC2 AMI State Change", "time": at, "region": region, "account": "111122223333", "detail": {"ImageId": "ami-1"}});
    for (event, named) in [
        (json!([]), "a list"),
        (json!({}), "time"),
        (json!({"time": "tomorrow"}), "time"),
        (json!({"arn": BUILD}), "time"),
        (json!({"arn": "ami-1", "time": at}), "arn"),
        (json!({"time": at, "resumes": {}}), "resumes"),
        (json!({"resume": {"image": BUILD, "step": step}, "stop": {}}), "stop"),
        (json!({"resume": {"image": BUILD}}), "resume.step"),
        (json!({"resume": {"image": BUILD, "step": "WaitForApproval"}}), "resume.step"),
        (json!({"stop": {"image": "web", "step": step}}), "stop.image"),
        (json!({"stop": {"image": BUILD, "step": step, "reason": ""}}), "stop.reason"),
        (json!({"stop": {"image": BUILD, "step": step, "why": "x"}}), "stop.why"),
        (json!({"detail-type": "EC2 Instance State-change Notification", "time": at}), "detail-type"),
        (state(&[]), "resources"),
        (state(&["arn:aws:imagebuilder:evil.example/:123456789012:image/web/1.0.0/1"]), "resources"),
        (ami("evil.example/"), "region"),
        (json!({"Records": [{"s3": {}}]}), "Records"),
    ] {
        let error = hints(&event).unwrap_err().to_string();
        assert!(error.contains(named), "{event}: {error}");
    }
}
