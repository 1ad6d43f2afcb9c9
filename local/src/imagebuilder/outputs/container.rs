//! Container images.

use super::reach::Target;
use super::strings;
use crate::imagebuilder::store::Resource;
use serde_json::{Value, json};

/// `outputResources.containers` of a build: its image in each Region's repository, which is the recipe's unless
/// the distribution names another.
pub(super) fn images(image: &Resource, targets: &[Target]) -> Value {
    let recipe = image.document.get("containerRecipe").unwrap_or(&Value::Null);
    let version = image.text("version").unwrap_or_default().replace('/', "-");
    let container = |Target { region, account, distribution }: &Target| {
        let configuration = &distribution["containerDistributionConfiguration"];
        let repository = [&configuration["targetRepository"], &recipe["targetRepository"]]
            .into_iter()
            .find_map(|target| target["repositoryName"].as_str())
            .unwrap_or(&image.segment);
        let mut tags = vec![version.clone()];
        tags.extend(strings(&configuration["containerTags"]));
        let uris: Vec<_> =
            tags.iter().map(|tag| format!("{account}.dkr.ecr.{region}.amazonaws.com/{repository}:{tag}")).collect();
        json!({"region": region, "imageUris": uris})
    };
    targets.iter().map(container).collect()
}
