//! DescribeRegions.

use super::filter::filters;
use super::{Call, invalid_value};
use crate::ec2::Tags;
use crate::wire::ApiError;
use crate::world::REGIONS;
use serde_json::{Value, json};

pub(super) fn describe_regions(call: Call<'_>) -> Result<Value, ApiError> {
    call.only(&["RegionName", "AllRegions", "Filter"])?;
    let names = call.texts("RegionName");
    if let Some(unknown) = names.iter().find(|name| !REGIONS.contains(name)) {
        return Err(invalid_value(format!("Invalid region: [{unknown}]")));
    }
    let filters = filters(&call, &["region-name", "endpoint", "opt-in-status"])?;
    let endpoint = |region: &str| format!("ec2.{region}.amazonaws.com");
    let found = REGIONS.iter().filter(|region| names.is_empty() || names.contains(region)).filter(|region| {
        let field = |name: &str| {
            vec![match name {
                "region-name" => (**region).to_owned(),
                "endpoint" => endpoint(region),
                _ => "opt-in-not-required".to_owned(),
            }]
        };
        filters.iter().all(|filter| filter.takes(&Tags::new(), field))
    });
    let shown = |region: &&str| json!({"regionName": region, "regionEndpoint": endpoint(region), "optInStatus": "opt-in-not-required"});
    Ok(json!({"regionInfo": found.map(shown).collect::<Vec<_>>()}))
}
