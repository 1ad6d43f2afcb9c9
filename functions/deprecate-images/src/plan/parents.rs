//! Who stands on whom: an image stays while a pipeline's recipe or a kept image is made of it, through all generations.

use super::Decision;
use super::facts::{AccountFacts, FamilyFacts, Parent};
use super::reason::{Reason, Weight};
use super::record::is_retiring;
use shared::arn::{ImageBuildArn, VersionedArn};
use shared::image::Status;
use std::collections::{BTreeMap, HashMap};

/// By build of a family: the pipelines whose recipes stand on it. A reference without a build, or with wildcards, stands
/// on the newest AVAILABLE build that fits; if there is none, on the newest that can be taken back.
pub(super) fn of_pipelines<'a>(
    account: &'a AccountFacts,
    facts: &'a FamilyFacts,
) -> BTreeMap<&'a ImageBuildArn, Vec<&'a str>> {
    let mut live: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for parent in &account.parents {
        let on = facts.builds.iter().filter(|build| match &parent.parent {
            Parent::Build(arn) => *arn == build.arn,
            Parent::Ami(id) => build.amis.get().into_iter().flatten().any(|ami| ami.id == *id),
            Parent::Selects(_) | Parent::Outside(_) | Parent::Unknown(_) => false,
        });
        let selected = match &parent.parent {
            Parent::Selects(reference) => reference.parse().ok().and_then(|pattern: VersionedArn| {
                let fits = facts.builds.iter().filter(|build| selects(&pattern, &build.arn));
                let fits = fits.filter(|build| build.status == Status::Available || is_retiring(build));
                fits.max_by_key(|build| (build.status == Status::Available, build.arn.order()))
            }),
            _ => None,
        };
        for build in on.chain(selected) {
            live.entry(&build.arn).or_default().push(parent.pipeline.as_str());
        }
    }
    live
}

/// Parents of pipelines of which it isn't known which images they are: any may be.
pub(super) fn unknown(account: &AccountFacts) -> impl Iterator<Item = String> {
    account.parents.iter().filter_map(|parent| {
        let why = match &parent.parent {
            Parent::Unknown(why) => why.as_str(),
            Parent::Selects(reference) if reference.parse::<VersionedArn>().is_err() => reference,
            _ => return None,
        };
        Some(format!("the parent of {}: {why}", parent.pipeline))
    })
}

/// Whether a reference to an image may stand for a build.
fn selects(pattern: &VersionedArn, build: &ImageBuildArn) -> bool {
    let VersionedArn { arn, kind, name, version, build: number } = pattern;
    kind == "image"
        && (&arn.account, &arn.region, name) == (&build.account, &build.region, &build.family)
        && version.matches(build.version)
        && number.is_none_or(|number| number == build.build)
}

/// What kept images are made of.
#[derive(Debug, Default)]
pub(super) struct Needed {
    builds: HashMap<ImageBuildArn, Need>,
    amis: HashMap<String, Need>,
    /// Any build that fits, with the kept image.
    patterns: Vec<(VersionedArn, Need)>,
    /// Any build, with why it isn't known which.
    any: Option<String>,
}

#[derive(Debug, Clone)]
struct Need {
    weight: Weight,
    child: ImageBuildArn,
}

impl Needed {
    /// A kept image and what it is made of.
    pub(super) fn add(&mut self, child: &ImageBuildArn, parent: &Parent, weight: Weight) {
        let need = Need { weight, child: child.clone() };
        let more = |known: &mut Need| {
            if known.weight < weight {
                *known = Need { weight, child: child.clone() };
            }
        };
        let unknown = |why: &str| format!("what {child}, which is kept, is made of: {why}");
        match parent {
            Parent::Build(arn) => drop(self.builds.entry(arn.clone()).and_modify(more).or_insert(need)),
            Parent::Ami(id) => drop(self.amis.entry(id.clone()).and_modify(more).or_insert(need)),
            Parent::Selects(reference) => match reference.parse() {
                Ok(pattern) if !self.patterns.iter().any(|(known, _)| *known == pattern) => {
                    self.patterns.push((pattern, need));
                }
                Ok(_) => {}
                Err(_) => drop(self.any.get_or_insert_with(|| unknown(reference))),
            },
            Parent::Outside(_) => {}
            Parent::Unknown(why) => drop(self.any.get_or_insert_with(|| unknown(why))),
        }
    }

    /// Kept images of which nothing is known: any image may be what they are made of.
    pub(super) fn unknown(&mut self, why: String) {
        self.any.get_or_insert(why);
    }

    /// Why an image is needed, and how much.
    pub(super) fn reason(&self, decision: &Decision) -> Option<(Weight, Reason)> {
        let exact = self.builds.get(&decision.image);
        let amis = decision.facts.amis.iter().filter_map(|it| self.amis.get(&it.ami.id));
        let exact = exact.into_iter().chain(amis).max_by_key(|need| need.weight);
        if let Some(Need { weight, child }) = exact {
            return Some((*weight, Reason::ParentOfImage(child.clone())));
        }
        let fits =
            |(pattern, need): &&(VersionedArn, Need)| need.child != decision.image && selects(pattern, &decision.image);
        if let Some((_, need)) = self.patterns.iter().find(fits) {
            let what = format!("whether {}, which is kept, is made of it", need.child);
            return Some((Weight::Holds, Reason::Missing(what)));
        }
        self.any.clone().map(|why| (Weight::Holds, Reason::Missing(why)))
    }
}
