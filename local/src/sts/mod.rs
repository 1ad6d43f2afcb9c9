//! STS: who a caller is, and sessions of roles. Also what an access key stands for.

use crate::wire::{ApiError, Caller, Context};
use crate::world::World;
use serde_json::Value;

/// STS's XML name space.
pub const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// What STS knows: the sessions that were handed out.
#[derive(Debug, Default)]
pub struct Store {}

/// Temporary credentials of a role's session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// `ASIA…`
    pub access_key_id: String,
    /// Not checked by the local AWS.
    pub secret_access_key: String,
    /// Not checked by the local AWS.
    pub session_token: String,
}

/// One API call; input and answer in the names of the wire (see [`crate::wire::query`]).
///
/// # Errors
/// As STS answers.
pub fn call(_world: &mut World, _context: &Context, operation: &str, _input: Value) -> Result<Value, ApiError> {
    Err(ApiError::bad("InvalidAction", format!("Could not find operation {operation} for version 2011-06-15")))
}

/// Credentials of a new session of a role, such as a function's process gets.
pub fn credentials_for(_world: &mut World, _account: &str, _role: &str, _session: &str) -> Credentials {
    Credentials { access_key_id: String::new(), secret_access_key: String::new(), session_token: String::new() }
}

/// The session of an access key takes part in an invocation from now on (`None`: in none). Sessions that
/// were assumed with that key follow it.
pub fn attach(_world: &mut World, _access_key_id: &str, _invocation: Option<&str>) {}

/// Whom an access key stands for. Any key is accepted: an unknown one of 12 digits is that account's
/// root, any other unknown one the default account's.
pub fn caller_of(_world: &World, _access_key_id: &str) -> Caller {
    Caller {
        account: crate::world::DEFAULT_ACCOUNT.to_owned(),
        principal: crate::wire::Principal::Root,
        invocation: None,
    }
}
