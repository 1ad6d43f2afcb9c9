//! The message that Image Builder publishes about a build, in its own JSON form: neither that of its API nor
//! of its events. Seen in public captures; the odd parts are said where they are made.

use super::execution::{self, Phase};
use super::store::Resource;
use crate::draw::Seed;
use crate::world::World;
use chrono::DateTime;
use serde::Serialize;
use serde_json::{Map, Value, json};
use shared::version::Version;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    versionless_arn: String,
    /// A bare integer above 2⁶⁴.
    semver: u128,
    arn: &'a str,
    name: &'a str,
    /// Without the build.
    version: String,
    r#type: &'a str,
    build_version: u32,
    state: Value,
    platform: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_recipe: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container_recipe: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_pipeline_arn: Option<&'a str>,
    infrastructure_configuration: Option<Value>,
    /// Not `imageTestsConfiguration`, as the API has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    image_tests_configuration_document: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    distribution_configuration: Option<Value>,
    date_created: String,
    output_resources: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    build_execution_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    test_execution_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    distribution_job_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    integration_job_id: Option<String>,
    account_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    os_version: Option<&'a str>,
    enhanced_image_metadata_enabled: bool,
    build_type: &'a str,
    /// Internal tags, not the user's.
    tags: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    execution_role: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workflows: Option<Value>,
}

/// The text of the message about a build as it now stands, for the account that it belongs to. `None` for what
/// isn't a build version.
pub(crate) fn text(world: &World, image: &Resource, account: &str) -> Option<String> {
    let seed = world.seed;
    let (version, build) = (image.version?, image.build?);
    let part = |member: &str, order: &[&str]| {
        let document = image.document.get(member)?.as_object()?;
        Some(own_form(seed, document, order, account))
    };
    let failed_in = image.document.get("state").and_then(|state| state["failureContext"]["imageStatus"].as_str());
    let available = image.status() == "AVAILABLE";
    let early = !available && failed_in.is_none_or(|status| matches!(status, "CREATING" | "BUILDING"));
    let execution = |phase: Phase| if early { None } else { execution::first_execution(world, &image.arn, phase) };
    let id = |what: &str, present: bool| present.then(|| seed.uuid(&["execution", what, &image.arn]));
    let distributed = available && image.document.contains_key("distributionConfiguration");
    let managed = |value: &Value| with_real_owners(seed, value);
    let message = Message {
        versionless_arn: image.arn.rsplitn(3, '/').nth(2)?.to_owned(),
        semver: semver(version, build),
        arn: &image.arn,
        name: image.text("name")?,
        version: version.to_string(),
        r#type: image.text("type")?,
        build_version: build,
        state: state(image),
        platform: image.text("platform")?,
        image_recipe: part("imageRecipe", &IMAGE_RECIPE),
        container_recipe: part("containerRecipe", &CONTAINER_RECIPE),
        source_pipeline_arn: image.text("sourcePipelineArn"),
        infrastructure_configuration: part("infrastructureConfiguration", &INFRASTRUCTURE),
        image_tests_configuration_document: image.document.get("imageTestsConfiguration"),
        distribution_configuration: part("distributionConfiguration", &DISTRIBUTION),
        date_created: odd_date(image.text("dateCreated")?),
        output_resources: image.document.get("outputResources").cloned().unwrap_or_else(|| json!({"amis": []})),
        // An early failure leaves no execution behind.
        build_execution_id: execution(Phase::Build),
        test_execution_id: execution(Phase::Test),
        distribution_job_id: id("distribution", distributed),
        integration_job_id: id("integration", distributed),
        account_id: account,
        os_version: image.text("osVersion").filter(|_| available),
        enhanced_image_metadata_enabled: image.document.get("enhancedImageMetadataEnabled")
            != Some(&Value::Bool(false)),
        build_type: image.text("buildType")?,
        tags: internal_tags(seed, &image.arn),
        execution_role: image.text("executionRole"),
        workflows: image.document.get("workflows").map(managed),
    };
    serde_json::to_string_pretty(&message).ok()
}

