//! What Amazon's managed images are: their names, and when each is released. Pure: from the seed and the name.

use crate::clock::Time;
use crate::draw::Seed;
use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Weekday};
use shared::version::Version;

/// Linux images come out for two architectures.
const LINUX: &[(&str, &str)] = &[
    ("Amazon Linux 2", "Amazon Linux 2"),
    ("Amazon Linux 2 ECS Optimized", "Amazon Linux 2"),
    ("Amazon Linux 2023", "Amazon Linux 2023"),
    ("Amazon Linux 2023 ECS Optimized", "Amazon Linux 2023"),
    ("Ubuntu Server 18 LTS", "Ubuntu 18"),
    ("Ubuntu Server 20 LTS", "Ubuntu 20"),
    ("Ubuntu Server 22 LTS", "Ubuntu 22"),
    ("Ubuntu Server 24 LTS", "Ubuntu 24"),
];

/// Windows Server has editions.
const WINDOWS_YEARS: [&str; 4] = ["2016", "2019", "2022", "2025"];
const WINDOWS_EDITIONS: [&str; 2] = ["English Full Base", "English Core Base"];

/// Container images: name, operating system, where Docker finds them.
const CONTAINERS: &[(&str, &str, &str)] = &[
    ("Amazon Linux x86 2", "Amazon Linux 2", "public.ecr.aws/amazonlinux/amazonlinux:2"),
    ("Amazon Linux x86 latest", "Amazon Linux 2023", "public.ecr.aws/amazonlinux/amazonlinux:latest"),
    ("Amazon Linux arm64 2", "Amazon Linux 2", "public.ecr.aws/amazonlinux/amazonlinux:2"),
    ("Amazon Linux arm64 latest", "Amazon Linux 2023", "public.ecr.aws/amazonlinux/amazonlinux:latest"),
    (
        "Windows Server 2019 x86 core ltsc2019 amd64",
        "Microsoft Windows Server 2019",
        "mcr.microsoft.com/windows/servercore:ltsc2019",
    ),
    (
        "Windows Server 2022 x86 core ltsc2022 amd64",
        "Microsoft Windows Server 2022",
        "mcr.microsoft.com/windows/servercore:ltsc2022",
    ),
];

/// One managed image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Managed {
    /// As people read it; its ARN's segment follows from it.
    pub(super) name: String,
    /// `Linux`, `Windows` or `macOS`.
    pub(super) platform: &'static str,
    /// The operating system.
    pub(super) os: String,
    /// `x86_64` or `arm64`.
    pub(super) architecture: &'static str,
    /// For container images: where Docker finds it.
    pub(super) container: Option<&'static str>,
}

/// The whole catalogue.
pub(super) fn all() -> Vec<Managed> {
    let linux = LINUX.iter().flat_map(|(name, os)| {
        [("x86", "x86_64"), ("arm64", "arm64")].map(|(suffix, architecture)| Managed {
            name: format!("{name} {suffix}"),
            platform: "Linux",
            os: (*os).to_owned(),
            architecture,
            container: None,
        })
    });
    let windows = WINDOWS_YEARS.iter().flat_map(|year| {
        WINDOWS_EDITIONS.map(|edition| Managed {
            name: format!("Windows Server {year} {edition} x86"),
            platform: "Windows",
            os: format!("Microsoft Windows Server {year}"),
            architecture: "x86_64",
            container: None,
        })
    });
    let containers = CONTAINERS.iter().map(|(name, os, uri)| Managed {
        name: (*name).to_owned(),
        platform: if name.starts_with("Windows") { "Windows" } else { "Linux" },
        os: (*os).to_owned(),
        architecture: if name.contains("arm64") { "arm64" } else { "x86_64" },
        container: Some(uri),
    });
    linux.chain(windows).chain(containers).collect()
}

/// What a name that the catalogue lacks most likely is.
pub(super) fn guessed(segment: &str) -> Managed {
    let platform = match segment {
        name if name.contains("windows") => "Windows",
        name if name.contains("macos") => "macOS",
        _ => "Linux",
    };
    let architecture = if segment.contains("arm64") { "arm64" } else { "x86_64" };
    let os = segment.trim_end_matches("-x86").trim_end_matches("-arm64").replace('-', " ");
    Managed { name: segment.replace('-', " "), platform, os, architecture, container: None }
}

impl Managed {
    /// When the `n`-th release comes out. Windows: the day after the second Tuesday of the `n`-th month of
    /// our era. Others: every two weeks, both architectures together.
    pub(super) fn release(&self, seed: Seed, n: i64) -> Time {
        let family = self.name.trim_end_matches(" x86").trim_end_matches(" arm64");
        let jitter = seed.span(&["release", family, &n.to_string()], TimeDelta::zero(), TimeDelta::hours(6));
        if self.platform == "Windows" {
            let year = i32::try_from(n.div_euclid(12)).unwrap_or_default();
            let month = u32::try_from(n.rem_euclid(12)).unwrap_or_default() + 1;
            let tuesday = NaiveDate::from_weekday_of_month_opt(year, month, Weekday::Tue, 2).unwrap_or_default();
            return tuesday.and_time(chrono::NaiveTime::MIN).and_utc() + TimeDelta::hours(24 + 17) + jitter;
        }
        let phase = seed.span(&["release phase", family], TimeDelta::zero(), fortnight());
        DateTime::UNIX_EPOCH + fortnight() * i32::try_from(n).unwrap_or_default() + phase + jitter
    }

