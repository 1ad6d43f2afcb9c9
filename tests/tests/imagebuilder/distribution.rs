//! What builds are distributed as, and images that no recipe makes.

use crate::fixtures::{built, component, infrastructure, pipeline, recipe};
use crate::harness::{Bench, arn, code, on_both};
use aws_sdk_imagebuilder::types::{
    AmiDistributionConfiguration, BuildType, ComponentConfiguration, ContainerDistributionConfiguration,
    ContainerRepositoryService, ContainerType, DiskImageFormat, Distribution, FastLaunchConfiguration, Image,
    ImageConfigurationStep, ImageSource, ImageStatus, LaunchPermissionConfiguration, LaunchTemplateConfiguration,
    Platform, RegionFailureStatus, RegisterImageOptions, S3ExportConfiguration, SsmParameterConfiguration,
    SsmParameterDataType, TargetContainerRepository, WindowsConfiguration,
};
use chrono::TimeDelta;
use goldsmith_local::ec2;
use goldsmith_local::world::{DEFAULT_ACCOUNT, DEFAULT_REGION};
use serde_json::json;

const OTHER: &str = "111122223333";
const TASK: &str = "import-ami-1234567890abcdef0";

/// A distribution configuration; the answer is its ARN.
async fn configuration(bench: &Bench, name: &str, distributions: Vec<Distribution>) -> String {
    let create = bench.builder.create_distribution_configuration().name(name);
    let made = create.set_distributions(Some(distributions)).send().await.unwrap();
    made.distribution_configuration_arn.unwrap()
}

/// The image of a build with a distribution configuration, after its end.
async fn distributed(bench: &Bench, distributions: Vec<Distribution>) -> Image {
    let component = component(bench, "agent", "1.0.0").await;
    let recipe = recipe(bench, "web", "1.0.0", &component).await;
    let infrastructure = infrastructure(bench, "builders").await;
    let configuration = configuration(bench, "everywhere", distributions).await;
    let create = bench.builder.create_image().image_recipe_arn(recipe);
    let create = create.infrastructure_configuration_arn(infrastructure).distribution_configuration_arn(configuration);
    let made = create.send().await.unwrap();
    after(bench, &made.image_build_version_arn.unwrap()).await
}

/// An image after its end.
async fn after(bench: &Bench, arn: &str) -> Image {
    bench.ended(arn).await;
    image(bench, arn).await
}

async fn image(bench: &Bench, arn: &str) -> Image {
    bench.builder.get_image().image_build_version_arn(arn).send().await.unwrap().image.unwrap()
}

fn status(image: &Image) -> ImageStatus {
    image.state().unwrap().status().unwrap().clone()
}

/// The image's only AMI, as EC2 has it.
fn ami(bench: &Bench, image: &Image, region: &str) -> ec2::Image {
    let amis = image.output_resources().unwrap().amis();
    let found = amis.iter().find(|ami| ami.region() == Some(region)).unwrap();
    ec2::image(&bench.local.world(), region, found.image().unwrap()).unwrap().clone()
}

fn to(region: &str) -> aws_sdk_imagebuilder::types::builders::DistributionBuilder {
    let ami = AmiDistributionConfiguration::builder().name("web {{ imagebuilder:buildDate }}").build();
    Distribution::builder().region(region).ami_distribution_configuration(ami)
}

