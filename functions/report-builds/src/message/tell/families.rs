//! A family that is too old, or isn't published as it should be.

use super::super::Telling;
use super::super::content::Content;
use super::super::words::{columns, counted, first, image, span, time};
use crate::facts::{AmiState, Known, Place, Summary};
use chrono::TimeDelta;

pub(super) fn stale(telling: &Telling<'_>, newest: Option<&Summary>, limit: TimeDelta) -> Content {
    let family = telling.of_whom();
    let limit = span(limit);
    let mut content = match newest {
        Some(build) => {
            let age = span(telling.facts.now - build.created);
            let summary = format!(
                "The newest AVAILABLE build of {family}, {}, is {age} old; at most {limit} are wanted.",
                image(&build.arn)
            );
            let mut content =
                telling.of_build(build, format!("{family} is stale: its newest build is {age} old"), summary);
            content.facts.push(("Built", time(build.created)));
            content
        }
        None => telling.content(
            format!("{family} is stale: it has no AVAILABLE build"),
            format!("The family {family} has no AVAILABLE build, though its pipeline is older than {limit}."),
        ),
    };
    let pipeline = telling.judged.concerned.pipeline;
    if let Some(pipeline) = pipeline {
        let runs = match (&pipeline.schedule, pipeline.enabled) {
            (_, false) => "no: the pipeline is disabled".to_owned(),
            (None, true) => "by hand only: the pipeline has no schedule".to_owned(),
            (Some(schedule), true) => schedule.expression.clone(),
        };
        content.facts.push(("Runs", runs));
    }
    content.next.push(format!("Build:\n{}", telling.start()));
    content.next.push(
        "If builds fail, or are skipped because nothing they are made of changed, the pipeline's page says so; a schedule \
         without the condition on updates builds every time."
            .to_owned(),
    );
    if let Some(pipeline) = pipeline {
        content.next.push(format!(
            "If this family may be older, say how old, or never:\naws imagebuilder tag-resource --region {} \
             --resource-arn {} --tags {}=90d",
            telling.facts.function.region,
            pipeline.arn,
            shared::tags::STALE_AFTER
        ));
    }
    content
}

/// Region, account, parameter and what it holds.
fn held(place: &Place) -> [String; 4] {
    let holds = match &place.holds {
        Known::Is(None) => "no parameter".to_owned(),
        Known::Is(Some(holds)) => {
            let build = holds.build.as_ref().map(|build| format!(" of {}", image(build))).unwrap_or_default();
            format!("version {} holds {}{build}", holds.version, holds.value)
        }
        Known::Unread(_) | Known::Unasked => "unknown".to_owned(),
    };
    [place.region.clone(), place.account.clone(), place.parameter.clone(), holds]
}

fn wanted(place: &Place) -> String {
    let wanted = place.wanted.as_ref();
    wanted.map_or_else(String::new, |(build, ami)| format!("should hold {} of {}", ami.id, image(build)))
}

/// Links to the parameters of the first places.
fn look(telling: &Telling<'_>, content: &mut Content, places: &[&Place]) {
    for place in places.iter().filter(|place| place.account == telling.facts.function.account).take(3) {
        content.link("Parameter", telling.console_in(&place.region).parameter(&place.parameter));
        if let Some(holds) = place.holds.get().and_then(Option::as_ref).filter(|holds| holds.value.starts_with("ami-"))
        {
            content.link("AMI", telling.console_in(&place.region).ami(&holds.value));
        }
    }
}

