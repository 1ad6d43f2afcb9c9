//! A pipeline that was disabled, didn't run, or is made of what is withdrawn; and dead letters.

use super::super::Telling;
use super::super::content::Content;
use super::super::words::{columns, counted, first, short, time};
use crate::facts::{Queue, Reference, ReferenceState, Role};
use chrono::{DateTime, Utc};
use shared::arn::Arn;

fn name(telling: &Telling<'_>) -> String {
    telling.judged.concerned.pipeline.map_or_else(String::new, |pipeline| pipeline.name.clone())
}

fn scheduled(telling: &Telling<'_>, content: &mut Content) {
    let schedule = telling.judged.concerned.pipeline.and_then(|pipeline| pipeline.schedule.as_ref());
    if let Some(schedule) = schedule {
        let zone = schedule.timezone.as_deref().unwrap_or("UTC");
        content.facts.push(("Schedule", format!("{} in {zone}", schedule.expression)));
    }
}

pub(super) fn disabled(telling: &Telling<'_>) -> Content {
    let name = name(telling);
    let failures = telling.judged.concerned.pipeline.map_or(0, |pipeline| pipeline.consecutive_failures);
    let failed = counted(failures as usize, "scheduled build");
    let mut content = telling.content(
        format!("pipeline {name} was disabled after {failed} failed"),
        format!(
            "Image Builder disabled the pipeline {name}: {failed} failed one after the other. Its schedule starts no \
             builds until somebody enables it again, so the family gets no updates."
        ),
    );
    scheduled(telling, &mut content);
    let region = &telling.facts.function.region;
    let arn = &telling.judged.concerned.holder;
    content.next = vec![
        "Find out why the builds failed: the report of the failed build says so; the pipeline's page lists them."
            .to_owned(),
        format!("Once it is put right, build by hand; that sets the count of failures back:\n{}", telling.start()),
        format!(
            "Enable the pipeline on its page in the console (Actions, Enable pipeline). With the command line, an update \
             replaces all of its settings, so read them first:\naws imagebuilder get-image-pipeline --region {region} \
             --image-pipeline-arn {arn}"
        ),
    ];
    content
}

pub(super) fn not_run(telling: &Telling<'_>, due: DateTime<Utc>) -> Content {
    let name = name(telling);
    let due = time(due);
    let mut content = telling.content(
        format!("pipeline {name} was due at {due} and didn't run"),
        format!("By its schedule the pipeline {name} was due at {due}. No build was begun since."),
    );
    scheduled(telling, &mut content);
    let last = telling.judged.concerned.pipeline.and_then(|pipeline| pipeline.last_run);
    content.facts.push(("Last run", last.map_or_else(|| "never".to_owned(), time)));
    content.next = vec![
        format!("See why it was skipped: log group /aws/imagebuilder/pipeline/{name}, one stream a day."),
        "If Image Builder couldn't start it: check that the service-linked role AWSServiceRoleForImageBuilder and the \
         pipeline's execution role exist."
            .to_owned(),
        format!("Start it by hand:\n{}", telling.start()),
    ];
    content
}

pub(super) fn withdrawn(telling: &Telling<'_>, references: &[&Reference]) -> Content {
    let name = name(telling);
    let gone = references.iter().filter(|reference| matches!(reference.state, ReferenceState::Gone(_))).count();
    let what = match (references, gone) {
        ([one], 0) => format!("uses {}, which is deprecated", short(&one.reference)),
        ([one], _) => format!("can't be built: {} can't be used", short(&one.reference)),
        (many, 0) => format!("uses {} that are deprecated", counted(many.len(), "thing")),
        (_, gone) => format!("can't be built: {} can't be used", counted(gone, "input")),
    };
    let summary = if gone == 0 {
        format!("The recipe of pipeline {name} uses what its owner has deprecated. Builds still work, for now.")
    } else {
        format!("The recipe of pipeline {name} uses what no build can be made of any more. The next build will fail.")
    };
    let mut content = telling.content(format!("pipeline {name} {what}"), summary);
    let row = |reference: &&Reference| {
        let role = if reference.role == Role::Parent { "parent" } else { "component" };
        let (state, why) = match &reference.state {
            ReferenceState::Usable => ("usable", ""),
            ReferenceState::Deprecated(why) => ("deprecated", why.as_str()),
            ReferenceState::Gone(why) => ("can't be used", why.as_str()),
            ReferenceState::Unread(why) => ("unknown", why.as_str()),
        };
        [role.to_owned(), short(&reference.reference), state.to_owned(), why.to_owned()]
    };
    let rows: Vec<[String; 4]> = references.iter().map(row).collect();
    content.section("What is withdrawn", first(columns(&rows), 30));
    content.resources.extend(references.iter().take(10).map(|reference| reference.reference.clone()));
    content.next = vec![
        "Ask the owner of each what takes its place, or whether it is to come back.".to_owned(),
        "Make a new version of the recipe that uses that, and give it to the pipeline.".to_owned(),
        format!("Build on it:\n{}", telling.start()),
    ];
    content
}

pub(super) fn dead_letters(telling: &Telling<'_>, queue: &Queue) -> Content {
    let arn = queue.arn.parse::<Arn>();
    let name = arn.as_ref().map_or(queue.arn.as_str(), |arn| arn.resource.as_str());
    let invocations = counted(usize::try_from(queue.depth).unwrap_or(usize::MAX), "invocation");
    let mut content = telling.content(
        format!("{invocations} given up: dead-letter queue {name}"),
        format!(
            "Lambda gave up {invocations} of Goldsmith's functions after trying each several times. What they were to do \
             is done by the next sweep, unless the same error stops that, too."
        ),
    );
    content.facts.push(("Queue", name.to_owned()));
    content.resources.push(queue.arn.clone());
    content.link("Queues", telling.console().queues());
    let region = &telling.facts.function.region;
    let account = arn.as_ref().map_or("", |arn| arn.account.as_str());
    content.next = vec![
        format!(
            "Read why: each message's attribute ErrorMessage holds the error, its body the event:\naws sqs \
             receive-message --region {region} --queue-url \"$(aws sqs get-queue-url --region {region} --queue-name \
             {name} --queue-owner-aws-account-id {account} --query QueueUrl --output text)\" --message-attribute-names \
             All --max-number-of-messages 10"
        ),
        "Put the cause right: mostly a permission, or a role in another account.".to_owned(),
        "Empty the queue (Purge, in the console). Sending the events again isn't needed: the next sweep sees everything."
            .to_owned(),
    ];
    content
}
