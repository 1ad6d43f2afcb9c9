//! STS: who a caller is, and sessions of roles. Also what an access key stands for.

use crate::clock::{Time, iso_seconds};
use crate::wire::{ApiError, Caller, Context, Principal};
use crate::world::{DEFAULT_ACCOUNT, World};
use chrono::TimeDelta;
use serde_json::{Value, json};
use shared::arn::Arn;
use std::collections::BTreeMap;

/// STS's XML name space.
pub const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// What STS knows: the sessions that were handed out, by access key.
#[derive(Debug, Default)]
pub struct Store {
    sessions: BTreeMap<String, Session>,
}

#[derive(Debug, Clone)]
struct Session {
    account: String,
    role: String,
    name: String,
    invocation: Option<String>,
    /// The access key of the session that assumed this one: it takes part in the same invocation.
    parent: Option<String>,
    expires: Option<Time>,
}

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
pub fn call(world: &mut World, context: &Context, operation: &str, input: Value) -> Result<Value, ApiError> {
    match operation {
        "GetCallerIdentity" => Ok(json!({
            "UserId": context.account(),
            "Account": context.account(),
            "Arn": context.caller.arn(),
        })),
        "AssumeRole" => assume_role(world, context, &input),
        _ => Err(ApiError::bad("InvalidAction", format!("Could not find operation {operation} for version 2011-06-15"))),
    }
}

/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
fn assume_role(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let text = |member: &str| input.get(member).and_then(Value::as_str);
    let invalid = |message: String| ApiError::bad("ValidationError", message);
    let arn = text("RoleArn").ok_or_else(|| invalid("RoleArn: expected the ARN of a role".to_owned()))?;
    let role = role_of(arn).ok_or_else(|| invalid(format!("{arn} is invalid")))?;
    let name = text("RoleSessionName").unwrap_or_default();
    let legal = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if !(2..=64).contains(&name.len()) || !name.chars().all(legal) {
        return Err(invalid("RoleSessionName: expected 2 to 64 of letters, digits and _+=,.@-".to_owned()));
    }
    let seconds = text("DurationSeconds").unwrap_or("3600");
    let seconds: i64 = seconds
        .parse()
        .ok()
        .filter(|seconds| (900..=43200).contains(seconds))
        .ok_or_else(|| invalid(format!("DurationSeconds: expected 900 to 43200, not {seconds}")))?;
    // In the account whose stacks are deployed here every role is known; other accounts' are taken as they come.
    if role.account == DEFAULT_ACCOUNT && !world.stacks.roles.contains_key(&role.name) {
        let message = format!("User: {} is not authorized to perform: sts:AssumeRole on resource: {arn}", context.caller.arn());
        return Err(ApiError::new(403, "AccessDenied", message));
    }
    let expires = world.now + TimeDelta::seconds(seconds);
    let parent = context.caller.invocation.as_deref().and_then(|invocation| world.sts.key_of(invocation));
    let session = Session {
        account: role.account.clone(),
        role: role.name.clone(),
        name: name.to_owned(),
        invocation: None,
        parent,
        expires: Some(expires),
    };
    let credentials = open(world, session);
    let id = world.seed.hex(&["role", &role.account, &role.name], 17).to_uppercase();
    Ok(json!({
        "Credentials": {
            "AccessKeyId": credentials.access_key_id,
            "SecretAccessKey": credentials.secret_access_key,
            "SessionToken": credentials.session_token,
            "Expiration": iso_seconds(expires),
        },
        "AssumedRoleUser": {
            "AssumedRoleId": format!("AROA{id}:{name}"),
            "Arn": format!("arn:aws:sts::{}:assumed-role/{}/{name}", role.account, role.name),
        },
        "PackedPolicySize": 0,
    }))
}

struct Role {
    account: String,
    /// Without path.
    name: String,
}

fn role_of(arn: &str) -> Option<Role> {
    let arn: Arn = arn.parse().ok()?;
    let path = arn.resource.strip_prefix("role/")?;
    let name = path.rsplit('/').next().filter(|name| !name.is_empty())?.to_owned();
    let account = arn.account.len() == 12 && arn.account.bytes().all(|byte| byte.is_ascii_digit());
    (arn.service == "iam" && account).then_some(Role { account: arn.account, name })
}

fn open(world: &mut World, session: Session) -> Credentials {
    let nth = world.count("session").to_string();
    let key = ["session", session.role.as_str(), nth.as_str()];
    let id = world.seed.hex(&key, 16).to_uppercase();
    let credentials = Credentials {
        access_key_id: format!("ASIA{id}"),
        secret_access_key: world.seed.hex(&["secret", &id], 32),
        session_token: world.seed.hex(&["token", &id], 32),
    };
    world.sts.sessions.insert(credentials.access_key_id.clone(), session);
    credentials
}

impl Store {
    fn key_of(&self, invocation: &str) -> Option<String> {
        let found = self.sessions.iter().find(|(_, session)| session.invocation.as_deref() == Some(invocation));
        found.map(|(key, _)| key.clone())
    }

