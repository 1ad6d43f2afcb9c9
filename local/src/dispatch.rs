//! One port for all services: which one a request is for, who makes it, what it costs in simulated time.

use crate::journal::CallRecord;
use crate::wire::query::Dialect;
use crate::wire::{ApiError, Context, Request, Response, json, query};
use crate::world::{DEFAULT_REGION, World};
use crate::{autoscaling, ec2, events, faults, imagebuilder, latency, model, sns, ssm, sts};
use chrono::TimeDelta;
use serde_json::Value;

/// The parts of a signature that tell requests apart.
#[derive(Debug, PartialEq, Eq)]
struct Scope {
    access_key_id: String,
    region: String,
    service: String,
}

/// Reads `AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, …`, or the same from a presigned query.
fn scope(request: &Request) -> Option<Scope> {
    let credential = match request.header("authorization") {
        Some(header) => header.split_once("Credential=")?.1.split(',').next()?.trim().to_owned(),
        None => form_urlencoded::parse(request.query.as_bytes())
            .find(|(name, _)| name == "X-Amz-Credential")?
            .1
            .into_owned(),
    };
    let mut parts = credential.rsplitn(5, '/');
    let (_terminator, service, region, _date, key) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    Some(Scope { access_key_id: key.to_owned(), region: region.to_owned(), service: service.to_owned() })
}

/// Who makes a request and where, and the signing name of the service that it is for.
///
/// # Errors
/// The answer for a request that isn't signed, or whose session has expired.
pub(crate) fn context(world: &mut World, request: &Request) -> Result<(Context, String), Response> {
    let request_id = world.fresh_uuid("request");
    let Some(scope) = scope(request) else {
        let message =
            "The request isn't signed: any access key is accepted, but the signature's scope names the service.";
        let code = "MissingAuthenticationTokenException";
        let mut refusal = json::encode(&request_id, Err(ApiError::new(403, code, message)));
        refusal.headers.push(("x-amzn-errortype", code.to_owned()));
        return Err(refusal);
    };
    let caller = sts::caller_of(world, &scope.access_key_id)
        .map_err(|error| Protocol::for_error(&scope.service, request).encode("", &request_id, Err(error)))?;
    let region = if scope.region.is_empty() { DEFAULT_REGION.to_owned() } else { scope.region };
    Ok((Context { caller, region, request_id }, scope.service))
}

/// What becomes of a request.
pub(crate) struct Answered {
    /// `None`: the connection is dropped.
    pub(crate) response: Option<Response>,
    /// How much later the client gets the answer, in its own time.
    pub(crate) delay: TimeDelta,
}

impl From<Response> for Answered {
    fn from(response: Response) -> Self {
        Self { response: Some(response), delay: TimeDelta::zero() }
    }
}

/// Answers one API request. With `charge`, a call from an invocation lets simulated time pass, and so does
/// the latency of a fault.
pub(crate) fn answer(world: &mut World, request: &Request, charge: bool) -> Answered {
    let (context, service) = match context(world, request) {
        Ok(known) => known,
        Err(refusal) => return refusal.into(),
    };
    let protocol = match Protocol::of(&service) {
        Some(protocol) => protocol,
        None => {
            record(world, &context, &service, &request.path, Some("UnknownService"));
            let error = match service.as_str() {
                "lambda" => {
                    let message = format!("{} {} is not supported by the local Lambda.", request.method, request.path);
                    ApiError::new(501, "NotImplementedException", message)
                }
                _ => unknown(&service),
            };
            return Protocol::for_error(&service, request).encode("", &context.request_id, Err(error)).into();
        }
    };
    let decoded = protocol.decode(request);
    let (operation, input) = match &decoded {
        Ok((operation, input)) => (operation.clone(), input),
        Err(_) => (request.path.clone(), &Value::Null),
    };
    let verdict = faults::of_call(world, &context, &service, &operation, input);
    if charge {
        world.call_time = latency::charge(world, &context, &service, request, verdict.latency);
    }
    let delay = elapse(world, verdict.latency, charge);
    let result = match verdict.fate {
        None => decoded.and_then(|(operation, input)| call(world, &context, &service, &operation, input)),
        Some(faults::Fate::Refused(error)) => Err(error),
        Some(faults::Fate::Unreachable) => {
            record(world, &context, &service, &operation, Some("Unreachable"));
            world.call_time = None;
            return Answered { response: None, delay };
        }
    };
    record(world, &context, &service, &operation, result.as_ref().err().map(|error| error.code.as_str()));
    world.call_time = None;
    if !reads(&operation) {
        world.revision += 1;
    }
    Answered { response: Some(protocol.encode(&operation, &context.request_id, result)), delay }
}

