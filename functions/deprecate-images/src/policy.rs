//! How long images of a family stay: the stack's defaults, overridden by tags on the family's pipelines.

use crate::plan::Pipeline;
use serde::Serialize;
use shared::age::Age;
use shared::tags;
use std::collections::BTreeMap;
use std::str::FromStr;

/// How long the images of a family stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// Whether they are left alone altogether: `goldsmith:retire=never`.
    pub never: bool,
    /// So many AVAILABLE builds stay whatever their age, the newest by version and build number: 1 to 1000.
    pub keep: usize,
    /// An image is deprecated when a newer build has been published for so long.
    pub deprecate_after: Age,
    /// It is disabled so long after its deprecation.
    pub disable_after: Age,
    /// It is deleted so long after it was disabled.
    pub delete_after: Age,
}

/// A pipeline's tag that can't be read. Its family is skipped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the tag {tag}={value} of {pipeline} can't be read: expected {expected}")]
pub struct BadTag {
    /// The pipeline's name.
    pub pipeline: String,
    /// The tag's key.
    pub tag: &'static str,
    /// Its value.
    pub value: String,
    /// What it has to be.
    pub expected: &'static str,
}

/// What [`Policy::keep`] has to be.
pub(crate) const KEEP_EXPECTED: &str = "a number from 1 to 1000";

pub(crate) fn keep(text: &str) -> Option<usize> {
    text.parse().ok().filter(|keep| (1..=1000).contains(keep))
}

impl Policy {
    /// The policy of a family. Each of its pipelines has one, the defaults with its tags in front; where they differ,
    /// the most careful value counts, one by one. A family without pipelines has the defaults.
    ///
    /// # Errors
    /// Every tag that can't be read.
    pub fn of(pipelines: &[Pipeline], defaults: &Self) -> Result<Self, Vec<BadTag>> {
        let mut problems = Vec::new();
        let mut policies = Vec::new();
        for pipeline in pipelines {
            policies.extend(Self::tagged(pipeline, defaults, &mut problems));
        }
        if problems.is_empty() {
            Ok(policies.into_iter().reduce(Self::most_careful).unwrap_or(*defaults))
        } else {
            Err(problems)
        }
    }

    fn tagged(pipeline: &Pipeline, defaults: &Self, problems: &mut Vec<BadTag>) -> Option<Self> {
        let mut read = Reader { pipeline: &pipeline.name, tags: &pipeline.tags, problems };
        let never = read.tag(tags::RETIRE, "never, or no such tag", |text| (text == "never").then_some(true));
        let keep = read.tag(tags::KEEP, KEEP_EXPECTED, keep);
        let deprecate_after = read.age(tags::DEPRECATE_AFTER);
        let disable_after = read.age(tags::DISABLE_AFTER);
        let delete_after = read.age(tags::DELETE_AFTER);
        Some(Self {
            never: never?.unwrap_or(defaults.never),
            keep: keep?.unwrap_or(defaults.keep),
            deprecate_after: deprecate_after?.unwrap_or(defaults.deprecate_after),
            disable_after: disable_after?.unwrap_or(defaults.disable_after),
            delete_after: delete_after?.unwrap_or(defaults.delete_after),
        })
    }

    fn most_careful(self, other: Self) -> Self {
        Self {
            never: self.never || other.never,
            keep: self.keep.max(other.keep),
            deprecate_after: self.deprecate_after.max(other.deprecate_after),
            disable_after: self.disable_after.max(other.disable_after),
            delete_after: self.delete_after.max(other.delete_after),
        }
    }
}

/// A pipeline's tags, and what is wrong with them.
struct Reader<'a> {
    pipeline: &'a str,
    tags: &'a BTreeMap<String, String>,
    problems: &'a mut Vec<BadTag>,
}

impl Reader<'_> {
    /// `None` if the tag can't be read, `Some(None)` if there is none.
    fn tag<T>(
        &mut self,
        tag: &'static str,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<Option<T>> {
        let Some(value) = self.tags.get(tag) else { return Some(None) };
        let parsed = parse(value);
        if parsed.is_none() {
            let problem = BadTag { pipeline: self.pipeline.to_owned(), tag, value: value.clone(), expected };
            self.problems.push(problem);
        }
        parsed.map(Some)
    }

    fn age(&mut self, tag: &'static str) -> Option<Option<Age>> {
        self.tag(tag, Age::EXPECTED, |text| Age::from_str(text).ok())
    }
}

#[cfg(test)]
mod tests;
