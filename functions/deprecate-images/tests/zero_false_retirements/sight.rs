//! What can be seen of the world, told as facts: what is denied, throttled or out of reach is unread, what is cut short
//! says so, what lags is old.

use super::world::*;
use chrono::{DateTime, Utc};
use deprecate_images::plan::{
    AccountFacts, AmiFacts, At, Build, Execution, ExecutionResource, FamilyFacts, Fresh, Known, LiveParent,
    Parent as PlannedParent, Pipeline as PlannedPipeline, Place as PlannedPlace, Reference, References, Registered,
    Shares, Snapshot, Usage,
};
use shared::arn::ImageBuildArn;
use shared::image::{Ami as AmiName, Kind, Status as Word};
use shared::published::Published;
use std::collections::{BTreeMap, BTreeSet};

/// What can't be read in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// The list of pipelines is cut short.
    Pipelines,
    /// A pipeline's recipe, or the parameter that it names.
    Recipe,
    /// The tags of a family's pipelines.
    PipelineTags,
    /// The list of a family's builds is cut short.
    Builds,
    ImageTags,
    Created,
    Record,
    Parent,
    Execution,
    /// A parameter's history, of a family everywhere.
    History,
    Registered,
    References,
    Permissions,
    Reports,
    /// Nothing in the account that holds copies.
    Copies,
    /// Nothing abroad.
    Abroad,
}

pub(crate) const CALLS: [Call; 16] = [
    Call::References,
    Call::Registered,
    Call::Permissions,
    Call::Reports,
    Call::Copies,
    Call::Abroad,
    Call::History,
    Call::ImageTags,
    Call::Record,
    Call::Execution,
    Call::Parent,
    Call::Created,
    Call::Builds,
    Call::PipelineTags,
    Call::Recipe,
    Call::Pipelines,
];

/// A call that fails.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) call: Call,
    /// About which, modulo how many there are.
    pub(crate) subject: usize,
}

/// The world, and what of it can't be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sight<'a> {
    pub(crate) world: &'a World,
    pub(crate) faults: &'a [Fault],
}

/// 2026-01-01T00:00:00Z
const BEGINNING: i64 = 1_767_225_600;

pub(crate) fn time(time: Time) -> DateTime<Utc> {
    DateTime::from_timestamp(BEGINNING + time, 0).unwrap()
}

pub(crate) fn ami_id(ami: usize) -> String {
    format!("ami-{ami:017x}")
}

fn at((region, account): Place) -> At {
    At { region: region.to_owned(), account: account.to_owned() }
}

fn unread<T>(call: Call) -> Known<T> {
    Known::Unread(format!("{call:?} denied"))
}

impl<'a> Sight<'a> {
    fn lacks(&self, call: Call, subject: usize, of: usize) -> bool {
        self.faults.iter().any(|fault| fault.call == call && fault.subject % of.max(1) == subject)
    }

    pub(crate) fn lacks_pipelines(&self) -> bool {
        self.lacks(Call::Pipelines, 0, 1)
    }

    pub(crate) fn lacks_recipe(&self, pipeline: usize) -> bool {
        self.lacks(Call::Recipe, pipeline, self.world.pipelines.len())
    }

    pub(crate) fn lacks_of_family(&self, call: Call, family: usize) -> bool {
        self.lacks(call, family, self.world.families.len())
    }

    pub(crate) fn lacks_of_image(&self, call: Call, image: usize) -> bool {
        self.lacks(call, image, self.world.images.len())
    }

    pub(crate) fn lacks_of_ami(&self, call: Call, ami: usize) -> bool {
        self.lacks_place(self.world.amis[ami].place()) || self.lacks(call, ami, self.world.amis.len())
    }

    pub(crate) fn lacks_place(&self, (region, account): Place) -> bool {
        (account == COPIES && self.lacks(Call::Copies, 0, 1)) || (region == ABROAD && self.lacks(Call::Abroad, 0, 1))
    }

