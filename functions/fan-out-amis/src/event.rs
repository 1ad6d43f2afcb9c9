//! The events that the function takes: notifications of Image Builder, the sweep's schedule, and commands by hand.

use aws_sdk_ssm::primitives::{DateTime, DateTimeFormat};
use serde_json::{Map, Value};
use shared::arn::ImageBuildArn;
use shared::error::chain;
use shared::event::{BadMember, Sns, kind, known, member, messages, required};
use shared::notification::{NotImageBuilder, image_of};
use shared::published::{CHANNEL_NAME, is_channel_name};
use shared::version::Version;

/// One reason to look, and what surrounds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Hint {
    /// Where to look.
    pub cause: Cause,
    /// The event's own time; none for an event by hand that names none. What depends on the time isn't decided then.
    pub time: Option<DateTime>,
    /// The SNS message ID.
    pub message_id: Option<String>,
    /// Whether the plan is all that is wanted.
    pub dry_run: bool,
}

/// What an invocation is about. It only says where to look: what is published is what Image Builder says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// A build became AVAILABLE.
    Build(ImageBuildArn),
    /// Everything is to be put right: of the families with these names, in which `*` stands for any characters, or of
    /// all if there are none.
    Sweep(Vec<String>),
    /// Somebody wants something of a family.
    Command(Command),
}

/// What somebody wants of a family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Move a channel to a build, and let the rules move it again.
    Promote {
        /// The family's name.
        family: String,
        /// The channel.
        channel: String,
        /// The build.
        to: Wanted,
    },
    /// Write the build before as the newest version and hold it there; or move a channel to where it was before and hold
    /// it there.
    Rollback {
        /// The family's name.
        family: String,
        /// The channel, if it isn't about the parameter's newest version.
        channel: Option<String>,
        /// The build, if it isn't the one before. Never [`Wanted::Latest`], and never with a channel.
        to: Option<Wanted>,
    },
    /// Let notifications and the sweep move the parameter again, or rules the channel.
    Release {
        /// The family's name.
        family: String,
        /// The channel, if it isn't about the parameter's newest version.
        channel: Option<String>,
    },
    /// Say what is published.
    Show {
        /// The family's name.
        family: String,
    },
}

/// Which published build is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// The one that stands last.
    Latest,
    /// The newest one of a version.
    Version(Version),
    /// The one with this build number.
    Build(Version, u32),
    /// The one with this ARN.
    Arn(ImageBuildArn),
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
    #[error("the event is {0}: expected a JSON object, such as {{\"show\": {{\"family\": \"web\"}}}}")]
    Form(&'static str),
    /// It isn't said what is wanted, or more than one thing.
    #[error(
        "the event's members are {0}: expected exactly one of arn, sweep, promote, rollback, release and show, and \
         perhaps time and dryRun"
    )]
    Which(String),
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
        return Ok(messages(records)?.into_iter().map(of_message).collect());
    }
    let time = match member::<String>(members, "", "time")? {
        Some(text) => Some(time(&text).ok_or_else(|| {
            let problem = format!("{text:?}: expected a time of RFC 3339, such as 2026-01-31T06:00:00Z");
            BadMember::Value { field: "time".to_owned(), problem }
        })?),
        None => None,
    };
    let (cause, dry_run) = match members.contains_key("detail-type") {
        true => (of_bus(members)?, false),
        false => (by_hand(event, members)?, member(members, "", "dryRun")?.unwrap_or(false)),
    };
    Ok(vec![Ok(Hint { cause, time, message_id: None, dry_run })])
}

fn of_message(sns: Sns) -> Result<Hint, Stray> {
    let Sns { message_id, timestamp, message, .. } = sns;
    match image_of(&message) {
        Ok(build) => {
            let time = timestamp.as_deref().and_then(time);
            Ok(Hint { cause: Cause::Build(build), time, message_id, dry_run: false })
        }
        Err(why) => Err(Stray { message_id, why }),
    }
}

/// An event of EventBridge: a schedule without a document came due.
fn of_bus(event: &Map<String, Value>) -> Result<Cause, BadMember> {
    let detail_type: String = required(event, "", "detail-type")?;
    if detail_type == "Scheduled Event" {
        return Ok(Cause::Sweep(Vec::new()));
    }
    let problem = format!("{detail_type:?}: expected \"Scheduled Event\"");
    Err(BadMember::Value { field: "detail-type".to_owned(), problem })
}

const CAUSES: [&str; 6] = ["arn", "sweep", "promote", "rollback", "release", "show"];

