//! A Parameter Store of one parameter, as far as the writers see it: versions, labels, validation that takes its time.

use super::fixtures::n;
use crate::plan::{Answer, Call, Refusal};
use aws_sdk_ssm::primitives::DateTime;
use shared::arn::ImageBuildArn;
use shared::image::Image;
use shared::published::{MOST_LABELS, MOST_VERSIONS, Published};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Default)]
pub(super) struct Store {
    pub(super) versions: Vec<Published>,
    /// Written, and not validated yet.
    pub(super) pending: Vec<Published>,
    pub(super) handed_out: i64,
    /// Whether validation waits for a pause.
    pub(super) is_slow: bool,
    /// What Image Builder knows.
    pub(super) images: BTreeMap<ImageBuildArn, Image>,
    pub(super) now: i64,
}

impl Store {
    pub(super) fn answer(&mut self, call: &Call) -> Answer {
        match call {
            Call::History => Answer::History(self.versions.clone()),
            Call::Put { build, content } => self.put(build, &content.value),
            Call::Label { version, labels } => self.label(*version, labels),
            Call::Unlabel { version, labels } => match self.versions.iter_mut().find(|it| it.version == *version) {
                Some(published) => {
                    published.labels.retain(|label| !labels.contains(label));
                    Answer::Done
                }
                None => Answer::Refused(Refusal::NoVersion),
            },
            Call::Look(build) => Answer::Image(self.images.get(build).cloned().map(Box::new)),
            Call::Pause { .. } => {
                self.validate(0);
                Answer::Done
            }
        }
    }

    /// One of the pending versions becomes readable.
    pub(super) fn validate(&mut self, which: usize) {
        if which < self.pending.len() {
            self.versions.push(self.pending[which].clone());
            self.pending.remove(which);
            self.versions.sort_by_key(|published| published.version);
        }
    }

    fn put(&mut self, build: &ImageBuildArn, value: &str) -> Answer {
        while self.versions.len() + self.pending.len() >= MOST_VERSIONS {
            if !self.versions[0].labels.is_empty() {
                return Answer::Refused(Refusal::Full);
            }
            self.versions.remove(0);
        }
        self.write(Some(build.clone()), value, &build.to_string());
        if !self.is_slow {
            self.validate(0);
        }
        Answer::Version(self.handed_out)
    }

    pub(super) fn write(&mut self, build: Option<ImageBuildArn>, value: &str, description: &str) {
        self.handed_out += 1;
        self.pending.push(Published {
            version: self.handed_out,
            build,
            value: value.to_owned(),
            labels: [].into(),
            description: Some(description.to_owned()),
            modified: Some(DateTime::from_secs(self.now)),
        });
    }

    fn label(&mut self, version: i64, labels: &[String]) -> Answer {
        let Some(place) = self.versions.iter().position(|published| published.version == version) else {
            return Answer::Refused(Refusal::NoVersion);
        };
        let kept = self.versions[place].labels.iter().filter(|label| !labels.contains(label)).count();
        if kept + labels.len() > MOST_LABELS {
            return Answer::Refused(Refusal::Labels);
        }
        for published in &mut self.versions {
            published.labels.retain(|label| !labels.contains(label));
        }
        self.versions[place].labels.extend(labels.iter().cloned());
        Answer::Done
    }

    /// The build of the newest version.
    pub(super) fn last(&self) -> Option<&ImageBuildArn> {
        self.versions.last()?.build.as_ref()
    }

    /// The build of the version that carries a label.
    pub(super) fn on(&self, label: &str) -> Option<&ImageBuildArn> {
        self.versions.iter().find(|published| published.has(label))?.build.as_ref()
    }

    /// Each version with its build and labels, in one line.
    pub(super) fn in_words(&self) -> String {
        let words = self.versions.iter().map(|Published { version, build, labels, .. }| {
            let build = build.as_ref().map_or("?".to_owned(), |build| n(build).to_string());
            format!("{version}={build}{labels:?}")
        });
        words.collect::<Vec<_>>().join(" ")
    }
}
