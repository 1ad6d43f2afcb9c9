//! Stacks of users' own.

use crate::harness::{goldsmith_local, own_stack, text};

#[tokio::test]
async fn what_is_not_known_is_named_with_file_and_line() {
    let stack = own_stack("unknown.yaml");
    let output = goldsmith_local(&["run", "--stack", stack.to_str().unwrap()]).await;
    assert!(!output.status.success());
    let error = text(&output.stderr);
    assert!(error.contains("unknown.yaml:4") && error.contains("AWS::Pond::Duck"), "{error}");
    assert!(error.contains("unknown.yaml:9") && error.contains("Quack"), "{error}");
}

#[tokio::test]
async fn a_build_that_nobody_hears_of_is_a_disagreement_until_the_sweep_publishes_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("silent.yaml");
    let text_of = std::fs::read_to_string(own_stack("one-image.yaml")).unwrap();
    let silent = text_of.replace("      SnsTopicArn: !ImportValue goldsmith-BuildNotificationsTopicArn\n", "").replace(
        "      ImageRecipeArn: !Ref Recipe\n",
        "      ImageRecipeArn: !Ref Recipe\n      Schedule: { ScheduleExpression: rate(1 day) }\n",
    );
    std::fs::write(&file, silent).unwrap();
    let run = ["run", "--stack", file.to_str().unwrap(), "--days", "2"];
    let output = goldsmith_local(&[&run[..], &["--parameter", "PublishSweepState=DISABLED"]].concat()).await;
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}\n{}", text(&output.stderr));
    assert!(printed.contains("DISAGREES"), "{printed}");
    assert!(printed.contains("no snsTopicArn"), "{printed}");
    let healed = goldsmith_local(&run).await;
    assert!(healed.status.success(), "{}", text(&healed.stdout));
}

#[tokio::test]
async fn stacks_deploy_in_another_region() {
    let on_schedule = std::fs::read_to_string(own_stack("one-image.yaml")).unwrap().replace(
        "      ImageRecipeArn: !Ref Recipe\n",
        "      ImageRecipeArn: !Ref Recipe\n      Schedule: { ScheduleExpression: rate(1 day) }\n",
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("one-image.yaml");
    std::fs::write(&file, on_schedule.replace("us-east-1", "eu-central-1")).unwrap();
    let arguments = ["run", "--region", "eu-central-1", "--days", "2", "--stack", file.to_str().unwrap()];
    let output = goldsmith_local(&arguments).await;
    let printed = text(&output.stdout);
    assert!(output.status.success(), "{printed}\n{}", text(&output.stderr));
    assert!(printed.contains("one     1.0.0/1        eu-central-1  ami-"), "{printed}");
}

#[tokio::test]
async fn stacks_deploy_in_the_order_given() {
    let folder = tempfile::tempdir().unwrap();
    let first = folder.path().join("first.yaml");
    std::fs::write(
        &first,
        "Resources:\n  Topic: { Type: AWS::SNS::Topic }\nOutputs:\n  Arn: { Value: !Ref Topic, Export: { Name: shared-topic } }\n",
    )
    .unwrap();
    let second = folder.path().join("second.yaml");
    std::fs::write(
        &second,
        "Resources:\n  Parameter:\n    Type: AWS::SSM::Parameter\n    Properties: { Name: /topic, Type: String, Value: !ImportValue shared-topic }\n",
    )
    .unwrap();
    let both = |a: &std::path::Path, b: &std::path::Path| {
        let arguments = ["run", "--days", "1", "--stack", a.to_str().unwrap(), "--stack", b.to_str().unwrap()];
        let arguments = arguments.map(str::to_owned);
        async move { goldsmith_local(&arguments.each_ref().map(String::as_str)).await }
    };
    let right = both(&first, &second).await;
    assert!(right.status.success(), "{}", text(&right.stderr));
    let wrong = both(&second, &first).await;
    assert!(!wrong.status.success());
    assert!(text(&wrong.stderr).contains("shared-topic"), "{}", text(&wrong.stderr));
}

#[tokio::test]
async fn a_stack_deploys_in_the_account_behind_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("theirs.yaml");
    std::fs::write(&file, "Resources:\n  Topic: { Type: AWS::SNS::Topic, Properties: { TopicName: theirs } }\n")
        .unwrap();
    let (file, json) = (file.to_str().unwrap().to_owned(), folder.path().join("run.json"));
    let run = async |stack: String| {
        let arguments = ["run", "--days", "1", "--json", json.to_str().unwrap(), "--stack", &stack];
        goldsmith_local(&arguments).await
    };
    // The same stack in two accounts, for their names don't meet.
    let both =
        ["run", "--days", "1", "--stack", &format!("{file}@111122223333"), "--stack", &format!("{file}@444455556666")];
    let output = goldsmith_local(&both).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout).matches("deployed      theirs").count(), 2);
    for wrong in ["12", "11112222333x", ""] {
        let output = run(format!("{file}@{wrong}")).await;
        assert!(!output.status.success());
        assert!(text(&output.stderr).contains("expected an account ID of 12 digits"), "{}", text(&output.stderr));
    }
}
