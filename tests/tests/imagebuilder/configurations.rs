//! Infrastructure and distribution configurations.

use crate::fixtures::{component, infrastructure, recipe};
use crate::harness::{Bench, arn, code, on_both};
use aws_sdk_imagebuilder::error::ProvideErrorMetadata;
use aws_sdk_imagebuilder::operation::create_infrastructure_configuration::builders::CreateInfrastructureConfigurationFluentBuilder;
use aws_sdk_imagebuilder::types::builders::DistributionBuilder;
use aws_sdk_imagebuilder::types::{
    AmiDistributionConfiguration, AutoScalingGroupConfiguration, ContainerDistributionConfiguration,
    ContainerRepositoryService, DiskImageFormat, Distribution, DistributionConfiguration, FastLaunchConfiguration,
    FastLaunchLaunchTemplateSpecification, FastLaunchSnapshotConfiguration, Filter, InfrastructureConfiguration,
    InstanceMetadataOptions, LaunchPermissionConfiguration, LaunchTemplateConfiguration, Logging,
    ParentInstanceConfiguration, Placement, S3ExportConfiguration, S3Logs, SsmParameterConfiguration,
    SsmParameterDataType, TargetContainerRepository, TenancyType,
};
use chrono::TimeDelta;

const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:builds";
const PROFILE: &str = "EC2InstanceProfileForImageBuilder";

fn create(bench: &Bench, name: &str) -> CreateInfrastructureConfigurationFluentBuilder {
    bench.builder.create_infrastructure_configuration().name(name).instance_profile_name(PROFILE)
}

async fn infrastructure_of(bench: &Bench, arn: &str) -> InfrastructureConfiguration {
    let get = bench.builder.get_infrastructure_configuration().infrastructure_configuration_arn(arn);
    get.send().await.unwrap().infrastructure_configuration.unwrap()
}

async fn distribution_of(bench: &Bench, arn: &str) -> DistributionConfiguration {
    let get = bench.builder.get_distribution_configuration().distribution_configuration_arn(arn);
    get.send().await.unwrap().distribution_configuration.unwrap()
}

#[tokio::test]
async fn an_infrastructure_configuration_comes_back_and_an_update_replaces_all() {
    on_both(async |bench| {
        let options = InstanceMetadataOptions::builder().http_tokens("required").http_put_response_hop_limit(2).build();
        let logs = S3Logs::builder().s3_bucket_name("logs").s3_key_prefix("builds").build();
        let logging = Logging::builder().s3_logs(logs).build();
        let placement = Placement::builder().tenancy(TenancyType::Host).host_id("h-0123456789abcdef0").build();
        let group = AutoScalingGroupConfiguration::builder().name("warm").capacity_wait_timeout_seconds(600);
        let parent = ParentInstanceConfiguration::builder().auto_scaling_group(group.build().unwrap()).build();
        let made = create(bench, "Big Builders")
            .description("For large images")
            .instance_types("m7i.large")
            .instance_types("m7i.xlarge")
            .subnet_id("subnet-0123456789abcdef0")
            .security_group_ids("sg-0123456789abcdef0")
            .key_pair("builders")
            .logging(logging.clone())
            .terminate_instance_on_failure(false)
            .terminate_instance_on_completion(true)
            .sns_topic_arn(TOPIC)
            .resource_tags("cost", "images")
            .instance_metadata_options(options.clone())
            .placement(placement.clone())
            .parent_instance(parent.clone())
            .tags("team", "edge")
            .send()
            .await
            .unwrap();
        let made = made.infrastructure_configuration_arn.unwrap();
        assert_eq!(made, arn("infrastructure-configuration/big-builders"));
        let found = infrastructure_of(bench, &made).await;
        assert_eq!((found.arn(), found.name()), (Some(made.as_str()), Some("Big Builders")));
        assert_eq!((found.description(), found.instance_profile_name()), (Some("For large images"), Some(PROFILE)));
        assert_eq!(found.instance_types(), ["m7i.large", "m7i.xlarge"]);
        assert_eq!((found.subnet_id(), found.key_pair()), (Some("subnet-0123456789abcdef0"), Some("builders")));
        assert_eq!(found.security_group_ids(), ["sg-0123456789abcdef0"]);
        assert_eq!((found.logging(), found.placement()), (Some(&logging), Some(&placement)));
        assert_eq!(found.terminate_instance_on_failure(), Some(false));
        assert_eq!(found.terminate_instance_on_completion(), Some(true));
        assert_eq!(
            (found.sns_topic_arn(), &found.resource_tags().unwrap()["cost"]),
            (Some(TOPIC), &"images".to_owned())
        );
        assert_eq!((found.instance_metadata_options(), found.parent_instance()), (Some(&options), Some(&parent)));
        assert_eq!((&found.tags().unwrap()["team"], found.date_updated()), (&"edge".to_owned(), None));

        bench.pass(TimeDelta::hours(1)).await;
        let update = bench.builder.update_infrastructure_configuration().infrastructure_configuration_arn(&made);
        let updated = update.instance_profile_name("other").send().await.unwrap();
        assert_eq!(updated.infrastructure_configuration_arn(), Some(made.as_str()));
        let bare = infrastructure_of(bench, &made).await;
        let expected = InfrastructureConfiguration::builder()
            .arn(&made)
            .name("Big Builders")
            .instance_profile_name("other")
            .terminate_instance_on_failure(true)
            .date_created("2026-03-02T00:00:00.000Z")
            .date_updated("2026-03-02T01:00:00.000Z")
            .tags("team", "edge")
            .build();
        assert_eq!(bare, expected);
    })
    .await;
}

