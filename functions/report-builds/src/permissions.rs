//! What this function's role must allow, and no more.

use shared::permissions::{
    BY_SNS, BY_SQS, COMPONENTS, CONTAINER_RECIPES, EVERYTHING, IMAGE_RECIPES, IMAGES, OWN_IMAGES, OWN_PIPELINES,
    PARENTS, PARENTS_OF_AWS, PUBLISHED, PUBLISHED_PATH, Permission, TARGET_ROLE, WORKFLOW_EXECUTIONS, WORKFLOW_STEPS,
    allow, encrypt,
};

/// Each action that this function calls, or that a service asks for when it is called.
pub const PERMISSIONS: [Permission; 21] = [
    allow(
        &["imagebuilder:GetImagePipeline", "imagebuilder:ListImagePipelineImages"],
        &[OWN_PIPELINES],
        "see how a pipeline does",
    ),
    allow(
        &["imagebuilder:ListImageBuildVersions", "imagebuilder:ListWorkflowExecutions"],
        &[OWN_IMAGES],
        "see how a build went",
    ),
    allow(&["imagebuilder:ListWorkflowStepExecutions"], &[WORKFLOW_EXECUTIONS], "see which step failed"),
    allow(&["imagebuilder:GetWorkflowStepExecution"], &[WORKFLOW_STEPS], "see what a step waits for"),
    allow(&["imagebuilder:GetComponent"], &[COMPONENTS], "see whether a component is withdrawn"),
    allow(&["imagebuilder:GetContainerRecipe"], &[CONTAINER_RECIPES], "see what a recipe names"),
    allow(&["imagebuilder:GetImage"], &[IMAGES], "see a build, or whether a parent is withdrawn"),
    allow(&["imagebuilder:ListImagePackages"], &[IMAGES], "see whether a newer parent mends a finding"),
    allow(&["imagebuilder:GetImageRecipe"], &[IMAGE_RECIPES], "see what a recipe names"),
    // Image Builder asks for the permission of Amazon Inspector, whose findings they are.
    allow(
        &[
            "imagebuilder:ListComponents",
            "imagebuilder:ListImagePipelines",
            "imagebuilder:ListImages",
            "imagebuilder:ListImageScanFindings",
            "imagebuilder:ListWaitingWorkflowSteps",
            "inspector2:ListFindings",
        ],
        &[EVERYTHING],
        "look at everything, and at findings",
    ),
    allow(
        &["imagebuilder:TagResource", "imagebuilder:UntagResource"],
        &[OWN_IMAGES, OWN_PIPELINES],
        "note what was told and done, so that it is told once",
    )
    .when(
        "ForAllValues:StringLike",
        "aws:TagKeys",
        &["goldsmith:report-*", "goldsmith:retried", "goldsmith:blocked"],
    ),
    allow(&["imagebuilder:RetryImage"], &[OWN_IMAGES], "try a build again after a failure that passes"),
    allow(
        &["imagebuilder:SendWorkflowStepAction"],
        &[OWN_IMAGES, WORKFLOW_STEPS],
        "answer a waiting step, by command only",
    ),
    allow(&["ssm:GetParameterHistory"], &[PUBLISHED], "compare what is published with the truth").and_elsewhere(),
    allow(&["ssm:GetParametersByPath"], &[PUBLISHED_PATH], "find the family that an AMI is published of")
        .and_elsewhere(),
    allow(&["ssm:GetParameter"], &[PARENTS, PARENTS_OF_AWS], "see whether a parent is withdrawn"),
    allow(&["ec2:DescribeImages"], &[EVERYTHING], "see what became of AMIs").and_elsewhere(),
    allow(
        &["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListQueueTags", "sqs:TagQueue", "sqs:UntagQueue"],
        &["${DeadLetters.Arn}"],
        "tell of dead letters, once",
    ),
    allow(&["sns:Publish"], &["${BuildReports}"], "tell people"),
    allow(&["sts:AssumeRole"], &[TARGET_ROLE], "look at what is published in other accounts").given("HasTargetRole"),
    encrypt(&[BY_SNS, BY_SQS], "encrypt reports and dead letters"),
];
