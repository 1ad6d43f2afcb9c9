//! What is read, and in which order: no more than the event asks for.
//!
//! Of a build its pipeline with all its builds, and of those that count the details; of a pipeline that was disabled
//! nothing but itself; of an AMI or a parameter its family and where that is published; the sweep reads everything.

mod builds;
mod families;
mod lists;
mod places;
mod queues;
mod references;
mod scans;
mod trouble;

pub(crate) use builds::waiting;
pub use trouble::Trouble;

use crate::clients::Clients;
use crate::event::Subject;
use crate::facts::{Facts, Family, Known, Summary, newest};
use crate::settings::Settings;
use chrono::{DateTime, Utc};
use families::Refusal;
use lists::Listed;
use shared::arn::{Arn, ImageBuildArn};
use shared::inventory::{Calls, each};
use shared::resolve::{Resolver, is_gone};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that reading needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) clients: &'a Clients,
    pub(crate) calls: &'a Calls,
    pub(crate) settings: &'a Settings,
    /// The function, as it was invoked.
    pub(crate) function: &'a Arn,
}

impl<'a> Reader<'a> {
    fn resolver(self) -> Resolver<'a> {
        let Self { clients, calls, function, .. } = self;
        Resolver { imagebuilder: &clients.imagebuilder, calls, account: &function.account }
    }
}

/// What was read, and what couldn't be.
#[derive(Debug)]
pub(crate) struct Observed {
    pub(crate) facts: Facts,
    pub(crate) unread: Vec<Trouble>,
}

/// Why an event is no reason to say anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Idle {
    /// What it names belongs to another account or Region, where this function has no pipelines.
    Elsewhere(String),
    /// Image Builder doesn't know it, or not for this account.
    Gone(String),
    /// No parameter under the prefix holds the AMI.
    Unpublished(String),
    /// The parameter isn't that of a family.
    Other(String),
}

/// Reads what an event asks for.
///
/// # Errors
/// Without what the event names, nothing can be told. What else can't be read is noted.
pub(crate) async fn observe(
    reader: Reader<'_>,
    subject: &Subject,
    now: DateTime<Utc>,
) -> Result<Result<Observed, Idle>, Trouble> {
    let mut observer = Observer::new(reader, now);
    let idle = match subject {
        Subject::Build(build) | Subject::Answer { image: build, .. } => observer.build(build).await?,
        Subject::Pipeline(arn) => observer.pipeline(arn).await?,
        Subject::Ami { region, account, ami } => observer.ami(region, account, ami).await?,
        Subject::Parameter { region, account, name, refusal } => {
            observer.parameter(region, account, name, refusal.as_deref()).await?
        }
        Subject::Sweep => {
            observer.everything().await?;
            None
        }
    };
    let Observer { facts, unread, .. } = observer;
    Ok(match idle {
        Some(idle) => Err(idle),
        None => Ok(Observed { facts, unread }),
    })
}

/// Facts while they are gathered.
struct Observer<'a> {
    reader: Reader<'a>,
    facts: Facts,
    unread: Vec<Trouble>,
}

impl<'a> Observer<'a> {
    fn new(reader: Reader<'a>, now: DateTime<Utc>) -> Self {
        let facts = Facts {
            now,
            function: reader.function.clone(),
            pipelines: Vec::new(),
            loose: Vec::new(),
            builds: BTreeMap::new(),
            families: Vec::new(),
            queues: Known::Unasked,
            retry_refused: BTreeMap::new(),
            block_refused: BTreeMap::new(),
        };
        Self { reader, facts, unread: Vec::new() }
    }

    fn is_elsewhere(&self, partition: &str, region: &str, account: &str) -> bool {
        let own = self.reader.function;
        (partition, region, account) != (own.partition.as_str(), own.region.as_str(), own.account.as_str())
    }

