//! That no operation is without its tests: read off the sources of the tests beside this file.

use crate::model::operations;
use std::fs;
use std::path::Path;

/// `GetImage` as the SDK's call, `.get_image()`.
fn sdk_call(operation: &str) -> String {
    let mut call = String::new();
    for letter in operation.chars() {
        if letter.is_uppercase() {
            call.push(if call.is_empty() { '.' } else { '_' });
        }
        call.push(letter.to_ascii_lowercase());
    }
    call + "()"
}

/// The texts of all functions of the tests, comments left out.
fn functions() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/imagebuilder");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let source = fs::read_to_string(entry.unwrap().path()).unwrap();
        let mut function = String::new();
        for line in source.lines().filter(|line| !line.trim_start().starts_with("//")) {
            let begins = ["fn ", "async fn ", "pub(crate) fn ", "pub(crate) async fn ", "impl "];
            if begins.iter().any(|begin| line.starts_with(begin)) {
                found.push(std::mem::take(&mut function));
            }
            function.push_str(line);
            function.push('\n');
        }
        found.push(function);
    }
    found
}

#[test]
fn every_operation_is_called_by_the_sdk_with_success_and_with_a_refusal() {
    let functions = functions();
    let missing = |signs: &[&str]| -> Vec<&str> {
        let called = |operation: &str| {
            let call = sdk_call(operation);
            let calling = functions.iter().filter(|function| function.contains(&call));
            calling.filter(|function| signs.iter().any(|sign| function.contains(sign))).count() > 0
        };
        operations().map(|operation| operation.name).filter(|name| !called(name)).collect()
    };
    assert_eq!(missing(&[".unwrap()"]), [""; 0], "no test in which it succeeds");
    assert_eq!(missing(&["code(", ".unwrap_err()"]), [""; 0], "no test in which it is refused");
}

#[test]
fn a_call_is_named_as_the_sdk_names_it() {
    assert_eq!(sdk_call("ListImageScanFindings"), ".list_image_scan_findings()");
    let functions = functions();
    assert!(functions.len() > 100, "{}", functions.len());
    assert!(!functions.iter().any(|function| function.contains(&sdk_call("CreateNothing"))));
}
