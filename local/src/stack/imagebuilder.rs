//! `AWS::ImageBuilder::*`: each type is one Create operation, whose validation is the service's own.

use super::error::Refusal;
use super::evaluate::Made;
use super::shape;
use crate::dispatch;
use crate::draw::Seed;
use crate::imagebuilder::store;
use crate::wire::Context;
use crate::world::World;
use serde_json::{Value, json};
use shared::arn::{Arn, VersionedArn};
use shared::version::Version;
use std::collections::BTreeMap;

/// How a type is made.
struct Making {
    operation: &'static str,
    /// The answer's member with the ARN.
    answer: &'static str,
    /// Properties that steer CloudFormation itself.
    own: &'static [&'static str],
}

/// What the API calls otherwise than CloudFormation does.
const RENAMED: [(&str, &str); 2] =
    [("Version", "semanticVersion"), ("LaunchPermissionConfiguration", "launchPermission")];

fn making(kind: &str) -> Option<Making> {
    let (operation, answer) = match kind {
        "AWS::ImageBuilder::Component" => ("CreateComponent", "componentBuildVersionArn"),
        "AWS::ImageBuilder::ContainerRecipe" => ("CreateContainerRecipe", "containerRecipeArn"),
        "AWS::ImageBuilder::DistributionConfiguration" => {
            ("CreateDistributionConfiguration", "distributionConfigurationArn")
        }
        "AWS::ImageBuilder::Image" => ("CreateImage", "imageBuildVersionArn"),
        "AWS::ImageBuilder::ImagePipeline" => ("CreateImagePipeline", "imagePipelineArn"),
        "AWS::ImageBuilder::ImageRecipe" => ("CreateImageRecipe", "imageRecipeArn"),
        "AWS::ImageBuilder::InfrastructureConfiguration" => {
            ("CreateInfrastructureConfiguration", "infrastructureConfigurationArn")
        }
        "AWS::ImageBuilder::LifecyclePolicy" => ("CreateLifecyclePolicy", "lifecyclePolicyArn"),
        "AWS::ImageBuilder::Workflow" => ("CreateWorkflow", "workflowBuildVersionArn"),
        _ => return None,
    };
    let own: &[_] = if operation == "CreateImage" { &["DeletionSettings", SETTINGS] } else { &[] };
    Some(Making { operation, answer, own })
}

const SETTINGS: &str = "ImagePipelineExecutionSettings";

/// Checks the properties of a type that isn't made.
pub(super) fn check(kind: &str, properties: &Value) -> Result<(), Vec<Refusal>> {
    making(kind).map_or(Ok(()), |making| input(&making, properties).map(drop))
}

/// What a template sees of a pipeline as it stands. An image refers to its pipeline by it, as
/// `ImagePipelineExecutionSettings`.
fn deployment_id(seed: Seed, pipeline_arn: &str) -> String {
    seed.uuid(&["deployment", pipeline_arn])
}

/// Starts the pipeline with a deployment ID.
fn start_pipeline(
    world: &mut World,
    context: &Context,
    deployment: &str,
    properties: &Value,
) -> Result<Made, Vec<Refusal>> {
    let making = Making { operation: "StartImagePipelineExecution", ..making(IMAGE).expect("an image can be made") };
    let pipelines = world.imagebuilder.of_kind(store::Kind::Pipeline, &context.region, Some(context.account()));
    let arn = pipelines.iter().find(|pipeline| deployment_id(world.seed, &pipeline.arn) == deployment);
    let Some(arn) = arn.map(|pipeline| pipeline.arn.clone()) else {
        return Err(vec![Refusal::of(SETTINGS, format!("no pipeline has the DeploymentId {deployment}"))]);
    };
    let mut input = input(&making, properties)?;
    input["imagePipelineArn"] = arn.into();
    let answer = dispatch::call(world, context, "imagebuilder", making.operation, input)
        .map_err(|error| vec![Refusal::new(format!("{}: {error}", making.operation))])?;
    let arn = answer[making.answer].as_str().unwrap_or_default();
    Ok(Made { reference: json!(arn), attributes: attributes(arn) })
}

const IMAGE: &str = "AWS::ImageBuilder::Image";