#[tokio::test]
async fn amis_are_tagged_and_shared_by_region_and_account() {
    on_both(async |bench| {
        let organisation = format!("arn:aws:organizations::{OTHER}:organization/o-abcdefghij");
        let unit = format!("arn:aws:organizations::{OTHER}:ou/o-abcdefghij/ou-abcd-abcdefgh");
        let permission = LaunchPermissionConfiguration::builder()
            .user_ids(DEFAULT_ACCOUNT)
            .user_ids(OTHER)
            .user_groups("all")
            .organization_arns(&organisation)
            .organizational_unit_arns(&unit);
        let near = AmiDistributionConfiguration::builder()
            .name("near {{ imagebuilder:buildDate }}")
            .description("Near")
            .ami_tags("role", "web {{ imagebuilder:buildVersion }}")
            .kms_key_id("alias/images")
            .launch_permission(permission.build());
        let near = Distribution::builder().region(DEFAULT_REGION).ami_distribution_configuration(near.build());
        let far = AmiDistributionConfiguration::builder().target_account_ids(DEFAULT_ACCOUNT).target_account_ids(OTHER);
        let far = Distribution::builder().region("eu-west-1").ami_distribution_configuration(far.build());
        let image = distributed(bench, vec![near.build().unwrap(), far.build().unwrap()]).await;
        assert_eq!(status(&image), ImageStatus::Available);
        let amis = image.output_resources().unwrap().amis();
        let places: Vec<_> = amis.iter().map(|ami| (ami.region().unwrap(), ami.account_id().unwrap())).collect();
        assert_eq!(
            places,
            [(DEFAULT_REGION, DEFAULT_ACCOUNT), ("eu-west-1", DEFAULT_ACCOUNT), ("eu-west-1", OTHER)],
            "in the order of the configuration"
        );
        assert_eq!(amis[0].description(), Some("Near"));
        let found = ami(bench, &image, DEFAULT_REGION);
        assert_eq!(Some(found.name.as_str()), amis[0].name());
        assert_eq!(found.tags.get("CreatedBy").unwrap(), "EC2 Image Builder");
        assert_eq!(Some(found.tags.get("Ec2ImageBuilderArn").unwrap().as_str()), image.arn());
        assert_eq!(found.tags.get("role").unwrap(), "web 1");
        assert!(found.snapshots.values().all(|snapshot| snapshot.encrypted));
        let permissions: Vec<_> = found.launch_permissions.iter().map(|(kind, who)| (&**kind, &**who)).collect();
        assert_eq!(
            permissions,
            [
                ("UserId", OTHER),
                ("Group", "all"),
                ("OrganizationArn", organisation.as_str()),
                ("OrganizationalUnitArn", unit.as_str()),
            ],
            "the owner needs no permission"
        );
    })
    .await;
}

#[tokio::test]
async fn licences_are_associated_with_the_ami() {
    on_both(async |bench| {
        let licence =
            format!("arn:aws:license-manager:{DEFAULT_REGION}:{DEFAULT_ACCOUNT}:license-configuration:lic-{:032}", 7);
        let near = to(DEFAULT_REGION).license_configuration_arns(&licence).build().unwrap();
        let image = distributed(bench, vec![near, to("eu-west-1").build().unwrap()]).await;
        let of = |region: &str| {
            let id = ami(bench, &image, region).id;
            let world = bench.local.world();
            ec2::licences(&world, region, &id).to_vec()
        };
        assert_eq!((of(DEFAULT_REGION), of("eu-west-1")), (vec![licence], vec![]));
    })
    .await;
}

#[tokio::test]
async fn a_launch_template_gets_a_version_with_the_ami() {
    on_both(async |bench| {
        let data = json!({"ImageId": "ami-00000000000000001", "InstanceType": "t3.micro"});
        let input = json!({"LaunchTemplateName": "fleet", "LaunchTemplateData": data});
        let template = bench.call("ec2", "eu-west-1", "CreateLaunchTemplate", input);
        let id = template["launchTemplate"]["launchTemplateId"].as_str().unwrap().to_owned();
        let with = |set_default: bool| {
            let configuration = LaunchTemplateConfiguration::builder().launch_template_id(&id);
            to("eu-west-1")
                .launch_template_configurations(configuration.set_default_version(set_default).build().unwrap())
        };
        let image = distributed(bench, vec![with(true).build().unwrap()]).await;
        assert_eq!(status(&image), ImageStatus::Available);
        let versions = |bench: &Bench| {
            let input = json!({"LaunchTemplateId": id});
            let answer = bench.call("ec2", "eu-west-1", "DescribeLaunchTemplateVersions", input);
            let versions = answer["launchTemplateVersionSet"].as_array().unwrap().clone();
            let mut versions: Vec<_> = versions
                .iter()
                .map(|version| {
                    let number = version["versionNumber"].as_u64().unwrap();
                    let image = version["launchTemplateData"]["imageId"].as_str().unwrap().to_owned();
                    (number, image, version["defaultVersion"] == true)
                })
                .collect();
            versions.sort();
            versions
        };
        let made = ami(bench, &image, "eu-west-1").id;
        let old = "ami-00000000000000001".to_owned();
        assert_eq!(versions(bench), [(1, old.clone(), false), (2, made.clone(), true)]);
        let update = bench.builder.update_distribution_configuration();
        let update = update.distribution_configuration_arn(arn("distribution-configuration/everywhere"));
        update.distributions(with(false).build().unwrap()).send().await.unwrap();
        let create = bench.builder.create_image().image_recipe_arn(arn("image-recipe/web/1.0.0"));
        let create = create.infrastructure_configuration_arn(arn("infrastructure-configuration/builders"));
        let create = create.distribution_configuration_arn(arn("distribution-configuration/everywhere"));
        let second = create.send().await.unwrap().image_build_version_arn.unwrap();
        let second = ami(bench, &after(bench, &second).await, "eu-west-1").id;
        assert_eq!(versions(bench), [(1, old, false), (2, made, true), (3, second, false)]);
    })
    .await;
}

