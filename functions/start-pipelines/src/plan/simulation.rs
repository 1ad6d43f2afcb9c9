//! A tiny Image Builder: families and builds, what references stand for, and notifications on their way. Pipelines are
//! started in it as plans say, and whatever must never happen fails on the spot.

mod properties;
mod worlds;

use super::fixtures::*;
use super::*;
use shared::arn::VersionedArn;
use std::collections::{BTreeMap, BTreeSet};

/// What every pipeline came to: how many builds it has, and what its last AVAILABLE one is made of.
type EndState = BTreeMap<String, (usize, Option<Inputs>)>;

/// How notifications are delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Post {
    /// Each once.
    Reliable,
    /// Some never, some twice, the second time to an invocation that knows no more than the first.
    Unreliable,
    /// Never.
    Lost,
}

#[derive(Debug, Clone)]
struct World {
    /// What can be read at this time.
    facts: Facts,
    limit: usize,
    /// Starts that were answered with an earlier start's build don't count.
    starts: BTreeMap<String, usize>,
    tokens: BTreeSet<String>,
    in_flight: Vec<(String, ImageBuildArn)>,
    post: Vec<Cause>,
    /// Builds of no pipeline.
    imported: Vec<ImageBuildArn>,
    /// By family: the build whose AMI its parameter holds. It stays when the build is deprecated.
    published: BTreeMap<String, ImageBuildArn>,
    random: Random,
}

/// Numbers from a seed, by xorshift.
#[derive(Debug, Clone)]
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        for shift in [13, -7, 17_i32] {
            self.0 ^= if shift > 0 { self.0 << shift } else { self.0 >> -shift };
        }
        usize::try_from(self.0 % bound as u64).unwrap()
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

impl World {
    fn new(mut facts: Facts, imported: Vec<ImageBuildArn>, seed: u64) -> Self {
        facts.amis.extend(imported.iter().map(|arn| (ami(arn), arn.clone())));
        let mut world = Self {
            facts,
            limit: usize::MAX,
            starts: BTreeMap::new(),
            tokens: BTreeSet::new(),
            in_flight: Vec::new(),
            post: Vec::new(),
            published: imported.iter().map(|arn| (arn.family.clone(), arn.clone())).collect(),
            imported,
            random: Random(seed | 1),
        };
        world.resolve();
        world
    }

    fn builds(&self, pipeline: &str) -> &[Build] {
        let Some(Known::Is(builds)) = self.facts.builds.get(pipeline) else { panic!("{pipeline} is unknown") };
        builds
    }

    fn last(&self, pipeline: &str) -> Option<&Inputs> {
        let last = self.builds(pipeline).iter().find(|build| build.status == Status::Available)?;
        let Known::Is(inputs) = &last.inputs else { panic!("{} is made of something", last.arn) };
        Some(inputs)
    }

    /// What a build would be made of now; nothing if a reference stands for nothing.
    fn inputs(&self, recipe: &Recipe) -> Option<Inputs> {
        let stands_for = |reference: &String| match self.facts.resolved.get(reference) {
            Some(Known::Is(resolved)) => Some(resolved.to.clone()),
            Some(Known::Gone(_) | Known::Unread(_)) => None,
            None => Some(reference.clone()),
        };
        Some(Inputs {
            recipe: recipe.arn.arn.to_string(),
            parent: stands_for(&recipe.parent)?,
            components: recipe.components.iter().map(stands_for).collect::<Option<_>>()?,
        })
    }

    /// Lets references to own families stand for what they stand for now.
    fn resolve(&mut self) {
        let all = self.facts.pipelines.iter().flat_map(|pipeline| self.builds(&pipeline.arn));
        let available = all.filter(|build| build.status == Status::Available).map(|build| &build.arn);
        let available: Vec<&ImageBuildArn> = available.chain(&self.imported).collect();
        let mut resolved = BTreeMap::new();
        for recipe in self.facts.recipes.values() {
            let Known::Is(Recipe { parent, .. }) = recipe else { continue };
            let to = match (parent.strip_prefix("ssm:/golden-images/"), parent.parse::<VersionedArn>()) {
                (Some(family), _) => self.published.get(family).map(ami),
                (None, Ok(VersionedArn { arn, name, version, build, .. })) if arn.account == ACCOUNT => {
                    let fits = |it: &&&ImageBuildArn| {
                        it.family == name && version.matches(it.version) && build.is_none_or(|build| build == it.build)
                    };
                    available.iter().filter(fits).max_by_key(|it| it.order()).map(ToString::to_string)
                }
                _ => continue,
            };
            let to = to.map(|to| Known::Is(Resolved { to, deprecated: false }));
            resolved.insert(parent.clone(), to.unwrap_or_else(|| Known::Gone("there is none".to_owned())));
        }
        self.facts.resolved.extend(resolved);
    }

