//! What a recipe's parent and components are at this time. Pure: it reads the world and changes nothing.

use super::recipe::parameters;
use super::store::{Kind, Resource, latest};
use super::{marketplace, sharing};
use crate::world::World;
use crate::{ec2, ssm};
use serde_json::{Map, Value};
use shared::arn::VersionedArn;

/// What a build is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Materials {
    /// The image build version, AMI or container image that the recipe's parent stands for; what doesn't
    /// resolve stays as the recipe has it.
    pub(crate) parent: String,
    /// The component build versions, in the recipe's order.
    pub(crate) components: Vec<String>,
    /// The parent's, which it has from its own parent, up to a managed image.
    pub(crate) os_version: Option<String>,
    /// The parent's, if it is an image of Image Builder.
    pub(crate) platform: Option<String>,
    /// What doesn't resolve, a sentence each.
    pub(crate) problems: Vec<String>,
    /// A parent AMI that the local EC2 doesn't know: somebody else's, taken as it stands.
    pub(crate) unknown_ami: Option<String>,
}

/// The image that an ARN selects: the build that it names, or the newest that its version or wildcard selects
/// of those that are AVAILABLE.
pub(crate) fn image<'a>(world: &'a World, account: &str, region: &str, arn: &str) -> Option<&'a Resource> {
    find(world, account, region, arn, Kind::Image, |image| image.status() == "AVAILABLE")
}

fn find<'a>(
    world: &'a World,
    account: &str,
    region: &str,
    arn: &str,
    kind: Kind,
    usable: impl Fn(&Resource) -> bool,
) -> Option<&'a Resource> {
    let wanted: VersionedArn = arn.parse().ok()?;
    if wanted.kind != kind.segment() {
        return None;
    }
    let store = &world.imagebuilder;
    let sees = |resource: &Resource| sharing::sees(store, account, resource);
    let found = match wanted.build {
        Some(_) => store.get(arn).filter(|found| found.region == region && sees(found)),
        None => {
            let usable = |resource: &Resource| sees(resource) && usable(resource);
            latest(store, kind, region, &wanted.arn.account, &wanted.name, &wanted.version, usable)
        }
    };
    found.filter(|_| wanted.arn.region == region)
}

/// The recipe that an exact or wildcard ARN selects.
pub(crate) fn recipe<'a>(world: &'a World, account: &str, region: &str, arn: &str, kind: Kind) -> Option<&'a Resource> {
    find(world, account, region, arn, kind, |_| true)
}

/// The ARNs, IDs and names by which a recipe refers to what it is made of.
pub(crate) fn references(recipe: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let parent = recipe.get("parentImage").and_then(Value::as_str);
    parent.into_iter().chain(component_references(recipe))
}

fn component_references(recipe: &Map<String, Value>) -> impl Iterator<Item = &str> {
    components(recipe).filter_map(|component| component["componentArn"].as_str())
}

fn components(recipe: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    recipe.get("components").and_then(Value::as_array).into_iter().flatten()
}

/// What a recipe's references are now.
pub(crate) fn materials(world: &World, account: &str, region: &str, recipe: &Map<String, Value>) -> Materials {
    let reference = recipe.get("parentImage").and_then(Value::as_str).unwrap_or_default();
    let mut materials = Materials {
        parent: reference.to_owned(),
        components: Vec::new(),
        os_version: None,
        platform: None,
        problems: Vec::new(),
        unknown_ami: None,
    };
    let container = recipe.contains_key("containerType");
    materials.take_parent(world, account, region, container);
    let named = recipe.get("arn").and_then(Value::as_str).unwrap_or_default();
    if let Some(os_version) = world.imagebuilder.recipes.os_version(named) {
        materials.os_version = Some(os_version.to_owned());
    }
    for configuration in components(recipe) {
        let reference = configuration["componentArn"].as_str().unwrap_or_default();
        let enabled = |component: &Resource| component.status() != "DISABLED";
        match find(world, account, region, reference, Kind::Component, enabled).filter(|found| enabled(found)) {
            Some(component) => {
                materials.components.push(component.arn.clone());
                let lacking = parameters::lacking(component, configuration);
                if !lacking.is_empty() {
                    let list = lacking.join(", ");
                    let problem = format!("The component '{}' needs values for the parameters {list}.", component.arn);
                    materials.problems.push(problem);
                }
            }
            None => {
                materials.components.push(reference.to_owned());
                materials.problems.push(format!("The component '{reference}' doesn't resolve to a component."));
            }
        }
    }
    materials
}