/// A build that failed for one Region's or account's sake: what the API says of it.
async fn failed(bench: &Bench, distributions: Vec<Distribution>, step: Option<ImageConfigurationStep>) -> Image {
    let image = distributed(bench, distributions).await;
    let state = image.state().unwrap();
    assert_eq!(state.status(), Some(&ImageStatus::Failed));
    let context = state.failure_context().unwrap();
    let at = if step.is_some() { ImageStatus::Integrating } else { ImageStatus::Distributing };
    assert_eq!(context.image_status(), Some(&at));
    let failure = context.distribution_failure().unwrap();
    let of_region = &failure.region_failures()[0];
    assert_eq!(failure.region_failures().len(), 1);
    assert_eq!(of_region.status(), Some(&RegionFailureStatus::Failed));
    assert_eq!(of_region.image_configuration_step(), step.as_ref());
    assert_eq!(of_region.target_account_id(), Some(DEFAULT_ACCOUNT));
    let message = of_region.error_message().unwrap();
    assert!(failure.error_message().unwrap().contains(message) && state.reason().unwrap().contains(message));
    image
}

#[tokio::test]
async fn a_launch_template_that_does_not_exist_fails_the_build_which_keeps_its_amis() {
    on_both(async |bench| {
        let template = LaunchTemplateConfiguration::builder().launch_template_id("lt-0123456789abcdef0").build();
        let near = to(DEFAULT_REGION).launch_template_configurations(template.unwrap()).build().unwrap();
        let image = failed(bench, vec![near], Some(ImageConfigurationStep::UpdateLaunchTemplates)).await;
        assert_eq!(ami(bench, &image, DEFAULT_REGION).state, "available");
        let reason = image.state().unwrap().reason().unwrap();
        assert!(reason.contains("Not all distribution jobs are completed. 1) "), "{reason}");
    })
    .await;
}

#[tokio::test]
async fn a_region_that_is_not_there_fails_the_build_while_distributing() {
    on_both(async |bench| {
        let distributions = vec![to("mars-north-1").build().unwrap(), to("eu-west-1").build().unwrap()];
        let image = failed(bench, distributions, None).await;
        let amis = image.output_resources().unwrap().amis();
        assert_eq!(amis.iter().filter_map(|ami| ami.region()).collect::<Vec<_>>(), ["eu-west-1"]);
        assert_eq!(ami(bench, &image, "eu-west-1").state, "available");
    })
    .await;
}

#[tokio::test]
async fn fast_launch_is_for_windows() {
    on_both(async |bench| {
        let fast = || FastLaunchConfiguration::builder().enabled(true).max_parallel_launches(6).build();
        let near = to(DEFAULT_REGION).fast_launch_configurations(fast()).build().unwrap();
        let step = ImageConfigurationStep::UpdateFastLaunchConfigurations;
        failed(bench, vec![near.clone()], Some(step)).await;
        let states = |bench: &Bench| bench.call("ec2", DEFAULT_REGION, "DescribeFastLaunchImages", json!({}));
        assert_eq!(states(bench)["fastLaunchImageSet"], json!([]));

        let import = bench.builder.import_vm_image().name("windows").semantic_version("1.0.0");
        let import = import.platform(Platform::Windows).vm_import_task_id(TASK).send().await.unwrap();
        let windows = after(bench, import.image_arn().unwrap()).await;
        let distribute = bench.builder.distribute_image().source_image(windows.arn().unwrap());
        let distribute = distribute.execution_role("distributor");
        let distribute =
            distribute.distribution_configuration_arn(arn("distribution-configuration/everywhere")).send().await;
        let image = after(bench, distribute.unwrap().image_build_version_arn().unwrap()).await;
        assert_eq!(status(&image), ImageStatus::Available);
        let found = &states(bench)["fastLaunchImageSet"][0];
        assert_eq!(found["imageId"], ami(bench, &image, DEFAULT_REGION).id);
        assert_eq!(found["maxParallelLaunches"].to_string().trim_matches('"'), "6");
    })
    .await;
}

