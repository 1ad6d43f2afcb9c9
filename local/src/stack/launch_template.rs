//! `AWS::EC2::LaunchTemplate`.

use super::error::{Refusal, only};
use super::evaluate::Made;
use super::messaging::call;
use crate::ec2;
use crate::wire::Context;
use crate::world::World;
use serde_json::{Map, Value, json};

/// Makes a launch template of a name.
pub(super) fn make(world: &mut World, context: &Context, name: &str, properties: &Value) -> Result<Made, Vec<Refusal>> {
    only(properties, &["LaunchTemplateData", "LaunchTemplateName", "TagSpecifications", "VersionDescription"])?;
    let data = properties.get("LaunchTemplateData").unwrap_or(&Value::Null);
    let data = ec2::asked_of_template(data).map_err(|error| vec![Refusal::new(error.message)])?;
    let mut input =
        Map::from_iter([("LaunchTemplateName".to_owned(), json!(name)), ("LaunchTemplateData".to_owned(), data)]);
    if let Some(description) = properties.get("VersionDescription") {
        input.insert("VersionDescription".to_owned(), description.clone());
    }
    if let Some(given) = properties.get("TagSpecifications").and_then(Value::as_array) {
        let request = |one: &Value| json!({"ResourceType": one.get("ResourceType"), "Tag": one.get("Tags")});
        input.insert("TagSpecification".to_owned(), given.iter().map(request).collect());
    }
    let answer = call(world, context, "ec2", "CreateLaunchTemplate", Value::Object(input))?;
    let id = answer.pointer("/launchTemplate/launchTemplateId").cloned().unwrap_or_default();
    let attributes = [
        ("LaunchTemplateId".to_owned(), id.clone()),
        ("DefaultVersionNumber".to_owned(), json!("1")),
        ("LatestVersionNumber".to_owned(), json!("1")),
    ];
    Ok(Made { attributes: attributes.into(), reference: id })
}