    pub(crate) fn lacks_history(&self, family: usize, place: Place) -> bool {
        self.lacks_place(place) || self.lacks_of_family(Call::History, family)
    }

    /// Whether a build is missing in a list that is cut short.
    fn is_cut(&self, image: usize) -> bool {
        image % 2 == 1 && self.lacks_of_family(Call::Builds, self.world.images[image].family)
    }

    pub(crate) fn account(&self) -> AccountFacts {
        let pipelines = self.world.pipelines.iter().enumerate().filter(|(_, pipeline)| !pipeline.deleted);
        let mut facts = AccountFacts::default();
        for (index, pipeline) in pipelines {
            if self.lacks_pipelines() && index % 2 == 0 {
                continue;
            }
            let parent = match pipeline.parent {
                _ if self.lacks_recipe(index) => PlannedParent::Unknown("GetImageRecipe denied".to_owned()),
                Parent::Parameter(family) => match self.world.families[family].places.get(&(HOME, OWN)) {
                    Some(history) if !history.is_empty() => PlannedParent::Ami(ami_id(history.last().unwrap().ami)),
                    _ => PlannedParent::Outside("ssm:/nowhere".to_owned()),
                },
                parent => self.parent(parent),
            };
            facts.parents.push(LiveParent { pipeline: self.pipeline_arn(index), parent });
        }
        if self.lacks_pipelines() {
            facts.missing.push("ListImagePipelines: cut short".to_owned());
        }
        facts
    }

    fn pipeline_arn(&self, pipeline: usize) -> String {
        format!("arn:aws:imagebuilder:{HOME}:{OWN}:image-pipeline/{}", self.world.pipelines[pipeline].name)
    }

    fn parent(&self, parent: Parent) -> PlannedParent {
        let selects = |family: usize, version: &str| {
            let family = &self.world.families[family].name;
            PlannedParent::Selects(format!("arn:aws:imagebuilder:{HOME}:{OWN}:image/{family}/{version}"))
        };
        match parent {
            Parent::Managed => {
                PlannedParent::Outside("arn:aws:imagebuilder:us-east-1:aws:image/al2023/x.x.x".to_owned())
            }
            Parent::Ami(ami) => PlannedParent::Ami(ami_id(ami)),
            Parent::Build(image) => PlannedParent::Build(self.arn(image)),
            Parent::Parameter(_) => PlannedParent::Outside("ssm:/nowhere".to_owned()),
            Parent::Pattern(family, nodes, [major, minor, patch]) => selects(
                family,
                &match nodes {
                    0 => "x.x.x".to_owned(),
                    1 => format!("{major}.x.x"),
                    2 => format!("{major}.{minor}.x"),
                    _ => format!("{major}.{minor}.{patch}"),
                },
            ),
        }
    }

    /// What a build was made of: of a parameter, what its history says that it held then.
    fn parent_of(&self, image: usize) -> PlannedParent {
        let it = &self.world.images[image];
        match (it.parent, it.made_from) {
            (Parent::Parameter(_), Some(from)) => PlannedParent::Ami(ami_id(self.world.images[from].amis[0])),
            (parent, _) => self.parent(parent),
        }
    }

    pub(crate) fn arn(&self, image: usize) -> ImageBuildArn {
        let image = &self.world.images[image];
        let [major, minor, patch] = image.version;
        ImageBuildArn {
            partition: "aws".to_owned(),
            region: HOME.to_owned(),
            account: OWN.to_owned(),
            family: self.world.families[image.family].name.clone(),
            version: shared::version::Version { major, minor, patch },
            build: image.build,
        }
    }

    pub(crate) fn ami_name(&self, ami: usize) -> AmiName {
        let (region, account) = self.world.amis[ami].place();
        AmiName { region: region.to_owned(), account: account.to_owned(), id: ami_id(ami) }
    }

