//! Whole deployments.

mod public;

use super::*;
use crate::draw::Seed;
use crate::journal::Kind;
use crate::wire::{Caller, Context};
use crate::world::World;
use serde_json::json;
use std::path::Path;

fn world() -> World {
    World::new(Seed(1), chrono::DateTime::UNIX_EPOCH)
}

fn deployment(text: &str, given: &[(&str, &str)]) -> Result<Deployment, StackErrors> {
    let template = Template::parse(Path::new("stacks/t.yaml"), text).map_err(|error| StackErrors(vec![error]))?;
    let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Deployment::new(template, "base", given, "123456789012", "us-east-1")
}

fn deploy(world: &mut World, text: &str, given: &[(&str, &str)]) -> Result<Summary, StackErrors> {
    match deployment(text, given)?.advance(world)? {
        Progress::Done(summary) => Ok(summary),
        Progress::Waiting { image_arn } => panic!("waits for {image_arn}"),
    }
}

/// What surrounds a pipeline in stacks that people publish.
const SURROUNDINGS: &str = "
AWSTemplateFormatVersion: 2010-09-09
Description: >
  What a pipeline stands on.
Parameters:
  SubnetId: {Type: 'AWS::EC2::Subnet::Id'}
  GroupIds: {Type: CommaDelimitedList, Default: ''}
  Retain: {Type: String, Default: 'true', AllowedValues: ['true', 'false']}
Conditions:
  OwnGroup: !Equals [!Join ['', !Ref GroupIds], '']
  Retained: !Equals [!Ref Retain, true]
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Subnet:
    Type: AWS::EC2::Subnet
    Properties:
      VpcId: !Ref Vpc
      CidrBlock: !Select [0, !Cidr [!GetAtt Vpc.CidrBlock, 4, 8]]
      AvailabilityZone: !Select [0, !GetAZs '']
  Group:
    Type: AWS::EC2::SecurityGroup
    Condition: OwnGroup
    Properties: {GroupDescription: builds, VpcId: !Ref Vpc}
  Logs:
    Type: AWS::S3::Bucket
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
  LogsPolicy:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Logs
      PolicyDocument:
        Statement: [{Effect: Deny, Principal: '*', Action: 's3:*', Resource: !Sub '${Logs.Arn}/*', Condition: {Bool: {'aws:SecureTransport': false}}}]
  LogGroup: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /aws/imagebuilder/base, RetentionInDays: 7}}
  Repository: {Type: AWS::ECR::Repository, Properties: {RepositoryName: base}}
  Role:
    Type: AWS::IAM::Role
    Properties:
      Path: /builds/
      ManagedPolicyArns: [!Sub 'arn:${AWS::Partition}:iam::aws:policy/EC2InstanceProfileForImageBuilder']
      AssumeRolePolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Principal: {Service: !Sub 'ec2.${AWS::URLSuffix}'}, Action: 'sts:AssumeRole'}]}
  WriteLogs:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: write-logs
      Roles: [!Ref Role]
      PolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Action: 's3:PutObject', Resource: !Sub 'arn:aws:s3:::${Logs}/*'}]}
  Profile: {Type: AWS::IAM::InstanceProfile, Properties: {Path: /builds/, Roles: [!Ref Role]}}
  DeadLetters: {Type: AWS::SQS::Queue}
Outputs:
  Profile: {Value: !Ref Profile, Export: {Name: !Sub '${AWS::StackName}-profile'}}
  Group: {Condition: OwnGroup, Value: !GetAtt Group.GroupId}
  Other: {Condition: Retained, Value: !If [OwnGroup, !Ref SubnetId, none]}
  Image: {Value: !Sub '${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}/${Repository}'}
";

/// An API call of the account's own.
fn ask(world: &mut World, service: &str, operation: &str, input: Value) -> Value {
    let context = crate::wire::Context {
        caller: crate::wire::Caller::service("123456789012", "test"),
        region: "us-east-1".into(),
        request_id: "r".into(),
    };
    crate::dispatch::call(world, &context, service, operation, input).unwrap()
}

