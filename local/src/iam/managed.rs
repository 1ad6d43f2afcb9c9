//! AWS's managed policies that functions' roles have, as far as they say something about services which are there
//! locally: <https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html>.

use serde_json::{Value, json};

/// The document of a policy of AWS by its ARN.
pub(super) fn document(arn: &str) -> Option<Value> {
    let name = arn.strip_prefix("arn:aws:iam::aws:policy/")?;
    let logs = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"];
    let actions: &[&str] = match name.strip_prefix("service-role/").unwrap_or(name) {
        "AWSLambdaBasicExecutionRole" => &logs,
        "AWSXRayDaemonWriteAccess" | "AWSXrayWriteOnlyAccess" => &[
            "xray:PutTraceSegments",
            "xray:PutTelemetryRecords",
            "xray:GetSamplingRules",
            "xray:GetSamplingTargets",
            "xray:GetSamplingStatisticSummaries",
        ],
        "CloudWatchLambdaInsightsExecutionRolePolicy" => &logs,
        "AWSImageBuilderReadOnlyAccess" => &["imagebuilder:Get*", "imagebuilder:List*", "iam:ListRoles"],
        "AWSImageBuilderFullAccess" => &["imagebuilder:*", "sns:ListTopics", "sns:Publish", "ssm:GetParameter*"],
        "AmazonSSMReadOnlyAccess" => &["ssm:Describe*", "ssm:Get*", "ssm:List*"],
        "AmazonSSMFullAccess" => &["ssm:*", "ec2:DescribeInstanceStatus"],
        "AmazonSNSFullAccess" => &["sns:*"],
        "AmazonEC2ReadOnlyAccess" => &["ec2:Describe*", "ec2:GetSecurityGroupsForVpc", "autoscaling:Describe*"],
        "AmazonEventBridgeFullAccess" => &["events:*", "scheduler:*"],
        "ReadOnlyAccess" => &["*:Get*", "*:List*", "*:Describe*"],
        "AdministratorAccess" => &["*"],
        _ => return None,
    };
    Some(json!({"Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}))
}