const IMAGE_RECIPE: [&str; 13] = [
    "arn",
    "name",
    "version",
    "description",
    "components",
    "platform",
    "parentImage",
    "blockDeviceMappings",
    "dateCreated",
    "tags",
    "workingDirectory",
    "additionalInstanceConfiguration",
    "accountId",
];

const CONTAINER_RECIPE: [&str; 14] = [
    "arn",
    "containerType",
    "name",
    "version",
    "description",
    "components",
    "platform",
    "parentImage",
    "dockerfileTemplateData",
    "targetRepository",
    "dateCreated",
    "tags",
    "workingDirectory",
    "accountId",
];

const INFRASTRUCTURE: [&str; 16] = [
    "arn",
    "name",
    "description",
    "instanceTypes",
    "instanceProfileName",
    "subnetId",
    "securityGroupIds",
    "tags",
    "logging",
    "keyPair",
    "resourceTags",
    "terminateInstanceOnFailure",
    "snsTopicArn",
    "dateCreated",
    "dateUpdated",
    "accountId",
];

const DISTRIBUTION: [&str; 8] =
    ["arn", "name", "description", "dateCreated", "dateUpdated", "distributions", "tags", "accountId"];

/// A resource in the message's form: its members in the order seen, dates in text, tags and account its own.
fn own_form(seed: Seed, document: &Map<String, Value>, order: &[&str], account: &str) -> Value {
    let arn = document.get("arn").and_then(Value::as_str).unwrap_or_default();
    let member = |name: &str| {
        Some(match name {
            "tags" => internal_tags(seed, arn),
            "accountId" => account.into(),
            "dateCreated" | "dateUpdated" => odd_date(document.get(name)?.as_str()?).into(),
            _ => with_real_owners(seed, document.get(name)?),
        })
    };
    let members: Map<String, Value> =
        order.iter().filter_map(|name| Some(((*name).to_owned(), member(name)?))).collect();
    Value::Object(members)
}

/// Status and reason; the failure's context is for the API alone.
fn state(image: &Resource) -> Value {
    let mut state = json!({"status": image.status()});
    if let Some(reason) = image.document.get("state").and_then(|state| state.get("reason")) {
        state["reason"] = reason.clone();
    }
    state
}

fn semver(version: Version, build: u32) -> u128 {
    let nodes = [version.major, version.minor, version.patch, build];
    nodes.into_iter().fold(0, |sum, node| (sum << 30) + u128::from(node))
}

/// `Jul 28, 2022 1:13:45 AM`, in UTC without saying so.
fn odd_date(iso: &str) -> String {
    DateTime::parse_from_rfc3339(iso)
        .map_or_else(|_| iso.to_owned(), |time| time.to_utc().format("%b %-d, %Y %-I:%M:%S %p").to_string())
}

fn internal_tags(seed: Seed, arn: &str) -> Value {
    json!({"internalId": seed.uuid(&["internal id", arn]), "resourceArn": arn})
}

/// The API says `aws` where the message has the Region's own account of Amazon. The digits are made up.
fn with_real_owners(seed: Seed, value: &Value) -> Value {
    match value {
        Value::String(text) => {
            let mut parts: Vec<&str> = text.splitn(6, ':').collect();
            let owner = format!("{:012}", seed.draw(&["owner", parts.get(3).unwrap_or(&"")]) % 1_000_000_000_000);
            if let ["arn", _, "imagebuilder", _, owned @ "aws", _] = &mut parts[..] {
                *owned = &owner;
            }
            parts.join(":").into()
        }
        Value::Array(items) => items.iter().map(|item| with_real_owners(seed, item)).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, member)| (name.clone(), with_real_owners(seed, member))).collect()
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests;
