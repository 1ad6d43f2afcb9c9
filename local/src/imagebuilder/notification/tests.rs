//! The notifications, in the form that subscribers get.

use super::super::fixtures::*;
use super::*;
use proptest::prelude::*;

#[test]
fn semver_and_dates_are_as_captured() {
    assert_eq!(semver("1.0.0".parse().unwrap(), 3), 1_237_940_039_285_380_274_899_124_227);
    assert_eq!(odd_date("2022-07-28T01:13:45.120Z"), "Jul 28, 2022 1:13:45 AM");
    assert_eq!(odd_date("2022-07-05T12:00:09Z"), "Jul 5, 2022 12:00:09 PM");
}

proptest! {
    #[test]
    fn semver_orders_as_versions_do(a in any::<[u16; 4]>(), b in any::<[u16; 4]>()) {
        let of = |[major, minor, patch, build]: [u16; 4]| {
            semver(Version { major: major.into(), minor: minor.into(), patch: patch.into() }, build.into())
        };
        prop_assert_eq!(of(a).cmp(&of(b)), a.cmp(&b));
    }
}

#[test]
fn amazons_own_get_an_account() {
    let shown = with_real_owners(Seed(1), &json!(["arn:aws:imagebuilder:us-east-1:aws:image/al/1.0.0/1", "aws"]));
    let owner = shown[0].as_str().unwrap().split(':').nth(4).unwrap().to_owned();
    assert!(owner.len() == 12 && owner.bytes().all(|byte| byte.is_ascii_digit()), "{owner}");
    assert_eq!(shown[1], "aws");
}

fn message(fail: bool) -> String {
    let mut world = world();
    put_web(&mut world);
    if fail {
        put_failing_component(&mut world, "broken", "build");
        use_component(&mut world, "broken");
    }
    let pipeline = put_pipeline(&mut world, "web", json!({}));
    let image = start_pipeline(&mut world, &pipeline);
    run(&mut world);
    text(&world, world.imagebuilder.get(&image).unwrap(), ACCOUNT).unwrap()
}

