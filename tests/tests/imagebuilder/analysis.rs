//! Packages, scans and findings.

use crate::fixtures::{built, component, infrastructure, pipeline, recipe, start};
use crate::harness::{Bench, arn, code, on_both};
use aws_sdk_imagebuilder::types::{
    Filter, ImageScanFinding, ImageScanFindingsFilter, ImageScanStatus, ImageScanningConfiguration, ImageStatus,
    ImageTestsConfiguration, MaximumSeverityLabel, ScanResultCondition, SeverityCounts, WorkflowConfiguration,
    WorkflowType,
};
use goldsmith_local::journal;
use goldsmith_local::world::{DEFAULT_ACCOUNT, DEFAULT_REGION};
use serde_json::json;
use std::collections::BTreeMap;

/// A pipeline of this name whose builds are scanned.
async fn scanned_pipeline(bench: &Bench, name: &str) -> String {
    let component = component(bench, &format!("{name}-agent"), "1.0.0").await;
    let recipe = recipe(bench, name, "1.0.0", &component).await;
    let infrastructure = infrastructure(bench, name).await;
    let scanning = ImageScanningConfiguration::builder().image_scanning_enabled(true).build();
    let create = bench.builder.create_image_pipeline().name(name).image_recipe_arn(recipe);
    let create = create.infrastructure_configuration_arn(infrastructure).image_scanning_configuration(scanning);
    create.send().await.unwrap().image_pipeline_arn.unwrap()
}

fn by(name: &str, value: &str) -> ImageScanFindingsFilter {
    ImageScanFindingsFilter::builder().name(name).values(value).build()
}

/// All findings that a filter selects, in small pages.
async fn findings(bench: &Bench, filter: Option<ImageScanFindingsFilter>) -> Vec<ImageScanFinding> {
    let (mut found, mut token) = (Vec::new(), None);
    loop {
        let list = bench.builder.list_image_scan_findings().max_results(3).set_next_token(token);
        let page = list.set_filters(filter.clone().map(|filter| vec![filter])).send().await.unwrap();
        assert!(page.findings().len() <= 3);
        found.extend(page.findings.unwrap());
        token = page.next_token;
        if token.is_none() {
            return found;
        }
    }
}

fn id(finding: &ImageScanFinding) -> &str {
    finding.package_vulnerability_details().unwrap().vulnerability_id()
}

/// Findings counted: all, critical, high, medium.
fn counted<'a>(findings: impl IntoIterator<Item = &'a ImageScanFinding>) -> [i64; 4] {
    let mut counts = [0; 4];
    for finding in findings {
        counts[0] += 1;
        match finding.severity().unwrap() {
            "CRITICAL" => counts[1] += 1,
            "HIGH" => counts[2] += 1,
            "MEDIUM" => counts[3] += 1,
            _ => {}
        }
    }
    counts
}

fn numbers(counts: Option<&SeverityCounts>) -> [i64; 4] {
    let counts = counts.unwrap();
    [counts.all(), counts.critical(), counts.high(), counts.medium()].map(Option::unwrap)
}

async fn scan_status(bench: &Bench, image: &str) -> Option<ImageScanStatus> {
    let answer = bench.builder.get_image().image_build_version_arn(image).send().await.unwrap();
    answer.image.unwrap().scan_state.map(|state| state.status.unwrap())
}

