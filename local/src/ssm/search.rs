//! Listing parameters by path and by filters.

use super::store::{Key, Parameter, Version};
use super::{Call, invalid};
use crate::wire::ApiError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::ops::Bound;

pub(super) fn get_parameters_by_path(call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["Path", "Recursive", "ParameterFilters", "WithDecryption", "MaxResults", "NextToken"])?;
    let path = call.required("Path")?;
    if !path.starts_with('/') {
        return Err(invalid(
            "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward \
             slash \"/\". It can't be prefixed with \"aws\" or \"ssm\" (case-insensitive). It must use only letters, \
             numbers, or the following symbols: . (period), - (hyphen), _ (underscore). Special characters are not \
             allowed. All sub-paths, if specified, must use the forward slash symbol \"/\".",
        ));
    }
    if path.starts_with("/aws") {
        return Err(invalid("The local Parameter Store has public parameters by name only, not by path"));
    }
    let under = Filter::Path { path: path.to_owned(), recursive: call.flag("Recursive") };
    let mut filters = filters(&call, &["Type", "KeyId", "Label"])?;
    filters.push(under);
    let decrypted = call.flag("WithDecryption");
    page(&call, 10, &filters, |key, version| version.parameter(key, None, decrypted))
}

pub(super) fn describe_parameters(call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["ParameterFilters", "MaxResults", "NextToken"])?;
    let filters = filters(&call, &["Name", "Type", "KeyId", "Path", "Tier", "DataType", "tag:"])?;
    page(&call, 50, &filters, |key, version| {
        let mut metadata = version.metadata(key);
        metadata["ARN"] = json!(key.arn());
        metadata
    })
}

fn page(
    call: &Call<'_>,
    most: usize,
    filters: &[Filter],
    show: impl Fn(&Key, &Version) -> Value,
) -> Result<Value, ApiError> {
    let most = call.max_results(most)?;
    let after = match call.text("NextToken") {
        None => String::new(),
        Some(token) => STANDARD
            .decode(token)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or_else(|| ApiError::bad("InvalidNextToken", "The specified token isn't valid."))?,
    };
    let (region, account) = (&call.context.region, call.context.account());
    let from = Key { region: region.clone(), account: account.to_owned(), name: after };
    let mut matching = call
        .world
        .ssm
        .parameters
        .range((Bound::Excluded(from), Bound::Unbounded))
        .take_while(|(key, _)| key.region == *region && key.account == account)
        .filter_map(|(key, parameter)| {
            // A label asks for the version that has it, everything else for the current one.
            let labelled = filters.iter().find_map(|filter| match filter {
                Filter::Label(labels) => Some(labels),
                _ => None,
            });
            let version = match labelled {
                Some(labels) => parameter
                    .versions
                    .iter()
                    .rev()
                    .find(|version| version.labels.iter().any(|label| labels.contains(label)))?,
                None => parameter.current()?,
            };
            filters.iter().all(|filter| filter.takes(key, parameter, version)).then_some((key, version))
        })
        .peekable();
    let found: Vec<_> = matching.by_ref().take(most).collect();
    let mut answer = json!({"Parameters": found.iter().map(|(key, version)| show(key, version)).collect::<Vec<_>>()});
    if let (Some((last, _)), true) = (found.last(), matching.peek().is_some()) {
        answer["NextToken"] = json!(STANDARD.encode(&last.name));
    }
    Ok(answer)
}

