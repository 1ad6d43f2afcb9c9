//! What belongs to a family.

use super::lists::Listed;
use crate::facts::{Known, Pipeline, Place, Summary, newest};
use crate::settings::Settings;
use shared::arn::ImageBuildArn;
use std::collections::BTreeSet;

/// The pipeline that remembers a family's reports: of those that build it the first by ARN, one that is enabled before
/// one that isn't. So it stays the same whichever of them ran last.
pub(super) fn rememberer<'a>(pipelines: &'a [Pipeline], family: &str) -> Option<&'a Pipeline> {
    let of_family = pipelines.iter().filter(|pipeline| pipeline.family == family);
    of_family.min_by_key(|pipeline| (!pipeline.enabled, &pipeline.arn))
}

/// The builds that no pipeline lists and that count: those in flight, and of each family the newest that ended, unless a
/// pipeline made it.
pub(super) fn loose(pipelines: &[Pipeline], families: &[(String, Vec<Listed>)]) -> Vec<Summary> {
    let lists = pipelines.iter().filter_map(|pipeline| pipeline.builds.get());
    let made: BTreeSet<&ImageBuildArn> = lists.flatten().map(|build| &build.arn).collect();
    // Which builds are a pipeline's can't be told while its list is unknown.
    let unknown = |name: &str| {
        pipelines.iter().any(|pipeline| pipeline.family == name && matches!(pipeline.builds, Known::Unread(_)))
    };
    let mut loose = Vec::new();
    for (_, listed) in families.iter().filter(|(name, _)| !unknown(name)) {
        let builds: Vec<Summary> = listed.iter().map(|listed| listed.summary.clone()).collect();
        let ended = newest(&builds, Summary::has_ended).into_iter();
        let counting = ended.chain(builds.iter().filter(|build| build.status.is_in_flight()));
        loose.extend(counting.filter(|build| !made.contains(&build.arn)).cloned());
    }
    loose
}

/// The builds that remember the reports of families that no pipeline builds.
pub(super) fn rememberers(pipelines: &[Pipeline], families: &[(String, Vec<Listed>)]) -> Vec<ImageBuildArn> {
    let alone = families.iter().filter(|(name, _)| rememberer(pipelines, name).is_none());
    let newest = alone.filter_map(|(_, listed)| {
        let builds: Vec<Summary> = listed.iter().map(|listed| listed.summary.clone()).collect();
        newest(&builds, Summary::has_ended).map(|build| build.arn.clone())
    });
    newest.collect()
}

/// A refusal of Parameter Store, from the event that tells it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refusal<'a> {
    pub(super) region: &'a str,
    pub(super) account: &'a str,
    pub(super) why: &'a str,
}

/// Notes a refusal in its place, which is one of the family's even if no build has an AMI there.
pub(super) fn with_refusal(
    mut places: Vec<Place>,
    family: &str,
    refusal: Option<Refusal<'_>>,
    settings: &Settings,
) -> Vec<Place> {
    let Some(Refusal { region, account, why }) = refusal else { return places };
    let here = |place: &&mut Place| (place.region.as_str(), place.account.as_str()) == (region, account);
    match places.iter_mut().find(here) {
        Some(place) => place.refusal = Some(why.to_owned()),
        None => places.push(Place {
            region: region.to_owned(),
            account: account.to_owned(),
            parameter: settings.parameter(family),
            wanted: None,
            holds: Known::Unasked,
            refusal: Some(why.to_owned()),
        }),
    }
    places
}
