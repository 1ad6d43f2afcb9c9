//! Pages in Markdown, as far as the tests have to read them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A page.
pub(crate) struct Page {
    pub(crate) text: String,
    /// What links can lead to, as GitHub makes it of headings.
    pub(crate) anchors: BTreeSet<String>,
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A file of the repository.
pub(crate) fn source(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).expect(file)
}

/// All files below a folder whose names end so.
pub(crate) fn all(folder: &str, extension: &str) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == extension) {
                files.push(path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    files.sort();
    files
}

impl Page {
    pub(crate) fn read(file: &str) -> Self {
        let text = source(file);
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        let mut anchors = BTreeSet::new();
        for line in without_code(&text).lines().filter(|line| line.starts_with('#')) {
            let anchor = anchor(line.trim_start_matches('#').trim());
            let before = times.entry(anchor.clone()).or_default();
            anchors.insert(if *before == 0 { anchor } else { format!("{anchor}-{before}") });
            *before += 1;
        }
        Self { text, anchors }
    }

    /// The page without its blocks of code.
    pub(crate) fn prose(&self) -> String {
        without_code(&self.text)
    }

    /// What stands below a heading, up to the next one of its rank.
    pub(crate) fn below(&self, heading: &str) -> &str {
        let begin = self.text.find(&format!("\n{heading}\n")).expect(heading);
        let rest = &self.text[begin + heading.len() + 2..];
        let rank = heading.split(' ').next().unwrap();
        rest.split(&format!("\n{rank} ")).next().unwrap()
    }

    /// Where its links lead to, those into the world left out.
    pub(crate) fn links(&self) -> Vec<String> {
        let prose = self.prose();
        let ends = prose.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()));
        ends.filter(|link| !link.contains("://")).collect()
    }
}

fn without_code(text: &str) -> String {
    let mut code = false;
    let mut prose = String::new();
    for line in text.lines() {
        let fence = line.trim_start().starts_with("```");
        if !fence && !code {
            prose.push_str(line);
            prose.push('\n');
        }
        code ^= fence;
    }
    prose
}

/// As GitHub does it: small letters, hyphens for spaces, and no signs.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>();
    kept.replace(' ', "-")
}

/// The rows of tables, their headings too.
pub(crate) fn table_rows(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| line.starts_with('|') && !line.starts_with("|-"))
}

/// The cells of a row.
pub(crate) fn cells(row: &str) -> Vec<String> {
    row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect()
}

/// What stands between backticks.
pub(crate) fn backticked(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}
