//! Lambda's API, as far as people use it to invoke functions: Invoke, ListFunctions, GetFunction and
//! GetFunctionConfiguration. restJson 1, version 2015-03-31.

use super::{Function, Host, Invocation, SYNCHRONOUS, THROTTLED, accept_as, finished};
use crate::journal::CallRecord;
use crate::wire::{ApiError, Context, Request, Response};
use crate::world::World;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const ROOT: &str = "/2015-03-31/functions";

/// The largest events. <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const MAX_SYNCHRONOUS: usize = 6 * 1024 * 1024;
const MAX_ASYNCHRONOUS: usize = 1024 * 1024;

/// How much of a log `X-Amz-Log-Type: Tail` answers.
const LOG_TAIL: usize = 4 * 1024;

/// Functions on one page of ListFunctions.
const PAGE: usize = 50;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Operation {
    Invoke(String),
    ListFunctions,
    GetFunction(String),
    GetFunctionConfiguration(String),
}

impl Operation {
    fn of(request: &Request) -> Option<Self> {
        let rest = request.path.strip_prefix(ROOT)?;
        let parts: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
        let decoded = |name: &str| percent_decode_str(name).decode_utf8_lossy().into_owned();
        Some(match (request.method.as_str(), parts.as_slice()) {
            ("GET", []) => Self::ListFunctions,
            ("GET", [name]) => Self::GetFunction(decoded(name)),
            ("GET", [name, "configuration"]) => Self::GetFunctionConfiguration(decoded(name)),
            ("POST", [name, "invocations"]) => Self::Invoke(decoded(name)),
            _ => return None,
        })
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Invoke(_) => "Invoke",
            Self::ListFunctions => "ListFunctions",
            Self::GetFunction(_) => "GetFunction",
            Self::GetFunctionConfiguration(_) => "GetFunctionConfiguration",
        }
    }
}

/// The operation that a request is for, if [`answer`] knows it, and its input.
pub fn recognised(request: &Request) -> Option<(&'static str, Value)> {
    let operation = Operation::of(request)?;
    let input = match &operation {
        Operation::ListFunctions => json!({}),
        Operation::Invoke(name) | Operation::GetFunction(name) | Operation::GetFunctionConfiguration(name) => {
            json!({"FunctionName": name})
        }
    };
    Some((operation.name(), input))
}

/// Writes a call down that was refused before it was answered.
pub(crate) fn refused(world: &mut World, context: &Context, operation: &str, error: ApiError) -> Response {
    record(world, context, operation, Some(error.code.clone()));
    encode(context, Err(error))
}

pub(crate) fn record(world: &mut World, context: &Context, operation: &str, error: Option<String>) {
    let call = CallRecord {
        at: world.now,
        caller: context.caller.clone(),
        service: "lambda".to_owned(),
        operation: operation.to_owned(),
        region: context.region.clone(),
        error,
    };
    world.journal.record_call(call);
}

/// Answers a request that is [`recognised`]. A synchronous invocation is run, and written down like any other.
pub async fn answer(host: &Arc<Host>, world: &Mutex<World>, context: &Context, request: &Request) -> Response {
    let Some(operation) = Operation::of(request) else {
        return encode(context, Err(ApiError::new(404, "UnknownOperationException", "No such operation of Lambda")));
    };
    let result = match &operation {
        Operation::Invoke(name) => invoke(host, world, context, request, name).await,
        Operation::ListFunctions => list(&locked(world), context, request).map(document),
        Operation::GetFunction(name) => find(&locked(world), context, request, name).map(|function| {
            let mut answer = json!({"Configuration": configuration(&function), "Code": {"Location": function.code}});
            if let Some(limit) = function.reserved_concurrency {
                answer["Concurrency"] = json!({"ReservedConcurrentExecutions": limit});
            }
            document(answer)
        }),
        Operation::GetFunctionConfiguration(name) => {
            find(&locked(world), context, request, name).map(|function| document(configuration(&function)))
        }
    };
    record(&mut locked(world), context, operation.name(), result.as_ref().err().map(|error| error.code.clone()));
    encode(context, result)
}

