//! What is read, and in which order: no more than the cause asks for.
//!
//! Pipelines are listed, and so are the parents of all recipes: that tells which pipelines the cause is about, and which
//! stand above them. Only of these the builds, the whole recipes and what these refer to are read. A sweep is about
//! everything, so it reads the recipes one by one at once.

mod read;

pub(crate) use read::Reader;

use crate::inputs::Inputs;
use crate::plan::{self, Build, Cause, Facts, Known, Pipeline, Recipe, Select};
use aws_sdk_imagebuilder::primitives::DateTime;
use read::{Listed, known};
use shared::arn::{ImageBuildArn, VersionedArn};
use shared::image::{BadImage, Image, Status};
use shared::inventory::{CallError, each};
use shared::resolve::is_gone;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What was read about a cause.
#[derive(Debug)]
pub enum Observed {
    /// All that has to be known.
    Facts(Box<Facts>),
    /// No pipeline can be concerned.
    Idle(Idle),
}

/// Why a build is no reason to start anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Idle {
    /// It is in another Region, where this function has no pipelines.
    Elsewhere(String),
    /// Image Builder doesn't know it, or not for this account.
    Gone,
    /// It isn't AVAILABLE.
    NotAvailable(Status),
}

/// What has to be known about all pipelines couldn't be read.
#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    /// A call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// Image Builder's answer makes no sense.
    #[error("GetImage of {arn}")]
    Image {
        /// What was asked for.
        arn: ImageBuildArn,
        /// What is wrong with it.
        source: BadImage,
    },
}

impl ObserveError {
    /// Whether trying again later can help.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Call(error) if error.is_retryable())
    }
}

/// Reads what a cause asks for. Of builds in vain, as many are looked into as may fail in a row.
///
/// # Errors
/// Without the pipelines, their recipes' parents or the build that caused it all, nothing can be decided. What else
/// can't be read keeps one pipeline from being started, and is noted in the facts.
pub(crate) async fn observe(
    reader: &Reader<'_>,
    cause: Cause,
    now: String,
    max_attempts: usize,
) -> Result<Observed, ObserveError> {
    let mut amis = BTreeMap::new();
    if let Cause::Build(build) = &cause {
        match available(reader, build).await? {
            Ok(image) => amis.extend(own_amis(reader, image)),
            Err(idle) => return Ok(Observed::Idle(idle)),
        }
    }
    let everything = matches!(&cause, Cause::Schedule { select, .. } if *select == Select::default());
    let (pipelines, parents) = tokio::join!(reader.pipelines(), async {
        if everything { Ok(BTreeMap::new()) } else { reader.parents().await }
    });
    let (pipelines, busy): (Vec<Pipeline>, Vec<bool>) = pipelines?.into_iter().unzip();
    let facts = Facts {
        cause,
        now,
        recipes: BTreeMap::new(),
        resolved: BTreeMap::new(),
        amis,
        builds: pipelines.iter().map(|pipeline| (pipeline.arn.clone(), Known::Is(Vec::new()))).collect(),
        pipelines,
    };
    let mut observer =
        Observer { reader, facts, max_attempts, parents_only: BTreeSet::new(), written: BTreeMap::new() };
    observer.recipes(parents?).await;
    observer.parents().await;
    let busy = observer.facts.pipelines.iter().zip(busy).filter(|(_, busy)| *busy);
    let busy: BTreeSet<String> = busy.map(|(pipeline, _)| pipeline.arn.clone()).collect();
    let mut seen = BTreeSet::new();
    loop {
        // What is read may show more pipelines above those that were known.
        let needed: BTreeSet<&str> = plan::needed(&observer.facts).into_iter().collect();
        let wanted = |it: &&Pipeline| busy.contains(&it.arn) || (may_start(it) && needed.contains(it.arn.as_str()));
        let wanted = observer.facts.pipelines.iter().filter(wanted).filter(|it| !seen.contains(&it.arn));
        let wanted: Vec<Pipeline> = wanted.cloned().collect();
        if wanted.is_empty() {
            return Ok(Observed::Facts(Box::new(observer.facts)));
        }
        seen.extend(wanted.iter().map(|pipeline| pipeline.arn.clone()));
        observer.look_at(&wanted).await;
    }
}