#[test]
fn a_stack_of_surroundings_deploys_unchanged() {
    let mut world = world();
    let summary = deploy(&mut world, SURROUNDINGS, &[]).unwrap();
    assert_eq!(summary.created.len(), 11);
    assert_eq!(
        summary.no_part,
        [
            "AWS::EC2::SecurityGroup (1)",
            "AWS::EC2::Subnet (1)",
            "AWS::EC2::VPC (1)",
            "AWS::ECR::Repository (1)",
            "AWS::IAM::InstanceProfile (1)",
            "AWS::Logs::LogGroup (1)",
            "AWS::S3::Bucket (1)",
            "AWS::S3::BucketPolicy (1)",
        ]
    );
    assert_eq!(summary.outputs["Image"], "123456789012.dkr.ecr.us-east-1.amazonaws.com/base");
    assert!(summary.outputs["Group"].starts_with("sg-"));
    assert!(summary.outputs["Other"].starts_with("subnet-"));
    assert_eq!(world.stacks.exports["123456789012/us-east-1"]["base-profile"], json!(summary.outputs["Profile"]));
    let role = world.stacks.roles.values().next().unwrap();
    assert_eq!(role["Policies"][0]["PolicyName"], json!("write-logs"));
    let warnings: Vec<_> = world.journal.entries().iter().filter(|entry| entry.kind == Kind::Warning).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].detail.starts_with("stacks/t.yaml:6: the parameter SubnetId has no value: subnet-"));
    assert_eq!(world.journal.entries().iter().filter(|entry| entry.kind == Kind::Deployed).count(), 1);
}

#[test]
fn the_same_seed_gives_the_same_names() {
    let outputs = || deploy(&mut world(), SURROUNDINGS, &[]).unwrap().outputs;
    assert_eq!(outputs(), outputs());
}

#[test]
fn a_condition_leaves_a_resource_and_its_output_out() {
    let summary = deploy(&mut world(), SURROUNDINGS, &[("GroupIds", "sg-1,sg-2"), ("SubnetId", "subnet-1")]).unwrap();
    assert!(summary.created.iter().all(|(logical, _)| logical != "Group"));
    assert!(!summary.outputs.contains_key("Group"));
    assert_eq!(summary.outputs["Other"], "none");
}

#[test]
fn exports_are_imports_of_later_stacks() {
    let mut world = world();
    let importing = "Resources: {H: {Type: AWS::CloudFormation::WaitConditionHandle}}\nOutputs: {P: {Value: !ImportValue base-profile}}";
    let missing = deploy(&mut world, importing, &[]).unwrap_err();
    assert_eq!(
        missing.to_string(),
        "stacks/t.yaml:2: no export named \"base-profile\": deploy the stack that exports it before this one"
    );
    let first = deploy(&mut world, SURROUNDINGS, &[]).unwrap();
    assert_eq!(deploy(&mut world, importing, &[]).unwrap().outputs["P"], first.outputs["Profile"]);
    let again = deploy(&mut world, SURROUNDINGS, &[]).unwrap_err();
    assert!(again.to_string().contains("an export named \"base-profile\" exists already"), "{again}");
}

#[test]
fn everything_wrong_is_told_with_file_and_line() {
    let text = "Resources:\n  A: {Type: AWS::Quantum::Computer}\n  B: {Type: AWS::SNS::Topic, Properties: {TopicName: !Ref Nothing}}\n";
    let errors = deployment(text, &[]).unwrap_err();
    assert_eq!(
        errors.to_string(),
        "stacks/t.yaml:2: A: the local AWS doesn't know the resource type \"AWS::Quantum::Computer\"\n\
         stacks/t.yaml:3: \"Nothing\" is neither a parameter nor a resource of this template"
    );
}

#[test]
fn a_refused_resource_is_placed_and_what_hangs_on_it_is_left_out() {
    let text = "Resources:
  Pipeline:
    Type: AWS::ImageBuilder::ImagePipeline
    Properties:
      Name: p
      Colour: red
  Image: {Type: AWS::ImageBuilder::Image, Properties: {ImageRecipeArn: !Ref Pipeline}}
  F: {Type: AWS::Serverless::Function, Properties: {Runtime: provided.al2023, CodeUri: ./f, Role: 'arn:aws:iam::123456789012:role/r', Timeout: 1000}}
";
    let errors = deploy(&mut world(), text, &[]).unwrap_err();
    assert_eq!(
        errors.to_string(),
        "stacks/t.yaml:6: Pipeline (AWS::ImageBuilder::ImagePipeline): Encountered unsupported property Colour\n\
         stacks/t.yaml:8: F (AWS::Serverless::Function): Timeout must be a number from 1 to 900, not 1000"
    );
}