#[tokio::test]
async fn an_infrastructure_configuration_that_makes_no_sense_is_refused() {
    on_both(async |bench| {
        let (value, request) = ("InvalidParameterValueException", "InvalidRequestException");
        assert_eq!(code(create(bench, "a b").subnet_id("subnet-1").send().await), request);
        for topic in ["builds", "arn:aws:sns:us-east-1:123456789012:builds.fifo"] {
            assert_eq!(code(create(bench, "builders").sns_topic_arn(topic).send().await), value, "{topic}");
        }
        let placement = |tenancy: TenancyType| Placement::builder().tenancy(tenancy);
        let host = placement(TenancyType::Dedicated).host_id("h-1").build();
        assert_eq!(code(create(bench, "builders").placement(host).send().await), value);
        let both = placement(TenancyType::Host).host_id("h-1").host_resource_group_arn("arn").build();
        assert_eq!(code(create(bench, "builders").placement(both.clone()).send().await), request);
        for (tokens, hops) in [("needed", 1), ("requiredly", 1), ("required", 0), ("required", 65)] {
            let options = InstanceMetadataOptions::builder().http_tokens(tokens).http_put_response_hop_limit(hops);
            let refused = create(bench, "builders").instance_metadata_options(options.build()).send().await;
            assert_eq!(code(refused), value, "{tokens} {hops}");
        }
        assert_eq!(code(create(bench, "x").send().await), value, "a name has three characters");
        assert_eq!(code(create(bench, "builders").instance_profile_name("a/b").send().await), value);
        assert_eq!(code(create(bench, "builders").resource_tags("aws:a", "b").send().await), value);
        assert_eq!(code(create(bench, "builders").dry_run(true).send().await), "DryRunOperationException");
        let made = infrastructure(bench, "builders").await;
        let again = create(bench, "Builders").send().await.unwrap_err();
        let message = format!("The following resource 'InfrastructureConfiguration' already exists: '{made}'.");
        assert_eq!((again.code(), again.message()), (Some("ResourceAlreadyExistsException"), Some(message.as_str())));
        let update = bench.builder.update_infrastructure_configuration().infrastructure_configuration_arn(&made);
        assert_eq!(code(update.instance_profile_name(PROFILE).placement(both).send().await), request);
        let update = bench.builder.update_infrastructure_configuration();
        let update = update.infrastructure_configuration_arn(arn("infrastructure-configuration/none"));
        assert_eq!(code(update.instance_profile_name(PROFILE).send().await), "ResourceNotFoundException");
    })
    .await;
}

