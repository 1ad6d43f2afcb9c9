//! What is told of each kind of trouble.

mod builds;
mod failed;
mod families;
mod findings;
mod pipelines;

use super::content::Content;
use super::links::Console;
use super::words::{cut, image, time};
use super::{Telling, what_was};
use crate::cause::{About, Cause};
use crate::facts::{Build, Summary};
use shared::arn::Arn;

pub(super) fn trouble(telling: &Telling<'_>, cause: &Cause<'_>) -> Content {
    let mut content = match &cause.about {
        About::Failed { build, detail, point, good, retry } => {
            failed::failed(telling, build, detail, point, *good, *retry)
        }
        About::Cancelled { build, detail } => builds::cancelled(telling, build, detail),
        About::Findings { build, detail, at_least, blocked } => {
            findings::findings(telling, build, detail, *at_least, *blocked)
        }
        About::Waiting { build, steps } => builds::waiting(telling, build, steps),
        About::Disabled => pipelines::disabled(telling),
        About::NotRun { due } => pipelines::not_run(telling, *due),
        About::Withdrawn { references } => pipelines::withdrawn(telling, references),
        About::Stale { newest, limit } => families::stale(telling, *newest, *limit),
        About::Gone { places } => families::gone(telling, places),
        About::Refused { places } => families::refused(telling, places),
        About::Differs { places } => families::differs(telling, places),
        About::DeadLetters { queue } => pipelines::dead_letters(telling, queue),
    };
    content.facts.push(("Since", time(telling.times.since)));
    content
}

/// Of what is over.
pub(super) fn over(telling: &Telling<'_>, by: Option<&Summary>) -> Content {
    let what = what_was(telling.judged.kind);
    let of = telling.of_whom();
    let mut content = telling.content(format!("{of}: {what}"), format!("{of}: {what}."));
    if let Some(build) = by {
        content.facts.push(("Image", image(&build.arn)));
        content.resources.push(build.arn.to_string());
        content.link("Image", telling.console().image(&build.arn.to_string()));
    }
    content.facts.push(("Was wrong since", time(telling.times.since)));
    content.facts.push(("Right at", time(telling.facts.now)));
    content.next.push("Nothing. This closes the earlier report of the same kind.".to_owned());
    content
}

impl Telling<'_> {
    fn console(&self) -> Console<'_> {
        let Arn { partition, region, .. } = &self.facts.function;
        Console { partition, region }
    }

    /// The console in another Region.
    fn console_in<'a>(&'a self, region: &'a str) -> Console<'a> {
        Console { region, ..self.console() }
    }

    /// The family, or what remembers the trouble.
    fn of_whom(&self) -> String {
        let concerned = &self.judged.concerned;
        let name = || concerned.holder.rsplit([':', '/']).next().unwrap_or_default();
        concerned.family.unwrap_or_else(name).to_owned()
    }

    /// With family, pipeline, account and Region.
    fn content(&self, title: String, summary: String) -> Content {
        let mut content = Content { title, summary, ..Content::default() };
        let concerned = &self.judged.concerned;
        content.facts.extend(concerned.family.map(|family| ("Family", family.to_owned())));
        if let Some(pipeline) = concerned.pipeline {
            content.facts.push(("Pipeline", pipeline.name.clone()));
            content.resources.push(pipeline.arn.clone());
            content.link("Pipeline", self.console().pipeline(&pipeline.arn));
        }
        let Arn { account, region, .. } = &self.facts.function;
        content.facts.push(("Account", format!("{account}, {region}")));
        content
    }

    /// The same with a build.
    fn of_build(&self, build: &Summary, title: String, summary: String) -> Content {
        let mut content = self.content(title, summary);
        let arn = build.arn.to_string();
        let platform = self.facts.build(&build.arn).and_then(|detail| detail.platform.as_deref());
        let platform = platform.map(|platform| format!(", {platform}")).unwrap_or_default();
        content.facts.insert(1, ("Image", format!("{}{platform}", image(&build.arn))));
        content.link("Image", self.console().image(&arn));
        content.resources.insert(0, arn);
        content
    }

    /// The command that starts the pipeline, or how else a build is begun.
    fn start(&self) -> String {
        let Arn { region, .. } = &self.facts.function;
        match self.judged.concerned.pipeline {
            Some(pipeline) => format!(
                "aws imagebuilder start-image-pipeline-execution --region {region} --image-pipeline-arn {}",
                pipeline.arn
            ),
            None => "No pipeline made this image: create it again the way it was created (CreateImage).".to_owned(),
        }
    }
}

/// Who began a build. Image Builder says no more than its `buildType`; start-pipelines leaves a tag that says what for.
fn started_by(detail: &Build) -> Option<String> {
    Some(match detail.build_type.as_deref()? {
        "USER_INITIATED" => match detail.tags.get(shared::tags::STARTED_FOR) {
            Some(what) => format!("Goldsmith's start-pipelines, for {}", cut(what, 256)),
            None => {
                "somebody by hand, or a program other than Goldsmith: see StartImagePipelineExecution or CreateImage \
                     in CloudTrail's event history"
                    .to_owned()
            }
        },
        "SCHEDULED" => "the pipeline's schedule".to_owned(),
        "IMPORT" | "IMPORT_ISO" => "an import".to_owned(),
        other => other.to_owned(),
    })
}
