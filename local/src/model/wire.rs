//! restJson1: a request becomes an operation with its input, an answer becomes bytes.

use super::schema::{Kind, Location, Member, operation, operations, shape};
use super::validate::reduce;
use crate::wire::{ApiError, Request, Response, json};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

/// The operation that a request routes to, and its input: all members, whatever their place on the wire.
///
/// # Errors
/// As protocol layers in front of AWS's services answer, which Image Builder's model doesn't have:
/// `UnknownOperationException` (404) for a method and path that no operation has, `UnsupportedMediaTypeException`
/// (415) for a body that says it is something else than JSON, `SerializationException` (400) for one that isn't a
/// JSON object. <https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html>
pub fn decode(request: &Request) -> Result<(String, Value), ApiError> {
    // The path is split before it is decoded: an ARN's own slashes come as %2F and separate nothing.
    let path: Vec<&str> = request.path.split('/').collect();
    let (name, operation) = operations()
        .find(|(_, operation)| operation.method == request.method && fits(&operation.uri, &path))
        .ok_or_else(|| {
            let message = format!("No operation is at {} {}", request.method, request.path);
            ApiError::new(404, "UnknownOperationException", message)
        })?;
    let members = &shape(&operation.input).members;
    let has_body = request.method != "GET" && request.method != "DELETE" && !request.body.is_empty();
    if let Some(kind) = request.header("content-type").filter(|kind| has_body && !is_json(kind)) {
        let message = format!("The content type is {kind}: expected application/json");
        return Err(ApiError::new(415, "UnsupportedMediaTypeException", message));
    }
    let mut input = match has_body.then(|| json::object(&request.body)).transpose()? {
        Some(Value::Object(body)) => body,
        _ => Map::new(),
    };
    // A member has one place only.
    input.retain(|name, _| members.get(name).is_none_or(|member| member.location.is_none()));
    for (place, part) in operation.uri.split('/').zip(&path) {
        if let Some(label) = place.strip_prefix('{').and_then(|place| place.strip_suffix('}')) {
            let text = percent_decode_str(part).decode_utf8_lossy().into_owned();
            input.insert(label.to_owned(), Value::String(text));
        }
    }
    for (name, text) in form_urlencoded::parse(request.query.as_bytes()) {
        if let Some(member) = members.get(name.as_ref()).filter(|it| it.location == Some(Location::QueryString)) {
            insert(&mut input, &name, member, &text);
        }
    }
    Ok((name.to_owned(), Value::Object(input)))
}

fn is_json(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || kind.starts_with("application/x-amz-json-")
}

fn fits(uri: &str, path: &[&str]) -> bool {
    let mut parts = uri.split('/');
    path.iter()
        .all(|part| parts.next().is_some_and(|wanted| wanted.starts_with('{') && !part.is_empty() || wanted == *part))
        && parts.next().is_none()
}

/// A member of the query string takes the type that the model gives it; a list's key is repeated.
fn insert(input: &mut Map<String, Value>, name: &str, member: &Member, text: &str) {
    let described = shape(&member.shape);
    if described.kind != Kind::List {
        input.insert(name.to_owned(), scalar(described.kind, text));
        return;
    }
    let kind = described.member.as_deref().map_or(Kind::String, |item| shape(item).kind);
    if let Value::Array(items) = input.entry(name).or_insert_with(|| json!([])) {
        items.push(scalar(kind, text));
    }
}

