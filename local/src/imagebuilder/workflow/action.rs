//! The actions of workflows' steps: in which stages they may stand, and what they are given.
//!
//! Source: "Supported step actions for your workflow document" of the EC2 Image Builder user guide.

use super::super::yaml::Node;
use serde_json::{Map, Value};

const HOUR: u32 = 60 * 60;
const DAY: u32 = 24 * HOUR;

const ANYWHERE: &[&str] = &["BUILD", "TEST", "DISTRIBUTION"];
const DISTRIBUTION: &[&str] = &["DISTRIBUTION"];

/// The longest JSON that goes to Lambda, SNS or Step Functions, in bytes.
const MOST_PAYLOAD: usize = 16 * 1024;

/// What a step can do.
#[derive(Debug)]
pub(super) struct Action {
    name: &'static str,
    /// The kinds of workflows that may have it.
    pub(super) stages: &'static [&'static str],
    required: &'static [&'static str],
    optional: &'static [&'static str],
    /// The highest `timeoutSeconds`.
    pub(super) longest: u32,
}

const fn action(
    name: &'static str,
    stages: &'static [&'static str],
    required: &'static [&'static str],
    optional: &'static [&'static str],
    longest: u32,
) -> Action {
    Action { name, stages, required, optional, longest }
}

const INSTANCE: &[&str] = &["instanceId"];

const REGISTERED: &[&str] = &[
    "architecture",
    "blockDeviceMapping",
    "bootMode",
    "description",
    "enaSupport",
    "imageLocation",
    "imdsSupport",
    "includeSnapshotTags",
    "kernelId",
    "ramdiskId",
    "rootDeviceName",
    "sriovNetSupport",
    "tpmSupport",
    "uefiData",
    "virtualizationType",
];

#[rustfmt::skip]
const ACTIONS: &[Action] = &[
    action("ApplyImageConfigurations", DISTRIBUTION, &["distributedImages"], &["configurations"], 12 * HOUR),
    action("BootstrapInstanceForContainer", ANYWHERE, INSTANCE, &[], 12 * HOUR),
    action("CollectImageMetadata", ANYWHERE, INSTANCE, &[], 12 * HOUR),
    action("CollectImageScanFindings", &["TEST"], INSTANCE, &[], 12 * HOUR),
    action("CreateImage", ANYWHERE, INSTANCE, &[], 3 * DAY),
    action("CreateImageFromIso", ANYWHERE, INSTANCE, &[], 12 * HOUR),
    action("DistributeContainerImage", DISTRIBUTION, INSTANCE, &[], 12 * HOUR),
    action("DistributeImage", DISTRIBUTION, &[], &["distributions"], 12 * HOUR),
    action("ExecuteComponents", &["BUILD", "TEST"], INSTANCE, &[], DAY),
    action("ExecuteStateMachine", ANYWHERE, &["stateMachineArn"], &["input"], DAY),
    action("LaunchInstance", ANYWHERE, &["waitFor"], &["healthCheck", "imageIdOverride", "instanceTypesOverride"], 12 * HOUR),
    action("ModifyImageAttributes", DISTRIBUTION, &["distributedImages"], &["attributes"], 3 * HOUR),
    action("RegisterImage", ANYWHERE, &[], REGISTERED, 12 * HOUR),
    action("RunCommand", ANYWHERE, &["instanceId", "documentName"], &["documentVersion", "parameters"], 12 * HOUR),
    action("RunSysPrep", ANYWHERE, INSTANCE, &[], 12 * HOUR),
    action("SanitizeInstance", ANYWHERE, INSTANCE, &[], 12 * HOUR),
    action("TerminateInstance", ANYWHERE, INSTANCE, &["waitForTermination"], 12 * HOUR),
    action("WaitForAction", ANYWHERE, &[], &["lambdaFunctionName", "payload", "snsTopicArn"], 7 * DAY),
    action("WaitForSSMAgent", ANYWHERE, INSTANCE, &[], 3 * HOUR),
];

/// The action of a name.
pub(super) fn named(name: &str) -> Option<&'static Action> {
    ACTIONS.iter().find(|action| action.name == name)
}