    /// The builds of a family that are listed.
    pub(crate) fn listed(&self, family: usize) -> impl Iterator<Item = usize> + '_ {
        self.world
            .builds(family)
            .filter(|&image| self.world.images[image].status != Status::Deleted && !self.is_cut(image))
    }

    /// Without what is read of candidates alone.
    pub(crate) fn family(&self, family: usize) -> FamilyFacts {
        let mut missing = Vec::new();
        if self.lacks_of_family(Call::PipelineTags, family) {
            missing.push("GetImagePipeline denied".to_owned());
        }
        if self.lacks_of_family(Call::Builds, family) {
            missing.push("ListImageBuildVersions: cut short".to_owned());
        }
        let pipelines = self.world.pipelines.iter().filter(|it| !it.deleted && it.family == family);
        let pipelines = pipelines.map(|it| PlannedPipeline { name: it.name.clone(), tags: it.tags.clone() });
        let builds: Vec<usize> = self.listed(family).collect();
        FamilyFacts {
            family: self.world.families[family].name.clone(),
            pipelines: pipelines.collect(),
            places: self.places(family, &builds),
            builds: builds.into_iter().map(|image| self.build(image, false)).collect(),
            amis: BTreeMap::new(),
            missing,
        }
    }

    /// Whatever is read of a build.
    pub(crate) fn build(&self, image: usize, candidate: bool) -> Build {
        let it = &self.world.images[image];
        let lacks = |call| self.lacks_of_image(call, image);
        Build {
            arn: self.arn(image),
            kind: if self.world.families[it.family].container { Kind::Docker } else { Kind::Ami },
            status: word(it.status),
            created: if lacks(Call::Created) { unread(Call::Created) } else { Known::Is(time(it.created)) },
            tags: if lacks(Call::ImageTags) { unread(Call::ImageTags) } else { Known::Is(it.tags.clone()) },
            parent: if lacks(Call::Parent) {
                PlannedParent::Unknown("GetImage denied".to_owned())
            } else {
                self.parent_of(image)
            },
            amis: if lacks(Call::Record) {
                unread(Call::Record)
            } else {
                Known::Is(it.amis.iter().map(|&ami| self.ami_name(ami)).collect())
            },
            containers: if self.world.families[it.family].container { vec!["repository:1".to_owned()] } else { vec![] },
            execution: if !candidate || lacks(Call::Execution) {
                unread(Call::Execution)
            } else {
                Known::Is(self.execution(image))
            },
        }
    }

    fn execution(&self, image: usize) -> Option<Execution> {
        let it = &self.world.images[image];
        let execution = it.executions.last()?;
        let resources = it.amis.iter().enumerate().map(|(index, &ami)| ExecutionResource {
            id: ami_id(ami),
            region: Some(self.world.amis[ami].region.to_owned()),
            action: Some(
                match execution.to {
                    Status::Deprecated => "DEPRECATE",
                    Status::Disabled => "DISABLE",
                    Status::Deleted => "DELETE",
                    _ => "AVAILABLE",
                }
                .to_owned(),
            ),
            status: match execution.fate {
                _ if !execution.ended => "IN_PROGRESS",
                Fate::Fails => "FAILED",
                Fate::Skips if index == 0 => "SKIPPED",
                _ => "SUCCESS",
            }
            .to_owned(),
            reason: None,
        });
        Some(Execution {
            id: format!("lce-{image}-{}", it.executions.len()),
            status: match execution.fate {
                _ if !execution.ended => "IN_PROGRESS",
                Fate::Fails => "FAILED",
                _ => "SUCCESS",
            }
            .to_owned(),
            reason: None,
            started: Some(time(execution.started)),
            resources: resources.collect(),
        })
    }

    /// The parameters wherever one of the builds has an AMI.
    fn places(&self, family: usize, builds: &[usize]) -> Vec<PlannedPlace> {
        let amis = builds.iter().flat_map(|&image| &self.world.images[image].amis);
        let places: BTreeSet<Place> = amis.map(|&ami| self.world.amis[ami].place()).collect();
        let known = |place: Place| {
            let history = self.world.families[family].places.get(&place);
            let versions = history.into_iter().flatten().zip(1..).map(|(it, version)| Published {
                version,
                build: (!it.foreign).then(|| self.arn(it.image)),
                value: ami_id(it.ami),
                description: (!it.foreign).then(|| self.arn(it.image).to_string()),
                modified: Some(aws_sdk_imagebuilder::primitives::DateTime::from_secs(BEGINNING + it.at)),
                labels: it.labels.clone(),
            });
            versions.collect::<Vec<_>>()
        };
        let place = |place| PlannedPlace {
            at: at(place),
            history: if self.lacks_history(family, place) { unread(Call::History) } else { Known::Is(known(place)) },
        };
        places.into_iter().map(place).collect()
    }

    /// Adds what is read of candidates.
    pub(crate) fn look_closely(
        &self,
        family: usize,
        candidates: &BTreeMap<ImageBuildArn, bool>,
        facts: &mut FamilyFacts,
    ) {
        for image in self.listed(family) {
            let arn = self.arn(image);
            if let Some(is_near) = candidates.get(&arn) {
                *facts.builds.iter_mut().find(|build| build.arn == arn).unwrap() = self.build(image, true);
                let mut amis = BTreeMap::new();
                self.amis_of(image, &mut amis);
                for ami in amis.values_mut().filter(|_| !is_near) {
                    ami.shares = Known::Unread("not asked for yet".to_owned());
                    ami.usage = Usage::Unread("not asked for yet".to_owned());
                }
                facts.amis.append(&mut amis);
            }
        }
    }

    fn amis_of(&self, image: usize, facts: &mut BTreeMap<AmiName, AmiFacts>) {
        if !self.lacks_of_image(Call::Record, image) {
            facts.extend(self.world.images[image].amis.iter().map(|&ami| (self.ami_name(ami), self.ami(ami))));
        }
    }

    fn ami(&self, ami: usize) -> AmiFacts {
        let it = &self.world.amis[ami];
        let lacks = |call| self.lacks_of_ami(call, ami);
        let told = it.launches.iter().filter(|&&launch| launch <= self.world.now - self.world.lag).max();
        let registered = Registered {
            state: if it.disabled { "disabled" } else { "available" }.to_owned(),
            deprecation_time: it.deprecated.map(time),
            last_launched: told.map(|&launch| time(launch)),
            protected: it.protected,
            tags: self.tags_of(ami),
            snapshots: vec![Snapshot { id: format!("snap-{ami:017x}"), gib: 8 }],
        };
        let references = self.references(ami);
        AmiFacts {
            registered: match (lacks(Call::Registered), it.deregistered) {
                (true, _) => unread(Call::Registered),
                (false, gone) => Known::Is((!gone).then_some(registered)),
            },
            references: match lacks(Call::References) {
                true => References::Unread("DescribeImageReferences: throttled".to_owned()),
                false if references.is_empty() => References::None(BTreeSet::from([at(it.place())])),
                false => References::Some(references),
            },
            // Those of a deregistered AMI can't be asked for.
            shares: match lacks(Call::Permissions) || it.deregistered {
                true => unread(Call::Permissions),
                false => Known::Is(shares(&it.shares)),
            },
            usage: match lacks(Call::Reports) {
                true => Usage::Unread("DescribeImageUsageReports denied".to_owned()),
                false => self.usage(ami),
            },
        }
    }

    /// The AMI's tags, Image Builder's own among them.
    fn tags_of(&self, ami: usize) -> BTreeMap<String, String> {
        let it = &self.world.amis[ami];
        let own = (!it.foreign).then(|| ("CreatedBy".to_owned(), "EC2 Image Builder".to_owned()));
        it.tags.clone().into_iter().chain(own).collect()
    }

    fn usage(&self, ami: usize) -> Usage {
        match self.world.reports.iter().rev().find(|report| report.ami == ami) {
            None => Usage::Absent,
            Some(report) if report.ready > self.world.now => Usage::Pending,
            Some(report) if report.failed => Usage::Failed("an internal error".to_owned()),
            Some(report) => Usage::Read {
                at: time(report.created),
                by: report.users.iter().map(|(account, count)| ((*account).to_owned(), *count)).collect(),
            },
        }
    }

    /// What EC2 answers for the AMI's own account and Region, and what templates add that EC2 doesn't search.
    fn references(&self, ami: usize) -> Vec<Reference> {
        let world = self.world;
        let place = world.amis[ami].place();
        let (region, account) = place;
        let mut found = Vec::new();
        let mut add = |kind: &str, resource: String| {
            found.push(Reference { kind: kind.to_owned(), arn: format!("arn:aws:{region}:{account}:{resource}") });
        };
        for (index, it) in world.instances.iter().enumerate() {
            if it.ami == ami && it.account == account && it.state != "terminated" {
                add("ec2:Instance", format!("instance/i-{index:017x}"));
            }
        }
        for (index, it) in world.templates.iter().enumerate() {
            if !it.deleted && (it.region, it.account) == place {
                let pins = world.groups.iter().filter(|group| !group.deleted && group.template == index);
                let mut versions: BTreeSet<u32> = pins
                    .map(|group| match group.pin {
                        Pin::Default => it.default,
                        Pin::Latest => it.latest,
                        Pin::Number(number) => number,
                    })
                    .collect();
                versions.extend(it.latest.saturating_sub(world.depth) + 1..=it.latest);
                versions.insert(it.default);
                if versions.into_iter().any(|version| it.launches(version) == Launches::Ami(ami)) {
                    add("ec2:LaunchTemplate", format!("launch-template/lt-{index:017x}"));
                }
            }
        }
        for (index, it) in world.parameters.iter().enumerate() {
            if !it.deleted && it.ami == ami && (it.region, it.account) == place {
                add("ssm:Parameter", format!("parameter/somebodys/{index}"));
            }
        }
        for family in &world.families {
            let last = family.places.get(&place).and_then(|history| history.last());
            if last.is_some_and(|last| last.ami == ami) {
                add("ssm:Parameter", format!("parameter/golden-images/{}", family.name));
            }
        }
        let recipe = |it: &Pipeline| !it.deleted && it.parent == Parent::Ami(ami);
        if place == (HOME, OWN) && world.pipelines.iter().any(recipe) {
            add("imagebuilder:ImageRecipe", "image-recipe/child/1.0.0".to_owned());
        }
        found
    }

    /// A build as it is read right before it is disabled or deleted; nothing of it can be read that the run can't.
    pub(crate) fn fresh(&self, image: usize) -> Fresh {
        let mut amis = BTreeMap::new();
        self.amis_of(image, &mut amis);
        let family = self.world.images[image].family;
        let builds: Vec<usize> = self.listed(family).collect();
        Fresh { build: self.build(image, true), places: self.places(family, &builds), amis }
    }
}

fn shares(shares: &BTreeSet<String>) -> Shares {
    let is_account = |share: &&String| share.bytes().all(|byte| byte.is_ascii_digit());
    Shares {
        accounts: shares.iter().filter(is_account).cloned().collect(),
        organizations: shares.iter().filter(|share| share.starts_with("arn:")).cloned().collect(),
        public: shares.contains("all"),
    }
}

fn word(status: Status) -> Word {
    match status {
        Status::Building => Word::Building,
        Status::Available => Word::Available,
        Status::Failed => Word::Failed,
        Status::Cancelled => Word::Cancelled,
        Status::Deprecated => Word::Deprecated,
        Status::Disabled => Word::Disabled,
        Status::Deleted => Word::Deleted,
    }
}
