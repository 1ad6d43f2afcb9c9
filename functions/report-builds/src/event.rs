//! The events that the function takes, parsed once at the door: build notifications, events of Image Builder, EC2 and
//! Parameter Store, a schedule, and commands by hand. Each says where to look, and nothing else in it is believed.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use shared::arn::{Arn, ImageBuildArn};
use shared::error::chain;
use shared::event::{BadMember, Sns, kind, known, member, messages, required};
use shared::notification::{NotImageBuilder, image_of};

/// One reason to look, and what surrounds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// Where to look.
    pub subject: Subject,
    /// The event's own time. A command that answers a step needs none.
    pub time: Option<DateTime<Utc>>,
    /// The SNS message ID, or EventBridge's event ID.
    pub id: Option<String>,
    /// Whether the plan is all that is wanted.
    pub dry_run: bool,
}

/// Where to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A build changed its status, has findings, or a step of it waits: its pipeline and all of it are looked at.
    Build(ImageBuildArn),
    /// A pipeline was disabled.
    Pipeline(Arn),
    /// An AMI changed its state, published perhaps.
    Ami {
        /// Its Region.
        region: String,
        /// The account where it happened.
        account: String,
        /// `ami-…`.
        ami: String,
    },
    /// A parameter changed, or its change was refused.
    Parameter {
        /// Its Region.
        region: String,
        /// Its account.
        account: String,
        /// Its name.
        name: String,
        /// `exception`: why the change was refused. Parameter Store tells it nowhere else.
        refusal: Option<String>,
    },
    /// Everything.
    Sweep,
    /// A person answers a waiting step.
    Answer {
        /// Which way.
        answer: Answer,
        /// The build.
        image: ImageBuildArn,
        /// The step execution's ID.
        step: String,
        /// Why, if the person says so.
        reason: Option<String>,
    },
}

/// A person's answer to a waiting step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Answer {
    /// The build goes on.
    Resume,
    /// The build ends.
    Stop,
}

/// A message of a topic that is no reason to look anywhere. To take it again wouldn't help.
#[derive(Debug)]
pub struct Stray {
    /// The SNS message ID.
    pub id: Option<String>,
    /// What it is instead.
    pub why: NotImageBuilder,
}

