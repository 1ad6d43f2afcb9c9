//! ARNs: the general form, and those of Image Builder's versioned resources.

use crate::version::{Version, VersionPattern};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// `arn:partition:service:region:account:resource`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arn {
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub partition: String,
    /// `imagebuilder`, `sns`, …
    pub service: String,
    /// Empty for global services.
    pub region: String,
    /// 12 digits, an owner such as `aws`, or empty.
    pub account: String,
    /// Everything behind the fifth colon.
    pub resource: String,
}

/// One build version of an image: `arn:…:image/NAME/1.0.0/3`. The one name that a notification is believed for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageBuildArn {
    /// `aws`, `aws-cn`, …
    pub partition: String,
    /// The Region of the build.
    pub region: String,
    /// The owner: 12 digits, or `aws` for an Amazon-managed image.
    pub account: String,
    /// The name as it stands in ARNs: lower case, `-` for spaces and underscores. All versions and builds that share it are one family.
    pub family: String,
    /// The recipe's version.
    pub version: Version,
    /// The build number, from 1 upward within a version.
    pub build: u32,
}

/// A resource of Image Builder that a version or a wildcard selects: `image/NAME/1.x.x`, `component/NAME/1.0.0/2`,
/// `workflow/build/NAME/1.0.0/1`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VersionedArn {
    /// Everything in front of the resource.
    pub arn: Arn,
    /// `image`, `component`, `image-recipe`, `container-recipe` or `workflow`.
    pub kind: String,
    /// The name as it stands in ARNs; a workflow's has its type in front, `build/NAME`.
    pub name: String,
    /// The version, wildcards allowed.
    pub version: VersionPattern,
    /// The build, for an exact version only.
    pub build: Option<u32>,
}

/// Text that isn't the ARN that was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} isn't an ARN of the expected form: expected {expected}")]
pub struct BadArn {
    text: String,
    expected: &'static str,
}

/// A versioned resource without what is the same for all: `agent 1.4.0/2`. Any other text as it is.
pub fn short(text: &str) -> String {
    match text.parse::<VersionedArn>() {
        Ok(VersionedArn { name, version, build: Some(build), .. }) => format!("{name} {version}/{build}"),
        Ok(VersionedArn { name, version, .. }) => format!("{name} {version}"),
        Err(_) => text.to_owned(),
    }
}

impl FromStr for Arn {
    type Err = BadArn;

    fn from_str(text: &str) -> Result<Self, BadArn> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        match parts[..] {
            ["arn", partition, service, region, account, resource]
                if !partition.is_empty() && !service.is_empty() && !resource.is_empty() =>
            {
                Ok(Self {
                    partition: partition.to_owned(),
                    service: service.to_owned(),
                    region: region.to_owned(),
                    account: account.to_owned(),
                    resource: resource.to_owned(),
                })
            }
            _ => Err(BadArn { text: text.to_owned(), expected: "arn:partition:service:region:account:resource" }),
        }
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, service, region, account, resource } = self;
        write!(f, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

impl FromStr for VersionedArn {
    type Err = BadArn;

    fn from_str(text: &str) -> Result<Self, BadArn> {
        let bad = || BadArn { text: text.to_owned(), expected: "arn:…:imagebuilder:…:kind/name/version[/build]" };
        let arn: Arn = text.parse()?;
        let parts: Vec<&str> = arn.resource.split('/').collect();
        let (kind, name, rest) = match parts[..] {
            ["workflow", stage @ ("build" | "test" | "distribution"), name, ref rest @ ..] if !name.is_empty() => {
                ("workflow", format!("{stage}/{name}"), rest)
            }
            [kind @ ("image" | "component" | "image-recipe" | "container-recipe"), name, ref rest @ ..] => {
                (kind, name.to_owned(), rest)
            }
            _ => return Err(bad()),
        };
        let (version, build) = match *rest {
            [version] => (version, None),
            [version, build] => (version, Some(build)),
            _ => return Err(bad()),
        };
        let version: VersionPattern = version.parse().map_err(|_| bad())?;
        let build = build.map(|build| build.parse().map_err(|_| bad())).transpose()?;
        if arn.service != "imagebuilder" || name.is_empty() || (build.is_some() && version.exact().is_none()) {
            return Err(bad());
        }
        Ok(Self { kind: kind.to_owned(), name, version, build, arn })
    }
}

impl FromStr for ImageBuildArn {
    type Err = BadArn;

    fn from_str(text: &str) -> Result<Self, BadArn> {
        let bad = || BadArn { text: text.to_owned(), expected: "an image build version, arn:…:image/name/1.0.0/1" };
        let VersionedArn { arn, kind, name, version, build } = text.parse().map_err(|_| bad())?;
        match (kind.as_str(), version.exact(), build) {
            ("image", Some(version), Some(build)) => Ok(Self {
                partition: arn.partition,
                region: arn.region,
                account: arn.account,
                family: name,
                version,
                build,
            }),
            _ => Err(bad()),
        }
    }
}

impl fmt::Display for ImageBuildArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, region, account, family, version, build } = self;
        write!(f, "arn:{partition}:imagebuilder:{region}:{account}:image/{family}/{version}/{build}")
    }
}