#[tokio::test]
async fn parameters_get_the_amis_id() {
    on_both(async |bench| {
        let checked = SsmParameterConfiguration::builder()
            .parameter_name("/web/ami")
            .data_type(SsmParameterDataType::AwsEc2Image)
            .ami_account_id(DEFAULT_ACCOUNT);
        let plain = SsmParameterConfiguration::builder().parameter_name("web-ami");
        let far = to("eu-west-1")
            .ssm_parameter_configurations(checked.build().unwrap())
            .ssm_parameter_configurations(plain.build().unwrap());
        let image = distributed(bench, vec![to(DEFAULT_REGION).build().unwrap(), far.build().unwrap()]).await;
        let get = |region: &str, name: &str| {
            let found = bench.call("ssm", region, "GetParameters", json!({"Names": [name]}));
            found["Parameters"][0]["Value"].as_str().map(str::to_owned)
        };
        let made = ami(bench, &image, "eu-west-1").id;
        assert_eq!((get("eu-west-1", "/web/ami"), get("eu-west-1", "web-ami")), (Some(made.clone()), Some(made)));
        assert_eq!(get(DEFAULT_REGION, "/web/ami"), None);
    })
    .await;
}

#[tokio::test]
async fn a_parameter_that_cannot_hold_an_ami_fails_the_build() {
    on_both(async |bench| {
        let input = json!({"Name": "/web/ami", "Value": "secret", "Type": "SecureString"});
        bench.call("ssm", DEFAULT_REGION, "PutParameter", input);
        let parameter = SsmParameterConfiguration::builder().parameter_name("/web/ami").build().unwrap();
        let near = to(DEFAULT_REGION).ssm_parameter_configurations(parameter).build().unwrap();
        failed(bench, vec![near], Some(ImageConfigurationStep::PutSsmParameters)).await;
    })
    .await;
}

#[tokio::test]
async fn disk_images_are_exported() {
    on_both(async |bench| {
        let export = S3ExportConfiguration::builder()
            .role_name("vmimport")
            .disk_image_format(DiskImageFormat::Vmdk)
            .s3_bucket("disks")
            .s3_prefix("web");
        let near = to(DEFAULT_REGION).s3_export_configuration(export.build().unwrap()).build().unwrap();
        let image = distributed(bench, vec![near]).await;
        assert_eq!(status(&image), ImageStatus::Available);
        let world = bench.local.world();
        let [export] = &world.imagebuilder.outputs.exports[image.arn().unwrap()][..] else { panic!("one export") };
        assert!(export.key.starts_with("web/export-ami-") && export.key.ends_with(".vmdk"), "{}", export.key);
    })
    .await;
}

#[tokio::test]
async fn an_encrypted_image_is_not_exported() {
    on_both(async |bench| {
        let ami = AmiDistributionConfiguration::builder().kms_key_id("alias/images").build();
        let export = S3ExportConfiguration::builder().role_name("vmimport").disk_image_format(DiskImageFormat::Raw);
        let near = to(DEFAULT_REGION).ami_distribution_configuration(ami);
        let near = near.s3_export_configuration(export.s3_bucket("disks").build().unwrap()).build().unwrap();
        failed(bench, vec![near], Some(ImageConfigurationStep::ExportAmi)).await;
    })
    .await;
}

