//! `model.json` as types, read once.

use fancy_regex::Regex;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

static MODEL: LazyLock<Model> =
    LazyLock::new(|| serde_json::from_str(include_str!("model.json")).expect("the model is read by a test"));

/// The service model.
#[derive(Debug, Deserialize)]
struct Model {
    operations: BTreeMap<String, Operation>,
    shapes: BTreeMap<String, Shape>,
}

/// One operation.
#[derive(Debug, Deserialize)]
pub(crate) struct Operation {
    /// HTTP method.
    pub(crate) method: String,
    /// `/Name`, or `/tags/{resourceArn}`.
    pub(crate) uri: String,
    /// The input's shape.
    pub(crate) input: String,
    /// The output's shape.
    pub(crate) output: String,
    /// The codes that clients expect.
    pub(crate) errors: Vec<String>,
    /// For listings.
    pub(crate) pagination: Option<Pagination>,
}

impl Operation {
    /// Whether the output has a member.
    pub(crate) fn answers(&self, name: &str) -> bool {
        shape(&self.output).members.contains_key(name)
    }

    /// The member of the input that makes a repeated call the same call.
    pub(crate) fn idempotency_token(&self) -> Option<&'static str> {
        let mut members = shape(&self.input).members.iter();
        members.find(|(_, member)| member.idempotency_token).map(|(name, _)| name.as_str())
    }
}

/// How a listing is cut into pages.
#[derive(Debug, Deserialize)]
pub(crate) struct Pagination {
    /// The output's member that holds the list.
    pub(crate) result_key: String,
}

/// What a value looks like.
#[derive(Debug, Deserialize)]
pub(crate) struct Shape {
    /// The type.
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    /// Of a structure.
    #[serde(default)]
    pub(crate) members: BTreeMap<String, Member>,
    /// Of a structure.
    #[serde(default)]
    pub(crate) required: Vec<String>,
    /// Of a string.
    #[serde(default, rename = "enum")]
    pub(crate) values: Vec<String>,
    /// Of a string.
    pub(crate) pattern: Option<String>,
    #[serde(skip)]
    compiled: OnceLock<Regex>,
    /// The least value of a number, the least length of anything else.
    pub(crate) min: Option<i64>,
    /// The greatest value or length.
    pub(crate) max: Option<i64>,
    /// A list's item.
    pub(crate) member: Option<String>,
    /// A map's key.
    pub(crate) key: Option<String>,
    /// A map's value.
    pub(crate) value: Option<String>,
    /// Of an exception.
    #[serde(rename = "httpStatus")]
    http_status: Option<u16>,
}

impl Shape {
    /// Whether a text is wholly of the pattern.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let Some(pattern) = &self.pattern else { return true };
        let compiled = self
            .compiled
            .get_or_init(|| Regex::new(&format!(r"\A(?:{pattern})\z")).expect("a test compiles every pattern"));
        compiled.is_match(text).unwrap_or(false)
    }
}

/// The types of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// An object with known members.
    Structure,
    /// An object with free names.
    Map,
    /// An array.
    List,
    /// Text.
    String,
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// A whole number.
    Long,
    /// A number.
    Double,
    /// Epoch seconds, a number.
    Timestamp,
}

/// A member of a structure.
#[derive(Debug, Deserialize)]
pub(crate) struct Member {
    /// Its shape.
    pub(crate) shape: String,
    /// Where it sits, unless in the body.
    pub(crate) location: Option<Location>,
    #[serde(default, rename = "idempotencyToken")]
    idempotency_token: bool,
}

/// Where a member sits outside of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Location {
    /// In the path.
    Uri,
    /// In the query string.
    QueryString,
}

/// An operation by its name.
pub(crate) fn operation(name: &str) -> Option<&'static Operation> {
    MODEL.operations.get(name)
}

/// All operations by name.
pub(crate) fn operations() -> impl Iterator<Item = (&'static str, &'static Operation)> {
    MODEL.operations.iter().map(|(name, operation)| (name.as_str(), operation))
}

