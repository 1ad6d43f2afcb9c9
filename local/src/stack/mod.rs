//! Reads CloudFormation and SAM templates and deploys them onto the local AWS.
//!
//! - [`tree`] and [`template`]: a file becomes a located tree, [`sam`] spells out what SAM leaves implied.
//! - [`check`]: everything that is wrong with a template before anything is made, all at once.
//! - [`evaluate`] and [`parameters`]: the intrinsic functions, and what names stand for; pure.
//! - [`types`]: which resource types there are, and what they look like to a template.
//! - [`deploy`]: makes the resources in the order of their dependencies, by calls of the services' own APIs.
//!
//! What isn't known is an error with file and line, never skipped in silence.

mod auto_scaling;
mod check;
mod deploy;
mod dynamic;
mod error;
mod evaluate;
mod function;
mod iam;
mod imagebuilder;
mod launch_template;
mod messaging;
mod order;
mod parameters;
mod rules;
mod sam;
mod sam_policies;
mod shape;
mod template;
mod tree;
mod triggers;
mod types;
mod values;

pub use deploy::{Deployment, Progress, Summary};
pub use error::{StackError, StackErrors};
pub use sam_policies::statements as statements_of_sam_policy;
pub use template::{Template, read};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What the deployed stacks leave behind that belongs to no service.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Store {
    /// Exports by `ACCOUNT/REGION`, then name: imports of later stacks there.
    pub exports: BTreeMap<String, BTreeMap<String, Value>>,
    /// IAM roles by `ACCOUNT/NAME`: the resolved properties and the policies, for those who check permissions.
    pub roles: BTreeMap<String, Value>,
    /// Customer-managed policies by ARN: their documents.
    pub policies: BTreeMap<String, Value>,
    /// ARNs of functions that a stack declares but that can't run here.
    pub absent_functions: BTreeSet<String>,
    /// By [`Deployment::key`]: the stacks that are deployed, each with a fingerprint of its template and parameters.
    pub deployed: BTreeMap<String, String>,
}

impl Store {
    /// A role of an account, by its name without path.
    pub fn role(&self, account: &str, name: &str) -> Option<&Value> {
        self.roles.get(&format!("{account}/{name}"))
    }

    /// Keeps a role of an account under its name.
    pub(crate) fn add_role(&mut self, account: &str, name: &str, role: Value) {
        self.roles.insert(format!("{account}/{name}"), role);
    }

    /// Keeps a role that anybody may assume, and that may do anything.
    #[cfg(test)]
    pub(crate) fn add_open_role(&mut self, account: &str, name: &str) {
        let trust = serde_json::json!({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"});
        let arn = format!("arn:aws:iam::{account}:role/{name}");
        let all = ["arn:aws:iam::aws:policy/AdministratorAccess"];
        let role =
            serde_json::json!({"Arn": arn, "AssumeRolePolicyDocument": {"Statement": trust}, "ManagedPolicyArns": all});
        self.add_role(account, name, role);
    }
}

#[cfg(test)]
mod tests;
