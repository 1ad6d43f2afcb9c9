//! Workflows: their documents, versions and builds, those that Amazon manages included.

mod action;
mod condition;
pub(crate) mod document;
mod managed;
#[cfg(test)]
mod tests;

use super::component::bad_version;
use super::lookup::{Identity, draft, exists, keep, missing, needed, one_of, own, text};
use super::naming;
use super::sharing::owner;
use super::store::{Kind, Resource, latest};
use super::supply::AMAZON;
use crate::journal;
use crate::model::{Listing, bad_value, error, projected};
use crate::s3;
use crate::wire::{ApiError, Context};
use crate::world::World;
pub(crate) use document::Document;
use managed::Managed;
use serde_json::{Value, json};
use shared::arn::VersionedArn;
use shared::version::{Version, VersionPattern};
use std::collections::BTreeMap;

/// What a build may use: a workflow of the account in the Region, or one that Amazon manages, which an ARN selects,
/// wildcards and missing builds included. The answer is the ARN of the newest such build, and its document.
pub(crate) fn of(world: &World, account: &str, region: &str, arn: &str) -> Option<(String, Document)> {
    let found = select(world, account, region, arn)?;
    Some((found.arn(region), found.read()?))
}

/// One build of a workflow.
enum Found<'a> {
    Own(&'a Resource),
    Managed(&'static Managed),
}

impl Found<'_> {
    fn arn(&self, region: &str) -> String {
        match self {
            Self::Own(resource) => resource.arn.clone(),
            Self::Managed(managed) => managed.arn(region),
        }
    }

    fn read(&self) -> Option<Document> {
        match self {
            Self::Own(resource) => match resource.text("data") {
                Some(data) => document::read(resource.text("type")?, data).ok(),
                None => managed::default(resource.text("type")?).map(|managed| managed.read.clone()),
            },
            Self::Managed(managed) => Some(managed.read.clone()),
        }
    }

    /// What GetWorkflow answers.
    fn document(&self, region: &str) -> Value {
        match self {
            Self::Own(resource) => resource.document.to_value(),
            Self::Managed(managed) => managed.document(region),
        }
    }

    /// The ARN without version.
    fn base(&self, region: &str) -> String {
        match self {
            Self::Own(resource) => naming::arn(Kind::Workflow, region, &resource.owner, &resource.segment),
            Self::Managed(managed) => naming::arn(Kind::Workflow, region, AMAZON, &managed.segment),
        }
    }

    fn version(&self) -> (Option<Version>, Option<u32>) {
        match self {
            Self::Own(resource) => (resource.version, resource.build),
            Self::Managed(managed) => (Some(managed.version), Some(1)),
        }
    }
}

/// The ARN of a workflow in a Region, or nothing.
fn parsed(region: &str, arn: &str) -> Option<VersionedArn> {
    let wanted: VersionedArn = arn.parse().ok()?;
    (wanted.kind == Kind::Workflow.segment() && wanted.arn.region == region).then_some(wanted)
}

fn select<'a>(world: &'a World, account: &str, region: &str, arn: &str) -> Option<Found<'a>> {
    let wanted = parsed(region, arn)?;
    if wanted.arn.account == AMAZON {
        return managed::select(&wanted).map(Found::Managed);
    }
    if wanted.arn.account != account {
        return None;
    }
    let VersionedArn { name, version, build, .. } = wanted;
    let built = |resource: &Resource| build.is_none() || resource.build == build;
    latest(&world.imagebuilder, Kind::Workflow, region, account, &name, &version, built).map(Found::Own)
}

/// CreateWorkflow: a new version's first build, or the next build of a version whose content changed.
pub(super) fn create_workflow(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    one_of(input, ["data", "uri"], "InvalidParameterCombinationException")?;
    let kind = text(input, "type");
    let uri = input.get("uri").and_then(Value::as_str);
    let (data, from) = match uri {
        Some(uri) => (s3::text(world, "uri", uri)?, "uri"),
        None => (Some(text(input, "data").to_owned()), "data"),
    };
    let read = |data: &String| document::read(kind, data).map_err(|reason| bad_value(from, reason));
    let document = data.as_ref().map(read).transpose()?;
    let semantic_version = text(input, "semanticVersion");
    let (pattern, version) = semantic_version
        .parse::<VersionPattern>()
        .ok()
        .and_then(|pattern| Some((pattern, pattern.exact()?)))
        .ok_or_else(|| bad_version(semantic_version))?;
    let segment = format!("{}/{}", kind.to_lowercase(), naming::segment(text(input, "name")));
    let store = &world.imagebuilder;
    let before = latest(store, Kind::Workflow, &context.region, context.account(), &segment, &pattern, |_| true);
    let same = |before: &&Resource| {
        let held = |member: &str| before.document.get(member).and_then(Value::as_str).unwrap_or_default();
        // Of what isn't read, nobody knows.
        data.as_ref().is_some_and(|data| held("data") == data)
            && ["description", "kmsKeyId"].iter().all(|member| held(member) == text(input, member))
    };
    if let Some(before) = before.filter(same) {
        return Err(exists("Workflow", &before.arn));
    }
    let build = before.and_then(|before| before.build).unwrap_or_default() + 1;
    let mut workflow = draft(world, "Workflow", input);
    workflow.insert("version".to_owned(), version.to_string().into());
    workflow.insert("owner".to_owned(), context.account().into());
    workflow.extend(data.map(|data| ("data".to_owned(), data.into())));
    let parameters = document.map(|document| document.parameters).filter(|parameters| !parameters.is_empty());
    workflow.extend(parameters.map(|parameters| ("parameters".to_owned(), parameters.into())));
    if let (Some(uri), false) = (uri, workflow.contains_key("data")) {
        let detail = format!("{}; builds do what Amazon's own of its type does", s3::unread(uri));
        world.record(journal::Kind::Warning, format!("workflow {segment}"), Some(&context.region), detail);
    }
    let base = naming::arn(Kind::Workflow, &context.region, context.account(), &segment);
    let identity = Identity { kind: Kind::Workflow, segment, version: Some(version), build: Some(build) };
    let arn = keep(world, context, identity, workflow);
    Ok(json!({
        "workflowBuildVersionArn": arn,
        "latestVersionReferences": naming::latest_references(&base, version),
    }))
}

