//! STS: who a caller is, and sessions of roles. Also what an access key stands for.

mod trust;

use crate::clock::{Time, iso_seconds};
use crate::wire::{ApiError, Caller, Context, Principal};
use crate::world::{DEFAULT_ACCOUNT, World};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::arn::Arn;
use std::collections::BTreeMap;
use trust::{Asker, Undecided};

/// STS's XML name space.
pub const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// What STS knows: the sessions that were handed out.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Store {
    /// By access key ID.
    sessions: BTreeMap<String, Session>,
}

impl Store {
    /// The sessions of functions' processes end with their processes.
    pub(crate) fn forget_processes(&mut self) {
        self.sessions.retain(|_, session| session.expires.is_some());
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Session {
    caller: Caller,
    /// The access key ID of the session that assumed this one's role.
    parent: Option<String>,
    /// On the clients' clocks; `None` for a function's process, whose credentials are renewed for it.
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
            "Arn": context.caller.arn(),
            "UserId": user_id(world, &context.caller),
            "Account": context.account(),
        })),
        "AssumeRole" => assume_role(world, context, &input),
        _ => {
            Err(ApiError::bad("InvalidAction", format!("Could not find operation {operation} for version 2011-06-15")))
        }
    }
}

/// `AROA…:session` for a session of a role, else the account.
fn user_id(world: &World, caller: &Caller) -> String {
    match &caller.principal {
        Principal::Role { name, session } => format!("{}:{session}", role_id(world, &caller.account, name)),
        Principal::Root | Principal::Service(_) => caller.account.clone(),
    }
}

fn role_id(world: &World, account: &str, role: &str) -> String {
    format!("AROA{}", alphanumeric(world, &["role id", account, role], 17))
}

/// Upper-case letters and digits, as in AWS's identifiers.
fn alphanumeric(world: &World, key: &[&str], len: usize) -> String {
    const SYMBOLS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let digits = world.seed.hex(key, 32);
    let more = world.seed.hex(&[&digits], 32);
    let bytes = digits.as_bytes().chunks(2).chain(more.as_bytes().chunks(2));
    bytes
        .map(|pair| pair.iter().fold(0, |sum, digit| sum * 16 + (*digit as char).to_digit(16).unwrap_or(0)))
        .map(|byte| char::from(SYMBOLS[(byte % 32) as usize]))
        .take(len)
        .collect()
}

fn assume_role(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let known = ["RoleArn", "RoleSessionName", "DurationSeconds", "ExternalId"];
    if let Some(name) =
        input.as_object().into_iter().flat_map(|input| input.keys()).find(|name| !known.contains(&name.as_str()))
    {
        return Err(invalid(format!("{name} is not supported by the local STS")));
    }
    let text = |member: &str| input.get(member).and_then(Value::as_str).unwrap_or_default();
    let (role_arn, session) = (text("RoleArn"), text("RoleSessionName"));
    let arn: Option<Arn> = role_arn.parse().ok();
    let (account, path) = arn
        .as_ref()
        .filter(|arn| arn.service == "iam" && arn.account.len() == 12)
        .and_then(|arn| Some((arn.account.as_str(), arn.resource.strip_prefix("role/")?)))
        .ok_or_else(|| invalid(format!("{role_arn} is invalid")))?;
    let role = path.rsplit('/').next().unwrap_or(path);
    let symbols = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if !(2..=64).contains(&session.len()) || !session.chars().all(symbols) {
        return Err(invalid(format!(
            "1 validation error detected: Value '{session}' at 'roleSessionName' failed to satisfy constraint: Member \
             must satisfy regular expression pattern: [\\w+=,.@-]*, with a length of 2 to 64"
        )));
    }
    let external_id = input.get("ExternalId").and_then(Value::as_str);
    if external_id.is_some_and(|id| !(2..=1224).contains(&id.len())) {
        return Err(invalid(
            "1 validation error detected: Value at 'externalId' failed to satisfy constraint: Member must have length between 2 and 1224",
        ));
    }
    let role_of_account = world.stacks.role(account, role).filter(|properties| properties["Arn"] == role_arn);
    let Some(properties) = role_of_account else { return Err(denied(context, role_arn)) };
    let principal_arn = principal_arn(world, &context.caller);
    let asker = Asker {
        account: context.account(),
        arn: &context.caller.arn(),
        principal_arn: &principal_arn,
        session_name: session,
        external_id,
    };
    match trust::trusts(&properties["AssumeRolePolicyDocument"], asker) {
        Ok(true) => {}
        Ok(false) => return Err(denied(context, role_arn)),
        Err(Undecided(why)) => {
            return Err(ApiError::new(501, "NotImplementedException", format!("{role_arn}: {why}")));
        }
    }
    let longest = match properties.get("MaxSessionDuration") {
        Some(Value::String(seconds)) => seconds.parse().unwrap_or(3600),
        Some(seconds) => seconds.as_i64().unwrap_or(3600),
        None => 3600,
    };
    let seconds = duration(text("DurationSeconds"), longest, &context.caller)?;
    let parent = parent_of(world, &context.caller);
    // Clients look at their own clocks, so a session lasts as long as they think it does.
    let expires = world.clients_now() + TimeDelta::seconds(seconds);
    let credentials = new_session(world, account, role, session, parent, Some(expires));
    let caller = caller_of(world, &credentials.access_key_id)?;
    Ok(json!({
        "Credentials": {
            "AccessKeyId": credentials.access_key_id,
            "SecretAccessKey": credentials.secret_access_key,
            "SessionToken": credentials.session_token,
            "Expiration": iso_seconds(expires),
        },
        "AssumedRoleUser": {"AssumedRoleId": user_id(world, &caller), "Arn": caller.arn()},
    }))
}

