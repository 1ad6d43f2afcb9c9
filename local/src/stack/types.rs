//! Which resource types there are, and what a template sees of them: Ref, GetAtt, and whether they act.
//!
//! Sources: "Return values" of each type in the CloudFormation template reference, and the resource schemas.

use super::evaluate::{Made, text};
use crate::draw::Seed;
use serde_json::{Value, json};

/// A resource type.
#[derive(Debug, Clone, Copy)]
pub(super) struct Type {
    /// Without `AWS::`.
    kind: &'static str,
    part: Part,
    /// The property that names it; where it isn't given, CloudFormation makes a name up.
    name: &'static str,
    /// What Ref gives, as a form (see [`made_up`]); empty where the service says.
    reference: &'static str,
    /// What GetAtt gives, likewise.
    attributes: &'static [(&'static str, &'static str)],
}

/// What a type's resources do in the local AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Something comes of them.
    Acts,
    /// Nothing comes of them that anyone could see here.
    Rests,
    /// On AWS they would change what is seen here; why they don't.
    NoEffect(&'static str),
}

const fn acts(
    kind: &'static str,
    name: &'static str,
    reference: &'static str,
    attributes: &'static [(&'static str, &'static str)],
) -> Type {
    Type { kind, part: Part::Acts, name, reference, attributes }
}

const fn rests(
    kind: &'static str,
    name: &'static str,
    reference: &'static str,
    attributes: &'static [(&'static str, &'static str)],
) -> Type {
    Type { kind, part: Part::Rests, name, reference, attributes }
}

/// Custom resources: deployed as long as nobody reads what their functions would answer.
const CUSTOM: Type = Type {
    kind: "",
    part: Part::NoEffect("no function is called for a custom resource here: has no effect"),
    name: "",
    reference: "{stack}-{logical}-{ID12}",
    attributes: &[],
};

const VERSIONED: &[(&str, &str)] = &[
    ("Arn", ""),
    ("Name", ""),
    ("LatestVersion.Arn", ""),
    ("LatestVersion.Major", ""),
    ("LatestVersion.Minor", ""),
    ("LatestVersion.Patch", ""),
    ("Version", ""),
];

const COMPONENT: &[(&str, &str)] = &[
    ("Arn", ""),
    ("Name", ""),
    ("Type", ""),
    ("Encrypted", ""),
    ("LatestVersion.Arn", ""),
    ("LatestVersion.Major", ""),
    ("LatestVersion.Minor", ""),
    ("LatestVersion.Patch", ""),
    ("Version", ""),
];

const IMAGE: &[(&str, &str)] = &[
    ("Arn", ""),
    ("Name", ""),
    ("ImageId", ""),
    ("ImageUri", ""),
    ("LatestVersion.Arn", ""),
    ("LatestVersion.Major", ""),
    ("LatestVersion.Minor", ""),
    ("LatestVersion.Patch", ""),
];

const NAMED: &[(&str, &str)] = &[("Arn", ""), ("Name", "")];

const PIPELINE: &[(&str, &str)] = &[("Arn", ""), ("Name", ""), ("DeploymentId", "")];