#[derive(Debug)]
enum Filter {
    Name(Comparison, Vec<String>),
    Path { path: String, recursive: bool },
    Type(Comparison, Vec<String>),
    KeyId(Vec<String>),
    Tier(Vec<String>),
    DataType(Vec<String>),
    Label(Vec<String>),
    Tag { name: String, values: Vec<String> },
    Either(Vec<Filter>),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Comparison {
    Equals,
    BeginsWith,
    Contains,
}

impl Comparison {
    fn takes(self, text: &str, value: &str) -> bool {
        match self {
            Self::Equals => text == value,
            Self::BeginsWith => text.starts_with(value),
            Self::Contains => text.contains(value),
        }
    }
}

impl Filter {
    fn takes(&self, key: &Key, parameter: &Parameter, version: &Version) -> bool {
        let is = |values: &[String], text: &str| values.iter().any(|value| value == text);
        match self {
            Self::Name(comparison, values) => {
                let bare = key.name.trim_start_matches('/');
                values.iter().any(|value| match comparison {
                    Comparison::Equals => key.name == *value,
                    // The first slash may be left out when searching.
                    _ => comparison.takes(&key.name, value) || comparison.takes(bare, value),
                })
            }
            Self::Path { path, recursive } => {
                let rest = key.name.strip_prefix(path.trim_end_matches('/')).and_then(|rest| rest.strip_prefix('/'));
                rest.is_some_and(|rest| !rest.is_empty() && (*recursive || !rest.contains('/')))
            }
            Self::Type(comparison, values) => values.iter().any(|value| comparison.takes(&version.kind, value)),
            Self::KeyId(values) => version.key_id.as_deref().is_some_and(|id| is(values, id)),
            Self::Tier(values) => is(values, &version.tier),
            Self::DataType(values) => is(values, &version.data_type),
            Self::Label(values) => version.labels.iter().any(|label| is(values, label)),
            Self::Tag { name, values } => {
                parameter.tags.get(name).is_some_and(|value| values.is_empty() || is(values, value))
            }
            Self::Either(filters) => filters.iter().any(|filter| filter.takes(key, parameter, version)),
        }
    }
}

/// `ParameterFilters`, of which the operation takes these keys.
fn filters(call: &Call<'_>, keys: &[&str]) -> Result<Vec<Filter>, ApiError> {
    let given = call.input.get("ParameterFilters").and_then(Value::as_array).into_iter().flatten();
    given.map(|filter| parse_filter(filter, keys)).collect()
}

fn parse_filter(filter: &Value, keys: &[&str]) -> Result<Filter, ApiError> {
    let key = filter.get("Key").and_then(Value::as_str).unwrap_or_default();
    let option = filter.get("Option").and_then(Value::as_str);
    let values: Vec<String> = filter
        .get("Values")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|value| value.as_str().map(str::to_owned))
        .collect();
    let tag = key.strip_prefix("tag:");
    if !keys.contains(&if tag.is_some() { "tag:" } else { key }) {
        return Err(ApiError::bad(
            "InvalidFilterKey",
            format!("The following filter key is not valid: {key}. Valid filter keys include: [{}].", keys.join(", ")),
        ));
    }
    if values.is_empty() && tag.is_none() {
        return Err(ApiError::bad(
            "InvalidFilterValue",
            format!("The following filter values are missing for filter key {key}."),
        ));
    }
    let bad_option = |valid: &str| {
        let option = option.unwrap_or_default();
        ApiError::bad(
            "InvalidFilterOption",
            format!("The following filter option is not valid: {option}. Valid options include: [{valid}]."),
        )
    };
    let comparison = match option {
        None | Some("Equals") => Some(Comparison::Equals),
        Some("BeginsWith") => Some(Comparison::BeginsWith),
        Some("Contains") => Some(Comparison::Contains),
        Some(_) => None,
    };
    match key {
        "Name" => Ok(Filter::Name(comparison.ok_or_else(|| bad_option("BeginsWith, Equals, Contains"))?, values)),
        "Path" => {
            let recursive = match option {
                Some("Recursive") => true,
                None | Some("OneLevel") => false,
                Some(_) => return Err(bad_option("Recursive, OneLevel")),
            };
            let under = |path| Filter::Path { path, recursive };
            Ok(Filter::Either(values.into_iter().map(under).collect()))
        }
        "Type" => match comparison {
            Some(comparison @ (Comparison::Equals | Comparison::BeginsWith)) => Ok(Filter::Type(comparison, values)),
            _ => Err(bad_option("BeginsWith, Equals")),
        },
        _ if comparison != Some(Comparison::Equals) => Err(bad_option("Equals")),
        "KeyId" => Ok(Filter::KeyId(values)),
        "Tier" => Ok(Filter::Tier(values)),
        "DataType" => Ok(Filter::DataType(values)),
        "Label" => Ok(Filter::Label(values)),
        _ => Ok(Filter::Tag { name: tag.unwrap_or_default().to_owned(), values }),
    }
}
