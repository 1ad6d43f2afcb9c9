//! What stacks that people publish have in them beyond the ordinary.

use super::*;

/// What the warnings say.
fn warnings(world: &World) -> Vec<&str> {
    world
        .journal
        .entries()
        .iter()
        .filter(|entry| entry.kind == Kind::Warning)
        .map(|entry| entry.detail.as_str())
        .collect()
}

/// What CDK puts into every template that it makes.
const BOOTSTRAP: &str = "
Parameters:
  BootstrapVersion: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /cdk-bootstrap/hnb659fds/version}
Rules:
  CheckBootstrapVersion:
    Assertions:
      - Assert: {'Fn::Not': [{'Fn::Contains': [['1', '2'], !Ref BootstrapVersion]}]}
        AssertDescription: bootstrap anew
Resources:
  Topic: {Type: AWS::SNS::Topic}
Outputs:
  Version: {Value: !Ref BootstrapVersion}
";

#[test]
fn a_default_that_parameter_store_lacks_is_made_up_for_and_said() {
    let mut world = world();
    let summary = deploy(&mut world, BOOTSTRAP, &[]).unwrap();
    assert_eq!(summary.outputs["Version"], "1.0.0");
    let said = "stacks/t.yaml:3: the parameter BootstrapVersion is /cdk-bootstrap/hnb659fds/version, which Parameter \
                Store doesn't have: 1.0.0 was made up for it";
    assert_eq!(warnings(&world), [said]);
    let error = deploy(&mut world, BOOTSTRAP, &[("BootstrapVersion", "/mistyped")]).unwrap_err().to_string();
    assert!(error.contains("/mistyped can't be read from Parameter Store"), "{error}");
}

#[test]
fn what_has_no_effect_here_deploys_and_is_named_with_its_place() {
    let mut world = world();
    let text = "
Resources:
  Keep:
    Type: AWS::ImageBuilder::LifecyclePolicy
    Properties:
      Name: keep
      ExecutionRole: r
      ResourceType: AMI_IMAGE
      Status: DISABLED
      PolicyDetails:
        - Action: {Type: DELETE, IncludeResources: {Amis: true, Snapshots: 'true'}}
          Filter: {Type: COUNT, Value: '3'}
          ExclusionRules: {Amis: {IsPublic: true, LastLaunched: {Unit: WEEKS, Value: 2}, TagMap: {Keep: 'yes'}}}
      ResourceSelection: {Recipes: [{Name: web, SemanticVersion: 1.x.x}]}
      Tags: {Team: edge}
  Empty:
    Type: Custom::EmptyBucket
    DependsOn: Keep
    Properties: {ServiceToken: 'arn:aws:lambda:us-east-1:123456789012:function:empty'}
Outputs:
  Keep: {Value: !GetAtt Keep.Arn}
";
    let summary = deploy(&mut world, text, &[]).unwrap();
    assert_eq!(summary.outputs["Keep"], "arn:aws:imagebuilder:us-east-1:123456789012:lifecycle-policy/keep");
    assert_eq!(summary.no_part, [""; 0]);
    assert_eq!(
        warnings(&world),
        [
            "stacks/t.yaml:16: Empty (Custom::EmptyBucket): no function is called for a custom resource here: has no effect",
        ]
    );
    let policy = world.imagebuilder.get(&summary.outputs["Keep"]).unwrap();
    assert_eq!(policy.document["status"], "DISABLED");
    assert_eq!(policy.document["policyDetails"][0]["exclusionRules"]["amis"]["tagMap"], json!({"Keep": "yes"}));
    let error = deploy(&mut world, &text.replace("Name: keep", "Name: keep\n      Colour: red"), &[]).unwrap_err();
    assert!(error.to_string().contains(": Keep") && error.to_string().contains("Colour"), "{error}");
}

/// A workflow that is written in its template, and one whose document lies in S3.
const FLOWS: &str = "
Resources:
  Flow:
    Type: AWS::ImageBuilder::Workflow
    Properties:
      Name: My Flow
      Type: TEST
      Version: 2.1.0
      Tags: {team: edge}
      Data: |
        schemaVersion: 1.0
        steps:
          - name: Approve
            action: WaitForAction
  Far:
    Type: AWS::ImageBuilder::Workflow
    Properties: {Name: far, Type: BUILD, Version: 1.0.0, Uri: 's3://bucket/flow.yaml'}
Outputs:
  Flow: {Value: !Ref Flow}
  Arn: {Value: !GetAtt Flow.Arn}
  Latest: {Value: !GetAtt Flow.LatestVersion.Arn}
  Major: {Value: !GetAtt Flow.LatestVersion.Major}
  Minor: {Value: !GetAtt Flow.LatestVersion.Minor}
  Patch: {Value: !GetAtt Flow.LatestVersion.Patch}
  Far: {Value: !Ref Far}
";

