//! The announcement: an event, a message, and the label by which it is remembered.

use super::call::Writing;
use crate::announcement::Announcement;
use crate::plan::{self, Answer, Call, Facts, Made, Owed, Trouble};
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_sdk_sns::types::MessageAttributeValue;
use lambda_runtime::tracing::info;
use shared::plan::Outcome;
use shared::published::ANNOUNCED;

/// Who the events of the bus are from, and what they are about.
const SOURCE: &str = "goldsmith";
const DETAIL_TYPE: &str = "Image Published";

/// Pauses for a version that not every host of Parameter Store knows yet.
const PAUSES: u32 = 10;

/// Announces what stands everywhere. The event comes first and the label last: what fails in between is done again
/// whole, so that nobody misses it.
pub(super) async fn announce(writing: &Writing<'_>, facts: &Facts) -> Outcome<Made> {
    let owed = match plan::owed(facts, writing.settings()) {
        Ok(owed) => owed,
        Err(reason) => return Outcome::skipped(reason.to_string()),
    };
    match tell(writing, facts, &owed).await {
        Ok(made) => Outcome::Done(made),
        Err(Trouble { error, retryable }) => Outcome::Failed { error, retryable },
    }
}

async fn tell(writing: &Writing<'_>, facts: &Facts, owed: &Owed) -> Result<Made, Trouble> {
    let event_id = put_event(writing, &owed.announcement).await?;
    let message_id = publish(writing, &owed.announcement).await?;
    info!(image = %owed.announcement.image_arn, message_id, event_id, "announced");
    let labels = vec![ANNOUNCED.to_owned()];
    let mut before = 0;
    loop {
        let call = Call::Label { version: owed.version, labels: labels.clone() };
        match writing.make(&facts.family.name, &owed.place, call).await {
            Answer::Done => return Ok(Made::Message { message_id, event_id }),
            Answer::Failed(trouble) => return Err(trouble),
            Answer::Refused(crate::plan::Refusal::NoVersion) if before < PAUSES => {
                writing.make(&facts.family.name, &owed.place, Call::Pause { before }).await;
                before += 1;
            }
            other => {
                let error = format!("the label {ANNOUNCED} wasn't taken in {}: {other:?}", owed.place);
                return Err(Trouble { error, retryable: false });
            }
        }
    }
}

/// events:PutEvents, which answers each event by itself.
async fn put_event(writing: &Writing<'_>, announcement: &Announcement) -> Result<String, Trouble> {
    let bus = &writing.settings().event_bus;
    let detail = serde_json::to_string(announcement).expect("text and numbers serialise");
    let entry = PutEventsRequestEntry::builder()
        .event_bus_name(bus)
        .source(SOURCE)
        .detail_type(DETAIL_TYPE)
        .resources(announcement.image_arn.to_string())
        .detail(detail)
        .build();
    let client = &writing.reader.clients.events;
    let call = async || client.put_events().entries(entry.clone()).send().await;
    let answer = writing.reader.calls.make("PutEvents", bus, call).await?;
    let entry = answer.entries.unwrap_or_default().pop();
    match entry {
        Some(entry) if answer.failed_entry_count == 0 => Ok(entry.event_id.unwrap_or_default()),
        entry => {
            let entry = entry.unwrap_or_else(|| aws_sdk_eventbridge::types::PutEventsResultEntry::builder().build());
            let code = entry.error_code.unwrap_or_else(|| "without code".to_owned());
            let message = entry.error_message.unwrap_or_default();
            let retryable = matches!(code.as_str(), "ThrottlingException" | "InternalFailure");
            Err(Trouble { error: format!("PutEvents of {bus}: {code}: {message}"), retryable })
        }
    }
}

/// sns:Publish
async fn publish(writing: &Writing<'_>, announcement: &Announcement) -> Result<String, Trouble> {
    let topic = &writing.settings().topic;
    let client = writing.reader.clients.sns.in_region(&topic.region);
    let topic = topic.to_string();
    let message = serde_json::to_string(announcement).expect("text and numbers serialise");
    let call = async || {
        let mut call = client.publish().topic_arn(&topic).message(&message);
        for (name, value) in announcement.attributes() {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value);
            let value = value.build().expect("the one required member, the data type, is set");
            call = call.message_attributes(name, value);
        }
        call.send().await
    };
    let answer = writing.reader.calls.make("Publish", &topic, call).await?;
    Ok(answer.message_id.unwrap_or_default())
}