    /// The number of the newest release at a time.
    pub(super) fn newest(&self, seed: Seed, at: Time) -> i64 {
        let mut n = match self.platform {
            "Windows" => i64::from(at.year()) * 12 + i64::from(at.month0()) + 1,
            _ => (at - DateTime::UNIX_EPOCH).num_days() / fortnight().num_days() + 1,
        };
        while self.release(seed, n) > at {
            n -= 1;
        }
        n
    }

    /// What an AMI of this image is called.
    pub(super) fn ami_name(&self, version: Version) -> String {
        let Version { major, minor, patch } = version;
        match (self.name.as_str(), self.architecture) {
            (name, architecture) if name.starts_with("Amazon Linux 2023") => {
                format!("al2023-ami-2023.0.{major}{minor:02}{patch:02}.0-kernel-6.1-{architecture}")
            }
            (name, architecture) if name.starts_with("Amazon Linux 2") => {
                format!("amzn2-ami-hvm-2.0.{major}{minor:02}{patch:02}.0-{architecture}-gp2")
            }
            (name, _) if self.platform == "Windows" => {
                let name = name.trim_end_matches(" x86").replace("Windows Server", "Windows_Server").replace(' ', "-");
                format!("{name}-{major}.{minor:02}.{patch:02}")
            }
            (name, _) => format!("{} {major}.{minor}.{patch}", name),
        }
    }
}

/// The version of a release: its date.
pub(super) fn version(released: Time) -> Version {
    Version { major: released.year().cast_unsigned(), minor: released.month(), patch: released.day() }
}

fn fortnight() -> TimeDelta {
    TimeDelta::days(14)
}

/// The image behind a public parameter's name, as its segment in ARNs.
pub(super) fn behind_parameter(name: &str) -> Option<String> {
    let path = name.strip_prefix("/aws/service/")?;
    let arch = |text: &str| if text.contains("arm64") { "arm64" } else { "x86" };
    if let Some(image) = path.strip_prefix("ami-amazon-linux-latest/") {
        let family = if image.starts_with("al2023-ami-") {
            "amazon-linux-2023"
        } else if image.starts_with("amzn2-ami-") {
            "amazon-linux-2"
        } else {
            return None;
        };
        return Some(format!("{family}-{}", arch(image)));
    }
    if let Some(image) = path.strip_prefix("ami-windows-latest/") {
        return Some(format!("{}-x86", super::naming::segment(image)));
    }
    if let Some(image) = path.strip_prefix("canonical/ubuntu/server/") {
        let release = match image.split('/').next()? {
            "18.04" | "bionic" => "18",
            "20.04" | "focal" => "20",
            "22.04" | "jammy" => "22",
            "24.04" | "noble" => "24",
            _ => return None,
        };
        return image.ends_with("/ami-id").then(|| format!("ubuntu-server-{release}-lts-{}", arch(image)));
    }
    let image = path.strip_prefix("ecs/optimized-ami/")?.strip_suffix("/recommended/image_id")?;
    let family = image.trim_end_matches("/arm64");
    ["amazon-linux-2", "amazon-linux-2023"].contains(&family).then(|| format!("{family}-ecs-optimized-{}", arch(image)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_comes_out_on_the_day_after_the_second_tuesday() {
        let windows = guessed("windows-server-2022-english-full-base-x86");
        let released = windows.release(Seed(1), 2026 * 12 + 1);
        assert_eq!(version(released).to_string(), "2026.2.11");
    }

    #[test]
    fn releases_are_ordered_and_the_newest_is_found() {
        for managed in all() {
            for seed in [Seed(1), Seed(99)] {
                let now = NaiveDate::from_ymd_opt(2026, 3, 2).unwrap().and_hms_opt(6, 0, 0).unwrap().and_utc();
                let newest = managed.newest(seed, now);
                assert!(managed.release(seed, newest) <= now && now < managed.release(seed, newest + 1));
                let gap = managed.release(seed, newest + 1) - managed.release(seed, newest);
                let expected = if managed.platform == "Windows" { 27..=36 } else { 13..=15 };
                assert!(expected.contains(&gap.num_days()), "{} {gap}", managed.name);
            }
        }
    }

    #[test]
    fn public_parameters_name_images_of_the_catalogue() {
        let known: Vec<String> = all().iter().map(|managed| super::super::naming::segment(&managed.name)).collect();
        for (name, expected) in [
            ("ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64", "amazon-linux-2023-x86"),
            ("ami-amazon-linux-latest/al2023-ami-minimal-kernel-6.1-arm64", "amazon-linux-2023-arm64"),
            ("ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2", "amazon-linux-2-x86"),
            ("ami-windows-latest/Windows_Server-2022-English-Full-Base", "windows-server-2022-english-full-base-x86"),
            ("canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id", "ubuntu-server-22-lts-x86"),
            ("canonical/ubuntu/server/noble/stable/current/arm64/hvm/ebs-gp3/ami-id", "ubuntu-server-24-lts-arm64"),
            ("ecs/optimized-ami/amazon-linux-2/recommended/image_id", "amazon-linux-2-ecs-optimized-x86"),
            ("ecs/optimized-ami/amazon-linux-2023/arm64/recommended/image_id", "amazon-linux-2023-ecs-optimized-arm64"),
        ] {
            assert_eq!(behind_parameter(&format!("/aws/service/{name}")).as_deref(), Some(expected));
            assert!(known.iter().any(|known| known == expected), "{expected}");
        }
        assert_eq!(behind_parameter("/golden-images/web"), None);
        assert_eq!(behind_parameter("/aws/service/canonical/ubuntu/server/16.04/x/ami-id"), None);
    }
}