/// Text that isn't of its type stays text, for validation to refuse.
fn scalar(kind: Kind, text: &str) -> Value {
    let parsed = match kind {
        Kind::Boolean => text.parse::<bool>().ok().map(Value::from),
        Kind::Integer | Kind::Long => text.parse::<i64>().ok().map(Value::from),
        Kind::Double | Kind::Timestamp => text.parse::<f64>().ok().map(Value::from),
        _ => None,
    };
    parsed.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// The answer on the wire: 200 with the output's members, null ones left out and `requestId` added where the
/// output has one; or the error's code in a header and its message in the body.
pub fn encode(name: &str, request_id: &str, result: Result<Value, ApiError>) -> Response {
    let mut headers =
        vec![("content-type", "application/json".to_owned()), ("x-amzn-RequestId", request_id.to_owned())];
    let (status, body) = match result {
        Ok(mut output) => (
            200,
            operation(name).map_or(Value::Null, |operation| {
                reduce(&operation.output, &mut output);
                if let (Value::Object(output), true) = (&mut output, operation.answers("requestId")) {
                    output.insert("requestId".to_owned(), request_id.into());
                }
                output
            }),
        ),
        Err(error) => {
            headers.push(("x-amzn-ErrorType", error.code));
            (error.status, json!({"message": error.message}))
        }
    };
    Response { status, headers, body: body.to_string().into() }
}

#[cfg(test)]
mod tests {
    use super::super::error;
    use super::*;

    fn request(method: &str, path: &str, query: &str, body: &str) -> Request {
        Request {
            method: method.into(),
            path: path.into(),
            query: query.into(),
            headers: vec![],
            body: body.to_owned().into(),
        }
    }

    #[test]
    fn every_operation_routes_to_itself() {
        for (name, operation) in operations() {
            let path = operation.uri.replace("{resourceArn}", "arn%3Aaws%3Aimagebuilder%3Aa%2Fb");
            let (routed, input) = decode(&request(&operation.method, &path, "", "{}")).unwrap();
            assert_eq!(routed, name);
            if operation.uri.contains('{') {
                assert_eq!(input, json!({"resourceArn": "arn:aws:imagebuilder:a/b"}));
            }
        }
    }

    #[test]
    fn anything_else_is_not_found() {
        for (method, path) in [
            ("POST", "/GetImage"),
            ("GET", "/GetImage/"),
            ("GET", "/tags/"),
            ("GET", "/tags/arn:aws:imagebuilder:a/b"),
            ("GET", "/"),
            ("GET", ""),
            ("GET", "/getimage"),
        ] {
            assert_eq!(decode(&request(method, path, "", "")).unwrap_err().status, 404, "{method} {path}");
        }
    }

    #[test]
    fn members_are_taken_from_their_place_only() {
        let (_, input) = decode(&request("DELETE", "/tags/arn%3Ax", "tagKeys=a&tagKeys=b%20c&other=1", "")).unwrap();
        assert_eq!(input, json!({"resourceArn": "arn:x", "tagKeys": ["a", "b c"]}));
        let (_, input) = decode(&request("GET", "/GetImage", "imageBuildVersionArn=arn%3Aaws%3Ai%2F1", "")).unwrap();
        assert_eq!(input, json!({"imageBuildVersionArn": "arn:aws:i/1"}));
        let (_, input) =
            decode(&request("POST", "/tags/arn%3Ax", "", r#"{"tags":{"a":"1"},"resourceArn":"y"}"#)).unwrap();
        assert_eq!(input, json!({"tags": {"a": "1"}, "resourceArn": "arn:x"}));
        assert_eq!(decode(&request("POST", "/ListImages", "", "[]")).unwrap_err().code, "SerializationException");
    }

    fn text(response: &Response) -> String {
        let headers: String = response.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        format!("{}\n{headers}{}", response.status, String::from_utf8_lossy(&response.body))
    }

    #[test]
    fn an_error_travels_in_a_header_and_a_message() {
        let response = encode("GetImage", "r-1", Err(error("ResourceNotFoundException", "gone")));
        insta::assert_snapshot!(text(&response), @r#"
        404
        content-type: application/json
        x-amzn-RequestId: r-1
        x-amzn-ErrorType: ResourceNotFoundException
        {"message":"gone"}
        "#);
    }

    #[test]
    fn a_list_is_answered_with_the_request_id_and_without_nulls() {
        let answer = json!({"imageVersionList": [{"arn": "a", "name": "n", "osVersion": null}], "nextToken": null});
        insta::assert_snapshot!(text(&encode("ListImages", "r-1", Ok(answer))), @r#"
        200
        content-type: application/json
        x-amzn-RequestId: r-1
        {"imageVersionList":[{"arn":"a","name":"n"}],"requestId":"r-1"}
        "#);
        assert_eq!(encode("TagResource", "r-1", Ok(json!({}))).body, "{}");
    }
}
