//! Image and container recipes.

use crate::fixtures::{AMAZON_LINUX, DOCUMENT, component, infrastructure, recipe};
use crate::harness::{Bench, arn, code, on_both};
use aws_sdk_imagebuilder::error::ProvideErrorMetadata;
use aws_sdk_imagebuilder::operation::create_container_recipe::builders::CreateContainerRecipeFluentBuilder;
use aws_sdk_imagebuilder::operation::create_image_recipe::builders::CreateImageRecipeFluentBuilder;
use aws_sdk_imagebuilder::types::{
    AdditionalInstanceConfiguration, ComponentConfiguration, ComponentParameter, ContainerRepositoryService,
    ContainerType, EbsInstanceBlockDeviceSpecification, EbsVolumeType, Filter, Image, ImageStatus, ImageType,
    InstanceBlockDeviceMapping, InstanceConfiguration, LatestVersionReferences, Ownership, Platform,
    SystemsManagerAgent, TargetContainerRepository,
};
use aws_sdk_ssm::types::ParameterType;
use chrono::TimeDelta;
use goldsmith_local::world::{DEFAULT_ACCOUNT, DEFAULT_REGION};

/// A document with a parameter that has a default, and one that has none.
const WITH_PARAMETERS: &str = "schemaVersion: 1.0
parameters:
  - level:
      type: string
      default: low
  - bucket:
      type: string
phases:
  - name: build
    steps:
      - name: Install
        action: ExecuteBash
        inputs:
          commands:
            - true
";

fn image(bench: &Bench, name: &str, version: &str) -> CreateImageRecipeFluentBuilder {
    bench.builder.create_image_recipe().name(name).semantic_version(version).parent_image(AMAZON_LINUX)
}

fn container(bench: &Bench, name: &str, version: &str) -> CreateContainerRecipeFluentBuilder {
    let target = TargetContainerRepository::builder().service(ContainerRepositoryService::Ecr).repository_name("tools");
    let create = bench.builder.create_container_recipe().name(name).semantic_version(version);
    create
        .container_type(ContainerType::Docker)
        .parent_image("amazonlinux:2023")
        .target_repository(target.build().unwrap())
}

fn with(component: &str, parameters: &[(&str, &str)]) -> ComponentConfiguration {
    let parameters =
        parameters.iter().map(|(name, value)| ComponentParameter::builder().name(*name).value(*value).build().unwrap());
    let parameters: Vec<_> = parameters.collect();
    let parameters = (!parameters.is_empty()).then_some(parameters);
    ComponentConfiguration::builder().component_arn(component).set_parameters(parameters).build().unwrap()
}

fn references(references: Option<&LatestVersionReferences>) -> [String; 4] {
    let references = references.unwrap();
    [
        references.latest_version_arn(),
        references.latest_major_version_arn(),
        references.latest_minor_version_arn(),
        references.latest_patch_version_arn(),
    ]
    .map(|arn| arn.unwrap().rsplit('/').next().unwrap().to_owned())
}

/// A build of a recipe, as it is when it has ended.
async fn built_of(bench: &Bench, recipe_arn: &str) -> Image {
    let infrastructure = infrastructure(bench, &format!("for {}", recipe_arn.rsplit('/').nth(1).unwrap())).await;
    let create = bench.builder.create_image().infrastructure_configuration_arn(infrastructure);
    let create = match recipe_arn.contains(":container-recipe/") {
        true => create.container_recipe_arn(recipe_arn),
        false => create.image_recipe_arn(recipe_arn),
    };
    let arn = create.send().await.unwrap().image_build_version_arn.unwrap();
    bench.ended(&arn).await;
    bench.builder.get_image().image_build_version_arn(arn).send().await.unwrap().image.unwrap()
}

