//! How each service says that it is called too often, or that it is out of order.

use crate::model;
use crate::wire::ApiError;

/// The refusal of a call for its rate. `code` is another one than the service's usual.
pub(super) fn throttled(service: &str, code: Option<&str>) -> ApiError {
    let (usual, status) = match service {
        "imagebuilder" | "lambda" => ("TooManyRequestsException", 429),
        "sns" => ("Throttled", 429),
        "autoscaling" | "sts" => ("Throttling", 400),
        "ec2" => ("RequestLimitExceeded", 503),
        _ => ("ThrottlingException", 400),
    };
    let code = code.unwrap_or(usual);
    let status = if service == "imagebuilder" { model::error(code, "").status } else { status };
    let message = if service == "ec2" { "Request limit exceeded." } else { "Rate exceeded" };
    ApiError::new(status, code, message)
}

/// The refusal with a code or status, of which the service's own words give the other.
pub(super) fn refused(service: &str, code: Option<&str>, status: Option<u16>, message: Option<&str>) -> ApiError {
    let code = code.unwrap_or_else(|| usual(service, status.unwrap_or(500)));
    let status = status.unwrap_or_else(|| match service {
        "imagebuilder" => model::error(code, "").status,
        _ if code == usual(service, 500) => 500,
        _ if code == usual(service, 503) => 503,
        _ => 400,
    });
    ApiError::new(status, code, message.unwrap_or("A fault that was asked for."))
}

/// The code that a service has for a status.
fn usual(service: &str, status: u16) -> &'static str {
    match (status, service) {
        (503, "imagebuilder") => "ServiceUnavailableException",
        (503, "ec2") => "Unavailable",
        (503, _) => "ServiceUnavailable",
        (500.., "imagebuilder" | "lambda") => "ServiceException",
        (500.., "ssm") => "InternalServerError",
        (500.., "events") => "InternalException",
        (500.., "sns" | "ec2") => "InternalError",
        (500.., _) => "InternalFailure",
        (429, "imagebuilder") => "TooManyRequestsException",
        (404, "imagebuilder") => "ResourceNotFoundException",
        (403, "imagebuilder") => "ForbiddenException",
        (403, "ec2") => "UnauthorizedOperation",
        (403, "sns") => "AuthorizationError",
        (403, "autoscaling" | "sts") => "AccessDenied",
        (400..500, "autoscaling") => "ValidationError",
        (403, _) => "AccessDeniedException",
        (_, "imagebuilder") => "ClientException",
        _ => "ValidationException",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_refuses_in_its_own_words() {
        let shown = |error: ApiError| format!("{} {}", error.status, error.code);
        for (service, slow, broken, down) in [
            ("imagebuilder", "429 TooManyRequestsException", "500 ServiceException", "503 ServiceUnavailableException"),
            ("ssm", "400 ThrottlingException", "500 InternalServerError", "503 ServiceUnavailable"),
            ("sns", "429 Throttled", "500 InternalError", "503 ServiceUnavailable"),
            ("ec2", "503 RequestLimitExceeded", "500 InternalError", "503 Unavailable"),
            ("lambda", "429 TooManyRequestsException", "500 ServiceException", "503 ServiceUnavailable"),
        ] {
            assert_eq!(shown(throttled(service, None)), slow);
            assert_eq!(shown(refused(service, None, Some(500), None)), broken);
            assert_eq!(shown(refused(service, None, Some(503), None)), down);
        }
        let own = throttled("imagebuilder", Some("CallRateLimitExceededException"));
        assert_eq!(shown(own), "429 CallRateLimitExceededException");
        let own = refused("imagebuilder", Some("ServiceUnavailableException"), None, Some("later"));
        assert_eq!((shown(own.clone()).as_str(), own.message.as_str()), ("503 ServiceUnavailableException", "later"));
        assert_eq!(shown(refused("ssm", Some("InternalServerError"), None, None)), "500 InternalServerError");
    }
}
