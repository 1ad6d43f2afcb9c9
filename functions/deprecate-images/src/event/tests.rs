use super::*;
use serde_json::json;

#[test]
fn schedules_and_commands_are_read() {
    let time = Some("2026-11-21T03:30:00Z".parse().unwrap());
    let digest = "0123456789abcdef".repeat(4);
    let none = Command::default();
    for (event, command) in [
        (json!({}), none.clone()),
        (json!({"time": "2026-11-21T03:30:00Z"}), Command { time, ..none.clone() }),
        (
            json!({"version": "0", "detail-type": "Scheduled Event", "time": "2026-11-21T03:30:00Z", "detail": {}}),
            Command { time, ..none.clone() },
        ),
        (json!({"dryRun": true}), Command { dry_run: true, ..none.clone() }),
        (json!({"approve": digest}), Command { approve: Some(digest.clone()), ..none.clone() }),
        (
            json!({"retire": {"select": {"families": ["web-*"]}, "from": "web-b"}, "time": "2026-11-21T04:30:00+01:00"}),
            Command { time, families: vec!["web-*".to_owned()], from: Some("web-b".to_owned()), ..none },
        ),
    ] {
        assert_eq!(Command::read(&event).unwrap(), command, "{event}");
    }
}

#[test]
fn anything_else_is_refused_with_what_was_expected() {
    for (event, problem) in [
        (json!(null), "invalid type: null"),
        (json!([]), "invalid length 0"),
        (json!({"dryrun": true}), "unknown field `dryrun`"),
        (json!({"dryRun": "yes"}), "invalid type: string \"yes\""),
        (json!({"time": "today"}), "input contains invalid characters"),
        (json!({"approve": true}), "invalid type: boolean"),
        (json!({"approve": "yes"}), "approve is \"yes\""),
        (json!({"retire": {"select": {"names": ["web"]}}}), "unknown field `names`"),
        (json!({"retire": {"select": {"families": []}}}), "retire.select.families names no family"),
        (json!({"detail-type": "Parameter Store Change"}), "the event's detail-type isn't \"Scheduled Event\""),
        (json!({"detail-type": "Scheduled Event"}), "missing field `time`"),
        (json!({"Records": []}), "unknown field `Records`"),
    ] {
        let error = Command::read(&event).unwrap_err().to_string();
        assert!(error.contains(problem) && error.contains("expected a JSON object"), "{event}: {error}");
    }
}

#[test]
fn families_are_selected_by_name() {
    let command = Command { families: vec!["web-*".to_owned(), "base".to_owned()], ..Command::default() };
    assert!(command.includes("web-1") && command.includes("base") && !command.includes("web"));
    assert!(Command::default().includes("web"));
}
