//! The custom notification of Amazon Q Developer in chat applications, for Slack and Teams,
//! <https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html>.

use super::Telling;
use super::content::Content;
use super::words::cut;
use crate::cause::Severity;
use serde_json::{Value, json};
use shared::token::client_token;

/// How long a description may get: Slack shows no more than 3000 characters in one piece,
/// <https://docs.slack.dev/reference/block-kit/blocks/section-block>.
const MOST: usize = 2800;

pub(super) fn notification(telling: &Telling<'_>, kind: &str, severity: Severity, content: &Content) -> Value {
    let Telling { facts, judged, .. } = telling;
    let concerned = &judged.concerned;
    let (account, region) = (&facts.function.account, &facts.function.region);
    let subject = concerned.family.unwrap_or("functions");
    let mut description = format!("{}\n", escaped(&content.summary));
    for (name, value) in &content.facts {
        description += &format!("\n*{name}:* {}", escaped(value));
    }
    for section in &content.sections {
        // What a service says doesn't end the block that it stands in.
        let lines: Vec<_> = section.lines.iter().map(|line| escaped(&line.replace("```", "'''"))).collect();
        description += &format!("\n\n*{}*\n```\n{}\n```", escaped(&section.heading), lines.join("\n"));
    }
    // A cut through the last section would leave its fence open.
    let fenced = cut(&description, MOST);
    let open = fenced.matches("```").count() % 2 == 1;
    let mut description = if open { format!("{fenced}\n```") } else { fenced };
    for (name, url) in &content.links {
        description += &format!("\n{name}: {url}");
    }
    let context = content.facts.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.clone())));
    json!({
        "version": "1.0",
        "source": "custom",
        "id": client_token(&["report", &concerned.holder, kind, &facts.now.to_rfc3339()]),
        "content": {
            "textType": "client-markdown",
            "title": format!("{} {}", sign(severity), escaped(&cut(&content.title, 200))),
            "description": description,
            "nextSteps": content.next.iter().map(|step| escaped(step)).collect::<Vec<_>>(),
            "keywords": [kind, severity.name(), subject],
        },
        "metadata": {
            "threadId": format!("goldsmith/{account}/{region}/{subject}"),
            "summary": cut(&content.title, 200),
            "eventType": kind,
            "relatedResources": content.resources,
            "additionalContext": context.collect::<serde_json::Map<_, _>>(),
        },
    })
}

/// Slack's three characters that have a meaning, <https://docs.slack.dev/messaging/formatting-message-text>.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn sign(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => ":information_source:",
        Severity::Warning => ":warning:",
        Severity::Error => ":x:",
        Severity::Critical => ":rotating_light:",
    }
}