/// Makes a resource; `None` if the type isn't Image Builder's.
pub(super) fn make(
    world: &mut World,
    context: &Context,
    kind: &str,
    properties: &Value,
) -> Option<Result<Made, Vec<Refusal>>> {
    let making = making(kind)?;
    if let Some(deployment) = properties.get(SETTINGS).and_then(|settings| settings["DeploymentId"].as_str()) {
        return Some(start_pipeline(world, context, deployment, properties));
    }
    Some(input(&making, properties).and_then(|input| {
        let name = input.get("name").cloned();
        let encrypted = input.get("kmsKeyId").is_some();
        let answer = dispatch::call(world, context, "imagebuilder", making.operation, input)
            .map_err(|error| vec![Refusal::new(format!("{}: {error}", making.operation))])?;
        let arn = answer[making.answer].as_str().unwrap_or_default().to_owned();
        let mut attributes = attributes(&arn);
        if let Some(name) = name {
            attributes.insert("Name".to_owned(), name);
        }
        if kind == "AWS::ImageBuilder::Component" {
            attributes.insert("Encrypted".to_owned(), encrypted.into());
            let document = world.imagebuilder.get(&arn).and_then(|component| component.text("type"));
            attributes.insert("Type".to_owned(), document.unwrap_or("BUILD").into());
        }
        if kind == "AWS::ImageBuilder::ImagePipeline" {
            attributes.insert("DeploymentId".to_owned(), deployment_id(world.seed, &arn).into());
        }
        Ok(Made { reference: json!(arn), attributes })
    }))
}

fn input(making: &Making, properties: &Value) -> Result<Value, Vec<Refusal>> {
    let mut properties = properties.clone();
    if let Value::Object(object) = &mut properties {
        object.retain(|name, _| !making.own.contains(&name.as_str()));
    }
    shape::input(making.operation, &properties, &RENAMED)
        .map_err(|unknown| unknown.iter().map(|path| Refusal::unsupported(path)).collect())
}

/// What follows from the ARN alone: itself, and for versioned kinds the ARNs that select their latest versions.
fn attributes(arn: &str) -> BTreeMap<String, Value> {
    let mut attributes = BTreeMap::from([("Arn".to_owned(), json!(arn))]);
    let Ok(VersionedArn { arn: parts, kind, name, version, .. }) = arn.parse() else { return attributes };
    let head = Arn { resource: format!("{kind}/{name}"), ..parts };
    if let Some(Version { major, minor, patch }) = version.exact() {
        for (name, version) in [
            ("Arn", "x.x.x".to_owned()),
            ("Major", format!("{major}.x.x")),
            ("Minor", format!("{major}.{minor}.x")),
            ("Patch", format!("{major}.{minor}.{patch}")),
        ] {
            attributes.insert(format!("LatestVersion.{name}"), json!(format!("{head}/{version}")));
        }
        attributes.insert("Version".to_owned(), version.to_string().into());
    }
    attributes
}

/// How far the build of an `AWS::ImageBuilder::Image` is.
pub(super) enum Build {
    /// It goes on.
    Running,
    /// It is available: what the template sees of it.
    Done(Made),
    /// It ended otherwise: why.
    Failed(String),
}

