//! What happens in an account, apart from the function under test.

use super::accounts::Tape;
use super::world::*;
use std::collections::{BTreeMap, BTreeSet};

/// Something that happens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event {
    pub(crate) at: Time,
    /// Between a run's plan and the last look at its images.
    pub(crate) late: bool,
    what: What,
    subject: usize,
    numbers: [usize; 3],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Build,
    Launch,
    Instance,
    /// Everything that uses an AMI goes.
    Abandon,
    Template,
    Group,
    Parameter,
    Label,
    KeepTag,
    PipelineTag,
    Pipeline,
    Share,
    Outside,
    Publish,
}

/// The plain ones more often than the odd ones.
const WHAT: [What; 26] = [
    What::Build,
    What::Build,
    What::Build,
    What::Launch,
    What::Launch,
    What::Launch,
    What::Instance,
    What::Instance,
    What::Abandon,
    What::Abandon,
    What::Template,
    What::Template,
    What::Template,
    What::Group,
    What::Group,
    What::Parameter,
    What::Label,
    What::Label,
    What::KeepTag,
    What::PipelineTag,
    What::Pipeline,
    What::Share,
    What::Outside,
    What::Outside,
    What::Outside,
    What::Publish,
];

const LABELS: [&str; 7] = ["prod", "prod-previous", "canary", "announced", "hold", "prod-hold", "v1.0.0-1"];
const STATES: [&str; 5] = ["terminated", "stopped", "stopping", "shutting-down", "pending"];

pub(crate) fn pipeline_tag(tape: &mut Tape<'_>) -> (&'static str, &'static str) {
    tape.one(&[
        ("goldsmith:keep", "2"),
        ("goldsmith:keep", "3"),
        ("goldsmith:deprecate-after", "36h"),
        ("goldsmith:deprecate-after", "6d"),
        ("goldsmith:disable-after", "2d"),
        ("goldsmith:disable-after", "1w"),
        ("goldsmith:delete-after", "1d"),
        ("goldsmith:delete-after", "5d"),
        ("goldsmith:retire", "never"),
        ("goldsmith:retire", "soon"),
        ("goldsmith:keep", "all"),
        ("goldsmith:keep", "0"),
        ("goldsmith:deprecate-after", "30"),
        ("goldsmith:disable-after", "-1d"),
        ("goldsmith:delete-after", ""),
    ])
}

pub(crate) fn event(tape: &mut Tape<'_>) -> Event {
    let what = tape.one(&WHAT);
    let days = Time::try_from(tape.below(28)).unwrap();
    let at = (days - 1) * DAY + Time::try_from(tape.below(24)).unwrap() * HOUR + 7 * MINUTE;
    let late = tape.percent(25);
    let subject = tape.below(1000);
    Event { at, late, what, subject, numbers: [tape.below(1000), tape.below(1000), tape.below(1000)] }
}