    /// A build, its pipeline and the pipeline's other builds.
    async fn build(&mut self, arn: &ImageBuildArn) -> Result<Option<Idle>, Trouble> {
        if self.is_elsewhere(&arn.partition, &arn.region, &arn.account) {
            return Ok(Some(Idle::Elsewhere(arn.to_string())));
        }
        let named = match builds::image(self.reader, &arn.to_string()).await {
            Ok(named) => named,
            Err(error) if is_gone(&error) => return Ok(Some(Idle::Gone(arn.to_string()))),
            Err(error) => return Err(Trouble::essential(&error)),
        };
        if let Some(pipeline) = &named.source_pipeline_arn {
            let pipeline = lists::pipeline(self.reader, pipeline).await.map_err(|error| Trouble::essential(&error))?;
            // A pipeline that was deleted remembers nothing.
            if let Some(mut pipeline) = pipeline {
                let listed = lists::of_pipeline(self.reader, &pipeline.arn).await;
                pipeline.builds = Known::Is(listed.map_err(|error| Trouble::essential(&error))?);
                self.facts.pipelines.push(pipeline);
            }
        }
        if self.facts.pipelines.is_empty() {
            self.facts.loose.push(builds::summary(&named).map_err(|error| Trouble::essential(&error))?);
        }
        self.builds(std::slice::from_ref(arn)).await;
        Ok(None)
    }

    /// Details of the builds that count, and of some more.
    async fn builds(&mut self, more: &[ImageBuildArn]) {
        let status = |arn: &ImageBuildArn| {
            let lists = self.facts.pipelines.iter().filter_map(|pipeline| pipeline.builds.get());
            let mut listed = lists.flatten().chain(&self.facts.loose);
            listed.find(|build| build.arn == *arn).map(|build| build.status.clone())
        };
        let wanted: BTreeSet<String> = self.facts.wanted().into_iter().chain(more).map(ToString::to_string).collect();
        let in_flight = self.facts.wanted().into_iter().filter_map(status).any(|status| status.is_in_flight());
        let waiting = if in_flight { builds::waiting(self.reader, None).await } else { Ok(BTreeMap::new()) };
        let waiting = match waiting {
            Ok(waiting) => Known::Is(waiting),
            Err(error) => {
                let trouble = Trouble::of(&error);
                self.unread.push(trouble.clone());
                Known::Unread(trouble.error)
            }
        };
        let reader = self.reader;
        let waiting = &waiting;
        let read = each(wanted, async |arn| (builds::details(reader, &arn, waiting).await, arn)).await;
        for (read, arn) in read {
            let build = match read {
                Ok((build, unread)) => {
                    self.unread.extend(unread);
                    Known::Is(build)
                }
                Err(trouble) => {
                    self.unread.push(trouble.clone());
                    Known::Unread(trouble.error)
                }
            };
            self.facts.builds.insert(arn, build);
        }
    }

    /// A pipeline alone.
    async fn pipeline(&mut self, arn: &Arn) -> Result<Option<Idle>, Trouble> {
        if self.is_elsewhere(&arn.partition, &arn.region, &arn.account) {
            return Ok(Some(Idle::Elsewhere(arn.to_string())));
        }
        let pipeline = lists::pipeline(self.reader, &arn.to_string()).await;
        match pipeline.map_err(|error| Trouble::essential(&error))? {
            Some(pipeline) => self.facts.pipelines.push(pipeline),
            None => return Ok(Some(Idle::Gone(arn.to_string()))),
        }
        Ok(None)
    }

    /// The family that an AMI is published of.
    async fn ami(&mut self, region: &str, account: &str, ami: &str) -> Result<Option<Idle>, Trouble> {
        match places::holding(self.reader, (region, account), ami).await? {
            Some(family) => self.family(&family, None).await,
            None => Ok(Some(Idle::Unpublished(ami.to_owned()))),
        }
    }

    /// The family that a parameter is of.
    async fn parameter(
        &mut self,
        region: &str,
        account: &str,
        name: &str,
        refusal: Option<&str>,
    ) -> Result<Option<Idle>, Trouble> {
        let prefix = format!("{}/", self.reader.settings.parameter_prefix);
        match name.strip_prefix(&prefix).filter(|family| !family.is_empty() && !family.contains('/')) {
            Some(family) => self.family(family, refusal.map(|why| Refusal { region, account, why })).await,
            None => Ok(Some(Idle::Other(name.to_owned()))),
        }
    }