#[test]
fn functions_that_can_run_here_are_kept_and_the_others_named() {
    let text = "
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: provided.al2023, MemorySize: 256, LoggingConfig: {LogFormat: JSON, ApplicationLogLevel: DEBUG}}}
Resources:
  Publish:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: ./functions/publish
      Handler: bootstrap
      Environment: {Variables: {PREFIX: /golden, COUNT: 3}}
      EventInvokeConfig: {MaximumRetryAttempts: 1}
      DeadLetterQueue: {Type: SQS, TargetArn: !GetAtt Queue.Arn}
      ReservedConcurrentExecutions: 2
      Policies: [{Statement: [{Effect: Allow, Action: 'ssm:PutParameter', Resource: '*'}]}]
  Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: dead}}
  Report:
    Type: AWS::Serverless::Function
    Properties: {Runtime: python3.13, InlineCode: 'x', Handler: index.handler}
";
    let mut world = world();
    deploy(&mut world, text, &[]).unwrap();
    let functions: Vec<_> = world.lambda.functions.values().collect();
    let [function] = functions[..] else { panic!("{functions:?}") };
    assert!(function.name.starts_with("base-Publish-"), "{}", function.name);
    assert!(function.role.starts_with("base-PublishRole-"), "{}", function.role);
    assert_eq!(function.code, Path::new("stacks/functions/publish"));
    assert_eq!(function.environment, [("COUNT", "3"), ("PREFIX", "/golden")].map(|(k, v)| (k.into(), v.into())).into());
    assert_eq!((function.memory, function.timeout, function.maximum_retries), (256, 3, 1));
    assert_eq!(function.dead_letter_arn.as_deref(), Some("arn:aws:sqs:us-east-1:123456789012:dead"));
    assert_eq!((function.log_format.as_str(), function.log_level.as_deref()), ("JSON", Some("DEBUG")));
    assert_eq!(function.reserved_concurrency, Some(2));
    let policies = &world.stacks.role("123456789012", &function.role).unwrap()["Policies"];
    assert_eq!(policies[0]["PolicyDocument"]["Statement"][0]["Action"], json!("ssm:PutParameter"));
    let warning = world.journal.entries().iter().find(|entry| entry.kind == Kind::Warning).unwrap();
    assert_eq!(warning.detail, "stacks/t.yaml:16: Report (python3.13) isn't run locally: nothing invokes it");
    let template = Template::parse(Path::new("stacks/t.yaml"), text).unwrap();
    assert_eq!(template.code_uris(), [Path::new("stacks/functions/publish")]);
}

#[test]
fn rules_of_a_template_refuse_values() {
    let text = "
Parameters: {Second: {Type: String, Default: us-east-1}}
Rules:
  Differs:
    Assertions:
      - Assert: !Not [!Equals [!Ref Second, !Ref AWS::Region]]
        AssertDescription: Second must differ from the Region
Resources: {H: {Type: AWS::CloudFormation::WaitConditionHandle}}
";
    let errors = deploy(&mut world(), text, &[]).unwrap_err();
    assert_eq!(errors.to_string(), "stacks/t.yaml:6: the rule Differs: Second must differ from the Region");
    deploy(&mut world(), text, &[("Second", "eu-west-1")]).unwrap();
}

#[test]
fn a_template_in_json_deploys() {
    let text = "{\n\t\"Resources\": {\n\t\t\"Logs\": {\"Type\": \"AWS::S3::Bucket\", \"Properties\": {\"BucketName\": {\"Fn::Sub\": \"logs-${AWS::Region}\"}}}\n\t},\n\t\"Outputs\": {\"Arn\": {\"Value\": {\"Fn::GetAtt\": \"Logs.Arn\"}}}\n}";
    assert_eq!(deploy(&mut world(), text, &[]).unwrap().outputs["Arn"], "arn:aws:s3:::logs-us-east-1");
}

