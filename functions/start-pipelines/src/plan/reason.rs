//! Why a pipeline is started or left alone, in sentences for people.

use crate::inputs::Change;
use serde::{Serialize, Serializer};
use std::fmt;

/// Why a pipeline is started or left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Started: it has no build that is AVAILABLE.
    First,
    /// Started: it would be made of something else than its last AVAILABLE build.
    Changed(Vec<Change>),
    /// Started: the schedule of this time asks for it whatever changed.
    Always(String),
    /// Its tag `goldsmith:start` is `never`.
    Never,
    /// Somebody disabled it.
    Disabled,
    /// Image Builder disabled it after so many failures in a row.
    AutoDisabled(u32),
    /// It is its own ancestor, through these pipelines: each build would be the reason for the next.
    Cycle(Vec<String>),
    /// Its recipe can't be used.
    RecipeGone {
        /// The recipe.
        recipe: String,
        /// Why.
        why: String,
    },
    /// What its recipe names can't be used: a build would fail.
    Unresolved {
        /// The parent or component as the recipe has it.
        reference: String,
        /// Why.
        why: String,
    },
    /// Something that has to be known couldn't be read.
    Unread {
        /// What.
        what: String,
        /// Why.
        why: String,
    },
    /// A build of it hasn't ended.
    InFlight(String),
    /// This pipeline's new build will be its parent: it follows then.
    Follows(String),
    /// This build isn't finished and will be its parent: it follows then.
    FollowsBuild(String),
    /// It would be made of the same as its last AVAILABLE build.
    Unchanged {
        /// That build.
        build: String,
        /// What it is made of that is deprecated, and that the recipe selects all the same.
        deprecated: Vec<String>,
    },
    /// So many builds on these inputs failed in a row.
    Exhausted(usize),
    /// So many builds are allowed at once.
    Limit(usize),
}

impl Reason {
    /// What a pipeline is started for, in a tag's value: at most 256 letters, digits, spaces and characters of
    /// `_.:/=+-@`, <https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html>. The same for
    /// the same client token, which a request with other tags would contradict.
    pub fn in_tag(&self) -> String {
        let text = match self {
            Self::First => "its first build".to_owned(),
            Self::Always(time) => format!("the schedule of {time}"),
            Self::Changed(changes) => {
                let names: Vec<String> = changes.iter().map(Change::in_short).collect();
                let fits = |shown: &usize| names[..*shown].join(" + ").len() <= 200;
                match (1..=names.len()).rev().find(fits) {
                    Some(all) if all == names.len() => names.join(" + "),
                    Some(shown) => format!("{} + {} more", names[..shown].join(" + "), names.len() - shown),
                    None => format!("{} changes of what it is made of", names.len()),
                }
            }
            other => other.to_string(),
        };
        let legal = |c: char| c.is_ascii_alphanumeric() || " _.:/=+-@".contains(c);
        text.chars().map(|c| if legal(c) { c } else { '-' }).take(256).collect()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => f.write_str("it has no build that is AVAILABLE"),
            Self::Changed(changes) => write!(f, "since its last build {}", list(changes, "; ")),
            Self::Always(time) => write!(f, "the schedule of {time} asks for it whatever changed"),
            Self::Never => f.write_str("its tag goldsmith:start is never"),
            Self::Disabled => f.write_str("it is DISABLED"),
            Self::AutoDisabled(failures) => {
                write!(f, "Image Builder disabled it after {failures} scheduled builds that failed in a row")
            }
            Self::Cycle(names) => write!(f, "it is its own ancestor: {}", list(names, " → ")),
            Self::RecipeGone { recipe, why } => write!(f, "its recipe {recipe} can't be used: {why}"),
            Self::Unresolved { reference, why } => {
                write!(f, "a build would fail, for {reference} can't be used: {why}")
            }
            Self::Unread { what, why } => write!(f, "{what} couldn't be read: {why}"),
            Self::InFlight(build) => write!(f, "{build} hasn't ended"),
            Self::Follows(parent) => write!(f, "it follows the new build of its parent {parent}"),
            Self::FollowsBuild(build) => write!(f, "it follows its parent {build}, which hasn't ended"),
            Self::Unchanged { build, deprecated } if deprecated.is_empty() => {
                write!(f, "nothing changed since {build}")
            }
            Self::Unchanged { build, deprecated } => {
                let deprecated = list(deprecated, ", ");
                write!(f, "nothing changed since {build}; the recipe still selects what is deprecated: {deprecated}")
            }
            Self::Exhausted(1) => f.write_str("a build on exactly these inputs failed or was cancelled"),
            Self::Exhausted(builds) => {
                write!(f, "{builds} builds in a row on exactly these inputs failed or were cancelled")
            }
            Self::Limit(builds) => write!(f, "{builds} builds at once are allowed: left for the sweep"),
        }
    }
}

/// Texts in a row.
fn list(items: &[impl fmt::Display], between: &str) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(between)
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