#[tokio::test]
async fn container_images_are_pushed_to_each_regions_repository() {
    on_both(async |bench| {
        let agent = component(bench, "agent", "1.0.0").await;
        let repository = |name: &str| {
            let target = TargetContainerRepository::builder().service(ContainerRepositoryService::Ecr);
            target.repository_name(name).build().unwrap()
        };
        let agent = ComponentConfiguration::builder().component_arn(agent).build().unwrap();
        let recipe = bench.builder.create_container_recipe().name("tools").semantic_version("1.2.0");
        let recipe = recipe.container_type(ContainerType::Docker).parent_image("amazonlinux:latest").components(agent);
        let recipe = recipe.dockerfile_template_data("FROM {{{ imagebuilder:parentImage }}}");
        let recipe = recipe.target_repository(repository("tools")).platform_override(Platform::Linux);
        let recipe = recipe.send().await.unwrap().container_recipe_arn.unwrap();
        let infrastructure = infrastructure(bench, "builders").await;
        let to = |region: &str, name: &str| {
            let target = ContainerDistributionConfiguration::builder().target_repository(repository(name));
            let target = target.container_tags("stable").build();
            Distribution::builder().region(region).container_distribution_configuration(target).build().unwrap()
        };
        let distributions =
            vec![to(DEFAULT_REGION, "tools"), to("eu-west-1", "far/tools"), to("mars-north-1", "tools")];
        let configuration = configuration(bench, "everywhere", distributions).await;
        let create = bench.builder.create_image().container_recipe_arn(recipe);
        let create = create.infrastructure_configuration_arn(infrastructure);
        let made = create.distribution_configuration_arn(configuration).send().await.unwrap();
        let image = after(bench, &made.image_build_version_arn.unwrap()).await;
        let outputs = image.output_resources().unwrap();
        assert!(outputs.amis().is_empty());
        let containers: Vec<_> =
            outputs.containers().iter().map(|it| (it.region().unwrap(), it.image_uris())).collect();
        let uris = |region: &str, name: &str| {
            ["1.2.0-1", "stable"].map(|tag| format!("{DEFAULT_ACCOUNT}.dkr.ecr.{region}.amazonaws.com/{name}:{tag}"))
        };
        let (near, far) = (uris(DEFAULT_REGION, "tools"), uris("eu-west-1", "far/tools"));
        assert_eq!(containers, [(DEFAULT_REGION, &near[..]), ("eu-west-1", &far[..])]);
        assert_eq!(status(&image), ImageStatus::Failed, "one Region isn't there");
    })
    .await;
}

#[tokio::test]
async fn an_image_is_distributed_without_a_build() {
    on_both(async |bench| {
        let pipeline = pipeline(bench).await;
        let source = built(bench, &pipeline).await;
        let source_ami = ami(bench, &image(bench, &source).await, DEFAULT_REGION);
        let input = json!({"Name": "/base", "Value": source_ami.id, "Type": "String"});
        bench.call("ssm", DEFAULT_REGION, "PutParameter", input);
        let configuration = configuration(bench, "europe", vec![to("eu-west-1").build().unwrap()]).await;
        let mut made = Vec::new();
        for reference in [source.as_str(), &arn("image/web/1.0.0"), "ssm:/base", &source_ami.id] {
            let distribute = bench.builder.distribute_image().source_image(reference).tags("why", "test");
            let distribute = distribute.distribution_configuration_arn(&configuration).execution_role("distributor");
            let answer = distribute.send().await.unwrap();
            assert!(answer.client_token().is_some());
            let arn = answer.image_build_version_arn().unwrap().to_owned();
            assert_eq!(status(&image(bench, &arn).await), ImageStatus::Pending);
            let image = after(bench, &arn).await;
            assert_eq!(status(&image), ImageStatus::Available, "{reference}");
            assert_eq!(image.execution_role(), Some("distributor"));
            assert_eq!(image.tags().unwrap()["why"], "test");
            assert_eq!((image.build_type(), image.image_recipe()), (Some(&BuildType::UserInitiated), None));
            assert_eq!(image.os_version(), Some("Amazon Linux 2023"));
            assert_eq!(image.distribution_configuration().unwrap().arn(), Some(configuration.as_str()));
            let copy = ami(bench, &image, "eu-west-1");
            assert_eq!(copy.source, Some((DEFAULT_REGION.to_owned(), source_ami.id.clone())));
            assert_eq!(copy.tags.get("Ec2ImageBuilderArn"), Some(&arn));
            made.push(arn);
        }
        let named = |build: u32| arn(&format!("image/web-distribution/1.0.0/{build}"));
        assert_eq!(made[..2], [named(1), named(2)]);
        assert!(made[2].ends_with("-distribution/1.0.0/1") && made[3].ends_with("-distribution/1.0.0/2"), "{made:?}");
        let listed = bench.builder.list_image_build_versions().image_version_arn(arn("image/web/1.0.0"));
        assert_eq!(listed.send().await.unwrap().image_summary_list().len(), 1, "the source has no new build");
        let listed = bench.builder.list_image_build_versions().image_version_arn(arn("image/web-distribution/1.0.0"));
        assert_eq!(listed.send().await.unwrap().image_summary_list().len(), 2);
        let states = bench.journal(goldsmith_local::journal::Kind::ImageState);
        assert_eq!(states[states.len() - 3..], ["DISTRIBUTING", "INTEGRATING", "AVAILABLE"]);
    })
    .await;
}

