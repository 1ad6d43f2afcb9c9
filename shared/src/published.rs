//! What is published: the history of a family's parameter as data, and the labels that carry meaning there.
//!
//! Parameter Store keeps the 100 newest versions of a parameter. A label lies on one version at a time, a version has at
//! most ten, <https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-labels.html>.

use crate::arn::ImageBuildArn;
use crate::version::Version;
use aws_sdk_imagebuilder::primitives::DateTime;
use std::collections::BTreeSet;

/// On the version whose build was announced last, in the announcement's own place.
pub const ANNOUNCED: &str = "announced";

/// While a version carries it, no notification and no sweep moves the parameter: somebody rolled back.
pub const HOLD: &str = "hold";

/// The name of the parameter's newest version, which needs no label and can't be one.
pub const LATEST: &str = "latest";

/// How many labels a version can have.
pub const MOST_LABELS: usize = 10;

/// How many versions a parameter can have.
pub const MOST_VERSIONS: usize = 100;

/// One version of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The version, from 1.
    pub version: i64,
    /// The build that the description names; none for what somebody else wrote.
    pub build: Option<ImageBuildArn>,
    /// The AMI, or a container's image URIs.
    pub value: String,
    /// Its labels.
    pub labels: BTreeSet<String>,
    /// What stands in the description, a build's ARN for a version of ours.
    pub description: Option<String>,
    /// When the version was written, as Parameter Store says.
    pub modified: Option<DateTime>,
}

impl Published {
    /// Whether the version carries a label.
    pub fn has(&self, label: &str) -> bool {
        self.labels.contains(label)
    }
}

/// The label that says which build a version holds: `v1.2.0-3`.
pub fn build_label(build: &ImageBuildArn) -> String {
    format!("v{}-{}", build.version, build.build)
}

/// Whether a label is one of [`build_label`].
pub fn is_build_label(label: &str) -> bool {
    let parts = label.strip_prefix('v').and_then(|text| text.rsplit_once('-'));
    parts.is_some_and(|(version, build)| {
        version.parse::<Version>().is_ok() && !build.is_empty() && build.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// On the version where a channel was before: `prod-previous`.
pub fn previous(channel: &str) -> String {
    format!("{channel}-previous")
}

/// While a version carries it, no rule moves the channel: `prod-hold`.
pub fn channel_hold(channel: &str) -> String {
    format!("{channel}-hold")
}

/// What a channel may be called: a label of Parameter Store that means nothing else here, and whose companions are
/// labels too.
pub const CHANNEL_NAME: &str = "1 to 91 letters, digits, dots, hyphens and underscores, not beginning with a digit, \
     aws or ssm, not ending with -previous or -hold, and not announced, hold, latest or a build such as v1.2.0-3";

/// Whether a channel may be called so.
pub fn is_channel_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    // The longest companion, `-previous`, has to fit into the 100 characters of a label.
    (1..=91).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && !["aws", "ssm"].iter().any(|reserved| lower.starts_with(reserved))
        && ![ANNOUNCED, HOLD, LATEST].contains(&lower.as_str())
        && !["-previous", "-hold"].iter().any(|ending| lower.ends_with(ending))
        && !is_build_label(&lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_has_a_label_that_parameter_store_takes() {
        let arn: ImageBuildArn = "arn:aws:imagebuilder:us-east-1:123456789012:image/web/1.20.3/14".parse().unwrap();
        assert_eq!(build_label(&arn), "v1.20.3-14");
        assert!(is_build_label("v1.20.3-14"));
        for other in ["v1.20.3", "v1.20-3", "v1.2.3-", "v1.2.3-x", "1.2.3-4", "vx.x.x-1", "prod"] {
            assert!(!is_build_label(other), "{other}");
        }
    }

    #[test]
    fn channels_are_labels_that_mean_nothing_else() {
        for name in ["prod", "Prod.eu-1", "_x", "v2", "latest-stable", "hold-me", &"a".repeat(91)] {
            assert!(is_channel_name(name), "{name}");
        }
        for name in [
            "",
            "1st",
            "a b",
            "ä",
            "awsome",
            "SSM-x",
            "announced",
            "hold",
            "Latest",
            "prod-hold",
            "prod-previous",
            "v1.2.0-3",
            &"a".repeat(92),
        ] {
            assert!(!is_channel_name(name), "{name}");
        }
    }
}
