//! What EC2 says about AMIs, place by place. Whatever couldn't be read is noted where it is missing.

use super::pinned::Pinned as Found;
use super::place::{Place, REFERENCES_AT_ONCE, Report};
use super::{Observer, time};
use crate::plan::{AmiFacts, At, Known, Reference, References, Registered, Shares, Snapshot, Usage};
use aws_sdk_imagebuilder::primitives::DateTime;
use chrono::TimeDelta;
use shared::ec2::{self, LaunchPermission};
use shared::error::chain;
use shared::image::Ami;
use shared::inventory::each;
use std::collections::{BTreeMap, BTreeSet};

/// Whether it has to be known who else may use an AMI, and does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Elsewhere {
    /// Not now: its image's step is far.
    Later,
    /// If it is shared.
    IfShared,
    /// Also if it isn't shared any more: EC2 took its launch permissions away when it was disabled.
    Always,
}

/// When the users that no depth limits are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pinned {
    /// Once for the whole run.
    Kept,
    /// Now, for the last look.
    Fresh,
}

/// What EC2 says about some AMIs.
pub(super) async fn facts(
    observer: &Observer<'_>,
    amis: BTreeMap<Ami, Elsewhere>,
    pinned: Pinned,
) -> BTreeMap<Ami, AmiFacts> {
    let mut by_place: BTreeMap<At, BTreeMap<Ami, Elsewhere>> = BTreeMap::new();
    for (ami, elsewhere) in amis {
        by_place.entry(At::of(&ami)).or_default().insert(ami, elsewhere);
    }
    let read = each(by_place, async |(at, amis)| of_place(observer, &at, amis, pinned).await);
    read.await.into_iter().flatten().collect()
}

async fn of_place(
    observer: &Observer<'_>,
    at: &At,
    amis: BTreeMap<Ami, Elsewhere>,
    pinned: Pinned,
) -> Vec<(Ami, AmiFacts)> {
    let place = match Place::at(observer.reader, at).await {
        Ok(place) => place,
        Err(why) => return amis.into_keys().map(|ami| (ami, AmiFacts::unread(&why))).collect(),
    };
    let ids: Vec<String> = amis.keys().map(|ami| ami.id.clone()).collect();
    let registered = place.images(&ids).await.map_err(|error| chain(&error));
    let there = |id: &String| registered.as_ref().is_ok_and(|found| found.get(id).is_some_and(is_there));
    let ids: Vec<String> = ids.into_iter().filter(there).collect();
    let later = |ami: &Ami| amis.get(ami) == Some(&Elsewhere::Later);
    let near = amis.keys().filter(|ami| !later(ami) && there(&ami.id)).map(|ami| ami.id.as_str());
    let (references, shares, pinned) = tokio::join!(
        references(observer, &place, &ids),
        each(near, async |id| {
            // EC2 takes the launch permissions of a disabled AMI away.
            let disabled =
                registered.as_ref().is_ok_and(|found| found.get(id).is_some_and(|it| it.state == "disabled"));
            let shares = if disabled { Known::Is(Shares::default()) } else { shares(&place, id).await };
            (id, shares)
        }),
        observer.pinned(&place, at, pinned, ids.is_empty()),
    );
    let shares: BTreeMap<&str, Known<Shares>> = shares.into_iter().collect();
    let needs_report = |(ami, elsewhere): &(&Ami, &Elsewhere)| {
        let is_shared = |known: &Known<Shares>| known.get().is_some_and(|it| !it.is_empty() && !it.public);
        shares.get(ami.id.as_str()).is_some_and(|known| is_shared(known) || **elsewhere == Elsewhere::Always)
    };
    let asked: Vec<String> = amis.iter().filter(needs_report).map(|(ami, _)| ami.id.clone()).collect();
    let reports = match asked.as_slice() {
        [] => Ok(BTreeMap::new()),
        asked => {
            let since = observer.now - TimeDelta::days(1);
            let since = DateTime::from_secs(since.timestamp());
            place.reports(asked, since, observer.settings.launch_template_depth).await.map_err(|error| chain(&error))
        }
    };
    let facts = |ami: &Ami| {
        let gone = || "the AMI isn't there".to_owned();
        let why = || if later(ami) { "it is asked for a day before its step".to_owned() } else { gone() };
        let registered = match &registered {
            Ok(found) => Known::Is(found.get(&ami.id).filter(|image| is_there(image)).map(of_image)),
            Err(why) => Known::Unread(why.clone()),
        };
        let references = match references.get(&ami.id) {
            Some(Ok(found)) => users(at, found, &pinned, &ami.id),
            Some(Err(why)) => References::Unread(why.clone()),
            None => References::Unread(gone()),
        };
        let shares = shares.get(ami.id.as_str()).cloned().unwrap_or_else(|| Known::Unread(why()));
        let usage = match &reports {
            _ if later(ami) => Usage::Unread(why()),
            Ok(found) => found.get(&ami.id).map_or(Usage::Absent, usage),
            Err(why) => Usage::Unread(why.clone()),
        };
        (ami.clone(), AmiFacts { registered, references, shares, usage })
    };
    amis.keys().map(facts).collect()
}

