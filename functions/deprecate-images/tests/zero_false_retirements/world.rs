//! The world that is simulated: accounts with images, AMIs, and everything that can use one. Plain data; indices stand
//! for what they point to and nothing is ever taken out of a list.

use std::collections::{BTreeMap, BTreeSet};

/// Seconds since the simulation's first day.
pub(crate) type Time = i64;
pub(crate) const MINUTE: Time = 60;
pub(crate) const HOUR: Time = 60 * MINUTE;
pub(crate) const DAY: Time = 24 * HOUR;

/// The account of the pipelines.
pub(crate) const OWN: &str = "123456789012";
/// Copies are distributed to it, and AMIs shared with it.
pub(crate) const COPIES: &str = "111122223333";
/// AMIs are shared with it alone; nothing can be read in it.
pub(crate) const STRANGER: &str = "444455556666";
pub(crate) const ORGANIZATION: &str = "arn:aws:organizations::123456789012:organization/o-a1b2c3d4e5";
pub(crate) const HOME: &str = "us-east-1";
pub(crate) const ABROAD: &str = "eu-west-1";

/// EC2 tells a launch after up to a day.
pub(crate) const LAUNCH_LAG: Time = DAY;
/// Older usage reports prove nothing.
pub(crate) const REPORT_AGE: Time = DAY;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) keep: usize,
    pub(crate) deprecate: Time,
    pub(crate) disable: Time,
    pub(crate) delete: Time,
    /// The age at which FAILED and CANCELLED builds are deleted.
    pub(crate) failed: Time,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Family {
    pub(crate) name: String,
    /// The versions of its parameter by Region and account, the newest last.
    pub(crate) places: BTreeMap<Place, Vec<Publication>>,
    /// Whether it makes containers.
    pub(crate) container: bool,
}

/// A Region of an account.
pub(crate) type Place = (&'static str, &'static str);

#[derive(Debug, Clone)]
pub(crate) struct Publication {
    pub(crate) image: usize,
    pub(crate) ami: usize,
    pub(crate) at: Time,
    pub(crate) labels: BTreeSet<String>,
    /// Somebody else wrote it: it doesn't say which build it is.
    pub(crate) foreign: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Pipeline {
    pub(crate) name: String,
    pub(crate) family: usize,
    pub(crate) version: [u32; 3],
    pub(crate) parent: Parent,
    pub(crate) enabled: bool,
    pub(crate) deleted: bool,
    pub(crate) tags: BTreeMap<String, String>,
}

/// A recipe's parent, as the recipe has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parent {
    /// An image of Amazon's.
    Managed,
    /// An AMI by its ID.
    Ami(usize),
    /// `ssm:` and the parameter of a family.
    Parameter(usize),
    /// Exactly one build.
    Build(usize),
    /// The versions of a family that begin with so many nodes, given: `x.x.x`, `1.x.x`, `1.0.x` or `1.0.0`.
    Pattern(usize, usize, [u32; 3]),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    Building,
    Available,
    Failed,
    Cancelled,
    Deprecated,
    Disabled,
    Deleted,
}

#[derive(Debug, Clone)]
pub(crate) struct Image {
    pub(crate) family: usize,
    pub(crate) version: [u32; 3],
    pub(crate) build: u32,
    pub(crate) status: Status,
    pub(crate) created: Time,
    /// As its recipe has it.
    pub(crate) parent: Parent,
    /// What the parent was when it was built.
    pub(crate) made_from: Option<usize>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) amis: Vec<usize>,
    /// The last state update with resources, and all before it.
    pub(crate) executions: Vec<Execution>,
    /// What the function under test did to it and nobody undid: when it asked for it.
    pub(crate) deprecated_by_us: Option<Time>,
    pub(crate) disabled_by_us: Option<Time>,
}

/// What StartResourceStateUpdate started.
#[derive(Debug, Clone)]
pub(crate) struct Execution {
    pub(crate) to: Status,
    pub(crate) started: Time,
    pub(crate) ends: Time,
    pub(crate) fate: Fate,
    pub(crate) ended: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Succeeds,
    /// Nothing changes.
    Fails,
    /// The first AMI is left alone, which keeps the record when it should be deleted.
    Skips,
}