#[test]
fn an_available_build() {
    insta::assert_snapshot!(message(false), @r#"
    {
      "versionlessArn": "arn:aws:imagebuilder:us-east-1:123456789012:image/web-server",
      "semver": 1237940039285380274899124225,
      "arn": "arn:aws:imagebuilder:us-east-1:123456789012:image/web-server/1.0.0/1",
      "name": "Web Server",
      "version": "1.0.0",
      "type": "AMI",
      "buildVersion": 1,
      "state": {
        "status": "AVAILABLE"
      },
      "platform": "Linux",
      "imageRecipe": {
        "arn": "arn:aws:imagebuilder:us-east-1:123456789012:image-recipe/web-server/1.0.0",
        "name": "Web Server",
        "version": "1.0.0",
        "description": "Serves",
        "components": [
          {
            "componentArn": "arn:aws:imagebuilder:us-east-1:123456789012:component/agent/1.0.0/1",
            "parameters": [
              {
                "name": "level",
                "value": [
                  "high"
                ]
              }
            ]
          }
        ],
        "platform": "Linux",
        "parentImage": "arn:aws:imagebuilder:us-east-1:123456789012:image/base/2026.2.1/1",
        "dateCreated": "Mar 2, 2026 12:12:00 AM",
        "tags": {
          "internalId": "0c1508da-00e4-4c78-a86e-ec60675cd320",
          "resourceArn": "arn:aws:imagebuilder:us-east-1:123456789012:image-recipe/web-server/1.0.0"
        },
        "workingDirectory": "/tmp",
        "accountId": "123456789012"
      },
      "sourcePipelineArn": "arn:aws:imagebuilder:us-east-1:123456789012:image-pipeline/web",
      "infrastructureConfiguration": {
        "arn": "arn:aws:imagebuilder:us-east-1:123456789012:infrastructure-configuration/builders",
        "name": "Builders",
        "instanceTypes": [
          "m7g.large"
        ],
        "instanceProfileName": "builders",
        "tags": {
          "internalId": "47434cd2-8517-4b04-a72a-0d4fd6275423",
          "resourceArn": "arn:aws:imagebuilder:us-east-1:123456789012:infrastructure-configuration/builders"
        },
        "terminateInstanceOnFailure": true,
        "snsTopicArn": "arn:aws:sns:us-east-1:123456789012:builds",
        "dateCreated": "Mar 2, 2026 12:12:00 AM",
        "accountId": "123456789012"
      },
      "imageTestsConfigurationDocument": {
        "imageTestsEnabled": true,
        "timeoutMinutes": 720
      },
      "distributionConfiguration": {
        "arn": "arn:aws:imagebuilder:us-east-1:123456789012:distribution-configuration/two",
        "name": "Two",
        "dateCreated": "Mar 2, 2026 12:12:00 AM",
        "distributions": [
          {
            "region": "us-east-1",
            "amiDistributionConfiguration": {}
          },
          {
            "region": "eu-west-1",
            "amiDistributionConfiguration": {
              "name": "web {{ imagebuilder:buildDate }}",
              "description": "For Europe",
              "amiTags": {
                "Role": "web"
              },
              "launchPermission": {
                "userIds": [
                  "111122223333"
                ]
              },
              "targetAccountIds": [
                "123456789012",
                "111122223333"
              ]
            }
          }
        ],
        "tags": {
          "internalId": "d56dff52-0a74-4d6c-a66a-89acc449856e",
          "resourceArn": "arn:aws:imagebuilder:us-east-1:123456789012:distribution-configuration/two"
        },
        "accountId": "123456789012"
      },
      "dateCreated": "Mar 2, 2026 12:12:00 AM",
      "outputResources": {
        "amis": [
          {
            "region": "us-east-1",
            "image": "ami-351ce12d4114c3e9e",
            "name": "Web Server 2026-03-02T00-12-12.655Z",
            "description": "Serves",
            "accountId": "123456789012"
          },
          {
            "region": "eu-west-1",
            "image": "ami-de65cd3b08f7a0229",
            "name": "web 2026-03-02T00-12-12.655Z",
            "description": "For Europe",
            "accountId": "123456789012"
          },
          {
            "region": "eu-west-1",
            "image": "ami-45772e43885729243",
            "name": "web 2026-03-02T00-12-12.655Z",
            "description": "For Europe",
            "accountId": "111122223333"
          }
        ]
      },
      "buildExecutionId": "f27a5558-a965-4ea3-ac44-a752d1fe0447",
      "testExecutionId": "883ace82-7a2c-46e2-baf9-67738b89ef33",
      "distributionJobId": "33962179-0f9d-4648-a148-a74fd56dbdcd",
      "integrationJobId": "462a6e0b-66b9-4429-afc8-f31276d7af64",
      "accountId": "123456789012",
      "osVersion": "Amazon Linux 2023",
      "enhancedImageMetadataEnabled": true,
      "buildType": "USER_INITIATED",
      "tags": {
        "internalId": "51cf6a08-a60a-4523-8edd-a66b6909cbab",
        "resourceArn": "arn:aws:imagebuilder:us-east-1:123456789012:image/web-server/1.0.0/1"
      }
    }
    "#);
}

#[test]
fn a_failed_build() {
    insta::assert_snapshot!(message(true), @r#"
    {
      "versionlessArn": "arn:aws:imagebuilder:us-east-1:123456789012:image/web-server",
      "semver": 1237940039285380274899124225,
      "arn": "arn:aws:imagebuilder:us-east-1:123456789012:image/web-server/1.0.0/1",
      "name": "Web Server",
      "version": "1.0.0",
      "type": "AMI",
      "buildVersion": 1,
      "state": {
        "status": "FAILED",
        "reason": "SSM execution 'ba7f1ba2-e35a-4a94-9049-0c378ea90143' failed with status = 'Failed' in state = 'BUILDING' and failure message = 'Step fails when it is verifying the command has completed. Command 0dc3ec68-6ec2-4203-a4fd-52b0e5592f64 returns unexpected invocation result: \n{Status=[Failed], ResponseCode=[1], Output=[\n----------ERROR-------\nfailed to run commands: exit status 1], OutputPayload=[{\"Status\":\"Failed\",\"ResponseCode\":1,\"Output\":\"\\n----------ERROR-------\\nfailed to run commands: exit status 1\",\"CommandId\":\"0dc3ec68-6ec2-4203-a4fd-52b0e5592f64\"}], CommandId=[0dc3ec68-6ec2-4203-a4fd-52b0e5592f64]}. Please refer to Automation Service Troubleshooting Guide for more diagnosis details.'"
      },
      "platform": "Linux",
      "imageRecipe": {
        "arn": "arn:aws:imagebuilder:us-east-1:123456789012:image-recipe/web-server/1.0.0",
        "name": "Web Server",
        "version": "1.0.0",
        "description": "Serves",
        "components": [
          {
            "componentArn": "arn:aws:imagebuilder:us-east-1:123456789012:component/broken/1.0.0/1"
          }
        ],
        "platform": "Linux",
        "parentImage": "arn:aws:imagebuilder:us-east-1:123456789012:image/base/2026.2.1/1",
        "dateCreated": "Mar 2, 2026 12:12:00 AM",
        "tags": {
          "internalId": "0c1508da-00e4-4c78-a86e-ec60675cd320",
          "resourceArn": "arn:aws:imagebuilder:us-east-1:123456789012:image-recipe/web-server/1.0.0"
        },
        "workingDirectory": "/tmp",
        "accountId": "123456789012"
      },
      "sourcePipelineArn": "arn:aws:imagebuilder:us-east-1:123456789012:image-pipeline/web",
      "infrastructureConfiguration": {
        "arn": "arn:aws:imagebuilder:us-east-1:123456789012:infrastructure-configuration/builders",
        "name": "Builders",
        "instanceTypes": [
          "m7g.large"
        ],
        "instanceProfileName": "builders",
        "tags": {
          "internalId": "47434cd2-8517-4b04-a72a-0d4fd6275423",
          "resourceArn": "arn:aws:imagebuilder:us-east-1:123456789012:infrastructure-configuration/builders"
        },
        "terminateInstanceOnFailure": true,
        "snsTopicArn": "arn:aws:sns:us-east-1:123456789012:builds",
        "dateCreated": "Mar 2, 2026 12:12:00 AM",
        "accountId": "123456789012"
      },
      "imageTestsConfigurationDocument": {
        "imageTestsEnabled": true,
        "timeoutMinutes": 720
      },
      "distributionConfiguration": {
        "arn": "arn:aws:imagebuilder:us-east-1:123456789012:distribution-configuration/two",
        "name": "Two",
        "dateCreated": "Mar 2, 2026 12:12:00 AM",
        "distributions": [
          {
            "region": "us-east-1",
            "amiDistributionConfiguration": {}
          },
          {
            "region": "eu-west-1",
            "amiDistributionConfiguration": {
              "name": "web {{ imagebuilder:buildDate }}",
              "description": "For Europe",
              "amiTags": {
                "Role": "web"
              },
              "launchPermission": {
                "userIds": [
                  "111122223333"
                ]
              },
              "targetAccountIds": [
                "123456789012",
                "111122223333"
              ]
            }
          }
        ],
        "tags": {
          "internalId": "d56dff52-0a74-4d6c-a66a-89acc449856e",
          "resourceArn": "arn:aws:imagebuilder:us-east-1:123456789012:distribution-configuration/two"
        },
        "accountId": "123456789012"
      },
      "dateCreated": "Mar 2, 2026 12:12:00 AM",
      "outputResources": {
        "amis": []
      },
      "accountId": "123456789012",
      "enhancedImageMetadataEnabled": true,
      "buildType": "USER_INITIATED",
      "tags": {
        "internalId": "51cf6a08-a60a-4523-8edd-a66b6909cbab",
        "resourceArn": "arn:aws:imagebuilder:us-east-1:123456789012:image/web-server/1.0.0/1"
      }
    }
    "#);
}