    /// One family, where it is published, and the pipeline that remembers for it.
    async fn family(&mut self, name: &str, refusal: Option<Refusal<'_>>) -> Result<Option<Idle>, Trouble> {
        let (pipelines, listed) = tokio::join!(lists::pipelines(self.reader), lists::versions(self.reader));
        let pipelines = pipelines.map_err(|error| Trouble::essential(&error))?;
        let versions = listed.map_err(|error| Trouble::essential(&error))?.remove(name).unwrap_or_default();
        let listed = lists::of_versions(self.reader, &versions).await.map_err(|error| Trouble::essential(&error))?;
        let pipeline = families::rememberer(&pipelines, name);
        if listed.is_empty() && pipeline.is_none() {
            return Ok(Some(Idle::Gone(name.to_owned())));
        }
        let pipeline = pipeline.cloned();
        let remembered = pipeline.as_ref().map(|pipeline| pipeline.arn.clone());
        self.facts.pipelines.extend(pipeline);
        let places = places::of_family(name, &listed, self.reader.settings);
        let places = places::read(self.reader, places, &mut self.unread).await;
        let places = families::with_refusal(places, name, refusal, self.reader.settings);
        let builds: Vec<Summary> = listed.into_iter().map(|listed| listed.summary).collect();
        if remembered.is_none()
            && let Some(build) = newest(&builds, Summary::has_ended)
        {
            self.builds(std::slice::from_ref(&build.arn)).await;
        }
        let family = Family {
            name: name.to_owned(),
            pipeline: remembered,
            builds: Known::Is(builds),
            published: Known::Is(places),
        };
        self.facts.families.push(family);
        Ok(None)
    }

    /// Everything. What can't be read of one pipeline or family doesn't keep the others from being looked at.
    async fn everything(&mut self) -> Result<(), Trouble> {
        let reader = self.reader;
        let (pipelines, versions) = tokio::join!(lists::pipelines(reader), lists::versions(reader));
        let pipelines = pipelines.map_err(|error| Trouble::essential(&error))?;
        let versions = versions.map_err(|error| Trouble::essential(&error))?;
        let read = each(pipelines, async |mut pipeline| {
            let (listed, references) =
                tokio::join!(lists::of_pipeline(reader, &pipeline.arn), references::of(reader, &pipeline));
            let mut unread = Vec::new();
            pipeline.builds = Trouble::known(listed, &mut unread);
            pipeline.references = Trouble::known(references, &mut unread);
            (pipeline, unread)
        });
        for (pipeline, unread) in read.await {
            self.facts.pipelines.push(pipeline);
            self.unread.extend(unread);
        }
        let names: BTreeSet<String> =
            versions.keys().chain(self.facts.pipelines.iter().map(|pipeline| &pipeline.family)).cloned().collect();
        let listed = each(names, async |name| {
            let versions = versions.get(&name).map(Vec::as_slice).unwrap_or_default();
            (lists::of_versions(reader, versions).await, name)
        });
        let mut families: Vec<(String, Vec<Listed>)> = Vec::new();
        for (listed, name) in listed.await {
            match listed {
                Ok(listed) => families.push((name, listed)),
                Err(error) => self.unread.push(Trouble::of(&error)),
            }
        }
        self.facts.loose = families::loose(&self.facts.pipelines, &families);
        self.builds(&families::rememberers(&self.facts.pipelines, &families)).await;
        self.publications(families).await;
        self.facts.queues = queues::read(reader, &mut self.unread).await;
        Ok(())
    }

    /// Where families are published: all places side by side, since an account's Region has parameters of many.
    async fn publications(&mut self, families: Vec<(String, Vec<Listed>)>) {
        let settings = self.reader.settings;
        let places = families.iter().flat_map(|(name, listed)| places::of_family(name, listed, settings));
        let mut places = places::read(self.reader, places.collect(), &mut self.unread).await;
        for (name, listed) in families {
            let parameter = settings.parameter(&name);
            let (own, others) = places.into_iter().partition(|place| place.parameter == parameter);
            places = others;
            let pipeline = families::rememberer(&self.facts.pipelines, &name).map(|pipeline| pipeline.arn.clone());
            let builds = Known::Is(listed.into_iter().map(|listed| listed.summary).collect());
            self.facts.families.push(Family { name, pipeline, builds, published: Known::Is(own) });
        }
    }
}

impl std::fmt::Display for Idle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Elsewhere(arn) => write!(f, "{arn} is in another account or Region than this function"),
            Self::Gone(what) => write!(f, "Image Builder doesn't know {what}"),
            Self::Unpublished(ami) => write!(f, "no parameter holds {ami}"),
            Self::Other(name) => write!(f, "{name} isn't the parameter of a family"),
        }
    }
}