/// Whether one workflow can't have both: it distributes container images or AMIs.
pub(super) fn excludes(one: &str, other: &str) -> bool {
    let of_amis = ["DistributeImage", "ModifyImageAttributes", "ApplyImageConfigurations"];
    let clash = |one: &str, other: &str| one == "DistributeContainerImage" && of_amis.contains(&other);
    clash(one, other) || clash(other, one)
}

impl Action {
    /// The inputs of a step with this action.
    ///
    /// # Errors
    /// What is wrong with them and in which line, in words.
    pub(super) fn inputs(&self, step: &Node) -> Result<Map<String, Value>, String> {
        let mut inputs = Map::new();
        let given = step.get("inputs").map_or(Ok(&[][..]), |inputs| inputs.mapping("inputs"))?;
        for (key, node) in given {
            let key_text = key.text().unwrap_or_default();
            // A name that ends so has a reference as its value.
            let name = key_text.strip_suffix(".$").unwrap_or(key_text);
            if !self.required.contains(&name) && !self.optional.contains(&name) {
                return Err(key.fault(&format!("{} has no input {name:?}.", self.name)));
            }
            if name != key_text && node.text().is_none() {
                return Err(node.fault(&format!("The input {key_text:?} must be a reference.")));
            }
            if inputs.contains_key(name) || inputs.contains_key(&format!("{name}.$")) {
                return Err(key.fault(&format!("The input {name:?} occurs twice.")));
            }
            check(name, node)?;
            inputs.insert(key_text.to_owned(), node.value());
        }
        for name in self.required {
            if !inputs.contains_key(*name) && !inputs.contains_key(&format!("{name}.$")) {
                return Err(step.fault(&format!("{} needs the input {name:?}.", self.name)));
            }
        }
        Ok(inputs)
    }
}

/// What is known of an input's value. References aren't followed.
fn check(name: &str, node: &Node) -> Result<(), String> {
    let text = node.text().unwrap_or_default();
    if text.starts_with("$.") {
        return Ok(());
    }
    let one_of = |known: &[&str]| match known.contains(&text) {
        true => Ok(()),
        false => Err(node.fault(&format!("{name} must be one of {}.", known.join(", ")))),
    };
    match name {
        "waitFor" => one_of(&["ssmAgent"]),
        "healthCheck" => one_of(&["RUNNING", "STATUS_CHECK_PASSED"]),
        "waitForTermination" | "includeSnapshotTags" | "enaSupport" => one_of(&["true", "false"]),
        "architecture" => one_of(&["i386", "x86_64", "arm64", "x86_64_mac", "arm64_mac"]),
        "bootMode" => one_of(&["legacy-bios", "uefi", "uefi-preferred"]),
        "imdsSupport" | "tpmSupport" => one_of(&["v2.0"]),
        "virtualizationType" => one_of(&["hvm", "paravirtual"]),
        "distributedImages" => Err(node.fault("distributedImages must be a reference to a step's output.")),
        "payload" | "input" => {
            let json = serde_json::from_str::<Value>(text).is_ok() && text.len() <= MOST_PAYLOAD;
            if json { Ok(()) } else { Err(node.fault(&format!("{name} must be JSON of 16 KiB at most."))) }
        }
        "distributions" | "configurations" | "attributes" => {
            for item in node.items(name)? {
                item.mapping(name)?;
                if item.get("region").or_else(|| item.get("region.$")).is_none() {
                    return Err(item.fault(&format!("Every item of {name} needs a region.")));
                }
            }
            Ok(())
        }
        "parameters" => node.mapping(name).map(drop),
        "instanceTypesOverride" | "blockDeviceMapping" => node.items(name).map(drop),
        _ if node.text().is_none_or(str::is_empty) => Err(node.fault(&format!("{name} must be a text."))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stages_exclude_as_documented() {
        let only = |stage: &str| -> Vec<&str> {
            ACTIONS.iter().filter(|action| action.stages == [stage]).map(|action| action.name).collect()
        };
        assert_eq!(only("TEST"), ["CollectImageScanFindings"]);
        assert_eq!(
            only("DISTRIBUTION"),
            ["ApplyImageConfigurations", "DistributeContainerImage", "DistributeImage", "ModifyImageAttributes"]
        );
        assert!(excludes("DistributeImage", "DistributeContainerImage"));
        assert!(excludes("DistributeContainerImage", "ApplyImageConfigurations"));
        assert!(!excludes("DistributeImage", "ModifyImageAttributes"));
    }
}