/// A shape by its name.
pub(crate) fn shape(name: &str) -> &'static Shape {
    MODEL.shapes.get(name).expect("the model is closed: a test follows every name")
}

/// The HTTP status of an error code.
pub(crate) fn status(code: &str) -> u16 {
    MODEL.shapes.get(code).and_then(|shape| shape.http_status).unwrap_or(400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_whole() {
        assert_eq!(MODEL.operations.len(), 77);
        for operation in MODEL.operations.values() {
            shape(&operation.input);
            if let Some(pages) = &operation.pagination {
                assert!(operation.answers(&pages.result_key) && operation.answers("nextToken"));
            }
        }
        for (name, described) in &MODEL.shapes {
            for member in described.members.values() {
                shape(&member.shape);
            }
            for inner in [&described.member, &described.key, &described.value].into_iter().flatten() {
                shape(inner);
            }
            assert_eq!(described.kind == Kind::List, described.member.is_some(), "{name}");
            assert_eq!(described.kind == Kind::Map, described.value.is_some(), "{name}");
            described.matches("compiles");
        }
    }

    /// A timestamp is epoch seconds, a number; a date of the shape `DateTime` is text. Clients fail on the other.
    #[test]
    fn these_members_are_timestamps_and_all_other_dates_are_text() {
        let mut numbers = Vec::new();
        for (name, described) in &MODEL.shapes {
            for (member, about) in &described.members {
                let is_date = member.starts_with("date") || ["startTime", "endTime"].contains(&member.as_str());
                match shape(&about.shape).kind {
                    Kind::Timestamp => numbers.push(format!("{name}.{member}")),
                    kind => assert!(!is_date || kind == Kind::String, "{name}.{member}"),
                }
            }
        }
        insta::assert_snapshot!(numbers.join("\n"), @r"
        Image.deprecationTime
        ImageScanFinding.firstObservedAt
        ImageScanFinding.updatedAt
        ImageSummary.deprecationTime
        LifecycleExecution.endTime
        LifecycleExecution.startTime
        LifecycleExecutionResource.endTime
        LifecycleExecutionResource.startTime
        LifecyclePolicy.dateCreated
        LifecyclePolicy.dateLastRun
        LifecyclePolicy.dateUpdated
        LifecyclePolicySummary.dateCreated
        LifecyclePolicySummary.dateLastRun
        LifecyclePolicySummary.dateUpdated
        PackageVulnerabilityDetails.vendorCreatedAt
        PackageVulnerabilityDetails.vendorUpdatedAt
        StartResourceStateUpdateRequest.updateAt
        ");
    }

    #[test]
    fn these_outputs_have_no_request_id() {
        let without = MODEL.operations.iter().filter(|(_, operation)| !operation.answers("requestId"));
        let names: Vec<&str> = without.map(|(name, _)| name.as_str()).collect();
        assert_eq!(names.len(), 24);
        insta::assert_snapshot!(names.join("\n"), @r"
        CancelLifecycleExecution
        CreateLifecyclePolicy
        CreateWorkflow
        DeleteLifecyclePolicy
        DeleteWorkflow
        DistributeImage
        GetLifecycleExecution
        GetLifecyclePolicy
        GetMarketplaceResource
        GetWorkflow
        ImportDiskImage
        ListLifecycleExecutionResources
        ListLifecycleExecutions
        ListLifecyclePolicies
        ListTagsForResource
        ListWaitingWorkflowSteps
        ListWorkflowBuildVersions
        ListWorkflows
        RetryImage
        SendWorkflowStepAction
        StartResourceStateUpdate
        TagResource
        UntagResource
        UpdateLifecyclePolicy
        ");
    }

    #[test]
    fn errors_have_the_status_of_the_model() {
        for (code, expected) in [
            ("ResourceNotFoundException", 404),
            ("DryRunOperationException", 412),
            ("ServiceQuotaExceededException", 402),
            ("ResourceDependencyException", 400),
            ("SomethingUnmodelledException", 400),
        ] {
            assert_eq!(status(code), expected, "{code}");
        }
    }
}