fn by_hand(event: &Value, members: &Map<String, Value>) -> Result<Cause, BadEvent> {
    let asked: Vec<&str> = CAUSES.into_iter().filter(|name| members.contains_key(*name)).collect();
    let [asked] = asked[..] else {
        let names: Vec<&str> = members.keys().map(String::as_str).collect();
        return Err(BadEvent::Which(if names.is_empty() { "none".to_owned() } else { names.join(", ") }));
    };
    if asked == "arn" {
        // The whole message of Image Builder may be given as well, with members that nobody reads.
        let problem = |error| BadMember::Value { field: "arn".to_owned(), problem: chain(&error) };
        return Ok(image_of(&event.to_string()).map(Cause::Build).map_err(problem)?);
    }
    if let Some(name) = members.keys().find(|name| ![asked, "time", "dryRun"].contains(&name.as_str())) {
        let expected = "time and dryRun beside what is wanted";
        return Err(BadMember::Unknown { field: name.clone(), expected }.into());
    }
    let Some(Value::Object(wanted)) = members.get(asked) else {
        let problem = "expected an object".to_owned();
        return Err(BadMember::Value { field: asked.to_owned(), problem }.into());
    };
    let path = format!("{asked}.");
    Ok(match asked {
        "sweep" => {
            known(wanted, &path, &["families"], "families")?;
            Cause::Sweep(member(wanted, &path, "families")?.unwrap_or_default())
        }
        "promote" => {
            let expected = "family, channel, and one of version, build and to";
            known(wanted, &path, &["family", "channel", "version", "build", "to"], expected)?;
            let family = family(wanted, &path)?;
            let Some(channel) = channel(wanted, &path)? else {
                return Err(BadMember::missing(&path, "channel").into());
            };
            let Some(to) = to(wanted, &path, &family)? else {
                let problem = format!("it is missing: expected {expected}");
                return Err(BadMember::Value { field: format!("{path}to"), problem }.into());
            };
            Cause::Command(Command::Promote { family, channel, to })
        }
        "rollback" => {
            known(wanted, &path, &["family", "channel", "version", "build"], "family, channel, version or build")?;
            let family = family(wanted, &path)?;
            let (channel, to) = (channel(wanted, &path)?, to(wanted, &path, &family)?);
            if channel.is_some() && to.is_some() {
                let problem = "a channel is rolled back to where it was before: to move it to a build of your choice, \
                               promote it";
                return Err(BadMember::Value { field: format!("{path}channel"), problem: problem.to_owned() }.into());
            }
            Cause::Command(Command::Rollback { family, channel, to })
        }
        "release" => {
            known(wanted, &path, &["family", "channel"], "family or channel")?;
            Cause::Command(Command::Release { family: family(wanted, &path)?, channel: channel(wanted, &path)? })
        }
        _ => {
            known(wanted, &path, &["family"], "family")?;
            Cause::Command(Command::Show { family: family(wanted, &path)? })
        }
    })
}

/// The name of an image as it stands in ARNs, which becomes part of a parameter's name.
fn family(members: &Map<String, Value>, path: &str) -> Result<String, BadMember> {
    let name: String = required(members, path, "family")?;
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    if !name.is_empty() && name.chars().all(legal) {
        return Ok(name);
    }
    let problem = format!(
        "{name:?}: expected an image's name as it stands in its ARN, in lower-case letters, digits, hyphens and underscores"
    );
    Err(BadMember::Value { field: format!("{path}family"), problem })
}

fn channel(members: &Map<String, Value>, path: &str) -> Result<Option<String>, BadMember> {
    let Some(name) = member::<String>(members, path, "channel")? else { return Ok(None) };
    if is_channel_name(&name) {
        return Ok(Some(name));
    }
    let problem = format!("{name:?}: expected {CHANNEL_NAME}");
    Err(BadMember::Value { field: format!("{path}channel"), problem })
}

fn to(members: &Map<String, Value>, path: &str, family: &str) -> Result<Option<Wanted>, BadMember> {
    let bad = |name: &str, problem: String| BadMember::Value { field: format!("{path}{name}"), problem };
    let given: Vec<&str> = ["version", "build", "to"].into_iter().filter(|name| members.contains_key(*name)).collect();
    if let [_, second, ..] = given[..] {
        return Err(bad(second, format!("{} is given as well: expected one of them", given[0])));
    }
    if let Some(version) = member::<String>(members, path, "version")? {
        let expected = || format!("{version:?}: expected a version such as 1.2.0");
        return version.parse().map(|version| Some(Wanted::Version(version))).map_err(|_| bad("version", expected()));
    }
    if let Some(build) = member::<String>(members, path, "build")? {
        let short = build.split_once('/').and_then(|(version, number)| {
            Some(Wanted::Build(version.parse().ok()?, number.parse().ok().filter(|number| *number > 0)?))
        });
        let arn = || build.parse::<ImageBuildArn>().ok().filter(|arn| arn.family == family).map(Wanted::Arn);
        let expected = || format!("{build:?}: expected a build of {family}, by ARN or such as 1.2.0/3");
        return short.or_else(arn).map(Some).ok_or_else(|| bad("build", expected()));
    }
    match member::<String>(members, path, "to")?.as_deref() {
        None => Ok(None),
        Some("latest") => Ok(Some(Wanted::Latest)),
        Some(other) => Err(bad("to", format!("{other:?}: expected \"latest\""))),
    }
}

fn time(text: &str) -> Option<DateTime> {
    DateTime::from_str(text, DateTimeFormat::DateTimeWithOffset).ok()
}

#[cfg(test)]
mod tests;
