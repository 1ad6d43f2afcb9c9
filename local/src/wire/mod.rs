//! What the services have in common on the wire: who calls, what a call answers, how a failure looks.
//! The protocols themselves are in the modules below; handlers see JSON values only.

pub mod json;
pub mod query;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Who makes a call: every request carries it into its handler and into the run's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// 12 digits.
    pub account: String,
    /// The role, the service or the account's root.
    pub principal: Principal,
    /// The Lambda request ID of the invocation that makes the call, if one does.
    pub invocation: Option<String>,
}

/// As what a caller acts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Principal {
    /// An access key that isn't a role's: the account itself.
    Root,
    /// A session of an IAM role.
    Role {
        /// The role's name, without path.
        name: String,
        /// The session's name: a function's own, or what AssumeRole was given.
        session: String,
    },
    /// An AWS service, such as `cloudformation.amazonaws.com`.
    Service(String),
}

impl Caller {
    /// A service that acts in an account.
    pub fn service(account: &str, service: &str) -> Self {
        Self { account: account.to_owned(), principal: Principal::Service(service.to_owned()), invocation: None }
    }

    /// The ARN that GetCallerIdentity answers.
    pub fn arn(&self) -> String {
        match &self.principal {
            Principal::Root => format!("arn:aws:iam::{}:root", self.account),
            Principal::Role { name, session } => format!("arn:aws:sts::{}:assumed-role/{name}/{session}", self.account),
            Principal::Service(service) => service.clone(),
        }
    }
}

/// What surrounds one call.
#[derive(Debug, Clone)]
pub struct Context {
    /// Who calls.
    pub caller: Caller,
    /// The Region that the request was signed for.
    pub region: String,
    /// The request's ID, as answered to the caller.
    pub request_id: String,
}

impl Context {
    /// The caller's account.
    pub fn account(&self) -> &str {
        &self.caller.account
    }
}

/// A failure in AWS's form: code, message and HTTP status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    /// The code that clients match, such as `ResourceNotFoundException`.
    pub code: String,
    /// One sentence for people.
    pub message: String,
    /// The HTTP status.
    pub status: u16,
}

impl ApiError {
    /// A failure with a status of its own.
    pub fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), status }
    }

    /// The caller's fault, 400.
    pub fn bad(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }
}

/// One request as it arrived, before its protocol was read.
#[derive(Debug, Clone)]
pub struct Request {
    /// HTTP method, upper case.
    pub method: String,
    /// The path, still percent-encoded.
    pub path: String,
    /// The query string without `?`, still encoded.
    pub query: String,
    /// Header names in lower case.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Bytes,
}

impl Request {
    /// The first value of a header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// One answer.
#[derive(Debug, Clone)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers, `content-type` included.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Bytes,
}