impl Materials {
    fn take_parent(&mut self, world: &World, account: &str, region: &str, container: bool) {
        // A product of AWS Marketplace stands for its newest image.
        let product = marketplace::image_of(&world.imagebuilder, region, &self.parent);
        let reference = product.map_or_else(|| self.parent.clone(), |image| image.arn.clone());
        if reference.starts_with("arn:") {
            let found = image(world, account, region, &reference).filter(|image| image.status() == "AVAILABLE");
            match found {
                Some(image) => {
                    self.parent.clone_from(&image.arn);
                    self.take_system(image);
                }
                None => self.problems.push(format!(
                    "The parent image '{reference}' doesn't resolve to an image build version that is AVAILABLE."
                )),
            }
        } else if let Some(name) = reference.strip_prefix("ssm:") {
            match parameter(world, account, region, name) {
                Some(value) => self.take_ami(world, account, region, &value),
                None => self.problems.push(format!("The parameter '{name}' of the parent image doesn't exist.")),
            }
        } else if reference.starts_with("ami-") {
            self.take_ami(world, account, region, &reference);
        } else if !container {
            self.problems.push(format!("The parent image '{reference}' isn't supported by the local Image Builder."));
        }
    }

    fn take_ami(&mut self, world: &World, account: &str, region: &str, id: &str) {
        id.clone_into(&mut self.parent);
        if !world.ec2.images.contains_key(&(region.to_owned(), id.to_owned())) {
            if id.starts_with("ami-") {
                self.unknown_ami = Some(id.to_owned());
            } else {
                self.problems.push(format!("The value '{id}' of the parent image's parameter isn't an AMI."));
            }
            return;
        }
        match ec2::visible(world, account, region, id) {
            Some(ami) if ami.state == "available" => {
                self.platform = Some(if ami.windows { "Windows" } else { "Linux" }.to_owned());
                if let Some(image) = image_with(world, region, ami) {
                    self.take_system(image);
                }
            }
            Some(_) => self.problems.push(format!("The AMI '{id}' of the parent image isn't available.")),
            None => self.problems.push(format!("The account {account} has no access to the AMI '{id}'.")),
        }
    }

    fn take_system(&mut self, image: &Resource) {
        self.os_version = image.text("osVersion").map(str::to_owned);
        self.platform = image.text("platform").map(str::to_owned);
    }
}

/// The AMIs that an image has in a Region.
pub(crate) fn ami_in<'a>(image: &'a Resource, region: &'a str) -> impl Iterator<Item = &'a str> {
    let amis = image.document.get("outputResources").and_then(|outputs| outputs["amis"].as_array());
    amis.into_iter().flatten().filter(move |ami| ami["region"] == region).filter_map(|ami| ami["image"].as_str())
}

/// The image of Image Builder that made an AMI: Amazon's AMIs are found in Amazon's images, the others have a tag
/// that names the image.
fn image_with<'a>(world: &'a World, region: &str, ami: &ec2::Image) -> Option<&'a Resource> {
    let has = |image: &&Resource| ami_in(image, region).any(|made| made == ami.id);
    if ami.owner == ec2::AMAZON_ACCOUNT {
        return world.imagebuilder.owned(Kind::Image, region, "aws").find(has);
    }
    world.imagebuilder.get(ami.tags.get("Ec2ImageBuilderArn")?).filter(has)
}

