//! What may happen to an image, by what is promised alone: written apart from the planner, of the world as it is.
//!
//! A promise that can be read in two ways is held in the careful one where something is retired, and isn't held against
//! the planner where something stays: [`Verdict::open`].

use super::sight::{Call, Sight};
use super::world::*;

/// Why an image must not be taken further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Why {
    InUse,
    UsedElsewhere,
    Public,
    PublishedNow,
    PublishedBefore,
    Channel,
    ParentOfPipeline,
    ParentOfImage,
    KeepTag,
    Newest,
    Younger,
    Launched,
    Outside,
    UnderWay,
    Never,
    BadTag,
    /// What is missing.
    Unknown(Missing),
}

/// What isn't known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Missing {
    Account,
    Family,
    Children,
    Image,
    History,
    Ami,
    Report,
}

/// The next step on the way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Deprecate,
    Disable,
    Delete,
}

/// What the oracle says of an image.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Verdict {
    /// It is used, unknown, or not due: it must not be taken a step further.
    pub(crate) against: Vec<Why>,
    /// It may be taken further if nothing is against it, but need not.
    pub(crate) open: Option<&'static str>,
}

/// The rules of the account.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) defaults: Policy,
    pub(crate) last_launched: Time,
}

/// The world at a moment, and what a run does in it.
pub(crate) struct Oracle<'a> {
    pub(crate) sight: Sight<'a>,
    pub(crate) rules: Rules,
    /// By image: whether it is there and the run doesn't take it further, or takes it back.
    pub(crate) stays: &'a [bool],
}

const NAMES: [&str; 2] = ["announced", "hold"];

fn is_channel(label: &str) -> bool {
    let is_build = label.starts_with('v') && label.contains('.') && label.contains('-');
    !NAMES.contains(&label) && !is_build && !label.ends_with("-hold")
}

/// A policy as the pipelines' tags have it, the most careful where they differ.
pub(crate) enum Asked {
    Policy(Policy),
    Never,
    Unreadable,
}

fn age(text: &str) -> Option<Time> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "h" => HOUR,
        "d" => DAY,
        "w" => 7 * DAY,
        _ => return None,
    };
    let number: Time = digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    (number > 0).then_some(number * unit)
}

