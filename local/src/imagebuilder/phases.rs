//! The statuses that a build passes through and how long each one lasts.

use super::members::Members;
use crate::draw::Seed;
use chrono::TimeDelta;

/// The statuses after PENDING of a build that goes well.
pub(crate) fn ahead(tested: bool) -> Vec<String> {
    let mut statuses = vec!["CREATING", "BUILDING", "TESTING", "DISTRIBUTING", "INTEGRATING", "AVAILABLE"];
    statuses.retain(|status| tested || *status != "TESTING");
    statuses.into_iter().map(str::to_owned).collect()
}

/// Whether a build in this status is still under way.
pub(crate) fn in_progress(status: &str) -> bool {
    matches!(status, "PENDING" | "CREATING" | "BUILDING" | "TESTING" | "DISTRIBUTING" | "INTEGRATING")
}

/// The statuses of a build that goes well, in their order. Some builds skip some.
const WAY: [&str; 7] = ["PENDING", "CREATING", "BUILDING", "TESTING", "DISTRIBUTING", "INTEGRATING", "AVAILABLE"];

/// Whether an image in the status `from` may come to the status `to`: a build goes forward or ends, a retried one
/// goes on at its tests or its distribution, and what has ended is deprecated, disabled, restored or deleted.
pub(crate) fn allowed(from: &str, to: &str) -> bool {
    let place = |status: &str| WAY.iter().position(|on_the_way| *on_the_way == status);
    match from {
        "AVAILABLE" => matches!(to, "DEPRECATED" | "DISABLED" | "DELETED"),
        "DEPRECATED" => matches!(to, "AVAILABLE" | "DISABLED" | "DELETED"),
        "DISABLED" => matches!(to, "AVAILABLE" | "DEPRECATED" | "DELETED"),
        "FAILED" | "CANCELLED" => matches!(to, "TESTING" | "DISTRIBUTING" | "DELETED"),
        _ => match (place(from), place(to)) {
            (Some(from), Some(to)) => from < to,
            (under_way, _) => under_way.is_some() && matches!(to, "FAILED" | "CANCELLED"),
        },
    }
}

/// What of a build decides how long it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    windows: bool,
    container: bool,
    /// The Regions of the distribution configuration; `None` without one.
    regions: Option<i64>,
}

impl Size {
    /// Reads it off an image's document.
    pub(crate) fn of(image: &Members) -> Self {
        let is = |member: &str, text: &str| image.get(member).is_some_and(|value| value == text);
        let distributions = image.get("distributionConfiguration").and_then(|it| it["distributions"].as_array());
        Self {
            windows: is("platform", "Windows"),
            container: is("type", "DOCKER"),
            regions: distributions.map(|list| i64::try_from(list.len()).unwrap_or(1)),
        }
    }
}

/// How long a status lasts: drawn for the image and the status. A Linux AMI for two Regions takes about 25
/// minutes in all, one of Windows three times that: what is seen of the service.
pub(crate) fn lasts(seed: Seed, image_arn: &str, status: &str, size: Size) -> TimeDelta {
    let minutes = |low: i64, high: i64| (low * 60_000, high * 60_000);
    let (mut low, mut high) = match (status, size.container, size.regions) {
        ("PENDING", ..) => (1_000, 4_000),
        ("CREATING", ..) => (20_000, 60_000),
        ("BUILDING", false, _) => minutes(6, 14),
        ("BUILDING", true, _) => minutes(3, 7),
        ("TESTING", false, _) => minutes(2, 5),
        ("TESTING", true, _) => minutes(1, 2),
        // Without a distribution configuration there is little to do.
        (_, _, None) => (10_000, 30_000),
        ("DISTRIBUTING", false, Some(regions)) => minutes(5 + (regions - 1), 9 + 3 * (regions - 1)),
        // The push of a container image, or what is left to do behind a distribution.
        _ => (30_000, 90_000),
    };
    if size.windows && !matches!(status, "PENDING" | "CREATING") {
        (low, high) = (3 * low, 3 * high);
    }
    seed.span(&["build", image_arn, status], TimeDelta::milliseconds(low), TimeDelta::milliseconds(high))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TESTED: Size = Size { windows: false, container: false, regions: Some(2) };

    fn total(seed: u64, size: Size) -> i64 {
        let arn = "arn:aws:imagebuilder:us-east-1:123456789012:image/web/1.0.0/1";
        let statuses = [vec!["PENDING".to_owned()], ahead(true)].concat();
        statuses[..6].iter().map(|status| lasts(Seed(seed), arn, status, size).num_minutes()).sum()
    }

    #[test]
    fn no_status_is_left_but_for_those_that_may_follow() {
        let end = ["FAILED", "CANCELLED"];
        for (from, to) in [
            ("PENDING", [&WAY[1..], &end].concat()),
            ("BUILDING", [&WAY[3..], &end].concat()),
            ("INTEGRATING", vec!["AVAILABLE", "FAILED", "CANCELLED"]),
            ("AVAILABLE", vec!["DEPRECATED", "DELETED", "DISABLED"]),
            ("DEPRECATED", vec!["AVAILABLE", "DELETED", "DISABLED"]),
            ("DISABLED", vec!["AVAILABLE", "DEPRECATED", "DELETED"]),
            ("FAILED", vec!["TESTING", "DISTRIBUTING", "DELETED"]),
            ("CANCELLED", vec!["TESTING", "DISTRIBUTING", "DELETED"]),
            ("DELETED", vec![]),
            ("", vec![]),
        ] {
            let every = WAY.into_iter().chain(["CANCELLED", "FAILED", "DEPRECATED", "DELETED", "DISABLED"]);
            for status in every {
                assert_eq!(allowed(from, status), to.contains(&status), "{from} to {status}");
            }
        }
    }

    #[test]
    fn testing_is_skipped_when_tests_are_off() {
        assert_eq!(ahead(true), ["CREATING", "BUILDING", "TESTING", "DISTRIBUTING", "INTEGRATING", "AVAILABLE"]);
        assert_eq!(ahead(false), ["CREATING", "BUILDING", "DISTRIBUTING", "INTEGRATING", "AVAILABLE"]);
    }

    #[test]
    fn a_linux_build_takes_about_25_minutes_windows_longer_and_containers_less() {
        let mean = |size| (0..200).map(|seed| total(seed, size)).sum::<i64>() / 200;
        assert!((19..=27).contains(&mean(TESTED)), "{}", mean(TESTED));
        assert!((55..=80).contains(&mean(Size { windows: true, ..TESTED })));
        assert!((4..=10).contains(&mean(Size { container: true, ..TESTED })));
        assert!(mean(Size { regions: Some(6), ..TESTED }) > mean(TESTED) + 5);
    }

    #[test]
    fn the_same_seed_gives_the_same_time() {
        assert_eq!(lasts(Seed(4), "a", "BUILDING", TESTED), lasts(Seed(4), "a", "BUILDING", TESTED));
        assert_ne!(lasts(Seed(4), "a", "BUILDING", TESTED), lasts(Seed(5), "a", "BUILDING", TESTED));
        assert_ne!(lasts(Seed(4), "a", "BUILDING", TESTED), lasts(Seed(4), "b", "BUILDING", TESTED));
    }
}
