//! SAM's policy templates, as far as they are about services that are there locally:
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-policy-template-list.html>.

use super::evaluate::text;
use serde_json::{Value, json};

/// The statements that a template stands for; `None` for one that isn't known. `place` is partition, Region and account,
/// or what stands for them.
pub fn statements(place: [&str; 3], name: &str, arguments: &Value) -> Option<Value> {
    let [partition, region, account] = place;
    let named = |member: &str, service: &str, prefix: &str, suffix: &str| {
        let value = arguments.get(member).and_then(text).unwrap_or_default();
        json!(format!("arn:{partition}:{service}:{region}:{account}:{prefix}{value}{suffix}"))
    };
    let allow = |actions: &[&str], on: Value| json!({"Effect": "Allow", "Action": actions, "Resource": on});
    let reads = ["ssm:GetParameters", "ssm:GetParameter", "ssm:GetParametersByPath"];
    Some(match name {
        "SNSPublishMessagePolicy" => json!([allow(&["sns:Publish"], named("TopicName", "sns", "", ""))]),
        "SSMParameterReadPolicy" => json!([
            allow(&["ssm:DescribeParameters"], json!("*")),
            allow(&reads, named("ParameterName", "ssm", "parameter/", "")),
        ]),
        "SSMParameterWithSlashPrefixReadPolicy" => json!([
            allow(&["ssm:DescribeParameters"], json!("*")),
            allow(&reads, named("ParameterName", "ssm", "parameter", "")),
        ]),
        "EventBridgePutEventsPolicy" => {
            json!([allow(&["events:PutEvents"], named("EventBusName", "events", "event-bus/", ""))])
        }
        "SQSSendMessagePolicy" => json!([allow(&["sqs:SendMessage*"], named("QueueName", "sqs", "", ""))]),
        "LambdaInvokePolicy" => {
            json!([allow(&["lambda:InvokeFunction"], named("FunctionName", "lambda", "function:", "*"))])
        }
        "CloudWatchPutMetricPolicy" => json!([allow(&["cloudwatch:PutMetricData"], json!("*"))]),
        _ => return None,
    })
}
