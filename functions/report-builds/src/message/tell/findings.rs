//! Findings of a build's scan.

use super::super::Telling;
use super::super::content::Content;
use super::super::words::{columns, counted, cut, first, image, listed, short};
use crate::facts::{Build, Finding, FindingSeverity, NewerParent, Package, Summary};
use crate::fixed::fixed_by;
use std::collections::{BTreeMap, BTreeSet};

/// How many findings are told one by one.
const MOST: usize = 20;

pub(super) fn findings(
    telling: &Telling<'_>,
    build: &Summary,
    detail: &Build,
    at_least: FindingSeverity,
    blocked: bool,
) -> Content {
    let name = image(&build.arn);
    let scan = detail.scan.get();
    let all = scan.map_or(&[][..], |scan| scan.findings.as_slice());
    let parent = scan.and_then(|scan| scan.newer_parent.get()).and_then(Option::as_ref);
    let mut told: Vec<&Finding> = all.iter().filter(|finding| finding.severity >= at_least).collect();
    told.sort_by(|one, other| other.severity.cmp(&one.severity).then_with(|| one.id.cmp(&other.id)));
    let counts = by_severity(all);
    let worst: Vec<String> = counts.iter().filter(|(severity, _)| *severity >= at_least).map(said).collect();
    let findings = if told.len() == 1 { "finding" } else { "findings" };
    let worst = format!("{} {findings}", listed(&worst));
    let mut content = telling.of_build(
        build,
        format!("{name} has {worst}"),
        format!("The scan of {name} has {worst}: known vulnerabilities in what is installed.",),
    );
    content.facts.push(("Findings", counts.iter().map(said).collect::<Vec<_>>().join(", ")));
    if blocked {
        let tag = shared::tags::BLOCKED;
        content.facts.push(("Blocked", format!("yes: the tag {tag} keeps this build from every channel")));
    } else if let Some(error) = telling.facts.block_refused.get(&build.arn.to_string()) {
        content.facts.push(("Blocked", format!("no, though it should be: {}", cut(error, 300))));
    }
    let fixed = |finding: &&Finding| parent.and_then(|parent| fixed_by(parent, finding));
    let rows: Vec<[String; 5]> = told.iter().map(|finding| row(finding, parent, fixed(finding))).collect();
    content.section("Findings, worst first", first(columns(&rows), MOST));
    let by_parent = told.iter().filter(|finding| fixed(finding) == Some(true)).count();
    if let Some(parent) = parent {
        let line = format!("{by_parent} of {} are fixed by {}, which is newer.", told.len(), short(&parent.arn));
        content.section("The parent", vec![line, format!("The build was made of {}.", short(&detail.inputs.parent))]);
    }
    for finding in told.iter().take(3) {
        content.links.extend(finding.url.iter().map(|url| ("Vulnerability", url.clone())));
    }
    content.next = next(telling, build, &told, parent, by_parent, blocked);
    content
}

fn by_severity(findings: &[Finding]) -> Vec<(FindingSeverity, usize)> {
    let mut counts = BTreeMap::new();
    for finding in findings {
        *counts.entry(finding.severity).or_insert(0) += 1;
    }
    counts.into_iter().rev().collect()
}

fn said((severity, count): &(FindingSeverity, usize)) -> String {
    format!("{count} {}", severity.word())
}

fn row(finding: &Finding, parent: Option<&NewerParent>, fixed: Option<bool>) -> [String; 5] {
    let name = |package: &Package| format!("{} {}", package.name, package.version);
    let packages: Vec<String> = finding.packages.iter().map(name).collect();
    let fixes: BTreeSet<&str> = finding.packages.iter().filter_map(|package| package.fixed_in.as_deref()).collect();
    let fixes = fixes.into_iter().collect::<Vec<_>>().join(", ");
    [
        finding.severity.word().to_owned(),
        finding.id.clone(),
        first(packages, 3).join(", "),
        if fixes.is_empty() { "no fix known".to_owned() } else { format!("fixed in {fixes}") },
        match (parent, fixed) {
            (None, _) => String::new(),
            (Some(_), Some(true)) => "in the newest parent".to_owned(),
            (Some(_), Some(false)) => "not yet in the parent".to_owned(),
            (Some(_), None) => "not by the parent".to_owned(),
        },
    ]
}

fn next(
    telling: &Telling<'_>,
    build: &Summary,
    told: &[&Finding],
    parent: Option<&NewerParent>,
    by_parent: usize,
    blocked: bool,
) -> Vec<String> {
    let mut next = Vec::new();
    let region = &telling.facts.function.region;
    if let Some(parent) = parent.filter(|_| by_parent > 0) {
        next.push(format!(
            "Build on {} ({} fixed that way):\n{}",
            short(&parent.arn),
            counted(by_parent, "finding"),
            telling.start()
        ));
    }
    let packages = told.iter().filter(|finding| parent.and_then(|parent| fixed_by(parent, finding)) != Some(true));
    let packages = packages.flat_map(|finding| &finding.packages).filter(|package| package.fixed_in.is_some());
    let packages: BTreeSet<String> = packages.map(|package| package.name.clone()).collect();
    if !packages.is_empty() {
        let packages = first(packages.into_iter().collect(), 10);
        next.push(format!(
            "Update {} in a component of the recipe (the managed component update-linux or update-windows updates \
             all), and build again:\n{}",
            listed(&packages),
            telling.start()
        ));
    }
    if next.is_empty() {
        next.push("No fix is known yet: see at the addresses above what helps until there is one.".to_owned());
    }
    if telling.facts.block_refused.contains_key(&build.arn.to_string()) {
        next.push(format!(
            "Keep this build from channels, which Goldsmith wasn't allowed to:\naws imagebuilder tag-resource --region \
             {region} --resource-arn {} --tags {}=findings",
            build.arn,
            shared::tags::BLOCKED
        ));
    }
    if blocked {
        next.push(format!(
            "If the risk is acceptable, say so, and let this build into channels:\naws imagebuilder tag-resource --region \
             {region} --resource-arn {arn} --tags \"{}=why\"\naws imagebuilder untag-resource --region {region} \
             --resource-arn {arn} --tag-keys {}",
            shared::tags::ACCEPTED,
            shared::tags::BLOCKED,
            arn = build.arn,
        ));
    }
    next
}