/// Every type that is known, by name.
#[rustfmt::skip]
const TYPES: &[Type] = &[
    acts("ImageBuilder::Component", "Name", "", COMPONENT),
    acts("ImageBuilder::ContainerRecipe", "Name", "", VERSIONED),
    acts("ImageBuilder::DistributionConfiguration", "Name", "", NAMED),
    acts("ImageBuilder::Image", "", "", IMAGE),
    acts("ImageBuilder::ImagePipeline", "Name", "", PIPELINE),
    acts("ImageBuilder::ImageRecipe", "Name", "", VERSIONED),
    acts("ImageBuilder::InfrastructureConfiguration", "Name", "", NAMED),
    acts("ImageBuilder::LifecyclePolicy", "Name", "", NAMED),
    acts("ImageBuilder::Workflow", "Name", "", VERSIONED),

    acts("Serverless::Function", "FunctionName", "{name}", &[("Arn", "arn:aws:lambda:{region}:{account}:function:{name}")]),
    acts("Lambda::Function", "FunctionName", "{name}", &[("Arn", "arn:aws:lambda:{region}:{account}:function:{name}")]),
    acts("Lambda::EventInvokeConfig", "", "{FunctionName}|{Qualifier}", &[]),
    acts("SNS::Topic", "TopicName", "arn:aws:sns:{region}:{account}:{name}", &[("TopicArn", "{ref}"), ("TopicName", "{name}")]),
    acts("SNS::Subscription", "", "{TopicArn}:{uuid}", &[("Arn", "{ref}")]),
    acts("SSM::Parameter", "Name", "{name}", &[("Type", "{Type}"), ("Value", "{Value}")]),
    acts("Events::Rule", "Name", "{name}", &[("Arn", "arn:aws:events:{region}:{account}:rule/{name}")]),
    acts("Scheduler::Schedule", "Name", "{name}", &[("Arn", "arn:aws:scheduler:{region}:{account}:schedule/default/{name}")]),
    acts("IAM::Role", "RoleName", "{name}", &[("Arn", "arn:aws:iam::{account}:role{path}{name}"), ("RoleId", "AROA{ID17}")]),
    acts("IAM::ManagedPolicy", "ManagedPolicyName", "arn:aws:iam::{account}:policy{path}{name}", &[("PolicyArn", "{ref}"), ("PolicyId", "ANPA{ID17}")]),
    acts("IAM::Policy", "PolicyName", "{logical}-{ID12}", &[("Id", "{ref}")]),
    acts("IAM::RolePolicy", "PolicyName", "{PolicyName}|{RoleName}", &[]),
    // A dead-letter queue is an address: what ends there is in Lambda's record.
    acts("SQS::Queue", "QueueName", "https://sqs.{region}.amazonaws.com/{account}/{name}", &[("Arn", "arn:aws:sqs:{region}:{account}:{name}"), ("QueueName", "{name}"), ("QueueUrl", "{ref}")]),

    rests("ApplicationAutoScaling::ScalableTarget", "", "{ID12}", &[]),
    acts("AutoScaling::AutoScalingGroup", "AutoScalingGroupName", "{name}", &[("AutoScalingGroupARN", "arn:aws:autoscaling:{region}:{account}:autoScalingGroup:{uuid}:autoScalingGroupName/{name}")]),
    acts("AutoScaling::LaunchConfiguration", "LaunchConfigurationName", "{name}", &[]),
    rests("AutoScaling::ScalingPolicy", "", "arn:aws:autoscaling:{region}:{account}:scalingPolicy:{uuid}:{logical}", &[("Arn", "{ref}"), ("PolicyName", "{logical}")]),
    rests("AutoScaling::ScheduledAction", "", "{logical}-{ID12}", &[]),
    rests("Backup::BackupVault", "BackupVaultName", "{name}", &[("BackupVaultArn", "arn:aws:backup:{region}:{account}:backup-vault:{name}"), ("BackupVaultName", "{name}")]),
    rests("Batch::ComputeEnvironment", "ComputeEnvironmentName", "arn:aws:batch:{region}:{account}:compute-environment/{name}", &[("ComputeEnvironmentArn", "{ref}")]),
    rests("Batch::JobDefinition", "JobDefinitionName", "arn:aws:batch:{region}:{account}:job-definition/{name}:1", &[("JobDefinitionArn", "{ref}")]),
    rests("Batch::JobQueue", "JobQueueName", "arn:aws:batch:{region}:{account}:job-queue/{name}", &[("JobQueueArn", "{ref}")]),
    rests("Budgets::Budget", "", "{logical}-{ID12}", &[]),
    rests("Chatbot::SlackChannelConfiguration", "ConfigurationName", "arn:aws:chatbot::{account}:chat-configuration/slack-channel/{name}", &[("Arn", "{ref}")]),
    rests("CloudFormation::WaitConditionHandle", "", "https://cloudformation-waitcondition-{region}.s3.amazonaws.com/{uuid}", &[]),
    rests("CloudFormation::WaitCondition", "", "arn:aws:cloudformation:{region}:{account}:stack/{stack}/{uuid}/{logical}", &[("Data", "{}")]),
    rests("CloudTrail::Trail", "TrailName", "{name}", &[("Arn", "arn:aws:cloudtrail:{region}:{account}:trail/{name}"), ("SnsTopicArn", "{SnsTopicName}")]),
    rests("CloudWatch::Alarm", "AlarmName", "{name}", &[("Arn", "arn:aws:cloudwatch:{region}:{account}:alarm:{name}")]),
    rests("CloudWatch::AnomalyDetector", "", "{uuid}", &[("Id", "{ref}")]),
    rests("CloudWatch::CompositeAlarm", "AlarmName", "{name}", &[("Arn", "arn:aws:cloudwatch:{region}:{account}:alarm:{name}")]),
    rests("CloudWatch::Dashboard", "DashboardName", "{name}", &[]),
    rests("CloudWatch::InsightRule", "RuleName", "arn:aws:cloudwatch:{region}:{account}:insight-rule/{name}", &[("Arn", "{ref}"), ("RuleName", "{name}")]),
    rests("CloudWatch::MetricStream", "Name", "{name}", &[("Arn", "arn:aws:cloudwatch:{region}:{account}:metric-stream/{name}")]),
    rests("CodeBuild::Project", "Name", "{name}", &[("Arn", "arn:aws:codebuild:{region}:{account}:project/{name}")]),
    rests("CodeCommit::Repository", "RepositoryName", "{uuid}", &[("Arn", "arn:aws:codecommit:{region}:{account}:{name}"), ("Name", "{name}"), ("CloneUrlHttp", "https://git-codecommit.{region}.amazonaws.com/v1/repos/{name}"), ("CloneUrlSsh", "ssh://git-codecommit.{region}.amazonaws.com/v1/repos/{name}")]),
    rests("CodeConnections::Connection", "", "arn:aws:codeconnections:{region}:{account}:connection/{uuid}", &[("ConnectionArn", "{ref}"), ("ConnectionStatus", "PENDING"), ("OwnerAccountId", "{account}")]),
    rests("CodePipeline::Pipeline", "Name", "{name}", &[("Version", "1")]),
    rests("CodeStarConnections::Connection", "", "arn:aws:codestar-connections:{region}:{account}:connection/{uuid}", &[("ConnectionArn", "{ref}"), ("ConnectionStatus", "PENDING"), ("OwnerAccountId", "{account}")]),
    rests("Config::ConfigRule", "ConfigRuleName", "{name}", &[("Arn", "arn:aws:config:{region}:{account}:config-rule/config-rule-{hex6}"), ("ConfigRuleId", "config-rule-{hex6}"), ("Compliance.Type", "INSUFFICIENT_DATA")]),
    rests("DLM::LifecyclePolicy", "", "policy-{hex}", &[("Arn", "arn:aws:dlm:{region}:{account}:policy/policy-{hex}")]),
    rests("DynamoDB::Table", "TableName", "{name}", &[("Arn", "arn:aws:dynamodb:{region}:{account}:table/{name}"), ("StreamArn", "arn:aws:dynamodb:{region}:{account}:table/{name}/stream/2026-01-01T00:00:00.000")]),
    rests("EC2::DHCPOptions", "", "dopt-{hex}", &[("DhcpOptionsId", "{ref}")]),
    rests("EC2::EgressOnlyInternetGateway", "", "eigw-{hex}", &[("Id", "{ref}")]),
    rests("EC2::EIP", "", "203.0.113.{octet}", &[("AllocationId", "eipalloc-{hex}"), ("PublicIp", "{ref}")]),
    rests("EC2::EIPAssociation", "", "eipassoc-{hex}", &[("Id", "{ref}")]),
    rests("EC2::FlowLog", "", "fl-{hex}", &[("Id", "{ref}")]),
    rests("EC2::Host", "", "h-{hex}", &[("HostId", "{ref}")]),
    rests("EC2::Instance", "", "i-{hex}", &[("InstanceId", "{ref}"), ("AvailabilityZone", "{region}a"), ("PrivateDnsName", "ip-10-0-0-{octet}.ec2.internal"), ("PrivateIp", "10.0.0.{octet}"), ("PublicDnsName", "ec2-203-0-113-{octet}.compute-1.amazonaws.com"), ("PublicIp", "203.0.113.{octet}"), ("VpcId", "vpc-{hex}")]),
    rests("EC2::InternetGateway", "", "igw-{hex}", &[("InternetGatewayId", "{ref}")]),
    rests("EC2::KeyPair", "KeyName", "{name}", &[("KeyPairId", "key-{hex}"), ("KeyFingerprint", "{hex}")]),
    acts("EC2::LaunchTemplate", "LaunchTemplateName", "lt-{hex}", &[("LaunchTemplateId", "{ref}"), ("DefaultVersionNumber", "1"), ("LatestVersionNumber", "1")]),
    rests("EC2::NatGateway", "", "nat-{hex}", &[("NatGatewayId", "{ref}")]),
    rests("EC2::NetworkAcl", "", "acl-{hex}", &[("Id", "{ref}")]),
    rests("EC2::NetworkAclEntry", "", "{logical}-{ID12}", &[("Id", "{ref}")]),
    rests("EC2::NetworkInterface", "", "eni-{hex}", &[("Id", "{ref}"), ("PrimaryPrivateIpAddress", "10.0.0.{octet}")]),
    rests("EC2::PlacementGroup", "", "{logical}-{ID12}", &[("GroupName", "{ref}")]),
    rests("EC2::PrefixList", "", "pl-{hex}", &[("PrefixListId", "{ref}"), ("Arn", "arn:aws:ec2:{region}:{account}:prefix-list/pl-{hex}")]),
    rests("EC2::Route", "", "{RouteTableId}|{DestinationCidrBlock}", &[("CidrBlock", "{DestinationCidrBlock}")]),
    rests("EC2::RouteTable", "", "rtb-{hex}", &[("RouteTableId", "{ref}")]),
    rests("EC2::SecurityGroup", "", "sg-{hex}", &[("GroupId", "{ref}"), ("Id", "{ref}"), ("VpcId", "{VpcId}")]),
    rests("EC2::SecurityGroupEgress", "", "sgr-{hex}", &[("Id", "{ref}")]),
    rests("EC2::SecurityGroupIngress", "", "sgr-{hex}", &[("Id", "{ref}")]),
    rests("EC2::Subnet", "", "subnet-{hex}", &[("SubnetId", "{ref}"), ("AvailabilityZone", "{region}a"), ("VpcId", "{VpcId}"), ("CidrBlock", "{CidrBlock}"), ("NetworkAclAssociationId", "aclassoc-{hex}")]),
    rests("EC2::SubnetNetworkAclAssociation", "", "aclassoc-{hex}", &[("AssociationId", "{ref}")]),
    rests("EC2::SubnetRouteTableAssociation", "", "rtbassoc-{hex}", &[("Id", "{ref}")]),
    rests("EC2::TransitGatewayAttachment", "", "tgw-attach-{hex}", &[("Id", "{ref}")]),
    rests("EC2::VPC", "", "vpc-{hex}", &[("VpcId", "{ref}"), ("CidrBlock", "{CidrBlock}"), ("DefaultNetworkAcl", "acl-{hex}"), ("DefaultSecurityGroup", "sg-{hex}")]),
    rests("EC2::VPCDHCPOptionsAssociation", "", "{logical}-{ID12}", &[]),
    rests("EC2::VPCEndpoint", "", "vpce-{hex}", &[("Id", "{ref}"), ("CreationTimestamp", "2026-01-01T00:00:00.000Z")]),
    rests("EC2::VPCGatewayAttachment", "", "{logical}-{ID12}", &[]),
    rests("EC2::VPCPeeringConnection", "", "pcx-{hex}", &[("Id", "{ref}")]),
    rests("EC2::Volume", "", "vol-{hex}", &[("VolumeId", "{ref}")]),
    rests("ECR::PublicRepository", "RepositoryName", "{name:lower}", &[("Arn", "arn:aws:ecr-public::{account}:repository/{name:lower}")]),
    rests("ECR::Repository", "RepositoryName", "{name:lower}", &[("Arn", "arn:aws:ecr:{region}:{account}:repository/{name:lower}"), ("RepositoryUri", "{account}.dkr.ecr.{region}.amazonaws.com/{name:lower}")]),
    rests("ECS::Cluster", "ClusterName", "{name}", &[("Arn", "arn:aws:ecs:{region}:{account}:cluster/{name}")]),
    rests("ECS::Service", "ServiceName", "arn:aws:ecs:{region}:{account}:service/{name}", &[("Name", "{name}"), ("ServiceArn", "{ref}")]),
    rests("ECS::TaskDefinition", "Family", "arn:aws:ecs:{region}:{account}:task-definition/{name}:1", &[("TaskDefinitionArn", "{ref}")]),
    rests("EFS::FileSystem", "", "fs-{hex}", &[("Arn", "arn:aws:elasticfilesystem:{region}:{account}:file-system/fs-{hex}"), ("FileSystemId", "{ref}")]),
    rests("EFS::MountTarget", "", "fsmt-{hex}", &[("Id", "{ref}")]),
    rests("ElasticLoadBalancingV2::Listener", "", "arn:aws:elasticloadbalancing:{region}:{account}:listener/app/{logical}/{hex}", &[("ListenerArn", "{ref}")]),
    rests("ElasticLoadBalancingV2::LoadBalancer", "Name", "arn:aws:elasticloadbalancing:{region}:{account}:loadbalancer/app/{name}/{hex}", &[("LoadBalancerArn", "{ref}"), ("LoadBalancerName", "{name}"), ("LoadBalancerFullName", "app/{name}/{hex}"), ("DNSName", "{name}.{region}.elb.amazonaws.com"), ("CanonicalHostedZoneID", "Z35SXDOTRQ7X7K")]),
    rests("ElasticLoadBalancingV2::TargetGroup", "Name", "arn:aws:elasticloadbalancing:{region}:{account}:targetgroup/{name}/{hex}", &[("TargetGroupArn", "{ref}"), ("TargetGroupName", "{name}"), ("TargetGroupFullName", "targetgroup/{name}/{hex}")]),
    acts("Events::EventBus", "Name", "{name}", &[("Arn", "arn:aws:events:{region}:{account}:event-bus/{name}"), ("Name", "{name}")]),
    rests("Events::EventBusPolicy", "", "{logical}-{ID12}", &[]),
    rests("IAM::AccessKey", "", "AKIA{ID16}", &[("SecretAccessKey", "{hex32}")]),
    rests("IAM::Group", "GroupName", "{name}", &[("Arn", "arn:aws:iam::{account}:group{path}{name}")]),
    rests("IAM::GroupPolicy", "", "{logical}-{ID12}", &[]),
    rests("IAM::InstanceProfile", "InstanceProfileName", "{name}", &[("Arn", "arn:aws:iam::{account}:instance-profile{path}{name}")]),
    rests("IAM::OIDCProvider", "", "arn:aws:iam::{account}:oidc-provider/{Url}", &[("Arn", "{ref}")]),
    rests("IAM::ServiceLinkedRole", "", "AWSServiceRoleFor{logical}", &[("RoleName", "{ref}")]),
    rests("IAM::User", "UserName", "{name}", &[("Arn", "arn:aws:iam::{account}:user{path}{name}")]),
    rests("IAM::UserPolicy", "", "{logical}-{ID12}", &[]),
    rests("IAM::UserToGroupAddition", "", "{logical}-{ID12}", &[]),
    rests("Inspector::AssessmentTarget", "", "arn:aws:inspector:{region}:{account}:target/0-{hex8}", &[("Arn", "{ref}")]),
    rests("Inspector::AssessmentTemplate", "", "arn:aws:inspector:{region}:{account}:target/0-{hex8}/template/0-{hex8}", &[("Arn", "{ref}")]),
    rests("Inspector::ResourceGroup", "", "arn:aws:inspector:{region}:{account}:resourcegroup/0-{hex8}", &[("Arn", "{ref}")]),
    rests("InspectorV2::Filter", "Name", "arn:aws:inspector2:{region}:{account}:owner/{account}/filter/{hex}", &[("Arn", "{ref}")]),
    rests("KMS::Alias", "AliasName", "{AliasName}", &[]),
    rests("KMS::Key", "", "{uuid}", &[("Arn", "arn:aws:kms:{region}:{account}:key/{uuid}"), ("KeyId", "{ref}")]),
    rests("KMS::ReplicaKey", "", "mrk-{hex32}", &[("Arn", "arn:aws:kms:{region}:{account}:key/mrk-{hex32}"), ("KeyId", "{ref}")]),
    rests("Lambda::Alias", "", "{FunctionName}:{Name}", &[("AliasArn", "{ref}")]),
    rests("Lambda::EventSourceMapping", "", "{uuid}", &[("Id", "{ref}"), ("EventSourceMappingArn", "arn:aws:lambda:{region}:{account}:event-source-mapping:{uuid}")]),
    rests("Lambda::LayerVersion", "LayerName", "arn:aws:lambda:{region}:{account}:layer:{name}:1", &[("LayerVersionArn", "{ref}")]),
    rests("Lambda::LayerVersionPermission", "", "{logical}-{ID12}", &[]),
    rests("Lambda::Permission", "", "{stack}-{logical}-{ID12}", &[("Id", "{ref}")]),
    rests("Lambda::Url", "", "{TargetFunctionArn}", &[("FunctionArn", "{ref}"), ("FunctionUrl", "https://{hex32}.lambda-url.{region}.on.aws/")]),
    rests("Lambda::Version", "", "{FunctionName}:1", &[("FunctionArn", "{ref}"), ("Version", "1")]),
    rests("LicenseManager::License", "", "arn:aws:license-manager::{account}:license:l-{hex32}", &[("LicenseArn", "{ref}"), ("Version", "1")]),
    rests("Logs::LogGroup", "LogGroupName", "{name}", &[("Arn", "arn:aws:logs:{region}:{account}:log-group:{name}:*")]),
    rests("Logs::LogStream", "LogStreamName", "{name}", &[]),
    rests("Logs::MetricFilter", "FilterName", "{name}", &[]),
    rests("Logs::QueryDefinition", "", "{uuid}", &[("QueryDefinitionId", "{ref}")]),
    rests("Logs::ResourcePolicy", "PolicyName", "{name}", &[]),
    rests("Logs::SubscriptionFilter", "FilterName", "{name}", &[]),
    rests("RAM::ResourceShare", "", "arn:aws:ram:{region}:{account}:resource-share/{uuid}", &[("Arn", "{ref}"), ("OwningAccountId", "{account}"), ("Status", "ACTIVE")]),
    rests("ResourceGroups::Group", "Name", "{name}", &[("Arn", "arn:aws:resource-groups:{region}:{account}:group/{name}")]),
    rests("Route53::HostedZone", "", "Z{ID16}", &[("Id", "{ref}")]),
    rests("Route53::RecordSet", "", "{Name}", &[]),
    rests("S3::Bucket", "BucketName", "{name:lower}", &[("Arn", "arn:aws:s3:::{name:lower}"), ("DomainName", "{name:lower}.s3.amazonaws.com"), ("DualStackDomainName", "{name:lower}.s3.dualstack.{region}.amazonaws.com"), ("RegionalDomainName", "{name:lower}.s3.{region}.amazonaws.com"), ("WebsiteURL", "http://{name:lower}.s3-website-{region}.amazonaws.com")]),
    rests("S3::BucketPolicy", "", "{Bucket}", &[]),
    rests("SNS::TopicInlinePolicy", "", "{TopicArn}", &[]),
    rests("SNS::TopicPolicy", "", "{stack}-{logical}-{ID12}", &[("Id", "{ref}")]),
    rests("SQS::QueueInlinePolicy", "", "{Queue}", &[]),
    rests("SQS::QueuePolicy", "", "{stack}-{logical}-{ID12}", &[("Id", "{ref}")]),
    rests("SSM::Association", "", "{uuid}", &[("AssociationId", "{ref}")]),
    rests("SSM::Document", "Name", "{name}", &[]),
    rests("SSM::MaintenanceWindow", "", "mw-{hex}", &[("WindowId", "{ref}")]),
    rests("SSM::MaintenanceWindowTarget", "", "{uuid}", &[("WindowTargetId", "{ref}")]),
    rests("SSM::MaintenanceWindowTask", "", "{uuid}", &[("WindowTaskId", "{ref}")]),
    rests("SSM::PatchBaseline", "", "pb-{hex}", &[("Id", "{ref}")]),
    rests("SSM::ResourceDataSync", "SyncName", "{name}", &[]),
    rests("Scheduler::ScheduleGroup", "Name", "{name}", &[("Arn", "arn:aws:scheduler:{region}:{account}:schedule-group/{name}"), ("State", "ACTIVE")]),
    rests("SecretsManager::Secret", "Name", "arn:aws:secretsmanager:{region}:{account}:secret:{name}-{hex6}", &[("Id", "{ref}")]),
    rests("StepFunctions::StateMachine", "StateMachineName", "arn:aws:states:{region}:{account}:stateMachine:{name}", &[("Arn", "{ref}"), ("Name", "{name}")]),
];

