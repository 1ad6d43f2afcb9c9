//! Where an image is distributed to.

use super::strings;
use crate::imagebuilder::store::Resource;
use crate::world::REGIONS;
use serde_json::{Value, json};

/// One Region and account that an image is distributed to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Target {
    /// The Region.
    pub(super) region: String,
    /// 12 digits.
    pub(super) account: String,
    /// The Region's entry in the distribution configuration.
    pub(super) distribution: Value,
}

/// The Regions' entries in an image's distribution configuration; without one its own Region alone.
pub(super) fn distributions(image: &Resource) -> Vec<Value> {
    let list = image.document.get("distributionConfiguration").and_then(|it| it["distributions"].as_array());
    match list {
        Some(list) if !list.is_empty() => list.clone(),
        _ => vec![json!({"region": image.region})],
    }
}

/// Each Region with each of its target accounts, which is the image's own unless the configuration names others.
/// Container images go to the image's own account alone.
pub(super) fn targets(image: &Resource) -> Vec<Target> {
    let container = image.text("type") == Some("DOCKER");
    let of = |distribution: Value| {
        let region = distribution["region"].as_str().unwrap_or(&image.region).to_owned();
        let mut accounts = strings(&distribution["amiDistributionConfiguration"]["targetAccountIds"]);
        if accounts.is_empty() || container {
            accounts = vec![image.owner.clone()];
        }
        accounts.into_iter().map(move |account| Target {
            region: region.clone(),
            account,
            distribution: distribution.clone(),
        })
    };
    distributions(image).into_iter().flat_map(of).collect()
}

/// Why nothing can be delivered to a target, if nothing can.
pub(super) fn problem(target: &Target) -> Option<String> {
    let known = REGIONS.contains(&target.region.as_str());
    (!known).then(|| format!("The Region {} isn't one of the local AWS", target.region))
}
