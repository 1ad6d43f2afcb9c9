//! Errors of AWS calls, with what a person needs: the call, the resource, the code and the message.

use aws_sdk_imagebuilder::config::http::HttpResponse;
use aws_sdk_imagebuilder::error::{BoxError, ProvideErrorMetadata, SdkError};
use std::error::Error;
use std::fmt;

/// Codes that mean "later": the SDK's own, and those it doesn't know. `CallRateLimitExceededException` is about
/// EC2 calls on one's behalf, `TooManyUpdates` about other writers of the same parameter.
const LATER: &[&str] = &[
    "CallRateLimitExceededException",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttled",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TooManyUpdates",
];

/// An AWS call that failed.
#[derive(Debug)]
pub struct AwsError {
    /// The operation as AWS calls it: `GetImage`.
    pub operation: &'static str,
    /// What the call was about: an ARN, or a name with its Region.
    pub resource: String,
    /// What went wrong.
    pub failure: Failure,
}

/// What went wrong with an AWS call.
#[derive(Debug)]
pub enum Failure {
    /// The service refused.
    Answered {
        /// The HTTP status.
        status: u16,
        /// The error code, also of errors that the operation's model lacks: `ResourceNotFoundException`.
        code: String,
        /// The service's own words, perhaps none.
        message: String,
    },
    /// No answer, or none that could be read: time-out, no connection.
    Unanswered(BoxError),
    /// The call couldn't be made: a required member is missing, no credentials.
    Unasked(BoxError),
}

impl AwsError {
    /// From the SDK's error. Codes are read from the answer, never from typed variants: services answer codes
    /// that the operation's model lacks.
    pub fn new<E>(operation: &'static str, resource: impl Into<String>, error: SdkError<E, HttpResponse>) -> Self
    where
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        let failure = match error {
            SdkError::ServiceError(answer) => Failure::Answered {
                status: answer.raw().status().as_u16(),
                code: answer.err().code().unwrap_or("without code").to_owned(),
                message: answer.err().message().unwrap_or_default().to_owned(),
            },
            SdkError::ConstructionFailure(_) => Failure::Unasked(error.into()),
            error => Failure::Unanswered(error.into()),
        };
        Self { operation, resource: resource.into(), failure }
    }

    /// Of an answer that lacks what it has to hold.
    pub fn unreadable(operation: &'static str, resource: impl Into<String>, why: &'static str) -> Self {
        Self { operation, resource: resource.into(), failure: Failure::Unanswered(why.into()) }
    }

    /// The service's error code, if it answered.
    pub fn code(&self) -> Option<&str> {
        match &self.failure {
            Failure::Answered { code, .. } => Some(code),
            Failure::Unanswered(_) | Failure::Unasked(_) => None,
        }
    }

    /// Whether there were too many calls.
    pub fn is_throttled(&self) -> bool {
        match &self.failure {
            Failure::Answered { status, code, .. } => *status == 429 || LATER.contains(&code.as_str()),
            Failure::Unanswered(_) | Failure::Unasked(_) => false,
        }
    }

    /// Whether the same call can succeed later: throttled, the service's own fault, or no answer.
    pub fn is_retryable(&self) -> bool {
        match &self.failure {
            Failure::Answered { status, .. } => *status >= 500 || self.is_throttled(),
            Failure::Unanswered(_) => true,
            Failure::Unasked(_) => false,
        }
    }
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}: ", self.operation, self.resource)?;
        match &self.failure {
            Failure::Answered { code, message, .. } if message.is_empty() => f.write_str(code),
            Failure::Answered { code, message, .. } => write!(f, "{code}: {message}"),
            Failure::Unanswered(_) => f.write_str("no answer"),
            Failure::Unasked(_) => f.write_str("the call couldn't be made"),
        }
    }
}

impl Error for AwsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.failure {
            Failure::Answered { .. } => None,
            Failure::Unanswered(source) | Failure::Unasked(source) => Some(source.as_ref()),
        }
    }
}

/// An error and its causes in one line, for the one place where it is logged.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

/// What an invocation that failed answers. Its type says whether trying again can help.
pub fn diagnostic(error: &(dyn Error + 'static), retryable: bool) -> lambda_runtime::Diagnostic {
    let error_type = if retryable { "Retryable" } else { "Permanent" };
    lambda_runtime::Diagnostic { error_type: error_type.to_owned(), error_message: chain(error) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_imagebuilder::error::ErrorMetadata;
    use aws_sdk_imagebuilder::operation::get_image::GetImageError;

    fn answered(status: u16, code: &str) -> AwsError {
        let response = HttpResponse::new(status.try_into().unwrap(), "".into());
        let error = GetImageError::generic(ErrorMetadata::builder().code(code).message("as it says").build());
        AwsError::new("GetImage", "arn", SdkError::service_error(error, response))
    }

    #[test]
    fn a_code_that_the_model_lacks_is_kept() {
        let error = answered(404, "ResourceNotFoundException");
        assert_eq!(error.code(), Some("ResourceNotFoundException"));
        assert_eq!(chain(&error), "GetImage of arn: ResourceNotFoundException: as it says");
        assert!(!error.is_retryable());
    }

    #[test]
    fn what_can_succeed_later_is_told_apart() {
        for (status, code, later) in [
            (429, "CallRateLimitExceededException", true),
            (400, "ThrottlingException", true),
            (400, "TooManyUpdates", true),
            (503, "ServiceUnavailableException", true),
            (403, "AccessDeniedException", false),
            (400, "ParameterMaxVersionLimitExceeded", false),
        ] {
            assert_eq!(answered(status, code).is_retryable(), later, "{code}");
        }
        let late: SdkError<GetImageError, HttpResponse> = SdkError::timeout_error("too late");
        let late = AwsError::new("GetImage", "arn", late);
        assert!(late.is_retryable() && late.code().is_none());
        assert_eq!(chain(&late), "GetImage of arn: no answer: request has timed out: too late");
    }
}
