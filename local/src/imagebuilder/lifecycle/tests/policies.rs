//! Policies in a world, day by day.

use super::super::execution::running;
use super::*;

/// A policy of the builds of `web-server`.
pub(super) fn policy(world: &mut World, details: Value) -> String {
    let input = json!({
        "name": "Keep It", "executionRole": "lifecycle", "resourceType": "AMI_IMAGE", "policyDetails": details,
        "resourceSelection": {"recipes": [{"name": "Web Server", "semanticVersion": "1.x.x"}]},
    });
    ok(world, "CreateLifecyclePolicy", input)["lifecyclePolicyArn"].as_str().unwrap().to_owned()
}

/// A policy's one rule: delete all but the newest.
pub(super) fn count(keep: u32) -> Value {
    json!([{
        "action": {"type": "DELETE", "includeResources": {"amis": true, "snapshots": true}},
        "filter": {"type": "COUNT", "value": keep},
    }])
}

#[test]
fn a_policy_runs_once_a_day_and_keeps_the_newest() {
    let (mut world, first) = built();
    let pipeline = arn("image-pipeline/web");
    let second = start_pipeline(&mut world, &pipeline);
    run(&mut world);
    let policy = policy(&mut world, count(1));
    pass(&mut world, TimeDelta::hours(25));
    assert_eq!((status(&world, &first).as_str(), status(&world, &second).as_str()), ("gone", "AVAILABLE"));
    let listed = ok(&mut world, "ListLifecycleExecutions", json!({"resourceArn": policy}));
    let runs = listed["lifecycleExecutions"].as_array().unwrap();
    let acted: Vec<_> =
        runs.iter().filter(|run| run["resourcesImpactedSummary"]["hasImpactedResources"] == true).collect();
    assert_eq!((acted.len(), &acted[0]["lifecyclePolicyArn"]), (1, &json!(policy)));
    let id = acted[0]["lifecycleExecutionId"].as_str().unwrap();
    let images = resources(&mut world, id, None);
    assert_eq!(images[0]["resourceId"], json!(first));
    assert_eq!(images[0]["action"], json!({"name": "DELETE", "reason": "The image isn't one of the newest 1."}));
    let before = runs.len();
    pass(&mut world, TimeDelta::days(3));
    let listed = ok(&mut world, "ListLifecycleExecutions", json!({"resourceArn": policy}));
    let starts: Vec<_> = listed["lifecycleExecutions"].as_array().unwrap().iter().collect();
    assert_eq!(starts.len(), before + 3);
    let gap = starts[0]["startTime"].as_f64().unwrap() - starts[1]["startTime"].as_f64().unwrap();
    assert!((gap - 86_400.0).abs() < 1.0, "{gap}");
    let document =
        ok(&mut world, "GetLifecyclePolicy", json!({"lifecyclePolicyArn": policy}))["lifecyclePolicy"].clone();
    assert_eq!(document["dateLastRun"], starts[0]["startTime"]);
}

#[test]
fn to_disable_or_delete_a_policy_cancels_what_it_runs() {
    for delete in [false, true] {
        let (mut world, image) = built();
        start_pipeline(&mut world, &arn("image-pipeline/web"));
        run(&mut world);
        let policy = policy(&mut world, count(1));
        while running(&world, &policy).is_none() {
            let limit = world.now + TimeDelta::days(2);
            world.step(limit).unwrap();
        }
        let id = running(&world, &policy).unwrap().id.clone();
        // What runs for the policy keeps its image from others.
        let input = json!({"resourceArn": image, "state": {"status": "DISABLED"}});
        let error = call(&mut world, "StartResourceStateUpdate", input).unwrap_err();
        assert_eq!(error.code, "ResourceInUseException");
        if delete {
            ok(&mut world, "DeleteLifecyclePolicy", json!({"lifecyclePolicyArn": policy}));
        } else {
            let mut input = ok(&mut world, "GetLifecyclePolicy", json!({"lifecyclePolicyArn": policy}));
            input = input["lifecyclePolicy"].take();
            input["lifecyclePolicyArn"] = policy.as_str().into();
            input["status"] = "DISABLED".into();
            ok(&mut world, "UpdateLifecyclePolicy", input);
        }
        pass(&mut world, TimeDelta::days(3));
        assert_eq!(execution(&mut world, &id)["state"]["status"], "CANCELLED");
        assert_eq!(status(&world, &image), "AVAILABLE");
        let listed = ok(&mut world, "ListLifecycleExecutions", json!({"resourceArn": policy}));
        assert_eq!(listed["lifecycleExecutions"].as_array().unwrap().len(), 1, "no further run");
    }
}

#[test]
fn tags_select_images_and_container_images_are_a_policy_of_their_own() {
    let (mut world, image) = built();
    let container = {
        put_image(&mut world, "tools", "1.0.0", 1, "AVAILABLE");
        let arn = arn("image/tools/1.0.0/1");
        let document = &mut world.imagebuilder.get_mut(&arn).unwrap().document;
        document.insert("type", "DOCKER".into());
        document.insert("tags", json!({"from": "request"}));
        let uri = "123456789012.dkr.ecr.us-east-1.amazonaws.com/tools:1.0.0-1";
        document.insert("outputResources", json!({"containers": [{"region": REGION, "imageUris": [uri]}]}));
        arn
    };
    let input = json!({
        "name": "containers", "executionRole": "lifecycle", "resourceType": "CONTAINER_IMAGE",
        "policyDetails": [{
            "action": {"type": "DELETE", "includeResources": {"containers": true}},
            "filter": {"type": "AGE", "value": 1, "unit": "DAYS"},
        }],
        "resourceSelection": {"tagMap": {"other": "x", "from": "request"}},
    });
    let policy = ok(&mut world, "CreateLifecyclePolicy", input)["lifecyclePolicyArn"].clone();
    pass(&mut world, TimeDelta::days(3));
    assert_eq!((status(&world, &image).as_str(), status(&world, &container).as_str()), ("AVAILABLE", "gone"));
    let listed = ok(&mut world, "ListLifecycleExecutions", json!({"resourceArn": container}));
    assert_eq!(listed["lifecycleExecutions"][0]["lifecyclePolicyArn"], policy);
    let id = listed["lifecycleExecutions"][0]["lifecycleExecutionId"].as_str().unwrap();
    let parts = resources(&mut world, id, Some(&container));
    assert_eq!(parts[0]["imageUris"], json!(["123456789012.dkr.ecr.us-east-1.amazonaws.com/tools:1.0.0-1"]));
    assert_eq!(parts[0]["resourceId"], "123456789012.dkr.ecr.us-east-1.amazonaws.com/tools");
}