/// The type of a name.
///
/// # Errors
/// Why there is no such type here, in one sentence.
pub(super) fn known(kind: &str) -> Result<&'static Type, String> {
    if let Some(found) = kind.strip_prefix("AWS::").and_then(|name| TYPES.iter().find(|one| one.kind == name)) {
        return Ok(found);
    }
    if is_custom(kind) {
        return Ok(&CUSTOM);
    }
    Err(match kind {
        "AWS::CloudFormation::Stack" | "AWS::Serverless::Application" => {
            format!(
                "{kind}: nested stacks aren't supported: deploy their templates before this one, as stacks of their own"
            )
        }
        _ => format!("the local AWS doesn't know the resource type {kind:?}"),
    })
}

/// Whether a type is answered by a function of the stack's owner.
pub(super) fn is_custom(kind: &str) -> bool {
    kind == "AWS::CloudFormation::CustomResource" || kind.starts_with("Custom::")
}

/// Whether GetAtt knows an attribute of a known type.
pub(super) fn has_attribute(kind: &str, attribute: &str) -> bool {
    known(kind).is_ok_and(|found| found.attributes.iter().any(|(name, _)| *name == attribute))
}

impl Type {
    /// Whether its resources play no part here.
    pub(super) fn rests(&self) -> bool {
        self.part == Part::Rests
    }

