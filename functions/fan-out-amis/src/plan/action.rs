//! What can be done about a family.

use super::place::{Content, Place};
use super::reason::Reason;
use serde::Serialize;
use shared::arn::ImageBuildArn;

/// What is to be done about one family.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The family.
    pub family: String,
    /// The build that it is about: the notification's, the newest AVAILABLE one, or a command's target.
    pub image: Option<ImageBuildArn>,
    /// Why there is nothing to do at all, or why the command can't be followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// What is to be done, place by place, the announcement last. Steps of the same place are carried out in this order.
    pub steps: Vec<Step>,
}

/// One action with its reason and outcome.
pub type Step = shared::plan::Step<Action, Reason, Made>;

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "camelCase")]
pub enum Action {
    /// Write a version of the parameter: the newest build has to stand last, or the one that is held.
    Write(Target),
    /// Put labels where they belong, without a new version.
    Label(Target),
    /// Write a build again whose version would be dropped with its labels, and move the labels to the new one.
    Renew(Target),
    /// Leave the parameter as it is.
    Keep(Target),
    /// Roll the parameter back to the target's build, and hold it there.
    Hold(Target),
    /// Take `hold` off, and let the newest AVAILABLE build stand last again.
    Release(Target),
    /// Move a channel to the target's build.
    Promote(ChannelTarget),
    /// Move a channel back to the target's build, and hold it there.
    HoldChannel(ChannelTarget),
    /// Take the channel's hold off.
    ReleaseChannel(ChannelTarget),
    /// Leave a channel where it is.
    KeepChannel(ChannelTarget),
    /// Tell the topic and the event bus.
    #[serde(rename_all = "camelCase")]
    Announce {
        /// The topic's ARN.
        topic: String,
        /// The event bus, by name or ARN.
        event_bus: String,
    },
}

/// A parameter and what belongs into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Target {
    /// The Region and account of the parameter.
    #[serde(flatten)]
    pub place: Place,
    /// The parameter's name.
    pub parameter: String,
    /// The build: the one that was asked for, or another one that has to stand last again.
    pub build: Option<ImageBuildArn>,
    /// Its AMI or container images there, if they are known.
    #[serde(flatten)]
    pub content: Option<Content>,
}

/// A channel of a parameter, and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChannelTarget {
    /// The Region and account of the parameter.
    #[serde(flatten)]
    pub place: Place,
    /// The parameter's name.
    pub parameter: String,
    /// The channel.
    pub channel: String,
    /// The build.
    pub build: Option<ImageBuildArn>,
}

/// What an action brought forth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Made {
    /// The version of a parameter that stands last, or that the channel is on.
    #[serde(rename_all = "camelCase")]
    Version {
        /// Its number.
        parameter_version: i64,
    },
    /// A message and an event.
    #[serde(rename_all = "camelCase")]
    Message {
        /// The message's ID.
        message_id: String,
        /// The event's ID.
        event_id: String,
    },
    /// There is nothing to name.
    Nothing {},
}
