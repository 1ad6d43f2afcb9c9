//! What images have: the same for the same parents, less of it with newer ones.

use super::super::fixtures::*;
use super::catalogue::{FLAWS, Fix, severity};
use super::system::System;
use super::*;
use crate::draw::Seed;
use crate::world::Event;
use proptest::prelude::*;
use std::cell::RefCell;
use std::collections::BTreeSet;

const SCANNED: &str = "imageScanningConfiguration";

fn managed(version: &str) -> String {
    format!("arn:aws:imagebuilder:{REGION}:aws:image/amazon-linux-2023-x86/{version}/1")
}

/// An image with a parent, scanned, of an operating system.
fn put_child(world: &mut World, name: &str, parent: &str, os: &str, components: &[&str]) -> Resource {
    put_image(world, name, "1.0.0", 1, "AVAILABLE");
    let arn = arn(&format!("image/{name}/1.0.0/1"));
    let image = world.imagebuilder.get_mut(&arn).unwrap();
    let named =
        |name: &&str| json!({"componentArn": format!("arn:aws:imagebuilder:{REGION}:aws:component/{name}/1.0.0/1")});
    let components: Vec<_> = components.iter().map(named).collect();
    image.document.insert("imageRecipe", json!({"parentImage": parent, "components": components}));
    image.document.insert("osVersion", os.into());
    if os.contains("Windows") {
        image.document.insert("platform", "Windows".into());
    }
    image.document.insert("scanState", json!({"status": "COMPLETED"}));
    image.clone()
}

fn ids(world: &World, image: &Resource) -> BTreeSet<String> {
    finding::of(world, image).iter().map(finding::Finding::vulnerability_id).collect()
}

#[test]
fn packages_fit_the_operating_system() {
    let mut world = world();
    for (os, has, hasnt, version) in [
        ("Amazon Linux 2023", "openssl-libs", "libssl3", ".amzn2023.0."),
        ("Amazon Linux 2", "openssl-libs", "libssl3", ".amzn2.0."),
        ("Ubuntu 22", "libssl3", "openssl-libs", "-0ubuntu0.22.04."),
        ("Red Hat Enterprise Linux 9", "openssl-libs", "amazon-ssm-agent", ".el9"),
        ("Microsoft Windows Server 2022", "Amazon SSM Agent", "openssl", "3.3.987."),
    ] {
        let image = put_child(&mut world, "web", &managed("2026.2.1"), os, &[]);
        let packages = packages::of(&world, &image);
        assert!(packages.contains_key(has) && !packages.contains_key(hasnt), "{os}: {packages:?}");
        assert!(packages[has].contains(version), "{os}: {}", packages[has]);
        if os.contains("Windows") {
            let updates: Vec<_> = packages.iter().filter(|(name, _)| name.starts_with("KB")).collect();
            assert!(updates.len() == 4 && updates.iter().all(|(_, version)| version.starts_with("10.0.20348.")));
        }
    }
}

#[test]
fn the_parent_decides_and_a_newer_one_brings_newer_packages_and_fixes() {
    let mut world = world();
    let image = |world: &mut World, name: &str, parent: &str| put_child(world, name, parent, "Amazon Linux 2023", &[]);
    let (old, same) = (image(&mut world, "a", &managed("2025.2.1")), image(&mut world, "b", &managed("2025.2.1")));
    let new = image(&mut world, "c", &managed("2026.2.1"));
    assert_eq!(packages::of(&world, &old), packages::of(&world, &same));
    assert_eq!(ids(&world, &old), ids(&world, &same));
    let (before, after) = (packages::of(&world, &old), packages::of(&world, &new));
    assert!(before.keys().eq(after.keys()) && before.iter().all(|(name, version)| after[name] != *version));
    let fixed: Vec<_> = ids(&world, &old).difference(&ids(&world, &new)).cloned().collect();
    assert!(!fixed.is_empty());
    // What can't be fixed stays.
    let stays = finding::of(&world, &old).into_iter().filter(|it| FLAWS[it.place].fix == Fix::None);
    let stays: Vec<_> = stays.map(|it| it.vulnerability_id()).collect();
    assert!(!stays.is_empty() && stays.iter().all(|id| ids(&world, &new).contains(id)));
}

#[test]
fn components_bring_packages_and_updates() {
    let mut world = world();
    let parent = managed("2025.2.1");
    let with = |world: &mut World, name: &str, components: &[&str]| {
        let image = put_child(world, name, &parent, "Amazon Linux 2023", components);
        packages::of(world, &image)
    };
    let plain = with(&mut world, "plain", &["hello-world-linux"]);
    let docker = with(&mut world, "docker", &["docker-ce-linux"]);
    let more: Vec<_> = docker.keys().filter(|name| !plain.contains_key(*name)).collect();
    assert_eq!(more, ["containerd", "docker", "runc"]);
    let updated = with(&mut world, "updated", &["update-linux"]);
    assert!(plain.iter().all(|(name, version)| updated[name] != *version));
}

