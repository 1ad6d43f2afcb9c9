//! The events that the function takes: messages of topics, changes of parameters, schedules, and commands by hand.

use crate::plan::{BaseImage, Cause, Mode, Select};
use serde_json::{Map, Value};
use shared::event::{BadMember, Sns, kind, known, member, messages, required};
use shared::notification::{NotImageBuilder, image_of};

/// One reason to look, and what surrounds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// Where to look.
    pub cause: Cause,
    /// The event's own time, RFC 3339; none for a command by hand that names none.
    pub time: Option<String>,
    /// The SNS message ID.
    pub message_id: Option<String>,
    /// Whether the plan is all that is wanted.
    pub dry_run: bool,
}

/// A message of a topic that is no reason to look anywhere. To take it again wouldn't help.
#[derive(Debug)]
pub struct Stray {
    /// The SNS message ID.
    pub message_id: Option<String>,
    /// What it is instead.
    pub why: NotImageBuilder,
}

/// An event that can't be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadEvent {
    /// No form of event that the function knows.
    #[error(
        "the event is {0}: expected a JSON object, such as {{\"select\": {{\"names\": [\"web-*\"]}}, \"mode\": \
         \"if-changed\", \"dryRun\": true}}"
    )]
    Form(&'static str),
    /// A member of it.
    #[error(transparent)]
    Member(#[from] BadMember),
}

/// What AWS calls the topics of its base images, <https://docs.aws.amazon.com/linux/al2023/ug/receive-update-notification.html>,
/// <https://docs.aws.amazon.com/AWSEC2/latest/WindowsGuide/windows-ami-version-history.html>,
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ECS-AMI-SubscribeTopic.html>. A topic of one's own that
/// passes their messages on goes by the same name.
const TOPICS: [(&str, BaseImage); 5] = [
    ("amazon-linux-2-ami-updates", BaseImage::AmazonLinux2),
    ("amazon-linux-2023-ami-updates", BaseImage::AmazonLinux2023),
    ("ec2-windows-ami-update", BaseImage::Windows),
    ("ec2-windows-ami-private", BaseImage::Windows),
    ("ecs-optimized-amazon-ami-update", BaseImage::EcsOptimized),
];

/// What an event says, in its order.
///
/// # Errors
/// What is wrong with an event that isn't a topic's message.
pub fn hints(event: &Value) -> Result<Vec<Result<Hint, Stray>>, BadEvent> {
    let Value::Object(members) = event else { return Err(BadEvent::Form(kind(event))) };
    if let Some(records) = members.get("Records") {
        return Ok(messages(records)?.into_iter().map(of_message).collect());
    }
    if members.contains_key("detail-type") {
        return Ok(vec![Ok(of_bus(members)?)]);
    }
    if members.contains_key("arn") {
        let bad = |error| BadMember::Value { field: "arn".to_owned(), problem: shared::error::chain(&error) };
        return Ok(vec![Ok(Hint::of(Cause::Build(image_of(&event.to_string()).map_err(bad)?)))]);
    }
    Ok(vec![Ok(of_document(members)?)])
}

/// The topics of base images are told by their names, and their messages not read: some are JSON, some plain English,
/// and none says more than that something changed. Any other message has to be Image Builder's.
fn of_message(sns: Sns) -> Result<Hint, Stray> {
    let Sns { message_id, topic_arn, timestamp: time, message } = sns;
    let topic = topic_arn.rsplit(':').next().unwrap_or_default();
    let cause = match TOPICS.iter().find(|(name, _)| *name == topic) {
        Some((_, base)) => Ok(Cause::BaseImage(base.clone())),
        None => image_of(&message).map(Cause::Build),
    };
    match cause {
        Ok(cause) => Ok(Hint { cause, time, message_id, dry_run: false }),
        Err(why) => Err(Stray { message_id, why }),
    }
}

/// An event of EventBridge: a parameter changed, or a schedule without a document came due.
fn of_bus(event: &Map<String, Value>) -> Result<Hint, BadMember> {
    let time: Option<String> = member(event, "", "time")?;
    let detail_type: String = required(event, "", "detail-type")?;
    let cause = match detail_type.as_str() {
        "Parameter Store Change" => {
            let detail: Map<String, Value> = required(event, "", "detail")?;
            Cause::BaseImage(BaseImage::Parameter(required(&detail, "detail.", "name")?))
        }
        "Scheduled Event" => Cause::sweep(),
        other => {
            let problem = format!("{other:?}: expected \"Parameter Store Change\" or \"Scheduled Event\"");
            return Err(BadMember::Value { field: "detail-type".to_owned(), problem });
        }
    };
    Ok(Hint { time, ..Hint::of(cause) })
}

/// A schedule's document, or a command's.
fn of_document(document: &Map<String, Value>) -> Result<Hint, BadMember> {
    known(document, "", &["select", "mode", "dryRun", "time"], "select, mode, dryRun or time")?;
    let select: Map<String, Value> = member(document, "", "select")?.unwrap_or_default();
    known(&select, "select.", &["tags", "names", "arns"], "tags, names or arns")?;
    let select = Select {
        tags: member(&select, "select.", "tags")?.unwrap_or_default(),
        names: member(&select, "select.", "names")?.unwrap_or_default(),
        arns: member(&select, "select.", "arns")?.unwrap_or_default(),
    };
    let mode: Mode = member(document, "", "mode")?.unwrap_or_default();
    let dry_run = member(document, "", "dryRun")?.unwrap_or(false);
    let time = member(document, "", "time")?;
    Ok(Hint { time, dry_run, ..Hint::of(Cause::Schedule { select, mode }) })
}

impl Hint {
    fn of(cause: Cause) -> Self {
        Self { cause, time: None, message_id: None, dry_run: false }
    }
}

#[cfg(test)]
mod tests;
