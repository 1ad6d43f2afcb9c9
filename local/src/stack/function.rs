//! Functions: those with a custom runtime and local code run here, the others are named as absent.

use super::error::{Refusal, only};
use super::evaluate::{Made, text};
use super::tree::Node;
use super::{messaging, triggers};
use crate::journal::Kind;
use crate::lambda::Function;
use crate::wire::Context;
use crate::world::World;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

const SERVERLESS: &str = "AWS::Serverless::Function";

/// The properties of `AWS::Serverless::Function`.
const SAM_PROPERTIES: [&str; 43] = [
    "Architectures",
    "AssumeRolePolicyDocument",
    "AutoPublishAlias",
    "AutoPublishAliasAllProperties",
    "AutoPublishCodeSha256",
    "CodeSigningConfigArn",
    "CodeUri",
    "DeadLetterQueue",
    "DeploymentPreference",
    "Description",
    "Environment",
    "EphemeralStorage",
    "EventInvokeConfig",
    "Events",
    "FileSystemConfigs",
    "FunctionName",
    "FunctionUrlConfig",
    "Handler",
    "ImageConfig",
    "ImageUri",
    "InlineCode",
    "KmsKeyArn",
    "Layers",
    "LoggingConfig",
    "MemorySize",
    "PackageType",
    "PermissionsBoundary",
    "Policies",
    "PropagateTags",
    "ProvisionedConcurrencyConfig",
    "RecursiveLoop",
    "ReservedConcurrentExecutions",
    "Role",
    "RolePath",
    "Runtime",
    "RuntimeManagementConfig",
    "SnapStart",
    "SourceKMSKeyArn",
    "Tags",
    "Timeout",
    "Tracing",
    "VersionDescription",
    "VpcConfig",
];

/// The code of a function whose template says by literals that it can run here.
pub(super) fn literal_code(resource: &Node, folder: &Path) -> Option<PathBuf> {
    let kind = resource.get_text("Type")?;
    let properties = resource.get("Properties")?;
    let code = properties.get_text(if kind == SERVERLESS { "CodeUri" } else { "Code" })?;
    let function = kind == SERVERLESS || kind == "AWS::Lambda::Function";
    local_code(properties.get_text("Runtime")?, code, folder).filter(|_| function)
}

/// The folder of code that can run here: a custom runtime's, on this machine.
fn local_code(runtime: &str, code: &str, folder: &Path) -> Option<PathBuf> {
    if !runtime.starts_with("provided") || code.starts_with("s3://") {
        return None;
    }
    Some(folder.join(code).components().filter(|part| *part != Component::CurDir).collect())
}

/// A function's place in its template.
pub(super) struct Place<'a> {
    pub(super) kind: &'a str,
    pub(super) stack: &'a str,
    pub(super) logical: &'a str,
    pub(super) folder: &'a Path,
    /// `file:line`.
    pub(super) at: String,
}

/// Makes a function with its event sources.
pub(super) fn function(
    world: &mut World,
    context: &Context,
    place: &Place<'_>,
    made: &Made,
    properties: &Value,
) -> Result<(), Vec<Refusal>> {
    let sam = place.kind == SERVERLESS;
    if sam {
        only(properties, &SAM_PROPERTIES)?;
    }
    let member = |name: &str| properties.get(name).and_then(text);
    let arn = made.attributes.get("Arn").and_then(text).unwrap_or_default();
    let name = made.reference.as_str().unwrap_or_default().to_owned();
    let runtime = member("Runtime").unwrap_or_else(|| "container image".to_owned());
    let code = properties.get(if sam { "CodeUri" } else { "Code" }).and_then(Value::as_str);
    let Some(code) = code.and_then(|code| local_code(&runtime, code, place.folder)) else {
        let detail = format!("{}: {} ({runtime}) isn't run locally: nothing invokes it", place.at, place.logical);
        world.record(Kind::Warning, name, Some(&context.region), detail);
        world.stacks.absent_functions.insert(arn);
        return Ok(());
    };
    let invoke = properties.get("EventInvokeConfig").cloned().unwrap_or_default();
    let function = Function {
        name,
        arn: arn.clone(),
        region: context.region.clone(),
        account: context.account().to_owned(),
        role: member("Role").and_then(|role| Some(role.rsplit('/').next()?.to_owned())).unwrap_or_default(),
        code,
        environment: environment(properties),
        timeout: number(properties, "Timeout", 3, 1..=900)?,
        memory: number(properties, "MemorySize", 128, 128..=10_240)?,
        dead_letter_arn: properties
            .get(if sam { "DeadLetterQueue" } else { "DeadLetterConfig" })
            .and_then(|queue| queue.get("TargetArn"))
            .and_then(text),
        maximum_retries: 2,
        maximum_event_age: 21_600,
        reserved_concurrency: match properties.get("ReservedConcurrentExecutions") {
            Some(_) => Some(number(properties, "ReservedConcurrentExecutions", 0, 0..=u32::MAX)?),
            None => None,
        },
        log_format: logging(properties, "LogFormat").unwrap_or_else(|| "Text".to_owned()),
        log_level: logging(properties, "ApplicationLogLevel"),
    };
    world.lambda.functions.insert(arn.clone(), function);
    invoke_config(world, &arn, &invoke)?;
    event_sources(world, context, place, &arn, properties)
}