    /// Why its resources, which would act on AWS, have no effect here.
    pub(super) fn no_effect(&self) -> Option<&'static str> {
        match self.part {
            Part::NoEffect(why) => Some(why),
            Part::Acts | Part::Rests => None,
        }
    }
}

/// A resource as names are made for it.
#[derive(Clone, Copy)]
pub(super) struct Naming<'a> {
    pub(super) seed: Seed,
    pub(super) account: &'a str,
    pub(super) region: &'a str,
    pub(super) stack: &'a str,
    pub(super) logical: &'a str,
    pub(super) properties: &'a Value,
}

impl Naming<'_> {
    /// The name that the property gives, or the one that CloudFormation would make up.
    pub(super) fn physical_name(&self, property: &str) -> String {
        match self.properties.get(property).and_then(text) {
            Some(name) if !name.is_empty() => name,
            _ => format!("{}-{}-{}", self.stack, self.logical, self.upper(12)),
        }
    }

    fn hex(&self, what: &str, len: usize) -> String {
        self.seed.hex(&["stack", self.stack, self.logical, what], len)
    }

    fn upper(&self, len: usize) -> String {
        self.hex("name", len).to_uppercase()
    }

    /// What a placeholder stands for.
    fn placeholder(&self, name: &str, of: &Type) -> String {
        let property = |name: &str| self.properties.get(name).and_then(text).unwrap_or_default();
        match name {
            "account" => self.account.to_owned(),
            "region" => self.region.to_owned(),
            "stack" => self.stack.to_owned(),
            "logical" => self.logical.to_owned(),
            "name" => self.physical_name(of.name),
            "name:lower" => self.physical_name(of.name).to_lowercase(),
            "path" => match property("Path") {
                path if path.is_empty() => "/".to_owned(),
                path => path,
            },
            "uuid" => self.seed.uuid(&["stack", self.stack, self.logical]),
            "hex" => self.hex("id", 17),
            "hex6" => self.hex("id", 6),
            "hex8" => self.hex("id", 8),
            "hex32" => self.hex("id", 32),
            "ID12" => self.upper(12),
            "ID16" => self.upper(16),
            "ID17" => self.upper(17),
            "octet" => (self.seed.draw(&["stack", self.stack, self.logical, "octet"]) % 250 + 4).to_string(),
            "" => "{}".to_owned(),
            other => property(other),
        }
    }

    fn form(&self, form: &str, of: &Type, reference: &str) -> String {
        let mut result = String::new();
        let mut rest = form;
        while let Some((before, (name, after))) =
            rest.split_once('{').and_then(|(before, after)| Some((before, after.split_once('}')?)))
        {
            result.push_str(before);
            result.push_str(&if name == "ref" { reference.to_owned() } else { self.placeholder(name, of) });
            rest = after;
        }
        result + rest
    }
}