#[test]
fn what_a_parent_brought_along_stays_when_the_parent_goes() {
    let mut world = world();
    put_web(&mut world);
    put_child(&mut world, "parent", &managed("2025.2.1"), "Amazon Linux 2023", &["docker-ce-linux"]);
    let recipe = world.imagebuilder.get_mut(&arn("image-recipe/web-server/1.0.0")).unwrap();
    recipe.document.insert("parentImage", arn("image/parent/x.x.x").into());
    let pipeline = put_pipeline(&mut world, "web", json!({}));
    let image = start_pipeline(&mut world, &pipeline);
    run(&mut world);
    let packages = |world: &World| packages::of(world, world.imagebuilder.get(&image).unwrap());
    let before = packages(&world);
    assert!(before.contains_key("docker"));
    world.imagebuilder.remove(&arn("image/parent/1.0.0/1")).unwrap();
    assert_eq!(packages(&world), before);
}

#[test]
fn flaws_name_sources_and_their_scores_go_with_their_severities() {
    let (everything, windows) = (["docker-corretto-nginx-httpd-nodejs".to_owned()], System::Windows(20348));
    let known: BTreeSet<_> = [System::AmazonLinux2023, windows]
        .into_iter()
        .flat_map(|system| sources::of(system, &everything))
        .map(|source| source.name)
        .collect();
    assert!(FLAWS.iter().all(|flaw| known.contains(flaw.source)), "a flaw without source is never found");
    let severities: BTreeSet<_> = FLAWS.iter().map(|flaw| severity(flaw.cvss.map(|(score, _)| score))).collect();
    assert_eq!(severities.len(), 6);
    for (score, expected) in [(None, "UNTRIAGED"), (Some(0), "INFORMATIONAL"), (Some(39), "LOW"), (Some(40), "MEDIUM")]
    {
        assert_eq!(severity(score), expected);
    }
    for (score, expected) in [(69, "MEDIUM"), (70, "HIGH"), (89, "HIGH"), (90, "CRITICAL"), (100, "CRITICAL")] {
        assert_eq!(severity(Some(score)), expected);
    }
}

#[test]
fn a_fix_is_newer_than_what_it_fixes() {
    let world = RefCell::new(world());
    proptest!(|(seed: u64, month in 1u32..=12, year in 2021u32..2030, windows: bool)| {
        let mut world = world.borrow_mut();
        world.seed = Seed(seed);
        let os = if windows { "Microsoft Windows Server 2022" } else { "Amazon Linux 2023" };
        let image = put_child(&mut world, "web", &managed(&format!("{year}.{month}.1")), os, &["docker-ce-linux"]);
        let has = packages::of(&world, &image);
        let number = |version: &str| version.rsplit('.').next().unwrap().parse::<u64>().unwrap();
        for finding in finding::of(&world, &image) {
            let value = finding.to_value(&world, &image, image.created);
            let packages = value["packageVulnerabilityDetails"]["vulnerablePackages"].as_array().unwrap();
            let fixes = packages.iter().filter(|package| package.get("fixedInVersion").is_some()).count();
            let expected = match fixes {
                0 => "NO",
                all if all == packages.len() => "YES",
                _ => "PARTIAL",
            };
            prop_assert_eq!(&value["fixAvailable"], expected);
            for package in packages {
                let version = &has[package["name"].as_str().unwrap()];
                prop_assert!(version.starts_with(package["version"].as_str().unwrap()));
                if let Some(fixed) = package["fixedInVersion"].as_str() {
                    prop_assert!(number(fixed) > number(version), "{fixed} {version}");
                }
            }
        }
    });
}

/// A build that is scanned, run to its end: its state at each change, and the image.
fn scanned(more: Value) -> (Vec<String>, World, String) {
    let mut world = world();
    put_web(&mut world);
    let mut plan = json!({SCANNED: {"imageScanningEnabled": true}});
    for (member, value) in more.as_object().unwrap() {
        plan[member] = value.clone();
    }
    let pipeline = put_pipeline(&mut world, "web", plan);
    let image = start_pipeline(&mut world, &pipeline);
    let mut states: Vec<String> = Vec::new();
    let limit = world.now + chrono::TimeDelta::days(1);
    loop {
        let state = &world.imagebuilder.get(&image).unwrap().document["scanState"]["status"];
        let state = state.as_str().unwrap_or("none").to_owned();
        if states.last() != Some(&state) {
            states.push(state);
        }
        if world.step(limit).is_none() {
            return (states, world, image);
        }
    }
}

#[test]
fn a_scan_passes_its_states_in_the_tests_and_is_abandoned_without_tests() {
    let (states, world, image) = scanned(json!({}));
    assert_eq!(states, ["PENDING", "SCANNING", "COLLECTING", "COMPLETED"]);
    let image = world.imagebuilder.get(&image).unwrap();
    assert!(severity_counts(&world, image).all > 0);
    let observed = finding::observed(&world, image);
    assert!(observed > image.created && observed < world.now);

    let (states, world, image) = scanned(json!({"imageTestsConfiguration": {"imageTestsEnabled": false}}));
    assert_eq!(states, ["PENDING", "ABANDONED"]);
    assert_eq!(severity_counts(&world, world.imagebuilder.get(&image).unwrap()), SeverityCounts::default());
    for off in [json!({SCANNED: {"imageScanningEnabled": false}}), json!({SCANNED: {}})] {
        assert_eq!(scanned(off).0, ["none"]);
    }
}

