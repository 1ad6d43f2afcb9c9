//! What the pages say of the template and the source is so: parameters with their defaults, alarms, metrics, tags, paths,
//! and links.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod page;

use page::{Page, all, backticked, cells, root, source, table_rows};
use std::collections::{BTreeMap, BTreeSet};

/// The lines of a template's section, such as `Parameters`.
fn section<'a>(template: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let heading = format!("{name}:");
    let is_end = |line: &&str| line.is_empty() || line.starts_with([' ', '#']);
    template.lines().skip_while(move |line| *line != heading).skip(1).take_while(is_end)
}

/// The entries of a section, with their lines.
fn entries(template: &str, name: &str) -> BTreeMap<String, Vec<String>> {
    let mut entries: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in section(template, name) {
        match line.strip_prefix("  ") {
            Some(key) if !key.starts_with([' ', '#']) && key.ends_with(':') => {
                current = key.trim_end_matches(':').to_owned();
                entries.insert(current.clone(), Vec::new());
            }
            _ => entries.entry(current.clone()).or_default().push(line.to_owned()),
        }
    }
    entries.retain(|key, _| !key.is_empty());
    entries
}

/// What stands behind a key of an entry.
fn value<'a>(lines: &'a [String], key: &str) -> Option<&'a str> {
    lines.iter().find_map(|line| line.trim_start().strip_prefix(key)?.strip_prefix(':')).map(str::trim)
}

#[test]
fn each_parameter_stands_in_the_table_with_its_default() {
    let template = source("template.yaml");
    let parameters: BTreeMap<String, String> = entries(&template, "Parameters")
        .into_iter()
        .map(|(name, lines)| {
            let default = value(&lines, "Default").unwrap().trim_matches('"').to_owned();
            (name, if default.is_empty() { "none".to_owned() } else { default })
        })
        .collect();
    let readme = Page::read("README.md");
    let mut told = BTreeMap::new();
    for row in table_rows(readme.below("## Settings")) {
        let [names, defaults, ..] = &cells(row)[..] else { continue };
        let names = backticked(names);
        let defaults = if defaults == "none" { vec!["none".to_owned()] } else { backticked(defaults) };
        assert!(defaults.len() == 1 || defaults.len() == names.len(), "{row}");
        for (place, name) in names.into_iter().enumerate() {
            told.insert(name, defaults[place.min(defaults.len() - 1)].clone());
        }
    }
    assert!(parameters.len() > 40, "the template wasn't read: {parameters:?}");
    assert_eq!(told, parameters);
}

#[test]
fn each_variable_of_a_function_stands_on_the_page_of_settings() {
    let template = source("template.yaml");
    let mut variables: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for lines in entries(&template, "Resources").into_values() {
        let Some(function) = value(&lines, "CodeUri").map(|uri| uri.trim_start_matches("functions/").to_owned()) else {
            continue;
        };
        let inside = lines.iter().skip_while(|line| line.trim() != "Variables:").skip(1);
        let inside = inside.take_while(|line| line.starts_with("          "));
        let names = inside.filter_map(|line| line.trim().split_once(':')).map(|(name, _)| name.to_owned());
        variables.insert(function, names.collect());
    }
    let page = Page::read("docs/settings.md");
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut function = String::new();
    for row in table_rows(&page.text) {
        let first = cells(row).swap_remove(0);
        for name in backticked(&first) {
            if name.chars().all(|c| c.is_ascii_uppercase() || c == '_') {
                told.entry(function.clone()).or_default().insert(name);
            } else {
                function = name;
            }
        }
    }
    assert_eq!(variables.len(), 4);
    assert_eq!(told, variables);
}

