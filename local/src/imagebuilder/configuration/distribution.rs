//! What a distribution configuration may say.

use super::super::lookup::text;
use crate::model::{bad_value, error};
use crate::wire::ApiError;
use serde_json::Value;
use std::collections::BTreeSet;

/// The members of a distribution that are about AMIs.
const OF_AMIS: [&str; 6] = [
    "amiDistributionConfiguration",
    "fastLaunchConfigurations",
    "launchTemplateConfigurations",
    "licenseConfigurationArns",
    "s3ExportConfiguration",
    "ssmParameterConfigurations",
];

/// The member that is about container images.
const OF_CONTAINERS: &str = "containerDistributionConfiguration";

/// A Region is named once and gets something, either AMIs or container images; an AMI's name differs from build
/// to build.
pub(super) fn check(input: &Value) -> Result<(), ApiError> {
    let distributions = input.get("distributions").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut regions = BTreeSet::new();
    for (index, distribution) in distributions.iter().enumerate() {
        let region = text(distribution, "region");
        if !is_region(region) {
            return Err(bad_value(&format!("distributions[{index}].region"), format!("'{region}' is no Region.")));
        }
        if !regions.insert(region) {
            let message = format!("The Region '{region}' occurs more than once in distributions.");
            return Err(error("InvalidParameterCombinationException", message));
        }
        check_one(distribution, &format!("distributions[{index}]"))?;
    }
    Ok(())
}

/// Whether a text has a Region's form, such as `us-gov-west-1`.
fn is_region(text: &str) -> bool {
    let mut parts = text.split('-').rev();
    let number = parts.next().is_some_and(|last| !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()));
    let words: Vec<_> = parts.collect();
    let word = |text: &&str| text.len() > 1 && text.bytes().all(|byte| byte.is_ascii_lowercase());
    number && words.len() > 1 && words.iter().all(word)
}

fn check_one(distribution: &Value, path: &str) -> Result<(), ApiError> {
    let has = |member: &&str| distribution.get(member).is_some();
    let of_amis = OF_AMIS.into_iter().find(&has);
    if of_amis.is_none() && !has(&OF_CONTAINERS) {
        // The words that the service was seen to use, as of the AMI's name below.
        let details = "One or more outputs should be provided for each region in a distribution configuration.";
        return Err(bad_value(path, details));
    }
    if let Some(member) = of_amis.filter(|_| has(&OF_CONTAINERS)) {
        let message = format!("{path} has {member}, which is for AMIs, and {OF_CONTAINERS}.");
        return Err(error("InvalidParameterCombinationException", message));
    }
    let ami = distribution.get("amiDistributionConfiguration");
    let name = ami.and_then(|ami| ami.get("name")?.as_str());
    let dated = |name: &str| name.replace(char::is_whitespace, "").contains("{{imagebuilder:buildDate}}");
    if name.is_some_and(|name| !dated(name)) {
        let details =
            "The EC2 AMI name must contain '{{ imagebuilder:buildDate }}' to ensure that the name will be unique.";
        return Err(bad_value(&format!("{path}.amiDistributionConfiguration.name"), details));
    }
    let groups = ami.and_then(|ami| ami.get("launchPermission")?.get("userGroups")?.as_array());
    if groups.into_iter().flatten().any(|group| group != "all") {
        let parameter = format!("{path}.amiDistributionConfiguration.launchPermission.userGroups");
        return Err(bad_value(&parameter, "The one group is 'all'."));
    }
    let fast = distribution.get("fastLaunchConfigurations").and_then(Value::as_array);
    for (index, configuration) in fast.into_iter().flatten().enumerate() {
        let template = configuration.get("launchTemplate");
        let named = |member| template.is_some_and(|template| template.get(member).is_some());
        if template.is_some() && named("launchTemplateId") == named("launchTemplateName") {
            let parameter = format!("{path}.fastLaunchConfigurations[{index}].launchTemplate");
            return Err(bad_value(&parameter, "Exactly one of launchTemplateId and launchTemplateName is required."));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(distributions: Value) -> Option<String> {
        check(&json!({"distributions": distributions})).err().map(|error| error.to_string())
    }

    #[test]
    fn a_region_has_the_form_of_one() {
        for (text, expected) in [
            ("us-east-1", true),
            ("us-gov-west-1", true),
            ("ap-southeast-12", true),
            ("us-east", false),
            ("us-1", false),
            ("US-EAST-1", false),
            ("us-east-1a", false),
            ("", false),
        ] {
            assert_eq!(is_region(text), expected, "{text}");
        }
    }

    #[test]
    fn a_distribution_says_where_and_what() {
        let container = json!({"targetRepository": {"service": "ECR", "repositoryName": "web"}});
        let named = |name: &str| json!([{"region": "us-east-1", "amiDistributionConfiguration": {"name": name}}]);
        for valid in [
            json!([{"region": "us-east-1", "amiDistributionConfiguration": {}}]),
            json!([{"region": "us-east-1", "containerDistributionConfiguration": container}]),
            json!([{"region": "us-east-1", "launchTemplateConfigurations": [{}]}]),
            named("web {{imagebuilder:buildDate}}"),
        ] {
            assert_eq!(refused(valid.clone()), None, "{valid}");
        }
        for (distributions, part) in [
            (json!([{"region": "us-east-1"}]), "'distributions[0]' is not valid. One or more outputs should be"),
            (json!([{"region": "here", "amiDistributionConfiguration": {}}]), "'distributions[0].region'"),
            (named("web {{ imagebuilder:buildVersion }}"), "must contain '{{ imagebuilder:buildDate }}' to ensure"),
            (
                json!([{"region": "us-east-1", "ssmParameterConfigurations": [],
                    "containerDistributionConfiguration": container}]),
                "distributions[0] has ssmParameterConfigurations, which is for AMIs",
            ),
            (
                json!([{"region": "us-east-1",
                    "amiDistributionConfiguration": {"launchPermission": {"userGroups": ["mine"]}}}]),
                "'distributions[0].amiDistributionConfiguration.launchPermission.userGroups'",
            ),
            (
                json!([{"region": "us-east-1", "fastLaunchConfigurations": [
                    {"enabled": true, "launchTemplate": {"launchTemplateVersion": "1"}},
                ]}]),
                "fastLaunchConfigurations[0].launchTemplate'",
            ),
        ] {
            let message = refused(distributions.clone()).unwrap();
            assert!(message.contains(part), "{distributions}: {message}");
        }
    }
}
