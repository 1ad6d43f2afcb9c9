//! Launch configurations, of which the AMI counts.

use super::{Call, invalid};
use crate::clock::iso_millis;
use crate::ec2;
use crate::wire::ApiError;
use serde_json::{Value, json};

pub(super) fn create(call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["LaunchConfigurationName", "ImageId", "InstanceType", "KeyName", "UserData", "IamInstanceProfile"])?;
    let name = call.name("LaunchConfigurationName")?;
    let key = call.key(name);
    if call.world.autoscaling.configurations.contains_key(&key) {
        let message = format!(
            "Launch Configuration by this name already exists - A launch configuration already exists with the name {name}"
        );
        return Err(ApiError::bad("AlreadyExists", message));
    }
    let (account, region) = (call.context.account(), &call.context.region);
    let image_id = call.text("ImageId").ok_or_else(|| invalid("Valid requests must contain the ImageId parameter."))?;
    ec2::visible(call.world, account, region, image_id)
        .filter(|image| image.state == "available")
        .ok_or_else(|| invalid(format!("AMI cannot be described: the image id '[{image_id}]' does not exist")))?;
    let instance_type =
        call.text("InstanceType").ok_or_else(|| invalid("Valid requests must contain the InstanceType parameter."))?;
    let uuid = call.world.seed.uuid(&["launch configuration", account, region, name]);
    let mut configuration = json!({
        "LaunchConfigurationName": name,
        "LaunchConfigurationARN":
            format!("arn:aws:autoscaling:{region}:{account}:launchConfiguration:{uuid}:launchConfigurationName/{name}"),
        "ImageId": image_id,
        "InstanceType": instance_type,
        "CreatedTime": iso_millis(call.world.now),
    });
    for member in ["KeyName", "UserData", "IamInstanceProfile"] {
        if let Some(text) = call.text(member) {
            configuration[member] = json!(text);
        }
    }
    call.world.autoscaling.configurations.insert(key, configuration);
    Ok(json!({}))
}

pub(super) fn delete(call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["LaunchConfigurationName"])?;
    let name = call.name("LaunchConfigurationName")?;
    let key = call.key(name);
    if !call.world.autoscaling.configurations.contains_key(&key) {
        return Err(invalid(format!("Launch configuration name not found - Launch configuration {name} not found")));
    }
    let used = |(place, group): (&super::Key, &Value)| {
        (&place.0, &place.1) == (&key.0, &key.1)
            && group.get("LaunchConfigurationName").and_then(Value::as_str) == Some(name)
    };
    if call.world.autoscaling.groups.iter().any(used) {
        let message = format!("Cannot delete launch configuration {name} because it is attached to AutoScalingGroup");
        return Err(ApiError::bad("ResourceInUse", message));
    }
    call.world.autoscaling.configurations.remove(&key);
    Ok(json!({}))
}

pub(super) fn describe(call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["LaunchConfigurationNames", "MaxRecords", "NextToken"])?;
    let names = call.texts("LaunchConfigurationNames");
    let asked = |name: &str, _: &Value| names.is_empty() || names.contains(&name);
    let (configurations, next) = call.page(&call.world.autoscaling.configurations, asked)?;
    Ok(json!({"LaunchConfigurations": configurations, "NextToken": next}))
}
