//! What is read, and in which order: the account once, then family by family, so that no more than a few of them are in
//! memory; of EC2 only what the plan asks for.

mod ami;
mod execution;
mod parent;
mod pinned;
mod place;
mod read;

pub(crate) use place::Place as Ec2Place;
pub(crate) use read::{Reader, is_gone};

use crate::plan::{
    self, AccountFacts, At, Build, Candidate, Decision, FamilyFacts, Fresh, Known, LiveParent, Parent, Pipeline, Place,
};
use crate::settings::Settings;
use ami::{Elsewhere, Pinned};
use aws_sdk_imagebuilder::{primitives, types};
use chrono::{DateTime, Utc};
use parent::Named;
use pinned::Pinned as Found;
use shared::arn::{ImageBuildArn, VersionedArn};
use shared::error::chain;
use shared::image::{Ami, Image, Kind, Status};
use shared::inventory::{CallError, Calls, each};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

/// Reads an account's families.
#[derive(Debug)]
pub(crate) struct Observer<'a> {
    reader: Reader<'a>,
    settings: &'a Settings,
    now: DateTime<Utc>,
    /// What concerns every family.
    pub(crate) account: AccountFacts,
    /// The parents that recipes name, by the recipe's ARN.
    recipes: BTreeMap<String, Vec<String>>,
    /// The pipelines, by the family that they build.
    pipelines: BTreeMap<String, Vec<Pipeline>>,
    /// Why policies aren't known, by family. Without its policy an image is neither taken further nor back.
    unknown: BTreeMap<String, Vec<String>>,
    /// The ARNs of the versions, by family.
    versions: BTreeMap<String, Vec<String>>,
    /// What pins AMIs, by place, read when first asked for.
    pinned: Mutex<BTreeMap<At, PinnedOnce>>,
}

/// Read once, by whoever asks first.
type PinnedOnce = Arc<OnceCell<Arc<Found>>>;

impl<'a> Observer<'a> {
    /// Reads what concerns every family. What can't be read keeps every image, and is noted.
    ///
    /// # Errors
    /// Without the list of the images there is nothing to decide.
    pub(crate) async fn begin(
        reader: Reader<'a>,
        settings: &'a Settings,
        now: DateTime<Utc>,
    ) -> Result<Self, CallError> {
        let (listed, pipelines, parents) = tokio::join!(reader.versions(), pipelines(&reader), reader.parents());
        let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut account = AccountFacts::default();
        for arn in listed? {
            match arn.parse() {
                Ok(VersionedArn { name, .. }) => versions.entry(name).or_default().push(arn),
                Err(error) => account.missing.push(format!("which image {arn:?} is: {}", chain(&error))),
            }
        }
        let mut observer = Self {
            reader,
            settings,
            now,
            account,
            recipes: BTreeMap::new(),
            pipelines: BTreeMap::new(),
            unknown: BTreeMap::new(),
            versions,
            pinned: Mutex::default(),
        };
        match parents {
            Ok(parents) => observer.recipes = parents,
            Err(error) => observer.account.missing.push(format!("the recipes: {}", chain(&error))),
        }
        match pipelines {
            Ok(pipelines) => observer.live(pipelines).await,
            Err(error) => {
                let why = format!("the pipelines: {}", chain(&error));
                let families = observer.versions.keys().map(|family| (family.clone(), vec![why.clone()]));
                observer.unknown = families.collect();
                observer.account.missing.push(why);
            }
        }
        Ok(observer)
    }

    /// Reads what is to come by other calls, with a later end.
    pub(crate) fn go_on(&mut self, calls: &'a Calls) {
        self.reader.calls = calls;
    }

    /// The names of the families.
    pub(crate) fn families(&self) -> Vec<String> {
        self.versions.keys().cloned().collect()
    }