impl TryFrom<String> for ImageBuildArn {
    type Error = BadArn;

    fn try_from(text: String) -> Result<Self, BadArn> {
        text.parse()
    }
}

impl From<ImageBuildArn> for String {
    fn from(arn: ImageBuildArn) -> Self {
        arn.to_string()
    }
}

impl ImageBuildArn {
    /// The place within the family: later versions and, within a version, later builds are newer.
    pub fn order(&self) -> (Version, u32) {
        (self.version, self.build)
    }

    /// Whether both are builds of the same family: same name, Region and owner.
    pub fn same_family(&self, other: &Self) -> bool {
        (&self.partition, &self.region, &self.account, &self.family)
            == (&other.partition, &other.region, &other.account, &other.family)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_version_is_read_and_written() {
        let text = "arn:aws:imagebuilder:us-west-2:123456789012:image/web-server/1.10.0/3";
        let arn: ImageBuildArn = text.parse().unwrap();
        assert_eq!((arn.family.as_str(), arn.version.to_string().as_str(), arn.build), ("web-server", "1.10.0", 3));
        assert_eq!(arn.to_string(), text);
        let older: ImageBuildArn =
            "arn:aws:imagebuilder:us-west-2:123456789012:image/web-server/1.9.0/12".parse().unwrap();
        assert!(older.order() < arn.order());
        assert!(older.same_family(&arn));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "arn:aws:imagebuilder:us-west-2:123456789012:image/web/1.0.0",
            "arn:aws:imagebuilder:us-west-2:123456789012:image/web/x.x.x",
            "arn:aws:imagebuilder:us-west-2:123456789012:image/web/1.0.x/1",
            "arn:aws:imagebuilder:us-west-2:123456789012:component/web/1.0.0/1",
            "arn:aws:imagebuilder:us-west-2:123456789012:image/web/1.0.0/1/2",
            "arn:aws:ec2:us-west-2:123456789012:image/web/1.0.0/1",
            "image/web/1.0.0/1",
        ] {
            assert!(text.parse::<ImageBuildArn>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_workflow_has_its_type_before_its_name() {
        let read = |resource: &str| -> Option<(String, String, String, Option<u32>)> {
            let arn = format!("arn:aws:imagebuilder:us-west-2:123456789012:{resource}");
            let VersionedArn { kind, name, version, build, .. } = arn.parse().ok()?;
            Some((kind, name, version.to_string(), build))
        };
        let workflow = |name: &str, version: &str, build| Some(("workflow".into(), name.into(), version.into(), build));
        assert_eq!(read("workflow/build/web/1.0.0/2"), workflow("build/web", "1.0.0", Some(2)));
        assert_eq!(read("workflow/test/web/1.x.x"), workflow("test/web", "1.x.x", None));
        for bad in [
            "workflow/web/1.0.0/1",
            "workflow/deploy/web/1.0.0",
            "workflow/test/web",
            "workflow/test//1.0.0",
            "workflow/build/web/x.x.x/1",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn wildcards_select_versions() {
        let arn: VersionedArn = "arn:aws:imagebuilder:us-west-2:aws:image/amazon-linux-2023-x86/x.x.x".parse().unwrap();
        assert_eq!((arn.kind.as_str(), arn.arn.account.as_str(), arn.build), ("image", "aws", None));
        assert!(arn.version.matches("2026.1.5".parse().unwrap()));
    }
}
