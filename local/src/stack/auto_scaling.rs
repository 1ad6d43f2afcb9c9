//! `AWS::AutoScaling::AutoScalingGroup` and `AWS::AutoScaling::LaunchConfiguration`: what they launch from. What else
//! a group says of its instances' life is passed over.

use super::error::Refusal;
use super::evaluate::{Made, text};
use super::messaging::call;
use crate::wire::Context;
use crate::world::World;
use serde_json::{Map, Value, json};

/// What is asked of Auto Scaling.
const ASKED: [&str; 9] = [
    "AvailabilityZones",
    "DesiredCapacity",
    "LaunchConfigurationName",
    "LaunchTemplate",
    "MaxSize",
    "MinSize",
    "MixedInstancesPolicy",
    "Tags",
    "TerminationPolicies",
];

/// Makes a group of a name.
pub(super) fn group(
    world: &mut World,
    context: &Context,
    name: &str,
    properties: &Value,
) -> Result<Made, Vec<Refusal>> {
    let mut input = asked(properties, &ASKED);
    input.insert("AutoScalingGroupName".to_owned(), json!(name));
    call(world, context, "autoscaling", "CreateAutoScalingGroup", Value::Object(input))?;
    let named = json!({"AutoScalingGroupNames": [name]});
    let answer = call(world, context, "autoscaling", "DescribeAutoScalingGroups", named)?;
    let arn = answer.pointer("/AutoScalingGroups/0/AutoScalingGroupARN").cloned().unwrap_or_default();
    Ok(Made { attributes: [("AutoScalingGroupARN".to_owned(), arn)].into(), reference: json!(name) })
}

/// Makes a launch configuration of a name.
pub(super) fn configuration(
    world: &mut World,
    context: &Context,
    name: &str,
    properties: &Value,
) -> Result<Made, Vec<Refusal>> {
    let mut input = asked(properties, &["ImageId", "InstanceType", "KeyName", "UserData", "IamInstanceProfile"]);
    input.insert("LaunchConfigurationName".to_owned(), json!(name));
    call(world, context, "autoscaling", "CreateLaunchConfiguration", Value::Object(input))?;
    Ok(Made { attributes: [].into(), reference: json!(name) })
}

/// Properties in the names of the wire: the same, all leaves as text.
fn asked(properties: &Value, members: &[&str]) -> Map<String, Value> {
    let given = members.iter().filter_map(|member| Some(((*member).to_owned(), leaves(properties.get(*member)?))));
    given.collect()
}

fn leaves(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(leaves).collect(),
        Value::Object(members) => {
            members.iter().map(|(member, value)| (member.clone(), leaves(value))).collect::<Map<_, _>>().into()
        }
        leaf => text(leaf).map_or(Value::Null, |text| json!(text)),
    }
}