/// A pipeline makes another build, which is published where it is newer.
pub(crate) fn build(world: &mut World, pipeline: usize, tape: &mut Tape<'_>) -> usize {
    let Pipeline { family, version, mut parent, .. } = world.pipelines[pipeline];
    if world.resolve(parent).is_none() {
        // Before there was anything to build on, it was built on Amazon's.
        parent = Parent::Managed;
    }
    let status = tape.below(12);
    let status = match status {
        10 => Status::Failed,
        11 => [Status::Cancelled, Status::Building][tape.below(2)],
        _ => Status::Available,
    };
    let newest = world.builds(family).filter(|&it| world.images[it].version == version);
    let build = newest.map(|it| world.images[it].build).max().unwrap_or(0) + 1;
    let places: &[Place] = match tape.below(6) {
        _ if world.families[family].container || status == Status::Building => &[],
        0..3 => &[(HOME, OWN)],
        3 => &[(HOME, OWN), (ABROAD, OWN)],
        4 => &[(HOME, OWN), (HOME, COPIES)],
        _ => &[(HOME, OWN), (ABROAD, COPIES)],
    };
    let share = [None, None, None, Some(STRANGER), Some(COPIES), Some(ORGANIZATION)][tape.below(6)];
    let share = if tape.percent(6) { Some("all") } else { share };
    let mut amis = Vec::new();
    for &(region, account) in places {
        let shares: BTreeSet<String> = share.filter(|share| *share != account).map(str::to_owned).into_iter().collect();
        amis.push(world.amis.len());
        world.amis.push(Ami {
            region,
            account,
            deregistered: false,
            deleted_by_us: false,
            disabled: false,
            deprecated: None,
            protected: false,
            foreign: false,
            tags: BTreeMap::new(),
            shares,
            launches: vec![],
            lost: BTreeSet::new(),
        });
    }
    let image = world.images.len();
    world.images.push(Image {
        family,
        version,
        build,
        status,
        created: world.now,
        parent,
        made_from: world.resolve(parent),
        tags: BTreeMap::new(),
        amis: amis.clone(),
        executions: vec![],
        deprecated_by_us: None,
        disabled_by_us: None,
    });
    let forgotten = tape.percent(4);
    if status == Status::Available {
        for (index, ami) in amis.into_iter().enumerate() {
            if !(forgotten && index == 1) {
                publish(world, image, ami);
            }
        }
    }
    image
}

/// Moves a family's parameter to a newer build, never to an older one.
fn publish(world: &mut World, image: usize, ami: usize) {
    let place = world.amis[ami].place();
    let history = world.families[world.images[image].family].places.entry(place).or_default();
    let newer = |last: &Publication| world.images[last.image].order() < world.images[image].order();
    if history.last().is_none_or(newer) {
        history.push(Publication { image, ami, at: world.now, labels: BTreeSet::new(), foreign: false });
    }
}

impl Event {
    /// Makes it happen, if it can. Nothing happens to an image while its state is being changed.
    pub(crate) fn happen(&self, world: &mut World) {
        if world.images.is_empty() {
            return;
        }
        match self.what {
            What::Build => {
                let numbers = self.numbers.map(|number| u16::try_from(number).unwrap());
                let pipeline = self.subject % world.pipelines.len();
                if !world.pipelines[pipeline].deleted {
                    build(world, pipeline, &mut Tape::new(&numbers));
                }
            }
            What::Launch => self.launch(world),
            What::Instance => {
                let count = world.instances.len();
                // What is terminated stays so.
                if count > 0 && world.instances[self.subject % count].state != "terminated" {
                    world.instances[self.subject % count].state = STATES[self.numbers[0] % STATES.len()];
                }
            }
            What::Abandon => self.abandon(world),
            What::Template => self.template(world),
            What::Group => self.group(world),
            What::Parameter => {
                if let Some((ami, account)) = self.ami(world) {
                    let region = world.amis[ami].region;
                    if world.amis[ami].launchable_by(account) {
                        world.parameters.push(Parameter { account, region, ami, deleted: false });
                    }
                }
            }
            What::Label => self.label(world),
            What::KeepTag => self.keep(world),
            What::PipelineTag => {
                let pipeline = self.subject % world.pipelines.len();
                let tags = &mut world.pipelines[pipeline].tags;
                if self.numbers[0] % 2 == 1 || tags.is_empty() {
                    let number = [u16::try_from(self.numbers[1]).unwrap()];
                    let (tag, value) = pipeline_tag(&mut Tape::new(&number));
                    tags.insert(tag.to_owned(), value.to_owned());
                } else {
                    tags.pop_first();
                }
            }
            What::Pipeline => self.pipeline(world),
            What::Share => self.share(world),
            What::Outside => self.outside(world),
            What::Publish => self.publish(world),
        }
    }

    /// An AMI, and an account that may use it.
    fn ami(&self, world: &World) -> Option<(usize, &'static str)> {
        if world.amis.is_empty() {
            return None;
        }
        let ami = self.subject % world.amis.len();
        let it = &world.amis[ami];
        let accounts = [it.account, it.account, OWN, COPIES, STRANGER];
        let account = accounts[self.numbers[0] % accounts.len()];
        // Mostly what a retired image would miss: an old one.
        Some((ami, if it.launchable_by(account) { account } else { it.account }))
    }

