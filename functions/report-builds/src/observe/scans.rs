//! What a scan found, and whether the newest parent is free of it.

use super::Reader;
use super::lists::PAGE;
use super::references::recipe;
use crate::facts::{Finding, FindingSeverity, Known, NewerParent, Package, Scan};
use aws_sdk_imagebuilder::types::{self, ImageScanFindingsFilter};
use shared::error::chain;
use shared::inputs::{Inputs, same};
use shared::inventory::CallError;
use shared::resolve::{StandsFor, is_gone};
use std::collections::BTreeMap;

/// imagebuilder:ListImageScanFindings of a build whose scan is over, and what there is to know about its parent.
///
/// # Errors
/// That the findings couldn't be read.
pub(super) async fn read(reader: Reader<'_>, arn: &str, inputs: &Inputs) -> Result<Scan, CallError> {
    let client = &reader.clients.imagebuilder;
    let filter = ImageScanFindingsFilter::builder().name("imageBuildVersionArn").values(arn).build();
    let page = async |token| {
        let call = client.list_image_scan_findings().filters(filter.clone()).max_results(PAGE).set_next_token(token);
        call.send().await.map(|answer| (answer.findings, answer.next_token))
    };
    let findings = reader.calls.list("ListImageScanFindings", arn, page).await?;
    let findings: Vec<Finding> = findings.into_iter().map(finding).collect();
    let newer_parent = match findings.is_empty() {
        true => Known::Unasked,
        false => newer_parent(reader, inputs).await.unwrap_or_else(|error| Known::Unread(chain(&error))),
    };
    Ok(Scan { findings, newer_parent })
}

fn finding(finding: types::ImageScanFinding) -> Finding {
    let details = finding.package_vulnerability_details;
    let id = details.as_ref().map(|details| details.vulnerability_id.clone());
    let (url, packages) = details.map(|details| (details.source_url, details.vulnerable_packages)).unwrap_or_default();
    Finding {
        id: id.or_else(|| finding.title.clone()).unwrap_or_else(|| "a finding without name".to_owned()),
        severity: FindingSeverity::from(finding.severity.as_deref().unwrap_or_default()),
        title: finding.title,
        url,
        packages: packages.unwrap_or_default().into_iter().filter_map(package).collect(),
    }
}

fn package(package: types::VulnerablePackage) -> Option<Package> {
    let mut version = package.version.unwrap_or_default();
    if let Some(release) = package.release.filter(|release| !release.is_empty()) {
        version = format!("{version}-{release}");
    }
    if let Some(epoch) = package.epoch.filter(|epoch| *epoch > 0) {
        version = format!("{epoch}:{version}");
    }
    Some(Package { name: package.name?, version, fixed_in: package.fixed_in_version })
}

/// The build that the recipe's parent stands for now, if the build was made of another one. Of AMIs and containers
/// nobody tells packages.
async fn newer_parent(reader: Reader<'_>, inputs: &Inputs) -> Result<Known<Option<NewerParent>>, CallError> {
    let parent = recipe(reader, &inputs.recipe).await?.0;
    let Some(parent) = parent.filter(|parent| parent.contains(":imagebuilder:")) else { return Ok(Known::Is(None)) };
    let arn = match reader.resolver().image(&parent).await {
        Ok(StandsFor::Usable { to, .. }) => to,
        Ok(StandsFor::Unusable(_)) => return Ok(Known::Is(None)),
        Err(error) if is_gone(&error) => return Ok(Known::Is(None)),
        Err(error) => return Err(error),
    };
    if same(&arn, &inputs.parent, &reader.function.account) {
        return Ok(Known::Is(None));
    }
    let packages = packages(reader, &arn).await;
    let packages = packages.map_or_else(|error| Known::Unread(chain(&error)), Known::Is);
    Ok(Known::Is(Some(NewerParent { arn, packages })))
}

/// imagebuilder:ListImagePackages
async fn packages(reader: Reader<'_>, arn: &str) -> Result<BTreeMap<String, String>, CallError> {
    let client = &reader.clients.imagebuilder;
    let page = async |token| {
        let call = client.list_image_packages().image_build_version_arn(arn).max_results(PAGE).set_next_token(token);
        call.send().await.map(|answer| (answer.image_package_list, answer.next_token))
    };
    let listed = reader.calls.list("ListImagePackages", arn, page).await?;
    Ok(listed.into_iter().filter_map(|package| package.package_name.zip(package.package_version)).collect())
}
