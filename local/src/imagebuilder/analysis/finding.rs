//! Findings: which vulnerabilities an image's packages have, and what is said of each.

use super::super::execution::{self, Phase};
use super::super::store::Resource;
use super::catalogue::{FLAWS, Fix, Flaw, severity};
use super::lineage::{self, Lineage};
use super::sources::{self, Source};
use super::system::System;
use crate::clock::{Time, epoch_seconds};
use crate::draw::Seed;
use crate::faults;
use crate::world::World;
use chrono::TimeDelta;
use serde_json::{Map, Value, json};

/// One finding, as short as it can be told.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    /// Its place in the catalogue.
    pub(super) place: usize,
    source: &'static Source,
    /// The release that the image has.
    revision: u64,
    /// The release that brought the vulnerability.
    since: u64,
    /// The release that ends it, if one does.
    fixed: Option<u64>,
    /// How many times the flaw was there before.
    times: u64,
    /// When it was first seen, if that wasn't at the end of the scan.
    late: Option<Time>,
}

/// What an image's packages have, in the catalogue's order, whether it was scanned or not.
pub(super) fn of(world: &World, image: &Resource) -> Vec<Finding> {
    let lineage = lineage::of(world, image);
    let present: Vec<_> = sources::of(System::of(image), &lineage.components).collect();
    let found = FLAWS.iter().enumerate().filter_map(|(place, flaw)| {
        let source = present.iter().find(|source| source.name == flaw.source)?;
        find(world.seed, place, flaw, source, lineage.level)
    });
    let mut found: Vec<Finding> = found.collect();
    for (severity, at) in asked_for(world, image) {
        // Of a package that the image has, if there is one that isn't found vulnerable already.
        let free = |place: &usize| found.iter().all(|finding| finding.place != *place);
        let candidates = (0..FLAWS.len()).filter(free).filter_map(|place| {
            let has = present.iter().any(|source| source.name == FLAWS[place].source);
            let source = sources::named(System::of(image), FLAWS[place].source)?;
            let revision = source.revision(world.seed, lineage.level);
            Some((!has, Finding { place, source, revision, since: 0, fixed: None, times: 0, late: Some(at) }))
        });
        let fitting = candidates.filter(|(_, finding)| finding.severity() == severity);
        found.extend(fitting.min_by_key(|(lacks, _)| *lacks).map(|(_, finding)| finding));
    }
    found.sort_by_key(|finding| finding.place);
    found
}

/// The findings that faults add, by severity, and since when each is there.
fn asked_for(world: &World, image: &Resource) -> Vec<(String, Time)> {
    let recipe = ["imageRecipe", "containerRecipe"].iter().find_map(|kind| image.document.get(kind)?["arn"].as_str());
    let build = faults::Build {
        arn: &image.arn,
        name: image.text("name").unwrap_or(&image.segment),
        recipe: recipe.unwrap_or_default(),
        pipeline: image.text("sourcePipelineArn"),
        region: &image.region,
        account: &image.owner,
        tested: true,
    };
    faults::findings_of(world, &build, observed(world, image))
}

fn find(seed: Seed, place: usize, flaw: &Flaw, source: &'static Source, level: u64) -> Option<Finding> {
    let revision = source.revision(seed, level);
    let (Fix::Of { releases, vulnerable } | Fix::Partly { releases, vulnerable }) = flaw.fix else {
        return Some(Finding { place, source, revision, since: 0, fixed: None, times: 0, late: None });
    };
    let shifted = revision + seed.draw(&["flaw", &place.to_string()]) % releases;
    let passed = shifted % releases;
    (passed < vulnerable).then(|| Finding {
        place,
        source,
        revision,
        since: revision.saturating_sub(passed),
        fixed: Some(revision - passed.min(revision) + vulnerable),
        times: shifted / releases,
        late: None,
    })
}