    fn invocation_of(&self, session: &Session) -> Option<String> {
        match &session.parent {
            Some(parent) => self.sessions.get(parent)?.invocation.clone(),
            None => session.invocation.clone(),
        }
    }
}

/// Credentials of a new session of a role, such as a function's process gets.
pub fn credentials_for(world: &mut World, account: &str, role: &str, session: &str) -> Credentials {
    let session = Session {
        account: account.to_owned(),
        role: role.to_owned(),
        name: session.to_owned(),
        invocation: None,
        parent: None,
        expires: None,
    };
    open(world, session)
}

/// The session of an access key takes part in an invocation from now on (`None`: in none). Sessions that
/// were assumed with that key follow it.
pub fn attach(world: &mut World, access_key_id: &str, invocation: Option<&str>) {
    if let Some(session) = world.sts.sessions.get_mut(access_key_id) {
        session.invocation = invocation.map(str::to_owned);
    }
}

/// Whom an access key stands for. Any key is accepted: an unknown one of 12 digits is that account's
/// root, any other unknown one the default account's.
///
/// # Errors
/// `ExpiredToken` for a session whose time is over.
pub fn caller_of(world: &World, access_key_id: &str) -> Result<Caller, ApiError> {
    let Some(session) = world.sts.sessions.get(access_key_id) else {
        let is_account = access_key_id.len() == 12 && access_key_id.bytes().all(|byte| byte.is_ascii_digit());
        let account = if is_account { access_key_id } else { DEFAULT_ACCOUNT };
        return Ok(Caller { account: account.to_owned(), principal: Principal::Root, invocation: None });
    };
    if session.expires.is_some_and(|expires| expires <= world.now) {
        return Err(ApiError::new(403, "ExpiredToken", "The security token included in the request is expired"));
    }
    Ok(Caller {
        account: session.account.clone(),
        principal: Principal::Role { name: session.role.clone(), session: session.name.clone() },
        invocation: world.sts.invocation_of(session),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Seed;

    fn world() -> World {
        World::new(Seed(1), "2026-03-02T00:00:00Z".parse().unwrap())
    }

    fn as_caller(caller: Caller) -> Context {
        Context { caller, region: "us-east-1".to_owned(), request_id: "r".to_owned() }
    }

    #[test]
    fn any_key_is_accepted_and_12_digits_are_an_account() {
        let world = world();
        let account = |key: &str| caller_of(&world, key).unwrap().account;
        assert_eq!(account("111122223333"), "111122223333");
        assert_eq!(account("AKIAIOSFODNN7EXAMPLE"), DEFAULT_ACCOUNT);
        assert_eq!(account("1111222233334"), DEFAULT_ACCOUNT);
    }

    #[test]
    fn a_function_acts_as_its_role_and_what_it_assumes_belongs_to_its_invocation() {
        let mut world = world();
        let own = credentials_for(&mut world, DEFAULT_ACCOUNT, "FunctionRole", "fan-out-amis");
        attach(&mut world, &own.access_key_id, Some("invocation-1"));
        let caller = caller_of(&world, &own.access_key_id).unwrap();
        let identity = call(&mut world, &as_caller(caller.clone()), "GetCallerIdentity", json!({})).unwrap();
        assert_eq!(identity["Arn"], "arn:aws:sts::123456789012:assumed-role/FunctionRole/fan-out-amis");

        let input = json!({"RoleArn": "arn:aws:iam::111122223333:role/path/Target", "RoleSessionName": "fan-out-amis"});
        let assumed = call(&mut world, &as_caller(caller), "AssumeRole", input).unwrap();
        let key = assumed["Credentials"]["AccessKeyId"].as_str().unwrap().to_owned();
        let there = caller_of(&world, &key).unwrap();
        assert_eq!((there.account.as_str(), there.invocation.as_deref()), ("111122223333", Some("invocation-1")));
        attach(&mut world, &own.access_key_id, Some("invocation-2"));
        assert_eq!(caller_of(&world, &key).unwrap().invocation.as_deref(), Some("invocation-2"));

        world.now += TimeDelta::hours(1);
        assert_eq!(caller_of(&world, &key).unwrap_err().code, "ExpiredToken");
    }

    #[test]
    fn what_cannot_be_assumed_is_refused() {
        let mut world = world();
        let context = as_caller(caller_of(&world, "x").unwrap());
        let mut refused = |input: Value| call(&mut world, &context, "AssumeRole", input).unwrap_err().code;
        let role = "arn:aws:iam::111122223333:role/Target";
        assert_eq!(refused(json!({"RoleArn": "role/Target", "RoleSessionName": "ok"})), "ValidationError");
        assert_eq!(refused(json!({"RoleArn": role, "RoleSessionName": "with space"})), "ValidationError");
        assert_eq!(refused(json!({"RoleArn": role, "RoleSessionName": "ok", "DurationSeconds": "60"})), "ValidationError");
        let unknown = json!({"RoleArn": "arn:aws:iam::123456789012:role/Nobody", "RoleSessionName": "ok"});
        assert_eq!(refused(unknown), "AccessDenied");
    }
}
