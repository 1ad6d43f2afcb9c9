//! Where families are published: the parameters, and the AMIs that they hold.

use super::lists::Listed;
use super::{Reader, Trouble};
use crate::facts::{AmiState, Holds, Known, Place};
use crate::settings::Settings;
use shared::ec2::{DescribeImages, Filter};
use shared::image::{Ami, Status};
use shared::inventory::each;
use shared::published;
use shared::resolve::is_gone;
use std::collections::{BTreeMap, BTreeSet};

/// Versions of a page, the most that there can be.
const PAGE: i32 = 50;

/// Parameters of a page, the most that there can be.
const PARAMETERS: i32 = 10;

/// The most values that a filter takes.
const FILTER_VALUES: usize = 200;

/// A Region and an account.
pub(super) type At = (String, String);

/// Every Region and account where a build of the family has an AMI, with the AMI of the newest AVAILABLE one. Newest is
/// what has the highest version, as for those who publish.
pub(super) fn of_family(family: &str, listed: &[Listed], settings: &Settings) -> Vec<Place> {
    let mut places: BTreeMap<At, Option<(&Listed, &Ami)>> = BTreeMap::new();
    for listed in listed.iter().filter(|listed| listed.summary.is_good()) {
        for ami in &listed.amis {
            let wanted = places.entry((ami.region.clone(), ami.account.clone())).or_default();
            let newer = wanted.is_none_or(|(other, _)| other.summary.arn.order() < listed.summary.arn.order());
            if listed.summary.status == Status::Available && newer {
                *wanted = Some((listed, ami));
            }
        }
    }
    let places = places.into_iter().map(|((region, account), wanted)| Place {
        region,
        account,
        parameter: settings.parameter(family),
        wanted: wanted.map(|(listed, ami)| (listed.summary.arn.clone(), ami.clone())),
        holds: Known::Unasked,
        refusal: None,
    });
    places.collect()
}

/// ssm:GetParametersByPath: the family whose parameter holds an AMI.
///
/// # Errors
/// That the parameters couldn't be read.
pub(super) async fn holding(
    reader: Reader<'_>,
    (region, account): (&str, &str),
    ami: &str,
) -> Result<Option<String>, Trouble> {
    let path = &reader.settings.parameter_prefix;
    let client = reader.clients.ssm.at(account, region).await.map_err(Trouble::from)?;
    let page = async |token| {
        let call = client.get_parameters_by_path().path(path).max_results(PARAMETERS).set_next_token(token);
        call.send().await.map(|answer| (answer.parameters, answer.next_token))
    };
    let resource = format!("{path} in {region} of account {account}");
    let parameters = reader.calls.list("GetParametersByPath", &resource, page).await;
    let parameters = parameters.map_err(|error| Trouble::essential(&error))?;
    let holding = parameters.into_iter().find(|parameter| parameter.value.as_deref() == Some(ami));
    let name = holding.and_then(|parameter| parameter.name);
    Ok(name.and_then(|name| Some(name.strip_prefix(path)?.strip_prefix('/')?.to_owned())))
}

/// What each place holds, and what became of the AMIs there.
pub(super) async fn read(reader: Reader<'_>, places: Vec<Place>, unread: &mut Vec<Trouble>) -> Vec<Place> {
    let read = each(places, async |place| (newest_version(reader, &place).await, place)).await;
    let note = |(holds, place): (Result<Option<Holds>, Trouble>, Place)| match holds {
        Ok(holds) => Place { holds: Known::Is(holds), ..place },
        Err(trouble) => {
            unread.push(trouble.clone());
            Place { holds: Known::Unread(trouble.error), ..place }
        }
    };
    let mut places = read.into_iter().map(note).collect::<Vec<_>>();
    look(reader, &mut places, unread).await;
    places
}