#[test]
fn workflows_are_made_and_referred_to() {
    let mut world = world();
    let summary = deploy(&mut world, FLOWS, &[]).unwrap();
    let base = "arn:aws:imagebuilder:us-east-1:123456789012:workflow";
    for (output, expected) in [
        ("Flow", "test/my-flow/2.1.0/1"),
        ("Arn", "test/my-flow/2.1.0/1"),
        ("Latest", "test/my-flow/x.x.x"),
        ("Major", "test/my-flow/2.x.x"),
        ("Minor", "test/my-flow/2.1.x"),
        ("Patch", "test/my-flow/2.1.0"),
        ("Far", "build/far/1.0.0/1"),
    ] {
        assert_eq!(summary.outputs[output], format!("{base}/{expected}"), "{output}");
    }
    let flow = world.imagebuilder.get(&summary.outputs["Flow"]).unwrap();
    assert_eq!(flow.document["tags"]["team"], "edge");
    let said = warnings(&world).join("\n");
    assert!(said.contains("s3://bucket/flow.yaml isn't read"), "{said}");
    let error = deploy(&mut self::world(), &FLOWS.replace("WaitForAction", "Wait"), &[]).unwrap_err().to_string();
    assert!(error.contains("Flow") && error.contains("Line 3: The step \"Approve\" has the unknown action"), "{error}");
}

/// A recipe whose contents lie in S3, its pipeline, and an image by the pipeline.
const BY_PIPELINE: &str = "
Resources:
  Agent: {Type: AWS::ImageBuilder::Component, Properties: {Name: agent, Version: 1.0.0, Platform: Linux, Uri: 's3://bucket/agent.yaml'}}
  Recipe:
    Type: AWS::ImageBuilder::ImageRecipe
    Properties:
      Name: web
      Version: 1.2.x
      ParentImage: ami-0123456789abcdef0
      Components: [{ComponentArn: !Ref Agent, Parameters: [{Name: Size, Value: [big]}]}]
  Builds: {Type: AWS::SNS::Topic}
  Infrastructure:
    Type: AWS::ImageBuilder::InfrastructureConfiguration
    Properties: {Name: web, InstanceProfileName: p, SNSTopicArn: !Ref Builds}
  Pipeline:
    Type: AWS::ImageBuilder::ImagePipeline
    Properties: {Name: web, ImageRecipeArn: !Ref Recipe, InfrastructureConfigurationArn: !Ref Infrastructure}
  Image:
    Type: AWS::ImageBuilder::Image
    Properties: {ImagePipelineExecutionSettings: {DeploymentId: !GetAtt Pipeline.DeploymentId, OnUpdate: true}, Tags: {a: b}}
Outputs:
  Version: {Value: !GetAtt Recipe.Version}
  Image: {Value: !Ref Image}
";

#[test]
fn an_image_can_be_an_execution_of_a_pipeline() {
    let mut world = world();
    let mut deployment = deployment(BY_PIPELINE, &[]).unwrap();
    let Progress::Waiting { image_arn } = deployment.advance(&mut world).unwrap() else {
        panic!("nothing to wait for")
    };
    assert_eq!(image_arn, "arn:aws:imagebuilder:us-east-1:123456789012:image/web/1.2.0/1");
    let image = world.imagebuilder.get_mut(&image_arn).unwrap();
    assert_eq!(image.text("sourcePipelineArn"), Some("arn:aws:imagebuilder:us-east-1:123456789012:image-pipeline/web"));
    assert_eq!(image.document["tags"], json!({"a": "b"}));
    assert!(image.document["infrastructureConfiguration"]["snsTopicArn"].is_string(), "{:?}", image.document);
    image.document.insert("state", json!({"status": "AVAILABLE"}));
    let Progress::Done(summary) = deployment.advance(&mut world).unwrap() else { panic!("still waiting") };
    assert_eq!((summary.outputs["Version"].as_str(), &summary.outputs["Image"]), ("1.2.0", &image_arn));
    assert!(
        warnings(&world).iter().any(|said| said.starts_with("its document s3://bucket/agent.yaml isn't read locally"))
    );
}

#[test]
fn an_execution_needs_a_pipeline_of_its_deployment() {
    let text = BY_PIPELINE.replace("!GetAtt Pipeline.DeploymentId", "elsewhere");
    let error = deploy(&mut world(), &text, &[]).unwrap_err().to_string();
    assert_eq!(error, "stacks/t.yaml:20: Image (AWS::ImageBuilder::Image): no pipeline has the DeploymentId elsewhere");
}

#[test]
fn a_refusal_of_a_made_up_value_names_its_parameter() {
    let text = "
Parameters: {Document: {Type: String}, Fine: {Type: String, Default: Linux}}
Resources:
  Agent: {Type: AWS::ImageBuilder::Component, Properties: {Name: agent, Version: 1.0.0, Platform: !Ref Fine, Data: !Ref Document}}
";
    let error = deploy(&mut world(), text, &[]).unwrap_err().to_string();
    let hint = "(made up, since no value is given: Document; give yours with --parameter Document=VALUE)";
    assert!(error.ends_with(hint), "{error}");
    let error = deploy(&mut world(), text, &[("Document", "no mapping")]).unwrap_err().to_string();
    assert!(!error.contains("made up"), "{error}");
}