/// What AWS answers alike for a role that doesn't exist and one that doesn't trust the caller.
fn denied(context: &Context, role_arn: &str) -> ApiError {
    let caller = context.caller.arn();
    let message = format!("User: {caller} is not authorized to perform: sts:AssumeRole on resource: {role_arn}");
    ApiError::new(403, "AccessDenied", message)
}

/// `aws:PrincipalArn`: of a role's session the role's, with its path.
fn principal_arn(world: &World, caller: &Caller) -> String {
    let Principal::Role { name, .. } = &caller.principal else { return caller.arn() };
    let role = world.stacks.role(&caller.account, name).and_then(|role| role["Arn"].as_str());
    role.map_or_else(|| format!("arn:aws:iam::{}:role/{name}", caller.account), str::to_owned)
}

fn duration(text: &str, longest: i64, caller: &Caller) -> Result<i64, ApiError> {
    if text.is_empty() {
        return Ok(3600);
    }
    let seconds = text.parse().ok().filter(|seconds| (900..=43_200).contains(seconds)).ok_or_else(|| {
        invalid(format!(
            "1 validation error detected: Value '{text}' at 'durationSeconds' failed to satisfy constraint: Member \
             must have value between 900 and 43200"
        ))
    })?;
    if seconds > 3600 && matches!(caller.principal, Principal::Role { .. }) {
        return Err(invalid(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        ));
    }
    if seconds > longest {
        return Err(invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role."));
    }
    Ok(seconds)
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::bad("ValidationError", message)
}

/// The session that takes part in the caller's invocation under the caller's name. Several of the same name
/// in one invocation descend from the same process, so any of them will do.
fn parent_of(world: &World, caller: &Caller) -> Option<String> {
    caller.invocation.as_ref()?;
    let sessions = &world.sts.sessions;
    sessions.iter().find(|(_, session)| caller_in(world, session) == *caller).map(|(key, _)| key.clone())
}

/// The caller that a session stands for: it takes part in the invocation of the session that it descends from.
fn caller_in(world: &World, session: &Session) -> Caller {
    let mut first = session;
    while let Some(parent) = first.parent.as_ref().and_then(|key| world.sts.sessions.get(key)) {
        first = parent;
    }
    Caller { invocation: first.caller.invocation.clone(), ..session.caller.clone() }
}

/// Credentials of a new session of a role, such as a function's process gets.
pub fn credentials_for(world: &mut World, account: &str, role: &str, session: &str) -> Credentials {
    new_session(world, account, role, session, None, None)
}

fn new_session(
    world: &mut World,
    account: &str,
    role: &str,
    session: &str,
    parent: Option<String>,
    expires: Option<Time>,
) -> Credentials {
    let name = format!("session {account} {role} {session} {}", parent.as_deref().unwrap_or_default());
    let nth = world.count(&name).to_string();
    let access_key_id = format!("ASIA{}", alphanumeric(world, &["access key", &name, &nth], 16));
    let credentials = Credentials {
        secret_access_key: world.seed.hex(&["secret", &access_key_id], 32),
        session_token: world.seed.hex(&["token", &access_key_id], 32),
        access_key_id: access_key_id.clone(),
    };
    let principal = Principal::Role { name: role.to_owned(), session: session.to_owned() };
    let caller = Caller { account: account.to_owned(), principal, invocation: None };
    world.sts.sessions.insert(access_key_id, Session { caller, parent, expires });
    credentials
}

/// The session of an access key takes part in an invocation from now on (`None`: in none). Sessions that
/// were assumed with that key follow it.
pub fn attach(world: &mut World, access_key_id: &str, invocation: Option<&str>) {
    if let Some(session) = world.sts.sessions.get_mut(access_key_id) {
        session.caller.invocation = invocation.map(str::to_owned);
    }
}

/// Whom an access key stands for. Any key is accepted: an unknown one of 12 digits is that account's
/// root, any other unknown one the default account's.
///
/// # Errors
/// `ExpiredToken` for a session whose time is over.
pub fn caller_of(world: &World, access_key_id: &str) -> Result<Caller, ApiError> {
    if let Some(session) = world.sts.sessions.get(access_key_id) {
        if session.expires.is_some_and(|expires| expires <= world.clients_now()) {
            let message = "The security token included in the request is expired";
            return Err(ApiError::new(403, "ExpiredToken", message));
        }
        return Ok(caller_in(world, session));
    }
    let is_account = access_key_id.len() == 12 && access_key_id.bytes().all(|byte| byte.is_ascii_digit());
    let account = if is_account { access_key_id } else { DEFAULT_ACCOUNT };
    Ok(Caller { account: account.to_owned(), principal: Principal::Root, invocation: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Seed;

    fn world() -> World {
        World::new(Seed(7), "2026-01-01T00:00:00Z".parse().unwrap())
    }

    /// A role that a stack has made, with a trust policy.
    fn add_role(world: &mut World, account: &str, path_and_name: &str, trust: Value) {
        let name = path_and_name.rsplit('/').next().unwrap();
        let arn = format!("arn:aws:iam::{account}:role/{path_and_name}");
        let role = json!({"Arn": arn, "AssumeRolePolicyDocument": {"Statement": trust}});
        world.stacks.add_role(account, name, role);
    }

    fn anybody() -> Value {
        json!({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"})
    }

    fn ask(world: &mut World, key: &str, operation: &str, input: Value) -> Result<Value, ApiError> {
        let caller = caller_of(world, key)?;
        let context = Context { caller, region: "us-east-1".to_owned(), request_id: "r".to_owned() };
        call(world, &context, operation, input)
    }

    #[test]
    fn an_access_key_tells_the_caller() {
        let mut world = world();
        let key = credentials_for(&mut world, DEFAULT_ACCOUNT, "fan-out-role", "fan-out").access_key_id;
        assert!(key.len() == 20 && key.starts_with("ASIA"), "{key}");
        let table = [
            ("111122223333", "arn:aws:iam::111122223333:root"),
            ("AKIDEXAMPLE", "arn:aws:iam::123456789012:root"),
            (key.as_str(), "arn:aws:sts::123456789012:assumed-role/fan-out-role/fan-out"),
        ];
        for (key, arn) in table {
            assert_eq!(ask(&mut world, key, "GetCallerIdentity", json!({})).unwrap()["Arn"], arn);
        }
    }

    #[test]
    fn sessions_of_the_same_name_have_keys_of_their_own() {
        let mut world = world();
        let first = credentials_for(&mut world, DEFAULT_ACCOUNT, "r", "s");
        assert_ne!(first, credentials_for(&mut world, DEFAULT_ACCOUNT, "r", "s"));
    }

    #[test]
    fn an_assumed_session_follows_the_invocation_of_its_parent() {
        let mut world = world();
        let key = credentials_for(&mut world, DEFAULT_ACCOUNT, "r", "s").access_key_id;
        attach(&mut world, &key, Some("one"));
        add_role(&mut world, "111122223333", "path/reader", anybody());
        let input = json!({"RoleArn": "arn:aws:iam::111122223333:role/path/reader", "RoleSessionName": "there"});
        let answer = ask(&mut world, &key, "AssumeRole", input).unwrap();
        assert_eq!(answer["AssumedRoleUser"]["Arn"], "arn:aws:sts::111122223333:assumed-role/reader/there");
        assert_eq!(answer["Credentials"]["Expiration"], "2026-01-01T01:00:00Z");
        let child = answer["Credentials"]["AccessKeyId"].as_str().unwrap().to_owned();
        assert_eq!(caller_of(&world, &child).unwrap().invocation.as_deref(), Some("one"));
        attach(&mut world, &key, None);
        assert_eq!(caller_of(&world, &child).unwrap().invocation, None);
        attach(&mut world, &key, Some("two"));
        assert_eq!(caller_of(&world, &child).unwrap().invocation.as_deref(), Some("two"));
    }

    #[test]
    fn a_session_lasts_as_long_as_its_clients_clock_says() {
        for speed in [1, 600] {
            let mut world = world();
            world.speed = speed;
            let own = credentials_for(&mut world, DEFAULT_ACCOUNT, "r", "s").access_key_id;
            let role = "arn:aws:iam::111122223333:role/there";
            world.stacks.add_open_role("111122223333", "there");
            let input = json!({"RoleArn": role, "RoleSessionName": "me", "DurationSeconds": "900"});
            let answer = ask(&mut world, &own, "AssumeRole", input).unwrap();
            assert_eq!(answer["Credentials"]["Expiration"], "2026-01-01T00:15:00Z");
            let key = answer["Credentials"]["AccessKeyId"].as_str().unwrap().to_owned();
            world.now += TimeDelta::seconds(899) * speed;
            assert!(caller_of(&world, &key).is_ok());
            world.now += TimeDelta::seconds(1) * speed;
            let error = caller_of(&world, &key).unwrap_err();
            assert_eq!((error.status, error.code.as_str()), (403, "ExpiredToken"));
            // A function's own credentials are renewed for it.
            assert!(caller_of(&world, &own).is_ok());
        }
    }

    #[test]
    fn a_role_is_assumed_by_the_rules() {
        let mut world = world();
        add_role(&mut world, DEFAULT_ACCOUNT, "short", anybody());
        let arn = "arn:aws:iam::123456789012:role/short";
        let table = [
            (json!({"RoleArn": arn, "RoleSessionName": "ok"}), None),
            (json!({"RoleArn": arn, "RoleSessionName": "ok", "DurationSeconds": "900", "ExternalId": "id"}), None),
            (json!({"RoleArn": arn, "RoleSessionName": "x"}), Some("ValidationError")),
            (json!({"RoleArn": arn, "RoleSessionName": "a b"}), Some("ValidationError")),
            (json!({"RoleArn": arn, "RoleSessionName": "ok", "DurationSeconds": "60"}), Some("ValidationError")),
            (json!({"RoleArn": arn, "RoleSessionName": "ok", "DurationSeconds": "7200"}), Some("ValidationError")),
            (json!({"RoleArn": arn, "RoleSessionName": "ok", "Policy": "{}"}), Some("ValidationError")),
            (json!({"RoleArn": "short", "RoleSessionName": "ok"}), Some("ValidationError")),
            (json!({"RoleArn": "arn:aws:iam::123456789012:role/none", "RoleSessionName": "ok"}), Some("AccessDenied")),
        ];
        for (input, expected) in table {
            let code = ask(&mut world, "AKID", "AssumeRole", input.clone()).err().map(|error| error.code);
            assert_eq!(code.as_deref(), expected, "{input}");
        }
    }

    #[test]
    fn a_role_of_another_account_is_assumed_only_by_whom_it_trusts() {
        let mut world = world();
        let us = json!({"AWS": "arn:aws:iam::123456789012:role/publisher"});
        let condition = json!({"StringEquals": {"sts:ExternalId": "agreed"}});
        let statement = json!({"Effect": "Allow", "Principal": us, "Action": "sts:AssumeRole", "Condition": condition});
        add_role(&mut world, "111122223333", "goldsmith/target", statement);
        let role = "arn:aws:iam::111122223333:role/goldsmith/target";
        let publisher = credentials_for(&mut world, DEFAULT_ACCOUNT, "publisher", "fan-out").access_key_id;
        let other = credentials_for(&mut world, DEFAULT_ACCOUNT, "other", "fan-out").access_key_id;
        let stranger = credentials_for(&mut world, "444455556666", "publisher", "fan-out").access_key_id;
        let pathless = role.replace("/goldsmith/", "/");
        let elsewhere = role.replace("111122223333", "444455556666");
        for (key, role, external_id, allowed) in [
            (&publisher, role, Some("agreed"), true),
            (&publisher, role, Some("another"), false),
            (&publisher, role, None, false),
            (&other, role, Some("agreed"), false),
            (&stranger, role, Some("agreed"), false),
            (&publisher, pathless.as_str(), Some("agreed"), false),
            (&publisher, elsewhere.as_str(), Some("agreed"), false),
        ] {
            let mut input = json!({"RoleArn": role, "RoleSessionName": "me"});
            if let Some(id) = external_id {
                input["ExternalId"] = json!(id);
            }
            let answer = ask(&mut world, key, "AssumeRole", input);
            let code = answer.as_ref().err().map(|error| (error.status, error.code.clone()));
            let expected = (!allowed).then(|| (403, "AccessDenied".to_owned()));
            assert_eq!(code, expected, "{key} {role} {external_id:?}");
            if let Ok(answer) = answer {
                let key = answer["Credentials"]["AccessKeyId"].as_str().unwrap();
                assert_eq!(caller_of(&world, key).unwrap().account, "111122223333");
            }
        }
    }
}