    /// The pipelines by family, and what their recipes stand on.
    async fn live(&mut self, pipelines: Vec<types::ImagePipeline>) {
        let this = &*self;
        let read = each(pipelines, async |pipeline| {
            let recipe = pipeline.image_recipe_arn.as_ref().or(pipeline.container_recipe_arn.as_ref());
            let parents = match recipe {
                Some(recipe) => this.recipe(recipe).await,
                None => Err("its recipe isn't told".to_owned()),
            };
            let found = match parents {
                Ok(named) => each(named, async |text| this.parent(&text, None).await).await,
                Err(why) => vec![Parent::Unknown(why)],
            };
            (pipeline, found)
        });
        for (pipeline, parents) in read.await {
            let arn = pipeline.arn.unwrap_or_default();
            self.account.parents.extend(parents.into_iter().map(|parent| LiveParent { pipeline: arn.clone(), parent }));
            let recipe = pipeline.image_recipe_arn.or(pipeline.container_recipe_arn);
            let name = pipeline.name.unwrap_or(arn);
            let Some(Ok(VersionedArn { name: family, .. })) = recipe.map(|recipe| recipe.parse()) else {
                // Its tags may be about any.
                self.account.missing.push(format!("which images {name} builds"));
                continue;
            };
            match pipeline.tags {
                Some(tags) => {
                    let tags = tags.into_iter().collect();
                    self.pipelines.entry(family).or_default().push(Pipeline { name, tags });
                }
                None => self.unknown.entry(family).or_default().push(format!("the tags of {name}")),
            }
        }
    }

    /// What a recipe names as parents.
    async fn recipe(&self, arn: &str) -> Result<Vec<String>, String> {
        if let Some(parents) = self.recipes.get(arn) {
            return Ok(parents.clone());
        }
        // Recipes of other accounts aren't listed.
        self.reader.recipe(arn).await.map_err(|error| chain(&error))
    }

    async fn parent(&self, text: &str, at: Option<DateTime<Utc>>) -> Parent {
        match parent::named(text, self.reader.account, self.reader.region) {
            Named::Parent(parent) => parent,
            Named::Parameter(name) => parent::held(&self.reader, &name, at).await,
        }
    }

    /// The builds of a family with what they are made of, and nothing else.
    ///
    /// # Errors
    /// Why they couldn't be listed.
    pub(crate) async fn builds(&self, family: &str) -> Result<FamilyFacts, CallError> {
        let versions = self.versions.get(family).map_or(&[][..], Vec::as_slice);
        let listed = self.reader.builds(versions).await?;
        let builds = each(listed, async |summary| self.build(summary).await).await;
        let unknown = self.unknown.get(family).into_iter().flatten().cloned();
        let (builds, missing): (Vec<_>, Vec<_>) = builds.into_iter().partition(Result::is_ok);
        Ok(FamilyFacts {
            family: family.to_owned(),
            pipelines: self.pipelines.get(family).cloned().unwrap_or_default(),
            builds: builds.into_iter().filter_map(Result::ok).collect(),
            missing: missing.into_iter().filter_map(Result::err).chain(unknown).collect(),
            ..FamilyFacts::default()
        })
    }

    /// Everything about a family that its plan needs.
    ///
    /// # Errors
    /// Why its builds couldn't be listed. What else can't be read is noted in the facts.
    pub(crate) async fn family(&self, family: &str) -> Result<FamilyFacts, CallError> {
        let mut facts = self.builds(family).await?;
        facts.places = self.places(family, &facts.builds).await;
        let candidates = plan::candidates(&self.account, &facts, self.settings, self.now);
        let executions = each(&candidates, async |Candidate { build, is_near }| {
            let last = match execution::may_be(build, self.now, *is_near) {
                true => execution::last(&self.reader, &build.arn.to_string(), self.now, *is_near).await,
                false => Known::Is(None),
            };
            (build.arn.clone(), last)
        });
        let (executions, amis) = tokio::join!(executions, self.amis(&candidates, Pinned::Kept));
        facts.amis = amis;
        let mut executions: BTreeMap<ImageBuildArn, Known<_>> = executions.into_iter().collect();
        for build in &mut facts.builds {
            if let Some(last) = executions.remove(&build.arn) {
                build.execution = last;
            }
        }
        Ok(facts)
    }