#[derive(Debug, Clone)]
pub(crate) struct Ami {
    pub(crate) region: &'static str,
    pub(crate) account: &'static str,
    pub(crate) deregistered: bool,
    /// By the function, which left other AMIs of the image to be deleted later.
    pub(crate) deleted_by_us: bool,
    pub(crate) disabled: bool,
    /// When EC2 calls it deprecated.
    pub(crate) deprecated: Option<Time>,
    pub(crate) protected: bool,
    /// Somebody took Image Builder's tags from it, or it never had them.
    pub(crate) foreign: bool,
    pub(crate) tags: BTreeMap<String, String>,
    /// Accounts, an organization's ARN, or `all`.
    pub(crate) shares: BTreeSet<String>,
    pub(crate) launches: Vec<Time>,
    /// The shares that it lost when the function disabled it.
    pub(crate) lost: BTreeSet<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Instance {
    pub(crate) ami: usize,
    pub(crate) account: &'static str,
    /// EC2's word.
    pub(crate) state: &'static str,
    pub(crate) launched: Time,
}

/// What an instance would be launched from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Launches {
    /// An AMI by its ID.
    Ami(usize),
    /// `resolve:ssm:` and the parameter of a family: what it holds is protected as published.
    Parameter(usize),
    /// What isn't ours.
    Else,
}

#[derive(Debug, Clone)]
pub(crate) struct Template {
    pub(crate) account: &'static str,
    pub(crate) region: &'static str,
    /// By number; numbers that aren't there launch something else.
    pub(crate) versions: BTreeMap<u32, (Launches, Time)>,
    pub(crate) default: u32,
    pub(crate) latest: u32,
    pub(crate) deleted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pin {
    Default,
    Latest,
    Number(u32),
}

/// An Auto Scaling group.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) template: usize,
    pub(crate) pin: Pin,
    pub(crate) deleted: bool,
}

/// A parameter of somebody else's that holds an AMI ID.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    pub(crate) account: &'static str,
    pub(crate) region: &'static str,
    pub(crate) ami: usize,
    pub(crate) deleted: bool,
}

/// What EC2 said of an AMI's use in other accounts.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) ami: usize,
    pub(crate) created: Time,
    pub(crate) ready: Time,
    pub(crate) failed: bool,
    /// The uses that were there.
    pub(crate) users: BTreeMap<&'static str, u64>,
}

/// Everything.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) now: Time,
    /// How many versions of a launch template count as ones that can matter.
    pub(crate) depth: u32,
    /// How late EC2 tells launches: at most [`LAUNCH_LAG`].
    pub(crate) lag: Time,
    pub(crate) families: Vec<Family>,
    pub(crate) pipelines: Vec<Pipeline>,
    pub(crate) images: Vec<Image>,
    pub(crate) amis: Vec<Ami>,
    pub(crate) instances: Vec<Instance>,
    pub(crate) templates: Vec<Template>,
    pub(crate) groups: Vec<Group>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) reports: Vec<Report>,
}

impl Image {
    /// Later versions and, within a version, later builds are newer.
    pub(crate) fn order(&self) -> ([u32; 3], u32) {
        (self.version, self.build)
    }

    /// The state update that hasn't ended.
    pub(crate) fn running(&self) -> Option<&Execution> {
        self.executions.last().filter(|execution| !execution.ended)
    }
}

impl Ami {
    pub(crate) fn place(&self) -> Place {
        (self.region, self.account)
    }

    /// Whether an account can launch it.
    pub(crate) fn launchable_by(&self, account: &str) -> bool {
        let shared = self.shares.contains(account) || self.shares.contains(ORGANIZATION) || self.shares.contains("all");
        !self.deregistered && !self.disabled && (self.account == account || shared)
    }
}

impl Template {
    /// What a version launches.
    pub(crate) fn launches(&self, version: u32) -> Launches {
        self.versions.get(&version).map_or(Launches::Else, |(launches, _)| *launches)
    }
}

impl World {
    pub(crate) fn image_name(&self, image: usize) -> String {
        let image = &self.images[image];
        let [major, minor, patch] = image.version;
        format!("{}/{major}.{minor}.{patch}/{}", self.families[image.family].name, image.build)
    }

