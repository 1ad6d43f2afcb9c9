//! Reads CloudFormation and SAM templates and deploys them onto the local AWS.

use serde_json::Value;
use std::collections::BTreeMap;

/// What the deployed stacks leave behind that belongs to no service.
#[derive(Debug, Default)]
pub struct Store {
    /// Exports by name: imports of later stacks.
    pub exports: BTreeMap<String, Value>,
    /// IAM roles by name: the resolved properties and the policies, for those who check permissions.
    pub roles: BTreeMap<String, Value>,
}
