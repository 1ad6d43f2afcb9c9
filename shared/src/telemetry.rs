//! Logs and metrics. Bodies of messages and answers are never logged.

use serde_json::{Map, Value, json};
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

/// The namespace of every metric.
const NAMESPACE: &str = "Goldsmith";

/// Starts the log on stdout, as Lambda's `AWS_LAMBDA_LOG_FORMAT` and `AWS_LAMBDA_LOG_LEVEL` say. Once per process.
pub fn init() {
    lambda_runtime::tracing::init_default_subscriber();
}

/// Counts things that happened, in total and, if given, for a family. A count of zero is not sent.
pub fn count(metric: &str, n: usize, family: Option<&str>) {
    if n == 0 {
        return;
    }
    let line = embedded(metric, n, family, now_millis());
    // A metric that can't be written is no reason to fail.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

#[expect(clippy::disallowed_methods, reason = "a metric is stamped when it is counted; no decision reads it")]
fn now_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// CloudWatch's embedded metric format, <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>.
fn embedded(metric: &str, n: usize, family: Option<&str>, millis: u64) -> Value {
    let dimensions = if family.is_some() { json!([[], ["Family"]]) } else { json!([[]]) };
    let mut line = Map::new();
    line.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": millis,
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": dimensions,
                "Metrics": [{"Name": metric, "Unit": "Count"}],
            }],
        }),
    );
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
        insta::assert_snapshot!(embedded("ParametersWritten", 2, Some("web"), 1_767_225_600_000), @r#"{"_aws":{"Timestamp":1767225600000,"CloudWatchMetrics":[{"Namespace":"Goldsmith","Dimensions":[[],["Family"]],"Metrics":[{"Name":"ParametersWritten","Unit":"Count"}]}]},"Family":"web","ParametersWritten":2}"#);
        assert_eq!(
            embedded("NotificationsIgnored", 1, None, 0)["_aws"]["CloudWatchMetrics"][0]["Dimensions"],
            json!([[]])
        );
    }
}