impl Oracle<'_> {
    fn world(&self) -> &World {
        self.sight.world
    }

    pub(crate) fn policy(&self, family: usize) -> Asked {
        let mut asked: Option<Policy> = None;
        let mut never = false;
        for pipeline in self.world().pipelines.iter().filter(|it| it.family == family && !it.deleted) {
            let mut own = self.rules.defaults;
            for (tag, value) in &pipeline.tags {
                let slot = match tag.as_str() {
                    "goldsmith:retire" if value == "never" => {
                        never = true;
                        continue;
                    }
                    "goldsmith:retire" => return Asked::Unreadable,
                    "goldsmith:keep" => {
                        let Some(keep) = value.parse().ok().filter(|&keep| keep > 0) else { return Asked::Unreadable };
                        own.keep = keep;
                        continue;
                    }
                    "goldsmith:deprecate-after" => &mut own.deprecate,
                    "goldsmith:disable-after" => &mut own.disable,
                    "goldsmith:delete-after" => &mut own.delete,
                    _ => continue,
                };
                let Some(age) = age(value) else { return Asked::Unreadable };
                *slot = age;
            }
            asked = Some(asked.map_or(own, |other| Policy {
                keep: own.keep.max(other.keep),
                deprecate: own.deprecate.max(other.deprecate),
                disable: own.disable.max(other.disable),
                delete: own.delete.max(other.delete),
                failed: own.failed,
            }));
        }
        if never { Asked::Never } else { Asked::Policy(asked.unwrap_or(self.rules.defaults)) }
    }

    /// The next step, of an image that the function may touch: one that it took this far itself.
    pub(crate) fn stage(&self, image: usize) -> Option<Stage> {
        match self.world().images[image].status {
            Status::Available => Some(Stage::Deprecate),
            Status::Deprecated => Some(Stage::Disable),
            Status::Disabled | Status::Failed | Status::Cancelled => Some(Stage::Delete),
            Status::Building | Status::Deleted => None,
        }
    }

    /// What stands against each image's next step, and what makes it an open one.
    pub(crate) fn verdicts(&self) -> Vec<Verdict> {
        let mut found: Vec<_> = (0..self.world().images.len()).map(|image| self.alone(image)).collect();
        // What is kept keeps its parent, which keeps its own.
        loop {
            let mut changed = false;
            for child in 0..found.len() {
                let it = &self.world().images[child];
                let kept = match it.status {
                    Status::Building => true,
                    Status::Failed | Status::Cancelled | Status::Deleted => false,
                    _ => self.stays[child] || found[child].against.iter().any(|why| why.claims()),
                };
                let waits = !matches!(it.status, Status::Deleted);
                if let Some(parent) = it.made_from.filter(|_| kept)
                    && !found[parent].against.contains(&Why::ParentOfImage)
                {
                    found[parent].against.push(Why::ParentOfImage);
                    changed = true;
                }
                // Of which build of several it was made can't be seen from its recipe.
                let maybe: Vec<usize> = match it.parent {
                    Parent::Pattern(family, nodes, version) => {
                        let fits = |parent: &usize| self.world().images[*parent].version[..nodes] == version[..nodes];
                        self.world().builds(family).filter(fits).collect()
                    }
                    Parent::Parameter(_) | Parent::Build(_) | Parent::Ami(_) => it.made_from.into_iter().collect(),
                    Parent::Managed => vec![],
                };
                if waits {
                    for parent in maybe {
                        found[parent].open.get_or_insert("perhaps the parent of an image that is there");
                    }
                }
            }
            if !changed {
                return found;
            }
        }
    }

    /// What stands against it, other images aside.
    fn alone(&self, image: usize) -> Verdict {
        let mut against = Vec::new();
        let mut open = None;
        let Some(stage) = self.stage(image) else { return Verdict { against: vec![Why::UnderWay], open: None } };
        let world = self.world();
        let it = &world.images[image];
        if world.families[it.family].container {
            open = Some("a container");
        }
        let by_us = match it.status {
            Status::Deprecated => it.deprecated_by_us.is_some(),
            Status::Disabled => it.disabled_by_us.is_some(),
            _ => true,
        };
        if !by_us {
            open = Some("somebody else's work");
        }
        match self.policy(it.family) {
            Asked::Policy(policy) => self.age(image, stage, policy, &mut against, &mut open),
            Asked::Never => against.push(Why::Never),
            Asked::Unreadable => against.push(Why::BadTag),
        }
        self.published(image, &mut against, &mut open);
        self.parents(image, &mut against, &mut open);
        self.missing(image, &mut against, &mut open);
        if it.running().is_some() {
            against.push(Why::UnderWay);
        }
        if it.executions.last().is_some_and(|last| last.ended && last.fate != Fate::Succeeds) {
            open = Some("the last step failed");
        }
        if it.tags.contains_key("goldsmith:keep-image") {
            against.push(Why::KeepTag);
        }
        for &ami in &it.amis {
            self.ami(image, ami, &mut against, &mut open);
        }
        against.sort();
        against.dedup();
        Verdict { against, open }
    }

    fn age(&self, image: usize, stage: Stage, policy: Policy, against: &mut Vec<Why>, open: &mut Option<&'static str>) {
        let world = self.world();
        let it = &world.images[image];
        let young = |since: Time, after: Time| world.now < since + after;
        if matches!(it.status, Status::Failed | Status::Cancelled) {
            if young(it.created, policy.failed) {
                against.push(Why::Younger);
            }
            return;
        }
        let (mut available, mut back) = (0, 0);
        for other in world.builds(it.family).map(|other| &world.images[other]) {
            if other.order() > it.order() {
                match other.status {
                    Status::Available => available += 1,
                    Status::Deprecated | Status::Disabled => back += 1,
                    _ => {}
                }
            }
        }
        if available + back < policy.keep || (stage == Stage::Deprecate && available < policy.keep) {
            against.push(Why::Newest);
        } else if available < policy.keep {
            *open = Some("others come back first");
        }
        match self.superseded(image) {
            Superseded::No => against.push(Why::Younger),
            // Published anew since it was deprecated: it was old enough then.
            Superseded::Since(since)
                if it.deprecated_by_us.is_some_and(|at| at < since) && stage != Stage::Deprecate =>
            {
                *open = Some("what took its place was published anew");
            }
            Superseded::Since(since) if young(since, policy.deprecate) => against.push(Why::Younger),
            Superseded::Since(_) => {}
            Superseded::Unclear => *open = Some("not published everywhere"),
        }
        match (stage, it.deprecated_by_us, it.disabled_by_us) {
            (Stage::Deprecate, ..) => {}
            (Stage::Disable, Some(since), _) if young(since, policy.disable) => against.push(Why::Younger),
            (Stage::Delete, _, Some(since)) if young(since, policy.delete) => against.push(Why::Younger),
            (Stage::Disable | Stage::Delete, ..) => {}
        }
    }

    /// Since when, in every place where it has AMIs, only newer builds have been published.
    fn superseded(&self, image: usize) -> Superseded {
        let world = self.world();
        let it = &world.images[image];
        let (mut since, mut unpublished) = (None, false);
        for &ami in &it.amis {
            let Some(history) = world.families[it.family].places.get(&world.amis[ami].place()) else {
                unpublished = true;
                continue;
            };
            let newer = |publication: &&Publication| world.images[publication.image].order() > it.order();
            match history.iter().rev().take_while(newer).last() {
                None => return Superseded::No,
                Some(first) => since = since.max(Some(first.at)),
            }
        }
        match (since, unpublished) {
            (None, _) => Superseded::No,
            (Some(_), true) => Superseded::Unclear,
            (Some(since), false) => Superseded::Since(since),
        }
    }

    fn published(&self, image: usize, against: &mut Vec<Why>, open: &mut Option<&'static str>) {
        for history in self.world().families[self.world().images[image].family].places.values() {
            let Some(now) = history.last() else { continue };
            if history.iter().any(|it| it.foreign) {
                *open = Some("somebody else published what doesn't say which build it is");
            }
            if now.image == image {
                against.push(Why::PublishedNow);
            }
            let before = history.iter().rev().find(|publication| publication.image != now.image);
            if before.is_some_and(|before| before.image == image) {
                against.push(Why::PublishedBefore);
            }
            for publication in history.iter().filter(|publication| publication.image == image) {
                if publication.labels.iter().any(|label| is_channel(label)) {
                    against.push(Why::Channel);
                }
                if publication.labels.iter().any(|label| label.ends_with("hold")) {
                    *open = Some("a hold");
                }
            }
        }
    }

    fn parents(&self, image: usize, against: &mut Vec<Why>, open: &mut Option<&'static str>) {
        for pipeline in self.world().pipelines.iter().filter(|pipeline| !pipeline.deleted) {
            if self.world().resolve(pipeline.parent) == Some(image) {
                if pipeline.enabled {
                    against.push(Why::ParentOfPipeline);
                } else {
                    *open = Some("the parent of a pipeline that is disabled");
                }
            }
        }
    }

    fn missing(&self, image: usize, against: &mut Vec<Why>, open: &mut Option<&'static str>) {
        let world = self.world();
        let it = &world.images[image];
        let mut lacks = |lacks: bool, what: Missing| {
            if lacks {
                against.push(Why::Unknown(what));
            }
        };
        let recipe = |index: usize| {
            let pipeline = &world.pipelines[index];
            !pipeline.deleted && pipeline.enabled && self.sight.lacks_recipe(index)
        };
        lacks(self.sight.lacks_pipelines() || (0..world.pipelines.len()).any(recipe), Missing::Account);
        if (0..world.pipelines.len()).any(|it| !world.pipelines[it].deleted && self.sight.lacks_recipe(it)) {
            *open = Some("a pipeline that is disabled may be made of it");
        }
        let of_family = |call| self.sight.lacks_of_family(call, it.family);
        lacks(of_family(Call::PipelineTags) || of_family(Call::Builds), Missing::Family);
        lacks(
            (0..world.families.len()).any(|family| self.sight.lacks_of_family(Call::Builds, family)),
            Missing::Children,
        );
        let child = |child: usize| {
            self.sight.lacks_of_image(Call::Parent, child)
                && world.images[child].created > it.created
                && (world.images[child].status == Status::Building || self.stays[child])
        };
        lacks((0..world.images.len()).any(child), Missing::Children);
        if (0..world.images.len()).any(|child| self.sight.lacks_of_image(Call::Parent, child)) {
            *open = Some("what some image is made of isn't known");
        }
        if (0..world.families.len()).any(|family| self.sight.lacks_of_family(Call::PipelineTags, family)) {
            *open = Some("something of another family isn't known");
        }
        let of_image = |call| self.sight.lacks_of_image(call, image);
        lacks([Call::ImageTags, Call::Record, Call::Execution].into_iter().any(of_image), Missing::Image);
        lacks(matches!(it.status, Status::Failed | Status::Cancelled) && of_image(Call::Created), Missing::Image);
        if [HOME, ABROAD].into_iter().any(|region| {
            [OWN, COPIES].into_iter().any(|account| self.sight.lacks_history(it.family, (region, account)))
        }) {
            *open = Some("what is published elsewhere isn't known");
        }
        for &ami in &it.amis {
            lacks(self.sight.lacks_history(it.family, world.amis[ami].place()), Missing::History);
            let of_ami = |call| self.sight.lacks_of_ami(call, ami);
            // Of an AMI that isn't there nothing else has to be known.
            let calls: &[Call] = match world.amis[ami].deregistered {
                true => &[Call::Registered],
                false => &[Call::Registered, Call::References, Call::Permissions],
            };
            lacks(calls.iter().copied().any(of_ami), Missing::Ami);
        }
    }

    fn ami(&self, image: usize, ami: usize, against: &mut Vec<Why>, open: &mut Option<&'static str>) {
        let world = self.world();
        let (record, it) = (&world.images[image], &world.amis[ami]);
        let failed = matches!(record.status, Status::Failed | Status::Cancelled);
        if it.deregistered && (it.deleted_by_us || failed) {
            // There is nothing of it to use; what failed may never have had it.
            *open = Some("an AMI is gone already");
            return;
        }
        if it.tags.contains_key("goldsmith:keep-image") {
            against.push(Why::KeepTag);
        }
        let disagree = it.disabled != (record.status == Status::Disabled);
        if disagree && record.executions.last().is_some_and(|last| last.ended && last.fate != Fate::Succeeds) {
            *open = Some("half of a step was done");
        } else if it.deregistered || it.protected || it.foreign || disagree {
            against.push(Why::Outside);
        }
        let deprecated = it.deprecated.is_some_and(|since| since <= world.now);
        if record.status != Status::Disabled && deprecated != (record.status == Status::Deprecated) {
            *open = Some("record and AMI don't agree about deprecation");
        }
        if self.in_use(ami) {
            against.push(Why::InUse);
        }
        let lately = world.now - self.rules.last_launched;
        if it.launches.iter().any(|&launch| launch > lately && launch <= world.now - LAUNCH_LAG) {
            against.push(Why::Launched);
        } else if it.launches.iter().any(|&launch| launch >= lately) {
            *open = Some("a launch that EC2 may tell or not");
        }
        self.elsewhere(ami, against, open);
    }

    fn elsewhere(&self, ami: usize, against: &mut Vec<Why>, open: &mut Option<&'static str>) {
        let world = self.world();
        let it = &world.amis[ami];
        let shares: Vec<&String> = it.shares.iter().chain(&it.lost).collect();
        if shares.iter().any(|share| *share == "all") {
            against.push(Why::Public);
        }
        if shares.is_empty() {
            return;
        }
        let report = world.reports.iter().rev().find(|report| report.ami == ami);
        let fresh = report
            .filter(|report| report.ready <= world.now && !report.failed && report.created >= world.now - REPORT_AGE)
            .filter(|_| !self.sight.lacks_of_ami(Call::Reports, ami));
        match fresh {
            None => against.push(Why::Unknown(Missing::Report)),
            Some(report) if !report.users.is_empty() => *open = Some("the report tells of use"),
            Some(_) => {}
        };
        // What a report of a day ago can't tell can't be known.
        let known = world.now - REPORT_AGE;
        let others = |account: &str| account != it.account;
        let instance = |use_: &Instance| {
            use_.ami == ami && others(use_.account) && use_.state != "terminated" && use_.launched <= known
        };
        let template = |use_: &Template| {
            let mut versions = use_.versions.iter();
            let counts = |(number, (launches, since)): (&u32, &(Launches, Time))| {
                *launches == Launches::Ami(ami) && *since <= known && number + world.depth > use_.latest
            };
            !use_.deleted && others(use_.account) && versions.any(counts)
        };
        if world.instances.iter().any(instance) || world.templates.iter().any(template) {
            against.push(Why::UsedElsewhere);
        }
    }

    /// Whether anything in the account of the AMI can launch it, or run on it.
    fn in_use(&self, ami: usize) -> bool {
        let world = self.world();
        let it = &world.amis[ami];
        let runs = |use_: &&Instance| use_.ami == ami && use_.account == it.account && use_.state != "terminated";
        let holds = |use_: &&Parameter| use_.ami == ami && (use_.region, use_.account) == it.place() && !use_.deleted;
        let template = |index: usize| {
            let use_ = &world.templates[index];
            let matters = |number: u32| {
                let pinned =
                    |group: &Group| group.template == index && group.pin == Pin::Number(number) && !group.deleted;
                number == use_.default || number + world.depth > use_.latest || world.groups.iter().any(pinned)
            };
            let launches = |(&number, (launches, _)): (&u32, &(Launches, Time))| {
                *launches == Launches::Ami(ami) && matters(number)
            };
            !use_.deleted && (use_.region, use_.account) == it.place() && use_.versions.iter().any(launches)
        };
        let recipe = |pipeline: &Pipeline| !pipeline.deleted && pipeline.parent == Parent::Ami(ami);
        world.instances.iter().any(|it| runs(&it))
            || world.parameters.iter().any(|it| holds(&it))
            || (0..world.templates.len()).any(template)
            || world.pipelines.iter().any(recipe)
    }
}

