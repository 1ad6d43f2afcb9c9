//! The real binary refuses to start with settings that can't work, and names all of them.

use std::process::Command;

#[test]
fn every_bad_setting_is_named_and_nothing_is_waited_for() {
    let output = Command::new(env!("CARGO_BIN_EXE_fan-out-amis"))
        .env_clear()
        .env("PARAMETER_PREFIX", "golden-images/")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("PARAMETER_PREFIX is \"golden-images/\": expected a path"), "{errors}");
    assert!(errors.contains("PUBLISHED_IMAGES_TOPIC_ARN isn't set: expected the ARN of an SNS topic"), "{errors}");
}