fn region(name: &str) -> DistributionBuilder {
    Distribution::builder().region(name)
}

fn named(name: &str) -> AmiDistributionConfiguration {
    AmiDistributionConfiguration::builder().name(name).build()
}

/// A distribution with all that one of AMIs can have.
fn whole() -> Distribution {
    let permission = LaunchPermissionConfiguration::builder()
        .user_ids("111122223333")
        .user_groups("all")
        .organization_arns("arn:aws:organizations::123456789012:organization/o-exampleorg1")
        .organizational_unit_arns("arn:aws:organizations::123456789012:ou/o-exampleorg1/ou-abcd-12345678")
        .build();
    let ami = AmiDistributionConfiguration::builder()
        .name("web {{ imagebuilder:buildDate }}")
        .description("For Europe")
        .target_account_ids("123456789012")
        .target_account_ids("111122223333")
        .ami_tags("Role", "web")
        .kms_key_id("alias/ami")
        .launch_permission(permission)
        .build();
    let template = LaunchTemplateConfiguration::builder().launch_template_id("lt-0123456789abcdef0");
    let template = template.account_id("123456789012").set_default_version(true).build().unwrap();
    let fast_template = FastLaunchLaunchTemplateSpecification::builder().launch_template_name("fast");
    let fast = FastLaunchConfiguration::builder()
        .enabled(true)
        .account_id("123456789012")
        .max_parallel_launches(6)
        .snapshot_configuration(FastLaunchSnapshotConfiguration::builder().target_resource_count(10).build())
        .launch_template(fast_template.launch_template_version("1").build())
        .build();
    let export = S3ExportConfiguration::builder().role_name("vmimport").disk_image_format(DiskImageFormat::Vmdk);
    let parameter = SsmParameterConfiguration::builder().parameter_name("/golden/web").ami_account_id("123456789012");
    region("eu-west-1")
        .ami_distribution_configuration(ami)
        .license_configuration_arns(
            "arn:aws:license-manager:eu-west-1:123456789012:license-configuration:lic-0123456789abcdef0123456789abcdef",
        )
        .launch_template_configurations(template)
        .s3_export_configuration(export.s3_bucket("images").s3_prefix("web/").build().unwrap())
        .fast_launch_configurations(fast)
        .ssm_parameter_configurations(parameter.data_type(SsmParameterDataType::AwsEc2Image).build().unwrap())
        .build()
        .unwrap()
}

fn of_containers() -> ContainerDistributionConfiguration {
    let target = TargetContainerRepository::builder().service(ContainerRepositoryService::Ecr).repository_name("web");
    let container = ContainerDistributionConfiguration::builder().description("For Tokyo").container_tags("stable");
    container.target_repository(target.build().unwrap()).build()
}

#[tokio::test]
async fn a_distribution_configuration_comes_back_and_an_update_replaces_all() {
    on_both(async |bench| {
        let containers =
            region("ap-northeast-1").container_distribution_configuration(of_containers()).build().unwrap();
        let create = bench.builder.create_distribution_configuration().name("Far_And Wide").description("Everywhere");
        let made = create.distributions(whole()).distributions(containers.clone()).tags("team", "edge").send().await;
        let made = made.unwrap().distribution_configuration_arn.unwrap();
        assert_eq!(made, arn("distribution-configuration/far-and-wide"));
        let found = distribution_of(bench, &made).await;
        assert_eq!((found.arn(), found.name()), (Some(made.as_str()), Some("Far_And Wide")));
        assert_eq!((found.description(), found.timeout_minutes()), (Some("Everywhere"), 720));
        assert_eq!(found.distributions(), [whole(), containers]);
        assert_eq!((&found.tags().unwrap()["team"], found.date_updated()), (&"edge".to_owned(), None));
        let listed = bench.builder.list_distribution_configurations().send().await.unwrap();
        let summary = &listed.distribution_configuration_summary_list()[0];
        assert_eq!(
            (summary.arn(), summary.regions()),
            (Some(made.as_str()), &["eu-west-1".to_owned(), "ap-northeast-1".to_owned()][..])
        );

        bench.pass(TimeDelta::hours(1)).await;
        let home = region("us-east-1").ami_distribution_configuration(AmiDistributionConfiguration::builder().build());
        let home = home.build().unwrap();
        let update = bench.builder.update_distribution_configuration().distribution_configuration_arn(&made);
        let updated = update.distributions(home.clone()).send().await.unwrap();
        assert_eq!(updated.distribution_configuration_arn(), Some(made.as_str()));
        let bare = distribution_of(bench, &made).await;
        assert_eq!((bare.description(), bare.distributions()), (None, &[home][..]));
        assert_eq!((bare.name(), &bare.tags().unwrap()["team"]), (Some("Far_And Wide"), &"edge".to_owned()));
        assert_eq!(bare.date_created(), Some("2026-03-02T00:00:00.000Z"));
        assert_eq!(bare.date_updated(), Some("2026-03-02T01:00:00.000Z"));
    })
    .await;
}

