//! Facts for tests: pipelines of one account in one Region.

use super::*;
use shared::arn::VersionedArn;
use std::collections::BTreeMap;

pub(crate) const ACCOUNT: &str = "123456789012";

/// An ARN of Image Builder in the account.
pub(crate) fn arn(resource: &str) -> String {
    format!("arn:aws:imagebuilder:us-east-1:{ACCOUNT}:{resource}")
}

/// Amazon's.
pub(crate) fn amazons(resource: &str) -> String {
    arn(resource).replace(ACCOUNT, "aws")
}

pub(crate) fn build_arn(image: &str) -> ImageBuildArn {
    arn(&format!("image/{image}")).parse().unwrap()
}

pub(crate) fn facts(cause: Cause) -> Facts {
    Facts {
        cause,
        now: "2026-11-21T07:00:00Z".to_owned(),
        pipelines: Vec::new(),
        recipes: BTreeMap::new(),
        resolved: BTreeMap::new(),
        amis: BTreeMap::new(),
        builds: BTreeMap::new(),
    }
}

pub(crate) fn recipe(resource: &str, parent: &str, components: &[&str]) -> Recipe {
    Recipe {
        arn: arn(resource).parse().unwrap(),
        parent: parent.to_owned(),
        components: components.iter().map(|component| (*component).to_owned()).collect(),
    }
}

pub(crate) fn pipeline(name: &str, recipe: &str) -> Pipeline {
    Pipeline {
        arn: arn(&format!("image-pipeline/{name}")),
        name: name.to_owned(),
        recipe: arn(recipe),
        enabled: true,
        consecutive_failures: 0,
        failure_count: Some(5),
        tags: BTreeMap::new(),
    }
}

impl Facts {
    /// A pipeline with the recipe `image-recipe/NAME/VERSION` and without builds.
    pub(crate) fn add(&mut self, name_and_version: &str, parent: &str) {
        let (name, _) = name_and_version.split_once('/').unwrap();
        let resource = format!("image-recipe/{name_and_version}");
        self.recipes.insert(arn(&resource), Known::Is(recipe(&resource, parent, &[])));
        let pipeline = pipeline(name, &resource);
        self.builds.insert(pipeline.arn.clone(), Known::Is(Vec::new()));
        self.pipelines.push(pipeline);
    }

    pub(crate) fn resolve(&mut self, reference: &str, to: &str) {
        self.resolved.insert(reference.to_owned(), Known::Is(Resolved { to: to.to_owned(), deprecated: false }));
    }

    /// A build of a pipeline's recipe that is newer than those before, made of what the recipe stands for now.
    pub(crate) fn build(&mut self, name: &str, number: u32, status: Status) {
        let (index, pipeline) = self.pipelines.iter().enumerate().find(|(_, pipeline)| pipeline.name == name).unwrap();
        let recipe = self.recipe(pipeline).unwrap().clone();
        let VersionedArn { name, version, .. } = &recipe.arn;
        let arn = build_arn(&format!("{name}/{version}/{number}"));
        let inputs = Known::Is(crate::inputs::now(self, &recipe).unwrap());
        let builds = self.builds.get_mut(&self.pipelines[index].arn).unwrap();
        let Known::Is(builds) = builds else { panic!("the builds are known") };
        builds.insert(0, Build { arn, status, inputs });
    }
}