/// Ref and GetAtt of a resource whose forms say everything: placeholders in braces stand for what surrounds
/// the resource (`{account}`), for what is drawn for it (`{hex}`, `{uuid}`), or for its properties (`{VpcId}`).
pub(super) fn made_up(of: &Type, naming: Naming<'_>) -> Made {
    let reference = naming.form(of.reference, of, "");
    let attributes = of
        .attributes
        .iter()
        .map(|(name, form)| ((*name).to_owned(), json!(naming.form(form, of, &reference))))
        .collect();
    Made { reference: json!(reference), attributes }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(kind: &str, properties: Value) -> Made {
        let naming = Naming {
            seed: Seed(1),
            account: "123456789012",
            region: "eu-west-1",
            stack: "base",
            logical: "Thing",
            properties: &properties,
        };
        made_up(known(kind).unwrap(), naming)
    }

    #[test]
    fn ref_and_getatt_look_as_aws_gives_them() {
        let role = made("AWS::IAM::Role", json!({"Path": "/build/"}));
        let name = role.reference.as_str().unwrap();
        assert!(name.starts_with("base-Thing-") && name.len() == 23, "{name}");
        assert_eq!(role.attributes["Arn"], json!(format!("arn:aws:iam::123456789012:role/build/{name}")));
        let queue = made("AWS::SQS::Queue", json!({"QueueName": "dead"}));
        assert_eq!(queue.reference, json!("https://sqs.eu-west-1.amazonaws.com/123456789012/dead"));
        assert_eq!(queue.attributes["Arn"], json!("arn:aws:sqs:eu-west-1:123456789012:dead"));
        let bucket = made("AWS::S3::Bucket", json!({}));
        assert!(bucket.reference.as_str().unwrap().starts_with("base-thing-"));
        let subnet = made("AWS::EC2::Subnet", json!({"VpcId": "vpc-1"}));
        assert_eq!(subnet.attributes["VpcId"], json!("vpc-1"));
        assert_eq!(subnet.reference.as_str().unwrap().len(), "subnet-".len() + 17);
        assert_eq!(made("AWS::CloudFormation::WaitCondition", json!({})).attributes["Data"], json!("{}"));
    }

    #[test]
    fn every_form_is_filled_and_no_type_is_there_twice() {
        for (place, one) in TYPES.iter().enumerate() {
            assert!(TYPES[..place].iter().all(|other| other.kind != one.kind), "{}", one.kind);
            let made = made(&format!("AWS::{}", one.kind), json!({}));
            for (name, value) in &made.attributes {
                let filled = value.as_str().unwrap();
                assert!(filled == "{}" || !filled.contains(['{', '}']), "{} {name}: {filled}", one.kind);
            }
        }
    }

    #[test]
    fn what_is_not_known_says_so() {
        assert!(known("AWS::Quantum::Computer").unwrap_err().contains("doesn't know"));
        assert!(known("AWS::CloudFormation::Stack").unwrap_err().contains("nested stacks"));
    }
}