    /// An image as it is now, for the last look at it.
    ///
    /// # Errors
    /// Why its record couldn't be read.
    pub(crate) async fn fresh(&self, decision: &Decision) -> Result<Fresh, String> {
        let arn = decision.image.to_string();
        let (image, last) = tokio::join!(self.reader.image(&arn), execution::last(&self.reader, &arn, self.now, true));
        let image = image.map_err(|error| chain(&error))?.ok_or("Image Builder's answer lacks the image")?;
        let created = image.date_created.as_deref().and_then(date);
        let image = Image::try_from(image).map_err(|error| chain(&error))?;
        let parent = Parent::Unknown("it isn't asked again".to_owned());
        let mut build = of_image(image, created, parent);
        build.execution = last;
        let places = self.places(&build.arn.family, std::slice::from_ref(&build)).await;
        let amis = self.amis(&[Candidate { build: &build, is_near: true }], Pinned::Fresh).await;
        Ok(Fresh { build, places, amis })
    }

    async fn amis(&self, candidates: &[Candidate<'_>], pinned: Pinned) -> BTreeMap<Ami, plan::AmiFacts> {
        let mut amis = BTreeMap::new();
        for Candidate { build, is_near } in candidates {
            let was_shared =
                build.tags.get().is_some_and(|tags| tags.keys().any(|key| key.starts_with(shared::tags::SHARES)));
            let elsewhere = match (is_near, was_shared) {
                (false, _) => Elsewhere::Later,
                (true, false) => Elsewhere::IfShared,
                (true, true) => Elsewhere::Always,
            };
            amis.extend(build.amis.get().into_iter().flatten().map(|ami| (ami.clone(), elsewhere)));
        }
        ami::facts(self, amis, pinned).await
    }

    /// What is published of a family wherever its builds have AMIs, or AMIs that are shared for it.
    async fn places(&self, family: &str, builds: &[Build]) -> Vec<Place> {
        let there = builds.iter().filter(|build| build.status != Status::Deleted);
        let mut places: BTreeSet<At> =
            there.flat_map(|build| build.amis.get().into_iter().flatten()).map(At::of).collect();
        // Where AMIs are published that are only shared.
        let regions: BTreeSet<String> =
            places.iter().filter(|at| at.account == self.reader.account).map(|at| at.region.clone()).collect();
        let shared = self.settings.share_targets.places(family).into_iter();
        let shared = shared.filter(|(region, _)| regions.contains(region));
        places.extend(shared.map(|(region, account)| At { region, account }));
        let name = self.settings.parameter(family);
        let read = each(places, async |at| {
            let history = match self.reader.history(&at, &name).await {
                Ok(history) => Known::Is(history),
                Err(why) => Known::Unread(why),
            };
            Place { at, history }
        });
        read.await
    }

    /// A build as its listing has it, with its parent.
    async fn build(&self, summary: types::ImageSummary) -> Result<Build, String> {
        let arn = summary.arn.clone().unwrap_or_default();
        let (created, tagged) = (summary.date_created.as_deref().and_then(date), summary.tags.is_some());
        let image = Image::try_from(summary).map_err(|error| format!("{arn}: {}", chain(&error)))?;
        let parent = match image.status {
            Status::Deleted => Parent::Outside("it is deleted".to_owned()),
            _ => self.parent_of(&image, created).await,
        };
        let mut build = of_image(image, created, parent);
        if !tagged {
            build.tags = Known::Unread("the listing lacks them".to_owned());
        }
        Ok(build)
    }

    /// What a build is made of. Its recipe has its name and version. Where that names no single image, the build tells.
    async fn parent_of(&self, image: &Image, created: Option<DateTime<Utc>>) -> Parent {
        let ImageBuildArn { partition, region, account, family, version, .. } = &image.arn;
        let kind = if image.kind == Kind::Docker { "container-recipe" } else { "image-recipe" };
        let recipe = format!("arn:{partition}:imagebuilder:{region}:{account}:{kind}/{family}/{version}");
        if let Some(text) = self.recipes.get(&recipe).and_then(|parents| parents.last()) {
            let named = parent::named(text, self.reader.account, self.reader.region);
            if let Named::Parent(parent @ (Parent::Build(_) | Parent::Ami(_) | Parent::Outside(_))) = named {
                return parent;
            }
        }
        let arn = image.arn.to_string();
        let read = match self.reader.image(&arn).await {
            Ok(read) => read,
            Err(error) if is_gone(&error) => return Parent::Outside("it is deleted".to_owned()),
            Err(error) => return Parent::Unknown(chain(&error)),
        };
        let Some(read) = read else { return Parent::Unknown("Image Builder's answer lacks the image".to_owned()) };
        let of_container = read.container_recipe.and_then(|recipe| read::of_container(recipe).pop());
        let named = read.image_recipe.and_then(|recipe| recipe.parent_image).or(of_container);
        match named {
            Some(text) => self.parent(&text, created).await,
            None => Parent::Outside("it has no recipe".to_owned()),
        }
    }

    /// A place with a client that can be used.
    ///
    /// # Errors
    /// Why the account is out of reach, in words.
    pub(crate) async fn place(&self, at: &At) -> Result<Ec2Place<'a>, String> {
        Ec2Place::at(self.reader, at).await
    }