/// An event that can't be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadEvent {
    /// No form of event that the function knows.
    #[error(
        "the event is {0}: expected a JSON object, such as {{\"time\": \"2026-11-21T06:00:00Z\", \"dryRun\": true}}"
    )]
    Form(&'static str),
    /// A member of it.
    #[error(transparent)]
    Member(#[from] BadMember),
}

/// What an event says, in its order.
///
/// # Errors
/// What is wrong with an event that isn't a topic's message.
pub fn hints(event: &Value) -> Result<Vec<Result<Hint, Stray>>, BadEvent> {
    let Value::Object(members) = event else { return Err(BadEvent::Form(kind(event))) };
    if let Some(records) = members.get("Records") {
        return Ok(messages(records)?.into_iter().map(of_message).collect::<Result<_, _>>()?);
    }
    let hint = if members.contains_key("detail-type") { of_bus(members) } else { of_document(members) };
    Ok(vec![Ok(hint?)])
}

fn of_message(sns: Sns) -> Result<Result<Hint, Stray>, BadMember> {
    let Sns { message_id: id, timestamp, message, .. } = sns;
    let build = match image_of(&message) {
        Ok(build) => build,
        Err(why) => return Ok(Err(Stray { id, why })),
    };
    let Some(time) = timestamp.as_deref().and_then(|time| time.parse().ok()) else {
        let problem = format!("{timestamp:?}: expected a time such as \"2026-11-21T06:00:00Z\"");
        return Err(BadMember::Value { field: "Records.Sns.Timestamp".to_owned(), problem });
    };
    Ok(Ok(Hint { subject: Subject::Build(build), time: Some(time), id, dry_run: false }))
}

/// An event of EventBridge: of the forms at
/// <https://docs.aws.amazon.com/imagebuilder/latest/userguide/integ-eventbridge.html>,
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitor-ami-events.html>,
/// <https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-cwe.html>, or a schedule without a
/// document.
fn of_bus(event: &Map<String, Value>) -> Result<Hint, BadMember> {
    let place = || Ok((name_in(event, "", "region")?, name_in(event, "", "account")?));
    let detail = || required::<Map<String, Value>>(event, "", "detail");
    let subject = match required::<String>(event, "", "detail-type")?.as_str() {
        "EC2 Image Builder Image State Change"
        | "EC2 Image Builder CVE Detected"
        | "EC2 Image Builder Workflow Step Waiting" => {
            Subject::Build(build(&resource(event, ":image/")?, "resources")?)
        }
        "EC2 Image Builder Image Pipeline Automatically Disabled" => {
            Subject::Pipeline(pipeline(&resource(event, ":image-pipeline/")?)?)
        }
        "EC2 AMI State Change" => {
            let (region, account) = place()?;
            Subject::Ami { region, account, ami: name_in(&detail()?, "detail.", "ImageId")? }
        }
        "Parameter Store Change" => {
            let ((region, account), detail) = (place()?, detail()?);
            let refusal = member(&detail, "detail.", "exception")?;
            Subject::Parameter { region, account, name: required(&detail, "detail.", "name")?, refusal }
        }
        "Scheduled Event" => Subject::Sweep,
        other => {
            let problem = format!(
                "{other:?}: expected an event of EC2 Image Builder, \"EC2 AMI State Change\", \"Parameter Store \
                 Change\" or \"Scheduled Event\""
            );
            return Err(BadMember::Value { field: "detail-type".to_owned(), problem });
        }
    };
    Ok(Hint { subject, time: Some(required(event, "", "time")?), id: member(event, "", "id")?, dry_run: false })
}

/// A schedule's document, or a command's.
fn of_document(document: &Map<String, Value>) -> Result<Hint, BadMember> {
    let dry_run = member(document, "", "dryRun")?.unwrap_or(false);
    let time: Option<DateTime<Utc>> = member(document, "", "time")?;
    let hint = |subject| Hint { subject, time, id: None, dry_run };
    for (name, answer) in [("resume", Answer::Resume), ("stop", Answer::Stop)] {
        if document.contains_key(name) {
            known(document, "", &[name, "time", "dryRun"], "one of resume and stop, time or dryRun")?;
            return of_answer(document, name, answer).map(hint);
        }
    }
    let subject = match member::<String>(document, "", "arn")? {
        // A notification by hand has whatever members the message has.
        Some(arn) => Subject::Build(build(&arn, "arn")?),
        None => {
            known(document, "", &["time", "dryRun"], "resume, stop, arn, time or dryRun")?;
            Subject::Sweep
        }
    };
    if time.is_none() {
        let problem = "it is missing: expected a time such as \"2026-11-21T06:00:00Z\", by which ages are told";
        return Err(BadMember::Value { field: "time".to_owned(), problem: problem.to_owned() });
    }
    Ok(hint(subject))
}

fn of_answer(document: &Map<String, Value>, name: &str, answer: Answer) -> Result<Subject, BadMember> {
    let path = format!("{name}.");
    let members: Map<String, Value> = required(document, "", name)?;
    known(&members, &path, &["image", "step", "reason"], "image, step or reason")?;
    let image: String = required(&members, &path, "image")?;
    let image = build(&image, &format!("{path}image"))?;
    let step: String = required(&members, &path, "step")?;
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if !step.strip_prefix("step-").is_some_and(|id| !id.is_empty() && id.chars().all(legal)) {
        let problem = format!("{step:?}: expected a step execution's ID, step-…");
        return Err(BadMember::Value { field: format!("{path}step"), problem });
    }
    let reason: Option<String> = member(&members, &path, "reason")?;
    if reason.as_ref().is_some_and(|reason| reason.is_empty() || reason.chars().count() > 1024) {
        let problem = "expected text of 1 to 1024 characters".to_owned();
        return Err(BadMember::Value { field: format!("{path}reason"), problem });
    }
    Ok(Subject::Answer { answer, image, step, reason })
}

/// The first of an event's resources that is of this kind.
fn resource(event: &Map<String, Value>, kind: &str) -> Result<String, BadMember> {
    let resources: Vec<String> = required(event, "", "resources")?;
    resources.into_iter().find(|arn| arn.contains(kind)).ok_or_else(|| BadMember::Value {
        field: "resources".to_owned(),
        problem: format!("none of them is an ARN with {kind:?}"),
    })
}

/// A build's ARN, as strict as in a notification.
fn build(arn: &str, field: &str) -> Result<ImageBuildArn, BadMember> {
    image_of(&json!({ "arn": arn }).to_string())
        .map_err(|error| BadMember::Value { field: field.to_owned(), problem: chain(&error) })
}

fn pipeline(text: &str) -> Result<Arn, BadMember> {
    let bad =
        || BadMember::Value { field: "resources".to_owned(), problem: format!("{text:?}: expected a pipeline's ARN") };
    let arn: Arn = text.parse().map_err(|_| bad())?;
    let name = arn.resource.strip_prefix("image-pipeline/");
    let legal = arn.service == "imagebuilder" && name.is_some_and(is_name) && is_name(&arn.region);
    if legal { Ok(arn) } else { Err(bad()) }
}

/// A Region, an account or an AMI: they become parts of host names and of calls.
fn name_in(members: &Map<String, Value>, path: &str, field: &str) -> Result<String, BadMember> {
    let name: String = required(members, path, field)?;
    let problem = || format!("{name:?}: expected letters, digits and hyphens");
    if is_name(&name) {
        Ok(name)
    } else {
        Err(BadMember::Value { field: format!("{path}{field}"), problem: problem() })
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'))
}

#[cfg(test)]
mod tests;
