//! ImportVmImage: the AMI that EC2's import of a virtual machine makes, as an image.

use super::{Arrival, Origin, begin, given, version};
use crate::imagebuilder::lookup::text;
use crate::model::bad_value;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::{Map, Value, json};

/// ImportVmImage. The local EC2 has no import tasks: every well-formed ID is taken for one that goes well, and
/// its AMI is made here.
pub(in crate::imagebuilder) fn import_vm_image(
    world: &mut World,
    context: &Context,
    input: &Value,
) -> Result<Value, ApiError> {
    let (name, task_id) = (text(input, "name"), text(input, "vmImportTaskId"));
    check_name(name)?;
    if !is_task(task_id) {
        return Err(bad_value("vmImportTaskId", "Expected import-ami- and 8 or 17 hexadecimal digits."));
    }
    let mut document = Map::new();
    document.insert("platform".to_owned(), text(input, "platform").into());
    if let Some(os_version) = input.get("osVersion") {
        document.insert("osVersion".to_owned(), os_version.clone());
    }
    document.insert("buildType".to_owned(), "IMPORT".into());
    document.insert("imageSource".to_owned(), "IMPORTED".into());
    let arrival = Arrival {
        name: name.to_owned(),
        version: version(input)?,
        ahead: &["CREATING", "AVAILABLE"],
        origin: Origin::Machine { task_id: task_id.to_owned(), description: given(input, "description") },
        document,
        topic_arn: None,
        detail: format!("ImportVmImage, task {task_id}"),
    };
    Ok(json!({"imageArn": begin(world, context, input, arrival)}))
}

/// The model lets any name pass here; the image's own name has the pattern of every resource's.
fn check_name(name: &str) -> Result<(), ApiError> {
    let inner = |c: char| c.is_ascii_alphanumeric() || "-_ ".contains(c);
    if (3..=128).contains(&name.len()) && name.chars().all(inner) && name.trim() == name {
        return Ok(());
    }
    Err(bad_value("name", "Expected 3 to 128 letters, digits, dashes, underscores or spaces between them."))
}

fn is_task(id: &str) -> bool {
    let digits = id.strip_prefix("import-ami-").unwrap_or_default();
    [8, 17].contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_tasks_have_their_forms() {
        for (name, good) in
            [("my vm", true), ("a_b-C", true), ("ab", false), (" abc", false), ("a/bc", false), ("a\tbc", false)]
        {
            assert_eq!(check_name(name).is_ok(), good, "{name:?}");
        }
        for (id, good) in [
            ("import-ami-1234567890abcdef0", true),
            ("import-ami-abcd1234", true),
            ("import-ami-", false),
            ("import-ami-xyz", false),
            ("import-i-abcd1234", false),
            ("abcd1234", false),
        ] {
            assert_eq!(is_task(id), good, "{id:?}");
        }
    }
}