#[tokio::test]
async fn what_is_not_there_or_not_available_is_not_distributed() {
    on_both(async |bench| {
        let configuration = configuration(bench, "europe", vec![to("eu-west-1").build().unwrap()]).await;
        let pipeline = pipeline(bench).await;
        let unfinished = crate::fixtures::start(bench, &pipeline).await;
        let distribute = async |source: &str, configuration: &str| {
            let distribute = bench.builder.distribute_image().source_image(source).execution_role("distributor");
            code(distribute.distribution_configuration_arn(configuration).send().await)
        };
        for (source, expected) in [
            (arn("image/none/1.0.0/1").as_str(), "ResourceNotFoundException"),
            ("ami-0123456789abcdef0", "ResourceNotFoundException"),
            ("ssm:/nothing", "ResourceNotFoundException"),
            ("something", "InvalidRequestException"),
            (unfinished.as_str(), "InvalidRequestException"),
        ] {
            assert_eq!(distribute(source, &configuration).await, expected, "{source}");
        }
        let source = built(bench, &pipeline).await;
        let missing = arn("distribution-configuration/none");
        assert_eq!(distribute(&source, &missing).await, "ResourceNotFoundException");
    })
    .await;
}

#[tokio::test]
async fn a_source_that_is_gone_fails_its_distribution() {
    on_both(async |bench| {
        let pipeline = pipeline(bench).await;
        let source = built(bench, &pipeline).await;
        let id = ami(bench, &image(bench, &source).await, DEFAULT_REGION).id;
        let configuration = configuration(bench, "europe", vec![to("eu-west-1").build().unwrap()]).await;
        let distribute = bench.builder.distribute_image().source_image(&id).execution_role("distributor");
        let answer = distribute.distribution_configuration_arn(&configuration).send().await.unwrap();
        bench.call("ec2", DEFAULT_REGION, "DeregisterImage", json!({"ImageId": id}));
        let image = after(bench, answer.image_build_version_arn().unwrap()).await;
        assert_eq!(status(&image), ImageStatus::Failed);
        let context = image.state().unwrap().failure_context().unwrap();
        let failure = &context.distribution_failure().unwrap().region_failures()[0];
        assert!(failure.error_message().unwrap().contains(&id));
    })
    .await;
}

#[tokio::test]
async fn a_virtual_machine_becomes_an_image() {
    on_both(async |bench| {
        let import = || {
            let import = bench.builder.import_vm_image().name("My VM").semantic_version("2.1.0");
            let import = import.description("Off the rack").platform(Platform::Linux).os_version("Ubuntu 24");
            import.vm_import_task_id(TASK).tags("from", "rack")
        };
        let answer = import().send().await.unwrap();
        assert!(answer.request_id().is_some() && answer.client_token().is_some());
        let arn = answer.image_arn().unwrap();
        assert_eq!(arn, crate::harness::arn("image/my-vm/2.1.0/1"));
        let pending = image(bench, arn).await;
        assert_eq!((status(&pending), pending.output_resources().unwrap().amis().len()), (ImageStatus::Pending, 0));
        let image = after(bench, arn).await;
        assert_eq!(status(&image), ImageStatus::Available);
        assert_eq!(image.build_type(), Some(&BuildType::Import));
        assert_eq!(image.image_source(), Some(&ImageSource::Imported));
        assert_eq!((image.name(), image.version()), (Some("My VM"), Some("2.1.0/1")));
        assert_eq!((image.os_version(), image.platform()), (Some("Ubuntu 24"), Some(&Platform::Linux)));
        let made = ami(bench, &image, DEFAULT_REGION);
        assert_eq!((made.name.as_str(), made.description.as_deref()), (TASK, Some("Off the rack")));

        let again = import().send().await.unwrap();
        let again = after(bench, again.image_arn().unwrap()).await;
        assert_eq!(again.version(), Some("2.1.0/2"));
        assert_eq!(ami(bench, &again, DEFAULT_REGION).id, made.id, "a task makes one AMI");
        bench.builder.delete_image().image_build_version_arn(again.arn().unwrap()).send().await.unwrap();
        assert!(!bench.local.world().imagebuilder.arrivals.origins.contains_key(again.arn().unwrap()));
    })
    .await;
}