#[test]
fn a_scan_on_demand_fails_an_image_that_does_not_meet_the_condition() {
    let on_demand = |label: &str| {
        json!({SCANNED: {
            "imageScanningEnabled": true, "imageScanningTypes": ["ON_DEMAND_AMI_CVE"],
            "scanResultCondition": {"maximumSeverityLabel": label, "fixAvailable": false},
        }})
    };
    let (states, world, image) = scanned(on_demand("INFORMATIONAL"));
    assert_eq!(states, ["none"]);
    let image = world.imagebuilder.get(&image).unwrap();
    let found = finding::of(&world, image);
    let severe = found.iter().filter(|it| ["LOW", "MEDIUM", "HIGH", "CRITICAL"].contains(&it.severity()));
    let summary = format!("{} findings are more severe than INFORMATIONAL", severe.count());
    let reason = image.document["state"]["reason"].as_str().unwrap();
    assert!(reason.contains(&summary), "{reason}");
    assert_eq!(image.document["state"]["failureContext"]["imageStatus"], "TESTING");
    assert!(found.iter().all(|it| it.severity() != "CRITICAL"), "or the next build would fail too");
    let (_, world, image) = scanned(on_demand("HIGH"));
    assert_eq!(world.imagebuilder.get(&image).unwrap().status(), "AVAILABLE");
}

#[test]
fn a_finding_comes_when_a_fault_says_so() {
    let (_, mut world, image) = scanned(json!({}));
    let critical = |world: &World| severity_counts(world, world.imagebuilder.get(&image).unwrap()).critical;
    let before = critical(&world);
    let rules = json!({"rules": [
        {"fault": "finding", "severity": "CRITICAL", "seconds": 259_200, "match": {"pipeline": "web"}},
        {"fault": "finding", "severity": "CRITICAL", "match": {"pipeline": "other"}},
    ]});
    world.faults.set(crate::faults::Rules::parse(rules.to_string().as_bytes()).unwrap());
    assert_eq!(critical(&world), before);
    let observed = finding::observed(&world, world.imagebuilder.get(&image).unwrap());
    world.now = observed + chrono::TimeDelta::days(3);
    assert_eq!(critical(&world), before + 1);

    let input = json!({"filters": [{"name": "severity", "values": ["CRITICAL"]}]});
    let answer = crate::imagebuilder::call(&mut world, &context(), "ListImageScanFindings", input).unwrap();
    let found = answer["findings"].as_array().unwrap();
    let late = crate::clock::epoch_seconds(world.now);
    let at = found.iter().filter(|finding| finding["firstObservedAt"] == json!(late)).count();
    assert_eq!((found.len() as u64, at), (before + 1, 1));
}

#[test]
fn what_a_scan_found_is_told_once() {
    let mut world = world();
    put_web(&mut world);
    let pipeline = put_pipeline(&mut world, "web", json!({SCANNED: {"imageScanningEnabled": true}}));
    let image = start_pipeline(&mut world, &pipeline);
    let found = |event: &Event| matches!(event, Event::Emit(event) if event.detail_type.contains("CVE"));
    let limit = world.now + chrono::TimeDelta::days(1);
    while world.first_due(found).is_none() {
        world.step(limit).unwrap();
    }
    assert_eq!(world.imagebuilder.get(&image).unwrap().document["scanState"], json!({"status": "COMPLETED"}));
    // Each status of a scan is posted once more when a build goes on after a wait.
    on_progress(&mut world, &image);
    on_progress(&mut world, &image);
    let entries = world.journal.entries().iter().filter(|entry| entry.detail.starts_with("the scan found"));
    assert_eq!(entries.count(), 1);
}

#[test]
fn a_retried_build_is_scanned_anew() {
    let mut world = world();
    put_web(&mut world);
    put_failing_component(&mut world, "broken", "test");
    use_component(&mut world, "broken");
    let pipeline = put_pipeline(&mut world, "web", json!({SCANNED: {"imageScanningEnabled": true}}));
    let image = start_pipeline(&mut world, &pipeline);
    run(&mut world);
    let states = |world: &World| {
        let image = world.imagebuilder.get(&image).unwrap();
        (image.status().to_owned(), image.document["scanState"]["status"].clone(), finding::observed(world, image))
    };
    let (status, scan, first) = states(&world);
    assert_eq!((status.as_str(), scan), ("FAILED", json!("COMPLETED")));
    super::super::build::retry(&mut world, &image, "TESTING");
    assert_eq!(states(&world).1, "PENDING");
    assert_eq!(severity_counts(&world, world.imagebuilder.get(&image).unwrap()), SeverityCounts::default());
    run(&mut world);
    let (_, scan, second) = states(&world);
    assert!(scan == "COMPLETED" && second > first);
}