/// What refers to each AMI, or why that isn't known.
async fn references(
    observer: &Observer<'_>,
    place: &Place<'_>,
    ids: &[String],
) -> BTreeMap<String, Result<BTreeSet<Reference>, String>> {
    let depth = observer.settings.launch_template_depth;
    let read = each(ids.chunks(REFERENCES_AT_ONCE), async |ids| (ids, place.references(ids, depth).await)).await;
    let mut all = BTreeMap::new();
    for (ids, read) in read {
        let mut read = read.map_err(|error| chain(&error));
        for id in ids {
            let found = match &mut read {
                Ok(found) => Ok(found.remove(id).unwrap_or_default()),
                Err(why) => Err(why.clone()),
            };
            all.insert(id.clone(), found);
        }
    }
    all
}

/// Both kinds of users together. One that is known is enough to keep an AMI, whatever couldn't be read.
fn users(at: &At, found: &BTreeSet<Reference>, pinned: &Found, id: &str) -> References {
    let more = pinned.users.get(id).into_iter().flatten();
    let all: BTreeSet<Reference> = found.iter().chain(more).cloned().collect();
    match &pinned.missing {
        _ if !all.is_empty() => References::Some(all.into_iter().collect()),
        None => References::None(BTreeSet::from([at.clone()])),
        Some(why) => References::Unread(why.clone()),
    }
}

async fn shares(place: &Place<'_>, id: &str) -> Known<Shares> {
    let permissions = match place.shares(id).await {
        Ok(permissions) => permissions,
        Err(error) => return Known::Unread(chain(&error)),
    };
    let mut shares = Shares::default();
    for permission in permissions {
        match permission {
            LaunchPermission::UserId(account) => drop(shares.accounts.insert(account)),
            LaunchPermission::OrganizationArn(arn) | LaunchPermission::OrganizationalUnitArn(arn) => {
                shares.organizations.insert(arn);
            }
            LaunchPermission::Group(_) => shares.public = true,
        }
    }
    Known::Is(shares)
}

/// Whether an AMI can still be used, or be enabled again.
fn is_there(image: &ec2::Image) -> bool {
    image.state != "deregistered"
}

fn of_image(image: &ec2::Image) -> Registered {
    let snapshots = image.block_device_mappings.iter().filter_map(|device| device.ebs.as_ref());
    let protection = image.deregistration_protection.as_deref();
    Registered {
        state: image.state.clone(),
        deprecation_time: image.deprecation_time.as_ref().and_then(time),
        last_launched: image.last_launched_time.as_ref().and_then(time),
        protected: protection.is_some_and(|protection| protection != "disabled"),
        tags: image.tags.clone(),
        snapshots: snapshots
            .filter_map(|ebs| Some(Snapshot { id: ebs.snapshot_id.clone()?, gib: ebs.volume_size.unwrap_or(0).into() }))
            .collect(),
    }
}

fn usage(report: &Report) -> Usage {
    match (report.state.as_str(), report.created.as_ref().and_then(time)) {
        ("available", Some(at)) => Usage::Read { at, by: report.by.clone() },
        ("pending", _) => Usage::Pending,
        (state, _) => Usage::Failed(report.reason.clone().unwrap_or_else(|| format!("it is {state}"))),
    }
}

impl AmiFacts {
    fn unread(why: &str) -> Self {
        let why = || why.to_owned();
        Self {
            registered: Known::Unread(why()),
            references: References::Unread(why()),
            shares: Known::Unread(why()),
            usage: Usage::Unread(why()),
        }
    }
}
