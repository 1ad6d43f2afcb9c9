//! What roles must allow: each function says it of its own role in one table beside its calls, `permissions.rs`.
//!
//! A table is plain data for people who review it, for the document that is made of it, and for the tests that hold it
//! against the policies of `template.yaml` and `target-account.yaml`, and against what was really called. Resources and
//! conditions have the templates' own words.

/// Actions on resources that a function needs, each on each: in a policy, a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission {
    /// Such as `imagebuilder:GetImage`, without wildcards.
    pub actions: &'static [&'static str],
    /// ARNs as `Fn::Sub` takes them, with `*` for what is open; or [`EVERYTHING`].
    pub on: &'static [&'static str],
    /// What limits it: the policy's condition.
    pub when: Option<Limit>,
    /// The template's condition without which it isn't granted.
    pub given: Option<&'static str>,
    /// Whether the role in other accounts, of `target-account.yaml`, must allow it too.
    pub elsewhere: bool,
    /// What for, to go on from "may … to".
    pub to: &'static str,
    /// Why no call on the local AWS needs it, where none does.
    pub unseen: Option<&'static str>,
}

/// A condition of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Such as `StringEquals`.
    pub operator: &'static str,
    /// Such as `iam:PassedToService`.
    pub key: &'static str,
    /// One of them.
    pub values: &'static [&'static str],
}

/// A permission without conditions in the function's own account.
pub const fn allow(actions: &'static [&'static str], on: &'static [&'static str], to: &'static str) -> Permission {
    Permission { actions, on, when: None, given: None, elsewhere: false, to, unseen: None }
}

impl Permission {
    /// Limited by a condition.
    pub const fn when(self, operator: &'static str, key: &'static str, values: &'static [&'static str]) -> Self {
        Self { when: Some(Limit { operator, key, values }), ..self }
    }

    /// Granted only where a condition of the template holds.
    pub const fn given(self, condition: &'static str) -> Self {
        Self { given: Some(condition), ..self }
    }

    /// Never needed on the local AWS, for this reason.
    pub const fn unseen(self, why: &'static str) -> Self {
        Self { unseen: Some(why), ..self }
    }

    /// In other accounts too.
    pub const fn and_elsewhere(self) -> Self {
        Self { elsewhere: true, ..self }
    }
}

/// Of actions that know no resources.
pub const EVERYTHING: &str = "*";

/// An ARN of Image Builder in the stack's Region.
macro_rules! imagebuilder {
    ($account:literal, $rest:literal) => {
        concat!("arn:${AWS::Partition}:imagebuilder:${AWS::Region}:", $account, ":", $rest)
    };
}

/// The account's own images: versions and builds.
pub const OWN_IMAGES: &str = imagebuilder!("${AWS::AccountId}", "image/*");
/// The account's own pipelines.
pub const OWN_PIPELINES: &str = imagebuilder!("${AWS::AccountId}", "image-pipeline/*");
/// The account's own lifecycle executions.
pub const LIFECYCLE_EXECUTIONS: &str = imagebuilder!("${AWS::AccountId}", "lifecycle-execution/*");
/// The workflow executions of the account's builds.
pub const WORKFLOW_EXECUTIONS: &str = imagebuilder!("${AWS::AccountId}", "workflow-execution/*");
/// The steps of those.
pub const WORKFLOW_STEPS: &str = imagebuilder!("${AWS::AccountId}", "workflow-step-execution/*");
/// Components of any owner: Amazon's, and those that other accounts share.
pub const COMPONENTS: &str = imagebuilder!("*", "component/*");
/// Container recipes of any owner.
pub const CONTAINER_RECIPES: &str = imagebuilder!("*", "container-recipe/*");
/// Images of any owner.
pub const IMAGES: &str = imagebuilder!("*", "image/*");
/// Image recipes of any owner.
pub const IMAGE_RECIPES: &str = imagebuilder!("*", "image-recipe/*");

/// What is published, in every Region: images are distributed to more than the stack's own.
pub const PUBLISHED: &str = "arn:${AWS::Partition}:ssm:*:${AWS::AccountId}:parameter${ParameterPrefix}/*";
/// The path of what is published.
pub const PUBLISHED_PATH: &str = "arn:${AWS::Partition}:ssm:*:${AWS::AccountId}:parameter${ParameterPrefix}";
/// The parameters that recipes name as parents.
pub const PARENTS: &str =
    "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter${ParentParameterPrefix}*";
/// The parameters in which AWS publishes its AMIs.
pub const PARENTS_OF_AWS: &str = "arn:${AWS::Partition}:ssm:${AWS::Region}::parameter/aws/service/*";

/// AMIs in every Region; their ARNs name no account.
pub const AMIS: &str = "arn:${AWS::Partition}:ec2:*::image/*";

/// The stack's key, if it has one.
pub const KEY: &[&str] = &["${Key.Arn}", "${EncryptionKey}"];

/// To encrypt what is sent with the stack's key, by the services that send it.
pub const fn encrypt(services: &'static [&'static str], to: &'static str) -> Permission {
    allow(&["kms:Decrypt", "kms:GenerateDataKey"], KEY, to)
        .when("StringLike", "kms:ViaService", services)
        .given("HasKey")
        .unseen("the stack whose calls are compared has no key of its own")
}

/// SNS as the sender.
pub const BY_SNS: &str = "sns.${AWS::Region}.amazonaws.com*";
/// SQS as the sender.
pub const BY_SQS: &str = "sqs.${AWS::Region}.amazonaws.com*";

/// The role in any other account.
pub const TARGET_ROLE: &str = "arn:${AWS::Partition}:iam::*:role/${TargetRoleName}";