/// Lets the latency of a fault pass: in simulated time here and now, unless it was charged to an invocation; else
/// the answer's client waits.
pub(crate) fn elapse(world: &mut World, latency: TimeDelta, charge: bool) -> TimeDelta {
    if !charge {
        return latency;
    }
    if world.call_time.is_none() && !latency.is_zero() {
        world.pass(world.now + latency);
    }
    TimeDelta::zero()
}

/// Whether an operation leaves things as they are, going by its name.
fn reads(operation: &str) -> bool {
    ["Get", "List", "Describe", "Search"].iter().any(|verb| operation.starts_with(verb))
}

/// One API call of a service by its signing name: the door for everything that isn't HTTP.
///
/// # Errors
/// As the service answers; `NotImplementedException` for a service that the local AWS lacks.
pub fn call(
    world: &mut World,
    context: &Context,
    service: &str,
    operation: &str,
    input: Value,
) -> Result<Value, ApiError> {
    // Permissions of `context.caller` will be checked here: every call, from a socket or from a stack, passes.
    match service {
        "imagebuilder" => imagebuilder::call(world, context, operation, input),
        "autoscaling" => autoscaling::call(world, context, operation, input),
        "ec2" => ec2::call(world, context, operation, input),
        "events" => events::call(world, context, operation, input),
        "sns" => sns::call(world, context, operation, input),
        "ssm" => ssm::call(world, context, operation, input),
        "sts" => sts::call(world, context, operation, input),
        _ => Err(unknown(service)),
    }
}

fn unknown(service: &str) -> ApiError {
    ApiError::new(501, "NotImplementedException", format!("The local AWS has no service {service:?}."))
}

fn record(world: &mut World, context: &Context, service: &str, operation: &str, error: Option<&str>) {
    let call = CallRecord {
        at: world.time_of_call(),
        caller: context.caller.clone(),
        service: service.to_owned(),
        operation: operation.to_owned(),
        region: context.region.clone(),
        error: error.map(str::to_owned),
    };
    world.journal.record_call(call);
}

