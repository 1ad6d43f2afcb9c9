//! What an infrastructure configuration may say.

use crate::model::{bad_value, error};
use crate::wire::ApiError;
use serde_json::Value;

/// A subnet goes with security groups, and a place on a host with the tenancy `host`.
pub(super) fn check(input: &Value) -> Result<(), ApiError> {
    let groups = input.get("securityGroupIds").and_then(Value::as_array);
    if input.get("subnetId").is_some() && groups.is_none_or(Vec::is_empty) {
        return Err(error("InvalidRequestException", "subnetId requires securityGroupIds."));
    }
    let Some(placement) = input.get("placement") else { return Ok(()) };
    let targets: Vec<_> =
        ["hostId", "hostResourceGroupArn"].into_iter().filter(|member| placement.get(member).is_some()).collect();
    match targets[..] {
        [_, _] => Err(error("InvalidRequestException", "placement takes one of hostId and hostResourceGroupArn.")),
        [target] if placement.get("tenancy").and_then(Value::as_str) != Some("host") => {
            Err(bad_value(&format!("placement.{target}"), "It requires the tenancy host."))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_contradicts_itself_is_refused() {
        let (request, value) = (Some("InvalidRequestException"), Some("InvalidParameterValueException"));
        let place = |placement: Value| json!({"placement": placement});
        for (input, code) in [
            (json!({"subnetId": "subnet-1", "securityGroupIds": ["sg-1"]}), None),
            (json!({"securityGroupIds": ["sg-1"]}), None),
            (json!({"subnetId": "subnet-1"}), request),
            (json!({"subnetId": "subnet-1", "securityGroupIds": []}), request),
            (place(json!({"tenancy": "host"})), None),
            (place(json!({"tenancy": "host", "hostId": "h-1"})), None),
            (place(json!({"tenancy": "dedicated", "availabilityZone": "us-east-1a"})), None),
            (place(json!({"tenancy": "dedicated", "hostId": "h-1"})), value),
            (place(json!({"hostResourceGroupArn": "arn"})), value),
            (place(json!({"tenancy": "host", "hostId": "h-1", "hostResourceGroupArn": "arn"})), request),
        ] {
            assert_eq!(check(&input).err().map(|error| error.code).as_deref(), code, "{input}");
        }
    }
}
