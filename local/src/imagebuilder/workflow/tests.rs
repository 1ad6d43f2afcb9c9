//! How builds find their workflows.

use super::super::fixtures::{ACCOUNT, REGION, arn, context, world};
use super::*;

#[test]
fn wildcards_select_the_newest_of_amazon() {
    let world = world();
    let of = |rest: &str| of(&world, ACCOUNT, REGION, &format!("arn:aws:imagebuilder:{REGION}:aws:workflow/{rest}"));
    let (arn, document) = of("build/build-image/x.x.x").unwrap();
    assert_eq!(arn, format!("arn:aws:imagebuilder:{REGION}:aws:workflow/build/build-image/1.0.3/1"));
    assert_eq!(document.steps.len(), 7);
    for (reference, version) in [("1.0.x", "1.0.2/1"), ("1.0.1", "1.0.1/1"), ("1.0.0/1", "1.0.0/1")] {
        let (arn, _) = of(&format!("test/test-container/{reference}")).unwrap();
        assert!(arn.ends_with(&format!("test/test-container/{version}")), "{arn}");
    }
    for absent in ["build/test-image/x.x.x", "build/build-image/2.x.x", "build/build-image/1.0.0/2", "build/none/x.x.x"]
    {
        assert!(of(absent).is_none(), "{absent}");
    }
    let elsewhere = "arn:aws:imagebuilder:eu-west-1:aws:workflow/build/build-image/x.x.x";
    assert!(super::of(&world, ACCOUNT, REGION, elsewhere).is_none());
}

#[test]
fn an_own_workflow_is_found_by_its_account_alone() {
    let mut world = world();
    let data = "schemaVersion: 1.0\nsteps: [{name: Wait, action: WaitForAction}]";
    let mut make = |name: &str, content: (&str, &str)| {
        let input = json!({"name": name, "semanticVersion": "1.2.0", "type": "TEST", content.0: content.1});
        create_workflow(&mut world, &context(), &input).unwrap();
    };
    make("My Flow", ("data", data));
    make("far", ("uri", "s3://bucket/far.yaml"));
    let any = arn("workflow/test/my-flow/1.x.x");
    let (found, document) = of(&world, ACCOUNT, REGION, &any).unwrap();
    assert_eq!((found, document.steps[0].name.as_str()), (arn("workflow/test/my-flow/1.2.0/1"), "Wait"));
    assert!(of(&world, "111122223333", REGION, &any).is_none());
    assert!(of(&world, ACCOUNT, "eu-west-1", &any).is_none());
    // What isn't read does what Amazon's own does.
    let (_, unread) = of(&world, ACCOUNT, REGION, &arn("workflow/test/far/x.x.x")).unwrap();
    let (_, amazon) =
        of(&world, ACCOUNT, REGION, &arn("workflow/test/test-image/x.x.x").replace(ACCOUNT, "aws")).unwrap();
    assert_eq!(unread, amazon);
}
