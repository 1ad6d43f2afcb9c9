//! DescribeImageReferences: which of the caller's resources name an AMI.

use super::{Call, LaunchTemplate, check_id, instance, invalid_value, missing};
use crate::imagebuilder::store::Kind;
use crate::ssm;
use crate::wire::ApiError;
use crate::world::World;
use serde_json::{Value, json};

/// The types of resources that can name an AMI.
const TYPES: [&str; 5] =
    ["ec2:Instance", "ec2:LaunchTemplate", "ssm:Parameter", "imagebuilder:ImageRecipe", "imagebuilder:ContainerRecipe"];

/// How many of the newest versions of a launch template are looked at.
const DEPTH: usize = 10;

/// What is asked of one type.
pub(super) struct Asked {
    pub(super) resource_type: String,
    /// For instances: the states that count, all of them if none is given.
    pub(super) states: Vec<String>,
    /// For launch templates: how many of the newest versions count.
    pub(super) depth: usize,
}

pub(super) fn describe_image_references(call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["ImageId", "IncludeAllResourceTypes", "ResourceType", "NextToken", "MaxResults"])?;
    let ids = call.texts("ImageId");
    if ids.is_empty() {
        return Err(missing("ImageId"));
    }
    if ids.len() > 10 {
        return Err(invalid_value("The request can name at most 10 images."));
    }
    ids.iter().try_for_each(|id| check_id(id))?;
    if call.text("MaxResults").and_then(|most| most.parse::<u32>().ok()).is_some_and(|most| most < 5) {
        return Err(invalid_value("The value for parameter maxResults must be at least 5."));
    }
    let mut asked = asked(&call, &TYPES, DEPTH)?;
    if call.flag("IncludeAllResourceTypes") {
        // What is said of a type holds in place of its defaults.
        for kind in TYPES {
            if !asked.iter().any(|one| one.resource_type == kind) {
                asked.push(Asked { resource_type: kind.to_owned(), states: Vec::new(), depth: DEPTH });
            }
        }
    } else if asked.is_empty() {
        return Err(ApiError::bad(
            "MissingParameter",
            "Either IncludeAllResourceTypes or ResourceTypes must be specified.",
        ));
    }
    let (account, region) = (call.context.account(), &call.context.region);
    let mut found: Vec<(String, Value)> = Vec::new();
    for id in ids {
        for one in &asked {
            for arn in of_type(call.world, account, region, id, one) {
                let key = format!("{id} {} {arn}", one.resource_type);
                found.push((key, json!({"imageId": id, "resourceType": one.resource_type, "arn": arn})));
            }
        }
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found.dedup_by(|one, other| one.0 == other.0);
    let (page, next) = call.page(found.iter().map(|(key, item)| (key.as_str(), item.clone())))?;
    Ok(json!({"imageReferenceSet": page, "nextToken": next}))
}

/// The types of `ResourceType` with their options.
pub(super) fn asked(call: &Call<'_>, types: &[&str], depth: usize) -> Result<Vec<Asked>, ApiError> {
    let text = |value: &Value, member: &str| value.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut asked: Vec<Asked> = Vec::new();
    for item in call.items("ResourceType") {
        let resource_type = text(item, "ResourceType");
        if !types.contains(&resource_type.as_str()) {
            return Err(invalid_value(format!("Value ({resource_type}) for parameter resourceType is invalid.")));
        }
        if asked.iter().any(|one| one.resource_type == resource_type) {
            return Err(invalid_value(format!("The resource type {resource_type} is there twice.")));
        }
        let mut one = Asked { resource_type, states: Vec::new(), depth };
        for option in item.get("ResourceTypeOption").and_then(Value::as_array).into_iter().flatten() {
            let values = option.get("OptionValue").and_then(Value::as_array).into_iter().flatten();
            let values: Vec<&str> = values.filter_map(Value::as_str).collect();
            let name = text(option, "OptionName");
            let invalid =
                || invalid_value(format!("The option {name} of the resource type {} is invalid.", one.resource_type));
            match (one.resource_type.as_str(), name.as_str(), values.as_slice()) {
                ("ec2:Instance", "state-name", [_, ..]) => one.states = values.into_iter().map(str::to_owned).collect(),
                ("ec2:LaunchTemplate", "version-depth", [number]) => {
                    let number = number.parse().ok().filter(|number| (1..=10_000).contains(number));
                    one.depth = number.ok_or_else(invalid)?;
                }
                _ => return Err(invalid()),
            }
        }
        asked.push(one);
    }
    Ok(asked)
}

/// The ARNs of an account's resources of one type in a Region that name an AMI.
pub(super) fn of_type(world: &World, account: &str, region: &str, image_id: &str, asked: &Asked) -> Vec<String> {
    let recipes = |kind: Kind, pointer: &str| -> Vec<String> {
        let (member, rest) = pointer.split_once('/').unwrap_or((pointer, ""));
        let names = |document: &Value| {
            let place = if rest.is_empty() { Some(document) } else { document.get(rest) };
            place.and_then(Value::as_str) == Some(image_id)
        };
        let recipes = world.imagebuilder.owned(kind, region, account);
        recipes
            .filter(|recipe| recipe.document.get(member).is_some_and(names))
            .map(|recipe| recipe.arn.clone())
            .collect()
    };
    match asked.resource_type.as_str() {
        "ec2:Instance" => {
            let counts = |state: &String| asked.states.is_empty() || asked.states.contains(state);
            let instances = world.ec2.instances.of(region).filter(|instance| instance.owner == account);
            let using = instances.filter(|instance| instance.image_id == image_id && counts(&instance.state));
            using.map(instance::arn).collect()
        }
        "ec2:LaunchTemplate" => {
            let templates = world.ec2.templates.of(region).filter(|template| template.owner == account);
            let using = templates.filter(|template| names(template, image_id, asked.depth));
            using.map(|template| format!("arn:aws:ec2:{region}:{account}:launch-template/{}", template.id)).collect()
        }
        "ssm:Parameter" => {
            let parameters = ssm::published(world).into_iter();
            let using = parameters.filter(|parameter| {
                parameter.account == account && parameter.region == region && parameter.value == image_id
            });
            let arn = |name: &str| format!("arn:aws:ssm:{region}:{account}:parameter/{}", name.trim_start_matches('/'));
            using.map(|parameter| arn(&parameter.name)).collect()
        }
        "imagebuilder:ImageRecipe" => recipes(Kind::ImageRecipe, "parentImage"),
        _ => recipes(Kind::ContainerRecipe, "instanceConfiguration/image"),
    }
}

/// Whether one of the newest versions of a template names an AMI.
fn names(template: &LaunchTemplate, image_id: &str, depth: usize) -> bool {
    template.versions.iter().rev().take(depth).any(|version| version.image_id() == Some(image_id))
}