impl Finding {
    fn flaw(&self) -> &'static Flaw {
        &FLAWS[self.place]
    }

    /// `CVE-2099-…`
    pub(super) fn vulnerability_id(&self) -> String {
        format!("CVE-2099-{:05}", 10_000 + 1_000 * self.place as u64 + self.times % 1_000)
    }

    /// The score after Inspector's adjustment, in tenths: some flaws can't be reached.
    fn score(&self) -> Option<u32> {
        let (score, _) = self.flaw().cvss?;
        Some(if self.is_adjusted() { score - 3 } else { score })
    }

    fn is_adjusted(&self) -> bool {
        self.place.is_multiple_of(4) && self.flaw().cvss.is_some_and(|(score, _)| score > 40)
    }

    /// `CRITICAL` and so on.
    pub(super) fn severity(&self) -> &'static str {
        severity(self.score())
    }

    /// Whether there is a fix for all of the packages, for some or for none, as `fixAvailable` says it.
    pub(super) fn fix_available(&self, system: System) -> &'static str {
        match self.flaw().fix {
            Fix::None => "NO",
            Fix::Partly { .. } if self.source.packages(system, self.revision).len() > 1 => "PARTIAL",
            _ => "YES",
        }
    }

    /// The finding as ListImageScanFindings has it.
    pub(super) fn to_value(&self, world: &World, image: &Resource, observed: Time) -> Value {
        let observed = self.late.unwrap_or(observed);
        let system = System::of(image);
        let packages = self.source.packages(system, self.revision);
        let id = self.vulnerability_id();
        let page = format!("https://example.com/vulnerabilities/{id}");
        let mut finding = json!({
            "awsAccountId": image.owner,
            "imageBuildVersionArn": image.arn,
            "type": "PACKAGE_VULNERABILITY",
            "title": format!("{id} - {}", packages.join(", ")),
            "description": format!("The packages {} have {}. This vulnerability is invented.",
                packages.join(", "), self.flaw().what),
            "remediation": {"recommendation": {"text": self.recommendation(system, &packages), "url": page}},
            "severity": self.severity(),
            "firstObservedAt": epoch_seconds(observed),
            "updatedAt": epoch_seconds(observed),
            "packageVulnerabilityDetails": self.details(world, image, &packages, &page),
            "fixAvailable": self.fix_available(system),
        });
        if let Some(pipeline) = image.text("sourcePipelineArn") {
            finding["imagePipelineArn"] = pipeline.into();
        }
        if let (Some(score), Some((_, vector))) = (self.score(), self.flaw().cvss) {
            let adjustment = json!({
                "metric": "Attack Vector", "reason": "No path from the internet to the instance was found.",
            });
            let adjustments = if self.is_adjusted() { vec![adjustment] } else { Vec::new() };
            finding["inspectorScore"] = tenths(score);
            finding["inspectorScoreDetails"] = json!({"adjustedCvss": {
                "scoreSource": "NVD", "cvssSource": "NVD", "version": "3.1",
                "score": tenths(score), "scoringVector": vector, "adjustments": adjustments,
            }});
        }
        finding
    }

    fn recommendation(&self, system: System, packages: &[String]) -> String {
        match self.fixed {
            Some(fixed) if self.source.is_update() => {
                format!("Install {}.", self.source.packages(system, fixed).join(", "))
            }
            Some(fixed) => format!("Upgrade {} to {}.", packages.join(", "), self.source.version(system, fixed)),
            None => "None Provided".to_owned(),
        }
    }

    fn details(&self, world: &World, image: &Resource, packages: &[String], page: &str) -> Value {
        let (system, lineage) = (System::of(image), lineage::of(world, image));
        let id = self.vulnerability_id();
        let known = self.source.released(world.seed, self.since);
        let mut details = json!({
            "vulnerabilityId": id,
            "source": system.vendor(),
            "sourceUrl": page,
            "referenceUrls": [page],
            "relatedVulnerabilities": self.related(world.seed, &id),
            "vendorSeverity": severity(self.flaw().cvss.map(|(score, _)| score)),
            "vendorCreatedAt": epoch_seconds(known - TimeDelta::days(30)),
            "vendorUpdatedAt": epoch_seconds(known - TimeDelta::days(3)),
            "vulnerablePackages": packages.iter().enumerate()
                .map(|(index, name)| self.package(world.seed, image, &lineage, name, index)).collect::<Vec<_>>(),
        });
        if let Some((score, vector)) = self.flaw().cvss {
            let score = json!({"baseScore": tenths(score), "scoringVector": vector, "version": "3.1", "source": "NVD"});
            details["cvss"] = json!([score]);
        }
        details
    }

    /// Every third vulnerability has a relative.
    fn related(&self, seed: Seed, id: &str) -> Vec<String> {
        let draw = seed.draw(&["related", id]);
        if draw.is_multiple_of(3) { vec![format!("CVE-2099-{}", 90_000 + draw % 10_000)] } else { Vec::new() }
    }

    fn package(&self, seed: Seed, image: &Resource, lineage: &Lineage, name: &str, index: usize) -> Value {
        let system = System::of(image);
        let full = self.source.version(system, self.revision);
        let (version, release) = full.split_once('-').map_or((full.as_str(), None), |(it, rest)| (it, Some(rest)));
        let mut package = Map::new();
        let mut set = |member: &str, value: Value| package.insert(member.to_owned(), value);
        set("name", name.into());
        set("version", version.into());
        set("epoch", 0.into());
        set("arch", if lineage.arm { "AARCH64" } else { "X86_64" }.into());
        set("packageManager", "OS".into());
        if let Some(release) = release {
            set("release", release.into());
        }
        if let Some(database) = system.database() {
            set("filePath", database.into());
        }
        if image.text("type") == Some("DOCKER") {
            let layer = [0, 1].map(|half| seed.hex(&["layer", &image.arn, &half.to_string()], 32)).concat();
            set("sourceLayerHash", format!("sha256:{layer}").into());
        }
        let is_fixed = index == 0 || !matches!(self.flaw().fix, Fix::Partly { .. });
        if let Some(fixed) = self.fixed.filter(|_| is_fixed) {
            set("fixedInVersion", self.source.version(system, fixed).into());
            set("remediation", system.remedy(name).into());
        }
        package.into()
    }
}

/// A score.
fn tenths(score: u32) -> Value {
    (f64::from(score) / 10.0).into()
}

/// When an image's findings were first seen: at the end of its scan.
pub(super) fn observed(world: &World, image: &Resource) -> Time {
    let step = execution::seen(world, &image.arn, Phase::Test, "CollectImageScanFindings");
    step.map_or(image.created, |step| step.ended)
}
