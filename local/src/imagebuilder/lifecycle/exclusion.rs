//! Which AMIs are left alone.

use crate::clock::Time;
use crate::ec2;
use chrono::{Months, TimeDelta};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A unit of age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Unit {
    /// 24 hours.
    Days,
    /// 7 days.
    Weeks,
    /// Of the calendar.
    Months,
    /// Of the calendar.
    Years,
}

impl Unit {
    /// The moment so many units before another.
    pub(super) fn before(self, now: Time, value: u32) -> Time {
        let earlier = match self {
            Self::Days => now.checked_sub_signed(TimeDelta::days(i64::from(value))),
            Self::Weeks => now.checked_sub_signed(TimeDelta::weeks(i64::from(value))),
            Self::Months => now.checked_sub_months(Months::new(value)),
            Self::Years => now.checked_sub_months(Months::new(12 * value)),
        };
        earlier.unwrap_or(Time::MIN_UTC)
    }

    /// `1 day`, `6 months`.
    pub(super) fn spelled(self, value: u32) -> String {
        let unit = match self {
            Self::Days => "day",
            Self::Weeks => "week",
            Self::Months => "month",
            Self::Years => "year",
        };
        format!("{value} {unit}{}", if value == 1 { "" } else { "s" })
    }
}

/// `exclusionRules.amis`, as the API spells it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Exclusions {
    /// Public ones.
    pub(super) is_public: bool,
    /// Those of these Regions.
    pub(super) regions: Vec<String>,
    /// Those that are shared with these accounts.
    pub(super) shared_accounts: Vec<String>,
    /// Those that were launched lately.
    pub(super) last_launched: Option<LastLaunched>,
    /// Those with any of these tags.
    pub(super) tag_map: BTreeMap<String, String>,
}

/// How lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LastLaunched {
    /// 1 to 365.
    pub(super) value: u32,
    /// The unit of the value.
    pub(super) unit: Unit,
}

impl Exclusions {
    /// Why an AMI is left alone: the first reason in the service's order, if there is one. An AMI without a
    /// recorded launch isn't left alone for its launches.
    pub(super) fn reason(&self, ami: &ec2::Image, now: Time) -> Option<String> {
        let tag = || self.tag_map.iter().find(|(key, value)| ami.tags.get(*key) == Some(*value));
        let shared = |account: &&String| {
            ami.launch_permissions.iter().any(|(kind, value)| kind == "UserId" && value == *account)
        };
        if self.regions.contains(&ami.region) {
            return Some(format!("The AMI is in the excluded Region {}.", ami.region));
        }
        if self.is_public && ami.is_public() {
            return Some("The AMI is public.".to_owned());
        }
        if let Some((key, value)) = tag() {
            return Some(format!("The AMI has the excluded tag {key}={value}."));
        }
        if let Some(account) = self.shared_accounts.iter().find(shared) {
            return Some(format!("The AMI is shared with the excluded account {account}."));
        }
        let LastLaunched { value, unit } = self.last_launched?;
        let lately = ami.last_launched.is_some_and(|launched| launched > unit.before(now, value));
        lately.then(|| format!("The AMI was launched within the last {}.", unit.spelled(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::ami;
    use super::*;
    use serde_json::{Value, json};

    fn now() -> Time {
        "2026-03-31T00:00:00Z".parse().unwrap()
    }

    fn reason(rules: Value, change: impl Fn(&mut ec2::Image)) -> Option<String> {
        let mut ami = ami("ami-00000000000000001");
        change(&mut ami);
        serde_json::from_value::<Exclusions>(rules).unwrap().reason(&ami, now())
    }

    #[test]
    fn each_rule_leaves_its_amis_alone() {
        type Change = fn(&mut ec2::Image);
        let public: Change = |ami| ami.launch_permissions = vec![("Group".into(), "all".into())];
        let shared: Change = |ami| ami.launch_permissions = vec![("UserId".into(), "111122223333".into())];
        let tagged: Change = |ami| drop(ami.tags.insert("keep".into(), "yes".into()));
        let launched: Change = |ami| ami.last_launched = Some("2026-02-28T00:00:01Z".parse().unwrap());
        let nothing: Change = |_| ();
        let day = |value: u32, unit: &str| json!({"lastLaunched": {"value": value, "unit": unit}});
        for (rules, change, expected) in [
            (json!({}), public, None),
            (json!({"isPublic": true}), public, Some("is public")),
            (json!({"isPublic": false}), public, None),
            (json!({"isPublic": true}), shared, None),
            (json!({"regions": ["us-east-1"]}), nothing, Some("Region us-east-1")),
            (json!({"regions": ["eu-west-1"]}), nothing, None),
            (json!({"tagMap": {"other": "x", "keep": "yes"}}), tagged, Some("keep=yes")),
            (json!({"tagMap": {"keep": "no"}}), tagged, None),
            (json!({"sharedAccounts": ["111122223333"]}), shared, Some("account 111122223333")),
            (json!({"sharedAccounts": ["123456789012"]}), shared, None),
            (json!({"sharedAccounts": ["111122223333"]}), public, None),
            (day(31, "DAYS"), launched, Some("within the last 31 days")),
            (day(30, "DAYS"), launched, None),
            // A month before 31 March is 28 February.
            (day(1, "MONTHS"), launched, Some("within the last 1 month.")),
            (day(4, "WEEKS"), launched, None),
            (day(1, "YEARS"), launched, Some("1 year.")),
            (day(1, "YEARS"), nothing, None),
        ] {
            let found = reason(rules.clone(), change);
            match expected {
                None => assert_eq!(found, None, "{rules}"),
                Some(part) => assert!(found.as_ref().is_some_and(|text| text.contains(part)), "{rules}: {found:?}"),
            }
        }
    }

    #[test]
    fn the_first_reason_in_the_services_order_is_given() {
        let mut rules = json!({
            "lastLaunched": {"value": 1, "unit": "YEARS"}, "sharedAccounts": ["111122223333"],
            "tagMap": {"keep": "yes"}, "isPublic": true, "regions": ["us-east-1"],
        });
        let all = |ami: &mut ec2::Image| {
            ami.launch_permissions = vec![("UserId".into(), "111122223333".into()), ("Group".into(), "all".into())];
            ami.tags.insert("keep".into(), "yes".into());
            ami.last_launched = Some(now());
        };
        for (member, part) in [
            ("regions", "Region"),
            ("isPublic", "public"),
            ("tagMap", "tag"),
            ("sharedAccounts", "shared"),
            ("lastLaunched", "launched"),
        ] {
            let found = reason(rules.clone(), all).unwrap();
            assert!(found.contains(part), "{member}: {found}");
            rules.as_object_mut().unwrap().remove(member);
        }
        assert_eq!(reason(rules, all), None);
    }
}
