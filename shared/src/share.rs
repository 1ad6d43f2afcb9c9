//! The setting `ShareTargets`: where AMIs are published that are shared with an account, not copied to it.

use crate::pattern::fits;
use serde::Deserialize;
use std::collections::BTreeSet;

/// The accounts and Regions where shared AMIs are published.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShareTargets(Vec<Share>);

/// `{"accounts": ["111122223333"], "regions": ["eu-west-1"], "families": ["web-*"]}`; without `families`, all.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Share {
    accounts: Vec<String>,
    regions: Vec<String>,
    families: Option<Vec<String>>,
}

impl ShareTargets {
    /// What the setting has to be.
    pub const EXPECTED: &'static str = "JSON such as [{\"accounts\": [\"111122223333\"], \"regions\": \
         [\"eu-west-1\"], \"families\": [\"web-*\"]}]: families may be left out, and * stands for any characters";

    /// Reads the setting.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Option<String>> {
        let shares: Vec<Share> = serde_json::from_str(text).map_err(|error| Some(error.to_string()))?;
        for (index, share) in shares.iter().enumerate() {
            let account = |text: &String| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
            let region = |text: &String| {
                !text.is_empty()
                    && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            };
            let wrong = [
                ("accounts", "account IDs of 12 digits", list(&share.accounts, account)),
                ("regions", "names of Regions", list(&share.regions, region)),
                ("families", "names of images, or patterns of them", {
                    share.families.as_ref().is_none_or(|families| list(families, |name| !name.is_empty()))
                }),
            ];
            if let Some((member, expected, _)) = wrong.iter().find(|(_, _, right)| !right) {
                return Err(Some(format!("[{index}].{member}: expected {expected}, at least one")));
            }
        }
        Ok(Self(shares))
    }

    /// Where AMIs of a family are published that are shared: Regions with accounts.
    pub fn places(&self, family: &str) -> BTreeSet<(String, String)> {
        let all = |share: &Share| share.families.is_none();
        let shares = self
            .0
            .iter()
            .filter(|share| all(share) || share.families.iter().flatten().any(|pattern| fits(pattern, family)));
        let places = shares.flat_map(|share| {
            share
                .accounts
                .iter()
                .flat_map(|account| share.regions.iter().map(|region| (region.clone(), account.clone())))
        });
        places.collect()
    }
}

fn list(items: &[String], right: impl Fn(&String) -> bool) -> bool {
    !items.is_empty() && items.iter().all(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_shared_where_its_name_fits() {
        let text = r#"[
            {"accounts": ["111122223333", "444455556666"], "regions": ["eu-west-1"], "families": ["web-*", "db"]},
            {"accounts": ["111122223333"], "regions": ["us-east-1"]}
        ]"#;
        let targets = ShareTargets::parse(text).unwrap();
        let places = |family| -> Vec<String> {
            targets.places(family).iter().map(|(region, account)| format!("{region} {account}")).collect()
        };
        assert_eq!(places("web-1"), ["eu-west-1 111122223333", "eu-west-1 444455556666", "us-east-1 111122223333"]);
        assert_eq!(places("other"), ["us-east-1 111122223333"]);
        assert_eq!(ShareTargets::parse("[]").unwrap(), ShareTargets::default());
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, problem) in [
            ("{}", "expected a sequence"),
            (r#"[{"accounts": ["1"], "regions": ["eu-west-1"]}]"#, "[0].accounts: expected account IDs"),
            (r#"[{"accounts": [], "regions": ["eu-west-1"]}]"#, "[0].accounts: expected account IDs"),
            (r#"[{"accounts": ["111122223333"], "regions": ["x/y"]}]"#, "[0].regions: expected names of Regions"),
            (r#"[{"accounts": ["111122223333"], "regions": ["eu-west-1"], "families": []}]"#, "[0].families: expected"),
            (r#"[{"account": "111122223333"}]"#, "unknown field `account`"),
        ] {
            let told = ShareTargets::parse(text).unwrap_err().unwrap();
            assert!(told.contains(problem), "{text}: {told}");
        }
    }
}
