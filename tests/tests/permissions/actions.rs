//! Which kinds of resources AWS's actions know, as far as they are granted: the Service Authorization Reference,
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>.

/// Each action with the kinds of resources that it knows: service, and how the ARN goes on behind the account.
const KINDS: [(&str, &[&str]); 61] = [
    ("autoscaling:DescribeAutoScalingGroups", &[]),
    ("autoscaling:DescribeLaunchConfigurations", &[]),
    ("ec2:CreateImageUsageReport", &["ec2:image/", "ec2:image-usage-report/"]),
    ("ec2:DescribeImageAttribute", &["ec2:image/"]),
    ("ec2:DescribeImageReferences", &[]),
    ("ec2:DescribeImageUsageReportEntries", &[]),
    ("ec2:DescribeImageUsageReports", &[]),
    ("ec2:DescribeImages", &[]),
    ("ec2:DescribeInstances", &[]),
    ("ec2:DescribeLaunchTemplateVersions", &[]),
    ("ec2:DescribeLaunchTemplates", &[]),
    ("ec2:ModifyImageAttribute", &["ec2:image/"]),
    ("events:PutEvents", &["events:event-bus/"]),
    ("iam:PassRole", &["iam:role/"]),
    ("imagebuilder:GetComponent", &["imagebuilder:component/"]),
    ("imagebuilder:GetContainerRecipe", &["imagebuilder:container-recipe/"]),
    ("imagebuilder:GetImage", &["imagebuilder:image/"]),
    ("imagebuilder:GetImagePipeline", &["imagebuilder:image-pipeline/"]),
    ("imagebuilder:GetImageRecipe", &["imagebuilder:image-recipe/"]),
    ("imagebuilder:GetWorkflowStepExecution", &["imagebuilder:workflow-step-execution/"]),
    ("imagebuilder:ListComponents", &[]),
    ("imagebuilder:ListContainerRecipes", &[]),
    ("imagebuilder:ListImageBuildVersions", &["imagebuilder:image/"]),
    ("imagebuilder:ListImagePackages", &["imagebuilder:image/"]),
    ("imagebuilder:ListImagePipelineImages", &["imagebuilder:image-pipeline/"]),
    ("imagebuilder:ListImagePipelines", &[]),
    ("imagebuilder:ListImageRecipes", &[]),
    // Knows images and pipelines as well, but asks for neither.
    ("imagebuilder:ListImageScanFindings", &[]),
    ("imagebuilder:ListImages", &[]),
    ("imagebuilder:ListLifecycleExecutionResources", &["imagebuilder:lifecycle-execution/"]),
    ("imagebuilder:ListLifecycleExecutions", &["imagebuilder:image/", "imagebuilder:lifecycle-policy/"]),
    ("imagebuilder:ListWaitingWorkflowSteps", &[]),
    ("imagebuilder:ListWorkflowExecutions", &["imagebuilder:image/"]),
    ("imagebuilder:ListWorkflowStepExecutions", &["imagebuilder:workflow-execution/"]),
    ("imagebuilder:RetryImage", &["imagebuilder:image/"]),
    ("imagebuilder:SendWorkflowStepAction", &["imagebuilder:image/", "imagebuilder:workflow-step-execution/"]),
    ("imagebuilder:StartImagePipelineExecution", &["imagebuilder:image-pipeline/"]),
    ("imagebuilder:StartResourceStateUpdate", &["imagebuilder:image/"]),
    ("imagebuilder:TagResource", &["imagebuilder:"]),
    ("imagebuilder:UntagResource", &["imagebuilder:"]),
    ("inspector2:ListFindings", &[]),
    ("kms:Decrypt", &["kms:key/"]),
    ("kms:GenerateDataKey", &["kms:key/"]),
    ("lambda:InvokeFunction", &["lambda:function:"]),
    ("sns:Publish", &["sns:"]),
    ("sqs:GetQueueAttributes", &["sqs:"]),
    ("sqs:GetQueueUrl", &["sqs:"]),
    ("sqs:ListQueueTags", &["sqs:"]),
    ("sqs:SendMessage", &["sqs:"]),
    ("sqs:TagQueue", &["sqs:"]),
    ("sqs:UntagQueue", &["sqs:"]),
    ("ssm:DeleteParameter", &["ssm:parameter"]),
    ("ssm:DescribeParameters", &[]),
    ("ssm:GetParameter", &["ssm:parameter"]),
    ("ssm:GetParameterHistory", &["ssm:parameter"]),
    ("ssm:GetParameters", &["ssm:parameter"]),
    ("ssm:GetParametersByPath", &["ssm:parameter"]),
    ("ssm:LabelParameterVersion", &["ssm:parameter"]),
    ("ssm:PutParameter", &["ssm:parameter"]),
    ("ssm:UnlabelParameterVersion", &["ssm:parameter"]),
    ("sts:AssumeRole", &["iam:role/"]),
];

/// The kinds of resources that an action knows; `None` of an action that isn't in the table.
pub(crate) fn kinds(action: &str) -> Option<&'static [&'static str]> {
    KINDS.iter().find(|(name, _)| *name == action).map(|(_, kinds)| *kinds)
}

/// Whether an action can be about a resource. `*` is about anything, an action that isn't known too, and so is what a
/// template only refers to.
pub(crate) fn fits(action: &str, resource: &str) -> bool {
    let parts: Vec<&str> = parts(resource);
    let [_, _, service, _, _, rest] = parts.as_slice() else { return true };
    let said = rest.split('*').next().unwrap_or_default();
    let fits = |kind: &&str| {
        kind.split_once(':').is_some_and(|(of, start)| {
            of == *service && (rest.starts_with(start) || rest.contains('*') && start.starts_with(said))
        })
    };
    kinds(action).is_none_or(|kinds| kinds.iter().any(fits))
}

/// The six parts of an ARN: a colon within `${…}` separates nothing.
fn parts(resource: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    for (place, letter) in resource.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ':' if depth == 0 && parts.len() < 5 => {
                parts.push(&resource[start..place]);
                start = place + 1;
            }
            _ => {}
        }
    }
    parts.push(&resource[start..]);
    parts
}

#[test]
fn an_arn_says_what_it_is_about() {
    for (action, resource, expected) in [
        ("imagebuilder:GetImage", shared::permissions::OWN_IMAGES, true),
        ("imagebuilder:GetImage", shared::permissions::OWN_PIPELINES, false),
        ("imagebuilder:GetImage", "arn:aws:ec2:*::image/*", false),
        ("ssm:PutParameter", shared::permissions::PUBLISHED, true),
        ("imagebuilder:GetImage", "*", true),
        ("imagebuilder:GetImage", "arn:aws:imagebuilder:us-east-1:123456789012:im*", true),
        ("sns:Publish", "${BuildReports}", true),
        ("ec2:DescribeImages", shared::permissions::AMIS, false),
        ("imagebuilder:DeleteImage", shared::permissions::OWN_PIPELINES, true),
    ] {
        assert_eq!(fits(action, resource), expected, "{action} {resource}");
    }
}