pub(super) fn gone(telling: &Telling<'_>, places: &[&Place]) -> Content {
    let family = telling.of_whom();
    let state = |place: &Place| place.holds.get().and_then(Option::as_ref).map(|holds| holds.ami.clone());
    let disabled = places.iter().filter(|place| state(place) == Some(Known::Is(AmiState::Disabled))).count();
    let what = match (disabled, places.len() - disabled) {
        (_, 0) => "disabled",
        (0, _) => "deregistered",
        _ => "disabled or deregistered",
    };
    let (amis, was) = match places.len() {
        1 => ("a published AMI".to_owned(), "was"),
        n => (format!("{n} published AMIs"), "were"),
    };
    let mut content = telling.content(
        format!("{family}: {amis} {was} {what}"),
        format!(
            "Somebody {what} what is published for {family}, outside of Goldsmith. Launches through the parameter fail \
             there, those of Auto Scaling groups as well."
        ),
    );
    let row = |place: &&Place| {
        let now = match state(place) {
            Some(Known::Is(AmiState::Disabled)) => "is disabled",
            _ => "doesn't exist any more",
        };
        let [region, account, parameter, holds] = held(place);
        [region, account, parameter, format!("{holds}, which {now}")]
    };
    content.section("Where", first(columns(&places.iter().map(row).collect::<Vec<_>>()), 30));
    look(telling, &mut content, places);
    for place in places.iter().filter(|place| state(place) == Some(Known::Is(AmiState::Disabled))).take(3) {
        let ami = place.holds.get().and_then(Option::as_ref).map_or("", |holds| holds.value.as_str());
        content.next.push(format!(
            "Enable it, in account {}; launch permissions have to be given again:\naws ec2 enable-image --region {} \
             --image-id {ami}",
            place.account, place.region
        ));
    }
    if disabled < places.len() {
        content.next.push(
            "If the Recycle Bin of that Region and account still has the AMI, restore it from there (aws ec2 \
             list-images-in-recycle-bin, restore-image-from-recycle-bin)."
                .to_owned(),
        );
        content.next.push(format!("Otherwise build a new one, which is published as usual:\n{}", telling.start()));
    }
    content.next.push(
        "Find out who it was (DisableImage, DeregisterImage in that account's CloudTrail), so that it doesn't happen again."
            .to_owned(),
    );
    content
}

pub(super) fn refused(telling: &Telling<'_>, places: &[&Place]) -> Content {
    let family = telling.of_whom();
    let whose = match places {
        [one] => format!("in {} of account {}", one.region, one.account),
        many => format!("in {}", counted(many.len(), "place")),
    };
    let mut content = telling.content(
        format!("{family}: Parameter Store refused the AMI {whose}"),
        format!(
            "Parameter Store checked the new AMI of {family} {whose} and refused it. The parameter still holds what it \
             held before, so launches there get the older image."
        ),
    );
    let row = |place: &&Place| {
        let [region, account, parameter, holds] = held(place);
        let said = place.refusal.as_deref().unwrap_or_default();
        [region, account, parameter, format!("{holds}; {}; refused: {said}", wanted(place))]
    };
    content.section("Where", first(columns(&places.iter().map(row).collect::<Vec<_>>()), 30));
    look(telling, &mut content, places);
    content.next = vec![
        "Check that the AMI exists in that Region and is shared with that account, and that its state is available."
            .to_owned(),
        "Check that whoever writes the parameter there may call ec2:DescribeImages: the AMI is checked with that right."
            .to_owned(),
        "Write it again: the next sweep of fan-out-amis does.".to_owned(),
    ];
    content
}

pub(super) fn differs(telling: &Telling<'_>, places: &[&Place]) -> Content {
    let family = telling.of_whom();
    let what = counted(places.len(), "parameter");
    let mut content = telling.content(
        format!("{family}: {what} {} the right AMI", if places.len() == 1 { "doesn't hold" } else { "don't hold" }),
        format!(
            "{what} of {family} should hold the AMI of its newest build for longer than a day now, and {} not.",
            if places.len() == 1 { "does" } else { "do" }
        ),
    );
    let row = |place: &&Place| {
        let [region, account, parameter, holds] = held(place);
        [region, account, parameter, format!("{holds}; {}", wanted(place))]
    };
    content.section("Where", first(columns(&places.iter().map(row).collect::<Vec<_>>()), 30));
    look(telling, &mut content, places);
    content.next = vec![
        "See why fan-out-amis doesn't write it: its log names the call that fails, mostly for want of a role or \
         permission in that account."
            .to_owned(),
        "If somebody set it back on purpose, give that version the label hold; then nothing is said.".to_owned(),
        "Otherwise nothing: the next sweep of fan-out-amis writes it once it may.".to_owned(),
    ];
    content
}