/// The build that caused it all, if Image Builder says that it is AVAILABLE here.
async fn available(reader: &Reader<'_>, build: &ImageBuildArn) -> Result<Result<Image, Idle>, ObserveError> {
    if build.region != reader.region {
        return Ok(Err(Idle::Elsewhere(build.region.clone())));
    }
    let image = match reader.image(&build.to_string()).await {
        Ok(image) => image,
        Err(error) if is_gone(&error) => return Ok(Err(Idle::Gone)),
        Err(error) => return Err(error.into()),
    };
    let image = image.ok_or(BadImage::Lacks("the image")).and_then(Image::try_from);
    let image = image.map_err(|source| ObserveError::Image { arn: build.clone(), source })?;
    Ok(if image.status == Status::Available { Ok(image) } else { Err(Idle::NotAvailable(image.status)) })
}

fn own_amis(reader: &Reader<'_>, image: Image) -> Vec<(String, ImageBuildArn)> {
    let here = image.amis.into_iter().filter(|ami| ami.region == reader.region);
    here.map(|ami| (ami.id, image.arn.clone())).collect()
}

/// Whether a pipeline is left alone whatever its builds are: then they needn't be read.
fn may_start(pipeline: &Pipeline) -> bool {
    pipeline.enabled && pipeline.tags.get(shared::tags::START).is_none_or(|value| value != "never")
}

/// Facts while they are gathered.
struct Observer<'a> {
    reader: &'a Reader<'a>,
    facts: Facts,
    max_attempts: usize,
    /// Recipes of which only the parent is known.
    parents_only: BTreeSet<String>,
    /// When the parameters were last written that parents name.
    written: BTreeMap<String, DateTime>,
}

impl Observer<'_> {
    /// Every pipeline's recipe: its parent from the lists, or the whole of it where they lack it, as they lack those of
    /// other accounts.
    async fn recipes(&mut self, parents: BTreeMap<String, String>) {
        let named: BTreeSet<&String> = self.facts.pipelines.iter().map(|pipeline| &pipeline.recipe).collect();
        let mut unlisted = Vec::new();
        for name in named {
            match (parents.get(name), name.parse::<VersionedArn>()) {
                (Some(parent), Ok(arn)) => {
                    let recipe = Recipe { arn, parent: parent.clone(), components: Vec::new() };
                    self.facts.recipes.insert(name.clone(), Known::Is(recipe));
                    self.parents_only.insert(name.clone());
                }
                _ => unlisted.push(name.clone()),
            }
        }
        self.read_recipes(unlisted).await;
    }

    async fn read_recipes(&mut self, names: Vec<String>) {
        let read = each(names, async |name| (self.reader.recipe(&name).await, name)).await;
        self.facts.recipes.extend(read.into_iter().map(|(recipe, name)| (name, recipe)));
    }

    /// What has to be resolved to tell which pipelines the cause is about: parameters, which may hold any image, and
    /// the parents that may stand for the build that caused it.
    async fn parents(&mut self) {
        let parents: BTreeSet<&String> = self.facts.recipes.values().filter_map(whole).map(|it| &it.parent).collect();
        let asked = parents.into_iter().filter(|parent| match &self.facts.cause {
            _ if parent.starts_with("ssm:") => true,
            Cause::Build(build) => may_stand_for(parent, build),
            Cause::BaseImage(_) | Cause::Schedule { .. } => false,
        });
        self.resolve(asked.cloned().collect()).await;
    }

    async fn resolve(&mut self, references: BTreeSet<String>) {
        let read = each(references, async |reference| (self.reader.resolve(&reference).await, reference)).await;
        for ((resolved, written), reference) in read {
            self.written.extend(written.map(|written| (reference.clone(), written)));
            self.facts.resolved.insert(reference, resolved);
        }
    }

    /// Reads what there is to know about some pipelines: their builds, and of those without a build in flight the
    /// inputs of the builds that count and the recipe with what it refers to.
    async fn look_at(&mut self, pipelines: &[Pipeline]) {
        let builds = each(pipelines, async |pipeline| self.reader.builds(&pipeline.arn).await).await;
        let mut resting = Vec::new();
        for (pipeline, builds) in pipelines.iter().zip(builds) {
            let builds = match builds {
                Ok(builds) => builds,
                Err(error) => {
                    self.facts.builds.insert(pipeline.arn.clone(), known(error));
                    continue;
                }
            };
            self.facts.amis.extend(builds.iter().flat_map(|listed| {
                let build = &listed.build.arn;
                listed.amis.iter().map(|ami| (ami.clone(), build.clone()))
            }));
            let builds: Vec<Build> = builds.into_iter().map(|Listed { build, .. }| build).collect();
            if may_start(pipeline) && !builds.iter().any(Build::in_flight) {
                resting.push(pipeline);
            }
            self.facts.builds.insert(pipeline.arn.clone(), Known::Is(builds));
        }
        self.inputs(&resting).await;
        let recipes: BTreeSet<&String> = resting.iter().map(|pipeline| &pipeline.recipe).collect();
        let rest: Vec<String> = recipes.iter().filter_map(|name| self.parents_only.take(*name)).collect();
        self.read_recipes(rest).await;
        let recipes = recipes.into_iter().filter_map(|name| whole(self.facts.recipes.get(name)?));
        let references = recipes.flat_map(|recipe| std::iter::once(&recipe.parent).chain(&recipe.components));
        let moves = |reference: &&String| reference.starts_with("arn:") || reference.starts_with("ssm:");
        let news = references.filter(moves).filter(|reference| !self.facts.resolved.contains_key(*reference));
        let news = news.cloned().collect();
        self.resolve(news).await;
    }

    /// The inputs of each pipeline's last AVAILABLE build, and of those in vain since the last that wasn't.
    async fn inputs(&mut self, pipelines: &[&Pipeline]) {
        let mut counting = Vec::new();
        for pipeline in pipelines {
            let Some(Known::Is(builds)) = self.facts.builds.get(&pipeline.arn) else { continue };
            let places = that_count(builds, self.max_attempts).into_iter();
            counting.extend(places.map(|place| (pipeline.arn.clone(), place, builds[place].arn.clone())));
        }
        let written = &self.written;
        let read = each(counting, async |(pipeline, place, build)| {
            let inputs = match self.reader.inputs(&build).await {
                Ok((inputs, created)) => Known::Is(spoken_out(inputs, created, &self.facts, written)),
                Err(unread) => Known::Unread(unread),
            };
            (pipeline, place, inputs)
        });
        for (pipeline, place, inputs) in read.await {
            if let Some(Known::Is(builds)) = self.facts.builds.get_mut(&pipeline) {
                builds[place].inputs = inputs;
            }
        }
    }
}