/// ssm:GetParameterHistory: the newest version; none if there is no such parameter.
async fn newest_version(reader: Reader<'_>, place: &Place) -> Result<Option<Holds>, Trouble> {
    let Place { region, account, parameter, .. } = place;
    let client = reader.clients.ssm.at(account, region).await?;
    let page = async |token| {
        let call = client.get_parameter_history().name(parameter).max_results(PAGE).set_next_token(token);
        call.send().await.map(|answer| (answer.parameters, answer.next_token))
    };
    let resource = format!("{parameter} in {region} of account {account}");
    let versions = match reader.calls.list("GetParameterHistory", &resource, page).await {
        Ok(versions) => versions,
        Err(error) if is_gone(&error) => return Ok(None),
        Err(error) => return Err(Trouble::of(&error)),
    };
    let newest = versions.into_iter().max_by_key(|version| version.version);
    Ok(newest.map(|version| Holds {
        version: version.version,
        value: version.value.unwrap_or_default(),
        build: version.description.and_then(|description| description.parse().ok()),
        held: version.labels.unwrap_or_default().iter().any(|label| label == published::HOLD),
        ami: Known::Unasked,
    }))
}

/// Asks EC2 about the AMIs of all places, one place's at once.
async fn look(reader: Reader<'_>, places: &mut [Place], unread: &mut Vec<Trouble>) {
    let mut asked: BTreeMap<At, BTreeSet<String>> = BTreeMap::new();
    for place in places.iter() {
        if let Known::Is(Some(holds)) = &place.holds
            && holds.value.starts_with("ami-")
        {
            let at = (place.region.clone(), place.account.clone());
            asked.entry(at).or_default().insert(holds.value.clone());
        }
    }
    let read = each(asked, async |(at, amis)| (at.clone(), states(reader, &at, amis).await)).await;
    unread.extend(read.iter().filter_map(|(_, states)| states.as_ref().err().cloned()));
    let known: BTreeMap<At, _> = read.into_iter().collect();
    for place in places {
        let Known::Is(Some(holds)) = &mut place.holds else { continue };
        holds.ami = match known.get(&(place.region.clone(), place.account.clone())) {
            // Whoever wrote something else wrote no AMI that could be gone.
            _ if !holds.value.starts_with("ami-") => Known::Is(AmiState::Other("no AMI ID".to_owned())),
            Some(Ok(states)) => Known::Is(states.get(&holds.value).cloned().unwrap_or(AmiState::Gone)),
            Some(Err(trouble)) => Known::Unread(trouble.error.clone()),
            None => Known::Unasked,
        };
    }
}

/// ec2:DescribeImages by filter: AMIs that aren't there are left out, and fail nothing.
pub(super) async fn states(
    reader: Reader<'_>,
    (region, account): &At,
    amis: BTreeSet<String>,
) -> Result<BTreeMap<String, AmiState>, Trouble> {
    let client = reader.clients.ec2.at(account, region).await?;
    let amis: Vec<String> = amis.into_iter().collect();
    let mut states = BTreeMap::new();
    for amis in amis.chunks(FILTER_VALUES) {
        let request = DescribeImages {
            filters: vec![Filter::new("image-id", amis)],
            include_deprecated: true,
            include_disabled: true,
            ..DescribeImages::default()
        };
        let resource = format!("{} in {region} of account {account}", amis.join(", "));
        let mut next: Option<String> = None;
        loop {
            let call = async || client.describe_images(&request, next.as_deref()).await;
            let page = reader.calls.ask("DescribeImages", &resource, call).await;
            let page = page.map_err(|error| Trouble::of(&error))?;
            let found = page.items.into_iter().map(|image| (image.image_id, AmiState::from(image.state.as_str())));
            states.extend(found);
            if page.next.is_none() || page.next == next {
                break;
            }
            next = page.next;
        }
    }
    Ok(states)
}

impl From<&str> for AmiState {
    fn from(text: &str) -> Self {
        match text {
            "available" => Self::Available,
            "disabled" => Self::Disabled,
            "deregistered" => Self::Gone,
            other => Self::Other(other.to_owned()),
        }
    }
}