#[tokio::test]
async fn a_distribution_configuration_that_makes_no_sense_is_refused() {
    on_both(async |bench| {
        let create = async |distributions: Vec<Distribution>| {
            let create = bench.builder.create_distribution_configuration().name("out");
            create.set_distributions(Some(distributions)).send().await
        };
        let one = |builder: DistributionBuilder| vec![builder.build().unwrap()];
        let dated = || named("web {{ imagebuilder:buildDate }}");
        let (value, combination) = ("InvalidParameterValueException", "InvalidParameterCombinationException");
        let twice =
            [one(region("us-east-1").ami_distribution_configuration(dated())), one(region("us-east-1"))].concat();
        assert_eq!(code(create(twice).await), combination);
        let both = region("us-east-1").ami_distribution_configuration(dated());
        assert_eq!(code(create(one(both.container_distribution_configuration(of_containers()))).await), combination);

        let undated =
            create(one(region("us-east-1").ami_distribution_configuration(named("web-1")))).await.unwrap_err();
        assert_eq!(undated.code(), Some(value));
        assert_eq!(
            undated.message(),
            Some(
                "The value supplied for parameter 'distributions[0].amiDistributionConfiguration.name' is not valid. \
                 The EC2 AMI name must contain '{{ imagebuilder:buildDate }}' to ensure that the name will be unique."
            )
        );
        let empty = create(one(region("us-east-1"))).await.unwrap_err();
        assert!(empty.message().unwrap().ends_with("provided for each region in a distribution configuration."));

        let ami = AmiDistributionConfiguration::builder;
        let permission = LaunchPermissionConfiguration::builder;
        let long = format!("{}{{{{ imagebuilder:buildDate }}}}", "w".repeat(101));
        for refused in [
            region("Mars").ami_distribution_configuration(dated()),
            region("us-east-1").ami_distribution_configuration(named("web/{{ imagebuilder:buildDate }}")),
            region("us-east-1").ami_distribution_configuration(named(&long)),
            region("us-east-1").ami_distribution_configuration(ami().target_account_ids("1234").build()),
            region("us-east-1").ami_distribution_configuration(ami().set_target_account_ids(Some(vec![])).build()),
            region("us-east-1").ami_distribution_configuration(
                ami().set_target_account_ids(Some(vec!["123456789012".to_owned(); 1537])).build(),
            ),
            region("us-east-1").ami_distribution_configuration(
                ami().launch_permission(permission().organization_arns("o-exampleorg1").build()).build(),
            ),
            region("us-east-1").ami_distribution_configuration(
                ami().launch_permission(permission().organizational_unit_arns("ou-abcd-12345678").build()).build(),
            ),
            region("us-east-1").ami_distribution_configuration(
                ami().launch_permission(permission().user_groups("friends").build()).build(),
            ),
            region("us-east-1").license_configuration_arns("lic-1"),
            region("us-east-1").launch_template_configurations(
                LaunchTemplateConfiguration::builder().launch_template_id("web").build().unwrap(),
            ),
            region("us-east-1").ssm_parameter_configurations(
                SsmParameterConfiguration::builder().parameter_name("a b").build().unwrap(),
            ),
            region("us-east-1").fast_launch_configurations(
                FastLaunchConfiguration::builder().enabled(true).max_parallel_launches(0).build(),
            ),
        ] {
            assert_eq!(code(create(one(refused.clone())).await), value, "{refused:?}");
        }
        create(one(region("us-east-1").ami_distribution_configuration(dated()))).await.unwrap();
        let again = create(one(region("us-east-1").ami_distribution_configuration(dated()))).await;
        assert_eq!(code(again), "ResourceAlreadyExistsException");
        let update = bench.builder.update_distribution_configuration();
        let update = update.distribution_configuration_arn(arn("distribution-configuration/out"));
        assert_eq!(code(update.distributions(region("us-east-1").build().unwrap()).send().await), value);
        let update = bench.builder.update_distribution_configuration();
        let update = update.distribution_configuration_arn(arn("distribution-configuration/none"));
        assert_eq!(code(update.distributions(whole()).send().await), "ResourceNotFoundException");
        let dry = bench.builder.create_distribution_configuration().name("dry").distributions(whole()).dry_run(true);
        assert_eq!(code(dry.send().await), "DryRunOperationException");
    })
    .await;
}

