//! The announcement: an event, a message, and the label by which it is remembered.

use super::call::Writing;
use super::run;
use crate::announcement::{Announcement, DETAIL_TYPE, SOURCE};
use crate::observe::verify;
use crate::plan::{self, Facts, Made, NotOwed, Trouble, Writer};
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_sdk_sns::types::MessageAttributeValue;
use lambda_runtime::tracing::info;
use shared::plan::Outcome;

/// Announces what stands everywhere, if its AMIs are available there. The event and the message come first and the label
/// last: what fails in between is done again whole, so that nobody misses it.
pub(super) async fn announce(writing: &Writing<'_>, facts: &mut Facts) -> Outcome<Made> {
    verify(writing.reader, facts).await;
    let owed = match plan::owed(facts, writing.reader.settings) {
        Ok(owed) => owed,
        Err(not @ NotOwed::Unverified { retryable, .. }) => {
            return Outcome::Failed { error: not.to_string(), retryable };
        }
        Err(not) => return Outcome::skipped(not.to_string()),
    };
    let made = match tell(writing, &owed.announcement).await {
        Ok(made) => made,
        Err(Trouble { error, retryable }) => return Outcome::Failed { error, retryable },
    };
    let build = owed.announcement.image_arn.clone();
    let mut writer = Writer::remember(facts, writing.reader.settings, owed.remembers, build);
    let outcome = run(writing, &facts.family.name, &mut writer).await;
    if outcome.is_failure() { outcome } else { Outcome::Done(made) }
}

async fn tell(writing: &Writing<'_>, announcement: &Announcement) -> Result<Made, Trouble> {
    let event_id = put_event(writing, announcement).await?;
    let message_id = publish(writing, announcement).await?;
    info!(image = %announcement.image_arn, message_id, event_id, "announced");
    Ok(Made::Message { message_id, event_id })
}

/// events:PutEvents, which answers each event by itself.
async fn put_event(writing: &Writing<'_>, announcement: &Announcement) -> Result<String, Trouble> {
    let bus = &writing.reader.settings.event_bus;
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
    let topic = &writing.reader.settings.topic;
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