    /// The build that made an AMI.
    pub(crate) fn maker(&self, ami: usize) -> Option<usize> {
        self.images.iter().position(|image| image.amis.contains(&ami))
    }

    /// The builds of a family.
    pub(crate) fn builds(&self, family: usize) -> impl Iterator<Item = usize> + '_ {
        (0..self.images.len()).filter(move |&image| self.images[image].family == family)
    }

    /// The build that a recipe's parent stands for, if it is one of ours.
    pub(crate) fn resolve(&self, parent: Parent) -> Option<usize> {
        match parent {
            Parent::Managed => None,
            Parent::Ami(ami) => self.maker(ami),
            Parent::Parameter(family) => {
                let history = self.families[family].places.get(&(HOME, OWN));
                history.and_then(|history| history.last()).map(|publication| publication.image)
            }
            Parent::Build(image) => Some(image),
            Parent::Pattern(family, nodes, version) => self
                .builds(family)
                .filter(|&image| self.images[image].status == Status::Available)
                .filter(|&image| self.images[image].version[..nodes] == version[..nodes])
                .max_by_key(|&image| self.images[image].order()),
        }
    }

    /// Brings executions to their end that are due.
    pub(crate) fn pass(&mut self, now: Time) {
        self.now = self.now.max(now);
        for image in 0..self.images.len() {
            if let Some(execution) = self.images[image].executions.last()
                && !execution.ended
                && execution.ends <= self.now
            {
                self.end(image);
            }
        }
    }

    fn end(&mut self, image: usize) {
        let index = self.images[image].executions.len() - 1;
        self.images[image].executions[index].ended = true;
        let Execution { to, fate, ends, .. } = self.images[image].executions[index];
        if fate == Fate::Fails {
            return;
        }
        let left = usize::from(fate == Fate::Skips);
        for ami in self.images[image].amis.clone().into_iter().skip(left) {
            self.bring(ami, to, ends);
        }
        if to == Status::Available {
            (self.images[image].deprecated_by_us, self.images[image].disabled_by_us) = (None, None);
        }
        if to != Status::Deleted || left == 0 {
            self.images[image].status = to;
        }
    }

    /// What Image Builder does to an AMI.
    fn bring(&mut self, ami: usize, to: Status, at: Time) {
        let ami = &mut self.amis[ami];
        match to {
            Status::Deprecated => ami.deprecated = Some(at),
            Status::Disabled => {
                ami.disabled = true;
                // EC2 takes the shares away and never gives them back.
                ami.lost.append(&mut ami.shares);
            }
            Status::Available => {
                ami.disabled = false;
                ami.deprecated = None;
            }
            Status::Deleted if !ami.protected => (ami.deregistered, ami.deleted_by_us) = (true, true),
            _ => {}
        }
    }

    /// Asks Image Builder for another state of an image and its AMIs.
    pub(crate) fn start(&mut self, image: usize, to: Status, takes: Time, fate: Fate) {
        let (started, ends) = (self.now, self.now + takes);
        let it = &mut self.images[image];
        match to {
            Status::Deprecated => it.deprecated_by_us = Some(started),
            Status::Disabled => it.disabled_by_us = Some(started),
            _ => {}
        }
        it.executions.push(Execution { to, started, ends, fate, ended: false });
        self.pass(started);
    }

    /// The accounts but the owner's that use an AMI, and how many instances and launch templates of theirs do.
    pub(crate) fn users_elsewhere(&self, ami: usize, depth: u32) -> BTreeMap<&'static str, u64> {
        let mut users = BTreeMap::new();
        let owner = self.amis[ami].account;
        for instance in self.instances.iter().filter(|it| it.ami == ami && it.state != "terminated") {
            *users.entry(instance.account).or_insert(0) += 1;
        }
        for template in self.templates.iter().filter(|it| !it.deleted) {
            let newest = template.latest.saturating_sub(depth) + 1..=template.latest;
            if template.versions.range(newest).any(|(_, (launches, _))| *launches == Launches::Ami(ami)) {
                *users.entry(template.account).or_insert(0) += 1;
            }
        }
        users.remove(owner);
        users
    }
}