    fn launch(&self, world: &mut World) {
        let Some((ami, account)) = self.ami(world) else { return };
        if world.amis[ami].launchable_by(account) {
            let state = ["running", "running", "stopped", "pending", "terminated"][self.numbers[1] % 5];
            world.instances.push(Instance { ami, account, state, launched: world.now });
            let now = world.now;
            world.amis[ami].launches.push(now);
        }
    }

    fn abandon(&self, world: &mut World) {
        let Some((ami, _)) = self.ami(world) else { return };
        world.instances.iter_mut().filter(|it| it.ami == ami).for_each(|it| it.state = "terminated");
        world.parameters.iter_mut().filter(|it| it.ami == ami).for_each(|it| it.deleted = true);
        for template in &mut world.templates {
            template.deleted |= template.versions.values().any(|(launches, _)| *launches == Launches::Ami(ami));
        }
    }

    /// A new template, or more versions of one: up to hundreds.
    fn template(&self, world: &mut World) {
        let Some((ami, account)) = self.ami(world) else { return };
        let (region, now) = (world.amis[ami].region, world.now);
        let launches = match self.numbers[1] % 8 {
            7 => Launches::Parameter(world.images[0].family),
            _ => Launches::Ami(ami),
        };
        let fits = |it: &&mut Template| !it.deleted && (it.region, it.account) == (region, account);
        let existing = world.templates.iter_mut().find(fits);
        match (existing, self.numbers[2] % 6) {
            (Some(template), 0) => template.default = template.latest,
            (Some(template), 1) => template.latest += 300,
            (Some(template), 2) => template.latest += 5,
            (Some(template), 3) => {
                template.latest += 1;
                template.versions.insert(template.latest, (Launches::Else, now));
            }
            (Some(template), _) => {
                template.latest += 1;
                template.versions.insert(template.latest, (launches, now));
            }
            (None, drawn) => {
                let first = if drawn == 5 { 150 } else { 1 };
                let versions = BTreeMap::from([(first, (launches, now))]);
                world.templates.push(Template { account, region, versions, default: 1, latest: first, deleted: false });
            }
        }
    }

    /// An Auto Scaling group comes, or goes.
    fn group(&self, world: &mut World) {
        let count = world.templates.len();
        if count == 0 {
            return;
        }
        let template = self.subject % count;
        let numbers: Vec<u32> = world.templates[template].versions.keys().copied().collect();
        let pin = match self.numbers[0] % 4 {
            0 => Pin::Default,
            1 => Pin::Latest,
            _ => Pin::Number(numbers[self.numbers[1] % numbers.len()]),
        };
        if self.numbers[2] % 4 == 3 {
            world.groups.iter_mut().filter(|it| it.template == template).for_each(|it| it.deleted = true);
        } else {
            world.groups.push(Group { template, pin, deleted: false });
        }
    }

    /// A label moves to another version of a family's parameter, wherever it has one, or away.
    fn label(&self, world: &mut World) {
        let family = self.subject % world.families.len();
        let label = LABELS[self.numbers[0] % LABELS.len()];
        let places = &mut world.families[family].places;
        let images: BTreeSet<usize> = places.values().flatten().map(|it| it.image).collect();
        let Some(&image) = images.iter().nth(self.numbers[1] % images.len().max(1)) else { return };
        for history in places.values_mut() {
            history.iter_mut().for_each(|it| _ = it.labels.remove(label));
            if self.numbers[2] % 4 < 3
                && let Some(version) = history.iter_mut().rev().find(|it| it.image == image)
            {
                version.labels.insert(label.to_owned());
            }
        }
    }

    fn keep(&self, world: &mut World) {
        let image = self.subject % world.images.len();
        let amis = &world.images[image].amis;
        let tags = match amis.get(self.numbers[0] % 3) {
            Some(&ami) if self.numbers[1] % 2 == 1 => &mut world.amis[ami].tags,
            _ => &mut world.images[image].tags,
        };
        if tags.remove("goldsmith:keep-image").is_none() {
            tags.insert("goldsmith:keep-image".to_owned(), ["", "why not", "false"][self.numbers[2] % 3].to_owned());
        }
    }

