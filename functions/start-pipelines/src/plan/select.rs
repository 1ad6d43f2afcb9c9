//! Which pipelines a cause is about.

use super::{BaseImage, Cause, Facts, Pipeline, Recipe, Select};
use crate::graph::stands_on;
use shared::arn::{Arn, VersionedArn};
use shared::pattern::fits;

/// Whether the cause is about a pipeline.
pub(super) fn concerns(facts: &Facts, pipeline: &Pipeline) -> bool {
    match &facts.cause {
        Cause::Schedule { select, .. } => select.includes(pipeline),
        Cause::Build(build) => facts.recipe(pipeline).is_some_and(|recipe| stands_on(facts, recipe, build)),
        Cause::BaseImage(base) => facts.recipe(pipeline).is_some_and(|recipe| base.carries(recipe)),
    }
}

impl Select {
    fn includes(&self, pipeline: &Pipeline) -> bool {
        self.tags.iter().all(|(key, value)| pipeline.tags.get(key) == Some(value))
            && (self.names.is_empty() || self.names.iter().any(|pattern| fits(pattern, &pipeline.name)))
            && (self.arns.is_empty() || self.arns.contains(&pipeline.arn))
    }
}

impl BaseImage {
    /// Whether a recipe's parent is this base image, by the names that Amazon gives its images and parameters.
    fn carries(&self, recipe: &Recipe) -> bool {
        if let Some(parameter) = recipe.parent.strip_prefix("ssm:") {
            return self.is_in_parameter(&parameter_name(parameter));
        }
        let Ok(VersionedArn { arn, kind, name, .. }) = recipe.parent.parse() else { return false };
        let ecs = name.contains("-ecs-optimized");
        let amazons = kind == "image" && arn.account == "aws";
        amazons
            && match self {
                Self::AmazonLinux2 => name.starts_with("amazon-linux-2-") && !ecs,
                Self::AmazonLinux2023 => name.starts_with("amazon-linux-2023-") && !ecs,
                Self::Windows => name.starts_with("windows-server-"),
                Self::EcsOptimized => ecs,
                Self::Parameter(_) => false,
            }
    }

    fn is_in_parameter(&self, name: &str) -> bool {
        let under = |path: &str| name.strip_prefix(path);
        let linux = under("aws/service/ami-amazon-linux-latest/");
        match self {
            Self::AmazonLinux2 => linux.is_some_and(|name| name.starts_with("amzn2-")),
            Self::AmazonLinux2023 => linux.is_some_and(|name| name.starts_with("al2023-")),
            Self::Windows => under("aws/service/ami-windows-latest/").is_some(),
            Self::EcsOptimized => under("aws/service/ecs/optimized-ami/").is_some(),
            Self::Parameter(changed) => parameter_name(changed) == name,
        }
    }
}

/// A parameter's name without the slash in front, from its name or ARN: an ARN doesn't tell `/a` from `a`.
fn parameter_name(reference: &str) -> String {
    let arn: Option<Arn> = reference.parse().ok();
    let name = arn.as_ref().and_then(|arn| arn.resource.strip_prefix("parameter")).unwrap_or(reference);
    name.trim_start_matches('/').to_owned()
}

#[cfg(test)]
mod tests;
