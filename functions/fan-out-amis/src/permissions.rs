//! What this function's role must allow, and no more.

use shared::permissions::{BY_SNS, BY_SQS, EVERYTHING, OWN_IMAGES, PUBLISHED, Permission, TARGET_ROLE, allow, encrypt};

/// Each action that this function calls, or that a service asks for when it is called.
pub const PERMISSIONS: [Permission; 9] = [
    allow(&["imagebuilder:GetImage", "imagebuilder:ListImageBuildVersions"], &[OWN_IMAGES], "see what was built"),
    allow(&["imagebuilder:ListImages"], &[EVERYTHING], "find all families"),
    // Image Builder asks for the permission of Amazon Inspector, whose findings they are.
    allow(
        &["imagebuilder:ListImageScanFindings", "inspector2:ListFindings"],
        &[EVERYTHING],
        "hold builds with findings back from channels",
    ),
    allow(
        &["ssm:GetParameterHistory", "ssm:LabelParameterVersion", "ssm:PutParameter", "ssm:UnlabelParameterVersion"],
        &[PUBLISHED],
        "publish AMI IDs and move channels",
    )
    .and_elsewhere(),
    // Parameter Store asks for it too, in the writer's name, for a value of the data type aws:ec2:image.
    allow(&["ec2:DescribeImages"], &[EVERYTHING], "see that an AMI is available before its ID is published")
        .and_elsewhere(),
    allow(&["sns:Publish"], &["${PublishedImages}"], "announce what is published"),
    allow(
        &["events:PutEvents"],
        &["${EventBusArn}", "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/${EventBusName}"],
        "announce it on the event bus",
    )
    .when("StringEquals", "events:source", &["goldsmith"]),
    allow(&["sts:AssumeRole"], &[TARGET_ROLE], "publish in other accounts").given("HasTargetRole"),
    encrypt(&[BY_SNS, BY_SQS], "encrypt announcements and dead letters"),
];
