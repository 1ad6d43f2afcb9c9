//! Names and ARNs.

use super::store::Kind;
use serde_json::{Value, json};
use shared::version::Version;

/// A name as it stands in ARNs: lower case, spaces and underscores as dashes. Names that differ in nothing
/// else collide.
pub fn segment(name: &str) -> String {
    name.to_lowercase().replace([' ', '_'], "-")
}

/// The ARN of what has no version, and the beginning of what has.
pub fn arn(kind: Kind, region: &str, owner: &str, segment: &str) -> String {
    format!("arn:aws:imagebuilder:{region}:{owner}:{}/{segment}", kind.segment())
}

/// The ARNs that select the newest of a resource: of all versions, of its major and minor version, and of
/// its version itself. `base` is the ARN without version.
pub fn latest_references(base: &str, version: Version) -> Value {
    let Version { major, minor, .. } = version;
    json!({
        "latestVersionArn": format!("{base}/x.x.x"),
        "latestMajorVersionArn": format!("{base}/{major}.x.x"),
        "latestMinorVersionArn": format!("{base}/{major}.{minor}.x"),
        "latestPatchVersionArn": format!("{base}/{version}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_a_segment() {
        for (name, expected) in [
            ("arcgis_build_infrastructure", "arcgis-build-infrastructure"),
            ("My Web Server", "my-web-server"),
            ("a-1", "a-1"),
        ] {
            assert_eq!(segment(name), expected);
        }
    }
}
