//! The real binary refuses to start with settings that can't work, and names all of them.

use std::process::Command;

#[test]
fn every_bad_setting_is_named_and_nothing_is_waited_for() {
    let output = Command::new(env!("CARGO_BIN_EXE_start-pipelines"))
        .env_clear()
        .env("MAX_CONCURRENT_BUILDS", "many")
        .env("MAX_ATTEMPTS", "0")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("MAX_CONCURRENT_BUILDS is \"many\": expected a number from 1 to 1000"), "{errors}");
    assert!(errors.contains("MAX_ATTEMPTS is \"0\": expected a number from 1 to 10"), "{errors}");
}
