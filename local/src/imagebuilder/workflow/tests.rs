//! Which documents are read, and how workflows are selected.

use super::super::fixtures::{ACCOUNT, REGION, world};
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
