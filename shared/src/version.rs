//! Semantic versions of Image Builder and the wildcards that select among them.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The highest value of a node; above it the service answers `InvalidVersionNumberException`.
pub const MAX_NODE: u32 = (1 << 30) - 1;

/// `major.minor.patch`, ordered node by node as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version {
    /// First node.
    pub major: u32,
    /// Second node.
    pub minor: u32,
    /// Third node.
    pub patch: u32,
}

/// `1.2.3`, or with trailing wildcards `1.2.x`, `1.x.x`, `x.x.x`. `x.2.x` and `1.x.8` are no patterns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VersionPattern {
    nodes: [Option<u32>; 3],
}

/// Text that is neither a version nor, where allowed, a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} isn't a version: expected {1}")]
pub struct BadVersion(String, &'static str);

fn node(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|value| digits && *value <= MAX_NODE)
}

impl FromStr for Version {
    type Err = BadVersion;

    fn from_str(text: &str) -> Result<Self, BadVersion> {
        let pattern: VersionPattern =
            text.parse().map_err(|_| BadVersion(text.to_owned(), "three numbers up to 1073741823"))?;
        pattern.exact().ok_or_else(|| BadVersion(text.to_owned(), "three numbers without wildcard"))
    }
}

impl FromStr for VersionPattern {
    type Err = BadVersion;

    fn from_str(text: &str) -> Result<Self, BadVersion> {
        let bad = || BadVersion(text.to_owned(), "major.minor.patch, wildcards x at the end only");
        let mut nodes = [None; 3];
        let mut parts = text.split('.');
        for slot in &mut nodes {
            let part = parts.next().ok_or_else(bad)?;
            *slot = if part == "x" { None } else { Some(node(part).ok_or_else(bad)?) };
        }
        let wildcards_trail = nodes.windows(2).all(|pair| pair[0].is_some() || pair[1].is_none());
        if parts.next().is_some() || !wildcards_trail { Err(bad()) } else { Ok(Self { nodes }) }
    }
}

impl VersionPattern {
    /// Whether the pattern selects this version.
    pub fn matches(&self, version: Version) -> bool {
        let nodes = [version.major, version.minor, version.patch];
        self.nodes.iter().zip(nodes).all(|(pattern, node)| pattern.is_none_or(|wanted| wanted == node))
    }

    /// The one version that a pattern without wildcard selects.
    pub fn exact(&self) -> Option<Version> {
        let [Some(major), Some(minor), Some(patch)] = self.nodes else { return None };
        Some(Version { major, minor, patch })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl fmt::Display for VersionPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.nodes.map(|node| node.map_or_else(|| "x".to_owned(), |node| node.to_string()));
        f.write_str(&text.join("."))
    }
}

impl TryFrom<String> for Version {
    type Error = BadVersion;

    fn try_from(text: String) -> Result<Self, BadVersion> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_highest_match_is_found_by_number_not_by_text() {
        let versions: Vec<Version> = ["1.6.8", "1.7.8", "1.10.0", "2.2.4"].map(|v| v.parse().unwrap()).to_vec();
        let highest = |pattern: &str| {
            let pattern: VersionPattern = pattern.parse().unwrap();
            versions.iter().filter(|v| pattern.matches(**v)).max().map(ToString::to_string)
        };
        assert_eq!(highest("x.x.x").as_deref(), Some("2.2.4"));
        assert_eq!(highest("1.x.x").as_deref(), Some("1.10.0"));
        assert_eq!(highest("1.6.x").as_deref(), Some("1.6.8"));
        assert_eq!(highest("1.7.8").as_deref(), Some("1.7.8"));
        assert_eq!(highest("3.x.x"), None);
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in [
            "",
            "1",
            "1.2",
            "1.2.3.4",
            "x.2.x",
            "1.x.8",
            "x.x.3",
            "1.2.3/4",
            "+1.2.3",
            "1.2.1073741824",
            " 1.2.3",
            "1..3",
        ] {
            assert!(text.parse::<VersionPattern>().is_err(), "{text}");
        }
        assert!("1.2.x".parse::<Version>().is_err());
    }

    proptest! {
        #[test]
        fn text_and_value_agree(major in 0..=MAX_NODE, minor in 0..=MAX_NODE, patch in 0..=MAX_NODE, wild in 0usize..4) {
            let version = Version { major, minor, patch };
            prop_assert_eq!(version.to_string().parse::<Version>().unwrap(), version);
            let mut parts: Vec<String> = version.to_string().split('.').map(str::to_owned).collect();
            for part in parts.iter_mut().skip(3 - wild.min(3)) {
                *part = "x".to_owned();
            }
            let pattern: VersionPattern = parts.join(".").parse().unwrap();
            prop_assert!(pattern.matches(version));
            prop_assert_eq!(pattern.to_string(), parts.join("."));
            prop_assert_eq!(pattern.exact().is_some(), wild == 0);
        }
    }
}
