//! Launch permissions, kept in an image's tags while its AMIs are disabled: EC2 drops them and never puts them back.
//!
//! `goldsmith:shares-1` to `goldsmith:shares-N` hold words with a space between them. The first word is N, so that a tag
//! that was lost is noticed. `REGION/ACCOUNT` words say of which AMIs, the words behind them with whom these are shared:
//! accounts by their 12 digits, organizations and units by their ARNs. Only characters that AWS allows in tags are
//! used: <https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html>.

use super::facts::{At, Shares};
use shared::tags::SHARES;
use std::collections::BTreeMap;

/// The longest value of a tag.
const MAX_VALUE: usize = 256;

/// The most tags that an image has.
const MAX_TAGS: usize = 50;

/// Tags that aren't what [`encode`] writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the tags {SHARES}N can't be read: {0}")]
pub struct BadShares(String);

/// Tags that hold the launch permissions, none if nothing is shared. `others` is how many other tags the image has.
/// Nothing comes back if they don't fit, or if an AMI is public, which isn't kept.
pub fn encode(shares: &BTreeMap<At, Shares>, others: usize) -> Option<BTreeMap<String, String>> {
    if shares.values().any(|shares| shares.public) {
        return None;
    }
    let mut groups: BTreeMap<&Shares, Vec<&At>> = BTreeMap::new();
    for (at, shares) in shares.iter().filter(|(_, shares)| !shares.is_empty()) {
        groups.entry(shares).or_default().push(at);
    }
    let mut words = Vec::new();
    for (shares, places) in groups {
        words.extend(places.iter().map(|at| format!("{}/{}", at.region, at.account)));
        words.extend(shares.accounts.iter().chain(&shares.organizations).cloned());
    }
    if words.is_empty() {
        return Some(BTreeMap::new());
    }
    // Room for the count: two digits.
    let mut values = vec!["00".to_owned()];
    for word in words {
        match values.last_mut() {
            Some(last) if last.len() + 1 + word.len() <= MAX_VALUE => {
                last.push(' ');
                last.push_str(&word);
            }
            _ if word.len() > MAX_VALUE => return None,
            _ => values.push(word),
        }
    }
    if values.len() + others > MAX_TAGS {
        return None;
    }
    let count = format!("{:02}", values.len());
    values[0].replace_range(..2, &count);
    Some(values.into_iter().zip(1..).map(|(value, number): (_, u32)| (format!("{SHARES}{number}"), value)).collect())
}

/// The launch permissions that tags hold, none without such tags.
///
/// # Errors
/// Tags are missing, or somebody changed them.
pub fn decode(tags: &BTreeMap<String, String>) -> Result<BTreeMap<At, Shares>, BadShares> {
    let bad = |what: &str| BadShares(what.to_owned());
    let numbers = tags.keys().filter(|key| key.starts_with(SHARES)).count();
    let Some(first) = tags.get(&format!("{SHARES}1")) else {
        return if numbers == 0 { Ok(BTreeMap::new()) } else { Err(bad("the first is missing")) };
    };
    let count: usize = first.split(' ').next().and_then(|it| it.parse().ok()).ok_or_else(|| bad("it has no count"))?;
    let mut words = Vec::new();
    for number in 1..=count.min(MAX_TAGS) {
        let value = tags.get(&format!("{SHARES}{number}")).ok_or_else(|| bad("one is missing"))?;
        words.extend(value.split(' '));
    }
    let mut shares: BTreeMap<At, Shares> = BTreeMap::new();
    let mut places: Vec<At> = Vec::new();
    let mut places_end = false;
    for word in words.into_iter().skip(1) {
        let is_account = word.len() == 12 && word.bytes().all(|byte| byte.is_ascii_digit());
        let is_organization = word.starts_with("arn:");
        if is_account || is_organization {
            places_end = true;
            for at in &places {
                let shares = shares.entry(at.clone()).or_default();
                let set = if is_account { &mut shares.accounts } else { &mut shares.organizations };
                set.insert(word.to_owned());
            }
        } else {
            let (region, account) = word.split_once('/').ok_or_else(|| bad(word))?;
            if std::mem::take(&mut places_end) {
                places.clear();
            }
            places.push(At { region: region.to_owned(), account: account.to_owned() });
        }
        if places.is_empty() {
            return Err(bad(word));
        }
    }
    Ok(shares)
}

#[cfg(test)]
mod tests;
