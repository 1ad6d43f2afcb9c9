//! Operating systems, and how their packages are versioned.

use super::super::store::Resource;

/// An image's operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum System {
    /// Amazon Linux 2023.
    AmazonLinux2023,
    /// Amazon Linux 2.
    AmazonLinux2,
    /// Ubuntu, with its year.
    Ubuntu(u16),
    /// Another Linux, taken for a relative of Red Hat's.
    Linux,
    /// Windows, with the number of its build.
    Windows(u32),
    /// macOS.
    MacOs,
}

impl System {
    /// Of an image, from its `osVersion` and `platform`.
    pub(super) fn of(image: &Resource) -> Self {
        let os = image.text("osVersion").unwrap_or_default().to_lowercase();
        match (image.text("platform").unwrap_or_default(), os.as_str()) {
            ("Windows", os) => Self::Windows(windows_build(os)),
            ("macOS", _) => Self::MacOs,
            (_, os) if os.contains("amazon linux 2023") => Self::AmazonLinux2023,
            (_, os) if os.contains("amazon linux 2") => Self::AmazonLinux2,
            (_, os) if os.contains("ubuntu") => {
                let year = os.split(|other: char| !other.is_ascii_digit()).find_map(|word| word.parse().ok());
                Self::Ubuntu(year.unwrap_or(24))
            }
            _ => Self::Linux,
        }
    }

    /// The version of a package: what it is a version of, and how many times it was built since.
    pub(super) fn version(self, upstream: &str, revision: u64) -> String {
        let n = revision + 1;
        match self {
            Self::AmazonLinux2023 => format!("{upstream}-1.amzn2023.0.{n}"),
            Self::AmazonLinux2 => format!("{upstream}-1.amzn2.0.{n}"),
            Self::Ubuntu(year) => format!("{upstream}-0ubuntu0.{year}.04.{n}"),
            Self::Linux => format!("{upstream}-{n}.el9"),
            // An update has the system's version.
            Self::Windows(build) if upstream.is_empty() => format!("10.0.{build}.{n}"),
            Self::Windows(_) => format!("{upstream}.{n}"),
            Self::MacOs => format!("{upstream}_{n}"),
        }
    }

    /// Who says what is vulnerable.
    pub(super) fn vendor(self) -> &'static str {
        match self {
            Self::AmazonLinux2023 | Self::AmazonLinux2 => "AMAZON_CVE",
            Self::Ubuntu(_) => "UBUNTU_CVE",
            Self::Linux => "REDHAT_CVE",
            Self::Windows(_) => "MSRC",
            Self::MacOs => "NVD",
        }
    }

    /// How a package is brought up to date.
    pub(super) fn remedy(self, package: &str) -> String {
        match self {
            Self::AmazonLinux2023 | Self::Linux => format!("dnf update {package}"),
            Self::AmazonLinux2 => format!("yum update {package}"),
            Self::Ubuntu(_) => format!("apt-get update && apt-get install --only-upgrade {package}"),
            Self::Windows(_) => format!("Install the newest update for {package}"),
            Self::MacOs => format!("brew upgrade {package}"),
        }
    }

    /// Where the packages are recorded.
    pub(super) fn database(self) -> Option<&'static str> {
        match self {
            Self::AmazonLinux2023 | Self::Linux => Some("var/lib/rpm/rpmdb.sqlite"),
            Self::AmazonLinux2 => Some("var/lib/rpm/Packages"),
            Self::Ubuntu(_) => Some("var/lib/dpkg/status"),
            Self::Windows(_) | Self::MacOs => None,
        }
    }
}

fn windows_build(os: &str) -> u32 {
    let builds = [("2016", 14393), ("2019", 17763), ("2022", 20348), ("2025", 26100), ("10", 19045)];
    builds.iter().find(|(name, _)| os.ends_with(name)).map_or(22631, |(_, build)| *build)
}