#[tokio::test]
async fn configurations_are_listed_and_deleted_when_no_pipeline_has_them() {
    on_both(async |bench| {
        let recipe = recipe(bench, "web", "1.0.0", &component(bench, "agent", "1.0.0").await).await;
        let infrastructure = infrastructure(bench, "builders").await;
        self::infrastructure(bench, "spare").await;
        let create = bench.builder.create_distribution_configuration().name("out");
        let distribution = create.distributions(whole()).send().await.unwrap().distribution_configuration_arn.unwrap();
        let create = bench.builder.create_image_pipeline().name("web").image_recipe_arn(recipe);
        let create = create.infrastructure_configuration_arn(&infrastructure);
        create.distribution_configuration_arn(&distribution).send().await.unwrap();

        let by_name = Filter::builder().name("name").values("build*").build();
        let listed = bench.builder.list_infrastructure_configurations().filters(by_name).send().await.unwrap();
        let [summary] = listed.infrastructure_configuration_summary_list() else { panic!("one fits: {listed:?}") };
        assert_eq!((summary.arn(), summary.instance_profile_name()), (Some(infrastructure.as_str()), Some(PROFILE)));
        let all = bench.builder.list_infrastructure_configurations().max_results(1).send().await.unwrap();
        assert_eq!((all.infrastructure_configuration_summary_list().len(), all.next_token().is_some()), (1, true));
        let other = Filter::builder().name("description").values("x").build();
        let refused = bench.builder.list_distribution_configurations().filters(other).send().await;
        assert_eq!(code(refused), "InvalidParameterValueException");

        let delete = async || {
            let delete = bench.builder.delete_infrastructure_configuration();
            let one = delete.infrastructure_configuration_arn(&infrastructure).send().await;
            let delete = bench.builder.delete_distribution_configuration();
            let other = delete.distribution_configuration_arn(&distribution).send().await;
            (one, other)
        };
        let (one, other) = delete().await;
        assert_eq!([code(one), code(other)], ["ResourceDependencyException"; 2]);
        let pipeline = arn("image-pipeline/web");
        bench.builder.delete_image_pipeline().image_pipeline_arn(pipeline).send().await.unwrap();
        let (one, other) = delete().await;
        assert_eq!(one.unwrap().infrastructure_configuration_arn, Some(infrastructure.clone()));
        assert_eq!(other.unwrap().distribution_configuration_arn, Some(distribution.clone()));
        let (one, other) = delete().await;
        assert_eq!([code(one), code(other)], ["ResourceNotFoundException"; 2]);
        let get = bench.builder.get_infrastructure_configuration().infrastructure_configuration_arn(&infrastructure);
        assert_eq!(code(get.send().await), "ResourceNotFoundException");
        let get = bench.builder.get_distribution_configuration().distribution_configuration_arn(&distribution);
        assert_eq!(code(get.send().await), "ResourceNotFoundException");
    })
    .await;
}
