//! Resource policies, and what other accounts see by them.

use crate::fixtures::{AMAZON_LINUX, DOCUMENT, built, component, pipeline, recipe};
use crate::harness::{Bench, arn, code, on_both};
use aws_sdk_imagebuilder::Client;
use aws_sdk_imagebuilder::config::{Builder, Credentials, Region};
use aws_sdk_imagebuilder::types::{
    ComponentConfiguration, ContainerRepositoryService, ContainerType, ImageStatus, Ownership, Platform,
    TargetContainerRepository,
};
use goldsmith_local::world::DEFAULT_REGION;
use serde_json::{Value, json};

const OTHER: &str = "111122223333";

/// A client of another account, whose access key is the account's ID.
fn client_of(bench: &Bench, account: &str) -> Client {
    client_in(bench, account, DEFAULT_REGION)
}

fn client_in(bench: &Bench, account: &str, region: &'static str) -> Client {
    let credentials = Credentials::new(account, "secret", None, None, "test");
    let config = Builder::from(&bench.config).credentials_provider(credentials).region(Region::new(region));
    Client::from_conf(config.build())
}

/// A policy that lets a principal read and list a resource of a kind, such as `Component`.
fn policy(arn: &str, kind: &str, principal: Value) -> String {
    let actions = [format!("imagebuilder:Get{kind}"), format!("imagebuilder:List{kind}s")];
    let statement = json!({"Effect": "Allow", "Principal": principal, "Action": actions, "Resource": [arn]});
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

fn with(account: &str) -> Value {
    json!({"AWS": [account]})
}

async fn container_recipe(bench: &Bench, component: &str) -> String {
    let repository =
        TargetContainerRepository::builder().service(ContainerRepositoryService::Ecr).repository_name("web");
    let create = bench.builder.create_container_recipe().name("boxed").semantic_version("1.0.0");
    let create = create.container_type(ContainerType::Docker).target_repository(repository.build().unwrap());
    let component = ComponentConfiguration::builder().component_arn(component).build().unwrap();
    let parent = "arn:aws:imagebuilder:us-east-1:aws:image/amazon-linux-x86-latest/x.x.x";
    let create = create.components(component).parent_image(parent);
    let made = create.dockerfile_template_data("FROM {{{ imagebuilder:parentImage }}}").send().await.unwrap();
    made.container_recipe_arn.unwrap()
}

#[tokio::test]
async fn a_component_is_shared_by_its_policy() {
    on_both(async |bench| {
        let other = client_of(bench, OTHER);
        let (mine, first) = (&bench.builder, component(bench, "agent", "1.0.0").await);
        let get = |client: &Client, arn: &str| client.get_component().component_build_version_arn(arn).send();
        assert_eq!(code(get(&other, &first).await), "ResourceNotFoundException");
        let none = mine.get_component_policy().component_arn(&first).send().await;
        assert_eq!(code(none), "ResourceNotFoundException");

        let text = policy(&first, "Component", with(OTHER));
        let put = mine.put_component_policy().component_arn(&first).policy(&text).send().await.unwrap();
        assert_eq!(put.component_arn(), Some(first.as_str()));
        let found = mine.get_component_policy().component_arn(&first).send().await.unwrap();
        assert_eq!(found.policy(), Some(text.as_str()));

        // The newest build that the other account sees is the shared one.
        let create = mine.create_component().name("agent").semantic_version("1.0.0").platform(Platform::Linux);
        let second = create.data(DOCUMENT).description("newer").send().await.unwrap();
        assert_eq!(code(get(&other, &second.component_build_version_arn.unwrap()).await), "ResourceNotFoundException");
        for asked in [&first, &arn("component/agent/1.0.0"), &arn("component/agent/x.x.x")] {
            let found = get(&other, asked).await.unwrap();
            assert_eq!(found.component().unwrap().arn(), Some(first.as_str()), "{asked}");
        }
        let list = async |owner: Ownership| {
            let list = other.list_components().owner(owner).send().await.unwrap();
            list.component_version_list().iter().map(|it| it.arn().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(list(Ownership::Shared).await, [arn("component/agent/1.0.0")]);
        assert!(list(Ownership::from("Self")).await.is_empty());
        let builds = other.list_component_build_versions().component_version_arn(arn("component/agent/1.0.0"));
        assert_eq!(builds.send().await.unwrap().component_summary_list().len(), 1);
        let tags = other.list_tags_for_resource().resource_arn(&first).send().await;
        assert!(tags.is_ok());

        // To see isn't to own.
        let delete = |client: &Client| client.delete_component().component_build_version_arn(&first).send();
        assert_eq!(code(delete(&other).await), "ForbiddenException");
        let theirs = other.put_component_policy().component_arn(&first).policy(&text).send().await;
        assert_eq!(code(theirs), "ForbiddenException");
        assert_eq!(code(other.get_component_policy().component_arn(&first).send().await), "ForbiddenException");
        let tag = other.tag_resource().resource_arn(&first).tags("a", "b").send().await;
        assert_eq!(code(tag), "InvalidParameterException");
        assert_eq!(code(get(&client_of(bench, "444455556666"), &first).await), "ResourceNotFoundException");

        // A policy takes the place of the one before.
        assert_eq!(code(delete(mine).await), "ResourceDependencyException");
        let nobody = policy(&first, "Component", with("123456789012"));
        mine.put_component_policy().component_arn(&first).policy(nobody).send().await.unwrap();
        assert_eq!(code(get(&other, &first).await), "ResourceNotFoundException");
        assert!(list(Ownership::Shared).await.is_empty());
        delete(mine).await.unwrap();
        assert_eq!(code(mine.get_component_policy().component_arn(&first).send().await), "ResourceNotFoundException");
    })
    .await;
}

#[tokio::test]
async fn what_is_no_policy_of_a_component_is_refused() {
    on_both(async |bench| {
        let agent = component(bench, "agent", "1.0.0").await;
        let put =
            |arn: &str, policy: String| bench.builder.put_component_policy().component_arn(arn).policy(policy).send();
        let probe = arn("component/probe/1.0.0/1");
        for (text, reason) in [
            ("{".to_owned(), "no JSON"),
            ("{}".to_owned(), "Version"),
            (policy(&agent, "Image", with(OTHER)), "expected imagebuilder:GetComponent or imagebuilder:ListComponents"),
            (policy(&probe, "Component", with(OTHER)), "has the resource"),
            (policy(&agent, "Component", with("me")), "has the principal \"me\""),
            (policy(&agent, "Component", with(OTHER)).replace("Allow", "Deny"), "Effect Allow"),
        ] {
            let error = put(&agent, text).await.unwrap_err().into_service_error();
            assert_eq!(error.meta().code(), Some("InvalidParameterValueException"));
            let said = error.meta().message().unwrap();
            assert!(said.contains("'policy' is not valid") && said.contains(reason), "{said}");
        }
        let organization = policy(&agent, "Component", with("arn:aws:organizations::123456789012:organization/o-a"));
        assert_eq!(code(put(&agent, organization).await), "NotImplementedException");
        let missing = put(&probe, policy(&probe, "Component", with(OTHER))).await;
        assert_eq!(code(missing), "ResourceNotFoundException");
        let amazons = "arn:aws:imagebuilder:us-east-1:aws:component/update-linux/1.0.2/1";
        assert_eq!(code(put(amazons, policy(amazons, "Component", with(OTHER))).await), "ForbiddenException");
        let version = arn("component/agent/1.0.0");
        assert_eq!(
            code(put(&version, policy(&version, "Component", with(OTHER))).await),
            "InvalidParameterValueException"
        );
        let none = bench.builder.get_component_policy().component_arn(&agent).send().await;
        assert_eq!(code(none), "ResourceNotFoundException", "nothing was kept");
    })
    .await;
}

#[tokio::test]
async fn an_image_is_shared_and_built_on_by_another_account() {
    on_both(async |bench| {
        let image = built(bench, &pipeline(bench).await).await;
        let (mine, other) = (&bench.builder, client_of(bench, OTHER));
        let get = |client: &Client| client.get_image().image_build_version_arn(&image).send();
        assert_eq!(code(get(&other).await), "ResourceNotFoundException");
        assert_eq!(code(mine.get_image_policy().image_arn(&image).send().await), "ResourceNotFoundException");
        let wrong = mine.put_image_policy().image_arn(&image).policy(policy(&image, "Component", with(OTHER)));
        assert_eq!(code(wrong.send().await), "InvalidParameterValueException");

        let text = policy(&image, "Image", json!({"AWS": format!("arn:aws:iam::{OTHER}:root")}));
        let put = mine.put_image_policy().image_arn(&image).policy(&text).send().await.unwrap();
        assert_eq!(put.image_arn(), Some(image.as_str()));
        let found = mine.get_image_policy().image_arn(&image).send().await.unwrap();
        assert_eq!(found.policy(), Some(text.as_str()));
        assert_eq!(get(&other).await.unwrap().image().unwrap().arn(), Some(image.as_str()));
        let shared = other.list_images().owner(Ownership::Shared).send().await.unwrap();
        let shared: Vec<_> = shared.image_version_list().iter().map(|it| it.arn().unwrap()).collect();
        assert_eq!(shared, [arn("image/web/1.0.0")]);
        assert!(other.list_images().send().await.unwrap().image_version_list().is_empty());
        let builds = other.list_image_build_versions().image_version_arn(arn("image/web/1.0.0")).send().await.unwrap();
        assert_eq!(builds.image_summary_list().len(), 1);
        let delete = mine.delete_image().image_build_version_arn(&image).send().await;
        assert_eq!(code(delete), "ResourceDependencyException");

        let create = other.create_image_recipe().name("child").semantic_version("1.0.0");
        let recipe = create.parent_image(arn("image/web/x.x.x")).send().await.unwrap().image_recipe_arn.unwrap();
        let create = other.create_infrastructure_configuration().name("builders").instance_profile_name("builders");
        let infrastructure = create.send().await.unwrap().infrastructure_configuration_arn.unwrap();
        let create = other.create_image().image_recipe_arn(recipe).infrastructure_configuration_arn(infrastructure);
        let child = create.send().await.unwrap().image_build_version_arn.unwrap();
        bench.ended(&child).await;
        let answer = other.get_image().image_build_version_arn(&child).send().await.unwrap();
        let child = answer.image().unwrap();
        assert_eq!(child.state().unwrap().status(), Some(&ImageStatus::Available));
        assert_eq!(child.image_recipe().unwrap().parent_image(), Some(image.as_str()));
    })
    .await;
}

#[tokio::test]
async fn an_image_recipe_is_shared_and_built_by_another_account() {
    on_both(async |bench| {
        let agent = component(bench, "agent", "1.0.0").await;
        let recipe = recipe(bench, "web", "1.0.0", &agent).await;
        let (mine, other) = (&bench.builder, client_of(bench, OTHER));
        let get = |client: &Client| client.get_image_recipe().image_recipe_arn(&recipe).send();
        assert_eq!(code(get(&other).await), "ResourceNotFoundException");
        assert_eq!(
            code(mine.get_image_recipe_policy().image_recipe_arn(&recipe).send().await),
            "ResourceNotFoundException"
        );
        let wildcard = arn("image-recipe/web/x.x.x");
        let text = policy(&wildcard, "ImageRecipe", with(OTHER));
        let put = mine.put_image_recipe_policy().image_recipe_arn(&wildcard).policy(text).send().await;
        assert_eq!(code(put), "ResourceNotFoundException");

        let text = policy(&recipe, "ImageRecipe", json!("*"));
        let put = mine.put_image_recipe_policy().image_recipe_arn(&recipe).policy(&text).send().await.unwrap();
        assert_eq!(put.image_recipe_arn(), Some(recipe.as_str()));
        let found = mine.get_image_recipe_policy().image_recipe_arn(&recipe).send().await.unwrap();
        assert_eq!(found.policy(), Some(text.as_str()));
        assert_eq!(get(&other).await.unwrap().image_recipe().unwrap().arn(), Some(recipe.as_str()));
        let shared = other.list_image_recipes().owner(Ownership::Shared).send().await.unwrap();
        assert_eq!(shared.image_recipe_summary_list()[0].arn(), Some(recipe.as_str()));
        let delete = mine.delete_image_recipe().image_recipe_arn(&recipe).send().await;
        assert_eq!(code(delete), "ResourceDependencyException");

        // The account needs the component too.
        let create = other.create_infrastructure_configuration().name("builders").instance_profile_name("builders");
        let infrastructure = create.send().await.unwrap().infrastructure_configuration_arn.unwrap();
        let build = async || {
            let create =
                other.create_image().image_recipe_arn(&recipe).infrastructure_configuration_arn(&infrastructure);
            let image = create.send().await.unwrap().image_build_version_arn.unwrap();
            bench.ended(&image).await;
            let answer = other.get_image().image_build_version_arn(&image).send().await.unwrap();
            answer.image.unwrap().state.unwrap()
        };
        let state = build().await;
        assert_eq!(state.status(), Some(&ImageStatus::Failed));
        assert!(state.reason().unwrap().contains(&agent), "{state:?}");
        let text = policy(&agent, "Component", with(OTHER));
        mine.put_component_policy().component_arn(&agent).policy(text).send().await.unwrap();
        assert_eq!(build().await.status(), Some(&ImageStatus::Available));
    })
    .await;
}

#[tokio::test]
async fn a_container_recipe_is_shared_by_its_policy() {
    on_both(async |bench| {
        let recipe = container_recipe(bench, &component(bench, "agent", "1.0.0").await).await;
        let (mine, other) = (&bench.builder, client_of(bench, OTHER));
        let get = |client: &Client| client.get_container_recipe().container_recipe_arn(&recipe).send();
        let policy_of = |client: &Client| client.get_container_recipe_policy().container_recipe_arn(&recipe).send();
        assert_eq!(code(policy_of(mine).await), "ResourceNotFoundException");
        let put = |text: String| mine.put_container_recipe_policy().container_recipe_arn(&recipe).policy(text).send();
        let image_recipes = policy(&recipe, "ImageRecipe", with(OTHER));
        assert_eq!(code(put(image_recipes).await), "InvalidParameterValueException");
        assert_eq!(code(get(&other).await), "ResourceNotFoundException");
        // To read isn't to list.
        let text = policy(&recipe, "ContainerRecipe", with(OTHER));
        let read_only = text.replace(",\"imagebuilder:ListContainerRecipes\"", "");
        assert_ne!(read_only, text);
        assert_eq!(put(read_only).await.unwrap().container_recipe_arn(), Some(recipe.as_str()));
        assert_eq!(get(&other).await.unwrap().container_recipe().unwrap().arn(), Some(recipe.as_str()));
        let list = || other.list_container_recipes().owner(Ownership::Shared).send();
        assert!(list().await.unwrap().container_recipe_summary_list().is_empty());
        put(text.clone()).await.unwrap();
        assert_eq!(policy_of(mine).await.unwrap().policy(), Some(text.as_str()));
        assert_eq!(list().await.unwrap().container_recipe_summary_list()[0].arn(), Some(recipe.as_str()));
        let delete = mine.delete_container_recipe().container_recipe_arn(&recipe).send().await;
        assert_eq!(code(delete), "ResourceDependencyException");
    })
    .await;
}

#[tokio::test]
async fn a_shared_component_is_used_in_another_accounts_recipe() {
    on_both(async |bench| {
        let agent = component(bench, "agent", "1.0.0").await;
        let other = client_of(bench, OTHER);
        let create = |component: &str| {
            let component = ComponentConfiguration::builder().component_arn(component).build().unwrap();
            let create = other.create_image_recipe().name("web").semantic_version("1.0.x").parent_image(AMAZON_LINUX);
            create.components(component).send()
        };
        assert_eq!(code(create(&agent).await), "InvalidParameterValueException");
        let text = policy(&agent, "Component", with(OTHER));
        bench.builder.put_component_policy().component_arn(&agent).policy(text).send().await.unwrap();
        let made = create(&agent).await.unwrap();
        assert_eq!(made.image_recipe_arn().unwrap(), arn("image-recipe/web/1.0.0").replace("123456789012", OTHER));
        // A policy is for the Region of its resource.
        let elsewhere = client_in(bench, OTHER, "eu-west-1");
        let get = elsewhere.get_component().component_build_version_arn(&agent).send().await;
        assert_eq!(code(get), "ResourceNotFoundException");
    })
    .await;
}