async fn invoke(
    host: &Arc<Host>,
    world: &Mutex<World>,
    context: &Context,
    request: &Request,
    name: &str,
) -> Result<Response, ApiError> {
    let function = find(&locked(world), context, request, name)?;
    let kind = request.header("x-amz-invocation-type").unwrap_or("RequestResponse");
    let limit = if kind == "Event" { MAX_ASYNCHRONOUS } else { MAX_SYNCHRONOUS };
    if request.body.len() > limit {
        let size = request.body.len();
        let message = format!("{size} byte payload is too large for the {kind} invocation type (limit {limit} bytes)");
        return Err(ApiError::new(413, "RequestTooLargeException", message));
    }
    let payload = event(request)?;
    match kind {
        "DryRun" => Ok(plain(204, String::new())),
        "Event" => {
            accept_as(&mut locked(world), context.request_id.clone(), &function.arn, payload, "event");
            Ok(plain(202, String::new()))
        }
        "RequestResponse" => {
            let (invocation, started) = {
                let world = locked(world);
                let invocation = Invocation {
                    request_id: context.request_id.clone(),
                    function_arn: function.arn,
                    payload,
                    source: SYNCHRONOUS.to_owned(),
                    attempt: 0,
                    accepted_at: world.now,
                };
                (invocation, world.now)
            };
            locked(world).in_flight.insert(invocation.request_id.clone(), invocation.clone());
            let ending = host.invoke(world, &invocation).await;
            finished(&mut locked(world), invocation, started, ending.clone());
            if ending.function_error.as_deref() == Some(THROTTLED) {
                return Err(ApiError::new(429, THROTTLED, "Rate Exceeded."));
            }
            let mut response = plain(200, ending.payload);
            response.headers.push(("x-amz-executed-version", "$LATEST".to_owned()));
            if let Some(error) = ending.function_error {
                response.headers.push(("x-amz-function-error", error));
            }
            if request.header("x-amz-log-type") == Some("Tail") {
                let log = ending.log.as_bytes();
                let tail = &log[log.len().saturating_sub(LOG_TAIL)..];
                response.headers.push(("x-amz-log-result", STANDARD.encode(tail)));
            }
            Ok(response)
        }
        _ => Err(ApiError::bad(
            "InvalidParameterValueException",
            format!(
                "Value '{kind}' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: [Event, DryRun, RequestResponse]"
            ),
        )),
    }
}

/// The event: any JSON text; nothing means `{}`.
fn event(request: &Request) -> Result<String, ApiError> {
    if request.body.is_empty() {
        return Ok("{}".to_owned());
    }
    let invalid = |error: &dyn std::fmt::Display| {
        ApiError::bad("InvalidRequestContentException", format!("Could not parse request body into json: {error}"))
    };
    let text = std::str::from_utf8(&request.body).map_err(|error| invalid(&error))?;
    serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|error| invalid(&error))?;
    Ok(text.to_owned())
}

/// The function that a name, a partial ARN or an ARN means, with `$LATEST` as its only version.
fn find(world: &World, context: &Context, request: &Request, name: &str) -> Result<Function, ApiError> {
    let parts: Vec<&str> = name.split(':').collect();
    let (region, account, name, qualifier) = match parts.as_slice() {
        ["arn", _, "lambda", region, account, "function", name, qualifier @ ..] => {
            (*region, *account, *name, qualifier)
        }
        [account, "function", name, qualifier @ ..] => (context.region.as_str(), *account, *name, qualifier),
        [name, qualifier @ ..] => (context.region.as_str(), context.account(), *name, qualifier),
        [] => unreachable!("a split has at least one part"),
    };
    let from_query = query(request, "Qualifier");
    let qualifier = qualifier.first().copied().or(from_query.as_deref());
    let arn = format!("arn:aws:lambda:{region}:{account}:function:{name}");
    match (world.lambda.functions.get(&arn), qualifier) {
        (Some(function), None | Some("$LATEST")) => Ok(function.clone()),
        (_, qualifier) => {
            let suffix = qualifier.map(|qualifier| format!(":{qualifier}")).unwrap_or_default();
            Err(ApiError::new(404, "ResourceNotFoundException", format!("Function not found: {arn}{suffix}")))
        }
    }
}

fn list(world: &World, context: &Context, request: &Request) -> Result<Value, ApiError> {
    let page = match query(request, "MaxItems").map(|text| text.parse::<usize>()) {
        None => PAGE,
        Some(Ok(wanted @ 1..=10000)) => wanted.min(PAGE),
        Some(_) => {
            let message = "Value at 'maxItems' failed to satisfy constraint: Member must be between 1 and 10000";
            return Err(ApiError::bad("InvalidParameterValueException", message));
        }
    };
    let marker = query(request, "Marker").unwrap_or_default();
    let ours = |function: &&Function| function.region == context.region && function.account == context.account();
    let mut rest = world.lambda.functions.values().filter(ours).filter(|function| function.name > marker).peekable();
    let mut functions = Vec::new();
    let mut last = None;
    for function in rest.by_ref().take(page) {
        functions.push(configuration(function));
        last = Some(function.name.clone());
    }
    let mut answer = json!({ "Functions": functions });
    if rest.peek().is_some() {
        answer["NextMarker"] = json!(last);
    }
    Ok(answer)
}