/// A pipeline of pipelines, as people write it.
const PIPELINE: &str = "
Parameters:
  Base: {Type: 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>', Default: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64}
  Accounts: {Type: CommaDelimitedList, Default: '111122223333'}
  Tests: {Type: String, Default: 'true'}
Conditions: {TestsOn: !Equals [!Ref Tests, 'true']}
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties: {TopicName: builds, Subscription: [{Protocol: email, Endpoint: someone@example.com}]}
  BaseParameter:
    Type: AWS::SSM::Parameter
    Properties: {Name: /base/ami, Type: String, Value: !Ref Base, Tags: {Team: images}}
  Component:
    Type: AWS::ImageBuilder::Component
    Properties:
      Name: tools
      Version: 1.0.0
      Platform: Linux
      Data: |
        schemaVersion: 1.0
        phases:
          - name: build
            steps:
              - {name: Tools, action: ExecuteBash, inputs: {commands: ['dnf -y install jq']}}
  Recipe:
    Type: AWS::ImageBuilder::ImageRecipe
    Properties:
      Name: !Sub '${AWS::StackName}-web'
      Version: 1.0.0
      ParentImage: !Sub 'arn:${AWS::Partition}:imagebuilder:${AWS::Region}:aws:image/amazon-linux-2023-x86/x.x.x'
      Components: [{ComponentArn: !GetAtt Component.LatestVersion.Major}]
      BlockDeviceMappings: [{DeviceName: /dev/xvda, Ebs: {VolumeSize: '12', VolumeType: gp3, Encrypted: 'true'}}]
  Infrastructure:
    Type: AWS::ImageBuilder::InfrastructureConfiguration
    Properties:
      Name: web
      InstanceProfileName: !Ref Profile
      InstanceTypes: [t3.medium]
      SnsTopicArn: !Ref Topic
      TerminateInstanceOnFailure: 'true'
      SecurityGroupIds: [!If [TestsOn, !Ref AWS::NoValue, sg-1]]
  Profile: {Type: AWS::IAM::InstanceProfile, Properties: {Roles: [builder]}}
  Distribution:
    Type: AWS::ImageBuilder::DistributionConfiguration
    Properties:
      Name: web
      Distributions:
        - Region: !Ref AWS::Region
          AmiDistributionConfiguration:
            Name: 'web-{{ imagebuilder:buildDate }}'
            LaunchPermissionConfiguration: {UserIds: !Ref Accounts}
  Pipeline:
    Type: AWS::ImageBuilder::ImagePipeline
    Properties:
      Name: web
      ImageRecipeArn: !Ref Recipe
      InfrastructureConfigurationArn: !Ref Infrastructure
      DistributionConfigurationArn: !GetAtt Distribution.Arn
      ImageTestsConfiguration: !If [TestsOn, !Ref AWS::NoValue, {ImageTestsEnabled: false}]
      Schedule: {ScheduleExpression: 'cron(0 10 * * ? *)', PipelineExecutionStartCondition: EXPRESSION_MATCH_AND_DEPENDENCY_UPDATES_AVAILABLE}
Outputs:
  Pipeline: {Value: !Ref Pipeline}
  Recipe: {Value: !Ref Recipe}
";

#[test]
fn a_pipeline_is_made_by_image_builders_own_operations() {
    let mut world = world();
    let summary = deploy(&mut world, PIPELINE, &[]).unwrap();
    assert_eq!(summary.outputs["Pipeline"], "arn:aws:imagebuilder:us-east-1:123456789012:image-pipeline/web");
    let recipe = world.imagebuilder.get(&summary.outputs["Recipe"]).unwrap();
    assert_eq!(
        recipe.document["blockDeviceMappings"][0]["ebs"],
        json!({"encrypted": true, "volumeSize": 12, "volumeType": "gp3"})
    );
    assert_eq!(
        recipe.document["components"][0]["componentArn"],
        json!("arn:aws:imagebuilder:us-east-1:123456789012:component/tools/1.x.x")
    );
    assert_eq!(summary.no_part, ["AWS::IAM::InstanceProfile (1)"]);
}

#[test]
fn what_a_service_refuses_is_told_with_the_line() {
    let text = PIPELINE.replace("Platform: Linux", "Platform: Plan9");
    let errors = deploy(&mut world(), &text, &[]).unwrap_err();
    let line = 1 + text.lines().position(|line| line.starts_with("  Component:")).unwrap();
    assert_eq!(errors.0.len(), 1, "{errors}");
    assert_eq!(errors.0[0].line, Some(line));
    assert!(errors.0[0].message.starts_with("Component (AWS::ImageBuilder::Component): CreateComponent: "), "{errors}");
}

#[test]
fn an_image_is_waited_for() {
    let text = "
Resources:
  Recipe:
    Type: AWS::ImageBuilder::ImageRecipe
    Properties: {Name: web, Version: 1.0.0, ParentImage: !Sub 'arn:aws:imagebuilder:${AWS::Region}:aws:image/amazon-linux-2023-x86/x.x.x', Components: [{ComponentArn: !Sub 'arn:aws:imagebuilder:${AWS::Region}:aws:component/update-linux/x.x.x'}]}
  Infrastructure:
    Type: AWS::ImageBuilder::InfrastructureConfiguration
    Properties: {Name: web, InstanceProfileName: p}
  Image:
    Type: AWS::ImageBuilder::Image
    Properties: {ImageRecipeArn: !Ref Recipe, InfrastructureConfigurationArn: !Ref Infrastructure}
  Parameter:
    Type: AWS::SSM::Parameter
    Properties: {Name: /web/ami, Type: String, Value: !GetAtt Image.ImageId}
Outputs: {Ami: {Value: !GetAtt Image.ImageId}}
";
    let mut world = world();
    let mut deployment = deployment(text, &[]).unwrap();
    let Progress::Waiting { image_arn } = deployment.advance(&mut world).unwrap() else { panic!("didn't wait") };
    let summary = loop {
        match deployment.advance(&mut world).unwrap() {
            Progress::Waiting { image_arn: still } => assert_eq!(still, image_arn),
            Progress::Done(summary) => break summary,
        }
        let limit = world.now + chrono::TimeDelta::days(1);
        assert!(world.step(limit).is_some(), "nothing is due, yet the build goes on");
    };
    assert!(summary.outputs["Ami"].starts_with("ami-"), "{summary:?}");
    let order: Vec<_> = summary.created.iter().map(|(logical, _)| logical.as_str()).collect();
    assert_eq!(order, ["Recipe", "Infrastructure", "Image", "Parameter"]);
}

#[test]
fn dynamic_references_are_resolved() {
    let text = "
Resources:
  A: {Type: AWS::SSM::Parameter, Properties: {Name: /a, Type: String, Value: first}}
  B: {Type: AWS::SSM::Parameter, DependsOn: A, Properties: {Name: /b, Type: String, Value: 'x-{{resolve:ssm:/a}}-y {{ other }}'}}
Outputs: {B: {Value: !GetAtt B.Value}}
";
    assert_eq!(deploy(&mut world(), text, &[]).unwrap().outputs["B"], "x-first-y {{ other }}");
    let errors = deploy(&mut world(), &text.replace("ssm:/a", "ssm:/none"), &[]).unwrap_err();
    assert!(errors.to_string().starts_with("stacks/t.yaml:4: {{resolve:ssm:/none}}: ParameterNotFound"), "{errors}");
}

#[test]
fn a_launch_template_is_made_in_ec2() {
    let text = "
Resources:
  Web:
    Type: AWS::EC2::LaunchTemplate
    Properties:
      LaunchTemplateName: web
      LaunchTemplateData:
        ImageId: resolve:ssm:/golden/web
        BlockDeviceMappings: [{DeviceName: /dev/xvda, Ebs: {VolumeSize: 20, Encrypted: true}}]
      TagSpecifications: [{ResourceType: launch-template, Tags: [{Key: team, Value: web}]}]
Outputs: {Id: {Value: !Ref Web}, Version: {Value: !GetAtt Web.LatestVersionNumber}}
";
    let mut world = world();
    let summary = deploy(&mut world, text, &[]).unwrap();
    let made = crate::ec2::launch_template(&world, "123456789012", "us-east-1", "web").unwrap();
    assert_eq!((&summary.outputs["Id"], summary.outputs["Version"].as_str()), (&made.id, "1"));
    assert_eq!(made.versions[0].image_id(), Some("resolve:ssm:/golden/web"));
    assert_eq!(made.versions[0].data.pointer("/blockDeviceMappingSet/0/ebs/volumeSize"), Some(&json!("20")));
    assert_eq!(made.tags.get("team").unwrap(), "web");
    let errors = deploy(&mut world, &text.replace("ImageId:", "Image:"), &[]).unwrap_err();
    assert!(errors.to_string().contains("LaunchTemplateData.Image is not recognized"), "{errors}");
}

#[test]
fn an_auto_scaling_group_is_pinned_to_a_version() {
    let text = "
Resources:
  Web:
    Type: AWS::EC2::LaunchTemplate
    Properties: {LaunchTemplateName: web, LaunchTemplateData: {ImageId: resolve:ssm:/golden/web}}
  Group:
    Type: AWS::AutoScaling::AutoScalingGroup
    Properties:
      MinSize: 0
      MaxSize: 2
      VPCZoneIdentifier: [subnet-1]
      LaunchTemplate: {LaunchTemplateId: !Ref Web, Version: !GetAtt Web.LatestVersionNumber}
      Tags: [{Key: team, Value: web, PropagateAtLaunch: true}]
Outputs: {Name: {Value: !Ref Group}, Arn: {Value: !GetAtt Group.AutoScalingGroupARN}}
";
    let mut world = world();
    let summary = deploy(&mut world, text, &[]).unwrap();
    let context =
        Context { caller: Caller::service("123456789012", "test"), region: "us-east-1".into(), request_id: "r".into() };
    let listed =
        crate::dispatch::call(&mut world, &context, "autoscaling", "DescribeAutoScalingGroups", json!({})).unwrap();
    let group = &listed["AutoScalingGroups"][0];
    assert_eq!(group["AutoScalingGroupName"], summary.outputs["Name"]);
    assert_eq!(group["AutoScalingGroupARN"], summary.outputs["Arn"]);
    assert_eq!((&group["LaunchTemplate"]["Version"], &group["MinSize"]), (&json!("1"), &json!("0")));
    assert_eq!(group["Tags"][0]["PropagateAtLaunch"], json!(true));
    let errors = deploy(&mut self::world(), &text.replace("!GetAtt Web.LatestVersionNumber", "7"), &[]).unwrap_err();
    assert!(errors.to_string().contains("version 7 of the launch template"), "{errors}");
}

#[test]
fn a_function_is_subscribed_with_its_filter() {
    let text = "
Resources:
  Topic: {Type: AWS::SNS::Topic}
  F:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      CodeUri: f
      FunctionName: f
      Events:
        Builds: {Type: SNS, Properties: {Topic: !Ref Topic, FilterPolicy: {state: {status: [AVAILABLE]}}, FilterPolicyScope: MessageBody}}
Outputs: {Topic: {Value: !Ref Topic}}
";
    let mut world = world();
    let summary = deploy(&mut world, text, &[]).unwrap();
    let input = json!({"TopicArn": summary.outputs["Topic"]});
    let answer = ask(&mut world, "sns", "ListSubscriptionsByTopic", input);
    assert_eq!(answer["Subscriptions"][0]["Endpoint"], json!("arn:aws:lambda:us-east-1:123456789012:function:f"));
}

#[test]
fn rules_and_schedules_reach_their_functions() {
    let text = "
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      CodeUri: f
      FunctionName: f
      Events:
        Sweep: {Type: Schedule, Properties: {Schedule: rate(1 hour), Input: '{}'}}
        Night: {Type: ScheduleV2, Properties: {ScheduleExpression: 'cron(0 3 * * ? *)', ScheduleExpressionTimezone: Europe/Berlin, FlexibleTimeWindow: {Mode: 'OFF'}}}
        Ended: {Type: EventBridgeRule, Properties: {Pattern: {source: [aws.imagebuilder], detail: {state: {status: [AVAILABLE]}}}}}
  Absent: {Type: AWS::Lambda::Function, Properties: {Runtime: python3.13, Handler: index.handler, Role: r, Code: {ZipFile: x}}}
  Rule:
    Type: AWS::Events::Rule
    Properties:
      EventPattern: {source: [aws.ssm]}
      Targets: [{Id: a, Arn: !GetAtt F.Arn}, {Id: b, Arn: !GetAtt Absent.Arn}]
  Daily:
    Type: AWS::Scheduler::Schedule
    Properties:
      ScheduleExpression: rate(1 day)
      FlexibleTimeWindow: {Mode: FLEXIBLE, MaximumWindowInMinutes: 15}
      Target: {Arn: !GetAtt F.Arn, RoleArn: r, Input: '{\"a\": 1}'}
Outputs: {Rule: {Value: !Ref Rule}}
";
    let mut world = world();
    let summary = deploy(&mut world, text, &[]).unwrap();
    let input = json!({"Rule": summary.outputs["Rule"]});
    let answer = ask(&mut world, "events", "ListTargetsByRule", input);
    assert_eq!(answer["Targets"].as_array().map(Vec::len), Some(1), "{answer}");
    let input = json!({"TargetArn": "arn:aws:lambda:us-east-1:123456789012:function:f"});
    let answer = ask(&mut world, "events", "ListRuleNamesByTarget", input);
    assert_eq!(answer["RuleNames"].as_array().map(Vec::len), Some(3), "{answer}");
    let refused = deploy(&mut world, &text.replace("rate(1 day)", "rate(1 day"), &[]).unwrap_err();
    assert!(refused.to_string().contains("Daily (AWS::Scheduler::Schedule): CreateSchedule: "), "{refused}");
}