fn whole(recipe: &Known<Recipe>) -> Option<&Recipe> {
    match recipe {
        Known::Is(recipe) => Some(recipe),
        Known::Gone(_) | Known::Unread(_) => None,
    }
}

/// Whether a parent's ARN may stand for a build: same name, and a version that fits. Whose it is, the service says.
fn may_stand_for(parent: &str, build: &ImageBuildArn) -> bool {
    let Ok(VersionedArn { kind, name, version, build: number, .. }) = parent.parse() else { return false };
    kind == "image"
        && name == build.family
        && version.matches(build.version)
        && number.is_none_or(|number| number == build.build)
}

/// The places of the last AVAILABLE build, and of the newest ones that were in vain, one after the other.
fn that_count(builds: &[Build], max_attempts: usize) -> BTreeSet<usize> {
    let last = builds.iter().position(|build| build.status == Status::Available);
    let there = builds.iter().enumerate().filter(|(_, build)| build.status != Status::Deleted);
    let in_vain = there.take_while(|(_, build)| matches!(build.status, Status::Failed | Status::Cancelled));
    in_vain.take(max_attempts).map(|(place, _)| place).chain(last).collect()
}

/// A build's document may name the parameter where it could name the AMI that it held. If the parameter wasn't written
/// since, that is the AMI which it holds; else it was another.
fn spoken_out(
    mut inputs: Inputs,
    created: Option<DateTime>,
    facts: &Facts,
    written: &BTreeMap<String, DateTime>,
) -> Inputs {
    let (Some(created), Some(written)) = (created, written.get(&inputs.parent)) else { return inputs };
    if let Some(Known::Is(resolved)) = facts.resolved.get(&inputs.parent) {
        inputs.parent = match *written <= created {
            true => resolved.to.clone(),
            false => format!("{} before {written}", inputs.parent),
        };
    }
    inputs
}

impl fmt::Display for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Elsewhere(region) => write!(f, "the image is in {region}, and this function's pipelines are not"),
            Self::Gone => f.write_str("Image Builder doesn't know the image"),
            Self::NotAvailable(status) => write!(f, "the image is {status}"),
        }
    }
}
