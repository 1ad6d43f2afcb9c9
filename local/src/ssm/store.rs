//! What Parameter Store keeps: every parameter with its versions.

use crate::clock::{Time, epoch_seconds};
use crate::world::World;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Everything that Parameter Store keeps, of all accounts and Regions.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Store {
    #[serde(with = "crate::pairs")]
    pub(super) parameters: BTreeMap<Key, Parameter>,
}

/// What tells parameters apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Key {
    pub(super) region: String,
    pub(super) account: String,
    pub(super) name: String,
}

impl Key {
    pub(super) fn arn(&self) -> String {
        let Self { region, account, name } = self;
        format!("arn:aws:ssm:{region}:{account}:parameter/{}", name.trim_start_matches('/'))
    }
}

/// A parameter. It exists once it has a version.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Parameter {
    /// Oldest first, at most 100.
    pub(super) versions: Vec<Version>,
    /// Those that wait for their validation, with its end.
    pub(super) pending: Vec<(Time, Version)>,
    /// The highest version that was ever answered to a writer.
    pub(super) handed_out: i64,
    pub(super) tags: BTreeMap<String, String>,
}

/// One version of a parameter.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) number: i64,
    pub(super) value: String,
    /// `String`, `StringList` or `SecureString`.
    pub(super) kind: String,
    pub(super) data_type: String,
    pub(super) tier: String,
    pub(super) description: Option<String>,
    pub(super) allowed_pattern: Option<String>,
    pub(super) key_id: Option<String>,
    pub(super) modified: Time,
    /// From when on it can be read: an `aws:ec2:image` value once it is validated.
    pub(super) since: Time,
    pub(super) modified_by: String,
    pub(super) labels: Vec<String>,
}

impl Parameter {
    pub(super) fn current(&self) -> Option<&Version> {
        self.versions.last()
    }

    /// The versions that can be read at a time, oldest first. Where invocations call several Regions side by
    /// side, a version may have been made readable for a later time than the caller's.
    pub(super) fn readable(&self, at: Time) -> impl DoubleEndedIterator<Item = &Version> {
        self.versions.iter().filter(move |version| version.since <= at)
    }

    /// Makes a version readable. One that was validated later than a newer one takes its place before that.
    pub(super) fn insert(&mut self, version: Version) {
        let place = self.versions.partition_point(|other| other.number < version.number);
        self.versions.insert(place, version);
    }
}

impl Version {
    fn shown_value(&self, decrypted: bool) -> String {
        if self.kind == "SecureString" && !decrypted {
            // Not a cipher: what matters is that nobody can use it without asking for decryption.
            return STANDARD.encode(format!("encrypted:{}", self.value));
        }
        self.value.clone()
    }

    /// The `Parameter` of GetParameter and its like.
    pub(super) fn parameter(&self, key: &Key, selector: Option<&str>, decrypted: bool) -> Value {
        let mut parameter = json!({
            "Name": key.name,
            "Type": self.kind,
            "Value": self.shown_value(decrypted),
            "Version": self.number,
            "LastModifiedDate": epoch_seconds(self.modified),
            "ARN": key.arn(),
            "DataType": self.data_type,
        });
        if let Some(selector) = selector {
            parameter["Selector"] = json!(format!(":{selector}"));
        }
        parameter
    }

    /// What DescribeParameters and GetParameterHistory have in common.
    pub(super) fn metadata(&self, key: &Key) -> Value {
        let mut metadata = json!({
            "Name": key.name,
            "Type": self.kind,
            "LastModifiedDate": epoch_seconds(self.modified),
            "LastModifiedUser": self.modified_by,
            "Version": self.number,
            "Tier": self.tier,
            "Policies": [],
            "DataType": self.data_type,
        });
        let optional =
            [("KeyId", &self.key_id), ("Description", &self.description), ("AllowedPattern", &self.allowed_pattern)];
        for (name, value) in optional {
            if let Some(value) = value {
                metadata[name] = json!(value);
            }
        }
        metadata
    }

    /// One entry of GetParameterHistory.
    pub(super) fn history(&self, key: &Key, decrypted: bool) -> Value {
        let mut entry = self.metadata(key);
        entry["Value"] = json!(self.shown_value(decrypted));
        entry["Labels"] = json!(self.labels);
        entry
    }
}

/// The current version of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The Region.
    pub region: String,
    /// 12 digits.
    pub account: String,
    /// The parameter.
    pub name: String,
    /// Its value, in clear.
    pub value: String,
    /// Its version.
    pub version: i64,
    /// Its description.
    pub description: Option<String>,
    /// `text` or `aws:ec2:image`.
    pub data_type: String,
    /// The labels of that version.
    pub labels: Vec<String>,
    /// All labels of the parameter, each with the description of the version that it is on.
    pub labelled: BTreeMap<String, String>,
}

/// All parameters that can be read now, by Region, account and name.
pub fn published(world: &World) -> Vec<Published> {
    let current = |(key, parameter): (&Key, &Parameter)| {
        let version = parameter.current()?.clone();
        let of = |version: &Version| {
            let description = version.description.clone().unwrap_or_default();
            version.labels.iter().map(move |label| (label.clone(), description.clone())).collect::<Vec<_>>()
        };
        Some(Published {
            labelled: parameter.versions.iter().flat_map(of).collect(),
            region: key.region.clone(),
            account: key.account.clone(),
            name: key.name.clone(),
            value: version.value,
            version: version.number,
            description: version.description,
            data_type: version.data_type,
            labels: version.labels,
        })
    };
    world.ssm.parameters.iter().filter_map(current).collect()
}
