//! Logs and metrics. Bodies of messages and answers are never logged.

use serde_json::{Map, Value, json};
use std::io::Write;
use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

/// The namespace of every metric.
const NAMESPACE: &str = "Goldsmith";

/// The one dimension of every metric: a metric costs by each value of its dimensions, so families aren't one. The name
/// of a function begins with that of its stack.
const DIMENSION: &str = "FunctionName";

static FUNCTION: LazyLock<String> =
    LazyLock::new(|| std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|_| "none".to_owned()));

/// Starts the log on stdout, as Lambda's `AWS_LAMBDA_LOG_FORMAT` and `AWS_LAMBDA_LOG_LEVEL` say. Once per process.
pub fn init() {
    lambda_runtime::tracing::init_default_subscriber();
}

/// Counts things that happened. A count of zero is not sent. The family, if there is one, stands beside it for queries
/// of the log.
pub fn count(metric: &str, n: usize, family: Option<&str>) {
    if n > 0 {
        send(metric, n, family);
    }
}

/// Says how many there are now of what lasts. Zero is sent, too: it ends an alarm.
pub fn level(metric: &str, n: usize) {
    send(metric, n, None);
}

fn send(metric: &str, n: usize, family: Option<&str>) {
    let line = embedded(&FUNCTION, metric, n, family, now_millis());
    // A metric that can't be written is no reason to fail.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

#[expect(clippy::disallowed_methods, reason = "a metric is stamped when it is counted; no decision reads it")]
fn now_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// CloudWatch's embedded metric format, <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>.
fn embedded(function: &str, metric: &str, n: usize, family: Option<&str>, millis: u64) -> Value {
    let mut line = Map::new();
    line.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": millis,
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [[DIMENSION]],
                "Metrics": [{"Name": metric, "Unit": "Count"}],
            }],
        }),
    );
    line.insert(DIMENSION.to_owned(), json!(function));
    if let Some(family) = family {
        line.insert("Family".to_owned(), json!(family));
    }
    line.insert(metric.to_owned(), json!(n));
    Value::Object(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_one_line_of_the_embedded_format() {
        let line = embedded("goldsmith-fan-out-amis", "ParametersWritten", 2, Some("web"), 1_767_225_600_000);
        insta::assert_snapshot!(line, @r#"{"_aws":{"Timestamp":1767225600000,"CloudWatchMetrics":[{"Namespace":"Goldsmith","Dimensions":[["FunctionName"]],"Metrics":[{"Name":"ParametersWritten","Unit":"Count"}]}]},"FunctionName":"goldsmith-fan-out-amis","Family":"web","ParametersWritten":2}"#);
        assert!(embedded("f", "NotificationsIgnored", 1, None, 0).get("Family").is_none());
    }
}
