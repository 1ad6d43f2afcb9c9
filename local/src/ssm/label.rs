//! Labels: names for versions of a parameter, each on one version at a time.

use super::store::Version;
use super::{Call, emit_change, invalid, not_found};
use crate::journal::Kind;
use crate::wire::ApiError;
use serde_json::{Value, json};

/// How many labels a version can have.
const MOST_LABELS: usize = 10;

pub(super) fn label_parameter_version(call: Call<'_>) -> Result<Value, ApiError> {
    let key = call.key(call.required("Name")?);
    let asked = asked_labels(&call)?;
    let (labels, refused): (Vec<_>, Vec<_>) = asked.into_iter().partition(|label| is_valid(label));
    let parameter = call.world.ssm.parameters.get_mut(&key).ok_or_else(not_found)?;
    let latest = parameter.current().ok_or_else(not_found)?.number;
    let number = call.input.get("ParameterVersion").and_then(Value::as_i64).unwrap_or(latest);
    let place = position(&parameter.versions, number, &key.name)?;
    let kept = parameter.versions[place].labels.iter().filter(|label| !labels.contains(label)).count();
    if kept + labels.len() > MOST_LABELS {
        return Err(ApiError::bad(
            "ParameterVersionLabelLimitExceeded",
            "A parameter version can have maximum 10 labels.Move one or more labels to another version and try again.",
        ));
    }
    if !labels.is_empty() {
        for version in &mut parameter.versions {
            version.labels.retain(|label| !labels.contains(label));
        }
        let version = &mut parameter.versions[place];
        version.labels.extend(labels.iter().cloned());
        let version = version.clone();
        emit_change(call.world, &key, &version, "LabelParameterVersion");
        let detail = format!("v{number} labelled {}", labels.join(", "));
        let invocation = call.context.caller.invocation.as_deref();
        call.world.record_for(invocation, Kind::ParameterChanged, &key.name, Some(&key.region), detail);
    }
    Ok(json!({"InvalidLabels": refused, "ParameterVersion": number}))
}

pub(super) fn unlabel_parameter_version(call: Call<'_>) -> Result<Value, ApiError> {
    let key = call.key(call.required("Name")?);
    let asked = asked_labels(&call)?;
    let number = call.input.get("ParameterVersion").and_then(Value::as_i64);
    let number = number.ok_or_else(|| invalid("1 validation error detected: Value null at 'parameterVersion' failed to satisfy constraint: Member must not be null"))?;
    let parameter = call.world.ssm.parameters.get_mut(&key).ok_or_else(not_found)?;
    let place = position(&parameter.versions, number, &key.name)?;
    let version = &mut parameter.versions[place];
    let (removed, unknown): (Vec<_>, Vec<_>) = asked.into_iter().partition(|label| version.labels.contains(label));
    version.labels.retain(|label| !removed.contains(label));
    if !removed.is_empty() {
        let detail = format!("v{number} no longer labelled {}", removed.join(", "));
        let invocation = call.context.caller.invocation.as_deref();
        call.world.record_for(invocation, Kind::ParameterChanged, &key.name, Some(&key.region), detail);
    }
    Ok(json!({"RemovedLabels": removed, "InvalidLabels": unknown}))
}

fn asked_labels(call: &Call<'_>) -> Result<Vec<String>, ApiError> {
    let mut labels: Vec<String> = call.texts("Labels").into_iter().map(str::to_owned).collect();
    if !(1..=MOST_LABELS).contains(&labels.len())
        || labels.iter().any(|label| !(1..=100).contains(&label.chars().count()))
    {
        return Err(invalid(
            "1 validation error detected: Value at 'labels' failed to satisfy constraint: 1 to 10 labels of 1 to 100 \
             characters each",
        ));
    }
    labels.sort();
    labels.dedup();
    Ok(labels)
}

/// Letters, numbers, `.`, `-` and `_`; no number in front, nor `aws` or `ssm`.
fn is_valid(label: &str) -> bool {
    let lower = label.to_lowercase();
    label.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        && !label.starts_with(|c: char| c.is_ascii_digit())
        && !lower.starts_with("aws")
        && !lower.starts_with("ssm")
}

fn position(versions: &[Version], number: i64, name: &str) -> Result<usize, ApiError> {
    versions.iter().position(|version| version.number == number).ok_or_else(|| {
        ApiError::bad(
            "ParameterVersionNotFound",
            format!("Systems Manager could not find version {number} of {name}. Verify the version and try again."),
        )
    })
}
