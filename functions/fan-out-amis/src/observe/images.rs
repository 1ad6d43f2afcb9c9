//! What Image Builder is asked.

use super::{ObserveError, Reader};
use crate::plan::{Family, Findings, Severity};
use aws_sdk_imagebuilder::types::{ImageScanFindingsFilter, Ownership};
use shared::arn::{Arn, ImageBuildArn, VersionedArn};
use shared::error::chain;
use shared::image::{BadImage, Image};
use shared::inventory::CallError;
use shared::version::Version;
use std::collections::{BTreeMap, BTreeSet};

/// Items of a page: the most that every version of the service takes.
const PAGE: i32 = 25;

/// imagebuilder:GetImage, where the ARN says that the build is; `None` when Image Builder doesn't know it.
pub(crate) async fn look(reader: Reader<'_>, arn: &ImageBuildArn) -> Result<Option<Image>, ObserveError> {
    let name = arn.to_string();
    let client = reader.clients.imagebuilder.in_region(&arn.region);
    let call = async || client.get_image().image_build_version_arn(&name).send().await;
    let answer = match reader.calls.make("GetImage", &name, call).await {
        Ok(answer) => answer,
        Err(error) if error.code() == Some("ResourceNotFoundException") => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let image = answer.image.ok_or(BadImage::Lacks("the image")).and_then(Image::try_from);
    image.map(Some).map_err(|source| ObserveError::Image { operation: "GetImage", arn: name, source })
}

/// imagebuilder:ListImages: all families of the account in the function's Region, with their versions.
pub(super) async fn listed(reader: Reader<'_>, own: &Arn) -> Result<BTreeMap<Family, BTreeSet<Version>>, ObserveError> {
    let client = reader.clients.imagebuilder.in_region(&own.region);
    let call = async |token| {
        let call = client.list_images().owner(Ownership::SelfValue).max_results(PAGE).set_next_token(token);
        call.send().await.map(|answer| (answer.image_version_list, answer.next_token))
    };
    let mut families: BTreeMap<Family, BTreeSet<Version>> = BTreeMap::new();
    for image in reader.calls.list("ListImages", "the account's images", call).await? {
        // Every version of an image of one's own has such an ARN.
        let Some(VersionedArn { arn, name, version, .. }) = image.arn.and_then(|arn| arn.parse().ok()) else {
            continue;
        };
        let Some(version) = version.exact().filter(|_| arn.account == own.account) else { continue };
        let Arn { partition, region, account, .. } = arn;
        families.entry(Family { partition, region, account, name }).or_default().insert(version);
    }
    Ok(families)
}

/// imagebuilder:ListImageBuildVersions: the builds of a version.
pub(super) async fn builds(reader: Reader<'_>, family: &Family, version: Version) -> Result<Vec<Image>, ObserveError> {
    let Family { partition, region, account, name } = family;
    let arn = format!("arn:{partition}:imagebuilder:{region}:{account}:image/{name}/{version}");
    let client = reader.clients.imagebuilder.in_region(region);
    let call = async |token| {
        let call = client.list_image_build_versions().image_version_arn(&arn).max_results(PAGE).set_next_token(token);
        call.send().await.map(|answer| (answer.image_summary_list, answer.next_token))
    };
    let listed = reader.calls.list("ListImageBuildVersions", &arn, call).await?;
    let images = listed.into_iter().map(Image::try_from).collect::<Result<_, _>>();
    images.map_err(|source| ObserveError::Image { operation: "ListImageBuildVersions", arn, source })
}

/// imagebuilder:ListImageScanFindings: how bad each finding of a build is. A build that wasn't scanned to the end has
/// unknown findings, not none.
pub(super) async fn findings(reader: Reader<'_>, arn: &ImageBuildArn, scan: Option<&str>) -> Findings {
    match scan {
        Some("COMPLETED") => {}
        Some(status) => return Findings::Unread(format!("its scan is {status}")),
        None => return Findings::Unread("it wasn't scanned".to_owned()),
    }
    let name = arn.to_string();
    let client = reader.clients.imagebuilder.in_region(&arn.region);
    let filter = ImageScanFindingsFilter::builder().name("imageBuildVersionArn").values(&name).build();
    let call = async |token| {
        let call = client.list_image_scan_findings().filters(filter.clone()).max_results(PAGE).set_next_token(token);
        call.send().await.map(|answer| (answer.findings, answer.next_token))
    };
    let listed: Result<_, CallError> = reader.calls.list("ListImageScanFindings", &name, call).await;
    match listed {
        Ok(findings) => Findings::Read(
            findings.iter().map(|finding| Severity::from(finding.severity.as_deref().unwrap_or_default())).collect(),
        ),
        Err(error) => Findings::Unread(chain(&error)),
    }
}
