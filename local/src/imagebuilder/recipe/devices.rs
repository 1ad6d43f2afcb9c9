//! A recipe's block device mappings.

use crate::model::bad_value;
use crate::wire::ApiError;
use serde_json::Value;
use std::collections::BTreeSet;

/// The volume types that have a given number of I/O operations; those of which it must be given come first.
const WITH_IOPS: [&str; 3] = ["io1", "io2", "gp3"];

/// Refuses mappings that EC2 would refuse when the build's instance is launched. `path` names the member.
pub(super) fn check(mappings: Option<&Value>, path: &str) -> Result<(), ApiError> {
    let mut seen = BTreeSet::new();
    for (index, mapping) in mappings.and_then(Value::as_array).into_iter().flatten().enumerate() {
        let at = |member: &str| format!("{path}[{index}].{member}");
        let device = mapping.get("deviceName").and_then(Value::as_str);
        if device.is_some_and(|device| !seen.insert(device)) {
            return Err(bad_value(&at("deviceName"), "A device may occur once in a recipe."));
        }
        let given = ["ebs", "virtualName", "noDevice"].map(|member| mapping.get(member).is_some());
        if given.iter().filter(|given| **given).count() > 1 {
            return Err(bad_value(&format!("{path}[{index}]"), "It may have one of ebs, virtualName and noDevice."));
        }
        if let Some((member, details)) = mapping.get("ebs").and_then(fault) {
            return Err(bad_value(&at(&format!("ebs.{member}")), details));
        }
    }
    Ok(())
}

/// The member of a volume that doesn't go with the others, and the rule.
fn fault(ebs: &Value) -> Option<(&'static str, &'static str)> {
    let kind = ebs.get("volumeType").and_then(Value::as_str);
    let provisioned = kind.is_some_and(|kind| WITH_IOPS[..2].contains(&kind));
    let has = |member: &str| ebs.get(member).is_some();
    if has("iops") && !kind.is_some_and(|kind| WITH_IOPS.contains(&kind)) {
        Some(("iops", "Only volumes of the types io1, io2 and gp3 take it."))
    } else if provisioned && !has("iops") {
        Some(("iops", "Volumes of the types io1 and io2 need it."))
    } else if has("throughput") && kind != Some("gp3") {
        Some(("throughput", "Only volumes of the type gp3 take it."))
    } else if has("kmsKeyId") && ebs.get("encrypted") == Some(&Value::Bool(false)) {
        Some(("kmsKeyId", "Only encrypted volumes take it."))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_ec2_would_refuse_is_refused_by_name() {
        let root = |ebs: Value| json!([{"deviceName": "/dev/xvda", "ebs": ebs}]);
        for (mappings, parameter) in [
            (root(json!({"volumeSize": 20, "encrypted": true, "kmsKeyId": "alias/ami"})), None),
            (root(json!({"volumeType": "io2", "iops": 1000})), None),
            (root(json!({"volumeType": "gp3", "iops": 4000, "throughput": 250})), None),
            (json!([{"deviceName": "/dev/xvda", "noDevice": ""}, {"virtualName": "ephemeral0"}]), None),
            (root(json!({"volumeType": "io1"})), Some("d[0].ebs.iops")),
            (root(json!({"volumeType": "gp2", "iops": 1000})), Some("d[0].ebs.iops")),
            (root(json!({"iops": 1000})), Some("d[0].ebs.iops")),
            (root(json!({"volumeType": "gp2", "throughput": 250})), Some("d[0].ebs.throughput")),
            (root(json!({"encrypted": false, "kmsKeyId": "alias/ami"})), Some("d[0].ebs.kmsKeyId")),
            (json!([{"deviceName": "/dev/xvda", "noDevice": "", "ebs": {}}]), Some("d[0]")),
            (json!([{"deviceName": "/dev/xvdb"}, {"deviceName": "/dev/xvdb"}]), Some("d[1].deviceName")),
        ] {
            let refused = check(Some(&mappings), "d").err().map(|error| error.message);
            assert_eq!(refused.is_some(), parameter.is_some(), "{mappings}");
            if let (Some(message), Some(parameter)) = (refused, parameter) {
                assert!(
                    message.starts_with(&format!("The value supplied for parameter '{parameter}' is")),
                    "{message}"
                );
            }
        }
    }
}
