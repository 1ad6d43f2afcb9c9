//! Whether the newest parent image fixes a finding.

use crate::facts::{Finding, NewerParent, Package};
use std::cmp::Ordering;

/// Whether every package of a finding stands in the parent in a version that fixes it; none if that can't be told,
/// because a package doesn't come from the parent, or nobody says which version fixes it.
pub fn fixed_by(parent: &NewerParent, finding: &Finding) -> Option<bool> {
    let packages = parent.packages.get()?;
    let fixed = |package: &Package| {
        let fixed_in =
            package.fixed_in.as_deref().filter(|version| version.starts_with(|c: char| c.is_ascii_digit()))?;
        Some(compare(packages.get(&package.name)?, fixed_in) != Ordering::Less)
    };
    if finding.packages.is_empty() {
        return None;
    }
    finding.packages.iter().try_fold(true, |all, package| Some(all && fixed(package)?))
}

/// Orders versions as package managers do: runs of digits as numbers, runs of letters as text, digits above letters,
/// `~` below everything. An epoch counts only if both have one.
fn compare(one: &str, other: &str) -> Ordering {
    let (one, other) = match (epoch(one), epoch(other)) {
        ((Some(one), _), (Some(other), _)) if one != other => return one.cmp(&other),
        ((_, one), (_, other)) => (one, other),
    };
    let (mut one, mut other) = (runs(one).into_iter(), runs(other).into_iter());
    loop {
        let order = match (one.next(), other.next()) {
            (None, None) => return Ordering::Equal,
            (Some("~"), None) => Ordering::Less,
            (None, Some("~")) => Ordering::Greater,
            (Some(_), None) => Ordering::Greater,
            (None, Some(_)) => Ordering::Less,
            (Some(one), Some(other)) => (rank(one), number(one), one).cmp(&(rank(other), number(other), other)),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn epoch(version: &str) -> (Option<u32>, &str) {
    match version.split_once(':') {
        Some((epoch, rest)) if epoch.parse::<u32>().is_ok() => (epoch.parse().ok(), rest),
        _ => (None, version),
    }
}

fn runs(version: &str) -> Vec<&str> {
    let kind = |c: char| (c.is_ascii_digit(), c.is_ascii_alphabetic(), c == '~');
    let (mut runs, mut rest) = (Vec::new(), version);
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| kind(c) != kind(first)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        if kind(first) != (false, false, false) {
            // Leading zeros say nothing.
            let digits = run.trim_start_matches('0');
            runs.push(if first.is_ascii_digit() { if digits.is_empty() { "0" } else { digits } } else { run });
        }
        rest = after;
    }
    runs
}

fn rank(run: &str) -> u8 {
    match run.as_bytes().first() {
        Some(b'~') => 0,
        Some(byte) if byte.is_ascii_digit() => 2,
        _ => 1,
    }
}

/// Numbers may be longer than any integer: the one with more digits is greater.
fn number(run: &str) -> usize {
    if rank(run) == 2 { run.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{FindingSeverity, Known};

    #[test]
    fn versions_are_ordered_as_package_managers_do() {
        for (lesser, greater) in [
            ("1.9", "1.10"),
            ("3.0.8-1.amzn2023.0.9", "3.0.8-1.amzn2023.0.11"),
            ("1.0~rc1", "1.0"),
            ("1.0", "1.0.1"),
            ("1.0a", "1.0.1"),
            ("0:1.0", "1:0.5"),
            ("7.88.1-10+deb12u5", "7.88.1-10+deb12u14"),
            ("99999999999999999999", "100000000000000000000"),
        ] {
            assert_eq!(compare(lesser, greater), Ordering::Less, "{lesser} {greater}");
            assert_eq!(compare(greater, lesser), Ordering::Greater, "{lesser} {greater}");
        }
        for (one, other) in [("1.0", "0:1.0"), ("1.01", "1.1"), ("2:1.0", "1.0")] {
            assert_eq!(compare(one, other), Ordering::Equal, "{one} {other}");
        }
    }

    #[test]
    fn a_parent_fixes_a_finding_if_it_has_every_package_new_enough() {
        let package = |name: &str, fixed_in: Option<&str>| Package {
            name: name.to_owned(),
            version: "1.0".to_owned(),
            fixed_in: fixed_in.map(str::to_owned),
        };
        let parent = |packages: &[(&str, &str)]| NewerParent {
            arn: String::new(),
            packages: Known::Is(packages.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()),
        };
        let finding = |packages: Vec<Package>| Finding {
            id: "CVE-2026-1".to_owned(),
            severity: FindingSeverity::High,
            title: None,
            url: None,
            packages,
        };
        let two = [("openssl", "1.2"), ("curl", "2.0")];
        for (packages, expected) in [
            (vec![package("openssl", Some("1.1"))], Some(true)),
            (vec![package("openssl", Some("1.3"))], Some(false)),
            (vec![package("openssl", Some("1.1")), package("curl", Some("2.1"))], Some(false)),
            (vec![package("agent", Some("1.1"))], None),
            (vec![package("openssl", None)], None),
            (vec![package("openssl", Some("NotAvailable"))], None),
            (vec![], None),
        ] {
            assert_eq!(fixed_by(&parent(&two), &finding(packages.clone())), expected, "{packages:?}");
        }
        let unread = NewerParent { packages: Known::Unread("denied".to_owned()), ..parent(&[]) };
        assert_eq!(fixed_by(&unread, &finding(vec![package("openssl", Some("1.1"))])), None);
    }
}
