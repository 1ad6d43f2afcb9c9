//! The steps of a component's document.

use super::Node;

/// The action modules, and whether one needs inputs.
const ACTIONS: [(&str, bool); 30] = [
    ("AppendFile", true),
    ("Assert", true),
    ("CopyFile", true),
    ("CopyFolder", true),
    ("CreateFile", true),
    ("CreateFolder", true),
    ("CreateSymlink", true),
    ("DeleteFile", true),
    ("DeleteFolder", true),
    ("ExecuteBash", true),
    ("ExecuteBinary", true),
    ("ExecuteDocument", true),
    ("ExecutePowerShell", true),
    ("InstallMSI", true),
    ("ListFiles", true),
    ("MoveFile", true),
    ("MoveFolder", true),
    ("ReadFile", true),
    ("Reboot", false),
    ("S3Download", true),
    ("S3Upload", true),
    ("SetFileEncoding", true),
    ("SetFileOwner", true),
    ("SetFilePermissions", true),
    ("SetFolderOwner", true),
    ("SetFolderPermissions", true),
    ("SetRegistry", true),
    ("UninstallMSI", true),
    ("UpdateOS", false),
    ("WebDownload", true),
];

/// Checks a step by itself.
///
/// # Errors
/// What is wrong with it and in which line, in words.
pub(super) fn check(step: &Node) -> Result<(), String> {
    let name = step.name("A step")?;
    let Some(action) = step.get("action").and_then(Node::text) else {
        return Err(step.fault(&format!("The step {name:?} has no action.")));
    };
    let Some((_, needs_inputs)) = ACTIONS.iter().find(|(known, _)| *known == action) else {
        return Err(step.fault(&format!("The step {name:?} has the action {action:?}, which is no action module.")));
    };
    if *needs_inputs && step.get("inputs").is_none() {
        return Err(step.fault(&format!("The step {name:?} has no inputs, which {action} requires.")));
    }
    if let Some(timeout) = step.get("timeoutSeconds").filter(|node| !integer(node, |n| n == -1 || n > 0)) {
        return Err(timeout.fault("timeoutSeconds must be a whole number above 0, or -1 for no limit."));
    }
    if let Some(attempts) = step.get("maxAttempts").filter(|node| !integer(node, |n| n > 0)) {
        return Err(attempts.fault("maxAttempts must be a whole number above 0."));
    }
    let known = |node: &Node| node.text().is_some_and(|text| ["Abort", "Continue", "Ignore"].contains(&text));
    if let Some(on_failure) = step.get("onFailure").filter(|node| !known(node)) {
        return Err(on_failure.fault("onFailure must be one of Abort, Continue, Ignore."));
    }
    step.get("loop").map_or(Ok(()), check_loop)
}

/// A loop counts, or goes over a list.
fn check_loop(repeat: &Node) -> Result<(), String> {
    repeat.mapping("loop")?;
    match (repeat.get("for"), repeat.get("forEach")) {
        (Some(counted), None) => {
            counted.mapping("for")?;
            for member in ["start", "end", "updateBy"] {
                let bound = counted.get(member).ok_or_else(|| counted.fault(&format!("for has no {member}.")))?;
                // What a reference stands for is known when the step runs.
                let reference = bound.text().is_some_and(|text| text.contains("{{"));
                if !reference && !integer(bound, |n| member != "updateBy" || n != 0) {
                    return Err(bound.fault(&format!("{member} must be a whole number, and updateBy not 0.")));
                }
            }
            Ok(())
        }
        (None, Some(each)) => match each.items("forEach") {
            Ok([]) => Err(each.fault("forEach has no items.")),
            Ok(_) => Ok(()),
            Err(_) => {
                let both = each.get("list").is_some() && each.get("delimiter").is_some();
                if both { Ok(()) } else { Err(each.fault("forEach must be a list, or have list and delimiter.")) }
            }
        },
        _ => Err(repeat.fault("A loop has one of for and forEach.")),
    }
}

fn integer(node: &Node, fits: impl Fn(i64) -> bool) -> bool {
    node.text().and_then(|text| text.parse().ok()).is_some_and(fits)
}