#[test]
fn each_alarm_has_its_place_in_operations() {
    let template = source("template.yaml");
    let alarms: BTreeMap<String, String> = entries(&template, "Resources")
        .into_iter()
        .filter(|(_, lines)| value(lines, "Type") == Some("AWS::CloudWatch::Alarm"))
        .map(|(id, lines)| {
            let name = value(&lines, "AlarmName").unwrap().trim_start_matches("!Sub ").to_owned();
            (id, name.replace("${AWS::StackName}", "goldsmith"))
        })
        .collect();
    let page = Page::read("docs/operations.md");
    let rows = table_rows(page.below("## Alarms"));
    let told: BTreeMap<String, String> = rows
        .filter_map(|row| {
            let [name, id, section] = &cells(row)[..] else { return None };
            let (name, id) = (backticked(name).pop()?, backticked(id).pop()?);
            let (_, anchor) = section.rsplit_once("](#")?;
            let anchor = anchor.trim_end_matches(')');
            assert!(page.anchors.contains(anchor), "{anchor}");
            Some((id, name))
        })
        .collect();
    assert!(alarms.len() > 10, "the template wasn't read: {alarms:?}");
    assert_eq!(told, alarms);
}

#[test]
fn each_metric_is_explained_in_operations() {
    let mut counted = BTreeSet::new();
    for file in all("functions", "rs") {
        let text = source(&file);
        for call in ["count(\"", "level(\""] {
            let names = text.split(call).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()));
            counted.extend(names.filter(|name| name.chars().all(char::is_alphanumeric)));
        }
    }
    let page = Page::read("docs/operations.md");
    let rows = table_rows(page.below("## Dashboard and metrics"));
    let told: BTreeSet<String> = rows.flat_map(|row| backticked(&cells(row)[0])).collect();
    assert!(counted.len() > 20, "the source wasn't read: {counted:?}");
    assert_eq!(told, counted);
}

#[test]
fn each_tag_and_label_is_explained_in_architecture() {
    let page = Page::read("docs/architecture.md");
    let mut tags = 0;
    for line in source("shared/src/tags.rs").lines().filter(|line| line.starts_with("pub const ")) {
        let tag = line.split('"').nth(1).unwrap();
        let told = page.below("### Tags").contains(&format!("| `{tag}"))
            || page.below("### Tags").contains(&format!(", `{tag}"));
        assert!(told, "{tag} stands nowhere in the table of tags");
        tags += 1;
    }
    assert!(tags > 10, "the source wasn't read");
    for label in ["announced", "hold", "prod-previous", "prod-hold"] {
        assert!(page.below("### Parameters").contains(&format!("| `{label}` |")), "{label}");
    }
}

#[test]
fn what_is_named_as_a_file_is_there() {
    let folders = ["functions/", "shared/", "local/", "tests/", "examples/", "scripts/", "docs/"];
    let mut named = 0;
    for file in pages() {
        for name in backticked(&Page::read(&file).prose()) {
            let is_path = folders.iter().any(|folder| name.starts_with(folder)) && !name.contains(['*', '…', ' ', '{']);
            if is_path {
                assert!(root().join(&name).exists(), "{file} names {name}");
                named += 1;
            }
        }
    }
    assert!(named > 40, "the pages weren't read");
}

#[test]
fn each_link_leads_somewhere() {
    let mut links = 0;
    for file in pages() {
        let page = Page::read(&file);
        for link in page.links() {
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let folder = root().join(&file);
            let target = if path.is_empty() { folder } else { folder.parent().unwrap().join(path) };
            assert!(target.exists(), "{file} links to {link}");
            if !anchor.is_empty() {
                let target = target.canonicalize().unwrap();
                let target = target.strip_prefix(root().canonicalize().unwrap()).unwrap().to_owned();
                let there = Page::read(target.to_str().unwrap());
                assert!(there.anchors.contains(anchor), "{file} links to {link}: {:?}", there.anchors);
            }
            links += 1;
        }
    }
    assert!(links > 40, "the pages weren't read");
}

#[test]
fn paragraphs_have_at_most_120_columns() {
    // The page of permissions is generated, and its test holds it to its form.
    for file in pages().into_iter().filter(|file| file != "docs/permissions.md") {
        for line in Page::read(&file).prose().lines().filter(|line| !line.starts_with('|')) {
            assert!(line.chars().count() <= 120, "{file}: {line}");
        }
    }
}

/// All pages of the repository.
fn pages() -> Vec<String> {
    let mut pages = all("docs", "md");
    pages.extend(["README.md", "CHANGELOG.md", "local/README.md"].map(str::to_owned));
    pages
}
