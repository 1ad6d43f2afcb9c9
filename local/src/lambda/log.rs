//! Lambda's own lines in a function's log, and the error documents of what isn't the function's own doing.

use super::slot::{Done, Outcome};
use super::{Ending, Function, document};
use bytes::Bytes;

/// The line before an invocation's own.
pub(super) fn start(request_id: &str) -> String {
    format!("START RequestId: {request_id} Version: $LATEST\n")
}

/// Puts an ending together from what was measured and printed. `max_memory_mb` is the process's peak.
pub(super) fn ending(
    function: &Function,
    request_id: &str,
    done: Done,
    mut log: String,
    max_memory_mb: Option<u64>,
) -> Ending {
    let failure = |kind: &str, what: String| (document(kind, &format!("RequestId: {request_id} Error: {what}")), true);
    let (payload, failed) = match done.outcome {
        Outcome::Answered(body) => (text(&body), false),
        Outcome::Failed(body) | Outcome::InitFailed(body) => (text(&body), true),
        Outcome::TooLarge => (
            document(
                "Function.ResponseSizeTooLarge",
                "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
            ),
            true,
        ),
        Outcome::Exited(words) => failure("Runtime.ExitError", words),
        Outcome::TimedOut => {
            failure("Sandbox.Timedout", format!("Task timed out after {:.2} seconds", f64::from(function.timeout)))
        }
    };
    let millis = |duration: std::time::Duration| duration.as_secs_f64() * 1000.0;
    let (took, init) = (millis(done.took), done.init.map(millis));
    log.push_str(&format!("END RequestId: {request_id}\n"));
    // Since August 2025 the start is billed with the invocation.
    let billed = (took + init.unwrap_or_default()).ceil();
    log.push_str(&format!(
        "REPORT RequestId: {request_id}\tDuration: {took:.2} ms\tBilled Duration: {billed} ms\tMemory Size: {} MB",
        function.memory
    ));
    if let Some(peak) = max_memory_mb {
        log.push_str(&format!("\tMax Memory Used: {peak} MB"));
    }
    if let Some(init) = init {
        log.push_str(&format!("\tInit Duration: {init:.2} ms"));
    }
    log.push('\n');
    Ending {
        payload,
        function_error: failed.then(|| "Unhandled".to_owned()),
        log,
        millis: took,
        init_millis: init,
        max_memory_mb,
    }
}

fn text(body: &Bytes) -> String {
    String::from_utf8_lossy(body).into_owned()
}

#[cfg(test)]
mod tests {
    use super::super::tests::function;
    use super::*;
    use std::time::Duration;

    fn ended(outcome: Outcome) -> Ending {
        let done = Done { outcome, took: Duration::from_micros(12_345), init: Some(Duration::from_millis(20)) };
        ending(&function("f"), "r", done, "START\nline\n".to_owned(), Some(17))
    }

    #[test]
    fn the_report_has_lambdas_form() {
        let ending = ended(Outcome::Answered(Bytes::from_static(b"{}")));
        assert_eq!(
            ending.log,
            "START\nline\nEND RequestId: r\nREPORT RequestId: r\tDuration: 12.35 ms\tBilled Duration: 33 ms\t\
             Memory Size: 128 MB\tMax Memory Used: 17 MB\tInit Duration: 20.00 ms\n"
        );
        assert_eq!((ending.payload.as_str(), ending.function_error), ("{}", None));
    }

    #[test]
    fn what_goes_wrong_has_lambdas_words() {
        for (outcome, expected) in [
            (
                Outcome::TimedOut,
                r#"{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: r Error: Task timed out after 30.00 seconds"}"#,
            ),
            (
                Outcome::Exited("Runtime exited with error: exit status 3".to_owned()),
                r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: r Error: Runtime exited with error: exit status 3"}"#,
            ),
            (
                Outcome::TooLarge,
                r#"{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}"#,
            ),
            (Outcome::Failed(Bytes::from_static(b"[1]")), "[1]"),
            (Outcome::InitFailed(Bytes::from_static(b"[2]")), "[2]"),
        ] {
            let ending = ended(outcome);
            assert_eq!((ending.payload.as_str(), ending.function_error.as_deref()), (expected, Some("Unhandled")));
        }
    }
}