#[tokio::test]
async fn packages_are_listed_once_the_build_has_taken_its_inventory() {
    on_both(async |bench| {
        let pipeline = pipeline(bench).await;
        let image = start(bench, &pipeline).await;
        let list = || bench.builder.list_image_packages().image_build_version_arn(&image);
        assert!(list().send().await.unwrap().image_package_list().is_empty());
        bench.ended(&image).await;
        let (mut packages, mut token) = (BTreeMap::new(), None);
        loop {
            let page = list().max_results(10).set_next_token(token).send().await.unwrap();
            for package in page.image_package_list() {
                let (name, version) = (package.package_name().unwrap(), package.package_version().unwrap());
                assert_eq!(packages.insert(name.to_owned(), version.to_owned()), None, "{name} is listed once");
            }
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        assert!(packages.len() > 40 && packages["openssl-libs"].contains("amzn2023"), "{packages:?}");

        let missing = bench.builder.list_image_packages().image_build_version_arn(arn("image/none/1.0.0/1"));
        assert_eq!(code(missing.send().await), "ResourceNotFoundException");
        let version = bench.builder.list_image_packages().image_build_version_arn(arn("image/web/1.0.0"));
        assert_eq!(code(version.send().await), "InvalidParameterValueException");
        let token = bench.builder.list_image_packages().image_build_version_arn(&image).next_token("bad");
        assert_eq!(code(token.send().await), "InvalidPaginationTokenException");
    })
    .await;
}

#[tokio::test]
async fn without_enhanced_metadata_there_are_no_packages() {
    on_both(async |bench| {
        let component = component(bench, "agent", "1.0.0").await;
        let recipe = recipe(bench, "web", "1.0.0", &component).await;
        let create = bench.builder.create_image().image_recipe_arn(recipe).enhanced_image_metadata_enabled(false);
        let create = create.infrastructure_configuration_arn(infrastructure(bench, "builders").await);
        let image = create.send().await.unwrap().image_build_version_arn.unwrap();
        bench.ended(&image).await;
        let list = bench.builder.list_image_packages().image_build_version_arn(&image).send().await.unwrap();
        assert!(list.image_package_list().is_empty());
    })
    .await;
}

#[tokio::test]
async fn findings_are_listed_by_image_pipeline_vulnerability_and_severity() {
    on_both(async |bench| {
        let (one, two) = (scanned_pipeline(bench, "one").await, scanned_pipeline(bench, "two").await);
        let images = [built(bench, &one).await, built(bench, &two).await, built(bench, &two).await];
        assert_eq!(scan_status(bench, &images[0]).await, Some(ImageScanStatus::Completed));
        let all = findings(bench, None).await;
        let of_images: Vec<_> = images.iter().map(|image| by("imageBuildVersionArn", image)).collect();
        let mut joined = Vec::new();
        for filter in of_images.into_iter().rev() {
            let found = findings(bench, Some(filter)).await;
            assert!(!found.is_empty());
            joined.extend(found);
        }
        assert_eq!(joined, all, "all are those of each image, the newest first");

        let of_two = findings(bench, Some(by("imagePipelineArn", &two))).await;
        let is_of_two = |finding: &&ImageScanFinding| finding.image_pipeline_arn() == Some(two.as_str());
        assert!(all.iter().filter(is_of_two).eq(&of_two) && of_two.len() < all.len());
        let first = id(&all[0]);
        let of_first = findings(bench, Some(by("vulnerabilityId", first))).await;
        assert!(all.iter().filter(|finding| id(finding) == first).eq(&of_first) && of_first.len() >= 2);
        let mut total = 0;
        for severity in ["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNTRIAGED"] {
            let found = findings(bench, Some(by("severity", severity))).await;
            assert!(found.iter().all(|finding| finding.severity() == Some(severity)));
            total += found.len();
        }
        assert_eq!(total, all.len());
        for (name, value) in [
            ("imageBuildVersionArn", arn("image/none/1.0.0/1")),
            ("imagePipelineArn", arn("image-pipeline/none")),
            ("vulnerabilityId", "CVE-2099-00001".to_owned()),
            ("severity", "Critical".to_owned()),
        ] {
            assert!(findings(bench, Some(by(name, &value))).await.is_empty(), "{name} {value}");
        }

        // What is deleted is found no more.
        bench.builder.delete_image().image_build_version_arn(&images[2]).send().await.unwrap();
        let left = findings(bench, None).await;
        let stays = |finding: &&ImageScanFinding| finding.image_build_version_arn() != Some(images[2].as_str());
        assert!(all.iter().filter(stays).eq(&left));
    })
    .await;
}

#[tokio::test]
async fn a_finding_says_what_is_vulnerable_and_how_to_end_it() {
    on_both(async |bench| {
        let pipeline = scanned_pipeline(bench, "web").await;
        let image = built(bench, &pipeline).await;
        for finding in findings(bench, None).await {
            assert_eq!(finding.aws_account_id(), Some(DEFAULT_ACCOUNT));
            assert_eq!(finding.image_build_version_arn(), Some(image.as_str()));
            assert_eq!(finding.image_pipeline_arn(), Some(pipeline.as_str()));
            assert_eq!(finding.r#type(), Some("PACKAGE_VULNERABILITY"));
            assert!(finding.title().unwrap().starts_with(id(&finding)) && id(&finding).starts_with("CVE-2099-"));
            assert!(finding.remediation().unwrap().recommendation().unwrap().text().is_some());
            let details = finding.package_vulnerability_details().unwrap();
            assert!(details.vendor_created_at() < details.vendor_updated_at());
            assert!(details.vendor_updated_at() < finding.first_observed_at());
            assert_eq!(finding.inspector_score().is_some(), finding.severity() != Some("UNTRIAGED"));
            for package in details.vulnerable_packages() {
                assert!(package.release().unwrap().contains("amzn2023"));
                assert_eq!(package.fixed_in_version().is_some(), package.remediation().is_some());
                assert_eq!(
                    finding.fix_available() == Some("NO"),
                    details.vulnerable_packages()[0].fixed_in_version().is_none()
                );
            }
        }
    })
    .await;
}

#[tokio::test]
async fn filters_that_do_not_exist_or_are_too_many_are_refused() {
    on_both(async |bench| {
        let list = || bench.builder.list_image_scan_findings();
        let unknown = list().filters(by("name", "web")).send().await;
        assert_eq!(code(unknown), "InvalidParameterValueException");
        let two = list().filters(by("severity", "HIGH")).filters(by("severity", "LOW")).send().await;
        assert_eq!(code(two), "InvalidParameterValueException");
        let values = ImageScanFindingsFilter::builder().name("severity").values("HIGH").values("LOW").build();
        assert_eq!(code(list().filters(values).send().await), "InvalidParameterValueException");
        let nameless = ImageScanFindingsFilter::builder().values("HIGH").build();
        assert_eq!(code(list().filters(nameless).send().await), "InvalidRequestException");
        let valueless = ImageScanFindingsFilter::builder().name("severity").build();
        assert_eq!(code(list().filters(valueless).send().await), "InvalidRequestException");
        assert_eq!(code(list().max_results(101).send().await), "InvalidParameterValueException");

        let aggregate = || bench.builder.list_image_scan_finding_aggregations();
        let severity = Filter::builder().name("severity").values("HIGH").build();
        assert_eq!(code(aggregate().filter(severity).send().await), "InvalidParameterValueException");
        let nameless = Filter::builder().values("HIGH").build();
        assert_eq!(code(aggregate().filter(nameless).send().await), "InvalidRequestException");
        assert_eq!(code(aggregate().next_token("bad").send().await), "InvalidPaginationTokenException");
    })
    .await;
}

#[tokio::test]
async fn findings_are_counted_by_account_image_pipeline_and_vulnerability() {
    on_both(async |bench| {
        let aggregate = || bench.builder.list_image_scan_finding_aggregations();
        let none = aggregate().send().await.unwrap();
        assert_eq!(numbers(none.responses()[0].account_aggregation().unwrap().severity_counts()), [0; 4]);
        let (one, two) = (scanned_pipeline(bench, "one").await, scanned_pipeline(bench, "two").await);
        let images = [built(bench, &one).await, built(bench, &two).await, built(bench, &two).await];
        let all = findings(bench, None).await;

        let account = aggregate().send().await.unwrap();
        assert_eq!((account.aggregation_type(), account.responses().len()), (Some("accountId"), 1));
        let counted_in = account.responses()[0].account_aggregation().unwrap();
        assert_eq!(counted_in.account_id(), Some(DEFAULT_ACCOUNT));
        assert_eq!(numbers(counted_in.severity_counts()), counted(&all));

        let filter = |name: &str, values: &[&String]| {
            let filter = Filter::builder().name(name);
            Some(values.iter().fold(filter, |filter, value| filter.values(*value)).build())
        };
        let of_images = aggregate().set_filter(filter("imageBuildVersionArn", &[&images[0], &images[2]]));
        let of_images = of_images.send().await.unwrap();
        assert_eq!(of_images.aggregation_type(), Some("imageBuildVersionArn"));
        assert_eq!(of_images.responses().len(), 2);
        for response in of_images.responses() {
            let image = response.image_aggregation().unwrap();
            let its = all.iter().filter(|it| it.image_build_version_arn() == image.image_build_version_arn());
            assert_eq!(numbers(image.severity_counts()), counted(its));
        }
        let every = aggregate().set_filter(filter("imageBuildVersionArn", &[])).send().await.unwrap();
        assert_eq!(every.responses().len(), images.len());

        let of_two = aggregate().set_filter(filter("imagePipelineArn", &[&two])).send().await.unwrap();
        let pipeline = of_two.responses()[0].image_pipeline_aggregation().unwrap();
        assert_eq!((of_two.responses().len(), pipeline.image_pipeline_arn()), (1, Some(two.as_str())));
        let its = all.iter().filter(|it| it.image_pipeline_arn() == Some(&two));
        assert_eq!(numbers(pipeline.severity_counts()), counted(its));

        let every = aggregate().set_filter(filter("vulnerabilityId", &[])).send().await.unwrap();
        assert_eq!(every.aggregation_type(), Some("vulnerabilityId"));
        for response in every.responses() {
            let vulnerability = response.vulnerability_id_aggregation().unwrap();
            let its = all.iter().filter(|it| Some(id(it)) == vulnerability.vulnerability_id());
            assert_eq!(numbers(vulnerability.severity_counts()), counted(its));
        }
        let unknown = aggregate().set_filter(filter("vulnerabilityId", &[&"CVE-2099-00001".to_owned()]));
        assert!(unknown.send().await.unwrap().responses().is_empty());
    })
    .await;
}

#[tokio::test]
async fn only_completed_scans_count() {
    on_both(async |bench| {
        let pipeline = scanned_pipeline(bench, "web").await;
        let image = start(bench, &pipeline).await;
        assert_eq!(scan_status(bench, &image).await, Some(ImageScanStatus::Pending));
        assert!(findings(bench, None).await.is_empty());
        bench.builder.cancel_image_creation().image_build_version_arn(&image).send().await.unwrap();
        bench.ended(&image).await;
        assert_eq!(scan_status(bench, &image).await, Some(ImageScanStatus::Abandoned));

        let recipe = arn("image-recipe/web/1.0.0");
        let create = || {
            let create = bench.builder.create_image().image_recipe_arn(&recipe);
            create.infrastructure_configuration_arn(arn("infrastructure-configuration/web"))
        };
        let scanning = ImageScanningConfiguration::builder().image_scanning_enabled(true);
        let no_tests = ImageTestsConfiguration::builder().image_tests_enabled(false).build();
        let untested =
            create().image_scanning_configuration(scanning.clone().build()).image_tests_configuration(no_tests);
        let untested = untested.send().await.unwrap().image_build_version_arn.unwrap();
        let plain = create().send().await.unwrap().image_build_version_arn.unwrap();
        bench.ended(&untested).await;
        bench.ended(&plain).await;
        assert_eq!(scan_status(bench, &untested).await, Some(ImageScanStatus::Abandoned));
        assert_eq!(scan_status(bench, &plain).await, None);
        assert!(findings(bench, None).await.is_empty());

        // A condition is for scans of the AMI, whose findings aren't Image Builder's to list.
        let condition = |label: MaximumSeverityLabel| {
            ScanResultCondition::builder().maximum_severity_label(label).fix_available(false).build().unwrap()
        };
        let instance = scanning.clone().scan_result_condition(condition(MaximumSeverityLabel::High)).build();
        let refused = create().image_scanning_configuration(instance).send().await;
        assert_eq!(code(refused), "InvalidRequestException");
        let ami = scanning.image_scanning_types("ON_DEMAND_AMI_CVE".into());
        let ami = ami.scan_result_condition(condition(MaximumSeverityLabel::Informational)).build();
        let image = create().image_scanning_configuration(ami).send().await.unwrap().image_build_version_arn.unwrap();
        bench.ended(&image).await;
        let answer = bench.builder.get_image().image_build_version_arn(&image).send().await.unwrap();
        assert_eq!(answer.image().unwrap().state().unwrap().status(), Some(&ImageStatus::Failed));
        assert!(findings(bench, None).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_scan_without_time_times_out_and_the_build_goes_on() {
    on_both(async |bench| {
        let document = "schemaVersion: 1.0
steps:
  - name: Launch
    action: LaunchInstance
    inputs:
      waitFor: ssmAgent
  - name: Scan
    action: CollectImageScanFindings
    onFailure: Continue
    timeoutSeconds: 1
    inputs:
      instanceId.$: $.stepOutputs.Launch.instanceId
";
        let create = bench.builder.create_workflow().name("hasty").semantic_version("1.0.0").r#type(WorkflowType::Test);
        let workflow = create.data(document).send().await.unwrap().workflow_build_version_arn.unwrap();
        let workflow = WorkflowConfiguration::builder().workflow_arn(workflow).build().unwrap();
        let component = component(bench, "agent", "1.0.0").await;
        let create = bench.builder.create_image().image_recipe_arn(recipe(bench, "web", "1.0.0", &component).await);
        let create = create.infrastructure_configuration_arn(infrastructure(bench, "builders").await);
        let scanning = ImageScanningConfiguration::builder().image_scanning_enabled(true).build();
        let create = create.image_scanning_configuration(scanning).workflows(workflow).execution_role("builder");
        let image = create.send().await.unwrap().image_build_version_arn.unwrap();
        bench.ended(&image).await;
        let answer = bench.builder.get_image().image_build_version_arn(&image).send().await.unwrap();
        let image = answer.image().unwrap();
        assert_eq!(image.state().unwrap().status(), Some(&ImageStatus::Available));
        let scan = image.scan_state().unwrap();
        assert_eq!(scan.status(), Some(&ImageScanStatus::TimedOut));
        assert_eq!(scan.reason(), Some("The step timed out after 1 seconds."));
        assert!(findings(bench, None).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_a_scan_finds_is_an_event() {
    on_both(async |bench| {
        let topic = bench.call("sns", DEFAULT_REGION, "CreateTopic", json!({"Name": "findings"}));
        let pattern = json!({
            "source": ["aws.imagebuilder"],
            "detail-type": ["EC2 Image Builder CVE Detected"],
            "resources": [arn("image-pipeline/web")],
            "detail": {
                "resource-id": [{"prefix": "i-"}],
                "finding-severity-counts": {"all": [{"numeric": [">", 0]}], "critical": [{"numeric": [">=", 0]}]},
            },
        });
        let rule = json!({"Name": "found", "EventPattern": pattern.to_string()});
        bench.call("events", DEFAULT_REGION, "PutRule", rule);
        let targets = json!({"Rule": "found", "Targets": [{"Id": "topic", "Arn": topic["TopicArn"]}]});
        bench.call("events", DEFAULT_REGION, "PutTargets", targets);
        let other =
            json!({"Name": "other", "EventPattern": json!({"resources": [arn("image-pipeline/other")]}).to_string()});
        bench.call("events", DEFAULT_REGION, "PutRule", other);

        let matched = || bench.journal(journal::Kind::RuleMatched);
        let pipeline = scanned_pipeline(bench, "web").await;
        let image = start(bench, &pipeline).await;
        bench.until(|world| world.imagebuilder.get(&image).unwrap().status() == "TESTING").await;
        assert!(matched().is_empty());
        bench.ended(&image).await;
        assert_eq!(matched().len(), 1, "{:?}", matched());
        assert!(matched()[0].starts_with("EC2 Image Builder CVE Detected") && matched()[0].contains(&image));

        let create = bench.builder.create_image().image_recipe_arn(arn("image-recipe/web/1.0.0"));
        let unscanned = create.infrastructure_configuration_arn(arn("infrastructure-configuration/web"));
        let unscanned = unscanned.send().await.unwrap().image_build_version_arn.unwrap();
        bench.ended(&unscanned).await;
        assert_eq!(matched().len(), 1);
    })
    .await;
}
