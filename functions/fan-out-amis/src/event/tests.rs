use super::*;
use serde_json::json;

const ARN: &str = "arn:aws:imagebuilder:us-east-1:123456789012:image/web/1.0.0/3";

fn one(event: &Value) -> Hint {
    let mut hints = hints(event).unwrap_or_else(|error| panic!("{event}: {error}"));
    assert_eq!(hints.len(), 1, "{event}");
    hints.remove(0).unwrap()
}

fn at(seconds: i64) -> Option<DateTime> {
    Some(DateTime::from_secs(seconds))
}

#[test]
fn a_notification_and_the_same_by_hand() {
    let message = format!("{{\n  \"semver\": 1237940039285380274899124227,\n  \"arn\": \"{ARN}\"\n}}");
    let bare: Value = serde_json::from_str(&message).unwrap();
    let sns = json!({
        "MessageId": "m-1", "Timestamp": "2026-01-01T00:00:00.000Z", "Subject": null, "Message": message,
        "MessageAttributes": {},
    });
    let record = json!({"EventSource": "aws:sns", "Sns": sns});
    let build = Cause::Build(ARN.parse().unwrap());
    for (event, message_id, time, dry_run) in [
        (json!({"Records": [record]}), Some("m-1"), at(1_767_225_600), false),
        (bare, None, None, false),
        (json!({"arn": ARN}), None, None, false),
        (json!({"arn": ARN, "dryRun": true, "time": "2026-01-01T01:00:00+01:00"}), None, at(1_767_225_600), true),
    ] {
        let message_id = message_id.map(str::to_owned);
        assert_eq!(one(&event), Hint { cause: build.clone(), time, message_id, dry_run }, "{event}");
    }
}

#[test]
fn messages_of_others_are_told_apart() {
    let event = json!({"Records": [{"Sns": {"MessageId": "m-2", "Message": "hello"}}]});
    assert!(matches!(&hints(&event).unwrap()[..], [Err(Stray { message_id: Some(id), .. })] if id == "m-2"));
}

#[test]
fn sweeps_and_commands() {
    let command = |command| Cause::Command(command);
    let (family, channel) = ("web".to_owned(), "prod".to_owned());
    let promote = |to| command(Command::Promote { family: "web".to_owned(), channel: "prod".to_owned(), to });
    let rollback = |to| command(Command::Rollback { family: "web".to_owned(), channel: None, to });
    let version: Version = "1.2.0".parse().unwrap();
    for (event, cause) in [
        (json!({"sweep": {}, "time": "2026-01-01T00:00:00Z"}), Cause::Sweep(vec![])),
        (json!({"sweep": {"families": ["web-*"]}}), Cause::Sweep(vec!["web-*".to_owned()])),
        (json!({"detail-type": "Scheduled Event", "source": "aws.events", "detail": {}}), Cause::Sweep(vec![])),
        (json!({"promote": {"family": "web", "channel": "prod", "to": "latest"}}), promote(Wanted::Latest)),
        (
            json!({"promote": {"family": "web", "channel": "prod", "version": "1.2.0"}}),
            promote(Wanted::Version(version)),
        ),
        (
            json!({"promote": {"family": "web", "channel": "prod", "build": "1.2.0/3"}}),
            promote(Wanted::Build(version, 3)),
        ),
        (
            json!({"promote": {"family": "web", "channel": "prod", "build": ARN}}),
            promote(Wanted::Arn(ARN.parse().unwrap())),
        ),
        (json!({"rollback": {"family": "web"}}), rollback(None)),
        (json!({"rollback": {"family": "web", "channel": null}}), rollback(None)),
        (json!({"rollback": {"family": "web", "version": "1.2.0"}}), rollback(Some(Wanted::Version(version)))),
        (
            json!({"rollback": {"family": "web", "channel": "prod"}}),
            command(Command::Rollback { family: family.clone(), channel: Some(channel.clone()), to: None }),
        ),
        (json!({"release": {"family": "web"}}), command(Command::Release { family: family.clone(), channel: None })),
        (
            json!({"release": {"family": "web", "channel": "prod"}}),
            command(Command::Release { family: family.clone(), channel: Some(channel) }),
        ),
        (json!({"show": {"family": "web"}}), command(Command::Show { family })),
    ] {
        assert_eq!(one(&event).cause, cause, "{event}");
    }
    assert!(one(&json!({"show": {"family": "web"}, "dryRun": true})).dry_run);
}

#[test]
fn what_can_not_be_followed_is_named() {
    for (event, problem) in [
        (json!("text"), "the event is text: expected a JSON object"),
        (json!({}), "the event's members are none: expected exactly one of arn, sweep"),
        (json!({"source": "aws.ec2"}), "the event's members are source: expected exactly one of"),
        (json!({"show": {}, "release": {}}), "the event's members are show, release: expected exactly one"),
        (json!({"Records": [{"s3": {}}]}), "member Records isn't as it has to be: missing field `Sns`"),
        (json!({"detail-type": "Other"}), "member detail-type isn't as it has to be: \"Other\""),
        (json!({"arn": "ami-1"}), "member arn isn't as it has to be"),
        (json!({"sweep": []}), "member sweep isn't as it has to be: expected an object"),
        (json!({"sweep": {"family": "web"}}), "member sweep.family isn't known: expected families"),
        (json!({"sweep": {}, "dryrun": true}), "member dryrun isn't known"),
        (json!({"sweep": {}, "dryRun": "yes"}), "member dryRun isn't as it has to be: invalid type"),
        (json!({"sweep": {}, "time": "today"}), "member time isn't as it has to be: \"today\""),
        (json!({"show": {}}), "member show.family isn't as it has to be: it is missing"),
        (json!({"show": {"family": "../x"}}), "member show.family isn't as it has to be: \"../x\""),
        (json!({"promote": {"family": "web", "to": "latest"}}), "member promote.channel isn't as it has to be: it is"),
        (json!({"promote": {"family": "web", "channel": "prod"}}), "member promote.to isn't as it has to be: it is"),
        (
            json!({"promote": {"family": "web", "channel": "latest", "to": "latest"}}),
            "member promote.channel isn't as it has to be: \"latest\"",
        ),
        (
            json!({"promote": {"family": "web", "channel": "prod", "to": "newest"}}),
            "member promote.to isn't as it has to be: \"newest\": expected \"latest\"",
        ),
        (
            json!({"promote": {"family": "web", "channel": "prod", "to": "latest", "version": "1.2.0"}}),
            "member promote.to isn't as it has to be: version is given as well",
        ),
        (
            json!({"promote": {"family": "web", "channel": "prod", "version": "1.2.x"}}),
            "member promote.version isn't as it has to be: \"1.2.x\": expected a version",
        ),
        (
            json!({"promote": {"family": "db", "channel": "prod", "build": ARN}}),
            "member promote.build isn't as it has to be",
        ),
        (json!({"rollback": {"family": "web", "to": "latest"}}), "member rollback.to isn't known"),
        (
            json!({"rollback": {"family": "web", "channel": "prod", "version": "1.2.0"}}),
            "member rollback.channel isn't as it has to be: a channel is rolled back to where it was before",
        ),
        (json!({"release": {"family": "web", "build": "1.2.0/1"}}), "member release.build isn't known"),
    ] {
        let told = hints(&event).unwrap_err().to_string();
        assert!(told.contains(problem), "{event}: {told}");
    }
}
