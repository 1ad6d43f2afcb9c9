//! The events that the function takes: SNS notifications, and for a test by hand the bare message or `{"arn": "…"}`.

use serde::Deserialize;
use serde_json::Value;
use shared::arn::ImageBuildArn;
use shared::notification::{NotImageBuilder, image_of};

/// One message of an event.
#[derive(Debug)]
pub struct Hint {
    /// The SNS message ID; none for an event by hand.
    pub message_id: Option<String>,
    /// The build that it names.
    pub image: Result<ImageBuildArn, NotImageBuilder>,
}

#[derive(Deserialize)]
struct SnsEvent {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "Sns")]
    sns: Sns,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Sns {
    message_id: Option<String>,
    message: String,
}

/// The messages of an event, in order. What is neither is one message that isn't Image Builder's.
pub fn hints(event: &Value) -> Vec<Hint> {
    match SnsEvent::deserialize(event) {
        Ok(event) => event
            .records
            .into_iter()
            .map(|Record { sns }| Hint { message_id: sns.message_id, image: image_of(&sns.message) })
            .collect(),
        Err(_) => vec![Hint { message_id: None, image: image_of(&event.to_string()) }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ARN: &str = "arn:aws:imagebuilder:us-east-1:123456789012:image/web/1.0.0/3";

    #[test]
    fn a_notification_and_the_same_by_hand() {
        let message = format!("{{\n  \"semver\": 1237940039285380274899124227,\n  \"arn\": \"{ARN}\"\n}}");
        let bare: Value = serde_json::from_str(&message).unwrap();
        let record = json!({"EventSource": "aws:sns", "Sns": {"MessageId": "m-1", "Subject": null, "Message": message, "MessageAttributes": {}}});
        for (event, id) in [(json!({"Records": [record]}), Some("m-1")), (bare, None), (json!({"arn": ARN}), None)] {
            let [hint] = &hints(&event)[..] else { panic!("{event}") };
            assert_eq!(hint.message_id.as_deref(), id);
            assert_eq!(hint.image.as_ref().unwrap().to_string(), ARN);
        }
    }

    #[test]
    fn what_is_something_else_is_one_message_that_is_not_image_builders() {
        for event in
            [json!({}), json!([]), json!("text"), json!({"Records": [{"s3": {}}]}), json!({"source": "aws.ec2"})]
        {
            let [hint] = &hints(&event)[..] else { panic!("{event}") };
            assert!(hint.image.is_err(), "{event}");
        }
        let event = json!({"Records": [{"Sns": {"MessageId": "m-2", "Message": "hello"}}]});
        assert!(matches!(&hints(&event)[..], [Hint { message_id: Some(id), image: Err(_) }] if id == "m-2"));
    }
}