/// Looks at a build. The AMI is the one of the stack's Region.
pub(super) fn build(world: &World, region: &str, arn: &str) -> Build {
    let Some(image) = world.imagebuilder.get(arn) else {
        return Build::Failed(format!("the image {arn} is gone"));
    };
    match image.status() {
        "AVAILABLE" => {}
        status @ ("FAILED" | "CANCELLED" | "DELETED" | "DEPRECATED" | "DISABLED") => {
            let reason =
                image.document.get("state").and_then(|state| state["reason"].as_str()).unwrap_or("no reason given");
            return Build::Failed(format!("the image {arn} is {status}: {reason}"));
        }
        _ => return Build::Running,
    }
    let mut attributes = attributes(arn);
    let outputs = image.document.get("outputResources");
    let of_region = |list: &str| {
        let items = outputs.and_then(|outputs| outputs[list].as_array());
        items.and_then(|items| items.iter().find(|item| item["region"] == region)).cloned().unwrap_or_default()
    };
    attributes.insert("ImageId".to_owned(), of_region("amis")["image"].as_str().unwrap_or_default().into());
    attributes
        .insert("ImageUri".to_owned(), of_region("containers")["imageUris"][0].as_str().unwrap_or_default().into());
    attributes.insert("Name".to_owned(), image.text("name").unwrap_or_default().into());
    Build::Done(Made { reference: json!(arn), attributes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Seed;
    use crate::imagebuilder::store::{Kind, Resource};

    fn converted(kind: &str, properties: Value) -> Value {
        input(&making(kind).unwrap(), &properties).unwrap()
    }

    #[test]
    fn properties_become_the_input_of_the_operation() {
        insta::assert_json_snapshot!(converted("AWS::ImageBuilder::Component", json!({
            "Name": "c", "Version": "1.0.0", "Platform": "Linux", "Data": "x", "KmsKeyId": "k",
            "SupportedOsVersions": ["Amazon Linux 2023"], "Tags": {"CostCentre": 7}, "ChangeDescription": "d"
        })), @r#"
        {
          "name": "c",
          "semanticVersion": "1.0.0",
          "platform": "Linux",
          "data": "x",
          "kmsKeyId": "k",
          "supportedOsVersions": [
            "Amazon Linux 2023"
          ],
          "tags": {
            "CostCentre": "7"
          },
          "changeDescription": "d"
        }
        "#);
        insta::assert_json_snapshot!(converted("AWS::ImageBuilder::ImageRecipe", json!({
            "Name": "r", "Version": "1.0.x", "ParentImage": "ami-1", "WorkingDirectory": "/tmp",
            "Components": [{"ComponentArn": "a", "Parameters": [{"Name": "P", "Value": [1]}]}],
            "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": "30", "Encrypted": "true", "VolumeType": "gp3"}}],
            "AdditionalInstanceConfiguration": {"SystemsManagerAgent": {"UninstallAfterBuild": false}, "UserDataOverride": "IyE="},
            "AmiTags": {"Family": "web"}
        })), @r#"
        {
          "name": "r",
          "semanticVersion": "1.0.x",
          "parentImage": "ami-1",
          "workingDirectory": "/tmp",
          "components": [
            {
              "componentArn": "a",
              "parameters": [
                {
                  "name": "P",
                  "value": [
                    "1"
                  ]
                }
              ]
            }
          ],
          "blockDeviceMappings": [
            {
              "deviceName": "/dev/xvda",
              "ebs": {
                "volumeSize": 30,
                "encrypted": true,
                "volumeType": "gp3"
              }
            }
          ],
          "additionalInstanceConfiguration": {
            "systemsManagerAgent": {
              "uninstallAfterBuild": false
            },
            "userDataOverride": "IyE="
          },
          "amiTags": {
            "Family": "web"
          }
        }
        "#);
        insta::assert_json_snapshot!(converted("AWS::ImageBuilder::DistributionConfiguration", json!({
            "Name": "d", "Distributions": [
                {"Region": "us-west-2", "AmiDistributionConfiguration": {"Name": "n", "AmiTags": {"Family": "web"},
                    "LaunchPermissionConfiguration": {"UserIds": [111122223333_u64], "UserGroups": ["all"]}}},
                {"Region": "eu-west-1", "AmiDistributionConfiguration": {"amiTags": {"family": "web"}, "launchPermission": {"userIds": ["111122223333"]}},
                    "LaunchTemplateConfigurations": [{"LaunchTemplateId": "lt-1", "SetDefaultVersion": "true"}]}
            ]
        })), @r#"
        {
          "name": "d",
          "distributions": [
            {
              "region": "us-west-2",
              "amiDistributionConfiguration": {
                "name": "n",
                "amiTags": {
                  "Family": "web"
                },
                "launchPermission": {
                  "userIds": [
                    "111122223333"
                  ],
                  "userGroups": [
                    "all"
                  ]
                }
              }
            },
            {
              "region": "eu-west-1",
              "amiDistributionConfiguration": {
                "amiTags": {
                  "family": "web"
                },
                "launchPermission": {
                  "userIds": [
                    "111122223333"
                  ]
                }
              },
              "launchTemplateConfigurations": [
                {
                  "launchTemplateId": "lt-1",
                  "setDefaultVersion": true
                }
              ]
            }
          ]
        }
        "#);
    }

    #[test]
    fn the_other_types_are_converted_too() {
        for (kind, properties, expected) in [
            (
                "AWS::ImageBuilder::InfrastructureConfiguration",
                json!({"Name": "i", "InstanceProfileName": "p", "InstanceTypes": ["t3.medium"], "SecurityGroupIds": [],
                    "TerminateInstanceOnFailure": "false", "Logging": {"S3Logs": {"S3BucketName": "b", "S3KeyPrefix": "k"}},
                    "InstanceMetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": "2"},
                    "ResourceTags": {"Team": "x"}, "Placement": {"Tenancy": "host", "HostId": "h-1"}, "SnsTopicArn": "t"}),
                json!({"name": "i", "instanceProfileName": "p", "instanceTypes": ["t3.medium"], "securityGroupIds": [],
                    "terminateInstanceOnFailure": false, "logging": {"s3Logs": {"s3BucketName": "b", "s3KeyPrefix": "k"}},
                    "instanceMetadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 2},
                    "resourceTags": {"Team": "x"}, "placement": {"tenancy": "host", "hostId": "h-1"}, "snsTopicArn": "t"}),
            ),
            (
                "AWS::ImageBuilder::ImagePipeline",
                json!({"Name": "p", "ImageRecipeArn": "r", "InfrastructureConfigurationArn": "i", "Status": "ENABLED",
                    "ImageTestsConfiguration": {"ImageTestsEnabled": "true", "TimeoutMinutes": "60"},
                    "Schedule": {"ScheduleExpression": "rate(1 day)", "PipelineExecutionStartCondition": "EXPRESSION_MATCH_ONLY", "AutoDisablePolicy": {"FailureCount": 3}},
                    "EnhancedImageMetadataEnabled": true, "Description": null}),
                json!({"name": "p", "imageRecipeArn": "r", "infrastructureConfigurationArn": "i", "status": "ENABLED",
                    "imageTestsConfiguration": {"imageTestsEnabled": true, "timeoutMinutes": 60},
                    "schedule": {"scheduleExpression": "rate(1 day)", "pipelineExecutionStartCondition": "EXPRESSION_MATCH_ONLY", "autoDisablePolicy": {"failureCount": 3}},
                    "enhancedImageMetadataEnabled": true}),
            ),
            (
                "AWS::ImageBuilder::ContainerRecipe",
                json!({"Name": "c", "Version": "1.0.0", "ContainerType": "DOCKER", "DockerfileTemplateData": "FROM x",
                    "TargetRepository": {"Service": "ECR", "RepositoryName": "r"},
                    "InstanceConfiguration": {"Image": "ami-1", "BlockDeviceMappings": [{"NoDevice": ""}]}}),
                json!({"name": "c", "semanticVersion": "1.0.0", "containerType": "DOCKER", "dockerfileTemplateData": "FROM x",
                    "targetRepository": {"service": "ECR", "repositoryName": "r"},
                    "instanceConfiguration": {"image": "ami-1", "blockDeviceMappings": [{"noDevice": ""}]}}),
            ),
            (
                "AWS::ImageBuilder::Image",
                json!({"ImageRecipeArn": "r", "InfrastructureConfigurationArn": "i", "DeletionSettings": {"ExecutionRole": "x"}}),
                json!({"imageRecipeArn": "r", "infrastructureConfigurationArn": "i"}),
            ),
        ] {
            assert_eq!(converted(kind, properties), expected, "{kind}");
        }
    }

    #[test]
    fn a_property_that_the_operation_lacks_is_named_by_its_path() {
        let properties = json!({"Name": "p", "Colour": "red", "Schedule": {"Rate": 1}, "ClientToken": "x"});
        let why = input(&making("AWS::ImageBuilder::ImagePipeline").unwrap(), &properties).unwrap_err();
        assert_eq!(why, ["Colour", "Schedule.Rate", "ClientToken"].map(Refusal::unsupported));
    }

    #[test]
    fn the_latest_versions_follow_from_the_arn() {
        let found = attributes("arn:aws:imagebuilder:us-east-1:123456789012:component/c/1.2.3/4");
        assert_eq!(
            found["LatestVersion.Minor"],
            json!("arn:aws:imagebuilder:us-east-1:123456789012:component/c/1.2.x")
        );
        assert_eq!((found.len(), &found["Version"]), (6, &json!("1.2.3")));
        assert_eq!(attributes("arn:aws:imagebuilder:us-east-1:123456789012:image-pipeline/p").len(), 1);
    }

    fn image(status: &str) -> World {
        let document = json!({
            "name": "web", "state": {"status": status, "reason": "the component failed"},
            "outputResources": {"amis": [{"region": "eu-west-1", "image": "ami-2"}, {"region": "us-east-1", "image": "ami-1"}]},
        });
        let Value::Object(document) = document else { unreachable!() };
        let mut world = World::new(Seed(1), chrono::DateTime::UNIX_EPOCH);
        world.imagebuilder.put(Resource {
            kind: Kind::Image,
            arn: ARN.into(),
            region: "us-east-1".into(),
            owner: "123456789012".into(),
            segment: "web".into(),
            version: None,
            build: Some(1),
            made: 0,
            created: chrono::DateTime::UNIX_EPOCH,
            document: document.into(),
        });
        world
    }

    const ARN: &str = "arn:aws:imagebuilder:us-east-1:123456789012:image/web/1.0.0/1";

    #[test]
    fn an_image_is_seen_when_its_build_is_available() {
        assert!(matches!(build(&image("TESTING"), "us-east-1", ARN), Build::Running));
        let Build::Done(made) = build(&image("AVAILABLE"), "us-east-1", ARN) else { panic!("not done") };
        assert_eq!((&made.reference, &made.attributes["ImageId"]), (&json!(ARN), &json!("ami-1")));
        let Build::Failed(why) = build(&image("FAILED"), "us-east-1", ARN) else { panic!("not failed") };
        assert_eq!(why, format!("the image {ARN} is FAILED: the component failed"));
    }
}