#[tokio::test]
async fn an_image_recipe_comes_back_as_it_was_made() {
    on_both(async |bench| {
        let agent = component(bench, "agent", "1.0.0").await;
        let root = EbsInstanceBlockDeviceSpecification::builder()
            .volume_size(20)
            .volume_type(EbsVolumeType::Gp3)
            .iops(4000)
            .throughput(250)
            .encrypted(true)
            .kms_key_id("alias/ami")
            .delete_on_termination(true);
        let root = InstanceBlockDeviceMapping::builder().device_name("/dev/xvda").ebs(root.build()).build();
        let gone = InstanceBlockDeviceMapping::builder().device_name("/dev/xvdb").no_device("").build();
        let agent_of_aws = SystemsManagerAgent::builder().uninstall_after_build(true).build();
        let instance = AdditionalInstanceConfiguration::builder()
            .systems_manager_agent(agent_of_aws)
            .user_data_override("IyEvYmluL3NoCg==")
            .build();
        let made = image(bench, "Web Server", "1.2.3")
            .description("Serves")
            .components(with(&agent, &[]))
            .block_device_mappings(root.clone())
            .block_device_mappings(gone.clone())
            .working_directory("/var/tmp")
            .additional_instance_configuration(instance.clone())
            .ami_tags("Role", "web {{ imagebuilder:buildVersion }}")
            .ami_watermarks("Golden")
            .tags("team", "edge")
            .client_token("one")
            .send()
            .await
            .unwrap();
        let recipe_arn = made.image_recipe_arn().unwrap();
        assert_eq!((recipe_arn, made.client_token()), (arn("image-recipe/web-server/1.2.3").as_str(), Some("one")));
        let expected = ["x.x.x", "1.x.x", "1.2.x", "1.2.3"];
        assert_eq!(references(made.latest_version_references()), expected);

        for asked in [recipe_arn, &arn("image-recipe/web-server/1.x.x")] {
            let answer = bench.builder.get_image_recipe().image_recipe_arn(asked).send().await.unwrap();
            assert_eq!(references(answer.latest_version_references()), expected);
            let recipe = answer.image_recipe().unwrap();
            assert_eq!((recipe.arn(), recipe.name()), (Some(recipe_arn), Some("Web Server")));
            assert_eq!((recipe.r#type(), recipe.platform()), (Some(&ImageType::Ami), Some(&Platform::Linux)));
            assert_eq!((recipe.owner(), recipe.version()), (Some(DEFAULT_ACCOUNT), Some("1.2.3")));
            assert_eq!((recipe.description(), recipe.parent_image()), (Some("Serves"), Some(AMAZON_LINUX)));
            assert_eq!(recipe.components()[0].component_arn(), agent);
            assert_eq!(recipe.block_device_mappings(), [root.clone(), gone.clone()]);
            assert_eq!(recipe.working_directory(), Some("/var/tmp"));
            assert_eq!(recipe.additional_instance_configuration(), Some(&instance));
            assert_eq!(recipe.ami_tags().unwrap()["Role"], "web {{ imagebuilder:buildVersion }}");
            assert_eq!(
                (recipe.ami_watermarks(), &recipe.tags().unwrap()["team"]),
                (&["Golden".to_owned()][..], &"edge".to_owned())
            );
            assert_eq!(recipe.date_created(), Some("2026-03-02T00:00:00.000Z"));
        }
        let image = built_of(bench, recipe_arn).await;
        let made_of = image.image_recipe().unwrap();
        assert_eq!(made_of.additional_instance_configuration(), Some(&instance));
        let ami = image.output_resources().unwrap().amis()[0].image().unwrap().to_owned();
        let world = bench.local.world();
        assert_eq!(world.ec2.images[&(DEFAULT_REGION.to_owned(), ami)].tags.get("Role").unwrap(), "web 1");
    })
    .await;
}

#[tokio::test]
async fn a_wildcard_version_counts_up_and_a_version_is_made_once() {
    on_both(async |bench| {
        for (wanted, made) in
            [("1.0.x", "1.0.0"), ("1.0.x", "1.0.1"), ("1.x.x", "1.0.2"), ("3.x.x", "3.0.0"), ("x.x.x", "3.0.1")]
        {
            let answer = image(bench, "web", wanted).send().await.unwrap();
            assert_eq!(answer.image_recipe_arn(), Some(arn(&format!("image-recipe/web/{made}")).as_str()), "{wanted}");
            let answer = container(bench, "box", wanted).dockerfile_template_data("FROM x").send().await.unwrap();
            assert_eq!(answer.container_recipe_arn(), Some(arn(&format!("container-recipe/box/{made}")).as_str()));
        }
        let newest = bench.builder.get_image_recipe().image_recipe_arn(arn("image-recipe/web/x.x.x")).send().await;
        assert_eq!(newest.unwrap().image_recipe().unwrap().version(), Some("3.0.1"));

        let again = image(bench, "WEB", "1.0.0").send().await.unwrap_err();
        assert_eq!(again.code(), Some("ResourceAlreadyExistsException"));
        let message =
            format!("The following resource 'ImageRecipe' already exists: '{}'.", arn("image-recipe/web/1.0.0"));
        assert_eq!(again.message(), Some(message.as_str()));
        let again = container(bench, "box", "1.0.0").dockerfile_template_data("FROM x").send().await;
        assert_eq!(code(again), "ResourceAlreadyExistsException");
        image(bench, "web", "1073741823.0.1073741823").send().await.unwrap();
        for version in ["1073741824.0.0", "x.1.0", "1.x.0", "1073741823.0.x"] {
            assert_eq!(code(image(bench, "web", version).send().await), "InvalidVersionNumberException", "{version}");
        }
        assert_eq!(code(image(bench, "web", "1.0").send().await), "InvalidParameterValueException");
        assert_eq!(code(image(bench, "data", "1.0.0").dry_run(true).send().await), "DryRunOperationException");
        let missing = bench.builder.get_image_recipe().image_recipe_arn(arn("image-recipe/data/1.0.0")).send().await;
        assert_eq!(code(missing), "ResourceNotFoundException");
    })
    .await;
}

#[tokio::test]
async fn an_image_recipe_that_makes_no_sense_is_refused() {
    on_both(async |bench| {
        let value = "InvalidParameterValueException";
        for parent in
            ["web", "ssm:", "ami-1", "amazonlinux:2023", &arn("image/none/1.0.0"), &arn("component/a/1.0.0/1")]
        {
            let refused = image(bench, "web", "1.0.0").parent_image(parent).send().await.unwrap_err();
            assert_eq!(refused.code(), Some(value), "{parent}");
            assert!(
                refused.message().unwrap().starts_with("The value supplied for parameter 'parentImage' is not valid.")
            );
        }
        let sold = image(bench, "web", "1.0.0").parent_image("prod-abcdefgh").send().await;
        assert_eq!(code(sold), "NotImplementedException");

        let agent = component(bench, "agent", "1.0.0").await;
        let create = bench.builder.create_component().name("windows").semantic_version("1.0.0");
        let windows = create.platform(Platform::Windows).data(DOCUMENT).send().await.unwrap();
        let windows = windows.component_build_version_arn.unwrap();
        for components in [
            vec![with(&arn("component/none/1.0.0"), &[])],
            vec![with(&agent, &[]), with(&arn("component/agent/x.x.x"), &[])],
            vec![with(&windows, &[])],
        ] {
            let refused = image(bench, "web", "1.0.0").set_components(Some(components)).send().await;
            assert_eq!(code(refused), value);
        }
        let mut many = Vec::new();
        for number in 0..21 {
            many.push(with(&component(bench, &format!("part {number}"), "1.0.0").await, &[]));
        }
        let refused = image(bench, "web", "1.0.0").set_components(Some(many.clone())).send().await;
        assert_eq!(code(refused), "ServiceQuotaExceededException");
        many.pop();
        image(bench, "web", "1.0.0").set_components(Some(many)).send().await.unwrap();

        let io1 = EbsInstanceBlockDeviceSpecification::builder().volume_type(EbsVolumeType::Io1).build();
        let device = InstanceBlockDeviceMapping::builder().device_name("/dev/xvda").ebs(io1).build();
        let refused = image(bench, "data", "1.0.0").block_device_mappings(device).send().await.unwrap_err();
        assert!(refused.message().unwrap().contains("'blockDeviceMappings[0].ebs.iops'"), "{refused:?}");
        assert_eq!(code(image(bench, "data", "1.0.0").ami_tags("aws:a", "b").send().await), value);
        assert_eq!(code(image(bench, "data", "1.0.0").ami_watermarks("x").send().await), value);
    })
    .await;
}

#[tokio::test]
async fn components_take_the_parameters_that_they_define() {
    on_both(async |bench| {
        let create = bench.builder.create_component().name("agent").semantic_version("1.0.0");
        let made = create.platform(Platform::Linux).data(WITH_PARAMETERS).send().await.unwrap();
        let agent = made.component_build_version_arn.unwrap();
        let unknown = with(&agent, &[("bucket", "b"), ("S3BucketName", "b")]);
        let refused = image(bench, "web", "1.0.0").components(unknown).send().await.unwrap_err();
        assert_eq!(refused.code(), Some("InvalidParameterCombinationException"));
        assert_eq!(
            refused.message(),
            Some(
                "The value supplied for parameter 'components[0].parameters' is not valid. The following parameters \
                 are not defined in the provided component: S3BucketName"
            )
        );
        let twice = with(&agent, &[("bucket", "b"), ("bucket", "c")]);
        assert_eq!(code(image(bench, "web", "1.0.0").components(twice).send().await), "InvalidParameterValueException");

        let lacking = image(bench, "lacking", "1.0.0").components(with(&agent, &[("level", "high")])).send().await;
        let failed = built_of(bench, lacking.unwrap().image_recipe_arn().unwrap()).await;
        let state = failed.state().unwrap();
        assert_eq!(state.status(), Some(&ImageStatus::Failed));
        assert!(state.reason().unwrap().contains("needs values for the parameters bucket."), "{state:?}");
        let whole = image(bench, "whole", "1.0.0").components(with(&agent, &[("bucket", "b")])).send().await;
        let built = built_of(bench, whole.unwrap().image_recipe_arn().unwrap()).await;
        assert_eq!(built.state().unwrap().status(), Some(&ImageStatus::Available));
        assert_eq!(built.image_recipe().unwrap().components()[0].parameters()[0].name(), "bucket");
    })
    .await;
}

#[tokio::test]
async fn a_parent_is_an_ami_by_its_id_or_by_a_parameter_that_holds_it() {
    on_both(async |bench| {
        let base = recipe(bench, "base", "1.0.0", &component(bench, "agent", "1.0.0").await).await;
        let base = built_of(bench, &base).await;
        let ami = base.output_resources().unwrap().amis()[0].image().unwrap();
        let put = aws_sdk_ssm::Client::new(&bench.config).put_parameter().name("/golden/base").value(ami);
        put.r#type(ParameterType::String).data_type("aws:ec2:image").send().await.unwrap();
        bench.pass(TimeDelta::minutes(5)).await;
        let parameter = format!("arn:aws:ssm:{DEFAULT_REGION}:{DEFAULT_ACCOUNT}:parameter/golden/base");
        for (name, parent) in [
            ("by-id", ami.to_owned()),
            ("by-name", "ssm:/golden/base".to_owned()),
            ("by-arn", format!("ssm:{parameter}")),
        ] {
            let made = image(bench, name, "1.0.0").parent_image(parent).send().await.unwrap();
            let built = built_of(bench, made.image_recipe_arn().unwrap()).await;
            assert_eq!(built.image_recipe().unwrap().parent_image(), Some(ami), "{name}");
            assert_eq!(built.state().unwrap().status(), Some(&ImageStatus::Available));
            assert_eq!(built.os_version(), base.os_version());
        }
        let made = image(bench, "lost", "1.0.0").parent_image("ssm:/golden/none").send().await.unwrap();
        let failed = built_of(bench, made.image_recipe_arn().unwrap()).await;
        assert!(failed.state().unwrap().reason().unwrap().contains("/golden/none"));
    })
    .await;
}

#[tokio::test]
async fn a_container_recipe_comes_back_as_it_was_made_and_builds() {
    on_both(async |bench| {
        let agent = component(bench, "agent", "1.0.0").await;
        let disk = EbsInstanceBlockDeviceSpecification::builder().volume_size(50).build();
        let disk = InstanceBlockDeviceMapping::builder().device_name("/dev/xvda").ebs(disk).build();
        let instance =
            InstanceConfiguration::builder().image("ami-0123456789abcdef0").block_device_mappings(disk).build();
        let made = container(bench, "Tools", "1.0.0")
            .description("For builds")
            .parent_image("public.ecr.aws/amazonlinux/amazonlinux:2023")
            .platform_override(Platform::Linux)
            .image_os_version_override("Amazon Linux 2023")
            .components(with(&agent, &[]))
            .instance_configuration(instance.clone())
            .dockerfile_template_data("FROM {{{ imagebuilder:parentImage }}}")
            .kms_key_id("alias/boxes")
            .working_directory("/tmp")
            .tags("team", "edge")
            .send()
            .await
            .unwrap();
        let recipe_arn = made.container_recipe_arn().unwrap();
        assert_eq!(references(made.latest_version_references()), ["x.x.x", "1.x.x", "1.0.x", "1.0.0"]);
        let answer = bench.builder.get_container_recipe().container_recipe_arn(arn("container-recipe/tools/x.x.x"));
        let answer = answer.send().await.unwrap();
        assert_eq!(references(answer.latest_version_references()), ["x.x.x", "1.x.x", "1.0.x", "1.0.0"]);
        let recipe = answer.container_recipe().unwrap();
        assert_eq!((recipe.arn(), recipe.name(), recipe.version()), (Some(recipe_arn), Some("Tools"), Some("1.0.0")));
        assert_eq!(
            (recipe.platform(), recipe.container_type()),
            (Some(&Platform::Linux), Some(&ContainerType::Docker))
        );
        assert_eq!((recipe.owner(), recipe.encrypted()), (Some(DEFAULT_ACCOUNT), Some(true)));
        assert_eq!(recipe.dockerfile_template_data(), Some("FROM {{{ imagebuilder:parentImage }}}"));
        assert_eq!(recipe.instance_configuration(), Some(&instance));
        assert_eq!((recipe.kms_key_id(), recipe.working_directory()), (Some("alias/boxes"), Some("/tmp")));
        assert_eq!(recipe.target_repository().unwrap().repository_name(), "tools");
        assert_eq!(recipe.components()[0].component_arn(), agent);
        assert_eq!((recipe.description(), &recipe.tags().unwrap()["team"]), (Some("For builds"), &"edge".to_owned()));
        let image = built_of(bench, recipe_arn).await;
        assert_eq!((image.r#type(), image.os_version()), (Some(&ImageType::Docker), Some("Amazon Linux 2023")));

        let value = "InvalidParameterValueException";
        let valid = || container(bench, "other", "1.0.0").dockerfile_template_data("FROM x");
        let both = valid().dockerfile_template_uri("s3://bucket/Dockerfile").send().await;
        assert_eq!(code(both), "InvalidRequestException");
        assert_eq!(code(container(bench, "other", "1.0.0").send().await), "InvalidRequestException");
        assert_eq!(code(valid().platform_override(Platform::Macos).send().await), value);
        let public = valid().parent_image("public.ecr.aws/docker/library/alpine:3").send().await.unwrap_err();
        assert_eq!(
            public.message(),
            Some(
                "The value supplied for parameter 'parentImage' is not valid. You must specify a platform override \
                 when using ECR Public Repositories as your parent image."
            )
        );
        let instance = InstanceConfiguration::builder().image("al2023").build();
        assert_eq!(code(valid().instance_configuration(instance).send().await), value);
        assert_eq!(code(valid().components(with(&arn("component/none/1.0.0"), &[])).send().await), value);
        assert_eq!(code(valid().container_type("PODMAN".into()).send().await), value);
        let base = self::image(bench, "base", "1.0.0").send().await.unwrap();
        built_of(bench, base.image_recipe_arn().unwrap()).await;
        assert_eq!(code(valid().parent_image(arn("image/base/1.0.0")).send().await), value, "an AMI is no container");
        assert_eq!(code(valid().dry_run(true).send().await), "DryRunOperationException");
    })
    .await;
}

#[tokio::test]
async fn recipes_are_listed_by_owner_and_filter() {
    on_both(async |bench| {
        let by = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
        for name in ["web", "web admin", "data"] {
            image(bench, name, "1.0.0").send().await.unwrap();
            container(bench, name, "1.0.0").dockerfile_template_data("FROM x").send().await.unwrap();
        }
        for (filter, expected) in [
            (by("name", "web*"), vec!["web", "web admin"]),
            (by("platform", "Linux"), vec!["web", "web admin", "data"]),
            (by("platform", "Windows"), vec![]),
        ] {
            let images = bench.builder.list_image_recipes().filters(filter.clone()).send().await.unwrap();
            let names: Vec<_> = images.image_recipe_summary_list().iter().map(|it| it.name().unwrap()).collect();
            assert_eq!(names, expected);
            let containers = bench.builder.list_container_recipes().filters(filter).send().await.unwrap();
            let names: Vec<_> =
                containers.container_recipe_summary_list().iter().map(|it| it.name().unwrap()).collect();
            assert_eq!(names, expected);
        }
        let containers = bench.builder.list_container_recipes().send().await.unwrap();
        let first = &containers.container_recipe_summary_list()[0];
        assert_eq!((first.container_type(), first.owner()), (Some(&ContainerType::Docker), Some(DEFAULT_ACCOUNT)));
        let images = bench.builder.list_image_recipes().filters(by("parentImage", AMAZON_LINUX)).send().await.unwrap();
        assert_eq!(images.image_recipe_summary_list()[0].parent_image(), Some(AMAZON_LINUX));
        let amazons = bench.builder.list_image_recipes().owner(Ownership::Amazon).send().await.unwrap();
        assert_eq!(amazons.image_recipe_summary_list(), []);
        let page = bench.builder.list_image_recipes().max_results(2).send().await.unwrap();
        let rest = bench.builder.list_image_recipes().set_next_token(page.next_token.clone()).send().await.unwrap();
        assert_eq!((page.image_recipe_summary_list().len(), rest.image_recipe_summary_list().len()), (2, 1));
        let unknown = bench.builder.list_container_recipes().filters(by("version", "1.0.0")).send().await;
        assert_eq!(code(unknown), "InvalidParameterValueException");
    })
    .await;
}

#[tokio::test]
async fn a_recipe_is_deleted_when_no_pipeline_has_it() {
    on_both(async |bench| {
        let infrastructure = infrastructure(bench, "builders").await;
        for version in ["1.0.0", "1.0.1"] {
            image(bench, "web", version).send().await.unwrap();
            container(bench, "box", version).dockerfile_template_data("FROM x").send().await.unwrap();
        }
        let pipeline = |name: &str| {
            let create = bench.builder.create_image_pipeline().name(name);
            create.infrastructure_configuration_arn(&infrastructure)
        };
        pipeline("web").image_recipe_arn(arn("image-recipe/web/x.x.x")).send().await.unwrap();
        pipeline("box").container_recipe_arn(arn("container-recipe/box/1.0.1")).send().await.unwrap();
        let delete_image = async |version: &str| {
            let recipe = arn(&format!("image-recipe/web/{version}"));
            bench.builder.delete_image_recipe().image_recipe_arn(recipe).send().await
        };
        let delete_container = async |version: &str| {
            let recipe = arn(&format!("container-recipe/box/{version}"));
            bench.builder.delete_container_recipe().container_recipe_arn(recipe).send().await
        };
        let refused = delete_image("1.0.1").await.unwrap_err();
        assert_eq!(refused.code(), Some("ResourceDependencyException"));
        let message = format!(
            "Resource dependency error: The resource ARN '{}' has other resources depended on it.",
            arn("image-recipe/web/1.0.1")
        );
        assert_eq!(refused.message(), Some(message.as_str()));
        assert_eq!(code(delete_container("1.0.1").await), "ResourceDependencyException");
        let gone = delete_image("1.0.0").await.unwrap();
        assert_eq!(gone.image_recipe_arn(), Some(arn("image-recipe/web/1.0.0").as_str()));
        delete_container("1.0.0").await.unwrap();
        assert_eq!(code(delete_image("1.0.0").await), "ResourceNotFoundException");
        assert_eq!(code(delete_container("1.0.0").await), "ResourceNotFoundException");
        assert_eq!(code(delete_image("1.x.x").await), "InvalidRequestException");
        for name in ["web", "box"] {
            let arn = arn(&format!("image-pipeline/{name}"));
            bench.builder.delete_image_pipeline().image_pipeline_arn(arn).send().await.unwrap();
        }
        delete_image("1.0.1").await.unwrap();
        delete_container("1.0.1").await.unwrap();
        let missing = bench.builder.get_container_recipe().container_recipe_arn(arn("container-recipe/box/x.x.x"));
        assert_eq!(code(missing.send().await), "ResourceNotFoundException");
    })
    .await;
}