/// DeleteWorkflow: refused while a pipeline's reference comes out at this build.
pub(super) fn delete_workflow(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let arn = text(input, "workflowBuildVersionArn");
    if let Some(Found::Managed(_)) = select(world, context.account(), &context.region, arn) {
        return Err(error("ForbiddenException", format!("The resource '{arn}' belongs to Amazon.")));
    }
    own(&world.imagebuilder, context, Kind::Workflow, arn)?;
    let needs = |pipeline: &Resource| {
        let workflows = pipeline.document["workflows"].as_array().into_iter().flatten();
        let mut references = workflows.map(|workflow| text(workflow, "workflowArn"));
        references.any(|reference| {
            let found = select(world, context.account(), &context.region, reference);
            found.is_some_and(|found| found.arn(&context.region) == arn)
        })
    };
    if world.imagebuilder.owned(Kind::Pipeline, &context.region, context.account()).any(needs) {
        return Err(needed(arn));
    }
    world.imagebuilder.remove(arn);
    Ok(json!({"workflowBuildVersionArn": arn}))
}

/// GetWorkflow: a wildcard or a version gives its newest build.
pub(super) fn get_workflow(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let arn = text(input, "workflowBuildVersionArn");
    let region = &context.region;
    let found = select(world, context.account(), region, arn).ok_or_else(|| missing(arn))?;
    let base = found.base(region);
    let references = match &found {
        Found::Own(resource) => resource.version.map(|version| naming::latest_references(&base, version)),
        // Amazon's have no others.
        Found::Managed(_) => Some(json!({"latestVersionArn": format!("{base}/x.x.x")})),
    };
    Ok(json!({"workflow": found.document(region), "latestVersionReferences": references}))
}

/// The builds of an owner's workflows in the caller's Region, oldest first.
fn builds<'a>(world: &'a World, context: &Context, owner: &str) -> Vec<Found<'a>> {
    match owner {
        AMAZON => managed::all().iter().map(Found::Managed).collect(),
        _ => world.imagebuilder.owned(Kind::Workflow, &context.region, owner).map(Found::Own).collect(),
    }
}

/// ListWorkflows: one entry a version, with what its newest build says; by name, one a name.
pub(super) fn list_workflows<'a>(
    world: &'a World,
    context: &Context,
    input: &Value,
    _after: Option<&str>,
) -> Result<Listing<'a>, ApiError> {
    let by_name = input.get("byName") == Some(&Value::Bool(true));
    let mut newest: BTreeMap<String, Found<'_>> = BTreeMap::new();
    for found in owner(context, input).map(|owner| builds(world, context, owner)).into_iter().flatten() {
        let version = found.version().0.filter(|_| !by_name).map_or("x.x.x".to_owned(), |version| version.to_string());
        let arn = format!("{}/{version}", found.base(&context.region));
        if newest.get(&arn).is_none_or(|before| before.version() < found.version()) {
            newest.insert(arn, found);
        }
    }
    let region = context.region.clone();
    Ok(Listing::ascending(newest.into_iter().map(move |(arn, found)| {
        let mut entry = projected("WorkflowVersion", &found.document(&region));
        entry["arn"] = arn.as_str().into();
        if let (Value::Object(members), true) = (&mut entry, by_name) {
            members.remove("version");
        }
        (arn, entry)
    })))
}

/// ListWorkflowBuildVersions: the builds of the versions that an ARN selects, or of all of the caller's; newest
/// first. An ARN that names nothing gives an empty list.
pub(super) fn list_workflow_build_versions<'a>(
    world: &'a World,
    context: &Context,
    input: &Value,
    _after: Option<&str>,
) -> Result<Listing<'a>, ApiError> {
    let arn = text(input, "workflowVersionArn");
    let wanted = parsed(&context.region, arn);
    let owner = match &wanted {
        _ if arn.is_empty() => context.account(),
        Some(wanted) if wanted.arn.account == AMAZON => AMAZON,
        Some(wanted) if wanted.arn.account == context.account() => context.account(),
        _ => return Ok(Listing::none()),
    };
    let region = context.region.clone();
    let base = wanted.as_ref().map(|wanted| naming::arn(Kind::Workflow, &region, owner, &wanted.name));
    let selected = move |found: &Found<'_>| {
        let (Some(wanted), Some(base)) = (&wanted, &base) else { return true };
        found.base(&wanted.arn.region) == *base && found.version().0.is_some_and(|it| wanted.version.matches(it))
    };
    let numbered = (1u64..).zip(builds(world, context, owner)).filter(move |(_, found)| selected(found));
    let found: Vec<_> = numbered.collect();
    Ok(Listing::newest_first(found.into_iter().rev().map(move |(number, found)| {
        let made = if let Found::Own(resource) = &found { resource.made } else { number };
        (made, projected("WorkflowSummary", &found.document(&region)))
    })))
}
