//! What this function's role must allow, and no more. AMIs, snapshots and container images are changed by Image Builder
//! under the role that it is passed; what this one may do to an AMI is share it again.

use shared::permissions::{
    AMIS, BY_SNS, BY_SQS, CONTAINER_RECIPES, EVERYTHING, IMAGE_RECIPES, LIFECYCLE_EXECUTIONS, OWN_IMAGES,
    OWN_PIPELINES, PARENTS, PUBLISHED, Permission, TARGET_ROLE, allow, encrypt,
};

/// Where the next run begins.
const GOES_ON_AT: &str = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/goldsmith/${AWS::StackName}/retirement-goes-on-at";

/// Each action that this function calls, or that a service asks for when it is called.
pub const PERMISSIONS: [Permission; 22] = [
    allow(
        &["imagebuilder:GetImage", "imagebuilder:ListImageBuildVersions", "imagebuilder:ListLifecycleExecutions"],
        &[OWN_IMAGES],
        "see what was built, and what became of it",
    ),
    allow(
        &["imagebuilder:ListLifecycleExecutionResources"],
        &[LIFECYCLE_EXECUTIONS],
        "see how a step of retirement ended",
    ),
    allow(&["imagebuilder:StartResourceStateUpdate"], &[OWN_IMAGES], "retire images, and bring them back"),
    allow(&["imagebuilder:TagResource", "imagebuilder:UntagResource"], &[OWN_IMAGES], "note when which step was taken")
        .when("ForAllValues:StringLike", "aws:TagKeys", &["goldsmith:*"]),
    allow(&["iam:PassRole"], &["${LifecycleExecution.Arn}"], "let Image Builder retire AMIs under that role").when(
        "StringEquals",
        "iam:PassedToService",
        &["imagebuilder.amazonaws.com"],
    ),
    allow(&["imagebuilder:GetImagePipeline"], &[OWN_PIPELINES], "read what a listing of pipelines leaves out")
        .unseen("the local listing leaves nothing out"),
    allow(&["imagebuilder:GetContainerRecipe"], &[CONTAINER_RECIPES], "see what is made of an image"),
    allow(&["imagebuilder:GetImageRecipe"], &[IMAGE_RECIPES], "see what is made of an image"),
    allow(
        &[
            "imagebuilder:ListContainerRecipes",
            "imagebuilder:ListImagePipelines",
            "imagebuilder:ListImageRecipes",
            "imagebuilder:ListImages",
        ],
        &[EVERYTHING],
        "find all images and what is made of them",
    ),
    allow(&["ssm:GetParameterHistory"], &[PUBLISHED, PARENTS], "keep what is published, and parents"),
    allow(&["ssm:DeleteParameter", "ssm:GetParameter"], &[GOES_ON_AT], "go on where a run had no time left"),
    allow(&["ssm:PutParameter"], &[GOES_ON_AT], "note where that is").unseen("here a run gets through in its time"),
    allow(&["ec2:DescribeImages"], &[EVERYTHING], "see AMIs, and when they were last launched").and_elsewhere(),
    allow(&["ec2:DescribeImageAttribute"], &[AMIS], "see whom an AMI is shared with").and_elsewhere(),
    allow(
        &[
            "autoscaling:DescribeAutoScalingGroups",
            "autoscaling:DescribeLaunchConfigurations",
            "ec2:DescribeImageReferences",
            "ec2:DescribeImageUsageReportEntries",
            "ec2:DescribeImageUsageReports",
            "ec2:DescribeLaunchTemplateVersions",
        ],
        &[EVERYTHING],
        "keep what is in use",
    )
    .and_elsewhere(),
    allow(
        &["ec2:CreateImageUsageReport"],
        &[AMIS, "arn:${AWS::Partition}:ec2:*:${AWS::AccountId}:image-usage-report/*"],
        "learn of use in other accounts",
    )
    .and_elsewhere(),
    // What DescribeImageReferences looks through in the caller's name.
    allow(
        &[
            "ec2:DescribeInstances",
            "ec2:DescribeLaunchTemplates",
            "imagebuilder:GetContainerRecipe",
            "imagebuilder:ListContainerRecipes",
            "imagebuilder:ListImageRecipes",
            "ssm:DescribeParameters",
            "ssm:GetParameters",
        ],
        &[EVERYTHING],
        "let EC2 look for references to AMIs",
    )
    .when("ForAnyValue:StringEquals", "aws:CalledVia", &["ec2-images.amazonaws.com"])
    .and_elsewhere(),
    // What DescribeLaunchTemplateVersions puts in the place of resolve:ssm:…, in the caller's name.
    allow(
        &["ssm:GetParameters"],
        &["arn:${AWS::Partition}:ssm:*:${AWS::AccountId}:parameter/*"],
        "let EC2 resolve the parameters that launch templates name",
    )
    .when("Bool", "aws:ViaAWSService", &["true"])
    .and_elsewhere(),
    allow(&["ec2:ModifyImageAttribute"], &[AMIS], "share an AMI again that is brought back")
        .when("StringEquals", "aws:ResourceTag/CreatedBy", &["EC2 Image Builder"])
        .and_elsewhere(),
    allow(&["sns:Publish"], &["${BuildReports}"], "tell what is retired, and why the rest stays"),
    allow(&["sts:AssumeRole"], &[TARGET_ROLE], "see use in other accounts").given("HasTargetRole"),
    encrypt(&[BY_SNS, BY_SQS], "encrypt reports and dead letters"),
];
