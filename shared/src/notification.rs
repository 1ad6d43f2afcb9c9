//! Image Builder's SNS message. It names a build; nothing else in it is believed.

use crate::arn::{BadArn, ImageBuildArn};
use serde::Deserialize;

/// Every other member is left unread: `semver` is an integer beyond 64 bits, dates are US text, and which
/// members exist depends on how far the build came.
#[derive(Deserialize)]
struct Message {
    arn: String,
}

/// Text that isn't a message of Image Builder.
#[derive(Debug, thiserror::Error)]
pub enum NotImageBuilder {
    /// No JSON object with a text member `arn`.
    #[error("not an Image Builder message: expected a JSON object with the member \"arn\"")]
    Form(#[source] serde_json::Error),
    /// `arn` names something else, such as a pipeline or an image version without build.
    #[error("not an Image Builder message: it names no image build")]
    Arn(#[source] BadArn),
    /// No Region or image of AWS is called so. The Region becomes part of a host name, so this is checked first.
    #[error("not an Image Builder message: {0:?} can't be the name of a Region or an image")]
    Name(String),
}

/// The build that a message is about: `arn` of Image Builder's message, or of `{"arn": "…"}` written by hand.
///
/// # Errors
/// What stands in the text instead.
pub fn image_of(message: &str) -> Result<ImageBuildArn, NotImageBuilder> {
    let message: Message = serde_json::from_str(message).map_err(NotImageBuilder::Form)?;
    let arn: ImageBuildArn = message.arn.parse().map_err(NotImageBuilder::Arn)?;
    for (name, underscore) in [(&arn.region, false), (&arn.family, true)] {
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || (underscore && c == '_');
        if name.is_empty() || !name.chars().all(legal) {
            return Err(NotImageBuilder::Name(name.clone()));
        }
    }
    Ok(arn)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:imagebuilder:eu-west-1:123456789012:image/web-server/2.0.1/4";

    #[test]
    fn an_available_build_with_the_forms_that_hurt() {
        let message = format!(
            r#"{{
  "versionlessArn": "arn:aws:imagebuilder:eu-west-1:123456789012:image/web-server",
  "semver": 2475880078570760549798248452,
  "arn": "{ARN}",
  "name": "Web Server",
  "version": "2.0.1",
  "buildVersion": 4,
  "type": "AMI",
  "state": {{ "status": "AVAILABLE" }},
  "imageTestsConfigurationDocument": {{ "imageTestsEnabled": true, "timeoutMinutes": 720 }},
  "dateCreated": "Aug 27, 2026 6:43:22{}PM",
  "outputResources": {{ "amis": [ {{ "region": "eu-west-1", "image": "ami-0123456789abcdef0" }} ] }},
  "tags": {{ "internalId": "1a234567-8901-2345-bcd6-ef7890123456" }}
}}"#,
            '\u{202f}'
        );
        assert_eq!(image_of(&message).unwrap().to_string(), ARN);
    }

    #[test]
    fn the_largest_version_and_a_failed_build() {
        for semver in [u128::from(u64::MAX) + 1, (1 << 120) - 1] {
            let message = format!(
                r#"{{"arn": "{ARN}", "semver": {semver}, "state": {{"status": "FAILED", "reason": "r"}}, "outputResources": {{"amis": []}}}}"#
            );
            assert_eq!(image_of(&message).unwrap().to_string(), ARN);
        }
        assert_eq!(image_of(&format!(r#"{{"arn": "{ARN}"}}"#)).unwrap().to_string(), ARN);
    }

    #[test]
    fn anything_else_is_told_apart() {
        let form = ["", "hello", "[]", "\"text\"", "{}", r#"{"arn": 1}"#, r#"{"AlarmName": "x"}"#];
        for text in form {
            assert!(matches!(image_of(text), Err(NotImageBuilder::Form(_))), "{text}");
        }
        let arn = ["", "ami-1", "arn:aws:imagebuilder:eu-west-1:123456789012:image/web/1.0.0", "arn:aws:sns:r:1:t"];
        for text in arn {
            let text = format!(r#"{{"arn": "{text}"}}"#);
            assert!(matches!(image_of(&text), Err(NotImageBuilder::Arn(_))), "{text}");
        }
        for (region, family) in [("evil.example/", "web"), ("", "web"), ("eu-west-1", "../web"), ("eu-west-1", "w b")] {
            let text = format!(r#"{{"arn": "arn:aws:imagebuilder:{region}:123456789012:image/{family}/1.0.0/1"}}"#);
            assert!(image_of(&text).is_err(), "{text}");
        }
    }
}
