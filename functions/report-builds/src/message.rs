//! What a person reads: subject, text for e-mail, and, if chat is to have one, a notification for it.
//!
//! Every report says what is wrong, why, since when, and ends with what to do next, so that somebody who has never seen
//! the pipeline can do it.

mod chat;
mod content;
mod inputs;
mod links;
mod subject;
mod tell;
mod text;
mod words;

use crate::cause::{Cause, Judged, Kind, Severity};
use crate::facts::{Facts, Summary};
use crate::remember::Times;
use crate::settings::{ChatFormat, Settings};
use content::Content;
use serde::Serialize;
use serde_json::{Value, json};

/// One message for the topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Fewer than 100 characters of ASCII.
    pub subject: String,
    /// For e-mail and whatever reads text.
    pub text: String,
    /// For chat, if it is to have a form of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat: Option<Value>,
    /// The message's String attributes, for filter policies. None is empty.
    pub attributes: Vec<(&'static str, String)>,
}

/// What is to be said, whoever it is said to.
pub(crate) struct Telling<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) judged: &'a Judged<'a>,
    pub(crate) times: Times,
    pub(crate) settings: &'a Settings,
    /// Whether the holder has no room for the tag that remembers this report.
    pub(crate) forgetful: bool,
}

impl Message {
    /// What is published: the message, and its structure if that isn't plain. Chat is subscribed by HTTPS; everybody
    /// else reads the text. <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
    pub fn published(&self) -> (String, Option<&'static str>) {
        match &self.chat {
            None => (self.text.clone(), None),
            Some(chat) => (json!({"default": self.text, "https": chat.to_string()}).to_string(), Some("json")),
        }
    }
}

impl Telling<'_> {
    /// Of a cause.
    pub(crate) fn trouble(&self, cause: &Cause<'_>) -> Message {
        let mut content = tell::trouble(self, cause);
        let Times { total, untold, .. } = self.times;
        if total > 1 {
            let since_told =
                if untold > 0 { format!("; {untold} more since the last report weren't told") } else { String::new() };
            content.facts.push(("Seen", format!("{total} times{since_told}")));
        }
        self.message(self.judged.kind.name(), cause.severity, content)
    }

    /// Of a cause that is over.
    pub(crate) fn over(&self, by: Option<&Summary>) -> Message {
        self.message("recovered", Severity::Info, tell::over(self, by))
    }

    fn message(&self, kind: &'static str, severity: Severity, mut content: Content) -> Message {
        if self.forgetful {
            let note = format!(
                "This report can't be remembered, so it comes again with every event: {} has 50 tags, the most that \
                 there can be. Remove one.",
                self.judged.concerned.holder
            );
            content.next.push(note);
        }
        content.fit();
        let concerned = &self.judged.concerned;
        let mut attributes = vec![("kind", kind.to_owned()), ("severity", severity.name().to_owned())];
        attributes.extend(concerned.family.map(|family| ("family", family.to_owned())));
        attributes.extend(concerned.pipeline.map(|pipeline| ("pipeline", pipeline.name.clone())));
        Message {
            subject: subject::subject(severity, &content.title),
            text: text::text(&content),
            chat: match self.settings.chat {
                ChatFormat::None => None,
                ChatFormat::AmazonQ => Some(chat::notification(self, kind, severity, &content)),
            },
            attributes,
        }
    }
}

/// What a kind of trouble is called when it is over.
fn what_was(kind: Kind) -> &'static str {
    match kind {
        Kind::BuildFailed => "builds work again",
        Kind::BuildCancelled => "builds aren't cancelled any more",
        Kind::CveDetected => "the findings are gone",
        Kind::StepWaiting => "no step waits any more",
        Kind::PipelineDisabled => "the pipeline is enabled again",
        Kind::PipelineNotRun => "no scheduled run is overdue any more",
        Kind::InputsWithdrawn => "the recipe uses nothing withdrawn any more",
        Kind::FamilyStale => "there is a new build",
        Kind::AmiGone => "published AMIs can be launched again",
        Kind::ParameterRefused => "the parameters hold the right AMIs",
        Kind::PublishedDiffers => "the parameters hold the right AMIs again",
        Kind::DeadLetters => "the dead-letter queue is empty",
    }
}

#[cfg(test)]
mod tests;
