//! Components: made, imported, read, listed, deleted, bought.

use crate::fixtures::{AMAZON_LINUX, DOCUMENT, component, infrastructure, recipe};
use crate::harness::{Bench, arn, code, on_both};
use aws_sdk_imagebuilder::types::{
    ComponentConfiguration, ComponentFormat, ComponentStatus, ComponentType, ContainerType, Filter, ImageStatus,
    MarketplaceResourceType, Ownership, Platform, TargetContainerRepository,
};
use chrono::TimeDelta;
use goldsmith_local::{journal, s3};
use std::fs;

const AGENT: &str =
    "arn:aws:imagebuilder:us-east-1:aws-marketplace:component/example-endpoint-agent-linux-prod-abcdefghijk2m";
const SHIPPER: &str =
    "arn:aws:imagebuilder:us-east-1:aws-marketplace:component/example-log-shipper-linux-prod-abcdefghijk4p";
const HARDENING: &str = "arn:aws:imagebuilder:us-east-1:third-party:component/example-hardening-linux";

fn filter(name: &str, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build()
}

fn uses(arn: &str) -> ComponentConfiguration {
    ComponentConfiguration::builder().component_arn(arn).build().unwrap()
}

/// Gives the local AWS a folder of S3 objects.
fn objects(bench: &Bench, objects: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in objects {
        let file = folder.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    bench.local.world().s3 = s3::Store::of(folder.path().to_owned());
    folder
}

#[tokio::test]
async fn a_component_is_made_of_its_document() {
    on_both(async |bench| {
        let text = DOCUMENT.replace("phases:", "parameters:\n  - Level: {type: string, default: high}\nphases:");
        let create = bench.builder.create_component().name("My Agent").semantic_version("1.2.3");
        let create = create.platform(Platform::Linux).data(&text).description("Watches").change_description("first");
        let create = create.supported_os_versions("Amazon Linux 2023").kms_key_id("alias/mine").tags("team", "edge");
        let made = create.client_token("token").send().await.unwrap();
        let build = arn("component/my-agent/1.2.3/1");
        assert_eq!((made.component_build_version_arn(), made.client_token()), (Some(build.as_str()), Some("token")));
        let references = made.latest_version_references().unwrap();
        assert_eq!(references.latest_version_arn(), Some(arn("component/my-agent/x.x.x").as_str()));
        assert_eq!(references.latest_minor_version_arn(), Some(arn("component/my-agent/1.2.x").as_str()));

        for asked in ["component/my-agent/1.2.3/1", "component/my-agent/1.2.3", "component/my-agent/1.x.x"] {
            let answer = bench.builder.get_component().component_build_version_arn(arn(asked)).send().await.unwrap();
            assert!(answer.latest_version_references().is_some());
            let found = answer.component().unwrap();
            assert_eq!(
                (found.arn(), found.name(), found.version()),
                (Some(build.as_str()), Some("My Agent"), Some("1.2.3"))
            );
            assert_eq!((found.r#type(), found.data()), (Some(&ComponentType::Build), Some(text.as_str())));
            assert_eq!((found.description(), found.change_description()), (Some("Watches"), Some("first")));
            assert_eq!((found.encrypted(), found.kms_key_id()), (Some(true), Some("alias/mine")));
            assert_eq!(found.supported_os_versions(), ["Amazon Linux 2023"]);
            assert_eq!(found.state().unwrap().status(), Some(&ComponentStatus::Active));
            assert_eq!(found.owner(), Some("123456789012"));
            assert_eq!(found.tags().unwrap()["team"], "edge");
            let parameter = &found.parameters()[0];
            assert_eq!((parameter.name(), parameter.r#type()), ("Level", "String"));
            assert_eq!(parameter.default_value(), ["high"]);
        }
        let missing = bench.builder.get_component().component_build_version_arn(arn("component/my-agent/2.x.x"));
        assert_eq!(code(missing.send().await), "ResourceNotFoundException");
        let malformed = bench.builder.get_component().component_build_version_arn("agent").send().await;
        assert_eq!(code(malformed), "InvalidParameterValueException");
    })
    .await;
}

#[tokio::test]
async fn changed_content_is_the_next_build_and_the_same_is_refused() {
    on_both(async |bench| {
        let create = |data: &str| {
            let create = bench.builder.create_component().name("agent").semantic_version("1.0.0");
            create.platform(Platform::Linux).data(data).send()
        };
        assert!(create(DOCUMENT).await.is_ok());
        assert_eq!(code(create(DOCUMENT).await), "ResourceAlreadyExistsException");
        let test = DOCUMENT.replace("build", "test");
        let second = create(&test).await.unwrap();
        assert_eq!(second.component_build_version_arn(), Some(arn("component/agent/1.0.0/2").as_str()));
        let newest = bench.builder.get_component().component_build_version_arn(arn("component/agent/1.0.0"));
        assert_eq!(newest.send().await.unwrap().component().unwrap().r#type(), Some(&ComponentType::Test));
        // What a former build held is a change again.
        let third = create(DOCUMENT).await.unwrap();
        assert_eq!(third.component_build_version_arn(), Some(arn("component/agent/1.0.0/3").as_str()));
    })
    .await;
}

#[tokio::test]
async fn what_is_no_component_is_refused() {
    on_both(async |bench| {
        let create = |version: &str| {
            let create = bench.builder.create_component().name("agent").semantic_version(version);
            create.platform(Platform::Linux)
        };
        let both = create("1.0.0").data(DOCUMENT).uri("s3://bucket/agent.yaml").send().await;
        assert_eq!(code(both), "InvalidParameterCombinationException");
        assert_eq!(code(create("1.0.0").send().await), "InvalidParameterCombinationException");
        assert_eq!(code(create("1.0.1073741824").data(DOCUMENT).send().await), "InvalidVersionNumberException");
        assert_eq!(code(create("1.0.x").data(DOCUMENT).send().await), "InvalidParameterValueException");
        assert_eq!(code(create("1.0.0").data(DOCUMENT).dry_run(true).send().await), "DryRunOperationException");
        for (data, reason) in [
            ("phases: [}", "Line 1: "),
            (&*DOCUMENT.replace("ExecuteBash", "RunShell"), "Line 5: The step \"Install\" has the action \"RunShell\""),
            (&*DOCUMENT.replace("build", "deploy"), "Line 3: The document needs one of the phases"),
            (&*DOCUMENT.replace("1.0", "3.0"), "Line 1: The schemaVersion must be 1.0."),
        ] {
            let error = create("1.0.0").data(data).send().await.unwrap_err().into_service_error();
            let said = error.meta().message().unwrap();
            assert!(said.contains("'data' is not valid") && said.contains(reason), "{said}");
            assert_eq!(error.meta().code(), Some("InvalidParameterValueException"));
        }
        let list = bench.builder.list_components().send().await.unwrap();
        assert!(list.component_version_list().is_empty());
    })
    .await;
}

#[tokio::test]
async fn documents_are_read_from_the_folder_of_s3_objects() {
    on_both(async |bench| {
        let failing = DOCUMENT.replace("- true", "- exit 3");
        let dockerfile = "FROM {{{ imagebuilder:parentImage }}}\n";
        let _folder = objects(
            bench,
            &[
                ("bucket/deep/agent.yaml", &failing),
                ("bucket/bad.yaml", "phases: []"),
                ("bucket/large.yaml", &"#".repeat(70_000)),
                ("bucket/Dockerfile", dockerfile),
            ],
        );
        let create = |uri: &str| {
            let create = bench.builder.create_component().name("agent").semantic_version("1.0.0");
            create.platform(Platform::Linux).uri(uri).send()
        };
        let made = create("s3://bucket/deep/agent.yaml").await.unwrap().component_build_version_arn.unwrap();
        let found = bench.builder.get_component().component_build_version_arn(&made).send().await.unwrap();
        assert_eq!(found.component().unwrap().data(), Some(failing.as_str()));
        assert_eq!(code(create("s3://bucket/deep/agent.yaml").await), "ResourceAlreadyExistsException");
        for (uri, reason) in [
            ("s3://bucket/missing.yaml", "does not exist"),
            ("s3://other/deep/agent.yaml", "does not exist"),
            ("s3://bucket/../bucket/deep/agent.yaml", "Expected s3://bucket/key"),
            ("/etc/hostname", "Expected s3://bucket/key"),
            ("s3://bucket/large.yaml", "larger than 64 KB"),
            ("s3://bucket/bad.yaml", "Line 1: The document has no schemaVersion."),
        ] {
            let error = create(uri).await.unwrap_err().into_service_error();
            let said = error.meta().message().unwrap();
            assert!(said.contains("'uri' is not valid") && said.contains(reason), "{said}");
            assert_eq!(error.meta().code(), Some("InvalidParameterValueException"));
        }

        // What the document says counts in a build.
        let recipe = recipe(bench, "web", "1.0.0", &made).await;
        let create = bench.builder.create_image().image_recipe_arn(recipe);
        let image = create.infrastructure_configuration_arn(infrastructure(bench, "builders").await);
        let image = image.send().await.unwrap().image_build_version_arn.unwrap();
        bench.ended(&image).await;
        let answer = bench.builder.get_image().image_build_version_arn(&image).send().await.unwrap();
        let state = answer.image().unwrap().state().unwrap().clone();
        assert_eq!(state.status(), Some(&ImageStatus::Failed));
        assert!(state.reason().unwrap().contains("exit status 3"), "{state:?}");

        let repository = TargetContainerRepository::builder()
            .service(aws_sdk_imagebuilder::types::ContainerRepositoryService::Ecr)
            .repository_name("web")
            .build()
            .unwrap();
        let create = |uri: &str| {
            let create = bench.builder.create_container_recipe().name("web").semantic_version("1.0.0");
            let create = create.container_type(ContainerType::Docker).target_repository(repository.clone());
            let parent = "arn:aws:imagebuilder:us-east-1:aws:image/amazon-linux-x86-latest/x.x.x";
            create.components(uses(&made)).parent_image(parent).dockerfile_template_uri(uri).send()
        };
        assert_eq!(code(create("s3://bucket/missing").await), "InvalidParameterValueException");
        let recipe = create("s3://bucket/Dockerfile").await.unwrap().container_recipe_arn.unwrap();
        let found = bench.builder.get_container_recipe().container_recipe_arn(recipe).send().await.unwrap();
        assert_eq!(found.container_recipe().unwrap().dockerfile_template_data(), Some(dockerfile));
    })
    .await;
}

#[tokio::test]
async fn without_a_folder_of_s3_objects_a_document_is_unknown_and_that_is_said() {
    on_both(async |bench| {
        let create = bench.builder.create_component().name("agent").semantic_version("1.0.0");
        let made = create.platform(Platform::Linux).uri("s3://bucket/agent.yaml").send().await.unwrap();
        let found =
            bench.builder.get_component().component_build_version_arn(made.component_build_version_arn.unwrap());
        assert_eq!(found.send().await.unwrap().component().unwrap().data(), None);
        let warnings = bench.journal(journal::Kind::Warning);
        assert!(
            warnings.iter().any(|said| said.contains("s3://bucket/agent.yaml isn't read locally without --s3 DIR"))
        );
    })
    .await;
}

#[tokio::test]
async fn a_script_is_imported_as_a_component() {
    on_both(async |bench| {
        let import = |kind: ComponentType, script: &str| {
            let import = bench.builder.import_component().name("Set up").semantic_version("1.0.0").r#type(kind);
            let import = import.format(ComponentFormat::Shell).platform(Platform::Linux).data(script);
            import.description("A script").tags("team", "edge").send()
        };
        let made = import(ComponentType::Test, "#!/bin/sh\necho \"it's: {fine}\"\n").await.unwrap();
        let build = arn("component/set-up/1.0.0/1");
        assert_eq!(made.component_build_version_arn(), Some(build.as_str()));
        let found = bench.builder.get_component().component_build_version_arn(&build).send().await.unwrap();
        let found = found.component().unwrap();
        assert_eq!((found.r#type(), found.description()), (Some(&ComponentType::Test), Some("A script")));
        assert!(found.data().unwrap().contains("ExecuteBash"), "{:?}", found.data());
        assert!(found.data().unwrap().contains(r#"echo \"it's: {fine}\""#), "{:?}", found.data());
        // Builds count as those of CreateComponent.
        let again = import(ComponentType::Test, "#!/bin/sh\necho \"it's: {fine}\"\n").await;
        assert_eq!(code(again), "ResourceAlreadyExistsException");
        let second = import(ComponentType::Build, "exit 0").await.unwrap();
        assert_eq!(second.component_build_version_arn(), Some(arn("component/set-up/1.0.0/2").as_str()));

        let import = || {
            let import = bench.builder.import_component().name("other").semantic_version("1.0.0");
            import.r#type(ComponentType::Build).format(ComponentFormat::Shell).platform(Platform::Windows)
        };
        assert_eq!(code(import().send().await), "InvalidParameterCombinationException");
        let both = import().data("dir").uri("s3://bucket/script.ps1").send().await;
        assert_eq!(code(both), "InvalidParameterCombinationException");
        assert_eq!(
            code(import().data("dir").semantic_version("1.0.1073741824").send().await),
            "InvalidVersionNumberException"
        );
        let format = import().data("dir").format(ComponentFormat::from("PYTHON")).send().await;
        assert_eq!(code(format), "InvalidParameterValueException");
        let _folder = objects(bench, &[("bucket/script.ps1", "Get-Date")]);
        let missing = import().uri("s3://bucket/missing.ps1").send().await;
        assert_eq!(code(missing), "InvalidParameterValueException");
        let made = import().uri("s3://bucket/script.ps1").send().await.unwrap().component_build_version_arn.unwrap();
        let found = bench.builder.get_component().component_build_version_arn(made).send().await.unwrap();
        let data = found.component().unwrap().data().unwrap().to_owned();
        assert!(data.contains("ExecutePowerShell") && data.contains("Get-Date"), "{data}");
    })
    .await;
}

#[tokio::test]
async fn a_component_that_a_recipe_needs_stays() {
    on_both(async |bench| {
        let agent = component(bench, "agent", "1.0.0").await;
        let recipe = recipe(bench, "web", "1.0.0", &arn("component/agent/x.x.x")).await;
        let delete = |arn: &str| bench.builder.delete_component().component_build_version_arn(arn).send();
        let error = delete(&agent).await.unwrap_err().into_service_error();
        assert_eq!(error.meta().code(), Some("ResourceDependencyException"));
        assert!(error.meta().message().unwrap().contains(&agent));
        // A newer version takes its place for the wildcard.
        let newer = component(bench, "agent", "1.1.0").await;
        assert_eq!(delete(&agent).await.unwrap().component_build_version_arn(), Some(agent.as_str()));
        assert_eq!(code(delete(&newer).await), "ResourceDependencyException");
        bench.builder.delete_image_recipe().image_recipe_arn(recipe).send().await.unwrap();
        delete(&newer).await.unwrap();
        assert_eq!(code(delete(&newer).await), "ResourceNotFoundException");
        let amazons = "arn:aws:imagebuilder:us-east-1:aws:component/update-linux/1.0.2/1";
        assert_eq!(code(delete(amazons).await), "ForbiddenException");
        assert_eq!(
            code(delete("arn:aws:imagebuilder:us-east-1:aws:component/update-linux/1.0.2").await),
            "InvalidParameterValueException"
        );
    })
    .await;
}

#[tokio::test]
async fn components_are_listed_by_version_by_name_and_filtered() {
    on_both(async |bench| {
        for (name, version) in [("agent", "1.0.0"), ("agent", "1.1.0"), ("probe", "1.0.0")] {
            let create = bench.builder.create_component().name(name).semantic_version(version);
            let os = if name == "probe" { "Ubuntu 24" } else { "Amazon Linux 2023" };
            let create = create.platform(Platform::Linux).supported_os_versions(os).description(format!("the {name}"));
            let data = if name == "probe" { DOCUMENT.replace("build", "test") } else { DOCUMENT.to_owned() };
            create.data(data).send().await.unwrap();
        }
        let arns =
            async |list: aws_sdk_imagebuilder::operation::list_components::builders::ListComponentsFluentBuilder| {
                let answer = list.send().await.unwrap();
                answer.component_version_list().iter().map(|it| it.arn().unwrap().to_owned()).collect::<Vec<_>>()
            };
        let list = || bench.builder.list_components();
        let [old, new, probe] = ["component/agent/1.0.0", "component/agent/1.1.0", "component/probe/1.0.0"].map(arn);
        assert_eq!(arns(list()).await, [old.as_str(), &new, &probe]);
        assert_eq!(arns(list().by_name(true)).await, [arn("component/agent"), arn("component/probe")]);
        for (name, value, expected) in [
            ("name", "agent", vec![&old, &new]),
            ("name", "pro*", vec![&probe]),
            ("version", "1.0.0", vec![&old, &probe]),
            ("type", "TEST", vec![&probe]),
            ("supportedOsVersion", "Ubuntu 24", vec![&probe]),
            ("description", "the agent", vec![&old, &new]),
            ("status", "ACTIVE", vec![&old, &new, &probe]),
            ("status", "DISABLED", vec![]),
            ("platform", "Windows", vec![]),
            ("productCodes", "0example1endpoint2linux3", vec![]),
        ] {
            let found = arns(list().filters(filter(name, value))).await;
            assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{name} {value}");
        }
        assert_eq!(code(list().filters(filter("owner", "Self")).send().await), "InvalidParameterValueException");
        let first = list().max_results(2).send().await.unwrap();
        let rest = list().next_token(first.next_token().unwrap()).max_results(2).send().await.unwrap();
        assert_eq!((first.component_version_list().len(), rest.component_version_list().len()), (2, 1));
        assert_eq!(code(list().next_token("x").send().await), "InvalidPaginationTokenException");

        let amazon = arns(list().owner(Ownership::Amazon).filters(filter("status", "DEPRECATED"))).await;
        assert!(
            amazon.contains(&"arn:aws:imagebuilder:us-east-1:aws:component/stig-build-linux-medium/1.0.0".to_owned())
        );
        assert!(!amazon.iter().any(|arn| arn.contains("stig-build-linux/")));
        assert!(arns(list().owner(Ownership::Shared)).await.is_empty());
        assert_eq!(arns(list().owner(Ownership::Thirdparty)).await, [format!("{HARDENING}/2.0.0")]);
        let bought = list().owner(Ownership::AwsMarketplace);
        assert_eq!(arns(bought.clone().filters(filter("status", "DISABLED"))).await, [format!("{SHIPPER}/3.0.0")]);
        let by_code = arns(bought.filters(filter("productCodes", "0example1endpoint2linux3"))).await;
        assert_eq!(by_code, ["1.0.0", "1.2.0", "1.2.2"].map(|version| format!("{AGENT}/{version}")));
    })
    .await;
}

#[tokio::test]
async fn builds_of_a_component_are_listed_newest_first() {
    on_both(async |bench| {
        component(bench, "agent", "1.0.0").await;
        bench.pass(TimeDelta::minutes(1)).await;
        let create = bench.builder.create_component().name("agent").semantic_version("1.0.0").platform(Platform::Linux);
        create.data(DOCUMENT).description("again").change_description("said more").send().await.unwrap();
        component(bench, "probe", "1.0.0").await;
        let list =
            |arn: Option<String>| bench.builder.list_component_build_versions().set_component_version_arn(arn).send();
        let answer = list(Some(arn("component/agent/1.0.0"))).await.unwrap();
        let builds: Vec<_> = answer.component_summary_list().iter().map(|it| it.arn().unwrap()).collect();
        assert_eq!(builds, [arn("component/agent/1.0.0/2"), arn("component/agent/1.0.0/1")]);
        let newest = &answer.component_summary_list()[0];
        assert_eq!(
            (newest.change_description(), newest.state().unwrap().status()),
            (Some("said more"), Some(&ComponentStatus::Active))
        );
        assert_eq!(list(None).await.unwrap().component_summary_list().len(), 3);
        assert!(list(Some(arn("component/agent/9.0.0"))).await.unwrap().component_summary_list().is_empty());
        let bought = list(Some(format!("{AGENT}/1.2.2"))).await.unwrap();
        let bought = &bought.component_summary_list()[0];
        assert_eq!((bought.publisher(), bought.obfuscate()), (Some("Example Security"), true));
        assert_eq!(code(list(Some(arn("component/agent/1.0.x"))).await), "InvalidParameterValueException");
    })
    .await;
}

#[tokio::test]
async fn amazons_documents_are_visible_and_those_of_aws_marketplace_are_not() {
    on_both(async |bench| {
        let get = async |arn: &str| {
            let answer = bench.builder.get_component().component_build_version_arn(arn).send().await.unwrap();
            answer.component.unwrap()
        };
        let amazons = get("arn:aws:imagebuilder:us-east-1:aws:component/update-linux/x.x.x").await;
        assert!(
            amazons.data().unwrap().starts_with("name: update-linux\nschemaVersion: 1.0\n"),
            "{:?}",
            amazons.data()
        );
        assert_eq!((amazons.owner(), amazons.obfuscate()), (Some("Amazon"), false));
        let bought = get(&format!("{AGENT}/x.x.x")).await;
        assert_eq!(bought.arn(), Some(format!("{AGENT}/1.2.2/1").as_str()));
        assert_eq!((bought.data(), bought.obfuscate(), bought.owner()), (None, true, Some("AWSMarketplace")));
        assert_eq!(bought.product_codes()[0].product_code_id(), "0example1endpoint2linux3");
        assert_eq!(
            (get(&format!("{HARDENING}/x.x.x")).await.owner(), bought.publisher()),
            (Some("ThirdParty"), Some("Example Security"))
        );
    })
    .await;
}

#[tokio::test]
async fn what_is_bought_is_fetched() {
    on_both(async |bench| {
        let fetch = |kind: MarketplaceResourceType, arn: &str, location: Option<&str>| {
            let fetch = bench.builder.get_marketplace_resource().resource_type(kind).resource_arn(arn);
            fetch.set_resource_location(location.map(str::to_owned)).send()
        };
        let agent = format!("{AGENT}/1.2.2/1");
        let data = fetch(MarketplaceResourceType::ComponentData, &format!("{AGENT}/1.x.x"), None).await.unwrap();
        assert_eq!((data.resource_arn(), data.url()), (Some(agent.as_str()), None));
        assert!(data.data().unwrap().len() > 100 && !data.data().unwrap().contains("schemaVersion"));
        let package = "s3://example-products/example-endpoint-agent-linux-prod-abcdefghijk2m/1.2.2/package.zip";
        let artifact = fetch(MarketplaceResourceType::ComponentArtifact, &agent, Some(package)).await.unwrap();
        assert!(artifact.url().unwrap().starts_with("https://example-products.s3."), "{:?}", artifact.url());
        assert_eq!(artifact.data(), None);

        let own = component(bench, "agent", "1.0.0").await;
        let (data, artifact) = (MarketplaceResourceType::ComponentData, MarketplaceResourceType::ComponentArtifact);
        for (kind, arn, location, expected) in [
            (&artifact, agent.as_str(), None, "InvalidRequestException"),
            (&artifact, &agent, Some("s3://example-products/other.zip"), "InvalidRequestException"),
            (&artifact, &agent, Some("example-products/other.zip"), "InvalidParameterValueException"),
            (&data, &agent, Some(package), "InvalidRequestException"),
            (&data, &own, None, "InvalidRequestException"),
            (
                &data,
                "arn:aws:imagebuilder:us-east-1:aws:component/update-linux/1.0.2/1",
                None,
                "InvalidRequestException",
            ),
            (&data, &format!("{HARDENING}/2.0.0/1"), None, "InvalidRequestException"),
            (&data, &format!("{AGENT}/9.0.0/1"), None, "ResourceNotFoundException"),
            (&data, &format!("{SHIPPER}/3.0.0/1"), None, "ForbiddenException"),
            (&MarketplaceResourceType::from("IMAGE"), &agent, None, "InvalidParameterValueException"),
        ] {
            assert_eq!(code(fetch(kind.clone(), arn, location).await), expected, "{arn} {location:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn recipes_use_what_is_bought_and_nothing_disabled() {
    on_both(async |bench| {
        let create = |parent: &str, component: &str| {
            let create = bench.builder.create_image_recipe().name("web").semantic_version("1.0.x");
            create.parent_image(parent).components(uses(component)).send()
        };
        for disabled in ["3.0.0/1", "3.0.0"] {
            let refused = create(AMAZON_LINUX, &format!("{SHIPPER}/{disabled}")).await;
            assert_eq!(code(refused), "InvalidParameterValueException", "{disabled}");
        }
        let unknown = create("prod-nosuchproduct", &format!("{AGENT}/1.x.x")).await;
        assert_eq!(code(unknown), "NotImplementedException");
        let deprecated = "arn:aws:imagebuilder:us-east-1:aws:component/stig-build-linux-medium/x.x.x";
        create(AMAZON_LINUX, deprecated).await.unwrap();
        let recipe = create("prod-abcdefghijk5q", &format!("{AGENT}/1.x.x")).await.unwrap().image_recipe_arn.unwrap();
        let create = bench.builder.create_image().image_recipe_arn(recipe);
        let image = create.infrastructure_configuration_arn(infrastructure(bench, "builders").await);
        let image = image.send().await.unwrap().image_build_version_arn.unwrap();
        bench.ended(&image).await;
        let answer = bench.builder.get_image().image_build_version_arn(&image).send().await.unwrap();
        let image = answer.image().unwrap();
        assert_eq!(image.state().unwrap().status(), Some(&ImageStatus::Available));
        let made_of = image.image_recipe().unwrap();
        assert_eq!(made_of.components()[0].component_arn(), format!("{AGENT}/1.2.2/1"));
        let product = "image/example-database-server-prod-abcdefghijk5q/1.0.0/1";
        assert_eq!(
            made_of.parent_image(),
            Some(format!("arn:aws:imagebuilder:us-east-1:aws-marketplace:{product}").as_str())
        );
    })
    .await;
}