/// The value of a parameter, by its name or ARN, as an account reads it in a Region: a public one or its own.
pub(crate) fn parameter(world: &World, account: &str, region: &str, reference: &str) -> Option<String> {
    // A public parameter's ARN has no account.
    let public = reference.strip_prefix(&format!("arn:aws:ssm:{region}::parameter"));
    ssm::value(world, account, region, public.unwrap_or(reference))
}

/// Whether a build would now be made of something else than an earlier one, whose document this is. Another
/// recipe counts, for the schedule's condition is about what goes into the image.
pub(crate) fn has_news(earlier: &Map<String, Value>, recipe_arn: &str, now: &Materials) -> bool {
    let Some(recipe) = earlier.get("imageRecipe").or_else(|| earlier.get("containerRecipe")).and_then(Value::as_object)
    else {
        return true;
    };
    let is = |member: &str, value: &str| recipe.get(member).is_some_and(|it| it == value);
    !is("arn", recipe_arn)
        || !is("parentImage", &now.parent)
        || !component_references(recipe).eq(now.components.iter().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use serde_json::json;

    fn resolve(world: &World, parent: &str) -> Materials {
        let recipe = json!({"parentImage": parent, "components": []});
        materials(world, ACCOUNT, REGION, recipe.as_object().unwrap())
    }

    #[test]
    fn parents_resolve_to_the_newest_available_build() {
        let mut world = world();
        for (name, version, build, status) in [
            ("base", "1.6.8", 1, "AVAILABLE"),
            ("base", "1.10.0", 1, "AVAILABLE"),
            ("base", "1.10.0", 2, "AVAILABLE"),
            ("base", "1.10.0", 3, "FAILED"),
            ("base", "1.10.1", 1, "DEPRECATED"),
            ("base", "2.0.0", 1, "BUILDING"),
        ] {
            put_image(&mut world, name, version, build, status);
        }
        let image = |rest: &str| format!("arn:aws:imagebuilder:{REGION}:{ACCOUNT}:image/{rest}");
        for (reference, resolved) in [
            ("base/x.x.x", Some("base/1.10.0/2")),
            ("base/1.x.x", Some("base/1.10.0/2")),
            ("base/1.6.x", Some("base/1.6.8/1")),
            ("base/1.10.0", Some("base/1.10.0/2")),
            ("base/1.10.0/1", Some("base/1.10.0/1")),
            ("base/1.10.0/3", None),
            ("base/1.10.1", None),
            ("base/1.10.1/1", None),
            ("base/2.x.x", None),
            ("other/x.x.x", None),
        ] {
            let materials = resolve(&world, &image(reference));
            assert_eq!(materials.problems.is_empty(), resolved.is_some(), "{reference}");
            assert_eq!(materials.parent, image(resolved.unwrap_or(reference)), "{reference}");
        }
    }

    #[test]
    fn somebody_elses_image_does_not_resolve() {
        let mut world = world();
        put_image(&mut world, "base", "1.0.0", 1, "AVAILABLE");
        let recipe = json!({"parentImage": format!("arn:aws:imagebuilder:{REGION}:{ACCOUNT}:image/base/x.x.x")});
        let materials = materials(&world, "111122223333", REGION, recipe.as_object().unwrap());
        assert_eq!(materials.problems.len(), 1);
    }

    #[test]
    fn amis_must_be_available_and_accessible_but_unknown_ones_are_taken() {
        let mut world = world();
        for (id, owner, state) in [
            ("ami-00000000000000001", ACCOUNT, "available"),
            ("ami-00000000000000002", ACCOUNT, "pending"),
            ("ami-00000000000000003", "111122223333", "available"),
        ] {
            put_ami(&mut world, id, owner, state);
        }
        assert_eq!(resolve(&world, "ami-00000000000000001").problems, Vec::<String>::new());
        assert_eq!(resolve(&world, "ami-00000000000000002").problems.len(), 1);
        assert_eq!(resolve(&world, "ami-00000000000000003").problems.len(), 1);
        let unknown = resolve(&world, "ami-00000000000000004");
        assert_eq!((unknown.problems.len(), unknown.unknown_ami.is_some()), (0, true));
        assert_eq!(resolve(&world, "ssm:/no/such").problems.len(), 1);
        assert_eq!(resolve(&world, "prod-abc").problems.len(), 1);
    }

    #[test]
    fn a_parameter_names_the_ami() {
        let mut world = world();
        put_ami(&mut world, "ami-00000000000000001", ACCOUNT, "available");
        let input = json!({"Name": "/base/ami", "Value": "ami-00000000000000001", "Type": "String"});
        ssm::call(&mut world, &context(), "PutParameter", input).unwrap();
        let arn = format!("ssm:arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/base/ami");
        let elsewhere = arn.replace(ACCOUNT, "111122223333");
        assert_eq!(resolve(&world, &elsewhere).problems.len(), 1, "another account's parameter");
        for reference in ["ssm:/base/ami", &arn] {
            let materials = resolve(&world, reference);
            assert_eq!((materials.parent.as_str(), materials.problems.len()), ("ami-00000000000000001", 0));
        }
        let name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";
        for reference in [format!("ssm:{name}"), format!("ssm:arn:aws:ssm:{REGION}::parameter{name}")] {
            let public = resolve(&world, &reference);
            assert_eq!((public.os_version.as_deref(), public.problems.len()), (Some("Amazon Linux 2023"), 0));
        }
    }

    #[test]
    fn an_ami_of_an_image_has_its_operating_system() {
        let mut world = world();
        put_image(&mut world, "base", "1.0.0", 1, "AVAILABLE");
        let arn = format!("arn:aws:imagebuilder:{REGION}:{ACCOUNT}:image/base/1.0.0/1");
        put_ami(&mut world, "ami-00000000000000001", ACCOUNT, "available");
        let document = &mut world.imagebuilder.get_mut(&arn).unwrap().document;
        document.insert("outputResources", json!({"amis": [{"region": REGION, "image": "ami-00000000000000001"}]}));
        let ami = world.ec2.images.get_mut(&(REGION.to_owned(), "ami-00000000000000001".to_owned())).unwrap();
        ami.tags.insert("Ec2ImageBuilderArn".to_owned(), arn);
        assert_eq!(resolve(&world, "ami-00000000000000001").os_version.as_deref(), Some("Amazon Linux 2023"));
    }

    #[test]
    fn components_resolve_to_builds_and_news_are_told_from_the_last_build() {
        let mut world = world();
        put_image(&mut world, "base", "1.0.0", 1, "AVAILABLE");
        put_component(&mut world, "agent", "1.0.0", 1, None);
        let recipe = json!({
            "parentImage": format!("arn:aws:imagebuilder:{REGION}:{ACCOUNT}:image/base/x.x.x"),
            "components": [{"componentArn": format!("arn:aws:imagebuilder:{REGION}:{ACCOUNT}:component/agent/1.0.x")}],
        });
        let now = |world: &World| materials(world, ACCOUNT, REGION, recipe.as_object().unwrap());
        let first = now(&world);
        assert_eq!(first.components, [format!("arn:aws:imagebuilder:{REGION}:{ACCOUNT}:component/agent/1.0.0/1")]);
        let earlier = json!({"imageRecipe": {
            "arn": "r", "parentImage": first.parent, "components": [{"componentArn": first.components[0]}],
        }});
        let earlier = earlier.as_object().unwrap();
        assert!(!has_news(earlier, "r", &now(&world)));
        assert!(has_news(earlier, "another recipe", &now(&world)));
        put_component(&mut world, "agent", "1.1.0", 1, None);
        assert!(!has_news(earlier, "r", &now(&world)), "1.0.x doesn't select 1.1.0");
        put_component(&mut world, "agent", "1.0.0", 2, None);
        assert!(has_news(earlier, "r", &now(&world)));
        put_image(&mut world, "base", "1.0.1", 1, "AVAILABLE");
        assert!(has_news(earlier, "r", &Materials { components: first.components.clone(), ..now(&world) }));
        assert!(has_news(&Map::new(), "r", &now(&world)), "a pipeline that never built");
    }
}