#[tokio::test]
async fn malformed_imports_of_machines_are_refused() {
    on_both(async |bench| {
        let import = async |name: &str, version: &str, task: &str| {
            let import = bench.builder.import_vm_image().name(name).semantic_version(version);
            code(import.platform(Platform::Linux).vm_import_task_id(task).send().await)
        };
        for (name, version, task) in
            [("vm1", "1.0.0", "task"), ("vm/1", "1.0.0", TASK), ("vm1", "1.0", TASK), ("v", "1.0.0", TASK)]
        {
            assert_eq!(import(name, version, task).await, "InvalidParameterValueException", "{name} {version} {task}");
        }
        assert!(bench.local.world().imagebuilder.arrivals.origins.is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_import_can_be_cancelled_and_then_makes_no_ami() {
    on_both(async |bench| {
        let import = bench.builder.import_vm_image().name("machine").semantic_version("1.0.0");
        let import = import.platform(Platform::Linux).vm_import_task_id(TASK).send().await.unwrap();
        let arn = import.image_arn().unwrap();
        let delete = bench.builder.delete_image().image_build_version_arn(arn).send().await;
        assert_eq!(code(delete), "ResourceDependencyException", "it is under way");
        bench.builder.cancel_image_creation().image_build_version_arn(arn).send().await.unwrap();
        let image = after(bench, arn).await;
        bench.pass(TimeDelta::hours(1)).await;
        assert_eq!(status(&image), ImageStatus::Cancelled);
        assert!(image.output_resources().unwrap().amis().is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_installation_disk_becomes_an_image() {
    on_both(async |bench| {
        let infrastructure = infrastructure(bench, "builders").await;
        let import = bench.builder.import_disk_image().name("windows 11").semantic_version("1.0.0");
        let import = import.platform("Windows").os_version("Microsoft Windows 11").description("Desktops");
        let import = import.infrastructure_configuration_arn(&infrastructure).execution_role("importer");
        let import = import.uri("s3://disks/windows/11.iso");
        let import = import.windows_configuration(WindowsConfiguration::builder().image_index(3).build().unwrap());
        let options = RegisterImageOptions::builder().secure_boot_enabled(true).build();
        let answer = import.register_image_options(options).send().await.unwrap();
        let arn = answer.image_build_version_arn().unwrap();
        let image = after(bench, arn).await;
        assert_eq!(status(&image), ImageStatus::Available);
        assert_eq!(image.build_type(), Some(&BuildType::ImportIso));
        assert_eq!(image.image_source(), Some(&ImageSource::Imported));
        assert_eq!(image.os_version(), Some("Microsoft Windows 11"));
        assert_eq!(image.infrastructure_configuration().unwrap().arn(), Some(infrastructure.as_str()));
        let made = ami(bench, &image, DEFAULT_REGION);
        assert!(made.windows && made.name.starts_with("windows 11 2026-03-02T"), "{}", made.name);
        assert_eq!(made.description.as_deref(), Some("Desktops"));
        assert_eq!(made.tags.get("Ec2ImageBuilderArn").unwrap(), arn);
        assert_eq!(bench.journal(goldsmith_local::journal::Kind::ImageState), ["CREATING", "BUILDING", "AVAILABLE"]);
    })
    .await;
}

#[tokio::test]
async fn malformed_imports_of_disks_are_refused() {
    on_both(async |bench| {
        let infrastructure = infrastructure(bench, "builders").await;
        let missing = arn("infrastructure-configuration/none");
        let import = async |platform: &str, os_version: &str, uri: &str, infrastructure: &str| {
            let import = bench.builder.import_disk_image().name("disk").semantic_version("1.0.0");
            let import = import.platform(platform).os_version(os_version).uri(uri);
            code(import.infrastructure_configuration_arn(infrastructure).send().await)
        };
        let (windows, iso) = ("Microsoft Windows 11", "s3://disks/11.iso");
        for (platform, os_version, uri, infrastructure, expected) in [
            ("Linux", windows, iso, &infrastructure, "InvalidParameterValueException"),
            ("Windows", "Ubuntu 24", iso, &infrastructure, "InvalidParameterValueException"),
            ("Windows", windows, "s3://disks/11.vhd", &infrastructure, "InvalidParameterValueException"),
            ("Windows", windows, iso, &missing, "ResourceNotFoundException"),
        ] {
            assert_eq!(import(platform, os_version, uri, infrastructure).await, expected, "{platform} {uri}");
        }
    })
    .await;
}