    fn pipeline(&self, world: &mut World) {
        let index = self.subject % world.pipelines.len();
        let family = world.pipelines[index].family;
        let older: Vec<usize> = (0..world.images.len()).filter(|&image| world.images[image].family < family).collect();
        let drawn = older.get(self.numbers[1] % older.len().max(1)).copied();
        let home = |image: usize| {
            let mut amis = world.images[image].amis.iter().copied();
            amis.find(|&ami| world.amis[ami].place() == (HOME, OWN) && !world.amis[ami].deregistered)
        };
        let there = drawn.filter(|&image| world.images[image].status != Status::Deleted);
        match (self.numbers[0] % 5, there) {
            (1, Some(image)) => world.pipelines[index].parent = Parent::Build(image),
            (2, Some(image)) => {
                if let Some(ami) = home(image) {
                    world.pipelines[index].parent = Parent::Ami(ami);
                }
            }
            (3, _) => world.pipelines[index].deleted = true,
            (4, _) => world.pipelines[index].parent = Parent::Managed,
            _ => world.pipelines[index].enabled = !world.pipelines[index].enabled,
        }
    }

    fn share(&self, world: &mut World) {
        let Some((ami, _)) = self.ami(world) else { return };
        let share = [STRANGER, COPIES, OWN, ORGANIZATION, "all"][self.numbers[1] % 5];
        let busy = world.maker(ami).is_some_and(|image| world.images[image].running().is_some());
        let it = &mut world.amis[ami];
        // EC2 doesn't share what is disabled.
        if !it.disabled && !it.deregistered && share != it.account && !busy && !it.shares.remove(share) {
            it.shares.insert(share.to_owned());
        }
    }

    /// What people and other tools do behind Image Builder's back, or at least behind the function's.
    fn outside(&self, world: &mut World) {
        let image = self.subject % world.images.len();
        if world.images[image].running().is_some() || world.images[image].status == Status::Deleted {
            return;
        }
        let (now, at) = (world.now, self.numbers[1] % world.images[image].amis.len().max(1));
        let Some(&ami) = world.images[image].amis.get(at) else { return };
        let (record, it) = (&mut world.images[image], &mut world.amis[ami]);
        if it.deregistered {
            return;
        }
        match self.numbers[0] % 7 {
            6 => it.foreign = true,
            0 => it.protected = !it.protected,
            1 => it.deregistered = !it.protected,
            2 => {
                it.disabled = true;
                it.shares.clear();
            }
            3 => it.deprecated = Some(now),
            // By hand, the AMIs with the record.
            4 if matches!(record.status, Status::Deprecated | Status::Disabled) => {
                record.status = Status::Available;
                (record.deprecated_by_us, record.disabled_by_us) = (None, None);
                for ami in record.amis.clone() {
                    world.amis[ami].disabled = false;
                    world.amis[ami].deprecated = None;
                    world.amis[ami].lost.clear();
                }
            }
            _ => {
                // The function's own memory.
                record.tags.retain(|tag, _| !tag.ends_with("-at"));
                (record.deprecated_by_us, record.disabled_by_us) = (None, None);
            }
        }
    }

    /// Somebody rolls a parameter back, or writes an AMI into it.
    fn publish(&self, world: &mut World) {
        let family = self.subject % world.families.len();
        let (now, foreign) = (world.now, self.numbers[1] % 3 == 2);
        let amis = &world.amis;
        for history in world.families[family].places.values_mut() {
            let index = self.numbers[0] % history.len().max(1);
            let Some(Publication { image, ami, .. }) = history.get(index).cloned() else { continue };
            if !amis[ami].deregistered && !amis[ami].disabled && history.last().is_some_and(|last| last.ami != ami) {
                history.push(Publication { image, ami, at: now, labels: BTreeSet::new(), foreign });
            }
        }
    }
}