fn environment(properties: &Value) -> BTreeMap<String, String> {
    let variables = properties.get("Environment").and_then(|environment| environment.get("Variables"));
    let variables = variables.and_then(Value::as_object).into_iter().flatten();
    variables.map(|(name, value)| (name.clone(), text(value).unwrap_or_default())).collect()
}

fn logging(properties: &Value, member: &str) -> Option<String> {
    properties.get("LoggingConfig").and_then(|logging| logging.get(member)).and_then(text)
}

fn number(
    properties: &Value,
    name: &str,
    default: u32,
    range: std::ops::RangeInclusive<u32>,
) -> Result<u32, Vec<Refusal>> {
    let Some(value) = properties.get(name) else { return Ok(default) };
    let number = text(value).and_then(|text| text.parse().ok()).filter(|number| range.contains(number));
    number.ok_or_else(|| {
        let message = format!("{name} must be a number from {} to {}, not {value}", range.start(), range.end());
        vec![Refusal::of(name, message)]
    })
}

/// Sets what becomes of a function's asynchronous events: members of `EventInvokeConfig`.
pub(super) fn invoke_config(world: &mut World, function: &str, properties: &Value) -> Result<(), Vec<Refusal>> {
    let retries = number(properties, "MaximumRetryAttempts", 2, 0..=2)?;
    let age = number(properties, "MaximumEventAgeInSeconds", 21_600, 60..=21_600)?;
    let destinations =
        properties.get("DestinationConfig").and_then(Value::as_object).is_some_and(|one| !one.is_empty());
    let found = world.lambda.functions.values_mut().find(|one| one.arn == function || one.name == function);
    let Some(found) = found else { return Ok(()) };
    found.maximum_retries = retries;
    found.maximum_event_age = age;
    if destinations {
        let (name, region) = (found.name.clone(), found.region.clone());
        let detail = "nothing is sent to the destinations of its EventInvokeConfig: they aren't there locally";
        world.record(Kind::Warning, name, Some(&region), detail);
    }
    Ok(())
}

fn event_sources(
    world: &mut World,
    context: &Context,
    place: &Place<'_>,
    arn: &str,
    properties: &Value,
) -> Result<(), Vec<Refusal>> {
    let events = properties.get("Events").and_then(Value::as_object).into_iter().flatten();
    for (id, event) in events {
        let kind = event.get("Type").and_then(text).unwrap_or_default();
        let source = event.get("Properties").cloned().unwrap_or_else(|| json!({}));
        if kind == "SNS" {
            let mut subscription = json!({"Protocol": "lambda", "Endpoint": arn, "TopicArn": source.get("Topic")});
            for (name, value) in source.as_object().into_iter().flatten().filter(|(name, _)| *name != "Topic") {
                subscription[name.as_str()] = value.clone();
            }
            messaging::subscription(world, context, &subscription)?;
        } else {
            let logical = format!("{}{id}", place.logical);
            let hex = world.seed.hex(&["stack", place.stack, &logical, "name"], 12).to_uppercase();
            let name = format!("{}-{logical}-{hex}", place.stack);
            triggers::event_source(world, context, &name, arn, &kind, &source)?;
        }
    }
    Ok(())
}
