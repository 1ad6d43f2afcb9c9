//! The dead-letter queues.

use super::{Reader, Trouble};
use crate::clients::queue_url;
use crate::facts::{Known, Queue};
use aws_sdk_sqs::types::QueueAttributeName;
use shared::arn::Arn;
use shared::error::AwsError;
use shared::inventory::{CallError, each};

/// How many messages wait in each queue of the settings. One whose tags can't be read isn't told of: nobody would know
/// whether it was already.
pub(super) async fn read(reader: Reader<'_>, unread: &mut Vec<Trouble>) -> Known<Vec<Queue>> {
    let mut queues = Vec::new();
    for read in each(&reader.settings.queues, async |arn| queue(reader, arn).await).await {
        match read {
            Ok(queue) => queues.push(queue),
            Err(error) => unread.push(Trouble::essential(&error)),
        }
    }
    Known::Is(queues)
}

/// sqs:GetQueueUrl, GetQueueAttributes and ListQueueTags
async fn queue(reader: Reader<'_>, arn: &Arn) -> Result<Queue, CallError> {
    let client = reader.clients.sqs.in_region(&arn.region);
    let name = arn.to_string();
    let url = queue_url(reader.clients, reader.calls, arn).await?;
    let depth = QueueAttributeName::ApproximateNumberOfMessages;
    let call = async || client.get_queue_attributes().queue_url(&url).attribute_names(depth.clone()).send().await;
    let attributes = reader.calls.make("GetQueueAttributes", &name, call).await?.attributes;
    let depth = attributes.and_then(|attributes| attributes.get(&depth)?.parse().ok());
    let lacks = || AwsError::unreadable("GetQueueAttributes", &name, "the answer lacks ApproximateNumberOfMessages");
    let depth = depth.ok_or_else(lacks)?;
    let call = async || client.list_queue_tags().queue_url(&url).send().await;
    let tags = reader.calls.make("ListQueueTags", &name, call).await?.tags;
    Ok(Queue { arn: name, depth, tags: tags.unwrap_or_default().into_iter().collect() })
}