fn configuration(function: &Function) -> Value {
    let mut logging = Map::new();
    logging.insert("LogFormat".to_owned(), json!(function.log_format));
    logging.insert("LogGroup".to_owned(), json!(format!("/aws/lambda/{}", function.name)));
    if let Some(level) = &function.log_level {
        logging.insert("ApplicationLogLevel".to_owned(), json!(level));
    }
    let mut configuration = json!({
        "FunctionName": function.name,
        "FunctionArn": function.arn,
        "Runtime": "provided.al2023",
        "Role": format!("arn:aws:iam::{}:role/{}", function.account, function.role),
        "Handler": "bootstrap",
        "Timeout": function.timeout,
        "MemorySize": function.memory,
        "Version": "$LATEST",
        "PackageType": "Zip",
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "LoggingConfig": logging,
    });
    if !function.environment.is_empty() {
        configuration["Environment"] = json!({"Variables": function.environment});
    }
    if let Some(target) = &function.dead_letter_arn {
        configuration["DeadLetterConfig"] = json!({"TargetArn": target});
    }
    configuration
}

fn query(request: &Request, name: &str) -> Option<String> {
    form_urlencoded::parse(request.query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn plain(status: u16, body: String) -> Response {
    Response { status, headers: vec![("content-type", "application/json".to_owned())], body: body.into() }
}

fn document(body: Value) -> Response {
    plain(200, body.to_string())
}

fn encode(context: &Context, result: Result<Response, ApiError>) -> Response {
    let mut response = result.unwrap_or_else(|error| {
        // Lambda's model spells the member in two ways.
        let member = if error.code == "ResourceNotFoundException" { "Message" } else { "message" };
        let mut body = json!({"Type": "User", member: error.message});
        if error.code == THROTTLED {
            body["Reason"] = json!("ReservedFunctionConcurrentInvocationLimitExceeded");
        }
        let mut response = plain(error.status, body.to_string());
        response.headers.push(("x-amzn-errortype", error.code));
        response
    });
    response.headers.push(("x-amzn-requestid", context.request_id.clone()));
    response
}

fn locked(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{arn, function, world_with};
    use super::*;
    use crate::wire::{Caller, Principal};
    use crate::world::Step;
    use std::net::SocketAddr;

    fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Request {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            body: body.to_owned().into(),
        }
    }

    async fn ask(world: &Mutex<World>, request: &Request) -> (Response, Value) {
        assert!(recognised(request).is_some());
        let caller = Caller { account: "123456789012".to_owned(), principal: Principal::Root, invocation: None };
        let context = Context { caller, region: "us-east-1".to_owned(), request_id: "request".to_owned() };
        let host = Host::new(SocketAddr::from(([127, 0, 0, 1], 1)));
        let response = answer(&host, world, &context, request).await;
        let body = serde_json::from_slice(&response.body).unwrap_or_default();
        (response, body)
    }

    fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
        response.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn only_lambdas_own_paths_match() {
        for (method, path, expected) in [
            ("POST", "/2015-03-31/functions/f/invocations", Some(Operation::Invoke("f".to_owned()))),
            ("POST", "/2015-03-31/functions/a%3Ab/invocations", Some(Operation::Invoke("a:b".to_owned()))),
            ("GET", "/2015-03-31/functions/", Some(Operation::ListFunctions)),
            ("GET", "/2015-03-31/functions/f", Some(Operation::GetFunction("f".to_owned()))),
            ("DELETE", "/2015-03-31/functions/f", None),
            ("POST", "/2015-03-31/functions", None),
            ("POST", "/", None),
        ] {
            assert_eq!(Operation::of(&request(method, path, &[], "")), expected, "{method} {path}");
        }
    }

    #[tokio::test]
    async fn a_function_goes_by_name_and_by_arn_and_has_one_version() {
        let world = Mutex::new(world_with(&[function("f")]));
        let arn = arn("f");
        for (name, status) in [
            ("f", 200),
            ("f:$LATEST", 200),
            ("123456789012:function:f", 200),
            (arn.as_str(), 200),
            ("f?Qualifier=%24LATEST", 200),
            ("f:live", 404),
            ("f?Qualifier=2", 404),
            ("g", 404),
            ("111122223333:function:f", 404),
        ] {
            let (response, body) = ask(&world, &request("GET", &format!("{ROOT}/{name}"), &[], "")).await;
            assert_eq!(response.status, status, "{name}");
            if status == 404 {
                assert_eq!(header(&response, "x-amzn-errortype"), Some("ResourceNotFoundException"));
                assert!(body["Message"].as_str().unwrap().starts_with("Function not found: arn:aws:lambda:"), "{body}");
            } else {
                assert_eq!(body["Configuration"]["FunctionArn"], arn);
            }
        }
    }

    #[tokio::test]
    async fn functions_are_listed_page_by_page() {
        let mut elsewhere = function("z");
        elsewhere.region = "eu-west-1".to_owned();
        let world = Mutex::new(world_with(&[function("a"), function("b"), function("c"), elsewhere]));
        let mut names = Vec::new();
        let mut marker = String::new();
        loop {
            let path = format!("{ROOT}/?MaxItems=2&Marker={marker}");
            let (_, body) = ask(&world, &request("GET", &path, &[], "")).await;
            names.extend(body["Functions"].as_array().unwrap().iter().map(|one| one["FunctionName"].clone()));
            match body["NextMarker"].as_str() {
                Some(next) => marker = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(names, ["a", "b", "c"]);
    }

    #[tokio::test]
    async fn an_asynchronous_event_is_accepted_and_due() {
        let world = Mutex::new(world_with(&[function("f")]));
        let invoke =
            |headers: &[(&str, &str)], body: &str| request("POST", &format!("{ROOT}/f/invocations"), headers, body);
        let (response, _) = ask(&world, &invoke(&[("x-amz-invocation-type", "Event")], "[1]")).await;
        assert_eq!(response.status, 202);
        let (response, _) = ask(&world, &invoke(&[("x-amz-invocation-type", "DryRun")], "")).await;
        assert_eq!(response.status, 204);
        let (response, body) = ask(&world, &invoke(&[], "no json")).await;
        assert_eq!(response.status, 400, "{body}");
        assert_eq!(header(&response, "x-amzn-errortype"), Some("InvalidRequestContentException"));
        let (response, _) = ask(&world, &invoke(&[("x-amz-invocation-type", "Sometime")], "{}")).await;
        assert_eq!(response.status, 400);

        let mut world = world.into_inner().unwrap();
        let now = world.now;
        let Some(Step::Invoke(invocation)) = world.step(now) else { panic!("nothing is due") };
        assert_eq!((invocation.payload.as_str(), invocation.source.as_str()), ("[1]", "event"));
        assert_eq!(invocation.request_id, "request");
        let operations: Vec<_> = world.journal.calls().iter().map(|call| call.error.as_deref()).collect();
        assert_eq!(
            operations,
            [None, None, Some("InvalidRequestContentException"), Some("InvalidParameterValueException")]
        );
    }

    #[tokio::test]
    async fn a_synchronous_failure_is_answered_with_its_log_and_written_down() {
        let world = Mutex::new(world_with(&[function("f")]));
        let path = format!("{ROOT}/f/invocations");
        let (response, body) = ask(&world, &request("POST", &path, &[("x-amz-log-type", "Tail")], "{}")).await;
        assert_eq!(response.status, 200);
        assert_eq!(header(&response, "x-amz-function-error"), Some("Unhandled"));
        assert_eq!(header(&response, "x-amz-executed-version"), Some("$LATEST"));
        assert!(header(&response, "x-amz-log-result").is_some());
        assert_eq!(body["errorType"], "Runtime.InvalidEntrypoint");
        let world = world.into_inner().unwrap();
        assert_eq!(world.lambda.invocations[0].invocation.source, SYNCHRONOUS);
    }

    #[tokio::test]
    async fn beyond_its_concurrency_a_function_is_throttled() {
        let mut function = function("f");
        function.reserved_concurrency = Some(0);
        let world = Mutex::new(world_with(&[function]));
        let (response, body) = ask(&world, &request("POST", &format!("{ROOT}/f/invocations"), &[], "{}")).await;
        assert_eq!((response.status, header(&response, "x-amzn-errortype")), (429, Some(THROTTLED)));
        assert_eq!(body["Reason"], "ReservedFunctionConcurrentInvocationLimitExceeded");
        assert!(world.into_inner().unwrap().lambda.invocations.is_empty());
    }
}