    /// One invocation. Says how many builds it started.
    fn invoke(&mut self, cause: Cause, times: usize) -> usize {
        self.facts.cause = cause;
        let plan = plan(&self.facts, &Settings { max_concurrent_builds: self.limit, max_attempts: 3 });
        let mut started = 0;
        for _ in 0..times {
            for step in &plan.steps {
                if let Action::Start { target, client_token } = &step.action {
                    started += usize::from(self.start(&target.pipeline, client_token));
                }
            }
        }
        started
    }

    /// StartImagePipelineExecution. A token that was seen before is answered with the earlier build.
    fn start(&mut self, pipeline: &str, token: &str) -> bool {
        if !self.tokens.insert(token.to_owned()) {
            return false;
        }
        let index = self.facts.pipelines.iter().position(|other| other.arn == pipeline).unwrap();
        let Pipeline { enabled, tags, .. } = &self.facts.pipelines[index];
        assert!(*enabled && !tags.contains_key(shared::tags::START), "{pipeline} was to be left alone");
        assert!(
            !Graph::new(&self.facts).cycles().iter().any(|cycle| cycle.contains(&index)),
            "{pipeline} is in a cycle"
        );
        assert!(!self.in_flight.iter().any(|(other, _)| other == pipeline), "{pipeline} has two builds in flight");
        assert!(self.in_flight.len() < self.limit, "more than {} builds in flight", self.limit);
        let recipe = self.facts.recipe(&self.facts.pipelines[index]).expect("the recipe is known").clone();
        let inputs = self.inputs(&recipe).expect("everything resolves");
        let VersionedArn { name, version, .. } = &recipe.arn;
        let of_recipe = |build: &&Build| build.arn.family == *name && Some(build.arn.version) == version.exact();
        let all = self.facts.pipelines.iter().flat_map(|pipeline| self.builds(&pipeline.arn));
        let number = all.filter(of_recipe).count() + 1;
        let arn = build_arn(&format!("{name}/{version}/{number}"));
        let build = Build { arn: arn.clone(), status: Status::Building, inputs: Known::Is(inputs) };
        self.builds_mut(pipeline).insert(0, build);
        self.in_flight.push((pipeline.to_owned(), arn));
        let starts = self.starts.entry(pipeline.to_owned()).or_default();
        *starts += 1;
        assert!(*starts < 20, "{pipeline} is started again and again");
        true
    }

    fn builds_mut(&mut self, pipeline: &str) -> &mut Vec<Build> {
        let Some(Known::Is(builds)) = self.facts.builds.get_mut(pipeline) else { panic!("{pipeline} is unknown") };
        builds
    }

    /// A build becomes AVAILABLE: its family's parameter holds its AMI if it is the newest, and both are told.
    fn end_one(&mut self) {
        let which = self.random.below(self.in_flight.len());
        let (pipeline, arn) = self.in_flight.swap_remove(which);
        self.builds_mut(&pipeline)[0].status = Status::Available;
        self.facts.amis.insert(ami(&arn), arn.clone());
        if let Some(published) = self.published.get_mut(&arn.family).filter(|published| published.order() < arn.order())
        {
            published.clone_from(&arn);
        }
        self.resolve();
        self.post.push(Cause::BaseImage(BaseImage::Parameter(format!("/golden-images/{}", arn.family))));
        self.post.push(Cause::Build(arn));
    }

    /// Builds end and notifications arrive in any order, until there are none of either.
    fn run_its_course(&mut self, how: Post) {
        while !(self.in_flight.is_empty() && self.post.is_empty()) {
            let ends = !self.in_flight.is_empty() && (self.post.is_empty() || self.random.chance(50));
            if ends {
                self.end_one();
                continue;
            }
            let which = self.random.below(self.post.len());
            let cause = self.post.swap_remove(which);
            match how {
                Post::Lost => {}
                Post::Reliable => {
                    self.invoke(cause, 1);
                }
                Post::Unreliable if self.random.chance(30) => {}
                Post::Unreliable => {
                    if self.random.chance(30) {
                        self.post.push(cause.clone());
                    }
                    let times = 1 + self.random.below(2);
                    self.invoke(cause, times);
                }
            }
        }
    }

    fn end_state(&self) -> EndState {
        let arns = self.facts.pipelines.iter().map(|pipeline| &pipeline.arn);
        arns.map(|arn| (arn.clone(), (self.builds(arn).len(), self.last(arn).cloned()))).collect()
    }

    /// The pipelines that have to have a build on what their recipe stands for now.
    fn buildable(&self) -> Vec<(&str, Inputs)> {
        let graph = Graph::new(&self.facts);
        let in_cycle: BTreeSet<usize> = graph.cycles().iter().flatten().copied().collect();
        let pipelines = self.facts.pipelines.iter().enumerate();
        let pipelines = pipelines
            .filter(|(index, pipeline)| pipeline.enabled && pipeline.tags.is_empty() && !in_cycle.contains(index));
        let inputs = pipelines
            .filter_map(|(_, pipeline)| Some((pipeline.arn.as_str(), self.inputs(self.facts.recipe(pipeline)?)?)));
        inputs.collect()
    }
}

fn ami(build: &ImageBuildArn) -> String {
    format!("ami-{}-{}-{}", build.family, build.version, build.build)
}