enum Superseded {
    No,
    Since(Time),
    /// Nothing is published in some place where it has an AMI.
    Unclear,
}

impl Why {
    /// Whether an image that was taken further has to be taken back for it.
    pub(crate) fn claims(self) -> bool {
        match self {
            Self::InUse
            | Self::PublishedNow
            | Self::PublishedBefore
            | Self::Channel
            | Self::ParentOfPipeline
            | Self::ParentOfImage
            | Self::KeepTag
            | Self::Newest => true,
            Self::UsedElsewhere
            | Self::Public
            | Self::Younger
            | Self::Launched
            | Self::Outside
            | Self::UnderWay
            | Self::Never
            | Self::BadTag
            | Self::Unknown(_) => false,
        }
    }
}

impl Why {
    /// Whether the last look at an image has to see it: its use, and what else can change from one moment to the next.
    pub(crate) fn is_seen_last(self) -> bool {
        match self {
            Self::InUse
            | Self::UsedElsewhere
            | Self::Public
            | Self::PublishedNow
            | Self::PublishedBefore
            | Self::Channel
            | Self::KeepTag
            | Self::Launched
            | Self::Outside
            | Self::UnderWay
            | Self::Unknown(Missing::Image | Missing::History | Missing::Ami | Missing::Report) => true,
            Self::ParentOfPipeline
            | Self::ParentOfImage
            | Self::Newest
            | Self::Younger
            | Self::Never
            | Self::BadTag
            | Self::Unknown(Missing::Account | Missing::Family | Missing::Children) => false,
        }
    }
}

impl Verdict {
    /// Whether it has to be taken further.
    pub(crate) fn is_due(&self) -> bool {
        self.against.is_empty() && self.open.is_none()
    }

    /// Whether it has to be taken back, if the function took it further: it is claimed, and all is known and in order.
    pub(crate) fn has_to_come_back(&self) -> bool {
        let fits = |why: &Why| why.claims() || matches!(why, Why::Younger | Why::Launched | Why::UsedElsewhere);
        self.open.is_none() && self.against.iter().any(|why| why.claims()) && self.against.iter().all(fits)
    }
}