    /// What pins AMIs in a place. Nobody needs it who has no AMIs to ask about.
    async fn pinned(&self, place: &Ec2Place<'_>, at: &At, when: Pinned, unneeded: bool) -> Arc<Found> {
        let read = async || Arc::new(pinned::read(place, &self.settings.parameter_prefix).await);
        if unneeded {
            return Arc::default();
        }
        if when == Pinned::Fresh {
            return read().await;
        }
        let once = {
            // Whoever panicked with the lock left a whole map behind.
            let mut pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
            pinned.entry(at.clone()).or_default().clone()
        };
        once.get_or_init(read).await.clone()
    }
}

/// imagebuilder:ListImagePipelines, and GetImagePipeline for what the listing leaves out.
async fn pipelines(reader: &Reader<'_>) -> Result<Vec<types::ImagePipeline>, CallError> {
    let listed = reader.pipelines().await?;
    let whole = each(listed, async |pipeline| {
        let lacks =
            pipeline.tags.is_none() || pipeline.image_recipe_arn.is_none() && pipeline.container_recipe_arn.is_none();
        match &pipeline.arn {
            Some(arn) if lacks => match reader.pipeline(arn).await {
                Ok(read) => Ok(read.or(Some(pipeline))),
                Err(error) if is_gone(&error) => Ok(None),
                Err(error) => Err(error),
            },
            _ => Ok(Some(pipeline)),
        }
    });
    Ok(whole.await.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

fn of_image(image: Image, created: Option<DateTime<Utc>>, parent: Parent) -> Build {
    Build {
        arn: image.arn,
        kind: image.kind,
        status: image.status,
        created: created.map_or_else(|| Known::Unread("Image Builder's answer lacks it".to_owned()), Known::Is),
        tags: Known::Is(image.tags),
        parent,
        amis: Known::Is(image.amis),
        containers: image.containers.into_iter().flat_map(|container| container.uris).collect(),
        execution: Known::Unread("it wasn't asked for".to_owned()),
    }
}

fn date(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc())
}

/// A time stamp of the SDK.
fn time(time: &primitives::DateTime) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(time.secs(), time.subsec_nanos())
}