#[derive(Clone, Copy)]
enum Protocol {
    ImageBuilder,
    Json(&'static str),
    Query(Dialect, &'static str),
}

impl Protocol {
    fn of(service: &str) -> Option<Self> {
        Some(match service {
            "imagebuilder" => Self::ImageBuilder,
            "ssm" => Self::Json("AmazonSSM"),
            "events" => Self::Json("AWSEvents"),
            "sns" => Self::Query(Dialect::Query, sns::NAMESPACE),
            "sts" => Self::Query(Dialect::Query, sts::NAMESPACE),
            "autoscaling" => Self::Query(Dialect::Query, autoscaling::NAMESPACE),
            "ec2" => Self::Query(Dialect::Ec2, ec2::NAMESPACE),
            _ => return None,
        })
    }

    /// The protocol of a refusal; of a service that the local AWS lacks, what its clients can read.
    fn for_error(service: &str, request: &Request) -> Self {
        let form = || request.header("content-type").is_some_and(|kind| kind.starts_with("application/x-www-form"));
        match Self::of(service) {
            Some(protocol) => protocol,
            None if form() || ["s3", "route53", "cloudfront"].contains(&service) => Self::Query(Dialect::Query, ""),
            None => Self::Json(""),
        }
    }

    fn decode(self, request: &Request) -> Result<(String, Value), ApiError> {
        match self {
            Self::ImageBuilder => model::decode(request),
            Self::Json(prefix) => json::decode(request, prefix),
            Self::Query(..) => query::decode(request),
        }
    }

    fn encode(self, operation: &str, request_id: &str, result: Result<Value, ApiError>) -> Response {
        match self {
            Self::ImageBuilder => model::encode(operation, request_id, result),
            Self::Json(_) => json::encode(request_id, result),
            Self::Query(dialect, namespace) => query::encode(dialect, namespace, operation, request_id, result),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Seed;
    use serde_json::json;

    fn answer(world: &mut World, request: &Request, charge: bool) -> Response {
        super::answer(world, request, charge).response.unwrap()
    }

    fn signed(service: &str) -> Request {
        let credential = format!(
            "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
        );
        Request {
            method: "POST".into(),
            path: "/".into(),
            query: String::new(),
            headers: vec![("authorization".into(), credential)],
            body: "{}".into(),
        }
    }

    #[test]
    fn the_scope_is_read_from_the_signature() {
        let scope = scope(&signed("ssm")).unwrap();
        assert_eq!(
            (scope.access_key_id.as_str(), scope.region.as_str(), scope.service.as_str()),
            ("AKID", "eu-west-1", "ssm")
        );
    }

    #[test]
    fn what_is_not_supported_is_an_error_and_in_the_record() {
        let mut world = World::new(Seed(1), chrono::DateTime::UNIX_EPOCH);
        let response = answer(&mut world, &signed("dynamodb"), false);
        assert_eq!(response.status, 501);
        let body: Value = serde_json::from_slice(&response.body).unwrap();
        assert_eq!(body["__type"], json!("NotImplementedException"));
        assert_eq!(world.journal.calls()[0].service, "dynamodb");
        let mut form = signed("iam");
        form.headers.push(("content-type".into(), "application/x-www-form-urlencoded; charset=utf-8".into()));
        for request in [form, signed("s3")] {
            let response = answer(&mut world, &request, false);
            let text = String::from_utf8(response.body.to_vec()).unwrap();
            assert!(text.contains("<Code>NotImplementedException</Code>"), "{text}");
        }
    }

    #[test]
    fn an_expired_session_is_told_so_in_the_protocol_of_the_service() {
        let mut world = World::new(Seed(1), chrono::DateTime::UNIX_EPOCH);
        let caller = sts::caller_of(&world, "AKID").unwrap();
        let context = Context { caller, region: "eu-west-1".into(), request_id: "r".into() };
        world.stacks.add_open_role("111122223333", "there");
        let role = json!({"RoleArn": "arn:aws:iam::111122223333:role/there", "RoleSessionName": "me"});
        let assumed = call(&mut world, &context, "sts", "AssumeRole", role).unwrap();
        let key = assumed["Credentials"]["AccessKeyId"].as_str().unwrap();
        let ask = |world: &mut World, service: &str, target: &str| {
            let mut request = signed(service);
            request.headers[0].1 = request.headers[0].1.replace("AKID", key);
            request.headers.push(("x-amz-target".into(), target.into()));
            let response = answer(world, &request, false);
            (response.status, String::from_utf8(response.body.to_vec()).unwrap())
        };
        assert_eq!(ask(&mut world, "ssm", "AmazonSSM.DescribeParameters").0, 200);
        world.now += chrono::TimeDelta::hours(1);
        for (service, form) in [
            ("ssm", r#""__type":"ExpiredToken""#),
            ("sns", "<Code>ExpiredToken</Code>"),
            ("ec2", "<Response><Errors><Error><Code>ExpiredToken</Code>"),
            ("imagebuilder", "The security token included in the request is expired"),
        ] {
            let (status, text) = ask(&mut world, service, "AmazonSSM.DescribeParameters");
            assert_eq!(status, 403, "{service}");
            assert!(text.contains(form), "{text}");
        }
    }

    #[test]
    fn every_answer_says_which_request_it_is_for() {
        let mut world = World::new(Seed(1), chrono::DateTime::UNIX_EPOCH);
        let mut request = signed("ssm");
        request.headers.push(("x-amz-target".into(), "AmazonSSM.DescribeParameters".into()));
        for target in ["AmazonSSM.DescribeParameters", "AmazonSSM.Nothing"] {
            request.headers[1].1 = target.into();
            let response = answer(&mut world, &request, false);
            assert!(response.headers.iter().any(|(name, id)| *name == "x-amzn-requestid" && id.len() == 36));
        }
    }
}
